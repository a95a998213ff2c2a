//! Copies of the whole database, always as an SQLite file, whichever engine runs: a backup of one
//! engine can be restored into the other.

use std::path::{Path, PathBuf};

use postgres::fallible_iterator::FallibleIterator as _;
use postgres::types::{ToSql, Type};
use rusqlite::{Connection, OpenFlags};

use super::conn::Engine;
use super::postgres::{Postgres, connect_once};
use super::sequence::Sequence;
use super::value::{Cells, Value};
use super::{Error, Location, OpenError, Options, Result, migrate, sqlite};

/// Rows that travel to PostgreSQL in one statement.
const CHUNK: usize = 1_000;

/// A table with its columns and whether each holds bytes, text or numbers.
struct Table {
    name: String,
    columns: Vec<(String, Type)>,
}

/// Copies an open SQLite database over one snapshot; returns the copy's pages.
pub(super) fn copy_file(from: &Path, to: &Path) -> std::result::Result<u64, OpenError> {
    fill_new(to, |to| {
        let conn = Connection::open_with_flags(from, OpenFlags::SQLITE_OPEN_READ_ONLY).map_err(Error::from)?;
        conn.execute_batch("pragma busy_timeout = 5000").map_err(Error::from)?;
        conn.execute("vacuum into $1", [to.to_string_lossy()]).map_err(Error::from)?;
        sync(to)?;
        verify(to)
    })
}

/// Copies the rows of a PostgreSQL database over one snapshot into a new SQLite file.
pub(super) fn copy_rows_out(from: &Postgres, to: &Path) -> std::result::Result<u64, OpenError> {
    fill_new(to, |to| copy_all_rows(from, to))
}

fn copy_all_rows(from: &Postgres, to: &Path) -> std::result::Result<u64, OpenError> {
    let mut target = sqlite::open_writer(to)?;
    migrate::sqlite(&mut target)?;
    let tables = tables(&target)?;
    let mut copied = 0;
    from.snapshot(|conn| {
        let Engine::Postgres(session) = conn.engine() else { return Ok(()) };
        target.execute_batch("pragma foreign_keys = off; begin immediate")?;
        for table in &tables {
            target.execute(&format!("delete from {}", table.name), [])?;
            let mut insert = target.prepare(&insert_text(table, "?"))?;
            let select = format!("select {} from {}", table.names(), table.name);
            let mut rows = session.client.query_raw(&select, std::iter::empty::<&dyn ToSql>())?;
            while let Some(row) = rows.next()? {
                let cells = Cells::Postgres(&row);
                for index in 0..table.columns.len() {
                    insert.raw_bind_parameter(index + 1, cells.value(index)?)?;
                }
                insert.raw_execute()?;
                copied += 1;
            }
        }
        for sequence in Sequence::ALL {
            let select =
                format!("select case when is_called then last_value else last_value - 1 end from {sequence}_ids");
            let last: i64 = session.client.query_one(&select, &[])?.get(0);
            target.execute("update sequences set last = $1 where name = $2", (last, sequence.word()))?;
        }
        target.execute_batch(
            "commit; pragma foreign_keys = on; pragma wal_checkpoint(truncate); pragma journal_mode = delete",
        )?;
        Ok(())
    })?;
    drop(target);
    sync(to)?;
    verify(to)?;
    Ok(copied)
}

/// Fills an empty database from a backup file; returns the backup's pages.
pub fn restore(from: &Path, options: &Options) -> std::result::Result<u64, OpenError> {
    let refused = |reason: String| OpenError::NotABackup { path: from.to_owned(), reason };
    let pages = verify(from).map_err(|error| refused(error.to_string()))?;
    let source = Connection::open_with_flags(from, OpenFlags::SQLITE_OPEN_READ_ONLY).map_err(Error::from)?;
    let known: i64 = source
        .query_row("select count(*) from sqlite_master where name = 'schema_migrations'", [], |row| row.get(0))
        .map_err(Error::from)?;
    if known == 0 {
        return Err(refused("it holds no shop".to_owned()));
    }
    match &options.location {
        Location::File(to) => {
            if let Some(folder) = to.parent() {
                std::fs::create_dir_all(folder).map_err(|cause| OpenError::File { path: folder.to_owned(), cause })?;
            }
            fill_new(to, |part| {
                refuse_leftovers(to)?;
                source.execute("vacuum into $1", [part.to_string_lossy()]).map_err(Error::from)?;
                sync(part)?;
                verify(part)
            })?;
        }
        Location::Server(url) => {
            let mut client = connect_once(url, options)?;
            migrate::postgres(&mut client)?;
            if !copy_rows_in(&source, &mut client)? {
                return Err(OpenError::Taken(options.location.clone()));
            }
        }
    }
    Ok(pages)
}

