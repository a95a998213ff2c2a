//! `POST /api/auth/login`.

use insta::assert_snapshot;
use kirana::staff::{Role, Status};
use serde_json::{Value, json};

use crate::support::{Reply, Shop, on_both};

async fn log_in(shop: &Shop, login: &str, password: &str) -> Reply {
    shop.stranger().post("/api/auth/login", json!({ "email": login, "password": password })).await
}

on_both!(a_wrong_password_and_an_unknown_account_are_refused_alike);
async fn a_wrong_password_and_an_unknown_account_are_refused_alike(shop: Shop) {
    shop.open_account(Role::Cashier, "till", Some("correct horse"), Status::Active).await;
    shop.open_account(Role::Customer, "guest", None, Status::Active).await;
    for (login, password) in [
        ("till@example.com", "Correct horse"),
        ("nobody@example.com", "correct horse"),
        ("guest@example.com", "correct horse"),
        ("' or 1=1 --", "x"),
    ] {
        let reply = log_in(&shop, login, password).await;
        assert_snapshot!(reply, @r#"401 {"code":"invalid_credentials","detail":"Invalid credentials"}"#);
        assert_eq!(reply.json()["error"], "Invalid credentials");
        assert_eq!(reply.header("www-authenticate"), "Bearer");
    }
    for body in [json!({}), json!({ "email": "till@example.com" }), json!({ "email": "", "password": "" })] {
        assert_snapshot!(shop.stranger().post("/api/auth/login", body).await, @r#"400 {"code":"missing","detail":"Email and password required"}"#);
    }
    assert_eq!(shop.number("select count(*) from sessions").await, 0);
}

on_both!(who_tries_too_often_waits_and_the_wait_doubles);
async fn who_tries_too_often_waits_and_the_wait_doubles(shop: Shop) {
    shop.open_account(Role::Cashier, "till", Some("correct horse"), Status::Active).await;
    for _ in 0..5 {
        log_in(&shop, "till@example.com", "wrong").await.expect(401);
    }
    let held = log_in(&shop, "till@example.com", "correct horse").await;
    assert_snapshot!(held, @r#"429 {"code":"too_many_requests","detail":"Too many failed log-ins. Try again in 2 seconds."}"#);
    assert_eq!(held.header("retry-after"), "2");
    let other_case = log_in(&shop, " TILL@example.com ", "correct horse").await;
    assert_eq!(other_case.code(), "too_many_requests", "another spelling is the same account");

    shop.clock.advance_ms(1_001);
    log_in(&shop, "till@example.com", "wrong").await.expect(401);
    shop.clock.advance_ms(1_001);
    assert_eq!(log_in(&shop, "till@example.com", "correct horse").await.code(), "too_many_requests");
    shop.clock.advance_ms(1_000);
    log_in(&shop, "till@example.com", "correct horse").await.expect(200);
    log_in(&shop, "till@example.com", "wrong").await.expect(401);
    log_in(&shop, "till@example.com", "correct horse").await.expect(200);
}

on_both!(many_guesses_at_once_are_no_way_around_the_wait);
async fn many_guesses_at_once_are_no_way_around_the_wait(shop: Shop) {
    shop.open_account(Role::Cashier, "till", Some("correct horse"), Status::Active).await;
    let mut calls = Vec::new();
    for _ in 0..30 {
        let body = json!({ "email": "till@example.com", "password": "wrong" });
        let stranger = shop.stranger();
        calls.push(tokio::spawn(async move { stranger.post("/api/auth/login", body).await.status.as_u16() }));
    }
    let mut answers = Vec::new();
    for call in calls {
        answers.push(call.await.unwrap());
    }
    answers.sort_unstable();
    assert_eq!(answers, [vec![401; 5], vec![429; 25]].concat());
}

on_both!(an_account_that_waits_or_was_disabled_does_not_open);
async fn an_account_that_waits_or_was_disabled_does_not_open(shop: Shop) {
    shop.open_account(Role::Manager, "new", Some("correct horse"), Status::Pending).await;
    shop.open_account(Role::Manager, "old", Some("correct horse"), Status::Disabled).await;
    assert_snapshot!(log_in(&shop, "new@example.com", "correct horse").await, @r#"403 {"code":"account_pending","detail":"This account waits for the owner's approval."}"#);
    assert_snapshot!(log_in(&shop, "old@example.com", "correct horse").await, @r#"403 {"code":"account_disabled","detail":"This account has been disabled."}"#);
    assert_eq!(log_in(&shop, "old@example.com", "wrong").await.code(), "invalid_credentials", "said only to its owner");
    assert_eq!(shop.number("select count(*) from sessions").await, 0);
}

on_both!(a_log_in_answers_with_the_documented_fields_and_a_token_that_opens);
async fn a_log_in_answers_with_the_documented_fields_and_a_token_that_opens(shop: Shop) {
    shop.open_account(Role::StockKeeper, "rafi", Some("correct horse"), Status::Active).await;
    let reply = log_in(&shop, "Rafi@example.com", "correct horse").await.expect(200);
    let mut answer = reply.json();
    let token = std::mem::replace(&mut answer["token"], json!("..."));
    assert_snapshot!(answer, @r#"{"message":"Login successful","token":"...","userId":"1","userName":"rafi","userRole":"shopkeeper","role":"stock_keeper","status":"active"}"#);
    let me = shop.stranger().with_token(token.as_str().unwrap()).get("/api/auth/me").await.expect(200).json();
    assert_eq!((&me["role"], &me["lastLoginAt"]), (&json!("stock_keeper"), &json!("2026-03-02T04:30:00Z")));
    assert!(me.get("passwordHash").is_none());
}

on_both!(a_body_that_is_none_is_refused_before_anything_is_looked_up);
async fn a_body_that_is_none_is_refused_before_anything_is_looked_up(shop: Shop) {
    let stranger = shop.stranger();
    assert_snapshot!(stranger.post("/api/auth/login", Value::Null).await, @r#"400 {"code":"invalid","detail":"body: invalid type: null, expected an object","errors":[{"field":"body","code":"invalid","message":"body: invalid type: null, expected an object"}]}"#);
    assert_snapshot!(stranger.post("/api/auth/login", json!({ "email": 7 })).await, @r#"400 {"code":"invalid","detail":"email: invalid type: integer `7`, expected a string","errors":[{"field":"email","code":"invalid","message":"email: invalid type: integer `7`, expected a string"}]}"#);
    assert_snapshot!(stranger.call(axum::http::Method::POST, "/api/auth/login").await, @r#"415 {"code":"unsupported_media_type","detail":"Send JSON with the content type application/json."}"#);
    let large = stranger.post("/api/auth/login", json!({ "email": "x".repeat(1_100_000) })).await;
    assert_snapshot!(large, @r#"413 {"code":"too_large","detail":"The body is larger than this route takes."}"#);
}
