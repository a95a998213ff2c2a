//! Accounts.

use schemars::JsonSchema;
use serde::Serialize;

use super::totp;
use crate::clock::{BusinessDate, Timestamp};
use crate::ids::{ApiKeyId, StoreId, UserId};

crate::words! {
    /// What somebody is in the shop.
    #[derive(PartialOrd, Ord)]
    pub enum Role {
        /// Owns the shop; may do everything.
        Owner = "owner",
        /// Runs the shop; may do everything but change owners, keys and settings.
        Manager = "manager",
        /// Sells.
        Cashier = "cashier",
        /// Looks after the stock.
        StockKeeper = "stock_keeper",
        /// Buys.
        Customer = "customer",
    }
}

crate::words! {
    /// Staff or customer: e-mail addresses are unique within each.
    pub enum Kind {
        /// Works here.
        Staff = "staff",
        /// Buys here.
        Customer = "customer",
    }
}

crate::words! {
    /// Whether an account may be used.
    pub enum Status {
        /// It may.
        Active = "active",
        /// It waits for the owner's approval.
        Pending = "pending",
        /// It may no longer.
        Disabled = "disabled",
    }
}

impl Role {
    /// Staff or customer.
    pub const fn kind(self) -> Kind {
        match self {
            Self::Customer => Kind::Customer,
            _ => Kind::Staff,
        }
    }

    /// The word that the *Store Management System* document uses.
    pub const fn documented(self) -> &'static str {
        match self {
            Self::Customer => "customer",
            _ => "shopkeeper",
        }
    }
}

crate::row! {
    /// An account.
    #[derive(Debug, Clone)]
    pub struct User {
        /// Its id.
        pub id: UserId,
        /// Staff or customer.
        pub kind: Kind,
        /// What they are in the shop.
        pub role: Role,
        /// Whether the account may be used.
        pub status: Status,
        /// The name to log in with.
        pub username: Option<String>,
        /// The address to log in with.
        pub email: Option<String>,
        /// Telephone.
        pub phone: String,
        /// First name.
        pub first_name: String,
        /// Last name.
        pub last_name: String,
        /// Argon2id in PHC form.
        pub password_hash: Option<String>,
        /// What the shop calls the job.
        pub designation: String,
        /// Date of birth.
        pub date_of_birth_on: Option<BusinessDate>,
        /// Street and number.
        pub address: String,
        /// City.
        pub city: String,
        /// Postal code.
        pub pincode: String,
        /// The branch they are bound to; none means all.
        pub store_id: Option<StoreId>,
        /// `en` or `hi`.
        pub language: String,
        /// The secret for one-time codes, once enrolled; see [`totp::Secret`].
        pub totp_secret: Option<String>,
        /// The time step whose code was used last.
        pub totp_step: Option<i64>,
        /// The last log-in.
        pub last_login_at: Option<Timestamp>,
        /// Since when.
        pub created_at: Timestamp,
        /// The last change.
        pub updated_at: Timestamp,
        /// Rises with each change.
        pub version: i64,
    }
}

impl User {
    /// How the person is called: their name, else what they log in with.
    pub fn full_name(&self) -> String {
        let name = format!("{} {}", self.first_name, self.last_name);
        match name.trim() {
            "" => self.login().to_owned(),
            name => name.to_owned(),
        }
    }

    /// A one-time code is asked for at log-in.
    pub fn has_totp(&self) -> bool {
        totp::Secret::active(self.totp_secret.as_deref()).is_some()
    }

    /// What they log in with.
    pub fn login(&self) -> &str {
        self.username.as_deref().or(self.email.as_deref()).unwrap_or_default()
    }
}

/// An account to be opened.
#[derive(Debug, Clone, Default)]
pub struct NewUser {
    /// The name to log in with.
    pub username: Option<String>,
    /// The address to log in with.
    pub email: Option<String>,
    /// Telephone.
    pub phone: String,
    /// First name.
    pub first_name: String,
    /// Last name.
    pub last_name: String,
    /// Argon2id in PHC form; none for somebody who never logs in.
    pub password_hash: Option<String>,
    /// What the shop calls the job.
    pub designation: String,
    /// Date of birth.
    pub date_of_birth_on: Option<BusinessDate>,
    /// Street and number.
    pub address: String,
    /// City.
    pub city: String,
    /// Postal code.
    pub pincode: String,
    /// The branch they are bound to; none means all.
    pub store_id: Option<StoreId>,
}

/// What is to be changed of an account; what is absent stays.
#[derive(Debug, Clone, Default)]
pub struct Edit {
    /// The name to log in with; empty for none.
    pub username: Option<String>,
    /// The address to log in with; empty for none.
    pub email: Option<String>,
    /// Telephone.
    pub phone: Option<String>,
    /// First name.
    pub first_name: Option<String>,
    /// Last name.
    pub last_name: Option<String>,
    /// What the shop calls the job.
    pub designation: Option<String>,
    /// Date of birth.
    pub date_of_birth_on: Option<Option<BusinessDate>>,
    /// Street and number.
    pub address: Option<String>,
    /// City.
    pub city: Option<String>,
    /// Postal code.
    pub pincode: Option<String>,
    /// `en` or `hi`.
    pub language: Option<String>,
    /// What they are in the shop.
    pub role: Option<Role>,
    /// The branch they are bound to; none means all.
    pub store_id: Option<Option<StoreId>>,
}

