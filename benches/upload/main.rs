//! `cargo xtask bench upload`: how long a table of a million products takes through the door, how much
//! memory the server needs for it, and how long a sale waits meanwhile.
//!
//! The file is the same on every run. Options: `--rows N` (default 1,000,000), `--shuffled` (rows in no
//! order).

use std::fmt::Write as _;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tempfile::TempDir;

/// What a file of a million rows may take, in seconds and MiB.
const MOST_SECONDS: f64 = 20.0;
const MOST_MEMORY: f64 = 64.0;
const MILLION: u64 = 1_000_000;

fn main() {
    let Ok(binary) = std::env::var("KIRANA_BENCH_BINARY") else {
        println!("uploads are measured by `cargo xtask bench upload`");
        return;
    };
    let (mut rows, mut shuffled) = (MILLION, false);
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--rows" => rows = arguments.next().and_then(|text| text.parse().ok()).expect("a number"),
            "--shuffled" => shuffled = true,
            // What `cargo bench` adds for its own harness.
            "--bench" => {}
            other => panic!("unknown option {other}; see benches/upload/main.rs"),
        }
    }
    let good = table(rows, shuffled, "");
    println!("{rows} rows, {:.1} MiB", mib(good.len()));
    let bad = table(rows, shuffled, "LAST,One more,Tea,not a price,1,1,1\n");

    let server = Server::start(&binary);
    measure(&server, "a file whose last row is bad", &bad, 400);
    drop(bad);
    let left = server.ask("GET", "/api/products?limit=5", "");
    let imports = server.ask("GET", "/api/imports", "");
    let categories = server.ask("GET", "/api/categories", "");
    let count = |reply: &Reply| reply.json().as_array().map_or(0, Vec::len);
    assert_eq!((count(&left), count(&imports), count(&categories)), (1, 0, 1), "something was left behind");
    println!("  nothing is left behind");
    let seconds = measure(&server, "a good file", &good, 200);
    println!("  {} products", server.ask("GET", "/api/products?limit=1", "").total);
    measure(&server, "the same file once more", &good, 200);
    if rows == MILLION && !shuffled {
        let held = seconds.0 <= MOST_SECONDS && seconds.1 <= MOST_MEMORY;
        println!("{}: {MOST_SECONDS} s and {MOST_MEMORY} MiB are promised", if held { "held" } else { "NOT HELD" });
    }
}

/// Uploads a file while sales go on, and prints what that took.
fn measure(server: &Server, name: &str, file: &str, expected: u16) -> (f64, f64) {
    server.forget_peak();
    let before = server.memory("VmRSS");
    let done = Arc::new(AtomicBool::new(false));
    let seller = std::thread::spawn({
        let (address, token, done) = (server.address.clone(), server.token.clone(), done.clone());
        move || sell(&address, &token, &done)
    });
    let began = Instant::now();
    let reply = upload(&server.address, &server.token, file);
    let seconds = began.elapsed().as_secs_f64();
    done.store(true, Ordering::Relaxed);
    let (sales, longest) = seller.join().expect("the seller");
    let grown = server.memory("VmHWM") - before;
    assert_eq!(reply.status, expected, "{}", reply.body);
    println!("{name}: {seconds:.2} s, {grown:.1} MiB more at the peak (from {before:.1} MiB)");
    println!("  {sales} sales meanwhile, the longest took {:.2} s", longest.as_secs_f64());
    let said = reply.body.chars().take(120).collect::<String>();
    println!("  {} {said}", reply.status);
    (seconds, grown)
}

fn sell(address: &str, token: &str, done: &AtomicBool) -> (u32, Duration) {
    let order = json!({ "items": [{ "id": "1", "quantity": 1 }], "paymentMethod": "Cash", "complete": true });
    let (mut sales, mut longest) = (0, Duration::ZERO);
    while !done.load(Ordering::Relaxed) {
        let began = Instant::now();
        let reply = ask(address, token, "POST", "/api/orders", &order.to_string());
        assert_eq!(reply.status, 201, "{}", reply.body);
        longest = longest.max(began.elapsed());
        sales += 1;
        std::thread::sleep(Duration::from_millis(20));
    }
    (sales, longest)
}

/// The program, serving an empty shop whose owner has signed up.
struct Server {
    child: Child,
    address: String,
    token: String,
    _folder: TempDir,
}

