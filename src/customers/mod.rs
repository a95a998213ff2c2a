//! Who buys: what the shop knows of its customers, and what they may see and change themselves.
//!
//! Their accounts are the staff domain's; this one adds what they ordered, spent and owe. Invariants: a
//! customer sees and changes their own profile only; closing an account removes everything that says
//! who it was, and leaves the books as they are; nobody who owes the shop money can vanish.

pub mod actions;
pub mod api;
mod model;
pub mod pages;
mod queries;

pub use model::{CreditMove, Customer, CustomerError};
pub use queries::statements;
