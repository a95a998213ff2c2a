//! Commands for a database that a server has open: they are sent to it over a Unix socket beside the
//! file, and it runs them on its own connection. Only the file's owner and root get in.

use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::os::unix::net::UnixStream as BlockingStream;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::failure::{BAD_CONFIG, Failure, IO, Outcome};
use super::out::{Out, Said, Terminal};
use super::work::{Context, Work};

/// The largest command, with a whole catalogue to import inside.
const LARGEST: u64 = 256 * 1024 * 1024;

#[derive(Serialize, Deserialize)]
struct Letter {
    /// The program's version; only the same one is sure to mean the same.
    version: String,
    work: serde_json::Value,
}

/// The socket that belongs to a database file.
pub fn socket_of(database: &Path) -> PathBuf {
    let mut name = database.as_os_str().to_owned();
    name.push(".sock");
    PathBuf::from(name)
}

/// Listens beside the database until `end` turns true, and then waits for the commands that run. The
/// database's lock is ours, so a socket that is there already was left over by a server that died.
pub async fn listen(database: PathBuf, context: Context, mut end: watch::Receiver<bool>) {
    let path = socket_of(&database);
    let _ = std::fs::remove_file(&path);
    let opened = UnixListener::bind(&path).and_then(|listener| {
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600))?;
        Ok((listener, std::fs::metadata(&path)?.uid()))
    });
    let (listener, owner) = match opened {
        Ok(opened) => opened,
        Err(error) => {
            tracing::warn!("Other commands cannot reach this server at {}: {error}", path.display());
            return;
        }
    };
    let mut running = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            Some(_) = running.join_next() => continue,
            _ = end.wait_for(|ended| *ended) => break,
        };
        match accepted {
            Ok((stream, _)) => {
                let known = stream.peer_cred().is_ok_and(|peer| peer.uid() == owner || peer.uid() == 0);
                if known {
                    running.spawn(answer(stream, context.clone()));
                }
            }
            Err(error) => {
                tracing::warn!(%error, "a command could not be received");
                tokio::time::sleep(std::time::Duration::from_millis(50)).await;
            }
        }
    }
    let _ = std::fs::remove_file(&path);
    while running.join_next().await.is_some() {}
}

async fn answer(stream: UnixStream, context: Context) {
    let (reading, mut writing) = stream.into_split();
    let mut line = String::new();
    if tokio::io::BufReader::new(reading.take(LARGEST)).read_line(&mut line).await.is_err() {
        return;
    }
    let (out, mut said) = Out::new();
    let run = async move {
        let outcome = match open(&line) {
            Ok(work) => work.run(&context, &out).await,
            Err(failure) => Err(failure),
        };
        out.end(outcome);
    };
    let tell = async move {
        while let Some(one) = said.recv().await {
            let mut line = serde_json::to_string(&one).unwrap_or_default();
            line.push('\n');
            // Whoever asked may be gone; the command goes on to its end all the same.
            if writing.write_all(line.as_bytes()).await.is_err() {
                break;
            }
        }
    };
    tokio::join!(run, tell);
}

fn open(line: &str) -> Result<Work, Failure> {
    let ours = env!("CARGO_PKG_VERSION");
    let letter: Letter = serde_json::from_str(line)
        .map_err(|error| Failure::new(BAD_CONFIG, format!("the server does not understand this command: {error}")))?;
    if letter.version != ours {
        let sentence =
            format!("the server that runs is Kirana {ours}, this is {}; use the same program", letter.version);
        return Err(Failure::new(BAD_CONFIG, sentence));
    }
    serde_json::from_value(letter.work)
        .map_err(|error| Failure::new(BAD_CONFIG, format!("the server does not understand this command: {error}")))
}

/// Has the server that holds the database do the work; none when no server answers.
pub fn ask(database: &Path, work: &Work, terminal: &mut Terminal) -> Option<Outcome> {
    let stream = BlockingStream::connect(socket_of(database)).ok()?;
    let broken = |cause: std::io::Error| Failure::new(IO, format!("the server broke off: {cause}"));
    let send = || -> std::io::Result<()> {
        let letter = Letter { version: env!("CARGO_PKG_VERSION").to_owned(), work: serde_json::to_value(work)? };
        let mut line = serde_json::to_string(&letter)?;
        line.push('\n');
        (&stream).write_all(line.as_bytes())
    };
    if let Err(cause) = send() {
        return Some(Err(broken(cause)));
    }
    for line in BufReader::new(&stream).lines() {
        let said = match line {
            Ok(line) => serde_json::from_str::<Said>(&line).map_err(std::io::Error::from),
            Err(cause) => Err(cause),
        };
        match said.map(|said| terminal.show(said)) {
            Ok(None) => {}
            Ok(Some(outcome)) => return Some(outcome),
            Err(cause) => return Some(Err(broken(cause))),
        }
    }
    Some(Err(Failure::new(IO, "the server ended before the command did")))
}
