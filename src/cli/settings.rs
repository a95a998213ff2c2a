//! `kirana config`: every setting, its value, and where it came from.

use serde_json::json;

use super::out;
use crate::config::Config;

/// Shows the settings; secrets are masked.
pub fn run(config: &Config, as_json: bool) {
    if as_json {
        let all: Vec<_> = config
            .resolved
            .iter()
            .map(|setting| {
                json!({ "name": setting.name, "values": setting.shown, "origin": setting.origin.to_string() })
            })
            .collect();
        out::print(&serde_json::to_string_pretty(&all).unwrap_or_default());
    } else {
        let rows = config
            .resolved
            .iter()
            .map(|setting| vec![setting.name.to_owned(), setting.shown.join(", "), setting.origin.to_string()]);
        out::print(&out::table(&["Setting", "Value", "From"], rows));
    }
}
