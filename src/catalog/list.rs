//! Lists of products: filtered, sorted, searched, one page after another.

use std::cmp::Ordering;
use std::collections::HashMap;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::model::{CatalogError, Flaw, Product, Status};
use super::queries::{self, BarcodeRow};
use super::{categories, words};
use crate::db::{Conn, Value};
use crate::ids::{CategoryId, ProductId, StoreId};
use crate::money::Money;

type Result<T> = std::result::Result<T, CatalogError>;

crate::words! {
    /// In which order.
    pub enum Sort {
        /// Added last comes first.
        Newest = "newest",
        /// By name.
        Name = "name",
        /// Cheapest first.
        Price = "price",
        /// Dearest first.
        PriceDown = "-price",
        /// What fits the search best comes first; without a search, the newest.
        Best = "best",
    }
}

/// What is asked of a list.
#[derive(Debug, Clone)]
pub struct Question {
    /// The store whose stock is shown.
    pub store: StoreId,
    /// Words that must all occur; empty for all products.
    pub search: String,
    /// A category's name or id, with all below it; empty for all.
    pub category: String,
    /// None for all.
    pub status: Option<Status>,
    /// In which order.
    pub sort: Sort,
    /// How many at most.
    pub limit: i64,
    /// Where the page before ended.
    pub cursor: Option<String>,
}

/// A page of a list.
#[derive(Debug, Clone, Default)]
pub struct Page {
    /// The products.
    pub products: Vec<Product>,
    /// Their barcodes, printed form, in the products' order.
    pub barcodes: Vec<Vec<String>>,
    /// How many there are on all pages.
    pub total: i64,
    /// Where the next page begins, when there is one.
    pub next: Option<String>,
}

/// Where a page ended: the keys of its last product.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Cursor {
    rank: i64,
    key: i64,
    text: String,
    id: i64,
}

/// A page of products.
pub fn find(conn: &mut Conn<'_>, question: &Question) -> Result<Page> {
    let category = match question.category.trim() {
        "" => None,
        named => match categories::find_meant(conn, named)? {
            Some(id) => Some(id),
            None => return Ok(Page::default()),
        },
    };
    let searching = !question.search.trim().is_empty();
    let sort = match question.sort {
        Sort::Best if !searching => Sort::Newest,
        sort => sort,
    };
    let cursor = question.cursor.as_deref().map(|text| Cursor::read(text, sort)).transpose()?;
    let asked = Asked { question, category, sort, cursor };
    let (products, total) = if searching { asked.search(conn)? } else { asked.browse(conn)? };
    let full = i64::try_from(products.len()).is_ok_and(|count| count == question.limit);
    let next = products.last().filter(|_| full).map(|last| {
        let text = words::fold(&last.name);
        asked.place(last.id.number(), text, last.price_paise).write(sort)
    });
    let barcodes = barcodes_of(conn, &products)?;
    Ok(Page { products, barcodes, total, next })
}

/// A page of the products on sale of which little or, if `out`, nothing is left; in the order of their ids.
pub fn find_low(
    conn: &mut Conn<'_>,
    store: StoreId,
    category: &str,
    out: bool,
    after: i64,
    limit: i64,
) -> Result<Page> {
    let category = match category.trim() {
        "" => 0,
        named => match categories::find_meant(conn, named)? {
            Some(id) => id.number(),
            None => return Ok(Page::default()),
        },
    };
    let level = if out { 2_i64 } else { 1 };
    let params = [store.into(), category.into(), after.into(), limit.into(), level.into()];
    let products: Vec<Product> = conn.all(&queries::BY_LEVEL, &params)?;
    let (total,) = conn.only(&queries::COUNT_BY_LEVEL, &[store.into(), category.into(), level.into()])?;
    let full = i64::try_from(products.len()).is_ok_and(|count| count == limit);
    let next = products.last().filter(|_| full).map(|last| last.id.to_string());
    let barcodes = barcodes_of(conn, &products)?;
    Ok(Page { products, barcodes, total, next })
}

