//! `kirana item`: what the shop sells, by name or code, for the person who has the machine.

use serde::{Deserialize, Serialize};
use serde_json::json;

use super::failure::{FAILED, Failure, Outcome};
use super::out::{Out, table};
use super::work::Context;
use crate::audit::By;
use crate::catalog::actions::{self, Change};
use crate::catalog::api::ProductBody;
use crate::catalog::{CatalogError, Edit, NewProduct, Occasion, Product, ProductChange, Status, Unit, list};
use crate::clock::{BusinessDate, Timestamp};
use crate::db::Conn;
use crate::ids::{Entropy, ProductId, StoreId};
use crate::money::{Money, Quantity};
use crate::reports::{self, LowStock};
use crate::shop;

/// How many products are read at once.
const PAGE: i64 = 1_000;

/// What stands after `item`.
#[derive(Debug, Clone, clap::Subcommand, Serialize, Deserialize)]
pub enum ItemCommand {
    /// Add an item; refused when one on sale has its name already.
    #[command(after_help = "Example:
  kirana item add --name \"Basmati rice\" --category Rice --unit kg --price 92.50 --stock 40")]
    Add(AddArgs),
    /// Show one item, if there is one.
    Show {
        /// Its name, item code or SKU.
        what: String,
        #[command(flatten)]
        at: StoreArgs,
    },
    /// List what is on sale, with its stock.
    List {
        /// Only of this category, with all below it.
        #[arg(long)]
        category: Option<String>,
        #[command(flatten)]
        at: StoreArgs,
    },
    /// Change an item; what is not named stays.
    #[command(after_help = "Example:
  kirana item update \"Basmati rice\" --price 95 --stock 38.5")]
    Update(UpdateArgs),
    /// Take an item out of the catalogue; one with history is kept for the books and not sold any more.
    Remove {
        /// Its name, item code or SKU.
        what: String,
    },
    /// Say whether an item can be had.
    Available {
        /// Its name, item code or SKU.
        what: String,
        #[command(flatten)]
        at: StoreArgs,
    },
    /// List each category with its items.
    Categories,
    /// List how much of each item was sold, what sold most first.
    Sold {
        /// The first day, like 2026-11-01 [default: from the beginning, with what was sold before Kirana]
        #[arg(long, value_parser = day)]
        from: Option<BusinessDate>,
        /// The last day [default: today]
        #[arg(long, value_parser = day)]
        to: Option<BusinessDate>,
    },
    /// List what runs low, for a delivery or an alert.
    Low {
        #[command(flatten)]
        at: StoreArgs,
    },
    /// Print an item code of four digits that no item has.
    Code,
}

/// Which branch.
#[derive(Debug, Clone, Copy, clap::Args, Serialize, Deserialize)]
pub struct StoreArgs {
    /// The number of the branch.
    #[arg(long, default_value = "1")]
    store: StoreId,
}

/// A new item.
#[derive(Debug, Clone, clap::Args, Serialize, Deserialize)]
pub struct AddArgs {
    /// What it is called.
    #[arg(long)]
    name: String,
    /// Its category; made when unknown.
    #[arg(long)]
    category: String,
    /// pcs, kg, g, l, ml or m
    #[arg(long, default_value = "pcs", value_parser = unit)]
    unit: Unit,
    /// What one unit sells for.
    #[arg(long, value_parser = Money::parse)]
    price: Money,
    /// What is there.
    #[arg(long, default_value = "0", value_parser = Quantity::parse)]
    stock: Quantity,
    /// Its item code [default: a free one of four digits]
    #[arg(long)]
    code: Option<String>,
    #[command(flatten)]
    at: StoreArgs,
}

/// What changes of an item.
#[derive(Debug, Clone, clap::Args, Serialize, Deserialize)]
pub struct UpdateArgs {
    /// Its name, item code or SKU.
    what: String,
    /// A new name.
    #[arg(long)]
    name: Option<String>,
    /// Another category.
    #[arg(long)]
    category: Option<String>,
    /// Another unit.
    #[arg(long, value_parser = unit)]
    unit: Option<Unit>,
    /// A new price.
    #[arg(long, value_parser = Money::parse)]
    price: Option<Money>,
    /// What is there.
    #[arg(long, value_parser = Quantity::parse)]
    stock: Option<Quantity>,
    /// A new item code.
    #[arg(long)]
    code: Option<String>,
    /// At or below this it runs low.
    #[arg(long, value_parser = Quantity::parse)]
    reorder_level: Option<Quantity>,
    #[command(flatten)]
    at: StoreArgs,
}

fn unit(text: &str) -> Result<Unit, String> {
    Unit::from_word(text).ok_or_else(|| "one of pcs, kg, g, l, ml, m".to_owned())
}

