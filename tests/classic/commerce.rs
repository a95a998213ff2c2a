//! The *Flask E-Commerce Backend*: sign-up and log-in, then products that come as a file and the summary by
//! category.

use insta::assert_snapshot;
use kirana::staff::{Role, Status};
use kirana::web::{LargestUpload, Settings};
use serde_json::{Value, json};

use crate::support::{Client, Engine, Reply, Shop, block_on, in_demo, on_both};

const FORM: &str = "multipart/form-data; boundary=edge";
const HEADER: &str = "product_id,product_name,category,price,quantity_sold,rating,review_count\n";

/// A small file in the documented form.
const PRODUCTS: &str = "product_id,product_name,category,price,quantity_sold,rating,review_count
P001,Green tea 100 g,Tea,120.50,40,4.5,12
P002,Assam tea 250 g,Tea,240,10,,3
P003,हल्दी पाउडर १०० ग्राम,Spices,35.255,,4,8
P004,\"Chilli, whole\",Spices,,20,3.5,
";

/// Sends a form with one file, as `curl -F file=@products.csv` does.
async fn send(client: &Client, part: &str, file_name: &str, file: impl AsRef<[u8]>) -> Reply {
    let mut body = format!(
        "--edge\r\nContent-Disposition: form-data; name=\"{part}\"; filename=\"{file_name}\"\r\n\
         Content-Type: text/csv\r\n\r\n"
    )
    .into_bytes();
    body.extend_from_slice(file.as_ref());
    body.extend_from_slice(b"\r\n--edge--\r\n");
    client.post("/upload", Value::Null).body(body).header("content-type", FORM).await
}

async fn upload(client: &Client, file: impl AsRef<[u8]>) -> Reply {
    send(client, "file", "products.csv", file).await
}

/// What the shop has, one line for each product.
async fn shelves(client: &Client) -> Vec<String> {
    let products = client.get("/api/products?sort=name").await.expect(200).json();
    let line = |one: &Value| {
        let fields = ["sku", "name", "category", "price", "soldBefore", "rating", "reviewCount", "stock"];
        fields.map(|field| one[field].to_string().trim_matches('"').to_owned()).join(" | ")
    };
    let mut lines: Vec<String> = products.as_array().unwrap().iter().map(line).collect();
    lines.sort();
    lines
}

async fn is_empty(shop: &Shop) {
    for table in ["products", "product_words", "stock", "imports", "categories"] {
        assert_eq!(shop.number(&format!("select count(*) from {table}")).await, 0, "{table}");
    }
}

