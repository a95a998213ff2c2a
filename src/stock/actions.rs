//! What is done with stock by hand, and what other domains ask of it.

use serde_json::json;

use super::ledger::{self, Movement};
use super::model::{Move, Opening, Reason, StockError, StockRow};
use super::queries;
use crate::audit::{self, By};
use crate::clock::{BusinessDate, Timestamp};
use crate::db::Conn;
use crate::ids::{MoveId, ProductId, StoreId, UserId};
use crate::money::Quantity;
use crate::web::events;

type Result<T> = std::result::Result<T, StockError>;

/// Begins to count products in stores, with what is there.
pub fn open(
    conn: &mut Conn<'_>,
    openings: &[Opening],
    user: Option<UserId>,
    by: By<'_>,
    today: BusinessDate,
) -> Result<()> {
    conn.execute_many(
        &queries::INSERT_SHELVES,
        openings.iter().map(|opening| {
            [
                opening.store.into(),
                opening.product.into(),
                0_i64.into(),
                opening.reorder_level.into(),
                opening.reorder_quantity.into(),
                opening.allow_negative.into(),
            ]
        }),
    )?;
    let filled: Vec<&Opening> = openings.iter().filter(|opening| !opening.on_hand.is_zero()).collect();
    if filled.is_empty() {
        return Ok(());
    }
    let mut shelves = ledger::lock(conn, filled.iter().map(|opening| (opening.store, opening.product)).collect())?;
    let movements: Vec<Movement<'_>> = filled
        .iter()
        .map(|opening| Movement {
            store: opening.store,
            product: opening.product,
            delta: opening.on_hand,
            reason: Reason::Opening,
            order: None,
            note: "",
            unit_cost: opening.unit_cost,
            user,
            at: by.now,
            on: today,
        })
        .collect();
    ledger::write(conn, &mut shelves, &movements)?;
    let total: i64 = filled.iter().map(|opening| opening.on_hand.as_milli()).sum();
    let subject = match filled[..] {
        [one] => format!("product:{}", one.product),
        _ => format!("products:{}", filled.len()),
    };
    audit::record(conn, by, "stock.open", &subject, &json!({ "products": filled.len(), "milli": total }))?;
    Ok(())
}

/// A correction by hand.
#[derive(Debug, Clone)]
pub struct Adjustment {
    /// The store.
    pub store: StoreId,
    /// The product.
    pub product: ProductId,
    /// How it changes.
    pub change: Change,
    /// Why.
    pub reason: Reason,
    /// What somebody noted.
    pub note: String,
}

/// By how much, or to what.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// So much more (or, below zero, less).
    By(Quantity),
    /// So much, as it was counted.
    To(Quantity),
}

/// Corrects stock by hand; all or nothing.
pub fn adjust(
    conn: &mut Conn<'_>,
    adjustments: &[Adjustment],
    user: Option<UserId>,
    by: By<'_>,
    today: BusinessDate,
) -> Result<Vec<MoveId>> {
    if let Some(other) = adjustments.iter().find(|adjustment| !adjustment.reason.by_hand()) {
        return Err(StockError::NotByHand(other.reason));
    }
    let mut shelves = ledger::lock(conn, adjustments.iter().map(|one| (one.store, one.product)).collect())?;
    let mut movements = Vec::with_capacity(adjustments.len());
    let mut counted = std::collections::HashMap::new();
    for one in adjustments {
        let key = (one.store, one.product);
        let shelf = shelves.get(&key).ok_or(StockError::NoShelf { store: one.store, product: one.product })?;
        let before = counted.entry(key).or_insert(shelf.on_hand_milli);
        let delta = match one.change {
            Change::By(delta) => delta,
            Change::To(target) => target.checked_sub(*before).ok_or(StockError::TooLarge)?,
        };
        *before = before.checked_add(delta).ok_or(StockError::TooLarge)?;
        if delta.is_zero() {
            continue;
        }
        if !delta.is_whole() && conn.only(&queries::UNIT, &[one.product.into()])?.0 == "pcs" {
            return Err(StockError::NotWhole(one.product));
        }
        movements.push(Movement {
            store: one.store,
            product: one.product,
            delta,
            reason: one.reason,
            order: None,
            note: &one.note,
            unit_cost: None,
            user,
            at: by.now,
            on: today,
        });
    }
    let ids = ledger::write(conn, &mut shelves, &movements)?;
    for (movement, id) in movements.iter().zip(&ids) {
        let on_hand = shelves.get(&(movement.store, movement.product)).map(|shelf| shelf.on_hand_milli);
        let detail =
            json!({ "store": movement.store, "delta": movement.delta, "onHand": on_hand, "reason": movement.reason });
        audit::record(conn, by, "stock.adjust", &format!("product:{}", movement.product), &detail)?;
        let told = json!({ "productId": movement.product, "storeId": movement.store, "onHand": on_hand });
        events::publish(conn, format_args!("stock-{id}"), "stock", Some(movement.store), None, &told);
    }
    Ok(ids)
}

/// Sets what is on hand of one product; nothing happens when it is so already.
#[expect(clippy::too_many_arguments, reason = "each says one thing of one correction")]
pub fn set_on_hand(
    conn: &mut Conn<'_>,
    store: StoreId,
    product: ProductId,
    on_hand: Quantity,
    reason: Reason,
    note: &str,
    user: Option<UserId>,
    by: By<'_>,
    today: BusinessDate,
) -> Result<()> {
    let adjustment = Adjustment { store, product, change: Change::To(on_hand), reason, note: note.to_owned() };
    adjust(conn, &[adjustment], user, by, today).map(|_| ())
}

