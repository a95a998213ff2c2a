//! What is on the shelves, why, and what was there before.

use insta::assert_snapshot;
use kirana::staff::Role;
use serde_json::{Value, json};

use crate::support::{Shop, on_both};

on_both!(stock_is_corrected_by_a_difference_or_a_count);
async fn stock_is_corrected_by_a_difference_or_a_count(shop: Shop) {
    let tea = shop.goods("Green tea").on_hand(10).create().await;
    let rice = shop.goods("Rice").unit("kg").on_hand(5).create().await;
    let keeper = shop.sign_in(Role::StockKeeper).await;
    let adjust = |lines: Value| keeper.post("/api/stock/adjustments", json!({ "lines": lines }));
    assert_snapshot!(adjust(json!([])).await, @r#"400 {"code":"invalid","detail":"Name at least one product.","errors":[{"field":"lines","code":"missing","message":"Name at least one product."}]}"#);
    assert_snapshot!(adjust(json!([{ "productId": tea }])).await, @r#"400 {"code":"invalid","detail":"Give either delta or onHand.","errors":[{"field":"lines[0]","code":"invalid","message":"Give either delta or onHand."}]}"#);
    assert_snapshot!(adjust(json!([{ "productId": tea, "delta": 1, "onHand": 1 }])).await, @r#"400 {"code":"invalid","detail":"Give either delta or onHand.","errors":[{"field":"lines[0]","code":"invalid","message":"Give either delta or onHand."}]}"#);
    assert_snapshot!(adjust(json!([{ "productId": tea, "delta": 1, "reason": "sale" }])).await, @r#"400 {"code":"invalid","detail":"Stock cannot be changed by hand for the reason sale.","errors":[{"field":"reason","code":"invalid","message":"Stock cannot be changed by hand for the reason sale."}]}"#);
    assert_snapshot!(adjust(json!([{ "productId": "99", "delta": 1 }])).await, @r#"404 {"code":"not_found","detail":"There is no stock of product 99 in store 1."}"#);
    assert_snapshot!(adjust(json!([{ "productId": rice, "delta": -1 }, { "productId": tea, "delta": -11 }])).await, @r#"409 {"code":"stock_short","detail":"Only 10 left; 11 cannot be taken.","productId":"1","wanted":11,"onHand":10}"#);
    assert_snapshot!(adjust(json!([{ "productId": tea, "onHand": -1 }])).await, @r#"409 {"code":"stock_short","detail":"Only 10 left; 11 cannot be taken.","productId":"1","wanted":11,"onHand":10}"#);
    assert_eq!((shop.left(tea).await, shop.left(rice).await), ("10".to_owned(), "5".to_owned()), "all or nothing");

    let cashier = shop.sign_in(Role::Cashier).await;
    let lines = json!({ "lines": [{ "productId": tea, "delta": 1 }] });
    assert_snapshot!(cashier.post("/api/stock/adjustments", lines).await, @r#"403 {"code":"forbidden","detail":"Your role (cashier) does not allow this."}"#);
    let lines = json!([
        { "productId": tea, "delta": -3, "reason": "damage", "note": "wet" },
        { "productId": rice, "onHand": 4.125, "reason": "count" },
        { "productId": tea, "onHand": 7 },
    ]);
    assert_snapshot!(adjust(lines).await, @r#"201 {"message":"Stock adjusted","moveIds":["3","4"]}"#);
    assert_eq!((shop.left(tea).await, shop.left(rice).await), ("7".to_owned(), "4.125".to_owned()));
    shop.check_books().await;
}

on_both!(pieces_are_counted_whole);
async fn pieces_are_counted_whole(shop: Shop) {
    let tea = shop.goods("Green tea").on_hand(10).create().await;
    let keeper = shop.sign_in(Role::StockKeeper).await;
    let body = json!({ "lines": [{ "productId": tea, "delta": 0.5 }] });
    assert_snapshot!(keeper.post("/api/stock/adjustments", body).await, @r#"400 {"code":"invalid","detail":"Product 1 is counted in whole pieces.","errors":[{"field":"lines","code":"invalid","message":"Product 1 is counted in whole pieces."}]}"#);
    let body = json!({ "lines": [{ "productId": tea, "onHand": 0.5 }] });
    keeper.post("/api/stock/adjustments", body).await.expect(400);
    assert_eq!(shop.left(tea).await, "10");
}

on_both!(each_move_names_the_one_before_it);
async fn each_move_names_the_one_before_it(shop: Shop) {
    let tea = shop.goods("Green tea").on_hand(10).create().await;
    let rice = shop.goods("Rice").on_hand(10).create().await;
    let owner = shop.sign_in(Role::Owner).await;
    let sale = |quantity: i64| json!({ "items": [{ "id": tea, "quantity": quantity }, { "id": rice, "quantity": 1 }], "paymentMethod": "Cash" });
    owner.post("/api/orders", sale(2)).await.expect(201);
    owner.post("/api/stock/adjustments", json!({ "lines": [{ "productId": tea, "delta": 5 }] })).await.expect(201);
    owner.post("/api/orders", sale(1)).await.expect(201);
    owner.post("/api/orders/1/cancel", json!({})).await.expect(200);

    let moves = owner.get(&format!("/api/stock/moves?product={tea}")).await.expect(200).json();
    let moves = moves.as_array().unwrap();
    let shown: Vec<String> = moves
        .iter()
        .map(|one| format!("{} {} -> {} {}", one["reason"], one["delta"], one["balanceAfter"], one["orderId"]))
        .map(|line| line.replace('"', ""))
        .collect();
    assert_eq!(
        shown,
        [
            "cancellation 2 -> 14 1",
            "sale -1 -> 12 2",
            "adjustment 5 -> 13 null",
            "sale -2 -> 8 1",
            "opening 10 -> 10 null"
        ]
    );
    for pair in moves.windows(2) {
        assert_eq!(pair[0]["previousMoveId"], pair[1]["id"]);
    }
    assert_eq!(moves[4]["previousMoveId"], json!(null));

    // In pages, none twice and none left out.
    let mut walked = Vec::new();
    let mut path = format!("/api/stock/moves?product={tea}&limit=2");
    while let Some(last) = owner.get(&path).await.json().as_array().filter(|page| !page.is_empty()) {
        walked.extend(last.clone());
        path =
            format!("/api/stock/moves?product={tea}&limit=2&cursor={}", last[last.len() - 1]["id"].as_str().unwrap());
    }
    assert_eq!(&walked, moves);
    assert_eq!(owner.get("/api/stock/moves").await.json().as_array().unwrap().len(), 9);
    assert_snapshot!(owner.get("/api/stock/moves?product=99").await, @r#"404 {"code":"not_found","detail":"There is no stock of product 99 in store 1."}"#);
    shop.check_books().await;
}

on_both!(stock_is_seen_as_it_was_at_an_instant);
async fn stock_is_seen_as_it_was_at_an_instant(shop: Shop) {
    const HOUR_MS: i64 = 3_600_000;
    let tea = shop.goods("Green tea").on_hand(10).create().await;
    let owner = shop.sign_in(Role::Owner).await;
    let mut history = vec![(shop.clock.now(), "10".to_owned())];
    // Past midnight in Kolkata and in UTC, with several changes on one day and none on others.
    for (hours, delta) in [(1, -3), (1, 20), (9, -5), (5, -1), (48, -4), (1, 7), (100, -9)] {
        shop.clock.advance_ms(hours * HOUR_MS);
        owner
            .post("/api/stock/adjustments", json!({ "lines": [{ "productId": tea, "delta": delta }] }))
            .await
            .expect(201);
        history.push((shop.clock.now(), shop.left(tea).await));
    }
    let soap = shop.goods("Soap").on_hand(3).create().await;
    shop.clock.advance_ms(HOUR_MS);
    let as_of = async |at: kirana::clock::Timestamp| {
        let rows = owner.get(&format!("/api/stock?asOf={at}")).await.expect(200).json();
        rows.as_array().unwrap().iter().map(|row| row["onHand"].to_string()).collect::<Vec<String>>()
    };
    for (index, (at, on_hand)) in history.iter().enumerate() {
        assert_eq!(as_of(*at).await, [on_hand.as_str(), if index == 7 { "3" } else { "0" }], "at {at}");
        let before = if index == 0 { "0" } else { &history[index - 1].1 };
        assert_eq!(as_of(at.plus_ms(-1)).await, [before, "0"], "just before {at}");
    }
    assert_eq!(shop.left(soap).await, "3");
    assert_snapshot!(owner.get("/api/stock?asOf=yesterday").await, @r#"400 {"code":"invalid","detail":"An instant is written like 2026-11-21T09:30:00Z.","errors":[{"field":"asOf","code":"invalid","message":"An instant is written like 2026-11-21T09:30:00Z."}]}"#);

    // An offset stays one on the next page.
    let page = owner.get("/api/stock?limit=1&asOf=2026-03-02T10:00:00%2B05:30").await.expect(200);
    let link = page.header("link").trim_start_matches('<').split('>').next().unwrap().to_owned();
    assert_eq!(owner.get(&link).await.expect(200).json()[0]["onHand"], json!(0));
}

on_both!(what_is_low_or_out_is_found);
async fn what_is_low_or_out_is_found(shop: Shop) {
    shop.goods("Plenty").on_hand(10).reorder_level(5).create().await;
    shop.goods("Low").on_hand(5).reorder_level(5).create().await;
    shop.goods("Out").in_store(kirana::ids::StoreId::new(1), 0).reorder_level(5).create().await;
    shop.goods("Gone").in_store(kirana::ids::StoreId::new(1), 0).create().await;
    let keeper = shop.sign_in(Role::StockKeeper).await;
    for (filter, names) in [
        ("", vec!["Plenty", "Low", "Out", "Gone"]),
        ("?filter=all", vec!["Plenty", "Low", "Out", "Gone"]),
        ("?filter=low", vec!["Low", "Out", "Gone"]),
        ("?filter=out", vec!["Out", "Gone"]),
    ] {
        let reply = keeper.get(&format!("/api/stock{filter}")).await.expect(200);
        let rows = reply.json();
        let found: Vec<&str> = rows.as_array().unwrap().iter().map(|row| row["name"].as_str().unwrap()).collect();
        assert_eq!((&found, reply.header("x-total-count")), (&names, names.len().to_string().as_str()));
        let mut walked = Vec::new();
        let mut path = Some(format!("/api/stock?limit=1&{}", filter.trim_start_matches('?')));
        while let Some(next) = path {
            let reply = keeper.get(&next).await.expect(200);
            walked.extend(reply.json().as_array().unwrap().iter().map(|row| row["name"].as_str().unwrap().to_owned()));
            path = reply.header("link").strip_prefix('<').and_then(|link| Some(link.split_once('>')?.0.to_owned()));
        }
        assert_eq!(walked, names);
    }
    assert_snapshot!(keeper.get("/api/stock?filter=lots").await, @r#"400 {"code":"invalid","detail":"The filter is low, out or recount.","errors":[{"field":"filter","code":"invalid","message":"The filter is low, out or recount."}]}"#);
    shop.sign_in(Role::Customer).await.get("/api/stock").await.expect(403);
}
