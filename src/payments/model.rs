//! Tenders, tills, shifts and what moves in a drawer.

use schemars::JsonSchema;
use serde::Serialize;

use crate::clock::Timestamp;
use crate::ids::{OrderId, ShiftId, StoreId, TillId};
use crate::money::Money;

crate::words! {
    /// How something is paid.
    #[derive(PartialOrd, Ord)]
    pub enum Method {
        /// In notes and coins.
        Cash = "cash",
        /// On a terminal.
        Card = "card",
        /// By UPI.
        Upi = "upi",
        /// Later: it is written up (khata).
        Credit = "credit",
        /// With what the shop owes the customer.
        StoreCredit = "store_credit",
    }
}

crate::words! {
    /// Whether a till is in use.
    pub enum TillStatus {
        /// It is.
        Active = "active",
        /// It is no longer.
        Archived = "archived",
    }
}

crate::words! {
    /// How far a shift has come.
    pub enum ShiftStatus {
        /// The till sells.
        Open = "open",
        /// The drawer was counted and does not hold what it should; the reason is awaited.
        Counted = "counted",
        /// It has its Z report.
        Closed = "closed",
    }
}

crate::words! {
    /// What moves money at a till besides its sales.
    pub enum MoveKind {
        /// Cash was put into the drawer.
        In = "in",
        /// Cash was taken out of the drawer.
        Out = "out",
        /// Money was given back for goods that came back.
        Refund = "refund",
        /// An order that was placed elsewhere was paid here.
        Payment = "payment",
    }
}

crate::row! {
    /// A place where money is taken.
    #[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
    #[serde(rename_all = "camelCase")]
    pub struct Till {
        /// Its id.
        pub id: TillId,
        /// Its store.
        pub store_id: StoreId,
        /// A short code, unique in the store: `T1`.
        pub code: String,
        /// What it is called.
        pub name: String,
        /// Whether it is in use.
        pub status: TillStatus,
        /// The shift that is open.
        pub open_shift_id: Option<ShiftId>,
        /// The number of the last Z report.
        pub last_z_number: i64,
        /// The number of the last bill that the till printed by itself.
        pub last_number: Option<String>,
        /// Since when.
        pub created_at: Timestamp,
        /// Rises with each change.
        pub version: i64,
    }
}

crate::row! {
    /// Somebody's time at a till.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub struct Shift {
        /// Its id.
        pub id: ShiftId,
        /// Its store.
        pub store_id: StoreId,
        /// Its till.
        pub till_id: TillId,
        /// The code of the till.
        pub till_code: String,
        /// How far it has come.
        pub status: ShiftStatus,
        /// By whom it was opened.
        pub opened_by: String,
        /// When.
        pub opened_at: Timestamp,
        /// What was in the drawer then.
        pub float_paise: Money,
        /// Its own orders come after this one.
        pub after_order_id: OrderId,
        /// What was counted.
        pub counted_paise: Option<Money>,
        /// The notes and coins that were counted, as JSON.
        pub notes: String,
        /// What should have been there.
        pub expected_paise: Option<Money>,
        /// By whom it was closed.
        pub closed_by: String,
        /// When.
        pub closed_at: Option<Timestamp>,
        /// Why more or less was there.
        pub reason: String,
        /// The number of its Z report.
        pub z_number: Option<i64>,
        /// Its Z report, as JSON.
        pub z_report: String,
    }
}

crate::row! {
    /// The shift of a till that has not ended, as a sale sees it.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub struct OpenShift {
        /// The till.
        pub till_id: TillId,
        /// Its store.
        pub store_id: StoreId,
        /// The shift that has not ended.
        pub shift_id: Option<ShiftId>,
        /// Its drawer has been counted.
        pub counting: bool,
    }
}

impl OpenShift {
    /// The shift, when it takes sales.
    pub fn open(&self) -> Option<ShiftId> {
        self.shift_id.filter(|_| !self.counting)
    }
}

/// Why a till or a shift stays as it is.
#[derive(Debug, thiserror::Error)]
pub enum TillError {
    /// No such till, or one of another store.
    #[error("There is no such till.")]
    NoTill,
    /// It is not in use.
    #[error("This till is not in use.")]
    Archived,
    /// Another till of the store has the code.
    #[error("Another till of this store already has the code {0}.")]
    CodeTaken(String),
    /// The till has an open shift.
    #[error("A shift is already open at this till.")]
    ShiftOpen(ShiftId),
    /// No such shift.
    #[error("There is no such shift.")]
    NoShift,
    /// It is closed.
    #[error("This shift is closed.")]
    ShiftClosed,
    /// The drawer was counted.
    #[error("The drawer of this shift has been counted; close the shift with a reason.")]
    ShiftCounted,
    /// The drawer must be counted first.
    #[error("Count the drawer first.")]
    CountNeeded,
    /// The change was made from an older version.
    #[error("Somebody has changed this since you read it.")]
    Stale,
    /// The database.
    #[error(transparent)]
    Db(#[from] crate::db::Error),
}
