//! Routes for customers: the list for the staff, the profile for themselves.

use aide::axum::routing::get_with;
use axum::extract::State;
use axum::http::StatusCode;
use schemars::JsonSchema;
use serde::Deserialize;

use super::actions;
use super::model::{Customer, CustomerError};
use crate::audit::By;
use crate::clock::BusinessDate;
use crate::ids::UserId;
use crate::staff::access::{OwnProfile, SeeCustomers};
use crate::staff::{Allowed, Edit, rules};
use crate::web::answer::{next_page, page_size};
use crate::web::docs::describe;
use crate::web::extract::present;
use crate::web::porch::Address;
use crate::web::{self, Fields, IfMatch, Json, Listed, Problem, Query, Routes, Site, Tagged};

/// The routes of customers.
pub fn routes() -> Routes {
    const TAG: &str = "Customers";
    Routes::new()
        .api_route("/api/shopkeeper/customers", get_with(list, |op| describe(op, TAG, "All customers, newest first")))
        .api_route(
            "/api/customer/profile",
            get_with(profile, |op| describe(op, TAG, "One's own profile, with what one ordered and spent"))
                .put_with(edit, |op| describe(op, TAG, "Changes what is sent of one's own profile"))
                .delete_with(close, |op| {
                    describe(op, TAG, "Closes one's own account: name and addresses are forgotten, the bills stay")
                }),
        )
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct ListQuery {
    /// A part of the name, e-mail address or telephone number.
    q: Option<String>,
    /// Where the page before ended.
    cursor: Option<UserId>,
    limit: Option<i64>,
}

async fn list(
    State(site): State<Site>,
    _: Allowed<SeeCustomers>,
    Query(query): Query<ListQuery>,
) -> web::Result<Listed<Customer>> {
    let limit = page_size(query.limit)?;
    let before = query.cursor.unwrap_or(UserId::new(i64::MAX));
    let text = query.q.clone().unwrap_or_default();
    let (rows, total) = site.db.read(move |conn| actions::list(conn, &text, before, limit)).await?;
    let full = i64::try_from(rows.len()).unwrap_or(i64::MAX) == limit;
    let next = rows
        .last()
        .filter(|_| full)
        .map(|last| next_page("/api/shopkeeper/customers", &[("q", query.q.as_deref())], &last.id.to_string(), limit));
    Ok(Listed { rows, total, next })
}

async fn profile(State(site): State<Site>, seen: Allowed<OwnProfile>) -> web::Result<Tagged<Customer>> {
    let id = seen.user().ok_or(CustomerError::NoProfile)?;
    Ok(site.db.read(move |conn| actions::load(conn, id)).await?.into())
}

impl From<Customer> for Tagged<Customer> {
    fn from(customer: Customer) -> Self {
        Self { version: customer.version, body: customer }
    }
}

/// What is to be changed of one's profile; what is absent stays.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
#[expect(clippy::option_option, reason = "absent and null mean different things")]
struct ProfileBody {
    first_name: Option<String>,
    last_name: Option<String>,
    phone: Option<String>,
    address: Option<String>,
    city: Option<String>,
    pincode: Option<String>,
    /// Null for none.
    #[serde(deserialize_with = "present")]
    date_of_birth: Option<Option<BusinessDate>>,
    /// `en` or `hi`.
    language: Option<String>,
}

impl ProfileBody {
    fn check(self) -> Result<Edit, Problem> {
        let mut fields = Fields::default();
        for (field, text, most) in [
            ("firstName", &self.first_name, 100),
            ("lastName", &self.last_name, 100),
            ("phone", &self.phone, 30),
            ("address", &self.address, 500),
            ("city", &self.city, 100),
            ("pincode", &self.pincode, 20),
        ] {
            let fits = text.as_ref().is_none_or(|text| text.chars().count() <= most);
            fields.check(fits, field, "too_long", "This text is too long.");
        }
        let named = self.first_name.as_deref().is_none_or(|name| !name.trim().is_empty());
        fields.check(named, "firstName", "missing", "Missing field: firstName");
        let known = self.language.as_deref().is_none_or(rules::is_language);
        fields.check(known, "language", "invalid", "The language is en or hi.");
        fields.into_result()?;
        Ok(Edit {
            phone: self.phone,
            first_name: self.first_name,
            last_name: self.last_name,
            date_of_birth_on: self.date_of_birth,
            address: self.address,
            city: self.city,
            pincode: self.pincode,
            language: self.language,
            ..Edit::default()
        })
    }
}

async fn edit(
    State(site): State<Site>,
    seen: Allowed<OwnProfile>,
    address: Address,
    IfMatch(version): IfMatch,
    Json(body): Json<ProfileBody>,
) -> web::Result<Tagged<Customer>> {
    let edit = body.check()?;
    let (caller, now) = (seen.caller, site.clock.now());
    let customer = site
        .db
        .write(move |conn| {
            let by = By { actor: &caller.actor(), from: &address.text(), now };
            actions::edit(conn, &caller, version, &edit, by)
        })
        .await?;
    Ok(customer.into())
}

async fn close(State(site): State<Site>, seen: Allowed<OwnProfile>, address: Address) -> web::Result<StatusCode> {
    let id = seen.user().ok_or(CustomerError::NoProfile)?;
    let (actor, now) = (seen.actor(), site.clock.now());
    site.db.write(move |conn| actions::close(conn, id, By { actor: &actor, from: &address.text(), now })).await?;
    Ok(StatusCode::NO_CONTENT)
}

impl From<CustomerError> for Problem {
    fn from(error: CustomerError) -> Self {
        let sentence = error.to_string();
        match error {
            CustomerError::NoProfile => Self::not_found(sentence),
            CustomerError::Owes(_) => Self::conflict("credit_open", sentence),
            CustomerError::Account(error) => error.into(),
            CustomerError::Db(error) => error.into(),
        }
    }
}
