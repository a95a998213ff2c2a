//! What can go wrong below the shop.

use rusqlite::ErrorCode;
use tokio_postgres::error::SqlState;

use super::violation;

/// The result of a statement.
pub type Result<T> = std::result::Result<T, Error>;

/// A failure of the database, sorted by what the caller can do about it.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Too much is waiting; trying again shortly helps.
    #[error("the database is busy")]
    Busy,
    /// The engine asked for the whole transaction to be tried again, or the connection broke before its commit.
    #[error("the transaction must be tried again: {0}")]
    Again(String),
    /// A named rule of the schema was broken.
    #[error("a rule of the schema was broken: {0}")]
    Violation(String),
    /// No room is left to write.
    #[error("no space is left for the database")]
    Full,
    /// The storage failed. Nothing is acknowledged any more and the process ends.
    #[error("the storage failed: {0}")]
    Storage(String),
    /// The commit was sent and its answer was lost: it may or may not have happened.
    #[error("it is not known whether the change was stored: {0}")]
    Unknown(String),
    /// Rust and SQL disagree.
    #[error("a row has an unexpected shape: {0}")]
    Shape(&'static str),
    /// Any other complaint of the engine.
    #[error("the database refused a statement: {0}")]
    Engine(String),
}

impl Error {
    /// Rust and SQL disagree.
    pub const fn shape(what: &'static str) -> Self {
        Self::Shape(what)
    }

    /// Names the broken rule, when it is one.
    pub fn violated(&self) -> Option<&str> {
        if let Self::Violation(name) = self { Some(name) } else { None }
    }

    /// After this nothing may be acknowledged any more.
    pub(super) const fn is_fatal(&self) -> bool {
        matches!(self, Self::Storage(_))
    }
}

impl From<rusqlite::Error> for Error {
    fn from(error: rusqlite::Error) -> Self {
        let rusqlite::Error::SqliteFailure(code, message) = &error else {
            return Self::Engine(error.to_string());
        };
        let message = message.clone().unwrap_or_else(|| error.to_string());
        match code.code {
            ErrorCode::ConstraintViolation => Self::Violation(violation::from_sqlite(&message).unwrap_or(message)),
            ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked => Self::Again(message),
            ErrorCode::DiskFull => Self::Full,
            ErrorCode::SystemIoFailure | ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase => Self::Storage(message),
            _ => Self::Engine(message),
        }
    }
}

impl From<postgres::Error> for Error {
    fn from(error: postgres::Error) -> Self {
        let Some(reported) = error.as_db_error() else {
            return if error.is_closed()
                || std::error::Error::source(&error)
                    .is_some_and(<dyn std::error::Error + 'static>::is::<std::io::Error>)
            {
                Self::Again(full_text(&error))
            } else {
                Self::Engine(full_text(&error))
            };
        };
        let code = reported.code();
        if *code == SqlState::T_R_SERIALIZATION_FAILURE || *code == SqlState::T_R_DEADLOCK_DETECTED {
            Self::Again(reported.message().to_owned())
        } else if let Some(name) = reported.constraint() {
            Self::Violation(name.to_owned())
        } else if *code == SqlState::DISK_FULL {
            Self::Full
        } else if matches!(*code, SqlState::DATA_CORRUPTED | SqlState::INDEX_CORRUPTED | SqlState::IO_ERROR) {
            Self::Storage(reported.message().to_owned())
        } else if *code == SqlState::ADMIN_SHUTDOWN
            || *code == SqlState::CRASH_SHUTDOWN
            || *code == SqlState::CANNOT_CONNECT_NOW
        {
            Self::Again(reported.message().to_owned())
        } else {
            Self::Engine(reported.message().to_owned())
        }
    }
}

fn full_text(error: &postgres::Error) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(inner) = cause {
        text = format!("{text}: {inner}");
        cause = inner.source();
    }
    text
}
