//! The *Store Management System*, row by row of its document: in a real shop, whose first shopkeeper signs up
//! on the machine itself, and in the demo shop, which lets shopkeepers in at once.

use axum::http::Method;
use kirana::staff::Role;
use serde_json::{Value, json};

use crate::support::{Client, Engine, Process, Reply, Scratch, Shop, block_on, on_both};

/// What a member of a documented answer is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Is {
    Text,
    /// A text or null.
    TextOrNone,
    Number,
    Truth,
    List,
}
use Is::{List, Number, Text, TextOrNone, Truth};

/// Fails unless an object has each documented member, of its documented kind. There may be more.
#[track_caller]
fn has(object: &Value, members: &[(&str, Is)]) {
    for (name, kind) in members {
        let member = object.get(name).unwrap_or_else(|| panic!("no `{name}` in {object}"));
        let fits = match kind {
            Text => member.is_string(),
            TextOrNone => member.is_string() || member.is_null(),
            Number => member.is_number(),
            Truth => member.is_boolean(),
            List => member.is_array(),
        };
        assert!(fits, "`{name}` is no {kind:?} in {object}");
    }
}

/// Fails unless a refusal has the documented status and sentence, for clients of that time and of today.
#[track_caller]
fn refused(reply: &Reply, status: u16, error: &str) {
    assert_eq!(reply.status.as_u16(), status, "{reply}");
    let body = reply.json();
    assert_eq!(body["error"], error, "{reply}");
    assert_eq!(reply.header("content-type"), "application/problem+json");
    has(&body, &[("type", Text), ("title", Text), ("status", Number), ("detail", Text), ("code", Text)]);
}

const SIGNED_IN: &[(&str, Is)] =
    &[("message", Text), ("token", Text), ("userId", Text), ("userName", Text), ("userRole", Text)];
const PRODUCT: &[(&str, Is)] = &[
    ("id", Text),
    ("name", Text),
    ("category", Text),
    ("price", Number),
    ("stock", Number),
    ("shopkeeperId", TextOrNone),
    ("createdAt", Text),
];
const ORDER: &[(&str, Is)] = &[
    ("id", Text),
    ("items", List),
    ("total", Number),
    ("paymentMethod", Text),
    ("status", Text),
    ("date", Text),
    ("itemCount", Number),
];
const LINE: &[(&str, Is)] =
    &[("id", Text), ("name", Text), ("price", Number), ("quantity", Number), ("category", Text)];
const STATS: &[&str] = &[
    "todaySales",
    "todayOrders",
    "totalProducts",
    "lowStockCount",
    "outOfStock",
    "totalCustomers",
    "totalOrders",
    "totalRevenue",
];
const CUSTOMER: &[(&str, Is)] = &[
    ("id", Text),
    ("firstName", Text),
    ("lastName", Text),
    ("email", Text),
    ("phone", Text),
    ("address", Text),
    ("city", Text),
    ("pincode", Text),
    ("dateOfBirth", TextOrNone),
    ("totalOrders", Number),
    ("totalSpent", Number),
    ("createdAt", Text),
];
/// One pixel.
const PICTURE: &str = "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg==";

fn shopkeeper() -> Value {
    json!({
        "email": "shop@example.com", "password": "till and ledger", "firstName": "Meera", "lastName": "Shah",
        "phone": "9800000002", "role": "shopkeeper", "address": "1 Market Road", "city": "Pune", "pincode": "411001",
        "shopName": "Shah & Sons", "shopAddress": "1 Market Road", "gstNumber": "", "upiId": "shah@upi",
        "qrCodeUrl": PICTURE,
    })
}

fn customer(email: &str) -> Value {
    json!({
        "email": email, "password": "rice and dal", "firstName": "Asha", "lastName": "Rao", "phone": "9800000001",
        "role": "customer", "address": "2 Lake View", "city": "Pune", "pincode": "411002",
        "dateOfBirth": "1990-05-31",
    })
}

/// Everything that the document lists, in the order in which somebody would try it.
async fn each_row(door: &Client) {
    let meera = authentication(door).await;
    let asha = door.with_token(&signed_up(door, customer("asha@example.com")).await);
    let rice = products(door, &meera, &asha).await;
    orders(&meera, &asha, &rice).await;
    dashboard(&meera, &asha).await;
    payment(&meera, &asha).await;
}

