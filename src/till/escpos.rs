//! A bill in the language of receipt printers: the few ESC/POS commands that all of them know.
//!
//! Most of these printers have no Devanagari and no rupee sign, so the text is English and ASCII: other letters are
//! printed as question marks, and amounts go without a sign.

use super::receipt::{Paper, Written};

const INITIALISE: &[u8] = b"\x1b@";
const LEFT: &[u8] = b"\x1ba\x00";
const CENTRE: &[u8] = b"\x1ba\x01";
const BOLD: &[u8] = b"\x1bE\x01";
const PLAIN: &[u8] = b"\x1bE\x00";
/// Letters of twice the height.
const TALL: &[u8] = b"\x1d!\x01";
const USUAL: &[u8] = b"\x1d!\x00";
/// Feeds the paper to the knife and cuts it but for a corner.
const CUT: &[u8] = b"\x1dV\x42\x03";

/// The bytes of a bill.
pub fn encode(bill: &Written, paper: Paper) -> Vec<u8> {
    let width = paper.letters();
    let mut out = Vec::with_capacity(2048);
    out.extend([INITIALISE, CENTRE, BOLD, TALL].concat());
    wrapped(&mut out, &bill.shop, width);
    out.extend([USUAL, PLAIN].concat());
    for line in &bill.about {
        wrapped(&mut out, line, width);
    }
    out.extend(BOLD);
    wrapped(&mut out, &bill.title, width);
    out.extend([PLAIN, LEFT].concat());
    for (label, value) in &bill.facts {
        pair(&mut out, label, value, width);
    }
    rule(&mut out, width);
    for line in &bill.lines {
        wrapped(&mut out, &line.name, width);
        let hsn = if line.hsn.is_empty() { String::new() } else { format!("  HSN {}", line.hsn) };
        pair(&mut out, &format!("  {}{hsn}", line.quantity), &line.amount, width);
    }
    rule(&mut out, width);
    for (label, value) in &bill.sums {
        pair(&mut out, label, value, width);
    }
    out.extend([BOLD, TALL].concat());
    pair(&mut out, &bill.total.0, &bill.total.1, width);
    out.extend([USUAL, PLAIN].concat());
    for (label, value) in &bill.paid {
        pair(&mut out, label, value, width);
    }
    if !bill.taxes.is_empty() {
        rule(&mut out, width);
        for row in std::iter::once(&bill.tax_heads).chain(&bill.taxes) {
            columns(&mut out, row, width);
        }
    }
    rule(&mut out, width);
    out.extend(CENTRE);
    wrapped(&mut out, &bill.thanks, width);
    out.extend(CUT);
    out
}

/// What a printer without code pages can print.
fn plain(text: &str) -> String {
    let known = |letter: char| match letter {
        '×' => 'x',
        '–' | '—' => '-',
        '’' | '‘' => '\'',
        ' '..='~' => letter,
        _ => '?',
    };
    text.chars().map(known).collect()
}

fn put(out: &mut Vec<u8>, text: &str) {
    out.extend(text.as_bytes());
    out.push(b'\n');
}

fn rule(out: &mut Vec<u8>, width: usize) {
    put(out, &"-".repeat(width));
}

/// A text in lines that break between words; a word that is longer than a line is cut.
fn wrapped(out: &mut Vec<u8>, text: &str, width: usize) {
    let mut line = String::new();
    for word in plain(text).split_whitespace() {
        let mut word = word;
        if !line.is_empty() && line.len() + 1 + word.len() > width {
            put(out, &line);
            line.clear();
        }
        while word.len() > width {
            put(out, &word[..width]);
            word = &word[width..];
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    if !line.is_empty() {
        put(out, &line);
    }
}

/// A label at the left edge and a value at the right; the value is never cut.
fn pair(out: &mut Vec<u8>, label: &str, value: &str, width: usize) {
    let (label, value) = (plain(label), plain(value));
    let room = width.saturating_sub(value.len() + 1);
    let label: String = label.chars().take(room).collect();
    put(out, &format!("{label}{value:>rest$}", rest = width.saturating_sub(label.len())));
}

fn columns(out: &mut Vec<u8>, row: &[String; 4], width: usize) {
    let each = width / 4;
    let [first, rest @ ..] = row;
    let rest = rest.iter().fold(String::new(), |line, text| format!("{line}{:>each$}", plain(text)));
    put(out, &format!("{:<each$}{rest}", plain(first)));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::till::receipt::WrittenLine;

    fn bill() -> Written {
        let two = |label: &str, value: &str| (label.to_owned(), value.to_owned());
        Written {
            title: "Bill".to_owned(),
            shop: "Asha Stores".to_owned(),
            about: vec!["14 Market Road".to_owned()],
            facts: vec![two("Bill no.", "K1-2627-000124")],
            lines: vec![WrittenLine {
                name: "Toor dal 1 kg, unpolished, of the new harvest".to_owned(),
                hsn: String::new(),
                quantity: "2 × 142.00".to_owned(),
                amount: "284.00".to_owned(),
            }],
            sums: Vec::new(),
            total: two("Total", "284.00"),
            paid: vec![two("Cash", "284.00")],
            taxes: Vec::new(),
            tax_heads: ["Rate", "Taxable", "CGST", "SGST"].map(str::to_owned),
            thanks: "धन्यवाद".to_owned(),
        }
    }

    #[test]
    fn no_line_is_longer_than_the_paper_and_amounts_stand_at_the_right_edge() {
        for paper in [Paper::Narrow, Paper::Wide] {
            let bytes = encode(&bill(), paper);
            assert!(bytes.starts_with(INITIALISE) && bytes.ends_with(CUT));
            let text = String::from_utf8(bytes).unwrap();
            let amounts = text.lines().filter(|line| line.ends_with("284.00"));
            assert_eq!(amounts.count(), 3);
            for line in text.lines() {
                let letters = line.replace(['\u{1b}', '\u{1d}'], "").len();
                assert!(letters <= paper.letters() + 10, "{line:?}");
            }
            assert!(text.contains("  2 x 142.00"), "a printer knows no multiplication sign: {text}");
            assert!(text.contains("???"), "and no Devanagari");
        }
    }
}
