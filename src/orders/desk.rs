//! The sales desk: orders that wait together are handled in one transaction.
//!
//! (a) load, once, the prices, stock rows, customers and idempotency keys that the batch names; (b)
//! decide each command in order of arrival; (c) write the sum: one update for each touched product and
//! day, and the new rows; (d) commit, answer, tell. One short order never spoils its neighbours.
//!
//! Between batches the desk remembers what it has read, as long as nobody else has written: that is
//! so on SQLite, where one process writes, and never on PostgreSQL.

use std::collections::BTreeMap;

use axum::http::StatusCode;
use foldhash::{HashMap, HashMapExt as _, HashSet};
use serde::Serialize;
use serde_json::json;
use sha2::{Digest as _, Sha256};

use super::model::{
    AtTill, ChangedPrice, Channel, Flag, Item, Method, OPEN_ITEM, OrderError, OrderStatus, PaymentState, PlaceOrder,
    Placed, ShortLine, TillNote, order_code,
};
use super::queries::{self, CustomerRow, OfferRow, PaymentRow, ProductSums, Sums};
use super::rules::{self, Bill, Offer};
use crate::audit::{self, By};
use crate::clock::{BusinessDate, Timestamp};
use crate::db::{self, Conn, Db, Sequence, Value};
use crate::ids::{OrderId, ProductId, ShiftId, StoreId, TillId, UserId};
use crate::money::{Money, Quantity};
use crate::payments::{self, OpenShift, TillError, over_limit};
use crate::shop::{self, Shop};
use crate::staff::{self, Act, Approval, StaffError};
use crate::stock::Reason;
use crate::stock::ledger::{self, Movement, Shelves};
use crate::web::answer::Stored;
use crate::web::{events, idempotency};

/// What the desk answers to a command.
pub type Answer = Result<Stored, OrderError>;

/// A handle on the desk; cheap to clone.
#[derive(Clone)]
pub struct Desk(db::Desk<PlaceOrder, Answer>);

impl Desk {
    /// Opens the desk of a database.
    pub fn open(db: &Db) -> Self {
        let mut memory = Memory::default();
        Self(db.open_desk(move |conn, commands: &[PlaceOrder]| {
            let answers = memory.handle(conn, commands);
            if answers.is_err() {
                memory = Memory::default();
            }
            answers
        }))
    }

    /// Places an order; the answer comes once it is stored for good.
    pub async fn place(&self, command: PlaceOrder) -> Answer {
        self.0.submit(command).await?
    }
}

/// What was read and is still so.
#[derive(Default)]
struct Memory {
    disturbances: u64,
    shop: Option<Shop>,
    stores: HashSet<StoreId>,
    offers: HashMap<ProductId, Known>,
    shelves: Shelves,
    customers: HashMap<UserId, CustomerRow>,
}

struct Known {
    offer: Offer,
    tracked: bool,
}

/// How many products or customers are remembered.
const REMEMBERED: usize = 50_000;

/// A command that was accepted, with its numbers.
struct Accepted<'c> {
    command: &'c PlaceOrder,
    bill: Bill,
    /// What lines are sold as that differ from the catalogue, by their place.
    special: Vec<(usize, Offer)>,
    /// What each line costs the shop, tax of the bill, and the like.
    sums: Sums,
    on: BusinessDate,
    /// The day on which its stock moves: today, for what was sold away from the server.
    moved_on: BusinessDate,
    payments: Vec<(usize, Money, PaymentState)>,
    paid: Money,
    credit: Money,
    spot: Option<Box<Spot>>,
}

/// What a sale at a till, or one that somebody approved, has besides.
#[derive(Default)]
struct Spot {
    shift: Option<ShiftId>,
    flags: Vec<Flag>,
    approval: Option<Approval>,
    /// What falls below zero with it.
    below: Vec<ProductId>,
}

