//! Orders, their lines, payments and steps.

use schemars::JsonSchema;
use serde::Serialize;

use crate::clock::{BusinessDate, Timestamp};
use crate::ids::{OrderId, ProductId, ShiftId, StoreId, TillId, UserId};
use crate::money::{Money, Quantity, TaxRate};
pub use crate::payments::Method;
use crate::payments::{CounterRules, TillError};
use crate::staff::StaffError;
use crate::web::idempotency::Claim;

crate::words! {
    /// How far an order has come.
    pub enum OrderStatus {
        /// Its stock is taken.
        Placed = "placed",
        /// The shop has seen it.
        Confirmed = "confirmed",
        /// It is in its bag.
        Packed = "packed",
        /// It waits to be picked up.
        Ready = "ready",
        /// It was handed over.
        Completed = "completed",
        /// It was called off, and its stock put back.
        Cancelled = "cancelled",
    }
}

crate::words! {
    /// Where an order was made.
    pub enum Channel {
        /// On a customer's own page.
        Web = "web",
        /// At the counter.
        Counter = "counter",
        /// By a program.
        Api = "api",
        /// Before this shop used Kirana.
        Import = "import",
    }
}

crate::words! {
    /// Whether a payment has arrived.
    pub enum PaymentState {
        /// It is promised.
        Pending = "pending",
        /// It is here.
        Confirmed = "confirmed",
        /// It never came.
        Failed = "failed",
        /// It was given back.
        Refunded = "refunded",
    }
}

/// What the lines of open items have for a product: they are named on the bill alone, are in no catalogue
/// and move no stock.
pub const OPEN_ITEM: ProductId = ProductId::new(0);

/// What is ordered, as it was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// The product, or [`OPEN_ITEM`].
    pub product: ProductId,
    /// How much of it.
    pub quantity: Quantity,
    /// What the shop agreed to for this line.
    pub agreed: Option<Box<Agreed>>,
    /// What is taken off this line alone.
    pub discount: Money,
}

/// What somebody who may set prices agreed to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Agreed {
    /// What an open item is called; empty for a product, which has its own name.
    pub name: String,
    /// What one unit costs.
    pub price: Money,
}

impl Item {
    /// So much of a product, at the price that it has.
    pub fn of(product: ProductId, quantity: Quantity) -> Self {
        Self { product, quantity, agreed: None, discount: Money::ZERO }
    }

    /// So much of a product, at a price that was agreed.
    pub fn at(product: ProductId, quantity: Quantity, price: Money) -> Self {
        Self { product, quantity, agreed: Some(Box::new(Agreed { name: String::new(), price })), discount: Money::ZERO }
    }

    /// So many of something that is in no catalogue.
    pub fn open(name: String, quantity: Quantity, price: Money) -> Self {
        Self { product: OPEN_ITEM, quantity, agreed: Some(Box::new(Agreed { name, price })), discount: Money::ZERO }
    }
}

/// A payment that comes with an order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewPayment {
    /// How.
    pub method: Method,
    /// How much; none means what is still due.
    pub amount: Option<Money>,
    /// The bank's reference.
    pub reference: String,
}

/// A command to the desk.
#[derive(Debug, Clone)]
pub struct PlaceOrder {
    /// The store whose stock is taken.
    pub store: StoreId,
    /// For whom.
    pub customer: Option<UserId>,
    /// By whom: `user:7`, `key:2`.
    pub actor: String,
    /// By whom, when they have an account.
    pub user: Option<UserId>,
    /// Where.
    pub channel: Channel,
    /// What, in the order of the bill.
    pub items: Vec<Item>,
    /// What is taken off the whole order.
    pub discount: Money,
    /// How it is paid; confirmed at once when the order is complete, promised otherwise.
    pub payments: Vec<NewPayment>,
    /// Handed over at once: a counter sale.
    pub complete: bool,
    /// What the customer wrote.
    pub note: String,
    /// The key that makes it happen once.
    pub claim: Option<Claim>,
    /// When.
    pub now: Timestamp,
    /// The business date that it belongs to; none means today.
    pub on: Option<BusinessDate>,
    /// How much the caller may take off; none means as much as they say.
    pub allowance: Option<Box<Allowance>>,
    /// What a till adds; none for orders that are made elsewhere.
    pub at_till: Option<Box<AtTill>>,
}

