//! Single figures: how much was bought, who spent most in a day, what one item sold for.

use std::collections::BTreeSet;

use super::model::{CustomerDay, ItemSales, ReportError};
use super::queries;
use super::rules::Range;
use crate::catalog::words;
use crate::clock::BusinessDate;
use crate::db::{Conn, Result};
use crate::ids::{ProductId, StoreId};
use crate::money::{Money, Quantity};

/// The most customers that are named.
const MOST_CUSTOMERS: usize = 5_000;
/// The most days of customers that are looked at.
const MOST_DAYS: i64 = 100_000;

/// All days from one to another, both included; however many they are.
pub fn days(from: BusinessDate, to: BusinessDate) -> std::result::Result<Range, ReportError> {
    if from > to { Err(ReportError::Backwards) } else { Ok(Range { from, to }) }
}

/// How much was bought in some days, of everything together.
pub fn items_bought(conn: &mut Conn<'_>, store: Option<StoreId>, range: Range) -> Result<Quantity> {
    queries::items_bought(conn, store, range)
}

/// Who spent more than so much in a day, each with their best day in a range; the dearest first.
pub fn high_spenders(
    conn: &mut Conn<'_>,
    store: Option<StoreId>,
    range: Range,
    above: Money,
) -> Result<Vec<CustomerDay>> {
    let mut seen = BTreeSet::new();
    let days = queries::customer_days(conn, store, range, above, MOST_DAYS)?;
    // A customer's dearest day comes before the others.
    let best = days.into_iter().filter(|day| seen.insert(day.id));
    Ok(best.take(MOST_CUSTOMERS).collect())
}

/// What was sold of one product in some days.
pub fn product_sales(
    conn: &mut Conn<'_>,
    store: Option<StoreId>,
    range: Range,
    product: ProductId,
) -> Result<ItemSales> {
    queries::product_sold(conn, store, range, product)
}

/// What an item sold in some days: every product of that name, and the open items that were called so,
/// in any letter case.
pub fn item_sales(conn: &mut Conn<'_>, store: Option<StoreId>, range: Range, item: &str) -> Result<ItemSales> {
    let folded = words::fold(item);
    let mut sales = Vec::new();
    for product in queries::products_named(conn, &folded)? {
        sales.push(queries::product_sold(conn, store, range, product)?);
    }
    for (name, sold_milli, revenue_paise) in queries::open_sold(conn, store, range)? {
        if words::fold(&name) == folded {
            sales.push(ItemSales { sold_milli, revenue_paise });
        }
    }
    let too_large = || crate::db::Error::Engine("a sum is too large".to_owned());
    sales.into_iter().try_fold(ItemSales::default(), |sum, one| {
        Ok(ItemSales {
            sold_milli: sum.sold_milli.checked_add(one.sold_milli).ok_or_else(too_large)?,
            revenue_paise: sum.revenue_paise.checked_add(one.revenue_paise).ok_or_else(too_large)?,
        })
    })
}
