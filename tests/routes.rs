//! Every route, from the API document: as nobody, as each wrong role, with what was revoked; and the
//! document against the router and the source.

use std::collections::{BTreeMap, BTreeSet};

use axum::http::Method;
use kirana::staff::{Role, Status};
use kirana::web::docs::operations;

use crate::support::{Client, Shop, Source, TokenKind, on_both, sources};

/// Routes of the document that anybody may call. A route stands here or has a right.
const PUBLIC: &[&str] = &[
    "GET /products",
    "POST /api/auth/forgot",
    "POST /api/auth/login",
    "POST /api/auth/register",
    "POST /api/auth/reset",
    "POST /login",
    "POST /signup",
    "POST /store/login",
    "POST /store/signup",
];

/// Pages that share their address with a route of the document.
const PAGES: &[&str] = &["GET /login"];

/// Routes outside of the document, all of them for anybody.
const PLAIN: &[&str] = &["/api/docs", "/api/openapi.json", "/healthz", "/metrics", "/readyz"];

/// Who builds the document's routes may not leave the document out; pages and the like are none of its.
const OUTSIDE_THE_DOCUMENT: &[&str] = &["/pages", "src/app.rs", "src/web/"];

/// A route of the document.
struct Route {
    method: Method,
    path: String,
    right: Option<String>,
    roles: Vec<Role>,
    secured: bool,
}

impl Route {
    fn all(shop: &Shop) -> Vec<Self> {
        let routes: Vec<Self> = operations(&shop.app.api)
            .into_iter()
            .map(|(path, method, operation)| {
                let roles = operation.extensions.get("x-roles").and_then(|roles| roles.as_array());
                Self {
                    method: method.to_uppercase().parse().unwrap(),
                    path: fill(path),
                    right: operation.extensions.get("x-right").map(ToString::to_string),
                    roles: roles
                        .into_iter()
                        .flatten()
                        .map(|role| Role::from_word(role.as_str().unwrap()).unwrap())
                        .collect(),
                    secured: !operation.security.is_empty(),
                }
            })
            .collect();
        assert!(routes.len() >= 5, "the document has routes");
        routes
    }

    fn name(&self) -> String {
        format!("{} {}", self.method, self.path)
    }

    /// Calls it without a body; nobody who may not call it gets as far as that.
    async fn call(&self, client: &Client) -> (u16, String) {
        let reply = client.call(self.method.clone(), &self.path).await;
        (reply.status.as_u16(), reply.code())
    }
}

/// A path with 1 for each parameter: `/api/products/{id}` becomes `/api/products/1`.
fn fill(path: &str) -> String {
    let parts: Vec<&str> = path.split('/').map(|part| if part.starts_with('{') { "1" } else { part }).collect();
    parts.join("/")
}

on_both!(each_route_has_a_right_or_is_public_on_purpose);
async fn each_route_has_a_right_or_is_public_on_purpose(shop: Shop) {
    let mut open = BTreeSet::new();
    for route in Route::all(&shop) {
        assert_eq!(route.secured, route.right.is_some(), "{}: right and credentials go together", route.name());
        assert_eq!(route.secured, !route.roles.is_empty(), "{}: somebody has the right", route.name());
        if !route.secured {
            open.insert(route.name());
        }
    }
    assert_eq!(open, PUBLIC.iter().map(|route| (*route).to_owned()).collect());
}

