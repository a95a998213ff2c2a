//! Settings: what each says of itself, and the pages of the shop, of payments, of language and of backups.

use std::collections::BTreeMap;

use askama::Template;
use axum::extract::State;
use axum::extract::multipart::Multipart;
use axum::extract::rejection::FormRejection;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use axum::{Form, Router};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;

use super::{check_form, page, role_label, unreadable};
use crate::audit::By;
use crate::db::Conn;
use crate::ids::UserId;
use crate::shop::api::{QrChange, SettingsChange, payment_picture};
use crate::shop::{self, Shop};
use crate::staff::access::{Allowed, Caller, ManageKeys, ManagePeople, ManageShop, SignedIn};
use crate::staff::actions::{self, Filter};
use crate::staff::model::{Edit, Kind, Status};
use crate::web::page::{Page, Reader, draw};
use crate::web::porch::Address;
use crate::web::texts::Lang;
use crate::web::{self, Problem, Query, Site};

pub(super) fn routes() -> Router<Site> {
    Router::new()
        .route("/settings", get(show_all))
        .route("/settings/shop", get(show_shop).post(change_shop))
        .route("/settings/payments", get(show_payments).post(change_payments))
        .route("/settings/language", get(show_language).post(change_language))
        .route("/settings/backup", get(show_backup))
}

/// One of the pages of settings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Panel {
    Shop,
    Payments,
    Language,
    People,
    Keys,
    Backup,
}

impl Panel {
    const ALL: [Self; 6] = [Self::Shop, Self::Payments, Self::Language, Self::People, Self::Keys, Self::Backup];

    fn href(self) -> &'static str {
        match self {
            Self::Shop => "/settings/shop",
            Self::Payments => "/settings/payments",
            Self::Language => "/settings/language",
            Self::People => "/settings/people",
            Self::Keys => "/settings/keys",
            Self::Backup => "/settings/backup",
        }
    }

    fn label(self, page: &Page) -> &str {
        match self {
            Self::Shop => page.t("settings.shop"),
            Self::Payments => page.t("settings.payments"),
            Self::Language => page.t("settings.language"),
            Self::People => page.t("settings.people"),
            Self::Keys => page.t("settings.keys"),
            Self::Backup => page.t("settings.backup"),
        }
    }

    fn is_open_to(self, caller: &Caller) -> bool {
        match self {
            Self::Shop | Self::Payments | Self::Backup => caller.may::<ManageShop>(),
            Self::Language => caller.may::<SignedIn>(),
            Self::People => caller.may::<ManagePeople>(),
            Self::Keys => caller.may::<ManageKeys>(),
        }
    }

    /// How it stands, in one sentence.
    fn state(self, conn: &mut Conn<'_>, page: &Page, shop: &Shop, store: &str) -> Result<String, Problem> {
        Ok(match self {
            Self::Shop if shop.gstin.is_empty() => page.t("settings.shop_state_none").to_owned(),
            Self::Shop => page.t1("settings.shop_state", &shop.gstin),
            Self::Payments if shop.upi_id.is_empty() && shop.qr_image.is_empty() => {
                page.t("settings.payments_state_none").to_owned()
            }
            Self::Payments if shop.upi_id.is_empty() => page.t("settings.payments_state_picture").to_owned(),
            Self::Payments => page.t1("settings.payments_state", &shop.upi_id),
            Self::Language => page.t("settings.language_state").to_owned(),
            Self::People => {
                let waiting = Filter { kind: Some(Kind::Staff), status: Some(Status::Pending), ..Filter::default() };
                let active = Filter { status: Some(Status::Active), ..waiting.clone() };
                match actions::list(conn, &waiting, UserId::new(i64::MAX), 1)?.1 {
                    0 => {
                        let (_, active) = actions::list(conn, &active, UserId::new(i64::MAX), 1)?;
                        page.t1("settings.people_state", &page.count(active))
                    }
                    waiting => page.t1("settings.people_state_waiting", &page.count(waiting)),
                }
            }
            Self::Keys => match actions::list_keys(conn)?.iter().filter(|key| key.revoked_at.is_none()).count() {
                0 => page.t("settings.keys_state_none").to_owned(),
                count => page.t1("settings.keys_state", &count.to_string()),
            },
            Self::Backup => page.t1("settings.backup_state", store),
        })
    }
}

