use std::time::Duration;

use jsonwebtoken::Algorithm;
use serde_json::{Value, json};

use super::super::keys::{Kind, NewKey};
use super::*;

const NOW: u64 = 1_800_000_000;

fn now() -> Now {
    Now {
        unix: NOW,
        instant: Instant::now(),
    }
}

fn key(kind: Kind, id: &str) -> NewKey {
    NewKey::draw(kind, Some(id.to_owned()))
}

fn rules(json: &str) -> Rules {
    Rules {
        keys: Keys::parse(json).unwrap(),
        audience: "relay".to_owned(),
        skew: Duration::from_secs(30),
        life: Duration::from_secs(86_400),
    }
}

fn claims() -> Value {
    json!({"aud": "relay", "exp": NOW + 60, "read": ["a.*"], "publish": ["b"]})
}

fn token(keys: &str, claims: &Value) -> String {
    let keys = Keys::parse(keys).unwrap();
    let key = keys.signer(None).unwrap();
    let mut header = Header::new(key.algorithm);
    header.kid = Some(key.id.clone());
    encode(&header, claims, key.sign.as_ref().unwrap()).unwrap()
}

/// A token of any header, signed with HMAC by any secret.
fn forged(header: &Value, claims: &Value, secret: &[u8]) -> String {
    crate::access::crypto::install();
    let part = |value: &Value| {
        use base64::Engine;
        base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(value.to_string())
    };
    let message = format!("{}.{}", part(header), part(claims));
    let key = jsonwebtoken::EncodingKey::from_secret(secret);
    let signature = jsonwebtoken::crypto::sign(message.as_bytes(), &key, Algorithm::HS256).unwrap();
    format!("{message}.{signature}")
}

#[test]
fn both_algorithms_are_checked_by_what_the_relay_needs_of_the_key() {
    for kind in [Kind::Hs256, Kind::EdDsa] {
        let key = key(kind, "k");
        let token = token(&key.whole, &claims());
        let rules = rules(key.public.as_ref().unwrap_or(&key.whole));
        let now = now();
        let grant = rules.check(&token, now).unwrap();
        assert!(grant.reads("a.1") && !grant.reads("b"));
        assert!(grant.publishes("b") && !grant.publishes("a.1"));
        assert_eq!(grant.until, now.instant + Duration::from_secs(90));
    }
}

#[test]
fn times_are_held_to_the_second_with_the_skew_that_is_allowed() {
    let key = key(Kind::Hs256, "k");
    let rules = rules(&key.whole);
    let with = |change: Value| {
        let mut claims = claims();
        claims
            .as_object_mut()
            .unwrap()
            .extend(change.as_object().unwrap().clone());
        rules.check(&token(&key.whole, &claims), now()).map(|_| ())
    };
    for (change, wanted) in [
        (json!({"exp": NOW - 29}), Ok(())),
        (json!({"exp": NOW - 30}), Err(TokenError::Expired)),
        (json!({"exp": 0}), Err(TokenError::Expired)),
        (json!({"nbf": NOW + 30}), Ok(())),
        (json!({"nbf": NOW + 31}), Err(TokenError::NotYet)),
        (json!({"iat": NOW + 31}), Err(TokenError::NotYet)),
        (json!({"exp": NOW + 86_430}), Ok(())),
        (json!({"exp": NOW + 86_431}), Err(TokenError::TooLongLived)),
        (json!({"exp": u64::MAX}), Err(TokenError::TooLongLived)),
        (json!({"exp": null}), Err(TokenError::Claims)),
        (json!({"exp": "soon"}), Err(TokenError::Claims)),
        (json!({"exp": -1}), Err(TokenError::Claims)),
        (json!({"aud": "other"}), Err(TokenError::Audience)),
        (json!({"aud": ["other", "relay"]}), Ok(())),
        (json!({"aud": []}), Err(TokenError::Audience)),
        (json!({"aud": null}), Err(TokenError::Claims)),
        (json!({"read": ["a*b"]}), Err(TokenError::Claims)),
        (json!({"read": "a"}), Err(TokenError::Claims)),
        (json!({"other": {"x": 1}}), Ok(())),
    ] {
        assert_eq!(with(change.clone()), wanted, "{change}");
    }
}

