//! What goes into a statement and what comes out of a row.
//!
//! Both engines share three kinds of value: whole numbers, texts and bytes. There are no floats,
//! no booleans and no dates in the database, so that one SQL text means the same on both.

use std::borrow::Cow;

use postgres::types::{IsNull, ToSql, Type, to_sql_checked};
use rusqlite::types::{ToSqlOutput, ValueRef};

use super::{Error, Result};
use crate::clock::{BusinessDate, Timestamp};
use crate::ids::{
    ApiKeyId, CategoryId, ImportId, JobId, MoveId, OrderId, ProductId, ReturnId, ShiftId, StoreId, TillId, UserId,
};
use crate::money::{Money, Quantity, Rating, TaxRate};

/// The kind of a parameter or column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A whole number of 64 bits.
    Int,
    /// A text.
    Text,
    /// Bytes.
    Bytes,
}

impl Kind {
    pub(super) const fn postgres(self) -> Type {
        match self {
            Self::Int => Type::INT8,
            Self::Text => Type::TEXT,
            Self::Bytes => Type::BYTEA,
        }
    }

    pub(super) const fn postgres_array(self) -> Type {
        match self {
            Self::Int => Type::INT8_ARRAY,
            Self::Text => Type::TEXT_ARRAY,
            Self::Bytes => Type::BYTEA_ARRAY,
        }
    }

    pub(super) const fn array_name(self) -> &'static str {
        match self {
            Self::Int => "bigint[]",
            Self::Text => "text[]",
            Self::Bytes => "bytea[]",
        }
    }
}

/// A parameter of a statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value<'a> {
    /// No value.
    Null,
    /// A whole number.
    Int(i64),
    /// A text.
    Text(Cow<'a, str>),
    /// Bytes.
    Bytes(Cow<'a, [u8]>),
}

impl Value<'_> {
    pub(super) fn fits(&self, kind: Kind) -> bool {
        matches!(
            (self, kind),
            (Self::Null, _) | (Self::Int(_), Kind::Int) | (Self::Text(_), Kind::Text) | (Self::Bytes(_), Kind::Bytes)
        )
    }
}

impl rusqlite::ToSql for Value<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self {
            Self::Null => ValueRef::Null,
            Self::Int(number) => ValueRef::Integer(*number),
            Self::Text(text) => ValueRef::Text(text.as_bytes()),
            Self::Bytes(bytes) => ValueRef::Blob(bytes),
        }))
    }
}

impl ToSql for Value<'_> {
    fn to_sql(
        &self,
        kind: &Type,
        out: &mut tokio_postgres::types::private::BytesMut,
    ) -> std::result::Result<IsNull, Box<dyn std::error::Error + Sync + Send>> {
        match self {
            Self::Null => Ok(IsNull::Yes),
            Self::Int(number) => number.to_sql(kind, out),
            Self::Text(text) => text.as_ref().to_sql(kind, out),
            Self::Bytes(bytes) => bytes.as_ref().to_sql(kind, out),
        }
    }

    fn accepts(kind: &Type) -> bool {
        matches!(*kind, Type::INT8 | Type::TEXT | Type::BYTEA)
    }

    to_sql_checked!();
}

impl<'a> From<&'a str> for Value<'a> {
    fn from(text: &'a str) -> Self {
        Self::Text(Cow::Borrowed(text))
    }
}

impl From<String> for Value<'_> {
    fn from(text: String) -> Self {
        Self::Text(Cow::Owned(text))
    }
}

impl<'a> From<&'a String> for Value<'a> {
    fn from(text: &'a String) -> Self {
        Self::Text(Cow::Borrowed(text))
    }
}

impl<'a> From<&'a [u8]> for Value<'a> {
    fn from(bytes: &'a [u8]) -> Self {
        Self::Bytes(Cow::Borrowed(bytes))
    }
}

impl<'a, const N: usize> From<&'a [u8; N]> for Value<'a> {
    fn from(bytes: &'a [u8; N]) -> Self {
        Self::Bytes(Cow::Borrowed(bytes))
    }
}

impl From<Vec<u8>> for Value<'_> {
    fn from(bytes: Vec<u8>) -> Self {
        Self::Bytes(Cow::Owned(bytes))
    }
}

impl From<i64> for Value<'_> {
    fn from(number: i64) -> Self {
        Self::Int(number)
    }
}

impl From<bool> for Value<'_> {
    fn from(flag: bool) -> Self {
        Self::Int(i64::from(flag))
    }
}

