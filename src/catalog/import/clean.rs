//! From the cells of a row to a product: blanks, currency signs, thousands, decimals.

use super::super::export::undo_defusing;
use super::super::model::{Edit, ProductChange, Status, Unit};
use super::mapping::{Column, Field};
use super::rows::Row;
use super::{ImportError, RowError};
use crate::money::{Money, NumberError, Quantity, Rating, TaxRate};

/// A row that could be read.
#[derive(Debug)]
pub struct Cleaned {
    /// What it says of a product.
    pub change: ProductChange,
    /// An amount was rounded to whole paise.
    pub rounded: bool,
    /// The price is above the MRP.
    pub above_mrp: bool,
}

/// Reads a row; all cells that are wrong are reported.
pub fn clean(row: &Row<'_>, columns: &[Column], round: bool) -> Result<Result<Cleaned, Vec<RowError>>, ImportError> {
    let mut change = ProductChange::default();
    let mut errors = Vec::new();
    let mut rounded = false;
    let mut subcategory = None;
    for column in columns {
        let text = row.cell(column.place)?;
        let text = tidy(&undo_defusing(text));
        if text.is_empty() {
            continue;
        }
        let read = match column.field {
            Field::Subcategory => {
                subcategory = Some(text);
                Ok(())
            }
            field => set(&mut change, field, text, round, &mut rounded),
        };
        if let Err(message) = read {
            errors.push(RowError::at(row.line, column, message));
        }
    }
    if let Some(below) = subcategory {
        change.parent_category = change.category.replace(below);
    }
    if !errors.is_empty() {
        return Ok(Err(errors));
    }
    let above_mrp = matches!((change.price, &change.mrp), (Some(price), Edit::Set(mrp)) if price > *mrp);
    Ok(Ok(Cleaned { change, rounded, above_mrp }))
}

fn set(change: &mut ProductChange, field: Field, text: String, round: bool, rounded: &mut bool) -> Result<(), String> {
    match field {
        Field::Sku => change.sku = Some(text),
        Field::Name => change.name = Some(text),
        Field::NameLocal => change.name_local = Some(text),
        Field::Description => change.description = Some(text),
        Field::Category | Field::Subcategory => change.category = Some(text),
        Field::Brand => change.brand = Some(text),
        Field::Unit => change.unit = Some(unit(&text)?),
        Field::Price => change.price = Some(money(&text, round, rounded)?),
        Field::Mrp => change.mrp = Edit::Set(money(&text, round, rounded)?),
        Field::Cost => change.cost = Edit::Set(money(&text, round, rounded)?),
        Field::PriceIncludesTax => change.price_includes_tax = Some(flag(&text)?),
        Field::TaxRate => change.tax_rate = Some(number(text.trim_end_matches('%').trim(), TaxRate::parse)?),
        Field::Hsn => change.hsn = Some(text),
        Field::Rating => change.rating = Edit::Set(number(&text, Rating::parse)?),
        Field::ReviewCount => change.review_count = Some(whole(&text)?),
        Field::SoldBefore => change.sold_before = Some(number(&text, Quantity::parse)?),
        Field::ItemCode => change.item_code = Edit::Set(text),
        Field::Barcode => change.barcodes = Some(split_barcodes(&text)),
        Field::Stock => change.stock = Some(number(&text, Quantity::parse)?),
        Field::ReorderLevel => change.reorder_level = Some(number(&text, Quantity::parse)?),
        Field::ReorderQuantity => change.reorder_quantity = Some(number(&text, Quantity::parse)?),
        Field::TrackStock => change.track_stock = Some(flag(&text)?),
        Field::TrackBatches => change.track_batches = Some(flag(&text)?),
        Field::AllowNegative => change.allow_negative = Some(flag(&text)?),
        Field::Status => {
            let status = Status::from_word(&text).ok_or_else(|| format!("`{text}` is neither active nor archived."))?;
            change.status = Some(status);
        }
    }
    Ok(())
}

