//! What is done with customers.

use super::model::{CreditMove, Customer, CustomerError};
use super::queries;
use crate::audit::By;
use crate::db::{Conn, anywhere};
use crate::ids::UserId;
use crate::staff::{Caller, Edit, actions as accounts};

type Result<T> = std::result::Result<T, CustomerError>;

/// Customers with a text in their name, address or telephone number, the newest first, from before an
/// id; and how many there are in all.
pub fn list(conn: &mut Conn<'_>, text: &str, before: UserId, limit: i64) -> Result<(Vec<Customer>, i64)> {
    let text = anywhere(text);
    let customers = conn.all(&queries::LIST, &[(&text).into(), before.into(), limit.into()])?;
    let (total,) = conn.only(&queries::COUNT, &[(&text).into()])?;
    Ok((customers, total))
}

/// The customers who owe the shop something, the most first.
pub fn list_owing(conn: &mut Conn<'_>) -> Result<Vec<Customer>> {
    const MOST: i64 = 500;
    Ok(conn.all(&queries::OWING, &[MOST.into()])?)
}

/// The last changes of what a customer owes, newest first.
pub fn khata(conn: &mut Conn<'_>, id: UserId, limit: i64) -> Result<Vec<CreditMove>> {
    Ok(conn.all(&queries::KHATA, &[id.into(), limit.into()])?)
}

/// A customer who is there.
pub fn load(conn: &mut Conn<'_>, id: UserId) -> Result<Customer> {
    conn.first(&queries::FIND, &[id.into()])?.ok_or(CustomerError::NoProfile)
}

/// Changes a customer's own profile; refused when it was changed elsewhere since.
pub fn edit(conn: &mut Conn<'_>, caller: &Caller, version: Option<i64>, edit: &Edit, by: By<'_>) -> Result<Customer> {
    let id = caller.user().ok_or(CustomerError::NoProfile)?;
    accounts::edit(conn, caller, id, version, edit, by)?;
    load(conn, id)
}

/// Closes a customer's account: who they were is forgotten, what they bought stays.
pub fn close(conn: &mut Conn<'_>, id: UserId, by: By<'_>) -> Result<()> {
    let customer = load(conn, id)?;
    if !customer.credit_paise.is_zero() && !customer.credit_paise.is_negative() {
        return Err(CustomerError::Owes(customer.credit_paise));
    }
    Ok(accounts::anonymise(conn, id, by)?)
}
