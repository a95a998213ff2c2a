//! Routes for one's own sessions.

use aide::axum::routing::{delete_with, get_with, post_with};
use axum::extract::State;
use axum::http::StatusCode;
use schemars::JsonSchema;
use serde::Serialize;

use super::own_account;
use crate::clock::Timestamp;
use crate::staff::Allowed;
use crate::staff::access::SignedIn;
use crate::staff::{actions, queries};
use crate::web::docs::describe;
use crate::web::{self, Path, Problem, Routes, Site};

pub(super) fn routes() -> Routes {
    const TAG: &str = "Accounts";
    Routes::new()
        .api_route("/api/auth/sessions", get_with(list, |op| describe(op, TAG, "Where one is logged in")))
        .api_route(
            "/api/auth/sessions/{id}",
            delete_with(revoke, |op| describe(op, TAG, "Ends one of one's own sessions at once")),
        )
        .api_route(
            "/api/auth/sessions/revoke-others",
            post_with(revoke_others, |op| describe(op, TAG, "Ends all of one's sessions but this one at once")),
        )
}

/// A session.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct SessionBody {
    id: String,
    /// `token` or `cookie`.
    kind: String,
    created_at: Timestamp,
    expires_at: Timestamp,
    /// The address it was opened from.
    address: String,
    /// The program it was opened with.
    agent: String,
    /// The session of this very request.
    current: bool,
}

async fn list(State(site): State<Site>, seen: Allowed<SignedIn>) -> web::Result<axum::Json<Vec<SessionBody>>> {
    let (user, now) = (own_account(&site, &seen).await?.id, site.clock.now());
    let list = &queries::LIST_SESSIONS;
    let sessions = site.db.read(move |conn| Ok::<_, Problem>(conn.all(list, &[user.into(), now.into()])?)).await?;
    let bodies = sessions.into_iter().map(|session| SessionBody {
        current: session.id == seen.session,
        id: session.id,
        kind: session.kind,
        created_at: session.created_at,
        expires_at: session.expires_at,
        address: session.address,
        agent: session.agent,
    });
    Ok(axum::Json(bodies.collect()))
}

async fn revoke(State(site): State<Site>, seen: Allowed<SignedIn>, Path(id): Path<String>) -> web::Result<StatusCode> {
    let (user, now) = (own_account(&site, &seen).await?.id, site.clock.now());
    let ended = site.db.write(move |conn| actions::revoke_session(conn, user, &id, now)).await?;
    if ended { Ok(StatusCode::NO_CONTENT) } else { Err(Problem::not_found("There is no such session.")) }
}

/// How many sessions were ended.
#[derive(Debug, Serialize, JsonSchema)]
struct EndedBody {
    ended: u64,
}

async fn revoke_others(State(site): State<Site>, seen: Allowed<SignedIn>) -> web::Result<axum::Json<EndedBody>> {
    let (user, now) = (own_account(&site, &seen).await?.id, site.clock.now());
    let ended = site.db.write(move |conn| actions::revoke_sessions(conn, user, &seen.session, now)).await?;
    Ok(axum::Json(EndedBody { ended }))
}
