//! A row of an old system, whatever file it stood in: names and texts, and how they are read.

use std::sync::Arc;

use jiff::civil::DateTime;
use jiff::tz::TimeZone;

use crate::clock::{BusinessDate, Timestamp};
use crate::money::{Money, Quantity};

/// A value as it stood in the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cell {
    /// Nothing.
    Null,
    /// A text, a number by its digits, an id, or an instant in RFC 3339.
    Text(String),
    /// Documents inside the document.
    List(Vec<Fields>),
}

/// Values by their names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fields {
    /// The names, shared by the rows of a table.
    pub names: Arc<[String]>,
    /// The values, beside them.
    pub cells: Vec<Cell>,
}

/// A row or document.
#[derive(Debug, Clone)]
pub struct Record {
    /// Its table or collection.
    pub table: &'static str,
    /// Its place in the table, from 1.
    pub row: u64,
    /// The line it begins on, where the file has lines.
    pub line: Option<u64>,
    /// How much of the file has been read.
    pub read: u64,
    /// What it holds.
    pub fields: Fields,
}

/// What is wrong with one field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Flaw {
    /// The field, as the old system spells it; empty when the whole row is meant.
    pub field: String,
    /// What is wrong.
    pub reason: String,
}

impl Flaw {
    /// A field and a sentence.
    pub fn new(field: &str, reason: impl Into<String>) -> Self {
        Self { field: field.to_owned(), reason: reason.into() }
    }
}

type Read<T> = Result<T, Flaw>;

impl Fields {
    /// A value by its name, in any letter case.
    pub fn get(&self, name: &str) -> &Cell {
        let place = self.names.iter().position(|known| known.eq_ignore_ascii_case(name));
        place.and_then(|place| self.cells.get(place)).unwrap_or(&Cell::Null)
    }

    /// The text of a field without blanks around it; empty when it has none.
    pub fn string(&self, name: &str) -> String {
        match self.get(name) {
            Cell::Text(text) => text.trim().to_owned(),
            _ => String::new(),
        }
    }

    /// A text that must be there.
    pub fn required(&self, name: &str) -> Read<String> {
        Some(self.string(name)).filter(|text| !text.is_empty()).ok_or_else(|| Flaw::new(name, "is empty"))
    }

    /// An amount, rounded half up to the paisa; none when the field is empty.
    pub fn money(&self, name: &str) -> Read<Option<Money>> {
        Ok(self.units(name, 2)?.map(Money::paise))
    }

    /// A quantity, rounded half up to the thousandth; none when the field is empty.
    pub fn quantity(&self, name: &str) -> Read<Option<Quantity>> {
        Ok(self.units(name, 3)?.map(Quantity::milli))
    }

    fn units(&self, name: &str, decimals: i32) -> Read<Option<i64>> {
        let text = self.string(name);
        if text.is_empty() {
            return Ok(None);
        }
        units(&text, decimals).map(Some).ok_or_else(|| Flaw::new(name, format!("`{text}` is not a number that fits")))
    }

    /// A calendar day, with or without a time behind it.
    pub fn day(&self, name: &str) -> Read<BusinessDate> {
        let text = self.required(name)?;
        let day = text.get(..10).and_then(BusinessDate::parse);
        day.ok_or_else(|| Flaw::new(name, format!("`{text}` is not a date like 2026-11-21")))
    }

    /// An instant: with an offset as it is, without one by the clock on the shop's wall.
    pub fn instant(&self, name: &str, zone: &TimeZone) -> Read<Timestamp> {
        let text = self.required(name)?;
        let wall = || {
            let wall: DateTime = text.replace(' ', "T").parse().ok()?;
            wall.to_zoned(zone.clone()).ok().map(|zoned| Timestamp::from_ms(zoned.timestamp().as_millisecond()))
        };
        let read = Timestamp::parse(&text).or_else(wall);
        read.ok_or_else(|| Flaw::new(name, format!("`{text}` is not an instant like 2026-11-21 09:30:00")))
    }
}

/// Reads a decimal number by its digits, with or without an exponent, and rounds it half up (halves away from
/// zero); none when it is no number or does not fit.
fn units(text: &str, decimals: i32) -> Option<i64> {
    let (mantissa, exponent) = match text.find(['e', 'E']) {
        Some(at) => (&text[..at], text[at + 1..].parse::<i32>().ok().filter(|exponent| exponent.abs() < 100)?),
        None => (text, 0),
    };
    let (negative, digits) = match mantissa.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, mantissa.strip_prefix('+').unwrap_or(mantissa)),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    if whole.is_empty() && fraction.is_empty() {
        return None;
    }
    let kept = i32::try_from(whole.len()).ok()? + exponent + decimals;
    let mut value: i64 = 0;
    let mut place = 0;
    for byte in whole.bytes().chain(fraction.bytes()) {
        let digit = i64::from(byte.is_ascii_digit().then(|| byte - b'0')?);
        if place < kept {
            value = value.checked_mul(10)?.checked_add(digit)?;
        } else if place == kept && digit >= 5 {
            value = value.checked_add(1)?;
        }
        place += 1;
    }
    while place < kept {
        value = value.checked_mul(10)?;
        place += 1;
    }
    // What a JSON number carries exactly is the most that any amount of the shop may be.
    (value < 1 << 53).then_some(if negative { -value } else { value })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_by_their_digits_and_rounded_half_up() {
        let cases = [
            ("12.5", 1250),
            ("12.345", 1235),
            ("12.344", 1234),
            ("-0.005", -1),
            ("1e3", 100_000),
            ("1.5E-2", 2),
            ("0.001", 0),
            (".5", 50),
            ("0.1", 10),
        ];
        for (text, paise) in cases {
            assert_eq!(units(text, 2), Some(paise), "{text}");
        }
        for text in ["", "-", "NaN", "inf", "1.2.3", "1,5", "99999999999999999999", "1e99", "1e", "12x"] {
            assert_eq!(units(text, 2), None, "{text}");
        }
    }

    #[test]
    fn days_and_instants_are_read_as_the_old_systems_write_them() {
        let names: Arc<[String]> = ["a", "b", "c"].map(str::to_owned).into();
        let cells =
            ["2024-02-29 23:10:00", "2024-02-29T23:10:00Z", "0000-00-00"].map(|text| Cell::Text(text.to_owned()));
        let fields = Fields { names, cells: cells.to_vec() };
        let zone = TimeZone::get("Asia/Kolkata").unwrap();
        assert_eq!(fields.day("A").unwrap().to_string(), "2024-02-29");
        assert_eq!(fields.instant("a", &zone).unwrap().to_string(), "2024-02-29T17:40:00Z");
        assert_eq!(fields.instant("b", &zone).unwrap().to_string(), "2024-02-29T23:10:00Z");
        assert!(fields.day("c").is_err() && fields.instant("c", &zone).is_err() && fields.day("d").is_err());
    }
}
