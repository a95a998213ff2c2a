//! What PostgreSQL asks to be tried again is tried again, as a whole.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Barrier};

use kirana::db::Error;

use super::rows::insert;
use crate::support::{Engine, Shop, block_on};

kirana::statements! {
    SERIALIZATION_FAILURE() = "do $$ begin raise exception 'not now' using errcode = '40001'; end $$";
    FROZEN() = "set transaction isolation level repeatable read";
    LOOK() -> (i64,) = "select count(*) from stores";
    TOUCH(Int) = "update categories set position = position + 1 where id = $1";
}

#[test]
fn an_action_is_run_again_after_a_serialization_failure() {
    block_on(async {
        let shop = Shop::open(Engine::Postgres).await;
        let runs = Arc::new(AtomicUsize::new(0));
        let counter = runs.clone();
        let action = move |conn: &mut kirana::db::Conn<'_>| {
            insert(conn, 1)?;
            if counter.fetch_add(1, Ordering::SeqCst) < 3 {
                conn.execute(&SERIALIZATION_FAILURE, &[])?;
            }
            Ok::<_, Error>(())
        };
        shop.db.write(action).await.unwrap();
        assert_eq!(runs.load(Ordering::SeqCst), 4);
        assert_eq!(shop.number("select count(*) from categories").await, 1, "what was undone left nothing");
    });
}

#[test]
fn an_action_that_can_never_be_serialized_ends_as_busy() {
    block_on(async {
        let shop = Shop::open(Engine::Postgres).await;
        let outcome = shop.db.write(|conn| conn.execute(&SERIALIZATION_FAILURE, &[])).await;
        assert!(matches!(outcome, Err(Error::Again(_))), "{outcome:?}");
        assert_eq!(kirana::web::Problem::from(outcome.unwrap_err()).status.as_u16(), 503);
        shop.db.write(|conn| insert(conn, 1)).await.unwrap();
    });
}

#[test]
fn an_action_over_a_snapshot_that_was_overtaken_is_run_again() {
    block_on(async {
        let shop = Shop::open(Engine::Postgres).await;
        shop.db.write(|conn| insert(conn, 1)).await.unwrap();
        let runs = Arc::new(AtomicUsize::new(0));
        let (counter, (looked, seen), (overtaken, go_on)) =
            (runs.clone(), std::sync::mpsc::channel(), std::sync::mpsc::channel::<()>());
        let db = shop.db.clone();
        let slow = tokio::spawn(async move {
            db.write::<_, Error>(move |conn| {
                conn.execute(&FROZEN, &[])?;
                conn.only(&LOOK, &[])?;
                if counter.fetch_add(1, Ordering::SeqCst) == 0 {
                    looked.send(()).unwrap();
                    go_on.recv().unwrap();
                }
                conn.execute(&TOUCH, &[1.into()])
            })
            .await
        });
        tokio::task::spawn_blocking(move || seen.recv().unwrap()).await.unwrap();
        shop.db.write(|conn| conn.execute(&TOUCH, &[1.into()])).await.unwrap();
        overtaken.send(()).unwrap();
        assert_eq!(slow.await.unwrap().unwrap(), 1);
        assert_eq!(runs.load(Ordering::SeqCst), 2);
        assert_eq!(shop.number("select position from categories where id = 1").await, 2, "both counted");
    });
}

#[test]
fn of_two_that_wait_for_each_other_both_come_through() {
    block_on(async {
        let shop = Shop::open(Engine::Postgres).await;
        shop.db.write(|conn| insert(conn, 1).and_then(|()| insert(conn, 2))).await.unwrap();
        let (both_hold_one, runs) = (Arc::new(Barrier::new(2)), Arc::new(AtomicUsize::new(0)));
        let cross = |first: i64, second: i64| {
            let (db, both_hold_one, runs) = (shop.db.clone(), both_hold_one.clone(), runs.clone());
            tokio::spawn(async move {
                let mut met = false;
                db.write::<_, Error>(move |conn| {
                    runs.fetch_add(1, Ordering::SeqCst);
                    conn.execute(&TOUCH, &[first.into()])?;
                    if !std::mem::replace(&mut met, true) {
                        both_hold_one.wait();
                    }
                    conn.execute(&TOUCH, &[second.into()])
                })
                .await
            })
        };
        let (there, back) = (cross(1, 2), cross(2, 1));
        there.await.unwrap().unwrap();
        back.await.unwrap().unwrap();
        assert!(runs.load(Ordering::SeqCst) > 2, "the engine broke a deadlock");
        assert_eq!(shop.number("select cast(sum(position) as bigint) from categories").await, 4);
    });
}

#[test]
fn a_session_that_was_cut_is_opened_anew() {
    block_on(async {
        let shop = Shop::open(Engine::Postgres).await;
        shop.db.write(|conn| insert(conn, 1)).await.unwrap();
        for number in 2..6 {
            shop.scratch.tamper(
                "select pg_terminate_backend(pid) from pg_stat_activity
                 where datname = current_database() and pid <> pg_backend_pid()",
            );
            shop.db.write(move |conn| insert(conn, number)).await.unwrap();
        }
        assert_eq!(shop.db.halted(), None);
        assert_eq!(shop.number("select count(*) from categories").await, 5);
    });
}
