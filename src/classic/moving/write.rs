//! Writing what was read: accounts, products, orders, in this order.

use std::collections::{HashMap, HashSet};

use jiff::tz::TimeZone;

use super::file::OldFile;
use super::record::{Flaw, Record};
use super::systems::{Goods, Lines, Person, Sale, SaleLine, System, When};
use super::{MoveError, Options, Place, Report, queries};
use crate::catalog::{self, CatalogError, NewProduct, Occasion, Unit, import};
use crate::clock::Timestamp;
use crate::db::{Conn, Db};
use crate::ids::{Entropy, ImportId, ProductId, UserId};
use crate::money::Quantity;
use crate::orders::past::{self, PastLine, PastOrder};
use crate::orders::{OPEN_ITEM, OrderError};
use crate::shop::{self, Shop};
use crate::staff::actions::{Arrival, Newcomer};
use crate::staff::{self, Kind, NewUser, password};

/// Accounts and products that are written at once.
const CHUNK: usize = 500;
/// Orders that are written at once; the audit log has one entry for them.
const ORDERS: usize = 1_000;
/// What grows by much.
const GROWING: &[&str] = &["orders", "order_lines", "payments", "moved_rows", "customers", "products", "stock"];

/// An account with its place in the file.
pub struct Known {
    place: Place,
    kind: Kind,
    person: Result<Person, Flaw>,
    /// What is stored for the password.
    hash: Option<String>,
}

/// Reads all accounts.
pub fn read_people(file: &OldFile, system: &System) -> Result<Vec<Known>, MoveError> {
    let mut people = Vec::new();
    for table in system.people {
        file.each(table, |record| {
            let (place, kind) = (Place::of(&record), (system.kind_of)(&record));
            people.push(Known { place, kind, person: (system.person)(&record), hash: None });
            Ok(())
        })?;
    }
    Ok(people)
}

/// Hashes the passwords of accounts that did not come before, on all cores. A dry run needs none.
pub async fn hash_passwords(
    db: &Db,
    mut people: Vec<Known>,
    system: &'static System,
    options: &Options,
    entropy: Entropy,
) -> Result<Vec<Known>, MoveError> {
    if options.dry_run {
        return Ok(people);
    }
    let externals: Vec<(Kind, String)> =
        people.iter().filter_map(|known| Some((known.kind, known.person.as_ref().ok()?.external.clone()))).collect();
    let came: HashSet<(Kind, String)> = db
        .read(move |conn| {
            let mut came = HashSet::new();
            for asked in [Kind::Customer, Kind::Staff] {
                let of_kind = externals.iter().filter(|(kind, _)| *kind == asked);
                let rows = of_kind.map(|(kind, id)| [system.name.into(), (*kind).into(), id.into()]);
                came.extend(conn.load_many(&queries::FIND, rows)?.into_iter().map(|(id, _)| (asked, id)));
            }
            Ok::<_, MoveError>(came)
        })
        .await?;
    let hashed = tokio::task::spawn_blocking(move || {
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let share = people.len().div_ceil(cores).max(1);
        std::thread::scope(|scope| {
            for part in people.chunks_mut(share) {
                let (entropy, came) = (&entropy, &came);
                scope.spawn(move || {
                    for known in part {
                        let Ok(person) = &known.person else { continue };
                        if !came.contains(&(known.kind, person.external.clone()))
                            && let Some((scheme, kept)) = &person.secret
                        {
                            known.hash = password::adopt(entropy, *scheme, kept);
                        }
                    }
                });
            }
        });
        people
    });
    hashed.await.map_err(|_| crate::db::Error::Busy.into())
}

