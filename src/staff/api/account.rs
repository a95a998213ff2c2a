//! Routes for signing up, logging in and one's own password.

use aide::axum::routing::{get_with, post_with, put_with};
use axum::Extension;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{confirm_password, origin, own_account};
use crate::audit::By;
use crate::clock::{BusinessDate, Timestamp};
use crate::ids::UserId;
use crate::shop;
use crate::staff::access::{Allowed, Doorman, SignedIn};
use crate::staff::actions::{self, Carrier, Origin};
use crate::staff::model::{Kind, NewUser, Role, StaffError, Status, User};
use crate::staff::password::{Hasher, Verdict};
use crate::staff::{queries, rules};
use crate::web::docs::describe;
use crate::web::porch::Address;
use crate::web::{self, Fields, Json, Problem, Routes, Site};

pub(super) fn routes() -> Routes {
    const TAG: &str = "Accounts";
    Routes::new()
        .api_route(
            "/api/auth/register",
            post_with(register, |op| describe(op, TAG, "Signs up a customer or a shopkeeper")),
        )
        .api_route(
            "/api/auth/login",
            post_with(login, |op| describe(op, TAG, "Logs in and answers with a bearer token")),
        )
        .api_route("/api/auth/logout", post_with(logout, |op| describe(op, TAG, "Ends the session at once")))
        .api_route("/api/auth/me", get_with(me, |op| describe(op, TAG, "Who is asking")))
        .api_route(
            "/api/auth/password",
            put_with(change_password, |op| {
                describe(op, TAG, "Changes one's own password and ends every other session")
            }),
        )
        .api_route(
            "/api/auth/forgot",
            post_with(forgot, |op| {
                describe(op, TAG, "Mails a link that sets a new password, if there is such an account")
            }),
        )
        .api_route(
            "/api/auth/reset",
            post_with(reset, |op| describe(op, TAG, "Sets a new password with such a link and ends every session")),
        )
}

/// Who signs up. A shopkeeper may name the shop.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
struct RegisterBody {
    email: Option<String>,
    password: Option<String>,
    first_name: Option<String>,
    last_name: Option<String>,
    phone: Option<String>,
    /// `customer` or `shopkeeper`.
    role: Option<String>,
    username: Option<String>,
    address: Option<String>,
    city: Option<String>,
    pincode: Option<String>,
    date_of_birth: Option<String>,
    shop_name: Option<String>,
    shop_address: Option<String>,
    gst_number: Option<String>,
    upi_id: Option<String>,
    /// The payment QR as a data URL.
    qr_code_url: Option<String>,
}

/// Somebody who is in now.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct SignedInBody {
    message: &'static str,
    /// Absent while the account waits for approval.
    token: Option<String>,
    user_id: UserId,
    user_name: String,
    /// `shopkeeper` or `customer`.
    user_role: &'static str,
    role: Role,
    status: Status,
}

async fn register(
    State(site): State<Site>,
    Extension(doorman): Extension<Doorman>,
    Extension(hasher): Extension<Hasher>,
    address: Address,
    headers: HeaderMap,
    Json(body): Json<RegisterBody>,
) -> web::Result<(StatusCode, axum::Json<SignedInBody>)> {
    site.limits.admit(address.0)?;
    let (new, password, is_shopkeeper) = body.check()?;
    let hash = hasher.hash(password).await?;
    let new = NewUser { password_hash: Some(hash), ..new };
    let from = origin(address, &headers);
    let (key, entropy, now) = (doorman.key().clone(), site.entropy.clone(), site.clock.now());
    let (on_this_machine, is_open) = (address.is_this_machine(), site.settings.is_open());

    let answer = site
        .db
        .write(move |conn| {
            let by = By { actor: "system", from: &from.address, now };
            let is_set_up = actions::has_accounts(conn)?;
            let (id, role) = if is_shopkeeper && is_open && is_set_up {
                // What a shopkeeper of the documents may do, only an owner may: change the payment QR.
                (actions::open_account(conn, &new, Role::Owner, Status::Active, by)?, Role::Owner)
            } else if is_shopkeeper {
                actions::sign_up_shopkeeper(conn, &new, on_this_machine, &from.address, now)?
            } else {
                (actions::open_account(conn, &new, Role::Customer, Status::Active, by)?, Role::Customer)
            };
            if role == Role::Owner && !(is_open && is_set_up) {
                let by = By { actor: &format!("user:{id}"), from: &from.address, now };
                shop::actions::open(conn, &body.shop(), by)?;
            }
            let status = if role == Role::Manager { Status::Pending } else { Status::Active };
            let token = match status {
                Status::Active => Some(actions::open_session(conn, id, Carrier::Token, &key, &entropy, &from, now)?),
                _ => None,
            };
            Ok::<_, Problem>(SignedInBody {
                message: "User registered successfully",
                token,
                user_id: id,
                user_name: format!("{} {}", new.first_name, new.last_name).trim().to_owned(),
                user_role: role.documented(),
                role,
                status,
            })
        })
        .await?;

    Ok((StatusCode::CREATED, axum::Json(answer)))
}

