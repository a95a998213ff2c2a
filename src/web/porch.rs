//! The outermost layer: every request gets an id, a time limit, a log line and a measurement; every
//! answer gets the headers that keep browsers safe. A panic becomes a plain 500.

use std::net::IpAddr;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use axum::extract::{ConnectInfo, MatchedPath, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use futures_util::FutureExt as _;

use super::page::Reader;
use super::problem::Problem;
use super::{Settings, Site};

/// How long a handler may take.
const PATIENCE: Duration = Duration::from_secs(30);
/// How much longer one may take that brings a large file.
const LONG_PATIENCE: Duration = Duration::from_mins(15);

/// What is not counted among the calls of an address.
const UNCOUNTED: &[&str] = &["/assets/", "/healthz", "/readyz", "/metrics"];

/// The page may load its own things only, run no inline script, and stand in no frame.
const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
     font-src 'self'; connect-src 'self'; manifest-src 'self'; form-action 'self'; base-uri 'none'; \
     frame-ancestors 'none'; object-src 'none'";

tokio::task_local! {
    static REQUEST: String;
}

/// The id of the request at hand; empty outside of one.
pub fn request_id() -> String {
    REQUEST.try_with(Clone::clone).unwrap_or_default()
}

/// The address a request came from, by what the operator trusts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Address(pub IpAddr);

impl<S: Send + Sync> axum::extract::FromRequestParts<S> for Address {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut axum::http::request::Parts, _: &S) -> Result<Self, Self::Rejection> {
        Ok(parts.extensions.get::<Self>().copied().unwrap_or(Self(IpAddr::from([127, 0, 0, 1]))))
    }
}

impl aide::OperationInput for Address {}

/// Runs a request through the porch.
pub async fn porch(State(site): State<Site>, mut request: Request, next: Next) -> Response {
    let id = chosen_id(request.headers(), &site);
    let address = client_address(&request, &site.settings);
    request.extensions_mut().insert(address);
    let method = request.method().clone();
    let path = request.uri().path().to_owned();
    let route = request.extensions().get::<MatchedPath>().cloned();
    let origin = allowed_origin(request.headers(), &site.settings);
    let reader = Reader::at_page(&method, request.uri(), request.headers());
    let known = request.headers().get(header::IF_NONE_MATCH).filter(|_| method == Method::GET).cloned();
    let began = Instant::now();

    // A till's script and style must arrive for it to say anything, and health checks are few.
    let counted = !UNCOUNTED.iter().any(|free| path.starts_with(free));
    let refused = if counted { site.limits.admit_any(address.0).err() } else { None };
    let response = if method == Method::OPTIONS {
        StatusCode::OK.into_response()
    } else if let Some(problem) = refused {
        REQUEST.sync_scope(id.clone(), || problem.into_response())
    } else {
        let patience = Patience::default();
        request.extensions_mut().insert(patience.clone());
        let work = patience.wait_for(AssertUnwindSafe(next.run(request)).catch_unwind());
        REQUEST
            .scope(id.clone(), async {
                let response = match work.await {
                    Ok(Ok(response)) => response,
                    Ok(Err(_)) => Problem::internal(&"a handler panicked").into_response(),
                    Err(_) => Problem::busy().into_response(),
                };
                match &reader {
                    Some(reader) => reader.receive(&site, response),
                    None => response,
                }
            })
            .await
    };

    let mut response = unless_known(response, known.as_ref());
    dress(response.headers_mut(), &id, &site.settings);
    admit_origin(response.headers_mut(), origin, method == Method::OPTIONS);
    let status = response.status().as_u16();
    super::metrics::observe(&method, route.as_ref().map_or("unknown", MatchedPath::as_str), status, began.elapsed());
    if status >= 500 {
        tracing::error!(request = id, address = %address.0, "{method} {path} - Status: {status}");
    } else if status >= 400 {
        tracing::warn!(request = id, address = %address.0, "{method} {path} - Status: {status}");
    } else {
        tracing::info!(request = id, address = %address.0, "{method} {path} - Status: {status}");
    }
    response
}

/// How long a request may take; every request carries one, and a handler that takes in large files asks for more.
#[derive(Debug, Clone, Default)]
pub struct Patience(Arc<AtomicBool>);

