//! The fields of a product as a form shows and sends them.

use super::super::model::{Edit, Product, ProductChange, Status, Unit};
use crate::money::{Money, NumberError, Quantity, TaxRate};
use crate::web::{Fields, Form, Problem};

/// The values of the form: what is stored, or what somebody typed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is a box on the page")]
pub(super) struct Values {
    pub name: String,
    pub name_local: String,
    pub category: String,
    pub brand: String,
    pub unit: String,
    pub price: String,
    pub mrp: String,
    pub cost: String,
    pub tax_rate: String,
    pub hsn: String,
    pub sku: String,
    pub item_code: String,
    pub barcodes: String,
    pub stock: String,
    pub reorder_level: String,
    pub reorder_quantity: String,
    pub description: String,
    pub includes_tax: bool,
    pub tracked: bool,
    pub negative: bool,
    pub archived: bool,
}

impl Values {
    /// An empty form, with what is usual.
    pub fn usual() -> Self {
        Self {
            unit: Unit::Piece.word().to_owned(),
            stock: "0".to_owned(),
            tax_rate: "0".to_owned(),
            includes_tax: true,
            tracked: true,
            ..Self::default()
        }
    }

    /// What is stored of a product.
    pub fn stored(product: &Product, barcodes: &[String]) -> Self {
        let optional = |amount: Option<Money>| amount.map(|amount| amount.to_string()).unwrap_or_default();
        let level = |level: Quantity| if level.is_zero() { String::new() } else { level.to_string() };
        Self {
            name: product.name.clone(),
            name_local: product.name_local.clone(),
            category: product.category.clone(),
            brand: product.brand.clone(),
            unit: product.unit.word().to_owned(),
            price: product.price_paise.to_string(),
            mrp: optional(product.mrp_paise),
            cost: optional(product.cost_paise),
            tax_rate: product.tax_rate_bp.to_string(),
            hsn: product.hsn.clone(),
            sku: product.sku.clone(),
            item_code: product.item_code.clone().unwrap_or_default(),
            barcodes: barcodes.join("\n"),
            stock: product.on_hand_milli.to_string(),
            reorder_level: level(product.reorder_level_milli),
            reorder_quantity: level(product.reorder_quantity_milli),
            description: product.description.clone(),
            includes_tax: product.price_includes_tax,
            tracked: product.track_stock,
            negative: product.allow_negative,
            archived: product.status == Status::Archived,
        }
    }

    /// What was typed.
    pub fn typed(form: &Form) -> Self {
        let text = |name| form.value(name).to_owned();
        Self {
            name: text("name"),
            name_local: text("name_local"),
            category: text("category"),
            brand: text("brand"),
            unit: text("unit"),
            price: text("price"),
            mrp: text("mrp"),
            cost: text("cost"),
            tax_rate: text("tax_rate"),
            hsn: text("hsn"),
            sku: text("sku"),
            item_code: text("item_code"),
            barcodes: text("barcodes").replace("\r\n", "\n"),
            stock: text("stock"),
            reorder_level: text("reorder_level"),
            reorder_quantity: text("reorder_quantity"),
            description: text("description"),
            includes_tax: form.ticked("includes_tax"),
            tracked: form.ticked("tracked"),
            negative: form.ticked("negative"),
            archived: form.ticked("archived"),
        }
    }

    /// The same as a change of a product. Stock is changed only when `stock_before` says what it was and
    /// something else was typed: what was sold meanwhile stays sold.
    pub fn change(&self, stock_before: Option<&str>) -> Result<ProductChange, Problem> {
        let mut fields = Fields::default();
        let mut money = |name: &'static str, text: &str| optional(&mut fields, name, text, Money::parse);
        let (price, mrp, cost) = (money("price", &self.price), money("mrp", &self.mrp), money("cost", &self.cost));
        let tax_rate = optional(&mut fields, "taxRate", &self.tax_rate, TaxRate::parse);
        let mut quantity = |name: &'static str, text: &str| optional(&mut fields, name, text, Quantity::parse);
        let (level, order) =
            (quantity("reorderLevel", &self.reorder_level), quantity("reorderQuantity", &self.reorder_quantity));
        let stock = quantity("stock", &self.stock).filter(|_| stock_before != Some(self.stock.as_str()));
        let unit = Unit::from_word(&self.unit);
        fields.check(!self.name.is_empty(), "name", "missing", "A product needs a name.");
        fields.check(!self.price.is_empty(), "price", "missing", "A product needs a price.");
        fields.check(unit.is_some(), "unit", "invalid", "Choose a unit.");
        fields.into_result()?;
        let codes = self.barcodes.split(['\n', ',', ';', ' ']).map(str::trim).filter(|code| !code.is_empty());
        let category = if self.category.is_empty() { "Uncategorized" } else { &self.category };
        Ok(ProductChange {
            name: Some(self.name.clone()),
            name_local: Some(self.name_local.clone()),
            category: Some(category.to_owned()),
            brand: Some(self.brand.clone()),
            unit,
            price,
            mrp: Edit::to(mrp),
            cost: Edit::to(cost),
            tax_rate: Some(tax_rate.unwrap_or_default()),
            hsn: Some(self.hsn.clone()),
            sku: Some(self.sku.clone()).filter(|sku| !sku.is_empty()),
            item_code: Edit::to(Some(self.item_code.clone()).filter(|code| !code.is_empty())),
            barcodes: Some(codes.map(str::to_owned).collect()),
            stock,
            reorder_level: Some(level.unwrap_or_default()),
            reorder_quantity: Some(order.unwrap_or_default()),
            description: Some(self.description.clone()),
            price_includes_tax: Some(self.includes_tax),
            track_stock: Some(self.tracked),
            allow_negative: Some(self.negative),
            status: Some(if self.archived { Status::Archived } else { Status::Active }),
            ..ProductChange::default()
        })
    }
}

fn optional<T>(
    fields: &mut Fields,
    name: &'static str,
    text: &str,
    parse: fn(&str) -> Result<T, NumberError>,
) -> Option<T> {
    if text.is_empty() {
        return None;
    }
    match parse(text) {
        Ok(value) => Some(value),
        Err(error) => {
            fields.wrong(name, "invalid_number", format!("`{text}` {error}."));
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stock_that_nobody_touched_is_not_set() {
        let values =
            Values { name: "Tea".to_owned(), price: "4.50".to_owned(), stock: "12".to_owned(), ..Values::usual() };
        assert_eq!(values.change(Some("12")).unwrap().stock, None);
        assert_eq!(values.change(Some("13")).unwrap().stock, Some(Quantity::whole(12)));
    }

    #[test]
    fn every_field_that_is_wrong_is_named() {
        let values = Values { price: "x".to_owned(), mrp: "1.005".to_owned(), ..Values::usual() };
        let problem = values.change(None).unwrap_err();
        let named: Vec<&str> = problem.fields.iter().map(|field| field.field.as_str()).collect();
        assert_eq!(named, ["price", "mrp", "name"]);
    }
}
