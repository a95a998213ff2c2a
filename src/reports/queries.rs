//! All SQL of the reports. A store of 0 asks about all stores.

use super::category_summary::{CategoryName, SoldProduct};
use super::model::{
    CustomerDay, DaySales, ItemSales, ItemSold, LowStock, Offer, OpenOrder, OwnOrder, ProductSales, StoreSums, Totals,
};
use super::rules::Range;
use crate::clock::BusinessDate;
use crate::db::{Conn, Result};
use crate::ids::{ProductId, StoreId, UserId};
use crate::money::{Money, Quantity};

/// Open orders are counted up to here; a shop that has more needs no exact number.
pub const COUNTED_OPEN: i64 = 10_000;

/// The open orders of store $1, by their own index. The sum keeps SQLite from taking the table's key
/// instead, which begins with the store as well: it would read every order there ever was.
macro_rules! open_orders {
    () => {
        "o.status <> 'completed' and o.status <> 'cancelled' and o.store_id + 0 = $1"
    };
}

/// What is low: at or below the reorder level, or ten where none is set.
macro_rules! level {
    () => {
        "case when k.reorder_level_milli = 0 then 10000 else k.reorder_level_milli end"
    };
}

crate::statements! {
    TOTALS(Int, Int, Int, Int) -> Totals =
        "select cast(coalesce(sum(order_count), 0) as bigint) as orders,
                cast(coalesce(sum(revenue_paise), 0) as bigint) as revenue,
                cast(coalesce(sum(case when sold_on = $2 then order_count end), 0) as bigint) as today_orders,
                cast(coalesce(sum(case when sold_on = $2 then revenue_paise end), 0) as bigint) as today_revenue,
                cast(coalesce(sum(case when sold_on = $3 then order_count end), 0) as bigint) as yesterday_orders,
                cast(coalesce(sum(case when sold_on = $3 then revenue_paise end), 0) as bigint) as yesterday_revenue,
                cast(coalesce(sum(case when sold_on = $4 then order_count end), 0) as bigint) as last_week_orders,
                cast(coalesce(sum(case when sold_on = $4 then revenue_paise end), 0) as bigint) as last_week_revenue
         from store_days where $1 = 0 or store_id = $1";
    STORE_SUMS(Int, Int, Int) -> StoreSums =
        "select cast(coalesce(sum(d.order_count), 0) as bigint) as order_count,
                cast(coalesce(sum(d.cancelled_count), 0) as bigint) as cancelled_count,
                cast(coalesce(sum(d.line_count), 0) as bigint) as line_count,
                cast(coalesce(sum(d.revenue_paise), 0) as bigint) as revenue_paise,
                cast(coalesce(sum(d.tax_paise), 0) as bigint) as tax_paise,
                cast(coalesce(sum(d.discount_paise), 0) as bigint) as discount_paise,
                cast(coalesce(sum(d.cost_paise), 0) as bigint) as cost_paise
         from stores s join store_days d on d.store_id = s.id and d.sold_on between $2 and $3
         where $1 = 0 or s.id = $1";
    /// What has been paid, by each method, for the orders of some days that were not called off.
    PAYMENT_MIX(Int, Int, Int) -> (String, Money) =
        "select p.method, cast(sum(p.amount_paise) as bigint) as amount_paise
         from stores s join orders o on o.store_id = s.id
         join payments p on p.store_id = o.store_id and p.order_id = o.id and p.state = 'confirmed'
         where ($1 = 0 or s.id = $1) and o.placed_on between $2 and $3 and o.status <> 'cancelled'
         group by p.method order by 2 desc, p.method";
    DAYS(Int, Int, Int) -> DaySales =
        "select d.sold_on, cast(sum(d.revenue_paise) as bigint) as revenue_paise
         from stores s join store_days d on d.store_id = s.id and d.sold_on between $2 and $3
         where $1 = 0 or s.id = $1 group by d.sold_on order by d.sold_on";
    PRODUCT_SALES(Int, Int, Int) -> ProductSales =
        "select x.product_id, coalesce(p.name, 'Open items') as name, coalesce(c.name, 'Uncategorized') as category, x.sold_milli, x.revenue_paise
         from (select d.product_id, cast(sum(d.sold_milli) as bigint) as sold_milli,
                      cast(sum(d.revenue_paise) as bigint) as revenue_paise
               from stores s join product_days d on d.store_id = s.id and d.day between $2 and $3
               where ($1 = 0 or s.id = $1) and d.line_count <> 0 group by d.product_id) x
           left join products p on p.id = x.product_id left join categories c on c.id = p.category_id
         order by x.revenue_paise desc, x.product_id";
    ITEMS_BOUGHT(Int, Int, Int) -> (Quantity,) =
        "select cast(coalesce(sum(d.sold_milli), 0) as bigint)
         from stores s join product_days d on d.store_id = s.id and d.day between $2 and $3 where $1 = 0 or s.id = $1";
    CUSTOMER_DAYS(Int, Int, Int, Int, Int) -> CustomerDay =
        "select u.id, u.first_name, u.last_name, x.sold_on, x.spent_paise
         from (select d.customer_id, d.sold_on, cast(sum(d.spent_paise) as bigint) as spent_paise
               from stores s join customer_days d on d.store_id = s.id and d.sold_on between $2 and $3
               where $1 = 0 or s.id = $1 group by d.customer_id, d.sold_on having sum(d.spent_paise) > $4) x
         join users u on u.id = x.customer_id
         order by x.spent_paise desc, x.sold_on desc, u.id limit $5";
    PRODUCTS_NAMED(Text) -> (ProductId,) = "select id from products where name_key = $1 order by id";
    PRODUCT_SOLD(Int, Int, Int, Int) -> ItemSales =
        "select cast(coalesce(sum(d.sold_milli), 0) as bigint) as sold_milli,
                cast(coalesce(sum(d.revenue_paise), 0) as bigint) as revenue_paise
         from stores s join product_days d on d.store_id = s.id and d.day between $2 and $3 and d.product_id = $4
         where $1 = 0 or s.id = $1";
    OPEN_SOLD(Int, Int, Int) -> (String, Quantity, Money) =
        "select l.name, cast(sum(l.quantity_milli) as bigint), cast(sum(l.total_paise) as bigint)
         from stores s join order_lines l on l.store_id = s.id and l.product_id = 0
         join orders o on o.store_id = l.store_id and o.id = l.order_id
         where ($1 = 0 or s.id = $1) and o.placed_on between $2 and $3 and o.status <> 'cancelled' group by l.name";
    INVENTORY(Int) -> (String, Money, Quantity) =
        "select p.name, p.price_paise, cast(coalesce(sum(k.on_hand_milli), 0) as bigint)
         from products p left join stock k on k.product_id = p.id and ($1 = 0 or k.store_id = $1)
         where p.status = 'active' group by p.id, p.name, p.price_paise order by p.id";
    /// What is on sale or was sold in these days, what sold most first; with $4 = 1 including what was sold elsewhere.
    ITEMS_SOLD(Int, Int, Int, Int) -> ItemSold =
        "select p.id as product_id, p.name, p.item_code, c.name as category, p.unit,
                coalesce(x.sold_milli, 0) + p.sold_before_milli * $4 as sold_milli,
                coalesce(x.revenue_paise, 0) as revenue_paise
         from products p join categories c on c.id = p.category_id
           left join (select d.product_id, cast(sum(d.sold_milli) as bigint) as sold_milli,
                             cast(sum(d.revenue_paise) as bigint) as revenue_paise
                      from stores s join product_days d on d.store_id = s.id and d.day between $2 and $3
                      where ($1 = 0 or s.id = $1) and d.line_count <> 0 group by d.product_id) x on x.product_id = p.id
         where p.status = 'active' or x.product_id is not null
         order by sold_milli desc, p.name_key, p.id";
    CATEGORY_COUNTS() -> (String, i64) =
        "select c.name, count(*) from categories c join products p on p.category_id = c.id
         where p.status = 'active' group by c.id, c.name order by c.name";
    COUNT_PRODUCTS() -> (i64,) = "select count(*) from products where status = 'active'";
    COUNT_CUSTOMERS() -> (i64,) = "select count(*) from customers";
    /// Products of which some store has little, and those of which some store has nothing.
    COUNT_LOW(Int) -> (i64, i64) =
        concat!("select count(distinct k.product_id),
                        count(distinct case when k.on_hand_milli <= 0 then k.product_id end)
                 from stores s join stock k on k.store_id = s.id join products p on p.id = k.product_id
                 where ($1 = 0 or s.id = $1) and s.status = 'active' and k.on_hand_milli <= ", level!(), "
                   and p.status = 'active' and p.track_stock = 1");
    LIST_LOW(Int, Int) -> LowStock =
        concat!("select p.name, p.name_local, p.unit, k.on_hand_milli, cast(", level!(), " as bigint) as level_milli
                 from stores s join stock k on k.store_id = s.id join products p on p.id = k.product_id
                 where ($1 = 0 or s.id = $1) and s.status = 'active' and k.on_hand_milli <= ", level!(), "
                   and p.status = 'active' and p.track_stock = 1
                 order by case when k.on_hand_milli <= 0 then 0 else 1 end, k.on_hand_milli - ", level!(), ", p.name_key, s.id
                 limit $2");
    STORES(Int) -> (StoreId,) = "select id from stores where $1 = 0 or id = $1 order by id";
    COUNT_OPEN(Int, Int) -> (i64,) =
        concat!("select count(*) from (select o.id from orders o where ", open_orders!(), " limit $2) some_open");
    LIST_OPEN(Int, Int) -> OpenOrder =
        concat!("select o.id, nullif(trim(u.first_name || ' ' || u.last_name), '') as customer, o.total_paise, o.status,
                        o.placed_at
                 from orders o left join users u on u.id = o.customer_id
                 where ", open_orders!(), " order by o.store_id desc, o.id desc limit $2");
    /// Walks a customer's chain of orders back from the last.
    LIST_OWN(Int, Int) -> OwnOrder =
        "with recursive chain (store_id, id, previous_order_id, hops) as (
           select o.store_id, o.id, o.previous_order_id, cast(1 as bigint)
             from customers c cross join stores s join orders o on o.store_id = s.id and o.id = c.last_order_id
             where c.user_id = $1
           union all
           select o.store_id, o.id, o.previous_order_id, c.hops + 1
             from chain c cross join stores s join orders o on o.store_id = s.id and o.id = c.previous_order_id
             where c.hops < $2
         )
         select o.id, o.status, o.total_paise, o.placed_on
         from chain c join orders o on o.store_id = c.store_id and o.id = c.id order by c.hops";
    SOLD_EVER(Int) -> (ProductId, Quantity) =
        "select d.product_id, cast(sum(d.sold_milli) as bigint) from product_days d
         where $1 = 0 or d.store_id = $1 group by d.product_id";
    SOLD_PRODUCTS(Int, Int) -> SoldProduct =
        "select id, sku, name, category_id, price_paise, sold_before_milli from products
         where id > $1 order by id limit $2";
    CATEGORY_NAMES() -> CategoryName = "select id, name, name_key from categories";
    LIST_OFFERS(Int) -> Offer =
        "select p.name, p.name_local, c.name as category, p.unit, p.price_paise
         from products p join categories c on c.id = p.category_id
         where p.status = 'active' order by p.name_key limit $1";
}

fn number(store: Option<StoreId>) -> i64 {
    store.map_or(0, StoreId::number)
}

/// Sums of all days and of those that are compared.
pub fn totals(conn: &mut Conn<'_>, store: Option<StoreId>, today: BusinessDate) -> Result<Totals> {
    let (yesterday, last_week) = (today.plus_days(-1), today.plus_days(-7));
    conn.only(&TOTALS, &[number(store).into(), today.into(), yesterday.into(), last_week.into()])
}

/// The sums of some days.
pub fn store_sums(conn: &mut Conn<'_>, store: Option<StoreId>, range: Range) -> Result<StoreSums> {
    conn.only(&STORE_SUMS, &[number(store).into(), range.from.into(), range.to.into()])
}

/// How the orders of some days were paid, the most first.
pub fn payment_mix(conn: &mut Conn<'_>, store: Option<StoreId>, range: Range) -> Result<Vec<(String, Money)>> {
    conn.all(&PAYMENT_MIX, &[number(store).into(), range.from.into(), range.to.into()])
}

/// The sales of each day that has any.
pub fn days(conn: &mut Conn<'_>, store: Option<StoreId>, range: Range) -> Result<Vec<DaySales>> {
    conn.all(&DAYS, &[number(store).into(), range.from.into(), range.to.into()])
}

/// What was sold of each product, the most first.
pub fn product_sales(conn: &mut Conn<'_>, store: Option<StoreId>, range: Range) -> Result<Vec<ProductSales>> {
    conn.all(&PRODUCT_SALES, &[number(store).into(), range.from.into(), range.to.into()])
}

/// How much was sold in all.
pub fn items_bought(conn: &mut Conn<'_>, store: Option<StoreId>, range: Range) -> Result<Quantity> {
    Ok(conn.only(&ITEMS_BOUGHT, &[number(store).into(), range.from.into(), range.to.into()])?.0)
}

/// The days on which a customer spent more than so much, the dearest first.
pub fn customer_days(
    conn: &mut Conn<'_>,
    store: Option<StoreId>,
    range: Range,
    above: Money,
    limit: i64,
) -> Result<Vec<CustomerDay>> {
    let params = [number(store).into(), range.from.into(), range.to.into(), above.into(), limit.into()];
    conn.all(&CUSTOMER_DAYS, &params)
}

/// The products that have a name, folded; those that are no longer sold too.
pub fn products_named(conn: &mut Conn<'_>, folded: &str) -> Result<Vec<ProductId>> {
    Ok(conn.all(&PRODUCTS_NAMED, &[folded.into()])?.into_iter().map(|(id,)| id).collect())
}

/// What was sold of a product.
pub fn product_sold(
    conn: &mut Conn<'_>,
    store: Option<StoreId>,
    range: Range,
    product: ProductId,
) -> Result<ItemSales> {
    conn.only(&PRODUCT_SOLD, &[number(store).into(), range.from.into(), range.to.into(), product.into()])
}

/// What was sold of open items, by their names.
pub fn open_sold(conn: &mut Conn<'_>, store: Option<StoreId>, range: Range) -> Result<Vec<(String, Quantity, Money)>> {
    conn.all(&OPEN_SOLD, &[number(store).into(), range.from.into(), range.to.into()])
}

/// Name, price and stock of what is on sale.
pub fn inventory(conn: &mut Conn<'_>, store: Option<StoreId>) -> Result<Vec<(String, Money, Quantity)>> {
    conn.all(&INVENTORY, &[number(store).into()])
}

/// How much of each product was sold, what sold most first; without a first day, everything up to the last.
pub fn items_sold(
    conn: &mut Conn<'_>,
    store: Option<StoreId>,
    from: Option<BusinessDate>,
    to: BusinessDate,
) -> Result<Vec<ItemSold>> {
    let from_number = from.map_or(0, BusinessDate::as_number);
    conn.all(&ITEMS_SOLD, &[number(store).into(), from_number.into(), to.into(), i64::from(from.is_none()).into()])
}

/// How many products each category has.
pub fn category_counts(conn: &mut Conn<'_>) -> Result<Vec<(String, i64)>> {
    conn.all(&CATEGORY_COUNTS, &[])
}

/// How many products are on sale.
pub fn count_products(conn: &mut Conn<'_>) -> Result<i64> {
    Ok(conn.only(&COUNT_PRODUCTS, &[])?.0)
}

/// How many customers there are.
pub fn count_customers(conn: &mut Conn<'_>) -> Result<i64> {
    Ok(conn.only(&COUNT_CUSTOMERS, &[])?.0)
}

/// How many products run low, and how many of them are out.
pub fn count_low(conn: &mut Conn<'_>, store: Option<StoreId>) -> Result<(i64, i64)> {
    conn.only(&COUNT_LOW, &[number(store).into()])
}

/// The products that run low, the emptiest shelves first.
pub fn list_low(conn: &mut Conn<'_>, store: Option<StoreId>, limit: i64) -> Result<Vec<LowStock>> {
    conn.all(&LIST_LOW, &[number(store).into(), limit.into()])
}

/// How many orders are open, up to [`COUNTED_OPEN`] in each store.
pub fn count_open(conn: &mut Conn<'_>, store: Option<StoreId>) -> Result<i64> {
    let mut open = 0;
    for (store,) in conn.all(&STORES, &[number(store).into()])? {
        open += conn.only(&COUNT_OPEN, &[store.into(), COUNTED_OPEN.into()])?.0;
    }
    Ok(open)
}

/// The open orders, newest first.
pub fn list_open(conn: &mut Conn<'_>, store: Option<StoreId>, limit: usize) -> Result<Vec<OpenOrder>> {
    let most = i64::try_from(limit).unwrap_or(i64::MAX);
    let mut open = Vec::new();
    for (store,) in conn.all(&STORES, &[number(store).into()])? {
        open.extend(conn.all(&LIST_OPEN, &[store.into(), most.into()])?);
    }
    open.sort_by_key(|order| std::cmp::Reverse(order.id));
    open.truncate(limit);
    Ok(open)
}

/// A customer's own orders, newest first.
pub fn list_own(conn: &mut Conn<'_>, customer: UserId, limit: i64) -> Result<Vec<OwnOrder>> {
    conn.all(&LIST_OWN, &[customer.into(), limit.into()])
}

/// What is on sale, by name.
pub fn list_offers(conn: &mut Conn<'_>, limit: i64) -> Result<Vec<Offer>> {
    conn.all(&LIST_OFFERS, &[limit.into()])
}

/// How much was ever sold of each product here.
pub fn sold_ever(conn: &mut Conn<'_>, store: Option<StoreId>) -> Result<Vec<(ProductId, Quantity)>> {
    conn.all(&SOLD_EVER, &[number(store).into()])
}

/// The products after one of them, in the order of their ids.
pub fn sold_products(conn: &mut Conn<'_>, after: i64, limit: i64) -> Result<Vec<SoldProduct>> {
    conn.all(&SOLD_PRODUCTS, &[after.into(), limit.into()])
}

/// The names of all categories.
pub fn category_names(conn: &mut Conn<'_>) -> Result<Vec<CategoryName>> {
    conn.all(&CATEGORY_NAMES, &[])
}
