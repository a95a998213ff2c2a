//! Accounts, roles, sessions, API keys, and who may do what.
//!
//! Owns every account, the customers' too. Invariants: no password is stored, only its Argon2id hash
//! (or, until the first log-in, what [`password`] lists of other systems);
//! a user name or e-mail address belongs to one account of its kind; a right is a handler argument, so
//! a handler without the check does not compile; a revoked session or key opens nothing from then on;
//! every change of rights is in the audit log.

pub mod access;
pub mod actions;
pub mod api;
mod model;
pub mod pages;
pub mod password;
pub mod places;
mod queries;
pub mod rules;
pub mod setup;
mod token;
pub mod totp;

pub use access::{Allowed, Caller, Doorman, Principal, Right};
pub use model::{Act, Approval, Approver, Edit, Kind, NewUser, Role, StaffError, Status, User};
pub use queries::{bulks, inserts, statements};
pub use token::TokenKey;
