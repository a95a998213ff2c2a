//! `kirana order`: orders by their code, for the person who has the machine.

use serde::{Deserialize, Serialize};
use serde_json::json;

use super::failure::{FAILED, Failure, Outcome};
use super::item;
use super::out::{Out, table};
use super::work::Context;
use crate::audit::By;
use crate::catalog::CatalogError;
use crate::db::Conn;
use crate::ids::{OrderId, StoreId};
use crate::money::{Money, Quantity};
use crate::orders::actions::{self, Actor, Whole};
use crate::orders::{
    Channel, Item, Method, NewPayment, OrderStatus, OrderView, PlaceOrder, Which, order_code, parse_order_code,
};

/// How many orders a list shows.
const PAGE: i64 = 1_000;

/// What stands after `order`.
#[derive(Debug, Clone, clap::Subcommand, Serialize, Deserialize)]
pub enum OrderCommand {
    /// Place an order; it is taken as a whole or not at all.
    #[command(after_help = "Example:
  kirana order add --item \"Basmati rice=2.5\" --item 0042=1 --note \"by six\"")]
    Add(AddArgs),
    /// Show an order with its lines.
    Show(CodeArgs),
    /// List orders, newest first.
    List {
        /// open, placed, confirmed, packed, ready, completed or cancelled
        #[arg(long, value_parser = which)]
        status: Option<String>,
    },
    /// List the orders that are not handed over yet, newest first.
    Pending,
    /// Print what an order comes to.
    Total(CodeArgs),
    /// Hand an order over; what is still due counts as paid.
    Complete {
        #[command(flatten)]
        code: CodeArgs,
        /// How the rest was paid: cash, card or upi
        #[arg(long, default_value = "cash", value_parser = method)]
        paid: Method,
    },
    /// Call an order off; its stock goes back.
    Cancel {
        #[command(flatten)]
        code: CodeArgs,
        /// Why.
        #[arg(long, default_value = "", hide_default_value = true)]
        note: String,
    },
}

/// Which order.
#[derive(Debug, Clone, Copy, clap::Args, Serialize, Deserialize)]
pub struct CodeArgs {
    /// Its code, like OD0000042, or its number.
    #[arg(value_name = "ORDER", value_parser = id)]
    id: OrderId,
}

/// A new order.
#[derive(Debug, Clone, clap::Args, Serialize, Deserialize)]
pub struct AddArgs {
    /// An item by name, item code or SKU, and how much of it; may be given more than once.
    #[arg(long = "item", required = true, value_name = "ITEM=QUANTITY", value_parser = line)]
    items: Vec<(String, Quantity)>,
    /// What is to be known about it.
    #[arg(long, default_value = "", hide_default_value = true)]
    note: String,
    /// cash, card or upi
    #[arg(long, default_value = "cash", value_parser = method)]
    payment: Method,
    /// Handed over and paid at once, as at the counter.
    #[arg(long)]
    complete: bool,
    /// The number of the branch.
    #[arg(long, default_value = "1")]
    store: StoreId,
}

fn id(text: &str) -> Result<OrderId, String> {
    parse_order_code(text).ok_or_else(|| "a code like OD0000042, or a number".to_owned())
}

fn line(text: &str) -> Result<(String, Quantity), String> {
    let (what, quantity) = text.rsplit_once('=').ok_or("an item and a quantity, like Rice=2.5")?;
    let quantity = Quantity::parse(quantity.trim()).map_err(|error| format!("`{quantity}` {error}"))?;
    Ok((what.trim().to_owned(), quantity))
}

fn method(text: &str) -> Result<Method, String> {
    Method::from_word(&text.to_lowercase())
        .filter(|method| matches!(method, Method::Cash | Method::Card | Method::Upi))
        .ok_or_else(|| "one of cash, card, upi".to_owned())
}

fn which(text: &str) -> Result<String, String> {
    let known = text == "open" || OrderStatus::from_word(text).is_some();
    if known { Ok(text.to_owned()) } else { Err("open, or one status of an order".to_owned()) }
}

fn operator() -> Actor {
    Actor { name: "system".to_owned(), user: None, only_of: None, only_in: None }
}

