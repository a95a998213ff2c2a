//! Adding products, many at a time.

use serde_json::json;

use super::super::barcode::Barcode;
use super::super::categories::Shelves;
use super::super::model::{CatalogError, NewProduct, Occasion};
use super::super::{queries, rules, words};
use super::{Result, words_of};
use crate::audit;
use crate::db::{Conn, Sequence, Value};
use crate::ids::{CategoryId, ProductId};
use crate::money::Quantity;
use crate::stock::{self, Opening};

/// Adds a product that somebody entered by hand: its price may not pass its MRP.
pub fn create(conn: &mut Conn<'_>, product: &NewProduct, on: Occasion<'_>) -> Result<ProductId> {
    rules::check_mrp(product.price, product.mrp)?;
    let ids = create_many(conn, std::slice::from_ref(product), on).map_err(|error| match error {
        CatalogError::At { cause, .. } => *cause,
        error => error,
    })?;
    Ok(ids[0])
}

/// Adds products with their categories, barcodes, search words and opening stock; all or nothing.
///
/// # Errors
/// [`CatalogError::At`] names the first product that may not be added.
pub fn create_many(conn: &mut Conn<'_>, products: &[NewProduct], on: Occasion<'_>) -> Result<Vec<ProductId>> {
    let mut barcodes = Vec::with_capacity(products.len());
    for (index, product) in products.iter().enumerate() {
        barcodes.push(rules::check_new(product).map_err(|flaw| at(index, flaw.into()))?);
    }
    refuse_taken_barcodes(conn, &barcodes)?;
    refuse_taken_skus(conn, products)?;
    let ids: Vec<ProductId> =
        conn.next_ids(Sequence::Products, products.len())?.into_iter().map(ProductId::new).collect();
    let skus = name_skus(conn, products, &ids)?;
    let mut shelves = Shelves::read(conn)?;
    let mut categories = Vec::with_capacity(products.len());
    for product in products {
        categories.push(shelves.place(conn, &product.category, &product.parent_category, on)?);
    }

    insert_rows(conn, products, &ids, &skus, &categories, on)?;
    insert_words(conn, products, &ids, &skus, &barcodes)?;
    let rows = ids.iter().zip(&barcodes).flat_map(|(id, codes)| {
        codes.iter().map(|code| [code.code().into(), (*id).into(), code.kind().into(), on.by.now.into()])
    });
    conn.execute_many(&queries::INSERT_BARCODES, rows)?;
    open_stock(conn, products, &ids, on)?;
    note(conn, products, &ids, &skus, on)?;
    Ok(ids)
}

/// A product that was checked before: it has a SKU and neither barcodes nor stock.
#[derive(Debug)]
pub struct Checked {
    /// The product.
    pub product: NewProduct,
    /// Its name, folded.
    pub name_key: String,
    /// Its category.
    pub category: CategoryId,
}

/// What became of products that were added unless they were known.
#[derive(Debug)]
pub struct CreateMany {
    /// The ids that the products have; where one was known already, its id is nobody's.
    pub ids: Vec<ProductId>,
    /// How many were added.
    pub created: usize,
}

