//! A desk: commands that wait together are handled together, in one transaction.
//!
//! A batch forms from what arrives while the one before it commits. Where a batch is dear and many callers
//! were just answered, the counter waits for a moment until most of them have asked again.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use crossbeam_channel::Sender;
use tokio::sync::oneshot;

use super::conn::Conn;
use super::work::Work;
use super::{Error, Result};

/// How many commands one transaction handles at most.
const BATCH: usize = 256;
/// From so many callers on, a batch is worth a moment's wait.
const CROWD: usize = 16;
/// How many commands may wait before more are turned away.
const WAITING: usize = 16_384;

/// A handle on a desk; cheap to clone.
pub struct Desk<C, A> {
    queue: Arc<Mutex<Queue<C, A>>>,
    counter: Arc<Mutex<Option<Box<dyn Serve<A>>>>>,
    lane: Sender<Box<dyn Work>>,
}

struct Queue<C, A> {
    waiting: VecDeque<(C, Reply<A>)>,
    /// The counter is with a writer, or on its way there.
    served: bool,
}

type Reply<A> = oneshot::Sender<Result<A>>;

/// Whoever serves the queue.
trait Serve<A>: Send {
    /// Handles a batch; false undoes what it wrote.
    fn run(&mut self, conn: &mut Conn<'_>) -> bool;

    /// Lays the batch down, with its answers, so that the next one can be served.
    fn lay_down(&mut self) -> Answered<A>;
}

/// The counter travels to the writer with what is waiting, and back.
struct Counter<C, A, H> {
    handler: H,
    queue: Arc<Mutex<Queue<C, A>>>,
    batch: Vec<C>,
    replies: Vec<Reply<A>>,
    answers: Result<Vec<A>>,
    /// How many callers there seem to be: the most of late that waited, with the batch before them.
    crowd: usize,
    /// How many the batch before had.
    before: usize,
    pace: Pace,
}

/// How a desk gathers a batch.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pace {
    /// Into how many batches the callers are divided: in two, one half is answered and asks again while the
    /// other half is stored.
    pub shares: usize,
    /// How long the counter waits at most for those who were just answered.
    pub patience: Duration,
}

/// A batch that was handled: who waits, and for what.
struct Answered<A> {
    replies: Vec<Reply<A>>,
    answers: Result<Vec<A>>,
}

impl<C, A> Clone for Desk<C, A> {
    fn clone(&self) -> Self {
        Self { queue: self.queue.clone(), counter: self.counter.clone(), lane: self.lane.clone() }
    }
}

impl<C: Send + Sync + 'static, A: Send + 'static> Desk<C, A> {
    pub(super) fn open(
        handler: impl FnMut(&mut Conn<'_>, &[C]) -> Result<Vec<A>> + Send + 'static,
        lane: Sender<Box<dyn Work>>,
        pace: Pace,
    ) -> Self {
        let queue = Arc::new(Mutex::new(Queue { waiting: VecDeque::new(), served: false }));
        let counter = Counter {
            handler,
            queue: queue.clone(),
            batch: Vec::new(),
            replies: Vec::new(),
            answers: Ok(Vec::new()),
            crowd: 0,
            before: 0,
            pace,
        };
        Self { queue, counter: Arc::new(Mutex::new(Some(Box::new(counter)))), lane }
    }

    /// Hands a command in and waits until the transaction that handled it is committed.
    pub async fn submit(&self, command: C) -> Result<A> {
        let (reply, answer) = oneshot::channel();
        let call = {
            let mut queue = self.queue.lock().expect("the desk's queue");
            if queue.waiting.len() >= WAITING {
                return Err(Error::Busy);
            }
            queue.waiting.push_back((command, reply));
            !std::mem::replace(&mut queue.served, true)
        };
        if call {
            self.send_counter();
        }
        answer.await.unwrap_or(Err(Error::Busy))
    }

    fn send_counter(&self) {
        let home = self.counter.lock().expect("the desk's counter").take();
        let Some(counter) = home else { return };
        let trip = Trip { counter: Some(counter), began: false, answered: None, desk: self.clone() };
        // When the writer is gone the trip is dropped, which answers everybody.
        let _ = self.lane.send(Box::new(trip));
    }
}

/// One visit of the counter at a writer. Afterwards it goes again when somebody waits, else home.
struct Trip<C: Send + Sync + 'static, A: Send + 'static> {
    counter: Option<Box<dyn Serve<A>>>,
    /// The transaction came as far as the counter.
    began: bool,
    /// What was handled and is not safe yet.
    answered: Option<Answered<A>>,
    desk: Desk<C, A>,
}

impl<C: Send + Sync + 'static, A: Send + 'static> Trip<C, A> {
    /// Takes the handled batch from the counter and sends the counter on.
    fn part(&mut self, began: bool) -> Option<Answered<A>> {
        let mut counter = self.counter.take()?;
        let mut answered = counter.lay_down();
        let more = {
            let mut queue = self.desk.queue.lock().expect("the desk's queue");
            if !began {
                // Nobody was called to the counter. Whoever waits is told so; left waiting, they would call
                // for it again and again.
                answered.replies.extend(queue.waiting.drain(..).map(|(_, reply)| reply));
            }
            *self.desk.counter.lock().expect("the desk's counter") = Some(counter);
            queue.served = !queue.waiting.is_empty();
            queue.served
        };
        if more {
            self.desk.send_counter();
        }
        Some(answered)
    }
}

impl<C: Send + Sync + 'static, A: Send + 'static> Work for Trip<C, A> {
    fn run(&mut self, conn: &mut Conn<'_>) -> bool {
        self.began = true;
        self.counter.as_mut().is_some_and(|counter| counter.run(conn))
    }

