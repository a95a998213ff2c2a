//! All SQL for tills, shifts and their sums.

use super::limits::CounterRules;
use super::model::{Method, MoveKind, OpenShift, Shift, Till};
use crate::clock::Timestamp;
use crate::ids::OrderId;
use crate::money::{Money, TaxRate};

macro_rules! tills {
    () => {
        "select t.id, t.store_id, t.code, t.name, t.status, t.open_shift_id, t.last_z_number,
                (select p.number from pos_sales p where p.till_id = t.id and p.number <> ''
                 order by p.order_id desc limit 1) as last_number,
                t.created_at, t.version
         from tills t "
    };
}

macro_rules! shifts {
    () => {
        "select s.id, s.store_id, s.till_id, t.code as till_code, s.status, s.opened_by, s.opened_at, s.float_paise,
                s.after_order_id, s.counted_paise, s.notes, s.expected_paise, s.closed_by, s.closed_at, s.reason,
                s.z_number, s.z_report
         from shifts s join tills t on t.id = s.till_id "
    };
}

crate::row! {
    /// What the sales of a shift come to.
    pub(super) struct SalesRow {
        /// How many.
        pub bills: i64,
        /// The first bill, as year and number in one.
        pub first_bill: Option<i64>,
        /// The last.
        pub last_bill: Option<i64>,
        /// Before any discount.
        pub gross_paise: Money,
        /// What was taken off.
        pub discount_paise: Money,
        /// What rounded the bills.
        pub rounding_paise: Money,
        /// What was paid.
        pub total_paise: Money,
    }
}

crate::row! {
    /// What came back in a shift.
    pub(super) struct ReturnsRow {
        /// Returns.
        pub returns: i64,
        /// What they come to.
        pub returns_paise: Money,
        /// Bills taken back as a whole.
        pub voids: i64,
        /// What they come to.
        pub voids_paise: Money,
    }
}

crate::row! {
    /// The tax of a rate.
    pub(super) struct TaxRow {
        /// The rate.
        pub tax_rate_bp: TaxRate,
        /// What it is computed on.
        pub taxable_paise: Money,
        /// Central tax.
        pub cgst_paise: Money,
        /// State tax.
        pub sgst_paise: Money,
        /// Tax between states.
        pub igst_paise: Money,
        /// All of it.
        pub total_paise: Money,
    }
}

crate::row! {
    /// A move of money besides sales.
    pub(super) struct MoveRow {
        /// What it was.
        pub kind: MoveKind,
        /// How.
        pub method: Method,
        /// How much.
        pub amount_paise: Money,
        /// Why.
        pub reason: String,
        /// For which order.
        pub order_id: Option<OrderId>,
        /// By whom.
        pub actor: String,
        /// When.
        pub at: Timestamp,
    }
}

