//! Orders that another system took before the shop moved here: they enter the books as they were there.
//!
//! Nothing is decided any more: prices and totals are those of the other system, and stock is not taken, because
//! what that system had on its shelves was counted after them. They count in roll-ups and in what customers
//! spent, the audit log vouches for them, and they have no bill number: their bills were written elsewhere.

use std::collections::BTreeMap;

use serde_json::json;

use super::desk::{OrdersDigest, write_roll_ups};
use super::model::{Channel, Method, NewPayment, OrderError, OrderStatus, PaymentState, order_code};
use super::queries::{self, PastRow, PaymentRow, ProductSums, Sums};
use super::rules;
use crate::audit::{self, By};
use crate::clock::{BusinessDate, Timestamp};
use crate::db::{Conn, Sequence, Value};
use crate::ids::{ImportId, OrderId, ProductId, StoreId, UserId};
use crate::money::{Money, Quantity, TaxRate};

type Result<T> = std::result::Result<T, OrderError>;

/// By how much a total may pass the sum of its lines and still be rounding.
const MOST_ROUNDING: Money = Money::paise(100);

/// An order as another system has it.
#[derive(Debug, Clone)]
pub struct PastOrder {
    /// For whom.
    pub customer: Option<UserId>,
    /// When it was placed.
    pub at: Timestamp,
    /// On which business date.
    pub on: BusinessDate,
    /// Completed, or placed and still open.
    pub status: OrderStatus,
    /// How it was paid, or is to be.
    pub method: Method,
    /// What stood with it.
    pub note: String,
    /// What was sold.
    pub lines: Vec<PastLine>,
    /// What was to be paid; none means the sum of the lines.
    pub total: Option<Money>,
}

/// A line of it.
#[derive(Debug, Clone)]
pub struct PastLine {
    /// The product, or [`OPEN_ITEM`](super::OPEN_ITEM).
    pub product: ProductId,
    /// What it was called.
    pub name: String,
    /// Its unit.
    pub unit: String,
    /// How much.
    pub quantity: Quantity,
    /// What one unit cost the customer.
    pub unit_price: Money,
    /// What the line came to; none means quantity times price.
    pub total: Option<Money>,
}

/// An order with its amounts.
struct Sum<'a> {
    order: &'a PastOrder,
    /// Each line before the discount, and its share of it.
    lines: Vec<(Money, Money)>,
    discount: Money,
    rounding: Money,
    total: Money,
}

/// Adds up an order of another system: a total below its lines is a discount, one above them by at most a rupee
/// is rounding.
///
/// # Errors
/// What the other system let pass and no book can hold: no lines, a quantity that is not above nothing, a
/// total that its lines do not explain.
fn add_up(order: &PastOrder) -> Result<Sum<'_>> {
    if order.lines.is_empty() {
        return Err(OrderError::Empty);
    }
    let mut grosses = Vec::with_capacity(order.lines.len());
    let mut gross = Money::ZERO;
    for (number, line) in order.lines.iter().enumerate() {
        if line.quantity <= Quantity::ZERO {
            return Err(OrderError::BadQuantity { line: number, reason: "The quantity must be more than nothing." });
        }
        let amount = line.total.or_else(|| line.unit_price.times(line.quantity)).ok_or(OrderError::TooLarge)?;
        if amount.is_negative() {
            return Err(OrderError::BadQuantity { line: number, reason: "The price must not be below nothing." });
        }
        gross = gross.checked_add(amount).ok_or(OrderError::TooLarge)?;
        grosses.push(amount);
    }
    let total = order.total.unwrap_or(gross);
    let (discount, rounding) = if total <= gross { (gross - total, Money::ZERO) } else { (Money::ZERO, total - gross) };
    if total.is_negative() || rounding > MOST_ROUNDING {
        return Err(OrderError::PaymentsDiffer { paid: total, total: gross });
    }
    let shares = rules::spread(discount, &grosses);
    Ok(Sum { order, lines: grosses.into_iter().zip(shares).collect(), discount, rounding, total })
}

/// Refuses what [`take_over`] would refuse.
pub fn check(order: &PastOrder) -> Result<()> {
    add_up(order).map(|_| ())
}

