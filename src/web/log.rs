//! Log lines: `2025-11-20 12:23:45,123 - INFO - GET /api/products - Status: 200` for people, JSON by flag.

use std::fmt;

use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::registry::LookupSpan;

use crate::clock::Clock;

/// Starts logging to standard error; the guard writes out what is still waiting when it is dropped.
pub fn start(json: bool, level: &str, clock: Clock) -> tracing_appender::non_blocking::WorkerGuard {
    let (writer, guard) =
        tracing_appender::non_blocking::NonBlockingBuilder::default().lossy(false).finish(std::io::stderr());
    let filter = EnvFilter::try_new(level).unwrap_or_else(|_| EnvFilter::new("info"));
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(writer);
    // A second start in one process keeps the first log.
    let _ = if json {
        builder.json().flatten_event(true).with_target(false).try_init()
    } else {
        builder.event_format(Line { clock }).try_init()
    };
    guard
}

/// The line for people.
struct Line {
    clock: Clock,
}

impl<S, N> FormatEvent<S, N> for Line
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(&self, _: &FmtContext<'_, S, N>, mut out: Writer<'_>, event: &Event<'_>) -> fmt::Result {
        let now = self.clock.now().jiff().to_zoned(jiff::tz::TimeZone::system());
        let level = match *event.metadata().level() {
            tracing::Level::WARN => "WARNING",
            tracing::Level::ERROR => "ERROR",
            tracing::Level::INFO => "INFO",
            _ => "DEBUG",
        };
        let mut words = Words::default();
        event.record(&mut words);
        write!(
            out,
            "{} {},{:03} - {level} - {}",
            now.date(),
            now.time().strftime("%H:%M:%S"),
            now.millisecond(),
            words.message
        )?;
        // A request's id and address stand in the JSON; for people they stand on lines about trouble only.
        if level != "INFO" {
            out.write_str(&words.rest)?;
        }
        writeln!(out)
    }
}

#[derive(Default)]
struct Words {
    message: String,
    rest: String,
}

impl Visit for Words {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        // A log line stays one line, whatever a caller has sent.
        let text = format!("{value:?}").replace(['\n', '\r'], " ");
        if field.name() == "message" {
            self.message = text;
        } else {
            self.rest.push_str(&format!(" {}={text}", field.name()));
        }
    }
}
