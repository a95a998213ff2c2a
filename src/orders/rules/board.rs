//! Where an order stands on the board.

use crate::orders::model::OrderStatus;

crate::words! {
    /// A column of the board.
    pub enum Column {
        /// Nobody has looked at it yet.
        New = "new",
        /// It waits for money that is said to be on its way.
        Awaiting = "awaiting",
        /// It is being put together.
        Packing = "packing",
        /// It waits to be picked up.
        Ready = "ready",
        /// It was handed over.
        Done = "done",
        /// It was called off.
        Cancelled = "cancelled",
    }
}

impl Column {
    /// The columns in which there is something to do.
    pub const OPEN: &'static [Self] = &[Self::New, Self::Awaiting, Self::Packing, Self::Ready];
}

/// The one column of an order: money that is awaited comes before the work that it pays for.
pub fn column(status: OrderStatus, awaits_money: bool) -> Column {
    match status {
        OrderStatus::Placed | OrderStatus::Confirmed if awaits_money => Column::Awaiting,
        OrderStatus::Placed => Column::New,
        OrderStatus::Confirmed | OrderStatus::Packed => Column::Packing,
        OrderStatus::Ready => Column::Ready,
        OrderStatus::Completed => Column::Done,
        OrderStatus::Cancelled => Column::Cancelled,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_order_stands_in_one_column() {
        for (status, awaits, word) in [
            (OrderStatus::Placed, false, "new"),
            (OrderStatus::Placed, true, "awaiting"),
            (OrderStatus::Confirmed, true, "awaiting"),
            (OrderStatus::Confirmed, false, "packing"),
            (OrderStatus::Packed, true, "packing"),
            (OrderStatus::Ready, true, "ready"),
            (OrderStatus::Completed, false, "done"),
            (OrderStatus::Cancelled, true, "cancelled"),
        ] {
            assert_eq!(column(status, awaits).word(), word);
        }
    }
}
