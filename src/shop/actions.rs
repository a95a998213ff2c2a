//! What is done with the shop and its stores.

use serde_json::json;

use super::model::{Shop, ShopError, Store};
use super::queries;
use crate::audit::{self, By};
use crate::db::{Conn, Sequence};
use crate::ids::StoreId;

type Result<T> = std::result::Result<T, ShopError>;

/// What the first owner says of the shop.
#[derive(Debug, Clone, Default)]
pub struct Opening {
    /// The name over the door; empty keeps the one there is.
    pub name: String,
    /// Street and number.
    pub address: String,
    /// The GST number.
    pub gstin: String,
    /// Where UPI payments go.
    pub upi_id: String,
    /// The payment QR as a data URL.
    pub qr_image: String,
}

/// Sets the shop up with what its first owner says.
pub fn open(conn: &mut Conn<'_>, opening: &Opening, by: By<'_>) -> Result<()> {
    let mut shop = queries::current(conn)?;
    if !opening.name.is_empty() {
        shop.name.clone_from(&opening.name);
    }
    shop.address.clone_from(&opening.address);
    shop.gstin.clone_from(&opening.gstin);
    shop.upi_id.clone_from(&opening.upi_id);
    shop.qr_image.clone_from(&opening.qr_image);
    change(conn, &shop, by).map(|_| ())
}

/// Stores a changed shop; refused when somebody else changed it since.
pub fn change(conn: &mut Conn<'_>, shop: &Shop, by: By<'_>) -> Result<Shop> {
    let before = queries::current(conn)?;
    let changed = conn.execute(
        &queries::UPDATE_SHOP,
        &[
            (&shop.name).into(),
            (&shop.legal_name).into(),
            (&shop.gstin).into(),
            (&shop.address).into(),
            (&shop.city).into(),
            (&shop.pincode).into(),
            (&shop.state_code).into(),
            (&shop.phone).into(),
            (&shop.email).into(),
            (&shop.time_zone).into(),
            (&shop.invoice_prefix).into(),
            (&shop.upi_id).into(),
            (&shop.qr_image).into(),
            shop.round_to_rupee.into(),
            (&shop.label_rules).into(),
            by.now.into(),
            shop.version.into(),
        ],
    )?;
    if changed == 0 {
        return Err(ShopError::Stale);
    }
    let detail = json!({
        "upiId": [before.upi_id, shop.upi_id],
        "gstin": [before.gstin, shop.gstin],
        "timeZone": [before.time_zone, shop.time_zone],
        "invoicePrefix": [before.invoice_prefix, shop.invoice_prefix],
        "roundToRupee": [before.round_to_rupee, shop.round_to_rupee],
        "qrChanged": before.qr_image != shop.qr_image,
    });
    note(conn, by, "shop.update", "shop", &detail)?;
    Ok(queries::current(conn)?)
}

/// Marks the shop as one of sample data.
pub fn mark_demo(conn: &mut Conn<'_>) -> Result<()> {
    conn.execute(&queries::MARK_DEMO, &[])?;
    Ok(())
}

/// All stores.
pub fn list_stores(conn: &mut Conn<'_>) -> Result<Vec<Store>> {
    Ok(conn.all(&queries::LIST_STORES, &[])?)
}

/// A store that is there.
pub fn load_store(conn: &mut Conn<'_>, id: StoreId) -> Result<Store> {
    conn.first(&queries::FIND_STORE, &[id.into()])?.ok_or(ShopError::NoStore(id))
}

/// Opens a store.
pub fn open_store(conn: &mut Conn<'_>, store: &Store, by: By<'_>) -> Result<Store> {
    let id = StoreId::new(conn.next_id(Sequence::Stores)?);
    let params = [
        id.into(),
        (&store.code).into(),
        (&store.name).into(),
        (&store.address).into(),
        (&store.state_code).into(),
        (&store.phone).into(),
        (&store.hours).into(),
        store.slot_capacity.into(),
        by.now.into(),
    ];
    conn.execute(&queries::INSERT_STORE, &params).map_err(|error| code_taken(error, &store.code))?;
    note(conn, by, "store.create", &format!("store:{id}"), &json!({ "code": store.code }))?;
    load_store(conn, id)
}

/// Stores a changed store; refused when somebody else changed it since.
pub fn change_store(conn: &mut Conn<'_>, store: &Store, by: By<'_>) -> Result<Store> {
    let before = load_store(conn, store.id)?;
    if store.id == StoreId::new(1) && store.status != "active" {
        return Err(ShopError::FirstStore);
    }
    let params = [
        store.id.into(),
        (&store.code).into(),
        (&store.name).into(),
        (&store.address).into(),
        (&store.state_code).into(),
        (&store.phone).into(),
        (&store.hours).into(),
        store.slot_capacity.into(),
        (&store.status).into(),
        store.version.into(),
    ];
    let changed = conn.execute(&queries::UPDATE_STORE, &params).map_err(|error| code_taken(error, &store.code))?;
    if changed == 0 {
        return Err(ShopError::Stale);
    }
    let detail = json!({ "code": [before.code, store.code], "status": [before.status, store.status] });
    note(conn, by, "store.update", &format!("store:{}", store.id), &detail)?;
    load_store(conn, store.id)
}

fn note(conn: &mut Conn<'_>, by: By<'_>, action: &str, subject: &str, detail: &serde_json::Value) -> Result<()> {
    audit::record(conn, by, action, subject, detail)?;
    Ok(())
}

fn code_taken(error: crate::db::Error, code: &str) -> ShopError {
    if error.violated() == Some("stores_code_unique") { ShopError::CodeTaken(code.to_owned()) } else { error.into() }
}
