//! Other people's accounts: look, change, approve, disable, remove.

use serde_json::{Map, Value, json};

use super::{Result, revoke_sessions};
use crate::audit::{self, By};
use crate::clock::Timestamp;
use crate::db::{Conn, TOPIC_ACCESS, anywhere};
use crate::ids::{StoreId, UserId};
use crate::shop::{self, ShopError};
use crate::staff::access::Caller;
use crate::staff::model::{Edit, Kind, Role, StaffError, Status, User};
use crate::staff::queries;
use crate::staff::rules::{login_key, may_manage};

/// Which accounts are asked for.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Staff or customers.
    pub kind: Option<Kind>,
    /// Of one role.
    pub role: Option<Role>,
    /// In one state.
    pub status: Option<Status>,
    /// With a text in their name, log-in or telephone number.
    pub text: String,
}

/// Accounts, the newest first, from before an id; and how many there are in all.
pub fn list(conn: &mut Conn<'_>, filter: &Filter, before: UserId, limit: i64) -> Result<(Vec<User>, i64)> {
    let kind = filter.kind.map_or("", Kind::word);
    let role = filter.role.map_or("", Role::word);
    let status = filter.status.map_or("", Status::word);
    let text = anywhere(&filter.text);
    let [kind, role, status, text] = [kind, role, status, &text];
    let page = [kind.into(), role.into(), status.into(), text.into(), before.into(), limit.into()];
    let users = conn.all(&queries::LIST_USERS, &page)?;
    let (total,) = conn.only(&queries::COUNT_USERS, &page[..4])?;
    Ok((users, total))
}

/// An account that is there.
pub fn load(conn: &mut Conn<'_>, id: UserId) -> Result<User> {
    queries::find_user(conn, id)?.ok_or(StaffError::NoUser)
}

/// Refuses a caller whose role or store does not reach an account of a role in a store.
pub fn check_reach(caller: &Caller, role: Role, store: Option<StoreId>) -> Result<()> {
    let in_reach = match (role.kind(), caller.store) {
        (Kind::Customer, _) | (_, None) => true,
        (Kind::Staff, Some(own)) => store == Some(own),
    };
    if may_manage(caller.role, role) && in_reach { Ok(()) } else { Err(StaffError::NotYours) }
}

/// Refuses a store that is not there.
pub fn check_store(conn: &mut Conn<'_>, store: Option<StoreId>) -> Result<()> {
    let Some(id) = store else { return Ok(()) };
    match shop::actions::load_store(conn, id) {
        Ok(_) => Ok(()),
        Err(ShopError::Db(error)) => Err(error.into()),
        Err(_) => Err(StaffError::NoStore(id)),
    }
}

/// Changes an account; refused when somebody else changed it since. A new role or store ends its
/// sessions at once. People may change their own account too, but not what it may do.
pub fn edit(
    conn: &mut Conn<'_>,
    caller: &Caller,
    id: UserId,
    version: Option<i64>,
    edit: &Edit,
    by: By<'_>,
) -> Result<User> {
    let before = load(conn, id)?;
    let after = apply(&before, edit);
    let rights_change = after.role != before.role || after.store_id != before.store_id;
    if caller.user() == Some(id) {
        if rights_change {
            return Err(StaffError::OwnRole);
        }
    } else {
        check_reach(caller, before.role, before.store_id)?;
        check_reach(caller, after.role, after.store_id)?;
    }
    if after.role.kind() != before.kind {
        return Err(StaffError::KindStays);
    }
    if after.email.is_none() && after.username.is_none() {
        return Err(StaffError::NoLogin);
    }
    if before.role == Role::Owner && after.role != Role::Owner {
        check_owner_left(conn, &before)?;
    }
    if after.store_id != before.store_id {
        check_store(conn, after.store_id)?;
    }
    if after.email != before.email
        && let Some(email) = &after.email
        && queries::find_by_login(conn, email)?.iter().any(|other| other.id != id)
    {
        return Err(StaffError::EmailTaken);
    }
    store(conn, &after, version.unwrap_or(before.version), by.now)?;
    if rights_change {
        revoke_sessions(conn, id, "", by.now)?;
    }
    // Names and languages are remembered with rights.
    conn.announce(TOPIC_ACCESS, id.to_string());
    audit::record(conn, by, "user.update", &format!("user:{id}"), &difference(&before, &after))?;
    load(conn, id)
}

