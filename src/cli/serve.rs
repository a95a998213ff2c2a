//! `kirana serve`: opens the shop and keeps it open until somebody asks for its end.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;

use super::control;
use super::failure::{BAD_CONFIG, CANNOT_CREATE, Failure, IO, Outcome, UNAVAILABLE};
use super::work::Context;
use crate::app::{App, Parts};
use crate::clock::Clock;
use crate::config::{Config, LogFormat};
use crate::db::{Db, Location};
use crate::ids::Entropy;
use crate::staff::TokenKey;
use crate::web::server::Door;
use crate::web::tls::{self, Tls};
use crate::web::{log, metrics, server};

/// How often old measurements are folded together.
const UPKEEP: Duration = Duration::from_secs(5);
/// How long a job in hand may go on after the end was called.
const AFTER_JOBS: Duration = Duration::from_secs(10);
/// How long requests may go on after storage has failed; none of them can be answered well.
const AFTER_FAILURE: Duration = Duration::from_millis(500);
/// How long commands that others have sent may go on.
const FOR_COMMANDS: Duration = Duration::from_secs(10);

/// Fills a demo shop before it opens.
type Fill = dyn Fn(&tokio::runtime::Runtime, &Db) -> Outcome;

/// Serves until a signal, and then ends in good order. A demo shop is filled first.
pub fn open(config: Config, fill: Option<&Fill>) -> Outcome {
    let _log = log::start(config.log_format == LogFormat::Json, &config.log_level, Clock::system());
    config.make_data_dir()?;
    let entropy = Entropy::system();
    let key = TokenKey::load_or_make(&config.secret_file, &entropy)
        .map_err(|cause| Failure::new(CANNOT_CREATE, secret_sentence(&config, &cause)))?;
    let db = Db::open(&config.db_options())?;
    tracing::info!("Database connected: {}", db.describe());

    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|cause| Failure::new(UNAVAILABLE, format!("no threads can be started: {cause}")))?;
    let outcome = match fill.map_or(Ok(()), |fill| fill(&runtime, &db)) {
        Ok(()) => runtime.block_on(serve(&config, db.clone(), key, entropy, fill.is_some())),
        failed => failed,
    };
    runtime.shutdown_timeout(AFTER_FAILURE);
    db.close();
    if outcome.is_ok() {
        tracing::info!("Server stopped");
    }
    outcome
}

async fn serve(config: &Config, db: Db, key: TokenKey, entropy: Entropy, demo: bool) -> Outcome {
    let tls = match &config.tls {
        Some((cert, key)) => {
            let loaded = Tls::load(cert.clone(), key.clone());
            Some(Arc::new(loaded.map_err(|error| Failure::new(BAD_CONFIG, error.to_string()))?))
        }
        None => None,
    };
    let (listeners, redirects) = (bind(&config.listen).await?, bind(&config.redirect).await?);
    let metrics = metrics::install();
    if let Some(handle) = metrics.clone() {
        tokio::spawn(async move {
            loop {
                tokio::time::sleep(UPKEEP).await;
                handle.run_upkeep();
            }
        });
    }
    let app = App::build(Parts {
        db: db.clone(),
        clock: Clock::system(),
        entropy,
        key,
        settings: config.web.clone(),
        hashers: config.hashers,
        public_rate: config.public_rate,
        metrics,
    });
    let mut asked = Asked::new()?;
    let scheme = if tls.is_some() { "https" } else { "http" };
    let mut port = 443;
    for listener in &listeners {
        if let Ok(address) = listener.local_addr() {
            port = address.port();
            tracing::info!("Server running on {scheme}://{address}");
            if demo {
                eprintln!("{}", super::demo::banner(&address.to_string()));
            }
        }
    }
    for listener in &redirects {
        if let Ok(address) = listener.local_addr() {
            tracing::info!("Plain HTTP is led to HTTPS from http://{address}");
        }
    }
    warn_of_exposure(config);
    if !demo {
        welcome(&app, scheme, &listeners).await;
    }

    let (end, ended) = watch::channel(false);
    let commands = match &config.database {
        Location::File(path) => {
            let config = Arc::new(config.clone());
            let context = Context { db: db.clone(), desk: app.desk.clone(), clock: Clock::system(), config };
            Some(tokio::spawn(control::listen(path.clone(), context, ended.clone())))
        }
        // Any number of processes may have it open, so commands need no server's help.
        Location::Server(_) => None,
    };
    let working = tokio::spawn(app.worker().run(ended.clone()));
    if let Some(tls) = &tls {
        tokio::spawn(renew(tls.clone(), hang_up()?));
        tokio::spawn(server::serve(redirects, tls::redirect(port), ended.clone()));
    }
    let doors: Vec<Door> = listeners.into_iter().map(|listener| Door::new(listener, tls.clone())).collect();
    let mut serving = tokio::spawn(server::serve(doors, app.router, ended));
    let outcome = tokio::select! {
        name = asked.wait() => {
            tracing::info!("{name} received, open requests are finished");
            end.send_replace(true);
            tokio::select! {
                _ = &mut serving => {}
                name = asked.wait() => tracing::warn!("{name} again, nothing more is waited for"),
            }
            // A job that takes longer is done by whoever claims it next.
            let _ = tokio::time::timeout(AFTER_JOBS, working).await;
            Ok(())
        }
        reason = db.wait_halted() => {
            tracing::error!("Storage failed, nothing more is acknowledged: {reason}");
            end.send_replace(true);
            let _ = tokio::time::timeout(AFTER_FAILURE, &mut serving).await;
            Err(Failure::new(IO, format!("the storage failed: {reason}")))
        }
    };
    if let Some(commands) = commands {
        // A backup may take longer than this; it then leaves no file with its name.
        let _ = tokio::time::timeout(FOR_COMMANDS, commands).await;
    }
    outcome
}

