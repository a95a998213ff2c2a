//! The shop and its stores.

use jiff::tz::TimeZone;
use schemars::JsonSchema;
use serde::Serialize;

use crate::clock::{BusinessDate, Timestamp};
use crate::ids::StoreId;

crate::row! {
    /// The shop.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub struct Shop {
        /// The name over the door.
        pub name: String,
        /// The name on bills.
        pub legal_name: String,
        /// The GST number; empty when unregistered.
        pub gstin: String,
        /// Street and number.
        pub address: String,
        /// City.
        pub city: String,
        /// Postal code.
        pub pincode: String,
        /// The GST code of the state.
        pub state_code: String,
        /// Telephone.
        pub phone: String,
        /// E-mail.
        pub email: String,
        /// ISO 4217.
        pub currency: String,
        /// The IANA time zone that business dates are computed in.
        pub time_zone: String,
        /// What invoice numbers begin with.
        pub invoice_prefix: String,
        /// Where UPI payments go; empty when none is set.
        pub upi_id: String,
        /// The uploaded payment QR as a data URL; empty when it is drawn.
        pub qr_image: String,
        /// Bills are rounded to the rupee.
        pub round_to_rupee: bool,
        /// Rules for weighed-item labels, as JSON; empty means the usual ones.
        pub label_rules: String,
        /// A shop of sample data.
        pub demo: bool,
        /// Rises with each change.
        pub version: i64,
    }
}

crate::row! {
    /// A branch.
    #[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
    #[serde(rename_all = "camelCase")]
    pub struct Store {
        /// Its id.
        pub id: StoreId,
        /// A short code, unique.
        pub code: String,
        /// Its name.
        pub name: String,
        /// Street and number.
        pub address: String,
        /// The GST code of the state.
        pub state_code: String,
        /// Telephone.
        pub phone: String,
        /// Opening hours, as text.
        pub hours: String,
        /// Orders that can be picked up in one slot.
        pub slot_capacity: i64,
        /// `active` or `archived`.
        pub status: String,
        /// When it was opened.
        pub created_at: Timestamp,
        /// Rises with each change.
        pub version: i64,
    }
}

impl Shop {
    /// The time zone; UTC if the stored name is no longer known.
    pub fn zone(&self) -> TimeZone {
        TimeZone::get(&self.time_zone).unwrap_or(TimeZone::UTC)
    }

    /// The business date of an instant.
    pub fn business_date(&self, at: Timestamp) -> BusinessDate {
        at.business_date(&self.zone())
    }
}

/// Why the shop or a store stays as it is.
#[derive(Debug, thiserror::Error)]
pub enum ShopError {
    /// No such store.
    #[error("There is no store {0}.")]
    NoStore(StoreId),
    /// Another store has the code.
    #[error("Another store already has the code {0}.")]
    CodeTaken(String),
    /// The first store is where everything happens that names no store.
    #[error("The first store stays open.")]
    FirstStore,
    /// The change was made from an older version.
    #[error("Somebody has changed this since you read it.")]
    Stale,
    /// The database.
    #[error(transparent)]
    Db(#[from] crate::db::Error),
}