fn apply(before: &User, edit: &Edit) -> User {
    let mut after = before.clone();
    let login = |sent: &Option<String>, place: &mut Option<String>| {
        if let Some(text) = sent {
            *place = Some(text.trim().to_owned()).filter(|text| !text.is_empty());
        }
    };
    login(&edit.username, &mut after.username);
    login(&edit.email, &mut after.email);
    for (sent, place) in [
        (&edit.phone, &mut after.phone),
        (&edit.first_name, &mut after.first_name),
        (&edit.last_name, &mut after.last_name),
        (&edit.designation, &mut after.designation),
        (&edit.address, &mut after.address),
        (&edit.city, &mut after.city),
        (&edit.pincode, &mut after.pincode),
        (&edit.language, &mut after.language),
    ] {
        if let Some(text) = sent {
            text.trim().clone_into(place);
        }
    }
    after.date_of_birth_on = edit.date_of_birth_on.unwrap_or(after.date_of_birth_on);
    after.role = edit.role.unwrap_or(after.role);
    after.store_id = edit.store_id.unwrap_or(after.store_id);
    after
}

fn store(conn: &mut Conn<'_>, user: &User, version: i64, now: Timestamp) -> Result<()> {
    let params = [
        user.id.into(),
        user.username.as_deref().into(),
        user.username.as_deref().map(login_key).into(),
        user.email.as_deref().into(),
        user.email.as_deref().map(login_key).into(),
        (&user.phone).into(),
        (&user.first_name).into(),
        (&user.last_name).into(),
        (&user.designation).into(),
        user.date_of_birth_on.into(),
        (&user.address).into(),
        (&user.city).into(),
        (&user.pincode).into(),
        (&user.language).into(),
        user.role.into(),
        user.store_id.into(),
        now.into(),
        version.into(),
    ];
    let changed = conn.execute(&queries::UPDATE_USER, &params).map_err(|error| match error.violated() {
        Some("users_email_unique") => StaffError::EmailTaken,
        Some("users_username_unique") => StaffError::UsernameTaken(user.username.clone().unwrap_or_default()),
        _ => StaffError::Db(error),
    })?;
    if changed == 0 { Err(StaffError::Stale) } else { Ok(()) }
}

/// What the audit log says of a change: rights with their values, personal data by the field's name only.
fn difference(before: &User, after: &User) -> Value {
    let mut detail = Map::new();
    if before.role != after.role {
        detail.insert("role".to_owned(), json!([before.role, after.role]));
    }
    if before.store_id != after.store_id {
        detail.insert("storeId".to_owned(), json!([before.store_id, after.store_id]));
    }
    let changed = [
        ("username", before.username != after.username),
        ("email", before.email != after.email),
        ("phone", before.phone != after.phone),
        ("firstName", before.first_name != after.first_name),
        ("lastName", before.last_name != after.last_name),
        ("designation", before.designation != after.designation),
        ("dateOfBirth", before.date_of_birth_on != after.date_of_birth_on),
        ("address", before.address != after.address),
        ("city", before.city != after.city),
        ("pincode", before.pincode != after.pincode),
        ("language", before.language != after.language),
    ];
    let fields: Vec<&str> = changed.iter().filter(|(_, differs)| *differs).map(|(name, _)| *name).collect();
    detail.insert("fields".to_owned(), json!(fields));
    Value::Object(detail)
}

