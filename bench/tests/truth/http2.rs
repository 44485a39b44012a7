//! Over HTTP/2 what is planted comes out just so: delays, faults, streams that end and streams that are reset.
//!
//! The server that speaks it cannot say when its frames were written, only when they were due.

use std::time::Duration;

use crate::fake::{Cut, Delay, Plan};
use crate::program::{only_busy, side_by_side};
use crate::seen::{self, ALL, ENDLESS, POLLS, Seen};

const CLIENTS: u64 = 4;
const EACH: u64 = CLIENTS / 2;
const MESSAGES: u64 = 100;

fn scenario(url: &str, transport: &str) -> String {
    format!(
        r#"
title = "HTTP/2"
target = {{ server = "relay", url = "{url}", http = "2" }}
matrix = {{ transport = [{transport}] }}
phases = {{ ramp = "50ms", warm_up = "0s", measure = "1s", drain = "3s" }}
[load]
clients = {CLIENTS}
channels = 2
rate = 100.0
arrivals = "constant"
payload = "100B"
poll_interval = "50ms"
hold = "1s"
"#
    )
}

/// What transports made of a plan.
fn each(plan: &Plan, transports: &[&str]) -> Vec<Seen> {
    let plan = Plan {
        certified: &["127.0.0.1"],
        offers: &["h2"],
        ..*plan
    };
    let all = side_by_side(transports, |transport| {
        seen::run(&plan, |url| scenario(url, transport)).1
    });
    let all: Vec<Seen> = all.into_iter().flatten().collect();
    assert_eq!(all.len(), transports.len());
    for seen in &all {
        let transport = seen.transport();
        let number = |field: &str| seen.number(&format!("/messages/{field}"));
        for (field, value) in [
            ("planned", MESSAGES),
            ("published", MESSAGES),
            ("publish_errors", 0),
            ("expected", MESSAGES * EACH),
            ("lost", MESSAGES * EACH - number("delivered")),
        ] {
            assert_eq!(number(field), value, "{transport} {field}");
        }
        assert_eq!(seen.number("/clients/connected"), CLIENTS, "{transport}");
        let reasons = seen.trial["invalid_reasons"].as_array().unwrap();
        assert!(reasons.iter().all(only_busy), "{transport}: {reasons:?}");
    }
    all
}

#[test]
fn a_planted_delay_is_measured_over_http2() {
    let delay = Duration::from_millis(200);
    let plan = Plan {
        delay: Delay::Fixed(delay),
        ..Plan::default()
    };
    for seen in each(&plan, &ALL) {
        let transport = seen.transport();
        assert_eq!(seen.faults(), [0; 4], "{transport}");
        for path in ["arrival", "delivery"] {
            let of = |figure: &str| seen.number(&format!("/latency_ns/{path}/{figure}"));
            assert!(of("min") >= 199_000_000, "{transport} {path}");
            assert!(of("p50") < 500_000_000, "{transport} {path}");
        }
        if transport == "polling" {
            // Each poll that the server was asked is an answer counted once.
            assert!(seen.number("/requests/total") <= seen.fake.of(|did| &did.polls));
            assert!(seen.number("/requests/empty") < seen.number("/requests/total"));
        }
    }
}

#[test]
fn faults_are_told_apart_over_http2() {
    let plan = Plan {
        drop_every: 7,
        repeat_every: 5,
        swap_every: 4,
        evict: 11,
        cut: Cut::Whole,
        ..Plan::default()
    };
    for seen in each(&plan, &ALL) {
        let did = [
            seen.fake.of(|did| &did.dropped) + seen.fake.of(|did| &did.evicted),
            seen.fake.of(|did| &did.repeated),
            seen.fake.of(|did| &did.swapped),
            seen.fake.of(|did| &did.evicted),
        ];
        assert_eq!(did, [2 * (7 + 1), 2 * 7, 2 * 11, 2]);
        assert_eq!(
            seen.faults(),
            did.map(|faults| faults * EACH),
            "{}",
            seen.transport()
        );
    }
}

#[test]
fn a_stream_that_ends_or_is_reset_is_resumed_over_a_new_connection() {
    for politely in [true, false] {
        let plan = Plan {
            reset_after: 10,
            resets: 2 * CLIENTS,
            politely,
            ..Plan::default()
        };
        for seen in each(&plan, ENDLESS) {
            assert_eq!(seen.faults(), [0; 4], "{}", seen.transport());
            assert_eq!(seen.number("/clients/reconnects"), 2 * CLIENTS);
        }
    }
}

#[test]
fn a_goaway_between_two_polls_interrupts_nothing() {
    let plan = Plan {
        close_polls: true,
        ..Plan::default()
    };
    for seen in each(&plan, POLLS) {
        let transport = seen.transport();
        assert_eq!(seen.faults(), [0; 4], "{transport}");
        assert_eq!(seen.number("/clients/reconnects"), 0, "{transport}");
        // Each went over a connection of its own, and was counted once.
        let (requests, connections) = ("/requests/total", "/requests/connections");
        assert!(
            seen.number(connections) + CLIENTS >= seen.number(requests),
            "{transport}"
        );
        assert!(seen.number(requests) > CLIENTS, "{transport}");
    }
}
