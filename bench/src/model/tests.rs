//! The formulas against figures worked out by hand and against the reference runs' arithmetic.

use std::time::Duration;

use super::{Names, Network, Situation, predict};
use crate::result::Floor;
use crate::scenario::{Arrivals, Headers, Load, Transport};

const FLOOR: Floor = Floor {
    count: 100,
    p50: 100_000.0,
    p99: 200_000.0,
};

fn load(transport: Transport) -> Load {
    Load {
        transport,
        clients: 1000,
        channels: 10,
        rate: 20.0,
        ..Load::default()
    }
}

/// A trial of 20 s.
fn situation(load: &Load) -> Situation<'_> {
    Situation {
        load,
        planned: (load.rate * 20.0) as u64,
        span: Duration::from_secs(20),
        floor: Some(FLOOR),
        names: Names {
            authority: "127.0.0.1:40000",
            channel: "bench-01234567-5",
        },
        network: Network::to(([127, 0, 0, 1], 40000).into()),
    }
}

fn mean_ms(situation: &Situation<'_>) -> f64 {
    predict(situation).delivery_mean_ns.unwrap() / 1e6
}

fn close(found: f64, wanted: f64) {
    assert!((found / wanted - 1.0).abs() < 1e-3, "{found}, not {wanted}");
}

#[test]
fn polling_waits_half_an_interval_and_a_link_adds_its_one_way_delay() {
    let load = load(Transport::Polling);
    let mut here = situation(&load);
    let theory = predict(&here);
    close(theory.delivery_mean_ns.unwrap(), 500.1e6);
    close(theory.delivery_p99_ns.unwrap(), 990.1e6);
    here.network.rtt = Duration::from_millis(100);
    close(mean_ms(&here), 550.1);
}

#[test]
fn an_open_connection_waits_for_the_way_and_the_subscribers_before() {
    let mut load = load(Transport::Websocket);
    // 99 others at 4.9 µs.
    close(mean_ms(&situation(&load)), 0.1 + 0.0049 * 99.0 / 2.0);
    load.clients = 10;
    let alone = predict(&situation(&load));
    close(alone.delivery_mean_ns.unwrap(), 0.1e6);
    close(alone.delivery_p99_ns.unwrap(), 0.2e6);
    let mut far = situation(&load);
    far.network.rtt = Duration::from_millis(40);
    close(mean_ms(&far), 20.1);
}

#[test]
fn a_long_poll_adds_the_gap_between_answer_and_request() {
    let mut load = load(Transport::LongPolling);
    (load.clients, load.channels, load.rate) = (10, 10, 10.0);
    let mut far = situation(&load);
    far.network.rtt = Duration::from_millis(100);
    // One message a second, a gap of 100.1 ms: lambda G = 0.1001.
    let share = 0.1001 / (0.1001 + (-0.1001_f64).exp());
    close(mean_ms(&far), 0.1 + 50.0 + share * 100.1 / 2.0);
    // Busy, it is polling at the speed of the round trip: half a gap.
    load.rate = 100_000.0;
    let mut busy = situation(&load);
    busy.network.rtt = Duration::from_millis(100);
    assert!(
        predict(&busy).delivery_mean_ns.is_none(),
        "no server keeps up"
    );
    load.rate = 1000.0;
    let mut busy = situation(&load);
    busy.network.rtt = Duration::from_millis(100);
    close(mean_ms(&busy), 0.1 + 50.0 + 100.1 / 2.0);
    // Equal periods longer than the gap never wait, shorter ones follow no simple law.
    load.arrivals = Arrivals::Constant;
    let mut busy = situation(&load);
    busy.network.rtt = Duration::from_millis(100);
    assert_eq!(predict(&busy).delivery_mean_ns, None);
    assert_eq!(predict(&busy).wire_bytes_per_message, None);
    close(mean_ms(&situation(&load)), 0.1);
}

