//! One order: lines, money, steps, and what can be done with it now.

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use jiff::tz::TimeZone;
use serde::Deserialize;

use super::super::actions::{self, Whole};
use super::super::api::{actor, order_id};
use super::super::model::{Channel, Line, OrderStatus, Payment, PaymentState, Step, order_code};
use super::super::rules;
use super::board::step_name;
use super::{awaited, method_name, notice, status_name};
use crate::money::Money;
use crate::shop;
use crate::staff::access::{CancelOrder, FulfilOrders, SeeCustomers, SeeOrders, TakePayments};
use crate::staff::pages::page;
use crate::staff::{Allowed, Caller};
use crate::web::page::{Page, Reader, draw};
use crate::web::{self, Path, Problem, Query, Site};

#[derive(Template)]
#[template(path = "orders/detail.html")]
#[expect(clippy::struct_excessive_bools, reason = "what a template shows or not")]
struct OrderPage {
    page: Page,
    notice: Option<String>,
    problem: Option<String>,
    id: String,
    code: String,
    status: String,
    version: i64,
    customer: String,
    /// The page of the customer, for those who may see it.
    customer_link: Option<String>,
    channel: &'static str,
    placed: String,
    note: String,
    invoice: Option<String>,
    lines: Vec<LineRow>,
    sums: Vec<Sum>,
    total: String,
    paid: String,
    due: Option<String>,
    payments: Vec<PaymentRow>,
    steps: Vec<StepRow>,
    /// The steps that can be taken now, the usual one first; the hand-over is apart.
    moves: Vec<Move>,
    can_complete: bool,
    can_cancel: bool,
    can_take: bool,
    /// The shop has a UPI address, so that a QR can be drawn.
    has_qr: bool,
    awaited: Option<Awaited>,
}

struct LineRow {
    name: String,
    /// The product's page; none for an open item.
    link: Option<String>,
    category: String,
    price: String,
    quantity: String,
    tax: String,
    total: String,
}

struct Sum {
    name: String,
    amount: String,
}

struct PaymentRow {
    method: String,
    state: &'static str,
    state_name: String,
    amount: String,
    reference: String,
    at: String,
}

struct StepRow {
    name: String,
    at: String,
    by: String,
    note: String,
}

struct Move {
    to: &'static str,
    name: String,
    key: &'static str,
}

struct Awaited {
    number: i64,
    amount: String,
    reference: String,
}

/// What stands in the address of an order's page.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Asked {
    done: String,
}

pub(super) async fn show(
    State(site): State<Site>,
    seen: Allowed<SeeOrders>,
    reader: Reader,
    Path(id): Path<String>,
    Query(asked): Query<Asked>,
) -> web::Result<Response> {
    answer(&site, &reader, seen.caller, &id, &asked.done, None).await
}

/// The page again, with the reason why a form was refused.
pub(super) async fn draw_again(
    site: &Site,
    reader: &Reader,
    caller: Caller,
    id: &str,
    problem: Problem,
) -> web::Result<Response> {
    answer(site, reader, caller, id, "", Some(problem)).await
}

async fn answer(
    site: &Site,
    reader: &Reader,
    caller: Caller,
    id: &str,
    done: &str,
    problem: Option<Problem>,
) -> web::Result<Response> {
    let (id, who, done) = (order_id(id)?, actor(&caller), done.to_owned());
    let (for_page, reader) = (site.clone(), reader.clone());
    let status = problem.as_ref().map_or(StatusCode::OK, |problem| problem.status);
    let drawn = site
        .db
        .read(move |conn| {
            let shop = shop::current(conn)?;
            let whole = actions::load(conn, &who, id)?;
            let page = page(&for_page, &reader, &shop, Some(&caller));
            let mut drawn = OrderPage::new(page, &caller, whole, &shop.zone(), !shop.upi_id.is_empty());
            drawn.notice = notice(&drawn.page, &done);
            drawn.problem = problem.map(|problem| drawn.page.reason(&problem));
            Ok::<_, Problem>(drawn)
        })
        .await?;
    Ok(draw(status, &drawn))
}

