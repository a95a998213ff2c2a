//! `kirana demo`: a shop of sample data, open within seconds.

use std::path::PathBuf;

use super::failure::{BAD_CONFIG, FAILED, Failure, Outcome};
use super::serve;
use crate::clock::Clock;
use crate::config::{Config, Origin};
use crate::db::{Db, Location};
use crate::demo::{self, DemoError};
use crate::staff::Role;
use crate::staff::pages::{DEMO_PASSWORD, DEMO_PEOPLE};
use crate::web::Openness;

/// Opens the demo shop. Unless a folder or database is named, everything is gone when it closes.
pub fn run(mut config: Config) -> Outcome {
    if let Some(address) = config.listen.iter().find(|address| !address.ip().is_loopback()) {
        let sentence = format!("the demo shop's passwords are known to everybody, so it does not listen on {address}");
        return Err(Failure::new(BAD_CONFIG, sentence));
    }
    let named = config
        .resolved
        .iter()
        .any(|setting| matches!(setting.name, "data_dir" | "database") && setting.origin != Origin::Default);
    config.web.openness = Openness::AsDocumented;
    let folder = if named { None } else { Some(temporary_folder(&mut config)?) };
    let outcome = serve::open(config, Some(&fill));
    // The folder goes with its value, and not before the database is closed.
    drop(folder);
    outcome
}

fn temporary_folder(config: &mut Config) -> Result<tempfile::TempDir, Failure> {
    let folder = tempfile::Builder::new()
        .prefix("kirana-demo-")
        .tempdir()
        .map_err(|cause| Failure::file(&std::env::temp_dir(), &cause))?;
    folder.path().clone_into(&mut config.data_dir);
    config.database = Location::File(folder.path().join("kirana.sqlite"));
    config.secret_file = PathBuf::from(folder.path()).join("secret.key");
    Ok(folder)
}

fn fill(runtime: &tokio::runtime::Runtime, db: &Db) -> Outcome {
    let made = runtime.block_on(demo::fill(db, Clock::system().now())).map_err(|error| match error {
        DemoError::NotEmpty => Failure::new(BAD_CONFIG, error.to_string()),
        error => Failure::new(FAILED, format!("the sample data could not be stored: {error}")),
    })?;
    if let Some(made) = made {
        eprintln!("{} products, {} customers, {} sales", made.products, made.customers, made.orders);
    }
    Ok(())
}

/// What is said once the shop is open.
pub fn banner(address: &str) -> String {
    let mut text = format!(
        "\n  Kirana's demo shop is open:  http://{address}\n  Sample data; nothing here is kept or can be lost.\n\n  Log in as\n"
    );
    for (role, login) in DEMO_PEOPLE {
        let who = match role {
            Role::Owner => "owner",
            Role::Manager => "manager",
            Role::Cashier => "cashier",
            Role::StockKeeper => "stock keeper",
            Role::Customer => "customer",
        };
        text.push_str(&format!("    {who:<13} {login:<28} password {DEMO_PASSWORD}\n"));
    }
    text.push_str(&format!("\n  API: http://{address}/api/docs    Stop with Ctrl-C.\n"));
    text
}
