//! `/purchase`: one item of one customer.
//!
//! An item that the shop sells takes its stock at the sales desk; when that is short, nothing is recorded.
//! Anything else is recorded as an open item, which moves no stock.
//!
//! The price is the shop's. A `Rate` that differs from it counts only when it comes from somebody who may
//! give discounts, and an item that the shop does not know only from staff: nobody sets the price of what
//! they buy. Staff record what was bought and paid; what customers send themselves is an order, which the
//! shop hands over. Another day than today is recorded by staff alone.

use aide::axum::routing::post_with;
use axum::Extension;
use axum::extract::State;
use axum::http::StatusCode;
use schemars::JsonSchema;
use serde::Deserialize;

use super::super::body::{self, Anything};
use super::super::gate::Let;
use super::super::words::{Message, Said, System as _};
use super::{Counter, NO_DATA, TAG, missing, required};
use crate::catalog::{self, Product};
use crate::clock::BusinessDate;
use crate::db::Conn;
use crate::ids::UserId;
use crate::money::{Money, Quantity};
use crate::orders::{Channel, Desk, Item, Method, NewPayment, OrderError, PlaceOrder};
use crate::shop;
use crate::staff::access::{GiveDiscount, PlaceOrder as MayPlace};
use crate::staff::{self, Caller, Kind, Principal};
use crate::web::docs::describe;
use crate::web::{self, Problem, Routes, Site};

/// No purchase is older.
const FIRST_DAY: BusinessDate = BusinessDate::from_number(19_700_101);

pub(super) fn routes() -> Routes {
    Routes::new().api_route("/purchase", post_with(purchase, |op| describe(op, TAG, "Records what a customer buys")))
}

/// What a customer buys.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default)]
struct PurchaseBody {
    /// The customer; oneself when absent.
    #[serde(rename = "User_id", alias = "userid")]
    user: Option<UserId>,
    /// The customer by e-mail address, as some clients name them.
    #[serde(rename = "Email_ID", alias = "emailid", alias = "email", deserialize_with = "body::text")]
    email: Option<String>,
    /// What is bought.
    #[serde(
        rename = "Item",
        alias = "item",
        alias = "itemname",
        alias = "productname",
        deserialize_with = "body::text"
    )]
    item: Option<String>,
    /// How many.
    #[serde(rename = "Quantity", alias = "quantity")]
    quantity: Option<Quantity>,
    /// What one costs; the shop's own price when absent.
    #[serde(rename = "Rate", alias = "rate", alias = "price")]
    rate: Option<Money>,
    /// The day, like 2024-04-20; today when absent.
    #[serde(rename = "Date_of_purchase", alias = "dateofpurchase", alias = "date", deserialize_with = "body::text")]
    date: Option<String>,
}

async fn purchase(
    State(site): State<Site>,
    Extension(desk): Extension<Desk>,
    seen: Let<Counter, MayPlace>,
    sent: Anything<PurchaseBody>,
) -> web::Result<Said<Message>> {
    if sent.is_empty {
        return Err(Counter::bad_request(NO_DATA));
    }
    let body = sent.body;
    let name = required("Item", body.item.clone())?;
    let quantity = body.quantity.ok_or_else(|| missing("Quantity"))?;
    let caller = seen.caller;
    let (store, now) = (caller.choose_store(None)?, site.clock.now());

    let (email, wanted) = (body.email.clone(), name.clone());
    let (today, named, product) = site
        .db
        .read(move |conn| {
            let today = shop::current(conn)?.business_date(now);
            let named = email.as_deref().map(|email| find_customer(conn, email)).transpose()?;
            let product = match catalog::actions::find_by_name(conn, &wanted)? {
                Some(id) => Some(catalog::actions::load(conn, store, id)?),
                None => None,
            };
            Ok::<_, Problem>((today, named, product))
        })
        .await?;

    let customer = whose(&caller, body.user.or(named))?;
    let on = day(&caller, body.date.as_deref(), today)?;
    let (item, note) = line(&caller, name, quantity, body.rate, product)?;
    let command = PlaceOrder {
        store,
        customer: Some(customer),
        actor: caller.actor(),
        user: caller.user(),
        channel: channel(&caller),
        items: vec![item],
        discount: Money::ZERO,
        payments: vec![NewPayment { method: Method::Cash, amount: None, reference: String::new() }],
        complete: caller.is_staff(),
        note,
        claim: caller.claim(sent.key),
        now,
        on,
        allowance: None,
        at_till: None,
    };
    desk.place(command).await.map_err(refusal)?;
    Ok(Message::ok("Purchase recorded successfully"))
}

