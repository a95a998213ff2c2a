//! The program itself: how fast it starts, what it weighs.

use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::report::{Report, median};
use crate::seed::{self, Folder};

pub fn run(report: &mut Report) {
    let Ok(binary) = std::env::var("KIRANA_BENCH_BINARY") else {
        println!("the program itself is measured by `cargo xtask bench orders`");
        return;
    };
    println!("The program");
    let size = std::fs::metadata(&binary).expect("the program").len();
    report.figure("its size", f64::from(u32::try_from(size / 1024).unwrap_or(u32::MAX)) / 1024.0, "MiB");
    let folder = Folder::new("process");
    seed::sqlite(&folder);
    let mut starts = Vec::new();
    for round in 0..7 {
        let began = Instant::now();
        let mut child = Command::new(&binary)
            .args(["serve", "--listen", "127.0.0.1:0", "--data-dir"])
            .arg(&folder.0)
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program");
        let lines = BufReader::new(child.stderr.take().expect("its log")).lines();
        let mut address = None;
        for line in lines.map_while(Result::ok) {
            if let Some(at) = line.find("Server running on http://") {
                address = Some(line[at + "Server running on http://".len()..].trim().to_owned());
                break;
            }
        }
        let address = address.expect("the server's address");
        while !answers(&address) {
            std::thread::sleep(Duration::from_millis(1));
        }
        // The first start makes the key.
        if round > 0 {
            starts.push(began.elapsed().as_secs_f64() * 1000.0);
        }
        if round == 6 {
            std::thread::sleep(Duration::from_secs(2));
            report.at_most("resident memory at rest", resident_mib(child.id()), "MiB", 40.0);
        }
        let _ = child.kill();
        let _ = child.wait();
    }
    report.at_most("cold start on an existing database, to the first answer", median(starts), "ms", 150.0);
}

fn answers(address: &str) -> bool {
    use std::io::{Read as _, Write as _};
    let Ok(mut stream) = std::net::TcpStream::connect(address) else { return false };
    let mut answer = [0; 12];
    stream.write_all(b"GET /readyz HTTP/1.1\r\nhost: x\r\n\r\n").is_ok()
        && stream.read_exact(&mut answer).is_ok()
        && answer.ends_with(b"200")
}

fn resident_mib(pid: u32) -> f64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmRSS")).unwrap_or_default();
    let kib: u32 = line.split_whitespace().nth(1).and_then(|number| number.parse().ok()).unwrap_or_default();
    f64::from(kib) / 1024.0
}
