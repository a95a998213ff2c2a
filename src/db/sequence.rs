//! Ids, many at a time.

use super::conn::Conn;
use super::{Result, Value};

crate::words! {
    /// What is numbered. The word is also the name of the sequence.
    pub enum Sequence {
        /// Accounts.
        Users = "users",
        /// API keys.
        ApiKeys = "api_keys",
        /// Branches.
        Stores = "stores",
        /// Categories.
        Categories = "categories",
        /// Products.
        Products = "products",
        /// Changes of prices.
        PriceChanges = "price_changes",
        /// Imports.
        Imports = "imports",
        /// Pictures.
        Images = "images",
        /// Stock moves.
        Moves = "moves",
        /// Orders.
        Orders = "orders",
        /// Background work.
        Jobs = "jobs",
        /// Tills.
        Tills = "tills",
        /// Shifts at tills.
        Shifts = "shifts",
        /// Goods that came back.
        Returns = "returns",
    }
}

crate::bulks! {
    /// Takes the next numbers of a sequence. SQLite keeps the last one in a row, and answers with it once;
    /// PostgreSQL answers with each.
    NEXT(Text, Int) -> (i64,) =
        each "update sequences set last = last + $2 where name = $1 returning last",
        set "select nextval(taken.name || '_ids') from unnest({rows}) as taken(name, wanted), generate_series(1, taken.wanted)";
}

impl Conn<'_> {
    /// The next ids of a sequence, rising. Take them after the rows that they order are locked.
    pub fn next_ids(&mut self, sequence: Sequence, count: usize) -> Result<Vec<i64>> {
        let wanted = i64::try_from(count).unwrap_or(i64::MAX);
        if wanted == 0 {
            return Ok(Vec::new());
        }
        let mut ids: Vec<i64> =
            self.load_many(&NEXT, [[Value::from(sequence), wanted.into()]])?.into_iter().map(|(id,)| id).collect();
        if let [last] = ids[..] {
            ids = (last - wanted + 1..=last).collect();
        }
        ids.sort_unstable();
        Ok(ids)
    }

    /// The next id of a sequence.
    pub fn next_id(&mut self, sequence: Sequence) -> Result<i64> {
        Ok(self.next_ids(sequence, 1)?[0])
    }
}
