//! Barcodes: check digits, one stored form for each code, and labels that a scale prints in the store.
//!
//! Check digit: GS1, from the right with the weights 3, 1, 3, 1. UPC-A is an EAN-13 with a leading
//! zero, and so is a GTIN-14 whose packaging level is 0: all are stored as 13 digits. Prefixes 02 and
//! 20 to 29 belong to the retailer, whose layout is a table of rules ([`LabelRule`]), never code.

use serde::{Deserialize, Serialize};

use super::model::Unit;
use crate::money::{Money, Quantity, divide_half_up};

crate::words! {
    /// The kind of a barcode.
    #[derive(PartialOrd, Ord)]
    pub enum Kind {
        /// EAN-13.
        Ean13 = "ean13",
        /// EAN-8.
        Ean8 = "ean8",
        /// UPC-A.
        Upca = "upca",
        /// GTIN-14.
        Gtin14 = "gtin14",
        /// A code of the shop's own, without a check digit that we know.
        Other = "other",
    }
}

/// A barcode in its stored form.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Barcode {
    code: String,
    kind: Kind,
}

/// Why a text is not a barcode.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BarcodeError {
    /// The last digit does not fit the others.
    #[error("The check digit of {code} is wrong: it ends in {found} and should end in {expected}.")]
    CheckDigit {
        /// The code as it was given.
        code: String,
        /// Its last digit.
        found: char,
        /// The digit that fits.
        expected: char,
    },
    /// A spreadsheet turned it into a rounded number.
    #[error("{0} is a rounded number: the spreadsheet has lost digits of this barcode. Format the column as text.")]
    Rounded(String),
    /// Characters that no barcode has, or too many.
    #[error("{0} is not a barcode: it has 1 to 48 letters, digits and signs, without spaces.")]
    Malformed(String),
}

impl Barcode {
    /// Reads a barcode as somebody typed or scanned it.
    pub fn parse(text: &str) -> Result<Self, BarcodeError> {
        let code: String = text.chars().filter(|one| !one.is_whitespace()).collect();
        if is_rounded(&code) {
            return Err(BarcodeError::Rounded(code));
        }
        if !(1..=48).contains(&code.len())
            || !code.bytes().all(|byte| byte.is_ascii_graphic() && !b",;|".contains(&byte))
        {
            return Err(BarcodeError::Malformed(code.chars().take(60).collect()));
        }
        let kind = match code.len() {
            8 => Kind::Ean8,
            12 => Kind::Upca,
            13 => Kind::Ean13,
            14 => Kind::Gtin14,
            _ => Kind::Other,
        };
        if kind == Kind::Other || !code.bytes().all(|byte| byte.is_ascii_digit()) {
            return Ok(Self { code, kind: Kind::Other });
        }
        let (body, found) = code.split_at(code.len() - 1);
        let expected = check_digit(body);
        let found = found.chars().next().unwrap_or_default();
        if found != expected {
            return Err(BarcodeError::CheckDigit { code, found, expected });
        }
        Ok(match (kind, code.strip_prefix('0')) {
            (Kind::Upca, _) => Self { code: format!("0{code}"), kind },
            (Kind::Gtin14, Some(ean)) => Self { code: ean.to_owned(), kind: Kind::Ean13 },
            _ => Self { code, kind },
        })
    }

    /// The stored form: UPC-A with its leading zero.
    pub fn code(&self) -> &str {
        &self.code
    }

    /// Its kind.
    pub const fn kind(&self) -> Kind {
        self.kind
    }
}

/// A stored code as it is printed on the goods.
pub fn printed(code: &str, kind: Kind) -> &str {
    match kind {
        Kind::Upca => code.strip_prefix('0').unwrap_or(code),
        _ => code,
    }
}

/// The GS1 check digit of the digits before it.
pub fn check_digit(body: &str) -> char {
    let sum: u32 = body
        .bytes()
        .rev()
        .zip([3, 1].into_iter().cycle())
        .map(|(byte, weight)| u32::from(byte.wrapping_sub(b'0')) * weight)
        .sum();
    char::from_digit((10 - sum % 10) % 10, 10).unwrap_or('0')
}

/// `8.90E+12`: what a spreadsheet makes of a long number.
fn is_rounded(code: &str) -> bool {
    let Some((mantissa, exponent)) = code.split_once(['E', 'e']) else { return false };
    let exponent = exponent.strip_prefix('+').unwrap_or(exponent);
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    mantissa.contains('.') && mantissa.split('.').all(digits) && digits(exponent)
}