/// How much somebody may take off a bill.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Allowance {
    /// By their own role.
    pub limit: TaxRate,
    /// The rules, for what the one who approved may take off.
    pub rules: CounterRules,
    /// The approval of somebody who may take off more.
    pub approval: Option<String>,
}

/// What a till adds to a sale. The key of the command is the till's own id for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AtTill {
    /// The till.
    pub till: TillId,
    /// The till's id for the sale.
    pub sale: String,
    /// The number that the till printed; empty when it printed the shop's.
    pub number: String,
    /// When it was sold.
    pub sold_at: Timestamp,
    /// It was made while the server was away: the goods have left, so it is recorded, and what does not fit
    /// is flagged.
    pub away: bool,
    /// The till's clock was of no use.
    pub clock_wrong: bool,
    /// What the till says that it comes to.
    pub total: Option<Money>,
}

crate::words! {
    /// What somebody should look at in a sale that was made while the server was away.
    pub enum Flag {
        /// More was sold than was there.
        StockShort = "stock_short",
        /// A price is not the catalogue's.
        PriceDiffers = "price_differs",
        /// More was taken off than the role allows.
        DiscountAboveLimit = "discount_above_limit",
        /// More was written up than the customer may owe.
        CreditAboveLimit = "credit_above_limit",
        /// The till's clock was of no use.
        ClockWrong = "clock_wrong",
        /// No shift took it: the one it belongs to was counted.
        ShiftClosed = "shift_closed",
    }
}

/// What is answered to a till besides.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TillNote {
    /// The till's id for the sale.
    pub sale_id: String,
    /// The number that the till printed.
    pub number: String,
    /// The till.
    pub till_id: TillId,
    /// The shift that took it.
    pub shift_id: Option<ShiftId>,
    /// When it was sold, by the server's clock.
    pub sold_at: Timestamp,
    /// What somebody should look at.
    pub flags: Vec<Flag>,
}

/// A price that is not what the till showed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ChangedPrice {
    /// Which line, from 0.
    pub line: usize,
    /// The product.
    pub product_id: ProductId,
    /// What the catalogue says.
    pub price: Money,
}

/// What is answered to an order that was placed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Placed {
    /// A sentence.
    pub message: &'static str,
    /// Its id.
    pub order_id: OrderId,
    /// The code that people use.
    pub order_code: String,
    /// The store.
    pub store_id: StoreId,
    /// How far it has come.
    pub status: OrderStatus,
    /// What is to be paid.
    pub total: Money,
    /// How many lines it has.
    pub item_count: i64,
    /// What is still to be paid.
    pub due: Money,
    /// The number of its bill, once it is handed over.
    pub invoice_number: Option<String>,
    /// For a sale at a till.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub counter: Option<TillNote>,
}

/// The code of an order as people use it: `OD` and seven digits.
pub fn order_code(id: OrderId) -> String {
    format!("OD{:07}", id.number())
}

/// Reads an order's id or code.
pub fn parse_order_code(text: &str) -> Option<OrderId> {
    let digits = text.strip_prefix("OD").or_else(|| text.strip_prefix("od")).unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    digits.parse().ok()
}

