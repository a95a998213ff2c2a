//! *ShopKeeps*: each function of its notebook as a command and as a route. The table is in
//! `docs/other-systems.md`.

use std::io::Write as _;
use std::process::{Command, Stdio};
use std::sync::Arc;

use insta::assert_snapshot;
use kirana::db::Location;
use kirana::staff::Role;
use serde_json::{Value, json};

use crate::support::{Engine, Process, Scratch, Shop, block_on, on_both};

/// The command line of a shop.
struct Notebook(Arc<Scratch>);

impl Notebook {
    async fn open(engine: Engine) -> Self {
        Self(Shop::open(engine).await.close())
    }

    /// Runs a command with a text on its standard input; how it ended and what it said.
    fn run_with(&self, words: &[&str], input: &str) -> (i32, String) {
        let database = match self.0.location() {
            Location::File(path) => path.to_str().unwrap().to_owned(),
            Location::Server(url) => url,
        };
        let mut command = Command::new(env!("CARGO_BIN_EXE_kirana"));
        command.args(words).args(["--database", &database, "--data-dir"]).arg(self.0.file("data"));
        command.current_dir(self.0.file("")).env_clear();
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        // A command that asks for nothing may have ended before it could be told.
        let _ = writeln!(child.stdin.take().unwrap(), "{input}");
        let output = child.wait_with_output().unwrap();
        let said = [output.stdout, output.stderr].map(|bytes| String::from_utf8(bytes).unwrap()).concat();
        (output.status.code().unwrap(), said.trim_end().to_owned())
    }

    /// What a command says that goes well.
    #[track_caller]
    fn says(&self, words: &[&str]) -> String {
        let (code, said) = self.run_with(words, "");
        assert_eq!(code, 0, "{words:?}: {said}");
        said
    }

    #[track_caller]
    fn json(&self, words: &[&str]) -> Value {
        let said = self.says(&[words, &["--json"]].concat());
        serde_json::from_str(&said).unwrap_or_else(|error| panic!("{words:?}: {error}: {said}"))
    }

    /// The sentence with which a command is refused.
    #[track_caller]
    fn refuses(&self, words: &[&str]) -> String {
        let (code, said) = self.run_with(words, "");
        assert_eq!(code, 1, "{words:?}: {said}");
        said.strip_prefix("kirana: ").unwrap_or_else(|| panic!("{words:?}: {said}")).to_owned()
    }
}

/// Each function of the notebook, in its order.
fn each_function(notebook: &Notebook) {
    staff(notebook);
    stock(notebook);
    orders(notebook);
}

/// `signup_input`, `user_exists`, `login`, `password_check`, `read_users`, `user_removal`.
fn staff(notebook: &Notebook) {
    let add = ["user", "add", "--role", "cashier", "--username", "ravi", "--password-stdin"];
    let (code, said) = notebook.run_with(&add, "till number 4");
    assert_eq!(code, 0, "{said}");
    assert_snapshot!(said, @"ravi can now log in (cashier, account 2)");
    for name in ["ravi", "RAVI"] {
        let again = ["user", "add", "--role", "cashier", "--username", name, "--password-stdin"];
        let (code, said) = notebook.run_with(&again, "till number 4");
        assert_eq!(code, 1);
        assert!(said.contains("already taken"), "{said}");
    }
    assert_eq!(notebook.json(&["user", "show", "ravi"])["role"], "cashier");
    assert_snapshot!(notebook.refuses(&["user", "show", "nobody"]), @"There is no such account.");

    let check = ["user", "check", "ravi", "--password-stdin"];
    assert_eq!(notebook.run_with(&check, "till number 4"), (0, "ravi (cashier) has this password".to_owned()));
    let wrong = (1, "kirana: Username or password is incorrect".to_owned());
    assert_eq!(notebook.run_with(&check, "till number 5"), wrong);

    let users = notebook.says(&["user", "list", "--json"]);
    assert!(users.contains("ravi") && !users.contains("till number 4") && !users.contains("argon2"), "{users}");
    assert_snapshot!(notebook.says(&["user", "remove", "ravi"]), @"ravi (cashier) is removed");
    assert_snapshot!(notebook.refuses(&["user", "remove", "ravi"]), @"There is no such account.");
}

