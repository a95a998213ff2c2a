//! The first reading of a file: each row is checked and put aside, and what its gaps will be filled with
//! is counted.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use super::super::export::undo_defusing;
use super::super::import::clean::{self, tidy};
use super::super::import::mapping::{Column, Field};
use super::super::import::rows::{Row, Rows};
use super::super::import::{ImportError, RowError};
use super::super::rules::{self, UNCATEGORIZED};
use super::super::{actions, words};
use super::fill::{Mean, Median};
use super::sort::{Sorted, Sorter};
use super::stage::{self, Stage};
use super::{COLUMNS, MOST_ERRORS, UploadError};
use crate::money::{Money, Quantity, Rating};

/// A file with more categories than a shop has shelves has something else in that column.
const MOST_CATEGORIES: usize = 10_000;
/// How many rows are handed over at once to be cut into words.
const BATCH: usize = 1_000;

/// A file that was read and found good.
pub struct Read {
    pub rows: stage::Rows,
    pub categories: Categories,
    pub price: Option<i64>,
    pub sold: Option<i64>,
    /// Rows that a later one with the same `product_id` replaces, a bit for each.
    pub replaced: Vec<u64>,
    /// The words of all rows.
    pub words: Sorted,
}

/// The categories of a file.
#[derive(Default)]
pub struct Categories {
    pub names: Vec<String>,
    ratings: Vec<Mean>,
    all: Mean,
    by_key: HashMap<String, u32>,
    /// How they were spelled, so that each spelling is folded once.
    by_spelling: HashMap<String, u32>,
}

impl Categories {
    fn place(&mut self, name: &str) -> Result<u32, UploadError> {
        if let Some(place) = self.by_spelling.get(name) {
            return Ok(*place);
        }
        let key = words::fold(name);
        let place = match self.by_key.get(&key) {
            Some(place) => *place,
            None if self.names.len() == MOST_CATEGORIES => return Err(UploadError::TooManyCategories(MOST_CATEGORIES)),
            None => {
                let place = u32::try_from(self.names.len()).unwrap_or(u32::MAX);
                self.names.push(name.to_owned());
                self.ratings.push(Mean::default());
                self.by_key.insert(key, place);
                place
            }
        };
        if self.by_spelling.len() > 2 * MOST_CATEGORIES {
            self.by_spelling.clear();
        }
        self.by_spelling.insert(name.to_owned(), place);
        Ok(place)
    }

    fn rate(&mut self, place: u32, rating: i64) {
        self.ratings[place as usize].push(rating);
        self.all.push(rating);
    }

    /// The mean of a category, or of all where it has none.
    pub fn rating(&self, place: u32) -> Option<i64> {
        self.ratings[place as usize].find().or_else(|| self.all.find())
    }
}

impl Read {
    /// A later row has the same `product_id`.
    pub fn is_replaced(&self, row: u32) -> bool {
        self.replaced[row as usize / 64] >> (row % 64) & 1 == 1
    }
}

/// Reads a file to its end. While this thread reads, another cuts the names into the words of search.
pub fn read(file: impl std::io::Read) -> Result<Read, UploadError> {
    let mut rows = Rows::open(file)?;
    let columns = find_columns(&rows.headers)?;
    let (batches, waiting) = sync_channel(4);
    std::thread::scope(|scope| {
        let cutter = scope.spawn(move || cut(&waiting));
        let read = read_rows(&mut rows, &columns, batches);
        let words = cutter.join().map_err(|_| std::io::Error::other("the words could not be cut"))?;
        let (rows, categories, price, sold, replaced) = read?;
        Ok(Read { rows, categories, price, sold, replaced, words: words? })
    })
}

type Batch = Vec<(u32, String, String)>;

fn cut(batches: &Receiver<Batch>) -> std::io::Result<Sorted> {
    let mut sorter = Sorter::new()?;
    for (row, sku, name) in batches.iter().flatten() {
        for word in actions::words_of([&name, "", ""], &sku, None, std::iter::empty()) {
            sorter.push(word.as_bytes(), row)?;
        }
    }
    sorter.finish()
}

