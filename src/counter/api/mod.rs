//! Routes for what tills send.

mod returns;

use aide::axum::routing::{get_with, post_with};
use axum::Extension;
use axum::extract::State;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::counter::model::{FlaggedRow, Sale, SaleLine, SalePayment};
use crate::counter::{queries, rules};
use crate::ids::{OrderId, StoreId, TillId};
use crate::money::Money;
use crate::orders::{
    Allowance, AtTill, Channel, Desk, Flag, Item, Method, NewPayment, OrderError, PlaceOrder, Placed, order_code,
    rules::MOST_LINES,
};
use crate::payments::{self, CounterRules, TillError};
use crate::staff::access::{ManageTills, SellAtCounter};
use crate::staff::{Allowed, Caller};
use crate::web::answer::{Answer, Stored, page_size};
use crate::web::docs::describe;
use crate::web::{self, Fields, Json, Listed, Problem, Query, Routes, Site};

/// The most sales that one sync takes.
const MOST_SALES: usize = 500;

/// The routes of tills' sales.
pub fn routes() -> Routes {
    const TAG: &str = "Counter";
    Routes::new()
        .api_route("/api/pos/sales", post_with(sell, |op| describe(op, TAG, "Sells at a till in one step")))
        .api_route(
            "/api/pos/sync",
            post_with(sync, |op| describe(op, TAG, "Takes the sales that a till kept while the server was away")),
        )
        .api_route(
            "/api/pos/flagged",
            get_with(flagged, |op| describe(op, TAG, "Sales that somebody should look at, newest first")),
        )
        .merge(returns::routes())
}

impl Sale {
    fn check(&self) -> Result<(), Problem> {
        let mut fields = Fields::default();
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
        let fits = (8..=64).contains(&self.id.len()) && self.id.bytes().all(plain);
        fields.check(fits, "id", "invalid", "An id has 8 to 64 letters, digits and dashes, as a UUID has.");
        fields.check(self.number.chars().count() <= 20, "number", "too_long", "A number has at most 20 characters.");
        fields.check(!self.lines.is_empty(), "lines", "missing", "A sale has lines.");
        fields.check(self.lines.len() <= MOST_LINES, "lines", "too_large", "A sale has at most 1,000 lines.");
        fields.check(self.note.chars().count() <= 1_000, "note", "too_long", "A note has at most 1,000 characters.");
        let quick = |line: &SaleLine| {
            line.product_id.is_some() || (line.price.is_some() && (1..=200).contains(&line.name.trim().chars().count()))
        };
        for (index, _) in self.lines.iter().enumerate().filter(|(_, line)| !quick(line)) {
            fields.wrong(format!("lines[{index}]"), "invalid", "A quick item has a name and a price.");
        }
        let references = self.payments.iter().all(|payment| payment.reference.chars().count() <= 100);
        fields.check(references, "payments", "too_long", "A reference has at most 100 characters.");
        let ways = self.payments.iter().all(|payment| payment.method != Method::StoreCredit);
        fields.check(ways, "payments", "invalid", "This shop does not take store credit.");
        fields.into_result()
    }

    fn item(line: &SaleLine) -> Item {
        let item = match (line.product_id, line.price) {
            (Some(product), Some(price)) => Item::at(product, line.quantity, price),
            (Some(product), None) => Item::of(product, line.quantity),
            (None, price) => Item::open(line.name.trim().to_owned(), line.quantity, price.unwrap_or_default()),
        };
        Item { discount: line.discount, ..item }
    }
}

/// From where and when a sale comes.
struct Origin {
    store: StoreId,
    limits: Option<CounterRules>,
    now: Timestamp,
    /// When the till sent it; none for a sale that is made now.
    sent_at: Option<Timestamp>,
}

