//! Categories: a tree with a name for each.

use std::collections::{HashMap, HashSet};

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::json;

use super::model::{CatalogError, Edit, Occasion};
use super::rules::{self, UNCATEGORIZED};
use super::{queries, words};
use crate::audit;
use crate::db::{Conn, Sequence};
use crate::ids::CategoryId;

type Result<T> = std::result::Result<T, CatalogError>;

crate::row! {
    /// A category.
    #[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
    #[serde(rename_all = "camelCase")]
    pub struct Category {
        /// Its id.
        pub id: CategoryId,
        /// The category above.
        pub parent_id: Option<CategoryId>,
        /// Its name.
        pub name: String,
        /// Its place among its neighbours.
        pub position: i64,
        /// How many products on sale stand in it, those of categories below not counted.
        pub product_count: i64,
        /// Rises with each change.
        pub version: i64,
    }
}

/// A change of a category; what is absent stays.
#[derive(Debug, Clone, Default)]
pub struct CategoryChange {
    /// Its name.
    pub name: Option<String>,
    /// The category above; cleared, it stands at the top.
    pub parent: Edit<CategoryId>,
    /// Its place among its neighbours.
    pub position: Option<i64>,
}

/// All categories, in their order.
pub fn list(conn: &mut Conn<'_>) -> Result<Vec<Category>> {
    Ok(conn.all(&queries::LIST_CATEGORIES, &[])?)
}

/// A category that is there.
pub fn load(conn: &mut Conn<'_>, id: CategoryId) -> Result<Category> {
    conn.first(&queries::FIND_CATEGORY, &[id.into()])?.ok_or(CatalogError::NoCategory)
}

/// The category that somebody means by a name, else by an id.
pub fn find_meant(conn: &mut Conn<'_>, text: &str) -> Result<Option<CategoryId>> {
    let key = words::fold(text);
    let known = conn.all(&queries::CATEGORY_KEYS, &[])?;
    let named = known.iter().find(|category| category.name_key == key);
    let numbered = || text.parse().ok().and_then(|id: CategoryId| known.iter().find(|category| category.id == id));
    Ok(named.or_else(numbered).map(|category| category.id))
}

/// A category and all that stand below it.
pub fn with_all_below(conn: &mut Conn<'_>, id: CategoryId) -> Result<HashSet<CategoryId>> {
    let known = conn.all(&queries::CATEGORY_KEYS, &[])?;
    let mut below = HashSet::from([id]);
    loop {
        let before = below.len();
        below.extend(
            known
                .iter()
                .filter(|one| one.parent_id.is_some_and(|parent| below.contains(&parent)))
                .map(|one| one.id)
                .collect::<Vec<_>>(),
        );
        if below.len() == before {
            return Ok(below);
        }
    }
}

/// Adds a category.
pub fn create(
    conn: &mut Conn<'_>,
    name: &str,
    parent: Option<CategoryId>,
    position: i64,
    on: Occasion<'_>,
) -> Result<Category> {
    rules::check_category_name(name)?;
    if let Some(parent) = parent {
        load(conn, parent)?;
    }
    let id = CategoryId::new(conn.next_id(Sequence::Categories)?);
    let row = [id.into(), parent.into(), name.into(), words::fold(name).into(), position.into(), on.by.now.into()];
    conn.execute_many(&queries::INSERT_CATEGORIES, [row]).map_err(|error| taken(error, name))?;
    audit::record(conn, on.by, "category.create", &format!("category:{id}"), &json!({ "name": name }))?;
    load(conn, id)
}

/// Changes a category; its products' versions rise with it, because they show its name.
pub fn change(
    conn: &mut Conn<'_>,
    id: CategoryId,
    expected: Option<i64>,
    change: &CategoryChange,
    on: Occasion<'_>,
) -> Result<Category> {
    let before = load(conn, id)?;
    if expected.is_some_and(|version| version != before.version) {
        return Err(CatalogError::Stale);
    }
    let name = change.name.as_deref().unwrap_or(&before.name);
    let parent = change.parent.apply(before.parent_id);
    let position = change.position.unwrap_or(before.position);
    rules::check_category_name(name)?;
    if let Some(parent) = parent {
        load(conn, parent)?;
        refuse_loop(conn, id, parent)?;
    }
    let row = [id.into(), name.into(), words::fold(name).into(), parent.into(), position.into()];
    conn.execute(&queries::UPDATE_CATEGORY, &row).map_err(|error| taken(error, name))?;
    if name != before.name {
        conn.execute(&queries::TOUCH_CATEGORY_PRODUCTS, &[id.into()])?;
    }
    let detail = json!({ "name": [before.name, name], "parent": [before.parent_id, parent] });
    audit::record(conn, on.by, "category.update", &format!("category:{id}"), &detail)?;
    load(conn, id)
}

