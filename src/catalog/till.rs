//! The catalogue as a till keeps it: all that is on sale, in few bytes, without stock, which changes with every sale.

use std::collections::HashMap;

use schemars::JsonSchema;
use serde::Serialize;

use super::barcode::{self, LabelRule};
use super::model::{CatalogError, Unit};
use super::queries;
use crate::db::Conn;
use crate::ids::ProductId;
use crate::money::{Money, TaxRate};
use crate::shop;

crate::row! {
    /// A product as a till needs it.
    pub struct TillProduct {
        /// Its id.
        pub id: ProductId,
        /// Its public code.
        pub sku: String,
        /// Its name.
        pub name: String,
        /// Its name in the shop's second language.
        pub name_local: String,
        /// Its brand.
        pub brand: String,
        /// The category's name.
        pub category: String,
        /// What it is counted in.
        pub unit: Unit,
        /// The printed maximum retail price.
        pub mrp_paise: Option<Money>,
        /// What it sells for.
        pub price_paise: Money,
        /// The price holds the tax.
        pub price_includes_tax: bool,
        /// The GST rate.
        pub tax_rate_bp: TaxRate,
        /// The code that a weighed-item label carries.
        pub item_code: Option<String>,
    }
}

/// What a till keeps so that it can sell while the server is away.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TillCatalogue {
    /// The categories that are named by their place in this list.
    pub categories: Vec<String>,
    /// The layouts of the labels that are printed in the store.
    #[schemars(with = "serde_json::Value")]
    pub labels: Vec<LabelRule>,
    /// What is on sale.
    pub items: Vec<TillItem>,
}

/// One product: id, name, local name, SKU, place of its category, unit, price in paise, MRP in paise or null,
/// 1 when the price holds the tax, tax rate in basis points, item code or empty, brand, stored barcodes.
#[derive(Debug, Serialize, JsonSchema)]
pub struct TillItem(
    ProductId,
    String,
    String,
    String,
    usize,
    String,
    i64,
    Option<i64>,
    u8,
    i64,
    String,
    String,
    Vec<String>,
);

/// Everything that is on sale.
///
/// # Errors
/// The shop's rules for labels cannot be read.
pub fn load(conn: &mut Conn<'_>) -> Result<TillCatalogue, CatalogError> {
    let labels = barcode::read_rules(&shop::current(conn)?.label_rules).map_err(CatalogError::BadLabelRules)?;
    let mut barcodes: HashMap<ProductId, Vec<String>> = HashMap::new();
    for (product, code) in conn.all(&queries::TILL_BARCODES, &[])? {
        barcodes.entry(product).or_default().push(code);
    }
    let mut categories: Vec<String> = Vec::new();
    let mut places: HashMap<String, usize> = HashMap::new();
    let products: Vec<TillProduct> = conn.all(&queries::TILL_PRODUCTS, &[])?;
    let items = products
        .into_iter()
        .map(|product| {
            let place = *places.entry(product.category).or_insert_with_key(|name| {
                categories.push(name.clone());
                categories.len() - 1
            });
            TillItem(
                product.id,
                product.name,
                product.name_local,
                product.sku,
                place,
                product.unit.word().to_owned(),
                product.price_paise.as_paise(),
                product.mrp_paise.map(Money::as_paise),
                u8::from(product.price_includes_tax),
                product.tax_rate_bp.as_basis_points(),
                product.item_code.unwrap_or_default(),
                product.brand,
                barcodes.remove(&product.id).unwrap_or_default(),
            )
        })
        .collect();
    Ok(TillCatalogue { categories, labels, items })
}
