//! The books are right after a day's work, and each thing that can be wrong with them is found.

use kirana::check::{self, Verdict};
use kirana::db::{Conn, Error, Query};
use kirana::staff::Role;
use serde_json::json;

use crate::support::{Client, Engine, Shop, on_both};

/// An invariant, what is said of it when it is broken, and how to break it.
type Fault = (u8, &'static str, &'static str);

/// One for each rule, and what rules cannot ask in one question.
const FAULTS: &[Fault] = &[
    (
        1,
        "on hand against the sum of the moves",
        "update stock set on_hand_milli = on_hand_milli + 1000 where product_id = 1",
    ),
    (1, "on hand against the sum of the moves", "delete from stock_moves where reason = 'adjustment'"),
    (1, "the balance of the last move", "update stock set on_hand_milli = on_hand_milli - 1 where product_id = 2"),
    (
        1,
        "the balance after a move",
        "update stock_moves set balance_after_milli = balance_after_milli + 1 where reason = 'opening'",
    ),
    (
        1,
        "the last move",
        "update stock set last_move_id = (select min(id) from stock_moves where product_id = 1) where product_id = 1",
    ),
    (
        1,
        "on hand, which this product does not let fall below zero",
        "update stock set on_hand_milli = -1 where product_id = 1",
    ),
    (1, "what waits to be counted is below zero", "update stock set recount_since_at = 1 where product_id = 1"),
    (2, "what came back of a line against what was sold", "update return_lines set quantity_milli = 9000"),
    (
        2,
        "a return against its lines and rounding",
        "update return_lines set total_paise = total_paise + 1, taxable_paise = taxable_paise + 1",
    ),
    (2, "refunds against the return", "update refunds set amount_paise = amount_paise + 1"),
    (
        2,
        "given back against the bill",
        "update returns set total_paise = total_paise + 100000, taxable_paise = taxable_paise + 100000",
    ),
    (
        2,
        "what a drawer should hold against what went in and out",
        "update shifts set expected_paise = expected_paise + 1 where status = 'closed'",
    ),
    (2, "a shift of a till against its open shift", "update tills set open_shift_id = null"),
    (4, "a sale of a till against its order", "delete from pos_sales"),
    (
        5,
        "credit notes of a series against its last number",
        "update credit_note_series set last_number = last_number + 1",
    ),
    (5, "Z reports of a till against its last number", "update tills set last_z_number = last_z_number + 1"),
    (2, "the number of lines", "update orders set line_count = line_count + 1 where id = 1"),
    (2, "the number of lines", "delete from order_lines where order_id = 3"),
    (
        2,
        "the total against lines and rounding",
        "update orders set total_paise = total_paise + 1, taxable_paise = taxable_paise + 1 where id = 2",
    ),
    (2, "the discount against the lines' shares", "update orders set discount_paise = discount_paise - 1 where id = 2"),
    (2, "the gross amount against the lines", "update orders set gross_paise = gross_paise + 1 where id = 1"),
    (
        2,
        "tax of the order against its lines",
        "update orders set cgst_paise = cgst_paise + 1, taxable_paise = taxable_paise - 1 where id = 1",
    ),
    (
        2,
        "tax and taxable value of a line against its total",
        "update order_lines set cgst_paise = cgst_paise + 1, taxable_paise = taxable_paise - 1 where order_id = 1",
    ),
    (
        2,
        "tax and taxable value of a line against its total",
        "update order_lines set total_paise = total_paise + 1 where order_id = 1 and line_no = 1",
    ),
    (2, "lines and payments without their order", "update order_lines set order_id = 99 where order_id = 1"),
    (2, "lines and payments without their order", "update payments set order_id = 99 where order_id = 1"),
    (2, "paid against confirmed payments", "update orders set paid_paise = paid_paise - 1 where id = 2"),
    (2, "paid against confirmed payments", "update payments set state = 'confirmed' where order_id = 1"),
    (2, "owed against the khata", "update customers set credit_paise = credit_paise + 1"),
    (2, "owed against the khata", "delete from credit_moves"),
    (
        3,
        "revenue of a product on a day",
        "update product_days set revenue_paise = revenue_paise + 1 where product_id = 1",
    ),
    (
        3,
        "quantity of a product sold on a day",
        "update product_days set sold_milli = sold_milli + 1000 where product_id = 1",
    ),
    (
        3,
        "quantity of a product sold on a day",
        "update product_days set line_count = line_count + 1 where product_id = 1",
    ),
    (
        3,
        "tax and cost of a product on a day",
        "update product_days set cost_paise = cost_paise + 1 where product_id = 1",
    ),
    (3, "revenue of a store on a day", "update store_days set revenue_paise = revenue_paise + 1"),
    (3, "revenue of a store on a day", "delete from store_days"),
    (
        3,
        "orders of a store on a day",
        "update store_days set cancelled_count = cancelled_count - 1, order_count = order_count + 1",
    ),
    (3, "tax, discount and cost of a store on a day", "update store_days set discount_paise = discount_paise + 1"),
    (3, "spent by a customer on a day", "update customer_days set spent_paise = spent_paise + 1"),
    (3, "spent by a customer on a day", "delete from customer_days"),
    (3, "spent by a customer in all", "update customers set spent_paise = spent_paise + 1"),
    (3, "orders of a customer in all", "update customers set order_count = order_count + 1"),
    (3, "stock changed on a day", "update product_days set moved_milli = moved_milli + 1 where product_id = 1"),
    (
        4,
        "effects of one key",
        "insert into idempotency_keys (bucket, key_hash, principal, key, request_hash, status, body, at)
      select bucket + 1, key_hash, principal, key, request_hash, status, body, at from idempotency_keys",
    ),
    (
        4,
        "was also made with",
        "insert into idempotency_keys (bucket, key_hash, principal, key, request_hash, status, body, at)
      select bucket, key_hash + 1, principal, 'another', request_hash, status, body, at from idempotency_keys",
    ),
    (
        4,
        "order 99 was answered and is not there",
        "update idempotency_keys set body = replace(body, '\"orderId\":\"2\"', '\"orderId\":\"99\"')",
    ),
    (5, "bills of a series against its last number", "update invoice_series set last_number = last_number + 1"),
    (5, "bills of a series against its last number", "update orders set invoice_number = 9 where invoice_number = 1"),
    (5, "bill number without an order handed over", "update orders set status = 'ready' where id = 2"),
    (5, "bill number without an order handed over", "update orders set status = 'completed' where id = 1"),
    (
        6,
        "search words of a product that is gone",
        "insert into product_words (word, product_id) values ('ghost', 999999)",
    ),
    (7, "this entry was changed", "update audit_log set actor = 'user:9' where action = 'stock.adjust'"),
    (7, "this entry was changed", "update audit_log set detail = '{}' where action = 'orders.place'"),
    (7, "this entry was changed", "update audit_log set at = at + 1 where action = 'payment.take'"),
    (
        7,
        "the entry before this one was changed",
        "update audit_log set previous_hash = hash where action = 'stock.adjust'",
    ),
    (7, "an entry before this one is missing", "delete from audit_log where seq = 1"),
    (7, "orders name an entry that is not there", "delete from audit_log where action = 'orders.place'"),
    (
        7,
        "the orders of this batch are not those that were placed",
        "update orders set placed_at = placed_at + 1 where id = 1",
    ),
    (7, "the orders of this batch are not those that were placed", "update orders set customer_id = null where id = 1"),
    (7, "the orders of this batch are gone", "delete from orders where id = 1"),
    (7, "steps were taken and", "delete from order_steps where step_no = 2"),
    (7, "steps were taken and", "delete from order_steps"),
    (
        7,
        "steps were taken and",
        "insert into order_steps (store_id, order_id, step_no, from_status, to_status, actor, at)
      values (1, 1, 9, 'placed', 'confirmed', 'user:1', 0)",
    ),
];

