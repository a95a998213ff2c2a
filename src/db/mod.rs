//! The database: two engines behind one face.
//!
//! Owns connections, transactions, group commit, retry, migrations, backup and every difference
//! between SQLite and PostgreSQL. Nothing outside this module asks which engine runs.
//!
//! Invariants:
//! - An answer leaves only after the commit that it speaks of.
//! - On SQLite there is one writer thread; on PostgreSQL a transaction that the engine rejects is
//!   run again as a whole.
//! - After a storage error nothing is acknowledged any more ([`Db::halted`]).

mod backup;
mod conn;
mod desk;
mod error;
mod facts;
pub mod foreign;
mod locate;
pub mod migrate;
mod postgres;
mod sequence;
mod sqlite;
mod statement;
mod value;
pub mod violation;
mod work;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

pub use conn::{Conn, Notice};
pub use desk::Desk;
pub use error::{Error, Result};
pub use facts::{Fact, Verdict, facts};
pub use locate::Location;
pub use sequence::{Sequence, bulks};
pub use statement::{Bulk, Query, Shape, anywhere, numbered};
pub use value::{Cell, Cells, Column, FromRow, Kind, Value};

pub use postgres::{TOPIC_ACCESS, TOPIC_EVENT, TOPIC_MISSED};
use work::{Hub, Unit};

/// A handle on the database; cheap to clone.
#[derive(Clone)]
pub struct Db {
    hub: Arc<Hub>,
    engine: Arc<EngineHandle>,
}

enum EngineHandle {
    Sqlite(Box<sqlite::Sqlite>),
    Postgres(Box<postgres::Postgres>),
}

/// How to open a database.
#[derive(Debug, Clone)]
pub struct Options {
    /// Where it is.
    pub location: Location,
    /// How many reads may run at once.
    pub readers: usize,
    /// How many ordinary writes may run at once on PostgreSQL; SQLite always has one writer.
    pub writers: usize,
    /// Certificates that PostgreSQL's certificate may be signed by, besides the public ones (PEM).
    pub root_certificates: Option<PathBuf>,
}

impl Options {
    /// The usual options for a location.
    pub fn at(location: Location) -> Self {
        Self { location, readers: 4, writers: 4, root_certificates: None }
    }
}

