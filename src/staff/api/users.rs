//! Routes for other people's accounts.

use aide::axum::routing::{get_with, post_with};
use axum::Extension;
use axum::extract::State;
use axum::http::StatusCode;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::audit::By;
use crate::clock::{BusinessDate, Timestamp};
use crate::db::Conn;
use crate::ids::{StoreId, UserId};
use crate::staff::access::ManagePeople;
use crate::staff::actions::{self, Filter, HANDED_LIFE_MS, Removal};
use crate::staff::model::{Edit, Kind, NewUser, Role, StaffError, Status, User};
use crate::staff::password::Hasher;
use crate::staff::{Allowed, Caller, rules};
use crate::web::answer::{Answer, Stored, encode, next_page, page_size};
use crate::web::docs::describe;
use crate::web::extract::present;
use crate::web::porch::Address;
use crate::web::{self, Fields, IfMatch, Json, Listed, Path, Problem, Query, Routes, Sent, Site, Tagged, idempotency};

pub(super) fn routes() -> Routes {
    const TAG: &str = "People";
    Routes::new()
        .api_route(
            "/api/users",
            get_with(list, |op| describe(op, TAG, "Accounts of staff and customers, newest first"))
                .post_with(create, |op| describe(op, TAG, "Opens an account, with a password or a link to set one")),
        )
        .api_route(
            "/api/users/{id}",
            get_with(show, |op| describe(op, TAG, "One account"))
                .put_with(edit, |op| describe(op, TAG, "Changes what is sent of an account"))
                .patch_with(edit, |op| describe(op, TAG, "Changes what is sent of an account"))
                .delete_with(remove, |op| {
                    describe(op, TAG, "Deletes an account that was never used; disables any other")
                }),
        )
        .api_route(
            "/api/users/{id}/approve",
            post_with(approve, |op| describe(op, TAG, "Lets in somebody who waits for approval")),
        )
        .api_route(
            "/api/users/{id}/disable",
            post_with(disable, |op| describe(op, TAG, "Disables an account and ends its sessions at once")),
        )
        .api_route(
            "/api/users/{id}/enable",
            post_with(enable, |op| describe(op, TAG, "Lets a disabled account in again")),
        )
        .api_route(
            "/api/users/{id}/reset-password",
            post_with(reset_password, |op| describe(op, TAG, "Makes a link that sets a new password once")),
        )
}

/// An account.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct UserBody {
    id: UserId,
    kind: Kind,
    role: Role,
    status: Status,
    username: Option<String>,
    email: Option<String>,
    phone: String,
    first_name: String,
    last_name: String,
    designation: String,
    date_of_birth: Option<BusinessDate>,
    address: String,
    city: String,
    pincode: String,
    /// The branch they are bound to; absent means all.
    store_id: Option<StoreId>,
    language: String,
    /// One-time codes are needed at log-in.
    totp: bool,
    /// A password was set.
    has_password: bool,
    last_login_at: Option<Timestamp>,
    created_at: Timestamp,
    updated_at: Timestamp,
    version: i64,
}

impl From<User> for UserBody {
    fn from(user: User) -> Self {
        Self {
            totp: user.has_totp(),
            has_password: user.password_hash.is_some(),
            id: user.id,
            kind: user.kind,
            role: user.role,
            status: user.status,
            username: user.username,
            email: user.email,
            phone: user.phone,
            first_name: user.first_name,
            last_name: user.last_name,
            designation: user.designation,
            date_of_birth: user.date_of_birth_on,
            address: user.address,
            city: user.city,
            pincode: user.pincode,
            store_id: user.store_id,
            language: user.language,
            last_login_at: user.last_login_at,
            created_at: user.created_at,
            updated_at: user.updated_at,
            version: user.version,
        }
    }
}

