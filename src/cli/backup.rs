//! `kirana backup` and `kirana restore`: the whole shop in one file, and back.

use std::path::PathBuf;
use std::time::Instant;

use serde::{Deserialize, Serialize};
use serde_json::json;

use super::failure::{Failure, Outcome};
use super::out::{Out, Terminal};
use super::work::Context;
use crate::clock::{Clock, Timestamp};
use crate::config::Config;
use crate::db;

/// What stands after `backup`.
#[derive(Debug, clap::Args)]
pub struct BackupArgs {
    /// The file to make, or a folder for one that is named after the time. Nothing is overwritten.
    file: PathBuf,
}

/// What stands after `restore`.
#[derive(Debug, clap::Args)]
pub struct RestoreArgs {
    /// A file that `kirana backup` made.
    file: PathBuf,
}

/// A backup that is wanted.
#[derive(Debug, Serialize, Deserialize)]
pub struct Task {
    to: PathBuf,
}

impl BackupArgs {
    /// Finds the file's full name, which a server in another folder needs.
    pub fn prepare(self) -> Result<Task, Failure> {
        let mut to = std::path::absolute(&self.file).map_err(|cause| Failure::file(&self.file, &cause))?;
        if to.is_dir() {
            to.push(file_name(Clock::system().now()));
        }
        Ok(Task { to })
    }
}

fn file_name(now: Timestamp) -> String {
    now.jiff().strftime("kirana-%Y%m%d-%H%M%S.sqlite").to_string()
}

impl Task {
    /// Copies the database while others go on using it, and reads the copy back.
    pub async fn run(self, context: &Context, as_json: bool, out: &Out) -> Outcome {
        let began = Instant::now();
        context.db.backup(self.to.clone()).await?;
        let bytes = std::fs::metadata(&self.to).map_err(|cause| Failure::file(&self.to, &cause))?.len();
        let took = began.elapsed();
        if as_json {
            out.json(&json!({ "file": self.to, "bytes": bytes, "milliseconds": took.as_millis(), "verified": true }));
        } else {
            let (file, size, seconds) = (self.to.display(), size(bytes), took.as_secs_f64());
            out.result(format!("{file}: {size}, copied and read back in {seconds:.1} s"));
        }
        Ok(())
    }
}

/// Fills an empty database from a backup.
pub fn restore(args: &RestoreArgs, config: &Config, as_json: bool, mut terminal: Terminal) -> Outcome {
    let began = Instant::now();
    if let Err(cause) = std::fs::metadata(&args.file) {
        return Err(Failure::new(super::failure::NO_INPUT, format!("{}: {cause}", args.file.display())));
    }
    config.make_data_dir()?;
    db::restore(&args.file, &config.db_options())?;
    let milliseconds = began.elapsed().as_millis();
    if as_json {
        let answer =
            json!({ "file": args.file, "database": config.database.to_string(), "milliseconds": milliseconds });
        super::out::print(&serde_json::to_string_pretty(&answer).unwrap_or_default());
    } else {
        super::out::print(&format!("{} now holds the shop from {}", config.database, args.file.display()));
        if !config.secret_file.exists() {
            let note = "The key of log-ins is not part of a backup: everybody logs in again.".to_owned();
            terminal.show(super::out::Said::Talk(note));
        }
    }
    Ok(())
}

/// A number of bytes for people.
pub fn size(bytes: u64) -> String {
    let units = ["bytes", "kB", "MB", "GB", "TB"];
    let mut unit = 0;
    let (mut whole, mut tenths) = (bytes, 0);
    while whole >= 1000 && unit + 1 < units.len() {
        tenths = whole % 1000 / 100;
        whole /= 1000;
        unit += 1;
    }
    if unit == 0 { format!("{whole} {}", units[0]) } else { format!("{whole}.{tenths} {}", units[unit]) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_shown_in_the_largest_unit_that_fits() {
        let shown: Vec<String> = [0, 999, 1000, 1_234_567, 20_000_000_000].map(size).to_vec();
        assert_eq!(shown, ["0 bytes", "999 bytes", "1.0 kB", "1.2 MB", "20.0 GB"]);
    }
}
