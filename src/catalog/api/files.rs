//! Routes for pictures, imports and exports.

use std::sync::LazyLock;

use aide::OperationInput;
use aide::generate::GenContext;
use aide::openapi::Operation;
use axum::body::{Body, Bytes};
use axum::extract::{FromRequestParts, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tokio::sync::Semaphore;

use super::super::import::{self, Import, ImportError, Mode, Options, Report, Undone};
use super::super::model::{CatalogError, Status};
use super::super::{export, image as pictures, list};
use super::{Acting, ProductPath};
use crate::ids::{ImportId, StoreId};
use crate::staff::Allowed;
use crate::staff::access::{Browse, ManageCatalog};
use crate::web::answer::{Answer, Stored, page_size};
use crate::web::extract::SentBytes;
use crate::web::porch::Address;
use crate::web::{self, IfMatch, Path, Problem, Query, Site, idempotency};

/// Pictures that are decoded at once: each may need hundreds of megabytes for a moment.
static DECODERS: LazyLock<Semaphore> = LazyLock::new(|| Semaphore::new(2));
/// How many products are read for one piece of an export.
const EXPORT_PAGE: i64 = 1_000;

#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ImageBody {
    message: &'static str,
    image_url: String,
}

pub async fn set_image(
    State(site): State<Site>,
    seen: Allowed<ManageCatalog>,
    address: Address,
    Path(path): Path<ProductPath>,
    IfMatch(expected): IfMatch,
    SentBytes { bytes, kind, .. }: SentBytes,
) -> web::Result<axum::Json<ImageBody>> {
    let id = path.id()?;
    if !matches!(
        kind.as_str(),
        "" | "image/jpeg" | "image/jpg" | "image/png" | "image/webp" | "application/octet-stream"
    ) {
        return Err(unsupported("Send a JPEG, PNG or WebP picture as the body."));
    }
    let picture = prepare_picture(bytes).await?;
    let acting = Acting::new(&site, &seen, address, None)?;
    let image = site
        .db
        .write(move |conn| {
            let on = acting.on(conn)?;
            pictures::set(conn, id, expected, &picture, on)
        })
        .await?;
    let image_url = format!("/api/products/{id}/image?v={image}");
    Ok(axum::Json(ImageBody { message: "Picture stored", image_url }))
}

/// Decodes a picture and makes it small, a few at a time.
pub async fn prepare_picture(bytes: Bytes) -> web::Result<pictures::Picture> {
    let _permit = DECODERS.acquire().await.map_err(|error| Problem::internal(&error))?;
    let prepared = tokio::task::spawn_blocking(move || pictures::prepare(&bytes)).await;
    Ok(prepared.map_err(|error| Problem::internal(&error))??)
}

