//! The rows that were read, waiting in a file for their medians and for the database.

use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read as _, Seek as _, SeekFrom, Write as _};

/// What stands before the texts of a row.
const HEAD: usize = 2 + 2 + 4 + 4 * 8;

/// A row as it was read; what its file leaves out is none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Staged {
    pub sku: String,
    pub name: String,
    /// The place of its category among those of the file.
    pub category: u32,
    pub price: Option<i64>,
    pub sold: Option<i64>,
    pub rating: Option<i64>,
    pub reviews: i64,
}

/// Takes rows.
pub struct Stage {
    file: BufWriter<File>,
    rows: u32,
}

/// Rows that can be read any number of times.
pub struct Rows {
    file: File,
    pub count: u32,
}

impl Stage {
    pub fn new() -> io::Result<Self> {
        Ok(Self { file: BufWriter::with_capacity(256 * 1024, tempfile::tempfile()?), rows: 0 })
    }

    /// The number that the next row gets.
    pub fn next_row(&self) -> u32 {
        self.rows
    }

    /// Takes a row; what is missing is below zero.
    pub fn push(&mut self, sku: &str, name: &str, category: u32, numbers: [i64; 4]) -> io::Result<()> {
        let length = |text: &str| u16::try_from(text.len()).map_err(|_| io::Error::other("a text is too long"));
        self.file.write_all(&length(sku)?.to_le_bytes())?;
        self.file.write_all(&length(name)?.to_le_bytes())?;
        self.file.write_all(&category.to_le_bytes())?;
        for number in numbers {
            self.file.write_all(&number.to_le_bytes())?;
        }
        self.file.write_all(sku.as_bytes())?;
        self.file.write_all(name.as_bytes())?;
        self.rows = self.rows.checked_add(1).ok_or_else(|| io::Error::other("there are too many rows"))?;
        Ok(())
    }

    pub fn finish(self) -> io::Result<Rows> {
        let file = self.file.into_inner().map_err(io::IntoInnerError::into_error)?;
        Ok(Rows { file, count: self.rows })
    }
}

impl Rows {
    /// Reads all rows from the start.
    pub fn read(&self) -> io::Result<Reader<'_>> {
        (&self.file).seek(SeekFrom::Start(0))?;
        Ok(Reader { file: BufReader::with_capacity(256 * 1024, &self.file), left: self.count })
    }
}

/// Reads rows.
pub struct Reader<'s> {
    file: BufReader<&'s File>,
    left: u32,
}

impl Reader<'_> {
    pub fn next(&mut self) -> io::Result<Option<Staged>> {
        if self.left == 0 {
            return Ok(None);
        }
        self.left -= 1;
        let mut head = [0; HEAD];
        self.file.read_exact(&mut head)?;
        let short = |at: usize| usize::from(u16::from_le_bytes([head[at], head[at + 1]]));
        let (sku, name) = (self.text(short(0))?, self.text(short(2))?);
        let number = |at: usize| {
            let mut bytes = [0; 8];
            bytes.copy_from_slice(&head[8 + 8 * at..][..8]);
            i64::from_le_bytes(bytes)
        };
        let known = |at: usize| Some(number(at)).filter(|number| *number >= 0);
        Ok(Some(Staged {
            sku,
            name,
            category: u32::from_le_bytes([head[4], head[5], head[6], head[7]]),
            price: known(0),
            sold: known(1),
            rating: known(2),
            reviews: number(3),
        }))
    }

    fn text(&mut self, length: usize) -> io::Result<String> {
        let mut bytes = vec![0; length];
        self.file.read_exact(&mut bytes)?;
        String::from_utf8(bytes).map_err(io::Error::other)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_come_back_as_they_were_as_often_as_asked() {
        let mut stage = Stage::new().unwrap();
        stage.push("A-1", "चाय", 3, [1250, -1, 0, 7]).unwrap();
        stage.push("B", "", 0, [-1, 4, -1, 0]).unwrap();
        let rows = stage.finish().unwrap();
        for _ in 0..2 {
            let mut reader = rows.read().unwrap();
            let tea = reader.next().unwrap().unwrap();
            assert_eq!((tea.sku.as_str(), tea.name.as_str(), tea.category), ("A-1", "चाय", 3));
            assert_eq!((tea.price, tea.sold, tea.rating, tea.reviews), (Some(1250), None, Some(0), 7));
            assert_eq!(reader.next().unwrap().unwrap().sold, Some(4));
            assert_eq!(reader.next().unwrap(), None);
        }
    }
}
