//! The shop that is measured: 1,000 products with plenty of each, 200 customers.

use std::path::{Path, PathBuf};

use kirana::clock::Clock;
use kirana::db::{Db, Location, Options};
use kirana::ids::{ProductId, StoreId, UserId};
use kirana::money::{Money, Quantity};
use kirana::orders::{Channel, Item, Method, NewPayment, PlaceOrder};
use kirana::web::extract::SentKey;
use kirana::web::idempotency::Claim;

/// How many products there are.
pub const PRODUCTS: i64 = 1_000;
/// How many customers there are.
pub const CUSTOMERS: i64 = 200;

/// The rows, in words that both engines understand.
pub const SEED: &str = "
insert into categories (id, name, name_key, created_at) values (1, 'Grocery', 'grocery', 0);
with recursive n (i) as (select cast(1 as bigint) union all select i + 1 from n where i < 1000)
insert into products (id, sku, name, name_key, category_id, price_paise, cost_paise, tax_rate_bp, hsn, created_at, updated_at)
select i, 'P' || i, 'Product number ' || i, 'product number ' || i, 1, 1000 + i * 7, 700 + i * 5, (i % 3) * 500 + 500, '1006', 0, 0 from n;
with recursive n (i) as (select cast(1 as bigint) union all select i + 1 from n where i < 1000)
insert into stock (store_id, product_id, on_hand_milli) select 1, i, 1000000000000 from n;
with recursive n (i) as (select cast(1 as bigint) union all select i + 1 from n where i < 200)
insert into users (id, kind, role, status, email, email_key, first_name, last_name, created_at, updated_at)
select i, 'customer', 'customer', 'active', 'c' || i || '@example.com', 'c' || i || '@example.com', 'Customer', 'Number ' || i, 0, 0 from n;
with recursive n (i) as (select cast(1 as bigint) union all select i + 1 from n where i < 200)
insert into customers (user_id) select i from n;
";

/// A new folder on the disk that the build stands on, removed with its value.
pub struct Folder(pub PathBuf);

impl Folder {
    pub fn new(name: &str) -> Self {
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("bench-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&path);
        std::fs::create_dir_all(&path).expect("a folder for the benchmark");
        Self(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// A seeded SQLite file in a folder.
pub fn sqlite(folder: &Folder) -> PathBuf {
    let path = folder.0.join("kirana.sqlite");
    let options = Options::at(Location::File(path.clone()));
    Db::open(&options).expect("a database").close();
    let conn = rusqlite::Connection::open(&path).expect("the file");
    conn.execute_batch(&format!("begin; {SEED} commit;")).expect("the seed");
    path
}

/// A cheap source of numbers that repeats itself.
#[derive(Clone)]
pub struct Dice(u64);

impl Dice {
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    pub fn below(&mut self, limit: i64) -> i64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        i64::try_from(self.0 >> 33).unwrap_or_default() % limit
    }
}

/// Three different products, or the hot one and two others.
pub fn three(dice: &mut Dice, hot: bool) -> [i64; 3] {
    let first = if hot { 1 } else { dice.below(PRODUCTS) + 1 };
    let second = (first + dice.below(400)) % PRODUCTS + 1;
    let third = (second + dice.below(400)) % PRODUCTS + 1;
    [first, second, third]
}

/// An order as the desk takes it, with a key of its own.
pub fn command(dice: &mut Dice, hot: bool, clock: &Clock, caller: usize, number: u64) -> PlaceOrder {
    let customer = UserId::new(dice.below(CUSTOMERS) + 1);
    PlaceOrder {
        store: StoreId::new(1),
        customer: Some(customer),
        actor: format!("user:{customer}"),
        user: Some(customer),
        channel: Channel::Web,
        items: three(dice, hot).map(|product| Item::of(ProductId::new(product), Quantity::whole(1))).to_vec(),
        discount: Money::ZERO,
        payments: vec![NewPayment { method: Method::Cash, amount: None, reference: String::new() }],
        complete: false,
        note: String::new(),
        claim: Some(Claim::new(
            format!("user:{customer}"),
            SentKey { key: format!("{:08x}-{caller:04x}-{number:012x}", std::process::id()), request_hash: [7; 16] },
        )),
        now: clock.now(),
        on: None,
        allowance: None,
        at_till: None,
    }
}
