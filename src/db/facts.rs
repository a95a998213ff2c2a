//! What an engine says of itself: whether it keeps what it has acknowledged.

use serde::Serialize;

use super::conn::{Conn, Engine};
use super::{Error, Result};
use crate::clock::Timestamp;

/// A clock that differs by more than this spoils the order of what happened.
const CLOCKS_APART_MS: i64 = 2_000;

/// Something that was looked at.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Fact {
    /// What was looked at.
    pub name: &'static str,
    /// What was found.
    pub value: String,
    /// What that means.
    pub verdict: Verdict,
    /// What to do about it.
    pub advice: String,
}

/// What a finding means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Verdict {
    /// All is well.
    Fine,
    /// It could be better.
    Notice,
    /// Data or money is in danger.
    Wrong,
}

impl Fact {
    /// A finding that is fine, or calls for what the advice says.
    pub fn new(name: &'static str, value: impl Into<String>, verdict: Verdict, advice: &str) -> Self {
        let advice = if verdict == Verdict::Fine { String::new() } else { advice.to_owned() };
        Self { name, value: value.into(), verdict, advice }
    }

    /// A finding that is fine or wrong.
    pub fn must(name: &'static str, value: impl Into<String>, fine: bool, advice: &str) -> Self {
        Self::new(name, value, if fine { Verdict::Fine } else { Verdict::Wrong }, advice)
    }
}

/// Asks the engine what it promises; on the connection that writes, whose promises count.
pub fn facts(conn: &mut Conn<'_>, now: Timestamp) -> Result<Vec<Fact>> {
    match conn.engine() {
        Engine::Sqlite(conn) => sqlite(conn),
        Engine::Postgres(session) => postgres(&mut session.client, now),
    }
}

fn sqlite(conn: &rusqlite::Connection) -> Result<Vec<Fact>> {
    let text = |sql: &str| -> Result<String> {
        let value: rusqlite::types::Value = conn.query_row(sql, [], |row| row.get(0))?;
        match value {
            rusqlite::types::Value::Integer(number) => Ok(number.to_string()),
            rusqlite::types::Value::Text(text) => Ok(text),
            _ => Err(Error::shape("a pragma answers with a number or a text")),
        }
    };
    let synchronous = text("pragma synchronous")?;
    let journal = text("pragma journal_mode")?;
    let keys = text("pragma foreign_keys")?;
    let step = text("select coalesce(max(name), '') from schema_migrations")?;
    Ok(vec![
        Fact::must("schema", step, true, ""),
        Fact::must(
            "synchronous",
            // The engine keeps the file sound; that a sale is safe before it is acknowledged is this program's own sync.
            if synchronous == "0" { "off".to_owned() } else { "before each answer".to_owned() },
            synchronous != "0",
            "A sale that was acknowledged could be lost with the power.",
        ),
        Fact::must("journal mode", journal.clone(), journal == "wal", "Readers and the writer would stop each other."),
        Fact::must("foreign keys", keys.clone(), keys == "1", "Rows could refer to others that are not there."),
    ])
}

fn postgres(client: &mut postgres::Client, now: Timestamp) -> Result<Vec<Fact>> {
    let mut text = |sql: &str| -> Result<String> { Ok(client.query_one(sql, &[])?.get(0)) };
    let step = text("select coalesce(max(name), '') from schema_migrations")?;
    let fsync = text("show fsync")?;
    let commit = text("show synchronous_commit")?;
    let pages = text("show full_page_writes")?;
    let checksums = text("show data_checksums")?;
    let encoding = text("show server_encoding")?;
    let standbys = text("show synchronous_standby_names")?;
    let replicas = text("select count(*)::text from pg_stat_replication")?;
    let clock = text("select (extract(epoch from clock_timestamp()) * 1000)::bigint::text")?;
    let apart = clock.parse::<i64>().unwrap_or_default() - now.as_ms();
    let unsynced = replicas != "0" && standbys.is_empty();
    Ok(vec![
        Fact::must("schema", step, true, ""),
        Fact::must("fsync", fsync.clone(), fsync == "on", "Acknowledged sales may be lost: set fsync = on."),
        Fact::must(
            "synchronous_commit",
            commit.clone(),
            commit != "off",
            "Acknowledged sales may be lost: set synchronous_commit = on.",
        ),
        Fact::must("full_page_writes", pages.clone(), pages == "on", "A torn page cannot be mended after a crash."),
        Fact::new(
            "data_checksums",
            checksums.clone(),
            if checksums == "on" { Verdict::Fine } else { Verdict::Notice },
            "Damage on the disk goes unseen: switch checksums on with pg_checksums.",
        ),
        Fact::must("encoding", encoding.clone(), encoding == "UTF8", "Names in other scripts cannot be stored."),
        Fact::new(
            "replicas",
            replicas,
            if unsynced { Verdict::Notice } else { Verdict::Fine },
            "A fail-over may lose acknowledged sales: no replica is synchronous.",
        ),
        Fact::new(
            "clock of the database",
            format!("{apart} ms apart"),
            if apart.abs() > CLOCKS_APART_MS { Verdict::Notice } else { Verdict::Fine },
            "Keep both machines on network time.",
        ),
    ])
}

impl Conn<'_> {
    /// What is broken in the storage itself; empty when it is whole. SQLite reads every page; PostgreSQL
    /// is asked for constraints that do not hold for all rows (its pages have checksums of their own).
    pub fn integrity(&mut self) -> Result<Vec<String>> {
        match self.engine() {
            Engine::Sqlite(conn) => {
                let mut said: Vec<String> = conn
                    .prepare("pragma integrity_check(20)")?
                    .query_map([], |row| row.get(0))?
                    .collect::<rusqlite::Result<_>>()?;
                said.retain(|line| line != "ok");
                let loose: Vec<String> = conn
                    .prepare("select distinct \"table\" || ' refers to a row of ' || parent || ' that is not there' from pragma_foreign_key_check")?
                    .query_map([], |row| row.get(0))?
                    .collect::<rusqlite::Result<_>>()?;
                said.extend(loose);
                Ok(said)
            }
            Engine::Postgres(session) => {
                let broken =
                    session.client.query("select conname::text from pg_constraint where not convalidated", &[])?;
                Ok(broken.iter().map(|row| format!("the rule {} is not enforced", row.get::<_, String>(0))).collect())
            }
        }
    }
}
