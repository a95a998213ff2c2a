//! Routes for orders and their payments.

use aide::axum::routing::{get_with, post_with};
use axum::Extension;
use axum::extract::State;
use axum::http::{HeaderName, StatusCode, header};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;
use serde_json::value::RawValue;

use super::actions::{self, Actor, Whole};
use super::desk::Desk;
use super::model::{
    Channel, Item, Method, NewPayment, OrderError, OrderStatus, PaymentState, PlaceOrder, Placed, order_code,
    parse_order_code,
};
use super::queries::Which;
use super::rules::MOST_LINES;
use super::view::OrderView;
use crate::audit::By;
use crate::clock::Timestamp;
use crate::ids::{OrderId, ProductId, StoreId, UserId};
use crate::money::{Money, Quantity};
use crate::shop;
use crate::staff::access::{
    Buy, CancelOrder, FulfilOrders, GiveDiscount, PlaceOrder as MayPlace, SeeCustomers, SeeOrder, SeeOrders,
    TakePayments,
};
use crate::staff::{Allowed, Caller, Principal};
use crate::web::answer::{Answer, page_size};
use crate::web::docs::describe;
use crate::web::extract::Ignored;
use crate::web::porch::Address;
use crate::web::{self, IfMatch, Json, Listed, Path, Problem, Query, Routes, Sent, Site, Tagged, idempotency};

/// The routes of orders.
pub fn routes() -> Routes {
    const TAG: &str = "Orders";
    Routes::new()
        .api_route(
            "/api/orders",
            post_with(place, |op| describe(op, TAG, "Places an order, or sells at the counter in one step")),
        )
        .api_route(
            "/api/orders/{id}",
            get_with(show, |op| describe(op, TAG, "An order with lines, payments and steps")),
        )
        .api_route(
            "/api/customer/orders",
            get_with(list_own, |op| describe(op, TAG, "The customer's own orders, newest first")),
        )
        .api_route(
            "/api/shopkeeper/customers/{id}/orders",
            get_with(list_of, |op| describe(op, TAG, "What one customer bought, newest first")),
        )
        .api_route("/api/shopkeeper/orders", get_with(list_all, |op| describe(op, TAG, "All orders, newest first")))
        .api_route(
            "/api/orders/{id}/confirm",
            post_with(confirm, |op| describe(op, TAG, "The shop has seen the order")),
        )
        .api_route("/api/orders/{id}/pack", post_with(pack, |op| describe(op, TAG, "The order is in its bag")))
        .api_route(
            "/api/orders/{id}/ready",
            post_with(ready, |op| describe(op, TAG, "The order waits to be picked up")),
        )
        .api_route(
            "/api/orders/{id}/complete",
            post_with(complete, |op| describe(op, TAG, "Hands the order over; takes what is still to be paid")),
        )
        .api_route(
            "/api/orders/{id}/cancel",
            post_with(cancel, |op| describe(op, TAG, "Calls the order off; stock and money go back")),
        )
        .api_route(
            "/api/orders/{id}/payments",
            post_with(pay, |op| describe(op, TAG, "Takes a payment, or notes one that was promised")),
        )
        .api_route(
            "/api/orders/{id}/upi-qr.svg",
            get_with(upi_qr, |op| describe(op, TAG, "The QR by which what is due is paid by UPI")),
        )
        .api_route(
            "/api/orders/{id}/payments/{number}/confirm",
            post_with(confirm_payment, |op| describe(op, TAG, "Confirms a payment that was promised")),
        )
}

