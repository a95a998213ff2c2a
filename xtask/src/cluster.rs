//! A throw-away PostgreSQL server.
//!
//! It listens on a free port of 127.0.0.1, keeps everything in a directory of its own, and is
//! stopped and removed when the value is dropped, or else when this process ends in any other way.
//! Data is made durable like in a shop (`fsync`, `synchronous_commit`): tests and benchmarks are
//! to see the real thing.

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result, bail};

use crate::process::{self, Interrupted};
use crate::scratch::Scratch;

/// Stops the server `$1` (its directory) by `$2` (`pg_ctl`) as soon as the pipe on its standard
/// input is closed. The kernel closes that pipe even when we are killed by `kill -9`; then `initdb`
/// may still be filling the directory, so removing it is tried again.
const GUARD: &str = r#"
trap '' HUP INT TERM
cat
for attempt in 1 2 3 4 5; do
    "$2" stop --silent --mode=immediate --pgdata="$1/data"
    rm -rf "$1" && sleep 0.1 && [ ! -e "$1" ] && break
    sleep 1
done
"#;

/// How often another free port is tried: between finding and using one, somebody may take it.
const ATTEMPTS: usize = 3;

/// A running server with one superuser, `kirana`, who needs no password.
pub(crate) struct Cluster {
    url: String,
    guard: Child,
    /// Behind `guard`: fields are dropped in this order.
    _scratch: Scratch,
}

impl Cluster {
    /// Creates a server with the programs in `binaries`, starts it and waits until it answers.
    pub(crate) fn start(binaries: &Path) -> Result<Self> {
        let scratch = Scratch::new("kirana-postgres")?;
        let owner = Owner::find()?;
        if let Some(owner) = &owner {
            chown(scratch.path(), Some(owner.user), Some(owner.group))
                .with_context(|| format!("give {} away", scratch.path().display()))?;
        }
        let files = Files { binaries, directory: scratch.path().to_owned(), owner };

        let guard = files
            .command("sh")
            .args(["-c", GUARD, "sh"])
            .arg(&files.directory)
            .arg(binaries.join("pg_ctl"))
            .process_group(0) // Ctrl-C is not meant for it.
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .context("start the guard of the PostgreSQL server")?;
        let mut cluster = Self { url: String::new(), guard, _scratch: scratch };

        files.create()?;
        let port = files.serve()?;
        cluster.url = format!("postgres://kirana@127.0.0.1:{port}/postgres");
        Ok(cluster)
    }

    /// How clients reach it.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        drop(self.guard.stdin.take());
        if let Err(error) = self.guard.wait() {
            eprintln!("warning: the PostgreSQL server may still run: {error}");
        }
    }
}

/// What a server is made from.
struct Files<'a> {
    binaries: &'a Path,
    directory: PathBuf,
    owner: Option<Owner>,
}

impl Files<'_> {
    /// Creates the files of the server.
    fn create(&self) -> Result<()> {
        let mut initdb = self.command(self.binaries.join("initdb"));
        initdb
            .args(["--auth=trust", "--username=kirana", "--encoding=UTF8"])
            .args(["--locale=C.UTF-8", "--no-sync", "--pgdata"])
            .arg(self.data());
        process::must_quietly(&mut initdb, &self.directory.join("initdb.log"))
    }

    /// Starts the server and returns its port.
    fn serve(&self) -> Result<u16> {
        let mut attempt = 1;
        loop {
            let port = free_port()?;
            match self.serve_on(port) {
                Ok(()) => return Ok(port),
                Err(error) if attempt == ATTEMPTS || error.is::<Interrupted>() => {
                    return Err(error);
                }
                Err(_) => attempt += 1,
            }
        }
    }

    /// Starts the server on `port` and waits until it answers.
    fn serve_on(&self, port: u16) -> Result<()> {
        let sockets = self.directory.display();
        // Read after `postgresql.conf`, so it wins.
        fs::write(
            self.data().join("postgresql.auto.conf"),
            format!(
                "listen_addresses = '127.0.0.1'\n\
                 port = {port}\n\
                 unix_socket_directories = '{sockets}'\n\
                 max_connections = 400\n\
                 shared_buffers = '256MB'\n\
                 fsync = on\n\
                 synchronous_commit = on\n"
            ),
        )?;

        let log = self.directory.join("postgres.log");
        let mut start = self.command(self.binaries.join("pg_ctl"));
        start.args(["start", "--wait", "--timeout=60", "--log"]).arg(&log).arg("--pgdata").arg(self.data());
        let started = process::must_quietly(&mut start, &self.directory.join("pg_ctl.log"));

        started.or_else(|error| {
            if error.is::<Interrupted>() {
                return Err(error);
            }
            let said = fs::read_to_string(&log).unwrap_or_default();
            bail!("{error:#}\n{}", said.trim_end());
        })
    }

    /// Where the server keeps its data.
    fn data(&self) -> PathBuf {
        self.directory.join("data")
    }

    /// A command run by the owner of the server.
    fn command(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let mut command = Command::new(program);
        // The owner may not be allowed to enter the directory we are in.
        command.current_dir(&self.directory);
        if let Some(owner) = &self.owner {
            command.uid(owner.user).gid(owner.group);
        }
        command
    }
}

/// The user who runs the server when we are root: PostgreSQL refuses to be run by root.
struct Owner {
    user: u32,
    group: u32,
}

impl Owner {
    /// `postgres` when there is such a user, else `nobody`; nobody at all when we are not root.
    fn find() -> Result<Option<Self>> {
        if !is_root() {
            return Ok(None);
        }
        let users = fs::read_to_string("/etc/passwd").context("read /etc/passwd")?;
        let owner = ["postgres", "nobody"]
            .iter()
            .find_map(|name| Self::read(&users, name))
            .context("neither postgres nor nobody is a user, and root may not run PostgreSQL")?;
        Ok(Some(owner))
    }

    /// Finds a user in the text of `/etc/passwd`: `name:password:user:group:...`.
    fn read(users: &str, name: &str) -> Option<Self> {
        users.lines().find_map(|line| {
            let mut fields = line.split(':');
            (fields.next()? == name).then_some(())?;
            Some(Self { user: fields.nth(1)?.parse().ok()?, group: fields.next()?.parse().ok()? })
        })
    }
}

/// Whether we are root.
pub(crate) fn is_root() -> bool {
    process::ask("id", &["-u"]).is_some_and(|user| user == "0")
}

/// A port of 127.0.0.1 that nobody uses right now.
fn free_port() -> Result<u16> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).context("find a free port")?;
    Ok(listener.local_addr()?.port())
}

#[cfg(test)]
mod tests {
    use super::Owner;

    #[test]
    fn an_owner_is_read_by_the_whole_name() {
        let users = "root:x:0:0:root:/root:/bin/sh\n\
                     postgresql:x:7:8::/:/bin/false\n\
                     postgres:x:101:104:PostgreSQL,,,:/var/lib/postgresql:/bin/bash\n";

        let owner = Owner::read(users, "postgres").map(|owner| (owner.user, owner.group));

        assert_eq!(owner, Some((101, 104)));
        assert!(Owner::read(users, "nobody").is_none());
    }
}
