//! Writing what was read: accounts, products, orders, in this order.

mod orders;
mod people;

use std::collections::{HashMap, HashSet};

use jiff::tz::TimeZone;

use super::file::OldFile;
use super::systems::{Goods, Lines, SaleLine, System};
use super::{MoveError, Options, Place, Report, queries};
use crate::catalog::{self, CatalogError, NewProduct, Occasion, Unit, import};
use crate::db::Conn;
use crate::ids::{ImportId, ProductId, UserId};
use crate::money::Quantity;
use crate::orders::OrderError;
use crate::shop::{self, Shop};

pub use people::{Known, hash_passwords, read_people};

/// Accounts and products that are written at once.
const CHUNK: usize = 500;
/// What grows by much.
const GROWING: &[&str] = &["orders", "order_lines", "payments", "moved_rows", "customers", "products", "stock"];

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
}
