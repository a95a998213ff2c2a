//! Which way arrows point: the `use` lines and inline paths of `src/`, against the plan of the house.
//!
//! Each module stands on a floor and uses only floors below it; the kits (`web`, `worker`, `audit`,
//! `queue`) share a floor and may use each other, and so may the rooms under the roof. Edges
//! (`api.rs`, `pages.rs`, `jobs.rs`) belong to the outside: they may use what any domain offers, and
//! the edges of a floor below, but not what puts them together. Inside a domain the layers are
//! edges, actions, queries, rules, model; a file of another name (`access.rs`, `barcode.rs`) is used
//! by all of them and uses all but the edges. A domain's `mod.rs` names what it offers, so it is free.

use crate::support::{Source, Token, TokenKind, sources, tokens};

/// The floors from the roof to the ground. Who adds a module says here where it stands.
const FLOORS: &[&[&str]] = &[
    &["main", "cli", "config", "demo"],
    &["app"],
    &["demo"],
    &["classic"],
    &["reports", "check", "till"],
    &["counter"],
    &["orders"],
    &["catalog"],
    &["stock"],
    &["payments", "customers"],
    &["staff"],
    &["shop"],
    &["web", "worker", "audit", "queue"],
    &["db"],
    &["clock", "ids", "money"],
];
/// Modules of these floors may use their neighbours.
const SHARED: &[&str] = &["main", "web"];
/// Floors that are no domain: above, what puts the shop together; below, the kits.
const ROOF: &[&str] = &["main", "cli", "config", "demo", "app"];
const KITS: &[&str] = &["web", "worker", "audit", "queue", "db", "clock", "ids", "money"];
/// The layers inside a domain, from its edge inwards.
const LAYERS: &[&[&str]] = &[EDGES, &["actions"], &["queries"], &["rules"], &["model"]];
const EDGES: &[&str] = &["api", "pages", "jobs"];
/// What a decision never sees: a connection, the time, a request.
const HIDDEN_FROM_RULES: &[&[&str]] = &[&["db", "Conn"], &["db", "Db"], &["clock", "Clock"], &["web"]];
/// The engines' own libraries, which only `db/` knows.
const ENGINES: &[&str] = &["rusqlite", "postgres", "tokio_postgres"];

#[test]
fn every_arrow_points_down() {
    let wrong: Vec<String> = sources().iter().flat_map(wrong_arrows).collect();
    assert!(wrong.is_empty(), "arrows that point the wrong way:\n{}", wrong.join("\n"));
}

#[test]
fn an_arrow_that_points_up_is_seen() {
    let cases = [
        ("src/stock/actions.rs", "use crate::catalog::Product;", "catalog"),
        ("src/stock/actions.rs", "use crate::{\n  money::Money,\n  catalog,\n};", "catalog"),
        ("src/staff/actions.rs", "fn f() { crate::orders::actions::place() }", "orders"),
        ("src/web/mod.rs", "use crate::staff::Role;", "staff"),
        ("src/db/conn.rs", "use crate::web::Problem;", "web"),
        ("src/money.rs", "use crate::db::Value;", "db"),
        ("src/staff/rules.rs", "use crate::db::Conn;", "db::Conn"),
        ("src/staff/rules.rs", "use super::queries;", "queries"),
        ("src/staff/model.rs", "use super::rules::check;", "rules"),
        ("src/staff/queries.rs", "use super::actions;", "actions"),
        ("src/orders/actions/checkout.rs", "use super::super::api;", "api"),
        ("src/orders/actions/checkout.rs", "use crate::stock::api::routes;", "api"),
        ("src/orders/actions.rs", "use crate::stock::queries::LOCK;", "queries"),
        ("src/staff/api.rs", "use crate::app::App;", "app"),
        ("src/staff/api.rs", "use crate::orders::api::routes;", "orders::api"),
        ("src/staff/queries.rs", "fn f(c: &rusqlite::Connection) {}", "rusqlite"),
        ("src/garden.rs", "", "floor"),
    ];
    for (path, text, named) in cases {
        let found = wrong_arrows(&Source { path: path.to_owned(), text: format!("//! A file.\n\n{text}") });
        assert_eq!(found.len(), 1, "{path}: {text}: {found:?}");
        assert!(found[0].contains(named) && found[0].starts_with(path), "{found:?}");
    }
}

