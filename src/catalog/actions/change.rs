//! Changing products, many at a time.

use std::collections::{HashMap, HashSet};

use serde_json::json;

use super::super::barcode::Barcode;
use super::super::categories::Shelves;
use super::super::model::{CatalogError, Occasion, Product, ProductChange};
use super::super::{list, queries, rules, words};
use super::{Result, words_of_row};
use crate::audit;
use crate::db::{Conn, Sequence, Value};
use crate::ids::{ProductId, StoreId};
use crate::money::Quantity;
use crate::stock::actions::{Adjustment, Change as StockChange};
use crate::stock::{self, Opening, Reason};
use crate::web::events;

/// A change of one product among several.
#[derive(Debug, Clone, Copy)]
pub struct Change<'a> {
    /// Which.
    pub product: ProductId,
    /// The version that it was made from; a later one refuses it.
    pub expected: Option<i64>,
    /// What changes.
    pub to: &'a ProductChange,
}

/// What a change came to.
#[derive(Debug, Clone)]
pub struct Changed {
    /// The product before.
    pub before: Product,
    /// Its barcodes before, as they are printed.
    pub barcodes_before: Vec<String>,
    /// Something is different now.
    pub modified: bool,
    /// By how much the stock changed.
    pub stock_delta: Quantity,
}

/// Changes a product by hand: its price may not pass its MRP.
pub fn change(conn: &mut Conn<'_>, change: Change<'_>, on: Occasion<'_>) -> Result<Changed> {
    if change.to.price.is_some() || !change.to.mrp.is_keep() {
        let before = super::load(conn, on.store, change.product)?;
        rules::check_mrp(change.to.price.unwrap_or(before.price_paise), change.to.mrp.apply(before.mrp_paise))?;
    }
    let mut changed = change_many(conn, &[change], on).map_err(|error| match error {
        CatalogError::At { cause, .. } => *cause,
        error => error,
    })?;
    changed.pop().ok_or(CatalogError::NoProduct)
}

/// Changes products that differ from each other, all or nothing: their rows, barcodes, search words, stock and
/// the history of their prices. What is as it should be already is not written.
///
/// # Errors
/// [`CatalogError::At`] names the first change that is refused.
pub fn change_many(conn: &mut Conn<'_>, changes: &[Change<'_>], on: Occasion<'_>) -> Result<Vec<Changed>> {
    let plans = plan(conn, changes, on)?;
    refuse_taken(conn, &plans)?;

    conn.execute_many(&queries::UPDATE, plans.iter().filter(|plan| plan.row_differs).map(Plan::row)).map_err(
        |error| match error.violated() {
            Some("products_sku_unique") => CatalogError::SkuTaken(String::new()),
            _ => error.into(),
        },
    )?;
    write_codes_and_words(conn, &plans, on)?;
    write_prices(conn, &plans, on)?;
    write_stock(conn, &plans, on)?;
    note(conn, &plans, on)?;
    Ok(plans
        .into_iter()
        .map(|plan| Changed {
            modified: plan.is_change(),
            stock_delta: plan.stock.and_then(|stock| stock.checked_sub(plan.before.on_hand_milli)).unwrap_or_default(),
            before: plan.before,
            barcodes_before: plan.barcodes_before,
        })
        .collect())
}

/// What one change will write.
struct Plan {
    index: usize,
    before: Product,
    after: Product,
    barcodes_before: Vec<String>,
    /// The new barcodes, when they differ.
    barcodes: Option<Vec<Barcode>>,
    words_before: Vec<String>,
    words: Vec<String>,
    row_differs: bool,
    levels_differ: bool,
    /// The new stock, when it differs.
    stock: Option<Quantity>,
    now: crate::clock::Timestamp,
}

