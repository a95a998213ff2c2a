//! Moving in: accounts, products, stock and orders of a documented system, from the file that it leaves behind.
//!
//! A file is read once for each of its tables, row by row: accounts are held in memory (their passwords are hashed
//! before anything is written), products and orders are not. All of it is written in one transaction, whole or not at
//! all. What came is remembered by its id in the old system, so that a second run adds nothing and an undo takes
//! away what the import brought and nothing else.
//!
//! Invariants: a row that cannot be taken is named by table, row, field and reason, and stops the whole unless the
//! caller lets the others in; stock is what the old system had last, so old orders take none; a password is never
//! stored as it lay there (see [`crate::staff::password`]).

mod dump;
mod export;
mod file;
mod queries;
mod record;
mod systems;
mod undo;
mod write;

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::audit::By;
use crate::catalog::{CatalogError, Occasion};
use crate::clock::Timestamp;
use crate::db::{Conn, Db};
use crate::ids::{Entropy, ImportId, StoreId};
use crate::orders::OrderError;
use crate::shop;
use crate::staff::{StaffError, Status};
use file::OldFile;
use record::{Flaw, Record};
use systems::System;

pub use queries::{bulks, inserts, statements};
pub use undo::{Undone, undo};

crate::words! {
    /// A system that a shop moves from, and the file that it leaves behind.
    pub enum Source {
        /// *Supermarket Backend*: a MySQL dump.
        Supermarket = "supermarket-sql",
        /// *ShopKeeps*: a MySQL dump.
        ShopKeeps = "shopkeeps-sql",
        /// *Flask E-Commerce Backend*: its CSV file.
        Flask = "flask-csv",
        /// *Store Management System*: what `mongoexport` writes.
        StoreManagement = "store-management-json",
        /// *Smart Inventory*: its SQLite file.
        SmartInventory = "smart-inventory-db",
    }
}

crate::words! {
    /// How staff of the old system come in. Most of those systems let anybody sign up as staff.
    pub enum StaffArrival {
        /// They wait for the owner's approval.
        Pending = "pending",
        /// They may log in at once.
        Active = "active",
    }
}

impl StaffArrival {
    const fn status(self) -> Status {
        match self {
            Self::Pending => Status::Pending,
            Self::Active => Status::Active,
        }
    }
}

/// What is moved, and how.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Options {
    /// The system.
    pub source: Source,
    /// Its file, or a folder of files.
    pub path: PathBuf,
    /// Nothing is kept; the report says what would have been.
    pub dry_run: bool,
    /// Rows that are refused are left out; without it, one of them stops all.
    pub skip_bad_rows: bool,
    /// How staff come in.
    pub staff: StaffArrival,
    /// The store whose stock and orders they are.
    pub store: StoreId,
}

/// How many of one kind.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Count {
    /// Brought in.
    pub brought: u64,
    /// There already.
    pub known: u64,
    /// Refused.
    pub refused: u64,
}

/// What became of a file.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// Undoes it; absent when nothing was kept.
    pub import_id: Option<ImportId>,
    /// The system.
    pub source: Source,
    /// Nothing was kept.
    pub dry_run: bool,
    /// Customers.
    pub customers: Count,
    /// Staff.
    pub staff: Count,
    /// Products.
    pub products: Count,
    /// Orders.
    pub orders: Count,
    /// Traces of orders that never were, which are passed over.
    pub empty_orders: u64,
    /// Lines of orders that name no product; they stand on their bills alone.
    pub open_items: u64,
    /// Orders without a date, which count into what a product sold before.
    pub undated_orders: u64,
    /// Accounts whose password cannot be checked here and has to be set anew.
    pub passwords_lost: u64,
    /// What came in otherwise than it stood there; the first 1,000.
    pub notes: Vec<Remark>,
    /// Notes that are not listed.
    pub more_notes: u64,
    /// Why rows were refused; the first 1,000.
    pub errors: Vec<Remark>,
    /// Refusals that are not listed.
    pub more_errors: u64,
}

/// A sentence about a row of the old system.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Remark {
    /// Its table or collection.
    pub table: &'static str,
    /// Its place there, from 1.
    pub row: u64,
    /// The line it begins on, where the file has lines.
    pub line: Option<u64>,
    /// The field; absent when the whole row is meant.
    pub field: Option<String>,
    /// What there is to say.
    pub message: String,
}

impl std::fmt::Display for Remark {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} row {}", self.table, self.row)?;
        if let Some(line) = self.line {
            write!(f, " (line {line})")?;
        }
        if let Some(field) = &self.field {
            write!(f, ", {field}")?;
        }
        write!(f, ": {}", self.message)
    }
}

