//! PINs, and what is approved with them on the spot: one act of somebody whose role does not allow it.

use serde_json::json;

use super::{Result, refuse_until};
use crate::audit::{self, By};
use crate::clock::Timestamp;
use crate::db::Conn;
use crate::ids::{StoreId, UserId};
use crate::staff::access::{Approve, Right as _, hash_hex};
use crate::staff::model::{Act, Approval, Approver, StaffError, Status, User};
use crate::staff::queries;
use crate::staff::rules::blocked_until;

/// How long an approval can be used.
pub const APPROVAL_LIFE_MS: i64 = 5 * 60 * 1000;

/// Sets one's own PIN.
pub fn set_pin(conn: &mut Conn<'_>, user: UserId, hash: &str, by: By<'_>) -> Result<()> {
    conn.execute(&queries::SET_PIN, &[user.into(), hash.into(), by.now.into()])?;
    queries::clear_throttle(conn, &subject(user))?;
    audit::record(conn, by, "user.pin", &format!("user:{user}"), &json!({ "set": true }))?;
    Ok(())
}

/// Removes one's own PIN.
pub fn drop_pin(conn: &mut Conn<'_>, user: UserId, by: By<'_>) -> Result<()> {
    if conn.execute(&queries::DROP_PIN, &[user.into()])? > 0 {
        audit::record(conn, by, "user.pin", &format!("user:{user}"), &json!({ "set": false }))?;
    }
    Ok(())
}

/// Who can approve in a store with a PIN.
pub fn list_approvers(conn: &mut Conn<'_>, store: StoreId) -> Result<Vec<Approver>> {
    let rows: Vec<Approver> = conn.all(&queries::APPROVERS, &[store.into()])?;
    Ok(rows.into_iter().filter(|row| Approve::ROLES.contains(&row.role)).collect())
}

/// The account that is to approve, with the hash of its PIN, unless too many have guessed at it.
pub fn find_pin(
    conn: &mut Conn<'_>,
    approver: UserId,
    store: StoreId,
    now: Timestamp,
) -> Result<(User, Option<String>)> {
    if let Some((_, until)) = queries::find_throttle(conn, &subject(approver))? {
        refuse_until(until, now)?;
    }
    let user = queries::find_user(conn, approver)?.ok_or(StaffError::WrongPin)?;
    let may = user.status == Status::Active
        && Approve::ROLES.contains(&user.role)
        && user.store_id.is_none_or(|own| own == store);
    let hash = conn.first(&queries::FIND_PIN, &[approver.into()])?.map(|(hash,)| hash);
    Ok((user, hash.filter(|_| may)))
}

/// Counts a wrong PIN.
pub fn fail_pin(conn: &mut Conn<'_>, approver: UserId, now: Timestamp) -> Result<()> {
    let (failures, until) = queries::count_failure(conn, &subject(approver), now)?;
    refuse_until(until, now)?;
    queries::set_throttle(conn, &subject(approver), failures, now, blocked_until(failures, now))?;
    Ok(())
}

/// Notes an approval whose PIN was right; `text` is what the one who asked is given.
pub fn approve(
    conn: &mut Conn<'_>,
    act: Act,
    store: StoreId,
    approver: UserId,
    text: &str,
    by: By<'_>,
) -> Result<Timestamp> {
    // Of many guesses at once, those that were right beyond the free ones learn nothing either.
    if let Some((_, until)) = queries::find_throttle(conn, &subject(approver))? {
        refuse_until(until, by.now)?;
    }
    queries::clear_throttle(conn, &subject(approver))?;
    let expires = by.now.plus_ms(APPROVAL_LIFE_MS);
    let params = [
        hash_hex(text).into(),
        act.into(),
        store.into(),
        approver.into(),
        by.actor.into(),
        by.now.into(),
        expires.into(),
    ];
    conn.execute(&queries::INSERT_APPROVAL, &params)?;
    let detail = json!({ "act": act, "askedBy": by.actor, "store": store });
    let approver = format!("user:{approver}");
    audit::record(conn, By { actor: &approver, ..by }, "approval.give", by.actor, &detail)?;
    Ok(expires)
}

/// Approvals by the texts that were given out, kept from others until the transaction ends.
pub fn find_approvals(conn: &mut Conn<'_>, texts: &[&str]) -> crate::db::Result<Vec<Approval>> {
    conn.load_many(&queries::LOCK_APPROVALS, texts.iter().map(|text| [hash_hex(text).into()]))
}

/// Uses an approval up, for what is named by its subject.
pub fn use_approval(conn: &mut Conn<'_>, approval: &Approval, subject: &str, by: By<'_>) -> crate::db::Result<()> {
    conn.execute(&queries::USE_APPROVAL, &[(&approval.id).into(), by.now.into(), subject.into()])?;
    let detail = json!({
        "act": approval.act,
        "approver": format!("user:{}", approval.approver_id),
        "askedBy": approval.asked_by,
    });
    audit::record(conn, by, "approval.use", subject, &detail)?;
    Ok(())
}

/// Uses up the approval that one act of the actor needs; answers with who gave it.
pub fn take_approval(
    conn: &mut Conn<'_>,
    text: &str,
    act: Act,
    store: StoreId,
    subject: &str,
    by: By<'_>,
) -> Result<UserId> {
    let found = find_approvals(conn, &[text])?.into_iter().next();
    let approval = found.filter(|one| one.is_for(act, store, by.actor, by.now)).ok_or(StaffError::NoApproval)?;
    use_approval(conn, &approval, subject, by)?;
    Ok(approval.approver_id)
}

fn subject(approver: UserId) -> String {
    format!("pin:{approver}")
}
