//! What a handler is given. Each extractor refuses with a problem that names the field, and
//! describes itself in the API document.

use aide::OperationInput;
use aide::generate::GenContext;
use aide::openapi::Operation;
use axum::body::Bytes;
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::request::Parts;
use axum::http::{StatusCode, header};
use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};
use sha2::{Digest as _, Sha256};

use super::problem::{FieldProblem, Problem};

/// A JSON body.
pub struct Json<T>(pub T);

/// A JSON body that may come with an `Idempotency-Key`.
pub struct Sent<T> {
    /// The body.
    pub body: T,
    /// The key, with a hash of the request that it names.
    pub key: Option<SentKey>,
}

/// A body that is no JSON, such as a picture or a table; it may come with an `Idempotency-Key`.
pub struct SentBytes {
    /// The body.
    pub bytes: Bytes,
    /// What the caller says that it is, without parameters, in small letters; empty when they say nothing.
    pub kind: String,
    /// The key, with a hash of the request that it names.
    pub key: Option<SentKey>,
}

/// An `Idempotency-Key` and the request that it was sent with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SentKey {
    /// The client's key, at most 255 characters.
    pub key: String,
    /// A hash of method, path and body.
    pub request_hash: [u8; 16],
}

/// The query string.
pub struct Query<T>(pub T);

/// The parameters in the path.
pub struct Path<T>(pub T);

/// `If-Match`: the version that an update was made from.
pub struct IfMatch(pub Option<i64>);

/// A field that documented clients send and the shop has no use for: whatever it holds is passed over.
#[derive(Debug, Clone, Copy, Default, serde::Deserialize)]
#[serde(from = "serde::de::IgnoredAny")]
pub struct Ignored;

impl From<serde::de::IgnoredAny> for Ignored {
    fn from(_: serde::de::IgnoredAny) -> Self {
        Self
    }
}

impl JsonSchema for Ignored {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Ignored".into()
    }
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "description": "Accepted and ignored." })
    }
}

/// Checks of a body that belong to its fields, gathered so that all are reported at once.
#[derive(Default)]
pub struct Fields(Vec<FieldProblem>);

impl Fields {
    /// Notes a field that is wrong.
    pub fn wrong(&mut self, field: impl Into<String>, code: &'static str, message: impl Into<String>) {
        self.0.push(FieldProblem { field: field.into(), code: code.to_owned(), message: message.into() });
    }

    /// Notes a field as wrong unless a condition holds.
    pub fn check(&mut self, holds: bool, field: &str, code: &'static str, message: &str) {
        if !holds {
            self.wrong(field, code, message);
        }
    }

    /// A refusal that names all wrong fields, if there are any.
    pub fn into_result(self) -> Result<(), Problem> {
        let Some(first) = self.0.first() else { return Ok(()) };
        let mut problem = Problem::bad_request("invalid", first.message.clone());
        problem.fields = self.0;
        Err(problem)
    }
}

/// Reads a JSON text into a body, naming the field that does not fit.
pub fn parse_json<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    let value = serde_path_to_error::deserialize(&mut reader).map_err(|error| {
        let path = error.path().to_string();
        let cause = error.into_inner();
        let reason = cause.to_string();
        if cause.is_syntax() || cause.is_eof() {
            return Problem::bad_request("malformed_json", format!("The body is not JSON: {reason}."));
        }
        let reason = reason.split(" at line ").next().unwrap_or_default();
        // What we call the body inside says nothing to the sender.
        let reason = match reason.split_once("expected struct ") {
            Some((found, _)) => format!("{found}expected an object"),
            None => reason.to_owned(),
        };
        let quoted =
            |prefix: &str| reason.strip_prefix(prefix)?.strip_prefix('`')?.split('`').next().map(str::to_owned);
        if let Some(field) = quoted("missing field ") {
            return Problem::field(field.clone(), "missing", format!("Missing field: {field}"));
        }
        if let Some(field) = quoted("unknown field ") {
            return Problem::field(field.clone(), "unknown", format!("Unknown field: {field}"));
        }
        let field = if path == "." { "body".to_owned() } else { path };
        Problem::field(field.clone(), "invalid", format!("{field}: {reason}"))
    })?;
    reader.end().map_err(|error| Problem::bad_request("malformed_json", format!("The body is not JSON: {error}.")))?;
    Ok(value)
}

