//! What the shop sells.

use kirana::staff::Role;
use serde_json::json;

use crate::support::{Shop, on_both};

on_both!(a_product_that_was_added_is_seen_by_a_customer_without_what_it_costs_the_shop);
async fn a_product_that_was_added_is_seen_by_a_customer_without_what_it_costs_the_shop(shop: Shop) {
    let tea = shop.product("Green tea 100 g").price("4.50").on_hand(2).with("cost", "3.10").create().await;
    assert_eq!(shop.on_hand(&tea).await, json!(2));
    let customer = shop.sign_in(Role::Customer).await;
    let seen = customer.get(&format!("/api/products/{}", tea.id)).await.expect(200).json();
    assert_eq!((&seen["name"], &seen["price"]), (&json!(tea.name), &json!(4.5)));
    assert!(seen.get("cost").is_none(), "{seen}");
}