async fn signed_up(door: &Client, body: Value) -> String {
    let reply = door.post("/api/auth/register", body.clone()).await.expect(201).json();
    has(&reply, SIGNED_IN);
    assert_eq!(reply["message"], "User registered successfully");
    assert_eq!(reply["userRole"], body["role"]);
    let name = format!("{} {}", body["firstName"].as_str().unwrap(), body["lastName"].as_str().unwrap());
    assert_eq!(reply["userName"], name);
    reply["token"].as_str().unwrap().to_owned()
}

/// POST `/api/auth/register` and `/api/auth/login`.
async fn authentication(door: &Client) -> Client {
    let meera = door.with_token(&signed_up(door, shopkeeper()).await);
    for field in ["email", "password", "firstName", "lastName", "phone", "role"] {
        let mut body = customer("nobody@example.com");
        body.as_object_mut().unwrap().remove(field);
        refused(&door.post("/api/auth/register", body).await, 400, &format!("Missing field: {field}"));
    }
    for email in ["shop@example.com", "SHOP@Example.com"] {
        refused(&door.post("/api/auth/register", customer(email)).await, 400, "User already exists");
    }

    let body = json!({ "email": "shop@example.com", "password": "till and ledger" });
    let reply = door.post("/api/auth/login", body).await.expect(200).json();
    has(&reply, SIGNED_IN);
    assert_eq!((&reply["message"], &reply["userRole"]), (&json!("Login successful"), &json!("shopkeeper")));
    assert_eq!(reply["userName"], "Meera Shah");
    for body in [json!({}), json!({ "email": "shop@example.com" }), json!({ "password": "till and ledger" })] {
        refused(&door.post("/api/auth/login", body).await, 400, "Email and password required");
    }
    for (email, password) in [("shop@example.com", "wrong one"), ("nobody@example.com", "till and ledger")] {
        let body = json!({ "email": email, "password": password });
        refused(&door.post("/api/auth/login", body).await, 401, "Invalid credentials");
    }
    meera
}

/// GET, POST, PUT and DELETE `/api/products`.
async fn products(door: &Client, meera: &Client, asha: &Client) -> Value {
    let body = json!({ "name": "Basmati rice", "category": "GROCERY", "price": 92.5, "stock": 40 });
    let rice = meera.post("/api/products", body).await.expect(201).json();
    has(&rice, PRODUCT);
    assert_eq!((&rice["price"], &rice["stock"]), (&json!(92.5), &json!(40)));
    // Numbers may come as texts; nothing may be in stock.
    let body = json!({ "name": "Ghee", "category": "DAIRY", "price": "650.00", "stock": "0" });
    let ghee = meera.post("/api/products", body).await.expect(201).json();
    for (missing, body) in [
        ("name", json!({})),
        ("category", json!({ "name": "Tea", "category": "" })),
        ("price", json!({ "name": "Tea", "category": "BEVERAGE", "stock": 1 })),
        ("stock", json!({ "name": "Tea", "category": "BEVERAGE", "price": 1 })),
    ] {
        refused(&meera.post("/api/products", body).await, 400, &format!("Missing required field: {missing}"));
    }
    for (price, stock) in [(json!("dear"), json!(1)), (json!(-1), json!(1)), (json!(1), json!(-1))] {
        let body = json!({ "name": "Tea", "category": "BEVERAGE", "price": price, "stock": stock });
        let reply = meera.post("/api/products", body).await.expect(400);
        assert!(reply.json()["error"].as_str().unwrap().starts_with("Invalid number format: "), "{reply}");
    }

    refused(&door.get("/api/products").await, 401, "Unauthorized");
    refused(&door.with_token("made.up.token").get("/api/products").await, 401, "Unauthorized");
    for reader in [meera, asha] {
        let list = reader.get("/api/products?limit=5000").await.expect(200).json();
        let list = list.as_array().unwrap();
        for product in list {
            has(product, PRODUCT);
        }
        assert_eq!((&list[0]["name"], &list[1]["name"]), (&json!("Ghee"), &json!("Basmati rice")), "newest first");
    }

    let path = format!("/api/products/{}", rice["id"].as_str().unwrap());
    let reply = meera.put(&path, json!({ "price": 95, "stock": "38.0" })).await.expect(200).json();
    has(&reply, &[("message", Text), ("modified", Truth)]);
    assert_eq!((&reply["message"], &reply["modified"]), (&json!("Product updated successfully"), &json!(true)));
    assert_eq!(meera.put(&path, json!({ "price": 95 })).await.expect(200).json()["modified"], false);
    refused(&meera.put(&path, json!({ "price": -1 })).await, 400, "Price cannot be negative");
    refused(&meera.put(&path, json!({ "stock": -1 })).await, 400, "Stock cannot be negative");
    refused(&meera.put("/api/products/rice", json!({ "price": 1 })).await, 400, "Invalid product ID");
    refused(&meera.put("/api/products/999999", json!({ "price": 1 })).await, 404, "Product not found");

    let gone = format!("/api/products/{}", ghee["id"].as_str().unwrap());
    let reply = meera.call(Method::DELETE, &gone).await.expect(200).json();
    assert_eq!(reply["message"], "Product deleted successfully");
    assert_eq!(reply["deletedProduct"], "Ghee");
    refused(&meera.call(Method::DELETE, &gone).await, 404, "Product not found");
    refused(&meera.call(Method::DELETE, "/api/products/rice").await, 400, "Invalid product ID");

    // The document says which role it takes; whoever is known and has another one is refused as such.
    asha.post("/api/products", json!({})).await.expect(403);
    asha.put(&path, json!({ "price": 1 })).await.expect(403);
    asha.call(Method::DELETE, &path).await.expect(403);
    rice
}

