//! All SQL for accounts, sessions, keys and throttles.

use super::access::{Caller, Principal};
use super::model::{Approval, Approver, Key, Kind, NewUser, Role, Status, User};
use super::rules::login_key;
use crate::clock::Timestamp;
use crate::db::{Conn, Result, Sequence};
use crate::ids::{ApiKeyId, StoreId, UserId};

macro_rules! user_columns {
    () => {
        "id, kind, role, status, username, email, phone, first_name, last_name, password_hash, designation,
         date_of_birth_on, address, city, pincode, store_id, language, totp_secret, totp_step, last_login_at,
         created_at, updated_at, version"
    };
}

macro_rules! key_columns {
    () => {
        "id, name, prefix, role, store_id, created_by, created_at, last_used_at, expires_at, revoked_at"
    };
}

crate::row! {
    /// A session with the account behind it.
    struct SessionRow {
        user_id: UserId,
        role: Role,
        store_id: Option<StoreId>,
        first_name: String,
        last_name: String,
        username: Option<String>,
        email: Option<String>,
        language: String,
        expires_at: Timestamp,
    }
}

crate::row! {
    /// What an API key opens.
    pub struct KeyRow {
        /// Its id.
        pub id: ApiKeyId,
        /// What it is called.
        pub name: String,
        /// The hash of the whole key.
        pub secret_hash: String,
        /// The role it acts in.
        pub role: Role,
        /// The branch it is bound to.
        pub store_id: Option<StoreId>,
        /// Until when it is good.
        pub expires_at: Option<Timestamp>,
    }
}

crate::row! {
    /// A session, for its owner to look at.
    #[derive(Debug, Clone)]
    pub struct Session {
        /// Its id.
        pub id: String,
        /// `token` or `cookie`.
        pub kind: String,
        /// Since when.
        pub created_at: Timestamp,
        /// Until when.
        pub expires_at: Timestamp,
        /// From where.
        pub address: String,
        /// With what program.
        pub agent: String,
    }
}

