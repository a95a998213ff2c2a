//! Routes for settings, stores and the payment QR.

use std::collections::BTreeMap;

use aide::axum::routing::{get_with, put_with};
use axum::extract::State;
use axum::http::StatusCode;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::actions;
use super::model::{Shop, ShopError, Store};
use super::{gstin, queries, rules, upi};
use crate::audit::By;
use crate::clock::Timestamp;
use crate::db::Conn;
use crate::ids::StoreId;
use crate::staff::Allowed;
use crate::staff::access::{ManageShop, SeeShop, SignedIn};
use crate::web::answer::Answer;
use crate::web::docs::describe;
use crate::web::porch::Address;
use crate::web::{self, Fields, IfMatch, Json, Path, Problem, Routes, Sent, Site, Tagged, idempotency};

/// The routes of the shop.
pub fn routes() -> Routes {
    const TAG: &str = "Shop";
    Routes::new()
        .api_route(
            "/api/settings",
            get_with(settings, |op| describe(op, TAG, "The shop's settings"))
                .put_with(change_settings, |op| describe(op, TAG, "Changes the settings that are sent")),
        )
        .api_route(
            "/api/stores",
            get_with(stores, |op| describe(op, TAG, "The branches"))
                .post_with(open_store, |op| describe(op, TAG, "Opens a branch")),
        )
        .api_route(
            "/api/stores/{id}",
            get_with(store, |op| describe(op, TAG, "One branch"))
                .put_with(change_store, |op| describe(op, TAG, "Changes what is sent of a branch, or closes it")),
        )
        .api_route("/api/shop/qr", get_with(payment_qr, |op| describe(op, TAG, "The QR code that customers pay by")))
        .api_route(
            "/api/shopkeeper/update-qr",
            put_with(update_qr, |op| {
                describe(
                    op,
                    TAG,
                    "Changes the UPI address or the uploaded QR; a new address alone drops the old picture",
                )
            }),
        )
}

/// The shop's settings.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct SettingsBody {
    name: String,
    legal_name: String,
    gstin: String,
    address: String,
    city: String,
    pincode: String,
    state_code: String,
    phone: String,
    email: String,
    currency: String,
    time_zone: String,
    invoice_prefix: String,
    upi_id: String,
    round_to_rupee: bool,
    /// Rules for weighed-item labels; empty means the usual ones.
    label_rules: Vec<Value>,
    /// A picture of a payment QR was uploaded.
    has_qr_image: bool,
    /// A shop of sample data.
    demo: bool,
}

impl From<Shop> for Tagged<SettingsBody> {
    fn from(shop: Shop) -> Self {
        let body = SettingsBody {
            has_qr_image: !shop.qr_image.is_empty(),
            label_rules: serde_json::from_str(&shop.label_rules).unwrap_or_default(),
            name: shop.name,
            legal_name: shop.legal_name,
            gstin: shop.gstin,
            address: shop.address,
            city: shop.city,
            pincode: shop.pincode,
            state_code: shop.state_code,
            phone: shop.phone,
            email: shop.email,
            currency: shop.currency,
            time_zone: shop.time_zone,
            invoice_prefix: shop.invoice_prefix,
            upi_id: shop.upi_id,
            round_to_rupee: shop.round_to_rupee,
            demo: shop.demo,
        };
        Self { version: shop.version, body }
    }
}

async fn settings(State(site): State<Site>, _: Allowed<SeeShop>) -> web::Result<Tagged<SettingsBody>> {
    let shop = site.db.read(move |conn| Ok::<_, Problem>(queries::current(conn)?)).await?;
    Ok(shop.into())
}

/// Settings to be changed; what is absent stays.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SettingsChange {
    name: Option<String>,
    legal_name: Option<String>,
    /// 15 characters; the last one is checked.
    gstin: Option<String>,
    address: Option<String>,
    city: Option<String>,
    pincode: Option<String>,
    /// The two digits that GST gives the state.
    state_code: Option<String>,
    phone: Option<String>,
    email: Option<String>,
    /// An IANA name such as `Asia/Kolkata`.
    time_zone: Option<String>,
    /// At most four letters, digits, `-` and `/`.
    invoice_prefix: Option<String>,
    /// `name@handle`.
    upi_id: Option<String>,
    round_to_rupee: Option<bool>,
    /// Rules for weighed-item labels; empty means the usual ones.
    label_rules: Option<Vec<Value>>,
}

