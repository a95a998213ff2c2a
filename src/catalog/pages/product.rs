//! One product: all its fields, its picture, and what happened to it.

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Redirect, Response};
use jiff::tz::TimeZone;
use serde::Deserialize;

use super::super::actions::{self, Change};
use super::super::api::{Acting, prepare_picture};
use super::super::image as pictures;
use super::super::model::{CatalogError, PriceChange, Product, Unit};
use super::fields::Values;
use super::{Level, called, picture};
use crate::clock::BusinessDate;
use crate::db::Conn;
use crate::ids::{ProductId, StoreId};
use crate::money::Quantity;
use crate::reports::figures;
use crate::shop;
use crate::staff::access::{AdjustStock, ManageCatalog, SeeStock};
use crate::staff::pages::{check_form, page};
use crate::staff::{Allowed, Caller};
use crate::stock::{self, Reason};
use crate::web::page::{Page, Reader, draw};
use crate::web::porch::Address;
use crate::web::{self, Form, Path, Problem, Query, Site};

/// How many moves of its stock a product shows.
const MOVES: i64 = 20;

#[derive(Template)]
#[template(path = "catalog/product.html")]
struct ProductPage {
    page: Page,
    notice: Option<String>,
    problem: Option<String>,
    /// Empty for a product that is not there yet.
    id: String,
    version: i64,
    title: String,
    level: Option<Level>,
    picture: Option<String>,
    values: Values,
    /// What is stored now, where somebody else changed it meanwhile.
    stored: Option<Values>,
    wrong: Vec<(String, String)>,
    units: Vec<(&'static str, bool)>,
    categories: Vec<String>,
    /// What was on hand when the form was drawn.
    stock_before: String,
    may_manage: bool,
    may_adjust: bool,
    sold: Vec<Sold>,
    prices: Vec<PriceRow>,
    moves: Vec<MoveRow>,
}

struct Sold {
    name: String,
    quantity: String,
    amount: String,
}

struct PriceRow {
    at: String,
    before: String,
    after: String,
}

struct MoveRow {
    at: String,
    reason: String,
    delta: String,
    after: String,
    order: Option<String>,
    note: String,
}

impl ProductPage {
    /// Why a field was refused; nothing when it was not.
    fn why(&self, field: &str) -> &str {
        self.wrong.iter().find(|(name, _)| name == field).map_or("", |(_, why)| why)
    }
}

/// What stands in the address of a product's page.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Asked {
    done: String,
    /// The product that a new one begins as a copy of.
    from: String,
}

/// What a refused form shows again.
struct Again {
    values: Values,
    problem: Problem,
}

pub(super) async fn show(
    State(site): State<Site>,
    seen: Allowed<SeeStock>,
    reader: Reader,
    Path(id): Path<ProductId>,
    Query(asked): Query<Asked>,
) -> web::Result<Response> {
    answer(&site, &reader, seen.caller, id, &asked.done, None).await
}

async fn answer(
    site: &Site,
    reader: &Reader,
    caller: Caller,
    id: ProductId,
    done: &str,
    again: Option<Again>,
) -> web::Result<Response> {
    let store = caller.choose_store(None)?;
    let (for_page, reader, now, done) = (site.clone(), reader.clone(), site.clock.now(), done.to_owned());
    let status = again.as_ref().map_or(StatusCode::OK, |again| again.problem.status);
    let drawn = site
        .db
        .read(move |conn| {
            let shop = shop::current(conn)?;
            let page = page(&for_page, &reader, &shop, Some(&caller));
            let (product, codes) = actions::load_with_barcodes(conn, store, id)?;
            let values = Values::stored(&product, &codes);
            let mut drawn = ProductPage::new(conn, page, &caller, values)?;
            drawn.fill(conn, &product, store, &shop.zone(), shop.business_date(now))?;
            drawn.notice = match done.as_str() {
                "saved" => Some(drawn.page.t("product.done_saved").to_owned()),
                "created" => Some(drawn.page.t("product.done_created").to_owned()),
                "stock" => Some(drawn.page.t("product.done_stock").to_owned()),
                _ => None,
            };
            if let Some(again) = again {
                drawn.refuse(again);
            }
            Ok::<_, Problem>(drawn)
        })
        .await?;
    Ok(draw(status, &drawn))
}

