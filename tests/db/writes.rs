//! Many writes at once: what fails undoes itself and nothing else.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use kirana::db::{Error, Location, OpenError, TOPIC_EVENT};
use kirana::web::Problem;

use super::rows::insert;
use crate::support::{Engine, Scratch, Shop, on_both, open};

on_both!(one_that_fails_does_not_spoil_its_neighbours);
async fn one_that_fails_does_not_spoil_its_neighbours(shop: Shop) {
    let mut calls = Vec::new();
    for number in 0..60 {
        let db = shop.db.clone();
        calls.push(tokio::spawn(async move {
            db.write::<_, Error>(move |conn| {
                insert(conn, number)?;
                match number % 4 {
                    1 => Err(Error::shape("a refusal after a row was written")),
                    2 => insert(conn, number),
                    3 => panic!("a bug after a row was written"),
                    _ => Ok(()),
                }
            })
            .await
        }));
    }
    for (number, call) in calls.into_iter().enumerate() {
        let outcome = call.await.unwrap();
        match number % 4 {
            0 => outcome.unwrap(),
            1 => assert!(matches!(outcome, Err(Error::Shape(_))), "{outcome:?}"),
            // Two rows with one key: the engine's own refusal.
            2 => assert!(matches!(outcome, Err(Error::Violation(_))), "{outcome:?}"),
            _ => assert!(matches!(outcome, Err(Error::Engine(_))), "{outcome:?}"),
        }
    }
    assert_eq!(shop.number("select count(*) from categories").await, 15);
    assert_eq!(shop.number("select count(*) from categories where id % 4 <> 0").await, 0);
}

on_both!(a_panic_is_one_callers_500_and_no_halt);
async fn a_panic_is_one_callers_500_and_no_halt(shop: Shop) {
    let outcome = shop.db.write::<(), Error>(|_| panic!("a bug")).await.unwrap_err();
    assert_eq!(Problem::from(outcome).status.as_u16(), 500);
    let read = shop.db.read::<(), Error>(|_| panic!("a bug")).await;
    assert!(read.is_err());
    assert_eq!(shop.db.halted(), None);
    shop.db.write(|conn| insert(conn, 1)).await.unwrap();
    for _ in 0..8 {
        assert_eq!(shop.number("select count(*) from categories").await, 1, "every reader still answers");
    }
}

on_both!(a_notice_is_told_after_the_commit_and_only_then);
async fn a_notice_is_told_after_the_commit_and_only_then(shop: Shop) {
    let told = Arc::new(Mutex::new(Vec::new()));
    let listener = told.clone();
    shop.db.listen(move |notice| {
        if notice.topic == TOPIC_EVENT {
            listener.lock().unwrap().push(notice.text.clone());
        }
    });
    let mut calls = Vec::new();
    for number in 0..20 {
        let (db, told) = (shop.db.clone(), told.clone());
        calls.push(tokio::spawn(async move {
            let outcome = db
                .write::<_, Error>(move |conn| {
                    conn.announce(TOPIC_EVENT, number.to_string());
                    insert(conn, number)?;
                    if number % 3 == 0 { Err(Error::shape("refused")) } else { Ok(()) }
                })
                .await;
            // Whoever is answered is answered after the listeners were told.
            assert_eq!(told.lock().unwrap().contains(&number.to_string()), outcome.is_ok());
        }));
    }
    for call in calls {
        call.await.unwrap();
    }
    // Told by this process, and not once more by the engine.
    tokio::time::sleep(std::time::Duration::from_millis(400)).await;
    let mut told: Vec<i64> = told.lock().unwrap().iter().map(|text| text.parse().unwrap()).collect();
    told.sort_unstable();
    assert_eq!(told, (0..20).filter(|number| number % 3 != 0).collect::<Vec<_>>());
}

on_both!(a_read_sees_one_moment);
async fn a_read_sees_one_moment(shop: Shop) {
    kirana::statements! {
        COUNT() -> (i64,) = "select count(*) from categories";
    }
    let (db, counts) = (shop.db.clone(), Arc::new(AtomicUsize::new(0)));
    let reading = counts.clone();
    let reader = tokio::spawn(async move {
        db.read::<_, Error>(move |conn| {
            let before = conn.only(&COUNT, &[])?.0;
            reading.store(1, Ordering::SeqCst);
            while reading.load(Ordering::SeqCst) == 1 {
                std::thread::sleep(std::time::Duration::from_millis(5));
            }
            Ok((before, conn.only(&COUNT, &[])?.0))
        })
        .await
        .unwrap()
    });
    while counts.load(Ordering::SeqCst) == 0 {
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    shop.db.write(|conn| insert(conn, 1)).await.unwrap();
    counts.store(2, Ordering::SeqCst);
    assert_eq!(reader.await.unwrap(), (0, 0));
    assert_eq!(shop.number("select count(*) from categories").await, 1);
}

on_both!(what_was_written_is_there_after_closing_and_opening);
async fn what_was_written_is_there_after_closing_and_opening(shop: Shop) {
    shop.db.write(|conn| insert(conn, 7)).await.unwrap();
    shop.db.close();
    assert!(matches!(shop.db.write(|conn| insert(conn, 8)).await, Err(Error::Busy)), "a closed one takes nothing");
    let again = open(shop.scratch.location()).unwrap();
    kirana::statements! {
        LAST() -> (i64,) = "select max(id) from categories";
    }
    let (last,) = again.read::<_, Error>(|conn| conn.only(&LAST, &[])).await.unwrap();
    assert_eq!(last, 7);
    again.close();
}

#[test]
fn a_file_that_another_has_open_is_refused() {
    let scratch = Scratch::empty(Engine::Sqlite);
    let first = open(scratch.location()).unwrap();
    let refused = open(scratch.location()).err().expect("a refusal");
    let Location::File(path) = scratch.location() else { unreachable!() };
    assert!(matches!(&refused, OpenError::InUse(used) if *used == path), "{refused}");
    assert!(refused.to_string().contains("already open in another Kirana"), "{refused}");
    first.close();
    open(scratch.location()).unwrap().close();
}

#[test]
fn several_open_one_server_side_by_side_and_only_one_makes_the_schema() {
    let scratch = Scratch::empty(Engine::Postgres);
    let openers: Vec<_> = (0..3)
        .map(|_| {
            let location = scratch.location();
            std::thread::spawn(move || open(location).unwrap())
        })
        .collect();
    for opener in openers {
        opener.join().unwrap().close();
    }
}
