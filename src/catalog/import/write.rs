//! Writing the rows of a file, a chunk at a time.

use std::collections::{HashMap, HashSet};

use super::super::actions::{self, Change};
use super::super::barcode::Barcode;
use super::super::model::{Flaw, NewProduct, Occasion, Product, ProductChange};
use super::super::{queries, rules};
use super::clean::Cleaned;
use super::mapping::Column;
use super::{ImportError, Report, RowError};
use crate::db::Conn;
use crate::ids::ProductId;
use crate::money::Quantity;

/// What an import remembers of a product that it changes.
#[derive(Debug, serde::Serialize, serde::Deserialize)]
pub(super) struct Memory {
    /// The change that brings it back.
    pub before: ProductChange,
    /// By how much the stock was changed.
    pub stock_delta: Quantity,
    /// In which store.
    pub store: crate::ids::StoreId,
}

/// Gathers rows and writes them.
pub(super) struct Writer<'a> {
    on: Occasion<'a>,
    columns: &'a [Column],
    chunk: Vec<(u64, Cleaned)>,
    /// The lines on which SKUs and barcodes of this file stood.
    skus: HashMap<String, u64>,
    codes: HashMap<String, u64>,
}

impl<'a> Writer<'a> {
    pub fn new(on: Occasion<'a>, columns: &'a [Column]) -> Self {
        Self { on, columns, chunk: Vec::new(), skus: HashMap::new(), codes: HashMap::new() }
    }

    pub fn take(&mut self, line: u64, row: Cleaned) {
        self.chunk.push((line, row));
    }

    pub fn waiting(&self) -> usize {
        self.chunk.len()
    }

    /// Writes what was gathered: new products first, then changes of known ones.
    pub fn write(&mut self, conn: &mut Conn<'_>, report: &mut Report) -> Result<(), ImportError> {
        let chunk = std::mem::take(&mut self.chunk);
        let known = self.find_known(conn, &chunk)?;
        let mut created: Vec<NewProduct> = Vec::new();
        let mut changed: Vec<(ProductId, ProductChange)> = Vec::new();
        let mut seen = HashSet::new();
        for (line, row) in chunk {
            let Cleaned { change, rounded, above_mrp } = row;
            match self.sort_out(line, change, &known, &mut seen) {
                Ok(Sorted::New(product)) => created.push(*product),
                Ok(Sorted::Known(id, change)) => changed.push((id, *change)),
                Err(error) => {
                    report.refuse(vec![error]);
                    continue;
                }
            }
            report.rounded += u64::from(rounded);
            report.above_mrp += u64::from(above_mrp);
        }
        actions::create_many(conn, &created, self.on)?;
        report.created += created.len() as u64;
        let (updated, unchanged) = change_remembering(conn, &changed, self.on)?;
        report.updated += updated;
        report.unchanged += unchanged;
        Ok(())
    }

    /// The products that the rows of a chunk may mean, by SKU and barcode.
    fn find_known(&self, conn: &mut Conn<'_>, chunk: &[(u64, Cleaned)]) -> Result<Known, ImportError> {
        let skus = chunk.iter().filter_map(|(_, row)| row.change.sku.as_deref()).map(|sku| [sku.into()]);
        let by_sku: HashMap<String, ProductId> = conn.load_many(&queries::FIND_SKUS, skus)?.into_iter().collect();
        let codes: HashSet<String> = chunk
            .iter()
            .flat_map(|(_, row)| row.change.barcodes.iter().flatten())
            .filter_map(|code| Barcode::parse(code).ok())
            .map(|code| code.code().to_owned())
            .collect();
        let codes = codes.iter().map(|code| [code.into()]);
        let by_code: HashMap<String, ProductId> = conn.load_many(&queries::FIND_BARCODES, codes)?.into_iter().collect();
        let ids: HashSet<ProductId> = by_sku.values().chain(by_code.values()).copied().collect();
        let rows = ids.iter().map(|id| [self.on.store.into(), (*id).into()]);
        let products = conn.load_many(&queries::FIND, rows)?.into_iter().map(|product| (product.id, product)).collect();
        Ok(Known { by_sku, by_code, products })
    }

