//! TLS and HTTP/2: what they add to a connection is measured, and a server that is not what a scenario says is refused.

use std::panic::{AssertUnwindSafe, catch_unwind};

use serde_json::Value;

use crate::fake::{Fake, Plan};
use crate::program::{Story, side_by_side};

const ALL: [&str; 5] = ["polling", "long-polling", "streaming", "sse", "websocket"];

fn latency(trial: &Value, path: &str) -> f64 {
    let value = trial.pointer(&format!("/latency_ns/{path}"));
    let value = value.and_then(Value::as_f64);
    value.unwrap_or_else(|| panic!("{path} in {trial}")) / 1e6
}

/// A run's trials, once it has lost nothing.
fn whole(story: &Story) -> Vec<Value> {
    let (_, summary) = story.run_calmly(0);
    let trials = summary["trials"].as_array().unwrap().clone();
    for trial in &trials {
        for field in [
            "lost",
            "duplicated",
            "reordered",
            "missed_reports",
            "publish_errors",
        ] {
            assert_eq!(trial["messages"][field], 0, "{field} in {trial}");
        }
        let messages = &trial["messages"];
        assert!(messages["delivered"].as_u64().unwrap() > 0);
        assert_eq!(messages["delivered"], messages["expected"], "{trial}");
        assert_eq!(trial["clients"]["reconnects"], 0, "{trial}");
    }
    trials
}

#[test]
fn a_server_that_is_not_what_the_scenario_says_is_refused_with_the_remedy() {
    let tls = Plan {
        certified: &["127.0.0.1"],
        offers: &["http/1.1"],
        ..Plan::default()
    };
    let misnamed = Plan {
        certified: &["push.example"],
        ..tls
    };
    let closed = Plan {
        offers: &["h2"],
        no_connect: true,
        ..tls
    };
    let nothing = Plan { offers: &[], ..tls };
    let cases = [
        (
            Plan::default(),
            true,
            "",
            "begin target.url with http:// if",
        ),
        (tls.clone(), false, "", "in target.tls_ca"),
        (
            misnamed,
            true,
            "",
            "write the name that it is for in target.url",
        ),
        (
            tls,
            true,
            r#", http = "2""#,
            r#"or set target.http = "1.1""#,
        ),
        (closed, true, r#", http = "2""#, "RFC 8441"),
        (
            nothing,
            true,
            r#", http = "2""#,
            r#"or set target.http = "1.1""#,
        ),
    ];
    side_by_side(cases, |(plan, trusts, more, remedy)| {
        let fake = Fake::start(plan);
        let url = fake.url().replace("http:", "https:");
        let scenario = format!(
            "target = {{ server = \"relay\", url = \"{url}\"{more} }}\nload = {{ clients = 2 }}\n"
        );
        let story = match trusts {
            true => Story::new(&fake.trusted(&scenario)),
            false => Story::new(&scenario),
        };
        let ran = story.run().expect(3).says(&[&url, remedy]);
        assert!(!ran.stderr.contains("panic"), "{}", ran.stderr);
    });
}

#[test]
fn a_certificate_that_cannot_be_read_is_named() {
    let fake = Fake::start(Plan {
        certified: &["127.0.0.1"],
        ..Plan::default()
    });
    for (file, why) in [
        ("missing.pem", "cannot be read"),
        ("story.toml", "holds no certificate"),
    ] {
        let url = fake.url();
        let scenario =
            format!("[target]\nurl = \"{url}\"\ntls_ca = \"{file}\"\n[load]\nclients = 2\n");
        Story::new(&scenario)
            .run()
            .expect(3)
            .says(&["target.tls_ca", file, why]);
    }
}

/// Runs each transport over links of 400 ms there and back; gives what clients took at least to connect, in ms.
fn connects(offers: &'static [&'static str], http: &str) -> Vec<(String, f64)> {
    let transports = [&ALL[..2], &ALL[2..]];
    let both = side_by_side(transports, |transports| {
        let attempt = || {
            let fake = Fake::start(Plan {
                certified: &["127.0.0.1"],
                offers,
                ..Plan::default()
            });
            let scenario = format!(
                r#"
target = {{ server = "relay", url = "{}", http = "{http}" }}
matrix = {{ transport = {transports:?} }}
phases = {{ ramp = "100ms", warm_up = "600ms", measure = "2s", drain = "5s" }}
load = {{ clients = 8, channels = 2, rate = 20.0, arrivals = "constant", poll_interval = "800ms" }}
link = {{ rtt = "400ms" }}
"#,
                fake.url()
            );
            let trials = whole(&Story::new(&fake.trusted(&scenario)));
            let of = |trial: &Value| {
                let arrival = latency(trial, "arrival/min");
                assert!((199.0..300.0).contains(&arrival), "{arrival} ms: {trial}");
                let connect = latency(trial, "connect/min");
                // Whole round trips, and what a busy machine adds.
                assert!((connect + 1.0) % 400.0 < 200.0, "{connect} ms: {trial}");
                (trial["transport"].as_str().unwrap().to_owned(), connect)
            };
            trials.iter().map(of).collect::<Vec<_>>()
        };
        // A busy machine makes nothing faster: there are three attempts.
        let try_it = || catch_unwind(AssertUnwindSafe(attempt)).ok();
        try_it().or_else(try_it).unwrap_or_else(attempt)
    });
    both.into_iter().flatten().collect()
}

