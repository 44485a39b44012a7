//! Tokens for the stories, and what they open.

use std::time::Duration;

use relay::access::{Audience, Claims, Keys, Kind, NewKey, mint, unix_time};

use crate::harness::{HANDSHAKE, Relay, Web, get};

/// What a relay checks with and a story signs with.
pub(crate) struct Signer {
    keys: Keys,
}

impl Signer {
    pub(crate) fn new() -> Self {
        let key = NewKey::draw(Kind::EdDsa, None);
        Self {
            keys: Keys::parse(&key.whole).unwrap(),
        }
    }

    /// Starts a relay that asks for this signer's tokens, with clocks that agree.
    pub(crate) fn relay(&self, change: impl FnOnce(&mut relay::Settings)) -> Relay {
        Relay::with(|settings| {
            self.guard(settings);
            change(settings);
        })
    }

    /// Lets a relay ask for this signer's tokens.
    pub(crate) fn guard(&self, settings: &mut relay::Settings) {
        settings.token_keys = Some(self.keys.clone());
        settings.token_skew = Duration::ZERO;
    }

    /// Signs a token that ends so many seconds from now, or before it.
    pub(crate) fn token(&self, read: &[&str], publish: &[&str], ends: i64) -> String {
        self.sign(&claims(read, publish, ends))
    }

    pub(crate) fn sign(&self, claims: &Claims) -> String {
        mint(&self.keys, None, claims).unwrap()
    }
}

pub(crate) fn claims(read: &[&str], publish: &[&str], ends: i64) -> Claims {
    let patterns = |texts: &[&str]| texts.iter().map(|text| text.parse().unwrap()).collect();
    Claims {
        aud: Audience::One("relay".to_owned()),
        exp: unix_time().checked_add_signed(ends).unwrap(),
        nbf: None,
        iat: None,
        sub: None,
        read: patterns(read),
        publish: patterns(publish),
        operate: false,
    }
}

pub(crate) fn bearer(token: &str) -> String {
    format!("Authorization: Bearer {token}\r\n")
}

/// Asks with some header lines.
pub(crate) fn ask(relay: &Relay, path: &str, lines: &str) -> String {
    relay.ask(format!("GET {path} HTTP/1.1\r\nHost: r\r\n{lines}\r\n"))
}

