//! Routes for stock: what is there, what moved, and corrections by hand.

use aide::axum::routing::{get_with, post_with};
use axum::extract::State;
use axum::http::StatusCode;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::actions::{self, Adjustment, Change, Which};
use super::model::{Move, Reason, StockError, StockRow};
use crate::audit::By;
use crate::clock::Timestamp;
use crate::ids::{MoveId, ProductId, StoreId};
use crate::money::Quantity;
use crate::shop;
use crate::staff::Allowed;
use crate::staff::access::{AdjustStock, SeeStock};
use crate::web::answer::{Answer, encode, page_size};
use crate::web::docs::describe;
use crate::web::porch::Address;
use crate::web::{self, Fields, Listed, Problem, Query, Routes, Sent, Site, idempotency};

/// The routes under `/api/stock`.
pub fn routes() -> Routes {
    const TAG: &str = "Stock";
    Routes::new()
        .api_route(
            "/api/stock",
            get_with(list, |op| describe(op, TAG, "What is on hand; low or out only; as of a past instant")),
        )
        .api_route("/api/stock/moves", get_with(moves, |op| describe(op, TAG, "Why stock changed, newest first")))
        .api_route(
            "/api/stock/adjustments",
            post_with(adjust, |op| describe(op, TAG, "Corrects stock by hand; all or nothing")),
        )
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct ListQuery {
    /// The store; the caller's own, or the first, when absent.
    store: Option<StoreId>,
    /// `low`, `out`, or `recount`: below zero since a till sold, away from the server, what was not there.
    filter: Option<String>,
    /// What was on hand at this instant (RFC 3339) instead of now.
    as_of: Option<String>,
    /// Where the page before ended.
    cursor: Option<i64>,
    limit: Option<i64>,
}

async fn list(
    State(site): State<Site>,
    seen: Allowed<SeeStock>,
    Query(query): Query<ListQuery>,
) -> web::Result<Listed<StockRow>> {
    let store = seen.choose_store(query.store)?;
    let which = match query.filter.as_deref() {
        None | Some("all" | "") => Which::All,
        Some("low") => Which::Low,
        Some("out") => Which::Out,
        Some("recount") => Which::Recount,
        Some(_) => return Err(Problem::field("filter", "invalid", "The filter is low, out or recount.")),
    };
    let limit = page_size(query.limit)?;
    let after = query.cursor.unwrap_or(0);
    let as_of = match query.as_of.as_deref() {
        None => None,
        Some(text) => Some(
            Timestamp::parse(text)
                .ok_or_else(|| Problem::field("asOf", "invalid", "An instant is written like 2026-11-21T09:30:00Z."))?,
        ),
    };
    let (rows, total) = site
        .db
        .read(move |conn| {
            let (mut rows, total) = actions::list(conn, store, which, after, limit)?;
            if let Some(at) = as_of {
                let on = shop::current(conn)?.business_date(at);
                let past: std::collections::HashMap<_, _> = actions::as_of(conn, store, at, on)?.into_iter().collect();
                for row in &mut rows {
                    row.on_hand_milli = past.get(&row.product_id).copied().unwrap_or_default();
                    row.reserved_milli = Quantity::ZERO;
                }
            }
            Ok::<_, Problem>((rows, total))
        })
        .await?;
    let full = i64::try_from(rows.len()).unwrap_or(i64::MAX) == limit;
    let next = rows.last().filter(|_| full).map(|last| {
        let filter = query.filter.as_deref().unwrap_or("all");
        let as_of = query.as_of.as_deref().map(|at| format!("&asOf={}", encode(at))).unwrap_or_default();
        format!("/api/stock?store={store}&filter={filter}&cursor={}&limit={limit}{as_of}", last.product_id)
    });
    Ok(Listed { rows, total, next })
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct MovesQuery {
    store: Option<StoreId>,
    /// Only this product's moves.
    product: Option<ProductId>,
    /// Where the page before ended.
    cursor: Option<MoveId>,
    limit: Option<i64>,
}

async fn moves(
    State(site): State<Site>,
    seen: Allowed<SeeStock>,
    Query(query): Query<MovesQuery>,
) -> web::Result<axum::Json<Vec<Move>>> {
    let store = seen.choose_store(query.store)?;
    let limit = page_size(query.limit)?;
    let moves = site
        .db
        .read(move |conn| match query.product {
            Some(product) => actions::moves_of(conn, store, product, query.cursor, limit),
            None => actions::latest_moves(conn, store, query.cursor, limit),
        })
        .await?;
    Ok(axum::Json(moves))
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct AdjustmentsBody {
    store_id: Option<StoreId>,
    lines: Vec<AdjustmentBody>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct AdjustmentBody {
    product_id: ProductId,
    /// So much more, or less when below zero.
    delta: Option<Quantity>,
    /// Or: so much is there.
    on_hand: Option<Quantity>,
    /// `adjustment` (when absent), `count`, `damage`, `expiry` or `purchase`.
    reason: Option<Reason>,
    #[serde(default)]
    note: String,
}

#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct AdjustedBody {
    message: &'static str,
    /// The moves that were made; a line that changes nothing makes none.
    move_ids: Vec<MoveId>,
}

async fn adjust(
    State(site): State<Site>,
    seen: Allowed<AdjustStock>,
    address: Address,
    Sent { body, key }: Sent<AdjustmentsBody>,
) -> web::Result<Answer<AdjustedBody>> {
    let store = seen.choose_store(body.store_id)?;
    let adjustments = body.check(store)?;
    let (caller, now) = (seen.caller, site.clock.now());
    let claim = caller.claim(key);
    let answer = site
        .db
        .write(move |conn| {
            idempotency::once(conn, claim.as_ref(), now, StatusCode::CREATED, |conn| {
                let by = By { actor: &caller.actor(), from: &address.text(), now };
                let today = shop::current(conn)?.business_date(now);
                let move_ids = actions::adjust(conn, &adjustments, caller.user(), by, today)?;
                Ok::<_, StockError>(AdjustedBody { message: "Stock adjusted", move_ids })
            })
        })
        .await?;
    Ok(answer.into())
}

impl AdjustmentsBody {
    fn check(&self, store: StoreId) -> Result<Vec<Adjustment>, Problem> {
        let mut fields = Fields::default();
        fields.check(!self.lines.is_empty(), "lines", "missing", "Name at least one product.");
        fields.check(self.lines.len() <= 5_000, "lines", "too_many", "At most 5,000 products at once.");
        let mut adjustments = Vec::with_capacity(self.lines.len());
        for (index, line) in self.lines.iter().enumerate() {
            let change = match (line.delta, line.on_hand) {
                (Some(delta), None) => Change::By(delta),
                (None, Some(on_hand)) => Change::To(on_hand),
                _ => {
                    fields.wrong(format!("lines[{index}]"), "invalid", "Give either delta or onHand.");
                    continue;
                }
            };
            let reason = line.reason.unwrap_or(Reason::Adjustment);
            if line.note.chars().count() > 500 {
                fields.wrong(format!("lines[{index}].note"), "too_long", "A note has at most 500 characters.");
            }
            adjustments.push(Adjustment { store, product: line.product_id, change, reason, note: line.note.clone() });
        }
        fields.into_result()?;
        Ok(adjustments)
    }
}

impl From<StockError> for Problem {
    fn from(error: StockError) -> Self {
        let sentence = error.to_string();
        match error {
            StockError::NoShelf { .. } => Self::not_found(sentence),
            StockError::Short { product, wanted, on_hand } => Self::conflict("stock_short", sentence)
                .with("productId", product.to_string())
                .with("wanted", json!(wanted))
                .with("onHand", json!(on_hand)),
            StockError::NotWhole(_) => Self::field("lines", "invalid", sentence),
            StockError::TooLarge => Self::bad_request("too_large", sentence),
            StockError::NotByHand(_) => Self::field("reason", "invalid", sentence),
            StockError::Db(error) => error.into(),
        }
    }
}
