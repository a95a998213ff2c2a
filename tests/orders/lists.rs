//! Who sees which orders, page by page.

use std::collections::BTreeSet;

use insta::assert_snapshot;
use kirana::staff::Role;
use serde_json::{Value, json};

use super::order;
use crate::support::{Client, Shop, on_both};

/// Walks a list to its end; answers with the ids of each page.
async fn walk(client: &Client, path: &str) -> Vec<Vec<i64>> {
    let mut pages = Vec::new();
    let mut next = Some(path.to_owned());
    while let Some(path) = next {
        let reply = client.get(&path).await.expect(200);
        let id = |order: &Value| order["id"].as_str().unwrap().parse().unwrap();
        pages.push(reply.json().as_array().unwrap().iter().map(id).collect());
        let link = reply.header("link");
        next = link.strip_prefix('<').and_then(|link| link.strip_suffix(">; rel=\"next\"")).map(str::to_owned);
        assert!(pages.len() < 100, "the list never ends: {pages:?}");
    }
    pages
}

on_both!(a_customer_sees_their_own_orders_and_no_others);
async fn a_customer_sees_their_own_orders_and_no_others(shop: Shop) {
    let tea = shop.goods("Green tea").on_hand(100).create().await;
    let asha = shop.sign_in(Role::Customer).await;
    let ravi = shop.sign_in(Role::Customer).await;
    for _ in 0..7 {
        asha.post("/api/orders", order(&[(tea, 1)])).await.expect(201);
        ravi.post("/api/orders", order(&[(tea, 2)])).await.expect(201);
    }
    assert_snapshot!(asha.get("/api/orders/2").await, @r#"404 {"code":"not_found","detail":"There is no such order."}"#);
    assert_snapshot!(asha.get("/api/orders/99").await, @r#"404 {"code":"not_found","detail":"There is no such order."}"#);
    assert_snapshot!(asha.get("/api/shopkeeper/orders").await, @r#"403 {"code":"forbidden","detail":"Your role (customer) does not allow this."}"#);
    assert_snapshot!(shop.stranger().get("/api/orders/1").await, @r#"401 {"code":"unauthorized","detail":"Log in to do this."}"#);
    assert_snapshot!(asha.get("/api/customer/orders?limit=0").await, @r#"400 {"code":"invalid","detail":"The limit is between 1 and 5000.","errors":[{"field":"limit","code":"invalid","message":"The limit is between 1 and 5000."}]}"#);
    assert_snapshot!(asha.get("/api/customer/orders?customer=2").await, @r#"400 {"code":"invalid","detail":"customer: unknown field `customer`, expected `cursor` or `limit`","errors":[{"field":"customer","code":"invalid","message":"customer: unknown field `customer`, expected `cursor` or `limit`"}]}"#);
    shop.sign_in(Role::Cashier).await.get("/api/customer/orders").await.expect(403);

    assert_eq!(walk(&asha, "/api/customer/orders").await, [[13, 11, 9, 7, 5, 3, 1]]);
    assert_eq!(walk(&asha, "/api/customer/orders?limit=3").await, [vec![13, 11, 9], vec![7, 5, 3], vec![1]]);
    assert_eq!(asha.get("/api/customer/orders?limit=3").await.header("x-total-count"), "7");
    // A place in somebody else's list is no place in this one.
    assert_eq!(asha.get("/api/customer/orders?cursor=14").await.text, "[]");
    asha.post("/api/orders/9/cancel", json!({})).await.expect(200);
    let own = asha.get("/api/customer/orders").await.json();
    assert_eq!((own.as_array().unwrap().len(), &own[2]["status"]), (7, &json!("cancelled")));
}

on_both!(a_walk_through_all_orders_meets_each_once);
async fn a_walk_through_all_orders_meets_each_once(shop: Shop) {
    let owner = shop.sign_in(Role::Owner).await;
    let body = json!({ "code": "EAST", "name": "East" });
    let east = owner.post("/api/stores", body).await.expect(201).json()["id"].as_str().unwrap().parse().unwrap();
    let tea = shop.goods("Green tea").on_hand(100).in_store(east, 100).create().await;
    for number in 0..23 {
        let mut body = order(&[(tea, 1)]);
        body["storeId"] = json!(if number % 3 == 0 { "2" } else { "1" });
        let id = owner.post("/api/orders", body).await.expect(201).json()["orderId"].as_str().unwrap().to_owned();
        let step = ["confirm", "cancel", "pack", "none"][number % 4];
        if step != "none" {
            owner.post(&format!("/api/orders/{id}/{step}"), json!({})).await.expect(200);
        }
    }
    for limit in [1, 5, 23, 24] {
        let walked: Vec<i64> = walk(&owner, &format!("/api/shopkeeper/orders?limit={limit}")).await.concat();
        assert_eq!(walked, (1..=23).rev().collect::<Vec<i64>>(), "pages of {limit}");
    }
    let mut by_status = BTreeSet::new();
    for status in ["placed", "confirmed", "packed", "cancelled"] {
        let path = format!("/api/shopkeeper/orders?status={status}&limit=2");
        let walked = walk(&owner, &path).await.concat();
        assert!(!walked.is_empty() && walked.iter().all(|id| by_status.insert(*id)), "{status}: {walked:?}");
    }
    assert_eq!(by_status.len(), 23);
    assert_eq!(walk(&owner, "/api/shopkeeper/orders?status=open&limit=4").await.concat().len(), 17);
    let in_east = walk(&owner, "/api/shopkeeper/orders?store=2&limit=3").await.concat();
    assert_eq!(in_east, [22, 19, 16, 13, 10, 7, 4, 1]);
    for (query, total) in [("", "23"), ("?status=open", "17"), ("?status=cancelled", "6"), ("?store=2", "8")] {
        let reply = owner.get(&format!("/api/shopkeeper/orders{query}")).await;
        assert_eq!(reply.header("x-total-count"), total, "{query}");
    }
    assert_snapshot!(owner.get("/api/shopkeeper/orders?status=lost").await, @r#"400 {"code":"invalid","detail":"The status is open or one of the order's.","errors":[{"field":"status","code":"invalid","message":"The status is open or one of the order's."}]}"#);
}

on_both!(new_orders_do_not_shift_the_pages_of_a_walk);
async fn new_orders_do_not_shift_the_pages_of_a_walk(shop: Shop) {
    let tea = shop.goods("Green tea").on_hand(100).create().await;
    let asha = shop.sign_in(Role::Customer).await;
    let till = shop.sign_in(Role::Cashier).await;
    for _ in 0..4 {
        asha.post("/api/orders", order(&[(tea, 1)])).await.expect(201);
    }
    for (client, list) in [(&asha, "/api/customer/orders"), (&till, "/api/shopkeeper/orders")] {
        let first = client.get(&format!("{list}?limit=2")).await;
        let newest = first.json()[0]["id"].as_str().unwrap().parse::<i64>().unwrap();
        asha.post("/api/orders", order(&[(tea, 1)])).await.expect(201);
        let link = first.header("link").trim_start_matches('<').split('>').next().unwrap().to_owned();
        let second = walk(client, &link).await.concat();
        assert_eq!(second, (1..=newest - 2).rev().collect::<Vec<i64>>(), "{list}");
    }
}
