//! What a product may be.

use super::barcode::Barcode;
use super::model::{Edit, Flaw, NewProduct, Product, ProductChange, Status, Unit};
use crate::money::{Money, Quantity, Rating, TaxRate};

/// The category of products that came without one.
pub const UNCATEGORIZED: &str = "Uncategorized";
/// How many barcodes a product may have.
const MOST_BARCODES: usize = 50;

type Result<T> = std::result::Result<T, Flaw>;

crate::words! {
    /// How full a shelf is, in a word.
    pub enum Fullness {
        /// Nothing is left.
        Out = "out",
        /// At or below the reorder level, or ten where none is set.
        Low = "low",
        /// At or below thirty.
        Medium = "medium",
        /// More.
        Good = "good",
        /// It is not counted.
        Uncounted = "uncounted",
    }
}

/// How full the shelf of a product is.
pub fn fullness(product: &Product) -> Fullness {
    let level = match product.reorder_level_milli {
        unset if unset.is_zero() => Quantity::whole(10),
        level => level,
    };
    match product.on_hand_milli {
        _ if !product.track_stock => Fullness::Uncounted,
        on_hand if on_hand <= Quantity::ZERO => Fullness::Out,
        on_hand if on_hand <= level => Fullness::Low,
        on_hand if on_hand <= Quantity::whole(30) => Fullness::Medium,
        _ => Fullness::Good,
    }
}

/// A price that is so many basis points higher or lower, rounded half up to the paisa.
pub fn repriced(price: Money, change_bp: i64) -> Money {
    let paise = i128::from(price.as_paise()) * i128::from(10_000 + change_bp);
    Money::paise(i64::try_from(crate::money::divide_half_up(paise, 10_000)).unwrap_or(i64::MAX))
}

/// Checks a product to be added and returns its barcodes in their stored form.
pub fn check_new(product: &NewProduct) -> Result<Vec<Barcode>> {
    check_text("name", &product.name, 1, 200)?;
    check_text("nameLocal", &product.name_local, 0, 200)?;
    check_text("description", &product.description, 0, 5_000)?;
    check_text("category", &product.category, 0, 100)?;
    check_text("category", &product.parent_category, 0, 100)?;
    check_text("brand", &product.brand, 0, 100)?;
    if let Some(sku) = &product.sku {
        check_code("sku", sku, 64)?;
    }
    if let Some(item_code) = &product.item_code {
        check_code("itemCode", item_code, 20)?;
    }
    check_hsn(&product.hsn)?;
    check_numbers(product.price, product.mrp, product.cost, product.tax_rate, product.rating, product.review_count)?;
    check_quantities(product.sold_before, product.reorder_level, product.reorder_quantity)?;
    check_stock(product.unit, product.stock)?;
    check_barcodes(&product.barcodes)
}

/// Refuses a price above the MRP: a retailer may not charge more than what is printed.
pub fn check_mrp(price: Money, mrp: Option<Money>) -> Result<()> {
    match mrp {
        Some(mrp) if price > mrp => {
            Err(Flaw::new("price", "above_mrp", format!("The price {price} is above the MRP {mrp}.")))
        }
        _ => Ok(()),
    }
}

