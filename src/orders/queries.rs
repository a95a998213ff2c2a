//! All SQL for orders. The statements of the desk read products and customers as well: it loads, once
//! for each batch, whatever its decisions need.

use super::model::{Line, NewPayment, Order, OrderStatus, Payment, PaymentState, Step};

use crate::clock::Timestamp;
use crate::db::{Conn, Result};
use crate::ids::{MoveId, OrderId, ProductId, StoreId, TillId, UserId};
use crate::money::{Money, Quantity, TaxRate};

macro_rules! order_columns {
    () => {
        "o.store_id, o.id, o.customer_id, nullif(trim(u.first_name || ' ' || u.last_name), '') as customer_name,
         o.placed_by, o.channel, o.status, o.placed_at, o.placed_on, o.line_count, o.gross_paise, o.discount_paise,
         o.taxable_paise, o.cgst_paise, o.sgst_paise, o.igst_paise, o.rounding_paise, o.total_paise, o.paid_paise,
         o.note, o.invoice_year, o.invoice_number, o.updated_at, o.version"
    };
}

/// A customer's chain of orders, newest first, from one of them (or the last) on.
macro_rules! chain {
    () => {
        "with recursive chain (store_id, id, previous_order_id) as (
           select o.store_id, o.id, o.previous_order_id
             from stores s join orders o on o.store_id = s.id
             where o.id = (select case when $2 > 0 then $2 else last_order_id end from customers where user_id = $1)
               and o.customer_id = $1
           union all
           select o.store_id, o.id, o.previous_order_id
             from chain c join stores s on 1 = 1
             join orders o on o.store_id = s.id and o.id = c.previous_order_id
         ) "
    };
}

crate::row! {
    /// A product as the desk sees it.
    #[derive(Debug, Clone)]
    pub struct OfferRow {
        /// The product.
        pub id: ProductId,
        /// What it is called.
        pub name: String,
        /// Its HSN.
        pub hsn: String,
        /// Its unit.
        pub unit: String,
        /// What one unit costs the customer.
        pub price_paise: Money,
        /// That price has tax in it.
        pub price_includes_tax: bool,
        /// The tax rate.
        pub tax_rate_bp: TaxRate,
        /// What one unit cost the shop.
        pub cost_paise: Option<Money>,
        /// Its stock is counted.
        pub track_stock: bool,
    }
}

crate::row! {
    /// A customer as the desk sees them.
    #[derive(Debug, Clone)]
    pub struct CustomerRow {
        /// Their account.
        pub user_id: UserId,
        /// Their last order.
        pub last_order_id: Option<OrderId>,
        /// What they owe.
        pub credit_paise: Money,
        /// What they may owe.
        pub credit_limit_paise: Money,
        /// How often that has changed.
        pub credit_move_no: i64,
    }
}

crate::row! {
    /// What was answered to a sale of a till.
    #[derive(Debug, Clone)]
    pub struct TillSaleRow {
        /// The till.
        pub till_id: TillId,
        /// Its id for the sale.
        pub sale_id: String,
        /// What was sent.
        pub request_hash: Vec<u8>,
        /// What was answered.
        pub answer: String,
    }
}

crate::row! {
    /// An order of another system, on its way out.
    #[derive(Debug, Clone)]
    pub struct PastRow {
        /// The store.
        pub store_id: StoreId,
        /// Its id.
        pub id: OrderId,
        /// For whom.
        pub customer_id: Option<UserId>,
        /// When it was placed.
        pub placed_at: Timestamp,
        /// Its business date.
        pub placed_on: i64,
        /// What was taken off.
        pub discount_paise: Money,
        /// What was to be paid.
        pub total_paise: Money,
        /// The customer's order before it.
        pub previous_order_id: Option<OrderId>,
        /// Rises with each change.
        pub version: i64,
    }
}

crate::row! {
    /// An order as the next step sees it.
    #[derive(Debug, Clone)]
    pub struct LockedOrder {
        /// The store.
        pub store_id: StoreId,
        /// Its id.
        pub id: OrderId,
        /// For whom.
        pub customer_id: Option<UserId>,
        /// How far it has come.
        pub status: OrderStatus,
        /// Its business date.
        pub placed_on: i64,
        /// What is to be paid.
        pub total_paise: Money,
        /// What was paid.
        pub paid_paise: Money,
        /// Rises with each change.
        pub version: i64,
    }
}

