//! `POST /api/auth/register`, as the *Store Management System* document has it.

use std::time::Duration;

use insta::assert_snapshot;
use kirana::staff::actions::sign_up_shopkeeper;
use kirana::staff::{NewUser, Role, StaffError, Status};
use serde_json::{Value, json};

use crate::support::{Shop, on_both};

/// The documented fields of a role.
fn body(email: &str, role: &str) -> Value {
    json!({
        "email": email, "password": "correct horse", "firstName": "Asha", "lastName": "Rao", "phone": "9800000001",
        "role": role,
    })
}

/// A body with one field set anew, or left out when it is null.
fn changed(mut body: Value, field: &str, value: Value) -> Value {
    let members = body.as_object_mut().unwrap();
    if value.is_null() {
        members.remove(field);
    } else {
        members.insert(field.to_owned(), value);
    }
    body
}

on_both!(a_missing_field_is_named_and_nothing_is_written);
async fn a_missing_field_is_named_and_nothing_is_written(shop: Shop) {
    let stranger = shop.stranger();
    for field in ["email", "password", "firstName", "lastName", "phone", "role"] {
        for missing in [Value::Null, json!(""), json!("  ")] {
            let reply =
                stranger.post("/api/auth/register", changed(body("a@example.com", "customer"), field, missing)).await;
            assert_eq!((reply.status.as_u16(), reply.code().as_str()), (400, "missing"), "{field}");
            assert_eq!(reply.json()["error"], format!("Missing field: {field}"));
            assert_eq!(reply.json()["errors"][0]["field"], field);
        }
    }
    assert_eq!(shop.number("select count(*) from users").await, 0);
    assert_eq!(shop.number("select count(*) from audit_log").await, 0);
}

