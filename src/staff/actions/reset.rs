//! Forgotten passwords: a secret that works once, mailed or handed over.

use serde::Serialize;
use serde_json::json;

use super::{Result, account_subject, revoke_sessions};
use crate::audit::{self, By};
use crate::clock::Timestamp;
use crate::db::Conn;
use crate::ids::{Entropy, UserId};
use crate::queue;
use crate::staff::access::hash_hex;
use crate::staff::model::{StaffError, Status, User};
use crate::staff::queries;
use crate::staff::rules::{blocked_until, login_key};

/// The kind of the job that mails a reset link.
pub const RESET_MAIL: &str = "mail.password_reset";
/// How long a mailed link works.
const MAILED_LIFE_MS: i64 = 3_600_000;
/// How long a link works that somebody hands over.
pub const HANDED_LIFE_MS: i64 = 24 * 3_600_000;

/// What the mail needs; the address is looked up when it is sent.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ResetMail<'a> {
    user_id: UserId,
    token: &'a str,
    expires_at: Timestamp,
}

/// Mails a link to whoever has the account, if there is one. It writes in either case, so that the
/// time it takes tells nobody whether there is.
pub fn ask_reset(conn: &mut Conn<'_>, login: &str, entropy: &Entropy, from: &str, now: Timestamp) -> Result<()> {
    let subject = format!("reset:{}", login_key(login));
    let before = queries::find_throttle(conn, &subject)?;
    let asked = before.map_or(0, |(asked, _)| asked) + 1;
    if before.is_some_and(|(_, until)| until > now) {
        return Ok(());
    }
    queries::set_throttle(conn, &subject, asked, now, blocked_until(asked, now))?;
    for user in queries::find_by_login(conn, login)? {
        if user.status == Status::Disabled || user.email.is_none() {
            continue;
        }
        let by = By { actor: "system", from, now };
        let (token, expires_at) = make_reset(conn, user.id, MAILED_LIFE_MS, entropy, by)?;
        queue::push(conn, RESET_MAIL, &ResetMail { user_id: user.id, token: &token, expires_at }, now, now)?;
    }
    Ok(())
}

/// Makes a secret that sets a new password once, and until when it does.
pub fn make_reset(
    conn: &mut Conn<'_>,
    user: UserId,
    life_ms: i64,
    entropy: &Entropy,
    by: By<'_>,
) -> Result<(String, Timestamp)> {
    let token = entropy.token::<32>();
    let expires_at = by.now.plus_ms(life_ms);
    conn.execute(&queries::INSERT_RESET, &[hash_hex(&token).into(), user.into(), expires_at.into()])?;
    audit::record(conn, by, "user.reset_link", &format!("user:{user}"), &json!({ "expiresAt": expires_at }))?;
    Ok((token, expires_at))
}

/// The account that a secret sets the password of.
pub fn find_reset(conn: &mut Conn<'_>, token: &str, now: Timestamp) -> Result<User> {
    let found = conn.first(&queries::FIND_RESET, &[hash_hex(token).into(), now.into()])?;
    let (user,) = found.ok_or(StaffError::DeadLink)?;
    let user = queries::find_user(conn, user)?.ok_or(StaffError::DeadLink)?;
    if user.status == Status::Disabled { Err(StaffError::DeadLink) } else { Ok(user) }
}

/// Sets the new password, uses up all of the account's links and ends all of its sessions.
pub fn use_reset(conn: &mut Conn<'_>, token: &str, hash: &str, from: &str, now: Timestamp) -> Result<()> {
    let user = find_reset(conn, token, now)?;
    if conn.execute(&queries::USE_RESET, &[hash_hex(token).into(), now.into()])? == 0 {
        return Err(StaffError::DeadLink);
    }
    conn.execute(&queries::DROP_RESETS, &[user.id.into(), now.into()])?;
    conn.execute(&queries::SET_PASSWORD, &[user.id.into(), hash.into(), now.into()])?;
    revoke_sessions(conn, user.id, "", now)?;
    for login in [user.username.as_deref(), user.email.as_deref()].into_iter().flatten() {
        queries::clear_throttle(conn, &account_subject(login))?;
    }
    let who = format!("user:{}", user.id);
    audit::record(conn, By { actor: &who, from, now }, "user.password", &who, &json!({ "byLink": true }))?;
    Ok(())
}
