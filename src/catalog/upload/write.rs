//! Writing a file that was read, inside one transaction.

use std::collections::{HashMap, HashSet};
use std::io;
use std::sync::mpsc::{SyncSender, sync_channel};

use super::super::actions::{self, Checked, CreateMany};
use super::super::categories::Shelves;
use super::super::import::write::change_remembering;
use super::super::model::{Edit, NewProduct, Occasion, ProductChange};
use super::super::{queries, words};
use super::read::Read;
use super::stage::Staged;
use super::{Counts, UploadError};
use crate::db::Conn;
use crate::ids::{CategoryId, ProductId};
use crate::money::{Money, Quantity, Rating};

/// How many rows are written at once.
const CHUNK: usize = 2_000;
/// How many words are written at once.
const WORDS: usize = 5_000;

/// How many pieces of work are read ahead.
const AHEAD: usize = 2;

/// A row that is ready to be written.
struct Ready {
    row: u32,
    /// The place of its category among those of the file.
    place: u32,
    checked: Checked,
}

/// Writes all rows; returns what became of them. While this thread writes, another reads ahead.
pub fn write(conn: &mut Conn<'_>, file: &Read, on: Occasion<'_>) -> Result<Counts, UploadError> {
    let mut shelves = Shelves::read(conn)?;
    let mut categories = Vec::with_capacity(file.categories.names.len());
    for name in &file.categories.names {
        categories.push(shelves.place(conn, name, "", on)?);
    }
    let mut runs = Runs::default();
    let mut written = Counts::default();
    let counts = std::thread::scope(|scope| {
        let (send, chunks) = sync_channel(AHEAD);
        let reader = scope.spawn(|| read_ahead(file, &categories, send));
        for (number, chunk) in chunks.into_iter().enumerate() {
            write_chunk(conn, file, &chunk, &mut runs, &mut written, on)?;
            if number == 0 {
                conn.count_again(actions::GROWING)?;
            }
        }
        Ok::<_, UploadError>(ended(reader.join())?)
    })?;
    if !runs.0.is_empty() {
        write_words(conn, file, &runs)?;
        conn.count_again(actions::GROWING)?;
    }
    Ok(Counts { created: written.created, updated: written.updated, unchanged: written.unchanged, ..counts })
}

/// What a thread that read ahead came to.
fn ended<T>(outcome: std::thread::Result<io::Result<T>>) -> io::Result<T> {
    outcome.unwrap_or_else(|_| Err(io::Error::other("the rows could not be read ahead")))
}

/// Makes products of the rows; returns how many gaps were filled, and how many rows later ones replace.
fn read_ahead(file: &Read, categories: &[CategoryId], chunks: SyncSender<Vec<Ready>>) -> io::Result<Counts> {
    let mut counts = Counts { rows: u64::from(file.rows.count), ..Counts::default() };
    let mut rows = file.rows.read()?;
    let mut chunk = Vec::with_capacity(CHUNK);
    let mut number = 0;
    while let Some(row) = rows.next()? {
        if file.is_replaced(number) {
            counts.repeated += 1;
        } else {
            let place = row.category;
            let product = fill(file, row, &mut counts);
            let name_key = words::fold(&product.name);
            let category = categories[place as usize];
            chunk.push(Ready { row: number, place, checked: Checked { product, name_key, category } });
        }
        number += 1;
        let is_full = chunk.len() == CHUNK;
        if is_full && chunks.send(std::mem::replace(&mut chunk, Vec::with_capacity(CHUNK))).is_err() {
            // The writer has given up, and says why.
            return Ok(counts);
        }
    }
    if !chunk.is_empty() {
        let _ = chunks.send(chunk);
    }
    Ok(counts)
}

/// New products go in; those whose `product_id` is there already are changed.
fn write_chunk(
    conn: &mut Conn<'_>,
    file: &Read,
    chunk: &[Ready],
    runs: &mut Runs,
    counts: &mut Counts,
    on: Occasion<'_>,
) -> Result<(), UploadError> {
    let products: Vec<&Checked> = chunk.iter().map(|ready| &ready.checked).collect();
    let CreateMany { ids, created } = actions::create_unless_known(conn, &products, on)?;
    let new = chunk.iter().zip(&ids);
    if created == chunk.len() {
        new.for_each(|(ready, id)| runs.push(ready.row, *id));
        counts.created += created as u64;
        return Ok(());
    }
    let ours: HashSet<ProductId> = ids.iter().copied().collect();
    let skus = products.iter().map(|checked| [checked.product.sku.as_deref().into()]);
    let known: HashMap<String, ProductId> =
        conn.load_many(&queries::FIND_SKUS, skus)?.into_iter().filter(|(_, id)| !ours.contains(id)).collect();
    let mut changes = Vec::new();
    for (ready, id) in new {
        if let Some(known) = ready.checked.product.sku.as_ref().and_then(|sku| known.get(sku)) {
            changes.push((*known, change(file, ready)));
        } else {
            runs.push(ready.row, *id);
            counts.created += 1;
        }
    }
    let (updated, unchanged) = change_remembering(conn, &changes, on)?;
    counts.updated += updated;
    counts.unchanged += unchanged;
    Ok(())
}

/// A row as a product, with its gaps filled.
fn fill(file: &Read, row: Staged, counts: &mut Counts) -> NewProduct {
    counts.filled_prices += u64::from(row.price.is_none());
    counts.filled_quantities += u64::from(row.sold.is_none());
    counts.filled_ratings += u64::from(row.rating.is_none());
    let price = row.price.or(file.price).unwrap_or_default();
    NewProduct {
        sku: Some(row.sku),
        rating: row.rating.or_else(|| file.categories.rating(row.category)).map(Rating::centi),
        review_count: row.reviews,
        // A file in which nobody knows how much was sold tells of no sales.
        sold_before: Quantity::whole(row.sold.or(file.sold).unwrap_or_default()),
        ..NewProduct::named(row.name, "", Money::paise(price))
    }
}

/// All columns of the file overwrite what is there; nothing else is touched, stock least of all.
fn change(file: &Read, ready: &Ready) -> ProductChange {
    let product = &ready.checked.product;
    ProductChange {
        name: Some(product.name.clone()),
        category: Some(file.categories.names[ready.place as usize].clone()),
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
    std::thread::scope(|scope| {
        let (send, chunks) = sync_channel(AHEAD);
        let reader = scope.spawn(|| read_words_ahead(file, runs, send));
        for chunk in chunks {
            let rows = chunk.iter().map(|(word, id): &(String, ProductId)| [word.into(), (*id).into()]);
            conn.execute_many(&queries::INSERT_WORDS, rows)?;
        }
        Ok(ended(reader.join())?)
    })
}

fn read_words_ahead(file: &Read, runs: &Runs, chunks: SyncSender<Vec<(String, ProductId)>>) -> io::Result<()> {
    let mut merge = file.words.merge()?;
    let mut chunk = Vec::with_capacity(WORDS);
    while let Some((word, row)) = merge.next()? {
        let Some(product) = runs.find(row) else { continue };
        chunk.push((std::str::from_utf8(word).map_err(io::Error::other)?.to_owned(), product));
        let is_full = chunk.len() == WORDS;
        if is_full && chunks.send(std::mem::replace(&mut chunk, Vec::with_capacity(WORDS))).is_err() {
            return Ok(());
        }
    }
    let _ = chunks.send(chunk);
    Ok(())
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
