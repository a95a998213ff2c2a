//! Where a database is.

use std::fmt;
use std::path::PathBuf;

/// A file for SQLite, or the address of a PostgreSQL server.
#[derive(Clone, PartialEq, Eq)]
pub enum Location {
    /// An SQLite file.
    File(PathBuf),
    /// `postgres://user:password@host/database`.
    Server(String),
}

impl Location {
    /// Reads what a user writes: an address that begins with `postgres://`, else a file.
    pub fn parse(text: &str) -> Self {
        if text.starts_with("postgres://") || text.starts_with("postgresql://") {
            Self::Server(text.to_owned())
        } else {
            Self::File(PathBuf::from(text.strip_prefix("sqlite:").unwrap_or(text)))
        }
    }
}

/// Never shows a password.
impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => write!(f, "{}", path.display()),
            Self::Server(url) => {
                match url.split_once("://").and_then(|(scheme, rest)| Some((scheme, rest.rsplit_once('@')?))) {
                    Some((scheme, (who, place))) => {
                        write!(f, "{scheme}://{}@{place}", who.split(':').next().unwrap_or_default())
                    }
                    None => f.write_str(url),
                }
            }
        }
    }
}

impl fmt::Debug for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_in_an_address_is_never_shown() {
        let location = Location::parse("postgres://kirana:hush@db.example/shop");
        assert_eq!(
            format!("{location} {location:?}"),
            "postgres://kirana@db.example/shop postgres://kirana@db.example/shop"
        );
        assert_eq!(Location::parse("shop.sqlite"), Location::File("shop.sqlite".into()));
    }
}
