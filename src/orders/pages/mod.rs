//! The pages on which the shop works its orders off: the board, and one order.

mod board;
mod detail;

use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse as _, Redirect, Response};
use axum::routing::{get, post};

use super::actions;
use super::api::{actor, order_id};
use super::model::{Method, NewPayment, OrderStatus, Payment, PaymentState};
use crate::audit::By;
use crate::money::Money;
use crate::staff::access::{CancelOrder, FulfilOrders, TakePayments};
use crate::staff::pages::check_form;
use crate::staff::{Allowed, Caller};
use crate::web::page::{Page, Reader};
use crate::web::porch::Address;
use crate::web::{self, Form, Path, Problem, Site};

pub use board::show as board;

/// The pages of orders. The board itself shares `/orders` with a documented call, which leads browsers to it.
pub fn routes() -> Router<Site> {
    Router::new()
        .route("/orders/{id}", get(detail::show))
        .route("/orders/{id}/step", post(take_step))
        .route("/orders/{id}/cancel", post(cancel))
        .route("/orders/{id}/payments", post(take_payment))
        .route("/orders/{id}/payments/{number}", post(answer_payment))
}

/// Where a form leads when all went well: back to the board, or to the order.
fn back(form: &Form, id: impl std::fmt::Display, done: &str) -> Response {
    let address = match form.value("back") {
        "board" => format!("/orders?done={done}"),
        "home" => "/".to_owned(),
        _ => format!("/orders/{id}?done={done}"),
    };
    Redirect::to(&address).into_response()
}

/// What a refused form shows: the order as it stands, with the reason above it.
async fn refuse(site: &Site, reader: &Reader, caller: Caller, id: &str, problem: Problem) -> web::Result<Response> {
    if !matches!(problem.status.as_u16(), 400 | 409 | 412) {
        return Err(problem);
    }
    detail::draw_again(site, reader, caller, id, problem).await
}

async fn take_step(
    State(site): State<Site>,
    seen: Allowed<FulfilOrders>,
    address: Address,
    reader: Reader,
    Path(id): Path<String>,
    form: Form,
) -> web::Result<Response> {
    let caller = seen.caller;
    check_form(&caller, form.value("csrf"))?;
    let to = OrderStatus::from_word(form.value("to"))
        .filter(|to| *to != OrderStatus::Cancelled)
        .ok_or_else(|| Problem::field("to", "invalid", "An order cannot go there."))?;
    let payments = match form.value("method") {
        "" => Vec::new(),
        _ if !caller.may::<TakePayments>() => {
            return Err(Problem::forbidden("Your role does not allow taking payments."));
        }
        word => vec![new_payment(word, None, form.value("reference"))?],
    };
    let (order, who, now) = (order_id(&id)?, actor(&caller), site.clock.now());
    let version = form.value("version").parse().ok();
    let outcome = site
        .db
        .write(move |conn| {
            let by = By { actor: &who.name, from: &address.text(), now };
            match to {
                OrderStatus::Completed => actions::complete(conn, &who, order, &payments, version, by),
                to => actions::advance(conn, &who, order, to, version, "", by),
            }
        })
        .await;
    match outcome {
        Ok(()) => Ok(back(&form, &id, to.word())),
        Err(error) => refuse(&site, &reader, caller, &id, error.into()).await,
    }
}

async fn cancel(
    State(site): State<Site>,
    seen: Allowed<CancelOrder>,
    address: Address,
    reader: Reader,
    Path(id): Path<String>,
    form: Form,
) -> web::Result<Response> {
    let caller = seen.caller;
    check_form(&caller, form.value("csrf"))?;
    let note = form.value("note").to_owned();
    if caller.is_staff() && note.is_empty() {
        let problem = Problem::field("note", "missing", "Say why the order is called off.");
        return refuse(&site, &reader, caller, &id, problem).await;
    }
    let (order, who, now) = (order_id(&id)?, actor(&caller), site.clock.now());
    let version = form.value("version").parse().ok();
    let outcome = site
        .db
        .write(move |conn| {
            let by = By { actor: &who.name, from: &address.text(), now };
            actions::cancel(conn, &who, order, &note, version, by)
        })
        .await;
    match outcome {
        Ok(()) => Ok(back(&form, &id, "cancelled")),
        Err(error) => refuse(&site, &reader, caller, &id, error.into()).await,
    }
}

