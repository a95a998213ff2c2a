//! What the stock is worth: price times quantity, by product, with a picture of it.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;

use super::queries;
use super::rules::heights;
use crate::db::{Conn, Error, Result};
use crate::ids::StoreId;
use crate::money::{Money, Quantity};

/// How many products have a bar of their own; the rest share one.
const BARS: usize = 40;

/// What the stock of a product is worth. Products of one name are taken together.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ProductValue {
    /// What it is called.
    pub product: String,
    /// How much of it there is.
    pub quantity: Quantity,
    /// Price times quantity.
    pub total_value: Money,
}

/// What is on sale, by name, each with what its stock is worth.
pub fn value(conn: &mut Conn<'_>, store: Option<StoreId>) -> Result<Vec<ProductValue>> {
    let too_large = || Error::Engine("a value is too large".to_owned());
    let mut by_name: BTreeMap<String, (Quantity, Money)> = BTreeMap::new();
    for (name, price, quantity) in queries::inventory(conn, store)? {
        let value = price.times(quantity).ok_or_else(too_large)?;
        let sum = by_name.entry(name).or_default();
        sum.0 = sum.0.checked_add(quantity).ok_or_else(too_large)?;
        sum.1 = sum.1.checked_add(value).ok_or_else(too_large)?;
    }
    let rows = by_name.into_iter();
    Ok(rows.map(|(product, (quantity, total_value))| ProductValue { product, quantity, total_value }).collect())
}

/// The sum of all values; none when it does not fit.
pub fn total(values: &[ProductValue]) -> Option<Money> {
    values.iter().try_fold(Money::ZERO, |sum, one| sum.checked_add(one.total_value))
}

/// A bar chart as SVG. Beyond forty products the least valuable ones share a bar.
pub fn chart(values: &[ProductValue]) -> String {
    const BAR: usize = 22;
    const STEP: usize = 32;
    const BARS_HEIGHT: usize = 300;
    const LEFT: usize = 110;
    const TOP: usize = 60;
    const FLOOR: usize = TOP + BARS_HEIGHT;
    let bars = bars(values);
    let amounts: Vec<Money> = bars.iter().map(|(_, amount)| *amount).collect();
    let highest = amounts.iter().copied().max().unwrap_or_default();
    let (width, height) = (LEFT + bars.len() * STEP + 60, FLOOR + 190);
    let (middle, centre, right, edge) = (usize::midpoint(LEFT, width), TOP + BARS_HEIGHT / 2, width - 20, LEFT - 6);
    let mut svg = format!(
        r##"<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}" font-family="sans-serif" font-size="12" fill="#222">
<title>Inventory Value by Product</title>
<rect width="100%" height="100%" fill="#fff"/>
<text x="{LEFT}" y="30" font-size="18">Inventory Value by Product</text>
<text transform="translate(20 {centre}) rotate(-90)" text-anchor="middle">Total Value</text>
<text x="{middle}" y="{}" text-anchor="middle">Product</text>
<path d="M{LEFT} {TOP}V{FLOOR}H{right}" fill="none" stroke="#222"/>
<text x="{edge}" y="{}" text-anchor="end">{highest}</text>
<text x="{edge}" y="{FLOOR}" text-anchor="end">0</text>
"##,
        height - 10,
        TOP + 4,
    );
    for (place, ((name, amount), percent)) in bars.iter().zip(heights(&amounts)).enumerate() {
        let height = BARS_HEIGHT * usize::try_from(percent).unwrap_or_default() / 100;
        let (x, y) = (LEFT + 10 + place * STEP, FLOOR - height);
        let (middle, below, name) = (x + BAR / 2, FLOOR + 14, escape(name));
        svg.push_str(&format!(
            r##"<rect x="{x}" y="{y}" width="{BAR}" height="{height}" fill="#2b6cb0"><title>{name}: {amount}</title></rect>
<text transform="translate({middle} {below}) rotate(60)">{name}</text>
"##
        ));
    }
    svg.push_str("</svg>\n");
    svg
}

/// The products that have a bar, the most valuable first.
fn bars(values: &[ProductValue]) -> Vec<(String, Money)> {
    let mut sorted: Vec<&ProductValue> = values.iter().collect();
    sorted.sort_by_key(|one| (std::cmp::Reverse(one.total_value), &one.product));
    let own = if sorted.len() > BARS { BARS - 1 } else { BARS };
    let mut bars: Vec<(String, Money)> =
        sorted.iter().take(own).map(|one| (shorten(&one.product), one.total_value)).collect();
    let rest: Vec<ProductValue> = sorted.iter().skip(own).map(|one| (*one).clone()).collect();
    if !rest.is_empty() {
        bars.push((format!("{} others", rest.len()), total(&rest).unwrap_or_default()));
    }
    bars
}

fn shorten(name: &str) -> String {
    const MOST: usize = 24;
    if name.chars().count() <= MOST {
        return name.to_owned();
    }
    name.chars().take(MOST - 1).chain(['…']).collect()
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn worth(product: &str, rupees: i64) -> ProductValue {
        let total_value = Money::paise(rupees * 100);
        ProductValue { product: product.to_owned(), quantity: Quantity::whole(1), total_value }
    }

    #[test]
    fn the_most_valuable_come_first_and_the_least_share_a_bar() {
        let many: Vec<ProductValue> = (1..=50).map(|number| worth(&format!("P{number}"), number)).collect();
        let bars = bars(&many);
        assert_eq!((bars.len(), bars[0].0.as_str(), bars[0].1), (40, "P50", Money::paise(5_000)));
        assert_eq!(bars[39], ("11 others".to_owned(), Money::paise(6_600)));
    }

    #[test]
    fn a_name_is_text_in_the_picture_and_nothing_else() {
        let svg = chart(&[worth("<script>\"&", 5), worth("Tea", 10)]);
        assert!(svg.contains("&lt;script&gt;&quot;&amp;: 5.00") && !svg.contains("<script"), "{svg}");
        assert!(svg.contains("height=\"300\"") && svg.contains("height=\"150\""), "{svg}");
    }
}
