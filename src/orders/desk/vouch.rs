//! How the audit log vouches for a batch.

use serde_json::json;
use sha2::{Digest as _, Sha256};

use super::decide::sold_at;
use super::store::Numbered;
use crate::audit::{self, By};
use crate::db::{self, Conn};
use crate::ids::{OrderId, StoreId, UserId};
use crate::money::Money;

/// Notes the batch in the audit log: one entry, with a hash over all its orders.
pub(super) fn vouch(conn: &mut Conn<'_>, orders: &Numbered<'_>) -> db::Result<audit::Place> {
    let mut digest = OrdersDigest::default();
    for (id, _, accepted) in orders {
        let command = accepted.command;
        digest.add(*id, command.store, command.customer, accepted.bill.total, sold_at(command).as_ms());
    }
    let now = orders.iter().map(|(_, _, accepted)| accepted.command.now).max().unwrap_or_default();
    let by = By { actor: "desk", from: "", now };
    let (first, last) = (orders[0].0, orders[orders.len() - 1].0);
    let subject = format!("orders:{first}-{last}");
    audit::record(conn, by, "orders.place", &subject, &json!({ "count": orders.len(), "digest": digest.finish() }))
}

/// The hash by which the audit log vouches for the orders of a batch, in the order of their ids.
#[derive(Default)]
pub struct OrdersDigest(Sha256);

impl OrdersDigest {
    /// Adds an order.
    pub fn add(&mut self, id: OrderId, store: StoreId, customer: Option<UserId>, total: Money, placed_at_ms: i64) {
        let customer = customer.map_or(0, UserId::number);
        for number in [id.number(), store.number(), customer, total.as_paise(), placed_at_ms] {
            self.0.update(number.to_be_bytes());
        }
    }

    /// The hash as hex.
    pub fn finish(self) -> String {
        self.0.finalize().iter().fold(String::new(), |hex, byte| format!("{hex}{byte:02x}"))
    }
}
