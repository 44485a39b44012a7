//! Which web pages may use the relay.

use crate::harness::{HANDSHAKE, Relay};

const LISTED: &str = "https://app.example";
const ALLOWED: &str = "access-control-allow-origin: https://app.example\r\n";

fn relay() -> Relay {
    Relay::with(|settings| settings.allow_origins = vec![LISTED.to_owned()])
}

fn publish(relay: &Relay, origin: &str) -> String {
    relay.ask(format!("POST /channels/a/messages HTTP/1.1\r\nHost: me:1\r\n{origin}Content-Type: application/json\r\nContent-Length: 1\r\n\r\n1"))
}

fn socket(relay: &Relay, origin: &str) -> String {
    relay
        .send(format!(
            "GET /channels/a/socket HTTP/1.1\r\nHost: me:1\r\n{origin}{HANDSHAKE}\r\n"
        ))
        .head()
}

#[test]
fn only_own_and_listed_pages_publish_and_open_sockets() {
    let relay = relay();
    for good in [
        "",
        "Origin: http://me:1\r\n",
        "Origin: https://me:1\r\n",
        "Origin: https://app.example\r\n",
    ] {
        assert!(publish(&relay, good).starts_with("HTTP/1.1 201"), "{good}");
        assert!(socket(&relay, good).starts_with("HTTP/1.1 101"), "{good}");
    }
    for bad in [
        "null",
        "https://evil.example",
        "http://app.example",
        "https://app.example:444",
        "https://app.example.evil",
        "http://me:2",
    ] {
        let origin = format!("Origin: {bad}\r\n");
        for answer in [publish(&relay, &origin), socket(&relay, &origin)] {
            assert!(
                answer.starts_with("HTTP/1.1 403") && !answer.contains("access-control"),
                "{bad}: {answer}"
            );
        }
        assert!(publish(&relay, &origin).contains("origin_not_allowed"));
    }
}

#[test]
fn without_a_list_only_own_pages_do() {
    let relay = Relay::start();
    assert!(publish(&relay, "Origin: http://me:1\r\n").starts_with("HTTP/1.1 201"));
    assert!(publish(&relay, "Origin: https://app.example\r\n").starts_with("HTTP/1.1 403"));
    assert!(socket(&relay, "Origin: https://app.example\r\n").starts_with("HTTP/1.1 403"));
    let read = relay.ask(
        "GET /channels/a/messages HTTP/1.1\r\nHost: me:1\r\nOrigin: https://app.example\r\n\r\n",
    );
    assert!(
        read.starts_with("HTTP/1.1 204")
            && !read.contains("access-control")
            && !read.contains("vary"),
        "{read}"
    );
}

#[test]
fn a_listed_page_may_read_every_answer() {
    let relay = relay();
    let ask = |path: &str, origin: &str| {
        relay
            .send(format!(
                "GET {path} HTTP/1.1\r\nHost: me:1\r\nOrigin: {origin}\r\n\r\n"
            ))
            .head()
    };
    publish(&relay, "");
    for path in [
        "/channels/a/messages",
        "/channels/a/messages?after=earliest",
        "/channels/a/messages?wait=5ms",
        "/channels/a/stream",
        "/channels/a/events",
        "/channels/a/messages?after=garbage",
        "/nothing",
        "/stats",
    ] {
        let listed = ask(path, LISTED);
        assert!(
            listed.contains(ALLOWED) && listed.contains("vary: Origin\r\n"),
            "{path}: {listed}"
        );
        assert!(
            listed.contains("access-control-expose-headers: Relay-Next\r\n"),
            "{path}: {listed}"
        );
        assert!(!listed.contains("credentials"), "{path}: {listed}");
        for other in ["https://evil.example", "null", "http://me:1"] {
            let answer = ask(path, other);
            assert!(
                !answer.contains("access-control") && answer.contains("vary: Origin\r\n"),
                "{path}: {answer}"
            );
        }
    }
    let refused = publish(&relay, "Origin: https://app.example\r\nX: y\r\n").replace("201", "");
    assert!(refused.contains(ALLOWED), "{refused}");
}

#[test]
fn a_preflight_is_answered_for_listed_pages_only() {
    let relay = relay();
    for leaf in ["messages", "stream", "events", "socket"] {
        let ask = |origin: &str| {
            relay.ask(format!("OPTIONS /channels/a/{leaf} HTTP/1.1\r\nHost: me:1\r\nOrigin: {origin}\r\nAccess-Control-Request-Method: POST\r\n\r\n"))
        };
        let answer = ask(LISTED);
        assert!(
            answer.starts_with("HTTP/1.1 204") && answer.contains(ALLOWED),
            "{answer}"
        );
        for header in [
            "access-control-allow-methods: GET, POST\r\n",
            "vary: Origin\r\n",
            "access-control-max-age: 600\r\n",
            "access-control-allow-headers: Content-Type, Last-Event-ID, Authorization\r\n",
        ] {
            assert!(answer.contains(header), "{answer}");
        }
        assert!(ask("https://evil.example").starts_with("HTTP/1.1 403"));
    }
}