crate::statements! {
    STORES() -> (StoreId,) = "select id from stores where status = 'active'";
    FIND_ORDER(Int) -> Order =
        concat!("select ", order_columns!(), " from stores s join orders o on o.store_id = s.id
                 left join users u on u.id = o.customer_id where o.id = $1");
    LIST_OF_STORE(Int, Int, Text, Int) -> Order =
        concat!("select ", order_columns!(), " from orders o left join users u on u.id = o.customer_id
                 where o.store_id = $1 and o.id < $2 and ($3 = '' or o.status = $3) order by o.id desc limit $4");
    // `+ 0` keeps SQLite from walking all orders of the store by their key: the index of open orders is
    // a hundred times smaller.
    LIST_OPEN(Int, Int, Int) -> Order =
        concat!("select ", order_columns!(), " from orders o left join users u on u.id = o.customer_id
                 where o.store_id + 0 = $1 and o.id < $2 and o.status <> 'completed' and o.status <> 'cancelled'
                 order by o.id desc limit $3");
    LIST_OF_CUSTOMER(Int, Int, Int) -> Order =
        concat!(chain!(), "select ", order_columns!(), " from chain c
                 join orders o on o.store_id = c.store_id and o.id = c.id
                 left join users u on u.id = o.customer_id order by o.id desc limit $3");
    COUNT_OF_CUSTOMER(Int, Int) -> (i64,) = concat!(chain!(), "select count(*) from chain");
    COUNT_OPEN(Int) -> (i64,) =
        "select count(*) from orders where store_id + 0 = $1 and status <> 'completed' and status <> 'cancelled'";
    COUNT_ALL(Int) -> (i64, i64) =
        "select cast(coalesce(sum(order_count), 0) as bigint), cast(coalesce(sum(cancelled_count), 0) as bigint)
         from store_days where store_id = $1";
    STEPS_OF(Int, Int) -> Step =
        "select order_id, step_no, from_status, to_status, actor, at, note from order_steps
         where store_id = $1 and order_id = $2 order by step_no";
    SET_STATUS(Int, Int, Text, Int) =
        "update orders set status = $3, updated_at = $4, version = version + 1 where store_id = $1 and id = $2";
    SET_INVOICE(Int, Int, Int, Int) =
        "update orders set invoice_year = $3, invoice_number = $4 where store_id = $1 and id = $2";
    SET_PAID(Int, Int, Int, Int) =
        "update orders set paid_paise = $3, updated_at = $4, version = version + 1 where store_id = $1 and id = $2";
    INSERT_STEP(Int, Int, Text, Text, Text, Int, Text) =
        "insert into order_steps (store_id, order_id, step_no, from_status, to_status, actor, at, note)
         select $1, $2, coalesce(max(step_no), 0) + 1, $3, $4, $5, $6, $7 from order_steps where store_id = $1 and order_id = $2";
    SET_PAYMENT_STATE(Int, Int, Int, Text, Text, Int) =
        "update payments set state = $4, reference = case when $5 = '' then reference else $5 end,
                confirmed_at = coalesce(confirmed_at, $6)
         where store_id = $1 and order_id = $2 and payment_no = $3";
    // Two writers may each hold a part of a sum, so it is empty when they cancel out.
    pub(super) FORGET_EMPTY_PRODUCT_DAYS() =
        "delete from product_days where (store_id, day, product_id) in
           (select store_id, day, product_id from product_days group by store_id, day, product_id
            having sum(line_count) = 0 and sum(sold_milli) = 0 and sum(revenue_paise) = 0 and count(last_move_id) = 0)";
    pub(super) FORGET_EMPTY_STORE_DAYS() =
        "delete from store_days where (store_id, sold_on) in
           (select store_id, sold_on from store_days group by store_id, sold_on
            having sum(order_count) = 0 and sum(cancelled_count) = 0 and sum(line_count) = 0 and sum(revenue_paise) = 0)";
    pub(super) FORGET_EMPTY_CUSTOMER_DAYS() =
        "delete from customer_days where (store_id, sold_on, customer_id) in
           (select store_id, sold_on, customer_id from customer_days group by store_id, sold_on, customer_id
            having sum(order_count) = 0 and sum(spent_paise) = 0)";
    TAKE_BACK_SPENT(Int, Int) =
        "update customers set order_count = order_count - 1, spent_paise = spent_paise - $2 where user_id = $1";
}

crate::bulks! {
    pub(super) LOAD_OFFERS(Int) -> OfferRow =
        each "select id, name, hsn, unit, price_paise, price_includes_tax, tax_rate_bp, cost_paise, track_stock
              from products where id = $1 and status = 'active'",
        set "select p.id, p.name, p.hsn, p.unit, p.price_paise, p.price_includes_tax, p.tax_rate_bp, p.cost_paise, p.track_stock
             from products p join unnest({rows}) as asked(id) on p.id = asked.id where p.status = 'active'";
    pub(super) LOCK_CUSTOMERS(Int) -> CustomerRow =
        each "select user_id, last_order_id, credit_paise, credit_limit_paise,
                     (select coalesce(max(move_no), 0) from credit_moves where customer_id = user_id) as credit_move_no
              from customers where user_id = $1",
        set "select c.user_id, c.last_order_id, c.credit_paise, c.credit_limit_paise,
                    (select coalesce(max(move_no), 0) from credit_moves where customer_id = c.user_id) as credit_move_no
             from customers c join unnest({rows}) as asked(id) on c.user_id = asked.id
             order by c.user_id for no key update of c";
    /// Adds to what customers bought; 0 as the last order leaves the one there is.
    pub(super) ADD_TO_CUSTOMERS(Int, Int, Int, Int, Int, Int) =
        each "update customers set order_count = order_count + $2, spent_paise = spent_paise + $3, last_order_id = $4,
                     last_order_at = $5, credit_paise = credit_paise + $6 where user_id = $1",
        set "update customers c set order_count = c.order_count + v.orders, spent_paise = c.spent_paise + v.spent,
                    last_order_id = v.last_order, last_order_at = v.at, credit_paise = c.credit_paise + v.credit
             from unnest({rows}) as v(id, orders, spent, last_order, at, credit) where c.user_id = v.id";
    /// Adds orders of another system: they are the newest of the chain, and perhaps older than what is there.
    pub(super) TAKE_OVER_SPENT(Int, Int, Int, Int, Int) =
        each "update customers set order_count = order_count + $2, spent_paise = spent_paise + $3, last_order_id = $4,
                     last_order_at = case when last_order_at > $5 then last_order_at else $5 end where user_id = $1",
        set "update customers c set order_count = c.order_count + v.orders, spent_paise = c.spent_paise + v.spent,
                    last_order_id = v.last_order, last_order_at = case when c.last_order_at > v.at then c.last_order_at else v.at end
             from unnest({rows}) as v(id, orders, spent, last_order, at) where c.user_id = v.id";
    /// Takes them away again; the last order is the one before them.
    pub(super) TAKE_BACK_SPENT_MANY(Int, Int, Int, Int, Int) =
        each "update customers set order_count = order_count - $2, spent_paise = spent_paise - $3, last_order_id = $4,
                     last_order_at = $5 where user_id = $1",
        set "update customers c set order_count = c.order_count - v.orders, spent_paise = c.spent_paise - v.spent,
                    last_order_id = v.last_order, last_order_at = v.at
             from unnest({rows}) as v(id, orders, spent, last_order, at) where c.user_id = v.id";
    pub(super) PAST(Int) -> PastRow =
        each "select o.store_id, o.id, o.customer_id, o.placed_at, o.placed_on, o.discount_paise, o.total_paise,
                     o.previous_order_id, o.version
              from stores s join orders o on o.store_id = s.id where o.id = $1",
        set "select o.store_id, o.id, o.customer_id, o.placed_at, o.placed_on, o.discount_paise, o.total_paise,
                    o.previous_order_id, o.version
             from unnest({rows}) as asked(id) join stores s on 1 = 1
             join orders o on o.store_id = s.id and o.id = asked.id";
    pub(super) DELETE_LINES(Int, Int) =
        each "delete from order_lines where store_id = $1 and order_id = $2",
        set "delete from order_lines l using unnest({rows}) as gone(store_id, id) where l.store_id = gone.store_id and l.order_id = gone.id";
    pub(super) DELETE_PAYMENTS(Int, Int) =
        each "delete from payments where store_id = $1 and order_id = $2",
        set "delete from payments p using unnest({rows}) as gone(store_id, id) where p.store_id = gone.store_id and p.order_id = gone.id";
    pub(super) DELETE_ORDERS(Int, Int) =
        each "delete from orders where store_id = $1 and id = $2",
        set "delete from orders o using unnest({rows}) as gone(store_id, id) where o.store_id = gone.store_id and o.id = gone.id";
    pub(super) ADD_CREDIT(Int, Int) =
        each "update customers set credit_paise = credit_paise + $2 where user_id = $1",
        set "update customers c set credit_paise = c.credit_paise + v.delta
             from unnest({rows}) as v(id, delta) where c.user_id = v.id";
    /// Takes so many numbers of a series; answers with the last of them.
    pub(super) TAKE_INVOICES(Int, Int, Int) -> (StoreId, i64, i64) =
        each "insert into invoice_series (store_id, invoice_year, last_number) values ($1, $2, $3)
              on conflict (store_id, invoice_year) do update set last_number = invoice_series.last_number + excluded.last_number
              returning store_id, invoice_year, last_number",
        set "insert into invoice_series (store_id, invoice_year, last_number) select * from unnest({rows})
             on conflict (store_id, invoice_year) do update set last_number = invoice_series.last_number + excluded.last_number
             returning store_id, invoice_year, last_number";
    /// What was answered to sales of tills.
    pub(super) TILL_SALES(Int, Text) -> TillSaleRow =
        each "select till_id, sale_id, request_hash, answer from pos_sales where till_id = $1 and sale_id = $2",
        set "select p.till_id, p.sale_id, p.request_hash, p.answer from unnest({rows}) as asked(till_id, sale_id)
             join pos_sales p on p.till_id = asked.till_id and p.sale_id = asked.sale_id";
    LOCK_ORDER(Int) -> LockedOrder =
        each "select o.store_id, o.id, o.customer_id, o.status, o.placed_on, o.total_paise, o.paid_paise, o.version
              from stores s join orders o on o.store_id = s.id where o.id = $1",
        set "select o.store_id, o.id, o.customer_id, o.status, o.placed_on, o.total_paise, o.paid_paise, o.version
             from stores s join orders o on o.store_id = s.id join unnest({rows}) as asked(id) on o.id = asked.id
             for no key update of o";
    LINES_OF(Int, Int) -> Line =
        each "select l.store_id, l.order_id, l.line_no, l.product_id, l.name, c.name as category, l.hsn, l.unit,
                     l.quantity_milli, l.unit_price_paise, l.price_includes_tax, l.discount_paise, l.tax_rate_bp,
                     l.taxable_paise, l.cgst_paise, l.sgst_paise, l.igst_paise, l.total_paise, l.unit_cost_paise
              from order_lines l left join products p on p.id = l.product_id left join categories c on c.id = p.category_id
              where l.store_id = $1 and l.order_id = $2 order by l.line_no",
        set "select l.store_id, l.order_id, l.line_no, l.product_id, l.name, c.name as category, l.hsn, l.unit,
                    l.quantity_milli, l.unit_price_paise, l.price_includes_tax, l.discount_paise, l.tax_rate_bp,
                    l.taxable_paise, l.cgst_paise, l.sgst_paise, l.igst_paise, l.total_paise, l.unit_cost_paise
             from unnest({rows}) as asked(store_id, order_id)
             join order_lines l on l.store_id = asked.store_id and l.order_id = asked.order_id
             left join products p on p.id = l.product_id left join categories c on c.id = p.category_id
             order by l.store_id, l.order_id, l.line_no";
    PAYMENTS_OF(Int, Int) -> Payment =
        each "select store_id, order_id, payment_no, method, state, amount_paise, reference, at, confirmed_at
              from payments where store_id = $1 and order_id = $2 order by payment_no",
        set "select p.store_id, p.order_id, p.payment_no, p.method, p.state, p.amount_paise, p.reference, p.at, p.confirmed_at
             from unnest({rows}) as asked(store_id, order_id)
             join payments p on p.store_id = asked.store_id and p.order_id = asked.order_id
             order by p.store_id, p.order_id, p.payment_no";
}

crate::inserts! {
    pub(super) INSERT_ORDERS into orders (store_id Int, id Int, customer_id Int, placed_by Text, channel Text, status Text,
        placed_at Int, placed_on Int, line_count Int, gross_paise Int, discount_paise Int, taxable_paise Int,
        cgst_paise Int, sgst_paise Int, igst_paise Int, rounding_paise Int, total_paise Int, paid_paise Int, note Text,
        previous_order_id Int, audit_chain Int, audit_seq Int, invoice_year Int, invoice_number Int, updated_at Int, till_id Int, shift_id Int) "";
    pub(super) INSERT_LINES into order_lines (store_id Int, order_id Int, line_no Int, product_id Int, name Text, hsn Text,
        unit Text, quantity_milli Int, unit_price_paise Int, price_includes_tax Int, discount_paise Int, tax_rate_bp Int,
        taxable_paise Int, cgst_paise Int, sgst_paise Int, igst_paise Int, total_paise Int, unit_cost_paise Int) "";
    pub(super) INSERT_PAYMENTS into payments (store_id Int, order_id Int, payment_no Int, method Text, state Text,
        amount_paise Int, reference Text, actor Text, at Int, paid_on Int, confirmed_at Int) "";
    pub(super) INSERT_TILL_SALES into pos_sales (till_id Int, sale_id Text, store_id Int, order_id Int, number Text, sold_at Int,
        received_at Int, flags Text, request_hash Bytes, answer Text) "";
    pub(super) INSERT_CREDIT_MOVES into credit_moves (customer_id Int, move_no Int, delta_paise Int, balance_after_paise Int,
        store_id Int, order_id Int, note Text, actor Text, at Int) "";
    pub(super) ADD_TO_PRODUCT_DAYS into product_days (store_id Int, day Int, product_id Int, writer Int, line_count Int,
        sold_milli Int, revenue_paise Int, tax_paise Int, cost_paise Int, moved_milli Int, last_move_id Int)
        "on conflict (store_id, day, product_id, writer) do update
           set line_count = product_days.line_count + excluded.line_count,
               sold_milli = product_days.sold_milli + excluded.sold_milli,
               revenue_paise = product_days.revenue_paise + excluded.revenue_paise,
               tax_paise = product_days.tax_paise + excluded.tax_paise,
               cost_paise = product_days.cost_paise + excluded.cost_paise,
               moved_milli = product_days.moved_milli + excluded.moved_milli,
               last_move_id = coalesce(excluded.last_move_id, product_days.last_move_id)";
    pub(super) ADD_TO_STORE_DAYS into store_days (store_id Int, sold_on Int, writer Int, order_count Int, cancelled_count Int,
        line_count Int, revenue_paise Int, tax_paise Int, discount_paise Int, cost_paise Int)
        "on conflict (store_id, sold_on, writer) do update
           set order_count = store_days.order_count + excluded.order_count,
               cancelled_count = store_days.cancelled_count + excluded.cancelled_count,
               line_count = store_days.line_count + excluded.line_count,
               revenue_paise = store_days.revenue_paise + excluded.revenue_paise,
               tax_paise = store_days.tax_paise + excluded.tax_paise,
               discount_paise = store_days.discount_paise + excluded.discount_paise,
               cost_paise = store_days.cost_paise + excluded.cost_paise";
    pub(super) ADD_TO_CUSTOMER_DAYS into customer_days (store_id Int, sold_on Int, customer_id Int, writer Int, order_count Int, spent_paise Int)
        "on conflict (store_id, sold_on, customer_id, writer) do update
           set order_count = customer_days.order_count + excluded.order_count,
               spent_paise = customer_days.spent_paise + excluded.spent_paise";
}

/// The stores that sell.
pub fn stores(conn: &mut Conn<'_>) -> Result<Vec<StoreId>> {
    Ok(conn.all(&STORES, &[])?.into_iter().map(|(id,)| id).collect())
}

/// An order.
pub fn find(conn: &mut Conn<'_>, id: OrderId) -> Result<Option<Order>> {
    conn.first(&FIND_ORDER, &[id.into()])
}

/// An order, kept from others until the transaction ends.
pub fn lock(conn: &mut Conn<'_>, id: OrderId) -> Result<Option<LockedOrder>> {
    Ok(conn.load_many(&LOCK_ORDER, [[id.into()]])?.into_iter().next())
}

/// Which orders of a store are asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Which {
    /// All.
    All,
    /// Not completed and not cancelled.
    Open,
    /// In one status.
    In(OrderStatus),
}

/// Orders of a store before one of them, newest first.
pub fn list_of_store(conn: &mut Conn<'_>, store: StoreId, which: Which, before: i64, limit: i64) -> Result<Vec<Order>> {
    match which {
        Which::Open => conn.all(&LIST_OPEN, &[store.into(), before.into(), limit.into()]),
        Which::All => conn.all(&LIST_OF_STORE, &[store.into(), before.into(), "".into(), limit.into()]),
        Which::In(status) => conn.all(&LIST_OF_STORE, &[store.into(), before.into(), status.into(), limit.into()]),
    }
}

/// How many orders of a store there are; none where counting would mean reading them all.
pub fn count_of_store(conn: &mut Conn<'_>, store: StoreId, which: Which) -> Result<Option<i64>> {
    let (live, cancelled) = conn.only(&COUNT_ALL, &[store.into()])?;
    Ok(match which {
        Which::All => Some(live + cancelled),
        Which::Open => Some(conn.only(&COUNT_OPEN, &[store.into()])?.0),
        Which::In(OrderStatus::Cancelled) => Some(cancelled),
        Which::In(OrderStatus::Completed) => Some(live - conn.only(&COUNT_OPEN, &[store.into()])?.0),
        Which::In(_) => None,
    })
}

/// A customer's orders from one of them (0: the newest) on, newest first, and how many follow in all.
pub fn list_of_customer(conn: &mut Conn<'_>, customer: UserId, from: i64, limit: i64) -> Result<(Vec<Order>, i64)> {
    let orders = conn.all(&LIST_OF_CUSTOMER, &[customer.into(), from.into(), limit.into()])?;
    let (total,) = conn.only(&COUNT_OF_CUSTOMER, &[customer.into(), 0_i64.into()])?;
    Ok((orders, total))
}

/// The lines of orders.
pub fn lines_of(conn: &mut Conn<'_>, orders: &[(StoreId, OrderId)]) -> Result<Vec<Line>> {
    conn.load_many(&LINES_OF, orders.iter().map(|(store, id)| [(*store).into(), (*id).into()]))
}

/// The payments of orders.
pub fn payments_of(conn: &mut Conn<'_>, orders: &[(StoreId, OrderId)]) -> Result<Vec<Payment>> {
    conn.load_many(&PAYMENTS_OF, orders.iter().map(|(store, id)| [(*store).into(), (*id).into()]))
}

/// The steps of an order.
pub fn steps_of(conn: &mut Conn<'_>, store: StoreId, id: OrderId) -> Result<Vec<Step>> {
    conn.all(&STEPS_OF, &[store.into(), id.into()])
}

/// Moves an order on and notes the step.
pub fn step(
    conn: &mut Conn<'_>,
    order: &LockedOrder,
    to: OrderStatus,
    actor: &str,
    note: &str,
    now: Timestamp,
) -> Result<()> {
    conn.execute(&SET_STATUS, &[order.store_id.into(), order.id.into(), to.into(), now.into()])?;
    let params =
        [order.store_id.into(), order.id.into(), order.status.into(), to.into(), actor.into(), now.into(), note.into()];
    conn.execute(&INSERT_STEP, &params).map(|_| ())
}

/// Gives an order the number of its bill.
pub fn set_invoice(conn: &mut Conn<'_>, store: StoreId, id: OrderId, year: i64, number: i64) -> Result<()> {
    conn.execute(&SET_INVOICE, &[store.into(), id.into(), year.into(), number.into()]).map(|_| ())
}

/// Sets what was paid.
pub fn set_paid(conn: &mut Conn<'_>, store: StoreId, id: OrderId, paid: Money, now: Timestamp) -> Result<()> {
    conn.execute(&SET_PAID, &[store.into(), id.into(), paid.into(), now.into()]).map(|_| ())
}

/// Sets how a payment stands; an empty reference leaves the one there is.
pub fn set_payment_state(
    conn: &mut Conn<'_>,
    payment: &Payment,
    state: PaymentState,
    reference: &str,
    confirmed_at: Option<Timestamp>,
) -> Result<()> {
    let params = [
        payment.store_id.into(),
        payment.order_id.into(),
        payment.payment_no.into(),
        state.into(),
        reference.into(),
        confirmed_at.into(),
    ];
    conn.execute(&SET_PAYMENT_STATE, &params).map(|_| ())
}

/// Takes an order that was called off out of a customer's sums.
pub fn take_back_spent(conn: &mut Conn<'_>, customer: UserId, total: Money) -> Result<()> {
    conn.execute(&TAKE_BACK_SPENT, &[customer.into(), total.into()]).map(|_| ())
}

/// A payment to be stored.
pub struct PaymentRow<'a> {
    /// The store.
    pub store: StoreId,
    /// The order.
    pub order: OrderId,
    /// Its place among the order's payments.
    pub number: i64,
    /// What was offered.
    pub payment: &'a NewPayment,
    /// How much it comes to.
    pub amount: Money,
    /// Whether it has arrived.
    pub state: PaymentState,
    /// By whom.
    pub actor: &'a str,
    /// When.
    pub at: Timestamp,
    /// On which business date.
    pub on: i64,
}

impl PaymentRow<'_> {
    /// The parameters of [`INSERT_PAYMENTS`].
    pub fn params(&self) -> [crate::db::Value<'_>; 11] {
        [
            self.store.into(),
            self.order.into(),
            self.number.into(),
            self.payment.method.into(),
            self.state.into(),
            self.amount.into(),
            (&self.payment.reference).into(),
            self.actor.into(),
            self.at.into(),
            self.on.into(),
            (self.state == PaymentState::Confirmed).then_some(self.at).into(),
        ]
    }
}

/// Sums of one order for the roll-ups, with their sign.
#[derive(Debug, Clone, Copy, Default)]
pub struct Sums {
    /// Orders that count.
    pub orders: i64,
    /// Orders that were called off.
    pub cancelled: i64,
    /// Lines.
    pub lines: i64,
    /// What customers pay.
    pub revenue: i64,
    /// Tax in it.
    pub tax: i64,
    /// What was taken off.
    pub discount: i64,
    /// What the goods cost.
    pub cost: i64,
}

impl Sums {
    /// Adds another.
    pub fn add(&mut self, other: Self) {
        self.orders += other.orders;
        self.cancelled += other.cancelled;
        self.lines += other.lines;
        self.revenue += other.revenue;
        self.tax += other.tax;
        self.discount += other.discount;
        self.cost += other.cost;
    }
}

/// Sums of one product for the roll-ups, with their sign.
#[derive(Debug, Clone, Copy, Default)]
pub struct ProductSums {
    /// Lines.
    pub lines: i64,
    /// How much was sold.
    pub sold: i64,
    /// What customers pay.
    pub revenue: i64,
    /// Tax in it.
    pub tax: i64,
    /// What the goods cost.
    pub cost: i64,
    /// What left or came back to the stock, with the last of these moves; none when nothing moved.
    pub moved: Option<(Quantity, MoveId)>,
}

/// What one unit cost, times how many; nothing where the cost is unknown.
pub fn cost_of(unit_cost: Option<Money>, quantity: Quantity) -> i64 {
    unit_cost.and_then(|cost| cost.times(quantity)).unwrap_or_default().as_paise()
}
