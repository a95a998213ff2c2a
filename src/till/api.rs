//! Routes for tills: the catalogue that they keep, the payment QR of a bill, the bytes for a receipt printer.

use aide::axum::routing::get_with;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use schemars::JsonSchema;
use serde::Deserialize;
use sha2::{Digest as _, Sha256};

use super::escpos;
use super::receipt::{self, Paper};
use crate::catalog::till::{self, TillCatalogue};
use crate::money::Money;
use crate::orders::{OrderError, parse_order_code};
use crate::shop;
use crate::staff::Allowed;
use crate::staff::access::TakePayments;
use crate::web::answer::KeptAnswer;
use crate::web::docs::describe;
use crate::web::texts::Lang;
use crate::web::{self, Path, Problem, Query, Routes, Site};

/// The routes of tills.
pub fn routes() -> Routes {
    const TAG: &str = "Counter";
    Routes::new()
        .api_route(
            "/api/pos/catalogue",
            get_with(catalogue, |op| describe(op, TAG, "All that is on sale, in few bytes, for a till to keep")),
        )
        .api_route(
            "/api/pos/upi-qr.svg",
            get_with(upi_qr, |op| {
                describe(op, TAG, "The QR by which an amount is paid by UPI before its bill is stored")
            }),
        )
        .api_route(
            "/api/orders/{id}/receipt.escpos",
            get_with(print, |op| describe(op, TAG, "A bill as ESC/POS bytes for a 58 or 80 mm printer, in English")),
        )
}

/// The answer is kept until something changes, and its tag is over its bytes, so a till asks often and reads rarely.
async fn catalogue(State(site): State<Site>, _: Allowed<TakePayments>) -> web::Result<Catalogue> {
    const QUESTION: &str = "till catalogue";
    let generation = site.db.generation();
    if let Some(kept) = site.answers.find(generation, QUESTION) {
        return Ok(Catalogue(kept));
    }
    let catalogue = site.db.read(till::load).await?;
    let body = serde_json::to_vec(&catalogue).map_err(|error| Problem::internal(&error))?;
    let tag = Sha256::digest(&body)[..12].iter().fold(String::new(), |hex, byte| format!("{hex}{byte:02x}"));
    let mut headers = HeaderMap::new();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-cache"));
    headers.insert(header::ETAG, HeaderValue::try_from(format!("\"{tag}\"")).expect("hex is a header"));
    let answer = KeptAnswer { headers, body: body.into() };
    site.answers.keep(generation, QUESTION.to_owned(), &answer);
    Ok(Catalogue(answer))
}

/// A kept answer that the API document describes.
struct Catalogue(KeptAnswer);

impl IntoResponse for Catalogue {
    fn into_response(self) -> Response {
        self.0.into_response()
    }
}

impl aide::OperationOutput for Catalogue {
    type Inner = TillCatalogue;
    fn operation_response(
        ctx: &mut aide::generate::GenContext,
        operation: &mut aide::openapi::Operation,
    ) -> Option<aide::openapi::Response> {
        axum::Json::<TillCatalogue>::operation_response(ctx, operation)
    }
    fn inferred_responses(
        ctx: &mut aide::generate::GenContext,
        operation: &mut aide::openapi::Operation,
    ) -> Vec<(Option<u16>, aide::openapi::Response)> {
        axum::Json::<TillCatalogue>::inferred_responses(ctx, operation)
    }
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct QrQuery {
    /// What is to be paid.
    #[schemars(with = "Money")]
    amount: String,
    /// What the payment is known by, at most 35 characters.
    reference: String,
}

/// Nothing comes back from a QR: a payment is confirmed by the shop.
async fn upi_qr(
    State(site): State<Site>,
    _: Allowed<TakePayments>,
    Query(query): Query<QrQuery>,
) -> web::Result<([(HeaderName, &'static str); 2], String)> {
    let amount = Money::parse(&query.amount).ok().filter(|amount| *amount > Money::ZERO);
    let amount = amount.ok_or_else(|| Problem::field("amount", "invalid", "The amount is more than nothing."))?;
    let shop = site.db.read(shop::current).await?;
    if shop.upi_id.is_empty() {
        return Err(Problem::not_found("The shop has no UPI address yet."));
    }
    let reference = Some(query.reference.as_str());
    let link = shop::upi::link(&shop.upi_id, &shop.name, Some(amount), reference, Some(&shop.name));
    let headers = [(header::CONTENT_TYPE, "image/svg+xml"), (header::CACHE_CONTROL, "no-store")];
    Ok((headers, shop::upi::qr_svg(&link)))
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct PrintQuery {
    /// 58 or 80 mm; 80 when absent.
    width: Option<i64>,
}

async fn print(
    State(site): State<Site>,
    seen: Allowed<TakePayments>,
    Path(id): Path<String>,
    Query(query): Query<PrintQuery>,
) -> web::Result<([(HeaderName, &'static str); 2], Vec<u8>)> {
    let paper = Paper::of_width(query.width)?;
    let id = parse_order_code(&id).ok_or(OrderError::NoOrder)?;
    let caller = seen.caller;
    let bill = site.db.read(move |conn| receipt::load(conn, &caller, id)).await?;
    let headers = [(header::CONTENT_TYPE, "application/octet-stream"), (header::CACHE_CONTROL, "no-store")];
    Ok((headers, escpos::encode(&bill.written(Lang::English, None), paper)))
}