impl RegisterBody {
    /// The account, its password, and whether it is a shopkeeper's.
    fn check(&self) -> Result<(NewUser, String, bool), Problem> {
        let required = [
            ("email", &self.email),
            ("password", &self.password),
            ("firstName", &self.first_name),
            ("lastName", &self.last_name),
            ("phone", &self.phone),
            ("role", &self.role),
        ];
        for (field, value) in required {
            if value.as_deref().is_none_or(|value| value.trim().is_empty()) {
                return Err(Problem::field(field, "missing", format!("Missing field: {field}")));
            }
        }
        let text = |value: &Option<String>| value.as_deref().unwrap_or_default().trim().to_owned();
        let (email, password, role) = (text(&self.email), self.password.clone().unwrap_or_default(), text(&self.role));
        let mut fields = Fields::default();
        fields.check(rules::is_email(&email), "email", "invalid", "This is not an e-mail address.");
        fields.check(
            matches!(role.as_str(), "customer" | "shopkeeper"),
            "role",
            "invalid",
            "The role is customer or shopkeeper.",
        );
        if let Err(error) = rules::check_password(&password, &email) {
            fields.wrong("password", "weak_password", error.to_string());
        }
        let birth = self.date_of_birth.as_deref().filter(|text| !text.is_empty()).map(BusinessDate::parse);
        fields.check(birth != Some(None), "dateOfBirth", "invalid", "A date is written like 1990-05-31.");
        for (field, value, most) in [
            ("firstName", &self.first_name, 100),
            ("lastName", &self.last_name, 100),
            ("phone", &self.phone, 30),
            ("address", &self.address, 500),
            ("city", &self.city, 100),
            ("pincode", &self.pincode, 20),
            ("shopName", &self.shop_name, 200),
            ("qrCodeUrl", &self.qr_code_url, 700_000),
        ] {
            let fits = value.as_deref().is_none_or(|value| value.chars().count() <= most);
            fields.check(fits, field, "too_long", "This text is too long.");
        }
        fields.into_result()?;
        let new = NewUser {
            username: self.username.clone().filter(|name| !name.trim().is_empty()),
            email: Some(email),
            phone: text(&self.phone),
            first_name: text(&self.first_name),
            last_name: text(&self.last_name),
            date_of_birth_on: birth.flatten(),
            address: text(&self.address),
            city: text(&self.city),
            pincode: text(&self.pincode),
            ..NewUser::default()
        };
        Ok((new, password, role == "shopkeeper"))
    }

    fn shop(&self) -> shop::actions::Opening {
        let text = |value: &Option<String>| value.as_deref().unwrap_or_default().trim().to_owned();
        shop::actions::Opening {
            name: text(&self.shop_name),
            address: text(&self.shop_address),
            gstin: text(&self.gst_number),
            upi_id: text(&self.upi_id),
            qr_image: text(&self.qr_code_url),
        }
    }
}

#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default)]
struct LoginBody {
    /// An e-mail address or user name.
    email: Option<String>,
    /// Another name for the same.
    username: Option<String>,
    password: Option<String>,
    /// The six digits of an authenticator, when one is enrolled.
    code: Option<String>,
}

