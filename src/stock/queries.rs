//! All SQL for stock rows and moves.

use super::model::{Move, Shelf, StockRow};
use crate::ids::{MoveId, ProductId};
use crate::money::Quantity;

macro_rules! move_columns {
    () => {
        "id, store_id, product_id, delta_milli, balance_after_milli, previous_move_id, reason, order_id, note,
         unit_cost_paise, user_id, at"
    };
}

crate::row! {
    /// What a product had at a past instant.
    #[derive(Debug, Clone)]
    pub struct Past {
        /// The product.
        pub product_id: ProductId,
        /// What was there.
        pub on_hand_milli: Quantity,
    }
}

crate::statements! {
    pub(super) LIST_STOCK(Int, Int, Int, Int) -> StockRow =
        "select s.store_id, s.product_id, p.sku, p.name, p.unit, s.on_hand_milli, s.reserved_milli,
                s.reorder_level_milli, s.reorder_quantity_milli
         from stock s join products p on p.id = s.product_id
         where s.store_id = $1 and s.product_id > $2 and p.status = 'active'
           and ($3 = 0 or ($3 = 1 and s.on_hand_milli <= s.reorder_level_milli) or ($3 = 2 and s.on_hand_milli <= 0)
                or ($3 = 3 and s.recount_since_at is not null))
         order by s.product_id limit $4";
    pub(super) COUNT_STOCK(Int, Int) -> (i64,) =
        "select count(*) from stock s join products p on p.id = s.product_id
         where s.store_id = $1 and p.status = 'active'
           and ($2 = 0 or ($2 = 1 and s.on_hand_milli <= s.reorder_level_milli) or ($2 = 2 and s.on_hand_milli <= 0)
                or ($2 = 3 and s.recount_since_at is not null))";
    pub(super) FIND_SHELF(Int, Int) -> Shelf =
        "select store_id, product_id, on_hand_milli, reorder_level_milli,
                case when recount_since_at is null then allow_negative else 0 end as allow_negative, last_move_id,
                cast(case when recount_since_at is null then 0 else 1 end as bigint) as recount
         from stock where store_id = $1 and product_id = $2";
    pub(super) UNIT(Int) -> (String,) = "select unit from products where id = $1";
    pub(super) SET_LEVELS(Int, Int, Int, Int, Int) =
        "update stock set reorder_level_milli = coalesce($3, reorder_level_milli),
                reorder_quantity_milli = coalesce($4, reorder_quantity_milli),
                allow_negative = case when recount_since_at is null then coalesce($5, allow_negative) else allow_negative end
         where store_id = $1 and product_id = $2";
    /// Walks a product's chain of moves back from one of them.
    pub(super) WALK_BACK(Int, Int, Int) -> Move =
        "with recursive chain (id, hops) as (
           select cast($2 as bigint), cast(1 as bigint)
           union all
           select m.previous_move_id, c.hops + 1 from chain c
             join stock_moves m on m.store_id = $1 and m.id = c.id
           where m.previous_move_id is not null and c.hops < $3
         )
         select m.id, m.store_id, m.product_id, m.delta_milli, m.balance_after_milli, m.previous_move_id, m.reason,
                m.order_id, m.note, m.unit_cost_paise, m.user_id, m.at
         from chain c join stock_moves m on m.store_id = $1 and m.id = c.id order by m.id desc";
    pub(super) LATEST_MOVES(Int, Int, Int) -> Move =
        concat!("select ", move_columns!(), " from stock_moves where store_id = $1 and id < $2 order by id desc limit $3");
    /// What each product has now less what the days after a business date changed.
    pub(super) AT_END_OF(Int, Int) -> Past =
        "select s.product_id, cast(s.on_hand_milli - coalesce(
                  (select sum(d.moved_milli) from product_days d
                   where d.store_id = $1 and d.day > $2 and d.product_id = s.product_id), 0) as bigint) as on_hand_milli
         from stock s where s.store_id = $1 order by s.product_id";
    /// The last move of each product on a business date.
    pub(super) LAST_MOVES_ON(Int, Int) -> (ProductId, MoveId) =
        "select product_id, max(last_move_id) from product_days
         where store_id = $1 and day = $2 and last_move_id is not null group by product_id";
}

