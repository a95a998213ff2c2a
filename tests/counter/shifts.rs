//! A shift from its float to its Z report.

use kirana::staff::Role;
use serde_json::json;

use super::{both, open, sale};
use crate::support::{Shop, on_both};

on_both!(a_shift_is_counted_blind_and_closed_with_a_report);
async fn a_shift_is_counted_blind_and_closed_with_a_report(shop: Shop) {
    let tea = shop.goods("Green tea").price("100.00").tax_bp(500).on_hand(10).create().await;
    let owner = shop.sign_in(Role::Owner).await;
    let till = shop.sign_in(Role::Cashier).await;
    let (id, shift) = open(&owner, &till, "T1", 500).await;
    till.post("/api/pos/shifts", json!({ "tillId": id, "float": 0 })).await.expect(409);
    till.post("/api/pos/sales", sale(&id, 1, tea, 2, 100)).await.expect(201);
    let path = format!("/api/pos/shifts/{shift}");
    till.post(&format!("{path}/cash"), json!({ "kind": "out", "amount": 50, "reason": "Tea" })).await.expect(201);
    till.post(&format!("{path}/cash"), json!({ "kind": "out", "amount": 50, "reason": "" })).await.expect(400);
    let seen = till.get(&path).await.expect(200).json();
    assert!(seen["report"]["cash"]["expected"].is_null(), "who counts does not see what should be there");
    let seen = owner.get(&path).await.expect(200).json();
    assert_eq!(seen["report"]["cash"]["expected"], json!(650));
    till.post(&format!("{path}/close"), json!({})).await.expect(400);
    let counted = till.post(&format!("{path}/close"), json!({ "count": { "500": 1, "100": 1 } })).await.expect(200);
    let counted = counted.json();
    assert_eq!((&counted["status"], &counted["reasonNeeded"]), (&json!("counted"), &json!(true)));
    assert_eq!(counted["report"]["cash"]["difference"], json!(-50));
    till.post("/api/pos/sales", sale(&id, 2, tea, 1, 100)).await.expect(409);
    let closed = till.post(&format!("{path}/close"), json!({ "reason": "A note is torn" })).await.expect(200).json();
    assert_eq!((&closed["status"], &closed["zNumber"]), (&json!("closed"), &json!(1)));
    let report = &closed["report"];
    assert_eq!((&report["bills"], &report["net"], &report["cashOut"]), (&json!(1), &json!(200), &json!(50)));
    assert_eq!(report["firstBill"], json!("K1-2526-000001"));
    assert_eq!(report["taxes"][0]["total"], json!(200));
    assert_eq!(till.get(&path).await.json()["report"], *report, "a Z report never changes");
    till.post(&format!("{path}/close"), json!({ "reason": "again" })).await.expect(409);
    shop.check_books().await;
}

on_both!(of_two_who_close_a_shift_at_once_one_does);
async fn of_two_who_close_a_shift_at_once_one_does(shop: Shop) {
    let owner = shop.sign_in(Role::Owner).await;
    let till = shop.sign_in(Role::Cashier).await;
    let (id, _) = open(&owner, &till, "T1", 0).await;
    for round in 1..=5 {
        let shift = format!("/api/pos/shifts/{round}/close");
        let close = |client: &crate::support::Client| client.post(&shift, json!({ "count": {} })).into_future();
        let replies = both(close(&owner), close(&till)).await;
        let mut statuses: Vec<u16> = replies.iter().map(|reply| reply.status.as_u16()).collect();
        statuses.sort_unstable();
        assert_eq!(statuses, [200, 409], "{replies:?}");
        let next = till.post("/api/pos/shifts", json!({ "tillId": id, "float": 0 })).await.expect(201);
        assert_eq!(next.json()["status"], "open");
    }
    let tills = till.get("/api/pos/tills").await.expect(200).json();
    assert_eq!(tills[0]["lastZNumber"], json!(5));
    shop.check_books().await;
}
