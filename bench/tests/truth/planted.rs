//! Faults planted in a server come out as what they are, for each of the five transports.

use std::time::Duration;

use crate::fake::{Cut, Delay, Plan};
use crate::program::{Ran, only_busy, side_by_side};
use crate::seen::{self, ALL, ENDLESS, POLLS, Seen};

/// Subscribers, of two channels.
const CLIENTS: u64 = 4;
const EACH: u64 = CLIENTS / 2;
/// Messages in all: a second at this rate.
const MESSAGES: u64 = 100;

impl Seen {
    /// What holds whatever is planted, as long as the server takes every message.
    fn adds_up(&self) {
        let transport = self.transport();
        let number = |field: &str| self.number(&format!("/messages/{field}"));
        let delivered = number("delivered");
        for (field, value) in [
            ("planned", MESSAGES),
            ("published", MESSAGES),
            ("publish_errors", 0),
            ("expected", MESSAGES * EACH),
            ("lost", MESSAGES * EACH - delivered),
        ] {
            assert_eq!(number(field), value, "{transport} {field}");
        }
        assert_eq!(self.fake.of(|did| &did.published), MESSAGES, "{transport}");
        assert_eq!(
            self.number("/bytes/payload"),
            delivered * 100,
            "{transport}"
        );
        for (series, samples) in [
            ("delivery", delivered),
            ("arrival", delivered),
            ("publish", MESSAGES),
            ("schedule_lag", MESSAGES),
        ] {
            let path = |field| format!("/latency_ns/{series}/{field}");
            assert_eq!(self.number(&path("negative")), 0, "{transport} {series}");
            assert_eq!(self.number(&path("count")), samples, "{transport} {series}");
        }
        if transport == "polling" {
            // Twenty intervals of 50 ms in the measured phase; a busy machine skips some.
            let polls = self.number("/requests/total");
            assert!(
                (CLIENTS * 4..=CLIENTS * 21).contains(&polls),
                "{polls} polls"
            );
            assert!(self.number("/requests/total") <= self.fake.of(|did| &did.polls));
        }
        assert_eq!(self.number("/clients/connected"), CLIENTS, "{transport}");
        assert!(self.number("/generator/cpu_ns") > 1_000_000, "{transport}");
        let reasons = self.trial["invalid_reasons"].as_array().unwrap();
        assert!(reasons.iter().all(only_busy), "{transport}: {reasons:?}");
    }
}

