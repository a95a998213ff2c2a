//! Writing products out as CSV that a spreadsheet opens without running anything, and that an import
//! reads back to the same values.

use super::import::Field;
use super::model::{Product, Status};

/// The columns of an export, in order.
const COLUMNS: &[Field] = &[
    Field::Sku,
    Field::Name,
    Field::NameLocal,
    Field::Description,
    Field::Category,
    Field::Brand,
    Field::Unit,
    Field::Price,
    Field::Mrp,
    Field::PriceIncludesTax,
    Field::Cost,
    Field::TaxRate,
    Field::Hsn,
    Field::Rating,
    Field::ReviewCount,
    Field::SoldBefore,
    Field::ItemCode,
    Field::Barcode,
    Field::Stock,
    Field::ReorderLevel,
    Field::ReorderQuantity,
    Field::TrackStock,
    Field::TrackBatches,
    Field::AllowNegative,
    Field::Status,
];

/// The first line.
pub fn header() -> Vec<u8> {
    line(COLUMNS.iter().map(|field| field.word().to_owned()))
}

/// The line of a product.
pub fn row(product: &Product, barcodes: &[String]) -> Vec<u8> {
    line(COLUMNS.iter().map(|field| cell(*field, product, barcodes)))
}

fn cell(field: Field, product: &Product, barcodes: &[String]) -> String {
    let optional = |value: Option<String>| value.unwrap_or_default();
    match field {
        Field::Sku => product.sku.clone(),
        Field::Name => product.name.clone(),
        Field::NameLocal => product.name_local.clone(),
        Field::Description => product.description.clone(),
        Field::Category | Field::Subcategory => product.category.clone(),
        Field::Brand => product.brand.clone(),
        Field::Unit => product.unit.to_string(),
        Field::Price => product.price_paise.to_string(),
        Field::Mrp => optional(product.mrp_paise.map(|amount| amount.to_string())),
        Field::PriceIncludesTax => yes(product.price_includes_tax),
        Field::Cost => optional(product.cost_paise.map(|amount| amount.to_string())),
        Field::TaxRate => product.tax_rate_bp.to_string(),
        Field::Hsn => product.hsn.clone(),
        Field::Rating => optional(product.rating_centi.map(|rating| rating.to_string())),
        Field::ReviewCount => product.review_count.to_string(),
        Field::SoldBefore => product.sold_before_milli.to_string(),
        Field::ItemCode => optional(product.item_code.clone()),
        Field::Barcode => barcodes.join(";"),
        // What is owed to customers is no stock that could be brought in again.
        Field::Stock if product.on_hand_milli.is_negative() => String::new(),
        Field::Stock => product.on_hand_milli.to_string(),
        Field::ReorderLevel => product.reorder_level_milli.to_string(),
        Field::ReorderQuantity => product.reorder_quantity_milli.to_string(),
        Field::TrackStock => yes(product.track_stock),
        Field::TrackBatches => yes(product.track_batches),
        Field::AllowNegative => yes(product.allow_negative),
        Field::Status => (if product.status == Status::Active { "active" } else { "archived" }).to_owned(),
    }
}

fn yes(flag: bool) -> String {
    (if flag { "yes" } else { "no" }).to_owned()
}

/// A line of any such table: formulas are defused, and what needs quotation marks gets them.
pub fn line(cells: impl Iterator<Item = String>) -> Vec<u8> {
    let mut writer = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(Vec::new());
    // Writing into memory does not fail.
    let _ = writer.write_record(cells.map(|cell| defuse(&cell)));
    writer.into_inner().unwrap_or_default()
}

/// Puts an apostrophe before what a spreadsheet would take for a formula; plain numbers stay numbers.
fn defuse(cell: &str) -> String {
    if is_armed(cell) && !is_plain_number(cell) { format!("'{cell}") } else { cell.to_owned() }
}

/// Takes the apostrophe of `defuse` away again.
pub fn undo_defusing(cell: &str) -> String {
    match cell.strip_prefix('\'') {
        Some(rest) if is_armed(rest) && !is_plain_number(rest) => rest.to_owned(),
        _ => cell.to_owned(),
    }
}

/// Begins, behind any apostrophes, with a sign that makes a formula; the wide forms count as well.
fn is_armed(cell: &str) -> bool {
    let start = cell.trim_start_matches('\'').chars().next();
    start.is_some_and(|sign| "=+-@\t\r\n\0＝＋－＠".contains(sign))
}

fn is_plain_number(cell: &str) -> bool {
    let digits = cell.strip_prefix(['-', '+']).unwrap_or(cell);
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, "0"));
    let all_digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    all_digits(whole) && all_digits(fraction)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formulas_are_defused_and_numbers_stay_numbers() {
        for armed in ["=1+1", "+SUM(A1)", "-cmd|' /C calc'!A0", "@x", "\tx", "\rx", "＝1", "'=1", "''@", "-1-1", "+"] {
            let safe = defuse(armed);
            assert_eq!(safe, format!("'{armed}"));
            assert_eq!(undo_defusing(&safe), armed);
        }
        for plain in ["-12.50", "+7", "12", "Tea", "", "'tis", "a=b", "5-star"] {
            assert_eq!(defuse(plain), plain);
            assert_eq!(undo_defusing(plain), plain);
        }
    }

    #[test]
    fn a_line_quotes_what_it_must() {
        let text = String::from_utf8(line(["a,b", "say \"hi\"", "=1"].into_iter().map(str::to_owned))).unwrap();
        assert_eq!(text, "\"a,b\",\"say \"\"hi\"\"\",'=1\r\n");
    }
}
