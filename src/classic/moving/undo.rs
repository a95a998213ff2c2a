//! Taking away what an import brought, as long as nothing was done with it since.

use serde::Serialize;
use serde_json::json;

use super::{MoveError, queries};
use crate::audit;
use crate::catalog::{self, CatalogError, Occasion, import};
use crate::db::Conn;
use crate::ids::{CategoryId, ImportId, OrderId, UserId};
use crate::orders::past::TakeBack;
use crate::staff;

/// Orders that are taken away at once.
const CHUNK: i64 = 2_000;
/// How many things that stand in the way are named.
const NAMED: usize = 20;

/// What was taken away.
#[derive(Debug, Clone, Copy, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Undone {
    /// Accounts.
    pub accounts: usize,
    /// Products.
    pub products: usize,
    /// Orders.
    pub orders: usize,
}

/// Undoes an import that moved a shop in: all that it brought goes, or nothing does.
///
/// # Errors
/// [`MoveError::InTheWay`] names what was done with it since.
pub fn undo(conn: &mut Conn<'_>, id: ImportId, on: Occasion<'_>) -> Result<Undone, MoveError> {
    let on = Occasion { import: Some(id), ..on };
    import::mark_undone(conn, id, on)?;
    let (orders, mut in_the_way) = take_orders(conn, id)?;
    let (products, sentences) = catalog::actions::take_back_created(conn, id, on)?;
    in_the_way.extend(sentences);
    let mut people = Vec::new();
    for kind in ["customer", "staff"] {
        people.extend(conn.all(&queries::BROUGHT, &[id.into(), kind.into(), 0_i64.into(), i64::MAX.into()])?);
    }
    let people: Vec<UserId> = people.into_iter().map(|(id,)| UserId::new(id)).collect();
    in_the_way.extend(staff::actions::take_back(conn, &people)?);
    if !in_the_way.is_empty() {
        let more = in_the_way.len().saturating_sub(NAMED);
        in_the_way.truncate(NAMED);
        if more > 0 {
            in_the_way.push(format!("And {more} more."));
        }
        return Err(MoveError::InTheWay(in_the_way));
    }
    let categories = conn.all(&queries::BROUGHT, &[id.into(), "category".into(), 0_i64.into(), i64::MAX.into()])?;
    for (category,) in categories {
        match catalog::actions::delete_category(conn, CategoryId::new(category), on) {
            // Somebody has put something else there since, or has removed it.
            Ok(_) | Err(CatalogError::CategoryInUse { .. } | CatalogError::NoCategory) => {}
            Err(error) => return Err(error.into()),
        }
    }
    conn.execute(&queries::FORGET, &[id.into()])?;
    let undone = Undone { accounts: people.len(), products, orders };
    let detail = json!({ "accounts": undone.accounts, "products": undone.products, "orders": undone.orders });
    audit::record(conn, on.by, "import.undo", &format!("import:{id}"), &detail)?;
    Ok(undone)
}

fn take_orders(conn: &mut Conn<'_>, id: ImportId) -> Result<(usize, Vec<String>), MoveError> {
    let mut taking = TakeBack::default();
    let (mut count, mut last) = (0, 0);
    loop {
        let rows = conn.all(&queries::BROUGHT, &[id.into(), "order".into(), last.into(), CHUNK.into()])?;
        let Some((end,)) = rows.last() else { break };
        last = *end;
        count += rows.len();
        let ids: Vec<OrderId> = rows.into_iter().map(|(id,)| OrderId::new(id)).collect();
        taking.chunk(conn, &ids)?;
    }
    Ok((count, taking.finish(conn)?))
}
