//! Starting other programs, and stopping them again when we are asked to stop.
//!
//! Every program runs in a process group of its own, so that one signal reaches it with all its
//! children: `cargo`, the compiler, the tests, and the servers which the tests started. Signals
//! sent to us (Ctrl-C, `kill`, a closed terminal) are passed on to that group.

use std::ffi::OsStr;
use std::fmt;
use std::fs::{self, File};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode, ExitStatus, Stdio};
use std::sync::atomic::{AtomicI32, AtomicUsize, Ordering::SeqCst};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use signal_hook::consts::{SIGHUP, SIGINT, SIGKILL, SIGTERM};
use signal_hook::iterator::Signals;

/// The first signal that asked us to stop, or 0.
static SIGNAL: AtomicI32 = AtomicI32::new(0);

/// How often we were asked to stop.
static ASKED: AtomicUsize = AtomicUsize::new(0);

/// How often we look whether a program ended or a signal came.
const TICK: Duration = Duration::from_millis(50);

/// How many ticks a program gets to end after the first signal; 10 seconds.
const GRACE_TICKS: u32 = 200;

/// We were asked to stop by this signal.
#[derive(Debug)]
pub(crate) struct Interrupted(i32);

impl fmt::Display for Interrupted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "stopped by signal {}", self.0)
    }
}

impl std::error::Error for Interrupted {}

impl Interrupted {
    /// Ends this process by the signal it received, so that a script which called us stops too.
    pub(crate) fn die(&self) -> ExitCode {
        // When it returns, the signal could not be raised; the exit code says the same.
        let _ = signal_hook::low_level::emulate_default_handler(self.0);
        ExitCode::from(u8::try_from(128 + self.0).unwrap_or(1))
    }
}

/// From here on a signal no longer ends this process at once; [`run`] and [`interrupted`] tell.
pub(crate) fn listen_for_signals() -> Result<()> {
    let mut signals = Signals::new([SIGHUP, SIGINT, SIGTERM]).context("listen for signals")?;
    thread::spawn(move || {
        for signal in signals.forever() {
            // Only the first one counts as the reason; a refused exchange is fine.
            let _ = SIGNAL.compare_exchange(0, signal, SeqCst, SeqCst);
            ASKED.fetch_add(1, SeqCst);
        }
    });
    Ok(())
}

/// The signal that asked us to stop, when there was one.
pub(crate) fn interrupted() -> Option<Interrupted> {
    Some(SIGNAL.load(SeqCst)).filter(|&signal| signal != 0).map(Interrupted)
}

/// Waits until somebody asks us to stop.
pub(crate) fn wait_for_signal() {
    while interrupted().is_none() {
        thread::sleep(TICK);
    }
}

/// Runs a program to its end, without input.
///
/// # Errors
/// When it cannot be started. [`Interrupted`] when a signal came before or while it ran; then the
/// program and its children are gone on return: they had 10 seconds after the first signal, and
/// none after a second one.
pub(crate) fn run(command: &mut Command) -> Result<ExitStatus> {
    if let Some(interrupted) = interrupted() {
        return Err(interrupted.into());
    }

    let mut child =
        command.stdin(Stdio::null()).process_group(0).spawn().with_context(|| format!("start {}", show(command)))?;

    loop {
        let ended = child.try_wait()?;
        if let Some(interrupted) = interrupted() {
            stop_group(&mut child, interrupted.0)?;
            return Err(interrupted.into());
        }
        if let Some(status) = ended {
            return Ok(status);
        }
        thread::sleep(TICK);
    }
}

/// Runs a program that has to succeed.
///
/// # Errors
/// Like [`run`], and when the program fails.
pub(crate) fn must(command: &mut Command) -> Result<()> {
    let status = run(command)?;
    if !status.success() {
        bail!("{} failed: {status}", show(command));
    }
    Ok(())
}

/// Runs a program that has to succeed and whose output is of interest only when it does not.
///
/// # Errors
/// Like [`must`]; the message ends with what the program wrote to `log`.
pub(crate) fn must_quietly(command: &mut Command, log: &Path) -> Result<()> {
    let out = File::create(log).with_context(|| format!("create {}", log.display()))?;
    command.stderr(out.try_clone()?).stdout(out);

    let status = run(command)?;
    if !status.success() {
        let said = fs::read(log).unwrap_or_default();
        let said = String::from_utf8_lossy(&said);
        bail!("{} failed: {status}\n{}", show(command), said.trim_end());
    }
    Ok(())
}

/// What a program printed, or `None` when it is not there or failed. For short questions only: a
/// signal is not passed on.
pub(crate) fn ask(program: impl AsRef<OsStr>, args: &[&str]) -> Option<String> {
    let output = Command::new(program).args(args).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    output.status.success().then(|| text.trim().to_owned())
}

/// The `cargo` that runs us, in the directory of the workspace.
pub(crate) fn cargo() -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(workspace());
    command
}

/// The directory of the workspace.
fn workspace() -> PathBuf {
    let xtask = std::env::var_os("CARGO_MANIFEST_DIR").map_or_else(|| env!("CARGO_MANIFEST_DIR").into(), PathBuf::from);
    xtask.parent().map_or(xtask.clone(), Path::to_path_buf)
}

/// The exit code of a program as ours; 1 when a signal ended it.
pub(crate) fn exit_code(status: ExitStatus) -> ExitCode {
    let code = status.code().and_then(|code| u8::try_from(code).ok());
    code.map_or(ExitCode::FAILURE, ExitCode::from)
}

/// A command as a person would type it.
fn show(command: &Command) -> String {
    let program = Path::new(command.get_program());
    let program = program.file_name().unwrap_or(program.as_os_str());
    let words: Vec<_> = std::iter::once(program).chain(command.get_args()).map(OsStr::to_string_lossy).collect();
    format!("`{}`", words.join(" "))
}

/// Passes `signal` on to the group of `child` and waits until all of it is gone.
fn stop_group(child: &mut Child, signal: i32) -> Result<()> {
    let group = child.id();
    send(group, signal);

    for _ in 0..GRACE_TICKS {
        // The first process of the group is ours to collect, or it counts as there for ever.
        child.try_wait()?;
        if !send(group, 0) {
            return Ok(());
        }
        if ASKED.load(SeqCst) > 1 {
            break;
        }
        thread::sleep(TICK);
    }

    send(group, SIGKILL);
    child.wait()?;
    Ok(())
}

/// Sends a signal to a process group; says whether anybody was there to receive it.
fn send(group: u32, signal: i32) -> bool {
    // The shell's own `kill`: small systems have no other, and the call itself would be `unsafe`.
    let status = Command::new("sh")
        .args(["-c", r#"kill -s "$1" -- "-$2""#, "sh"])
        .args([signal.to_string(), group.to_string()])
        .stderr(Stdio::null())
        .process_group(0)
        .status();
    status.is_ok_and(|status| status.success())
}
