//! The engine for a chain: PostgreSQL, any number of processes of ours beside it.
//!
//! Each thread owns one session. Ordinary writes run side by side and are run again as a whole when
//! the engine asks for it; a desk has a lane of its own, one batch at a time.

use std::collections::HashSet;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use crossbeam_channel::{Receiver, Sender, TrySendError, bounded, unbounded};
use postgres::fallible_iterator::FallibleIterator as _;
use tokio_postgres_rustls::MakeRustlsConnect;

use super::conn::{Conn, Engine, Notice, Session, Trouble};
use super::work::{Hub, ReadJob, Work};
use super::{Error, Location, OpenError, Options, Result, migrate};

const NEEDED_VERSION: i64 = 150_000;
/// How often a transaction is run before its caller is told to come back later.
const TRIES: u32 = 10;
const WAITING: usize = 8_192;
/// The channel that instances tell each other on.
const CHANNEL: &str = "kirana";
/// The first half of the advisory locks by which sessions claim their number as writers.
const WRITER_LOCK: i32 = 0x4b49_5241;
/// Notices longer than this are sent without their text, which makes listeners look again.
const LONGEST_NOTICE: usize = 7_000;
/// Stands between notices that travel together; no topic and no JSON holds it.
const BETWEEN_NOTICES: char = '\u{1e}';

pub(super) struct Postgres {
    gate: Gate,
    work: Mutex<Option<Sender<Box<dyn Work>>>>,
    reads: Mutex<Option<Sender<ReadJob>>>,
    desk_lane: Sender<Box<dyn Work>>,
    stops: Vec<Sender<()>>,
    stopping: Arc<AtomicBool>,
    threads: Mutex<Vec<JoinHandle<()>>>,
    version: String,
    steps: Vec<&'static str>,
}

/// What a thread needs to open a session.
#[derive(Clone)]
struct Gate {
    config: postgres::Config,
    tls: MakeRustlsConnect,
    /// Process ids of this instance's own sessions, whose notices are already known here.
    own: Arc<Mutex<HashSet<i32>>>,
}

impl Gate {
    fn connect(&self) -> Result<Session> {
        let mut client = self.config.connect(self.tls.clone())?;
        client.batch_execute(
            "set time zone 'UTC';
             set idle_in_transaction_session_timeout = '60s';
             set client_min_messages = warning;",
        )?;
        Ok(Session::new(client))
    }

    /// Opens a session that writes, and claims the lowest free number for it.
    fn connect_writer(&self) -> Result<(Session, i64)> {
        let mut session = self.connect()?;
        let process: i32 = session.client.query_one("select pg_backend_pid()", &[])?.get(0);
        self.own.lock().expect("the sessions' lock").insert(process);
        let mut number: i32 = 1;
        loop {
            let claimed: bool =
                session.client.query_one("select pg_try_advisory_lock($1, $2)", &[&WRITER_LOCK, &number])?.get(0);
            if claimed {
                return Ok((session, i64::from(number)));
            }
            number += 1;
        }
    }
}

impl Postgres {
    pub fn open(url: &str, options: &Options, hub: &Arc<Hub>) -> std::result::Result<Self, OpenError> {
        let mut config: postgres::Config = url.parse().map_err(Error::from)?;
        config.application_name("kirana").connect_timeout(Duration::from_secs(5));
        let gate = Gate { config, tls: tls(options.root_certificates.as_deref())?, own: Arc::default() };

        let mut session = gate.connect().map_err(|error| unreachable(url, error))?;
        let version: String = session.client.query_one("show server_version", &[]).map_err(Error::from)?.get(0);
        let number: String = session.client.query_one("show server_version_num", &[]).map_err(Error::from)?.get(0);
        if number.parse::<i64>().unwrap_or_default() < NEEDED_VERSION {
            return Err(OpenError::TooOld { engine: "PostgreSQL", found: version, needed: "15" });
        }
        let taken = migrate::postgres(&mut session.client)?;
        drop(session);

        let (work, units) = bounded(WAITING);
        let (desk_lane, desks) = unbounded();
        let (reads, jobs) = bounded(WAITING);
        let stopping = Arc::new(AtomicBool::new(false));
        let mut threads = Vec::new();
        let mut stops = Vec::new();
        for number in 0..=options.writers.max(1) {
            let units: Receiver<Box<dyn Work>> = if number == 0 { desks.clone() } else { units.clone() };
            let (stop, stopped) = unbounded();
            stops.push(stop);
            let (gate, hub) = (gate.clone(), hub.clone());
            threads.push(spawn(&format!("db-write-{number}"), move || {
                Writer { gate, hub, session: None }.serve(&units, &stopped);
            }));
        }
        for number in 0..options.readers.max(1) {
            let (gate, jobs) = (gate.clone(), jobs.clone());
            threads.push(spawn(&format!("db-read-{number}"), move || serve_reads(&gate, &jobs)));
        }
        let (listening, shared, stop) = (gate.clone(), hub.clone(), stopping.clone());
        threads.push(spawn("db-listen", move || listen(&listening, &shared, &stop)));
        Ok(Self {
            gate,
            work: Mutex::new(Some(work)),
            reads: Mutex::new(Some(reads)),
            desk_lane,
            stops,
            stopping,
            threads: Mutex::new(threads),
            version,
            steps: taken,
        })
    }

