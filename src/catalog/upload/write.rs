//! Writing a file that was read, inside one transaction.

use std::collections::HashSet;

use super::super::actions::{self, CreateMany};
use super::super::categories::Shelves;
use super::super::import::write::change_remembering;
use super::super::model::{Edit, NewProduct, Occasion, ProductChange};
use super::super::queries;
use super::read::Read;
use super::stage::Staged;
use super::{Counts, UploadError};
use crate::db::Conn;
use crate::ids::{CategoryId, ProductId};
use crate::money::{Money, Quantity, Rating};

/// How many rows are written at once.
const CHUNK: usize = 2_000;
/// How many words are written at once.
const WORDS: usize = 10_000;

/// Writes all rows; returns what became of them.
pub fn write(conn: &mut Conn<'_>, file: &Read, on: Occasion<'_>) -> Result<Counts, UploadError> {
    let mut counts = Counts { rows: u64::from(file.rows.count), ..Counts::default() };
    let mut shelves = Shelves::read(conn)?;
    let mut categories = Vec::with_capacity(file.categories.names.len());
    for name in &file.categories.names {
        categories.push(shelves.place(conn, name, "", on)?);
    }
    let mut runs = Runs::default();
    let mut rows = file.rows.read()?;
    let mut chunk: Vec<(u32, Staged)> = Vec::with_capacity(CHUNK);
    let (mut number, mut counted) = (0, false);
    loop {
        let row = rows.next()?;
        let ended = row.is_none();
        if let Some(row) = row {
            if file.is_replaced(number) {
                counts.repeated += 1;
            } else {
                chunk.push((number, row));
            }
            number += 1;
        }
        if chunk.len() == CHUNK || (ended && !chunk.is_empty()) {
            write_chunk(conn, file, &chunk, &categories, &mut runs, &mut counts, on)?;
            chunk.clear();
            if !counted {
                conn.count_again(actions::GROWING)?;
                counted = true;
            }
        }
        if ended {
            break;
        }
    }
    write_words(conn, file, &runs)?;
    if counted {
        conn.count_again(actions::GROWING)?;
    }
    Ok(counts)
}

/// New products go in; those whose `product_id` is there already are changed.
fn write_chunk(
    conn: &mut Conn<'_>,
    file: &Read,
    chunk: &[(u32, Staged)],
    categories: &[CategoryId],
    runs: &mut Runs,
    counts: &mut Counts,
    on: Occasion<'_>,
) -> Result<(), UploadError> {
    let products: Vec<NewProduct> = chunk.iter().map(|(_, row)| fill(file, row, counts)).collect();
    let shelves: Vec<CategoryId> = chunk.iter().map(|(_, row)| categories[row.category as usize]).collect();
    let CreateMany { ids, created } = actions::create_unless_known(conn, &products, &shelves, on)?;
    if created == chunk.len() {
        for ((row, _), id) in chunk.iter().zip(&ids) {
            runs.push(*row, *id);
        }
        counts.created += created as u64;
        return Ok(());
    }
    let ours: HashSet<ProductId> = ids.iter().copied().collect();
    let skus = chunk.iter().map(|(_, row)| [row.sku.as_str().into()]);
    let known: std::collections::HashMap<String, ProductId> =
        conn.load_many(&queries::FIND_SKUS, skus)?.into_iter().filter(|(_, id)| !ours.contains(id)).collect();
    let mut changes = Vec::new();
    for (((number, row), product), id) in chunk.iter().zip(&products).zip(&ids) {
        match known.get(&row.sku) {
            Some(known) => changes.push((*known, change(file, row, product))),
            None => {
                runs.push(*number, *id);
                counts.created += 1;
            }
        }
    }
    let (updated, unchanged) = change_remembering(conn, &changes, on)?;
    counts.updated += updated;
    counts.unchanged += unchanged;
    Ok(())
}

/// A row as a product, with its gaps filled.
fn fill(file: &Read, row: &Staged, counts: &mut Counts) -> NewProduct {
    counts.filled_prices += u64::from(row.price.is_none());
    counts.filled_quantities += u64::from(row.sold.is_none());
    counts.filled_ratings += u64::from(row.rating.is_none());
    let price = row.price.or(file.price).unwrap_or_default();
    NewProduct {
        sku: Some(row.sku.clone()),
        rating: row.rating.or_else(|| file.categories.rating(row.category)).map(Rating::centi),
        review_count: row.reviews,
        // A file in which nobody knows how much was sold tells of no sales.
        sold_before: Quantity::whole(row.sold.or(file.sold).unwrap_or_default()),
        ..NewProduct::named(row.name.as_str(), "", Money::paise(price))
    }
}

/// All columns of the file overwrite what is there; nothing else is touched, stock least of all.
fn change(file: &Read, row: &Staged, product: &NewProduct) -> ProductChange {
    ProductChange {
        name: Some(product.name.clone()),
        category: Some(file.categories.names[row.category as usize].clone()),
        price: Some(product.price),
        // A file without any rating says nothing of ratings.
        rating: product.rating.map_or(Edit::Keep, Edit::Set),
        review_count: Some(product.review_count),
        sold_before: Some(product.sold_before),
        ..ProductChange::default()
    }
}

/// The words of the new products, in the order of their index.
fn write_words(conn: &mut Conn<'_>, file: &Read, runs: &Runs) -> Result<(), UploadError> {
    if runs.0.is_empty() {
        return Ok(());
    }
    let mut merge = file.words.merge()?;
    let mut chunk: Vec<(String, ProductId)> = Vec::with_capacity(WORDS);
    loop {
        let word = merge.next()?;
        let ended = word.is_none();
        if let Some((word, row)) = word
            && let Some(product) = runs.find(row)
        {
            let word = std::str::from_utf8(word).map_err(std::io::Error::other)?;
            chunk.push((word.to_owned(), product));
        }
        if chunk.len() == WORDS || ended {
            conn.execute_many(&queries::INSERT_WORDS, chunk.drain(..).map(|(word, id)| [word.into(), id.into()]))?;
        }
        if ended {
            return Ok(());
        }
    }
}

/// Which product each new row became. Rows get rising ids one after another, so a few runs of them say it
/// for a whole file.
#[derive(Default)]
struct Runs(Vec<Run>);

struct Run {
    row: u32,
    length: u32,
    product: i64,
}

impl Runs {
    fn push(&mut self, row: u32, product: ProductId) {
        let product = product.number();
        match self.0.last_mut() {
            Some(last) if last.row + last.length == row && last.product + i64::from(last.length) == product => {
                last.length += 1;
            }
            _ => self.0.push(Run { row, length: 1, product }),
        }
    }

    fn find(&self, row: u32) -> Option<ProductId> {
        let run = self.0[..self.0.partition_point(|run| run.row <= row)].last()?;
        let place = row - run.row;
        (place < run.length).then(|| ProductId::new(run.product + i64::from(place)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_know_the_products_of_rows_with_gaps_between_them() {
        let mut runs = Runs::default();
        for (row, product) in [(0, 10), (1, 11), (3, 12), (4, 20), (5, 21)] {
            runs.push(row, ProductId::new(product));
        }
        assert_eq!(runs.0.len(), 3);
        let found: Vec<_> = (0..7).map(|row| runs.find(row).map(ProductId::number)).collect();
        assert_eq!(found, [Some(10), Some(11), None, Some(12), Some(20), Some(21), None]);
    }
}
