//! How the shop is paid: tenders, tills, the cash drawer, shifts and their reports.
//!
//! Invariants: a till has one open shift at most; a shift that was counted takes nothing more; a drawer should
//! hold its float, the cash of its sales and payments, what was put in, less what was taken out and given back;
//! the Z reports of a till are numbered without a gap and never change. What the sales of a shift come to is
//! summed up from the orders when somebody asks, so that a sale costs no statement for it.

pub mod actions;
pub mod api;
mod limits;
mod model;
mod queries;
mod report;

pub use limits::{CounterRules, over_limit};
pub use model::{Method, MoveKind, OpenShift, Shift, ShiftStatus, Till, TillError, TillStatus};
pub use queries::{bulks, statements};
pub use report::Report;