impl From<User> for Tagged<UserBody> {
    fn from(user: User) -> Self {
        Self { version: user.version, body: user.into() }
    }
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct UsersQuery {
    kind: Option<Kind>,
    role: Option<Role>,
    status: Option<Status>,
    /// A part of the name, log-in or telephone number.
    q: Option<String>,
    /// Where the page before ended.
    cursor: Option<UserId>,
    limit: Option<i64>,
}

async fn list(
    State(site): State<Site>,
    _: Allowed<ManagePeople>,
    Query(query): Query<UsersQuery>,
) -> web::Result<Listed<UserBody>> {
    let limit = page_size(query.limit)?;
    let before = query.cursor.unwrap_or(UserId::new(i64::MAX));
    let text = query.q.clone().unwrap_or_default();
    let filter = Filter { kind: query.kind, role: query.role, status: query.status, text };
    let (users, total) = site.db.read(move |conn| actions::list(conn, &filter, before, limit)).await?;
    let full = i64::try_from(users.len()).unwrap_or(i64::MAX) == limit;
    let next = users.last().filter(|_| full).map(|last| {
        let filters = [
            ("kind", query.kind.map(Kind::word)),
            ("role", query.role.map(Role::word)),
            ("status", query.status.map(Status::word)),
            ("q", query.q.as_deref()),
        ];
        next_page("/api/users", &filters, &last.id.to_string(), limit)
    });
    Ok(Listed { rows: users.into_iter().map(UserBody::from).collect(), total, next })
}

async fn show(
    State(site): State<Site>,
    _: Allowed<ManagePeople>,
    Path(id): Path<UserId>,
) -> web::Result<Tagged<UserBody>> {
    Ok(site.db.read(move |conn| actions::load(conn, id)).await?.into())
}

/// Somebody to be given an account.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct NewBody {
    role: Role,
    /// A user name, an e-mail address, or both.
    username: Option<String>,
    email: Option<String>,
    #[serde(default)]
    first_name: String,
    #[serde(default)]
    last_name: String,
    #[serde(default)]
    phone: String,
    #[serde(default)]
    designation: String,
    #[serde(default)]
    address: String,
    #[serde(default)]
    city: String,
    #[serde(default)]
    pincode: String,
    date_of_birth: Option<BusinessDate>,
    /// The branch they are bound to; absent means all.
    store_id: Option<StoreId>,
    /// When absent, the answer holds a link with which they set one.
    password: Option<String>,
}

/// A link that sets a password once.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct LinkBody {
    /// The secret, for `POST /api/auth/reset`.
    token: String,
    /// The page that takes it.
    path: String,
    expires_at: Timestamp,
}

/// An account that was just opened.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct CreatedBody {
    /// Present once, when no password was given; it is stored nowhere.
    #[serde(skip_serializing_if = "Option::is_none")]
    reset_link: Option<LinkBody>,
    #[serde(flatten)]
    user: UserBody,
}

async fn create(
    State(site): State<Site>,
    Extension(hasher): Extension<Hasher>,
    seen: Allowed<ManagePeople>,
    address: Address,
    Sent { body, key }: Sent<NewBody>,
) -> web::Result<Answer<CreatedBody>> {
    let (role, password, new) = body.check()?;
    actions::check_reach(&seen, role, new.store_id)?;
    let password_hash = match password {
        Some(password) => Some(hasher.hash(password).await?),
        None => None,
    };
    let new = NewUser { password_hash, ..new };
    let (actor, claim, entropy, now) = (seen.actor(), seen.claim(key), site.entropy.clone(), site.clock.now());
    let answer = site
        .db
        .write(move |conn| {
            let mut shown = None;
            let stored = idempotency::once(conn, claim.as_ref(), now, StatusCode::CREATED, |conn| {
                let by = By { actor: &actor, from: &address.text(), now };
                actions::check_store(conn, new.store_id)?;
                let id = actions::open_account(conn, &new, role, Status::Active, by)?;
                if new.password_hash.is_none() {
                    let link = make_link(conn, id, &entropy, by)?;
                    shown = Some(CreatedBody { reset_link: Some(link), user: actions::load(conn, id)?.into() });
                }
                Ok::<_, StaffError>(CreatedBody { reset_link: None, user: actions::load(conn, id)?.into() })
            })?;
            // What is stored for a repeated request does not hold the link; this answer does.
            shown.map_or(Ok(stored), |body| Stored::fresh(StatusCode::CREATED, &body))
        })
        .await?;
    Ok(answer.into())
}

fn make_link(
    conn: &mut Conn<'_>,
    user: UserId,
    entropy: &crate::ids::Entropy,
    by: By<'_>,
) -> Result<LinkBody, StaffError> {
    let (token, expires_at) = actions::make_reset(conn, user, HANDED_LIFE_MS, entropy, by)?;
    let path = format!("/reset?token={}", encode(&token));
    Ok(LinkBody { token, path, expires_at })
}