crate::bulks! {
    /// Reads stock rows and, where several write at once, locks them, in the order of their keys.
    pub(super) LOCK(Int, Int) -> Shelf =
        each "select store_id, product_id, on_hand_milli, reorder_level_milli,
                     case when recount_since_at is null then allow_negative else 0 end as allow_negative, last_move_id,
                     cast(case when recount_since_at is null then 0 else 1 end as bigint) as recount
              from stock where store_id = $1 and product_id = $2",
        set "select s.store_id, s.product_id, s.on_hand_milli, s.reorder_level_milli,
                    case when s.recount_since_at is null then s.allow_negative else 0 end as allow_negative, s.last_move_id,
                    cast(case when s.recount_since_at is null then 0 else 1 end as bigint) as recount
             from stock s join unnest({rows}) as asked(store_id, product_id)
               on s.store_id = asked.store_id and s.product_id = asked.product_id
             order by s.store_id, s.product_id for no key update of s";
    /// Changes what is on hand by a difference and notes the last move.
    pub(super) MOVE(Int, Int, Int, Int) =
        each "update stock set on_hand_milli = on_hand_milli + $3, last_move_id = $4 where store_id = $1 and product_id = $2",
        set "update stock s set on_hand_milli = s.on_hand_milli + v.delta, last_move_id = v.move_id
             from unnest({rows}) as v(store_id, product_id, delta, move_id)
             where s.store_id = v.store_id and s.product_id = v.product_id";
    /// Lets shelves fall below zero until they are counted again.
    pub(super) LET_BELOW(Int, Int, Int) =
        each "update stock set allow_negative = 1, recount_since_at = coalesce(recount_since_at, $3)
              where store_id = $1 and product_id = $2",
        set "update stock s set allow_negative = 1, recount_since_at = coalesce(s.recount_since_at, v.at)
             from unnest({rows}) as v(store_id, product_id, at)
             where s.store_id = v.store_id and s.product_id = v.product_id";
    /// What was below zero is there again: it may fall below as the product says.
    pub(super) RECOUNTED(Int, Int) =
        each "update stock set recount_since_at = null,
                     allow_negative = (select p.allow_negative from products p where p.id = stock.product_id)
              where store_id = $1 and product_id = $2",
        set "update stock s set recount_since_at = null,
                    allow_negative = (select p.allow_negative from products p where p.id = s.product_id)
             from unnest({rows}) as v(store_id, product_id)
             where s.store_id = v.store_id and s.product_id = v.product_id";
    /// The products to which more than their opening happened. The stores are named so that the keys are used.
    pub(super) TOUCHED(Int) -> (ProductId,) =
        each "select s.product_id from stock s join stock_moves m on m.store_id = s.store_id and m.id = s.last_move_id
              where s.store_id in (select id from stores) and s.product_id = $1
                and (m.reason <> 'opening' or m.previous_move_id is not null)",
        set "select distinct s.product_id from unnest({rows}) as asked(id) join stock s on s.product_id = asked.id
             join stock_moves m on m.store_id = s.store_id and m.id = s.last_move_id
             where m.reason <> 'opening' or m.previous_move_id is not null";
    /// Deletes the days of openings; the moves that name them must still be there.
    pub(super) DELETE_OPENING_DAYS(Int) =
        each "delete from product_days where (store_id, day, product_id) in
                (select m.store_id, m.happened_on, m.product_id from stock s
                   join stock_moves m on m.store_id = s.store_id and m.id = s.last_move_id
                 where s.store_id in (select id from stores) and s.product_id = $1)",
        set "delete from product_days where (store_id, day, product_id) in
               (select m.store_id, m.happened_on, m.product_id from unnest({rows}) as gone(id)
                  join stock s on s.product_id = gone.id
                  join stock_moves m on m.store_id = s.store_id and m.id = s.last_move_id)";
    pub(super) DELETE_OPENING_MOVES(Int) =
        each "delete from stock_moves where (store_id, id) in
                (select store_id, last_move_id from stock
                 where store_id in (select id from stores) and product_id = $1 and last_move_id is not null)",
        set "delete from stock_moves where (store_id, id) in
               (select s.store_id, s.last_move_id from unnest({rows}) as gone(id)
                  join stock s on s.product_id = gone.id where s.last_move_id is not null)";
    pub(super) DELETE_SHELVES(Int) =
        each "delete from stock where store_id in (select id from stores) and product_id = $1",
        set "delete from stock where product_id in (select id from unnest({rows}) as gone(id))";
}

crate::inserts! {
    pub(super) INSERT_MOVES into stock_moves (store_id Int, id Int, product_id Int, delta_milli Int, balance_after_milli Int,
        previous_move_id Int, reason Text, order_id Int, note Text, unit_cost_paise Int, user_id Int, at Int, happened_on Int) "";
    pub(super) INSERT_SHELVES into stock (store_id Int, product_id Int, on_hand_milli Int, reorder_level_milli Int,
        reorder_quantity_milli Int, allow_negative Int) "on conflict (store_id, product_id) do nothing";
    pub(super) ADD_TO_DAYS into product_days (store_id Int, day Int, product_id Int, writer Int, moved_milli Int, last_move_id Int)
        "on conflict (store_id, day, product_id, writer) do update
           set moved_milli = product_days.moved_milli + excluded.moved_milli, last_move_id = excluded.last_move_id";
}
