//! Units of work on their way to a writer, and what all threads of a database share.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, RwLock};

use tokio::sync::{oneshot, watch};

use super::conn::{Conn, Notice};
use super::{Error, Result};

/// Something a writer runs inside a transaction. It may be run more than once; it is finished once.
pub(super) trait Work: Send {
    /// Runs it; false undoes what it wrote.
    fn run(&mut self, conn: &mut Conn<'_>) -> bool;

    /// The transaction is committed but not safe on the disk yet: whatever need not wait for that goes on.
    fn committed(&mut self) {}

    /// Answers, after the transaction has ended and is safe.
    fn finish(&mut self, outcome: &Result<()>);

    /// Whether this is the desk itself, whose own writes do not spoil what it remembers.
    fn is_desk(&self) -> bool {
        false
    }
}

/// A reading job: given a snapshot, or why there is none.
pub(super) type ReadJob = Box<dyn FnOnce(Result<&mut Conn<'_>>) + Send>;

/// An action with the caller that waits for its answer.
pub(super) struct Unit<F, T, E> {
    action: F,
    result: Option<std::result::Result<T, E>>,
    reply: Option<oneshot::Sender<std::result::Result<T, E>>>,
}

impl<F, T, E> Unit<F, T, E>
where
    F: FnMut(&mut Conn<'_>) -> std::result::Result<T, E> + Send,
    T: Send,
    E: From<Error> + Send,
{
    pub fn new(action: F) -> (Self, oneshot::Receiver<std::result::Result<T, E>>) {
        let (reply, answer) = oneshot::channel();
        (Self { action, result: None, reply: Some(reply) }, answer)
    }
}

impl<F, T, E> Work for Unit<F, T, E>
where
    F: FnMut(&mut Conn<'_>) -> std::result::Result<T, E> + Send,
    T: Send,
    E: From<Error> + Send,
{
    fn run(&mut self, conn: &mut Conn<'_>) -> bool {
        let result = catch_unwind(AssertUnwindSafe(|| (self.action)(conn)))
            .unwrap_or_else(|_| Err(E::from(Error::Engine("an action panicked".to_owned()))));
        let keep = result.is_ok();
        self.result = Some(result);
        keep
    }

    fn finish(&mut self, outcome: &Result<()>) {
        let result = match (outcome, self.result.take()) {
            (Ok(()), Some(result)) | (Err(_), Some(result @ Err(_))) => result,
            (Err(error), _) => Err(E::from(error.again())),
            (Ok(()), None) => Err(E::from(Error::Busy)),
        };
        if let Some(reply) = self.reply.take() {
            // A caller that went away needs no answer; the change stands.
            let _ = reply.send(result);
        }
    }
}

impl Error {
    /// The same error for another caller of the same transaction.
    pub(super) fn again(&self) -> Self {
        match self {
            Self::Busy => Self::Busy,
            Self::Full => Self::Full,
            Self::Again(text) => Self::Again(text.clone()),
            Self::Violation(text) => Self::Violation(text.clone()),
            Self::Storage(text) => Self::Storage(text.clone()),
            Self::Unknown(text) => Self::Unknown(text.clone()),
            Self::Shape(text) => Self::Shape(text),
            Self::Engine(text) => Self::Engine(text.clone()),
        }
    }
}

type Listener = Box<dyn Fn(&Arc<Notice>) + Send + Sync>;

/// What all threads of one database share.
pub(super) struct Hub {
    listeners: RwLock<Vec<Listener>>,
    generation: AtomicU64,
    halted: watch::Sender<Option<String>>,
    /// Serialises the first report of a halt.
    halting: Mutex<()>,
}

impl Default for Hub {
    fn default() -> Self {
        Self {
            listeners: RwLock::default(),
            generation: AtomicU64::new(1),
            halted: watch::Sender::new(None),
            halting: Mutex::default(),
        }
    }
}

impl Hub {
    pub fn listen(&self, listener: Listener) {
        self.listeners.write().expect("the listeners' lock").push(listener);
    }

    pub fn tell(&self, notices: impl IntoIterator<Item = Notice>) {
        let listeners = self.listeners.read().expect("the listeners' lock");
        for notice in notices.into_iter().map(Arc::new) {
            for listener in listeners.iter() {
                listener(&notice);
            }
        }
    }

    pub fn generation(&self) -> u64 {
        self.generation.load(Ordering::Acquire)
    }

    pub fn changed(&self) {
        self.generation.fetch_add(1, Ordering::AcqRel);
    }

    pub fn halt(&self, reason: &str) {
        let _one_at_a_time = self.halting.lock().expect("the lock of the halt");
        if self.halted.borrow().is_none() {
            tracing::error!(reason, "storage failed; no further write is acknowledged");
            self.halted.send_replace(Some(reason.to_owned()));
        }
    }

    pub fn halted(&self) -> Option<String> {
        self.halted.borrow().clone()
    }

    pub async fn wait_halted(&self) -> String {
        let mut watched = self.halted.subscribe();
        loop {
            if let Some(reason) = watched.borrow_and_update().clone() {
                return reason;
            }
            if watched.changed().await.is_err() {
                std::future::pending::<()>().await;
            }
        }
    }
}
