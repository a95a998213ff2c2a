//! Accounts: signing up, logging in, tokens, sessions, and the log that shows who did what.

mod audit;
mod log_in;
mod pages;
mod people;
mod register;
mod sessions;
mod tokens;
