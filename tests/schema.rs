//! The statements against both engines, and both schemas against each other.

mod catalogue;
mod migrations;
mod statements;
