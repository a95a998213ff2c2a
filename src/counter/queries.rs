//! All SQL for what tills sent.

use super::model::FlaggedRow;

crate::statements! {
    pub(super) FLAGGED(Int, Int, Int) -> FlaggedRow =
        "select p.till_id, t.code as till_code, p.sale_id, p.order_id, p.number, p.sold_at, p.received_at, p.flags
         from pos_sales p join tills t on t.id = p.till_id
         where p.store_id = $1 and p.order_id < $2 and p.flags <> '' order by p.order_id desc limit $3";
}
