//! What must hold of whoever asks to be let in.

use std::net::IpAddr;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use http::header::{self, HeaderValue};
use serde_json::Value;
use tokio::time::Instant;

use super::keys::{Keys, KeysError, Kind, NewKey};
use super::ticket::Tickets;
use super::token::{Audience, Claims, Grant, Now, Rules, TokenError, mint};
use super::{Hosts, Origin, Origins, bearer};
use crate::fuzzing::headers;

/// A moment that does not pass: what breaks once breaks again.
const UNIX: u64 = 1_800_000_000;
const SKEW: u64 = 30;
const LIFE: u64 = 86_400;
const LISTED: &str = "https://app.example";
const NAME: &str = "push.example";

/// Two keys whose secrets no fuzzer knows.
static RULES: LazyLock<Rules> = LazyLock::new(|| {
    let [one, two] = [Kind::Hs256, Kind::EdDsa].map(|kind| {
        let id = Some(format!("{kind:?}"));
        NewKey::draw(kind, id).whole
    });
    let [one, two] = [&one, &two].map(|set| serde_json::from_str::<Value>(set).expect("JSON"));
    let keys = [&one["keys"][0], &two["keys"][0]];
    rules(&serde_json::json!({ "keys": keys }).to_string()).expect("keys of ours")
});

fn rules(keys: &str) -> Result<Rules, KeysError> {
    Ok(Rules {
        keys: Keys::parse(keys)?,
        audience: "relay".to_owned(),
        skew: Duration::from_secs(SKEW),
        life: Duration::from_secs(LIFE),
    })
}

fn now() -> Now {
    Now {
        unix: UNIX,
        instant: Instant::now(),
    }
}

/// No text is a token but one that a key has signed; and a signed one is admitted for what it says,
/// when it says it.
pub(crate) fn token(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    assert!(RULES.check(text, now()).is_err(), "forged: {text}");
    let lines = headers(format!("authorization: {text}").as_bytes());
    if let Ok(Some(found)) = bearer(&lines) {
        assert!(!found.is_empty() && text.contains(found) && text.trim().len() > found.len());
    }
    let Ok(claims) = serde_json::from_str::<Claims>(text) else {
        return;
    };
    for key in ["Hs256", "EdDsa"] {
        let Ok(signed) = mint(&RULES.keys, Some(key), &claims) else {
            continue; // too long
        };
        let grant = RULES.check(&signed, now());
        assert_eq!(grant.as_ref().err(), reason(&claims).as_ref());
        if let Ok(grant) = grant {
            assert_eq!(
                (&grant.read, &grant.publish),
                (&claims.read, &claims.publish)
            );
            assert_eq!(grant.operate, claims.operate);
        }
        for at in [data.len() % signed.len(), signed.len() - 1, 0] {
            changed(&signed, at);
        }
    }
}

/// Why claims are refused at [`UNIX`], in the order of the relay.
fn reason(claims: &Claims) -> Option<TokenError> {
    let begins = claims.nbf.max(claims.iat);
    let ours = match &claims.aud {
        Audience::One(one) => one == "relay",
        Audience::Any(any) => any.iter().any(|one| one == "relay"),
    };
    if claims.exp.saturating_add(SKEW) <= UNIX {
        Some(TokenError::Expired)
    } else if begins.is_some_and(|begins| begins > UNIX + SKEW) {
        Some(TokenError::NotYet)
    } else if claims.exp > UNIX + LIFE + SKEW {
        Some(TokenError::TooLongLived)
    } else {
        (!ours).then_some(TokenError::Audience)
    }
}

/// A token with one character changed is none.
fn changed(signed: &str, at: usize) {
    let mut other = signed.to_owned().into_bytes();
    other[at] = if other[at] == b'A' { b'B' } else { b'A' };
    let other = String::from_utf8(other).expect("a token is ASCII");
    let error = RULES.check(&other, now()).err();
    assert_eq!(error, Some(TokenError::Unknown), "{other} for {signed}");
}

/// A set of keys is refused without being shown, or its keys sign what they check.
pub(crate) fn keys(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    let rules = match rules(text) {
        Ok(rules) => rules,
        Err(error) => return assert!(!error.to_string().is_empty()),
    };
    let claims = Claims {
        aud: Audience::One("relay".to_owned()),
        exp: UNIX + 60,
        nbf: None,
        iat: None,
        sub: None,
        read: Vec::new(),
        publish: Vec::new(),
        operate: true,
    };
    if let Ok(signed) = mint(&rules.keys, None, &claims) {
        assert!(rules.check(&signed, now()).is_ok_and(|grant| grant.operate));
        assert!(RULES.check(&signed, now()).is_err(), "a key of others");
    }
}

/// No text is a ticket but one that was given out, once.
pub(crate) fn ticket(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    let now = Instant::now();
    let tickets = Tickets::new(100, Duration::from_secs(30));
    let grant = Arc::new(Grant {
        read: Vec::new(),
        publish: Vec::new(),
        operate: false,
        until: now,
        holder: 1,
    });
    let given = tickets
        .issue(&grant, "a", &Origin::Own, now)
        .expect("there is room");
    let redeem = |text: &str| tickets.redeem(text, "a", &Origin::Own, now).is_some();
    assert!(!redeem(text), "guessed: {text}");
    // In its place, in part: neither opens nor spends.
    let part = data.len() % given.len();
    assert!(!redeem(&given[..part]) && !redeem(&format!("{}{text}", &given[..part])));
    assert!(redeem(&given) && !redeem(&given));
}

/// An origin is the relay's own, or listed letter by letter; a host is an address, `localhost`, or listed.
pub(crate) fn origin(data: &[u8]) {
    let headers = headers(data);
    let secure = data.len() % 2 == 1;
    let origins = Origins::new(&[LISTED.to_owned()], secure);
    let all = |name| headers.get_all(name).iter().map(HeaderValue::as_bytes);
    let sent: Vec<&[u8]> = all(header::ORIGIN).collect();
    let hosts: Vec<&[u8]> = all(header::HOST).collect();
    match origins.judge(&headers) {
        Origin::Listed(origin) => {
            assert_eq!(sent, [LISTED.as_bytes()]);
            assert_eq!(origin, LISTED);
        }
        Origin::Own => match sent[..] {
            [] => {}
            [one] => {
                let host = hosts.first().expect("a host that it is equal to");
                let of = |scheme: &[u8]| [scheme, host].concat();
                assert!(
                    !secure && one.eq_ignore_ascii_case(&of(b"http://"))
                        || one.eq_ignore_ascii_case(&of(b"https://"))
                );
            }
            _ => unreachable!("two origins are one's own"),
        },
        Origin::Foreign => {}
    }
    if Hosts::new(&[NAME.to_owned()], false).know(&headers) && !hosts.is_empty() {
        assert_eq!(hosts.len(), 1);
        let host = String::from_utf8_lossy(hosts[0]).to_ascii_lowercase();
        assert!(is_known(&host), "{host}");
    }
}

/// Takes a host apart as a URL's is.
fn is_known(host: &str) -> bool {
    let without_port = host.trim_end_matches(|c: char| c.is_ascii_digit());
    let name = without_port.strip_suffix(':').unwrap_or(host);
    let name = name.trim_end_matches('.');
    let address = name.trim_start_matches('[').trim_end_matches(']');
    name == NAME
        || name == "localhost"
        || name.ends_with(".localhost")
        || address.parse::<IpAddr>().is_ok()
        || host.trim_matches(['[', ']']).parse::<IpAddr>().is_ok()
}