/// Writes everything, inside the caller's transaction.
pub fn bring(
    conn: &mut Conn<'_>,
    file: &OldFile,
    system: &'static System,
    people: &[Known],
    options: &Options,
    on: Occasion<'_>,
    progress: &dyn Fn(u64, u64),
) -> Result<Report, MoveError> {
    let shop = shop::current(conn)?;
    let id = import::begin(conn, options.source.word(), &file_name(options), on)?;
    let passes = [system.undated, system.goods, system.lines, system.sales].iter().flatten().count();
    let mut mover = Mover {
        system,
        options,
        zone: shop.zone(),
        shop,
        on: Occasion { import: Some(id), ..on },
        import: id,
        report: Report::new(options),
        customers: HashMap::new(),
        products: HashMap::new(),
        items: HashMap::new(),
        sold_before: HashMap::new(),
        lines: Lines::new(),
        counted: false,
        progress,
        done: 0,
        all: file.size * passes as u64,
    };
    let before = categories(conn)?;
    mover.people(conn, people)?;
    mover.undated(file)?;
    mover.goods(conn, file)?;
    mover.sales(conn, file)?;
    let made: Vec<i64> = categories(conn)?.into_iter().filter(|id| !before.contains(id)).collect();
    let names: Vec<(String, i64, bool)> = made.into_iter().map(|id| (id.to_string(), id, true)).collect();
    mover.remember(conn, "category", &names)?;
    if mover.counted {
        conn.count_again(GROWING)?;
    }

    let mut report = mover.report;
    report.errors.sort_by_key(|error| error.line);
    if report.refused() > 0 && !options.skip_bad_rows {
        return Err(if options.dry_run { MoveError::Rehearsed } else { MoveError::Refused }(Box::new(report)));
    }
    if options.dry_run {
        return Err(MoveError::Rehearsed(Box::new(report)));
    }
    if report.brought() == 0 {
        return Err(MoveError::Nothing(Box::new(report)));
    }
    import::finish(conn, id, [report.brought(), 0, report.refused()], on)?;
    report.import_id = Some(id);
    Ok(report)
}

fn file_name(options: &Options) -> String {
    options.path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

fn categories(conn: &mut Conn<'_>) -> Result<HashSet<i64>, MoveError> {
    Ok(catalog::actions::list_categories(conn)?.into_iter().map(|category| category.id.number()).collect())
}

/// A product of the old system and what it is here.
#[derive(Clone)]
struct Here {
    id: ProductId,
    name: String,
    unit: Unit,
}

struct Mover<'a> {
    system: &'static System,
    options: &'a Options,
    shop: Shop,
    zone: TimeZone,
    on: Occasion<'a>,
    import: ImportId,
    report: Report,
    /// Customers by their id in the old system.
    customers: HashMap<String, UserId>,
    /// Products by their id in the old system.
    products: HashMap<String, Here>,
    /// Products by a name that an order gives.
    items: HashMap<String, Here>,
    sold_before: HashMap<String, Quantity>,
    lines: Lines,
    counted: bool,
    progress: &'a dyn Fn(u64, u64),
    /// What the passes before have read.
    done: u64,
    all: u64,
}

type Done = Result<(), MoveError>;