/// What the value on a label says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Measure {
    /// The weight in kilograms.
    Weight,
    /// What the customer pays for the piece.
    Price,
    /// How many.
    Count,
}

/// The layout of one kind of in-store label: prefix, item code, perhaps a verifier digit, value, check digit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct LabelRule {
    /// The digits that the code begins with.
    pub prefix: String,
    /// How many digits the item code has.
    pub item_digits: usize,
    /// How many digits between item code and value are passed over.
    #[serde(default)]
    pub verifier_digits: usize,
    /// How many digits the value has.
    pub value_digits: usize,
    /// What the value says.
    pub measure: Measure,
    /// How many of its digits are decimals.
    pub decimals: u32,
}

/// A label as a rule reads it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Label {
    /// The item code alone.
    pub item_code: String,
    /// The whole code with the value set to zero and a check digit that fits.
    pub zeroed: String,
    /// What the value says.
    pub measure: Measure,
    value: i64,
    decimals: u32,
}

/// Prefix 21: weight in grams; prefix 28: price in paise; item codes of five digits.
pub fn usual_rules() -> Vec<LabelRule> {
    let rule = |prefix: &str, measure, decimals| LabelRule {
        prefix: prefix.to_owned(),
        item_digits: 5,
        verifier_digits: 0,
        value_digits: 5,
        measure,
        decimals,
    };
    vec![rule("21", Measure::Weight, 3), rule("28", Measure::Price, 2)]
}

/// Reads the shop's table of rules; empty means the usual ones.
///
/// # Errors
/// A sentence that says which rule is wrong.
pub fn read_rules(json: &str) -> Result<Vec<LabelRule>, String> {
    if json.trim().is_empty() {
        return Ok(usual_rules());
    }
    let rules: Vec<LabelRule> =
        serde_json::from_str(json).map_err(|error| format!("The rules for labels cannot be read: {error}."))?;
    for rule in &rules {
        let digits = rule.prefix.len() + rule.item_digits + rule.verifier_digits + rule.value_digits;
        let is_number = !rule.prefix.is_empty() && rule.prefix.bytes().all(|byte| byte.is_ascii_digit());
        if !is_number || digits != 12 || rule.item_digits == 0 || rule.value_digits == 0 || rule.decimals > 3 {
            return Err(format!(
                "The rule for prefix {} must share out 12 digits among prefix, item, verifier and value, with at most 3 decimals.",
                rule.prefix
            ));
        }
    }
    Ok(rules)
}

/// Reads an EAN-13 by the first rule whose prefix fits.
pub fn read_label(code: &Barcode, rules: &[LabelRule]) -> Option<Label> {
    if code.kind != Kind::Ean13 {
        return None;
    }
    let digits = code.code.as_str();
    let rule = rules.iter().find(|rule| digits.starts_with(&rule.prefix))?;
    let item_at = rule.prefix.len();
    let value_at = item_at + rule.item_digits + rule.verifier_digits;
    let item_code = digits.get(item_at..item_at + rule.item_digits)?.to_owned();
    let value = digits.get(value_at..value_at + rule.value_digits)?.parse().ok()?;
    let body = format!("{}{item_code}{}", rule.prefix, "0".repeat(rule.verifier_digits + rule.value_digits));
    let zeroed = format!("{body}{}", check_digit(&body));
    Some(Label { item_code, zeroed, measure: rule.measure, value, decimals: rule.decimals })
}

/// What a label means for a product.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reading {
    /// How much it is, in the product's unit.
    pub quantity: Quantity,
    /// What the customer pays for it, when the label says so.
    pub line_total: Option<Money>,
}