/// Where a remark is about.
#[derive(Debug, Clone, Copy)]
struct Place {
    table: &'static str,
    row: u64,
    line: Option<u64>,
}

impl Place {
    const fn of(record: &Record) -> Self {
        Self { table: record.table, row: record.row, line: record.line }
    }

    fn remark(self, field: &str, message: impl Into<String>) -> Remark {
        let Self { table, row, line } = self;
        Remark {
            table,
            row,
            line,
            field: Some(field.to_owned()).filter(|field| !field.is_empty()),
            message: message.into(),
        }
    }

    fn flaw(self, flaw: &Flaw) -> Remark {
        self.remark(&flaw.field, flaw.reason.clone())
    }
}

impl Report {
    /// How many remarks of a kind are listed.
    const LISTED: usize = 1_000;

    const fn new(options: &Options) -> Self {
        const NONE: Count = Count { brought: 0, known: 0, refused: 0 };
        Self {
            import_id: None,
            source: options.source,
            dry_run: options.dry_run,
            customers: NONE,
            staff: NONE,
            products: NONE,
            orders: NONE,
            empty_orders: 0,
            open_items: 0,
            undated_orders: 0,
            passwords_lost: 0,
            notes: Vec::new(),
            more_notes: 0,
            errors: Vec::new(),
            more_errors: 0,
        }
    }

    /// How many rows were refused.
    pub fn refused(&self) -> u64 {
        self.errors.len() as u64 + self.more_errors
    }

    /// How many rows were brought in.
    pub fn brought(&self) -> u64 {
        [self.customers, self.staff, self.products, self.orders].iter().map(|count| count.brought).sum()
    }

    fn note(&mut self, remark: Remark) {
        if self.notes.len() < Self::LISTED { self.notes.push(remark) } else { self.more_notes += 1 }
    }

    fn refuse(&mut self, remark: Remark) {
        if self.errors.len() < Self::LISTED { self.errors.push(remark) } else { self.more_errors += 1 }
    }
}

/// Why nothing was moved.
#[derive(Debug, thiserror::Error)]
pub enum MoveError {
    /// The file cannot be read.
    #[error("{}: {cause}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        cause: std::io::Error,
    },
    /// The file is not what the system leaves behind.
    #[error("{0}")]
    WrongFile(String),
    /// The file is broken.
    #[error("Line {line}: {reason}.")]
    Broken {
        /// Where.
        line: u64,
        /// How.
        reason: String,
    },
    /// Rows were refused, and so nothing came in.
    #[error("{} rows were refused, so nothing was brought in.", .0.refused())]
    Refused(Box<Report>),
    /// It was a rehearsal: nothing was kept.
    #[error("This was a dry run; nothing was kept.")]
    Rehearsed(Box<Report>),
    /// All of it was there already.
    #[error("Everything is there already.")]
    Nothing(Box<Report>),
    /// Something was done with what the import brought.
    #[error("{}", .0.join("\n"))]
    InTheWay(Vec<String>),
    /// The catalogue.
    #[error(transparent)]
    Catalog(#[from] CatalogError),
    /// The staff.
    #[error(transparent)]
    Staff(#[from] StaffError),
    /// The orders.
    #[error(transparent)]
    Order(#[from] OrderError),
    /// The database.
    #[error(transparent)]
    Db(#[from] crate::db::Error),
}

/// Looks whether a file is what the system leaves behind.
pub fn look(source: Source, path: &Path) -> Result<(), MoveError> {
    OldFile::open(path, source, System::of(source)).map(|_| ())
}

/// Moves a shop in. `progress` is told how much of how much was read.
///
/// # Errors
/// [`MoveError::Rehearsed`], [`MoveError::Refused`] and [`MoveError::Nothing`] undo everything and carry the report.
pub async fn run(
    db: &Db,
    options: Options,
    entropy: Entropy,
    now: Timestamp,
    progress: impl Fn(u64, u64) + Send + 'static,
) -> Result<Report, MoveError> {
    let system = System::of(options.source);
    let file = OldFile::open(&options.path, options.source, system)?;
    let people = write::read_people(&file, system)?;
    let people = write::hash_passwords(db, people, system, &options, entropy).await?;
    db.write(move |conn| {
        let on = occasion(conn, options.store, now)?;
        write::bring(conn, &file, system, &people, &options, on, &progress)
    })
    .await
}

/// The program moves things, at an instant and in a store.
pub fn occasion(conn: &mut Conn<'_>, store: StoreId, now: Timestamp) -> Result<Occasion<'static>, CatalogError> {
    let shop = shop::current(conn)?;
    Ok(Occasion { by: By::system(now), user: None, store, today: shop.business_date(now), import: None })
}