/// What a change makes of a product; refused when the outcome may not be. The category is looked up by
/// the caller, and so are barcodes and stock, which are not in the row.
pub fn apply(before: &Product, change: &ProductChange) -> Result<Product> {
    let mut after = before.clone();
    let change = change.clone();
    set(&mut after.sku, change.sku);
    set(&mut after.name, change.name);
    set(&mut after.name_local, change.name_local);
    set(&mut after.description, change.description);
    set(&mut after.brand, change.brand);
    set(&mut after.unit, change.unit);
    after.mrp_paise = change.mrp.apply(after.mrp_paise);
    set(&mut after.price_paise, change.price);
    set(&mut after.price_includes_tax, change.price_includes_tax);
    after.cost_paise = change.cost.apply(after.cost_paise);
    set(&mut after.tax_rate_bp, change.tax_rate);
    set(&mut after.hsn, change.hsn);
    after.rating_centi = change.rating.apply(after.rating_centi);
    set(&mut after.review_count, change.review_count);
    set(&mut after.sold_before_milli, change.sold_before);
    after.item_code = change.item_code.apply(after.item_code);
    set(&mut after.status, change.status);
    set(&mut after.track_stock, change.track_stock);
    set(&mut after.track_batches, change.track_batches);
    set(&mut after.allow_negative, change.allow_negative);
    set(&mut after.reorder_level_milli, change.reorder_level);
    set(&mut after.reorder_quantity_milli, change.reorder_quantity);

    check_text("name", &after.name, 1, 200)?;
    check_text("nameLocal", &after.name_local, 0, 200)?;
    check_text("description", &after.description, 0, 5_000)?;
    check_text("category", change.category.as_deref().unwrap_or("-"), 1, 100)?;
    check_text("category", change.parent_category.as_deref().unwrap_or_default(), 0, 100)?;
    check_text("brand", &after.brand, 0, 100)?;
    check_code("sku", &after.sku, 64)?;
    if let Some(item_code) = &after.item_code {
        check_code("itemCode", item_code, 20)?;
    }
    check_hsn(&after.hsn)?;
    check_numbers(
        after.price_paise,
        after.mrp_paise,
        after.cost_paise,
        after.tax_rate_bp,
        after.rating_centi,
        after.review_count,
    )?;
    check_quantities(after.sold_before_milli, after.reorder_level_milli, after.reorder_quantity_milli)?;
    if let Some(stock) = change.stock {
        check_stock(after.unit, stock)?;
    } else if after.unit != before.unit {
        check_stock(after.unit, Quantity::milli(before.on_hand_milli.as_milli().abs()))?;
    }
    Ok(after)
}

/// All of a product as a change that would bring it back.
pub fn snapshot(product: &Product, barcodes: Vec<String>) -> ProductChange {
    let product = product.clone();
    ProductChange {
        sku: Some(product.sku),
        name: Some(product.name),
        name_local: Some(product.name_local),
        description: Some(product.description),
        category: Some(product.category),
        parent_category: None,
        brand: Some(product.brand),
        unit: Some(product.unit),
        mrp: Edit::to(product.mrp_paise),
        price: Some(product.price_paise),
        price_includes_tax: Some(product.price_includes_tax),
        cost: Edit::to(product.cost_paise),
        tax_rate: Some(product.tax_rate_bp),
        hsn: Some(product.hsn),
        rating: Edit::to(product.rating_centi),
        review_count: Some(product.review_count),
        sold_before: Some(product.sold_before_milli),
        item_code: Edit::to(product.item_code),
        barcodes: Some(barcodes),
        status: Some(product.status),
        track_stock: Some(product.track_stock),
        track_batches: Some(product.track_batches),
        allow_negative: Some(product.allow_negative),
        stock: None,
        reorder_level: Some(product.reorder_level_milli),
        reorder_quantity: Some(product.reorder_quantity_milli),
    }
}

impl ProductChange {
    /// A change read as a whole product, with the usual for what it does not say.
    ///
    /// # Errors
    /// The first of name and price that is missing.
    pub fn into_new(self) -> Result<NewProduct> {
        let missing = |field: &'static str| Flaw::new(field, "missing", format!("Missing required field: {field}"));
        let name = self.name.filter(|name| !name.is_empty()).ok_or_else(|| missing("name"))?;
        let price = self.price.ok_or_else(|| missing("price"))?;
        let usual = NewProduct::named(name, self.category.unwrap_or_default(), price);
        let stock = self.stock.unwrap_or_default();
        // Whoever sells fractions without naming a unit weighs.
        let unit = self.unit.unwrap_or(if stock.is_whole() { Unit::Piece } else { Unit::Kilogram });
        Ok(NewProduct {
            sku: self.sku.filter(|sku| !sku.is_empty()),
            name_local: self.name_local.unwrap_or_default(),
            description: self.description.unwrap_or_default(),
            parent_category: self.parent_category.unwrap_or_default(),
            brand: self.brand.unwrap_or_default(),
            unit,
            mrp: self.mrp.apply(None),
            price_includes_tax: self.price_includes_tax.unwrap_or(true),
            cost: self.cost.apply(None),
            tax_rate: self.tax_rate.unwrap_or_default(),
            hsn: self.hsn.unwrap_or_default(),
            rating: self.rating.apply(None),
            review_count: self.review_count.unwrap_or_default(),
            sold_before: self.sold_before.unwrap_or_default(),
            item_code: self.item_code.apply(None),
            barcodes: self.barcodes.unwrap_or_default(),
            status: self.status.unwrap_or(Status::Active),
            track_stock: self.track_stock.unwrap_or(true),
            track_batches: self.track_batches.unwrap_or_default(),
            allow_negative: self.allow_negative.unwrap_or_default(),
            stock,
            reorder_level: self.reorder_level.unwrap_or_default(),
            reorder_quantity: self.reorder_quantity.unwrap_or_default(),
            ..usual
        })
    }
}

