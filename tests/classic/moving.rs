//! Moving in: each system's file as its own tools write it, on Monday 2 March 2026, ten in the morning in Kolkata.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use insta::assert_snapshot;
use kirana::classic::moving::{self, MoveError, Options, Report, Source, StaffArrival};
use kirana::db::Location;
use kirana::ids::{ImportId, StoreId};
use kirana::staff::Role;
use serde_json::{Value, json};

use crate::support::{Scratch, Shop, on_both};

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/classic/fixtures").join(name)
}

fn options(source: Source, path: PathBuf) -> Options {
    let (staff, store) = (StaffArrival::Active, StoreId::new(1));
    Options { source, path, dry_run: false, skip_bad_rows: false, staff, store }
}

async fn run(shop: &Shop, options: Options) -> Result<Report, MoveError> {
    moving::run(&shop.db, options, shop.entropy.clone(), shop.clock.now(), |_, _| {}).await
}

async fn undo(shop: &Shop, id: ImportId) -> Result<moving::Undone, MoveError> {
    let now = shop.clock.now();
    let undo = move |conn: &mut kirana::db::Conn<'_>| {
        let on = moving::occasion(conn, StoreId::new(1), now)?;
        moving::undo(conn, id, on)
    };
    shop.db.write(undo).await
}

/// What came, was there and was refused: customers, staff, products, orders.
fn counts(report: &Report) -> String {
    let Report { customers, staff, products, orders, .. } = report;
    let counts = [customers, staff, products, orders];
    counts.map(|count| format!("{}/{}/{}", count.brought, count.known, count.refused)).join(" ")
}

