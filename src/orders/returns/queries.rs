//! All SQL for returns.

use super::model::{RefundRow, ReturnRow, ReturnedLine};
use crate::money::{Money, Quantity, TaxRate};

crate::row! {
    /// A product that comes back without a bill.
    pub(super) struct GoodsRow {
        /// What it is called.
        pub name: String,
        /// Its unit.
        pub unit: String,
        /// The tax rate.
        pub tax_rate_bp: TaxRate,
        /// What one unit cost the shop.
        pub cost_paise: Option<Money>,
    }
}

macro_rules! return_columns {
    () => {
        "store_id, id, order_id, customer_id, till_id, shift_id, credit_year, credit_number, reason, note, discount_paise,
         taxable_paise, cgst_paise, sgst_paise, igst_paise, rounding_paise, total_paise, actor, approved_by, at, returned_on"
    };
}

crate::statements! {
    pub(super) OF_ORDER(Int, Int) -> ReturnRow =
        concat!("select ", return_columns!(), " from returns where store_id = $1 and order_id = $2 order by id");
    pub(super) FIND(Int, Int) -> ReturnRow =
        concat!("select ", return_columns!(), " from returns where store_id = $1 and id = $2");
    pub(super) LINES(Int, Int) -> ReturnedLine =
        "select return_id, order_line_no, product_id, name, unit, quantity_milli, total_paise, restock
         from return_lines where store_id = $1 and return_id = $2 order by line_no";
    pub(super) REFUNDS(Int, Int) -> RefundRow =
        "select method, amount_paise, reference from refunds where store_id = $1 and return_id = $2 order by refund_no";
    /// What has come back of each line of a bill.
    pub(super) BACK(Int, Int) -> (i64, Quantity) =
        "select l.order_line_no, cast(sum(l.quantity_milli) as bigint)
         from returns r join return_lines l on l.store_id = r.store_id and l.return_id = r.id
         where r.store_id = $1 and r.order_id = $2 group by l.order_line_no";
    pub(super) TAKE_NUMBER(Int, Int) =
        "insert into credit_note_series (store_id, credit_year, last_number) values ($1, $2, 1)
         on conflict (store_id, credit_year) do update set last_number = credit_note_series.last_number + 1";
    pub(super) NUMBER(Int, Int) -> (i64,) =
        "select last_number from credit_note_series where store_id = $1 and credit_year = $2";
    pub(super) SPEND_LESS(Int, Int) = "update customers set spent_paise = spent_paise - $2 where user_id = $1";
    pub(super) GOODS(Int) -> GoodsRow =
        "select name, unit, tax_rate_bp, cost_paise from products where id = $1";
}

crate::inserts! {
    pub(super) INSERT_RETURN into returns (store_id Int, id Int, order_id Int, customer_id Int, till_id Int, shift_id Int,
        credit_year Int, credit_number Int, reason Text, note Text, discount_paise Int, taxable_paise Int, cgst_paise Int,
        sgst_paise Int, igst_paise Int, rounding_paise Int, total_paise Int, actor Text, approved_by Text, at Int,
        returned_on Int) "";
    pub(super) INSERT_LINES into return_lines (store_id Int, return_id Int, line_no Int, order_line_no Int, product_id Int,
        name Text, unit Text, quantity_milli Int, discount_paise Int, tax_rate_bp Int, taxable_paise Int, cgst_paise Int,
        sgst_paise Int, igst_paise Int, total_paise Int, cost_paise Int, restock Int) "";
    pub(super) INSERT_REFUNDS into refunds (store_id Int, return_id Int, refund_no Int, method Text, amount_paise Int,
        reference Text) "";
}