/// The seven columns by their exact names, in any order; others are passed over.
fn find_columns(headers: &[String]) -> Result<[Column; 7], UploadError> {
    let mut columns = Vec::with_capacity(COLUMNS.len());
    for (header, field) in COLUMNS {
        let place = headers.iter().position(|one| one == header).ok_or(UploadError::NoColumn(header))?;
        columns.push(Column { place, header: header.to_owned(), field });
    }
    columns.try_into().map_err(|_| UploadError::NoColumn(COLUMNS[0].0))
}

type Counted = (stage::Rows, Categories, Option<i64>, Option<i64>, Vec<u64>);

fn read_rows(
    rows: &mut Rows<impl std::io::Read>,
    columns: &[Column; 7],
    batches: SyncSender<Batch>,
) -> Result<Counted, UploadError> {
    let width = rows.headers.len();
    let (mut total, mut refused, mut errors) = (0, 0, Vec::new());
    let (mut prices, mut sales) = (Median::new()?, Median::new()?);
    let mut gaps = None;
    let mut categories = Categories::default();
    let (mut stage, mut skus) = (Stage::new()?, Sorter::new()?);
    let mut batch = Vec::with_capacity(BATCH);
    while let Some(row) = rows.next()? {
        total += 1;
        let cells = match check(&row, columns, width)? {
            Ok(cells) => cells,
            Err(wrong) => {
                refused += 1;
                let room = MOST_ERRORS.saturating_sub(errors.len());
                errors.extend(wrong.into_iter().take(room));
                continue;
            }
        };
        if refused > 0 {
            // Nothing will be stored; the rest is read for what else is wrong.
            continue;
        }
        let category = categories.place(&cells.category)?;
        match cells.price {
            Some(price) => prices.push(price)?,
            None => gaps = gaps.or(Some(row.line)),
        }
        if let Some(sold) = cells.sold {
            sales.push(sold)?;
        }
        if let Some(rating) = cells.rating {
            categories.rate(category, rating);
        }
        let number = stage.next_row();
        let missing = |number: Option<i64>| number.unwrap_or(-1);
        let numbers = [missing(cells.price), missing(cells.sold), missing(cells.rating), cells.reviews];
        stage.push(&cells.sku, &cells.name, category, numbers)?;
        skus.push(cells.sku.as_bytes(), number)?;
        batch.push((number, cells.sku.into_owned(), cells.name.into_owned()));
        if batch.len() == BATCH {
            // A cutter that is gone has a reason, which is asked for at the end.
            let _ = batches.send(std::mem::replace(&mut batch, Vec::with_capacity(BATCH)));
        }
    }
    let _ = batches.send(batch);
    drop(batches);
    let price = prices.find()?;
    if refused == 0
        && price.is_none()
        && let Some(line) = gaps
    {
        let message = "price is missing, and no other row has one that it could be filled with.".to_owned();
        errors.push(RowError::at(line, &columns[3], message));
        refused = total;
    }
    if refused > 0 {
        return Err(UploadError::Refused { rows: total, refused, errors });
    }
    Ok((stage.finish()?, categories, price, sales.find()?, find_replaced(&skus.finish()?, total)?))
}

/// Marks all rows of a `product_id` but the last.
fn find_replaced(skus: &Sorted, rows: u64) -> std::io::Result<Vec<u64>> {
    let mut replaced = vec![0; usize::try_from(rows / 64 + 1).unwrap_or_default()];
    let mut merge = skus.merge()?;
    let (mut before, mut before_row) = (Vec::new(), None);
    while let Some((sku, row)) = merge.next()? {
        match before_row {
            Some(earlier) if before == sku => mark(&mut replaced, earlier),
            _ => {
                before.clear();
                before.extend_from_slice(sku);
            }
        }
        before_row = Some(row);
    }
    Ok(replaced)
}