fn require_json(parts: &Parts) -> Result<(), Problem> {
    let kind = parts.headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim();
    if kind.eq_ignore_ascii_case("application/json") || kind.to_ascii_lowercase().ends_with("+json") {
        return Ok(());
    }
    Err(Problem::new(
        StatusCode::UNSUPPORTED_MEDIA_TYPE,
        "unsupported_media_type",
        "Send JSON with the content type application/json.",
    ))
}

/// Tells a field that is null from one that is absent, for `deserialize_with` beside `default`.
pub fn present<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}

async fn read_body<S: Send + Sync>(request: Request, state: &S) -> Result<(Parts, Bytes), Problem> {
    let (mut parts, body) = request.into_parts();
    let mut bare = Request::new(body);
    // The limit of the route stands among the extensions; nothing after this asks for them.
    *bare.extensions_mut() = std::mem::take(&mut parts.extensions);
    let bytes = Bytes::from_request(bare, state).await.map_err(|rejection| {
        if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE {
            Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "too_large", "The body is larger than this route takes.")
        } else {
            Problem::bad_request("unreadable_body", "The body could not be read.")
        }
    })?;
    Ok((parts, bytes))
}

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Json<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let (parts, bytes) = read_body(request, state).await?;
        require_json(&parts)?;
        parse_json(&bytes).map(Self)
    }
}

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Sent<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let (parts, bytes) = read_body(request, state).await?;
        let key = sent_key(&parts, &bytes)?;
        // A request that says nothing says that everything is as usual.
        if bytes.is_empty() && !parts.headers.contains_key(header::CONTENT_TYPE) {
            return Ok(Self { body: parse_json(b"{}")?, key });
        }
        require_json(&parts)?;
        Ok(Self { body: parse_json(&bytes)?, key })
    }
}

impl<S: Send + Sync> FromRequest<S> for SentBytes {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let (parts, bytes) = read_body(request, state).await?;
        let key = sent_key(&parts, &bytes)?;
        let kind = parts.headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let kind = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        Ok(Self { bytes, kind, key })
    }
}

fn sent_key(parts: &Parts, body: &[u8]) -> Result<Option<SentKey>, Problem> {
    let Some(value) = parts.headers.get("idempotency-key") else { return Ok(None) };
    let key = value.to_str().unwrap_or_default().trim();
    // The draft standard writes the key as a quoted string; many clients do not.
    let key = key.strip_prefix('"').and_then(|key| key.strip_suffix('"')).unwrap_or(key);
    if key.is_empty() || key.len() > 255 {
        return Err(Problem::field(
            "Idempotency-Key",
            "invalid",
            "An Idempotency-Key has 1 to 255 visible characters.",
        ));
    }
    let mut hash = Sha256::new();
    hash.update(parts.method.as_str());
    hash.update([0]);
    hash.update(parts.uri.path());
    hash.update([0]);
    hash.update(body);
    let mut request_hash = [0; 16];
    request_hash.copy_from_slice(&hash.finalize()[..16]);
    Ok(Some(SentKey { key: key.to_owned(), request_hash }))
}

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for Query<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let query = axum::extract::Query::<T>::from_request_parts(parts, state).await;
        query.map(|query| Self(query.0)).map_err(|rejection| {
            let reason = rejection.body_text();
            let reason = reason.strip_prefix("Failed to deserialize query string: ").unwrap_or(&reason).to_owned();
            let (field, why) = reason.split_once(": ").unwrap_or(("query", &reason));
            Problem::field(field, "invalid", format!("{field}: {why}"))
        })
    }
}

impl<S: Send + Sync, T: DeserializeOwned + Send> FromRequestParts<S> for Path<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        // A path that holds no id names nothing.
        let path = axum::extract::Path::<T>::from_request_parts(parts, state).await;
        path.map(|path| Self(path.0)).map_err(|_| Problem::not_found("There is nothing at this address."))
    }
}

