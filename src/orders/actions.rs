//! What happens to an order after it was placed: the steps to the hand-over, payments, calling it off.
//!
//! Every action locks the order first, then the customer, then the shelves, so that two that meet wait
//! for each other in one direction only.

use std::collections::BTreeMap;

use serde_json::json;

use super::desk::write_roll_ups;
use super::model::{Line, Method, NewPayment, Order, OrderError, OrderStatus, Payment, PaymentState, Step};
use super::queries::{self, LockedOrder, PaymentRow, ProductSums, Sums, Which};
use super::returns::{self, ReturnView};
use super::rules;
use crate::audit::{self, By};
use crate::clock::BusinessDate;
use crate::db::Conn;
use crate::ids::{OrderId, StoreId, UserId};
use crate::money::Money;
use crate::shop;
use crate::stock::Reason;
use crate::stock::ledger::{self, Movement};
use crate::web::events;

type Result<T> = std::result::Result<T, OrderError>;

/// Who acts on an order, and which orders are theirs to act on.
#[derive(Debug, Clone)]
pub struct Actor {
    /// `user:7`, `key:2`.
    pub name: String,
    /// Their account.
    pub user: Option<UserId>,
    /// Set for a customer: only their own orders exist for them.
    pub only_of: Option<UserId>,
    /// Set for staff of one branch: only its orders exist for them.
    pub only_in: Option<StoreId>,
}

impl Actor {
    pub(super) fn may_see(&self, store: StoreId, customer: Option<UserId>) -> bool {
        self.only_of.is_none_or(|own| customer == Some(own)) && self.only_in.is_none_or(|own| own == store)
    }
}

/// An order with all that belongs to it.
#[derive(Debug, Clone)]
pub struct Whole {
    /// The order.
    pub order: Order,
    /// Its lines.
    pub lines: Vec<Line>,
    /// Its payments.
    pub payments: Vec<Payment>,
    /// Its steps; only loaded for a single order.
    pub steps: Vec<Step>,
    /// The number of its bill.
    pub invoice_number: Option<String>,
    /// What came back of it; only loaded for a single order.
    pub returns: Vec<ReturnView>,
}

/// An order that the actor may see, with all that belongs to it.
pub fn load(conn: &mut Conn<'_>, actor: &Actor, id: OrderId) -> Result<Whole> {
    let order = queries::find(conn, id)?.filter(|order| actor.may_see(order.store_id, order.customer_id));
    let order = order.ok_or(OrderError::NoOrder)?;
    let steps = queries::steps_of(conn, order.store_id, id)?;
    let mut whole = complete_rows(conn, vec![order])?.pop().ok_or(OrderError::NoOrder)?;
    whole.steps = steps;
    whole.returns = returns::actions::list(conn, whole.order.store_id, id)?;
    Ok(whole)
}

/// Orders of a store (or of all) before one of them, newest first, and how many there are where that is known.
pub fn list(
    conn: &mut Conn<'_>,
    store: Option<StoreId>,
    which: Which,
    before: i64,
    limit: i64,
) -> Result<(Vec<Whole>, Option<i64>)> {
    let stores = match store {
        Some(store) => vec![store],
        None => queries::stores(conn)?,
    };
    let mut orders = Vec::new();
    let mut total = Some(0);
    for store in stores {
        orders.extend(queries::list_of_store(conn, store, which, before, limit)?);
        let count = queries::count_of_store(conn, store, which)?;
        total = total.zip(count).map(|(total, count)| total + count);
    }
    orders.sort_unstable_by_key(|order| std::cmp::Reverse(order.id));
    orders.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
    Ok((complete_rows(conn, orders)?, total))
}

/// A customer's orders after one of them (or the newest), newest first, and how many there are.
pub fn list_of_customer(
    conn: &mut Conn<'_>,
    customer: UserId,
    after: Option<OrderId>,
    limit: i64,
) -> Result<(Vec<Whole>, i64)> {
    let extra = i64::from(after.is_some());
    let from = after.map_or(0, OrderId::number);
    let (mut orders, total) = queries::list_of_customer(conn, customer, from, limit + extra)?;
    orders.retain(|order| Some(order.id) != after);
    Ok((complete_rows(conn, orders)?, total))
}

