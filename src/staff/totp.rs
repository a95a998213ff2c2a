//! One-time codes of an authenticator (RFC 6238): six digits, new every 30 seconds.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use totp_rs::Builder;

use crate::clock::Timestamp;
use crate::ids::Entropy;
use crate::web::answer::encode;

/// What an enrolled secret is stored behind until its first code was right.
const PENDING: &str = "pending:";

/// The secret that the shop and an authenticator share.
pub struct Secret([u8; 20]);

impl Secret {
    /// A new one.
    pub fn make(entropy: &Entropy) -> Self {
        Self(entropy.bytes())
    }

    /// As it is stored before its first code was right; it is not asked for at log-in.
    pub fn stored_pending(&self) -> String {
        format!("{PENDING}{}", self.stored())
    }

    /// As it is stored.
    pub fn stored(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.0)
    }

    /// The stored secret whose codes are asked for at log-in.
    pub fn active(stored: Option<&str>) -> Option<Self> {
        Self::read(stored.filter(|text| !text.starts_with(PENDING))?)
    }

    /// The stored secret that waits for its first code.
    pub fn pending(stored: Option<&str>) -> Option<Self> {
        Self::read(stored?.strip_prefix(PENDING)?)
    }

    fn read(text: &str) -> Option<Self> {
        URL_SAFE_NO_PAD.decode(text).ok()?.try_into().ok().map(Self)
    }

    /// The secret as people type it into an authenticator (RFC 4648 base 32; 20 bytes need no padding).
    pub fn base32(&self) -> String {
        const LETTERS: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
        self.0
            .chunks(5)
            .flat_map(|chunk| {
                let bits = chunk.iter().fold(0_u64, |bits, byte| bits << 8 | u64::from(*byte));
                (0..8).rev().map(move |place| char::from(LETTERS[(bits >> (5 * place) & 31) as usize]))
            })
            .collect()
    }

    /// The address that an authenticator reads from a QR code.
    pub fn link(&self, issuer: &str, account: &str) -> String {
        // A colon would end the issuer.
        let issuer = encode(&issuer.replace(':', " "));
        let account = encode(&account.replace(':', " "));
        format!("otpauth://totp/{issuer}:{account}?secret={}&issuer={issuer}&digits=6&period=30", self.base32())
    }

    /// The time step that a code belongs to, if it is right now or one step before or after.
    pub fn check(&self, code: &str, now: Timestamp) -> Option<i64> {
        let code: String = code.chars().filter(|letter| !letter.is_whitespace()).collect();
        let seconds = u64::try_from(now.as_ms() / 1000).ok()?;
        let step = Builder::new().with_secret(self.0).build().ok()?.check(&code, seconds)?;
        i64::try_from(step).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The secret and one of the codes of RFC 6238, appendix B, cut to six digits.
    const RFC: Secret = Secret(*b"12345678901234567890");

    #[test]
    fn the_codes_are_those_of_the_standard_and_one_step_off_is_near_enough() {
        let at = |seconds: i64| Timestamp::from_ms(seconds * 1000);
        assert_eq!(RFC.check("287082", at(59)), Some(1));
        assert_eq!(RFC.check(" 081 804 ", at(1_111_111_109)), Some(37_037_036));
        assert_eq!(RFC.check("287082", at(59 + 30)), Some(1));
        assert_eq!(RFC.check("287082", at(59 + 60)), None);
        for wrong in ["", "28708", "2870820", "+28708", "२८७०८२", "000000"] {
            assert_eq!(RFC.check(wrong, at(59)), None, "{wrong}");
        }
    }

    #[test]
    fn a_secret_is_shown_in_base_32_and_waits_until_it_is_confirmed() {
        assert_eq!(RFC.base32(), "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ");
        assert_eq!(
            RFC.link("Asha: Store", "asha@example.com"),
            "otpauth://totp/Asha%20%20Store:asha%40example.com?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ\
             &issuer=Asha%20%20Store&digits=6&period=30"
        );
        let pending = RFC.stored_pending();
        assert!(Secret::active(Some(&pending)).is_none() && Secret::pending(Some(&pending)).is_some());
        let stored = RFC.stored();
        assert!(Secret::active(Some(&stored)).is_some() && Secret::pending(Some(&stored)).is_none());
        assert!(Secret::active(None).is_none() && Secret::pending(None).is_none());
    }
}
