//! Which steps an order may take.

use crate::orders::model::{OrderError, OrderStatus};

/// Refuses a step that the life cycle does not have: forward one at a time or over a step that the
/// shop leaves out, called off from anywhere before the end.
pub fn check_step(from: OrderStatus, to: OrderStatus) -> Result<(), OrderError> {
    use OrderStatus::{Cancelled, Completed, Confirmed, Packed, Placed, Ready};
    let allowed = match to {
        Placed => false,
        Confirmed => from == Placed,
        Packed => matches!(from, Placed | Confirmed),
        Ready => matches!(from, Placed | Confirmed | Packed),
        Completed | Cancelled => matches!(from, Placed | Confirmed | Packed | Ready),
    };
    if allowed { Ok(()) } else { Err(OrderError::NoSuchStep { from, to }) }
}

/// A customer calls an order off only while nobody has packed it.
pub fn may_cancel(is_staff: bool, status: OrderStatus) -> Result<(), OrderError> {
    if is_staff || matches!(status, OrderStatus::Placed | OrderStatus::Confirmed) {
        return Ok(());
    }
    Err(OrderError::TooLateToCancel(status))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_order_goes_forward_and_never_back_and_ends_once() {
        let allowed: Vec<String> = OrderStatus::ALL
            .iter()
            .flat_map(|from| OrderStatus::ALL.iter().map(move |to| (*from, *to)))
            .filter(|(from, to)| check_step(*from, *to).is_ok())
            .map(|(from, to)| format!("{from}>{to}"))
            .collect();
        assert_eq!(
            allowed.join(" "),
            "placed>confirmed placed>packed placed>ready placed>completed placed>cancelled \
             confirmed>packed confirmed>ready confirmed>completed confirmed>cancelled \
             packed>ready packed>completed packed>cancelled ready>completed ready>cancelled"
        );
    }

    #[test]
    fn customers_call_off_what_is_not_packed_yet() {
        assert!(may_cancel(false, OrderStatus::Confirmed).is_ok());
        assert!(may_cancel(false, OrderStatus::Packed).is_err());
        assert!(may_cancel(true, OrderStatus::Ready).is_ok());
    }
}
