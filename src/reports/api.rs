//! Routes of the dashboard.

use aide::axum::routing::get_with;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse as _, Response};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::category_summary::{self, CategorySummary};
use super::model::{ItemSold, ProductSales, ReportError};
use super::queries;
use super::rules::{Range, weekday_label};
use crate::clock::BusinessDate;
use crate::ids::{ProductId, StoreId};
use crate::money::{Money, Quantity};
use crate::shop;
use crate::staff::access::SeeDashboard;
use crate::staff::{Allowed, Caller};
use crate::web::docs::describe;
use crate::web::{self, Problem, Query, Routes, Site};

/// How many products are named among the best.
const TOP: usize = 10;

/// The routes.
pub fn routes() -> Routes {
    const TAG: &str = "Dashboard";
    Routes::new()
        .api_route(
            "/api/shopkeeper/stats",
            get_with(stats, |op| describe(op, TAG, "Today in figures, beside yesterday and last week")),
        )
        .api_route(
            "/api/shopkeeper/analytics",
            get_with(analytics, |op| describe(op, TAG, "Sales by day, product and category")),
        )
        .api_route(
            "/api/reports/category-summary",
            get_with(category_summary, |op| {
                describe(op, "Reports", "What each category has earned in all, and its best seller")
            }),
        )
        .api_route(
            "/api/reports/category-summary.csv",
            get_with(category_summary_csv, |op| describe(op, "Reports", "The same as CSV")),
        )
        .api_route(
            "/api/reports/items",
            get_with(items, |op| describe(op, "Reports", "How much of each product was sold, what sold most first")),
        )
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct StatsQuery {
    /// One store; all, or one's own, when absent.
    store: Option<StoreId>,
}

/// Today in figures.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct StatsBody {
    /// The business date that is meant by today.
    date: BusinessDate,
    today_sales: Money,
    today_orders: i64,
    yesterday_sales: Money,
    yesterday_orders: i64,
    /// The same day of last week.
    last_week_sales: Money,
    last_week_orders: i64,
    total_orders: i64,
    total_revenue: Money,
    /// Not handed over yet; counted up to 10,000 in each store.
    open_orders: i64,
    total_products: i64,
    /// At or below the reorder level (10 where none is set), those that are out included.
    low_stock_count: i64,
    out_of_stock: i64,
    total_customers: i64,
}

async fn stats(
    State(site): State<Site>,
    seen: Allowed<SeeDashboard>,
    Query(query): Query<StatsQuery>,
) -> web::Result<axum::Json<StatsBody>> {
    let store = seen.ask_store(query.store)?;
    let now = site.clock.now();
    let body = site
        .db
        .read(move |conn| {
            let date = shop::current(conn)?.business_date(now);
            let totals = queries::totals(conn, store, date)?;
            let (low_stock_count, out_of_stock) = queries::count_low(conn, store)?;
            Ok::<_, Problem>(StatsBody {
                date,
                today_sales: totals.today_revenue,
                today_orders: totals.today_orders,
                yesterday_sales: totals.yesterday_revenue,
                yesterday_orders: totals.yesterday_orders,
                last_week_sales: totals.last_week_revenue,
                last_week_orders: totals.last_week_orders,
                total_orders: totals.orders,
                total_revenue: totals.revenue,
                open_orders: queries::count_open(conn, store)?,
                total_products: queries::count_products(conn)?,
                low_stock_count,
                out_of_stock,
                total_customers: queries::count_customers(conn)?,
            })
        })
        .await?;
    Ok(axum::Json(body))
}

async fn ask_summary(site: &Site, caller: &Caller, query: &StatsQuery) -> web::Result<Vec<CategorySummary>> {
    let store = caller.ask_store(query.store)?;
    Ok(site.db.read(move |conn| category_summary::find(conn, store)).await?)
}

async fn category_summary(
    State(site): State<Site>,
    seen: Allowed<SeeDashboard>,
    Query(query): Query<StatsQuery>,
) -> web::Result<axum::Json<Vec<CategorySummary>>> {
    Ok(axum::Json(ask_summary(&site, &seen, &query).await?))
}

