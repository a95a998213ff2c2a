//! Reads what `mysqldump` writes, a byte at a time and in constant memory.
//!
//! Why no SQL parser of others: `sqlparser`, the well-kept one, wants a whole statement as a string and makes tokens
//! and a tree of it. `mysqldump` puts a table into statements of up to 16 MiB (some tools into one), and a tree of that
//! takes some hundred times the memory of its text; cutting the text at the right semicolons needs a reader of
//! strings and comments anyway. What a dump holds is little: `CREATE TABLE` for the names of columns, `INSERT ...
//! VALUES` with plain values, and all else can be passed over. That little is read here, with the line of each row.

use std::collections::HashMap;
use std::io::Read;
use std::sync::Arc;

use super::record::Cell;

/// Why a dump cannot be read, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DumpError {
    /// The line.
    pub line: u64,
    /// What is wrong there.
    pub reason: String,
}

type Result<T> = std::result::Result<T, DumpError>;

/// A row of a dump.
pub struct Row {
    /// The line it begins on.
    pub line: u64,
    /// How many bytes of the file have been read.
    pub read: u64,
    /// The names of its columns.
    pub names: Arc<[String]>,
    /// Its values.
    pub cells: Vec<Cell>,
}

/// Gives the rows of one table to a function. `columns` are those of the documented schema, for a dump that does
/// not name them. Answers with the tables that the dump has rows or definitions of.
pub fn walk<E: From<DumpError>>(
    file: impl Read,
    table: &str,
    columns: &[&str],
    mut take: impl FnMut(Row) -> std::result::Result<(), E>,
) -> std::result::Result<Vec<String>, E> {
    let mut dump = Dump {
        bytes: Bytes::new(file),
        tables: HashMap::new(),
        fallback: columns.iter().map(|name| Column { name: (*name).to_owned(), is_timestamp: false }).collect(),
        in_utc: false,
        begun: false,
        completed: false,
    };
    while dump.statement(table, &mut take)? {}
    if dump.begun && !dump.completed {
        let reason = "the file ends before its last line, `-- Dump completed`; it seems to be cut off".to_owned();
        return Err(DumpError { line: dump.bytes.line, reason }.into());
    }
    let mut tables: Vec<String> = dump.tables.into_keys().collect();
    tables.sort_unstable();
    Ok(tables)
}

struct Dump<R> {
    bytes: Bytes<R>,
    /// The columns of the tables seen, by the table's name in small letters.
    tables: HashMap<String, Vec<Column>>,
    fallback: Vec<Column>,
    /// `TIMESTAMP` values stand in UTC, as `mysqldump` says when it writes them so.
    in_utc: bool,
    /// The first and last comment that `mysqldump` writes.
    begun: bool,
    completed: bool,
}

#[derive(Clone)]
struct Column {
    name: String,
    is_timestamp: bool,
}

/// A name, and whether it stood in quotation marks.
struct Name {
    text: String,
    quoted: bool,
}

impl Name {
    fn is(&self, word: &str) -> bool {
        !self.quoted && self.text.eq_ignore_ascii_case(word)
    }
}

impl<R: Read> Dump<R> {
    fn wrong<T>(&self, reason: impl Into<String>) -> Result<T> {
        Err(DumpError { line: self.bytes.line, reason: reason.into() })
    }

    /// Reads one statement; false at the end.
    fn statement<E: From<DumpError>>(
        &mut self,
        table: &str,
        take: &mut impl FnMut(Row) -> std::result::Result<(), E>,
    ) -> std::result::Result<bool, E> {
        self.skip_blank()?;
        let Some(byte) = self.bytes.peek()? else { return Ok(false) };
        if byte == b';' {
            self.bytes.next()?;
            return Ok(true);
        }
        let line = self.bytes.line;
        let Some(word) = self.name()? else {
            let reason = format!("`{}` is not the beginning of a statement", char::from(byte));
            return Err(DumpError { line, reason }.into());
        };
        if word.is("create") {
            self.create_table()?;
        } else if word.is("insert") || word.is("replace") {
            self.insert(table, take)?;
        } else if word.is("delimiter") {
            self.skip_procedures()?;
        } else {
            self.skip_statement()?;
        }
        Ok(true)
    }

