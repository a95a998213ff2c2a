//! The texts of the pages in each language, embedded when the program is built.

use std::collections::HashMap;
use std::sync::LazyLock;

crate::words! {
    /// A language that the pages speak.
    pub enum Lang {
        /// English.
        English = "en",
        /// Hindi.
        Hindi = "hi",
    }
}

/// The texts of one language.
type Texts = HashMap<String, String>;

static ENGLISH: LazyLock<Texts> = LazyLock::new(|| read(include_str!("../../locales/en.toml")));
static HINDI: LazyLock<Texts> = LazyLock::new(|| read(include_str!("../../locales/hi.toml")));

fn read(text: &str) -> Texts {
    toml::from_str(text).expect("a test reads the embedded texts")
}

impl Lang {
    fn texts(self) -> &'static Texts {
        match self {
            Self::English => &ENGLISH,
            Self::Hindi => &HINDI,
        }
    }

    /// The text of a key; the key itself when there is none, which a test keeps from happening.
    pub fn text(self, key: &str) -> &str {
        self.find(key).unwrap_or(key)
    }

    /// The text of a key, if there is one.
    pub fn find(self, key: &str) -> Option<&'static str> {
        self.texts().get(key).map(String::as_str)
    }

    /// All texts whose key begins so, for a page that shows them by script.
    pub fn texts_of(self, prefix: &str) -> Vec<(&'static str, &'static str)> {
        let texts = self.texts().iter().filter(|(key, _)| key.starts_with(prefix));
        texts.map(|(key, text)| (key.as_str(), text.as_str())).collect()
    }

    /// The first of our languages that a browser's `Accept-Language` names, by its own order of preference.
    pub fn preferred(accepted: &str) -> Option<Self> {
        let mut best: Option<(Self, u32)> = None;
        for wish in accepted.split(',') {
            let mut parts = wish.split(';');
            let tag = parts.next().unwrap_or_default().trim();
            let Some(lang) = Self::from_word(tag.split('-').next().unwrap_or_default()) else { continue };
            let weight = parts.find_map(|part| part.trim().strip_prefix("q=")).map_or(1000, thousandths);
            if weight > 0 && best.is_none_or(|(_, found)| weight > found) {
                best = Some((lang, weight));
            }
        }
        best.map(|(lang, _)| lang)
    }
}

/// A weight between 0 and 1 with up to three decimals, in thousandths.
fn thousandths(text: &str) -> u32 {
    match text.trim().split_once('.') {
        None if text.trim() == "1" => 1000,
        None => 0,
        Some(("1", _)) => 1000,
        Some((_, decimals)) => format!("{decimals:0<3}").get(..3).and_then(|text| text.parse().ok()).unwrap_or(0),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::fs;
    use std::path::{Path, PathBuf};

    use super::*;

    fn keys(lang: Lang) -> BTreeSet<&'static str> {
        lang.texts().keys().map(String::as_str).collect()
    }

    fn files(folder: &Path, found: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() { files(&path, found) } else { found.push(path) }
        }
    }

    /// The literal first arguments of `.t(`, `.t1(` and `.text(` in templates and sources.
    fn used() -> BTreeSet<(String, String)> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let mut paths = Vec::new();
        files(&root.join("templates"), &mut paths);
        files(&root.join("src"), &mut paths);
        let mut used = BTreeSet::new();
        for path in paths.iter().filter(|path| path.extension().is_some_and(|ext| ext == "html" || ext == "rs")) {
            let text = fs::read_to_string(path).unwrap();
            for call in [".t(\"", ".t1(\"", ".text(\""] {
                for (at, _) in text.match_indices(call) {
                    let key = text[at + call.len()..].split('"').next().unwrap();
                    used.insert((key.to_owned(), path.display().to_string()));
                }
            }
        }
        used
    }

    #[test]
    fn every_language_has_the_same_keys_and_a_place_where_the_other_has_one() {
        assert_eq!(keys(Lang::English), keys(Lang::Hindi));
        for key in keys(Lang::English) {
            let places = |lang: Lang| lang.text(key).matches("{name}").count();
            assert_eq!(places(Lang::English), places(Lang::Hindi), "{key}");
        }
    }

    #[test]
    fn every_text_that_is_asked_for_exists() {
        let known = keys(Lang::English);
        let used = used();
        assert!(used.len() > 50, "the search for keys finds too few: {}", used.len());
        for (key, path) in used {
            assert!(known.contains(key.as_str()), "{path} asks for {key}, which no language has");
        }
    }

    #[test]
    fn the_browser_is_answered_in_the_language_it_likes_best() {
        for (accepted, lang) in [
            ("hi-IN,hi;q=0.9,en;q=0.8", Some(Lang::Hindi)),
            ("en-US,en;q=0.5", Some(Lang::English)),
            ("fr, en;q=0.3, hi;q=0.7", Some(Lang::Hindi)),
            ("hi;q=0, en;q=0.1", Some(Lang::English)),
            ("fr-FR", None),
            ("", None),
        ] {
            assert_eq!(Lang::preferred(accepted), lang, "{accepted}");
        }
    }
}
