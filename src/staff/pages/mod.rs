//! Pages for logging in and out, and what every page says of its reader.

mod entry;
mod gallery;
mod keys;
mod people;
mod settings;
mod setup;

use askama::Template;
use axum::extract::State;
use axum::extract::rejection::FormRejection;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use axum::{Extension, Form, Router};
use serde::Deserialize;
pub use setup::lead_to_setup;
use subtle::ConstantTimeEq as _;

use crate::shop::{self, Shop};
use crate::staff::access::{Anyone, COOKIE_NAMES, Caller, Doorman, hash_hex, is_own_page};
use crate::staff::actions::{self, COOKIE_LIFE_MS, Carrier};
use crate::staff::api::{self, Attempt, origin};
use crate::staff::model::Role;
use crate::staff::password::Hasher;
use crate::staff::places;
use crate::web::answer::encode;
use crate::web::page::{Page, PageUser, Reader, draw};
use crate::web::porch::Address;
use crate::web::{self, Problem, Query, Site};

/// Who can be tried in the shop of sample data.
pub const DEMO_PEOPLE: [(Role, &str); 4] = [
    (Role::Owner, "owner@kirana.example"),
    (Role::Cashier, "cashier@kirana.example"),
    (Role::StockKeeper, "stock@kirana.example"),
    (Role::Customer, "customer@kirana.example"),
];
/// The password of all of them.
pub const DEMO_PASSWORD: &str = "kirana-demo";

/// The pages, and the addresses that other systems gave them.
pub fn routes() -> Router<Site> {
    Router::new()
        .route("/login", get(show_log_in))
        // `POST /login` is a documented call of other systems, so the page's form goes elsewhere.
        .route("/sign-in", post(log_in))
        .route("/logout", post(log_out))
        .merge(setup::routes())
        .merge(settings::routes())
        .merge(people::routes())
        .merge(keys::routes())
        .merge(gallery::routes())
        .route("/login.html", get(|| async { Redirect::to("/login") }))
        .route("/shopkeeper_dashboard.html", get(|| async { Redirect::to("/") }))
        .route("/customer_dashboard.html", get(|| async { Redirect::to("/") }))
}

/// A page of this shop for a reader, who may be known.
pub fn page(site: &Site, reader: &Reader, shop: &Shop, caller: Option<&Caller>) -> Page {
    let mut page = Page::new(site, reader, &shop.name, shop.demo);
    if let Some(caller) = caller {
        let role_label = role_label(&page, caller.role);
        page.user = Some(PageUser { name: caller.name.clone(), role_label });
        page.csrf = csrf(caller);
        page.links = places::links(&page, caller.role, &reader.path);
    }
    page
}

/// What the forms of a session's pages send back: only they can know it.
fn csrf(caller: &Caller) -> String {
    if caller.session.is_empty() { String::new() } else { hash_hex(&format!("form {}", caller.session)) }
}

/// What a role is called in the language of a page.
pub fn role_label(page: &Page, role: Role) -> String {
    let label = match role {
        Role::Owner => page.t("role.owner"),
        Role::Manager => page.t("role.manager"),
        Role::Cashier => page.t("role.cashier"),
        Role::StockKeeper => page.t("role.stock_keeper"),
        Role::Customer => page.t("role.customer"),
    };
    label.to_owned()
}

#[derive(Template)]
#[template(path = "staff/login.html")]
struct LoginPage {
    page: Page,
    login: String,
    next: String,
    problem: Option<String>,
    code_wanted: bool,
    demo_logins: Vec<DemoLogin>,
}

struct DemoLogin {
    role: String,
    login: &'static str,
    password: &'static str,
}

