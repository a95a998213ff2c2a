//! Proves the books: the invariants of the shop, recomputed from the raw rows of any database.
//!
//! Reads everybody and changes nothing. It runs beside live traffic over one snapshot.

mod queries;

use std::collections::{BTreeMap, HashMap, HashSet};

use schemars::JsonSchema;
use serde::Serialize;

use crate::audit;
use crate::db::{Conn, Result};

use crate::ids::ImportId;
use crate::orders::desk::OrdersDigest;

pub use queries::{bulks, statements};

/// Findings of one rule that are listed; the rest are counted.
const LISTED: usize = 20;

/// Something that does not add up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Finding {
    /// Which invariant, by its number.
    pub invariant: u8,
    /// What it is about: `store 1 product 12`.
    pub subject: String,
    /// What does not add up.
    pub what: String,
}

/// What was checked, and what was found.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Verdict {
    /// The books are right.
    pub ok: bool,
    /// Orders that were read.
    pub orders: i64,
    /// Stock moves that were read.
    pub moves: i64,
    /// Entries of the audit log that were read.
    pub audit_entries: i64,
    /// What does not add up, the first of each rule.
    pub findings: Vec<Finding>,
    /// How many findings are not listed.
    pub more: usize,
}

/// The invariants by number, in words.
pub const INVARIANTS: [&str; 7] = [
    "What is on hand is the sum of the moves, and never below zero unless the product allows it.",
    "Orders add up to the paisa: lines, discount, tax, rounding, payments.",
    "Roll-ups equal a recomputation from the orders and moves.",
    "Every idempotency key had at most one effect.",
    "Bill numbers have no gap and no repeat.",
    "The storage is whole, and set to survive a loss of power.",
    "The audit chains verify and vouch for every order and step.",
];

/// The rules that are one question each: the invariant that it belongs to, and what does not add up
/// when it is broken.
pub fn rules() -> impl Iterator<Item = (u8, &'static str)> {
    queries::RULES.iter().map(|rule| (rule.invariant, rule.what))
}

/// Checks everything.
pub fn run(conn: &mut Conn<'_>) -> Result<Verdict> {
    let mut verdict = Verdict::default();
    (verdict.orders, verdict.moves) = conn.only(&queries::COUNTS, &[])?;
    for rule in queries::RULES {
        let found = conn.all(rule.query, &[])?;
        let findings = found.into_iter().map(|(subject, is, should)| Finding {
            invariant: rule.invariant,
            subject,
            what: format!("{}: is {is}, should be {should}", rule.what),
        });
        verdict.add(findings);
    }
    let keys = check_keys(conn)?;
    verdict.add(keys.into_iter());
    let storage = conn.integrity()?;
    verdict.add(storage.into_iter().map(|what| Finding { invariant: 6, subject: "storage".to_owned(), what }));
    let audit = check_audit(conn, &mut verdict.audit_entries)?;
    verdict.add(audit.into_iter());
    verdict.ok = verdict.findings.is_empty();
    Ok(verdict)
}

impl Verdict {
    fn add(&mut self, findings: impl Iterator<Item = Finding>) {
        for (number, finding) in findings.enumerate() {
            if number < LISTED {
                self.findings.push(finding);
            } else {
                self.more += 1;
            }
        }
    }
}

/// Stored answers name orders that exist, each at most once.
fn check_keys(conn: &mut Conn<'_>) -> Result<Vec<Finding>> {
    let mut named: HashMap<i64, String> = HashMap::new();
    let mut findings = Vec::new();
    let mut wanted = Vec::new();
    conn.each(&queries::ORDER_ANSWERS, &[], |(principal, key, body): (String, String, String)| {
        let order = serde_json::from_str::<serde_json::Value>(&body)
            .ok()
            .and_then(|body| body.get("orderId")?.as_str()?.parse::<i64>().ok());
        if let Some(order) = order {
            let subject = format!("{principal} key {key}");
            if let Some(other) = named.insert(order, subject.clone()) {
                let what = format!("order {order} was also made with {other}");
                findings.push(Finding { invariant: 4, subject: subject.clone(), what });
            }
            wanted.push((order, subject));
        }
        Ok::<(), crate::db::Error>(())
    })?;
    let known: HashSet<i64> = conn
        .load_many(&queries::EXISTING_ORDERS, wanted.iter().map(|(order, _)| [(*order).into()]))?
        .into_iter()
        .map(|(id,)| id)
        .collect();
    findings.extend(wanted.into_iter().filter(|(order, _)| !known.contains(order)).map(|(order, subject)| Finding {
        invariant: 4,
        subject,
        what: format!("order {order} was answered and is not there"),
    }));
    Ok(findings)
}

