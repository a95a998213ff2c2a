//! `/signup`, `/login`, `/protected`: two systems at one door.

use std::process::Command;

use insta::assert_snapshot;
use kirana::staff::{Role, Status};
use serde_json::json;

use super::{person, refusal};
use crate::support::{Process, Shop, block_on, in_demo, on_both};

in_demo!(customers_sign_up_and_log_in_with_an_e_mail_address);
async fn customers_sign_up_and_log_in_with_an_e_mail_address(shop: Shop) {
    let stranger = shop.stranger();
    assert_snapshot!(stranger.post("/signup", person("asha@example.com")).await, @r#"200 {"message":"User signed up successfully"}"#);
    let body = json!({ "Email_ID": "asha@example.com", "Password": "lotus-pond-7" });
    let reply = stranger.post("/login", body).await.expect(200).json();
    assert_eq!((&reply["message"], &reply["user_id"]), (&json!("Login successful"), &json!(1)));
    let asha = stranger.with_token(reply["access_token"].as_str().unwrap());
    assert_eq!(asha.get("/api/auth/me").await.expect(200).json()["role"], "customer");
    // What somebody learns of themselves here is what they log in with.
    assert_snapshot!(asha.get("/protected").await, @r#"200 {"logged_in_as":"asha@example.com"}"#);

    let wrong = json!({ "Email_ID": "asha@example.com", "Password": "lotus" });
    assert_eq!(refusal(&stranger.post("/login", wrong).await), "401 Invalid credentials");
    let unknown = json!({ "Email_ID": "ravi@example.com", "Password": "lotus-pond-7" });
    assert_eq!(refusal(&stranger.post("/login", unknown).await), "404 User not found");
    assert_eq!(refusal(&stranger.post("/login", json!({ "Email_ID": "a@b.in" })).await), "400 'Password' is missing");
    assert_eq!(refusal(&stranger.post("/login", json!({})).await), "400 No data provided");
    assert_eq!(refusal(&stranger.post("/signup", json!({})).await), "400 No data provided");
}

in_demo!(an_address_is_taken_once_and_every_field_is_needed);
async fn an_address_is_taken_once_and_every_field_is_needed(shop: Shop) {
    let stranger = shop.stranger();
    stranger.post("/signup", person("asha@example.com")).await.expect(200);
    assert_eq!(refusal(&stranger.post("/signup", person("ASHA@example.com")).await), "400 User already exists");
    assert_eq!(refusal(&stranger.post("/store/signup", staff("asha@example.com")).await), "400 User already exists");
    for field in ["First_Name", "Last_Name", "Age", "Sex", "Contact_Number", "Password"] {
        let mut body = person("ravi@example.com");
        body.as_object_mut().unwrap().remove(field);
        assert_eq!(refusal(&stranger.post("/signup", body).await), format!("400 '{field}' is missing"));
    }
    let mut body = person("ravi@example.com");
    body["Age"] = json!("old");
    assert_eq!(refusal(&stranger.post("/signup", body).await), "400 'Age' is a number of years");
    let mut body = person("ravi@example.com");
    body["Password"] = json!("123456");
    stranger.post("/signup", body).await.expect(400);
    assert_eq!(refusal(&stranger.post("/signup", person("nobody")).await), "400 'Email_ID' is not an e-mail address");
    assert_eq!(shop.number("select count(*) from users").await, 1);
}

in_demo!(names_are_known_in_any_spelling_and_bodies_in_any_form);
async fn names_are_known_in_any_spelling_and_bodies_in_any_form(shop: Shop) {
    let stranger = shop.stranger();
    let json = r#"{"first_name":"A","last_name":"B","age":"31","sex":"F","contact_number":9840012345,"email_id":"a@example.com","password":"lotus-pond-7"}"#;
    stranger.call("POST".parse().unwrap(), "/signup").body(json).await.expect(200);
    let plain = "text/plain";
    stranger
        .call("POST".parse().unwrap(), "/signup")
        .body(json.replace("a@", "b@"))
        .header("content-type", plain)
        .await
        .expect(200);
    let form = "first-name=A&last-name=B&age=31&sex=F&contact-number=%2B919840012345&email-id=c%40example.com&password=lotus-pond-7";
    let reply = stranger
        .call("POST".parse().unwrap(), "/signup")
        .body(form)
        .header("content-type", "application/x-www-form-urlencoded")
        .await;
    assert_snapshot!(reply, @r#"200 {"message":"User signed up successfully"}"#);
    assert_eq!(shop.number("select count(*) from users where phone = '+919840012345'").await, 1);
}

in_demo!(users_sign_up_and_log_in_with_a_user_name);
async fn users_sign_up_and_log_in_with_a_user_name(shop: Shop) {
    let stranger = shop.stranger();
    let body = json!({ "username": "your_username", "password": "your_password" });
    assert_snapshot!(stranger.post("/signup", body.clone()).await, @r#"201 {"msg":"User created successfully"}"#);
    let reply = stranger.post("/login", body.clone()).await.expect(200).json();
    let members: Vec<&String> = reply.as_object().unwrap().keys().collect();
    assert_eq!(members, ["access_token"]);
    let user = stranger.with_token(reply["access_token"].as_str().unwrap());
    assert_snapshot!(user.get("/protected").await, @r#"200 {"logged_in_as":"your_username"}"#);

    let msg =
        |reply: &crate::support::Reply| format!("{} {}", reply.status.as_u16(), reply.json()["msg"].as_str().unwrap());
    assert_eq!(msg(&stranger.post("/signup", body).await), "400 Username already exists");
    for body in [
        json!({ "username": "ravi" }),
        json!({ "username": "", "password": "x" }),
        json!({}),
        json!({ "password": "x" }),
    ] {
        assert_eq!(msg(&stranger.post("/signup", body.clone()).await), "400 Username and password are required");
        assert_eq!(msg(&stranger.post("/login", body).await), "400 Username and password are required");
    }
    let wrong = json!({ "username": "your_username", "password": "other" });
    assert_eq!(msg(&stranger.post("/login", wrong).await), "401 Invalid username or password");
    let unknown = json!({ "username": "nobody", "password": "your_password" });
    assert_eq!(msg(&stranger.post("/login", unknown).await), "401 Invalid username or password");
    assert_eq!(msg(&stranger.get("/protected").await), "401 Missing or invalid token");
    let forged = stranger.with_token("no.such.token");
    assert_eq!(msg(&forged.get("/protected").await), "401 Missing or invalid token");
}

on_both!(a_real_shop_lets_customers_sign_up_and_nobody_else);
async fn a_real_shop_lets_customers_sign_up_and_nobody_else(shop: Shop) {
    let stranger = shop.stranger();
    stranger.post("/signup", person("asha@example.com")).await.expect(200);
    let user = json!({ "username": "your_username", "password": "your_password" });
    assert_eq!(
        refusal(&stranger.post("/signup", user).await),
        "403 Users of this shop's back office are invited: ask the owner for an account."
    );
    assert_eq!(
        refusal(&stranger.post("/store/signup", staff("ravi@example.com")).await),
        "403 Who works in this shop is invited: ask the owner for an account."
    );
    assert_eq!(shop.number("select count(*) from users where kind = 'staff'").await, 0);
}

on_both!(whom_the_owner_invited_comes_in_by_the_documented_doors);
async fn whom_the_owner_invited_comes_in_by_the_documented_doors(shop: Shop) {
    shop.open_account(Role::Manager, "meena", Some("lotus-pond-7"), Status::Active).await;
    let owner = shop.sign_in(Role::Owner).await;
    let body = json!({ "role": "manager", "username": "uploader", "password": "lotus-pond-7", "firstName": "U" });
    owner.post("/api/users", body).await.expect(201);
    let stranger = shop.stranger();
    let body = json!({ "username": "uploader", "password": "lotus-pond-7" });
    let token = stranger.post("/login", body).await.expect(200).json();
    let uploader = stranger.with_token(token["access_token"].as_str().unwrap());
    assert_snapshot!(uploader.get("/protected").await, @r#"200 {"logged_in_as":"uploader"}"#);

    let body = json!({ "Email_ID": "meena@example.com", "Password": "lotus-pond-7" });
    let reply = stranger.post("/store/login", body).await.expect(200);
    assert_eq!(reply.json()["message"], "Login successful");
    let cookie = reply.header("set-cookie").split(';').next().unwrap().to_owned();
    // Kept by the tools that the documents name, which say nothing of where they come from.
    let kept = stranger.with("cookie", &cookie);
    let soap = json!({ "Product_name": "Soap", "Rate": 42, "Stock": 5 });
    kept.post("/add_item/manager", soap.clone()).await.expect(200);
    // Another site that makes the same browser send it opens nothing.
    let forged = kept.post("/add_item/manager", soap).header("origin", "https://evil.example").await;
    assert_eq!(forged.status, 403);
}

on_both!(a_customer_is_no_store_user);
async fn a_customer_is_no_store_user(shop: Shop) {
    let stranger = shop.stranger();
    stranger.post("/signup", person("asha@example.com")).await.expect(200);
    let body = json!({ "Email_ID": "asha@example.com", "Password": "lotus-pond-7" });
    let reply = stranger.post("/store/login", body).await.expect(401);
    assert_eq!(reply.json()["message"], "Invalid credentials");
    assert_eq!(refusal(&stranger.post("/store/login", json!({})).await), "400 No data provided");
}

in_demo!(a_shopkeeper_of_the_demo_shop_waits_for_nobody);
async fn a_shopkeeper_of_the_demo_shop_waits_for_nobody(shop: Shop) {
    shop.sign_in(Role::Owner).await;
    let body = json!({
        "email": "ravi@example.com", "password": "lotus-pond-7", "firstName": "Ravi", "lastName": "K",
        "phone": "9840012345", "role": "shopkeeper", "shopName": "Ravi Stores",
    });
    let reply = shop.stranger().post("/api/auth/register", body).await.expect(201).json();
    let ravi = shop.stranger().with_token(reply["token"].as_str().unwrap());
    ravi.get("/api/shopkeeper/stats").await.expect(200);
}

/// Starts the program as somebody at the machine does, with a folder of its own.
fn start(command: &str, folder: &std::path::Path) -> Process {
    let arguments = [command, "--listen", "127.0.0.1:0", "--data-dir", folder.to_str().unwrap()];
    Process::start(Command::new(env!("CARGO_BIN_EXE_kirana")).args(arguments))
}

#[test]
fn the_demo_shop_opens_what_documents_print_and_a_real_one_does_not() {
    block_on(async {
        let folder = tempfile::tempdir().unwrap();
        let soap = json!({ "Product_name": "Soap", "Rate": 42, "Stock": 5 });
        let laptop = json!({ "name": "Laptop", "price": 55000, "quantity": 10 });
        for (command, opens) in [("serve", false), ("demo", true)] {
            let process = start(command, &folder.path().join(command));
            let stranger = process.stranger();
            let added = stranger.post("/add_item/manager", soap.clone()).await;
            let keyed = stranger.post("/products", laptop.clone()).header("x-api-key", "secret123").await;
            let signed = stranger.post("/store/signup", staff("meena@example.org")).await;
            let statuses = [added, keyed, signed].map(|reply| reply.status.as_u16());
            assert_eq!(statuses, if opens { [200, 201, 200] } else { [401, 401, 403] }, "{command}");
        }
    });
}

/// A store user, as the document of *Supermarket Backend* has them.
pub fn staff(email: &str) -> serde_json::Value {
    let mut body = person(email);
    body["Designation"] = json!("manager");
    body
}
