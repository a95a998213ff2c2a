//! The pages of the back office: who sees them, that their figures are the API's, that their forms change what
//! they say and are refused when no page of the session has sent them.

use axum::http::Method;
use kirana::ids::StoreId;
use kirana::staff::Role;
use kirana::staff::actions::Carrier;
use serde_json::json;

use crate::support::{Client, Reply, Shop, on_both};

/// A browser in which somebody of a role has logged in.
async fn browser(shop: &Shop, role: Role) -> Client {
    let user = shop.sign_in(role).await.user.unwrap();
    browser_of(shop, user).await
}

async fn browser_of(shop: &Shop, user: kirana::ids::UserId) -> Client {
    let secret = shop.open_session(user, Carrier::Cookie).await;
    let client = shop.stranger().with("cookie", &format!("kirana={secret}")).with("accept", "text/html");
    client.with("sec-fetch-site", "same-origin")
}

/// Sends a form as a page does.
async fn send(client: &Client, path: &str, form: &[(&str, &str)]) -> Reply {
    let body: Vec<String> =
        form.iter().map(|(name, value)| format!("{name}={}", kirana::web::answer::encode(value))).collect();
    client
        .call(Method::POST, path)
        .body(body.join("&"))
        .header("content-type", "application/x-www-form-urlencoded")
        .await
}

/// What the forms of a page send back.
fn token(page: &Reply) -> String {
    page.text.split("name=\"csrf\" value=\"").nth(1).unwrap().split('"').next().unwrap().to_owned()
}

/// Places an order of three for a customer, to be paid in some way; its id.
async fn place(shop: &Shop, method: &str) -> String {
    let tea = shop.goods("Assam tea").on_hand(20).create().await;
    let customer = shop.sign_in(Role::Customer).await;
    let order = json!({ "items": [{ "id": tea.to_string(), "quantity": 3 }], "paymentMethod": method });
    let placed = customer.post("/api/orders", order).await.expect(201).json();
    placed["orderId"].as_str().unwrap().to_owned()
}

on_both!(each_page_is_open_to_its_roles_and_closed_to_the_others);
async fn each_page_is_open_to_its_roles_and_closed_to_the_others(shop: Shop) {
    let order = place(&shop, "Cash").await;
    let customer = shop.sign_in(Role::Customer).await.user.unwrap();
    let all = &[Role::Owner, Role::Manager, Role::Cashier, Role::StockKeeper][..];
    let office = &[Role::Owner, Role::Manager][..];
    let pages = [
        ("/orders".to_owned(), all),
        ("/orders?column=done".to_owned(), all),
        (format!("/orders/{order}"), all),
        ("/inventory".to_owned(), all),
        ("/inventory?level=low".to_owned(), all),
        ("/inventory/1".to_owned(), all),
        ("/inventory/new".to_owned(), office),
        ("/inventory/import".to_owned(), office),
        ("/customers".to_owned(), &all[..3]),
        (format!("/customers/{customer}"), &all[..3]),
        ("/analytics".to_owned(), all),
        ("/analytics.csv".to_owned(), all),
    ];
    for role in Role::ALL {
        let client = browser(&shop, *role).await;
        for (path, open) in &pages {
            let status = client.get(path).await.status.as_u16();
            assert_eq!(status, if open.contains(role) { 200 } else { 403 }, "{path} as {role}");
        }
    }
    let stranger = shop.stranger().with("accept", "text/html");
    for (path, _) in &pages {
        let reply = stranger.get(path).await.expect(303);
        assert!(reply.header("location").starts_with("/login?next="), "{path}");
    }
}

on_both!(a_form_that_no_page_has_sent_changes_nothing);
async fn a_form_that_no_page_has_sent_changes_nothing(shop: Shop) {
    let order = place(&shop, "UPI").await;
    let owner = browser(&shop, Role::Owner).await;
    let forms = [
        (format!("/orders/{order}/step"), vec![("to", "confirmed")]),
        (format!("/orders/{order}/cancel"), vec![("note", "why")]),
        (format!("/orders/{order}/payments"), vec![("method", "cash")]),
        (format!("/orders/{order}/payments/1"), vec![("answer", "y")]),
        ("/inventory/new".to_owned(), vec![("name", "Salt"), ("price", "1")]),
        ("/inventory/1".to_owned(), vec![("name", "Salt"), ("price", "1")]),
        ("/inventory/1/stock".to_owned(), vec![("stock", "1")]),
        ("/inventory/1/remove".to_owned(), vec![]),
        ("/inventory/1/image".to_owned(), vec![("clear", "1")]),
        ("/inventory/bulk".to_owned(), vec![("id", "1"), ("act", "archive")]),
        ("/inventory/import".to_owned(), vec![("csv", "name,price\nSalt,1\n"), ("step", "apply")]),
        ("/inventory/import/1/undo".to_owned(), vec![]),
    ];
    let before = shop.number("select count(*) from audit_log").await;
    for (path, form) in &forms {
        for sent in ["", "wrong"] {
            let with_token: Vec<(&str, &str)> = form.iter().copied().chain([("csrf", sent)]).collect();
            assert_eq!(send(&owner, path, &with_token).await.status.as_u16(), 403, "{path}");
        }
    }
    assert_eq!(shop.number("select count(*) from audit_log").await, before);
}

