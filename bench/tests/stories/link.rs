//! Emulated links: what a client behind one sees follows from the link's figures.
//!
//! Each bound below comes from a figure of the scenario, with room for a busy machine above it. A machine may be
//! busier than that, which makes nothing faster: so there are some attempts, in which jitter and
//! loss fall alike.

use std::panic::{AssertUnwindSafe, catch_unwind};

use serde_json::Value;

use crate::program::{RUNS, Ran, Story, await_calm, only_busy, side_by_side};

/// What one trial made of a link.
struct Seen(Value);

impl Seen {
    fn transport(&self) -> &str {
        self.0["transport"].as_str().unwrap()
    }

    /// A latency in milliseconds, such as `arrival/p50`.
    fn ms(&self, path: &str) -> f64 {
        let value = self.0.pointer(&format!("/latency_ns/{path}"));
        let value = value.and_then(Value::as_f64);
        value.unwrap_or_else(|| panic!("{path} in {}", self.0)) / 1e6
    }

    /// Fails unless a latency is between two bounds in milliseconds.
    fn between(&self, path: &str, least: f64, most: f64) {
        let value = self.ms(path);
        let transport = self.transport();
        // Histograms have three figures.
        let least = least * 0.999;
        assert!(
            (least..most).contains(&value),
            "{transport} {path} {value} ms, not {least} to {most}"
        );
    }

    /// The delivery latency in milliseconds that all but this share of the messages stayed below.
    fn all_but(&self, share: f64) -> f64 {
        let points = self.0["percentiles"].as_array().unwrap();
        let off = |point: &&Value| (point["quantile"].as_f64().unwrap() - 1.0 + share).abs();
        let point = points.iter().min_by(|a, b| off(a).total_cmp(&off(b)));
        point.unwrap()["delivery"].as_f64().unwrap() / 1e6
    }

    /// A link delays; it neither loses, nor repeats, nor swaps what a stream carries.
    fn is_whole(&self) {
        let messages = &self.0["messages"];
        for field in ["lost", "duplicated", "reordered", "missed_reports"] {
            assert_eq!(messages[field], 0, "{} {field}", self.transport());
        }
        assert!(messages["delivered"].as_u64().unwrap() > 0);
        assert_eq!(self.0["latency_ns"]["arrival"]["negative"], 0);
        assert_eq!(self.0["clients"]["reconnects"], 0);
        assert!(self.ms("delivery/mean") >= self.ms("arrival/mean"));
        let reasons = self.0["invalid_reasons"].as_array().unwrap();
        assert!(reasons.iter().all(only_busy), "{reasons:?}");
    }
}

/// Makes an attempt, and more if need be, [`RUNS`] in all.
fn patiently(attempt: impl Fn()) {
    for _ in 1..RUNS {
        if catch_unwind(AssertUnwindSafe(&attempt)).is_ok() {
            return;
        }
        await_calm();
    }
    attempt();
}

/// Runs the bundled relay behind a link, with each of some transports.
fn run(transports: &[&str], load: &str, link: &str) -> (Ran, Vec<Seen>) {
    let story = Story::new(&format!(
        r#"
title = "Behind a link"
phases = {{ ramp = "100ms", warm_up = "600ms", measure = "2s", drain = "5s" }}
matrix = {{ transport = {transports:?} }}
load = {{ arrivals = "constant", {load} }}
link = {{ {link} }}
"#
    ));
    let ran = story.run();
    assert!(story.results().exists(), "{:?} {}", ran.code, ran.stderr);
    let trials = story.summary()["trials"].as_array().unwrap().clone();
    let seen: Vec<Seen> = trials.into_iter().map(Seen).collect();
    assert_eq!(seen.len(), transports.len());
    seen.iter().for_each(Seen::is_whole);
    (ran, seen)
}

