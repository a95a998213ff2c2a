//! What we sell: products, categories, barcodes, pictures, prices over time, and the words they are
//! found by.
//!
//! Invariants: a SKU and a barcode name one product each; a price that changed is in `price_changes`
//! and in the audit log; a product with history (sales or stock moves) is archived, never deleted; the
//! words of a product follow its texts in the same transaction; an import can be undone once. How many
//! there are, `stock` knows; the catalogue asks it and never writes its tables.

pub mod actions;
pub mod api;
pub mod barcode;
mod categories;
pub mod export;
pub mod image;
pub mod import;
pub mod list;
mod model;
pub mod pages;
mod queries;
mod rules;
pub mod till;
pub mod upload;
pub mod words;

pub use categories::{Category, CategoryChange};
pub use list::{Page, Question, Sort};
pub use model::{CatalogError, Edit, Flaw, NewProduct, Occasion, Product, ProductChange, Status, Unit};
pub use queries::{bulks, inserts, statements};
