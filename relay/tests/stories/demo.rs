//! The demo's files as any client gets them, and the bytes that its pages explain.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader};
use std::net::TcpStream;
use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::Value;

use crate::harness::{Client, Relay, get};
use crate::wire::Wire;

const PAGES: [&str; 4] = ["/", "/chat", "/race", "/explain"];

/// Everything that the pages name, and what that names in turn.
fn reachable(relay: &Relay) -> BTreeSet<String> {
    let mut found: BTreeSet<String> = PAGES.map(str::to_owned).into();
    let mut open: Vec<String> = found.iter().cloned().collect();
    while let Some(path) = open.pop() {
        let text = relay.get(&path).answer();
        let folder = path.rsplit_once('/').unwrap().0.to_owned();
        let absolute = text
            .split(['"', '\''])
            .filter(|name| name.starts_with("/assets/"));
        let relative = text
            .split("from './")
            .skip(1)
            .map(|rest| rest.split('\'').next().unwrap());
        let named = absolute
            .map(str::to_owned)
            .chain(relative.map(|name| format!("{folder}/{name}")));
        for name in named.collect::<Vec<_>>() {
            if found.insert(name.clone()) {
                open.push(name);
            }
        }
    }
    found
}

#[test]
fn every_file_of_the_pages_is_there_and_says_what_it_is() {
    let relay = Relay::start();
    let files = reachable(&relay);
    for client in ["polling", "long-polling", "streaming", "sse", "websocket"] {
        assert!(
            files.contains(&format!("/assets/clients/{client}.js")),
            "{client}"
        );
    }
    for path in &files {
        let answer = relay.get(path).answer();
        let kind = match path.rsplit_once('.').map(|(_, ending)| ending) {
            Some("js") => "text/javascript; charset=utf-8",
            Some("css") => "text/css; charset=utf-8",
            Some("svg") => "image/svg+xml",
            _ => "text/html; charset=utf-8",
        };
        assert!(
            answer.starts_with("HTTP/1.1 200 OK\r\n"),
            "{path}: {answer:.200}"
        );
        for field in [
            &format!("content-type: {kind}"),
            "x-content-type-options: nosniff",
            "cache-control: no-store",
        ] {
            assert!(
                answer.contains(&format!("{field}\r\n")),
                "{path}: {answer:.300}"
            );
        }
        let elsewhere = answer
            .split("http")
            .skip(1)
            .filter(|rest| rest.starts_with("://") || rest.starts_with("s://"));
        for rest in elsewhere {
            let local = ["://127.0.0.1", "://$", "://www.w3.org/2000/svg"];
            assert!(
                local.iter().any(|name| rest.starts_with(name)),
                "{path} names another host: http{rest:.60}"
            );
        }
        let mut head = relay.send(format!("HEAD {path} HTTP/1.1\r\nHost: relay\r\n\r\n"));
        assert!(head.head().starts_with("HTTP/1.1 200"), "{path}");
        assert!(head.is_silent(), "{path}: no body follows");
    }
    let unknown = relay.get("/assets/unknown.js").answer();
    assert!(unknown.starts_with("HTTP/1.1 404"), "{unknown}");
    let posted = relay.ask("POST /race HTTP/1.1\r\nHost: relay\r\nContent-Length: 0\r\n\r\n");
    assert!(posted.starts_with("HTTP/1.1 405"), "{posted}");
}

#[test]
fn a_page_may_run_and_reach_only_what_is_of_its_relay() {
    let relay = Relay::start();
    for path in PAGES {
        let page = relay.get(path).answer();
        let policy = page
            .lines()
            .find_map(|line| line.strip_prefix("content-security-policy: "))
            .unwrap_or_else(|| panic!("{path} has no policy"));
        assert_eq!(
            policy,
            "default-src 'none'; connect-src 'self'; style-src 'self'; script-src 'self'; img-src 'self'; \
             base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
        );
        let inline = [" style=", "<style", " onclick=", "<script>", "javascript:"];
        assert!(
            inline.iter().all(|name| !page.contains(name)),
            "{path}: the policy forbids what stands in the page"
        );
    }
}

fn bytes(hex: &Value) -> Vec<u8> {
    let hex = hex.as_str().unwrap();
    (0..hex.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap())
        .collect()
}

/// Masks the date, the one thing that changes when the same is asked again.
fn undated(bytes: &[u8]) -> String {
    let text: String = bytes.iter().map(|byte| char::from(*byte)).collect();
    let mut lines: Vec<&str> = text.split("\r\n").collect();
    for line in &mut lines {
        if line.starts_with("date: ") {
            *line = "date: DATE";
        }
    }
    lines.join("\r\n")
}