/// An order as it is asked for. What a documented client sends and we do not need (a line's name, price
/// and category, the order's total) is accepted and ignored: the shop's own price counts.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct OrderBody {
    #[serde(default)]
    items: Vec<ItemBody>,
    /// `Cash`, `Card` or `UPI`, in any case; for staff also `credit`.
    payment_method: Option<String>,
    /// Several payments instead of one.
    #[serde(default)]
    payments: Vec<PaymentBody>,
    /// Ignored: the shop's own prices count.
    #[serde(default)]
    #[expect(dead_code, reason = "documented clients send it")]
    total: Ignored,
    /// On whose behalf; only staff.
    customer_id: Option<UserId>,
    store_id: Option<StoreId>,
    /// Taken off the whole order; only who may give discounts.
    discount: Option<Money>,
    /// Handed over and paid at once, as at the counter; only staff.
    #[serde(default)]
    complete: bool,
    #[serde(default)]
    note: String,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct ItemBody {
    /// The product's id. Without it the line is an open item, in no catalogue, with a name and a price of its own.
    id: Option<ProductId>,
    quantity: Quantity,
    /// What an open item is called; ignored for a product.
    #[schemars(with = "Option<String>")]
    name: Option<Box<RawValue>>,
    /// What one of an open item costs, with all tax in it; ignored for a product.
    #[schemars(with = "Option<Money>")]
    price: Option<Box<RawValue>>,
    /// Ignored.
    #[serde(default)]
    #[expect(dead_code, reason = "documented clients send it")]
    category: Ignored,
}

/// The longest name of an open item.
const LONGEST_NAME: usize = 200;

impl ItemBody {
    /// The line; an open item is for those who take payments, since its price is what they say.
    fn check(&self, line: usize, caller: &Caller) -> Result<Item, Problem> {
        if let Some(id) = self.id {
            return Ok(Item::of(id, self.quantity));
        }
        let (Some(name), Some(price)) = (&self.name, &self.price) else {
            return Err(Problem::field("id", "missing", "Missing field: id"));
        };
        if !caller.may::<TakePayments>() {
            return Err(Problem::forbidden("Your role does not allow selling what is in no catalogue."));
        }
        let name: String = serde_json::from_str(name.get()).unwrap_or_default();
        let name = name.trim();
        if name.is_empty() || name.chars().count() > LONGEST_NAME {
            let field = format!("items[{line}].name");
            return Err(Problem::field(field, "invalid", "An open item has a name of 1 to 200 characters."));
        }
        let price: Money = serde_json::from_str(price.get())
            .map_err(|error| Problem::field(format!("items[{line}].price"), "invalid", error.to_string()))?;
        Ok(Item::open(name.to_owned(), self.quantity, price))
    }
}

/// A payment as it is sent.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct PaymentBody {
    /// `Cash`, `Card`, `UPI` or `credit`, in any case.
    method: String,
    /// What is still due, when absent.
    amount: Option<Money>,
    /// The bank's reference.
    #[serde(default)]
    reference: String,
}

impl PaymentBody {
    fn check(&self, field: &str) -> Result<NewPayment, Problem> {
        if self.reference.chars().count() > 100 {
            return Err(Problem::field(
                format!("{field}.reference"),
                "too_long",
                "A reference has at most 100 characters.",
            ));
        }
        let method = method(&self.method, &format!("{field}.method"))?;
        Ok(NewPayment { method, amount: self.amount, reference: self.reference.clone() })
    }
}

fn method(word: &str, field: &str) -> Result<Method, Problem> {
    Method::from_word(word)
        .ok_or_else(|| Problem::field(field, "invalid", format!("{word} is no payment method; use Cash, Card or UPI.")))
}

async fn place(
    State(site): State<Site>,
    Extension(desk): Extension<Desk>,
    seen: Allowed<MayPlace>,
    Sent { body, key }: Sent<OrderBody>,
) -> web::Result<Answer<Placed>> {
    let caller = seen.caller;
    let claim = caller.claim(key);
    let mut command = body.check(&caller, site.clock.now())?;
    command.claim = claim;
    Ok(desk.place(command).await?.into())
}