fn command(sale: &Sale, caller: &Caller, origin: &Origin) -> PlaceOrder {
    let (sold_at, clock_wrong) =
        origin.sent_at.map_or((origin.now, false), |sent| rules::sold_at(sale.sold_at, sent, origin.now));
    let allowance = origin.limits.as_ref().map(|limits| {
        Box::new(Allowance {
            limit: limits.discount_of(caller.role),
            rules: limits.clone(),
            approval: sale.approval.clone(),
        })
    });
    let payment = |payment: &SalePayment| NewPayment {
        method: payment.method,
        amount: payment.amount,
        reference: payment.reference.clone(),
    };
    PlaceOrder {
        store: origin.store,
        customer: sale.customer_id,
        actor: caller.actor(),
        user: caller.user(),
        channel: Channel::Counter,
        items: sale.lines.iter().map(Sale::item).collect(),
        discount: sale.discount,
        payments: sale.payments.iter().map(payment).collect(),
        complete: true,
        note: sale.note.clone(),
        claim: Some(sale.claim()),
        now: origin.now,
        on: None,
        allowance,
        at_till: Some(Box::new(AtTill {
            till: sale.till_id,
            sale: sale.id.clone(),
            number: sale.number.clone(),
            sold_at,
            away: origin.sent_at.is_some(),
            clock_wrong,
            total: sale.total,
        })),
    }
}

/// The store of a till that the caller may use, and the limits where something is taken off.
async fn origin(site: &Site, caller: &Caller, till: TillId, discounts: bool) -> Result<Origin, Problem> {
    let now = site.clock.now();
    let (till, limits) = site
        .db
        .read(move |conn| {
            let till = payments::actions::load_till(conn, till)?;
            let limits = if discounts { Some(payments::actions::rules(conn)?) } else { None };
            Ok::<_, TillError>((till, limits))
        })
        .await?;
    if !caller.may_enter(till.store_id) {
        return Err(TillError::NoTill.into());
    }
    Ok(Origin { store: till.store_id, limits, now, sent_at: None })
}

async fn sell(
    State(site): State<Site>,
    Extension(desk): Extension<Desk>,
    seen: Allowed<SellAtCounter>,
    Json(sale): Json<Sale>,
) -> web::Result<Answer<Placed>> {
    sale.check()?;
    let origin = origin(&site, &seen, sale.till_id, sale.has_discount()).await?;
    Ok(desk.place(command(&sale, &seen, &origin)).await?.into())
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct SyncBody {
    till_id: TillId,
    /// When it was sent, by the till's clock.
    sent_at: Timestamp,
    /// Sales as the till made them, the oldest first.
    sales: Vec<Sale>,
}

/// What became of the sales of a sync.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct SyncedBody {
    till_id: TillId,
    received_at: Timestamp,
    recorded: usize,
    refused: usize,
    /// One for each sale, in their order.
    results: Vec<Outcome>,
}

/// What became of one sale.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct Outcome {
    /// The till's id for it.
    id: String,
    number: String,
    /// `recorded`: strike it out of the queue. `refused`: keep it.
    status: Verdict,
    /// It had been recorded before, and this is the first answer.
    replayed: bool,
    order_id: Option<OrderId>,
    order_code: Option<String>,
    invoice_number: Option<String>,
    total: Option<Money>,
    flags: Vec<Flag>,
    problem: Option<Refused>,
}

crate::words! {
    /// What became of one sale.
    enum Verdict {
        /// It is in the books.
        Recorded = "recorded",
        /// It is not.
        Refused = "refused",
    }
}

/// Why a sale is not recorded yet, and what is to be done.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct Refused {
    code: String,
    sentence: String,
    field: Option<String>,
    what_to_do: &'static str,
    /// It goes away by itself: send the sale again later, as it is.
    retry: bool,
}

impl Outcome {
    fn new(sale: &Sale, answer: Result<Stored, Problem>) -> Self {
        let bare = Self {
            id: sale.id.clone(),
            number: sale.number.clone(),
            status: Verdict::Refused,
            replayed: false,
            order_id: None,
            order_code: None,
            invoice_number: None,
            total: None,
            flags: Vec::new(),
            problem: None,
        };
        match answer.and_then(|stored| Ok((stored.replayed, parse(&stored.body)?))) {
            Ok((replayed, placed)) => Self {
                status: Verdict::Recorded,
                replayed,
                order_code: Some(order_code(placed.order_id)),
                order_id: Some(placed.order_id),
                invoice_number: placed.invoice_number,
                total: Some(placed.total),
                flags: placed.counter.flags,
                ..bare
            },
            Err(problem) => {
                let (what_to_do, retry) = rules::advice(&code_of(&problem), problem.status.as_u16());
                let refused = Refused {
                    code: code_of(&problem),
                    sentence: problem.sentence.clone(),
                    field: problem.fields.first().map(|field| field.field.clone()),
                    what_to_do,
                    retry,
                };
                Self { problem: Some(refused), ..bare }
            }
        }
    }
}

