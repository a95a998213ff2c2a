//! Taking goods back.
//!
//! The order is locked first, then the shift, the customer and the shelves, as everywhere; so two who take the
//! same line back wait for each other.

use std::collections::BTreeMap;

use serde_json::json;

use super::model::{
    LineView, NewReturn, Reason, RefundAsked, RefundView, ReturnError, ReturnRow, ReturnView, UnbilledLine, Wanted,
};
use super::{queries, rules};
use crate::audit::{self, By};
use crate::clock::BusinessDate;
use crate::db::{Conn, Sequence};
use crate::ids::{OrderId, ProductId, ReturnId, ShiftId, StoreId, UserId};
use crate::money::{Money, Quantity, TaxRate};
use crate::orders::actions::Actor;
use crate::orders::desk::write_roll_ups;
use crate::orders::queries::{self as orders, LockedOrder, ProductSums, Sums};
use crate::orders::{Line, OPEN_ITEM, OrderError, OrderStatus, PaymentState, rules as order_rules};
use crate::payments::{self, Method};
use crate::shop;
use crate::staff::{self, Act};
use crate::stock::Reason as Moved;
use crate::stock::ledger::{self, Movement};
use crate::web::events;

type Result<T> = std::result::Result<T, ReturnError>;

/// A line with what goes back for it.
struct Part {
    line: i64,
    product: ProductId,
    name: String,
    unit: String,
    quantity: Quantity,
    discount: Money,
    rate: TaxRate,
    taxable: Money,
    cgst: Money,
    sgst: Money,
    igst: Money,
    total: Money,
    cost: Money,
    unit_cost: Option<Money>,
    restock: bool,
}

/// Everything that is known when a return is written.
struct Decided<'a> {
    store: StoreId,
    order: Option<OrderId>,
    customer: Option<UserId>,
    parts: Vec<Part>,
    rounding: Money,
    total: Money,
    amounts: Vec<Money>,
    approved_by: Option<UserId>,
    shift: Option<ShiftId>,
    new: &'a NewReturn,
    user: Option<UserId>,
}

/// Takes goods of a bill back.
pub fn take_back(
    conn: &mut Conn<'_>,
    actor: &Actor,
    id: OrderId,
    wanted: &[Wanted],
    new: &NewReturn,
    by: By<'_>,
) -> Result<ReturnView> {
    let order = lock(conn, actor, id)?;
    let sold = orders::lines_of(conn, &[(order.store_id, id)])?;
    let back = returned(conn, order.store_id, id)?;
    let parts = parts_of(&sold, &back, wanted)?;
    decide(conn, actor, &order, &sold, &back, parts, new, by)
}

/// Takes a whole bill of today back, and gives the money back as it came.
pub fn void(conn: &mut Conn<'_>, actor: &Actor, id: OrderId, new: &NewReturn, by: By<'_>) -> Result<ReturnView> {
    let order = lock(conn, actor, id)?;
    let today = shop::current(conn)?.business_date(by.now);
    let sold = orders::lines_of(conn, &[(order.store_id, id)])?;
    let back = returned(conn, order.store_id, id)?;
    if order.placed_on != today.as_number() || !back.is_empty() {
        return Err(ReturnError::NotVoidable);
    }
    let wanted: Vec<Wanted> =
        sold.iter().map(|line| Wanted { line: line.line_no, quantity: line.quantity_milli, restock: true }).collect();
    let parts = parts_of(&sold, &back, &wanted)?;
    let paid = orders::payments_of(conn, &[(order.store_id, id)])?;
    let refunds = paid
        .into_iter()
        .filter(|payment| payment.state == PaymentState::Confirmed)
        .map(|payment| RefundAsked {
            method: payment.method,
            amount: Some(payment.amount_paise),
            reference: payment.reference,
        })
        .collect();
    let new = NewReturn { reason: Reason::Void, refunds, ..new.clone() };
    decide(conn, actor, &order, &sold, &back, parts, &new, by)
}

fn lock(conn: &mut Conn<'_>, actor: &Actor, id: OrderId) -> Result<LockedOrder> {
    let order = orders::lock(conn, id)?.filter(|order| actor.may_see(order.store_id, order.customer_id));
    let order = order.ok_or(OrderError::NoOrder)?;
    if order.status == OrderStatus::Completed { Ok(order) } else { Err(ReturnError::NotCompleted) }
}

