//! Products, changes of them, and refusals.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::audit::By;
use crate::clock::{BusinessDate, Timestamp};
use crate::ids::{CategoryId, ImportId, ProductId, StoreId, UserId};
use crate::money::{Money, Quantity, Rating, TaxRate};
use crate::stock::StockError;

crate::words! {
    /// Whether a product is on sale.
    pub enum Status {
        /// It is.
        Active = "active",
        /// It is kept for the books only.
        Archived = "archived",
    }
}

crate::words! {
    /// What a product is counted in.
    pub enum Unit {
        /// Pieces, always whole.
        Piece = "pcs",
        /// Kilograms.
        Kilogram = "kg",
        /// Grams.
        Gram = "g",
        /// Litres.
        Litre = "l",
        /// Millilitres.
        Millilitre = "ml",
        /// Metres.
        Metre = "m",
    }
}

impl Unit {
    /// Whether a quantity can be counted in this unit.
    pub const fn fits(self, quantity: Quantity) -> bool {
        !matches!(self, Self::Piece) || quantity.is_whole()
    }
}

crate::row! {
    /// A product, with its stock in one store.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub struct Product {
        /// Its id.
        pub id: ProductId,
        /// Its public code.
        pub sku: String,
        /// Its name.
        pub name: String,
        /// Its name in the shop's second language.
        pub name_local: String,
        /// A longer text.
        pub description: String,
        /// Its category.
        pub category_id: CategoryId,
        /// The category's name.
        pub category: String,
        /// Its brand.
        pub brand: String,
        /// What it is counted in.
        pub unit: Unit,
        /// The printed maximum retail price.
        pub mrp_paise: Option<Money>,
        /// What it sells for.
        pub price_paise: Money,
        /// The price holds the tax.
        pub price_includes_tax: bool,
        /// What one unit costs the shop.
        pub cost_paise: Option<Money>,
        /// The GST rate.
        pub tax_rate_bp: TaxRate,
        /// The HSN code.
        pub hsn: String,
        /// Stars.
        pub rating_centi: Option<Rating>,
        /// How many people rated it.
        pub review_count: i64,
        /// Sold before this shop used Kirana.
        pub sold_before_milli: Quantity,
        /// The code that a weighed-item label carries.
        pub item_code: Option<String>,
        /// Its picture.
        pub image_id: Option<i64>,
        /// Whether it is on sale.
        pub status: Status,
        /// Its stock is counted.
        pub track_stock: bool,
        /// Its lots are told apart.
        pub track_batches: bool,
        /// Its stock may fall below zero.
        pub allow_negative: bool,
        /// Who added it.
        pub owner_id: Option<UserId>,
        /// The import that added it.
        pub import_id: Option<ImportId>,
        /// Since when.
        pub created_at: Timestamp,
        /// The last change.
        pub updated_at: Timestamp,
        /// Rises with each change.
        pub version: i64,
        /// What is there, in the store that was asked about.
        pub on_hand_milli: Quantity,
        /// At or below this it should be ordered again.
        pub reorder_level_milli: Quantity,
        /// How much to order then.
        pub reorder_quantity_milli: Quantity,
    }
}

impl Product {
    /// It should be ordered again.
    pub fn is_low(&self) -> bool {
        self.track_stock && self.on_hand_milli <= self.reorder_level_milli
    }
}

/// A product to be added. Begin with [`NewProduct::named`].
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of the product")]
pub struct NewProduct {
    /// Its public code; made from its id when absent.
    pub sku: Option<String>,
    /// Its name.
    pub name: String,
    /// Its name in the shop's second language.
    pub name_local: String,
    /// A longer text.
    pub description: String,
    /// Its category by name; made when unknown, `Uncategorized` when empty.
    pub category: String,
    /// The category above, when the category is new.
    pub parent_category: String,
    /// Its brand.
    pub brand: String,
    /// What it is counted in.
    pub unit: Unit,
    /// The printed maximum retail price.
    pub mrp: Option<Money>,
    /// What it sells for.
    pub price: Money,
    /// The price holds the tax.
    pub price_includes_tax: bool,
    /// What one unit costs the shop.
    pub cost: Option<Money>,
    /// The GST rate.
    pub tax_rate: TaxRate,
    /// The HSN code.
    pub hsn: String,
    /// Stars.
    pub rating: Option<Rating>,
    /// How many people rated it.
    pub review_count: i64,
    /// Sold before this shop used Kirana.
    pub sold_before: Quantity,
    /// The code that a weighed-item label carries.
    pub item_code: Option<String>,
    /// Barcodes, as typed or scanned.
    pub barcodes: Vec<String>,
    /// Whether it is on sale.
    pub status: Status,
    /// Its stock is counted.
    pub track_stock: bool,
    /// Its lots are told apart.
    pub track_batches: bool,
    /// Its stock may fall below zero.
    pub allow_negative: bool,
    /// What is there, in the store of the occasion.
    pub stock: Quantity,
    /// At or below this it should be ordered again.
    pub reorder_level: Quantity,
    /// How much to order then.
    pub reorder_quantity: Quantity,
}

