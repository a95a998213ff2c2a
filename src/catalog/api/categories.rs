//! Routes for categories.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use schemars::JsonSchema;
use serde::Deserialize;

use super::super::actions;
use super::super::categories::{Category, CategoryChange};
use super::super::model::Edit;
use super::Acting;
use crate::ids::CategoryId;
use crate::staff::Allowed;
use crate::staff::access::{Browse, ManageCatalog};
use crate::web::answer::{Answer, KeptAnswer};
use crate::web::porch::Address;
use crate::web::{self, IfMatch, Json, Listed, Path, Sent, Site, Tagged, idempotency};

pub async fn list(State(site): State<Site>, _: Allowed<Browse>) -> web::Result<Response> {
    let generation = site.db.generation();
    if let Some(kept) = site.answers.find(generation, "categories") {
        return Ok(kept.into_response());
    }
    let rows = site.db.read(actions::list_categories).await?;
    let total = i64::try_from(rows.len()).unwrap_or(i64::MAX);
    let answer = KeptAnswer::of_list(&Listed { rows, total, next: None })?;
    site.answers.keep(generation, "categories".to_owned(), &answer);
    Ok(answer.into_response())
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NewCategoryBody {
    name: String,
    /// The category above.
    parent_id: Option<CategoryId>,
    /// Its place among its neighbours; 0 when absent.
    #[serde(default)]
    position: i64,
}

pub async fn create(
    State(site): State<Site>,
    seen: Allowed<ManageCatalog>,
    address: Address,
    Sent { body, key }: Sent<NewCategoryBody>,
) -> web::Result<Answer<Category>> {
    let acting = Acting::new(&site, &seen, address, None)?;
    let claim = seen.claim(key);
    let answer = site
        .db
        .write(move |conn| {
            idempotency::once(conn, claim.as_ref(), acting.now, StatusCode::CREATED, |conn| {
                let on = acting.on(conn)?;
                actions::create_category(conn, body.name.trim(), body.parent_id, body.position, on)
            })
        })
        .await?;
    Ok(answer.into())
}

#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct CategoryBody {
    name: Option<String>,
    /// The category above; null puts it at the top.
    parent_id: Edit<CategoryId>,
    position: Option<i64>,
}

#[derive(Debug, Deserialize, JsonSchema)]
pub struct CategoryPath {
    /// The category's id.
    id: CategoryId,
}

pub async fn update(
    State(site): State<Site>,
    seen: Allowed<ManageCatalog>,
    address: Address,
    Path(path): Path<CategoryPath>,
    IfMatch(expected): IfMatch,
    Json(body): Json<CategoryBody>,
) -> web::Result<Tagged<Category>> {
    let acting = Acting::new(&site, &seen, address, None)?;
    let name = body.name.map(|name| name.trim().to_owned());
    let change = CategoryChange { name, parent: body.parent_id, position: body.position };
    let category = site
        .db
        .write(move |conn| {
            let on = acting.on(conn)?;
            actions::change_category(conn, path.id, expected, &change, on)
        })
        .await?;
    Ok(Tagged { version: category.version, body: category })
}

pub async fn delete(
    State(site): State<Site>,
    seen: Allowed<ManageCatalog>,
    address: Address,
    Path(path): Path<CategoryPath>,
) -> web::Result<StatusCode> {
    let acting = Acting::new(&site, &seen, address, None)?;
    site.db
        .write(move |conn| {
            let on = acting.on(conn)?;
            actions::delete_category(conn, path.id, on).map(|_| ())
        })
        .await?;
    Ok(StatusCode::NO_CONTENT)
}
