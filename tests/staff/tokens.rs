//! The token lab: every trick that ever opened somebody's door is tried on ours.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use kirana::staff::actions::{Carrier, Origin, open_session};
use kirana::staff::{Role, StaffError, TokenKey};
use serde_json::{Value, json};
use sha2::{Sha256, Sha384, Sha512};

use crate::support::{KEY, Shop, on_both};

/// A token of our own making: the parts, and how it is signed.
fn forge(header: &Value, payload: &Value, sign: impl Fn(&[u8]) -> Vec<u8>) -> String {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let signed = format!("{}.{}", part(header), part(payload));
    let signature = URL_SAFE_NO_PAD.encode(sign(signed.as_bytes()));
    format!("{signed}.{signature}")
}

/// Signs with the shop's own key, which no attacker has: what is refused then is refused for its content.
fn own(text: &[u8]) -> Vec<u8> {
    sign_with(&KEY, text)
}

fn sign_with(key: &[u8], text: &[u8]) -> Vec<u8> {
    Hmac::<Sha256>::new_from_slice(key).unwrap().chain_update(text).finalize().into_bytes().to_vec()
}

fn payload_of(token: &str) -> Value {
    let payload = token.split('.').nth(1).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).unwrap()).unwrap()
}

fn with(payload: &Value, field: &str, value: Value) -> Value {
    let mut payload = payload.clone();
    payload[field] = value;
    payload
}

fn without(payload: &Value, field: &str) -> Value {
    let mut payload = payload.clone();
    payload.as_object_mut().unwrap().remove(field);
    payload
}

/// Tokens that must not open, each with what is wrong with it.
#[derive(Default)]
struct Tries(Vec<(String, String)>);

impl Tries {
    fn add(&mut self, name: &str, token: String) {
        self.0.push((name.to_owned(), token));
    }
}

on_both!(no_forged_token_opens);
async fn no_forged_token_opens(shop: Shop) {
    let owner = shop.sign_in(Role::Owner).await;
    let token = owner.token().to_owned();
    let good = payload_of(&token);
    let opens = async |token: &str| {
        let reply = shop.stranger().with_token(token).get("/api/auth/me").await;
        assert!([200, 401].contains(&reply.status.as_u16()), "{reply}: {token}");
        reply.status == 200
    };
    assert!(opens(&token).await);
    assert!(opens(&forge(&header(), &good, own)).await, "the lab makes tokens as the shop does");

    let mut tries = Tries::default();
    wrong_signatures(&mut tries, &good, &token);
    wrong_claims(&mut tries, &good, shop.clock.now().as_ms() / 1000);
    wrong_forms(&mut tries, &token);
    assert!(tries.0.len() > 60);
    let mut opened = Vec::new();
    for (name, token) in &tries.0 {
        if opens(token).await {
            opened.push(name.clone());
        }
    }
    assert_eq!(opened, Vec::<String>::new(), "these tokens opened the door");
    assert!(opens(&token).await, "the good one still does");
}

fn header() -> Value {
    json!({ "typ": "JWT", "alg": "HS256" })
}

/// The algorithm and the key.
fn wrong_signatures(tries: &mut Tries, good: &Value, token: &str) {
    for algorithm in ["none", "None", "NONE", "nOnE", ""] {
        let tricked = json!({ "typ": "JWT", "alg": algorithm });
        tries.add(&format!("alg {algorithm:?}, no signature"), forge(&tricked, good, |_| Vec::new()));
        tries.add(&format!("alg {algorithm:?}, signed"), forge(&tricked, good, own));
    }
    let longer = json!({ "alg": "HS384" });
    tries.add(
        "HS384",
        forge(&longer, good, |text| {
            Hmac::<Sha384>::new_from_slice(&KEY).unwrap().chain_update(text).finalize().into_bytes().to_vec()
        }),
    );
    tries.add(
        "HS512",
        forge(&json!({ "alg": "HS512" }), good, |text| {
            Hmac::<Sha512>::new_from_slice(&KEY).unwrap().chain_update(text).finalize().into_bytes().to_vec()
        }),
    );
    for algorithm in ["RS256", "ES256", "PS256", "EdDSA"] {
        tries.add(algorithm, forge(&json!({ "alg": algorithm }), good, own));
    }
    tries.add("no alg", forge(&json!({ "typ": "JWT" }), good, own));
    tries.add("another key", forge(&header(), good, |text| sign_with(&[8; 32], text)));
    tries.add("an empty key", forge(&header(), good, |text| sign_with(&[], text)));
    let jwk = json!({ "kty": "oct", "k": URL_SAFE_NO_PAD.encode([8; 32]) });
    for (name, value) in [
        ("jwk", jwk),
        ("jku", json!("https://evil.example/keys")),
        ("x5u", json!("https://evil.example/cert")),
        ("kid", json!("../../../../dev/null")),
        ("kid", json!("' union select 'x")),
    ] {
        let tricked = with(&header(), name, value);
        tries.add(name, forge(&tricked, good, |text| sign_with(&[8; 32], text)));
        tries.add(&format!("{name}, empty key"), forge(&tricked, good, |text| sign_with(&[], text)));
    }
    tries.add("the signature of another payload", {
        let (signed, _) = token.rsplit_once('.').unwrap();
        let (_, signature) = forge(&header(), &with(good, "role", json!("customer")), own)
            .rsplit_once('.')
            .map(|(a, b)| (a.to_owned(), b.to_owned()))
            .unwrap();
        format!("{signed}.{signature}")
    });
}

