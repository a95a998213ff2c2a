//! All SQL for the shop and its stores.

use super::model::{Shop, Store};
use crate::db::{Conn, Result};

macro_rules! store_columns {
    () => {
        "id, code, name, address, state_code, phone, hours, slot_capacity, status, created_at, version"
    };
}

crate::statements! {
    FIND_SHOP() -> Shop =
        "select name, legal_name, gstin, address, city, pincode, state_code, phone, email, currency, time_zone,
                invoice_prefix, upi_id, qr_image, round_to_rupee, label_rules, demo, version
         from shop where id = 1";
    pub(super) UPDATE_SHOP(Text, Text, Text, Text, Text, Text, Text, Text, Text, Text, Text, Text, Text, Int, Text, Int, Int) =
        "update shop set name = $1, legal_name = $2, gstin = $3, address = $4, city = $5, pincode = $6, state_code = $7,
                phone = $8, email = $9, time_zone = $10, invoice_prefix = $11, upi_id = $12, qr_image = $13,
                round_to_rupee = $14, label_rules = $15, updated_at = $16, version = version + 1
         where id = 1 and version = $17";
    LOCK_SHOP() = "update shop set id = id where id = 1";
    pub(super) MARK_DEMO() = "update shop set demo = 1 where id = 1";
    pub(super) LIST_STORES() -> Store =
        concat!("select ", store_columns!(), " from stores order by id");
    pub(super) FIND_STORE(Int) -> Store =
        concat!("select ", store_columns!(), " from stores where id = $1");
    pub(super) INSERT_STORE(Int, Text, Text, Text, Text, Text, Text, Int, Int) =
        "insert into stores (id, code, name, address, state_code, phone, hours, slot_capacity, created_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9)";
    pub(super) UPDATE_STORE(Int, Text, Text, Text, Text, Text, Text, Int, Text, Int) =
        "update stores set code = $2, name = $3, address = $4, state_code = $5, phone = $6, hours = $7,
                slot_capacity = $8, status = $9, version = version + 1
         where id = $1 and version = $10";
}

/// The shop as it stands.
pub fn current(conn: &mut Conn<'_>) -> Result<Shop> {
    conn.only(&FIND_SHOP, &[])
}

/// Makes whoever else asks for this wait until the transaction has ended.
pub fn lock(conn: &mut Conn<'_>) -> Result<()> {
    conn.execute(&LOCK_SHOP, &[]).map(|_| ())
}