/// What stands around every panel.
pub(super) struct Frame {
    pub tabs: Vec<Tab>,
    pub title: String,
    pub state: String,
    /// What was sent has just been stored.
    pub saved: bool,
    /// What concerns no field.
    pub problem: Option<String>,
    faults: Vec<(String, String)>,
}

/// A way to a panel.
pub(super) struct Tab {
    pub href: &'static str,
    pub label: String,
    pub state: String,
    pub current: bool,
}

impl Frame {
    pub(super) fn new(
        conn: &mut Conn<'_>,
        page: &Page,
        shop: &Shop,
        caller: &Caller,
        panel: Panel,
        notice: Notice,
        store: &str,
    ) -> Result<Self, Problem> {
        let tabs = Panel::ALL.into_iter().filter(|one| one.is_open_to(caller)).map(|one| Tab {
            href: one.href(),
            label: one.label(page).to_owned(),
            state: String::new(),
            current: one == panel,
        });
        let mut frame = Self {
            tabs: tabs.collect(),
            title: panel.label(page).to_owned(),
            state: panel.state(conn, page, shop, store)?,
            saved: matches!(notice, Notice::Saved),
            problem: None,
            faults: Vec::new(),
        };
        if let Notice::Refused(problem) = notice {
            frame.faults = problem.fields.iter().map(|fault| (fault.field.clone(), page.refusal(fault))).collect();
            frame.problem = Some(match (problem.code, frame.faults.is_empty()) {
                (_, false) => page.t("settings.look").to_owned(),
                ("stale", _) => page.t("settings.stale").to_owned(),
                _ => problem.sentence.clone(),
            });
        }
        Ok(frame)
    }

    /// What is wrong with a field; empty when it is right.
    pub(super) fn fault(&self, field: &str) -> &str {
        self.faults.iter().find(|(name, _)| name == field).map_or("", |(_, sentence)| sentence)
    }
}

/// What became of what was sent before.
pub(super) enum Notice {
    None,
    Saved,
    Refused(Problem),
}

impl Notice {
    pub(super) fn status(&self) -> StatusCode {
        if let Self::Refused(problem) = self { problem.status } else { StatusCode::OK }
    }
}

#[derive(Deserialize, Default)]
#[serde(default)]
pub(super) struct SavedQuery {
    saved: String,
}

impl From<SavedQuery> for Notice {
    fn from(query: SavedQuery) -> Self {
        if query.saved.is_empty() { Self::None } else { Self::Saved }
    }
}

/// Leads back to a panel after something was stored.
pub(super) fn saved(panel: Panel) -> Response {
    Redirect::to(&format!("{}?saved=1", panel.href())).into_response()
}

#[derive(Template)]
#[template(path = "staff/settings/all.html")]
struct AllPage {
    page: Page,
    tabs: Vec<Tab>,
}

async fn show_all(State(site): State<Site>, reader: Reader, seen: Allowed<ManagePeople>) -> web::Result<Response> {
    let (for_page, caller, store) = (site.clone(), seen.caller, site.db.describe());
    let drawn = site
        .db
        .read(move |conn| {
            let shop = shop::current(conn)?;
            let page = page(&for_page, &reader, &shop, Some(&caller));
            let open = Panel::ALL.into_iter().filter(|one| one.is_open_to(&caller));
            let tab = |one: Panel| {
                let state = one.state(conn, &page, &shop, &store)?;
                Ok::<_, Problem>(Tab { href: one.href(), label: one.label(&page).to_owned(), state, current: false })
            };
            let tabs = open.map(tab).collect::<Result<_, _>>()?;
            Ok::<_, Problem>(AllPage { page, tabs })
        })
        .await?;
    Ok(draw(StatusCode::OK, &drawn))
}

#[derive(Template)]
#[template(path = "staff/settings/shop.html")]
struct ShopPage {
    page: Page,
    frame: Frame,
    shop: Shop,
}

async fn show_shop(
    State(site): State<Site>,
    reader: Reader,
    seen: Allowed<ManageShop>,
    Query(query): Query<SavedQuery>,
) -> web::Result<Response> {
    draw_shop(&site, reader, seen.caller, query.into(), BTreeMap::new()).await
}