in_demo!(its_calls_work_as_they_are_printed);
async fn its_calls_work_as_they_are_printed(shop: Shop) {
    let visitor = shop.stranger();
    let body = json!({ "username": "your_username", "password": "your_password" });
    assert_snapshot!(visitor.post("/signup", body.clone()).await, @r#"201 {"msg":"User created successfully"}"#);
    let login = visitor.post("/login", body).await.expect(200).json();
    assert_eq!(login.as_object().unwrap().len(), 1);
    let user = visitor.with_token(login["access_token"].as_str().unwrap());
    assert_snapshot!(user.get("/protected").await, @r#"200 {"logged_in_as":"your_username"}"#);
    assert_snapshot!(upload(&user, PRODUCTS).await, @r#"200 {"msg":"Data uploaded successfully"}"#);
    assert_snapshot!(user.get("/summary").await, @r#"200 [{"category":"Spices","total_revenue":3115.2,"top_product":"Chilli, whole","top_product_quantity_sold":20},{"category":"Tea","total_revenue":7220,"top_product":"Green tea 100 g","top_product_quantity_sold":40}]"#);
    assert_eq!(
        shelves(&user).await,
        [
            "P001 | Green tea 100 g | Tea | 120.5 | 40 | 4.5 | 12 | 0",
            "P002 | Assam tea 250 g | Tea | 240 | 10 | 4.5 | 3 | 0",
            "P003 | हल्दी पाउडर १०० ग्राम | Spices | 35.26 | 20 | 4 | 8 | 0",
            "P004 | Chilli, whole | Spices | 120.5 | 20 | 3.5 | 0 | 0",
        ],
        "gaps: median price and quantity, mean rating of the category, no reviews"
    );
    let found = user.get("/api/products?q=हल्दी").await.json();
    assert_eq!(found[0]["sku"], "P003", "what came in is found");
    shop.check_books().await;
}

on_both!(where_a_shop_is_served_real_credentials_are_needed);
async fn where_a_shop_is_served_real_credentials_are_needed(shop: Shop) {
    let visitor = shop.stranger();
    assert_eq!(upload(&visitor, PRODUCTS).await.json()["msg"], "Missing or invalid token");
    let forged = visitor.with_token("eyJhbGciOiJIUzI1NiJ9.e30.x");
    for client in [&visitor, &forged] {
        for reply in
            [upload(client, PRODUCTS).await, client.get("/summary").await, client.get("/summary_report.csv").await]
        {
            let reply = reply.expect(401);
            assert_eq!(reply.json()["msg"], "Missing or invalid token");
        }
    }
    let body = json!({ "username": "anybody", "password": "your_password" });
    visitor.post("/signup", body).await.expect(403);
    for role in [Role::Customer, Role::Cashier, Role::StockKeeper] {
        let reply = upload(&shop.sign_in(role).await, PRODUCTS).await.expect(403);
        assert_eq!(reply.json()["msg"], "Only the shop's owner and managers may do this.");
    }
    shop.sign_in(Role::Customer).await.get("/summary").await.expect(403);
    is_empty(&shop).await;

    shop.open_account(Role::Manager, "meera", Some("correct horse"), Status::Active).await;
    let login = json!({ "username": "meera@example.com", "password": "correct horse" });
    let refused = visitor.post("/login", login).await;
    assert_eq!(refused.status, 400, "an e-mail address is no user name: {refused}");
    let manager = shop.sign_in(Role::Manager).await;
    assert_snapshot!(upload(&manager, PRODUCTS).await, @r#"200 {"msg":"Data uploaded successfully"}"#);
    assert_eq!(shelves(&manager).await.len(), 4);
    let cookie_only = shop.sign_in(Role::Cashier).await.get("/summary").await.expect(200);
    assert_eq!(cookie_only.json().as_array().unwrap().len(), 2, "staff may see the summary");
    shop.check_books().await;
}

on_both!(what_is_wrong_with_the_form_is_said_in_its_words);
async fn what_is_wrong_with_the_form_is_said_in_its_words(shop: Shop) {
    let manager = shop.sign_in(Role::Manager).await;
    let said = async |reply: Reply| reply.expect(400).json()["msg"].as_str().unwrap().to_owned();
    assert_eq!(said(manager.post("/upload", json!({})).await).await, "No file part");
    assert_eq!(said(send(&manager, "table", "a.csv", PRODUCTS).await).await, "No file part");
    let plain = "--edge\r\nContent-Disposition: form-data; name=\"file\"\r\n\r\nx\r\n--edge--\r\n";
    let call = manager.post("/upload", Value::Null).body(plain).header("content-type", FORM);
    assert_eq!(said(call.await).await, "No file part", "a text is no file");
    assert_eq!(said(send(&manager, "file", "", "").await).await, "No selected file");
    let cut = "--edge\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.csv\"\r\n\r\nproduct_id";
    let call = manager.post("/upload", Value::Null).body(cut).header("content-type", FORM);
    assert!(said(call.await).await.starts_with("The form cannot be read"));
    assert_eq!(said(upload(&manager, "").await).await, "The file is empty.");
    is_empty(&shop).await;
}

on_both!(the_first_missing_column_is_named_and_order_does_not_matter);
async fn the_first_missing_column_is_named_and_order_does_not_matter(shop: Shop) {
    let manager = shop.sign_in(Role::Manager).await;
    let columns: Vec<&str> = HEADER.trim().split(',').collect();
    for (place, column) in columns.iter().enumerate() {
        let left: Vec<&str> = columns.iter().filter(|one| *one != column).copied().collect();
        let reply = upload(&manager, format!("{}\n", left.join(","))).await.expect(400);
        assert_eq!(reply.json()["msg"], format!("Missing column: {column}"));
        let first: Vec<&str> = columns[..place].to_vec();
        if !first.is_empty() {
            let reply = upload(&manager, format!("{}\n", columns[place..].join(","))).await;
            assert_eq!(reply.json()["msg"], "Missing column: product_id");
        }
    }
    assert_eq!(upload(&manager, "Product_ID,price\n").await.json()["msg"], "Missing column: product_id");
    is_empty(&shop).await;
    // Only the header: nothing to do, and nothing wrong.
    assert_snapshot!(upload(&manager, HEADER).await, @r#"200 {"msg":"Data uploaded successfully"}"#);
    let file =
        "colour,review_count,rating,quantity_sold,price,category,product_name,product_id\nred,1,2,3,4,Tea,Assam,T1\n";
    upload(&manager, file).await.expect(200);
    assert_eq!(shelves(&manager).await, ["T1 | Assam | Tea | 4 | 3 | 2 | 1 | 0"]);
}

on_both!(one_bad_row_keeps_the_whole_file_out);
async fn one_bad_row_keeps_the_whole_file_out(shop: Shop) {
    let manager = shop.sign_in(Role::Manager).await;
    // More than a chunk of good rows before it: the source kept the hundreds that were full.
    let mut file = HEADER.to_owned();
    for row in 0..2_500 {
        file.push_str(&format!("P{row:04},Product {row},Category {},{row}.50,1,4,1\n", row % 7));
    }
    file.push_str("P9999,Last,Tea,twelve,1.5,4,1\n");
    let reply = upload(&manager, &file).await.expect(400).json();
    assert_eq!(reply["msg"], "Line 2502, column price: `twelve` is not a number. 1 row is wrong; nothing was stored.");
    assert_eq!((&reply["refused"], &reply["rows"]), (&json!(1), &json!(2501)));
    assert_eq!(
        reply["errors"],
        json!([
            { "line": 2502, "column": "price", "field": "price", "message": "`twelve` is not a number." },
            { "line": 2502, "column": "quantity_sold", "field": "soldBefore", "message": "`1.5` is not a whole number." },
        ])
    );
    is_empty(&shop).await;
    let many = (0..1_500).map(|row| format!("P{row},Tea,Tea,x,1,1,1")).collect::<Vec<_>>().join("\n");
    let reply = upload(&manager, format!("{HEADER}{many}")).await.expect(400).json();
    assert_eq!((reply["errors"].as_array().unwrap().len(), &reply["refused"]), (1_000, &json!(1_500)));
    is_empty(&shop).await;
    for (file, reason) in [
        (b"\xff\xfep\0r\0".as_slice(), "Line 1 is not UTF-8 text. Save the file as `CSV UTF-8` and try again."),
        (
            &[HEADER.as_bytes(), b"P1,Caf\xe9,Tea,1,1,1,1\n"].concat(),
            "Line 2 is not UTF-8 text. Save the file as `CSV UTF-8` and try again.",
        ),
        (
            &[HEADER.as_bytes(), b"P1,Tea,Tea,1,1,1,1,7\n"].concat(),
            "Line 2: The row has 8 cells and the header 7. Is a quotation mark missing? 1 row is wrong; nothing was stored.",
        ),
        (
            &[HEADER.as_bytes(), b"P1,Tea,Tea,,1,1,1\n"].concat(),
            "Line 2, column price: price is missing, and no other row has one that it could be filled with. 1 row is wrong; nothing was stored.",
        ),
    ] {
        assert_eq!(upload(&manager, file).await.expect(400).json()["msg"], reason);
    }
    is_empty(&shop).await;
    file.truncate(file.len() - "P9999,Last,Tea,twelve,1.5,4,1\n".len());
    upload(&manager, &file).await.expect(200);
    assert_eq!(shop.number("select count(*) from products").await, 2_500);
    shop.check_books().await;
}

on_both!(files_of_all_kinds_of_programs_are_read);
async fn files_of_all_kinds_of_programs_are_read(shop: Shop) {
    let manager = shop.sign_in(Role::Manager).await;
    let marked = format!("\u{feff}{}", PRODUCTS.replace('\n', "\r\n"));
    upload(&manager, marked).await.expect(200);
    let expected = shelves(&manager).await;
    assert_eq!(expected.len(), 4);
    let header = HEADER.replace(',', ";");
    upload(&manager, format!("{header}S1;\"Soap;\nsoft\";Home;\"1,299.00\";3.0;;\n")).await.expect(200);
    upload(&manager, format!("{}T1\tTea\tTea\t₹ 12\tNaN\t5\t\n", HEADER.replace(',', "\t"))).await.expect(200);
    upload(&manager, format!("{HEADER}U1,'=SUM(A1),,7,1,1\n")).await.expect(200);
    let seen = shelves(&manager).await;
    assert_eq!(
        seen[4..],
        [
            "S1 | Soap; soft | Home | 1299 | 3 | null | 0 | 0",
            "T1 | Tea | Tea | 12 | 0 | 5 | 0 | 0",
            "U1 | =SUM(A1) | Uncategorized | 7 | 1 | 1 | 0 | 0",
        ]
    );
    shop.check_books().await;
}

on_both!(of_rows_with_one_id_the_last_counts);
async fn of_rows_with_one_id_the_last_counts(shop: Shop) {
    let manager = shop.sign_in(Role::Manager).await;
    let file = format!("{HEADER}A,Old,X,1,1,1,1\nB,Other,Y,2,2,2,2\nA,New,Z,3,3,3,3\na,Small,Z,4,4,4,4\n");
    upload(&manager, &file).await.expect(200);
    let expected =
        ["A | New | Z | 3 | 3 | 3 | 3 | 0", "B | Other | Y | 2 | 2 | 2 | 2 | 0", "a | Small | Z | 4 | 4 | 4 | 4 | 0"];
    assert_eq!(shelves(&manager).await, expected);
    assert_eq!(manager.get("/api/products?q=old").await.json(), json!([]), "and no word of the others is left");
    upload(&manager, &file).await.expect(200);
    assert_eq!(shelves(&manager).await, expected);
    shop.check_books().await;
}

on_both!(a_second_upload_leaves_stock_and_sales_alone);
async fn a_second_upload_leaves_stock_and_sales_alone(shop: Shop) {
    let manager = shop.sign_in(Role::Manager).await;
    let owner = shop.sign_in(Role::Owner).await;
    upload(&manager, PRODUCTS).await.expect(200);
    let products = owner.get("/api/products").await.json();
    let tea = products.as_array().unwrap().iter().find(|one| one["sku"] == "P001").unwrap()["id"].clone();
    let lines = json!({ "lines": [{ "productId": tea, "onHand": 50 }] });
    owner.post("/api/stock/adjustments", lines).await.expect(201);
    let order = json!({ "items": [{ "id": tea, "quantity": 3 }], "paymentMethod": "Cash", "complete": true });
    owner.post("/api/orders", order).await.expect(201);

    let changed = PRODUCTS.replace("P001,Green tea 100 g,Tea,120.50,40", "P001,Greenest tea 100 g,Drinks,130,41");
    let changed = format!("{changed}P005,New one,Tea,1,1,1,1\n");
    assert_snapshot!(upload(&manager, &changed).await, @r#"200 {"msg":"Data uploaded successfully"}"#);
    let seen = shelves(&manager).await;
    assert_eq!(seen[0], "P001 | Greenest tea 100 g | Drinks | 130 | 41 | 4.5 | 12 | 47", "stock is as it was");
    assert_eq!(seen.len(), 5);
    let summary = manager.get("/summary").await.json();
    let drinks = &summary[0];
    assert_eq!((&drinks["top_product_quantity_sold"], &drinks["total_revenue"]), (&json!(44), &json!(5720)));
    let prices = owner.get(&format!("/api/products/{}/price-history", tea.as_str().unwrap())).await.json();
    assert_eq!((&prices[0]["oldPrice"], &prices[0]["newPrice"]), (&json!(120.5), &json!(130)));
    assert_eq!(manager.get("/api/products?q=greenest").await.json().as_array().unwrap().len(), 1);
    shop.check_books().await;

    // Taken back, it is as before the second upload; the sale stays.
    let imports = owner.get("/api/imports").await.json();
    let counts = (&imports[0]["created"], &imports[0]["updated"]);
    assert_eq!(counts, (&json!(1), &json!(4)), "the gaps of the others have another median and mean now");
    let undone = owner.post(&format!("/api/imports/{}/undo", imports[0]["id"].as_str().unwrap()), json!({})).await;
    undone.expect(200);
    let seen = shelves(&manager).await;
    assert_eq!(seen[0], "P001 | Green tea 100 g | Tea | 120.5 | 40 | 4.5 | 12 | 47");
    assert_eq!(seen.len(), 4);
    shop.check_books().await;
}

on_both!(the_summary_can_be_downloaded);
async fn the_summary_can_be_downloaded(shop: Shop) {
    let manager = shop.sign_in(Role::Manager).await;
    assert_eq!(manager.get("/summary").await.expect(200).json(), json!([]));
    let file = format!(
        "{HEADER}B,Equal,tea,10,5,1,1\nA,'=Equal,tea,10,5,1,1\nC,Less,tea,99,4,1,1\nD,Salt,Above,0.10,3,1,1\nE,Rich,Above,0.20,3,1,1\n"
    );
    upload(&manager, file).await.expect(200);
    let reply = manager.get("/summary_report.csv").await.expect(200);
    assert_eq!(reply.header("content-disposition"), "attachment; filename=\"summary_report.csv\"");
    assert_eq!(reply.header("content-type"), "text/csv; charset=utf-8");
    let expected =
        "category,total_revenue,top_product,top_product_quantity_sold\r\nAbove,0.90,Rich,3\r\ntea,496.00,'=Equal,5\r\n";
    assert_eq!(reply.text, expected);
    assert_eq!(manager.get("/api/reports/category-summary.csv").await.expect(200).text, expected);
    assert_snapshot!(manager.get("/api/reports/category-summary").await, @r#"200 [{"category":"Above","totalRevenue":0.9,"topProduct":"Rich","topProductQuantitySold":3},{"category":"tea","totalRevenue":496,"topProduct":"=Equal","topProductQuantitySold":5}]"#);
}

#[test]
fn a_file_that_is_larger_than_allowed_is_refused_while_it_comes() {
    block_on(async {
        let settings = Settings { largest_upload: LargestUpload { mib: 1 }, ..Settings::default() };
        let shop = Shop::open_with(Engine::Sqlite, settings).await;
        let manager = shop.sign_in(Role::Manager).await;
        let large = format!("{HEADER}{}", "P1,Tea,Tea,1,1,1,1\n".repeat(100_000));
        let reply = upload(&manager, large).await.expect(413);
        assert_eq!(reply.json()["msg"], "The file is larger than 1 MiB, which is the most.");
        is_empty(&shop).await;
        // Larger than what other routes take, and well within this one's limit.
        let middling = format!("{HEADER}{}", "P1,Tea,Tea,1,1,1,1\n".repeat(54_000));
        upload(&manager, middling).await.expect(200);
    });
}
