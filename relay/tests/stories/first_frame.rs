//! A page that shows its token in the first frame of its WebSocket.

use std::time::Duration;

use relay::access::Claims;

use crate::harness::{Client, HANDSHAKE, Relay, Web, frame};
use crate::tokens::{Signer, ask, bearer, claims};

/// Opens a socket as a page of the relay's own does.
fn open(relay: &Relay, query: &str) -> Web {
    let mut client = send(relay, query, "Origin: http://me:1\r\n", b"");
    let head = client.head();
    assert!(head.starts_with("HTTP/1.1 101"), "{head}");
    assert!(!head.contains("relay-next"), "it is told nothing: {head}");
    Web(client)
}

fn send(relay: &Relay, query: &str, lines: &str, behind: &[u8]) -> Client {
    let head =
        format!("GET /channels/a/socket{query} HTTP/1.1\r\nHost: me:1\r\n{lines}{HANDSHAKE}\r\n");
    relay.send([head.as_bytes(), behind].concat())
}

fn shown(token: &str) -> String {
    format!(r#"{{"token":"{token}"}}"#)
}

fn publish(relay: &Relay, signer: &Signer, json: &str) {
    let token = bearer(&signer.token(&[], &["a"], 60));
    let answer = relay.ask(format!(
        "POST /channels/a/messages HTTP/1.1\r\nHost: r\r\n{token}Content-Type: application/json\r\n\
         Content-Length: {}\r\n\r\n{json}",
        json.len()
    ));
    assert!(answer.starts_with("HTTP/1.1 201"), "{answer}");
}

/// What operators are told.
fn told(relay: &Relay, signer: &Signer, path: &str) -> String {
    let operator = signer.sign(&Claims {
        operate: true,
        ..claims(&[], &[], 60)
    });
    ask(relay, path, &bearer(&operator))
}

/// Reads a close frame and gives its code and reason.
fn closed(web: &mut Web) -> (u16, String) {
    let (first, payload) = web.next();
    assert_eq!(first, 0x88, "{payload:?}");
    web.0.finish();
    assert_eq!(web.0.until_closed(), "");
    let code = u16::from_be_bytes([payload[0], payload[1]]);
    (code, String::from_utf8(payload[2..].to_vec()).unwrap())
}

#[test]
fn a_socket_is_nobodys_until_its_first_frame_shows_a_token() {
    let signer = Signer::new();
    let relay = signer.relay(|_| ());
    let mut web = open(&relay, "");
    let stats = told(&relay, &signer, "/stats");
    assert!(
        stats.contains(r#""channels":0"#) && stats.contains(r#""websocket":0"#),
        "{stats}"
    );
    publish(&relay, &signer, "1");
    assert!(web.0.is_silent(), "nothing is sent to it");
    web.text(&shown(&signer.token(&["a"], &["a"], 60)));
    let admitted = web.next_text();
    assert!(
        admitted.starts_with(r#"{"admitted":""#) && admitted.ends_with(r#"-1"}"#),
        "{admitted}"
    );
    publish(&relay, &signer, "2");
    assert!(web.next_text().contains(r#""payload":2"#));
    web.text(r#"{"publish":3,"id":7}"#);
    let (one, other) = (web.next_text(), web.next_text());
    assert!(
        (one.clone() + &other).contains(r#""id":7"#),
        "{one} {other}"
    );
    let stats = told(&relay, &signer, "/stats");
    assert!(stats.contains(r#""websocket":1"#), "{stats}");
    // A message that looks as the first one did is none of that kind any more.
    web.text(&shown("x"));
    assert!(web.next_text().contains("bad_frame"));
}

#[test]
fn a_token_that_is_not_valid_here_closes_the_socket_and_says_why() {
    let signer = Signer::new();
    let relay = signer.relay(|_| ());
    let reads = signer.token(&["a"], &[], 60);
    for (query, frame, code, why) in [
        ("", shown("x"), 3000, "bad_token"),
        ("", shown(""), 3000, "bad_token"),
        ("", shown("a b\\r\\nX: y"), 3000, "bad_token"),
        (
            "",
            shown(&Signer::new().token(&["*"], &["*"], 60)),
            3000,
            "bad_token",
        ),
        (
            "",
            shown(&signer.token(&["*"], &["*"], -1)),
            3000,
            "token_expired",
        ),
        (
            "",
            shown(&signer.token(&["b"], &["*"], 60)),
            1008,
            "token_scope",
        ),
        ("?receive=false", shown(&reads), 1008, "token_scope"),
        ("", r#"{"publish":1}"#.to_owned(), 1008, "first frame"),
        ("", "[]".to_owned(), 1008, "first frame"),
        ("", String::new(), 1008, "first frame"),
        ("", shown(&"x".repeat(9_000)), 1008, "first frame"),
        ("?after=x-9", shown(&reads), 0, ""),
    ] {
        if code == 0 {
            let answer = send(&relay, query, "Origin: http://me:1\r\n", b"").answer();
            assert!(answer.contains("bad_position"), "{answer}");
            continue;
        }
        let mut web = open(&relay, query);
        web.text(&frame);
        let (closed, reason) = closed(&mut web);
        assert_eq!(closed, code, "{frame:.100}");
        assert!(reason.contains(why), "{frame:.100}: {reason}");
    }
    let metrics = told(&relay, &signer, "/metrics");
    for counted in [r#"status="401"} 5"#, r#"status="403"} 2"#] {
        assert!(
            metrics.contains(&format!(r#"route="websocket",{counted}"#)),
            "{metrics}"
        );
    }
    assert!(metrics.contains("\nrelay_published_total 0\n"), "{metrics}");
}

#[test]
fn nothing_but_one_short_text_frame_is_a_first_frame() {
    let signer = Signer::new();
    let relay = signer.relay(|_| ());
    let token = shown(&signer.token(&["a"], &["a"], 60));
    let token = token.as_bytes();
    let unmasked = [&[0x81, 0x05], &b"12345"[..]].concat();
    let huge = [&[0x81, 0xff], &u64::MAX.to_be_bytes()[..], &[0; 4]].concat();
    for wrong in [
        frame(0x82, token),
        frame(0x01, token),
        frame(0xc1, token),
        frame(0x89, b""),
        frame(0x8a, token),
        frame(0x80, token),
        frame(0x83, token),
        unmasked,
        huge,
    ] {
        let mut web = open(&relay, "");
        web.0.send(&wrong);
        assert_eq!(closed(&mut web).0, 1008, "{:?}", &wrong[..2]);
    }
}

#[test]
fn a_token_that_does_not_come_is_not_waited_for() {
    let signer = Signer::new();
    let relay = signer.relay(|settings| settings.header_deadline = Duration::from_millis(200));
    let mut silent = open(&relay, "");
    let mut slow = open(&relay, "");
    let begun = frame(0x81, shown(&signer.token(&["a"], &[], 60)).as_bytes());
    slow.0.send(&begun[..begun.len() - 1]);
    for web in [&mut silent, &mut slow] {
        assert_eq!(closed(web), (1008, "no token came".to_owned()));
    }
    drop(open(&relay, ""));
    let late = "\nrelay_closed_total{reason=\"header_deadline\"} 2\n";
    let mut metrics = String::new();
    let counted = (0..200).any(|_| {
        metrics = told(&relay, &signer, "/metrics");
        std::thread::sleep(Duration::from_millis(10));
        metrics.contains(late)
    });
    assert!(counted, "{metrics}");
}

#[test]
fn a_first_frame_may_come_with_the_handshake_in_pieces_and_with_others_behind_it() {
    let signer = Signer::new();
    let relay = signer.relay(|_| ());
    let first = frame(0x81, shown(&signer.token(&["a"], &["a"], 60)).as_bytes());
    let page = "Origin: http://me:1\r\n";
    let all = [
        first.clone(),
        frame(0x81, br#"{"publish":1}"#),
        frame(0x89, b"p"),
    ]
    .concat();
    let mut client = send(&relay, "?receive=false", page, &all);
    assert!(client.head().starts_with("HTTP/1.1 101"));
    let mut web = Web(client);
    assert!(web.next_text().contains("admitted"));
    assert!(web.next_text().contains("published"));
    assert_eq!(web.next(), (0x8a, b"p".to_vec()));
    let mut web = open(&relay, "");
    for byte in &first {
        web.0.send([*byte]);
    }
    assert!(web.next_text().contains("admitted"));
}

#[test]
fn only_pages_that_may_ask_are_let_show_it_later() {
    let signer = Signer::new();
    let relay = signer.relay(|settings| {
        settings.allow_origins = vec!["https://app.example".to_owned()];
    });
    // Whoever is no page can send a header, and a handshake that is refused says more than a close code.
    let no_page = send(&relay, "", "", b"").answer();
    assert!(no_page.contains("token_missing"), "{no_page}");
    let foreign = send(&relay, "", "Origin: https://evil.example\r\n", b"").answer();
    assert!(foreign.contains("origin_not_allowed"), "{foreign}");
    let spent = send(&relay, "?ticket=x", "Origin: http://me:1\r\n", b"").answer();
    assert!(spent.contains("bad_ticket"), "{spent}");
    let other = format!("Origin: http://me:1\r\n{}", bearer("x"));
    let wrong = send(&relay, "", &other, b"").answer();
    assert!(wrong.contains("bad_token"), "{wrong}");
    let mut listed = send(&relay, "", "Origin: https://app.example\r\n", b"");
    assert!(listed.head().starts_with("HTTP/1.1 101"));
    for leaf in ["messages", "messages?wait=5s", "stream", "events"] {
        let lines = "Origin: https://app.example\r\n";
        let answer = ask(&relay, &format!("/channels/a/{leaf}"), lines);
        assert!(answer.contains("token_missing"), "{leaf}: {answer}");
    }
}

#[test]
fn a_socket_ends_with_the_token_of_its_first_frame_and_with_the_relay() {
    let signer = Signer::new();
    let relay = signer.relay(|_| ());
    let mut web = open(&relay, "");
    web.text(&shown(&signer.token(&["a"], &[], 2)));
    assert!(web.next_text().contains("admitted"));
    assert_eq!(closed(&mut web), (3000, "the token has expired".to_owned()));
    let mut web = open(&relay, "");
    relay.stop();
    assert_eq!(closed(&mut web).0, 1001);
}
