//! Accounts that come from another system, many at a time, and their way back.

use std::collections::HashMap;

use serde_json::json;

use super::Result;
use crate::audit::{self, By};
use crate::db::{Conn, Sequence};
use crate::ids::{ImportId, UserId};
use crate::staff::model::{Kind, NewUser, Role, StaffError, Status};
use crate::staff::queries;
use crate::staff::rules::login_key;

/// Somebody who had an account in another system.
#[derive(Debug, Clone)]
pub struct Newcomer {
    /// The account.
    pub new: NewUser,
    /// What they are in the shop.
    pub role: Role,
    /// Whether the account may be used.
    pub status: Status,
}

/// What became of a newcomer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Arrival {
    /// The account was opened.
    Opened(UserId),
    /// Somebody of the same kind has this e-mail address or user name; it is taken for the same person.
    Known(UserId),
    /// The user name belongs to an account of the other kind.
    NameTaken,
}

/// Opens accounts, and recognises those that are there. One of the same kind with the same e-mail address or
/// user name is the same person, whether it was there before or stands further up in the list.
pub fn take_over(conn: &mut Conn<'_>, people: &[Newcomer], import: ImportId, by: By<'_>) -> Result<Vec<Arrival>> {
    let mut known = find_known(conn, people)?;
    let ids = conn.next_ids(Sequence::Users, people.len())?;
    let mut arrivals = Vec::with_capacity(people.len());
    let mut opened = Vec::new();
    for (one, id) in people.iter().zip(ids.into_iter().map(UserId::new)) {
        let kind = one.role.kind();
        let (email, username) = (one.new.email.as_deref().map(login_key), one.new.username.as_deref().map(login_key));
        if email.is_none() && username.is_none() {
            return Err(StaffError::NoLogin);
        }
        let same = email.as_ref().and_then(|key| known.by_email.get(&(kind, key.clone())));
        let named = username.as_ref().and_then(|key| known.by_username.get(key));
        let arrival = match (same, named) {
            (Some(id), _) => Arrival::Known(*id),
            (None, Some((other, id))) if *other == kind => Arrival::Known(*id),
            (None, Some(_)) => Arrival::NameTaken,
            (None, None) => {
                known.by_email.extend(email.map(|key| ((kind, key), id)));
                known.by_username.extend(username.map(|key| (key, (kind, id))));
                opened.push((id, one));
                Arrival::Opened(id)
            }
        };
        arrivals.push(arrival);
    }
    insert(conn, &opened, by)?;
    if let (Some((first, _)), Some((last, _))) = (opened.first(), opened.last()) {
        let detail = json!({ "accounts": opened.len(), "import": import });
        audit::record(conn, by, "user.create_many", &format!("users:{first}-{last}"), &detail)?;
    }
    Ok(arrivals)
}

struct Known {
    by_email: HashMap<(Kind, String), UserId>,
    by_username: HashMap<String, (Kind, UserId)>,
}

fn find_known(conn: &mut Conn<'_>, people: &[Newcomer]) -> Result<Known> {
    let logins = people.iter().flat_map(|one| [&one.new.email, &one.new.username]).flatten();
    let rows = conn.load_many(&queries::FIND_KNOWN, logins.map(|login| [login_key(login).into()]))?;
    let mut known = Known { by_email: HashMap::new(), by_username: HashMap::new() };
    for row in rows {
        known.by_email.extend(row.email_key.map(|key| ((row.kind, key), row.id)));
        known.by_username.extend(row.username_key.map(|key| (key, (row.kind, row.id))));
    }
    Ok(known)
}

fn insert(conn: &mut Conn<'_>, opened: &[(UserId, &Newcomer)], by: By<'_>) -> Result<()> {
    let rows = opened.iter().map(|(id, Newcomer { new, role, status })| {
        [
            (*id).into(),
            role.kind().into(),
            (*role).into(),
            (*status).into(),
            new.username.as_deref().into(),
            new.username.as_deref().map(login_key).into(),
            new.email.as_deref().into(),
            new.email.as_deref().map(login_key).into(),
            (&new.phone).into(),
            (&new.first_name).into(),
            (&new.last_name).into(),
            new.password_hash.as_deref().into(),
            (&new.designation).into(),
            new.date_of_birth_on.into(),
            (&new.address).into(),
            (&new.city).into(),
            (&new.pincode).into(),
            by.now.into(),
            by.now.into(),
        ]
    });
    conn.execute_many(&queries::INSERT_USERS, rows)?;
    let customers = opened.iter().filter(|(_, one)| one.role.kind() == Kind::Customer);
    conn.execute_many(&queries::INSERT_CUSTOMERS, customers.map(|(id, _)| [(*id).into()]))?;
    Ok(())
}

/// Removes accounts with which nothing ever happened; names the others, one sentence each, and leaves all as
/// they are when there is one.
pub fn take_back(conn: &mut Conn<'_>, people: &[UserId]) -> Result<Vec<String>> {
    let rows = conn.load_many(&queries::FIND_DEPARTING, people.iter().map(|id| [(*id).into()]))?;
    let in_the_way: Vec<String> = rows
        .iter()
        .filter_map(|row| {
            let what = if row.last_login_at.is_some() {
                "has logged in since"
            } else if row.order_count > 0 {
                "has ordered since"
            } else if row.traces > 0 || row.version > 1 {
                "was changed since"
            } else {
                return None;
            };
            Some(format!("The account {} (number {}) {what}.", row.login, row.id))
        })
        .collect();
    if in_the_way.is_empty() {
        let bulks =
            [&queries::REMOVE_CUSTOMERS, &queries::REMOVE_SESSIONS, &queries::REMOVE_RESETS, &queries::REMOVE_USERS];
        for bulk in bulks {
            conn.execute_many(bulk, rows.iter().map(|row| [row.id.into()]))?;
        }
    }
    Ok(in_the_way)
}
