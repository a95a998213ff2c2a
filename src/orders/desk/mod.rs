//! The sales desk: orders that wait together are handled in one transaction.
//!
//! (a) load, once, the prices, stock rows, customers and idempotency keys that the batch names; (b)
//! decide each command in order of arrival; (c) write the sum: one update for each touched product and
//! day, and the new rows; (d) commit, answer, tell. One short order never spoils its neighbours.
//!
//! Between batches the desk remembers what it has read, as long as nobody else has written: that is
//! so on SQLite, where one process writes, and never on PostgreSQL.

mod decide;
mod replay;
mod roll_up;
mod store;
mod vouch;

use foldhash::{HashMap, HashMapExt as _, HashSet};

use super::model::{Item, OPEN_ITEM, OrderError, PlaceOrder};
use super::queries::{self, CustomerRow, OfferRow};
use super::rules::Offer;
use crate::db::{self, Conn, Db};
use crate::ids::{ProductId, StoreId, UserId};
use crate::shop::{self, Shop};
use crate::stock::ledger::{self, Shelves};
use crate::web::answer::Stored;
use decide::{Batch, load_spots};
use replay::{answer_all, find_replays, replay_of};

pub(super) use roll_up::write_roll_ups;
pub use vouch::OrdersDigest;

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

    /// What a line is sold as.
    fn offer<'a>(&'a self, special: &'a [(usize, Offer)], line: usize, item: &Item) -> Option<&'a Offer> {
        match special.iter().find(|(place, _)| *place == line) {
            Some((_, offer)) => Some(offer),
            None => self.offers.get(&item.product).map(|known| &known.offer),
        }
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