    fn create_table(&mut self) -> Result<()> {
        let mut word = self.name()?;
        if word.as_ref().is_some_and(|word| word.is("temporary")) {
            word = self.name()?;
        }
        if !word.is_some_and(|word| word.is("table")) {
            return self.skip_statement();
        }
        let mut name = self.name()?;
        if name.as_ref().is_some_and(|name| name.is("if")) {
            self.name()?;
            self.name()?;
            name = self.name()?;
        }
        let Some(name) = name else { return self.wrong("a table without a name") };
        self.skip_blank()?;
        if self.bytes.peek()? != Some(b'(') {
            return self.skip_statement();
        }
        self.bytes.next()?;
        let mut columns = Vec::new();
        loop {
            if let Some(first) = self.name()? {
                const RULES: [&str; 9] =
                    ["primary", "key", "unique", "constraint", "foreign", "index", "fulltext", "check", "spatial"];
                if !RULES.iter().any(|rule| first.is(rule)) {
                    let is_timestamp = self.name()?.is_some_and(|kind| kind.is("timestamp"));
                    columns.push(Column { name: first.text, is_timestamp });
                }
            }
            if !self.skip_item()? {
                break;
            }
        }
        self.tables.insert(name.text.to_lowercase(), columns);
        self.skip_statement()
    }

    /// Passes over the rest of a column's definition; false when it was the last.
    fn skip_item(&mut self) -> Result<bool> {
        let mut depth = 0;
        loop {
            self.skip_blank()?;
            match self.bytes.peek()? {
                None => return self.wrong("the file ends inside a table's definition"),
                Some(b'\'' | b'"' | b'`') => self.skip_quoted()?,
                Some(byte) => {
                    self.bytes.next()?;
                    match byte {
                        b'(' => depth += 1,
                        b')' if depth == 0 => return Ok(false),
                        b')' => depth -= 1,
                        b',' if depth == 0 => return Ok(true),
                        _ => {}
                    }
                }
            }
        }
    }

    fn insert<E: From<DumpError>>(
        &mut self,
        wanted: &str,
        take: &mut impl FnMut(Row) -> std::result::Result<(), E>,
    ) -> std::result::Result<(), E> {
        let name = loop {
            let Some(name) = self.name()? else { return Ok(self.wrong("a table's name is missing")?) };
            if !["low_priority", "delayed", "high_priority", "ignore", "into"].iter().any(|word| name.is(word)) {
                break name.text.to_lowercase();
            }
        };
        if !name.eq_ignore_ascii_case(wanted) {
            self.tables.entry(name).or_default();
            return Ok(self.skip_statement()?);
        }
        let known = self.tables.entry(name).or_default().clone();
        let known = if known.is_empty() { self.fallback.clone() } else { known };
        self.skip_blank()?;
        let columns = if self.bytes.peek()? == Some(b'(') { self.column_list(&known)? } else { known };
        if !self.name()?.is_some_and(|word| word.is("values") || word.is("value")) {
            return Ok(self.wrong("an INSERT without VALUES; `mysqldump` writes plain rows")?);
        }
        let names: Arc<[String]> = columns.iter().map(|column| column.name.clone()).collect();
        loop {
            self.skip_blank()?;
            let line = self.bytes.line;
            let mut cells = self.tuple()?;
            if cells.len() != columns.len() {
                let reason = format!("a row of {} values for the {} columns of {wanted}", cells.len(), columns.len());
                return Err(DumpError { line, reason }.into());
            }
            for (cell, column) in cells.iter_mut().zip(&columns) {
                if let (true, true, Cell::Text(text)) = (self.in_utc, column.is_timestamp, cell) {
                    *text = format!("{}Z", text.replace(' ', "T"));
                }
            }
            take(Row { line, read: self.bytes.read, names: names.clone(), cells })?;
            self.skip_blank()?;
            if self.bytes.peek()? != Some(b',') {
                return Ok(self.skip_statement()?);
            }
            self.bytes.next()?;
        }
    }

