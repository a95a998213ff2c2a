//! What is promised, what has arrived, what is too much.

use insta::assert_snapshot;
use kirana::staff::Role;
use serde_json::json;

use super::{items, order};
use crate::support::{Shop, on_both};

on_both!(a_promise_is_confirmed_once);
async fn a_promise_is_confirmed_once(shop: Shop) {
    let tea = shop.goods("Green tea").price("100.00").on_hand(10).create().await;
    let asha = shop.sign_in(Role::Customer).await;
    let till = shop.sign_in(Role::Cashier).await;
    let keeper = shop.sign_in(Role::StockKeeper).await;
    asha.post("/api/orders", json!({ "items": items(&[(tea, 1)]), "paymentMethod": "UPI" })).await.expect(201);
    assert_snapshot!(asha.post("/api/orders/1/payments/1/confirm", json!({})).await, @r#"403 {"code":"forbidden","detail":"Your role (customer) does not allow this."}"#);
    assert_snapshot!(keeper.post("/api/orders/1/payments/1/confirm", json!({})).await, @r#"403 {"code":"forbidden","detail":"Your role (stock_keeper) does not allow this."}"#);
    assert_snapshot!(till.post("/api/orders/1/payments/9/confirm", json!({})).await, @r#"404 {"code":"not_found","detail":"There is no such payment."}"#);
    let paid = till.post("/api/orders/1/payments/1/confirm", json!({ "reference": "UTR 42" })).await.expect(200).json();
    assert_eq!((&paid["paid"], &paid["due"]), (&json!(100), &json!(0)));
    assert_eq!(
        (&paid["payments"][0]["state"], &paid["payments"][0]["reference"]),
        (&json!("confirmed"), &json!("UTR 42"))
    );
    assert_snapshot!(till.post("/api/orders/1/payments/1/confirm", json!({})).await, @r#"409 {"code":"not_pending","detail":"This payment is confirmed."}"#);
    till.post("/api/orders/1/complete", json!({})).await.expect(200);
    shop.check_books().await;
}

on_both!(an_order_is_handed_over_when_it_is_paid);
async fn an_order_is_handed_over_when_it_is_paid(shop: Shop) {
    let tea = shop.goods("Green tea").price("100.00").on_hand(10).create().await;
    let till = shop.sign_in(Role::Cashier).await;
    let keeper = shop.sign_in(Role::StockKeeper).await;
    till.post("/api/orders", order(&[(tea, 1)])).await.expect(201);
    assert_snapshot!(till.post("/api/orders/1/complete", json!({})).await, @r#"409 {"code":"payment_due","detail":"100.00 is still to be paid.","due":100}"#);
    till.post("/api/orders/1/payments", json!({ "method": "cash", "amount": "40.00" })).await.expect(201);
    assert_snapshot!(keeper.post("/api/orders/1/complete", json!({})).await, @r#"409 {"code":"payment_due","detail":"60.00 is still to be paid.","due":60}"#);
    assert_snapshot!(keeper.post("/api/orders/1/complete", json!({ "payments": [{ "method": "cash" }] })).await, @r#"403 {"code":"forbidden","detail":"Your role does not allow taking payments."}"#);
    let too_little = json!({ "payments": [{ "method": "card", "amount": 59.99 }] });
    assert_snapshot!(till.post("/api/orders/1/complete", too_little).await, @r#"409 {"code":"payment_due","detail":"0.01 is still to be paid.","due":0.01}"#);
    let order = till.get("/api/orders/1").await.json();
    assert_eq!((&order["paid"], &order["status"]), (&json!(40), &json!("placed")), "a refused step takes no payment");
    assert_eq!(order["payments"].as_array().unwrap().len(), 2);
    let rest = json!({ "payments": [{ "method": "card", "amount": 59.99 }, { "method": "cash" }] });
    let done = till.post("/api/orders/1/complete", rest).await.expect(200).json();
    assert_eq!((&done["paid"], &done["invoiceNumber"]), (&json!(100), &json!("K1-2526-000001")));
    assert_eq!(done["payments"][0]["state"], "failed", "the promise that was not needed lapses");
    shop.check_books().await;
}

on_both!(nobody_pays_more_than_is_due_or_less_than_nothing);
async fn nobody_pays_more_than_is_due_or_less_than_nothing(shop: Shop) {
    let tea = shop.goods("Green tea").price("100.00").on_hand(10).create().await;
    let till = shop.sign_in(Role::Cashier).await;
    till.post("/api/orders", order(&[(tea, 1)])).await.expect(201);
    let pay =
        |amount: serde_json::Value| till.post("/api/orders/1/payments", json!({ "method": "cash", "amount": amount }));
    assert_snapshot!(pay(json!(100.01)).await, @r#"400 {"code":"invalid","detail":"A payment is between 0.01 and what is due, 100.00.","errors":[{"field":"amount","code":"invalid","message":"A payment is between 0.01 and what is due, 100.00."}],"due":100}"#);
    assert_snapshot!(pay(json!(0)).await, @r#"400 {"code":"invalid","detail":"A payment is between 0.01 and what is due, 100.00.","errors":[{"field":"amount","code":"invalid","message":"A payment is between 0.01 and what is due, 100.00."}],"due":100}"#);
    assert_snapshot!(pay(json!(-5)).await, @r#"400 {"code":"invalid","detail":"A payment is between 0.01 and what is due, 100.00.","errors":[{"field":"amount","code":"invalid","message":"A payment is between 0.01 and what is due, 100.00."}],"due":100}"#);
    assert_snapshot!(pay(json!(0.005)).await, @r#"400 {"code":"invalid","detail":"amount: `0.005` has more than 2 decimals","errors":[{"field":"amount","code":"invalid","message":"amount: `0.005` has more than 2 decimals"}]}"#);
    assert_snapshot!(till.post("/api/orders/1/payments", json!({ "method": "barter" })).await, @r#"400 {"code":"invalid","detail":"barter is no payment method; use Cash, Card or UPI.","errors":[{"field":"payment.method","code":"invalid","message":"barter is no payment method; use Cash, Card or UPI."}]}"#);
    assert_snapshot!(till.post("/api/orders/1/payments", json!({ "method": "store_credit" })).await, @r#"400 {"code":"invalid","detail":"This shop does not take store credit.","errors":[{"field":"paymentMethod","code":"invalid","message":"This shop does not take store credit."}]}"#);
    pay(json!(60)).await.expect(201);
    assert_snapshot!(till.post("/api/orders/1/payments/1/confirm", json!({})).await, @r#"400 {"code":"invalid","detail":"A payment is between 0.01 and what is due, 40.00.","errors":[{"field":"amount","code":"invalid","message":"A payment is between 0.01 and what is due, 40.00."}],"due":40}"#);
    pay(json!(40)).await.expect(201);
    assert_snapshot!(pay(json!(0.01)).await, @r#"400 {"code":"invalid","detail":"A payment is between 0.01 and what is due, 0.00.","errors":[{"field":"amount","code":"invalid","message":"A payment is between 0.01 and what is due, 0.00."}],"due":0}"#);
    assert_eq!(till.get("/api/orders/1").await.json()["paid"], json!(100));
    shop.check_books().await;
}

on_both!(a_customer_notes_upi_and_nothing_else);
async fn a_customer_notes_upi_and_nothing_else(shop: Shop) {
    let tea = shop.goods("Green tea").price("100.00").on_hand(10).create().await;
    let asha = shop.sign_in(Role::Customer).await;
    let ravi = shop.sign_in(Role::Customer).await;
    let keeper = shop.sign_in(Role::StockKeeper).await;
    asha.post("/api/orders", order(&[(tea, 1)])).await.expect(201);
    assert_snapshot!(asha.post("/api/orders/1/payments", json!({ "method": "cash" })).await, @r#"403 {"code":"forbidden","detail":"Only the shop takes payments; you can note a UPI payment."}"#);
    assert_snapshot!(ravi.post("/api/orders/1/payments", json!({ "method": "upi" })).await, @r#"404 {"code":"not_found","detail":"There is no such order."}"#);
    assert_snapshot!(keeper.post("/api/orders/1/payments", json!({ "method": "upi" })).await, @r#"403 {"code":"forbidden","detail":"Your role does not allow taking payments."}"#);
    let noted = asha.post("/api/orders/1/payments", json!({ "method": "upi", "reference": "UTR 1" })).await.expect(201);
    let body = noted.json();
    assert_eq!((&body["payment"], &body["order"]["paid"]), (&json!(2), &json!(0)), "a customer's word pays nothing");
    assert_eq!(body["order"]["payments"][1]["state"], "pending");
    shop.check_books().await;
}

on_both!(a_payment_with_a_key_is_taken_once);
async fn a_payment_with_a_key_is_taken_once(shop: Shop) {
    let tea = shop.goods("Green tea").price("100.00").on_hand(10).create().await;
    let till = shop.sign_in(Role::Cashier).await.with("idempotency-key", "k-1");
    shop.sign_in(Role::Cashier).await.post("/api/orders", order(&[(tea, 1)])).await.expect(201);
    let pay = |amount: i64| till.post("/api/orders/1/payments", json!({ "method": "cash", "amount": amount }));
    let first = pay(30).await.expect(201);
    let again = pay(30).await.expect(201);
    assert_eq!((again.header("idempotent-replay"), &again.text), ("true", &first.text));
    assert_snapshot!(pay(31).await, @r#"422 {"code":"idempotency_key_reused","detail":"This Idempotency-Key was already used for another request."}"#);
    assert_eq!(shop.number("select count(*) from payments").await, 2);
    shop.check_books().await;
}
