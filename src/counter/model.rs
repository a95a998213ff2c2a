//! A sale as a till sends it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::clock::Timestamp;
use crate::ids::{OrderId, ProductId, TillId, UserId};
use crate::money::{Money, Quantity};
use crate::payments::Method;
use crate::web::extract::SentKey;
use crate::web::idempotency::Claim;

/// A sale as a till sends it.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Sale {
    /// Made by the till with the first line (a UUID); the sale happens once by it.
    pub id: String,
    /// The till.
    pub till_id: TillId,
    /// The number that the till printed; empty when it has printed none.
    #[serde(default)]
    pub number: String,
    /// When it was sold, by the till's clock.
    pub sold_at: Timestamp,
    /// What was sold, in the order of the bill.
    pub lines: Vec<SaleLine>,
    /// What is taken off the whole bill.
    #[serde(default)]
    pub discount: Money,
    /// What the till says that the bill comes to.
    pub total: Option<Money>,
    /// How it is paid.
    pub payments: Vec<SalePayment>,
    /// For whom.
    pub customer_id: Option<UserId>,
    /// What is to be known about it.
    #[serde(default)]
    pub note: String,
    /// The approval of a discount above the limit.
    pub approval: Option<String>,
}

/// A line of a sale.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SaleLine {
    /// The product; none for a quick item, which has a name and a price of its own.
    pub product_id: Option<ProductId>,
    /// What a quick item is called.
    #[serde(default)]
    pub name: String,
    /// How much.
    pub quantity: Quantity,
    /// What the till showed for one unit; the catalogue's when absent.
    pub price: Option<Money>,
    /// What is taken off this line.
    #[serde(default)]
    pub discount: Money,
}

/// A payment of a sale.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SalePayment {
    /// `cash`, `card`, `upi` or `credit`.
    pub method: Method,
    /// What is still due, when absent.
    pub amount: Option<Money>,
    /// The bank's reference.
    #[serde(default)]
    pub reference: String,
}

impl Sale {
    /// The key by which the sale happens once: whoever sends it from that till, by whatever route.
    pub fn claim(&self) -> Claim {
        // Somebody may have to approve a sale anew; it is the same sale.
        let content = Self { approval: None, ..self.clone() };
        let digest = Sha256::digest(serde_json::to_vec(&content).unwrap_or_default());
        let mut request_hash = [0; 16];
        request_hash.copy_from_slice(&digest[..16]);
        Claim::new(format!("till:{}", self.till_id), SentKey { key: self.id.clone(), request_hash })
    }

    /// Something is taken off.
    pub fn has_discount(&self) -> bool {
        !self.discount.is_zero() || self.lines.iter().any(|line| !line.discount.is_zero())
    }
}

crate::row! {
    /// A sale that somebody should look at.
    #[derive(Debug, Clone)]
    pub struct FlaggedRow {
        /// The till.
        pub till_id: TillId,
        /// Its code.
        pub till_code: String,
        /// The till's id for the sale.
        pub sale_id: String,
        /// The order.
        pub order_id: OrderId,
        /// The number that the till printed.
        pub number: String,
        /// When it was sold.
        pub sold_at: Timestamp,
        /// When it came in.
        pub received_at: Timestamp,
        /// What to look at, as words.
        pub flags: String,
    }
}
