//! A whole shop: the real router on a real port, with a fresh database and a clock that stands still.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use kirana::app::{App, Parts};
use kirana::audit::By;
use kirana::clock::{Clock, Timestamp};
use kirana::db::{Conn, Db, Query, TOPIC_ACCESS};
use kirana::ids::{Entropy, StoreId, UserId};
use kirana::staff::actions::{Carrier, Origin, open_account, open_session};
use kirana::staff::{NewUser, Role, StaffError, Status, TokenKey, password};
use kirana::web::{Openness, Settings, server};
use tokio::net::TcpListener;
use tokio::sync::watch;

use super::client::Client;
use super::database::{Engine, Scratch, open};

/// The key that the shop's tokens are signed with.
pub const KEY: [u8; 32] = [7; 32];

/// A shop that is open; it closes when it is dropped.
pub struct Shop {
    pub clock: Clock,
    pub entropy: Entropy,
    pub db: Db,
    pub app: App,
    address: SocketAddr,
    end: watch::Sender<bool>,
    people: Mutex<People>,
    /// Behind all that use it: fields are dropped in this order.
    pub scratch: Arc<Scratch>,
}

#[derive(Default)]
struct People {
    owner: Option<UserId>,
    count: usize,
}

kirana::statements! {
    DISABLE(Int) = "update users set status = 'disabled' where id = $1";
    BIND(Int, Int) = "update users set store_id = $2 where id = $1";
}

impl Shop {
    /// Opens a shop at ten o'clock on a Monday morning in Kolkata.
    pub async fn open(engine: Engine) -> Self {
        Self::open_with(engine, Settings::default()).await
    }

    /// Opens a shop whose documented routes are open, as in the shop of sample data.
    pub async fn open_as_documented(engine: Engine) -> Self {
        Self::open_with(engine, Settings { openness: Openness::AsDocumented, ..Settings::default() }).await
    }

    async fn open_with(engine: Engine, settings: Settings) -> Self {
        let scratch = Arc::new(Scratch::new(engine));
        let db = open(scratch.location()).unwrap();
        let clock = Clock::stopped_at(Timestamp::parse("2026-03-02T04:30:00Z").unwrap());
        let entropy = Entropy::seeded(1);
        let app = App::build(Parts {
            db: db.clone(),
            clock: clock.clone(),
            entropy: entropy.clone(),
            key: TokenKey::new(KEY),
            settings,
            hashers: 2,
            // Tests are faster than any person.
            public_rate: 1_000_000,
            metrics: None,
        });
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let (end, ended) = watch::channel(false);
        tokio::spawn(server::serve(vec![listener], app.router.clone(), ended));
        Self { clock, entropy, db, app, address, end, people: Mutex::default(), scratch }
    }

    /// Somebody who has not signed in.
    pub fn stranger(&self) -> Client {
        Client::new(self.address)
    }

    /// Signs in with an account of a role: the owner's, of whom there is one, or a new one.
    pub async fn sign_in(&self, role: Role) -> Client {
        let known = self.people.lock().unwrap().owner.filter(|_| role == Role::Owner);
        let user = if let Some(owner) = known {
            owner
        } else {
            let login = format!("{role}{}", self.next_number());
            self.open_account(role, &login, None, Status::Active).await
        };
        let token = self.open_session(user, Carrier::Token).await;
        let mut client = self.stranger().with_token(&token);
        client.user = Some(user);
        client
    }

    /// Opens an account that logs in with `<login>@example.com` and a password, if it has one.
    pub async fn open_account(&self, role: Role, login: &str, secret: Option<&str>, status: Status) -> UserId {
        let now = self.clock.now();
        let new = NewUser {
            email: Some(format!("{login}@example.com")),
            first_name: login.to_owned(),
            password_hash: secret.map(|secret| password::hash(&self.entropy, secret)),
            ..NewUser::default()
        };
        let open = move |conn: &mut Conn<'_>| open_account(conn, &new, role, status, By::system(now));
        let user = self.db.write::<_, StaffError>(open).await.unwrap();
        if role == Role::Owner {
            self.people.lock().unwrap().owner = Some(user);
        }
        user
    }

