//! Deciding: commands in order of arrival, each by what was loaded and what those before it have taken.

use axum::http::StatusCode;
use foldhash::{HashMap, HashMapExt as _};

use super::super::model::{
    AtTill, ChangedPrice, Flag, Item, Method, OPEN_ITEM, OrderError, OrderStatus, PaymentState, PlaceOrder, Placed,
    ShortLine, TillNote, order_code,
};
use super::super::queries::{self, Sums};
use super::super::rules::{self, Bill, Offer};
use super::Memory;
use crate::clock::{BusinessDate, Timestamp};
use crate::db::{self, Conn};
use crate::ids::{OrderId, ProductId, ShiftId, StoreId, TillId, UserId};
use crate::money::{Money, Quantity};
use crate::payments::{self, OpenShift, TillError, over_limit};
use crate::shop::{self, Shop};
use crate::staff::{self, Act, Approval, StaffError};
use crate::web::answer::Stored;

/// A command that was accepted, with its numbers.
pub(super) struct Accepted<'c> {
    pub(super) command: &'c PlaceOrder,
    pub(super) bill: Bill,
    /// What lines are sold as that differ from the catalogue, by their place.
    pub(super) special: Vec<(usize, Offer)>,
    /// What each line costs the shop, tax of the bill, and the like.
    pub(super) sums: Sums,
    pub(super) on: BusinessDate,
    /// The day on which its stock moves: today, for what was sold away from the server.
    pub(super) moved_on: BusinessDate,
    pub(super) payments: Vec<(usize, Money, PaymentState)>,
    pub(super) paid: Money,
    pub(super) credit: Money,
    pub(super) spot: Option<Box<Spot>>,
}

/// What a sale at a till, or one that somebody approved, has besides.
#[derive(Default)]
pub(super) struct Spot {
    pub(super) shift: Option<ShiftId>,
    pub(super) flags: Vec<Flag>,
    pub(super) approval: Option<Approval>,
    /// What falls below zero with it.
    pub(super) below: Vec<ProductId>,
}

/// What the commands before in the same batch have taken.
pub(super) struct Batch<'c, 's> {
    pub(super) shop: &'s Shop,
    pub(super) zone: jiff::tz::TimeZone,
    /// The day of the last instant, which is nearly always the next one's too.
    pub(super) day: Option<(i64, BusinessDate)>,
    pub(super) taken: HashMap<(StoreId, ProductId), i64>,
    pub(super) credit: HashMap<UserId, Money>,
    pub(super) shifts: HashMap<TillId, OpenShift>,
    /// Approvals that are named, until one is used.
    pub(super) approvals: HashMap<String, Approval>,
    pub(super) accepted: Vec<(usize, Accepted<'c>)>,
}

impl<'s> Batch<'_, 's> {
    pub(super) fn new(shop: &'s Shop) -> Self {
        Self {
            shop,
            zone: shop.zone(),
            day: None,
            taken: HashMap::new(),
            credit: HashMap::new(),
            shifts: HashMap::new(),
            approvals: HashMap::new(),
            accepted: Vec::new(),
        }
    }

    /// The business date of an instant; a minute has one date in every zone, so it is asked once a minute.
    fn date(&mut self, now: Timestamp) -> BusinessDate {
        let minute = now.as_ms().div_euclid(60_000);
        match self.day {
            Some((known, date)) if known == minute => date,
            _ => {
                let date = now.business_date(&self.zone);
                self.day = Some((minute, date));
                date
            }
        }
    }

