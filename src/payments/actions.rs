//! What is done with tills and shifts.
//!
//! Who closes a shift locks the till first, which waits for the sales that are under way there; who moves
//! money in a drawer locks the shift.

use std::collections::BTreeMap;

use serde_json::json;

pub use super::limits::{change as change_rules, current as rules};
use super::model::{Method, MoveKind, OpenShift, Shift, ShiftStatus, Till, TillError, TillStatus};
use super::queries;
use super::report::{self, Report};
use crate::audit::{self, By};
use crate::clock::BusinessDate;
use crate::db::{Conn, Sequence};
use crate::ids::{OrderId, ReturnId, ShiftId, StoreId, TillId};
use crate::money::Money;

type Result<T> = std::result::Result<T, TillError>;

/// The tills of a store.
pub fn list_tills(conn: &mut Conn<'_>, store: StoreId) -> Result<Vec<Till>> {
    Ok(conn.all(&queries::LIST_TILLS, &[store.into()])?)
}

/// A till that is there.
pub fn load_till(conn: &mut Conn<'_>, id: TillId) -> Result<Till> {
    conn.first(&queries::FIND_TILL, &[id.into()])?.ok_or(TillError::NoTill)
}

/// Registers a till.
pub fn register_till(conn: &mut Conn<'_>, store: StoreId, code: &str, name: &str, by: By<'_>) -> Result<Till> {
    let id = TillId::new(conn.next_id(Sequence::Tills)?);
    let params = [id.into(), store.into(), code.into(), name.into(), by.now.into()];
    conn.execute(&queries::INSERT_TILL, &params).map_err(|error| code_taken(error, code))?;
    audit::record(conn, by, "till.create", &format!("till:{id}"), &json!({ "code": code, "store": store }))?;
    load_till(conn, id)
}

/// Stores a changed till; refused when somebody else changed it since.
pub fn change_till(conn: &mut Conn<'_>, till: &Till, by: By<'_>) -> Result<Till> {
    conn.execute(&queries::LOCK_TILL, &[till.id.into()])?;
    let before = load_till(conn, till.id)?;
    if let (TillStatus::Archived, Some(shift)) = (till.status, before.open_shift_id) {
        return Err(TillError::ShiftOpen(shift));
    }
    let params = [till.id.into(), (&till.code).into(), (&till.name).into(), till.status.into(), till.version.into()];
    let changed = conn.execute(&queries::UPDATE_TILL, &params).map_err(|error| code_taken(error, &till.code))?;
    if changed == 0 {
        return Err(TillError::Stale);
    }
    let detail = json!({ "code": [before.code, till.code], "status": [before.status, till.status] });
    audit::record(conn, by, "till.update", &format!("till:{}", till.id), &detail)?;
    load_till(conn, till.id)
}

fn code_taken(error: crate::db::Error, code: &str) -> TillError {
    if error.violated() == Some("tills_code_unique") { TillError::CodeTaken(code.to_owned()) } else { error.into() }
}

/// Tills in use with their open shifts, which do not end before the transaction does.
pub fn open_shifts(conn: &mut Conn<'_>, tills: &[TillId]) -> crate::db::Result<Vec<OpenShift>> {
    let mut tills = tills.to_vec();
    tills.sort_unstable();
    tills.dedup();
    conn.load_many(&queries::OPEN_SHIFTS, tills.into_iter().map(|till| [till.into()]))
}

/// Opens a shift with what is in the drawer.
pub fn open_shift(conn: &mut Conn<'_>, till: &Till, float: Money, today: BusinessDate, by: By<'_>) -> Result<Shift> {
    let id = ShiftId::new(conn.next_id(Sequence::Shifts)?);
    if conn.execute(&queries::TAKE_TILL, &[till.id.into(), id.into()])? == 0 {
        let now = load_till(conn, till.id)?;
        return Err(now.open_shift_id.map_or(TillError::Archived, TillError::ShiftOpen));
    }
    let (last,): (OrderId,) = conn.only(&queries::LAST_ORDER, &[till.store_id.into()])?;
    let params = [
        id.into(),
        till.store_id.into(),
        till.id.into(),
        by.actor.into(),
        by.now.into(),
        today.into(),
        float.into(),
        last.into(),
    ];
    conn.execute(&queries::INSERT_SHIFT, &params)?;
    let detail = json!({ "till": till.id, "float": float });
    audit::record(conn, by, "shift.open", &format!("shift:{id}"), &detail)?;
    load_shift(conn, id)
}

/// A shift that is there.
pub fn load_shift(conn: &mut Conn<'_>, id: ShiftId) -> Result<Shift> {
    conn.first(&queries::FIND_SHIFT, &[id.into()])?.ok_or(TillError::NoShift)
}

/// The shifts of a till before one of them, newest first.
pub fn list_shifts(conn: &mut Conn<'_>, till: TillId, before: i64, limit: i64) -> Result<Vec<Shift>> {
    Ok(conn.all(&queries::LIST_SHIFTS, &[till.into(), before.into(), limit.into()])?)
}

/// The report of a shift: as it was written when it is closed, summed up now while it is not.
pub fn report(conn: &mut Conn<'_>, shift: &Shift, bill: impl Fn(i64, i64) -> String) -> Result<Report> {
    if let Ok(stored) = serde_json::from_str(&shift.z_report) {
        return Ok(stored);
    }
    Ok(report::sum_up(conn, shift, bill)?)
}

