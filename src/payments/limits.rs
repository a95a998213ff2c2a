//! What the shop lets the counter do without asking.

use serde_json::json;

use super::model::TillError;
use super::queries;
use crate::audit::{self, By};
use crate::db::Conn;
use crate::money::{Money, TaxRate};
use crate::staff::Role;

crate::row! {
    /// The rules of the counter.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub struct CounterRules {
        /// The most that a cashier takes off a bill, in basis points of it.
        pub cashier_discount_bp: TaxRate,
        /// The most that a manager takes off.
        pub manager_discount_bp: TaxRate,
        /// The most that is given back without a bill.
        pub unbilled_return_paise: Money,
        /// Bills older than so many days are not taken back without approval.
        pub return_days: i64,
        /// Rises with each change.
        pub version: i64,
    }
}

impl CounterRules {
    /// The most that a role takes off a bill.
    pub fn discount_of(&self, role: Role) -> TaxRate {
        match role {
            Role::Owner => TaxRate::basis_points(10_000),
            Role::Manager => self.manager_discount_bp,
            Role::Cashier => self.cashier_discount_bp,
            Role::StockKeeper | Role::Customer => TaxRate::ZERO,
        }
    }
}

/// Whether a discount is more than a share of what the bill would come to.
pub fn over_limit(discount: Money, gross: Money, limit: TaxRate) -> bool {
    let scaled = |amount: Money, by: i64| i128::from(amount.as_paise()) * i128::from(by);
    scaled(discount, 10_000) > scaled(gross, limit.as_basis_points())
}

/// The rules as they stand.
pub fn current(conn: &mut Conn<'_>) -> crate::db::Result<CounterRules> {
    conn.only(&queries::FIND_RULES, &[])
}

/// Changes the rules; refused when somebody else changed them since.
pub fn change(conn: &mut Conn<'_>, rules: &CounterRules, by: By<'_>) -> Result<CounterRules, TillError> {
    let before = current(conn)?;
    let params = [
        rules.cashier_discount_bp.into(),
        rules.manager_discount_bp.into(),
        rules.unbilled_return_paise.into(),
        rules.return_days.into(),
        by.now.into(),
        rules.version.into(),
    ];
    if conn.execute(&queries::UPDATE_RULES, &params)? == 0 {
        return Err(TillError::Stale);
    }
    let detail = json!({
        "cashierDiscount": [before.cashier_discount_bp, rules.cashier_discount_bp],
        "managerDiscount": [before.manager_discount_bp, rules.manager_discount_bp],
        "unbilledReturn": [before.unbilled_return_paise, rules.unbilled_return_paise],
        "returnDays": [before.return_days, rules.return_days],
    });
    audit::record(conn, by, "counter.rules", "shop", &detail)?;
    Ok(current(conn)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_is_reached_exactly_and_not_passed() {
        let five = TaxRate::basis_points(500);
        assert!(!over_limit(Money::paise(500), Money::paise(10_000), five));
        assert!(over_limit(Money::paise(501), Money::paise(10_000), five));
        assert!(over_limit(Money::paise(1), Money::ZERO, five));
        assert!(!over_limit(Money::ZERO, Money::ZERO, TaxRate::ZERO));
    }
}
