//! *Smart Inventory*: products behind a key, users and orders.

use axum::http::Method;
use insta::assert_snapshot;
use kirana::ids::ProductId;
use kirana::staff::Role;
use serde_json::{Value, json};

use super::{refusal, with_key};
use crate::support::{Shop, in_demo, on_both};

/// The product that the document prints.
fn laptop() -> Value {
    json!({ "name": "Laptop", "price": 55000, "quantity": 10 })
}

in_demo!(every_call_works_as_documented);
async fn every_call_works_as_documented(shop: Shop) {
    let client = shop.stranger().with("x-api-key", "secret123");
    let running = client.get("/").await.expect(200);
    assert_eq!(running.text, "Inventory API Running");
    assert_snapshot!(client.get("/products").await, @"200 []");
    assert_snapshot!(client.post("/products", laptop()).await, @r#"201 {"message":"Product added successfully"}"#);
    assert_snapshot!(client.get("/products").await, @r#"200 [{"id":1,"name":"Laptop","price":55000,"quantity":10}]"#);
    let pro = json!({ "name": "Laptop Pro", "price": 60000, "quantity": 8 });
    assert_snapshot!(client.put("/products/1", pro).await, @r#"200 {"message":"Product updated"}"#);
    // Reading needs no key.
    assert_snapshot!(shop.stranger().get("/products").await, @r#"200 [{"id":1,"name":"Laptop Pro","price":60000,"quantity":8}]"#);
    assert_snapshot!(client.call(Method::DELETE, "/products/1").await, @r#"200 {"message":"Product deleted"}"#);
    assert_snapshot!(client.get("/products").await, @"200 []");

    for key in [None, Some("secret124"), Some("")] {
        let client = key.map_or_else(|| shop.stranger(), |key| shop.stranger().with("x-api-key", key));
        assert_eq!(refusal(&client.post("/products", laptop()).await), "401 Unauthorized");
        assert_eq!(refusal(&client.put("/products/1", laptop()).await), "401 Unauthorized");
        assert_eq!(refusal(&client.call(Method::DELETE, "/products/1").await), "401 Unauthorized");
    }
    shop.check_books().await;
}

in_demo!(what_is_no_product_is_refused);
async fn what_is_no_product_is_refused(shop: Shop) {
    let client = shop.stranger().with("x-api-key", "secret123");
    for body in [
        json!({}),
        json!([]),
        json!({ "name": "Laptop", "price": 55000 }),
        json!({ "name": "", "price": 55000, "quantity": 10 }),
        json!({ "name": " ", "price": 55000, "quantity": 10 }),
        json!({ "name": 7, "price": 55000, "quantity": 10 }),
        json!({ "name": "Laptop", "price": "55000", "quantity": 10 }),
        json!({ "name": "Laptop", "price": 55000, "quantity": 1.5 }),
        json!({ "name": "Laptop", "price": true, "quantity": 10 }),
        json!({ "name": "Laptop", "price": 55000, "quantity": true }),
        json!({ "name": "Laptop", "price": null, "quantity": 10 }),
    ] {
        assert_eq!(refusal(&client.post("/products", body.clone()).await), "400 Invalid input", "{body}");
    }
    for (price, quantity) in [(0, 10), (-1, 10), (55000, 0), (55000, -2)] {
        let body = json!({ "name": "Laptop", "price": price, "quantity": quantity });
        assert_eq!(refusal(&client.post("/products", body).await), "400 Price and quantity must be positive");
    }
    let broken = client.call(Method::POST, "/products").body("{\"name\": ").await;
    assert_eq!(refusal(&broken), "400 Invalid input");
    assert_eq!(shop.number("select count(*) from products").await, 0);

    assert_eq!(refusal(&client.put("/products/9", laptop()).await), "404 Product not found");
    assert_eq!(refusal(&client.call(Method::DELETE, "/products/9").await), "404 Product not found");
    client.call(Method::DELETE, "/products/laptop").await.expect(404);
    client.post("/products", laptop()).await.expect(201);
    assert_eq!(
        refusal(&client.put("/products/1", json!({ "quantity": -1 })).await),
        "400 Price and quantity must be positive"
    );
    // What is absent stays, and what is sold out has nothing.
    client.put("/products/1", json!({ "quantity": 0 })).await.expect(200);
    assert_snapshot!(client.get("/products").await, @r#"200 [{"id":1,"name":"Laptop","price":55000,"quantity":0}]"#);
}

in_demo!(products_come_in_pages_to_those_who_ask);
async fn products_come_in_pages_to_those_who_ask(shop: Shop) {
    let client = shop.stranger().with("x-api-key", "secret123");
    for (name, price) in [("Tea", 50), ("Rice", 30), ("Green tea", 90), ("Soap", 20), ("Teapot", 400)] {
        client.post("/products", json!({ "name": name, "price": price, "quantity": 1 })).await.expect(201);
    }
    let names = |path: &'static str| {
        let client = client.clone();
        async move {
            let reply = client.get(path).await.expect(200);
            let rows = reply.json();
            let names = rows.as_array().unwrap().iter().map(|row| row["name"].as_str().unwrap().to_owned());
            (
                names.collect::<Vec<_>>().join(", "),
                reply.header("x-total-count").to_owned(),
                reply.header("link").to_owned(),
            )
        }
    };
    let all = "Tea, Rice, Green tea, Soap, Teapot";
    assert_eq!(names("/products").await, (all.to_owned(), "5".to_owned(), String::new()));
    let (rows, total, link) = names("/products?page=1&limit=2").await;
    assert_eq!(
        (rows.as_str(), total.as_str(), link.as_str()),
        ("Tea, Rice", "5", "</products?page=2&limit=2>; rel=\"next\"")
    );
    assert_eq!(names("/products?page=3&limit=2").await, ("Teapot".to_owned(), "5".to_owned(), String::new()));
    assert_eq!(names("/products?page=4&limit=2").await.0, "");
    assert_eq!(names("/products?sort=price").await.0, "Soap, Rice, Tea, Green tea, Teapot");
    let (rows, total, link) = names("/products?q=tea&sort=-price&page=2&limit=1").await;
    assert_eq!((rows.as_str(), total.as_str()), ("Green tea", "3"));
    assert_eq!(link, "</products?page=3&limit=1&q=tea&sort=-price>; rel=\"next\"");
    assert_eq!(names("/products?category=nothing").await.0, "");
    for path in ["/products?page=0", "/products?limit=0", "/products?limit=5001", "/products?sort=weight"] {
        client.get(path).await.expect(400);
    }
}

on_both!(in_a_real_shop_the_printed_key_opens_nothing);
async fn in_a_real_shop_the_printed_key_opens_nothing(shop: Shop) {
    let client = shop.stranger().with("x-api-key", "secret123");
    assert_eq!(client.get("/").await.expect(200).text, "Inventory API Running");
    for call in [
        client.post("/products", laptop()),
        client.put("/products/1", laptop()),
        client.call(Method::DELETE, "/products/1"),
        client.get("/users"),
        client.post("/users", json!({ "username": "ravi", "password": "lotus-pond-7" })),
        client.get("/orders"),
        client.post("/orders", json!({ "product_id": 1, "quantity": 1 })),
    ] {
        assert_eq!(refusal(&call.await), "401 Unauthorized");
    }
    assert_snapshot!(client.get("/products").await, @"200 []");
    let key = with_key(&shop, "cashier").await;
    assert_eq!(refusal(&key.post("/products", laptop()).await), "403 This key does not allow it.");
    assert_eq!(shop.number("select count(*) from products").await, 0);
}

on_both!(in_a_real_shop_the_owners_key_opens_the_same_calls);
async fn in_a_real_shop_the_owners_key_opens_the_same_calls(shop: Shop) {
    let key = with_key(&shop, "manager").await;
    key.post("/products", laptop()).await.expect(201);
    key.put("/products/1", json!({ "name": "Laptop Pro", "price": 60000, "quantity": 8 })).await.expect(200);
    assert_snapshot!(key.get("/products").await, @r#"200 [{"id":1,"name":"Laptop Pro","price":60000,"quantity":8}]"#);

    let ravi = json!({ "username": "ravi", "password": "lotus-pond-7" });
    assert_snapshot!(key.post("/users", ravi.clone()).await, @r#"201 {"message":"User added successfully"}"#);
    key.post("/users", ravi.clone()).await.expect(400);
    assert_eq!(refusal(&key.post("/users", json!({ "username": "ravi" })).await), "400 Invalid input");
    let users = key.get("/users").await.expect(200).json();
    assert_eq!((&users[0]["username"], users.as_array().unwrap().len()), (&json!("ravi"), 2));
    assert!(users[0].get("password").is_none());
    // Whoever was added so is a customer and no more.
    let token = shop.stranger().post("/login", ravi).await.expect(200).json();
    let ravi = shop.stranger().with_token(token["access_token"].as_str().unwrap());
    assert_eq!(ravi.get("/api/auth/me").await.json()["role"], "customer");

    assert_snapshot!(key.post("/orders", json!({ "product_id": 1, "quantity": 3 })).await, @r#"201 {"message":"Order placed successfully"}"#);
    ravi.post("/orders", json!({ "product_id": 1, "quantity": 1 })).await.expect(201);
    assert_snapshot!(key.get("/orders").await, @r#"200 [{"id":2,"product_id":1,"quantity":1},{"id":1,"product_id":1,"quantity":3}]"#);
    assert_eq!(shop.left(ProductId::new(1)).await, "4");
    let too_many = key.post("/orders", json!({ "product_id": 1, "quantity": 5 })).await;
    assert_eq!(refusal(&too_many), "409 Insufficient stock for Laptop Pro. Available: 4");
    assert_eq!(refusal(&key.post("/orders", json!({ "product_id": 9, "quantity": 1 })).await), "404 Product not found");
    key.post("/orders", json!({ "product_id": 1, "quantity": -1 })).await.expect(400);
    assert_eq!(refusal(&key.post("/orders", json!({ "product_id": 1 })).await), "400 Invalid input");
    ravi.get("/orders").await.expect(403);

    // What was sold stays in the books and is shown no more.
    key.call(Method::DELETE, "/products/1").await.expect(200);
    assert_snapshot!(key.get("/products").await, @"200 []");
    assert_eq!(shop.number("select count(*) from products where status = 'archived'").await, 1);
    shop.check_books().await;
}

on_both!(pages_go_where_people_are_expected);
async fn pages_go_where_people_are_expected(shop: Shop) {
    let owner = shop.sign_in(Role::Owner).await;
    let reply = shop.stranger().get("/").header("accept", "text/html").await;
    assert_eq!((reply.status.as_u16(), reply.header("location")), (303, "/login"));
    assert!(owner.get("/").header("accept", "text/html").await.expect(200).text.contains("<html"));
}
