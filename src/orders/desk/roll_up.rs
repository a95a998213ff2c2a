//! The roll-ups: what a batch adds to the sums of products, stores and customers, day by day.

use std::collections::BTreeMap;

use super::super::queries::{self, ProductSums, Sums};
use super::Memory;
use super::store::Numbered;
use crate::clock::BusinessDate;
use crate::db::{self, Conn};
use crate::ids::{ProductId, StoreId, UserId};
use crate::money::Quantity;
use crate::stock::ledger;

impl Memory {
    pub(super) fn roll_up(&self, conn: &mut Conn<'_>, orders: &Numbered<'_>, moved: ledger::Days) -> db::Result<()> {
        let writer = conn.writer();
        let mut products: BTreeMap<(StoreId, BusinessDate, ProductId), ProductSums> = moved
            .into_iter()
            .map(|(key, moved)| (key, ProductSums { moved: Some(moved), ..ProductSums::default() }))
            .collect();
        let mut stores: BTreeMap<(StoreId, BusinessDate), Sums> = BTreeMap::new();
        let mut customers: BTreeMap<(StoreId, BusinessDate, UserId), (i64, i64)> = BTreeMap::new();
        for (_, _, accepted) in orders {
            let command = accepted.command;
            stores.entry((command.store, accepted.on)).or_default().add(accepted.sums);
            if let Some(customer) = command.customer {
                let sum = customers.entry((command.store, accepted.on, customer)).or_default();
                sum.0 += 1;
                sum.1 += accepted.bill.total.as_paise();
            }
            for (place, (item, line)) in command.items.iter().zip(&accepted.bill.lines).enumerate() {
                let sum = products.entry((command.store, accepted.on, item.product)).or_default();
                sum.lines += 1;
                sum.sold += item.quantity.as_milli();
                sum.revenue += line.total.as_paise();
                sum.tax += (line.cgst + line.sgst + line.igst).as_paise();
                let cost = self.offer(&accepted.special, place, item).and_then(|offer| offer.cost);
                sum.cost += queries::cost_of(cost, item.quantity);
            }
        }
        write_roll_ups(conn, writer, &products, &stores, &customers)
    }
}

/// Adds to the roll-ups, in the order of their keys.
pub fn write_roll_ups(
    conn: &mut Conn<'_>,
    writer: i64,
    products: &BTreeMap<(StoreId, BusinessDate, ProductId), ProductSums>,
    stores: &BTreeMap<(StoreId, BusinessDate), Sums>,
    customers: &BTreeMap<(StoreId, BusinessDate, UserId), (i64, i64)>,
) -> db::Result<()> {
    conn.execute_many(
        &queries::ADD_TO_PRODUCT_DAYS,
        products.iter().map(|((store, on, product), sum)| {
            [
                (*store).into(),
                (*on).into(),
                (*product).into(),
                writer.into(),
                sum.lines.into(),
                sum.sold.into(),
                sum.revenue.into(),
                sum.tax.into(),
                sum.cost.into(),
                sum.moved.map_or(Quantity::ZERO, |(delta, _)| delta).into(),
                sum.moved.map(|(_, last)| last).into(),
            ]
        }),
    )?;
    conn.execute_many(
        &queries::ADD_TO_STORE_DAYS,
        stores.iter().map(|((store, on), sum)| {
            [
                (*store).into(),
                (*on).into(),
                writer.into(),
                sum.orders.into(),
                sum.cancelled.into(),
                sum.lines.into(),
                sum.revenue.into(),
                sum.tax.into(),
                sum.discount.into(),
                sum.cost.into(),
            ]
        }),
    )?;
    conn.execute_many(
        &queries::ADD_TO_CUSTOMER_DAYS,
        customers.iter().map(|((store, on, customer), (orders, spent))| {
            [(*store).into(), (*on).into(), (*customer).into(), writer.into(), (*orders).into(), (*spent).into()]
        }),
    )?;
    Ok(())
}