impl NewBody {
    fn check(self) -> Result<(Role, Option<String>, NewUser), Problem> {
        let filled = |text: Option<String>| text.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty());
        let (username, email) = (filled(self.username), filled(self.email));
        let mut fields = Fields::default();
        check_login(&mut fields, username.as_deref(), email.as_deref());
        check_lengths(
            &mut fields,
            &[
                ("firstName", Some(&self.first_name), 100),
                ("lastName", Some(&self.last_name), 100),
                ("phone", Some(&self.phone), 30),
                ("designation", Some(&self.designation), 100),
                ("address", Some(&self.address), 500),
                ("city", Some(&self.city), 100),
                ("pincode", Some(&self.pincode), 20),
            ],
        );
        let is_bound = self.role != Role::Customer || self.store_id.is_none();
        fields.check(is_bound, "storeId", "invalid", "A customer is bound to no store.");
        if let Some(password) = &self.password {
            let login = username.as_deref().or(email.as_deref()).unwrap_or_default();
            if let Err(error) = rules::check_password(password, login) {
                fields.wrong("password", "weak_password", error.to_string());
            }
        }
        fields.into_result()?;
        let new = NewUser {
            username,
            email,
            phone: self.phone.trim().to_owned(),
            first_name: self.first_name.trim().to_owned(),
            last_name: self.last_name.trim().to_owned(),
            password_hash: None,
            designation: self.designation.trim().to_owned(),
            date_of_birth_on: self.date_of_birth,
            address: self.address.trim().to_owned(),
            city: self.city.trim().to_owned(),
            pincode: self.pincode.trim().to_owned(),
            store_id: self.store_id,
        };
        Ok((self.role, self.password, new))
    }
}

fn check_login(fields: &mut Fields, username: Option<&str>, email: Option<&str>) {
    if let Some(email) = email {
        fields.check(rules::is_email(email), "email", "invalid", "This is not an e-mail address.");
    }
    if let Some(name) = username {
        let fits = rules::is_username(name);
        fields.check(fits, "username", "invalid", "A user name has 1 to 150 characters and no at sign.");
    }
}

fn check_lengths(fields: &mut Fields, texts: &[(&str, Option<&String>, usize)]) {
    for (field, text, most) in texts {
        let fits = text.is_none_or(|text| text.chars().count() <= *most);
        fields.check(fits, field, "too_long", "This text is too long.");
    }
}

/// What is to be changed of an account; what is absent stays.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
#[expect(clippy::option_option, reason = "absent and null mean different things")]
struct EditBody {
    username: Option<String>,
    email: Option<String>,
    first_name: Option<String>,
    last_name: Option<String>,
    phone: Option<String>,
    designation: Option<String>,
    address: Option<String>,
    city: Option<String>,
    pincode: Option<String>,
    /// Null for none.
    #[serde(deserialize_with = "present")]
    date_of_birth: Option<Option<BusinessDate>>,
    /// `en` or `hi`.
    language: Option<String>,
    role: Option<Role>,
    /// Null for all stores.
    #[serde(deserialize_with = "present")]
    store_id: Option<Option<StoreId>>,
}

impl EditBody {
    fn check(self) -> Result<Edit, Problem> {
        let mut fields = Fields::default();
        let filled = |text: &Option<String>| text.clone().filter(|text| !text.trim().is_empty());
        let (username, email) = (filled(&self.username), filled(&self.email));
        check_login(&mut fields, username.as_deref().map(str::trim), email.as_deref().map(str::trim));
        check_lengths(
            &mut fields,
            &[
                ("firstName", self.first_name.as_ref(), 100),
                ("lastName", self.last_name.as_ref(), 100),
                ("phone", self.phone.as_ref(), 30),
                ("designation", self.designation.as_ref(), 100),
                ("address", self.address.as_ref(), 500),
                ("city", self.city.as_ref(), 100),
                ("pincode", self.pincode.as_ref(), 20),
            ],
        );
        let known = self.language.as_deref().is_none_or(rules::is_language);
        fields.check(known, "language", "invalid", "The language is en or hi.");
        fields.into_result()?;
        Ok(Edit {
            username: self.username,
            email: self.email,
            phone: self.phone,
            first_name: self.first_name,
            last_name: self.last_name,
            designation: self.designation,
            date_of_birth_on: self.date_of_birth,
            address: self.address,
            city: self.city,
            pincode: self.pincode,
            language: self.language,
            role: self.role,
            store_id: self.store_id,
        })
    }
}

