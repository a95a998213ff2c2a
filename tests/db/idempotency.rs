//! One effect for each key, however many send it at once.

use axum::http::StatusCode;
use kirana::db::{Conn, Sequence};
use kirana::web::Problem;
use kirana::web::answer::Stored;
use kirana::web::extract::SentKey;
use kirana::web::idempotency::{Claim, once};
use serde_json::json;

use super::rows::insert;
use crate::support::{Shop, on_both};

fn claim(who: &str, key: &str, request: u8) -> Claim {
    Claim::new(who.to_owned(), SentKey { key: key.to_owned(), request_hash: [request; 16] })
}

/// Creates a row, once for the claim.
async fn create(shop: &Shop, claim: Option<Claim>) -> Result<Stored, Problem> {
    let now = shop.clock.now();
    let db = shop.db.clone();
    db.write(move |conn| {
        once(conn, claim.as_ref(), now, StatusCode::CREATED, |conn: &mut Conn<'_>| {
            let id = conn.next_id(Sequence::Categories)?;
            insert(conn, id)?;
            Ok::<_, kirana::db::Error>(json!({ "id": id }))
        })
    })
    .await
}

on_both!(of_fifty_at_once_one_has_an_effect_and_all_get_its_answer);
async fn of_fifty_at_once_one_has_an_effect_and_all_get_its_answer(shop: Shop) {
    let shop = std::sync::Arc::new(shop);
    let mut calls = Vec::new();
    for _ in 0..50 {
        let shop = shop.clone();
        calls.push(tokio::spawn(async move { create(&shop, Some(claim("user:1", "k", 1))).await.unwrap() }));
    }
    let mut answers = Vec::new();
    for call in calls {
        answers.push(call.await.unwrap());
    }
    assert_eq!(shop.number("select count(*) from categories").await, 1);
    assert_eq!(shop.number("select count(*) from idempotency_keys").await, 1);
    assert_eq!(answers.iter().filter(|answer| !answer.replayed).count(), 1);
    for answer in &answers {
        assert_eq!((answer.status, &answer.body), (201, &answers[0].body));
    }
}

on_both!(a_key_belongs_to_its_sender_and_its_request);
async fn a_key_belongs_to_its_sender_and_its_request(shop: Shop) {
    create(&shop, Some(claim("user:1", "k", 1))).await.unwrap();
    let other_request = create(&shop, Some(claim("user:1", "k", 2))).await.unwrap_err();
    assert_eq!((other_request.status.as_u16(), other_request.code), (422, "idempotency_key_reused"));
    assert!(!create(&shop, Some(claim("user:2", "k", 1))).await.unwrap().replayed, "another sender, another key");
    assert!(!create(&shop, None).await.unwrap().replayed);
    assert_eq!(shop.number("select count(*) from categories").await, 3);
}

on_both!(a_key_holds_for_a_day_at_least);
async fn a_key_holds_for_a_day_at_least(shop: Shop) {
    const DAY_MS: i64 = 24 * 3_600_000;
    create(&shop, Some(claim("user:1", "k", 1))).await.unwrap();
    shop.clock.advance_ms(DAY_MS);
    assert!(create(&shop, Some(claim("user:1", "k", 1))).await.unwrap().replayed);
    shop.clock.advance_ms(DAY_MS);
    assert!(!create(&shop, Some(claim("user:1", "k", 1))).await.unwrap().replayed);
    let now = shop.clock.now();
    let forgotten = shop.db.write(move |conn| kirana::web::idempotency::forget_old(conn, now)).await.unwrap();
    assert_eq!(forgotten, 1);
}

on_both!(a_refusal_is_not_kept);
async fn a_refusal_is_not_kept(shop: Shop) {
    let now = shop.clock.now();
    let refused: Result<Stored, Problem> = shop
        .db
        .write(move |conn| {
            once(conn, Some(&claim("user:1", "k", 1)), now, StatusCode::CREATED, |conn: &mut Conn<'_>| {
                insert(conn, 9)?;
                Err::<(), Problem>(Problem::conflict("short", "Too few."))
            })
        })
        .await;
    assert_eq!(refused.unwrap_err().code, "short");
    assert_eq!(shop.number("select count(*) from idempotency_keys").await, 0);
    assert!(!create(&shop, Some(claim("user:1", "k", 1))).await.unwrap().replayed);
    assert_eq!(shop.number("select count(*) from categories").await, 1);
}
