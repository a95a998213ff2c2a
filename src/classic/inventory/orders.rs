//! Orders: so many of a product.

use aide::OperationOutput;
use aide::axum::routing::get_with;
use aide::generate::GenContext;
use aide::openapi::{Operation, Response as Described};
use axum::Extension;
use axum::extract::{RawQuery, State};
use axum::response::{IntoResponse, Response};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::super::body::Anything;
use super::super::gate::Let;
use super::super::words::{Message, Said, System as _};
use super::{Inventory, Raw, TAG, digits, invalid_input, no_product};
use crate::ids::{OrderId, ProductId};
use crate::money::{Money, Quantity};
use crate::orders::{Channel, Desk, Item, Method, NewPayment, OPEN_ITEM, OrderError, PlaceOrder, Which, actions};
use crate::staff::Caller;
use crate::staff::access::{PlaceOrder as MayPlace, SeeOrders};
use crate::web::answer::{next_page, page_size};
use crate::web::docs::describe;
use crate::web::page::Reader;
use crate::web::{self, Listed, Problem, Query, Routes, Site};

pub(super) fn routes() -> Routes {
    Routes::new().api_route(
        "/orders",
        get_with(show_all, |op| describe(op, TAG, "The lines of all orders, newest order first"))
            .post_with(place, |op| describe(op, TAG, "Orders so many of a product")),
    )
}

#[derive(Debug, Deserialize, JsonSchema)]
struct OrdersQuery {
    /// The order that the page before ended with.
    cursor: Option<OrderId>,
    /// Orders on a page: 500 when absent, 5,000 at most.
    limit: Option<i64>,
}

/// A line of an order.
#[derive(Debug, Serialize, JsonSchema)]
struct OrderRow {
    id: i64,
    /// Null for an open item, which is in no catalogue.
    product_id: Option<i64>,
    quantity: Quantity,
}

/// What `/orders` answers; the document speaks of the rows.
enum Shown {
    Page(Response),
    Rows(Listed<OrderRow>),
}

impl IntoResponse for Shown {
    fn into_response(self) -> Response {
        match self {
            Self::Page(page) => page,
            Self::Rows(rows) => rows.into_response(),
        }
    }
}

impl OperationOutput for Shown {
    type Inner = Vec<OrderRow>;
    fn operation_response(ctx: &mut GenContext, operation: &mut Operation) -> Option<Described> {
        Listed::<OrderRow>::operation_response(ctx, operation)
    }
    fn inferred_responses(ctx: &mut GenContext, operation: &mut Operation) -> Vec<(Option<u16>, Described)> {
        Listed::<OrderRow>::inferred_responses(ctx, operation)
    }
}

/// The address is the board's as well: a browser is shown the page, a program what the document says.
async fn show_all(
    State(site): State<Site>,
    seen: Let<Inventory, SeeOrders>,
    reader: Reader,
    RawQuery(asked): RawQuery,
    query: Result<Query<OrdersQuery>, Problem>,
) -> web::Result<Shown> {
    if reader.wants_html {
        let page = crate::orders::pages::board(&site, &reader, seen.caller, &asked.unwrap_or_default()).await?;
        return Ok(Shown::Page(page));
    }
    list_lines(&site, &seen.caller, query?.0).await.map(Shown::Rows)
}

async fn list_lines(site: &Site, caller: &Caller, query: OrdersQuery) -> web::Result<Listed<OrderRow>> {
    let store = caller.ask_store(None)?;
    let limit = page_size(query.limit)?;
    let before = query.cursor.map_or(i64::MAX, OrderId::number);
    let (found, total) = site.db.read(move |conn| actions::list(conn, store, Which::All, before, limit)).await?;
    let full = i64::try_from(found.len()).is_ok_and(|count| count == limit);
    let last = found.last().filter(|_| full).map(|last| last.order.id.to_string());
    let rows = found.iter().flat_map(|whole| &whole.lines).map(|line| OrderRow {
        id: line.order_id.number(),
        product_id: (line.product_id != OPEN_ITEM).then_some(line.product_id.number()),
        quantity: line.quantity_milli,
    });
    let rows = rows.collect();
    Ok(Listed { rows, total: total.unwrap_or(-1), next: last.map(|last| next_page("/orders", &[], &last, limit)) })
}

/// So many of a product.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default)]
struct OrderBody {
    #[serde(alias = "productid")]
    product_id: Option<ProductId>,
    #[schemars(with = "Option<Quantity>")]
    quantity: Option<Raw>,
}

async fn place(
    State(site): State<Site>,
    Extension(desk): Extension<Desk>,
    seen: Let<Inventory, MayPlace>,
    sent: Result<Anything<OrderBody>, Problem>,
) -> web::Result<Said<Message>> {
    let sent = sent.map_err(|_| invalid_input())?;
    let OrderBody { product_id: Some(product), quantity: Some(quantity) } = sent.body else {
        return Err(invalid_input());
    };
    let quantity = Quantity::parse(digits(&quantity)?).map_err(|_| invalid_input())?;
    let caller = seen.caller;
    let command = PlaceOrder {
        store: caller.choose_store(None)?,
        customer: if caller.is_staff() { None } else { caller.user() },
        actor: caller.actor(),
        user: caller.user(),
        channel: if caller.is_staff() { Channel::Api } else { Channel::Web },
        items: vec![Item::of(product, quantity)],
        discount: Money::ZERO,
        payments: vec![NewPayment { method: Method::Cash, amount: None, reference: String::new() }],
        complete: false,
        note: String::new(),
        claim: caller.claim(sent.key),
        now: site.clock.now(),
        on: None,
        allowance: None,
        at_till: None,
    };
    match desk.place(command).await {
        Ok(_) => Ok(Message::created("Order placed successfully")),
        Err(OrderError::NoProduct { .. }) => Err(no_product()),
        Err(error) => Err(Inventory::put(error.into())),
    }
}
