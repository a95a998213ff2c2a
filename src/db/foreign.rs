//! A database file of another program, read and never written.

use std::path::Path;

use rusqlite::types::ValueRef;
use rusqlite::{Connection, OpenFlags};

/// A file of SQLite that is not ours.
pub struct Foreign(Connection);

/// Why it cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct ForeignError(String);

impl From<rusqlite::Error> for ForeignError {
    fn from(error: rusqlite::Error) -> Self {
        Self(error.to_string())
    }
}

impl Foreign {
    /// Opens a file to read.
    pub fn open(path: &Path) -> Result<Self, ForeignError> {
        let conn = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
        conn.execute_batch("pragma busy_timeout = 5000")?;
        Ok(Self(conn))
    }

    /// The names of its tables.
    pub fn tables(&self) -> Result<Vec<String>, ForeignError> {
        let mut statement = self.0.prepare("select name from sqlite_master where type = 'table' order by name")?;
        let names = statement.query_map([], |row| row.get(0))?.collect::<rusqlite::Result<_>>()?;
        Ok(names)
    }

    /// Gives the rows of a table to a function, in the order of their row ids: the names of the columns, and the
    /// values as texts. A number that is no whole one is the shortest text that means it.
    pub fn each<E: From<ForeignError>>(
        &self,
        table: &str,
        mut take: impl FnMut(&[String], Vec<Option<String>>) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut statement =
            self.0.prepare(&format!("select * from {} order by rowid", quoted(table))).map_err(ForeignError::from)?;
        let columns: Vec<String> = statement.column_names().map(str::to_owned).collect();
        let mut rows = statement.query([]).map_err(ForeignError::from)?;
        while let Some(row) = rows.next().map_err(ForeignError::from)? {
            let cells = (0..columns.len())
                .map(|index| row.get_ref(index).map(as_text))
                .collect::<rusqlite::Result<Vec<_>>>()
                .map_err(ForeignError::from)?;
            take(&columns, cells)?;
        }
        Ok(())
    }
}

fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

fn as_text(value: ValueRef<'_>) -> Option<String> {
    match value {
        ValueRef::Null => None,
        ValueRef::Integer(number) => Some(number.to_string()),
        ValueRef::Real(number) => Some(number.to_string()),
        ValueRef::Text(bytes) | ValueRef::Blob(bytes) => Some(String::from_utf8_lossy(bytes).into_owned()),
    }
}