impl OrderPage {
    fn new(page: Page, caller: &Caller, whole: Whole, zone: &TimeZone, has_upi: bool) -> Self {
        let Whole { order, lines, payments, steps, invoice_number, .. } = whole;
        let over = matches!(order.status, OrderStatus::Completed | OrderStatus::Cancelled);
        let may = |to| !over && caller.may::<FulfilOrders>() && rules::check_step(order.status, to).is_ok();
        let moves = [(OrderStatus::Confirmed, "a"), (OrderStatus::Packed, "p"), (OrderStatus::Ready, "r")]
            .into_iter()
            .filter(|(to, _)| may(*to))
            .map(|(to, key)| Move { to: to.word(), name: step_name(&page, to.word()).to_owned(), key })
            .collect();
        let sum = |name: &str, amount: Money| {
            (!amount.is_zero()).then(|| Sum { name: name.to_owned(), amount: page.money(amount) })
        };
        let sums = [
            sum(page.t("orders.subtotal"), order.gross_paise),
            sum(page.t("orders.discount"), Money::ZERO - order.discount_paise),
            sum(page.t("orders.cgst"), order.cgst_paise),
            sum(page.t("orders.sgst"), order.sgst_paise),
            sum(page.t("orders.igst"), order.igst_paise),
            sum(page.t("orders.rounding"), order.rounding_paise),
        ];
        let known = order.customer_id.filter(|_| caller.may::<SeeCustomers>());
        let waiting = awaited(&payments).filter(|_| !over && caller.may::<TakePayments>());
        let due = (!order.due().is_zero() && order.status != OrderStatus::Cancelled).then(|| page.money(order.due()));
        Self {
            notice: None,
            problem: None,
            id: order.id.to_string(),
            code: order_code(order.id),
            status: order.status.word().to_owned(),
            version: order.version,
            customer_link: known.map(|id| format!("/customers/{id}")),
            channel: match order.channel {
                Channel::Web => "channel.web",
                Channel::Counter => "channel.counter",
                Channel::Api => "channel.api",
                Channel::Import => "channel.import",
            },
            placed: page.moment(order.placed_at, zone),
            invoice: invoice_number,
            lines: lines.into_iter().map(|line| LineRow::new(&page, line)).collect(),
            sums: sums.into_iter().flatten().collect(),
            total: page.money(order.total_paise),
            paid: page.money(order.paid_paise),
            moves,
            can_complete: may(OrderStatus::Completed) && (due.is_none() || caller.may::<TakePayments>()),
            can_cancel: !over && caller.may::<CancelOrder>(),
            can_take: !over && due.is_some() && caller.may::<TakePayments>(),
            has_qr: has_upi && !over && due.is_some(),
            awaited: waiting.map(|payment| Awaited {
                number: payment.payment_no,
                amount: page.money(payment.amount_paise),
                reference: payment.reference.clone(),
            }),
            due,
            payments: payments.iter().map(|payment| PaymentRow::new(&page, payment, zone)).collect(),
            steps: steps.into_iter().map(|step| StepRow::new(&page, step, zone)).collect(),
            customer: order.customer_name.unwrap_or_else(|| page.t("home.walk_in").to_owned()),
            note: order.note,
            page,
        }
    }
}

impl LineRow {
    fn new(page: &Page, line: Line) -> Self {
        let tax = line.cgst_paise + line.sgst_paise + line.igst_paise;
        Self {
            link: (line.product_id != super::super::model::OPEN_ITEM)
                .then(|| format!("/inventory/{}", line.product_id)),
            category: line.category.unwrap_or_default(),
            price: page.money(line.unit_price_paise),
            quantity: page.quantity(line.quantity_milli, &line.unit),
            tax: if tax.is_zero() { String::new() } else { page.money(tax) },
            total: page.money(line.total_paise),
            name: line.name,
        }
    }
}

impl PaymentRow {
    fn new(page: &Page, payment: &Payment, zone: &TimeZone) -> Self {
        let state_name = match payment.state {
            PaymentState::Pending => page.t("payment.pending"),
            PaymentState::Confirmed => page.t("payment.confirmed"),
            PaymentState::Failed => page.t("payment.failed"),
            PaymentState::Refunded => page.t("payment.refunded"),
        };
        Self {
            method: method_name(page, payment.method).to_owned(),
            state: payment.state.word(),
            state_name: state_name.to_owned(),
            amount: page.money(payment.amount_paise),
            reference: payment.reference.clone(),
            at: page.moment(payment.confirmed_at.unwrap_or(payment.at), zone),
        }
    }
}

impl StepRow {
    fn new(page: &Page, step: Step, zone: &TimeZone) -> Self {
        Self {
            name: status_name(page, step.to_status).to_owned(),
            at: page.moment(step.at, zone),
            by: step.actor,
            note: step.note,
        }
    }
}