/// Adds lines and payments to orders.
fn complete_rows(conn: &mut Conn<'_>, orders: Vec<Order>) -> Result<Vec<Whole>> {
    let keys: Vec<(StoreId, OrderId)> = orders.iter().map(|order| (order.store_id, order.id)).collect();
    let mut lines: BTreeMap<OrderId, Vec<Line>> = BTreeMap::new();
    for line in queries::lines_of(conn, &keys)? {
        lines.entry(line.order_id).or_default().push(line);
    }
    let mut payments: BTreeMap<OrderId, Vec<Payment>> = BTreeMap::new();
    for payment in queries::payments_of(conn, &keys)? {
        payments.entry(payment.order_id).or_default().push(payment);
    }
    let prefix = shop::current(conn)?.invoice_prefix;
    Ok(orders
        .into_iter()
        .map(|order| Whole {
            lines: lines.remove(&order.id).unwrap_or_default(),
            payments: payments.remove(&order.id).unwrap_or_default(),
            steps: Vec::new(),
            returns: Vec::new(),
            invoice_number: order
                .invoice_year
                .zip(order.invoice_number)
                .map(|(year, number)| shop::invoice_code(&prefix, order.store_id, year, number)),
            order,
        })
        .collect())
}

fn lock(conn: &mut Conn<'_>, actor: &Actor, id: OrderId, version: Option<i64>) -> Result<LockedOrder> {
    let order = queries::lock(conn, id)?.filter(|order| actor.may_see(order.store_id, order.customer_id));
    let order = order.ok_or(OrderError::NoOrder)?;
    if version.is_some_and(|version| version != order.version) {
        return Err(OrderError::Stale);
    }
    Ok(order)
}

/// Moves an order on: confirmed, packed or ready.
pub fn advance(
    conn: &mut Conn<'_>,
    actor: &Actor,
    id: OrderId,
    to: OrderStatus,
    version: Option<i64>,
    note: &str,
    by: By<'_>,
) -> Result<()> {
    let order = lock(conn, actor, id, version)?;
    rules::check_step(order.status, to)?;
    step(conn, &order, to, note, by)
}

/// Hands an order over: the rest is paid, the bill gets its number.
pub fn complete(
    conn: &mut Conn<'_>,
    actor: &Actor,
    id: OrderId,
    payments: &[NewPayment],
    version: Option<i64>,
    by: By<'_>,
) -> Result<()> {
    let mut order = lock(conn, actor, id, version)?;
    rules::check_step(order.status, OrderStatus::Completed)?;
    for payment in payments {
        take_payment(conn, &mut order, payment, PaymentState::Confirmed, by)?;
    }
    let due = order.total_paise - order.paid_paise;
    if !due.is_zero() {
        return Err(OrderError::PaymentDue(due));
    }
    let year = shop::current(conn)?.business_date(by.now).financial_year();
    let asked = [[order.store_id.into(), year.into(), 1_i64.into()]];
    let taken = conn.load_many(&queries::TAKE_INVOICES, asked)?;
    if let Some((store, year, number)) = taken.first() {
        queries::set_invoice(conn, *store, id, *year, *number)?;
    }
    step(conn, &order, OrderStatus::Completed, "", by)
}

/// Calls an order off: stock, sums and money go back.
pub fn cancel(
    conn: &mut Conn<'_>,
    actor: &Actor,
    id: OrderId,
    note: &str,
    version: Option<i64>,
    by: By<'_>,
) -> Result<()> {
    let order = lock(conn, actor, id, version)?;
    rules::check_step(order.status, OrderStatus::Cancelled)?;
    rules::may_cancel(actor.only_of.is_none(), order.status)?;
    let key = [(order.store_id, id)];
    let lines = queries::lines_of(conn, &key)?;
    let payments = queries::payments_of(conn, &key)?;
    give_money_back(conn, &order, &payments, by)?;
    if let Some(customer) = order.customer_id {
        queries::take_back_spent(conn, customer, order.total_paise)?;
    }
    give_stock_back(conn, &order, &lines, actor.user, by)?;
    take_out_of_roll_ups(conn, &order, &lines)?;
    step(conn, &order, OrderStatus::Cancelled, note, by)
}

