//! The desk in process on SQLite, against a bare loop that inserts the same rows.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use kirana::clock::Clock;
use kirana::db::{Db, Location, Options};
use kirana::orders::Desk;

use crate::Plan;
use crate::report::{Report, median};
use crate::seed::{self, Dice, Folder};

pub fn run(plan: &Plan, report: &mut Report) {
    println!("SQLite, in process, durable orders per second (3 lines each, fsync on every commit)");
    let (mut raws, mut desks, mut hots, mut uniforms) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let (mut few, mut one) = (Vec::new(), Vec::new());
    for _ in 0..plan.rounds {
        let folder = Folder::new("raw");
        raws.push(raw(&seed::sqlite(&folder), plan.seconds));
        desks.push(with_desk(plan.seconds, 256, false));
        uniforms.push(with_desk(plan.seconds, 64, false));
        hots.push(with_desk(plan.seconds, 64, true));
        few.push(with_desk(plan.seconds, 16, false));
        one.push(with_desk(plan.seconds, 1, false));
    }
    let desk = median(desks);
    report.figure("desk, 1 caller", median(one), "orders/s");
    report.figure("desk, 16 callers", median(few), "orders/s");
    report.ratio("desk at 256 callers against a bare insert loop", desk, median(raws), 0.5);
    report.ratio("one hot product against uniform, 64 callers", median(hots), median(uniforms), 0.8);
}

fn with_desk(time: Duration, callers: usize, hot: bool) -> f64 {
    let folder = Folder::new("desk");
    let path = seed::sqlite(&folder);
    let db = Db::open(&Options::at(Location::File(path))).expect("the database");
    let rate = desk(&db, time, callers, hot);
    db.close();
    rate
}

/// Durable orders per second through the desk of an open database.
pub fn desk(db: &Db, time: Duration, callers: usize, hot: bool) -> f64 {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime");
    let desk = Desk::open(db);
    let (stop, done) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
    let began = Instant::now();
    runtime.block_on(async {
        let tasks: Vec<_> = (0..callers)
            .map(|caller| {
                let (desk, stop, done) = (desk.clone(), stop.clone(), done.clone());
                tokio::spawn(async move {
                    let (clock, mut dice) = (Clock::system(), Dice::new(caller as u64 + 1));
                    let mut number = 0;
                    while !stop.load(Ordering::Relaxed) {
                        number += 1;
                        desk.place(seed::command(&mut dice, hot, &clock, caller, number)).await.expect("an order");
                        done.fetch_add(1, Ordering::Relaxed);
                    }
                })
            })
            .collect();
        tokio::time::sleep(time).await;
        stop.store(true, Ordering::Relaxed);
        for task in tasks {
            task.await.expect("a caller");
        }
    });
    per_second(done.load(Ordering::Relaxed), began.elapsed())
}

#[expect(clippy::cast_precision_loss, reason = "counts of a few seconds")]
pub fn per_second(count: u64, took: Duration) -> f64 {
    count as f64 / took.as_secs_f64()
}

/// Inserts the rows that an order writes (order, 3 lines, 3 moves, payment, key), 256 orders in each
/// transaction, with no logic, no look-ups and no sums.
fn raw(path: &Path, time: Duration) -> f64 {
    let conn = rusqlite::Connection::open(path).expect("the file");
    conn.execute_batch(
        "pragma journal_mode = wal; pragma synchronous = full; pragma foreign_keys = on; pragma cache_size = -65536;
         pragma mmap_size = 268435456; pragma wal_autocheckpoint = 16000; pragma journal_size_limit = 67108864;",
    )
    .expect("the settings");
    let mut dice = Dice::new(9);
    let (mut order, mut moves, mut written) = (0_i64, 0_i64, 0);
    let began = Instant::now();
    while began.elapsed() < time {
        conn.execute_batch("begin immediate").expect("a transaction");
        {
            let mut insert_order = conn
                .prepare_cached(
                    "insert into orders (store_id, id, customer_id, placed_by, channel, status, placed_at, placed_on, line_count,
                       gross_paise, discount_paise, taxable_paise, cgst_paise, sgst_paise, igst_paise, rounding_paise, total_paise,
                       paid_paise, note, previous_order_id, audit_chain, audit_seq, invoice_year, invoice_number, updated_at)
                     values (1, ?1, ?2, 'user:1', 'web', 'placed', ?3, 20261121, 3, 9000, 0, 8000, 500, 500, 0, 0, 9000, 0, '', ?4, 0, 1, null, null, ?3)",
                )
                .expect("a statement");
            let mut insert_line = conn
                .prepare_cached(
                    "insert into order_lines (store_id, order_id, line_no, product_id, name, hsn, unit, quantity_milli, unit_price_paise,
                       price_includes_tax, discount_paise, tax_rate_bp, taxable_paise, cgst_paise, sgst_paise, igst_paise, total_paise, unit_cost_paise)
                     values (1, ?1, ?2, ?3, ?4, '1006', 'pcs', 1000, 3000, 1, 0, 500, 2800, 100, 100, 0, 3000, 2000)",
                )
                .expect("a statement");
            let mut insert_move = conn
                .prepare_cached(
                    "insert into stock_moves (store_id, id, product_id, delta_milli, balance_after_milli, previous_move_id, reason, order_id,
                       note, unit_cost_paise, user_id, at, happened_on)
                     values (1, ?1, ?2, -1000, 999999, ?3, 'sale', ?4, '', 2000, ?5, ?6, 20261121)",
                )
                .expect("a statement");
            let mut insert_payment = conn
                .prepare_cached(
                    "insert into payments (store_id, order_id, payment_no, method, state, amount_paise, reference, actor, at, paid_on, confirmed_at)
                     values (1, ?1, 1, 'cash', 'pending', 9000, '', 'user:1', ?2, 20261121, null)",
                )
                .expect("a statement");
            let mut insert_key = conn
                .prepare_cached(
                    "insert into idempotency_keys (bucket, key_hash, principal, key, request_hash, status, body, at)
                     values (20778, ?5, ?1, ?2, x'07070707070707070707070707070707', 201, ?3, ?4)",
                )
                .expect("a statement");
            let body = "{\"message\":\"Order placed successfully\",\"orderId\":\"1\",\"orderCode\":\"OD0000001\",\"storeId\":\"1\",\"status\":\"placed\",\"total\":90,\"itemCount\":3,\"due\":90,\"invoiceNumber\":null}";
            for _ in 0..256 {
                order += 1;
                let customer = dice.below(seed::CUSTOMERS) + 1;
                let at = 1_790_000_000_000_i64 + order;
                insert_order.execute((order, customer, at, order - 1)).expect("an order");
                for (line, product) in (1_i64..).zip(seed::three(&mut dice, false)) {
                    moves += 1;
                    insert_line.execute((order, line, product, format!("Product number {product}"))).expect("a line");
                    insert_move.execute((moves, product, moves - 1, order, customer, at)).expect("a move");
                }
                insert_payment.execute((order, at)).expect("a payment");
                insert_key
                    .execute((
                        format!("user:{customer}"),
                        format!("0000-{:04x}-{order:012x}", order % 256),
                        body,
                        at,
                        order.wrapping_mul(-7_046_029_254_386_353_131),
                    ))
                    .expect("a key");
            }
        }
        conn.execute_batch("commit").expect("a commit");
        written += 256;
    }
    per_second(written, began.elapsed())
}
