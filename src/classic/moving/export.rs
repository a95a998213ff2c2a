//! Reads what `mongoexport` writes: a document on each line or in an array, pretty-printed or not, in any form of
//! extended JSON, and one document at a time.

use std::cell::Cell as Shared;
use std::io::Read;
use std::rc::Rc;

use serde_json::Value;

use super::record::{Cell, Fields};
use crate::clock::Timestamp;

/// Why an export cannot be read, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExportError {
    /// The line.
    pub line: u64,
    /// What is wrong there.
    pub reason: String,
}

/// A document of an export.
pub struct Document {
    /// The line it begins on.
    pub line: u64,
    /// How many bytes of the file have been read.
    pub read: u64,
    /// What it holds.
    pub fields: Fields,
}

/// Gives the documents of a file to a function.
pub fn walk<E: From<ExportError>>(file: impl Read, mut take: impl FnMut(Document) -> Result<(), E>) -> Result<(), E> {
    let place = Rc::new(Place::default());
    let flat =
        Flat { from: std::io::BufReader::new(file), place: place.clone(), depth: 0, in_text: false, escaped: false };
    // The parser reads byte by byte, so that the place is never further than the document.
    let documents = serde_json::Deserializer::from_reader(flat).into_iter::<Value>();
    for document in documents {
        let document = document.map_err(|error| {
            let cut_off = if error.is_eof() { "; the file seems to be cut off" } else { "" };
            ExportError { line: place.line.get() + 1, reason: format!("this is not JSON: {error}{cut_off}") }
        })?;
        let line = place.began.get() + 1;
        let Value::Object(members) = document else {
            return Err(ExportError { line, reason: "a document stands in braces".to_owned() }.into());
        };
        take(Document { line, read: place.read.get(), fields: fields(members) })?;
    }
    Ok(())
}

#[derive(Default)]
struct Place {
    /// Line ends before what was read last.
    line: Shared<u64>,
    /// Line ends before the last document.
    began: Shared<u64>,
    read: Shared<u64>,
}

/// The documents of an array one behind the other: its brackets and the commas between documents become blanks.
struct Flat<R> {
    from: R,
    place: Rc<Place>,
    depth: u32,
    in_text: bool,
    escaped: bool,
}

impl<R: std::io::BufRead> Read for Flat<R> {
    fn read(&mut self, out: &mut [u8]) -> std::io::Result<usize> {
        // One byte at a time keeps the place exact; the buffer is below.
        let Some(slot) = out.first_mut() else { return Ok(0) };
        let Some(byte) = self.from.fill_buf()?.first().copied() else { return Ok(0) };
        self.from.consume(1);
        self.place.read.set(self.place.read.get() + 1);
        *slot = self.turn(byte);
        Ok(1)
    }
}

impl<R> Flat<R> {
    fn turn(&mut self, byte: u8) -> u8 {
        if byte == b'\n' {
            self.place.line.set(self.place.line.get() + 1);
        }
        if self.in_text {
            let ends = byte == b'"' && !self.escaped;
            self.escaped = byte == b'\\' && !self.escaped;
            self.in_text = !ends;
            return byte;
        }
        match byte {
            b'"' => self.in_text = true,
            b'[' | b']' | b',' if self.depth == 0 => return b' ',
            b'{' | b'[' => {
                if self.depth == 0 {
                    self.place.began.set(self.place.line.get());
                }
                self.depth += 1;
            }
            b'}' | b']' => self.depth = self.depth.saturating_sub(1),
            _ => {}
        }
        byte
    }
}

fn fields(members: serde_json::Map<String, Value>) -> Fields {
    let (names, cells): (Vec<String>, Vec<Cell>) = members.into_iter().map(|(name, value)| (name, cell(value))).unzip();
    Fields { names: names.into(), cells }
}

fn cell(value: Value) -> Cell {
    match value {
        Value::Null => Cell::Null,
        Value::Bool(flag) => Cell::Text(flag.to_string()),
        // The shortest digits that mean the number that the other database held.
        Value::Number(number) => Cell::Text(number.to_string()),
        Value::String(text) => Cell::Text(text),
        Value::Array(values) => Cell::List(
            values
                .into_iter()
                .filter_map(|value| match value {
                    Value::Object(members) => Some(fields(members)),
                    _ => None,
                })
                .collect(),
        ),
        Value::Object(mut members) => {
            let Some((kind, value)) = members.iter().next().map(|(kind, value)| (kind.clone(), value.clone())) else {
                return Cell::Null;
            };
            match (kind.as_str(), value) {
                ("$date", value) => date(value),
                ("$oid" | "$numberInt" | "$numberLong" | "$numberDouble" | "$numberDecimal", Value::String(text)) => {
                    Cell::Text(text)
                }
                ("$undefined", _) => Cell::Null,
                _ => Cell::List(vec![fields(std::mem::take(&mut members))]),
            }
        }
    }
}

/// `{"$date": "2024-01-05T10:00:00Z"}`, or milliseconds since 1970 in one of two forms.
fn date(value: Value) -> Cell {
    let ms = match &value {
        Value::Number(number) => number.as_i64(),
        Value::Object(long) => long.get("$numberLong").and_then(|text| text.as_str()?.parse().ok()),
        Value::String(text) => return Cell::Text(text.clone()),
        _ => None,
    };
    ms.map_or(Cell::Null, |ms| Cell::Text(Timestamp::from_ms(ms).to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn documents(text: &str) -> Result<Vec<String>, ExportError> {
        let mut found = Vec::new();
        walk(text.as_bytes(), |document: Document| {
            let fields = &document.fields;
            found.push(format!(
                "{}: {} {} {}",
                document.line,
                fields.string("_id"),
                fields.string("price"),
                fields.string("at")
            ));
            Ok::<(), ExportError>(())
        })?;
        Ok(found)
    }

    #[test]
    fn lines_and_arrays_and_every_form_of_extended_json_mean_the_same() {
        let lines = r#"{"_id":{"$oid":"65a"},"price":40.1,"at":{"$date":"2024-01-05T10:00:00Z"}}
{"_id":{"$oid":"65b"},"price":{"$numberDouble":"40.1"},"at":{"$date":{"$numberLong":"1704448800000"}}}"#;
        let array = r#"[
{ "_id": "65a", "price": "40.1",
  "at": {"$date": "2024-01-05T10:00:00Z"}, "other": ["a, b", {"c": "[\"]"}] },
{ "_id": "65b", "price": {"$numberDecimal": "40.1"}, "at": {"$date": 1704448800000} }
]"#;
        assert_eq!(documents(lines).unwrap(), ["1: 65a 40.1 2024-01-05T10:00:00Z", "2: 65b 40.1 2024-01-05T10:00:00Z"]);
        assert_eq!(documents(array).unwrap(), ["2: 65a 40.1 2024-01-05T10:00:00Z", "4: 65b 40.1 2024-01-05T10:00:00Z"]);
        assert_eq!(documents("").unwrap(), Vec::<String>::new());
        assert_eq!(documents("[]").unwrap(), Vec::<String>::new());
    }

    #[test]
    fn what_is_broken_is_named_with_its_line() {
        for (text, line, reason) in
            [("{\"a\":1}\n{\"a\":", 2, "cut off"), ("{\"a\":1}\n\nhello", 3, "not JSON"), ("12", 1, "braces")]
        {
            let error = documents(text).unwrap_err();
            assert!(error.line == line && error.reason.contains(reason), "{text}: {error:?}");
        }
    }
}
