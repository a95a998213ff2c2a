//! What the documented systems say: a message with its status, and refusals in their own words.

use aide::OperationOutput;
use aide::generate::GenContext;
use aide::openapi::Operation;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use schemars::JsonSchema;
use serde::Serialize;

use crate::web::Problem;

/// A system that has a document.
pub trait System: Send + Sync + 'static {
    /// What a stranger is told.
    const STRANGER: &'static str;
    /// What somebody is told whose role does not allow it.
    const NOT_ALLOWED: &'static str;
    /// The member in which its clients look for the reason of a refusal, besides `error`.
    const REASON: Option<&'static str> = None;

    /// The refusal in the words of this system: its clients find the sentence where they look for it.
    fn put(problem: Problem) -> Problem {
        match Self::REASON {
            Some(name) => {
                let sentence = problem.sentence.clone();
                problem.with(name, sentence)
            }
            None => problem,
        }
    }

    /// The same refusal with the sentence of the document.
    fn reworded(mut problem: Problem, sentence: &str) -> Problem {
        sentence.clone_into(&mut problem.sentence);
        for field in &mut problem.fields {
            sentence.clone_into(&mut field.message);
        }
        Self::put(problem)
    }

    /// A refusal with a status, a stable word and the sentence of the document.
    fn refuse(status: StatusCode, code: &'static str, sentence: impl Into<String>) -> Problem {
        Self::put(Problem::new(status, code, sentence))
    }

    /// 400 with the sentence of the document.
    fn bad_request(sentence: impl Into<String>) -> Problem {
        Self::refuse(StatusCode::BAD_REQUEST, "invalid", sentence)
    }
}

/// An answer with the status that its document gives it.
pub struct Said<T> {
    status: StatusCode,
    cookie: Option<String>,
    body: T,
}

impl<T> Said<T> {
    /// 200.
    pub fn ok(body: T) -> Self {
        Self { status: StatusCode::OK, cookie: None, body }
    }

    /// 201.
    pub fn created(body: T) -> Self {
        Self { status: StatusCode::CREATED, ..Self::ok(body) }
    }

    /// Sets a cookie.
    pub fn with_cookie(self, cookie: String) -> Self {
        Self { cookie: Some(cookie), ..self }
    }
}

impl<T: Serialize> IntoResponse for Said<T> {
    fn into_response(self) -> Response {
        let mut response = (self.status, axum::Json(self.body)).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if let Some(cookie) = self.cookie.and_then(|cookie| HeaderValue::try_from(cookie).ok()) {
            headers.insert(header::SET_COOKIE, cookie);
        }
        response
    }
}

impl<T: JsonSchema> OperationOutput for Said<T> {
    type Inner = T;

    fn operation_response(ctx: &mut GenContext, operation: &mut Operation) -> Option<aide::openapi::Response> {
        axum::Json::<T>::operation_response(ctx, operation)
    }

    fn inferred_responses(
        ctx: &mut GenContext,
        operation: &mut Operation,
    ) -> Vec<(Option<u16>, aide::openapi::Response)> {
        axum::Json::<T>::inferred_responses(ctx, operation)
    }
}

/// A message, as *Supermarket Backend* and *Smart Inventory* answer.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Message {
    /// The sentence.
    pub message: &'static str,
}

impl Message {
    /// 200 with a sentence.
    pub fn ok(message: &'static str) -> Said<Self> {
        Said::ok(Self { message })
    }

    /// 201 with a sentence.
    pub fn created(message: &'static str) -> Said<Self> {
        Said::created(Self { message })
    }
}
