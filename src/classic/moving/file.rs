//! Which kind of file there is, and its rows one by one.

use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::dump::{self, DumpError};
use super::export::{self, ExportError};
use super::record::{Cell, Fields, Record};
use super::systems::{System, Table};
use super::{MoveError, Source};
use crate::db::foreign::{Foreign, ForeignError};

crate::words! {
    /// What a file of an old system is.
    pub enum Kind {
        /// The text that `mysqldump` writes.
        Dump = "a MySQL dump",
        /// The JSON that `mongoexport` writes.
        Export = "JSON",
        /// A database file of SQLite.
        Sqlite = "a SQLite file",
        /// A table as text.
        Csv = "a CSV file",
    }
}

/// A file of an old system, read as often as needed.
#[derive(Debug, Clone)]
pub struct OldFile {
    path: PathBuf,
    kind: Kind,
    /// Its length in bytes, or its rows, for the progress.
    pub size: u64,
}

impl OldFile {
    /// Opens a file and looks whether it is what the system writes.
    pub fn open(path: &Path, source: Source, system: &System) -> Result<Self, MoveError> {
        let unreadable = |cause| MoveError::Unreadable { path: path.to_owned(), cause };
        let folder = path.is_dir();
        if folder && system.kind != Kind::Export {
            return Err(MoveError::WrongFile(format!(
                "{} is a folder; {source} reads {}",
                path.display(),
                system.kind
            )));
        }
        let paths = if folder { export_files(path).map_err(unreadable)? } else { vec![path.to_owned()] };
        let mut size = 0;
        for path in &paths {
            let file = File::open(path).map_err(|cause| MoveError::Unreadable { path: path.clone(), cause })?;
            let length = file.metadata().map_err(unreadable)?.len();
            let mut start = Vec::new();
            file.take(4096).read_to_end(&mut start).map_err(unreadable)?;
            check_kind(path, &start, source, system.kind)?;
            size += length;
        }
        let file = Self { path: path.to_owned(), kind: system.kind, size };
        file.check_tables(source, system)?;
        Ok(file)
    }

    /// Refuses a dump or database without any of the tables, and one with those of another system.
    fn check_tables(&self, source: Source, system: &System) -> Result<(), MoveError> {
        let tables = match self.kind {
            Kind::Dump => dump::walk(self.file()?, "", &[], |_| Ok::<(), MoveError>(()))?,
            Kind::Sqlite => Foreign::open(&self.path)?.tables()?.iter().map(|name| name.to_lowercase()).collect(),
            Kind::Export | Kind::Csv => return Ok(()),
        };
        let has = |table: &&Table| tables.iter().any(|known| known.eq_ignore_ascii_case(table.name));
        if system.tables.iter().any(has) {
            return Ok(());
        }
        let other = Source::ALL.iter().find(|other| {
            let system = System::of(**other);
            system.kind == self.kind && **other != source && system.tables.iter().any(has)
        });
        let names: Vec<&str> = system.tables.iter().map(|table| table.name).collect();
        let asked = format!("{} has none of the tables {}", self.path.display(), names.join(", "));
        Err(MoveError::WrongFile(match other {
            Some(other) => format!("{asked}, but those of {other}; did you mean `kirana import from {other}`?"),
            None if tables.is_empty() => format!("{asked}; it holds no table at all"),
            None => format!("{asked}; it holds {}", tables.join(", ")),
        }))
    }

    fn file(&self) -> Result<File, MoveError> {
        open(&self.path)
    }

    /// Gives the rows of a table to a function.
    pub fn each(
        &self,
        table: &'static Table,
        mut take: impl FnMut(Record) -> Result<(), MoveError>,
    ) -> Result<(), MoveError> {
        let mut row = 0;
        let mut next = |line: Option<u64>, read: u64, fields: Fields| {
            row += 1;
            take(Record { table: table.name, row, line, read, fields })
        };
        match self.kind {
            Kind::Dump => {
                dump::walk(self.file()?, table.name, table.columns, |row| {
                    next(Some(row.line), row.read, Fields { names: row.names, cells: row.cells })
                })?;
                Ok(())
            }
            Kind::Sqlite => {
                let foreign = Foreign::open(&self.path)?;
                let known = foreign.tables()?;
                let Some(name) = known.iter().find(|name| name.eq_ignore_ascii_case(table.name)) else { return Ok(()) };
                let mut names: Arc<[String]> = Arc::default();
                foreign.each(name, |columns, cells| {
                    if names.len() != columns.len() {
                        names = columns.to_vec().into();
                    }
                    let cells = cells.into_iter().map(|cell| cell.map_or(Cell::Null, Cell::Text)).collect();
                    next(None, 0, Fields { names: names.clone(), cells })
                })
            }
            Kind::Export => {
                for path in self.files_of(table)? {
                    export::walk(open(&path)?, |document| next(Some(document.line), document.read, document.fields))?;
                }
                Ok(())
            }
            Kind::Csv => Ok(()),
        }
    }

