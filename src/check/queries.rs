//! The recomputations. Each rule answers with what it finds wrong: subject, what is, what should be.

use crate::db::Query;
use crate::ids::{OrderId, StoreId, UserId};
use crate::money::Money;

/// A rule with its recomputation.
pub struct Rule {
    /// Which invariant it belongs to.
    pub invariant: u8,
    /// What does not add up when it answers.
    pub what: &'static str,
    /// The recomputation.
    pub query: &'static Query<(String, i64, i64)>,
}

macro_rules! rules {
    ($($invariant:literal $what:literal $query:ident;)*) => {
        /// All rules that are one question.
        pub const RULES: &[Rule] = &[$(Rule { invariant: $invariant, what: $what, query: &$query }),*];
    };
}

rules! {
    1 "on hand against the sum of the moves" ON_HAND;
    1 "the balance of the last move" LAST_BALANCE;
    1 "the balance after a move" BALANCES;
    1 "the last move" LAST_MOVE;
    1 "on hand, which this product does not let fall below zero" NEGATIVE;
    1 "what waits to be counted is below zero" RECOUNT;
    2 "the number of lines" LINE_COUNT;
    2 "lines and payments without their order" LOOSE_ROWS;
    2 "the total against lines and rounding" ORDER_TOTAL;
    2 "the discount against the lines' shares" ORDER_DISCOUNT;
    2 "the gross amount against the lines" ORDER_GROSS;
    2 "tax of the order against its lines" ORDER_TAX;
    2 "tax and taxable value of a line against its total" LINE_TOTAL;
    2 "paid against confirmed payments" PAID;
    2 "owed against the khata" CREDIT;
    2 "what came back of a line against what was sold" RETURNED;
    2 "a return against its lines and rounding" RETURN_TOTAL;
    2 "refunds against the return" REFUNDS;
    2 "given back against the bill" GIVEN_BACK;
    2 "what a drawer should hold against what went in and out" DRAWER;
    2 "a shift of a till against its open shift" OPEN_SHIFTS;
    3 "revenue of a product on a day" PRODUCT_REVENUE;
    3 "quantity of a product sold on a day" PRODUCT_SOLD;
    3 "tax and cost of a product on a day" PRODUCT_TAX_AND_COST;
    3 "revenue of a store on a day" STORE_REVENUE;
    3 "orders of a store on a day" STORE_ORDERS;
    3 "tax, discount and cost of a store on a day" STORE_TAX_AND_COST;
    3 "spent by a customer on a day" CUSTOMER_SPENT;
    3 "spent by a customer in all" CUSTOMER_TOTAL;
    3 "orders of a customer in all" CUSTOMER_ORDERS;
    3 "stock changed on a day" STOCK_DAYS;
    4 "effects of one key" KEY_TWICE;
    4 "a sale of a till against its order" TILL_SALES;
    5 "bills of a series against its last number" INVOICES;
    5 "bill number without an order handed over" INVOICE_WITHOUT_HANDOVER;
    5 "credit notes of a series against its last number" CREDIT_NOTES;
    5 "Z reports of a till against its last number" Z_REPORTS;
    6 "search words of a product that is gone" LOOSE_WORDS;
}

crate::row! {
    /// An order as the audit log vouches for it.
    pub struct VouchedOrder {
        /// `orders.audit_chain`.
        pub audit_chain: i64,
        /// `orders.audit_seq`.
        pub audit_seq: i64,
        /// `orders.id`.
        pub id: OrderId,
        /// `orders.store_id`.
        pub store_id: StoreId,
        /// `orders.customer_id`.
        pub customer_id: Option<UserId>,
        /// `orders.total_paise`.
        pub total_paise: Money,
        /// `orders.placed_at`.
        pub placed_at: i64,
    }
}

crate::bulks! {
    pub(super) EXISTING_ORDERS(Int) -> (i64,) =
        each "select o.id from stores s join orders o on o.store_id = s.id where o.id = $1",
        set "select o.id from unnest({rows}) as asked(id) join stores s on 1 = 1
             join orders o on o.store_id = s.id and o.id = asked.id";
}

