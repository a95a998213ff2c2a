//! `kirana doctor`: looks at everything that the shop's data depends on.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use super::backup::size;
use super::failure::{FAILED, Failure, Outcome};
use super::out::Out;
use super::work::Context;
use crate::clock::Timestamp;
use crate::config::Config;
use crate::db::{self, Fact, Location, Verdict};
use crate::staff::{Role, actions};
use crate::{audit, shop};

/// Below this much room the shop stops soon.
const LITTLE_ROOM: u64 = 1_000_000_000;
/// Below this much room it may stop at any moment.
const NO_ROOM: u64 = 100_000_000;
/// Entries of the audit log may be this much in the future, where several machines write.
const AHEAD_MS: i64 = 5 * 60_000;
/// No clock that is right shows less than this: the day of the first release.
const FIRST_RELEASE: &str = "2026-11-21T00:00:00Z";

/// Looks at all of it; fails when something is wrong.
pub async fn run(context: &Context, as_json: bool, out: &Out) -> Outcome {
    let now = context.clock.now();
    let mut facts = vec![Fact::must("database", context.db.describe(), true, "")];
    facts.extend(context.db.write(move |conn| db::facts(conn, now)).await?);
    facts.extend(context.db.read(move |conn| look_at_shop(conn, now)).await?);
    facts.extend(look_at_files(&context.config));
    facts.extend(look_at_addresses(&context.config));

    if as_json {
        out.json(&facts);
    } else {
        for fact in &facts {
            let mark = match fact.verdict {
                Verdict::Fine => "ok    ",
                Verdict::Notice => "NOTE  ",
                Verdict::Wrong => "WRONG ",
            };
            out.result(format!("{mark} {}: {}", fact.name, fact.value));
            if !fact.advice.is_empty() {
                out.result(format!("       {}", fact.advice));
            }
        }
    }
    match facts.iter().filter(|fact| fact.verdict == Verdict::Wrong).count() {
        0 => Ok(()),
        1 => Err(Failure::new(FAILED, "one thing is wrong")),
        count => Err(Failure::new(FAILED, format!("{count} things are wrong"))),
    }
}

fn look_at_shop(conn: &mut db::Conn<'_>, now: Timestamp) -> Result<Vec<Fact>, crate::staff::StaffError> {
    let shop = shop::current(conn)?;
    let filter = actions::Filter { role: Some(Role::Owner), ..actions::Filter::default() };
    let (_, owners) = actions::list(conn, &filter, crate::ids::UserId::new(i64::MAX), 1)?;
    let (entries, _) = audit::list(conn, "", "", audit::Cursor::START, 1)?;
    let ahead = entries.first().is_some_and(|entry| entry.at > now.plus_ms(AHEAD_MS));
    let early = Timestamp::parse(FIRST_RELEASE).is_some_and(|first| now < first);
    let name = if shop.name.is_empty() { "not named yet".to_owned() } else { shop.name };
    Ok(vec![
        Fact::new(
            "shop",
            name,
            if owners == 0 { Verdict::Notice } else { Verdict::Fine },
            "Nobody owns the shop yet: open it in a browser on this machine, or `kirana user add --role owner`.",
        ),
        Fact::must(
            "clock",
            now.to_string(),
            !ahead && !early,
            "The clock is behind what was already written: set it, or bills get wrong dates.",
        ),
    ])
}

fn look_at_files(config: &Config) -> Vec<Fact> {
    let mut facts = Vec::new();
    let mut folder = config.data_dir.as_path();
    if let Location::File(path) = &config.database {
        folder = path.parent().unwrap_or(folder);
        facts.extend(closed_to_others("database file", path));
    }
    facts.extend(closed_to_others("secret key", &config.secret_file));
    if let Some(mode) = mode(&config.data_dir) {
        let advice =
            format!("Others on this machine can change what is in it: chmod 700 {}", config.data_dir.display());
        let value = format!("{} ({mode:03o})", config.data_dir.display());
        facts.push(Fact::must("data folder", value, mode & 0o022 == 0, &advice));
    }
    if let Ok(disk) = rustix::fs::statvfs(folder) {
        let left = disk.f_bavail * disk.f_frsize;
        let verdict = match left {
            ..NO_ROOM => Verdict::Wrong,
            NO_ROOM..LITTLE_ROOM => Verdict::Notice,
            _ => Verdict::Fine,
        };
        let value = format!("{} left in {}", size(left), folder.display());
        facts.push(Fact::new("disk", value, verdict, "Make room: without it nothing can be sold."));
    }
    facts
}

/// A file that only its owner may read: none of the six bits for others is set.
fn closed_to_others(name: &'static str, path: &Path) -> Option<Fact> {
    let mode = mode(path)?;
    let advice = format!("Others on this machine can read it: chmod 600 {}", path.display());
    Some(Fact::must(name, format!("{} ({mode:03o})", path.display()), mode.trailing_zeros() >= 6, &advice))
}

fn mode(path: &Path) -> Option<u32> {
    std::fs::metadata(path).ok().map(|found| found.permissions().mode() & 0o777)
}

fn look_at_addresses(config: &Config) -> Vec<Fact> {
    let exposed = config.exposed();
    config
        .listen
        .iter()
        .map(|address| {
            let advice =
                "Passwords sent there can be read on the way: put a proxy with HTTPS before it and use --https.";
            let verdict = if exposed.contains(address) { Verdict::Notice } else { Verdict::Fine };
            Fact::new("address", address.to_string(), verdict, advice)
        })
        .collect()
}
