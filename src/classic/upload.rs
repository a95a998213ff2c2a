//! The data of *Flask E-Commerce Backend*: products that come as a file, and the summary by category.

use std::fs::File;
use std::io::{Seek as _, SeekFrom, Write as _};
use std::sync::LazyLock;

use aide::OperationInput;
use aide::axum::routing::{get_with, post_with};
use aide::generate::GenContext;
use aide::openapi::Operation;
use axum::extract::multipart::{Field, MultipartError};
use axum::extract::{DefaultBodyLimit, FromRequest, Multipart, Request, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use schemars::JsonSchema;
use serde::Serialize;
use tokio::sync::Semaphore;

use super::commerce::Commerce;
use super::gate::Let;
use super::words::{Said, System as _};
use crate::catalog::api::{Acting, refuse_disk};
use crate::catalog::upload::{self, Options};
use crate::money::{Money, Quantity};
use crate::reports::category_summary::{self, CategorySummary};
use crate::staff::access::{ManageCatalog, SeeDashboard};
use crate::web::docs::describe;
use crate::web::porch::{Address, Patience};
use crate::web::{self, Problem, Routes, Site};

/// Files are checked one after the other: each needs a core for seconds.
static READERS: LazyLock<Semaphore> = LazyLock::new(|| Semaphore::new(1));
/// How much of a file is held before it is written to the disk.
const PIECE: usize = 1024 * 1024;

pub(super) fn routes(tag: &'static str) -> Routes {
    Routes::new()
        .api_route(
            "/upload",
            post_with(receive, |op| {
                describe(
                    op,
                    tag,
                    "Stores a CSV file of products (multipart, part `file`): gaps filled, whole or not at all",
                )
            })
            // A file goes to the disk as it comes; how large it may be is a setting.
            .layer(DefaultBodyLimit::disable()),
        )
        .api_route("/summary", get_with(summary, |op| describe(op, tag, "Revenue and top product of each category")))
        .api_route(
            "/summary_report.csv",
            get_with(summary_report, |op| describe(op, tag, "The same, as a file to download")),
        )
}

/// What an upload says.
#[derive(Debug, Serialize, JsonSchema)]
struct UploadAnswer {
    msg: &'static str,
}

async fn receive(
    State(site): State<Site>,
    seen: Let<Commerce, ManageCatalog>,
    address: Address,
    sent: SentFile,
) -> web::Result<Said<UploadAnswer>> {
    let acting = Acting::new(&site, &seen.caller, address, None)?;
    let turn = READERS.acquire().await.map_err(|error| Problem::internal(&error))?;
    let prepared = tokio::task::spawn_blocking(move || upload::prepare(sent.file))
        .await
        .map_err(|error| Problem::internal(&error))?
        .map_err(|refused| Commerce::put(refused.into()))?;
    let options = Options { file_name: sent.name, dry_run: false };
    let stored = site.db.write(move |conn| {
        let on = acting.on(conn)?;
        upload::store(conn, &prepared, &options, on)
    });
    let outcome = stored.await;
    drop(turn);
    outcome.map_err(|refused| Commerce::put(refused.into()))?;
    Ok(Said::ok(UploadAnswer { msg: "Data uploaded successfully" }))
}

/// The part `file` of a form, put aside in a file without a name.
struct SentFile {
    name: String,
    file: File,
}

impl FromRequest<Site> for SentFile {
    type Rejection = Problem;

    async fn from_request(request: Request, site: &Site) -> Result<Self, Problem> {
        if let Some(patience) = request.extensions().get::<Patience>() {
            patience.lengthen();
        }
        let no_file = || Commerce::bad_request("No file part");
        let mut form = Multipart::from_request(request, site).await.map_err(|_| no_file())?;
        while let Some(part) = form.next_field().await.map_err(|error| unreadable(&error))? {
            let (Some("file"), Some(name)) = (part.name(), part.file_name()) else { continue };
            if name.is_empty() {
                return Err(Commerce::bad_request("No selected file"));
            }
            let name = name.chars().filter(|one| !one.is_control()).take(200).collect();
            let file = put_aside(part, site.settings.largest_upload.bytes()).await?;
            return Ok(Self { name, file });
        }
        Err(no_file())
    }
}

async fn put_aside(mut part: Field<'_>, most: u64) -> Result<File, Problem> {
    let mut file = tempfile::tempfile().map_err(|error| disk(&error))?;
    let (mut held, mut size) = (Vec::with_capacity(PIECE), 0_u64);
    loop {
        let piece = part.chunk().await.map_err(|error| unreadable(&error))?;
        let ended = piece.is_none();
        if let Some(piece) = piece {
            size += piece.len() as u64;
            if size <= most {
                held.extend_from_slice(&piece);
            }
        }
        // A sender who is cut off does not hear why, so a file that is not much too large is heard to its end.
        if size > 2 * most || (size > most && ended) {
            let sentence = format!("The file is larger than {} MiB, which is the most.", most / (1024 * 1024));
            return Err(Commerce::refuse(StatusCode::PAYLOAD_TOO_LARGE, "too_large", sentence));
        }
        if held.len() >= PIECE || ended {
            let written = tokio::task::spawn_blocking(move || {
                file.write_all(&held)?;
                held.clear();
                if ended {
                    file.seek(SeekFrom::Start(0))?;
                }
                Ok((file, held))
            });
            (file, held) = written.await.map_err(|error| Problem::internal(&error))?.map_err(|error| disk(&error))?;
        }
        if ended {
            return Ok(file);
        }
    }
}

fn disk(error: &std::io::Error) -> Problem {
    Commerce::put(refuse_disk(error))
}

fn unreadable(error: &MultipartError) -> Problem {
    Commerce::bad_request(format!("The form cannot be read: {}.", error.body_text().trim_end_matches('.')))
}

/// How the form is described.
#[derive(JsonSchema)]
#[expect(dead_code, reason = "only its description is used")]
struct UploadForm {
    /// The CSV file, with the columns `product_id`, `product_name`, `category`, `price`, `quantity_sold`, `rating` and
    /// `review_count`.
    #[schemars(extend("format" = "binary"))]
    file: String,
}

impl OperationInput for SentFile {
    fn operation_input(ctx: &mut GenContext, operation: &mut Operation) {
        let schema = ctx.schema.subschema_for::<UploadForm>();
        let media = aide::openapi::MediaType {
            schema: Some(aide::openapi::SchemaObject { json_schema: schema, external_docs: None, example: None }),
            ..Default::default()
        };
        let body = aide::openapi::RequestBody {
            content: [("multipart/form-data".to_owned(), media)].into_iter().collect(),
            required: true,
            ..Default::default()
        };
        operation.request_body = Some(aide::openapi::ReferenceOr::Item(body));
    }
}

/// A category in the words of that system.
#[derive(Debug, Serialize, JsonSchema)]
struct SummaryRow {
    category: String,
    total_revenue: Money,
    top_product: String,
    top_product_quantity_sold: Quantity,
}

impl From<CategorySummary> for SummaryRow {
    fn from(row: CategorySummary) -> Self {
        Self {
            category: row.category,
            total_revenue: row.total_revenue,
            top_product: row.top_product,
            top_product_quantity_sold: row.top_product_quantity_sold,
        }
    }
}

async fn ask(site: &Site, seen: &Let<Commerce, SeeDashboard>) -> web::Result<Vec<CategorySummary>> {
    let store = seen.caller.ask_store(None).map_err(Commerce::put)?;
    let rows = site.db.read(move |conn| category_summary::find(conn, store)).await;
    rows.map_err(|error| Commerce::put(error.into()))
}

async fn summary(State(site): State<Site>, seen: Let<Commerce, SeeDashboard>) -> web::Result<Said<Vec<SummaryRow>>> {
    Ok(Said::ok(ask(&site, &seen).await?.into_iter().map(SummaryRow::from).collect()))
}

async fn summary_report(State(site): State<Site>, seen: Let<Commerce, SeeDashboard>) -> web::Result<Response> {
    let headers = [
        (header::CONTENT_TYPE, "text/csv; charset=utf-8"),
        (header::CONTENT_DISPOSITION, "attachment; filename=\"summary_report.csv\""),
        (header::CACHE_CONTROL, "no-store"),
    ];
    Ok((headers, category_summary::csv(&ask(&site, &seen).await?)).into_response())
}
