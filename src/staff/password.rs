//! Password hashes, made on a bounded pool so that log-ins cannot starve sales.
//!
//! What is stored says by its beginning how it is checked. Our own hashes are `$argon2id$...`. Passwords that
//! were moved in from another system stand there until their owner's first log-in, which makes one of ours:
//!
//! | stored | what it is |
//! | --- | --- |
//! | `$2b$...` (`$2a$`, `$2y$`) | bcrypt, as it came |
//! | `sha256+$argon2id$...` | Argon2id over the hex digits of an unsalted SHA-256 |
//! | `plain+$argon2id$...` | Argon2id over a password that lay in plain text there |
//!
//! An unsalted SHA-256 or a plain text is never stored as it came.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use argon2::password_hash::phc::PasswordHash;
use argon2::{Algorithm, Argon2, Params, PasswordHasher as _, PasswordVerifier as _, Version};
use sha2::{Digest as _, Sha256};
use tokio::sync::Semaphore;

use crate::ids::Entropy;

/// Memory in KiB, passes, lanes: the floor of OWASP's password storage sheet.
const MEMORY_KIB: u32 = 19 * 1024;
const PASSES: u32 = 2;
const LANES: u32 = 1;
/// How many may wait for a hash before more are told to come back.
const WAITING: usize = 64;
/// Before the hash of an unsalted SHA-256.
const FROM_SHA256: &str = "sha256+";
/// Before the hash of what lay in plain text.
const FROM_PLAIN: &str = "plain+";
/// The dearest bcrypt that is taken: each step doubles the time, and this one takes seconds.
const DEAREST_BCRYPT: u32 = 16;

/// Makes and checks hashes; cheap to clone.
#[derive(Clone)]
pub struct Hasher {
    places: Arc<Semaphore>,
    waiting: Arc<AtomicUsize>,
    entropy: Entropy,
    /// Checked when there is no account, so that the answer takes as long. Made when it is first
    /// needed: it costs as much as a log-in, and a server starts without it.
    decoy: Arc<OnceLock<String>>,
}

/// Too many wait for a hash.
#[derive(Debug)]
pub struct TooBusy;

/// How a check went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// The password is right.
    Right,
    /// The password is right, and its hash should be made anew with today's parameters.
    RightButOld,
    /// It is wrong.
    Wrong,
}

impl Hasher {
    /// At most so many hashes at once.
    pub fn new(at_once: usize, entropy: Entropy) -> Self {
        let places = Arc::new(Semaphore::new(at_once.max(1)));
        Self { places, waiting: Arc::default(), entropy, decoy: Arc::default() }
    }

    /// Hashes a password; about 20 ms of one core and 19 MiB.
    pub async fn hash(&self, password: String) -> Result<String, TooBusy> {
        let entropy = self.entropy.clone();
        self.run(move || hash(&entropy, &password)).await
    }

    /// Checks a password against a hash, or against nothing in the same time.
    pub async fn verify(&self, password: String, stored: Option<String>) -> Result<Verdict, TooBusy> {
        let (decoy, entropy) = (self.decoy.clone(), self.entropy.clone());
        self.run(move || {
            if let Some(stored) = stored {
                verify(&stored, &password)
            } else {
                verify(decoy.get_or_init(|| hash(&entropy, "nobody has this password")), &password);
                Verdict::Wrong
            }
        })
        .await
    }

    async fn run<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T, TooBusy> {
        if self.waiting.fetch_add(1, Ordering::AcqRel) >= WAITING {
            self.waiting.fetch_sub(1, Ordering::AcqRel);
            return Err(TooBusy);
        }
        let place = self.places.clone().acquire_owned().await;
        let done = tokio::task::spawn_blocking(work).await;
        drop(place);
        self.waiting.fetch_sub(1, Ordering::AcqRel);
        done.map_err(|_| TooBusy)
    }
}

fn argon2() -> Argon2<'static> {
    let params = Params::new(MEMORY_KIB, PASSES, LANES, None).expect("constant parameters that are in range");
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
}

/// Hashes a password at once; for the command line and the demo shop.
pub fn hash(entropy: &Entropy, password: &str) -> String {
    let salt = entropy.bytes::<16>();
    argon2().hash_password_with_salt(password.as_bytes(), &salt).expect("a salt of 16 bytes").to_string()
}

/// How another system kept a password.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OldScheme {
    /// As bcrypt.
    Bcrypt,
    /// As the hex digits of an unsalted SHA-256.
    Sha256,
    /// As it is typed.
    Plain,
}

