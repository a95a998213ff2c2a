//! `cargo xtask bench orders`: what the shop can do in a second, side by side, as ratios.
//!
//! Two cores serve the load and make it, so absolute numbers are this machine's; the ratios are what is
//! promised. Each pair is measured in turns within one run. Options:
//!
//! - `--seconds N` (default 3): how long each figure is measured, each of `--rounds N` (default 3) times;
//! - `--only PART`: `desk`, `http`, `postgres`, `flat`, `peers` or `process`; may be given more than once;
//! - `--full`: with 2 million orders in the file, and the Flask peer;
//! - `--json FILE`: the figures as JSON.

mod flat;
mod http;
mod load;
mod peers;
mod postgres;
mod process;
mod report;
mod seed;
mod sqlite;

use std::path::PathBuf;
use std::time::Duration;

use report::Report;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// What was asked for.
struct Plan {
    seconds: Duration,
    rounds: usize,
    only: Vec<String>,
    full: bool,
    json: Option<PathBuf>,
}

impl Plan {
    fn wants(&self, part: &str) -> bool {
        if self.only.is_empty() {
            self.full || !matches!(part, "flat" | "peers")
        } else {
            self.only.iter().any(|one| one == part)
        }
    }
}

fn main() {
    let mut arguments = std::env::args().skip(1).peekable();
    if arguments.peek().is_some_and(|first| first == "--serve") {
        arguments.next();
        return http::serve_child(&arguments.next().expect("a folder"));
    }
    let mut plan = Plan { seconds: Duration::from_secs(3), rounds: 3, only: Vec::new(), full: false, json: None };
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--seconds" => plan.seconds = Duration::from_secs(number(arguments.next())),
            "--rounds" => plan.rounds = usize::try_from(number(arguments.next())).expect("a number of rounds"),
            "--only" => plan.only.extend(arguments.next()),
            "--full" => plan.full = true,
            "--json" => plan.json = arguments.next().map(PathBuf::from),
            // What `cargo bench` adds for its own harness.
            "--bench" => {}
            other => panic!("unknown option {other}; see benches/orders/main.rs"),
        }
    }
    let mut report = Report::default();
    if plan.wants("desk") {
        sqlite::run(&plan, &mut report);
    }
    if plan.wants("postgres") {
        postgres::run(&plan, &mut report);
    }
    if plan.wants("http") {
        http::run(&plan, &mut report);
    }
    if plan.wants("flat") {
        flat::run(&plan, &mut report);
    }
    if plan.wants("process") {
        process::run(&mut report);
    }
    if plan.wants("peers") {
        peers::run(&plan, &mut report);
    }
    report.print();
    if let Some(path) = &plan.json {
        std::fs::write(path, report.json()).expect("the report's file");
    }
}

fn number(argument: Option<String>) -> u64 {
    argument.and_then(|text| text.parse().ok()).expect("a number")
}
