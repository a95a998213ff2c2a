//! Statements: every SQL text of the program is a named one, so that a test can prepare them all
//! on both engines and compare parameters and columns with the Rust side.

use std::marker::PhantomData;
use std::sync::OnceLock;

use super::value::{Column, FromRow, Kind};

/// A statement of one SQL text for both engines, with parameters `$1`, `$2`, ...
pub struct Query<R> {
    /// Its name, for errors and the test of all statements.
    pub name: &'static str,
    /// The text.
    pub sql: &'static str,
    /// The text as SQLite reads it, with `?1` for `$1`.
    pub(super) sqlite: &'static str,
    /// What its parameters hold.
    pub params: &'static [Kind],
    row: PhantomData<fn() -> R>,
}

impl<R: FromRow> Query<R> {
    /// Used by [`statements!`](crate::statements!).
    pub const fn new(name: &'static str, sql: &'static str, sqlite: &'static str, params: &'static [Kind]) -> Self {
        Self { name, sql, sqlite, params, row: PhantomData }
    }

    /// What the test of all statements looks at.
    pub fn shape(&self) -> Shape {
        Shape {
            name: self.name,
            sqlite: self.sqlite.to_owned(),
            postgres: self.sql.to_owned(),
            params: self.params.to_vec(),
            in_sets: false,
            columns: R::COLUMNS.to_vec(),
        }
    }
}

/// A statement for many rows of parameters at once: row by row with a held statement on SQLite,
/// one set-based statement over `unnest` on PostgreSQL. Both halves stand side by side.
pub struct Bulk<R> {
    name: &'static str,
    params: &'static [Kind],
    text: BulkText,
    texts: OnceLock<Texts>,
    row: PhantomData<fn() -> R>,
}

/// The texts of a bulk statement.
struct Texts {
    each: String,
    set: String,
    copy: Option<String>,
}

enum BulkText {
    /// The two halves; `{rows}` in the second stands for the arrays.
    Halves { each: &'static str, set: &'static str },
    /// A plain insert, whose halves follow from its columns.
    Insert { table: &'static str, columns: &'static [&'static str], tail: &'static str },
}

impl<R: FromRow> Bulk<R> {
    /// Used by [`bulk_statements!`](crate::bulks!).
    pub const fn halves(name: &'static str, params: &'static [Kind], each: &'static str, set: &'static str) -> Self {
        Self { name, params, text: BulkText::Halves { each, set }, texts: OnceLock::new(), row: PhantomData }
    }

    /// Used by [`bulk_statements!`](crate::bulks!).
    pub const fn insert(
        name: &'static str,
        params: &'static [Kind],
        table: &'static str,
        columns: &'static [&'static str],
        tail: &'static str,
    ) -> Self {
        Self { name, params, text: BulkText::Insert { table, columns, tail }, texts: OnceLock::new(), row: PhantomData }
    }

    pub(super) fn name(&self) -> &'static str {
        self.name
    }

    pub(super) fn params(&self) -> &'static [Kind] {
        self.params
    }

    /// The text that SQLite runs for each row.
    pub(super) fn each(&self) -> &str {
        &self.texts().each
    }

    /// The text that PostgreSQL runs once for all rows.
    pub(super) fn set(&self) -> &str {
        &self.texts().set
    }

    /// The text by which PostgreSQL takes many rows fastest, where nothing can stand in their way.
    pub(super) fn copy(&self) -> Option<&str> {
        self.texts().copy.as_deref()
    }

    fn texts(&self) -> &Texts {
        self.texts.get_or_init(|| self.build())
    }

    fn build(&self) -> Texts {
        let arrays = self
            .params
            .iter()
            .enumerate()
            .map(|(index, kind)| format!("${}::{}", index + 1, kind.array_name()))
            .collect::<Vec<_>>()
            .join(", ");
        match self.text {
            BulkText::Halves { each, set } => {
                let each = (0..each.len()).map(|at| numbered_mark(each.as_bytes(), at)).collect();
                Texts {
                    each: String::from_utf8(each).expect("only signs were replaced"),
                    set: set.replace("{rows}", &arrays),
                    copy: None,
                }
            }
            BulkText::Insert { table, columns, tail } => {
                let names = columns.join(", ");
                let marks = (1..=columns.len()).map(|index| format!("?{index}")).collect::<Vec<_>>().join(", ");
                Texts {
                    each: format!("insert into {table} ({names}) values ({marks}) {tail}"),
                    set: format!("insert into {table} ({names}) select * from unnest({arrays}) {tail}"),
                    copy: tail.is_empty().then(|| format!("copy {table} ({names}) from stdin (format binary)")),
                }
            }
        }
    }

    /// What the test of all statements looks at.
    pub fn shape(&self) -> Shape {
        Shape {
            name: self.name,
            sqlite: self.each().to_owned(),
            postgres: self.set().to_owned(),
            params: self.params.to_vec(),
            in_sets: true,
            columns: R::COLUMNS.to_vec(),
        }
    }
}

