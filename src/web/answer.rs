//! What a handler answers: tagged values, lists with a cursor, stored replies, kept answers.

use std::collections::HashMap;
use std::sync::Mutex;

use aide::OperationOutput;
use aide::generate::GenContext;
use aide::openapi::{Operation, Response as Described};
use axum::body::Bytes;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use schemars::JsonSchema;
use serde::Serialize;

use super::Problem;

/// A value with the version of its row, which becomes a strong `ETag`.
pub struct Tagged<T> {
    /// The version.
    pub version: i64,
    /// The value.
    pub body: T,
}

impl<T: Serialize> IntoResponse for Tagged<T> {
    fn into_response(self) -> Response {
        let mut response = axum::Json(self.body).into_response();
        let tag = HeaderValue::try_from(format!("\"v{}\"", self.version)).expect("a number is a header");
        response.headers_mut().insert(header::ETAG, tag);
        private(response.headers_mut());
        response
    }
}

/// A page of a list: a bare array, with the way to the next page in `Link` and the count in `X-Total-Count`.
pub struct Listed<T> {
    /// The rows.
    pub rows: Vec<T>,
    /// How many there are in all; below zero where counting would mean reading them all.
    pub total: i64,
    /// The path and query of the next page, when there is one.
    pub next: Option<String>,
}

impl<T: Serialize> IntoResponse for Listed<T> {
    fn into_response(self) -> Response {
        let mut response = axum::Json(self.rows).into_response();
        list_headers(response.headers_mut(), self.total, self.next.as_deref());
        private(response.headers_mut());
        response
    }
}

/// `X-Total-Count` and `Link`.
pub fn list_headers(headers: &mut HeaderMap, total: i64, next: Option<&str>) {
    if total >= 0 {
        headers.insert(HeaderName::from_static("x-total-count"), HeaderValue::from(total));
    }
    if let Some(link) = next.and_then(|next| HeaderValue::try_from(format!("<{next}>; rel=\"next\"")).ok()) {
        headers.insert(header::LINK, link);
    }
}

/// 500 rows when nobody says otherwise, 5,000 at most.
pub fn page_size(limit: Option<i64>) -> Result<i64, Problem> {
    match limit {
        None => Ok(500),
        Some(limit @ 1..=5_000) => Ok(limit),
        Some(_) => Err(Problem::field("limit", "invalid", "The limit is between 1 and 5000.")),
    }
}

/// The address of the next page: a path, the filters that were set, and where to go on.
pub fn next_page(path: &str, filters: &[(&str, Option<&str>)], cursor: &str, limit: i64) -> String {
    let filters = filters
        .iter()
        .filter_map(|(name, value)| value.map(|value| format!("&{name}={}", encode(value))))
        .collect::<String>();
    format!("{path}?cursor={}&limit={limit}{filters}", encode(cursor))
}

/// Percent-encodes a text for any part of an address; a blank becomes `%20`.
pub fn encode(text: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    text.bytes()
        .map(|byte| if is_plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") })
        .collect()
}

fn private(headers: &mut HeaderMap) {
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-cache"));
}

/// An answer that was stored with an idempotency key, or could have been.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    /// The status.
    pub status: u16,
    /// The body, as JSON.
    pub body: String,
    /// It is an earlier answer to the same key.
    pub replayed: bool,
}

impl Stored {
    /// A fresh answer.
    pub fn fresh(status: StatusCode, body: &impl Serialize) -> Result<Self, Problem> {
        let body = serde_json::to_string(body).map_err(|error| Problem::internal(&error))?;
        Ok(Self { status: status.as_u16(), body, replayed: false })
    }
}

impl IntoResponse for Stored {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::OK);
        let mut response =
            (status, [(header::CONTENT_TYPE, "application/json"), (header::CACHE_CONTROL, "no-store")], self.body)
                .into_response();
        if self.replayed {
            response
                .headers_mut()
                .insert(HeaderName::from_static("idempotent-replay"), HeaderValue::from_static("true"));
        }
        response
    }
}

/// A stored answer whose body the API document describes as `T`.
pub struct Answer<T> {
    stored: Stored,
    body: std::marker::PhantomData<T>,
}

impl<T> From<Stored> for Answer<T> {
    fn from(stored: Stored) -> Self {
        Self { stored, body: std::marker::PhantomData }
    }
}

impl<T> IntoResponse for Answer<T> {
    fn into_response(self) -> Response {
        self.stored.into_response()
    }
}

/// Answers that stay right while nothing in the database changes.
#[derive(Default)]
pub struct Cache {
    kept: Mutex<Kept>,
}

#[derive(Default)]
struct Kept {
    generation: u64,
    answers: HashMap<String, KeptAnswer>,
    bytes: usize,
}

/// An answer as it was sent.
#[derive(Clone)]
pub struct KeptAnswer {
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body.
    pub body: Bytes,
}

impl Cache {
    const MOST_BYTES: usize = 16 * 1024 * 1024;

    /// The answer kept for a question, if nothing has changed since.
    pub fn find(&self, generation: Option<u64>, question: &str) -> Option<KeptAnswer> {
        let kept = self.kept.lock().expect("the lock of kept answers");
        if Some(kept.generation) == generation { kept.answers.get(question).cloned() } else { None }
    }

    /// Keeps an answer that was computed at a generation.
    pub fn keep(&self, generation: Option<u64>, question: String, answer: &KeptAnswer) {
        let Some(generation) = generation else { return };
        let mut kept = self.kept.lock().expect("the lock of kept answers");
        if kept.generation > generation {
            return;
        }
        if kept.generation < generation || kept.bytes + answer.body.len() > Self::MOST_BYTES {
            kept.answers.clear();
            kept.bytes = 0;
        }
        kept.generation = generation;
        kept.bytes += answer.body.len();
        kept.answers.insert(question, answer.clone());
    }
}

impl KeptAnswer {
    /// Serialises a list once, with a tag over its bytes.
    pub fn of_list<T: Serialize>(listed: &Listed<T>) -> Result<Self, Problem> {
        use sha2::Digest as _;
        let body = serde_json::to_vec(&listed.rows).map_err(|error| Problem::internal(&error))?;
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        list_headers(&mut headers, listed.total, listed.next.as_deref());
        private(&mut headers);
        let digest = sha2::Sha256::digest(&body);
        let tag = format!("\"{}\"", digest[..12].iter().fold(String::new(), |hex, byte| format!("{hex}{byte:02x}")));
        headers.insert(header::ETAG, HeaderValue::try_from(tag).expect("hex is a header"));
        Ok(Self { headers, body: Bytes::from(body) })
    }
}

impl IntoResponse for KeptAnswer {
    fn into_response(self) -> Response {
        (self.headers, self.body).into_response()
    }
}

macro_rules! described_as {
    ($($type:ident => $body:ty;)*) => { $(
        impl<T: JsonSchema> OperationOutput for $type<T> {
            type Inner = $body;
            fn operation_response(ctx: &mut GenContext, operation: &mut Operation) -> Option<Described> {
                axum::Json::<$body>::operation_response(ctx, operation)
            }
            fn inferred_responses(ctx: &mut GenContext, operation: &mut Operation) -> Vec<(Option<u16>, Described)> {
                axum::Json::<$body>::inferred_responses(ctx, operation)
            }
        }
    )* };
}

described_as! {
    Tagged => T;
    Listed => Vec<T>;
    Answer => T;
}
