//! Commands that work on the database. They are read and made ready where the user sits, and run
//! where the database is open: here, or in the server that has it.

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::failure::{Failure, NO_INPUT, Outcome, UNAVAILABLE};
use super::out::{Out, Terminal};
use super::{analyze, backup, check, control, doctor, export, import, item, key, migrate, order, report, user};
use crate::clock::Clock;
use crate::config::Config;
use crate::db::{Db, Location, OpenError};
use crate::orders::Desk;
use crate::web::log;

/// How long another command may hold the database before we give up.
const PATIENCE: Duration = Duration::from_millis(100);
const TRIES: u32 = 20;

/// What a command runs with.
#[derive(Clone)]
pub struct Context {
    /// The database, open.
    pub db: Db,
    /// The sales desk; the server's own, where there is one: two would not know of each other's sales.
    pub desk: Desk,
    /// The time.
    pub clock: Clock,
    /// The settings of the process that has the database open.
    pub config: Arc<Config>,
}

/// A command that is ready to run.
#[derive(Debug, Serialize, Deserialize)]
pub struct Work {
    /// Results are wanted as JSON.
    pub json: bool,
    /// What to do.
    pub task: Task,
}

/// What to do.
#[derive(Debug, Serialize, Deserialize)]
pub enum Task {
    /// See [`migrate`].
    Migrate,
    /// See [`user`].
    User(user::Task),
    /// See [`key`].
    Key(key::KeyCommand),
    /// See [`item`].
    Item(item::ItemCommand),
    /// See [`order`].
    Order(order::OrderCommand),
    /// See [`import`].
    Import(import::Task),
    /// See [`export`].
    Export(export::Task),
    /// See [`analyze`].
    Analyze(analyze::Task),
    /// See [`report`].
    Report(report::ReportCommand),
    /// See [`backup`].
    Backup(backup::Task),
    /// See [`doctor`].
    Doctor,
    /// See [`check`].
    Check,
}

impl Work {
    /// Runs it.
    pub async fn run(self, context: &Context, out: &Out) -> Outcome {
        match self.task {
            Task::Migrate => migrate::run(context, self.json, out),
            Task::User(task) => task.run(context, self.json, out).await,
            Task::Key(command) => command.run(context, self.json, out).await,
            Task::Item(command) => command.run(context, self.json, out).await,
            Task::Order(command) => command.run(context, self.json, out).await,
            Task::Import(task) => task.run(context, self.json, out).await,
            Task::Report(command) => command.run(context, self.json, out).await,
            Task::Export(task) => task.run(context, out).await,
            Task::Analyze(task) => task.run(context, self.json, out).await,
            Task::Backup(task) => task.run(context, self.json, out).await,
            Task::Doctor => doctor::run(context, self.json, out).await,
            Task::Check => check::run(context, self.json, out).await,
        }
    }

    /// Whether it makes sense where there is no database yet.
    fn may_begin(&self) -> bool {
        use import::Task::{From, Products};
        matches!(self.task, Task::Migrate | Task::User(user::Task::Add(_)) | Task::Import(Products(_) | From(_)))
    }

    /// Runs it here, or has the server run it that has the database open.
    pub fn run_where_open(self, config: Config, mut terminal: Terminal) -> Outcome {
        if let Location::File(path) = &config.database
            && !path.exists()
            && !self.may_begin()
        {
            let sentence = format!("there is no database at {} yet; `kirana serve` makes one", path.display());
            return Err(Failure::new(NO_INPUT, sentence));
        }
        config.make_data_dir()?;
        for _ in 0..TRIES {
            match Db::open(&config.db_options()) {
                Ok(db) => return self.run_here(db, config, terminal),
                Err(OpenError::InUse(path)) => match control::ask(&path, &self, &mut terminal) {
                    Some(outcome) => return outcome,
                    // Another command holds it, or a server that is just starting.
                    None => std::thread::sleep(PATIENCE),
                },
                Err(error) => return Err(error.into()),
            }
        }
        let sentence = "the database is in use by another program that does not answer; stop it and try again";
        Err(Failure::new(UNAVAILABLE, sentence))
    }

    fn run_here(self, db: Db, config: Config, mut terminal: Terminal) -> Outcome {
        let _log = log::start(false, "warn", Clock::system());
        for step in db.steps_taken() {
            terminal.show(super::out::Said::Talk(format!("Schema step taken: {step}")));
        }
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .map_err(|cause| Failure::new(UNAVAILABLE, format!("no threads can be started: {cause}")))?;
        let context =
            Context { desk: Desk::open(&db), db: db.clone(), clock: Clock::system(), config: Arc::new(config) };
        let (out, said) = Out::new();
        runtime.spawn(async move {
            let outcome = self.run(&context, &out).await;
            out.end(outcome);
        });
        let outcome = terminal.show_all(said);
        drop(runtime);
        db.close();
        outcome
    }
}
