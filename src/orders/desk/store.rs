//! Storing: the rows of what was accepted, and what their sums change.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use serde_json::json;

use super::super::model::{Channel, OrderStatus};
use super::super::queries::{self, PaymentRow};
use super::super::rules;
use super::Memory;
use super::decide::{Accepted, Batch, sold_at};
use super::vouch::vouch;
use crate::audit::{self, By};
use crate::db::{self, Conn, Sequence, Value};
use crate::ids::{MoveId, OrderId, ProductId, StoreId, UserId};
use crate::money::{Money, Quantity};
use crate::staff;
use crate::stock::Reason;
use crate::stock::ledger::{self, Movement};
use crate::web::answer::Stored;
use crate::web::{events, idempotency};

/// The orders of a batch: the number of each, its place in the batch, and what was decided.
pub(super) type Numbered<'b> = [(OrderId, usize, &'b Accepted<'b>)];

impl Memory {
    /// Writes what was accepted; returns each one's answer by its place in the batch.
    pub(super) fn apply(
        &mut self,
        conn: &mut Conn<'_>,
        batch: Batch<'_, '_>,
        commands: usize,
    ) -> db::Result<Vec<Option<Stored>>> {
        let mut answers: Vec<Option<Stored>> = vec![None; commands];
        if batch.accepted.is_empty() {
            return Ok(answers);
        }
        let ids = conn.next_ids(Sequence::Orders, batch.accepted.len())?;
        let orders: Vec<(OrderId, usize, &Accepted<'_>)> = ids
            .into_iter()
            .zip(&batch.accepted)
            .map(|(id, (index, accepted))| (OrderId::new(id), *index, accepted))
            .collect();
        let place = vouch(conn, &orders)?;
        let mut invoices = take_invoices(conn, &orders)?;

        let mut rows = Vec::with_capacity(orders.len());
        for (id, index, accepted) in &orders {
            let invoice = next_invoice(&mut invoices, accepted);
            let previous = self.link(*id, accepted);
            rows.push(order_row(*id, accepted, previous, place, invoice));
            answers[*index] = Some(batch.answer(*id, accepted, invoice));
            publish(conn, *id, accepted);
        }
        conn.execute_many(&queries::INSERT_ORDERS, rows)?;
        conn.execute_many(
            &queries::INSERT_LINES,
            orders.iter().flat_map(|(id, _, accepted)| self.line_rows(*id, accepted)),
        )?;
        insert_payments(conn, &orders)?;
        let moved = self.move_stock(conn, &orders)?;
        self.roll_up(conn, &orders, moved)?;
        self.update_customers(conn, &orders)?;
        store_keys(conn, &orders, &answers)?;
        use_approvals(conn, &orders)?;
        Ok(answers)
    }

    /// Makes an order the last of its customer and returns the one before.
    fn link(&mut self, id: OrderId, accepted: &Accepted<'_>) -> Option<OrderId> {
        let customer = self.customers.get_mut(&accepted.command.customer?)?;
        customer.last_order_id.replace(id)
    }

    fn line_rows<'a>(&'a self, id: OrderId, accepted: &'a Accepted<'_>) -> impl Iterator<Item = [Value<'a>; 18]> {
        let command = accepted.command;
        command.items.iter().zip(&accepted.bill.lines).zip(1_i64..).filter_map(move |((item, line), number)| {
            let place = usize::try_from(number - 1).unwrap_or_default();
            let offer = self.offer(&accepted.special, place, item)?;
            Some([
                command.store.into(),
                id.into(),
                number.into(),
                item.product.into(),
                (&offer.name).into(),
                (&offer.hsn).into(),
                (&offer.unit).into(),
                item.quantity.into(),
                offer.price.into(),
                offer.includes_tax.into(),
                line.discount.into(),
                offer.tax_rate.into(),
                line.taxable.into(),
                line.cgst.into(),
                line.sgst.into(),
                line.igst.into(),
                line.total.into(),
                offer.cost.into(),
            ])
        })
    }

