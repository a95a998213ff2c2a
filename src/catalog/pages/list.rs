//! The list of products: searched, filtered, a page at a time, with what is chosen for a change of many.

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use serde::Deserialize;

use super::super::actions;
use super::super::list::{Page as Found, Question, Sort};
use super::super::model::{Product, Status};
use super::{Level, called, picture};
use crate::ids::StoreId;
use crate::shop;
use crate::staff::access::{ManageCatalog, SeeStock};
use crate::staff::pages::page;
use crate::staff::{Allowed, Caller};
use crate::web::answer::encode;
use crate::web::page::{Page, Reader, draw};
use crate::web::{self, Problem, Query, Site};

/// How many products a page has.
const PAGE: i64 = 50;

/// What is asked of the list.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct Asked {
    pub q: String,
    pub category: String,
    /// `low` or `out`; anything else means all.
    pub level: String,
    /// `archived`; anything else means what is on sale.
    pub status: String,
    pub sort: String,
    pub cursor: String,
    /// What was done a moment ago, and to how many.
    pub done: String,
    pub n: String,
}

#[derive(Template)]
#[template(path = "catalog/list.html")]
struct ListPage {
    page: Page,
    notice: Option<String>,
    problem: Option<String>,
    asked: Asked,
    total: String,
    filtered: bool,
    categories: Vec<Choice>,
    sorts: Vec<Choice>,
    chips: Vec<Chip>,
    rows: Vec<Row>,
    next: Option<String>,
    may_manage: bool,
}

struct Choice {
    value: String,
    name: String,
    chosen: bool,
}

struct Chip {
    href: String,
    name: String,
    current: bool,
}

struct Row {
    id: String,
    version: i64,
    name: String,
    initial: String,
    picture: Option<String>,
    code: String,
    category: String,
    price: String,
    /// The price as it is typed.
    price_plain: String,
    mrp: Option<String>,
    stock: String,
    stock_plain: String,
    tracked: bool,
    level: Level,
}

pub(super) async fn show(
    State(site): State<Site>,
    seen: Allowed<SeeStock>,
    reader: Reader,
    Query(asked): Query<Asked>,
) -> web::Result<Response> {
    answer(&site, &reader, seen.caller, asked, None).await
}

/// The list, with the reason why a change of many was refused.
pub(super) async fn answer(
    site: &Site,
    reader: &Reader,
    caller: Caller,
    asked: Asked,
    problem: Option<Problem>,
) -> web::Result<Response> {
    let store = caller.choose_store(None)?;
    let (for_page, reader) = (site.clone(), reader.clone());
    let status = problem.as_ref().map_or(StatusCode::OK, |problem| problem.status);
    let drawn = site
        .db
        .read(move |conn| {
            let shop = shop::current(conn)?;
            let page = page(&for_page, &reader, &shop, Some(&caller));
            let found = match asked.level.as_str() {
                "low" | "out" if asked.q.trim().is_empty() => {
                    let after = asked.cursor.parse().unwrap_or(0);
                    actions::list_low(conn, store, &asked.category, asked.level == "out", after, PAGE)?
                }
                _ => actions::list_products(conn, &asked.question(store))?,
            };
            let categories = actions::list_categories(conn)?.into_iter().map(|category| Choice {
                chosen: category.name == asked.category,
                value: category.name.clone(),
                name: category.name,
            });
            let categories = categories.collect();
            let problem = problem.map(|problem| page.reason(&problem));
            Ok::<_, Problem>(ListPage::new(page, &caller, asked, found, categories, problem))
        })
        .await?;
    Ok(draw(status, &drawn))
}

impl Asked {
    fn question(&self, store: StoreId) -> Question {
        let sort = match Sort::from_word(&self.sort) {
            Some(sort) => sort,
            None if self.q.trim().is_empty() => Sort::Name,
            None => Sort::Best,
        };
        Question {
            store,
            search: self.q.clone(),
            category: self.category.clone(),
            status: Some(if self.status == "archived" { Status::Archived } else { Status::Active }),
            sort,
            limit: PAGE,
            cursor: Some(self.cursor.clone()).filter(|cursor| !cursor.is_empty()),
        }
    }

