//! Pages of the counter: the till, today's bills, a bill for the printer.

use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::http::{HeaderName, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use serde::Deserialize;

use super::receipt::{self, Paper, Written, method_key};
use crate::ids::StoreId;
use crate::money::Money;
use crate::orders::actions::{self, Whole};
use crate::orders::{Channel, OrderError, OrderStatus, Which, order_code, parse_order_code};
use crate::shop;
use crate::staff::Allowed;
use crate::staff::access::{GiveDiscount, TakePayments};
use crate::staff::pages::page;
use crate::web::page::{Page, Reader, draw};
use crate::web::texts::Lang;
use crate::web::{self, Path, Problem, Query, Site, assets};

/// How many of the newest orders are looked through for today's bills.
const LOOKED_THROUGH: i64 = 1_000;
/// How many bills are listed.
const LISTED: usize = 200;

/// The pages of the counter.
pub fn routes() -> Router<Site> {
    Router::new()
        .route("/pos", get(till))
        .route("/pos/sw.js", get(service_worker))
        .route("/pos/receipts", get(list))
        .route("/pos/receipts/{order}", get(show))
}

#[derive(Template)]
#[template(path = "till/till.html")]
struct TillPage {
    page: Page,
    store: StoreId,
    user: String,
    to_rupee: bool,
    may_discount: bool,
    upi: bool,
    /// The texts that the script shows, by key.
    texts: Vec<(&'static str, &'static str)>,
}

/// The frame of the till; what is sold comes by `/api/pos/catalogue`.
async fn till(State(site): State<Site>, reader: Reader, seen: Allowed<TakePayments>) -> web::Result<Response> {
    let caller = seen.caller;
    let shop = site.db.read(shop::current).await?;
    let drawn = TillPage {
        store: caller.choose_store(None)?,
        user: caller.actor(),
        to_rupee: shop.round_to_rupee,
        may_discount: caller.may::<GiveDiscount>(),
        upi: !shop.upi_id.is_empty(),
        texts: reader.lang.texts_of("pos."),
        page: page(&site, &reader, &shop, Some(&caller)),
    };
    Ok(draw(StatusCode::OK, &drawn))
}

/// The script that keeps the till's frame for the time without a server. It is told which files belong to it, so
/// that it changes whenever one of them does.
async fn service_worker() -> Response {
    let mut files = assets::addresses_in("pos/");
    files.extend(["kirana.css", "kirana.js", "logo.svg", "favicon.svg"].map(assets::address));
    let list = serde_json::to_string(&files).unwrap_or_default();
    let script = assets::text("pos/sw.js").unwrap_or_default();
    let headers = [
        (header::CONTENT_TYPE, "text/javascript; charset=utf-8"),
        (header::CACHE_CONTROL, "no-cache"),
        (HeaderName::from_static("service-worker-allowed"), "/pos"),
    ];
    (headers, format!("const FILES = {list};\n{script}")).into_response()
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct ListQuery {
    q: String,
}

#[derive(Template)]
#[template(path = "till/receipts.html")]
struct ReceiptsPage {
    page: Page,
    q: String,
    bills: Vec<BillRow>,
    total: String,
    count: String,
}

struct BillRow {
    id: String,
    number: String,
    time: String,
    customer: String,
    items: String,
    methods: String,
    total: String,
    cancelled: bool,
}

async fn list(
    State(site): State<Site>,
    reader: Reader,
    seen: Allowed<TakePayments>,
    Query(query): Query<ListQuery>,
) -> web::Result<Response> {
    let (caller, now, for_page) = (seen.caller, site.clock.now(), site.clone());
    let drawn = site
        .db
        .read(move |conn| {
            let shop = shop::current(conn)?;
            let today = shop.business_date(now);
            let page = page(&for_page, &reader, &shop, Some(&caller));
            let (orders, _) = actions::list(conn, caller.store, Which::All, i64::MAX, LOOKED_THROUGH)?;
            let wanted = query.q.trim().to_lowercase();
            let found: Vec<Whole> = orders
                .into_iter()
                .filter(|whole| whole.order.placed_on == today && whole.order.channel == Channel::Counter)
                .filter(|whole| fits(whole, &wanted))
                .take(LISTED)
                .collect();
            let sold = found.iter().filter(|whole| whole.order.status != OrderStatus::Cancelled);
            let total = sold.map(|whole| whole.order.total_paise).sum();
            let zone = shop.zone();
            let time =
                |whole: &Whole| whole.order.placed_at.jiff().to_zoned(zone.clone()).strftime("%H:%M").to_string();
            Ok::<_, Problem>(ReceiptsPage {
                total: page.money(total),
                count: page.count(i64::try_from(found.len()).unwrap_or(i64::MAX)),
                bills: found.iter().map(|whole| BillRow::new(&page, reader.lang, whole, time(whole))).collect(),
                q: query.q,
                page,
            })
        })
        .await?;
    Ok(draw(StatusCode::OK, &drawn))
}

/// Whether a bill has what is searched for: a part of its number, customer, total or of a line's name.
fn fits(whole: &Whole, wanted: &str) -> bool {
    if wanted.is_empty() {
        return true;
    }
    let order = &whole.order;
    let texts = [
        whole.invoice_number.clone().unwrap_or_default(),
        order_code(order.id),
        order.customer_name.clone().unwrap_or_default(),
        order.total_paise.to_string(),
    ];
    let names = whole.lines.iter().map(|line| &line.name);
    texts.iter().chain(names).any(|text| text.to_lowercase().contains(wanted))
}

impl BillRow {
    fn new(page: &Page, lang: Lang, whole: &Whole, time: String) -> Self {
        let order = &whole.order;
        let mut methods: Vec<&str> =
            whole.payments.iter().map(|payment| lang.text(method_key(payment.method))).collect();
        methods.dedup();
        Self {
            id: order.id.to_string(),
            number: whole.invoice_number.clone().unwrap_or_else(|| order_code(order.id)),
            time,
            customer: order.customer_name.clone().unwrap_or_default(),
            items: page.count(order.line_count),
            methods: methods.join(" + "),
            total: page.money(order.total_paise),
            cancelled: order.status == OrderStatus::Cancelled,
        }
    }
}

#[derive(Debug, Deserialize)]
struct ShowQuery {
    width: Option<i64>,
    /// The cash that the customer handed over, which only the till knows.
    given: Option<String>,
}

#[derive(Template)]
#[template(path = "till/receipt.html")]
struct ReceiptPage {
    page: Page,
    id: String,
    width: &'static str,
    bill: Written,
}

async fn show(
    State(site): State<Site>,
    reader: Reader,
    seen: Allowed<TakePayments>,
    Path(order): Path<String>,
    Query(query): Query<ShowQuery>,
) -> web::Result<Response> {
    let paper = Paper::of_width(query.width)?;
    let id = parse_order_code(&order).ok_or(OrderError::NoOrder)?;
    let given = query.given.and_then(|text| Money::parse(&text).ok());
    let (caller, for_page) = (seen.caller, site.clone());
    let drawn = site
        .db
        .read(move |conn| {
            let shop = shop::current(conn)?;
            let bill = receipt::load(conn, &caller, id)?.written(reader.lang, given);
            let page = page(&for_page, &reader, &shop, Some(&caller));
            Ok::<_, Problem>(ReceiptPage { page, id: id.to_string(), width: paper.word(), bill })
        })
        .await?;
    Ok(draw(StatusCode::OK, &drawn))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_text_that_a_script_of_the_till_asks_for_exists() {
        let known: Vec<&str> = Lang::English.texts_of("pos.").into_iter().map(|(key, _)| key).collect();
        let mut asked = 0;
        for name in ["till", "pay", "outbox", "view"] {
            let script = assets::text(&format!("pos/{name}.js")).unwrap();
            for (at, _) in script.match_indices(" t(\"").chain(script.match_indices("(t(\"")) {
                let key = script[at + 4..].split('"').next().unwrap();
                assert!(known.contains(&format!("pos.{key}").as_str()), "{name}.js asks for {key}");
                asked += 1;
            }
        }
        assert!(asked > 20, "the search for keys finds too few: {asked}");
    }
}
