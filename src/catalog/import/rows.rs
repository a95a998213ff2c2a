//! Reading the rows of a file: separators, the mark that some programs put first, encodings, line numbers.

use std::cell::Cell;
use std::io::{self, BufRead as _, BufReader, Read};
use std::rc::Rc;

use super::ImportError;

/// A row that is longer is no row, but a quotation mark that was never closed.
const LONGEST_ROW: u64 = 1024 * 1024;
/// More columns are no table of products.
const MOST_COLUMNS: usize = 1_000;

/// The rows of a file.
pub struct Rows<R: Read> {
    reader: csv::Reader<Guarded<BufReader<R>>>,
    since_row: Rc<Cell<u64>>,
    /// The headers.
    pub headers: Vec<String>,
    record: csv::ByteRecord,
}

/// A row as it stands in the file.
pub struct Row<'r> {
    /// The line that it begins on, from 1.
    pub line: u64,
    record: &'r csv::ByteRecord,
}

impl<R: Read> Rows<R> {
    /// Opens a file and reads its headers.
    pub fn open(file: R) -> Result<Self, ImportError> {
        let mut file = BufReader::with_capacity(64 * 1024, file);
        let start = file.fill_buf().map_err(|error| ImportError::Unreadable(error.to_string()))?;
        if start.starts_with(&[0xff, 0xfe]) || start.starts_with(&[0xfe, 0xff]) {
            return Err(ImportError::Encoding { line: 1 });
        }
        let delimiter = delimiter(start);
        let since_row = Rc::new(Cell::new(0));
        let guarded = Guarded { inner: file, since_row: since_row.clone(), after_return: false, ended: true };
        let mut reader =
            csv::ReaderBuilder::new().has_headers(false).flexible(true).delimiter(delimiter).from_reader(guarded);
        let mut record = csv::ByteRecord::new();
        if !reader.read_byte_record(&mut record).map_err(|error| unreadable(&error))? {
            return Err(ImportError::Empty);
        }
        if record.len() > MOST_COLUMNS {
            return Err(ImportError::Unreadable(format!("it has more than {MOST_COLUMNS} columns")));
        }
        let headers = record
            .iter()
            .map(|cell| std::str::from_utf8(cell).map(|text| text.trim().to_owned()))
            .collect::<Result<_, _>>()
            .map_err(|_| ImportError::Encoding { line: 1 })?;
        Ok(Self { reader, since_row, headers, record })
    }

    /// The next row that is not empty.
    pub fn next(&mut self) -> Result<Option<Row<'_>>, ImportError> {
        loop {
            self.since_row.set(0);
            if !self.reader.read_byte_record(&mut self.record).map_err(|error| unreadable(&error))? {
                return Ok(None);
            }
            if self.record.iter().any(|cell| !cell.trim_ascii().is_empty()) {
                break;
            }
        }
        // The reader stands behind the end of the row; the row may have begun lines before.
        let inside = self.record.as_slice().iter().filter(|byte| **byte == b'\n').count() as u64;
        let line = self.reader.position().line().saturating_sub(1 + inside);
        Ok(Some(Row { line, record: &self.record }))
    }
}

impl Row<'_> {
    /// A cell; empty where the row is too short.
    ///
    /// # Errors
    /// [`ImportError::Encoding`] when it is not UTF-8: the whole file is then something else.
    pub fn cell(&self, place: usize) -> Result<&str, ImportError> {
        let bytes = self.record.get(place).unwrap_or_default();
        std::str::from_utf8(bytes).map_err(|_| ImportError::Encoding { line: self.line })
    }

    /// How many cells the row has.
    pub fn len(&self) -> usize {
        self.record.len()
    }
}

/// The sign that stands most often in the first line.
fn delimiter(start: &[u8]) -> u8 {
    let line = start.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let count = |sign: u8| line.iter().filter(|byte| **byte == sign).count();
    // The comma last: of equals, `max_by_key` takes the last.
    b"\t;,".iter().copied().max_by_key(|sign| count(*sign)).unwrap_or(b',')
}