async fn change_settings(
    State(site): State<Site>,
    seen: Allowed<ManageShop>,
    address: Address,
    IfMatch(version): IfMatch,
    Json(body): Json<SettingsChange>,
) -> web::Result<Tagged<SettingsBody>> {
    let (actor, now) = (seen.actor(), site.clock.now());
    let shop =
        site.db.write(move |conn| body.store(conn, version, By { actor: &actor, from: &address.text(), now })).await?;
    Ok(shop.into())
}

impl SettingsChange {
    /// What a form of the pages sends, whose fields have the names of ours.
    ///
    /// # Errors
    /// When it names something that is no setting.
    pub fn from_form(form: &BTreeMap<String, String>) -> Result<Self, Problem> {
        let value = |name: &str, text: &str| match name {
            "roundToRupee" => Value::Bool(text == "on"),
            _ => Value::String(text.to_owned()),
        };
        let fields = form.iter().map(|(name, text)| (name.clone(), value(name, text))).collect();
        serde_json::from_value(Value::Object(fields))
            .map_err(|error| Problem::bad_request("invalid", format!("The form does not fit: {error}.")))
    }

    /// Stores the change; refused when somebody else changed the shop since that version.
    ///
    /// # Errors
    /// Names every field that is wrong.
    pub fn store(&self, conn: &mut Conn<'_>, version: Option<i64>, by: By<'_>) -> Result<Shop, Problem> {
        let mut shop = queries::current(conn)?;
        shop.version = version.unwrap_or(shop.version);
        self.apply(&mut shop)?;
        Ok(actions::change(conn, &shop, by)?)
    }

    /// Puts what was sent into the settings, or names every field that is wrong.
    fn apply(&self, shop: &mut Shop) -> Result<(), Problem> {
        let mut fields = Fields::default();
        let texts = [
            ("name", &self.name, &mut shop.name, 200),
            ("legalName", &self.legal_name, &mut shop.legal_name, 200),
            ("address", &self.address, &mut shop.address, 500),
            ("city", &self.city, &mut shop.city, 100),
            ("pincode", &self.pincode, &mut shop.pincode, 20),
            ("phone", &self.phone, &mut shop.phone, 30),
            ("email", &self.email, &mut shop.email, 254),
        ];
        for (field, sent, place, most) in texts {
            put(&mut fields, field, sent.as_deref(), place, most);
        }
        fields.check(!shop.name.is_empty(), "name", "missing", "The shop needs a name.");
        let is_email = self.email.is_none() || shop.email.is_empty() || crate::staff::rules::is_email(&shop.email);
        fields.check(is_email, "email", "invalid", "This is not an e-mail address.");
        self.apply_taxes(shop, &mut fields);
        if let Some(name) = &self.time_zone {
            match rules::time_zone(name.trim()) {
                Some(zone) => shop.time_zone = zone,
                None => fields.wrong("timeZone", "invalid", "A time zone is written like Asia/Kolkata."),
            }
        }
        if let Some(prefix) = &self.invoice_prefix {
            let fits = rules::is_invoice_prefix(prefix);
            fields.check(fits, "invoicePrefix", "invalid", "An invoice prefix has 1 to 4 letters, digits, - and /.");
            shop.invoice_prefix.clone_from(prefix);
        }
        if let Some(address) = &self.upi_id {
            put_upi(shop, address, &mut fields);
        }
        if let Some(rules) = &self.label_rules {
            let objects = rules.iter().all(Value::is_object);
            fields.check(objects, "labelRules", "invalid", "Each rule is an object.");
            fields.check(rules.len() <= 100, "labelRules", "too_many", "At most 100 rules.");
            shop.label_rules = if rules.is_empty() { String::new() } else { Value::from(rules.clone()).to_string() };
        }
        shop.round_to_rupee = self.round_to_rupee.unwrap_or(shop.round_to_rupee);
        fields.into_result()
    }

    /// The GST number and the state, which must agree; either may be sent alone.
    fn apply_taxes(&self, shop: &mut Shop, fields: &mut Fields) {
        if let Some(code) = self.state_code.as_deref().map(str::trim) {
            let fits = code.is_empty() || rules::is_state_code(code);
            fields.check(fits, "stateCode", "invalid", "A state code has two digits, such as 27.");
            code.clone_into(&mut shop.state_code);
        }
        if let Some(number) = self.gstin.as_deref().map(|number| number.trim().to_uppercase()) {
            if number.is_empty() {
                shop.gstin = number;
                return;
            }
            if let Some(fault) = gstin::fault(&number) {
                fields.wrong("gstin", "invalid", fault);
                return;
            }
            if self.state_code.is_none() {
                gstin::state_code(&number).clone_into(&mut shop.state_code);
            }
            shop.gstin = number;
        }
        let touched = self.gstin.is_some() || self.state_code.is_some();
        let agree = shop.gstin.is_empty() || shop.state_code == gstin::state_code(&shop.gstin);
        fields.check(!touched || agree, "stateCode", "invalid", "The GST number belongs to another state.");
    }
}