    fn column_list(&mut self, known: &[Column]) -> Result<Vec<Column>> {
        self.bytes.next()?;
        let mut columns = Vec::new();
        loop {
            let Some(name) = self.name()? else { return self.wrong("a column's name is missing") };
            let is_timestamp =
                known.iter().any(|column| column.is_timestamp && column.name.eq_ignore_ascii_case(&name.text));
            columns.push(Column { name: name.text, is_timestamp });
            self.skip_blank()?;
            match self.bytes.next()? {
                Some(b',') => {}
                Some(b')') => return Ok(columns),
                _ => return self.wrong("a list of columns that does not end"),
            }
        }
    }

    fn tuple(&mut self) -> Result<Vec<Cell>> {
        if self.bytes.next()? != Some(b'(') {
            return self.wrong("a row begins with a bracket");
        }
        let mut cells = Vec::with_capacity(8);
        loop {
            cells.push(self.cell()?);
            self.skip_blank()?;
            match self.bytes.next()? {
                Some(b',') => {}
                Some(b')') => return Ok(cells),
                None => return self.wrong("the file ends inside a row; it seems to be cut off"),
                Some(other) => return self.wrong(format!("`{}` between two values", char::from(other))),
            }
        }
    }

    fn cell(&mut self) -> Result<Cell> {
        self.skip_blank()?;
        match self.bytes.peek()? {
            Some(b'\'' | b'"') => self.quoted().map(Cell::Text),
            Some(b'0') if matches!(self.bytes.peek_second()?, Some(b'x' | b'X')) => {
                self.bytes.next()?;
                self.bytes.next()?;
                let digits = self.take_while(|byte| byte.is_ascii_hexdigit())?;
                self.hex(&digits)
            }
            Some(b'0'..=b'9' | b'-' | b'+' | b'.') => {
                let is_part = |byte: u8| byte.is_ascii_digit() || matches!(byte, b'-' | b'+' | b'.' | b'e' | b'E');
                self.take_while(is_part).map(Cell::Text)
            }
            None => self.wrong("the file ends inside a row; it seems to be cut off"),
            Some(_) => {
                let word = self.take_while(is_word)?;
                let quote = matches!(self.bytes.peek()?, Some(b'\''));
                match word.to_ascii_lowercase().as_str() {
                    "null" => Ok(Cell::Null),
                    "true" => Ok(Cell::Text("1".to_owned())),
                    "false" => Ok(Cell::Text("0".to_owned())),
                    "x" if quote => {
                        let digits = self.quoted()?;
                        self.hex(&digits)
                    }
                    "n" if quote => self.quoted().map(Cell::Text),
                    // A charset introducer: `_utf8mb4 'text'`, `_binary 'text'`.
                    word if word.starts_with('_') => self.cell(),
                    _ => self.wrong(format!("`{word}` is no plain value")),
                }
            }
        }
    }

    fn hex(&self, digits: &str) -> Result<Cell> {
        let byte = |pair: &[u8]| std::str::from_utf8(pair).ok().and_then(|pair| u8::from_str_radix(pair, 16).ok());
        let bytes: Option<Vec<u8>> = digits.as_bytes().chunks(2).map(byte).collect();
        match bytes.map(String::from_utf8) {
            Some(Ok(text)) => Ok(Cell::Text(text)),
            _ => self.wrong("hexadecimal digits that are no text"),
        }
    }

