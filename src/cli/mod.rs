//! The command line: one file for each command.

mod failure;
mod serve;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;

use crate::config::{Config, Flags};
use failure::{Failure, NO_INPUT, Outcome};

/// Runs a shop: catalogue, stock, counter, orders, payments and reports.
#[derive(Debug, Parser)]
#[command(name = "kirana", version, arg_required_else_help = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
    #[command(flatten)]
    flags: Flags,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Open the shop and keep it open until Ctrl-C.
    #[command(after_help = "Examples:
  kirana serve                           on http://127.0.0.1:8000, data in ~/.local/share/kirana
  kirana serve --listen 127.0.0.1:9000   on another port
  kirana serve --database postgres://kirana@db.example/shop")]
    Serve,
}

/// Parses the command line, runs the command and says how it went.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    match run(cli) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("kirana: {}", failure.sentence);
            ExitCode::from(failure.code)
        }
    }
}

fn run(cli: Cli) -> Outcome {
    let here = std::env::current_dir().map_err(|cause| Failure::new(NO_INPUT, format!("this folder: {cause}")))?;
    let config = Config::load(&cli.flags, &|name| std::env::var(name).ok(), &here)?;
    match cli.command {
        Command::Serve => serve::run(config),
    }
}