#[test]
fn an_arrow_that_points_down_is_left_alone() {
    let cases = [
        ("src/orders/actions.rs", "use crate::{stock, catalog::{self, Product}};\nuse super::{queries, rules};"),
        ("src/orders/actions/checkout.rs", "use super::super::{model::Order, queries};\nuse super::totals;"),
        (
            "src/staff/api.rs",
            "use super::{actions, queries};\nuse crate::web::{self, Json};\nuse crate::shop::actions;",
        ),
        (
            "src/stock/pages.rs",
            "use crate::orders::actions;\nuse crate::staff::access::Allowed;\nuse crate::staff::api::log_in;",
        ),
        ("src/staff/rules.rs", "use super::model::Role;\nuse crate::clock::Timestamp;\nuse crate::money::Money;"),
        (
            "src/web/mod.rs",
            "//! See [`crate::staff::access`].\n// use crate::staff;\nconst A: &str = \"crate::staff\";",
        ),
        ("src/staff/rules.rs", "#[cfg(test)]\nmod tests { use crate::db::Conn; }"),
        ("src/db/conn.rs", "use postgres::types::ToSql;"),
        ("src/cli/serve.rs", "use crate::app::App;\nuse crate::config;\nconst URL: &str = \"postgres://\";"),
    ];
    for (path, text) in cases {
        assert_eq!(wrong_arrows(&Source { path: path.to_owned(), text: text.to_owned() }), Vec::<String>::new());
    }
}

/// What a file uses that it must not, one sentence each.
fn wrong_arrows(source: &Source) -> Vec<String> {
    let own = source.module();
    let Some(home) = own.first() else { return Vec::new() };
    if floor(home).is_none() {
        return vec![format!("{}:1: `{home}` stands on no floor; give it one in tests/architecture.rs", source.path)];
    }
    let tokens = source.tokens();
    let mut wrong = Vec::new();
    for (line, used) in paths(&own, &tokens) {
        if let Some(reason) = judge(source, &own, &used) {
            wrong.push(format!("{}:{line}: {reason}", source.path));
        }
    }
    if home != "db" {
        for (line, engine) in engines(&tokens) {
            wrong.push(format!("{}:{line}: only src/db knows `{engine}`", source.path));
        }
    }
    wrong
}

fn floor(module: &str) -> Option<usize> {
    FLOORS.iter().position(|floor| floor.contains(&module))
}

fn layer(path: &[String]) -> Option<usize> {
    LAYERS.iter().position(|layer| path.get(1).is_some_and(|name| layer.contains(&name.as_str())))
}

fn is_edge(path: &[String]) -> bool {
    path.first().is_some_and(|home| home == "classic") || layer(path) == Some(0)
}

/// Why a file may not use a path, if it may not.
fn judge(source: &Source, own: &[String], used: &[String]) -> Option<String> {
    let home = own[0].as_str();
    let target = used.first()?.as_str();
    let used_text = used.join("::");
    let at_home_in_domain = !ROOF.contains(&home) && !KITS.contains(&home);
    if at_home_in_domain && own.get(1).is_some_and(|layer| layer == "rules") {
        let hidden = HIDDEN_FROM_RULES
            .iter()
            .any(|hidden| used.iter().zip(*hidden).filter(|(a, b)| a == *b).count() == hidden.len());
        if hidden {
            return Some(format!("a rule sees no `{used_text}`: values in, value or refusal out"));
        }
    }
    if target == home {
        let free = !at_home_in_domain || source.path.ends_with(&format!("src/{home}/mod.rs"));
        // A file without a rank may use everything but the edges.
        let own_layer = layer(own).unwrap_or(1);
        return match layer(used) {
            Some(layer) if !free && layer < own_layer => {
                Some(format!("`{}` uses `{used_text}`, which is further out", own.join("::")))
            }
            _ => None,
        };
    }
    // A name that is no module: a macro of the crate or a function of lib.rs.
    let below = floor(target)?;
    let above = floor(home)?;
    let is_domain = !ROOF.contains(&target) && !KITS.contains(&target);
    if is_domain && used.get(1).is_some_and(|layer| layer == "queries") {
        return Some(format!(
            "`{used_text}`: a domain's queries are its own; use its actions or what its mod.rs offers"
        ));
    }
    if is_domain && is_edge(used) && !(is_edge(own) && above < below) && !ROOF.contains(&home) {
        return Some(format!("`{used_text}` is an edge, which only the edges above it and `app` may use"));
    }
    let neighbours = above == below && FLOORS[above].iter().any(|name| SHARED.contains(name));
    if above < below || neighbours || (is_edge(own) && is_domain) {
        return None;
    }
    Some(format!("`{}` uses `{used_text}`, which does not stand below it", own.join("::")))
}

