//! A connection inside a transaction: what actions and queries are given.

use std::collections::HashMap;

use postgres::binary_copy::BinaryCopyInWriter;
use postgres::types::ToSql;

use super::sqlite;
use super::statement::{Bulk, Query};
use super::value::{Cells, FromRow, Kind, Value};
use super::{Error, Result};

/// A connection inside a transaction that somebody else began and will end.
pub struct Conn<'c> {
    engine: Engine<'c>,
    /// The number of this writer among all that write the same database; its share of the roll-ups
    /// and its audit chain. Always 0 on SQLite.
    writer: i64,
    /// Grows whenever somebody else than the desk may have changed what the desk has read.
    disturbances: u64,
    /// Told to all instances once the transaction has been committed.
    notices: Vec<Notice>,
    /// Why the transaction has to be tried again, or why nothing may be acknowledged any more.
    trouble: Option<Trouble>,
}

pub(super) enum Engine<'c> {
    Sqlite(&'c rusqlite::Connection),
    Postgres(&'c mut Session),
}

/// What an engine's error means for the transaction as a whole.
#[derive(Debug, Clone)]
pub(super) enum Trouble {
    Again,
    Fatal(String),
}

/// Something that listeners on every instance are told after the commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// What it is about.
    pub topic: &'static str,
    /// What is told, at most 7,000 bytes.
    pub text: String,
}

/// A session with PostgreSQL and the statements it has prepared.
pub(super) struct Session {
    pub client: postgres::Client,
    prepared: HashMap<&'static str, postgres::Statement>,
    copies: HashMap<&'static str, postgres::Statement>,
}

/// From so many rows on, PostgreSQL copies them in: one journey more, but little work for each row.
const WORTH_COPYING: usize = 16;

impl Session {
    pub fn new(client: postgres::Client) -> Self {
        Self { client, prepared: HashMap::new(), copies: HashMap::new() }
    }

    fn prepare(&mut self, name: &'static str, sql: &str, kinds: &[Kind], in_sets: bool) -> Result<postgres::Statement> {
        if let Some(statement) = self.prepared.get(name) {
            return Ok(statement.clone());
        }
        let types: Vec<_> =
            kinds.iter().map(|kind| if in_sets { kind.postgres_array() } else { kind.postgres() }).collect();
        let statement = self.client.prepare_typed(sql, &types)?;
        self.prepared.insert(name, statement.clone());
        Ok(statement)
    }

    fn copy<const N: usize>(&mut self, bulk: &'static Bulk<()>, text: &str, rows: &[[Value<'_>; N]]) -> Result<u64> {
        let statement = if let Some(statement) = self.copies.get(bulk.name()) {
            statement.clone()
        } else {
            let statement = self.client.prepare(text)?;
            self.copies.insert(bulk.name(), statement.clone());
            statement
        };
        let types: Vec<_> = bulk.params().iter().map(|kind| kind.postgres()).collect();
        let mut copy = BinaryCopyInWriter::new(self.client.copy_in(&statement)?, &types);
        for row in rows {
            check_params(bulk.name(), bulk.params(), row);
            copy.write_raw(row.iter().map(|value| value as &dyn ToSql))?;
        }
        Ok(copy.finish()?)
    }
}

impl<'c> Conn<'c> {
    pub(super) fn new(engine: Engine<'c>, writer: i64) -> Self {
        Self { engine, writer, disturbances: 0, notices: Vec::new(), trouble: None }
    }

    pub(super) fn disturbed(mut self, times: u64) -> Self {
        self.disturbances = times;
        self
    }

    /// While this number stays the same, nobody but the desk has changed anything, and what the
    /// desk remembers of the batches before is still so.
    pub fn disturbances(&self) -> u64 {
        self.disturbances
    }

    /// The number of this writer among all that write the same database: its share of the roll-ups
    /// and its audit chain.
    pub fn writer(&self) -> i64 {
        self.writer
    }

    /// Tells listeners on every instance, once the transaction has been committed.
    pub fn announce(&mut self, topic: &'static str, text: String) {
        self.notices.push(Notice { topic, text });
    }

