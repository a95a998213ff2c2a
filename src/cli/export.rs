//! `kirana export`: products as a file that spreadsheets open and an import reads back.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::failure::{FAILED, Failure, Outcome};
use super::out::{Out, Terminal};
use super::work::{self, Context, Work};
use crate::catalog::{Status, export, list};
use crate::config::Config;
use crate::ids::StoreId;

/// How many products are read at once.
const PAGE: i64 = 1_000;

/// What stands after `export`.
#[derive(Debug, clap::Subcommand)]
pub enum ExportCommand {
    /// Write all products as CSV.
    #[command(after_help = "Examples:
  kirana export products products.csv
  kirana export products --active | wc -l")]
    Products {
        /// The file to make; without one the products go to standard output. Nothing is overwritten.
        file: Option<PathBuf>,
        /// Leave archived products out.
        #[arg(long)]
        active: bool,
        /// The number of the branch whose stock is written.
        #[arg(long, default_value = "1")]
        store: StoreId,
    },
}

/// Products to be written.
#[derive(Debug, Serialize, Deserialize)]
pub struct Task {
    active: bool,
    store: StoreId,
}

/// Writes the products to a file or to standard output.
pub fn run(command: ExportCommand, config: Config, terminal: Terminal) -> Outcome {
    let ExportCommand::Products { file, active, store } = command;
    let work = Work { json: false, task: work::Task::Export(Task { active, store }) };
    let Some(file) = file else { return work.run_where_open(config, terminal) };
    let outcome = work.run_where_open(config, terminal.writing_to(&file)?);
    if outcome.is_err() {
        // A part of the products would only be taken for all of them.
        let _ = std::fs::remove_file(&file);
    }
    outcome
}

impl Task {
    /// Reads the products page by page.
    pub async fn run(self, context: &Context, out: &Out) -> Outcome {
        let text = |bytes| String::from_utf8(bytes).map_err(|_| Failure::new(FAILED, "a product is not text"));
        out.result(text(export::header())?);
        let status = self.active.then_some(Status::Active);
        let (store, mut last) = (self.store, 0);
        loop {
            let (products, barcodes) =
                context.db.read(move |conn| list::after(conn, store, status, last, PAGE)).await?;
            let Some(end) = products.last() else { return Ok(()) };
            last = end.id.number();
            let rows = products.iter().zip(&barcodes).flat_map(|(product, codes)| export::row(product, codes));
            out.result(text(rows.collect())?);
        }
    }
}
