//! What stands on a bill, in the words of a language, whoever prints it.

use std::collections::BTreeMap;

use crate::db::Conn;
use crate::ids::OrderId;
use crate::money::{Money, TaxRate};
use crate::orders::actions::{self, Actor, Whole};
use crate::orders::{Method, OrderError, PaymentState, order_code};
use crate::shop::{self, Shop};
use crate::staff::Caller;
use crate::web::Problem;
use crate::web::texts::Lang;

crate::words! {
    /// The paper of a receipt printer.
    pub enum Paper {
        /// 58 mm: 48 mm of print, 32 letters.
        Narrow = "58",
        /// 80 mm: 72 mm of print, 48 letters.
        Wide = "80",
    }
}

impl Paper {
    /// The paper of a width in millimetres; 80 when nobody says.
    pub fn of_width(width: Option<i64>) -> Result<Self, Problem> {
        match width {
            None | Some(80) => Ok(Self::Wide),
            Some(58) => Ok(Self::Narrow),
            Some(_) => Err(Problem::field("width", "invalid", "The paper is 58 or 80 mm wide.")),
        }
    }

    /// How many letters of the printer's own font stand in a line.
    pub const fn letters(self) -> usize {
        match self {
            Self::Narrow => 32,
            Self::Wide => 48,
        }
    }
}

/// A bill with the shop that wrote it.
pub struct Bill {
    shop: Shop,
    whole: Whole,
}

/// A bill, ready to be drawn: every number is text.
pub struct Written {
    /// Tax invoice or bill.
    pub title: String,
    /// The shop's name.
    pub shop: String,
    /// Its address, telephone and GST number, a line each.
    pub about: Vec<String>,
    /// Number, date and customer, as label and value.
    pub facts: Vec<(String, String)>,
    /// What was sold.
    pub lines: Vec<WrittenLine>,
    /// Sums before the total, as label and value.
    pub sums: Vec<(String, String)>,
    /// What is to be paid.
    pub total: (String, String),
    /// Payments and change, as label and value.
    pub paid: Vec<(String, String)>,
    /// Tax by rate: the rate, the taxable value, central and state tax.
    pub taxes: Vec<[String; 4]>,
    /// The headings of the taxes.
    pub tax_heads: [String; 4],
    /// The last line.
    pub thanks: String,
}

/// A line of a bill.
pub struct WrittenLine {
    /// What was sold.
    pub name: String,
    /// Its HSN; empty for none or for a shop without GST.
    pub hsn: String,
    /// How much at what price: `2 x 142.00`.
    pub quantity: String,
    /// What the line costs before any discount of the bill.
    pub amount: String,
}

/// A bill that the caller may see.
pub fn load(conn: &mut Conn<'_>, caller: &Caller, id: OrderId) -> Result<Bill, Problem> {
    let actor = Actor { name: caller.actor(), user: caller.user(), only_of: None, only_in: caller.store };
    let whole = actions::load(conn, &actor, id).map_err(|error: OrderError| Problem::from(error))?;
    Ok(Bill { shop: shop::current(conn)?, whole })
}