/// Sets the UPI address. A picture uploaded for another one would still pay to that, so it goes.
fn put_upi(shop: &mut Shop, address: &str, fields: &mut Fields) {
    let address = address.trim();
    let fits = address.is_empty() || upi::is_address(address);
    fields.check(fits, "upiId", "invalid", "A UPI address is written like name@bank.");
    if !shop.upi_id.is_empty() && shop.upi_id != address {
        shop.qr_image.clear();
    }
    address.clone_into(&mut shop.upi_id);
}

fn put(fields: &mut Fields, field: &str, sent: Option<&str>, place: &mut String, most: usize) {
    if let Some(text) = sent.map(str::trim) {
        fields.check(text.chars().count() <= most, field, "too_long", "This text is too long.");
        text.clone_into(place);
    }
}

async fn stores(State(site): State<Site>, _: Allowed<SeeShop>) -> web::Result<axum::Json<Vec<Store>>> {
    Ok(axum::Json(site.db.read(actions::list_stores).await?))
}

async fn store(State(site): State<Site>, _: Allowed<SeeShop>, Path(id): Path<StoreId>) -> web::Result<Tagged<Store>> {
    let store = site.db.read(move |conn| actions::load_store(conn, id)).await?;
    Ok(Tagged { version: store.version, body: store })
}

/// What is said of a branch; what is absent stays, or is empty in a new one.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct StoreChange {
    /// Up to ten capital letters, digits and hyphens.
    code: Option<String>,
    name: Option<String>,
    address: Option<String>,
    state_code: Option<String>,
    phone: Option<String>,
    hours: Option<String>,
    /// Orders that can be picked up in one slot.
    slot_capacity: Option<i64>,
    /// `active` or `archived`.
    status: Option<String>,
}

async fn open_store(
    State(site): State<Site>,
    seen: Allowed<ManageShop>,
    address: Address,
    Sent { body, key }: Sent<StoreChange>,
) -> web::Result<Answer<Store>> {
    let (actor, claim, now) = (seen.actor(), seen.claim(key), site.clock.now());
    let mut store = Store {
        id: StoreId::new(0),
        code: String::new(),
        name: String::new(),
        address: String::new(),
        state_code: String::new(),
        phone: String::new(),
        hours: String::new(),
        slot_capacity: 10,
        status: "active".to_owned(),
        created_at: Timestamp::default(),
        version: 1,
    };
    body.apply(&mut store)?;
    let answer = site
        .db
        .write(move |conn| {
            idempotency::once(conn, claim.as_ref(), now, StatusCode::CREATED, |conn| {
                actions::open_store(conn, &store, By { actor: &actor, from: &address.text(), now })
            })
        })
        .await?;
    Ok(answer.into())
}

async fn change_store(
    State(site): State<Site>,
    seen: Allowed<ManageShop>,
    address: Address,
    Path(id): Path<StoreId>,
    IfMatch(version): IfMatch,
    Json(body): Json<StoreChange>,
) -> web::Result<Tagged<Store>> {
    let (actor, now) = (seen.actor(), site.clock.now());
    let store = site
        .db
        .write(move |conn| {
            let mut store = actions::load_store(conn, id)?;
            store.version = version.unwrap_or(store.version);
            body.apply(&mut store)?;
            Ok::<_, Problem>(actions::change_store(conn, &store, By { actor: &actor, from: &address.text(), now })?)
        })
        .await?;
    Ok(Tagged { version: store.version, body: store })
}

