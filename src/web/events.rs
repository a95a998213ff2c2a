//! Live events: what was committed is told to whoever listens, on every instance.
//!
//! An event's id names its subject and version, so it is the same on every instance and a listener
//! can resume anywhere with `Last-Event-ID`. Who missed more than is kept is told to read again.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use serde::Serialize;
use tokio::sync::broadcast;

use crate::db::{Conn, Db, TOPIC_EVENT, TOPIC_MISSED};
use crate::ids::{StoreId, UserId};

/// How many events are kept for those who resume.
const KEPT: usize = 4_096;

/// Something that happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// Its id, the same on every instance.
    pub id: String,
    /// What it is about: `order`, `stock`, `payment`, `low-stock`, or `resync`.
    pub kind: String,
    /// The branch it belongs to; none concerns all.
    pub store: Option<StoreId>,
    /// The customer it belongs to; only they and the staff see it.
    pub customer: Option<UserId>,
    /// What happened, as JSON.
    pub data: String,
}

/// The events of this instance; cheap to clone.
#[derive(Clone)]
pub struct Events {
    live: broadcast::Sender<Arc<Event>>,
    kept: Arc<Mutex<VecDeque<Arc<Event>>>>,
}

impl Events {
    /// Listens to the database.
    pub fn new(db: &Db) -> Self {
        let events = Self { live: broadcast::Sender::new(1024), kept: Arc::default() };
        let listener = events.clone();
        db.listen(move |notice| match notice.topic {
            TOPIC_EVENT => match Event::from_notice(&notice.text) {
                Some(event) => listener.tell(event),
                None => listener.lose(),
            },
            TOPIC_MISSED => listener.lose(),
            _ => {}
        });
        events
    }

    fn tell(&self, event: Event) {
        let event = Arc::new(event);
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
        let _ = self.live.send(Arc::new(Event::resync()));
    }

    /// The events after one that the caller saw last, and those to come. The first is `resync` when
    /// the one they saw is no longer known.
    pub fn subscribe(&self, last_seen: Option<&str>) -> (Vec<Arc<Event>>, broadcast::Receiver<Arc<Event>>) {
        let kept = self.kept.lock().expect("the lock of kept events");
        let live = self.live.subscribe();
        let before = match last_seen {
            None => Vec::new(),
            Some(id) => match kept.iter().rposition(|event| event.id == id) {
                Some(position) => kept.iter().skip(position + 1).cloned().collect(),
                None => vec![Arc::new(Event::resync())],
            },
        };
        (before, live)
    }
}

impl Event {
    /// Tells a listener to read again what it shows.
    pub fn resync() -> Self {
        Self { id: String::new(), kind: "resync".to_owned(), store: None, customer: None, data: "{}".to_owned() }
    }

    fn from_notice(text: &str) -> Option<Self> {
        let mut parts = text.splitn(5, '\t');
        let mut next = || parts.next();
        let (id, kind, store, customer, data) = (next()?, next()?, next()?, next()?, next()?);
        Some(Self {
            id: id.to_owned(),
            kind: kind.to_owned(),
            store: store.parse().ok(),
            customer: customer.parse().ok(),
            data: data.to_owned(),
        })
    }
}

/// Tells listeners once the transaction is committed. The id names subject and version: `order-7-v2`.
pub fn publish(
    conn: &mut Conn<'_>,
    id: &str,
    kind: &str,
    store: Option<StoreId>,
    customer: Option<UserId>,
    data: &impl Serialize,
) {
    let number = |number: Option<i64>| number.map_or_else(String::new, |number| number.to_string());
    let data = serde_json::to_string(data).unwrap_or_else(|_| "{}".to_owned());
    let (store, customer) = (number(store.map(StoreId::number)), number(customer.map(UserId::number)));
    conn.announce(TOPIC_EVENT, format!("{id}\t{kind}\t{store}\t{customer}\t{data}"));
}