    fn move_stock(&mut self, conn: &mut Conn<'_>, orders: &Numbered<'_>) -> db::Result<ledger::Days> {
        let offers = &self.offers;
        let movements: Vec<Movement<'_>> = orders
            .iter()
            .flat_map(|(id, _, accepted)| {
                let command = accepted.command;
                command.items.iter().filter_map(move |item| {
                    let known = offers.get(&item.product).filter(|known| known.tracked)?;
                    Some(Movement {
                        store: command.store,
                        product: item.product,
                        delta: Quantity::milli(-item.quantity.as_milli()),
                        reason: Reason::Sale,
                        order: Some(*id),
                        note: "",
                        unit_cost: known.offer.cost,
                        user: command.user,
                        at: command.now,
                        on: accepted.moved_on,
                    })
                })
            })
            .collect();
        let below: Vec<(StoreId, ProductId)> = orders
            .iter()
            .filter_map(|(_, _, accepted)| Some((accepted.command.store, accepted.spot.as_deref()?)))
            .flat_map(|(store, spot)| spot.below.iter().map(move |product| (store, *product)))
            .collect::<BTreeSet<_>>()
            .into_iter()
            .collect();
        if !below.is_empty() {
            let now = orders.iter().map(|(_, _, accepted)| accepted.command.now).max().unwrap_or_default();
            ledger::let_below(conn, &mut self.shelves, &below, now)?;
        }
        // The decision has seen the same shelves under the same lock.
        let (_, days) = ledger::write_moves(conn, &mut self.shelves, &movements)
            .map_err(|error| db::Error::Engine(error.to_string()))?;
        ledger::hold(&mut self.shelves, &below);
        for (&(store, _, product), (delta, _)) in &days {
            let Some(shelf) = self.shelves.get(&(store, product)) else { continue };
            let was_above = shelf.on_hand_milli.as_milli() - delta.as_milli() > shelf.reorder_level_milli.as_milli();
            if was_above && shelf.on_hand_milli <= shelf.reorder_level_milli {
                let told = json!({ "productId": product, "storeId": store, "onHand": shelf.on_hand_milli });
                let id = format!("low-stock-{}", shelf.last_move_id.map(MoveId::number).unwrap_or_default());
                events::publish(conn, &id, "low-stock", Some(store), None, &told);
            }
        }
        Ok(days)
    }

    fn update_customers(&mut self, conn: &mut Conn<'_>, orders: &Numbered<'_>) -> db::Result<()> {
        let mut sums: BTreeMap<UserId, (i64, Money, OrderId, i64, Money)> = BTreeMap::new();
        let mut credits = Vec::new();
        for (id, _, accepted) in orders {
            let Some(customer) = accepted.command.customer else { continue };
            let sum = sums.entry(customer).or_insert((0, Money::ZERO, *id, 0, Money::ZERO));
            sum.0 += 1;
            sum.1 = sum.1 + accepted.bill.total;
            sum.2 = *id;
            sum.3 = accepted.command.now.as_ms();
            sum.4 = sum.4 + accepted.credit;
            if let (false, Some(known)) = (accepted.credit.is_zero(), self.customers.get_mut(&customer)) {
                known.credit_paise = known.credit_paise + accepted.credit;
                known.credit_move_no += 1;
                credits.push((known.user_id, known.credit_move_no, known.credit_paise, *id, *accepted));
            }
        }
        conn.execute_many(
            &queries::ADD_TO_CUSTOMERS,
            sums.into_iter().map(|(id, (orders, spent, last, at, credit))| {
                [id.into(), orders.into(), spent.into(), last.into(), at.into(), credit.into()]
            }),
        )?;
        conn.execute_many(
            &queries::INSERT_CREDIT_MOVES,
            credits.iter().map(|(customer, number, balance, order, accepted)| {
                [
                    (*customer).into(),
                    (*number).into(),
                    accepted.credit.into(),
                    (*balance).into(),
                    accepted.command.store.into(),
                    (*order).into(),
                    "".into(),
                    (&accepted.command.actor).into(),
                    accepted.command.now.into(),
                ]
            }),
        )?;
        Ok(())
    }
}

/// The next free bill number of each series that the batch uses.
type Invoices = BTreeMap<(StoreId, i64), i64>;

fn take_invoices(conn: &mut Conn<'_>, orders: &Numbered<'_>) -> db::Result<Invoices> {
    let mut wanted: BTreeMap<(StoreId, i64), i64> = BTreeMap::new();
    for (_, _, accepted) in orders.iter().filter(|(_, _, accepted)| accepted.command.complete) {
        *wanted.entry((accepted.command.store, accepted.on.financial_year())).or_default() += 1;
    }
    let asked = wanted.iter().map(|((store, year), count)| [(*store).into(), (*year).into(), (*count).into()]);
    let taken = conn.load_many(&queries::TAKE_INVOICES, asked)?;
    Ok(taken
        .into_iter()
        .map(|(store, year, last)| ((store, year), last - wanted.get(&(store, year)).copied().unwrap_or_default() + 1))
        .collect())
}

fn next_invoice(invoices: &mut Invoices, accepted: &Accepted<'_>) -> Option<(i64, i64)> {
    if !accepted.command.complete {
        return None;
    }
    let year = accepted.on.financial_year();
    let next = invoices.get_mut(&(accepted.command.store, year))?;
    let number = *next;
    *next += 1;
    Some((year, number))
}