impl NewProduct {
    /// A product with a name, category and price, and the usual for the rest.
    pub fn named(name: impl Into<String>, category: impl Into<String>, price: Money) -> Self {
        Self {
            sku: None,
            name: name.into(),
            name_local: String::new(),
            description: String::new(),
            category: category.into(),
            parent_category: String::new(),
            brand: String::new(),
            unit: Unit::Piece,
            mrp: None,
            price,
            price_includes_tax: true,
            cost: None,
            tax_rate: TaxRate::ZERO,
            hsn: String::new(),
            rating: None,
            review_count: 0,
            sold_before: Quantity::ZERO,
            item_code: None,
            barcodes: Vec::new(),
            status: Status::Active,
            track_stock: true,
            track_batches: false,
            allow_negative: false,
            stock: Quantity::ZERO,
            reorder_level: Quantity::ZERO,
            reorder_quantity: Quantity::ZERO,
        }
    }
}

/// What happens to a value that a product may lack.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Edit<T> {
    /// It stays.
    #[default]
    Keep,
    /// It is taken away.
    Clear,
    /// It becomes this.
    Set(T),
}

impl<T> Edit<T> {
    /// Sets what is there, clears what is not.
    pub fn to(value: Option<T>) -> Self {
        value.map_or(Self::Clear, Self::Set)
    }

    /// It stays.
    pub const fn is_keep(&self) -> bool {
        matches!(self, Self::Keep)
    }

    /// The value afterwards.
    pub fn apply(self, before: Option<T>) -> Option<T> {
        match self {
            Self::Keep => before,
            Self::Clear => None,
            Self::Set(value) => Some(value),
        }
    }
}

impl<T: Serialize> Serialize for Edit<T> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Set(value) => value.serialize(serializer),
            Self::Keep | Self::Clear => serializer.serialize_none(),
        }
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Edit<T> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Option::deserialize(deserializer).map(Self::to)
    }
}

impl<T: JsonSchema> JsonSchema for Edit<T> {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        Option::<T>::schema_name()
    }
    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        Option::<T>::json_schema(generator)
    }
    fn inline_schema() -> bool {
        true
    }
}

/// A change of a product; what is absent stays. It is also how an import remembers what was before.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ProductChange {
    /// Its public code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sku: Option<String>,
    /// Its name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Its name in the shop's second language.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name_local: Option<String>,
    /// A longer text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Its category by name; made when unknown.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub category: Option<String>,
    /// The category above, when the category is new.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parent_category: Option<String>,
    /// Its brand.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub brand: Option<String>,
    /// What it is counted in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unit: Option<Unit>,
    /// The printed maximum retail price.
    #[serde(skip_serializing_if = "Edit::is_keep")]
    pub mrp: Edit<Money>,
    /// What it sells for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub price: Option<Money>,
    /// The price holds the tax.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub price_includes_tax: Option<bool>,
    /// What one unit costs the shop.
    #[serde(skip_serializing_if = "Edit::is_keep")]
    pub cost: Edit<Money>,
    /// The GST rate.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tax_rate: Option<TaxRate>,
    /// The HSN code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hsn: Option<String>,
    /// Stars.
    #[serde(skip_serializing_if = "Edit::is_keep")]
    pub rating: Edit<Rating>,
    /// How many people rated it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub review_count: Option<i64>,
    /// Sold before this shop used Kirana.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sold_before: Option<Quantity>,
    /// The code that a weighed-item label carries.
    #[serde(skip_serializing_if = "Edit::is_keep")]
    pub item_code: Edit<String>,
    /// All its barcodes, as typed or scanned.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub barcodes: Option<Vec<String>>,
    /// Whether it is on sale.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<Status>,
    /// Its stock is counted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub track_stock: Option<bool>,
    /// Its lots are told apart.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub track_batches: Option<bool>,
    /// Its stock may fall below zero.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub allow_negative: Option<bool>,
    /// What is there, in the store of the occasion.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stock: Option<Quantity>,
    /// At or below this it should be ordered again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reorder_level: Option<Quantity>,
    /// How much to order then.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reorder_quantity: Option<Quantity>,
}

