//! Decisions about returns.

use super::model::{RefundAsked, ReturnError};
use crate::money::{Money, Quantity, divide_half_up};

/// The share of an amount that falls on a quantity, after so much has come back before. Shares of one line add
/// up to the amount in however many parts it comes back.
pub fn share(amount: Money, sold: Quantity, before: Quantity, now: Quantity) -> Money {
    let up_to = |quantity: i64| {
        let exact = i128::from(amount.as_paise()) * i128::from(quantity);
        i64::try_from(divide_half_up(exact, i128::from(sold.as_milli().max(1)))).unwrap_or_default()
    };
    Money::paise(up_to(before.as_milli() + now.as_milli()) - up_to(before.as_milli()))
}

/// What each refund comes to; the one without an amount is the rest.
pub fn settle(refunds: &[RefundAsked], total: Money) -> Result<Vec<Money>, ReturnError> {
    let named: Money = refunds.iter().filter_map(|refund| refund.amount).sum();
    let open = refunds.iter().filter(|refund| refund.amount.is_none()).count();
    let below = refunds.iter().filter_map(|refund| refund.amount).any(Money::is_negative);
    let rest = total - named;
    if refunds.is_empty() || below || rest.is_negative() || open > 1 || (open == 0 && !rest.is_zero()) {
        return Err(ReturnError::RefundsDiffer { refunds: named, total });
    }
    Ok(refunds.iter().map(|refund| refund.amount.unwrap_or(rest)).collect())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::payments::Method;

    fn refund(amount: Option<i64>) -> RefundAsked {
        RefundAsked { method: Method::Cash, amount: amount.map(Money::paise), reference: String::new() }
    }

    #[test]
    fn refunds_come_to_the_total() {
        let total = Money::paise(100);
        let settled = |refunds: &[RefundAsked]| settle(refunds, total).ok();
        assert_eq!(settled(&[refund(Some(30)), refund(None)]), Some(vec![Money::paise(30), Money::paise(70)]));
        for wrong in [vec![], vec![refund(Some(99))], vec![refund(Some(101))], vec![refund(None), refund(None)]] {
            assert_eq!(settled(&wrong), None, "{wrong:?}");
        }
        assert_eq!(settled(&[refund(Some(-1)), refund(Some(101))]), None);
    }

    proptest! {
        #[test]
        fn what_comes_back_in_parts_comes_to_the_whole(amount in 0_i64..1_000_000, parts in prop::collection::vec(1_i64..5_000, 1..8)) {
            let sold = Quantity::milli(parts.iter().sum());
            let mut before = 0;
            let mut sum = Money::ZERO;
            for part in parts {
                let one = share(Money::paise(amount), sold, Quantity::milli(before), Quantity::milli(part));
                prop_assert!(!one.is_negative());
                sum = sum + one;
                before += part;
            }
            prop_assert_eq!(sum, Money::paise(amount));
        }
    }
}
