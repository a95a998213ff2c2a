//! One effect for each `Idempotency-Key`, however often the request is sent.
//!
//! The key is stored in the transaction of the effect. A key is honoured for at least 24 hours.

use axum::http::StatusCode;
use serde::Serialize;
use sha2::{Digest as _, Sha256};

use super::answer::Stored;
use super::extract::SentKey;
use super::problem::Problem;
use crate::clock::Timestamp;
use crate::db::{Conn, Value};

/// A key with the one who sent it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    /// Who: `user:7`, `key:2`.
    pub principal: String,
    /// What they sent.
    pub sent: SentKey,
    /// What the index knows the key by.
    hash: i64,
}

crate::row! {
    /// A stored answer.
    #[derive(Debug, Clone)]
    pub struct StoredRow {
        /// Who sent the key.
        pub principal: String,
        /// The key.
        pub key: String,
        /// The request that it named.
        pub request_hash: Vec<u8>,
        /// The status of the answer.
        pub status: i64,
        /// The body of the answer.
        pub body: String,
    }
}

crate::bulks! {
    /// Finds stored answers: today's bucket, yesterday's, hash, who, key.
    pub FIND(Int, Int, Int, Text, Text) -> StoredRow =
        each "select principal, key, request_hash, status, body from idempotency_keys
              where bucket = $1 and key_hash = $3 and principal = $4 and key = $5
              union all
              select principal, key, request_hash, status, body from idempotency_keys
              where bucket = $2 and key_hash = $3 and principal = $4 and key = $5",
        set "select k.principal, k.key, k.request_hash, k.status, k.body
             from (select today as bucket, key_hash, principal, key
                   from unnest({rows}) as one(today, yesterday, key_hash, principal, key)
                   union all
                   select yesterday, key_hash, principal, key
                   from unnest({rows}) as two(today, yesterday, key_hash, principal, key)) asked
             cross join lateral (select n.* from idempotency_keys n
                                 where n.bucket = asked.bucket and n.key_hash = asked.key_hash limit 1) k
             where k.principal = asked.principal and k.key = asked.key";
}

crate::inserts! {
    /// Stores an answer.
    pub STORE into idempotency_keys
        (bucket Int, key_hash Int, principal Text, key Text, request_hash Bytes, status Int, body Text, at Int) "";
}

crate::statements! {
    FORGET_BEFORE(Int) = "delete from idempotency_keys where bucket < $1";
}

impl Claim {
    /// Binds a key to the one who sent it.
    pub fn new(principal: String, sent: SentKey) -> Self {
        let digest = Sha256::new().chain_update(&principal).chain_update([0]).chain_update(&sent.key).finalize();
        let mut first = [0; 8];
        first.copy_from_slice(&digest[..8]);
        Self { principal, sent, hash: i64::from_be_bytes(first) }
    }

    /// The parameters of [`FIND`].
    pub fn lookup(&self, now: Timestamp) -> [Value<'_>; 5] {
        [
            now.utc_day().into(),
            (now.utc_day() - 1).into(),
            self.hash.into(),
            (&self.principal).into(),
            (&self.sent.key).into(),
        ]
    }

    /// The parameters of [`STORE`].
    pub fn row<'a>(&'a self, answer: &'a Stored, now: Timestamp) -> [Value<'a>; 8] {
        [
            now.utc_day().into(),
            self.hash.into(),
            (&self.principal).into(),
            (&self.sent.key).into(),
            (&self.sent.request_hash).into(),
            i64::from(answer.status).into(),
            (&answer.body).into(),
            now.into(),
        ]
    }

    /// The answer that was stored for this claim, or the refusal when the key named another request.
    pub fn replay(&self, row: &StoredRow) -> Result<Stored, Problem> {
        if row.request_hash != self.sent.request_hash {
            return Err(Problem::new(
                StatusCode::UNPROCESSABLE_ENTITY,
                "idempotency_key_reused",
                "This Idempotency-Key was already used for another request.",
            ));
        }
        Ok(Stored { status: u16::try_from(row.status).unwrap_or(200), body: row.body.clone(), replayed: true })
    }
}

/// Runs an action once for a claim; afterwards the first answer comes back. Without a claim it just runs.
pub fn once<T, E>(
    conn: &mut Conn<'_>,
    claim: Option<&Claim>,
    now: Timestamp,
    status: StatusCode,
    action: impl FnOnce(&mut Conn<'_>) -> Result<T, E>,
) -> Result<Stored, Problem>
where
    T: Serialize,
    Problem: From<E>,
{
    let Some(claim) = claim else { return Stored::fresh(status, &action(conn)?) };
    if let Some(row) = conn.load_many(&FIND, [claim.lookup(now)])?.first() {
        return claim.replay(row);
    }
    let answer = Stored::fresh(status, &action(conn)?)?;
    store(conn, claim, &answer, now)?;
    Ok(answer)
}

/// Stores an answer for a claim.
pub fn store(conn: &mut Conn<'_>, claim: &Claim, answer: &Stored, now: Timestamp) -> crate::db::Result<()> {
    conn.execute_many(&STORE, [claim.row(answer, now)]).map(|_| ())
}

/// Deletes keys that are no longer honoured.
pub fn forget_old(conn: &mut Conn<'_>, now: Timestamp) -> crate::db::Result<u64> {
    conn.execute(&FORGET_BEFORE, &[(now.utc_day() - 1).into()])
}
