//! Other people's accounts, reset links, API keys, and a customer who leaves.

use axum::http::Method;
use kirana::staff::{Role, Status};
use serde_json::json;

use crate::support::{Shop, on_both};

on_both!(of_two_owners_who_disable_each_other_at_once_one_stays);
async fn of_two_owners_who_disable_each_other_at_once_one_stays(shop: Shop) {
    let one = shop.sign_in(Role::Owner).await;
    let other = shop.sign_in(Role::Owner).await;
    let path = |user: kirana::ids::UserId| format!("/api/users/{user}/disable");
    let first = path(other.user.unwrap());
    let second = path(one.user.unwrap());
    tokio::join!(async { one.post(&first, ()).await }, async { other.post(&second, ()).await });
    let left = shop.number("select count(*) from users where role = 'owner' and status = 'active'").await;
    assert_eq!(left, 1, "the shop keeps an owner and the other one is disabled");
}

on_both!(a_link_sets_a_password_once_and_a_new_role_ends_sessions);
async fn a_link_sets_a_password_once_and_a_new_role_ends_sessions(shop: Shop) {
    let manager = shop.sign_in(Role::Manager).await;
    for role in ["owner", "manager"] {
        manager.post("/api/users", json!({ "role": role, "username": "x" })).await.expect(403);
    }
    let made = manager.post("/api/users", json!({ "role": "cashier", "username": "ravi" })).await.expect(201).json();
    let (id, token) = (made["id"].as_str().unwrap(), made["resetLink"]["token"].as_str().unwrap());

    let reset = |token: &str| json!({ "token": token, "newPassword": "correct horse" });
    shop.stranger().post("/api/auth/reset", reset("guessed")).await.expect(400);
    shop.stranger().post("/api/auth/reset", reset(token)).await.expect(200);
    shop.stranger().post("/api/auth/reset", reset(token)).await.expect(400);
    let login = json!({ "username": "ravi", "password": "correct horse" });
    let session = shop.stranger().post("/api/auth/login", login).await.expect(200).json();
    let ravi = shop.stranger().with_token(session["token"].as_str().unwrap());

    let path = format!("/api/users/{id}");
    manager.put(&path, json!({ "role": "manager" })).await.expect(403);
    ravi.get("/api/auth/me").await.expect(200);
    manager.put(&path, json!({ "role": "stock_keeper" })).await.expect(200);
    ravi.get("/api/auth/me").await.expect(401);
}

on_both!(a_key_opens_until_it_is_revoked);
async fn a_key_opens_until_it_is_revoked(shop: Shop) {
    let owner = shop.sign_in(Role::Owner).await;
    let made = owner.post("/api/api-keys", json!({ "name": "till", "role": "cashier" })).await.expect(201).json();
    let program = shop.stranger().with("x-api-key", made["key"].as_str().unwrap());
    program.get("/api/auth/me").await.expect(200);
    program.get("/api/users").await.expect(403);
    owner.call(Method::DELETE, &format!("/api/api-keys/{}", made["id"].as_str().unwrap())).await.expect(204);
    program.get("/api/auth/me").await.expect(401);
}

on_both!(who_forgot_the_password_and_who_never_was_here_get_the_same_answer);
async fn who_forgot_the_password_and_who_never_was_here_get_the_same_answer(shop: Shop) {
    shop.open_account(Role::Customer, "asha", Some("correct horse"), Status::Active).await;
    let ask = |email: &str| shop.stranger().post("/api/auth/forgot", json!({ "email": email }));
    let known = ask("asha@example.com").await.expect(202).json();
    let unknown = ask("nobody@example.com").await.expect(202).json();
    assert_eq!(known, unknown);
    assert_eq!(shop.number("select count(*) from jobs where kind = 'mail.password_reset'").await, 1);
}

on_both!(a_customer_who_leaves_is_forgotten_unless_they_owe_money);
async fn a_customer_who_leaves_is_forgotten_unless_they_owe_money(shop: Shop) {
    let customer = shop.sign_in(Role::Customer).await;
    let id = customer.user.unwrap();
    shop.execute(&format!("update customers set credit_paise = 100 where user_id = {id}")).await;
    customer.call(Method::DELETE, "/api/customer/profile").await.expect(409);
    shop.execute(&format!("update customers set credit_paise = 0 where user_id = {id}")).await;
    customer.call(Method::DELETE, "/api/customer/profile").await.expect(204);
    customer.get("/api/customer/profile").await.expect(401);
    let known = format!("select count(*) from users where id = {id} and (email is not null or first_name <> '')");
    assert_eq!(shop.number(&known).await, 0);
}