fn scenario(url: &str, transports: &str) -> String {
    format!(
        r#"
title = "Planted"
target = {{ server = "relay", url = "{url}" }}
matrix = {{ transport = [{transports}] }}
phases = {{ ramp = "50ms", warm_up = "0s", measure = "1s", drain = "2s" }}
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

/// Runs a plan with some transports, after a change to the scenario.
fn run(plan: &Plan, transports: &str, change: impl Fn(String) -> String) -> (Ran, Vec<Seen>) {
    let (ran, seen) = seen::run(plan, |url| change(scenario(url, transports)));
    assert_eq!(seen.len(), transports.split(',').count(), "{}", ran.stderr);
    (ran, seen)
}

/// Runs a plan in which the server takes every message; gives what each transport made of it.
fn each(plan: &Plan, transports: &str) -> Vec<Seen> {
    each_with(plan, transports, "")
}

/// The same with more of a scenario.
fn each_with(plan: &Plan, transports: &str, more: &str) -> Vec<Seen> {
    let (ran, seen) = run(plan, transports, |scenario| scenario + more);
    seen.iter().for_each(Seen::adds_up);
    let trusted = seen.iter().all(|seen| seen.trial["valid"] == true);
    let code = if trusted { 0 } else { 4 };
    assert_eq!(ran.code, Some(code), "{}", ran.stderr);
    seen
}

/// The same with each of these transports.
fn every(plan: &Plan, transports: &[&str]) -> Vec<Seen> {
    let all = side_by_side(transports, |transport| each(plan, transport));
    all.into_iter().flatten().collect()
}

#[test]
fn a_server_without_faults_has_none() {
    // It needs no health page either.
    let plan = Plan {
        unhealthy: true,
        ..Plan::default()
    };
    for seen in every(&plan, &ALL) {
        assert_eq!(seen.faults(), [0; 4], "{}", seen.transport());
        assert_eq!(seen.number("/clients/reconnects"), 0);
    }
}

#[test]
fn a_planted_delay_is_measured_though_messages_come_many_together() {
    let plan = Plan {
        delay: Delay::Fixed(Duration::from_millis(200)),
        cut: Cut::Together,
        ..Plan::default()
    };
    for seen in every(&plan, &ALL) {
        assert_eq!(seen.faults(), [0; 4], "{}", seen.transport());
        for series in ["delivery", "arrival"] {
            for figure in ["min", "p50", "mean"] {
                let path = format!("/latency_ns/{series}/{figure}");
                let nanos = seen.trial.pointer(&path).unwrap().as_f64().unwrap();
                // Writing together adds up to 100 ms, polling 50 ms, and a busy machine what it likes.
                let near = (200e6..500e6).contains(&nanos);
                assert!(near, "{} {path} {nanos}", seen.transport());
            }
        }
    }
}

#[test]
fn lost_repeated_swapped_and_evicted_messages_are_told_apart_however_they_are_cut() {
    let plan = Plan {
        drop_every: 7,
        repeat_every: 5,
        swap_every: 4,
        evict: 11,
        cut: Cut::Bytes,
        ..Plan::default()
    };
    // Over TLS each byte is a record of its own.
    let secure = Plan {
        certified: &["127.0.0.1"],
        ..plan
    };
    let both = [&plan, &secure].map(|plan| every(plan, &ALL));
    // Three processes tell them apart as one does, and trust whom it does.
    let several = [&plan, &secure].map(|plan| {
        let all = side_by_side(ALL, |transport| {
            each_with(plan, transport, "[run]\nworkers = 3\n")
        });
        all.into_iter().flatten().collect()
    });
    for seen in &several[..] {
        let seen: &Vec<Seen> = seen;
        let workers = seen.iter().map(|seen| seen.trial["workers"].as_array());
        assert!(workers.flatten().all(|workers| workers.len() == 3));
    }
    for seen in both.into_iter().chain(several).flatten() {
        let did = [
            seen.fake.of(|did| &did.dropped) + seen.fake.of(|did| &did.evicted),
            seen.fake.of(|did| &did.repeated),
            seen.fake.of(|did| &did.swapped),
            seen.fake.of(|did| &did.evicted),
        ];
        // Of 50 messages a channel; what is every 20th is swapped and not repeated, and so on.
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
fn a_stall_shows_in_the_tail_and_loses_nothing() {
    let plan = Plan {
        stall: Some((30, Duration::from_secs(1))),
        ..Plan::default()
    };
    for seen in every(&plan, &ALL) {
        let latency = |path: &str| seen.number(&format!("/latency_ns/{path}"));
        assert_eq!(seen.faults(), [0; 4], "{}", seen.transport());
        // Most messages come before the stall, the others all at its end: each is late by its own share of it.
        assert!(latency("delivery/max") >= 1_000_000_000);
        assert!(latency("arrival/max") >= 1_000_000_000);
        assert!(latency("delivery/p90") >= 800_000_000);
        assert!(latency("delivery/p50") < 500_000_000);
    }
}

#[test]
fn a_connection_cut_in_mid_record_is_resumed_without_loss_or_repetition() {
    let plan = Plan {
        reset_after: 10,
        resets: 2 * CLIENTS,
        ..Plan::default()
    };
    for seen in every(&plan, &ALL) {
        assert_eq!(seen.faults(), [0; 4], "{}", seen.transport());
        assert_eq!(seen.fake.of(|did| &did.resets), 2 * CLIENTS);
        assert_eq!(seen.number("/clients/reconnects"), 2 * CLIENTS);
    }
}

#[test]
fn a_stream_that_ends_in_good_order_is_resumed_without_loss_or_repetition() {
    let plan = Plan {
        reset_after: 10,
        resets: 2 * CLIENTS,
        politely: true,
        ..Plan::default()
    };
    for seen in every(&plan, ENDLESS) {
        assert_eq!(seen.faults(), [0; 4], "{}", seen.transport());
        assert_eq!(seen.fake.of(|did| &did.resets), 2 * CLIENTS);
        assert_eq!(seen.number("/clients/reconnects"), 2 * CLIENTS);
        assert_eq!(seen.trial["warnings"].to_string(), "[]");
    }
}

#[test]
fn polls_whose_answers_end_the_connection_keep_their_pace_and_interrupt_nothing() {
    let plan = Plan {
        close_polls: true,
        ..Plan::default()
    };
    for seen in every(&plan, POLLS) {
        assert_eq!(seen.faults(), [0; 4], "{}", seen.transport());
        assert_eq!(seen.number("/clients/reconnects"), 0);
    }
}

#[test]
fn a_measured_phase_may_end_within_a_second() {
    // Something is lost, so that the drain lasts as long as it may.
    let plan = Plan {
        drop_every: 7,
        ..Plan::default()
    };
    let (_, seen) = run(&plan, r#""polling""#, |scenario| {
        scenario.replace(r#"measure = "1s""#, r#"measure = "1500ms""#)
    });
    assert_eq!(seen[0].number("/messages/planned"), 150);
    let polls = seen[0].number("/requests/total");
    assert!((CLIENTS * 4..=CLIENTS * 31).contains(&polls), "{polls}");
}

#[test]
fn refused_publishes_are_errors_and_not_losses() {
    let plan = Plan {
        refuse: true,
        ..Plan::default()
    };
    for (ran, seen) in side_by_side([r#""sse""#, r#""websocket""#], |transport| {
        run(&plan, transport, |scenario| scenario)
    }) {
        assert_eq!(ran.code, Some(4), "{}", ran.stderr);
        let seen = &seen[0];
        for (field, value) in [
            ("planned", MESSAGES),
            ("published", 0),
            ("publish_errors", MESSAGES),
            ("expected", 0),
            ("delivered", 0),
        ] {
            assert_eq!(seen.number(&format!("/messages/{field}")), value, "{field}");
        }
        assert_eq!(seen.faults(), [0; 4]);
        assert!(seen.trial["latency_ns"]["delivery"].is_null());
        let (reasons, warnings) = (&seen.trial["invalid_reasons"], &seen.trial["warnings"]);
        let reason = "only 0 of 100 planned messages were published";
        assert!(reasons.to_string().contains(reason), "{reasons}");
        let warning = "refused by the server (100 times)";
        assert!(warnings.to_string().contains(warning), "{warnings}");
    }
}

#[test]
fn a_publishing_connection_that_is_cut_costs_only_what_nobody_answered() {
    let plan = Plan {
        reset_publish: 300,
        ..Plan::default()
    };
    // A publisher in a hurry meets the reset when it writes, not when it reads.
    for (_, seen) in side_by_side([r#""sse""#, r#""websocket""#], |transport| {
        run(&plan, transport, |scenario| {
            scenario.replace("rate = 100.0", "rate = 2000.0")
        })
    }) {
        let seen = &seen[0];
        let number = |field: &str| seen.number(&format!("/messages/{field}"));
        let (published, errors) = (number("published"), number("publish_errors"));
        assert_eq!(published + errors, 2000);
        assert!((1..=300).contains(&errors), "{errors}");
        assert!(published <= seen.fake.of(|did| &did.published));
        assert_eq!(seen.faults(), [0; 4], "{}", seen.transport());
    }
}
