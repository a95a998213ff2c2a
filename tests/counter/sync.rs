//! Sales that a till kept while the server was away.

use std::time::Instant;

use kirana::staff::Role;
use serde_json::{Value, json};

use super::{both, open, sale};
use crate::support::{Shop, on_both};

fn batch(till: &str, sales: Vec<Value>) -> Value {
    json!({ "tillId": till, "sentAt": "2026-03-02T04:31:00Z", "sales": sales })
}

on_both!(a_sale_happens_once_on_either_route);
async fn a_sale_happens_once_on_either_route(shop: Shop) {
    let tea = shop.goods("Green tea").price("100.00").on_hand(10).create().await;
    let owner = shop.sign_in(Role::Owner).await;
    let till = shop.sign_in(Role::Cashier).await;
    let (id, _) = open(&owner, &till, "T1", 0).await;
    till.post("/api/pos/sales", sale(&id, 1, tea, 1, 100)).await.expect(201);
    let sales = vec![sale(&id, 1, tea, 1, 100), sale(&id, 2, tea, 1, 100), sale(&id, 2, tea, 3, 100)];
    let first = owner.post("/api/pos/sync", batch(&id, sales.clone())).await.expect(200).json();
    let replayed: Vec<&Value> = (0..3).map(|index| &first["results"][index]["replayed"]).collect();
    assert_eq!(replayed, [&json!(true), &json!(false), &json!(false)], "{first}");
    assert_eq!(first["results"][2]["problem"]["code"], "idempotency_key_reused");
    shop.clock.advance_ms(5 * 86_400_000);
    let again = till.post("/api/pos/sync", batch(&id, sales)).await.expect(200).json();
    assert_eq!(again["results"][1]["orderId"], first["results"][1]["orderId"], "also after days");
    assert_eq!(again["recorded"], json!(2));
    assert_eq!(shop.number("select count(*) from orders").await, 2);
    shop.check_books().await;
}

on_both!(what_was_sold_away_from_the_server_is_recorded_and_flagged);
async fn what_was_sold_away_from_the_server_is_recorded_and_flagged(shop: Shop) {
    let tea = shop.goods("Green tea").price("100.00").on_hand(1).create().await;
    let owner = shop.sign_in(Role::Owner).await;
    let till = shop.sign_in(Role::Cashier).await;
    let (id, _) = open(&owner, &till, "T1", 0).await;
    till.post("/api/pos/sales", sale(&id, 9, tea, 3, 100)).await.expect(409);
    till.post("/api/pos/sales", sale(&id, 9, tea, 1, 90)).await.expect(409);
    let mut unknown = sale(&id, 3, tea, 1, 90);
    unknown["lines"][0]["productId"] = json!("999");
    let sales = vec![sale(&id, 1, tea, 3, 90), unknown, sale(&id, 2, tea, 1, 100)];
    let synced = till.post("/api/pos/sync", batch(&id, sales)).await.expect(200).json();
    assert_eq!(synced["results"][0]["flags"], json!(["price_differs", "stock_short"]), "{synced}");
    assert_eq!(synced["results"][0]["total"], json!(270), "the printed bill stands");
    assert_eq!(synced["results"][1]["problem"]["code"], "unknown_product");
    assert_eq!((&synced["recorded"], &synced["refused"]), (&json!(2), &json!(1)));
    assert_eq!(shop.left(tea).await, "-3");
    till.post("/api/orders", crate::orders::sale(&[(tea, 1)])).await.expect(409);
    let waiting = owner.get("/api/stock?filter=recount").await.expect(200).json();
    assert_eq!(waiting.as_array().unwrap().len(), 1);
    assert_eq!(owner.get("/api/pos/flagged").await.expect(200).json().as_array().unwrap().len(), 2);
    shop.check_books().await;
    let count = json!({ "lines": [{ "productId": tea, "onHand": 4, "reason": "count" }] });
    owner.post("/api/stock/adjustments", count).await.expect(201);
    assert_eq!(owner.get("/api/stock?filter=recount").await.json(), json!([]));
    till.post("/api/orders", crate::orders::sale(&[(tea, 5)])).await.expect(409);
    shop.check_books().await;
}

on_both!(the_same_sync_twice_at_once_records_each_sale_once);
async fn the_same_sync_twice_at_once_records_each_sale_once(shop: Shop) {
    let tea = shop.goods("Green tea").price("100.00").on_hand(500).create().await;
    let owner = shop.sign_in(Role::Owner).await;
    let till = shop.sign_in(Role::Cashier).await;
    let (id, _) = open(&owner, &till, "T1", 0).await;
    let sales: Vec<Value> = (1..=100).map(|number| sale(&id, number, tea, 1, 100)).collect();
    let began = Instant::now();
    let send = |client: &crate::support::Client| {
        client.with("x-till", "1").post("/api/pos/sync", batch(&id, sales.clone())).into_future()
    };
    let [one, other] = both(send(&till), send(&owner)).await;
    assert!(began.elapsed().as_secs() < 5, "{:?}", began.elapsed());
    let (one, other) = (one.expect(200).json(), other.expect(200).json());
    for index in 0..100 {
        assert_eq!(one["results"][index]["invoiceNumber"], other["results"][index]["invoiceNumber"]);
        assert_ne!(one["results"][index]["replayed"], other["results"][index]["replayed"]);
    }
    assert_eq!(shop.number("select count(*) from orders").await, 100);
    assert_eq!(shop.left(tea).await, "400");
    shop.check_books().await;
}
