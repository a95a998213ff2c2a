//! All SQL for customers.

use super::model::{CreditMove, Customer};

macro_rules! customers {
    () => {
        "select u.id, u.first_name, u.last_name, u.email, u.phone, u.role, u.status, u.address, u.city, u.pincode,
                u.date_of_birth_on, u.language, c.order_count, c.spent_paise, c.credit_paise, c.last_order_at,
                u.created_at, u.updated_at, u.version
         from users u join customers c on c.user_id = u.id "
    };
}

crate::statements! {
    pub(super) FIND(Int) -> Customer = concat!(customers!(), "where u.id = $1");
    pub(super) LIST(Text, Int, Int) -> Customer =
        concat!(customers!(), "
         where ($1 = '' or lower(u.first_name || ' ' || u.last_name || ' ' || coalesce(u.email, '') || ' ' || u.phone)
                           like $1 escape '!')
           and u.id < $2
         order by u.id desc limit $3");
    /// Those who owe the shop something, the most first.
    pub(super) OWING(Int) -> Customer =
        concat!(customers!(), "where c.credit_paise > 0 order by c.credit_paise desc, u.id limit $1");
    pub(super) KHATA(Int, Int) -> CreditMove =
        "select delta_paise, balance_after_paise, store_id, order_id, note, at from credit_moves
         where customer_id = $1 order by move_no desc limit $2";
    pub(super) COUNT(Text) -> (i64,) =
        "select count(*) from users u join customers c on c.user_id = u.id
         where $1 = '' or lower(u.first_name || ' ' || u.last_name || ' ' || coalesce(u.email, '') || ' ' || u.phone)
                          like $1 escape '!'";
}
