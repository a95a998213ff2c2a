//! Cutting texts into the words that search looks for.
//!
//! Words are cut here, by Unicode's rules, and not by an engine, so that both engines find the same
//! and Devanagari stays whole.

use unicode_normalization::UnicodeNormalization as _;
use unicode_segmentation::UnicodeSegmentation as _;

/// How many of the typed words must match; more only narrow what is already narrow.
pub const MOST_TYPED: usize = 5;
/// Longer words are cut off: nobody types them, and an index entry should stay small.
const LONGEST: usize = 40;
/// A text gives no more words than this.
const MOST: usize = 60;

/// A text in the form that is compared: composed the same way, in small letters, with single spaces.
pub fn fold(text: &str) -> String {
    if is_plain(text) {
        return text.to_ascii_lowercase();
    }
    let folded: String = text.nfkc().flat_map(char::to_lowercase).collect();
    folded.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Nothing to compose and no spaces to make single: most names in a large file are so.
fn is_plain(text: &str) -> bool {
    let mut before = b' ';
    for byte in text.bytes() {
        if !byte.is_ascii() || byte.is_ascii_control() || (byte == b' ' && before == b' ') {
            return false;
        }
        before = byte;
    }
    before != b' '
}

/// The words of a text, folded, in order.
pub fn cut(text: &str) -> Vec<String> {
    fold(text).unicode_words().take(MOST).map(shorten).collect()
}

/// The words of a product, each once and sorted: those of its texts, and its codes as they stand.
pub fn of_product<'a>(
    texts: impl IntoIterator<Item = &'a str>,
    codes: impl IntoIterator<Item = &'a str>,
) -> Vec<String> {
    let mut words: Vec<String> = texts.into_iter().flat_map(cut).collect();
    for code in codes {
        words.extend(cut(code));
        let whole = fold(code);
        if !whole.is_empty() {
            words.push(shorten(&whole));
        }
    }
    words.sort_unstable();
    words.dedup();
    words
}

/// The typed words that must match, the longest first because it narrows most.
pub fn typed(question: &str) -> Vec<String> {
    let mut words = cut(question);
    words.truncate(MOST_TYPED);
    words.sort_by_key(|word| std::cmp::Reverse(word.len()));
    words.dedup();
    words
}

/// The end of the range of words that begin with a word.
pub fn range_end(word: &str) -> String {
    format!("{word}\u{10ffff}")
}

fn shorten(word: &str) -> String {
    word.chars().take(LONGEST).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_folded_and_cut_by_the_rules_of_unicode() {
        assert_eq!(cut("Amul  BUTTER, 500g (Pack-of-2)"), ["amul", "butter", "500g", "pack", "of", "2"]);
        assert_eq!(cut("ＡＭＵＬ ﬁne"), ["amul", "fine"]);
        assert_eq!(cut("!!! ... —"), Vec::<String>::new());
        for (text, folded) in
            [("Green TEA", "green tea"), (" a", "a"), ("a ", "a"), ("a  b", "a b"), ("", ""), ("a\tb", "a b")]
        {
            assert_eq!(fold(text), folded, "{text:?}");
        }
    }

    #[test]
    fn devanagari_words_stay_whole() {
        assert_eq!(cut("हल्दी पाउडर १०० ग्राम"), ["हल्दी", "पाउडर", "१००", "ग्राम"]);
        // The same word written with a precomposed letter and with a sign of its own.
        assert_eq!(cut("\u{0958}लम"), cut("\u{0915}\u{093c}लम"));
    }

    #[test]
    fn a_product_is_found_by_its_codes_whole_and_in_parts() {
        let words = of_product(["Tea", "Tea Tata"], ["TEA-01/B", "8904000210037"]);
        assert_eq!(words, ["01", "8904000210037", "b", "tata", "tea", "tea-01/b"]);
    }

    #[test]
    fn at_most_five_typed_words_count_and_the_longest_comes_first() {
        assert_eq!(typed("a toor dal of one kilogram"), ["toor", "dal", "one", "of", "a"]);
    }
}
