//! The page that explains bytes shows those that were sent, all of them.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};

use serde_json::{Value, json};

use crate::browser;
use crate::chat::TRANSPORTS;
use crate::program::{Program, free};

/// What the page shows of one transport: each turn's purpose, sender and bytes, put together from its pieces.
const SHOWN: &str = "
    return [...document.querySelectorAll(`#${arguments[0]} .turn`)].map((turn) => ({
      purpose: turn.closest('article').dataset.purpose,
      from: turn.dataset.from,
      says: turn.querySelector('.from').textContent,
      hex: [...turn.querySelectorAll('[data-hex]')].map((piece) => piece.dataset.hex).join(''),
      counts: [...turn.querySelectorAll('.side > .count')].map((count) => Number(count.textContent)),
    }));";

fn text(hex: &str) -> String {
    (0..hex.len())
        .step_by(2)
        .map(|at| char::from(u8::from_str_radix(&hex[at..at + 2], 16).unwrap()))
        .collect()
}

/// Sends bytes on a raw socket and gives as many as are expected in return, as text without the date.
fn exchange(relay: &Program, sent: &str, expected: usize) -> String {
    let mut stream = TcpStream::connect(relay.address).unwrap();
    stream
        .set_read_timeout(Some(std::time::Duration::from_secs(10)))
        .unwrap();
    stream.write_all(sent.as_bytes()).unwrap();
    let mut got = vec![0; expected];
    stream.read_exact(&mut got).unwrap();
    undated(&got.iter().map(|byte| char::from(*byte)).collect::<String>())
}

fn undated(text: &str) -> String {
    let date = |line: &&str| !line.starts_with("date: ");
    text.split("\r\n")
        .filter(date)
        .collect::<Vec<_>>()
        .join("\r\n")
}

#[tokio::test]
async fn the_page_shows_what_a_raw_socket_gets() {
    let Some(browser) = browser::start().await else {
        return;
    };
    let relay = Program::start(free(), &[]);
    browser.open(&relay.page("/explain")).await;
    for transport in TRANSPORTS {
        let turns = browser.run(SHOWN, json!([transport])).await;
        let turns = turns.as_array().unwrap();
        for turn in turns {
            let length = turn["hex"].as_str().unwrap().len() as u64 / 2;
            let counted: u64 = turn["counts"]
                .as_array()
                .unwrap()
                .iter()
                .map(|count| count.as_u64().unwrap())
                .sum();
            assert_eq!(counted, length, "{transport}: pieces and bytes: {turn}");
            assert!(
                turn["says"]
                    .as_str()
                    .unwrap()
                    .ends_with(&format!(", {length} bytes")),
                "{turn}"
            );
        }
        let of = |from: &str| -> String {
            let fits = |turn: &&Value| {
                turn["from"] == from
                    && (turn["purpose"] == "connect" || turn["purpose"] == "deliver")
            };
            turns
                .iter()
                .filter(fits)
                .map(|turn| text(turn["hex"].as_str().unwrap()))
                .collect()
        };
        let shown = of("relay");
        assert!(
            shown.contains(r#"{"text":"hello"}"#),
            "{transport}: {shown}"
        );
        assert_eq!(
            exchange(&relay, &of("client"), shown.chars().count()),
            undated(&shown),
            "{transport}"
        );
    }
    browser.assert_no_errors("the page").await;
}

/// A page that asks its server by all transports, for the server to see how.
const ASKING: &str = "<!DOCTYPE html><html data-ready=true><script>
    fetch('/fetch'); new EventSource('/events'); new WebSocket(`ws://${location.host}/socket`, 'relay.v1');
    </script>";

/// Serves the page and gives the heads of the three requests, by path.
fn asked(listener: &TcpListener) -> [String; 3] {
    let mut heads = [const { String::new() }; 3];
    while heads.iter().any(String::is_empty) {
        let (mut stream, _) = listener.accept().unwrap();
        stream
            .set_read_timeout(Some(std::time::Duration::from_millis(500)))
            .unwrap();
        let mut head = String::new();
        let mut byte = [0];
        while !head.ends_with("\r\n\r\n") && stream.read(&mut byte).is_ok_and(|count| count == 1) {
            head.push(char::from(byte[0]));
        }
        let body = if head.starts_with("GET / ") {
            ASKING
        } else {
            ""
        };
        let length = body.len();
        let answer = format!(
            "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"
        );
        let _ = stream.write_all(answer.as_bytes());
        for (at, path) in ["GET /fetch ", "GET /events ", "GET /socket "]
            .iter()
            .enumerate()
        {
            if head.starts_with(path) {
                heads[at].clone_from(&head);
            }
        }
    }
    heads
}

/// The fields of a head, without those that differ from one request to the next.
fn fields(head: &str) -> Vec<String> {
    let lines = head.split("\r\n").skip(1).filter(|line| !line.is_empty());
    let mut fields: Vec<String> = lines
        .map(|line| {
            let (name, value) = line.split_once(':').unwrap();
            format!("{}:{value}", name.to_ascii_lowercase())
        })
        .filter(|line| !line.starts_with("sec-websocket-key:"))
        .collect();
    fields.sort();
    fields
}

#[tokio::test]
async fn the_requests_are_those_that_the_browser_sends() {
    let Some(browser) = browser::start().await else {
        return;
    };
    let relay = Program::start(free(), &[]);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let page = format!("http://{}/", listener.local_addr().unwrap());
    let asking = std::thread::spawn(move || asked(&listener));
    browser.open(&page).await;
    let [fetch, events, socket] = asking.join().unwrap();
    // What the relay makes of the fetch is held against what the browser itself sent.
    let (_, rest) = fetch.split_once("\r\n").unwrap();
    let mut stream = TcpStream::connect(relay.address).unwrap();
    stream
        .write_all(format!("GET /explain/deliveries HTTP/1.1\r\n{rest}").as_bytes())
        .unwrap();
    stream.shutdown(std::net::Shutdown::Write).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let explained: Value = serde_json::from_str(answer.split("\r\n\r\n").nth(1).unwrap()).unwrap();
    for (name, own) in [("polling", fetch), ("sse", events), ("websocket", socket)] {
        let request = text(explained["transports"][name][0]["hex"].as_str().unwrap());
        assert_eq!(fields(&request), fields(&own), "{name}");
    }
}
