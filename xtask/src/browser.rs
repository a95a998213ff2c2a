//! `cargo xtask browser`: the journeys of `tests/browser` in a real browser.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, ExitStatus};

use anyhow::{Context, Result};

use crate::{process, tools};

/// Where the journeys are, from the workspace's root.
const JOURNEYS: &str = "tests/browser";

/// Builds the program and walks the journeys whose names hold every one of `filters`.
pub(crate) fn run(filters: &[OsString]) -> Result<ExitCode> {
    process::must(process::cargo().args(["build", "--workspace", "--bin", "kirana", "--tests"]))?;
    walk(filters).map(process::exit_code)
}

/// Walks journeys with the program that was built last.
pub(crate) fn walk(filters: &[OsString]) -> Result<ExitStatus> {
    let chromium = tools::chromium()?;
    let node = tools::node()?;
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().context("xtask is in a workspace")?;
    let journeys = root.join(JOURNEYS);
    fetch_libraries(&journeys)?;
    process::run(
        Command::new(node)
            .arg(journeys.join("run.mjs"))
            .args(filters)
            .current_dir(root)
            .env("KIRANA_CHROMIUM", chromium)
            .env("KIRANA_PROGRAM", program(root)),
    )
}

/// Fetches what `package-lock.json` names, unless it is there already.
fn fetch_libraries(journeys: &Path) -> Result<()> {
    let lock = journeys.join("package-lock.json");
    let wanted = fs::read(&lock).with_context(|| format!("read {}", lock.display()))?;
    let noted = journeys.join("node_modules/.fetched");
    if fs::read(&noted).is_ok_and(|fetched| fetched == wanted) {
        return Ok(());
    }
    process::must(Command::new("npm").arg("ci").current_dir(journeys))?;
    fs::write(&noted, wanted).with_context(|| format!("write {}", noted.display()))
}

/// Where cargo puts the program.
fn program(root: &Path) -> PathBuf {
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), |dir| root.join(dir));
    target.join("debug/kirana")
}