crate::statements! {
    FIND_SESSION(Text, Text, Int) -> SessionRow =
        "select s.user_id, u.role, u.store_id, u.first_name, u.last_name, u.username, u.email, u.language, s.expires_at
         from sessions s join users u on u.id = s.user_id
         where s.id = $1 and s.kind = $2 and s.revoked_at is null and s.expires_at > $3 and u.status = 'active'";
    pub(super) INSERT_SESSION(Text, Int, Text, Int, Int, Text, Text) =
        "insert into sessions (id, user_id, kind, created_at, expires_at, address, agent) values ($1, $2, $3, $4, $5, $6, $7)";
    pub(super) REVOKE_SESSION(Text, Int, Int) =
        "update sessions set revoked_at = $3 where id = $1 and user_id = $2 and revoked_at is null";
    pub(super) REVOKE_SESSIONS(Int, Text, Int) =
        "update sessions set revoked_at = $3 where user_id = $1 and id <> $2 and revoked_at is null";
    pub(super) LIST_SESSIONS(Int, Int) -> Session =
        "select id, kind, created_at, expires_at, address, agent from sessions
         where user_id = $1 and revoked_at is null and expires_at > $2 order by created_at desc, id";
    pub(super) FORGET_SESSIONS(Int) = "delete from sessions where expires_at < $1";
    FIND_KEY(Text, Int) -> KeyRow =
        "select id, name, secret_hash, role, store_id, expires_at from api_keys
         where prefix = $1 and revoked_at is null and (expires_at is null or expires_at > $2)";
    TOUCH_KEY(Int, Int) = "update api_keys set last_used_at = $2 where id = $1";
    pub(super) FIND_USER(Int) -> User =
        concat!("select ", user_columns!(), " from users where id = $1");
    pub(super) FIND_BY_LOGIN(Text) -> User =
        concat!("select ", user_columns!(), " from users
                 where id in (select id from users where username_key = $1
                              union all select id from users where kind = 'customer' and email_key = $1
                              union all select id from users where kind = 'staff' and email_key = $1)
                 order by kind desc, id");
    pub(super) LIST_USERS(Text, Text, Text, Text, Int, Int) -> User =
        concat!("select ", user_columns!(), " from users
                 where ($1 = '' or kind = $1) and ($2 = '' or role = $2) and ($3 = '' or status = $3)
                   and ($4 = '' or lower(first_name || ' ' || last_name || ' ' || coalesce(email, '') || ' '
                        || coalesce(username, '') || ' ' || phone) like $4 escape '!')
                   and id < $5
                 order by id desc limit $6");
    pub(super) COUNT_USERS(Text, Text, Text, Text) -> (i64,) =
        "select count(*) from users
         where ($1 = '' or kind = $1) and ($2 = '' or role = $2) and ($3 = '' or status = $3)
           and ($4 = '' or lower(first_name || ' ' || last_name || ' ' || coalesce(email, '') || ' '
                || coalesce(username, '') || ' ' || phone) like $4 escape '!')";
    HAS_ACCOUNTS() -> (i64,) = "select count(*) from (select id from users limit 1) as anybody";
    COUNT_OWNERS() -> (i64,) = "select count(*) from users where role = 'owner' and status = 'active'";
    INSERT_USER(Int, Text, Text, Text, Text, Text, Text, Text, Text, Text, Text, Text, Text, Int, Text, Text, Text, Int, Int) =
        "insert into users (id, kind, role, status, username, username_key, email, email_key, phone, first_name, last_name,
                            password_hash, designation, date_of_birth_on, address, city, pincode, store_id, created_at, updated_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $19)";
    INSERT_CUSTOMER(Int) = "insert into customers (user_id) values ($1)";
    pub(super) SET_PASSWORD(Int, Text, Int) =
        "update users set password_hash = $2, updated_at = $3, version = version + 1 where id = $1";
    pub(super) UPDATE_USER(Int, Text, Text, Text, Text, Text, Text, Text, Text, Int, Text, Text, Text, Text, Text, Int, Int, Int) =
        "update users set username = $2, username_key = $3, email = $4, email_key = $5, phone = $6, first_name = $7,
                last_name = $8, designation = $9, date_of_birth_on = $10, address = $11, city = $12, pincode = $13,
                language = $14, role = $15, store_id = $16, updated_at = $17, version = version + 1
         where id = $1 and version = $18";
    pub(super) SET_STATUS(Int, Text, Int) =
        "update users set status = $2, updated_at = $3, version = version + 1 where id = $1";
    LOCK_OWNERS() = "update users set version = version where role = 'owner' and status = 'active'";
    pub(super) HAS_HISTORY(Int) -> (i64,) =
        "select count(*) from users u left join customers c on c.user_id = u.id
         where u.id = $1
           and (u.last_login_at is not null or c.order_count > 0 or c.last_order_id is not null or c.credit_paise <> 0
                or exists (select 1 from credit_moves m where m.customer_id = u.id))";
    pub(super) DELETE_CUSTOMER(Int) = "delete from customers where user_id = $1";
    pub(super) DELETE_SESSIONS(Int) = "delete from sessions where user_id = $1";
    pub(super) DELETE_RESETS(Int) = "delete from password_resets where user_id = $1";
    pub(super) DELETE_USER(Int) = "delete from users where id = $1";
    pub(super) ANONYMISE(Int, Int) =
        "update users set status = 'disabled', username = null, username_key = null, email = null, email_key = null,
                phone = '', first_name = '', last_name = '', password_hash = null, designation = '',
                date_of_birth_on = null, address = '', city = '', pincode = '', totp_secret = null, totp_step = null,
                updated_at = $2, version = version + 1
         where id = $1";
    pub(super) SET_TOTP(Int, Text, Int) =
        "update users set totp_secret = $2, totp_step = null, updated_at = $3, version = version + 1 where id = $1";
    pub(super) USE_STEP(Int, Int) =
        "update users set totp_step = $2 where id = $1 and (totp_step is null or totp_step < $2)";
    pub(super) INSERT_RESET(Text, Int, Int) =
        "insert into password_resets (id, user_id, expires_at) values ($1, $2, $3)";
    pub(super) FIND_RESET(Text, Int) -> (UserId,) =
        "select user_id from password_resets where id = $1 and used_at is null and expires_at > $2";
    pub(super) USE_RESET(Text, Int) =
        "update password_resets set used_at = $2 where id = $1 and used_at is null and expires_at > $2";
    pub(super) DROP_RESETS(Int, Int) =
        "update password_resets set used_at = $2 where user_id = $1 and used_at is null";
    pub(super) FORGET_RESETS(Int) = "delete from password_resets where expires_at < $1";
    pub(super) SET_PIN(Int, Text, Int) =
        "insert into staff_pins (user_id, pin_hash, updated_at) values ($1, $2, $3)
         on conflict (user_id) do update set pin_hash = $2, updated_at = $3";
    pub(super) DROP_PIN(Int) = "delete from staff_pins where user_id = $1";
    pub(super) FIND_PIN(Int) -> (String,) = "select pin_hash from staff_pins where user_id = $1";
    pub(super) APPROVERS(Int) -> Approver =
        "select u.id, coalesce(nullif(trim(u.first_name || ' ' || u.last_name), ''), u.username, u.email, '') as name, u.role
         from staff_pins p join users u on u.id = p.user_id
         where u.status = 'active' and (u.store_id is null or u.store_id = $1) order by u.id";
    pub(super) INSERT_APPROVAL(Text, Text, Int, Int, Text, Int, Int) =
        "insert into approvals (id, act, store_id, approver_id, asked_by, created_at, expires_at)
         values ($1, $2, $3, $4, $5, $6, $7)";
    pub(super) USE_APPROVAL(Text, Int, Text) =
        "update approvals set used_at = $2, used_for = $3 where id = $1 and used_at is null";
    pub(super) FORGET_APPROVALS(Int) = "delete from approvals where used_at is null and expires_at < $1";
    pub(super) LIST_KEYS() -> Key = concat!("select ", key_columns!(), " from api_keys order by id desc");
    pub(super) LOAD_KEY(Int) -> Key = concat!("select ", key_columns!(), " from api_keys where id = $1");
    pub(super) INSERT_KEY(Int, Text, Text, Text, Text, Int, Int, Int, Int) =
        "insert into api_keys (id, name, prefix, secret_hash, role, store_id, created_by, created_at, expires_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9)";
    pub(super) REVOKE_KEY(Int, Int) = "update api_keys set revoked_at = $2 where id = $1 and revoked_at is null";
    pub(super) NOTE_LOGIN(Int, Int) = "update users set last_login_at = $2 where id = $1";
    FIND_THROTTLE(Text) -> (i64, Timestamp) =
        "select failures, blocked_until_at from throttles where subject = $1";
    SET_THROTTLE(Text, Int, Int, Int) =
        "insert into throttles (subject, failures, last_failure_at, blocked_until_at) values ($1, $2, $3, $4)
         on conflict (subject) do update set failures = $2, last_failure_at = $3, blocked_until_at = $4";
    COUNT_FAILURE(Text, Int) -> (i64, Timestamp) =
        "insert into throttles (subject, failures, last_failure_at, blocked_until_at) values ($1, 1, $2, 0)
         on conflict (subject) do update set failures = throttles.failures + 1, last_failure_at = $2
         returning failures, blocked_until_at";
    CLEAR_THROTTLE(Text) = "delete from throttles where subject = $1";
    pub(super) FORGET_THROTTLES(Int) = "delete from throttles where last_failure_at < $1";
}

crate::row! {
    /// An account as somebody's arrival sees it.
    pub struct KnownRow {
        /// Its id.
        pub id: UserId,
        /// Staff or customer.
        pub kind: Kind,
        /// Its user name, folded.
        pub username_key: Option<String>,
        /// Its e-mail address, folded.
        pub email_key: Option<String>,
    }
}

crate::row! {
    /// An account that is to go, and whether anything happened with it.
    pub struct DepartingRow {
        /// Its id.
        pub id: UserId,
        /// What they log in with.
        pub login: String,
        /// Rises with each change.
        pub version: i64,
        /// The last log-in.
        pub last_login_at: Option<Timestamp>,
        /// Orders that count.
        pub order_count: i64,
        /// Changes of what they owe, and keys that they made.
        pub traces: i64,
    }
}

crate::bulks! {
    pub(super) LOCK_APPROVALS(Text) -> Approval =
        each "select a.id, a.act, a.store_id, a.approver_id, u.role as approver_role, a.asked_by, a.expires_at, a.used_at
              from approvals a join users u on u.id = a.approver_id where a.id = $1",
        set "select a.id, a.act, a.store_id, a.approver_id, u.role as approver_role, a.asked_by, a.expires_at, a.used_at
             from approvals a join unnest({rows}) as asked(id) on a.id = asked.id join users u on u.id = a.approver_id
             order by a.id for no key update of a";
    pub(super) FIND_KNOWN(Text) -> KnownRow =
        each "select id, kind, username_key, email_key from users where username_key = $1
              union all select id, kind, username_key, email_key from users where kind = 'customer' and email_key = $1
              union all select id, kind, username_key, email_key from users where kind = 'staff' and email_key = $1",
        set "select u.id, u.kind, u.username_key, u.email_key from unnest({rows}) as asked(login)
             join users u on u.username_key = asked.login or u.email_key = asked.login";
    pub(super) FIND_DEPARTING(Int) -> DepartingRow =
        each "select u.id, coalesce(u.email, u.username, '') as login, u.version, u.last_login_at,
                     coalesce(c.order_count, 0) as order_count,
                     (select count(*) from credit_moves m where m.customer_id = u.id)
                       + (select count(*) from api_keys k where k.created_by = u.id) as traces
              from users u left join customers c on c.user_id = u.id where u.id = $1",
        set "select u.id, coalesce(u.email, u.username, '') as login, u.version, u.last_login_at,
                    coalesce(c.order_count, 0) as order_count,
                    (select count(*) from credit_moves m where m.customer_id = u.id)
                      + (select count(*) from api_keys k where k.created_by = u.id) as traces
             from unnest({rows}) as asked(id) join users u on u.id = asked.id
             left join customers c on c.user_id = u.id";
    pub(super) REMOVE_CUSTOMERS(Int) =
        each "delete from customers where user_id = $1",
        set "delete from customers where user_id in (select id from unnest({rows}) as gone(id))";
    pub(super) REMOVE_SESSIONS(Int) =
        each "delete from sessions where user_id = $1",
        set "delete from sessions where user_id in (select id from unnest({rows}) as gone(id))";
    pub(super) REMOVE_RESETS(Int) =
        each "delete from password_resets where user_id = $1",
        set "delete from password_resets where user_id in (select id from unnest({rows}) as gone(id))";
    pub(super) REMOVE_USERS(Int) =
        each "delete from users where id = $1",
        set "delete from users where id in (select id from unnest({rows}) as gone(id))";
}

crate::inserts! {
    pub(super) INSERT_USERS into users (id Int, kind Text, role Text, status Text, username Text, username_key Text,
        email Text, email_key Text, phone Text, first_name Text, last_name Text, password_hash Text, designation Text,
        date_of_birth_on Int, address Text, city Text, pincode Text, created_at Int, updated_at Int) "";
    pub(super) INSERT_CUSTOMERS into customers (user_id Int) "";
}

/// The caller behind a session that stands, and until when it does.
pub fn find_session(conn: &mut Conn<'_>, id: &str, kind: &str, now: Timestamp) -> Result<Option<(Caller, Timestamp)>> {
    let Some(row) = conn.first(&FIND_SESSION, &[id.into(), kind.into(), now.into()])? else { return Ok(None) };
    let name = format!("{} {}", row.first_name, row.last_name);
    let login = row.username.or(row.email).unwrap_or_default();
    let caller = Caller {
        principal: Principal::User(row.user_id),
        role: row.role,
        store: row.store_id,
        name: if name.trim().is_empty() { login } else { name.trim().to_owned() },
        language: row.language,
        session: id.to_owned(),
        by_cookie: kind == "cookie",
    };
    Ok(Some((caller, row.expires_at)))
}

/// An API key that is good, by the public part of it.
pub fn find_key(conn: &mut Conn<'_>, prefix: &str, now: Timestamp) -> Result<Option<KeyRow>> {
    conn.first(&FIND_KEY, &[prefix.into(), now.into()])
}

/// Notes that a key was used.
pub fn touch_key(conn: &mut Conn<'_>, id: ApiKeyId, now: Timestamp) -> Result<()> {
    conn.execute(&TOUCH_KEY, &[id.into(), now.into()]).map(|_| ())
}

/// An account.
pub fn find_user(conn: &mut Conn<'_>, id: UserId) -> Result<Option<User>> {
    conn.first(&FIND_USER, &[id.into()])
}

/// The accounts that a log-in may mean: one by user name, or one of each kind by e-mail address.
pub fn find_by_login(conn: &mut Conn<'_>, login: &str) -> Result<Vec<User>> {
    conn.all(&FIND_BY_LOGIN, &[login_key(login).into()])
}

/// Anybody has an account.
pub fn has_accounts(conn: &mut Conn<'_>) -> Result<bool> {
    Ok(conn.only(&HAS_ACCOUNTS, &[])?.0 > 0)
}

/// How many owners may log in.
pub fn count_owners(conn: &mut Conn<'_>) -> Result<i64> {
    Ok(conn.only(&COUNT_OWNERS, &[])?.0)
}

/// How many owners may log in, held still until the transaction ends: two owners cannot each let the
/// other go.
pub fn lock_owners(conn: &mut Conn<'_>) -> Result<u64> {
    conn.execute(&LOCK_OWNERS, &[])
}

/// Stores an account, with the customer's row when it is one.
pub fn insert_user(conn: &mut Conn<'_>, new: &NewUser, role: Role, status: Status, now: Timestamp) -> Result<UserId> {
    let id = UserId::new(conn.next_id(Sequence::Users)?);
    conn.execute(
        &INSERT_USER,
        &[
            id.into(),
            role.kind().into(),
            role.into(),
            status.into(),
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
            new.store_id.into(),
            now.into(),
        ],
    )?;
    if role.kind() == Kind::Customer {
        conn.execute(&INSERT_CUSTOMER, &[id.into()])?;
    }
    Ok(id)
}

/// Failures in a row and until when nobody may try.
pub fn find_throttle(conn: &mut Conn<'_>, subject: &str) -> Result<Option<(i64, Timestamp)>> {
    conn.first(&FIND_THROTTLE, &[subject.into()])
}

/// Notes a failure.
pub fn set_throttle(conn: &mut Conn<'_>, subject: &str, failures: i64, now: Timestamp, until: Timestamp) -> Result<()> {
    conn.execute(&SET_THROTTLE, &[subject.into(), failures.into(), now.into(), until.into()]).map(|_| ())
}

/// Counts a failure; the number of them, and until when nobody may try since those before. Two at
/// once are counted one after the other.
pub fn count_failure(conn: &mut Conn<'_>, subject: &str, now: Timestamp) -> Result<(i64, Timestamp)> {
    conn.only(&COUNT_FAILURE, &[subject.into(), now.into()])
}

/// Forgets failures.
pub fn clear_throttle(conn: &mut Conn<'_>, subject: &str) -> Result<()> {
    conn.execute(&CLEAR_THROTTLE, &[subject.into()]).map(|_| ())
}
