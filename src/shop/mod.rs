//! The shop itself and its branches: who we are, where, in which time zone, and how we are paid.
//!
//! Invariants: there is exactly one shop and at least one store (number 1); the time zone is a known
//! one, so every business date can be computed.

pub mod actions;
pub mod api;
mod gstin;
mod model;
mod queries;
mod rules;
pub mod upi;

pub use model::{Shop, ShopError, Store};
pub use queries::{current, lock, statements};
pub use rules::{credit_note_code, invoice_code};
