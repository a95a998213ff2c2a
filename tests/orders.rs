//! Orders through the door: placed, moved on, paid, listed, and raced for.

mod life;
mod lists;
mod payments;
mod place;
mod races;

use kirana::ids::ProductId;
use serde_json::{Value, json};

/// The lines of an order as a client sends them.
pub fn items(wanted: &[(ProductId, i64)]) -> Value {
    wanted.iter().map(|(product, quantity)| json!({ "id": product, "quantity": quantity })).collect()
}

/// What a customer sends.
pub fn order(wanted: &[(ProductId, i64)]) -> Value {
    json!({ "items": items(wanted), "paymentMethod": "Cash" })
}

/// What the counter sends when the goods are handed over at once.
pub fn sale(wanted: &[(ProductId, i64)]) -> Value {
    json!({ "items": items(wanted), "paymentMethod": "Cash", "complete": true })
}