async fn bind(addresses: &[SocketAddr]) -> Result<Vec<TcpListener>, Failure> {
    let mut listeners = Vec::with_capacity(addresses.len());
    for address in addresses {
        listeners.push(TcpListener::bind(address).await.map_err(|cause| cannot_listen(*address, &cause))?);
    }
    Ok(listeners)
}

fn hang_up() -> Result<Signal, Failure> {
    signal(SignalKind::hangup()).map_err(|cause| Failure::new(UNAVAILABLE, format!("no signals: {cause}")))
}

/// Reads the certificate again at each SIGHUP, which is how programs that renew certificates tell of it.
async fn renew(tls: Arc<Tls>, mut asked: Signal) {
    while asked.recv().await.is_some() {
        match tls.reload() {
            Ok(()) => tracing::info!("SIGHUP received, the certificate was read again"),
            Err(error) => tracing::error!("The certificate in use stays: {error}"),
        }
    }
}

/// The signals by which one asks a server to end.
struct Asked {
    terminate: Signal,
    interrupt: Signal,
}

impl Asked {
    fn new() -> Result<Self, Failure> {
        let listen = |kind| signal(kind).map_err(|cause| Failure::new(UNAVAILABLE, format!("no signals: {cause}")));
        Ok(Self { terminate: listen(SignalKind::terminate())?, interrupt: listen(SignalKind::interrupt())? })
    }

    async fn wait(&mut self) -> &'static str {
        tokio::select! {
            _ = self.terminate.recv() => "SIGTERM",
            _ = self.interrupt.recv() => "SIGINT",
        }
    }
}

/// Says where people find the shop, on this machine and on others; and how a new one is set up.
async fn welcome(app: &App, scheme: &str, listeners: &[TcpListener]) {
    let is_new = app.site.db.read(crate::staff::actions::has_owner).await.is_ok_and(|has_owner| !has_owner);
    let mut text = String::new();
    for address in listeners.iter().filter_map(|listener| listener.local_addr().ok()) {
        let port = address.port();
        if address.ip().is_loopback() || address.ip().is_unspecified() {
            text.push_str(&format!("\n  On this machine:   {scheme}://localhost:{port}\n"));
        }
        let there = if address.ip().is_unspecified() { own_address() } else { Some(address.ip()) };
        if let Some(there) = there.filter(|there| !there.is_loopback()) {
            let there = SocketAddr::new(there, port);
            let code = if is_new { format!("/setup?code={}", app.setup.code()) } else { String::new() };
            text.push_str(&format!("  On other devices:  {scheme}://{there}{code}\n"));
        }
    }
    if is_new {
        text.push_str(&format!(
            "  This shop is new: open it and say whose it is. The set-up code for other devices is {}.\n",
            app.setup.code()
        ));
    }
    eprintln!("{text}");
}

/// The address by which other machines of the network reach this one: the one it would send from. Nothing is sent.
fn own_address() -> Option<IpAddr> {
    let socket = std::net::UdpSocket::bind("0.0.0.0:0").ok()?;
    // TEST-NET-1 of RFC 5737: an address that is nobody's.
    socket.connect("192.0.2.1:9").ok()?;
    socket.local_addr().ok().map(|address| address.ip())
}

fn warn_of_exposure(config: &Config) {
    for address in config.exposed() {
        tracing::warn!(
            "ANYBODY ON THE NETWORK CAN READ PASSWORDS SENT TO {address}: it is open to other machines without HTTPS. \
             Give it a certificate with --tls-cert and --tls-key, put a proxy with HTTPS before it and start with --https, \
             or listen on 127.0.0.1."
        );
    }
}

fn cannot_listen(address: SocketAddr, cause: &std::io::Error) -> Failure {
    let sentence = match cause.kind() {
        std::io::ErrorKind::AddrInUse => {
            format!(
                "{address} is in use by another program; stop that one, or choose another with --listen 127.0.0.1:8001"
            )
        }
        std::io::ErrorKind::PermissionDenied => {
            format!("this user may not listen on {address}; choose a port from 1024, like --listen 127.0.0.1:8000")
        }
        _ => format!("cannot listen on {address}: {cause}"),
    };
    Failure::new(UNAVAILABLE, sentence)
}

fn secret_sentence(config: &Config, cause: &std::io::Error) -> String {
    format!("the key {} cannot be used: {cause}", config.secret_file.display())
}
