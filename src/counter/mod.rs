//! What a till sends: sales one at a time, and those that it kept while the server was away.
//!
//! Invariants: a sale happens once, by the id that the till gave it with its first line, for good and on either
//! route; what was sold away from the server is recorded as it was printed, and flagged where it does not fit;
//! sales of one request are taken in their order, and one that is refused stands in nobody's way.

pub mod api;
mod model;
mod queries;
pub mod rules;

pub use model::{Sale, SaleLine, SalePayment};
pub use queries::statements;
