//! Settings: keys for programs. A key is shown once, by the answer to the form that made it.

use askama::Template;
use axum::extract::State;
use axum::extract::rejection::FormRejection;
use axum::response::Response;
use axum::routing::{get, post};
use axum::{Form, Router};
use serde::Deserialize;

use super::settings::{Frame, Notice, Panel, RoleChoice, SavedQuery, choices, saved};
use super::{check_form, page, role_label, unreadable};
use crate::audit::By;
use crate::ids::ApiKeyId;
use crate::shop;
use crate::staff::access::{Allowed, Caller, ManageKeys};
use crate::staff::actions::{self, NewKey};
use crate::staff::model::{Kind, Role};
use crate::web::page::{Page, Reader, draw};
use crate::web::porch::Address;
use crate::web::{self, Fields, Path, Problem, Query, Site};

pub(super) fn routes() -> Router<Site> {
    Router::new().route("/settings/keys", get(show).post(make)).route("/settings/keys/{id}/revoke", post(revoke))
}

#[derive(Template)]
#[template(path = "staff/settings/keys.html")]
struct KeysPage {
    page: Page,
    frame: Frame,
    /// The key that was just made; shown this once.
    made: Option<String>,
    keys: Vec<KeyRow>,
    /// The name of a key that could not be made.
    typed: String,
    roles: Vec<RoleChoice>,
}

struct KeyRow {
    id: ApiKeyId,
    name: String,
    prefix: String,
    role: String,
    used: String,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct KeyForm {
    csrf: String,
    name: String,
    role: String,
}

async fn show(
    State(site): State<Site>,
    reader: Reader,
    seen: Allowed<ManageKeys>,
    Query(query): Query<SavedQuery>,
) -> web::Result<Response> {
    draw_keys(&site, reader, seen.caller, query.into(), None, KeyForm::default()).await
}

async fn draw_keys(
    site: &Site,
    reader: Reader,
    caller: Caller,
    notice: Notice,
    made: Option<String>,
    typed: KeyForm,
) -> web::Result<Response> {
    let (for_page, status, now) = (site.clone(), notice.status(), site.clock.now());
    let drawn = site
        .db
        .read(move |conn| {
            let shop = shop::current(conn)?;
            let mut page = page(&for_page, &reader, &shop, Some(&caller));
            "/settings/keys".clone_into(&mut page.here);
            let frame = Frame::new(conn, &page, &shop, &caller, Panel::Keys, notice, "")?;
            let keys = actions::list_keys(conn)?.into_iter().filter(|key| key.revoked_at.is_none());
            let keys = keys.map(|key| KeyRow {
                id: key.id,
                role: role_label(&page, key.role),
                used: key.last_used_at.map_or_else(String::new, |at| page.age(at, now)),
                name: key.name,
                prefix: format!("kir_{}_…", key.prefix),
            });
            let keys = keys.collect();
            let roles = choices(&page, &caller, Role::from_word(&typed.role).unwrap_or(Role::Manager));
            Ok::<_, Problem>(KeysPage { page, frame, made, keys, typed: typed.name, roles })
        })
        .await?;
    Ok(draw(status, &drawn))
}

async fn make(
    State(site): State<Site>,
    reader: Reader,
    seen: Allowed<ManageKeys>,
    address: Address,
    form: Result<Form<KeyForm>, FormRejection>,
) -> web::Result<Response> {
    let Form(form) = form.map_err(unreadable)?;
    check_form(&seen, &form.csrf)?;
    match make_key(&site, &seen, address, &form).await {
        Ok(text) => draw_keys(&site, reader, seen.caller, Notice::None, Some(text), KeyForm::default()).await,
        Err(problem) => draw_keys(&site, reader, seen.caller, Notice::Refused(problem), None, form).await,
    }
}

async fn make_key(site: &Site, caller: &Caller, address: Address, form: &KeyForm) -> web::Result<String> {
    let name = form.name.trim().to_owned();
    let role = Role::from_word(&form.role).filter(|role| role.kind() == Kind::Staff);
    let mut fields = Fields::default();
    fields.check(!name.is_empty(), "name", "missing", "Fill this in.");
    fields.check(name.chars().count() <= 100, "name", "too_long", "This text is too long.");
    fields.check(role.is_some(), "role", "missing", "Choose a role.");
    fields.into_result()?;
    let new = NewKey { name, role: role.unwrap_or(Role::Cashier), store_id: None, expires_at: None };
    let (actor, creator, entropy, now) = (caller.actor(), caller.user(), site.entropy.clone(), site.clock.now());
    let (_, text) = site
        .db
        .write(move |conn| {
            actions::make_key(conn, &new, creator, &entropy, By { actor: &actor, from: &address.text(), now })
        })
        .await?;
    Ok(text)
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct RevokeForm {
    csrf: String,
}

async fn revoke(
    State(site): State<Site>,
    seen: Allowed<ManageKeys>,
    address: Address,
    Path(id): Path<ApiKeyId>,
    form: Result<Form<RevokeForm>, FormRejection>,
) -> web::Result<Response> {
    let Form(form) = form.map_err(unreadable)?;
    check_form(&seen, &form.csrf)?;
    let (actor, now) = (seen.actor(), site.clock.now());
    site.db.write(move |conn| actions::revoke_key(conn, id, By { actor: &actor, from: &address.text(), now })).await?;
    Ok(saved(Panel::Keys))
}