/// What has come back of each line of an order.
pub fn returned(conn: &mut Conn<'_>, store: StoreId, id: OrderId) -> crate::db::Result<BTreeMap<i64, Quantity>> {
    Ok(conn.all(&queries::BACK, &[store.into(), id.into()])?.into_iter().collect())
}

/// The returns of an order.
pub fn list(conn: &mut Conn<'_>, store: StoreId, id: OrderId) -> crate::db::Result<Vec<ReturnView>> {
    let rows = conn.all(&queries::OF_ORDER, &[store.into(), id.into()])?;
    rows.into_iter().map(|row| view(conn, row)).collect()
}

fn parts_of(sold: &[Line], back: &BTreeMap<i64, Quantity>, wanted: &[Wanted]) -> Result<Vec<Part>> {
    if wanted.is_empty() {
        return Err(ReturnError::Empty);
    }
    let mut back = back.clone();
    wanted
        .iter()
        .map(|want| {
            let line = sold.iter().find(|line| line.line_no == want.line).ok_or(ReturnError::NoLine(want.line))?;
            check_quantity(want.quantity, &line.unit)?;
            let before = back.entry(want.line).or_insert(Quantity::ZERO);
            let left = Quantity::milli(line.quantity_milli.as_milli() - before.as_milli());
            if want.quantity > left {
                return Err(ReturnError::TooMuch { line: want.line, left });
            }
            let share = |amount: Money| rules::share(amount, line.quantity_milli, *before, want.quantity);
            let (cgst, sgst, igst) = (share(line.cgst_paise), share(line.sgst_paise), share(line.igst_paise));
            let total = share(line.total_paise);
            let whole = Money::paise(orders::cost_of(line.unit_cost_paise, line.quantity_milli));
            let part = Part {
                line: want.line,
                product: line.product_id,
                name: line.name.clone(),
                unit: line.unit.clone(),
                quantity: want.quantity,
                discount: share(line.discount_paise),
                rate: line.tax_rate_bp,
                taxable: total - cgst - sgst - igst,
                cgst,
                sgst,
                igst,
                total,
                // What is thrown away stays a cost of the shop.
                cost: if want.restock { share(whole) } else { Money::ZERO },
                unit_cost: line.unit_cost_paise,
                restock: want.restock,
            };
            *before = before.checked_add(want.quantity).ok_or(OrderError::TooLarge)?;
            Ok(part)
        })
        .collect()
}

fn check_quantity(quantity: Quantity, unit: &str) -> Result<()> {
    if quantity <= Quantity::ZERO {
        return Err(ReturnError::BadQuantity("The quantity must be more than nothing."));
    }
    if unit == "pcs" && !quantity.is_whole() {
        return Err(ReturnError::BadQuantity("This is sold in whole pieces."));
    }
    Ok(())
}

#[expect(clippy::too_many_arguments, reason = "the order, what came back before, and what comes back now")]
fn decide(
    conn: &mut Conn<'_>,
    actor: &Actor,
    order: &LockedOrder,
    sold: &[Line],
    back: &BTreeMap<i64, Quantity>,
    parts: Vec<Part>,
    new: &NewReturn,
    by: By<'_>,
) -> Result<ReturnView> {
    let shop = shop::current(conn)?;
    let before = conn.all(&queries::OF_ORDER, &[order.store_id.into(), order.id.into()])?;
    let given: Money = before.iter().map(|row| row.total_paise).sum();
    let left = order.total_paise - given;
    let lines: Money = parts.iter().map(|part| part.total).sum();
    let came: i64 = back.values().map(|quantity| quantity.as_milli()).sum::<i64>()
        + parts.iter().map(|part| part.quantity.as_milli()).sum::<i64>();
    let all: i64 = sold.iter().map(|line| line.quantity_milli.as_milli()).sum();
    // The last of a bill brings its rounding back too.
    let total = if came == all { left } else { lines.min(left) };
    let amounts = rules::settle(&new.refunds, total)?;

    let days = payments::actions::rules(conn)?.return_days;
    let today = shop.business_date(by.now);
    let late = BusinessDate::from_number(order.placed_on).plus_days(days) < today;
    let act = if new.reason == Reason::Void { Act::Void } else { Act::Return };
    let approved_by = approve(
        conn,
        new,
        (late || act == Act::Void).then_some(act),
        order.store_id,
        &format!("order:{}", order.id),
        by,
    )?;
    let shift = enter(conn, new, order.store_id)?;
    check_credit(conn, order, &before, new, &amounts)?;
    let decided = Decided {
        store: order.store_id,
        order: Some(order.id),
        customer: order.customer_id,
        rounding: total - lines,
        parts,
        total,
        amounts,
        approved_by,
        shift,
        new,
        user: actor.user,
    };
    write(conn, &decided, Some(order), today, by)
}