/// Every remark, a line each.
fn remarks(remarks: &[moving::Remark]) -> String {
    remarks.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

/// Rows that an import may leave behind.
const LEFT: &str =
    "select (select count(*) from users) + (select count(*) from customers) + (select count(*) from products)
    + (select count(*) from stock) + (select count(*) from stock_moves)
    + (select count(*) from product_words) + (select count(*) from categories) + (select count(*) from orders)
    + (select count(*) from order_lines) + (select count(*) from payments) + (select count(*) from product_days)
    + (select count(*) from store_days) + (select count(*) from customer_days) + (select count(*) from moved_rows)";

/// Moves in; a second run, a dry run and an undo do what they say. Leaves the shop moved in.
async fn move_in(shop: &Shop, options: Options) -> Report {
    let before = shop.number(LEFT).await;
    let rehearsed = run(shop, Options { dry_run: true, ..options.clone() }).await;
    let Err(MoveError::Rehearsed(rehearsal)) = rehearsed else { panic!("{rehearsed:?}") };
    assert_eq!(shop.number(LEFT).await, before, "a dry run writes nothing");
    let first = run(shop, options.clone()).await.unwrap();
    assert_eq!(counts(&first), counts(&rehearsal), "a dry run says what would be");
    shop.check_books().await;
    let moved = shop.number(LEFT).await;

    let undone = undo(shop, first.import_id.unwrap()).await.unwrap();
    assert_eq!(undone.orders as u64, first.orders.brought);
    assert_eq!(shop.number(LEFT).await, before, "an undo leaves nothing");
    shop.check_books().await;
    let again = undo(shop, first.import_id.unwrap()).await.unwrap_err();
    assert_eq!(again.to_string(), "This import has already been undone.");

    let report = run(shop, options.clone()).await.unwrap();
    let second = run(shop, options).await;
    let Err(MoveError::Nothing(second)) = second else { panic!("{second:?}") };
    assert_eq!((second.brought(), second.refused()), (0, 0));
    assert_eq!(shop.number(LEFT).await, moved, "a second run adds nothing");
    shop.check_books().await;
    report
}

async fn log_in(shop: &Shop, login: &str, password: &str) -> Value {
    let body = json!({ "email": login, "password": password });
    shop.stranger().post("/api/auth/login", body).await.expect(200).json()
}

/// A password opens; its hash is one of ours from then on; it opens again, and no other does.
async fn log_in_twice(shop: &Shop, login: &str, password: &str, kept: &str) {
    let with = |start: &str| {
        format!(
            "select count(*) from users where coalesce(email, username) = '{login}' and password_hash like '{start}%'"
        )
    };
    assert_eq!(shop.number(&with(kept)).await, 1, "{login} came with {kept}");
    let wrong = json!({ "email": login, "password": format!("{password}!") });
    shop.stranger().post("/api/auth/login", wrong.clone()).await.expect(401);
    log_in(shop, login, password).await;
    assert_eq!(shop.number(&with("$argon2id$")).await, 1, "{login} has a hash of ours");
    log_in(shop, login, password).await;
    shop.stranger().post("/api/auth/login", wrong).await.expect(401);
}

/// The figures of the dashboard that a move fills.
async fn figures(shop: &Shop) -> String {
    let owner = shop.sign_in(Role::Owner).await;
    let stats = owner.get("/api/shopkeeper/stats").await.expect(200).json();
    let names =
        ["todaySales", "todayOrders", "yesterdaySales", "yesterdayOrders", "totalOrders", "totalRevenue", "openOrders"];
    names.map(|name| format!("{name} {}", stats[name])).join(", ")
}

/// Name, price and stock of each product.
async fn shelves(shop: &Shop) -> String {
    let owner = shop.sign_in(Role::Owner).await;
    let products = owner.get("/api/products").await.expect(200).json();
    let shown = |product: &Value| format!("{} {} {}", product["name"], product["price"], product["stock"]);
    let mut lines: Vec<String> = products.as_array().unwrap().iter().map(shown).collect();
    lines.sort();
    lines.join("\n")
}

/// Name, orders and what each customer spent.
async fn customers(shop: &Shop) -> String {
    let owner = shop.sign_in(Role::Owner).await;
    let customers = owner.get("/api/shopkeeper/customers").await.expect(200).json();
    let shown = |one: &Value| format!("{} {} {}", one["email"], one["totalOrders"], one["totalSpent"]);
    let mut lines: Vec<String> = customers.as_array().unwrap().iter().map(shown).collect();
    lines.sort();
    lines.join("\n")
}

on_both!(a_supermarket_moves_in);
async fn a_supermarket_moves_in(shop: Shop) {
    let report = move_in(&shop, options(Source::Supermarket, fixture("supermarket.sql"))).await;
    assert_snapshot!(counts(&report), @"2/1/0 2/0/0 3/0/0 4/0/0");
    assert_snapshot!(remarks(&report.notes), @"
    User_details row 3 (line 126): ASHA@example.com has an account already, and is taken for the same person
    Products row 3 (line 35): Tea 'Assam' has a stock of -2, below zero; it comes in with none
    ");
    assert_eq!(report.open_items, 1);
    assert_snapshot!(figures(&shop).await, @"todaySales 241, todayOrders 1, yesterdaySales 524, yesterdayOrders 2, totalOrders 4, totalRevenue 875, openOrders 0");
    assert_snapshot!(shelves(&shop).await, @r#"
    "Basmati Rice 5 kg" 499 12
    "Shampoo" 120.5 40
    "Tea 'Assam'" 95 0
    "#);
    assert_snapshot!(customers(&shop).await, @r#"
    "asha@example.com" 2 740
    "vikram@example.com" 2 135
    "#);
    log_in_twice(&shop, "asha@example.com", "asha rocks", "$2b$").await;
    log_in_twice(&shop, "ravi@shop.example", "ravi plain", "plain+$argon2id$").await;
    let ravi = log_in(&shop, "ravi@shop.example", "ravi plain").await;
    assert_eq!((&ravi["role"], &ravi["userName"]), (&json!("manager"), &json!("Ravi Pawar")));
    assert_eq!(log_in(&shop, "kabir@shop.example", "kabir plain").await["role"], "cashier");
    let asha = log_in(&shop, "asha@example.com", "asha rocks").await;
    let orders = shop.stranger().with_token(asha["token"].as_str().unwrap()).get("/api/customer/orders").await;
    let orders = orders.expect(200).json();
    let shown = |order: &Value| {
        format!("{} {} {} {}", order["date"], order["items"][0]["name"], order["total"], order["status"])
    };
    let shown: Vec<String> = orders.as_array().unwrap().iter().map(shown).collect();
    assert_snapshot!(shown.join("\n"), @r#"
    "2026-03-01T06:30:00Z" "Basmati Rice 5 kg" 499 "completed"
    "2026-03-02T06:30:00Z" "Shampoo" 241 "completed"
    "#);
}

on_both!(a_shopkeeps_moves_in);
async fn a_shopkeeps_moves_in(shop: Shop) {
    let report = move_in(&shop, options(Source::ShopKeeps, fixture("shopkeeps.sql"))).await;
    assert_snapshot!(counts(&report), @"0/0/0 1/0/0 2/0/0 3/0/0");
    assert_eq!(report.empty_orders, 1);
    // The first order was taken at 01:30 of the 2nd by the shop's clock.
    assert_snapshot!(figures(&shop).await, @"todaySales 385, todayOrders 2, yesterdaySales 0, yesterdayOrders 0, totalOrders 3, totalRevenue 525, openOrders 1");
    assert_snapshot!(shelves(&shop).await, @r#"
    "Soap" 35 30
    "Toor Dal" 140 12.5
    "#);
    log_in_twice(&shop, "meera", "meera plain", "plain+$argon2id$").await;

    // An order that was open there is called off here: what that system had taken comes back.
    let owner = shop.sign_in(Role::Owner).await;
    let orders = owner.get("/api/shopkeeper/orders").await.expect(200).json();
    let open = orders.as_array().unwrap().iter().find(|order| order["status"] == "placed").unwrap().clone();
    assert_eq!(open["total"], 70);
    let id = open["id"].as_str().unwrap();
    assert_eq!(shop.number(&format!("select count(*) from orders where id = {id} and note = 'OD1111111'")).await, 1);
    owner.post(&format!("/api/orders/{id}/cancel"), json!({})).await.expect(200);
    assert_snapshot!(shelves(&shop).await, @r#"
    "Soap" 35 32
    "Toor Dal" 140 12.5
    "#);
    shop.check_books().await;
}

on_both!(a_store_management_system_moves_in);
async fn a_store_management_system_moves_in(shop: Shop) {
    let report = move_in(&shop, options(Source::StoreManagement, fixture("store_management"))).await;
    assert_snapshot!(counts(&report), @"1/0/0 1/0/0 2/0/0 2/0/0");
    assert_snapshot!(figures(&shop).await, @"todaySales 100, todayOrders 1, yesterdaySales 66.5, yesterdayOrders 1, totalOrders 2, totalRevenue 166.5, openOrders 0");
    assert_snapshot!(shelves(&shop).await, @r#"
    "Milk 1 l" 58.5 20
    "Paneer" 400 2.5
    "#);
    assert_snapshot!(customers(&shop).await, @r#""leela@example.com" 2 166.5"#);
    assert_eq!(shop.number("select discount_paise from orders where rounding_paise = 0 and line_count = 2").await, 200);
    log_in_twice(&shop, "leela@example.com", "leela secret", "sha256+$argon2id$").await;
    log_in_twice(&shop, "suresh@shop.example", "suresh secret", "sha256+$argon2id$").await;
}

/// A database as *Smart Inventory* makes it.
fn inventory(path: &Path) {
    let conn = rusqlite::Connection::open(path).unwrap();
    conn.execute_batch(
        "create table users (id integer primary key autoincrement, username text, password text);
         create table products (id integer primary key autoincrement, name text not null, price real not null, quantity integer not null);
         create table orders (id integer primary key autoincrement, product_id integer, quantity integer, foreign key (product_id) references products (id));
         insert into users (username, password) values ('abdul', 'abdul plain'), ('sara', 'scrypt:32768:8:1$salt$hash');
         insert into products (name, price, quantity) values ('Laptop', 55000, 10), ('Mouse', 349.995, 25);
         insert into orders (product_id, quantity) values (1, 2), (1, 1), (2, 5);",
    )
    .unwrap();
}

on_both!(a_smart_inventory_moves_in);
async fn a_smart_inventory_moves_in(shop: Shop) {
    let path = shop.scratch.file("database.db");
    inventory(&path);
    let report = move_in(&shop, options(Source::SmartInventory, path)).await;
    assert_snapshot!(counts(&report), @"0/0/0 2/0/0 2/0/0 0/0/0");
    assert_eq!((report.undated_orders, report.passwords_lost), (3, 1));
    assert_snapshot!(remarks(&report.notes), @"users row 2: the password cannot be checked here; it has to be set anew");
    assert_snapshot!(shelves(&shop).await, @r#"
    "Laptop" 55000 10
    "Mouse" 350 25
    "#);
    assert_eq!(shop.number("select sold_before_milli from products where name = 'Laptop'").await, 3_000);
    log_in_twice(&shop, "abdul", "abdul plain", "plain+$argon2id$").await;
}

on_both!(whoever_is_here_already_is_recognised_and_keeps_what_they_have);
async fn whoever_is_here_already_is_recognised_and_keeps_what_they_have(shop: Shop) {
    shop.open_account(Role::Customer, "leela", Some("another secret"), kirana::staff::Status::Active).await;
    let till = shop.sign_in(Role::Owner).await;
    let tea = json!({ "name": "Tea", "category": "Tea", "price": 10, "stock": 9 });
    let tea = till.post("/api/products", tea).await.expect(201).json()["id"].clone();
    let leela = shop.number("select id from users where email = 'leela@example.com'").await.to_string();
    let body = json!({ "items": [{ "id": tea, "quantity": 1 }], "paymentMethod": "Cash", "customerId": leela, "complete": true });
    till.post("/api/orders", body.clone()).await.expect(201);
    let last = "select last_order_id from customers where last_order_at = 1772425800000";
    assert_eq!(shop.number(last).await, 1);

    let report = run(&shop, options(Source::StoreManagement, fixture("store_management"))).await.unwrap();
    assert_snapshot!(counts(&report), @"0/1/0 1/0/0 2/0/0 2/0/0");
    shop.check_books().await;
    log_in(&shop, "leela@example.com", "another secret").await;
    assert_snapshot!(customers(&shop).await, @r#""leela@example.com" 3 176.5"#);
    assert_eq!(shop.number(last).await, 3, "the chain goes on, and the last order is no older than it was");

    undo(&shop, report.import_id.unwrap()).await.unwrap();
    shop.check_books().await;
    assert_eq!(shop.number(last).await, 1);
    assert_snapshot!(customers(&shop).await, @r#""leela@example.com" 1 10"#);
}

on_both!(what_was_done_since_stands_in_the_way_of_an_undo);
async fn what_was_done_since_stands_in_the_way_of_an_undo(shop: Shop) {
    let owner = shop.sign_in(Role::Owner).await;
    let report = run(&shop, options(Source::Supermarket, fixture("supermarket.sql"))).await.unwrap();
    let id = report.import_id.unwrap();
    let products = owner.get("/api/products").await.expect(200).json();
    let id_of =
        |name: &str| products.as_array().unwrap().iter().find(|product| product["name"] == name).unwrap()["id"].clone();
    let rice = id_of("Basmati Rice 5 kg").as_str().unwrap().to_owned();
    owner.put(&format!("/api/products/{rice}"), json!({ "price": 510 })).await.expect(200);
    let asha = log_in(&shop, "asha@example.com", "asha rocks").await;
    let asha = shop.stranger().with_token(asha["token"].as_str().unwrap());
    let body = json!({ "items": [{ "id": id_of("Shampoo"), "quantity": 1 }], "paymentMethod": "Cash" });
    asha.post("/api/orders", body).await.expect(201);
    let before = shop.number(LEFT).await;

    let Err(MoveError::InTheWay(reasons)) = undo(&shop, id).await else { panic!("it is undone") };
    let mut reasons: Vec<String> = reasons
        .into_iter()
        .map(|reason| {
            reason.split(" (number").next().unwrap().to_owned() + reason.rsplit_once(')').map_or("", |(_, what)| what)
        })
        .collect();
    reasons.sort();
    assert_snapshot!(reasons.join("\n"), @"
    The account asha@example.com has logged in since.
    The customer number 2 has ordered since.
    The product Basmati Rice 5 kg was changed since.
    The product Shampoo was sold since.
    ");
    assert_eq!(shop.number(LEFT).await, before, "nothing is gone");
    shop.check_books().await;
    // The page's undo is for products alone.
    let refused = owner.post(&format!("/api/imports/{id}/undo"), json!({})).await;
    assert_eq!((refused.status.as_u16(), refused.code().as_str()), (409, "was_move"));
}

/// A dump of rows that old systems let pass, and some that none can read.
const BAD: &str =
    "create table User_details (User_id int, First_Name varchar(9), Last_Name varchar(9), Age int, Sex varchar(9),
  Contact_Number varchar(9), Email_ID varchar(99), Password varchar(99));
insert into User_details values
 (1, 'Asha', '', 1, 'F', '', 'asha', 'x'),
 (2, 'Leela', '', 1, 'F', '', 'leela@example.com', 'not bcrypt');
insert into Products values
 (1, 'Tea', 'dear', 1),
 (2, '', 1.00, 1),
 (3, 'Rice', -1.00, 1),
 (4, 'Soap', 35, 2.5),
 (5, 'Salt', 20, 3);
insert into Purchase values
 (1, 2, 'Salt', -2, 20, '2026-03-01'),
 (2, 2, 'Salt', 1, 20, '2026-02-30'),
 (3, 1, 'Salt', 1, 20, '2026-03-01');
";

on_both!(rows_that_cannot_be_taken_are_named_and_stop_the_whole);
async fn rows_that_cannot_be_taken_are_named_and_stop_the_whole(shop: Shop) {
    let path = shop.scratch.file("bad.sql");
    std::fs::write(&path, BAD).unwrap();
    let before = shop.number(LEFT).await;
    let asked = options(Source::Supermarket, path);
    let refused = run(&shop, asked.clone()).await;
    let Err(MoveError::Refused(report)) = refused else { panic!("{refused:?}") };
    assert_snapshot!(remarks(&report.errors), @"
    User_details row 1 (line 4), Email_ID: `asha` is not an e-mail address
    Products row 1 (line 7), Rate: `dear` is not a number that fits
    Products row 2 (line 8), Product_name: is empty
    Products row 3 (line 9), Rate: is below zero
    Products row 4 (line 10), stock: Stock of 2.5 is not whole, but the product is counted in pieces. Set its unit too.
    Purchase row 1 (line 13), quantity: `-2` is not more than nothing
    Purchase row 2 (line 14), Date_of_purchase: `2026-02-30` is not a date like 2026-11-21
    ");
    assert_eq!(shop.number(LEFT).await, before, "nothing came in");
    let report = run(&shop, Options { skip_bad_rows: true, ..asked }).await.unwrap();
    assert_snapshot!(counts(&report), @"1/0/1 0/0/0 1/0/4 1/0/2");
    assert_snapshot!(remarks(&report.notes), @"
    User_details row 2 (line 5): the password cannot be checked here; it has to be set anew
    Purchase row 3 (line 15): there is no customer 1; the order comes in without one
    ");
    shop.check_books().await;
}

#[test]
fn a_file_of_another_kind_is_named_for_what_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let written = |name: &str, bytes: &[u8]| {
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        path
    };
    let database = folder.path().join("database.db");
    inventory(&database);
    let dump = fixture("supermarket.sql");
    let text = std::fs::read_to_string(&dump).unwrap();
    let utf16: Vec<u8> = [0xff, 0xfe].into_iter().chain(text.encode_utf16().flat_map(u16::to_le_bytes)).collect();
    let cases = [
        (Source::Supermarket, database.clone()),
        (Source::SmartInventory, dump.clone()),
        (Source::Supermarket, fixture("store_management/users.json")),
        (Source::ShopKeeps, dump.clone()),
        (Source::Supermarket, fixture("store_management")),
        (Source::Supermarket, written("empty.sql", b"")),
        (Source::Supermarket, written("zipped.sql", &[0x1f, 0x8b, 8, 0])),
        (Source::Supermarket, written("wide.sql", &utf16)),
        (Source::Supermarket, written("list.csv", b"product_id,product_name\n1,Tea\n")),
        (Source::Supermarket, written("other.sql", b"create table pets (id int);")),
        (Source::Supermarket, written("cut.sql", &text.as_bytes()[..text.find("'Rao',45").unwrap()])),
        (Source::SmartInventory, written("broken.db", b"SQLite format 3\0 and then nothing of the kind")),
        (Source::StoreManagement, written("users.bson", &[0x40, 0, 0, 0, 2])),
        (Source::Supermarket, folder.path().join("absent.sql")),
    ];
    let mut said = Vec::new();
    for (source, path) in cases {
        let sentence = moving::look(source, &path).expect_err("a refusal").to_string();
        let sentence = sentence.replace(&format!("{}/", folder.path().display()), "");
        let fixtures = format!("{}/", fixture("").display().to_string().trim_end_matches('/'));
        said.push(sentence.replace(&fixtures, ""));
    }
    assert_snapshot!(said.join("\n"), @"
    database.db looks like a SQLite file, and supermarket-sql reads a MySQL dump; did you mean smart-inventory-db?
    supermarket.sql looks like a MySQL dump, and smart-inventory-db reads a SQLite file; did you mean supermarket-sql or shopkeeps-sql?
    store_management/users.json looks like JSON, and supermarket-sql reads a MySQL dump; did you mean store-management-json?
    supermarket.sql has none of the tables itemmaster, ordetails, but those of supermarket-sql; did you mean `kirana import from supermarket-sql`?
    store_management is a folder; supermarket-sql reads a MySQL dump
    empty.sql is empty
    zipped.sql is compressed; unpack it first
    wide.sql is UTF-16, as PowerShell's `>` writes it; have the program write the file itself, with `mysqldump --result-file=...` or `mongoexport --out=...`
    list.csv looks like a CSV file, and supermarket-sql reads a MySQL dump; did you mean flask-csv?
    other.sql has none of the tables User_details, Store_user, Products, Purchase; it holds pets
    Line 126: the file ends before its last line, `-- Dump completed`; it seems to be cut off.
    the SQLite file cannot be read: file is not a database
    users.bson is none of the files that can be read; `mysqldump` and `mongoexport` write text
    absent.sql: No such file or directory (os error 2)
    ");
}

/// The program on a database of a test.
fn kirana(scratch: &Scratch, words: &[&str]) -> Output {
    let database = match scratch.location() {
        Location::File(path) => path.to_str().unwrap().to_owned(),
        Location::Server(url) => url,
    };
    let folder = scratch.file("data").to_str().unwrap().to_owned();
    let mut command = Command::new(env!("CARGO_BIN_EXE_kirana"));
    command.args(words).args(["--database", &database, "--data-dir", &folder]).env_clear().stdin(Stdio::null());
    command.current_dir(fixture("")).output().unwrap()
}

/// The exit code and what was said; PostgreSQL counts the number of a rehearsal, so that numbers are left out.
fn told(output: &Output) -> String {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim_end().to_owned();
    let said = format!("{} | {}\n{}", output.status.code().unwrap(), text(&output.stdout), text(&output.stderr));
    let said = said.trim_end().to_owned();
    said.replace("undo 1`", "undo N`")
        .replace("undo 2`", "undo N`")
        .replace("undo 3`", "undo N`")
        .replace("Import 1 ", "Import N ")
        .replace("Import 2 ", "Import N ")
}

on_both!(a_documented_table_of_products_moves_in_whole);
async fn a_documented_table_of_products_moves_in_whole(shop: Shop) {
    let scratch = shop.close();
    let file = scratch.file("products.csv");
    let path = file.to_str().unwrap().to_owned();
    let good = "product_id,product_name,category,price,quantity_sold,rating,review_count\n\
                P1,Basmati,Grains,120.50,40,4.5,12\nP2,Toor dal,Grains,,10,,3\nP3,Salt,Spices,20,5,4,1\n";
    std::fs::write(&file, good.replace("P3,Salt,Spices,20", "P3,Salt,Spices,cheap")).unwrap();
    let from = ["import", "from", "flask-csv", &path];
    assert_snapshot!(told(&kirana(&scratch, &from)), @"
    65 | line 4, column price: `cheap` is not a number.
    kirana: 1 row is wrong; nothing was stored
    ");
    std::fs::write(&file, good).unwrap();
    assert_snapshot!(told(&kirana(&scratch, &[&from[..], &["--dry-run"]].concat())), @"
    0 | 3 rows: 3 products added, 0 changed, 0 as they were
    missing prices, filled with the median of the file: 1
    missing ratings, filled with the mean of the category: 1
    Nothing was kept.
    ");
    assert_snapshot!(told(&kirana(&scratch, &from)), @"
    0 | 3 rows: 3 products added, 0 changed, 0 as they were
    missing prices, filled with the median of the file: 1
    missing ratings, filled with the mean of the category: 1
    `kirana import undo N` takes it back.
    ");
    assert_snapshot!(told(&kirana(&scratch, &from)), @"
    0 | 3 rows: 0 products added, 0 changed, 3 as they were
    missing prices, filled with the median of the file: 1
    missing ratings, filled with the mean of the category: 1
    `kirana import undo N` takes it back.
    ");
    assert_snapshot!(told(&kirana(&scratch, &[&from[..], &["--skip-bad-rows"]].concat())), @"
    65 | 
    kirana: this table goes in whole or not at all; --skip-bad-rows is not for it
    ");
    assert_snapshot!(told(&kirana(&scratch, &["report", "category-summary"])), @"
    0 |  Category  Revenue  Top product  Sold of it
     Grains    5522.50  Basmati      40
     Spices    100.00   Salt         5
    ");
    let check = kirana(&scratch, &["check", "--json"]);
    assert_eq!(serde_json::from_slice::<Value>(&check.stdout).unwrap()["ok"], json!(true));
}

on_both!(somebody_moves_in_at_the_terminal);
async fn somebody_moves_in_at_the_terminal(shop: Shop) {
    let scratch = shop.close();
    let from = ["import", "from", "store-management-json", "store_management"];
    let rehearsal = kirana(&scratch, &[&from[..], &["--dry-run"]].concat());
    assert_snapshot!(told(&rehearsal), @"
    0 | customers: 1 brought in, 0 already there, 0 refused
    staff: 1 brought in, 0 already there, 0 refused
    products: 2 brought in, 0 already there, 0 refused
    orders: 2 brought in, 0 already there, 0 refused
    1 line of an order names no product; it stands on its bill alone.
    Nothing was kept.
    ");
    assert_snapshot!(told(&kirana(&scratch, &from)), @"
    0 | customers: 1 brought in, 0 already there, 0 refused
    staff: 1 brought in, 0 already there, 0 refused
    products: 2 brought in, 0 already there, 0 refused
    orders: 2 brought in, 0 already there, 0 refused
    1 line of an order names no product; it stands on its bill alone.
    The staff wait for the owner's approval, under People or with `kirana user enable`.
    `kirana import undo N` takes everything back, as long as nothing was done with it.
    ");
    assert_snapshot!(told(&kirana(&scratch, &from)), @"
    0 | customers: 0 brought in, 1 already there, 0 refused
    staff: 0 brought in, 1 already there, 0 refused
    products: 0 brought in, 2 already there, 0 refused
    orders: 0 brought in, 2 already there, 0 refused
    Nothing was kept.
    ");
    let check = kirana(&scratch, &["check", "--json"]);
    let verdict: Value = serde_json::from_slice(&check.stdout).unwrap();
    assert_eq!((&verdict["ok"], &verdict["orders"]), (&json!(true), &json!(2)));
    let wrong = kirana(&scratch, &["import", "from", "shopkeeps-sql", "supermarket.sql"]);
    assert_snapshot!(told(&wrong), @"
    65 | 
    kirana: supermarket.sql has none of the tables itemmaster, ordetails, but those of supermarket-sql; did you mean `kirana import from supermarket-sql`?
    ");
    let list: Value = serde_json::from_slice(&kirana(&scratch, &["import", "list", "--json"]).stdout).unwrap();
    assert_eq!((&list[0]["kind"], &list[0]["created"]), (&json!("store-management-json"), &json!(6)));
    let undo = kirana(&scratch, &["import", "undo", list[0]["id"].as_str().unwrap()]);
    assert_snapshot!(told(&undo), @"0 | Import N is undone: 2 accounts, 2 products and 2 orders are gone.");
    let json = kirana(&scratch, &[&from[..], &["--json", "--dry-run"]].concat());
    let report: Value = serde_json::from_slice(&json.stdout).unwrap();
    assert_eq!((&report["dryRun"], &report["orders"]["brought"]), (&json!(true), &json!(2)));
    let staff = kirana(&scratch, &["import", "from", "supermarket-sql", "supermarket.sql", "--quiet"]);
    assert_eq!(staff.status.code(), Some(0));
    let users = kirana(&scratch, &["user", "list", "--json"]);
    let users: Value = serde_json::from_slice(&users.stdout).unwrap();
    let waiting = users.as_array().unwrap().iter().filter(|user| user["status"] == "pending").count();
    assert_eq!(waiting, 2, "staff wait for the owner unless they are let in");
}
