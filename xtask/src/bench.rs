//! `cargo xtask bench`: runs one benchmark against a release build and a throw-away PostgreSQL.

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result, ensure};

use crate::cluster::Cluster;
use crate::{process, tools};

/// Runs the benchmark `name`; `args` go to it.
///
/// It finds a PostgreSQL server in `KIRANA_BENCH_POSTGRES` and the program to measure in
/// `KIRANA_BENCH_BINARY`.
pub(crate) fn run(name: &str, args: &[OsString]) -> Result<ExitCode> {
    let postgres = tools::postgres()?;
    process::must(process::cargo().args(["build", "--release", "--bin", "kirana"]))?;
    let binary = release_binary()?;

    let cluster = Cluster::start(&postgres)?;
    let status = process::run(
        process::cargo()
            .args(["bench", "--bench", name, "--"])
            .args(args)
            .env("KIRANA_BENCH_POSTGRES", cluster.url())
            .env("KIRANA_BENCH_BINARY", binary),
    )?;
    Ok(process::exit_code(status))
}

/// The release build of `kirana`. It lies beside our own build, wherever cargo was told to put
/// that: we are `<target>/debug/xtask`, it is `<target>/release/kirana`.
fn release_binary() -> Result<PathBuf> {
    let ourselves = std::env::current_exe()?;
    let target = ourselves.ancestors().nth(2).context("find the target directory")?;
    let binary = target.join("release").join("kirana");
    ensure!(binary.is_file(), "{} was not built", binary.display());
    Ok(binary)
}
