//! Refusals as RFC 9457 problem documents.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::db;

/// A refusal on its way to the caller; boxed, so that what may be refused stays small.
#[derive(Debug, Clone)]
pub struct Problem(Box<Refusal>);

/// What a refusal says.
#[derive(Debug, Clone)]
pub struct Refusal {
    /// The status.
    pub status: StatusCode,
    /// A stable word for programs.
    pub code: &'static str,
    /// A sentence for people.
    pub sentence: String,
    /// What clients of a documented system read in `error`, where it is not the sentence.
    pub documented: Option<&'static str>,
    /// The fields that are wrong.
    pub fields: Vec<FieldProblem>,
    /// Further members, such as the stock that is left.
    pub more: Map<String, Value>,
    /// Seconds after which trying again makes sense.
    pub retry_after_s: Option<u64>,
}

/// What an answer refused, left on it for the layer that draws pages for people.
#[derive(Debug, Clone)]
pub struct Told {
    /// A stable word for programs.
    pub code: &'static str,
    /// A sentence for people.
    pub sentence: String,
}

/// What is wrong with one field.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct FieldProblem {
    /// The field, as a path: `items[2].quantity`.
    pub field: String,
    /// A stable word for programs.
    pub code: String,
    /// A sentence for people.
    pub message: String,
}

/// The body of a refusal.
#[derive(JsonSchema)]
#[expect(dead_code, reason = "describes the body in the API document; the body itself is written by hand")]
pub struct ProblemBody {
    /// A stable address for this kind of problem.
    r#type: String,
    /// The status in words.
    title: String,
    /// The status.
    status: u16,
    /// A sentence for people.
    detail: String,
    /// The same sentence for clients that read `error`; `Unauthorized` where nobody has logged in.
    error: String,
    /// A stable word for programs.
    code: String,
    /// The id under which the server logged the request.
    request_id: String,
    /// The fields that are wrong.
    errors: Option<Vec<FieldProblem>>,
}

impl Problem {
    /// A refusal with a status, a stable word and a sentence.
    pub fn new(status: StatusCode, code: &'static str, sentence: impl Into<String>) -> Self {
        Self(Box::new(Refusal {
            status,
            code,
            sentence: sentence.into(),
            documented: None,
            fields: Vec::new(),
            more: Map::new(),
            retry_after_s: None,
        }))
    }

    /// 400: the request cannot be understood or breaks a rule of its own.
    pub fn bad_request(code: &'static str, sentence: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, code, sentence)
    }

    /// 400: one field is wrong.
    pub fn field(field: impl Into<String>, code: &'static str, sentence: impl Into<String>) -> Self {
        let sentence = sentence.into();
        let mut problem = Self::bad_request(code, sentence.clone());
        problem.fields.push(FieldProblem { field: field.into(), code: code.to_owned(), message: sentence });
        problem
    }

    /// 401: nobody, or nobody we know.
    pub fn unauthorized() -> Self {
        let mut problem = Self::new(StatusCode::UNAUTHORIZED, "unauthorized", "Log in to do this.");
        problem.documented = Some("Unauthorized");
        problem
    }