impl Memory {
    fn handle(&mut self, conn: &mut Conn<'_>, commands: &[PlaceOrder]) -> db::Result<Vec<Answer>> {
        let undisturbed = self.shop.is_some() && self.disturbances == conn.disturbances();
        if !undisturbed || self.offers.len() > REMEMBERED || self.customers.len() > REMEMBERED {
            *self = Self { disturbances: conn.disturbances(), ..Self::default() };
        }
        let replays = find_replays(conn, commands)?;
        let (shifts, approvals) = load_spots(conn, commands)?;
        let shop = self.load(conn, commands)?;

        let mut batch = Batch { shifts, approvals, ..Batch::new(&shop) };
        let mut answers: Vec<Option<Answer>> = Vec::with_capacity(commands.len());
        let mut twins: HashMap<(&str, &str), usize> = HashMap::new();
        for (index, command) in commands.iter().enumerate() {
            let key = command.claim.as_ref().map(|claim| (claim.principal.as_str(), claim.sent.key.as_str()));
            if let Some(replay) = key.and_then(|key| replays.get(&key)) {
                answers.push(Some(replay_of(command, replay)));
                continue;
            }
            if let Some(first) = key.and_then(|key| twins.get(&key).copied()) {
                let same = commands[first].claim == command.claim;
                answers.push(if same { None } else { Some(Err(OrderError::KeyReused)) });
                continue;
            }
            match self.decide(command, &shop, &mut batch) {
                Ok(accepted) => {
                    if let Some(key) = key {
                        twins.insert(key, index);
                    }
                    batch.accepted.push((index, accepted));
                    answers.push(None);
                }
                Err(refusal) => answers.push(Some(Err(refusal))),
            }
        }
        let stored = self.apply(conn, batch, commands.len())?;
        Ok(answer_all(commands, answers, stored, &twins))
    }

    /// Reads what the commands name and is not known yet.
    fn load(&mut self, conn: &mut Conn<'_>, commands: &[PlaceOrder]) -> db::Result<Shop> {
        let shop = if let Some(shop) = self.shop.take() {
            shop
        } else {
            self.stores = queries::stores(conn)?.into_iter().collect();
            shop::current(conn)?
        };
        self.shop = Some(shop.clone());

        let mut customers: Vec<UserId> = commands
            .iter()
            .filter_map(|command| command.customer)
            .filter(|customer| !self.customers.contains_key(customer))
            .collect();
        customers.sort_unstable();
        customers.dedup();
        for row in conn.load_many(&queries::LOCK_CUSTOMERS, customers.into_iter().map(|id| [id.into()]))? {
            self.customers.insert(row.user_id, row);
        }

        let named = || {
            let items =
                commands.iter().flat_map(|command| command.items.iter().map(|item| (command.store, item.product)));
            items.filter(|(_, product)| *product != OPEN_ITEM)
        };
        let mut products: Vec<ProductId> =
            named().map(|(_, product)| product).filter(|product| !self.offers.contains_key(product)).collect();
        products.sort_unstable();
        products.dedup();
        for row in conn.load_many(&queries::LOAD_OFFERS, products.into_iter().map(|id| [id.into()]))? {
            self.offers.insert(row.id, row.into());
        }
        let unknown: Vec<(StoreId, ProductId)> = named().filter(|key| !self.shelves.contains_key(key)).collect();
        self.shelves.extend(ledger::lock(conn, unknown)?);
        Ok(shop)
    }

    /// Decides one command by what is known; what it takes is taken from the batch's view at once.
    fn decide<'c>(
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

