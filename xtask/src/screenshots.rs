//! `cargo xtask screenshots`: pictures of the pages, for a person to look at.
//!
//! Chromium opens each page in an empty profile, so it sees what a visitor sees who is not signed
//! in. Scripts find a wider and lower window while the page loads (Chromium opens no window below
//! 500 pixels) and hear of the wanted size by a `resize` event; the picture has that size.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};

use crate::scratch::Scratch;
use crate::{process, tools};

/// The pages, as paths.
const PAGES: &[&str] = &["/login", "/"];

/// Widths and heights in CSS pixels: a cheap phone and a cheap laptop.
const SIZES: [(u32, u32); 2] = [(360, 740), (1366, 860)];

/// Colour schemes, and Chromium's numbers for them.
const SCHEMES: [(&str, u32); 2] = [("light", 1), ("dark", 0)];

/// Languages, and how to ask for them.
const LANGUAGES: [(&str, &str); 2] = [("en", ""), ("hi", "?lang=hi")];

/// How long the server may take for its first answer.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(10);

/// Takes every picture of the server at `url` into the directory `out`, as
/// `<page>-<width>-<scheme>-<language>.png`.
pub(crate) fn run(url: &str, out: &Path) -> Result<ExitCode> {
    let server = url.trim_end_matches('/');
    for page in PAGES {
        must_answer(server, page)?;
    }
    let chromium = tools::chromium()?;
    fs::create_dir_all(out).with_context(|| format!("create {}", out.display()))?;

    for page in PAGES {
        for (width, height) in SIZES {
            for (scheme, number) in SCHEMES {
                for (language, query) in LANGUAGES {
                    let name = page_name(page);
                    let picture = Picture {
                        url: format!("{server}{page}{query}"),
                        file: out.join(format!("{name}-{width}-{scheme}-{language}.png")),
                        size: (width, height),
                        scheme: number,
                    };
                    picture.take(&chromium)?;
                    println!("{}", picture.file.display());
                }
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// One picture to be taken.
struct Picture {
    url: String,
    file: PathBuf,
    size: (u32, u32),
    scheme: u32,
}

impl Picture {
    fn take(&self, chromium: &Path) -> Result<()> {
        // An old picture must not pass for a new one.
        if self.file.exists() {
            fs::remove_file(&self.file)?;
        }
        let profile = Scratch::new("kirana-chromium")?;
        let (width, height) = self.size;

        let mut command = Command::new(chromium);
        command
            .args(["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic"])
            .args(["--no-first-run", "--disable-background-networking"])
            .args(["--disable-component-update", "--disable-sync"])
            .args(["--hide-scrollbars", "--lang=en", "--timeout=20000"])
            .arg(format!("--window-size={width},{height}"))
            .arg(format!("--blink-settings=preferredColorScheme={}", self.scheme))
            .arg(format!("--user-data-dir={}", profile.path().display()))
            .arg(format!("--screenshot={}", self.file.display()))
            .arg(&self.url);
        process::must_quietly(&mut command, &profile.path().join("chromium.log"))?;

        ensure!(self.file.is_file(), "chromium took no picture of {}", self.url);
        Ok(())
    }
}

/// Asks for a page before any picture is taken: Chromium takes pictures of its own error pages
/// and calls that a success.
fn must_answer(server: &str, page: &str) -> Result<()> {
    let host = server.strip_prefix("http://").with_context(|| format!("{server} does not begin with http://"))?;
    let address = if host.contains(':') { host.to_owned() } else { format!("{host}:80") };

    let ask = || -> std::io::Result<String> {
        let mut stream = TcpStream::connect(&address)?;
        stream.set_read_timeout(Some(ANSWER_TIMEOUT))?;
        write!(stream, "GET {page} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n")?;
        let mut line = String::new();
        BufReader::new(stream).read_line(&mut line)?;
        Ok(line)
    };
    let answer = ask().with_context(|| format!("no answer from {server}{page}"))?;

    let status = answer.split(' ').nth(1).unwrap_or_default();
    if !status.starts_with(['2', '3']) {
        bail!("{server}{page} answers {}", answer.trim_end());
    }
    Ok(())
}

/// `/` is `home`, `/orders/new` is `orders-new`.
fn page_name(page: &str) -> String {
    match page.trim_matches('/') {
        "" => "home".to_owned(),
        path => path.replace('/', "-"),
    }
}

#[cfg(test)]
mod tests {
    use super::page_name;

    #[test]
    fn pages_are_named_by_their_paths() {
        assert_eq!(page_name("/"), "home");
        assert_eq!(page_name("/login"), "login");
        assert_eq!(page_name("/orders/new"), "orders-new");
    }
}