fn plan(conn: &mut Conn<'_>, changes: &[Change<'_>], on: Occasion<'_>) -> Result<Vec<Plan>> {
    let mut ids: Vec<ProductId> = changes.iter().map(|change| change.product).collect();
    ids.sort_unstable();
    conn.load_many(&queries::LOCK, ids.iter().map(|id| [(*id).into()]))?;
    let found = conn.load_many(&queries::FIND, ids.iter().map(|id| [on.store.into(), (*id).into()]))?;
    let codes = list::barcodes_of(conn, &found)?;
    let mut known: HashMap<ProductId, (Product, Vec<String>)> =
        found.into_iter().zip(codes).map(|(product, codes)| (product.id, (product, codes))).collect();
    let mut shelves = None;
    let mut plans = Vec::with_capacity(changes.len());
    for (index, change) in changes.iter().enumerate() {
        let at = |cause: CatalogError| CatalogError::At { index, cause: Box::new(cause) };
        let (before, barcodes_before) = known.remove(&change.product).ok_or_else(|| at(CatalogError::NoProduct))?;
        if change.expected.is_some_and(|version| version != before.version) {
            return Err(at(CatalogError::Stale));
        }
        let mut after = rules::apply(&before, change.to).map_err(|flaw| at(flaw.into()))?;
        if let Some(category) = &change.to.category
            && words::fold(category) != words::fold(&before.category)
        {
            let shelves = match &mut shelves {
                Some(shelves) => shelves,
                empty => empty.insert(Shelves::read(conn)?),
            };
            let parent = change.to.parent_category.as_deref().unwrap_or_default();
            after.category_id = shelves.place(conn, category, parent, on)?;
        }
        let read = |codes: &[String]| rules::check_barcodes(codes).map_err(|flaw| at(flaw.into()));
        let codes_before = read(&barcodes_before)?;
        let codes_after = match &change.to.barcodes {
            Some(codes) => read(codes)?,
            None => codes_before.clone(),
        };
        let mut sorted = codes_after.clone();
        sorted.sort_unstable();
        let mut sorted_before = codes_before.clone();
        sorted_before.sort_unstable();
        let words_before = words_of_row(&before, &codes_before);
        let words = words_of_row(&after, &codes_after);
        plans.push(Plan {
            index,
            row_differs: Product { category: before.category.clone(), ..after.clone() } != before,
            levels_differ: (after.reorder_level_milli, after.reorder_quantity_milli, after.allow_negative)
                != (before.reorder_level_milli, before.reorder_quantity_milli, before.allow_negative),
            words_before,
            words,
            barcodes: (sorted != sorted_before).then_some(codes_after),
            stock: change.to.stock.filter(|stock| *stock != before.on_hand_milli),
            before,
            after,
            barcodes_before,
            now: on.by.now,
        });
    }
    Ok(plans)
}

/// Refuses SKUs and barcodes that belong to products outside of these changes, or to two of them.
fn refuse_taken(conn: &mut Conn<'_>, plans: &[Plan]) -> Result<()> {
    let mut skus: HashMap<&str, &Plan> = HashMap::new();
    let mut codes: HashMap<&str, &Plan> = HashMap::new();
    for plan in plans {
        if plan.after.sku != plan.before.sku && skus.insert(&plan.after.sku, plan).is_some() {
            return Err(plan.refused(CatalogError::SkuTaken(plan.after.sku.clone())));
        }
        for code in plan.barcodes.iter().flatten() {
            if let Some(other) = codes.insert(code.code(), plan) {
                let product = other.before.id;
                return Err(plan.refused(CatalogError::BarcodeTaken { code: code.code().to_owned(), product }));
            }
        }
    }
    let taken = conn.load_many(&queries::FIND_SKUS, skus.keys().map(|sku| [(*sku).into()]))?;
    if let Some((sku, _)) = taken.into_iter().next() {
        let plan = skus.get(sku.as_str()).copied();
        let refusal = CatalogError::SkuTaken(sku.clone());
        return Err(plan.map_or(CatalogError::SkuTaken(sku), |plan| plan.refused(refusal)));
    }
    let rechanged: HashSet<ProductId> =
        plans.iter().filter(|plan| plan.barcodes.is_some()).map(|plan| plan.before.id).collect();
    let taken = conn.load_many(&queries::FIND_BARCODES, codes.keys().map(|code| [(*code).into()]))?;
    for (code, product) in taken {
        if let Some(plan) = codes.get(code.as_str())
            && product != plan.before.id
            && !rechanged.contains(&product)
        {
            return Err(plan.refused(CatalogError::BarcodeTaken { code: code.clone(), product }));
        }
    }
    Ok(())
}