on_both!(what_is_wrong_is_said_field_by_field);
async fn what_is_wrong_is_said_field_by_field(shop: Shop) {
    let stranger = shop.stranger();
    let wrong = json!({
        "email": "asha", "password": "12345", "firstName": "A", "lastName": "R", "phone": "1", "role": "king",
        "dateOfBirth": "31/05/1990",
    });
    assert_snapshot!(stranger.post("/api/auth/register", wrong).await, @r#"400 {"code":"invalid","detail":"This is not an e-mail address.","errors":[{"field":"email","code":"invalid","message":"This is not an e-mail address."},{"field":"role","code":"invalid","message":"The role is customer or shopkeeper."},{"field":"password","code":"weak_password","message":"A password has at least 6 characters."},{"field":"dateOfBirth","code":"invalid","message":"A date is written like 1990-05-31."}]}"#);
    let unknown = changed(body("a@example.com", "customer"), "isOwner", json!(true));
    assert_snapshot!(stranger.post("/api/auth/register", unknown).await, @r#"400 {"code":"unknown","detail":"Unknown field: isOwner","errors":[{"field":"isOwner","code":"unknown","message":"Unknown field: isOwner"}]}"#);
    let long = changed(body("a@example.com", "customer"), "firstName", json!("x".repeat(101)));
    assert_snapshot!(stranger.post("/api/auth/register", long).await, @r#"400 {"code":"invalid","detail":"This text is too long.","errors":[{"field":"firstName","code":"too_long","message":"This text is too long."}]}"#);
    assert_eq!(shop.number("select count(*) from users").await, 0);
}

on_both!(an_address_that_is_taken_is_refused);
async fn an_address_that_is_taken_is_refused(shop: Shop) {
    let stranger = shop.stranger();
    stranger.post("/api/auth/register", body("asha@example.com", "customer")).await.expect(201);
    for (email, role) in
        [("asha@example.com", "customer"), (" ASHA@Example.com ", "customer"), ("asha@example.com", "shopkeeper")]
    {
        let reply = stranger.post("/api/auth/register", body(email, role)).await;
        assert_snapshot!(reply, @r#"400 {"code":"user_exists","detail":"User already exists","errors":[{"field":"email","code":"user_exists","message":"User already exists"}]}"#);
        assert_eq!(reply.json()["error"], "User already exists");
    }
    assert_eq!(shop.number("select count(*) from users").await, 1);
}

on_both!(a_refusal_has_the_members_of_a_problem_document_and_the_one_that_old_clients_read);
async fn a_refusal_has_the_members_of_a_problem_document_and_the_one_that_old_clients_read(shop: Shop) {
    let reply = shop.stranger().post("/api/auth/register", json!({})).header("x-request-id", "till-7").await;
    assert_eq!(reply.header("content-type"), "application/problem+json");
    assert_eq!(reply.header("x-request-id"), "till-7");
    assert_snapshot!(reply.text, @r#"{"type":"/api/docs#problem-missing","title":"Bad Request","status":400,"detail":"Missing field: email","error":"Missing field: email","code":"missing","request_id":"till-7","errors":[{"field":"email","code":"missing","message":"Missing field: email"}]}"#);
}

on_both!(a_customer_is_in_at_once);
async fn a_customer_is_in_at_once(shop: Shop) {
    let reply = shop.stranger().post("/api/auth/register", body("asha@example.com", "customer")).await.expect(201);
    let answer = changed(reply.json(), "token", json!("..."));
    assert_snapshot!(answer, @r#"{"message":"User registered successfully","token":"...","userId":"1","userName":"Asha Rao","userRole":"customer","role":"customer","status":"active"}"#);

    let me = shop.stranger().with_token(reply.json()["token"].as_str().unwrap()).get("/api/auth/me").await;
    assert_snapshot!(me, @r#"200 {"principal":"user:1","userId":"1","name":"Asha Rao","role":"customer","userRole":"customer","email":"asha@example.com","username":null,"storeId":null,"language":"en","totp":false,"lastLoginAt":"2026-03-02T04:30:00Z"}"#);
    assert_eq!(shop.number("select count(*) from customers").await, 1, "a customer has a row of sums");
}

on_both!(the_first_shopkeeper_owns_the_shop_and_a_later_one_waits);
async fn the_first_shopkeeper_owns_the_shop_and_a_later_one_waits(shop: Shop) {
    let stranger = shop.stranger();
    let opening = json!({
        "email": "owner@example.com", "password": "correct horse", "firstName": "Meera", "lastName": "Shah",
        "phone": "9800000002", "role": "shopkeeper", "shopName": "Shah & Sons", "shopAddress": "1 Market Road",
        "gstNumber": "", "upiId": "shah@upi", "qrCodeUrl": "",
    });
    let reply = stranger.post("/api/auth/register", opening).await.expect(201);
    assert_snapshot!(changed(reply.json(), "token", json!("...")), @r#"{"message":"User registered successfully","token":"...","userId":"1","userName":"Meera Shah","userRole":"shopkeeper","role":"owner","status":"active"}"#);
    assert_eq!(shop.number("select count(*) from shop where name = 'Shah & Sons' and upi_id = 'shah@upi'").await, 1);

    let reply = stranger.post("/api/auth/register", body("second@example.com", "shopkeeper")).await.expect(201);
    assert_snapshot!(reply, @r#"201 {"message":"User registered successfully","token":null,"userId":"2","userName":"Asha Rao","userRole":"shopkeeper","role":"manager","status":"pending"}"#);
    let login = json!({ "email": "second@example.com", "password": "correct horse" });
    assert_snapshot!(stranger.post("/api/auth/login", login).await, @r#"403 {"code":"account_pending","detail":"This account waits for the owner's approval."}"#);
    assert_eq!(
        shop.number("select count(*) from shop where name = 'Shah & Sons'").await,
        1,
        "a later one names no shop"
    );
}

on_both!(of_two_first_shopkeepers_at_once_one_is_the_owner);
async fn of_two_first_shopkeepers_at_once_one_is_the_owner(shop: Shop) {
    let now = shop.clock.now();
    let (arrived, second_may_come) = std::sync::mpsc::channel();
    let sign_up = |name: &str, arrived: std::sync::mpsc::Sender<()>| {
        let new = NewUser { email: Some(format!("{name}@example.com")), ..NewUser::default() };
        let db = shop.db.clone();
        tokio::spawn(async move {
            db.write::<_, StaffError>(move |conn| {
                let (_, role) = sign_up_shopkeeper(conn, &new, true, "127.0.0.1", now)?;
                // The other one comes while this transaction is open.
                let _ = arrived.send(());
                std::thread::sleep(Duration::from_millis(300));
                Ok(role)
            })
            .await
            .unwrap()
        })
    };
    let first = sign_up("first", arrived.clone());
    tokio::task::spawn_blocking(move || second_may_come.recv().unwrap()).await.unwrap();
    let second = sign_up("second", arrived);
    assert_eq!([first.await.unwrap(), second.await.unwrap()], [Role::Owner, Role::Manager]);
}

on_both!(of_many_with_one_address_at_once_one_gets_it);
async fn of_many_with_one_address_at_once_one_gets_it(shop: Shop) {
    let mut calls = Vec::new();
    for _ in 0..8 {
        let stranger = shop.stranger();
        calls.push(tokio::spawn(async move {
            stranger.post("/api/auth/register", body("asha@example.com", "customer")).await
        }));
    }
    let mut answers = Vec::new();
    for call in calls {
        let reply = call.await.unwrap();
        answers.push((reply.status.as_u16(), reply.code()));
    }
    answers.sort();
    let taken = (400, "user_exists".to_owned());
    assert_eq!(answers, [vec![(201, String::new())], vec![taken; 7]].concat());
}

on_both!(an_owner_that_was_made_on_the_command_line_is_the_owner);
async fn an_owner_that_was_made_on_the_command_line_is_the_owner(shop: Shop) {
    shop.open_account(Role::Owner, "owner", None, Status::Active).await;
    let reply = shop.stranger().post("/api/auth/register", body("late@example.com", "shopkeeper")).await.expect(201);
    assert_eq!(reply.json()["status"], "pending");
    assert!(reply.json()["token"].is_null());
}
