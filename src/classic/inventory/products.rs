//! Products: name, price, quantity.

use aide::axum::routing::{get_with, put_with};
use axum::extract::State;
use axum::http::StatusCode;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::super::body::Anything;
use super::super::gate::Let;
use super::super::words::{Message, Said, System as _};
use super::{Inventory, Raw, TAG, Window, digits, invalid_input, no_product, text};
use crate::catalog::api::Acting;
use crate::catalog::{CatalogError, NewProduct, Product, ProductChange, Question, Sort, Status, actions, list};
use crate::db::Conn;
use crate::ids::{ProductId, StoreId};
use crate::money::{Money, Quantity};
use crate::staff::access::{Anyone, ManageCatalog};
use crate::web::answer::{Answer, encode};
use crate::web::docs::describe;
use crate::web::porch::Address;
use crate::web::{self, Listed, Path, Problem, Query, Routes, Site, idempotency};

/// How many products are read at once.
const AT_ONCE: i64 = 5_000;
/// What a price and a quantity must be.
const POSITIVE: &str = "Price and quantity must be positive";

pub(super) fn routes() -> Routes {
    Routes::new()
        .api_route(
            "/products",
            get_with(show_all, |op| describe(op, TAG, "All products, or a page of them"))
                .post_with(add, |op| describe(op, TAG, "Adds a product")),
        )
        .api_route(
            "/products/{id}",
            put_with(update, |op| describe(op, TAG, "Changes a product; what is absent stays"))
                .delete_with(remove, |op| describe(op, TAG, "Takes a product out of the shop")),
        )
}

/// Which products; all of them when nothing is said.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
struct ProductsQuery {
    /// The page, from 1.
    page: Option<i64>,
    /// Products on a page: 500 when absent, 5,000 at most.
    limit: Option<i64>,
    /// Words that must all occur in a product.
    q: Option<String>,
    /// A category's name or id.
    category: Option<String>,
    /// `newest`, `name`, `price`, `-price` or `best`; in the order of their ids when absent.
    sort: Option<Sort>,
}

/// A product.
#[derive(Debug, Serialize, JsonSchema)]
struct ProductRow {
    id: i64,
    name: String,
    price: Money,
    /// What is there; a fraction where goods are weighed.
    quantity: Quantity,
}

impl From<Product> for ProductRow {
    fn from(product: Product) -> Self {
        Self {
            id: product.id.number(),
            name: product.name,
            price: product.price_paise,
            quantity: product.on_hand_milli,
        }
    }
}

async fn show_all(
    State(site): State<Site>,
    seen: Result<Anyone, Problem>,
    address: Address,
    Query(query): Query<ProductsQuery>,
) -> web::Result<Listed<ProductRow>> {
    // The key that its clients send with everything opens nothing here, and is no reason to refuse.
    let store = if let Ok(Anyone(Some(caller))) = seen {
        caller.choose_store(None)?
    } else {
        site.limits.admit(address.0)?;
        StoreId::new(1)
    };
    let window = Window::choose(query.page, query.limit)?;
    let asked = query.clone();
    let (rows, total, window) = site
        .db
        .read(move |conn| {
            let (found, total) = find(conn, store, &asked, window.as_ref())?;
            Ok::<_, CatalogError>((found, total, window))
        })
        .await?;
    let next = window.filter(|window| window.skip() + rows.len() < usize::try_from(total).unwrap_or_default());
    let next = next.map(|window| query.address(window.page + 1, window.limit));
    Ok(Listed { rows: rows.into_iter().map(ProductRow::from).collect(), total, next })
}

impl ProductsQuery {
    /// Nothing but pages is asked for.
    fn is_plain(&self) -> bool {
        let empty = |text: &Option<String>| text.as_deref().is_none_or(|text| text.trim().is_empty());
        self.sort.is_none() && empty(&self.q) && empty(&self.category)
    }

    fn question(&self, store: StoreId, limit: i64, cursor: Option<String>) -> Question {
        Question {
            store,
            search: self.q.clone().unwrap_or_default(),
            category: self.category.clone().unwrap_or_default(),
            status: Some(Status::Active),
            sort: self.sort.unwrap_or(Sort::Best),
            limit,
            cursor,
        }
    }

    fn address(&self, page: i64, limit: i64) -> String {
        let filters =
            [("q", self.q.as_deref()), ("category", self.category.as_deref()), ("sort", self.sort.map(Sort::word))];
        let filters = filters.iter().filter_map(|(name, value)| Some(format!("&{name}={}", encode((*value)?))));
        format!("/products?page={page}&limit={limit}{}", filters.collect::<String>())
    }
}

