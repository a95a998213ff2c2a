//! Live events for whoever is logged in, as server-sent events.

use std::convert::Infallible;
use std::time::Duration;

use aide::axum::routing::get_with;
use axum::Extension;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Uri};
use axum::response::sse::{self, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures_util::Stream;
use tokio::sync::broadcast::error::RecvError;
use tokio::time::{Instant, MissedTickBehavior, interval_at};

use crate::staff::access::SignedIn;
use crate::staff::{Allowed, Caller, Doorman};
use crate::web::docs::describe;
use crate::web::events::Event;
use crate::web::server::Ending;
use crate::web::{Routes, Site};

/// How often a silent stream says that it is still there.
const KEEP_ALIVE: Duration = Duration::from_secs(15);
/// How often the listener's session is looked at again.
const CHECK: Duration = Duration::from_secs(30);

/// The route of the events.
pub fn routes() -> Routes {
    Routes::new().api_route(
        "/api/events",
        get_with(listen, |op| {
            describe(op, "Dashboard", "What happens in the shop, as server-sent events; resumes after `Last-Event-ID`")
        }),
    )
}

async fn listen(
    State(site): State<Site>,
    Extension(doorman): Extension<Doorman>,
    seen: Allowed<SignedIn>,
    ending: Option<Extension<Ending>>,
    headers: HeaderMap,
) -> Response {
    let listener = Listener { doorman, caller: seen.caller, headers };
    let events = Sse::new(stream(site, listener, ending.map(|Extension(ending)| ending)))
        .keep_alive(KeepAlive::new().interval(KEEP_ALIVE));
    // A proxy that gathers an answer before it passes it on would hold the news back.
    let unbuffered = [(HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no"))];
    (unbuffered, events).into_response()
}

/// Who listens, and how they showed who they are.
struct Listener {
    doorman: Doorman,
    caller: Caller,
    headers: HeaderMap,
}

impl Listener {
    /// Whether they are still who they were when they came.
    async fn still_stands(&self) -> bool {
        let mut request = Request::new(());
        *request.uri_mut() = Uri::from_static("/api/events");
        *request.headers_mut() = self.headers.clone();
        let (parts, ()) = request.into_parts();
        // A database that is away for a moment is no reason to send anybody off.
        match self.doorman.recognise(&parts).await {
            Ok(caller) => caller.as_ref() == Some(&self.caller),
            Err(problem) => problem.status.is_server_error(),
        }
    }
}

fn stream(
    site: Site,
    listener: Listener,
    ending: Option<Ending>,
) -> impl Stream<Item = Result<sse::Event, Infallible>> {
    let last_seen = listener.headers.get("last-event-id").and_then(|id| id.to_str().ok()).filter(|id| !id.is_empty());
    let (before, mut live) = site.events.subscribe(last_seen);
    async_stream::stream! {
        let ended = async move {
            match ending {
                Some(mut ending) => ending.wait().await,
                None => std::future::pending().await,
            }
        };
        tokio::pin!(ended);
        let mut check = interval_at(Instant::now() + CHECK, CHECK);
        check.set_missed_tick_behavior(MissedTickBehavior::Delay);

        for event in before {
            if may_see(&listener.caller, &event) {
                yield Ok(told(&event));
            }
        }
        loop {
            tokio::select! {
                () = &mut ended => break,
                _ = check.tick() => {
                    if !listener.still_stands().await {
                        break;
                    }
                }
                event = live.recv() => match event {
                    Ok(event) if may_see(&listener.caller, &event) => yield Ok(told(&event)),
                    Ok(_) => {}
                    Err(RecvError::Lagged(_)) => yield Ok(told(&Event::resync())),
                    Err(RecvError::Closed) => break,
                }
            }
        }
    }
}

/// Staff see what happens in their stores; customers what is theirs, and that stock changed.
fn may_see(caller: &Caller, event: &Event) -> bool {
    if event.kind() == "resync" {
        return true;
    }
    if caller.is_staff() {
        return event.store().is_none_or(|store| caller.may_enter(store));
    }
    event.kind() == "stock" || (event.customer().is_some() && event.customer() == caller.user())
}

fn told(event: &Event) -> sse::Event {
    let told = sse::Event::default().event(event.kind()).data(event.data());
    if event.id().is_empty() { told } else { told.id(event.id()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::{StoreId, UserId};
    use crate::staff::{Principal, Role};

    fn event(kind: &str, store: Option<i64>, customer: Option<i64>) -> Event {
        Event::new("1", kind, store.map(StoreId::new), customer.map(UserId::new), &())
    }

    fn caller(role: Role, store: Option<i64>) -> Caller {
        let principal = Principal::User(UserId::new(7));
        Caller { principal, role, store: store.map(StoreId::new), ..Caller::system() }
    }

    #[test]
    fn nobody_hears_of_another_store_or_another_customer() {
        let (owner, cashier) = (caller(Role::Owner, None), caller(Role::Cashier, Some(2)));
        let customer = caller(Role::Customer, None);
        for (event, seen) in [
            (event("order", Some(1), Some(7)), [true, false, true]),
            (event("order", Some(2), Some(8)), [true, true, false]),
            (event("order", Some(2), None), [true, true, false]),
            (event("payment", Some(2), Some(7)), [true, true, true]),
            (event("stock", Some(1), None), [true, false, true]),
            (event("low-stock", Some(2), None), [true, true, false]),
            (Event::resync(), [true, true, true]),
        ] {
            assert_eq!([&owner, &cashier, &customer].map(|caller| may_see(caller, &event)), seen, "{event:?}");
        }
    }
}
