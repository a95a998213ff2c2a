//! What time it is, and which business day that is.
//!
//! Instants are UTC milliseconds; a [`BusinessDate`] is the calendar day in the shop's time zone,
//! stored beside every sale, payment and stock move so that reports never convert zones.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use jiff::Timestamp as JiffTimestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// An instant in UTC, in milliseconds since 1970.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, JsonSchema)]
#[schemars(with = "String")]
pub struct Timestamp(i64);

/// A day in the shop's calendar, kept as the number `yyyymmdd`: it sorts, groups and reads well.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, JsonSchema)]
#[schemars(with = "String")]
pub struct BusinessDate(i64);

/// Where the time comes from: the machine, or a test that moves it by hand.
#[derive(Debug, Clone, Default)]
pub struct Clock {
    fixed: Option<Arc<AtomicI64>>,
}

impl Clock {
    /// The machine's clock.
    pub fn system() -> Self {
        Self::default()
    }

    /// A clock that stands still until it is moved.
    pub fn stopped_at(instant: Timestamp) -> Self {
        Self { fixed: Some(Arc::new(AtomicI64::new(instant.0))) }
    }

    /// The present instant.
    #[expect(clippy::disallowed_methods, reason = "this is the one place that reads the machine's clock")]
    pub fn now(&self) -> Timestamp {
        match &self.fixed {
            Some(fixed) => Timestamp(fixed.load(Ordering::Relaxed)),
            None => Timestamp(JiffTimestamp::now().as_millisecond()),
        }
    }

    /// Moves a stopped clock forward; the machine's clock is not moved.
    pub fn advance_ms(&self, ms: i64) {
        if let Some(fixed) = &self.fixed {
            fixed.fetch_add(ms, Ordering::Relaxed);
        }
    }
}

impl Timestamp {
    /// An instant from milliseconds since 1970.
    pub const fn from_ms(ms: i64) -> Self {
        Self(ms)
    }

    /// Milliseconds since 1970.
    pub const fn as_ms(self) -> i64 {
        self.0
    }

    /// The instant so many milliseconds later (or earlier).
    #[must_use]
    pub const fn plus_ms(self, ms: i64) -> Self {
        Self(self.0.saturating_add(ms))
    }

    /// The day since 1970 in UTC; buckets that must not depend on the shop's zone use it.
    pub const fn utc_day(self) -> i64 {
        self.0.div_euclid(86_400_000)
    }

    /// Reads RFC 3339.
    pub fn parse(text: &str) -> Option<Self> {
        text.parse::<JiffTimestamp>().ok().map(|instant| Self(instant.as_millisecond()))
    }

    /// The business date in a time zone.
    pub fn business_date(self, zone: &TimeZone) -> BusinessDate {
        BusinessDate::from_date(self.jiff().to_zoned(zone.clone()).date())
    }

    /// The same instant for `jiff`.
    pub fn jiff(self) -> JiffTimestamp {
        JiffTimestamp::from_millisecond(self.0).unwrap_or(JiffTimestamp::UNIX_EPOCH)
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.jiff())
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| serde::de::Error::custom("an instant like 2026-11-21T09:30:00Z"))
    }
}

impl BusinessDate {
    /// From the stored number `yyyymmdd`.
    pub const fn from_number(yyyymmdd: i64) -> Self {
        Self(yyyymmdd)
    }

    /// The stored number `yyyymmdd`.
    pub const fn as_number(self) -> i64 {
        self.0
    }

    /// From a calendar date.
    pub fn from_date(date: Date) -> Self {
        Self(i64::from(date.year()) * 10_000 + i64::from(date.month()) * 100 + i64::from(date.day()))
    }

    /// The calendar date.
    pub fn date(self) -> Date {
        let part = |value: i64| i8::try_from(value).unwrap_or(1);
        Date::new(i16::try_from(self.0 / 10_000).unwrap_or(1970), part(self.0 / 100 % 100), part(self.0 % 100))
            .unwrap_or(Date::constant(1970, 1, 1))
    }

    /// Reads `yyyy-mm-dd`.
    pub fn parse(text: &str) -> Option<Self> {
        text.parse::<Date>().ok().map(Self::from_date)
    }

    /// The day so many days later (or earlier).
    #[must_use]
    pub fn plus_days(self, days: i64) -> Self {
        let span = jiff::Span::new().try_days(days).unwrap_or_default();
        Self::from_date(self.date().saturating_add(span))
    }

    /// The Indian financial year (April to March) as its two last digits twice: `2627`.
    pub fn financial_year(self) -> i64 {
        let start = if self.0 / 100 % 100 >= 4 { self.0 / 10_000 } else { self.0 / 10_000 - 1 };
        (start % 100) * 100 + (start + 1) % 100
    }
}

impl fmt::Display for BusinessDate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}-{:02}", self.0 / 10_000, self.0 / 100 % 100, self.0 % 100)
    }
}

impl Serialize for BusinessDate {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for BusinessDate {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| serde::de::Error::custom("a date like 2026-11-21"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_business_day_turns_at_midnight_in_the_shop_and_not_in_utc() {
        let kolkata = TimeZone::get("Asia/Kolkata").unwrap();
        let before = Timestamp::parse("2026-03-31T18:29:59Z").unwrap();
        let after = Timestamp::parse("2026-03-31T18:30:00Z").unwrap();
        assert_eq!(before.business_date(&kolkata).to_string(), "2026-03-31");
        assert_eq!(after.business_date(&kolkata).to_string(), "2026-04-01");
        assert_eq!(before.business_date(&kolkata).financial_year(), 2526);
        assert_eq!(after.business_date(&kolkata).financial_year(), 2627);
    }

    #[test]
    fn days_are_counted_over_month_and_leap_year_ends() {
        let day = BusinessDate::parse("2028-03-01").unwrap();
        assert_eq!(day.plus_days(-1).to_string(), "2028-02-29");
        assert_eq!(day.plus_days(-1).plus_days(1), day);
        assert_eq!(BusinessDate::parse("2026-02-30"), None);
    }

    #[test]
    fn a_stopped_clock_moves_only_by_hand() {
        let clock = Clock::stopped_at(Timestamp::from_ms(1000));
        assert_eq!(clock.now().as_ms(), 1000);
        clock.advance_ms(500);
        assert_eq!(clock.now().as_ms(), 1500);
    }
}
