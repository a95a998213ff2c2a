//! Goods that come back, and what somebody approves.

use kirana::staff::Role;
use serde_json::{Value, json};

use super::{both, open, sale, text};
use crate::support::{Shop, on_both};

fn back(quantity: i64, till: &str) -> Value {
    json!({
        "lines": [{ "line": 1, "quantity": quantity, "restock": true }],
        "reason": "changed_mind", "refunds": [{ "method": "cash" }], "tillId": till,
    })
}

on_both!(no_more_comes_back_than_was_sold);
async fn no_more_comes_back_than_was_sold(shop: Shop) {
    let tea = shop.goods("Green tea").price("33.00").tax_bp(500).cost("20.00").on_hand(10).create().await;
    let owner = shop.sign_in(Role::Owner).await;
    let till = shop.sign_in(Role::Cashier).await;
    let (id, shift) = open(&owner, &till, "T1", 500).await;
    till.post("/api/pos/sales", sale(&id, 1, tea, 3, 33)).await.expect(201);
    till.post("/api/orders/1/returns", back(4, &id)).await.expect(409);
    let first = till.post("/api/orders/1/returns", back(1, &id)).await.expect(201).json();
    assert_eq!((&first["creditNote"], &first["total"]), (&json!("K1C2526-000001"), &json!(33)));
    let send = |client: &crate::support::Client| client.post("/api/orders/1/returns", back(2, &id)).into_future();
    let replies = both(send(&till), send(&owner)).await;
    let mut statuses: Vec<u16> = replies.iter().map(|reply| reply.status.as_u16()).collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [201, 409], "{replies:?}");
    assert_eq!(shop.left(tea).await, "10");
    let order = owner.get("/api/orders/1").await.expect(200).json();
    assert_eq!(order["items"][0]["returned"], json!(3));
    assert_eq!(order["returns"].as_array().unwrap().len(), 2);
    let report = owner.get(&format!("/api/pos/shifts/{shift}")).await.json()["report"].clone();
    assert_eq!((&report["net"], &report["cash"]["expected"]), (&json!(0), &json!(500)));
    assert_eq!(shop.number("select cast(sum(revenue_paise) as bigint) from store_days").await, 0);
    shop.check_books().await;
}

on_both!(what_a_role_does_not_allow_a_managers_pin_approves_once);
async fn what_a_role_does_not_allow_a_managers_pin_approves_once(shop: Shop) {
    let tea = shop.goods("Green tea").price("100.00").on_hand(10).create().await;
    let owner = shop.sign_in(Role::Owner).await;
    let till = shop.sign_in(Role::Cashier).await;
    let (id, _) = open(&owner, &till, "T1", 500).await;
    let boss = shop.open_account(Role::Manager, "boss", Some("correct horse"), kirana::staff::Status::Active).await;
    let token = shop.open_session(boss, kirana::staff::actions::Carrier::Token).await;
    let manager = shop.stranger().with_token(&token);
    let set = |pin: &str| json!({ "pin": pin, "password": "correct horse" });
    manager.call(axum::http::Method::PUT, "/api/auth/pin").await.expect(415);
    manager.put("/api/auth/pin", set("1234")).await.expect(400);
    manager.put("/api/auth/pin", set("4821")).await.expect(204);
    let mut cheap = sale(&id, 1, tea, 1, 100);
    cheap["discount"] = json!(20);
    cheap["total"] = json!(80);
    assert_eq!(till.post("/api/pos/sales", cheap.clone()).await.expect(403).code(), "approval_needed");
    let ask =
        |pin: &str, act: &str| till.post("/api/pos/approvals", json!({ "approverId": boss, "pin": pin, "act": act }));
    assert_eq!(ask("4822", "discount").await.expect(401).code(), "wrong_pin");
    let approval = text(&ask("4821", "discount").await.expect(201).json()["approval"]);
    cheap["approval"] = json!(approval);
    till.post("/api/pos/sales", cheap.clone()).await.expect(201);
    cheap["id"] = json!("another-sale");
    assert_eq!(till.post("/api/pos/sales", cheap).await.expect(403).code(), "no_approval");
    let mut bare = json!({
        "lines": [{ "productId": tea, "quantity": 1, "price": 100, "restock": false }],
        "reason": "damaged", "refunds": [{ "method": "cash" }], "tillId": id,
    });
    assert_eq!(till.post("/api/pos/returns", bare.clone()).await.expect(403).code(), "approval_needed");
    bare["approval"] = ask("4821", "return").await.expect(201).json()["approval"].clone();
    let returned = till.post("/api/pos/returns", bare.clone()).await.expect(201).json();
    assert_eq!(returned["approvedBy"], json!(format!("user:{boss}")));
    bare["lines"][0]["quantity"] = json!(6);
    assert_eq!(owner.post("/api/pos/returns", bare).await.expect(409).code(), "above_cap");
    assert_eq!(till.post("/api/orders/1/void", json!({})).await.expect(403).code(), "approval_needed");
    let void = ask("4821", "void").await.expect(201).json()["approval"].clone();
    till.post("/api/orders/1/void", json!({ "approval": void, "tillId": id })).await.expect(201);
    assert_eq!(shop.left(tea).await, "10");
    for _ in 0..5 {
        ask("0000", "void").await;
    }
    ask("4821", "void").await.expect(429);
    assert_eq!(shop.number("select count(*) from audit_log where action = 'approval.use'").await, 3);
    shop.check_books().await;
}
