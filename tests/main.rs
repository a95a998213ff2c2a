//! Kirana from outside: what is tested goes through a door that somebody uses, on both engines.
//!
//! Run by `cargo xtask test`, which starts the PostgreSQL server that half of the tests need.

mod support;

mod architecture;
mod catalog;
mod check;
mod classic;
mod cli;
mod counter;
mod crash;
mod db;
mod office;
mod orders;
mod reports;
mod routes;
mod schema;
mod staff;
mod stock;
