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
    for path in [
        "/channels/a/messages",
        "/channels/a/messages?wait=5s",
        "/channels/a/stream",
        "/channels/a/events",
        "/stats",
        "/metrics",
    ] {
        let read = relay.ask(format!(
            "GET {path} HTTP/1.1\r\nHost: me:1\r\nOrigin: https://app.example\r\n\r\n"
        ));
        assert!(
            read.starts_with("HTTP/1.1 403")
                && !read.contains("access-control")
                && !read.contains("vary"),
            "{path}: {read}"
        );
    }
    let page = relay.ask("GET / HTTP/1.1\r\nHost: me:1\r\nOrigin: https://app.example\r\n\r\n");
    assert!(page.starts_with("HTTP/1.1 200"), "{page}");
}

#[test]
fn a_page_that_fetches_without_asking_opens_nothing() {
    let relay = Relay::start();
    let ask = |path: &str, site: &str| {
        let head = format!("GET {path} HTTP/1.1\r\nHost: me:1\r\nSec-Fetch-Mode: no-cors\r\n");
        relay
            .send(format!("{head}Sec-Fetch-Site: {site}\r\n\r\n"))
            .head()
    };
    for leaf in ["messages", "stream", "events"] {
        let path = format!("/channels/a/{leaf}");
        assert!(
            ask(&path, "cross-site").starts_with("HTTP/1.1 403"),
            "{leaf}"
        );
        assert!(
            ask(&path, "same-site").starts_with("HTTP/1.1 403"),
            "{leaf}"
        );
        assert!(
            !ask(&path, "same-origin").starts_with("HTTP/1.1 403"),
            "{leaf}"
        );
    }
}

#[test]
fn a_relay_that_asks_for_no_token_does_not_answer_to_a_bent_name() {
    let relay = Relay::start();
    let ask = |path: &str, host: &str| {
        relay.ask(format!(
            "GET {path} HTTP/1.1\r\nHost: {host}\r\nOrigin: http://{host}\r\n\r\n"
        ))
    };
    let port = relay.address.port();
    for path in [
        "/",
        "/healthz",
        "/stats",
        "/metrics",
        "/channels/a/messages",
        "/channels/a/stream",
        "/channels/a/events",
        "/channels/a/socket",
        "/tickets",
        "/nothing",
    ] {
        for host in [
            &format!("evil.example:{port}"),
            "evil.example",
            "localhost.evil.example",
        ] {
            let answer = ask(path, host);
            assert!(
                answer.starts_with("HTTP/1.1 421") && answer.contains("wrong_host"),
                "{path} {host}: {answer}"
            );
        }
    }
    for host in [
        &format!("127.0.0.1:{port}"),
        "localhost",
        "[::1]:80",
        "app.localhost:80",
        "me",
    ] {
        assert!(ask("/stats", host).starts_with("HTTP/1.1 200"), "{host}");
    }
    // Two hosts are none; a client of HTTP/1.0 has none, and is no browser.
    let two = "GET /stats HTTP/1.1\r\nHost: localhost\r\nHost: localhost\r\n\r\n";
    assert!(relay.ask(two).starts_with("HTTP/1.1 400"));
    let none = relay.ask("GET /stats HTTP/1.0\r\n\r\n");
    assert!(none.contains(" 200 "), "{none}");
}

#[test]
fn no_answer_is_kept_by_a_cache_guessed_at_or_held_back() {
    let relay = relay();
    publish(&relay, "");
    let head = |request: &str| {
        relay
            .send(request.replace("HOST", "HTTP/1.1\r\nHost: me:1"))
            .head()
    };
    let handshake = format!("GET /channels/a/socket HOST\r\n{HANDSHAKE}\r\n");
    let (no_store, nosniff, unbuffered) = (
        "cache-control: no-store\r\n",
        "x-content-type-options: nosniff\r\n",
        "x-accel-buffering: no\r\n",
    );
    for (request, status, wanted) in [
        ("GET / HOST\r\n\r\n", 200, vec![no_store, nosniff]),
        ("GET /stats HOST\r\n\r\n", 200, vec![no_store, nosniff]),
        ("GET /metrics HOST\r\n\r\n", 200, vec![no_store, nosniff]),
        ("GET /healthz HOST\r\n\r\n", 200, vec![no_store, nosniff]),
        ("GET /nothing HOST\r\n\r\n", 404, vec![no_store, nosniff]),
        (
            "POST /tickets HOST\r\nContent-Length: 0\r\n\r\n",
            404,
            vec![no_store, nosniff],
        ),
        ("GET /channels/a/messages HOST\r\n\r\n", 204, vec![no_store]),
        (
            "GET /channels/a/messages?wait=5ms HOST\r\n\r\n",
            204,
            vec![no_store],
        ),
        (
            "GET /channels/a/messages?after=earliest HOST\r\n\r\n",
            200,
            vec![no_store, nosniff],
        ),
        (
            "GET /channels/a/messages?after=earliest&wait=1s HOST\r\n\r\n",
            200,
            vec![no_store, nosniff],
        ),
        (
            "GET /channels/a/messages HOST\r\nOrigin: https://evil.example\r\n\r\n",
            403,
            vec![no_store, nosniff],
        ),
        (
            "GET /channels/a/stream HOST\r\n\r\n",
            200,
            vec![no_store, nosniff, unbuffered],
        ),
        (
            "GET /channels/a/events HOST\r\n\r\n",
            200,
            vec![no_store, nosniff, unbuffered],
        ),
        (
            "OPTIONS /channels/a/messages HOST\r\nOrigin: https://app.example\r\n\r\n",
            204,
            vec![no_store],
        ),
        (&handshake, 101, vec![]),
    ] {
        let answer = head(request);
        assert!(
            answer.starts_with(&format!("HTTP/1.1 {status} ")),
            "{request}: {answer}"
        );
        for field in wanted {
            assert!(answer.contains(field), "{request}: {answer}");
        }
        assert!(
            !answer.contains("credentials") && !answer.contains("set-cookie"),
            "{answer}"
        );
    }
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
