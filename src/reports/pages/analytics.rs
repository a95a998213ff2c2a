//! Sales over some days beside the days before: sums, trend, categories, items, payments, low stock. Every
//! figure comes from the sums that the API and the CSV take theirs from.

use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use serde::Deserialize;

use crate::clock::BusinessDate;
use crate::db::Conn;
use crate::ids::StoreId;
use crate::money::Money;
use crate::reports::api::by_category;
use crate::reports::model::{ProductSales, StoreSums};
use crate::reports::queries;
use crate::reports::rules::{self, Range};
use crate::shop;
use crate::staff::Allowed;
use crate::staff::access::SeeDashboard;
use crate::staff::pages::page;
use crate::web::answer::encode;
use crate::web::page::{Page, Reader, draw};
use crate::web::{self, Problem, Query, Site};

/// How many items are named among the best.
const TOP: usize = 10;
/// How many products that run low are named.
const LOW: i64 = 10;

pub(super) fn routes() -> Router<Site> {
    Router::new().route("/analytics", get(show)).route("/analytics.csv", get(csv))
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Asked {
    /// `today`, `yesterday`, `7d`, `30d`, `month` or `last-month`; `from` and `to` count before it.
    range: String,
    from: String,
    to: String,
    /// For the CSV: `trend`, `categories`, `items` or `payments`.
    table: String,
}

#[derive(Template)]
#[template(path = "reports/analytics.html")]
struct AnalyticsPage {
    page: Page,
    ranges: Vec<Choice>,
    from: String,
    to: String,
    said: String,
    compared: String,
    /// The last day is not over yet.
    partial: bool,
    kpis: Vec<Kpi>,
    empty: bool,
    trend: Vec<Point>,
    line: String,
    before_line: String,
    categories: Vec<Slice>,
    items: Vec<Slice>,
    payments: Vec<Slice>,
    low: Vec<LowRow>,
    csv: String,
}

struct Choice {
    word: &'static str,
    name: String,
    chosen: bool,
}

struct Kpi {
    name: String,
    value: String,
    before: String,
    change: String,
    /// `up`, `down` or `same`.
    trend: &'static str,
    href: String,
}

struct Point {
    date: String,
    iso: String,
    amount: String,
    before: String,
    /// Where the point stands, in per cent from the left and from the top.
    x: u32,
    y: u32,
    labelled: bool,
}

struct Slice {
    name: String,
    href: String,
    amount: String,
    share: u32,
    width: u32,
    note: String,
}

struct LowRow {
    name: String,
    on_hand: String,
    level: String,
    out: bool,
}

/// What the page and the CSV show.
struct Figures {
    range: Range,
    now: StoreSums,
    before: StoreSums,
    days: Vec<Money>,
    days_before: Vec<Money>,
    sold: Vec<ProductSales>,
    payments: Vec<(String, Money)>,
}

impl Figures {
    fn read(conn: &mut Conn<'_>, store: Option<StoreId>, range: Range) -> Result<Self, Problem> {
        let before = range.before();
        let now = queries::store_sums(conn, store, range)?;
        let mut payments = queries::payment_mix(conn, store, range)?;
        let paid = payments.iter().try_fold(Money::ZERO, |sum, (_, amount)| sum.checked_add(*amount));
        let unpaid = paid.and_then(|paid| now.revenue_paise.checked_sub(paid));
        if let Some(unpaid) = unpaid.filter(|unpaid| !unpaid.is_zero()) {
            payments.push(("unpaid".to_owned(), unpaid));
        }
        Ok(Self {
            range,
            before: queries::store_sums(conn, store, before)?,
            days: range.fill(&queries::days(conn, store, range)?),
            days_before: before.fill(&queries::days(conn, store, before)?),
            sold: queries::product_sales(conn, store, range)?,
            payments,
            now,
        })
    }
}

impl Asked {
    fn range(&self, today: BusinessDate) -> Result<Range, Problem> {
        let typed = |text: &str| BusinessDate::parse(text);
        if let (Some(from), Some(to)) = (typed(&self.from), typed(&self.to)) {
            return Ok(Range::choose(Some(from), Some(to), today)?);
        }
        let first_of = |day: BusinessDate| BusinessDate::from_number(day.as_number() / 100 * 100 + 1);
        let (from, to) = match self.range.as_str() {
            "today" => (today, today),
            "yesterday" => (today.plus_days(-1), today.plus_days(-1)),
            "30d" => (today.plus_days(-29), today),
            "month" => (first_of(today), today),
            "last-month" => {
                let end = first_of(today).plus_days(-1);
                (first_of(end), end)
            }
            _ => (today.plus_days(-6), today),
        };
        Ok(Range { from, to })
    }
}

async fn show(
    State(site): State<Site>,
    seen: Allowed<SeeDashboard>,
    reader: Reader,
    Query(asked): Query<Asked>,
) -> web::Result<Response> {
    let (for_page, now, caller) = (site.clone(), site.clock.now(), seen.caller);
    let drawn = site
        .db
        .read(move |conn| {
            let shop = shop::current(conn)?;
            let today = shop.business_date(now);
            let range = asked.range(today)?;
            let figures = Figures::read(conn, caller.store, range)?;
            let low = queries::list_low(conn, caller.store, LOW)?;
            let page = page(&for_page, &reader, &shop, Some(&caller));
            let low = low
                .into_iter()
                .map(|one| LowRow {
                    on_hand: page.quantity(one.on_hand_milli, &one.unit),
                    level: page.quantity(one.level_milli, &one.unit),
                    out: one.on_hand_milli <= crate::money::Quantity::ZERO,
                    name: super::called(&page, one.name, one.name_local),
                })
                .collect();
            AnalyticsPage::new(page, &asked, &figures, low, today)
        })
        .await?;
    Ok(draw(StatusCode::OK, &drawn))
}

impl AnalyticsPage {
    fn new(
        page: Page,
        asked: &Asked,
        figures: &Figures,
        low: Vec<LowRow>,
        today: BusinessDate,
    ) -> Result<Self, Problem> {
        let range = figures.range;
        let custom = !asked.from.is_empty() && !asked.to.is_empty();
        let ranges = [
            ("today", page.t("range.today")),
            ("yesterday", page.t("range.yesterday")),
            ("7d", page.t("range.week")),
            ("30d", page.t("range.month")),
            ("month", page.t("range.this_month")),
            ("last-month", page.t("range.last_month")),
        ];
        let usual = if asked.range.is_empty() { "7d" } else { asked.range.as_str() };
        let ranges =
            ranges.map(|(word, name)| Choice { word, name: name.to_owned(), chosen: !custom && usual == word });
        let days = |range: Range| {
            if range.from == range.to {
                page.day(range.from)
            } else {
                format!("{} – {}", page.day(range.from), page.day(range.to))
            }
        };
        let compared = days(range.before());
        let both: Vec<Money> = figures.days.iter().chain(&figures.days_before).copied().collect();
        let heights = rules::heights(&both);
        let (mine, theirs) = heights.split_at(figures.days.len());
        let count = figures.days.len();
        let x = |index: usize| u32::try_from((index * 2 + 1) * 100 / (count * 2).max(1)).unwrap_or(100);
        let y = |height: u32| 92 - height.min(100) * 80 / 100;
        let line = |heights: &[u32]| {
            let points = heights.iter().enumerate().map(|(index, height)| format!("{},{}", x(index), y(*height)));
            points.collect::<Vec<_>>().join(" ")
        };
        let every = count.div_ceil(7).max(1);
        let trend = range.days().enumerate().zip(&figures.days).zip(&figures.days_before).zip(mine);
        let trend = trend
            .map(|((((index, day), amount), before), height)| Point {
                date: page.day(day),
                iso: day.to_string(),
                amount: page.money(*amount),
                before: page.money(*before),
                x: x(index),
                y: y(*height),
                labelled: index % every == 0,
            })
            .collect();
        let categories = by_category(&figures.sold)?.into_iter().map(|row| {
            (row.category.clone(), format!("/inventory?category={}", encode(&row.category)), row.revenue, String::new())
        });
        let items = figures.sold.iter().take(TOP).map(|one| {
            let href =
                if one.product_id.number() == 0 { String::new() } else { format!("/inventory/{}", one.product_id) };
            (one.name.clone(), href, one.revenue_paise, one.sold_milli.to_string())
        });
        let payments = figures.payments.iter().map(|(word, amount)| {
            (payment_name(&page, word).to_owned(), "/orders?column=done".to_owned(), *amount, String::new())
        });
        let total = figures.now.revenue_paise;
        Ok(Self {
            ranges: ranges.into(),
            from: range.from.to_string(),
            to: range.to.to_string(),
            said: days(range),
            partial: range.to >= today,
            kpis: kpis(&page, figures, &range),
            empty: figures.now.order_count == 0,
            line: line(mine),
            before_line: line(theirs),
            trend,
            categories: slices(&page, categories.collect(), total),
            items: slices(&page, items.collect(), total),
            payments: slices(&page, payments.collect(), total),
            low,
            csv: format!("/analytics.csv?from={}&to={}", range.from, range.to),
            compared,
            page,
        })
    }
}

fn payment_name<'p>(page: &'p Page, word: &str) -> &'p str {
    match word {
        "cash" => page.t("method.cash"),
        "card" => page.t("method.card"),
        "upi" => page.t("method.upi"),
        "credit" => page.t("method.credit"),
        "store_credit" => page.t("method.store_credit"),
        _ => page.t("analytics.unpaid"),
    }
}