/// Goods come back without a bill, up to a cap.
pub fn take_unbilled(
    conn: &mut Conn<'_>,
    actor: &Actor,
    store: StoreId,
    lines: &[UnbilledLine],
    new: &NewReturn,
    by: By<'_>,
) -> Result<ReturnView> {
    if lines.is_empty() {
        return Err(ReturnError::Empty);
    }
    let mut parts = Vec::with_capacity(lines.len());
    for line in lines {
        let goods = conn.first(&queries::GOODS, &[line.product.into()])?.ok_or(ReturnError::NoProduct(line.product))?;
        check_quantity(line.quantity, &goods.unit)?;
        let gross = line.price.times(line.quantity).filter(|gross| !gross.is_negative()).ok_or(OrderError::TooLarge)?;
        let bill = order_rules::tax(gross, Money::ZERO, goods.tax_rate_bp, true, false)?;
        let cost = Money::paise(orders::cost_of(goods.cost_paise, line.quantity));
        parts.push(Part {
            line: 0,
            product: line.product,
            name: goods.name,
            unit: goods.unit,
            quantity: line.quantity,
            discount: Money::ZERO,
            rate: goods.tax_rate_bp,
            taxable: bill.taxable,
            cgst: bill.cgst,
            sgst: bill.sgst,
            igst: bill.igst,
            total: bill.total,
            cost: if line.restock { cost } else { Money::ZERO },
            unit_cost: goods.cost_paise,
            restock: line.restock,
        });
    }
    let total: Money = parts.iter().map(|part| part.total).sum();
    let amounts = rules::settle(&new.refunds, total)?;
    if new.refunds.iter().any(|refund| refund.method == Method::Credit) {
        return Err(ReturnError::CreditTooMuch(Money::ZERO));
    }
    let approved_by = approve(conn, new, Some(Act::Return), store, "unbilled", by)?;
    let cap = payments::actions::rules(conn)?.unbilled_return_paise;
    if total > cap {
        return Err(ReturnError::AboveCap(cap));
    }
    let shift = enter(conn, new, store)?;
    let shop = shop::current(conn)?;
    let today = shop.business_date(by.now);
    let decided = Decided {
        store,
        order: None,
        customer: None,
        parts,
        rounding: Money::ZERO,
        total,
        amounts,
        approved_by,
        shift,
        new,
        user: actor.user,
    };
    write(conn, &decided, None, today, by)
}

/// Sees to it that who may not do an act has somebody's approval.
fn approve(
    conn: &mut Conn<'_>,
    new: &NewReturn,
    act: Option<Act>,
    store: StoreId,
    subject: &str,
    by: By<'_>,
) -> Result<Option<UserId>> {
    let Some(act) = act.filter(|_| !new.manager) else { return Ok(None) };
    let text = new.approval.as_deref().ok_or(ReturnError::ApprovalNeeded)?;
    Ok(Some(staff::actions::take_approval(conn, text, act, store, subject, by)?))
}

fn enter(conn: &mut Conn<'_>, new: &NewReturn, store: StoreId) -> Result<Option<ShiftId>> {
    match new.till {
        Some(till) => Ok(payments::actions::enter_shift(conn, till, store)?),
        None => Ok(None),
    }
}

/// What is taken off a debt is no more than that, and what was never paid for is not given back in money.
fn check_credit(
    conn: &mut Conn<'_>,
    order: &LockedOrder,
    before: &[ReturnRow],
    new: &NewReturn,
    amounts: &[Money],
) -> Result<()> {
    let by_credit = |method: Method| method == Method::Credit;
    let off: Money =
        new.refunds.iter().zip(amounts).filter(|(refund, _)| by_credit(refund.method)).map(|(_, amount)| *amount).sum();
    let owed = match order.customer_id {
        Some(customer) => {
            let rows = conn.load_many(&orders::LOCK_CUSTOMERS, [[customer.into()]])?;
            rows.first().map(|row| row.credit_paise).unwrap_or_default()
        }
        None => Money::ZERO,
    };
    if off > owed {
        return Err(ReturnError::CreditTooMuch(owed));
    }
    let mut in_money = Money::ZERO;
    for payment in orders::payments_of(conn, &[(order.store_id, order.id)])? {
        if payment.state == PaymentState::Confirmed && !by_credit(payment.method) {
            in_money = in_money + payment.amount_paise;
        }
    }
    for row in before {
        for refund in conn.all(&queries::REFUNDS, &[row.store_id.into(), row.id.into()])? {
            if !by_credit(refund.method) {
                in_money = in_money - refund.amount_paise;
            }
        }
    }
    let asked: Money = amounts.iter().copied().sum::<Money>() - off;
    let beyond = asked - in_money;
    if beyond > Money::ZERO && owed - off > Money::ZERO {
        return Err(ReturnError::CreditFirst(beyond.min(owed)));
    }
    Ok(())
}

