//! The accept loop: header and idle time limits that `axum::serve` does not set, a bound on open
//! connections, and an end in good order.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::ConnectInfo;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, watch};
use tower::ServiceExt as _;

/// How long a client may take to send its headers, and may stay idle between requests.
const HEADERS_WITHIN: Duration = Duration::from_secs(15);
/// How long open requests may go on after the end was called.
const DRAIN: Duration = Duration::from_secs(10);
/// How many connections are open at most.
const CONNECTIONS: usize = 8_192;
/// The largest request line and headers together.
const LARGEST_HEAD: usize = 32 * 1024;

/// Tells a handler whose answer goes on for long that the server is ending; every request carries one.
#[derive(Clone)]
pub struct Ending(watch::Receiver<bool>);

impl Ending {
    /// Waits for the end.
    pub async fn wait(&mut self) {
        // A server that is gone has ended too.
        let _ = self.0.wait_for(|ended| *ended).await;
    }
}

/// Serves a router on listeners until `end` turns true, then drains.
pub async fn serve(listeners: Vec<TcpListener>, router: Router, end: watch::Receiver<bool>) {
    let places = Arc::new(Semaphore::new(CONNECTIONS));
    let loops = listeners
        .into_iter()
        .map(|listener| tokio::spawn(accept(listener, router.clone(), end.clone(), places.clone())))
        .collect::<Vec<_>>();
    for one in loops {
        // A loop ends only when told to.
        let _ = one.await;
    }
    let all = u32::try_from(CONNECTIONS).unwrap_or(u32::MAX);
    if tokio::time::timeout(DRAIN, places.acquire_many(all)).await.is_err() {
        tracing::warn!("some requests were still open after {} seconds", DRAIN.as_secs());
    }
}

async fn accept(listener: TcpListener, router: Router, mut end: watch::Receiver<bool>, places: Arc<Semaphore>) {
    loop {
        let Ok(place) = places.clone().acquire_owned().await else { return };
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            _ = end.wait_for(|ended| *ended) => return,
        };
        let (stream, peer) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(Duration::from_millis(50)).await;
                continue;
            }
        };
        let (router, end) = (router.clone(), end.clone());
        tokio::spawn(async move {
            converse(stream, peer, router, end).await;
            drop(place);
        });
    }
}

async fn converse(stream: tokio::net::TcpStream, peer: SocketAddr, router: Router, mut end: watch::Receiver<bool>) {
    // Small answers must not wait for more to be sent.
    let _ = stream.set_nodelay(true);
    let ending = Ending(end.clone());
    let service = router.map_request(move |mut request: hyper::Request<hyper::body::Incoming>| {
        request.extensions_mut().insert(ConnectInfo(peer));
        request.extensions_mut().insert(ending.clone());
        request.map(axum::body::Body::new)
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADERS_WITHIN)
        .max_buf_size(LARGEST_HEAD)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(service));
    tokio::pin!(connection);
    // How a conversation broke off matters to nobody but the one who broke it off.
    let ended = tokio::select! {
        _ = connection.as_mut() => true,
        _ = end.wait_for(|ended| *ended) => false,
    };
    if !ended {
        connection.as_mut().graceful_shutdown();
        let _ = connection.await;
    }
}
