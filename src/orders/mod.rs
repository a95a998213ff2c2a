//! Orders, from the counter or from a customer's phone: priced, taxed, taken from stock, paid, handed over.
//!
//! Placing goes through the [`desk`]: orders that wait together are decided together, in order of
//! arrival, by a pure function over prices and stock, and stored in one transaction. What comes after
//! (confirm, pack, ready, complete, cancel, payments) are ordinary actions.
//!
//! Invariants: an order takes its stock when it is placed, or is refused as a whole with the list of
//! short lines; its amounts add up to the paisa and are frozen; what it moved is in the ledger, the
//! roll-ups and the audit log in the same transaction; a cancelled order gives its stock back once. A price
//! is the catalogue's, or one that somebody agreed to who may; a line of something that is in no catalogue
//! (an open item) moves no stock.

pub mod actions;
pub mod api;
pub mod desk;
mod model;
pub mod pages;
pub mod past;
mod queries;
pub mod returns;
pub mod rules;
mod view;

pub use desk::Desk;
pub use model::{
    Agreed, Allowance, AtTill, Channel, Flag, Item, Line, Method, NewPayment, OPEN_ITEM, Order, OrderError,
    OrderStatus, Payment, PaymentState, PlaceOrder, Placed, ShortLine, Step, TillNote, order_code, parse_order_code,
};
pub use queries::{Which, bulks, inserts, statements};
pub use view::OrderView;
