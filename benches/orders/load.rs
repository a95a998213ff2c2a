//! A load of keep-alive connections that each wait for an answer before they ask again.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use http_body_util::{BodyExt as _, Full};
use hyper::body::Bytes;
use hyper::client::conn::http1::{self, SendRequest};
use hyper::{Method, Request};
use hyper_util::rt::TokioIo;

use crate::seed::{self, Dice};
use crate::sqlite::per_second;

/// What is asked.
#[derive(Clone)]
pub struct Ask {
    pub method: Method,
    pub path: String,
    /// The bearer tokens of the callers; each connection has one of them.
    pub tokens: Vec<String>,
    /// An order of three lines as the body.
    pub order: bool,
    /// The first line is always the same product.
    pub hot: bool,
}

/// What a load has shown.
pub struct Shown {
    pub rate: f64,
    /// Milliseconds of each request.
    pub waits: Vec<f64>,
    pub failures: u64,
}

/// Runs a load for a while.
pub fn run(address: &str, ask: &Ask, connections: usize, time: Duration) -> Shown {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime");
    let (stop, done, failed) =
        (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
    runtime.block_on(async {
        let mut open = Vec::new();
        for _ in 0..connections {
            open.push(connect(address).await);
        }
        let began = Instant::now();
        let tasks: Vec<_> = open
            .into_iter()
            .enumerate()
            .map(|(caller, sender)| {
                let (ask, stop, done, failed) = (ask.clone(), stop.clone(), done.clone(), failed.clone());
                let address = address.to_owned();
                tokio::spawn(async move { converse(sender, &address, &ask, caller, &stop, &done, &failed).await })
            })
            .collect();
        tokio::time::sleep(time).await;
        stop.store(true, Ordering::Relaxed);
        let mut waits = Vec::new();
        for task in tasks {
            waits.extend(task.await.expect("a caller"));
        }
        Shown {
            rate: per_second(done.load(Ordering::Relaxed), began.elapsed()),
            waits,
            failures: failed.load(Ordering::Relaxed),
        }
    })
}

async fn connect(address: &str) -> SendRequest<Full<Bytes>> {
    let stream = tokio::net::TcpStream::connect(address).await.expect("a connection");
    stream.set_nodelay(true).expect("no delay");
    let (sender, connection) = http1::handshake(TokioIo::new(stream)).await.expect("a handshake");
    tokio::spawn(connection);
    sender
}

async fn converse(
    mut sender: SendRequest<Full<Bytes>>,
    address: &str,
    ask: &Ask,
    caller: usize,
    stop: &AtomicBool,
    done: &AtomicU64,
    failed: &AtomicU64,
) -> Vec<f64> {
    let mut dice = Dice::new(caller as u64 + 77);
    let mut waits = Vec::new();
    let mut number = 0_u64;
    let token = ask.tokens.get(caller % ask.tokens.len().max(1)).map(|token| format!("Bearer {token}"));
    // Different in each run, or the keys of the run before would answer.
    let run = u64::from(Instant::now().elapsed().subsec_nanos()) + u64::from(std::process::id()) + began_ns();
    while !stop.load(Ordering::Relaxed) {
        number += 1;
        let mut request = Request::builder().method(ask.method.clone()).uri(&ask.path).header("host", address);
        if let Some(token) = &token {
            request = request.header("authorization", token);
        }
        let body = if ask.order {
            request = request
                .header("content-type", "application/json")
                .header("idempotency-key", format!("{run:016x}-{caller:04x}-{number:08x}"));
            let [first, second, third] = seed::three(&mut dice, ask.hot);
            format!(
                "{{\"items\":[{{\"id\":\"{first}\",\"quantity\":1}},{{\"id\":\"{second}\",\"quantity\":1}},{{\"id\":\"{third}\",\"quantity\":1}}],\"paymentMethod\":\"Cash\"}}"
            )
        } else {
            String::new()
        };
        let asked = Instant::now();
        let answer = sender.send_request(request.body(Full::new(Bytes::from(body))).expect("a request")).await;
        let good = if let Ok(answer) = answer {
            let good = answer.status().is_success();
            answer.into_body().collect().await.is_ok() && good
        } else {
            sender = connect(address).await;
            false
        };
        if good {
            done.fetch_add(1, Ordering::Relaxed);
            waits.push(asked.elapsed().as_secs_f64() * 1000.0);
        } else {
            failed.fetch_add(1, Ordering::Relaxed);
        }
    }
    waits
}

#[expect(clippy::disallowed_methods, reason = "only makes keys differ between runs")]
fn began_ns() -> u64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    u64::from(since.subsec_nanos()) + since.as_secs()
}
