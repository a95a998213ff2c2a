//! The kit for background work: jobs by kind, and chores at intervals.
//!
//! Every server runs one. A job is claimed by one of them at a time; a job of a kind that nobody
//! handles waits. Handlers may meet the same job twice and must bear it.

use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::time::Duration;

use futures_util::FutureExt as _;
use tokio::sync::watch;
use tokio::time::Instant;

use crate::clock::Clock;
use crate::db::{Db, Result};
use crate::queue::{self, Job};

/// How long to wait when there is nothing to do.
const IDLE: Duration = Duration::from_secs(1);
/// How long a handler may take; less than the claim on its job lasts.
const PATIENCE: Duration = Duration::from_mins(4);

/// Why a job was not done.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// It may work later.
    #[error("{0}")]
    Retry(String),
    /// It never will.
    #[error("{0}")]
    GiveUp(String),
}

type Work<T> = Pin<Box<dyn Future<Output = T> + Send>>;
type Handler = Box<dyn Fn(Job) -> Work<std::result::Result<(), Failure>> + Send + Sync>;

/// Does jobs and chores until it is told to end.
pub struct Worker {
    db: Db,
    clock: Clock,
    handlers: Vec<(&'static str, Handler)>,
    chores: Vec<Chore>,
}

struct Chore {
    name: &'static str,
    every: Duration,
    next: Instant,
    work: Box<dyn Fn() -> Work<Result<()>> + Send + Sync>,
}

impl Worker {
    /// A worker with nothing to do yet.
    pub fn new(db: Db, clock: Clock) -> Self {
        Self { db, clock, handlers: Vec::new(), chores: Vec::new() }
    }

    /// Handles the jobs of a kind.
    #[must_use]
    pub fn on<F>(mut self, kind: &'static str, handler: impl Fn(Job) -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = std::result::Result<(), Failure>> + Send + 'static,
    {
        self.handlers.push((kind, Box::new(move |job| Box::pin(handler(job)))));
        self
    }

    /// Does a chore at the start and then at intervals.
    #[must_use]
    pub fn every<F>(
        mut self,
        every: Duration,
        name: &'static str,
        chore: impl Fn() -> F + Send + Sync + 'static,
    ) -> Self
    where
        F: Future<Output = Result<()>> + Send + 'static,
    {
        self.chores.push(Chore { name, every, next: Instant::now(), work: Box::new(move || Box::pin(chore())) });
        self
    }

    /// Works until `end` turns true; what is in hand is done first.
    pub async fn run(mut self, mut end: watch::Receiver<bool>) {
        while !*end.borrow() {
            self.do_chores().await;
            if self.do_jobs().await {
                continue;
            }
            tokio::select! {
                () = tokio::time::sleep(IDLE) => {}
                // Whoever could tell the end being gone is an end as well.
                _ = end.wait_for(|ended| *ended) => return,
            }
        }
    }

    async fn do_chores(&mut self) {
        for chore in &mut self.chores {
            if Instant::now() < chore.next {
                continue;
            }
            if let Err(error) = (chore.work)().await {
                tracing::warn!(chore = chore.name, %error, "a chore failed and is tried again at its next time");
            }
            chore.next = Instant::now() + chore.every;
        }
    }

    /// Does one job of each kind that has one waiting; false when none has.
    pub async fn do_jobs(&self) -> bool {
        let mut worked = false;
        for (kind, handler) in &self.handlers {
            match self.do_next(kind, handler).await {
                Ok(found) => worked |= found,
                Err(error) => tracing::warn!(kind, %error, "the queue of jobs could not be read or written"),
            }
        }
        worked
    }

    async fn do_next(&self, kind: &'static str, handler: &Handler) -> Result<bool> {
        let now = self.clock.now();
        // Looked up by reading first: an idle worker writes nothing.
        if !self.db.read(move |conn| queue::is_due(conn, kind, now)).await? {
            return Ok(false);
        }
        let Some(job) = self.db.write(move |conn| queue::claim(conn, kind, now)).await? else { return Ok(false) };
        let id = job.id;
        let outcome = handle(handler, job.clone()).await;
        let now = self.clock.now();
        if let Err(failure) = &outcome {
            tracing::warn!(kind, job = %id, attempt = job.attempts, %failure, "a job was not done");
        }
        let noted = self
            .db
            .write(move |conn| match &outcome {
                Ok(()) => queue::finish(conn, &job, now),
                Err(Failure::Retry(reason)) => queue::retry(conn, &job, reason, now),
                Err(Failure::GiveUp(reason)) => queue::give_up(conn, &job, reason, now),
            })
            .await?;
        if !noted {
            tracing::warn!(kind, job = %id, "a job took longer than its claim; somebody else has it now");
        }
        Ok(true)
    }
}

/// Runs a handler; taking too long and panicking are failures like any other.
async fn handle(handler: &Handler, job: Job) -> std::result::Result<(), Failure> {
    let work = AssertUnwindSafe(async { handler(job).await });
    match tokio::time::timeout(PATIENCE, work.catch_unwind()).await {
        Ok(Ok(outcome)) => outcome,
        Ok(Err(_)) => Err(Failure::Retry("the handler panicked".to_owned())),
        Err(_) => Err(Failure::Retry("the handler took too long".to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;
    use crate::clock::Timestamp;
    use crate::db::{Location, Options};

    #[tokio::test]
    async fn a_job_is_done_once_and_comes_back_when_its_claim_runs_out() {
        let folder = tempfile::tempdir().unwrap();
        let db = Db::open(&Options::at(Location::File(folder.path().join("shop.sqlite")))).unwrap();
        let clock = Clock::stopped_at(Timestamp::from_ms(1_000_000));
        let now = clock.now();
        db.write(move |conn| queue::push(conn, "test.greet", &"Asha", now, now)).await.unwrap();
        db.write(move |conn| queue::push(conn, "test.nobody", &(), now, now)).await.unwrap();

        // A server claims it and dies.
        let lost = db.write(move |conn| queue::claim(conn, "test.greet", now)).await.unwrap().unwrap();
        assert_eq!(db.write(move |conn| queue::claim(conn, "test.greet", now)).await.unwrap(), None);

        let calls = Arc::new(AtomicUsize::new(0));
        let seen = calls.clone();
        let worker = Worker::new(db.clone(), clock.clone()).on("test.greet", move |job| {
            let call = seen.fetch_add(1, Ordering::Relaxed);
            async move {
                assert_eq!((job.payload.as_str(), job.attempts), ("\"Asha\"", 2 + i64::try_from(call).unwrap()));
                if call == 0 { Err(Failure::Retry("not yet".to_owned())) } else { Ok(()) }
            }
        });
        assert!(!worker.do_jobs().await, "the claim of the dead server still holds");
        clock.advance_ms(queue::LEASE_MS);
        assert!(worker.do_jobs().await);
        assert!(!worker.do_jobs().await, "it failed and waits");
        clock.advance_ms(20_000);
        assert!(worker.do_jobs().await);
        assert!(!worker.do_jobs().await);
        assert_eq!(calls.load(Ordering::Relaxed), 2);

        let now = clock.now();
        let late = db.write(move |conn| queue::finish(conn, &lost, now)).await.unwrap();
        assert!(!late, "whoever lost the claim cannot end the job");
        assert!(db.read(move |conn| queue::is_due(conn, "test.nobody", now)).await.unwrap());
    }
}
