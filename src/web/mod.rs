//! The kit that every route is built with: state, extractors, answers, layers, live events, pages.
//!
//! It knows no shop. Rights are checked by [`crate::staff::access`], which uses this kit.

pub mod answer;
pub mod assets;
pub mod docs;
pub mod events;
pub mod extract;
pub mod form;
pub mod idempotency;
pub mod limits;
pub mod log;
pub mod metrics;
pub mod page;
pub mod porch;
pub mod problem;
pub mod server;
pub mod texts;
pub mod tls;

use std::sync::Arc;

pub use answer::{Listed, Stored, Tagged};
pub use extract::{Fields, IfMatch, Json, Path, Query, Sent};
pub use form::Form;
pub use problem::{FieldProblem, Problem};

use crate::clock::Clock;
use crate::db::Db;
use crate::ids::Entropy;

/// What a handler answers: a value, or a problem that says what to do about it.
pub type Result<T> = std::result::Result<T, Problem>;

/// A router whose routes describe themselves.
pub type Routes = aide::axum::ApiRouter<Site>;

/// The state that every handler can ask for.
#[derive(Clone)]
pub struct Site {
    /// The database.
    pub db: Db,
    /// The time.
    pub clock: Clock,
    /// Randomness.
    pub entropy: Entropy,
    /// Live events.
    pub events: events::Events,
    /// Answers that are still right, kept by the database's generation.
    pub answers: Arc<answer::Cache>,
    /// Rates for routes that need no log-in.
    pub limits: Arc<limits::Limits>,
    /// What the operator decided.
    pub settings: Arc<Settings>,
    /// The sign over the door.
    pub sign: page::Sign,
}

/// What the operator decided about the server.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    /// Proxies whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<std::net::IpAddr>,
    /// Origins that may call the API from a browser; `*` is any.
    pub cors_origins: Vec<String>,
    /// Pages are reached by HTTPS, so cookies are marked `Secure`.
    pub https: bool,
    /// The token that opens `/metrics` from other machines.
    pub metrics_token: Option<String>,
    /// The largest file of products that is taken.
    pub largest_upload: LargestUpload,
    /// Whom the routes of other systems' documents let in.
    pub openness: Openness,
    /// Calls each minute from one address of another machine; 0 sets no limit.
    pub api_rate: u32,
}

/// How large a file of products may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LargestUpload {
    /// In MiB.
    pub mib: u32,
}

impl LargestUpload {
    /// In bytes.
    pub fn bytes(self) -> u64 {
        u64::from(self.mib) * 1024 * 1024
    }
}

impl Default for LargestUpload {
    /// Eight times a million rows.
    fn default() -> Self {
        Self { mib: 512 }
    }
}

/// Whom the routes let in that other systems' documents show without credentials, or with printed ones.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Openness {
    /// Those who have the right, like everywhere else. No setting changes this.
    #[default]
    ByRight,
    /// Whoever sends what the document shows; only the demo shop does so, where nothing can be lost.
    AsDocumented,
}

impl Settings {
    /// What the documents show openly is open.
    pub fn is_open(&self) -> bool {
        self.openness == Openness::AsDocumented
    }
}
