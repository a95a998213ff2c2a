//! The way into a shop that has no owner yet: a code for those who do not sit at the machine itself.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use subtle::ConstantTimeEq as _;

use crate::ids::Entropy;

/// What a code is made of: nothing that is mistaken for something else when read aloud.
const LETTERS: &[u8; 32] = b"ABCDEFGHJKLMNPQRSTUVWXYZ23456789";

/// The code of this process, which its log shows, and whether it is still of use. Cheap to clone.
#[derive(Clone)]
pub struct Setup(Arc<Inner>);

struct Inner {
    code: String,
    done: AtomicBool,
}

impl Setup {
    /// A fresh code of eight letters, 40 bits.
    pub fn new(entropy: &Entropy) -> Self {
        let letters = entropy.bytes::<8>().map(|byte| char::from(LETTERS[usize::from(byte % 32)]));
        Self(Arc::new(Inner { code: letters.iter().collect(), done: AtomicBool::new(false) }))
    }

    /// The code as people read it: `ABCD-EFGH`.
    pub fn code(&self) -> String {
        let (start, end) = self.0.code.split_at(4);
        format!("{start}-{end}")
    }

    /// Whether somebody knows the code, however they wrote it.
    pub fn is_code(&self, written: &str) -> bool {
        let letters: String = written.chars().filter(char::is_ascii_alphanumeric).collect();
        bool::from(letters.to_ascii_uppercase().as_bytes().ct_eq(self.0.code.as_bytes()))
    }

    /// The shop has an owner, as far as is known; it never loses the last one.
    pub fn is_done(&self) -> bool {
        self.0.done.load(Ordering::Relaxed)
    }

    /// Notes that the shop has an owner.
    pub fn finish(&self) {
        self.0.done.store(true, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_known_however_it_is_written_and_nothing_else_is() {
        let setup = Setup::new(&Entropy::seeded(1));
        let code = setup.code();
        assert_eq!((code.len(), code.as_bytes()[4]), (9, b'-'));
        assert!(setup.is_code(&code) && setup.is_code(&code.to_lowercase().replace('-', " ")));
        assert!(!setup.is_code("") && !setup.is_code(&code[1..]) && !setup.is_code(&format!("{code}A")));
        assert_ne!(code, Setup::new(&Entropy::seeded(2)).code());
    }
}
