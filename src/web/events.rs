//! Live events: what was committed is told to whoever listens, on every instance.
//!
//! An event's id names its subject and version, so it is the same on every instance and a listener
//! can resume anywhere with `Last-Event-ID`. Who missed more than is kept is told to read again.

use std::collections::VecDeque;
use std::fmt::{Display, Write as _};
use std::sync::{Arc, Mutex};

use serde::Serialize;
use tokio::sync::broadcast;

use crate::db::{Conn, Db, Notice, TOPIC_EVENT, TOPIC_MISSED};
use crate::ids::{StoreId, UserId};

/// How many events are kept for those who resume.
const KEPT: usize = 4_096;

/// Something that happened, as it was announced: id, kind, store, customer and data, with tabs between.
/// Nearly nobody listens to most events, so a part is looked for only when it is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event(Arc<Notice>);

/// The events of this instance; cheap to clone.
#[derive(Clone)]
pub struct Events {
    live: broadcast::Sender<Event>,
    kept: Arc<Mutex<VecDeque<Event>>>,
}

impl Events {
    /// Listens to the database.
    pub fn new(db: &Db) -> Self {
        let events = Self { live: broadcast::Sender::new(1024), kept: Arc::default() };
        let listener = events.clone();
        db.listen(move |notice| match notice.topic {
            // A notice that was too long to pass on comes without its text.
            TOPIC_EVENT if notice.text.is_empty() => listener.lose(),
            TOPIC_EVENT => listener.tell(Event(notice.clone())),
            TOPIC_MISSED => listener.lose(),
            _ => {}
        });
        events
    }

    fn tell(&self, event: Event) {
        let mut kept = self.kept.lock().expect("the lock of kept events");
        if kept.len() >= KEPT {
            kept.pop_front();
        }
        kept.push_back(event.clone());
        // Nobody listening is fine.
        let _ = self.live.send(event);
    }

    /// Something was missed: nobody can resume from before, and whoever listens reads again.
    fn lose(&self) {
        self.kept.lock().expect("the lock of kept events").clear();
        let _ = self.live.send(Event::resync());
    }

    /// The events after one that the caller saw last, and those to come. The first is `resync` when
    /// the one they saw is no longer known.
    pub fn subscribe(&self, last_seen: Option<&str>) -> (Vec<Event>, broadcast::Receiver<Event>) {
        let kept = self.kept.lock().expect("the lock of kept events");
        let live = self.live.subscribe();
        let before = match last_seen {
            None => Vec::new(),
            Some(id) => match kept.iter().rposition(|event| event.id() == id) {
                Some(position) => kept.iter().skip(position + 1).cloned().collect(),
                None => vec![Event::resync()],
            },
        };
        (before, live)
    }
}

impl Event {
    /// An event as [`publish`] announces it.
    #[cfg(test)]
    pub fn new(id: &str, kind: &str, store: Option<StoreId>, customer: Option<UserId>, data: &impl Serialize) -> Self {
        Self(Arc::new(Notice { topic: TOPIC_EVENT, text: text_of(id, kind, store, customer, data) }))
    }

    /// Tells a listener to read again what it shows.
    pub fn resync() -> Self {
        Self(Arc::new(Notice { topic: TOPIC_EVENT, text: "\tresync\t\t\t{}".to_owned() }))
    }

    fn part(&self, number: usize) -> &str {
        self.0.text.splitn(5, '\t').nth(number).unwrap_or_default()
    }

    /// Its id, the same on every instance.
    pub fn id(&self) -> &str {
        self.part(0)
    }

    /// What it is about: `order`, `stock`, `payment`, `low-stock`, or `resync`.
    pub fn kind(&self) -> &str {
        self.part(1)
    }

    /// The branch it belongs to; none concerns all.
    pub fn store(&self) -> Option<StoreId> {
        self.part(2).parse().ok()
    }

    /// The customer it belongs to; only they and the staff see it.
    pub fn customer(&self) -> Option<UserId> {
        self.part(3).parse().ok()
    }

    /// What happened, as JSON.
    pub fn data(&self) -> &str {
        self.part(4)
    }
}

/// Tells listeners once the transaction is committed. The id names subject and version: `order-7-v2`.
pub fn publish(
    conn: &mut Conn<'_>,
    id: impl Display,
    kind: &str,
    store: Option<StoreId>,
    customer: Option<UserId>,
    data: &impl Serialize,
) {
    conn.announce(TOPIC_EVENT, text_of(id, kind, store, customer, data));
}

fn text_of(
    id: impl Display,
    kind: &str,
    store: Option<StoreId>,
    customer: Option<UserId>,
    data: &impl Serialize,
) -> String {
    let mut text = String::with_capacity(160);
    let number = |text: &mut String, number: Option<i64>| {
        number.map_or(Ok(()), |number| write!(text, "{number}")).and_then(|()| text.write_char('\t'))
    };
    let head = write!(text, "{id}\t{kind}\t")
        .and_then(|()| number(&mut text, store.map(StoreId::number)))
        .and_then(|()| number(&mut text, customer.map(UserId::number)));
    head.expect("a text can always grow");
    text + &serde_json::to_string(data).unwrap_or_else(|_| "{}".to_owned())
}
