//! `cargo xtask test`: runs every test, on SQLite and on PostgreSQL.

use std::ffi::OsString;
use std::process::ExitCode;

use anyhow::Result;

use crate::cluster::Cluster;
use crate::{browser, process, tools};

/// Runs all tests and doctests of the workspace, and then the journeys in a real browser. `args` go to
/// `cargo test`: who names the tests to be run gets no journeys.
///
/// Tests find their PostgreSQL server in `KIRANA_TEST_POSTGRES`, as a superuser who may create
/// databases. Nothing is printed after the test runner's last line.
pub(crate) fn run(without_browser: bool, args: &[OsString]) -> Result<ExitCode> {
    tools::for_tests(without_browser)?;

    // Tests start the server as a user would. `--tests` makes this the very build that
    // `cargo test` wants: test dependencies switch on features, and a build without them would be
    // thrown away again.
    process::must(process::cargo().args(["build", "--workspace", "--bin", "kirana", "--tests"]))?;

    // Most of a test is waiting for a disk, so more of them run at once than there are cores.
    let threads = std::env::var_os("RUST_TEST_THREADS").unwrap_or_else(|| "8".into());
    let cluster = Cluster::start(&tools::postgres()?)?;
    let status = process::run(
        process::cargo()
            .args(["test", "--workspace", "--no-fail-fast"])
            .args(args)
            .env("KIRANA_TEST_POSTGRES", cluster.url())
            .env("RUST_TEST_THREADS", threads),
    )?;
    if without_browser || !args.is_empty() {
        return Ok(process::exit_code(status));
    }
    // A failed test does not hide what the journeys find.
    let walked = browser::walk(&[])?;
    Ok(process::exit_code(if status.success() { walked } else { status }))
}
