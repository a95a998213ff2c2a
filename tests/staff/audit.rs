//! The audit log: it verifies, and whoever changes it afterwards is found out.

use kirana::audit::{self, Break, By, Entry};
use kirana::staff::{Role, Status};
use serde_json::json;

use crate::support::{Shop, on_both};

/// The breaks in the log, and its entries.
async fn read(shop: &Shop) -> (Vec<Break>, Vec<Entry>) {
    shop.db
        .read::<_, kirana::db::Error>(|conn| {
            let mut entries = Vec::new();
            let breaks = audit::verify(conn, |entry| entries.push(entry.clone()))?;
            Ok((breaks, entries))
        })
        .await
        .unwrap()
}

async fn breaks(shop: &Shop) -> (Vec<Break>, usize) {
    let (breaks, entries) = read(shop).await;
    (breaks, entries.len())
}

/// Five entries, all by one writer.
async fn fill(shop: &Shop) {
    let now = shop.clock.now();
    shop.db
        .write::<_, kirana::db::Error>(move |conn| {
            for number in 0..5 {
                audit::record(conn, By::system(now), "test.note", &format!("test:{number}"), &json!({ "n": number }))?;
            }
            Ok(())
        })
        .await
        .unwrap();
}

on_both!(what_people_do_is_in_the_log_and_the_log_verifies);
async fn what_people_do_is_in_the_log_and_the_log_verifies(shop: Shop) {
    shop.open_account(Role::Cashier, "till", Some("correct horse"), Status::Active).await;
    let login = json!({ "email": "till@example.com", "password": "correct horse" });
    let reply = shop.stranger().post("/api/auth/login", login).await.expect(200);
    let till = shop.stranger().with_token(reply.json()["token"].as_str().unwrap());
    let change = json!({ "currentPassword": "correct horse", "newPassword": "battery staple" });
    till.put("/api/auth/password", change).await.expect(204);

    let (breaks, entries) = read(&shop).await;
    assert_eq!(breaks, []);
    let mut seen: Vec<String> =
        entries.iter().map(|entry| format!("{} {} {}", entry.actor, entry.action, entry.subject)).collect();
    seen.sort();
    assert_eq!(seen, ["system user.create user:1", "user:1 session.open user:1", "user:1 user.password user:1"]);
    let all: String = entries.iter().map(|entry| entry.detail.as_str()).collect();
    assert!(!all.contains("horse") && !all.contains("example.com"), "people and secrets stay out of it: {all}");
}

on_both!(a_change_behind_the_back_of_the_log_is_found);
async fn a_change_behind_the_back_of_the_log_is_found(shop: Shop) {
    fill(&shop).await;
    assert_eq!(breaks(&shop).await, (vec![], 5));
    // Personal data beside the chain may go.
    shop.execute("update audit_log set address = ''").await;
    assert_eq!(breaks(&shop).await.0, []);

    for (tamper, undo, seq, reason) in [
        (
            "update audit_log set detail = '{\"n\":9}' where seq = 3",
            "update audit_log set detail = '{\"n\":2}' where seq = 3",
            3,
            "this entry was changed",
        ),
        (
            "update audit_log set actor = 'user:9' where seq = 1",
            "update audit_log set actor = 'system' where seq = 1",
            1,
            "this entry was changed",
        ),
        (
            "update audit_log set at = at + 1 where seq = 5",
            "update audit_log set at = at - 1 where seq = 5",
            5,
            "this entry was changed",
        ),
    ] {
        shop.execute(tamper).await;
        let found: Vec<_> = breaks(&shop).await.0.iter().map(|found| (found.place.seq, found.reason)).collect();
        assert_eq!(found, [(seq, reason)], "{tamper}");
        shop.execute(undo).await;
        assert_eq!(breaks(&shop).await.0, []);
    }
    shop.execute("delete from audit_log where seq = 2").await;
    let found: Vec<_> = breaks(&shop).await.0.iter().map(|found| (found.place.seq, found.reason)).collect();
    assert_eq!(found, [(3, "an entry before this one is missing")]);
}

on_both!(writers_side_by_side_keep_chains_without_a_gap);
async fn writers_side_by_side_keep_chains_without_a_gap(shop: Shop) {
    let mut calls = Vec::new();
    for _ in 0..20 {
        let (db, now) = (shop.db.clone(), shop.clock.now());
        calls.push(tokio::spawn(async move {
            db.write(move |conn| audit::record(conn, By::system(now), "test.note", "test:1", &json!({}))).await.unwrap()
        }));
    }
    for call in calls {
        call.await.unwrap();
    }
    assert_eq!(breaks(&shop).await, (vec![], 20));
}