    /// 403: known, but not allowed.
    pub fn forbidden(sentence: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, "forbidden", sentence)
    }

    /// 404: absent, or not the caller's to see.
    pub fn not_found(sentence: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not_found", sentence)
    }

    /// 409: the present state does not allow it.
    pub fn conflict(code: &'static str, sentence: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, code, sentence)
    }

    /// 429: too often.
    pub fn too_many(retry_after_s: u64) -> Self {
        let mut problem = Self::new(
            StatusCode::TOO_MANY_REQUESTS,
            "too_many_requests",
            format!("Too many tries. Try again in {retry_after_s} seconds."),
        );
        problem.retry_after_s = Some(retry_after_s);
        problem
    }

    /// 503: too much is waiting.
    pub fn busy() -> Self {
        let mut problem =
            Self::new(StatusCode::SERVICE_UNAVAILABLE, "busy", "The shop is very busy. Try again in a moment.");
        problem.retry_after_s = Some(1);
        problem
    }

    /// 500: ours to mend. The cause is logged, never sent.
    pub fn internal(cause: &dyn std::fmt::Display) -> Self {
        tracing::error!(cause = %cause, request = super::porch::request_id(), "a request failed");
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "internal",
            "Something went wrong here. It has been logged; nothing was changed.",
        )
    }

    /// Adds a member to the body.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.more.insert(name.to_owned(), value.into());
        self
    }

    /// The body.
    pub fn body(&self) -> Value {
        let mut body = json!({
            "type": format!("/api/docs#problem-{}", self.code),
            "title": self.status.canonical_reason().unwrap_or("Problem"),
            "status": self.status.as_u16(),
            "detail": self.sentence,
            "error": self.documented.unwrap_or(&self.sentence),
            "code": self.code,
            "request_id": super::porch::request_id(),
        });
        if let Value::Object(members) = &mut body {
            if !self.fields.is_empty() {
                members.insert("errors".to_owned(), json!(self.fields));
            }
            members.extend(self.more.clone());
        }
        body
    }
}

impl std::ops::Deref for Problem {
    type Target = Refusal;
    fn deref(&self) -> &Refusal {
        &self.0
    }
}

impl std::ops::DerefMut for Problem {
    fn deref_mut(&mut self) -> &mut Refusal {
        &mut self.0
    }
}

impl From<db::Error> for Problem {
    fn from(error: db::Error) -> Self {
        match error {
            db::Error::Busy | db::Error::Again(_) => Self::busy(),
            db::Error::Full => Self::new(
                StatusCode::INSUFFICIENT_STORAGE,
                "storage_full",
                "No space is left on the server's disk. Nothing was changed.",
            ),
            db::Error::Unknown(cause) => {
                tracing::error!(cause, request = super::porch::request_id(), "the answer to a commit was lost");
                let mut problem = Self::new(
                    StatusCode::SERVICE_UNAVAILABLE,
                    "unknown_outcome",
                    "The connection to the database broke at the last moment. Try again with the same Idempotency-Key.",
                );
                problem.retry_after_s = Some(1);
                problem
            }
            db::Error::Storage(cause) => {
                let mut problem = Self::internal(&cause);
                problem.status = StatusCode::SERVICE_UNAVAILABLE;
                problem.code = "storage_failed";
                problem
            }
            db::Error::Violation(_) | db::Error::Shape(_) | db::Error::Engine(_) => Self::internal(&error),
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = (
            self.status,
            [(header::CONTENT_TYPE, "application/problem+json"), (header::CACHE_CONTROL, "no-store")],
            self.body().to_string(),
        )
            .into_response();
        if let Some(seconds) = self.retry_after_s {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if self.status == StatusCode::UNAUTHORIZED {
            response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response.extensions_mut().insert(Told { code: self.code, sentence: self.0.sentence });
        response
    }
}

impl aide::OperationOutput for Problem {
    type Inner = Self;

    fn operation_response(
        ctx: &mut aide::generate::GenContext,
        _: &mut aide::openapi::Operation,
    ) -> Option<aide::openapi::Response> {
        Some(described(ctx, "A refusal: what is wrong, and what can be done about it."))
    }

    fn inferred_responses(
        ctx: &mut aide::generate::GenContext,
        _: &mut aide::openapi::Operation,
    ) -> Vec<(Option<u16>, aide::openapi::Response)> {
        vec![(None, described(ctx, "A refusal: what is wrong, and what can be done about it."))]
    }
}

/// A response of the API document that carries a problem.
pub fn described(ctx: &mut aide::generate::GenContext, text: &str) -> aide::openapi::Response {
    let schema = ctx.schema.subschema_for::<ProblemBody>();
    let media = aide::openapi::MediaType {
        schema: Some(aide::openapi::SchemaObject { json_schema: schema, external_docs: None, example: None }),
        ..Default::default()
    };
    aide::openapi::Response {
        description: text.to_owned(),
        content: [("application/problem+json".to_owned(), media)].into_iter().collect(),
        ..Default::default()
    }
}
