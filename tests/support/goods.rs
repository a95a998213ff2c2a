//! Goods for the shelves.

use kirana::audit::By;
use kirana::db::Sequence;
use kirana::ids::{ProductId, StoreId};
use kirana::money::{Money, Quantity, TaxRate};
use kirana::shop;
use kirana::stock::{Opening, StockError};

use super::shop::Shop;

/// A product that is about to be put on a shelf.
#[must_use = "goods are there once they are created"]
pub struct Goods<'s> {
    shop: &'s Shop,
    name: String,
    unit: &'static str,
    price: Money,
    cost: Option<Money>,
    tax_rate: TaxRate,
    includes_tax: bool,
    shelves: Vec<(StoreId, Quantity)>,
    reorder_level: Quantity,
    tracked: bool,
}

kirana::statements! {
    INSERT_CATEGORY() =
        "insert into categories (id, name, name_key, created_at) values (1, 'Tea', 'tea', 0)
         on conflict (id) do nothing";
    INSERT(Int, Text, Text, Text, Text, Int, Int, Int, Int, Int) =
        "insert into products (id, sku, name, name_key, unit, price_paise, cost_paise, tax_rate_bp,
                               price_includes_tax, track_stock, category_id, created_at, updated_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, 1, 0, 0)";
}

impl Shop {
    /// A product that is sold by the piece, costs a hundred rupees and is not there.
    pub fn goods(&self, name: &str) -> Goods<'_> {
        Goods {
            shop: self,
            name: name.to_owned(),
            unit: "pcs",
            price: Money::paise(10_000),
            cost: None,
            tax_rate: TaxRate::basis_points(0),
            includes_tax: true,
            shelves: Vec::new(),
            reorder_level: Quantity::ZERO,
            tracked: true,
        }
    }

    /// What the first store has of a product.
    pub async fn left(&self, product: ProductId) -> String {
        let sql = format!("select on_hand_milli from stock where store_id = 1 and product_id = {product}");
        Quantity::milli(self.number(&sql).await).to_string()
    }
}

impl Goods<'_> {
    /// What one costs the customer.
    pub fn price(mut self, rupees: &str) -> Self {
        self.price = Money::parse(rupees).unwrap();
        self
    }

    /// What one cost the shop.
    pub fn cost(mut self, rupees: &str) -> Self {
        self.cost = Some(Money::parse(rupees).unwrap());
        self
    }

    /// How much of it is in the first store.
    pub fn on_hand(self, pieces: i64) -> Self {
        self.in_store(StoreId::new(1), pieces)
    }

    /// How much of it is in a store.
    pub fn in_store(mut self, store: StoreId, pieces: i64) -> Self {
        self.shelves.push((store, Quantity::milli(pieces * 1_000)));
        self
    }

    /// Sold by weight or measure.
    pub fn unit(mut self, unit: &'static str) -> Self {
        self.unit = unit;
        self
    }

    /// The tax in its price.
    pub fn tax_bp(mut self, basis_points: i64) -> Self {
        self.tax_rate = TaxRate::basis_points(basis_points);
        self
    }

    /// Tax comes on top of its price.
    pub fn without_tax_in_price(mut self) -> Self {
        self.includes_tax = false;
        self
    }

    /// At or below this it is low.
    pub fn reorder_level(mut self, pieces: i64) -> Self {
        self.reorder_level = Quantity::milli(pieces * 1_000);
        self
    }

    /// A service, or what nobody counts.
    pub fn uncounted(mut self) -> Self {
        self.tracked = false;
        self
    }

    /// Puts it on the shelf.
    pub async fn create(self) -> ProductId {
        let now = self.shop.clock.now();
        let Self { name, unit, price, cost, tax_rate, includes_tax, shelves, reorder_level, tracked, .. } = self;
        let create = move |conn: &mut kirana::db::Conn<'_>| {
            let id = ProductId::new(conn.next_id(Sequence::Products)?);
            let sku = format!("SKU{id}");
            conn.execute(&INSERT_CATEGORY, &[])?;
            conn.execute(
                &INSERT,
                &[
                    id.into(),
                    sku.into(),
                    (&name).into(),
                    name.to_lowercase().into(),
                    unit.into(),
                    price.into(),
                    cost.into(),
                    tax_rate.into(),
                    includes_tax.into(),
                    tracked.into(),
                ],
            )?;
            let opening = |(store, on_hand): &(StoreId, Quantity)| Opening {
                store: *store,
                product: id,
                on_hand: *on_hand,
                reorder_level,
                reorder_quantity: Quantity::ZERO,
                allow_negative: false,
                unit_cost: cost,
            };
            let openings: Vec<Opening> = shelves.iter().map(opening).collect();
            let today = shop::current(conn)?.business_date(now);
            kirana::stock::actions::open(conn, &openings, None, By::system(now), today)?;
            Ok::<_, StockError>(id)
        };
        self.shop.db.write(create).await.unwrap()
    }
}
