//! Putting everything back as it was before an import.

use serde_json::json;

use super::super::actions::{self, Change};
use super::super::model::{CatalogError, Occasion, ProductChange};
use super::super::queries;
use super::write::Memory;
use crate::audit;
use crate::db::Conn;
use crate::ids::{ImportId, ProductId};
use crate::money::Quantity;

/// What was put back.
#[derive(Debug, Clone, Copy, serde::Serialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Undone {
    /// Products that the import had added, and that are gone.
    pub deleted: usize,
    /// Products that it had added and that have history since; they are archived.
    pub archived: usize,
    /// Products that it had changed and that are as before.
    pub restored: usize,
}

/// Undoes an import: what it added goes (or is archived, when sold since), what it changed is as before.
/// Stock goes back by as much as the import changed it, as far as it is still there.
pub fn undo(conn: &mut Conn<'_>, import: ImportId, on: Occasion<'_>) -> Result<Undone, CatalogError> {
    let found = super::find(conn, import)?.ok_or(CatalogError::NoImport)?;
    if found.kind != super::PRODUCTS {
        return Err(CatalogError::WasMove(import));
    }
    mark_undone(conn, import, on)?;
    let on = Occasion { import: Some(import), ..on };
    let restored = restore(conn, import, on)?;
    let (deleted, archived) = actions::remove_created(conn, import, on)?;
    let detail = json!({ "deleted": deleted, "archived": archived, "restored": restored });
    audit::record(conn, on.by, "import.undo", &format!("import:{import}"), &detail)?;
    Ok(Undone { deleted, archived, restored })
}

/// Notes that an import is undone; once.
pub fn mark_undone(conn: &mut Conn<'_>, import: ImportId, on: Occasion<'_>) -> Result<(), CatalogError> {
    match conn.execute(&queries::UNDO_IMPORT, &[import.into(), on.by.now.into()])? {
        0 => Err(CatalogError::AlreadyUndone),
        _ => Ok(()),
    }
}

fn restore(conn: &mut Conn<'_>, import: ImportId, on: Occasion<'_>) -> Result<usize, CatalogError> {
    let mut memories: Vec<(ProductId, Memory)> = Vec::new();
    for (product, text) in conn.all(&queries::CHANGED_BY_IMPORT, &[import.into()])? {
        let memory = serde_json::from_str(&text).map_err(|_| crate::db::Error::shape("a memory cannot be read"))?;
        memories.push((product, memory));
    }
    let Some((_, first)) = memories.first() else { return Ok(0) };
    let on = Occasion { store: first.store, ..on };
    let asked = memories.iter().map(|(product, _)| [on.store.into(), (*product).into()]);
    let present: std::collections::HashMap<ProductId, Quantity> =
        conn.load_many(&queries::FIND, asked)?.into_iter().map(|product| (product.id, product.on_hand_milli)).collect();
    // A product that was deleted since stays deleted.
    let back: Vec<(ProductId, ProductChange)> = memories
        .into_iter()
        .filter_map(|(product, memory)| {
            let on_hand = *present.get(&product)?;
            let before = on_hand.checked_sub(memory.stock_delta)?;
            let left = if before.is_negative() { Quantity::ZERO } else { before };
            let stock = (!memory.stock_delta.is_zero()).then_some(left);
            Some((product, ProductChange { stock, ..memory.before }))
        })
        .collect();
    let changes: Vec<Change<'_>> =
        back.iter().map(|(product, to)| Change { product: *product, expected: None, to }).collect();
    Ok(actions::change_many(conn, &changes, on)?.iter().filter(|changed| changed.modified).count())
}
