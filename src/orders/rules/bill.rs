//! What an order costs: discount spread over the lines, tax for each line, the sum.
//!
//! Tax follows CGST Rule 35: from an amount with tax in it, tax = amount x rate / (100 + rate), each
//! half rounded half up on its own; the taxable value is what remains, so a line always adds up.

use crate::ids::ProductId;
use crate::money::{Money, Quantity, TaxRate, divide_half_up};
use crate::orders::model::{Item, OPEN_ITEM, OrderError};

/// The most lines that one order has.
pub const MOST_LINES: usize = 1_000;

/// What is known of a product when it is sold.
#[derive(Debug, Clone)]
pub struct Offer {
    /// The product.
    pub product: ProductId,
    /// What it is called.
    pub name: String,
    /// Its HSN.
    pub hsn: String,
    /// Its unit.
    pub unit: String,
    /// What one unit costs the customer.
    pub price: Money,
    /// That price has tax in it.
    pub includes_tax: bool,
    /// The tax rate.
    pub tax_rate: TaxRate,
    /// What one unit cost the shop.
    pub cost: Option<Money>,
}

impl Offer {
    /// Something that is in no catalogue, sold in whole pieces at a price with all tax in it.
    pub fn open(name: String, price: Money) -> Self {
        Self {
            product: OPEN_ITEM,
            name,
            hsn: String::new(),
            unit: "pcs".to_owned(),
            price,
            includes_tax: true,
            tax_rate: TaxRate::ZERO,
            cost: None,
        }
    }
}

/// A line with its amounts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BillLine {
    /// Quantity times price.
    pub gross: Money,
    /// Its share of the discount.
    pub discount: Money,
    /// What tax is computed on.
    pub taxable: Money,
    /// Central tax.
    pub cgst: Money,
    /// State tax.
    pub sgst: Money,
    /// Tax between states.
    pub igst: Money,
    /// What the customer pays for it.
    pub total: Money,
}

/// An order with its amounts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bill {
    /// The lines, in order.
    pub lines: Vec<BillLine>,
    /// Sum of the lines' gross amounts.
    pub gross: Money,
    /// What is taken off.
    pub discount: Money,
    /// What rounds the bill to the rupee.
    pub rounding: Money,
    /// What is to be paid.
    pub total: Money,
}

/// Computes a bill. `offers` stand beside `items`.
pub fn bill(items: &[Item], offers: &[&Offer], discount: Money, to_rupee: bool) -> Result<Bill, OrderError> {
    assert_eq!(items.len(), offers.len(), "an offer for each item");
    let mut grosses = Vec::with_capacity(items.len());
    for (line, (item, offer)) in items.iter().zip(offers).enumerate() {
        check_quantity(line, item.quantity, &offer.unit)?;
        let gross = offer.price.times(item.quantity).ok_or(OrderError::TooLarge)?;
        if item.discount.is_negative() || item.discount > gross {
            return Err(OrderError::BadDiscount(gross));
        }
        grosses.push(gross);
    }
    let gross = checked_sum(grosses.iter().copied())?;
    let own = checked_sum(items.iter().map(|item| item.discount))?;
    if discount.is_negative() || discount > gross - own {
        return Err(OrderError::BadDiscount(gross));
    }
    let shares = if own.is_zero() {
        spread(discount, &grosses)
    } else {
        // What is taken off the bill is spread over what the lines' own discounts leave.
        let left: Vec<Money> = grosses.iter().zip(items).map(|(gross, item)| *gross - item.discount).collect();
        let shares = spread(discount, &left);
        shares.into_iter().zip(items).map(|(share, item)| share + item.discount).collect()
    };
    let lines = offers
        .iter()
        .zip(grosses.iter().zip(&shares))
        .map(|(offer, (gross, share))| tax(*gross, *share, offer.tax_rate, offer.includes_tax, false))
        .collect::<Result<Vec<_>, _>>()?;
    let sum = checked_sum(lines.iter().map(|line| line.total))?;
    let rounding = if to_rupee { to_whole_rupee(sum) - sum } else { Money::ZERO };
    Ok(Bill { lines, gross, discount: discount + own, rounding, total: sum + rounding })
}