/// What a field is refused for says more than that a field is wrong.
fn code_of(problem: &Problem) -> String {
    problem.fields.first().map_or_else(|| problem.code.to_owned(), |field| field.code.clone())
}

/// What a sync reads of a stored answer.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Recorded {
    order_id: OrderId,
    invoice_number: Option<String>,
    total: Money,
    counter: RecordedNote,
}

#[derive(Deserialize)]
struct RecordedNote {
    flags: Vec<Flag>,
}

fn parse(body: &str) -> Result<Recorded, Problem> {
    serde_json::from_str(body).map_err(|error| Problem::internal(&error))
}

async fn sync(
    State(site): State<Site>,
    Extension(desk): Extension<Desk>,
    seen: Allowed<SellAtCounter>,
    Json(body): Json<SyncBody>,
) -> web::Result<axum::Json<SyncedBody>> {
    if body.sales.len() > MOST_SALES {
        return Err(Problem::field("sales", "too_large", "Send at most 500 sales at once."));
    }
    let origin = Origin { sent_at: Some(body.sent_at), ..origin(&site, &seen, body.till_id, true).await? };
    // Handed in in their order, and so taken in it; those that wait together share a transaction.
    let handed_in = body.sales.iter().map(|sale| {
        let command = sale.check().and_then(|()| {
            if sale.till_id == body.till_id { Ok(command(sale, &seen, &origin)) } else { Err(TillError::NoTill.into()) }
        });
        let desk = &desk;
        async move {
            match command {
                Ok(command) => desk.place(command).await.map_err(|error: OrderError| Problem::from(error)),
                Err(problem) => Err(problem),
            }
        }
    });
    let answers = futures_util::future::join_all(handed_in).await;
    let results: Vec<Outcome> =
        body.sales.iter().zip(answers).map(|(sale, answer)| Outcome::new(sale, answer)).collect();
    let recorded = results.iter().filter(|result| result.status == Verdict::Recorded).count();
    Ok(axum::Json(SyncedBody {
        till_id: body.till_id,
        received_at: origin.now,
        recorded,
        refused: results.len() - recorded,
        results,
    }))
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct FlaggedQuery {
    /// The store; the caller's own, or the first, when absent.
    store: Option<StoreId>,
    /// Where the page before ended.
    cursor: Option<OrderId>,
    limit: Option<i64>,
}

/// A sale that somebody should look at.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct FlaggedView {
    till_id: TillId,
    till_code: String,
    sale_id: String,
    order_id: OrderId,
    order_code: String,
    number: String,
    sold_at: Timestamp,
    received_at: Timestamp,
    flags: Vec<Flag>,
}

impl From<FlaggedRow> for FlaggedView {
    fn from(row: FlaggedRow) -> Self {
        Self {
            till_id: row.till_id,
            till_code: row.till_code,
            sale_id: row.sale_id,
            order_code: order_code(row.order_id),
            order_id: row.order_id,
            number: row.number,
            sold_at: row.sold_at,
            received_at: row.received_at,
            flags: row.flags.split(' ').filter_map(Flag::from_word).collect(),
        }
    }
}

async fn flagged(
    State(site): State<Site>,
    seen: Allowed<ManageTills>,
    Query(query): Query<FlaggedQuery>,
) -> web::Result<Listed<FlaggedView>> {
    let (store, limit) = (seen.choose_store(query.store)?, page_size(query.limit)?);
    let before = query.cursor.map_or(i64::MAX, OrderId::number);
    let rows = site
        .db
        .read(move |conn| conn.all(&queries::FLAGGED, &[store.into(), before.into(), limit.into()]))
        .await
        .map_err(Problem::from)?;
    let full = i64::try_from(rows.len()).unwrap_or(i64::MAX) >= limit;
    let next = rows.last().filter(|_| full);
    let next = next.map(|last| format!("/api/pos/flagged?store={store}&cursor={}&limit={limit}", last.order_id));
    Ok(Listed { rows: rows.into_iter().map(FlaggedView::from).collect(), total: -1, next })
}