/// `add_item`, `icode_gen`, `item_exists`, `item_search`, `read_stock`, `update_stock`, `stock_available`,
/// `category_display`, `item_removal`.
fn stock(notebook: &Notebook) {
    let add = |name: &str, more: &[&str]| {
        [&["item", "add", "--name", name, "--category", "Grains", "--price", "92.50"][..], more].concat().join("\u{0}")
    };
    let words = add("Basmati rice", &["--unit", "kg", "--stock", "40.5", "--code", "0042"]);
    let words: Vec<&str> = words.split('\u{0}').collect();
    assert_snapshot!(notebook.says(&words), @"Item added: Basmati rice (0042)");
    assert_snapshot!(notebook.refuses(&words), @"Already exists");
    let words = add("BASMATI RICE", &[]);
    assert_snapshot!(notebook.refuses(&words.split('\u{0}').collect::<Vec<_>>()), @"Already exists");
    let words = add("Flour", &["--stock", "3"]);
    let flour = notebook.json(&words.split('\u{0}').collect::<Vec<_>>());
    let code = flour["itemCode"].as_str().unwrap();
    assert!(code.len() == 4 && code.bytes().all(|byte| byte.is_ascii_digit()) && code != "0042", "{code}");
    assert_eq!(notebook.says(&["item", "code"]).len(), 4);

    for what in ["Basmati rice", "basmati RICE", "0042"] {
        assert_eq!(notebook.json(&["item", "show", what])["name"], "Basmati rice", "{what}");
    }
    assert_eq!(notebook.json(&["item", "show", code])["name"], "Flour");
    assert_snapshot!(notebook.refuses(&["item", "show", "Oats"]), @"Does not exist");
    let row = notebook.says(&["item", "show", "0042"]);
    assert_eq!(
        row.split_whitespace().skip(7).collect::<Vec<_>>().join(" "),
        "1 0042 Basmati rice Grains kg 40.5 92.50"
    );
    let stock = notebook.json(&["item", "list"]);
    assert_eq!((stock[0]["stock"].clone(), stock[1]["name"].clone()), (json!(40.5), json!("Flour")));

    assert_snapshot!(notebook.says(&["item", "update", "0042", "--price", "95", "--stock", "38.25"]), @"Item updated");
    assert_snapshot!(notebook.refuses(&["item", "update", "Oats", "--price", "1"]), @"No items found");
    assert_snapshot!(notebook.says(&["item", "available", "basmati rice"]), @"Available. Stock left: 38.25 kg");
    notebook.says(&["item", "update", "Flour", "--stock", "0"]);
    assert_snapshot!(notebook.says(&["item", "available", "Flour"]), @"Out of stock");
    assert_snapshot!(notebook.refuses(&["item", "available", "Oats"]), @"Does not exist");
    let soap = ["item", "add", "--name", "Soap", "--category", "Bath", "--price", "30", "--stock", "2"];
    notebook.says(&soap);
    assert_eq!(
        notebook.json(&["item", "categories"]),
        json!([
            { "category": "Bath", "items": ["Soap"] },
            { "category": "Grains", "items": ["Basmati rice", "Flour"] },
        ])
    );
    let low = notebook.json(&["item", "low"]);
    let names: Vec<&Value> = low.as_array().unwrap().iter().map(|row| &row["name"]).collect();
    assert_eq!(names, ["Flour", "Soap"], "ten or less is low where no level is set");
    assert_eq!(notebook.json(&["item", "remove", "Soap"])["deletedProduct"], "Soap");
    assert_snapshot!(notebook.refuses(&["item", "remove", "Soap"]), @"Product not found");
}