/// The products of a page, or all, and how many there are.
fn find(
    conn: &mut Conn<'_>,
    store: StoreId,
    query: &ProductsQuery,
    window: Option<&Window>,
) -> Result<(Vec<Product>, i64), CatalogError> {
    let (skip, take) = window.map_or((0, usize::MAX), |window| (window.skip(), window.take()));
    let end = skip.saturating_add(take);
    let mut rows: Vec<Product> = Vec::new();
    let mut cursor = None;
    let mut total = actions::list_products(conn, &query.question(store, 1, None))?.total;
    while rows.len() < end {
        let limit = i64::try_from(end - rows.len()).unwrap_or(AT_ONCE).min(AT_ONCE);
        let (found, is_last) = if query.is_plain() {
            let last = rows.last().map_or(0, |last| last.id.number());
            let (found, _) = list::after(conn, store, Some(Status::Active), last, limit)?;
            let is_last = i64::try_from(found.len()).unwrap_or(i64::MAX) < limit;
            (found, is_last)
        } else {
            let page = actions::list_products(conn, &query.question(store, limit, cursor))?;
            (total, cursor) = (page.total, page.next);
            (page.products, cursor.is_none())
        };
        rows.extend(found);
        if is_last {
            break;
        }
    }
    Ok((rows.into_iter().skip(skip).take(take).collect(), total))
}

/// A product as it is sent: a text and two numbers.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default)]
struct ProductBody {
    #[schemars(with = "Option<String>")]
    name: Option<Raw>,
    #[schemars(with = "Option<Money>")]
    price: Option<Raw>,
    #[schemars(with = "Option<Quantity>")]
    quantity: Option<Raw>,
}

/// What was sent, once its types are right.
struct Fields {
    name: Option<String>,
    price: Option<Money>,
    quantity: Option<Quantity>,
}

impl ProductBody {
    fn read(&self) -> web::Result<Fields> {
        let name = self.name.as_ref().map(text).transpose()?;
        let price = match &self.price {
            Some(raw) => Some(Money::parse(digits(raw)?).map_err(|_| invalid_input())?),
            None => None,
        };
        let quantity = match &self.quantity {
            Some(raw) => {
                let quantity = Quantity::parse(digits(raw)?).map_err(|_| invalid_input())?;
                if !quantity.is_whole() {
                    return Err(invalid_input());
                }
                Some(quantity)
            }
            None => None,
        };
        Ok(Fields { name, price, quantity })
    }
}

async fn add(
    State(site): State<Site>,
    seen: Let<Inventory, ManageCatalog>,
    address: Address,
    sent: Result<Anything<ProductBody>, Problem>,
) -> web::Result<Answer<Message>> {
    let sent = sent.map_err(|_| invalid_input())?;
    let Fields { name: Some(name), price: Some(price), quantity: Some(quantity) } = sent.body.read()? else {
        return Err(invalid_input());
    };
    if price <= Money::ZERO || quantity <= Quantity::ZERO {
        return Err(Inventory::bad_request(POSITIVE));
    }
    let product = NewProduct { stock: quantity, ..NewProduct::named(name, "", price) };
    let acting = Acting::new(&site, &seen.caller, address, None)?;
    let claim = seen.caller.claim(sent.key);
    let stored = site
        .db
        .write(move |conn| {
            idempotency::once(conn, claim.as_ref(), acting.now, StatusCode::CREATED, |conn| {
                let on = acting.on(conn)?;
                actions::create(conn, &product, on)?;
                Ok::<_, CatalogError>(Message { message: "Product added successfully" })
            })
        })
        .await?;
    Ok(stored.into())
}

#[derive(Debug, Deserialize, JsonSchema)]
struct ProductPath {
    /// The product.
    id: i64,
}

async fn update(
    State(site): State<Site>,
    seen: Let<Inventory, ManageCatalog>,
    Path(path): Path<ProductPath>,
    address: Address,
    sent: Result<Anything<ProductBody>, Problem>,
) -> web::Result<Said<Message>> {
    let Fields { name, price, quantity } = sent.map_err(|_| invalid_input())?.body.read()?;
    if name.is_none() && price.is_none() && quantity.is_none() {
        return Err(invalid_input());
    }
    // A product that is sold out has a quantity of nothing.
    if price.is_some_and(|price| price <= Money::ZERO) || quantity.is_some_and(Quantity::is_negative) {
        return Err(Inventory::bad_request(POSITIVE));
    }
    let to = ProductChange { name, price, stock: quantity, ..ProductChange::default() };
    let acting = Acting::new(&site, &seen.caller, address, None)?;
    let change = move |conn: &mut Conn<'_>| {
        let on = acting.on(conn)?;
        actions::change(conn, actions::Change { product: ProductId::new(path.id), expected: None, to: &to }, on)
    };
    site.db.write(change).await.map_err(refusal)?;
    Ok(Message::ok("Product updated"))
}

async fn remove(
    State(site): State<Site>,
    seen: Let<Inventory, ManageCatalog>,
    Path(path): Path<ProductPath>,
    address: Address,
) -> web::Result<Said<Message>> {
    let acting = Acting::new(&site, &seen.caller, address, None)?;
    let remove = move |conn: &mut Conn<'_>| {
        let on = acting.on(conn)?;
        actions::remove(conn, ProductId::new(path.id), None, on)
    };
    site.db.write(remove).await.map_err(refusal)?;
    Ok(Message::ok("Product deleted"))
}

fn refusal(error: CatalogError) -> Problem {
    match error {
        CatalogError::NoProduct => no_product(),
        error => error.into(),
    }
}