crate::row! {
    /// An API key, for people to look at.
    #[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
    #[serde(rename_all = "camelCase")]
    pub struct Key {
        /// Its id.
        pub id: ApiKeyId,
        /// What it is called.
        pub name: String,
        /// The public part of it: `kir_<prefix>_...`.
        pub prefix: String,
        /// The role it acts in.
        pub role: Role,
        /// The branch it is bound to; absent means all.
        pub store_id: Option<StoreId>,
        /// Who made it.
        pub created_by: Option<UserId>,
        /// Since when.
        pub created_at: Timestamp,
        /// When it was last used, to about an hour.
        pub last_used_at: Option<Timestamp>,
        /// Until when it is good; absent means for ever.
        pub expires_at: Option<Timestamp>,
        /// Since when it is no longer good.
        pub revoked_at: Option<Timestamp>,
    }
}

crate::words! {
    /// What is approved on the spot.
    pub enum Act {
        /// A discount above the limit of one's role.
        Discount = "discount",
        /// Goods that come back without a bill, or after the time for that.
        Return = "return",
        /// A bill of today that is taken back as a whole.
        Void = "void",
    }
}

crate::row! {
    /// Somebody who can approve.
    #[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
    pub struct Approver {
        /// Their account.
        pub id: UserId,
        /// Their name.
        pub name: String,
        /// What they are in the shop.
        pub role: Role,
    }
}

crate::row! {
    /// An approval that was given.
    #[derive(Debug, Clone)]
    pub struct Approval {
        /// What it is known by.
        pub id: String,
        /// What was approved.
        pub act: Act,
        /// In which store.
        pub store_id: StoreId,
        /// By whom.
        pub approver_id: UserId,
        /// What they are in the shop.
        pub approver_role: Role,
        /// Who asked.
        pub asked_by: String,
        /// Until when it can be used.
        pub expires_at: Timestamp,
        /// When it was used.
        pub used_at: Option<Timestamp>,
    }
}

impl Approval {
    /// It can be used for an act now.
    pub fn is_for(&self, act: Act, store: StoreId, actor: &str, now: Timestamp) -> bool {
        self.act == act
            && self.store_id == store
            && self.asked_by == actor
            && self.used_at.is_none()
            && now < self.expires_at
    }
}

/// Why an account stays as it is, or a log-in is refused.
#[derive(Debug, thiserror::Error)]
pub enum StaffError {
    /// The e-mail address is in use.
    #[error("User already exists")]
    EmailTaken,
    /// The user name is in use.
    #[error("The user name {0} is already taken.")]
    UsernameTaken(String),
    /// Neither user name nor e-mail address.
    #[error("An account needs an e-mail address or a user name.")]
    NoLogin,
    /// Unknown account or wrong password.
    #[error("Invalid credentials")]
    WrongCredentials,
    /// A one-time code is needed, or the one given is wrong.
    #[error("Enter the six digits that your authenticator shows.")]
    CodeNeeded,
    /// The one-time code is wrong, or was used before.
    #[error("This code is not right. Wait for the next one and try again.")]
    WrongCode,
    /// The PIN is wrong, or its owner cannot approve here.
    #[error("This PIN is not right.")]
    WrongPin,
    /// The approval is unknown, used, too old, or for something else.
    #[error("This approval cannot be used here. Ask for a new one.")]
    NoApproval,
    /// One-time codes are on already.
    #[error("One-time codes are already on. Turn them off first.")]
    TotpOn,
    /// One-time codes were not enrolled, or are on already.
    #[error("Start with POST /api/auth/totp.")]
    TotpNotStarted,
    /// The account is above the caller, or in another store.
    #[error("Your role does not let you manage this account.")]
    NotYours,
    /// People do not choose their own role.
    #[error("Nobody can change their own role, store or status.")]
    OwnRole,
    /// An account of staff does not become a customer's, nor the other way round.
    #[error("An account of staff stays one, and a customer's stays one.")]
    KindStays,
    /// Only what waits can be approved.
    #[error("This account does not wait for approval.")]
    NotPending,
    /// No such store.
    #[error("There is no store {0}.")]
    NoStore(StoreId),
    /// No such key.
    #[error("There is no such API key.")]
    NoKey,
    /// Too many failures.
    #[error("Too many failed log-ins. Try again in {0} seconds.")]
    Throttled(i64),
    /// The account waits for approval.
    #[error("This account waits for the owner's approval.")]
    Pending,
    /// The account may no longer be used.
    #[error("This account has been disabled.")]
    Disabled,
    /// No such account.
    #[error("There is no such account.")]
    NoUser,
    /// The shop would be left without an owner.
    #[error("The shop needs at least one active owner.")]
    LastOwner,
    /// Only an owner may give or take this.
    #[error("Only an owner may do this.")]
    OwnersOnly,
    /// The first owner is made on the machine itself.
    #[error("The shop is not set up yet. Do it on the machine it runs on, or with `kirana user add --role owner`.")]
    SetUpElsewhere,
    /// The password does not meet the rules.
    #[error("{0}")]
    WeakPassword(&'static str),
    /// The reset link is unknown, used or too old.
    #[error("This link is no longer valid. Ask for a new one.")]
    DeadLink,
    /// The change was made from an older version.
    #[error("Somebody has changed this since you read it.")]
    Stale,
    /// The database.
    #[error(transparent)]
    Db(#[from] crate::db::Error),
}