fn mark(bits: &mut [u64], row: u32) {
    bits[row as usize / 64] |= 1 << (row % 64);
}

/// What the cells of a good row say.
struct Cells<'r> {
    sku: Cow<'r, str>,
    name: Cow<'r, str>,
    category: Cow<'r, str>,
    price: Option<i64>,
    sold: Option<i64>,
    rating: Option<i64>,
    reviews: i64,
}

/// Checks a row; all cells that are wrong are reported.
fn check<'r>(
    row: &'r Row<'_>,
    columns: &[Column; 7],
    width: usize,
) -> Result<Result<Cells<'r>, Vec<RowError>>, ImportError> {
    if row.len() > width {
        return Ok(Err(vec![RowError::too_wide(row, width)]));
    }
    let mut errors = Vec::new();
    let [sku, name, category, price, sold, rating, reviews] = columns;
    let mut refuse = |column: &Column, message: String| errors.push(RowError::at(row.line, column, message));

    let mut text = |column: &Column, field: &'static str, least: usize, most: usize| {
        let text = neat(row.cell(column.place)?);
        let checked = if column.field == Field::Sku {
            rules::check_code(field, &text, most)
        } else {
            rules::check_text(field, &text, least, most)
        };
        if text.is_empty() && least > 0 {
            refuse(column, format!("{} is missing.", column.header));
        } else if let Err(flaw) = checked {
            refuse(column, flaw.sentence.replacen(field, &column.header, 1));
        }
        Ok::<_, ImportError>(text)
    };
    let (sku, name) = (text(sku, "sku", 1, 64)?, text(name, "name", 1, 200)?);
    let mut category = text(category, "category", 0, 100)?;
    if category.is_empty() {
        category = UNCATEGORIZED.into();
    }
    let mut number = |column: &Column, read: fn(&str) -> Result<i64, String>| {
        let text = row.cell(column.place)?.trim();
        let value = if is_missing(text) { Ok(None) } else { read(text).map(Some) };
        Ok::<_, ImportError>(value.unwrap_or_else(|message| {
            refuse(column, message);
            None
        }))
    };
    let price = number(price, read_price)?;
    let sold = number(sold, read_count)?;
    let rating = number(rating, read_rating)?;
    let reviews = number(reviews, read_count)?.unwrap_or(0);
    Ok(if errors.is_empty() { Ok(Cells { sku, name, category, price, sold, rating, reviews }) } else { Err(errors) })
}

/// Without blanks at the ends and with single ones inside, and without the apostrophe by which an export
/// keeps a text from being run as a formula.
fn neat(cell: &str) -> Cow<'_, str> {
    let blank = |byte: u8| byte.is_ascii_whitespace();
    let is_neat = cell.is_ascii()
        && !cell.starts_with(['\'', ' '])
        && !cell.ends_with(' ')
        && !cell.bytes().any(|byte| blank(byte) && byte != b' ')
        && !cell.contains("  ");
    if is_neat { Cow::Borrowed(cell) } else { Cow::Owned(tidy(&undo_defusing(cell))) }
}

/// How programs that write such tables say that a number is not there.
fn is_missing(text: &str) -> bool {
    matches!(text, "" | "NaN" | "nan" | "NA" | "N/A" | "n/a" | "#N/A" | "<NA>" | "NULL" | "null" | "None")
}

fn read_price(text: &str) -> Result<i64, String> {
    let price = match Money::parse(text) {
        Ok(price) => price,
        Err(_) => clean::money(text, true, &mut false)?,
    };
    if price.is_negative() { Err(format!("`{text}` is below zero.")) } else { Ok(price.as_paise()) }
}

fn read_rating(text: &str) -> Result<i64, String> {
    let rating = clean::rating(text)?.as_centi();
    if (0..=Rating::MOST.as_centi()).contains(&rating) {
        Ok(rating)
    } else {
        Err(format!("`{text}` is no rating: they go from 0 to 5."))
    }
}

