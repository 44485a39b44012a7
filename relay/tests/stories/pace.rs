//! Who asks too fast is served at the rate of its address and no faster, and nobody else notices.
//!
//! Times are held from below, by what the rate allows; from above only by the patience of the harness, and by what must come before what.

use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use socket2::{Domain, Socket, Type};
use tokio::time::Instant;

use crate::harness::{Client, HANDSHAKE, Relay, Web, frame, get, post};
use crate::multiplex::{Mux, tell};
use crate::wire::Wire;

const RATE: u32 = 100;
/// What a connection costs, and with TLS.
const CONNECTION: u32 = 5;
const HANDSHAKE_TURNS: u32 = 10;

/// The least time in which so many turns of one address can be had: a second's worth is there at once. A little less than
/// that, as the clocks of both sides are read at different moments.
fn least(turns: u32) -> Duration {
    Duration::from_secs(1) * (turns - RATE) / RATE - Duration::from_millis(20)
}

fn paced() -> Relay {
    Relay::with(|settings| settings.request_rate_per_address = Some(RATE))
}

/// A client at another address than everybody else's.
fn elsewhere(relay: &Relay) -> Client {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    let own: SocketAddr = "127.0.0.77:0".parse().unwrap();
    socket.bind(&own.into()).unwrap();
    socket.connect(&relay.address.into()).unwrap();
    let stream = TcpStream::from(socket);
    stream
        .set_read_timeout(Some(Duration::from_secs(5)))
        .unwrap();
    stream.set_nodelay(true).unwrap();
    Client::new(Wire::Plain(stream))
}

#[test]
fn requests_beyond_the_rate_are_all_answered_and_no_faster_and_others_do_not_wait() {
    let relay = paced();
    let asked = 4 * RATE;
    let begun = Instant::now();
    let mut greedy = relay.send(get("/healthz").repeat(asked as usize));
    for _ in 0..RATE {
        assert!(greedy.answer().starts_with("HTTP/1.1 200 "));
    }
    // From here on it waits for each of its turns, three seconds in all.
    let mut other = elsewhere(&relay);
    for number in 0..RATE / 2 {
        other.send(post("/channels/a/messages", &number.to_string()));
        assert!(other.answer().starts_with("HTTP/1.1 201 "));
    }
    let meanwhile = begun.elapsed();
    for _ in 0..asked - RATE {
        assert!(greedy.answer().starts_with("HTTP/1.1 200 "));
    }
    let took = begun.elapsed();
    assert!(took >= least(asked + CONNECTION), "{took:?}");
    assert!(meanwhile < took / 2, "{meanwhile:?} of {took:?}");
    other.send(get("/stats"));
    let stats = other.answer();
    assert!(!stats.contains(r#""throttled":0,"#), "{stats}");
    other.send(get("/metrics"));
    let metrics = other.answer();
    assert!(metrics.contains("\nrelay_throttled_total "), "{metrics}");
}

#[test]
fn pings_beyond_the_rate_are_all_answered_and_no_faster_and_messages_come_all_the_while() {
    let relay = paced();
    let mut web = Web::open(&relay, "");
    let begun = Instant::now();
    let pings = 3 * RATE;
    web.0.send(frame(0x89, b"").repeat(pings as usize));
    let mut other = elsewhere(&relay);
    let (mut pongs, mut messages, mut answered_at_message) = (0, 0, 0);
    while pongs < pings {
        let (first, payload) = web.next();
        match first {
            0x8a => pongs += 1,
            0x81 => {
                messages += 1;
                answered_at_message = pongs;
                assert!(String::from_utf8_lossy(&payload).contains(r#""payload":7"#));
            }
            other => panic!("{other:#x}"),
        }
        if first == 0x8a && pongs == RATE {
            other.send(post("/channels/a/messages", "7"));
            other.answer();
        }
    }
    let took = begun.elapsed();
    assert!(took >= least(pings), "{took:?}");
    assert_eq!(messages, 1);
    assert!(answered_at_message < pings, "it did not wait for a turn");
    web.text(r#"{"publish":8}"#);
    while web.next().0 != 0x81 {}
}

#[test]
fn streams_of_http2_beyond_the_rate_are_all_answered_and_no_faster() {
    let relay = Relay::secure(false, |settings| {
        settings.request_rate_per_address = Some(RATE);
    });
    tell(async {
        let begun = Instant::now();
        let mut mux = Mux::open(&relay).await;
        let (mut asked, most) = (0, 3 * RATE);
        while asked < most {
            let mut open = Vec::new();
            for _ in 0..50 {
                open.push(mux.begin("/healthz", &[]).await);
            }
            asked += 50;
            for begun in open {
                assert_eq!(begun.answer().await.status, 200);
            }
        }
        let took = begun.elapsed();
        assert!(took >= least(most + HANDSHAKE_TURNS), "{took:?}");
    });
}

#[test]
fn connecting_anew_brings_no_new_turns() {
    let relay = paced();
    let begun = Instant::now();
    let times = 40;
    for _ in 0..times {
        let mut client = relay.get("/healthz");
        assert!(client.answer().starts_with("HTTP/1.1 200 "));
        client.finish();
        client.until_closed();
    }
    let took = begun.elapsed();
    assert!(took >= least(times * (CONNECTION + 1)), "{took:?}");
}

#[test]
fn what_is_read_again_and_again_is_paid_by_its_size() {
    let relay = Relay::start();
    let message = format!("\"{}\"", "x".repeat(60_000));
    let fill = |relay: &Relay| {
        for _ in 0..4 {
            relay.publish(&message);
        }
    };
    fill(&relay);
    // Without a rate there is nothing to wait for.
    for _ in 0..3 * RATE {
        let mut client = relay.get("/channels/a/messages?after=earliest");
        client.answer();
    }
    relay.counts("relay_throttled_total 0");
    let relay = paced();
    fill(&relay);
    let begun = Instant::now();
    let (mut asked, mut client) = (0, relay.connect());
    // 240 kB: 14 turns each, and one for asking.
    for _ in 0..12 {
        client.send(get("/channels/a/messages?after=earliest"));
        assert!(client.answer().len() > 240_000);
        asked += 15;
    }
    let streams = 5;
    for _ in 0..streams {
        let mut stream = relay.get("/channels/a/stream?after=earliest");
        for _ in 0..4 {
            stream.until("\"}\n");
        }
        asked += CONNECTION + 1 + 14;
    }
    // What was given last is paid by who comes next; `fill` has made the address pay for four connections with as many messages.
    let took = begun.elapsed();
    assert!(took >= least(asked - 15 - 14), "{took:?}");
}

#[test]
fn a_handshake_in_need_of_a_turn_gets_it() {
    let relay = Relay::with(|settings| settings.request_rate_per_address = Some(10));
    let mut all: Vec<_> = (0..4)
        .map(|_| {
            relay.send(format!(
                "GET /channels/a/socket HTTP/1.1\r\nHost: relay\r\n{HANDSHAKE}\r\n"
            ))
        })
        .collect();
    for client in &mut all {
        assert!(client.head().starts_with("HTTP/1.1 101 "));
    }
    elsewhere(&relay).send(post("/channels/a/messages", "1"));
    for client in all {
        assert!(Web(client).next_text().contains(r#""payload":1"#));
    }
}
