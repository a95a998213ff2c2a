//! The embedded engine: one file, one writer thread with group commit, several readers.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use crossbeam_channel::{Receiver, Sender, TrySendError, bounded, unbounded};
use rusqlite::{Connection, OpenFlags};

use super::conn::{Conn, Engine, Notice, Trouble};
use super::work::{Hub, ReadJob, Work};
use super::{Error, OpenError, Result, migrate};

/// Older versions can corrupt a database when a write-ahead log is reset.
const NEEDED_VERSION: i32 = 3_053_000;
/// How many units share one commit at most.
const GROUP: usize = 256;
/// How many units may wait before more are turned away.
const WAITING: usize = 8_192;

pub(super) struct Sqlite {
    path: PathBuf,
    work: Mutex<Option<Sender<Box<dyn Work>>>>,
    reads: Mutex<Option<Sender<ReadJob>>>,
    lane: Sender<Box<dyn Work>>,
    threads: Mutex<Vec<JoinHandle<()>>>,
    stop: Sender<()>,
    hub: Arc<Hub>,
    steps: Vec<&'static str>,
    /// Held open, and so locked, as long as the database is.
    lock: Mutex<Option<File>>,
}

impl Sqlite {
    pub fn open(path: &Path, readers: usize, hub: &Arc<Hub>) -> std::result::Result<Self, OpenError> {
        if rusqlite::version_number() < NEEDED_VERSION {
            return Err(OpenError::TooOld { engine: "SQLite", found: rusqlite::version().to_owned(), needed: "3.53" });
        }
        let lock = take_lock(path)?;
        let mut writer = open_writer(path)?;
        let steps = migrate::sqlite(&mut writer)?;
        let (work, units) = bounded(WAITING);
        let (stop, stopped) = unbounded();
        let (reads, jobs) = bounded(WAITING);
        let mut threads = Vec::new();
        for number in 0..readers.max(1) {
            let conn = open_reader(path)?;
            let jobs: Receiver<ReadJob> = jobs.clone();
            threads.push(spawn(&format!("db-read-{number}"), move || serve_reads(&conn, &jobs)));
        }
        let shared = hub.clone();
        let safe = Safe::open(path, &shared)?;
        writer.execute_batch("pragma synchronous = normal").map_err(Error::from)?;
        threads.push(spawn("db-write", move || serve_writes(&writer, &units, &stopped, &shared, &safe)));
        Ok(Self {
            path: path.to_owned(),
            lane: work.clone(),
            work: Mutex::new(Some(work)),
            reads: Mutex::new(Some(reads)),
            threads: Mutex::new(threads),
            stop,
            hub: hub.clone(),
            steps,
            lock: Mutex::new(Some(lock)),
        })
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    pub fn steps(&self) -> &[&'static str] {
        &self.steps
    }

    pub fn describe(&self) -> String {
        format!("SQLite {} in {}", rusqlite::version(), self.path.display())
    }

    pub fn write(&self, work: Box<dyn Work>) -> Result<()> {
        send(&self.work, work)
    }

    pub fn read(&self, job: ReadJob) -> Result<()> {
        if let Some(reason) = self.hub.halted() {
            return Err(Error::Storage(reason));
        }
        send(&self.reads, job)
    }

    /// The way that desks reach the writer.
    pub fn lane(&self) -> Sender<Box<dyn Work>> {
        self.lane.clone()
    }

    pub fn close(&self) {
        self.work.lock().expect("the lane's lock").take();
        self.reads.lock().expect("the lane's lock").take();
        let _ = self.stop.send(());
        for thread in self.threads.lock().expect("the threads' lock").drain(..) {
            // A thread that panicked has said so; there is nothing more to do here.
            let _ = thread.join();
        }
        self.lock.lock().expect("the file's lock").take();
    }
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

/// Locks the database against a second process, by a file beside it.
fn take_lock(path: &Path) -> std::result::Result<File, OpenError> {
    let lock_path = lock_path(path);
    let failed = |cause| OpenError::File { path: lock_path.clone(), cause };
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        std::fs::create_dir_all(folder).map_err(failed)?;
    }
    let file = File::options().create(true).truncate(false).write(true).open(&lock_path).map_err(failed)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(std::fs::TryLockError::WouldBlock) => Err(OpenError::InUse(path.to_owned())),
        Err(std::fs::TryLockError::Error(cause)) => Err(failed(cause)),
    }
}

fn lock_path(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".lock");
    PathBuf::from(name)
}

/// How much the writer keeps in memory.
#[derive(Clone, Copy)]
pub(super) struct Memory {
    /// Pages in its own cache.
    cache_kib: u32,
    /// The part of the file that it reads where the system has it.
    map_bytes: u32,
}

