//! Fresh databases, one for each test, that are gone when the test is over.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{LazyLock, Mutex};

use kirana::db::migrate::MIGRATIONS;
use kirana::db::{Db, Location, Options};
use sha2::{Digest as _, Sha256};
use tempfile::TempDir;

/// The engine that a test runs on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Engine {
    /// A file.
    Sqlite,
    /// A database on the server that `cargo xtask test` started.
    Postgres,
}

impl Engine {
    /// The other one.
    pub fn other(self) -> Self {
        match self {
            Self::Sqlite => Self::Postgres,
            Self::Postgres => Self::Sqlite,
        }
    }
}

/// A database of a test's own.
pub struct Scratch {
    pub engine: Engine,
    folder: TempDir,
    name: String,
}

impl Scratch {
    /// A database with the present schema.
    pub fn new(engine: Engine) -> Self {
        match engine {
            // A file is made as fast as it is copied.
            Engine::Sqlite => Self::made(engine, ""),
            Engine::Postgres => {
                // Looked at by each test, so that each says what is missing.
                server_address();
                Self::made(engine, &format!("template {}", *TEMPLATE))
            }
        }
    }

    /// A database without any schema.
    pub fn empty(engine: Engine) -> Self {
        Self::made(engine, "")
    }

    fn made(engine: Engine, template: &str) -> Self {
        static COUNTER: AtomicUsize = AtomicUsize::new(0);
        let name = format!("kirana_test_{}_{}", std::process::id(), COUNTER.fetch_add(1, Ordering::Relaxed));
        if engine == Engine::Postgres {
            let create = format!("create database {name} {template}");
            apart(move || server().batch_execute(&create).unwrap());
        }
        Self { engine, folder: tempfile::tempdir().unwrap(), name }
    }

    /// Where the database is.
    pub fn location(&self) -> Location {
        match self.engine {
            Engine::Sqlite => Location::File(self.file("shop.sqlite")),
            Engine::Postgres => Location::Server(address(&self.name)),
        }
    }

    /// A file in a folder that goes with the database.
    pub fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The file itself.
    pub fn sqlite(&self) -> rusqlite::Connection {
        assert_eq!(self.engine, Engine::Sqlite);
        rusqlite::Connection::open(self.file("shop.sqlite")).unwrap()
    }

    /// A session of one's own; not for the threads of a runtime, which this client blocks.
    pub fn postgres(&self) -> postgres::Client {
        assert_eq!(self.engine, Engine::Postgres);
        postgres::Client::connect(&address(&self.name), postgres::NoTls).unwrap()
    }

    /// Runs statements past the program.
    pub fn tamper(&self, sql: &str) {
        match self.engine {
            Engine::Sqlite => self.sqlite().execute_batch(sql).unwrap(),
            Engine::Postgres => std::thread::scope(|scope| {
                scope.spawn(|| self.postgres().batch_execute(sql).unwrap()).join().unwrap();
            }),
        }
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if self.engine == Engine::Postgres {
            let drop = format!("drop database if exists {} with (force)", self.name);
            apart(move || {
                if let Err(error) = server().batch_execute(&drop) {
                    eprintln!("{drop}: {error}");
                }
            });
        }
    }
}

/// Opens a database with few threads; there are many databases at once.
pub fn open(location: Location) -> Result<Db, kirana::db::OpenError> {
    // The client for PostgreSQL blocks, which a runtime's own threads must not.
    apart(move || Db::open(&Options { readers: 2, writers: 3, ..Options::at(location) }))
}

/// Runs something on a thread outside of any runtime.
fn apart<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    std::thread::spawn(work).join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}

/// The address of a database on the test server.
fn address(database: &str) -> String {
    let server = server_address();
    let (place, _) = server.rsplit_once('/').expect("an address that ends with /postgres");
    format!("{place}/{database}")
}

fn server_address() -> String {
    std::env::var("KIRANA_TEST_POSTGRES").unwrap_or_else(|_| panic!("run `cargo xtask test`, which starts PostgreSQL"))
}

fn server() -> postgres::Client {
    postgres::Client::connect(&server_address(), postgres::NoTls).unwrap()
}

/// A database with the present schema that others are copied from. Its name tells the schema, so a
/// server that is kept between two runs never gives an old one.
static TEMPLATE: LazyLock<String> = LazyLock::new(|| apart(make_template));

fn make_template() -> String {
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    let _one_at_a_time = ONE_AT_A_TIME.lock();
    let schema =
        MIGRATIONS.iter().fold(Sha256::new(), |hash, step| hash.chain_update(step.name).chain_update(step.postgres));
    let hex = schema.finalize().iter().take(6).fold(String::new(), |hex, byte| format!("{hex}{byte:02x}"));
    let name = format!("kirana_template_{hex}");
    let mut server = server();
    // Another run on the same server may be making it.
    server.batch_execute("select pg_advisory_lock(20260302)").unwrap();
    let there: bool =
        server.query_one("select exists (select from pg_database where datname = $1)", &[&name]).unwrap().get(0);
    if !there {
        let building = format!("{name}_building");
        server.batch_execute(&format!("drop database if exists {building} with (force)")).unwrap();
        server.batch_execute(&format!("create database {building}")).unwrap();
        open(Location::Server(address(&building))).unwrap().close();
        server.batch_execute(&format!("alter database {building} rename to {name}")).unwrap();
    }
    server.batch_execute("select pg_advisory_unlock(20260302)").unwrap();
    name
}

/// Reads a table of an SQLite file as sorted lines of text.
pub fn lines_of(file: &Path, table: &str) -> Vec<String> {
    let conn = rusqlite::Connection::open(file).unwrap();
    let mut statement = conn.prepare(&format!("select * from {table}")).unwrap();
    let width = statement.column_count();
    let mut lines: Vec<String> = statement
        .query_map([], |row| {
            (0..width).map(|index| row.get::<_, rusqlite::types::Value>(index)).collect::<Result<Vec<_>, _>>()
        })
        .unwrap()
        .map(|row| format!("{:?}", row.unwrap()))
        .collect();
    lines.sort();
    lines
}
