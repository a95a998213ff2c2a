//! Sorting more texts than memory holds: runs are sorted in memory, put into a file, and merged while
//! they are read.

use std::cmp::Ordering;
use std::collections::BinaryHeap;
use std::collections::binary_heap::PeekMut;
use std::fs::File;
use std::io::{self, Write as _};
use std::os::unix::fs::FileExt as _;

/// How many texts are sorted at once.
const RUN: usize = 256 * 1024;
/// How many bytes they may have together.
const RUN_BYTES: usize = 4 * 1024 * 1024;
/// How much of each run is in memory while they are merged.
const WINDOW: usize = 32 * 1024;
/// The length of a text and the number of its row, before the text.
const HEAD: usize = 6;

/// Takes texts, each with the number of its row.
pub struct Sorter {
    bytes: Vec<u8>,
    entries: Vec<Entry>,
    sorted: Sorted,
    /// Where the next run begins in the file.
    end: u64,
    encoded: Vec<u8>,
}

/// Texts in order, those that are equal by their rows. They can be read any number of times.
pub struct Sorted {
    file: File,
    /// Where each run begins and ends.
    runs: Vec<(u64, u64)>,
}

#[derive(Clone, Copy)]
struct Entry {
    /// The first eight bytes, which decide nearly always.
    prefix: u64,
    start: u32,
    length: u16,
    row: u32,
}

impl Sorter {
    pub fn new() -> io::Result<Self> {
        let sorted = Sorted { file: tempfile::tempfile()?, runs: Vec::new() };
        Ok(Self { bytes: Vec::new(), entries: Vec::new(), sorted, end: 0, encoded: Vec::new() })
    }

    /// Takes a text of at most 64 KiB.
    pub fn push(&mut self, text: &[u8], row: u32) -> io::Result<()> {
        if self.entries.len() >= RUN || self.bytes.len() + text.len() > RUN_BYTES {
            self.flush()?;
        }
        let length = u16::try_from(text.len()).map_err(|_| io::Error::other("a text is too long to be sorted"))?;
        let start = u32::try_from(self.bytes.len()).map_err(|_| io::Error::other("a run is too long"))?;
        let mut prefix = [0; 8];
        let known = text.len().min(8);
        prefix[..known].copy_from_slice(&text[..known]);
        self.bytes.extend_from_slice(text);
        self.entries.push(Entry { prefix: u64::from_be_bytes(prefix), start, length, row });
        Ok(())
    }

    pub fn finish(mut self) -> io::Result<Sorted> {
        self.flush()?;
        Ok(self.sorted)
    }

    fn flush(&mut self) -> io::Result<()> {
        if self.entries.is_empty() {
            return Ok(());
        }
        let bytes = &self.bytes;
        let text = |entry: &Entry| &bytes[entry.start as usize..][..usize::from(entry.length)];
        self.entries.sort_unstable_by(|a, b| {
            a.prefix.cmp(&b.prefix).then_with(|| text(a).cmp(text(b))).then_with(|| a.row.cmp(&b.row))
        });
        let begin = self.end;
        for entry in &self.entries {
            self.encoded.extend_from_slice(&entry.length.to_le_bytes());
            self.encoded.extend_from_slice(&entry.row.to_le_bytes());
            self.encoded.extend_from_slice(text(entry));
            if self.encoded.len() >= WINDOW {
                (&self.sorted.file).write_all(&self.encoded)?;
                self.end += self.encoded.len() as u64;
                self.encoded.clear();
            }
        }
        (&self.sorted.file).write_all(&self.encoded)?;
        self.end += self.encoded.len() as u64;
        self.encoded.clear();
        self.sorted.runs.push((begin, self.end));
        self.entries.clear();
        self.bytes.clear();
        Ok(())
    }
}

impl Sorted {
    /// Reads all texts from the start.
    pub fn merge(&self) -> io::Result<Merge<'_>> {
        let mut heads = BinaryHeap::new();
        for (begin, end) in &self.runs {
            let mut head =
                Head { file: &self.file, at: *begin, end: *end, window: Vec::new(), place: 0, row: 0, text: 0..0 };
            if head.step()? {
                heads.push(head);
            }
        }
        Ok(Merge { heads, started: false })
    }
}

