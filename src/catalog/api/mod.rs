//! Routes for products, categories, barcodes, pictures, imports and exports.

mod body;
mod categories;
mod files;
mod products;

use aide::axum::routing::{get_with, post_with, put_with};
use axum::extract::DefaultBodyLimit;
use axum::http::StatusCode;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;

use super::import::ImportError;
use super::model::{CatalogError, Flaw, Occasion};
use super::upload::UploadError;
use crate::audit::By;
use crate::clock::Timestamp;
use crate::db::Conn;
use crate::ids::{ProductId, StoreId, UserId};
use crate::shop;
use crate::staff::Caller;
use crate::web::docs::describe;
use crate::web::porch::Address;
use crate::web::{Problem, Routes, Site};

pub use body::ProductBody;
pub(super) use files::prepare_picture;

/// The largest picture.
const LARGEST_IMAGE: usize = 5 * 1024 * 1024;
/// The largest table.
const LARGEST_TABLE: usize = 50 * 1024 * 1024;

/// The routes of the catalogue.
pub fn routes() -> Routes {
    const TAG: &str = "Products";
    const CATEGORIES: &str = "Categories";
    const IMPORTS: &str = "Imports";
    Routes::new()
        .api_route(
            "/api/products",
            get_with(products::list, |op| describe(op, TAG, "What the shop sells; search, filters, pages"))
                .post_with(products::create, |op| {
                    describe(op, TAG, "Adds a product; its category is made when unknown")
                }),
        )
        .api_route(
            "/api/products/bulk",
            post_with(products::bulk, |op| {
                describe(op, TAG, "Creates, updates and price changes in one go; all or nothing")
            }),
        )
        .api_route(
            "/api/products/by-barcode/{code}",
            get_with(products::scan, |op| {
                describe(op, TAG, "What a scanned code means: EAN, UPC, GTIN-14, or a label of the shop's own scale")
            }),
        )
        .api_route(
            "/api/products/by-code/{code}",
            get_with(products::by_code, |op| describe(op, TAG, "The product with an item code, else with a SKU")),
        )
        .api_route(
            "/api/products/by-name/{name}",
            get_with(products::by_name, |op| {
                describe(op, TAG, "The product on sale with a name, spelled so or in other letter case")
            }),
        )
        .api_route(
            "/api/products/free-code",
            get_with(products::free_code, |op| describe(op, TAG, "An item code of four digits that no product has")),
        )
        .api_route(
            "/api/products/export.csv",
            get_with(files::export, |op| describe(op, TAG, "All products as CSV; an import reads it back")),
        )
        .api_route(
            "/api/products/import",
            post_with(files::import, |op| {
                describe(
                    op,
                    IMPORTS,
                    "Brings products in from CSV: mapping of columns, dry run, errors by line and column",
                )
            })
            .layer(DefaultBodyLimit::max(LARGEST_TABLE)),
        )
        .api_route(
            "/api/products/{id}",
            get_with(products::get, |op| describe(op, TAG, "A product"))
                .put_with(products::update, |op| describe(op, TAG, "Changes a product; what is absent stays"))
                .patch_with(products::update, |op| describe(op, TAG, "The same as PUT"))
                .delete_with(products::delete, |op| {
                    describe(op, TAG, "Deletes a product, or archives one that was sold or moved")
                }),
        )
        .api_route(
            "/api/products/{id}/image",
            get_with(files::image, |op| describe(op, TAG, "A product's picture"))
                .put_with(files::set_image, |op| describe(op, TAG, "Sets the picture: JPEG, PNG or WebP up to 5 MiB"))
                .delete_with(files::clear_image, |op| describe(op, TAG, "Takes the picture away"))
                .layer(DefaultBodyLimit::max(LARGEST_IMAGE)),
        )
        .api_route(
            "/api/products/{id}/price-history",
            get_with(products::price_history, |op| describe(op, TAG, "The prices a product had, newest change first")),
        )
        .api_route(
            "/api/categories",
            get_with(categories::list, |op| describe(op, CATEGORIES, "The tree of categories, with products counted"))
                .post_with(categories::create, |op| describe(op, CATEGORIES, "Adds a category")),
        )
        .api_route(
            "/api/categories/{id}",
            put_with(categories::update, |op| describe(op, CATEGORIES, "Changes a category; what is absent stays"))
                .delete_with(categories::delete, |op| {
                    describe(op, CATEGORIES, "Deletes a category that holds nothing")
                }),
        )
        .api_route("/api/imports", get_with(files::imports, |op| describe(op, IMPORTS, "Imports, newest first")))
        .api_route(
            "/api/imports/{id}/undo",
            post_with(files::undo, |op| describe(op, IMPORTS, "Puts everything back as it was before an import; once")),
        )
}

/// The product in a path.
#[derive(Debug, Deserialize, JsonSchema)]
struct ProductPath {
    /// The product's id.
    id: String,
}

impl ProductPath {
    /// # Errors
    /// The text that is documented for an id that is none.
    fn id(&self) -> Result<ProductId, Problem> {
        self.id.parse().map_err(|_| Problem::field("id", "invalid", "Invalid product ID"))
    }
}

