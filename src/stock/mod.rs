//! How many, where, and why it changed.
//!
//! Owns the stock rows of each store and the append-only ledger of moves. Invariants: what is on hand
//! is the sum of the moves; each move names the one before it and the balance after it; nothing falls
//! below zero unless the product allows it. What a product is, the catalogue knows.

pub mod actions;
pub mod api;
pub mod ledger;
mod model;
mod queries;

pub use model::{Move, Opening, Reason, Shelf, StockError, StockRow};
pub use queries::{bulks, inserts, statements};