impl<T: Into<Self>> From<Option<T>> for Value<'_> {
    fn from(value: Option<T>) -> Self {
        value.map_or(Value::Null, Into::into)
    }
}

/// A row of either engine.
pub enum Cells<'r> {
    /// A row of SQLite.
    Sqlite(&'r rusqlite::Row<'r>),
    /// A row of PostgreSQL.
    Postgres(&'r postgres::Row),
}

/// A Rust type that stands in one column.
pub trait Cell: Sized {
    /// The kind of the column.
    const KIND: Kind;

    /// Reads the column.
    fn read(row: &Cells<'_>, index: usize) -> Result<Self>;

    /// Reads the column where it may be empty.
    fn read_optional(row: &Cells<'_>, index: usize) -> Result<Option<Self>> {
        if row.is_null(index)? { Ok(None) } else { Self::read(row, index).map(Some) }
    }
}

impl Cells<'_> {
    fn is_null(&self, index: usize) -> Result<bool> {
        match self {
            Self::Sqlite(row) => Ok(row.get_ref(index).map_err(Error::from)? == ValueRef::Null),
            Self::Postgres(row) => {
                let kind = row.columns()[index].type_();
                Ok(match *kind {
                    Type::INT8 => row.try_get::<_, Option<i64>>(index).map_err(Error::from)?.is_none(),
                    Type::BYTEA => row.try_get::<_, Option<&[u8]>>(index).map_err(Error::from)?.is_none(),
                    _ => row.try_get::<_, Option<&str>>(index).map_err(Error::from)?.is_none(),
                })
            }
        }
    }

    /// The column as it stands, for copying rows between engines.
    pub(super) fn value(&self, index: usize) -> Result<Value<'static>> {
        match self {
            Self::Sqlite(row) => Ok(match row.get_ref(index).map_err(Error::from)? {
                ValueRef::Null => Value::Null,
                ValueRef::Integer(number) => Value::Int(number),
                ValueRef::Text(text) => Value::Text(Cow::Owned(String::from_utf8_lossy(text).into_owned())),
                ValueRef::Blob(bytes) => Value::Bytes(Cow::Owned(bytes.to_vec())),
                ValueRef::Real(_) => return Err(Error::shape("a column holds a float")),
            }),
            Self::Postgres(row) => {
                if self.is_null(index)? {
                    return Ok(Value::Null);
                }
                Ok(match *row.columns()[index].type_() {
                    Type::INT8 => Value::Int(i64::read(self, index)?),
                    Type::BYTEA => Value::Bytes(Cow::Owned(Vec::<u8>::read(self, index)?)),
                    _ => Value::Text(Cow::Owned(String::read(self, index)?)),
                })
            }
        }
    }
}

macro_rules! plain_cells {
    ($($type:ty => $kind:ident),*) => { $(
        impl Cell for $type {
            const KIND: Kind = Kind::$kind;
            fn read(row: &Cells<'_>, index: usize) -> Result<Self> {
                match row {
                    Cells::Sqlite(row) => row.get(index).map_err(Error::from),
                    Cells::Postgres(row) => row.try_get(index).map_err(Error::from),
                }
            }
        }
    )* };
}

plain_cells!(i64 => Int, String => Text, Vec<u8> => Bytes);

macro_rules! number_cells {
    ($($type:ty: $from:expr, $into:expr;)*) => { $(
        impl Cell for $type {
            const KIND: Kind = Kind::Int;
            fn read(row: &Cells<'_>, index: usize) -> Result<Self> {
                i64::read(row, index).map($from)
            }
        }

        impl From<$type> for Value<'_> {
            fn from(value: $type) -> Self {
                Self::Int(($into)(value))
            }
        }
    )* };
}

number_cells! {
    Money: Money::paise, Money::as_paise;
    Quantity: Quantity::milli, Quantity::as_milli;
    TaxRate: TaxRate::basis_points, TaxRate::as_basis_points;
    Rating: Rating::centi, Rating::as_centi;
    Timestamp: Timestamp::from_ms, Timestamp::as_ms;
    BusinessDate: BusinessDate::from_number, BusinessDate::as_number;
    StoreId: StoreId::new, StoreId::number;
    UserId: UserId::new, UserId::number;
    ApiKeyId: ApiKeyId::new, ApiKeyId::number;
    CategoryId: CategoryId::new, CategoryId::number;
    ProductId: ProductId::new, ProductId::number;
    MoveId: MoveId::new, MoveId::number;
    OrderId: OrderId::new, OrderId::number;
    ImportId: ImportId::new, ImportId::number;
    JobId: JobId::new, JobId::number;
    TillId: TillId::new, TillId::number;
    ShiftId: ShiftId::new, ShiftId::number;
    ReturnId: ReturnId::new, ReturnId::number;
}