    pub fn steps(&self) -> &[&'static str] {
        &self.steps
    }

    pub fn describe(&self) -> String {
        format!("PostgreSQL {}", self.version)
    }

    pub fn write(&self, work: Box<dyn Work>) -> Result<()> {
        send(&self.work, work)
    }

    pub fn read(&self, job: ReadJob) -> Result<()> {
        send(&self.reads, job)
    }

    pub fn desk_lane(&self) -> Sender<Box<dyn Work>> {
        self.desk_lane.clone()
    }

    /// Runs a job over one snapshot on a session of its own.
    pub fn snapshot<T>(&self, job: impl FnOnce(&mut Conn<'_>) -> Result<T>) -> Result<T> {
        let mut session = self.gate.connect()?;
        session.client.batch_execute("begin isolation level repeatable read read only")?;
        let result = job(&mut Conn::new(Engine::Postgres(&mut session), 0));
        session.client.batch_execute("rollback")?;
        result
    }

    pub fn close(&self) {
        self.stopping.store(true, Ordering::Release);
        self.work.lock().expect("the lane's lock").take();
        self.reads.lock().expect("the lane's lock").take();
        for stop in &self.stops {
            let _ = stop.send(());
        }
        for thread in self.threads.lock().expect("the threads' lock").drain(..) {
            // A thread that panicked has said so; there is nothing more to do here.
            let _ = thread.join();
        }
    }
}

/// Opens one session for a task outside the pool, such as a restore.
pub(super) fn connect_once(url: &str, options: &Options) -> std::result::Result<postgres::Client, OpenError> {
    let config: postgres::Config = url.parse().map_err(Error::from)?;
    config.connect(tls(options.root_certificates.as_deref())?).map_err(|error| unreachable(url, error.into()))
}

fn unreachable(url: &str, error: Error) -> OpenError {
    let reason = match error {
        Error::Again(reason) | Error::Engine(reason) => reason,
        other => other.to_string(),
    };
    OpenError::Unreachable { location: Location::Server(url.to_owned()), reason }
}

fn send<T>(lane: &Mutex<Option<Sender<T>>>, item: T) -> Result<()> {
    match lane.lock().expect("the lane's lock").as_ref().map(|lane| lane.try_send(item)) {
        Some(Ok(())) => Ok(()),
        Some(Err(TrySendError::Full(_) | TrySendError::Disconnected(_))) | None => Err(Error::Busy),
    }
}

fn spawn(name: &str, body: impl FnOnce() + Send + 'static) -> JoinHandle<()> {
    std::thread::Builder::new().name(name.to_owned()).spawn(body).expect("a thread for the database")
}

fn tls(more_roots: Option<&Path>) -> std::result::Result<MakeRustlsConnect, OpenError> {
    use rustls::pki_types::CertificateDer;
    use rustls::pki_types::pem::PemObject as _;

    let mut roots = rustls::RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    if let Some(path) = more_roots {
        let refused = |cause: String| OpenError::File { path: path.to_owned(), cause: std::io::Error::other(cause) };
        for certificate in CertificateDer::pem_file_iter(path).map_err(|error| refused(error.to_string()))? {
            let certificate = certificate.map_err(|error| refused(error.to_string()))?;
            roots.add(certificate).map_err(|error| refused(error.to_string()))?;
        }
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| OpenError::Engine(Error::Engine(error.to_string())))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(MakeRustlsConnect::new(config))
}

fn begin_reading(gate: &Gate, session: &mut Option<Session>) -> Result<()> {
    let mut open = match session.take() {
        Some(open) if !open.client.is_closed() => open,
        _ => gate.connect()?,
    };
    open.client.batch_execute("begin isolation level repeatable read read only")?;
    *session = Some(open);
    Ok(())
}

fn serve_reads(gate: &Gate, jobs: &Receiver<ReadJob>) {
    let mut session: Option<Session> = None;
    while let Ok(job) = jobs.recv() {
        // A session may have been cut since it was last used, which only shows now: a new one is tried once.
        if let Err(error) = begin_reading(gate, &mut session).or_else(|_| begin_reading(gate, &mut session)) {
            job(Err(error));
            continue;
        }
        let Some(open) = session.as_mut() else { continue };
        let caught = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            job(Ok(&mut Conn::new(Engine::Postgres(open), 0)));
        }));
        if caught.is_err() {
            tracing::error!("a reading query panicked");
        }
        if open.client.batch_execute("rollback").is_err() {
            session = None;
        }
    }
}