/// All paths into the crate that a file names, from the crate's root, each with its line.
fn paths(own: &[String], tokens: &[Token]) -> Vec<(usize, Vec<String>)> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(token) = tokens.get(at) {
        let starts = token.kind == TokenKind::Word
            && matches!(token.text.as_str(), "crate" | "super" | "kirana")
            && is_sign(tokens, at + 1, ":")
            && is_sign(tokens, at + 2, ":");
        if starts {
            tree(tokens, &mut at, &[], &mut found);
        } else {
            at += 1;
        }
    }
    found.into_iter().filter_map(|(line, path)| Some((line, resolve(own, &path)?))).collect()
}

/// Reads `a::b`, `a::{b, c::d}`, `a::*`; ends behind it.
fn tree(tokens: &[Token], at: &mut usize, before: &[String], found: &mut Vec<(usize, Vec<String>)>) {
    let mut path = before.to_vec();
    let mut line = tokens.get(*at).map_or(0, |token| token.line);
    while let Some(token) = tokens.get(*at) {
        if token.kind == TokenKind::Word {
            line = token.line;
            path.push(token.text.clone());
            *at += 1;
        } else if is_sign(tokens, *at, "{") {
            *at += 1;
            while *at < tokens.len() && !is_sign(tokens, *at, "}") {
                let start = *at;
                tree(tokens, at, &path, found);
                // A renaming, a comma: whatever stands between two branches.
                while *at < tokens.len() && !is_sign(tokens, *at, ",") && !is_sign(tokens, *at, "}") {
                    *at += 1;
                }
                if is_sign(tokens, *at, ",") || *at == start {
                    *at += 1;
                }
            }
            *at += 1;
            return;
        } else {
            break;
        }
        if !(is_sign(tokens, *at, ":") && is_sign(tokens, *at + 1, ":")) {
            break;
        }
        *at += 2;
    }
    found.push((line, path));
}

fn is_sign(tokens: &[Token], at: usize, sign: &str) -> bool {
    tokens.get(at).is_some_and(|token| token.kind == TokenKind::Sign && token.text == sign)
}

/// `crate::a::b` and `super::b` as a path from the crate's root; none for a path to the root itself.
fn resolve(own: &[String], path: &[String]) -> Option<Vec<String>> {
    let mut resolved = match path.first()?.as_str() {
        "super" => own[..own.len() - 1].to_vec(),
        // Only the binary calls the library by its name.
        "kirana" if own != ["main"] => return None,
        _ => Vec::new(),
    };
    for word in &path[1..] {
        match word.as_str() {
            "super" => {
                resolved.pop();
            }
            "self" => {}
            word => resolved.push(word.to_owned()),
        }
    }
    (!resolved.is_empty()).then_some(resolved)
}

/// Where a file names an engine's library.
fn engines(tokens: &[Token]) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    for (at, token) in tokens.iter().enumerate() {
        // `crate::db::postgres` is ours; a library stands at the beginning of a path.
        let begins = at == 0 || !is_sign(tokens, at - 1, ":");
        let goes_on = is_sign(tokens, at + 1, ":") && is_sign(tokens, at + 2, ":");
        if token.kind == TokenKind::Word && begins && goes_on && ENGINES.contains(&token.text.as_str()) {
            found.push((token.line, token.text.clone()));
        }
    }
    found
}

#[test]
fn paths_are_read_from_use_lines_and_from_bodies() {
    let text =
        "use super::{queries::{self, LOCK as L}, model};\nfn f(x: crate::db::Conn<'_>) { super::super::ids::g::<T>() }";
    let own = ["stock".to_owned(), "actions".to_owned()];
    let found: Vec<String> =
        paths(&own, &tokens(text)).iter().map(|(line, path)| format!("{line} {}", path.join("::"))).collect();
    assert_eq!(found, ["1 stock::queries", "1 stock::queries::LOCK", "1 stock::model", "2 db::Conn", "2 ids::g"]);
}
