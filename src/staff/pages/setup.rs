//! The first page of a new shop: whose it is.

use askama::Template;
use axum::extract::rejection::FormRejection;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use axum::{Extension, Form, Router};
use serde::Deserialize;

use super::entry::Entry;
use super::{foreign, page, session_cookie, unreadable};
use crate::audit::By;
use crate::shop;
use crate::staff::access::{Doorman, is_own_page};
use crate::staff::actions::{self, COOKIE_LIFE_MS, Carrier};
use crate::staff::api::origin;
use crate::staff::model::{NewUser, Role};
use crate::staff::password::Hasher;
use crate::staff::setup::Setup;
use crate::web::page::{Page, Reader, draw};
use crate::web::porch::Address;
use crate::web::{self, Fields, Problem, Query, Site};

/// What guesses at the code are counted under; no log-in has a colon in front.
const GUESSES: &str = ":setup";

pub(super) fn routes() -> Router<Site> {
    Router::new().route("/setup", get(show).post(set_up))
}

/// Leads everybody who asks for a page to the first one, until the shop has an owner. Programs are answered as ever.
pub async fn lead_to_setup(
    State((site, setup)): State<(Site, Setup)>,
    reader: Reader,
    request: Request,
    next: Next,
) -> Response {
    const ELSEWHERE: &[&str] = &["/setup", "/assets/", "/api/", "/healthz", "/readyz", "/metrics"];
    let path = request.uri().path();
    let concerned =
        request.method() == Method::GET && reader.wants_html && !ELSEWHERE.iter().any(|one| path.starts_with(one));
    if setup.is_done() || !concerned {
        return next.run(request).await;
    }
    match has_owner(&site, &setup).await {
        Ok(true) => next.run(request).await,
        Ok(false) => Redirect::to("/setup").into_response(),
        Err(problem) => problem.into_response(),
    }
}

async fn has_owner(site: &Site, setup: &Setup) -> web::Result<bool> {
    let found = site.db.read(actions::has_owner).await?;
    if found {
        setup.finish();
    }
    Ok(found)
}

#[derive(Template)]
#[template(path = "staff/setup.html")]
struct SetupPage {
    page: Page,
    form: SetupForm,
    /// The reader sits elsewhere, so a code is asked for.
    code_wanted: bool,
    /// What concerns no field.
    problem: Option<String>,
    faults: Vec<(String, String)>,
}