/// Asks for a ticket and gives the whole answer.
pub(crate) fn ask_ticket(relay: &Relay, channel: &str, lines: &str) -> String {
    let body = format!(r#"{{"channel":"{channel}"}}"#);
    relay.ask(format!(
        "POST /tickets HTTP/1.1\r\nHost: me:1\r\nContent-Type: application/json\r\nContent-Length: {}\r\n{lines}\r\n{body}",
        body.len()
    ))
}

pub(crate) fn ticket(relay: &Relay, channel: &str, lines: &str) -> String {
    let answer = ask_ticket(relay, channel, lines);
    assert!(answer.starts_with("HTTP/1.1 201"), "{answer}");
    answer
        .split(r#""ticket":""#)
        .nth(1)
        .and_then(|rest| rest.split('"').next())
        .unwrap()
        .to_owned()
}

fn refused(answer: &str, status: u16, code: &str) {
    let challenge = status != 401 || answer.contains("\r\nwww-authenticate: Bearer");
    assert!(
        answer.starts_with(&format!("HTTP/1.1 {status} "))
            && answer.contains(&format!(r#""code":"{code}""#))
            && challenge,
        "{status} {code}: {answer}"
    );
}

#[test]
fn a_token_opens_its_channels_and_only_for_its_verbs() {
    let signer = Signer::new();
    let relay = signer.relay(|_| ());
    let token = bearer(&signer.token(&["room.*"], &["room.1"], 60));
    let publish = |channel: &str| {
        relay.ask(format!(
            "POST /channels/{channel}/messages HTTP/1.1\r\nHost: r\r\n{token}Content-Type: application/json\r\nContent-Length: 1\r\n\r\n1"
        ))
    };
    assert!(publish("room.1").starts_with("HTTP/1.1 201"));
    assert!(publish("room%2E1").starts_with("HTTP/1.1 201"));
    refused(&publish("room.2"), 403, "token_scope");
    let read = |channel: &str| {
        ask(
            &relay,
            &format!("/channels/{channel}/messages?after=earliest"),
            &token,
        )
    };
    assert!(read("room.1").contains(r#""payload":1"#));
    assert!(read("room.2").starts_with("HTTP/1.1 204"));
    refused(&read("user.bob"), 403, "token_scope");
    refused(&read("user%2Ebob"), 403, "token_scope");
    // The channel that nobody may read was not even made.
    relay_stats(&relay, &signer, r#""channels":1"#);
}

fn relay_stats(relay: &Relay, signer: &Signer, holds: &str) {
    let operator = signer.sign(&Claims {
        operate: true,
        ..claims(&[], &[], 60)
    });
    let stats = ask(relay, "/stats", &bearer(&operator));
    assert!(stats.contains(holds), "{stats}");
}

#[test]
fn what_is_no_token_of_this_relay_opens_nothing() {
    let (signer, stranger) = (Signer::new(), Signer::new());
    let relay = signer.relay(|_| ());
    let good = signer.token(&["*"], &["*"], 60);
    let (message, _) = good.rsplit_once('.').unwrap();
    let other = signer.sign(&Claims {
        aud: Audience::One("another".to_owned()),
        ..claims(&["*"], &["*"], 60)
    });
    let early = signer.sign(&Claims {
        nbf: Some(unix_time() + 60),
        ..claims(&["*"], &["*"], 120)
    });
    // {"alg":"none"} and the claims of a good one.
    let none = format!(
        "eyJhbGciOiJub25lIn0.{}.",
        message.split('.').nth(1).unwrap()
    );
    let long = format!("{good}{}", "A".repeat(5_000));
    let token = |token: &str| bearer(token);
    for (lines, code) in [
        (String::new(), "token_missing"),
        (token("x"), "bad_token"),
        (token(message), "bad_token"),
        (token(&stranger.token(&["*"], &["*"], 60)), "bad_token"),
        (token(&none), "bad_token"),
        (token(&other), "bad_token"),
        (token(&early), "bad_token"),
        (token(&long), "bad_token"),
        (token(&signer.token(&["*"], &["*"], 100_000)), "bad_token"),
        (token(&signer.token(&["*"], &["*"], -1)), "token_expired"),
        (token(&good) + &token(&good), "bad_token"),
        (format!("Authorization: Basic {good}\r\n"), "bad_token"),
        (format!("Authorization: {good}\r\n"), "bad_token"),
        ("Authorization: Bearer\r\n".to_owned(), "bad_token"),
    ] {
        for path in ["messages", "messages?wait=5s", "stream", "events"] {
            refused(
                &ask(&relay, &format!("/channels/a/{path}"), &lines),
                401,
                code,
            );
        }
        let handshake = lines.clone() + HANDSHAKE;
        refused(&ask(&relay, "/channels/a/socket", &handshake), 401, code);
        refused(&ask_ticket(&relay, "a", &lines), 401, code);
        refused(&ask(&relay, "/stats", &lines), 401, code);
    }
    let good = bearer(&good).replace("Bearer", "bearer");
    assert!(ask(&relay, "/channels/a/messages", &good).starts_with("HTTP/1.1 204"));
}

#[test]
fn a_token_in_an_address_is_none() {
    let signer = Signer::new();
    let relay = signer.relay(|_| ());
    let token = signer.token(&["*"], &["*"], 60);
    for key in ["token", "access_token", "auth", "authorization", "jwt"] {
        let path = format!("/channels/a/events?{key}={token}");
        refused(&relay.ask(get(&path)), 401, "token_missing");
    }
    let path = format!("/channels/a/events?ticket={token}");
    refused(&relay.ask(get(&path)), 401, "bad_ticket");
}

#[test]
fn the_numbers_of_operations_need_a_token_for_them_and_health_and_pages_need_none() {
    let signer = Signer::new();
    let relay = signer.relay(|_| ());
    let reader = bearer(&signer.token(&["*"], &["*"], 60));
    let operator = bearer(&signer.sign(&Claims {
        operate: true,
        ..claims(&[], &[], 60)
    }));
    for path in ["/stats", "/metrics"] {
        refused(&ask(&relay, path, ""), 401, "token_missing");
        refused(&ask(&relay, path, &reader), 403, "token_scope");
        assert!(ask(&relay, path, &operator).starts_with("HTTP/1.1 200"));
    }
    for path in ["/", "/healthz"] {
        assert!(ask(&relay, path, "").starts_with("HTTP/1.1 200"));
    }
    refused(
        &ask(&relay, "/channels/a/messages", &operator),
        403,
        "token_scope",
    );
}

#[test]
fn a_socket_publishes_only_where_its_token_does() {
    let signer = Signer::new();
    let relay = signer.relay(|_| ());
    let open = |token: &str, query: &str| {
        relay.send(format!(
            "GET /channels/a/socket{query} HTTP/1.1\r\nHost: r\r\n{}{HANDSHAKE}\r\n",
            bearer(token)
        ))
    };
    let (reads, publishes) = (signer.token(&["a"], &[], 60), signer.token(&[], &["a"], 60));
    let mut reader = open(&reads, "");
    assert!(reader.head().starts_with("HTTP/1.1 101"));
    let mut reader = Web(reader);
    reader.text(r#"{"publish":1,"id":4}"#);
    let answer = reader.next_text();
    assert!(
        answer.contains(r#""code":"token_scope""#) && answer.contains(r#""id":4"#),
        "{answer}"
    );
    refused(&open(&publishes, "").answer(), 403, "token_scope");
    refused(&open(&reads, "?receive=false").answer(), 403, "token_scope");
    let mut publisher = open(&publishes, "?receive=false");
    assert!(publisher.head().starts_with("HTTP/1.1 101"));
    let mut publisher = Web(publisher);
    publisher.text(r#"{"publish":2}"#);
    assert!(publisher.next_text().contains("published"));
    assert!(
        reader.next_text().contains(r#""payload":2"#),
        "the socket goes on"
    );
}

#[test]
fn what_is_open_ends_with_its_token() {
    let signer = Signer::new();
    let relay = signer.relay(|_| ());
    let token = signer.token(&["a", "busy"], &["busy"], 2);
    let open = |path: &str, lines: &str| {
        relay.send(format!(
            "GET /channels/{path} HTTP/1.1\r\nHost: r\r\n{}{lines}\r\n",
            bearer(&token)
        ))
    };
    let mut socket = Web(open("a/socket", HANDSHAKE));
    assert!(socket.0.head().starts_with("HTTP/1.1 101"));
    let mut speaker = Web(open("busy/socket", HANDSHAKE));
    assert!(speaker.0.head().starts_with("HTTP/1.1 101"));
    let mut stream = open("a/stream", "");
    let mut events = open("a/events", "");
    let mut busy = open("busy/stream", "");
    let mut poll = open("a/messages?wait=30s", "");
    // A reader that always has something before it is not spared.
    for client in [&mut stream, &mut events, &mut busy] {
        assert!(client.head().starts_with("HTTP/1.1 200"));
    }
    let mut ended = None;
    for _ in 0..100_000 {
        speaker.text(r#"{"publish":"x"}"#);
        loop {
            let (first, payload) = speaker.next();
            if first == 0x88 {
                ended = Some(u16::from_be_bytes([payload[0], payload[1]]));
                break;
            }
            if payload.starts_with(br#"{"published""#) {
                break;
            }
        }
        if ended.is_some() {
            break;
        }
    }
    assert_eq!(ended, Some(3000));
    assert_eq!(socket.closed(), 3000);
    for mut client in [stream, events, busy] {
        let rest = client.until_closed();
        assert!(rest.ends_with("0\r\n\r\n"), "{rest:.200}");
    }
    assert!(poll.answer().starts_with("HTTP/1.1 204"));
    poll.send(format!(
        "GET /channels/a/messages?wait=30s HTTP/1.1\r\nHost: r\r\n{}\r\n",
        bearer(&token)
    ));
    refused(&poll.answer(), 401, "token_expired");
    drop(speaker);
    let operator = signer.sign(&Claims {
        operate: true,
        ..claims(&[], &[], 60)
    });
    let counted = || {
        ask(&relay, "/metrics", &bearer(&operator))
            .contains("relay_closed_total{reason=\"expired\"} 5\n")
    };
    assert!((0..300).any(|_| {
        std::thread::sleep(Duration::from_millis(10));
        counted()
    }));
}
