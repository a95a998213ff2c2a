//! `cargo xtask check`: everything that can be said about the code without running it.

use std::process::ExitCode;

use anyhow::{Result, bail};

use crate::process::{self, cargo};

/// Checks formatting, lints, documentation and dependencies; ends at the first failure.
pub(crate) fn run(without_deny: bool) -> Result<ExitCode> {
    process::must(cargo().args(["fmt", "--all", "--check"]))?;
    process::must(cargo().args(["clippy", "--workspace", "--all-targets"]).args(["--", "-D", "warnings"]))?;
    process::must(
        cargo()
            .args(["doc", "--workspace", "--no-deps", "--document-private-items"])
            .env("RUSTDOCFLAGS", "-D warnings"),
    )?;
    check_dependencies(without_deny)?;
    Ok(ExitCode::SUCCESS)
}

/// Checks which packages we depend on, under which licences and from where.
fn check_dependencies(without_deny: bool) -> Result<()> {
    let installed = process::ask(cargo().get_program(), &["deny", "--version"]).is_some();
    if installed {
        return process::must(cargo().args(["deny", "check", "bans", "licenses", "sources"]));
    }

    let missing = "DEPENDENCIES ARE NOT CHECKED: cargo-deny is not installed.\n  \
                   Install it: cargo install --locked cargo-deny";
    if !without_deny {
        bail!("{missing}\n  Or accept that for now: cargo xtask check --without-deny");
    }
    eprintln!("warning: {missing}");
    Ok(())
}
