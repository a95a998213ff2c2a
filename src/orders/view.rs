//! An order as the API and the command line show it.

use schemars::JsonSchema;
use serde::Serialize;

use super::actions::Whole;
use super::model::{Channel, Method, OPEN_ITEM, OrderStatus, PaymentState, order_code};
use super::returns::ReturnView;
use crate::clock::{BusinessDate, Timestamp};
use crate::ids::{OrderId, ProductId, StoreId, UserId};
use crate::money::{Money, Quantity, TaxRate};

/// An order as it is shown.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct OrderView {
    id: OrderId,
    /// The code that people use.
    code: String,
    store_id: StoreId,
    customer_id: Option<UserId>,
    /// `Unknown` when the customer is gone or was never known.
    customer_name: String,
    channel: Channel,
    status: OrderStatus,
    items: Vec<LineView>,
    item_count: i64,
    subtotal: Money,
    discount: Money,
    taxable: Money,
    cgst: Money,
    sgst: Money,
    igst: Money,
    rounding: Money,
    total: Money,
    paid: Money,
    due: Money,
    /// The way it is paid, or was to be.
    payment_method: Option<Method>,
    payments: Vec<PaymentView>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    steps: Vec<StepView>,
    /// What came back of it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    returns: Vec<ReturnView>,
    note: String,
    invoice_number: Option<String>,
    /// When it was placed.
    date: Timestamp,
    business_date: BusinessDate,
    updated_at: Timestamp,
    version: i64,
}

#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct LineView {
    /// The product; absent for an open item, which is in no catalogue.
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<ProductId>,
    name: String,
    price: Money,
    quantity: Quantity,
    category: String,
    unit: String,
    hsn: String,
    price_includes_tax: bool,
    discount: Money,
    tax_rate: TaxRate,
    taxable: Money,
    cgst: Money,
    sgst: Money,
    igst: Money,
    total: Money,
    /// How much of it came back.
    #[serde(skip_serializing_if = "nothing")]
    returned: Quantity,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks by reference")]
fn nothing(quantity: &Quantity) -> bool {
    quantity.is_zero()
}

#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct PaymentView {
    number: i64,
    method: Method,
    state: PaymentState,
    amount: Money,
    reference: String,
    at: Timestamp,
    confirmed_at: Option<Timestamp>,
}

#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct StepView {
    from: OrderStatus,
    to: OrderStatus,
    /// `user:7`, `key:2`; the shop for a customer who looks.
    by: String,
    at: Timestamp,
    note: String,
}

impl OrderView {
    /// An order for staff, who see who took its steps, or for its customer.
    pub fn new(whole: Whole, for_staff: bool) -> Self {
        let Whole { order, lines, payments, steps, invoice_number, returns } = whole;
        let mut returns = returns;
        for one in returns.iter_mut().filter(|_| !for_staff) {
            "shop".clone_into(&mut one.by);
            one.approved_by.clear();
        }
        let came_back = |line: i64| {
            let parts = returns.iter().flat_map(|one| &one.lines).filter(|part| part.line == line);
            Quantity::milli(parts.map(|part| part.quantity.as_milli()).sum())
        };
        let due = if order.status == OrderStatus::Cancelled { Money::ZERO } else { order.due() };
        let method = payments.iter().rev().find(|payment| payment.state != PaymentState::Failed).or(payments.last());
        Self {
            id: order.id,
            code: order_code(order.id),
            store_id: order.store_id,
            customer_id: order.customer_id,
            customer_name: order.customer_name.unwrap_or_else(|| "Unknown".to_owned()),
            channel: order.channel,
            status: order.status,
            item_count: order.line_count,
            subtotal: order.gross_paise,
            discount: order.discount_paise,
            taxable: order.taxable_paise,
            cgst: order.cgst_paise,
            sgst: order.sgst_paise,
            igst: order.igst_paise,
            rounding: order.rounding_paise,
            total: order.total_paise,
            paid: order.paid_paise,
            due,
            payment_method: method.map(|payment| payment.method),
            items: lines
                .into_iter()
                .map(|line| LineView {
                    returned: came_back(line.line_no),
                    id: (line.product_id != OPEN_ITEM).then_some(line.product_id),
                    name: line.name,
                    price: line.unit_price_paise,
                    quantity: line.quantity_milli,
                    category: line.category.unwrap_or_default(),
                    unit: line.unit,
                    hsn: line.hsn,
                    price_includes_tax: line.price_includes_tax,
                    discount: line.discount_paise,
                    tax_rate: line.tax_rate_bp,
                    taxable: line.taxable_paise,
                    cgst: line.cgst_paise,
                    sgst: line.sgst_paise,
                    igst: line.igst_paise,
                    total: line.total_paise,
                })
                .collect(),
            payments: payments
                .into_iter()
                .map(|payment| PaymentView {
                    number: payment.payment_no,
                    method: payment.method,
                    state: payment.state,
                    amount: payment.amount_paise,
                    reference: payment.reference,
                    at: payment.at,
                    confirmed_at: payment.confirmed_at,
                })
                .collect(),
            steps: steps
                .into_iter()
                .map(|step| StepView {
                    from: step.from_status,
                    to: step.to_status,
                    by: if for_staff { step.actor } else { "shop".to_owned() },
                    at: step.at,
                    note: step.note,
                })
                .collect(),
            note: order.note,
            invoice_number,
            returns,
            date: order.placed_at,
            business_date: order.placed_on,
            updated_at: order.updated_at,
            version: order.version,
        }
    }
}