fn write(
    conn: &mut Conn<'_>,
    decided: &Decided<'_>,
    order: Option<&LockedOrder>,
    today: BusinessDate,
    by: By<'_>,
) -> Result<ReturnView> {
    let id = ReturnId::new(conn.next_id(Sequence::Returns)?);
    let (store, year) = (decided.store, today.financial_year());
    for (refund, amount) in decided.new.refunds.iter().zip(&decided.amounts) {
        if let (Method::Credit, Some(order), false) = (refund.method, order, amount.is_zero()) {
            crate::orders::actions::pay_off(conn, order, *amount, by)?;
        }
    }
    if let (Some(customer), Some(_)) = (decided.customer, order) {
        conn.execute(&queries::SPEND_LESS, &[customer.into(), decided.total.into()])?;
    }
    conn.execute(&queries::TAKE_NUMBER, &[store.into(), year.into()])?;
    let (number,) = conn.only(&queries::NUMBER, &[store.into(), year.into()])?;
    insert(conn, decided, id, (year, number), today, by)?;
    move_stock(conn, decided, id, today, by)?;
    roll_up(conn, decided, today)?;
    for (refund, amount) in decided.new.refunds.iter().zip(&decided.amounts) {
        if let Some(shift) = decided.shift {
            payments::actions::note_refund(conn, shift, refund.method, *amount, (decided.order, id), by)?;
        }
    }
    let detail = json!({
        "order": decided.order,
        "total": decided.total,
        "reason": decided.new.reason,
        "approvedBy": decided.approved_by.map(|user| format!("user:{user}")),
    });
    audit::record(conn, by, "return.take", &format!("return:{id}"), &detail)?;
    let told = json!({ "returnId": id, "orderId": decided.order, "total": decided.total });
    events::publish(conn, format_args!("return-{id}"), "return", Some(store), None, &told);
    let row = conn.only(&queries::FIND, &[store.into(), id.into()])?;
    Ok(view(conn, row)?)
}

fn insert(
    conn: &mut Conn<'_>,
    decided: &Decided<'_>,
    id: ReturnId,
    (year, number): (i64, i64),
    today: BusinessDate,
    by: By<'_>,
) -> Result<()> {
    let (store, new) = (decided.store, decided.new);
    let sum = |part: fn(&Part) -> Money| decided.parts.iter().map(part).sum::<Money>();
    let approved_by = decided.approved_by.map(|user| format!("user:{user}")).unwrap_or_default();
    let row = [
        store.into(),
        id.into(),
        decided.order.into(),
        decided.customer.into(),
        new.till.into(),
        decided.shift.into(),
        year.into(),
        number.into(),
        new.reason.into(),
        (&new.note).into(),
        sum(|part| part.discount).into(),
        sum(|part| part.taxable).into(),
        sum(|part| part.cgst).into(),
        sum(|part| part.sgst).into(),
        sum(|part| part.igst).into(),
        decided.rounding.into(),
        decided.total.into(),
        by.actor.into(),
        approved_by.into(),
        by.now.into(),
        today.into(),
    ];
    conn.execute_many(&queries::INSERT_RETURN, [row])?;
    let lines = decided.parts.iter().zip(1_i64..).map(|(part, number)| {
        [
            store.into(),
            id.into(),
            number.into(),
            part.line.into(),
            part.product.into(),
            (&part.name).into(),
            (&part.unit).into(),
            part.quantity.into(),
            part.discount.into(),
            part.rate.into(),
            part.taxable.into(),
            part.cgst.into(),
            part.sgst.into(),
            part.igst.into(),
            part.total.into(),
            part.cost.into(),
            part.restock.into(),
        ]
    });
    conn.execute_many(&queries::INSERT_LINES, lines)?;
    let refunds = new.refunds.iter().zip(&decided.amounts).zip(1_i64..).map(|((refund, amount), number)| {
        [store.into(), id.into(), number.into(), refund.method.into(), (*amount).into(), (&refund.reference).into()]
    });
    conn.execute_many(&queries::INSERT_REFUNDS, refunds)?;
    Ok(())
}

