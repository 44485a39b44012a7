//! The keys that tokens are signed and checked with: a JWK Set (RFC 7517), each key bound to one algorithm.

use std::fmt;
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey};
use rand::RngExt;
use serde::{Deserialize, Serialize};

use super::crypto;

/// The fewest bytes of a secret: as many as the hash has (RFC 7518, section 3.2).
const SECRET: usize = 32;
/// More keys than a rotation ever needs at once.
const MOST: usize = 64;

/// A set of keys with different names, at least one. Cheap to clone, and no `Debug` shows a secret.
#[derive(Clone)]
pub struct Keys(Arc<[Key]>);

/// One key.
#[derive(Clone)]
pub(super) struct Key {
    pub(super) id: String,
    /// The one algorithm it is for, whatever a token says.
    pub(super) algorithm: Algorithm,
    pub(super) check: DecodingKey,
    /// None for the public half of a pair.
    pub(super) sign: Option<EncodingKey>,
}

/// The reason keys cannot be used. No message holds any of a key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeysError {
    /// Not a set of keys.
    #[error(
        "line {line}, column {column}: not a JWK Set, {{\"keys\":[...]}}, whose keys have kid, kty and alg; \
         `relay key FILE` makes one"
    )]
    Set {
        /// Where, from 1.
        line: usize,
        /// Where, from 1.
        column: usize,
    },
    /// No key, or more than can be meant.
    #[error("a set holds 1 to {MOST} keys")]
    Count,
    /// Two keys of one name.
    #[error("two keys have the kid `{0}`: a token could mean either")]
    Twice(String),
    /// A key that is not what it must be.
    #[error("key `{id}`: {why}")]
    Key {
        /// Its name.
        id: String,
        /// What is wrong.
        why: &'static str,
    },
}

/// A file of keys.
#[derive(Serialize, Deserialize)]
struct Set {
    keys: Vec<Jwk>,
}

/// A key as it is written. Other members, such as `use`, are left alone.
#[derive(Clone, Serialize, Deserialize)]
struct Jwk {
    kid: String,
    kty: String,
    alg: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    crv: Option<String>,
    /// A shared secret.
    #[serde(skip_serializing_if = "Option::is_none")]
    k: Option<String>,
    /// The public half of a pair.
    #[serde(skip_serializing_if = "Option::is_none")]
    x: Option<String>,
    /// The private half of a pair.
    #[serde(skip_serializing_if = "Option::is_none")]
    d: Option<String>,
}

/// What a new key signs by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A secret that signs and checks.
    Hs256,
    /// A pair: its private half signs, its public half checks.
    EdDsa,
}

/// A key as two files, the first with what signs.
pub struct NewKey {
    /// The whole key, as a JWK Set. It is a secret.
    pub whole: String,
    /// What the relay needs of a pair, as a JWK Set; none for a shared secret.
    pub public: Option<String>,
}

impl Keys {
    /// Reads a JWK Set of keys for HS256 (`oct`) and EdDSA (`OKP`, `Ed25519`).
    ///
    /// # Errors
    /// [`KeysError`] names the key and the remedy.
    pub fn parse(json: &str) -> Result<Self, KeysError> {
        crypto::install();
        let set: Set = serde_json::from_str(json).map_err(|error| KeysError::Set {
            line: error.line(),
            column: error.column(),
        })?;
        if !(1..=MOST).contains(&set.keys.len()) {
            return Err(KeysError::Count);
        }
        let mut keys: Vec<Key> = Vec::new();
        for jwk in set.keys {
            if keys.iter().any(|key| key.id == jwk.kid) {
                return Err(KeysError::Twice(jwk.kid));
            }
            let id = jwk.kid.clone();
            keys.push(jwk.key().map_err(|why| KeysError::Key { id, why })?);
        }
        Ok(Self(keys.into()))
    }

    /// Finds the key that a token names. A token that names none means the only one.
    pub(super) fn find(&self, id: Option<&str>) -> Option<&Key> {
        match (id, self.0.as_ref()) {
            (Some(id), keys) => keys.iter().find(|key| key.id == id),
            (None, [only]) => Some(only),
            (None, _) => None,
        }
    }

    /// Finds the key to sign by: the named one, or the first that can.
    pub(super) fn signer(&self, id: Option<&str>) -> Option<&Key> {
        self.0
            .iter()
            .filter(|key| id.is_none_or(|id| key.id == id))
            .find(|key| key.sign.is_some())
    }
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set()
            .entries(self.0.iter().map(|key| key.id.as_str()))
            .finish()
    }
}

