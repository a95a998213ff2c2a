//! Bodies as the documented systems take them: JSON whatever it is said to be, or a form; names in any
//! case, with underscores, hyphens or neither; one object or several.
//!
//! A body type names its fields as the document does and as they read without case and signs:
//! `#[serde(rename = "Email_ID", alias = "emailid", alias = "email")]`. Fields that it does not name are
//! passed over: clients of these systems send more than is needed.

use std::collections::BTreeMap;

use aide::OperationInput;
use aide::generate::GenContext;
use aide::openapi::Operation;
use axum::body::Bytes;
use axum::extract::{FromRequest, Request};
use axum::http::request::Parts;
use schemars::JsonSchema;
use serde::Deserializer;
use serde::de::{DeserializeOwned, IgnoredAny};
use serde_json::value::RawValue;

use crate::web::extract::{SentBytes, SentKey, parse_json};
use crate::web::{Json, Problem};

/// One object.
pub struct Anything<T> {
    /// What it says.
    pub body: T,
    /// It says nothing at all.
    pub is_empty: bool,
    /// An `Idempotency-Key`, where one was sent.
    pub key: Option<SentKey>,
}

/// One object, or an array of them.
pub struct OneOrMany<T> {
    /// What they say.
    pub bodies: Vec<T>,
    /// It was an array.
    pub is_array: bool,
    /// An `Idempotency-Key`, where one was sent.
    pub key: Option<SentKey>,
}

/// An object with its values as they were written, so that a number is read by its own digits.
type Members = BTreeMap<String, Box<RawValue>>;

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Anything<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let sent = SentBytes::from_request(request, state).await?;
        let members = read_object(&sent.bytes)?;
        Ok(Self { is_empty: members.is_empty(), body: read_members(members)?, key: sent.key })
    }
}

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for OneOrMany<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let sent = SentBytes::from_request(request, state).await?;
        let is_array = sent.bytes.trim_ascii_start().starts_with(b"[");
        let objects = if is_array { parse_json::<Vec<Members>>(&sent.bytes)? } else { vec![read_object(&sent.bytes)?] };
        let said = objects.into_iter().filter(|members| is_array || !members.is_empty());
        let bodies = said.map(read_members).collect::<Result<_, _>>()?;
        Ok(Self { bodies, is_array, key: sent.key })
    }
}

/// The members of a JSON object or of a form.
fn read_object(bytes: &Bytes) -> Result<Members, Problem> {
    let text = bytes.trim_ascii();
    if text.is_empty() || text == b"null" {
        return Ok(Members::new());
    }
    let is_json = text.starts_with(b"{") || serde_json::from_slice::<IgnoredAny>(text).is_ok();
    if is_json || !text.contains(&b'=') {
        return parse_json(text);
    }
    form_urlencoded::parse(text)
        .map(|(name, value)| {
            let value = serde_json::value::to_raw_value(&value).map_err(|error| Problem::internal(&error))?;
            Ok((name.into_owned(), value))
        })
        .collect()
}

/// Reads members into a body; what is null is absent.
fn read_members<T: DeserializeOwned>(members: Members) -> Result<T, Problem> {
    let mut sent = BTreeMap::new();
    let mut plain = Members::new();
    for (name, value) in members.into_iter().filter(|(_, value)| value.get() != "null") {
        let key = fold(&name);
        sent.entry(key.clone()).or_insert(name);
        plain.entry(key).or_insert(value);
    }
    let text = serde_json::to_vec(&plain).map_err(|error| Problem::internal(&error))?;
    parse_json(&text).map_err(|mut problem| {
        // The sender is told of the field by the name they gave it.
        for field in &mut problem.fields {
            if let Some(name) = sent.get(&field.field) {
                field.message = field.message.replacen(&field.field, name, 1);
                field.field.clone_from(name);
            }
        }
        if let [field] = problem.fields.as_slice() {
            let sentence = field.message.clone();
            problem.sentence = sentence;
        }
        problem
    })
}