fn kpis(page: &Page, figures: &Figures, range: &Range) -> Vec<Kpi> {
    let (now, before) = (&figures.now, &figures.before);
    let average = |sums: &StoreSums| divided(sums.revenue_paise.as_paise(), sums.order_count);
    let margin = |sums: &StoreSums| (sums.revenue_paise - sums.tax_paise - sums.cost_paise).as_paise();
    let money = |paise: i64| page.money(Money::paise(paise));
    let whole = |number: i64| page.count(number);
    let tenths = |number: i64| format!("{}.{}", number / 10, number % 10);
    let lines = |sums: &StoreSums| divided(sums.line_count * 10, sums.order_count);
    let days = format!("/analytics?from={}&to={}", range.from, range.to);
    let kpi = |name: &str, values: (i64, i64), say: &dyn Fn(i64) -> String, href: &str| {
        let (change, trend) = changed(values.0, values.1);
        let href = href.to_owned();
        Kpi { name: name.to_owned(), value: say(values.0), before: say(values.1), change, trend, href }
    };
    let sales = (now.revenue_paise.as_paise(), before.revenue_paise.as_paise());
    let discounts = (now.discount_paise.as_paise(), before.discount_paise.as_paise());
    vec![
        kpi(page.t("kpi.sales"), sales, &money, &format!("{days}#trend")),
        kpi(page.t("kpi.bills"), (now.order_count, before.order_count), &whole, "/orders?column=done"),
        kpi(page.t("kpi.average"), (average(now), average(before)), &money, "/orders?column=done"),
        kpi(page.t("kpi.lines"), (lines(now), lines(before)), &tenths, &format!("{days}#items")),
        kpi(page.t("kpi.margin"), (margin(now), margin(before)), &money, &format!("{days}#items")),
        kpi(page.t("kpi.discounts"), discounts, &money, "/orders?column=done"),
        kpi(page.t("kpi.cancelled"), (now.cancelled_count, before.cancelled_count), &whole, "/orders?column=cancelled"),
    ]
}

