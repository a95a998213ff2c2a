//! Bringing products in from a file: mapping of columns, cleaning, writing in bulk, undo.
//!
//! A file is read row by row and written in chunks inside the one transaction of the caller; only a
//! chunk is held in memory. A row that cannot be taken is refused by line and column and changes
//! nothing. Products are known again by their SKU, else by a barcode; a row without either is new.

pub(super) mod clean;
pub(super) mod mapping;
pub(super) mod rows;
mod undo;
pub(super) mod write;

use std::io::Read;

use schemars::JsonSchema;
use serde::Serialize;

use super::model::{CatalogError, Occasion};
use super::queries;
use crate::clock::Timestamp;
use crate::db::{Conn, Sequence};
use crate::ids::{ImportId, UserId};

pub use mapping::{Field, read_pairs};
pub use undo::{Undone, mark_undone, undo};

/// How many errors are reported; the rest is counted.
const MOST_ERRORS: usize = 1_000;
/// How many rows are written at once.
const CHUNK: usize = 2_000;

/// What [`run`] brings in, as the list of imports calls it.
pub const PRODUCTS: &str = "products";

crate::words! {
    /// What happens when rows are refused.
    pub enum Mode {
        /// The good ones go in.
        SkipBadRows = "skip-bad-rows",
        /// Nothing goes in.
        AllOrNothing = "all-or-nothing",
    }
}

/// How a file is brought in.
#[derive(Debug, Clone)]
pub struct Options {
    /// The name of the file, for people.
    pub file_name: String,
    /// Which column holds what; empty for what headers usually mean.
    pub mapping: Vec<(String, Field)>,
    /// What happens when rows are refused.
    pub mode: Mode,
    /// Nothing is kept; the report says what would have been.
    pub dry_run: bool,
    /// Amounts with more than two decimals are rounded half up instead of refused.
    pub round: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self { file_name: String::new(), mapping: Vec::new(), mode: Mode::SkipBadRows, dry_run: false, round: false }
    }
}

crate::row! {
    /// An import that happened.
    #[derive(Debug, Clone, Serialize, JsonSchema)]
    #[serde(rename_all = "camelCase")]
    pub struct Import {
        /// Its id.
        pub id: ImportId,
        /// What was brought in: `products`, or the name of the system that the shop moved from.
        pub kind: String,
        /// The file.
        pub file_name: String,
        /// When.
        pub at: Timestamp,
        /// Who.
        pub user_id: Option<UserId>,
        /// How many products were added.
        #[serde(rename = "created")]
        pub rows_created: i64,
        /// How many were changed.
        #[serde(rename = "updated")]
        pub rows_updated: i64,
        /// How many rows were refused.
        #[serde(rename = "refused")]
        pub rows_refused: i64,
        /// When it was undone.
        pub undone_at: Option<Timestamp>,
    }
}

/// What became of a file.
#[derive(Debug, Clone, Default, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// Undoes it; absent when nothing was kept.
    pub import_id: Option<ImportId>,
    /// Nothing was kept.
    pub dry_run: bool,
    /// How many rows the file has.
    pub rows: u64,
    /// How many products were added.
    pub created: u64,
    /// How many were changed.
    pub updated: u64,
    /// How many were as the file says already.
    pub unchanged: u64,
    /// How many rows were refused.
    pub refused: u64,
    /// In how many rows an amount was rounded.
    pub rounded: u64,
    /// In how many rows the price is above the MRP. They were taken.
    pub above_mrp: u64,
    /// Which column was read as what.
    pub columns: Vec<ReadColumn>,
    /// Columns that were passed over.
    pub ignored_columns: Vec<String>,
    /// Why rows were refused; the first 1,000.
    pub errors: Vec<RowError>,
}

/// A column that was read.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct ReadColumn {
    /// Its header.
    pub column: String,
    /// What it was read as.
    pub field: Field,
}

/// Why a row was refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct RowError {
    /// The line that the row begins on, from 1.
    pub line: u64,
    /// The column's header; absent when the whole row is meant.
    pub column: Option<String>,
    /// The field that the column is read as.
    pub field: Option<String>,
    /// What is wrong and what can be done.
    pub message: String,
}

impl RowError {
    pub(super) fn at(line: u64, column: &mapping::Column, message: String) -> Self {
        let (header, field) = (column.header.clone(), column.field.word().to_owned());
        Self { line, column: Some(header), field: Some(field), message }
    }

    /// A row has more cells than the header.
    pub(super) fn too_wide(row: &rows::Row<'_>, width: usize) -> Self {
        let message = format!("The row has {} cells and the header {width}. Is a quotation mark missing?", row.len());
        Self { line: row.line, column: None, field: None, message }
    }

    /// A rule of the catalogue was broken; the column is the one that holds its field.
    fn of_field(line: u64, field: &str, columns: &[mapping::Column], message: String) -> Self {
        match columns.iter().find(|column| column.field.word() == field) {
            Some(column) => Self::at(line, column, message),
            None => Self { line, column: None, field: Some(field.to_owned()), message },
        }
    }
}

