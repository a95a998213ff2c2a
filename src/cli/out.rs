//! What a command says: results on standard output, talk on standard error.

use std::io::Write as _;

use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;

use super::failure::{FAILED, Failure, Outcome};

/// One thing that a command says, here or from inside the server that runs it for us.
#[derive(Debug, Serialize, Deserialize)]
pub enum Said {
    /// A result, which another program may read.
    Result(String),
    /// Talk for whoever sits there.
    Talk(String),
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
#[derive(Debug, Clone, Copy)]
pub struct Terminal {
    /// Only results are shown.
    pub quiet: bool,
}

impl Terminal {
    /// Shows what was said; the outcome once it is over.
    pub fn show(self, said: Said) -> Option<Outcome> {
        match said {
            Said::Result(text) => print(&text),
            Said::Talk(text) if !self.quiet => eprintln!("{text}"),
            Said::Talk(_) => {}
            Said::End(0, _) => return Some(Ok(())),
            Said::End(code, sentence) => return Some(Err(Failure::new(code, sentence))),
        }
        None
    }

    /// Shows what is said until it is over.
    pub fn show_all(self, mut said: mpsc::UnboundedReceiver<Said>) -> Outcome {
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
