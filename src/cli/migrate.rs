//! `kirana migrate`: brings the schema up to date and does nothing else.

use serde_json::json;

use super::failure::Outcome;
use super::out::Out;
use super::work::Context;
use crate::db::migrate::MIGRATIONS;

/// Opening the database took the steps that were missing; says where it stands now.
#[expect(clippy::unnecessary_wraps, reason = "all commands end alike")]
pub fn run(context: &Context, as_json: bool, out: &Out) -> Outcome {
    let taken = context.db.steps_taken();
    let newest = MIGRATIONS.last().map_or("none", |step| step.name);
    if as_json {
        out.json(&json!({ "database": context.db.describe(), "newest": newest, "taken": taken }));
    } else {
        out.result(format!("{} is up to date; the newest step is {newest}.", context.db.describe()));
    }
    Ok(())
}
