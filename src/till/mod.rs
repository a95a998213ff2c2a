//! The till: the page one sells on, with what it keeps for the time without a server, and the bills it prints.
//!
//! It owns no table. A sale is an order ([`crate::orders`]) like any other; what is sold comes from the catalogue.

pub mod api;
mod escpos;
pub mod pages;
mod receipt;