/// Rules of the schema that would not let some of it happen.
const IN_THE_WAY: &[&str] = &[
    "alter table stock drop constraint stock_not_negative",
    "alter table orders drop constraint orders_total",
    "alter table order_lines drop constraint order_lines_total",
    "set local session_replication_role = replica",
];

/// Orders of every kind, payments, corrections.
async fn a_days_work(shop: &Shop) {
    let owner = shop.sign_in(Role::Owner).await;
    let asha = shop.sign_in(Role::Customer).await;
    shop.execute("update customers set credit_limit_paise = 1000000").await;
    let tea = shop.goods("Green tea").price("99.00").cost("60.00").tax_bp(1_800).on_hand(50).create().await;
    let rice = shop.goods("Rice").price("33.33").tax_bp(500).without_tax_in_price().on_hand(50).create().await;
    let items = json!([{ "id": tea, "quantity": 2 }, { "id": rice, "quantity": 3 }]);
    let first = json!({ "items": items, "paymentMethod": "UPI" });
    asha.post("/api/orders", first).await.expect(201);
    let second = json!({ "items": items, "paymentMethod": "Cash", "discount": 7.01, "complete": true });
    owner.post("/api/orders", second).header("idempotency-key", "till-1").await.expect(201);
    let third = json!({ "items": items, "paymentMethod": "credit", "customerId": asha.user.unwrap() });
    owner.post("/api/orders", third.clone()).await.expect(201);
    owner.post("/api/orders", third).await.expect(201);
    owner.post("/api/orders/3/confirm", json!({})).await.expect(200);
    owner.post("/api/orders/3/cancel", json!({})).await.expect(200);
    owner.post("/api/orders/4/complete", json!({})).await.expect(200);
    let lines = json!({ "lines": [{ "productId": tea, "delta": -1 }, { "productId": rice, "onHand": 40 }] });
    owner.post("/api/stock/adjustments", lines).await.expect(201);
    owner.post("/api/orders/1/payments", json!({ "method": "cash", "amount": 5 })).await.expect(201);
    owner.post("/api/orders/1/confirm", json!({})).await.expect(200);
    a_shift(shop, &owner).await;
}