/// What stands in a token, signed by ourselves.
fn wrong_claims(tries: &mut Tries, good: &Value, now: i64) {
    for field in ["exp", "nbf", "sub", "jti", "type", "iat", "role", "user_id"] {
        tries.add(&format!("{field} missing"), forge(&header(), &without(good, field), own));
    }
    for field in ["exp", "nbf"] {
        for value in [
            json!("4102444800"),
            json!([4_102_444_800_i64]),
            json!({}),
            json!(null),
            json!(true),
            json!(f64::MAX),
            json!(1.5),
        ] {
            tries.add(&format!("{field} {value}"), forge(&header(), &with(good, field, value), own));
        }
    }
    for (field, value) in
        [("exp", now), ("exp", now - 1), ("exp", -1), ("exp", i64::MIN), ("nbf", now + 1), ("nbf", i64::MAX)]
    {
        tries.add(&format!("{field} {value}"), forge(&header(), &with(good, field, json!(value)), own));
    }
    tries.add("another audience", forge(&header(), &with(good, "aud", json!("another shop")), own));
    tries.add("another type", forge(&header(), &with(good, "type", json!("refresh")), own));
    tries.add("a session that never was", forge(&header(), &with(good, "jti", json!("AAAAAAAAAAAAAAAAAAAAAA")), own));
    tries.add("no session", forge(&header(), &with(good, "jti", json!("")), own));
    tries.add("any session", forge(&header(), &with(good, "jti", json!("%")), own));
    tries.add("an array", forge(&header(), &json!([good]), own));
    tries.add("a text", forge(&header(), &json!("good"), own));
}

/// How a token is written.
fn wrong_forms(tries: &mut Tries, token: &str) {
    for length in [0, 1, token.len() / 2, token.len() - 1] {
        tries.add(&format!("cut at {length}"), token[..length].to_owned());
    }
    let parts: Vec<&str> = token.split('.').collect();
    tries.add("no signature", format!("{}.{}.", parts[0], parts[1]));
    tries.add("two parts", format!("{}.{}", parts[0], parts[1]));
    tries.add("four parts", format!("{token}.{}", parts[2]));
    tries.add("padded", format!("{token}="));
    tries.add("a letter changed", format!("{}A{}", &token[..token.len() - 10], &token[token.len() - 9..]));
    tries.add("an extra letter", format!("{token}A"));
    tries.add("very long", "A".repeat(20_000));
}

on_both!(a_token_of_another_key_does_not_open);
async fn a_token_of_another_key_does_not_open(shop: Shop) {
    let owner = shop.sign_in(Role::Owner).await;
    let user = owner.user.unwrap();
    let (entropy, now) = (shop.entropy.clone(), shop.clock.now());
    let foreign = shop
        .db
        .write::<_, StaffError>(move |conn| {
            let key = TokenKey::new([8; 32]);
            let from = Origin::default();
            open_session(conn, user, Carrier::Token, &key, &entropy, &from, now)
        })
        .await
        .unwrap();
    shop.stranger().with_token(&foreign).get("/api/auth/me").await.expect(401);
    owner.get("/api/auth/me").await.expect(200);
}
