//! Taking products out of the catalogue: deleted when nothing ever happened to them, else archived.

use std::collections::HashSet;

use serde_json::json;

use super::super::model::{CatalogError, Occasion, Product, Status};
use super::super::{queries, rules};
use super::Result;
use crate::audit;
use crate::db::Conn;
use crate::ids::{ImportId, ProductId};
use crate::stock;

/// What became of a product.
#[derive(Debug, Clone)]
pub struct Removed {
    /// Its name.
    pub name: String,
    /// It has history, and so is kept for the books.
    pub archived: bool,
}

/// Deletes a product without history, archives one with history.
pub fn remove(conn: &mut Conn<'_>, id: ProductId, expected: Option<i64>, on: Occasion<'_>) -> Result<Removed> {
    conn.load_many(&queries::LOCK, [[id.into()]])?;
    let product = super::load(conn, on.store, id)?;
    if expected.is_some_and(|version| version != product.version) {
        return Err(CatalogError::Stale);
    }
    let sold = conn.only(&queries::WAS_SOLD, &[id.into()])?.0 > 0;
    let archived = sold || !stock::actions::remove_untouched(conn, id)?;
    if archived {
        conn.execute(&queries::ARCHIVE, &[id.into(), on.by.now.into()])?;
    } else {
        delete_rows(conn, std::slice::from_ref(&product))?;
    }
    let action = if archived { "product.archive" } else { "product.delete" };
    let detail = json!({ "sku": product.sku, "price": product.price_paise });
    audit::record(conn, on.by, action, &format!("product:{id}"), &detail)?;
    Ok(Removed { name: product.name, archived })
}

/// Takes back what an import created; returns how many products were deleted and how many archived.
pub fn remove_created(conn: &mut Conn<'_>, import: ImportId, on: Occasion<'_>) -> Result<(usize, usize)> {
    let ids: Vec<ProductId> =
        conn.all(&queries::CREATED_BY_IMPORT, &[import.into()])?.into_iter().map(|(id,)| id).collect();
    conn.load_many(&queries::LOCK, ids.iter().map(|id| [(*id).into()]))?;
    let sold: HashSet<ProductId> =
        conn.all(&queries::SOLD_OF_IMPORT, &[import.into()])?.into_iter().map(|(id,)| id).collect();
    let unsold: Vec<ProductId> = ids.iter().copied().filter(|id| !sold.contains(id)).collect();
    let untouched: HashSet<ProductId> = stock::actions::remove_untouched_many(conn, &unsold)?.into_iter().collect();
    let products = conn.load_many(&queries::FIND, ids.iter().map(|id| [on.store.into(), (*id).into()]))?;
    let (gone, kept): (Vec<Product>, Vec<Product>) =
        products.into_iter().partition(|product| untouched.contains(&product.id));
    delete_rows(conn, &gone)?;
    for product in kept.iter().filter(|product| product.status == Status::Active) {
        conn.execute(&queries::ARCHIVE, &[product.id.into(), on.by.now.into()])?;
    }
    Ok((gone.len(), kept.len()))
}

/// Takes back what an import created when nothing happened with any of it since; names the others, one sentence
/// each. The caller undoes its transaction when there is one.
pub fn take_back_created(conn: &mut Conn<'_>, import: ImportId, on: Occasion<'_>) -> Result<(usize, Vec<String>)> {
    let ids: Vec<ProductId> =
        conn.all(&queries::CREATED_BY_IMPORT, &[import.into()])?.into_iter().map(|(id,)| id).collect();
    conn.load_many(&queries::LOCK, ids.iter().map(|id| [(*id).into()]))?;
    let sold: HashSet<ProductId> =
        conn.all(&queries::STILL_SOLD_OF_IMPORT, &[import.into()])?.into_iter().map(|(id,)| id).collect();
    let untouched: HashSet<ProductId> = stock::actions::remove_untouched_many(conn, &ids)?.into_iter().collect();
    let products = conn.load_many(&queries::FIND, ids.iter().map(|id| [on.store.into(), (*id).into()]))?;
    let in_the_way: Vec<String> = products
        .iter()
        .filter_map(|product| {
            let what = if sold.contains(&product.id) {
                "was sold since"
            } else if !untouched.contains(&product.id) {
                "has other stock since"
            } else if product.version > 1 {
                "was changed since"
            } else {
                return None;
            };
            Some(format!("The product {} (number {}) {what}.", product.name, product.id))
        })
        .collect();
    if in_the_way.is_empty() {
        delete_rows(conn, &products)?;
    }
    Ok((products.len(), in_the_way))
}

fn delete_rows(conn: &mut Conn<'_>, products: &[Product]) -> Result<()> {
    let barcodes = super::barcodes_of(conn, products)?;
    let mut words = Vec::new();
    for (product, codes) in products.iter().zip(barcodes) {
        let own = super::words_of_row(product, &rules::check_barcodes(&codes)?);
        words.extend(own.into_iter().map(|word| (word, product.id)));
    }
    words.sort_unstable();
    conn.execute_many(&queries::DELETE_WORDS, words.iter().map(|(word, id)| [word.into(), (*id).into()]))?;
    for bulk in [&queries::DELETE_BARCODES, &queries::DELETE_PRICES, &queries::DELETE_PRODUCTS] {
        conn.execute_many(bulk, products.iter().map(|product| [product.id.into()]))?;
    }
    for image in products.iter().filter_map(|product| product.image_id) {
        conn.execute(&queries::DELETE_IMAGE, &[image.into()])?;
    }
    Ok(())
}
