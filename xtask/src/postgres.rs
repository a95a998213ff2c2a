//! `cargo xtask postgres`: a throw-away PostgreSQL server for a developer.

use std::process::ExitCode;

use anyhow::Result;

use crate::cluster::Cluster;
use crate::{process, tools};

/// Starts the server, prints its URL and keeps it until somebody asks us to stop.
pub(crate) fn run() -> Result<ExitCode> {
    let cluster = Cluster::start(&tools::postgres()?)?;
    println!("{}", cluster.url());
    eprintln!("Ctrl-C stops the server and removes its data.");
    process::wait_for_signal();
    Ok(ExitCode::SUCCESS)
}