crate::row! {
    /// An order.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub struct Order {
        /// The store.
        pub store_id: StoreId,
        /// Its id.
        pub id: OrderId,
        /// For whom.
        pub customer_id: Option<UserId>,
        /// Their name; none when they are gone or were never known.
        pub customer_name: Option<String>,
        /// By whom it was placed.
        pub placed_by: String,
        /// Where.
        pub channel: Channel,
        /// How far it has come.
        pub status: OrderStatus,
        /// When it was placed.
        pub placed_at: Timestamp,
        /// On which business date.
        pub placed_on: BusinessDate,
        /// How many lines it has.
        pub line_count: i64,
        /// The lines before any discount.
        pub gross_paise: Money,
        /// What was taken off.
        pub discount_paise: Money,
        /// What tax is computed on.
        pub taxable_paise: Money,
        /// Central tax.
        pub cgst_paise: Money,
        /// State tax.
        pub sgst_paise: Money,
        /// Tax between states.
        pub igst_paise: Money,
        /// What rounds the bill.
        pub rounding_paise: Money,
        /// What is to be paid.
        pub total_paise: Money,
        /// What was paid.
        pub paid_paise: Money,
        /// What the customer wrote.
        pub note: String,
        /// The financial year of its bill.
        pub invoice_year: Option<i64>,
        /// The number of its bill.
        pub invoice_number: Option<i64>,
        /// The last change.
        pub updated_at: Timestamp,
        /// Rises with each change.
        pub version: i64,
    }
}

impl Order {
    /// What is still to be paid.
    pub fn due(&self) -> Money {
        self.total_paise - self.paid_paise
    }
}

crate::row! {
    /// A line of an order, frozen when it was placed.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub struct Line {
        /// The store.
        pub store_id: StoreId,
        /// The order.
        pub order_id: OrderId,
        /// Its place on the bill, from 1.
        pub line_no: i64,
        /// The product, or [`OPEN_ITEM`].
        pub product_id: ProductId,
        /// What it was called.
        pub name: String,
        /// The product's category today.
        pub category: Option<String>,
        /// Its HSN.
        pub hsn: String,
        /// Its unit.
        pub unit: String,
        /// How much.
        pub quantity_milli: Quantity,
        /// What one unit cost the customer.
        pub unit_price_paise: Money,
        /// That price has tax in it.
        pub price_includes_tax: bool,
        /// The line's share of the discount.
        pub discount_paise: Money,
        /// The tax rate.
        pub tax_rate_bp: TaxRate,
        /// What tax is computed on.
        pub taxable_paise: Money,
        /// Central tax.
        pub cgst_paise: Money,
        /// State tax.
        pub sgst_paise: Money,
        /// Tax between states.
        pub igst_paise: Money,
        /// What the customer pays for the line.
        pub total_paise: Money,
        /// What one unit cost the shop.
        pub unit_cost_paise: Option<Money>,
    }
}

crate::row! {
    /// A payment.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub struct Payment {
        /// The store.
        pub store_id: StoreId,
        /// The order.
        pub order_id: OrderId,
        /// Its place among the order's payments, from 1.
        pub payment_no: i64,
        /// How.
        pub method: Method,
        /// Whether it has arrived.
        pub state: PaymentState,
        /// How much.
        pub amount_paise: Money,
        /// The bank's reference.
        pub reference: String,
        /// When it was promised or made.
        pub at: Timestamp,
        /// When it arrived.
        pub confirmed_at: Option<Timestamp>,
    }
}

crate::row! {
    /// A step in an order's life.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub struct Step {
        /// The order.
        pub order_id: OrderId,
        /// Its place, from 1.
        pub step_no: i64,
        /// From.
        pub from_status: OrderStatus,
        /// To.
        pub to_status: OrderStatus,
        /// By whom.
        pub actor: String,
        /// When.
        pub at: Timestamp,
        /// Why.
        pub note: String,
    }
}

/// A line that cannot be served.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ShortLine {
    /// The product.
    pub product_id: ProductId,
    /// Its name.
    pub name: String,
    /// What the order wants of it in all.
    pub wanted: Quantity,
    /// What is there.
    pub available: Quantity,
}