async fn category_summary_csv(
    State(site): State<Site>,
    seen: Allowed<SeeDashboard>,
    Query(query): Query<StatsQuery>,
) -> web::Result<Response> {
    let headers = [
        (header::CONTENT_TYPE, "text/csv; charset=utf-8"),
        (header::CONTENT_DISPOSITION, "attachment; filename=\"category-summary.csv\""),
        (header::CACHE_CONTROL, "no-store"),
    ];
    Ok((headers, category_summary::csv(&ask_summary(&site, &seen, &query).await?)).into_response())
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct AnalyticsQuery {
    /// The first day; six days before the last when absent.
    from: Option<BusinessDate>,
    /// The last day; today when absent.
    to: Option<BusinessDate>,
    /// One store; all, or one's own, when absent.
    store: Option<StoreId>,
}

/// Sales by day, product and category.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct AnalyticsBody {
    /// The weekday of each day, oldest first.
    sales_labels: Vec<&'static str>,
    /// The sales of each day.
    sales_data: Vec<Money>,
    /// The date of each day.
    sales_dates: Vec<BusinessDate>,
    /// The sales of as many days right before.
    previous_data: Vec<Money>,
    /// The categories that have products.
    category_labels: Vec<String>,
    /// How many products each of them has.
    category_data: Vec<i64>,
    /// What each category sold, the most first.
    category_revenue: Vec<CategoryRevenue>,
    /// The ten products that sold for most.
    top_products: Vec<TopProduct>,
}

#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct CategoryRevenue {
    pub category: String,
    pub revenue: Money,
}

#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct TopProduct {
    id: ProductId,
    name: String,
    category: String,
    quantity: Quantity,
    revenue: Money,
}

async fn analytics(
    State(site): State<Site>,
    seen: Allowed<SeeDashboard>,
    Query(query): Query<AnalyticsQuery>,
) -> web::Result<axum::Json<AnalyticsBody>> {
    let store = seen.ask_store(query.store)?;
    let now = site.clock.now();
    let body = site
        .db
        .read(move |conn| {
            let today = shop::current(conn)?.business_date(now);
            let range = Range::choose(query.from, query.to, today)?;
            let sold = queries::product_sales(conn, store, range)?;
            let (category_labels, category_data) = queries::category_counts(conn)?.into_iter().unzip();
            Ok::<_, Problem>(AnalyticsBody {
                sales_labels: range.days().map(weekday_label).collect(),
                sales_data: range.fill(&queries::days(conn, store, range)?),
                sales_dates: range.days().collect(),
                previous_data: range.before().fill(&queries::days(conn, store, range.before())?),
                category_labels,
                category_data,
                category_revenue: by_category(&sold)?,
                top_products: sold.into_iter().take(TOP).map(TopProduct::from).collect(),
            })
        })
        .await?;
    Ok(axum::Json(body))
}

async fn items(
    State(site): State<Site>,
    seen: Allowed<SeeDashboard>,
    Query(query): Query<ItemsQuery>,
) -> web::Result<axum::Json<Vec<ItemSold>>> {
    let store = seen.ask_store(query.store)?;
    let now = site.clock.now();
    let rows = site
        .db
        .read(move |conn| {
            let today = shop::current(conn)?.business_date(now);
            let to = query.to.unwrap_or(today);
            if query.from.is_some_and(|from| from > to) {
                return Err(ReportError::Backwards.into());
            }
            Ok::<_, Problem>(queries::items_sold(conn, store, query.from, to)?)
        })
        .await?;
    Ok(axum::Json(rows))
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct ItemsQuery {
    /// The first day; when absent, from the beginning, with what was sold before this shop used Kirana.
    from: Option<BusinessDate>,
    /// The last day; today when absent.
    to: Option<BusinessDate>,
    /// One store; all, or one's own, when absent.
    store: Option<StoreId>,
}

/// What each category sold, the most first.
pub(super) fn by_category(sold: &[ProductSales]) -> Result<Vec<CategoryRevenue>, Problem> {
    let mut sums = std::collections::BTreeMap::<&str, Money>::new();
    for one in sold {
        let sum = sums.entry(&one.category).or_default();
        *sum = sum.checked_add(one.revenue_paise).ok_or_else(|| Problem::internal(&"a sum is too large"))?;
    }
    let mut rows: Vec<_> = sums
        .into_iter()
        .map(|(category, revenue)| CategoryRevenue { category: category.to_owned(), revenue })
        .collect();
    rows.sort_by_key(|row| std::cmp::Reverse(row.revenue));
    Ok(rows)
}

impl From<ProductSales> for TopProduct {
    fn from(sold: ProductSales) -> Self {
        Self {
            id: sold.product_id,
            name: sold.name,
            category: sold.category,
            quantity: sold.sold_milli,
            revenue: sold.revenue_paise,
        }
    }
}

impl From<ReportError> for Problem {
    fn from(error: ReportError) -> Self {
        let code = match error {
            ReportError::Backwards => "backwards",
            ReportError::TooLong(_) => "too_long",
        };
        Self::field("to", code, error.to_string())
    }
}
