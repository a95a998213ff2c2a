//! A shop of sample data: a neighbourhood grocery with 300 products, 40 customers and 90 days of sales.
//!
//! Everything follows from one seed and goes through the doors that a real shop uses: the catalogue's
//! actions, the sales desk, the steps of an order. The same day gives the same shop.

use std::collections::HashMap;

use serde::Deserialize;

use crate::audit::By;
use crate::catalog::{self, NewProduct, Occasion, Unit};
use crate::clock::{BusinessDate, Timestamp};
use crate::db::{Conn, Db};
use crate::ids::{Entropy, OrderId, ProductId, StoreId, UserId};
use crate::money::{Money, Quantity, TaxRate};
use crate::orders::actions::Actor;
use crate::orders::{self, Channel, Desk, Item, Method, NewPayment, OrderStatus, PlaceOrder};
use crate::shop;
use crate::staff::pages::{DEMO_PASSWORD, DEMO_PEOPLE};
use crate::staff::{self, NewUser, Role, Status};

const SEED: u64 = 20_261_121;
const DAYS: i64 = 90;
const DAY_MS: i64 = 86_400_000;
const MINUTE_MS: i64 = 60_000;
const STORE: StoreId = StoreId::new(1);
/// Bills on a Monday to a Sunday, before chance has its say.
const BILLS: [u64; 7] = [34, 36, 38, 40, 48, 66, 58];
/// The hours at which people shop, each as often as it stands here.
const HOURS: &[i64] = &[8, 8, 9, 9, 10, 10, 11, 12, 13, 16, 17, 17, 18, 18, 18, 19, 19, 19, 20, 20, 21];