/// POST `/api/orders`, GET `/api/customer/orders` and `/api/shopkeeper/orders`.
async fn orders(meera: &Client, asha: &Client, rice: &Value) {
    let line = |quantity: Value| json!({ "id": rice["id"], "name": "Basmati rice", "price": 92.5, "quantity": quantity, "category": "GROCERY" });
    let body = json!({ "items": [line(json!(2))], "paymentMethod": "UPI", "total": 185 });
    let placed = asha.post("/api/orders", body).await.expect(201).json();
    has(&placed, &[("message", Text), ("orderId", Text), ("total", Number), ("itemCount", Number)]);
    assert_eq!(placed["message"], "Order placed successfully");
    assert_eq!((&placed["total"], &placed["itemCount"]), (&json!(190), &json!(1)), "the shop's price counts");
    for method in ["Cash", "Card", "cash"] {
        let body = json!({ "items": [line(json!(1))], "paymentMethod": method });
        asha.post("/api/orders", body).await.expect(201);
    }

    let none = json!({ "items": [], "paymentMethod": "Cash" });
    refused(&asha.post("/api/orders", none).await, 400, "Order must contain items");
    refused(&asha.post("/api/orders", json!({ "items": [line(json!(1))] })).await, 400, "Payment method required");
    let unknown = json!({ "items": [{ "id": "999999", "quantity": 1 }], "paymentMethod": "Cash" });
    refused(&asha.post("/api/orders", unknown).await, 400, "Product 999999 not found");
    let much = json!({ "items": [line(json!(500))], "paymentMethod": "Cash" });
    refused(&asha.post("/api/orders", much).await, 409, "Insufficient stock for Basmati rice. Available: 33");

    let own = asha.get("/api/customer/orders").await.expect(200).json();
    assert_eq!(own.as_array().unwrap().len(), 4);
    for order in own.as_array().unwrap() {
        has(order, ORDER);
        order["items"].as_array().unwrap().iter().for_each(|line| has(line, LINE));
    }
    assert_eq!(own[3]["id"], placed["orderId"]);
    let all = meera.get("/api/shopkeeper/orders?limit=5000").await.expect(200).json();
    for order in all.as_array().unwrap() {
        has(order, ORDER);
        has(order, &[("customerName", Text)]);
    }
    assert_eq!(all[0]["customerName"], "Asha Rao");
    asha.get("/api/shopkeeper/orders").await.expect(403);
    meera.get("/api/customer/orders").await.expect(403);
}

