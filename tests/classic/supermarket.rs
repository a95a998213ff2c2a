//! *Supermarket Backend*: store users, purchases, items, figures.

use axum::http::Method;
use insta::assert_snapshot;
use kirana::ids::ProductId;
use kirana::staff::{Role, Status};
use serde_json::{Value, json};

use super::doors::staff;
use super::{person, refusal, with_key};
use crate::support::{Client, Shop, in_demo, on_both};

/// Today, by the clock of the tests.
const TODAY: &str = "2026-03-02";

/// A purchase as the document's clients send it.
fn purchase(item: &str, quantity: i64, rate: &str) -> Value {
    let rate: Value = serde_json::from_str(rate).unwrap();
    json!({ "User_id": 1, "Item": item, "Quantity": quantity, "Rate": rate, "Date_of_purchase": TODAY })
}

fn shampoo() -> Value {
    json!({ "Product_name": "Shampoo", "Rate": 120.5, "Stock": 10 })
}

/// Signs the customer 1 up.
async fn sign_up(client: &Client) {
    client.post("/signup", person("asha@example.com")).await.expect(200);
}

in_demo!(every_call_works_as_documented);
async fn every_call_works_as_documented(shop: Shop) {
    let client = shop.stranger();
    assert_snapshot!(client.post("/signup", person("asha@example.com")).await, @r#"200 {"message":"User signed up successfully"}"#);
    assert_snapshot!(client.post("/store/signup", staff("meena@example.com")).await, @r#"200 {"message":"Store user signed up successfully"}"#);
    let body = json!({ "Email_ID": "meena@example.com", "Password": "lotus-pond-7" });
    assert_snapshot!(client.post("/store/login", body).await, @r#"200 {"message":"Login successful","user_id":2}"#);
    let wrong = json!({ "Email_ID": "meena@example.com", "Password": "wrong" });
    let reply = client.post("/store/login", wrong).await.expect(401);
    assert_eq!(reply.json()["message"], "Invalid credentials");

    assert_snapshot!(client.post("/add_item/manager", shampoo()).await, @r#"200 {"message":"Item added successfully"}"#);
    let several = json!([
        { "Product_name": "Soap", "Rate": "42.00", "Stock": 5 },
        { "product-name": "Rice", "rate": 62, "stock": "7" },
    ]);
    assert_snapshot!(client.post("/add_item/manager", several).await, @r#"200 {"message":"Items added successfully"}"#);
    assert_snapshot!(client.put("/update_item_rate/2/manager", json!({ "new_rate": 45.5 })).await, @r#"200 {"message":"Item rate updated successfully"}"#);
    assert_snapshot!(client.post("/update_item_rate/2/Manager", json!({ "new_rate": 46 })).await, @r#"200 {"message":"Item rate updated successfully"}"#);
    assert_snapshot!(client.call(Method::DELETE, "/delete_item/3/manager").await, @r#"200 {"message":"Item deleted successfully"}"#);

    assert_snapshot!(client.post("/purchase", purchase("Shampoo", 3, "120.5")).await, @r#"200 {"message":"Purchase recorded successfully"}"#);
    // Spelled otherwise, it is the same shampoo; what the shop does not sell is recorded all the same.
    client.post("/purchase", purchase("SHAMPOO", 6, "120.50")).await.expect(200);
    client.post("/purchase", purchase("Gift wrap", 34, "1")).await.expect(200);
    assert_eq!(shop.left(ProductId::new(1)).await, "1");

    let days = "start_date=2026-03-01&end_date=2026-03-02";
    assert_snapshot!(client.get(&format!("/total_items_purchased?{days}")).await, @r#"200 {"total_items":43}"#);
    let days = json!({ "start_date": TODAY, "end_date": TODAY });
    assert_snapshot!(client.post("/total_items_purchased", days).await, @r#"200 {"total_items":43}"#);
    assert_snapshot!(client.get("/total_items_purchased?start_date=2026-03-03&end_date=2026-03-09").await, @r#"200 {"total_items":0}"#);
    assert_eq!(refusal(&client.get("/total_items_purchased").await), "400 Start date and end date are required");
    let nonsense = client.get("/total_items_purchased?start_date=yesterday&end_date=2026-03-02").await;
    assert_eq!(refusal(&nonsense), "400 'start_date' is a day like 2024-04-20");

    assert_snapshot!(client.get("/high_value_users").await, @r#"200 [{"User_id":1,"First_Name":"Asha","Last_Name":"Rao","Total_purchase_amount":1118.5,"Date_of_purchase":"2026-03-02"}]"#);
    let week = r#"200 {"total_sales_shampoo_last_7_days":1084.5,"total_shampoo_sales_last_week":1084.5,"item":"Shampoo","days":7,"quantity":9,"total":1084.5}"#;
    assert_eq!(client.get("/total_sales_shampoo_last_7_days").await.to_string(), week);
    assert_eq!(client.get("/total_shampoo_sales_last_week").await.to_string(), week);
    assert_snapshot!(client.get("/total_sales_shampoo_last_7_days?item=gift%20wrap&days=1").await, @r#"200 {"item":"gift wrap","days":1,"quantity":34,"total":34}"#);
    assert_eq!(
        refusal(&client.get("/total_sales_shampoo_last_7_days?days=0").await),
        "400 'days' is a number from 1 to 3660"
    );
    shop.check_books().await;
}

in_demo!(what_a_customer_bought_can_be_read);
async fn what_a_customer_bought_can_be_read(shop: Shop) {
    let client = shop.stranger();
    sign_up(&client).await;
    client.post("/add_item/manager", shampoo()).await.expect(200);
    client.post("/purchase", purchase("Shampoo", 2, "120.5")).await.expect(200);
    client.post("/purchase", purchase("Gift wrap", 1, "15")).await.expect(200);
    let owner = shop.sign_in(Role::Owner).await;
    let history = owner.get("/api/shopkeeper/customers/1/orders").await.expect(200);
    assert_eq!(history.header("x-total-count"), "2");
    let shown = |order: &Value| {
        let line = &order["items"][0];
        format!("{} {} {} {} {}", order["businessDate"], line["id"], line["name"], line["quantity"], line["total"])
    };
    let lines: Vec<String> = history.json().as_array().unwrap().iter().map(shown).collect();
    // An open item names no product.
    assert_eq!(lines, [r#""2026-03-02" null "Gift wrap" 1 15"#, r#""2026-03-02" "1" "Shampoo" 2 241"#]);
    owner.get("/api/shopkeeper/customers/99/orders").await.expect(404);
    let body = json!({ "Email_ID": "asha@example.com", "Password": "lotus-pond-7" });
    let token = client.post("/login", body).await.json()["access_token"].as_str().unwrap().to_owned();
    let own = client.with_token(&token).get("/api/customer/orders").await.expect(200).json();
    assert_eq!(own.as_array().unwrap().len(), 2);
}

in_demo!(a_word_that_is_not_manager_opens_nothing);
async fn a_word_that_is_not_manager_opens_nothing(shop: Shop) {
    let client = shop.stranger();
    client.post("/add_item/manager", shampoo()).await.expect(200);
    let denied = "403 Access denied. Only managers can perform this operation.";
    for word in ["cashier", "Managers", "owner", "man%20ager%2F"] {
        assert_eq!(refusal(&client.post(&format!("/add_item/{word}"), shampoo()).await), denied, "{word}");
        let gone = client.call(Method::DELETE, &format!("/delete_item/1/{word}")).await;
        assert_eq!(refusal(&gone), denied, "{word}");
        let priced = client.put(&format!("/update_item_rate/1/{word}"), json!({ "new_rate": 1 })).await;
        assert_eq!(refusal(&priced), denied, "{word}");
    }
    assert_eq!(shop.number("select count(*) from products where price_paise = 12050 and status = 'active'").await, 1);
}

in_demo!(items_that_make_no_sense_are_refused);
async fn items_that_make_no_sense_are_refused(shop: Shop) {
    let client = shop.stranger();
    for body in [json!({}), json!([])] {
        assert_eq!(refusal(&client.post("/add_item/manager", body).await), "400 No data provided");
    }
    for (body, sentence) in [
        (json!({ "Rate": 1, "Stock": 1 }), "400 'Product_name' is missing"),
        (json!({ "Product_name": "Soap", "Stock": 1 }), "400 'Rate' is missing"),
        (json!({ "Product_name": "Soap", "Rate": 1 }), "400 'Stock' is missing"),
    ] {
        assert_eq!(refusal(&client.post("/add_item/manager", body).await), sentence);
    }
    for body in [
        json!({ "Product_name": "Soap", "Rate": -1, "Stock": 1 }),
        json!({ "Product_name": "Soap", "Rate": 1, "Stock": -1 }),
        json!({ "Product_name": "Soap", "Rate": 1, "Stock": 1.5 }),
        json!({ "Product_name": "Soap", "Rate": "dear", "Stock": 1 }),
        json!({ "Product_name": "Soap", "Rate": 1.005, "Stock": 1 }),
        // All or nothing.
        json!([shampoo(), { "Product_name": "Soap", "Rate": -1, "Stock": 1 }]),
    ] {
        client.post("/add_item/manager", body).await.expect(400);
    }
    assert_eq!(shop.number("select count(*) from products").await, 0);
    for call in [
        client.call(Method::DELETE, "/delete_item/99/manager"),
        client.call(Method::POST, "/delete_item/99/manager"),
        client.put("/update_item_rate/99/manager", json!({ "new_rate": 1 })),
    ] {
        assert_eq!(refusal(&call.await), "404 Item not found");
    }
    client.call(Method::DELETE, "/delete_item/soap/manager").await.expect(404);
    client.post("/add_item/manager", shampoo()).await.expect(200);
    let missing = client.put("/update_item_rate/1/manager", json!({})).await;
    assert_eq!(refusal(&missing), "400 'new_rate' is missing");
    client.put("/update_item_rate/1/manager", json!({ "new_rate": -5 })).await.expect(400);
}

in_demo!(a_purchase_that_makes_no_sense_is_not_recorded);
async fn a_purchase_that_makes_no_sense_is_not_recorded(shop: Shop) {
    let client = shop.stranger();
    sign_up(&client).await;
    client.post("/add_item/manager", shampoo()).await.expect(200);
    let with = |field: &str, value: Value| {
        let mut body = purchase("Shampoo", 1, "120.5");
        body[field] = value;
        body
    };
    for (body, sentence) in [
        (json!({}), "400 No data provided"),
        (with("User_id", json!(99)), "404 User not found"),
        (with("User_id", Value::Null), "400 'User_id' is missing"),
        (with("Item", json!(" ")), "400 'Item' is missing"),
        (with("Quantity", Value::Null), "400 'Quantity' is missing"),
        (with("Quantity", json!(0)), "400 'Quantity' must be more than nothing"),
        (with("Quantity", json!(-3)), "400 'Quantity' must be more than nothing"),
        (with("Quantity", json!(1.5)), "400 This is sold in whole pieces."),
        (with("Quantity", json!(11)), "400 Insufficient stock for Shampoo. Available: 10"),
        (with("Rate", json!(-1)), "400 'Rate' must not be below zero"),
        (with("Date_of_purchase", json!("20/04/2024")), "400 'Date_of_purchase' is a day like 2024-04-20"),
        (with("Date_of_purchase", json!("2026-03-03")), "400 'Date_of_purchase' is still to come"),
        (json!({ "User_id": 1, "Item": "Gift wrap", "Quantity": 1 }), "400 'Rate' is missing"),
    ] {
        assert_eq!(refusal(&client.post("/purchase", body.clone()).await), sentence, "{body}");
    }
    assert_eq!(shop.left(ProductId::new(1)).await, "10");
    assert_eq!(shop.number("select count(*) from orders").await, 0);
}

in_demo!(the_last_one_is_sold_once);
async fn the_last_one_is_sold_once(shop: Shop) {
    let client = shop.stranger();
    sign_up(&client).await;
    client.post("/add_item/manager", json!({ "Product_name": "Lamp", "Rate": 100, "Stock": 3 })).await.expect(200);
    let buyers: Vec<Client> = (0..8).map(|_| shop.stranger()).collect();
    let calls =
        buyers.iter().map(|buyer| async move { buyer.post("/purchase", purchase("Lamp", 1, "100")).await.status });
    let answers = futures_util::future::join_all(calls).await;
    assert_eq!(answers.iter().filter(|status| status.as_u16() == 200).count(), 3, "{answers:?}");
    assert_eq!(answers.iter().filter(|status| status.as_u16() == 400).count(), 5, "{answers:?}");
    assert_eq!(shop.left(ProductId::new(1)).await, "0");
    shop.check_books().await;
}

in_demo!(a_day_counts_for_itself);
async fn a_day_counts_for_itself(shop: Shop) {
    let client = shop.stranger();
    sign_up(&client).await;
    client.post("/signup", person("ravi@example.com")).await.expect(200);
    let bought = |user: i64, rate: i64, day: &str| json!({ "User_id": user, "Item": "Lamp", "Quantity": 1, "Rate": rate, "Date_of_purchase": day });
    // 600 and 600 on two days are no high value; exactly 1000 is none either.
    for body in [bought(1, 600, "2026-02-20"), bought(1, 600, "2026-02-21"), bought(2, 1000, "2026-02-21")] {
        client.post("/purchase", body).await.expect(200);
    }
    assert_eq!(client.get("/high_value_users").await.text, "[]");
    client.post("/purchase", bought(2, 1, "2026-02-21")).await.expect(200);
    client.post("/purchase", bought(2, 1500, "2026-02-24")).await.expect(200);
    let named = |path: &'static str| {
        let client = client.clone();
        async move {
            let users = client.get(path).await.expect(200).json();
            let shown = |user: &Value| {
                format!(
                    "{} {} {}",
                    user["User_id"],
                    user["Total_purchase_amount"],
                    user["Date_of_purchase"].as_str().unwrap()
                )
            };
            users.as_array().unwrap().iter().map(shown).collect::<Vec<_>>().join(", ")
        }
    };
    assert_eq!(named("/high_value_users").await, "2 1500 2026-02-24", "each with their best day");
    assert_eq!(named("/high_value_users?date=2026-02-21").await, "2 1001 2026-02-21");
    assert_eq!(
        named("/high_value_users?threshold=599.99&date=2026-02-21").await,
        "2 1001 2026-02-21, 1 600 2026-02-21"
    );
    assert_eq!(refusal(&client.get("/high_value_users?date=today").await), "400 'date' is a day like 2024-04-20");
    // Today and the six days before.
    let sold = |days: &str| format!("/total_sales_shampoo_last_7_days?item=lamp&days={days}");
    assert_eq!(client.get(&sold("7")).await.json()["total"], 1500);
    assert_eq!(client.get(&sold("10")).await.json()["total"], 1500 + 1001 + 600);
    assert_eq!(client.get(&sold("11")).await.json()["total"], 1500 + 1001 + 600 + 600);
    assert_eq!(
        client.get("/total_items_purchased?start_date=2026-02-20&end_date=2026-02-21").await.json()["total_items"],
        4
    );
    shop.check_books().await;
}

on_both!(in_a_real_shop_a_word_in_the_address_opens_nothing);
async fn in_a_real_shop_a_word_in_the_address_opens_nothing(shop: Shop) {
    let stranger = shop.stranger();
    for call in [
        stranger.post("/add_item/manager", shampoo()),
        stranger.call(Method::DELETE, "/delete_item/1/manager"),
        stranger.put("/update_item_rate/1/manager", json!({ "new_rate": 1 })),
        stranger.post("/purchase", purchase("Shampoo", 1, "1")),
        stranger.get("/total_items_purchased?start_date=2026-03-01&end_date=2026-03-02"),
        stranger.get("/high_value_users"),
        stranger.get("/total_sales_shampoo_last_7_days"),
        stranger.get("/total_shampoo_sales_last_week"),
    ] {
        assert_eq!(refusal(&call.await), "401 Log in at /store/login to do this.");
    }
    let denied = "403 Access denied. Only managers can perform this operation.";
    for role in [Role::Cashier, Role::StockKeeper, Role::Customer] {
        let person = shop.sign_in(role).await;
        assert_eq!(refusal(&person.post("/add_item/manager", shampoo()).await), denied);
        assert_eq!(refusal(&person.post(&format!("/add_item/{role}"), shampoo()).await), denied);
    }
    let cashier_key = with_key(&shop, "cashier").await;
    assert_eq!(refusal(&cashier_key.post("/add_item/manager", shampoo()).await), denied);
    let customer = shop.sign_in(Role::Customer).await;
    for path in ["/high_value_users", "/total_sales_shampoo_last_7_days"] {
        assert_eq!(refusal(&customer.get(path).await), "403 Access denied. Your role does not allow this.");
    }
    assert_eq!(shop.number("select count(*) from products").await, 0);
}

on_both!(in_a_real_shop_those_who_may_use_the_same_calls);
async fn in_a_real_shop_those_who_may_use_the_same_calls(shop: Shop) {
    let customer = shop.sign_in(Role::Customer).await;
    let manager = shop.sign_in(Role::Manager).await;
    let owner = shop.sign_in(Role::Owner).await;
    let key = with_key(&shop, "manager").await;
    assert_eq!(customer.user.unwrap().number(), 1);
    for person in [&manager, &owner, &key] {
        person.post("/add_item/manager", shampoo()).await.expect(200);
    }
    // The word is the caller's own designation, and no other.
    let denied = "403 Access denied. Only managers can perform this operation.";
    assert_eq!(refusal(&manager.post("/add_item/owner", shampoo()).await), denied);
    owner.post("/add_item/owner", shampoo()).await.expect(200);
    let head = shop.open_account(Role::Manager, "head", None, Status::Active).await;
    owner.put(&format!("/api/users/{head}"), json!({ "designation": "Store Head" })).await.expect(200);
    let token = shop.open_session(head, kirana::staff::actions::Carrier::Token).await;
    let head = shop.stranger().with_token(&token);
    head.post("/add_item/Store%20Head", shampoo()).await.expect(200);
    assert_eq!(refusal(&head.post("/add_item/Head", shampoo()).await), denied);

    manager.put("/update_item_rate/1/manager", json!({ "new_rate": 100 })).await.expect(200);
    manager.call(Method::POST, "/delete_item/2/manager").await.expect(200);
    manager.post("/purchase", purchase("Shampoo", 2, "100")).await.expect(200);
    let cashier = shop.sign_in(Role::Cashier).await;
    assert_eq!(
        cashier.get("/high_value_users?threshold=199").await.expect(200).json()[0]["Total_purchase_amount"],
        200
    );
    let days = "start_date=2026-03-02&end_date=2026-03-02";
    assert_eq!(cashier.get(&format!("/total_items_purchased?{days}")).await.expect(200).json()["total_items"], 2);
    assert_eq!(manager.get("/total_shampoo_sales_last_week").await.expect(200).json()["total"], 200);
    shop.check_books().await;
}

on_both!(nobody_sets_the_price_of_what_they_buy);
async fn nobody_sets_the_price_of_what_they_buy(shop: Shop) {
    let customer = shop.sign_in(Role::Customer).await;
    let other = shop.sign_in(Role::Customer).await;
    let cashier = shop.sign_in(Role::Cashier).await;
    let manager = shop.sign_in(Role::Manager).await;
    manager.post("/add_item/manager", shampoo()).await.expect(200);
    let cheap = purchase("Shampoo", 1, "0.01");
    customer.post("/purchase", cheap.clone()).await.expect(200);
    cashier.post("/purchase", cheap.clone()).await.expect(200);
    manager.post("/purchase", cheap.clone()).await.expect(200);
    let totals = "select total_paise from orders where id =";
    assert_eq!(shop.number(&format!("{totals} 1")).await, 12050, "a customer pays the shop's price");
    assert_eq!(shop.number(&format!("{totals} 2")).await, 12050, "and so does who has no right to give discounts");
    assert_eq!(shop.number(&format!("{totals} 3")).await, 1);
    // What a customer sends is an order; what the shop sends has been handed over.
    assert_eq!(shop.number("select count(*) from orders where id = 1 and status = 'placed'").await, 1);
    assert_eq!(shop.number("select count(*) from orders where id = 2 and status = 'completed'").await, 1);

    assert_eq!(refusal(&customer.post("/purchase", purchase("Gift wrap", 1, "0")).await), "404 Item not found");
    assert_eq!(refusal(&other.post("/purchase", cheap.clone()).await), "403 You can buy for yourself only.");
    let mut earlier = cheap;
    earlier["Date_of_purchase"] = json!("2026-03-01");
    let reply = customer.post("/purchase", earlier.clone()).await;
    assert_eq!(refusal(&reply), "403 Only the shop records what was bought on another day.");
    cashier.post("/purchase", earlier).await.expect(200);
    assert_eq!(shop.number("select placed_on from orders where id = 4").await, 20_260_301);
    shop.check_books().await;
}

on_both!(a_purchase_that_is_sent_twice_is_made_once);
async fn a_purchase_that_is_sent_twice_is_made_once(shop: Shop) {
    let customer = shop.sign_in(Role::Customer).await;
    let manager = shop.sign_in(Role::Manager).await;
    let add = || manager.post("/add_item/manager", shampoo()).header("idempotency-key", "add-1");
    add().await.expect(200);
    assert_snapshot!(add().await, @r#"200 {"message":"Item added successfully"}"#);
    let buy = || customer.post("/purchase", purchase("Shampoo", 4, "120.5")).header("idempotency-key", "buy-1");
    buy().await.expect(200);
    assert_snapshot!(buy().await, @r#"200 {"message":"Purchase recorded successfully"}"#);
    assert_eq!(shop.left(ProductId::new(1)).await, "6");
    assert_eq!(shop.number("select count(*) from products").await, 1);
    shop.check_books().await;
}

on_both!(what_was_called_off_counts_no_more);
async fn what_was_called_off_counts_no_more(shop: Shop) {
    let customer = shop.sign_in(Role::Customer).await;
    let manager = shop.sign_in(Role::Manager).await;
    manager.post("/add_item/manager", shampoo()).await.expect(200);
    customer.post("/purchase", purchase("Shampoo", 9, "120.5")).await.expect(200);
    customer.post("/api/orders/1/cancel", json!({})).await.expect(200);
    assert_eq!(manager.get("/high_value_users").await.text, "[]");
    assert_eq!(manager.get("/total_sales_shampoo_last_7_days").await.json()["total"], 0);
    assert_eq!(shop.left(ProductId::new(1)).await, "10");
    shop.check_books().await;
}
