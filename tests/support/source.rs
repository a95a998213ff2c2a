//! The program's own source, for tests that look at how it is built.

use std::path::{Path, PathBuf};

/// A file under `src/`.
#[derive(Debug, Clone)]
pub struct Source {
    /// Its path from the root of the project: `src/stock/actions.rs`.
    pub path: String,
    /// Its text.
    pub text: String,
}

/// A piece of a source text; comments are left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    /// The line that it begins on, from 1.
    pub line: usize,
    /// What it is.
    pub kind: Kind,
    /// A word, one sign, or what stands between the quotes.
    pub text: String,
}

/// What a token is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Word,
    Sign,
    Text,
}

impl Source {
    /// Where it stands in the tree of modules: `["stock", "actions"]`.
    pub fn module(&self) -> Vec<String> {
        let path = self.path.strip_prefix("src/").unwrap_or(&self.path);
        let path = path.strip_suffix(".rs").unwrap_or(path);
        let path = path.strip_suffix("/mod").unwrap_or(path);
        if path == "lib" { Vec::new() } else { path.split('/').map(str::to_owned).collect() }
    }

    /// The tokens of the program itself: unit tests stand at the end of a file and are left out.
    pub fn tokens(&self) -> Vec<Token> {
        let text = self.text.find("#[cfg(test)]").map_or(self.text.as_str(), |tests| &self.text[..tests]);
        tokens(text)
    }
}

/// All files under `src/`, in order.
pub fn sources() -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut found = Vec::new();
    walk(&root.join("src"), &mut found);
    found.sort();
    assert!(found.len() > 20, "the source is where it is looked for");
    let read = |path: PathBuf| Source {
        text: std::fs::read_to_string(&path).unwrap(),
        path: path.strip_prefix(root).unwrap().to_str().unwrap().to_owned(),
    };
    found.into_iter().map(read).collect()
}

fn walk(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            walk(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

/// Cuts a source text into tokens.
pub fn tokens(text: &str) -> Vec<Token> {
    let mut reader = Reader { rest: text, line: 1 };
    let mut tokens = Vec::new();
    while let Some(first) = reader.rest.chars().next() {
        let line = reader.line;
        let (kind, text) = if reader.rest.starts_with("//") {
            reader.take_while(|c| c != '\n');
            continue;
        } else if reader.rest.starts_with("/*") {
            reader.skip_block();
            continue;
        } else if let Some(text) = reader.raw_text() {
            (Kind::Text, text)
        } else if first == '"' || reader.rest.starts_with("b\"") || reader.rest.starts_with("c\"") {
            (Kind::Text, reader.quoted())
        } else if first == '\'' {
            reader.skip_letter_or_lifetime();
            continue;
        } else if first.is_alphabetic() || first == '_' {
            (Kind::Word, reader.take_while(|c| c.is_alphanumeric() || c == '_').to_owned())
        } else {
            (Kind::Sign, reader.take(first.len_utf8()).to_owned())
        };
        if kind != Kind::Sign || !text.trim().is_empty() {
            tokens.push(Token { line, kind, text });
        }
    }
    tokens
}

struct Reader<'t> {
    rest: &'t str,
    line: usize,
}

impl<'t> Reader<'t> {
    fn take(&mut self, bytes: usize) -> &'t str {
        let (taken, rest) = self.rest.split_at(bytes);
        self.line += taken.matches('\n').count();
        self.rest = rest;
        taken
    }

    fn take_while(&mut self, wanted: impl Fn(char) -> bool) -> &'t str {
        let end = self.rest.find(|c| !wanted(c)).unwrap_or(self.rest.len());
        self.take(end)
    }

    fn skip_block(&mut self) {
        let mut depth = 0;
        loop {
            if self.rest.starts_with("/*") {
                depth += 1;
                self.take(2);
            } else if self.rest.starts_with("*/") {
                depth -= 1;
                self.take(2);
            } else {
                let Some(c) = self.rest.chars().next() else { return };
                self.take(c.len_utf8());
            }
            if depth == 0 {
                return;
            }
        }
    }

    /// `r"..."`, `br#"..."#`, if one begins here.
    fn raw_text(&mut self) -> Option<String> {
        let start = ["r", "br", "cr"].iter().find_map(|prefix| self.rest.strip_prefix(prefix))?;
        let hashes = start.len() - start.trim_start_matches('#').len();
        let inner = start[hashes..].strip_prefix('"')?;
        let close = format!("\"{}", "#".repeat(hashes));
        let end = inner.find(&close)?;
        let text = inner[..end].to_owned();
        self.take(self.rest.len() - inner.len() + end + close.len());
        Some(text)
    }

    fn quoted(&mut self) -> String {
        let start = self.rest.find('"').unwrap_or_default() + 1;
        let mut end = start;
        let bytes = self.rest.as_bytes();
        while end < bytes.len() && bytes[end] != b'"' {
            end += if bytes[end] == b'\\' { 2 } else { 1 };
        }
        let text = self.rest[start..end.min(self.rest.len())].to_owned();
        self.take((end + 1).min(self.rest.len()));
        text
    }

    fn skip_letter_or_lifetime(&mut self) {
        let mut letters = self.rest.chars().skip(1);
        match (letters.next(), letters.next()) {
            (Some('\\'), _) => {
                let end = self.rest[3..].find('\'').map_or(self.rest.len(), |end| end + 4);
                self.take(end);
            }
            (Some(c), Some('\'')) => {
                self.take(c.len_utf8() + 2);
            }
            _ => {
                self.take(1);
                self.take_while(|c| c.is_alphanumeric() || c == '_');
            }
        }
    }
}

#[test]
fn a_text_is_cut_into_words_signs_and_quoted_texts() {
    let text = "// use a;\nlet x: &'a str = r#\"say \"use b\"\"#; /* c /* d */ */\nf('\\'', '\"', \"e\\\"\")";
    let cut: Vec<(usize, String)> = tokens(text).into_iter().map(|token| (token.line, token.text)).collect();
    let words: Vec<&str> = cut.iter().map(|(_, text)| text.as_str()).collect();
    assert_eq!(words, ["let", "x", ":", "&", "str", "=", "say \"use b\"", ";", "f", "(", ",", ",", "e\\\"", ")"]);
    assert_eq!((cut[0].0, cut[8].0), (2, 3));
}