pub async fn clear_image(
    State(site): State<Site>,
    seen: Allowed<ManageCatalog>,
    address: Address,
    Path(path): Path<ProductPath>,
    IfMatch(expected): IfMatch,
) -> web::Result<StatusCode> {
    let id = path.id()?;
    let acting = Acting::new(&site, &seen, address, None)?;
    site.db
        .write(move |conn| {
            let on = acting.on(conn)?;
            pictures::clear(conn, id, expected, on)
        })
        .await?;
    Ok(StatusCode::NO_CONTENT)
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ImageQuery {
    /// The version, as `imageUrl` has it; with it, the picture never changes.
    v: Option<i64>,
}

pub async fn image(
    State(site): State<Site>,
    seen: Allowed<Browse>,
    Path(path): Path<ProductPath>,
    Query(query): Query<ImageQuery>,
    headers: HeaderMap,
) -> web::Result<Response> {
    let (id, staff) = (path.id()?, seen.is_staff());
    let picture = site.db.read(move |conn| pictures::find(conn, id, staff)).await?;
    let tag = format!("\"i{}\"", picture.image_id);
    let keep =
        if query.v == Some(picture.image_id) { "private, max-age=31536000, immutable" } else { "private, no-cache" };
    let known = headers.get(header::IF_NONE_MATCH).and_then(|known| known.to_str().ok()) == Some(tag.as_str());
    let mut response =
        if known { StatusCode::NOT_MODIFIED.into_response() } else { Body::from(picture.bytes).into_response() };
    let fields = response.headers_mut();
    let text = |text: &str| HeaderValue::try_from(text).map_err(|error| Problem::internal(&error));
    fields.insert(header::ETAG, text(&tag)?);
    fields.insert(header::CONTENT_TYPE, text(&picture.content_type)?);
    fields.insert(header::CACHE_CONTROL, HeaderValue::from_static(keep));
    // Opened by itself, the file may do nothing at all.
    let policy = HeaderValue::from_static("default-src 'none'; sandbox");
    fields.insert(header::CONTENT_SECURITY_POLICY, policy);
    fields.insert(header::CONTENT_DISPOSITION, HeaderValue::from_static("inline"));
    Ok(response)
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ExportQuery {
    /// `active`, `archived` or, when absent, all.
    status: Option<Status>,
    /// The store whose stock is written; the caller's own, or the first, when absent.
    store: Option<StoreId>,
    /// Begin with the mark by which some spreadsheets know UTF-8.
    #[serde(default)]
    bom: bool,
}

/// The rows are read a page at a time: a slow reader holds no snapshot of the database open.
pub async fn export(
    State(site): State<Site>,
    seen: Allowed<ManageCatalog>,
    Query(query): Query<ExportQuery>,
) -> web::Result<Response> {
    let store = seen.choose_store(query.store)?;
    let pages = async_stream::try_stream! {
        let mut start = if query.bom { "\u{feff}".as_bytes().to_vec() } else { Vec::new() };
        start.extend(export::header());
        yield Bytes::from(start);
        let mut last = 0;
        loop {
            let after = last;
            let (products, barcodes) =
                site.db.read(move |conn| list::after(conn, store, query.status, after, EXPORT_PAGE)).await?;
            let Some(end) = products.last() else { break };
            last = end.id.number();
            let rows = products.iter().zip(&barcodes).flat_map(|(product, codes)| export::row(product, codes));
            yield rows.collect::<Bytes>();
        }
    };
    let body = Body::from_stream::<_>(erase(pages));
    let headers = [
        (header::CONTENT_TYPE, "text/csv; charset=utf-8"),
        (header::CONTENT_DISPOSITION, "attachment; filename=\"products.csv\""),
        (header::CACHE_CONTROL, "no-store"),
    ];
    Ok((headers, body).into_response())
}

/// Names the error of a stream, which the compiler cannot find by itself.
fn erase<S>(stream: S) -> S
where
    S: futures_util::Stream<Item = Result<Bytes, CatalogError>>,
{
    stream
}

/// What an import is asked for, for the API document: it is read pair by pair, because `map` may stand several times.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
struct ImportParameters {
    /// `column:field` pairs with commas between them: `product:name,sale_price:price`. Without any, usual headers are known.
    map: Option<String>,
    /// Nothing is kept; the report says what would have been.
    dry_run: bool,
    /// `skip-bad-rows` (when absent) or `all-or-nothing`.
    mode: Option<Mode>,
    /// Amounts with more than two decimals are rounded half up instead of refused.
    round: bool,
    /// The name of the file, for people.
    file_name: String,
    /// The store whose stock is set.
    store: Option<StoreId>,
}

/// The query of an import.
pub struct ImportQuery {
    options: Options,
    store: Option<StoreId>,
}

impl<S: Send + Sync> FromRequestParts<S> for ImportQuery {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let Query(pairs) = Query::<Vec<(String, String)>>::from_request_parts(parts, state).await?;
        let mut options = Options::default();
        let mut store = None;
        let mut maps = Vec::new();
        for (name, value) in pairs {
            let wrong = |expected: &str| Problem::field(name.clone(), "invalid", format!("{name}: {expected}"));
            let flag = |value: &str| match value {
                "" | "true" | "1" => Ok(true),
                "false" | "0" => Ok(false),
                _ => Err(wrong("true or false")),
            };
            match name.as_str() {
                "map" => maps.push(value),
                "dryRun" => options.dry_run = flag(&value)?,
                "round" => options.round = flag(&value)?,
                "mode" => {
                    let mode = Mode::from_word(&value);
                    options.mode = mode.ok_or_else(|| wrong("skip-bad-rows or all-or-nothing"))?;
                }
                "fileName" => options.file_name = value.chars().filter(|one| !one.is_control()).take(200).collect(),
                "store" => store = Some(value.parse().map_err(|_| wrong("the id of a store"))?),
                _ => return Err(Problem::field(name.clone(), "unknown", format!("Unknown field: {name}"))),
            }
        }
        options.mapping = import::read_pairs(maps.iter().map(String::as_str))?;
        Ok(Self { options, store })
    }
}

impl OperationInput for ImportQuery {
    fn operation_input(ctx: &mut GenContext, operation: &mut Operation) {
        axum::extract::Query::<ImportParameters>::operation_input(ctx, operation);
    }
}

pub async fn import(
    State(site): State<Site>,
    seen: Allowed<ManageCatalog>,
    address: Address,
    query: ImportQuery,
    SentBytes { bytes, kind, key }: SentBytes,
) -> web::Result<Answer<Report>> {
    let is_table = kind.is_empty()
        || matches!(kind.as_str(), "text/csv" | "text/plain" | "application/csv" | "application/vnd.ms-excel")
        || kind == "application/octet-stream";
    if !is_table {
        return Err(unsupported("Send the file itself as the body, with the content type text/csv."));
    }
    let acting = Acting::new(&site, &seen, address, query.store)?;
    let (claim, options) = (seen.claim(key), query.options);
    if options.dry_run {
        let rehearsed = site
            .db
            .write(move |conn| {
                let on = acting.on(conn)?;
                import::run(conn, &bytes[..], &options, on, |_| {})
            })
            .await;
        return match rehearsed {
            Err(ImportError::Rehearsed(report)) => Ok(Stored::fresh(StatusCode::OK, &report)?.into()),
            Err(refused) => Err(refused.into()),
            Ok(report) => Ok(Stored::fresh(StatusCode::OK, &report)?.into()),
        };
    }
    let answer = site
        .db
        .write(move |conn| {
            idempotency::once(conn, claim.as_ref(), acting.now, StatusCode::OK, |conn| {
                let on = acting.on(conn)?;
                import::run(conn, &bytes[..], &options, on, |_| {})
            })
        })
        .await?;
    Ok(answer.into())
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ImportsQuery {
    /// The last import of the page before.
    cursor: Option<ImportId>,
    limit: Option<i64>,
}

pub async fn imports(
    State(site): State<Site>,
    _: Allowed<ManageCatalog>,
    Query(query): Query<ImportsQuery>,
) -> web::Result<axum::Json<Vec<Import>>> {
    let limit = page_size(query.limit)?;
    let imports = site.db.read(move |conn| Ok::<_, Problem>(import::list(conn, query.cursor, limit)?)).await?;
    Ok(axum::Json(imports))
}

#[derive(Debug, Deserialize, JsonSchema)]
pub struct ImportPath {
    /// The import's id.
    id: ImportId,
}

#[derive(Debug, Serialize, JsonSchema)]
pub struct UndoneBody {
    message: &'static str,
    #[serde(flatten)]
    undone: Undone,
}

pub async fn undo(
    State(site): State<Site>,
    seen: Allowed<ManageCatalog>,
    address: Address,
    Path(path): Path<ImportPath>,
) -> web::Result<axum::Json<UndoneBody>> {
    let acting = Acting::new(&site, &seen, address, None)?;
    let undone = site
        .db
        .write(move |conn| {
            let on = acting.on(conn)?;
            import::undo(conn, path.id, on)
        })
        .await?;
    Ok(axum::Json(UndoneBody { message: "The import was undone", undone }))
}

fn unsupported(sentence: &str) -> Problem {
    Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type", sentence)
}
