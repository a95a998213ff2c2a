//! End to end over HTTP on loopback, with real authentication, against the same server doing nothing.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};

use aide::axum::routing::post_with;
use axum::http::StatusCode;
use hyper::Method;
use kirana::app::{App, Parts};
use kirana::clock::Clock;
use kirana::db::{Db, Location, Options};
use kirana::ids::{Entropy, UserId};
use kirana::staff::access::SignedIn;
use kirana::staff::actions::{Carrier, Origin, open_session};
use kirana::staff::{Allowed, StaffError, TokenKey};
use kirana::web::docs::describe;
use kirana::web::{Routes, Settings, server};

use crate::Plan;
use crate::load::{self, Ask};
use crate::report::{Report, median, percentile};
use crate::seed::{self, Folder};

/// A server in a process of its own; ended with its value.
pub struct Server {
    child: Child,
    pub address: String,
    pub tokens: Vec<String>,
}

impl Server {
    /// Starts a server on a seeded folder (or on the PostgreSQL database whose address it is).
    pub fn start(place: &str) -> Self {
        let own = std::env::current_exe().expect("this program");
        let mut child = Command::new(own).args(["--serve", place]).stdout(Stdio::piped()).spawn().expect("a server");
        let mut lines = BufReader::new(child.stdout.take().expect("its output")).lines();
        let mut next = || lines.next().expect("a line").expect("a text");
        let address = next();
        let tokens = next().split(' ').map(str::to_owned).collect();
        Self { child, address, tokens }
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The server's side: the shop as it is, with one route more that does nothing.
pub fn serve_child(place: &str) {
    let location = if place.starts_with("postgres") {
        Location::Server(place.to_owned())
    } else {
        Location::File(format!("{place}/kirana.sqlite").into())
    };
    let db = Db::open(&Options::at(location)).expect("the database");
    let (clock, entropy, key) = (Clock::system(), Entropy::system(), TokenKey::new([7; 32]));
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let (sign, random, now) = (key.clone(), entropy.clone(), clock.now());
        let tokens = db
            .write(move |conn| {
                (1..=64)
                    .map(|user| {
                        open_session(conn, UserId::new(user), Carrier::Token, &sign, &random, &Origin::default(), now)
                    })
                    .collect::<Result<Vec<_>, StaffError>>()
            })
            .await
            .expect("sessions");
        let parts = Parts {
            db,
            clock,
            entropy,
            key,
            settings: Settings::default(),
            hashers: 2,
            public_rate: 60,
            metrics: kirana::web::metrics::install(),
        };
        let nothing = Routes::new()
            .api_route("/api/bench/nothing", post_with(nothing, |op| describe(op, "Bench", "Does nothing")));
        let app = App::build_with(parts, nothing);
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        println!("{}", listener.local_addr().expect("an address"));
        println!("{}", tokens.join(" "));
        let (_end, ended) = tokio::sync::watch::channel(false);
        server::serve(vec![listener], app.router, ended).await;
    });
}

/// Reads the body, knows the caller, does nothing.
async fn nothing(_: Allowed<SignedIn>, body: String) -> (StatusCode, String) {
    (StatusCode::CREATED, format!("{{\"read\":{}}}", body.len()))
}

pub fn ask(method: Method, path: &str, tokens: &[String], order: bool) -> Ask {
    Ask { method, path: path.to_owned(), tokens: tokens.to_vec(), order, hot: false }
}

pub fn run(plan: &Plan, report: &mut Report) {
    println!("SQLite, end to end over HTTP, against the same server's no-op POST");
    let folder = Folder::new("http");
    seed::sqlite(&folder);
    let server = Server::start(&folder.0.to_string_lossy());
    let orders = ask(Method::POST, "/api/orders", &server.tokens, true);
    let nothing = ask(Method::POST, "/api/bench/nothing", &server.tokens, true);
    for (connections, bar) in [(1, 0.0), (16, 0.0), (64, 0.25), (256, 0.35)] {
        let (mut ours, mut theirs, mut waits) = (Vec::new(), Vec::new(), Vec::new());
        for _ in 0..plan.rounds {
            let shown = load::run(&server.address, &orders, connections, plan.seconds);
            assert_eq!(shown.failures, 0, "no order may fail");
            ours.push(shown.rate);
            waits.extend(shown.waits);
            theirs.push(load::run(&server.address, &nothing, connections, plan.seconds).rate);
        }
        report.ratio(&format!("orders against no-op, {connections} connections"), median(ours), median(theirs), bar);
        report.figure(&format!("orders, {connections} connections, p99"), percentile(&mut waits, 0.99), "ms");
    }
    let hot = Ask { hot: true, ..orders.clone() };
    let (mut hots, mut uniform) = (Vec::new(), Vec::new());
    for _ in 0..plan.rounds {
        hots.push(load::run(&server.address, &hot, 64, plan.seconds).rate);
        uniform.push(load::run(&server.address, &orders, 64, plan.seconds).rate);
    }
    report.ratio("one hot product against uniform over HTTP, 64 connections", median(hots), median(uniform), 0.8);
    lists(plan, report, &server);
}

fn lists(plan: &Plan, report: &mut Report, server: &Server) {
    let list = ask(Method::GET, "/api/products?limit=50", &server.tokens, false);
    let ping = ask(Method::GET, "/healthz", &[], false);
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for _ in 0..plan.rounds {
        ours.push(load::run(&server.address, &list, 16, plan.seconds).rate);
        theirs.push(load::run(&server.address, &ping, 16, plan.seconds).rate);
    }
    report.ratio("product list of 50 against a bare ping, 16 connections", median(ours), median(theirs), 0.5);
}