/// Notes the step where people look for it: on the order, in the audit log, on live pages.
fn step(conn: &mut Conn<'_>, order: &LockedOrder, to: OrderStatus, note: &str, by: By<'_>) -> Result<()> {
    queries::step(conn, order, to, by.actor, note, by.now)?;
    let detail = json!({ "from": order.status, "to": to, "total": order.total_paise });
    audit::record(conn, by, "order.step", &format!("order:{}", order.id), &detail)?;
    tell(conn, order, to, order.version + 1);
    Ok(())
}

fn tell(conn: &mut Conn<'_>, order: &LockedOrder, status: OrderStatus, version: i64) {
    let told = json!({ "orderId": order.id, "status": status, "total": order.total_paise, "paid": order.paid_paise });
    let id = format!("order-{}-v{version}", order.id);
    events::publish(conn, &id, "order", Some(order.store_id), order.customer_id, &told);
}

/// Takes a payment for an order. A payment without its reference waits until somebody confirms it.
pub fn pay(
    conn: &mut Conn<'_>,
    actor: &Actor,
    id: OrderId,
    payment: &NewPayment,
    state: PaymentState,
    by: By<'_>,
) -> Result<i64> {
    let mut order = lock(conn, actor, id, None)?;
    if order.status == OrderStatus::Cancelled {
        return Err(OrderError::CalledOff);
    }
    take_payment(conn, &mut order, payment, state, by)
}

fn take_payment(
    conn: &mut Conn<'_>,
    order: &mut LockedOrder,
    payment: &NewPayment,
    state: PaymentState,
    by: By<'_>,
) -> Result<i64> {
    if payment.method == Method::StoreCredit {
        return Err(OrderError::NoStoreCredit);
    }
    let due = order.total_paise - order.paid_paise;
    let amount = payment.amount.unwrap_or(due);
    if amount <= Money::ZERO || amount > due {
        return Err(OrderError::BadAmount(due));
    }
    // What is written up counts as paid: from then on the customer owes it, not the order.
    let state = if payment.method == Method::Credit { PaymentState::Confirmed } else { state };
    if payment.method == Method::Credit {
        write_up(conn, order, amount, by)?;
    }
    let known = queries::payments_of(conn, &[(order.store_id, order.id)])?;
    let number = known.iter().map(|payment| payment.payment_no).max().unwrap_or(0) + 1;
    let on = shop::current(conn)?.business_date(by.now);
    let row = PaymentRow {
        store: order.store_id,
        order: order.id,
        number,
        payment,
        amount,
        state,
        actor: by.actor,
        at: by.now,
        on: on.as_number(),
    };
    conn.execute_many(&queries::INSERT_PAYMENTS, [row.params()])?;
    let detail = json!({ "payment": number, "method": payment.method, "amount": amount, "state": state });
    audit::record(conn, by, "payment.take", &format!("order:{}", order.id), &detail)?;
    if state == PaymentState::Confirmed {
        arrived(conn, order, amount, &known, by)?;
    }
    Ok(number)
}

/// Confirms a payment that was promised.
pub fn confirm_payment(
    conn: &mut Conn<'_>,
    actor: &Actor,
    id: OrderId,
    number: i64,
    reference: &str,
    by: By<'_>,
) -> Result<()> {
    let mut order = lock(conn, actor, id, None)?;
    let mut known = queries::payments_of(conn, &[(order.store_id, id)])?;
    let at = known.iter().position(|payment| payment.payment_no == number).ok_or(OrderError::NoSuchPayment)?;
    let payment = known.remove(at);
    if payment.state != PaymentState::Pending {
        return Err(OrderError::NotPending(payment.state));
    }
    let due = order.total_paise - order.paid_paise;
    if payment.amount_paise > due {
        return Err(OrderError::BadAmount(due));
    }
    queries::set_payment_state(conn, &payment, PaymentState::Confirmed, reference, Some(by.now))?;
    let detail = json!({ "payment": number, "method": payment.method, "amount": payment.amount_paise });
    audit::record(conn, by, "payment.confirm", &format!("order:{id}"), &detail)?;
    arrived(conn, &mut order, payment.amount_paise, &known, by)
}

