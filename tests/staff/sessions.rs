//! How sessions end, and what a cookie opens.

use axum::http::{HeaderMap, HeaderName, Method};
use insta::assert_snapshot;
use kirana::staff::access::is_own_page;
use kirana::staff::actions::Carrier;
use kirana::staff::{Role, Status};
use serde_json::json;

use crate::support::{Shop, on_both};

on_both!(a_session_ends_at_once_and_no_other_with_it);
async fn a_session_ends_at_once_and_no_other_with_it(shop: Shop) {
    let phone = shop.sign_in(Role::Owner).await;
    let till = shop.sign_in(Role::Owner).await;
    phone.get("/api/auth/me").await.expect(200);
    phone.post("/api/auth/logout", ()).await.expect(204);
    assert_snapshot!(phone.get("/api/auth/me").await, @r#"401 {"code":"unauthorized","detail":"Log in to do this."}"#);
    phone.post("/api/auth/logout", ()).await.expect(401);
    till.get("/api/auth/me").await.expect(200);
}

on_both!(a_new_password_ends_every_other_session);
async fn a_new_password_ends_every_other_session(shop: Shop) {
    let user = shop.open_account(Role::Cashier, "till", Some("correct horse"), Status::Active).await;
    let here = shop.stranger().with_token(&shop.open_session(user, Carrier::Token).await);
    let there = shop.stranger().with_token(&shop.open_session(user, Carrier::Token).await);
    let page = format!("kirana={}", shop.open_session(user, Carrier::Cookie).await);
    let page = shop.stranger().with("cookie", &page);
    let change = |current: &str, new: &str| json!({ "currentPassword": current, "newPassword": new });

    assert_snapshot!(here.put("/api/auth/password", change("wrong", "battery staple")).await, @r#"400 {"code":"wrong","detail":"The current password is not right.","errors":[{"field":"currentPassword","code":"wrong","message":"The current password is not right."}]}"#);
    assert_snapshot!(here.put("/api/auth/password", change("correct horse", "till@example.com")).await, @r#"400 {"code":"weak_password","detail":"The password must not be the log-in itself.","errors":[{"field":"newPassword","code":"weak_password","message":"The password must not be the log-in itself."}]}"#);
    for client in [&here, &there, &page] {
        client.get("/api/auth/me").await.expect(200);
    }

    here.put("/api/auth/password", change("correct horse", "battery staple")).await.expect(204);
    here.get("/api/auth/me").await.expect(200);
    there.get("/api/auth/me").await.expect(401);
    page.get("/api/auth/me").await.expect(401);
    let login = |password: &str| {
        shop.stranger().post("/api/auth/login", json!({ "email": "till@example.com", "password": password }))
    };
    login("correct horse").await.expect(401);
    login("battery staple").await.expect(200);
}

on_both!(an_account_that_is_disabled_is_out_at_once);
async fn an_account_that_is_disabled_is_out_at_once(shop: Shop) {
    let cashier = shop.sign_in(Role::Cashier).await;
    cashier.get("/api/auth/me").await.expect(200);
    shop.disable(cashier.user.unwrap()).await;
    cashier.get("/api/auth/me").await.expect(401);
}

on_both!(a_session_ends_after_seven_days);
async fn a_session_ends_after_seven_days(shop: Shop) {
    const WEEK_MS: i64 = 7 * 24 * 3_600_000;
    let user = shop.open_account(Role::Cashier, "till", None, Status::Active).await;
    let token = shop.stranger().with_token(&shop.open_session(user, Carrier::Token).await);
    let cookie = format!("kirana={}", shop.open_session(user, Carrier::Cookie).await);
    let cookie = shop.stranger().with("cookie", &cookie);
    shop.clock.advance_ms(WEEK_MS - 1_000);
    token.get("/api/auth/me").await.expect(200);
    cookie.get("/api/auth/me").await.expect(200);
    shop.clock.advance_ms(1_000);
    token.get("/api/auth/me").await.expect(401);
    cookie.get("/api/auth/me").await.expect(401);
}

on_both!(a_cookie_is_no_token_and_a_token_is_no_cookie);
async fn a_cookie_is_no_token_and_a_token_is_no_cookie(shop: Shop) {
    let user = shop.open_account(Role::Cashier, "till", None, Status::Active).await;
    let token = shop.open_session(user, Carrier::Token).await;
    let secret = shop.open_session(user, Carrier::Cookie).await;
    shop.stranger().with("cookie", &format!("kirana={token}")).get("/api/auth/me").await.expect(401);
    shop.stranger().with_token(&secret).get("/api/auth/me").await.expect(401);
    shop.stranger().with("cookie", &format!("a=b; kirana={secret}")).get("/api/auth/me").await.expect(200);
    // Whoever shows a bad token is not let in by the cookie beside it.
    let both = shop.stranger().with("cookie", &format!("kirana={secret}")).with_token("bad");
    both.get("/api/auth/me").await.expect(401);
}

on_both!(another_site_cannot_use_a_cookie);
async fn another_site_cannot_use_a_cookie(shop: Shop) {
    let user = shop.open_account(Role::Cashier, "till", None, Status::Active).await;
    let cookie = format!("kirana={}", shop.open_session(user, Carrier::Cookie).await);
    let page = shop.stranger().with("cookie", &cookie);
    for (name, value) in [
        ("sec-fetch-site", "cross-site"),
        ("sec-fetch-site", "same-site"),
        ("origin", "https://evil.example"),
        ("origin", "null"),
        ("x-nothing", "1"),
    ] {
        let reply = page.post("/api/auth/logout", ()).header(name, value).await;
        assert_snapshot!(reply, @r#"403 {"code":"forbidden","detail":"This request came from another site."}"#);
    }
    page.get("/api/auth/me").header("sec-fetch-site", "cross-site").await.expect(200);
    page.post("/api/auth/logout", ()).header("sec-fetch-site", "same-origin").await.expect(204);
}

#[test]
fn only_our_own_pages_may_change_something_with_a_cookie() {
    let asked = |method: Method, headers: &[(&'static str, &str)]| {
        let headers: HeaderMap =
            headers.iter().map(|(name, value)| (HeaderName::from_static(name), value.parse().unwrap())).collect();
        is_own_page(&method, &headers)
    };
    let host = ("host", "shop.example:8000");
    for (own, method, headers) in [
        (true, Method::GET, vec![("sec-fetch-site", "cross-site")]),
        (true, Method::POST, vec![("sec-fetch-site", "same-origin")]),
        (true, Method::POST, vec![("sec-fetch-site", "none")]),
        (false, Method::POST, vec![("sec-fetch-site", "same-site")]),
        (false, Method::DELETE, vec![("sec-fetch-site", "cross-site"), ("origin", "https://shop.example:8000"), host]),
        (true, Method::POST, vec![("origin", "https://shop.example:8000"), host]),
        (false, Method::POST, vec![("origin", "https://shop.example"), host]),
        (false, Method::POST, vec![("origin", "https://evil.example"), host]),
        (false, Method::POST, vec![("origin", "https://shop.example:8000.evil.example"), host]),
        (false, Method::PUT, vec![("origin", "null"), host]),
        (false, Method::PATCH, vec![host]),
        (false, Method::POST, vec![]),
    ] {
        assert_eq!(asked(method.clone(), &headers), own, "{method} {headers:?}");
    }
}
