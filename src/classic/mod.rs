//! The documented calls of other shop systems, each answered in its own words: a client that was written
//! against one of their documents finds its paths, fields and texts here.
//!
//! A file for each system, and one room ([`moving`]) for what they leave behind when a shop moves here. They parse what that system sends, call the same actions as everybody else
//! and answer as its document says; they own no data and decide nothing. Nobody else knows this room.
//!
//! Invariants: a success is answered as documented; what a source answered with 200 or 500 although it
//! had failed gets the right status with the same text; whoever has no right in the shop has none here
//! (`gate.rs`), except in the demo shop, which opens what the documents show openly.

mod body;
mod commerce;
mod doors;
mod gate;
mod inventory;
pub mod moving;
mod supermarket;
mod upload;
mod words;

use crate::web::Routes;

/// The routes of all systems.
pub fn routes() -> Routes {
    doors::routes().merge(supermarket::routes()).merge(commerce::routes()).merge(inventory::routes())
}
