//! *Smart Inventory*: SQLite with `users`, `products`, `orders`.
//!
//! An order there is a product and a quantity, with no date, price or customer: it cannot stand in books that are
//! kept by the day, so it counts into what the product sold before. How a password was kept, its look tells.

use super::{Goods, Person, SaleLine, System, Table, price, username};
use crate::catalog::Unit;
use crate::classic::moving::file::Kind;
use crate::classic::moving::record::{Flaw, Record};
use crate::money::{Money, Quantity};
use crate::staff::password::OldScheme;
use crate::staff::{Kind as Who, Role};

static USERS: Table = Table { name: "users", columns: &["id", "username", "password"] };
static PRODUCTS: Table = Table { name: "products", columns: &["id", "name", "price", "quantity"] };
static ORDERS: Table = Table { name: "orders", columns: &["id", "product_id", "quantity"] };

/// The system.
pub static SYSTEM: System = System {
    kind: Kind::Sqlite,
    name: "smart-inventory",
    tables: &[&PRODUCTS],
    people: &[&USERS],
    goods: Some(&PRODUCTS),
    sales: None,
    lines: None,
    undated: Some(&ORDERS),
    kind_of: |_| Who::Staff,
    person,
    product,
    sale: |_, _, _| Ok(None),
    line,
};

fn person(record: &Record) -> Result<Person, Flaw> {
    let fields = &record.fields;
    let kept = fields.string("password");
    let scheme = if kept.starts_with("$2") {
        OldScheme::Bcrypt
    } else if kept.len() == 64 && kept.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        OldScheme::Sha256
    } else {
        OldScheme::Plain
    };
    // What Flask's own tools write cannot be checked here; such an account needs a new password.
    let foreign = kept.is_empty() || kept.starts_with("pbkdf2:") || kept.starts_with("scrypt:");
    Ok(Person {
        external: fields.required("id")?,
        role: Some(Role::StockKeeper),
        username: Some(username(record, "username")?),
        secret: (!foreign).then_some((scheme, kept)),
        ..Person::default()
    })
}

fn product(record: &Record) -> Result<Goods, Flaw> {
    let fields = &record.fields;
    Ok(Goods {
        external: fields.required("id")?,
        sku: None,
        name: fields.required("name")?,
        category: String::new(),
        unit: Unit::Piece,
        price: price(record, "price")?,
        stock: fields.quantity("quantity")?.unwrap_or(Quantity::ZERO),
    })
}

fn line(record: &Record) -> Result<(String, SaleLine), Flaw> {
    let fields = &record.fields;
    let quantity = fields.quantity("quantity")?.ok_or_else(|| Flaw::new("quantity", "is empty"))?;
    if quantity.is_negative() {
        return Err(Flaw::new("quantity", "is below zero"));
    }
    let product = fields.required("product_id")?;
    let line = SaleLine { product: Some(product), name: String::new(), quantity, unit_price: Money::ZERO, total: None };
    Ok((fields.required("id")?, line))
}
