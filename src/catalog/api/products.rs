//! Routes for products.

use axum::extract::{RawQuery, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::super::actions::{self, Change};
use super::super::list::{Question, Sort};
use super::super::model::{CatalogError, Edit, PriceChange, ProductChange, Status};
use super::body::{Given, ProductBody, ProductFields};
use super::{Acting, ProductPath};
use crate::db::Conn;
use crate::ids::{ProductId, StoreId};
use crate::money::{Money, Quantity};
use crate::staff::Allowed;
use crate::staff::access::{Browse, ManageCatalog};
use crate::web::answer::{Answer, KeptAnswer, next_page, page_size};
use crate::web::porch::Address;
use crate::web::{self, IfMatch, Json, Listed, Path, Problem, Query, Sent, Site, Tagged, idempotency};

/// How many operations one request may hold.
const MOST_OPERATIONS: usize = 1_000;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ListQuery {
    /// Words that must all occur, each from its beginning; or a barcode or SKU.
    q: Option<String>,
    /// A category's name or id, with all below it.
    category: Option<String>,
    /// `active` (when absent), `archived` or `all`; customers see what is on sale.
    status: Option<String>,
    /// `newest`, `name`, `price`, `-price` or `best`.
    sort: Option<Sort>,
    /// 500 when absent, 5,000 at most.
    limit: Option<i64>,
    /// Where the page before ended, from its `Link`.
    cursor: Option<String>,
    /// The store whose stock is shown; the caller's own, or the first, when absent.
    store: Option<StoreId>,
}

pub async fn list(
    State(site): State<Site>,
    seen: Allowed<Browse>,
    RawQuery(asked): RawQuery,
    Query(query): Query<ListQuery>,
) -> web::Result<Response> {
    let (staff, store) = (seen.is_staff(), seen.choose_store(query.store)?);
    // Taken before reading: an answer is never kept as newer than it is.
    let generation = site.db.generation();
    let key = format!("products {staff} {store} {}", asked.unwrap_or_default());
    if let Some(kept) = site.answers.find(generation, &key) {
        return Ok(kept.into_response());
    }
    let question = query.question(staff, store)?;
    let (page, question) =
        site.db.read(move |conn| Ok::<_, CatalogError>((actions::list_products(conn, &question)?, question))).await?;
    let next = page.next.as_deref().map(|cursor| query.next(cursor, question.limit));
    let rows = page
        .products
        .into_iter()
        .zip(page.barcodes)
        .map(|(product, barcodes)| ProductBody::new(product, barcodes, staff))
        .collect();
    let answer = KeptAnswer::of_list(&Listed { rows, total: page.total, next })?;
    site.answers.keep(generation, key, &answer);
    Ok(answer.into_response())
}

impl ListQuery {
    fn question(&self, staff: bool, store: StoreId) -> Result<Question, Problem> {
        let status = match self.status.as_deref() {
            _ if !staff => Some(Status::Active),
            None | Some("") => Some(Status::Active),
            Some("all") => None,
            Some(word) => Some(
                Status::from_word(word)
                    .ok_or_else(|| Problem::field("status", "invalid", "The status is active, archived or all."))?,
            ),
        };
        Ok(Question {
            store,
            search: self.q.clone().unwrap_or_default(),
            category: self.category.clone().unwrap_or_default(),
            status,
            sort: self.sort.unwrap_or(Sort::Best),
            limit: page_size(self.limit)?,
            cursor: self.cursor.clone(),
        })
    }

    fn next(&self, cursor: &str, limit: i64) -> String {
        let store = self.store.map(|store| store.to_string());
        let filters = [
            ("q", self.q.as_deref()),
            ("category", self.category.as_deref()),
            ("status", self.status.as_deref()),
            ("sort", self.sort.map(Sort::word)),
            ("store", store.as_deref()),
        ];
        next_page("/api/products", &filters, cursor, limit)
    }
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct StoreQuery {
    /// The store whose stock is meant; the caller's own, or the first, when absent.
    store: Option<StoreId>,
}

pub async fn get(
    State(site): State<Site>,
    seen: Allowed<Browse>,
    Path(path): Path<ProductPath>,
    Query(query): Query<StoreQuery>,
) -> web::Result<Tagged<ProductBody>> {
    let (id, store, staff) = (path.id()?, seen.choose_store(query.store)?, seen.is_staff());
    look_up(&site, store, staff, move |_| Ok(Some(id))).await
}

pub async fn create(
    State(site): State<Site>,
    seen: Allowed<ManageCatalog>,
    address: Address,
    Query(query): Query<CreateQuery>,
    Sent { body, key }: Sent<ProductFields>,
) -> web::Result<Answer<ProductBody>> {
    let product = body.into_new()?;
    let code_from = any_code(&site);
    let acting = Acting::new(&site, &seen, address, query.store)?;
    let claim = seen.claim(key);
    let answer = site
        .db
        .write(move |conn| {
            idempotency::once(conn, claim.as_ref(), acting.now, StatusCode::CREATED, |conn| {
                let on = acting.on(conn)?;
                let id = match query.unique {
                    None => actions::create(conn, &product, on)?,
                    Some(Unique::Name) => actions::create_as_new(conn, product.clone(), code_from, on)?,
                };
                load_body(conn, acting.store, id)
            })
        })
        .await?;
    Ok(answer.into())
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateQuery {
    /// The store whose stock is meant; the caller's own, or the first, when absent.
    store: Option<StoreId>,
    /// What no other product on sale may have. `name` also gives the product an item code when it has none.
    unique: Option<Unique>,
}

#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Unique {
    Name,
}

/// Where the search for a free item code begins.
fn any_code(site: &Site) -> u16 {
    u16::from_le_bytes(site.entropy.bytes()) % 10_000
}

#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct FreeCodeBody {
    item_code: String,
}

pub async fn free_code(State(site): State<Site>, _: Allowed<ManageCatalog>) -> web::Result<axum::Json<FreeCodeBody>> {
    let from = any_code(&site);
    let item_code = site.db.read(move |conn| actions::free_item_code(conn, from)).await?;
    Ok(axum::Json(FreeCodeBody { item_code }))
}

#[derive(Debug, Deserialize, JsonSchema)]
pub struct NamePath {
    /// The name.
    name: String,
}

pub async fn by_code(
    State(site): State<Site>,
    seen: Allowed<Browse>,
    Path(path): Path<CodePath>,
    Query(query): Query<StoreQuery>,
) -> web::Result<Tagged<ProductBody>> {
    let (store, staff) = (seen.choose_store(query.store)?, seen.is_staff());
    look_up(&site, store, staff, move |conn| actions::find_by_code(conn, &path.code)).await
}

pub async fn by_name(
    State(site): State<Site>,
    seen: Allowed<Browse>,
    Path(path): Path<NamePath>,
    Query(query): Query<StoreQuery>,
) -> web::Result<Tagged<ProductBody>> {
    let (store, staff) = (seen.choose_store(query.store)?, seen.is_staff());
    look_up(&site, store, staff, move |conn| actions::find_by_name(conn, &path.name)).await
}

async fn look_up(
    site: &Site,
    store: StoreId,
    staff: bool,
    find: impl FnOnce(&mut Conn<'_>) -> Result<Option<ProductId>, CatalogError> + Send + 'static,
) -> web::Result<Tagged<ProductBody>> {
    let (product, barcodes) = site
        .db
        .read(move |conn| {
            let id = find(conn)?.ok_or(CatalogError::NoProduct)?;
            match actions::load_with_barcodes(conn, store, id)? {
                (product, _) if !staff && product.status != Status::Active => Err(CatalogError::NoProduct),
                found => Ok(found),
            }
        })
        .await?;
    Ok(Tagged { version: product.version, body: ProductBody::new(product, barcodes, staff) })
}

fn load_body(conn: &mut Conn<'_>, store: StoreId, id: ProductId) -> Result<ProductBody, CatalogError> {
    let (product, barcodes) = actions::load_with_barcodes(conn, store, id)?;
    Ok(ProductBody::new(product, barcodes, true))
}

#[derive(Debug, Serialize, JsonSchema)]
pub struct UpdatedBody {
    message: &'static str,
    /// Something is different now.
    modified: bool,
    product: ProductBody,
}

pub async fn update(
    State(site): State<Site>,
    seen: Allowed<ManageCatalog>,
    address: Address,
    Path(path): Path<ProductPath>,
    Query(query): Query<StoreQuery>,
    IfMatch(expected): IfMatch,
    Json(body): Json<ProductFields>,
) -> web::Result<Tagged<UpdatedBody>> {
    let (id, to) = (path.id()?, body.into_change()?);
    let acting = Acting::new(&site, &seen, address, query.store)?;
    let (modified, product) = site
        .db
        .write(move |conn| {
            let on = acting.on(conn)?;
            let changed = actions::change(conn, Change { product: id, expected, to: &to }, on)?;
            Ok::<_, CatalogError>((changed.modified, actions::load_with_barcodes(conn, acting.store, id)?))
        })
        .await?;
    let (version, product) = (product.0.version, ProductBody::new(product.0, product.1, true));
    Ok(Tagged { version, body: UpdatedBody { message: "Product updated successfully", modified, product } })
}

#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct DeletedBody {
    message: &'static str,
    /// Its name.
    deleted_product: String,
    /// It has history, and so is kept for the books.
    archived: bool,
}

pub async fn delete(
    State(site): State<Site>,
    seen: Allowed<ManageCatalog>,
    address: Address,
    Path(path): Path<ProductPath>,
    IfMatch(expected): IfMatch,
) -> web::Result<axum::Json<DeletedBody>> {
    let id = path.id()?;
    let acting = Acting::new(&site, &seen, address, None)?;
    let removed = site
        .db
        .write(move |conn| {
            let on = acting.on(conn)?;
            actions::remove(conn, id, expected, on)
        })
        .await?;
    let message = "Product deleted successfully";
    Ok(axum::Json(DeletedBody { message, deleted_product: removed.name, archived: removed.archived }))
}

/// One of several operations.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase", deny_unknown_fields)]
pub enum Operation {
    /// Adds a product.
    Create(Box<ProductFields>),
    /// Changes a product; what is absent in `set` stays.
    Update {
        /// Which.
        id: ProductId,
        /// The version that it was made from; a later one refuses it.
        version: Option<i64>,
        /// What changes.
        set: Box<ProductFields>,
    },
    /// Changes a price, and the MRP when it is named.
    Price {
        /// Which.
        id: ProductId,
        /// The version that it was made from; a later one refuses it.
        version: Option<i64>,
        /// The new price.
        price: Given,
        /// The new MRP.
        #[serde(default)]
        mrp: Edit<Money>,
    },
}

enum Step {
    Create(Box<super::super::model::NewProduct>),
    Change { id: ProductId, expected: Option<i64>, to: Box<ProductChange> },
}

impl Operation {
    fn step(self) -> Result<Step, Problem> {
        Ok(match self {
            Self::Create(fields) => Step::Create(Box::new(fields.into_new()?)),
            Self::Update { id, version, set } => {
                Step::Change { id, expected: version, to: Box::new(set.into_change()?) }
            }
            Self::Price { id, version, price, mrp } => {
                let to = ProductFields::of_price(price, mrp).into_change()?;
                Step::Change { id, expected: version, to: Box::new(to) }
            }
        })
    }
}

#[derive(Debug, Serialize, JsonSchema)]
pub struct BulkBody {
    message: &'static str,
    created: usize,
    modified: usize,
    /// One for each operation, in order.
    results: Vec<BulkResult>,
}

#[derive(Debug, Serialize, JsonSchema)]
pub struct BulkResult {
    id: ProductId,
    /// Something is different now.
    modified: bool,
}

pub async fn bulk(
    State(site): State<Site>,
    seen: Allowed<ManageCatalog>,
    address: Address,
    Query(query): Query<StoreQuery>,
    Sent { body, key }: Sent<Vec<Operation>>,
) -> web::Result<Answer<BulkBody>> {
    if body.is_empty() || body.len() > MOST_OPERATIONS {
        return Err(Problem::bad_request("invalid", format!("Send 1 to {MOST_OPERATIONS} operations.")));
    }
    let steps = body.into_iter().enumerate().map(|(index, operation)| {
        operation.step().map_err(|mut problem| {
            problem.sentence = format!("Operation {index}: {}", problem.sentence);
            for field in &mut problem.fields {
                field.field = format!("[{index}].{}", field.field);
            }
            problem.with("index", index)
        })
    });
    let steps = steps.collect::<Result<Vec<Step>, Problem>>()?;
    let acting = Acting::new(&site, &seen, address, query.store)?;
    let claim = seen.claim(key);
    let answer = site
        .db
        .write(move |conn| {
            idempotency::once(conn, claim.as_ref(), acting.now, StatusCode::OK, |conn| {
                take_steps(conn, &acting, &steps)
            })
        })
        .await?;
    Ok(answer.into())
}

fn take_steps(conn: &mut Conn<'_>, acting: &Acting, steps: &[Step]) -> Result<BulkBody, CatalogError> {
    let on = acting.on(conn)?;
    let mut results = Vec::with_capacity(steps.len());
    for (index, step) in steps.iter().enumerate() {
        let result = match step {
            Step::Create(product) => actions::create(conn, product, on).map(|id| BulkResult { id, modified: true }),
            Step::Change { id, expected, to } => {
                let change = Change { product: *id, expected: *expected, to };
                actions::change(conn, change, on).map(|changed| BulkResult { id: *id, modified: changed.modified })
            }
        };
        results.push(result.map_err(|cause| match cause {
            CatalogError::Db(error) => CatalogError::Db(error),
            cause => CatalogError::At { index, cause: Box::new(cause) },
        })?);
    }
    let created = steps.iter().filter(|step| matches!(step, Step::Create(_))).count();
    let modified = results.iter().filter(|result| result.modified).count() - created;
    Ok(BulkBody { message: "All operations were carried out", created, modified, results })
}

#[derive(Debug, Deserialize, JsonSchema)]
pub struct CodePath {
    /// The code as it was scanned or typed.
    code: String,
}

#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ScanBody {
    product: ProductBody,
    /// How much of it: 1, or what the label says.
    quantity: Quantity,
    /// What the customer pays, when the label says so; the quantity then serves stock alone.
    line_total: Option<Money>,
    /// The code came from a label that is printed in the store.
    from_label: bool,
}