/// Notes that a payment that was promised never came; the order stays, with the amount due.
pub fn deny_payment(conn: &mut Conn<'_>, actor: &Actor, id: OrderId, number: i64, by: By<'_>) -> Result<()> {
    let order = lock(conn, actor, id, None)?;
    let known = queries::payments_of(conn, &[(order.store_id, id)])?;
    let payment = known.iter().find(|payment| payment.payment_no == number).ok_or(OrderError::NoSuchPayment)?;
    if payment.state != PaymentState::Pending {
        return Err(OrderError::NotPending(payment.state));
    }
    queries::set_payment_state(conn, payment, PaymentState::Failed, "", None)?;
    // What was paid stays as it is; the version rises, so that every listener sees the order anew.
    queries::set_paid(conn, order.store_id, id, order.paid_paise, by.now)?;
    let detail = json!({ "payment": number, "method": payment.method, "amount": payment.amount_paise });
    audit::record(conn, by, "payment.deny", &format!("order:{id}"), &detail)?;
    tell(conn, &order, order.status, order.version + 1);
    Ok(())
}

/// Adds to what was paid; once all is, promises that were not needed lapse.
fn arrived(conn: &mut Conn<'_>, order: &mut LockedOrder, amount: Money, others: &[Payment], by: By<'_>) -> Result<()> {
    order.paid_paise = order.paid_paise + amount;
    queries::set_paid(conn, order.store_id, order.id, order.paid_paise, by.now)?;
    order.version += 1;
    if order.paid_paise == order.total_paise {
        for other in others.iter().filter(|other| other.state == PaymentState::Pending) {
            queries::set_payment_state(conn, other, PaymentState::Failed, "", None)?;
        }
    }
    tell(conn, order, order.status, order.version);
    Ok(())
}

/// Writes an amount up in the customer's khata, up to their limit.
fn write_up(conn: &mut Conn<'_>, order: &LockedOrder, amount: Money, by: By<'_>) -> Result<()> {
    let customer = order.customer_id.ok_or(OrderError::CreditNeedsCustomer)?;
    let rows = conn.load_many(&queries::LOCK_CUSTOMERS, [[customer.into()]])?;
    let row = rows.first().ok_or(OrderError::NoCustomer(customer))?;
    let left = row.credit_limit_paise - row.credit_paise;
    if amount > left {
        return Err(OrderError::CreditLimit(left));
    }
    change_credit(conn, order, customer, row.credit_move_no + 1, amount, row.credit_paise + amount, by)
}

/// Takes an amount off what the customer of an order owes.
pub(super) fn pay_off(conn: &mut Conn<'_>, order: &LockedOrder, amount: Money, by: By<'_>) -> Result<()> {
    let customer = order.customer_id.ok_or(OrderError::CreditNeedsCustomer)?;
    let rows = conn.load_many(&queries::LOCK_CUSTOMERS, [[customer.into()]])?;
    let row = rows.first().ok_or(OrderError::NoCustomer(customer))?;
    let delta = Money::ZERO - amount;
    change_credit(conn, order, customer, row.credit_move_no + 1, delta, row.credit_paise - amount, by)
}

fn change_credit(
    conn: &mut Conn<'_>,
    order: &LockedOrder,
    customer: UserId,
    number: i64,
    delta: Money,
    balance: Money,
    by: By<'_>,
) -> Result<()> {
    conn.execute_many(&queries::ADD_CREDIT, [[customer.into(), delta.into()]])?;
    let row = [
        customer.into(),
        number.into(),
        delta.into(),
        balance.into(),
        order.store_id.into(),
        order.id.into(),
        "".into(),
        by.actor.into(),
        by.now.into(),
    ];
    conn.execute_many(&queries::INSERT_CREDIT_MOVES, [row])?;
    Ok(())
}