pub(super) const USUAL_MEMORY: Memory = Memory { cache_kib: 64 * 1024, map_bytes: 256 * 1024 * 1024 };
pub(super) const LITTLE_MEMORY: Memory = Memory { cache_kib: 40 * 1024, map_bytes: 0 };

pub(super) fn limit_memory(conn: &Connection, memory: Memory) -> Result<()> {
    let Memory { cache_kib, map_bytes } = memory;
    Ok(conn.execute_batch(&format!("pragma cache_size = -{cache_kib}; pragma mmap_size = {map_bytes};"))?)
}

pub(super) fn open_writer(path: &Path) -> Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
        | OpenFlags::SQLITE_OPEN_CREATE
        | OpenFlags::SQLITE_OPEN_NO_MUTEX
        | OpenFlags::SQLITE_OPEN_EXRESCODE;
    let conn = Connection::open_with_flags(path, flags)?;
    restrict_to_owner(path);
    // The wait comes first, so that the others do not fail on a database that is just being closed.
    conn.execute_batch(
        "pragma busy_timeout = 5000;
         pragma journal_mode = wal;
         pragma synchronous = full;
         pragma foreign_keys = on;
         pragma wal_autocheckpoint = 16000;
         pragma journal_size_limit = 67108864;
         pragma temp_store = memory;",
    )?;
    limit_memory(&conn, USUAL_MEMORY)?;
    conn.set_prepared_statement_cache_capacity(512);
    Ok(conn)
}

fn open_reader(path: &Path) -> Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let conn = Connection::open_with_flags(path, flags)?;
    conn.execute_batch(
        "pragma busy_timeout = 5000;
         pragma cache_size = -16384;
         pragma mmap_size = 268435456;
         pragma temp_store = memory;",
    )?;
    conn.set_prepared_statement_cache_capacity(256);
    Ok(conn)
}

/// The file holds personal data; only its owner reads it.
fn restrict_to_owner(path: &Path) {
    use std::os::unix::fs::PermissionsExt;
    if let Err(error) = std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)) {
        tracing::warn!(%error, path = %path.display(), "the database file could not be closed to others");
    }
}

fn serve_reads(conn: &Connection, jobs: &Receiver<ReadJob>) {
    while let Ok(job) = jobs.recv() {
        match conn.execute_batch("begin deferred") {
            Ok(()) => {
                let caught = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
                    job(Ok(&mut Conn::new(Engine::Sqlite(conn), 0)));
                }));
                if caught.is_err() {
                    tracing::error!("a reading query panicked");
                }
                let _ = conn.execute_batch("rollback");
            }
            Err(error) => job(Err(error.into())),
        }
    }
}

/// What brings commits to the disk: the writer goes on with the next group while one is brought there.
///
/// The writer's own connection does not wait for the disk (`synchronous = normal` keeps the file sound, and
/// waits before it folds the log into it); nobody is answered before the log was synced here. A sync
/// covers all groups that were committed before it began.
struct Safe {
    log: Arc<File>,
    /// Groups on their way to the disk.
    under_way: Arc<AtomicUsize>,
    groups: Option<Sender<Committed>>,
    thread: Option<JoinHandle<()>>,
}

/// A group that was committed.
struct Committed {
    units: Vec<Box<dyn Work>>,
    notices: Vec<Notice>,
}

/// How many committed groups may wait for the disk.
const UNSAFE_GROUPS: usize = 8;

impl Safe {
    fn open(path: &Path, hub: &Arc<Hub>) -> std::result::Result<Self, OpenError> {
        let mut name = path.as_os_str().to_owned();
        name.push("-wal");
        let name = PathBuf::from(name);
        let log = File::options().write(true).open(&name).map_err(|cause| OpenError::File { path: name, cause })?;
        let log = Arc::new(log);
        let under_way = Arc::new(AtomicUsize::new(0));
        let (groups, committed) = bounded::<Committed>(UNSAFE_GROUPS);
        let (synced, left, hub) = (log.clone(), under_way.clone(), hub.clone());
        let thread = spawn("db-sync", move || {
            while let Ok(first) = committed.recv() {
                let all: Vec<Committed> = std::iter::once(first).chain(committed.try_iter()).collect();
                let count = all.len();
                answer(all, &sync(&synced, &hub), &hub);
                left.fetch_sub(count, Ordering::AcqRel);
            }
        });
        Ok(Self { log, under_way, groups: Some(groups), thread: Some(thread) })
    }

