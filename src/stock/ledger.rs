//! The ledger of moves: every change of stock, whoever makes it, is written here.
//!
//! The caller locks the shelves, decides, and hands in its moves in order; the ledger numbers them,
//! chains each to the one before it, and changes what is on hand by the sum.

use std::collections::HashMap;

use super::model::{Reason, Shelf, StockError};
use super::queries;
use crate::clock::{BusinessDate, Timestamp};
use crate::db::{Conn, Result, Sequence, Value};
use crate::ids::{MoveId, OrderId, ProductId, StoreId, UserId};
use crate::money::{Money, Quantity};

/// Shelves by store and product.
pub type Shelves = HashMap<(StoreId, ProductId), Shelf>;

/// A change that was decided.
#[derive(Debug, Clone)]
pub struct Movement<'a> {
    /// The store.
    pub store: StoreId,
    /// The product.
    pub product: ProductId,
    /// How much comes (or, below zero, goes).
    pub delta: Quantity,
    /// Why.
    pub reason: Reason,
    /// The order that causes it.
    pub order: Option<OrderId>,
    /// What somebody noted.
    pub note: &'a str,
    /// What one unit cost.
    pub unit_cost: Option<Money>,
    /// Who.
    pub user: Option<UserId>,
    /// When.
    pub at: Timestamp,
    /// On which business date.
    pub on: BusinessDate,
}

/// Reads shelves and keeps others from changing them until the transaction ends.
pub fn lock(conn: &mut Conn<'_>, mut keys: Vec<(StoreId, ProductId)>) -> Result<Shelves> {
    keys.sort_unstable();
    keys.dedup();
    let found =
        conn.load_many(&queries::LOCK, keys.iter().map(|(store, product)| [(*store).into(), (*product).into()]))?;
    Ok(found.into_iter().map(|shelf| ((shelf.store_id, shelf.product_id), shelf)).collect())
}

/// Writes moves on locked shelves, in their order, and brings the shelves up to date.
///
/// # Errors
/// [`StockError::Short`] or [`StockError::NoShelf`] before anything is written.
pub fn write(
    conn: &mut Conn<'_>,
    shelves: &mut Shelves,
    movements: &[Movement<'_>],
) -> std::result::Result<Vec<MoveId>, StockError> {
    let balances = balances(shelves, movements)?;
    let ids: Vec<MoveId> = conn.next_ids(Sequence::Moves, movements.len())?.into_iter().map(MoveId::new).collect();
    let mut rows: Vec<[Value<'_>; 13]> = Vec::with_capacity(movements.len());
    let mut sums: HashMap<(StoreId, ProductId), (Quantity, MoveId)> = HashMap::new();
    let mut days: HashMap<(StoreId, BusinessDate, ProductId), (Quantity, MoveId)> = HashMap::new();
    for ((movement, id), balance) in movements.iter().zip(&ids).zip(balances) {
        let key = (movement.store, movement.product);
        let Some(shelf) = shelves.get_mut(&key) else { continue };
        rows.push([
            movement.store.into(),
            (*id).into(),
            movement.product.into(),
            movement.delta.into(),
            balance.into(),
            shelf.last_move_id.into(),
            movement.reason.into(),
            movement.order.into(),
            movement.note.into(),
            movement.unit_cost.into(),
            movement.user.into(),
            movement.at.into(),
            movement.on.into(),
        ]);
        shelf.on_hand_milli = balance;
        shelf.last_move_id = Some(*id);
        add(sums.entry(key).or_insert((Quantity::ZERO, *id)), movement.delta, *id)?;
        let day = (movement.store, movement.on, movement.product);
        add(days.entry(day).or_insert((Quantity::ZERO, *id)), movement.delta, *id)?;
    }
    conn.execute_many(&queries::INSERT_MOVES, rows)?;
    conn.execute_many(
        &queries::MOVE,
        in_order(sums).map(|((store, product), (delta, id))| [store.into(), product.into(), delta.into(), id.into()]),
    )?;
    let writer = conn.writer();
    conn.execute_many(
        &queries::ADD_TO_DAYS,
        in_order(days).map(|((store, on, product), (delta, id))| {
            [store.into(), on.into(), product.into(), writer.into(), delta.into(), id.into()]
        }),
    )?;
    Ok(ids)
}

/// The balance after each move; refused before anything is written when one falls below zero.
fn balances(shelves: &Shelves, movements: &[Movement<'_>]) -> std::result::Result<Vec<Quantity>, StockError> {
    let mut running: HashMap<(StoreId, ProductId), Quantity> = HashMap::new();
    movements
        .iter()
        .map(|movement| {
            let key = (movement.store, movement.product);
            let shelf =
                shelves.get(&key).ok_or(StockError::NoShelf { store: movement.store, product: movement.product })?;
            let before = running.entry(key).or_insert(shelf.on_hand_milli);
            let after = before.checked_add(movement.delta).ok_or(StockError::TooLarge)?;
            if after.is_negative() && movement.delta.is_negative() && !shelf.allow_negative {
                let wanted = Quantity::milli(-movement.delta.as_milli());
                return Err(StockError::Short { product: movement.product, wanted, on_hand: *before });
            }
            *before = after;
            Ok(after)
        })
        .collect()
}

fn add(sum: &mut (Quantity, MoveId), delta: Quantity, id: MoveId) -> std::result::Result<(), StockError> {
    sum.0 = sum.0.checked_add(delta).ok_or(StockError::TooLarge)?;
    sum.1 = id;
    Ok(())
}

/// In the order of the keys: writers that lock rows in one order never wait for each other in a ring.
fn in_order<K: Ord, V>(map: HashMap<K, V>) -> impl Iterator<Item = (K, V)> {
    let mut pairs: Vec<(K, V)> = map.into_iter().collect();
    pairs.sort_unstable_by(|left, right| left.0.cmp(&right.0));
    pairs.into_iter()
}
