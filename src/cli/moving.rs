//! `kirana import from`: a whole shop from another system, and back again.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::failure::{BAD_INPUT, Failure, NO_INPUT, Outcome};
use super::import::{Task, occasion};
use super::out::Out;
use super::work::Context;
use crate::catalog::import::RowError;
use crate::catalog::upload::{self, UploadError};
use crate::classic::moving::{self, Count, MoveError, Options, Report, Source, StaffArrival};
use crate::ids::{Entropy, ImportId, StoreId};

/// A system and its file.
#[derive(Debug, clap::Args)]
pub struct FromArgs {
    /// The system that the shop moves from.
    #[arg(value_name = "SYSTEM", value_parser = source)]
    source: Source,
    /// Its file; of store-management-json also a folder with users.json, products.json, orders.json.
    file: PathBuf,
    /// Say what would happen and which rows would be refused, and keep nothing.
    #[arg(long)]
    dry_run: bool,
    /// Leave rows out that are refused, instead of bringing nothing in.
    #[arg(long)]
    skip_bad_rows: bool,
    /// Whether staff may log in at once (active) or wait for the owner's approval (pending).
    #[arg(long, value_parser = staff, default_value = "pending")]
    staff: StaffArrival,
    /// The number of the branch whose stock and orders they are.
    #[arg(long, default_value = "1")]
    store: StoreId,
}

fn source(text: &str) -> Result<Source, String> {
    let words = || Source::ALL.iter().map(|source| source.word()).collect::<Vec<_>>().join(", ");
    Source::from_word(text).ok_or_else(|| format!("it is one of {}", words()))
}

fn staff(text: &str) -> Result<StaffArrival, String> {
    StaffArrival::from_word(text).ok_or_else(|| "it is pending or active".to_owned())
}

impl FromArgs {
    /// Looks at the file. It stays where it is: a server that has the shop open reads it from there, because a dump may
    /// be larger than what a command carries.
    pub fn prepare(self) -> Result<Task, Failure> {
        let Self { source, file, dry_run, skip_bad_rows, staff, store } = self;
        moving::look(source, &file)?;
        let path = std::path::absolute(&file)
            .map_err(|cause| Failure::new(NO_INPUT, format!("{}: {cause}", file.display())))?;
        if source == Source::Flask {
            if skip_bad_rows {
                return Err(Failure::new(
                    BAD_INPUT,
                    "this table goes in whole or not at all; --skip-bad-rows is not for it",
                ));
            }
            return Ok(Task::Upload(Upload { path, dry_run, store }));
        }
        Ok(Task::From(Options { source, path, dry_run, skip_bad_rows, staff, store }))
    }
}

impl From<MoveError> for Failure {
    fn from(error: MoveError) -> Self {
        let code = match error {
            MoveError::Unreadable { .. } => NO_INPUT,
            MoveError::WrongFile(_) | MoveError::Broken { .. } => BAD_INPUT,
            MoveError::Catalog(error) => return error.into(),
            MoveError::Staff(error) => return error.into(),
            MoveError::Db(error) => return error.into(),
            _ => 1,
        };
        Self::new(code, error.to_string())
    }
}

/// A table of products in the documented columns, to be stored whole.
#[derive(Debug, Serialize, Deserialize)]
pub struct Upload {
    path: PathBuf,
    dry_run: bool,
    store: StoreId,
}

impl Upload {
    /// Stores it.
    pub async fn run(self, context: &Context, as_json: bool, out: &Out) -> Outcome {
        let Self { path, dry_run, store } = self;
        let unreadable = |cause: std::io::Error| Failure::new(NO_INPUT, format!("{}: {cause}", path.display()));
        let file = std::fs::File::open(&path).map_err(unreadable)?;
        let file_name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let prepared = tokio::task::spawn_blocking(move || upload::prepare(std::io::BufReader::new(file)))
            .await
            .map_err(|error| Failure::new(1, error.to_string()))?;
        let now = context.clock.now();
        let stored = match prepared {
            Ok(prepared) => {
                let options = upload::Options { file_name, dry_run };
                context
                    .db
                    .write(move |conn| {
                        let on = occasion(conn, store, now)?;
                        upload::store(conn, &prepared, &options, on)
                    })
                    .await
            }
            Err(error) => Err(error),
        };
        let counts = match stored {
            Ok(counts) | Err(UploadError::Rehearsed(counts)) => counts,
            Err(UploadError::Refused { refused, errors, .. }) => return refuse(refused, &errors, as_json, out),
            Err(error) => return Err(Failure::new(BAD_INPUT, error.to_string())),
        };
        if as_json {
            out.json(&counts);
            return Ok(());
        }
        out.result(format!(
            "{} rows: {} products added, {} changed, {} as they were",
            counts.rows, counts.created, counts.updated, counts.unchanged
        ));
        for (filled, what) in [
            (counts.filled_prices, "missing prices, filled with the median of the file"),
            (counts.filled_quantities, "missing quantities sold, filled with the median of the file"),
            (counts.filled_ratings, "missing ratings, filled with the mean of the category"),
            (counts.repeated, "rows that a later one with the same product_id replaced"),
        ] {
            if filled > 0 {
                out.talk(format!("{what}: {filled}"));
            }
        }
        match counts.import_id {
            Some(id) => out.talk(format!("`kirana import undo {id}` takes it back.")),
            None => out.talk("Nothing was kept."),
        }
        Ok(())
    }
}

