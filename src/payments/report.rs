//! What happened in a shift: the X report while it is open, the Z report once it is closed.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::model::{Method, MoveKind, Shift, ShiftStatus};
use super::queries;
use crate::clock::Timestamp;
use crate::db::{Conn, Result};
use crate::ids::OrderId;
use crate::money::{Money, TaxRate};

/// The report of a shift.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// How many bills.
    pub bills: i64,
    /// The first bill's number.
    pub first_bill: Option<String>,
    /// The last bill's number.
    pub last_bill: Option<String>,
    /// Sales before any discount.
    pub gross: Money,
    /// What was taken off.
    pub discount: Money,
    /// What rounded the bills.
    pub rounding: Money,
    /// What the bills come to.
    pub sales: Money,
    /// Returns.
    pub return_count: i64,
    /// What they come to.
    pub returns: Money,
    /// Bills that were taken back as a whole.
    pub void_count: i64,
    /// What they come to.
    pub voids: Money,
    /// Sales less returns and voids.
    pub net: Money,
    /// By how it was paid.
    pub tenders: Vec<Tender>,
    /// By the rate of tax, returns taken off.
    pub taxes: Vec<Tax>,
    /// UPI payments without a reference.
    pub upi_to_verify: Money,
    /// Cash that was put in.
    pub cash_in: Money,
    /// Cash that was taken out.
    pub cash_out: Money,
    /// What moved besides sales, in order.
    pub moves: Vec<Move>,
    /// The drawer.
    pub cash: Drawer,
}

/// What came and went by one way of paying; hidden sums are null.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Tender {
    /// How.
    pub method: Method,
    /// For sales of the shift.
    pub sales: Option<Money>,
    /// For orders that were placed elsewhere.
    pub payments: Option<Money>,
    /// Given back.
    pub refunds: Option<Money>,
    /// All together.
    pub net: Option<Money>,
}

/// What was sold at one rate of tax.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Tax {
    /// The rate.
    pub rate: TaxRate,
    /// What it is computed on.
    pub taxable: Money,
    /// Central tax.
    pub cgst: Money,
    /// State tax.
    pub sgst: Money,
    /// Tax between states.
    pub igst: Money,
    /// All of it.
    pub total: Money,
}

/// A move of money besides sales.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Move {
    /// What it was.
    pub kind: MoveKind,
    /// How.
    pub method: Method,
    /// How much.
    pub amount: Money,
    /// Why.
    pub reason: String,
    /// For which order.
    pub order_id: Option<OrderId>,
    /// By whom.
    pub actor: String,
    /// When.
    pub at: Timestamp,
}

/// What a drawer holds and should hold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Drawer {
    /// What it should hold; null while it is to be counted blind.
    pub expected: Option<Money>,
    /// What was counted.
    pub counted: Option<Money>,
    /// Over, or below zero short.
    pub difference: Option<Money>,
    /// How many of each note and coin were counted.
    pub notes: BTreeMap<String, i64>,
}

impl Report {
    /// The same without what the drawer should hold, for who will count it.
    #[must_use]
    pub fn blind(mut self) -> Self {
        self.cash.expected = None;
        for tender in self.tenders.iter_mut().filter(|tender| tender.method == Method::Cash) {
            *tender = Tender { method: Method::Cash, sales: None, payments: None, refunds: None, net: None };
        }
        self
    }
}

/// Sums a shift up from the orders and moves; `bill` writes a bill's number from year and number.
pub(super) fn sum_up(conn: &mut Conn<'_>, shift: &Shift, bill: impl Fn(i64, i64) -> String) -> Result<Report> {
    let stretch = [shift.store_id.into(), shift.after_order_id.into(), shift.id.into()];
    let sales = conn.only(&queries::SALES, &stretch)?;
    let returned = conn.only(&queries::RETURNED, &[shift.store_id.into(), shift.id.into()])?;
    let moves = conn.all(&queries::MOVES, &[shift.id.into()])?;

    let mut upi_to_verify = Money::ZERO;
    let mut ways: BTreeMap<Method, [Money; 3]> = BTreeMap::from([(Method::Cash, [Money::ZERO; 3])]);
    for (method, amount, open) in conn.all(&queries::TENDERS, &stretch)? {
        ways.entry(method).or_default()[0] = amount;
        upi_to_verify = upi_to_verify + open;
    }
    let (mut cash_in, mut cash_out) = (Money::ZERO, Money::ZERO);
    for one in &moves {
        let way = ways.entry(one.method).or_default();
        match one.kind {
            MoveKind::In => cash_in = cash_in + one.amount_paise,
            MoveKind::Out => cash_out = cash_out + one.amount_paise,
            MoveKind::Payment => way[1] = way[1] + one.amount_paise,
            MoveKind::Refund => way[2] = way[2] + one.amount_paise,
        }
    }
    let net_of = |[sales, payments, refunds]: [Money; 3]| sales + payments - refunds;
    let cash = ways.get(&Method::Cash).copied().unwrap_or_default();
    let expected = shift.float_paise + net_of(cash) + cash_in - cash_out;
    let tenders = ways.into_iter().map(|(method, way)| Tender {
        method,
        sales: Some(way[0]),
        payments: Some(way[1]),
        refunds: Some(way[2]),
        net: Some(net_of(way)),
    });
    let taxes = conn.all(&queries::TAXES, &stretch)?.into_iter().map(|row| Tax {
        rate: row.tax_rate_bp,
        taxable: row.taxable_paise,
        cgst: row.cgst_paise,
        sgst: row.sgst_paise,
        igst: row.igst_paise,
        total: row.total_paise,
    });
    let number = |both: i64| bill(both / YEAR, both % YEAR);
    Ok(Report {
        bills: sales.bills,
        first_bill: sales.first_bill.map(number),
        last_bill: sales.last_bill.map(number),
        gross: sales.gross_paise,
        discount: sales.discount_paise,
        rounding: sales.rounding_paise,
        sales: sales.total_paise,
        return_count: returned.returns,
        returns: returned.returns_paise,
        void_count: returned.voids,
        voids: returned.voids_paise,
        net: sales.total_paise - returned.returns_paise - returned.voids_paise,
        tenders: tenders.collect(),
        taxes: taxes.collect(),
        upi_to_verify,
        cash_in,
        cash_out,
        moves: moves
            .into_iter()
            .map(|row| Move {
                kind: row.kind,
                method: row.method,
                amount: row.amount_paise,
                reason: row.reason,
                order_id: row.order_id,
                actor: row.actor,
                at: row.at,
            })
            .collect(),
        cash: drawer(shift, expected),
    })
}

/// By what the financial year is shifted when it stands in one number with the bill's.
const YEAR: i64 = 1_000_000_000;

fn drawer(shift: &Shift, expected: Money) -> Drawer {
    let counted = shift.counted_paise.filter(|_| shift.status != ShiftStatus::Open);
    Drawer {
        expected: Some(expected),
        counted,
        difference: counted.map(|counted| counted - expected),
        notes: serde_json::from_str(&shift.notes).unwrap_or_default(),
    }
}
