//! The pages around all others: the way in, and the places that people are led to.

use kirana::staff::Role;
use kirana::staff::places::open_places;

use crate::support::{Shop, on_both};

on_both!(every_place_that_is_shown_is_there_for_whom_it_is_shown_to);
async fn every_place_that_is_shown_is_there_for_whom_it_is_shown_to(shop: Shop) {
    for role in Role::ALL {
        let person = shop.sign_in(*role).await;
        for path in open_places(*role) {
            person.get(path).header("accept", "text/html").await.expect(200);
        }
    }
}

on_both!(until_there_is_an_owner_people_are_led_to_the_first_page_and_programs_are_answered);
async fn until_there_is_an_owner_people_are_led_to_the_first_page_and_programs_are_answered(shop: Shop) {
    let stranger = shop.stranger();
    for path in ["/", "/login", "/settings", "/no-such-page"] {
        let reply = stranger.get(path).header("accept", "text/html").await;
        assert_eq!((reply.status.as_u16(), reply.header("location")), (303, "/setup"), "{path}");
    }
    stranger.get("/api/products").header("accept", "text/html").await.expect(401);
    stranger.get("/login").await.expect(200);
    stranger.get("/setup").header("accept", "text/html").await.expect(200);
    let _owner = shop.sign_in(Role::Owner).await;
    assert_eq!(stranger.get("/setup").await.header("location"), "/", "it is done once");
    stranger.get("/login").header("accept", "text/html").await.expect(200);
}

on_both!(another_machine_guesses_the_code_a_few_times_and_no_more);
async fn another_machine_guesses_the_code_a_few_times_and_no_more(shop: Shop) {
    let form = |code: &str| {
        format!("shop_name=Asha+Stores&owner_name=Asha&login=asha%40example.com&password=a+good+long+one&code={code}")
    };
    let send = |code: &str| {
        let call = shop.stranger().call(axum::http::Method::POST, "/setup");
        let call = call.header("sec-fetch-site", "same-origin").header("x-forwarded-for", "192.0.2.7");
        call.header("content-type", "application/x-www-form-urlencoded").body(form(code))
    };
    for _ in 0..5 {
        send("AAAA-AAAA").await.expect(400);
    }
    send("AAAA-AAAA").await.expect(429);
    send(&shop.app.setup.code()).await.expect(429);
    assert_eq!(shop.number("select count(*) from users").await, 0);
    shop.clock.advance_ms(60_000);
    let reply = send(&shop.app.setup.code()).await;
    assert_eq!((reply.status.as_u16(), reply.header("location")), (303, "/"));
    assert!(reply.header("set-cookie").starts_with("kirana="), "{}", reply.header("set-cookie"));
    assert_eq!(shop.number("select count(*) from users where role = 'owner'").await, 1);
}
