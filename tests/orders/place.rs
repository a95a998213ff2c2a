//! What is ordered, and what an order is refused for.

use insta::assert_snapshot;
use kirana::staff::Role;
use serde_json::json;

use super::{items, order, sale};
use crate::support::{Shop, on_both};

on_both!(an_order_takes_its_stock_and_answers_as_documented);
async fn an_order_takes_its_stock_and_answers_as_documented(shop: Shop) {
    let tea = shop.product("Green tea").price("4.50").on_hand(10).create().await;
    let rice = shop.product("Rice").price("62.25").on_hand(10).create().await;
    let asha = shop.sign_in(Role::Customer).await;

    assert_snapshot!(asha.post("/api/orders", order(&[(tea, 3), (rice, 2)])).await, @"");
    assert_eq!((shop.on_hand(tea).await, shop.on_hand(rice).await), ("7".to_owned(), "8".to_owned()));
    let shown = asha.get("/api/orders/OD0000001").await.expect(200);
    assert_eq!(shown.header("etag"), "\"v1\"");
    assert_snapshot!(shown, @"");
    let profile = asha.get("/api/customer/profile").await.json();
    assert_eq!((&profile["totalOrders"], &profile["totalSpent"]), (&json!(1), &json!(138.0)));
    shop.check_books().await;
}

on_both!(the_shops_own_price_counts);
async fn the_shops_own_price_counts(shop: Shop) {
    let tea = shop.product("Green tea").price("4.50").on_hand(10).create().await;
    let asha = shop.sign_in(Role::Customer).await;
    // As the documented pages send it, with a price of their own.
    let body = json!({
        "items": [{ "id": tea, "name": "Tea", "price": -0.01, "quantity": 2, "category": "Tea" }],
        "paymentMethod": "UPI",
        "total": -0.02,
    });
    assert_snapshot!(asha.post("/api/orders", body).await, @"");
    let body = json!({ "items": [{ "id": tea, "quantity": "1" }], "paymentMethod": "card", "total": "free" });
    asha.post("/api/orders", body).await.expect(201);
    shop.check_books().await;
}

on_both!(an_order_that_names_nothing_is_refused);
async fn an_order_that_names_nothing_is_refused(shop: Shop) {
    let tea = shop.product("Green tea").on_hand(10).create().await;
    let asha = shop.sign_in(Role::Customer).await;
    assert_snapshot!(asha.post("/api/orders", json!({})).await, @"");
    assert_snapshot!(asha.post("/api/orders", json!({ "items": [], "paymentMethod": "Cash" })).await, @"");
    assert_snapshot!(asha.post("/api/orders", json!({ "items": items(&[(tea, 1)]) })).await, @"");
    assert_snapshot!(asha.post("/api/orders", json!({ "items": items(&[(tea, 1)]), "paymentMethod": " " })).await, @"");
    assert_snapshot!(asha.post("/api/orders", json!({ "items": items(&[(tea, 1)]), "paymentMethod": "shells" })).await, @"");
    assert_snapshot!(asha.post("/api/orders", json!({ "items": items(&[(tea, 1)]), "paymentMethod": "store_credit" })).await, @"");
    assert_snapshot!(asha.post("/api/orders", json!({ "items": items(&[(tea, 1)]), "paymentMethod": "Cash", "paid": 1 })).await, @"");
    assert_snapshot!(asha.post("/api/orders", json!({ "items": [{ "id": "99", "quantity": 1 }], "paymentMethod": "Cash" })).await, @"");
    assert_snapshot!(asha.post("/api/orders", json!({ "items": [{ "id": "tea", "quantity": 1 }], "paymentMethod": "Cash" })).await, @"");
    assert_snapshot!(asha.post("/api/orders", json!({ "items": [{ "id": tea }], "paymentMethod": "Cash" })).await, @"");
    let many = items(&vec![(tea, 1); 1_001]);
    assert_snapshot!(asha.post("/api/orders", json!({ "items": many, "paymentMethod": "Cash" })).await, @"");
    assert_eq!(shop.on_hand(tea).await, "10", "a refused order takes nothing");
    assert_eq!(shop.number("select count(*) from orders").await, 0);
}

on_both!(a_quantity_is_more_than_nothing_and_pieces_are_whole);
async fn a_quantity_is_more_than_nothing_and_pieces_are_whole(shop: Shop) {
    let tea = shop.product("Green tea").on_hand(10).create().await;
    let rice = shop.product("Rice").unit("kg").price("60.00").on_hand(10).create().await;
    let asha = shop.sign_in(Role::Customer).await;
    let ask = |quantity: serde_json::Value| {
        asha.post("/api/orders", json!({ "items": [{ "id": tea, "quantity": quantity }], "paymentMethod": "Cash" }))
    };
    assert_snapshot!(ask(json!(-1)).await, @"");
    assert_snapshot!(ask(json!(0)).await, @"");
    assert_snapshot!(ask(json!(1.5)).await, @"");
    assert_snapshot!(ask(json!(0.0001)).await, @"");
    assert_snapshot!(ask(json!(1e300)).await, @"");
    assert_snapshot!(ask(json!(9_007_199_254_740_993_i64)).await, @"");
    assert_snapshot!(ask(json!("many")).await, @"");
    assert_snapshot!(ask(json!(null)).await, @"");
    // A price times a quantity that no amount holds.
    assert_snapshot!(ask(json!(9_007_199_254_740_i64)).await, @"");
    assert_eq!(shop.on_hand(tea).await, "10");

    let body = json!({ "items": [{ "id": rice, "quantity": 1.255 }], "paymentMethod": "Cash" });
    assert_eq!(asha.post("/api/orders", body).await.expect(201).json()["total"], json!(75.3));
    assert_eq!(shop.on_hand(rice).await, "8.745");
    shop.check_books().await;
}

