//! Decisions about orders: values in, a decision or a refusal out.

mod bill;
mod life;

pub use bill::{Bill, BillLine, MOST_LINES, Offer, bill, spread, tax};
pub use life::{check_step, may_cancel};
