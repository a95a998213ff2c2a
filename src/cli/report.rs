//! `kirana report`: figures on the terminal, as JSON or as CSV.

use serde::{Deserialize, Serialize};

use super::failure::{FAILED, Failure, Outcome};
use super::out::{Out, table};
use super::work::Context;
use crate::ids::StoreId;
use crate::reports::category_summary;

/// What stands after `report`.
#[derive(Debug, Serialize, Deserialize, clap::Subcommand)]
pub enum ReportCommand {
    /// What each category has earned in all, and its best seller.
    #[command(after_help = "Examples:
  kirana report category-summary
  kirana report category-summary --csv > summary_report.csv")]
    CategorySummary {
        /// Print CSV.
        #[arg(long, conflicts_with = "json")]
        csv: bool,
        /// The number of the branch whose sales count; without it, all do.
        #[arg(long)]
        store: Option<StoreId>,
    },
}

impl ReportCommand {
    /// Prints it.
    pub async fn run(self, context: &Context, as_json: bool, out: &Out) -> Outcome {
        let Self::CategorySummary { csv, store } = self;
        let rows = context.db.read(move |conn| category_summary::find(conn, store)).await?;
        if as_json {
            out.json(&rows);
        } else if csv {
            let text = String::from_utf8(category_summary::csv(&rows));
            out.result(text.map_err(|_| Failure::new(FAILED, "a product is not text"))?);
        } else {
            let lines = rows.iter().map(|row| {
                vec![
                    row.category.clone(),
                    row.total_revenue.to_string(),
                    row.top_product.clone(),
                    row.top_product_quantity_sold.to_string(),
                ]
            });
            out.result(table(&["Category", "Revenue", "Top product", "Sold of it"], lines));
        }
        Ok(())
    }
}
