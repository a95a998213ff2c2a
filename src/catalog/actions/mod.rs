//! What is done with the catalogue.

mod change;
mod create;
mod remove;
mod scan;

use std::collections::HashSet;

use super::barcode::Barcode;
use super::model::{CatalogError, NewProduct, Occasion, PriceChange, Product};
use super::{queries, words};
use crate::db::Conn;
use crate::ids::{ProductId, StoreId};
use crate::shop;

pub use change::{Change, Changed, change, change_many};
pub use create::{Checked, CreateMany, create, create_many, create_unless_known};
pub use remove::{Removed, remove, remove_created, take_back_created};
pub use scan::{Scan, scan};

pub use super::categories::{
    change as change_category, create as create_category, delete as delete_category, list as list_categories,
};
pub use super::list::{barcodes_of, find as list_products, find_low as list_low};

/// The tables that many new products fill.
pub(super) const GROWING: &[&str] =
    &["categories", "products", "product_words", "barcodes", "stock", "stock_moves", "product_days"];

type Result<T> = std::result::Result<T, CatalogError>;

/// A product with its stock in a store.
pub fn load(conn: &mut Conn<'_>, store: StoreId, id: ProductId) -> Result<Product> {
    let mut found = conn.load_many(&queries::FIND, [[store.into(), id.into()]])?;
    found.pop().ok_or(CatalogError::NoProduct)
}

/// A product with its barcodes as they are printed.
pub fn load_with_barcodes(conn: &mut Conn<'_>, store: StoreId, id: ProductId) -> Result<(Product, Vec<String>)> {
    let products = [load(conn, store, id)?];
    let barcodes = barcodes_of(conn, &products)?.pop().unwrap_or_default();
    let [product] = products;
    Ok((product, barcodes))
}

/// The product with a SKU.
pub fn find_by_sku(conn: &mut Conn<'_>, sku: &str) -> Result<Option<ProductId>> {
    Ok(conn.load_many(&queries::FIND_SKUS, [[sku.into()]])?.pop().map(|(_, id)| id))
}

/// The product on sale that a name means: spelled exactly so, else in any letter case; the oldest of several.
pub fn find_by_name(conn: &mut Conn<'_>, name: &str) -> Result<Option<ProductId>> {
    let found = conn.all(&queries::FIND_BY_NAME, &[words::fold(name).into()])?;
    let exact = found.iter().find(|(_, known)| known == name.trim());
    Ok(exact.or(found.first()).map(|(id, _)| *id))
}

/// The product that a code of people means: an item code, else a SKU.
pub fn find_by_code(conn: &mut Conn<'_>, code: &str) -> Result<Option<ProductId>> {
    match conn.first(&queries::FIND_BY_ITEM_CODE, &[code.trim().into()])? {
        Some((id,)) => Ok(Some(id)),
        None => find_by_sku(conn, code.trim()),
    }
}

/// An item code of four digits that no product has, the first one free from a number on.
pub fn free_item_code(conn: &mut Conn<'_>, from: u16) -> Result<String> {
    let taken: HashSet<String> = conn.all(&queries::FOUR_DIGIT_CODES, &[])?.into_iter().map(|(code,)| code).collect();
    (0..10_000)
        .map(|step| format!("{:04}", (u32::from(from) + step) % 10_000))
        .find(|code| !taken.contains(code))
        .ok_or(CatalogError::NoFreeCode)
}

/// Adds a product by hand under a name that no product on sale has, with an item code of its own.
pub fn create_as_new(
    conn: &mut Conn<'_>,
    mut product: NewProduct,
    code_from: u16,
    on: Occasion<'_>,
) -> Result<ProductId> {
    // Two who add the same name at once must not both find it free.
    shop::lock(conn)?;
    if let Some(id) = find_by_name(conn, &product.name)? {
        return Err(CatalogError::NameTaken(id));
    }
    if product.item_code.is_none() {
        product.item_code = Some(free_item_code(conn, code_from)?);
    }
    create(conn, &product, on)
}

/// The prices that a product had, newest change first.
pub fn price_history(conn: &mut Conn<'_>, id: ProductId) -> Result<Vec<PriceChange>> {
    load(conn, StoreId::new(1), id)?;
    Ok(conn.all(&queries::PRICES_OF, &[id.into()])?)
}

/// The words that a product is found by.
pub(super) fn words_of<'a>(
    texts: [&'a str; 3],
    sku: &'a str,
    item_code: Option<&'a str>,
    barcodes: impl Iterator<Item = (&'a str, super::barcode::Kind)>,
) -> Vec<String> {
    let codes = barcodes.flat_map(|(code, kind)| [code, super::barcode::printed(code, kind)]);
    words::of_product(texts, [sku].into_iter().chain(item_code).chain(codes))
}

/// The words that a product of the catalogue is found by.
fn words_of_row(product: &Product, barcodes: &[Barcode]) -> Vec<String> {
    let texts = [product.name.as_str(), product.name_local.as_str(), product.brand.as_str()];
    let codes = barcodes.iter().map(|code| (code.code(), code.kind()));
    words_of(texts, &product.sku, product.item_code.as_deref(), codes)
}