#[test]
fn a_handshake_is_one_round_trip_more_until_a_client_can_receive() {
    for (transport, connect) in connects(&["http/1.1"], "1.1") {
        // TCP, TLS 1.3 and the request.
        assert!(
            (1199.0..1400.0).contains(&connect),
            "{transport} {connect} ms"
        );
    }
}

#[test]
fn http2_opens_with_the_first_request_but_a_websocket_waits_for_the_settings() {
    for (transport, connect) in connects(&["h2"], "2") {
        let trips = if transport == "websocket" { 4.0 } else { 3.0 } * 400.0;
        let near = trips - 1.0..trips + 200.0;
        assert!(near.contains(&connect), "{transport} {connect} ms");
    }
}

/// Runs the bundled relay by all five transports, over what `target` and `matrix` say.
fn bundled(target: &str, matrix: &str) -> Vec<Value> {
    whole(&Story::new(&format!(
        r#"
title = "Secure"
target = {{ {target} }}
matrix = {{ transport = {ALL:?}, {matrix} }}
phases = {{ ramp = "100ms", warm_up = "300ms", measure = "1s", drain = "3s" }}
load = {{ clients = 10, channels = 2, rate = 40.0, poll_interval = "200ms", payload = "200B" }}
gate = {{ "* lost" = "== 0", "* duplicated" = "== 0", "* reordered" = "== 0" }}
"#
    )))
}

/// The five trials of a factor's value.
fn of<'a>(trials: &'a [Value], factor: &str, value: &Value) -> Vec<&'a Value> {
    let with = |trial: &&Value| trial["load"][factor] == *value;
    let found: Vec<&Value> = trials.iter().filter(with).collect();
    assert_eq!(found.len(), 5, "{factor} {value}");
    found
}

#[test]
fn the_bundled_relay_loses_nothing_over_tls_and_a_handshake_costs_time_and_bytes() {
    let trials = bundled("", "tls = [false, true]");
    let plain = of(&trials, "tls", &Value::Bool(false));
    let secure = of(&trials, "tls", &Value::Bool(true));
    // Of all transports together: any one of them may meet a machine that is busy.
    let least = |trials: &[&Value]| -> f64 {
        let each = trials.iter().map(|trial| latency(trial, "connect/min"));
        each.sum()
    };
    let (at, over_tls) = (least(&plain), least(&secure));
    assert!(over_tls > at, "{over_tls} ms over TLS, {at} ms without");
    for (plain, secure) in plain.into_iter().zip(secure) {
        assert_eq!(plain["transport"], secure["transport"]);
        for way in ["sent", "received"] {
            let bytes = |trial: &Value| trial["bytes"][format!("trial_wire_{way}")].as_u64();
            // A certificate, and a record's head and tag for each answer.
            assert!(bytes(secure) > bytes(plain), "{way}: {plain} {secure}");
        }
    }
}

#[test]
fn the_bundled_relay_loses_nothing_over_http2_and_heads_are_compressed() {
    let trials = bundled("tls = true", r#"http = ["1.1", "2"]"#);
    let one = of(&trials, "http", &Value::from("1.1"));
    let two = of(&trials, "http", &Value::from("2"));
    for (one, two) in one.into_iter().zip(two) {
        assert_eq!(one["transport"], two["transport"]);
        let requests = |trial: &Value| trial["requests"]["total"].as_u64().unwrap();
        if one["transport"] == "polling" {
            // As often, and from the second time on with a shorter head.
            let each = |trial: &Value| {
                trial["bytes"]["socket_sent"].as_f64().unwrap() / requests(trial) as f64
            };
            assert!(requests(two) * 2 > requests(one), "{one} {two}");
            assert!(each(two) < each(one), "{} {}", each(one), each(two));
        }
    }
}
