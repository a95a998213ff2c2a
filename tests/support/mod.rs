//! What tests are written with: a shop with a stopped clock, people who sign in, and their clients.
//!
//! A test is a function over a [`Shop`]; [`on_both!`] runs it on a fresh database of each engine:
//!
//! ```ignore
//! on_both!(a_stranger_is_told_to_log_in);
//! async fn a_stranger_is_told_to_log_in(shop: Shop) {
//!     let reply = shop.stranger().get("/api/auth/me").await;
//!     assert_snapshot!(reply, @r#"401 {"code":"unauthorized","detail":"Log in to do this."}"#);
//! }
//! ```

mod client;
mod database;
mod goods;
mod process;
mod product;
mod shop;
mod source;

use std::future::Future;

pub use client::{Client, Reply};
pub use database::{Engine, Scratch, lines_of, open};
pub use process::Process;
pub use shop::{KEY, Shop};
pub use source::{Kind as TokenKind, Source, Token, sources, tokens};

/// Runs a test over a [`Shop`] once on each engine.
macro_rules! on_both {
    ($name:ident) => {
        mod $name {
            #[test]
            fn sqlite() {
                $crate::support::run($crate::support::Engine::Sqlite, super::$name);
            }

            #[test]
            fn postgres() {
                $crate::support::run($crate::support::Engine::Postgres, super::$name);
            }
        }
    };
}
pub(crate) use on_both;

/// Runs a test over a [`Shop`] that opens what documents show openly, once on each engine.
macro_rules! in_demo {
    ($name:ident) => {
        mod $name {
            #[test]
            fn sqlite() {
                $crate::support::run_in_demo($crate::support::Engine::Sqlite, super::$name);
            }

            #[test]
            fn postgres() {
                $crate::support::run_in_demo($crate::support::Engine::Postgres, super::$name);
            }
        }
    };
}
pub(crate) use in_demo;

/// Opens a shop and runs a test in it.
pub fn run<F: Future<Output = ()>>(engine: Engine, test: impl FnOnce(Shop) -> F) {
    block_on(async { test(Shop::open(engine).await).await });
}

/// The same in a shop that opens what documents show openly.
pub fn run_in_demo<F: Future<Output = ()>>(engine: Engine, test: impl FnOnce(Shop) -> F) {
    block_on(async { test(Shop::open_as_documented(engine).await).await });
}

/// Runs a future on a runtime of its own. Each inline snapshot is seen once for each engine.
pub fn block_on(test: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    insta::allow_duplicates! { runtime.block_on(test) }
}

/// How often a test repeats itself: as the environment says, for a longer run, or as always.
pub fn repeats(variable: &str, usual: usize) -> usize {
    std::env::var(variable).map_or(usual, |text| text.parse().unwrap())
}