/// Why an order is refused or stays as it is.
#[derive(Debug, thiserror::Error)]
pub enum OrderError {
    /// No lines.
    #[error("Order must contain items")]
    Empty,
    /// More lines than a bill has.
    #[error("An order has at most {0} lines.")]
    TooManyLines(usize),
    /// No such product, or one that is not sold any more.
    #[error("Product {product} not found")]
    NoProduct {
        /// Which line, from 0.
        line: usize,
        /// What was asked for.
        product: ProductId,
    },
    /// Not more than nothing, or a fraction of something that is sold whole.
    #[error("{reason}")]
    BadQuantity {
        /// Which line, from 0.
        line: usize,
        /// What is wrong.
        reason: &'static str,
    },
    /// A price below nothing was agreed.
    #[error("A price is never below zero.")]
    BadPrice {
        /// Which line, from 0.
        line: usize,
    },
    /// Some lines ask for more than there is.
    #[error("Insufficient stock for {}. Available: {}", .0[0].name, .0[0].available)]
    Short(Vec<ShortLine>),
    /// More is taken off than the order is worth, or less than nothing.
    #[error("The discount must be between 0 and {0}.")]
    BadDiscount(Money),
    /// The amounts do not fit.
    #[error("The order is too large.")]
    TooLarge,
    /// Nobody said how it is paid.
    #[error("Payment method required")]
    NoPayment,
    /// The payments of a sale that is handed over do not add up.
    #[error("The payments come to {paid}, the sale to {total}.")]
    PaymentsDiffer {
        /// What was offered.
        paid: Money,
        /// What is to be paid.
        total: Money,
    },
    /// A payment is more than what is due, or nothing.
    #[error("A payment is between 0.01 and what is due, {0}.")]
    BadAmount(Money),
    /// Something is still to be paid.
    #[error("{0} is still to be paid.")]
    PaymentDue(Money),
    /// Only a known customer can buy on credit.
    #[error("Only a customer with an account can buy on credit.")]
    CreditNeedsCustomer,
    /// The credit does not reach.
    #[error("The credit limit leaves {0}.")]
    CreditLimit(Money),
    /// The shop does not pay with this yet.
    #[error("This shop does not take store credit.")]
    NoStoreCredit,
    /// No such customer.
    #[error("There is no customer {0}.")]
    NoCustomer(UserId),
    /// No such store.
    #[error("There is no store {0}.")]
    NoStore(StoreId),
    /// No such order, or not the caller's.
    #[error("There is no such order.")]
    NoOrder,
    /// No such payment.
    #[error("There is no such payment.")]
    NoSuchPayment,
    /// The payment is not waiting.
    #[error("This payment is {0}.")]
    NotPending(PaymentState),
    /// The order cannot go there from here.
    #[error("An order that is {from} cannot become {to}.")]
    NoSuchStep {
        /// Where it stands.
        from: OrderStatus,
        /// Where it was to go.
        to: OrderStatus,
    },
    /// Nothing is paid for an order that was called off.
    #[error("This order was called off.")]
    CalledOff,
    /// A customer calls off what is already packed.
    #[error("The order is already {0}; ask the shop.")]
    TooLateToCancel(OrderStatus),
    /// The change was made from an older version.
    #[error("Somebody has changed this since you read it.")]
    Stale,
    /// The key was used for another request.
    #[error("This Idempotency-Key was already used for another request.")]
    KeyReused,
    /// Prices are not what the till showed.
    #[error("A price has changed; read the bill again.")]
    PriceChanged(Vec<ChangedPrice>),
    /// The bill does not come to what the till says.
    #[error("The bill comes to {total}, the till says {said}.")]
    TotalDiffers {
        /// What the till says.
        said: Money,
        /// What it comes to.
        total: Money,
    },
    /// More is taken off than the role allows.
    #[error("Your role takes off {0} % at most; ask a manager to approve.")]
    DiscountLimit(TaxRate),
    /// The till.
    #[error(transparent)]
    Till(#[from] TillError),
    /// The approval.
    #[error(transparent)]
    Approval(#[from] StaffError),
    /// Stock.
    #[error(transparent)]
    Stock(#[from] crate::stock::StockError),
    /// The database.
    #[error(transparent)]
    Db(#[from] crate::db::Error),
}
