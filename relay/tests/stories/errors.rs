//! Every answer to a request that is wrong.

use crate::harness::{HANDSHAKE, Relay, get, post};

/// The answer has this status and this code, as JSON.
fn assert_refused(answer: &str, status: u16, code: &str) {
    assert!(
        answer.starts_with(&format!("HTTP/1.1 {status} ")),
        "{status} {code}: {answer}"
    );
    let body = answer.split("\r\n\r\n").nth(1).unwrap();
    let json: serde_json::Value =
        serde_json::from_str(body).unwrap_or_else(|_| panic!("no JSON: {answer}"));
    assert_eq!(json["error"]["code"], code, "{answer}");
    assert!(
        json["error"]["message"]
            .as_str()
            .is_some_and(|text| text.len() > 10),
        "{answer}"
    );
}

#[test]
fn a_wrong_address_or_method_is_said_so() {
    let relay = Relay::start();
    for path in [
        "/nothing",
        "/channels",
        "/channels/a",
        "/channels/a/other",
        "/channels//",
        "/stats/",
    ] {
        assert_refused(&relay.ask(get(path)), 404, "not_found");
    }
    for (method, path, allow) in [
        ("DELETE", "/channels/a/messages", "GET, POST, OPTIONS"),
        ("HEAD", "/channels/a/stream", "GET, OPTIONS"),
        ("POST", "/channels/a/stream", "GET, OPTIONS"),
        ("PUT", "/channels/a/socket", "GET, OPTIONS"),
        ("POST", "/stats", "GET, HEAD"),
        ("POST", "/", "GET, HEAD"),
    ] {
        let mut client = relay.send(format!(
            "{method} {path} HTTP/1.1\r\nHost: relay\r\nContent-Length: 0\r\n\r\n"
        ));
        let answer = if method == "HEAD" {
            client.head()
        } else {
            client.answer()
        };
        assert!(
            answer.starts_with("HTTP/1.1 405 ") && answer.contains(&format!("allow: {allow}\r\n")),
            "{answer}"
        );
    }
}

#[test]
fn a_channel_name_is_checked_after_decoding() {
    let relay = Relay::start();
    let long = "x".repeat(129);
    for name in [
        "", "a%20b", "a%2Fb", "%ff", "%", "a/b", "a*", "%C3%A9", &long,
    ] {
        for leaf in ["messages", "stream", "events", "socket"] {
            assert_refused(
                &relay.ask(get(&format!("/channels/{name}/{leaf}"))),
                400,
                "bad_channel",
            );
        }
        assert_refused(
            &relay.ask(post(&format!("/channels/{name}/messages"), "1")),
            400,
            "bad_channel",
        );
    }
    relay.publish_to("user%2Ebob%3A1", "1");
    let found = relay.ask(get("/channels/user.bob:1/messages?after=earliest"));
    assert!(found.starts_with("HTTP/1.1 200"), "{found}");
}

#[test]
fn a_position_that_cannot_be_is_refused_on_every_transport() {
    let relay = Relay::start();
    let epoch = relay.epoch();
    relay.publish("1");
    for leaf in ["messages", "messages?wait=5s", "stream", "events", "socket"] {
        let (path, query) = leaf.split_once('?').unwrap_or((leaf, ""));
        let ask = |after: &str| {
            relay.ask(format!(
                "GET /channels/a/{path}?after={after}&{query} HTTP/1.1\r\nHost: r\r\n{}\r\n",
                if leaf == "socket" { HANDSHAKE } else { "" }
            ))
        };
        assert_refused(&ask(&format!("{epoch}-2")), 400, "position_in_future");
        assert_refused(
            &ask(&format!("{epoch}-18446744073709551615")),
            400,
            "position_in_future",
        );
        for garbage in [
            "",
            "latest",
            "17",
            "-",
            "abc-1",
            "k3f9ab-x",
            "k3f9ab-01",
            "%00",
            "k3f9ab-99999999999999999999",
        ] {
            assert_refused(&ask(garbage), 400, "bad_position");
        }
    }
    let garbage = "GET /channels/a/events HTTP/1.1\r\nHost: r\r\nLast-Event-ID: what\r\n\r\n";
    assert_refused(&relay.ask(garbage), 400, "bad_position");
}

#[test]
fn a_query_that_means_nothing_is_refused() {
    let relay = Relay::start();
    for wait in ["", "25", "soon", "-1s", "1.5s", "9999999999999999999h"] {
        assert_refused(
            &relay.ask(get(&format!("/channels/a/messages?wait={wait}"))),
            400,
            "bad_wait",
        );
    }
    for (query, code) in [
        ("limit=0", "bad_limit"),
        ("limit=-1", "bad_limit"),
        ("limit=99999999999999999999999", "bad_limit"),
        ("latest=yes", "bad_latest"),
        ("wait=1s&linger=50", "bad_linger"),
    ] {
        let answer = relay.ask(get(&format!("/channels/a/messages?{query}")));
        assert_refused(&answer, 400, code);
    }
    let handshake =
        format!("GET /channels/a/socket?receive=maybe HTTP/1.1\r\nHost: r\r\n{HANDSHAKE}\r\n");
    assert_refused(&relay.ask(handshake), 400, "bad_receive");
}

