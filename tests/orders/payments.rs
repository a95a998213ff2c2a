//! What is promised, what has arrived, what is too much.

use insta::assert_snapshot;
use kirana::staff::Role;
use serde_json::json;

use super::{items, order};
use crate::support::{Shop, on_both};

on_both!(a_promise_is_confirmed_once);
async fn a_promise_is_confirmed_once(shop: Shop) {
    let tea = shop.product("Green tea").price("100.00").on_hand(10).create().await;
    let asha = shop.sign_in(Role::Customer).await;
    let till = shop.sign_in(Role::Cashier).await;
    let keeper = shop.sign_in(Role::StockKeeper).await;
    asha.post("/api/orders", json!({ "items": items(&[(tea, 1)]), "paymentMethod": "UPI" })).await.expect(201);
    assert_snapshot!(asha.post("/api/orders/1/payments/1/confirm", json!({})).await, @"");
    assert_snapshot!(keeper.post("/api/orders/1/payments/1/confirm", json!({})).await, @"");
    assert_snapshot!(till.post("/api/orders/1/payments/9/confirm", json!({})).await, @"");
    let paid = till.post("/api/orders/1/payments/1/confirm", json!({ "reference": "UTR 42" })).await.expect(200).json();
    assert_eq!((&paid["paid"], &paid["due"]), (&json!(100.0), &json!(0)));
    assert_eq!(
        (&paid["payments"][0]["state"], &paid["payments"][0]["reference"]),
        (&json!("confirmed"), &json!("UTR 42"))
    );
    assert_snapshot!(till.post("/api/orders/1/payments/1/confirm", json!({})).await, @"");
    till.post("/api/orders/1/complete", json!({})).await.expect(200);
    shop.check_books().await;
}

on_both!(an_order_is_handed_over_when_it_is_paid);
async fn an_order_is_handed_over_when_it_is_paid(shop: Shop) {
    let tea = shop.product("Green tea").price("100.00").on_hand(10).create().await;
    let till = shop.sign_in(Role::Cashier).await;
    let keeper = shop.sign_in(Role::StockKeeper).await;
    till.post("/api/orders", order(&[(tea, 1)])).await.expect(201);
    assert_snapshot!(till.post("/api/orders/1/complete", json!({})).await, @"");
    till.post("/api/orders/1/payments", json!({ "method": "cash", "amount": "40.00" })).await.expect(201);
    assert_snapshot!(keeper.post("/api/orders/1/complete", json!({})).await, @"");
    assert_snapshot!(keeper.post("/api/orders/1/complete", json!({ "payments": [{ "method": "cash" }] })).await, @"");
    let too_little = json!({ "payments": [{ "method": "card", "amount": 59.99 }] });
    assert_snapshot!(till.post("/api/orders/1/complete", too_little).await, @"");
    let order = till.get("/api/orders/1").await.json();
    assert_eq!((&order["paid"], &order["status"]), (&json!(40.0), &json!("placed")), "a refused step takes no payment");
    assert_eq!(order["payments"].as_array().unwrap().len(), 2);
    let rest = json!({ "payments": [{ "method": "card", "amount": 59.99 }, { "method": "cash" }] });
    let done = till.post("/api/orders/1/complete", rest).await.expect(200).json();
    assert_eq!((&done["paid"], &done["invoiceNumber"]), (&json!(100.0), &json!("K1-2526-000001")));
    assert_eq!(done["payments"][0]["state"], "failed", "the promise that was not needed lapses");
    shop.check_books().await;
}

on_both!(nobody_pays_more_than_is_due_or_less_than_nothing);
async fn nobody_pays_more_than_is_due_or_less_than_nothing(shop: Shop) {
    let tea = shop.product("Green tea").price("100.00").on_hand(10).create().await;
    let till = shop.sign_in(Role::Cashier).await;
    till.post("/api/orders", order(&[(tea, 1)])).await.expect(201);
    let pay =
        |amount: serde_json::Value| till.post("/api/orders/1/payments", json!({ "method": "cash", "amount": amount }));
    assert_snapshot!(pay(json!(100.01)).await, @"");
    assert_snapshot!(pay(json!(0)).await, @"");
    assert_snapshot!(pay(json!(-5)).await, @"");
    assert_snapshot!(pay(json!(0.005)).await, @"");
    assert_snapshot!(till.post("/api/orders/1/payments", json!({ "method": "barter" })).await, @"");
    assert_snapshot!(till.post("/api/orders/1/payments", json!({ "method": "store_credit" })).await, @"");
    pay(json!(60)).await.expect(201);
    assert_snapshot!(till.post("/api/orders/1/payments/1/confirm", json!({})).await, @"");
    pay(json!(40)).await.expect(201);
    assert_snapshot!(pay(json!(0.01)).await, @"");
    assert_eq!(till.get("/api/orders/1").await.json()["paid"], json!(100.0));
    shop.check_books().await;
}

on_both!(a_customer_notes_upi_and_nothing_else);
async fn a_customer_notes_upi_and_nothing_else(shop: Shop) {
    let tea = shop.product("Green tea").price("100.00").on_hand(10).create().await;
    let asha = shop.sign_in(Role::Customer).await;
    let ravi = shop.sign_in(Role::Customer).await;
    let keeper = shop.sign_in(Role::StockKeeper).await;
    asha.post("/api/orders", order(&[(tea, 1)])).await.expect(201);
    assert_snapshot!(asha.post("/api/orders/1/payments", json!({ "method": "cash" })).await, @"");
    assert_snapshot!(ravi.post("/api/orders/1/payments", json!({ "method": "upi" })).await, @"");
    assert_snapshot!(keeper.post("/api/orders/1/payments", json!({ "method": "upi" })).await, @"");
    let noted = asha.post("/api/orders/1/payments", json!({ "method": "upi", "reference": "UTR 1" })).await.expect(201);
    let body = noted.json();
    assert_eq!((&body["payment"], &body["order"]["paid"]), (&json!(2), &json!(0)), "a customer's word pays nothing");
    assert_eq!(body["order"]["payments"][1]["state"], "pending");
    shop.check_books().await;
}

on_both!(a_payment_with_a_key_is_taken_once);
async fn a_payment_with_a_key_is_taken_once(shop: Shop) {
    let tea = shop.product("Green tea").price("100.00").on_hand(10).create().await;
    let till = shop.sign_in(Role::Cashier).await.with("idempotency-key", "k-1");
    shop.sign_in(Role::Cashier).await.post("/api/orders", order(&[(tea, 1)])).await.expect(201);
    let pay = |amount: i64| till.post("/api/orders/1/payments", json!({ "method": "cash", "amount": amount }));
    let first = pay(30).await.expect(201);
    let again = pay(30).await.expect(201);
    assert_eq!((again.header("idempotent-replay"), &again.text), ("true", &first.text));
    assert_snapshot!(pay(31).await, @"");
    assert_eq!(shop.number("select count(*) from payments").await, 2);
    shop.check_books().await;
}