/// Why a file is not brought in.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// It holds nothing.
    #[error("The file is empty.")]
    Empty,
    /// It is not UTF-8.
    #[error("Line {line} is not UTF-8 text. Save the file as `CSV UTF-8` and try again.")]
    Encoding {
        /// The first line that is not.
        line: u64,
    },
    /// It cannot be read.
    #[error("The file cannot be read: {0}.")]
    Unreadable(String),
    /// The columns cannot be told.
    #[error("{0}")]
    Mapping(String),
    /// Rows were refused, and so all are.
    #[error("{} rows were refused, so nothing was brought in.", .0.refused)]
    Refused(Box<Report>),
    /// It was a rehearsal: nothing was kept.
    #[error("This was a dry run; nothing was kept.")]
    Rehearsed(Box<Report>),
    /// The catalogue.
    #[error(transparent)]
    Catalog(#[from] CatalogError),
}

impl From<crate::db::Error> for ImportError {
    fn from(error: crate::db::Error) -> Self {
        Self::Catalog(error.into())
    }
}

/// Brings a file in, inside the caller's transaction. `progress` is told how many rows are done.
///
/// # Errors
/// [`ImportError::Rehearsed`] ends a dry run, so that the transaction is undone; it carries the report, and
/// so does [`ImportError::Refused`].
pub fn run(
    conn: &mut Conn<'_>,
    file: impl Read,
    options: &Options,
    on: Occasion<'_>,
    mut progress: impl FnMut(u64),
) -> Result<Report, ImportError> {
    let mut rows = rows::Rows::open(file)?;
    let columns = mapping::columns(&rows.headers, &options.mapping)?;
    let id = begin(conn, PRODUCTS, &options.file_name, on)?;
    let mut report = Report { dry_run: options.dry_run, ..Report::default() };
    report.columns =
        columns.iter().map(|column| ReadColumn { column: column.header.clone(), field: column.field }).collect();
    report.ignored_columns = ignored(&rows.headers, &columns);

    let width = rows.headers.len();
    let mut counted = false;
    let mut writer = write::Writer::new(Occasion { import: Some(id), ..on }, &columns);
    while let Some(row) = rows.next()? {
        report.rows += 1;
        if row.len() > width {
            report.refuse(vec![RowError::too_wide(&row, width)]);
        } else {
            match clean::clean(&row, &columns, options.round)? {
                Ok(cleaned) => writer.take(row.line, cleaned),
                Err(errors) => report.refuse(errors),
            }
        }
        if writer.waiting() >= CHUNK {
            writer.write(conn, &mut report)?;
            progress(report.rows);
            if !counted {
                conn.count_again(super::actions::GROWING)?;
                counted = true;
            }
        }
    }
    writer.write(conn, &mut report)?;
    progress(report.rows);
    if counted {
        conn.count_again(super::actions::GROWING)?;
    }
    report.errors.sort_by_key(|error| error.line);

    if options.mode == Mode::AllOrNothing && report.refused > 0 {
        return Err(ImportError::Refused(Box::new(report)));
    }
    if options.dry_run {
        return Err(ImportError::Rehearsed(Box::new(report)));
    }
    finish(conn, id, [report.created, report.updated, report.refused], on)?;
    report.import_id = Some(id);
    Ok(report)
}

/// Begins an import, of products or of something that a floor above brings in.
pub fn begin(conn: &mut Conn<'_>, kind: &str, file_name: &str, on: Occasion<'_>) -> crate::db::Result<ImportId> {
    let id = ImportId::new(conn.next_id(Sequence::Imports)?);
    let row = [id.into(), kind.into(), file_name.into(), on.by.now.into(), on.user.into()];
    conn.execute(&queries::INSERT_IMPORT, &row)?;
    Ok(id)
}

/// Notes how many rows an import added, changed and refused.
pub fn finish(conn: &mut Conn<'_>, id: ImportId, rows: [u64; 3], on: Occasion<'_>) -> crate::db::Result<()> {
    let [created, updated, refused] = rows.map(|rows| i64::try_from(rows).unwrap_or(i64::MAX));
    conn.execute(&queries::FINISH_IMPORT, &[id.into(), created.into(), updated.into(), refused.into()])?;
    let detail = serde_json::json!({ "created": created, "updated": updated, "refused": refused });
    crate::audit::record(conn, on.by, "import.run", &format!("import:{id}"), &detail)?;
    Ok(())
}

/// An import that happened.
pub fn find(conn: &mut Conn<'_>, id: ImportId) -> crate::db::Result<Option<Import>> {
    conn.first(&queries::FIND_IMPORT, &[id.into()])
}

/// The imports before one of them, newest first.
pub fn list(conn: &mut Conn<'_>, before: Option<ImportId>, limit: i64) -> crate::db::Result<Vec<Import>> {
    let before = before.map_or(i64::MAX, ImportId::number);
    conn.all(&queries::LIST_IMPORTS, &[before.into(), limit.into()])
}

fn ignored(headers: &[String], columns: &[mapping::Column]) -> Vec<String> {
    let read = |place: usize| columns.iter().any(|column| column.place == place);
    headers.iter().enumerate().filter(|(place, _)| !read(*place)).map(|(_, header)| header.clone()).collect()
}

impl Report {
    fn refuse(&mut self, errors: Vec<RowError>) {
        self.refused += 1;
        let room = MOST_ERRORS.saturating_sub(self.errors.len());
        self.errors.extend(errors.into_iter().take(room));
    }
}
