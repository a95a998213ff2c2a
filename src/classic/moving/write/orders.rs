//! Orders, with the products that their lines mean.

use std::collections::HashSet;

use jiff::tz::TimeZone;

use super::super::file::OldFile;
use super::super::record::{Flaw, Record};
use super::super::systems::{Sale, SaleLine, When};
use super::super::{MoveError, Place};
use super::{Done, GROWING, Here, Mover};
use crate::catalog::{self, Unit};
use crate::clock::{BusinessDate, Timestamp};
use crate::db::Conn;
use crate::money::Quantity;
use crate::orders::past::{self, PastLine, PastOrder};
use crate::orders::{OPEN_ITEM, OrderError};

/// Orders that are written at once; the audit log has one entry for them.
const ORDERS: usize = 1_000;

impl Mover<'_> {
    pub(super) fn sales(&mut self, conn: &mut Conn<'_>, file: &OldFile) -> Done {
        self.read_lines(file)?;
        let Some(table) = self.system.sales else { return Ok(()) };
        let mut chunk = Vec::new();
        file.each(table, |record| {
            match (self.system.sale)(&record, &mut self.lines, &self.zone) {
                Ok(Some(sale)) => chunk.push((Place::of(&record), sale)),
                Ok(None) => self.report.empty_orders += 1,
                Err(flaw) => self.refuse_sale(&record, &flaw),
            }
            if chunk.len() >= ORDERS {
                self.tell(record.read);
                self.write_sales(conn, std::mem::take(&mut chunk))?;
            }
            Ok(())
        })?;
        self.write_sales(conn, chunk)?;
        self.end_pass(file);
        Ok(())
    }

    fn refuse_sale(&mut self, record: &Record, flaw: &Flaw) {
        self.report.orders.refused += 1;
        self.report.refuse(Place::of(record).flaw(flaw));
    }

    /// Lines that stand in a table of their own are gathered by their order.
    fn read_lines(&mut self, file: &OldFile) -> Done {
        let Some(table) = self.system.lines else { return Ok(()) };
        file.each(table, |record| {
            match (self.system.line)(&record) {
                Ok((order, line)) => self.lines.entry(order).or_default().push(line),
                Err(flaw) => self.refuse_sale(&record, &flaw),
            }
            Ok(())
        })?;
        self.end_pass(file);
        Ok(())
    }

    fn write_sales(&mut self, conn: &mut Conn<'_>, chunk: Vec<(Place, Sale)>) -> Done {
        let came = self.came(conn, "order", chunk.iter().map(|(_, sale)| sale.external.as_str()))?;
        let mut seen = HashSet::new();
        let (mut externals, mut orders) = (Vec::new(), Vec::new());
        for (place, sale) in chunk {
            if came.contains_key(&sale.external) || !seen.insert(sale.external.clone()) {
                self.report.orders.known += 1;
                continue;
            }
            let external = sale.external.clone();
            match self.past_order(conn, place, sale)? {
                Ok(order) => {
                    externals.push(external);
                    orders.push(order);
                }
                Err(flaw) => {
                    self.report.orders.refused += 1;
                    self.report.refuse(place.flaw(&flaw));
                }
            }
        }
        let ids = past::take_over(conn, self.options.store, &orders, self.import, self.on.by)?;
        self.report.orders.brought += ids.len() as u64;
        let rows: Vec<(String, i64, bool)> =
            externals.into_iter().zip(ids).map(|(external, id)| (external, id.number(), true)).collect();
        self.remember(conn, "order", &rows)?;
        if !self.counted && rows.len() >= ORDERS {
            conn.count_again(GROWING)?;
            self.counted = true;
        }
        Ok(())
    }

    /// An order in our words, or what is wrong with it.
    fn past_order(
        &mut self,
        conn: &mut Conn<'_>,
        place: Place,
        sale: Sale,
    ) -> Result<Result<PastOrder, Flaw>, MoveError> {
        let mut lines = Vec::with_capacity(sale.lines.len());
        for line in &sale.lines {
            if line.quantity <= Quantity::ZERO {
                return Ok(Err(Flaw::new("quantity", format!("`{}` is not more than nothing", line.quantity))));
            }
            match self.find_product(conn, line)? {
                Ok(here) => lines.push(PastLine {
                    product: here.id,
                    name: if line.name.is_empty() { here.name } else { line.name.clone() },
                    unit: here.unit.word().to_owned(),
                    quantity: line.quantity,
                    unit_price: line.unit_price,
                    total: line.total,
                }),
                Err(flaw) => return Ok(Err(flaw)),
            }
        }
        let customer = sale.customer.as_ref().and_then(|id| self.customers.get(id).copied());
        if let (Some(id), None) = (&sale.customer, customer) {
            self.report.note(place.remark("", format!("there is no customer {id}; the order comes in without one")));
        }
        let at = match sale.when {
            When::At(at) => at,
            When::On(day) => noon(day, &self.zone),
        };
        let order = PastOrder {
            customer,
            at,
            on: self.shop.business_date(at),
            status: sale.status,
            method: sale.method,
            note: sale.note,
            lines,
            total: sale.total,
        };
        Ok(match past::check(&order) {
            Ok(()) => Ok(order),
            Err(OrderError::Db(error)) => return Err(error.into()),
            Err(OrderError::PaymentsDiffer { paid, total }) => {
                Err(Flaw::new("total", format!("the order says {paid}, and its lines come to {total}")))
            }
            Err(error) => Err(Flaw::new("", error.to_string())),
        })
    }

    /// The product of a line: by its id, else by its name, else none, and the bill alone names it.
    fn find_product(&mut self, conn: &mut Conn<'_>, line: &SaleLine) -> Result<Result<Here, Flaw>, MoveError> {
        if let Some(here) = line.product.as_ref().and_then(|id| self.products.get(id)) {
            return Ok(Ok(here.clone()));
        }
        if line.name.is_empty() {
            let id = line.product.as_deref().unwrap_or_default();
            return Ok(Err(Flaw::new("", format!("there is no product {id}"))));
        }
        if let Some(here) = self.items.get(&line.name) {
            self.report.open_items += u64::from(here.id == OPEN_ITEM);
            return Ok(Ok(here.clone()));
        }
        let here = if let Some(id) = catalog::actions::find_by_name(conn, &line.name)? {
            let product = catalog::actions::load(conn, self.options.store, id)?;
            Here { id, name: product.name, unit: product.unit }
        } else {
            self.report.open_items += 1;
            Here { id: OPEN_ITEM, name: line.name.clone(), unit: Unit::Piece }
        };
        self.items.insert(line.name.clone(), here.clone());
        Ok(Ok(here))
    }
}

/// Noon of a day by the shop's clock: the middle of it in every zone near.
fn noon(day: BusinessDate, zone: &TimeZone) -> Timestamp {
    let noon = day.date().at(12, 0, 0, 0).to_zoned(zone.clone());
    Timestamp::from_ms(noon.map(|zoned| zoned.timestamp().as_millisecond()).unwrap_or_default())
}
