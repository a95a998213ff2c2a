//! Routes for settings, stores and the payment QR.

use crate::web::{Problem, Routes};

use super::model::ShopError;

/// The routes of the shop.
pub fn routes() -> Routes {
    Routes::new()
}

impl From<ShopError> for Problem {
    fn from(error: ShopError) -> Self {
        let sentence = error.to_string();
        match error {
            ShopError::NoStore(_) => Self::not_found(sentence),
            ShopError::CodeTaken(_) => Self::field("code", "taken", sentence),
            ShopError::Stale => crate::web::extract::stale(),
            ShopError::Db(error) => error.into(),
        }
    }
}
