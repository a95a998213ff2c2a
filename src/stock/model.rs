//! Stock rows and moves.

use schemars::JsonSchema;
use serde::Serialize;

use crate::clock::Timestamp;
use crate::ids::{MoveId, OrderId, ProductId, StoreId, UserId};
use crate::money::{Money, Quantity};

crate::words! {
    /// Why stock changed.
    pub enum Reason {
        /// It was there when the shop began to count.
        Opening = "opening",
        /// It was sold.
        Sale = "sale",
        /// An order was cancelled.
        Cancellation = "cancellation",
        /// A customer brought it back.
        Return = "return",
        /// It was delivered.
        Purchase = "purchase",
        /// It was corrected by hand.
        Adjustment = "adjustment",
        /// It was counted.
        Count = "count",
        /// It went to or came from another store.
        Transfer = "transfer",
        /// It broke or spoiled.
        Damage = "damage",
        /// It was too old to sell.
        Expiry = "expiry",
    }
}

impl Reason {
    /// May be given by hand; the others follow from sales, returns and deliveries.
    pub const fn by_hand(self) -> bool {
        matches!(self, Self::Adjustment | Self::Count | Self::Damage | Self::Expiry | Self::Purchase)
    }
}

crate::row! {
    /// A product's stock in a store, as a change needs to see it.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub struct Shelf {
        /// The store.
        pub store_id: StoreId,
        /// The product.
        pub product_id: ProductId,
        /// What is there.
        pub on_hand_milli: Quantity,
        /// At or below this it should be ordered again.
        pub reorder_level_milli: Quantity,
        /// It may fall below zero.
        pub allow_negative: bool,
        /// The last move.
        pub last_move_id: Option<MoveId>,
        /// It is below zero because a till sold, away from the server, what was not there, and waits to be counted.
        pub recount: bool,
    }
}

crate::row! {
    /// A product's stock in a store, for people.
    #[derive(Debug, Clone, Serialize, JsonSchema)]
    #[serde(rename_all = "camelCase")]
    pub struct StockRow {
        /// The store.
        pub store_id: StoreId,
        /// The product.
        pub product_id: ProductId,
        /// Its public code.
        pub sku: String,
        /// Its name.
        pub name: String,
        /// Its unit.
        pub unit: String,
        /// What is there.
        #[serde(rename = "onHand")]
        pub on_hand_milli: Quantity,
        /// What is promised to somebody and still there.
        #[serde(rename = "reserved")]
        pub reserved_milli: Quantity,
        /// At or below this it should be ordered again.
        #[serde(rename = "reorderLevel")]
        pub reorder_level_milli: Quantity,
        /// How much to order then.
        #[serde(rename = "reorderQuantity")]
        pub reorder_quantity_milli: Quantity,
    }
}

crate::row! {
    /// A change of stock.
    #[derive(Debug, Clone, Serialize, JsonSchema)]
    #[serde(rename_all = "camelCase")]
    pub struct Move {
        /// Its id, rising with time for each product.
        pub id: MoveId,
        /// The store.
        pub store_id: StoreId,
        /// The product.
        pub product_id: ProductId,
        /// How much came (or, below zero, went).
        #[serde(rename = "delta")]
        pub delta_milli: Quantity,
        /// What was there afterwards.
        #[serde(rename = "balanceAfter")]
        pub balance_after_milli: Quantity,
        /// The product's move before this one.
        pub previous_move_id: Option<MoveId>,
        /// Why.
        pub reason: Reason,
        /// The order that caused it.
        pub order_id: Option<OrderId>,
        /// What somebody noted.
        pub note: String,
        /// What one unit cost.
        #[serde(rename = "unitCost")]
        pub unit_cost_paise: Option<Money>,
        /// Who.
        pub user_id: Option<UserId>,
        /// When.
        pub at: Timestamp,
    }
}

/// A product that begins to be counted in a store.
#[derive(Debug, Clone)]
pub struct Opening {
    /// The store.
    pub store: StoreId,
    /// The product.
    pub product: ProductId,
    /// What is there.
    pub on_hand: Quantity,
    /// At or below this it should be ordered again.
    pub reorder_level: Quantity,
    /// How much to order then.
    pub reorder_quantity: Quantity,
    /// It may fall below zero.
    pub allow_negative: bool,
    /// What one unit cost.
    pub unit_cost: Option<Money>,
}

impl Opening {
    /// Nothing is there, and nothing is to be ordered.
    pub const fn empty(store: StoreId, product: ProductId) -> Self {
        Self {
            store,
            product,
            on_hand: Quantity::ZERO,
            reorder_level: Quantity::ZERO,
            reorder_quantity: Quantity::ZERO,
            allow_negative: false,
            unit_cost: None,
        }
    }
}

/// Why stock stays as it is.
#[derive(Debug, thiserror::Error)]
pub enum StockError {
    /// The product is not counted in the store.
    #[error("There is no stock of product {product} in store {store}.")]
    NoShelf {
        /// The store.
        store: StoreId,
        /// The product.
        product: ProductId,
    },
    /// It would fall below zero.
    #[error("Only {on_hand} left; {wanted} cannot be taken.")]
    Short {
        /// The product.
        product: ProductId,
        /// What was to be taken.
        wanted: Quantity,
        /// What is there.
        on_hand: Quantity,
    },
    /// Stock is counted in whole thousandths up to a limit.
    #[error("This quantity is too large.")]
    TooLarge,
    /// A fraction of what is sold by the piece.
    #[error("Product {0} is counted in whole pieces.")]
    NotWhole(ProductId),
    /// The reason belongs to sales, returns or transfers.
    #[error("Stock cannot be changed by hand for the reason {0}.")]
    NotByHand(Reason),
    /// The database.
    #[error(transparent)]
    Db(#[from] crate::db::Error),
}