fn unreadable(error: &csv::Error) -> ImportError {
    ImportError::Unreadable(error.to_string())
}

/// Makes every end of a line the same, so that lines can be counted, puts one at the end of the file, and
/// refuses to go on for ever in search of the end of a row.
struct Guarded<R> {
    inner: R,
    since_row: Rc<Cell<u64>>,
    /// The last sign was a carriage return, which was passed on as the end of a line.
    after_return: bool,
    /// What was passed on last was the end of a line.
    ended: bool,
}

impl<R: Read> Read for Guarded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        loop {
            let read = self.inner.read(buffer)?;
            let total = self.since_row.get() + read as u64;
            self.since_row.set(total);
            if total > LONGEST_ROW {
                return Err(io::Error::other("a row is longer than 1 MiB; is a quotation mark missing?"));
            }
            if read == 0 && !self.ended {
                self.ended = true;
                buffer[0] = b'\n';
                return Ok(1);
            }
            let kept = self.unify(&mut buffer[..read]);
            if kept > 0 || read == 0 {
                return Ok(kept);
            }
        }
    }
}

impl<R> Guarded<R> {
    /// Turns `\r\n` and `\r` into `\n` in place; returns how many bytes are left.
    fn unify(&mut self, bytes: &mut [u8]) -> usize {
        let mut kept = 0;
        for at in 0..bytes.len() {
            let byte = bytes[at];
            let second_half = byte == b'\n' && self.after_return;
            self.after_return = byte == b'\r';
            if !second_half {
                bytes[kept] = if byte == b'\r' { b'\n' } else { byte };
                kept += 1;
            }
        }
        if kept > 0 {
            self.ended = bytes[kept - 1] == b'\n';
        }
        kept
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(file: &[u8]) -> Result<Vec<(u64, String)>, ImportError> {
        let mut rows = Rows::open(file)?;
        let mut seen = Vec::new();
        while let Some(row) = rows.next()? {
            seen.push((row.line, row.cell(0)?.to_owned()));
        }
        Ok(seen)
    }

    #[test]
    fn rows_are_counted_by_the_lines_that_they_begin_on() {
        let file = b"\xef\xbb\xbfname,price\r\n\"Two\nlines\",1\r\n\r\nTea,2\r\n,\r\nSalt,3";
        let seen = lines(file).unwrap();
        assert_eq!(seen, [(2, "Two\nlines".to_owned()), (5, "Tea".to_owned()), (7, "Salt".to_owned())]);
        assert_eq!(Rows::open(&file[..]).unwrap().headers, ["name", "price"]);
        assert_eq!(lines(b"name\rTea\r\rSalt").unwrap(), [(2, "Tea".to_owned()), (4, "Salt".to_owned())]);
        assert_eq!(lines(b"name\nTea\n\n\"Sa\n\nlt\"\nDal\n").unwrap().last(), Some(&(7, "Dal".to_owned())));
    }

    #[test]
    fn semicolons_and_tabs_are_seen() {
        assert_eq!(Rows::open(&b"name;price\nTea, green;1"[..]).unwrap().headers, ["name", "price"]);
        assert_eq!(lines(b"name\tprice\nTea, green\t1").unwrap(), [(2, "Tea, green".to_owned())]);
    }

    #[test]
    fn other_encodings_are_refused_with_the_line() {
        assert!(matches!(lines(b"\xff\xfen\0a\0"), Err(ImportError::Encoding { line: 1 })));
        assert!(matches!(lines(b"name\nTea\nCaf\xe9"), Err(ImportError::Encoding { line: 3 })));
        assert!(matches!(lines(b""), Err(ImportError::Empty)));
    }

    #[test]
    fn a_quotation_mark_that_is_never_closed_ends_the_reading() {
        let mut file = b"name\n\"".to_vec();
        file.resize(3 * 1024 * 1024, b'x');
        assert!(matches!(lines(&file), Err(ImportError::Unreadable(_))));
    }
}