crate::statements! {
    pub(super) COUNTS() -> (i64, i64) =
        "select (select count(*) from orders), (select count(*) from stock_moves)";
    pub(super) ORDER_ANSWERS() -> (String, String, String) =
        "select principal, key, body from idempotency_keys where status = 201 and body like '{\"message\":\"Order placed%'";
    pub(super) VOUCHED_ORDERS() -> VouchedOrder =
        "select audit_chain, audit_seq, id, store_id, customer_id, total_paise, placed_at from orders
         order by audit_chain, audit_seq, id";
    pub(super) STEPS() -> (i64, i64) = "select order_id, count(*) from order_steps group by store_id, order_id";

    ON_HAND() -> (String, i64, i64) =
        "select 'store ' || s.store_id || ' product ' || s.product_id, s.on_hand_milli, cast(coalesce(m.total, 0) as bigint)
         from stock s left join (select store_id, product_id, sum(delta_milli) as total from stock_moves
                                 group by store_id, product_id) m
           on m.store_id = s.store_id and m.product_id = s.product_id
         where s.on_hand_milli <> coalesce(m.total, 0)";
    LAST_BALANCE() -> (String, i64, i64) =
        "select 'store ' || s.store_id || ' product ' || s.product_id, m.balance_after_milli, s.on_hand_milli
         from stock s join stock_moves m on m.store_id = s.store_id and m.id = s.last_move_id
         where m.balance_after_milli <> s.on_hand_milli or m.product_id <> s.product_id";
    BALANCES() -> (String, i64, i64) =
        "select 'store ' || m.store_id || ' move ' || m.id, m.balance_after_milli,
                coalesce(p.balance_after_milli, 0) + m.delta_milli
         from stock_moves m left join stock_moves p on p.store_id = m.store_id and p.id = m.previous_move_id
         where m.balance_after_milli <> coalesce(p.balance_after_milli, 0) + m.delta_milli";
    LAST_MOVE() -> (String, i64, i64) =
        "select 'store ' || m.store_id || ' product ' || m.product_id, coalesce(s.last_move_id, 0), m.last
         from (select store_id, product_id, max(id) as last from stock_moves group by store_id, product_id) m
         left join stock s on s.store_id = m.store_id and s.product_id = m.product_id
         where coalesce(s.last_move_id, 0) <> m.last";
    NEGATIVE() -> (String, i64, i64) =
        "select 'store ' || s.store_id || ' product ' || s.product_id, s.on_hand_milli, cast(0 as bigint)
         from stock s join products p on p.id = s.product_id where s.on_hand_milli < 0 and p.allow_negative = 0 and s.allow_negative = 0";

    LINE_COUNT() -> (String, i64, i64) =
        "select 'order ' || o.id, o.line_count, cast(coalesce(l.lines, 0) as bigint)
         from orders o left join (select store_id, order_id, count(*) as lines from order_lines group by store_id, order_id) l
           on l.store_id = o.store_id and l.order_id = o.id
         where o.line_count <> coalesce(l.lines, 0)";
    LOOSE_ROWS() -> (String, i64, i64) =
        "select 'order ' || x.order_id, count(*), cast(0 as bigint)
         from (select store_id, order_id from order_lines union all select store_id, order_id from payments) x
         left join orders o on o.store_id = x.store_id and o.id = x.order_id
         where o.id is null group by x.store_id, x.order_id";
    LOOSE_WORDS() -> (String, i64, i64) =
        "select 'product ' || w.product_id, count(*), cast(0 as bigint)
         from product_words w left join products p on p.id = w.product_id
         where p.id is null group by w.product_id";
    ORDER_TOTAL() -> (String, i64, i64) =
        "select 'order ' || o.id, o.total_paise, cast(sum(l.total_paise) + o.rounding_paise as bigint)
         from orders o join order_lines l on l.store_id = o.store_id and l.order_id = o.id
         group by o.store_id, o.id, o.total_paise, o.rounding_paise
         having o.total_paise <> sum(l.total_paise) + o.rounding_paise";
    ORDER_DISCOUNT() -> (String, i64, i64) =
        "select 'order ' || o.id, o.discount_paise, cast(sum(l.discount_paise) as bigint)
         from orders o join order_lines l on l.store_id = o.store_id and l.order_id = o.id
         group by o.store_id, o.id, o.discount_paise having o.discount_paise <> sum(l.discount_paise)";
    ORDER_GROSS() -> (String, i64, i64) =
        "select 'order ' || o.id, o.gross_paise,
                cast(sum(l.discount_paise + case when l.price_includes_tax = 1 then l.total_paise else l.taxable_paise end) as bigint)
         from orders o join order_lines l on l.store_id = o.store_id and l.order_id = o.id
         group by o.store_id, o.id, o.gross_paise
         having o.gross_paise <> sum(l.discount_paise + case when l.price_includes_tax = 1 then l.total_paise else l.taxable_paise end)";
    ORDER_TAX() -> (String, i64, i64) =
        "select 'order ' || o.id, o.cgst_paise + o.sgst_paise + o.igst_paise, cast(sum(l.cgst_paise + l.sgst_paise + l.igst_paise) as bigint)
         from orders o join order_lines l on l.store_id = o.store_id and l.order_id = o.id
         group by o.store_id, o.id, o.cgst_paise, o.sgst_paise, o.igst_paise
         having o.cgst_paise <> sum(l.cgst_paise) or o.sgst_paise <> sum(l.sgst_paise) or o.igst_paise <> sum(l.igst_paise)";
    LINE_TOTAL() -> (String, i64, i64) =
        "select 'order ' || order_id || ' line ' || line_no, total_paise, taxable_paise + cgst_paise + sgst_paise + igst_paise
         from order_lines
         where total_paise <> taxable_paise + cgst_paise + sgst_paise + igst_paise or cgst_paise <> sgst_paise";
    PAID() -> (String, i64, i64) =
        "select 'order ' || o.id, o.paid_paise, cast(coalesce(p.paid, 0) as bigint)
         from orders o left join (select store_id, order_id, sum(amount_paise) as paid from payments
                                  where state = 'confirmed' group by store_id, order_id) p
           on p.store_id = o.store_id and p.order_id = o.id
         where o.paid_paise <> coalesce(p.paid, 0) or o.paid_paise > o.total_paise";
    CREDIT() -> (String, i64, i64) =
        "select 'customer ' || c.user_id, c.credit_paise, cast(coalesce(m.owed, 0) as bigint)
         from customers c left join (select customer_id, sum(delta_paise) as owed from credit_moves group by customer_id) m
           on m.customer_id = c.user_id
         where c.credit_paise <> coalesce(m.owed, 0)";

    RECOUNT() -> (String, i64, i64) =
        "select 'store ' || store_id || ' product ' || product_id, on_hand_milli, cast(-1 as bigint)
         from stock where recount_since_at is not null and (on_hand_milli >= 0 or allow_negative = 0)";
    RETURNED() -> (String, i64, i64) =
        "select 'order ' || r.order_id || ' line ' || l.order_line_no, cast(sum(l.quantity_milli) as bigint),
                cast(coalesce(max(s.quantity_milli), 0) as bigint)
         from returns r join return_lines l on l.store_id = r.store_id and l.return_id = r.id
         left join order_lines s on s.store_id = r.store_id and s.order_id = r.order_id and s.line_no = l.order_line_no
         where r.order_id is not null group by r.store_id, r.order_id, l.order_line_no
         having sum(l.quantity_milli) > coalesce(max(s.quantity_milli), 0)";
    RETURN_TOTAL() -> (String, i64, i64) =
        "select 'return ' || r.id, r.total_paise, cast(coalesce(sum(l.total_paise), 0) as bigint) + r.rounding_paise
         from returns r left join return_lines l on l.store_id = r.store_id and l.return_id = r.id
         group by r.store_id, r.id, r.total_paise, r.rounding_paise
         having r.total_paise <> coalesce(sum(l.total_paise), 0) + r.rounding_paise";
    REFUNDS() -> (String, i64, i64) =
        "select 'return ' || r.id, r.total_paise, cast(coalesce(sum(f.amount_paise), 0) as bigint)
         from returns r left join refunds f on f.store_id = r.store_id and f.return_id = r.id
         group by r.store_id, r.id, r.total_paise having r.total_paise <> coalesce(sum(f.amount_paise), 0)";
    GIVEN_BACK() -> (String, i64, i64) =
        "select 'order ' || r.order_id, cast(sum(r.total_paise) as bigint), coalesce(o.paid_paise, 0)
         from returns r left join orders o on o.store_id = r.store_id and o.id = r.order_id
         where r.order_id is not null group by r.store_id, r.order_id, o.paid_paise
         having sum(r.total_paise) > coalesce(o.paid_paise, 0)";
    DRAWER() -> (String, i64, i64) =
        "select 'shift ' || s.id, s.expected_paise, cast(s.float_paise + coalesce(p.sold, 0) + coalesce(m.moved, 0) as bigint)
         from shifts s
         left join (select o.shift_id, sum(p.amount_paise) as sold
                    from orders o join payments p on p.store_id = o.store_id and p.order_id = o.id
                    where o.shift_id is not null and p.method = 'cash' and p.state = 'confirmed' group by o.shift_id) p
           on p.shift_id = s.id
         left join (select shift_id, sum(case when kind = 'in' or kind = 'payment' then amount_paise else -amount_paise end) as moved
                    from shift_moves where method = 'cash' group by shift_id) m on m.shift_id = s.id
         where s.expected_paise is not null
           and s.expected_paise <> s.float_paise + coalesce(p.sold, 0) + coalesce(m.moved, 0)";
    OPEN_SHIFTS() -> (String, i64, i64) =
        "select 'till ' || t.id, coalesce(t.open_shift_id, 0), cast(coalesce(s.shift, 0) as bigint)
         from tills t left join (select till_id, min(id) as shift, count(*) as shifts from shifts where status <> 'closed' group by till_id) s
           on s.till_id = t.id
         where coalesce(t.open_shift_id, 0) <> coalesce(s.shift, 0) or coalesce(s.shifts, 0) > 1";

    PRODUCT_REVENUE() -> (String, i64, i64) =
        "select 'store ' || store_id || ' day ' || day || ' product ' || product_id,
                cast(sum(kept) as bigint), cast(sum(counted) as bigint)
         from (select store_id, day, product_id, revenue_paise as kept, 0 as counted from product_days
               union all
               select o.store_id, o.placed_on, l.product_id, 0, l.total_paise
               from orders o join order_lines l on l.store_id = o.store_id and l.order_id = o.id where o.status <> 'cancelled'
               union all
               select r.store_id, r.returned_on, l.product_id, 0, -l.total_paise
               from returns r join return_lines l on l.store_id = r.store_id and l.return_id = r.id) x
         group by store_id, day, product_id having sum(kept) <> sum(counted)";
    PRODUCT_SOLD() -> (String, i64, i64) =
        "select 'store ' || store_id || ' day ' || day || ' product ' || product_id,
                cast(sum(kept) as bigint), cast(sum(counted) as bigint)
         from (select store_id, day, product_id, sold_milli as kept, 0 as counted, line_count as lines from product_days
               union all
               select o.store_id, o.placed_on, l.product_id, 0, l.quantity_milli, -1
               from orders o join order_lines l on l.store_id = o.store_id and l.order_id = o.id where o.status <> 'cancelled'
               union all
               select r.store_id, r.returned_on, l.product_id, 0, -l.quantity_milli, 0
               from returns r join return_lines l on l.store_id = r.store_id and l.return_id = r.id) x
         group by store_id, day, product_id having sum(kept) <> sum(counted) or sum(lines) <> 0";
    PRODUCT_TAX_AND_COST() -> (String, i64, i64) =
        "select 'store ' || store_id || ' day ' || day || ' product ' || product_id,
                cast(sum(kept) as bigint), cast(sum(counted) as bigint)
         from (select store_id, day, product_id, tax_paise + cost_paise as kept, 0 as counted from product_days
               union all
               select o.store_id, o.placed_on, l.product_id, 0, l.cgst_paise + l.sgst_paise + l.igst_paise
                        + (coalesce(l.unit_cost_paise, 0) * l.quantity_milli + 500) / 1000
               from orders o join order_lines l on l.store_id = o.store_id and l.order_id = o.id where o.status <> 'cancelled'
               union all
               select r.store_id, r.returned_on, l.product_id, 0, -(l.cgst_paise + l.sgst_paise + l.igst_paise + l.cost_paise)
               from returns r join return_lines l on l.store_id = r.store_id and l.return_id = r.id) x
         group by store_id, day, product_id having sum(kept) <> sum(counted)";
    STORE_REVENUE() -> (String, i64, i64) =
        "select 'store ' || store_id || ' day ' || sold_on, cast(sum(kept) as bigint), cast(sum(counted) as bigint)
         from (select store_id, sold_on, revenue_paise as kept, 0 as counted from store_days
               union all
               select store_id, placed_on, 0, total_paise from orders where status <> 'cancelled'
               union all
               select store_id, returned_on, 0, -total_paise from returns) x
         group by store_id, sold_on having sum(kept) <> sum(counted)";
    STORE_ORDERS() -> (String, i64, i64) =
        "select 'store ' || store_id || ' day ' || sold_on, cast(sum(kept) as bigint), cast(sum(counted) as bigint)
         from (select store_id, sold_on, order_count as kept, 0 as counted, cancelled_count as cancelled, line_count as lines from store_days
               union all
               select store_id, placed_on, 0, case when status = 'cancelled' then 0 else 1 end,
                      case when status = 'cancelled' then -1 else 0 end,
                      case when status = 'cancelled' then 0 else -line_count end
               from orders) x
         group by store_id, sold_on having sum(kept) <> sum(counted) or sum(cancelled) <> 0 or sum(lines) <> 0";
    STORE_TAX_AND_COST() -> (String, i64, i64) =
        "select 'store ' || store_id || ' day ' || sold_on, cast(sum(kept) as bigint), cast(sum(counted) as bigint)
         from (select store_id, sold_on, tax_paise + discount_paise + cost_paise as kept, 0 as counted from store_days
               union all
               select o.store_id, o.placed_on, 0, l.cgst_paise + l.sgst_paise + l.igst_paise + l.discount_paise
                        + (coalesce(l.unit_cost_paise, 0) * l.quantity_milli + 500) / 1000
               from orders o join order_lines l on l.store_id = o.store_id and l.order_id = o.id where o.status <> 'cancelled'
               union all
               select r.store_id, r.returned_on, 0,
                      -(l.cgst_paise + l.sgst_paise + l.igst_paise + l.discount_paise + l.cost_paise)
               from returns r join return_lines l on l.store_id = r.store_id and l.return_id = r.id) x
         group by store_id, sold_on having sum(kept) <> sum(counted)";
    CUSTOMER_SPENT() -> (String, i64, i64) =
        "select 'customer ' || customer_id || ' day ' || sold_on, cast(sum(kept) as bigint), cast(sum(counted) as bigint)
         from (select store_id, sold_on, customer_id, spent_paise as kept, 0 as counted, order_count as orders from customer_days
               union all
               select store_id, placed_on, customer_id, 0, total_paise, -1 from orders
               where status <> 'cancelled' and customer_id is not null
               union all
               select store_id, returned_on, customer_id, 0, -total_paise, 0 from returns where customer_id is not null) x
         group by store_id, sold_on, customer_id having sum(kept) <> sum(counted) or sum(orders) <> 0";
    CUSTOMER_TOTAL() -> (String, i64, i64) =
        "select 'customer ' || c.user_id, c.spent_paise, cast(coalesce(o.spent, 0) as bigint)
         from customers c left join (select customer_id, sum(amount) as spent
                                     from (select customer_id, total_paise as amount from orders
                                           where status <> 'cancelled' and customer_id is not null
                                           union all
                                           select customer_id, -total_paise from returns where customer_id is not null) both_ways
                                     group by customer_id) o
           on o.customer_id = c.user_id
         where c.spent_paise <> coalesce(o.spent, 0)";
    CUSTOMER_ORDERS() -> (String, i64, i64) =
        "select 'customer ' || c.user_id, c.order_count, cast(coalesce(o.orders, 0) as bigint)
         from customers c left join (select customer_id, count(*) as orders from orders
                                     where status <> 'cancelled' and customer_id is not null group by customer_id) o
           on o.customer_id = c.user_id
         where c.order_count <> coalesce(o.orders, 0)";
    STOCK_DAYS() -> (String, i64, i64) =
        "select 'store ' || store_id || ' day ' || day || ' product ' || product_id,
                cast(sum(kept) as bigint), cast(sum(counted) as bigint)
         from (select store_id, day, product_id, moved_milli as kept, 0 as counted from product_days
               union all
               select store_id, happened_on, product_id, 0, delta_milli from stock_moves) x
         group by store_id, day, product_id having sum(kept) <> sum(counted)";

    KEY_TWICE() -> (String, i64, i64) =
        "select principal || ' key ' || key, count(*), cast(1 as bigint) from idempotency_keys
         group by principal, key having count(*) > 1 and max(bucket) - min(bucket) <= 1";
    TILL_SALES() -> (String, i64, i64) =
        "select 'till ' || coalesce(p.till_id, o.till_id) || ' order ' || coalesce(p.order_id, o.id), count(*), cast(1 as bigint)
         from pos_sales p full join (select store_id, id, till_id from orders where till_id is not null) o
           on o.store_id = p.store_id and o.id = p.order_id
         where p.order_id is null or o.id is null or p.till_id <> o.till_id
         group by coalesce(p.till_id, o.till_id), coalesce(p.order_id, o.id)";
    CREDIT_NOTES() -> (String, i64, i64) =
        "select 'store ' || s.store_id || ' year ' || s.credit_year, cast(coalesce(r.notes, 0) as bigint), s.last_number
         from credit_note_series s
         left join (select store_id, credit_year, count(*) as notes, max(credit_number) as last from returns
                    group by store_id, credit_year) r
           on r.store_id = s.store_id and r.credit_year = s.credit_year
         where coalesce(r.notes, 0) <> s.last_number or coalesce(r.last, 0) <> s.last_number";
    Z_REPORTS() -> (String, i64, i64) =
        "select 'till ' || t.id, cast(coalesce(s.reports, 0) as bigint), t.last_z_number
         from tills t left join (select till_id, count(*) as reports, max(z_number) as last from shifts
                                 where z_number is not null group by till_id) s
           on s.till_id = t.id
         where coalesce(s.reports, 0) <> t.last_z_number or coalesce(s.last, 0) <> t.last_z_number";
    INVOICES() -> (String, i64, i64) =
        "select 'store ' || s.store_id || ' year ' || s.invoice_year, cast(coalesce(o.bills, 0) as bigint), s.last_number
         from invoice_series s left join (select store_id, invoice_year, count(*) as bills, min(invoice_number) as first,
                                                 max(invoice_number) as last from orders
                                          where invoice_number is not null group by store_id, invoice_year) o
           on o.store_id = s.store_id and o.invoice_year = s.invoice_year
         where coalesce(o.bills, 0) <> s.last_number or coalesce(o.last, 0) <> s.last_number or coalesce(o.first, 1) <> 1";
    INVOICE_WITHOUT_HANDOVER() -> (String, i64, i64) =
        // What was sold before this shop used Kirana had its bill there.
        "select 'order ' || id, coalesce(invoice_number, 0), cast(0 as bigint) from orders
         where (status <> 'completed' and invoice_number is not null)
            or (status = 'completed' and channel <> 'import' and invoice_number is null)";
}
