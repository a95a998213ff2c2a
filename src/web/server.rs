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
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tower::ServiceExt as _;

use super::tls::Tls;

/// How long a client may take to send its headers, and may stay idle between requests.
const HEADERS_WITHIN: Duration = Duration::from_secs(15);
/// How long open requests may go on after the end was called.
const DRAIN: Duration = Duration::from_secs(10);
/// How many connections are open at most.
const CONNECTIONS: usize = 8_192;
/// The largest request line and headers together.
const LARGEST_HEAD: usize = 32 * 1024;

/// A place where the shop is entered.
pub struct Door {
    listener: TcpListener,
    /// Whoever enters speaks HTTPS.
    tls: Option<Arc<Tls>>,
}

impl Door {
    /// A door for HTTPS where there is a certificate, else one for plain HTTP.
    pub fn new(listener: TcpListener, tls: Option<Arc<Tls>>) -> Self {
        Self { listener, tls }
    }
}

impl From<TcpListener> for Door {
    fn from(listener: TcpListener) -> Self {
        Self { listener, tls: None }
    }
}

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

/// Serves a router behind doors until `end` turns true, then drains.
pub async fn serve(doors: Vec<impl Into<Door>>, router: Router, end: watch::Receiver<bool>) {
    let places = Arc::new(Semaphore::new(CONNECTIONS));
    let loops = doors
        .into_iter()
        .map(|door| tokio::spawn(accept(door.into(), router.clone(), end.clone(), places.clone())))
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

async fn accept(Door { listener, tls }: Door, router: Router, mut end: watch::Receiver<bool>, places: Arc<Semaphore>) {
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
        let (router, end, tls) = (router.clone(), end.clone(), tls.clone());
        tokio::spawn(async move {
            receive(stream, tls, peer, router, end).await;
            drop(place);
        });
    }
}

/// Shakes hands with whoever comes, as far as the door asks for it.
async fn receive(
    stream: TcpStream,
    tls: Option<Arc<Tls>>,
    peer: SocketAddr,
    router: Router,
    end: watch::Receiver<bool>,
) {
    // Small answers must not wait for more to be sent.
    let _ = stream.set_nodelay(true);
    let Some(tls) = tls else { return converse(stream, peer, router, end).await };
    match tokio::time::timeout(HEADERS_WITHIN, tls.acceptor().accept(stream)).await {
        Ok(Ok(stream)) => converse(stream, peer, router, end).await,
        // Whoever speaks plain HTTP here, or does not trust the certificate, goes without an answer.
        Ok(Err(error)) => tracing::debug!(%peer, %error, "no HTTPS was agreed on"),
        Err(_) => {}
    }
}

async fn converse(
    stream: impl AsyncRead + AsyncWrite + Unpin,
    peer: SocketAddr,
    router: Router,
    mut end: watch::Receiver<bool>,
) {
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
