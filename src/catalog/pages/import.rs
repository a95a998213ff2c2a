//! Files of products: shown as they would come in, then brought in, then perhaps taken back.
//!
//! Nothing is kept between the steps: the file travels along in the form, so that what is applied is what was seen.

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Redirect, Response};
use serde::Deserialize;

use super::super::api::Acting;
use super::super::import::{self, Field, Import, ImportError, Mode, Options, Report};
use crate::db::Conn;
use crate::ids::ImportId;
use crate::shop;
use crate::staff::access::ManageCatalog;
use crate::staff::pages::{check_form, page};
use crate::staff::{Allowed, Caller};
use crate::web::page::{Page, Reader, draw};
use crate::web::porch::Address;
use crate::web::{self, Form, Path, Problem, Query, Site};

/// How many refused rows a page names.
const SHOWN_ERRORS: usize = 200;
/// How many earlier imports a page names.
const SHOWN_IMPORTS: i64 = 10;

#[derive(Template)]
#[template(path = "catalog/import.html")]
#[expect(clippy::struct_excessive_bools, reason = "what a template shows or not")]
struct ImportPage {
    page: Page,
    notice: Option<String>,
    problem: Option<String>,
    /// The file, while it is looked at.
    csv: String,
    file_name: String,
    skip: bool,
    round: bool,
    columns: Vec<ColumnRow>,
    counts: Vec<Count>,
    previewed: bool,
    /// There is something to bring in.
    ready: bool,
    errors: Vec<ErrorRow>,
    more_errors: bool,
    imports: Vec<ImportRow>,
}

struct ColumnRow {
    header: String,
    choices: Vec<(&'static str, bool)>,
}

struct Count {
    name: String,
    number: String,
    bad: bool,
}

struct ErrorRow {
    line: u64,
    column: String,
    message: String,
}

struct ImportRow {
    id: String,
    file: String,
    at: String,
    counts: String,
    undone: bool,
    can_undo: bool,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Asked {
    done: String,
    n: String,
}

pub(super) async fn show(
    State(site): State<Site>,
    seen: Allowed<ManageCatalog>,
    reader: Reader,
    Query(asked): Query<Asked>,
) -> web::Result<Response> {
    answer(&site, &reader, seen.caller, asked, Sent::default(), None).await
}

/// What the form holds.
#[derive(Default)]
struct Sent {
    csv: String,
    options: Options,
    mapped: Vec<(String, String)>,
}

/// What became of it.
enum Outcome {
    Report(Box<Report>),
    Refused(Problem),
}

async fn answer(
    site: &Site,
    reader: &Reader,
    caller: Caller,
    asked: Asked,
    sent: Sent,
    outcome: Option<Outcome>,
) -> web::Result<Response> {
    let (for_page, reader) = (site.clone(), reader.clone());
    let status = match &outcome {
        Some(Outcome::Refused(problem)) => problem.status,
        _ => StatusCode::OK,
    };
    let drawn = site
        .db
        .read(move |conn| {
            let shop = shop::current(conn)?;
            let page = page(&for_page, &reader, &shop, Some(&caller));
            let zone = shop.zone();
            let imports = import::list(conn, None, SHOWN_IMPORTS)?;
            let imports = imports.iter().map(|one| ImportRow::new(&page, one, &zone)).collect();
            let notice = match asked.done.as_str() {
                "applied" => Some(page.t1("import.done_applied", &asked.n)),
                "undone" => Some(page.t("import.done_undone").to_owned()),
                _ => None,
            };
            Ok::<_, Problem>(ImportPage::new(page, sent, outcome, imports, notice))
        })
        .await?;
    Ok(draw(status, &drawn))
}

pub(super) async fn receive(
    State(site): State<Site>,
    seen: Allowed<ManageCatalog>,
    address: Address,
    reader: Reader,
    form: Form,
) -> web::Result<Response> {
    let caller = seen.caller;
    check_form(&caller, form.value("csrf"))?;
    let apply = form.value("step") == "apply";
    let sent = match Sent::read(&form) {
        Ok(sent) => sent,
        Err(problem) => {
            let refused = Some(Outcome::Refused(problem));
            return answer(&site, &reader, caller, Asked::default(), Sent::default(), refused).await;
        }
    };
    let acting = Acting::new(&site, &caller, address, None)?;
    let (csv, options) = (sent.csv.clone(), Options { dry_run: !apply, ..sent.options.clone() });
    let ran = site
        .db
        .write(move |conn| {
            let on = acting.on(conn)?;
            import::run(conn, csv.as_bytes(), &options, on, |_| {})
        })
        .await;
    let outcome = match ran {
        Ok(report) if report.import_id.is_some() => {
            let address = format!("/inventory/import?done=applied&n={}", report.created + report.updated);
            return Ok(Redirect::to(&address).into_response());
        }
        Ok(report) => Outcome::Report(Box::new(report)),
        Err(ImportError::Rehearsed(report) | ImportError::Refused(report)) => Outcome::Report(report),
        Err(error) => {
            let problem = Problem::from(error);
            if problem.status.is_server_error() {
                return Err(problem);
            }
            Outcome::Refused(problem)
        }
    };
    answer(&site, &reader, caller, Asked::default(), sent, Some(outcome)).await
}

impl Sent {
    fn read(form: &Form) -> Result<Self, Problem> {
        let (csv, file_name) = match form.file("file") {
            Some(file) => {
                let text = std::str::from_utf8(&file.bytes).map_err(|error| {
                    let line = file.bytes[..error.valid_up_to()].iter().filter(|byte| **byte == b'\n').count() + 1;
                    Problem::from(ImportError::Encoding { line: u64::try_from(line).unwrap_or(1) })
                })?;
                (text.to_owned(), file.name.chars().filter(|one| !one.is_control()).take(200).collect())
            }
            None => (form.raw("csv").to_owned(), form.value("file_name").chars().take(200).collect()),
        };
        if csv.trim().is_empty() {
            return Err(ImportError::Empty.into());
        }
        let mapped: Vec<(String, String)> =
            form.all("column").zip(form.all("field")).map(|(one, other)| (one.to_owned(), other.to_owned())).collect();
        let mapping: Vec<(String, Field)> =
            mapped.iter().filter_map(|(header, word)| Some((header.clone(), Field::from_word(word)?))).collect();
        let mode = if form.ticked("skip") || !form.ticked("again") { Mode::SkipBadRows } else { Mode::AllOrNothing };
        let options = Options { file_name, mapping, mode, dry_run: true, round: form.ticked("round") };
        Ok(Self { csv, options, mapped })
    }
}

impl ImportPage {
    fn new(page: Page, sent: Sent, outcome: Option<Outcome>, imports: Vec<ImportRow>, notice: Option<String>) -> Self {
        let mut drawn = Self {
            notice,
            problem: None,
            csv: sent.csv,
            file_name: sent.options.file_name,
            skip: sent.options.mode == Mode::SkipBadRows,
            round: sent.options.round,
            columns: Vec::new(),
            counts: Vec::new(),
            previewed: false,
            ready: false,
            errors: Vec::new(),
            more_errors: false,
            imports,
            page,
        };
        match outcome {
            None => {}
            Some(Outcome::Refused(problem)) => {
                drawn.problem = Some(drawn.page.reason(&problem));
                // A file whose columns cannot be told is asked about again.
                let headers = first_line(&drawn.csv);
                let known = |header: &str| sent.mapped.iter().find(|(mapped, _)| mapped == header);
                let row = |header: String| {
                    let word = known(&header).map_or("", |(_, word)| word.as_str()).to_owned();
                    ColumnRow::new(header, &word)
                };
                drawn.columns = headers.into_iter().map(row).collect();
            }
            Some(Outcome::Report(report)) => drawn.show(*report),
        }
        drawn
    }