on_both!(short_lines_are_named_and_the_whole_order_is_refused);
async fn short_lines_are_named_and_the_whole_order_is_refused(shop: Shop) {
    let tea = shop.product("Green tea").on_hand(2).create().await;
    let rice = shop.product("Rice").unit("kg").on_hand(5).create().await;
    let soap = shop.product("Soap").create().await;
    let till = shop.sign_in(Role::Cashier).await;
    assert_snapshot!(till.post("/api/orders", order(&[(tea, 3)])).await, @"");
    assert_snapshot!(till.post("/api/orders", sale(&[(rice, 1), (soap, 1), (tea, 5)])).await, @"");
    // One product on two lines is one demand.
    assert_snapshot!(till.post("/api/orders", order(&[(tea, 1), (rice, 1), (tea, 2)])).await, @"");
    assert_eq!((shop.on_hand(tea).await, shop.on_hand(rice).await), ("2".to_owned(), "5".to_owned()));

    till.post("/api/orders", order(&[(tea, 1), (rice, 1), (tea, 1)])).await.expect(201);
    assert_eq!((shop.on_hand(tea).await, shop.on_hand(rice).await), ("0".to_owned(), "4".to_owned()));
    shop.check_books().await;
}

on_both!(what_is_not_counted_is_never_short);
async fn what_is_not_counted_is_never_short(shop: Shop) {
    let repair = shop.product("Repair").uncounted().create().await;
    let till = shop.sign_in(Role::Cashier).await;
    till.post("/api/orders", sale(&[(repair, 1_000)])).await.expect(201);
    let placed = till.post("/api/orders", order(&[(repair, 1)])).await.expect(201).json();
    till.post(&format!("/api/orders/{}/cancel", placed["orderId"].as_str().unwrap()), json!({})).await.expect(200);
    assert_eq!(shop.number("select count(*) from stock_moves").await, 0);
    shop.check_books().await;
}

on_both!(what_is_not_sold_any_more_is_not_found);
async fn what_is_not_sold_any_more_is_not_found(shop: Shop) {
    let tea = shop.product("Green tea").on_hand(2).create().await;
    let till = shop.sign_in(Role::Cashier).await;
    till.post("/api/orders", order(&[(tea, 1)])).await.expect(201);
    shop.execute("update products set status = 'archived'").await;
    assert_snapshot!(till.post("/api/orders", order(&[(tea, 1)])).await, @"");
}

on_both!(a_discount_is_given_by_who_may);
async fn a_discount_is_given_by_who_may(shop: Shop) {
    let tea = shop.product("Green tea").price("99.00").cost("60.00").tax_bp(1_800).on_hand(100).create().await;
    let rice = shop.product("Rice").price("33.33").tax_bp(500).without_tax_in_price().on_hand(100).create().await;
    let owner = shop.sign_in(Role::Owner).await;
    let till = shop.sign_in(Role::Cashier).await;
    let asha = shop.sign_in(Role::Customer).await;
    let with = |discount: serde_json::Value| json!({ "items": items(&[(tea, 1), (rice, 2)]), "paymentMethod": "Cash", "discount": discount });
    assert_snapshot!(till.post("/api/orders", with(json!(1))).await, @"");
    assert_snapshot!(asha.post("/api/orders", with(json!(1))).await, @"");
    assert_snapshot!(owner.post("/api/orders", with(json!(-1))).await, @"");
    assert_snapshot!(owner.post("/api/orders", with(json!(165.67))).await, @"");
    assert_snapshot!(owner.post("/api/orders", with(json!(0.001))).await, @"");
    till.post("/api/orders", with(json!(0))).await.expect(201);
    assert_snapshot!(owner.post("/api/orders", with(json!(10))).await, @"");
    // Everything is given away: there is nothing to pay, and nothing is wrong with that.
    assert_snapshot!(owner.post("/api/orders", with(json!(165.66))).await, @"");
    shop.check_books().await;
}

