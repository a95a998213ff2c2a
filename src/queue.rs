//! Background work, written in the transaction of what causes it and claimed by one server at a time.
//!
//! A claim is a lease: when its time is over and the work is not done, anybody may take it again. So
//! a piece of work may be done more than once, and never not at all.

use serde::Serialize;

use crate::clock::Timestamp;
use crate::db::{Conn, Result, Sequence};
use crate::ids::JobId;

/// How long a claim lasts.
pub const LEASE_MS: i64 = 5 * 60_000;
/// The first wait after a failure; it doubles with each further one.
const FIRST_WAIT_MS: i64 = 10_000;
/// The longest wait.
const LONGEST_WAIT_MS: i64 = 6 * 3_600_000;
/// How often a job is tried before it is given up: for about two days.
const MOST_ATTEMPTS: i64 = 18;

crate::row! {
    /// A piece of work.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub struct Job {
        /// Its id.
        pub id: JobId,
        /// What is to be done: `mail.password_reset`.
        pub kind: String,
        /// With what, as JSON.
        pub payload: String,
        /// How often it was claimed, this time included.
        pub attempts: i64,
    }
}

crate::statements! {
    INSERT(Int, Text, Text, Int, Int) =
        "insert into jobs (id, kind, payload, run_at, created_at) values ($1, $2, $3, $4, $5)";
    DUE(Text, Int) -> (JobId,) =
        "select id from jobs
         where done_at is null and failed_at is null and kind = $1 and run_at <= $2 and claimed_until_at <= $2
         order by run_at, id limit 8";
    CLAIM(Int, Int, Int) =
        "update jobs set claimed_until_at = $3, attempts = attempts + 1
         where id = $1 and claimed_until_at <= $2 and done_at is null and failed_at is null";
    FIND(Int) -> Job = "select id, kind, payload, attempts from jobs where id = $1";
    FINISH(Int, Int, Int) =
        "update jobs set done_at = $3, payload = '', last_error = ''
         where id = $1 and attempts = $2 and done_at is null and failed_at is null";
    RETRY(Int, Int, Int, Text) =
        "update jobs set run_at = $3, claimed_until_at = 0, last_error = $4
         where id = $1 and attempts = $2 and done_at is null and failed_at is null";
    GIVE_UP(Int, Int, Int, Text) =
        "update jobs set failed_at = $3, last_error = $4
         where id = $1 and attempts = $2 and done_at is null and failed_at is null";
    FORGET(Int) = "delete from jobs where done_at < $1";
}

/// Writes a job down, to be done at an instant or as soon as possible after it.
pub fn push(
    conn: &mut Conn<'_>,
    kind: &str,
    payload: &impl Serialize,
    run_at: Timestamp,
    now: Timestamp,
) -> Result<JobId> {
    let id = JobId::new(conn.next_id(Sequence::Jobs)?);
    let payload = serde_json::to_string(payload).unwrap_or_else(|_| "null".to_owned());
    conn.execute(&INSERT, &[id.into(), kind.into(), payload.into(), run_at.into(), now.into()])?;
    Ok(id)
}

/// Whether a job of a kind waits to be claimed.
pub fn is_due(conn: &mut Conn<'_>, kind: &str, now: Timestamp) -> Result<bool> {
    Ok(conn.first(&DUE, &[kind.into(), now.into()])?.is_some())
}

/// Claims the next job of a kind. Two servers may see the same one waiting; the guard in the update
/// gives it to the first of them and the other goes on to the next.
pub fn claim(conn: &mut Conn<'_>, kind: &str, now: Timestamp) -> Result<Option<Job>> {
    for (id,) in conn.all(&DUE, &[kind.into(), now.into()])? {
        if conn.execute(&CLAIM, &[id.into(), now.into(), now.plus_ms(LEASE_MS).into()])? == 1 {
            return conn.first(&FIND, &[id.into()]);
        }
    }
    Ok(None)
}

/// Notes that a job is done, and empties it of what it carried; false when the claim had run out and
/// somebody else has the job now.
pub fn finish(conn: &mut Conn<'_>, job: &Job, now: Timestamp) -> Result<bool> {
    Ok(conn.execute(&FINISH, &[job.id.into(), job.attempts.into(), now.into()])? == 1)
}

/// Puts a job back to be tried later, or gives it up when it was tried often enough.
pub fn retry(conn: &mut Conn<'_>, job: &Job, error: &str, now: Timestamp) -> Result<bool> {
    if job.attempts >= MOST_ATTEMPTS {
        return give_up(conn, job, error, now);
    }
    let at = now.plus_ms(wait_ms(job.attempts));
    Ok(conn.execute(&RETRY, &[job.id.into(), job.attempts.into(), at.into(), error.into()])? == 1)
}

/// Gives a job up; it stays, with its last error, for somebody to look at.
pub fn give_up(conn: &mut Conn<'_>, job: &Job, error: &str, now: Timestamp) -> Result<bool> {
    Ok(conn.execute(&GIVE_UP, &[job.id.into(), job.attempts.into(), now.into(), error.into()])? == 1)
}

/// Deletes jobs that were done a month ago.
pub fn forget_old(conn: &mut Conn<'_>, now: Timestamp) -> Result<u64> {
    conn.execute(&FORGET, &[now.plus_ms(-30 * 86_400_000).into()])
}

/// The wait after so many attempts.
fn wait_ms(attempts: i64) -> i64 {
    let doublings = u32::try_from(attempts - 1).unwrap_or(0).min(20);
    (FIRST_WAIT_MS << doublings).min(LONGEST_WAIT_MS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wait_doubles_from_ten_seconds_to_six_hours() {
        let waits: Vec<i64> = [1, 2, 3, 12, 13, 18, 1000].map(|attempts| wait_ms(attempts) / 1000).to_vec();
        assert_eq!(waits, [10, 20, 40, 20_480, 21_600, 21_600, 21_600]);
    }
}
