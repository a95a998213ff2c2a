//! The desk on PostgreSQL, against a transaction for each order over a pool of connections.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use kirana::db::{Db, Location, Options};
use postgres::{Client, NoTls, Transaction};

use crate::Plan;
use crate::report::{Report, median};
use crate::seed::{self, Dice};
use crate::sqlite::{desk, per_second};

/// Connections of the peer; more only wait for each other on two cores.
const CONNECTIONS: usize = 32;

pub fn run(plan: &Plan, report: &mut Report) {
    println!("PostgreSQL, in process, durable orders per second, against a transaction for each order");
    let server = server();
    let (mut desks, mut plain, mut hot_desks, mut hot_plain) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for _ in 0..plan.rounds {
        desks.push(with_desk(&server, plan.seconds, 256, false));
        plain.push(with_transactions(&server, plan.seconds, false));
        hot_desks.push(with_desk(&server, plan.seconds, 64, true));
        hot_plain.push(with_transactions(&server, plan.seconds, true));
    }
    report.ratio("PostgreSQL desk at 256 callers against a transaction for each", median(desks), median(plain), 10.0);
    report.ratio(
        "PostgreSQL desk with one hot product at 64 against the same",
        median(hot_desks),
        median(hot_plain),
        15.0,
    );
}

/// The server that the test command started.
pub fn server() -> String {
    std::env::var("KIRANA_BENCH_POSTGRES").expect("run `cargo xtask bench orders`, which starts PostgreSQL")
}

/// A new seeded database on the server, dropped with its value.
pub struct Database {
    server: String,
    name: String,
    pub url: String,
}

impl Database {
    pub fn new(server: &str) -> Self {
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        let name = format!("bench_{}_{}", std::process::id(), NUMBER.fetch_add(1, Ordering::Relaxed));
        let url = server.replace("/postgres", &format!("/{name}"));
        let mut client = Client::connect(server, NoTls).expect("the server");
        client.batch_execute(&format!("create database {name}")).expect("a database");
        let this = Self { server: server.to_owned(), url, name };
        Db::open(&Options::at(Location::Server(this.url.clone()))).expect("the schema").close();
        let mut client = Client::connect(&this.url, NoTls).expect("the database");
        client.batch_execute(seed::SEED).expect("the seed");
        client.batch_execute("vacuum analyze").expect("statistics");
        this
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        if let Ok(mut client) = Client::connect(&self.server, NoTls) {
            let _ = client.batch_execute(&format!("drop database if exists {} with (force)", self.name));
        }
    }
}

fn with_desk(server: &str, time: Duration, callers: usize, hot: bool) -> f64 {
    let database = Database::new(server);
    let db = Db::open(&Options::at(Location::Server(database.url.clone()))).expect("the database");
    let rate = desk(&db, time, callers, hot);
    db.close();
    rate
}

fn with_transactions(server: &str, time: Duration, hot: bool) -> f64 {
    let database = Database::new(server);
    let (stop, done) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
    let began = Instant::now();
    let threads: Vec<_> = (0..CONNECTIONS)
        .map(|caller| {
            let (url, stop, done) = (database.url.clone(), stop.clone(), done.clone());
            std::thread::spawn(move || {
                let mut client = Client::connect(&url, NoTls).expect("a connection");
                let statements = Statements::prepare(&mut client);
                let mut dice = Dice::new(caller as u64 + 5);
                let mut number = 0;
                while !stop.load(Ordering::Relaxed) {
                    number += 1;
                    // Deadlocks are avoided by the order of the ids; what still fails is tried again.
                    let mut products = seed::three(&mut dice, hot);
                    products.sort_unstable();
                    let mut transaction = client.transaction().expect("a transaction");
                    if statements.order(&mut transaction, &products, &mut dice, caller, number).is_ok()
                        && transaction.commit().is_ok()
                    {
                        done.fetch_add(1, Ordering::Relaxed);
                    }
                }
            })
        })
        .collect();
    std::thread::sleep(time);
    stop.store(true, Ordering::Relaxed);
    for thread in threads {
        thread.join().expect("a caller");
    }
    per_second(done.load(Ordering::Relaxed), began.elapsed())
}

/// The statements of an order, prepared once: the rows are those that the desk writes.
struct Statements(Vec<postgres::Statement>);

