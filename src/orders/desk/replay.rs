//! Answers that were given before: to a key that comes again, in a later batch or in the same one.

use axum::http::StatusCode;
use foldhash::HashMap;

use super::super::model::{AtTill, OrderError, PlaceOrder};
use super::super::queries;
use super::Answer;
use crate::db::{self, Conn};
use crate::ids::TillId;
use crate::web::answer::Stored;
use crate::web::idempotency;

pub(super) type Replays<'c> = HashMap<(&'c str, &'c str), idempotency::StoredRow>;

/// The answers that were stored for the keys of a batch.
pub(super) fn find_replays<'c>(conn: &mut Conn<'_>, commands: &'c [PlaceOrder]) -> db::Result<Replays<'c>> {
    let elsewhere = || commands.iter().filter(|command| command.at_till.is_none());
    let claims = || elsewhere().filter_map(|command| Some((command.claim.as_ref()?, command.now)));
    let at_tills = find_till_sales(conn, commands)?;
    let rows = conn.load_many(&idempotency::FIND, claims().map(|(claim, now)| claim.lookup(now)))?;
    if rows.is_empty() {
        return Ok(at_tills);
    }
    let mut found: HashMap<(String, String), idempotency::StoredRow> =
        rows.into_iter().map(|row| ((row.principal.clone(), row.key.clone()), row)).collect();
    Ok(claims()
        .filter_map(|(claim, _)| {
            let row = found.remove(&(claim.principal.clone(), claim.sent.key.clone()))?;
            Some(((claim.principal.as_str(), claim.sent.key.as_str()), row))
        })
        .chain(at_tills)
        .collect())
}

/// The answers that were given to the sales of tills.
fn find_till_sales<'c>(conn: &mut Conn<'_>, commands: &'c [PlaceOrder]) -> db::Result<Replays<'c>> {
    let sales = || commands.iter().filter_map(|command| Some((command.at_till.as_deref()?, command.claim.as_ref()?)));
    let asked = sales().map(|(till, _)| [till.till.into(), (&till.sale).into()]);
    let rows = conn.load_many(&queries::TILL_SALES, asked)?;
    let mut found: HashMap<(TillId, String), queries::TillSaleRow> =
        rows.into_iter().map(|row| ((row.till_id, row.sale_id.clone()), row)).collect();
    let replay = |(till, claim): (&'c AtTill, &'c idempotency::Claim)| {
        let row = found.remove(&(till.till, till.sale.clone()))?;
        let stored = idempotency::StoredRow {
            principal: claim.principal.clone(),
            key: row.sale_id,
            request_hash: row.request_hash,
            status: i64::from(StatusCode::CREATED.as_u16()),
            body: row.answer,
        };
        Some(((claim.principal.as_str(), claim.sent.key.as_str()), stored))
    };
    Ok(sales().filter_map(replay).collect())
}

pub(super) fn replay_of(command: &PlaceOrder, row: &idempotency::StoredRow) -> Answer {
    match &command.claim {
        Some(claim) => claim.replay(row).map_err(|_| OrderError::KeyReused),
        None => Err(OrderError::KeyReused),
    }
}

/// Puts the answers in order; a twin of an accepted command gets its twin's answer again.
pub(super) fn answer_all(
    commands: &[PlaceOrder],
    answers: Vec<Option<Answer>>,
    mut stored: Vec<Option<Stored>>,
    twins: &HashMap<(&str, &str), usize>,
) -> Vec<Answer> {
    // From the last to the first: a twin stands behind the one whose answer it gets.
    let mut all: Vec<Answer> = answers
        .into_iter()
        .enumerate()
        .rev()
        .map(|(index, answer)| {
            answer.unwrap_or_else(|| {
                if let Some(own) = stored[index].take() {
                    return Ok(own);
                }
                let claim = commands[index].claim.as_ref().ok_or(OrderError::KeyReused)?;
                let first = twins.get(&(claim.principal.as_str(), claim.sent.key.as_str()));
                let answer = first.and_then(|first| stored[*first].clone()).ok_or(OrderError::KeyReused)?;
                Ok(Stored { replayed: true, ..answer })
            })
        })
        .collect();
    all.reverse();
    all
}
