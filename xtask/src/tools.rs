//! `cargo xtask tools`: makes sure that the programs the tests need are installed.
//!
//! What is missing is installed where we may do so: as root, from the packages of Debian or Ubuntu.
//! Elsewhere we say what to install, and fail. Tests are never skipped because a program is absent.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use crate::{cluster, process};

/// The oldest PostgreSQL we support.
const POSTGRES_MIN: u32 = 15;

/// Where PostgreSQL versions live side by side: a directory, and what stands before the version.
const POSTGRES_HOMES: [(&str, &str); 4] = [
    ("/usr/lib/postgresql", ""),
    ("/usr", "pgsql-"),
    ("/opt/homebrew/opt", "postgresql@"),
    ("/usr/local/opt", "postgresql@"),
];

/// What the browser is called; the first that exists is taken.
const CHROMIUM_NAMES: [&str; 6] = [
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
];

/// How we keep Debian's packages from creating and starting a server of their own.
const CREATE_CLUSTER_CONF: &str = "/etc/postgresql-common/createcluster.conf";

/// A program that tests run.
struct Tool {
    /// What we call it.
    name: &'static str,
    /// Says where it is.
    find: fn() -> Option<PathBuf>,
    /// The packages of Debian and Ubuntu.
    packages: &'static [&'static str],
    /// How to get it elsewhere.
    elsewhere: &'static str,
}

/// The database server, as the directory of its programs.
const POSTGRES: Tool = Tool {
    name: "PostgreSQL 15 or newer (initdb, pg_ctl, postgres)",
    find: find_postgres,
    packages: &["postgresql"],
    elsewhere: "macOS: brew install postgresql@17; all others: https://www.postgresql.org/download/",
};

/// The browser, with a font that has Devanagari and the rupee sign: without one, pages in Hindi
/// are pictures of empty boxes.
const CHROMIUM: Tool = Tool {
    name: "Chromium",
    find: find_chromium,
    packages: &["chromium", "fonts-noto-core"],
    elsewhere: "macOS: brew install --cask chromium; Ubuntu: Google Chrome's own package will do",
};

/// Watches system calls, for tests that prove what is on disk before a reply is sent.
const STRACE: Tool =
    Tool { name: "strace", find: || find_program("strace"), packages: &["strace"], elsewhere: "Linux only" };

/// Runs the journeys in the browser, and fetches their two libraries.
const NODE: Tool = Tool {
    name: "Node.js 20 or newer, with npm",
    find: find_node,
    packages: &["nodejs", "npm"],
    elsewhere: "macOS: brew install node; all others: https://nodejs.org/en/download",
};

/// The oldest Node.js that the journeys' libraries run on.
const NODE_MIN: u32 = 20;

/// What the tests need on this system.
const FOR_TESTS: &[&Tool] = if cfg!(target_os = "linux") { &[&POSTGRES, &STRACE] } else { &[&POSTGRES] };

/// What the journeys in a browser need.
const FOR_JOURNEYS: &[&Tool] = &[&CHROMIUM, &NODE];

/// The command: installs what is missing and prints what there is.
pub(crate) fn run() -> Result<ExitCode> {
    for_tests(false)?;
    print_version(&postgres()?.join("postgres"), "--version");
    print_version(&chromium()?, "--version");
    print_version(&node()?, "--version");
    if let Some(strace) = (STRACE.find)() {
        print_version(&strace, "-V");
    }
    Ok(ExitCode::SUCCESS)
}

/// Makes sure of every program that some test runs.
pub(crate) fn for_tests(without_browser: bool) -> Result<()> {
    require(FOR_TESTS)?;
    if without_browser { Ok(()) } else { require(FOR_JOURNEYS) }
}

/// Makes sure of Node.js and npm, and returns where the first is.
pub(crate) fn node() -> Result<PathBuf> {
    require(&[&NODE])?;
    (NODE.find)().context("Node.js went away")
}

/// Makes sure of a PostgreSQL server that is new enough, and returns the directory of its programs.
pub(crate) fn postgres() -> Result<PathBuf> {
    require(&[&POSTGRES])?;
    (POSTGRES.find)().context("PostgreSQL went away")
}

/// Makes sure of the browser and returns where it is.
pub(crate) fn chromium() -> Result<PathBuf> {
    require(&[&CHROMIUM])?;
    (CHROMIUM.find)().context("Chromium went away")
}

/// Makes sure of some tools: installs those that are missing, or says how to.
fn require(tools: &[&Tool]) -> Result<()> {
    let missing = || -> Vec<&Tool> {
        let absent = tools.iter().filter(|tool| (tool.find)().is_none());
        absent.copied().collect()
    };

    let wanted = missing();
    if wanted.is_empty() {
        return Ok(());
    }
    if may_install() {
        install(&wanted)?;
    }
    let wanted = missing();
    ensure!(wanted.is_empty(), "{}", how_to_install(&wanted));
    Ok(())
}

/// Installs tools from the system's packages. Failure is not ours to report: some may be there now.
fn install(tools: &[&Tool]) -> Result<()> {
    let packages = packages(tools);
    eprintln!("installing {}", packages.join(" "));
    keep_debian_from_serving()?;
    update_package_lists()?;
    for tool in tools {
        // One by one: a package that does not exist here must not keep us from the others.
        process::run(
            apt_get()
                .args(["install", "--yes", "--no-install-recommends"])
                .args(["-o", "DPkg::Lock::Timeout=300"])
                .args(["-o", "Dpkg::Options::=--force-confold"])
                .args(tool.packages),
        )?;
    }
    Ok(())
}

