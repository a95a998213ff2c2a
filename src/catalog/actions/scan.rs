//! What a scanned code means.

use super::super::barcode::{self, Barcode, Reading};
use super::super::model::{CatalogError, Flaw, Product};
use super::super::queries;
use super::Result;
use crate::db::Conn;
use crate::ids::{ProductId, StoreId};
use crate::money::{Money, Quantity};
use crate::shop;

/// A product that was scanned.
#[derive(Debug, Clone)]
pub struct Scan {
    /// The product.
    pub product: Product,
    /// How much of it.
    pub quantity: Quantity,
    /// What a price label says that the customer pays.
    pub line_total: Option<Money>,
    /// The code came from a label that is printed in the store.
    pub from_label: bool,
}

/// Looks a scanned code up: a barcode, else a label of the store, else a SKU.
pub fn scan(conn: &mut Conn<'_>, store: StoreId, text: &str) -> Result<Scan> {
    let code = Barcode::parse(text).map_err(|error| {
        let word =
            if matches!(error, barcode::BarcodeError::CheckDigit { .. }) { "bad_check_digit" } else { "bad_barcode" };
        Flaw::new("code", word, error.to_string())
    })?;
    if let Some(id) = find_barcode(conn, code.code())? {
        return whole(conn, store, id);
    }
    let rules = barcode::read_rules(&shop::current(conn)?.label_rules).map_err(CatalogError::BadLabelRules)?;
    if let Some(label) = barcode::read_label(&code, &rules) {
        let by_item = conn.first(&queries::FIND_BY_ITEM_CODE, &[(&label.item_code).into()])?;
        let id = match by_item {
            Some((id,)) => Some(id),
            None => find_barcode(conn, &label.zeroed)?,
        };
        let id = id.ok_or_else(|| CatalogError::UnknownBarcode(code.code().to_owned()))?;
        let product = super::load(conn, store, id)?;
        let reading = label.reading(product.unit, product.price_paise);
        let Reading { quantity, line_total } =
            reading.ok_or_else(|| CatalogError::UnreadableLabel(product.name.clone()))?;
        return Ok(Scan { product, quantity, line_total, from_label: true });
    }
    match super::find_by_sku(conn, text.trim())? {
        Some(id) => whole(conn, store, id),
        None => Err(CatalogError::UnknownBarcode(text.trim().to_owned())),
    }
}

fn whole(conn: &mut Conn<'_>, store: StoreId, id: ProductId) -> Result<Scan> {
    let product = super::load(conn, store, id)?;
    Ok(Scan { product, quantity: Quantity::whole(1), line_total: None, from_label: false })
}

fn find_barcode(conn: &mut Conn<'_>, code: &str) -> Result<Option<ProductId>> {
    Ok(conn.load_many(&queries::FIND_BARCODES, [[code.into()]])?.pop().map(|(_, id)| id))
}
