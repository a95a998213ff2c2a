//! Figures: items bought, who spent most in a day, what shampoo (or anything else) sold for.
//!
//! Numbers are JSON numbers, and 0 where there is nothing; the days that are named count in full.

use aide::axum::routing::get_with;
use axum::extract::State;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::super::body::{self, AnyQuery, Anything};
use super::super::gate::Let;
use super::super::words::{Said, System as _};
use super::{Counter, TAG};
use crate::clock::BusinessDate;
use crate::money::{Money, Quantity};
use crate::reports::{CustomerDay, figures};
use crate::shop;
use crate::staff::Caller;
use crate::staff::access::{SeeCustomers, SeeDashboard};
use crate::web::docs::describe;
use crate::web::{self, Problem, Routes, Site};

/// What a purchase must be worth for its customer to be named.
const HIGH_VALUE: Money = Money::paise(100_000);
/// The item that the document asks about.
const SHAMPOO: &str = "Shampoo";
/// The days that the document asks about: today and the six before.
const WEEK: i64 = 7;
/// Before every purchase.
const FIRST_DAY: BusinessDate = BusinessDate::from_number(19_700_101);
/// The most days that can be asked about.
const MOST_DAYS: i64 = 3_660;

pub(super) fn routes() -> Routes {
    Routes::new()
        .api_route(
            "/total_items_purchased",
            get_with(items_asked, |op| describe(op, TAG, "How many items were bought from one day to another"))
                .post_with(items_sent, |op| describe(op, TAG, "The same, with the days in the body")),
        )
        .api_route(
            "/high_value_users",
            get_with(high_value, |op| describe(op, TAG, "Who bought for more than Rs 1000 in a day")),
        )
        .api_route(
            "/total_sales_shampoo_last_7_days",
            get_with(item_sales, |op| describe(op, TAG, "What shampoo (or `item`) sold for in 7 (or `days`) days")),
        )
        .api_route(
            "/total_shampoo_sales_last_week",
            get_with(item_sales, |op| describe(op, TAG, "The same under the other name that its clients use")),
        )
}

/// Two days, both included.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default)]
struct DaysBody {
    /// The first day, like 2024-04-20.
    #[serde(alias = "startdate", alias = "start", alias = "from", deserialize_with = "body::text")]
    start_date: Option<String>,
    /// The last day.
    #[serde(alias = "enddate", alias = "end", alias = "to", deserialize_with = "body::text")]
    end_date: Option<String>,
}

/// How many items were bought.
#[derive(Debug, Serialize, JsonSchema)]
struct ItemsBought {
    total_items: Quantity,
}

async fn items_asked(
    State(site): State<Site>,
    seen: Let<Counter, SeeDashboard>,
    AnyQuery(days): AnyQuery<DaysBody>,
) -> web::Result<Said<ItemsBought>> {
    items_bought(&site, &seen.caller, days).await
}

async fn items_sent(
    State(site): State<Site>,
    seen: Let<Counter, SeeDashboard>,
    sent: Anything<DaysBody>,
) -> web::Result<Said<ItemsBought>> {
    items_bought(&site, &seen.caller, sent.body).await
}

async fn items_bought(site: &Site, caller: &Caller, days: DaysBody) -> web::Result<Said<ItemsBought>> {
    let (Some(start), Some(end)) = (days.start_date, days.end_date) else {
        return Err(Counter::bad_request("Start date and end date are required"));
    };
    let range = figures::days(day("start_date", &start)?, day("end_date", &end)?)?;
    let store = caller.ask_store(None)?;
    let total_items = site.db.read(move |conn| Ok::<_, Problem>(figures::items_bought(conn, store, range)?)).await?;
    Ok(Said::ok(ItemsBought { total_items }))
}

/// Of what is asked about high values.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default)]
struct HighValueQuery {
    /// One day; every day when absent.
    #[serde(deserialize_with = "body::text")]
    date: Option<String>,
    /// More than this much in a day; 1000 when absent.
    threshold: Option<Money>,
}

