//! Routes for goods that come back.

use aide::axum::routing::{get_with, post_with};
use axum::extract::State;
use axum::http::StatusCode;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;

use crate::audit::By;
use crate::db::Conn;
use crate::ids::{OrderId, ProductId, StoreId, TillId};
use crate::money::{Money, Quantity};
use crate::orders::actions::{self as orders, Actor};
use crate::orders::returns::actions;
use crate::orders::returns::{NewReturn, Reason, RefundAsked, ReturnError, ReturnView, UnbilledLine, Wanted};
use crate::orders::{Method, OrderError, parse_order_code};
use crate::staff::access::{Approve, SeeOrders, SellAtCounter};
use crate::staff::{Allowed, Caller};
use crate::web::answer::Answer;
use crate::web::docs::describe;
use crate::web::porch::Address;
use crate::web::{self, Fields, Path, Problem, Routes, Sent, Site, idempotency};

pub(super) fn routes() -> Routes {
    const TAG: &str = "Counter";
    Routes::new()
        .api_route(
            "/api/orders/{id}/returns",
            get_with(list, |op| describe(op, TAG, "What came back of an order"))
                .post_with(take_back, |op| describe(op, TAG, "Takes goods of a bill back, with a credit note")),
        )
        .api_route(
            "/api/orders/{id}/void",
            post_with(void, |op| describe(op, TAG, "Takes a whole bill of today back; the money goes back as it came")),
        )
        .api_route(
            "/api/pos/returns",
            post_with(take_unbilled, |op| describe(op, TAG, "Takes goods back without a bill, up to a cap")),
        )
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct ReturnBody {
    lines: Vec<LineBody>,
    /// Not `void`.
    reason: Reason,
    #[serde(default)]
    note: String,
    refunds: Vec<RefundBody>,
    till_id: Option<TillId>,
    approval: Option<String>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename = "ReturnLineBody", deny_unknown_fields)]