/// Without blanks at its ends, and with single ones inside.
pub(in crate::catalog) fn tidy(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn split_barcodes(text: &str) -> Vec<String> {
    text.split([';', ',', '|', ' ']).filter(|code| !code.is_empty()).map(str::to_owned).collect()
}

/// The digits of a number that people write with a currency and thousands: `₹ 1,299.00`, `Rs. 1,29,900`.
fn digits(text: &str) -> String {
    let lower = text.to_lowercase();
    let bare = ["₹", "rs.", "rs", "inr"].iter().find_map(|sign| lower.strip_prefix(sign)).unwrap_or(&lower);
    let bare = bare.trim().trim_end_matches("/-");
    // A comma divides thousands only when three digits (or two and more groups, as in India) follow it.
    let (whole, fraction) = bare.split_once('.').map_or((bare, None), |(whole, fraction)| (whole, Some(fraction)));
    let groups: Vec<&str> = whole.split(',').collect();
    let grouped = groups.len() > 1
        && groups.last().is_some_and(|last| last.len() == 3)
        && groups[1..].iter().all(|group| matches!(group.len(), 2 | 3));
    let whole = if grouped { groups.concat() } else { whole.to_owned() };
    fraction.map_or(whole.clone(), |fraction| format!("{whole}.{fraction}"))
}

pub(in crate::catalog) fn number<T>(text: &str, parse: fn(&str) -> Result<T, NumberError>) -> Result<T, String> {
    parse(&digits(text)).map_err(|error| format!("`{text}` {error}."))
}

/// An amount; with `round`, more decimals than paise have are rounded half up.
pub(in crate::catalog) fn money(text: &str, round: bool, rounded: &mut bool) -> Result<Money, String> {
    let bare = digits(text);
    match Money::parse(&bare) {
        Err(NumberError::TooManyDecimals(_)) if round => {
            *rounded = true;
            nearest(&bare).and_then(|text| Money::parse(&text)).map_err(|error| format!("`{text}` {error}."))
        }
        Err(error @ NumberError::TooManyDecimals(_)) => {
            Err(format!("`{text}` {error}. Ask for rounding to take it as the nearest paisa."))
        }
        read => read.map_err(|error| format!("`{text}` {error}.")),
    }
}

/// Stars; more decimals than are kept are rounded half up.
pub(in crate::catalog) fn rating(text: &str) -> Result<Rating, String> {
    let read = match Rating::parse(text) {
        Err(NumberError::TooManyDecimals(_)) => nearest(text).and_then(|text| Rating::parse(&text)),
        read => read,
    };
    read.map_err(|error| format!("`{text}` {error}."))
}

/// The two decimals that are nearest to a number with more; halves go away from zero.
fn nearest(text: &str) -> Result<String, NumberError> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let kept = fraction.get(..2).unwrap_or_default();
    if !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(NumberError::NotANumber);
    }
    let sign = if whole.starts_with('-') { "-" } else { "" };
    let digits = whole.trim_start_matches(['-', '+']);
    let cut: i64 = format!("{digits}{kept}").parse().map_err(|_| NumberError::TooLarge)?;
    let up = i64::from(fraction.as_bytes().get(2).is_some_and(|digit| *digit >= b'5'));
    let hundredths = cut.checked_add(up).ok_or(NumberError::TooLarge)?;
    Ok(format!("{sign}{}.{:02}", hundredths / 100, hundredths % 100))
}

fn whole(text: &str) -> Result<i64, String> {
    digits(text).parse().map_err(|_| format!("`{text}` is not a whole number."))
}

fn flag(text: &str) -> Result<bool, String> {
    match text.to_lowercase().as_str() {
        "1" | "true" | "yes" | "y" | "हाँ" => Ok(true),
        "0" | "false" | "no" | "n" | "नहीं" => Ok(false),
        _ => Err(format!("`{text}` is neither yes nor no.")),
    }
}

fn unit(text: &str) -> Result<Unit, String> {
    let word = text.to_lowercase();
    let usual = match word.trim_end_matches('.') {
        "pc" | "piece" | "pieces" | "no" | "nos" | "number" | "each" | "ea" | "unit" | "packet" | "pkt" | "pack" => {
            Some(Unit::Piece)
        }
        "kgs" | "kilo" | "kilogram" | "kilograms" => Some(Unit::Kilogram),
        "gm" | "gms" | "gram" | "grams" => Some(Unit::Gram),
        "ltr" | "ltrs" | "litre" | "litres" | "liter" | "liters" => Some(Unit::Litre),
        "mls" | "millilitre" | "milliliter" => Some(Unit::Millilitre),
        "mtr" | "metre" | "meter" | "metres" | "meters" => Some(Unit::Metre),
        other => Unit::from_word(other),
    };
    usual.ok_or_else(|| format!("`{text}` is no unit; there are pcs, kg, g, l, ml and m."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_read_as_people_write_them() {
        let mut rounded = false;
        for (text, paise) in
            [("₹ 1,299.00", 129_900), ("Rs. 1,29,900", 12_990_000), ("INR 5", 500), ("12.50/-", 1250), ("0", 0)]
        {
            assert_eq!(money(text, false, &mut rounded), Ok(Money::paise(paise)), "{text}");
        }
        for text in ["1,5", "12,34", "free", "1.2.3", "-"] {
            assert!(money(text, false, &mut rounded).is_err(), "{text}");
        }
        assert!(!rounded);
    }

    #[test]
    fn more_than_two_decimals_are_refused_unless_rounding_was_asked_for() {
        let mut rounded = false;
        let refused = money("12.345", false, &mut rounded).unwrap_err();
        assert_eq!(refused, "`12.345` has more than 2 decimals. Ask for rounding to take it as the nearest paisa.");
        for (text, paise) in [("12.345", 1235), ("12.344", 1234), ("12.999", 1300), ("-0.005", -1), (".125", 13)] {
            assert_eq!(money(text, true, &mut rounded), Ok(Money::paise(paise)), "{text}");
        }
        assert!(rounded);
    }

    #[test]
    fn units_and_flags_have_usual_spellings() {
        assert_eq!(unit("Kgs."), Ok(Unit::Kilogram));
        assert_eq!(unit("NOS"), Ok(Unit::Piece));
        assert!(unit("dozen").is_err());
        assert_eq!((flag("Yes"), flag("0")), (Ok(true), Ok(false)));
        assert!(flag("maybe").is_err());
    }
}
