//! Lists of products: filtered, sorted, searched, one page after another.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::model::{CatalogError, Flaw, Product, Status};
use super::queries::{self, BarcodeRow};
use super::{categories, words};
use crate::db::{Conn, Query, Value};
use crate::ids::StoreId;

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
        "" => 0,
        named => match categories::find_meant(conn, named)? {
            Some(id) => id.number(),
            None => return Ok(Page::default()),
        },
    };
    let searching = !question.search.trim().is_empty();
    let typed = words::typed(&question.search);
    if searching && typed.is_empty() {
        return Ok(Page::default());
    }
    let sort = match question.sort {
        Sort::Best if !searching => Sort::Newest,
        sort => sort,
    };
    let cursor = question.cursor.as_deref().map(|text| Cursor::read(text, sort)).transpose()?;
    let asked =
        Asked { question, category, sort, typed: &typed, cursor: cursor.unwrap_or_else(|| Cursor::start(sort)) };
    let (query, params) = asked.statement();
    let products = conn.all(query, &params)?;
    let total = asked.count(conn)?;
    let full = i64::try_from(products.len()).is_ok_and(|count| count == question.limit);
    let next = products.last().filter(|_| full).map(|last| asked.cursor_after(last).write(sort));
    let barcodes = barcodes_of(conn, &products)?;
    Ok(Page { products, barcodes, total, next })
}

/// The barcodes of products, in their printed form and the products' order.
pub fn barcodes_of(conn: &mut Conn<'_>, products: &[Product]) -> Result<Vec<Vec<String>>> {
    let rows = conn.load_many(&queries::BARCODES_OF, products.iter().map(|product| [product.id.into()]))?;
    let mut by_product: std::collections::HashMap<_, Vec<String>> = std::collections::HashMap::new();
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
    category: i64,
    sort: Sort,
    typed: &'q [String],
    cursor: Cursor,
}

impl Asked<'_> {
    fn statement(&self) -> (&'static Query<Product>, Vec<Value<'_>>) {
        let cursor = &self.cursor;
        let mut params: Vec<Value<'_>> = vec![self.question.store.into(), self.status(), self.category.into()];
        match self.sort {
            Sort::Newest => params.push(cursor.id.into()),
            Sort::Name => params.extend([(&cursor.text).into(), cursor.id.into()]),
            Sort::Price | Sort::PriceDown => params.extend([cursor.key.into(), cursor.id.into()]),
            Sort::Best => params.extend([cursor.rank.into(), (&cursor.text).into(), cursor.id.into()]),
        }
        params.push(self.question.limit.into());
        if self.sort == Sort::Best {
            let begin = words::fold(&self.question.search);
            let end = words::range_end(&begin);
            params.extend([begin.into(), end.into()]);
        }
        let searching = !self.typed.is_empty();
        if searching {
            params.extend(self.ranges());
        }
        let query = match (self.sort, searching) {
            (Sort::Newest, false) => const { &queries::NEWEST },
            (Sort::Name, false) => const { &queries::BY_NAME },
            (Sort::Price, false) => const { &queries::BY_PRICE },
            (Sort::PriceDown, false) => const { &queries::BY_PRICE_DOWN },
            (Sort::Newest, true) => const { &queries::SEARCH_NEWEST },
            (Sort::Name, true) => const { &queries::SEARCH_BY_NAME },
            (Sort::Price, true) => const { &queries::SEARCH_BY_PRICE },
            (Sort::PriceDown, true) => const { &queries::SEARCH_BY_PRICE_DOWN },
            (Sort::Best, _) => const { &queries::SEARCH_BEST },
        };
        (query, params)
    }

    fn count(&self, conn: &mut Conn<'_>) -> Result<i64> {
        if !self.typed.is_empty() {
            let mut params: Vec<Value<'_>> = vec![self.status(), self.category.into()];
            params.extend(self.ranges());
            return Ok(conn.only(&queries::COUNT_FOUND, &params)?.0);
        }
        if self.category != 0 {
            return Ok(conn.only(&queries::COUNT_IN_CATEGORY, &[self.status(), self.category.into()])?.0);
        }
        let mut total = 0;
        for status in Status::ALL.iter().filter(|status| self.question.status.is_none_or(|asked| asked == **status)) {
            total += conn.only(&queries::COUNT, &[(*status).into()])?.0;
        }
        Ok(total)
    }

    fn status(&self) -> Value<'static> {
        self.question.status.map_or("", Status::word).into()
    }

    /// Where the words begin and end that each typed word stands for; empty for those that were not typed.
    fn ranges(&self) -> impl Iterator<Item = Value<'_>> {
        (0..words::MOST_TYPED).flat_map(|place| match self.typed.get(place) {
            Some(word) => [word.into(), words::range_end(word).into()],
            None => ["".into(), "".into()],
        })
    }

    fn cursor_after(&self, last: &Product) -> Cursor {
        let text = words::fold(&last.name);
        let begin = words::fold(&self.question.search);
        let rank = i64::from(!(text >= begin && text < words::range_end(&begin)));
        Cursor { rank, key: last.price_paise.as_paise(), text, id: last.id.number() }
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
