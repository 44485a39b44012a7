//! What theory predicts, beside what is measured: of the real relay, and of servers that are known to differ.

use std::time::Duration;

use serde_json::Value;

use crate::fake::{Delay, Fake, Plan};
use crate::program::{Ran, Story, only_busy, side_by_side};

/// A machine that runs other tests may spoil a measurement, but hardly three in a row.
const TRIES: usize = 3;

fn polling(target: &str) -> Story {
    Story::new(&format!(
        r#"
title = "Theory"
{target}
[load]
transport = "polling"
clients = 400
rate = 40.0
payload = "64B"
poll_interval = "500ms"
[phases]
ramp = "500ms"
warm_up = "600ms"
measure = "3s"
drain = "2s"
"#
    ))
}

fn float(value: &Value, path: &str) -> f64 {
    let found = value.pointer(path).and_then(Value::as_f64);
    found.unwrap_or_else(|| panic!("{path} in {value}"))
}

/// Whether the machine was quiet enough for what a trial measured; other reasons for doubt fail the test.
fn is_sound(trial: &Value) -> bool {
    let reasons = trial["invalid_reasons"].as_array().unwrap();
    assert!(reasons.iter().all(only_busy), "{reasons:?}");
    reasons.is_empty()
}

#[test]
fn polling_of_an_idle_relay_is_as_theory_says() {
    let story = polling("");
    let mut last = String::new();
    for _ in 0..TRIES {
        let ran = story.run();
        let trial = story.trial();
        let deviation = float(&trial, "/deviation/delivery_mean_ns");
        let bytes = float(&trial, "/deviation/wire_bytes_per_message");
        let law = &trial["uniformity"];
        // Half an interval, and what an idle exchange took.
        let predicted = float(&trial, "/predicted/delivery_mean_ns");
        assert!((250e6..300e6).contains(&predicted), "{predicted}");
        assert!(float(law, "/samples") > 5000.0, "{law}");
        if is_sound(&trial) {
            last = format!("{deviation} {bytes} {law} {}", ran.stdout);
        }
        if deviation.abs() < 0.02 && bytes.abs() < 0.02 && law["holds"] == true {
            assert!(ran.stdout.contains("distance from uniform"), "{last}");
            return;
        }
    }
    assert_eq!(last, "", "no try of a quiet machine is as theory says");
}

#[test]
fn a_server_that_holds_messages_is_not_as_theory_says_and_the_report_says_why() {
    let fake = Fake::start(Plan {
        delay: Delay::Fixed(Duration::from_millis(200)),
        ..Plan::default()
    });
    let target = format!(
        "target = {{ server = \"relay\", url = \"{}\" }}",
        fake.url()
    );
    let story = polling(&target);
    let ran = story.run();
    let trial = story.trial();
    // 200 ms more than the 250 that it should take.
    let deviation = float(&trial, "/deviation/delivery_mean_ns");
    assert!(deviation > 0.6, "{deviation}");
    assert_eq!(trial["uniformity"]["holds"], false);
    assert!(float(&trial, "/uniformity/d") > 0.3);
    if !is_sound(&trial) {
        return;
    }
    assert!(deviation < 1.5, "{deviation}");
    let why = &trial["explanations"][0];
    assert_eq!(
        (&why["metric"], &why["cause"]),
        (&"delivery.mean".into(), &"queueing".into())
    );
    for said in [
        "not uniform",
        "queueing: ",
        "waited in the server or on the way",
    ] {
        let whole = ran.stdout.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(whole.contains(said), "{said}: {}", ran.stdout);
    }
}

#[test]
fn each_transport_moves_the_bytes_that_theory_says() {
    let story = Story::new(
        r#"
title = "Bytes"
load = { clients = 40, channels = 4, rate = 40.0, payload = "128B", poll_interval = "500ms" }
matrix = { transport = ["polling", "long-polling", "streaming", "sse", "websocket"] }
phases = { ramp = "200ms", warm_up = "500ms", measure = "2s", drain = "1s" }
"#,
    );
    let _ = story.run();
    for trial in story.summary()["trials"].as_array().unwrap() {
        assert!(float(trial, "/floor/p50") > 0.0);
        assert!(float(trial, "/predicted/delivery_mean_ns") > 0.0);
        // Polls of a short trial hold more or fewer messages than on average; a busy machine shares acknowledgements.
        let deviation = float(trial, "/deviation/wire_bytes_per_message");
        assert!(
            deviation.abs() < 0.1 || !is_sound(trial),
            "{deviation} {}",
            trial["transport"]
        );
    }
}

/// A run whose publishes are all refused, with a gate that holds or not.
fn refused(gate: &str, more: &[&str]) -> (Ran, Value) {
    let fake = Fake::start(Plan {
        refuse: true,
        ..Plan::default()
    });
    let story = Story::new(&format!(
        r#"
target = {{ server = "relay", url = "{}" }}
load = {{ transport = "sse", clients = 2, rate = 20.0, arrivals = "constant", payload = "100B" }}
phases = {{ ramp = "50ms", warm_up = "0s", measure = "1s", drain = "1s" }}
gate = {{ "sse delivered" = "{gate}" }}
"#,
        fake.url()
    ));
    let ran = story.run_with(more);
    (ran, story.summary())
}

#[test]
fn a_run_that_cannot_be_trusted_passes_only_when_that_is_allowed_and_says_so_loudly() {
    let allow = "--allow-invalid";
    let cases: [(&str, &[&str], i32); 4] = [
        ("== 0", &[], 4),
        ("== 0", &[allow], 0),
        ("== 0", &[allow, "--quiet"], 0),
        (">= 1", &[allow], 5),
    ];
    side_by_side(cases, |(gate, more, code)| {
        let (ran, summary) = refused(gate, more);
        assert_eq!(summary["verdict"], "invalid");
        let ran = ran.expect(code);
        let trial = &summary["trials"][0];
        let rules = trial["validity"].as_array().unwrap();
        let broken = rules
            .iter()
            .find(|rule| rule["rule"] == "published")
            .unwrap();
        assert_eq!(broken["holds"], false);
        assert_eq!(float(broken, "/measured"), 0.0);
        assert_eq!(float(broken, "/limit"), 0.999);
        if more.contains(&"--quiet") {
            assert_eq!(ran.stdout, "");
        } else {
            for said in ["INVALID", "Rules that do not hold", "≥ 99.90 %"] {
                assert!(ran.stdout.contains(said), "{said}: {}", ran.stdout);
            }
        }
        if more.contains(&allow) {
            ran.says(&[
                "INVALID",
                "cannot be trusted",
                "only 0 of 20 planned messages",
            ]);
        }
    });
}