    /// The address of a list that differs in some of what is asked.
    pub(super) fn address(&self, changes: &[(&str, &str)]) -> String {
        let mine = [
            ("q", self.q.trim()),
            ("category", self.category.as_str()),
            ("level", self.level.as_str()),
            ("status", self.status.as_str()),
            ("sort", self.sort.as_str()),
            ("cursor", ""),
        ];
        let pairs: Vec<String> = mine
            .iter()
            .map(|(name, value)| {
                let changed = changes.iter().find(|(changed, _)| changed == name);
                (*name, changed.map_or(*value, |(_, value)| *value))
            })
            .filter(|(_, value)| !value.is_empty())
            .map(|(name, value)| format!("{name}={}", encode(value)))
            .collect();
        if pairs.is_empty() { "/inventory".to_owned() } else { format!("/inventory?{}", pairs.join("&")) }
    }

    fn notice(&self, page: &Page) -> Option<String> {
        let text = match self.done.as_str() {
            "changed" => page.t1("inventory.done_changed", &self.n),
            "archived" => page.t1("inventory.done_archived", &self.n),
            "restored" => page.t1("inventory.done_restored", &self.n),
            "removed" => page.t("inventory.done_removed").to_owned(),
            _ => return None,
        };
        Some(text)
    }
}

impl ListPage {
    fn new(
        page: Page,
        caller: &Caller,
        asked: Asked,
        found: Found,
        categories: Vec<Choice>,
        problem: Option<String>,
    ) -> Self {
        let chips = [
            ("", "", page.t("inventory.on_sale")),
            ("low", "", page.t("level.low")),
            ("out", "", page.t("level.out")),
            ("", "archived", page.t("inventory.archived")),
        ];
        let chips = chips.map(|(level, status, name)| Chip {
            href: asked.address(&[("level", level), ("status", status), ("cursor", "")]),
            name: name.to_owned(),
            current: asked.level == level && asked.status == status,
        });
        let sorts = [
            ("", page.t("sort.usual")),
            ("name", page.t("sort.name")),
            ("newest", page.t("sort.newest")),
            ("price", page.t("sort.price")),
            ("-price", page.t("sort.price_down")),
        ];
        let sorts = sorts.map(|(value, name)| Choice {
            value: value.to_owned(),
            name: name.to_owned(),
            chosen: asked.sort == value,
        });
        let rows = found.products.iter().zip(found.barcodes).map(|(product, codes)| Row::new(&page, product, &codes));
        Self {
            notice: asked.notice(&page),
            problem,
            total: page.count(found.total),
            filtered: asked.address(&[("sort", "")]) != "/inventory",
            categories,
            sorts: sorts.into(),
            chips: chips.into(),
            rows: rows.collect(),
            next: found.next.map(|cursor| asked.address(&[("cursor", &cursor)])),
            may_manage: caller.may::<ManageCatalog>(),
            asked,
            page,
        }
    }
}

impl Row {
    fn new(page: &Page, product: &Product, codes: &[String]) -> Self {
        let name = called(page, product);
        Self {
            id: product.id.to_string(),
            version: product.version,
            initial: name.chars().next().map(String::from).unwrap_or_default(),
            picture: picture(product),
            code: codes.first().cloned().unwrap_or_else(|| product.sku.clone()),
            category: product.category.clone(),
            price: page.money(product.price_paise),
            price_plain: product.price_paise.to_string(),
            mrp: product.mrp_paise.filter(|mrp| *mrp != product.price_paise).map(|mrp| page.money(mrp)),
            stock: page.quantity(product.on_hand_milli, product.unit.word()),
            stock_plain: product.on_hand_milli.to_string(),
            tracked: product.track_stock,
            level: Level::of(page, product),
            name,
        }
    }
}
