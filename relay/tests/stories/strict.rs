//! Requests that hyper would take, or would refuse without a word: they are told what is wrong.

use crate::harness::{HANDSHAKE, Relay, Web, frame, get, post};

/// A request that is malformed on its third line.
const WRONG: &str = "GET /healthz HTTP/1.1\r\nHost: r\r\nX: y\n\r\n";

#[test]
fn a_malformed_request_is_told_so_and_its_connection_closed() {
    let relay = Relay::start();
    let json = "Content-Type: application/json\r\n";
    let publish = |lines: &str, body: &str| {
        format!("POST /channels/a/messages HTTP/1.1\r\nHost: r\r\n{json}{lines}\r\n{body}")
    };
    let chunked = "Transfer-Encoding: chunked\r\n";
    let long = format!("1;{}\r\n1\r\n0\r\n\r\n", "x".repeat(300));
    for (request, status, code) in [
        (WRONG.to_owned(), 400, "bad_request"),
        (
            publish("Content-Length: 1\r\nContent-Length: 1\r\n", "1"),
            400,
            "bad_request",
        ),
        (
            publish(&format!("Content-Length: 9\r\n{chunked}"), "0\r\n\r\n"),
            400,
            "bad_request",
        ),
        (
            publish("Transfer-Encoding: gzip, chunked\r\n", "0\r\n\r\n"),
            501,
            "bad_request",
        ),
        (publish(chunked, "1\n1\r\n0\r\n\r\n"), 400, "bad_body"),
        (publish(chunked, &long), 400, "bad_body"),
        (WRONG.replace("Host: r\r\nX: y\n", ""), 400, "bad_host"),
        (WRONG.replace("X: y\n", "Host: r\r\n"), 400, "bad_host"),
        (get("http://evil.example/healthz"), 400, "bad_target"),
    ] {
        let mut client = relay.send(&request);
        let answer = client.until_closed();
        assert!(
            answer.starts_with(&format!("HTTP/1.1 {status} "))
                && answer.contains(&format!(r#"{{"error":{{"code":"{code}","#))
                && answer.contains("connection: close\r\n"),
            "{request}: {answer}"
        );
    }
    let tab = publish("Content-Length: 1\r\nContent-Encoding: gzip\r\n", "1");
    let answer = relay.ask(tab);
    assert!(
        answer.starts_with("HTTP/1.1 415") && answer.contains("accept-encoding: identity\r\n"),
        "{answer}"
    );
    assert!(
        relay
            .ask(publish("Content-Length: 1\r\nExpect: tea\r\n", "1"))
            .starts_with("HTTP/1.1 417")
    );
    relay.counts("relay_closed_total{reason=\"protocol\"} 9");
    relay.counts("relay_published_total 0");
}

#[test]
fn what_came_before_a_malformed_request_is_answered_first() {
    let relay = Relay::start();
    let mut client = relay.send(post("/channels/a/messages", "1") + &get("/healthz") + WRONG);
    assert!(client.answer().starts_with("HTTP/1.1 201"));
    assert!(client.answer().ends_with("ok\n"));
    assert!(client.until_closed().starts_with("HTTP/1.1 400"));
    // Behind a poll that takes the connection over, it is found when hyper has it again.
    let mut client = relay.send(get("/channels/a/messages?wait=5s") + &get("/healthz") + WRONG);
    assert!(client.is_silent());
    relay.publish("2");
    assert!(client.answer().contains(r#""payload":2"#));
    assert!(client.answer().ends_with("ok\n"));
    assert!(client.until_closed().starts_with("HTTP/1.1 400"));
}

#[test]
fn a_malformed_request_in_pieces_is_the_same() {
    let relay = Relay::start();
    for end in 1..WRONG.len() {
        let mut client = relay.send(&WRONG.as_bytes()[..end]);
        client.send(&WRONG.as_bytes()[end..]);
        let answer = client.until_closed();
        assert!(answer.contains("bad_request"), "{end}: {answer}");
    }
}

#[test]
fn frames_behind_a_handshake_are_no_lines() {
    let relay = Relay::start();
    let text = frame(0x81, b"{\"publish\":\n1}\n");
    let mut request =
        format!("GET /channels/a/socket HTTP/1.1\r\nHost: r\r\n{HANDSHAKE}\r\n").into_bytes();
    // Unmasked they would hold line ends; the mask of zeros leaves them.
    let plain = [&[0x81, 0x8f, 0, 0, 0, 0], &b"{\"publish\":\n1}\n"[..]].concat();
    assert_eq!(plain.len() - 6, text.len() - 6);
    request.extend(plain);
    request.extend(text);
    let mut client = relay.send(request);
    assert!(client.head().starts_with("HTTP/1.1 101"));
    let mut web = Web(client);
    let mut answers: Vec<_> = (0..4).map(|_| web.next_text()).collect();
    answers.sort();
    assert!(
        answers[..2].iter().all(|answer| answer.contains("payload")),
        "{answers:?}"
    );
    assert!(
        answers[2..]
            .iter()
            .all(|answer| answer.contains("published")),
        "{answers:?}"
    );
}