/// Reads barcodes into their stored form; one that is named twice counts once.
pub fn check_barcodes(barcodes: &[String]) -> Result<Vec<Barcode>> {
    if barcodes.len() > MOST_BARCODES {
        return Err(Flaw::new("barcodes", "too_many", format!("A product has at most {MOST_BARCODES} barcodes.")));
    }
    let mut read: Vec<Barcode> = Vec::with_capacity(barcodes.len());
    for code in barcodes {
        let barcode = Barcode::parse(code).map_err(|error| Flaw::new("barcodes", "invalid", error.to_string()))?;
        if read.iter().all(|other| other.code() != barcode.code()) {
            read.push(barcode);
        }
    }
    Ok(read)
}

/// Refuses a name that no category may have.
pub fn check_category_name(name: &str) -> Result<()> {
    check_text("name", name, 1, 100)
}

fn set<T>(field: &mut T, value: Option<T>) {
    if let Some(value) = value {
        *field = value;
    }
}

/// Refuses a text that is too short or too long, or holds what cannot be printed.
pub fn check_text(field: &'static str, text: &str, least: usize, most: usize) -> Result<()> {
    let length = text.chars().count();
    if text.trim().chars().count() < least {
        return Err(Flaw::new(field, "missing", format!("Missing required field: {field}")));
    }
    if length > most {
        return Err(Flaw::new(field, "too_long", format!("{field} has at most {most} characters.")));
    }
    if text.chars().any(|one| one.is_control() && !(field == "description" && matches!(one, '\n' | '\t'))) {
        return Err(Flaw::new(field, "invalid", format!("{field} holds a character that cannot be printed.")));
    }
    Ok(())
}

/// Refuses a code that is empty or too long, or has spaces at its ends.
pub fn check_code(field: &'static str, code: &str, most: usize) -> Result<()> {
    let fits = (1..=most).contains(&code.chars().count()) && !code.chars().any(char::is_control);
    if fits && code.trim() == code {
        return Ok(());
    }
    Err(Flaw::new(field, "invalid", format!("{field} has 1 to {most} characters, without spaces at its ends.")))
}

fn check_hsn(hsn: &str) -> Result<()> {
    let fits = hsn.is_empty() || ((2..=8).contains(&hsn.len()) && hsn.bytes().all(|byte| byte.is_ascii_digit()));
    if fits { Ok(()) } else { Err(Flaw::new("hsn", "invalid", "An HSN code has 2 to 8 digits.")) }
}

fn check_numbers(
    price: Money,
    mrp: Option<Money>,
    cost: Option<Money>,
    tax_rate: TaxRate,
    rating: Option<Rating>,
    review_count: i64,
) -> Result<()> {
    if price.is_negative() {
        return Err(Flaw::new("price", "negative", "Price cannot be negative"));
    }
    if mrp.is_some_and(Money::is_negative) {
        return Err(Flaw::new("mrp", "negative", "The MRP cannot be negative."));
    }
    if cost.is_some_and(Money::is_negative) {
        return Err(Flaw::new("cost", "negative", "The cost cannot be negative."));
    }
    if !(0..=10_000).contains(&tax_rate.as_basis_points()) {
        return Err(Flaw::new("taxRate", "invalid", "A tax rate is between 0 and 100 per cent."));
    }
    if rating.is_some_and(|rating| !(0..=500).contains(&rating.as_centi())) {
        return Err(Flaw::new("rating", "invalid", "A rating is between 0 and 5."));
    }
    if review_count < 0 {
        return Err(Flaw::new("reviewCount", "negative", "The number of reviews cannot be negative."));
    }
    Ok(())
}

