//! Password hashes, made on a bounded pool so that log-ins cannot starve sales.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use argon2::password_hash::phc::PasswordHash;
use argon2::{Algorithm, Argon2, Params, PasswordHasher as _, PasswordVerifier as _, Version};
use tokio::sync::Semaphore;

use crate::ids::Entropy;

/// Memory in KiB, passes, lanes: the floor of OWASP's password storage sheet.
const MEMORY_KIB: u32 = 19 * 1024;
const PASSES: u32 = 2;
const LANES: u32 = 1;
/// How many may wait for a hash before more are told to come back.
const WAITING: usize = 64;

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

fn verify(stored: &str, password: &str) -> Verdict {
    let Ok(parsed) = PasswordHash::new(stored) else { return Verdict::Wrong };
    if argon2().verify_password(password.as_bytes(), &parsed).is_err() {
        return Verdict::Wrong;
    }
    let current = format!("m={MEMORY_KIB},t={PASSES},p={LANES}");
    if stored.starts_with("$argon2id$") && stored.contains(&current) { Verdict::Right } else { Verdict::RightButOld }
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
}
