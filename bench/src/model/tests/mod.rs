//! The formulas against figures worked out by hand and against the reference runs' arithmetic.

mod protocols;

use std::time::Duration;

use rand::rngs::Xoshiro256PlusPlus;
use rand::{RngExt, SeedableRng};

use super::{Names, Network, Situation, polling_law, predict};
use crate::result::Floor;
use crate::scenario::{Arrivals, Headers, Link, Load, Origin, Poll, Transport};

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
            token: None,
        },
        network: Network::to(([127, 0, 0, 1], 40000).into()),
        events: false,
    }
}

fn mean_ms(situation: &Situation<'_>) -> f64 {
    predict(situation).delivery_mean_ns.unwrap() / 1e6
}

fn close(found: f64, wanted: f64) {
    assert!((found / wanted - 1.0).abs() < 1e-3, "{found}, not {wanted}");
}

const MS: Duration = Duration::from_millis(1);

/// The mean delay over a link, in milliseconds.
fn over(load: &Load, link: Link) -> Option<f64> {
    let load = Load {
        link,
        ..load.clone()
    };
    let theory = predict(&situation(&load));
    theory.delivery_mean_ns.map(|mean| mean / 1e6)
}

fn rtt(ms: u32) -> Link {
    Link {
        rtt: MS * ms,
        ..Link::NONE
    }
}

#[test]
fn polling_waits_half_an_interval_and_a_link_adds_its_one_way_delay() {
    let mut load = load(Transport::Polling);
    let theory = predict(&situation(&load));
    close(theory.delivery_mean_ns.unwrap(), 500.1e6);
    close(theory.delivery_p99_ns.unwrap(), 990.1e6);
    close(over(&load, rtt(100)).unwrap(), 550.1);
    // A poll that is not answered before the next is due leaves that out.
    assert_eq!(over(&load, rtt(1000)), None);
    load.link = rtt(1000);
    assert_eq!(predict(&situation(&load)), super::Prediction::default());
    assert_eq!(polling_law(&situation(&load)), None);
    // A connection of its own for each poll takes two round trips.
    load.keep_alive = false;
    close(over(&load, rtt(400)).unwrap(), 700.1);
    assert_eq!(over(&load, rtt(500)), None);
}

#[test]
fn jitter_adds_half_of_itself_and_makes_gaps_uneven() {
    let jitter = |ms| Link {
        jitter: MS * ms,
        ..rtt(100)
    };
    let polling = load(Transport::Polling);
    // And its variance over the interval: 300^2 / 12 / 1000.
    close(over(&polling, jitter(300)).unwrap(), 550.1 + 150.0 + 7.5);
    let mut long = load(Transport::LongPolling);
    (long.clients, long.channels, long.rate) = (10, 10, 10.0);
    // One message a second; two jitters of 40 ms in the gap of 100.1 ms.
    let silent = (-0.1001_f64).exp() * ((1.0 - (-0.04_f64).exp()) / 0.04).powi(2);
    let wait = (140.1_f64.powi(2) + 40.0_f64.powi(2) / 6.0) / 2000.0 / (0.1401 + silent);
    close(over(&long, jitter(40)).unwrap(), 0.1 + 50.0 + 20.0 + wait);
    // Messages that are far apart do not meet on their way.
    let mut sparse = load(Transport::Sse);
    (sparse.clients, sparse.channels, sparse.rate) = (10, 10, 0.1);
    close(over(&sparse, jitter(20)).unwrap(), 0.1 + 50.0 + 10.0);
    sparse.arrivals = Arrivals::Constant;
    close(over(&sparse, jitter(20)).unwrap(), 0.1 + 50.0 + 10.0);
    sparse.rate = 1000.0;
    assert_eq!(over(&sparse, jitter(20)), None, "they overtake, or wait");
    for transport in Transport::ALL {
        let mut load = load(transport);
        load.link = jitter(20);
        let theory = predict(&situation(&load));
        assert!(theory.delivery_mean_ns.is_some(), "{transport}");
        assert_eq!(theory.delivery_p99_ns, None, "{transport}");
        assert_eq!(polling_law(&situation(&load)), None);
    }
}

#[test]
fn messages_that_nothing_overtakes_take_what_a_simulation_says() {
    let mut load = load(Transport::Sse);
    (load.clients, load.channels, load.rate) = (1, 1, 50.0);
    let jitter = Link {
        jitter: MS * 40,
        ..Link::NONE
    };
    let mut random = Xoshiro256PlusPlus::seed_from_u64(3);
    let (mut at, mut arrived, mut sum) = (0.0, 0.0_f64, 0.0);
    let count = 400_000;
    for _ in 0..count {
        at -= (1.0 - random.random::<f64>()).ln() * 1000.0 / 50.0;
        arrived = arrived.max(at + random.random::<f64>() * 40.0);
        sum += arrived - at;
    }
    let simulated = sum / f64::from(count);
    let found = over(&load, jitter).unwrap() - 0.1;
    assert!((found - simulated).abs() < 0.1, "{found} {simulated}");
    assert!(found > 22.0, "{found}");
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
    close(over(&load, rtt(40)).unwrap(), 20.1);
}

