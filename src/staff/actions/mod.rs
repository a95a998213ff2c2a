//! What is done with accounts: sign up, log in, log out, change the password.

mod keys;
mod moved;
mod people;
mod pins;
mod reset;
mod totp;

use serde_json::json;

pub use keys::{NewKey, list_keys, make_key, revoke_key};
pub use moved::{Arrival, Newcomer, take_back, take_over};
pub use people::{
    Filter, Removal, anonymise, approve, check_reach, check_store, edit, list, load, remove, set_enabled, set_status,
};
pub use pins::{
    APPROVAL_LIFE_MS, approve as give_approval, drop_pin, fail_pin, find_approvals, find_pin, list_approvers, set_pin,
    take_approval, use_approval,
};
pub use reset::{HANDED_LIFE_MS, RESET_MAIL, ask_reset, find_reset, make_reset, use_reset};
pub use totp::{check_code, confirm_totp, drop_totp, start_totp};

use super::access::{Caller, hash_hex};
use super::model::{Kind, NewUser, Role, StaffError, Status, User};
use super::queries;
use super::rules::{blocked_until, login_key};
use super::token::{LIFE_MS, TokenKey};
use crate::audit::{self, By};
use crate::clock::Timestamp;
use crate::db::{Conn, TOPIC_ACCESS};
use crate::ids::{Entropy, UserId};
use crate::shop;

/// How long a page's session lasts.
pub const COOKIE_LIFE_MS: i64 = 7 * 24 * 3_600_000;

type Result<T> = std::result::Result<T, StaffError>;

/// Where a log-in comes from.
#[derive(Debug, Clone, Default)]
pub struct Origin {
    /// The address.
    pub address: String,
    /// The program, as it names itself.
    pub agent: String,
}

/// Anybody has an account, so the shop is not new.
pub fn has_accounts(conn: &mut Conn<'_>) -> Result<bool> {
    Ok(queries::has_accounts(conn)?)
}

/// The shop has an owner.
pub fn has_owner(conn: &mut Conn<'_>) -> Result<bool> {
    Ok(queries::count_owners(conn)? > 0)
}

/// Opens an account.
pub fn open_account(conn: &mut Conn<'_>, new: &NewUser, role: Role, status: Status, by: By<'_>) -> Result<UserId> {
    if new.email.is_none() && new.username.is_none() {
        return Err(StaffError::NoLogin);
    }
    if let Some(email) = &new.email
        && !queries::find_by_login(conn, email)?.is_empty()
    {
        return Err(StaffError::EmailTaken);
    }
    let id = queries::insert_user(conn, new, role, status, by.now).map_err(|error| match error.violated() {
        Some("users_email_unique") => StaffError::EmailTaken,
        Some("users_username_unique") => StaffError::UsernameTaken(new.username.clone().unwrap_or_default()),
        _ => StaffError::Db(error),
    })?;
    audit::record(conn, by, "user.create", &format!("user:{id}"), &json!({ "role": role, "status": status }))?;
    Ok(id)
}

/// Signs somebody up who calls themselves a shopkeeper. The first becomes the owner, and only on the
/// machine itself; a later one waits for the owner's approval.
pub fn sign_up_shopkeeper(
    conn: &mut Conn<'_>,
    new: &NewUser,
    on_this_machine: bool,
    from: &str,
    now: Timestamp,
) -> Result<(UserId, Role)> {
    let by = By { actor: "system", from, now };
    // Two who come first at once must not both find the shop without an owner.
    shop::lock(conn)?;
    if queries::count_owners(conn)? == 0 {
        if !on_this_machine {
            return Err(StaffError::SetUpElsewhere);
        }
        let id = open_account(conn, new, Role::Owner, Status::Active, by)?;
        return Ok((id, Role::Owner));
    }
    let id = open_account(conn, new, Role::Manager, Status::Pending, by)?;
    Ok((id, Role::Manager))
}

/// What is known before a password is checked.
pub struct Candidates {
    /// The accounts that the log-in may mean.
    pub users: Vec<User>,
}

/// Looks a log-in up, unless it is throttled.
pub fn find_candidates(conn: &mut Conn<'_>, login: &str, from: &Origin, now: Timestamp) -> Result<Candidates> {
    check_throttle(conn, login, from, now)?;
    Ok(Candidates { users: queries::find_by_login(conn, login)? })
}

/// Refuses a log-in after too many failures. Asked before a password is looked at, and again before
/// the answer: meanwhile others may have guessed.
pub fn check_throttle(conn: &mut Conn<'_>, login: &str, from: &Origin, now: Timestamp) -> Result<()> {
    for subject in [account_subject(login), address_subject(from)] {
        if let Some((_, until)) = queries::find_throttle(conn, &subject)? {
            refuse_until(until, now)?;
        }
    }
    Ok(())
}

fn refuse_until(until: Timestamp, now: Timestamp) -> Result<()> {
    if until > now { Err(StaffError::Throttled((until.as_ms() - now.as_ms()) / 1000 + 1)) } else { Ok(()) }
}

/// Notes a failed log-in.
pub fn fail_login(conn: &mut Conn<'_>, login: &str, from: &Origin, now: Timestamp) -> Result<()> {
    // An address serves many people (a whole shop behind one router): it gets more tries than an account.
    for (subject, share) in [(account_subject(login), 1), (address_subject(from), 10)] {
        let (failures, until) = queries::count_failure(conn, &subject, now)?;
        // Of many guesses at once, those beyond the free ones learn nothing.
        refuse_until(until, now)?;
        queries::set_throttle(conn, &subject, failures, now, blocked_until(failures / share, now))?;
    }
    Ok(())
}