/// Who changes the catalogue, from where, when, in which store, and by which import.
#[derive(Debug, Clone, Copy)]
pub struct Occasion<'a> {
    /// Who, from where and when, for the audit log.
    pub by: By<'a>,
    /// Their account, if they have one.
    pub user: Option<UserId>,
    /// The store whose stock is set.
    pub store: StoreId,
    /// The business date.
    pub today: BusinessDate,
    /// The import that does it.
    pub import: Option<ImportId>,
}

crate::row! {
    /// A price that changed.
    #[derive(Debug, Clone, Serialize, JsonSchema)]
    #[serde(rename_all = "camelCase")]
    pub struct PriceChange {
        /// When.
        pub at: Timestamp,
        /// Who; absent for a program.
        pub user_id: Option<UserId>,
        /// Before.
        #[serde(rename = "oldPrice")]
        pub old_price_paise: Money,
        /// After.
        #[serde(rename = "newPrice")]
        pub new_price_paise: Money,
        /// The MRP before.
        #[serde(rename = "oldMrp")]
        pub old_mrp_paise: Option<Money>,
        /// The MRP after.
        #[serde(rename = "newMrp")]
        pub new_mrp_paise: Option<Money>,
    }
}

/// What is wrong with one field of a product.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{sentence}")]
pub struct Flaw {
    /// The field, as the API spells it.
    pub field: &'static str,
    /// A stable word for programs.
    pub code: &'static str,
    /// A sentence for people.
    pub sentence: String,
}

impl Flaw {
    /// A field, a word and a sentence.
    pub fn new(field: &'static str, code: &'static str, sentence: impl Into<String>) -> Self {
        Self { field, code, sentence: sentence.into() }
    }
}

/// Why the catalogue stays as it is.
#[derive(Debug, thiserror::Error)]
pub enum CatalogError {
    /// No such product.
    #[error("Product not found")]
    NoProduct,
    /// No such category.
    #[error("There is no such category.")]
    NoCategory,
    /// The product has no picture.
    #[error("This product has no picture.")]
    NoImage,
    /// A field is wrong.
    #[error(transparent)]
    Flaw(#[from] Flaw),
    /// Another product has the SKU.
    #[error("Another product already has the SKU {0}.")]
    SkuTaken(String),
    /// A product on sale has the name, and the new one was to have one of its own.
    #[error("Already exists")]
    NameTaken(ProductId),
    /// All ten thousand item codes of four digits are in use.
    #[error("No item code of four digits is free.")]
    NoFreeCode,
    /// Another product has the barcode.
    #[error("The barcode {code} already belongs to another product (number {product}).")]
    BarcodeTaken {
        /// The code.
        code: String,
        /// Whose it is.
        product: ProductId,
    },
    /// Another category has the name.
    #[error("There already is a category {0}.")]
    CategoryTaken(String),
    /// A category that holds something stays.
    #[error("{name} cannot be deleted: it holds {products} products and {children} categories.")]
    CategoryInUse {
        /// Its name.
        name: String,
        /// How many products it holds.
        products: i64,
        /// How many categories it holds.
        children: i64,
    },
    /// A category cannot stand below itself.
    #[error("A category cannot stand below itself.")]
    CategoryLoop,
    /// No product has the barcode.
    #[error("No product has the barcode {0}.")]
    UnknownBarcode(String),
    /// The label cannot be turned into a quantity.
    #[error("The label of {0} cannot be read: set its price first, and check the rules for labels.")]
    UnreadableLabel(String),
    /// The rules for labels are wrong.
    #[error("{0}")]
    BadLabelRules(String),
    /// No such import.
    #[error("There is no such import.")]
    NoImport,
    /// An import is undone once.
    #[error("This import has already been undone.")]
    AlreadyUndone,
    /// It brought more than products.
    #[error("This import moved a shop in; `kirana import undo {0}` takes it back.")]
    WasMove(ImportId),
    /// One of several operations was refused.
    #[error("Operation {index}: {cause}")]
    At {
        /// Its place, from 0.
        index: usize,
        /// Why.
        cause: Box<Self>,
    },
    /// The change was made from an older version.
    #[error("Somebody has changed this since you read it.")]
    Stale,
    /// The stock refused.
    #[error(transparent)]
    Stock(#[from] StockError),
    /// The database.
    #[error(transparent)]
    Db(#[from] crate::db::Error),
}