on_both!(each_route_is_closed_to_nobody_and_to_each_wrong_role);
async fn each_route_is_closed_to_nobody_and_to_each_wrong_role(shop: Shop) {
    let stranger = shop.stranger();
    let mut people = BTreeMap::new();
    for role in Role::ALL {
        people.insert(*role, shop.sign_in(*role).await);
    }
    let mut wrong = Vec::new();
    for route in Route::all(&shop).iter().filter(|route| route.secured) {
        let answer = route.call(&stranger).await;
        if answer != (401, "unauthorized".to_owned()) {
            wrong.push(format!("{} as nobody: {answer:?}", route.name()));
        }
        for (role, person) in people.iter().filter(|(role, _)| !route.roles.contains(role)) {
            let answer = route.call(person).await;
            if answer != (403, "forbidden".to_owned()) {
                wrong.push(format!("{} as {role}: {answer:?}", route.name()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

on_both!(each_route_is_closed_to_what_was_revoked);
async fn each_route_is_closed_to_what_was_revoked(shop: Shop) {
    let gone = shop.sign_in(Role::Owner).await;
    // Both are known to the server before they lose their rights.
    gone.get("/api/auth/me").await.expect(200);
    gone.post("/api/auth/logout", ()).await.expect(204);
    let disabled = shop.open_account(Role::Owner, "second", None, Status::Active).await;
    let token = shop.open_session(disabled, kirana::staff::actions::Carrier::Token).await;
    let disabled_client = shop.stranger().with_token(&token);
    disabled_client.get("/api/auth/me").await.expect(200);
    shop.disable(disabled).await;
    let unknown = shop.stranger().with_token("no.such.token");
    let unknown_key = shop.stranger().with("x-api-key", "kir_nobody_nothing");
    let unknown_cookie = shop.stranger().with("cookie", "kirana=nothing");
    let mut wrong = Vec::new();
    for route in Route::all(&shop).iter().filter(|route| route.secured) {
        for (who, client) in [
            ("a revoked session", &gone),
            ("a disabled account", &disabled_client),
            ("an unknown token", &unknown),
            ("an unknown key", &unknown_key),
            ("an unknown cookie", &unknown_cookie),
        ] {
            let answer = route.call(client).await;
            if answer != (401, "unauthorized".to_owned()) {
                wrong.push(format!("{} with {who}: {answer:?}", route.name()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

on_both!(what_the_document_names_is_there_and_what_it_does_not_name_is_not);
async fn what_the_document_names_is_there_and_what_it_does_not_name_is_not(shop: Shop) {
    let stranger = shop.stranger();
    let routes = Route::all(&shop);
    for route in &routes {
        let (status, code) = route.call(&stranger).await;
        assert!(![404, 405].contains(&status) && status < 500, "{}: {status} {code}", route.name());
    }
    // A method that the document does not name for a path is refused, so the router has none to spare.
    let named: BTreeSet<String> = routes.iter().map(Route::name).collect();
    for path in routes.iter().map(|route| &route.path).collect::<BTreeSet<_>>() {
        for method in [Method::GET, Method::POST, Method::PUT, Method::PATCH, Method::DELETE] {
            // `/api/products/bulk` is also a value for `/api/products/{id}`.
            let twin = path.rsplit_once('/').map(|(start, _)| format!("{method} {start}/1")).unwrap_or_default();
            let name = format!("{method} {path}");
            if !named.contains(&name) && !named.contains(&twin) && !PAGES.contains(&name.as_str()) {
                let reply = stranger.call(method.clone(), path).await;
                assert_eq!(reply.status, 405, "{method} {path} is in the router and not in the document");
            }
        }
    }
    let nowhere = stranger.get("/api/no-such-thing").await.expect(404);
    assert_eq!(nowhere.json()["error"], "API endpoint not found");
}

on_both!(what_watches_over_the_server_is_open);
async fn what_watches_over_the_server_is_open(shop: Shop) {
    for path in PLAIN.iter().filter(|path| **path != "/metrics") {
        shop.stranger().get(path).await.expect(200);
    }
}

on_both!(the_document_is_openapi_3_1_and_its_page_loads_nothing_from_outside);
async fn the_document_is_openapi_3_1_and_its_page_loads_nothing_from_outside(shop: Shop) {
    let document = shop.stranger().get("/api/openapi.json").await.expect(200).json();
    assert!(document["openapi"].as_str().unwrap().starts_with("3.1."), "{}", document["openapi"]);
    assert_eq!(document["components"]["securitySchemes"].as_object().unwrap().len(), 3);
    let mut dangling = Vec::new();
    find_dangling(&document, &document, &mut dangling);
    assert!(dangling.is_empty(), "references to nothing: {dangling:?}");

    let page = shop.stranger().get("/api/docs").await.expect(200).text;
    for reference in ["src=\"", "href=\"", "url(", "@import ", "action=\""] {
        for (at, _) in page.match_indices(reference) {
            let target = page[at + reference.len()..].trim_start_matches(['"', '\'']);
            let outside = target.starts_with("//") || target.starts_with("http:") || target.starts_with("https:");
            assert!(!outside, "the page refers to {}", target.split('"').next().unwrap_or_default());
        }
    }
    for path in document["paths"].as_object().unwrap().keys() {
        assert!(page.contains(path.as_str()), "the page leaves out {path}");
    }
}

fn find_dangling(document: &serde_json::Value, at: &serde_json::Value, found: &mut Vec<String>) {
    match at {
        serde_json::Value::Object(members) => {
            if let Some(target) = members.get("$ref").and_then(|target| target.as_str())
                && target.strip_prefix('#').and_then(|pointer| document.pointer(pointer)).is_none()
            {
                found.push(target.to_owned());
            }
            members.values().for_each(|member| find_dangling(document, member, found));
        }
        serde_json::Value::Array(items) => items.iter().for_each(|item| find_dangling(document, item, found)),
        _ => {}
    }
}

on_both!(a_route_in_the_source_is_a_route_in_the_document);
async fn a_route_in_the_source_is_a_route_in_the_document(shop: Shop) {
    let mut registered = BTreeSet::new();
    let mut plain = BTreeSet::new();
    for source in sources() {
        let found = Registered::read(&source);
        assert_eq!(found.unreadable, [0; 0], "{}: a route's path is written out", source.path);
        if source.path == "src/app.rs" {
            plain.extend(found.plain);
        } else if !OUTSIDE_THE_DOCUMENT.iter().any(|place| source.path.contains(place)) {
            assert!(found.plain.is_empty(), "{}: {:?} use `api_route`", source.path, found.plain);
        }
        registered.extend(found.described);
    }
    assert_eq!(plain, PLAIN.iter().map(|path| (*path).to_owned()).collect());
    let documented: BTreeSet<String> =
        operations(&shop.app.api).into_iter().map(|(path, ..)| path.to_owned()).collect();
    assert_eq!(registered, documented);
}

/// The routes that a file registers.
#[derive(Default)]
struct Registered {
    described: Vec<String>,
    plain: Vec<String>,
    /// Lines with a path that is no literal.
    unreadable: Vec<usize>,
}

impl Registered {
    fn read(source: &Source) -> Self {
        let tokens = source.tokens();
        let mut found = Self::default();
        for window in tokens.windows(4) {
            let [dot, name, bracket, path] = window else { continue };
            if dot.text != "." || bracket.text != "(" || name.kind != TokenKind::Word {
                continue;
            }
            let routes = match name.text.as_str() {
                "api_route" | "api_route_with" => &mut found.described,
                "route" | "route_service" | "nest_service" => &mut found.plain,
                _ => continue,
            };
            if path.kind == TokenKind::Text {
                routes.push(path.text.clone());
            } else {
                found.unreadable.push(path.line);
            }
        }
        found
    }
}

#[test]
fn a_route_that_the_document_would_not_know_is_seen() {
    let text = "Routes::new().api_route(\"/a\", get(a)) // .route(\"/b\")\n .route(\"/c\", get(c)).api_route(PATH, d)";
    let found = Registered::read(&Source { path: "src/stock/api.rs".to_owned(), text: text.to_owned() });
    assert_eq!((found.described, found.plain, found.unreadable), (vec!["/a".into()], vec!["/c".into()], vec![2]));
}
