//! `kirana import`: products from a file, and back again.

use std::io::Read as _;
use std::path::PathBuf;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

use super::failure::{BAD_INPUT, Failure, NO_INPUT, Outcome};
use super::moving;
use super::out::{Out, table};
use super::work::Context;
use crate::audit::By;
use crate::catalog::import::{self, ImportError, Mode, Options, Report};
use crate::catalog::{CatalogError, Occasion};
use crate::clock::Timestamp;
use crate::ids::{ImportId, StoreId};
use crate::shop;

/// What stands after `import`.
#[derive(Debug, clap::Subcommand)]
pub enum ImportCommand {
    /// Add and change products from a CSV file.
    #[command(after_help = "A product is known again by its SKU or barcode; a row that has neither is new.
Rows that are wrong are named by line and column and left out; the rest goes in.

Examples:
  kirana import products list.csv --dry-run
  kirana import products list.csv --map product=name --map sale_price=price --map market_price=mrp")]
    Products(ProductsArgs),
    /// Move in from another system: accounts, products, stock and orders.
    #[command(after_help = "SYSTEM is one of
  supermarket-sql        Supermarket Backend: what mysqldump writes
  shopkeeps-sql          ShopKeeps: what mysqldump writes
  flask-csv              Flask E-Commerce Backend: its CSV file of products
  store-management-json  Store Management System: what mongoexport writes, one file or a folder of them
  smart-inventory-db     Smart Inventory: its database.db

A row that cannot be taken is named and stops the whole. A second run of the same file adds nothing.

Examples:
  kirana import from supermarket-sql dump.sql --dry-run
  kirana import from store-management-json exports/ --staff active")]
    From(moving::FromArgs),
    /// List the imports there were.
    List,
    /// Put everything back as it was before an import.
    Undo {
        /// Its number in the list.
        id: ImportId,
        /// The number of the branch whose stock is put back.
        #[arg(long, default_value = "1")]
        store: StoreId,
    },
}

/// A file of products.
#[derive(Debug, clap::Args)]
pub struct ProductsArgs {
    /// The file; - is standard input.
    file: PathBuf,
    /// What a column holds, as column=field; without any, usual headers are understood.
    #[arg(long, value_name = "COLUMN=FIELD")]
    map: Vec<String>,
    /// Say what would happen, and keep nothing.
    #[arg(long)]
    dry_run: bool,
    /// Bring nothing in when a row is wrong.
    #[arg(long)]
    all_or_nothing: bool,
    /// Round amounts with more than two decimals instead of refusing them.
    #[arg(long)]
    round: bool,
    /// The number of the branch whose stock the file holds.
    #[arg(long, default_value = "1")]
    store: StoreId,
}

/// What to do, with the file read.
#[derive(Debug, Serialize, Deserialize)]
pub enum Task {
    /// Bring products in.
    Products(Products),
    /// Move in from another system.
    From(crate::classic::moving::Options),
    /// Bring in a table of products in the seven documented columns.
    Upload(moving::Upload),
    /// List the imports there were.
    List,
    /// Undo one.
    Undo(ImportId, StoreId),
}

/// Products to be brought in.
#[derive(Debug, Serialize, Deserialize)]
pub struct Products {
    file_name: String,
    /// In base64: what is not UTF-8 is to be named by its line, and not here.
    content: String,
    map: Vec<String>,
    dry_run: bool,
    all_or_nothing: bool,
    round: bool,
    store: StoreId,
}

impl ImportCommand {
    /// Reads the file, which a server may not be allowed to.
    pub fn prepare(self) -> Result<Task, Failure> {
        Ok(match self {
            Self::Products(args) => Task::Products(args.prepare()?),
            Self::From(args) => args.prepare()?,
            Self::List => Task::List,
            Self::Undo { id, store } => Task::Undo(id, store),
        })
    }
}

impl ProductsArgs {
    /// Reads the file.
    pub fn prepare(self) -> Result<Products, Failure> {
        let mut content = Vec::new();
        let read = if self.file.as_os_str() == "-" {
            std::io::stdin().read_to_end(&mut content)
        } else {
            std::fs::File::open(&self.file).and_then(|mut file| file.read_to_end(&mut content))
        };
        read.map_err(|cause| Failure::new(NO_INPUT, format!("{}: {cause}", self.file.display())))?;
        let name = self.file.file_name().unwrap_or_default();
        Ok(Products {
            file_name: name.to_string_lossy().into_owned(),
            content: STANDARD.encode(content),
            // A column's name may hold an equals sign, a field's never does.
            map: self
                .map
                .iter()
                .map(|pair| pair.rsplit_once('=').map_or(pair.clone(), |(column, field)| format!("{column}:{field}")))
                .collect(),
            dry_run: self.dry_run,
            all_or_nothing: self.all_or_nothing,
            round: self.round,
            store: self.store,
        })
    }
}

