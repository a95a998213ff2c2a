//! *Supermarket Backend*: customers and store users, purchases, items and figures.
//!
//! The designation in an address is a claim, not a credential: it has to be the caller's own. Only the demo
//! shop takes a stranger's word for it.

mod figures;
mod items;
mod purchase;

use aide::axum::routing::post_with;
use axum::http::StatusCode;
use axum::http::request::Parts;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::body::{self, Anything};
use super::doors::{DoorAnswer, DoorBody, Visitor};
use super::gate::OpenDoor;
use super::words::{Message, Said, System};
use crate::staff::actions::{self, Carrier};
use crate::staff::pages::session_cookie;
use crate::staff::{Kind, NewUser, Role, rules};
use crate::web::docs::describe;
use crate::web::{self, Problem, Routes};

/// The system, with its words.
pub(super) struct Supermarket;

impl System for Supermarket {
    const STRANGER: &'static str = "Log in at /store/login to do this.";
    const NOT_ALLOWED: &'static str = "Access denied. Only managers can perform this operation.";
}

/// The same system where it is not only for managers.
struct Counter;

impl System for Counter {
    const STRANGER: &'static str = Supermarket::STRANGER;
    const NOT_ALLOWED: &'static str = "Access denied. Your role does not allow this.";
}

impl OpenDoor for Counter {
    fn shows_what_is_documented(_: &Parts) -> bool {
        // Its document shows no credentials at all.
        true
    }
}

impl OpenDoor for Supermarket {
    fn shows_what_is_documented(_: &Parts) -> bool {
        // Its document shows no credentials at all.
        true
    }
}

/// What somebody is told who sends nothing.
pub(super) const NO_DATA: &str = "No data provided";

const TAG: &str = "Documented: Supermarket Backend";

pub(super) fn routes() -> Routes {
    Routes::new()
        .api_route("/store/signup", post_with(store_sign_up, |op| describe(op, TAG, "Signs up a store user")))
        .api_route("/store/login", post_with(store_log_in, |op| describe(op, TAG, "Logs a store user in")))
        .merge(purchase::routes())
        .merge(items::routes())
        .merge(figures::routes())
}

/// `POST /signup` with an e-mail address: a customer.
pub(super) async fn sign_up(visitor: Visitor, body: DoorBody) -> web::Result<Said<DoorAnswer>> {
    let (new, password) = account(body)?;
    open(&visitor, new, password, Role::Customer).await?;
    Ok(Said::ok(DoorAnswer { message: Some("User signed up successfully"), ..DoorAnswer::default() }))
}

/// `POST /login` with an e-mail address.
pub(super) async fn log_in(visitor: Visitor, body: DoorBody) -> web::Result<Said<DoorAnswer>> {
    let (email, password) = credentials(body.email, body.password)?;
    let (user, token) = match visitor.log_in(email.clone(), password, None, Carrier::Token).await {
        Ok(found) => found,
        // The attempt has been counted, whether or not there is such an account.
        Err(problem) if problem.code == "invalid_credentials" && !visitor.knows(email).await? => {
            return Err(Supermarket::refuse(StatusCode::NOT_FOUND, "not_found", "User not found"));
        }
        Err(problem) => return Err(Supermarket::put(problem)),
    };
    Ok(Said::ok(DoorAnswer {
        message: Some("Login successful"),
        user_id: Some(user.id.number()),
        access_token: Some(token),
        ..DoorAnswer::default()
    }))
}

/// A store user.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default)]
struct StoreUserBody {
    #[serde(flatten)]
    person: DoorBody,
    /// What the shop calls the job; `manager` may change products.
    #[serde(rename = "Designation", alias = "designation", deserialize_with = "body::text")]
    designation: Option<String>,
}

