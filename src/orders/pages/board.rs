//! The board: every open order in the column where somebody has to do something with it.

use askama::Template;
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Redirect, Response};
use serde::Deserialize;

use super::super::actions::{self, Whole};
use super::super::model::{OrderStatus, order_code, parse_order_code};
use super::super::queries::Which;
use super::super::rules::{Column, column};
use super::{awaited, method_name, notice};
use crate::clock::Timestamp;
use crate::ids::StoreId;
use crate::shop;
use crate::staff::Caller;
use crate::staff::access::{FulfilOrders, TakePayments};
use crate::staff::pages::page;
use crate::web::page::{Page, Reader, draw};
use crate::web::{self, Problem, Site};

/// The most open orders that a board shows.
const MOST_OPEN: i64 = 300;
/// How many orders a page of a list has.
const PAGE: i64 = 50;

/// What is asked of the board.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Asked {
    /// One column; all that are open, when empty.
    column: String,
    /// A code, or a part of a customer's name.
    q: String,
    /// Where the page before ended.
    cursor: String,
    /// What was done a moment ago.
    done: String,
}

#[derive(Template)]
#[template(path = "orders/board.html")]
#[expect(clippy::struct_excessive_bools, reason = "what a template shows or not")]
struct BoardPage {
    page: Page,
    notice: Option<String>,
    problem: Option<String>,
    q: String,
    /// The word of the column that is shown alone; empty for the board.
    only: &'static str,
    chips: Vec<Chip>,
    columns: Vec<ColumnView>,
    /// Nothing is open, and nothing was asked for.
    idle: bool,
    /// More orders are open than the board shows.
    cut: bool,
    next: Option<String>,
    may_fulfil: bool,
    may_take: bool,
}

struct Chip {
    word: &'static str,
    name: String,
    count: String,
    current: bool,
}

struct ColumnView {
    word: &'static str,
    name: String,
    count: String,
    cards: Vec<Card>,
}

struct Card {
    id: String,
    code: String,
    status: String,
    customer: String,
    items: String,
    total: String,
    method: String,
    age: String,
    version: i64,
    /// The step that comes next, as the form sends it; empty when there is none.
    next: &'static str,
    next_name: String,
    /// The key that takes it.
    key: &'static str,
    /// Something is still to be paid before it can be handed over.
    due: Option<String>,
    /// The number of the payment that waits for an answer; 0 for none.
    awaited: i64,
}

/// The page, for somebody who may see orders.
pub async fn show(site: &Site, reader: &Reader, caller: Caller, query: &str) -> web::Result<Response> {
    let asked: Asked = read_query(query);
    let store = caller.store;
    if let Some(id) = parse_order_code(asked.q.trim()).filter(|_| !asked.q.trim().is_empty()) {
        let who = super::actor(&caller);
        let found = site.db.read(move |conn| actions::load(conn, &who, id)).await;
        if found.is_ok() {
            return Ok(Redirect::to(&format!("/orders/{id}")).into_response());
        }
    }
    let (for_page, reader, now) = (site.clone(), reader.clone(), site.clock.now());
    let drawn = site
        .db
        .read(move |conn| {
            let shop = shop::current(conn)?;
            let page = page(&for_page, &reader, &shop, Some(&caller));
            let only = Column::from_word(&asked.column);
            let (open, open_total) = actions::list(conn, store, Which::Open, i64::MAX, MOST_OPEN)?;
            let finished = finished(conn, store, only, &asked)?;
            Ok::<_, Problem>(BoardPage::new(page, &caller, &asked, only, open, open_total, finished, now))
        })
        .await?;
    Ok(draw(StatusCode::OK, &drawn))
}

/// Reads a query; what cannot be read asks for nothing.
fn read_query(query: &str) -> Asked {
    let uri = format!("/?{query}").parse::<axum::http::Uri>().unwrap_or_default();
    axum::extract::Query::<Asked>::try_from_uri(&uri).map(|query| query.0).unwrap_or_default()
}

/// Orders that are over, when a list of them is asked for.
fn finished(
    conn: &mut crate::db::Conn<'_>,
    store: Option<StoreId>,
    only: Option<Column>,
    asked: &Asked,
) -> Result<Vec<Whole>, Problem> {
    let status = match only {
        Some(Column::Done) => OrderStatus::Completed,
        Some(Column::Cancelled) => OrderStatus::Cancelled,
        _ => return Ok(Vec::new()),
    };
    let before = asked.cursor.parse().unwrap_or(i64::MAX);
    Ok(actions::list(conn, store, Which::In(status), before, PAGE)?.0)
}

