//! What the reports read.

use schemars::JsonSchema;
use serde::Serialize;

use crate::clock::{BusinessDate, Timestamp};
use crate::ids::{OrderId, ProductId, UserId};
use crate::money::{Money, Quantity};

crate::row! {
    /// Sums of all days, and of today, yesterday and the same day last week.
    #[derive(Debug, Clone)]
    pub struct Totals {
        /// Orders of all days.
        pub orders: i64,
        /// Sales of all days.
        pub revenue: Money,
        /// Orders of today.
        pub today_orders: i64,
        /// Sales of today.
        pub today_revenue: Money,
        /// Orders of yesterday.
        pub yesterday_orders: i64,
        /// Sales of yesterday.
        pub yesterday_revenue: Money,
        /// Orders of the same day last week.
        pub last_week_orders: i64,
        /// Sales of the same day last week.
        pub last_week_revenue: Money,
    }
}

crate::row! {
    /// The sums of some days, without what was called off.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub struct StoreSums {
        /// Orders.
        pub order_count: i64,
        /// Orders that were called off.
        pub cancelled_count: i64,
        /// Their lines.
        pub line_count: i64,
        /// What customers pay.
        pub revenue_paise: Money,
        /// The tax in it.
        pub tax_paise: Money,
        /// What was taken off.
        pub discount_paise: Money,
        /// What the goods cost the shop.
        pub cost_paise: Money,
    }
}

crate::row! {
    /// The sales of a day.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub struct DaySales {
        /// The day.
        pub sold_on: BusinessDate,
        /// Its sales.
        pub revenue_paise: Money,
    }
}

crate::row! {
    /// What was sold of a product.
    #[derive(Debug, Clone)]
    pub struct ProductSales {
        /// The product.
        pub product_id: ProductId,
        /// What it is called.
        pub name: String,
        /// Its category.
        pub category: String,
        /// How much.
        pub sold_milli: Quantity,
        /// For how much.
        pub revenue_paise: Money,
    }
}

crate::row! {
    /// A day on which a customer bought.
    #[derive(Debug, Clone)]
    pub struct CustomerDay {
        /// Who.
        pub id: UserId,
        /// Their first name.
        pub first_name: String,
        /// Their last name.
        pub last_name: String,
        /// When.
        pub sold_on: BusinessDate,
        /// For how much.
        pub spent_paise: Money,
    }
}

crate::row! {
    /// How much was sold of something.
    #[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
    pub struct ItemSales {
        /// How much.
        pub sold_milli: Quantity,
        /// For how much.
        pub revenue_paise: Money,
    }
}

crate::row! {
    /// How much of a product was sold.
    #[derive(Debug, Clone, Serialize, JsonSchema)]
    #[serde(rename_all = "camelCase")]
    pub struct ItemSold {
        /// The product.
        #[serde(rename = "id")]
        pub product_id: ProductId,
        /// What it is called.
        pub name: String,
        /// Its item code, when it has one.
        pub item_code: Option<String>,
        /// Its category.
        pub category: String,
        /// What it is counted in.
        pub unit: String,
        /// How much was sold in these days; with no first day named, also before this shop used Kirana.
        #[serde(rename = "sold")]
        pub sold_milli: Quantity,
        /// For how much it was sold here.
        #[serde(rename = "revenue")]
        pub revenue_paise: Money,
    }
}

crate::row! {
    /// An order that is not handed over yet.
    #[derive(Debug, Clone)]
    pub struct OpenOrder {
        /// The order.
        pub id: OrderId,
        /// For whom, if they have a name.
        pub customer: Option<String>,
        /// What is to be paid.
        pub total_paise: Money,
        /// How far it has come.
        pub status: String,
        /// Since when.
        pub placed_at: Timestamp,
    }
}

crate::row! {
    /// A product of which little is left.
    #[derive(Debug, Clone)]
    pub struct LowStock {
        /// What it is called.
        pub name: String,
        /// The same in the shop's second language, or nothing.
        pub name_local: String,
        /// Its unit.
        pub unit: String,
        /// What is left.
        pub on_hand_milli: Quantity,
        /// At or below this it is low.
        pub level_milli: Quantity,
    }
}

crate::row! {
    /// An order of one's own.
    #[derive(Debug, Clone)]
    pub struct OwnOrder {
        /// The order.
        pub id: OrderId,
        /// How far it has come.
        pub status: String,
        /// What it costs.
        pub total_paise: Money,
        /// When it was placed.
        pub placed_on: BusinessDate,
    }
}

crate::row! {
    /// A product as customers see it.
    #[derive(Debug, Clone)]
    pub struct Offer {
        /// What it is called.
        pub name: String,
        /// The same in the shop's second language, or nothing.
        pub name_local: String,
        /// Its category.
        pub category: String,
        /// What it is sold by.
        pub unit: String,
        /// What one unit costs.
        pub price_paise: Money,
    }
}

/// Why a report cannot be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ReportError {
    /// The end is before the beginning.
    #[error("The last day is before the first.")]
    Backwards,
    /// More days than a report shows.
    #[error("A report spans at most {0} days.")]
    TooLong(i64),
}