    fn committed(&mut self) {
        self.answered = self.part(true);
    }

    fn finish(&mut self, outcome: &Result<()>) {
        let began = self.began || outcome.is_ok();
        if let Some(answered) = self.answered.take().or_else(|| self.part(began)) {
            answered.send(outcome);
        }
    }

    fn is_desk(&self) -> bool {
        true
    }
}

impl<C, A, H> Counter<C, A, H> {
    /// Waits for a moment until most of the callers there seem to be are here.
    fn gather(&self) {
        if self.crowd < CROWD {
            return;
        }
        let share = (self.crowd / self.pace.shares).min(BATCH);
        let most = share - share / 4;
        let began = Instant::now();
        while self.queue.lock().expect("the desk's queue").waiting.len() < most && began.elapsed() < self.pace.patience
        {
            std::thread::sleep(self.pace.patience / 20);
        }
    }
}

impl<C, A, H> Serve<A> for Counter<C, A, H>
where
    C: Send + Sync,
    A: Send,
    H: FnMut(&mut Conn<'_>, &[C]) -> Result<Vec<A>> + Send,
{
    fn run(&mut self, conn: &mut Conn<'_>) -> bool {
        if self.batch.is_empty() {
            self.gather();
            let mut queue = self.queue.lock().expect("the desk's queue");
            self.crowd = (queue.waiting.len() + self.before).max(self.crowd - self.crowd / 8);
            let count = queue.waiting.len().min(BATCH);
            self.before = count;
            for (command, reply) in queue.waiting.drain(..count) {
                self.batch.push(command);
                self.replies.push(reply);
            }
        }
        let handled = catch_unwind(AssertUnwindSafe(|| (self.handler)(conn, &self.batch)));
        self.answers = handled.unwrap_or_else(|_| Err(Error::Engine("the desk panicked".to_owned())));
        self.answers.is_ok()
    }

    fn lay_down(&mut self) -> Answered<A> {
        self.batch.clear();
        Answered {
            replies: std::mem::take(&mut self.replies),
            answers: std::mem::replace(&mut self.answers, Ok(Vec::new())),
        }
    }
}

impl<A> Answered<A> {
    fn send(self, outcome: &Result<()>) {
        let answers = match outcome {
            Ok(()) => self.answers,
            Err(error) => Err(error.again()),
        };
        match answers {
            Ok(answers) => {
                assert_eq!(answers.len(), self.replies.len(), "the desk answers every command");
                for (reply, answer) in self.replies.into_iter().zip(answers) {
                    // A caller that went away needs no answer; the order stands.
                    let _ = reply.send(Ok(answer));
                }
            }
            Err(error) => {
                for reply in self.replies {
                    let _ = reply.send(Err(error.again()));
                }
            }
        }
    }
}
