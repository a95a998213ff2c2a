//! Routes for accounts, sessions, one-time codes, people, API keys and the audit log.

mod account;
mod audit;
mod keys;
mod pins;
mod sessions;
mod totp;
mod users;

use axum::http::{HeaderMap, StatusCode, header};

pub use account::{Attempt, log_in};

use super::access::Caller;
use super::actions::{self, Origin};
use super::model::{StaffError, User};
use super::password::{Hasher, TooBusy, Verdict};
use super::queries;
use crate::web::porch::Address;
use crate::web::{self, Problem, Routes, Site};

/// The routes of accounts.
pub fn routes() -> Routes {
    account::routes()
        .merge(sessions::routes())
        .merge(totp::routes())
        .merge(pins::routes())
        .merge(users::routes())
        .merge(keys::routes())
        .merge(audit::routes())
}

/// Where a request comes from.
pub fn origin(address: Address, headers: &HeaderMap) -> Origin {
    let agent = headers.get(header::USER_AGENT).and_then(|agent| agent.to_str().ok()).unwrap_or_default();
    Origin { address: address.text(), agent: agent.to_owned() }
}

/// The caller's own account; an API key has none.
async fn own_account(site: &Site, caller: &Caller) -> web::Result<User> {
    let id = caller.user().ok_or_else(|| Problem::forbidden("An API key has no account of its own."))?;
    let user = site.db.read(move |conn| Ok::<_, Problem>(queries::find_user(conn, id)?)).await?;
    Ok(user.ok_or(StaffError::NoUser)?)
}

/// Asks for the password once more; a wrong one counts as a failed log-in.
async fn confirm_password(
    site: &Site,
    hasher: &Hasher,
    user: User,
    password: String,
    field: &'static str,
    from: Origin,
) -> web::Result<()> {
    let (now, login, origin) = (site.clock.now(), user.login().to_owned(), from.clone());
    site.db.read(move |conn| actions::find_candidates(conn, &login, &origin, now)).await?;
    if hasher.verify(password, user.password_hash.clone()).await? != Verdict::Wrong {
        return Ok(());
    }
    site.db.write(move |conn| actions::fail_login(conn, user.login(), &from, now)).await?;
    Err(Problem::field(field, "wrong", "The current password is not right."))
}

impl From<TooBusy> for Problem {
    fn from(_: TooBusy) -> Self {
        Self::busy()
    }
}

impl From<StaffError> for Problem {
    fn from(error: StaffError) -> Self {
        let sentence = error.to_string();
        match error {
            StaffError::EmailTaken => Self::field("email", "user_exists", sentence),
            StaffError::UsernameTaken(_) => Self::field("username", "user_exists", sentence),
            StaffError::NoLogin => Self::field("email", "missing", sentence),
            StaffError::WeakPassword(_) => Self::field("password", "weak_password", sentence),
            StaffError::WrongCredentials => Self::new(StatusCode::UNAUTHORIZED, "invalid_credentials", sentence),
            StaffError::CodeNeeded => Self::new(StatusCode::UNAUTHORIZED, "code_needed", sentence),
            StaffError::Throttled(seconds) => {
                let mut problem = Self::too_many(seconds.unsigned_abs());
                problem.sentence = sentence;
                problem
            }
            StaffError::Pending => Self::new(StatusCode::FORBIDDEN, "account_pending", sentence),
            StaffError::Disabled => Self::new(StatusCode::FORBIDDEN, "account_disabled", sentence),
            StaffError::WrongPin => Self::new(StatusCode::UNAUTHORIZED, "wrong_pin", sentence),
            StaffError::NoApproval => Self::new(StatusCode::FORBIDDEN, "no_approval", sentence),
            StaffError::WrongCode => Self::new(StatusCode::UNAUTHORIZED, "wrong_code", sentence),
            StaffError::SetUpElsewhere | StaffError::OwnersOnly | StaffError::NotYours | StaffError::OwnRole => {
                Self::forbidden(sentence)
            }
            StaffError::NoUser | StaffError::NoKey => Self::not_found(sentence),
            StaffError::NoStore(_) => Self::field("storeId", "unknown", sentence),
            StaffError::KindStays => Self::field("role", "invalid", sentence),
            StaffError::TotpOn => Self::conflict("totp_on", sentence),
            StaffError::TotpNotStarted => Self::conflict("totp_not_started", sentence),
            StaffError::NotPending => Self::conflict("not_pending", sentence),
            StaffError::LastOwner => Self::conflict("last_owner", sentence),
            StaffError::DeadLink => Self::bad_request("dead_link", sentence),
            StaffError::Stale => web::extract::stale(),
            StaffError::Db(error) => error.into(),
        }
    }
}