/// What was promised lapses, what was paid is given back, what was written up is struck out.
fn give_money_back(conn: &mut Conn<'_>, order: &LockedOrder, payments: &[Payment], by: By<'_>) -> Result<()> {
    let mut credit = Money::ZERO;
    for payment in payments {
        let state = match payment.state {
            PaymentState::Pending => PaymentState::Failed,
            PaymentState::Confirmed => PaymentState::Refunded,
            PaymentState::Failed | PaymentState::Refunded => continue,
        };
        if payment.method == Method::Credit && state == PaymentState::Refunded {
            credit = credit + payment.amount_paise;
        }
        queries::set_payment_state(conn, payment, state, "", None)?;
    }
    if let (Some(customer), false) = (order.customer_id, credit.is_zero()) {
        let rows = conn.load_many(&queries::LOCK_CUSTOMERS, [[customer.into()]])?;
        let row = rows.first().ok_or(OrderError::NoCustomer(customer))?;
        let delta = Money::ZERO - credit;
        change_credit(conn, order, customer, row.credit_move_no + 1, delta, row.credit_paise - credit, by)?;
    }
    if !order.paid_paise.is_zero() {
        queries::set_paid(conn, order.store_id, order.id, Money::ZERO, by.now)?;
        let detail = json!({ "amount": order.paid_paise });
        audit::record(conn, by, "payment.refund", &format!("order:{}", order.id), &detail)?;
    }
    Ok(())
}

fn give_stock_back(
    conn: &mut Conn<'_>,
    order: &LockedOrder,
    lines: &[Line],
    user: Option<UserId>,
    by: By<'_>,
) -> Result<()> {
    let keys = lines.iter().map(|line| (order.store_id, line.product_id)).collect();
    let mut shelves = ledger::lock(conn, keys)?;
    let on = shop::current(conn)?.business_date(by.now);
    let movements: Vec<Movement<'_>> = lines
        .iter()
        // What is not counted was never taken.
        .filter(|line| shelves.contains_key(&(order.store_id, line.product_id)))
        .map(|line| Movement {
            store: order.store_id,
            product: line.product_id,
            delta: line.quantity_milli,
            reason: Reason::Cancellation,
            order: Some(order.id),
            note: "",
            unit_cost: line.unit_cost_paise,
            user,
            at: by.now,
            on,
        })
        .collect();
    ledger::write(conn, &mut shelves, &movements)?;
    Ok(())
}

/// Takes an order out of the sums of the day on which it was placed.
fn take_out_of_roll_ups(conn: &mut Conn<'_>, order: &LockedOrder, lines: &[Line]) -> Result<()> {
    let on = BusinessDate::from_number(order.placed_on);
    let mut products: BTreeMap<_, ProductSums> = BTreeMap::new();
    let mut sums = Sums { orders: -1, cancelled: 1, revenue: -order.total_paise.as_paise(), ..Sums::default() };
    for line in lines {
        let tax = (line.cgst_paise + line.sgst_paise + line.igst_paise).as_paise();
        let cost = queries::cost_of(line.unit_cost_paise, line.quantity_milli);
        let sum = products.entry((order.store_id, on, line.product_id)).or_default();
        sum.lines -= 1;
        sum.sold -= line.quantity_milli.as_milli();
        sum.revenue -= line.total_paise.as_paise();
        sum.tax -= tax;
        sum.cost -= cost;
        sums.lines -= 1;
        sums.tax -= tax;
        sums.cost -= cost;
        sums.discount -= line.discount_paise.as_paise();
    }
    let stores = BTreeMap::from([((order.store_id, on), sums)]);
    let customers = order
        .customer_id
        .map(|customer| BTreeMap::from([((order.store_id, on, customer), (-1, -order.total_paise.as_paise()))]))
        .unwrap_or_default();
    let writer = conn.writer();
    write_roll_ups(conn, writer, &products, &stores, &customers)?;
    Ok(())
}
