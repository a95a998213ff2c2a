//! Products as the API shows and takes them.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::value::RawValue;

use super::super::model::{Edit, NewProduct, Product, ProductChange, Status, Unit};
use crate::clock::Timestamp;
use crate::ids::{CategoryId, ProductId, UserId};
use crate::money::{Money, NumberError, Quantity, Rating, TaxRate};
use crate::web::Problem;

/// A product.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of the product that the API names")]
pub struct ProductBody {
    id: ProductId,
    name: String,
    /// The category's name.
    category: String,
    price: Money,
    /// What is on hand in the store that was asked about.
    stock: Quantity,
    /// Who added it.
    shopkeeper_id: Option<UserId>,
    created_at: Timestamp,
    sku: String,
    name_local: String,
    description: String,
    category_id: CategoryId,
    brand: String,
    unit: Unit,
    mrp: Option<Money>,
    price_includes_tax: bool,
    /// In per cent.
    tax_rate: TaxRate,
    hsn: String,
    rating: Option<Rating>,
    review_count: i64,
    item_code: Option<String>,
    barcodes: Vec<String>,
    status: Status,
    track_stock: bool,
    track_batches: bool,
    allow_negative: bool,
    /// It should be ordered again.
    low_stock: bool,
    reorder_level: Quantity,
    reorder_quantity: Quantity,
    /// Absent when there is no picture.
    image_url: Option<String>,
    updated_at: Timestamp,
    version: i64,
    /// What one unit costs the shop; staff only.
    #[serde(skip_serializing_if = "Option::is_none")]
    cost: Option<Money>,
    /// Sold before this shop used Kirana; staff only.
    #[serde(skip_serializing_if = "Option::is_none")]
    sold_before: Option<Quantity>,
}

impl ProductBody {
    /// A product as staff or as a customer sees it.
    pub fn new(product: Product, barcodes: Vec<String>, staff: bool) -> Self {
        Self {
            id: product.id,
            low_stock: product.is_low(),
            image_url: product.image_id.map(|image| format!("/api/products/{}/image?v={image}", product.id)),
            cost: product.cost_paise.filter(|_| staff),
            sold_before: staff.then_some(product.sold_before_milli),
            name: product.name,
            category: product.category,
            price: product.price_paise,
            stock: product.on_hand_milli,
            shopkeeper_id: product.owner_id,
            created_at: product.created_at,
            sku: product.sku,
            name_local: product.name_local,
            description: product.description,
            category_id: product.category_id,
            brand: product.brand,
            unit: product.unit,
            mrp: product.mrp_paise,
            price_includes_tax: product.price_includes_tax,
            tax_rate: product.tax_rate_bp,
            hsn: product.hsn,
            rating: product.rating_centi,
            review_count: product.review_count,
            item_code: product.item_code,
            barcodes,
            status: product.status,
            track_stock: product.track_stock,
            track_batches: product.track_batches,
            allow_negative: product.allow_negative,
            reorder_level: product.reorder_level_milli,
            reorder_quantity: product.reorder_quantity_milli,
            updated_at: product.updated_at,
            version: product.version,
        }
    }
}

/// A number as somebody sent it: as a number or a text; read when the field's own words for a refusal are known.
#[derive(Debug, Clone)]
pub struct Given(String);

impl<'de> Deserialize<'de> for Given {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = <Box<RawValue>>::deserialize(deserializer)?;
        let text = raw.get();
        let text = text.strip_prefix('"').and_then(|text| text.strip_suffix('"')).unwrap_or(text);
        Ok(Self(if text == "null" { String::new() } else { text.trim().to_owned() }))
    }
}

impl JsonSchema for Given {
    fn schema_name() -> Cow<'static, str> {
        "Number".into()
    }
    fn inline_schema() -> bool {
        true
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": ["number", "string"], "description": "A number, or the same as a string; read exactly." })
    }
}

impl Given {
    fn read<T>(&self, field: &'static str, parse: fn(&str) -> Result<T, NumberError>) -> Result<T, Problem> {
        parse(&self.0).map_err(|error| {
            let sentence = format!("Invalid number format: {field}: `{}` {error}", self.0);
            Problem::field(field, "invalid_number", sentence)
        })
    }
}

/// The fields of a product that can be written. Nothing but name, category, price and stock is ever needed.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct ProductFields {
    name: Option<String>,
    /// The category's name; made when unknown.
    category: Option<String>,
    price: Option<Given>,
    /// What is on hand in the caller's store.
    stock: Option<Given>,
    /// The public code; made when absent.
    sku: Option<String>,
    /// The name in the shop's second language.
    name_local: Option<String>,
    description: Option<String>,
    brand: Option<String>,
    /// `pcs`, `kg`, `g`, `l`, `ml` or `m`.
    unit: Option<Unit>,
    /// The printed maximum retail price; null takes it away.
    mrp: Edit<Money>,
    price_includes_tax: Option<bool>,
    /// What one unit costs the shop; null takes it away.
    cost: Edit<Money>,
    /// In per cent.
    tax_rate: Option<TaxRate>,
    hsn: Option<String>,
    /// 0 to 5; null takes it away.
    rating: Edit<Rating>,
    review_count: Option<i64>,
    /// Sold before this shop used Kirana.
    sold_before: Option<Quantity>,
    /// The code on weighed-item labels; null takes it away.
    item_code: Edit<String>,
    /// All barcodes of the product.
    barcodes: Option<Vec<String>>,
    status: Option<Status>,
    track_stock: Option<bool>,
    track_batches: Option<bool>,
    allow_negative: Option<bool>,
    reorder_level: Option<Quantity>,
    reorder_quantity: Option<Quantity>,
}

