//! Delays planted in a server come out as they were, over the whole distribution.

use std::time::Duration;

use crate::fake::{Cut, Delay, Plan};
use crate::floor;
use crate::program::{only_busy, side_by_side};
use crate::seen::{self, ALL, Seen};
use crate::truth::{Truth, delivery_is_no_less_than_arrival};

const CLIENTS: u64 = 40;
const MESSAGES: u64 = 200;
const MS: fn(u64) -> Duration = Duration::from_millis;

/// A channel has a message each 200 ms: longer than any delay, so that none holds up the next one.
fn scenario(url: &str, transport: &str) -> String {
    format!(
        r#"
title = "Delays"
target = {{ server = "relay", url = "{url}" }}
matrix = {{ transport = [{transport}] }}
phases = {{ ramp = "100ms", warm_up = "0s", measure = "2s", drain = "2s" }}
[load]
clients = {CLIENTS}
channels = 20
rate = 100.0
arrivals = "constant"
payload = "100B"
poll_interval = "50ms"
hold = "1s"
"#
    )
}

/// What every transport made of a plan: all was delivered, and arrived when the server wrote it.
fn all(plan: &Plan) -> Vec<Seen> {
    let (runs, floor) = floor::beside(|| {
        side_by_side(ALL, |transport| {
            seen::run(plan, |url| scenario(url, transport)).1
        })
    });
    let all: Vec<Seen> = runs.into_iter().flatten().collect();
    assert_eq!(all.len(), 5);
    for seen in &all {
        let transport = seen.transport();
        assert_eq!(seen.faults(), [0; 4], "{transport}");
        assert_eq!(seen.number("/messages/delivered"), MESSAGES * CLIENTS / 20);
        let reasons = seen.trial["invalid_reasons"].as_array().unwrap();
        assert!(reasons.iter().all(only_busy), "{transport}: {reasons:?}");
        Truth::of_arrival(&seen.fake).agrees(seen, floor);
        delivery_is_no_less_than_arrival(seen);
    }
    all
}

fn arrival(seen: &Seen, figure: &str) -> Duration {
    Duration::from_nanos(seen.number(&format!("/latency_ns/arrival/{figure}")))
}

#[test]
fn a_server_without_delay_gives_the_floor_of_the_machine() {
    all(&Plan::default());
}

#[test]
fn the_same_delay_for_all_moves_all() {
    let plan = Plan {
        delay: Delay::Fixed(MS(60)),
        ..Plan::default()
    };
    for seen in all(&plan) {
        assert!(arrival(&seen, "min") >= MS(60), "{}", seen.transport());
    }
}

#[test]
fn two_delays_show_as_two() {
    let plan = Plan {
        delay: Delay::Bimodal {
            usual: MS(5),
            other: MS(150),
            share: 0.3,
        },
        ..Plan::default()
    };
    for seen in all(&plan) {
        let transport = seen.transport();
        assert!(arrival(&seen, "min") >= MS(5), "{transport}");
        // Three of ten messages: the seventh of ten is quick, unless the machine is slow indeed.
        assert!(arrival(&seen, "p50") < MS(150), "{transport}");
        assert!(arrival(&seen, "p90") >= MS(150), "{transport}");
    }
}

#[test]
fn a_heavy_tail_is_as_long_as_it_was_planted() {
    let plan = Plan {
        delay: Delay::Pareto {
            least: MS(3),
            shape: 1.1,
            most: MS(180),
        },
        ..Plan::default()
    };
    for seen in all(&plan) {
        let transport = seen.transport();
        assert!(arrival(&seen, "min") >= MS(3), "{transport}");
        // 1 - (3 / 180)^1.1 = 0.989 of a Pareto distribution is below what it was cut off at.
        assert!(arrival(&seen, "max") >= MS(100), "{transport}");
    }
}

/// A segment's share of a record is a record of TLS, and the times are those of the last.
#[test]
fn tls_moves_nothing() {
    for (delay, cut) in [(0, Cut::Whole), (60, Cut::Parts), (0, Cut::Together)] {
        let plan = Plan {
            delay: Delay::Fixed(MS(delay)),
            cut,
            certified: &["127.0.0.1"],
            offers: &["http/1.1"],
            ..Plan::default()
        };
        for seen in all(&plan) {
            assert!(arrival(&seen, "min") >= MS(delay), "{}", seen.transport());
        }
    }
}

#[test]
fn a_message_in_eight_segments_arrives_with_its_last() {
    all(&Plan {
        delay: Delay::Fixed(MS(20)),
        cut: Cut::Parts,
        ..Plan::default()
    });
}

#[test]
fn many_messages_in_one_write_arrive_together() {
    let all = all(&Plan {
        cut: Cut::Together,
        ..Plan::default()
    });
    // Written on a grid of 100 ms: half of that is the mean, and a busy machine adds.
    for seen in all {
        let mean = Duration::from_nanos(seen.number("/latency_ns/arrival/p50"));
        assert!(mean >= MS(30), "{} {mean:?}", seen.transport());
    }
}

#[test]
fn a_server_that_accepts_slowly_delays_connecting_and_nothing_else() {
    let plan = Plan {
        slow_accept: MS(20),
        ..Plan::default()
    };
    for seen in all(&plan) {
        // The last of 40 clients, who dial within 100 ms and are accepted one each 20 ms.
        let waited = Duration::from_nanos(seen.number("/latency_ns/connect/max"));
        let transport = seen.transport();
        assert!(waited >= MS(20 * CLIENTS - 100), "{transport} {waited:?}");
        assert_eq!(seen.number("/latency_ns/connect/count"), CLIENTS);
    }
}

#[test]
fn a_server_that_stops_for_a_second_is_late_by_what_was_left_of_it() {
    let plan = Plan {
        stall: Some((4, Duration::from_secs(1))),
        ..Plan::default()
    };
    for seen in all(&plan) {
        assert!(arrival(&seen, "max") >= Duration::from_secs(1));
        // The fourth of ten messages is late by a second, the fifth by 800 ms, and so on.
        assert!(arrival(&seen, "p90") >= MS(800), "{}", seen.transport());
    }
}