on_both!(an_order_is_worked_off_on_its_pages);
async fn an_order_is_worked_off_on_its_pages(shop: Shop) {
    shop.sign_in(Role::Owner).await;
    let order = place(&shop, "UPI").await;
    let cashier = browser(&shop, Role::Cashier).await;
    let board = cashier.get("/orders").await.expect(200);
    let csrf = token(&board);
    assert!(board.text.contains("Awaiting payment") && board.text.contains("₹300.00"));

    let path = format!("/orders/{order}");
    let refused = send(&cashier, &format!("{path}/step"), &[("csrf", &csrf), ("to", "completed")]).await;
    assert!(refused.expect(409).text.contains("role=\"alert\""), "what is due is said on the page");
    let denied = send(&cashier, &format!("{path}/payments/1"), &[("csrf", &csrf), ("answer", "n")]).await;
    assert_eq!(denied.expect(303).header("location"), format!("{path}?done=not-paid"));
    let again = send(&cashier, &format!("{path}/payments/1"), &[("csrf", &csrf), ("answer", "y")]).await;
    again.expect(409);
    for to in ["confirmed", "packed", "ready"] {
        send(&cashier, &format!("{path}/step"), &[("csrf", &csrf), ("to", to), ("back", "board")]).await.expect(303);
    }
    send(&cashier, &format!("{path}/step"), &[("csrf", &csrf), ("to", "completed"), ("method", "cash")])
        .await
        .expect(303);
    let owner = shop.sign_in(Role::Owner).await;
    let view = owner.get(&format!("/api/orders/{order}")).await.expect(200).json();
    assert_eq!((&view["status"], &view["paid"]), (&json!("completed"), &json!(300)));
    assert!(cashier.get("/orders?column=done").await.text.contains("₹300.00"));
    shop.check_books().await;

    // The keeper of the stock moves orders on and takes no money.
    let second = place(&shop, "Cash").await;
    let keeper = browser(&shop, Role::StockKeeper).await;
    let csrf = token(&keeper.get(&format!("/orders/{second}")).await);
    let pay = send(&keeper, &format!("/orders/{second}/payments"), &[("csrf", &csrf), ("method", "cash")]).await;
    assert_eq!(pay.status.as_u16(), 403);
}

on_both!(staff_of_another_store_do_not_see_an_order);
async fn staff_of_another_store_do_not_see_an_order(shop: Shop) {
    shop.sign_in(Role::Owner).await;
    let order = place(&shop, "Cash").await;
    shop.execute("insert into stores (id, code, name, created_at) values (2, 'TWO', 'Second', 0)").await;
    let bound = shop.sign_in_at(Role::Cashier, StoreId::new(2)).await.user.unwrap();
    let cashier = browser_of(&shop, bound).await;
    assert_eq!(cashier.get(&format!("/orders/{order}")).await.status.as_u16(), 404);
    assert!(!cashier.get("/orders").await.expect(200).text.contains("₹300.00"));
    assert!(!cashier.get("/analytics").await.expect(200).text.contains("₹300.00"));
}

on_both!(programs_still_read_the_documented_orders);
async fn programs_still_read_the_documented_orders(shop: Shop) {
    place(&shop, "Cash").await;
    let owner = shop.sign_in(Role::Owner).await;
    assert_eq!(owner.get("/orders").await.expect(200).json()[0]["quantity"], 3);
}

