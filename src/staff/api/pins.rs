//! Routes for PINs and what is approved with them.

use aide::axum::routing::{get_with, post_with, put_with};
use axum::Extension;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{confirm_password, origin, own_account};
use crate::audit::By;
use crate::clock::Timestamp;
use crate::ids::{StoreId, UserId};
use crate::staff::access::{Approve, SellAtCounter};
use crate::staff::actions;
use crate::staff::model::{Act, Approver, StaffError};
use crate::staff::password::{Hasher, Verdict};
use crate::staff::{Allowed, rules};
use crate::web::docs::describe;
use crate::web::porch::Address;
use crate::web::{self, Json, Problem, Query, Routes, Site};

pub(super) fn routes() -> Routes {
    const TAG: &str = "Counter";
    Routes::new()
        .api_route(
            "/api/auth/pin",
            put_with(set, |op| describe(op, TAG, "Sets one's own PIN, by which one approves; needs the password"))
                .delete_with(remove, |op| describe(op, TAG, "Removes one's own PIN")),
        )
        .api_route("/api/pos/approvers", get_with(list, |op| describe(op, TAG, "Who can approve with a PIN")))
        .api_route(
            "/api/pos/approvals",
            post_with(approve, |op| {
                describe(op, TAG, "A manager's PIN approves one act of the caller, within five minutes")
            }),
        )
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct PinBody {
    /// Four to six digits.
    pin: String,
    /// The password of the account.
    password: String,
}

async fn set(
    State(site): State<Site>,
    Extension(hasher): Extension<Hasher>,
    seen: Allowed<Approve>,
    address: Address,
    headers: HeaderMap,
    Json(body): Json<PinBody>,
) -> web::Result<StatusCode> {
    rules::check_pin(&body.pin)?;
    let user = own_account(&site, &seen).await?;
    let id = user.id;
    confirm_password(&site, &hasher, user, body.password, "password", origin(address, &headers)).await?;
    let hash = hasher.hash(body.pin).await?;
    let (actor, now) = (seen.actor(), site.clock.now());
    site.db
        .write(move |conn| {
            let by = By { actor: &actor, from: &address.text(), now };
            actions::set_pin(conn, id, &hash, by)
        })
        .await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn remove(State(site): State<Site>, seen: Allowed<Approve>, address: Address) -> web::Result<StatusCode> {
    let id = own_account(&site, &seen).await?.id;
    let (actor, now) = (seen.actor(), site.clock.now());
    site.db.write(move |conn| actions::drop_pin(conn, id, By { actor: &actor, from: &address.text(), now })).await?;
    Ok(StatusCode::NO_CONTENT)
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct StoreQuery {
    /// The store; the caller's own, or the first, when absent.
    store: Option<StoreId>,
}

async fn list(
    State(site): State<Site>,
    seen: Allowed<SellAtCounter>,
    Query(query): Query<StoreQuery>,
) -> web::Result<axum::Json<Vec<Approver>>> {
    let store = seen.choose_store(query.store)?;
    Ok(axum::Json(site.db.read(move |conn| actions::list_approvers(conn, store)).await?))
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct ApprovalBody {
    /// Who approves.
    approver_id: UserId,
    /// Their PIN.
    pin: String,
    /// What is approved.
    act: Act,
    /// The store; the caller's own, or the first, when absent.
    store_id: Option<StoreId>,
}

/// An approval. Its text is shown this once.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct ApprovedBody {
    /// Goes into `approval` of the one act that it is for.
    approval: String,
    act: Act,
    approver_id: UserId,
    approver: String,
    expires_at: Timestamp,
}

async fn approve(
    State(site): State<Site>,
    Extension(hasher): Extension<Hasher>,
    seen: Allowed<SellAtCounter>,
    address: Address,
    Json(body): Json<ApprovalBody>,
) -> web::Result<(StatusCode, axum::Json<ApprovedBody>)> {
    let store = seen.choose_store(body.store_id)?;
    let (approver_id, act, now) = (body.approver_id, body.act, site.clock.now());
    let (user, stored) = site.db.read(move |conn| actions::find_pin(conn, approver_id, store, now)).await?;
    if hasher.verify(body.pin, stored).await? == Verdict::Wrong {
        site.db.write(move |conn| actions::fail_pin(conn, approver_id, now)).await?;
        return Err(StaffError::WrongPin.into());
    }
    let (text, actor) = (site.entropy.token::<16>(), seen.actor());
    let expires_at = site
        .db
        .write({
            let text = text.clone();
            move |conn| {
                let by = By { actor: &actor, from: &address.text(), now };
                actions::give_approval(conn, act, store, approver_id, &text, by)
            }
        })
        .await?;
    let body = ApprovedBody { approval: text, act, approver_id, approver: user.full_name(), expires_at };
    Ok((StatusCode::CREATED, axum::Json(body)))
}

impl From<rules::BadPin> for Problem {
    fn from(refusal: rules::BadPin) -> Self {
        Self::field("pin", "weak_pin", refusal.to_string())
    }
}
