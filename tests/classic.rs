//! The documented calls of other systems: requests as their documents print them, answers as they print
//! them. Open in a shop of sample data, by right in a real one.

mod advice;
mod collections;
mod commerce;
mod doors;
mod moving;
mod shopkeeps;
mod smart_inventory;
mod store_management;
mod supermarket;

use kirana::staff::Role;
use serde_json::{Value, json};

use crate::support::{Client, Reply, Shop};

/// A refusal as the clients of these systems see it: the status, and the sentence in `error`.
fn refusal(reply: &Reply) -> String {
    format!("{} {}", reply.status.as_u16(), reply.json()["error"].as_str().unwrap())
}

/// Somebody who has a key that the owner made for a role.
async fn with_key(shop: &Shop, role: &str) -> Client {
    let owner = shop.sign_in(Role::Owner).await;
    let made = owner.post("/api/api-keys", json!({ "name": role, "role": role })).await.expect(201).json();
    shop.stranger().with("x-api-key", made["key"].as_str().unwrap())
}

/// What somebody signs up with, as *Supermarket Backend* sends it.
fn person(email: &str) -> Value {
    json!({
        "First_Name": "Asha",
        "Last_Name": "Rao",
        "Age": 31,
        "Sex": "F",
        "Contact_Number": "9840012345",
        "Email_ID": email,
        "Password": "lotus-pond-7",
    })
}