on_both!(products_are_kept_on_their_pages);
async fn products_are_kept_on_their_pages(shop: Shop) {
    let owner = browser(&shop, Role::Owner).await;
    let csrf = token(&owner.get("/inventory/new").await.expect(200));
    let fields =
        [("csrf", csrf.as_str()), ("name", "Salt"), ("unit", "pcs"), ("price", "20"), ("stock", "8"), ("tracked", "1")];
    let made = send(&owner, "/inventory/new", &fields).await.expect(303);
    let page = made.header("location").split('?').next().unwrap().to_owned();
    let list = owner.get("/inventory?level=low").await.expect(200);
    assert!(list.text.contains("Salt") && list.text.contains("badge--low"));

    let bad = [("csrf", csrf.as_str()), ("name", "Salt"), ("unit", "pcs"), ("price", "x"), ("version", "1")];
    let refused = send(&owner, &page, &bad).await.expect(400);
    assert!(refused.text.contains("aria-invalid"), "the field is marked");
    let stale = [("csrf", csrf.as_str()), ("name", "Rock salt"), ("unit", "pcs"), ("price", "21"), ("version", "99")];
    let stale = send(&owner, &page, &stale).await.expect(412);
    assert!(stale.text.contains("Rock salt") && stale.text.contains("Stored now"), "both are shown");

    let id = page.rsplit('/').next().unwrap();
    let reprice = [("csrf", csrf.as_str()), ("id", id), ("act", "price"), ("percent", "+5")];
    send(&owner, "/inventory/bulk", &reprice).await.expect(303);
    let api = shop.sign_in(Role::Owner).await;
    assert_eq!(api.get(&format!("/api/products/{id}")).await.json()["price"], 21);
    let none = send(&owner, "/inventory/bulk", &[("csrf", &csrf), ("act", "archive")]).await;
    assert_eq!(none.status.as_u16(), 400);

    let keeper = browser(&shop, Role::StockKeeper).await;
    let keys = token(&keeper.get(&page).await.expect(200));
    send(&keeper, &format!("{page}/stock"), &[("csrf", &keys), ("stock", "5"), ("reason", "count")]).await.expect(303);
    assert_eq!(api.get(&format!("/api/products/{id}")).await.json()["stock"], 5);
    assert_eq!(send(&keeper, &page, &[("csrf", &keys)]).await.status.as_u16(), 403);
    shop.check_books().await;
}

on_both!(a_file_is_looked_at_then_brought_in_then_taken_back);
async fn a_file_is_looked_at_then_brought_in_then_taken_back(shop: Shop) {
    let owner = browser(&shop, Role::Owner).await;
    let csrf = token(&owner.get("/inventory/import").await.expect(200));
    let csv = "name,price,stock\nSalt,20,5\nSugar,dear,1\n";
    let look = send(&owner, "/inventory/import", &[("csrf", &csrf), ("csv", csv)]).await.expect(200);
    assert!(look.text.contains("Line 3") && look.text.contains("value=\"apply\""), "the bad row is named");
    assert_eq!(shop.number("select count(*) from products").await, 0, "looking writes nothing");
    let missing = send(&owner, "/inventory/import", &[("csrf", &csrf), ("csv", "colour\nred\n")]).await;
    assert!(missing.expect(400).text.contains("role=\"alert\""));

    let apply = [("csrf", csrf.as_str()), ("csv", csv), ("step", "apply"), ("again", "1"), ("skip", "1")];
    send(&owner, "/inventory/import", &apply).await.expect(303);
    assert_eq!(shop.number("select count(*) from products").await, 1);
    let undo = format!("/inventory/import/{}/undo", shop.number("select max(id) from imports").await);
    send(&owner, &undo, &[("csrf", &csrf)]).await.expect(303);
    assert_eq!(shop.number("select count(*) from products").await, 0);
    assert_eq!(send(&owner, &undo, &[("csrf", &csrf)]).await.status.as_u16(), 409);
}

on_both!(the_figures_of_the_analytics_are_those_of_the_api);
async fn the_figures_of_the_analytics_are_those_of_the_api(shop: Shop) {
    place(&shop, "Cash").await;
    let owner = browser(&shop, Role::Owner).await;
    let stats = shop.sign_in(Role::Owner).await.get("/api/shopkeeper/stats").await.expect(200).json();
    assert_eq!(stats["todaySales"], 300);
    let page = owner.get("/analytics?range=today").await.expect(200);
    assert!(page.text.contains("₹300.00") && page.text.contains("Not paid yet"));
    let csv = owner.get("/analytics.csv?range=today&table=payments").await.expect(200);
    assert_eq!(csv.text, "method,amount\nunpaid,300.00\n");
    let csv = owner.get("/analytics.csv?from=2026-03-01&to=2026-03-02").await.expect(200);
    assert_eq!(csv.text, "day,sales,before\n2026-03-01,0.00,0.00\n2026-03-02,300.00,0.00\n");
    let home = owner.get("/").await.expect(200);
    assert!(home.text.contains("1 new orders"), "what waits is named on the start page");
}
