//! Who may call a documented route: whoever has the right, and in the demo shop whoever sends what the
//! document shows.
//!
//! Credentials are a bearer token, the cookie of a log-in or an API key, as everywhere. What the documents
//! take for credentials, a word in the address or a key printed on a page, opens nothing where a real shop
//! is served.

use std::marker::PhantomData;

use aide::OperationInput;
use aide::generate::GenContext;
use aide::openapi::Operation;
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderValue, StatusCode, header};

use super::words::System;
use crate::staff::access::Allowed;
use crate::staff::{Caller, Principal, Right, Role};
use crate::web::{Problem, Site};

/// Proof that somebody may call a route of the system `S` that needs the right `R`.
pub struct Let<S, R> {
    /// Who.
    pub caller: Caller,
    proof: PhantomData<(S, R)>,
}

/// How a stranger gets in where the demo shop is open.
pub trait OpenDoor: System {
    /// Whether the request shows what the document shows.
    fn shows_what_is_documented(parts: &Parts) -> bool;
}

impl<S: OpenDoor, R: Right> FromRequestParts<Site> for Let<S, R> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, site: &Site) -> Result<Self, Problem> {
        name_the_program(parts);
        match Allowed::<R>::from_request_parts(parts, site).await {
            Ok(allowed) => Ok(Self { caller: allowed.caller, proof: PhantomData }),
            Err(_) if site.settings.is_open() && S::shows_what_is_documented(parts) => {
                Ok(Self { caller: guest(), proof: PhantomData })
            }
            Err(mut problem) => {
                match problem.status {
                    StatusCode::UNAUTHORIZED => {
                        problem.documented = None;
                        S::STRANGER.clone_into(&mut problem.sentence);
                    }
                    StatusCode::FORBIDDEN => S::NOT_ALLOWED.clone_into(&mut problem.sentence),
                    _ => {}
                }
                Err(S::put(problem))
            }
        }
    }
}

/// Whom the demo shop takes somebody for who shows what the document shows.
fn guest() -> Caller {
    Caller { principal: Principal::System, role: Role::Manager, name: "Guest".to_owned(), ..Caller::system() }
}

/// The tools that these documents name keep the cookie of a log-in as a browser does, and say nothing of
/// the page they come from. Every browser does, in one header or the other, when it sends more than a
/// question; so where both are absent no other site can be behind it.
fn name_the_program(parts: &mut Parts) {
    if !parts.headers.contains_key("sec-fetch-site") && !parts.headers.contains_key(header::ORIGIN) {
        parts.headers.insert("sec-fetch-site", HeaderValue::from_static("none"));
    }
}

impl<S, R: Right> OperationInput for Let<S, R> {
    fn operation_input(ctx: &mut GenContext, operation: &mut Operation) {
        Allowed::<R>::operation_input(ctx, operation);
    }

    fn inferred_early_responses(
        ctx: &mut GenContext,
        operation: &mut Operation,
    ) -> Vec<(Option<u16>, aide::openapi::Response)> {
        Allowed::<R>::inferred_early_responses(ctx, operation)
    }
}
