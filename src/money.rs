//! Money and quantities, the two numbers that never float.
//!
//! [`Money`] is whole minor units (paise), [`Quantity`] whole thousandths of a product's unit,
//! [`TaxRate`] whole basis points, [`Rating`] hundredths of a star. All arithmetic is checked: an amount that does not fit is a
//! refusal, not a wrapped number. Every division names its rounding.

use std::borrow::Cow;
use std::fmt;
use std::iter::Sum;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;

/// The largest magnitude that a JSON number carries exactly in every client (2^53 - 1).
const LARGEST_EXACT: i64 = (1 << 53) - 1;

/// Why a text is not an amount.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NumberError {
    /// Not digits with an optional sign and point.
    #[error("is not a number")]
    NotANumber,
    /// More decimals than the unit has.
    #[error("has more than {0} decimals")]
    TooManyDecimals(u32),
    /// Does not fit.
    #[error("is too large")]
    TooLarge,
}

/// An amount in minor units (paise) of the shop's currency.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Money(i64);

/// A quantity in thousandths of the product's unit: 1.250 kg is 1250.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Quantity(i64);

/// A tax rate in basis points: 18 % is 1800.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TaxRate(i64);

/// A rating in hundredths of a star: 4.5 stars are 450.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Rating(i64);

/// What a fixed-point number needs to be read and written.
trait FixedPoint: Sized {
    /// How many decimals the unit has.
    const DECIMALS: u32;
    /// Decimals that are always written.
    const SHOWN: u32;
    fn from_units(units: i64) -> Self;
}

macro_rules! fixed_point {
    ($type:ident, decimals: $decimals:literal, shown: $shown:literal, schema: $schema:literal) => {
        impl FixedPoint for $type {
            const DECIMALS: u32 = $decimals;
            const SHOWN: u32 = $shown;
            fn from_units(units: i64) -> Self {
                Self(units)
            }
        }

        impl $type {
            /// Nothing.
            pub const ZERO: Self = Self(0);

            /// Reads a decimal text exactly; more decimals than the unit has are refused.
            pub fn parse(text: &str) -> Result<Self, NumberError> {
                parse_units(text, $decimals).map(Self)
            }

            /// The sum, or none when it does not fit.
            #[must_use]
            pub fn checked_add(self, other: Self) -> Option<Self> {
                self.0.checked_add(other.0).map(Self)
            }

            /// The difference, or none when it does not fit.
            #[must_use]
            pub fn checked_sub(self, other: Self) -> Option<Self> {
                self.0.checked_sub(other.0).map(Self)
            }

            /// Below zero.
            pub fn is_negative(self) -> bool {
                self.0 < 0
            }

            /// Exactly zero.
            pub fn is_zero(self) -> bool {
                self.0 == 0
            }
        }

        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&format_units(self.0, Self::DECIMALS, Self::SHOWN))
            }
        }

        impl Serialize for $type {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serialize_units(self.0, Self::DECIMALS, serializer)
            }
        }

        impl<'de> Deserialize<'de> for $type {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                deserialize_exact(deserializer)
            }
        }

        impl JsonSchema for $type {
            fn schema_name() -> Cow<'static, str> {
                stringify!($type).into()
            }
            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!({ "type": ["number", "string"], "description": $schema })
            }
        }
    };
}

fixed_point!(Money, decimals: 2, shown: 2, schema: "An amount with at most two decimals, as a number or a string; read exactly.");
fixed_point!(Quantity, decimals: 3, shown: 0, schema: "A quantity in the product's unit with at most three decimals, as a number or a string; read exactly.");
fixed_point!(TaxRate, decimals: 2, shown: 0, schema: "A tax rate in per cent with at most two decimals.");
fixed_point!(Rating, decimals: 2, shown: 0, schema: "Stars from 0 to 5 with at most two decimals.");

impl Money {
    /// An amount of whole minor units.
    pub const fn paise(paise: i64) -> Self {
        Self(paise)
    }

    /// The amount in minor units.
    pub const fn as_paise(self) -> i64 {
        self.0
    }

    /// Unit price times quantity, rounded half up to the minor unit; none when it does not fit.
    #[must_use]
    pub fn times(self, quantity: Quantity) -> Option<Self> {
        let exact = i128::from(self.0) * i128::from(quantity.0);
        i64::try_from(divide_half_up(exact, 1000)).ok().map(Self)
    }
}

impl Quantity {
    /// A quantity of whole thousandths.
    pub const fn milli(milli: i64) -> Self {
        Self(milli)
    }

    /// The quantity in thousandths.
    pub const fn as_milli(self) -> i64 {
        self.0
    }

    /// A whole number of units.
    pub const fn whole(units: i64) -> Self {
        Self(units * 1000)
    }

    /// No fraction of a unit.
    pub const fn is_whole(self) -> bool {
        self.0 % 1000 == 0
    }
}

impl TaxRate {
    /// A rate of whole basis points.
    pub const fn basis_points(rate_bp: i64) -> Self {
        Self(rate_bp)
    }

    /// The rate in basis points.
    pub const fn as_basis_points(self) -> i64 {
        self.0
    }
}

impl Rating {
    /// Five stars.
    pub const MOST: Self = Self(500);

    /// A rating of whole hundredths of a star.
    pub const fn centi(centi: i64) -> Self {
        Self(centi)
    }

    /// The rating in hundredths of a star.
    pub const fn as_centi(self) -> i64 {
        self.0
    }
}

impl std::ops::Add for Money {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self(self.0.checked_add(other.0).expect("money stays within 64 bits"))
    }
}

impl std::ops::Sub for Money {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        Self(self.0.checked_sub(other.0).expect("money stays within 64 bits"))
    }
}

