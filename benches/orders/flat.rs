//! The cost of an order stays the same with 2 million orders in the file, and so does the dashboard.

use std::time::{Duration, Instant};

use hyper::Method;
use kirana::db::{Db, Location, Options};

use crate::Plan;
use crate::http::{Server, ask};
use crate::load;
use crate::report::{Report, median, percentile};
use crate::seed::{self, Folder};
use crate::sqlite::desk;

const MANY: i64 = 2_000_000;

pub fn run(plan: &Plan, report: &mut Report) {
    println!("SQLite with {MANY} orders in the file, against an empty one");
    let full = Folder::new("full");
    let path = seed::sqlite(&full);
    fill(&path);
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for _ in 0..plan.rounds {
        let empty = Folder::new("empty");
        for (path, rates) in [(seed::sqlite(&empty), &mut theirs), (path.clone(), &mut ours)] {
            let db = Db::open(&Options::at(Location::File(path))).expect("the database");
            rates.push(desk(&db, plan.seconds, 256, false));
            db.close();
        }
    }
    report.ratio(
        "orders with 2 million in the file against an empty file, 256 callers",
        median(ours),
        median(theirs),
        0.8,
    );
    let size = std::fs::metadata(&path).map(|file| file.len()).unwrap_or_default() / 1_048_576;
    report.figure("the file with 2 million orders", f64::from(u32::try_from(size).unwrap_or(u32::MAX)), "MiB");
    make_owner(&path);
    let server = Server::start(&full.0.to_string_lossy());
    for path in ["/api/shopkeeper/analytics", "/api/shopkeeper/stats"] {
        let shown =
            load::run(&server.address, &ask(Method::GET, path, &server.tokens[..1], false), 1, Duration::from_secs(2));
        assert_eq!(shown.failures, 0, "the dashboard answers");
        let mut waits = shown.waits;
        report.at_most(&format!("{path}, p95, 1 connection"), percentile(&mut waits, 0.95), "ms", 5.0);
    }
}

/// The first customer becomes the owner, who may look at the dashboard.
fn make_owner(path: &std::path::Path) {
    let conn = rusqlite::Connection::open(path).expect("the file");
    conn.execute("update users set kind = 'staff', role = 'owner' where id = 1", []).expect("an owner");
}

/// Places orders through the desk, as fast as it takes them.
fn fill(path: &std::path::Path) {
    let db = Db::open(&Options::at(Location::File(path.to_owned()))).expect("the database");
    let began = Instant::now();
    loop {
        desk(&db, Duration::from_secs(10), 256, false);
        let conn = rusqlite::Connection::open(path).expect("the file");
        let count: i64 =
            conn.query_row("select last from sequences where name = 'orders'", [], |row| row.get(0)).expect("a count");
        println!("  {count} orders after {} s", began.elapsed().as_secs());
        if count >= MANY {
            break;
        }
    }
    db.close();
}
