//! The command line: one file for each command.
//!
//! Results go to standard output, talk to standard error; a command that finds its database in use
//! has the server that uses it do the work (`control.rs`).

mod analyze;
mod backup;
mod check;
mod control;
mod demo;
mod doctor;
mod export;
mod failure;
mod import;
mod item;
mod key;
mod migrate;
mod moving;
mod order;
mod out;
mod report;
mod serve;
mod settings;
mod user;
mod work;

use std::process::ExitCode;

use clap::{CommandFactory as _, Parser};

use crate::config::{Config, Flags};
use failure::{Failure, NO_INPUT, Outcome};
use out::Terminal;
use work::{Task, Work};

/// Runs a shop: catalogue, stock, counter, orders, payments and reports.
#[derive(Debug, Parser)]
#[command(
    name = "kirana",
    version,
    arg_required_else_help = true,
    after_help = "Examples:
  kirana demo                            look around in a shop of sample data
  kirana serve                           open the shop on http://127.0.0.1:8000
  kirana user add --role cashier --username ravi
  kirana backup /mnt/stick/              copy everything into one file, while the shop is open
  kirana doctor                          is the shop's data safe?"
)]
struct Cli {
    #[command(subcommand)]
    command: Command,
    /// Print results as JSON.
    #[arg(long, global = true)]
    json: bool,
    /// Print results only.
    #[arg(long, short, global = true)]
    quiet: bool,
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
    /// Open a shop of sample data to look around in; nothing of it is kept.
    #[command(after_help = "Examples:
  kirana demo                            on http://127.0.0.1:8000
  kirana demo --data-dir ./demo          and keep it in a folder")]
    Demo,
    /// Prove the books: stock, orders, roll-ups, bills and the audit log, recomputed from the raw rows.
    #[command(after_help = "Ends with 0 when everything adds up and with 1 when something does not.

Example:
  kirana check --json")]
    Check,
    /// Add, list and lock accounts, and reset passwords.
    #[command(subcommand)]
    User(user::UserCommand),
    /// Add, show, change and remove what is sold; see what sold and what runs low.
    #[command(subcommand)]
    Item(item::ItemCommand),
    /// Place, show, complete and cancel orders.
    #[command(subcommand)]
    Order(order::OrderCommand),
    /// Make, list and revoke keys for other programs.
    #[command(subcommand)]
    ApiKey(key::KeyCommand),
    /// Bring products in from a file, move in from another system, and take an import back.
    #[command(subcommand)]
    Import(import::ImportCommand),
    /// Put figures together: what the stock is worth.
    #[command(subcommand)]
    Analyze(analyze::AnalyzeCommand),
    /// Write products into a file.
    #[command(subcommand)]
    Export(export::ExportCommand),
    /// Print figures: as a table, as JSON, as CSV.
    #[command(subcommand)]
    Report(report::ReportCommand),
    /// Copy the whole shop into one file, also while it is open.
    #[command(after_help = "Examples:
  kirana backup shop.sqlite      into a file that is not there yet
  kirana backup /mnt/backups/    into a file there that is named after the time")]
    Backup(backup::BackupArgs),
    /// Fill an empty database from a backup; nothing is ever overwritten.
    #[command(after_help = "Examples:
  kirana restore shop.sqlite --data-dir /srv/kirana
  kirana restore shop.sqlite --database postgres://kirana@db.example/shop")]
    Restore(backup::RestoreArgs),
    /// Look whether the shop's data is safe: engine, disk, permissions, clock, addresses.
    Doctor,
    /// Bring the database up to date with this program (`serve` does so by itself).
    Migrate,
    /// Show every setting, its value and where it came from.
    #[command(after_help = "Settings are flags, variables like KIRANA_LISTEN, or lines in kirana.toml:
  data_dir = \"/srv/kirana\"
  listen = [\"127.0.0.1:8000\", \"[::1]:8000\"]
  https = true")]
    Config,
    /// Print the API document (OpenAPI 3.1).
    Openapi,
    /// Print the completions for a shell.
    #[command(after_help = "Example:
  kirana completions bash > ~/.local/share/bash-completion/completions/kirana")]
    Completions {
        /// bash, zsh, fish, elvish or powershell
        shell: clap_complete::Shell,
    },
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
    let (json, terminal) = (cli.json, Terminal::new(cli.quiet));
    match cli.command {
        Command::Openapi => {
            out::print(&serde_json::to_string_pretty(&crate::app::api_document()).unwrap_or_default());
            Ok(())
        }
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Cli::command(), "kirana", &mut script);
            out::print(&String::from_utf8_lossy(&script));
            Ok(())
        }
        command => {
            let here =
                std::env::current_dir().map_err(|cause| Failure::new(NO_INPUT, format!("this folder: {cause}")))?;
            let config = Config::load(&cli.flags, &|name| std::env::var(name).ok(), &here)?;
            run_with(config, command, json, terminal)
        }
    }
}

fn run_with(config: Config, command: Command, json: bool, terminal: Terminal) -> Outcome {
    let task = match command {
        Command::Serve => return serve::open(config, None),
        Command::Demo => return demo::run(config),
        Command::Restore(args) => return backup::restore(&args, &config, json, terminal),
        Command::Config | Command::Openapi | Command::Completions { .. } => {
            settings::run(&config, json);
            return Ok(());
        }
        Command::Migrate => Task::Migrate,
        Command::Doctor => Task::Doctor,
        Command::Check => Task::Check,
        Command::Analyze(command) => return analyze::run(command, config, json, terminal),
        Command::Export(command) => return export::run(command, config, terminal),
        Command::ApiKey(command) => Task::Key(command),
        Command::Report(command) => Task::Report(command),
        Command::Item(command) => Task::Item(command),
        Command::Order(command) => Task::Order(command),
        Command::Import(command) => Task::Import(command.prepare()?),
        Command::User(command) => Task::User(command.prepare()?),
        Command::Backup(args) => Task::Backup(args.prepare()?),
    };
    Work { json, task }.run_where_open(config, terminal)
}
