//! Many at once: one effect for each key, nothing sold that is not there, nobody sees a deadlock.

use std::collections::BTreeMap;
use std::time::Duration;

use insta::assert_snapshot;
use kirana::ids::ProductId;
use kirana::staff::Role;
use rand_chacha::ChaCha12Rng;
use rand_chacha::rand_core::{Rng as _, SeedableRng as _};
use serde_json::{Value, json};

use super::{items, order};
use crate::support::{Client, Engine, Process, Reply, Shop, block_on, on_both, repeats};

/// Sends calls at the same moment; answers in the order of the calls.
async fn at_once(calls: Vec<impl Future<Output = Reply> + Send + 'static>) -> Vec<Reply> {
    let start = std::sync::Arc::new(tokio::sync::Barrier::new(calls.len()));
    let running: Vec<_> = calls
        .into_iter()
        .map(|call| {
            let start = start.clone();
            tokio::spawn(async move {
                start.wait().await;
                call.await
            })
        })
        .collect();
    let mut replies = Vec::with_capacity(running.len());
    for one in running {
        replies.push(one.await.unwrap());
    }
    replies
}

/// How often each status was answered.
fn statuses(replies: &[Reply]) -> BTreeMap<u16, usize> {
    let mut counts = BTreeMap::new();
    for reply in replies {
        *counts.entry(reply.status.as_u16()).or_default() += 1;
    }
    counts
}