    /// The files of a collection: in a folder by their names, and a single file by its name or first document.
    fn files_of(&self, table: &Table) -> Result<Vec<PathBuf>, MoveError> {
        if self.path.is_dir() {
            let unreadable = |cause| MoveError::Unreadable { path: self.path.clone(), cause };
            let files = export_files(&self.path).map_err(unreadable)?;
            return Ok(files.into_iter().filter(|path| is_named(path, table.name)).collect());
        }
        let own = if ["users", "products", "orders", "analytics"].iter().any(|name| is_named(&self.path, name)) {
            is_named(&self.path, table.name)
        } else {
            let mut holds = false;
            let looked = export::walk(self.file()?, |document| {
                holds = table.columns.iter().all(|name| document.fields.get(name) != &Cell::Null);
                Err::<(), _>(Look::Enough)
            });
            if let Err(Look::Broken(error)) = looked {
                return Err(error.into());
            }
            holds
        };
        Ok(if own { vec![self.path.clone()] } else { Vec::new() })
    }
}

/// Why a look at the first document ended.
enum Look {
    Enough,
    Broken(ExportError),
}

impl From<ExportError> for Look {
    fn from(error: ExportError) -> Self {
        Self::Broken(error)
    }
}

fn open(path: &Path) -> Result<File, MoveError> {
    File::open(path).map_err(|cause| MoveError::Unreadable { path: path.to_owned(), cause })
}

/// `users.json`, or `store_db.users.json` as some tools name it.
fn is_named(path: &Path, collection: &str) -> bool {
    let stem = path.file_stem().unwrap_or_default().to_string_lossy().to_lowercase();
    stem == collection || stem.ends_with(&format!(".{collection}")) || stem.ends_with(&format!("_{collection}"))
}

fn export_files(folder: &Path) -> std::io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.extension().is_some_and(|end| end.eq_ignore_ascii_case("json")) {
            files.push(path);
        }
    }
    files.sort();
    if files.is_empty() {
        return Err(std::io::Error::other("there is no .json file in it"));
    }
    Ok(files)
}

/// Refuses a file that begins like one of another kind, and says what to do with it.
fn check_kind(path: &Path, start: &[u8], source: Source, wanted: Kind) -> Result<(), MoveError> {
    let path = path.display();
    let advice = |text: &str| Err(MoveError::WrongFile(format!("{path} {text}")));
    if start.is_empty() {
        return advice("is empty");
    }
    if start.starts_with(&[0x1f, 0x8b]) || start.starts_with(b"PK\x03\x04") || start.starts_with(b"BZh") {
        return advice("is compressed; unpack it first");
    }
    if start.starts_with(&[0xff, 0xfe]) || start.starts_with(&[0xfe, 0xff]) {
        return advice(
            "is UTF-16, as PowerShell's `>` writes it; have the program write the file itself, with \
             `mysqldump --result-file=...` or `mongoexport --out=...`",
        );
    }
    let text = start.strip_prefix(&[0xef, 0xbb, 0xbf]).unwrap_or(start);
    let first = text.iter().copied().find(|byte| !byte.is_ascii_whitespace());
    let found = if start.starts_with(b"SQLite format 3\0") {
        Kind::Sqlite
    } else if matches!(first, Some(b'{' | b'[')) {
        Kind::Export
    } else if text.contains(&0) {
        return advice("is none of the files that can be read; `mysqldump` and `mongoexport` write text");
    } else if looks_like_sql(text) {
        Kind::Dump
    } else {
        Kind::Csv
    };
    if found == wanted {
        return Ok(());
    }
    let others: Vec<&str> =
        Source::ALL.iter().filter(|other| System::of(**other).kind == found).map(|other| other.word()).collect();
    advice(&format!("looks like {found}, and {source} reads {wanted}; did you mean {}?", others.join(" or ")))
}

fn looks_like_sql(text: &[u8]) -> bool {
    let text = String::from_utf8_lossy(text).to_uppercase();
    let text = text.trim_start();
    let starts = ["--", "/*", "#", "CREATE ", "INSERT ", "REPLACE ", "DROP ", "SET ", "USE ", "LOCK ", "BEGIN"];
    starts.iter().any(|start| text.starts_with(start))
}

impl From<DumpError> for MoveError {
    fn from(error: DumpError) -> Self {
        Self::Broken { line: error.line, reason: error.reason }
    }
}

impl From<ExportError> for MoveError {
    fn from(error: ExportError) -> Self {
        Self::Broken { line: error.line, reason: error.reason }
    }
}

impl From<ForeignError> for MoveError {
    fn from(error: ForeignError) -> Self {
        Self::WrongFile(format!("the SQLite file cannot be read: {error}"))
    }
}