#[test]
fn what_is_no_json_is_not_published() {
    let relay = Relay::start();
    for body in [
        "",
        " ",
        "{",
        "1 2",
        "{} x",
        "'a'",
        "{a:1}",
        "[1,]",
        "nul",
        "01",
        "NaN",
        "\"\t\"",
        "\u{feff}1",
    ] {
        assert_refused(
            &relay.ask(post("/channels/a/messages", body)),
            400,
            "bad_json",
        );
    }
    let mut client = relay.send("POST /channels/a/messages HTTP/1.1\r\nHost: r\r\nContent-Type: application/json\r\nContent-Length: 3\r\n\r\n");
    client.send(b"\"\xff\"");
    assert_refused(&client.answer(), 400, "bad_json");
    assert_refused(
        &relay.ask(post(
            "/channels/a/messages",
            &("[".repeat(101) + &"]".repeat(101)),
        )),
        400,
        "bad_json",
    );
    assert!(
        relay
            .get("/channels/a/messages?after=earliest")
            .answer()
            .starts_with("HTTP/1.1 204")
    );
}

#[test]
fn a_message_is_declared_as_json() {
    let relay = Relay::start();
    let ask = |kind: &str| {
        relay.ask(format!(
            "POST /channels/a/messages HTTP/1.1\r\nHost: r\r\n{kind}Content-Length: 1\r\n\r\n1"
        ))
    };
    for kind in [
        "",
        "Content-Type: text/plain\r\n",
        "Content-Type: application/x-www-form-urlencoded\r\n",
        "Content-Type: application/jsonp\r\n",
    ] {
        assert_refused(&ask(kind), 415, "not_json");
    }
    for kind in [
        "application/json; charset=utf-8",
        "Application/JSON",
        "application/json ;x=y",
    ] {
        assert!(
            ask(&format!("Content-Type: {kind}\r\n")).starts_with("HTTP/1.1 201"),
            "{kind}"
        );
    }
}

#[test]
fn a_message_that_is_too_large_is_refused_before_and_while_it_comes() {
    let relay = Relay::with(|settings| settings.max_body = 1000);
    let fits = format!("\"{}\"", "x".repeat(998));
    relay.publish(&fits);
    let large = format!("\"{}\"", "x".repeat(999));
    let answer = relay.ask(post("/channels/a/messages", &large));
    assert_refused(&answer, 413, "too_large");
    assert!(answer.contains("connection: close\r\n"), "{answer}");
    let head =
        "POST /channels/a/messages HTTP/1.1\r\nHost: r\r\nContent-Type: application/json\r\n";
    assert_refused(
        &relay.ask(format!("{head}Content-Length: 99999999999\r\n\r\n1")),
        413,
        "too_large",
    );
    let chunks = "190\r\n".to_owned() + &"1".repeat(400) + "\r\n";
    assert_refused(
        &relay.ask(format!(
            "{head}Transfer-Encoding: chunked\r\n\r\n{chunks}{chunks}{chunks}0\r\n\r\n"
        )),
        413,
        "too_large",
    );
    relay.counts("relay_closed_total{reason=\"too_large\"} 3");
}

#[test]
fn a_handshake_is_checked() {
    let relay = Relay::start();
    let ask = |headers: &str| {
        relay.ask(format!(
            "GET /channels/a/socket HTTP/1.1\r\nHost: r\r\n{headers}\r\n"
        ))
    };
    let answer = ask("");
    assert_refused(&answer, 426, "upgrade_required");
    assert!(answer.contains("upgrade: websocket\r\n"), "{answer}");
    let answer = ask(&HANDSHAKE.replace("13", "8"));
    assert_refused(&answer, 426, "upgrade_required");
    assert!(answer.contains("sec-websocket-version: 13\r\n"), "{answer}");
    assert_refused(
        &ask(&HANDSHAKE.replace("dGhlIHNhbXBsZSBub25jZQ==", "short")),
        400,
        "bad_handshake",
    );
    assert_refused(
        &ask("Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"),
        400,
        "bad_handshake",
    );
    let old = relay.ask(format!(
        "GET /channels/a/socket HTTP/1.0\r\nHost: r\r\n{HANDSHAKE}\r\n"
    ));
    assert!(old.contains(" 426 "), "{old}");
}

#[test]
fn a_request_that_reads_has_no_body() {
    let relay = Relay::start();
    for leaf in ["messages", "messages?wait=5s", "stream", "events", "socket"] {
        let head = format!("GET /channels/a/{leaf} HTTP/1.1\r\nHost: r\r\n");
        let smuggled = get("/healthz");
        let answer = relay.ask(format!(
            "{head}Content-Length: {}\r\n\r\n{smuggled}",
            smuggled.len()
        ));
        assert_refused(&answer, 400, "unexpected_body");
        assert_refused(
            &relay.ask(format!("{head}Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n")),
            400,
            "unexpected_body",
        );
    }
}