fn order_row<'a>(
    id: OrderId,
    accepted: &'a Accepted<'_>,
    previous: Option<OrderId>,
    place: audit::Place,
    invoice: Option<(i64, i64)>,
) -> [Value<'a>; 27] {
    let Accepted { command, bill, .. } = accepted;
    let sum = |part: fn(&rules::BillLine) -> Money| bill.lines.iter().map(part).sum::<Money>();
    let status = if command.complete { OrderStatus::Completed } else { OrderStatus::Placed };
    [
        command.store.into(),
        id.into(),
        command.customer.into(),
        (&command.actor).into(),
        command.channel.into(),
        status.into(),
        sold_at(command).into(),
        accepted.on.into(),
        accepted.sums.lines.into(),
        bill.gross.into(),
        bill.discount.into(),
        sum(|line| line.taxable).into(),
        sum(|line| line.cgst).into(),
        sum(|line| line.sgst).into(),
        sum(|line| line.igst).into(),
        bill.rounding.into(),
        bill.total.into(),
        accepted.paid.into(),
        (&command.note).into(),
        previous.into(),
        place.chain.into(),
        place.seq.into(),
        invoice.map(|(year, _)| year).into(),
        invoice.map(|(_, number)| number).into(),
        command.now.into(),
        command.at_till.as_ref().map(|till| till.till).into(),
        accepted.spot.as_ref().and_then(|spot| spot.shift).into(),
    ]
}

fn insert_payments(conn: &mut Conn<'_>, orders: &Numbered<'_>) -> db::Result<()> {
    let rows: Vec<PaymentRow<'_>> = orders
        .iter()
        .flat_map(|(id, _, accepted)| {
            let command = accepted.command;
            accepted.payments.iter().zip(1_i64..).map(move |((index, amount, state), number)| PaymentRow {
                store: command.store,
                order: *id,
                number,
                payment: &command.payments[*index],
                amount: *amount,
                state: *state,
                actor: &command.actor,
                at: sold_at(command),
                on: accepted.on.as_number(),
            })
        })
        .collect();
    conn.execute_many(&queries::INSERT_PAYMENTS, rows.iter().map(PaymentRow::params)).map(|_| ())
}

fn store_keys(conn: &mut Conn<'_>, orders: &Numbered<'_>, answers: &[Option<Stored>]) -> db::Result<()> {
    let at_tills = orders.iter().filter_map(|(id, index, accepted)| {
        let command = accepted.command;
        let (till, claim, answer) = (command.at_till.as_ref()?, command.claim.as_ref()?, answers[*index].as_ref()?);
        let flags = accepted.spot.iter().flat_map(|spot| &spot.flags).map(|flag| flag.word()).collect::<Vec<_>>();
        Some([
            till.till.into(),
            (&till.sale).into(),
            command.store.into(),
            (*id).into(),
            (&till.number).into(),
            till.sold_at.into(),
            command.now.into(),
            flags.join(" ").into(),
            (&claim.sent.request_hash).into(),
            (&answer.body).into(),
        ])
    });
    conn.execute_many(&queries::INSERT_TILL_SALES, at_tills)?;
    let rows = orders.iter().filter(|(_, _, accepted)| accepted.command.at_till.is_none());
    let rows = rows.filter_map(|(_, index, accepted)| {
        let (claim, answer) = (accepted.command.claim.as_ref()?, answers[*index].as_ref()?);
        Some(claim.row(answer, accepted.command.now))
    });
    conn.execute_many(&idempotency::STORE, rows).map(|_| ())
}

/// Uses up what was approved, in the audit log with both names.
fn use_approvals(conn: &mut Conn<'_>, orders: &Numbered<'_>) -> db::Result<()> {
    for (id, _, accepted) in orders {
        if let Some(approval) = accepted.spot.as_ref().and_then(|spot| spot.approval.as_ref()) {
            let by = By { actor: &accepted.command.actor, from: "", now: accepted.command.now };
            staff::actions::use_approval(conn, approval, &format!("order:{id}"), by)?;
        }
    }
    Ok(())
}

/// What listeners are told of an order.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Told {
    order_id: OrderId,
    status: OrderStatus,
    total: Money,
}

fn publish(conn: &mut Conn<'_>, id: OrderId, accepted: &Accepted<'_>) {
    let command = accepted.command;
    if command.channel == Channel::Import {
        return;
    }
    let status = if command.complete { OrderStatus::Completed } else { OrderStatus::Placed };
    let told = Told { order_id: id, status, total: accepted.bill.total };
    events::publish(conn, format_args!("order-{id}-v1"), "order", Some(command.store), command.customer, &told);
}