/// A whole number, also as `12.0`, which is how a column with gaps is often written.
fn read_count(text: &str) -> Result<i64, String> {
    let count = clean::number(text, Quantity::parse)?;
    if count.is_negative() {
        Err(format!("`{text}` is below zero."))
    } else if !count.is_whole() {
        Err(format!("`{text}` is not a whole number."))
    } else {
        Ok(count.as_milli() / 1000)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: &str = "product_id,product_name,category,price,quantity_sold,rating,review_count\n";

    fn refused(rows: &str) -> Vec<(u64, String, String)> {
        match read(format!("{HEADER}{rows}").as_bytes()) {
            Err(UploadError::Refused { errors, .. }) => {
                errors.into_iter().map(|error| (error.line, error.column.unwrap_or_default(), error.message)).collect()
            }
            Err(error) => panic!("{error}"),
            Ok(_) => Vec::new(),
        }
    }

    #[test]
    fn gaps_are_filled_from_the_file() {
        let file = format!(
            "{HEADER}A,Tea,Drinks,10.00,3,4,1\nB,Coffee,drinks ,,,,\nC,Dal,Food,20.005,NaN,3.5,2\nD,Oil,Fat,5,5.0,,\nA,Tea new,Drinks,12.5,4,5,9\n"
        );
        let read = read(file.as_bytes()).unwrap();
        // Of 5.00, 10.00, 12.50 and 20.01, and of 3, 4 and 5.
        assert_eq!((read.price, read.sold), (Some(1125), Some(4)));
        assert_eq!(read.categories.names, ["Drinks", "Food", "Fat"]);
        let means: Vec<_> = (0..3).map(|place| read.categories.rating(place)).collect();
        assert_eq!(means, [Some(450), Some(350), Some(417)], "a category without a rating has the mean of all");
        assert_eq!(read.replaced, [1], "the last of two rows counts");
        assert_eq!(read.rows.count, 5);
    }

    #[test]
    fn each_cell_that_is_wrong_is_named() {
        let wrong = refused("A,Tea,X,abc,1.5,6,-1\n,,,1,1,1,1\nC,Salt,X,-1,1,1,1\nD,Oil,X,1,1,1,1,1\n");
        let wrong: Vec<_> =
            wrong.iter().map(|(line, column, message)| (*line, column.as_str(), message.as_str())).collect();
        assert_eq!(
            wrong,
            [
                (2, "price", "`abc` is not a number."),
                (2, "quantity_sold", "`1.5` is not a whole number."),
                (2, "rating", "`6` is no rating: they go from 0 to 5."),
                (2, "review_count", "`-1` is below zero."),
                (3, "product_id", "product_id is missing."),
                (3, "product_name", "product_name is missing."),
                (4, "price", "`-1` is below zero."),
                (5, "", "The row has 8 cells and the header 7. Is a quotation mark missing?"),
            ]
        );
        assert_eq!(refused("A,Tea,X,,1,1,1\n")[0].1, "price");
        assert_eq!(refused("A,Tea,X,1,,,\n"), []);
    }

    #[test]
    fn texts_are_made_neat() {
        for (cell, text) in
            [("Tea", "Tea"), (" Tea\n green ", "Tea green"), ("'=Tea", "=Tea"), ("चाय  पत्ती", "चाय पत्ती")]
        {
            assert_eq!(neat(cell), text);
        }
    }

    #[test]
    fn the_first_column_that_is_missing_is_named() {
        for (header, missing) in
            [("product_name,price", "product_id"), ("product_id,product_name,category,price,rating", "quantity_sold")]
        {
            let refused = find_columns(&header.split(',').map(str::to_owned).collect::<Vec<_>>());
            assert_eq!(refused.unwrap_err().to_string(), format!("Missing column: {missing}"));
        }
    }
}