/// The barcodes of products, in their printed form and the products' order.
pub fn barcodes_of(conn: &mut Conn<'_>, products: &[Product]) -> Result<Vec<Vec<String>>> {
    let rows = conn.load_many(&queries::BARCODES_OF, products.iter().map(|product| [product.id.into()]))?;
    let mut by_product: HashMap<ProductId, Vec<String>> = HashMap::new();
    for BarcodeRow { product_id, code, kind } in rows {
        by_product.entry(product_id).or_default().push(super::barcode::printed(&code, kind).to_owned());
    }
    Ok(products.iter().map(|product| by_product.remove(&product.id).unwrap_or_default()).collect())
}

/// The products after one of them, in the order of their ids, with their barcodes; for reading all of them.
pub fn after(
    conn: &mut Conn<'_>,
    store: StoreId,
    status: Option<Status>,
    id: i64,
    limit: i64,
) -> Result<(Vec<Product>, Vec<Vec<String>>)> {
    let status = status.map_or("", Status::word);
    let params = [store.into(), status.into(), 0_i64.into(), id.into(), limit.into()];
    let products = conn.all(&queries::BY_ID, &params)?;
    let barcodes = barcodes_of(conn, &products)?;
    Ok((products, barcodes))
}

struct Asked<'q> {
    question: &'q Question,
    category: Option<CategoryId>,
    sort: Sort,
    cursor: Option<Cursor>,
}

impl Asked<'_> {
    /// A page of all products, which the engine sorts by its indexes.
    fn browse(&self, conn: &mut Conn<'_>) -> Result<(Vec<Product>, i64)> {
        let start = Cursor::start(self.sort);
        let cursor = self.cursor.as_ref().unwrap_or(&start);
        let status: Value<'_> = self.question.status.map_or("", Status::word).into();
        let category: Value<'_> = self.category.map_or(0, CategoryId::number).into();
        let mut params = vec![self.question.store.into(), status.clone(), category.clone()];
        let query = match self.sort {
            Sort::Newest | Sort::Best => {
                params.push(cursor.id.into());
                const { &queries::NEWEST }
            }
            Sort::Name => {
                params.extend([(&cursor.text).into(), cursor.id.into()]);
                const { &queries::BY_NAME }
            }
            Sort::Price => {
                params.extend([cursor.key.into(), cursor.id.into()]);
                const { &queries::BY_PRICE }
            }
            Sort::PriceDown => {
                params.extend([cursor.key.into(), cursor.id.into()]);
                const { &queries::BY_PRICE_DOWN }
            }
        };
        params.push(self.question.limit.into());
        let products = conn.all(query, &params)?;
        if self.category.is_some() {
            return Ok((products, conn.only(&queries::COUNT_IN_CATEGORY, &[status, category])?.0));
        }
        let mut total = 0;
        for status in Status::ALL.iter().filter(|status| self.question.status.is_none_or(|asked| asked == **status)) {
            total += conn.only(&queries::COUNT, &[(*status).into()])?.0;
        }
        Ok((products, total))
    }

    /// A page of the products that have all typed words. They are filtered and sorted here: no engine has to
    /// guess how many a word will find.
    fn search(&self, conn: &mut Conn<'_>) -> Result<(Vec<Product>, i64)> {
        let mut ids: Option<Vec<ProductId>> = None;
        for word in words::typed(&self.question.search) {
            let range = [(&word).into(), words::range_end(&word).into()];
            let with_word: Vec<ProductId> =
                conn.all(&queries::FIND_WORD, &range)?.into_iter().map(|(id,)| id).collect();
            ids = Some(match ids {
                None => with_word,
                Some(before) => before.into_iter().filter(|id| with_word.binary_search(id).is_ok()).collect(),
            });
        }
        let ids = ids.unwrap_or_default();
        let below = match self.category {
            Some(category) => Some(categories::with_all_below(conn, category)?),
            None => None,
        };
        let mut places: Vec<Cursor> = conn
            .load_many(&queries::FIND_KEYS, ids.iter().map(|id| [(*id).into()]))?
            .into_iter()
            .filter(|row| self.question.status.is_none_or(|status| status == row.status))
            .filter(|row| below.as_ref().is_none_or(|below| below.contains(&row.category_id)))
            .map(|row| self.place(row.id.number(), row.name_key, row.price_paise))
            .collect();
        let total = i64::try_from(places.len()).unwrap_or(i64::MAX);
        if let Some(cursor) = &self.cursor {
            places.retain(|place| place.order(cursor, self.sort).is_gt());
        }
        places.sort_unstable_by(|left, right| left.order(right, self.sort));
        places.truncate(usize::try_from(self.question.limit).unwrap_or(usize::MAX));
        let page = places.iter().map(|place| [self.question.store.into(), place.id.into()]);
        let mut products = conn.load_many(&queries::FIND, page)?;
        let order: HashMap<i64, usize> = places.iter().enumerate().map(|(at, place)| (place.id, at)).collect();
        products.sort_unstable_by_key(|product| order.get(&product.id.number()).copied());
        Ok((products, total))
    }

    /// Where a product stands in this list. Names that begin with what was typed rank first.
    fn place(&self, id: i64, text: String, price: Money) -> Cursor {
        let rank = i64::from(!text.starts_with(&words::fold(&self.question.search)));
        Cursor { rank, key: price.as_paise(), text, id }
    }
}