#[test]
fn a_token_cannot_choose_how_it_is_checked() {
    let (secret, pair) = (key(Kind::Hs256, "secret"), key(Kind::EdDsa, "pair"));
    let public = pair.public.as_ref().unwrap();
    let member = |json: &str| json[json.find('{').unwrap()..].to_owned();
    let keys: Vec<Value> = [&secret.whole, public]
        .map(|json| serde_json::from_str::<Value>(&member(json)).unwrap()["keys"][0].clone())
        .into();
    let rules = rules(&json!({ "keys": keys }).to_string());
    let x = keys[1]["x"].as_str().unwrap();
    let raw = {
        use base64::Engine;
        base64::engine::general_purpose::URL_SAFE_NO_PAD
            .decode(x)
            .unwrap()
    };
    for (header, by) in [
        (json!({"alg": "HS256", "kid": "pair"}), raw.as_slice()),
        (json!({"alg": "HS256", "kid": "pair"}), x.as_bytes()),
        (json!({"alg": "HS256", "kid": "pair"}), public.as_bytes()),
        (json!({"alg": "HS256"}), raw.as_slice()),
        (json!({"alg": "EdDSA", "kid": "secret"}), raw.as_slice()),
        (json!({"alg": "HS256", "kid": "secret"}), raw.as_slice()),
        (json!({"alg": "HS256", "kid": "nobody"}), raw.as_slice()),
        (json!({"alg": "HS512", "kid": "secret"}), raw.as_slice()),
        (json!({"alg": "RS256", "kid": "pair"}), raw.as_slice()),
        (json!({"alg": "none", "kid": "secret"}), b"".as_slice()),
        (json!({"alg": "None"}), b"".as_slice()),
        (json!({"kid": "secret"}), b"".as_slice()),
    ] {
        let token = forged(&header, &claims(), by);
        assert_eq!(
            rules.check(&token, now()).unwrap_err(),
            TokenError::Unknown,
            "{header}"
        );
        let unsigned = &token[..=token.rfind('.').unwrap()];
        assert_eq!(
            rules.check(unsigned, now()).unwrap_err(),
            TokenError::Unknown,
            "{header}"
        );
    }
    let good = [
        token(&secret.whole, &claims()),
        token(&pair.whole, &claims()),
    ];
    assert!(good.iter().all(|token| rules.check(token, now()).is_ok()));
}

#[test]
fn a_changed_or_broken_token_is_unknown() {
    for kind in [Kind::Hs256, Kind::EdDsa] {
        let key = key(kind, "k");
        let rules = rules(&key.whole);
        let good = token(&key.whole, &claims());
        // The last character of a part may hold bits that mean nothing: those of the decoder are strict.
        for at in 0..good.len() {
            let mut changed = good.clone().into_bytes();
            changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
            let changed = String::from_utf8(changed).unwrap();
            assert!(rules.check(&changed, now()).is_err(), "{at}: {changed}");
        }
        let extra = format!("{good}.x");
        for broken in [
            "",
            ".",
            "..",
            "...",
            "a.b.c",
            &good[1..],
            &extra,
            "\u{e9}.e.e",
        ] {
            assert_eq!(
                rules.check(broken, now()).unwrap_err(),
                TokenError::Unknown,
                "{broken}"
            );
        }
        let long = format!("{good}{}", "A".repeat(LONGEST));
        assert_eq!(rules.check(&long, now()).unwrap_err(), TokenError::TooLong);
    }
}

#[test]
fn a_header_that_must_be_understood_is_not_passed_over() {
    let key = key(Kind::Hs256, "k");
    let rules = rules(&key.whole);
    let json: Value = serde_json::from_str(&key.whole).unwrap();
    let secret = {
        use base64::Engine;
        let text = json["keys"][0]["k"].as_str().unwrap();
        base64::engine::general_purpose::URL_SAFE_NO_PAD
            .decode(text)
            .unwrap()
    };
    let check = |header: Value| rules.check(&forged(&header, &claims(), &secret), now());
    assert!(check(json!({"alg": "HS256"})).is_ok(), "there is one key");
    assert!(check(json!({"alg": "HS256", "kid": "k", "typ": "jwt"})).is_ok());
    for header in [
        json!({"alg": "HS256", "kid": "k", "crit": ["exp"]}),
        json!({"alg": "HS256", "kid": "k", "typ": "JWE"}),
        json!({"alg": "HS256", "kid": "other"}),
        json!({"alg": "HS256", "kid": 7}),
    ] {
        assert_eq!(
            check(header.clone()).unwrap_err(),
            TokenError::Unknown,
            "{header}"
        );
    }
}

#[test]
fn what_is_minted_is_what_is_checked() {
    let key = key(Kind::EdDsa, "k");
    let keys = Keys::parse(&key.whole).unwrap();
    let claims: Claims = serde_json::from_value(claims()).unwrap();
    let token = mint(&keys, None, &claims).unwrap();
    assert!(rules(&key.whole).check(&token, now()).is_ok());
    assert!(mint(&keys, Some("other"), &claims).is_err());
    let public = Keys::parse(key.public.as_ref().unwrap()).unwrap();
    assert!(mint(&public, None, &claims).is_err());
    let many = Claims {
        read: vec!["x".repeat(100).parse().unwrap(); 40],
        ..claims
    };
    assert!(mint(&keys, None, &many).is_err());
}