async fn edit(
    State(site): State<Site>,
    seen: Allowed<ManagePeople>,
    address: Address,
    Path(id): Path<UserId>,
    IfMatch(version): IfMatch,
    Json(body): Json<EditBody>,
) -> web::Result<Tagged<UserBody>> {
    let edit = body.check()?;
    let change =
        move |conn: &mut Conn<'_>, caller: &Caller, by: By<'_>| actions::edit(conn, caller, id, version, &edit, by);
    Ok(run(site, seen.caller, address, change).await?.into())
}

/// Runs a change of an account in a transaction, in the caller's name.
async fn run<T: Send + 'static>(
    site: Site,
    caller: Caller,
    address: Address,
    change: impl Fn(&mut Conn<'_>, &Caller, By<'_>) -> Result<T, StaffError> + Send + 'static,
) -> web::Result<T> {
    let now = site.clock.now();
    let changed = site
        .db
        .write(move |conn| change(conn, &caller, By { actor: &caller.actor(), from: &address.text(), now }))
        .await?;
    Ok(changed)
}

async fn approve(
    State(site): State<Site>,
    seen: Allowed<ManagePeople>,
    address: Address,
    Path(id): Path<UserId>,
) -> web::Result<Tagged<UserBody>> {
    let change = move |conn: &mut Conn<'_>, caller: &Caller, by: By<'_>| actions::approve(conn, caller, id, by);
    Ok(run(site, seen.caller, address, change).await?.into())
}

async fn disable(
    State(site): State<Site>,
    seen: Allowed<ManagePeople>,
    address: Address,
    Path(id): Path<UserId>,
) -> web::Result<Tagged<UserBody>> {
    let change =
        move |conn: &mut Conn<'_>, caller: &Caller, by: By<'_>| actions::set_enabled(conn, caller, id, false, by);
    Ok(run(site, seen.caller, address, change).await?.into())
}

async fn enable(
    State(site): State<Site>,
    seen: Allowed<ManagePeople>,
    address: Address,
    Path(id): Path<UserId>,
) -> web::Result<Tagged<UserBody>> {
    let change =
        move |conn: &mut Conn<'_>, caller: &Caller, by: By<'_>| actions::set_enabled(conn, caller, id, true, by);
    Ok(run(site, seen.caller, address, change).await?.into())
}

async fn reset_password(
    State(site): State<Site>,
    seen: Allowed<ManagePeople>,
    address: Address,
    Path(id): Path<UserId>,
) -> web::Result<axum::Json<LinkBody>> {
    let entropy = site.entropy.clone();
    let change = move |conn: &mut Conn<'_>, caller: &Caller, by: By<'_>| {
        let user = actions::load(conn, id)?;
        actions::check_reach(caller, user.role, user.store_id)?;
        if user.status == Status::Disabled {
            return Err(StaffError::Disabled);
        }
        make_link(conn, id, &entropy, by)
    };
    Ok(axum::Json(run(site, seen.caller, address, change).await?))
}

/// What became of an account.
#[derive(Debug, Serialize, JsonSchema)]
struct RemovedBody {
    message: &'static str,
    /// It is gone; otherwise it was disabled, because the books name it.
    deleted: bool,
}

async fn remove(
    State(site): State<Site>,
    seen: Allowed<ManagePeople>,
    address: Address,
    Path(id): Path<UserId>,
) -> web::Result<axum::Json<RemovedBody>> {
    let change = move |conn: &mut Conn<'_>, caller: &Caller, by: By<'_>| actions::remove(conn, caller, id, by);
    let body = match run(site, seen.caller, address, change).await? {
        Removal::Deleted => RemovedBody { message: "The account is deleted.", deleted: true },
        Removal::Disabled => RemovedBody { message: "The account is disabled; the books name it.", deleted: false },
    };
    Ok(axum::Json(body))
}