on_both!(a_counter_sale_is_one_step_and_its_bills_have_no_gap);
async fn a_counter_sale_is_one_step_and_its_bills_have_no_gap(shop: Shop) {
    let tea = shop.product("Green tea").on_hand(10).create().await;
    let till = shop.sign_in(Role::Cashier).await;
    assert_snapshot!(till.post("/api/orders", sale(&[(tea, 1)])).await, @"");
    till.post("/api/orders", sale(&[(tea, 99)])).await.expect(409);
    till.post("/api/orders", order(&[(tea, 1)])).await.expect(201);
    let second = till.post("/api/orders", sale(&[(tea, 1)])).await.json();
    assert_eq!(second["invoiceNumber"], "K1-2526-000002", "neither a refusal nor an open order takes a number");
    till.post("/api/orders/2/complete", json!({ "payments": [{ "method": "cash" }] })).await.expect(200);
    assert_eq!(till.get("/api/orders/2").await.json()["invoiceNumber"], "K1-2526-000003");

    // The first of April in Kolkata.
    shop.clock.advance_ms(30 * 24 * 3_600_000);
    let next_year = till.post("/api/orders", sale(&[(tea, 1)])).await;
    assert_eq!(next_year.json()["invoiceNumber"], "K1-2627-000001");
    shop.check_books().await;
}

on_both!(a_sale_takes_several_payments_that_come_to_its_total);
async fn a_sale_takes_several_payments_that_come_to_its_total(shop: Shop) {
    let tea = shop.product("Green tea").price("100.00").on_hand(10).create().await;
    let till = shop.sign_in(Role::Cashier).await;
    let pay = |payments: serde_json::Value| {
        till.post("/api/orders", json!({ "items": items(&[(tea, 1)]), "payments": payments, "complete": true }))
    };
    assert_snapshot!(pay(json!([{ "method": "cash", "amount": 60 }])).await, @"");
    assert_snapshot!(pay(json!([{ "method": "cash", "amount": 60 }, { "method": "card", "amount": 60 }])).await, @"");
    assert_snapshot!(pay(json!([{ "method": "cash", "amount": -10 }, { "method": "card", "amount": 110 }])).await, @"");
    assert_snapshot!(pay(json!([{ "method": "cash" }, { "method": "card" }])).await, @"");
    assert_eq!(shop.on_hand(tea).await, "10");
    pay(json!([{ "method": "cash", "amount": 60 }, { "method": "card", "reference": "4711" }])).await.expect(201);
    assert_eq!(till.get("/api/orders/1").await.json()["paid"], json!(100.0));
    shop.check_books().await;
}

on_both!(on_credit_buys_who_is_known_up_to_a_limit);
async fn on_credit_buys_who_is_known_up_to_a_limit(shop: Shop) {
    let tea = shop.product("Green tea").price("100.00").on_hand(10).create().await;
    let till = shop.sign_in(Role::Cashier).await;
    let asha = shop.sign_in(Role::Customer).await;
    let asha_id = asha.user.unwrap();
    let on_credit = |customer: serde_json::Value| json!({ "items": items(&[(tea, 2)]), "paymentMethod": "credit", "customerId": customer, "complete": true });
    assert_snapshot!(asha.post("/api/orders", json!({ "items": items(&[(tea, 1)]), "paymentMethod": "Credit" })).await, @"");
    assert_snapshot!(till.post("/api/orders", on_credit(json!(null))).await, @"");
    assert_snapshot!(till.post("/api/orders", on_credit(json!(asha_id))).await, @"");
    assert_snapshot!(till.post("/api/orders", on_credit(json!("99"))).await, @"");
    shop.execute("update customers set credit_limit_paise = 30000").await;
    till.post("/api/orders", on_credit(json!(asha_id))).await.expect(201);
    assert_snapshot!(till.post("/api/orders", on_credit(json!(asha_id))).await, @"");
    assert_eq!(asha.get("/api/customer/profile").await.json()["creditBalance"], json!(200.0));
    assert_eq!(shop.on_hand(tea).await, "8");
    shop.check_books().await;
}

on_both!(nobody_orders_for_others_and_only_the_shop_hands_over);
async fn nobody_orders_for_others_and_only_the_shop_hands_over(shop: Shop) {
    let tea = shop.product("Green tea").on_hand(10).create().await;
    let asha = shop.sign_in(Role::Customer).await;
    let ravi = shop.sign_in(Role::Customer).await;
    let keeper = shop.sign_in(Role::StockKeeper).await;
    let for_ravi = json!({ "items": items(&[(tea, 1)]), "paymentMethod": "Cash", "customerId": ravi.user.unwrap() });
    assert_snapshot!(asha.post("/api/orders", for_ravi).await, @"");
    assert_snapshot!(asha.post("/api/orders", sale(&[(tea, 1)])).await, @"");
    assert_snapshot!(keeper.post("/api/orders", order(&[(tea, 1)])).await, @"");
    assert_snapshot!(shop.stranger().post("/api/orders", order(&[(tea, 1)])).await, @"");
    let elsewhere = json!({ "items": items(&[(tea, 1)]), "paymentMethod": "Cash", "storeId": "9" });
    assert_snapshot!(asha.post("/api/orders", elsewhere).await, @"");
    assert_eq!(shop.number("select count(*) from orders").await, 0);
}