    /// A text in quotation marks, with MySQL's escapes resolved.
    fn quoted(&mut self) -> Result<String> {
        let began = self.bytes.line;
        let mark = self.bytes.next()?;
        let mut text = Vec::new();
        loop {
            match self.bytes.next()? {
                None => return self.wrong(format!("the text that begins on line {began} does not end")),
                byte if byte == mark => {
                    if self.bytes.peek()? != mark {
                        break;
                    }
                    text.extend(self.bytes.next()?);
                }
                Some(b'\\') => {
                    let Some(escaped) = self.bytes.next()? else { continue };
                    match escaped {
                        b'0' => text.push(0),
                        b'b' => text.push(8),
                        b'n' => text.push(b'\n'),
                        b'r' => text.push(b'\r'),
                        b't' => text.push(b'\t'),
                        b'Z' => text.push(26),
                        // Only patterns need these escaped; elsewhere both signs stand for themselves.
                        b'%' | b'_' => text.extend([b'\\', escaped]),
                        other => text.push(other),
                    }
                }
                Some(byte) => text.push(byte),
            }
        }
        String::from_utf8(text).map_err(|_| {
            let reason = "a text that is not UTF-8; make the dump with `--default-character-set=utf8mb4`";
            DumpError { line: began, reason: reason.to_owned() }
        })
    }

    fn skip_quoted(&mut self) -> Result<()> {
        let began = self.bytes.line;
        let mark = self.bytes.next()?;
        loop {
            match self.bytes.next()? {
                None => return self.wrong(format!("the text that begins on line {began} does not end")),
                Some(b'\\') if mark != Some(b'`') => {
                    self.bytes.next()?;
                }
                byte if byte == mark => return Ok(()),
                Some(_) => {}
            }
        }
    }

    /// A name or word, of which the last counts when there are several with points between them.
    fn name(&mut self) -> Result<Option<Name>> {
        self.skip_blank()?;
        let mut name = None;
        loop {
            name = match self.bytes.peek()? {
                Some(b'`' | b'"') => {
                    let mark = self.bytes.peek()?;
                    let start = self.bytes.line;
                    self.bytes.next()?;
                    let mut text = Vec::new();
                    loop {
                        match self.bytes.next()? {
                            None => {
                                return Err(DumpError { line: start, reason: "a name that does not end".to_owned() });
                            }
                            byte if byte == mark => {
                                if self.bytes.peek()? != mark {
                                    break;
                                }
                                text.extend(self.bytes.next()?);
                            }
                            Some(byte) => text.push(byte),
                        }
                    }
                    Some(Name { text: String::from_utf8_lossy(&text).into_owned(), quoted: true })
                }
                Some(byte) if is_word(byte) => Some(Name { text: self.take_while(is_word)?, quoted: false }),
                _ => return Ok(name),
            };
            if self.bytes.peek()? != Some(b'.') {
                return Ok(name);
            }
            self.bytes.next()?;
        }
    }

    fn take_while(&mut self, is_part: impl Fn(u8) -> bool) -> Result<String> {
        let mut text = Vec::new();
        while let Some(byte) = self.bytes.peek()? {
            if !is_part(byte) {
                break;
            }
            text.push(byte);
            self.bytes.next()?;
        }
        if text.is_empty() {
            let found = self.bytes.peek()?.map(char::from).unwrap_or_default();
            return self.wrong(format!("`{found}` is no plain value"));
        }
        Ok(String::from_utf8_lossy(&text).into_owned())
    }

    fn skip_statement(&mut self) -> Result<()> {
        loop {
            self.skip_blank()?;
            match self.bytes.peek()? {
                None => return Ok(()),
                Some(b'\'' | b'"' | b'`') => self.skip_quoted()?,
                Some(byte) => {
                    self.bytes.next()?;
                    if byte == b';' {
                        return Ok(());
                    }
                }
            }
        }
    }