    pub(super) fn answer(&self, id: OrderId, accepted: &Accepted<'_>, invoice: Option<(i64, i64)>) -> Stored {
        let command = accepted.command;
        let placed = Placed {
            message: "Order placed successfully",
            order_id: id,
            order_code: order_code(id),
            store_id: command.store,
            status: if command.complete { OrderStatus::Completed } else { OrderStatus::Placed },
            total: accepted.bill.total,
            item_count: accepted.sums.lines,
            due: accepted.bill.total - accepted.paid,
            invoice_number: invoice
                .map(|(year, number)| shop::invoice_code(&self.shop.invoice_prefix, command.store, year, number)),
            counter: command.at_till.as_deref().map(|till| {
                let spot = accepted.spot.as_deref();
                TillNote {
                    sale_id: till.sale.clone(),
                    number: till.number.clone(),
                    till_id: till.till,
                    shift_id: spot.and_then(|spot| spot.shift),
                    sold_at: till.sold_at,
                    flags: spot.map(|spot| spot.flags.clone()).unwrap_or_default(),
                }
            }),
        };
        let body = serde_json::to_string(&placed).unwrap_or_else(|_| "{}".to_owned());
        Stored { status: StatusCode::CREATED.as_u16(), body, replayed: false }
    }
}

/// When something was sold.
pub(super) fn sold_at(command: &PlaceOrder) -> Timestamp {
    command.at_till.as_ref().map_or(command.now, |till| till.sold_at)
}

/// The open shifts of the tills that commands name, and the approvals; nothing is asked when none are named.
pub(super) fn load_spots(
    conn: &mut Conn<'_>,
    commands: &[PlaceOrder],
) -> db::Result<(HashMap<TillId, OpenShift>, HashMap<String, Approval>)> {
    let tills: Vec<TillId> = commands.iter().filter_map(|command| Some(command.at_till.as_ref()?.till)).collect();
    let shifts = payments::actions::open_shifts(conn, &tills)?;
    let texts: Vec<&str> =
        commands.iter().filter_map(|command| command.allowance.as_ref()?.approval.as_deref()).collect();
    let approvals = staff::actions::find_approvals(conn, &texts)?;
    Ok((
        shifts.into_iter().map(|shift| (shift.till_id, shift)).collect(),
        approvals.into_iter().map(|approval| (approval.id.clone(), approval)).collect(),
    ))
}

