//! What a command says: results on standard output, talk on standard error.

use std::fs::File;
use std::io::{IsTerminal as _, Write as _};
use std::path::{Path, PathBuf};

use indicatif::ProgressBar;
use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;

use super::failure::{CANNOT_CREATE, FAILED, Failure, Outcome};

/// One thing that a command says, here or from inside the server that runs it for us.
#[derive(Debug, Serialize, Deserialize)]
pub enum Said {
    /// A result, which another program may read.
    Result(String),
    /// Talk for whoever sits there.
    Talk(String),
    /// How many of how many are done.
    Progress(u64, u64),
    /// It is over: the exit code, and why when it is not 0.
    End(u8, String),
}

/// Where a command says things.
#[derive(Clone)]
pub struct Out(mpsc::UnboundedSender<Said>);

impl Out {
    /// A place to say things, and the end at which they come out.
    pub fn new() -> (Self, mpsc::UnboundedReceiver<Said>) {
        let (sender, receiver) = mpsc::unbounded_channel();
        (Self(sender), receiver)
    }

    /// Says a result, a line or several.
    pub fn result(&self, text: impl Into<String>) {
        self.say(Said::Result(text.into()));
    }

    /// Says a result as JSON.
    pub fn json(&self, value: &impl Serialize) {
        self.result(serde_json::to_string_pretty(value).unwrap_or_default());
    }

    /// Says something to whoever sits there.
    pub fn talk(&self, text: impl Into<String>) {
        self.say(Said::Talk(text.into()));
    }

    /// Says how many of how many are done.
    pub fn progress(&self, done: u64, all: u64) {
        self.say(Said::Progress(done, all));
    }

    /// Says how it ended.
    pub fn end(&self, outcome: Outcome) {
        self.say(match outcome {
            Ok(()) => Said::End(0, String::new()),
            Err(failure) => Said::End(failure.code, failure.sentence),
        });
    }

    fn say(&self, said: Said) {
        // Somebody who no longer listens needs no answer; the command goes on to its end.
        let _ = self.0.send(said);
    }
}

/// The terminal, or the files and pipes that stand for it.
#[derive(Debug)]
pub struct Terminal {
    /// Only results are shown.
    quiet: bool,
    /// Where results go instead of standard output.
    file: Option<(PathBuf, File)>,
    /// How far it is, where somebody sees it.
    bar: ProgressBar,
}

impl Terminal {
    /// The terminal that the program was started in.
    pub fn new(quiet: bool) -> Self {
        let seen = !quiet && std::io::stderr().is_terminal();
        Self { quiet, file: None, bar: if seen { ProgressBar::no_length() } else { ProgressBar::hidden() } }
    }

    /// Sends results into a new file.
    pub fn writing_to(self, path: &Path) -> Result<Self, Failure> {
        let made = File::options().write(true).create_new(true).open(path).map_err(|cause| match cause.kind() {
            std::io::ErrorKind::AlreadyExists => std::io::Error::other("it is there already and is not overwritten"),
            _ => cause,
        });
        let file = made.map_err(|cause| Failure::new(CANNOT_CREATE, format!("{}: {cause}", path.display())))?;
        Ok(Self { file: Some((path.to_owned(), file)), ..self })
    }

    /// Shows what was said; the outcome once it is over.
    pub fn show(&mut self, said: Said) -> Option<Outcome> {
        match said {
            Said::Result(text) => match &mut self.file {
                None => self.bar.suspend(|| print(&text)),
                Some((path, file)) => {
                    if let Err(cause) = file.write_all(text.as_bytes()) {
                        return Some(Err(Failure::file(path, &cause)));
                    }
                }
            },
            Said::Talk(text) if !self.quiet => self.bar.suspend(|| eprintln!("{text}")),
            Said::Talk(_) => {}
            Said::Progress(done, all) => {
                self.bar.set_length(all);
                self.bar.set_position(done);
            }
            Said::End(0, _) => {
                self.bar.finish_and_clear();
                return Some(Ok(()));
            }
            Said::End(code, sentence) => {
                self.bar.finish_and_clear();
                return Some(Err(Failure::new(code, sentence)));
            }
        }
        None
    }

    /// Shows what is said until it is over.
    pub fn show_all(mut self, mut said: mpsc::UnboundedReceiver<Said>) -> Outcome {
        while let Some(one) = said.blocking_recv() {
            if let Some(outcome) = self.show(one) {
                return outcome;
            }
        }
        Err(Failure::new(FAILED, "the command broke off"))
    }
}

/// Prints to standard output. A reader that went away, like `head`, is no failure.
pub fn print(text: &str) {
    let mut out = std::io::stdout().lock();
    let end = if text.ends_with('\n') { "" } else { "\n" };
    let _ = write!(out, "{text}{end}").and_then(|()| out.flush());
}

/// A table without lines, which people and `awk` can both read.
pub fn table(header: &[&str], rows: impl IntoIterator<Item = Vec<String>>) -> String {
    let mut table = comfy_table::Table::new();
    table.load_style(comfy_table::presets::NOTHING).set_header(header.to_vec());
    for row in rows {
        table.add_row(row);
    }
    table.trim_fmt()
}