    /// Procedures and triggers end with another sign, until `DELIMITER ;` stands on a line of its own.
    fn skip_procedures(&mut self) -> Result<()> {
        let mut line = self.rest_of_line()?;
        while line.trim() != ";" {
            if self.bytes.peek()?.is_none() {
                return Ok(());
            }
            let whole = self.rest_of_line()?;
            let word = whole.trim_start().get(..9).unwrap_or_default();
            line =
                if word.eq_ignore_ascii_case("delimiter") { whole.trim_start()[9..].to_owned() } else { String::new() };
        }
        Ok(())
    }

    fn rest_of_line(&mut self) -> Result<String> {
        let mut text = Vec::new();
        while let Some(byte) = self.bytes.next()? {
            if byte == b'\n' {
                break;
            }
            text.push(byte);
        }
        Ok(String::from_utf8_lossy(&text).into_owned())
    }

    /// Passes over blanks and comments, and listens to the few of them that say something.
    fn skip_blank(&mut self) -> Result<()> {
        loop {
            match self.bytes.peek()? {
                Some(byte) if byte.is_ascii_whitespace() => {
                    self.bytes.next()?;
                }
                Some(b'#') => {
                    self.rest_of_line()?;
                }
                Some(b'-') if self.bytes.peek_second()? == Some(b'-') => {
                    let line = self.rest_of_line()?;
                    self.begun |= line.starts_with("-- MySQL dump") || line.starts_with("-- MariaDB dump");
                    self.completed |= line.starts_with("-- Dump completed");
                }
                Some(b'/') if self.bytes.peek_second()? == Some(b'*') => self.skip_comment()?,
                _ => return Ok(()),
            }
        }
    }

    fn skip_comment(&mut self) -> Result<()> {
        const HEARD: usize = 200;
        let began = self.bytes.line;
        let mut said = Vec::new();
        let mut last = 0;
        self.bytes.next()?;
        self.bytes.next()?;
        loop {
            let Some(byte) = self.bytes.next()? else {
                return self.wrong(format!("the comment that begins on line {began} does not end"));
            };
            if last == b'*' && byte == b'/' {
                break;
            }
            last = byte;
            if said.len() < HEARD {
                said.push(byte);
            }
        }
        let said = String::from_utf8_lossy(&said).to_uppercase().replace(' ', "");
        self.in_utc |= said.contains("SETTIME_ZONE='+00:00'");
        Ok(())
    }
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'$') || byte >= 0x80
}

/// A file byte by byte, with the number of the line.
struct Bytes<R> {
    from: R,
    buffer: Box<[u8]>,
    at: usize,
    end: usize,
    line: u64,
    read: u64,
}

impl<R: Read> Bytes<R> {
    fn new(from: R) -> Self {
        Self { from, buffer: vec![0; 64 * 1024].into(), at: 0, end: 0, line: 1, read: 0 }
    }

    fn peek(&mut self) -> Result<Option<u8>> {
        if self.at == self.end {
            self.fill()?;
        }
        Ok((self.at < self.end).then(|| self.buffer[self.at]))
    }

    fn peek_second(&mut self) -> Result<Option<u8>> {
        if self.end - self.at < 2 {
            self.fill()?;
        }
        Ok((self.at + 1 < self.end).then(|| self.buffer[self.at + 1]))
    }

    fn next(&mut self) -> Result<Option<u8>> {
        let byte = self.peek()?;
        if let Some(byte) = byte {
            self.at += 1;
            self.read += 1;
            self.line += u64::from(byte == b'\n');
        }
        Ok(byte)
    }

