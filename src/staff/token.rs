//! Bearer tokens: HS256, one pinned algorithm, good for seven days, and only as long as their
//! session stands.

use std::path::Path;

use hmac::{Hmac, KeyInit as _, Mac as _};
use jsonwebtoken::crypto::{CryptoProvider, JwtSigner, JwtVerifier, KeyUtils};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use serde::{Deserialize, Serialize};
use sha2::Sha256;
use signature::{Signer, Verifier};

use super::model::User;
use crate::clock::Timestamp;
use crate::ids::Entropy;

/// How long a token is good for.
pub const LIFE_MS: i64 = 7 * 24 * 3_600_000;

/// The secret that tokens are signed with.
#[derive(Clone)]
pub struct TokenKey(std::sync::Arc<[u8; 32]>);

/// What a token says; the union of what the documented systems put into theirs.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Claims {
    /// Who, as text.
    pub sub: String,
    /// Who.
    pub user_id: String,
    /// Their e-mail address, if they have one.
    pub email: Option<String>,
    /// `shopkeeper` or `customer`.
    pub role: String,
    /// Since when, in seconds.
    pub iat: i64,
    /// Not before, in seconds.
    pub nbf: i64,
    /// Until when, in seconds.
    pub exp: i64,
    /// The session.
    pub jti: String,
    /// Always `access`.
    #[serde(rename = "type")]
    pub kind: String,
}

impl TokenKey {
    /// A key made of given bytes.
    pub fn new(bytes: [u8; 32]) -> Self {
        // The first caller in the process installs it; it is the same for all.
        let _ = PROVIDER.install_default();
        Self(bytes.into())
    }

    /// The key in a file that only its owner can read; made at the first start.
    ///
    /// # Errors
    /// When the file cannot be read or made, or holds something else.
    pub fn load_or_make(path: &Path, entropy: &Entropy) -> std::io::Result<Self> {
        use std::io::{Read as _, Write as _};
        use std::os::unix::fs::OpenOptionsExt as _;

        match std::fs::File::options().write(true).create_new(true).mode(0o600).open(path) {
            Ok(mut file) => {
                let bytes = entropy.bytes::<32>();
                file.write_all(&bytes)?;
                file.sync_all()?;
                Ok(Self::new(bytes))
            }
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {
                let mut bytes = Vec::new();
                std::fs::File::open(path)?.read_to_end(&mut bytes)?;
                let bytes: [u8; 32] =
                    bytes.try_into().map_err(|_| std::io::Error::other("the file does not hold a key of 32 bytes"))?;
                Ok(Self::new(bytes))
            }
            Err(error) => Err(error),
        }
    }

    /// A token for a session of a user.
    pub(super) fn sign(&self, user: &User, session: &str, now: Timestamp) -> String {
        let seconds = now.as_ms() / 1000;
        let claims = Claims {
            sub: user.id.to_string(),
            user_id: user.id.to_string(),
            email: user.email.clone(),
            role: user.role.documented().to_owned(),
            iat: seconds,
            nbf: seconds,
            exp: seconds + LIFE_MS / 1000,
            jti: session.to_owned(),
            kind: "access".to_owned(),
        };
        let key = EncodingKey::from_secret(&self.0[..]);
        jsonwebtoken::encode(&Header::new(Algorithm::HS256), &claims, &key).expect("claims that are plain JSON")
    }

    /// The claims of a token that is ours and within its time.
    pub(super) fn open(&self, token: &str, now: Timestamp) -> Option<Claims> {
        let mut rules = Validation::new(Algorithm::HS256);
        rules.set_required_spec_claims(&["exp", "nbf", "sub"]);
        // The time comes from our clock; the checks follow below.
        rules.validate_exp = false;
        rules.validate_nbf = false;
        let claims = jsonwebtoken::decode::<Claims>(token, &DecodingKey::from_secret(&self.0[..]), &rules).ok()?.claims;
        let seconds = now.as_ms() / 1000;
        (claims.kind == "access" && claims.nbf <= seconds && seconds < claims.exp).then_some(claims)
    }
}

/// HMAC-SHA-256 alone; the library's own provider would bring every other algorithm along.
static PROVIDER: CryptoProvider = CryptoProvider {
    signer_factory: |algorithm, key| Ok(Box::new(Hs256::new(*algorithm, key.as_bytes())?)),
    verifier_factory: |algorithm, key| Ok(Box::new(Hs256::new(*algorithm, key.try_get_as_bytes()?)?)),
    key_utils: KeyUtils::new_unimplemented(),
};

struct Hs256(Hmac<Sha256>);

impl Hs256 {
    fn new(algorithm: Algorithm, secret: &[u8]) -> jsonwebtoken::errors::Result<Self> {
        use jsonwebtoken::errors::ErrorKind;
        if algorithm != Algorithm::HS256 {
            return Err(ErrorKind::InvalidAlgorithm.into());
        }
        Hmac::new_from_slice(secret).map(Self).map_err(|_| ErrorKind::InvalidKeyFormat.into())
    }
}

impl Signer<Vec<u8>> for Hs256 {
    fn try_sign(&self, message: &[u8]) -> Result<Vec<u8>, signature::Error> {
        let mut mac = self.0.clone();
        mac.update(message);
        Ok(mac.finalize().into_bytes().to_vec())
    }
}

impl Verifier<Vec<u8>> for Hs256 {
    fn verify(&self, message: &[u8], signature: &Vec<u8>) -> Result<(), signature::Error> {
        let mut mac = self.0.clone();
        mac.update(message);
        mac.verify_slice(signature).map_err(signature::Error::from_source)
    }
}

impl JwtSigner for Hs256 {
    fn algorithm(&self) -> Algorithm {
        Algorithm::HS256
    }
}

impl JwtVerifier for Hs256 {
    fn algorithm(&self) -> Algorithm {
        Algorithm::HS256
    }
}
