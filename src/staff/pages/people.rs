//! Settings: who works here, what they may do, and who waits to be let in.

use askama::Template;
use axum::extract::State;
use axum::extract::rejection::FormRejection;
use axum::response::Response;
use axum::routing::{get, post};
use axum::{Extension, Form, Router};
use serde::Deserialize;

use super::entry::Entry;
use super::settings::{Frame, Notice, Panel, RoleChoice, SavedQuery, choices, saved};
use super::{check_form, page, role_label, unreadable};
use crate::audit::By;
use crate::db::Conn;
use crate::ids::UserId;
use crate::shop;
use crate::staff::access::{Allowed, Caller, ManagePeople};
use crate::staff::actions::{self, Filter};
use crate::staff::model::{Edit, Kind, NewUser, Role, StaffError, Status, User};
use crate::staff::password::Hasher;
use crate::staff::rules::may_manage;
use crate::web::page::{Page, Reader, draw};
use crate::web::porch::Address;
use crate::web::{self, Fields, Path, Problem, Query, Site};

/// How many people are shown.
const SHOWN: i64 = 200;

pub(super) fn routes() -> Router<Site> {
    Router::new().route("/settings/people", get(show).post(add)).route("/settings/people/{id}/{act}", post(act))
}

#[derive(Template)]
#[template(path = "staff/settings/people.html")]
struct PeoplePage {
    page: Page,
    frame: Frame,
    waiting: Vec<Person>,
    people: Vec<Person>,
    typed: AddForm,
    roles: Vec<RoleChoice>,
}

struct Person {
    id: UserId,
    name: String,
    login: String,
    role: String,
    status: Status,
    seen: String,
    /// The roles they may be given; empty for those whom the reader may not change.
    roles: Vec<RoleChoice>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct AddForm {
    csrf: String,
    name: String,
    login: String,
    password: String,
    role: String,
}

async fn show(
    State(site): State<Site>,
    reader: Reader,
    seen: Allowed<ManagePeople>,
    Query(query): Query<SavedQuery>,
) -> web::Result<Response> {
    draw_people(&site, reader, seen.caller, query.into(), AddForm::default()).await
}

async fn draw_people(
    site: &Site,
    reader: Reader,
    caller: Caller,
    notice: Notice,
    typed: AddForm,
) -> web::Result<Response> {
    let (for_page, status, now) = (site.clone(), notice.status(), site.clock.now());
    let drawn = site
        .db
        .read(move |conn| {
            let shop = shop::current(conn)?;
            let mut page = page(&for_page, &reader, &shop, Some(&caller));
            "/settings/people".clone_into(&mut page.here);
            let frame = Frame::new(conn, &page, &shop, &caller, Panel::People, notice, "")?;
            let staff = Filter { kind: Some(Kind::Staff), ..Filter::default() };
            let (users, _) = actions::list(conn, &staff, UserId::new(i64::MAX), SHOWN)?;
            let person = |user: User| {
                let others = caller.user() != Some(user.id) && may_manage(caller.role, user.role);
                Person {
                    id: user.id,
                    name: user.full_name(),
                    login: user.login().to_owned(),
                    role: role_label(&page, user.role),
                    status: user.status,
                    seen: user.last_login_at.map_or_else(String::new, |at| page.age(at, now)),
                    roles: if others { choices(&page, &caller, user.role) } else { Vec::new() },
                }
            };
            let (waiting, people) = users.into_iter().map(person).partition(|person| person.status == Status::Pending);
            let role = Role::from_word(&typed.role).unwrap_or(Role::Cashier);
            let roles = choices(&page, &caller, role);
            Ok::<_, Problem>(PeoplePage { page, frame, waiting, people, typed, roles })
        })
        .await?;
    Ok(draw(status, &drawn))
}

async fn add(
    State(site): State<Site>,
    Extension(hasher): Extension<Hasher>,
    reader: Reader,
    seen: Allowed<ManagePeople>,
    address: Address,
    form: Result<Form<AddForm>, FormRejection>,
) -> web::Result<Response> {
    let Form(form) = form.map_err(unreadable)?;
    check_form(&seen, &form.csrf)?;
    match open_account(&site, &hasher, &seen, address, &form).await {
        Ok(()) => Ok(saved(Panel::People)),
        Err(problem) => draw_people(&site, reader, seen.caller, Notice::Refused(problem), form).await,
    }
}

async fn open_account(
    site: &Site,
    hasher: &Hasher,
    caller: &Caller,
    address: Address,
    form: &AddForm,
) -> web::Result<()> {
    let mut fields = Fields::default();
    let entry = Entry { name: ("name", &form.name), login: &form.login, password: &form.password, usernames: true };
    let new = entry.check(&mut fields);
    let role = Role::from_word(&form.role).filter(|role| role.kind() == Kind::Staff);
    fields.check(role.is_some(), "role", "missing", "Choose a role.");
    fields.into_result()?;
    let role = role.unwrap_or(Role::Cashier);
    // Whoever is bound to a store opens accounts there.
    actions::check_reach(caller, role, caller.store)?;
    let new = NewUser { password_hash: Some(hasher.hash(form.password.clone()).await?), store_id: caller.store, ..new };
    let (actor, now) = (caller.actor(), site.clock.now());
    site.db
        .write(move |conn| {
            let by = By { actor: &actor, from: &address.text(), now };
            actions::open_account(conn, &new, role, Status::Active, by)
        })
        .await
        .map_err(|error| match error {
            StaffError::EmailTaken | StaffError::UsernameTaken(_) => {
                Problem::field("login", "user_exists", error.to_string())
            }
            error => error.into(),
        })?;
    Ok(())
}

crate::words! {
    /// What is done with somebody's account.
    enum Act {
        /// Somebody who waits is let in.
        Approve = "approve",
        /// Nobody may log in with it any more.
        Disable = "disable",
        /// One may again.
        Enable = "enable",
        /// They become something else in the shop.
        Role = "role",
    }
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct ActForm {
    csrf: String,
    role: String,
}

async fn act(
    State(site): State<Site>,
    reader: Reader,
    seen: Allowed<ManagePeople>,
    address: Address,
    Path((id, act)): Path<(UserId, Act)>,
    form: Result<Form<ActForm>, FormRejection>,
) -> web::Result<Response> {
    let Form(form) = form.map_err(unreadable)?;
    check_form(&seen, &form.csrf)?;
    let edit = Edit { role: Role::from_word(&form.role), ..Edit::default() };
    let (caller, now) = (seen.caller.clone(), site.clock.now());
    let change = move |conn: &mut Conn<'_>| {
        let by = By { actor: &caller.actor(), from: &address.text(), now };
        match act {
            Act::Approve => {
                actions::approve(conn, &caller, id, by)?;
                actions::edit(conn, &caller, id, None, &edit, by)
            }
            Act::Disable => actions::set_enabled(conn, &caller, id, false, by),
            Act::Enable => actions::set_enabled(conn, &caller, id, true, by),
            Act::Role => actions::edit(conn, &caller, id, None, &edit, by),
        }
    };
    match site.db.write(change).await {
        Ok(_) => Ok(saved(Panel::People)),
        Err(error) => {
            let notice = Notice::Refused(error.into());
            draw_people(&site, reader, seen.caller, notice, AddForm::default()).await
        }
    }
}