/// Why a database cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another process has it open.
    #[error("{0} is already open in another Kirana; stop that one first, or let it do the work")]
    InUse(PathBuf),
    /// The folder or file cannot be used.
    #[error("{path} cannot be opened: {cause}")]
    File {
        /// The folder or file.
        path: PathBuf,
        /// What the system said.
        cause: std::io::Error,
    },
    /// The server does not answer, or does not let us in.
    #[error("the database {location} cannot be reached: {reason}")]
    Unreachable {
        /// Its address.
        location: Location,
        /// What was said.
        reason: String,
    },
    /// The database to restore into is not empty.
    #[error("{0} already holds a shop; restore into an empty database")]
    Taken(Location),
    /// The file to restore from is none, or is damaged.
    #[error("{path} is not a backup that can be restored: {reason}")]
    NotABackup {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The engine is older than this program relies on.
    #[error("{engine} {found} is too old, {needed} or newer is needed")]
    TooOld {
        /// The engine's name.
        engine: &'static str,
        /// What was found.
        found: String,
        /// What is needed.
        needed: &'static str,
    },
    /// The schema is newer than this program, or was changed by hand.
    #[error(transparent)]
    Schema(#[from] migrate::SchemaError),
    /// The engine said no.
    #[error("the database cannot be opened: {0}")]
    Engine(#[from] Error),
}

impl Db {
    /// Opens the database, brings its schema up to date and starts its threads.
    pub fn open(options: &Options) -> std::result::Result<Self, OpenError> {
        let hub = Arc::new(Hub::default());
        let engine = match &options.location {
            Location::File(path) => EngineHandle::Sqlite(Box::new(sqlite::Sqlite::open(path, options.readers, &hub)?)),
            Location::Server(url) => EngineHandle::Postgres(Box::new(postgres::Postgres::open(url, options, &hub)?)),
        };
        Ok(Self { hub, engine: Arc::new(engine) })
    }

    /// Runs an action in one transaction and answers once it is committed. The action may be run
    /// again from the start, so it touches nothing but the database.
    pub async fn write<T, E>(
        &self,
        action: impl FnMut(&mut Conn<'_>) -> std::result::Result<T, E> + Send + 'static,
    ) -> std::result::Result<T, E>
    where
        T: Send + 'static,
        E: From<Error> + Send + 'static,
    {
        let (unit, answer) = Unit::new(action);
        match &*self.engine {
            EngineHandle::Sqlite(engine) => engine.write(Box::new(unit))?,
            EngineHandle::Postgres(engine) => engine.write(Box::new(unit))?,
        }
        answer.await.unwrap_or_else(|_| Err(E::from(Error::Busy)))
    }

    /// Runs reading queries over one snapshot of the database.
    pub async fn read<T, E>(
        &self,
        query: impl FnOnce(&mut Conn<'_>) -> std::result::Result<T, E> + Send + 'static,
    ) -> std::result::Result<T, E>
    where
        T: Send + 'static,
        E: From<Error> + Send + 'static,
    {
        let (reply, answer) = tokio::sync::oneshot::channel();
        let job = Box::new(move |snapshot: Result<&mut Conn<'_>>| {
            // A caller that went away needs no answer.
            let _ = reply.send(match snapshot {
                Ok(conn) => query(conn),
                Err(error) => Err(E::from(error)),
            });
        });
        match &*self.engine {
            EngineHandle::Sqlite(engine) => engine.read(job)?,
            EngineHandle::Postgres(engine) => engine.read(job)?,
        }
        answer.await.unwrap_or_else(|_| Err(E::from(Error::Busy)))
    }

    /// Opens a desk: commands that wait together are handled together in one transaction. The
    /// handler gets them in order of arrival and answers each; it may be run again for the same batch.
    pub fn open_desk<C, A>(
        &self,
        handler: impl FnMut(&mut Conn<'_>, &[C]) -> Result<Vec<A>> + Send + 'static,
    ) -> Desk<C, A>
    where
        C: Send + Sync + 'static,
        A: Send + 'static,
    {
        match &*self.engine {
            EngineHandle::Sqlite(engine) => {
                let pace = desk::Pace { shares: 2, patience: Duration::from_micros(800) };
                Desk::open(handler, engine.lane(), pace)
            }
            // A batch costs a journey for each of its statements, so a full one is worth a longer wait.
            EngineHandle::Postgres(engine) => {
                let pace = desk::Pace { shares: 1, patience: Duration::from_micros(800) };
                Desk::open(handler, engine.desk_lane(), pace)
            }
        }
    }

    /// Calls a function with each notice of a committed transaction, of this or another instance.
    /// It runs on a database thread and must not wait.
    pub fn listen(&self, listener: impl Fn(&Arc<Notice>) + Send + Sync + 'static) {
        self.hub.listen(Box::new(listener));
    }

    /// A number that grows with each committed change, when this process alone can make one; then
    /// an answer computed at a number stays right while the number stays the same.
    pub fn generation(&self) -> Option<u64> {
        match &*self.engine {
            EngineHandle::Sqlite(_) => Some(self.hub.generation()),
            EngineHandle::Postgres(_) => None,
        }
    }

    /// How long, in milliseconds, what was read may be trusted without asking again, besides notices.
    pub fn trust_ms(&self) -> i64 {
        if self.generation().is_some() { i64::MAX } else { 1000 }
    }

    /// Why nothing is acknowledged any more, once storage has failed.
    pub fn halted(&self) -> Option<String> {
        self.hub.halted()
    }

    /// Waits until storage has failed.
    pub async fn wait_halted(&self) -> String {
        self.hub.wait_halted().await
    }

    /// Copies the whole database into a new SQLite file while others go on reading and writing.
    /// Returns the number of rows copied (PostgreSQL) or pages (SQLite).
    pub async fn backup(&self, to: PathBuf) -> std::result::Result<u64, OpenError> {
        let engine = self.engine.clone();
        tokio::task::spawn_blocking(move || match &*engine {
            EngineHandle::Sqlite(engine) => backup::copy_file(engine.path(), &to),
            EngineHandle::Postgres(engine) => backup::copy_rows_out(engine, &to),
        })
        .await
        .unwrap_or(Err(OpenError::Engine(Error::Busy)))
    }

    /// The steps of the schema that were taken when it was opened.
    pub fn steps_taken(&self) -> &[&'static str] {
        match &*self.engine {
            EngineHandle::Sqlite(engine) => engine.steps(),
            EngineHandle::Postgres(engine) => engine.steps(),
        }
    }

    /// The engine and its version, for people.
    pub fn describe(&self) -> String {
        match &*self.engine {
            EngineHandle::Sqlite(engine) => engine.describe(),
            EngineHandle::Postgres(engine) => engine.describe(),
        }
    }

    /// Stops the threads, folds the write-ahead log into the file and lets go of the lock.
    pub fn close(&self) {
        match &*self.engine {
            EngineHandle::Sqlite(engine) => engine.close(),
            EngineHandle::Postgres(engine) => engine.close(),
        }
    }
}

/// Fills an empty database from a backup file.
pub use backup::restore;