impl Mover<'_> {
    /// Which of some ids came before, and what they are here.
    fn came<'i>(
        &self,
        conn: &mut Conn<'_>,
        kind: &'static str,
        ids: impl Iterator<Item = &'i str>,
    ) -> Result<HashMap<String, i64>, MoveError> {
        let rows = ids.map(|id| [self.system.name.into(), kind.into(), id.into()]);
        Ok(conn.load_many(&queries::FIND, rows)?.into_iter().collect())
    }

    /// Remembers where rows came from: the id there, the id here, whether this import made the row.
    fn remember(&self, conn: &mut Conn<'_>, kind: &'static str, rows: &[(String, i64, bool)]) -> Done {
        let rows = rows.iter().map(|(external, local, brought)| {
            [
                self.system.name.into(),
                kind.into(),
                external.into(),
                (*local).into(),
                self.import.into(),
                (*brought).into(),
            ]
        });
        conn.execute_many(&queries::INSERT, rows)?;
        Ok(())
    }

    fn tell(&self, read: u64) {
        (self.progress)(self.done + read, self.all);
    }

    fn end_pass(&mut self, file: &OldFile) {
        self.done += file.size;
        self.tell(0);
    }

    // accounts -------------------------------------------------------------------------------------

    fn people(&mut self, conn: &mut Conn<'_>, people: &[Known]) -> Done {
        for chunk in people.chunks(CHUNK) {
            for kind in [Kind::Customer, Kind::Staff] {
                let of_kind: Vec<(&Known, &Person)> = chunk
                    .iter()
                    .filter_map(|known| Some((known, known.person.as_ref().ok()?)))
                    .filter(|(known, _)| known.kind == kind)
                    .collect();
                self.people_of(conn, kind, &of_kind)?;
            }
            for known in chunk {
                if let Err(flaw) = &known.person {
                    self.refuse_person(known, flaw);
                }
            }
        }
        Ok(())
    }

    fn people_of(&mut self, conn: &mut Conn<'_>, kind: Kind, people: &[(&Known, &Person)]) -> Done {
        let mut came = self.came(conn, kind.word(), people.iter().map(|(_, person)| person.external.as_str()))?;
        let mut fresh = Vec::new();
        for (known, person) in people {
            if let Some(id) = came.get(&person.external) {
                self.count_person(kind).known += 1;
                self.place_person(kind, person, UserId::new(*id));
            } else {
                // A row that stands in the file twice is one account.
                came.insert(person.external.clone(), 0);
                fresh.push((*known, *person));
            }
        }
        let newcomers: Vec<Newcomer> = fresh.iter().map(|(known, person)| self.newcomer(known, person)).collect();
        let arrivals = staff::actions::take_over(conn, &newcomers, self.import, self.on.by)?;
        let mut rows = Vec::with_capacity(fresh.len());
        for ((known, person), arrival) in fresh.into_iter().zip(arrivals) {
            let (id, opened) = match arrival {
                Arrival::Opened(id) => (id, true),
                Arrival::Known(id) => (id, false),
                Arrival::NameTaken => {
                    let name = person.username.clone().unwrap_or_default();
                    let reason = format!("the user name `{name}` belongs to another account");
                    self.refuse_person(known, &Flaw::new("", reason));
                    continue;
                }
            };
            if opened {
                self.count_person(kind).brought += 1;
                if known.hash.is_none() && (person.secret.is_none() || !self.options.dry_run) {
                    self.report.passwords_lost += 1;
                    self.report
                        .note(known.place.remark("", "the password cannot be checked here; it has to be set anew"));
                }
            } else {
                self.count_person(kind).known += 1;
                let login = person.email.as_deref().or(person.username.as_deref()).unwrap_or_default();
                let message = format!("{login} has an account already, and is taken for the same person");
                self.report.note(known.place.remark("", message));
            }
            self.place_person(kind, person, id);
            rows.push((person.external.clone(), id.number(), opened));
        }
        self.remember(conn, kind.word(), &rows)
    }

    fn newcomer(&self, known: &Known, person: &Person) -> Newcomer {
        let role = person.role();
        let status = match role.kind() {
            Kind::Customer => staff::Status::Active,
            Kind::Staff => self.options.staff.status(),
        };
        let new = NewUser {
            username: person.username.clone(),
            email: person.email.clone(),
            phone: person.phone.clone(),
            first_name: person.first_name.clone(),
            last_name: person.last_name.clone(),
            password_hash: known.hash.clone(),
            designation: person.designation.clone(),
            date_of_birth_on: person.birth,
            address: person.address.clone(),
            city: person.city.clone(),
            pincode: person.pincode.clone(),
            store_id: None,
        };
        Newcomer { new, role, status }
    }

    fn count_person(&mut self, kind: Kind) -> &mut super::Count {
        match kind {
            Kind::Customer => &mut self.report.customers,
            Kind::Staff => &mut self.report.staff,
        }
    }

    fn place_person(&mut self, kind: Kind, person: &Person, id: UserId) {
        if kind == Kind::Customer {
            self.customers.insert(person.external.clone(), id);
        }
    }

    fn refuse_person(&mut self, known: &Known, flaw: &Flaw) {
        self.count_person(known.kind).refused += 1;
        self.report.refuse(known.place.flaw(flaw));
    }

    // products -------------------------------------------------------------------------------------

    /// Adds up the sales without a date.
    fn undated(&mut self, file: &OldFile) -> Done {
        let Some(table) = self.system.undated else { return Ok(()) };
        file.each(table, |record| {
            match (self.system.line)(&record) {
                Ok((_, SaleLine { product: Some(product), quantity, .. })) => {
                    let sum = self.sold_before.entry(product).or_default();
                    *sum = sum.checked_add(quantity).ok_or(OrderError::TooLarge)?;
                    self.report.undated_orders += 1;
                }
                Ok(_) => {}
                Err(flaw) => {
                    self.report.orders.refused += 1;
                    self.report.refuse(Place::of(&record).flaw(&flaw));
                }
            }
            Ok(())
        })?;
        self.end_pass(file);
        Ok(())
    }

    fn goods(&mut self, conn: &mut Conn<'_>, file: &OldFile) -> Done {
        let Some(table) = self.system.goods else { return Ok(()) };
        let mut chunk = Vec::new();
        file.each(table, |record| {
            match (self.system.product)(&record) {
                Ok(goods) => chunk.push((Place::of(&record), goods)),
                Err(flaw) => {
                    self.report.products.refused += 1;
                    self.report.refuse(Place::of(&record).flaw(&flaw));
                }
            }
            if chunk.len() >= CHUNK {
                self.tell(record.read);
                self.write_goods(conn, std::mem::take(&mut chunk))?;
            }
            Ok(())
        })?;
        self.write_goods(conn, chunk)?;
        self.end_pass(file);
        Ok(())
    }

    fn write_goods(&mut self, conn: &mut Conn<'_>, chunk: Vec<(Place, Goods)>) -> Done {
        let mut came = self.came(conn, "product", chunk.iter().map(|(_, goods)| goods.external.as_str()))?;
        let mut rows = Vec::new();
        let mut fresh = Vec::new();
        for (place, goods) in chunk {
            if let Some(id) = came.get(&goods.external) {
                self.report.products.known += 1;
                self.place_goods(&goods, ProductId::new(*id));
                continue;
            }
            let same = match &goods.sku {
                Some(sku) => catalog::actions::find_by_sku(conn, sku)?,
                None => None,
            };
            came.insert(goods.external.clone(), same.map_or(0, ProductId::number));
            if let Some(id) = same {
                self.report.products.known += 1;
                let sku = goods.sku.clone().unwrap_or_default();
                self.report.note(
                    place.remark("", format!("the code {sku} is there already, and is taken for the same product")),
                );
                self.place_goods(&goods, id);
                rows.push((goods.external, id.number(), false));
                continue;
            }
            let new = self.new_product(place, &goods);
            fresh.push((place, goods, new));
        }
        let ids = self.create(conn, &mut fresh)?;
        self.report.products.brought += ids.len() as u64;
        for ((_, goods, _), id) in fresh.into_iter().zip(ids) {
            self.place_goods(&goods, id);
            rows.push((goods.external, id.number(), true));
        }
        self.remember(conn, "product", &rows)
    }

    fn place_goods(&mut self, goods: &Goods, id: ProductId) {
        let here = Here { id, name: goods.name.clone(), unit: goods.unit };
        self.products.insert(goods.external.clone(), here);
    }

    fn new_product(&mut self, place: Place, goods: &Goods) -> NewProduct {
        if goods.stock.is_negative() {
            let message = format!("{} has a stock of {}, below zero; it comes in with none", goods.name, goods.stock);
            self.report.note(place.remark("", message));
        }
        NewProduct {
            sku: goods.sku.clone(),
            unit: goods.unit,
            stock: goods.stock.max(Quantity::ZERO),
            sold_before: self.sold_before.get(&goods.external).copied().unwrap_or_default(),
            ..NewProduct::named(&goods.name, &goods.category, goods.price)
        }
    }

    /// Adds products; those that the catalogue refuses are taken out of the list.
    fn create(
        &mut self,
        conn: &mut Conn<'_>,
        fresh: &mut Vec<(Place, Goods, NewProduct)>,
    ) -> Result<Vec<ProductId>, MoveError> {
        loop {
            let products: Vec<NewProduct> = fresh.iter().map(|(_, _, new)| new.clone()).collect();
            match catalog::actions::create_many(conn, &products, self.on) {
                Ok(ids) => return Ok(ids),
                Err(CatalogError::At { index, cause }) if !matches!(*cause, CatalogError::Db(_)) => {
                    let (place, ..) = fresh.remove(index);
                    let field = if let CatalogError::Flaw(flaw) = &*cause { flaw.field } else { "" };
                    self.report.products.refused += 1;
                    self.report.refuse(place.remark(field, cause.to_string()));
                }
                Err(error) => return Err(error.into()),
            }
        }
    }

    // orders ---------------------------------------------------------------------------------------

    fn sales(&mut self, conn: &mut Conn<'_>, file: &OldFile) -> Done {
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
        let here = match catalog::actions::find_by_name(conn, &line.name)? {
            Some(id) => {
                let product = catalog::actions::load(conn, self.options.store, id)?;
                Here { id, name: product.name, unit: product.unit }
            }
            None => {
                self.report.open_items += 1;
                Here { id: OPEN_ITEM, name: line.name.clone(), unit: Unit::Piece }
            }
        };
        self.items.insert(line.name.clone(), here.clone());
        Ok(Ok(here))
    }
}

/// Noon of a day by the shop's clock: the middle of it in every zone near.
fn noon(day: crate::clock::BusinessDate, zone: &TimeZone) -> Timestamp {
    let noon = day.date().at(12, 0, 0, 0).to_zoned(zone.clone());
    Timestamp::from_ms(noon.map(|zoned| zoned.timestamp().as_millisecond()).unwrap_or_default())
}
