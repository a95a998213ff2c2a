//! What each documented system keeps, and what it means here: a file for each.

mod shopkeeps;
mod smart_inventory;
mod store_management;
mod supermarket;

use std::collections::HashMap;

use jiff::tz::TimeZone;

use super::Source;
use super::file::Kind;
use super::record::{Flaw, Record};
use crate::catalog::Unit;
use crate::clock::{BusinessDate, Timestamp};
use crate::money::{Money, Quantity};
use crate::orders::{Method, OrderStatus};
use crate::staff::password::OldScheme;
use crate::staff::{self, Role};

/// A table or collection.
#[derive(Debug)]
pub struct Table {
    /// Its name.
    pub name: &'static str,
    /// Its columns as documented, for dumps that do not name them; of a collection, what tells it from the others.
    pub columns: &'static [&'static str],
}

/// A system, and how its rows are read.
pub struct System {
    /// What its data comes as.
    pub kind: Kind,
    /// The word by which its rows are known again; the file's kind is not part of it.
    pub name: &'static str,
    /// All its tables.
    pub tables: &'static [&'static Table],
    /// The tables of accounts.
    pub people: &'static [&'static Table],
    /// The table of products.
    pub goods: Option<&'static Table>,
    /// The table of orders.
    pub sales: Option<&'static Table>,
    /// The table of the orders' lines, where they have one.
    pub lines: Option<&'static Table>,
    /// Sales without a date, which count as sold before.
    pub undated: Option<&'static Table>,
    /// Whether a row is a customer's account or one of staff, also when it cannot be read.
    pub kind_of: fn(&Record) -> staff::Kind,
    /// Reads an account.
    pub person: fn(&Record) -> Result<Person, Flaw>,
    /// Reads a product.
    pub product: fn(&Record) -> Result<Goods, Flaw>,
    /// Reads an order, with the lines that stand elsewhere; none for the traces of one that never was.
    pub sale: fn(&Record, &mut Lines, &TimeZone) -> Result<Option<Sale>, Flaw>,
    /// Reads a line of an order: the order and the line, which may be an undated sale.
    pub line: fn(&Record) -> Result<(String, SaleLine), Flaw>,
}

/// Lines of orders by their order.
pub type Lines = HashMap<String, Vec<SaleLine>>;

/// An account.
#[derive(Debug, Clone, Default)]
pub struct Person {
    /// Its id in the old system.
    pub external: String,
    /// What they are here.
    pub role: Option<Role>,
    /// The address to log in with.
    pub email: Option<String>,
    /// The name to log in with.
    pub username: Option<String>,
    /// First name.
    pub first_name: String,
    /// Last name.
    pub last_name: String,
    /// Telephone.
    pub phone: String,
    /// What the shop calls the job.
    pub designation: String,
    /// Street and number.
    pub address: String,
    /// City.
    pub city: String,
    /// Postal code.
    pub pincode: String,
    /// Date of birth.
    pub birth: Option<BusinessDate>,
    /// The password as it was kept.
    pub secret: Option<(OldScheme, String)>,
}

impl Person {
    /// What they are here.
    pub fn role(&self) -> Role {
        self.role.unwrap_or(Role::Customer)
    }
}

/// A product.
#[derive(Debug, Clone)]
pub struct Goods {
    /// Its id in the old system.
    pub external: String,
    /// Its public code, where it has one.
    pub sku: Option<String>,
    /// Its name.
    pub name: String,
    /// Its category.
    pub category: String,
    /// What it is counted in.
    pub unit: Unit,
    /// What it sells for.
    pub price: Money,
    /// How many are there.
    pub stock: Quantity,
}

/// An order.
#[derive(Debug, Clone)]
pub struct Sale {
    /// Its id in the old system.
    pub external: String,
    /// Its customer's id there.
    pub customer: Option<String>,
    /// When.
    pub when: When,
    /// Completed, or placed and still open.
    pub status: OrderStatus,
    /// How it was paid.
    pub method: Method,
    /// What stood with it.
    pub note: String,
    /// What it came to; none means the sum of its lines.
    pub total: Option<Money>,
    /// Its lines.
    pub lines: Vec<SaleLine>,
}

/// A line of an order.
#[derive(Debug, Clone)]
pub struct SaleLine {
    /// The product's id in the old system, where the line has it.
    pub product: Option<String>,
    /// Its name, where the line has it.
    pub name: String,
    /// How much.
    pub quantity: Quantity,
    /// What one unit cost.
    pub unit_price: Money,
    /// What the line came to; none means quantity times price.
    pub total: Option<Money>,
}

/// When an order was placed.
#[derive(Debug, Clone, Copy)]
pub enum When {
    /// At an instant.
    At(Timestamp),
    /// On a day, at no known time: noon stands for it.
    On(BusinessDate),
}

impl System {
    /// A documented system.
    pub fn of(source: Source) -> &'static Self {
        match source {
            Source::Supermarket => &supermarket::SYSTEM,
            Source::ShopKeeps => &shopkeeps::SYSTEM,
            Source::Flask => &FLASK,
            Source::StoreManagement => &store_management::SYSTEM,
            Source::SmartInventory => &smart_inventory::SYSTEM,
        }
    }
}

/// Its products come as the CSV file that it reads itself, which the catalogue's own import reads, too.
static FLASK: System = System {
    kind: Kind::Csv,
    name: "flask",
    tables: &[],
    people: &[],
    goods: None,
    sales: None,
    lines: None,
    undated: None,
    kind_of: |_| staff::Kind::Staff,
    person: no_person,
    product: |_| Err(nothing()),
    sale: |_, _, _| Ok(None),
    line: no_line,
};

fn nothing() -> Flaw {
    Flaw::new("", "is not kept by this system")
}

fn no_person(_: &Record) -> Result<Person, Flaw> {
    Err(nothing())
}

fn no_line(_: &Record) -> Result<(String, SaleLine), Flaw> {
    Err(nothing())
}

/// Whether a text can be logged in with as an e-mail address.
fn email(record: &Record, field: &str) -> Result<String, Flaw> {
    let email = record.fields.required(field)?;
    if staff::rules::is_email(&email) {
        Ok(email)
    } else {
        Err(Flaw::new(field, format!("`{email}` is not an e-mail address")))
    }
}

/// A user name.
fn username(record: &Record, field: &str) -> Result<String, Flaw> {
    let name = record.fields.required(field)?;
    if staff::rules::is_username(&name) {
        Ok(name)
    } else {
        Err(Flaw::new(field, format!("`{name}` cannot be a user name")))
    }
}

/// A password, where one was kept.
fn secret(record: &Record, field: &str, scheme: OldScheme) -> Option<(OldScheme, String)> {
    let kept = record.fields.string(field);
    (!kept.is_empty()).then_some((scheme, kept))
}

/// A price that is there and not below zero.
fn price(record: &Record, field: &str) -> Result<Money, Flaw> {
    let price = record.fields.money(field)?.ok_or_else(|| Flaw::new(field, "is empty"))?;
    if price.is_negative() { Err(Flaw::new(field, "is below zero")) } else { Ok(price) }
}