/// What is stored for a password that another system kept; none when it is not what that system writes.
/// Dear, like [`hash`], but for bcrypt.
pub fn adopt(entropy: &Entropy, scheme: OldScheme, kept: &str) -> Option<String> {
    match scheme {
        OldScheme::Bcrypt => bcrypt_cost(kept).filter(|cost| *cost <= DEAREST_BCRYPT).map(|_| kept.to_owned()),
        OldScheme::Sha256 => {
            let is_digest = kept.len() == 64 && kept.bytes().all(|byte| byte.is_ascii_hexdigit());
            is_digest.then(|| format!("{FROM_SHA256}{}", hash(entropy, &kept.to_ascii_lowercase())))
        }
        OldScheme::Plain => (!kept.is_empty()).then(|| format!("{FROM_PLAIN}{}", hash(entropy, kept))),
    }
}

/// The cost of a bcrypt hash; none when the text is none.
fn bcrypt_cost(stored: &str) -> Option<u32> {
    let known = ["$2a$", "$2b$", "$2y$"].iter().any(|start| stored.starts_with(start));
    let parts: bcrypt::HashParts = known.then(|| stored.parse().ok()).flatten()?;
    Some(parts.get_cost())
}

fn verify(stored: &str, password: &str) -> Verdict {
    if let Some(inner) = stored.strip_prefix(FROM_SHA256) {
        let digest = Sha256::digest(password).iter().fold(String::new(), |hex, byte| format!("{hex}{byte:02x}"));
        return as_old(verify(inner, &digest));
    }
    if let Some(inner) = stored.strip_prefix(FROM_PLAIN) {
        return as_old(verify(inner, password));
    }
    if let Some(cost) = bcrypt_cost(stored) {
        // bcrypt reads 72 bytes; the systems that we know cut a longer password off there, and so does this.
        let right = cost <= DEAREST_BCRYPT && bcrypt::verify(password, stored).unwrap_or(false);
        return if right { Verdict::RightButOld } else { Verdict::Wrong };
    }
    let Ok(parsed) = PasswordHash::new(stored) else { return Verdict::Wrong };
    if argon2().verify_password(password.as_bytes(), &parsed).is_err() {
        return Verdict::Wrong;
    }
    let current = format!("m={MEMORY_KIB},t={PASSES},p={LANES}");
    if stored.starts_with("$argon2id$") && stored.contains(&current) { Verdict::Right } else { Verdict::RightButOld }
}

fn as_old(verdict: Verdict) -> Verdict {
    if verdict == Verdict::Right { Verdict::RightButOld } else { verdict }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_is_argon2id_with_the_parameters_of_the_floor_and_opens_to_its_password_only() {
        let entropy = Entropy::seeded(1);
        let stored = hash(&entropy, "correct horse");
        assert!(stored.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{stored}");
        assert_eq!(verify(&stored, "correct horse"), Verdict::Right);
        assert_eq!(verify(&stored, "Correct horse"), Verdict::Wrong);
        assert_eq!(verify("$2b$12$something", "correct horse"), Verdict::Wrong);
        assert_ne!(hash(&entropy, "correct horse"), stored, "each hash has a salt of its own");
    }

    #[test]
    fn passwords_of_other_systems_open_once_more_and_are_never_kept_as_they_came() {
        let entropy = Entropy::seeded(1);
        let digest = "11a51a1b5de52fa6cd5ff06a0b5e3bbd2cb8c1e4ce2a1d9cd09e4b3f4b0d5b0e";
        for kept in [digest, &digest.to_uppercase()] {
            let stored = adopt(&entropy, OldScheme::Sha256, kept).unwrap();
            assert!(stored.starts_with("sha256+$argon2id$") && !stored.contains(digest), "{stored}");
        }
        let digest = Sha256::digest("dal makhani").iter().fold(String::new(), |hex, byte| format!("{hex}{byte:02x}"));
        let bcrypt = bcrypt::hash("dal makhani", 4).unwrap();
        for (scheme, kept) in
            [(OldScheme::Sha256, digest.as_str()), (OldScheme::Plain, "dal makhani"), (OldScheme::Bcrypt, &bcrypt)]
        {
            let stored = adopt(&entropy, scheme, kept).unwrap();
            assert_eq!(verify(&stored, "dal makhani"), Verdict::RightButOld, "{scheme:?}");
            assert_eq!(verify(&stored, "Dal makhani"), Verdict::Wrong, "{scheme:?}");
            assert_eq!(verify(&stored, kept) != Verdict::Wrong, scheme == OldScheme::Plain, "{scheme:?}");
        }
        let dear = bcrypt.replacen("$04$", "$31$", 1);
        for (scheme, kept) in [
            (OldScheme::Sha256, "abc"),
            (OldScheme::Plain, ""),
            (OldScheme::Bcrypt, "secret"),
            (OldScheme::Bcrypt, &dear),
        ] {
            assert_eq!(adopt(&entropy, scheme, kept), None, "{kept}");
        }
        assert_eq!(verify(&dear, "dal makhani"), Verdict::Wrong, "a hash that would take hours is not tried");
    }
}
