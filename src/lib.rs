//! Kirana runs a shop.

pub mod clock;
pub mod db;
pub mod ids;
pub mod money;
