//! Items: added, priced, taken out, by managers.

use aide::axum::routing::{delete_with, post_with, put_with};
use axum::extract::State;
use axum::http::StatusCode;
use schemars::JsonSchema;
use serde::Deserialize;

use super::super::body::{self, Anything, OneOrMany};
use super::super::gate::Let;
use super::super::words::{Message, Said, System as _};
use super::{NO_DATA, Supermarket, TAG, missing, required};
use crate::catalog::api::Acting;
use crate::catalog::{CatalogError, NewProduct, ProductChange, actions};
use crate::db::Conn;
use crate::ids::ProductId;
use crate::money::{Money, Quantity};
use crate::staff::access::ManageCatalog;
use crate::staff::{self, Role};
use crate::web::answer::Answer;
use crate::web::docs::describe;
use crate::web::porch::Address;
use crate::web::{self, Path, Problem, Routes, Site, idempotency};

/// How many items one call may add.
const MOST_ITEMS: usize = 1_000;

pub(super) fn routes() -> Routes {
    Routes::new()
        .api_route(
            "/add_item/{designation}",
            post_with(add, |op| describe(op, TAG, "Adds an item, or several at once; all or nothing")),
        )
        .api_route(
            "/delete_item/{item_id}/{designation}",
            delete_with(remove, |op| describe(op, TAG, "Takes an item out of the shop"))
                .post_with(remove, |op| describe(op, TAG, "The same as DELETE")),
        )
        .api_route(
            "/update_item_rate/{item_id}/{designation}",
            put_with(price, |op| describe(op, TAG, "Changes the rate of an item"))
                .post_with(price, |op| describe(op, TAG, "The same as PUT")),
        )
}

#[derive(Debug, Deserialize, JsonSchema)]
struct DesignationPath {
    /// The caller's own designation.
    designation: String,
}

#[derive(Debug, Deserialize, JsonSchema)]
struct ItemPath {
    /// The item.
    item_id: i64,
    /// The caller's own designation.
    designation: String,
}

/// An item to be added.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default)]
struct ItemBody {
    /// What it is called.
    #[serde(rename = "Product_name", alias = "productname", alias = "name", deserialize_with = "body::text")]
    name: Option<String>,
    /// What one costs.
    #[serde(rename = "Rate", alias = "rate", alias = "price")]
    rate: Option<Money>,
    /// How many there are.
    #[serde(rename = "Stock", alias = "stock", alias = "quantity")]
    stock: Option<Quantity>,
}

impl ItemBody {
    fn check(self) -> web::Result<NewProduct> {
        let name = required("Product_name", self.name)?;
        let rate = self.rate.ok_or_else(|| missing("Rate"))?;
        let stock = self.stock.ok_or_else(|| missing("Stock"))?;
        Ok(NewProduct { stock, ..NewProduct::named(name, "", rate) })
    }
}

async fn add(
    State(site): State<Site>,
    seen: Let<Supermarket, ManageCatalog>,
    Path(path): Path<DesignationPath>,
    address: Address,
    sent: OneOrMany<ItemBody>,
) -> web::Result<Answer<Message>> {
    check_designation(&site, &seen, &path.designation).await?;
    if sent.bodies.is_empty() {
        return Err(Supermarket::bad_request(NO_DATA));
    }
    if sent.bodies.len() > MOST_ITEMS {
        return Err(Supermarket::bad_request(format!("Send at most {MOST_ITEMS} items at once.")));
    }
    let items = sent.bodies.into_iter().map(ItemBody::check).collect::<web::Result<Vec<_>>>()?;
    let message = if sent.is_array { "Items added successfully" } else { "Item added successfully" };
    let acting = Acting::new(&site, &seen.caller, address, None)?;
    let claim = seen.caller.claim(sent.key);
    let stored = site
        .db
        .write(move |conn| {
            idempotency::once(conn, claim.as_ref(), acting.now, StatusCode::OK, |conn| {
                let on = acting.on(conn)?;
                match items.as_slice() {
                    [item] => actions::create(conn, item, on).map(|_| ())?,
                    items => actions::create_many(conn, items, on).map(|_| ())?,
                }
                Ok::<_, CatalogError>(Message { message })
            })
        })
        .await?;
    Ok(stored.into())
}

async fn remove(
    State(site): State<Site>,
    seen: Let<Supermarket, ManageCatalog>,
    Path(path): Path<ItemPath>,
    address: Address,
) -> web::Result<Said<Message>> {
    check_designation(&site, &seen, &path.designation).await?;
    let acting = Acting::new(&site, &seen.caller, address, None)?;
    let remove = move |conn: &mut Conn<'_>| {
        let on = acting.on(conn)?;
        actions::remove(conn, ProductId::new(path.item_id), None, on)
    };
    site.db.write(remove).await.map_err(refusal)?;
    Ok(Message::ok("Item deleted successfully"))
}

/// A new rate.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default)]
struct RateBody {
    /// What one costs from now on.
    #[serde(alias = "newrate", alias = "rate")]
    new_rate: Option<Money>,
}

async fn price(
    State(site): State<Site>,
    seen: Let<Supermarket, ManageCatalog>,
    Path(path): Path<ItemPath>,
    address: Address,
    sent: Anything<RateBody>,
) -> web::Result<Said<Message>> {
    check_designation(&site, &seen, &path.designation).await?;
    let rate = sent.body.new_rate.ok_or_else(|| missing("new_rate"))?;
    let to = ProductChange { price: Some(rate), ..ProductChange::default() };
    let acting = Acting::new(&site, &seen.caller, address, None)?;
    let change = move |conn: &mut Conn<'_>| {
        let on = acting.on(conn)?;
        let change = actions::Change { product: ProductId::new(path.item_id), expected: None, to: &to };
        actions::change(conn, change, on)
    };
    site.db.write(change).await.map_err(refusal)?;
    Ok(Message::ok("Item rate updated successfully"))
}

/// The designation in the address must be the caller's own: their role or the job that the shop wrote
/// down for them. An owner is a manager too.
async fn check_designation(site: &Site, seen: &Let<Supermarket, ManageCatalog>, word: &str) -> web::Result<()> {
    let holds = |held: &str| body::fold(held) == body::fold(word);
    let role = seen.caller.role;
    if holds(role.word()) || (role == Role::Owner && holds(Role::Manager.word())) {
        return Ok(());
    }
    if let Some(id) = seen.caller.user() {
        let load = move |conn: &mut Conn<'_>| Ok::<_, Problem>(staff::actions::load(conn, id)?);
        let designation = site.db.read(load).await?.designation;
        if !designation.is_empty() && holds(&designation) {
            return Ok(());
        }
    }
    Err(Supermarket::refuse(StatusCode::FORBIDDEN, "forbidden", Supermarket::NOT_ALLOWED))
}

fn refusal(error: CatalogError) -> Problem {
    match error {
        CatalogError::NoProduct => Supermarket::refuse(StatusCode::NOT_FOUND, "not_found", "Item not found"),
        error => Supermarket::put(error.into()),
    }
}