#[test]
fn a_long_poll_adds_the_gap_between_answer_and_request() {
    let mut load = load(Transport::LongPolling);
    (load.clients, load.channels, load.rate) = (10, 10, 10.0);
    // One message a second, a gap of 100.1 ms: lambda G = 0.1001.
    let share = 0.1001 / (0.1001 + (-0.1001_f64).exp());
    close(
        over(&load, rtt(100)).unwrap(),
        0.1 + 50.0 + share * 100.1 / 2.0,
    );
    // A connection of its own for each request takes a round trip more.
    load.keep_alive = false;
    let share = 0.2001 / (0.2001 + (-0.2001_f64).exp());
    close(
        over(&load, rtt(100)).unwrap(),
        0.1 + 50.0 + share * 200.1 / 2.0,
    );
    load.keep_alive = true;
    // Busy, it is polling at the speed of the round trip: half a gap.
    load.rate = 100_000.0;
    assert_eq!(over(&load, rtt(100)), None, "no server keeps up");
    load.rate = 1000.0;
    close(over(&load, rtt(100)).unwrap(), 0.1 + 50.0 + 100.1 / 2.0);
    // Equal periods longer than the gap never wait, shorter ones follow no simple law.
    load.arrivals = Arrivals::Constant;
    load.link = rtt(100);
    assert_eq!(predict(&situation(&load)), super::Prediction::default());
    load.link = Link::NONE;
    close(mean_ms(&situation(&load)), 0.1);
}

#[test]
fn what_is_lost_or_waits_for_a_bottleneck_has_no_predicted_delay() {
    let lossy = Link {
        loss: 0.01,
        ..rtt(40)
    };
    let narrow = |bits| Link {
        down: Some(bits),
        ..rtt(40)
    };
    let slow_up = Link {
        up: Some(1_000_000),
        ..rtt(40)
    };
    for transport in Transport::ALL {
        let mut load = load(transport);
        let bytes = predict(&situation(&load)).wire_bytes_per_message;
        for link in [lossy, narrow(1_000_000), slow_up] {
            load.link = link;
            let theory = predict(&situation(&load));
            assert_eq!(theory.delivery_mean_ns, None, "{transport}");
            assert_eq!(theory.delivery_p99_ns, None, "{transport}");
            // The kernel sends what it always sends; only polls come at other times.
            let polls = matches!(transport, Transport::Polling | Transport::LongPolling);
            let wanted = bytes.filter(|_| !polls);
            assert_eq!(theory.wire_bytes_per_message, wanted, "{transport}");
            assert_eq!(polling_law(&situation(&load)), None);
        }
        // Two messages a second of more than 200 bytes do not fit.
        load.link = narrow(3_000);
        assert_eq!(predict(&situation(&load)), super::Prediction::default());
    }
}

#[test]
fn an_answer_over_a_long_link_is_acknowledged_before_the_next_request() {
    let mut load = load(Transport::LongPolling);
    load.arrivals = Arrivals::Constant;
    load.rate = 10.0;
    let near = predict(&situation(&load)).wire_bytes_per_message.unwrap();
    load.link = rtt(60);
    let far = predict(&situation(&load)).wire_bytes_per_message.unwrap();
    close(far - near, 52.0);
    load.link = rtt(30);
    load.link.jitter = MS * 10;
    let between = predict(&situation(&load));
    assert_eq!(between.wire_bytes_per_message, None);
}

#[test]
fn answers_that_do_not_hold_all_at_once_are_not_predicted() {
    let nothing = super::Prediction::default();
    for transport in [Transport::Polling, Transport::LongPolling] {
        let polls = load(transport);
        let newest = Load {
            poll: Poll::Latest,
            ..polls.clone()
        };
        let single = Load {
            batch: Some(1),
            ..polls
        };
        for load in [newest, single] {
            assert_eq!(predict(&situation(&load)), nothing, "{transport}");
            assert_eq!(polling_law(&situation(&load)), None);
        }
    }
    let mut lingers = load(Transport::LongPolling);
    lingers.linger = MS * 50;
    assert_eq!(predict(&situation(&lingers)), nothing);
    // They mean nothing to the others.
    for transport in [Transport::Streaming, Transport::Sse, Transport::Websocket] {
        let plain = load(transport);
        let odd = Load {
            poll: Poll::Latest,
            batch: Some(1),
            linger: MS,
            ..plain.clone()
        };
        assert_eq!(predict(&situation(&odd)), predict(&situation(&plain)));
    }
}

#[test]
fn nothing_is_predicted_of_a_trial_with_events() {
    for transport in Transport::ALL {
        let load = load(transport);
        let mut eventful = situation(&load);
        eventful.events = true;
        assert_eq!(predict(&eventful), super::Prediction::default());
        assert_eq!(polling_law(&eventful), None);
    }
}

#[test]
fn a_page_of_another_origin_costs_its_headers_and_its_answers_theirs() {
    let mut load = load(Transport::LongPolling);
    load.arrivals = Arrivals::Constant;
    let bytes = |load: &Load| predict(&situation(load)).wire_bytes_per_message.unwrap();
    let same = bytes(&load);
    load.origin = Origin::Cross;
    let asked = "Origin: http://app.example\r\n".len();
    let answered = "vary: Origin\r\naccess-control-allow-origin: http://app.example\r\n\
        access-control-expose-headers: Relay-Next\r\n";
    close(bytes(&load) - same, (asked + answered.len()) as f64);
    let cross = bytes(&load);
    load.cookies = "a=1".to_owned();
    close(bytes(&load) - cross, "Cookie: a=1\r\n".len() as f64);
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