/// A text with `?1` for each `$1`, as bytes: SQLite takes `$1` for a name, and numbers names by where
/// they first stand. Used by [`statements!`](crate::statements!).
pub const fn numbered<const LENGTH: usize>(sql: &str) -> [u8; LENGTH] {
    let mut text = [0; LENGTH];
    let mut at = 0;
    while at < LENGTH {
        text[at] = numbered_mark(sql.as_bytes(), at);
        at += 1;
    }
    text
}

const fn numbered_mark(text: &[u8], at: usize) -> u8 {
    if text[at] == b'$' && at + 1 < text.len() && text[at + 1].is_ascii_digit() { b'?' } else { text[at] }
}

/// A statement as the test of all statements sees it.
#[derive(Debug, Clone)]
pub struct Shape {
    /// Its name.
    pub name: &'static str,
    /// The text for SQLite.
    pub sqlite: String,
    /// The text for PostgreSQL.
    pub postgres: String,
    /// What the parameters hold.
    pub params: Vec<Kind>,
    /// On PostgreSQL the parameters are arrays.
    pub in_sets: bool,
    /// The columns that the Rust side reads.
    pub columns: Vec<Column>,
}

/// The pattern of `like ... escape '!'` that finds a text anywhere, in small letters.
pub fn anywhere(text: &str) -> String {
    let text = text.trim().to_lowercase();
    if text.is_empty() {
        return text;
    }
    let mut pattern = String::from("%");
    for letter in text.chars() {
        if matches!(letter, '%' | '_' | '!') {
            pattern.push('!');
        }
        pattern.push(letter);
    }
    pattern.push('%');
    pattern
}

/// Declares the statements of a module: `NAME(kinds of parameters) -> row = "sql";`.
#[macro_export]
macro_rules! statements {
    ($($(#[$meta:meta])* $vis:vis $name:ident($($kind:ident),*) $(-> $row:ty)? = $sql:expr;)*) => {
        $(
            $(#[$meta])*
            $vis const $name: $crate::db::Query<$crate::statements!(@row $($row)?)> = {
                const SQL: &str = $sql;
                const SQLITE: [u8; SQL.len()] = $crate::db::numbered(SQL);
                let Ok(sqlite) = std::str::from_utf8(&SQLITE) else { panic!("only signs were replaced") };
                let name = concat!(module_path!(), "::", stringify!($name));
                $crate::db::Query::new(name, SQL, sqlite, &[$($crate::db::Kind::$kind),*])
            };
        )*

        /// All statements of this module, for the test that prepares each on both engines.
        pub fn statements() -> Vec<$crate::db::Shape> {
            vec![$($name.shape()),*]
        }
    };
    (@row) => { () };
    (@row $row:ty) => { $row };
}

/// Declares plain inserts of many rows: `NAME into table (column Kind, ...) "tail";`, where the tail
/// may hold `on conflict ...`.
#[macro_export]
macro_rules! inserts {
    ($($(#[$meta:meta])* $vis:vis $name:ident into $table:ident ($($column:ident $kind:ident),* $(,)?) $tail:literal;)*) => {
        $(
            $(#[$meta])*
            $vis static $name: $crate::db::Bulk<()> = $crate::db::Bulk::insert(
                concat!(module_path!(), "::", stringify!($name)),
                &[$($crate::db::Kind::$kind),*],
                stringify!($table),
                &[$(stringify!($column)),*],
                $tail,
            );
        )*

        /// All bulk inserts of this module, for the test that prepares each on both engines.
        pub fn inserts() -> Vec<$crate::db::Shape> {
            vec![$($name.shape()),*]
        }
    };
}

/// Declares statements over many rows with both halves: `NAME(Kinds) -> Row = each "...", set "...";`.
#[macro_export]
macro_rules! bulks {
    ($($(#[$meta:meta])* $vis:vis $name:ident($($kind:ident),*) $(-> $row:ty)? = each $each:expr, set $set:expr;)*) => {
        $(
            $(#[$meta])*
            $vis static $name: $crate::db::Bulk<$crate::statements!(@row $($row)?)> = $crate::db::Bulk::halves(
                concat!(module_path!(), "::", stringify!($name)),
                &[$($crate::db::Kind::$kind),*],
                $each,
                $set,
            );
        )*

        /// All set-based statements of this module, for the test that prepares each on both engines.
        pub fn bulks() -> Vec<$crate::db::Shape> {
            vec![$($name.shape()),*]
        }
    };
}
