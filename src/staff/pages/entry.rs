//! Three fields that make an account: a name, what one logs in with, a password.

use crate::staff::model::NewUser;
use crate::staff::rules;
use crate::web::Fields;

/// What was typed.
pub(super) struct Entry<'f> {
    /// The field of the name, and the name.
    pub name: (&'static str, &'f str),
    /// A telephone number, an e-mail address or, where that is allowed, a user name.
    pub login: &'f str,
    /// The password.
    pub password: &'f str,
    /// A user name will do.
    pub usernames: bool,
}

impl Entry<'_> {
    /// The account, without its password; notes every field that is wrong.
    pub(super) fn check(&self, fields: &mut Fields) -> NewUser {
        let ((name_field, name), login) = (self.name, self.login.trim());
        let name = name.trim();
        for (field, value) in [(name_field, name), ("login", login)] {
            fields.check(!value.is_empty(), field, "missing", "Fill this in.");
            fields.check(value.chars().count() <= 150, field, "too_long", "This text is too long.");
        }
        let phone: String = login.chars().filter(|c| !c.is_whitespace() && !"-()".contains(*c)).collect();
        let (is_phone, is_email) = (rules::is_phone(&phone), rules::is_email(login));
        let is_username = self.usernames && rules::is_username(login);
        let known = login.is_empty() || is_phone || is_email || is_username;
        fields.check(known, "login", "invalid", "This is neither a telephone number nor an e-mail address.");
        if let Err(error) = rules::check_password(self.password, login) {
            fields.wrong("password", "weak_password", error.to_string());
        }
        let (first_name, last_name) = name.split_once(' ').unwrap_or((name, ""));
        let username = if is_phone { &phone } else { login };
        NewUser {
            username: (!is_email).then(|| username.to_owned()),
            email: is_email.then(|| login.to_owned()),
            phone: if is_phone { phone.clone() } else { String::new() },
            first_name: first_name.to_owned(),
            last_name: last_name.trim().to_owned(),
            ..NewUser::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn account(login: &str) -> (Option<String>, Option<String>, bool) {
        let mut fields = Fields::default();
        let entry = Entry { name: ("name", "Asha Sharma"), login, password: "a good long one", usernames: false };
        let new = entry.check(&mut fields);
        (new.username, new.email, fields.into_result().is_ok())
    }

    #[test]
    fn one_logs_in_with_a_number_or_an_address() {
        assert_eq!(account("98765 43210"), (Some("9876543210".to_owned()), None, true));
        assert_eq!(account("asha@example.com"), (None, Some("asha@example.com".to_owned()), true));
        assert!(!account("asha").2 && !account("").2);
    }
}
