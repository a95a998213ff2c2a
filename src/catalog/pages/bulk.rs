//! One change of many products: all of them, or none.

use axum::extract::State;
use axum::response::{IntoResponse as _, Redirect, Response};

use super::super::actions::{self, Change};
use super::super::api::Acting;
use super::super::model::{CatalogError, ProductChange, Status};
use super::super::rules;
use super::list::{self, Asked};
use crate::ids::ProductId;
use crate::money::TaxRate;
use crate::staff::Allowed;
use crate::staff::access::ManageCatalog;
use crate::staff::pages::check_form;
use crate::web::page::Reader;
use crate::web::porch::Address;
use crate::web::{self, Form, Problem, Site};

/// What happens to each of them.
#[derive(Clone)]
enum Act {
    /// The price moves by so many basis points.
    Reprice(i64),
    /// They stand in another category.
    Move(String),
    /// They are not sold any more, or are again.
    Set(Status),
}

pub(super) async fn change(
    State(site): State<Site>,
    seen: Allowed<ManageCatalog>,
    address: Address,
    reader: Reader,
    form: Form,
) -> web::Result<Response> {
    let caller = seen.caller;
    check_form(&caller, form.value("csrf"))?;
    let field = |name| form.value(name).to_owned();
    let asked = Asked {
        q: field("q"),
        category: field("in"),
        level: field("level"),
        status: field("status"),
        sort: field("sort"),
        cursor: field("cursor"),
        ..Asked::default()
    };
    let planned = chosen(&form).and_then(|ids| Ok((ids, act(&form)?)));
    let (ids, act) = match planned {
        Ok(planned) => planned,
        Err(problem) => return list::answer(&site, &reader, caller, asked, Some(problem)).await,
    };
    let acting = Acting::new(&site, &caller, address, None)?;
    let count = ids.len();
    let done = match act {
        Act::Set(Status::Archived) => "archived",
        Act::Set(Status::Active) => "restored",
        Act::Reprice(_) | Act::Move(_) => "changed",
    };
    let outcome = site
        .db
        .write(move |conn| {
            let on = acting.on(conn)?;
            for id in &ids {
                let before = actions::load(conn, acting.store, *id)?;
                let to = act.change_of(before.price_paise);
                let change = Change { product: *id, expected: None, to: &to };
                actions::change(conn, change, on).map_err(|error| match error {
                    CatalogError::Flaw(flaw) => {
                        let sentence = format!("{}: {}", before.name, flaw.sentence);
                        CatalogError::Flaw(super::super::model::Flaw { sentence, ..flaw })
                    }
                    error => error,
                })?;
            }
            Ok::<_, CatalogError>(())
        })
        .await;
    match outcome {
        Ok(()) => {
            let address = asked.address(&[("cursor", &asked.cursor)]);
            let sign = if address.contains('?') { '&' } else { '?' };
            Ok(Redirect::to(&format!("{address}{sign}done={done}&n={count}")).into_response())
        }
        Err(error) => {
            let problem = Problem::from(error);
            if problem.status.is_server_error() {
                return Err(problem);
            }
            list::answer(&site, &reader, caller, asked, Some(problem)).await
        }
    }
}

fn chosen(form: &Form) -> Result<Vec<ProductId>, Problem> {
    let ids: Result<Vec<ProductId>, _> = form.all("id").map(str::parse).collect();
    let mut ids = ids.map_err(|_| Problem::field("id", "invalid", "Invalid product ID"))?;
    ids.sort_unstable();
    ids.dedup();
    if ids.is_empty() {
        return Err(Problem::field("id", "missing", "Choose at least one product first."));
    }
    Ok(ids)
}

/// The field that says what is to be done.
const ACT: &str = "act";

fn act(form: &Form) -> Result<Act, Problem> {
    match form.value(ACT) {
        "price" => {
            let text = form.value("percent").trim_start_matches('+').trim_end_matches('%').trim();
            let wrong = || Problem::field("percent", "invalid", "Say by how many per cent, such as 5 or -2.5.");
            let (sign, digits) = text.strip_prefix('-').map_or((1, text), |digits| (-1, digits));
            let percent = TaxRate::parse(digits).map_err(|_| wrong())?.as_basis_points() * sign;
            if percent == 0 || !(-9_000..=100_000).contains(&percent) {
                return Err(wrong());
            }
            Ok(Act::Reprice(percent))
        }
        "category" if !form.value("category").is_empty() => Ok(Act::Move(form.value("category").to_owned())),
        "category" => Err(Problem::field("category", "missing", "Name the category.")),
        "archive" => Ok(Act::Set(Status::Archived)),
        "restore" => Ok(Act::Set(Status::Active)),
        _ => Err(Problem::field(ACT, "missing", "Choose what is to be done.")),
    }
}

impl Act {
    fn change_of(&self, price: crate::money::Money) -> ProductChange {
        match self {
            Self::Reprice(change_bp) => {
                ProductChange { price: Some(rules::repriced(price, *change_bp)), ..ProductChange::default() }
            }
            Self::Move(category) => ProductChange { category: Some(category.clone()), ..ProductChange::default() },
            Self::Set(status) => ProductChange { status: Some(*status), ..ProductChange::default() },
        }
    }
}
