//! Tokens: who may do what on which channels, for how long, in the words of JWT (RFC 7519).

use std::time::Duration;

use jsonwebtoken::{Header, Validation, decode, decode_header, encode};
use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use super::keys::Keys;
use super::pattern::Pattern;

/// The longest token, in bytes: looked at before anything is decoded.
pub(super) const LONGEST: usize = 4096;

/// What a token says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claims {
    /// The relays it is for.
    pub aud: Audience,
    /// When it ends, in seconds of Unix time.
    pub exp: u64,
    /// When it begins, in the same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nbf: Option<u64>,
    /// When it was made, in the same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub iat: Option<u64>,
    /// Who holds it; the relay does not look at it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sub: Option<String>,
    /// The channels it may read.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub read: Vec<Pattern>,
    /// The channels it may publish on.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub publish: Vec<Pattern>,
    /// Whether it may read the numbers of operations.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub operate: bool,
}

/// One relay, or several.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Audience {
    /// One.
    One(String),
    /// Any of these.
    Any(Vec<String>),
}

/// What a valid token allows, until when.
#[derive(Debug)]
pub(super) struct Grant {
    pub(super) read: Vec<Pattern>,
    pub(super) publish: Vec<Pattern>,
    pub(super) operate: bool,
    /// The end of the token, the allowance for clocks included.
    pub(super) until: Instant,
    /// Tells tokens apart in counts; it is no secret and no proof.
    pub(super) holder: u64,
}

/// The reason a token opens nothing. No message holds any of the token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// No token came.
    #[error(
        "this relay asks for a token: `Authorization: Bearer TOKEN`, or `?ticket=` from POST /tickets for an event source or a WebSocket"
    )]
    Missing,
    /// `Authorization` holds something else.
    #[error("`Authorization` comes once, as `Bearer TOKEN`")]
    NotBearer,
    /// Longer than any token the relay would take.
    #[error("a token has at most {LONGEST} bytes")]
    TooLong,
    /// Not signed by a known key with its own algorithm. It does not say which of these.
    #[error("the token is not signed by a key that this relay knows")]
    Unknown,
    /// The claims are not those of this relay.
    #[error(
        "the token's claims are not as they must be: aud, exp in whole seconds, patterns in read and publish"
    )]
    Claims,
    /// For another relay.
    #[error("the token is for another audience")]
    Audience,
    /// It has ended.
    #[error("the token has expired")]
    Expired,
    /// It has not begun.
    #[error("the token is not valid yet")]
    NotYet,
    /// It ends too far ahead: expiry is the only way to take a token back.
    #[error("the token lasts longer than this relay allows (--token-life)")]
    TooLongLived,
    /// A ticket that is not known, or no longer, or was for something else.
    #[error("the ticket is unknown, used, expired, or for another channel or origin")]
    Ticket,
}

/// One moment on both clocks: tokens are written by the wall clock, waits are by the other.
#[derive(Debug, Clone, Copy)]
pub(super) struct Now {
    pub(super) unix: u64,
    pub(super) instant: Instant,
}

/// How tokens are checked.
#[derive(Debug)]
pub(super) struct Rules {
    pub(super) keys: Keys,
    pub(super) audience: String,
    /// How far clocks may be apart.
    pub(super) skew: Duration,
    /// How far ahead a token may end.
    pub(super) life: Duration,
}

impl Now {
    #[expect(
        clippy::disallowed_methods,
        reason = "the end of a token is a time of day, and nothing waits for it by this clock"
    )]
    pub(super) fn read() -> Self {
        let now = std::time::SystemTime::now();
        let since = now.duration_since(std::time::SystemTime::UNIX_EPOCH);
        Self {
            unix: since.map_or(0, |since| since.as_secs()),
            instant: Instant::now(),
        }
    }
}

impl Rules {
    /// Checks a token: its size, its signature, and only then what it says.
    pub(super) fn check(&self, token: &str, now: Now) -> Result<Grant, TokenError> {
        if token.len() > LONGEST {
            return Err(TokenError::TooLong);
        }
        let claims = self.verify(token)?;
        let until = self.times(&claims, now.unix)?;
        let ours = match &claims.aud {
            Audience::One(one) => *one == self.audience,
            Audience::Any(any) => any.contains(&self.audience),
        };
        if !ours {
            return Err(TokenError::Audience);
        }
        Ok(Grant {
            read: claims.read,
            publish: claims.publish,
            operate: claims.operate,
            until: now.instant + Duration::from_secs(until - now.unix),
            holder: holder(token),
        })
    }

    fn verify(&self, token: &str) -> Result<Claims, TokenError> {
        let header = decode_header(token).map_err(|_| TokenError::Unknown)?;
        let is_jwt = |kind: &String| kind.eq_ignore_ascii_case("JWT");
        if header.crit.is_some() || !header.typ.as_ref().is_none_or(is_jwt) {
            return Err(TokenError::Unknown);
        }
        let key = self.keys.find(header.kid.as_deref());
        // The key says how it is used, and the token has to agree: not the other way round.
        let key = key
            .filter(|key| key.algorithm == header.alg)
            .ok_or(TokenError::Unknown)?;
        let mut only_signature = Validation::new(key.algorithm);
        only_signature.required_spec_claims.clear();
        only_signature.validate_exp = false;
        only_signature.validate_aud = false;
        let checked = decode::<serde_json::Value>(token, &key.check, &only_signature);
        let claims = checked.map_err(|_| TokenError::Unknown)?.claims;
        serde_json::from_value(claims).map_err(|_| TokenError::Claims)
    }

    /// Gives the end of the token in seconds of Unix time, the allowance included.
    fn times(&self, claims: &Claims, now: u64) -> Result<u64, TokenError> {
        let (skew, life) = (self.skew.as_secs(), self.life.as_secs());
        let until = claims.exp.saturating_add(skew);
        let begins = claims.nbf.into_iter().chain(claims.iat).max();
        if until <= now {
            Err(TokenError::Expired)
        } else if begins.is_some_and(|begins| begins > now.saturating_add(skew)) {
            Err(TokenError::NotYet)
        } else if claims.exp > now.saturating_add(life).saturating_add(skew) {
            Err(TokenError::TooLongLived)
        } else {
            Ok(until)
        }
    }
}

impl Grant {
    pub(super) fn reads(&self, channel: &str) -> bool {
        self.read.iter().any(|pattern| pattern.fits(channel))
    }

    pub(super) fn publishes(&self, channel: &str) -> bool {
        self.publish.iter().any(|pattern| pattern.fits(channel))
    }
}

/// Signs claims.
///
/// # Errors
/// What is missing, for a person: no key of this name signs, or the token would be too long.
pub fn mint(keys: &Keys, id: Option<&str>, claims: &Claims) -> Result<String, &'static str> {
    const NO_KEY: &str = "no such key signs: it needs the secret `k`, or the private half `d`";
    let key = keys.signer(id).ok_or(NO_KEY)?;
    let sign = key.sign.as_ref().ok_or(NO_KEY)?;
    let mut header = Header::new(key.algorithm);
    header.kid = Some(key.id.clone());
    let token = encode(&header, claims, sign).map_err(|_| NO_KEY)?;
    if token.len() > LONGEST {
        return Err(
            "the token is longer than 4096 bytes, and no relay takes it: give it fewer patterns",
        );
    }
    Ok(token)
}

/// Gives the seconds of Unix time.
#[must_use]
pub fn unix_time() -> u64 {
    Now::read().unix
}

fn holder(token: &str) -> u64 {
    use std::hash::{DefaultHasher, Hash, Hasher};
    let mut hasher = DefaultHasher::new();
    token.hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests;
