//! Which column holds what.

use super::super::words;
use super::ImportError;

crate::words! {
    /// What a column can hold. The word is how `map=column:field` names it, and the header that an export writes.
    pub enum Field {
        /// The public code; a product that has it already is changed.
        Sku = "sku",
        /// The name.
        Name = "name",
        /// The name in the second language.
        NameLocal = "nameLocal",
        /// A longer text.
        Description = "description",
        /// The category.
        Category = "category",
        /// A category below the category; the product stands in it.
        Subcategory = "subcategory",
        /// The brand.
        Brand = "brand",
        /// The unit.
        Unit = "unit",
        /// What it sells for.
        Price = "price",
        /// The maximum retail price.
        Mrp = "mrp",
        /// The price holds the tax.
        PriceIncludesTax = "priceIncludesTax",
        /// What it costs the shop.
        Cost = "cost",
        /// The GST rate.
        TaxRate = "taxRate",
        /// The HSN code.
        Hsn = "hsn",
        /// Stars.
        Rating = "rating",
        /// How many people rated it.
        ReviewCount = "reviewCount",
        /// Sold before this shop used Kirana.
        SoldBefore = "soldBefore",
        /// The code on weighed-item labels.
        ItemCode = "itemCode",
        /// Barcodes, several with a semicolon or blank between them.
        Barcode = "barcodes",
        /// What is there.
        Stock = "stock",
        /// When to order again.
        ReorderLevel = "reorderLevel",
        /// How much to order then.
        ReorderQuantity = "reorderQuantity",
        /// Stock is counted.
        TrackStock = "trackStock",
        /// Lots are told apart.
        TrackBatches = "trackBatches",
        /// Stock may fall below zero.
        AllowNegative = "allowNegative",
        /// `active` or `archived`.
        Status = "status",
    }
}

/// Headers that are usual for a field, folded and without signs; the field's own word is always one.
const USUAL: &[(Field, &[&str])] = &[
    (Field::Sku, &["productid", "itemno", "articlenumber", "icode", "productcode"]),
    (Field::Name, &["product", "productname", "item", "itemname", "title", "नाम"]),
    (Field::NameLocal, &["localname", "namehindi", "hindiname", "secondname"]),
    (Field::Description, &["details", "longdescription"]),
    (Field::Category, &["department", "group", "productcategory", "श्रेणी"]),
    (Field::Subcategory, &["subdepartment", "subgroup"]),
    (Field::Brand, &["manufacturer", "company", "make"]),
    (Field::Unit, &["uom", "unitofmeasure"]),
    (Field::Price, &["saleprice", "sellingprice", "rate", "retailprice", "unitprice", "salesprice", "कीमत", "मूल्य"]),
    (Field::Mrp, &["marketprice", "maximumretailprice", "listprice"]),
    (Field::Cost, &["costprice", "purchaseprice", "buyingprice", "purchaserate"]),
    (Field::TaxRate, &["gst", "gstrate", "tax", "gstpercent", "taxpercent"]),
    (Field::Hsn, &["hsncode", "hsnsac"]),
    (Field::Rating, &["stars", "averagerating"]),
    (Field::ReviewCount, &["reviews", "numberofreviews", "ratingcount"]),
    (Field::SoldBefore, &["quantitysold", "sold", "unitssold"]),
    (Field::ItemCode, &["plu", "scalecode"]),
    (Field::Barcode, &["barcode", "ean", "ean13", "upc", "gtin"]),
    (Field::Stock, &["quantity", "qty", "onhand", "stockquantity", "openingstock", "currentstock"]),
    (Field::ReorderLevel, &["minimumstock", "minstock", "lowstock", "reorderpoint"]),
    (Field::ReorderQuantity, &["orderquantity"]),
];

/// A column that is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    /// Its place in the row.
    pub place: usize,
    /// Its header.
    pub header: String,
    /// What it holds.
    pub field: Field,
}

/// Reads `column:field` pairs: `product:name`.
pub fn read_pairs<'a>(texts: impl IntoIterator<Item = &'a str>) -> Result<Vec<(String, Field)>, ImportError> {
    let texts = texts.into_iter().flat_map(|text| text.split(',')).map(str::trim).filter(|text| !text.is_empty());
    texts
        .map(|text| {
            let (column, word) =
                text.rsplit_once(':').ok_or_else(|| ImportError::Mapping(format!("`{text}` is not column:field.")))?;
            let word = word.trim();
            // What people call the fields in their own files is understood here too.
            let field = Field::from_word(word).or_else(|| guess(word)).ok_or_else(|| {
                let known: Vec<&str> = Field::ALL.iter().map(|field| field.word()).collect();
                ImportError::Mapping(format!("There is no field `{word}`; there are {}.", known.join(", ")))
            })?;
            Ok((column.trim().to_owned(), field))
        })
        .collect()
}