pub(super) async fn show_new(
    State(site): State<Site>,
    seen: Allowed<ManageCatalog>,
    reader: Reader,
    Query(asked): Query<Asked>,
) -> web::Result<Response> {
    answer_new(&site, &reader, seen.caller, asked.from.parse().ok(), None).await
}

async fn answer_new(
    site: &Site,
    reader: &Reader,
    caller: Caller,
    from: Option<ProductId>,
    again: Option<Again>,
) -> web::Result<Response> {
    let store = caller.choose_store(None)?;
    let (for_page, reader) = (site.clone(), reader.clone());
    let status = again.as_ref().map_or(StatusCode::OK, |again| again.problem.status);
    let drawn = site
        .db
        .read(move |conn| {
            let shop = shop::current(conn)?;
            let page = page(&for_page, &reader, &shop, Some(&caller));
            let values = match from {
                Some(id) => {
                    let product = actions::load(conn, store, id)?;
                    // What names one product alone is not copied, and neither is what lies on the shelf.
                    let copy = Values::stored(&product, &[]);
                    Values {
                        sku: String::new(),
                        item_code: String::new(),
                        stock: "0".to_owned(),
                        archived: false,
                        ..copy
                    }
                }
                None => Values::usual(),
            };
            let mut drawn = ProductPage::new(conn, page, &caller, values)?;
            if let Some(again) = again {
                drawn.refuse(again);
            }
            Ok::<_, Problem>(drawn)
        })
        .await?;
    Ok(draw(status, &drawn))
}

impl ProductPage {
    fn new(conn: &mut Conn<'_>, page: Page, caller: &Caller, values: Values) -> Result<Self, CatalogError> {
        let categories = actions::list_categories(conn)?.into_iter().map(|category| category.name).collect();
        Ok(Self {
            notice: None,
            problem: None,
            id: String::new(),
            version: 0,
            title: page.t("product.new").to_owned(),
            level: None,
            picture: None,
            stored: None,
            wrong: Vec::new(),
            units: units(&values),
            categories,
            stock_before: values.stock.clone(),
            may_manage: caller.may::<ManageCatalog>(),
            may_adjust: caller.may::<AdjustStock>(),
            sold: Vec::new(),
            prices: Vec::new(),
            moves: Vec::new(),
            values,
            page,
        })
    }

    /// Adds what is known of a product that is there.
    fn fill(
        &mut self,
        conn: &mut Conn<'_>,
        product: &Product,
        store: StoreId,
        zone: &TimeZone,
        today: BusinessDate,
    ) -> Result<(), Problem> {
        self.id = product.id.to_string();
        self.version = product.version;
        self.title = called(&self.page, product);
        self.level = Some(Level::of(&self.page, product));
        self.picture = picture(product);
        let prices = actions::price_history(conn, product.id)?;
        self.prices = prices.iter().take(20).map(|change| PriceRow::new(&self.page, change, zone)).collect();
        let spans = [(1, "product.sold_today"), (7, "product.sold_week"), (30, "product.sold_month")];
        for (days, name) in spans {
            let range = figures::days(today.plus_days(1 - days), today)?;
            let sold = figures::product_sales(conn, Some(store), range, product.id)?;
            self.sold.push(Sold {
                name: self.page.t(name).to_owned(),
                quantity: self.page.quantity(sold.sold_milli, product.unit.word()),
                amount: self.page.money(sold.revenue_paise),
            });
        }
        let moves = match stock::actions::moves_of(conn, store, product.id, None, MOVES) {
            Ok(moves) => moves,
            Err(stock::StockError::NoShelf { .. }) => Vec::new(),
            Err(error) => return Err(error.into()),
        };
        self.moves = moves.iter().map(|one| MoveRow::new(&self.page, one, product.unit, zone)).collect();
        Ok(())
    }