/// A shift that takes moves, kept from who would close it.
fn lock_open(conn: &mut Conn<'_>, id: ShiftId) -> Result<Shift> {
    conn.execute(&queries::LOCK_SHIFT, &[id.into()])?;
    let shift = load_shift(conn, id)?;
    match shift.status {
        ShiftStatus::Open => Ok(shift),
        ShiftStatus::Counted => Err(TillError::ShiftCounted),
        ShiftStatus::Closed => Err(TillError::ShiftClosed),
    }
}

/// Puts cash into the drawer or takes it out.
pub fn move_cash(
    conn: &mut Conn<'_>,
    id: ShiftId,
    kind: MoveKind,
    amount: Money,
    reason: &str,
    by: By<'_>,
) -> Result<Shift> {
    let shift = lock_open(conn, id)?;
    note_move(conn, id, kind, Method::Cash, amount, reason, (None, None), by)?;
    let detail = json!({ "kind": kind, "amount": amount, "reason": reason });
    audit::record(conn, by, "shift.cash", &format!("shift:{id}"), &detail)?;
    Ok(shift)
}

/// The open shift of a till, for money that moves there outside of a sale; none while the drawer is closed.
pub fn enter_shift(conn: &mut Conn<'_>, till: TillId, store: StoreId) -> Result<Option<ShiftId>> {
    let till = load_till(conn, till)?;
    if till.store_id != store {
        return Err(TillError::NoTill);
    }
    if till.status == TillStatus::Archived {
        return Err(TillError::Archived);
    }
    till.open_shift_id.map(|shift| lock_open(conn, shift).map(|shift| shift.id)).transpose()
}

/// Notes money that was given back, in a shift that was entered.
pub fn note_refund(
    conn: &mut Conn<'_>,
    shift: ShiftId,
    method: Method,
    amount: Money,
    whole: (Option<OrderId>, ReturnId),
    by: By<'_>,
) -> Result<()> {
    note_move(conn, shift, MoveKind::Refund, method, amount, "", (whole.0, Some(whole.1)), by)
}

#[expect(clippy::too_many_arguments, reason = "each is a column of one row")]
fn note_move(
    conn: &mut Conn<'_>,
    shift: ShiftId,
    kind: MoveKind,
    method: Method,
    amount: Money,
    reason: &str,
    what: (Option<OrderId>, Option<ReturnId>),
    by: By<'_>,
) -> Result<()> {
    let params = [
        shift.into(),
        kind.into(),
        method.into(),
        amount.into(),
        reason.into(),
        what.0.into(),
        what.1.into(),
        by.actor.into(),
        by.now.into(),
    ];
    conn.execute(&queries::INSERT_MOVE, &params)?;
    Ok(())
}

/// What was counted in a drawer: how many of each note and coin.
pub type Count = BTreeMap<String, i64>;

/// Counts the drawer blind and closes the shift; when the drawer does not hold what it should and nobody said
/// why, the count stands and the reason is awaited.
pub fn close_shift(
    conn: &mut Conn<'_>,
    id: ShiftId,
    count: Option<(&Count, Money)>,
    reason: &str,
    bill: impl Fn(i64, i64) -> String,
    by: By<'_>,
) -> Result<Shift> {
    let till = load_shift(conn, id)?.till_id;
    conn.execute(&queries::LOCK_TILL, &[till.into()])?;
    conn.execute(&queries::LOCK_SHIFT, &[id.into()])?;
    let mut shift = load_shift(conn, id)?;
    match (shift.status, count) {
        (ShiftStatus::Closed, _) => return Err(TillError::ShiftClosed),
        (ShiftStatus::Counted, Some(_)) => return Err(TillError::ShiftCounted),
        (ShiftStatus::Open, None) => return Err(TillError::CountNeeded),
        (ShiftStatus::Counted, None) => {}
        (ShiftStatus::Open, Some((notes, counted))) => {
            let expected = report::sum_up(conn, &shift, &bill)?.cash.expected.unwrap_or_default();
            let notes = serde_json::to_string(notes).unwrap_or_default();
            let params = [
                id.into(),
                by.actor.into(),
                by.now.into(),
                counted.into(),
                notes.into(),
                expected.into(),
                reason.into(),
            ];
            conn.execute(&queries::COUNT_DRAWER, &params)?;
            conn.execute(&queries::SET_COUNTING, &[till.into()])?;
            let detail = json!({ "counted": counted, "expected": expected });
            audit::record(conn, by, "shift.count", &format!("shift:{id}"), &detail)?;
            shift = load_shift(conn, id)?;
        }
    }
    let difference = shift.counted_paise.unwrap_or_default() - shift.expected_paise.unwrap_or_default();
    if !difference.is_zero() && reason.is_empty() {
        return Ok(shift);
    }
    conn.execute(&queries::FREE_TILL, &[till.into(), id.into()])?;
    let number = load_till(conn, till)?.last_z_number;
    let report = report::sum_up(conn, &shift, &bill)?;
    let text = serde_json::to_string(&report).unwrap_or_default();
    let params = [id.into(), by.actor.into(), by.now.into(), reason.into(), number.into(), text.into()];
    conn.execute(&queries::CLOSE_SHIFT, &params)?;
    let detail = json!({ "z": number, "net": report.net, "difference": difference, "reason": reason });
    audit::record(conn, by, "shift.close", &format!("shift:{id}"), &detail)?;
    load_shift(conn, id)
}
