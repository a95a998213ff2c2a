//! What comes back, and why it may not.

use schemars::JsonSchema;
use serde::Serialize;

use crate::clock::{BusinessDate, Timestamp};
use crate::ids::{OrderId, ProductId, ReturnId, ShiftId, StoreId, TillId, UserId};
use crate::money::{Money, Quantity};
use crate::orders::OrderError;
use crate::payments::{Method, TillError};
use crate::staff::StaffError;
use crate::stock::StockError;

crate::words! {
    /// Why goods come back.
    pub enum Reason {
        /// They are damaged.
        Damaged = "damaged",
        /// They are not what was wanted.
        Wrong = "wrong",
        /// The customer thinks otherwise.
        ChangedMind = "changed_mind",
        /// The whole bill was a mistake.
        Void = "void",
        /// Something else.
        Other = "other",
    }
}

/// What is to come back of a line of a bill.
#[derive(Debug, Clone)]
pub struct Wanted {
    /// The line, from 1.
    pub line: i64,
    /// How much.
    pub quantity: Quantity,
    /// It is sold again.
    pub restock: bool,
}

/// Goods that come back without a bill.
#[derive(Debug, Clone)]
pub struct UnbilledLine {
    /// The product.
    pub product: ProductId,
    /// How much.
    pub quantity: Quantity,
    /// What is given back for one unit.
    pub price: Money,
    /// It is sold again.
    pub restock: bool,
}

/// How money is given back.
#[derive(Debug, Clone)]
pub struct RefundAsked {
    /// How.
    pub method: Method,
    /// How much; none means the rest.
    pub amount: Option<Money>,
    /// The bank's reference.
    pub reference: String,
}

/// What is said of a return besides its lines.
#[derive(Debug, Clone)]
pub struct NewReturn {
    /// Why.
    pub reason: Reason,
    /// What somebody noted.
    pub note: String,
    /// How the money is given back.
    pub refunds: Vec<RefundAsked>,
    /// Where.
    pub till: Option<TillId>,
    /// The approval of somebody who may do more.
    pub approval: Option<String>,
    /// The caller needs nobody's approval.
    pub manager: bool,
}

crate::row! {
    /// A return as it is stored.
    #[derive(Debug, Clone)]
    pub struct ReturnRow {
        /// The store.
        pub store_id: StoreId,
        /// Its id.
        pub id: ReturnId,
        /// The bill.
        pub order_id: Option<OrderId>,
        /// Whose.
        pub customer_id: Option<UserId>,
        /// The till.
        pub till_id: Option<TillId>,
        /// The shift.
        pub shift_id: Option<ShiftId>,
        /// The financial year of the credit note.
        pub credit_year: i64,
        /// Its number.
        pub credit_number: i64,
        /// Why.
        pub reason: Reason,
        /// What somebody noted.
        pub note: String,
        /// The discount that goes back.
        pub discount_paise: Money,
        /// What tax was computed on.
        pub taxable_paise: Money,
        /// Central tax.
        pub cgst_paise: Money,
        /// State tax.
        pub sgst_paise: Money,
        /// Tax between states.
        pub igst_paise: Money,
        /// What rounds it.
        pub rounding_paise: Money,
        /// What is given back.
        pub total_paise: Money,
        /// By whom.
        pub actor: String,
        /// Who approved it.
        pub approved_by: String,
        /// When.
        pub at: Timestamp,
        /// On which business date.
        pub returned_on: BusinessDate,
    }
}

crate::row! {
    /// A line that came back.
    #[derive(Debug, Clone)]
    pub struct ReturnedLine {
        /// The return.
        pub return_id: ReturnId,
        /// The line of the bill; 0 without one.
        pub order_line_no: i64,
        /// The product.
        pub product_id: ProductId,
        /// What it was called.
        pub name: String,
        /// Its unit.
        pub unit: String,
        /// How much.
        pub quantity_milli: Quantity,
        /// What is given back for it.
        pub total_paise: Money,
        /// It is sold again.
        pub restock: bool,
    }
}

crate::row! {
    /// Money that was given back.
    #[derive(Debug, Clone)]
    pub struct RefundRow {
        /// How.
        pub method: Method,
        /// How much.
        pub amount_paise: Money,
        /// The bank's reference.
        pub reference: String,
    }
}

