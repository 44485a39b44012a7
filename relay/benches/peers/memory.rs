//! What an idle subscriber costs in resident memory, by transport, at 10,000 of them.

use std::io::Write;
use std::net::TcpStream;
use std::thread::sleep;
use std::time::Duration;

use crate::pushpin::Origin;
use crate::rig::{median, request};
use crate::servers::{Kind, Peer};
use crate::swarm::subscribe;
use crate::table::{head, verdict};

const CLIENTS: u64 = 10_000;
const ROUNDS: usize = 3;

/// A transport, its path at the relay and at the peers by HTTP, whether an answer begins at once, and the budget in bytes.
type Row = (&'static str, &'static str, &'static str, bool, f64);

const ROWS: [Row; 4] = [
    ("websocket", "", "", true, 3072.0),
    ("sse", "/channels/c0/events", "/sse/c0", true, 4096.0),
    ("streaming", "/channels/c0/stream", "/raw/c0", true, 4096.0),
    (
        "long polling",
        "/channels/c0/messages?wait=10m",
        "/lp/c0",
        false,
        6144.0,
    ),
];

pub(crate) fn measure() -> bool {
    println!(
        "resident memory of an idle subscriber, growth at {CLIENTS} of them; relay: median of {ROUNDS}"
    );
    head(&[
        "transport",
        "relay B",
        "budget B",
        "Nchan B",
        "nats-server B",
        "Pushpin B",
    ]);
    let mut all = true;
    for row in ROWS {
        let relay = median((0..ROUNDS).filter_map(|_| each(Kind::Relay, row)).collect());
        let of = |kind| each(kind, row).map_or("-".to_owned(), |bytes| format!("{bytes:.0}"));
        let nchan = of(Kind::Nchan);
        let nats = if row.0 == "websocket" {
            of(Kind::Nats)
        } else {
            String::new()
        };
        let pushpin = of(Kind::Pushpin);
        println!(
            "| {} | {relay:.0} | {:.0} | {nchan} | {nats} | {pushpin} |",
            row.0, row.4
        );
        all &= relay <= row.4;
    }
    verdict(all, "within the budget of each transport")
}

fn each(kind: Kind, row: Row) -> Option<f64> {
    let peer = Peer::start(kind)?;
    // What is allocated once, for the first clients, is not a client's.
    let mut clients: Vec<TcpStream> = (0..50).map(|_| open(&peer, row)).collect();
    sleep(Duration::from_millis(500));
    let before = peer.resident();
    clients.extend((0..CLIENTS).map(|_| open(&peer, row)));
    sleep(Duration::from_millis(1000));
    Some((peer.resident() - before) as f64 / CLIENTS as f64)
}

fn open(peer: &Peer, (name, relay, other, begins, _): Row) -> TcpStream {
    if name == "websocket" {
        return subscribe(peer, "c0");
    }
    let path = if peer.kind == Kind::Relay {
        relay
    } else {
        other
    };
    let mut stream = TcpStream::connect(peer.address).expect("the server accepts");
    let accept = if name == "sse" {
        "text/event-stream"
    } else {
        "*/*"
    };
    let text = format!(
        "GET {path} HTTP/1.1\r\nHost: localhost\r\nUser-Agent: bench\r\nAccept: {accept}\r\n\r\n"
    );
    let asked = peer.origin().map(Origin::answered);
    // Nchan writes no head before there is something to say, but to an event source; Pushpin writes none.
    if begins && (peer.kind == Kind::Relay || (peer.kind == Kind::Nchan && name == "sse")) {
        let head = request(&mut stream, &text);
        assert!(head.starts_with("HTTP/1.1 200"), "{head}");
    } else {
        stream.write_all(text.as_bytes()).expect("the server reads");
    }
    if let (Some(origin), Some(asked)) = (peer.origin(), asked) {
        origin.wait_for(asked + 1);
    }
    stream
}