/// What comes back stands on the shelf again; what is not sold again leaves it at once, so that both are seen.
fn move_stock(conn: &mut Conn<'_>, decided: &Decided<'_>, id: ReturnId, today: BusinessDate, by: By<'_>) -> Result<()> {
    let store = decided.store;
    let keys = decided.parts.iter().filter(|part| part.product != OPEN_ITEM).map(|part| (store, part.product));
    let mut shelves = ledger::lock(conn, keys.collect())?;
    let note = format!("return {id}");
    let mut movements = Vec::new();
    for part in &decided.parts {
        // What is not counted was never taken; a shelf below zero has nothing to write off.
        let Some(shelf) = shelves.get(&(store, part.product)) else { continue };
        if !part.restock && shelf.on_hand_milli.is_negative() {
            continue;
        }
        let back = Movement {
            store,
            product: part.product,
            delta: part.quantity,
            reason: Moved::Return,
            order: decided.order,
            note: &note,
            unit_cost: part.unit_cost,
            user: decided.user,
            at: by.now,
            on: today,
        };
        movements.push(back.clone());
        if !part.restock {
            let delta = Quantity::milli(-part.quantity.as_milli());
            movements.push(Movement { delta, reason: Moved::Damage, ..back });
        }
    }
    ledger::write(conn, &mut shelves, &movements)?;
    Ok(())
}

/// Corrects the sums of the day of the return.
fn roll_up(conn: &mut Conn<'_>, decided: &Decided<'_>, today: BusinessDate) -> Result<()> {
    let store = decided.store;
    let mut products: BTreeMap<_, ProductSums> = BTreeMap::new();
    let mut sums = Sums { revenue: -decided.total.as_paise(), ..Sums::default() };
    for part in &decided.parts {
        let tax = (part.cgst + part.sgst + part.igst).as_paise();
        let sum = products.entry((store, today, part.product)).or_default();
        sum.sold -= part.quantity.as_milli();
        sum.revenue -= part.total.as_paise();
        sum.tax -= tax;
        sum.cost -= part.cost.as_paise();
        sums.tax -= tax;
        sums.cost -= part.cost.as_paise();
        sums.discount -= part.discount.as_paise();
    }
    let stores = BTreeMap::from([((store, today), sums)]);
    let customers = decided
        .customer
        .map(|customer| BTreeMap::from([((store, today, customer), (0, -decided.total.as_paise()))]))
        .unwrap_or_default();
    let writer = conn.writer();
    write_roll_ups(conn, writer, &products, &stores, &customers)?;
    Ok(())
}

fn view(conn: &mut Conn<'_>, row: ReturnRow) -> crate::db::Result<ReturnView> {
    let key = [row.store_id.into(), row.id.into()];
    let lines = conn.all(&queries::LINES, &key)?;
    let refunds = conn.all(&queries::REFUNDS, &key)?;
    let prefix = shop::current(conn)?.invoice_prefix;
    Ok(ReturnView {
        id: row.id,
        credit_note: shop::credit_note_code(&prefix, row.store_id, row.credit_year, row.credit_number),
        order_id: row.order_id,
        customer_id: row.customer_id,
        reason: row.reason,
        note: row.note,
        total: row.total_paise,
        taxable: row.taxable_paise,
        cgst: row.cgst_paise,
        sgst: row.sgst_paise,
        igst: row.igst_paise,
        rounding: row.rounding_paise,
        discount: row.discount_paise,
        lines: lines
            .into_iter()
            .map(|line| LineView {
                line: line.order_line_no,
                id: line.product_id,
                name: line.name,
                unit: line.unit,
                quantity: line.quantity_milli,
                total: line.total_paise,
                restock: line.restock,
            })
            .collect(),
        refunds: refunds
            .into_iter()
            .map(|refund| RefundView {
                method: refund.method,
                amount: refund.amount_paise,
                reference: refund.reference,
            })
            .collect(),
        till_id: row.till_id,
        shift_id: row.shift_id,
        by: row.actor,
        approved_by: row.approved_by,
        at: row.at,
        business_date: row.returned_on,
    })
}