fn check_quantity(line: usize, quantity: Quantity, unit: &str) -> Result<(), OrderError> {
    if quantity <= Quantity::ZERO {
        return Err(OrderError::BadQuantity { line, reason: "The quantity must be more than nothing." });
    }
    if unit == "pcs" && !quantity.is_whole() {
        return Err(OrderError::BadQuantity { line, reason: "This is sold in whole pieces." });
    }
    Ok(())
}

/// The amounts of one line. `between_states` puts the whole tax into IGST.
pub fn tax(
    gross: Money,
    discount: Money,
    rate: TaxRate,
    includes_tax: bool,
    between_states: bool,
) -> Result<BillLine, OrderError> {
    let amount = gross - discount;
    let rate_bp = i128::from(rate.as_basis_points());
    // In halves of a basis point, so that half of an odd rate stays whole.
    let base = if includes_tax { 2 * (10_000 + rate_bp) } else { 20_000 };
    let part = |halves: i128| {
        let exact = i128::from(amount.as_paise()) * rate_bp * halves;
        i64::try_from(divide_half_up(exact, base)).map(Money::paise).map_err(|_| OrderError::TooLarge)
    };
    let (cgst, sgst, igst) = if between_states {
        (Money::ZERO, Money::ZERO, part(2)?)
    } else {
        let half = part(1)?;
        (half, half, Money::ZERO)
    };
    let taxes = cgst + sgst + igst;
    let (taxable, total) = if includes_tax {
        (amount - taxes, amount)
    } else {
        (amount, amount.checked_add(taxes).ok_or(OrderError::TooLarge)?)
    };
    Ok(BillLine { gross, discount, taxable, cgst, sgst, igst, total })
}

/// Spreads an amount over weights by largest remainder: the shares are whole and add up exactly.
pub fn spread(amount: Money, weights: &[Money]) -> Vec<Money> {
    let whole: i128 = weights.iter().map(|weight| i128::from(weight.as_paise())).sum();
    if amount.is_zero() || whole == 0 {
        return vec![Money::ZERO; weights.len()];
    }
    let exact = |weight: &Money| i128::from(amount.as_paise()) * i128::from(weight.as_paise());
    let mut shares: Vec<i64> =
        weights.iter().map(|weight| i64::try_from(exact(weight) / whole).unwrap_or(i64::MAX)).collect();
    let left = amount.as_paise() - shares.iter().sum::<i64>();
    let mut order: Vec<usize> = (0..weights.len()).collect();
    order.sort_by_key(|index| (-(exact(&weights[*index]) % whole), *index));
    for index in order.into_iter().take(usize::try_from(left).unwrap_or_default()) {
        shares[index] += 1;
    }
    shares.into_iter().map(Money::paise).collect()
}

fn checked_sum(amounts: impl Iterator<Item = Money>) -> Result<Money, OrderError> {
    let mut total = Money::ZERO;
    for amount in amounts {
        total = total.checked_add(amount).ok_or(OrderError::TooLarge)?;
    }
    Ok(total)
}

