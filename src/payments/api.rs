//! Routes for tills, shifts and the rules of the counter.

use aide::axum::routing::{get_with, post_with, put_with};
use axum::extract::State;
use axum::http::StatusCode;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::actions::{self, Count};
use super::limits::CounterRules;
use super::model::{MoveKind, Shift, ShiftStatus, Till, TillError, TillStatus};
use super::report::Report;
use crate::audit::By;
use crate::clock::Timestamp;
use crate::db::Conn;
use crate::ids::{ShiftId, StoreId, TillId};
use crate::money::{Money, TaxRate};
use crate::shop;
use crate::staff::access::{ManageShop, ManageTills, SellAtCounter};
use crate::staff::{Allowed, Caller};
use crate::web::answer::{Answer, page_size};
use crate::web::docs::describe;
use crate::web::porch::Address;
use crate::web::{self, Fields, Json, Listed, Path, Problem, Query, Routes, Sent, Site, Tagged, idempotency};

/// The routes of tills and shifts.
pub fn routes() -> Routes {
    const TAG: &str = "Counter";
    Routes::new()
        .api_route(
            "/api/pos/tills",
            get_with(list_tills, |op| describe(op, TAG, "The tills of a store"))
                .post_with(register_till, |op| describe(op, TAG, "Registers a till")),
        )
        .api_route(
            "/api/pos/tills/{id}",
            put_with(change_till, |op| describe(op, TAG, "Changes a till or takes it out of use")),
        )
        .api_route(
            "/api/pos/shifts",
            get_with(list_shifts, |op| describe(op, TAG, "The shifts of a till, newest first, without their reports"))
                .post_with(open_shift, |op| describe(op, TAG, "Opens a shift with what is in the drawer")),
        )
        .api_route(
            "/api/pos/shifts/{id}",
            get_with(show_shift, |op| {
                describe(op, TAG, "A shift with its report: X while it is open, Z once it is closed")
            }),
        )
        .api_route(
            "/api/pos/shifts/{id}/cash",
            post_with(move_cash, |op| describe(op, TAG, "Puts cash into the drawer or takes it out")),
        )
        .api_route(
            "/api/pos/shifts/{id}/close",
            post_with(close_shift, |op| {
                describe(op, TAG, "Counts the drawer blind and closes the shift, with a reason when the count is off")
            }),
        )
        .api_route(
            "/api/pos/rules",
            get_with(show_rules, |op| describe(op, TAG, "What the counter may do without asking"))
                .put_with(change_rules, |op| describe(op, TAG, "Changes what the counter may do without asking")),
        )
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct StoreQuery {
    /// The store; the caller's own, or the first, when absent.
    store: Option<StoreId>,
}

async fn list_tills(
    State(site): State<Site>,
    seen: Allowed<SellAtCounter>,
    Query(query): Query<StoreQuery>,
) -> web::Result<axum::Json<Vec<Till>>> {
    let store = seen.choose_store(query.store)?;
    Ok(axum::Json(site.db.read(move |conn| actions::list_tills(conn, store)).await?))
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct TillBody {
    /// One to four capital letters and digits.
    code: String,
    name: String,
    /// The store; the caller's own, or the first, when absent.
    store_id: Option<StoreId>,
}

fn check_till(code: &str, name: &str) -> Result<(), Problem> {
    let mut fields = Fields::default();
    let plain = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit();
    let fits = (1..=4).contains(&code.len()) && code.bytes().all(plain);
    fields.check(fits, "code", "invalid", "A code has one to four capital letters and digits.");
    let length = name.trim().chars().count();
    fields.check((1..=50).contains(&length), "name", "invalid", "A name has 1 to 50 characters.");
    fields.into_result()
}

async fn register_till(
    State(site): State<Site>,
    seen: Allowed<ManageTills>,
    address: Address,
    Sent { body, key }: Sent<TillBody>,
) -> web::Result<Answer<Till>> {
    check_till(&body.code, &body.name)?;
    let store = seen.choose_store(body.store_id)?;
    let (claim, actor, now) = (seen.claim(key), seen.actor(), site.clock.now());
    let answer = site
        .db
        .write(move |conn| {
            idempotency::once(conn, claim.as_ref(), now, StatusCode::CREATED, |conn| {
                let by = By { actor: &actor, from: &address.text(), now };
                shop::actions::load_store(conn, store)
                    .map_err(|_| Problem::field("storeId", "unknown_store", format!("There is no store {store}.")))?;
                Ok::<_, Problem>(actions::register_till(conn, store, &body.code, body.name.trim(), by)?)
            })
        })
        .await?;
    Ok(answer.into())
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct TillChange {
    code: Option<String>,
    name: Option<String>,
    status: Option<TillStatus>,
    /// The version that the change was made from.
    version: i64,
}

async fn change_till(
    State(site): State<Site>,
    seen: Allowed<ManageTills>,
    address: Address,
    Path(id): Path<TillId>,
    Json(body): Json<TillChange>,
) -> web::Result<Tagged<Till>> {
    let (actor, now) = (seen.actor(), site.clock.now());
    let till = site
        .db
        .write(move |conn| {
            let mut till = own_till(conn, &seen.caller, id)?;
            till.code = body.code.clone().unwrap_or(till.code);
            till.name = body.name.clone().unwrap_or(till.name);
            till.status = body.status.unwrap_or(till.status);
            till.version = body.version;
            check_till(&till.code, &till.name)?;
            let by = By { actor: &actor, from: &address.text(), now };
            Ok::<_, Problem>(actions::change_till(conn, &till, by)?)
        })
        .await?;
    Ok(Tagged { version: till.version, body: till })
}

fn own_till(conn: &mut Conn<'_>, caller: &Caller, id: TillId) -> Result<Till, TillError> {
    actions::load_till(conn, id)
        .and_then(|till| if caller.may_enter(till.store_id) { Ok(till) } else { Err(TillError::NoTill) })
}

fn own_shift(conn: &mut Conn<'_>, caller: &Caller, id: ShiftId) -> Result<Shift, TillError> {
    actions::load_shift(conn, id)
        .and_then(|shift| if caller.may_enter(shift.store_id) { Ok(shift) } else { Err(TillError::NoShift) })
}

/// A shift as it is shown.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct ShiftView {
    id: ShiftId,
    store_id: StoreId,
    till_id: TillId,
    till_code: String,
    status: ShiftStatus,
    opened_by: String,
    opened_at: Timestamp,
    float: Money,
    /// The number of the Z report.
    z_number: Option<i64>,
    closed_by: String,
    closed_at: Option<Timestamp>,
    /// Why the drawer held more or less than it should.
    reason: String,
    /// The drawer was counted and does not hold what it should: close with a reason.
    reason_needed: bool,
    /// X while the shift is open, Z once it is closed; absent in lists.
    #[serde(skip_serializing_if = "Option::is_none")]
    report: Option<Report>,
}

impl ShiftView {
    fn bare(shift: Shift) -> Self {
        Self {
            id: shift.id,
            store_id: shift.store_id,
            till_id: shift.till_id,
            till_code: shift.till_code,
            status: shift.status,
            opened_by: shift.opened_by,
            opened_at: shift.opened_at,
            float: shift.float_paise,
            z_number: shift.z_number,
            closed_by: shift.closed_by,
            closed_at: shift.closed_at,
            reason: shift.reason,
            reason_needed: shift.status == ShiftStatus::Counted,
            report: None,
        }
    }

    /// With the report, as far as the caller may see it before the drawer is counted.
    fn new(conn: &mut Conn<'_>, shift: Shift, caller: &Caller) -> Result<Self, TillError> {
        let bill = bills(conn, shift.store_id)?;
        let report = actions::report(conn, &shift, bill)?;
        let blind = shift.status == ShiftStatus::Open && !caller.may::<ManageTills>();
        Ok(Self { report: Some(if blind { report.blind() } else { report }), ..Self::bare(shift) })
    }
}

/// How the bills of a store are numbered.
fn bills(conn: &mut Conn<'_>, store: StoreId) -> crate::db::Result<impl Fn(i64, i64) -> String + use<>> {
    let prefix = shop::current(conn)?.invoice_prefix;
    Ok(move |year, number| shop::invoice_code(&prefix, store, year, number))
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct ShiftsQuery {
    till: TillId,
    /// Where the page before ended.
    cursor: Option<ShiftId>,
    limit: Option<i64>,
}

async fn list_shifts(
    State(site): State<Site>,
    seen: Allowed<SellAtCounter>,
    Query(query): Query<ShiftsQuery>,
) -> web::Result<Listed<ShiftView>> {
    let limit = page_size(query.limit)?;
    let before = query.cursor.map_or(i64::MAX, ShiftId::number);
    let shifts = site
        .db
        .read(move |conn| {
            own_till(conn, &seen.caller, query.till)?;
            actions::list_shifts(conn, query.till, before, limit)
        })
        .await?;
    let full = i64::try_from(shifts.len()).unwrap_or(i64::MAX) >= limit;
    let next = shifts
        .last()
        .filter(|_| full)
        .map(|last| format!("/api/pos/shifts?till={}&cursor={}&limit={limit}", query.till, last.id));
    Ok(Listed { rows: shifts.into_iter().map(ShiftView::bare).collect(), total: -1, next })
}

async fn show_shift(
    State(site): State<Site>,
    seen: Allowed<SellAtCounter>,
    Path(id): Path<ShiftId>,
) -> web::Result<axum::Json<ShiftView>> {
    let view = site
        .db
        .read(move |conn| {
            let shift = own_shift(conn, &seen.caller, id)?;
            ShiftView::new(conn, shift, &seen.caller)
        })
        .await?;
    Ok(axum::Json(view))
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct OpenBody {
    till_id: TillId,
    /// What is in the drawer.
    float: Money,
}

async fn open_shift(
    State(site): State<Site>,
    seen: Allowed<SellAtCounter>,
    address: Address,
    Sent { body, key }: Sent<OpenBody>,
) -> web::Result<Answer<ShiftView>> {
    if body.float.is_negative() || body.float > MOST_CASH {
        return Err(Problem::field("float", "invalid", "The float is between 0 and 10,000,000."));
    }
    let (claim, actor, now) = (seen.claim(key), seen.actor(), site.clock.now());
    let answer = site
        .db
        .write(move |conn| {
            idempotency::once(conn, claim.as_ref(), now, StatusCode::CREATED, |conn| {
                let till = own_till(conn, &seen.caller, body.till_id)?;
                let today = shop::current(conn)?.business_date(now);
                let by = By { actor: &actor, from: &address.text(), now };
                let shift = actions::open_shift(conn, &till, body.float, today, by)?;
                ShiftView::new(conn, shift, &seen.caller)
            })
        })
        .await?;
    Ok(answer.into())
}

/// The most cash that a drawer holds; beyond it somebody mistyped.
const MOST_CASH: Money = Money::paise(1_000_000_000);

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct CashBody {
    /// `in` or `out`.
    kind: MoveKind,
    amount: Money,
    /// Why.
    reason: String,
}

async fn move_cash(
    State(site): State<Site>,
    seen: Allowed<SellAtCounter>,
    address: Address,
    Path(id): Path<ShiftId>,
    Sent { body, key }: Sent<CashBody>,
) -> web::Result<Answer<ShiftView>> {
    let mut fields = Fields::default();
    let by_hand = matches!(body.kind, MoveKind::In | MoveKind::Out);
    fields.check(by_hand, "kind", "invalid", "Cash goes in or out.");
    let fits = body.amount > Money::ZERO && body.amount <= MOST_CASH;
    fields.check(fits, "amount", "invalid", "The amount is between 0.01 and 10,000,000.");
    check_reason(&mut fields, body.reason.trim(), 1);
    fields.into_result()?;
    let (claim, actor, now) = (seen.claim(key), seen.actor(), site.clock.now());
    let answer = site
        .db
        .write(move |conn| {
            idempotency::once(conn, claim.as_ref(), now, StatusCode::CREATED, |conn| {
                own_shift(conn, &seen.caller, id)?;
                let by = By { actor: &actor, from: &address.text(), now };
                let shift = actions::move_cash(conn, id, body.kind, body.amount, body.reason.trim(), by)?;
                ShiftView::new(conn, shift, &seen.caller)
            })
        })
        .await?;
    Ok(answer.into())
}

fn check_reason(fields: &mut Fields, reason: &str, least: usize) {
    let fits = (least..=200).contains(&reason.chars().count());
    fields.check(fits, "reason", "invalid", "A reason has 1 to 200 characters.");
}

#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
struct CloseBody {
    /// How many of each note and coin are in the drawer: `{"500":3,"0.50":2}`.
    count: Option<Count>,
    /// Why the drawer holds more or less than it should; asked for once that is known.
    reason: String,
}

/// What was counted comes to.
fn total_of(count: &Count) -> Result<Money, Problem> {
    let mut total = Money::ZERO;
    for (note, how_many) in count {
        let wrong =
            || Problem::field(format!("count.{note}"), "invalid", "Name a note or coin and how many there are.");
        let value = Money::parse(note).ok().filter(|value| *value > Money::ZERO).ok_or_else(wrong)?;
        let sum = value.as_paise().checked_mul(*how_many).filter(|sum| *sum >= 0).ok_or_else(wrong)?;
        total = total.checked_add(Money::paise(sum)).filter(|total| *total <= MOST_CASH).ok_or_else(wrong)?;
    }
    Ok(total)
}

async fn close_shift(
    State(site): State<Site>,
    seen: Allowed<SellAtCounter>,
    address: Address,
    Path(id): Path<ShiftId>,
    Sent { body, key }: Sent<CloseBody>,
) -> web::Result<Answer<ShiftView>> {
    let mut fields = Fields::default();
    check_reason(&mut fields, body.reason.trim(), 0);
    fields.into_result()?;
    let total = body.count.as_ref().map(total_of).transpose()?;
    let (claim, actor, now) = (seen.claim(key), seen.actor(), site.clock.now());
    let answer = site
        .db
        .write(move |conn| {
            idempotency::once(conn, claim.as_ref(), now, StatusCode::OK, |conn| {
                let store = own_shift(conn, &seen.caller, id)?.store_id;
                let by = By { actor: &actor, from: &address.text(), now };
                let bill = bills(conn, store)?;
                let shift =
                    actions::close_shift(conn, id, body.count.as_ref().zip(total), body.reason.trim(), bill, by)?;
                ShiftView::new(conn, shift, &seen.caller)
            })
        })
        .await?;
    Ok(answer.into())
}

/// The rules of the counter.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct RulesBody {
    /// The most that a cashier takes off a bill, in percent of it.
    cashier_discount: TaxRate,
    /// The most that a manager takes off.
    manager_discount: TaxRate,
    /// The most that is given back without a bill.
    unbilled_return: Money,
    /// Bills older than so many days are not taken back without approval.
    return_days: i64,
    version: i64,
}

impl From<CounterRules> for RulesBody {
    fn from(rules: CounterRules) -> Self {
        Self {
            cashier_discount: rules.cashier_discount_bp,
            manager_discount: rules.manager_discount_bp,
            unbilled_return: rules.unbilled_return_paise,
            return_days: rules.return_days,
            version: rules.version,
        }
    }
}

async fn show_rules(State(site): State<Site>, _: Allowed<SellAtCounter>) -> web::Result<axum::Json<RulesBody>> {
    Ok(axum::Json(site.db.read(actions::rules).await.map_err(Problem::from)?.into()))
}

async fn change_rules(
    State(site): State<Site>,
    seen: Allowed<ManageShop>,
    address: Address,
    Json(body): Json<RulesBody>,
) -> web::Result<axum::Json<RulesBody>> {
    let mut fields = Fields::default();
    let share = TaxRate::ZERO..=TaxRate::basis_points(10_000);
    fields.check(share.contains(&body.cashier_discount), "cashierDiscount", "invalid", "From 0 to 100 percent.");
    fields.check(share.contains(&body.manager_discount), "managerDiscount", "invalid", "From 0 to 100 percent.");
    fields.check(!body.unbilled_return.is_negative(), "unbilledReturn", "invalid", "Not below zero.");
    fields.check((0..=3_650).contains(&body.return_days), "returnDays", "invalid", "From 0 to 3650 days.");
    fields.into_result()?;
    let rules = CounterRules {
        cashier_discount_bp: body.cashier_discount,
        manager_discount_bp: body.manager_discount,
        unbilled_return_paise: body.unbilled_return,
        return_days: body.return_days,
        version: body.version,
    };
    let (actor, now) = (seen.actor(), site.clock.now());
    let rules = site
        .db
        .write(move |conn| actions::change_rules(conn, &rules, By { actor: &actor, from: &address.text(), now }))
        .await?;
    Ok(axum::Json(rules.into()))
}

impl From<TillError> for Problem {
    fn from(error: TillError) -> Self {
        let sentence = error.to_string();
        match error {
            TillError::NoTill | TillError::NoShift => Self::not_found(sentence),
            TillError::Archived => Self::conflict("till_archived", sentence),
            TillError::CodeTaken(_) => Self::field("code", "code_taken", sentence),
            TillError::ShiftOpen(shift) => Self::conflict("shift_open", sentence).with("shiftId", shift.to_string()),
            TillError::ShiftClosed => Self::conflict("shift_closed", sentence),
            TillError::ShiftCounted => Self::conflict("shift_counted", sentence),
            TillError::CountNeeded => Self::field("count", "missing", sentence),
            TillError::Stale => web::extract::stale(),
            TillError::Db(error) => error.into(),
        }
    }
}