/// Reads a day as people write it.
fn day(text: &str) -> Result<BusinessDate, String> {
    BusinessDate::parse(text).ok_or_else(|| "a day is written like 2026-11-21".to_owned())
}

fn occasion(conn: &mut Conn<'_>, store: StoreId, now: Timestamp) -> crate::db::Result<Occasion<'static>> {
    let today = shop::current(conn)?.business_date(now);
    Ok(Occasion { by: By::system(now), user: None, store, today, import: None })
}

/// The product that somebody means: its name, else its item code or SKU.
pub fn find(conn: &mut Conn<'_>, what: &str) -> Result<ProductId, CatalogError> {
    let found = match actions::find_by_name(conn, what)? {
        None => actions::find_by_code(conn, what)?,
        found => found,
    };
    found.ok_or(CatalogError::NoProduct)
}

impl ItemCommand {
    /// Does it.
    pub async fn run(self, context: &Context, as_json: bool, out: &Out) -> Outcome {
        let db = &context.db;
        match self {
            Self::Add(args) => add(args, context, as_json, out).await,
            Self::Show { what, at } => {
                let (product, barcodes) = load(context, what, at.store).await?;
                if as_json {
                    out.json(&ProductBody::new(product, barcodes, true));
                } else {
                    out.result(shown(&[product]));
                }
                Ok(())
            }
            Self::List { category, at } => {
                list_items(category.unwrap_or_default(), at.store, context, as_json, out).await
            }
            Self::Update(args) => update(args, context, as_json, out).await,
            Self::Remove { what } => {
                let now = context.clock.now();
                let removed = db
                    .write(move |conn| {
                        let id = find(conn, &what)?;
                        let on = occasion(conn, StoreId::new(1), now)?;
                        actions::remove(conn, id, None, on)
                    })
                    .await?;
                if as_json {
                    out.json(&json!({ "deletedProduct": removed.name, "archived": removed.archived }));
                } else {
                    let what = if removed.archived { "is not sold any more" } else { "is removed" };
                    out.result(format!("{} {what}", removed.name));
                }
                Ok(())
            }
            Self::Available { what, at } => {
                let (product, _) = load(context, what, at.store).await?;
                let left = product.on_hand_milli;
                let available = !product.track_stock || left > Quantity::ZERO;
                if as_json {
                    out.json(&json!({ "id": product.id, "name": product.name, "available": available, "stock": left }));
                } else if available {
                    out.result(format!("Available. Stock left: {left} {}", product.unit));
                } else {
                    out.result("Out of stock");
                }
                Ok(())
            }
            Self::Categories => categories(context, as_json, out).await,
            Self::Sold { from, to } => sold(from, to, context, as_json, out).await,
            Self::Low { at } => low(at.store, context, as_json, out).await,
            Self::Code => {
                let from = any_code();
                let code = db.read(move |conn| actions::free_item_code(conn, from)).await?;
                if as_json {
                    out.json(&json!({ "itemCode": code }));
                } else {
                    out.result(code);
                }
                Ok(())
            }
        }
    }
}

/// Where the search for a free item code begins.
fn any_code() -> u16 {
    u16::from_le_bytes(Entropy::system().bytes()) % 10_000
}

async fn load(context: &Context, what: String, store: StoreId) -> Result<(Product, Vec<String>), Failure> {
    let loaded = context
        .db
        .read(move |conn| {
            let id = find(conn, &what)?;
            actions::load_with_barcodes(conn, store, id)
        })
        .await;
    loaded.map_err(|error| match error {
        CatalogError::NoProduct => Failure::new(FAILED, "Does not exist"),
        error => error.into(),
    })
}

async fn add(args: AddArgs, context: &Context, as_json: bool, out: &Out) -> Outcome {
    let now = context.clock.now();
    let (store, from) = (args.at.store, any_code());
    let product = NewProduct {
        unit: args.unit,
        stock: args.stock,
        item_code: args.code,
        ..NewProduct::named(args.name.trim(), args.category.trim(), args.price)
    };
    let (product, barcodes) = context
        .db
        .write(move |conn| {
            let on = occasion(conn, store, now)?;
            let id = actions::create_as_new(conn, product.clone(), from, on)?;
            actions::load_with_barcodes(conn, store, id)
        })
        .await?;
    if as_json {
        out.json(&ProductBody::new(product, barcodes, true));
    } else {
        let code = product.item_code.unwrap_or_default();
        out.result(format!("Item added: {} ({code})", product.name));
    }
    Ok(())
}

async fn update(args: UpdateArgs, context: &Context, as_json: bool, out: &Out) -> Outcome {
    let now = context.clock.now();
    let UpdateArgs { what, name, category, unit, price, stock, code, reorder_level, at } = args;
    let item_code = code.map_or(Edit::Keep, Edit::Set);
    let to = ProductChange { name, category, unit, price, item_code, stock, reorder_level, ..ProductChange::default() };
    let outcome = context
        .db
        .write(move |conn| {
            let product = find(conn, &what)?;
            let on = occasion(conn, at.store, now)?;
            let changed = actions::change(conn, Change { product, expected: None, to: &to }, on)?;
            Ok::<_, CatalogError>((changed.modified, actions::load_with_barcodes(conn, at.store, product)?))
        })
        .await;
    let (modified, (product, barcodes)) = outcome.map_err(|error| match error {
        CatalogError::NoProduct => Failure::new(FAILED, "No items found"),
        error => error.into(),
    })?;
    if as_json {
        out.json(&json!({ "modified": modified, "product": ProductBody::new(product, barcodes, true) }));
    } else {
        out.result(if modified { "Item updated" } else { "Nothing changed" });
    }
    Ok(())
}

/// All products on sale, or those of a category.
async fn read_all(context: &Context, category: String, store: StoreId) -> Result<Vec<Product>, Failure> {
    let mut question = list::Question {
        store,
        search: String::new(),
        category,
        status: Some(Status::Active),
        sort: list::Sort::Name,
        limit: PAGE,
        cursor: None,
    };
    let products = context
        .db
        .read(move |conn| {
            let mut products = Vec::new();
            loop {
                let page = actions::list_products(conn, &question)?;
                products.extend(page.products);
                question.cursor = page.next;
                if question.cursor.is_none() {
                    return Ok::<_, CatalogError>(products);
                }
            }
        })
        .await?;
    Ok(products)
}

async fn list_items(category: String, store: StoreId, context: &Context, as_json: bool, out: &Out) -> Outcome {
    let products = read_all(context, category, store).await?;
    if as_json {
        let all: Vec<_> = products.into_iter().map(|product| ProductBody::new(product, Vec::new(), true)).collect();
        out.json(&all);
    } else {
        out.result(shown(&products));
    }
    Ok(())
}

fn shown(products: &[Product]) -> String {
    let rows = products.iter().map(|product| {
        vec![
            product.id.to_string(),
            product.item_code.clone().unwrap_or_default(),
            product.name.clone(),
            product.category.clone(),
            product.unit.to_string(),
            product.on_hand_milli.to_string(),
            product.price_paise.to_string(),
        ]
    });
    table(&["Id", "Code", "Name", "Category", "Unit", "Stock", "Price"], rows)
}

async fn categories(context: &Context, as_json: bool, out: &Out) -> Outcome {
    let products = read_all(context, String::new(), StoreId::new(1)).await?;
    let mut by_category = std::collections::BTreeMap::<String, Vec<String>>::new();
    for product in products {
        by_category.entry(product.category).or_default().push(product.name);
    }
    if as_json {
        let shown = |(category, items)| json!({ "category": category, "items": items });
        out.json(&by_category.into_iter().map(shown).collect::<Vec<_>>());
    } else {
        let rows = by_category
            .into_iter()
            .flat_map(|(category, items)| items.into_iter().map(move |item| vec![category.clone(), item]));
        out.result(table(&["Category", "Item"], rows));
    }
    Ok(())
}

async fn sold(
    from: Option<BusinessDate>,
    to: Option<BusinessDate>,
    context: &Context,
    as_json: bool,
    out: &Out,
) -> Outcome {
    let now = context.clock.now();
    let items = context
        .db
        .read(move |conn| {
            let today = shop::current(conn)?.business_date(now);
            reports::items_sold(conn, None, from, to.unwrap_or(today))
        })
        .await?;
    if as_json {
        out.json(&items);
    } else {
        let rows = items
            .into_iter()
            .map(|item| vec![item.name, format!("{} {}", item.sold_milli, item.unit), item.revenue_paise.to_string()]);
        out.result(table(&["Name", "Sold", "For"], rows));
    }
    Ok(())
}

async fn low(store: StoreId, context: &Context, as_json: bool, out: &Out) -> Outcome {
    let rows = context.db.read(move |conn| reports::list_low(conn, Some(store), i64::MAX)).await?;
    if as_json {
        let shown = |row: LowStock| json!({ "name": row.name, "unit": row.unit, "onHand": row.on_hand_milli, "reorderLevel": row.level_milli });
        out.json(&rows.into_iter().map(shown).collect::<Vec<_>>());
    } else {
        let rows = rows
            .into_iter()
            .map(|row| vec![row.name, format!("{} {}", row.on_hand_milli, row.unit), row.level_milli.to_string()]);
        out.result(table(&["Name", "Left", "Low at"], rows));
    }
    Ok(())
}
