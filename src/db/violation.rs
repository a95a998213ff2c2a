//! Which named rule of the schema a write broke.
//!
//! PostgreSQL reports the constraint's name. SQLite reports the name of a `CHECK`, but for a unique
//! key only the table and its columns; the keys that are answered with a sentence of their own
//! stand in the table below.

/// Unique keys by SQLite's words for them. A test compares this list with both schemas.
pub const UNIQUE_KEYS: &[(&str, &str)] = &[
    ("users.username_key", "users_username_unique"),
    ("users.kind, users.email_key", "users_email_unique"),
    ("products.sku", "products_sku_unique"),
    ("barcodes.code", "barcodes_code_unique"),
    ("categories.name_key", "categories_name_unique"),
    ("stores.code", "stores_code_unique"),
    ("api_keys.prefix", "api_keys_prefix_unique"),
    ("tills.store_id, tills.code", "tills_code_unique"),
    ("pos_sales.till_id, pos_sales.sale_id", "pos_sales_key"),
    ("idempotency_keys.bucket, idempotency_keys.key_hash", "idempotency_keys_unique"),
];

/// The name of the constraint in a message of SQLite, when the message names one.
pub fn from_sqlite(message: &str) -> Option<String> {
    if let Some(columns) = message.strip_prefix("UNIQUE constraint failed: ") {
        let known = UNIQUE_KEYS.iter().find(|(key, _)| *key == columns);
        return Some(known.map_or_else(|| columns.to_owned(), |(_, name)| (*name).to_owned()));
    }
    message.strip_prefix("CHECK constraint failed: ").map(str::to_owned)
}