/// A shift with a sale that was made while the server was away, of which something comes back.
async fn a_shift(shop: &Shop, owner: &Client) {
    let salt = shop.goods("Salt").price("10.00").tax_bp(500).cost("6.00").on_hand(1).create().await;
    owner.post("/api/pos/tills", json!({ "code": "T1", "name": "Front" })).await.expect(201);
    owner.post("/api/pos/shifts", json!({ "tillId": "1", "float": 100 })).await.expect(201);
    let sale = json!({
        "id": "0b9c7a8e-0001", "tillId": "1", "number": "T1-1", "soldAt": "2026-03-02T04:30:00Z", "total": 30,
        "lines": [{ "productId": salt, "quantity": 3, "price": 10 }], "payments": [{ "method": "cash" }],
    });
    let body = json!({ "tillId": "1", "sentAt": "2026-03-02T04:30:00Z", "sales": [sale] });
    assert_eq!(owner.post("/api/pos/sync", body).await.expect(200).json()["recorded"], json!(1));
    let back = json!({
        "lines": [{ "line": 1, "quantity": 1, "restock": true }], "reason": "wrong",
        "refunds": [{ "method": "cash" }], "tillId": "1",
    });
    owner.post("/api/orders/5/returns", back).await.expect(201);
    let count = json!({ "count": { "100": 1, "20": 1 } });
    assert_eq!(owner.post("/api/pos/shifts/1/close", count).await.expect(200).json()["zNumber"], json!(1));
    owner.post("/api/pos/shifts", json!({ "tillId": "1", "float": 0 })).await.expect(201);
}

/// What is left of a transaction that was undone on purpose.
enum Undone {
    Checked(Verdict),
    Failed(Error),
}