/// Enters orders in their order; one entry of the audit log vouches for all of them.
pub fn take_over(
    conn: &mut Conn<'_>,
    store: StoreId,
    orders: &[PastOrder],
    import: ImportId,
    by: By<'_>,
) -> Result<Vec<OrderId>> {
    if orders.is_empty() {
        return Ok(Vec::new());
    }
    let sums = orders.iter().map(add_up).collect::<Result<Vec<_>>>()?;
    let mut customers = Customers::lock(conn, orders)?;
    let ids: Vec<OrderId> = conn.next_ids(Sequence::Orders, orders.len())?.into_iter().map(OrderId::new).collect();
    let place = vouch(conn, store, &ids, &sums, import, by)?;
    let rows = ids.iter().zip(&sums).map(|(id, sum)| {
        let previous = sum.order.customer.and_then(|customer| customers.link(customer, *id, sum));
        order_row(store, *id, sum, previous, place, by)
    });
    let rows: Vec<[Value<'_>; 27]> = rows.collect();
    conn.execute_many(&queries::INSERT_ORDERS, rows)?;
    conn.execute_many(&queries::INSERT_LINES, ids.iter().zip(&sums).flat_map(|(id, sum)| line_rows(store, *id, sum)))?;
    insert_payments(conn, store, &ids, &sums, by)?;
    roll_up(conn, store, &sums)?;
    customers.write(conn)?;
    Ok(ids)
}

/// What customers bought, gathered while their orders are chained.
struct Customers(BTreeMap<UserId, Bought>);

#[derive(Default)]
struct Bought {
    last: Option<OrderId>,
    orders: i64,
    spent: Money,
    at: Timestamp,
}

impl Customers {
    fn lock(conn: &mut Conn<'_>, orders: &[PastOrder]) -> Result<Self> {
        let mut named: Vec<UserId> = orders.iter().filter_map(|order| order.customer).collect();
        named.sort_unstable();
        named.dedup();
        let rows = conn.load_many(&queries::LOCK_CUSTOMERS, named.iter().map(|id| [(*id).into()]))?;
        let bought = rows.into_iter().map(|row| (row.user_id, Bought { last: row.last_order_id, ..Bought::default() }));
        let bought: BTreeMap<UserId, Bought> = bought.collect();
        match named.iter().find(|id| !bought.contains_key(id)) {
            Some(missing) => Err(OrderError::NoCustomer(*missing)),
            None => Ok(Self(bought)),
        }
    }

    /// Makes an order the last of its customer and returns the one before.
    fn link(&mut self, customer: UserId, id: OrderId, sum: &Sum<'_>) -> Option<OrderId> {
        let bought = self.0.get_mut(&customer)?;
        bought.orders += 1;
        bought.spent = bought.spent + sum.total;
        bought.at = bought.at.max(sum.order.at);
        bought.last.replace(id)
    }

    fn write(self, conn: &mut Conn<'_>) -> Result<()> {
        let rows = self.0.into_iter().map(|(id, bought)| {
            [id.into(), bought.orders.into(), bought.spent.into(), bought.last.into(), bought.at.into()]
        });
        conn.execute_many(&queries::TAKE_OVER_SPENT, rows)?;
        Ok(())
    }
}

fn vouch(
    conn: &mut Conn<'_>,
    store: StoreId,
    ids: &[OrderId],
    sums: &[Sum<'_>],
    import: ImportId,
    by: By<'_>,
) -> Result<audit::Place> {
    let mut digest = OrdersDigest::default();
    for (id, sum) in ids.iter().zip(sums) {
        digest.add(*id, store, sum.order.customer, sum.total, sum.order.at.as_ms());
    }
    let subject = format!("orders:{}-{}", ids[0], ids[ids.len() - 1]);
    let detail = json!({ "count": ids.len(), "digest": digest.finish(), "import": import });
    Ok(audit::record(conn, by, "orders.place", &subject, &detail)?)
}

fn order_row<'a>(
    store: StoreId,
    id: OrderId,
    sum: &'a Sum<'_>,
    previous: Option<OrderId>,
    place: audit::Place,
    by: By<'a>,
) -> [Value<'a>; 27] {
    let order = sum.order;
    let paid = if order.status == OrderStatus::Completed { sum.total } else { Money::ZERO };
    [
        store.into(),
        id.into(),
        order.customer.into(),
        by.actor.into(),
        Channel::Import.into(),
        order.status.into(),
        order.at.into(),
        order.on.into(),
        count(order.lines.len()).into(),
        (sum.total + sum.discount - sum.rounding).into(),
        sum.discount.into(),
        (sum.total - sum.rounding).into(),
        Money::ZERO.into(),
        Money::ZERO.into(),
        Money::ZERO.into(),
        sum.rounding.into(),
        sum.total.into(),
        paid.into(),
        (&order.note).into(),
        previous.into(),
        place.chain.into(),
        place.seq.into(),
        Value::Null,
        Value::Null,
        by.now.into(),
        Value::Null,
        Value::Null,
    ]
}

fn count(number: usize) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// The other systems know no tax, so a line's whole amount is its taxable value at no rate.
fn line_rows<'a>(store: StoreId, id: OrderId, sum: &'a Sum<'a>) -> impl Iterator<Item = [Value<'a>; 18]> {
    sum.order.lines.iter().zip(&sum.lines).zip(1_i64..).map(move |((line, (gross, discount)), number)| {
        let total = *gross - *discount;
        [
            store.into(),
            id.into(),
            number.into(),
            line.product.into(),
            (&line.name).into(),
            "".into(),
            (&line.unit).into(),
            line.quantity.into(),
            line.unit_price.into(),
            true.into(),
            (*discount).into(),
            TaxRate::ZERO.into(),
            total.into(),
            Money::ZERO.into(),
            Money::ZERO.into(),
            Money::ZERO.into(),
            total.into(),
            Value::Null,
        ]
    })
}

