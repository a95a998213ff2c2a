//! The pages on which the shop sees its customers: who buys, how much, and what they owe.

use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::get;
use serde::Deserialize;

use super::actions;
use super::model::Customer;
use crate::ids::UserId;
use crate::money::Money;
use crate::orders::{actions as orders, order_code};
use crate::shop;
use crate::staff::Allowed;
use crate::staff::access::SeeCustomers;
use crate::staff::pages::page;
use crate::web::answer::encode;
use crate::web::page::{Page, Reader, draw};
use crate::web::{self, Path, Problem, Query, Site};

/// How many customers a page has.
const PAGE: i64 = 50;
/// How many orders and entries of the khata a customer's page shows.
const ROWS: i64 = 30;

/// The pages of customers.
pub fn routes() -> Router<Site> {
    Router::new().route("/customers", get(list)).route("/customers/{id}", get(show))
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Asked {
    q: String,
    /// `owing`; anything else means all.
    show: String,
    cursor: String,
}

#[derive(Template)]
#[template(path = "customers/list.html")]
struct ListPage {
    page: Page,
    q: String,
    owing: bool,
    total: String,
    rows: Vec<Row>,
    next: Option<String>,
}

struct Row {
    id: String,
    name: String,
    contact: String,
    city: String,
    orders: String,
    spent: String,
    owes: Option<String>,
    seen: String,
}

async fn list(
    State(site): State<Site>,
    seen: Allowed<SeeCustomers>,
    reader: Reader,
    Query(asked): Query<Asked>,
) -> web::Result<Response> {
    let (for_page, now, caller) = (site.clone(), site.clock.now(), seen.caller);
    let drawn = site
        .db
        .read(move |conn| {
            let shop = shop::current(conn)?;
            let page = page(&for_page, &reader, &shop, Some(&caller));
            let owing = asked.show == "owing";
            let before = asked.cursor.parse().unwrap_or(UserId::new(i64::MAX));
            let (found, total) = if owing {
                let found = actions::list_owing(conn)?;
                let count = i64::try_from(found.len()).unwrap_or(i64::MAX);
                (found, count)
            } else {
                actions::list(conn, asked.q.trim(), before, PAGE)?
            };
            let full = !owing && i64::try_from(found.len()).is_ok_and(|count| count == PAGE);
            let next = found
                .last()
                .filter(|_| full)
                .map(|last| format!("/customers?q={}&cursor={}", encode(asked.q.trim()), last.id));
            let rows = found.into_iter().map(|customer| Row::new(&page, customer, now)).collect();
            Ok::<_, Problem>(ListPage { q: asked.q, owing, total: page.count(total), rows, next, page })
        })
        .await?;
    Ok(draw(StatusCode::OK, &drawn))
}

fn full_name(page: &Page, customer: &Customer) -> String {
    let name = format!("{} {}", customer.first_name, customer.last_name).trim().to_owned();
    if name.is_empty() { page.t("customers.unnamed").to_owned() } else { name }
}

fn owed(page: &Page, amount: Money) -> Option<String> {
    (!amount.is_zero()).then(|| page.money(amount))
}

impl Row {
    fn new(page: &Page, customer: Customer, now: crate::clock::Timestamp) -> Self {
        Self {
            name: full_name(page, &customer),
            id: customer.id.to_string(),
            orders: page.count(customer.order_count),
            spent: page.money(customer.spent_paise),
            owes: owed(page, customer.credit_paise),
            seen: customer.last_order_at.map_or_else(|| "–".to_owned(), |at| page.age(at, now)),
            contact: if customer.phone.is_empty() { customer.email.unwrap_or_default() } else { customer.phone },
            city: customer.city,
        }
    }
}

#[derive(Template)]
#[template(path = "customers/customer.html")]
struct CustomerPage {
    page: Page,
    name: String,
    facts: Vec<(String, String)>,
    orders: String,
    spent: String,
    owes: String,
    bills: Vec<Bill>,
    khata: Vec<Entry>,
}

struct Bill {
    id: String,
    code: String,
    at: String,
    total: String,
    status: String,
}

struct Entry {
    at: String,
    amount: String,
    given: bool,
    balance: String,
    order: Option<String>,
    note: String,
}

async fn show(
    State(site): State<Site>,
    seen: Allowed<SeeCustomers>,
    reader: Reader,
    Path(id): Path<UserId>,
) -> web::Result<Response> {
    let (for_page, caller) = (site.clone(), seen.caller);
    let drawn = site
        .db
        .read(move |conn| {
            let shop = shop::current(conn)?;
            let (page, zone) = (page(&for_page, &reader, &shop, Some(&caller)), shop.zone());
            let customer = actions::load(conn, id)?;
            let (bills, _) = orders::list_of_customer(conn, id, None, ROWS)?;
            let bills = bills.into_iter().map(|whole| whole.order).filter(|order| caller.may_enter(order.store_id));
            let bills = bills.map(|order| Bill {
                id: order.id.to_string(),
                code: order_code(order.id),
                at: page.moment(order.placed_at, &zone),
                total: page.money(order.total_paise),
                status: order.status.word().to_owned(),
            });
            let bills = bills.collect();
            let khata = actions::khata(conn, id, ROWS)?;
            let khata = khata.into_iter().map(|one| Entry {
                at: page.moment(one.at, &zone),
                amount: page.money(one.delta_paise),
                given: !one.delta_paise.is_negative(),
                balance: page.money(one.balance_after_paise),
                order: one.order_id.filter(|_| caller.may_enter(one.store_id)).map(|id| id.to_string()),
                note: one.note,
            });
            let khata = khata.collect();
            let born = customer.date_of_birth_on.map(|day| day.to_string()).unwrap_or_default();
            let facts = [
                (page.t("customers.phone"), customer.phone.clone()),
                (page.t("customers.email"), customer.email.clone().unwrap_or_default()),
                (page.t("customers.address"), customer.address.clone()),
                (page.t("customers.city"), format!("{} {}", customer.city, customer.pincode).trim().to_owned()),
                (page.t("customers.born"), born),
                (page.t("customers.since"), page.moment(customer.created_at, &zone)),
            ];
            let facts = facts.into_iter().filter(|(_, value)| !value.is_empty());
            Ok::<_, Problem>(CustomerPage {
                name: full_name(&page, &customer),
                facts: facts.map(|(name, value)| (name.to_owned(), value)).collect(),
                orders: page.count(customer.order_count),
                spent: page.money(customer.spent_paise),
                owes: page.money(customer.credit_paise),
                bills,
                khata,
                page,
            })
        })
        .await?;
    Ok(draw(StatusCode::OK, &drawn))
}
