//! API keys: made, looked at, revoked.

use serde_json::json;

use super::Result;
use crate::audit::{self, By};
use crate::clock::Timestamp;
use crate::db::{Conn, Sequence, TOPIC_ACCESS};
use crate::ids::{ApiKeyId, Entropy, StoreId, UserId};
use crate::staff::access::hash_hex;
use crate::staff::model::{Key, Role, StaffError};
use crate::staff::queries;

/// A key to be made.
#[derive(Debug, Clone)]
pub struct NewKey {
    /// What it is called.
    pub name: String,
    /// The role it acts in.
    pub role: Role,
    /// The branch it is bound to; none means all.
    pub store_id: Option<StoreId>,
    /// Until when it is good; none means for ever.
    pub expires_at: Option<Timestamp>,
}

/// All keys, the newest first.
pub fn list_keys(conn: &mut Conn<'_>) -> Result<Vec<Key>> {
    Ok(conn.all(&queries::LIST_KEYS, &[])?)
}

/// Makes a key; its text is returned and kept nowhere.
pub fn make_key(
    conn: &mut Conn<'_>,
    new: &NewKey,
    creator: Option<UserId>,
    entropy: &Entropy,
    by: By<'_>,
) -> Result<(Key, String)> {
    super::people::check_store(conn, new.store_id)?;
    // The prefix is hex: an underscore in it would end it.
    let prefix = entropy.bytes::<4>().iter().fold(String::new(), |hex, byte| format!("{hex}{byte:02x}"));
    let text = format!("kir_{prefix}_{}", entropy.token::<32>());
    let id = ApiKeyId::new(conn.next_id(Sequence::ApiKeys)?);
    conn.execute(
        &queries::INSERT_KEY,
        &[
            id.into(),
            (&new.name).into(),
            prefix.into(),
            hash_hex(&text).into(),
            new.role.into(),
            new.store_id.into(),
            creator.into(),
            by.now.into(),
            new.expires_at.into(),
        ],
    )?;
    let detail = json!({ "role": new.role, "store": new.store_id, "expiresAt": new.expires_at });
    audit::record(conn, by, "key.create", &format!("key:{id}"), &detail)?;
    Ok((load_key(conn, id)?, text))
}

/// Ends a key at once, on every server.
pub fn revoke_key(conn: &mut Conn<'_>, id: ApiKeyId, by: By<'_>) -> Result<()> {
    load_key(conn, id)?;
    if conn.execute(&queries::REVOKE_KEY, &[id.into(), by.now.into()])? == 1 {
        audit::record(conn, by, "key.revoke", &format!("key:{id}"), &json!({}))?;
    }
    conn.announce(TOPIC_ACCESS, format!("key:{id}"));
    Ok(())
}

fn load_key(conn: &mut Conn<'_>, id: ApiKeyId) -> Result<Key> {
    conn.first(&queries::LOAD_KEY, &[id.into()])?.ok_or(StaffError::NoKey)
}