fn check_quantities(sold_before: Quantity, reorder_level: Quantity, reorder_quantity: Quantity) -> Result<()> {
    for (field, quantity) in
        [("soldBefore", sold_before), ("reorderLevel", reorder_level), ("reorderQuantity", reorder_quantity)]
    {
        if quantity.is_negative() {
            return Err(Flaw::new(field, "negative", format!("{field} cannot be negative.")));
        }
    }
    Ok(())
}

fn check_stock(unit: Unit, stock: Quantity) -> Result<()> {
    if stock.is_negative() {
        return Err(Flaw::new("stock", "negative", "Stock cannot be negative"));
    }
    if !unit.fits(stock) {
        let sentence =
            format!("Stock of {stock} is not whole, but the product is counted in pieces. Set its unit too.");
        return Err(Flaw::new("stock", "not_whole", sentence));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tea() -> NewProduct {
        NewProduct::named("Green tea", "Drinks", Money::paise(450))
    }

    #[test]
    fn a_product_that_may_not_be_is_refused_by_its_field() {
        type Spoil = fn(&mut NewProduct);
        let cases: [(Spoil, &str, &str); 9] = [
            (|tea| tea.name = "  ".to_owned(), "name", "missing"),
            (|tea| tea.name = "a\u{0}b".to_owned(), "name", "invalid"),
            (|tea| tea.price = Money::paise(-1), "price", "negative"),
            (|tea| tea.stock = Quantity::milli(-1), "stock", "negative"),
            (|tea| tea.stock = Quantity::milli(500), "stock", "not_whole"),
            (|tea| tea.rating = Some(Rating::centi(501)), "rating", "invalid"),
            (|tea| tea.hsn = "09A2".to_owned(), "hsn", "invalid"),
            (|tea| tea.barcodes = vec!["8904000210038".to_owned()], "barcodes", "invalid"),
            (|tea| tea.sku = Some(" X".to_owned()), "sku", "invalid"),
        ];
        for (spoil, field, code) in cases {
            let mut product = tea();
            spoil(&mut product);
            let flaw = check_new(&product).unwrap_err();
            assert_eq!((flaw.field, flaw.code), (field, code));
        }
        assert_eq!(check_new(&tea()), Ok(Vec::new()));
    }

    #[test]
    fn a_barcode_named_twice_counts_once() {
        let codes = ["036000241457", "0036000241457"].map(str::to_owned);
        assert_eq!(check_barcodes(&codes).unwrap().len(), 1);
    }

    #[test]
    fn fractions_without_a_unit_are_weighed() {
        let change = ProductChange {
            name: Some("Rice".to_owned()),
            price: Some(Money::paise(6000)),
            stock: Some(Quantity::milli(12_500)),
            ..ProductChange::default()
        };
        assert_eq!(change.clone().into_new().unwrap().unit, Unit::Kilogram);
        let whole = ProductChange { stock: Some(Quantity::whole(12)), ..change };
        assert_eq!(whole.into_new().unwrap().unit, Unit::Piece);
    }

    #[test]
    fn prices_move_by_basis_points_and_are_rounded_half_up() {
        for (paise, change_bp, after) in [(10_000, 500, 10_500), (999, 1000, 1099), (5, 1000, 6), (100, -10_000, 0)] {
            assert_eq!(repriced(Money::paise(paise), change_bp), Money::paise(after));
        }
    }

    #[test]
    fn a_price_may_reach_the_mrp_and_not_pass_it() {
        assert!(check_mrp(Money::paise(100), Some(Money::paise(100))).is_ok());
        assert!(check_mrp(Money::paise(100), None).is_ok());
        assert_eq!(check_mrp(Money::paise(101), Some(Money::paise(100))).unwrap_err().code, "above_mrp");
    }
}
