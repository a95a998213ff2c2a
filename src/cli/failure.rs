//! How a command ends when it fails: a sentence for people, a number for scripts.

use crate::catalog::CatalogError;
use crate::catalog::import::ImportError;
use crate::config::ConfigError;
use crate::db::{self, OpenError};
use crate::orders::OrderError;
use crate::staff::StaffError;

/// Something is wrong, and none of the numbers below says what.
pub const FAILED: u8 = 1;
/// What was brought in is not in order.
pub const BAD_INPUT: u8 = 65;
/// What was to be read is not there.
pub const NO_INPUT: u8 = 66;
/// A program or place that is needed cannot be had: the database, an address.
pub const UNAVAILABLE: u8 = 69;
/// A file cannot be made.
pub const CANNOT_CREATE: u8 = 73;
/// Reading or writing failed.
pub const IO: u8 = 74;
/// Trying again later helps.
pub const TRY_AGAIN: u8 = 75;
/// The settings, or a database of another version.
pub const BAD_CONFIG: u8 = 78;

/// Why a command failed. The numbers are those of `sysexits.h`.
#[derive(Debug)]
pub struct Failure {
    /// The exit code.
    pub code: u8,
    /// The sentence.
    pub sentence: String,
}

/// How a command ends.
pub type Outcome = Result<(), Failure>;

impl Failure {
    /// A failure with its number.
    pub fn new(code: u8, sentence: impl Into<String>) -> Self {
        Self { code, sentence: sentence.into() }
    }

    /// A file that cannot be read or written.
    pub fn file(path: &std::path::Path, cause: &std::io::Error) -> Self {
        Self::new(IO, format!("{}: {cause}", path.display()))
    }
}

impl From<OpenError> for Failure {
    fn from(error: OpenError) -> Self {
        let code = match &error {
            OpenError::InUse(_) | OpenError::Unreachable { .. } => UNAVAILABLE,
            OpenError::File { .. } | OpenError::Taken(_) => CANNOT_CREATE,
            OpenError::NotABackup { .. } => BAD_INPUT,
            OpenError::Schema(db::migrate::SchemaError::Engine(error)) | OpenError::Engine(error) => code_of(error),
            OpenError::TooOld { .. } | OpenError::Schema(_) => BAD_CONFIG,
        };
        Self::new(code, error.to_string())
    }
}

impl From<db::Error> for Failure {
    fn from(error: db::Error) -> Self {
        Self::new(code_of(&error), error.to_string())
    }
}

fn code_of(error: &db::Error) -> u8 {
    match error {
        db::Error::Busy | db::Error::Unknown(_) => TRY_AGAIN,
        db::Error::Again(_) => UNAVAILABLE,
        db::Error::Full | db::Error::Storage(_) => IO,
        db::Error::Violation(_) | db::Error::Shape(_) | db::Error::Engine(_) => FAILED,
    }
}

impl From<ConfigError> for Failure {
    fn from(error: ConfigError) -> Self {
        Self::new(BAD_CONFIG, error.to_string())
    }
}

impl From<CatalogError> for Failure {
    fn from(error: CatalogError) -> Self {
        match error {
            CatalogError::Db(error) => error.into(),
            refusal => Self::new(FAILED, refusal.to_string()),
        }
    }
}

impl From<ImportError> for Failure {
    fn from(error: ImportError) -> Self {
        match error {
            ImportError::Catalog(error) => error.into(),
            refusal => Self::new(BAD_INPUT, refusal.to_string()),
        }
    }
}

impl From<OrderError> for Failure {
    fn from(error: OrderError) -> Self {
        match error {
            OrderError::Db(error) => error.into(),
            refusal => Self::new(FAILED, refusal.to_string()),
        }
    }
}

impl From<StaffError> for Failure {
    fn from(error: StaffError) -> Self {
        match error {
            StaffError::Db(error) => error.into(),
            refusal => Self::new(FAILED, refusal.to_string()),
        }
    }
}
