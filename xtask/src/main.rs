//! The project's own commands, run as `cargo xtask <command>`.
//!
//! In reading order:
//!
//! - [`mod@test`], [`browser`], [`check`], [`mod@bench`], [`postgres`], [`screenshots`], [`tools`]: one command each;
//! - [`cluster`]: a throw-away PostgreSQL server;
//! - [`process`]: starting other programs, and stopping them again;
//! - [`scratch`]: directories that are removed when we are done.

mod bench;
mod browser;
mod check;
mod cluster;
mod postgres;
mod process;
mod scratch;
mod screenshots;
mod test;
mod tools;

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Kirana's own commands.
#[derive(Parser)]
#[command(name = "xtask", bin_name = "cargo xtask")]
struct Cli {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Run every test, on SQLite and on a throw-away PostgreSQL
    Test {
        /// Leave out the journeys in a real browser, where there is no Chromium
        #[arg(long)]
        without_browser: bool,
        /// Runs these tests alone: passed on to `cargo test`: a filter, or `--test main sells -- --nocapture`
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        args: Vec<OsString>,
    },
    /// Walk the journeys through the pages in a real browser
    Browser {
        /// What the names of the journeys must hold, such as `set_up`
        filters: Vec<OsString>,
    },
    /// Check formatting, lints, documentation and dependencies
    Check {
        /// Go on when cargo-deny is not installed
        #[arg(long)]
        without_deny: bool,
    },
    /// Run one benchmark against a release build and a throw-away PostgreSQL
    Bench {
        /// The name of the benchmark, such as `orders`
        name: String,
        /// Passed on to the benchmark
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        args: Vec<OsString>,
    },
    /// Start a throw-away PostgreSQL, print its URL and keep it until Ctrl-C
    Postgres,
    /// Photograph the pages of a running server: phone and desk, light and dark, English and Hindi
    Screenshots {
        /// Where the server answers, such as `http://127.0.0.1:8000`
        #[arg(long)]
        url: String,
        /// The directory the PNG files go to; made when absent
        #[arg(long)]
        out: PathBuf,
    },
    /// Make sure that the programs the tests need are installed
    Tools,
}

fn main() -> ExitCode {
    // Commands return instead of exiting, so that servers are stopped and directories removed
    // before the answer is given.
    let answer = process::listen_for_signals().and_then(|()| match Cli::parse().task {
        Task::Test { without_browser, args } => test::run(without_browser, &args),
        Task::Browser { filters } => browser::run(&filters),
        Task::Check { without_deny } => check::run(without_deny),
        Task::Bench { name, args } => bench::run(&name, &args),
        Task::Postgres => postgres::run(),
        Task::Screenshots { url, out } => screenshots::run(&url, &out),
        Task::Tools => tools::run(),
    });

    match answer {
        Ok(code) => code,
        Err(error) => {
            if let Some(interrupted) = error.downcast_ref::<process::Interrupted>() {
                return interrupted.die();
            }
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
