//! Events of a scenario with real servers: who is hit, when everybody is back, what is missed.

use std::time::Duration;

use rustix::process::Signal;
use serde_json::Value;

use crate::process::{children, is_stopped, signal};
use crate::program::{Story, bench, free_address, only_busy, side_by_side, wait_for};

const ALL: [&str; 2] = [
    r#""polling", "long-polling""#,
    r#""streaming", "sse", "websocket""#,
];
/// The machine may be busy with other tests.
const SLACK: u64 = 2_000_000_000;

fn scenario(target: &str, transports: &str, events: &str) -> String {
    format!(
        r#"
{target}
[load]
clients = 11
channels = 2
rate = 100.0
arrivals = "constant"
poll_interval = "100ms"
hold = "2s"
[matrix]
transport = [{transports}]
[phases]
ramp = "50ms"
warm_up = "0s"
measure = "3s"
drain = "4s"
{events}
"#
    )
}

fn number(value: &Value, path: &str) -> u64 {
    let found = value.pointer(path).and_then(Value::as_u64);
    found.unwrap_or_else(|| panic!("{path} in {value}"))
}

/// Runs the events against a server; gives each transport's trial.
fn each(target: &str, transports: &str, events: &str) -> Vec<Value> {
    trials(&scenario(target, transports, events))
}

fn trials(text: &str) -> Vec<Value> {
    let story = Story::new(text);
    let (_, mut summary) = story.run_calmly(0);
    summary["trials"].as_array_mut().unwrap().split_off(0)
}

/// The same for all five transports.
fn all(events: &str) -> Vec<Value> {
    side_by_side(ALL, |transports| each("", transports, events))
        .into_iter()
        .flatten()
        .collect()
}

/// The only event of a trial that nothing else went wrong in.
fn event(trial: &Value) -> &Value {
    let events = trial["events"].as_array().unwrap();
    assert_eq!(events.len(), 1, "{trial}");
    let reasons = trial["invalid_reasons"].as_array().unwrap();
    assert!(reasons.iter().all(only_busy), "{reasons:?}");
    assert_eq!(
        number(trial, "/messages/published"),
        number(trial, "/messages/planned")
    );
    &events[0]
}

#[test]
fn half_of_the_clients_are_cut_and_come_back_without_loss() {
    for trial in all("[[events]]\nat = \"500ms\"\ndisconnect = 0.5\nspread = \"1s\"") {
        let event = event(&trial);
        let transport = &trial["transport"];
        // Half of eleven, rounded.
        assert_eq!(number(event, "/affected"), 6, "{transport}");
        assert_eq!(number(event, "/back"), 6, "{transport}");
        assert_eq!(number(&trial, "/clients/connected"), 11, "{transport}");
        assert_eq!(number(&trial, "/clients/reconnects"), 6, "{transport}");
        assert_eq!(number(&trial, "/messages/lost"), 0, "{transport}");
        assert_eq!(number(event, "/missed"), 0, "{transport}");
        assert_eq!(number(event, "/missed_reports"), 0, "{transport}");
        let back = number(event, "/time_until_all_back_ns");
        assert!(
            (100_000_000..1_000_000_000 + SLACK).contains(&back),
            "{transport} {back}"
        );
        assert_eq!(number(event, "/catch_up_ns/count"), 6, "{transport}");
        // Who is away for a while gets late what was due meanwhile.
        let max = number(&trial, "/latency_ns/delivery/max");
        assert!(max > 100_000_000, "{transport} {max}");
    }
}

#[test]
fn a_server_that_forgets_is_seen_by_those_who_were_away() {
    let program = bench();
    let program = program.get_program().to_str().unwrap();
    let transports = [
        r#""long-polling""#,
        r#""streaming""#,
        r#""sse""#,
        r#""websocket""#,
    ];
    let trials = side_by_side(transports, |transport| {
        let address = free_address();
        let words = [
            "relay",
            "--listen",
            &address.to_string(),
            "--ring-messages",
            "8",
        ]
        .map(|word| format!("\"{word}\""));
        let target = format!(
            "target = {{ url = \"http://{address}\", command = [\"{program}\", {}] }}",
            words.join(", ")
        );
        each(
            &target,
            transport,
            "[[events]]\nat = \"500ms\"\ndisconnect = 1.0\nspread = \"1500ms\"",
        )
    });
    for trial in trials.into_iter().flatten() {
        let event = event(&trial);
        let transport = &trial["transport"];
        assert_eq!(number(event, "/back"), 11, "{transport}");
        let missed = number(event, "/missed");
        // 50 messages a second and channel; some of eleven clients are away for long.
        assert!(missed > 20, "{transport} {missed}");
        assert_eq!(number(&trial, "/messages/lost"), missed, "{transport}");
        let reports = number(event, "/missed_reports");
        assert!((1..=11).contains(&reports), "{transport} {reports}");
    }
}

#[test]
fn a_server_that_stands_still_makes_every_client_wait() {
    for trial in all("[[events]]\nat = \"1s\"\nfreeze = \"1s\"") {
        let event = event(&trial);
        let transport = &trial["transport"];
        assert_eq!(number(event, "/affected"), 11, "{transport}");
        assert_eq!(number(&trial, "/messages/lost"), 0, "{transport}");
        assert_eq!(number(&trial, "/clients/reconnects"), 0, "{transport}");
        for series in ["delivery", "arrival", "publish"] {
            let max = number(&trial, &format!("/latency_ns/{series}/max"));
            assert!(
                (900_000_000..1_000_000_000 + SLACK).contains(&max),
                "{transport} {max}"
            );
        }
        let back = number(event, "/time_until_all_back_ns");
        assert!(
            (1_000_000_000..1_000_000_000 + SLACK).contains(&back),
            "{transport} {back}"
        );
    }
}