    /// Reads on behind what has not been taken yet.
    fn fill(&mut self) -> Result<()> {
        self.buffer.copy_within(self.at..self.end, 0);
        self.end -= self.at;
        self.at = 0;
        loop {
            match self.from.read(&mut self.buffer[self.end..]) {
                Ok(count) => {
                    self.end += count;
                    return Ok(());
                }
                Err(cause) if cause.kind() == std::io::ErrorKind::Interrupted => {}
                Err(cause) => return Err(DumpError { line: self.line, reason: cause.to_string() }),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(dump: &str) -> std::result::Result<Vec<String>, DumpError> {
        let mut rows = Vec::new();
        walk(dump.as_bytes(), "Products", &["id", "name"], |row: Row| {
            let cell = |cell: &Cell| match cell {
                Cell::Text(text) => text.clone(),
                _ => "-".to_owned(),
            };
            let cells: Vec<String> = row.cells.iter().map(cell).collect();
            rows.push(format!("{}: {} = {}", row.line, row.names.join(","), cells.join("|")));
            Ok::<(), DumpError>(())
        })?;
        Ok(rows)
    }

    #[test]
    fn rows_are_read_with_their_escapes_columns_and_lines() {
        let dump = r#"-- MySQL dump 10.13
/*!40101 SET NAMES utf8mb4 */;
/*!40103 SET TIME_ZONE='+00:00' */;
CREATE TABLE IF NOT EXISTS `shop`.`Products` (
  `id` int NOT NULL AUTO_INCREMENT, -- a comment; with a semicolon
  `name` varchar(255) DEFAULT 'a,)b',
  `at` timestamp NULL DEFAULT CURRENT_TIMESTAMP,
  PRIMARY KEY (`id`), KEY `n` (`name`(10))
) ENGINE=InnoDB /* the end */;
LOCK TABLES `Products` WRITE;
INSERT INTO `other` VALUES ('not; this','\'');
INSERT INTO `Products` VALUES (1,'It\'s "tea"\n\\',NULL),
 (2,_utf8mb4 'चाय''s','2024-01-05 10:00:00');
REPLACE INTO Products (name, id) VALUES (0x746561, -3.5e1) ON DUPLICATE KEY UPDATE name = 'x;';
DELIMITER ;;
CREATE TRIGGER t BEFORE INSERT ON Products FOR EACH ROW BEGIN SET @a = 1; END ;;
DELIMITER ;
UNLOCK TABLES;
-- Dump completed on 2024-01-06
"#;
        let found = rows(dump).unwrap();
        assert_eq!(
            found,
            [
                "12: id,name,at = 1|It's \"tea\"\n\\|-",
                "13: id,name,at = 2|चाय's|2024-01-05T10:00:00Z",
                "14: name,id = tea|-3.5e1",
            ]
        );
    }

    #[test]
    fn a_dump_without_definitions_has_the_documented_columns() {
        assert_eq!(rows("insert into products values (1, 'tea')").unwrap(), ["1: id,name = 1|tea"]);
    }

    #[test]
    fn what_is_broken_is_named_with_its_line() {
        let cases = [
            ("insert into products values (1, 'tea", 1, "does not end"),
            ("\ninsert into products values (1, 'tea'", 2, "ends inside a row"),
            ("insert into products values\n(1, 'tea', 2)", 2, "3 values for the 2 columns"),
            ("insert into products values (1, now())", 1, "`now` is no plain value"),
            ("insert into products select * from others", 1, "without VALUES"),
            ("insert into products values (1, 'te\\", 1, "does not end"),
            ("-- MySQL dump 10.13\ninsert into products values (1, 'tea');", 2, "cut off"),
            ("\n\n{}", 3, "not the beginning"),
            ("/* never", 1, "does not end"),
        ];
        for (dump, line, reason) in cases {
            let error = rows(dump).unwrap_err();
            assert!(error.line == line && error.reason.contains(reason), "{dump}: {error:?}");
        }
        let error = walk(&b"insert into products values (1, 'caf\xe9')"[..], "products", &["id", "name"], |_| {
            Ok::<(), DumpError>(())
        });
        assert!(error.unwrap_err().reason.contains("UTF-8"));
    }
}
