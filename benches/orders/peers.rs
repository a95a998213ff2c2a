//! Side by side with a plain Flask + `SQLAlchemy` + PostgreSQL shop (see `bench/peers/`).

use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};

use hyper::Method;

use crate::Plan;
use crate::http::{Server, ask};
use crate::load::{self, Ask};
use crate::postgres::{Database, server};
use crate::report::{Report, median};

pub fn run(plan: &Plan, report: &mut Report) {
    println!("Against a plain Flask shop on the same PostgreSQL (row lock, gunicorn, 2 workers x 8 threads)");
    let postgres = server();
    let theirs_database = Database::new(&postgres);
    let ours_database = Database::new(&postgres);
    let root = env!("CARGO_MANIFEST_DIR");
    let mut flask = Command::new("python3")
        .arg(format!("{root}/bench/peers/run.py"))
        .args(["--cache", &format!("{}/peers", env!("CARGO_TARGET_TMPDIR"))])
        .args(["--database", &theirs_database.url])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("python3");
    let line =
        BufReader::new(flask.stdout.take().expect("its output")).lines().next().expect("a line").expect("a text");
    let told: serde_json::Value = serde_json::from_str(&line).expect("JSON");
    let address = told["url"].as_str().expect("an address").trim_start_matches("http://").to_owned();
    let tokens = vec![told["token"].as_str().expect("a token").to_owned()];
    let pids: Vec<u32> = told["pids"]
        .as_array()
        .expect("process ids")
        .iter()
        .filter_map(|pid| pid.as_u64().and_then(|pid| u32::try_from(pid).ok()))
        .collect();
    let kirana = Server::start(&ours_database.url);

    for (name, method, path, order) in [
        ("orders", Method::POST, "/api/orders", true),
        ("product list of 50", Method::GET, "/api/products?limit=50", false),
    ] {
        let (mut ours, mut theirs, mut our_cpu, mut their_cpu) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        for _ in 0..plan.rounds {
            let mine = ask(method.clone(), path, &kirana.tokens, order);
            let (rate, cpu) = measured(&kirana.address, &mine, plan, &[kirana.pid()]);
            ours.push(rate);
            our_cpu.push(cpu);
            let (rate, cpu) = measured(&address, &Ask { tokens: tokens.clone(), ..mine }, plan, &pids);
            theirs.push(rate);
            their_cpu.push(cpu);
        }
        report.ratio(
            &format!("{name} at 16 connections, Kirana on PostgreSQL against Flask"),
            median(ours),
            median(theirs),
            1.0,
        );
        report.figure(&format!("{name}: CPU of each request, Kirana"), median(our_cpu), "us");
        report.figure(&format!("{name}: CPU of each request, Flask"), median(their_cpu), "us");
    }
    drop(flask.stdin.take());
    let _ = flask.wait();
}

/// Requests per second, and the CPU time of the server's own processes for each, in microseconds.
fn measured(address: &str, ask: &Ask, plan: &Plan, pids: &[u32]) -> (f64, f64) {
    let before = cpu_ticks(pids);
    let shown = load::run(address, ask, 16, plan.seconds);
    let ticks = cpu_ticks(pids) - before;
    assert!(!shown.waits.is_empty(), "the server answers");
    let requests = f64::from(u32::try_from(shown.waits.len()).unwrap_or(u32::MAX));
    // A tick is a hundredth of a second on Linux.
    (shown.rate, ticks * 10_000.0 / requests)
}

fn cpu_ticks(pids: &[u32]) -> f64 {
    pids.iter()
        .filter_map(|pid| std::fs::read_to_string(format!("/proc/{pid}/stat")).ok())
        .filter_map(|stat| {
            let after = stat.rsplit(')').next()?.split_whitespace().collect::<Vec<_>>();
            let ticks = |index: usize| after.get(index).and_then(|text| text.parse::<u32>().ok());
            Some(f64::from(ticks(11)? + ticks(12)?))
        })
        .sum()
}
