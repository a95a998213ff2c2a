//! Decisions about orders: values in, a decision or a refusal out.

mod bill;
mod board;
mod life;

pub use bill::{Bill, BillLine, MOST_LINES, Offer, bill, spread, tax};
pub use board::{Column, column};
pub use life::{check_step, may_cancel};
