//! `kirana check`: proves the books.

use super::failure::{FAILED, Failure, Outcome};
use super::out::Out;
use super::work::Context;
use crate::check::{self, INVARIANTS};

/// Checks every invariant; fails when one does not hold.
pub async fn run(context: &Context, as_json: bool, out: &Out) -> Outcome {
    let verdict = context.db.read(check::run).await?;
    if as_json {
        out.json(&verdict);
    } else {
        for (number, invariant) in (1_u8..).zip(INVARIANTS) {
            let found: Vec<_> = verdict.findings.iter().filter(|finding| finding.invariant == number).collect();
            let mark = if found.is_empty() { "ok   " } else { "WRONG" };
            out.result(format!("{mark} {number}. {invariant}"));
            for finding in found {
                out.result(format!("        {}: {}", finding.subject, finding.what));
            }
        }
        if verdict.more > 0 {
            out.result(format!("        and {} more", verdict.more));
        }
        out.talk(format!(
            "{} orders, {} stock moves and {} entries of the audit log were read",
            verdict.orders, verdict.moves, verdict.audit_entries
        ));
    }
    match verdict.findings.len() + verdict.more {
        0 => Ok(()),
        1 => Err(Failure::new(FAILED, "one thing does not add up")),
        count => Err(Failure::new(FAILED, format!("{count} things do not add up"))),
    }
}