#[test]
fn what_is_explained_is_what_a_raw_socket_gets() {
    let relay = Relay::start();
    for payload in [
        "%7B%22text%22%3A%22hello%22%7D",
        "1",
        &format!("%22{}%22", "x".repeat(300)),
    ] {
        let answer = relay
            .get(&format!("/explain/deliveries?payload={payload}"))
            .answer();
        let body = answer.split("\r\n\r\n").nth(1).unwrap();
        let explained: Value = serde_json::from_str(body).unwrap();
        for name in ["polling", "long-polling", "streaming", "sse", "websocket"] {
            let said = explained["transports"][name].as_array().unwrap();
            let mut client = relay.connect();
            let mut checked = 0;
            for turn in said {
                let (purpose, from) = (turn["purpose"].as_str().unwrap(), &turn["from"]);
                // The first poll found nothing because nothing was there yet, and what is published
                // again would come again.
                if purpose == "empty" || purpose == "publish" {
                    continue;
                }
                let shown = bytes(&turn["hex"]);
                if from == "client" {
                    client.send(&shown);
                } else {
                    let got = client.take(shown.len());
                    assert_eq!(undated(&got), undated(&shown), "{name}, {purpose}");
                    checked += 1;
                }
            }
            assert!(checked > 0, "{name}");
            assert!(client.is_silent(), "{name}: nothing is left out");
        }
    }
}

#[test]
fn a_message_is_explained_in_the_words_of_the_browser_that_asks() {
    let relay = Relay::start();
    let answer = relay.ask(
        "GET /explain/deliveries HTTP/1.1\r\nHost: relay:1\r\nUser-Agent: Me/1.0\r\nAccept: */*\r\nCookie: secret=1\r\n\
         Authorization: secret\r\nAccept-Language: eo\r\n\r\n",
    );
    let body = answer.split("\r\n\r\n").nth(1).unwrap();
    let explained: Value = serde_json::from_str(body).unwrap();
    for (name, said) in explained["transports"].as_object().unwrap() {
        let request = undated(&bytes(&said[0]["hex"]));
        assert!(request.contains("host: relay:1\r\n"), "{request}");
        assert!(
            request.contains("user-agent: Me/1.0\r\n"),
            "{name}: {request}"
        );
        assert!(
            request.contains("accept-language: eo\r\n"),
            "{name}: {request}"
        );
        assert!(
            !request.contains("secret"),
            "{name}: what proves who asks is not shown"
        );
    }
    for (payload, code) in [("%7B", "bad_json"), (&"1".repeat(1025), "too_large")] {
        let refused = relay
            .get(&format!("/explain/deliveries?payload={payload}"))
            .answer();
        assert!(refused.contains(code), "{refused}");
    }
}

#[test]
fn a_foreign_page_cannot_make_the_relay_talk_to_itself() {
    let relay = Relay::start();
    for field in ["Origin: https://evil.example", "Sec-Fetch-Site: cross-site"] {
        let answer = relay.ask(format!(
            "GET /explain/deliveries HTTP/1.1\r\nHost: relay\r\n{field}\r\n\r\n"
        ));
        assert!(answer.starts_with("HTTP/1.1 403"), "{answer}");
    }
    relay.counts("relay_published_total 0");
}

#[test]
fn a_relay_that_is_full_says_that_it_cannot_ask_itself() {
    let relay = Relay::with(|settings| settings.max_connections = 2);
    let mut client = relay.send(get("/explain/deliveries"));
    let answer = client.answer();
    assert!(
        answer.starts_with("HTTP/1.1 503") && answer.contains("not_recorded"),
        "{answer}"
    );
}

#[test]
fn a_copy_of_the_chat_page_stands_at_another_address() {
    let mut child = Command::new(env!("CARGO_BIN_EXE_relay"))
        .args(["--listen", "127.0.0.1:0", "--cors-demo", "127.0.0.1:0"])
        .args(["--exit-with-stdin", "--log-level", "warn"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut address = || {
        lines
            .next()
            .unwrap()
            .unwrap()
            .rsplit('/')
            .next()
            .unwrap()
            .to_owned()
    };
    let (relay, copy) = (address(), address());
    let ask = |path: &str| {
        let stream = TcpStream::connect(&copy).unwrap();
        stream
            .set_read_timeout(Some(Duration::from_secs(5)))
            .unwrap();
        let mut client = Client::new(Wire::Plain(stream));
        client.send(format!("GET {path} HTTP/1.1\r\nHost: {copy}\r\n\r\n"));
        client.answer()
    };
    for path in ["/", "/chat"] {
        let page = ask(path);
        assert!(page.contains("<h1>Chat</h1>"), "{page:.400}");
        assert!(
            page.contains(&format!("connect-src 'self' http://{relay} ws://{relay};")),
            "{page:.400}"
        );
    }
    assert!(ask("/demo.json").ends_with(&format!(r#"{{"copy":null,"relay":"http://{relay}"}}"#)));
    for path in [
        "/race",
        "/explain",
        "/channels/a/messages",
        "/metrics",
        "/explain/deliveries",
    ] {
        assert!(
            ask(path).starts_with("HTTP/1.1 404"),
            "{path} is the relay's own"
        );
    }
    let answers = ask("/answers");
    assert!(
        answers.contains(&format!(r#""origin":"http://{copy}""#)),
        "{answers}"
    );
    let body: Value = serde_json::from_str(answers.split("\r\n\r\n").nth(1).unwrap()).unwrap();
    for (what, status) in [("read", "403"), ("preflight", "403"), ("socket", "403")] {
        let answer = undated(&bytes(&body["answers"][what][1]["hex"]));
        assert!(
            answer.starts_with(&format!("HTTP/1.1 {status}")) && !answer.contains("access-control"),
            "{what}: {answer}"
        );
    }
    drop(child.stdin.take());
    assert_eq!(
        child.wait().unwrap().code(),
        Some(0),
        "both addresses end together"
    );
}
