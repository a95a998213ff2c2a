//! Kirana runs a shop: catalogue, stock, sales, orders, payments, customers, staff.
//!
//! The modules in reading order, from the roof to the ground; each uses only those below it.

pub mod cli;
pub mod config;

pub mod app;
pub mod demo;

pub mod classic;

pub mod check;
pub mod reports;
pub mod till;

pub mod counter;

pub mod orders;

pub mod catalog;

pub mod stock;

pub mod customers;
pub mod payments;

pub mod shop;
pub mod staff;

pub mod audit;
pub mod web;
pub mod worker;

pub mod db;
pub mod queue;

pub mod clock;
pub mod ids;
pub mod money;

/// Every statement of the program, for the test that prepares each on both engines.
pub fn statements() -> Vec<db::Shape> {
    [
        check::statements(),
        check::bulks(),
        counter::statements(),
        orders::statements(),
        orders::inserts(),
        orders::returns::statements(),
        orders::returns::inserts(),
        orders::bulks(),
        stock::statements(),
        stock::inserts(),
        stock::bulks(),
        catalog::statements(),
        catalog::bulks(),
        catalog::inserts(),
        shop::statements(),
        staff::statements(),
        staff::inserts(),
        staff::bulks(),
        classic::moving::statements(),
        classic::moving::inserts(),
        classic::moving::bulks(),
        payments::statements(),
        payments::bulks(),
        customers::statements(),
        queue::statements(),
        audit::statements(),
        web::idempotency::statements(),
        web::idempotency::inserts(),
        web::idempotency::bulks(),
        reports::statements(),
        db::bulks(),
    ]
    .concat()
}