fn refuse(refused: u64, errors: &[RowError], as_json: bool, out: &Out) -> Outcome {
    if as_json {
        out.json(&errors);
    } else {
        for error in errors {
            let column = error.column.as_ref().map(|column| format!(", column {column}")).unwrap_or_default();
            out.result(format!("line {}{column}: {}", error.line, error.message));
        }
    }
    let rows = if refused == 1 { "1 row is wrong".to_owned() } else { format!("{refused} rows are wrong") };
    Err(Failure::new(BAD_INPUT, format!("{rows}; nothing was stored")))
}

/// Moves a shop in.
pub async fn run(options: Options, context: &Context, as_json: bool, out: &Out) -> Outcome {
    let (now, progress) = (context.clock.now(), out.clone());
    let staff = options.staff;
    let moved =
        moving::run(&context.db, options, Entropy::system(), now, move |done, all| progress.progress(done, all));
    let (report, refused) = match moved.await {
        Ok(report) => (report, 0),
        Err(MoveError::Rehearsed(report) | MoveError::Nothing(report)) => (*report, 0),
        Err(MoveError::Refused(report)) => {
            let refused = report.refused();
            (*report, refused)
        }
        Err(error) => return Err(error.into()),
    };
    let refused = if report.dry_run { report.refused() } else { refused };
    if as_json {
        out.json(&report);
    } else {
        tell(&report, staff, refused > 0, out);
    }
    match refused {
        0 => Ok(()),
        1 => Err(Failure::new(BAD_INPUT, "1 row was refused")),
        refused => Err(Failure::new(BAD_INPUT, format!("{refused} rows were refused"))),
    }
}

fn tell(report: &Report, staff: StaffArrival, stopped: bool, out: &Out) {
    for note in &report.notes {
        out.talk(note.to_string());
    }
    if report.more_notes > 0 {
        out.talk(format!("And {} more notes.", report.more_notes));
    }
    for error in &report.errors {
        out.result(error.to_string());
    }
    if report.more_errors > 0 {
        out.result(format!("And {} more rows that were refused.", report.more_errors));
    }
    let counts = [
        ("customers", report.customers),
        ("staff", report.staff),
        ("products", report.products),
        ("orders", report.orders),
    ];
    for (name, Count { brought, known, refused }) in counts {
        out.result(format!("{name}: {brought} brought in, {known} already there, {refused} refused"));
    }
    if report.undated_orders > 0 {
        out.result(format!("{} orders without a date count into what products sold before", report.undated_orders));
    }
    if report.empty_orders > 0 {
        out.result(format!("{} orders without lines were passed over", report.empty_orders));
    }
    match report.open_items {
        0 => {}
        1 => out.talk("1 line of an order names no product; it stands on its bill alone."),
        many => out.talk(format!("{many} lines of orders name no product; they stand on their bills alone.")),
    }
    let Some(id) = report.import_id else {
        let why = if stopped && !report.dry_run { " `--skip-bad-rows` brings the others in." } else { "" };
        out.talk(format!("Nothing was kept.{why}"));
        return;
    };
    if report.staff.brought > 0 && staff == StaffArrival::Pending {
        out.talk("The staff wait for the owner's approval, under People or with `kirana user enable`.");
    }
    out.talk(format!("`kirana import undo {id}` takes everything back, as long as nothing was done with it."));
}

/// Takes back what was moved in.
pub async fn undo(id: ImportId, store: StoreId, context: &Context, as_json: bool, out: &Out) -> Outcome {
    let now = context.clock.now();
    let undone = context
        .db
        .write(move |conn| {
            let on = moving::occasion(conn, store, now)?;
            moving::undo(conn, id, on)
        })
        .await;
    let undone = match undone {
        Err(MoveError::InTheWay(reasons)) => {
            for reason in &reasons {
                out.result(reason);
            }
            return Err(Failure::new(1, format!("import {id} stays: something was done with what it brought")));
        }
        undone => undone?,
    };
    if as_json {
        out.json(&undone);
    } else {
        out.result(format!(
            "Import {id} is undone: {} accounts, {} products and {} orders are gone.",
            undone.accounts, undone.products, undone.orders
        ));
    }
    Ok(())
}