impl BoardPage {
    #[expect(clippy::too_many_arguments, reason = "each is one thing that the page shows")]
    fn new(
        page: Page,
        caller: &Caller,
        asked: &Asked,
        only: Option<Column>,
        open: Vec<Whole>,
        open_total: Option<i64>,
        finished: Vec<Whole>,
        now: Timestamp,
    ) -> Self {
        let cut = open_total.is_some_and(|total| total > MOST_OPEN);
        let idle = open.is_empty() && only.is_none() && asked.q.trim().is_empty();
        let next = finished
            .last()
            .filter(|_| i64::try_from(finished.len()).is_ok_and(|count| count == PAGE))
            .map(|last| format!("/orders?column={}&cursor={}", asked.column, last.order.id));
        let wanted = asked.q.trim().to_lowercase();
        let fits = |whole: &&Whole| {
            let name = whole.order.customer_name.as_deref().unwrap_or_default().to_lowercase();
            wanted.is_empty() || name.contains(&wanted) || order_code(whole.order.id).to_lowercase().contains(&wanted)
        };
        let place = |whole: &Whole| column(whole.order.status, awaited(&whole.payments).is_some());
        let columns = |one: Column| {
            let cards: Vec<Card> = open
                .iter()
                .chain(&finished)
                .filter(|whole| place(whole) == one)
                .filter(fits)
                .map(|whole| Card::new(&page, whole, now))
                .collect();
            ColumnView {
                word: one.word(),
                name: column_name(&page, one).to_owned(),
                count: page.count(i64::try_from(cards.len()).unwrap_or(i64::MAX)),
                cards,
            }
        };
        let shown: Vec<ColumnView> = match only {
            Some(one) => vec![columns(one)],
            None => Column::OPEN.iter().map(|one| columns(*one)).collect(),
        };
        let chips = Column::ALL
            .iter()
            .map(|one| {
                let count = open.iter().filter(|whole| place(whole) == *one).count();
                let counted = Column::OPEN.contains(one);
                Chip {
                    word: one.word(),
                    name: column_name(&page, *one).to_owned(),
                    count: if counted { page.count(i64::try_from(count).unwrap_or(i64::MAX)) } else { String::new() },
                    current: only == Some(*one),
                }
            })
            .collect();
        Self {
            notice: notice(&page, &asked.done),
            problem: None,
            q: asked.q.trim().to_owned(),
            only: only.map_or("", Column::word),
            chips,
            columns: shown,
            idle,
            cut,
            next,
            may_fulfil: caller.may::<FulfilOrders>(),
            may_take: caller.may::<TakePayments>(),
            page,
        }
    }
}

impl Card {
    fn new(page: &Page, whole: &Whole, now: Timestamp) -> Self {
        let order = &whole.order;
        let waiting = awaited(&whole.payments);
        let (next, key) = match order.status {
            OrderStatus::Placed => (OrderStatus::Confirmed.word(), "a"),
            OrderStatus::Confirmed => (OrderStatus::Packed.word(), "p"),
            OrderStatus::Packed => (OrderStatus::Ready.word(), "r"),
            OrderStatus::Ready => (OrderStatus::Completed.word(), "h"),
            OrderStatus::Completed | OrderStatus::Cancelled => ("", ""),
        };
        let promised = whole.payments.last().map(|payment| method_name(page, payment.method).to_owned());
        let over = matches!(order.status, OrderStatus::Completed | OrderStatus::Cancelled);
        Self {
            id: order.id.to_string(),
            code: order_code(order.id),
            status: order.status.word().to_owned(),
            customer: order.customer_name.clone().unwrap_or_else(|| page.t("home.walk_in").to_owned()),
            items: page.t1("orders.items", &page.count(order.line_count)),
            total: page.money(order.total_paise),
            method: promised.unwrap_or_default(),
            age: page.age(order.placed_at, now),
            version: order.version,
            next,
            next_name: step_name(page, next).to_owned(),
            key,
            due: (!order.due().is_zero() && !over).then(|| page.money(order.due())),
            awaited: waiting.filter(|_| !over).map_or(0, |payment| payment.payment_no),
        }
    }
}

/// What the button of a step says.
pub(super) fn step_name<'p>(page: &'p Page, to: &str) -> &'p str {
    match OrderStatus::from_word(to) {
        Some(OrderStatus::Confirmed) => page.t("orders.confirm"),
        Some(OrderStatus::Packed) => page.t("orders.pack"),
        Some(OrderStatus::Ready) => page.t("orders.ready"),
        Some(OrderStatus::Completed) => page.t("orders.complete"),
        _ => "",
    }
}

fn column_name(page: &Page, column: Column) -> &str {
    match column {
        Column::New => page.t("orders.column_new"),
        Column::Awaiting => page.t("orders.column_awaiting"),
        Column::Packing => page.t("orders.column_packing"),
        Column::Ready => page.t("orders.column_ready"),
        Column::Done => page.t("orders.column_done"),
        Column::Cancelled => page.t("orders.column_cancelled"),
    }
}
