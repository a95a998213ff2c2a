//! Routes for one-time codes.

use aide::axum::routing::post_with;
use axum::Extension;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{confirm_password, origin, own_account};
use crate::audit::By;
use crate::shop::{self, upi};
use crate::staff::Allowed;
use crate::staff::access::SignedIn;
use crate::staff::actions;
use crate::staff::model::StaffError;
use crate::staff::password::Hasher;
use crate::staff::totp::Secret;
use crate::web::docs::describe;
use crate::web::porch::Address;
use crate::web::{self, Json, Problem, Routes, Site};

pub(super) fn routes() -> Routes {
    const TAG: &str = "Accounts";
    Routes::new()
        .api_route(
            "/api/auth/totp",
            post_with(start, |op| describe(op, TAG, "Makes a secret for an authenticator; off until its first code"))
                .delete_with(stop, |op| describe(op, TAG, "Turns one-time codes off; needs the password")),
        )
        .api_route(
            "/api/auth/totp/verify",
            post_with(confirm, |op| describe(op, TAG, "Turns one-time codes on with the first code")),
        )
}

/// What an authenticator needs. It is shown this once.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct SecretBody {
    /// The secret in base 32, to be typed.
    secret: String,
    /// The same as an address.
    otpauth_url: String,
    /// The same as a QR code, as a data URL.
    qr_code_url: String,
}

async fn start(State(site): State<Site>, seen: Allowed<SignedIn>) -> web::Result<axum::Json<SecretBody>> {
    let id = own_account(&site, &seen).await?.id;
    let now = site.clock.now();
    let stored = Secret::make(&site.entropy);
    let body = site
        .db
        .write(move |conn| {
            let user = actions::start_totp(conn, id, &stored, now)?;
            let otpauth_url = stored.link(&shop::current(conn)?.name, user.login());
            let qr_code_url = upi::svg_url(&upi::qr_svg(&otpauth_url));
            Ok::<_, StaffError>(SecretBody { secret: stored.base32(), otpauth_url, qr_code_url })
        })
        .await?;
    Ok(axum::Json(body))
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct CodeBody {
    /// The six digits that the authenticator shows.
    code: String,
}

async fn confirm(
    State(site): State<Site>,
    seen: Allowed<SignedIn>,
    address: Address,
    Json(body): Json<CodeBody>,
) -> web::Result<StatusCode> {
    let id = own_account(&site, &seen).await?.id;
    let (actor, now) = (seen.actor(), site.clock.now());
    let confirmed = site
        .db
        .write(move |conn| {
            actions::confirm_totp(conn, id, &body.code, By { actor: &actor, from: &address.text(), now })
        })
        .await;
    match confirmed {
        Ok(()) => Ok(StatusCode::NO_CONTENT),
        // The caller is logged in: this is a wrong field and no failed log-in.
        Err(error @ StaffError::WrongCode) => Err(Problem::field("code", "wrong_code", error.to_string())),
        Err(error) => Err(error.into()),
    }
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct StopBody {
    password: String,
}

async fn stop(
    State(site): State<Site>,
    Extension(hasher): Extension<Hasher>,
    seen: Allowed<SignedIn>,
    address: Address,
    headers: HeaderMap,
    Json(body): Json<StopBody>,
) -> web::Result<StatusCode> {
    let user = own_account(&site, &seen).await?;
    let (id, actor, now) = (user.id, seen.actor(), site.clock.now());
    confirm_password(&site, &hasher, user, body.password, "password", origin(address, &headers)).await?;
    site.db.write(move |conn| actions::drop_totp(conn, id, By { actor: &actor, from: &address.text(), now })).await?;
    Ok(StatusCode::NO_CONTENT)
}
