//! The audit log: who changed what and when, in chains of hashes that show any later change.
//!
//! Each writer has a chain of its own. A sale enters it once for each batch of the desk, by a hash over
//! the batch's orders; every other change of money, stock, price or rights enters it row by row, in
//! the transaction of the change. Details name ids and amounts, not people: personal data can be
//! erased without breaking a chain. The caller's address stands beside the hash for the same reason.

use serde::Serialize;
use sha2::{Digest as _, Sha256};

use crate::clock::Timestamp;
use crate::db::{Conn, Result};

crate::row! {
    /// A row of the log.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub struct Entry {
        /// Its chain.
        pub chain: i64,
        /// Its place in the chain, from 1 without a gap.
        pub seq: i64,
        /// When.
        pub at: Timestamp,
        /// Who: `user:7`, `key:2`, `system`.
        pub actor: String,
        /// What: `product.update`.
        pub action: String,
        /// To what: `product:12`.
        pub subject: String,
        /// The rest, as JSON.
        pub detail: String,
        /// From where; not part of the hash.
        pub address: String,
        /// The hash of the row before.
        pub previous_hash: Vec<u8>,
        /// The hash of this row.
        pub hash: Vec<u8>,
    }
}

crate::statements! {
    HEAD(Int) -> (i64, Vec<u8>) =
        "select seq, hash from audit_log where chain = $1 order by seq desc limit 1";
    APPEND(Int, Int, Int, Text, Text, Text, Text, Text, Bytes, Bytes) =
        "insert into audit_log (chain, seq, at, actor, action, subject, detail, address, previous_hash, hash)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)";
    CHAINS() -> (i64,) = "select distinct chain from audit_log order by chain";
    READ_CHAIN(Int) -> Entry =
        "select chain, seq, at, actor, action, subject, detail, address, previous_hash, hash
         from audit_log where chain = $1 order by seq";
    LATEST(Int, Int, Int, Int, Text, Text) -> Entry =
        "select chain, seq, at, actor, action, subject, detail, address, previous_hash, hash
         from audit_log
         where (at < $1 or (at = $1 and (chain < $2 or (chain = $2 and seq < $3))))
           and substr(action, 1, length($5)) = $5 and substr(actor, 1, length($6)) = $6
         order by at desc, chain desc, seq desc limit $4";
    COUNT(Text, Text) -> (i64,) =
        "select count(*) from audit_log
         where substr(action, 1, length($1)) = $1 and substr(actor, 1, length($2)) = $2";
}

/// Where an entry stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// Its chain.
    pub chain: i64,
    /// Its place in the chain.
    pub seq: i64,
}

/// Who changes something, from where and when.
#[derive(Debug, Clone, Copy)]
pub struct By<'a> {
    /// Who: `user:7`, `key:2`, `system`.
    pub actor: &'a str,
    /// From where.
    pub from: &'a str,
    /// When.
    pub now: Timestamp,
}

impl<'a> By<'a> {
    /// The program itself, such as the command line on the machine.
    pub const fn system(now: Timestamp) -> By<'a> {
        By { actor: "system", from: "", now }
    }
}

/// Notes a change, with its details as JSON.
pub fn record(conn: &mut Conn<'_>, by: By<'_>, action: &str, subject: &str, detail: &impl Serialize) -> Result<Place> {
    let chain = conn.writer();
    let (last, previous) = conn.first(&HEAD, &[chain.into()])?.unwrap_or((0, vec![0; 32]));
    let seq = last + 1;
    let detail = serde_json::to_string(detail).unwrap_or_else(|_| "null".to_owned());
    let By { actor, from, now: at } = by;
    let hash = link(&previous, chain, seq, at, [actor, action, subject, &detail]);
    conn.execute(
        &APPEND,
        &[
            chain.into(),
            seq.into(),
            at.into(),
            actor.into(),
            action.into(),
            subject.into(),
            (&detail).into(),
            from.into(),
            previous.into(),
            (&hash).into(),
        ],
    )?;
    Ok(Place { chain, seq })
}

/// The hash of a row: over the hash before it and everything that must not change, each part with its length.
fn link(previous: &[u8], chain: i64, seq: i64, at: Timestamp, texts: [&str; 4]) -> [u8; 32] {
    let mut hash = Sha256::new();
    hash.update(previous);
    for number in [chain, seq, at.as_ms()] {
        hash.update(number.to_be_bytes());
    }
    for text in texts {
        hash.update((text.len() as u64).to_be_bytes());
        hash.update(text);
    }
    hash.finalize().into()
}

/// A break in a chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Break {
    /// Where.
    pub place: Place,
    /// What is wrong, for people.
    pub reason: &'static str,
}

/// Reads all chains and gives each row to a function after its hash was checked; returns the breaks.
pub fn verify(conn: &mut Conn<'_>, mut seen: impl FnMut(&Entry)) -> Result<Vec<Break>> {
    let mut breaks = Vec::new();
    for (chain,) in conn.all(&CHAINS, &[])? {
        let mut expected = 1;
        let mut previous = vec![0; 32];
        conn.each(&READ_CHAIN, &[chain.into()], |entry: Entry| {
            let place = Place { chain, seq: entry.seq };
            let hash = link(
                &entry.previous_hash,
                chain,
                entry.seq,
                entry.at,
                [&entry.actor, &entry.action, &entry.subject, &entry.detail],
            );
            if entry.seq != expected {
                breaks.push(Break { place, reason: "an entry before this one is missing" });
            } else if entry.previous_hash != previous {
                breaks.push(Break { place, reason: "the entry before this one was changed" });
            } else if entry.hash != hash {
                breaks.push(Break { place, reason: "this entry was changed" });
            }
            expected = entry.seq + 1;
            previous.clone_from(&entry.hash);
            seen(&entry);
            Ok::<(), crate::db::Error>(())
        })?;
    }
    Ok(breaks)
}

/// Where a reader of the log has come to.
#[derive(Debug, Clone, Copy)]
pub struct Cursor {
    /// The instant of the entry read last.
    pub at: i64,
    /// Its chain.
    pub chain: i64,
    /// Its place.
    pub seq: i64,
}

impl Cursor {
    /// Before the newest entry.
    pub const START: Self = Self { at: i64::MAX, chain: i64::MAX, seq: i64::MAX };

    /// Where somebody is who has read an entry.
    pub const fn after(entry: &Entry) -> Self {
        Self { at: entry.at.as_ms(), chain: entry.chain, seq: entry.seq }
    }

    /// Reads what [`Cursor`] writes.
    pub fn parse(text: &str) -> Option<Self> {
        let mut numbers = text.split('.').map(str::parse);
        let cursor = Self { at: numbers.next()?.ok()?, chain: numbers.next()?.ok()?, seq: numbers.next()?.ok()? };
        numbers.next().is_none().then_some(cursor)
    }
}

impl std::fmt::Display for Cursor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}.{}", self.at, self.chain, self.seq)
    }
}

/// The entries before a cursor whose action and actor begin with two texts, newest first, and how
/// many there are in all.
pub fn list(conn: &mut Conn<'_>, action: &str, actor: &str, before: Cursor, limit: i64) -> Result<(Vec<Entry>, i64)> {
    let Cursor { at, chain, seq } = before;
    let page = [at.into(), chain.into(), seq.into(), limit.into(), action.into(), actor.into()];
    let entries = conn.all(&LATEST, &page)?;
    let (total,) = conn.only(&COUNT, &page[4..])?;
    Ok((entries, total))
}