    fn show(&mut self, report: Report) {
        let page = &self.page;
        let count = |name: &str, number: u64, bad: bool| Count {
            name: name.to_owned(),
            number: page.count(i64::try_from(number).unwrap_or(i64::MAX)),
            bad: bad && number > 0,
        };
        self.counts = vec![
            count(page.t("import.rows"), report.rows, false),
            count(page.t("import.created"), report.created, false),
            count(page.t("import.updated"), report.updated, false),
            count(page.t("import.unchanged"), report.unchanged, false),
            count(page.t("import.refused"), report.refused, true),
            count(page.t("import.above_mrp"), report.above_mrp, true),
        ];
        self.previewed = true;
        self.ready = report.created + report.updated > 0 && (self.skip || report.refused == 0);
        self.more_errors = report.errors.len() > SHOWN_ERRORS;
        let read = report.columns.iter().map(|column| (column.column.clone(), column.field.word()));
        let ignored = report.ignored_columns.iter().map(|header| (header.clone(), ""));
        self.columns = read.chain(ignored).map(|(header, word)| ColumnRow::new(header, word)).collect();
        let errors = report.errors.into_iter().take(SHOWN_ERRORS);
        self.errors = errors
            .map(|error| ErrorRow {
                line: error.line,
                column: error.column.or(error.field).unwrap_or_default(),
                message: error.message,
            })
            .collect();
    }
}

/// The headers of a file, as far as its first line tells.
fn first_line(csv: &str) -> Vec<String> {
    let line = csv.trim_start_matches('\u{feff}').lines().next().unwrap_or_default();
    line.split([',', ';', '\t']).map(|header| header.trim().trim_matches('"').to_owned()).take(60).collect()
}

impl ColumnRow {
    fn new(header: String, word: &str) -> Self {
        let choices = Field::ALL.iter().map(|field| (field.word(), field.word() == word)).collect();
        Self { header, choices }
    }
}

impl ImportRow {
    fn new(page: &Page, one: &Import, zone: &jiff::tz::TimeZone) -> Self {
        let numbers = [one.rows_created, one.rows_updated, one.rows_refused].map(|number| page.count(number));
        Self {
            id: one.id.to_string(),
            file: if one.file_name.is_empty() { one.kind.clone() } else { one.file_name.clone() },
            at: page.moment(one.at, zone),
            counts: format!(
                "{} {} · {} {} · {} {}",
                numbers[0],
                page.t("import.created"),
                numbers[1],
                page.t("import.updated"),
                numbers[2],
                page.t("import.refused")
            ),
            undone: one.undone_at.is_some(),
            can_undo: one.undone_at.is_none() && one.kind == import::PRODUCTS,
        }
    }
}

pub(super) async fn undo(
    State(site): State<Site>,
    seen: Allowed<ManageCatalog>,
    address: Address,
    reader: Reader,
    Path(id): Path<ImportId>,
    form: Form,
) -> web::Result<Response> {
    let caller = seen.caller;
    check_form(&caller, form.value("csrf"))?;
    let acting = Acting::new(&site, &caller, address, None)?;
    let undo = move |conn: &mut Conn<'_>| {
        let on = acting.on(conn)?;
        import::undo(conn, id, on)
    };
    match site.db.write(undo).await.map_err(Problem::from) {
        Ok(_) => Ok(Redirect::to("/inventory/import?done=undone").into_response()),
        Err(problem) if problem.status == StatusCode::CONFLICT => {
            let refused = Some(Outcome::Refused(problem));
            answer(&site, &reader, caller, Asked::default(), Sent::default(), refused).await
        }
        Err(problem) => Err(problem),
    }
}
