//! What is done with the catalogue.

mod change;
mod create;
mod remove;
mod scan;

use super::model::{CatalogError, PriceChange, Product};
use super::{queries, words};
use crate::db::Conn;
use crate::ids::{ProductId, StoreId};

pub use change::{Change, Changed, change, change_many};
pub use create::{create, create_many};
pub use remove::{Removed, remove, remove_created, take_back_created};
pub use scan::{Scan, scan};

pub use super::categories::{
    change as change_category, create as create_category, delete as delete_category, list as list_categories,
};
pub use super::list::{barcodes_of, find as list_products};

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

/// The prices that a product had, newest change first.
pub fn price_history(conn: &mut Conn<'_>, id: ProductId) -> Result<Vec<PriceChange>> {
    load(conn, StoreId::new(1), id)?;
    Ok(conn.all(&queries::PRICES_OF, &[id.into()])?)
}

/// The words that a product is found by.
fn words_of<'a>(
    texts: [&'a str; 3],
    sku: &'a str,
    item_code: Option<&'a str>,
    barcodes: impl Iterator<Item = (&'a str, super::barcode::Kind)>,
) -> Vec<String> {
    let codes = barcodes.flat_map(|(code, kind)| [code, super::barcode::printed(code, kind)]);
    words::of_product(texts, [sku].into_iter().chain(item_code).chain(codes))
}