/// What the audit log says of a batch of orders.
#[derive(Default, serde::Deserialize)]
struct Promise {
    digest: String,
    import: Option<ImportId>,
}

/// The chains hold, and each batch's hash is that of its orders.
fn check_audit(conn: &mut Conn<'_>, entries: &mut i64) -> Result<Vec<Finding>> {
    let mut promised: BTreeMap<(i64, i64), Promise> = BTreeMap::new();
    let mut undone: HashSet<String> = HashSet::new();
    let mut steps: HashMap<String, i64> = HashMap::new();
    let breaks = audit::verify(conn, |entry| {
        *entries += 1;
        match entry.action.as_str() {
            "orders.place" => {
                let promise = serde_json::from_str(&entry.detail).unwrap_or_default();
                promised.insert((entry.chain, entry.seq), promise);
            }
            "import.undo" => {
                undone.insert(entry.subject.clone());
            }
            "order.step" => *steps.entry(entry.subject.clone()).or_default() += 1,
            _ => {}
        }
    })?;
    let mut findings: Vec<Finding> = breaks
        .into_iter()
        .map(|one| Finding {
            invariant: 7,
            subject: format!("audit chain {} entry {}", one.place.chain, one.place.seq),
            what: one.reason.to_owned(),
        })
        .collect();

    let mut open: Option<((i64, i64), OrdersDigest)> = None;
    let mut settle = |batch: Option<((i64, i64), OrdersDigest)>| {
        let Some((place, digest)) = batch else { return };
        let what = match promised.remove(&place) {
            None => "orders name an entry that is not there",
            Some(promise) if promise.digest != digest.finish() => {
                "the orders of this batch are not those that were placed"
            }
            Some(_) => return,
        };
        let subject = format!("audit chain {} entry {}", place.0, place.1);
        findings.push(Finding { invariant: 7, subject, what: what.to_owned() });
    };
    conn.each(&queries::VOUCHED_ORDERS, &[], |order: queries::VouchedOrder| {
        let place = (order.audit_chain, order.audit_seq);
        if open.as_ref().is_none_or(|(current, _)| *current != place) {
            settle(open.replace((place, OrdersDigest::default())));
        }
        if let Some((_, digest)) = &mut open {
            digest.add(order.id, order.store_id, order.customer_id, order.total_paise, order.placed_at);
        }
        Ok::<(), crate::db::Error>(())
    })?;
    settle(open);
    // Orders of another system go with the import that brought them.
    let gone = |promise: &Promise| promise.import.as_ref().is_some_and(|id| undone.contains(&format!("import:{id}")));
    promised.retain(|_, promise| !gone(promise));
    for (chain, seq) in promised.keys() {
        let subject = format!("audit chain {chain} entry {seq}");
        findings.push(Finding { invariant: 7, subject, what: "the orders of this batch are gone".to_owned() });
    }
    for (order, taken) in conn.all(&queries::STEPS, &[])? {
        let noted = steps.remove(&format!("order:{order}")).unwrap_or_default();
        if noted != taken {
            let what = format!("{taken} steps were taken and {noted} are in the audit log");
            findings.push(Finding { invariant: 7, subject: format!("order {order}"), what });
        }
    }
    for (subject, noted) in steps {
        let what = format!("0 steps were taken and {noted} are in the audit log");
        findings.push(Finding { invariant: 7, subject: subject.replace(':', " "), what });
    }
    Ok(findings)
}
