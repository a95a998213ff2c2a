//! *Flask E-Commerce Backend*: users, and products that come as a file.
//!
//! Its users may replace the catalogue by a file, so where a real shop is served nobody becomes one by
//! signing up: the owner makes the account.

use aide::axum::routing::get_with;
use axum::http::StatusCode;
use axum::http::request::Parts;
use schemars::JsonSchema;
use serde::Serialize;

use super::doors::{DoorAnswer, DoorBody, Visitor};
use super::gate::{Let, OpenDoor};
use super::words::{Said, System};
use crate::staff::access::SignedIn;
use crate::staff::actions::{self, Carrier};
use crate::staff::{NewUser, Role};
use crate::web::docs::describe;
use crate::web::{self, Problem, Routes, Site};

/// The system, with its words.
pub(super) struct Commerce;

impl System for Commerce {
    const STRANGER: &'static str = "Missing or invalid token";
    const NOT_ALLOWED: &'static str = "Only the shop's owner and managers may do this.";
    const REASON: Option<&'static str> = Some("msg");
}

impl OpenDoor for Commerce {
    fn shows_what_is_documented(_: &Parts) -> bool {
        // Its document shows a token everywhere.
        false
    }
}

/// What somebody is told who leaves out the user name or the password.
pub(super) const BOTH_REQUIRED: &str = "Username and password are required";

pub(super) fn routes() -> Routes {
    const TAG: &str = "Documented: Flask E-Commerce";
    Routes::new().api_route("/protected", get_with(protected, |op| describe(op, TAG, "Who is logged in")))
}

/// `POST /signup` with a user name.
pub(super) async fn sign_up(visitor: Visitor, body: DoorBody) -> web::Result<Said<DoorAnswer>> {
    let (username, password) = credentials(body)?;
    if !visitor.site.settings.is_open() {
        let sentence = "Users of this shop's back office are invited: ask the owner for an account.";
        return Err(Commerce::refuse(StatusCode::FORBIDDEN, "forbidden", sentence));
    }
    let new = NewUser { username: Some(username), ..NewUser::default() };
    match visitor.sign_up(new, password, Role::Manager, "system".to_owned()).await {
        Ok(_) => {
            let answer = DoorAnswer { msg: Some("User created successfully"), ..DoorAnswer::default() };
            Ok(Said::created(answer))
        }
        Err(problem) if problem.code == "user_exists" => Err(Commerce::reworded(problem, "Username already exists")),
        Err(problem) => Err(Commerce::put(problem)),
    }
}

/// `POST /login` with a user name.
pub(super) async fn log_in(visitor: Visitor, body: DoorBody) -> web::Result<Said<DoorAnswer>> {
    let (username, password) = credentials(body)?;
    match visitor.log_in(username, password, None, Carrier::Token).await {
        Ok((_, token)) => Ok(Said::ok(DoorAnswer { access_token: Some(token), ..DoorAnswer::default() })),
        Err(problem) if problem.code == "invalid_credentials" => {
            Err(Commerce::reworded(problem, "Invalid username or password"))
        }
        Err(problem) => Err(Commerce::put(problem)),
    }
}

fn credentials(body: DoorBody) -> web::Result<(String, String)> {
    let given = |text: Option<String>| text.filter(|text| !text.trim().is_empty());
    let (Some(username), Some(password)) = (given(body.username), given(body.password)) else {
        return Err(Commerce::bad_request(BOTH_REQUIRED));
    };
    if !crate::staff::rules::is_username(username.trim()) {
        return Err(Commerce::bad_request("A user name has 1 to 150 characters and no @."));
    }
    Ok((username.trim().to_owned(), password))
}

/// Who is logged in.
#[derive(Debug, Serialize, JsonSchema)]
struct LoggedIn {
    /// The user name, or what they log in with.
    logged_in_as: String,
}

async fn protected(
    axum::extract::State(site): axum::extract::State<Site>,
    seen: Let<Commerce, SignedIn>,
) -> web::Result<Said<LoggedIn>> {
    let caller = seen.caller;
    let login = match caller.user() {
        Some(id) => {
            let load = move |conn: &mut crate::db::Conn<'_>| Ok::<_, Problem>(actions::load(conn, id)?);
            site.db.read(load).await?.login().to_owned()
        }
        None => caller.name,
    };
    Ok(Said::ok(LoggedIn { logged_in_as: login }))
}
