//! What a missing cell becomes: the median of the file, or the mean of its category. Whole numbers all
//! the way, each rounded half up once, at the end.

use std::fs::File;
use std::io::{self, BufReader, BufWriter, Seek as _, SeekFrom, Write as _};

/// The median of any number of whole numbers that are not negative.
///
/// They wait in a file of eight bytes each, and the one in the middle is found sixteen bits at a time by
/// counting how many numbers begin with each of 65,536 values: four readings and half a megabyte,
/// however many there are and however they are spread. (Counting the different amounts instead would
/// need memory for each of them, and an approximation would be none of the file's own prices.)
pub struct Median {
    file: BufWriter<File>,
    count: u64,
}

impl Median {
    pub fn new() -> io::Result<Self> {
        Ok(Self { file: BufWriter::new(tempfile::tempfile()?), count: 0 })
    }

    /// Takes a number that is not negative.
    pub fn push(&mut self, number: i64) -> io::Result<()> {
        self.count += 1;
        self.file.write_all(&number.cast_unsigned().to_le_bytes())
    }

    /// The number in the middle, or the mean of the two there; none of nothing.
    pub fn find(self) -> io::Result<Option<i64>> {
        if self.count == 0 {
            return Ok(None);
        }
        let file = self.file.into_inner().map_err(io::IntoInnerError::into_error)?;
        let lower = ranked(&file, (self.count - 1) / 2)?;
        let upper = if self.count % 2 == 1 { lower } else { ranked(&file, self.count / 2)? };
        Ok(mean(i128::from(lower) + i128::from(upper), 2))
    }
}

/// The number with a rank, from 0.
fn ranked(mut file: &File, mut rank: u64) -> io::Result<i64> {
    let mut known: u64 = 0;
    for shift in [48, 32, 16, 0] {
        let mut counts = vec![0_u64; 1 << 16];
        file.seek(SeekFrom::Start(0))?;
        let mut reader = BufReader::with_capacity(64 * 1024, file);
        let mut bytes = [0; 8];
        while read_whole(&mut reader, &mut bytes)? {
            let number = u64::from_le_bytes(bytes);
            if number.checked_shr(shift + 16).unwrap_or(0) == known {
                counts[usize::try_from(number >> shift & 0xffff).unwrap_or_default()] += 1;
            }
        }
        for (value, count) in (0_u64..).zip(&counts) {
            if rank < *count {
                known = known << 16 | value;
                break;
            }
            rank -= count;
        }
    }
    Ok(known.cast_signed())
}

fn read_whole(reader: &mut impl io::Read, bytes: &mut [u8; 8]) -> io::Result<bool> {
    match reader.read_exact(bytes) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(false),
        Err(error) => Err(error),
    }
}

/// A sum and how many it is the sum of.
#[derive(Debug, Clone, Copy, Default)]
pub struct Mean {
    sum: i128,
    count: i128,
}

impl Mean {
    pub fn push(&mut self, number: i64) {
        self.sum += i128::from(number);
        self.count += 1;
    }

    /// None of nothing.
    pub fn find(self) -> Option<i64> {
        mean(self.sum, self.count)
    }
}

/// A sum of numbers that are not negative by how many they are, rounded half up.
fn mean(sum: i128, count: i128) -> Option<i64> {
    if count == 0 { None } else { i64::try_from((2 * sum + count) / (2 * count)).ok() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_the_one_in_the_middle_or_between_the_two() {
        for (numbers, expected) in [
            (&[][..], None),
            (&[7][..], Some(7)),
            (&[3, 1][..], Some(2)),
            (&[1, 2][..], Some(2)),
            (&[9, 1, 5][..], Some(5)),
            (&[0, 0, 10, 11][..], Some(5)),
            (&[1 << 40, 3, 1 << 50][..], Some(1 << 40)),
            (&[70_000, 70_001, 70_002, 1][..], Some(70_001)),
            (&[5, 5, 5, 5, 1][..], Some(5)),
        ] {
            let mut median = Median::new().unwrap();
            for number in numbers {
                median.push(*number).unwrap();
            }
            assert_eq!(median.find().unwrap(), expected, "{numbers:?}");
        }
    }

    #[test]
    fn a_mean_is_rounded_half_up_once() {
        for (numbers, expected) in
            [(&[][..], None), (&[400, 401][..], Some(401)), (&[1, 1, 2][..], Some(1)), (&[1, 2, 2][..], Some(2))]
        {
            let mut mean = Mean::default();
            for number in numbers {
                mean.push(*number);
            }
            assert_eq!(mean.find(), expected, "{numbers:?}");
        }
    }
}