impl Memory {
    /// Decides one command by what is known; what it takes is taken from the batch's view at once.
    pub(super) fn decide<'c>(
        &self,
        command: &'c PlaceOrder,
        shop: &Shop,
        batch: &mut Batch<'c, '_>,
    ) -> Result<Accepted<'c>, OrderError> {
        if command.items.is_empty() {
            return Err(OrderError::Empty);
        }
        if !self.stores.contains(&command.store) {
            return Err(OrderError::NoStore(command.store));
        }
        let customer = match command.customer {
            Some(id) => Some(self.customers.get(&id).ok_or(OrderError::NoCustomer(id))?),
            None => None,
        };
        let special = self.special_offers(command)?;
        let mut offers = Vec::with_capacity(command.items.len());
        for (line, item) in command.items.iter().enumerate() {
            let offer = self.offer(&special, line, item);
            offers.push(offer.ok_or(OrderError::NoProduct { line, product: item.product })?);
        }
        let bill = rules::bill(&command.items, &offers, command.discount, shop.round_to_rupee)?;
        let mut spot = self.decide_spot(command, &bill, batch)?;
        let away = command.at_till.as_ref().is_some_and(|till| till.away);
        let payments = settle(command, bill.total)?;
        let paid =
            payments.iter().filter(|payment| payment.2 == PaymentState::Confirmed).map(|payment| payment.1).sum();
        let credit = payments
            .iter()
            .filter(|(index, ..)| command.payments[*index].method == Method::Credit)
            .map(|(_, amount, _)| *amount)
            .sum::<Money>();
        if !credit.is_zero() {
            let customer = customer.ok_or(OrderError::CreditNeedsCustomer)?;
            let owed = customer.credit_paise + batch.credit.get(&customer.user_id).copied().unwrap_or_default();
            let left = customer.credit_limit_paise - owed;
            if credit > left {
                match spot.as_mut().filter(|_| away) {
                    Some(spot) => spot.flags.push(Flag::CreditAboveLimit),
                    None => return Err(OrderError::CreditLimit(left)),
                }
            }
        }
        let short = self.check_stock(command, batch, away)?;
        if let (Some(spot), false) = (spot.as_mut(), short.is_empty()) {
            spot.flags.push(Flag::StockShort);
            spot.below = short.into_iter().map(|line| line.product_id).collect();
        }
        if let Some(approval) = spot.as_ref().and_then(|spot| spot.approval.as_ref()) {
            batch.approvals.remove(&approval.id);
        }

        if let (Some(customer), false) = (customer, credit.is_zero()) {
            *batch.credit.entry(customer.user_id).or_default() =
                batch.credit.get(&customer.user_id).copied().unwrap_or_default() + credit;
        }
        let tax: i64 = bill.lines.iter().map(|line| (line.cgst + line.sgst + line.igst).as_paise()).sum();
        let cost = command.items.iter().zip(&offers).map(|(item, offer)| queries::cost_of(offer.cost, item.quantity));
        let sums = Sums {
            orders: 1,
            cancelled: 0,
            lines: i64::try_from(command.items.len()).unwrap_or(i64::MAX),
            revenue: bill.total.as_paise(),
            tax,
            discount: bill.discount.as_paise(),
            cost: cost.sum(),
        };
        let on = command.on.unwrap_or_else(|| batch.date(sold_at(command)));
        let moved_on = if command.at_till.is_some() { batch.date(command.now) } else { on };
        Ok(Accepted { command, bill, special, sums, on, moved_on, payments, paid, credit, spot })
    }

    /// Decides what tills and limits have to say; nothing for a sale without either.
    fn decide_spot(
        &self,
        command: &PlaceOrder,
        bill: &Bill,
        batch: &Batch<'_, '_>,
    ) -> Result<Option<Box<Spot>>, OrderError> {
        if command.at_till.is_none() && command.allowance.is_none() {
            return Ok(None);
        }
        let mut spot = Spot::default();
        let away = command.at_till.as_ref().is_some_and(|till| till.away);
        if let Some(till) = command.at_till.as_deref() {
            self.decide_at_till(command, till, bill, batch, &mut spot)?;
        }
        if let Some(allowance) = command.allowance.as_deref()
            && over_limit(bill.discount, bill.gross, allowance.limit)
        {
            let approval =
                allowance.approval.as_deref().map(|text| batch.approvals.get(&staff::access::hash_hex(text)));
            match approval {
                Some(Some(found))
                    if found.is_for(Act::Discount, command.store, &command.actor, command.now)
                        && !over_limit(bill.discount, bill.gross, allowance.rules.discount_of(found.approver_role)) =>
                {
                    spot.approval = Some(found.clone());
                }
                _ if away => spot.flags.push(Flag::DiscountAboveLimit),
                Some(_) => return Err(StaffError::NoApproval.into()),
                None => return Err(OrderError::DiscountLimit(allowance.limit)),
            }
        }
        Ok(Some(Box::new(spot)))
    }

    fn decide_at_till(
        &self,
        command: &PlaceOrder,
        till: &AtTill,
        bill: &Bill,
        batch: &Batch<'_, '_>,
        spot: &mut Spot,
    ) -> Result<(), OrderError> {
        let known = batch.shifts.get(&till.till).filter(|known| known.store_id == command.store);
        let known = known.ok_or(TillError::NoTill)?;
        if let Some(said) = till.total.filter(|said| *said != bill.total) {
            return Err(OrderError::TotalDiffers { said, total: bill.total });
        }
        let agreed =
            command.items.iter().enumerate().filter_map(|(line, item)| Some((line, item, item.agreed.as_ref()?)));
        let changed = agreed.filter_map(|(line, item, agreed)| {
            let price = self.offers.get(&item.product)?.offer.price;
            (price != agreed.price).then_some(ChangedPrice { line, product_id: item.product, price })
        });
        let changed: Vec<ChangedPrice> = changed.collect();
        match (known.counting, till.away) {
            (true, false) => return Err(TillError::ShiftCounted.into()),
            (true, true) => spot.flags.push(Flag::ShiftClosed),
            (false, _) => {}
        }
        match (changed.is_empty(), till.away) {
            (false, false) => return Err(OrderError::PriceChanged(changed)),
            (false, true) => spot.flags.push(Flag::PriceDiffers),
            (true, _) => {}
        }
        if till.clock_wrong {
            spot.flags.push(Flag::ClockWrong);
        }
        spot.shift = known.open();
        Ok(())
    }

    /// What the lines are sold as for which something was agreed.
    fn special_offers(&self, command: &PlaceOrder) -> Result<Vec<(usize, Offer)>, OrderError> {
        let agreed =
            command.items.iter().enumerate().filter_map(|(line, item)| Some((line, item, item.agreed.as_ref()?)));
        agreed
            .map(|(line, item, agreed)| {
                if agreed.price.is_negative() {
                    return Err(OrderError::BadPrice { line });
                }
                if item.product == OPEN_ITEM {
                    return Ok((line, Offer::open(agreed.name.clone(), agreed.price)));
                }
                let known = self.offers.get(&item.product);
                let known = known.ok_or(OrderError::NoProduct { line, product: item.product })?;
                Ok((line, Offer { price: agreed.price, ..known.offer.clone() }))
            })
            .collect()
    }

    /// Takes the stock of all lines, or names every line that is short. What was sold away from the server has
    /// left the shop, so it is taken all the same.
    fn check_stock(
        &self,
        command: &PlaceOrder,
        batch: &mut Batch<'_, '_>,
        away: bool,
    ) -> Result<Vec<ShortLine>, OrderError> {
        let tracked = |item: &&Item| self.offers.get(&item.product).is_some_and(|known| known.tracked);
        let mut wanted: Vec<(ProductId, Quantity)> =
            command.items.iter().filter(tracked).map(|item| (item.product, item.quantity)).collect();
        wanted.sort_unstable_by_key(|(product, _)| *product);
        let mut distinct = 0;
        for index in 1..wanted.len() {
            let (product, quantity) = wanted[index];
            if wanted[distinct].0 == product {
                wanted[distinct].1 = wanted[distinct].1.checked_add(quantity).ok_or(OrderError::TooLarge)?;
            } else {
                distinct += 1;
                wanted[distinct] = (product, quantity);
            }
        }
        wanted.truncate(distinct + 1);
        let mut short = Vec::new();
        for (product, wanted) in &wanted {
            let key = (command.store, *product);
            let shelf = self.shelves.get(&key);
            let taken = batch.taken.get(&key).copied().unwrap_or_default();
            let available =
                shelf.map_or(Quantity::ZERO, |shelf| Quantity::milli(shelf.on_hand_milli.as_milli() - taken));
            let free = shelf.is_some_and(|shelf| shelf.allow_negative);
            if *wanted > available && !free {
                let name = self.offers.get(product).map(|known| known.offer.name.clone()).unwrap_or_default();
                short.push(ShortLine { product_id: *product, name, wanted: *wanted, available });
            }
        }
        if !short.is_empty() && !away {
            return Err(OrderError::Short(short));
        }
        for (product, wanted) in wanted {
            *batch.taken.entry((command.store, product)).or_default() += wanted.as_milli();
        }
        Ok(short)
    }
}

/// How the payments of an order come to its total: a promise when it is placed, the whole of it when it
/// is handed over.
fn settle(command: &PlaceOrder, total: Money) -> Result<Vec<(usize, Money, PaymentState)>, OrderError> {
    if command.payments.is_empty() {
        return Err(OrderError::NoPayment);
    }
    let mut left = total;
    let mut settled = Vec::with_capacity(command.payments.len());
    for (index, payment) in command.payments.iter().enumerate() {
        if payment.method == Method::StoreCredit {
            return Err(OrderError::NoStoreCredit);
        }
        let amount = payment.amount.unwrap_or(left);
        let nothing = amount.is_zero() && !total.is_zero();
        if amount.is_negative() || nothing || amount > left {
            return Err(OrderError::BadAmount(left));
        }
        left = left - amount;
        // What is written up counts as paid: from then on the customer owes it, not the order.
        let here = command.complete || payment.method == Method::Credit;
        settled.push((index, amount, if here { PaymentState::Confirmed } else { PaymentState::Pending }));
    }
    if command.complete && !left.is_zero() {
        return Err(OrderError::PaymentsDiffer { paid: total - left, total });
    }
    Ok(settled)
}