/// Who acts, from where, when and in which store, while a transaction may be run again.
pub struct Acting {
    actor: String,
    from: String,
    user: Option<UserId>,
    /// The store that they work in.
    pub store: StoreId,
    /// When.
    pub now: Timestamp,
}

impl Acting {
    /// Somebody with a request; refused for a store that is not theirs.
    pub fn new(site: &Site, caller: &Caller, address: Address, store: Option<StoreId>) -> Result<Self, Problem> {
        Ok(Self {
            actor: caller.actor(),
            from: address.text(),
            user: caller.user(),
            store: caller.choose_store(store)?,
            now: site.clock.now(),
        })
    }

    /// The same for the actions, on the business date of now.
    pub fn on(&self, conn: &mut Conn<'_>) -> crate::db::Result<Occasion<'_>> {
        Ok(Occasion {
            by: By { actor: &self.actor, from: &self.from, now: self.now },
            user: self.user,
            store: self.store,
            today: shop::current(conn)?.business_date(self.now),
            import: None,
        })
    }
}

impl From<Flaw> for Problem {
    fn from(flaw: Flaw) -> Self {
        Self::field(flaw.field, flaw.code, flaw.sentence)
    }
}

impl From<CatalogError> for Problem {
    fn from(error: CatalogError) -> Self {
        let sentence = error.to_string();
        match error {
            CatalogError::NoProduct | CatalogError::NoCategory | CatalogError::NoImage | CatalogError::NoImport => {
                Self::not_found(sentence)
            }
            CatalogError::Flaw(flaw) => flaw.into(),
            CatalogError::NameTaken(id) => Self::field("name", "taken", sentence).with("productId", id.to_string()),
            CatalogError::NoFreeCode => Self::conflict("no_free_code", sentence),
            CatalogError::SkuTaken(_) => Self::field("sku", "taken", sentence),
            CatalogError::BarcodeTaken { product, .. } => {
                Self::field("barcodes", "taken", sentence).with("productId", product.to_string())
            }
            CatalogError::CategoryTaken(_) => Self::field("name", "taken", sentence),
            CatalogError::CategoryLoop => Self::field("parentId", "loop", sentence),
            CatalogError::CategoryInUse { products, children, .. } => {
                Self::conflict("category_in_use", sentence).with("products", products).with("categories", children)
            }
            CatalogError::UnknownBarcode(_) => Self::new(StatusCode::NOT_FOUND, "unknown_barcode", sentence),
            CatalogError::UnreadableLabel(_) => Self::conflict("unreadable_label", sentence),
            CatalogError::BadLabelRules(_) => Self::conflict("bad_label_rules", sentence),
            CatalogError::AlreadyUndone => Self::conflict("already_undone", sentence),
            CatalogError::WasMove(_) => Self::conflict("was_move", sentence),
            CatalogError::At { index, cause } => {
                let mut problem = Self::from(*cause);
                problem.sentence = sentence;
                for field in &mut problem.fields {
                    field.field = format!("[{index}].{}", field.field);
                }
                problem.with("index", index)
            }
            CatalogError::Stale => crate::web::extract::stale(),
            CatalogError::Stock(error) => error.into(),
            CatalogError::Db(error) => error.into(),
        }
    }
}

impl From<ImportError> for Problem {
    fn from(error: ImportError) -> Self {
        let sentence = error.to_string();
        match error {
            ImportError::Empty => Self::bad_request("empty_file", sentence),
            ImportError::Encoding { line } => Self::bad_request("not_utf8", sentence).with("line", line),
            ImportError::Unreadable(_) => Self::bad_request("unreadable_file", sentence),
            ImportError::Mapping(_) => Self::field("map", "invalid", sentence),
            ImportError::Refused(report) | ImportError::Rehearsed(report) => {
                let mut problem = Self::bad_request("rows_refused", sentence);
                if let serde_json::Value::Object(members) = json!(report) {
                    problem.more.extend(members);
                }
                problem
            }
            ImportError::Catalog(error) => error.into(),
        }
    }
}

/// What somebody is told whose file could not be put aside.
pub fn refuse_disk(error: &std::io::Error) -> Problem {
    let full = matches!(error.kind(), std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded);
    if full { crate::db::Error::Full.into() } else { Problem::internal(error) }
}

impl From<UploadError> for Problem {
    fn from(error: UploadError) -> Self {
        let sentence = error.to_string();
        match error {
            UploadError::NoColumn(column) => Self::field(column, "missing", sentence),
            UploadError::TooManyCategories(_) => Self::field("category", "too_many", sentence),
            UploadError::Refused { rows, refused, errors } => Self::bad_request("rows_refused", sentence)
                .with("rows", rows)
                .with("refused", refused)
                .with("errors", json!(errors)),
            UploadError::File(error) => error.into(),
            UploadError::Rehearsed(counts) => Self::bad_request("dry_run", sentence).with("counts", json!(counts)),
            UploadError::Aside(error) => refuse_disk(&error),
            UploadError::Catalog(error) => error.into(),
        }
    }
}