fn find_customer(conn: &mut Conn<'_>, email: &str) -> web::Result<UserId> {
    let found = staff::actions::find_accounts(conn, email)?;
    found.iter().find(|user| user.kind == Kind::Customer).map(|user| user.id).ok_or_else(nobody)
}

fn nobody() -> Problem {
    Counter::refuse(StatusCode::NOT_FOUND, "unknown_customer", "User not found")
}

/// Customers buy for themselves.
fn whose(caller: &Caller, named: Option<UserId>) -> web::Result<UserId> {
    if caller.is_staff() {
        return named.ok_or_else(|| missing("User_id"));
    }
    match (caller.user(), named) {
        (Some(own), None) => Ok(own),
        (Some(own), Some(named)) if own == named => Ok(own),
        _ => Err(Counter::refuse(StatusCode::FORBIDDEN, "forbidden", "You can buy for yourself only.")),
    }
}

/// The business date of the purchase; none for today.
fn day(caller: &Caller, named: Option<&str>, today: BusinessDate) -> web::Result<Option<BusinessDate>> {
    let Some(text) = named.map(str::trim).filter(|text| !text.is_empty()) else { return Ok(None) };
    let day =
        BusinessDate::parse(text).ok_or_else(|| Counter::bad_request("'Date_of_purchase' is a day like 2024-04-20"))?;
    if day < FIRST_DAY {
        return Err(Counter::bad_request("'Date_of_purchase' is too long ago"));
    }
    if day > today {
        return Err(Counter::bad_request("'Date_of_purchase' is still to come"));
    }
    if day < today && !caller.is_staff() {
        let sentence = "Only the shop records what was bought on another day.";
        return Err(Counter::refuse(StatusCode::FORBIDDEN, "forbidden", sentence));
    }
    Ok((day != today).then_some(day))
}

/// The line, and what is noted of its price.
fn line(
    caller: &Caller,
    name: String,
    quantity: Quantity,
    rate: Option<Money>,
    product: Option<Product>,
) -> web::Result<(Item, String)> {
    if quantity <= Quantity::ZERO {
        return Err(Counter::put(Problem::field("Quantity", "invalid", "'Quantity' must be more than nothing")));
    }
    if rate.is_some_and(Money::is_negative) {
        return Err(Counter::put(Problem::field("Rate", "invalid", "'Rate' must not be below zero")));
    }
    let Some(product) = product else {
        if !caller.is_staff() {
            return Err(Counter::refuse(StatusCode::NOT_FOUND, "unknown_product", "Item not found"));
        }
        if name.chars().count() > 200 {
            return Err(Counter::put(Problem::field("Item", "too_long", "'Item' has at most 200 characters")));
        }
        return Ok((Item::open(name, quantity, rate.ok_or_else(|| missing("Rate"))?), String::new()));
    };
    match rate {
        Some(rate) if rate != product.price_paise && caller.may::<GiveDiscount>() => {
            if let Some(mrp) = product.mrp_paise.filter(|mrp| rate > *mrp) {
                return Err(Counter::bad_request(format!("'Rate' {rate} is above the MRP {mrp}")));
            }
            let note = format!("Rate {rate} was agreed; the price is {}.", product.price_paise);
            Ok((Item::at(product.id, quantity, rate), note))
        }
        _ => Ok((Item::of(product.id, quantity), String::new())),
    }
}

fn channel(caller: &Caller) -> Channel {
    match caller.principal {
        Principal::User(_) if caller.is_staff() => Channel::Counter,
        Principal::User(_) => Channel::Web,
        Principal::Key(_) | Principal::System => Channel::Api,
    }
}

fn refusal(error: OrderError) -> Problem {
    match error {
        OrderError::NoCustomer(_) => nobody(),
        OrderError::Short(_) => {
            let mut problem = Problem::from(error);
            problem.status = StatusCode::BAD_REQUEST;
            Counter::put(problem)
        }
        error => Counter::put(error.into()),
    }
}
