//! Which days a report shows, and how its figures stand beside each other.

use super::model::{DaySales, ReportError};
use crate::clock::BusinessDate;
use crate::money::Money;

/// The most days in a report: a leap year.
pub const MOST_DAYS: i64 = 366;
/// The days of a report that names none.
const USUAL_DAYS: i64 = 7;

/// Days in a row, both ends included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Range {
    /// The first.
    pub from: BusinessDate,
    /// The last.
    pub to: BusinessDate,
}

impl Range {
    /// The days asked for: up to today unless an end is named, seven unless a beginning is.
    pub fn choose(
        from: Option<BusinessDate>,
        to: Option<BusinessDate>,
        today: BusinessDate,
    ) -> Result<Self, ReportError> {
        let to = to.unwrap_or(today);
        let from = from.unwrap_or_else(|| to.plus_days(1 - USUAL_DAYS));
        let range = Self { from, to };
        if from > to {
            return Err(ReportError::Backwards);
        }
        if range.length() > MOST_DAYS {
            return Err(ReportError::TooLong(MOST_DAYS));
        }
        Ok(range)
    }

    /// How many days.
    pub fn length(self) -> i64 {
        self.from.date().until(self.to.date()).map_or(i64::MAX, |span| i64::from(span.get_days()) + 1)
    }

    /// As many days, right before.
    #[must_use]
    pub fn before(self) -> Self {
        let length = self.length();
        Self { from: self.from.plus_days(-length), to: self.from.plus_days(-1) }
    }

    /// Each day.
    pub fn days(self) -> impl Iterator<Item = BusinessDate> {
        std::iter::successors(Some(self.from), |day| Some(day.plus_days(1))).take_while(move |day| *day <= self.to)
    }

    /// The sales of each day, nothing for a day without.
    pub fn fill(self, found: &[DaySales]) -> Vec<Money> {
        self.days()
            .map(|day| found.iter().find(|sales| sales.sold_on == day).map_or(Money::ZERO, |sales| sales.revenue_paise))
            .collect()
    }
}

/// Monday is 1, Sunday 7.
pub fn weekday(day: BusinessDate) -> u8 {
    day.date().weekday().to_monday_one_offset().unsigned_abs()
}

/// A weekday as the *Store Management System* abbreviates it.
pub fn weekday_label(day: BusinessDate) -> &'static str {
    ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"][usize::from(weekday(day)) - 1]
}

/// How high bars stand, in per cent of the highest; a day with sales is never without a bar.
pub fn heights(sales: &[Money]) -> Vec<u32> {
    let highest = sales.iter().map(|amount| amount.as_paise()).max().unwrap_or(0).max(1);
    sales
        .iter()
        .map(|amount| {
            let paise = amount.as_paise().max(0);
            let share = i128::from(paise) * 100 / i128::from(highest);
            u32::try_from(share).unwrap_or(100).max(u32::from(paise > 0))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> BusinessDate {
        BusinessDate::parse(text).unwrap()
    }

    #[test]
    fn a_week_up_to_today_is_shown_when_nothing_else_is_asked() {
        let today = day("2026-03-02");
        let range = Range::choose(None, None, today).unwrap();
        let days: Vec<String> = range.days().map(|day| day.to_string()).collect();
        assert_eq!(days.first().map(String::as_str), Some("2026-02-24"));
        assert_eq!((days.len(), days.last().map(String::as_str)), (7, Some("2026-03-02")));
        assert_eq!(range.before(), Range { from: day("2026-02-17"), to: day("2026-02-23") });
        let labels: Vec<_> = range.days().map(weekday_label).collect();
        assert_eq!(labels, ["Tue", "Wed", "Thu", "Fri", "Sat", "Sun", "Mon"]);
    }

    #[test]
    fn ranges_are_refused_when_they_run_backwards_or_are_longer_than_a_year() {
        let today = day("2028-12-31");
        let range = |from, to| Range::choose(Some(day(from)), Some(day(to)), today).map(Range::length);
        assert_eq!(range("2028-01-01", "2028-12-31"), Ok(366));
        assert_eq!(range("2028-01-01", "2029-01-01"), Err(ReportError::TooLong(366)));
        assert_eq!(range("0001-01-01", "9999-12-31"), Err(ReportError::TooLong(366)));
        assert_eq!(range("2028-01-02", "2028-01-01"), Err(ReportError::Backwards));
        assert_eq!(range("2028-01-01", "2028-01-01"), Ok(1));
    }

    #[test]
    fn days_without_sales_are_shown_as_nothing() {
        let range = Range { from: day("2026-03-01"), to: day("2026-03-03") };
        let found = [DaySales { sold_on: day("2026-03-02"), revenue_paise: Money::paise(500) }];
        assert_eq!(range.fill(&found), [Money::ZERO, Money::paise(500), Money::ZERO]);
    }

    #[test]
    fn bars_are_measured_by_the_highest() {
        let heights = |paise: &[i64]| heights(&paise.iter().map(|paise| Money::paise(*paise)).collect::<Vec<_>>());
        assert_eq!(heights(&[0, 0]), [0, 0]);
        assert_eq!(heights(&[1, 500, 1000]), [1, 50, 100]);
        assert_eq!(heights(&[-5, i64::MAX]), [0, 100]);
    }
}