/// `add_order`, `ocode_gen`, `order_exists`, `order_search`, `order_display`, `tprice`, `pending_orders`,
/// `ord_complete`, `order_removal`, `stat_sold`.
fn orders(notebook: &Notebook) {
    notebook.says(&["item", "update", "Flour", "--stock", "8"]);
    let placed =
        notebook.json(&["order", "add", "--item", "Basmati rice=2.5", "--item", "Flour=1", "--note", "by six"]);
    assert_eq!((&placed["orderCode"], &placed["status"]), (&json!("OD0000001"), &json!("placed")));
    assert_eq!((&placed["total"], &placed["due"]), (&json!(330), &json!(330)));

    // One short or unknown item, and nothing of the order is done, whatever comes last.
    let short = ["order", "add", "--item", "Flour=100", "--item", "0042=1"];
    assert_snapshot!(notebook.refuses(&short), @"Insufficient stock for Flour. Available: 7");
    let twice = ["order", "add", "--item", "Flour=4", "--item", "flour=4"];
    assert_snapshot!(notebook.refuses(&twice), @"Insufficient stock for Flour. Available: 7");
    assert_snapshot!(notebook.refuses(&["order", "add", "--item", "0042=1", "--item", "Oats=1"]), @"Oats does not exist");
    let half = ["order", "add", "--item", "Flour=1.5"];
    assert_snapshot!(notebook.refuses(&half), @"This is sold in whole pieces.");
    assert_eq!(notebook.json(&["item", "available", "0042"])["stock"], 35.75);

    let second = notebook.says(&["order", "add", "--item", "0042=10", "--quiet"]);
    assert_eq!(second, "OD0000002");
    let shown = notebook.json(&["order", "show", "OD0000002"]);
    assert_eq!((&shown["items"][0]["quantity"], &shown["items"][0]["price"]), (&json!(10), &json!(95)));
    assert_eq!(notebook.json(&["order", "show", "2"])["code"], "OD0000002");
    assert_snapshot!(notebook.refuses(&["order", "show", "OD0000099"]), @"There is no such order.");
    assert_snapshot!(notebook.says(&["order", "total", "OD0000001"]), @"330.00");
    let codes =
        |list: Value| -> Vec<Value> { list.as_array().unwrap().iter().map(|row| row["code"].clone()).collect() };
    assert_eq!(codes(notebook.json(&["order", "pending"])), ["OD0000002", "OD0000001"]);

    assert_snapshot!(notebook.says(&["order", "complete", "OD0000001"]), @"OD0000001 is complete");
    assert_snapshot!(notebook.refuses(&["order", "complete", "OD0000099"]), @"There is no such order.");
    assert_snapshot!(notebook.refuses(&["order", "complete", "OD0000001"]), @"An order that is completed cannot become completed.");
    assert_eq!(codes(notebook.json(&["order", "pending"])), ["OD0000002"]);
    assert_snapshot!(notebook.says(&["order", "cancel", "OD0000002"]), @"OD0000002 is cancelled");
    assert_eq!(notebook.json(&["item", "available", "0042"])["stock"], 35.75, "what was taken is back");
    assert_eq!(codes(notebook.json(&["order", "list", "--status", "cancelled"])), ["OD0000002"]);

    notebook.says(&["order", "add", "--item", "Flour=4", "--complete"]);
    let sold = notebook.json(&["item", "sold"]);
    let shown: Vec<(&Value, &Value)> =
        sold.as_array().unwrap().iter().map(|item| (&item["name"], &item["sold"])).collect();
    // Sums that grow with each sale, and what was cancelled is not in them.
    assert_eq!(shown, [(&json!("Flour"), &json!(5)), (&json!("Basmati rice"), &json!(2.5))]);
    assert_snapshot!(notebook.says(&["item", "remove", "Flour"]), @"Flour is not sold any more");
    assert_eq!(notebook.json(&["order", "show", "OD0000003"])["items"][0]["name"], "Flour", "bills stay");
    assert_eq!(notebook.json(&["check"])["ok"], true);
}

mod each_function_is_a_command {
    use super::*;