async fn draw_shop(
    site: &Site,
    reader: Reader,
    caller: Caller,
    notice: Notice,
    typed: BTreeMap<String, String>,
) -> web::Result<Response> {
    let (for_page, status) = (site.clone(), notice.status());
    let drawn = site
        .db
        .read(move |conn| {
            let mut shop = shop::current(conn)?;
            let mut page = page(&for_page, &reader, &shop, Some(&caller));
            Panel::Shop.href().clone_into(&mut page.here);
            let frame = Frame::new(conn, &page, &shop, &caller, Panel::Shop, notice, "")?;
            // What was typed stays while it is being put right.
            for (name, place) in [
                ("name", &mut shop.name),
                ("legalName", &mut shop.legal_name),
                ("gstin", &mut shop.gstin),
                ("address", &mut shop.address),
                ("city", &mut shop.city),
                ("pincode", &mut shop.pincode),
                ("phone", &mut shop.phone),
                ("email", &mut shop.email),
                ("invoicePrefix", &mut shop.invoice_prefix),
            ] {
                if let Some(text) = typed.get(name) {
                    place.clone_from(text);
                }
            }
            Ok::<_, Problem>(ShopPage { page, frame, shop })
        })
        .await?;
    Ok(draw(status, &drawn))
}

async fn change_shop(
    State(site): State<Site>,
    reader: Reader,
    seen: Allowed<ManageShop>,
    address: Address,
    form: Result<Form<BTreeMap<String, String>>, FormRejection>,
) -> web::Result<Response> {
    let Form(mut form) = form.map_err(unreadable)?;
    check_form(&seen, &form.remove("csrf").unwrap_or_default())?;
    let version = form.remove("version").and_then(|text| text.parse().ok());
    let change = SettingsChange::from_form(&form)?;
    let (actor, now) = (seen.actor(), site.clock.now());
    let stored =
        site.db.write(move |conn| change.store(conn, version, By { actor: &actor, from: &address.text(), now })).await;
    match stored {
        Ok(_) => Ok(saved(Panel::Shop)),
        Err(problem) => draw_shop(&site, reader, seen.caller, Notice::Refused(problem), form).await,
    }
}

#[derive(Template)]
#[template(path = "staff/settings/payments.html")]
struct PaymentsPage {
    page: Page,
    frame: Frame,
    upi_id: String,
    /// What customers are shown.
    picture: Option<String>,
    /// It was uploaded, not drawn.
    uploaded: bool,
}

async fn show_payments(
    State(site): State<Site>,
    reader: Reader,
    seen: Allowed<ManageShop>,
    Query(query): Query<SavedQuery>,
) -> web::Result<Response> {
    draw_payments(&site, reader, seen.caller, query.into(), None).await
}

async fn draw_payments(
    site: &Site,
    reader: Reader,
    caller: Caller,
    notice: Notice,
    typed: Option<String>,
) -> web::Result<Response> {
    let (for_page, status) = (site.clone(), notice.status());
    let drawn = site
        .db
        .read(move |conn| {
            let shop = shop::current(conn)?;
            let mut page = page(&for_page, &reader, &shop, Some(&caller));
            Panel::Payments.href().clone_into(&mut page.here);
            let frame = Frame::new(conn, &page, &shop, &caller, Panel::Payments, notice, "")?;
            Ok::<_, Problem>(PaymentsPage {
                page,
                frame,
                picture: payment_picture(&shop),
                uploaded: !shop.qr_image.is_empty(),
                upi_id: typed.unwrap_or(shop.upi_id),
            })
        })
        .await?;
    Ok(draw(status, &drawn))
}