    /// Decides whether a row is a new product or a known one, and refuses what may not be.
    fn sort_out(
        &mut self,
        line: u64,
        change: ProductChange,
        known: &Known,
        seen: &mut HashSet<ProductId>,
    ) -> Result<Sorted, RowError> {
        let columns = self.columns;
        let refuse = |flaw: Flaw| RowError::of_field(line, flaw.field, columns, flaw.sentence);
        if let Some(sku) = &change.sku
            && let Some(other) = self.skus.get(sku)
        {
            return Err(refuse(Flaw::new("sku", "repeated", format!("The SKU {sku} stands on line {other} already."))));
        }
        let barcodes = rules::check_barcodes(change.barcodes.as_deref().unwrap_or_default()).map_err(refuse)?;
        for code in &barcodes {
            if let Some(other) = self.codes.get(code.code()) {
                let sentence = format!("The barcode {} stands on line {other} already.", code.code());
                return Err(refuse(Flaw::new("barcodes", "repeated", sentence)));
            }
        }
        let by_code = barcodes.iter().find_map(|code| known.by_code.get(code.code()));
        let meant = match &change.sku {
            Some(sku) => known.by_sku.get(sku),
            None => by_code,
        };
        let foreign = barcodes.iter().find(|code| {
            let owner = known.by_code.get(code.code());
            owner.is_some() && owner != meant
        });
        if let Some(code) = foreign {
            let sentence = format!("The barcode {} already belongs to another product.", code.code());
            return Err(refuse(Flaw::new("barcodes", "taken", sentence)));
        }
        let sku = change.sku.clone();
        let sorted = if let Some(product) = meant.and_then(|id| known.products.get(id)) {
            if !seen.insert(product.id) {
                let sentence = "Another row of this file is about the same product.".to_owned();
                return Err(RowError { line, column: None, field: None, message: sentence });
            }
            rules::apply(product, &change).map_err(refuse)?;
            Sorted::Known(product.id, Box::new(change))
        } else {
            let product = change.into_new().map_err(refuse)?;
            rules::check_new(&product).map_err(refuse)?;
            Sorted::New(Box::new(product))
        };
        if let Some(sku) = sku {
            self.skus.insert(sku, line);
        }
        self.codes.extend(barcodes.iter().map(|code| (code.code().to_owned(), line)));
        Ok(sorted)
    }
}

/// Changes known products and remembers how they were; returns how many were changed and how many were as they
/// should be already.
pub(in crate::catalog) fn change_remembering(
    conn: &mut Conn<'_>,
    wanted: &[(ProductId, ProductChange)],
    on: Occasion<'_>,
) -> Result<(u64, u64), ImportError> {
    let changes: Vec<Change<'_>> =
        wanted.iter().map(|(product, to)| Change { product: *product, expected: None, to }).collect();
    let mut memories = Vec::new();
    let mut unchanged = 0;
    for outcome in actions::change_many(conn, &changes, on)? {
        if !outcome.modified {
            unchanged += 1;
            continue;
        }
        let memory = Memory {
            before: rules::snapshot(&outcome.before, outcome.barcodes_before),
            stock_delta: outcome.stock_delta,
            store: on.store,
        };
        let text = serde_json::to_string(&memory).map_err(|_| crate::db::Error::shape("a memory cannot be written"))?;
        memories.push((outcome.before.id, text));
    }
    let rows = memories.iter().map(|(id, text)| [on.import.into(), (*id).into(), text.into()]);
    conn.execute_many(&queries::INSERT_IMPORT_CHANGES, rows)?;
    Ok((memories.len() as u64, unchanged))
}

/// What the database knows of the products that a chunk names.
struct Known {
    by_sku: HashMap<String, ProductId>,
    by_code: HashMap<String, ProductId>,
    products: HashMap<ProductId, Product>,
}

enum Sorted {
    New(Box<NewProduct>),
    Known(ProductId, Box<ProductChange>),
}