    fn on(engine: Engine) {
        block_on(async {
            let notebook = Notebook::open(engine).await;
            open_owner(&notebook);
            each_function(&notebook);
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

mod each_function_is_a_command_while_the_shop_is_open {
    use super::*;

    fn on(engine: Engine) {
        block_on(async {
            let notebook = Notebook::open(engine).await;
            let mut server = Process::serve(&notebook.0);
            open_owner(&notebook);
            each_function(&notebook);
            assert_eq!(server.terminate(), Some(0));
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

fn open_owner(notebook: &Notebook) {
    let add = ["user", "add", "--role", "owner", "--username", "meera", "--password-stdin"];
    let (code, said) = notebook.run_with(&add, "ledger and lamp");
    assert_eq!(code, 0, "{said}");
}

on_both!(each_function_of_the_staff_is_a_route);
async fn each_function_of_the_staff_is_a_route(shop: Shop) {
    let owner = shop.sign_in(Role::Owner).await;
    let new = json!({ "role": "cashier", "username": "ravi", "firstName": "Ravi", "password": "till number 4" });
    let made = owner.post("/api/users", new.clone()).await.expect(201).json();
    let taken = owner.post("/api/users", new).await;
    assert_eq!((taken.status.as_u16(), taken.json()["errors"][0]["field"].clone()), (400, json!("username")));
    let found = owner.get("/api/users?q=ravi").await.expect(200).json();
    assert_eq!(found.as_array().unwrap().len(), 1, "it exists");
    assert_eq!(owner.get("/api/users?q=nobody").await.expect(200).json(), json!([]));

    let login =
        |password: &str| shop.stranger().post("/api/auth/login", json!({ "username": "ravi", "password": password }));
    let token = login("till number 4").await.expect(200).json()["token"].as_str().unwrap().to_owned();
    login("till number 5").await.expect(401);
    let all = owner.get("/api/users").await.expect(200);
    assert!(all.text.contains("ravi") && !all.text.contains("argon2"));

    let path = format!("/api/users/{}", made["id"].as_str().or(made["user"]["id"].as_str()).unwrap());
    owner.call(axum::http::Method::DELETE, &path).await.expect(200);
    shop.stranger().with_token(&token).get("/api/auth/me").await.expect(401);
    let refused = login("till number 4").await;
    assert!([401, 403].contains(&refused.status.as_u16()), "{refused}");
}

on_both!(each_function_of_the_stock_is_a_route);
async fn each_function_of_the_stock_is_a_route(shop: Shop) {
    let owner = shop.sign_in(Role::Owner).await;
    let rice = json!({
        "name": "Basmati rice", "category": "Grains", "unit": "kg", "price": 92.5, "stock": 40.5, "itemCode": "0042",
    });
    let made = owner.post("/api/products?unique=name", rice.clone()).await.expect(201).json();
    assert_eq!(made["itemCode"], "0042");
    let mut again = rice;
    again["name"] = json!("basmati RICE");
    assert_snapshot!(owner.post("/api/products?unique=name", again.clone()).await, @r#"400 {"code":"taken","detail":"Already exists","errors":[{"field":"name","code":"taken","message":"Already exists"}],"productId":"1"}"#);
    owner.post("/api/products", again).await.expect(201);
    let flour = json!({ "name": "Flour", "category": "Grains", "price": 40, "stock": 3 });
    let flour = owner.post("/api/products?unique=name", flour).await.expect(201).json();
    let code = flour["itemCode"].as_str().unwrap();
    assert_eq!(code.len(), 4);
    let free = owner.get("/api/products/free-code").await.expect(200).json();
    assert!(free["itemCode"].as_str().unwrap().len() == 4 && free["itemCode"] != code && free["itemCode"] != "0042");

    let customer = shop.sign_in(Role::Customer).await;
    for reader in [&owner, &customer] {
        for path in ["by-code/0042", "by-name/Basmati%20rice", "by-name/BASMATI%20RICE"] {
            let found = reader.get(&format!("/api/products/{path}")).await.expect(200).json();
            assert_eq!(found["id"], made["id"], "{path}");
        }
        reader.get("/api/products/by-code/9999999").await.expect(404);
        reader.get("/api/products/by-name/Oats").await.expect(404);
    }
    let sku = flour["sku"].as_str().unwrap();
    assert_eq!(owner.get(&format!("/api/products/by-code/{sku}")).await.expect(200).json()["id"], flour["id"]);

    owner.put("/api/products/1", json!({ "stock": 38.25 })).await.expect(200);
    assert_eq!(owner.get("/api/products/by-code/0042").await.json()["stock"], 38.25);
    assert_eq!(owner.get("/api/products?category=Grains").await.expect(200).json().as_array().unwrap().len(), 3);
    assert_eq!(owner.get("/api/stock").await.expect(200).json().as_array().unwrap().len(), 3);
    let removed = owner.call(axum::http::Method::DELETE, "/api/products/1").await.expect(200).json();
    assert_eq!(removed["deletedProduct"], "Basmati rice");
    customer.get("/api/products/by-code/0042").await.expect(200);
}

on_both!(each_function_of_the_orders_is_a_route);
async fn each_function_of_the_orders_is_a_route(shop: Shop) {
    let rice = shop.goods("Rice").price("95").unit("kg").on_hand(40).create().await;
    let tea = shop.goods("Tea").price("10").on_hand(40).create().await;
    let till = shop.sign_in(Role::Cashier).await;
    let order = |lines: Value| till.post("/api/orders", json!({ "items": lines, "paymentMethod": "Cash" }));

    let placed = order(json!([{ "id": rice, "quantity": 2.5 }, { "id": tea, "quantity": 1 }])).await.expect(201).json();
    assert_eq!((&placed["orderCode"], &placed["status"]), (&json!("OD0000001"), &json!("placed")));
    order(json!([{ "id": rice, "quantity": 1 }, { "id": tea, "quantity": 41 }])).await.expect(409);
    order(json!([{ "id": tea, "quantity": 41 }, { "id": rice, "quantity": 1 }])).await.expect(409);
    assert_eq!((shop.left(rice).await, shop.left(tea).await), ("37.5".to_owned(), "39".to_owned()));

    let shown = till.get("/api/orders/OD0000001").await.expect(200).json();
    assert_eq!((&shown["total"], &shown["items"][0]["quantity"]), (&json!(247.5), &json!(2.5)));
    till.get("/api/orders/OD0000099").await.expect(404);
    till.post("/api/orders/OD0000099/complete", json!({})).await.expect(404);
    assert_eq!(till.get("/api/shopkeeper/orders?status=open").await.expect(200).json()[0]["code"], "OD0000001");
    let paid = json!({ "payments": [{ "method": "Cash" }] });
    assert_eq!(till.post("/api/orders/OD0000001/complete", paid).await.expect(200).json()["status"], "completed");
    assert_eq!(till.get("/api/shopkeeper/orders?status=open").await.expect(200).json(), json!([]));

    order(json!([{ "id": tea, "quantity": 9 }])).await.expect(201);
    till.post("/api/orders/OD0000002/cancel", json!({})).await.expect(200);
    assert_eq!(shop.left(tea).await, "39");
    order(json!([{ "id": tea, "quantity": 4 }])).await.expect(201);
    let sold = till.get("/api/reports/items").await.expect(200);
    assert_snapshot!(sold, @r#"200 [{"id":"2","name":"Tea","itemCode":null,"category":"Tea","unit":"pcs","sold":5,"revenue":50},{"id":"1","name":"Rice","itemCode":null,"category":"Tea","unit":"kg","sold":2.5,"revenue":237.5}]"#);
    assert_eq!(till.get("/api/reports/items?from=2026-03-01&to=2026-03-01").await.json()[0]["sold"], 0);
    till.get("/api/reports/items?from=2026-03-02&to=2026-03-01").await.expect(400);
    shop.sign_in(Role::Customer).await.get("/api/reports/items").await.expect(403);
    shop.check_books().await;
}

on_both!(what_was_sold_before_counts_only_from_the_beginning);
async fn what_was_sold_before_counts_only_from_the_beginning(shop: Shop) {
    let owner = shop.sign_in(Role::Owner).await;
    let body = json!({ "name": "Oil", "category": "Oil", "price": 1, "stock": 9, "soldBefore": 120 });
    let oil = owner.post("/api/products", body).await.expect(201).json();
    let sale = json!({ "items": [{ "id": oil["id"], "quantity": 3 }], "paymentMethod": "Cash", "complete": true });
    owner.post("/api/orders", sale).await.expect(201);
    assert_eq!(owner.get("/api/reports/items").await.json()[0]["sold"], 123);
    assert_eq!(owner.get("/api/reports/items?from=2026-03-02").await.json()[0]["sold"], 3);
}