impl ProductFields {
    /// A new price and MRP, and nothing else.
    pub fn of_price(price: Given, mrp: Edit<Money>) -> Self {
        Self { price: Some(price), mrp, ..Self::default() }
    }

    /// The fields as a new product; name, category, price and stock have to be there.
    pub fn into_new(self) -> Result<NewProduct, Problem> {
        let present = |text: &Option<String>| text.as_deref().is_some_and(|text| !text.trim().is_empty());
        let given = |number: &Option<Given>| number.as_ref().is_some_and(|number| !number.0.is_empty());
        let required = [
            ("name", present(&self.name)),
            ("category", present(&self.category)),
            ("price", given(&self.price)),
            ("stock", given(&self.stock)),
        ];
        for (field, is_there) in required {
            if !is_there {
                return Err(Problem::field(field, "missing", format!("Missing required field: {field}")));
            }
        }
        let change = self.into_change()?;
        // The document calls a negative number in a new product a wrong format.
        let negative = [
            ("price", change.price.is_some_and(Money::is_negative)),
            ("stock", change.stock.is_some_and(Quantity::is_negative)),
        ];
        for (field, is_negative) in negative {
            if is_negative {
                let sentence = format!("Invalid number format: {field} cannot be negative");
                return Err(Problem::field(field, "invalid_number", sentence));
            }
        }
        Ok(change.into_new()?)
    }

    /// The fields as a change; what is absent stays.
    pub fn into_change(self) -> Result<ProductChange, Problem> {
        let trimmed = |text: Option<String>| text.map(|text| text.trim().to_owned());
        let item_code = match self.item_code {
            Edit::Set(code) if code.trim().is_empty() => Edit::Clear,
            Edit::Set(code) => Edit::Set(code.trim().to_owned()),
            edit => edit,
        };
        Ok(ProductChange {
            price: self.price.map(|price| price.read("price", Money::parse)).transpose()?,
            stock: self.stock.map(|stock| stock.read("stock", Quantity::parse)).transpose()?,
            name: trimmed(self.name),
            category: trimmed(self.category),
            parent_category: None,
            sku: trimmed(self.sku),
            name_local: trimmed(self.name_local),
            description: trimmed(self.description),
            brand: trimmed(self.brand),
            unit: self.unit,
            mrp: self.mrp,
            price_includes_tax: self.price_includes_tax,
            cost: self.cost,
            tax_rate: self.tax_rate,
            hsn: trimmed(self.hsn),
            rating: self.rating,
            review_count: self.review_count,
            sold_before: self.sold_before,
            item_code,
            barcodes: self.barcodes,
            status: self.status,
            track_stock: self.track_stock,
            track_batches: self.track_batches,
            allow_negative: self.allow_negative,
            reorder_level: self.reorder_level,
            reorder_quantity: self.reorder_quantity,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::web::extract::parse_json;

    fn new(text: &str) -> Result<NewProduct, Problem> {
        parse_json::<ProductFields>(text.as_bytes()).and_then(ProductFields::into_new)
    }

    #[test]
    fn numbers_may_be_texts_and_nothing_may_be_in_stock() {
        let product = new(r#"{"name":"Tea","category":"Drinks","price":"4.50","stock":0}"#).unwrap();
        assert_eq!((product.price, product.stock), (Money::paise(450), Quantity::ZERO));
    }

    #[test]
    fn refusals_of_a_new_product_have_the_documented_words() {
        for (text, sentence) in [
            (r"{}", "Missing required field: name"),
            (r#"{"name":"Tea","category":"","price":1,"stock":1}"#, "Missing required field: category"),
            (r#"{"name":"Tea","category":"D","price":null,"stock":1}"#, "Missing required field: price"),
            (r#"{"name":"Tea","category":"D","price":1,"stock":""}"#, "Missing required field: stock"),
            (
                r#"{"name":"Tea","category":"D","price":"abc","stock":1}"#,
                "Invalid number format: price: `abc` is not a number",
            ),
            (
                r#"{"name":"Tea","category":"D","price":-1,"stock":1}"#,
                "Invalid number format: price cannot be negative",
            ),
            (r#"{"nmae":"Tea"}"#, "Unknown field: nmae"),
        ] {
            assert_eq!(new(text).unwrap_err().sentence, sentence, "{text}");
        }
    }

    #[test]
    fn null_takes_away_and_absence_keeps() {
        let change = parse_json::<ProductFields>(br#"{"mrp":null}"#).unwrap().into_change().unwrap();
        assert_eq!((change.mrp, change.cost), (Edit::Clear, Edit::Keep));
    }
}