async fn store_sign_up(visitor: Visitor, sent: Anything<StoreUserBody>) -> web::Result<Said<Message>> {
    if sent.is_empty {
        return Err(Supermarket::bad_request(NO_DATA));
    }
    if !visitor.site.settings.is_open() {
        let sentence = "Who works in this shop is invited: ask the owner for an account.";
        return Err(Supermarket::refuse(StatusCode::FORBIDDEN, "forbidden", sentence));
    }
    let designation = required("Designation", sent.body.designation)?;
    if designation.chars().count() > 20 {
        return Err(Supermarket::bad_request("'Designation' has at most 20 characters"));
    }
    let role = match body::fold(&designation).as_str() {
        "manager" => Role::Manager,
        "stockkeeper" | "storekeeper" => Role::StockKeeper,
        _ => Role::Cashier,
    };
    let (new, password) = account(sent.body.person)?;
    open(&visitor, NewUser { designation, ..new }, password, role).await?;
    Ok(Message::ok("Store user signed up successfully"))
}

/// Who came in, with the cookie of the session beside it.
#[derive(Debug, Serialize, JsonSchema)]
struct StoreLogIn {
    message: &'static str,
    user_id: i64,
}

/// What a store user logs in with.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default)]
struct StoreLogInBody {
    #[serde(rename = "Email_ID", alias = "emailid", alias = "email", deserialize_with = "body::text")]
    email: Option<String>,
    #[serde(rename = "Password", alias = "password", deserialize_with = "body::text")]
    password: Option<String>,
}

async fn store_log_in(visitor: Visitor, sent: Anything<StoreLogInBody>) -> web::Result<Said<StoreLogIn>> {
    if sent.is_empty {
        return Err(Supermarket::bad_request(NO_DATA));
    }
    let (email, password) = credentials(sent.body.email, sent.body.password)?;
    match visitor.log_in(email, password, Some(Kind::Staff), Carrier::Cookie).await {
        Ok((user, secret)) => {
            let answer = StoreLogIn { message: "Login successful", user_id: user.id.number() };
            Ok(Said::ok(answer).with_cookie(session_cookie(&visitor.site, &secret, actions::COOKIE_LIFE_MS / 1000)))
        }
        Err(problem) if problem.code == "invalid_credentials" => {
            // Its clients look for the sentence in `message`, here alone.
            let sentence = problem.sentence.clone();
            Err(problem.with("message", sentence))
        }
        Err(problem) => Err(problem),
    }
}

/// The account that somebody signs up for, with its password; every field of the document is needed.
fn account(body: DoorBody) -> web::Result<(NewUser, String)> {
    let first_name = required("First_Name", body.first_name)?;
    let last_name = required("Last_Name", body.last_name)?;
    let age = required("Age", body.age)?;
    if !age.parse::<u8>().is_ok_and(|age| (1..=150).contains(&age)) {
        return Err(Supermarket::bad_request("'Age' is a number of years"));
    }
    required("Sex", body.sex)?;
    let phone = required("Contact_Number", body.contact_number)?;
    let (email, password) = credentials(body.email, body.password)?;
    if !rules::is_email(&email) {
        return Err(Supermarket::bad_request("'Email_ID' is not an e-mail address"));
    }
    let texts = [("First_Name", &first_name, 100), ("Last_Name", &last_name, 100), ("Contact_Number", &phone, 30)];
    for (field, text, most) in texts {
        if text.chars().count() > most {
            return Err(Supermarket::bad_request(format!("'{field}' is too long")));
        }
    }
    Ok((NewUser { first_name, last_name, phone, email: Some(email), ..NewUser::default() }, password))
}

async fn open(visitor: &Visitor, new: NewUser, password: String, role: Role) -> web::Result<()> {
    visitor.sign_up(new, password, role, "system".to_owned()).await.map(|_| ()).map_err(Supermarket::put)
}

fn credentials(email: Option<String>, password: Option<String>) -> web::Result<(String, String)> {
    let email = required("Email_ID", email)?;
    let password = password.filter(|password| !password.is_empty());
    Ok((email, password.ok_or_else(|| missing("Password"))?))
}

/// A field that must be there.
fn required(name: &'static str, value: Option<String>) -> web::Result<String> {
    let text = value.unwrap_or_default().trim().to_owned();
    if text.is_empty() { Err(missing(name)) } else { Ok(text) }
}

fn missing(name: &'static str) -> Problem {
    Supermarket::put(Problem::field(name, "missing", format!("'{name}' is missing")))
}