/// Refuses an account that may not be used, after its password was right.
pub fn check_status(user: &User) -> Result<()> {
    match user.status {
        Status::Active => Ok(()),
        Status::Pending => Err(StaffError::Pending),
        Status::Disabled => Err(StaffError::Disabled),
    }
}

/// How a session is carried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Carrier {
    /// A bearer token.
    Token,
    /// A cookie.
    Cookie,
}

/// Opens a session after a log-in or sign-up; returns the token, or the cookie's secret.
pub fn open_session(
    conn: &mut Conn<'_>,
    user: UserId,
    carrier: Carrier,
    key: &TokenKey,
    entropy: &Entropy,
    from: &Origin,
    now: Timestamp,
) -> Result<String> {
    let user = queries::find_user(conn, user)?.ok_or(StaffError::NoUser)?;
    let (id, shown, kind, life) = match carrier {
        Carrier::Token => {
            let id = entropy.token::<16>();
            let token = key.sign(&user, &id, now);
            (id, token, "token", LIFE_MS)
        }
        Carrier::Cookie => {
            let secret = entropy.token::<32>();
            (hash_hex(&secret), secret, "cookie", COOKIE_LIFE_MS)
        }
    };
    conn.execute(
        &queries::INSERT_SESSION,
        &[
            id.into(),
            user.id.into(),
            kind.into(),
            now.into(),
            now.plus_ms(life).into(),
            (&from.address).into(),
            from.agent.chars().take(200).collect::<String>().into(),
        ],
    )?;
    conn.execute(&queries::NOTE_LOGIN, &[user.id.into(), now.into()])?;
    queries::clear_throttle(conn, &account_subject(user.login()))?;
    if let Some(email) = &user.email {
        queries::clear_throttle(conn, &account_subject(email))?;
    }
    let who = format!("user:{}", user.id);
    let by = By { actor: &who, from: &from.address, now };
    audit::record(conn, by, "session.open", &who, &json!({ "carrier": kind }))?;
    Ok(shown)
}

/// Ends the caller's session at once.
pub fn log_out(conn: &mut Conn<'_>, caller: &Caller, now: Timestamp) -> Result<()> {
    let Some(user) = caller.user() else { return Ok(()) };
    revoke_session(conn, user, &caller.session, now).map(|_| ())
}

/// Ends one of a user's sessions at once; false when there is no such session.
pub fn revoke_session(conn: &mut Conn<'_>, user: UserId, session: &str, now: Timestamp) -> Result<bool> {
    let ended = conn.execute(&queries::REVOKE_SESSION, &[session.into(), user.into(), now.into()])? > 0;
    conn.announce(TOPIC_ACCESS, user.to_string());
    Ok(ended)
}

/// Ends all of a user's sessions but one at once.
pub fn revoke_sessions(conn: &mut Conn<'_>, user: UserId, keep: &str, now: Timestamp) -> Result<u64> {
    let ended = conn.execute(&queries::REVOKE_SESSIONS, &[user.into(), keep.into(), now.into()])?;
    conn.announce(TOPIC_ACCESS, user.to_string());
    Ok(ended)
}

/// Sets a new password and ends every other session.
pub fn set_password(
    conn: &mut Conn<'_>,
    user: UserId,
    hash: &str,
    by: &Caller,
    from: &str,
    now: Timestamp,
) -> Result<()> {
    if conn.execute(&queries::SET_PASSWORD, &[user.into(), hash.into(), now.into()])? == 0 {
        return Err(StaffError::NoUser);
    }
    revoke_sessions(conn, user, &by.session, now)?;
    let by = By { actor: &by.actor(), from, now };
    audit::record(conn, by, "user.password", &format!("user:{user}"), &json!({}))?;
    Ok(())
}

/// Makes a password's hash anew with today's parameters; nobody is logged out.
pub fn rehash(conn: &mut Conn<'_>, user: UserId, hash: &str, now: Timestamp) -> Result<()> {
    conn.execute(&queries::SET_PASSWORD, &[user.into(), hash.into(), now.into()])?;
    Ok(())
}

/// Deletes sessions and reset links that ended long ago and failures that nobody remembers.
pub fn forget_old(conn: &mut Conn<'_>, now: Timestamp) -> crate::db::Result<()> {
    const DAY_MS: i64 = 86_400_000;
    conn.execute(&queries::FORGET_SESSIONS, &[now.plus_ms(-30 * DAY_MS).into()])?;
    conn.execute(&queries::FORGET_RESETS, &[now.plus_ms(-DAY_MS).into()])?;
    conn.execute(&queries::FORGET_APPROVALS, &[now.plus_ms(-DAY_MS).into()])?;
    conn.execute(&queries::FORGET_THROTTLES, &[now.plus_ms(-DAY_MS).into()])?;
    Ok(())
}

/// Puts those whose password is to be tried in order: an account of staff before one of a customer.
pub fn in_order(mut users: Vec<User>) -> Vec<User> {
    users.sort_by_key(|user| (user.kind != Kind::Staff, user.id));
    users
}

fn account_subject(login: &str) -> String {
    format!("account:{}", login_key(login))
}

fn address_subject(from: &Origin) -> String {
    format!("address:{}", from.address)
}

/// The accounts that a log-in may mean.
pub fn find_accounts(conn: &mut Conn<'_>, login: &str) -> Result<Vec<User>> {
    Ok(queries::find_by_login(conn, login)?)
}