    /// Signs in with a new account that is bound to one store.
    pub async fn sign_in_at(&self, role: Role, store: StoreId) -> Client {
        let client = self.sign_in(role).await;
        let user = client.user.unwrap();
        self.db.write(move |conn| conn.execute(&BIND, &[user.into(), store.into()])).await.map_err(said).unwrap();
        client
    }

    /// So many customers, each signed in and with a connection of their own.
    pub async fn sign_in_customers(&self, count: usize) -> Vec<Client> {
        let (entropy, now, first) = (self.entropy.clone(), self.clock.now(), self.next_number());
        let open = move |conn: &mut Conn<'_>| {
            let mut known = Vec::with_capacity(count);
            for number in 0..count {
                let email = Some(format!("buyer{first}.{number}@example.com"));
                let new = NewUser { email, first_name: "Buyer".to_owned(), ..NewUser::default() };
                let user = open_account(conn, &new, Role::Customer, Status::Active, By::system(now))?;
                let key = TokenKey::new(KEY);
                let token = open_session(conn, user, Carrier::Token, &key, &entropy, &Origin::default(), now)?;
                known.push((user, token));
            }
            Ok::<_, StaffError>(known)
        };
        let known = self.db.write(open).await.unwrap();
        let sign_in = |(user, token): (UserId, String)| {
            let mut client = self.stranger().with_token(&token);
            client.user = Some(user);
            client
        };
        known.into_iter().map(sign_in).collect()
    }

    /// Opens a session; returns the token or the cookie's secret.
    pub async fn open_session(&self, user: UserId, carrier: Carrier) -> String {
        let (key, entropy, now) = (TokenKey::new(KEY), self.entropy.clone(), self.clock.now());
        self.db
            .write::<_, StaffError>(move |conn| {
                open_session(conn, user, carrier, &key, &entropy, &Origin::default(), now)
            })
            .await
            .unwrap()
    }

    /// Disables an account behind the back of the log-in.
    pub async fn disable(&self, user: UserId) {
        self.db
            .write(move |conn| {
                conn.announce(TOPIC_ACCESS, user.to_string());
                conn.execute(&DISABLE, &[user.into()])
            })
            .await
            .map_err(said)
            .unwrap();
    }

    /// The one number that a query answers with.
    pub async fn number(&self, sql: &str) -> i64 {
        let sql: &'static str = sql.to_owned().leak();
        let (number,): (i64,) =
            self.db.read(move |conn| conn.only(&Query::new(sql, sql, sql, &[]), &[])).await.map_err(said).unwrap();
        number
    }

    /// Runs a statement as if the program had.
    pub async fn execute(&self, sql: &str) {
        let sql: &'static str = sql.to_owned().leak();
        self.db.write(move |conn| conn.execute(&Query::new(sql, sql, sql, &[]), &[])).await.map_err(said).unwrap();
    }

    /// Fails unless the books are right.
    pub async fn check_books(&self) {
        let verdict = self.db.read(kirana::check::run).await.map_err(said).unwrap();
        assert!(verdict.ok, "{:#?} and {} more", verdict.findings, verdict.more);
    }

    /// Moves the clock to the machine's, which is what processes of their own go by.
    pub fn set_clock(&self) {
        self.clock.advance_ms(Clock::system().now().as_ms() - self.clock.now().as_ms());
    }

    /// Closes the shop and hands over its database, for processes of their own.
    pub fn close(self) -> Arc<Scratch> {
        self.scratch.clone()
    }

    fn next_number(&self) -> usize {
        let mut people = self.people.lock().unwrap();
        people.count += 1;
        people.count
    }
}

fn said(error: kirana::db::Error) -> String {
    error.to_string()
}

impl Drop for Shop {
    fn drop(&mut self) {
        let _ = self.end.send(true);
        self.db.close();
    }
}