    /// Shows what was typed, why it was refused, and what is stored where that is something else.
    fn refuse(&mut self, again: Again) {
        let Again { values, problem } = again;
        if problem.code == "stale" {
            self.stored = Some(std::mem::replace(&mut self.values, values));
        } else {
            self.values = values;
        }
        self.units = units(&self.values);
        self.problem = Some(self.page.reason(&problem));
        self.wrong = problem.fields.iter().map(|field| (field.field.clone(), field.message.clone())).collect();
    }
}

fn units(values: &Values) -> Vec<(&'static str, bool)> {
    Unit::ALL.iter().map(|unit| (unit.word(), unit.word() == values.unit)).collect()
}

impl PriceRow {
    fn new(page: &Page, change: &PriceChange, zone: &TimeZone) -> Self {
        Self {
            at: page.moment(change.at, zone),
            before: page.money(change.old_price_paise),
            after: page.money(change.new_price_paise),
        }
    }
}

impl MoveRow {
    fn new(page: &Page, one: &stock::Move, unit: Unit, zone: &TimeZone) -> Self {
        let plus = if one.delta_milli > Quantity::ZERO { "+" } else { "" };
        Self {
            at: page.moment(one.at, zone),
            reason: reason_name(page, one.reason).to_owned(),
            delta: format!("{plus}{}", page.quantity(one.delta_milli, unit.word())),
            after: page.quantity(one.balance_after_milli, unit.word()),
            order: one.order_id.map(|id| id.to_string()),
            note: one.note.clone(),
        }
    }
}

fn reason_name(page: &Page, reason: Reason) -> &str {
    match reason {
        Reason::Opening => page.t("reason.opening"),
        Reason::Sale => page.t("reason.sale"),
        Reason::Cancellation => page.t("reason.cancellation"),
        Reason::Return => page.t("reason.return"),
        Reason::Purchase => page.t("reason.purchase"),
        Reason::Adjustment => page.t("reason.adjustment"),
        Reason::Count => page.t("reason.count"),
        Reason::Transfer => page.t("reason.transfer"),
        Reason::Damage => page.t("reason.damage"),
        Reason::Expiry => page.t("reason.expiry"),
    }
}

pub(super) async fn create(
    State(site): State<Site>,
    seen: Allowed<ManageCatalog>,
    address: Address,
    reader: Reader,
    form: Form,
) -> web::Result<Response> {
    let caller = seen.caller;
    check_form(&caller, form.value("csrf"))?;
    let values = Values::typed(&form);
    let acting = Acting::new(&site, &caller, address, None)?;
    let planned = values.change(None).and_then(|change| Ok(change.into_new()?));
    let outcome = match planned {
        Ok(product) => {
            let create = move |conn: &mut Conn<'_>| {
                let on = acting.on(conn)?;
                actions::create(conn, &product, on)
            };
            site.db.write(create).await.map_err(Problem::from)
        }
        Err(problem) => Err(problem),
    };
    match outcome {
        Ok(id) => Ok(Redirect::to(&format!("/inventory/{id}?done=created")).into_response()),
        Err(problem) if problem.status.is_server_error() => Err(problem),
        Err(problem) => answer_new(&site, &reader, caller, None, Some(Again { values, problem })).await,
    }
}

pub(super) async fn change(
    State(site): State<Site>,
    seen: Allowed<ManageCatalog>,
    address: Address,
    reader: Reader,
    Path(id): Path<ProductId>,
    form: Form,
) -> web::Result<Response> {
    let caller = seen.caller;
    check_form(&caller, form.value("csrf"))?;
    let values = Values::typed(&form);
    let expected = form.value("version").parse().ok();
    let acting = Acting::new(&site, &caller, address, None)?;
    let outcome = match values.change(Some(form.value("stock_before"))) {
        Ok(to) => {
            let change = move |conn: &mut Conn<'_>| {
                let on = acting.on(conn)?;
                actions::change(conn, Change { product: id, expected, to: &to }, on)
            };
            site.db.write(change).await.map(|_| ()).map_err(Problem::from)
        }
        Err(problem) => Err(problem),
    };
    after(&site, &reader, caller, id, values, outcome, "saved").await
}

