//! Who is asking, and whether they may: the permission is an argument of the handler.
//!
//! `Allowed<PlaceOrder>` can only be had by somebody whose role has the right [`PlaceOrder`]. What a role may do
//! is the table below and nothing else; what is not in it is denied.

use std::collections::HashMap;
use std::marker::PhantomData;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, RwLock};

use aide::OperationInput;
use aide::generate::GenContext;
use aide::openapi::Operation;
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method, header};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

use super::model::Role;
use super::queries;
use super::token::TokenKey;
use crate::clock::{Clock, Timestamp};
use crate::db::{Db, TOPIC_ACCESS, TOPIC_MISSED};
use crate::ids::{ApiKeyId, StoreId, UserId};
use crate::web::Problem;
use crate::web::extract::SentKey;
use crate::web::idempotency::Claim;
use crate::web::porch::Address;

/// Something that a role may or may not do.
pub trait Right: Send + Sync + 'static {
    /// Its name, in the API document and in refusals.
    const NAME: &'static str;
    /// The roles that have it.
    const ROLES: &'static [Role];
}

macro_rules! rights {
    ($($(#[$doc:meta])* $name:ident: [$($role:ident),*];)*) => {
        $(
            $(#[$doc])*
            #[derive(Debug, Clone, Copy)]
            pub struct $name;

            impl Right for $name {
                const NAME: &'static str = stringify!($name);
                const ROLES: &'static [Role] = &[$(Role::$role),*];
            }
        )*

        /// Every right with the roles that have it: the whole policy on one page.
        pub const MATRIX: &[(&str, &[Role])] = &[$(($name::NAME, $name::ROLES)),*];
    };
}

rights! {
    /// Be logged in; see one's own account, log out.
    SignedIn: [Owner, Manager, Cashier, StockKeeper, Customer];
    /// See what the shop sells.
    Browse: [Owner, Manager, Cashier, StockKeeper, Customer];
    /// Change what the shop sells, and at what price.
    ManageCatalog: [Owner, Manager];
    /// See stock, its moves and what runs low.
    SeeStock: [Owner, Manager, Cashier, StockKeeper];
    /// Correct stock by hand.
    AdjustStock: [Owner, Manager, StockKeeper];
    /// Order for oneself.
    Buy: [Customer];
    /// Place an order, for oneself or on a customer's behalf.
    PlaceOrder: [Owner, Manager, Cashier, Customer];
    /// Take something off a bill.
    GiveDiscount: [Owner, Manager];
    /// Sell at the counter: tills, shifts, sales, returns against a bill.
    SellAtCounter: [Owner, Manager, Cashier];
    /// Register tills; see what a drawer should hold before it is counted; see what tills did that somebody should look at.
    ManageTills: [Owner, Manager];
    /// Approve, with a PIN, what somebody's role does not allow.
    Approve: [Owner, Manager];
    /// Look at an order; customers see their own only.
    SeeOrder: [Owner, Manager, Cashier, StockKeeper, Customer];
    /// Call an order off; customers their own, until it is packed.
    CancelOrder: [Owner, Manager, Cashier, Customer];
    /// See all orders.
    SeeOrders: [Owner, Manager, Cashier, StockKeeper];
    /// Move orders on: confirm, pack, ready, complete.
    FulfilOrders: [Owner, Manager, Cashier, StockKeeper];
    /// Take payments.
    TakePayments: [Owner, Manager, Cashier];
    /// See customers and what they spent.
    SeeCustomers: [Owner, Manager, Cashier];
    /// See the dashboard's sums.
    SeeDashboard: [Owner, Manager, Cashier, StockKeeper];
    /// Have a customer's profile of one's own.
    OwnProfile: [Customer];
    /// See the shop's settings and stores.
    SeeShop: [Owner, Manager, Cashier, StockKeeper];
    /// Change the shop's settings, its payment QR and its stores.
    ManageShop: [Owner];
    /// Open, change, approve and disable accounts of staff and customers.
    ManagePeople: [Owner, Manager];
    /// Make and revoke API keys.
    ManageKeys: [Owner];
    /// Read the audit log.
    ReadAudit: [Owner, Manager];
}

/// Who acts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Principal {
    /// Somebody with an account.
    User(UserId),
    /// A program with an API key.
    Key(ApiKeyId),
    /// The command line on the machine itself, or the program for itself.
    System,
}

/// Somebody who is known, with what decides about their rights.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// Who.
    pub principal: Principal,
    /// What they are in the shop.
    pub role: Role,
    /// The branch they are bound to; none means all.
    pub store: Option<StoreId>,
    /// Their name.
    pub name: String,
    /// The language of their pages.
    pub language: String,
    /// The session they came with; empty for an API key.
    pub session: String,
    /// They came with a cookie, so a browser sends it whether they want it or not.
    pub by_cookie: bool,
}

impl Caller {
    /// The program itself, with every right.
    pub fn system() -> Self {
        Self {
            principal: Principal::System,
            role: Role::Owner,
            store: None,
            name: "Kirana".to_owned(),
            language: "en".to_owned(),
            session: String::new(),
            by_cookie: false,
        }
    }

    /// Their account, if they have one.
    pub fn user(&self) -> Option<UserId> {
        if let Principal::User(id) = self.principal { Some(id) } else { None }
    }

    /// How the audit log and the idempotency keys call them: `user:7`, `key:2`, `system`.
    pub fn actor(&self) -> String {
        match self.principal {
            Principal::User(id) => format!("user:{id}"),
            Principal::Key(id) => format!("key:{id}"),
            Principal::System => "system".to_owned(),
        }
    }

    /// Works here.
    pub fn is_staff(&self) -> bool {
        self.role != Role::Customer
    }

    /// Has a right.
    pub fn may<R: Right>(&self) -> bool {
        R::ROLES.contains(&self.role)
    }

    /// May see and do things in a store.
    pub fn may_enter(&self, store: StoreId) -> bool {
        self.store.is_none_or(|own| own == store)
    }

    /// The store they mean: the one named, else their own, else the first; refused when it is not theirs.
    pub fn choose_store(&self, named: Option<StoreId>) -> Result<StoreId, Problem> {
        let store = named.or(self.store).unwrap_or(StoreId::new(1));
        if self.may_enter(store) { Ok(store) } else { Err(Problem::forbidden("You work in another store.")) }
    }

    /// The store that a question is about: the one named, else their own; none means all.
    pub fn ask_store(&self, named: Option<StoreId>) -> Result<Option<StoreId>, Problem> {
        match (named, self.store) {
            (Some(named), Some(own)) if named != own => Err(Problem::forbidden("You work in another store.")),
            (named, own) => Ok(named.or(own)),
        }
    }

    /// Binds an `Idempotency-Key` to its sender.
    pub fn claim(&self, sent: Option<SentKey>) -> Option<Claim> {
        sent.map(|sent| Claim::new(self.actor(), sent))
    }
}

/// Proof that the caller has the right `R`.
pub struct Allowed<R> {
    /// Who.
    pub caller: Caller,
    right: PhantomData<R>,
}

impl<R> std::ops::Deref for Allowed<R> {
    type Target = Caller;
    fn deref(&self) -> &Caller {
        &self.caller
    }
}

impl<R: Right, S: Send + Sync> FromRequestParts<S> for Allowed<R> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let doorman = parts.extensions.get::<Doorman>().cloned().ok_or_else(|| Problem::internal(&"no doorman"))?;
        let caller = doorman.recognise(parts).await?.ok_or_else(Problem::unauthorized)?;
        if !caller.may::<R>() {
            return Err(Problem::forbidden(format!("Your role ({}) does not allow this.", caller.role)));
        }
        Ok(Self { caller, right: PhantomData })
    }
}

