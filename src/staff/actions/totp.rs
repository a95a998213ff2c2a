//! One-time codes: enrol, confirm, ask, turn off.

use serde_json::json;

use super::Result;
use crate::audit::{self, By};
use crate::clock::Timestamp;
use crate::db::Conn;
use crate::ids::UserId;
use crate::staff::model::{StaffError, User};
use crate::staff::queries;
use crate::staff::totp::Secret;

/// Keeps a new secret until its first code is right; nothing is asked for until then.
pub fn start_totp(conn: &mut Conn<'_>, user: UserId, secret: &Secret, now: Timestamp) -> Result<User> {
    let user = queries::find_user(conn, user)?.ok_or(StaffError::NoUser)?;
    if user.has_totp() {
        return Err(StaffError::TotpOn);
    }
    conn.execute(&queries::SET_TOTP, &[user.id.into(), secret.stored_pending().into(), now.into()])?;
    Ok(user)
}

/// Turns one-time codes on once the first code is right.
pub fn confirm_totp(conn: &mut Conn<'_>, user: UserId, code: &str, by: By<'_>) -> Result<()> {
    let user = queries::find_user(conn, user)?.ok_or(StaffError::NoUser)?;
    let secret = Secret::pending(user.totp_secret.as_deref()).ok_or(StaffError::TotpNotStarted)?;
    let step = secret.check(code, by.now).ok_or(StaffError::WrongCode)?;
    conn.execute(&queries::SET_TOTP, &[user.id.into(), secret.stored().into(), by.now.into()])?;
    conn.execute(&queries::USE_STEP, &[user.id.into(), step.into()])?;
    audit::record(conn, by, "user.totp", &format!("user:{}", user.id), &json!({ "on": true }))?;
    Ok(())
}

/// Turns one-time codes off; the caller has checked the password.
pub fn drop_totp(conn: &mut Conn<'_>, user: UserId, by: By<'_>) -> Result<()> {
    conn.execute(&queries::SET_TOTP, &[user.into(), None::<&str>.into(), by.now.into()])?;
    audit::record(conn, by, "user.totp", &format!("user:{user}"), &json!({ "on": false }))?;
    Ok(())
}

/// Asks for a one-time code when the account has an authenticator; each code works once.
pub fn check_code(conn: &mut Conn<'_>, user: UserId, code: Option<&str>, now: Timestamp) -> Result<()> {
    let user = queries::find_user(conn, user)?.ok_or(StaffError::NoUser)?;
    let Some(secret) = Secret::active(user.totp_secret.as_deref()) else { return Ok(()) };
    let code = code.filter(|code| !code.trim().is_empty()).ok_or(StaffError::CodeNeeded)?;
    let step = secret.check(code, now).ok_or(StaffError::WrongCode)?;
    // The step only rises, so of two log-ins with one code the second changes no row.
    if conn.execute(&queries::USE_STEP, &[user.id.into(), step.into()])? == 0 {
        return Err(StaffError::WrongCode);
    }
    Ok(())
}