impl Server {
    fn start(binary: &str) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let mut child = Command::new(binary)
            .args(["serve", "--listen", "127.0.0.1:0", "--data-dir"])
            .arg(folder.path())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program");
        let mut lines = BufReader::new(child.stderr.take().expect("its log")).lines().map_while(Result::ok);
        let begin = "Server running on http://";
        let address = lines.find_map(|line| Some(line[line.find(begin)? + begin.len()..].trim().to_owned()));
        std::thread::spawn(move || lines.for_each(drop));
        let address = address.expect("the server's address");
        let owner = json!({
            "email": "owner@kirana.example", "password": "a long password", "firstName": "Asha", "lastName": "Rao",
            "phone": "9800000000", "role": "shopkeeper", "shopName": "Kirana", "shopAddress": "Pune"
        });
        let reply = ask(&address, "", "POST", "/api/auth/register", &owner.to_string());
        assert_eq!(reply.status, 201, "{}", reply.body);
        let token = reply.json()["token"].as_str().expect("a token").to_owned();
        let server = Self { child, address, token, _folder: folder };
        let tea = json!({ "name": "Green tea", "category": "Tea", "price": 10, "stock": 100_000 });
        assert_eq!(server.ask("POST", "/api/products", &tea.to_string()).status, 201);
        server
    }

    fn ask(&self, method: &str, path: &str, body: &str) -> Reply {
        ask(&self.address, &self.token, method, path, body)
    }

    fn memory(&self, what: &str) -> f64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap_or_default();
        let line = status.lines().find(|line| line.starts_with(what)).unwrap_or_default();
        let kib: u32 = line.split_whitespace().nth(1).and_then(|number| number.parse().ok()).unwrap_or_default();
        f64::from(kib) / 1024.0
    }

    /// Begins a new peak of resident memory.
    fn forget_peak(&self) {
        std::fs::write(format!("/proc/{}/clear_refs", self.child.id()), "5").expect("a server of our own");
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

struct Reply {
    status: u16,
    total: String,
    body: String,
}

impl Reply {
    fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_default()
    }
}

fn ask(address: &str, token: &str, method: &str, path: &str, body: &str) -> Reply {
    send(address, token, method, path, "application/json", &[body])
}

fn upload(address: &str, token: &str, file: &str) -> Reply {
    let head = "--edge\r\nContent-Disposition: form-data; name=\"file\"; filename=\"products.csv\"\r\n\
                Content-Type: text/csv\r\n\r\n";
    send(address, token, "POST", "/upload", "multipart/form-data; boundary=edge", &[head, file, "\r\n--edge--\r\n"])
}

fn send(address: &str, token: &str, method: &str, path: &str, kind: &str, body: &[&str]) -> Reply {
    let mut stream = TcpStream::connect(address).expect("the server");
    let length: usize = body.iter().map(|part| part.len()).sum();
    let pass = if token.is_empty() { String::new() } else { format!("authorization: Bearer {token}\r\n") };
    let head = format!(
        "{method} {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n{pass}content-type: {kind}\r\n\
         content-length: {length}\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).expect("the head is sent");
    for part in body {
        stream.write_all(part.as_bytes()).expect("the body is sent");
    }
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    let (head, body) = answer.split_once("\r\n\r\n").expect("a head");
    let total = head.lines().find_map(|line| line.strip_prefix("x-total-count: ")).unwrap_or_default().to_owned();
    // A body in chunks has its sizes between lines.
    let body = if head.contains("transfer-encoding: chunked") {
        body.lines().filter(|line| line.starts_with(['{', '[', '"'])).collect()
    } else {
        body.to_owned()
    };
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status");
    Reply { status, total, body }
}

/// A table with gaps here and there, the same for the same number of rows.
fn table(rows: u64, shuffled: bool, last: &str) -> String {
    const KINDS: [&str; 10] =
        ["Fresh", "Golden", "Royal", "Daily", "Classic", "Organic", "Spicy", "Sweet", "Rich", "Light"];
    const GOODS: [&str; 10] = ["Tea", "Rice", "Atta", "Dal", "Sugar", "Salt", "Oil", "Soap", "चाय", "Biscuit"];
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut dice = move |sides: u64| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state % sides
    };
    let mut text = String::from("product_id,product_name,category,price,quantity_sold,rating,review_count\n");
    for row in 0..rows {
        // A number without a common factor goes through all of them.
        let number = if shuffled { row * 7_368_787 % rows } else { row };
        let (kind, good) = (KINDS[usize::try_from(dice(10)).unwrap()], GOODS[usize::try_from(dice(10)).unwrap()]);
        let _ = write!(text, "SKU-{number:07},{kind} {good} {} g,Category {},", dice(100_000), dice(60));
        match dice(50) {
            0 => text.push(','),
            _ => drop(write!(text, "{}.{:02},", 5 + dice(995), dice(100))),
        }
        match dice(50) {
            0 => text.push(','),
            _ => drop(write!(text, "{},", dice(10_000))),
        }
        match dice(30) {
            0 => text.push(','),
            _ => drop(write!(text, "{}.{},", 1 + dice(4), dice(10))),
        }
        let _ = writeln!(text, "{}", dice(5_000));
    }
    text.push_str(last);
    text
}

#[expect(clippy::cast_precision_loss, reason = "a size for people")]
fn mib(bytes: usize) -> f64 {
    bytes as f64 / 1024.0 / 1024.0
}
