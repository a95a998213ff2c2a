//! From the shelf to the hand, or back to the shelf.

use insta::assert_snapshot;
use kirana::ids::ProductId;
use kirana::staff::Role;
use serde_json::{Value, json};

use super::{items, order, sale};
use crate::support::{Client, Shop, on_both};

/// An order of two, placed by a customer; answers with its path.
async fn placed(client: &Client, product: ProductId) -> String {
    let reply = client.post("/api/orders", order(&[(product, 2)])).await.expect(201).json();
    format!("/api/orders/{}", reply["orderId"].as_str().unwrap())
}

on_both!(an_order_goes_its_way_and_each_step_is_kept);
async fn an_order_goes_its_way_and_each_step_is_kept(shop: Shop) {
    let tea = shop.goods("Green tea").on_hand(10).create().await;
    let asha = shop.sign_in(Role::Customer).await;
    let keeper = shop.sign_in(Role::StockKeeper).await;
    let path = placed(&asha, tea).await;
    for (step, status) in [("confirm", "confirmed"), ("pack", "packed"), ("ready", "ready")] {
        shop.clock.advance_ms(60_000);
        let reply = keeper.post(&format!("{path}/{step}"), json!({ "note": format!("{step} it") })).await.expect(200);
        assert_eq!(reply.json()["status"], status);
    }
    let till = shop.sign_in(Role::Cashier).await;
    let body = json!({ "payments": [{ "method": "cash" }] });
    assert_snapshot!(till.post(&format!("{path}/complete"), body).await, @r#"200 {"id":"1","code":"OD0000001","storeId":"1","customerId":"1","customerName":"customer1","channel":"web","status":"completed","items":[{"id":"1","name":"Green tea","price":100,"quantity":2,"category":"Tea","unit":"pcs","hsn":"","priceIncludesTax":true,"discount":0,"taxRate":0,"taxable":200,"cgst":0,"sgst":0,"igst":0,"total":200}],"itemCount":1,"subtotal":200,"discount":0,"taxable":200,"cgst":0,"sgst":0,"igst":0,"rounding":0,"total":200,"paid":200,"due":0,"paymentMethod":"cash","payments":[{"number":1,"method":"cash","state":"failed","amount":200,"reference":"","at":"2026-03-02T04:30:00Z","confirmedAt":null},{"number":2,"method":"cash","state":"confirmed","amount":200,"reference":"","at":"2026-03-02T04:33:00Z","confirmedAt":"2026-03-02T04:33:00Z"}],"steps":[{"from":"placed","to":"confirmed","by":"user:2","at":"2026-03-02T04:31:00Z","note":"confirm it"},{"from":"confirmed","to":"packed","by":"user:2","at":"2026-03-02T04:32:00Z","note":"pack it"},{"from":"packed","to":"ready","by":"user:2","at":"2026-03-02T04:33:00Z","note":"ready it"},{"from":"ready","to":"completed","by":"user:3","at":"2026-03-02T04:33:00Z","note":""}],"note":"","invoiceNumber":"K1-2526-000001","date":"2026-03-02T04:30:00Z","businessDate":"2026-03-02","updatedAt":"2026-03-02T04:33:00Z","version":6}"#);
    let steps = |reply: Value| -> Vec<String> {
        let shown = |step: &Value| format!("{}>{} by {}: {}", step["from"], step["to"], step["by"], step["note"]);
        reply["steps"].as_array().unwrap().iter().map(|step| shown(step).replace('"', "")).collect()
    };
    assert_eq!(
        steps(till.get(&path).await.json()),
        [
            "placed>confirmed by user:2: confirm it",
            "confirmed>packed by user:2: pack it",
            "packed>ready by user:2: ready it",
            "ready>completed by user:3: ",
        ]
    );
    let seen = steps(asha.get(&path).await.json());
    assert!(seen.iter().all(|step| step.contains("by shop")), "a customer sees the shop and no people: {seen:?}");
    shop.check_books().await;
}

on_both!(every_step_that_is_not_there_is_refused);
async fn every_step_that_is_not_there_is_refused(shop: Shop) {
    const STEPS: [&str; 5] = ["confirm", "pack", "ready", "complete", "cancel"];
    let tea = shop.goods("Green tea").on_hand(100).create().await;
    let owner = shop.sign_in(Role::Owner).await;
    let mut refused = Vec::new();
    for (way, from) in [
        (&["confirm"][..], "confirmed"),
        (&["pack"], "packed"),
        (&["ready"], "ready"),
        (&["complete"], "completed"),
        (&["cancel"], "cancelled"),
    ] {
        for to in STEPS {
            let path = placed(&owner, tea).await;
            let body =
                |step: &str| if step == "complete" { json!({ "payments": [{ "method": "cash" }] }) } else { json!({}) };
            for step in way {
                owner.post(&format!("{path}/{step}"), body(step)).await.expect(200);
            }
            let before = owner.get(&path).await.text;
            let reply = owner.post(&format!("{path}/{to}"), body(to)).await;
            if reply.status.as_u16() != 200 {
                assert_eq!((reply.status.as_u16(), reply.code().as_str()), (409, "no_such_step"), "{reply}");
                assert_eq!(owner.get(&path).await.text, before, "a refused step changes nothing");
                refused.push(format!("{from}>{to}"));
            }
        }
    }
    assert_eq!(
        refused.join(" "),
        "confirmed>confirm packed>confirm packed>pack ready>confirm ready>pack ready>ready \
         completed>confirm completed>pack completed>ready completed>complete completed>cancel \
         cancelled>confirm cancelled>pack cancelled>ready cancelled>complete cancelled>cancel"
    );
    let path = placed(&owner, tea).await;
    owner.post(&format!("{path}/cancel"), json!({})).await.expect(200);
    assert_snapshot!(owner.post(&format!("{path}/cancel"), json!({})).await, @r#"409 {"code":"no_such_step","detail":"An order that is cancelled cannot become cancelled."}"#);
    assert_snapshot!(owner.post(&format!("{path}/payments"), json!({ "method": "cash" })).await, @r#"409 {"code":"cancelled","detail":"This order was called off."}"#);
    assert_snapshot!(owner.post("/api/orders/99/confirm", json!({})).await, @r#"404 {"code":"not_found","detail":"There is no such order."}"#);
    assert_snapshot!(owner.post("/api/orders/OD/confirm", json!({})).await, @r#"404 {"code":"not_found","detail":"There is no such order."}"#);
    shop.check_books().await;
}

on_both!(cancelling_gives_stock_and_money_back_once);
async fn cancelling_gives_stock_and_money_back_once(shop: Shop) {
    let tea = shop.goods("Green tea").price("50.00").cost("30.00").tax_bp(500).on_hand(10).create().await;
    let rice = shop.goods("Rice").on_hand(10).create().await;
    let till = shop.sign_in(Role::Cashier).await;
    let asha = shop.sign_in(Role::Customer).await;
    let asha_id = asha.user.unwrap();
    shop.execute("update customers set credit_limit_paise = 100000").await;
    let body = json!({
        "items": items(&[(tea, 2), (rice, 1), (tea, 1)]),
        "customerId": asha_id,
        "payments": [{ "method": "credit", "amount": 100 }, { "method": "cash", "amount": 150 }],
    });
    till.post("/api/orders", body).await.expect(201);
    till.post("/api/orders/1/payments/2/confirm", json!({})).await.expect(200);
    let before = asha.get("/api/customer/profile").await.json();
    assert_eq!((&before["creditBalance"], &before["totalSpent"]), (&json!(100), &json!(250)));
    shop.clock.advance_ms(24 * 3_600_000);

    assert_snapshot!(till.post("/api/orders/1/cancel", json!({ "note": "moved away" })).await, @r#"200 {"id":"1","code":"OD0000001","storeId":"1","customerId":"2","customerName":"customer2","channel":"counter","status":"cancelled","items":[{"id":"1","name":"Green tea","price":50,"quantity":2,"category":"Tea","unit":"pcs","hsn":"","priceIncludesTax":true,"discount":0,"taxRate":5,"taxable":95.24,"cgst":2.38,"sgst":2.38,"igst":0,"total":100},{"id":"2","name":"Rice","price":100,"quantity":1,"category":"Tea","unit":"pcs","hsn":"","priceIncludesTax":true,"discount":0,"taxRate":0,"taxable":100,"cgst":0,"sgst":0,"igst":0,"total":100},{"id":"1","name":"Green tea","price":50,"quantity":1,"category":"Tea","unit":"pcs","hsn":"","priceIncludesTax":true,"discount":0,"taxRate":5,"taxable":47.62,"cgst":1.19,"sgst":1.19,"igst":0,"total":50}],"itemCount":3,"subtotal":250,"discount":0,"taxable":242.86,"cgst":3.57,"sgst":3.57,"igst":0,"rounding":0,"total":250,"paid":0,"due":0,"paymentMethod":"cash","payments":[{"number":1,"method":"credit","state":"refunded","amount":100,"reference":"","at":"2026-03-02T04:30:00Z","confirmedAt":"2026-03-02T04:30:00Z"},{"number":2,"method":"cash","state":"refunded","amount":150,"reference":"","at":"2026-03-02T04:30:00Z","confirmedAt":"2026-03-02T04:30:00Z"}],"steps":[{"from":"placed","to":"cancelled","by":"user:1","at":"2026-03-03T04:30:00Z","note":"moved away"}],"note":"","invoiceNumber":null,"date":"2026-03-02T04:30:00Z","businessDate":"2026-03-02","updatedAt":"2026-03-03T04:30:00Z","version":4}"#);
    till.post("/api/orders/1/cancel", json!({})).await.expect(409);
    assert_eq!((shop.left(tea).await, shop.left(rice).await), ("10".to_owned(), "10".to_owned()));
    let after = asha.get("/api/customer/profile").await.json();
    assert_eq!(
        (&after["creditBalance"], &after["totalSpent"], &after["totalOrders"]),
        (&json!(0), &json!(0), &json!(0))
    );
    for (table, day, columns) in [
        ("store_days", "sold_on", "order_count + line_count + revenue_paise + tax_paise + discount_paise + cost_paise"),
        ("product_days", "day", "line_count + sold_milli + revenue_paise + tax_paise + cost_paise"),
        ("customer_days", "sold_on", "order_count + spent_paise"),
    ] {
        let left = format!("select cast(coalesce(sum({columns}), 0) as bigint) from {table} where {day} = 20260302");
        assert_eq!(shop.number(&left).await, 0, "{table} of the day on which it was placed");
        let elsewhere = format!("select count(*) from {table} where {day} <> 20260302 and {columns} <> 0");
        assert_eq!(shop.number(&elsewhere).await, 0, "{table}");
    }
    assert_eq!(shop.number("select cast(sum(cancelled_count) as bigint) from store_days").await, 1);
    shop.check_books().await;
}

on_both!(a_customer_calls_off_what_is_not_packed);
async fn a_customer_calls_off_what_is_not_packed(shop: Shop) {
    let tea = shop.goods("Green tea").on_hand(10).create().await;
    let asha = shop.sign_in(Role::Customer).await;
    let ravi = shop.sign_in(Role::Customer).await;
    let keeper = shop.sign_in(Role::StockKeeper).await;
    let path = placed(&asha, tea).await;
    keeper.post(&format!("{path}/pack"), json!({})).await.expect(200);
    assert_snapshot!(asha.post(&format!("{path}/cancel"), json!({})).await, @r#"409 {"code":"too_late","detail":"The order is already packed; ask the shop."}"#);
    assert_snapshot!(keeper.post(&format!("{path}/cancel"), json!({})).await, @r#"403 {"code":"forbidden","detail":"Your role (stock_keeper) does not allow this."}"#);
    let path = placed(&asha, tea).await;
    keeper.post(&format!("{path}/confirm"), json!({})).await.expect(200);
    assert_snapshot!(ravi.post(&format!("{path}/cancel"), json!({})).await, @r#"404 {"code":"not_found","detail":"There is no such order."}"#);
    assert_eq!(asha.post(&format!("{path}/cancel"), json!({})).await.expect(200).json()["status"], "cancelled");
    assert_eq!(shop.left(tea).await, "8");
    shop.check_books().await;
}

on_both!(a_step_from_an_older_version_is_refused);
async fn a_step_from_an_older_version_is_refused(shop: Shop) {
    let tea = shop.goods("Green tea").on_hand(10).create().await;
    let till = shop.sign_in(Role::Cashier).await;
    let path = placed(&till, tea).await;
    let read = till.get(&path).await.expect(200);
    till.post(&format!("{path}/confirm"), json!({})).await.expect(200);
    for step in ["pack", "ready", "complete", "cancel"] {
        let stale = till.post(&format!("{path}/{step}"), json!({})).header("if-match", read.header("etag")).await;
        assert_snapshot!(stale, @r#"412 {"code":"stale","detail":"Somebody has changed this since you read it. Read it again and repeat your change."}"#);
    }
    let tag = till.get(&path).await.header("etag").to_owned();
    till.post(&format!("{path}/pack"), json!({})).header("if-match", &tag).await.expect(200);
    // What was paid is news as well.
    let tag = till.get(&path).await.header("etag").to_owned();
    till.post(&format!("{path}/payments"), json!({ "method": "cash", "amount": 1 })).await.expect(201);
    till.post(&format!("{path}/ready"), json!({})).header("if-match", &tag).await.expect(412);
    shop.check_books().await;
}

on_both!(the_staff_of_one_store_cannot_touch_anothers);
async fn the_staff_of_one_store_cannot_touch_anothers(shop: Shop) {
    let owner = shop.sign_in(Role::Owner).await;
    let body = json!({ "code": "EAST", "name": "East" });
    let east = owner.post("/api/stores", body).await.expect(201).json()["id"].as_str().unwrap().parse().unwrap();
    let first = kirana::ids::StoreId::new(1);
    let tea = shop.goods("Green tea").on_hand(10).in_store(east, 5).create().await;
    let here = shop.sign_in_at(Role::Manager, first).await;
    let there = shop.sign_in_at(Role::Manager, east).await;
    let path = placed(&here, tea).await;
    for step in ["confirm", "pack", "ready", "complete", "cancel"] {
        assert_snapshot!(there.post(&format!("{path}/{step}"), json!({})).await, @r#"404 {"code":"not_found","detail":"There is no such order."}"#);
    }
    there.get(&path).await.expect(404);
    there.post(&format!("{path}/payments"), json!({ "method": "cash" })).await.expect(404);
    there.post(&format!("{path}/payments/1/confirm"), json!({})).await.expect(404);
    let in_first = json!({ "items": items(&[(tea, 1)]), "paymentMethod": "Cash", "storeId": first });
    assert_snapshot!(there.post("/api/orders", in_first).await, @r#"403 {"code":"forbidden","detail":"You work in another store."}"#);
    assert_snapshot!(there.get("/api/shopkeeper/orders?store=1").await, @r#"403 {"code":"forbidden","detail":"You work in another store."}"#);
    let adjust = json!({ "storeId": first, "lines": [{ "productId": tea, "delta": 1 }] });
    there.post("/api/stock/adjustments", adjust).await.expect(403);
    there.get("/api/stock?store=1").await.expect(403);
    there.get("/api/stock/moves?store=1").await.expect(403);

    // What names no store is about their own.
    let own = there.post("/api/orders", sale(&[(tea, 1)])).await.expect(201).json();
    assert_eq!((&own["storeId"], &own["invoiceNumber"]), (&json!(east), &json!("K2-2526-000001")));
    let listed = there.get("/api/shopkeeper/orders").await.json();
    assert_eq!(listed.as_array().unwrap().len(), 1);
    assert_eq!(here.get("/api/shopkeeper/orders").await.json().as_array().unwrap().len(), 1);
    assert_eq!(owner.get("/api/shopkeeper/orders").await.json().as_array().unwrap().len(), 2);
    assert_eq!(shop.left(tea).await, "8");
    shop.check_books().await;
}
