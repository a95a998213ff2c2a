//! *Smart Inventory*: products behind a key.

use crate::web::Routes;

pub(super) fn routes() -> Routes {
    Routes::new()
}
