//! The start pages: the day at a glance for staff, the shop for customers.

mod analytics;

use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;

use super::model::{LowStock, Offer, OpenOrder, OwnOrder};
use super::queries;
use super::rules::{self, Range};
use crate::clock::{BusinessDate, Timestamp};
use crate::ids::UserId;
use crate::money::{Money, Quantity};
use crate::orders::rules::Column;
use crate::orders::{self, Method, PaymentState, Which, order_code};
use crate::shop;
use crate::staff::Caller;
use crate::staff::access::{Anyone, TakePayments};
use crate::staff::pages::page;
use crate::web::page::{Page, Reader, draw};
use crate::web::texts::Lang;
use crate::web::{self, Problem, Site};

/// How many open orders and low products the start page names.
const ROWS: usize = 12;
/// How many of their orders a customer sees.
const OWN_ORDERS: i64 = 10;
/// How many products a customer sees.
const OFFERS: i64 = 60;

/// The start page.
pub fn routes() -> Router<Site> {
    Router::new().route("/", get(start)).route("/home", get(|| async { Redirect::to("/") })).merge(analytics::routes())
}

async fn start(State(site): State<Site>, reader: Reader, seen: Result<Anyone, Problem>) -> web::Result<Response> {
    match seen.map(|Anyone(caller)| caller) {
        // A program asks whether the shop is there, whatever it shows; this is what *Smart Inventory* says.
        Ok(None) | Err(_) if !reader.wants_html => Ok("Inventory API Running".into_response()),
        Ok(Some(caller)) if caller.is_staff() => home(&site, &reader, caller).await,
        Ok(Some(caller)) => customer_home(&site, &reader, caller).await,
        Ok(None) => Ok(Redirect::to("/login").into_response()),
        Err(problem) => Err(problem),
    }
}

#[derive(Template)]
#[template(path = "home/home.html")]
struct HomePage {
    page: Page,
    tiles: Tiles,
    week: Vec<DayBar>,
    week_total: String,
    open_count: String,
    open_orders: Vec<OpenRow>,
    low_stock: Vec<LowRow>,
    needs: Vec<Need>,
}

/// Something that waits for somebody.
struct Need {
    what: String,
    note: String,
    verb: String,
    href: String,
}

struct Tiles {
    sales_today: String,
    orders_today: String,
    customers: String,
    products: String,
    low_stock: String,
    out_of_stock: String,
}

struct DayBar {
    weekday: u8,
    date: String,
    amount: String,
    height: u32,
}

struct OpenRow {
    code: String,
    customer: String,
    total: String,
    status: String,
    age: String,
}

struct LowRow {
    name: String,
    on_hand: String,
    reorder_level: String,
    out: bool,
}

async fn home(site: &Site, reader: &Reader, caller: Caller) -> web::Result<Response> {
    let (now, store) = (site.clock.now(), caller.store);
    let (for_page, reader) = (site.clone(), reader.clone());
    let drawn = site
        .db
        .read(move |conn| {
            let shop = shop::current(conn)?;
            let today = shop.business_date(now);
            let page = page(&for_page, &reader, &shop, Some(&caller));
            let totals = queries::totals(conn, store, today)?;
            let (low, out) = queries::count_low(conn, store)?;
            let tiles = Tiles {
                sales_today: page.money(totals.today_revenue),
                orders_today: page.count(totals.today_orders),
                customers: page.count(queries::count_customers(conn)?),
                products: page.count(queries::count_products(conn)?),
                low_stock: page.count(low),
                out_of_stock: page.count(out),
            };
            let range = Range { from: today.plus_days(-6), to: today };
            let sales = range.fill(&queries::days(conn, store, range)?);
            let total = sales.iter().try_fold(Money::ZERO, |sum, day| sum.checked_add(*day));
            let needs = needs(conn, &page, &caller, low, now)?;
            let open = queries::list_open(conn, store, ROWS)?;
            let low = queries::list_low(conn, store, i64::try_from(ROWS).unwrap_or(i64::MAX))?;
            Ok::<_, Problem>(HomePage {
                week: bars(&page, range, &sales),
                week_total: page.rupees(total.ok_or_else(|| Problem::internal(&"a sum is too large"))?),
                open_count: open_count(&page, queries::count_open(conn, store)?),
                open_orders: open.into_iter().map(|order| OpenRow::new(&page, order, now)).collect(),
                low_stock: low.into_iter().map(|product| LowRow::new(&page, product)).collect(),
                needs,
                tiles,
                page,
            })
        })
        .await?;
    Ok(draw(StatusCode::OK, &drawn))
}

/// The most open orders that are looked through for what waits.
const LOOKED_AT: i64 = 300;
/// How many payments are named one by one.
const NAMED_PAYMENTS: usize = 5;

