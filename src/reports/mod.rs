//! Read-only views across the domains: the dashboard, the start pages, live events.
//!
//! Owns no table. Invariants: sums come from the roll-ups, which every sale keeps current, never from
//! reading orders (but for the few lines of open items, which have an index of their own), so that a question costs the same on the first day and in the fifth year; staff who
//! are bound to a store see its figures only, customers nothing but their own.

pub mod api;
pub mod category_summary;
pub mod figures;
pub mod inventory;
pub mod live;
mod model;
pub mod pages;
mod queries;
pub mod rules;

pub use model::{CustomerDay, ItemSales, ItemSold, LowStock, ReportError};
pub use queries::{items_sold, list_low, statements};