async fn change_payments(
    State(site): State<Site>,
    reader: Reader,
    seen: Allowed<ManageShop>,
    address: Address,
    mut parts: Multipart,
) -> web::Result<Response> {
    let mut change = QrChange { upi_id: None, qr_code_url: None };
    let mut csrf = String::new();
    let broken = |_| Problem::bad_request("unreadable_body", "The form did not arrive whole. Send it again.");
    while let Some(part) = parts.next_field().await.map_err(broken)? {
        match part.name().unwrap_or_default() {
            "csrf" => csrf = part.text().await.map_err(broken)?,
            "upiId" => change.upi_id = Some(part.text().await.map_err(broken)?),
            "removePicture" => change.qr_code_url = Some(String::new()),
            "picture" => {
                let kind = part.content_type().unwrap_or_default().to_owned();
                let bytes = part.bytes().await.map_err(broken)?;
                if !bytes.is_empty() {
                    change.qr_code_url = Some(format!("data:{kind};base64,{}", STANDARD.encode(&bytes)));
                }
            }
            _ => {}
        }
    }
    check_form(&seen, &csrf)?;
    let (actor, now, typed) = (seen.actor(), site.clock.now(), change.upi_id.clone());
    let stored = site.db.write(move |conn| change.store(conn, By { actor: &actor, from: &address.text(), now })).await;
    match stored {
        Ok(_) => Ok(saved(Panel::Payments)),
        Err(problem) => draw_payments(&site, reader, seen.caller, Notice::Refused(problem), typed).await,
    }
}

#[derive(Template)]
#[template(path = "staff/settings/language.html")]
struct LanguagePage {
    page: Page,
    frame: Frame,
}

async fn show_language(
    State(site): State<Site>,
    reader: Reader,
    seen: Allowed<SignedIn>,
    Query(query): Query<SavedQuery>,
) -> web::Result<Response> {
    let (for_page, caller) = (site.clone(), seen.caller);
    let drawn = site
        .db
        .read(move |conn| {
            let shop = shop::current(conn)?;
            let mut page = page(&for_page, &reader, &shop, Some(&caller));
            Panel::Language.href().clone_into(&mut page.here);
            let frame = Frame::new(conn, &page, &shop, &caller, Panel::Language, query.into(), "")?;
            Ok::<_, Problem>(LanguagePage { page, frame })
        })
        .await?;
    Ok(draw(StatusCode::OK, &drawn))
}

#[derive(Deserialize)]
struct LanguageForm {
    #[serde(default)]
    csrf: String,
    language: Lang,
}

async fn change_language(
    State(site): State<Site>,
    seen: Allowed<SignedIn>,
    address: Address,
    form: Result<Form<LanguageForm>, FormRejection>,
) -> web::Result<Response> {
    let Form(form) = form.map_err(unreadable)?;
    check_form(&seen, &form.csrf)?;
    let (caller, now, language) = (seen.caller, site.clock.now(), form.language);
    if let Some(own) = caller.user() {
        let edit = Edit { language: Some(language.word().to_owned()), ..Edit::default() };
        let by = move |conn: &mut Conn<'_>| {
            let by = By { actor: &caller.actor(), from: &address.text(), now };
            actions::edit(conn, &caller, own, None, &edit, by)
        };
        site.db.write(by).await?;
    }
    Ok(Redirect::to(&format!("{}?saved=1&lang={language}", Panel::Language.href())).into_response())
}

#[derive(Template)]
#[template(path = "staff/settings/backup.html")]
struct BackupPage {
    page: Page,
    frame: Frame,
}

async fn show_backup(State(site): State<Site>, reader: Reader, seen: Allowed<ManageShop>) -> web::Result<Response> {
    let (for_page, caller, store) = (site.clone(), seen.caller, site.db.describe());
    let drawn = site
        .db
        .read(move |conn| {
            let shop = shop::current(conn)?;
            let page = page(&for_page, &reader, &shop, Some(&caller));
            let frame = Frame::new(conn, &page, &shop, &caller, Panel::Backup, Notice::None, &store)?;
            Ok::<_, Problem>(BackupPage { page, frame })
        })
        .await?;
    Ok(draw(StatusCode::OK, &drawn))
}

/// What a role is called, for a list to choose from.
pub(super) struct RoleChoice {
    pub word: &'static str,
    pub label: String,
    pub chosen: bool,
}

/// The roles that a caller may give.
pub(super) fn choices(page: &Page, caller: &Caller, chosen: crate::staff::Role) -> Vec<RoleChoice> {
    let given = crate::staff::Role::ALL.iter().copied();
    given
        .filter(|role| role.kind() == Kind::Staff && crate::staff::rules::may_manage(caller.role, *role))
        .map(|role| RoleChoice { word: role.word(), label: role_label(page, role), chosen: role == chosen })
        .collect()
}
