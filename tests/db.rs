//! The database's promises, on both engines: one commit for many, all or nothing for each, once for
//! each key, and copies that are whole.

mod backup;
mod idempotency;
mod postgres;
mod writes;

/// Notes a line in the audit log's place of tests: the name of a category.
mod rows {
    use kirana::db::{Conn, Result};

    kirana::statements! {
        INSERT(Int, Text) = "insert into categories (id, name, name_key, created_at) values ($1, $2, $2, 0)";
    }

    /// Writes a row that is easy to count.
    pub fn insert(conn: &mut Conn<'_>, number: i64) -> Result<()> {
        conn.execute(&INSERT, &[number.into(), format!("row {number}").into()]).map(|_| ())
    }
}