impl LoginPage {
    fn new(mut page: Page, form: LoginForm) -> Self {
        let people = if page.demo { &DEMO_PEOPLE[..] } else { &[] };
        let demo_logins = people
            .iter()
            .map(|(role, login)| DemoLogin { role: role_label(&page, *role), login, password: DEMO_PASSWORD })
            .collect();
        let here = if form.next.is_empty() { String::new() } else { format!("?next={}", encode(&form.next)) };
        page.here = format!("/login{here}");
        Self { page, login: form.login, next: form.next, problem: None, code_wanted: false, demo_logins }
    }
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct NextQuery {
    next: String,
}

async fn show_log_in(
    State(site): State<Site>,
    reader: Reader,
    seen: Result<Anyone, Problem>,
    Query(NextQuery { next }): Query<NextQuery>,
) -> web::Result<Response> {
    match seen {
        Ok(Anyone(Some(_))) => return Ok(Redirect::to(own_path(&next)).into_response()),
        Ok(Anyone(None)) => {}
        // A session that has ended is no reason to refuse the way to the next one.
        Err(problem) if problem.status == StatusCode::UNAUTHORIZED => {}
        Err(problem) => return Err(problem),
    }
    let shop = site.db.read(shop::current).await?;
    let form = LoginForm { next, ..LoginForm::default() };
    Ok(draw(StatusCode::OK, &LoginPage::new(page(&site, &reader, &shop, None), form)))
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct LoginForm {
    login: String,
    password: String,
    /// The six digits of an authenticator, when they were asked for.
    code: String,
    next: String,
}

async fn log_in(
    State(site): State<Site>,
    Extension(doorman): Extension<Doorman>,
    Extension(hasher): Extension<Hasher>,
    address: Address,
    reader: Reader,
    headers: HeaderMap,
    form: Result<Form<LoginForm>, FormRejection>,
) -> web::Result<Response> {
    let Form(form) = form.map_err(unreadable)?;
    let outcome = if is_own_page(&Method::POST, &headers) {
        try_form(&site, &doorman, &hasher, address, &headers, &form).await
    } else {
        Err(foreign())
    };
    match outcome {
        Ok(secret) => {
            let cookie = [(header::SET_COOKIE, session_cookie(&site, &secret, COOKIE_LIFE_MS / 1000))];
            Ok((cookie, Redirect::to(own_path(&form.next))).into_response())
        }
        Err(problem) => {
            let shop = site.db.read(shop::current).await?;
            refuse(LoginPage::new(page(&site, &reader, &shop, None), form), problem)
        }
    }
}

async fn try_form(
    site: &Site,
    doorman: &Doorman,
    hasher: &Hasher,
    address: Address,
    headers: &HeaderMap,
    form: &LoginForm,
) -> web::Result<String> {
    site.limits.admit(address.0)?;
    let code = Some(form.code.trim().to_owned()).filter(|code| !code.is_empty());
    let attempt = Attempt { login: form.login.clone(), password: form.password.clone(), code, kind: None };
    api::log_in(site, doorman, hasher, attempt, Carrier::Cookie, origin(address, headers))
        .await
        .map(|(_, secret)| secret)
}

/// Draws the form again with the reason beside it.
fn refuse(mut form: LoginPage, problem: Problem) -> web::Result<Response> {
    let page = &form.page;
    let sentence = match problem.code {
        "invalid_credentials" => page.t("login.wrong").to_owned(),
        "too_many_requests" => {
            let minutes = problem.retry_after_s.unwrap_or_default().div_ceil(60).max(1);
            page.t1("login.wait", &page.t1("age.minutes", &minutes.to_string()))
        }
        "account_pending" => page.t("login.pending").to_owned(),
        "account_disabled" => page.t("login.disabled").to_owned(),
        "code_needed" => page.t("login.code_needed").to_owned(),
        "csrf" => page.t("login.expired").to_owned(),
        "busy" => page.t("problem.503_why").to_owned(),
        _ => return Err(problem),
    };
    form.problem = Some(sentence);
    form.code_wanted = problem.code == "code_needed";
    let mut response = draw(problem.status, &form);
    if let Some(seconds) = problem.retry_after_s {
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    Ok(response)
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct LogoutForm {
    csrf: String,
}

async fn log_out(
    State(site): State<Site>,
    Anyone(caller): Anyone,
    form: Result<Form<LogoutForm>, FormRejection>,
) -> web::Result<Response> {
    let Form(form) = form.map_err(unreadable)?;
    if let Some(caller) = caller {
        check_form(&caller, &form.csrf)?;
        let now = site.clock.now();
        site.db.write(move |conn| actions::log_out(conn, &caller, now).map_err(Problem::from)).await?;
    }
    let cookie = [(header::SET_COOKIE, session_cookie(&site, "", 0))];
    Ok((cookie, Redirect::to("/login")).into_response())
}

/// Refuses a form that none of the caller's own pages sent.
pub fn check_form(caller: &Caller, csrf_sent: &str) -> Result<(), Problem> {
    // A token or a key is sent by a program, never by a browser on its own.
    let own = !caller.by_cookie || bool::from(csrf_sent.as_bytes().ct_eq(csrf(caller).as_bytes()));
    if own { Ok(()) } else { Err(foreign()) }
}

fn unreadable(rejection: FormRejection) -> Problem {
    Problem::new(rejection.status(), "unreadable_body", "Send this as a form.")
}

fn foreign() -> Problem {
    Problem::new(StatusCode::FORBIDDEN, "csrf", "This did not come from the shop's own page.")
}

/// The cookie that carries a session's secret for so many seconds.
pub fn session_cookie(site: &Site, secret: &str, seconds: i64) -> String {
    let [over_https, plain] = COOKIE_NAMES;
    let (name, secure) = if site.settings.https { (over_https, "; Secure") } else { (plain, "") };
    format!("{name}={secret}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Lax{secure}")
}

/// Where to go after a log-in: a path of ours, or the start.
fn own_path(next: &str) -> &str {
    let local = next.starts_with('/')
        && !next.starts_with("//")
        && next.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\')
        && !["/login", "/logout", "/sign-in", "/setup"].iter().any(|path| next.starts_with(path));
    if local { next } else { "/" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_is_led_to_own_paths_only() {
        for next in ["/", "/orders?status=placed&page=2", "/%E0%A4%95"] {
            assert_eq!(own_path(next), next);
        }
        for next in [
            "",
            "orders",
            "//evil.example",
            "/\\evil.example",
            "https://evil.example",
            "/a\r\nb",
            "/login?next=/",
            "/ष",
        ] {
            assert_eq!(own_path(next), "/", "{next}");
        }
    }
}
