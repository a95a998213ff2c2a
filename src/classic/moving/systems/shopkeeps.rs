//! *ShopKeeps*: MySQL with `users` (staff), `itemmaster`, `orders`, `ordetails`.
//!
//! Passwords lie in plain text. An order that was refused may have left an empty row, which is passed over; one whose
//! total was never written has 0 there, and its lines tell what it came to. Times are those of the shop's own clock,
//! unless the dump says that it wrote them in UTC.

use jiff::tz::TimeZone;

use super::{Goods, Lines, Person, Sale, SaleLine, System, Table, When, price, secret, username};
use crate::catalog::Unit;
use crate::classic::moving::file::Kind;
use crate::classic::moving::record::{Flaw, Record};
use crate::money::{Money, Quantity};
use crate::orders::{Method, OrderStatus};
use crate::staff::password::OldScheme;
use crate::staff::{Kind as Who, Role};

static USERS: Table = Table { name: "users", columns: &["id", "uname", "name", "password"] };
static ITEMS: Table =
    Table { name: "itemmaster", columns: &["id", "icode", "iname", "category", "unit", "stock", "price", "sold"] };
static ORDERS: Table = Table { name: "orders", columns: &["id", "ordercode", "ts", "description", "tprice", "status"] };
static LINES: Table = Table { name: "ordetails", columns: &["id", "oid", "itno", "p_unit", "qty", "price"] };

/// The system.
pub static SYSTEM: System = System {
    kind: Kind::Dump,
    name: "shopkeeps",
    // `users` and `orders` are names that others use as well.
    tables: &[&ITEMS, &LINES],
    people: &[&USERS],
    goods: Some(&ITEMS),
    sales: Some(&ORDERS),
    lines: Some(&LINES),
    undated: None,
    kind_of: |_| Who::Staff,
    person,
    product,
    sale,
    line,
};

fn person(record: &Record) -> Result<Person, Flaw> {
    let fields = &record.fields;
    let name = fields.string("name");
    let (first, last) = name.split_once(' ').unwrap_or((&name, ""));
    Ok(Person {
        external: fields.required("id")?,
        // Each of them could do everything there: stock, orders, other people's accounts.
        role: Some(Role::Manager),
        username: Some(username(record, "uname")?),
        first_name: first.to_owned(),
        last_name: last.trim().to_owned(),
        secret: secret(record, "password", OldScheme::Plain),
        ..Person::default()
    })
}

fn product(record: &Record) -> Result<Goods, Flaw> {
    let fields = &record.fields;
    Ok(Goods {
        external: fields.required("id")?,
        sku: Some(fields.string("icode")).filter(|code| !code.is_empty()),
        name: fields.required("iname")?,
        category: fields.string("category"),
        unit: unit(&fields.string("unit")),
        price: price(record, "price")?,
        stock: fields.quantity("stock")?.unwrap_or(Quantity::ZERO),
    })
}

/// A unit of at most four letters, as people write them; what is none of ours is counted in pieces.
fn unit(text: &str) -> Unit {
    match text.to_lowercase().trim_end_matches(['.', 's']) {
        "kg" | "kilo" => Unit::Kilogram,
        "g" | "gm" | "gram" => Unit::Gram,
        "l" | "lt" | "ltr" | "lit" => Unit::Litre,
        "ml" => Unit::Millilitre,
        "m" | "mtr" => Unit::Metre,
        _ => Unit::Piece,
    }
}

fn sale(record: &Record, lines: &mut Lines, zone: &TimeZone) -> Result<Option<Sale>, Flaw> {
    let fields = &record.fields;
    let external = fields.required("id")?;
    let lines = lines.remove(&external).unwrap_or_default();
    if lines.is_empty() {
        return Ok(None);
    }
    let is_complete = fields.string("status").eq_ignore_ascii_case("complete");
    let code = fields.string("ordercode");
    let note = [code.as_str(), &fields.string("description")].join(" ");
    Ok(Some(Sale {
        external,
        customer: None,
        when: When::At(fields.instant("ts", zone)?),
        status: if is_complete { OrderStatus::Completed } else { OrderStatus::Placed },
        method: Method::Cash,
        note: note.trim().to_owned(),
        total: fields.money("tprice")?.filter(|total| !total.is_zero()),
        lines,
    }))
}

fn line(record: &Record) -> Result<(String, SaleLine), Flaw> {
    let fields = &record.fields;
    let quantity = fields.quantity("qty")?.ok_or_else(|| Flaw::new("qty", "is empty"))?;
    let total = fields.money("price")?;
    let each = fields.money("p_unit")?;
    let line = SaleLine {
        product: Some(fields.required("itno")?),
        name: String::new(),
        quantity,
        unit_price: each.or(total).unwrap_or(Money::ZERO),
        total,
    };
    Ok((fields.required("oid")?, line))
}
