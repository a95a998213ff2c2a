//! Decisions about accounts: names, passwords, throttling.

use unicode_normalization::UnicodeNormalization as _;

use super::model::{Role, StaffError};
use crate::clock::Timestamp;

/// Passwords that everybody tries first.
const COMMON: &[&str] = &[
    "123456",
    "1234567",
    "12345678",
    "123456789",
    "1234567890",
    "111111",
    "000000",
    "123123",
    "654321",
    "666666",
    "password",
    "passw0rd",
    "password1",
    "password123",
    "qwerty",
    "qwerty123",
    "abc123",
    "abcdef",
    "iloveyou",
    "letmein",
    "welcome",
    "admin",
    "admin123",
    "shopkeeper",
    "kirana",
    "kirana123",
    "india123",
    "secret",
];

/// Failures that cost nothing.
const FREE_FAILURES: i64 = 5;
/// The longest wait between tries.
const LONGEST_WAIT_MS: i64 = 15 * 60 * 1000;

/// The form of a user name or e-mail address by which two are the same.
pub fn login_key(login: &str) -> String {
    login.trim().nfkc().collect::<String>().to_lowercase()
}

/// Whether a password may be used: 6 to 256 characters, not one of the first that are tried, not the
/// log-in itself. What it is made of is nobody's business.
pub fn check_password(password: &str, login: &str) -> Result<(), StaffError> {
    let length = password.chars().count();
    if length < 6 {
        return Err(StaffError::WeakPassword("A password has at least 6 characters."));
    }
    if length > 256 {
        return Err(StaffError::WeakPassword("A password has at most 256 characters."));
    }
    if COMMON.contains(&password.to_lowercase().as_str()) {
        return Err(StaffError::WeakPassword("This password is one of the first that anybody would try."));
    }
    if login_key(password) == login_key(login) {
        return Err(StaffError::WeakPassword("The password must not be the log-in itself."));
    }
    Ok(())
}

/// Whether a text can be an e-mail address: something, an at sign, a dotted name.
pub fn is_email(text: &str) -> bool {
    let Some((local, domain)) = text.rsplit_once('@') else { return false };
    let clean = |part: &str| !part.is_empty() && !part.chars().any(|c| c.is_whitespace() || c.is_control());
    clean(local)
        && clean(domain)
        && text.len() <= 254
        && domain.contains('.')
        && domain.split('.').all(|label| !label.is_empty())
}

/// Whether a text can be a telephone number: 7 to 15 digits (ITU-T E.164), perhaps with a plus before them.
pub fn is_phone(text: &str) -> bool {
    let digits = text.strip_prefix('+').unwrap_or(text);
    (7..=15).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit())
}

/// Whether a text can be a user name: it is never taken for an e-mail address.
pub fn is_username(text: &str) -> bool {
    (1..=150).contains(&text.chars().count()) && !text.chars().any(|c| c == '@' || c.is_control())
}

/// Whether pages can be shown in a language.
pub fn is_language(text: &str) -> bool {
    matches!(text, "en" | "hi")
}

/// Until when nobody may try again after so many failures in a row, the last one now.
pub fn blocked_until(failures: i64, now: Timestamp) -> Timestamp {
    if failures < FREE_FAILURES {
        return now;
    }
    let doublings = u32::try_from(failures - FREE_FAILURES).unwrap_or(u32::MAX).min(20);
    now.plus_ms((1000 << doublings).min(LONGEST_WAIT_MS))
}

/// A PIN that may not be used.
#[derive(Debug, thiserror::Error)]
#[error("A PIN has four to six digits, not all the same and not in a row.")]
pub struct BadPin;

/// Whether a PIN may be used: 4 to 6 digits, and none that anybody would try first.
pub fn check_pin(pin: &str) -> Result<(), BadPin> {
    let digits = pin.as_bytes();
    let right = (4..=6).contains(&digits.len()) && digits.iter().all(u8::is_ascii_digit);
    let steps = |by: i16| digits.windows(2).all(|pair| i16::from(pair[1]) - i16::from(pair[0]) == by);
    if right && !steps(0) && !steps(1) && !steps(-1) { Ok(()) } else { Err(BadPin) }
}

/// Whether one may open, change or disable an account of a role: owners all, managers those below them.
pub fn may_manage(own: Role, other: Role) -> bool {
    match own {
        Role::Owner => true,
        Role::Manager => !matches!(other, Role::Owner | Role::Manager),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wait_begins_with_the_fifth_failure_and_doubles_up_to_a_quarter_of_an_hour() {
        let now = Timestamp::from_ms(0);
        let waits: Vec<i64> = [1, 4, 5, 6, 9, 30, 1000].map(|failures| blocked_until(failures, now).as_ms()).to_vec();
        assert_eq!(waits, [0, 0, 1000, 2000, 16_000, 900_000, 900_000]);
    }

    #[test]
    fn managers_manage_those_below_them_and_owners_everybody() {
        for role in Role::ALL {
            assert!(may_manage(Role::Owner, *role));
            let below = matches!(role, Role::Cashier | Role::StockKeeper | Role::Customer);
            assert_eq!(may_manage(Role::Manager, *role), below, "{role}");
            for own in [Role::Cashier, Role::StockKeeper, Role::Customer] {
                assert!(!may_manage(own, *role));
            }
        }
    }

    #[test]
    fn a_pin_has_four_to_six_digits_and_is_no_row_of_them() {
        for pin in ["4821", "90210", "481516"] {
            assert!(check_pin(pin).is_ok(), "{pin}");
        }
        for pin in ["", "482", "4815162", "48a1", "1111", "1234", "98765", "४८२१"] {
            assert!(check_pin(pin).is_err(), "{pin}");
        }
    }

    #[test]
    fn user_names_are_never_taken_for_addresses() {
        assert!(is_username("asha") && is_username("आशा") && !is_username("") && !is_username("asha@example.com"));
    }

    #[test]
    fn names_that_look_alike_are_the_same() {
        assert_eq!(login_key(" Asha@Example.COM "), "asha@example.com");
        assert_eq!(login_key("ﬁroz"), login_key("FIROZ"), "a ligature is two letters");
    }

    #[test]
    fn passwords_are_refused_for_what_they_are_and_not_for_what_they_lack() {
        for (password, login) in [("12345", "a"), ("Password", "a"), ("asha@example.com", "Asha@example.com")] {
            assert!(check_password(password, login).is_err(), "{password}");
        }
        for password in ["correct horse", "चावल दाल", "Tr0ub4dor"] {
            assert!(check_password(password, "asha").is_ok(), "{password}");
        }
        assert!(check_password(&"x".repeat(257), "asha").is_err());
    }

    #[test]
    fn addresses_without_a_dotted_domain_or_with_blanks_are_none() {
        assert!(is_email("asha@example.com"));
        for text in ["asha", "@example.com", "asha@", "asha@example", "a b@example.com", "a@b..c", "a@b.c\n"] {
            assert!(!is_email(text), "{text}");
        }
    }
}