/// GET `/api/shopkeeper/stats`, `/analytics`, `/customers` and `/api/customer/profile`.
async fn dashboard(meera: &Client, asha: &Client) {
    let stats = meera.get("/api/shopkeeper/stats").await.expect(200).json();
    for name in STATS {
        has(&stats, &[(name, Number)]);
    }
    assert!(stats["todayOrders"].as_i64().unwrap() >= 4 && stats["todaySales"].as_f64().unwrap() >= 475.0, "{stats}");

    let analytics = meera.get("/api/shopkeeper/analytics").await.expect(200).json();
    let list = |name: &str| analytics[name].as_array().unwrap_or_else(|| panic!("no {name}")).clone();
    let days = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
    assert_eq!((list("salesLabels").len(), list("salesData").len()), (7, 7));
    assert!(list("salesLabels").iter().all(|day| days.contains(&day.as_str().unwrap())));
    assert!(list("salesData").iter().all(Value::is_number));
    assert_eq!(list("salesData")[6], stats["todaySales"], "today is last");
    assert_eq!(list("categoryLabels").len(), list("categoryData").len());
    let grocery = list("categoryLabels").iter().position(|label| label == "GROCERY").unwrap();
    assert_eq!(list("categoryData")[grocery], 1, "products, not pieces");

    let customers = meera.get("/api/shopkeeper/customers").await.expect(200).json();
    customers.as_array().unwrap().iter().for_each(|customer| has(customer, CUSTOMER));
    assert_eq!(customers[0]["email"], "asha@example.com", "newest first");
    assert!(customers[0].get("password").is_none());

    let profile = asha.get("/api/customer/profile").await.expect(200).json();
    has(&profile, CUSTOMER);
    has(&profile, &[("role", Text), ("updatedAt", Text)]);
    assert_eq!((&profile["totalOrders"], &profile["totalSpent"]), (&json!(4), &json!(475)));
    assert_eq!((&profile["role"], &profile["dateOfBirth"]), (&json!("customer"), &json!("1990-05-31")));
    assert!(!profile.to_string().contains("password"));
    for path in ["/api/shopkeeper/stats", "/api/shopkeeper/analytics", "/api/shopkeeper/customers"] {
        asha.get(path).await.expect(403);
    }
    meera.get("/api/customer/profile").await.expect(403);
}

/// GET `/api/shop/qr` and PUT `/api/shopkeeper/update-qr`.
async fn payment(meera: &Client, asha: &Client) {
    let body = json!({ "upiId": "store@upi", "qrCodeUrl": PICTURE });
    let reply = meera.put("/api/shopkeeper/update-qr", body).await.expect(200).json();
    assert_eq!(reply["message"], "QR code updated successfully");
    for reader in [meera, asha] {
        let shown = reader.get("/api/shop/qr").await.expect(200).json();
        assert_eq!(shown, json!({ "qrCodeUrl": PICTURE, "upiId": "store@upi" }));
    }
    // A new address alone: the shop draws the code itself, and no other site hears of it.
    meera.put("/api/shopkeeper/update-qr", json!({ "upiId": "other@upi" })).await.expect(200);
    let shown = asha.get("/api/shop/qr").await.expect(200).json();
    assert_eq!(shown["upiId"], "other@upi");
    assert!(shown["qrCodeUrl"].as_str().unwrap().starts_with("data:image/svg+xml"), "{shown}");
    asha.put("/api/shopkeeper/update-qr", json!({ "upiId": "mine@upi" })).await.expect(403);
}

/// What belongs to no row of the table: OPTIONS, addresses that are not there, the old pages.
async fn around(door: &Client, origin: &str) {
    for path in ["/api/orders", "/api/products/1", "/products", "/anything/at/all"] {
        let reply = door.call(Method::OPTIONS, path).header("origin", "http://till.example").await.expect(200);
        assert_eq!(reply.text, "");
        let allowed = |name: &str| {
            let words = reply.header(name).split(',').map(|word| word.trim().to_lowercase());
            words.collect::<Vec<_>>()
        };
        assert_eq!(reply.header("access-control-allow-origin"), origin);
        for method in ["get", "post", "put", "delete", "options"] {
            assert!(allowed("access-control-allow-methods").contains(&method.to_owned()));
        }
        for name in ["content-type", "authorization", "x-api-key"] {
            assert!(allowed("access-control-allow-headers").contains(&name.to_owned()));
        }
    }
    let reply = door.get("/api/products").header("origin", "http://till.example").await;
    assert_eq!(reply.header("access-control-allow-origin"), origin);

    refused(&door.get("/api/nothing").await, 404, "API endpoint not found");
    for method in [Method::POST, Method::PUT, Method::DELETE] {
        refused(&door.call(method, "/api/nothing").await, 404, "Not found");
    }
    for (old, new) in
        [("/login.html", "/login"), ("/shopkeeper_dashboard.html", "/"), ("/customer_dashboard.html", "/")]
    {
        let reply = door.get(old).await.expect(303);
        assert_eq!(reply.header("location"), new);
    }
}

