//! Ids, a type each so that one is never taken for another, and the source of randomness.
//!
//! Ids are whole numbers given by the database. The API carries them as strings.

use std::fmt;
use std::sync::{Arc, Mutex};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rand::rngs::SysRng;
use rand::{Rng, SeedableRng, TryRng};
use rand_chacha::ChaCha12Rng;

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident;)*) => { $(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(i64);

        impl $name {
            /// The id behind a stored number.
            pub const fn new(number: i64) -> Self {
                Self(number)
            }

            /// The stored number.
            pub const fn number(self) -> i64 {
                self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}", self.0)
            }
        }

        impl std::str::FromStr for $name {
            type Err = std::num::ParseIntError;
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                text.parse().map(Self)
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(&self.0)
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                deserializer.deserialize_any(IdText).map(Self)
            }
        }

        impl schemars::JsonSchema for $name {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($name).into()
            }
            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                schemars::json_schema!({ "type": "string", "pattern": "^[0-9]+$" })
            }
        }
    )* };
}

ids! {
    /// A branch of the shop.
    StoreId;
    /// A person with an account: staff or customer.
    UserId;
    /// An API key.
    ApiKeyId;
    /// A shelf of the catalogue.
    CategoryId;
    /// Something the shop sells.
    ProductId;
    /// A change of stock.
    MoveId;
    /// An order or counter sale.
    OrderId;
    /// An import that can be undone.
    ImportId;
    /// A piece of background work.
    JobId;
    /// A place where money is taken.
    TillId;
    /// Somebody's time at a till.
    ShiftId;
    /// Goods that came back.
    ReturnId;
}

/// Accepts an id as a JSON string or number.
struct IdText;

impl serde::de::Visitor<'_> for IdText {
    type Value = i64;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an id")
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<i64, E> {
        text.parse().map_err(|_| E::invalid_value(serde::de::Unexpected::Str(text), &self))
    }

    fn visit_i64<E: serde::de::Error>(self, number: i64) -> Result<i64, E> {
        Ok(number)
    }

    fn visit_u64<E: serde::de::Error>(self, number: u64) -> Result<i64, E> {
        i64::try_from(number).map_err(|_| E::invalid_value(serde::de::Unexpected::Unsigned(number), &self))
    }
}

/// Where randomness comes from: the operating system, or a seed in tests and in the demo shop.
#[derive(Clone, Default)]
pub struct Entropy {
    seeded: Option<Arc<Mutex<ChaCha12Rng>>>,
}

impl fmt::Debug for Entropy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.seeded.is_some() { "Entropy(seeded)" } else { "Entropy(system)" })
    }
}

impl Entropy {
    /// The operating system's generator.
    pub fn system() -> Self {
        Self::default()
    }

    /// A generator that repeats itself for the same seed.
    pub fn seeded(seed: u64) -> Self {
        Self { seeded: Some(Arc::new(Mutex::new(ChaCha12Rng::seed_from_u64(seed)))) }
    }

    /// Random bytes.
    ///
    /// # Panics
    /// When the operating system has none to give; nothing safe could go on without them.
    pub fn bytes<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0; N];
        match &self.seeded {
            Some(seeded) => seeded.lock().expect("the generator's lock").fill_bytes(&mut bytes),
            None => SysRng.try_fill_bytes(&mut bytes).expect("the system's random source"),
        }
        bytes
    }

    /// Random bytes as URL-safe text: 16 bytes give 22 characters.
    pub fn token<const N: usize>(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.bytes::<N>())
    }
}