impl OrderBody {
    fn check(self, caller: &Caller, now: Timestamp) -> Result<PlaceOrder, Problem> {
        if self.items.is_empty() {
            return Err(Problem::field("items", "missing", "Order must contain items"));
        }
        if self.items.len() > MOST_LINES {
            return Err(OrderError::TooManyLines(MOST_LINES).into());
        }
        if self.note.chars().count() > 1_000 {
            return Err(Problem::field("note", "too_long", "A note has at most 1,000 characters."));
        }
        let payments = match (&self.payment_method, self.payments.is_empty()) {
            (Some(word), true) if !word.trim().is_empty() => {
                let method = method(word.trim(), "paymentMethod")?;
                vec![NewPayment { method, amount: None, reference: String::new() }]
            }
            (_, false) => self
                .payments
                .iter()
                .enumerate()
                .map(|(index, payment)| payment.check(&format!("payments[{index}]")))
                .collect::<Result<_, _>>()?,
            _ => return Err(Problem::field("paymentMethod", "missing", "Payment method required")),
        };
        let staff = caller.is_staff();
        let customer = match (staff, self.customer_id) {
            (true, customer) => customer,
            (false, None) => caller.user(),
            (false, Some(named)) if Some(named) == caller.user() => Some(named),
            (false, Some(_)) => return Err(Problem::forbidden("You can order for yourself only.")),
        };
        if !staff && self.complete {
            return Err(Problem::forbidden("Only the shop hands orders over."));
        }
        if !staff && payments.iter().any(|payment| matches!(payment.method, Method::Credit | Method::StoreCredit)) {
            return Err(Problem::forbidden("Only the shop sells on credit."));
        }
        let discount = self.discount.unwrap_or_default();
        if !discount.is_zero() && !caller.may::<GiveDiscount>() {
            return Err(Problem::forbidden("Your role does not allow discounts."));
        }
        let items =
            self.items.iter().enumerate().map(|(line, item)| item.check(line, caller)).collect::<Result<_, _>>()?;
        let channel = match (caller.principal, self.complete) {
            (Principal::Key(_), _) => Channel::Api,
            (_, true) => Channel::Counter,
            _ if staff => Channel::Counter,
            _ => Channel::Web,
        };
        Ok(PlaceOrder {
            store: caller.choose_store(self.store_id)?,
            customer,
            actor: caller.actor(),
            user: caller.user(),
            channel,
            items,
            discount,
            payments,
            complete: self.complete,
            note: self.note,
            claim: None,
            now,
            on: None,
            allowance: None,
            at_till: None,
        })
    }
}

/// Who acts, with the orders that are theirs.
pub(super) fn actor(caller: &Caller) -> Actor {
    Actor {
        name: caller.actor(),
        user: caller.user(),
        only_of: if caller.is_staff() { None } else { caller.user() },
        only_in: caller.store,
    }
}

/// An order's id or code in a path.
pub(super) fn order_id(text: &str) -> Result<OrderId, Problem> {
    parse_order_code(text).ok_or_else(|| OrderError::NoOrder.into())
}

