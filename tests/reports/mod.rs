//! The dashboard.

mod dashboard;