/// Reads sorted texts.
pub struct Merge<'s> {
    heads: BinaryHeap<Head<'s>>,
    started: bool,
}

impl Merge<'_> {
    /// The next text with its row.
    pub fn next(&mut self) -> io::Result<Option<(&[u8], u32)>> {
        if self.started
            && let Some(mut least) = self.heads.peek_mut()
            && !least.step()?
        {
            PeekMut::pop(least);
        }
        self.started = true;
        Ok(self.heads.peek().map(|head| (head.text(), head.row)))
    }
}

/// How far a run has been read, and its next text.
struct Head<'s> {
    file: &'s File,
    at: u64,
    end: u64,
    window: Vec<u8>,
    place: usize,
    row: u32,
    text: std::ops::Range<usize>,
}

impl Head<'_> {
    fn text(&self) -> &[u8] {
        &self.window[self.text.clone()]
    }

    /// Goes on to the next text; false at the end of the run.
    fn step(&mut self) -> io::Result<bool> {
        if !self.hold(HEAD)? {
            return Ok(false);
        }
        let head = &self.window[self.place..][..HEAD];
        let length = usize::from(u16::from_le_bytes([head[0], head[1]]));
        self.row = u32::from_le_bytes([head[2], head[3], head[4], head[5]]);
        if !self.hold(HEAD + length)? {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.text = self.place + HEAD..self.place + HEAD + length;
        self.place = self.text.end;
        Ok(true)
    }

    /// Has so many bytes in memory, unless the run ends before.
    fn hold(&mut self, wanted: usize) -> io::Result<bool> {
        if self.window.len() - self.place >= wanted {
            return Ok(true);
        }
        self.window.drain(..self.place);
        self.place = 0;
        let held = self.window.len();
        let left = usize::try_from(self.end - self.at).unwrap_or(usize::MAX);
        let more = left.min(WINDOW.max(wanted));
        self.window.resize(held + more, 0);
        self.file.read_exact_at(&mut self.window[held..], self.at)?;
        self.at += more as u64;
        Ok(self.window.len() >= wanted)
    }
}

impl Ord for Head<'_> {
    /// The least text is the greatest head, because a heap gives the greatest.
    fn cmp(&self, other: &Self) -> Ordering {
        other.text().cmp(self.text()).then_with(|| other.row.cmp(&self.row))
    }
}

impl PartialOrd for Head<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Head<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Head<'_> {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_than_one_run_comes_out_in_order_as_often_as_asked() {
        let mut sorter = Sorter::new().unwrap();
        let count = u32::try_from(RUN).unwrap() * 2 + 7;
        let text = |row: u32| format!("word {}", row.wrapping_mul(2_654_435_761) % 100_003);
        let mut expected: Vec<(String, u32)> = (0..count).map(|row| (text(row), row)).collect();
        for (text, row) in &expected {
            sorter.push(text.as_bytes(), *row).unwrap();
        }
        expected.sort();
        let sorted = sorter.finish().unwrap();
        assert_eq!(sorted.runs.len(), 3);
        for _ in 0..2 {
            let mut merge = sorted.merge().unwrap();
            for (text, row) in &expected {
                assert_eq!(merge.next().unwrap(), Some((text.as_bytes(), *row)));
            }
            assert_eq!(merge.next().unwrap(), None);
        }
    }

    #[test]
    fn nothing_sorts_to_nothing_and_long_texts_are_whole() {
        assert!(Sorter::new().unwrap().finish().unwrap().merge().unwrap().next().unwrap().is_none());
        let mut sorter = Sorter::new().unwrap();
        let long = vec![b'x'; 60_000];
        sorter.push(&long, 1).unwrap();
        sorter.push(b"", 2).unwrap();
        sorter.push(&long, 0).unwrap();
        let sorted = sorter.finish().unwrap();
        let mut merge = sorted.merge().unwrap();
        for expected in [(&b""[..], 2), (&long[..], 0), (&long[..], 1)] {
            assert_eq!(merge.next().unwrap(), Some(expected));
        }
        assert_eq!(merge.next().unwrap(), None);
    }
}