/// A thread that writes, with its session.
struct Writer {
    gate: Gate,
    hub: Arc<Hub>,
    session: Option<(Session, i64)>,
}

/// How one run of a transaction ended.
enum Run {
    Done(Result<()>),
    Again(String),
}

impl Writer {
    fn serve(&mut self, units: &Receiver<Box<dyn Work>>, stop: &Receiver<()>) {
        let mut disturbances = 0;
        loop {
            crossbeam_channel::select_biased! {
                recv(units) -> unit => match unit {
                    Ok(mut unit) => {
                        let outcome = self.run(unit.as_mut(), &mut disturbances);
                        unit.finish(&outcome);
                    }
                    Err(_) => break,
                },
                recv(stop) -> _ => break,
            }
        }
    }

    fn run(&mut self, unit: &mut dyn Work, disturbances: &mut u64) -> Result<()> {
        let mut reason = String::new();
        for attempt in 0..TRIES {
            if let Some(reason) = self.hub.halted() {
                return Err(Error::Storage(reason));
            }
            if attempt > 0 {
                // Each waits a little longer, and not all alike: the thread's number spreads them.
                let spread = self.session.as_ref().map_or(1, |(_, number)| number.unsigned_abs() % 7 + 1);
                std::thread::sleep(Duration::from_millis(spread << attempt.min(6)));
            }
            // Also what an attempt has read and changed in memory is forgotten before the next one.
            *disturbances += 1;
            match self.run_once(unit, *disturbances) {
                Run::Done(outcome) => return outcome,
                Run::Again(text) => reason = text,
            }
        }
        Err(Error::Again(reason))
    }

    fn run_once(&mut self, unit: &mut dyn Work, disturbances: u64) -> Run {
        if self.session.as_ref().is_none_or(|(session, _)| session.client.is_closed()) {
            match self.gate.connect_writer() {
                Ok(session) => self.session = Some(session),
                Err(error) => {
                    self.session = None;
                    return Run::Again(error.to_string());
                }
            }
        }
        let Some((session, number)) = self.session.as_mut() else { return Run::Again("no session".to_owned()) };
        if let Err(error) = session.client.batch_execute("begin") {
            self.session = None;
            return Run::Again(error.to_string());
        }
        let mut conn = Conn::new(Engine::Postgres(session), *number).disturbed(disturbances);
        let keep = unit.run(&mut conn);
        let notices = conn.take_notices();
        match conn.take_trouble() {
            Some(Trouble::Fatal(reason)) => {
                self.session = None;
                self.hub.halt(&reason);
                return Run::Done(Err(Error::Storage(reason)));
            }
            Some(Trouble::Again) => {
                if session.client.batch_execute("rollback").is_err() {
                    self.session = None;
                }
                return Run::Again("the engine asked for it".to_owned());
            }
            None => {}
        }
        if !keep {
            if session.client.batch_execute("rollback").is_err() {
                self.session = None;
            }
            return Run::Done(Ok(()));
        }
        match commit(session, &notices) {
            Ok(()) => {
                self.hub.changed();
                self.hub.tell(notices);
                Run::Done(Ok(()))
            }
            Err(Ended::Before(error @ Error::Again(_))) => {
                self.session = None;
                Run::Again(error.to_string())
            }
            Err(Ended::Before(error) | Ended::Within(error)) => {
                self.session = None;
                Run::Done(Err(error))
            }
        }
    }
}

/// Where a commit failed: before it was sent, or while its answer was awaited.
enum Ended {
    Before(Error),
    Within(Error),
}