/// Adds products unless their SKU is there already. Their search words are left to the caller, who writes them in the
/// order of the index when all products are in: for a large file that is much of the work.
pub fn create_unless_known(conn: &mut Conn<'_>, products: &[&Checked], on: Occasion<'_>) -> Result<CreateMany> {
    let ids: Vec<ProductId> =
        conn.next_ids(Sequence::Products, products.len())?.into_iter().map(ProductId::new).collect();
    let rows = products.iter().zip(&ids).map(|(Checked { product, name_key, category }, id)| -> [Value<'_>; 13] {
        [
            (*id).into(),
            product.sku.as_deref().into(),
            (&product.name).into(),
            name_key.into(),
            (*category).into(),
            product.price.into(),
            product.rating.into(),
            product.review_count.into(),
            product.sold_before.into(),
            on.user.into(),
            on.import.into(),
            on.by.now.into(),
            on.by.now.into(),
        ]
    });
    let created = conn.execute_many(&queries::INSERT_UNKNOWN_PRODUCTS, rows)?;
    let created = usize::try_from(created).unwrap_or(usize::MAX);
    let new: Vec<ProductId> = if created == ids.len() {
        ids.clone()
    } else {
        conn.load_many(&queries::EXISTING, ids.iter().map(|id| [(*id).into()]))?.into_iter().map(|(id,)| id).collect()
    };
    for (store,) in conn.all(&queries::STORES, &[])? {
        let openings: Vec<Opening> = new.iter().map(|id| Opening::empty(store, *id)).collect();
        stock::actions::open(conn, &openings, on.user, on.by, on.today)?;
    }
    if let (Some(first), Some(last)) = (new.iter().min(), new.iter().max()) {
        let detail = json!({ "products": new.len(), "first": first, "last": last, "import": on.import });
        audit::record(conn, on.by, "product.create_many", &format!("products:{first}-{last}"), &detail)?;
    }
    Ok(CreateMany { ids, created })
}

fn at(index: usize, cause: CatalogError) -> CatalogError {
    CatalogError::At { index, cause: Box::new(cause) }
}

fn refuse_taken_barcodes(conn: &mut Conn<'_>, barcodes: &[Vec<Barcode>]) -> Result<()> {
    let mut seen = std::collections::HashMap::new();
    for (index, code) in
        barcodes.iter().enumerate().flat_map(|(index, codes)| codes.iter().map(move |code| (index, code)))
    {
        if seen.insert(code.code(), index).is_some() {
            let sentence = format!("The barcode {} is named for two products.", code.code());
            return Err(at(index, super::super::Flaw::new("barcodes", "taken", sentence).into()));
        }
    }
    let rows = barcodes.iter().flatten().map(|code| [code.code().into()]);
    if let Some((code, product)) = conn.load_many(&queries::FIND_BARCODES, rows)?.into_iter().next() {
        let index = seen.get(code.as_str()).copied().unwrap_or_default();
        return Err(at(index, CatalogError::BarcodeTaken { code, product }));
    }
    Ok(())
}

fn refuse_taken_skus(conn: &mut Conn<'_>, products: &[NewProduct]) -> Result<()> {
    let mut seen = std::collections::HashMap::new();
    for (index, product) in products.iter().enumerate() {
        if let Some(sku) = &product.sku
            && seen.insert(sku.as_str(), index).is_some()
        {
            return Err(at(index, CatalogError::SkuTaken(sku.clone())));
        }
    }
    let rows = products.iter().filter_map(|product| product.sku.as_deref()).map(|sku| [sku.into()]);
    if let Some((sku, _)) = conn.load_many(&queries::FIND_SKUS, rows)?.into_iter().next() {
        let index = seen.get(sku.as_str()).copied().unwrap_or_default();
        return Err(at(index, CatalogError::SkuTaken(sku)));
    }
    Ok(())
}

/// `P` and the id where no SKU was given; a tail is added in the odd case that somebody has that one.
fn name_skus(conn: &mut Conn<'_>, products: &[NewProduct], ids: &[ProductId]) -> Result<Vec<String>> {
    let made: Vec<String> = ids.iter().map(|id| format!("P{id}")).collect();
    let wanted = products.iter().zip(&made).filter(|(product, _)| product.sku.is_none());
    let taken = conn.load_many(&queries::FIND_SKUS, wanted.map(|(_, sku)| [sku.into()]))?;
    let named: std::collections::HashSet<&str> = products
        .iter()
        .filter_map(|product| product.sku.as_deref())
        .chain(taken.iter().map(|(sku, _)| sku.as_str()))
        .collect();
    let skus = products.iter().zip(made).map(|(product, made)| match &product.sku {
        Some(sku) => sku.clone(),
        None if named.contains(made.as_str()) => format!("{made}-{}", named.len()),
        None => made,
    });
    Ok(skus.collect())
}

