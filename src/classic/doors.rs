//! `/signup` and `/login`, which two systems have: told apart by what is sent. An e-mail address speaks
//! to *Supermarket Backend*, a user name to *Flask E-Commerce Backend*; neither is answered with the
//! reason in both of their words.

use aide::OperationInput;
use aide::axum::routing::post_with;
use axum::Extension;
use axum::extract::FromRequestParts;
use axum::http::HeaderMap;
use axum::http::request::Parts;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::body::{self, Anything};
use super::commerce;
use super::supermarket::{self, Supermarket};
use super::words::{Said, System as _};
use crate::audit::By;
use crate::ids::UserId;
use crate::staff::actions::{self, Carrier};
use crate::staff::api::{Attempt, log_in, origin};
use crate::staff::password::Hasher;
use crate::staff::{Doorman, Kind, NewUser, Role, Status, User, rules};
use crate::web::docs::describe;
use crate::web::porch::Address;
use crate::web::{self, Problem, Routes, Site};

pub(super) fn routes() -> Routes {
    const TAG: &str = "Documented doors";
    Routes::new()
        .api_route(
            "/signup",
            post_with(sign_up, |op| describe(op, TAG, "Signs up a customer (e-mail address) or a user (user name)")),
        )
        .api_route("/login", post_with(enter, |op| describe(op, TAG, "Logs in with an e-mail address or a user name")))
}

/// What the two systems send; names in any case, with `_`, `-` or neither.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default)]
pub(super) struct DoorBody {
    /// First name.
    #[serde(rename = "First_Name", alias = "firstname", deserialize_with = "body::text")]
    pub first_name: Option<String>,
    /// Last name.
    #[serde(rename = "Last_Name", alias = "lastname", deserialize_with = "body::text")]
    pub last_name: Option<String>,
    /// Age in years.
    #[serde(rename = "Age", alias = "age", deserialize_with = "body::text")]
    pub age: Option<String>,
    /// Sex.
    #[serde(rename = "Sex", alias = "sex", alias = "gender", deserialize_with = "body::text")]
    pub sex: Option<String>,
    /// Telephone.
    #[serde(
        rename = "Contact_Number",
        alias = "contactnumber",
        alias = "phone",
        alias = "contact",
        deserialize_with = "body::text"
    )]
    pub contact_number: Option<String>,
    /// What a customer logs in with.
    #[serde(rename = "Email_ID", alias = "emailid", alias = "email", deserialize_with = "body::text")]
    pub email: Option<String>,
    /// What a user logs in with.
    #[serde(deserialize_with = "body::text")]
    pub username: Option<String>,
    /// The password.
    #[serde(rename = "Password", alias = "password", deserialize_with = "body::text")]
    pub password: Option<String>,
}

/// What the two systems answer.
#[derive(Debug, Default, Serialize, JsonSchema)]
pub(super) struct DoorAnswer {
    /// The sentence of *Supermarket Backend*.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<&'static str>,
    /// The sentence of *Flask E-Commerce Backend*.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub msg: Option<&'static str>,
    /// The account.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_id: Option<i64>,
    /// The bearer token.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub access_token: Option<String>,
}

async fn sign_up(visitor: Visitor, sent: Anything<DoorBody>) -> web::Result<Said<DoorAnswer>> {
    match sent.body {
        body if body.email.is_some() => supermarket::sign_up(visitor, body).await,
        body if body.username.is_some() => commerce::sign_up(visitor, body).await,
        _ => Err(neither(sent.is_empty)),
    }
}

async fn enter(visitor: Visitor, sent: Anything<DoorBody>) -> web::Result<Said<DoorAnswer>> {
    match sent.body {
        body if body.email.is_some() => supermarket::log_in(visitor, body).await,
        body if body.username.is_some() => commerce::log_in(visitor, body).await,
        _ => Err(neither(sent.is_empty)),
    }
}

/// Neither an e-mail address nor a user name: each system's clients find their own sentence.
fn neither(is_empty: bool) -> Problem {
    let error = if is_empty { supermarket::NO_DATA } else { "Email_ID is missing" };
    Supermarket::bad_request(error).with("msg", commerce::BOTH_REQUIRED)
}

/// Somebody at a door, with what is needed to let them in.
pub(super) struct Visitor {
    /// The shop.
    pub site: Site,
    doorman: Doorman,
    hasher: Hasher,
    address: Address,
    headers: HeaderMap,
}

impl FromRequestParts<Site> for Visitor {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, site: &Site) -> Result<Self, Problem> {
        let missing = |_| Problem::internal(&"the app has no doorman or hasher");
        let Extension(doorman) = Extension::from_request_parts(parts, site).await.map_err(missing)?;
        let Extension(hasher) = Extension::from_request_parts(parts, site).await.map_err(missing)?;
        let Ok(address) = Address::from_request_parts(parts, site).await;
        Ok(Self { site: site.clone(), doorman, hasher, address, headers: parts.headers.clone() })
    }
}

impl OperationInput for Visitor {}

impl Visitor {
    /// Opens an account that may be used at once.
    pub async fn sign_up(&self, new: NewUser, password: String, role: Role, actor: String) -> web::Result<UserId> {
        self.site.limits.admit(self.address.0)?;
        let login = new.username.as_deref().or(new.email.as_deref()).unwrap_or_default();
        rules::check_password(&password, login)?;
        let hash = self.hasher.hash(password).await?;
        let new = NewUser { password_hash: Some(hash), ..new };
        let (from, now) = (self.address.text(), self.site.clock.now());
        let open = move |conn: &mut crate::db::Conn<'_>| {
            let by = By { actor: &actor, from: &from, now };
            Ok::<_, Problem>(actions::open_account(conn, &new, role, Status::Active, by)?)
        };
        self.site.db.write(open).await
    }

    /// Checks a password and opens a session; the account, and the token or the cookie's secret.
    pub async fn log_in(
        &self,
        login: String,
        password: String,
        kind: Option<Kind>,
        carrier: Carrier,
    ) -> web::Result<(User, String)> {
        self.site.limits.admit(self.address.0)?;
        let attempt = Attempt { login, password, code: None, kind };
        let from = origin(self.address, &self.headers);
        log_in(&self.site, &self.doorman, &self.hasher, attempt, carrier, from).await
    }

    /// Whether anybody has this log-in.
    pub async fn knows(&self, login: String) -> web::Result<bool> {
        let find = move |conn: &mut crate::db::Conn<'_>| Ok::<_, Problem>(actions::find_accounts(conn, &login)?);
        Ok(!self.site.db.read(find).await?.is_empty())
    }
}