#[test]
fn a_client_that_polls_is_back_with_its_first_answer_after_the_freeze() {
    let events = "[[events]]\nat = \"1s\"\nfreeze = \"200ms\"";
    let text = scenario("", r#""polling""#, events);
    let trial = &trials(&text.replace("\"100ms\"", "\"1s\""))[0];
    let event = event(trial);
    assert_eq!(number(event, "/back"), 11);
    // Those who polled meanwhile are answered as it ends; of eleven not all are among them or the next.
    let back = number(event, "/time_until_all_back_ns");
    assert!(
        (400_000_000..1_200_000_000 + SLACK).contains(&back),
        "{back}"
    );
}

#[test]
fn a_client_that_is_cut_between_its_connections_comes_back_when_it_may() {
    let events = "[[events]]\nat = \"500ms\"\ndisconnect = 1.0";
    let text = scenario("", r#""polling""#, events)
        .replace("\"100ms\"", "\"7s\"\nkeep_alive = false")
        .replace("drain = \"4s\"", "drain = \"9s\"");
    let trial = &trials(&text)[0];
    let event = event(trial);
    assert_eq!(number(event, "/affected"), 11);
    // At once, and not at its next poll, which is up to 7 s away.
    let back = number(event, "/time_until_all_back_ns");
    assert!(back < 1_000_000_000 + SLACK, "{back}");
}

#[test]
fn a_step_of_the_rate_is_planned_published_and_seen_second_by_second() {
    let events = "[[events]]\nat = \"1s\"\nrate = 300.0\nfor = \"1s\"";
    let trials = each("", r#""websocket""#, events);
    let trial = &trials[0];
    assert_eq!(number(trial, "/messages/planned"), 100 + 300 + 100);
    assert_eq!(number(trial, "/messages/published"), 500);
    assert_eq!(number(trial, "/messages/lost"), 0);
    for (second, rate) in [(0, 100), (1, 300), (2, 100)] {
        let published = number(trial, &format!("/timeline/{second}/published"));
        // A late publisher moves a few into the next second.
        assert!(published.abs_diff(rate) <= 40, "{second}: {published}");
    }
    assert_eq!(number(event(trial), "/affected"), 0);
}

#[test]
fn slow_readers_catch_up_on_what_the_log_has_kept() {
    for trial in all("[[events]]\nat = \"500ms\"\nslow = 0.3\nfor = \"1s\"") {
        let event = event(&trial);
        let transport = &trial["transport"];
        assert_eq!(number(event, "/affected"), 3, "{transport}");
        assert_eq!(number(event, "/back"), 3, "{transport}");
        assert_eq!(number(&trial, "/messages/lost"), 0, "{transport}");
        assert_eq!(number(event, "/missed"), 0, "{transport}");
        let back = number(event, "/time_until_all_back_ns");
        assert!(
            (900_000_000..1_000_000_000 + SLACK).contains(&back),
            "{transport} {back}"
        );
        let max = number(&trial, "/latency_ns/delivery/max");
        assert!(max > 900_000_000, "{transport} {max}");
        // Half of the messages go to a channel; a third of its readers is a second late.
        let p50 = number(&trial, "/latency_ns/delivery/p50");
        assert!(p50 < max / 2, "{transport} {p50}");
    }
}

/// A scenario that would freeze its server for long.
fn frozen(target: &str) -> Story {
    let events = "[[events]]\nat = \"500ms\"\nfreeze = \"20s\"";
    let text = scenario(target, r#""sse""#, events);
    Story::new(&text.replace("measure = \"3s\"", "measure = \"30s\""))
}

#[test]
fn a_frozen_server_goes_on_however_the_run_ends() {
    side_by_side([1, 2], |interrupts| {
        let server = Story::new("");
        let address = free_address();
        let mut relay = bench();
        let relay = server.spawn(relay.args(["relay", "--listen", &address.to_string()]));
        assert!(wait_for(Duration::from_secs(10), || {
            std::net::TcpStream::connect(address).is_ok()
        }));
        let pid = relay.pid();
        let story = frozen(&format!(
            "target = {{ url = \"http://{address}\", pid = {pid} }}"
        ));
        let running = story.start();
        assert!(wait_for(Duration::from_secs(15), || is_stopped(pid)));
        for _ in 0..interrupts {
            signal(running.pid(), Signal::INT);
            if interrupts > 1 {
                std::thread::sleep(Duration::from_millis(20));
            }
        }
        let ran = running.wait();
        assert!(
            matches!(ran.code, Some(4 | 130)),
            "{:?} {}",
            ran.code,
            ran.stderr
        );
        assert!(!is_stopped(pid));
        signal(pid, Signal::TERM);
        relay.wait().expect(0);
    });
}

#[test]
fn a_frozen_relay_of_bench_ends_with_the_run() {
    let story = frozen("");
    let running = story.start();
    let mut relay = None;
    assert!(wait_for(Duration::from_secs(15), || {
        relay = children(running.pid()).first().copied();
        relay.is_some_and(is_stopped)
    }));
    signal(running.pid(), Signal::INT);
    let ran = running.wait().expect(4);
    // It was let go on, and ended when it was asked to.
    assert!(ran.took < Duration::from_secs(15), "{:?}", ran.took);
    assert!(crate::process::is_gone(relay.unwrap()));
}