on_both!(of_fifty_equal_requests_one_places_an_order);
async fn of_fifty_equal_requests_one_places_an_order(shop: Shop) {
    let tea = shop.goods("Green tea").price("4.50").on_hand(100).create().await;
    let asha = shop.sign_in(Role::Customer).await;
    let ravi = shop.sign_in(Role::Customer).await;
    let send = |client: &Client, quantity: i64| {
        client.with("idempotency-key", "cart-7").post("/api/orders", order(&[(tea, quantity)]))
    };
    let replies = at_once((0..50).map(|_| send(&asha, 2).into_future()).collect()).await;
    for reply in &replies {
        assert_eq!((reply.status.as_u16(), &reply.text), (201, &replies[0].text));
    }
    let fresh = replies.iter().filter(|reply| reply.header("idempotent-replay").is_empty()).count();
    assert_eq!(fresh, 1);
    assert_eq!(shop.number("select count(*) from orders").await, 1);
    assert_eq!(shop.left(tea).await, "98");

    assert_snapshot!(send(&asha, 3).await, @r#"422 {"code":"idempotency_key_reused","detail":"This Idempotency-Key was already used for another request."}"#);
    let elsewhere = asha.with("idempotency-key", "cart-7").post("/api/orders/1/cancel", json!({})).await;
    elsewhere.expect(422);
    let others = send(&ravi, 2).await.expect(201);
    assert_eq!((others.header("idempotent-replay"), &others.json()["orderId"]), ("", &json!("2")));
    assert_eq!(shop.number("select count(*) from orders").await, 2);
    shop.check_books().await;
}

on_both!(with_one_key_and_two_bodies_at_once_one_wins);
async fn with_one_key_and_two_bodies_at_once_one_wins(shop: Shop) {
    let tea = shop.goods("Green tea").on_hand(100).create().await;
    let asha = shop.sign_in(Role::Customer).await;
    let send = |index: i64| {
        let client = asha.with("idempotency-key", "cart-7");
        client.post("/api/orders", order(&[(tea, 1 + index % 2)])).into_future()
    };
    let replies = at_once((0..40).map(send).collect()).await;
    assert_eq!(statuses(&replies), BTreeMap::from([(201, 20), (422, 20)]));
    assert_eq!(shop.number("select count(*) from orders").await, 1);
    shop.check_books().await;
}

on_both!(a_key_of_a_refusal_may_be_used_again);
async fn a_key_of_a_refusal_may_be_used_again(shop: Shop) {
    let tea = shop.goods("Green tea").on_hand(1).create().await;
    let asha = shop.sign_in(Role::Customer).await.with("idempotency-key", "cart-7");
    let keeper = shop.sign_in(Role::StockKeeper).await;
    asha.post("/api/orders", order(&[(tea, 2)])).await.expect(409);
    keeper.post("/api/stock/adjustments", json!({ "lines": [{ "productId": tea, "delta": 1 }] })).await.expect(201);
    asha.post("/api/orders", order(&[(tea, 2)])).await.expect(201);
    assert_eq!(asha.post("/api/orders", order(&[(tea, 2)])).await.header("idempotent-replay"), "true");
    assert_eq!(shop.number("select count(*) from orders").await, 1);
    shop.check_books().await;
}

/// A hundred units, three hundred buyers who each want one: some get one, the others hear what is left.
async fn sell_out(buyers: Vec<Client>, product: ProductId) {
    let buy = |buyer: Client| async move { buyer.post("/api/orders", order(&[(product, 1)])).await };
    let replies = at_once(buyers.into_iter().map(buy).collect()).await;
    assert_eq!(statuses(&replies), BTreeMap::from([(201, 100), (409, 200)]));
    for reply in replies.iter().filter(|reply| reply.status.as_u16() == 409) {
        let body = reply.json();
        // Somebody may be refused only when nothing is left: each wants no more than one.
        assert_eq!((&body["code"], &body["available"]), (&json!("stock_short"), &json!(0)), "{reply}");
        assert_eq!(
            body["lines"],
            json!([{ "productId": product, "name": body["lines"][0]["name"], "wanted": 1, "available": 0 }])
        );
    }
}

on_both!(three_hundred_buyers_get_a_hundred_units);
async fn three_hundred_buyers_get_a_hundred_units(shop: Shop) {
    let buyers = shop.sign_in_customers(300).await;
    for round in 1..=repeats("KIRANA_TEST_ROUNDS", 3) {
        let product = shop.goods(&format!("Lamp {round}")).on_hand(100).create().await;
        sell_out(buyers.clone(), product).await;
        assert_eq!(shop.left(product).await, "0");
    }
    shop.check_books().await;
}

#[test]
fn two_servers_on_one_database_sell_no_unit_twice() {
    block_on(async {
        let shop = Shop::open(Engine::Postgres).await;
        shop.set_clock();
        let buyers = shop.sign_in_customers(300).await;
        let asha = shop.sign_in(Role::Customer).await;
        let servers = [Process::serve(&shop.scratch), Process::serve(&shop.scratch)];
        for server in &servers {
            server.ready().await;
        }
        let spread = |index: usize, client: &Client| servers[index % 2].client(client.token());
        let buyers: Vec<Client> = buyers.iter().enumerate().map(|(index, buyer)| spread(index, buyer)).collect();
        for round in 1..=repeats("KIRANA_TEST_ROUNDS", 3) {
            let product = shop.goods(&format!("Lamp {round}")).on_hand(100).create().await;
            sell_out(buyers.clone(), product).await;
            assert_eq!(shop.left(product).await, "0");
        }
        let before = shop.number("select count(*) from orders").await;
        let tea = shop.goods("Green tea").on_hand(100).create().await;
        let send = |index: usize| {
            spread(index, &asha).with("idempotency-key", "cart-7").post("/api/orders", order(&[(tea, 2)])).into_future()
        };
        let replies = at_once((0..50).map(send).collect()).await;
        for reply in &replies {
            assert_eq!((reply.status.as_u16(), &reply.text), (201, &replies[0].text));
        }
        assert_eq!(shop.number("select count(*) from orders").await, before + 1);

        let goods = goods(&shop).await;
        trade(buyers.into_iter().take(32).collect(), &goods).await;
        shop.check_books().await;
        for mut server in servers {
            assert_eq!(server.terminate(), Some(0), "{}", server.said());
        }
    });
}

/// Twenty products, a hundred of each.
async fn goods(shop: &Shop) -> Vec<ProductId> {
    let mut goods = Vec::new();
    for number in 0..20 {
        goods.push(shop.goods(&format!("Good {number}")).cost("61.50").tax_bp(1_200).on_hand(100).create().await);
    }
    goods
}

/// Each client places baskets of one to five lines in any order, and cancels some of them again.
async fn trade(clients: Vec<Client>, goods: &[ProductId]) {
    let running: Vec<_> = clients
        .into_iter()
        .zip(1..)
        .map(|(client, seed)| {
            let goods = goods.to_vec();
            tokio::spawn(async move {
                let mut dice = ChaCha12Rng::seed_from_u64(seed);
                let mut pick = |below: usize| dice.next_u32() as usize % below;
                for _ in 0..12 {
                    let lines = 1 + pick(5);
                    let wanted: Vec<(ProductId, i64)> =
                        (0..lines).map(|_| (goods[pick(goods.len())], 1 + i64::from(pick(4) == 0) * 3)).collect();
                    let reply = client.post("/api/orders", order(&wanted)).await;
                    let status = reply.status.as_u16();
                    assert!(status == 201 || reply.code() == "stock_short", "{reply}");
                    if status == 201 && pick(3) == 0 {
                        let path = format!("/api/orders/{}/cancel", reply.json()["orderId"].as_str().unwrap());
                        // Twice at once: one of them has nothing left to do.
                        let (one, other) = (client.with("x-request-id", "a"), client.with("x-request-id", "b"));
                        let cancel = |client: Client| {
                            let path = path.clone();
                            async move { client.post(&path, json!({})).await }
                        };
                        let replies = at_once(vec![cancel(one), cancel(other)]).await;
                        assert_eq!(
                            statuses(&replies),
                            BTreeMap::from([(200, 1), (409, 1)]),
                            "{} {}",
                            replies[0],
                            replies[1]
                        );
                    }
                }
            })
        })
        .collect();
    for one in running {
        one.await.unwrap();
    }
}

on_both!(baskets_in_any_order_never_wait_in_a_ring);
async fn baskets_in_any_order_never_wait_in_a_ring(shop: Shop) {
    let clients = shop.sign_in_customers(32).await;
    let goods = goods(&shop).await;
    trade(clients, &goods).await;
    assert!(shop.number("select count(*) from orders where status = 'cancelled'").await > 10);
    shop.check_books().await;
}

on_both!(two_managers_correct_one_product_at_once);
async fn two_managers_correct_one_product_at_once(shop: Shop) {
    let tea = shop.goods("Green tea").on_hand(10).create().await;
    let managers = [shop.sign_in(Role::Manager).await, shop.sign_in(Role::Manager).await];
    let adjust = |index: usize, change: Value| {
        let (manager, mut line) = (managers[index % 2].with("x-request-id", "a"), json!({ "productId": tea }));
        line.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        async move { manager.post("/api/stock/adjustments", json!({ "lines": [line] })).await }
    };
    let differences = (0..40).map(|index| adjust(index, json!({ "delta": if index % 2 == 0 { 3 } else { -1 } })));
    let replies = at_once(differences.collect()).await;
    let down = replies.iter().skip(1).step_by(2).filter(|reply| reply.status.as_u16() == 201).count();
    assert!(replies.iter().step_by(2).all(|reply| reply.status.as_u16() == 201));
    assert!(replies.iter().all(|reply| reply.status.as_u16() == 201 || reply.code() == "stock_short"));
    assert_eq!(shop.left(tea).await, (10 + 60 - down).to_string());

    // Both have counted the same: the second finds it so.
    let replies =
        at_once((0..2).map(|index| adjust(index, json!({ "onHand": 500, "reason": "count" }))).collect()).await;
    assert_eq!(statuses(&replies), BTreeMap::from([(201, 2)]));
    assert_eq!(shop.left(tea).await, "500");
    assert_eq!(shop.number("select count(*) from stock_moves where reason = 'count'").await, 1);

    // One takes everything away while the other sells it.
    let sell = |_| {
        let manager = managers[1].with("x-request-id", "b");
        async move { manager.post("/api/orders", json!({ "items": items(&[(tea, 100)]), "paymentMethod": "Cash" })).await }
    };
    let mut calls: Vec<std::pin::Pin<Box<dyn Future<Output = Reply> + Send>>> = Vec::new();
    for index in 0..5 {
        calls.push(Box::pin(sell(index)));
        calls.push(Box::pin(adjust(0, json!({ "delta": -100 }))));
    }
    let replies = at_once(calls).await;
    assert_eq!(statuses(&replies), BTreeMap::from([(201, 5), (409, 5)]));
    assert_eq!(shop.left(tea).await, "0");
    shop.check_books().await;
}

#[test]
fn a_batch_that_is_run_again_reads_everything_again() {
    block_on(async {
        let shop = Shop::open(Engine::Postgres).await;
        let tea = shop.goods("Green tea").on_hand(10).create().await;
        let till = shop.sign_in(Role::Cashier).await;
        // Nothing is wrong until the commit, which the engine refuses twice.
        shop.scratch.tamper(
            "create sequence refusals;
             create function refuse() returns trigger language plpgsql as $$ begin
               if nextval('refusals') <= 2 then raise exception 'not now' using errcode = '40001'; end if;
               return null;
             end $$;
             create constraint trigger refuse after insert on orders deferrable initially deferred
               for each row execute function refuse();",
        );
        till.post("/api/orders", order(&[(tea, 3)])).await.expect(201);
        assert_eq!(shop.number("select last_value from refusals").await, 3);
        assert_eq!(shop.left(tea).await, "7");
        shop.check_books().await;
        till.post("/api/orders", order(&[(tea, 7)])).await.expect(201);
        shop.check_books().await;
    });
}

#[test]
fn sessions_that_are_cut_in_the_midst_cost_no_order() {
    block_on(async {
        let shop = Shop::open(Engine::Postgres).await;
        let tea = shop.goods("Green tea").on_hand(10_000).create().await;
        let buyers = shop.sign_in_customers(16).await;
        let running: Vec<_> = buyers
            .into_iter()
            .enumerate()
            .map(|(number, buyer)| {
                tokio::spawn(async move {
                    let mut placed = 0;
                    for turn in 0..30 {
                        let key = format!("{number}-{turn}");
                        let buyer = buyer.with("idempotency-key", &key);
                        // Whoever hears that it is not known, or that it did not work, asks again.
                        let mut reply = buyer.post("/api/orders", order(&[(tea, 1)])).await;
                        for _ in 0..20 {
                            if reply.status.as_u16() == 201 {
                                break;
                            }
                            assert_eq!(reply.status.as_u16(), 503, "{reply}");
                            tokio::time::sleep(Duration::from_millis(20)).await;
                            reply = buyer.post("/api/orders", order(&[(tea, 1)])).await;
                        }
                        reply.expect(201);
                        placed += 1;
                    }
                    placed
                })
            })
            .collect();
        for _ in 0..10 {
            tokio::time::sleep(Duration::from_millis(60)).await;
            shop.scratch.tamper(
                "select pg_terminate_backend(pid) from pg_stat_activity
                 where datname = current_database() and pid <> pg_backend_pid()",
            );
        }
        let mut placed = 0;
        for one in running {
            placed += one.await.unwrap();
        }
        assert_eq!(placed, 480);
        assert_eq!(shop.number("select count(*) from orders").await, 480);
        assert_eq!(shop.left(tea).await, "9520");
        shop.check_books().await;
    });
}