impl<S: Send + Sync> FromRequestParts<S> for IfMatch {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let Some(value) = parts.headers.get(header::IF_MATCH) else { return Ok(Self(None)) };
        let text = value.to_str().unwrap_or_default().trim();
        if text == "*" {
            return Ok(Self(None));
        }
        let version = text.trim_start_matches("W/").trim_matches('"').trim_start_matches('v').parse();
        version.map(|version| Self(Some(version))).map_err(|_| stale())
    }
}

/// 412: the caller changed something that somebody else changed meanwhile.
pub fn stale() -> Problem {
    Problem::new(
        StatusCode::PRECONDITION_FAILED,
        "stale",
        "Somebody has changed this since you read it. Read it again and repeat your change.",
    )
}

impl<T: JsonSchema> OperationInput for Json<T> {
    fn operation_input(ctx: &mut GenContext, operation: &mut Operation) {
        axum::Json::<T>::operation_input(ctx, operation);
    }
}

impl<T: JsonSchema> OperationInput for Sent<T> {
    fn operation_input(ctx: &mut GenContext, operation: &mut Operation) {
        axum::Json::<T>::operation_input(ctx, operation);
        add_header(ctx, operation, "Idempotency-Key", "Sent again with the same body, the first answer comes back.");
    }
}

impl OperationInput for SentBytes {
    fn operation_input(ctx: &mut GenContext, operation: &mut Operation) {
        Bytes::operation_input(ctx, operation);
        add_header(ctx, operation, "Idempotency-Key", "Sent again with the same body, the first answer comes back.");
    }
}

impl<T: JsonSchema> OperationInput for Query<T> {
    fn operation_input(ctx: &mut GenContext, operation: &mut Operation) {
        axum::extract::Query::<T>::operation_input(ctx, operation);
    }
}

impl<T: JsonSchema> OperationInput for Path<T> {
    fn operation_input(ctx: &mut GenContext, operation: &mut Operation) {
        axum::extract::Path::<T>::operation_input(ctx, operation);
    }
}

impl OperationInput for IfMatch {
    fn operation_input(ctx: &mut GenContext, operation: &mut Operation) {
        add_header(ctx, operation, "If-Match", "The ETag that the change was made from; a stale one is refused.");
    }
}

fn add_header(ctx: &mut GenContext, operation: &mut Operation, name: &str, text: &str) {
    use aide::openapi::{HeaderStyle, Parameter, ParameterData, ParameterSchemaOrContent, SchemaObject};
    let schema = ctx.schema.subschema_for::<String>();
    let parameter = Parameter::Header {
        parameter_data: ParameterData {
            name: name.to_owned(),
            description: Some(text.to_owned()),
            required: false,
            deprecated: None,
            format: ParameterSchemaOrContent::Schema(SchemaObject {
                json_schema: schema,
                example: None,
                external_docs: None,
            }),
            example: None,
            examples: Default::default(),
            explode: None,
            extensions: Default::default(),
        },
        style: HeaderStyle::Simple,
    };
    aide::operation::add_parameters(ctx, operation, [parameter]);
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;
    use crate::money::Money;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Line {
        #[expect(dead_code, reason = "only its reading is tested")]
        price: Money,
    }

    #[derive(Debug, Deserialize)]
    struct Body {
        #[expect(dead_code, reason = "only its reading is tested")]
        lines: Vec<Line>,
    }

    #[test]
    fn a_wrong_body_is_refused_with_the_field_and_the_reason() {
        for (text, field, sentence) in [
            (r#"{"lines":[{"price":1.005}]}"#, "lines[0].price", "lines[0].price: `1.005` has more than 2 decimals"),
            (r#"{"lines":[{}]}"#, "price", "Missing field: price"),
            (r#"{"lines":[{"price":1,"cost":2}]}"#, "cost", "Unknown field: cost"),
            (r#"{"lines":7}"#, "lines", "lines: invalid type: integer `7`, expected a sequence"),
        ] {
            let problem = parse_json::<Body>(text.as_bytes()).unwrap_err();
            assert_eq!((problem.fields[0].field.as_str(), problem.sentence.as_str()), (field, sentence), "{text}");
        }
        for text in ["", "{", "{} {}", "\u{0}"] {
            assert_eq!(parse_json::<serde_json::Value>(text.as_bytes()).unwrap_err().code, "malformed_json", "{text}");
        }
    }
}
