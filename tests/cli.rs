//! The command line, as somebody at the machine uses it.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

use serde_json::Value;

/// A machine of its own: a folder for everything that commands keep.
struct Machine(tempfile::TempDir);

impl Machine {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn command(&self, line: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_kirana"));
        command.args(line.split_whitespace()).current_dir(self.path()).env_clear().env("XDG_DATA_HOME", self.path());
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// Runs a command with nothing on its standard input.
    fn run(&self, line: &str) -> Output {
        self.command(line).output().unwrap()
    }

    /// Runs a command with a password on its standard input.
    fn run_with(&self, line: &str, password: &str) -> Output {
        let mut child = self.command(line).stdin(Stdio::piped()).spawn().unwrap();
        writeln!(child.stdin.take().unwrap(), "{password}").unwrap();
        child.wait_with_output().unwrap()
    }

    fn json(&self, line: &str) -> Value {
        let output = self.run(line);
        assert!(output.status.success(), "{line}: {}", said(&output));
        serde_json::from_slice(&output.stdout).unwrap()
    }

    fn serve(&self) -> Server {
        let mut child = self.command("serve --listen 127.0.0.1:0").spawn().unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        lines.find(|line| line.as_ref().unwrap().contains("Server running on http://127.0.0.1:")).unwrap().unwrap();
        // What else it says must not fill the pipe.
        std::thread::spawn(move || lines.for_each(drop));
        Server(child)
    }
}

struct Server(Child);

impl Server {
    /// Asks it to end, as a service manager does; answers how it ended.
    fn terminate(mut self) -> Option<i32> {
        assert!(Command::new("kill").args(["-TERM", &self.0.id().to_string()]).status().unwrap().success());
        self.0.wait().unwrap().code()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It has ended already when the test went well.
        let _ = self.0.kill();
    }
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn refused(output: &Output, code: i32, sentence: &str) {
    assert_eq!(output.status.code(), Some(code), "{}", said(output));
    assert!(said(output).contains(sentence), "{}", said(output));
}

/// Each account as its user name and status.
fn statuses(users: &Value) -> String {
    let shown = |user: &Value| format!("{} {}", user["username"], user["status"]).replace('"', "");
    users.as_array().unwrap().iter().map(shown).collect::<Vec<_>>().join(", ")
}

#[test]
fn a_command_does_the_same_whether_or_not_a_server_has_the_database() {
    let machine = Machine::new();
    refused(&machine.run("user list"), 66, "there is no database");
    let add = "user add --role owner --username asha --password-stdin --quiet";
    assert!(machine.run_with(add, "correct horse").status.success());
    refused(&machine.run_with(add, "correct horse"), 1, "already taken");
    assert_eq!(statuses(&machine.json("user list --json")), "asha active");

    let server = machine.serve();
    refused(&machine.run_with(add, "correct horse"), 1, "already taken");
    let add = "user add --role stock-keeper --username ravi --password-stdin";
    refused(&machine.run_with(add, "123456"), 1, "one of the first");
    assert!(machine.run_with(add, "correct horse").status.success());
    assert!(machine.run("user disable RAVI").status.success());
    refused(&machine.run("user disable asha"), 1, "at least one active owner");
    refused(&machine.run("user disable nobody"), 1, "no such account");
    assert_eq!(statuses(&machine.json("user list --json")), "asha active, ravi disabled");
    refused(&machine.run("serve --listen 127.0.0.1:0"), 69, "already open in another Kirana");
    assert_eq!(server.terminate(), Some(0));

    assert_eq!(statuses(&machine.json("user list --json")), "asha active, ravi disabled");
    assert!(!machine.path().join("kirana/kirana.sqlite.sock").exists());
    let made_up = machine.json("user reset-password ravi --generate --json");
    assert!(made_up["password"].as_str().unwrap().len() >= 16);
}

#[test]
fn a_shop_is_backed_up_while_it_is_open_and_restored_elsewhere() {
    let machine = Machine::new();
    let server = machine.serve();
    assert!(
        machine.run_with("user add --role owner --username asha --password-stdin", "correct horse").status.success()
    );
    let backup = machine.json("backup shop.backup --json");
    assert_eq!(backup["verified"], true);
    assert_eq!(backup["bytes"], std::fs::metadata(machine.path().join("shop.backup")).unwrap().len());
    refused(&machine.run("backup shop.backup"), 73, "not overwritten");
    refused(&machine.run("restore shop.backup"), 73, "not overwritten");
    assert_eq!(server.terminate(), Some(0));

    assert!(machine.run("restore shop.backup --data-dir elsewhere").status.success());
    assert_eq!(statuses(&machine.json("user list --json --data-dir elsewhere")), "asha active");
    std::fs::write(machine.path().join("text"), "no shop").unwrap();
    refused(&machine.run("restore text --data-dir third"), 65, "not a backup");
    refused(&machine.run("restore absent --data-dir third"), 66, "absent");
    assert!(!machine.path().join("third/kirana.sqlite").exists());
}

#[test]
fn products_come_in_from_a_file_and_go_out_to_one() {
    let machine = Machine::new();
    let list = "SKU,Product,Sale Price\nA1,Tea,12.50\nA2,Rice,dear\n";
    std::fs::write(machine.path().join("list.csv"), list).unwrap();
    let rehearsed = machine.run("import products list.csv --dry-run");
    refused(&rehearsed, 65, "1 row was refused");
    assert!(String::from_utf8_lossy(&rehearsed.stdout).starts_with("line 3, column Sale Price: "));
    assert_eq!(machine.json("import list --json"), serde_json::json!([]));

    let server = machine.serve();
    refused(&machine.run("import products list.csv --all-or-nothing"), 65, "1 row was refused");
    refused(&machine.run("import products list.csv --map SKU=colour"), 65, "no field `colour`");
    refused(&machine.run("import products list.csv"), 65, "1 row was refused");
    assert!(machine.run("export products out.csv").status.success());
    let out = std::fs::read_to_string(machine.path().join("out.csv")).unwrap();
    assert_eq!(out.lines().count(), 2, "{out}");
    refused(&machine.run("export products out.csv"), 73, "not overwritten");
    let id = machine.json("import list --json")[0]["id"].as_str().unwrap().to_owned();
    assert_eq!(machine.json(&format!("import undo {id} --json"))["deleted"], 1);
    assert_eq!(server.terminate(), Some(0));
    assert_eq!(String::from_utf8(machine.run("export products").stdout).unwrap().lines().count(), 1);
}

#[test]
fn the_stock_is_worth_its_price_times_its_quantity() {
    let machine = Machine::new();
    refused(&machine.run("analyze inventory-value"), 66, "there is no database");
    assert!(machine.run("migrate").status.success());
    let said_of = |line: &str| String::from_utf8(machine.run(line).stdout).unwrap();
    assert_eq!(said_of("analyze inventory-value"), "No data available for analysis.\n");
    assert_eq!(said_of("analyze inventory-value --chart value.svg"), "No data available for analysis.\n");
    assert!(!machine.path().join("value.svg").exists());
    assert_eq!(machine.json("analyze inventory-value --json"), serde_json::json!([]));

    let list = "SKU,Product,Sale Price,Stock\nA1,Laptop,55000,10\nA2,Tea,12.50,3\nA3,Tea,20,1\n";
    std::fs::write(machine.path().join("list.csv"), list).unwrap();
    assert!(machine.run("import products list.csv").status.success());
    let table = said_of("analyze inventory-value");
    let lines: Vec<String> = table.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect();
    assert_eq!(lines, ["Product Quantity Total value", "Laptop 10 550000.00", "Tea 4 57.50"]);

    let server = machine.serve();
    let values = serde_json::json!([
        { "product": "Laptop", "quantity": 10, "totalValue": 550_000 },
        { "product": "Tea", "quantity": 4, "totalValue": 57.5 },
    ]);
    assert_eq!(machine.json("analyze inventory-value --json"), values);
    assert_eq!(said_of("analyze inventory-value --chart value.svg"), table);
    let chart = std::fs::read_to_string(machine.path().join("value.svg")).unwrap();
    assert!(chart.starts_with("<svg") && chart.contains("Laptop: 550000.00"), "{chart}");
    refused(&machine.run("analyze inventory-value --chart value.svg"), 73, "not overwritten");
    assert_eq!(server.terminate(), Some(0));
}

#[test]
fn an_api_key_is_shown_once_and_revoked() {
    let machine = Machine::new();
    assert!(machine.run("migrate").status.success());
    let made = machine.json("api-key create --name till --role cashier --days 30 --json");
    assert!(made["key"].as_str().unwrap().starts_with("kir_"));
    let listed = machine.run("api-key list --json").stdout;
    assert!(!String::from_utf8(listed).unwrap().contains(made["key"].as_str().unwrap()));
    let id = made["id"].as_str().unwrap();
    assert!(machine.run(&format!("api-key revoke {id}")).status.success());
    assert!(machine.json("api-key list --json")[0]["revokedAt"].is_string());
    refused(&machine.run("api-key revoke 9"), 1, "no such API key");
}

#[test]
fn the_doctor_finds_a_key_that_others_can_read() {
    use std::os::unix::fs::PermissionsExt as _;
    let machine = Machine::new();
    assert_eq!(machine.serve().terminate(), Some(0));
    let verdicts = |facts: &Value| facts.as_array().unwrap().iter().filter(|fact| fact["verdict"] == "wrong").count();
    assert_eq!(verdicts(&machine.json("doctor --json")), 0);
    let key = machine.path().join("kirana/secret.key");
    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o644)).unwrap();
    let output = machine.run("doctor --json");
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(verdicts(&serde_json::from_slice(&output.stdout).unwrap()), 1);
}

#[test]
fn settings_that_make_no_sense_are_named_and_nothing_is_opened() {
    let machine = Machine::new();
    std::fs::write(machine.path().join("kirana.toml"), "listn = \"127.0.0.1:1\"").unwrap();
    refused(&machine.run("serve"), 78, "unknown setting `listn`");
    refused(&machine.run("serve --config absent.toml"), 78, "absent.toml");
    assert!(!machine.path().join("kirana").exists());
    let document: Value = serde_json::from_slice(&machine.run("openapi").stdout).unwrap();
    assert_eq!(document["openapi"], "3.1.0");
}