/// Sets the state of an account; disabling it ends its sessions at once. The last owner stays.
pub fn set_status(conn: &mut Conn<'_>, id: UserId, status: Status, by: By<'_>) -> Result<User> {
    let before = load(conn, id)?;
    if before.status == status {
        return Ok(before);
    }
    check_owner_left(conn, &before)?;
    conn.execute(&queries::SET_STATUS, &[id.into(), status.into(), by.now.into()])?;
    if status != Status::Active {
        revoke_sessions(conn, id, "", by.now)?;
    }
    let detail = json!({ "status": [before.status, status] });
    audit::record(conn, by, "user.status", &format!("user:{id}"), &detail)?;
    load(conn, id)
}

/// Lets in somebody who waits.
pub fn approve(conn: &mut Conn<'_>, caller: &Caller, id: UserId, by: By<'_>) -> Result<User> {
    let user = load(conn, id)?;
    check_reach(caller, user.role, user.store_id)?;
    if user.status != Status::Pending {
        return Err(StaffError::NotPending);
    }
    set_status(conn, id, Status::Active, by)
}

/// Disables an account and ends its sessions at once, or lets it in again.
pub fn set_enabled(conn: &mut Conn<'_>, caller: &Caller, id: UserId, enabled: bool, by: By<'_>) -> Result<User> {
    let user = load(conn, id)?;
    if caller.user() == Some(id) {
        return Err(StaffError::OwnRole);
    }
    check_reach(caller, user.role, user.store_id)?;
    match (enabled, user.status) {
        (true, Status::Pending) => Err(StaffError::Pending),
        (true, _) => set_status(conn, id, Status::Active, by),
        (false, _) => set_status(conn, id, Status::Disabled, by),
    }
}

/// What became of an account that was to be removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Removal {
    /// It is gone.
    Deleted,
    /// The books name it, so it was disabled.
    Disabled,
}

/// Removes an account: deleted when nothing ever happened with it, else disabled.
pub fn remove(conn: &mut Conn<'_>, caller: &Caller, id: UserId, by: By<'_>) -> Result<Removal> {
    let user = set_enabled(conn, caller, id, false, by)?;
    let (history,) = conn.only(&queries::HAS_HISTORY, &[id.into()])?;
    if history > 0 {
        return Ok(Removal::Disabled);
    }
    for statement in
        [&queries::DELETE_CUSTOMER, &queries::DELETE_SESSIONS, &queries::DELETE_RESETS, &queries::DELETE_USER]
    {
        conn.execute(statement, &[id.into()])?;
    }
    audit::record(conn, by, "user.delete", &format!("user:{id}"), &json!({ "role": user.role }))?;
    Ok(Removal::Deleted)
}

/// Removes everything that says who somebody is, and lets nobody in with the account any more; what
/// they bought stays in the books.
pub fn anonymise(conn: &mut Conn<'_>, id: UserId, by: By<'_>) -> Result<()> {
    let user = load(conn, id)?;
    check_owner_left(conn, &user)?;
    for login in [user.username.as_deref(), user.email.as_deref()].into_iter().flatten() {
        queries::clear_throttle(conn, &super::account_subject(login))?;
    }
    conn.execute(&queries::DELETE_SESSIONS, &[id.into()])?;
    conn.execute(&queries::DROP_PIN, &[id.into()])?;
    conn.execute(&queries::DELETE_RESETS, &[id.into()])?;
    conn.execute(&queries::ANONYMISE, &[id.into(), by.now.into()])?;
    conn.announce(TOPIC_ACCESS, id.to_string());
    audit::record(conn, by, "user.anonymise", &format!("user:{id}"), &json!({ "role": user.role }))?;
    Ok(())
}

/// Refuses to take rights from the last owner who may log in.
fn check_owner_left(conn: &mut Conn<'_>, user: &User) -> Result<()> {
    let counts = user.role == Role::Owner && user.status == Status::Active;
    if counts && queries::lock_owners(conn)? <= 1 { Err(StaffError::LastOwner) } else { Ok(()) }
}