async fn login(
    State(site): State<Site>,
    Extension(doorman): Extension<Doorman>,
    Extension(hasher): Extension<Hasher>,
    address: Address,
    headers: HeaderMap,
    Json(body): Json<LoginBody>,
) -> web::Result<axum::Json<SignedInBody>> {
    site.limits.admit(address.0)?;
    let login = body.email.or(body.username).filter(|login| !login.trim().is_empty());
    let (Some(login), Some(password)) = (login, body.password.filter(|password| !password.is_empty())) else {
        return Err(Problem::bad_request("missing", "Email and password required"));
    };
    let from = origin(address, &headers);
    let attempt = Attempt { login, password, code: body.code, kind: None };
    let (user, token) = log_in(&site, &doorman, &hasher, attempt, Carrier::Token, from).await?;
    Ok(axum::Json(SignedInBody {
        message: "Login successful",
        token: Some(token),
        user_id: user.id,
        user_name: user.full_name(),
        user_role: user.role.documented(),
        role: user.role,
        status: user.status,
    }))
}

/// What somebody shows to get in.
pub struct Attempt {
    /// An e-mail address or user name.
    pub login: String,
    /// The password.
    pub password: String,
    /// The six digits of an authenticator.
    pub code: Option<String>,
    /// Only accounts of this kind are tried.
    pub kind: Option<Kind>,
}

/// Checks an attempt and opens a session; returns the account and the token or cookie's secret.
///
/// # Errors
/// [`StaffError`] as a problem: wrong, throttled, pending, disabled, or a code is needed.
pub async fn log_in(
    site: &Site,
    doorman: &Doorman,
    hasher: &Hasher,
    attempt: Attempt,
    carrier: Carrier,
    from: Origin,
) -> web::Result<(User, String)> {
    let now = site.clock.now();
    let (login, origin) = (attempt.login.clone(), from.clone());
    let candidates =
        site.db.read(move |conn| actions::find_candidates(conn, &login, &origin, now)).await.map_err(Problem::from)?;

    let mut found = None;
    let mut users = actions::in_order(candidates.users);
    users.retain(|user| attempt.kind.is_none_or(|kind| user.kind == kind));
    if users.is_empty() {
        hasher.verify(attempt.password.clone(), None).await?;
    }
    for user in users {
        match hasher.verify(attempt.password.clone(), user.password_hash.clone()).await? {
            Verdict::Wrong => {}
            verdict => {
                found = Some((user, verdict));
                break;
            }
        }
    }
    let Some((user, verdict)) = found else {
        let login = attempt.login.clone();
        let failed = move |conn: &mut crate::db::Conn<'_>| actions::fail_login(conn, &login, &from, now);
        site.db.write(failed).await.map_err(Problem::from)?;
        return Err(StaffError::WrongCredentials.into());
    };
    actions::check_status(&user)?;
    let better = if verdict == Verdict::RightButOld { Some(hasher.hash(attempt.password).await?) } else { None };
    let (key, entropy, id, code) = (doorman.key().clone(), site.entropy.clone(), user.id, attempt.code);
    let (login, came_from) = (attempt.login.clone(), from.clone());
    let opened = site
        .db
        .write(move |conn| {
            actions::check_throttle(conn, &login, &came_from, now)?;
            actions::check_code(conn, id, code.as_deref(), now)?;
            if let Some(hash) = &better {
                actions::rehash(conn, id, hash, now)?;
            }
            actions::open_session(conn, id, carrier, &key, &entropy, &came_from, now)
        })
        .await;
    if matches!(opened, Err(StaffError::WrongCode)) {
        // A wrong code undid its transaction, so it is counted in one of its own.
        let login = attempt.login;
        let failed = move |conn: &mut crate::db::Conn<'_>| actions::fail_login(conn, &login, &from, now);
        site.db.write(failed).await.map_err(Problem::from)?;
    }
    Ok((user, opened?))
}