/// Why there is no demo shop.
#[derive(Debug, thiserror::Error)]
pub enum DemoError {
    /// The database holds a real shop.
    #[error("the database already holds a shop; the demo shop needs an empty one")]
    NotEmpty,
    /// The sample data are not what they should be.
    #[error("the sample data cannot be read: {0}")]
    Data(#[from] csv::Error),
    /// The catalogue refused.
    #[error(transparent)]
    Catalog(#[from] catalog::CatalogError),
    /// The staff refused.
    #[error(transparent)]
    Staff(#[from] staff::StaffError),
    /// The shop refused.
    #[error(transparent)]
    Shop(#[from] shop::ShopError),
    /// The desk refused.
    #[error(transparent)]
    Order(#[from] orders::OrderError),
    /// The database.
    #[error(transparent)]
    Db(#[from] crate::db::Error),
}

#[derive(Debug, Clone, Deserialize)]
struct ProductRow {
    sku: String,
    name: String,
    name_hi: String,
    category: String,
    brand: String,
    unit: String,
    mrp: String,
    price: String,
    cost: String,
    tax_bp: i64,
    hsn: String,
    barcode: String,
    reorder_level: i64,
    popularity: u64,
}

#[derive(Debug, Clone, Deserialize)]
struct CustomerRow {
    first_name: String,
    last_name: String,
    email: String,
    phone: String,
    address: String,
    city: String,
    pincode: String,
    date_of_birth: String,
}

/// A sale before its products have ids.
struct Sale {
    at: Timestamp,
    /// Which product, and how much of it.
    items: Vec<(usize, Quantity)>,
    customer: Option<usize>,
    method: Method,
    plan: Plan,
}

/// How far a sale goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Plan {
    /// Sold at the counter.
    Counter,
    /// Ordered by a customer, and brought to this state.
    Order(OrderStatus),
}

/// What was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Made {
    /// Products.
    pub products: usize,
    /// Customers.
    pub customers: usize,
    /// Orders and counter sales.
    pub orders: usize,
}

/// Fills an empty database; one that holds a demo shop already is left as it is.
pub async fn fill(db: &Db, now: Timestamp) -> Result<Option<Made>, DemoError> {
    let entropy = Entropy::seeded(SEED);
    let mut chance = Chance::new(SEED);
    let products: Vec<ProductRow> = read(include_str!("products.csv"))?;
    let people: Vec<CustomerRow> = read(include_str!("customers.csv"))?;
    let sales = plan_sales(&mut chance, &products, people.len(), now);

    let opening = now.plus_ms(-(DAYS + 1) * DAY_MS);
    let stock = opening_stock(&mut chance, &products, &sales);
    let hash = staff::password::hash(&entropy, DEMO_PASSWORD);
    let made = Made { products: products.len(), customers: people.len() + 1, orders: sales.len() };
    let prepared = db
        .write(move |conn| {
            if shop::current(conn)?.demo {
                return Ok(None);
            }
            if staff::actions::has_accounts(conn)? {
                return Err(DemoError::NotEmpty);
            }
            let owner = open_shop(conn, &hash, opening)?;
            let customers = open_customers(conn, &people, &hash, opening)?;
            let products = stock_shelves(conn, &products, &stock, owner, opening)?;
            Ok(Some((owner, customers, products)))
        })
        .await?;
    let Some((owner, customers, ids)) = prepared else { return Ok(None) };

    let desk = Desk::open(db);
    let placed = place_all(&desk, &sales, owner, &customers, &ids).await?;
    db.write(move |conn| advance_all(conn, &placed, owner)).await?;
    Ok(Some(made))
}

fn read<T: serde::de::DeserializeOwned>(text: &str) -> Result<Vec<T>, csv::Error> {
    csv::Reader::from_reader(text.as_bytes()).deserialize().collect()
}

/// The shop's sign, and the people who can be tried.
fn open_shop(conn: &mut Conn<'_>, hash: &str, now: Timestamp) -> Result<UserId, DemoError> {
    let by = By::system(now);
    let mut shop = shop::current(conn)?;
    "Sharma Kirana Store".clone_into(&mut shop.name);
    "Sharma Kirana Store (sample data)".clone_into(&mut shop.legal_name);
    "14 Laxmi Road".clone_into(&mut shop.address);
    "Pune".clone_into(&mut shop.city);
    "411030".clone_into(&mut shop.pincode);
    "27".clone_into(&mut shop.state_code);
    "sharma.kirana@example".clone_into(&mut shop.upi_id);
    shop::actions::change(conn, &shop, by)?;
    shop::actions::mark_demo(conn)?;
    let names = [("Asha", "Sharma"), ("Ravi", "Pawar"), ("Meera", "Joshi"), ("Kabir", "Shaikh")];
    let mut owner = None;
    for ((role, email), (first, last)) in DEMO_PEOPLE.iter().zip(names) {
        let new = NewUser {
            email: Some((*email).to_owned()),
            first_name: first.to_owned(),
            last_name: last.to_owned(),
            phone: "9876500000".to_owned(),
            password_hash: Some(hash.to_owned()),
            ..NewUser::default()
        };
        let id = staff::actions::open_account(conn, &new, *role, Status::Active, by)?;
        if *role == Role::Owner {
            owner = Some(id);
        }
    }
    owner.ok_or(DemoError::NotEmpty)
}

fn open_customers(
    conn: &mut Conn<'_>,
    people: &[CustomerRow],
    hash: &str,
    now: Timestamp,
) -> Result<Vec<UserId>, DemoError> {
    people
        .iter()
        .map(|row| {
            let new = NewUser {
                email: Some(row.email.clone()),
                phone: row.phone.clone(),
                first_name: row.first_name.clone(),
                last_name: row.last_name.clone(),
                password_hash: Some(hash.to_owned()),
                date_of_birth_on: BusinessDate::parse(&row.date_of_birth),
                address: row.address.clone(),
                city: row.city.clone(),
                pincode: row.pincode.clone(),
                ..NewUser::default()
            };
            Ok(staff::actions::open_account(conn, &new, Role::Customer, Status::Active, By::system(now))?)
        })
        .collect()
}

fn stock_shelves(
    conn: &mut Conn<'_>,
    rows: &[ProductRow],
    stock: &[Quantity],
    owner: UserId,
    now: Timestamp,
) -> Result<Vec<ProductId>, DemoError> {
    let today = shop::current(conn)?.business_date(now);
    let products: Vec<NewProduct> = rows.iter().zip(stock).map(|(row, stock)| row.product(*stock)).collect();
    let occasion = Occasion { by: By::system(now), user: Some(owner), store: STORE, today, import: None };
    Ok(catalog::actions::create_many(conn, &products, occasion)?)
}

impl ProductRow {
    fn product(&self, stock: Quantity) -> NewProduct {
        let money = |text: &str| Money::parse(text).ok();
        // A weighed-item label carries five digits; the SKU's number is the code.
        let number = self.sku.rsplit('-').next().unwrap_or_default();
        let weighed = self.unit != "pcs";
        NewProduct {
            sku: Some(self.sku.clone()),
            name_local: self.name_hi.clone(),
            brand: self.brand.clone(),
            unit: Unit::from_word(&self.unit).unwrap_or(Unit::Piece),
            mrp: money(&self.mrp),
            cost: money(&self.cost),
            tax_rate: TaxRate::basis_points(self.tax_bp),
            hsn: self.hsn.clone(),
            item_code: weighed.then(|| format!("{number:0>5}")),
            barcodes: Some(self.barcode.clone()).filter(|code| !code.is_empty()).into_iter().collect(),
            stock,
            reorder_level: Quantity::whole(self.reorder_level),
            reorder_quantity: Quantity::whole(self.reorder_level * 2),
            ..NewProduct::named(&self.name, &self.category, money(&self.price).unwrap_or_default())
        }
    }
}

/// 90 days of bills with their weekly rhythm, and the orders that are open now.
fn plan_sales(chance: &mut Chance, products: &[ProductRow], customers: usize, now: Timestamp) -> Vec<Sale> {
    use OrderStatus::{Cancelled, Confirmed, Packed, Placed, Ready};
    let weights: Vec<u64> = products.iter().map(|row| row.popularity * row.popularity).collect();
    let zone = jiff::tz::TimeZone::get("Asia/Kolkata").unwrap_or(jiff::tz::TimeZone::UTC);
    let today = now.business_date(&zone);
    let mut sales = Vec::new();
    for back in (0..DAYS).rev() {
        let day = today.plus_days(-back);
        let weekday = usize::try_from(day.date().weekday().to_monday_zero_offset()).unwrap_or_default();
        let base = BILLS[weekday] * (100 + u64::try_from((DAYS - back) / 6).unwrap_or_default()) / 100;
        for _ in 0..base * (85 + chance.below(31)) / 100 {
            let hour = HOURS[chance.index(HOURS.len())];
            let Ok(midnight) = day.date().to_zoned(zone.clone()) else { continue };
            let midnight = Timestamp::from_ms(midnight.timestamp().as_millisecond());
            let at = midnight.plus_ms((hour * 60 + chance.number(60)) * MINUTE_MS + chance.number(MINUTE_MS));
            if at < now.plus_ms(-30 * MINUTE_MS) {
                sales.push(chance.sale(products, &weights, customers, at));
            }
        }
    }
    let open = [
        Ready, Ready, Cancelled, Packed, Ready, Packed, Confirmed, Cancelled, Confirmed, Confirmed, Placed, Placed,
        Placed, Placed,
    ];
    for (step, status) in open.into_iter().enumerate() {
        let ago = 28 - 2 * i64::try_from(step).unwrap_or_default();
        let mut sale = chance.sale(products, &weights, customers, now.plus_ms(-ago * MINUTE_MS));
        sale.customer = Some(chance.index(customers));
        sale.plan = Plan::Order(status);
        sales.push(sale);
    }
    sales.sort_by_key(|sale| sale.at);
    sales
}

/// What the shelves must have held: all that was sold, and what is there now. A few run low, two are out.
fn opening_stock(chance: &mut Chance, products: &[ProductRow], sales: &[Sale]) -> Vec<Quantity> {
    let mut sold: HashMap<usize, i64> = HashMap::new();
    for sale in sales.iter().filter(|sale| sale.plan != Plan::Order(OrderStatus::Cancelled)) {
        for (product, quantity) in &sale.items {
            *sold.entry(*product).or_default() += quantity.as_milli();
        }
    }
    // What was called off was taken first; the shelf must have held that, too.
    let called_off: HashMap<usize, i64> = sales
        .iter()
        .filter(|sale| sale.plan == Plan::Order(OrderStatus::Cancelled))
        .flat_map(|sale| sale.items.iter().map(|(product, quantity)| (*product, quantity.as_milli())))
        .collect();
    products
        .iter()
        .enumerate()
        .map(|(index, row)| {
            let level = row.reorder_level * 1000;
            let left = match chance.below(100) {
                0 if !called_off.contains_key(&index) => 0,
                0..7 => level * chance.number(100) / 100 / 1000 * 1000,
                _ => level + level * chance.number(300) / 100 / 1000 * 1000 + 1000,
            };
            let left = left.max(called_off.get(&index).copied().unwrap_or_default());
            Quantity::milli(sold.get(&index).copied().unwrap_or_default() + left)
        })
        .collect()
}

/// Places all sales through the desk, in order of time; returns those that go on from there.
async fn place_all(
    desk: &Desk,
    sales: &[Sale],
    owner: UserId,
    customers: &[UserId],
    products: &[ProductId],
) -> Result<Vec<(OrderId, OrderStatus, Timestamp)>, DemoError> {
    let mut placed = Vec::new();
    for chunk in sales.chunks(256) {
        let answers = futures_util::future::join_all(
            chunk.iter().map(|sale| desk.place(sale.command(owner, customers, products))),
        );
        for (sale, answer) in chunk.iter().zip(answers.await) {
            let answer = answer?;
            if let Plan::Order(status) = sale.plan
                && let Some(id) = placed_id(&answer.body)
            {
                placed.push((id, status, sale.at));
            }
        }
    }
    Ok(placed)
}

fn placed_id(body: &str) -> Option<OrderId> {
    let body: serde_json::Value = serde_json::from_str(body).ok()?;
    body.get("orderId")?.as_str()?.parse().ok()
}

impl Sale {
    fn command(&self, owner: UserId, customers: &[UserId], products: &[ProductId]) -> PlaceOrder {
        let customer = self.customer.map(|index| customers[index]);
        let by = if self.plan == Plan::Counter { owner } else { customer.unwrap_or(owner) };
        PlaceOrder {
            store: STORE,
            customer,
            actor: format!("user:{by}"),
            user: Some(by),
            channel: if self.plan == Plan::Counter { Channel::Counter } else { Channel::Web },
            items: self.items.iter().map(|(index, quantity)| Item::of(products[*index], *quantity)).collect(),
            discount: Money::ZERO,
            payments: vec![NewPayment { method: self.method, amount: None, reference: String::new() }],
            complete: self.plan == Plan::Counter,
            note: String::new(),
            claim: None,
            now: self.at,
            on: None,
            allowance: None,
            at_till: None,
        }
    }
}

/// Brings the open orders to where they stand.
fn advance_all(
    conn: &mut Conn<'_>,
    placed: &[(OrderId, OrderStatus, Timestamp)],
    owner: UserId,
) -> Result<(), DemoError> {
    use OrderStatus::{Cancelled, Completed, Confirmed, Packed, Placed, Ready};
    let actor = Actor { name: format!("user:{owner}"), user: Some(owner), only_of: None, only_in: None };
    for (order, target, at) in placed {
        let steps: &[OrderStatus] = match target {
            Placed | Completed => &[],
            Cancelled => &[Cancelled],
            Confirmed => &[Confirmed],
            Packed => &[Confirmed, Packed],
            Ready => &[Confirmed, Packed, Ready],
        };
        for (number, to) in (1_i64..).zip(steps) {
            let by = By { actor: &actor.name, from: "", now: at.plus_ms(number * 20_000) };
            if *to == Cancelled {
                orders::actions::cancel(conn, &actor, *order, "The customer changed their mind", None, by)?;
            } else {
                orders::actions::advance(conn, &actor, *order, *to, None, "", by)?;
            }
        }
    }
    Ok(())
}

/// A source of chance that repeats itself.
struct Chance(rand_chacha::ChaCha12Rng);

impl Chance {
    fn new(seed: u64) -> Self {
        use rand::SeedableRng as _;
        Self(rand_chacha::ChaCha12Rng::seed_from_u64(seed))
    }

    fn below(&mut self, limit: u64) -> u64 {
        use rand::Rng as _;
        self.0.next_u64() % limit.max(1)
    }

    fn index(&mut self, length: usize) -> usize {
        usize::try_from(self.below(length as u64)).unwrap_or_default()
    }

    fn number(&mut self, limit: i64) -> i64 {
        i64::try_from(self.below(limit.unsigned_abs())).unwrap_or_default()
    }

    fn sale(&mut self, products: &[ProductRow], weights: &[u64], customers: usize, at: Timestamp) -> Sale {
        let lines = 1 + self.index(3) + self.index(4);
        let mut items: Vec<(usize, Quantity)> = Vec::with_capacity(lines);
        for _ in 0..lines {
            let product = self.weighted(weights);
            if items.iter().any(|(known, _)| *known == product) {
                continue;
            }
            let quantity = if products[product].unit == "pcs" {
                Quantity::whole(1 + i64::from(self.below(4) == 0) + i64::from(self.below(12) == 0))
            } else {
                Quantity::milli(250 * (1 + self.number(6)))
            };
            items.push((product, quantity));
        }
        // Every third bill is a known customer's; some come far more often than others.
        let known = self.below(3) == 0;
        let customer = known.then(|| self.index(customers).min(self.index(customers)));
        let method = match self.below(10) {
            0..4 => Method::Cash,
            4..9 => Method::Upi,
            _ => Method::Card,
        };
        Sale { at, items, customer, method, plan: Plan::Counter }
    }

    fn weighted(&mut self, weights: &[u64]) -> usize {
        let mut left = self.below(weights.iter().sum());
        for (index, weight) in weights.iter().enumerate() {
            if left < *weight {
                return index;
            }
            left -= weight;
        }
        0
    }
}