impl Jwk {
    fn key(self) -> Result<Key, &'static str> {
        if self.kid.is_empty() {
            return Err("its kid is empty");
        }
        match (self.alg.as_str(), self.kty.as_str()) {
            ("HS256", "oct") => self.secret(),
            ("EdDSA" | "Ed25519", "OKP") => self.pair(),
            ("HS256", _) => Err("a key for HS256 has kty oct"),
            ("EdDSA" | "Ed25519", _) => Err("a key for EdDSA has kty OKP"),
            _ => Err("alg is HS256 or EdDSA"),
        }
    }

    fn secret(self) -> Result<Key, &'static str> {
        let secret =
            decode(self.k.as_deref()).ok_or("its secret `k` is base64url without padding")?;
        if secret.len() < SECRET {
            return Err("its secret is shorter than 32 bytes, and could be guessed");
        }
        Ok(Key {
            id: self.kid,
            algorithm: Algorithm::HS256,
            check: DecodingKey::from_secret(&secret),
            sign: Some(EncodingKey::from_secret(&secret)),
        })
    }

    fn pair(self) -> Result<Key, &'static str> {
        const HALVES: &str = "`x`, and `d` of a private key, are 32 bytes as base64url";
        if self.crv.as_deref() != Some("Ed25519") {
            return Err("its curve `crv` is Ed25519");
        }
        let half = |text: Option<&str>| -> Option<[u8; 32]> { decode(text)?.try_into().ok() };
        let public = half(self.x.as_deref()).ok_or(HALVES)?;
        if !crypto::is_public_key(&public) {
            return Err("`x` is no public key");
        }
        let sign = match self.d.as_deref().map(|d| half(Some(d)).ok_or(HALVES)) {
            None => None,
            Some(seed) => {
                let seed = seed?;
                if crypto::public_half(&seed) != public {
                    return Err("`x` and `d` are not halves of one key");
                }
                // The provider of this program signs by the bare seed.
                Some(EncodingKey::from_ed_der(&seed))
            }
        };
        Ok(Key {
            id: self.kid,
            algorithm: Algorithm::EdDSA,
            check: DecodingKey::from_ed_der(&public),
            sign,
        })
    }
}

impl NewKey {
    /// Draws a key at random. Without a name it gets one of its own.
    #[must_use]
    pub fn draw(kind: Kind, id: Option<String>) -> Self {
        let mut rng = rand::rng();
        let (secret, name): ([u8; 32], u64) = (rng.random(), rng.random());
        let kid = id.unwrap_or_else(|| format!("{name:016x}"));
        let new = |kty: &str, alg: &str| Jwk {
            kid: kid.clone(),
            kty: kty.to_owned(),
            alg: alg.to_owned(),
            crv: None,
            k: None,
            x: None,
            d: None,
        };
        let encoded = Some(URL_SAFE_NO_PAD.encode(secret));
        match kind {
            Kind::Hs256 => Self {
                whole: set(Jwk {
                    k: encoded,
                    ..new("oct", "HS256")
                }),
                public: None,
            },
            Kind::EdDsa => {
                let public = Jwk {
                    crv: Some("Ed25519".to_owned()),
                    x: Some(URL_SAFE_NO_PAD.encode(crypto::public_half(&secret))),
                    ..new("OKP", "EdDSA")
                };
                Self {
                    whole: set(Jwk {
                        d: encoded,
                        ..public.clone()
                    }),
                    public: Some(set(public)),
                }
            }
        }
    }
}

fn set(key: Jwk) -> String {
    let set = Set { keys: vec![key] };
    serde_json::to_string_pretty(&set).expect("invariant: texts are JSON") + "\n"
}

fn decode(text: Option<&str>) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(text?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_key_is_one_that_can_be_read() {
        for kind in [Kind::Hs256, Kind::EdDsa] {
            let new = NewKey::draw(kind, None);
            let keys = Keys::parse(&new.whole).unwrap();
            assert!(keys.signer(None).is_some());
            assert!(keys.signer(Some("other")).is_none());
            if let Some(public) = new.public {
                assert!(!public.contains("\"d\""));
                let keys = Keys::parse(&public).unwrap();
                assert!(keys.signer(None).is_none(), "it cannot sign");
                assert!(keys.find(None).is_some());
            }
        }
    }

    #[test]
    fn a_key_that_protects_nothing_is_refused() {
        let secret =
            |k: &str| format!(r#"{{"keys":[{{"kid":"a","kty":"oct","alg":"HS256","k":"{k}"}}]}}"#);
        let good = secret(&"A".repeat(43));
        assert!(Keys::parse(&good).is_ok());
        let weak = format!(
            r#"{{"keys":[{{"kid":"a","kty":"OKP","crv":"Ed25519","alg":"EdDSA","x":"{}"}}]}}"#,
            "A".repeat(43)
        );
        for (wrong, why) in [
            (secret("AAAA"), "shorter than 32"),
            (secret("?"), "base64url"),
            (good.replace("HS256", "none"), "alg is"),
            (good.replace("HS256", "RS256"), "alg is"),
            (good.replace("HS256", "EdDSA"), "has kty OKP"),
            (good.replace("\"a\"", "\"\""), "kid is empty"),
            (weak, "no public key"),
            ("{}".to_owned(), "not a JWK Set"),
            (r#"{"keys":[]}"#.to_owned(), "1 to 64"),
        ] {
            let error = Keys::parse(&wrong).unwrap_err().to_string();
            assert!(error.contains(why), "{wrong}: {error}");
        }
    }

    #[test]
    fn two_keys_have_two_names() {
        let one = NewKey::draw(Kind::Hs256, Some("one".to_owned())).whole;
        let key = one.split_once('[').unwrap().1.rsplit_once(']').unwrap().0;
        let twice = format!(r#"{{"keys":[{key},{key}]}}"#);
        assert_eq!(
            Keys::parse(&twice).unwrap_err(),
            KeysError::Twice("one".to_owned())
        );
    }

    #[test]
    fn no_debug_shows_a_secret() {
        let new = NewKey::draw(Kind::EdDsa, Some("mine".to_owned()));
        assert_eq!(
            format!("{:?}", Keys::parse(&new.whole).unwrap()),
            r#"{"mine"}"#
        );
    }
}