    /// What a line is sold as.
    fn offer<'a>(&'a self, special: &'a [(usize, Offer)], line: usize, item: &Item) -> Option<&'a Offer> {
        match special.iter().find(|(place, _)| *place == line) {
            Some((_, offer)) => Some(offer),
            None => self.offers.get(&item.product).map(|known| &known.offer),
        }
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

    /// Writes what was accepted; returns each one's answer by its place in the batch.
    fn apply(&mut self, conn: &mut Conn<'_>, batch: Batch<'_, '_>, commands: usize) -> db::Result<Vec<Option<Stored>>> {
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

    fn move_stock(
        &mut self,
        conn: &mut Conn<'_>,
        orders: &[(OrderId, usize, &Accepted<'_>)],
    ) -> db::Result<ledger::Days> {
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
            .collect::<std::collections::BTreeSet<_>>()
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
                let id = format!(
                    "low-stock-{}",
                    shelf.last_move_id.map(super::super::ids::MoveId::number).unwrap_or_default()
                );
                events::publish(conn, &id, "low-stock", Some(store), None, &told);
            }
        }
        Ok(days)
    }

    fn roll_up(
        &self,
        conn: &mut Conn<'_>,
        orders: &[(OrderId, usize, &Accepted<'_>)],
        moved: ledger::Days,
    ) -> db::Result<()> {
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

    fn update_customers(&mut self, conn: &mut Conn<'_>, orders: &[(OrderId, usize, &Accepted<'_>)]) -> db::Result<()> {
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

impl From<OfferRow> for Known {
    fn from(row: OfferRow) -> Self {
        Self {
            tracked: row.track_stock,
            offer: Offer {
                product: row.id,
                name: row.name,
                hsn: row.hsn,
                unit: row.unit,
                price: row.price_paise,
                includes_tax: row.price_includes_tax,
                tax_rate: row.tax_rate_bp,
                cost: row.cost_paise,
            },
        }
    }
}

/// What the commands before in the same batch have taken.
struct Batch<'c, 's> {
    shop: &'s Shop,
    zone: jiff::tz::TimeZone,
    /// The day of the last instant, which is nearly always the next one's too.
    day: Option<(i64, BusinessDate)>,
    taken: HashMap<(StoreId, ProductId), i64>,
    credit: HashMap<UserId, Money>,
    shifts: HashMap<TillId, OpenShift>,
    /// Approvals that are named, until one is used.
    approvals: HashMap<String, Approval>,
    accepted: Vec<(usize, Accepted<'c>)>,
}

/// When something was sold.
fn sold_at(command: &PlaceOrder) -> Timestamp {
    command.at_till.as_ref().map_or(command.now, |till| till.sold_at)
}

/// The open shifts of the tills that commands name, and the approvals; nothing is asked when none are named.
fn load_spots(
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

impl<'s> Batch<'_, 's> {
    fn new(shop: &'s Shop) -> Self {
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

    fn answer(&self, id: OrderId, accepted: &Accepted<'_>, invoice: Option<(i64, i64)>) -> Stored {
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

type Replays<'c> = HashMap<(&'c str, &'c str), idempotency::StoredRow>;

/// The answers that were stored for the keys of a batch.
fn find_replays<'c>(conn: &mut Conn<'_>, commands: &'c [PlaceOrder]) -> db::Result<Replays<'c>> {
    let elsewhere = || commands.iter().filter(|command| command.at_till.is_none());
    let claims = || elsewhere().filter_map(|command| Some((command.claim.as_ref()?, command.now)));
    let at_tills = find_till_sales(conn, commands)?;
    let rows = conn.load_many(&idempotency::FIND, claims().map(|(claim, now)| claim.lookup(now)))?;
    if rows.is_empty() {
        return Ok(at_tills);
    }
    let mut found: HashMap<(String, String), idempotency::StoredRow> =
        rows.into_iter().map(|row| ((row.principal.clone(), row.key.clone()), row)).collect();
    Ok(claims()
        .filter_map(|(claim, _)| {
            let row = found.remove(&(claim.principal.clone(), claim.sent.key.clone()))?;
            Some(((claim.principal.as_str(), claim.sent.key.as_str()), row))
        })
        .chain(at_tills)
        .collect())
}

/// The answers that were given to the sales of tills.
fn find_till_sales<'c>(conn: &mut Conn<'_>, commands: &'c [PlaceOrder]) -> db::Result<Replays<'c>> {
    let sales = || commands.iter().filter_map(|command| Some((command.at_till.as_deref()?, command.claim.as_ref()?)));
    let asked = sales().map(|(till, _)| [till.till.into(), (&till.sale).into()]);
    let rows = conn.load_many(&queries::TILL_SALES, asked)?;
    let mut found: HashMap<(TillId, String), queries::TillSaleRow> =
        rows.into_iter().map(|row| ((row.till_id, row.sale_id.clone()), row)).collect();
    let replay = |(till, claim): (&'c AtTill, &'c idempotency::Claim)| {
        let row = found.remove(&(till.till, till.sale.clone()))?;
        let stored = idempotency::StoredRow {
            principal: claim.principal.clone(),
            key: row.sale_id,
            request_hash: row.request_hash,
            status: i64::from(StatusCode::CREATED.as_u16()),
            body: row.answer,
        };
        Some(((claim.principal.as_str(), claim.sent.key.as_str()), stored))
    };
    Ok(sales().filter_map(replay).collect())
}

fn replay_of(command: &PlaceOrder, row: &idempotency::StoredRow) -> Answer {
    match &command.claim {
        Some(claim) => claim.replay(row).map_err(|_| OrderError::KeyReused),
        None => Err(OrderError::KeyReused),
    }
}

/// Puts the answers in order; a twin of an accepted command gets its twin's answer again.
fn answer_all(
    commands: &[PlaceOrder],
    answers: Vec<Option<Answer>>,
    mut stored: Vec<Option<Stored>>,
    twins: &HashMap<(&str, &str), usize>,
) -> Vec<Answer> {
    // From the last to the first: a twin stands behind the one whose answer it gets.
    let mut all: Vec<Answer> = answers
        .into_iter()
        .enumerate()
        .rev()
        .map(|(index, answer)| {
            answer.unwrap_or_else(|| {
                if let Some(own) = stored[index].take() {
                    return Ok(own);
                }
                let claim = commands[index].claim.as_ref().ok_or(OrderError::KeyReused)?;
                let first = twins.get(&(claim.principal.as_str(), claim.sent.key.as_str()));
                let answer = first.and_then(|first| stored[*first].clone()).ok_or(OrderError::KeyReused)?;
                Ok(Stored { replayed: true, ..answer })
            })
        })
        .collect();
    all.reverse();
    all
}

/// Notes the batch in the audit log: one entry, with a hash over all its orders.
fn vouch(conn: &mut Conn<'_>, orders: &[(OrderId, usize, &Accepted<'_>)]) -> db::Result<audit::Place> {
    let mut digest = OrdersDigest::default();
    for (id, _, accepted) in orders {
        let command = accepted.command;
        digest.add(*id, command.store, command.customer, accepted.bill.total, sold_at(command).as_ms());
    }
    let now = orders.iter().map(|(_, _, accepted)| accepted.command.now).max().unwrap_or_default();
    let by = By { actor: "desk", from: "", now };
    let (first, last) = (orders[0].0, orders[orders.len() - 1].0);
    let subject = format!("orders:{first}-{last}");
    audit::record(conn, by, "orders.place", &subject, &json!({ "count": orders.len(), "digest": digest.finish() }))
}

/// The hash by which the audit log vouches for the orders of a batch, in the order of their ids.
#[derive(Default)]
pub struct OrdersDigest(Sha256);

impl OrdersDigest {
    /// Adds an order.
    pub fn add(&mut self, id: OrderId, store: StoreId, customer: Option<UserId>, total: Money, placed_at_ms: i64) {
        let customer = customer.map_or(0, UserId::number);
        for number in [id.number(), store.number(), customer, total.as_paise(), placed_at_ms] {
            self.0.update(number.to_be_bytes());
        }
    }

    /// The hash as hex.
    pub fn finish(self) -> String {
        self.0.finalize().iter().fold(String::new(), |hex, byte| format!("{hex}{byte:02x}"))
    }
}

/// The next free bill number of each series that the batch uses.
type Invoices = BTreeMap<(StoreId, i64), i64>;

fn take_invoices(conn: &mut Conn<'_>, orders: &[(OrderId, usize, &Accepted<'_>)]) -> db::Result<Invoices> {
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

fn insert_payments(conn: &mut Conn<'_>, orders: &[(OrderId, usize, &Accepted<'_>)]) -> db::Result<()> {
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

/// Adds to the roll-ups, in the order of their keys.
pub(super) fn write_roll_ups(
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

fn store_keys(
    conn: &mut Conn<'_>,
    orders: &[(OrderId, usize, &Accepted<'_>)],
    answers: &[Option<Stored>],
) -> db::Result<()> {
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
fn use_approvals(conn: &mut Conn<'_>, orders: &[(OrderId, usize, &Accepted<'_>)]) -> db::Result<()> {
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
