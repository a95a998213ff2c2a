//! The documented table of products: seven columns, gaps filled from the file itself, stored whole or
//! not at all.
//!
//! [`prepare`] reads a file once, outside of any transaction: every row is checked, medians and means
//! are counted, and the rows wait in temporary files without names, which are gone with the process.
//! [`store`] then writes them in the caller's transaction. Memory does not grow with the file: what
//! does not fit is sorted in runs on disk, and a row leaves behind one bit.
//!
//! On SQLite there is one writer, and while a file is written nobody else writes: orders wait for it
//! (reading goes on). So all that can be done before is: what is left for the transaction is the inserts
//! themselves, rows in the order of the file and search words in the order of their index. It is one
//! transaction because half a file must never be seen, not even after a loss of power; staging the rows
//! in a table of their own and copying them over would write them twice, and the second time costs as
//! much under the lock as the first.

mod fill;
mod read;
mod sort;
mod stage;
mod write;

use schemars::JsonSchema;
use serde::Serialize;

use super::import::{self, Field, ImportError, RowError};
use super::model::{CatalogError, Occasion};
use crate::db::Conn;
use crate::ids::ImportId;

/// The columns, in the order of the document, and what they hold here.
const COLUMNS: [(&str, Field); 7] = [
    ("product_id", Field::Sku),
    ("product_name", Field::Name),
    ("category", Field::Category),
    ("price", Field::Price),
    ("quantity_sold", Field::SoldBefore),
    ("rating", Field::Rating),
    ("review_count", Field::ReviewCount),
];

/// How many errors are reported; the rest is counted.
const MOST_ERRORS: usize = 1_000;

/// A file that was read and found good, ready to be stored.
pub struct Prepared(read::Read);

/// How a file is stored.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// The name of the file, for people.
    pub file_name: String,
    /// Nothing is kept.
    pub dry_run: bool,
}

/// What became of a file.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Counts {
    /// Undoes it; absent when nothing was kept.
    pub import_id: Option<ImportId>,
    /// How many rows the file has.
    pub rows: u64,
    /// How many products were added.
    pub created: u64,
    /// How many were changed.
    pub updated: u64,
    /// How many were as the file says already.
    pub unchanged: u64,
    /// How many rows a later one with the same `product_id` replaced.
    pub repeated: u64,
    /// In how many rows the price is the median of the file.
    pub filled_prices: u64,
    /// In how many rows the quantity sold is the median of the file.
    pub filled_quantities: u64,
    /// In how many rows the rating is the mean of the category, or of the file.
    pub filled_ratings: u64,
}

/// Why a file is not stored.
#[derive(Debug, thiserror::Error)]
pub enum UploadError {
    /// A column is not there; the first of those that are missing.
    #[error("Missing column: {0}")]
    NoColumn(&'static str),
    /// Rows are wrong.
    #[error("{}", refusal(*refused, errors))]
    Refused {
        /// How many rows the file has.
        rows: u64,
        /// How many of them are wrong.
        refused: u64,
        /// What is wrong with them; the first 1,000.
        errors: Vec<RowError>,
    },
    /// The column of categories holds something else.
    #[error("The file has more than {0} categories. Does the column `category` hold them?")]
    TooManyCategories(usize),
    /// The file cannot be read, or is empty.
    #[error(transparent)]
    File(ImportError),
    /// It was a rehearsal: nothing was kept.
    #[error("This was a dry run; nothing was kept.")]
    Rehearsed(Counts),
    /// The files in which the rows wait cannot be written or read.
    #[error("The file cannot be put aside: {0}")]
    Aside(#[from] std::io::Error),
    /// The catalogue.
    #[error(transparent)]
    Catalog(#[from] CatalogError),
}

impl From<ImportError> for UploadError {
    fn from(error: ImportError) -> Self {
        if let ImportError::Catalog(error) = error { Self::Catalog(error) } else { Self::File(error) }
    }
}

impl From<crate::db::Error> for UploadError {
    fn from(error: crate::db::Error) -> Self {
        Self::Catalog(error.into())
    }
}

/// The first thing that is wrong, and how much else is.
fn refusal(refused: u64, errors: &[RowError]) -> String {
    let first = errors.first().map(|error| {
        let column = error.column.as_ref().map(|column| format!(", column {column}")).unwrap_or_default();
        format!("Line {}{column}: {}", error.line, error.message)
    });
    let rows = if refused == 1 { "1 row is wrong".to_owned() } else { format!("{refused} rows are wrong") };
    format!("{} {rows}; nothing was stored.", first.unwrap_or_default())
}

/// Reads a file to its end and checks all of it. It blocks, for seconds when the file is large.
pub fn prepare(file: impl std::io::Read) -> Result<Prepared, UploadError> {
    read::read(file).map(Prepared)
}

/// Stores a file inside the caller's transaction: new products without stock, known ones (by
/// `product_id`, our SKU) changed to what the file says, their stock and what was sold here untouched.
///
/// # Errors
/// [`UploadError::Rehearsed`] ends a dry run, so that the transaction is undone.
pub fn store(conn: &mut Conn<'_>, file: &Prepared, options: &Options, on: Occasion<'_>) -> Result<Counts, UploadError> {
    let id = import::begin(conn, import::PRODUCTS, &options.file_name, on)?;
    let on = Occasion { import: Some(id), ..on };
    let mut counts = conn.with_little_memory(|conn| write::write(conn, &file.0, on))?;
    if options.dry_run {
        return Err(UploadError::Rehearsed(counts));
    }
    import::finish(conn, id, [counts.created, counts.updated, 0], on)?;
    counts.import_id = Some(id);
    Ok(counts)
}