impl Label {
    /// Reads the value for a product of a unit and price. A price on the label stays the line's total; the
    /// quantity that follows from it serves stock alone. None when the value fits no quantity.
    pub fn reading(&self, unit: Unit, price: Money) -> Option<Reading> {
        let thousandths = self.value * 10_i64.pow(3 - self.decimals.min(3));
        let quantity = match self.measure {
            Measure::Weight if unit == Unit::Gram => Quantity::milli(thousandths.checked_mul(1000)?),
            Measure::Weight | Measure::Count => Quantity::milli(thousandths),
            Measure::Price => {
                let total = Money::paise(i64::try_from(divide_half_up(i128::from(thousandths), 10)).ok()?);
                if price.is_zero() || price.is_negative() {
                    return None;
                }
                let exact = i128::from(total.as_paise()) * 1000;
                let quantity = i64::try_from(divide_half_up(exact, i128::from(price.as_paise()))).ok()?;
                return Some(Reading { quantity: Quantity::milli(quantity.max(1)), line_total: Some(total) });
            }
        };
        (!quantity.is_zero()).then_some(Reading { quantity, line_total: None })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn check_digits_are_those_of_gs1() {
        for (body, digit) in [
            ("890400021003", '7'),
            ("03600024145", '7'),
            ("210000102750", '6'),
            ("234011900500", '7'),
            ("9638507", '4'),
        ] {
            assert_eq!(check_digit(body), digit, "{body}");
        }
    }

    #[test]
    fn a_wrong_check_digit_is_refused_with_the_right_one() {
        let error = Barcode::parse("8904000210038").unwrap_err();
        assert_eq!(error.to_string(), "The check digit of 8904000210038 is wrong: it ends in 8 and should end in 7.");
    }

    #[test]
    fn each_code_has_one_stored_form() {
        for (given, code, kind) in [
            ("8904000210037", "8904000210037", Kind::Ean13),
            (" 890 4000 210037 ", "8904000210037", Kind::Ean13),
            ("036000241457", "0036000241457", Kind::Upca),
            ("0036000241457", "0036000241457", Kind::Ean13),
            ("96385074", "96385074", Kind::Ean8),
            ("08904000210037", "8904000210037", Kind::Ean13),
            ("18904000210034", "18904000210034", Kind::Gtin14),
            ("SHELF-7", "SHELF-7", Kind::Other),
            ("1234567890", "1234567890", Kind::Other),
        ] {
            let barcode = Barcode::parse(given).unwrap();
            assert_eq!((barcode.code(), barcode.kind()), (code, kind), "{given}");
        }
        assert_eq!(printed("0036000241457", Kind::Upca), "036000241457");
    }

    #[test]
    fn what_is_no_barcode_is_refused() {
        assert_eq!(Barcode::parse("8.90E+12"), Err(BarcodeError::Rounded("8.90E+12".to_owned())));
        for text in ["", "   ", "a,b", "टमाटर", &"9".repeat(49)] {
            assert!(matches!(Barcode::parse(text), Err(BarcodeError::Malformed(_))), "{text}");
        }
    }

    #[test]
    fn a_weight_label_gives_the_weight_and_both_ways_to_look_the_item_up() {
        let label = read_label(&Barcode::parse("2100001027506").unwrap(), &usual_rules()).unwrap();
        assert_eq!((label.item_code.as_str(), label.zeroed.as_str()), ("00001", "2100001000004"));
        let reading = label.reading(Unit::Kilogram, Money::paise(4000)).unwrap();
        assert_eq!(reading, Reading { quantity: Quantity::milli(2750), line_total: None });
        assert_eq!(label.reading(Unit::Gram, Money::paise(4)).unwrap().quantity, Quantity::whole(2750));
    }

    #[test]
    fn a_price_label_keeps_its_price_as_the_total_of_the_line() {
        let body = "280004201999";
        let code = Barcode::parse(&format!("{body}{}", check_digit(body))).unwrap();
        let label = read_label(&code, &usual_rules()).unwrap();
        let reading = label.reading(Unit::Kilogram, Money::paise(6000)).unwrap();
        assert_eq!(reading, Reading { quantity: Quantity::milli(333), line_total: Some(Money::paise(1999)) });
        assert_eq!(label.reading(Unit::Kilogram, Money::ZERO), None);
    }

    #[test]
    fn rules_of_the_shop_replace_the_usual_ones() {
        let json =
            r#"[{"prefix":"23","itemDigits":4,"verifierDigits":1,"valueDigits":5,"measure":"price","decimals":1}]"#;
        let rules = read_rules(json).unwrap();
        let label = read_label(&Barcode::parse("2340119005007").unwrap(), &rules).unwrap();
        assert_eq!(label.item_code, "4011");
        assert_eq!(label.reading(Unit::Piece, Money::paise(100)).unwrap().line_total, Some(Money::paise(5000)));
        assert_eq!(read_rules("").unwrap(), usual_rules());
        assert!(
            read_rules("[{\"prefix\":\"2\",\"itemDigits\":5,\"valueDigits\":5,\"measure\":\"price\",\"decimals\":2}]")
                .is_err()
        );
    }
}
