//! *Smart Inventory*: products behind a key, and the users and orders that its document names.
//!
//! The key is one that the owner made (`x-api-key`); a bearer token or a session does as well. The key that
//! the document prints opens the demo shop alone. Reading the products needs none.

mod orders;
mod products;
mod users;

use axum::http::StatusCode;
use axum::http::request::Parts;
use serde_json::value::RawValue;

use super::gate::OpenDoor;
use super::words::System;
use crate::web::{Problem, Routes};

/// The system, with its words.
struct Inventory;

impl System for Inventory {
    const STRANGER: &'static str = "Unauthorized";
    const NOT_ALLOWED: &'static str = "This key does not allow it.";
}

/// The key that is printed in the document.
const PRINTED_KEY: &[u8] = b"secret123";

impl OpenDoor for Inventory {
    fn shows_what_is_documented(parts: &Parts) -> bool {
        parts.headers.get("x-api-key").is_some_and(|key| key.as_bytes() == PRINTED_KEY)
    }
}

const TAG: &str = "Documented: Smart Inventory";

pub(super) fn routes() -> Routes {
    products::routes().merge(users::routes()).merge(orders::routes())
}

/// What does not have the documented types.
fn invalid_input() -> Problem {
    Inventory::bad_request("Invalid input")
}

/// A product that is not there; the source answered as if it were.
fn no_product() -> Problem {
    Inventory::refuse(StatusCode::NOT_FOUND, "not_found", "Product not found")
}

/// A value as it was sent, so that a text is told from a number and a number is read by its digits.
type Raw = Box<RawValue>;

/// A text that says something.
fn text(raw: &Raw) -> Result<String, Problem> {
    let text: String = serde_json::from_str(raw.get()).map_err(|_| invalid_input())?;
    if text.trim().is_empty() { Err(invalid_input()) } else { Ok(text.trim().to_owned()) }
}

/// The digits of a number; a text that looks like one is none, and neither is true or false.
fn digits(raw: &Raw) -> Result<&str, Problem> {
    let text = raw.get();
    if text.starts_with(|c: char| c == '-' || c.is_ascii_digit()) { Ok(text) } else { Err(invalid_input()) }
}

/// A page of rows that were asked for by number, and whether more follow.
struct Window {
    page: i64,
    limit: i64,
}

impl Window {
    /// The rows asked for; none means all of them.
    fn choose(page: Option<i64>, limit: Option<i64>) -> Result<Option<Self>, Problem> {
        if page.is_none() && limit.is_none() {
            return Ok(None);
        }
        let page = page.unwrap_or(1);
        if !(1..=1_000_000).contains(&page) {
            return Err(Problem::field("page", "invalid", "The first page is 1."));
        }
        Ok(Some(Self { page, limit: crate::web::answer::page_size(limit)? }))
    }

    /// How many rows come before.
    fn skip(&self) -> usize {
        usize::try_from((self.page - 1) * self.limit).unwrap_or(usize::MAX)
    }

    /// How many rows are shown.
    fn take(&self) -> usize {
        usize::try_from(self.limit).unwrap_or(usize::MAX)
    }
}