impl Sum for Money {
    fn sum<I: Iterator<Item = Self>>(amounts: I) -> Self {
        amounts.fold(Self::ZERO, |total, amount| total + amount)
    }
}

/// Division that rounds to the nearest whole, halves away from zero (how bills round).
pub fn divide_half_up(dividend: i128, divisor: i128) -> i128 {
    assert!(divisor > 0, "a positive divisor");
    let half = divisor / 2;
    if dividend >= 0 { (dividend + half) / divisor } else { -((-dividend + half) / divisor) }
}

fn parse_units(text: &str, decimals: u32) -> Result<i64, NumberError> {
    let text = text.trim();
    let (negative, digits) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let all_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if !all_digits(whole) || !all_digits(fraction) || (whole.is_empty() && fraction.is_empty()) {
        return Err(NumberError::NotANumber);
    }
    let fraction = fraction.trim_end_matches('0');
    let missing = (decimals as usize).checked_sub(fraction.len()).ok_or(NumberError::TooManyDecimals(decimals))?;
    let mut units: i64 = 0;
    for digit in whole.bytes().chain(fraction.bytes()).chain(std::iter::repeat_n(b'0', missing)) {
        units = units
            .checked_mul(10)
            .and_then(|units| units.checked_add(i64::from(digit - b'0')))
            .filter(|units| *units <= LARGEST_EXACT)
            .ok_or(NumberError::TooLarge)?;
    }
    Ok(if negative { -units } else { units })
}

/// Writes units as a decimal text with at least `shown` decimals and no needless zero after them.
fn format_units(units: i64, decimals: u32, shown: u32) -> String {
    let scale = 10_u64.pow(decimals);
    let sign = if units < 0 { "-" } else { "" };
    let whole = units.unsigned_abs() / scale;
    let fraction = units.unsigned_abs() % scale;
    let width = decimals as usize;
    let mut text = format!("{fraction:0width$}");
    while text.len() > shown as usize && text.ends_with('0') {
        text.pop();
    }
    if text.is_empty() { format!("{sign}{whole}") } else { format!("{sign}{whole}.{text}") }
}

/// Writes a JSON number without passing through a float.
fn serialize_units<S: Serializer>(units: i64, decimals: u32, serializer: S) -> Result<S::Ok, S::Error> {
    let scale = 10_i64.pow(decimals);
    if units % scale == 0 {
        return serializer.serialize_i64(units / scale);
    }
    let number = RawValue::from_string(format_units(units, decimals, 0)).map_err(serde::ser::Error::custom)?;
    number.serialize(serializer)
}

/// Reads a JSON number or string by its own digits.
fn deserialize_exact<'de, D: Deserializer<'de>, T: FixedPoint>(deserializer: D) -> Result<T, D::Error> {
    let raw = <Box<RawValue>>::deserialize(deserializer)?;
    let text = raw.get();
    let text = text.strip_prefix('"').and_then(|text| text.strip_suffix('"')).unwrap_or(text);
    let units = parse_units(text, T::DECIMALS).map_err(|error| D::Error::custom(format!("`{text}` {error}")))?;
    Ok(T::from_units(units))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_read_exactly_or_refused() {
        for (text, paise) in
            [("142.5", 14250), ("142.50", 14250), ("0", 0), ("-3.01", -301), (" 7 ", 700), (".5", 50), ("1.500", 150)]
        {
            assert_eq!(Money::parse(text), Ok(Money(paise)), "{text}");
        }
        for (text, error) in [
            ("", NumberError::NotANumber),
            (".", NumberError::NotANumber),
            ("1e3", NumberError::NotANumber),
            ("NaN", NumberError::NotANumber),
            ("1.005", NumberError::TooManyDecimals(2)),
            ("99999999999999999999", NumberError::TooLarge),
        ] {
            assert_eq!(Money::parse(text), Err(error), "{text}");
        }
    }

    #[test]
    fn json_carries_the_digits_and_not_a_float() {
        let price: Money = serde_json::from_str("0.29").unwrap();
        assert_eq!(price, Money(29));
        assert_eq!(serde_json::to_string(&price).unwrap(), "0.29");
        assert_eq!(serde_json::to_string(&Money(14250)).unwrap(), "142.5");
        assert_eq!(serde_json::to_string(&Money(-5)).unwrap(), "-0.05");
        assert_eq!(serde_json::to_string(&Quantity(1000)).unwrap(), "1");
        let weight: Quantity = serde_json::from_str("\"1.250\"").unwrap();
        assert_eq!(weight, Quantity(1250));
        assert!(serde_json::from_str::<Money>("1.999").unwrap_err().to_string().contains("more than 2 decimals"));
        assert!(serde_json::from_str::<Money>("1e400").is_err());
    }

    #[test]
    fn a_price_times_a_weight_rounds_half_up_and_never_wraps() {
        assert_eq!(Money(3999).times(Quantity(1250)), Some(Money(4999)));
        assert_eq!(Money(1).times(Quantity(500)), Some(Money(1)));
        assert_eq!(Money(1).times(Quantity(499)), Some(Money(0)));
        assert_eq!(Money(LARGEST_EXACT).times(Quantity(LARGEST_EXACT)), None);
    }

    #[test]
    fn amounts_are_shown_with_two_places_and_quantities_with_what_they_need() {
        assert_eq!(Money(123_450).to_string(), "1234.50");
        assert_eq!(Quantity(1250).to_string(), "1.25");
        assert_eq!(Quantity(3000).to_string(), "3");
        assert_eq!(TaxRate(1800).to_string(), "18");
    }
}
