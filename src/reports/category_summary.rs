//! What each category has earned in all, and its best seller: price times everything that was ever sold,
//! here and before (as an import reported it).
//!
//! The products are read page by page, so that memory holds their sums and not them; the sums are exact.

use std::collections::{BTreeMap, HashMap};

use schemars::JsonSchema;
use serde::Serialize;

use super::queries;
use crate::catalog::export;
use crate::db::{Conn, Error, Result};
use crate::ids::{CategoryId, ProductId, StoreId};
use crate::money::{Money, Quantity};

/// How many products are read at once.
const PAGE: i64 = 5_000;

/// A category, with what it has earned.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CategorySummary {
    /// The category.
    pub category: String,
    /// Price times quantity sold, of all its products.
    pub total_revenue: Money,
    /// The product of which most was sold; of equals the one with the higher revenue, then the lower SKU.
    pub top_product: String,
    /// How much of it was sold.
    pub top_product_quantity_sold: Quantity,
}

crate::row! {
    /// A product, with what the summary needs.
    pub struct SoldProduct {
        /// Which.
        pub id: ProductId,
        /// Its public code.
        pub sku: String,
        /// Its name.
        pub name: String,
        /// Its category.
        pub category_id: CategoryId,
        /// What it sells for.
        pub price_paise: Money,
        /// Sold before this shop used Kirana.
        pub sold_before_milli: Quantity,
    }
}

crate::row! {
    /// The name of a category.
    pub struct CategoryName {
        /// Which.
        pub id: CategoryId,
        /// Its name.
        pub name: String,
        /// Its name folded, by which it is sorted.
        pub name_key: String,
    }
}

/// What is known of a category so far.
struct Sum {
    revenue: i128,
    top: Top,
}

struct Top {
    sold: i64,
    revenue: i128,
    sku: String,
    name: String,
}

impl Top {
    /// Whether this one comes before another.
    fn beats(&self, other: &Self) -> bool {
        (self.sold, self.revenue).cmp(&(other.sold, other.revenue)).then_with(|| other.sku.cmp(&self.sku)).is_gt()
    }
}

/// All categories that have products, A to Z; what was sold here in one store, or in all.
pub fn find(conn: &mut Conn<'_>, store: Option<StoreId>) -> Result<Vec<CategorySummary>> {
    let here: HashMap<ProductId, Quantity> = queries::sold_ever(conn, store)?.into_iter().collect();
    let mut sums: HashMap<CategoryId, Sum> = HashMap::new();
    let mut last = 0;
    loop {
        let page = queries::sold_products(conn, last, PAGE)?;
        let Some(end) = page.last() else { break };
        last = end.id.number();
        for product in page {
            let here = here.get(&product.id).copied().unwrap_or_default();
            add(&mut sums, product, here);
        }
    }
    let names: BTreeMap<(String, CategoryId), String> =
        queries::category_names(conn)?.into_iter().map(|one| ((one.name_key, one.id), one.name)).collect();
    let rows = names.into_iter().filter_map(|((_, id), category)| Some((category, sums.remove(&id)?)));
    rows.map(|(category, sum)| {
        let paise = i64::try_from(sum.revenue).map_err(|_| Error::shape("a revenue is too large"))?;
        Ok(CategorySummary {
            category,
            total_revenue: Money::paise(paise),
            top_product: sum.top.name,
            top_product_quantity_sold: Quantity::milli(sum.top.sold),
        })
    })
    .collect()
}

fn add(sums: &mut HashMap<CategoryId, Sum>, product: SoldProduct, here: Quantity) {
    let sold = product.sold_before_milli.as_milli().saturating_add(here.as_milli());
    // Half up to the paisa, for what is sold by weight.
    let revenue = (i128::from(product.price_paise.as_paise()) * i128::from(sold) + 500).div_euclid(1000);
    let top = Top { sold, revenue, sku: product.sku, name: product.name };
    match sums.get_mut(&product.category_id) {
        Some(sum) => {
            sum.revenue += revenue;
            if top.beats(&sum.top) {
                sum.top = top;
            }
        }
        None => {
            sums.insert(product.category_id, Sum { revenue, top });
        }
    }
}

/// The summary as CSV that a spreadsheet opens without running anything.
pub fn csv(rows: &[CategorySummary]) -> Vec<u8> {
    let header = ["category", "total_revenue", "top_product", "top_product_quantity_sold"];
    let mut text = export::line(header.into_iter().map(str::to_owned));
    for row in rows {
        let cells = [
            row.category.clone(),
            row.total_revenue.to_string(),
            row.top_product.clone(),
            row.top_product_quantity_sold.to_string(),
        ];
        text.extend(export::line(cells.into_iter()));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_equal_sellers_the_one_that_earned_more_is_first_and_then_the_lower_code() {
        let mut sums = HashMap::new();
        let product = |sku: &str, price, sold| SoldProduct {
            id: ProductId::new(1),
            sku: sku.to_owned(),
            name: format!("Product {sku}"),
            category_id: CategoryId::new(1),
            price_paise: Money::paise(price),
            sold_before_milli: Quantity::milli(sold),
        };
        let top = |sums: &HashMap<CategoryId, Sum>| sums[&CategoryId::new(1)].top.sku.clone();
        for (sku, price, sold, expected) in [
            ("C", 100, 5_000, "C"),
            ("D", 90, 5_000, "C"),
            ("B", 100, 5_000, "B"),
            ("Z", 101, 5_000, "Z"),
            ("A", 1, 5_001, "A"),
        ] {
            add(&mut sums, product(sku, price, sold), Quantity::ZERO);
            assert_eq!(top(&sums), expected);
        }
        add(&mut sums, product("Y", 100, 1_000), Quantity::milli(4_500));
        assert_eq!(top(&sums), "Y", "what was sold here counts as well");
        assert_eq!(sums[&CategoryId::new(1)].revenue, 500 + 450 + 500 + 505 + 5 + 550);
    }

    #[test]
    fn a_name_is_never_run_as_a_formula() {
        let row = CategorySummary {
            category: "=cmd".to_owned(),
            total_revenue: Money::paise(1050),
            top_product: "Tea, green".to_owned(),
            top_product_quantity_sold: Quantity::whole(3),
        };
        let text = String::from_utf8(csv(&[row])).unwrap();
        assert_eq!(
            text,
            "category,total_revenue,top_product,top_product_quantity_sold\r\n'=cmd,10.50,\"Tea, green\",3\r\n"
        );
    }
}