/// A name without case and signs: `Email_ID`, `email-id` and `emailId` are one.
pub fn fold(name: &str) -> String {
    name.chars().filter(|c| !matches!(c, '_' | '-' | ' ')).flat_map(char::to_lowercase).collect()
}

/// A text that some clients send as a number, such as a telephone number.
pub fn text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    deserializer.deserialize_any(TextOrNumber).map(Some)
}

struct TextOrNumber;

impl serde::de::Visitor<'_> for TextOrNumber {
    type Value = String;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a text")
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<String, E> {
        Ok(text.to_owned())
    }

    fn visit_i64<E: serde::de::Error>(self, number: i64) -> Result<String, E> {
        Ok(number.to_string())
    }

    fn visit_u64<E: serde::de::Error>(self, number: u64) -> Result<String, E> {
        Ok(number.to_string())
    }
}

impl<T: JsonSchema> OperationInput for Anything<T> {
    fn operation_input(ctx: &mut GenContext, operation: &mut Operation) {
        Json::<T>::operation_input(ctx, operation);
    }
}

impl<T: JsonSchema> OperationInput for OneOrMany<T> {
    fn operation_input(ctx: &mut GenContext, operation: &mut Operation) {
        Json::<Several<T>>::operation_input(ctx, operation);
    }
}

/// How [`OneOrMany`] is described.
#[derive(JsonSchema)]
#[serde(untagged)]
#[expect(dead_code, reason = "only its description is used")]
enum Several<T> {
    One(T),
    Many(Vec<T>),
}

/// The query string, with its names in any case; for those who describe it, `T`.
pub struct AnyQuery<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> axum::extract::FromRequestParts<S> for AnyQuery<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let query = Bytes::from(parts.uri.query().unwrap_or_default().to_owned());
        let members = if query.contains(&b'=') { read_object(&query)? } else { Members::new() };
        read_members(members).map(Self)
    }
}

impl<T: JsonSchema> OperationInput for AnyQuery<T> {
    fn operation_input(ctx: &mut GenContext, operation: &mut Operation) {
        crate::web::Query::<T>::operation_input(ctx, operation);
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;
    use crate::money::Money;

    #[derive(Debug, Deserialize, PartialEq)]
    struct Body {
        #[serde(rename = "Email_ID", alias = "emailid", alias = "email", default, deserialize_with = "text")]
        email: Option<String>,
        #[serde(rename = "Rate", alias = "rate")]
        rate: Money,
    }

    fn read(text: &'static str) -> Result<Body, Problem> {
        read_members(read_object(&Bytes::from_static(text.as_bytes()))?)
    }

    #[test]
    fn names_are_known_in_any_spelling_and_numbers_by_their_digits() {
        let expected = Body { email: Some("a@b.in".to_owned()), rate: Money::paise(29) };
        for text in [
            r#"{"Email_ID": "a@b.in", "Rate": 0.29}"#,
            r#"{"email-id": "a@b.in", "RATE": "0.29", "more": [1]}"#,
            r#" {"emailId": "a@b.in", "rate": 0.29} "#,
            r#"{"email": "a@b.in", "rate": 0.290, "Age": null}"#,
            "Email_ID=a%40b.in&rate=0.29",
            "email-id=a@b.in&Rate=.29",
        ] {
            assert_eq!(read(text).unwrap(), expected, "{text}");
        }
    }

    #[test]
    fn what_does_not_fit_is_named_as_it_was_sent() {
        let problem = read(r#"{"RATE": 1.005}"#).unwrap_err();
        assert_eq!(
            (problem.fields[0].field.as_str(), problem.sentence.as_str()),
            ("RATE", "RATE: `1.005` has more than 2 decimals")
        );
        assert_eq!(read("[]").unwrap_err().code, "invalid");
        assert_eq!(read("{").unwrap_err().code, "malformed_json");
        assert_eq!(read("hello").unwrap_err().code, "malformed_json");
    }
}
