//! A backup of either engine restored into either engine is the same shop.

use std::path::Path;

use kirana::db::{Options, restore};
use kirana::staff::{Role, Status};
use serde_json::json;

use crate::support::{Engine, Scratch, Shop, block_on, lines_of, on_both, open};

/// Something in many tables, with every kind of value: nulls, bytes, other scripts, the largest number.
async fn live(shop: &Shop) {
    shop.open_account(Role::Owner, "owner", Some("correct horse"), Status::Active).await;
    let login = json!({ "email": "owner@example.com", "password": "correct horse" });
    shop.stranger().post("/api/auth/login", login.clone()).await.expect(200);
    shop.stranger()
        .post("/api/auth/login", json!({ "email": "owner@example.com", "password": "wrong" }))
        .await
        .expect(401);
    shop.sign_in(Role::Customer).await;
    shop.execute("update shop set name = 'चावल & दाल \"1\"', updated_at = 9223372036854775807").await;
    shop.execute("insert into categories (id, name, name_key, created_at) values (1, 'Tea', 'tea', -1)").await;
    shop.execute(
        "insert into categories (id, parent_id, name, name_key, created_at) values (2, 1, 'Green', 'green', 0)",
    )
    .await;
}

/// Every table with its rows, as text.
fn content(file: &Path) -> Vec<(String, Vec<String>)> {
    let conn = rusqlite::Connection::open(file).unwrap();
    let mut tables = conn
        .prepare("select name from sqlite_master where type = 'table' and name not like 'sqlite%' and name <> 'schema_migrations' order by name")
        .unwrap();
    let names: Vec<String> = tables.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect();
    names.into_iter().map(|name| (name.clone(), lines_of(file, &name))).collect()
}

on_both!(a_backup_is_the_same_shop_in_either_engine);
async fn a_backup_is_the_same_shop_in_either_engine(shop: Shop) {
    live(&shop).await;
    let first = shop.scratch.file("first.backup");
    shop.db.backup(first.clone()).await.unwrap();
    let before = content(&first);
    let rows = |table: &str| before.iter().find(|(name, _)| name == table).unwrap().1.len();
    assert_eq!((rows("users"), rows("categories"), rows("customers"), rows("shop")), (2, 2, 1, 1));
    assert!(rows("audit_log") >= 4 && rows("throttles") == 2);
    assert_eq!(rows("users"), usize::try_from(shop.number("select count(*) from users").await).unwrap());

    for engine in [shop.scratch.engine, shop.scratch.engine.other()] {
        let scratch = Scratch::empty(engine);
        let (options, from) = (Options::at(scratch.location()), first.clone());
        tokio::task::spawn_blocking(move || restore(&from, &options)).await.unwrap().unwrap();
        let db = open(scratch.location()).unwrap();
        let breaks = db.read(|conn| kirana::audit::verify(conn, |_| ())).await.unwrap();
        assert_eq!(breaks, []);
        let second = scratch.file("second.backup");
        db.backup(second.clone()).await.unwrap();
        assert_eq!(content(&second), before, "restored into {engine:?}");
        // Numbers go on where they were.
        let next = db.write::<_, kirana::db::Error>(|conn| conn.next_id(kirana::db::Sequence::Users)).await.unwrap();
        assert_eq!(next, 3);
        let fresh = db.write::<_, kirana::db::Error>(|conn| conn.next_id(kirana::db::Sequence::Orders)).await.unwrap();
        assert_eq!(fresh, 1);
        db.close();
    }
}

on_both!(a_backup_overwrites_nothing);
async fn a_backup_overwrites_nothing(shop: Shop) {
    live(&shop).await;
    let file = shop.scratch.file("first.backup");
    std::fs::write(&file, "precious").unwrap();
    assert!(shop.db.backup(file.clone()).await.is_err());
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "precious");

    let good = shop.scratch.file("good.backup");
    shop.db.backup(good.clone()).await.unwrap();
    let options = Options::at(shop.scratch.location());
    let refused = tokio::task::spawn_blocking(move || restore(&good, &options)).await.unwrap();
    assert!(refused.is_err(), "a shop that is there is not overwritten");
    assert_eq!(shop.number("select count(*) from users").await, 2);
}

#[test]
fn a_damaged_or_foreign_file_is_not_restored() {
    block_on(async {
        let shop = Shop::open(Engine::Sqlite).await;
        live(&shop).await;
        let file = shop.scratch.file("first.backup");
        shop.db.backup(file.clone()).await.unwrap();
        let mut bytes = std::fs::read(&file).unwrap();
        let middle = bytes.len() / 2;
        bytes[middle..middle + 8192].fill(0x5a);
        let damaged = shop.scratch.file("damaged.backup");
        std::fs::write(&damaged, bytes).unwrap();
        let foreign = shop.scratch.file("foreign.sqlite");
        rusqlite::Connection::open(&foreign).unwrap().execute_batch("create table notes (text text)").unwrap();
        let text = shop.scratch.file("text.backup");
        std::fs::write(&text, "not a database").unwrap();
        for engine in [Engine::Sqlite, Engine::Postgres] {
            for file in [&damaged, &foreign, &text, &shop.scratch.file("absent.backup")] {
                let scratch = Scratch::empty(engine);
                let (options, from) = (Options::at(scratch.location()), file.clone());
                let outcome = tokio::task::spawn_blocking(move || restore(&from, &options)).await.unwrap();
                assert!(outcome.is_err(), "{} into {engine:?}", file.display());
            }
        }
    });
}