/// A customer with the day on which they bought for most.
#[derive(Debug, Serialize, JsonSchema)]
struct HighValueUser {
    #[serde(rename = "User_id")]
    user_id: i64,
    #[serde(rename = "First_Name")]
    first_name: String,
    #[serde(rename = "Last_Name")]
    last_name: String,
    #[serde(rename = "Total_purchase_amount")]
    total: Money,
    #[serde(rename = "Date_of_purchase")]
    date: BusinessDate,
}

async fn high_value(
    State(site): State<Site>,
    seen: Let<Counter, SeeCustomers>,
    AnyQuery(query): AnyQuery<HighValueQuery>,
) -> web::Result<Said<Vec<HighValueUser>>> {
    let named = query.date.as_deref().map(|text| day("date", text)).transpose()?;
    let above = query.threshold.unwrap_or(HIGH_VALUE);
    let store = seen.caller.ask_store(None)?;
    let now = site.clock.now();
    let best = site
        .db
        .read(move |conn| {
            let today = shop::current(conn)?.business_date(now);
            let range = figures::days(named.unwrap_or(FIRST_DAY), named.unwrap_or(today))?;
            Ok::<_, Problem>(figures::high_spenders(conn, store, range, above)?)
        })
        .await?;
    Ok(Said::ok(best.into_iter().map(HighValueUser::from).collect()))
}

impl From<CustomerDay> for HighValueUser {
    fn from(day: CustomerDay) -> Self {
        Self {
            user_id: day.id.number(),
            first_name: day.first_name,
            last_name: day.last_name,
            total: day.spent_paise,
            date: day.sold_on,
        }
    }
}

/// Of what is asked about an item.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default)]
struct SalesQuery {
    /// The item; Shampoo when absent.
    #[serde(deserialize_with = "body::text")]
    item: Option<String>,
    /// How many days, today the last of them; 7 when absent.
    #[serde(deserialize_with = "body::text")]
    days: Option<String>,
}

/// What an item sold for.
#[derive(Debug, Serialize, JsonSchema)]
struct ItemSales {
    /// The key of the document's path, for the week of shampoo.
    #[serde(skip_serializing_if = "Option::is_none")]
    total_sales_shampoo_last_7_days: Option<Money>,
    /// The other name of the same.
    #[serde(skip_serializing_if = "Option::is_none")]
    total_shampoo_sales_last_week: Option<Money>,
    item: String,
    days: i64,
    quantity: Quantity,
    total: Money,
}

async fn item_sales(
    State(site): State<Site>,
    seen: Let<Counter, SeeDashboard>,
    AnyQuery(query): AnyQuery<SalesQuery>,
) -> web::Result<Said<ItemSales>> {
    let item = query.item.filter(|item| !item.trim().is_empty()).unwrap_or_else(|| SHAMPOO.to_owned());
    let days = match query.days.as_deref().map(str::trim) {
        None | Some("") => WEEK,
        Some(text) => text
            .parse()
            .ok()
            .filter(|days| (1..=MOST_DAYS).contains(days))
            .ok_or_else(|| Counter::bad_request(format!("'days' is a number from 1 to {MOST_DAYS}")))?,
    };
    let (store, now, asked) = (seen.caller.ask_store(None)?, site.clock.now(), item.clone());
    let sales = site
        .db
        .read(move |conn| {
            let today = shop::current(conn)?.business_date(now);
            let range = figures::days(today.plus_days(1 - days), today)?;
            Ok::<_, Problem>(figures::item_sales(conn, store, range, &asked)?)
        })
        .await?;
    let of_document = item.trim().eq_ignore_ascii_case(SHAMPOO) && days == WEEK;
    let total = sales.revenue_paise;
    Ok(Said::ok(ItemSales {
        total_sales_shampoo_last_7_days: of_document.then_some(total),
        total_shampoo_sales_last_week: of_document.then_some(total),
        item,
        days,
        quantity: sales.sold_milli,
        total,
    }))
}

fn day(name: &str, text: &str) -> web::Result<BusinessDate> {
    BusinessDate::parse(text.trim()).ok_or_else(|| Counter::bad_request(format!("'{name}' is a day like 2024-04-20")))
}