    /// Brings a group to the disk and answers: at once when nobody else waits, else while the writer goes on.
    fn keep(&self, mut group: Committed, nobody_waits: bool, hub: &Hub) {
        if nobody_waits && self.under_way.load(Ordering::Acquire) == 0 {
            return answer(vec![group], &sync(&self.log, hub), hub);
        }
        self.under_way.fetch_add(1, Ordering::AcqRel);
        if let Some(groups) = &self.groups {
            match groups.send(group) {
                Ok(()) => return,
                Err(back) => group = back.0,
            }
        }
        // The thread is gone, which it is only after a panic.
        answer(vec![group], &Err(Error::Storage("nothing brings commits to the disk any more".to_owned())), hub);
    }
}

impl Drop for Safe {
    fn drop(&mut self) {
        self.groups.take();
        if let Some(thread) = self.thread.take() {
            // A thread that panicked has said so.
            let _ = thread.join();
        }
    }
}

fn sync(log: &File, hub: &Hub) -> Result<()> {
    if let Some(reason) = hub.halted() {
        return Err(Error::Storage(reason));
    }
    log.sync_data().map_err(|error| {
        let reason = format!("the write-ahead log could not be synced: {error}");
        hub.halt(&reason);
        Error::Storage(reason)
    })
}

fn answer(groups: Vec<Committed>, outcome: &Result<()>, hub: &Hub) {
    for group in groups {
        if outcome.is_ok() {
            hub.tell(group.notices);
        }
        for mut unit in group.units {
            unit.finish(outcome);
        }
    }
}

/// Takes whatever is queued, runs each unit in a savepoint, commits once, then has all answered.
fn serve_writes(conn: &Connection, units: &Receiver<Box<dyn Work>>, stop: &Receiver<()>, hub: &Hub, safe: &Safe) {
    let mut disturbances = 0;
    loop {
        let mut group: Vec<Box<dyn Work>> = Vec::new();
        crossbeam_channel::select_biased! {
            recv(units) -> unit => match unit {
                Ok(unit) => group.push(unit),
                Err(_) => break,
            },
            recv(stop) -> _ => break,
        }
        while group.len() < GROUP
            && let Ok(unit) = units.try_recv()
        {
            group.push(unit);
        }
        let outcome = match hub.halted() {
            Some(reason) => Err(Error::Storage(reason)),
            None => run_group(conn, &mut group, hub, &mut disturbances),
        };
        match outcome {
            Ok(Some(notices)) => {
                for unit in &mut group {
                    unit.committed();
                }
                safe.keep(Committed { units: group, notices }, units.is_empty(), hub);
            }
            Ok(None) => answer(vec![Committed { units: group, notices: Vec::new() }], &Ok(()), hub),
            Err(error) => {
                if error.is_fatal() {
                    hub.halt(&error.to_string());
                }
                // What the desk remembers may never have been stored.
                disturbances += 1;
                answer(vec![Committed { units: group, notices: Vec::new() }], &Err(error), hub);
            }
        }
    }
    if hub.halted().is_none()
        && let Err(error) = conn.execute_batch("pragma optimize; pragma wal_checkpoint(truncate);")
    {
        tracing::warn!(%error, "the write-ahead log was not folded into the file");
    }
}

/// Runs and commits a group; answers what to tell then, or nothing when nothing was kept.
fn run_group(
    conn: &Connection,
    group: &mut [Box<dyn Work>],
    hub: &Hub,
    disturbances: &mut u64,
) -> Result<Option<Vec<Notice>>> {
    conn.execute_batch("begin immediate")?;
    let mut context = Conn::new(Engine::Sqlite(conn), 0).disturbed(*disturbances);
    let alone = group.len() == 1;
    let mut kept = 0;
    for unit in group.iter_mut() {
        if !alone {
            conn.execute_batch("savepoint unit")?;
        }
        let told = context.notice_count();
        let keep = unit.run(&mut context);
        let trouble = context.take_trouble();
        if let Some(Trouble::Fatal(reason)) = trouble {
            let _ = conn.execute_batch("rollback");
            return Err(Error::Storage(reason));
        }
        if conn.is_autocommit() {
            // The engine has undone everything by itself, for example on a full disk.
            return Err(Error::Full);
        }
        if keep {
            kept += 1;
            if !unit.is_desk() {
                *disturbances += 1;
                context = context.disturbed(*disturbances);
            }
        } else {
            *disturbances += 1;
            context = context.disturbed(*disturbances);
            context.drop_notices_after(told);
            if alone {
                conn.execute_batch("rollback")?;
                return Ok(None);
            }
            conn.execute_batch("rollback to unit")?;
        }
        if !alone {
            conn.execute_batch("release unit")?;
        }
    }
    if kept == 0 {
        conn.execute_batch("rollback")?;
        return Ok(None);
    }
    if let Err(error) = conn.execute_batch("commit") {
        let _ = conn.execute_batch("rollback");
        return Err(error.into());
    }
    hub.changed();
    Ok(Some(context.take_notices()))
}
