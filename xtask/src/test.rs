//! `cargo xtask test`: runs every test, on SQLite and on PostgreSQL.

use std::ffi::OsString;
use std::process::ExitCode;

use anyhow::Result;

use crate::cluster::Cluster;
use crate::{process, tools};

/// Runs all tests and doctests of the workspace; `args` go to `cargo test`.
///
/// Tests find their PostgreSQL server in `KIRANA_TEST_POSTGRES`, as a superuser who may create
/// databases. Nothing is printed after the test runner's last line.
pub(crate) fn run(args: &[OsString]) -> Result<ExitCode> {
    tools::for_tests()?;

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
    Ok(process::exit_code(status))
}