/// Deletes a category that holds nothing.
pub fn delete(conn: &mut Conn<'_>, id: CategoryId, on: Occasion<'_>) -> Result<Category> {
    let category = load(conn, id)?;
    let (products, children) = conn.only(&queries::COUNT_CATEGORY_USES, &[id.into()])?;
    if products + children > 0 {
        return Err(CatalogError::CategoryInUse { name: category.name, products, children });
    }
    conn.execute(&queries::DELETE_CATEGORY, &[id.into()])?;
    audit::record(conn, on.by, "category.delete", &format!("category:{id}"), &json!({ "name": category.name }))?;
    Ok(category)
}

fn refuse_loop(conn: &mut Conn<'_>, id: CategoryId, parent: CategoryId) -> Result<()> {
    let above: HashMap<CategoryId, Option<CategoryId>> =
        conn.all(&queries::CATEGORY_KEYS, &[])?.into_iter().map(|category| (category.id, category.parent_id)).collect();
    let mut at = Some(parent);
    // A chain cannot be longer than there are categories.
    for _ in 0..=above.len() {
        match at {
            None => return Ok(()),
            Some(here) if here == id => break,
            Some(here) => at = above.get(&here).copied().flatten(),
        }
    }
    Err(CatalogError::CategoryLoop)
}

fn taken(error: crate::db::Error, name: &str) -> CatalogError {
    if error.violated() == Some("categories_name_unique") {
        CatalogError::CategoryTaken(name.to_owned())
    } else {
        error.into()
    }
}

/// The categories by name, for many products at once; unknown ones are made.
pub struct Shelves {
    by_key: HashMap<String, (CategoryId, Option<CategoryId>)>,
}

impl Shelves {
    /// Reads all categories.
    pub fn read(conn: &mut Conn<'_>) -> crate::db::Result<Self> {
        let known = conn.all(&queries::CATEGORY_KEYS, &[])?;
        Ok(Self { by_key: known.into_iter().map(|one| (one.name_key, (one.id, one.parent_id))).collect() })
    }

    /// The category of a name, below another when one is named. A name that already stands somewhere else
    /// in the tree gets the upper name behind it, because names are unique.
    pub fn place(
        &mut self,
        conn: &mut Conn<'_>,
        name: &str,
        parent: &str,
        on: Occasion<'_>,
    ) -> crate::db::Result<CategoryId> {
        let name = if name.trim().is_empty() { UNCATEGORIZED } else { name.trim() };
        let parent = parent.trim();
        if parent.is_empty() || words::fold(parent) == words::fold(name) {
            return self.find_or_make(conn, name, None, on);
        }
        let above = self.find_or_make(conn, parent, None, on)?;
        match self.by_key.get(&words::fold(name)) {
            Some((id, below)) if below.is_none_or(|below| below == above) && *id != above => Ok(*id),
            Some(_) => self.find_or_make(conn, &format!("{name} ({parent})"), Some(above), on),
            None => self.find_or_make(conn, name, Some(above), on),
        }
    }

    fn find_or_make(
        &mut self,
        conn: &mut Conn<'_>,
        name: &str,
        parent: Option<CategoryId>,
        on: Occasion<'_>,
    ) -> crate::db::Result<CategoryId> {
        let key = words::fold(name);
        if let Some((id, _)) = self.by_key.get(&key) {
            return Ok(*id);
        }
        let id = CategoryId::new(conn.next_id(Sequence::Categories)?);
        let row = [id.into(), parent.into(), name.into(), (&key).into(), 0_i64.into(), on.by.now.into()];
        conn.execute_many(&queries::INSERT_CATEGORIES, [row])?;
        self.by_key.insert(key, (id, parent));
        Ok(id)
    }
}
