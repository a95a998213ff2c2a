//! Brings a database's schema up to date: embedded, checksummed, one transaction for each step,
//! the same names on both engines.

use sha2::{Digest as _, Sha256};

use super::Error;

/// One step, with its text for both engines.
pub struct Migration {
    /// Its folder's name.
    pub name: &'static str,
    /// The step on SQLite.
    pub sqlite: &'static str,
    /// The step on PostgreSQL.
    pub postgres: &'static str,
    /// The way back on SQLite.
    pub sqlite_down: &'static str,
    /// The way back on PostgreSQL.
    pub postgres_down: &'static str,
}

macro_rules! migrations {
    ($($name:literal),* $(,)?) => {
        /// All steps, oldest first. A test compares the list with the folders.
        pub const MIGRATIONS: &[Migration] = &[$(Migration {
            name: $name,
            sqlite: include_str!(concat!("../../migrations/sqlite/", $name, "/up.sql")),
            postgres: include_str!(concat!("../../migrations/postgres/", $name, "/up.sql")),
            sqlite_down: include_str!(concat!("../../migrations/sqlite/", $name, "/down.sql")),
            postgres_down: include_str!(concat!("../../migrations/postgres/", $name, "/down.sql")),
        }),*];
    };
}

migrations!["2026-11-21-090000_the_shop_opens", "2026-11-21-140000_moving_in", "2026-11-21-160000_the_counter",];

/// Why a schema is not ours to use.
#[derive(Debug, thiserror::Error)]
pub enum SchemaError {
    /// A newer program has been here.
    #[error(
        "the database was used by a newer Kirana (it has the step `{0}`, which this one does not know); start that version, or restore a backup"
    )]
    Newer(String),
    /// A released step was changed.
    #[error("the step `{0}` is not the one that this database was made with")]
    Changed(String),
    /// The engine refused.
    #[error("the schema could not be brought up to date: {0}")]
    Engine(#[from] Error),
}

impl From<rusqlite::Error> for SchemaError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Engine(error.into())
    }
}

impl From<postgres::Error> for SchemaError {
    fn from(error: postgres::Error) -> Self {
        Self::Engine(error.into())
    }
}

const HISTORY: &str =
    "create table if not exists schema_migrations (name text not null primary key, checksum text not null)";

/// What a step's text hashes to.
fn checksum(text: &str) -> String {
    Sha256::digest(text.as_bytes()).iter().fold(String::new(), |hex, byte| format!("{hex}{byte:02x}"))
}

/// The steps that are still to be taken, after a look at those that were.
fn missing(
    taken: &[(String, String)],
    text: impl Fn(&Migration) -> &'static str,
) -> Result<Vec<&'static Migration>, SchemaError> {
    for (name, sum) in taken {
        let known = MIGRATIONS.iter().find(|step| step.name == name).ok_or_else(|| SchemaError::Newer(name.clone()))?;
        if *sum != checksum(text(known)) {
            return Err(SchemaError::Changed(name.clone()));
        }
    }
    Ok(MIGRATIONS.iter().filter(|step| taken.iter().all(|(name, _)| name != step.name)).collect())
}

/// Brings an SQLite file up to date; returns the steps that were taken.
pub(super) fn sqlite(conn: &mut rusqlite::Connection) -> Result<Vec<&'static str>, SchemaError> {
    conn.execute_batch(HISTORY)?;
    let taken: Vec<(String, String)> = conn
        .prepare("select name, checksum from schema_migrations order by name")?
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<rusqlite::Result<_>>()?;
    let steps = missing(&taken, |step| step.sqlite)?;
    for step in &steps {
        let transaction = conn.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
        transaction.execute_batch(step.sqlite)?;
        transaction.execute(
            "insert into schema_migrations (name, checksum) values ($1, $2)",
            [step.name, &checksum(step.sqlite)],
        )?;
        transaction.commit()?;
    }
    Ok(steps.iter().map(|step| step.name).collect())
}

/// Brings a PostgreSQL database up to date; several instances that start together take turns. Returns
/// the steps that were taken.
pub(super) fn postgres(client: &mut postgres::Client) -> Result<Vec<&'static str>, SchemaError> {
    let mut transaction = client.transaction()?;
    transaction.batch_execute("select pg_advisory_xact_lock(1263682113)")?;
    transaction.batch_execute(HISTORY)?;
    let taken: Vec<(String, String)> = transaction
        .query("select name, checksum from schema_migrations order by name", &[])?
        .iter()
        .map(|row| (row.get(0), row.get(1)))
        .collect();
    let steps = missing(&taken, |step| step.postgres)?;
    for step in &steps {
        transaction.batch_execute(step.postgres)?;
        transaction.execute(
            "insert into schema_migrations (name, checksum) values ($1, $2)",
            &[&step.name, &checksum(step.postgres)],
        )?;
    }
    transaction.commit()?;
    Ok(steps.iter().map(|step| step.name).collect())
}
