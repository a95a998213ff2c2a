//! `kirana api-key`: keys for other programs.

use serde::{Deserialize, Serialize};
use serde_json::json;

use super::failure::Outcome;
use super::out::{Out, table};
use super::user::role;
use super::work::Context;
use crate::audit::By;
use crate::clock::Timestamp;
use crate::ids::{ApiKeyId, Entropy, StoreId};
use crate::staff::Role;
use crate::staff::actions::{self, NewKey};

const DAY_MS: i64 = 86_400_000;

/// What stands after `api-key`.
#[derive(Debug, Clone, clap::Subcommand, Serialize, Deserialize)]
pub enum KeyCommand {
    /// Make a key; it is shown once and kept nowhere.
    #[command(after_help = "Example:
  kirana api-key create --name \"Web shop\" --role stock-keeper --days 365")]
    Create {
        /// What it is called.
        #[arg(long)]
        name: String,
        /// What its holder may do: owner, manager, cashier, stock-keeper or customer
        #[arg(long, value_parser = role)]
        role: Role,
        /// The number of the branch it is bound to [default: all]
        #[arg(long)]
        store: Option<StoreId>,
        /// For how many days it is good [default: until it is revoked]
        #[arg(long, value_parser = clap::value_parser!(u32).range(1..))]
        days: Option<u32>,
    },
    /// List keys; what they are made of is not known any more.
    List,
    /// End a key at once, on every server.
    Revoke {
        /// Its number in the list.
        id: ApiKeyId,
    },
}

impl KeyCommand {
    /// Does it.
    pub async fn run(self, context: &Context, as_json: bool, out: &Out) -> Outcome {
        let now = context.clock.now();
        match self {
            Self::Create { name, role, store, days } => {
                let expires_at = days.map(|days| now.plus_ms(i64::from(days) * DAY_MS));
                let new = NewKey { name, role, store_id: store, expires_at };
                let (key, text) = context
                    .db
                    .write(move |conn| actions::make_key(conn, &new, None, &Entropy::system(), By::system(now)))
                    .await?;
                if as_json {
                    out.json(&json!({ "id": key.id, "name": key.name, "role": key.role, "key": text, "expiresAt": key.expires_at }));
                } else {
                    out.talk(format!("Key {} ({}, {}); it is not shown again:", key.id, key.name, key.role));
                    out.result(text);
                }
            }
            Self::List => list(context, as_json, out).await?,
            Self::Revoke { id } => {
                context.db.write(move |conn| actions::revoke_key(conn, id, By::system(now))).await?;
                if as_json {
                    out.json(&json!({ "id": id, "revokedAt": now }));
                } else {
                    out.result(format!("key {id} opens nothing any more"));
                }
            }
        }
        Ok(())
    }
}

async fn list(context: &Context, as_json: bool, out: &Out) -> Outcome {
    let keys = context.db.read(actions::list_keys).await?;
    if as_json {
        out.json(&keys);
        return Ok(());
    }
    let when = |at: Option<Timestamp>, never: &str| at.map_or_else(|| never.to_owned(), |at| at.to_string());
    let rows = keys.iter().map(|key| {
        vec![
            key.id.to_string(),
            key.name.clone(),
            format!("kir_{}_...", key.prefix),
            key.role.to_string(),
            key.store_id.map_or_else(|| "all".to_owned(), |store| store.to_string()),
            when(key.last_used_at, "never"),
            match key.revoked_at {
                Some(at) => format!("revoked {at}"),
                None => when(key.expires_at, "revoked"),
            },
        ]
    });
    out.result(table(&["Id", "Name", "Key", "Role", "Store", "Last used", "Good until"], rows));
    Ok(())
}