/// A payment that is taken by hand. UPI counts once its reference or a look at the shop's own phone proves it,
/// which is what this form is sent for.
async fn take_payment(
    State(site): State<Site>,
    seen: Allowed<TakePayments>,
    address: Address,
    reader: Reader,
    Path(id): Path<String>,
    form: Form,
) -> web::Result<Response> {
    let caller = seen.caller;
    check_form(&caller, form.value("csrf"))?;
    let amount = match form.value("amount") {
        "" => Ok(None),
        text => Money::parse(text).map(Some),
    };
    let payment = amount
        .map_err(|error| Problem::field("amount", "invalid", format!("The amount {error}.")))
        .and_then(|amount| new_payment(form.value("method"), amount, form.value("reference")));
    let payment = match payment {
        Ok(payment) => payment,
        Err(problem) => return refuse(&site, &reader, caller, &id, problem).await,
    };
    let (order, who, now) = (order_id(&id)?, actor(&caller), site.clock.now());
    let outcome = site
        .db
        .write(move |conn| {
            let by = By { actor: &who.name, from: &address.text(), now };
            actions::pay(conn, &who, order, &payment, PaymentState::Confirmed, by)
        })
        .await;
    match outcome {
        Ok(_) => Ok(back(&form, &id, "paid")),
        Err(error) => refuse(&site, &reader, caller, &id, error.into()).await,
    }
}

fn new_payment(word: &str, amount: Option<Money>, reference: &str) -> Result<NewPayment, Problem> {
    let method =
        Method::from_word(word).ok_or_else(|| Problem::field("method", "invalid", "Choose how it was paid."))?;
    if reference.chars().count() > 100 {
        return Err(Problem::field("reference", "too_long", "A reference has at most 100 characters."));
    }
    Ok(NewPayment { method, amount, reference: reference.to_owned() })
}

/// Whether a payment that was promised has arrived.
async fn answer_payment(
    State(site): State<Site>,
    seen: Allowed<TakePayments>,
    address: Address,
    reader: Reader,
    Path((id, number)): Path<(String, i64)>,
    form: Form,
) -> web::Result<Response> {
    let caller = seen.caller;
    check_form(&caller, form.value("csrf"))?;
    let arrived = match form.value("answer") {
        "y" => true,
        "n" => false,
        _ => return Err(Problem::field("answer", "invalid", "Say whether the payment has arrived: y or n.")),
    };
    let reference: String = form.value("reference").chars().take(100).collect();
    let (order, who, now) = (order_id(&id)?, actor(&caller), site.clock.now());
    let outcome = site
        .db
        .write(move |conn| {
            let by = By { actor: &who.name, from: &address.text(), now };
            if arrived {
                actions::confirm_payment(conn, &who, order, number, &reference, by)
            } else {
                actions::deny_payment(conn, &who, order, number, by)
            }
        })
        .await;
    match outcome {
        Ok(()) => Ok(back(&form, &id, if arrived { "paid" } else { "not-paid" })),
        Err(error) => refuse(&site, &reader, caller, &id, error.into()).await,
    }
}

/// What a page says after a form went well.
fn notice(page: &Page, done: &str) -> Option<String> {
    let text = match done {
        "confirmed" => page.t("orders.done_confirmed"),
        "packed" => page.t("orders.done_packed"),
        "ready" => page.t("orders.done_ready"),
        "completed" => page.t("orders.done_completed"),
        "cancelled" => page.t("orders.done_cancelled"),
        "paid" => page.t("orders.done_paid"),
        "not-paid" => page.t("orders.done_not_paid"),
        _ => return None,
    };
    Some(text.to_owned())
}

/// The payment that somebody has to look after: money is said to be on its way by UPI.
fn awaited(payments: &[Payment]) -> Option<&Payment> {
    payments.iter().find(|payment| payment.method == Method::Upi && payment.state == PaymentState::Pending)
}

fn method_name(page: &Page, method: Method) -> &str {
    match method {
        Method::Cash => page.t("method.cash"),
        Method::Card => page.t("method.card"),
        Method::Upi => page.t("method.upi"),
        Method::Credit => page.t("method.credit"),
        Method::StoreCredit => page.t("method.store_credit"),
    }
}

fn status_name(page: &Page, status: OrderStatus) -> &str {
    match status {
        OrderStatus::Placed => page.t("status.placed"),
        OrderStatus::Confirmed => page.t("status.confirmed"),
        OrderStatus::Packed => page.t("status.packed"),
        OrderStatus::Ready => page.t("status.ready"),
        OrderStatus::Completed => page.t("status.completed"),
        OrderStatus::Cancelled => page.t("status.cancelled"),
    }
}
