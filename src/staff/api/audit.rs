//! The route of the audit log.

use aide::axum::routing::get_with;
use axum::extract::State;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::audit::{self, Cursor, Entry};
use crate::clock::Timestamp;
use crate::staff::Allowed;
use crate::staff::access::ReadAudit;
use crate::web::answer::{next_page, page_size};
use crate::web::docs::describe;
use crate::web::{self, Listed, Problem, Query, Routes, Site};

pub(super) fn routes() -> Routes {
    Routes::new().api_route("/api/audit", get_with(list, |op| describe(op, "Audit", "Who changed what, newest first")))
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct AuditQuery {
    /// What an action begins with: `user.`, `product.update`.
    action: Option<String>,
    /// What an actor begins with: `user:7`, `key:`.
    actor: Option<String>,
    /// Where the page before ended.
    cursor: Option<String>,
    limit: Option<i64>,
}

/// An entry of the audit log.
#[derive(Debug, Serialize, JsonSchema)]
struct EntryBody {
    at: Timestamp,
    /// `user:7`, `key:2`, `system`.
    actor: String,
    action: String,
    subject: String,
    /// What changed, mostly as `[before, after]`.
    detail: Value,
    /// From where.
    address: String,
    /// Its chain and its place in it.
    chain: i64,
    seq: i64,
    /// Its hash, over the entry before it and itself.
    hash: String,
}

impl From<Entry> for EntryBody {
    fn from(entry: Entry) -> Self {
        Self {
            at: entry.at,
            detail: serde_json::from_str(&entry.detail).unwrap_or_default(),
            actor: entry.actor,
            action: entry.action,
            subject: entry.subject,
            address: entry.address,
            chain: entry.chain,
            seq: entry.seq,
            hash: entry.hash.iter().fold(String::new(), |hex, byte| format!("{hex}{byte:02x}")),
        }
    }
}

async fn list(
    State(site): State<Site>,
    _: Allowed<ReadAudit>,
    Query(query): Query<AuditQuery>,
) -> web::Result<Listed<EntryBody>> {
    let limit = page_size(query.limit)?;
    let before = match query.cursor.as_deref() {
        None => Cursor::START,
        Some(text) => {
            Cursor::parse(text).ok_or_else(|| Problem::field("cursor", "invalid", "This is no cursor of this list."))?
        }
    };
    let action = query.action.clone().unwrap_or_default();
    let actor = query.actor.clone().unwrap_or_default();
    let (entries, total) =
        site.db.read(move |conn| Ok::<_, Problem>(audit::list(conn, &action, &actor, before, limit)?)).await?;
    let full = i64::try_from(entries.len()).unwrap_or(i64::MAX) == limit;
    let next = entries.last().filter(|_| full).map(|last| {
        let filters = [("action", query.action.as_deref()), ("actor", query.actor.as_deref())];
        next_page("/api/audit", &filters, &Cursor::after(last).to_string(), limit)
    });
    Ok(Listed { rows: entries.into_iter().map(EntryBody::from).collect(), total, next })
}