pub async fn scan(
    State(site): State<Site>,
    seen: Allowed<Browse>,
    Path(path): Path<CodePath>,
    Query(query): Query<StoreQuery>,
) -> web::Result<axum::Json<ScanBody>> {
    let (store, staff) = (seen.choose_store(query.store)?, seen.is_staff());
    let (scan, barcodes) = site
        .db
        .read(move |conn| {
            let scan = actions::scan(conn, store, &path.code)?;
            if !staff && scan.product.status != Status::Active {
                return Err(CatalogError::UnknownBarcode(path.code.clone()));
            }
            let barcodes = actions::barcodes_of(conn, std::slice::from_ref(&scan.product))?.pop().unwrap_or_default();
            Ok((scan, barcodes))
        })
        .await?;
    Ok(axum::Json(ScanBody {
        product: ProductBody::new(scan.product, barcodes, staff),
        quantity: scan.quantity,
        line_total: scan.line_total,
        from_label: scan.from_label,
    }))
}

pub async fn price_history(
    State(site): State<Site>,
    _: Allowed<crate::staff::access::SeeStock>,
    Path(path): Path<ProductPath>,
) -> web::Result<axum::Json<Vec<PriceChange>>> {
    let id = path.id()?;
    Ok(axum::Json(site.db.read(move |conn| actions::price_history(conn, id)).await?))
}
