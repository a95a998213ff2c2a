//! *Supermarket Backend*: MySQL with `User_details`, `Store_user`, `Products`, `Purchase`.
//!
//! A customer's password is bcrypt, the store's lies in plain text. A purchase names its item by a text that may be no
//! product's name, and a day without a time.

use jiff::tz::TimeZone;

use super::{Goods, Lines, Person, Sale, SaleLine, System, Table, When, email, no_line, price, secret};
use crate::catalog::Unit;
use crate::classic::moving::file::Kind;
use crate::classic::moving::record::{Flaw, Record};
use crate::money::Quantity;
use crate::orders::{Method, OrderStatus};
use crate::staff::password::OldScheme;
use crate::staff::{Kind as Who, Role};

static CUSTOMERS: Table = Table {
    name: "User_details",
    columns: &["User_id", "First_Name", "Last_Name", "Age", "Sex", "Contact_Number", "Email_ID", "Password"],
};
static STAFF: Table = Table {
    name: "Store_user",
    columns: &[
        "Store_user_id",
        "First_Name",
        "Last_Name",
        "Age",
        "Sex",
        "Contact_Number",
        "Email_ID",
        "Password",
        "Designation",
    ],
};
static PRODUCTS: Table = Table { name: "Products", columns: &["Product_id", "Product_name", "Rate", "Stock"] };
static PURCHASES: Table =
    Table { name: "Purchase", columns: &["Purchase_id", "User_id", "Item", "Quantity", "Rate", "Date_of_purchase"] };

/// The system.
pub static SYSTEM: System = System {
    kind: Kind::Dump,
    name: "supermarket",
    tables: &[&CUSTOMERS, &STAFF, &PRODUCTS, &PURCHASES],
    people: &[&CUSTOMERS, &STAFF],
    goods: Some(&PRODUCTS),
    sales: Some(&PURCHASES),
    lines: None,
    undated: None,
    kind_of: |record| if record.table == STAFF.name { Who::Staff } else { Who::Customer },
    person,
    product,
    sale,
    line: no_line,
};

fn person(record: &Record) -> Result<Person, Flaw> {
    let fields = &record.fields;
    let is_staff = record.table == STAFF.name;
    let designation = if is_staff { fields.string("Designation") } else { String::new() };
    let (id, scheme) = if is_staff { ("Store_user_id", OldScheme::Plain) } else { ("User_id", OldScheme::Bcrypt) };
    Ok(Person {
        external: fields.required(id)?,
        role: is_staff.then(|| role_of(&designation)),
        email: Some(email(record, "Email_ID")?),
        first_name: fields.string("First_Name"),
        last_name: fields.string("Last_Name"),
        phone: fields.string("Contact_Number"),
        designation,
        secret: secret(record, "Password", scheme),
        ..Person::default()
    })
}

/// Only `manager` could do more than others there.
fn role_of(designation: &str) -> Role {
    match designation.to_lowercase().as_str() {
        "manager" => Role::Manager,
        "stock keeper" | "stockkeeper" | "store keeper" | "storekeeper" => Role::StockKeeper,
        _ => Role::Cashier,
    }
}

fn product(record: &Record) -> Result<Goods, Flaw> {
    let fields = &record.fields;
    Ok(Goods {
        external: fields.required("Product_id")?,
        sku: None,
        name: fields.required("Product_name")?,
        category: String::new(),
        unit: Unit::Piece,
        price: price(record, "Rate")?,
        stock: fields.quantity("Stock")?.unwrap_or(Quantity::ZERO),
    })
}

fn sale(record: &Record, _: &mut Lines, _: &TimeZone) -> Result<Option<Sale>, Flaw> {
    let fields = &record.fields;
    let quantity = fields.quantity("Quantity")?.ok_or_else(|| Flaw::new("Quantity", "is empty"))?;
    let line = SaleLine {
        product: None,
        name: fields.required("Item")?,
        quantity,
        unit_price: price(record, "Rate")?,
        total: None,
    };
    Ok(Some(Sale {
        external: fields.required("Purchase_id")?,
        customer: Some(fields.string("User_id")).filter(|id| !id.is_empty()),
        when: When::On(fields.day("Date_of_purchase")?),
        status: OrderStatus::Completed,
        method: Method::Cash,
        note: String::new(),
        total: None,
        lines: vec![line],
    }))
}