fn insert_payments(conn: &mut Conn<'_>, store: StoreId, ids: &[OrderId], sums: &[Sum<'_>], by: By<'_>) -> Result<()> {
    let offered: Vec<NewPayment> = sums
        .iter()
        .map(|sum| NewPayment { method: sum.order.method, amount: None, reference: String::new() })
        .collect();
    let rows: Vec<PaymentRow<'_>> = ids
        .iter()
        .zip(sums)
        .zip(&offered)
        .map(|((id, sum), payment)| {
            let here = sum.order.status == OrderStatus::Completed;
            PaymentRow {
                store,
                order: *id,
                number: 1,
                payment,
                amount: sum.total,
                state: if here { PaymentState::Confirmed } else { PaymentState::Pending },
                actor: by.actor,
                at: sum.order.at,
                on: sum.order.on.as_number(),
            }
        })
        .collect();
    conn.execute_many(&queries::INSERT_PAYMENTS, rows.iter().map(PaymentRow::params))?;
    Ok(())
}

fn roll_up(conn: &mut Conn<'_>, store: StoreId, sums: &[Sum<'_>]) -> Result<()> {
    let mut rolls = Rolls::default();
    for sum in sums {
        let order = sum.order;
        let lines = order
            .lines
            .iter()
            .zip(&sum.lines)
            .map(|(line, (gross, share))| (line.product, line.quantity, *gross - *share));
        rolls.add(store, order.on, order.customer, sum.total, sum.discount, lines, 1);
    }
    rolls.write(conn)
}

/// What orders add to the roll-ups, or take from them.
#[derive(Default)]
struct Rolls {
    products: BTreeMap<(StoreId, BusinessDate, ProductId), ProductSums>,
    stores: BTreeMap<(StoreId, BusinessDate), Sums>,
    customers: BTreeMap<(StoreId, BusinessDate, UserId), (i64, i64)>,
}

impl Rolls {
    #[expect(clippy::too_many_arguments, reason = "an order as it is stored and as it comes has these in common")]
    fn add(
        &mut self,
        store: StoreId,
        on: BusinessDate,
        customer: Option<UserId>,
        total: Money,
        discount: Money,
        lines: impl Iterator<Item = (ProductId, Quantity, Money)>,
        sign: i64,
    ) {
        let mut sums = Sums {
            orders: sign,
            revenue: sign * total.as_paise(),
            discount: sign * discount.as_paise(),
            ..Sums::default()
        };
        for (product, quantity, amount) in lines {
            let sum = self.products.entry((store, on, product)).or_default();
            sum.lines += sign;
            sum.sold += sign * quantity.as_milli();
            sum.revenue += sign * amount.as_paise();
            sums.lines += sign;
        }
        self.stores.entry((store, on)).or_default().add(sums);
        if let Some(customer) = customer {
            let sum = self.customers.entry((store, on, customer)).or_default();
            sum.0 += sign;
            sum.1 += sign * total.as_paise();
        }
    }

    fn write(&self, conn: &mut Conn<'_>) -> Result<()> {
        let writer = conn.writer();
        Ok(write_roll_ups(conn, writer, &self.products, &self.stores, &self.customers)?)
    }
}

/// Takes orders of an import away, a chunk at a time and in the order of their ids.
#[derive(Default)]
pub struct TakeBack {
    /// Of each customer: how many orders, what they came to, the one before the first, the last.
    customers: BTreeMap<UserId, Returned>,
    in_the_way: Vec<String>,
}

struct Returned {
    orders: i64,
    spent: Money,
    before: Option<OrderId>,
    last: OrderId,
}