/// Whoever asks, known or not; for pages that are shown to both.
pub struct Anyone(pub Option<Caller>);

impl<S: Send + Sync> FromRequestParts<S> for Anyone {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let doorman = parts.extensions.get::<Doorman>().cloned().ok_or_else(|| Problem::internal(&"no doorman"))?;
        doorman.recognise(parts).await.map(Self)
    }
}

impl OperationInput for Anyone {}

impl<R: Right> OperationInput for Allowed<R> {
    fn operation_input(_: &mut GenContext, operation: &mut Operation) {
        for scheme in ["bearer", "apiKey", "cookie"] {
            operation.security.push([(scheme.to_owned(), Vec::new())].into_iter().collect());
        }
        operation.extensions.insert("x-right".to_owned(), R::NAME.into());
        let roles: Vec<&str> = R::ROLES.iter().map(|role| role.word()).collect();
        operation.extensions.insert("x-roles".to_owned(), roles.into());
    }

    fn inferred_early_responses(
        ctx: &mut GenContext,
        _: &mut Operation,
    ) -> Vec<(Option<u16>, aide::openapi::Response)> {
        vec![
            (Some(401), crate::web::problem::described(ctx, "Nobody, or nobody we know.")),
            (Some(403), crate::web::problem::described(ctx, "The role does not have this right.")),
        ]
    }
}

