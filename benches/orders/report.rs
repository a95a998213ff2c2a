//! Figures and the bars that they are held against.

use serde_json::{Value, json};

/// What was measured.
#[derive(Default)]
pub struct Report {
    rows: Vec<Value>,
}

impl Report {
    /// A figure by itself.
    pub fn figure(&mut self, name: &str, value: f64, unit: &str) {
        println!("  {name}: {value:.1} {unit}");
        self.rows.push(json!({ "name": name, "value": value, "unit": unit }));
    }

    /// A ratio against its bar: at least so much.
    pub fn ratio(&mut self, name: &str, ours: f64, theirs: f64, bar: f64) {
        let ratio = ours / theirs;
        let verdict = if ratio >= bar { "holds" } else { "MISSED" };
        println!("  {name}: {ours:.0} / {theirs:.0} = {ratio:.2} (bar {bar}: {verdict})");
        self.rows.push(
            json!({ "name": name, "ours": ours, "theirs": theirs, "ratio": ratio, "bar": bar, "holds": ratio >= bar }),
        );
    }

    /// A figure against its bar: at most so much.
    pub fn at_most(&mut self, name: &str, value: f64, unit: &str, bar: f64) {
        let verdict = if value <= bar { "holds" } else { "MISSED" };
        println!("  {name}: {value:.2} {unit} (bar {bar}: {verdict})");
        self.rows.push(json!({ "name": name, "value": value, "unit": unit, "bar": bar, "holds": value <= bar }));
    }

    /// The sum of it.
    pub fn print(&self) {
        let missed: Vec<&str> =
            self.rows.iter().filter(|row| row["holds"] == false).filter_map(|row| row["name"].as_str()).collect();
        if missed.is_empty() {
            println!("every bar holds");
        } else {
            println!("missed: {}", missed.join("; "));
        }
    }

    /// The figures as JSON.
    pub fn json(&self) -> String {
        serde_json::to_string_pretty(&self.rows).unwrap_or_default()
    }
}

/// The value in the middle.
pub fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// The value below which such a share of them lies.
pub fn percentile(values: &mut [f64], share: f64) -> f64 {
    values.sort_by(f64::total_cmp);
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "a place in a list"
    )]
    let place = ((values.len() as f64 - 1.0) * share).round() as usize;
    values[place]
}
