//! Routes for API keys.

use aide::axum::routing::{delete_with, get_with};
use axum::extract::State;
use axum::http::StatusCode;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::audit::By;
use crate::clock::Timestamp;
use crate::ids::{ApiKeyId, StoreId};
use crate::staff::Allowed;
use crate::staff::access::ManageKeys;
use crate::staff::actions::{self, NewKey};
use crate::staff::model::{Key, Role, StaffError};
use crate::web::answer::{Answer, Stored};
use crate::web::docs::describe;
use crate::web::porch::Address;
use crate::web::{self, Fields, Path, Problem, Routes, Sent, Site, idempotency};

pub(super) fn routes() -> Routes {
    const TAG: &str = "API keys";
    Routes::new()
        .api_route(
            "/api/api-keys",
            get_with(list, |op| describe(op, TAG, "All keys, without their secrets"))
                .post_with(make, |op| describe(op, TAG, "Makes a key; its text is shown this once")),
        )
        .api_route("/api/api-keys/{id}", delete_with(revoke, |op| describe(op, TAG, "Ends a key at once")))
}

async fn list(State(site): State<Site>, _: Allowed<ManageKeys>) -> web::Result<axum::Json<Vec<Key>>> {
    Ok(axum::Json(site.db.read(actions::list_keys).await?))
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct KeyBody {
    /// What it is called.
    name: String,
    /// The role it acts in: any but `customer`.
    role: Role,
    /// The branch it is bound to; absent means all.
    store_id: Option<StoreId>,
    /// Until when it is good; absent means for ever.
    expires_at: Option<Timestamp>,
}

/// A key that was just made.
#[derive(Debug, Serialize, JsonSchema)]
struct MadeBody {
    /// The whole key, for the header `x-api-key`. Absent when an earlier request with the same
    /// `Idempotency-Key` made it: it is stored nowhere.
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<String>,
    #[serde(flatten)]
    made: Key,
}

async fn make(
    State(site): State<Site>,
    seen: Allowed<ManageKeys>,
    address: Address,
    Sent { body, key }: Sent<KeyBody>,
) -> web::Result<Answer<MadeBody>> {
    let now = site.clock.now();
    let new = body.check(now)?;
    let (actor, creator, claim, entropy) = (seen.actor(), seen.user(), seen.claim(key), site.entropy.clone());
    let answer = site
        .db
        .write(move |conn| {
            let mut shown = None;
            let stored = idempotency::once(conn, claim.as_ref(), now, StatusCode::CREATED, |conn| {
                let by = By { actor: &actor, from: &address.text(), now };
                let (made, text) = actions::make_key(conn, &new, creator, &entropy, by)?;
                shown = Some(MadeBody { key: Some(text), made: made.clone() });
                Ok::<_, StaffError>(MadeBody { key: None, made })
            })?;
            // What is stored for a repeated request does not hold the secret; this answer does.
            shown.map_or(Ok(stored), |body| Stored::fresh(StatusCode::CREATED, &body))
        })
        .await?;
    Ok(answer.into())
}

impl KeyBody {
    fn check(self, now: Timestamp) -> Result<NewKey, Problem> {
        let name = self.name.trim().to_owned();
        let mut fields = Fields::default();
        let fits = (1..=100).contains(&name.chars().count());
        fields.check(fits, "name", "invalid", "A key needs a name of at most 100 characters.");
        fields.check(self.role != Role::Customer, "role", "invalid", "A key acts for the staff.");
        let ahead = self.expires_at.is_none_or(|at| at > now);
        fields.check(ahead, "expiresAt", "invalid", "The key would already be out of date.");
        fields.into_result()?;
        Ok(NewKey { name, role: self.role, store_id: self.store_id, expires_at: self.expires_at })
    }
}

async fn revoke(
    State(site): State<Site>,
    seen: Allowed<ManageKeys>,
    address: Address,
    Path(id): Path<ApiKeyId>,
) -> web::Result<StatusCode> {
    let (actor, now) = (seen.actor(), site.clock.now());
    site.db.write(move |conn| actions::revoke_key(conn, id, By { actor: &actor, from: &address.text(), now })).await?;
    Ok(StatusCode::NO_CONTENT)
}