/// Recognises callers; remembers them until somebody's rights change. Cheap to clone.
#[derive(Clone)]
pub struct Doorman(Arc<Inner>);

struct Inner {
    db: Db,
    clock: Clock,
    key: TokenKey,
    known: RwLock<HashMap<String, Known>>,
    /// Rises when everybody is forgotten, so that what was read before is not remembered after.
    epoch: AtomicU64,
}

#[derive(Clone)]
struct Known {
    caller: Caller,
    until: Timestamp,
}

/// How many callers are remembered.
const REMEMBERED: usize = 20_000;

impl Doorman {
    /// A doorman who is told when rights change.
    pub fn new(db: &Db, clock: Clock, key: TokenKey) -> Self {
        let doorman =
            Self(Arc::new(Inner { db: db.clone(), clock, key, known: RwLock::default(), epoch: AtomicU64::new(0) }));
        let weak = Arc::downgrade(&doorman.0);
        db.listen(move |notice| {
            if let Some(inner) = weak.upgrade()
                && (notice.topic == TOPIC_ACCESS || notice.topic == TOPIC_MISSED)
            {
                inner.epoch.fetch_add(1, Ordering::AcqRel);
                inner.known.write().expect("the doorman's memory").clear();
            }
        });
        doorman
    }

    /// The key that tokens are signed with.
    pub(in crate::staff) fn key(&self) -> &TokenKey {
        &self.0.key
    }

    /// Who sends a request; none when it carries no credentials.
    pub async fn recognise(&self, parts: &Parts) -> Result<Option<Caller>, Problem> {
        let Some(shown) = Shown::find(&parts.headers) else { return Ok(None) };
        let now = self.0.clock.now();
        let remembered = self.0.known.read().expect("the doorman's memory").get(shown.text()).cloned();
        let caller = match remembered {
            Some(known) if now < known.until => Some(known.caller),
            _ => self.look_up(&shown, now).await?,
        };
        let caller = caller.ok_or_else(Problem::unauthorized)?;
        if caller.by_cookie && !is_own_page(&parts.method, &parts.headers) {
            return Err(Problem::forbidden("This request came from another site."));
        }
        Ok(Some(caller))
    }

    async fn look_up(&self, shown: &Shown, now: Timestamp) -> Result<Option<Caller>, Problem> {
        let epoch = self.0.epoch.load(Ordering::Acquire);
        let found = match shown {
            Shown::Bearer(token) => match self.0.key.open(token, now) {
                Some(claims) => self.find_session(claims.jti, "token", now).await?,
                None => None,
            },
            Shown::Cookie(secret) => self.find_session(hash_hex(secret), "cookie", now).await?,
            Shown::Key(key) => self.find_key(key.clone(), now).await?,
        };
        let Some((caller, expires)) = found else { return Ok(None) };
        let trusted = now.plus_ms(self.0.db.trust_ms());
        let mut known = self.0.known.write().expect("the doorman's memory");
        if self.0.epoch.load(Ordering::Acquire) == epoch {
            if known.len() >= REMEMBERED {
                known.clear();
            }
            known.insert(shown.text().to_owned(), Known { caller: caller.clone(), until: expires.min(trusted) });
        }
        Ok(Some(caller))
    }