#[test]
fn a_round_trip_delays_each_transport_by_its_own_share_of_it() {
    let load = r#"clients = 8, channels = 2, rate = 50.0, poll_interval = "800ms""#;
    let halves = [
        &["polling", "long-polling"][..],
        &["streaming", "sse", "websocket"],
    ];
    side_by_side(halves, |some| {
        patiently(|| {
            let (ran, seen) = run(some, load, r#"rtt = "400ms""#);
            for trial in &seen {
                // The TCP handshake is one round trip, the request or the upgrade another.
                trial.between("connect/min", 800.0, 1000.0);
                trial.between("connect/p50", 800.0, 1100.0);
                trial.between("arrival/min", 200.0, 300.0);
                match trial.transport() {
                    // Half the interval until a poll is at the server, and half a round trip back.
                    "polling" => trial.between("arrival/mean", 550.0, 720.0),
                    // Of the ten that come in a round trip the first waits three ways, the last one.
                    "long-polling" => {
                        trial.between("arrival/mean", 360.0, 520.0);
                        trial.between("arrival/p90", 530.0, 720.0);
                    }
                    _ => trial.between("arrival/p50", 200.0, 350.0),
                }
            }
            // Nobody takes it for the kernel's own stamp.
            let told = ran.stdout.split_whitespace().collect::<Vec<_>>().join(" ");
            assert!(told.contains("arrival is the emulated arrival"), "{told}");
        })
    });
}

#[test]
fn bytes_take_their_time_at_the_bandwidth_of_their_own_direction() {
    let downs = || {
        // 64 KiB in 46 segments of 52 bytes more, at a bit a microsecond.
        let large = (65_536.0 + 46.0 * 52.0) * 8.0 / 1000.0;
        let load = r#"clients = 2, rate = 1.0, payload = "64KiB""#;
        for trial in run(&["streaming", "websocket"], load, r#"down = "1Mbit""#).1 {
            trial.between("arrival/min", large, large + 60.0);
            trial.between("arrival/p50", large, large + 150.0);
        }
    };
    let ups = || {
        let load = r#"clients = 2, rate = 10.0"#;
        for trial in run(&["sse", "websocket"], load, r#"up = "8kbit""#).1 {
            // A SYN of 60 bytes and a request of more than 100, at a byte a millisecond.
            trial.between("connect/min", 60.0 + 100.0, 600.0);
            // The other direction would take 250 ms at that.
            trial.between("arrival/p50", 0.0, 100.0);
        }
    };
    side_by_side([&downs as &(dyn Fn() + Sync), &ups], patiently);
}

#[test]
fn what_is_published_faster_than_a_link_carries_waits_in_its_queue() {
    let load = r#"clients = 2, rate = 10.0, payload = "20KiB""#;
    patiently(|| {
        for trial in run(&["websocket"], load, r#"down = "1Mbit""#).1 {
            // 2.6 s of 1.7 Mbit/s: nearly two seconds are left over when the last is published, and
            // half a second when the first is that counts.
            trial.between("arrival/max", 1600.0, 2400.0);
            trial.between("arrival/min", 400.0, 1200.0);
        }
    });
}

#[test]
fn jitter_spreads_arrivals_over_all_of_it_and_keeps_their_order() {
    let load = r#"clients = 100, rate = 2.0"#;
    let link = r#"rtt = "200ms", jitter = "400ms""#;
    patiently(|| {
        for trial in run(&["sse"], load, link).1 {
            // From 100 to 500 ms, evenly.
            trial.between("arrival/min", 100.0, 150.0);
            trial.between("arrival/p50", 250.0, 370.0);
            trial.between("arrival/p90", 430.0, 540.0);
            trial.between("arrival/max", 480.0, 650.0);
        }
    });
}

#[test]
fn a_lost_segment_stalls_its_share_of_the_messages_and_loses_none() {
    let load = r#"clients = 100, rate = 2.0"#;
    let link = r#"rtt = "40ms", loss = 0.1"#;
    patiently(|| {
        for trial in run(&["websocket"], load, link).1 {
            // A tenth is late by the timeout of 40 + 200 ms, a hundredth by three of them.
            trial.between("arrival/p50", 20.0, 100.0);
            let (most, few) = (trial.all_but(0.18), trial.all_but(0.05));
            assert!(most < 200.0, "{most} ms");
            assert!((260.0..600.0).contains(&few), "{few} ms");
            trial.between("arrival/max", 700.0, 20_000.0);
        }
    });
}

#[test]
fn a_lost_segment_is_sent_again_sooner_when_others_follow_closely() {
    let load = r#"clients = 20, rate = 50.0"#;
    let link = r#"rtt = "40ms", loss = 0.02"#;
    patiently(|| {
        for trial in run(&["websocket"], load, link).1 {
            // The third that follows is sent after 60 ms; a round trip later the lost one is there. Its
            // timeout would be 240 ms, and a quarter of all messages would wait for one.
            trial.between("arrival/p50", 20.0, 80.0);
            let few = trial.all_but(0.03);
            assert!((60.0..215.0).contains(&few), "{few} ms");
        }
    });
}

#[test]
fn presets_are_links_that_people_have() {
    let presets = [
        ("wifi", 14.0),
        ("4g", 60.0),
        ("3g", 300.0),
        ("satellite", 630.0),
    ];
    side_by_side(presets, |(preset, rtt)| {
        let link = format!("preset = \"{preset}\", loss = 0.0");
        patiently(|| {
            for trial in run(&["websocket"], "clients = 4, rate = 4.0", &link).1 {
                trial.between("connect/min", 2.0 * rtt, 2.0 * rtt + 400.0);
                trial.between("arrival/min", rtt / 2.0, rtt / 2.0 + 120.0);
            }
        })
    });
}

#[test]
fn a_drain_too_short_for_the_link_is_refused() {
    let story = Story::new(
        "link = { preset = \"satellite\" }\nphases = { drain = \"1s\" }\nload = { clients = 1 }\n",
    );
    let ran = story.run().expect(2);
    ran.says(&["\"phases.drain\" is 1s", "with its link", "make it longer"]);
}
