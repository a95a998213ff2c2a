//! The pages on which the shop keeps its catalogue: the list, a product, files that come in.

mod bulk;
mod fields;
mod import;
mod list;
mod product;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::routing::{get, post};

use super::model::Product;
use super::rules::{self, Fullness};
use crate::web::Site;
use crate::web::page::Page;
use crate::web::texts::Lang;

/// The largest form with a picture in it.
const LARGEST_IMAGE: usize = 6 * 1024 * 1024;
/// The largest table that a page takes; the API takes larger ones.
const LARGEST_TABLE: usize = 12 * 1024 * 1024;

/// The pages of the catalogue.
pub fn routes() -> Router<Site> {
    Router::new()
        .route("/inventory", get(list::show))
        .route("/inventory/bulk", post(bulk::change))
        .route("/inventory/new", get(product::show_new).post(product::create))
        .route("/inventory/import", get(import::show).post(import::receive).layer(DefaultBodyLimit::max(LARGEST_TABLE)))
        .route("/inventory/import/{id}/undo", post(import::undo))
        .route("/inventory/{id}", get(product::show).post(product::change))
        .route("/inventory/{id}/stock", post(product::set_stock))
        .route("/inventory/{id}/remove", post(product::remove))
        .route("/inventory/{id}/image", post(product::set_image).layer(DefaultBodyLimit::max(LARGEST_IMAGE)))
}

/// How full a shelf is: the word that a badge takes its colour from, and what it says.
struct Level {
    word: &'static str,
    name: String,
}

impl Level {
    fn of(page: &Page, product: &Product) -> Self {
        let fullness = rules::fullness(product);
        let name = match fullness {
            Fullness::Out => page.t("level.out"),
            Fullness::Low => page.t("level.low"),
            Fullness::Medium => page.t("level.medium"),
            Fullness::Good => page.t("level.good"),
            Fullness::Uncounted => page.t("level.uncounted"),
        };
        Self { word: fullness.word(), name: name.to_owned() }
    }
}

/// A product's name in the language of the page, where it has one.
fn called(page: &Page, product: &Product) -> String {
    let local = page.lang == Lang::Hindi.word() && !product.name_local.is_empty();
    if local { product.name_local.clone() } else { product.name.clone() }
}

/// The picture of a product, by an address that changes with it.
fn picture(product: &Product) -> Option<String> {
    product.image_id.map(|image| format!("/api/products/{}/image?v={image}", product.id))
}
