//! The ledger of moves: every change of stock, whoever makes it, is written here.
//!
//! The caller locks the shelves, decides, and hands in its moves in order; the ledger numbers them,
//! chains each to the one before it, and changes what is on hand by the sum.

use std::collections::BTreeMap;

use foldhash::{HashMap, HashMapExt as _};

use super::model::{Reason, Shelf, StockError};
use super::queries;
use crate::clock::{BusinessDate, Timestamp};
use crate::db::{Conn, Result, Sequence};
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

/// What moves change on a day: by how much, and the last of them. In the order of the keys.
pub type Days = BTreeMap<(StoreId, BusinessDate, ProductId), (Quantity, MoveId)>;

/// Writes moves on locked shelves, in their order, and brings the shelves and the days up to date.
///
/// # Errors
/// [`StockError::Short`] or [`StockError::NoShelf`] before anything is written.
pub fn write(
    conn: &mut Conn<'_>,
    shelves: &mut Shelves,
    movements: &[Movement<'_>],
) -> std::result::Result<Vec<MoveId>, StockError> {
    let (ids, days) = write_moves(conn, shelves, movements)?;
    let writer = conn.writer();
    conn.execute_many(
        &queries::ADD_TO_DAYS,
        days.into_iter().map(|((store, on, product), (delta, id))| {
            [store.into(), on.into(), product.into(), writer.into(), delta.into(), id.into()]
        }),
    )?;
    Ok(ids)
}

/// As [`write()`], for a caller who adds the days to rows that they write anyway.
pub fn write_moves(
    conn: &mut Conn<'_>,
    shelves: &mut Shelves,
    movements: &[Movement<'_>],
) -> std::result::Result<(Vec<MoveId>, Days), StockError> {
    let balances = balances(shelves, movements)?;
    let ids: Vec<MoveId> = conn.next_ids(Sequence::Moves, movements.len())?.into_iter().map(MoveId::new).collect();
    let mut days = Days::new();
    for (movement, id) in movements.iter().zip(&ids) {
        let day = (movement.store, movement.on, movement.product);
        add(days.entry(day).or_insert((Quantity::ZERO, *id)), movement.delta, *id)?;
    }
    let rows = movements.iter().zip(&ids).zip(balances).filter_map(|((movement, id), balance)| {
        let shelf = shelves.get_mut(&(movement.store, movement.product))?;
        let previous = shelf.last_move_id.replace(*id);
        shelf.on_hand_milli = balance;
        Some([
            movement.store.into(),
            (*id).into(),
            movement.product.into(),
            movement.delta.into(),
            balance.into(),
            previous.into(),
            movement.reason.into(),
            movement.order.into(),
            movement.note.into(),
            movement.unit_cost.into(),
            movement.user.into(),
            movement.at.into(),
            movement.on.into(),
        ])
    });
    conn.execute_many(&queries::INSERT_MOVES, rows)?;
    // A batch that spans midnight moves a shelf on two days.
    let mut sums: BTreeMap<(StoreId, ProductId), (Quantity, MoveId)> = BTreeMap::new();
    for ((store, _, product), (delta, id)) in &days {
        add(sums.entry((*store, *product)).or_insert((Quantity::ZERO, *id)), *delta, *id)?;
    }
    // In the order of the keys: writers that lock rows in one order never wait for each other in a ring.
    conn.execute_many(
        &queries::MOVE,
        sums.iter()
            .map(|((store, product), (delta, id))| [(*store).into(), (*product).into(), (*delta).into(), (*id).into()]),
    )?;
    let mut recounted = Vec::new();
    for key in sums.keys() {
        if let Some(shelf) = shelves.get_mut(key).filter(|shelf| shelf.recount && !shelf.on_hand_milli.is_negative()) {
            shelf.recount = false;
            recounted.push([key.0.into(), key.1.into()]);
        }
    }
    conn.execute_many(&queries::RECOUNTED, recounted)?;
    Ok((ids, days))
}

/// Lets locked shelves fall below zero, for goods that have left already, until [`hold`]; they wait to be counted.
/// A shelf that is not there begins with nothing.
pub fn let_below(
    conn: &mut Conn<'_>,
    shelves: &mut Shelves,
    keys: &[(StoreId, ProductId)],
    now: Timestamp,
) -> Result<()> {
    let mut opened = Vec::new();
    for (store, product) in keys {
        let shelf = shelves.entry((*store, *product)).or_insert_with(|| {
            opened.push((*store, *product));
            Shelf {
                store_id: *store,
                product_id: *product,
                on_hand_milli: Quantity::ZERO,
                reorder_level_milli: Quantity::ZERO,
                allow_negative: false,
                last_move_id: None,
                recount: false,
            }
        });
        (shelf.allow_negative, shelf.recount) = (true, true);
    }
    let nothing = || Quantity::ZERO.into();
    conn.execute_many(
        &queries::INSERT_SHELVES,
        opened
            .into_iter()
            .map(|(store, product)| [store.into(), product.into(), nothing(), nothing(), nothing(), false.into()]),
    )?;
    let rows = keys.iter().map(|(store, product)| [(*store).into(), (*product).into(), now.into()]);
    conn.execute_many(&queries::LET_BELOW, rows)?;
    Ok(())
}

/// Holds shelves at zero again that were let below it.
pub fn hold(shelves: &mut Shelves, keys: &[(StoreId, ProductId)]) {
    for key in keys {
        if let Some(shelf) = shelves.get_mut(key) {
            shelf.allow_negative = false;
        }
    }
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
    sum.1 = sum.1.max(id);
    Ok(())
}