    pub(super) fn take_notices(&mut self) -> Vec<Notice> {
        std::mem::take(&mut self.notices)
    }

    pub(super) fn notice_count(&self) -> usize {
        self.notices.len()
    }

    pub(super) fn drop_notices_after(&mut self, count: usize) {
        self.notices.truncate(count);
    }

    pub(super) fn take_trouble(&mut self) -> Option<Trouble> {
        self.trouble.take()
    }

    pub(super) fn engine(&mut self) -> &mut Engine<'c> {
        &mut self.engine
    }

    /// Tells the engine that tables have grown by much in this transaction. PostgreSQL goes on with plans that
    /// it made for small tables until it has counted again; SQLite plans by the indexes alone.
    pub fn count_again(&mut self, tables: &[&'static str]) -> Result<()> {
        let outcome = match &mut self.engine {
            Engine::Sqlite(_) => Ok(()),
            Engine::Postgres(session) => {
                session.client.batch_execute(&format!("analyze {}", tables.join(", "))).map_err(Error::from)
            }
        };
        self.noting("analyze", outcome)
    }

    /// Runs something that writes very much, without letting memory grow with it. SQLite keeps the pages that it
    /// works on: here fewer than usual, and the others go to the write-ahead log as they are. PostgreSQL keeps
    /// its pages in the server.
    pub fn with_little_memory<T, E: From<Error>>(
        &mut self,
        work: impl FnOnce(&mut Self) -> std::result::Result<T, E>,
    ) -> std::result::Result<T, E> {
        let Engine::Sqlite(conn) = &self.engine else { return work(self) };
        let conn: &rusqlite::Connection = conn;
        sqlite::limit_memory(conn, sqlite::LITTLE_MEMORY)?;
        let outcome = work(self);
        if let Engine::Sqlite(conn) = &self.engine {
            sqlite::limit_memory(conn, sqlite::USUAL_MEMORY)?;
        }
        outcome
    }

    /// Runs a statement and says how many rows it changed.
    pub fn execute(&mut self, query: &Query<()>, params: &[Value<'_>]) -> Result<u64> {
        check_params(query.name, query.params, params);
        let outcome = match &mut self.engine {
            Engine::Sqlite(conn) => run_sqlite(conn, query.sqlite, params),
            Engine::Postgres(session) => session
                .prepare(query.name, query.sql, query.params, false)
                .and_then(|statement| Ok(session.client.execute(&statement, &as_dynamic(params))?)),
        };
        self.noting(query.name, outcome)
    }

    /// All rows of a query.
    pub fn all<R: FromRow>(&mut self, query: &Query<R>, params: &[Value<'_>]) -> Result<Vec<R>> {
        let mut rows = Vec::new();
        self.each(query, params, |row| {
            rows.push(row);
            Ok::<(), Error>(())
        })?;
        Ok(rows)
    }

    /// The first row of a query, if it has one.
    pub fn first<R: FromRow>(&mut self, query: &Query<R>, params: &[Value<'_>]) -> Result<Option<R>> {
        Ok(self.all(query, params)?.into_iter().next())
    }

    /// The only row of a query that always has one, such as a count.
    pub fn only<R: FromRow>(&mut self, query: &Query<R>, params: &[Value<'_>]) -> Result<R> {
        self.first(query, params)?.ok_or(Error::shape("a query that always answers had no row"))
    }

    /// Gives each row of a query to a function, without holding them all in memory on SQLite.
    pub fn each<R: FromRow, E: From<Error>>(
        &mut self,
        query: &Query<R>,
        params: &[Value<'_>],
        mut take: impl FnMut(R) -> std::result::Result<(), E>,
    ) -> std::result::Result<(), E> {
        check_params(query.name, query.params, params);
        let outcome = match &mut self.engine {
            Engine::Sqlite(conn) => each_sqlite(conn, query.sqlite, params, &mut take),
            Engine::Postgres(session) => session
                .prepare(query.name, query.sql, query.params, false)
                .and_then(|statement| Ok(session.client.query(&statement, &as_dynamic(params))?))
                .and_then(|rows| {
                    for row in &rows {
                        if let Err(refusal) = take(R::read(&Cells::Postgres(row))?) {
                            return Ok(Err(refusal));
                        }
                    }
                    Ok(Ok(()))
                }),
        };
        self.noting(query.name, outcome)?
    }

    /// Runs a bulk statement over many rows of parameters and says how many rows it changed.
    pub fn execute_many<'v, const N: usize>(
        &mut self,
        bulk: &'static Bulk<()>,
        rows: impl IntoIterator<Item = [Value<'v>; N]>,
    ) -> Result<u64> {
        let mut rows = rows.into_iter().peekable();
        if rows.peek().is_none() {
            return Ok(0);
        }
        let outcome = match &mut self.engine {
            Engine::Sqlite(conn) => execute_each(conn, bulk, rows),
            Engine::Postgres(session) => {
                let rows: Vec<_> = rows.collect();
                match bulk.copy() {
                    Some(text) if rows.len() >= WORTH_COPYING => session.copy(bulk, text, &rows),
                    _ => {
                        let columns = Columns::transpose(bulk.params(), rows.into_iter());
                        session
                            .prepare(bulk.name(), bulk.set(), bulk.params(), true)
                            .and_then(|statement| Ok(session.client.execute(&statement, &columns.as_dynamic())?))
                    }
                }
            }
        };
        self.noting(bulk.name(), outcome)
    }

    /// The rows that a bulk query finds for many rows of parameters, in no particular order.
    pub fn load_many<'v, R: FromRow, const N: usize>(
        &mut self,
        bulk: &'static Bulk<R>,
        rows: impl IntoIterator<Item = [Value<'v>; N]>,
    ) -> Result<Vec<R>> {
        let mut rows = rows.into_iter().peekable();
        if rows.peek().is_none() {
            return Ok(Vec::new());
        }
        let outcome = match &mut self.engine {
            Engine::Sqlite(conn) => load_each(conn, bulk, rows),
            Engine::Postgres(session) => {
                let columns = Columns::transpose(bulk.params(), rows);
                session
                    .prepare(bulk.name(), bulk.set(), bulk.params(), true)
                    .and_then(|statement| Ok(session.client.query(&statement, &columns.as_dynamic())?))
                    .and_then(|found| found.iter().map(|row| R::read(&Cells::Postgres(row))).collect())
            }
        };
        self.noting(bulk.name(), outcome)
    }

    /// Remembers what an error means for the whole transaction.
    fn noting<T>(&mut self, name: &'static str, outcome: Result<T>) -> Result<T> {
        if let Err(error) = &outcome {
            match error {
                Error::Again(_) => self.trouble = Some(Trouble::Again),
                // Two requests with one key met: the loser tries again and finds the winner's answer.
                Error::Violation(rule) if rule == "idempotency_keys_unique" || rule == "pos_sales_key" => {
                    self.trouble = Some(Trouble::Again);
                }
                Error::Violation(_) | Error::Full | Error::Busy => {}
                error if error.is_fatal() => self.trouble = Some(Trouble::Fatal(error.to_string())),
                error => tracing::error!(statement = name, %error, "a statement failed"),
            }
        }
        outcome
    }
}

fn run_sqlite(conn: &rusqlite::Connection, sql: &str, params: &[Value<'_>]) -> Result<u64> {
    let changed = conn.prepare_cached(sql)?.execute(rusqlite::params_from_iter(params))?;
    Ok(changed as u64)
}

/// Engine errors outside, the function's own refusal inside.
fn each_sqlite<R: FromRow, E>(
    conn: &rusqlite::Connection,
    sql: &str,
    params: &[Value<'_>],
    take: &mut impl FnMut(R) -> std::result::Result<(), E>,
) -> Result<std::result::Result<(), E>> {
    let mut statement = conn.prepare_cached(sql)?;
    let mut rows = statement.query(rusqlite::params_from_iter(params))?;
    while let Some(row) = rows.next()? {
        if let Err(refusal) = take(R::read(&Cells::Sqlite(row))?) {
            return Ok(Err(refusal));
        }
    }
    Ok(Ok(()))
}

fn execute_each<'v, const N: usize>(
    conn: &rusqlite::Connection,
    bulk: &'static Bulk<()>,
    rows: impl Iterator<Item = [Value<'v>; N]>,
) -> Result<u64> {
    let mut statement = conn.prepare_cached(bulk.each())?;
    let mut changed = 0;
    for (number, row) in rows.enumerate() {
        if number == 0 || cfg!(debug_assertions) {
            check_params(bulk.name(), bulk.params(), &row);
        }
        for (index, value) in row.iter().enumerate() {
            statement.raw_bind_parameter(index + 1, value)?;
        }
        changed += statement.raw_execute()? as u64;
    }
    Ok(changed)
}

fn load_each<'v, R: FromRow, const N: usize>(
    conn: &rusqlite::Connection,
    bulk: &'static Bulk<R>,
    rows: impl Iterator<Item = [Value<'v>; N]>,
) -> Result<Vec<R>> {
    let mut statement = conn.prepare_cached(bulk.each())?;
    let mut found = Vec::new();
    for (number, row) in rows.enumerate() {
        if number == 0 || cfg!(debug_assertions) {
            check_params(bulk.name(), bulk.params(), &row);
        }
        let mut answers = statement.query(rusqlite::params_from_iter(&row))?;
        while let Some(answer) = answers.next()? {
            found.push(R::read(&Cells::Sqlite(answer))?);
        }
    }
    Ok(found)
}

fn check_params(name: &str, kinds: &[Kind], params: &[Value<'_>]) {
    assert!(
        kinds.len() == params.len() && params.iter().zip(kinds).all(|(value, kind)| value.fits(*kind)),
        "{name} declares {kinds:?} and was given {params:?}"
    );
}

fn as_dynamic<'p>(params: &'p [Value<'_>]) -> Vec<&'p (dyn ToSql + Sync)> {
    params.iter().map(|value| value as &(dyn ToSql + Sync)).collect()
}

/// Rows of parameters turned into one array for each column.
struct Columns<'v>(Vec<Array<'v>>);

enum Array<'v> {
    Ints(Vec<Option<i64>>),
    Texts(Vec<Option<std::borrow::Cow<'v, str>>>),
    Bytes(Vec<Option<std::borrow::Cow<'v, [u8]>>>),
}

impl<'v> Columns<'v> {
    fn transpose<const N: usize>(kinds: &[Kind], rows: impl Iterator<Item = [Value<'v>; N]>) -> Self {
        let mut columns: Vec<Array<'v>> = kinds
            .iter()
            .map(|kind| match kind {
                Kind::Int => Array::Ints(Vec::new()),
                Kind::Text => Array::Texts(Vec::new()),
                Kind::Bytes => Array::Bytes(Vec::new()),
            })
            .collect();
        for row in rows {
            for (column, value) in columns.iter_mut().zip(row) {
                match (column, value) {
                    (Array::Ints(column), Value::Int(number)) => column.push(Some(number)),
                    (Array::Texts(column), Value::Text(text)) => column.push(Some(text)),
                    (Array::Bytes(column), Value::Bytes(bytes)) => column.push(Some(bytes)),
                    (Array::Ints(column), Value::Null) => column.push(None),
                    (Array::Texts(column), Value::Null) => column.push(None),
                    (Array::Bytes(column), Value::Null) => column.push(None),
                    _ => unreachable!("a bulk statement was given a value of another kind"),
                }
            }
        }
        Self(columns)
    }

    fn as_dynamic(&self) -> Vec<&(dyn ToSql + Sync)> {
        self.0
            .iter()
            .map(|column| match column {
                Array::Ints(column) => column as &(dyn ToSql + Sync),
                Array::Texts(column) => column as &(dyn ToSql + Sync),
                Array::Bytes(column) => column as &(dyn ToSql + Sync),
            })
            .collect()
    }
}