/// Says what is missing and how to get it.
fn how_to_install(missing: &[&Tool]) -> String {
    let mut text = String::from("tests need programs that are missing here:");
    for tool in missing {
        let _ = write!(text, "\n  {} ({})", tool.name, tool.elsewhere);
    }
    let packages = packages(missing).join(" ");
    let _ = write!(
        text,
        "\nOn Debian and Ubuntu, install them by\n  \
         sudo apt-get install --no-install-recommends {packages}"
    );
    text
}

/// The packages of Debian and Ubuntu for some tools.
fn packages(tools: &[&Tool]) -> Vec<&'static str> {
    let packages = tools.iter().flat_map(|tool| tool.packages);
    packages.copied().collect()
}

/// Prints where a program is and what it says of itself.
fn print_version(program: &Path, option: &str) {
    let answer = process::ask(program, &[option]).unwrap_or_default();
    let version = answer.lines().next().unwrap_or_default().trim();
    println!("{}: {version}", program.display());
}

/// Fetches the lists of packages. Another `apt-get` may hold them locked, so it is tried again;
/// when that fails as well, the lists at hand may still do.
fn update_package_lists() -> Result<()> {
    for _ in 0..6 {
        if process::run(apt_get().arg("update"))?.success() {
            return Ok(());
        }
        thread::sleep(Duration::from_secs(5));
    }
    eprintln!("warning: `apt-get update` failed; going on with the package lists at hand");
    Ok(())
}

/// `apt-get`, which asks nothing.
fn apt_get() -> Command {
    let mut command = Command::new("apt-get");
    command.env("DEBIAN_FRONTEND", "noninteractive");
    command
}

/// Whether we may install packages: as root, where there is `apt-get`.
fn may_install() -> bool {
    cluster::is_root() && find_program("apt-get").is_some()
}

/// Debian's packages create and start a server on installation, unless this file says no. What an
/// administrator wrote there stays.
fn keep_debian_from_serving() -> Result<()> {
    let path = Path::new(CREATE_CLUSTER_CONF);
    if path.exists() {
        return Ok(());
    }
    if let Some(directory) = path.parent() {
        fs::create_dir_all(directory)?;
    }
    fs::write(path, "create_main_cluster = false\n").with_context(|| format!("write {CREATE_CLUSTER_CONF}"))
}

/// The directory of a PostgreSQL server that is new enough: the one in `PATH`, else the newest.
fn find_postgres() -> Option<PathBuf> {
    let mut newest_first: Vec<(u32, PathBuf)> =
        POSTGRES_HOMES.iter().flat_map(|(home, prefix)| versions(Path::new(home), prefix)).collect();
    newest_first.sort_by_key(|(version, _)| std::cmp::Reverse(*version));

    search_path().into_iter().chain(newest_first.into_iter().map(|(_, directory)| directory)).find(|directory| {
        ["initdb", "pg_ctl"].iter().all(|program| directory.join(program).is_file())
            && process::ask(directory.join("postgres"), &["--version"])
                .and_then(|answer| major_version(&answer))
                .is_some_and(|version| version >= POSTGRES_MIN)
    })
}

/// The versions installed side by side in `home`, with the directories of their programs.
fn versions(home: &Path, prefix: &str) -> Vec<(u32, PathBuf)> {
    let entries = fs::read_dir(home).into_iter().flatten().flatten();
    entries
        .filter_map(|entry| {
            let name = entry.file_name();
            let version = name.to_str()?.strip_prefix(prefix)?.parse().ok()?;
            Some((version, entry.path().join("bin")))
        })
        .collect()
}

/// Reads `postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)` as 15.
fn major_version(answer: &str) -> Option<u32> {
    let version = answer.split_once("(PostgreSQL)")?.1.trim_start();
    let digits = version.find(|c: char| !c.is_ascii_digit());
    version[..digits.unwrap_or(version.len())].parse().ok()
}

/// The browser, under any of its names.
fn find_chromium() -> Option<PathBuf> {
    CHROMIUM_NAMES.iter().find_map(|name| find_program(name))
}

/// Node.js, if it is new enough and npm stands beside it.
fn find_node() -> Option<PathBuf> {
    let node = find_program("node")?;
    let version = process::ask(&node, &["--version"])?;
    let major: u32 = version.trim().trim_start_matches('v').split('.').next()?.parse().ok()?;
    (major >= NODE_MIN && find_program("npm").is_some()).then_some(node)
}

/// Where a program is: in `PATH`, or just where it says.
fn find_program(name: &str) -> Option<PathBuf> {
    // Joining an absolute path gives that path.
    search_path().into_iter().map(|directory| directory.join(name)).find(|path| path.is_file())
}

/// The directories of `PATH`.
fn search_path() -> Vec<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).collect()
}

#[cfg(test)]
mod tests {
    use super::major_version;

    #[test]
    fn the_version_is_read_from_what_postgres_says() {
        let cases = [
            ("postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)", Some(15)),
            ("postgres (PostgreSQL) 18beta1", Some(18)),
            ("postgres (PostgreSQL) 17", Some(17)),
            ("postgres (PostgreSQL) 9.6.24", Some(9)),
            ("postgres (EnterpriseDB) 15.2", None),
            ("", None),
        ];

        for (answer, version) in cases {
            assert_eq!(major_version(answer), version, "{answer}");
        }
    }
}
