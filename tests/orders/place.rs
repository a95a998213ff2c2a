//! What is ordered, and what an order is refused for.

use insta::assert_snapshot;
use kirana::staff::Role;
use serde_json::json;

use super::{items, order, sale};
use crate::support::{Shop, on_both};

on_both!(an_order_takes_its_stock_and_answers_as_documented);
async fn an_order_takes_its_stock_and_answers_as_documented(shop: Shop) {
    let tea = shop.goods("Green tea").price("4.50").on_hand(10).create().await;
    let rice = shop.goods("Rice").price("62.25").on_hand(10).create().await;
    let asha = shop.sign_in(Role::Customer).await;

    assert_snapshot!(asha.post("/api/orders", order(&[(tea, 3), (rice, 2)])).await, @r#"201 {"message":"Order placed successfully","orderId":"1","orderCode":"OD0000001","storeId":"1","status":"placed","total":138,"itemCount":2,"due":138,"invoiceNumber":null}"#);
    assert_eq!((shop.left(tea).await, shop.left(rice).await), ("7".to_owned(), "8".to_owned()));
    let shown = asha.get("/api/orders/OD0000001").await.expect(200);
    assert_eq!(shown.header("etag"), "\"v1\"");
    assert_snapshot!(shown, @r#"200 {"id":"1","code":"OD0000001","storeId":"1","customerId":"1","customerName":"customer1","channel":"web","status":"placed","items":[{"id":"1","name":"Green tea","price":4.5,"quantity":3,"category":"Tea","unit":"pcs","hsn":"","priceIncludesTax":true,"discount":0,"taxRate":0,"taxable":13.5,"cgst":0,"sgst":0,"igst":0,"total":13.5},{"id":"2","name":"Rice","price":62.25,"quantity":2,"category":"Tea","unit":"pcs","hsn":"","priceIncludesTax":true,"discount":0,"taxRate":0,"taxable":124.5,"cgst":0,"sgst":0,"igst":0,"total":124.5}],"itemCount":2,"subtotal":138,"discount":0,"taxable":138,"cgst":0,"sgst":0,"igst":0,"rounding":0,"total":138,"paid":0,"due":138,"paymentMethod":"cash","payments":[{"number":1,"method":"cash","state":"pending","amount":138,"reference":"","at":"2026-03-02T04:30:00Z","confirmedAt":null}],"note":"","invoiceNumber":null,"date":"2026-03-02T04:30:00Z","businessDate":"2026-03-02","updatedAt":"2026-03-02T04:30:00Z","version":1}"#);
    let profile = asha.get("/api/customer/profile").await.json();
    assert_eq!((&profile["totalOrders"], &profile["totalSpent"]), (&json!(1), &json!(138)));
    shop.check_books().await;
}

on_both!(the_shops_own_price_counts);
async fn the_shops_own_price_counts(shop: Shop) {
    let tea = shop.goods("Green tea").price("4.50").on_hand(10).create().await;
    let asha = shop.sign_in(Role::Customer).await;
    // As the documented pages send it, with a price of their own.
    let body = json!({
        "items": [{ "id": tea, "name": "Tea", "price": -0.01, "quantity": 2, "category": "Tea" }],
        "paymentMethod": "UPI",
        "total": -0.02,
    });
    assert_snapshot!(asha.post("/api/orders", body).await, @r#"201 {"message":"Order placed successfully","orderId":"1","orderCode":"OD0000001","storeId":"1","status":"placed","total":9,"itemCount":1,"due":9,"invoiceNumber":null}"#);
    let body = json!({ "items": [{ "id": tea, "quantity": "1" }], "paymentMethod": "card", "total": "free" });
    asha.post("/api/orders", body).await.expect(201);
    shop.check_books().await;
}

on_both!(an_order_that_names_nothing_is_refused);
async fn an_order_that_names_nothing_is_refused(shop: Shop) {
    let tea = shop.goods("Green tea").on_hand(10).create().await;
    let asha = shop.sign_in(Role::Customer).await;
    assert_snapshot!(asha.post("/api/orders", json!({})).await, @r#"400 {"code":"missing","detail":"Order must contain items","errors":[{"field":"items","code":"missing","message":"Order must contain items"}]}"#);
    assert_snapshot!(asha.post("/api/orders", json!({ "items": [], "paymentMethod": "Cash" })).await, @r#"400 {"code":"missing","detail":"Order must contain items","errors":[{"field":"items","code":"missing","message":"Order must contain items"}]}"#);
    assert_snapshot!(asha.post("/api/orders", json!({ "items": items(&[(tea, 1)]) })).await, @r#"400 {"code":"missing","detail":"Payment method required","errors":[{"field":"paymentMethod","code":"missing","message":"Payment method required"}]}"#);
    assert_snapshot!(asha.post("/api/orders", json!({ "items": items(&[(tea, 1)]), "paymentMethod": " " })).await, @r#"400 {"code":"missing","detail":"Payment method required","errors":[{"field":"paymentMethod","code":"missing","message":"Payment method required"}]}"#);
    assert_snapshot!(asha.post("/api/orders", json!({ "items": items(&[(tea, 1)]), "paymentMethod": "shells" })).await, @r#"400 {"code":"invalid","detail":"shells is no payment method; use Cash, Card or UPI.","errors":[{"field":"paymentMethod","code":"invalid","message":"shells is no payment method; use Cash, Card or UPI."}]}"#);
    assert_snapshot!(asha.post("/api/orders", json!({ "items": items(&[(tea, 1)]), "paymentMethod": "store_credit" })).await, @r#"403 {"code":"forbidden","detail":"Only the shop sells on credit."}"#);
    assert_snapshot!(asha.post("/api/orders", json!({ "items": items(&[(tea, 1)]), "paymentMethod": "Cash", "paid": 1 })).await, @r#"400 {"code":"unknown","detail":"Unknown field: paid","errors":[{"field":"paid","code":"unknown","message":"Unknown field: paid"}]}"#);
    assert_snapshot!(asha.post("/api/orders", json!({ "items": [{ "id": "99", "quantity": 1 }], "paymentMethod": "Cash" })).await, @r#"400 {"code":"unknown_product","detail":"Product 99 not found","errors":[{"field":"items[0].id","code":"unknown_product","message":"Product 99 not found"}]}"#);
    assert_snapshot!(asha.post("/api/orders", json!({ "items": [{ "id": "tea", "quantity": 1 }], "paymentMethod": "Cash" })).await, @r#"400 {"code":"invalid","detail":"items[0].id: invalid value: string \"tea\", expected an id","errors":[{"field":"items[0].id","code":"invalid","message":"items[0].id: invalid value: string \"tea\", expected an id"}]}"#);
    assert_snapshot!(asha.post("/api/orders", json!({ "items": [{ "id": tea }], "paymentMethod": "Cash" })).await, @r#"400 {"code":"missing","detail":"Missing field: quantity","errors":[{"field":"quantity","code":"missing","message":"Missing field: quantity"}]}"#);
    let many = items(&vec![(tea, 1); 1_001]);
    assert_snapshot!(asha.post("/api/orders", json!({ "items": many, "paymentMethod": "Cash" })).await, @r#"400 {"code":"too_large","detail":"An order has at most 1000 lines.","errors":[{"field":"items","code":"too_large","message":"An order has at most 1000 lines."}]}"#);
    assert_eq!(shop.left(tea).await, "10", "a refused order takes nothing");
    assert_eq!(shop.number("select count(*) from orders").await, 0);
}

on_both!(a_quantity_is_more_than_nothing_and_pieces_are_whole);
async fn a_quantity_is_more_than_nothing_and_pieces_are_whole(shop: Shop) {
    let tea = shop.goods("Green tea").on_hand(10).create().await;
    let rice = shop.goods("Rice").unit("kg").price("60.00").on_hand(10).create().await;
    let asha = shop.sign_in(Role::Customer).await;
    let ask = |quantity: serde_json::Value| {
        asha.post("/api/orders", json!({ "items": [{ "id": tea, "quantity": quantity }], "paymentMethod": "Cash" }))
    };
    assert_snapshot!(ask(json!(-1)).await, @r#"400 {"code":"invalid","detail":"The quantity must be more than nothing.","errors":[{"field":"items[0].quantity","code":"invalid","message":"The quantity must be more than nothing."}]}"#);
    assert_snapshot!(ask(json!(0)).await, @r#"400 {"code":"invalid","detail":"The quantity must be more than nothing.","errors":[{"field":"items[0].quantity","code":"invalid","message":"The quantity must be more than nothing."}]}"#);
    assert_snapshot!(ask(json!(1.5)).await, @r#"400 {"code":"invalid","detail":"This is sold in whole pieces.","errors":[{"field":"items[0].quantity","code":"invalid","message":"This is sold in whole pieces."}]}"#);
    assert_snapshot!(ask(json!(0.0001)).await, @r#"400 {"code":"invalid","detail":"items[0].quantity: `0.0001` has more than 3 decimals","errors":[{"field":"items[0].quantity","code":"invalid","message":"items[0].quantity: `0.0001` has more than 3 decimals"}]}"#);
    assert_snapshot!(ask(json!(1e300)).await, @r#"400 {"code":"invalid","detail":"items[0].quantity: `1e+300` is not a number","errors":[{"field":"items[0].quantity","code":"invalid","message":"items[0].quantity: `1e+300` is not a number"}]}"#);
    assert_snapshot!(ask(json!(9_007_199_254_740_993_i64)).await, @r#"400 {"code":"invalid","detail":"items[0].quantity: `9007199254740993` is too large","errors":[{"field":"items[0].quantity","code":"invalid","message":"items[0].quantity: `9007199254740993` is too large"}]}"#);
    assert_snapshot!(ask(json!("many")).await, @r#"400 {"code":"invalid","detail":"items[0].quantity: `many` is not a number","errors":[{"field":"items[0].quantity","code":"invalid","message":"items[0].quantity: `many` is not a number"}]}"#);
    assert_snapshot!(ask(json!(null)).await, @r#"400 {"code":"invalid","detail":"items[0].quantity: `null` is not a number","errors":[{"field":"items[0].quantity","code":"invalid","message":"items[0].quantity: `null` is not a number"}]}"#);
    assert_eq!(shop.left(tea).await, "10");

    let body = json!({ "items": [{ "id": rice, "quantity": 1.255 }], "paymentMethod": "Cash" });
    assert_eq!(asha.post("/api/orders", body).await.expect(201).json()["total"], json!(75.3));
    assert_eq!(shop.left(rice).await, "8.745");
    shop.check_books().await;
}

on_both!(short_lines_are_named_and_the_whole_order_is_refused);
async fn short_lines_are_named_and_the_whole_order_is_refused(shop: Shop) {
    let tea = shop.goods("Green tea").on_hand(2).create().await;
    let rice = shop.goods("Rice").unit("kg").on_hand(5).create().await;
    let soap = shop.goods("Soap").create().await;
    let till = shop.sign_in(Role::Cashier).await;
    assert_snapshot!(till.post("/api/orders", order(&[(tea, 3)])).await, @r#"409 {"code":"stock_short","detail":"Insufficient stock for Green tea. Available: 2","lines":[{"productId":"1","name":"Green tea","wanted":3,"available":2}],"available":2}"#);
    assert_snapshot!(till.post("/api/orders", sale(&[(rice, 1), (soap, 1), (tea, 5)])).await, @r#"409 {"code":"stock_short","detail":"Insufficient stock for Green tea. Available: 2","lines":[{"productId":"1","name":"Green tea","wanted":5,"available":2},{"productId":"3","name":"Soap","wanted":1,"available":0}],"available":2}"#);
    // One product on two lines is one demand.
    assert_snapshot!(till.post("/api/orders", order(&[(tea, 1), (rice, 1), (tea, 2)])).await, @r#"409 {"code":"stock_short","detail":"Insufficient stock for Green tea. Available: 2","lines":[{"productId":"1","name":"Green tea","wanted":3,"available":2}],"available":2}"#);
    assert_eq!((shop.left(tea).await, shop.left(rice).await), ("2".to_owned(), "5".to_owned()));

    till.post("/api/orders", order(&[(tea, 1), (rice, 1), (tea, 1)])).await.expect(201);
    assert_eq!((shop.left(tea).await, shop.left(rice).await), ("0".to_owned(), "4".to_owned()));
    shop.check_books().await;
}

on_both!(what_is_not_counted_is_never_short);
async fn what_is_not_counted_is_never_short(shop: Shop) {
    let repair = shop.goods("Repair").uncounted().create().await;
    let till = shop.sign_in(Role::Cashier).await;
    till.post("/api/orders", sale(&[(repair, 1_000)])).await.expect(201);
    let placed = till.post("/api/orders", order(&[(repair, 1)])).await.expect(201).json();
    till.post(&format!("/api/orders/{}/cancel", placed["orderId"].as_str().unwrap()), json!({})).await.expect(200);
    assert_eq!(shop.number("select count(*) from stock_moves").await, 0);
    shop.check_books().await;
}

on_both!(what_is_not_sold_any_more_is_not_found);
async fn what_is_not_sold_any_more_is_not_found(shop: Shop) {
    let tea = shop.goods("Green tea").on_hand(2).create().await;
    let till = shop.sign_in(Role::Cashier).await;
    till.post("/api/orders", order(&[(tea, 1)])).await.expect(201);
    shop.execute("update products set status = 'archived'").await;
    assert_snapshot!(till.post("/api/orders", order(&[(tea, 1)])).await, @r#"400 {"code":"unknown_product","detail":"Product 1 not found","errors":[{"field":"items[0].id","code":"unknown_product","message":"Product 1 not found"}]}"#);
}

on_both!(a_discount_is_given_by_who_may);
async fn a_discount_is_given_by_who_may(shop: Shop) {
    let tea = shop.goods("Green tea").price("99.00").cost("60.00").tax_bp(1_800).on_hand(100).create().await;
    let rice = shop.goods("Rice").price("33.33").tax_bp(500).without_tax_in_price().on_hand(100).create().await;
    let owner = shop.sign_in(Role::Owner).await;
    let till = shop.sign_in(Role::Cashier).await;
    let asha = shop.sign_in(Role::Customer).await;
    let with = |discount: serde_json::Value| json!({ "items": items(&[(tea, 1), (rice, 2)]), "paymentMethod": "Cash", "discount": discount });
    assert_snapshot!(till.post("/api/orders", with(json!(1))).await, @r#"403 {"code":"forbidden","detail":"Your role does not allow discounts."}"#);
    assert_snapshot!(asha.post("/api/orders", with(json!(1))).await, @r#"403 {"code":"forbidden","detail":"Your role does not allow discounts."}"#);
    assert_snapshot!(owner.post("/api/orders", with(json!(-1))).await, @r#"400 {"code":"invalid","detail":"The discount must be between 0 and 165.66.","errors":[{"field":"discount","code":"invalid","message":"The discount must be between 0 and 165.66."}]}"#);
    assert_snapshot!(owner.post("/api/orders", with(json!(165.67))).await, @r#"400 {"code":"invalid","detail":"The discount must be between 0 and 165.66.","errors":[{"field":"discount","code":"invalid","message":"The discount must be between 0 and 165.66."}]}"#);
    assert_snapshot!(owner.post("/api/orders", with(json!(0.001))).await, @r#"400 {"code":"invalid","detail":"discount: `0.001` has more than 2 decimals","errors":[{"field":"discount","code":"invalid","message":"discount: `0.001` has more than 2 decimals"}]}"#);
    till.post("/api/orders", with(json!(0))).await.expect(201);
    assert_snapshot!(owner.post("/api/orders", with(json!(10))).await, @r#"201 {"message":"Order placed successfully","orderId":"2","orderCode":"OD0000002","storeId":"1","status":"placed","total":158.8,"itemCount":2,"due":158.8,"invoiceNumber":null}"#);
    // Everything is given away: there is nothing to pay, and nothing is wrong with that.
    assert_snapshot!(owner.post("/api/orders", with(json!(165.66))).await, @r#"201 {"message":"Order placed successfully","orderId":"3","orderCode":"OD0000003","storeId":"1","status":"placed","total":0,"itemCount":2,"due":0,"invoiceNumber":null}"#);
    shop.check_books().await;
}

on_both!(a_counter_sale_is_one_step_and_its_bills_have_no_gap);
async fn a_counter_sale_is_one_step_and_its_bills_have_no_gap(shop: Shop) {
    let tea = shop.goods("Green tea").on_hand(10).create().await;
    let till = shop.sign_in(Role::Cashier).await;
    assert_snapshot!(till.post("/api/orders", sale(&[(tea, 1)])).await, @r#"201 {"message":"Order placed successfully","orderId":"1","orderCode":"OD0000001","storeId":"1","status":"completed","total":100,"itemCount":1,"due":0,"invoiceNumber":"K1-2526-000001"}"#);
    till.post("/api/orders", sale(&[(tea, 99)])).await.expect(409);
    till.post("/api/orders", order(&[(tea, 1)])).await.expect(201);
    let second = till.post("/api/orders", sale(&[(tea, 1)])).await.json();
    assert_eq!(second["invoiceNumber"], "K1-2526-000002", "neither a refusal nor an open order takes a number");
    till.post("/api/orders/2/complete", json!({ "payments": [{ "method": "cash" }] })).await.expect(200);
    assert_eq!(till.get("/api/orders/2").await.json()["invoiceNumber"], "K1-2526-000003");

    // The first of April in Kolkata.
    shop.clock.advance_ms(30 * 24 * 3_600_000);
    let till = shop.sign_in(Role::Cashier).await;
    let next_year = till.post("/api/orders", sale(&[(tea, 1)])).await.expect(201);
    assert_eq!(next_year.json()["invoiceNumber"], "K1-2627-000001");
    shop.check_books().await;
}

on_both!(a_sale_takes_several_payments_that_come_to_its_total);
async fn a_sale_takes_several_payments_that_come_to_its_total(shop: Shop) {
    let tea = shop.goods("Green tea").price("100.00").on_hand(10).create().await;
    let till = shop.sign_in(Role::Cashier).await;
    let pay = |payments: serde_json::Value| {
        till.post("/api/orders", json!({ "items": items(&[(tea, 1)]), "payments": payments, "complete": true }))
    };
    assert_snapshot!(pay(json!([{ "method": "cash", "amount": 60 }])).await, @r#"400 {"code":"payments_differ","detail":"The payments come to 60.00, the sale to 100.00.","errors":[{"field":"payments","code":"payments_differ","message":"The payments come to 60.00, the sale to 100.00."}],"total":100}"#);
    assert_snapshot!(pay(json!([{ "method": "cash", "amount": 60 }, { "method": "card", "amount": 60 }])).await, @r#"400 {"code":"invalid","detail":"A payment is between 0.01 and what is due, 40.00.","errors":[{"field":"amount","code":"invalid","message":"A payment is between 0.01 and what is due, 40.00."}],"due":40}"#);
    assert_snapshot!(pay(json!([{ "method": "cash", "amount": -10 }, { "method": "card", "amount": 110 }])).await, @r#"400 {"code":"invalid","detail":"A payment is between 0.01 and what is due, 100.00.","errors":[{"field":"amount","code":"invalid","message":"A payment is between 0.01 and what is due, 100.00."}],"due":100}"#);
    assert_snapshot!(pay(json!([{ "method": "cash" }, { "method": "card" }])).await, @r#"400 {"code":"invalid","detail":"A payment is between 0.01 and what is due, 0.00.","errors":[{"field":"amount","code":"invalid","message":"A payment is between 0.01 and what is due, 0.00."}],"due":0}"#);
    assert_eq!(shop.left(tea).await, "10");
    pay(json!([{ "method": "cash", "amount": 60 }, { "method": "card", "reference": "4711" }])).await.expect(201);
    assert_eq!(till.get("/api/orders/1").await.json()["paid"], json!(100));
    shop.check_books().await;
}

on_both!(on_credit_buys_who_is_known_up_to_a_limit);
async fn on_credit_buys_who_is_known_up_to_a_limit(shop: Shop) {
    let tea = shop.goods("Green tea").price("100.00").on_hand(10).create().await;
    let till = shop.sign_in(Role::Cashier).await;
    let asha = shop.sign_in(Role::Customer).await;
    let asha_id = asha.user.unwrap();
    let on_credit = |customer: serde_json::Value| json!({ "items": items(&[(tea, 2)]), "paymentMethod": "credit", "customerId": customer, "complete": true });
    assert_snapshot!(asha.post("/api/orders", json!({ "items": items(&[(tea, 1)]), "paymentMethod": "Credit" })).await, @r#"403 {"code":"forbidden","detail":"Only the shop sells on credit."}"#);
    assert_snapshot!(till.post("/api/orders", on_credit(json!(null))).await, @r#"400 {"code":"invalid","detail":"Only a customer with an account can buy on credit.","errors":[{"field":"paymentMethod","code":"invalid","message":"Only a customer with an account can buy on credit."}]}"#);
    assert_snapshot!(till.post("/api/orders", on_credit(json!(asha_id))).await, @r#"409 {"code":"credit_limit","detail":"The credit limit leaves 0.00.","left":0}"#);
    assert_snapshot!(till.post("/api/orders", on_credit(json!("99"))).await, @r#"400 {"code":"unknown_customer","detail":"There is no customer 99.","errors":[{"field":"customerId","code":"unknown_customer","message":"There is no customer 99."}]}"#);
    shop.execute("update customers set credit_limit_paise = 30000").await;
    till.post("/api/orders", on_credit(json!(asha_id))).await.expect(201);
    assert_snapshot!(till.post("/api/orders", on_credit(json!(asha_id))).await, @r#"409 {"code":"credit_limit","detail":"The credit limit leaves 100.00.","left":100}"#);
    assert_eq!(asha.get("/api/customer/profile").await.json()["creditBalance"], json!(200));
    assert_eq!(shop.left(tea).await, "8");
    shop.check_books().await;
}

on_both!(nobody_orders_for_others_and_only_the_shop_hands_over);
async fn nobody_orders_for_others_and_only_the_shop_hands_over(shop: Shop) {
    let tea = shop.goods("Green tea").on_hand(10).create().await;
    let asha = shop.sign_in(Role::Customer).await;
    let ravi = shop.sign_in(Role::Customer).await;
    let keeper = shop.sign_in(Role::StockKeeper).await;
    let for_ravi = json!({ "items": items(&[(tea, 1)]), "paymentMethod": "Cash", "customerId": ravi.user.unwrap() });
    assert_snapshot!(asha.post("/api/orders", for_ravi).await, @r#"403 {"code":"forbidden","detail":"You can order for yourself only."}"#);
    assert_snapshot!(asha.post("/api/orders", sale(&[(tea, 1)])).await, @r#"403 {"code":"forbidden","detail":"Only the shop hands orders over."}"#);
    assert_snapshot!(keeper.post("/api/orders", order(&[(tea, 1)])).await, @r#"403 {"code":"forbidden","detail":"Your role (stock_keeper) does not allow this."}"#);
    assert_snapshot!(shop.stranger().post("/api/orders", order(&[(tea, 1)])).await, @r#"401 {"code":"unauthorized","detail":"Log in to do this."}"#);
    let elsewhere = json!({ "items": items(&[(tea, 1)]), "paymentMethod": "Cash", "storeId": "9" });
    assert_snapshot!(asha.post("/api/orders", elsewhere).await, @r#"400 {"code":"unknown_store","detail":"There is no store 9.","errors":[{"field":"storeId","code":"unknown_store","message":"There is no store 9."}]}"#);
    assert_eq!(shop.number("select count(*) from orders").await, 0);
}