fn commit(session: &mut Session, notices: &[Notice]) -> std::result::Result<(), Ended> {
    if !notices.is_empty() {
        session
            .client
            .execute("select pg_notify('kirana', told) from unnest($1::text[]) as told", &[&parcels(notices)])
            .map_err(|error| Ended::Before(error.into()))?;
    }
    session.client.batch_execute("commit").map_err(|error| {
        if error.as_db_error().is_some() {
            Ended::Before(error.into())
        } else {
            Ended::Within(Error::Unknown(error.to_string()))
        }
    })
}

/// Puts many notices into few parcels, each as long as the engine passes on.
fn parcels(notices: &[Notice]) -> Vec<String> {
    let mut parcels: Vec<String> = Vec::new();
    for notice in notices {
        let text = if notice.text.len() > LONGEST_NOTICE { "" } else { notice.text.as_str() };
        let more = notice.topic.len() + text.len() + 2;
        match parcels.last_mut().filter(|parcel| parcel.len() + more <= LONGEST_NOTICE) {
            Some(parcel) => parcel.push(BETWEEN_NOTICES),
            None => parcels.push(String::with_capacity(more)),
        }
        if let Some(parcel) = parcels.last_mut() {
            parcel.push_str(notice.topic);
            parcel.push('\n');
            parcel.push_str(text);
        }
    }
    parcels
}

fn unpack(parcel: &str) -> impl Iterator<Item = Notice> {
    parcel.split(BETWEEN_NOTICES).filter_map(|notice| {
        let (topic, text) = notice.split_once('\n').unwrap_or((notice, ""));
        let topic = TOPICS.iter().find(|known| **known == topic)?;
        Some(Notice { topic, text: text.to_owned() })
    })
}

/// Passes on what other instances tell.
fn listen(gate: &Gate, hub: &Hub, stopping: &AtomicBool) {
    while !stopping.load(Ordering::Acquire) {
        if let Err(error) = listen_once(gate, hub, stopping) {
            tracing::warn!(%error, "listening to other instances was interrupted");
            std::thread::sleep(Duration::from_millis(500));
        }
    }
}

fn listen_once(gate: &Gate, hub: &Hub, stopping: &AtomicBool) -> Result<()> {
    let mut session = gate.connect()?;
    session.client.batch_execute(&format!("listen {CHANNEL}"))?;
    // Whatever was told while nobody listened is unknown: everybody looks again.
    hub.tell([Notice { topic: TOPIC_MISSED, text: String::new() }]);
    while !stopping.load(Ordering::Acquire) {
        let mut told = Vec::new();
        let mut notifications = session.client.notifications();
        let mut waiting = notifications.timeout_iter(Duration::from_millis(200));
        while let Some(notification) = waiting.next()? {
            if gate.own.lock().expect("the sessions' lock").contains(&notification.process_id()) {
                continue;
            }
            told.extend(unpack(notification.payload()));
            if told.len() >= 256 {
                break;
            }
        }
        drop(waiting);
        drop(notifications);
        hub.tell(told);
        if session.client.is_closed() {
            return Err(Error::Again("the session ended".to_owned()));
        }
    }
    Ok(())
}

/// Notices may have been missed; whoever remembers something looks again.
pub const TOPIC_MISSED: &str = "missed";
/// Rights changed: sessions, roles, keys.
pub const TOPIC_ACCESS: &str = "access";
/// Something that people who look at a page want to see.
pub const TOPIC_EVENT: &str = "event";

const TOPICS: &[&str] = &[TOPIC_MISSED, TOPIC_ACCESS, TOPIC_EVENT];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn notices_travel_in_parcels_and_arrive_one_by_one() {
        let notices: Vec<Notice> = (0..300)
            .map(|number| Notice { topic: TOPICS[number % TOPICS.len()], text: format!("{number} {}", "x".repeat(90)) })
            .chain([Notice { topic: TOPICS[0], text: "y".repeat(LONGEST_NOTICE + 1) }])
            .collect();

        let parcels = parcels(&notices);

        assert!(parcels.len() < 10, "{} parcels", parcels.len());
        assert!(parcels.iter().all(|parcel| parcel.len() < 8_000), "the engine takes less than 8,000 bytes");
        let arrived: Vec<Notice> = parcels.iter().flat_map(|parcel| unpack(parcel)).collect();
        assert_eq!(arrived.len(), notices.len());
        assert_eq!(arrived[..300], notices[..300]);
        assert_eq!(arrived[300].text, "", "what is too long arrives without its text");
    }
}