/// The columns of a file, by what somebody said, else by what headers are usual.
pub fn columns(headers: &[String], pairs: &[(String, Field)]) -> Result<Vec<Column>, ImportError> {
    let mut columns: Vec<Column> = Vec::new();
    let mut add = |place: usize, field: Field, explicit: bool| {
        let header = headers[place].clone();
        match columns.iter().find(|column| column.field == field) {
            Some(other) if explicit => Err(ImportError::Mapping(format!(
                "The columns `{}` and `{header}` are both mapped to {field}.",
                other.header
            ))),
            Some(_) => Ok(()),
            None => {
                columns.push(Column { place, header, field });
                Ok(())
            }
        }
    };
    if pairs.is_empty() {
        for (place, header) in headers.iter().enumerate() {
            if let Some(field) = guess(header) {
                add(place, field, false)?;
            }
        }
    } else {
        for (name, field) in pairs {
            let wanted = words::fold(name);
            let place = headers.iter().position(|header| words::fold(header) == wanted);
            let place = place.ok_or_else(|| {
                ImportError::Mapping(format!("The file has no column `{name}`; it has {}.", headers.join(", ")))
            })?;
            add(place, *field, true)?;
        }
    }
    let has = |field: Field| columns.iter().any(|column| column.field == field);
    let known = has(Field::Sku) || has(Field::Barcode) || (has(Field::Name) && has(Field::Price));
    if !known {
        let sentence =
            "No column is known as the name and the price. Say which they are: map=column:name, map=column:price.";
        return Err(ImportError::Mapping(sentence.to_owned()));
    }
    Ok(columns)
}

/// What a header usually means.
fn guess(header: &str) -> Option<Field> {
    let key: String =
        words::fold(header).chars().filter(|one| !one.is_whitespace() && !"_-./%()".contains(*one)).collect();
    let own = Field::ALL.iter().copied().find(|field| field.word().to_ascii_lowercase() == key);
    own.or_else(|| USUAL.iter().find(|(_, usual)| usual.contains(&key.as_str())).map(|(field, _)| *field))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn owned(headers: &[&str]) -> Vec<String> {
        headers.iter().map(|header| (*header).to_owned()).collect()
    }

    fn fields(headers: &[&str]) -> Vec<(usize, Field)> {
        columns(&owned(headers), &[]).unwrap().into_iter().map(|column| (column.place, column.field)).collect()
    }

    #[test]
    fn usual_headers_are_understood() {
        assert_eq!(
            fields(&[
                "index",
                "product",
                "category",
                "sub_category",
                "brand",
                "sale_price",
                "market_price",
                "type",
                "rating"
            ]),
            [
                (1, Field::Name),
                (2, Field::Category),
                (3, Field::Subcategory),
                (4, Field::Brand),
                (5, Field::Price),
                (6, Field::Mrp),
                (8, Field::Rating)
            ]
        );
        assert_eq!(
            fields(&["Product Name", "MRP", "Selling Price", "GST %", "Bar-Code"]),
            [(0, Field::Name), (1, Field::Mrp), (2, Field::Price), (3, Field::TaxRate), (4, Field::Barcode)]
        );
    }

    #[test]
    fn what_somebody_says_counts_alone() {
        let pairs = read_pairs(["product:name, sale_price:price", "index:sku"]).unwrap();
        let headers = owned(&["index", "product", "sale_price", "brand"]);
        let read = columns(&headers, &pairs).unwrap();
        let read: Vec<_> = read.iter().map(|column| (column.header.as_str(), column.field)).collect();
        assert_eq!(read, [("product", Field::Name), ("sale_price", Field::Price), ("index", Field::Sku)]);
    }

    #[test]
    fn a_mapping_that_cannot_be_is_refused() {
        let headers = owned(&["a", "b"]);
        for (pairs, sentence) in [
            ("a", "`a` is not column:field."),
            ("a:colour", "There is no field `colour`"),
            ("c:name", "The file has no column `c`; it has a, b."),
            ("a:name,b:name", "The columns `a` and `b` are both mapped to name."),
            ("a:name", "No column is known as the name and the price."),
        ] {
            let refused = read_pairs([pairs]).and_then(|pairs| columns(&headers, &pairs)).unwrap_err().to_string();
            assert!(refused.starts_with(sentence), "{refused}");
        }
    }
}