async fn show(
    State(site): State<Site>,
    seen: Allowed<SeeOrder>,
    Path(id): Path<String>,
) -> web::Result<Tagged<OrderView>> {
    let (id, caller) = (order_id(&id)?, seen.caller);
    let whole = site
        .db
        .read({
            let actor = actor(&caller);
            move |conn| actions::load(conn, &actor, id)
        })
        .await?;
    Ok(Tagged { version: whole.order.version, body: OrderView::new(whole, caller.is_staff()) })
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct OwnQuery {
    /// The order that the page before ended with.
    cursor: Option<OrderId>,
    limit: Option<i64>,
}

async fn list_own(
    State(site): State<Site>,
    seen: Allowed<Buy>,
    Query(query): Query<OwnQuery>,
) -> web::Result<Listed<OrderView>> {
    let customer = seen.user().ok_or_else(|| Problem::forbidden("Only customers have orders of their own."))?;
    let limit = page_size(query.limit)?;
    let (orders, total) =
        site.db.read(move |conn| actions::list_of_customer(conn, customer, query.cursor, limit)).await?;
    let next = next_page(&orders, limit, "/api/customer/orders?");
    Ok(Listed { rows: orders.into_iter().map(|whole| OrderView::new(whole, false)).collect(), total, next })
}

/// What a customer bought, as far as the caller may see: staff of one store see what was bought there.
async fn list_of(
    State(site): State<Site>,
    seen: Allowed<SeeCustomers>,
    Path(id): Path<String>,
    Query(query): Query<OwnQuery>,
) -> web::Result<Listed<OrderView>> {
    let customer: UserId = id.parse().map_err(|_| Problem::not_found("There is no such customer."))?;
    let (limit, own_store) = (page_size(query.limit)?, seen.store);
    let (orders, total) = site
        .db
        .read(move |conn| {
            crate::customers::actions::load(conn, customer).map_err(Problem::from)?;
            Ok::<_, Problem>(actions::list_of_customer(conn, customer, query.cursor, limit)?)
        })
        .await?;
    let next = next_page(&orders, limit, &format!("/api/shopkeeper/customers/{customer}/orders?"));
    let rows = orders.into_iter().filter(|whole| own_store.is_none_or(|own| own == whole.order.store_id));
    let rows = rows.map(|whole| OrderView::new(whole, true)).collect();
    Ok(Listed { rows, total: if own_store.is_none() { total } else { -1 }, next })
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct AllQuery {
    /// One store; all that the caller may enter, when absent.
    store: Option<StoreId>,
    /// `open`, or one status.
    status: Option<String>,
    /// The order that the page before ended with.
    cursor: Option<i64>,
    limit: Option<i64>,
}

async fn list_all(
    State(site): State<Site>,
    seen: Allowed<SeeOrders>,
    Query(query): Query<AllQuery>,
) -> web::Result<Listed<OrderView>> {
    let store = seen.ask_store(query.store)?;
    let which = match query.status.as_deref() {
        None | Some("") => Which::All,
        Some("open") => Which::Open,
        Some(word) => Which::In(
            OrderStatus::from_word(word)
                .ok_or_else(|| Problem::field("status", "invalid", "The status is open or one of the order's."))?,
        ),
    };
    let limit = page_size(query.limit)?;
    let before = query.cursor.unwrap_or(i64::MAX);
    let (orders, total) = site.db.read(move |conn| actions::list(conn, store, which, before, limit)).await?;
    let mut path = "/api/shopkeeper/orders?".to_owned();
    if let Some(status) = &query.status {
        path.push_str(&format!("status={status}&"));
    }
    if let Some(store) = store {
        path.push_str(&format!("store={store}&"));
    }
    let next = next_page(&orders, limit, &path);
    let rows: Vec<OrderView> = orders.into_iter().map(|whole| OrderView::new(whole, true)).collect();
    let total = total.unwrap_or(-1);
    Ok(Listed { rows, total, next })
}

fn next_page(orders: &[Whole], limit: i64, path: &str) -> Option<String> {
    let full = i64::try_from(orders.len()).unwrap_or(i64::MAX) >= limit;
    orders.last().filter(|_| full).map(|last| format!("{path}cursor={}&limit={limit}", last.order.id))
}

/// What may be said with a step.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
struct StepBody {
    note: String,
    /// With `complete`: what is paid now.
    payments: Vec<PaymentBody>,
}

/// What a step asks for, with everything that it needs.
struct Request {
    site: Site,
    caller: Caller,
    address: Address,
    id: String,
    sent: Sent<StepBody>,
}

/// Runs a step once for its key and answers with the order as it stands then.
async fn take_step(
    request: Request,
    act: impl Fn(&mut crate::db::Conn<'_>, &Actor, OrderId, &StepBody, By<'_>) -> Result<(), OrderError> + Send + 'static,
) -> web::Result<Answer<OrderView>> {
    let Request { site, caller, address, id, sent: Sent { body, key } } = request;
    let id = order_id(&id)?;
    let (claim, actor, now) = (caller.claim(key), actor(&caller), site.clock.now());
    let for_staff = caller.is_staff();
    let answer = site
        .db
        .write(move |conn| {
            idempotency::once(conn, claim.as_ref(), now, StatusCode::OK, |conn| {
                let by = By { actor: &actor.name, from: &address.text(), now };
                act(conn, &actor, id, &body, by)?;
                Ok::<_, OrderError>(OrderView::new(actions::load(conn, &actor, id)?, for_staff))
            })
        })
        .await?;
    Ok(answer.into())
}

macro_rules! steps {
    ($($name:ident: $to:ident;)*) => { $(
        async fn $name(
            State(site): State<Site>,
            seen: Allowed<FulfilOrders>,
            address: Address,
            Path(id): Path<String>,
            IfMatch(version): IfMatch,
            sent: Sent<StepBody>,
        ) -> web::Result<Answer<OrderView>> {
            let request = Request { site, caller: seen.caller, address, id, sent };
            take_step(request, move |conn, actor, id, body, by| {
                actions::advance(conn, actor, id, OrderStatus::$to, version, &body.note, by)
            })
            .await
        }
    )* };
}

steps! {
    confirm: Confirmed;
    pack: Packed;
    ready: Ready;
}

async fn complete(
    State(site): State<Site>,
    seen: Allowed<FulfilOrders>,
    address: Address,
    Path(id): Path<String>,
    IfMatch(version): IfMatch,
    sent: Sent<StepBody>,
) -> web::Result<Answer<OrderView>> {
    let payments = sent
        .body
        .payments
        .iter()
        .enumerate()
        .map(|(index, payment)| payment.check(&format!("payments[{index}]")))
        .collect::<Result<Vec<_>, _>>()?;
    if !payments.is_empty() && !seen.may::<TakePayments>() {
        return Err(Problem::forbidden("Your role does not allow taking payments."));
    }
    let request = Request { site, caller: seen.caller, address, id, sent };
    take_step(request, move |conn, actor, id, _, by| actions::complete(conn, actor, id, &payments, version, by)).await
}

async fn cancel(
    State(site): State<Site>,
    seen: Allowed<CancelOrder>,
    address: Address,
    Path(id): Path<String>,
    IfMatch(version): IfMatch,
    sent: Sent<StepBody>,
) -> web::Result<Answer<OrderView>> {
    let request = Request { site, caller: seen.caller, address, id, sent };
    take_step(request, move |conn, actor, id, body, by| actions::cancel(conn, actor, id, &body.note, version, by)).await
}

/// A payment that was noted.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct PaidBody {
    payment: i64,
    order: OrderView,
}

async fn pay(
    State(site): State<Site>,
    seen: Allowed<SeeOrder>,
    address: Address,
    Path(id): Path<String>,
    Sent { body, key }: Sent<PaymentBody>,
) -> web::Result<Answer<PaidBody>> {
    let (id, payment, caller) = (order_id(&id)?, body.check("payment")?, seen.caller);
    let takes = caller.may::<TakePayments>();
    if caller.is_staff() && !takes {
        return Err(Problem::forbidden("Your role does not allow taking payments."));
    }
    if !takes && payment.method != Method::Upi {
        return Err(Problem::forbidden("Only the shop takes payments; you can note a UPI payment."));
    }
    // What a customer says they have paid waits for the shop; so does UPI without its reference.
    let here = takes && (payment.method != Method::Upi || !payment.reference.is_empty());
    let state = if here { PaymentState::Confirmed } else { PaymentState::Pending };
    let (claim, actor, now, for_staff) = (caller.claim(key), actor(&caller), site.clock.now(), caller.is_staff());
    let answer = site
        .db
        .write(move |conn| {
            idempotency::once(conn, claim.as_ref(), now, StatusCode::CREATED, |conn| {
                let by = By { actor: &actor.name, from: &address.text(), now };
                let number = actions::pay(conn, &actor, id, &payment, state, by)?;
                let order = OrderView::new(actions::load(conn, &actor, id)?, for_staff);
                Ok::<_, OrderError>(PaidBody { payment: number, order })
            })
        })
        .await?;
    Ok(answer.into())
}

/// What proves a payment.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
struct ConfirmBody {
    /// The bank's reference.
    reference: String,
}

async fn confirm_payment(
    State(site): State<Site>,
    seen: Allowed<TakePayments>,
    address: Address,
    Path((id, number)): Path<(String, i64)>,
    Json(body): Json<ConfirmBody>,
) -> web::Result<axum::Json<OrderView>> {
    let (id, actor, now) = (order_id(&id)?, actor(&seen.caller), site.clock.now());
    let view = site
        .db
        .write(move |conn| {
            let by = By { actor: &actor.name, from: &address.text(), now };
            actions::confirm_payment(conn, &actor, id, number, &body.reference, by)?;
            Ok::<_, OrderError>(OrderView::new(actions::load(conn, &actor, id)?, true))
        })
        .await?;
    Ok(axum::Json(view))
}

/// The QR of what is still due, with the order's code as the reference. Nothing comes back from it: a
/// payment is confirmed by the shop.
async fn upi_qr(
    State(site): State<Site>,
    seen: Allowed<SeeOrder>,
    Path(id): Path<String>,
) -> web::Result<([(HeaderName, &'static str); 2], String)> {
    let (id, actor) = (order_id(&id)?, actor(&seen.caller));
    let (order, shop) = site
        .db
        .read(move |conn| Ok::<_, OrderError>((actions::load(conn, &actor, id)?.order, shop::current(conn)?)))
        .await?;
    if shop.upi_id.is_empty() {
        return Err(Problem::not_found("The shop has no UPI address yet."));
    }
    if order.status == OrderStatus::Cancelled || order.due().is_zero() {
        return Err(Problem::conflict("nothing_due", "Nothing is to be paid for this order."));
    }
    let code = order_code(order.id);
    let link =
        shop::upi::link(&shop.upi_id, &shop.name, Some(order.due()), Some(&code), Some(&format!("Order {code}")));
    let headers = [(header::CONTENT_TYPE, "image/svg+xml"), (header::CACHE_CONTROL, "no-store")];
    Ok((headers, shop::upi::qr_svg(&link)))
}

impl From<OrderError> for Problem {
    fn from(error: OrderError) -> Self {
        let sentence = error.to_string();
        match error {
            OrderError::Empty => Self::field("items", "missing", sentence),
            OrderError::NoPayment => Self::field("paymentMethod", "missing", sentence),
            OrderError::NoProduct { line, .. } => Self::field(format!("items[{line}].id"), "unknown_product", sentence),
            OrderError::BadQuantity { line, .. } => Self::field(format!("items[{line}].quantity"), "invalid", sentence),
            OrderError::BadPrice { line } => Self::field(format!("items[{line}].price"), "invalid", sentence),
            OrderError::BadDiscount(_) => Self::field("discount", "invalid", sentence),
            OrderError::BadAmount(due) => Self::field("amount", "invalid", sentence).with("due", json!(due)),
            OrderError::NoCustomer(_) => Self::field("customerId", "unknown_customer", sentence),
            OrderError::NoStore(_) => Self::field("storeId", "unknown_store", sentence),
            OrderError::TooLarge | OrderError::TooManyLines(_) => Self::field("items", "too_large", sentence),
            OrderError::NoStoreCredit | OrderError::CreditNeedsCustomer => {
                Self::field("paymentMethod", "invalid", sentence)
            }
            OrderError::Short(lines) => Self::conflict("stock_short", sentence)
                .with("lines", json!(lines))
                .with("available", json!(lines[0].available)),
            OrderError::PaymentsDiffer { total, .. } => {
                Self::field("payments", "payments_differ", sentence).with("total", json!(total))
            }
            OrderError::PaymentDue(due) => Self::conflict("payment_due", sentence).with("due", json!(due)),
            OrderError::CreditLimit(left) => Self::conflict("credit_limit", sentence).with("left", json!(left)),
            OrderError::NoOrder | OrderError::NoSuchPayment => Self::not_found(sentence),
            OrderError::NotPending(_) => Self::conflict("not_pending", sentence),
            OrderError::NoSuchStep { from, .. } => Self::conflict("no_such_step", sentence).with("status", from.word()),
            OrderError::CalledOff => Self::conflict("cancelled", sentence),
            OrderError::TooLateToCancel(_) => Self::conflict("too_late", sentence),
            OrderError::Stale => web::extract::stale(),
            OrderError::KeyReused => Self::new(StatusCode::UNPROCESSABLE_ENTITY, "idempotency_key_reused", sentence),
            OrderError::PriceChanged(lines) => Self::conflict("price_changed", sentence).with("lines", json!(lines)),
            OrderError::TotalDiffers { total, .. } => {
                Self::conflict("total_differs", sentence).with("total", json!(total))
            }
            OrderError::DiscountLimit(limit) => {
                Self::new(StatusCode::FORBIDDEN, "approval_needed", sentence).with("limit", json!(limit))
            }
            OrderError::Till(error) => error.into(),
            OrderError::Approval(error) => error.into(),
            OrderError::Stock(error) => error.into(),
            OrderError::Db(error) => error.into(),
        }
    }
}
