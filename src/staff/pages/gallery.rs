//! Every component of the pages in all its states, for those who build pages and for the tests that look at them.

use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::get;

use super::page;
use crate::shop;
use crate::staff::access::{Allowed, SignedIn};
use crate::web::page::{Page, Reader, draw};
use crate::web::{self, Problem, Site};

pub(super) fn routes() -> Router<Site> {
    Router::new().route("/gallery", get(show))
}

#[derive(Template)]
#[template(path = "staff/gallery.html")]
struct GalleryPage {
    page: Page,
}

async fn show(State(site): State<Site>, reader: Reader, seen: Allowed<SignedIn>) -> web::Result<Response> {
    let shop = site.db.read(shop::current).await?;
    if !shop.demo && !cfg!(debug_assertions) {
        return Err(Problem::not_found("There is nothing at this address."));
    }
    Ok(draw(StatusCode::OK, &GalleryPage { page: page(&site, &reader, &shop, Some(&seen)) }))
}