impl Task {
    /// Does it.
    pub async fn run(self, context: &Context, as_json: bool, out: &Out) -> Outcome {
        match self {
            Self::Products(products) => products.run(context, as_json, out).await,
            Self::List => list(context, as_json, out).await,
            Self::From(options) => moving::run(options, context, as_json, out).await,
            Self::Upload(upload) => upload.run(context, as_json, out).await,
            Self::Undo(id, store) => undo(id, store, context, as_json, out).await,
        }
    }
}

async fn undo(id: ImportId, store: StoreId, context: &Context, as_json: bool, out: &Out) -> Outcome {
    let now = context.clock.now();
    let kind = context.db.read(move |conn| import::find(conn, id)).await?.map(|import| import.kind);
    if kind.is_some_and(|kind| kind != import::PRODUCTS) {
        return moving::undo(id, store, context, as_json, out).await;
    }
    let undone = context
        .db
        .write(move |conn| {
            let on = occasion(conn, store, now)?;
            import::undo(conn, id, on)
        })
        .await?;
    if as_json {
        out.json(&undone);
    } else {
        out.result(format!(
            "Import {id} is undone: {} products are gone, {} archived, {} as before.",
            undone.deleted, undone.archived, undone.restored
        ));
    }
    Ok(())
}

pub(super) fn occasion(
    conn: &mut crate::db::Conn<'_>,
    store: StoreId,
    now: Timestamp,
) -> Result<Occasion<'static>, CatalogError> {
    let shop = shop::current(conn)?;
    Ok(Occasion { by: By::system(now), user: None, store, today: shop.business_date(now), import: None })
}

impl Products {
    async fn run(self, context: &Context, as_json: bool, out: &Out) -> Outcome {
        let unreadable = |_| Failure::new(BAD_INPUT, "the file arrived damaged");
        let bytes: Arc<[u8]> = STANDARD.decode(&self.content).map_err(unreadable)?.into();
        let lines = bytes.iter().filter(|byte| **byte == b'\n').count() as u64;
        let options = Options {
            file_name: self.file_name,
            mapping: import::read_pairs(self.map.iter().map(String::as_str))?,
            mode: if self.all_or_nothing { Mode::AllOrNothing } else { Mode::SkipBadRows },
            dry_run: self.dry_run,
            round: self.round,
        };
        let (now, store, progress) = (context.clock.now(), self.store, out.clone());
        let outcome = context
            .db
            .write(move |conn| {
                let on = occasion(conn, store, now)?;
                import::run(conn, &bytes[..], &options, on, |done| progress.progress(done, lines))
            })
            .await;
        let report = match outcome {
            Ok(report) => report,
            Err(ImportError::Rehearsed(report) | ImportError::Refused(report)) => *report,
            Err(error) => return Err(error.into()),
        };
        if as_json {
            out.json(&report);
        } else {
            tell(&report, out);
        }
        match report.refused {
            0 => Ok(()),
            1 => Err(Failure::new(BAD_INPUT, "1 row was refused")),
            refused => Err(Failure::new(BAD_INPUT, format!("{refused} rows were refused"))),
        }
    }
}

fn tell(report: &Report, out: &Out) {
    for column in &report.columns {
        out.talk(format!("Column `{}` is read as {}.", column.column, column.field));
    }
    if !report.ignored_columns.is_empty() {
        out.talk(format!("Passed over: {}.", report.ignored_columns.join(", ")));
    }
    for error in &report.errors {
        let column = error.column.as_ref().map(|column| format!(", column {column}")).unwrap_or_default();
        out.result(format!("line {}{column}: {}", error.line, error.message));
    }
    out.result(format!(
        "{} rows: {} added, {} changed, {} unchanged, {} refused",
        report.rows, report.created, report.updated, report.unchanged, report.refused
    ));
    if report.above_mrp > 0 {
        out.talk(format!("{} products sell for more than their MRP; look at them.", report.above_mrp));
    }
    match report.import_id {
        Some(id) => out.talk(format!("`kirana import undo {id}` puts everything back.")),
        None => out.talk("Nothing was kept."),
    }
}

async fn list(context: &Context, as_json: bool, out: &Out) -> Outcome {
    const MOST: i64 = 1_000;
    let imports = context.db.read(|conn| import::list(conn, None, MOST)).await?;
    if as_json {
        out.json(&imports);
        return Ok(());
    }
    let rows = imports.iter().map(|import| {
        vec![
            import.id.to_string(),
            import.at.to_string(),
            import.file_name.clone(),
            import.rows_created.to_string(),
            import.rows_updated.to_string(),
            import.rows_refused.to_string(),
            import.undone_at.map_or_else(String::new, |at| at.to_string()),
        ]
    });
    out.result(table(&["Id", "When", "File", "Added", "Changed", "Refused", "Undone"], rows));
    Ok(())
}