fn to_whole_rupee(amount: Money) -> Money {
    let rupees = divide_half_up(i128::from(amount.as_paise()), 100);
    Money::paise(i64::try_from(rupees * 100).unwrap_or(amount.as_paise()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn offer(price: i64, rate_bp: i64, includes_tax: bool, unit: &str) -> Offer {
        Offer {
            product: ProductId::new(1),
            name: "Tea".to_owned(),
            hsn: String::new(),
            unit: unit.to_owned(),
            price: Money::paise(price),
            includes_tax,
            tax_rate: TaxRate::basis_points(rate_bp),
            cost: None,
        }
    }

    fn item(milli: i64) -> Item {
        Item::of(ProductId::new(1), Quantity::milli(milli))
    }

    #[test]
    fn tax_out_of_an_inclusive_price_follows_rule_35() {
        for (gross, rate_bp, half, taxable) in [(2_490_000, 2800, 272_344, 1_945_312), (9_900, 1800, 755, 8_390)] {
            let line = tax(Money::paise(gross), Money::ZERO, TaxRate::basis_points(rate_bp), true, false).unwrap();
            assert_eq!((line.cgst, line.sgst), (Money::paise(half), Money::paise(half)));
            assert_eq!((line.taxable, line.total), (Money::paise(taxable), Money::paise(gross)));
        }
    }

    #[test]
    fn tax_on_an_exclusive_price_is_added_and_goes_to_igst_between_states() {
        let inside = tax(Money::paise(10_000), Money::ZERO, TaxRate::basis_points(500), false, false).unwrap();
        assert_eq!((inside.cgst, inside.igst, inside.total), (Money::paise(250), Money::ZERO, Money::paise(10_500)));
        let between = tax(Money::paise(10_000), Money::ZERO, TaxRate::basis_points(500), false, true).unwrap();
        assert_eq!((between.cgst, between.igst, between.total), (Money::ZERO, Money::paise(500), Money::paise(10_500)));
    }

    #[test]
    fn a_discount_is_spread_to_the_paisa() {
        let shares = spread(Money::paise(100), &[Money::paise(1), Money::paise(1), Money::paise(1)]);
        assert_eq!(shares, [Money::paise(34), Money::paise(33), Money::paise(33)]);
        assert_eq!(spread(Money::ZERO, &[Money::paise(5)]), [Money::ZERO]);
    }

    #[test]
    fn quantities_and_discounts_that_make_no_sense_are_refused() {
        let tea = offer(450, 500, true, "pcs");
        let refused = |milli, discount| bill(&[item(milli)], &[&tea], Money::paise(discount), false).unwrap_err();
        assert!(matches!(refused(0, 0), OrderError::BadQuantity { .. }));
        assert!(matches!(refused(-1000, 0), OrderError::BadQuantity { .. }));
        assert!(matches!(refused(1500, 0), OrderError::BadQuantity { .. }));
        assert!(matches!(refused(1000, 451), OrderError::BadDiscount(_)));
        assert!(matches!(refused(1000, -1), OrderError::BadDiscount(_)));
        let gold = offer(9_007_199_254_740_991, 500, true, "kg");
        let huge = [item(9_007_199_254_740_000)];
        assert!(matches!(bill(&huge, &[&gold], Money::ZERO, false), Err(OrderError::TooLarge)));
    }

    #[test]
    fn a_line_has_a_discount_of_its_own_beside_its_share_of_the_bills() {
        let tea = offer(10_000, 0, true, "pcs");
        let items = [Item { discount: Money::paise(5_000), ..item(1000) }, item(1000)];
        let bill = bill(&items, &[&tea, &tea], Money::paise(300), false).unwrap();
        let discounts: Vec<i64> = bill.lines.iter().map(|line| line.discount.as_paise()).collect();
        assert_eq!(
            (discounts, bill.discount, bill.total),
            (vec![5_100, 200], Money::paise(5_300), Money::paise(14_700))
        );
        let refused = super::bill(&items, &[&tea, &tea], Money::paise(15_001), false);
        assert!(matches!(refused, Err(OrderError::BadDiscount(_))));
    }

    #[test]
    fn the_bill_is_rounded_on_a_line_of_its_own() {
        let tea = offer(1_050, 0, true, "pcs");
        let bill = bill(&[item(1000)], &[&tea], Money::ZERO, true).unwrap();
        assert_eq!((bill.rounding, bill.total), (Money::paise(50), Money::paise(1_100)));
    }

    proptest! {
        #[test]
        fn every_bill_adds_up_to_the_paisa(
            lines in prop::collection::vec((1_i64..1_000_000, 1_i64..50_000, 0_i64..4_001, any::<bool>()), 1..12),
            discount_share in 0_i64..101,
            to_rupee in any::<bool>(),
        ) {
            let offers: Vec<Offer> = lines.iter().map(|(price, _, rate, inclusive)| offer(*price, *rate, *inclusive, "kg")).collect();
            let items: Vec<Item> = lines.iter().map(|(_, milli, ..)| item(*milli)).collect();
            let offers: Vec<&Offer> = offers.iter().collect();
            let gross = bill(&items, &offers, Money::ZERO, false).unwrap().gross;
            let discount = Money::paise(gross.as_paise() * discount_share / 100);
            let bill = bill(&items, &offers, discount, to_rupee).unwrap();
            prop_assert_eq!(bill.lines.iter().map(|line| line.discount).sum::<Money>(), discount);
            for line in &bill.lines {
                prop_assert_eq!(line.taxable + line.cgst + line.sgst + line.igst, line.total);
                prop_assert_eq!(line.cgst, line.sgst);
                prop_assert!(!line.total.is_negative() && !line.taxable.is_negative());
            }
            prop_assert_eq!(bill.lines.iter().map(|line| line.total).sum::<Money>() + bill.rounding, bill.total);
            prop_assert!(bill.rounding.as_paise().abs() <= 50);
        }
    }
}