impl Cursor {
    /// Before the first product.
    fn start(sort: Sort) -> Self {
        let (key, id) = match sort {
            Sort::Newest | Sort::PriceDown => (i64::MAX, i64::MAX),
            Sort::Name | Sort::Price | Sort::Best => (-1, -1),
        };
        Self { rank: -1, key, text: String::new(), id }
    }

    /// Which of two places comes first in a list.
    fn order(&self, other: &Self, sort: Sort) -> Ordering {
        match sort {
            Sort::Newest => other.id.cmp(&self.id),
            Sort::Name => (&self.text, self.id).cmp(&(&other.text, other.id)),
            Sort::Price => (self.key, self.id).cmp(&(other.key, other.id)),
            Sort::PriceDown => (other.key, other.id).cmp(&(self.key, self.id)),
            Sort::Best => (self.rank, &self.text, self.id).cmp(&(other.rank, &other.text, other.id)),
        }
    }

    fn write(&self, sort: Sort) -> String {
        URL_SAFE_NO_PAD.encode(format!("{}\t{}\t{}\t{}\t{}", sort.word(), self.rank, self.key, self.id, self.text))
    }

    fn read(text: &str, sort: Sort) -> Result<Self> {
        let wrong = || Flaw::new("cursor", "invalid", "This cursor is not of this list.");
        let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| wrong())?;
        let text = String::from_utf8(bytes).map_err(|_| wrong())?;
        let parts: Vec<&str> = text.splitn(5, '\t').collect();
        let [word, rank, key, id, text] = parts[..] else { return Err(wrong().into()) };
        let number = |text: &str| text.parse::<i64>().map_err(|_| wrong());
        if word != sort.word() {
            return Err(wrong().into());
        }
        Ok(Self { rank: number(rank)?, key: number(key)?, id: number(id)?, text: text.to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_is_read_back_and_only_by_its_own_list() {
        let cursor = Cursor { rank: 1, key: 4500, text: "हल्दी\tpowder".to_owned(), id: 7 };
        let text = cursor.write(Sort::Name);
        assert_eq!(Cursor::read(&text, Sort::Name).unwrap(), cursor);
        assert!(Cursor::read(&text, Sort::Price).is_err());
        assert!(Cursor::read("???", Sort::Name).is_err());
    }
}