impl Patience {
    /// This request may take as long as a large file over a slow line does.
    pub fn lengthen(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    async fn wait_for<T>(self, work: impl Future<Output = T>) -> Result<T, tokio::time::error::Elapsed> {
        tokio::pin!(work);
        match tokio::time::timeout(PATIENCE, work.as_mut()).await {
            Err(_) if self.0.load(Ordering::Relaxed) => tokio::time::timeout(LONG_PATIENCE, work).await,
            outcome => outcome,
        }
    }
}

/// 304 without a body when the caller has the answer already.
fn unless_known(response: Response, known: Option<&HeaderValue>) -> Response {
    let tag = response.headers().get(header::ETAG).and_then(|tag| tag.to_str().ok());
    let known = known.and_then(|known| known.to_str().ok());
    let (Some(tag), Some(known), StatusCode::OK) = (tag, known, response.status()) else { return response };
    let same = |one: &str| one.trim_start_matches("W/") == tag.trim_start_matches("W/");
    if !known.split(',').map(str::trim).any(|one| one == "*" || same(one)) {
        return response;
    }
    let mut headers = response.headers().clone();
    for name in [header::CONTENT_LENGTH, header::CONTENT_TYPE, header::CONTENT_ENCODING] {
        headers.remove(name);
    }
    (StatusCode::NOT_MODIFIED, headers).into_response()
}

/// The caller's id when it is a sane one, else one of ours.
fn chosen_id(headers: &HeaderMap, site: &Site) -> String {
    static COUNTER: AtomicU64 = AtomicU64::new(0);
    static START: std::sync::OnceLock<String> = std::sync::OnceLock::new();
    let given = headers.get("x-request-id").and_then(|id| id.to_str().ok());
    if let Some(given) = given
        && (1..=64).contains(&given.len())
        && given.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
    {
        return given.to_owned();
    }
    let start = START.get_or_init(|| site.entropy.token::<6>());
    format!("{start}-{:x}", COUNTER.fetch_add(1, Ordering::Relaxed))
}

/// The peer, or what a trusted proxy says of it.
fn client_address(request: &Request, settings: &Settings) -> Address {
    let peer = request
        .extensions()
        .get::<ConnectInfo<std::net::SocketAddr>>()
        .map_or(IpAddr::from([127, 0, 0, 1]), |peer| peer.0.ip());
    if !settings.trusted_proxies.contains(&peer) {
        // A proxy on this machine that nobody told us of: whoever stands behind it is not on this machine.
        let passed_on = ["x-forwarded-for", "forwarded"].iter().any(|name| request.headers().contains_key(*name));
        let hidden = passed_on && peer.to_canonical().is_loopback();
        return Address(if hidden { IpAddr::from([0, 0, 0, 0]) } else { peer });
    }
    let forwarded = request.headers().get("x-forwarded-for").and_then(|value| value.to_str().ok()).unwrap_or_default();
    // From the right: the first address that is not itself a trusted proxy.
    let client = forwarded
        .rsplit(',')
        .filter_map(|part| part.trim().parse().ok())
        .find(|address| !settings.trusted_proxies.contains(address));
    Address(client.unwrap_or(peer))
}

fn allowed_origin(headers: &HeaderMap, settings: &Settings) -> Option<HeaderValue> {
    // Without credentials of the browser's own, which `*` excludes, other sites bring what they know themselves.
    if settings.cors_origins.iter().any(|allowed| allowed == "*") {
        return Some(HeaderValue::from_static("*"));
    }
    let origin = headers.get(header::ORIGIN)?;
    let text = origin.to_str().ok()?;
    settings.cors_origins.iter().any(|allowed| allowed == text).then(|| origin.clone())
}

fn dress(headers: &mut HeaderMap, id: &str, settings: &Settings) {
    if let Ok(id) = HeaderValue::try_from(id) {
        headers.insert(HeaderName::from_static("x-request-id"), id);
    }
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("same-origin"));
    headers.insert(HeaderName::from_static("cross-origin-opener-policy"), HeaderValue::from_static("same-origin"));
    if !headers.contains_key(header::CONTENT_SECURITY_POLICY) {
        headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(CONTENT_SECURITY_POLICY));
    }
    if settings.https {
        let value = HeaderValue::from_static("max-age=31536000");
        headers.insert(header::STRICT_TRANSPORT_SECURITY, value);
    }
}

/// Tells a browser what pages of other sites may send and read. Which methods and headers there are is no
/// secret; who may use them, the operator says.
fn admit_origin(headers: &mut HeaderMap, origin: Option<HeaderValue>, preflight: bool) {
    let known = origin.is_some();
    if let Some(origin) = origin {
        if origin != "*" {
            headers.append(header::VARY, HeaderValue::from_static("Origin"));
        }
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
    }
    if known || preflight {
        headers.insert(
            header::ACCESS_CONTROL_ALLOW_METHODS,
            HeaderValue::from_static("GET, POST, PUT, PATCH, DELETE, OPTIONS"),
        );
        headers.insert(
            header::ACCESS_CONTROL_ALLOW_HEADERS,
            HeaderValue::from_static("Content-Type, Authorization, X-API-Key, Idempotency-Key, If-Match"),
        );
        headers.insert(
            header::ACCESS_CONTROL_EXPOSE_HEADERS,
            HeaderValue::from_static("ETag, Link, X-Total-Count, X-Request-Id, Idempotent-Replay, Retry-After"),
        );
    }
}