/// Copies all rows in; false, and nothing is changed, when there is a shop already.
fn copy_rows_in(source: &Connection, client: &mut postgres::Client) -> Result<bool> {
    let mut transaction = client.transaction()?;
    let taken: i64 = transaction.query_one("select count(*) from users", &[])?.get(0);
    if taken > 0 {
        return Ok(false);
    }
    let tables = tables(source)?;
    for table in tables.iter().rev() {
        transaction.execute(&format!("delete from {}", table.name), &[])?;
    }
    for table in &tables {
        let arrays: Vec<String> = table
            .columns
            .iter()
            .enumerate()
            .map(|(index, (_, kind))| format!("${}::{}[]", index + 1, kind.name()))
            .collect();
        let insert =
            format!("insert into {} ({}) select * from unnest({})", table.name, table.names(), arrays.join(", "));
        let insert = transaction.prepare(&insert)?;
        let mut select = source.prepare(&format!("select {} from {}", table.names(), table.name))?;
        let mut rows = select.query([])?;
        let mut chunk: Vec<Vec<Value<'static>>> = vec![Vec::new(); table.columns.len()];
        loop {
            let row = rows.next()?;
            let ended = row.is_none();
            if let Some(row) = row {
                let cells = Cells::Sqlite(row);
                for (index, column) in chunk.iter_mut().enumerate() {
                    column.push(cells.value(index)?);
                }
            }
            if (ended || chunk[0].len() >= CHUNK) && !chunk[0].is_empty() {
                let params: Vec<&(dyn ToSql + Sync)> =
                    chunk.iter().map(|column| column as &(dyn ToSql + Sync)).collect();
                transaction.execute(&insert, &params)?;
                chunk.iter_mut().for_each(Vec::clear);
            }
            if ended {
                break;
            }
        }
    }
    for sequence in Sequence::ALL {
        let last: i64 =
            source.query_row("select last from sequences where name = $1", [sequence.word()], |row| row.get(0))?;
        transaction.execute(&format!("select setval('{sequence}_ids', $1, $2)"), &[&last.max(1), &(last > 0)])?;
    }
    transaction.commit()?;
    Ok(true)
}

impl Table {
    fn names(&self) -> String {
        self.columns.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>().join(", ")
    }
}

fn insert_text(table: &Table, mark: &str) -> String {
    let marks = vec![mark; table.columns.len()].join(", ");
    format!("insert into {} ({}) values ({marks})", table.name, table.names())
}

/// All tables that both engines share, those that others refer to first.
fn tables(conn: &Connection) -> Result<Vec<Table>> {
    let names: Vec<String> = conn
        .prepare(
            "select name from sqlite_master where type = 'table' and name not like 'sqlite%'
             and name not in ('sequences', 'schema_migrations') order by rowid",
        )?
        .query_map([], |row| row.get(0))?
        .collect::<rusqlite::Result<_>>()?;
    names
        .into_iter()
        .map(|name| {
            let columns = conn
                .prepare(&format!("select name, type from pragma_table_info('{name}') order by cid"))?
                .query_map([], |row| Ok((row.get(0)?, row.get::<_, String>(1)?)))?
                .map(|column| {
                    column.map(|(name, kind)| {
                        let kind = match kind.as_str() {
                            "INTEGER" => Type::INT8,
                            "BLOB" => Type::BYTEA,
                            _ => Type::TEXT,
                        };
                        (name, kind)
                    })
                })
                .collect::<rusqlite::Result<_>>()?;
            Ok(Table { name, columns })
        })
        .collect()
}

/// Makes a new file that only its owner reads. It is filled and read back under another name, so
/// that what bears the name is whole, whenever the process or the machine stops.
fn fill_new(
    path: &Path,
    fill: impl FnOnce(&Path) -> std::result::Result<u64, OpenError>,
) -> std::result::Result<u64, OpenError> {
    use std::os::unix::fs::OpenOptionsExt as _;
    let failed = |cause| OpenError::File { path: path.to_owned(), cause };
    if path.exists() {
        let cause =
            std::io::Error::new(std::io::ErrorKind::AlreadyExists, "it is there already and is not overwritten");
        return Err(failed(cause));
    }
    let part = beside(path, ".part");
    // A part that is there was left by somebody who was stopped.
    remove(&part);
    std::fs::File::options().write(true).create_new(true).mode(0o600).open(&part).map_err(failed)?;
    let filled = fill(&part).and_then(|count| {
        std::fs::rename(&part, path).map_err(failed)?;
        if let Some(folder) = path.parent() {
            let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
            std::fs::File::open(folder).and_then(|folder| folder.sync_all()).map_err(failed)?;
        }
        Ok(count)
    });
    if filled.is_err() {
        remove(&part);
    }
    filled
}

/// Removes what there is of a part of a copy, which is of no use to anybody.
fn remove(part: &Path) {
    for tail in ["", "-wal", "-shm", "-journal"] {
        let _ = std::fs::remove_file(beside(part, tail));
    }
}

/// The file whose name is another's with a tail.
fn beside(path: &Path, tail: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(tail);
    PathBuf::from(name)
}

/// The log of another database, left where ours is to be, would be played into ours.
fn refuse_leftovers(database: &Path) -> std::result::Result<(), OpenError> {
    for tail in ["-wal", "-journal"] {
        let path = beside(database, tail);
        if std::fs::metadata(&path).is_ok_and(|found| found.len() > 0) {
            let cause = std::io::Error::other("it is left over from another database; move it away first");
            return Err(OpenError::File { path, cause });
        }
    }
    Ok(())
}

fn sync(path: &Path) -> std::result::Result<(), OpenError> {
    std::fs::File::open(path)
        .and_then(|file| file.sync_all())
        .map_err(|cause| OpenError::File { path: path.to_owned(), cause })
}

/// Reads the whole file back and refuses one that is damaged.
fn verify(path: &Path) -> std::result::Result<u64, OpenError> {
    let conn = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY).map_err(Error::from)?;
    let said: String = conn.query_row("pragma integrity_check", [], |row| row.get(0)).map_err(Error::from)?;
    if said != "ok" {
        return Err(OpenError::Engine(Error::Storage(format!("{} is damaged: {said}", path.display()))));
    }
    let loose: i64 =
        conn.query_row("select count(*) from pragma_foreign_key_check", [], |row| row.get(0)).map_err(Error::from)?;
    if loose > 0 {
        return Err(OpenError::Engine(Error::Storage(format!("{} has {loose} loose references", path.display()))));
    }
    let pages: i64 = conn.query_row("pragma page_count", [], |row| row.get(0)).map_err(Error::from)?;
    Ok(pages.unsigned_abs())
}