/// A quotient rounded half up; nothing where there is nothing to divide by.
fn divided(dividend: i64, divisor: i64) -> i64 {
    if divisor == 0 {
        return 0;
    }
    i64::try_from(crate::money::divide_half_up(i128::from(dividend), i128::from(divisor))).unwrap_or(i64::MAX)
}

/// By how many per cent a figure has changed, and in which direction.
fn changed(now: i64, before: i64) -> (String, &'static str) {
    let trend = match now.cmp(&before) {
        std::cmp::Ordering::Greater => "up",
        std::cmp::Ordering::Less => "down",
        std::cmp::Ordering::Equal => "same",
    };
    if before <= 0 {
        return (String::new(), trend);
    }
    let change = (i128::from(now) - i128::from(before)) * 100 / i128::from(before);
    (format!("{}%", change.abs()), trend)
}

fn slices(page: &Page, rows: Vec<(String, String, Money, String)>, total: Money) -> Vec<Slice> {
    let widths = rules::heights(&rows.iter().map(|(_, _, amount, _)| *amount).collect::<Vec<_>>());
    rows.into_iter()
        .zip(widths)
        .map(|((name, href, amount, note), width)| {
            let share = i128::from(amount.as_paise().max(0)) * 100 / i128::from(total.as_paise().max(1));
            Slice { name, href, amount: page.money(amount), share: u32::try_from(share).unwrap_or(100), width, note }
        })
        .collect()
}

