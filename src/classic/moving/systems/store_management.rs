//! *Store Management System*: MongoDB with `users`, `products`, `orders`, as `mongoexport` writes them.
//!
//! Passwords are unsalted SHA-256. Prices and totals of old orders are what their customers' pages sent; they are kept
//! as they are, because they were paid. A customer or product that is gone since leaves its name on the line.

use jiff::tz::TimeZone;

use super::{Goods, Lines, Person, Sale, SaleLine, System, Table, When, email, no_line, price, secret};
use crate::catalog::Unit;
use crate::classic::moving::file::Kind;
use crate::classic::moving::record::{Cell, Fields, Flaw, Record};
use crate::clock::BusinessDate;
use crate::money::{Money, Quantity};
use crate::orders::{Method, OrderStatus};
use crate::staff::password::OldScheme;
use crate::staff::{Kind as Who, Role};

static USERS: Table = Table { name: "users", columns: &["email", "password"] };
static PRODUCTS: Table = Table { name: "products", columns: &["name", "price", "stock"] };
static ORDERS: Table = Table { name: "orders", columns: &["items", "paymentMethod"] };

/// The system.
pub static SYSTEM: System = System {
    kind: Kind::Export,
    name: "store-management",
    tables: &[&USERS, &PRODUCTS, &ORDERS],
    people: &[&USERS],
    goods: Some(&PRODUCTS),
    sales: Some(&ORDERS),
    lines: None,
    undated: None,
    kind_of: |record| if is_customer(record) { Who::Customer } else { Who::Staff },
    person,
    product,
    sale,
    line: no_line,
};

fn person(record: &Record) -> Result<Person, Flaw> {
    let fields = &record.fields;
    let role = fields.string("role");
    if !is_customer(record) && !role.eq_ignore_ascii_case("shopkeeper") {
        return Err(Flaw::new("role", format!("`{role}` is neither shopkeeper nor customer")));
    }
    Ok(Person {
        external: fields.required("_id")?,
        role: (!is_customer(record)).then_some(Role::Manager),
        email: Some(email(record, "email")?),
        username: None,
        first_name: fields.string("firstName"),
        last_name: fields.string("lastName"),
        phone: fields.string("phone"),
        designation: String::new(),
        address: fields.string("address"),
        city: fields.string("city"),
        pincode: fields.string("pincode"),
        birth: fields.string("dateOfBirth").get(..10).and_then(BusinessDate::parse),
        secret: secret(record, "password", OldScheme::Sha256),
    })
}

fn is_customer(record: &Record) -> bool {
    record.fields.string("role").eq_ignore_ascii_case("customer")
}

fn product(record: &Record) -> Result<Goods, Flaw> {
    let fields = &record.fields;
    let stock = fields.quantity("stock")?.unwrap_or(Quantity::ZERO);
    Ok(Goods {
        external: fields.required("_id")?,
        sku: None,
        name: fields.required("name")?,
        category: fields.string("category"),
        // It has no units, and its pages let people order a tenth: what stands at a fraction is weighed.
        unit: if stock.is_whole() { Unit::Piece } else { Unit::Kilogram },
        price: price(record, "price")?,
        stock,
    })
}

fn sale(record: &Record, _: &mut Lines, zone: &TimeZone) -> Result<Option<Sale>, Flaw> {
    let fields = &record.fields;
    let Cell::List(items) = fields.get("items") else { return Err(Flaw::new("items", "is not a list")) };
    let lines = items.iter().enumerate().map(|(index, item)| line(index, item)).collect::<Result<Vec<_>, _>>()?;
    let method = Method::from_word(&fields.string("paymentMethod"));
    Ok(Some(Sale {
        external: fields.required("_id")?,
        customer: Some(fields.string("customerId")).filter(|id| !id.is_empty()),
        // Its dates are UTC without saying so, and mongoexport says so.
        when: When::At(fields.instant("date", zone).or_else(|_| fields.instant("createdAt", zone))?),
        status: OrderStatus::Completed,
        // Whatever else the field says was taken at the counter.
        method: method.filter(|method| matches!(method, Method::Card | Method::Upi)).unwrap_or(Method::Cash),
        note: String::new(),
        total: fields.money("total")?,
        lines,
    }))
}

fn line(index: usize, item: &Fields) -> Result<SaleLine, Flaw> {
    let within = |flaw: Flaw| Flaw { field: format!("items.{index}.{}", flaw.field), ..flaw };
    let quantity = item.quantity("quantity").map_err(within)?;
    Ok(SaleLine {
        product: Some(item.string("id")).filter(|id| !id.is_empty()),
        name: item.string("name"),
        quantity: quantity.ok_or_else(|| within(Flaw::new("quantity", "is empty")))?,
        unit_price: item.money("price").map_err(within)?.unwrap_or(Money::ZERO),
        total: None,
    })
}