fn write_codes_and_words(conn: &mut Conn<'_>, plans: &[Plan], on: Occasion<'_>) -> Result<()> {
    let recoded = || plans.iter().filter_map(|plan| plan.barcodes.as_ref().map(|codes| (plan.before.id, codes)));
    conn.execute_many(&queries::DELETE_BARCODES, recoded().map(|(id, _)| [id.into()]))?;
    let rows = recoded().flat_map(|(id, codes)| {
        codes.iter().map(move |code| [code.code().into(), id.into(), code.kind().into(), on.by.now.into()])
    });
    conn.execute_many(&queries::INSERT_BARCODES, rows)?;
    let gone = words_without(plans, |plan| (&plan.words_before, &plan.words));
    conn.execute_many(&queries::DELETE_WORDS, gone.into_iter().map(|(word, id)| [word.into(), id.into()]))?;
    let new = words_without(plans, |plan| (&plan.words, &plan.words_before));
    conn.execute_many(&queries::INSERT_WORDS, new.into_iter().map(|(word, id)| [word.into(), id.into()]))?;
    Ok(())
}

/// The words of the first list that are not in the second, for all plans, in the order of their index.
fn words_without<'p>(
    plans: &'p [Plan],
    lists: impl Fn(&'p Plan) -> (&'p [String], &'p [String]),
) -> Vec<(&'p str, ProductId)> {
    let mut words = Vec::new();
    for plan in plans {
        let (these, those) = lists(plan);
        // A product's words are sorted.
        let left = these.iter().filter(|word| those.binary_search(word).is_err());
        words.extend(left.map(|word| (word.as_str(), plan.before.id)));
    }
    words.sort_unstable();
    words
}

fn write_prices(conn: &mut Conn<'_>, plans: &[Plan], on: Occasion<'_>) -> Result<()> {
    let repriced: Vec<&Plan> = plans.iter().filter(|plan| plan.price_differs()).collect();
    let ids = conn.next_ids(Sequence::PriceChanges, repriced.len())?;
    let rows = repriced.iter().zip(ids).map(|(plan, id)| -> [Value<'_>; 8] {
        [
            id.into(),
            plan.before.id.into(),
            on.by.now.into(),
            on.user.into(),
            plan.before.price_paise.into(),
            plan.after.price_paise.into(),
            plan.before.mrp_paise.into(),
            plan.after.mrp_paise.into(),
        ]
    });
    conn.execute_many(&queries::INSERT_PRICES, rows)?;
    Ok(())
}