impl Bill {
    /// The bill in a language. `given` is the cash that the customer handed over, when somebody still knows.
    pub fn written(&self, lang: Lang, given: Option<Money>) -> Written {
        let t = |key: &str| lang.text(key).to_owned();
        let Self { shop, whole } = self;
        let (order, registered) = (&whole.order, !shop.gstin.is_empty());
        let mut about: Vec<String> = Vec::new();
        let town = [shop.city.as_str(), shop.pincode.as_str()].join(" ");
        about.extend([shop.address.trim(), town.trim()].into_iter().filter(|text| !text.is_empty()).map(str::to_owned));
        for (label, value) in [("receipt.phone", &shop.phone), ("receipt.gstin", &shop.gstin)] {
            if !value.is_empty() {
                about.push(format!("{} {value}", t(label)));
            }
        }
        let number = whole.invoice_number.clone().unwrap_or_else(|| order_code(order.id));
        let at = order.placed_at.jiff().to_zoned(shop.zone());
        let mut facts =
            vec![(t("receipt.number"), number), (t("receipt.date"), at.strftime("%d-%m-%Y %H:%M").to_string())];
        if let Some(name) = &order.customer_name {
            facts.push((t("receipt.customer"), name.clone()));
        }
        let lines = whole.lines.iter().map(|line| {
            let gross = line.unit_price_paise.times(line.quantity_milli).unwrap_or_default();
            let unit = if line.unit == "pcs" { String::new() } else { format!(" {}", line.unit) };
            WrittenLine {
                name: line.name.clone(),
                hsn: if registered { line.hsn.clone() } else { String::new() },
                quantity: format!("{}{unit} × {}", line.quantity_milli, amount(line.unit_price_paise)),
                amount: amount(gross),
            }
        });
        let mut sums = Vec::new();
        let untaxed: Money =
            whole.lines.iter().filter(|line| !line.price_includes_tax).map(|line| line.total_paise).sum();
        let before = whole.lines.iter().filter(|line| !line.price_includes_tax).map(|line| line.taxable_paise).sum();
        let added = untaxed - before;
        if !order.discount_paise.is_zero() || !order.rounding_paise.is_zero() || !added.is_zero() {
            sums.push((t("receipt.subtotal"), amount(order.gross_paise)));
        }
        if !order.discount_paise.is_zero() {
            sums.push((t("receipt.discount"), amount(Money::ZERO - order.discount_paise)));
        }
        if !added.is_zero() {
            sums.push((t("receipt.tax"), amount(added)));
        }
        if !order.rounding_paise.is_zero() {
            sums.push((t("receipt.rounding"), amount(order.rounding_paise)));
        }
        Written {
            title: if registered { t("receipt.invoice") } else { t("receipt.bill") },
            shop: if shop.legal_name.is_empty() { shop.name.clone() } else { shop.legal_name.clone() },
            about,
            facts,
            lines: lines.collect(),
            sums,
            total: (t("receipt.total"), amount(order.total_paise)),
            paid: self.paid(lang, given),
            taxes: if registered { self.taxes() } else { Vec::new() },
            tax_heads: [t("receipt.rate"), t("receipt.taxable"), t("receipt.cgst"), t("receipt.sgst")],
            thanks: t("receipt.thanks"),
        }
    }

    fn paid(&self, lang: Lang, given: Option<Money>) -> Vec<(String, String)> {
        let mut rows = Vec::new();
        let live = self.whole.payments.iter().filter(|payment| payment.state != PaymentState::Failed);
        for payment in live.clone() {
            let label = lang.text(method_key(payment.method));
            let reference = payment.reference.as_str();
            let label = if reference.is_empty() { label.to_owned() } else { format!("{label} {reference}") };
            rows.push((label, amount(payment.amount_paise)));
        }
        let cash: Money = live.filter(|payment| payment.method == Method::Cash).map(|one| one.amount_paise).sum();
        if let Some(given) = given.filter(|given| *given > cash && !cash.is_zero()) {
            rows.push((lang.text("receipt.given").to_owned(), amount(given)));
            rows.push((lang.text("receipt.change").to_owned(), amount(given - cash)));
        }
        rows
    }

    /// The frozen amounts of the lines, added up by rate.
    fn taxes(&self) -> Vec<[String; 4]> {
        let mut rates: BTreeMap<i64, [Money; 3]> = BTreeMap::new();
        for line in &self.whole.lines {
            let sums = rates.entry(line.tax_rate_bp.as_basis_points()).or_default();
            sums[0] = sums[0] + line.taxable_paise;
            sums[1] = sums[1] + line.cgst_paise;
            sums[2] = sums[2] + line.sgst_paise;
        }
        let rows = rates.into_iter().filter(|(rate, _)| *rate > 0);
        rows.map(|(rate, sums)| {
            let [taxable, cgst, sgst] = sums.map(amount);
            [format!("{}%", TaxRate::basis_points(rate)), taxable, cgst, sgst]
        })
        .collect()
    }
}

/// The key of a payment's name.
pub fn method_key(method: Method) -> &'static str {
    match method {
        Method::Cash => "pos.cash",
        Method::Card => "pos.card",
        Method::Upi => "pos.upi",
        Method::Credit => "pos.khata",
        Method::StoreCredit => "pos.store_credit",
    }
}

/// Two decimals, as a column of a bill has them.
fn amount(money: Money) -> String {
    let paise = money.as_paise();
    let sign = if paise < 0 { "-" } else { "" };
    format!("{sign}{}.{:02}", paise.unsigned_abs() / 100, paise.unsigned_abs() % 100)
}
