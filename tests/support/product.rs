//! Products for a test: `shop.product("Green tea 100 g").price("4.50").on_hand(2).create().await`.

use kirana::ids::ProductId;
use kirana::staff::Role;
use serde_json::{Value, json};

use super::shop::Shop;

/// A product that is to be added.
#[must_use = "a product is added by `create`"]
pub struct NewProduct<'s> {
    shop: &'s Shop,
    body: Value,
}

/// A product that the shop sells.
#[derive(Debug, Clone)]
pub struct Product {
    pub id: ProductId,
    pub name: String,
}

impl Shop {
    /// A product that costs 1.00 and is not on hand, unless something else is said.
    pub fn product(&self, name: &str) -> NewProduct<'_> {
        let body = json!({ "name": name, "category": "Groceries", "price": "1.00", "stock": 0 });
        NewProduct { shop: self, body }
    }

    /// What is on hand in the first store, as the API writes it.
    pub async fn on_hand(&self, product: &Product) -> Value {
        let owner = self.sign_in(Role::Owner).await;
        owner.get(&format!("/api/products/{}", product.id)).await.expect(200).json()["stock"].clone()
    }
}

impl NewProduct<'_> {
    pub fn price(self, price: &str) -> Self {
        self.with("price", price)
    }

    pub fn on_hand(self, quantity: i64) -> Self {
        self.with("stock", quantity)
    }

    /// Any other field of the API's body.
    pub fn with(mut self, field: &str, value: impl Into<Value>) -> Self {
        self.body[field] = value.into();
        self
    }

    /// Adds it, as the owner does.
    pub async fn create(self) -> Product {
        let owner = self.shop.sign_in(Role::Owner).await;
        let made = owner.post("/api/products", self.body).await.expect(201).json();
        Product { id: made["id"].as_str().unwrap().parse().unwrap(), name: made["name"].as_str().unwrap().to_owned() }
    }
}