on_both!(a_real_shop_answers_each_row_as_documented);
async fn a_real_shop_answers_each_row_as_documented(shop: Shop) {
    each_row(&shop.stranger()).await;
    around(&shop.stranger(), "").await;
    shop.check_books().await;

    // Once the shop has an owner, calling oneself a shopkeeper opens nothing.
    let mut second = shopkeeper();
    second["email"] = json!("second@example.com");
    let reply = shop.stranger().post("/api/auth/register", second).await.expect(201).json();
    assert_eq!((&reply["token"], &reply["status"]), (&Value::Null, &json!("pending")));
    let body = json!({ "email": "second@example.com", "password": "till and ledger" });
    shop.stranger().post("/api/auth/login", body).await.expect(403);
}

mod the_demo_shop_answers_each_row_as_documented {
    use super::*;

    fn on(engine: Engine) {
        block_on(async {
            let scratch = Scratch::new(engine);
            let demo = Process::demo(&scratch);
            around(&demo.stranger(), "*").await;
            each_row(&demo.stranger()).await;
        });
    }

    #[test]
    fn sqlite() {
        on(Engine::Sqlite);
    }

    #[test]
    fn postgres() {
        on(Engine::Postgres);
    }
}

mod a_served_shop_answers_each_row_and_logs_it_as_documented {
    use super::*;

    fn on(engine: Engine) {
        block_on(async {
            let scratch = Shop::open(engine).await.close();
            let mut served = Process::serve(&scratch);
            each_row(&served.stranger()).await;
            around(&served.stranger(), "").await;
            assert_eq!(served.terminate(), Some(0));
            check_log(&served.said());
        });
    }

    #[test]
    fn sqlite() {
        on(Engine::Sqlite);
    }

    #[test]
    fn postgres() {
        on(Engine::Postgres);
    }
}

/// `2025-11-20 12:23:45,123 - INFO - GET /api/products - Status: 200`.
fn check_log(log: &str) {
    let mut texts = Vec::new();
    // What the owner of a new shop is told stands before the log, indented.
    for line in log.lines().filter(|line| !line.is_empty() && !line.starts_with("  ")) {
        let parts: Vec<&str> = line.splitn(3, " - ").collect();
        let [time, level, text] = parts[..] else { panic!("no log line: {line}") };
        let shape: String = time.chars().map(|c| if c.is_ascii_digit() { '9' } else { c }).collect();
        assert_eq!(shape, "9999-99-99 99:99:99,999", "{line}");
        assert!(["INFO", "WARNING", "ERROR"].contains(&level), "{line}");
        texts.push((level, text));
    }
    let count = |level: &str, start: &str| {
        texts.iter().filter(|(known, text)| *known == level && text.starts_with(start)).count()
    };
    assert_eq!(count("INFO", "Server running on http://"), 1);
    assert_eq!(count("INFO", "Database connected"), 1);
    assert!(count("INFO", "GET /api/customer/profile - Status: 200") >= 1, "{log}");
    assert!(count("INFO", "POST /api/orders - Status: 201") >= 4, "{log}");
    assert!(count("WARNING", "POST /api/auth/login - Status: 401") >= 2, "{log}");
    assert!(count("WARNING", "GET /api/nothing - Status: 404") == 1, "{log}");
    assert!(!log.contains("till and ledger"), "no password is ever logged");
}

on_both!(the_last_one_is_sold_once_however_many_want_it);
async fn the_last_one_is_sold_once_however_many_want_it(shop: Shop) {
    let tea = shop.goods("Green tea").price("10").on_hand(3).create().await;
    let body = json!({ "items": [{ "id": tea, "quantity": 1 }], "paymentMethod": "Cash" });
    let mut calls = Vec::new();
    for buyer in shop.sign_in_customers(20).await {
        let body = body.clone();
        calls.push(tokio::spawn(async move { buyer.post("/api/orders", body).await.status.as_u16() }));
    }
    let mut sold = 0;
    for call in calls {
        match call.await.unwrap() {
            201 => sold += 1,
            status => assert_eq!(status, 409),
        }
    }
    assert_eq!((sold, shop.left(tea).await), (3, "0".to_owned()));
    shop.check_books().await;
}