/// What waits for somebody: money to look for, orders to put together, shelves to fill.
fn needs(
    conn: &mut crate::db::Conn<'_>,
    page: &Page,
    caller: &Caller,
    low: i64,
    now: Timestamp,
) -> Result<Vec<Need>, Problem> {
    let (open, _) = orders::actions::list(conn, caller.store, Which::Open, i64::MAX, LOOKED_AT)?;
    let mut needs = Vec::new();
    let mut counts = [0_i64; 3];
    for whole in &open {
        let awaited = whole
            .payments
            .iter()
            .find(|payment| payment.method == Method::Upi && payment.state == PaymentState::Pending);
        match (orders::rules::column(whole.order.status, awaited.is_some()), awaited) {
            (Column::Awaiting, Some(payment)) if caller.may::<TakePayments>() && needs.len() < NAMED_PAYMENTS => {
                needs.push(Need {
                    what: page.t1("needs.upi", &page.money(payment.amount_paise)),
                    note: format!("{} · {}", order_code(whole.order.id), page.age(payment.at, now)),
                    verb: page.t("needs.verify").to_owned(),
                    href: format!("/orders/{}", whole.order.id),
                });
            }
            (Column::New, _) => counts[0] += 1,
            (Column::Packing, _) => counts[1] += 1,
            (Column::Ready, _) => counts[2] += 1,
            _ => {}
        }
    }
    let low = if caller.may::<crate::staff::access::SeeStock>() { low } else { 0 };
    let rest = [
        (counts[0], "needs.new", "orders.column_new", "/orders?column=new"),
        (counts[1], "needs.pack", "orders.column_packing", "/orders?column=packing"),
        (counts[2], "needs.hand_over", "orders.column_ready", "/orders?column=ready"),
        (low, "needs.low", "home.low_list", "/inventory?level=low"),
    ];
    needs.extend(rest.into_iter().filter(|(count, ..)| *count > 0).map(|(count, what, note, href)| Need {
        what: page.t1(what, &page.count(count)),
        note: page.t(note).to_owned(),
        verb: page.t("needs.open").to_owned(),
        href: href.to_owned(),
    }));
    Ok(needs)
}

fn bars(page: &Page, range: Range, sales: &[Money]) -> Vec<DayBar> {
    let bar = |((day, amount), height): ((BusinessDate, &Money), u32)| DayBar {
        weekday: rules::weekday(day),
        date: page.day(day),
        amount: page.rupees(*amount),
        height,
    };
    range.days().zip(sales).zip(rules::heights(sales)).map(bar).collect()
}

/// Nothing for none, which the page says in words.
fn open_count(page: &Page, open: i64) -> String {
    match open {
        0 => String::new(),
        queries::COUNTED_OPEN.. => format!("{}+", page.count(queries::COUNTED_OPEN)),
        open => page.count(open),
    }
}

impl OpenRow {
    fn new(page: &Page, order: OpenOrder, now: Timestamp) -> Self {
        Self {
            code: order_code(order.id),
            customer: order.customer.unwrap_or_else(|| page.t("home.walk_in").to_owned()),
            total: page.money(order.total_paise),
            status: order.status,
            age: page.age(order.placed_at, now),
        }
    }
}

impl LowRow {
    fn new(page: &Page, product: LowStock) -> Self {
        Self {
            on_hand: page.quantity(product.on_hand_milli, &product.unit),
            reorder_level: page.quantity(product.level_milli, &product.unit),
            out: product.on_hand_milli <= Quantity::ZERO,
            name: called(page, product.name, product.name_local),
        }
    }
}

/// A product's name in the language of the page, where it has one.
fn called(page: &Page, name: String, local: String) -> String {
    if page.lang == Lang::Hindi.word() && !local.is_empty() { local } else { name }
}

#[derive(Template)]
#[template(path = "home/customer.html")]
struct CustomerHomePage {
    page: Page,
    orders: Vec<OwnRow>,
    products: Vec<OfferCard>,
}

struct OwnRow {
    code: String,
    date: String,
    total: String,
    status: String,
}

struct OfferCard {
    name: String,
    category: String,
    price: String,
}

async fn customer_home(site: &Site, reader: &Reader, caller: Caller) -> web::Result<Response> {
    let (for_page, reader) = (site.clone(), reader.clone());
    let drawn = site
        .db
        .read(move |conn| {
            let shop = shop::current(conn)?;
            let page = page(&for_page, &reader, &shop, Some(&caller));
            let customer = caller.user().unwrap_or(UserId::new(0));
            let orders = queries::list_own(conn, customer, OWN_ORDERS)?;
            let offers = queries::list_offers(conn, OFFERS)?;
            Ok::<_, Problem>(CustomerHomePage {
                orders: orders.into_iter().map(|order| OwnRow::new(&page, order)).collect(),
                products: offers.into_iter().map(|offer| OfferCard::new(&page, offer)).collect(),
                page,
            })
        })
        .await?;
    Ok(draw(StatusCode::OK, &drawn))
}

impl OwnRow {
    fn new(page: &Page, order: OwnOrder) -> Self {
        Self {
            code: order_code(order.id),
            date: page.day(order.placed_on),
            total: page.money(order.total_paise),
            status: order.status,
        }
    }
}

impl OfferCard {
    fn new(page: &Page, offer: Offer) -> Self {
        let price = page.money(offer.price_paise);
        Self {
            price: if offer.unit == "pcs" { price } else { format!("{price} / {}", offer.unit) },
            category: offer.category,
            name: called(page, offer.name, offer.name_local),
        }
    }
}