/// Leads on after a form, or shows it again with the reason of its refusal.
async fn after(
    site: &Site,
    reader: &Reader,
    caller: Caller,
    id: ProductId,
    values: Values,
    outcome: web::Result<()>,
    done: &str,
) -> web::Result<Response> {
    match outcome {
        Ok(()) => Ok(Redirect::to(&format!("/inventory/{id}?done={done}")).into_response()),
        Err(problem) if matches!(problem.status.as_u16(), 400 | 409 | 412) => {
            answer(site, reader, caller, id, "", Some(Again { values, problem })).await
        }
        Err(problem) => Err(problem),
    }
}

/// What was counted, for those who keep the shelves and not the prices.
pub(super) async fn set_stock(
    State(site): State<Site>,
    seen: Allowed<AdjustStock>,
    address: Address,
    reader: Reader,
    Path(id): Path<ProductId>,
    form: Form,
) -> web::Result<Response> {
    let caller = seen.caller;
    check_form(&caller, form.value("csrf"))?;
    let store = caller.choose_store(None)?;
    let (product, codes) = site.db.read(move |conn| actions::load_with_barcodes(conn, store, id)).await?;
    let values = Values { stock: form.value("stock").to_owned(), ..Values::stored(&product, &codes) };
    let acting = Acting::new(&site, &caller, address, None)?;
    let reason = Reason::from_word(form.value("reason")).unwrap_or(Reason::Count);
    let note: String = form.value("note").chars().take(200).collect();
    let outcome = match Quantity::parse(form.value("stock")) {
        Ok(stock) => {
            let set = move |conn: &mut Conn<'_>| {
                let on = acting.on(conn)?;
                stock::actions::set_on_hand(conn, store, id, stock, reason, &note, on.user, on.by, on.today)
                    .map_err(CatalogError::from)
            };
            site.db.write(set).await.map_err(Problem::from)
        }
        Err(error) => Err(Problem::field("stock", "invalid_number", format!("`{}` {error}.", form.value("stock")))),
    };
    after(&site, &reader, caller, id, values, outcome, "stock").await
}

pub(super) async fn remove(
    State(site): State<Site>,
    seen: Allowed<ManageCatalog>,
    address: Address,
    Path(id): Path<ProductId>,
    form: Form,
) -> web::Result<Response> {
    check_form(&seen.caller, form.value("csrf"))?;
    let expected = form.value("version").parse().ok();
    let acting = Acting::new(&site, &seen.caller, address, None)?;
    let removed = site
        .db
        .write(move |conn| {
            let on = acting.on(conn)?;
            actions::remove(conn, id, expected, on)
        })
        .await?;
    let done = if removed.archived { "archived&n=1" } else { "removed" };
    Ok(Redirect::to(&format!("/inventory?done={done}")).into_response())
}

pub(super) async fn set_image(
    State(site): State<Site>,
    seen: Allowed<ManageCatalog>,
    address: Address,
    reader: Reader,
    Path(id): Path<ProductId>,
    form: Form,
) -> web::Result<Response> {
    let caller = seen.caller;
    check_form(&caller, form.value("csrf"))?;
    let acting = Acting::new(&site, &caller, address, None)?;
    let store = acting.store;
    let (product, codes) = site.db.read(move |conn| actions::load_with_barcodes(conn, store, id)).await?;
    let outcome = match form.file("image") {
        None if form.ticked("clear") => {
            let clear = move |conn: &mut Conn<'_>| {
                let on = acting.on(conn)?;
                pictures::clear(conn, id, None, on)
            };
            site.db.write(clear).await.map_err(Problem::from)
        }
        None => Err(Problem::field("image", "missing", "Choose a picture first.")),
        Some(file) => match prepare_picture(file.bytes.clone()).await {
            Err(problem) => Err(problem),
            Ok(prepared) => {
                let set = move |conn: &mut Conn<'_>| {
                    let on = acting.on(conn)?;
                    pictures::set(conn, id, None, &prepared, on)
                };
                site.db.write(set).await.map(|_| ()).map_err(Problem::from)
            }
        },
    };
    after(&site, &reader, caller, id, Values::stored(&product, &codes), outcome, "saved").await
}