async fn logout(State(site): State<Site>, seen: Allowed<SignedIn>) -> web::Result<StatusCode> {
    let now = site.clock.now();
    site.db.write(move |conn| actions::log_out(conn, &seen.caller, now)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Who is asking.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct MeBody {
    /// `user:7`, `key:2`.
    principal: String,
    user_id: Option<UserId>,
    name: String,
    role: Role,
    /// `shopkeeper` or `customer`.
    user_role: &'static str,
    email: Option<String>,
    username: Option<String>,
    /// The branch they are bound to; absent means all.
    store_id: Option<crate::ids::StoreId>,
    language: String,
    /// One-time codes are needed at log-in.
    totp: bool,
    last_login_at: Option<Timestamp>,
}

async fn me(State(site): State<Site>, seen: Allowed<SignedIn>) -> web::Result<axum::Json<MeBody>> {
    let caller = seen.caller;
    let user = match caller.user() {
        Some(id) => site.db.read(move |conn| Ok::<_, Problem>(queries::find_user(conn, id)?)).await?,
        None => None,
    };
    Ok(axum::Json(MeBody {
        principal: caller.actor(),
        user_id: caller.user(),
        role: caller.role,
        user_role: caller.role.documented(),
        store_id: caller.store,
        email: user.as_ref().and_then(|user| user.email.clone()),
        username: user.as_ref().and_then(|user| user.username.clone()),
        totp: user.as_ref().is_some_and(User::has_totp),
        last_login_at: user.as_ref().and_then(|user| user.last_login_at),
        language: caller.language,
        name: caller.name,
    }))
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct PasswordBody {
    current_password: String,
    new_password: String,
}

async fn change_password(
    State(site): State<Site>,
    Extension(hasher): Extension<Hasher>,
    seen: Allowed<SignedIn>,
    address: Address,
    headers: HeaderMap,
    Json(body): Json<PasswordBody>,
) -> web::Result<StatusCode> {
    let caller = seen.caller;
    let from = origin(address, &headers);
    let user = own_account(&site, &caller).await?;
    let id = user.id;
    rules::check_password(&body.new_password, user.login())
        .map_err(|error| Problem::field("newPassword", "weak_password", error.to_string()))?;
    confirm_password(&site, &hasher, user, body.current_password, "currentPassword", from).await?;
    let hash = hasher.hash(body.new_password).await?;
    let now = site.clock.now();
    site.db.write(move |conn| actions::set_password(conn, id, &hash, &caller, &address.text(), now)).await?;
    Ok(StatusCode::NO_CONTENT)
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct ForgotBody {
    /// An e-mail address or user name.
    email: String,
}

/// What happens next.
#[derive(Debug, Serialize, JsonSchema)]
struct MessageBody {
    message: &'static str,
}

async fn forgot(
    State(site): State<Site>,
    address: Address,
    Json(body): Json<ForgotBody>,
) -> web::Result<(StatusCode, axum::Json<MessageBody>)> {
    site.limits.admit(address.0)?;
    let (entropy, now) = (site.entropy.clone(), site.clock.now());
    if body.email.trim().is_empty() || body.email.len() > 254 {
        return Err(Problem::field("email", "invalid", "Enter the e-mail address of the account."));
    }
    let ask =
        move |conn: &mut crate::db::Conn<'_>| actions::ask_reset(conn, &body.email, &entropy, &address.text(), now);
    site.db.write(ask).await?;
    let message = "If there is an account with this address, a link is on its way to it. It works for one hour.";
    Ok((StatusCode::ACCEPTED, axum::Json(MessageBody { message })))
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct ResetBody {
    /// The secret of the link.
    token: String,
    new_password: String,
}

async fn reset(
    State(site): State<Site>,
    Extension(hasher): Extension<Hasher>,
    address: Address,
    Json(body): Json<ResetBody>,
) -> web::Result<axum::Json<MessageBody>> {
    site.limits.admit(address.0)?;
    let (now, token) = (site.clock.now(), body.token.clone());
    let user = site.db.read(move |conn| actions::find_reset(conn, &token, now)).await?;
    rules::check_password(&body.new_password, user.login())
        .map_err(|error| Problem::field("newPassword", "weak_password", error.to_string()))?;
    let hash = hasher.hash(body.new_password).await?;
    site.db.write(move |conn| actions::use_reset(conn, &body.token, &hash, &address.text(), now)).await?;
    Ok(axum::Json(MessageBody { message: "The new password is set. Log in with it." }))
}