/// The table of a chart as it is shown, all its rows.
async fn csv(
    State(site): State<Site>,
    seen: Allowed<SeeDashboard>,
    Query(asked): Query<Asked>,
) -> web::Result<Response> {
    let (now, store) = (site.clock.now(), seen.store);
    let rows =
        site.db
            .read(move |conn| {
                let today = shop::current(conn)?.business_date(now);
                let figures = Figures::read(conn, store, asked.range(today)?)?;
                let mut rows = Vec::new();
                match asked.table.as_str() {
                    "categories" => {
                        rows.push(vec!["category".to_owned(), "sales".to_owned()]);
                        let sums = by_category(&figures.sold)?;
                        rows.extend(sums.into_iter().map(|row| vec![row.category, row.revenue.to_string()]));
                    }
                    "items" => {
                        rows.push(["product", "category", "quantity", "sales"].map(str::to_owned).into());
                        rows.extend(figures.sold.into_iter().map(|one| {
                            vec![one.name, one.category, one.sold_milli.to_string(), one.revenue_paise.to_string()]
                        }));
                    }
                    "payments" => {
                        rows.push(vec!["method".to_owned(), "amount".to_owned()]);
                        rows.extend(figures.payments.into_iter().map(|(word, amount)| vec![word, amount.to_string()]));
                    }
                    _ => {
                        rows.push(["day", "sales", "before"].map(str::to_owned).into());
                        let days = figures.range.days().zip(figures.days).zip(figures.days_before);
                        rows.extend(days.map(|((day, amount), before)| {
                            vec![day.to_string(), amount.to_string(), before.to_string()]
                        }));
                    }
                }
                Ok::<_, Problem>(rows)
            })
            .await?;
    let mut writer = ::csv::Writer::from_writer(Vec::new());
    for row in rows {
        // A spreadsheet takes what begins so for a formula.
        let cells =
            row.into_iter().map(|cell| if cell.starts_with(['=', '+', '@']) { format!("'{cell}") } else { cell });
        writer.write_record(cells).map_err(|error| Problem::internal(&error))?;
    }
    let body = writer.into_inner().map_err(|error| Problem::internal(&error))?;
    let headers = [
        (header::CONTENT_TYPE, "text/csv; charset=utf-8"),
        (header::CONTENT_DISPOSITION, "attachment; filename=\"analytics.csv\""),
        (header::CACHE_CONTROL, "no-store"),
    ];
    Ok((headers, body).into_response())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_is_said_in_per_cent_where_there_is_something_to_compare() {
        assert_eq!(changed(112, 100), ("12%".to_owned(), "up"));
        assert_eq!(changed(50, 100), ("50%".to_owned(), "down"));
        assert_eq!(changed(5, 0), (String::new(), "up"));
        assert_eq!(changed(0, 0), (String::new(), "same"));
        assert_eq!((divided(10, 4), divided(10, 0)), (3, 0));
    }
}