on_both!(nobody_is_paid_for_ordering);
async fn nobody_is_paid_for_ordering(shop: Shop) {
    let tea = shop.goods("Green tea").price("10").on_hand(5).create().await;
    let asha = shop.sign_in(Role::Customer).await;
    let order = |quantity: Value| {
        let line = json!({ "id": tea, "name": "Green tea", "price": 0.01, "quantity": quantity, "category": "Tea" });
        asha.post("/api/orders", json!({ "items": [line], "paymentMethod": "Cash", "total": -0.02 }))
    };
    for quantity in [json!(-2), json!(0), json!("-1"), json!(0.5)] {
        order(quantity).await.expect(400);
    }
    assert_eq!(order(json!(2)).await.expect(201).json()["total"], 20, "neither price nor total are the client's");
    assert_eq!(shop.left(tea).await, "3");
}

on_both!(two_lines_of_one_product_are_counted_together);
async fn two_lines_of_one_product_are_counted_together(shop: Shop) {
    let tea = shop.goods("Green tea").price("10").on_hand(5).create().await;
    let asha = shop.sign_in(Role::Customer).await;
    let lines = |quantity: i64| {
        let line = json!({ "id": tea, "quantity": quantity });
        json!({ "items": [line, line], "paymentMethod": "Cash" })
    };
    refused(&asha.post("/api/orders", lines(3)).await, 409, "Insufficient stock for Green tea. Available: 5");
    assert_eq!(shop.left(tea).await, "5", "an order is taken as a whole or not at all");
    asha.post("/api/orders", lines(2)).await.expect(201);
    assert_eq!(shop.left(tea).await, "1");
}

on_both!(a_cancelled_order_gives_its_stock_back);
async fn a_cancelled_order_gives_its_stock_back(shop: Shop) {
    let tea = shop.goods("Green tea").price("10").on_hand(5).create().await;
    let asha = shop.sign_in(Role::Customer).await;
    let body = json!({ "items": [{ "id": tea, "quantity": 4 }], "paymentMethod": "Cash" });
    let code = asha.post("/api/orders", body).await.expect(201).json()["orderCode"].clone();
    assert_eq!(shop.left(tea).await, "1");
    asha.post(&format!("/api/orders/{}/cancel", code.as_str().unwrap()), json!({})).await.expect(200);
    assert_eq!(shop.left(tea).await, "5");
    let profile = asha.get("/api/customer/profile").await.json();
    assert_eq!((&profile["totalOrders"], &profile["totalSpent"]), (&json!(0), &json!(0)));
    shop.check_books().await;
}

on_both!(one_address_has_one_account);
async fn one_address_has_one_account(shop: Shop) {
    let door = shop.stranger();
    signed_up(&door, customer("asha@example.com")).await;
    let mut other = customer("asha@example.com");
    other["password"] = json!("another one");
    refused(&door.post("/api/auth/register", other).await, 400, "User already exists");
    let body = json!({ "email": "asha@example.com", "password": "rice and dal" });
    door.post("/api/auth/login", body).await.expect(200);
}

on_both!(only_what_is_meant_for_browsers_is_sent_to_them);
async fn only_what_is_meant_for_browsers_is_sent_to_them(shop: Shop) {
    for path in [
        "/shop_api_mongodb.py",
        "/src/main.rs",
        "/Cargo.toml",
        "/kirana.toml",
        "/kirana.sqlite",
        "/secret.key",
        "/.git/config",
        "/assets/../Cargo.toml",
        "/assets/..%2fCargo.toml",
        "/assets/%2e%2e/secret.key",
        "/../../etc/passwd",
        "/assets//etc/passwd",
    ] {
        let reply = shop.stranger().get(path).await;
        assert!([400, 404].contains(&reply.status.as_u16()), "{path}: {reply}");
    }
}

on_both!(a_name_is_shown_and_never_run);
async fn a_name_is_shown_and_never_run(shop: Shop) {
    const NAME: &str = "<script>alert(1)</script><img src=x onerror=alert(2)>";
    shop.product(NAME).on_hand(1).create().await;
    for role in [Role::Owner, Role::Customer] {
        let page = shop.sign_in(role).await.get("/").header("accept", "text/html").await.expect(200);
        assert!(!page.text.contains("<script>alert") && !page.text.contains("<img src=x"), "{}", page.text);
        assert!(page.text.contains("alert(1)"), "the {role}'s page names the product");
        assert!(page.header("content-security-policy").contains("script-src 'self'"));
    }
}