/// Sets when and how much to order again, and whether stock may fall below zero; none leaves it.
pub fn set_levels(
    conn: &mut Conn<'_>,
    store: StoreId,
    product: ProductId,
    reorder_level: Option<Quantity>,
    reorder_quantity: Option<Quantity>,
    allow_negative: Option<bool>,
) -> Result<()> {
    let params = [store.into(), product.into(), reorder_level.into(), reorder_quantity.into(), allow_negative.into()];
    if conn.execute(&queries::SET_LEVELS, &params)? == 0 {
        return Err(StockError::NoShelf { store, product });
    }
    Ok(())
}

/// Removes a product's stock when nothing but its opening ever happened to it; false leaves all as it is.
pub fn remove_untouched(conn: &mut Conn<'_>, product: ProductId) -> Result<bool> {
    Ok(!remove_untouched_many(conn, &[product])?.is_empty())
}

/// Removes the stock of those products to which nothing but their opening ever happened, and names them.
pub fn remove_untouched_many(conn: &mut Conn<'_>, products: &[ProductId]) -> Result<Vec<ProductId>> {
    let asked = products.iter().map(|product| [(*product).into()]);
    let touched: std::collections::HashSet<ProductId> =
        conn.load_many(&queries::TOUCHED, asked)?.into_iter().map(|(product,)| product).collect();
    let mut untouched: Vec<ProductId> = products.iter().copied().filter(|product| !touched.contains(product)).collect();
    untouched.sort_unstable();
    for bulk in [&queries::DELETE_OPENING_DAYS, &queries::DELETE_OPENING_MOVES, &queries::DELETE_SHELVES] {
        conn.execute_many(bulk, untouched.iter().map(|product| [(*product).into()]))?;
    }
    Ok(untouched)
}

/// Which stock rows are asked for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Which {
    /// All.
    #[default]
    All,
    /// At or below their reorder level.
    Low,
    /// Nothing left.
    Out,
    /// Below zero since a till sold what was not there.
    Recount,
}

/// Stock rows of a store after a product, and how many there are in all.
pub fn list(conn: &mut Conn<'_>, store: StoreId, which: Which, after: i64, limit: i64) -> Result<(Vec<StockRow>, i64)> {
    let which = match which {
        Which::All => 0_i64,
        Which::Low => 1,
        Which::Out => 2,
        Which::Recount => 3,
    };
    let rows = conn.all(&queries::LIST_STOCK, &[store.into(), after.into(), which.into(), limit.into()])?;
    let (total,) = conn.only(&queries::COUNT_STOCK, &[store.into(), which.into()])?;
    Ok((rows, total))
}

/// The moves of a product before one of them (or the newest), newest first.
pub fn moves_of(
    conn: &mut Conn<'_>,
    store: StoreId,
    product: ProductId,
    before: Option<MoveId>,
    limit: i64,
) -> Result<Vec<Move>> {
    let shelf = conn.first(&queries::FIND_SHELF, &[store.into(), product.into()])?;
    let shelf = shelf.ok_or(StockError::NoShelf { store, product })?;
    let Some(start) = before.or(shelf.last_move_id) else { return Ok(Vec::new()) };
    // The move that the reader came to last is where the walk begins, and is not shown again.
    let extra = i64::from(before.is_some());
    let mut moves = conn.all(&queries::WALK_BACK, &[store.into(), start.into(), (limit + extra).into()])?;
    moves.retain(|one| one.product_id == product && Some(one.id) != before);
    Ok(moves)
}

/// The moves of a store before one of them, newest first.
pub fn latest_moves(conn: &mut Conn<'_>, store: StoreId, before: Option<MoveId>, limit: i64) -> Result<Vec<Move>> {
    let before = before.map_or(i64::MAX, MoveId::number);
    Ok(conn.all(&queries::LATEST_MOVES, &[store.into(), before.into(), limit.into()])?)
}

/// What every product of a store had at a past instant: what it has now, less the days since, less the
/// moves of that day after the instant.
pub fn as_of(
    conn: &mut Conn<'_>,
    store: StoreId,
    at: Timestamp,
    on: BusinessDate,
) -> Result<Vec<(ProductId, Quantity)>> {
    const A_BUSY_DAY: i64 = 100_000;
    let mut past: std::collections::BTreeMap<ProductId, Quantity> = conn
        .all(&queries::AT_END_OF, &[store.into(), on.into()])?
        .into_iter()
        .map(|row| (row.product_id, row.on_hand_milli))
        .collect();
    for (product, last) in conn.all(&queries::LAST_MOVES_ON, &[store.into(), on.into()])? {
        for one in conn.all(&queries::WALK_BACK, &[store.into(), last.into(), A_BUSY_DAY.into()])? {
            if one.at <= at {
                past.insert(product, one.balance_after_milli);
                break;
            }
            let before = one.balance_after_milli.checked_sub(one.delta_milli).ok_or(StockError::TooLarge)?;
            past.insert(product, before);
        }
    }
    Ok(past.into_iter().collect())
}