impl TakeBack {
    /// Takes a chunk away, and remembers what stands in the way of that.
    pub fn chunk(&mut self, conn: &mut Conn<'_>, ids: &[OrderId]) -> Result<()> {
        let mut rows: Vec<PastRow> = conn.load_many(&queries::PAST, ids.iter().map(|id| [(*id).into()]))?;
        rows.sort_unstable_by_key(|row| row.id);
        let mut lines = BTreeMap::<OrderId, Vec<(ProductId, Quantity, Money)>>::new();
        let pairs: Vec<(StoreId, OrderId)> = rows.iter().map(|row| (row.store_id, row.id)).collect();
        let keys = || pairs.iter().map(|(store, id)| [(*store).into(), (*id).into()]);
        for line in queries::lines_of(conn, &pairs)? {
            lines.entry(line.order_id).or_default().push((line.product_id, line.quantity_milli, line.total_paise));
        }
        let mut rolls = Rolls::default();
        for row in rows {
            if row.version > 1 {
                self.in_the_way.push(format!("The order {} was changed since.", order_code(row.id)));
            }
            let on = BusinessDate::from_number(row.placed_on);
            let lines = lines.remove(&row.id).unwrap_or_default();
            rolls.add(row.store_id, on, row.customer_id, row.total_paise, row.discount_paise, lines.into_iter(), -1);
            if let Some(customer) = row.customer_id {
                let first = Returned { orders: 0, spent: Money::ZERO, before: row.previous_order_id, last: row.id };
                let returned = self.customers.entry(customer).or_insert(first);
                returned.orders += 1;
                returned.spent = returned.spent + row.total_paise;
                returned.last = row.id;
            }
        }
        rolls.write(conn)?;
        for bulk in [&queries::DELETE_LINES, &queries::DELETE_PAYMENTS, &queries::DELETE_ORDERS] {
            conn.execute_many(bulk, keys())?;
        }
        Ok(())
    }

    /// Brings the customers back to where they were; answers with what stands in the way, one sentence each.
    pub fn finish(mut self, conn: &mut Conn<'_>) -> Result<Vec<String>> {
        let asked = self.customers.keys().map(|id| [(*id).into()]);
        for row in conn.load_many(&queries::LOCK_CUSTOMERS, asked)? {
            let last = self.customers.get(&row.user_id).map(|returned| returned.last);
            if last != row.last_order_id {
                let sentence = format!("The customer number {} has ordered since.", row.user_id);
                self.in_the_way.push(sentence);
            }
        }
        let before = self.customers.values().filter_map(|returned| returned.before);
        let before = conn.load_many(&queries::PAST, before.map(|id| [id.into()]))?;
        let placed: BTreeMap<OrderId, Timestamp> = before.into_iter().map(|row| (row.id, row.placed_at)).collect();
        let rows = self.customers.iter().map(|(id, returned)| {
            let at = returned.before.and_then(|before| placed.get(&before).copied());
            [(*id).into(), returned.orders.into(), returned.spent.into(), returned.before.into(), at.into()]
        });
        conn.execute_many(&queries::TAKE_BACK_SPENT_MANY, rows)?;
        let forget = [
            &queries::FORGET_EMPTY_PRODUCT_DAYS,
            &queries::FORGET_EMPTY_STORE_DAYS,
            &queries::FORGET_EMPTY_CUSTOMER_DAYS,
        ];
        for statement in forget {
            conn.execute(statement, &[])?;
        }
        Ok(self.in_the_way)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order(lines: &[(i64, i64)], total: Option<i64>) -> PastOrder {
        let at = Timestamp::from_ms(0);
        PastOrder {
            customer: None,
            at,
            on: BusinessDate::from_number(19_700_101),
            status: OrderStatus::Completed,
            method: Method::Cash,
            note: String::new(),
            lines: lines
                .iter()
                .map(|(milli, paise)| PastLine {
                    product: ProductId::new(1),
                    name: String::new(),
                    unit: "pcs".to_owned(),
                    quantity: Quantity::milli(*milli),
                    unit_price: Money::paise(*paise),
                    total: None,
                })
                .collect(),
            total: total.map(Money::paise),
        }
    }

    #[test]
    fn a_total_below_the_lines_is_a_discount_and_one_just_above_them_is_rounding() {
        for (total, discount, rounding) in [(None, 0, 0), (Some(300), 0, 0), (Some(250), 50, 0), (Some(350), 0, 50)] {
            let order = order(&[(1000, 100), (2000, 100)], total);
            let sum = add_up(&order).unwrap();
            assert_eq!((sum.discount.as_paise(), sum.rounding.as_paise()), (discount, rounding), "{total:?}");
            assert_eq!(sum.lines.iter().map(|line| line.1).sum::<Money>(), sum.discount);
        }
    }

    #[test]
    fn what_no_book_can_hold_is_refused() {
        let wrong = [
            order(&[], None),
            order(&[(-1000, 100)], None),
            order(&[(0, 100)], None),
            order(&[(1000, -100)], None),
            order(&[(1000, 100)], Some(-1)),
            order(&[(1000, 100)], Some(201)),
        ];
        for order in wrong {
            assert!(check(&order).is_err(), "{order:?}");
        }
    }
}
