//! Puts the shop together: state, routers, layers.

use std::sync::Arc;
use std::time::Duration;

use aide::openapi::{Info, OpenApi, SecurityScheme};
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::http::{Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Extension, Router, middleware};
use metrics_exporter_prometheus::PrometheusHandle;
use tower_http::compression::CompressionLayer;

use crate::clock::Clock;
use crate::db::Db;
use crate::ids::Entropy;
use crate::queue;
use crate::staff::password::Hasher;
use crate::staff::setup::Setup;
use crate::staff::{self, Doorman, TokenKey};
use crate::web::docs::Docs;
use crate::web::porch::Address;
use crate::web::{Problem, Routes, Settings, Site, answer, assets, events, idempotency, limits, page, porch};
use crate::worker::Worker;

/// The largest body of a route that does not say otherwise.
const LARGEST_BODY: usize = 1024 * 1024;

/// What the shop is made of, before it opens.
pub struct Parts {
    /// The database, open.
    pub db: Db,
    /// The time.
    pub clock: Clock,
    /// Randomness.
    pub entropy: Entropy,
    /// The key that tokens are signed with.
    pub key: TokenKey,
    /// What the operator decided.
    pub settings: Settings,
    /// Password hashes at once.
    pub hashers: usize,
    /// Calls each minute from one address to routes that need no log-in.
    pub public_rate: u32,
    /// What is counted.
    pub metrics: Option<PrometheusHandle>,
}

/// A shop that is ready to serve.
#[derive(Clone)]
pub struct App {
    /// The state of the handlers.
    pub site: Site,
    /// The sales desk.
    pub desk: crate::orders::Desk,
    /// All routes with their layers.
    pub router: Router,
    /// The API document.
    pub api: Arc<OpenApi>,
    /// The way in while there is no owner.
    pub setup: Setup,
}

impl App {
    /// What this server does in the background; to be run once, beside the router.
    pub fn worker(&self) -> Worker {
        worker(&self.site)
    }

    /// Puts the parts together.
    pub fn build(parts: Parts) -> Self {
        Self::build_with(parts, Routes::new())
    }

    /// Puts the parts together with further routes; the benchmark adds one that does nothing.
    pub fn build_with(parts: Parts, more: Routes) -> Self {
        let site = Site {
            events: events::Events::new(&parts.db),
            db: parts.db,
            clock: parts.clock.clone(),
            entropy: parts.entropy.clone(),
            answers: Arc::new(answer::Cache::default()),
            limits: Arc::new(limits::Limits::per_minute(parts.public_rate, parts.settings.api_rate)),
            settings: Arc::new(parts.settings),
            sign: page::Sign::default(),
        };
        let desk = crate::orders::Desk::open(&site.db);
        let doorman = Doorman::new(&site.db, parts.clock, parts.key);
        let setup = Setup::new(&parts.entropy);
        let hasher = Hasher::new(parts.hashers, parts.entropy);

        let mut api = document();
        let routes = native_routes().merge(more).finish_api(&mut api);
        let docs = Docs::new(&api);
        let router = routes
            .merge(plain_routes())
            .merge(page_routes())
            .fallback(nothing_here)
            .method_not_allowed_fallback(no_such_method)
            .layer(Extension(doorman))
            .layer(Extension(hasher))
            .layer(Extension(desk.clone()))
            .layer(Extension(setup.clone()))
            .layer(Extension(docs))
            .layer(Extension(Metrics(parts.metrics)))
            .layer(DefaultBodyLimit::max(LARGEST_BODY))
            .layer(middleware::from_fn_with_state((site.clone(), setup.clone()), staff::pages::lead_to_setup))
            .layer(CompressionLayer::new())
            .layer(middleware::from_fn_with_state(site.clone(), porch::porch))
            .with_state(site.clone());
        Self { site, desk, router, api: Arc::new(api), setup }
    }
}

/// The API document alone, for those who want it without a server.
pub fn api_document() -> OpenApi {
    let mut api = document();
    let _: Router<Site> = native_routes().finish_api(&mut api);
    api
}

/// The worker of this server, with the chores that keep tables small.
fn worker(site: &Site) -> Worker {
    const HOUR: Duration = Duration::from_hours(1);
    let (db, clock, limits) = (site.db.clone(), site.clock.clone(), site.limits.clone());
    Worker::new(site.db.clone(), site.clock.clone()).every(HOUR, "forget what is over", move || {
        limits.forget_quiet();
        let (db, now) = (db.clone(), clock.now());
        async move {
            db.write(move |conn| {
                idempotency::forget_old(conn, now)?;
                queue::forget_old(conn, now)?;
                staff::actions::forget_old(conn, now)
            })
            .await
        }
    })
}