#[schemars(rename = "ReturnLineBody")]
struct LineBody {
    /// The line of the bill, from 1.
    line: i64,
    quantity: Quantity,
    /// It is sold again.
    restock: bool,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct RefundBody {
    /// `cash`, `card`, `upi` or `credit`.
    method: Method,
    /// The rest, when absent.
    amount: Option<Money>,
    #[serde(default)]
    reference: String,
}

#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
struct VoidBody {
    note: String,
    till_id: Option<TillId>,
    approval: Option<String>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct UnbilledBody {
    lines: Vec<UnbilledLineBody>,
    /// Not `void`.
    reason: Reason,
    #[serde(default)]
    note: String,
    refunds: Vec<RefundBody>,
    till_id: Option<TillId>,
    /// The store; the caller's own, or the first, when absent.
    store_id: Option<StoreId>,
    approval: Option<String>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct UnbilledLineBody {
    product_id: ProductId,
    quantity: Quantity,
    /// What is given back for one unit.
    price: Money,
    /// It is sold again.
    restock: bool,
}

fn check(reason: Reason, note: &str, refunds: &[RefundBody], lines: usize) -> Result<Vec<RefundAsked>, Problem> {
    let mut fields = Fields::default();
    fields.check(reason != Reason::Void, "reason", "invalid", "A whole bill is voided by POST .../void.");
    fields.check(note.chars().count() <= 500, "note", "too_long", "A note has at most 500 characters.");
    fields.check(lines <= 1_000, "lines", "too_large", "At most 1,000 lines come back at once.");
    fields.check(refunds.len() <= 10, "refunds", "too_large", "At most 10 refunds.");
    let ways = refunds.iter().all(|refund| refund.method != Method::StoreCredit);
    fields.check(ways, "refunds", "invalid", "This shop does not give store credit.");
    let short = refunds.iter().all(|refund| refund.reference.chars().count() <= 100);
    fields.check(short, "refunds", "too_long", "A reference has at most 100 characters.");
    fields.into_result()?;
    Ok(refunds
        .iter()
        .map(|refund| RefundAsked { method: refund.method, amount: refund.amount, reference: refund.reference.clone() })
        .collect())
}

fn actor(caller: &Caller) -> Actor {
    Actor { name: caller.actor(), user: caller.user(), only_of: None, only_in: caller.store }
}

fn order_id(text: &str) -> Result<OrderId, Problem> {
    parse_order_code(text).ok_or_else(|| OrderError::NoOrder.into())
}

async fn list(
    State(site): State<Site>,
    seen: Allowed<SeeOrders>,
    Path(id): Path<String>,
) -> web::Result<axum::Json<Vec<ReturnView>>> {
    let (id, actor) = (order_id(&id)?, actor(&seen));
    let whole = site.db.read(move |conn| orders::load(conn, &actor, id)).await?;
    Ok(axum::Json(whole.returns))
}

async fn take_back(
    State(site): State<Site>,
    seen: Allowed<SellAtCounter>,
    address: Address,
    Path(id): Path<String>,
    sent: Sent<ReturnBody>,
) -> web::Result<Answer<ReturnView>> {
    let (id, Sent { body, key }) = (order_id(&id)?, sent);
    let new = NewReturn {
        refunds: check(body.reason, &body.note, &body.refunds, body.lines.len())?,
        reason: body.reason,
        note: body.note,
        till: body.till_id,
        approval: body.approval,
        manager: seen.may::<Approve>(),
    };
    let wanted: Vec<Wanted> = body
        .lines
        .iter()
        .map(|line| Wanted { line: line.line, quantity: line.quantity, restock: line.restock })
        .collect();
    run(&site, seen.caller, address, key, move |conn, actor, by| actions::take_back(conn, actor, id, &wanted, &new, by))
        .await
}

async fn void(
    State(site): State<Site>,
    seen: Allowed<SellAtCounter>,
    address: Address,
    Path(id): Path<String>,
    sent: Sent<VoidBody>,
) -> web::Result<Answer<ReturnView>> {
    let (id, Sent { body, key }) = (order_id(&id)?, sent);
    check(Reason::Other, &body.note, &[], 0)?;
    let new = NewReturn {
        reason: Reason::Void,
        refunds: Vec::new(),
        note: body.note,
        till: body.till_id,
        approval: body.approval,
        manager: seen.may::<Approve>(),
    };
    run(&site, seen.caller, address, key, move |conn, actor, by| actions::void(conn, actor, id, &new, by)).await
}

async fn take_unbilled(
    State(site): State<Site>,
    seen: Allowed<SellAtCounter>,
    address: Address,
    Sent { body, key }: Sent<UnbilledBody>,
) -> web::Result<Answer<ReturnView>> {
    let store = seen.choose_store(body.store_id)?;
    let new = NewReturn {
        refunds: check(body.reason, &body.note, &body.refunds, body.lines.len())?,
        reason: body.reason,
        note: body.note,
        till: body.till_id,
        approval: body.approval,
        manager: seen.may::<Approve>(),
    };
    let lines: Vec<UnbilledLine> = body
        .lines
        .iter()
        .map(|line| UnbilledLine {
            product: line.product_id,
            quantity: line.quantity,
            price: line.price,
            restock: line.restock,
        })
        .collect();
    run(&site, seen.caller, address, key, move |conn, actor, by| {
        actions::take_unbilled(conn, actor, store, &lines, &new, by)
    })
    .await
}

/// Takes goods back once for the key.
async fn run(
    site: &Site,
    caller: Caller,
    address: Address,
    key: Option<web::extract::SentKey>,
    act: impl Fn(&mut Conn<'_>, &Actor, By<'_>) -> Result<ReturnView, ReturnError> + Send + 'static,
) -> web::Result<Answer<ReturnView>> {
    let (claim, actor, now) = (caller.claim(key), actor(&caller), site.clock.now());
    let answer = site
        .db
        .write(move |conn| {
            idempotency::once(conn, claim.as_ref(), now, StatusCode::CREATED, |conn| {
                act(conn, &actor, By { actor: &actor.name, from: &address.text(), now })
            })
        })
        .await?;
    Ok(answer.into())
}

impl From<ReturnError> for Problem {
    fn from(error: ReturnError) -> Self {
        let sentence = error.to_string();
        match error {
            ReturnError::Empty => Self::field("lines", "missing", sentence),
            ReturnError::NoLine(_) => Self::field("lines", "unknown_line", sentence),
            ReturnError::NoProduct(_) => Self::field("lines", "unknown_product", sentence),
            ReturnError::BadQuantity(_) => Self::field("lines", "invalid", sentence),
            ReturnError::TooMuch { line, left } => {
                Self::conflict("returned_too_much", sentence).with("line", line).with("left", json!(left))
            }
            ReturnError::NotCompleted => Self::conflict("not_completed", sentence),
            ReturnError::NotVoidable => Self::conflict("not_voidable", sentence),
            ReturnError::ApprovalNeeded => Self::new(StatusCode::FORBIDDEN, "approval_needed", sentence),
            ReturnError::AboveCap(cap) => Self::conflict("above_cap", sentence).with("cap", json!(cap)),
            ReturnError::RefundsDiffer { total, .. } => {
                Self::field("refunds", "refunds_differ", sentence).with("total", json!(total))
            }
            ReturnError::CreditTooMuch(owed) => Self::conflict("credit_too_much", sentence).with("owed", json!(owed)),
            ReturnError::CreditFirst(first) => Self::conflict("credit_first", sentence).with("first", json!(first)),
            ReturnError::Order(error) => error.into(),
            ReturnError::Till(error) => error.into(),
            ReturnError::Approval(error) => error.into(),
            ReturnError::Stock(error) => error.into(),
            ReturnError::Db(error) => error.into(),
        }
    }
}