impl SetupPage {
    /// What is wrong with a field; empty when it is right.
    fn fault(&self, field: &str) -> &str {
        self.faults.iter().find(|(name, _)| name == field).map_or("", |(_, sentence)| sentence)
    }
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct SetupForm {
    shop_name: String,
    owner_name: String,
    /// A telephone number or an e-mail address.
    login: String,
    password: String,
    code: String,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct CodeQuery {
    code: String,
}

async fn show(
    State(site): State<Site>,
    Extension(setup): Extension<Setup>,
    address: Address,
    reader: Reader,
    Query(CodeQuery { code }): Query<CodeQuery>,
) -> web::Result<Response> {
    if has_owner(&site, &setup).await? {
        return Ok(Redirect::to("/").into_response());
    }
    let form = SetupForm { code, ..SetupForm::default() };
    let drawn = SetupPage::new(&site, &reader, address, form).await?;
    Ok(draw(StatusCode::OK, &drawn))
}

async fn set_up(
    State(site): State<Site>,
    (Extension(setup), Extension(doorman)): (Extension<Setup>, Extension<Doorman>),
    Extension(hasher): Extension<Hasher>,
    address: Address,
    reader: Reader,
    headers: HeaderMap,
    form: Result<Form<SetupForm>, FormRejection>,
) -> web::Result<Response> {
    let Form(form) = form.map_err(unreadable)?;
    let outcome = if is_own_page(&Method::POST, &headers) {
        open_shop(&site, &setup, &doorman, &hasher, address, &headers, &form).await
    } else {
        Err(foreign())
    };
    match outcome {
        Ok(secret) => {
            setup.finish();
            let cookie = [(header::SET_COOKIE, session_cookie(&site, &secret, COOKIE_LIFE_MS / 1000))];
            Ok((cookie, Redirect::to("/")).into_response())
        }
        Err(problem) if problem.status.is_server_error() => Err(problem),
        Err(problem) => Ok(SetupPage::new(&site, &reader, address, form).await?.refuse(&problem)),
    }
}

/// Makes the shop and its owner, and logs the owner in; answers with the cookie's secret.
async fn open_shop(
    site: &Site,
    setup: &Setup,
    doorman: &Doorman,
    hasher: &Hasher,
    address: Address,
    headers: &HeaderMap,
    form: &SetupForm,
) -> web::Result<String> {
    site.limits.admit(address.0)?;
    let from = origin(address, headers);
    let now = site.clock.now();
    if !address.is_this_machine() {
        let guesser = from.clone();
        site.db.read(move |conn| actions::check_throttle(conn, GUESSES, &guesser, now)).await?;
        if !setup.is_code(&form.code) {
            site.db.write(move |conn| actions::fail_login(conn, GUESSES, &from, now)).await?;
            return Err(Problem::field("code", "wrong", "This is not the code that the server's log shows."));
        }
    }
    let new = form.owner()?;
    let opening = shop::actions::Opening { name: form.shop_name.trim().to_owned(), ..Default::default() };
    let hash = hasher.hash(form.password.clone()).await?;
    let new = NewUser { password_hash: Some(hash), ..new };
    let (key, entropy) = (doorman.key().clone(), site.entropy.clone());
    site.db
        .write(move |conn| {
            // Who knows the code is as good as on this machine.
            let (id, role) = actions::sign_up_shopkeeper(conn, &new, true, &from.address, now)?;
            if role != Role::Owner {
                return Err(Problem::conflict("set_up", "Somebody else has just set the shop up."));
            }
            let by = By { actor: &format!("user:{id}"), from: &from.address, now };
            shop::actions::open(conn, &opening, by)?;
            Ok(actions::open_session(conn, id, Carrier::Cookie, &key, &entropy, &from, now)?)
        })
        .await
}

impl SetupForm {
    /// The owner's account, without its password; or every field that is wrong.
    fn owner(&self) -> Result<NewUser, Problem> {
        let mut fields = Fields::default();
        let shop = self.shop_name.trim();
        fields.check(!shop.is_empty(), "shop_name", "missing", "Fill this in.");
        fields.check(shop.chars().count() <= 200, "shop_name", "too_long", "This text is too long.");
        let entry = Entry {
            name: ("owner_name", &self.owner_name),
            login: &self.login,
            password: &self.password,
            usernames: false,
        };
        let new = entry.check(&mut fields);
        fields.into_result()?;
        Ok(new)
    }
}

impl SetupPage {
    async fn new(site: &Site, reader: &Reader, address: Address, form: SetupForm) -> web::Result<Self> {
        let shop = site.db.read(shop::current).await?;
        let mut page = page(site, reader, &shop, None);
        "/setup".clone_into(&mut page.here);
        Ok(Self { page, form, code_wanted: !address.is_this_machine(), problem: None, faults: Vec::new() })
    }

    /// Draws the form again with the reasons beside the fields.
    fn refuse(mut self, problem: &Problem) -> Response {
        let page = &self.page;
        self.faults = problem.fields.iter().map(|fault| (fault.field.clone(), page.refusal(fault))).collect();
        if self.faults.is_empty() {
            self.problem = Some(match problem.code {
                "too_many_requests" => page.t("problem.429_why").to_owned(),
                "csrf" => page.t("problem.csrf_why").to_owned(),
                _ => problem.sentence.clone(),
            });
        }
        draw(problem.status, &self)
    }
}