crate::statements! {
    pub(super) FIND_RULES() -> CounterRules =
        "select cashier_discount_bp, manager_discount_bp, unbilled_return_paise, return_days, version
         from counter_rules where id = 1";
    pub(super) UPDATE_RULES(Int, Int, Int, Int, Int, Int) =
        "update counter_rules set cashier_discount_bp = $1, manager_discount_bp = $2, unbilled_return_paise = $3,
                return_days = $4, updated_at = $5, version = version + 1
         where id = 1 and version = $6";
    pub(super) LIST_TILLS(Int) -> Till = concat!(tills!(), "where t.store_id = $1 order by t.id");
    pub(super) FIND_TILL(Int) -> Till = concat!(tills!(), "where t.id = $1");
    pub(super) INSERT_TILL(Int, Int, Text, Text, Int) =
        "insert into tills (id, store_id, code, name, created_at) values ($1, $2, $3, $4, $5)";
    pub(super) UPDATE_TILL(Int, Text, Text, Text, Int) =
        "update tills set code = $2, name = $3, status = $4, version = version + 1 where id = $1 and version = $5";
    /// Gives an open shift to a till that has none.
    pub(super) TAKE_TILL(Int, Int) =
        "update tills set open_shift_id = $2 where id = $1 and open_shift_id is null and status = 'active'";
    /// Ends the shift of a till; the next Z number is the report's.
    pub(super) FREE_TILL(Int, Int) =
        "update tills set open_shift_id = null, counting = 0, last_z_number = last_z_number + 1 where id = $1 and open_shift_id = $2";
    /// Makes sales at the till wait until the transaction has ended, and ends with their having ended.
    pub(super) LOCK_TILL(Int) = "update tills set id = id where id = $1";
    pub(super) SET_COUNTING(Int) = "update tills set counting = 1 where id = $1";
    pub(super) LAST_ORDER(Int) -> (OrderId,) = "select coalesce(max(id), 0) from orders where store_id = $1";
    pub(super) INSERT_SHIFT(Int, Int, Int, Text, Int, Int, Int, Int) =
        "insert into shifts (id, store_id, till_id, opened_by, opened_at, opened_on, float_paise, after_order_id)
         values ($1, $2, $3, $4, $5, $6, $7, $8)";
    pub(super) FIND_SHIFT(Int) -> Shift = concat!(shifts!(), "where s.id = $1");
    pub(super) LIST_SHIFTS(Int, Int, Int) -> Shift =
        concat!(shifts!(), "where s.till_id = $1 and s.id < $2 order by s.id desc limit $3");
    /// Makes others who change the shift wait until the transaction has ended.
    pub(super) LOCK_SHIFT(Int) = "update shifts set id = id where id = $1";
    pub(super) COUNT_DRAWER(Int, Text, Int, Int, Text, Int, Text) =
        "update shifts set status = 'counted', counted_by = $2, counted_at = $3, counted_paise = $4, notes = $5,
                expected_paise = $6, reason = $7
         where id = $1 and status = 'open'";
    pub(super) CLOSE_SHIFT(Int, Text, Int, Text, Int, Text) =
        "update shifts set status = 'closed', closed_by = $2, closed_at = $3, reason = $4, z_number = $5, z_report = $6
         where id = $1 and status = 'counted'";
    pub(super) INSERT_MOVE(Int, Text, Text, Int, Text, Int, Int, Text, Int) =
        "insert into shift_moves (shift_id, move_no, kind, method, amount_paise, reason, order_id, return_id, actor, at)
         select $1, coalesce(max(move_no), 0) + 1, $2, $3, $4, $5, $6, $7, $8, $9 from shift_moves where shift_id = $1";
    pub(super) MOVES(Int) -> MoveRow =
        "select kind, method, amount_paise, reason, order_id, actor, at from shift_moves where shift_id = $1 order by move_no";
    // Orders are kept in the order of time, so the sales of a shift are one stretch of them.
    pub(super) SALES(Int, Int, Int) -> SalesRow =
        "select count(*) as bills, min(invoice_year * 1000000000 + invoice_number) as first_bill,
                max(invoice_year * 1000000000 + invoice_number) as last_bill,
                cast(coalesce(sum(gross_paise), 0) as bigint) as gross_paise,
                cast(coalesce(sum(discount_paise), 0) as bigint) as discount_paise,
                cast(coalesce(sum(rounding_paise), 0) as bigint) as rounding_paise,
                cast(coalesce(sum(total_paise), 0) as bigint) as total_paise
         from orders where store_id = $1 and id > $2 and shift_id = $3";
    pub(super) TENDERS(Int, Int, Int) -> (Method, Money, Money) =
        "select p.method, cast(sum(p.amount_paise) as bigint),
                cast(sum(case when p.method = 'upi' and p.reference = '' then p.amount_paise else 0 end) as bigint)
         from orders o join payments p on p.store_id = o.store_id and p.order_id = o.id
         where o.store_id = $1 and o.id > $2 and o.shift_id = $3 and p.state = 'confirmed' group by p.method";
    pub(super) TAXES(Int, Int, Int) -> TaxRow =
        "select tax_rate_bp, cast(sum(taxable) as bigint) as taxable_paise, cast(sum(cgst) as bigint) as cgst_paise,
                cast(sum(sgst) as bigint) as sgst_paise, cast(sum(igst) as bigint) as igst_paise,
                cast(sum(total) as bigint) as total_paise
         from (select l.tax_rate_bp, l.taxable_paise as taxable, l.cgst_paise as cgst, l.sgst_paise as sgst,
                      l.igst_paise as igst, l.total_paise as total
               from orders o join order_lines l on l.store_id = o.store_id and l.order_id = o.id
               where o.store_id = $1 and o.id > $2 and o.shift_id = $3
               union all
               select l.tax_rate_bp, -l.taxable_paise, -l.cgst_paise, -l.sgst_paise, -l.igst_paise, -l.total_paise
               from return_lines l
               where l.store_id = $1 and l.return_id in (select return_id from shift_moves where shift_id = $3)) x
         group by tax_rate_bp order by tax_rate_bp";
    pub(super) RETURNED(Int, Int) -> ReturnsRow =
        "select cast(coalesce(sum(case when reason = 'void' then 0 else 1 end), 0) as bigint) as returns,
                cast(coalesce(sum(case when reason = 'void' then 0 else total_paise end), 0) as bigint) as returns_paise,
                cast(coalesce(sum(case when reason = 'void' then 1 else 0 end), 0) as bigint) as voids,
                cast(coalesce(sum(case when reason = 'void' then total_paise else 0 end), 0) as bigint) as voids_paise
         from returns where store_id = $1 and id in (select return_id from shift_moves where shift_id = $2)";
}

crate::bulks! {
    /// Tills with the shift that has not ended; it does not end before the transaction does.
    pub(super) OPEN_SHIFTS(Int) -> OpenShift =
        each "select id as till_id, store_id, open_shift_id as shift_id, counting from tills where id = $1 and status = 'active'",
        set "select t.id as till_id, t.store_id, t.open_shift_id as shift_id, t.counting
             from tills t join unnest({rows}) as asked(id) on t.id = asked.id
             where t.status = 'active' order by t.id for share of t";
}