impl From<Error> for Undone {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

/// Breaks something, checks, and undoes it all.
async fn check_with(shop: &Shop, faults: &[&'static str]) -> Verdict {
    let (engine, tried, faults) = (shop.scratch.engine, faults, faults.to_vec());
    let action = move |conn: &mut Conn<'_>| -> Result<(), Undone> {
        let mut run = |sql: &'static str| conn.execute(&Query::new(sql, sql, sql, &[]), &[]);
        match engine {
            Engine::Sqlite => {
                run("pragma ignore_check_constraints = on")?;
                run("pragma defer_foreign_keys = on")?;
            }
            Engine::Postgres => {
                for rule in IN_THE_WAY {
                    run(rule)?;
                }
            }
        }
        for fault in &faults {
            assert!(run(fault)? > 0 || fault.starts_with("alter"), "nothing is broken by {fault}");
        }
        let verdict = check::run(conn);
        if engine == Engine::Sqlite {
            let sql = "pragma ignore_check_constraints = off";
            conn.execute(&Query::new(sql, sql, sql, &[]), &[])?;
        }
        Err(Undone::Checked(verdict?))
    };
    match shop.db.write(action).await {
        Err(Undone::Checked(verdict)) => verdict,
        Err(Undone::Failed(error)) => panic!("{error} after {tried:?}"),
        Ok(()) => unreachable!("it is always undone"),
    }
}

on_both!(a_days_work_leaves_the_books_right);
async fn a_days_work_leaves_the_books_right(shop: Shop) {
    let verdict = shop.db.read::<_, Error>(check::run).await.unwrap();
    assert_eq!((verdict.ok, verdict.orders), (true, 0), "a shop that has just opened");
    a_days_work(&shop).await;
    shop.check_books().await;
    let verdict = shop.db.read::<_, Error>(check::run).await.unwrap();
    assert_eq!((verdict.orders, verdict.moves, verdict.more), (5, 17, 0));
    assert_eq!(shop.number("select count(*) from audit_log").await, verdict.audit_entries);
}

on_both!(whatever_is_wrong_is_found_and_named);
async fn whatever_is_wrong_is_found_and_named(shop: Shop) {
    a_days_work(&shop).await;
    assert!(check_with(&shop, &[]).await.ok);
    let mut missed = Vec::new();
    for (invariant, what, sql) in FAULTS {
        let verdict = check_with(&shop, &[sql]).await;
        let found = verdict.findings.iter().any(|one| one.invariant == *invariant && one.what.contains(what));
        if !found || verdict.ok {
            missed.push(format!("{invariant} {what}: {sql}\n    {:?}", verdict.findings));
        }
    }
    assert!(missed.is_empty(), "not found:\n{}", missed.join("\n"));
    let storage = match shop.scratch.engine {
        Engine::Sqlite => "delete from categories",
        Engine::Postgres => "alter table orders add constraint rich check (total_paise > 1000000) not valid",
    };
    let verdict = check_with(&shop, &[storage]).await;
    assert!(verdict.findings.iter().any(|one| one.invariant == 6), "{verdict:?}");
    shop.check_books().await;
}

#[test]
fn every_rule_has_a_fault_that_shows_it() {
    let rules: Vec<&str> = check::rules().map(|(_, what)| what).collect();
    let shown = |(invariant, what): &(u8, &str)| FAULTS.iter().any(|fault| fault.0 == *invariant && fault.1 == *what);
    let missing: Vec<(u8, &str)> = check::rules().filter(|rule| !shown(rule)).collect();
    assert!(missing.is_empty() && rules.len() > 20, "without a fault: {missing:?}");
}

on_both!(of_many_findings_the_first_are_listed_and_the_rest_counted);
async fn of_many_findings_the_first_are_listed_and_the_rest_counted(shop: Shop) {
    let till = shop.sign_in(Role::Cashier).await;
    let tea = shop.goods("Green tea").on_hand(50).create().await;
    for _ in 0..25 {
        let body = json!({ "items": [{ "id": tea, "quantity": 1 }], "paymentMethod": "Cash" });
        till.post("/api/orders", body).await.expect(201);
    }
    let verdict = check_with(&shop, &["update orders set line_count = 2"]).await;
    let counted = verdict.findings.iter().filter(|one| one.what.starts_with("the number of lines")).count();
    assert_eq!((counted, verdict.more, verdict.ok), (20, 5, false));
}