/// The routes of the API document.
fn native_routes() -> Routes {
    Routes::new()
        .merge(staff::api::routes())
        .merge(crate::shop::api::routes())
        .merge(crate::customers::api::routes())
        .merge(crate::payments::api::routes())
        .merge(crate::stock::api::routes())
        .merge(crate::catalog::api::routes())
        .merge(crate::orders::api::routes())
        .merge(crate::till::api::routes())
        .merge(crate::counter::api::routes())
        .merge(crate::reports::api::routes())
        .merge(crate::reports::live::routes())
        .merge(crate::classic::routes())
}

/// Pages for people, and what they are dressed in.
fn page_routes() -> Router<Site> {
    Router::new()
        .merge(assets::routes())
        .merge(staff::pages::routes())
        .merge(crate::reports::pages::routes())
        .merge(crate::till::pages::routes())
        .merge(crate::orders::pages::routes())
        .merge(crate::catalog::pages::routes())
        .merge(crate::customers::pages::routes())
}

/// Routes for machines that watch over the server, and the document itself.
fn plain_routes() -> Router<Site> {
    Router::new()
        .route("/healthz", get(|| async { "ok\n" }))
        .route("/readyz", get(ready))
        .route("/metrics", get(metrics))
        .route("/api/openapi.json", get(openapi))
        .route("/api/docs", get(docs_page))
}

fn document() -> OpenApi {
    aide::generate::extract_schemas(true);
    aide::generate::infer_responses(true);
    let mut api = OpenApi {
        info: Info {
            title: "Kirana".to_owned(),
            description: Some(
                "Runs a shop. JSON in and out; ids are strings; money is a number with at most two decimals, read exactly. \
                 Refusals are problem documents (RFC 9457)."
                    .to_owned(),
            ),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            ..Info::default()
        },
        ..OpenApi::default()
    };
    let components = api.components.get_or_insert_default();
    let schemes = [
        (
            "bearer",
            SecurityScheme::Http {
                scheme: "bearer".to_owned(),
                bearer_format: Some("JWT".to_owned()),
                description: Some("The token of a log-in, good for seven days.".to_owned()),
                extensions: Default::default(),
            },
        ),
        (
            "apiKey",
            SecurityScheme::ApiKey {
                location: aide::openapi::ApiKeyLocation::Header,
                name: "x-api-key".to_owned(),
                description: Some("A key that the owner made.".to_owned()),
                extensions: Default::default(),
            },
        ),
        (
            "cookie",
            SecurityScheme::ApiKey {
                location: aide::openapi::ApiKeyLocation::Cookie,
                name: "kirana".to_owned(),
                description: Some("The session of the pages.".to_owned()),
                extensions: Default::default(),
            },
        ),
    ];
    for (name, scheme) in schemes {
        components.security_schemes.insert(name.to_owned(), aide::openapi::ReferenceOr::Item(scheme));
    }
    api
}

async fn openapi(Extension(docs): Extension<Docs>) -> Response {
    ([(header::CONTENT_TYPE, "application/json")], docs.json.to_string()).into_response()
}

async fn docs_page(Extension(docs): Extension<Docs>) -> Response {
    ([(header::CONTENT_TYPE, "text/html; charset=utf-8")], docs.html.to_string()).into_response()
}

/// Whether the database can be read and written.
async fn ready(State(site): State<Site>) -> Response {
    if let Some(reason) = site.db.halted() {
        return (StatusCode::SERVICE_UNAVAILABLE, format!("storage failed: {reason}\n")).into_response();
    }
    match site.db.read(crate::shop::current).await {
        Ok(_) => "ready\n".into_response(),
        Err(error) => (StatusCode::SERVICE_UNAVAILABLE, format!("{error}\n")).into_response(),
    }
}

#[derive(Clone)]
struct Metrics(Option<PrometheusHandle>);

/// Open to the machine itself, and to whoever holds the token.
async fn metrics(
    State(site): State<Site>,
    Extension(metrics): Extension<Metrics>,
    address: Address,
    request: Request,
) -> Response {
    let shown = request.headers().get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let known = site.settings.metrics_token.as_ref().is_some_and(|token| {
        use subtle::ConstantTimeEq as _;
        let shown = shown.and_then(|shown| shown.strip_prefix("Bearer ")).unwrap_or_default();
        bool::from(shown.as_bytes().ct_eq(token.as_bytes()))
    });
    if !known && !address.0.to_canonical().is_loopback() {
        return Problem::unauthorized().into_response();
    }
    match metrics.0 {
        Some(handle) => ([(header::CONTENT_TYPE, "text/plain; version=0.0.4")], handle.render()).into_response(),
        None => Problem::not_found("Nothing is counted here.").into_response(),
    }
}

async fn nothing_here(request: Request) -> Response {
    let api = request.uri().path().starts_with("/api/");
    let sentence = match (api, request.method() == Method::GET) {
        (true, true) => "API endpoint not found",
        (true, false) => "Not found",
        _ => "There is nothing at this address.",
    };
    Problem::not_found(sentence).into_response()
}

async fn no_such_method() -> Response {
    Problem::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", "This address does not take that method.")
        .into_response()
}