impl OrderCommand {
    /// Does it.
    pub async fn run(self, context: &Context, as_json: bool, out: &Out) -> Outcome {
        let now = context.clock.now();
        match self {
            Self::Add(args) => add(args, context, as_json, out).await,
            Self::Show(code) => {
                let whole = load(context, code.id).await?;
                show(whole, as_json, out);
                Ok(())
            }
            Self::Total(code) => {
                let total = load(context, code.id).await?.order.total_paise;
                if as_json {
                    out.json(&json!({ "code": order_code(code.id), "total": total }));
                } else {
                    out.result(total.to_string());
                }
                Ok(())
            }
            Self::List { status } => list(status.as_deref(), context, as_json, out).await,
            Self::Pending => list(Some("open"), context, as_json, out).await,
            Self::Complete { code, paid } => {
                let complete = move |conn: &mut Conn<'_>| {
                    let due = actions::load(conn, &operator(), code.id)?.order.due();
                    let rest = NewPayment { method: paid, amount: None, reference: String::new() };
                    let payments = if due.is_zero() { Vec::new() } else { vec![rest] };
                    actions::complete(conn, &operator(), code.id, &payments, None, By::system(now))?;
                    actions::load(conn, &operator(), code.id)
                };
                let whole = context.db.write(complete).await?;
                report(whole, "is complete", as_json, out);
                Ok(())
            }
            Self::Cancel { code, note } => {
                let cancel = move |conn: &mut Conn<'_>| {
                    actions::cancel(conn, &operator(), code.id, &note, None, By::system(now))?;
                    actions::load(conn, &operator(), code.id)
                };
                let whole = context.db.write(cancel).await?;
                report(whole, "is cancelled", as_json, out);
                Ok(())
            }
        }
    }
}

async fn load(context: &Context, id: OrderId) -> Result<Whole, Failure> {
    Ok(context.db.read(move |conn| actions::load(conn, &operator(), id)).await?)
}

async fn add(args: AddArgs, context: &Context, as_json: bool, out: &Out) -> Outcome {
    let AddArgs { items, note, payment, complete, store } = args;
    let items = context
        .db
        .read(move |conn| {
            let mut found = Vec::with_capacity(items.len());
            for (what, quantity) in &items {
                let product = item::find(conn, what).map_err(|error| match error {
                    CatalogError::NoProduct => Failure::new(FAILED, format!("{what} does not exist")),
                    error => error.into(),
                })?;
                found.push(Item::of(product, *quantity));
            }
            Ok::<_, Failure>(found)
        })
        .await?;
    let placed = context
        .desk
        .place(PlaceOrder {
            store,
            customer: None,
            actor: operator().name,
            user: None,
            channel: Channel::Counter,
            items,
            discount: Money::ZERO,
            payments: vec![NewPayment { method: payment, amount: None, reference: String::new() }],
            complete,
            note,
            claim: None,
            now: context.clock.now(),
            on: None,
            allowance: None,
            at_till: None,
        })
        .await?;
    let answer: serde_json::Value = serde_json::from_str(&placed.body)
        .map_err(|error| Failure::new(FAILED, format!("the order was placed, its answer cannot be read: {error}")))?;
    if as_json {
        out.json(&answer);
    } else {
        let code = answer["orderCode"].as_str().unwrap_or_default();
        out.talk("Order placed");
        out.result(code);
        out.talk(format!("Amount to be paid: {}", answer["due"]));
    }
    Ok(())
}

fn show(whole: Whole, as_json: bool, out: &Out) {
    if as_json {
        out.json(&OrderView::new(whole, true));
        return;
    }
    let order = &whole.order;
    let lines = whole.lines.iter().map(|line| {
        vec![
            line.name.clone(),
            format!("{} {}", line.quantity_milli, line.unit),
            line.unit_price_paise.to_string(),
            line.total_paise.to_string(),
        ]
    });
    let lines = table(&["Item", "Quantity", "Price", "Total"], lines);
    out.result(format!(
        "{}  {}  {}  {}\n{lines}\nTotal {}, still to be paid {}",
        order_code(order.id),
        order.status,
        order.placed_at,
        order.note,
        order.total_paise,
        order.due(),
    ));
}

fn report(whole: Whole, what: &str, as_json: bool, out: &Out) {
    if as_json {
        out.json(&OrderView::new(whole, true));
    } else {
        out.result(format!("{} {what}", order_code(whole.order.id)));
    }
}

async fn list(status: Option<&str>, context: &Context, as_json: bool, out: &Out) -> Outcome {
    let which = match status {
        None => Which::All,
        Some("open") => Which::Open,
        Some(word) => OrderStatus::from_word(word).map_or(Which::All, Which::In),
    };
    let (orders, _) = context.db.read(move |conn| actions::list(conn, None, which, i64::MAX, PAGE)).await?;
    if as_json {
        let all: Vec<_> = orders.into_iter().map(|whole| OrderView::new(whole, true)).collect();
        out.json(&all);
        return Ok(());
    }
    let rows = orders.into_iter().map(|Whole { order, .. }| {
        vec![
            order_code(order.id),
            order.status.to_string(),
            order.customer_name.unwrap_or_default(),
            order.line_count.to_string(),
            order.total_paise.to_string(),
            order.placed_at.to_string(),
        ]
    });
    out.result(table(&["Order", "Status", "Customer", "Lines", "Total", "Placed"], rows));
    Ok(())
}
