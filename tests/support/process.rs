//! The real program, as a process of its own.

use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::os::unix::fs::OpenOptionsExt as _;
use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use kirana::db::Location;

use super::client::Client;
use super::database::Scratch;
use super::shop::KEY;

/// A server that is killed when it is dropped.
pub struct Process {
    child: Child,
    address: SocketAddr,
    said: Arc<Mutex<Vec<String>>>,
    began: Instant,
}

impl Process {
    /// `kirana serve` on a database of a test, with the key that its tokens were signed with.
    pub fn serve(scratch: &Scratch) -> Self {
        Self::start(Command::new(env!("CARGO_BIN_EXE_kirana")).args(Self::arguments(scratch)))
    }

    /// `kirana demo` on a database of a test that holds nothing yet.
    pub fn demo(scratch: &Scratch) -> Self {
        let mut words = Self::arguments(scratch);
        "demo".clone_into(&mut words[0]);
        Self::start(Command::new(env!("CARGO_BIN_EXE_kirana")).args(words))
    }

    /// What comes after the program's name.
    pub fn arguments(scratch: &Scratch) -> Vec<String> {
        let secret = scratch.file("secret.key");
        if !secret.exists() {
            let made = std::fs::File::options().write(true).create_new(true).mode(0o600).open(&secret);
            std::io::Write::write_all(&mut made.unwrap(), &KEY).unwrap();
        }
        let database = match scratch.location() {
            Location::File(path) => path.to_str().unwrap().to_owned(),
            Location::Server(url) => url,
        };
        let folder = scratch.file("data").to_str().unwrap().to_owned();
        let words = ["serve", "--listen", "127.0.0.1:0", "--database", &database, "--data-dir", &folder];
        let words = words.into_iter().chain(["--secret-file", secret.to_str().unwrap()]);
        words.map(str::to_owned).collect()
    }

    /// Starts a command that serves, and waits until it listens.
    pub fn start(command: &mut Command) -> Self {
        let began = Instant::now();
        let command = command.env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default());
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = command.process_group(0).spawn().unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines().map_while(Result::ok);
        let mut before = Vec::new();
        let address = lines.by_ref().find_map(|line| {
            let address = listens_on(&line);
            before.push(line);
            address
        });
        let address = address.unwrap_or_else(|| panic!("it does not serve: {}", before.join("\n")));
        let said = Arc::new(Mutex::new(before));
        let heard = said.clone();
        // What else it says must not fill the pipe.
        std::thread::spawn(move || lines.for_each(|line| heard.lock().unwrap().push(line)));
        Self { child, address, said, began }
    }

    /// Somebody at this server's door who has not signed in.
    pub fn stranger(&self) -> Client {
        Client::new(self.address)
    }

    /// Somebody at this server's door, with a bearer token.
    pub fn client(&self, token: &str) -> Client {
        Client::new(self.address).with_token(token)
    }
    /// Waits until it is ready; answers how long that took from its start.
    pub async fn ready(&self) -> Duration {
        let client = Client::new(self.address);
        loop {
            let reply = client.get("/readyz").attempt().await;
            if reply.is_ok_and(|reply| reply.status.as_u16() == 200) {
                return self.began.elapsed();
            }
            assert!(self.began.elapsed() < Duration::from_secs(30), "{}", self.said());
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// Ends it as a loss of power does.
    pub fn kill(&mut self) {
        self.kill_all();
        self.child.wait().unwrap();
    }

    /// Kills the server and whatever it runs under.
    fn kill_all(&self) {
        let group = format!("-{}", self.child.id());
        let _ = Command::new("kill").args(["-KILL", "--", &group]).stderr(Stdio::null()).status();
    }

    /// Asks it to end, as a service manager does; answers how it ended.
    pub fn terminate(&mut self) -> Option<i32> {
        assert!(Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status().unwrap().success());
        self.child.wait().unwrap().code()
    }

    /// How it ended by itself; none while it runs after a while.
    pub async fn ended(&mut self, patience: Duration) -> Option<i32> {
        let began = Instant::now();
        while began.elapsed() < patience {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status.code();
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        None
    }

    /// Every address that it listens on.
    pub fn addresses(&self) -> Vec<SocketAddr> {
        self.said.lock().unwrap().iter().filter_map(|line| listens_on(line)).collect()
    }

    /// Sends it a signal.
    pub fn signal(&self, name: &str) {
        let signal = format!("-{name}");
        assert!(Command::new("kill").args([&signal, &self.child.id().to_string()]).status().unwrap().success());
    }

    /// Waits until it says something; answers the line.
    pub async fn says(&self, text: &str) -> String {
        let began = Instant::now();
        loop {
            let line = self.said.lock().unwrap().iter().find(|line| line.contains(text)).cloned();
            if let Some(line) = line {
                return line;
            }
            assert!(began.elapsed() < Duration::from_secs(10), "it never says {text:?}: {}", self.said());
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// What it said, for the message of a test that fails.
    pub fn said(&self) -> String {
        self.said.lock().unwrap().join("\n")
    }
}

/// The address that a log line names as open.
fn listens_on(line: &str) -> Option<SocketAddr> {
    let (_, url) = line.split_once("Server running on ")?;
    url.split_once("://")?.1.trim().parse().ok()
}

impl Drop for Process {
    fn drop(&mut self) {
        // It has ended already when the test went well.
        self.kill_all();
        let _ = self.child.wait();
    }
}