/// A return as it is shown.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ReturnView {
    /// Its id.
    pub id: ReturnId,
    /// The number of its credit note.
    pub credit_note: String,
    /// The bill.
    pub order_id: Option<OrderId>,
    /// Whose.
    pub customer_id: Option<UserId>,
    /// Why.
    pub reason: Reason,
    /// What somebody noted.
    pub note: String,
    /// What is given back.
    pub total: Money,
    /// What tax was computed on.
    pub taxable: Money,
    /// Central tax.
    pub cgst: Money,
    /// State tax.
    pub sgst: Money,
    /// Tax between states.
    pub igst: Money,
    /// What rounds it.
    pub rounding: Money,
    /// The discount that goes back.
    pub discount: Money,
    /// What came back.
    pub lines: Vec<LineView>,
    /// How the money was given back.
    pub refunds: Vec<RefundView>,
    /// The till.
    pub till_id: Option<TillId>,
    /// The shift.
    pub shift_id: Option<ShiftId>,
    /// By whom.
    pub by: String,
    /// Who approved it.
    pub approved_by: String,
    /// When.
    pub at: Timestamp,
    /// On which business date.
    pub business_date: BusinessDate,
}

/// A line that came back, as it is shown.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[schemars(rename = "ReturnedLineView")]
pub struct LineView {
    /// The line of the bill; 0 without one.
    pub line: i64,
    /// The product; 0 for a quick item.
    pub id: ProductId,
    /// What it was called.
    pub name: String,
    /// Its unit.
    pub unit: String,
    /// How much.
    pub quantity: Quantity,
    /// What is given back for it.
    pub total: Money,
    /// It is sold again.
    pub restock: bool,
}

/// Money that was given back, as it is shown.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct RefundView {
    /// How.
    pub method: Method,
    /// How much.
    pub amount: Money,
    /// The bank's reference.
    pub reference: String,
}

/// Why nothing comes back.
#[derive(Debug, thiserror::Error)]
pub enum ReturnError {
    /// No lines.
    #[error("Name what comes back.")]
    Empty,
    /// No such line on the bill.
    #[error("The bill has no line {0}.")]
    NoLine(i64),
    /// More than is left.
    #[error("Of line {line} only {left} can still come back.")]
    TooMuch {
        /// The line, from 1.
        line: i64,
        /// What was sold less what came back.
        left: Quantity,
    },
    /// Not more than nothing, or a fraction of something that is sold whole.
    #[error("{0}")]
    BadQuantity(&'static str),
    /// The order was not handed over.
    #[error("Only what was handed over can come back; call the order off instead.")]
    NotCompleted,
    /// The bill is not of today, or something of it came back.
    #[error("Only a whole bill of today can be voided; take the goods back instead.")]
    NotVoidable,
    /// Somebody has to approve it.
    #[error("A manager has to approve this.")]
    ApprovalNeeded,
    /// More than is given back without a bill.
    #[error("Without a bill at most {0} is given back.")]
    AboveCap(Money),
    /// The refunds do not come to the total.
    #[error("The refunds come to {refunds}, the goods to {total}.")]
    RefundsDiffer {
        /// What was said.
        refunds: Money,
        /// What is to be given back.
        total: Money,
    },
    /// Only what a known customer owes can be reduced.
    #[error("The customer owes {0}; no more can be taken off that.")]
    CreditTooMuch(Money),
    /// Goods that are not paid for yet.
    #[error("This was bought on credit: take {0} off what the customer owes first.")]
    CreditFirst(Money),
    /// No such product.
    #[error("Product {0} not found")]
    NoProduct(ProductId),
    /// The order.
    #[error(transparent)]
    Order(#[from] OrderError),
    /// The till.
    #[error(transparent)]
    Till(#[from] TillError),
    /// The approval.
    #[error(transparent)]
    Approval(#[from] StaffError),
    /// Stock.
    #[error(transparent)]
    Stock(#[from] StockError),
    /// The database.
    #[error(transparent)]
    Db(#[from] crate::db::Error),
}
