//! The counter: tills and shifts, sales made while the server was away, returns, approvals.

mod returns;
mod shifts;
mod sync;

use kirana::ids::ProductId;
use serde_json::{Value, json};

use crate::support::{Client, Reply};

/// Registers a till, and opens a shift with a float.
pub async fn open(owner: &Client, till: &Client, code: &str, float: i64) -> (String, String) {
    let body = json!({ "code": code, "name": "Front counter" });
    let id = text(&owner.post("/api/pos/tills", body).await.expect(201).json()["id"]);
    let shift = till.post("/api/pos/shifts", json!({ "tillId": id, "float": float })).await.expect(201);
    (id, text(&shift.json()["id"]))
}

/// A sale for cash, as a till sends it.
pub fn sale(till: &str, number: i64, product: ProductId, quantity: i64, price: i64) -> Value {
    json!({
        "id": format!("0b9c7a8e-0000-4000-8000-{number:012}"),
        "tillId": till,
        "number": format!("T1-{number:06}"),
        "soldAt": "2026-03-02T04:30:00Z",
        "lines": [{ "productId": product, "quantity": quantity, "price": price }],
        "total": quantity * price,
        "payments": [{ "method": "cash" }],
    })
}

/// Sends two calls at the same moment.
pub async fn both(
    one: impl Future<Output = Reply> + Send + 'static,
    other: impl Future<Output = Reply> + Send + 'static,
) -> [Reply; 2] {
    let (one, other) = (tokio::spawn(one), tokio::spawn(other));
    [one.await.unwrap(), other.await.unwrap()]
}

pub fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}