#[test]
fn wire_bytes_are_those_of_the_written_out_exchange() {
    // Four hundred messages, forty in each channel: half-way the position is `xxxxxx-20`, 9 bytes.
    let bytes = |load: &Load| predict(&situation(load)).wire_bytes_per_message.unwrap();
    let item = 26.0 + 9.0 + 128.0;
    let load_of = |transport| {
        let mut load = load(transport);
        load.arrivals = Arrivals::Constant;
        load
    };
    close(
        bytes(&load_of(Transport::Streaming)),
        item + 1.0 + 6.0 + 104.0,
    );
    close(
        bytes(&load_of(Transport::Sse)),
        13.0 + 9.0 + 128.0 + 6.0 + 104.0,
    );
    close(bytes(&load_of(Transport::Websocket)), item + 4.0 + 104.0);
    let head = "GET /channels/bench-01234567-5/messages?after=xxxxxx-20 HTTP/1.1\r\n\
        Host: 127.0.0.1:40000\r\n\r\n";
    let request = head.len() as f64;
    let answer = 164.0 + 3.0 + 39.0 + 9.0 + item;
    // Two messages in each poll of a second: half an exchange of three segments for each, and a comma for every other.
    let polling = bytes(&load_of(Transport::Polling));
    close(polling, (request + answer + item + 1.0 + 3.0 * 52.0) / 2.0);
    // A long poll carries one, and its request is acknowledged while it waits.
    let held = "&wait=25000ms".len() as f64;
    let long = bytes(&load_of(Transport::LongPolling));
    close(long, request + held + answer + 3.0 * 52.0);
}

#[test]
fn batching_makes_polling_cheaper_than_long_polling_and_idle_polls_dearer() {
    let bytes = |transport, rate| {
        let mut load = load(transport);
        load.rate = rate;
        predict(&situation(&load)).wire_bytes_per_message.unwrap()
    };
    // At a message an interval for each subscriber the two cost about the same.
    assert!(bytes(Transport::Polling, 50.0) < bytes(Transport::LongPolling, 50.0));
    assert!(bytes(Transport::Polling, 2.0) > bytes(Transport::LongPolling, 2.0));
}

#[test]
fn padding_and_a_browsers_headers_count_as_they_are_sent() {
    let mut load = load(Transport::Polling);
    let bytes = |load: &Load| predict(&situation(load)).wire_bytes_per_message.unwrap();
    let minimal = bytes(&load);
    load.headers = Headers::PadTo(871);
    let padded = bytes(&load);
    load.headers = Headers::Browser;
    assert!(minimal < bytes(&load) && bytes(&load) < padded);
}

#[test]
fn where_no_model_applies_nothing_is_predicted() {
    let mut bursts = load(Transport::Sse);
    bursts.arrivals = Arrivals::Burst;
    assert_eq!(predict(&situation(&bursts)), super::Prediction::default());
    let sse = load(Transport::Sse);
    let mut lossy = situation(&sse);
    lossy.network.loss = 0.01;
    assert_eq!(predict(&lossy), super::Prediction::default());
    let mut unanswered = situation(&sse);
    unanswered.floor = None;
    let theory = predict(&unanswered);
    assert_eq!(
        (theory.delivery_mean_ns, theory.delivery_p99_ns),
        (None, None)
    );
    assert!(theory.wire_bytes_per_message.is_some());
    let mut long = load(Transport::Websocket);
    long.payload = 2000;
    let mut ethernet = situation(&long);
    assert!(predict(&ethernet).wire_bytes_per_message.is_some());
    ethernet.network = Network::to(([192, 0, 2, 1], 80).into());
    assert_eq!(predict(&ethernet).wire_bytes_per_message, None);
    let mut closing = load(Transport::Polling);
    closing.keep_alive = false;
    assert_eq!(predict(&situation(&closing)).wire_bytes_per_message, None);
    let none = load(Transport::Polling);
    let mut silent = situation(&none);
    silent.planned = 0;
    assert_eq!(predict(&silent), super::Prediction::default());
}
