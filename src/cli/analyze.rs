//! `kirana analyze`: figures put together at the machine, without a server.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::failure::{Failure, NO_INPUT, Outcome};
use super::out::{Out, Terminal, table};
use super::work::{self, Context, Work};
use crate::config::Config;
use crate::ids::StoreId;
use crate::reports::inventory;

/// What is said where there is nothing to put together.
const NO_DATA: &str = "No data available for analysis.";

/// What stands after `analyze`.
#[derive(Debug, clap::Subcommand)]
pub enum AnalyzeCommand {
    /// Show what the stock of each product is worth: its price times how much there is.
    #[command(after_help = "Examples:
  kirana analyze inventory-value
  kirana analyze inventory-value --chart value.svg
  kirana analyze inventory-value --json | jq 'map(.totalValue) | add'")]
    InventoryValue {
        /// Draw a bar chart into a new SVG file as well.
        #[arg(long, value_name = "FILE.svg")]
        chart: Option<PathBuf>,
        /// The number of one branch; all together when absent.
        #[arg(long)]
        store: Option<StoreId>,
    },
}

/// What is to be put together.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct Task {
    store: Option<StoreId>,
    as_chart: bool,
}

/// Shows the figures, and draws them where that was asked for.
pub fn run(command: AnalyzeCommand, config: Config, json: bool, terminal: Terminal) -> Outcome {
    let AnalyzeCommand::InventoryValue { chart, store } = command;
    let work = |as_chart| Work { json, task: work::Task::Analyze(Task { store, as_chart }) };
    if let Some(file) = chart {
        // The file is made first: where it cannot be, nothing is shown either.
        let drawing = Terminal::new(true).writing_to(&file)?;
        if let Err(failure) = work(true).run_where_open(config.clone(), drawing) {
            let _ = std::fs::remove_file(&file);
            // Where there is nothing to draw, the table says so.
            if failure.sentence != NO_DATA {
                return Err(failure);
            }
        }
    }
    work(false).run_where_open(config, terminal)
}

impl Task {
    /// Reads the stock and says what it is worth.
    pub async fn run(self, context: &Context, as_json: bool, out: &Out) -> Outcome {
        let values = context.db.read(move |conn| inventory::value(conn, self.store)).await?;
        if self.as_chart {
            if values.is_empty() {
                return Err(Failure::new(NO_INPUT, NO_DATA));
            }
            out.result(inventory::chart(&values));
        } else if as_json {
            out.json(&values);
        } else if values.is_empty() {
            out.result(NO_DATA);
        } else {
            let row = |one: &inventory::ProductValue| {
                vec![one.product.clone(), one.quantity.to_string(), one.total_value.to_string()]
            };
            out.result(table(&["Product", "Quantity", "Total value"], values.iter().map(row)));
            if let Some(total) = inventory::total(&values) {
                out.talk(format!("{} products, worth {total} together", values.len()));
            }
        }
        Ok(())
    }
}