fn insert_rows(
    conn: &mut Conn<'_>,
    products: &[NewProduct],
    ids: &[ProductId],
    skus: &[String],
    categories: &[CategoryId],
    on: Occasion<'_>,
) -> Result<()> {
    let rows = products.iter().enumerate().map(|(index, product)| -> [Value<'_>; 27] {
        [
            ids[index].into(),
            (&skus[index]).into(),
            (&product.name).into(),
            words::fold(&product.name).into(),
            (&product.name_local).into(),
            (&product.description).into(),
            categories[index].into(),
            (&product.brand).into(),
            product.unit.into(),
            product.mrp.into(),
            product.price.into(),
            product.price_includes_tax.into(),
            product.cost.into(),
            product.tax_rate.into(),
            (&product.hsn).into(),
            product.rating.into(),
            product.review_count.into(),
            product.sold_before.into(),
            product.item_code.as_deref().into(),
            product.status.into(),
            product.track_stock.into(),
            product.track_batches.into(),
            product.allow_negative.into(),
            on.user.into(),
            on.import.into(),
            on.by.now.into(),
            on.by.now.into(),
        ]
    });
    conn.execute_many(&queries::INSERT_PRODUCTS, rows)?;
    Ok(())
}

/// The words go in sorted, so that neighbours in the index are written together.
fn insert_words(
    conn: &mut Conn<'_>,
    products: &[NewProduct],
    ids: &[ProductId],
    skus: &[String],
    barcodes: &[Vec<Barcode>],
) -> Result<()> {
    let mut rows: Vec<(String, ProductId)> = Vec::with_capacity(products.len() * 8);
    for (index, product) in products.iter().enumerate() {
        let texts = [product.name.as_str(), product.name_local.as_str(), product.brand.as_str()];
        let codes = barcodes[index].iter().map(|code| (code.code(), code.kind()));
        let words = words_of(texts, &skus[index], product.item_code.as_deref(), codes);
        rows.extend(words.into_iter().map(|word| (word, ids[index])));
    }
    rows.sort_unstable();
    conn.execute_many(&queries::INSERT_WORDS, rows.iter().map(|(word, id)| [word.into(), (*id).into()]))?;
    Ok(())
}

/// Every store can sell the product from now on; what is there is in the store of the occasion.
fn open_stock(conn: &mut Conn<'_>, products: &[NewProduct], ids: &[ProductId], on: Occasion<'_>) -> Result<()> {
    let stores = conn.all(&queries::STORES, &[])?;
    let mut openings = Vec::with_capacity(products.len() * stores.len());
    for (store,) in stores {
        openings.extend(products.iter().zip(ids).map(|(product, id)| Opening {
            store,
            product: *id,
            on_hand: if store == on.store { product.stock } else { Quantity::ZERO },
            reorder_level: product.reorder_level,
            reorder_quantity: product.reorder_quantity,
            allow_negative: product.allow_negative,
            unit_cost: product.cost,
        }));
    }
    stock::actions::open(conn, &openings, on.user, on.by, on.today)?;
    Ok(())
}

/// One entry for each product, or one for all of an import or a long list.
fn note(
    conn: &mut Conn<'_>,
    products: &[NewProduct],
    ids: &[ProductId],
    skus: &[String],
    on: Occasion<'_>,
) -> Result<()> {
    const ONE_BY_ONE: usize = 20;
    if on.import.is_none() && products.len() <= ONE_BY_ONE {
        for ((product, id), sku) in products.iter().zip(ids).zip(skus) {
            let detail = json!({ "sku": sku, "price": product.price, "mrp": product.mrp, "stock": product.stock });
            audit::record(conn, on.by, "product.create", &format!("product:{id}"), &detail)?;
        }
    } else if let (Some(first), Some(last)) = (ids.first(), ids.last()) {
        let detail = json!({ "products": ids.len(), "first": first, "last": last, "import": on.import });
        audit::record(conn, on.by, "product.create_many", &format!("products:{first}-{last}"), &detail)?;
    }
    Ok(())
}