impl Cell for bool {
    const KIND: Kind = Kind::Int;
    fn read(row: &Cells<'_>, index: usize) -> Result<Self> {
        i64::read(row, index).map(|number| number != 0)
    }
}

impl<T: Cell> Cell for Option<T> {
    const KIND: Kind = T::KIND;
    fn read(row: &Cells<'_>, index: usize) -> Result<Self> {
        T::read_optional(row, index)
    }
}

/// A column as the Rust side expects it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Column {
    /// The name that the statement must give the column; empty where only the position counts.
    pub name: &'static str,
    /// What it holds.
    pub kind: Kind,
}

/// A Rust type that a whole row is read into.
pub trait FromRow: Sized {
    /// The columns in order.
    const COLUMNS: &'static [Column];

    /// Reads the row.
    fn read(row: &Cells<'_>) -> Result<Self>;
}

impl FromRow for () {
    const COLUMNS: &'static [Column] = &[];
    fn read(_: &Cells<'_>) -> Result<Self> {
        Ok(())
    }
}

macro_rules! tuple_rows {
    ($(($($type:ident $index:tt),+);)*) => { $(
        impl<$($type: Cell),+> FromRow for ($($type,)+) {
            const COLUMNS: &'static [Column] = &[$(Column { name: "", kind: $type::KIND }),+];
            fn read(row: &Cells<'_>) -> Result<Self> {
                Ok(($($type::read(row, $index)?,)+))
            }
        }
    )* };
}

tuple_rows! {
    (A 0);
    (A 0, B 1);
    (A 0, B 1, C 2);
    (A 0, B 1, C 2, D 3);
    (A 0, B 1, C 2, D 3, E 4);
    (A 0, B 1, C 2, D 3, E 4, F 5);
    (A 0, B 1, C 2, D 3, E 4, F 5, G 6);
    (A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7);
}

/// Declares a struct that a row is read into: its fields are the statement's columns, by name and order.
#[macro_export]
macro_rules! row {
    ($(#[$meta:meta])* $vis:vis struct $name:ident { $($(#[$field_meta:meta])* $field_vis:vis $field:ident: $type:ty),* $(,)? }) => {
        $(#[$meta])*
        $vis struct $name { $($(#[$field_meta])* $field_vis $field: $type),* }

        impl $crate::db::FromRow for $name {
            const COLUMNS: &'static [$crate::db::Column] = &[
                $($crate::db::Column { name: stringify!($field), kind: <$type as $crate::db::Cell>::KIND }),*
            ];

            fn read(row: &$crate::db::Cells<'_>) -> $crate::db::Result<Self> {
                let mut index = 0..;
                Ok(Self { $($field: <$type as $crate::db::Cell>::read(row, index.next().unwrap_or_default())?),* })
            }
        }
    };
}

/// Declares an enum that is stored and sent as one of a few words.
#[macro_export]
macro_rules! words {
    ($(#[$meta:meta])* $vis:vis enum $name:ident { $($(#[$variant_meta:meta])* $variant:ident = $word:literal),* $(,)? }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
        $vis enum $name { $($(#[$variant_meta])* #[serde(rename = $word)] $variant),* }

        impl $name {
            /// All of them, in order.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// The word that is stored and sent.
            pub const fn word(self) -> &'static str {
                match self { $(Self::$variant => $word),* }
            }

            /// The value behind a word, in any letter case.
            pub fn from_word(word: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|value| value.word().eq_ignore_ascii_case(word))
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(self.word())
            }
        }

        impl $crate::db::Cell for $name {
            const KIND: $crate::db::Kind = $crate::db::Kind::Text;
            fn read(row: &$crate::db::Cells<'_>, index: usize) -> $crate::db::Result<Self> {
                let word = String::read(row, index)?;
                Self::from_word(&word).ok_or_else(|| $crate::db::Error::shape("a column holds a word that is none of its own"))
            }
        }

        impl From<$name> for $crate::db::Value<'_> {
            fn from(value: $name) -> Self {
                Self::Text(std::borrow::Cow::Borrowed(value.word()))
            }
        }
    };
}