impl StoreChange {
    fn apply(&self, store: &mut Store) -> Result<(), Problem> {
        let mut fields = Fields::default();
        let texts = [
            ("code", &self.code, &mut store.code, 10),
            ("name", &self.name, &mut store.name, 200),
            ("address", &self.address, &mut store.address, 500),
            ("stateCode", &self.state_code, &mut store.state_code, 2),
            ("phone", &self.phone, &mut store.phone, 30),
            ("hours", &self.hours, &mut store.hours, 500),
        ];
        for (field, sent, place, most) in texts {
            put(&mut fields, field, sent.as_deref(), place, most);
        }
        let fits = rules::is_store_code(&store.code);
        fields.check(fits, "code", "invalid", "A code has up to ten capital letters, digits and hyphens.");
        fields.check(!store.name.is_empty(), "name", "missing", "A store needs a name.");
        let fits = store.state_code.is_empty() || rules::is_state_code(&store.state_code);
        fields.check(fits, "stateCode", "invalid", "A state code has two digits, such as 27.");
        store.slot_capacity = self.slot_capacity.unwrap_or(store.slot_capacity);
        let fits = (0..=100_000).contains(&store.slot_capacity);
        fields.check(fits, "slotCapacity", "invalid", "The capacity is between 0 and 100000.");
        if let Some(status) = &self.status {
            let known = matches!(status.as_str(), "active" | "archived");
            fields.check(known, "status", "invalid", "The status is active or archived.");
            store.status.clone_from(status);
        }
        fields.into_result()
    }
}

/// How customers pay.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct QrBody {
    /// A picture as a data URL: the uploaded one, else one drawn from the UPI address.
    qr_code_url: Option<String>,
    upi_id: Option<String>,
}

async fn payment_qr(State(site): State<Site>, _: Allowed<SignedIn>) -> web::Result<axum::Json<QrBody>> {
    let shop = site.db.read(move |conn| Ok::<_, Problem>(queries::current(conn)?)).await?;
    let qr_code_url = payment_picture(&shop);
    let upi_id = Some(shop.upi_id).filter(|address| !address.is_empty());
    Ok(axum::Json(QrBody { qr_code_url, upi_id }))
}

/// How customers are to pay; what is absent stays.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct QrChange {
    /// `name@handle`; empty for none.
    pub upi_id: Option<String>,
    /// A PNG, JPEG or WebP picture of at most 500 kB as a data URL; empty for none.
    pub qr_code_url: Option<String>,
}

impl QrChange {
    /// Stores how customers pay.
    ///
    /// # Errors
    /// Names every field that is wrong.
    pub fn store(&self, conn: &mut Conn<'_>, by: By<'_>) -> Result<Shop, Problem> {
        let mut shop = queries::current(conn)?;
        let mut fields = Fields::default();
        if let Some(address) = &self.upi_id {
            put_upi(&mut shop, address, &mut fields);
        }
        if let Some(image) = &self.qr_code_url {
            if let Some(fault) = rules::image_fault(image).filter(|_| !image.is_empty()) {
                fields.wrong("qrCodeUrl", "invalid", fault);
            }
            shop.qr_image.clone_from(image);
        }
        fields.into_result()?;
        Ok(actions::change(conn, &shop, by)?)
    }
}

/// The picture that customers pay by, as a data URL: the uploaded one, else one drawn from the UPI address.
pub fn payment_picture(shop: &Shop) -> Option<String> {
    let drawn = || upi::svg_url(&upi::qr_svg(&upi::link(&shop.upi_id, &shop.name, None, None, None)));
    match (shop.qr_image.as_str(), shop.upi_id.as_str()) {
        ("", "") => None,
        ("", _) => Some(drawn()),
        (image, _) => Some(image.to_owned()),
    }
}

/// That something was done.
#[derive(Debug, Serialize, JsonSchema)]
struct DoneBody {
    message: &'static str,
}

async fn update_qr(
    State(site): State<Site>,
    seen: Allowed<ManageShop>,
    address: Address,
    Json(body): Json<QrChange>,
) -> web::Result<axum::Json<DoneBody>> {
    if body.upi_id.is_none() && body.qr_code_url.is_none() {
        return Err(Problem::bad_request("missing", "Send upiId, qrCodeUrl or both."));
    }
    let (actor, now) = (seen.actor(), site.clock.now());
    site.db.write(move |conn| body.store(conn, By { actor: &actor, from: &address.text(), now })).await?;
    Ok(axum::Json(DoneBody { message: "QR code updated successfully" }))
}

impl From<ShopError> for Problem {
    fn from(error: ShopError) -> Self {
        let sentence = error.to_string();
        match error {
            ShopError::NoStore(_) => Self::not_found(sentence),
            ShopError::CodeTaken(_) => Self::field("code", "taken", sentence),
            ShopError::FirstStore => Self::conflict("first_store", sentence),
            ShopError::Stale => web::extract::stale(),
            ShopError::Db(error) => error.into(),
        }
    }
}