const TEXTS: [&str; 10] = [
    "select p.name, p.price_paise, s.on_hand_milli, s.last_move_id from products p join stock s on s.product_id = p.id and s.store_id = 1
     where p.id = $1 for no key update of s",
    "select last_order_id from customers where user_id = $1 for no key update",
    "insert into orders (store_id, id, customer_id, placed_by, channel, status, placed_at, placed_on, line_count, gross_paise,
       discount_paise, taxable_paise, cgst_paise, sgst_paise, igst_paise, rounding_paise, total_paise, paid_paise, previous_order_id,
       audit_chain, audit_seq, updated_at)
     values (1, nextval('orders_ids'), $1, 'user', 'web', 'placed', 0, 20261121, 3, $2, 0, $2, 0, 0, 0, 0, $2, 0, $3, 1, 1, 0) returning id",
    "insert into order_lines (store_id, order_id, line_no, product_id, name, hsn, unit, quantity_milli, unit_price_paise, price_includes_tax,
       discount_paise, tax_rate_bp, taxable_paise, cgst_paise, sgst_paise, igst_paise, total_paise)
     values (1, $1, $2, $3, $4, '', 'pcs', 1000, $5, 1, 0, 500, $5, 0, 0, 0, $5)",
    "insert into stock_moves (store_id, id, product_id, delta_milli, balance_after_milli, previous_move_id, reason, order_id, at, happened_on)
     values (1, nextval('moves_ids'), $1, -1000, $2, $3, 'sale', $4, 0, 20261121) returning id",
    "update stock set on_hand_milli = on_hand_milli - 1000, last_move_id = $2 where store_id = 1 and product_id = $1 and on_hand_milli >= 1000",
    "insert into payments (store_id, order_id, payment_no, method, state, amount_paise, actor, at, paid_on) values (1, $1, 1, 'cash', 'pending', $2, 'user', 0, 20261121)",
    "update customers set order_count = order_count + 1, spent_paise = spent_paise + $2, last_order_id = $3 where user_id = $1",
    "insert into product_days (store_id, day, product_id, writer, line_count, sold_milli, revenue_paise) values (1, 20261121, $1, 1, 1, 1000, $2)
     on conflict (store_id, day, product_id, writer) do update set line_count = product_days.line_count + 1,
       sold_milli = product_days.sold_milli + 1000, revenue_paise = product_days.revenue_paise + excluded.revenue_paise",
    "insert into idempotency_keys (bucket, key_hash, principal, key, request_hash, status, body, at) values (1, hashtextextended($1, 0), 'user', $1, '\\x07', 201, '{}', 0)",
];

impl Statements {
    fn prepare(client: &mut Client) -> Self {
        Self(TEXTS.iter().map(|text| client.prepare(text).expect("a statement")).collect())
    }

    fn order(
        &self,
        transaction: &mut Transaction<'_>,
        products: &[i64; 3],
        dice: &mut Dice,
        caller: usize,
        number: u64,
    ) -> Result<(), postgres::Error> {
        let customer = dice.below(seed::CUSTOMERS) + 1;
        let mut found = Vec::new();
        for product in products {
            let row = transaction.query_one(&self.0[0], &[product])?;
            found.push((
                *product,
                row.get::<_, String>(0),
                row.get::<_, i64>(1),
                row.get::<_, i64>(2),
                row.get::<_, Option<i64>>(3),
            ));
        }
        let previous: Option<i64> = transaction.query_one(&self.0[1], &[&customer])?.get(0);
        let total: i64 = found.iter().map(|(_, _, price, ..)| price).sum();
        let order: i64 = transaction.query_one(&self.0[2], &[&customer, &total, &previous])?.get(0);
        for (line, (product, name, price, on_hand, last)) in (1_i64..).zip(&found) {
            transaction.execute(&self.0[3], &[&order, &line, product, name, price])?;
            let moved: i64 = transaction.query_one(&self.0[4], &[product, &(on_hand - 1000), last, &order])?.get(0);
            transaction.execute(&self.0[5], &[product, &moved])?;
            transaction.execute(&self.0[8], &[product, price])?;
        }
        transaction.execute(&self.0[6], &[&order, &total])?;
        transaction.execute(&self.0[7], &[&customer, &total, &order])?;
        transaction.execute(&self.0[9], &[&format!("{caller}-{number}")])?;
        Ok(())
    }
}