fn write_stock(conn: &mut Conn<'_>, plans: &[Plan], on: Occasion<'_>) -> Result<()> {
    let touched: Vec<&Plan> = plans.iter().filter(|plan| plan.levels_differ || plan.stock.is_some()).collect();
    if touched.is_empty() {
        return Ok(());
    }
    // A store that was opened after the product has no shelf for it yet.
    let openings: Vec<Opening> = touched.iter().map(|plan| plan.shelf(on.store)).collect();
    stock::actions::open(conn, &openings, on.user, on.by, on.today)?;
    for plan in touched.iter().filter(|plan| plan.levels_differ) {
        let stores = if plan.before.allow_negative == plan.after.allow_negative {
            vec![(on.store,)]
        } else {
            conn.all(&queries::STORES, &[])?
        };
        for (store,) in stores {
            let here = store == on.store;
            stock::actions::open(conn, &[plan.shelf(store)], on.user, on.by, on.today)?;
            stock::actions::set_levels(
                conn,
                store,
                plan.before.id,
                here.then_some(plan.after.reorder_level_milli),
                here.then_some(plan.after.reorder_quantity_milli),
                Some(plan.after.allow_negative),
            )?;
        }
    }
    let note = on.import.map_or_else(|| "set with the product".to_owned(), |import| format!("import {import}"));
    let adjustments: Vec<Adjustment> = touched
        .iter()
        .filter_map(|plan| {
            plan.stock.map(|stock| Adjustment {
                store: on.store,
                product: plan.before.id,
                change: StockChange::To(stock),
                reason: Reason::Adjustment,
                note: note.clone(),
            })
        })
        .collect();
    stock::actions::adjust(conn, &adjustments, on.user, on.by, on.today)?;
    Ok(())
}

/// One entry for each product, or one for all of an import; listeners are told of each in the first case.
fn note(conn: &mut Conn<'_>, plans: &[Plan], on: Occasion<'_>) -> Result<()> {
    let changed: Vec<&Plan> = plans.iter().filter(|plan| plan.is_change()).collect();
    if let (Some(import), Some(_)) = (on.import, changed.first()) {
        let ids: Vec<ProductId> = changed.iter().map(|plan| plan.before.id).collect();
        let detail = json!({ "import": import, "products": ids });
        audit::record(conn, on.by, "product.change_many", &format!("import:{import}"), &detail)?;
        return Ok(());
    }
    for plan in changed {
        let id = plan.before.id;
        let detail = json!({
            "price": [plan.before.price_paise, plan.after.price_paise],
            "mrp": [plan.before.mrp_paise, plan.after.mrp_paise],
            "status": [plan.before.status, plan.after.status],
            "taxRate": [plan.before.tax_rate_bp, plan.after.tax_rate_bp],
        });
        audit::record(conn, on.by, "product.update", &format!("product:{id}"), &detail)?;
        let told = json!({ "productId": id, "price": plan.after.price_paise, "status": plan.after.status });
        events::publish(conn, format_args!("product-{id}-v{}", plan.before.version + 1), "product", None, None, &told);
    }
    Ok(())
}

impl Plan {
    fn refused(&self, cause: CatalogError) -> CatalogError {
        CatalogError::At { index: self.index, cause: Box::new(cause) }
    }

    fn price_differs(&self) -> bool {
        (self.before.price_paise, self.before.mrp_paise) != (self.after.price_paise, self.after.mrp_paise)
    }

    fn is_change(&self) -> bool {
        self.row_differs || self.barcodes.is_some() || self.stock.is_some()
    }

    fn shelf(&self, store: StoreId) -> Opening {
        Opening {
            store,
            product: self.before.id,
            on_hand: Quantity::ZERO,
            reorder_level: self.after.reorder_level_milli,
            reorder_quantity: self.after.reorder_quantity_milli,
            allow_negative: self.after.allow_negative,
            unit_cost: None,
        }
    }

    fn row(&self) -> [Value<'_>; 24] {
        let after = &self.after;
        [
            after.id.into(),
            (&after.sku).into(),
            (&after.name).into(),
            words::fold(&after.name).into(),
            (&after.name_local).into(),
            (&after.description).into(),
            after.category_id.into(),
            (&after.brand).into(),
            after.unit.into(),
            after.mrp_paise.into(),
            after.price_paise.into(),
            after.price_includes_tax.into(),
            after.cost_paise.into(),
            after.tax_rate_bp.into(),
            (&after.hsn).into(),
            after.rating_centi.into(),
            after.review_count.into(),
            after.sold_before_milli.into(),
            after.item_code.as_deref().into(),
            after.status.into(),
            after.track_stock.into(),
            after.track_batches.into(),
            after.allow_negative.into(),
            self.now.into(),
        ]
    }
}