    async fn find_session(
        &self,
        id: String,
        kind: &'static str,
        now: Timestamp,
    ) -> Result<Option<(Caller, Timestamp)>, Problem> {
        self.0.db.read(move |conn| Ok(queries::find_session(conn, &id, kind, now)?)).await
    }

    async fn find_key(&self, key: String, now: Timestamp) -> Result<Option<(Caller, Timestamp)>, Problem> {
        let Some(prefix) = key_prefix(&key).map(str::to_owned) else { return Ok(None) };
        let found = self.0.db.read(move |conn| Ok::<_, Problem>(queries::find_key(conn, &prefix, now)?)).await?;
        let Some(found) = found else { return Ok(None) };
        if !bool::from(hash_hex(&key).as_bytes().ct_eq(found.secret_hash.as_bytes())) {
            return Ok(None);
        }
        let id = found.id;
        self.0.db.write(move |conn| Ok::<_, Problem>(queries::touch_key(conn, id, now)?)).await?;
        let caller = Caller {
            principal: Principal::Key(found.id),
            role: found.role,
            store: found.store_id,
            name: found.name,
            language: "en".to_owned(),
            session: String::new(),
            by_cookie: false,
        };
        // The day is looked at again each hour, so that `last used` stays roughly true.
        Ok(Some((caller, found.expires_at.unwrap_or(Timestamp::from_ms(i64::MAX)).min(now.plus_ms(3_600_000)))))
    }
}

/// SHA-256 as hex: how secrets that we made ourselves are kept.
pub fn hash_hex(secret: &str) -> String {
    Sha256::digest(secret.as_bytes()).iter().fold(String::new(), |hex, byte| format!("{hex}{byte:02x}"))
}

/// The public part of an API key: `kir_<prefix>_<secret>`.
pub(super) fn key_prefix(key: &str) -> Option<&str> {
    key.strip_prefix("kir_")?.split_once('_').map(|(prefix, _)| prefix)
}

/// Credentials as a request shows them.
enum Shown {
    Bearer(String),
    Cookie(String),
    Key(String),
}

/// The names of the session cookie: with HTTPS, and on a machine of its own.
pub const COOKIE_NAMES: [&str; 2] = ["__Host-kirana", "kirana"];

impl Shown {
    fn find(headers: &HeaderMap) -> Option<Self> {
        if let Some(text) = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()) {
            let token = text.strip_prefix("Bearer ").or_else(|| text.strip_prefix("bearer ")).unwrap_or_default();
            return Some(Self::Bearer(token.trim().to_owned()));
        }
        if let Some(key) = headers.get("x-api-key") {
            return Some(Self::Key(key.to_str().unwrap_or_default().to_owned()));
        }
        cookie(headers).map(Self::Cookie)
    }

    fn text(&self) -> &str {
        let (Self::Bearer(text) | Self::Cookie(text) | Self::Key(text)) = self;
        text
    }
}

/// The secret of the session cookie.
pub fn cookie(headers: &HeaderMap) -> Option<String> {
    let all = headers.get_all(header::COOKIE);
    all.iter().filter_map(|value| value.to_str().ok()).flat_map(|value| value.split(';')).find_map(|pair| {
        let (name, value) = pair.trim().split_once('=')?;
        (COOKIE_NAMES.contains(&name) && !value.is_empty()).then(|| value.to_owned())
    })
}

/// Whether a request that a browser may send by itself was made by one of our own pages. Reading is
/// always allowed; for the rest the browser says so in `Sec-Fetch-Site` or `Origin`.
pub fn is_own_page(method: &Method, headers: &HeaderMap) -> bool {
    if [Method::GET, Method::HEAD, Method::OPTIONS].contains(method) {
        return true;
    }
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    if let Some(site) = text("sec-fetch-site") {
        return site == "same-origin" || site == "none";
    }
    match (text("origin"), text("host")) {
        (Some(origin), Some(host)) => origin.split_once("://").is_some_and(|(_, from)| from == host),
        _ => false,
    }
}

impl Address {
    /// As text, for sessions, throttles and the audit log.
    pub fn text(self) -> String {
        self.0.to_string()
    }

    /// It is the machine's own.
    pub fn is_this_machine(self) -> bool {
        self.0.to_canonical().is_loopback()
    }
}
