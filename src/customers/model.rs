//! Customers.

use schemars::JsonSchema;
use serde::Serialize;

use crate::clock::{BusinessDate, Timestamp};
use crate::ids::{OrderId, StoreId, UserId};
use crate::money::Money;
use crate::staff::{Role, StaffError, Status};

crate::row! {
    /// A customer, with what they ordered, spent and owe.
    #[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
    #[serde(rename_all = "camelCase")]
    pub struct Customer {
        /// Their id.
        pub id: UserId,
        /// First name.
        pub first_name: String,
        /// Last name.
        pub last_name: String,
        /// The address to log in with.
        pub email: Option<String>,
        /// Telephone.
        pub phone: String,
        /// Always `customer`.
        pub role: Role,
        /// Whether the account may be used.
        pub status: Status,
        /// Street and number.
        pub address: String,
        /// City.
        pub city: String,
        /// Postal code.
        pub pincode: String,
        /// Date of birth.
        #[serde(rename = "dateOfBirth")]
        pub date_of_birth_on: Option<BusinessDate>,
        /// `en` or `hi`.
        pub language: String,
        /// Orders that were not cancelled.
        #[serde(rename = "totalOrders")]
        pub order_count: i64,
        /// What they spent on them.
        #[serde(rename = "totalSpent")]
        pub spent_paise: Money,
        /// What they owe the shop.
        #[serde(rename = "creditBalance")]
        pub credit_paise: Money,
        /// The last order.
        pub last_order_at: Option<Timestamp>,
        /// Since when.
        pub created_at: Timestamp,
        /// The last change of the account.
        pub updated_at: Timestamp,
        /// Rises with each change of the account.
        pub version: i64,
    }
}

crate::row! {
    /// A change of what a customer owes.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub struct CreditMove {
        /// How much more they owe; below zero, how much less.
        pub delta_paise: Money,
        /// What they owed afterwards.
        pub balance_after_paise: Money,
        /// The store.
        pub store_id: StoreId,
        /// The order that caused it.
        pub order_id: Option<OrderId>,
        /// What somebody noted.
        pub note: String,
        /// When.
        pub at: Timestamp,
    }
}

/// Why a customer's account stays as it is.
#[derive(Debug, thiserror::Error)]
pub enum CustomerError {
    /// No such customer.
    #[error("Profile not found")]
    NoProfile,
    /// They owe the shop money.
    #[error("An account that still owes the shop {0} cannot be closed.")]
    Owes(Money),
    /// The account itself.
    #[error(transparent)]
    Account(#[from] StaffError),
    /// The database.
    #[error(transparent)]
    Db(#[from] crate::db::Error),
}
