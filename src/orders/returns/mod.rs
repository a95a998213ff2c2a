//! Goods that come back, with their credit note; the bill stays as it was.
//!
//! Invariants: of a line no more comes back than was sold; what is given back is never more than was paid for it,
//! to the paisa, in however many parts; the credit notes of a store and financial year have no gap; sums are
//! corrected on the day of the return, not on that of the sale, whose report people have read.

pub mod actions;
mod model;
mod queries;
pub mod rules;

pub use model::{NewReturn, Reason, RefundAsked, ReturnError, ReturnView, ReturnedLine, UnbilledLine, Wanted};
pub use queries::{inserts, statements};
