//! What clients ask for changes what they get: batches, lingering, the newest alone, a connection
//! for each poll, a page of another origin. With the bundled relay.

use serde_json::Value;

use crate::program::{RUNS, Story, await_calm, side_by_side};

/// Clients, each on a channel of its own.
const CLIENTS: u64 = 10;

/// Runs `load` for some seconds until it warns of no delays that only late polls explain; gives its trial.
fn run(seconds: u64, load: &str) -> Value {
    let story = Story::new(&format!(
        r#"
title = "Realism"
phases = {{ ramp = "100ms", warm_up = "500ms", measure = "{seconds}s", drain = "5s" }}
[load]
clients = {CLIENTS}
{load}
"#
    ));
    let run = || {
        story.run_calmly(0);
        story.trial()
    };
    let late = |trial: &Value| trial["warnings"].to_string().contains("are not uniform");
    let trial = until(run, |trial| !late(trial), "polls were late");
    assert_eq!(trial["warnings"].to_string(), "[]");
    assert_eq!(trial["clients"]["reconnects"], 0);
    trial
}

/// Runs it until no poll was left out, as one is when a busy machine is late by an interval: theory
/// speaks of polls that are made.
fn run_in_pace(seconds: u64, load: &str, polls: u64) -> Value {
    let paced = |trial: &Value| number(trial, "/requests/total") * 100 >= polls * 98;
    until(|| run(seconds, load), paced, "polls were left out")
}

/// The first trial that is good; `why` others are not is told when there is none.
fn until(run: impl Fn() -> Value, good: impl Fn(&Value) -> bool, why: &str) -> Value {
    for _ in 0..RUNS {
        let trial = run();
        if good(&trial) {
            return trial;
        }
        await_calm();
    }
    panic!("{why} in each of {RUNS} runs");
}

fn number(trial: &Value, path: &str) -> u64 {
    let found = trial.pointer(path).and_then(Value::as_u64);
    found.unwrap_or_else(|| panic!("{path} in {trial}"))
}

/// Answers that brought messages.
fn answers(trial: &Value) -> u64 {
    number(trial, "/requests/total") - number(trial, "/requests/empty")
}

/// Deliveries made while requests were counted.
fn deliveries(trial: &Value) -> u64 {
    number(trial, "/bytes/deliveries")
}

#[test]
fn one_message_an_answer_makes_a_burst_a_queue() {
    let load = |batch: u64| {
        format!(
            "transport = \"long-polling\"\nchannels = 1\nrate = 20.0\narrivals = \"burst\"\nbatch = {batch}\n"
        )
    };
    let trials = side_by_side([1, 0], |batch| run(2, &load(batch)));
    let [single, all] = &trials[..] else {
        panic!("two trials");
    };
    for trial in &trials {
        assert_eq!(number(trial, "/messages/lost"), 0);
        assert_eq!(number(trial, "/messages/reordered"), 0);
        // Two bursts of twenty, and the phase begins with one that may still be on its way.
        assert!(deliveries(trial) >= 20 * CLIENTS, "{trial}");
    }
    assert_eq!(answers(single), deliveries(single), "exactly one in each");
    // The messages of a burst come one by one too, but those that come during an answer come together.
    assert!(answers(all) * 2 < deliveries(all), "{all}");
}

#[test]
fn a_server_that_lingers_brings_many_in_one_answer_and_late() {
    let load = "transport = \"long-polling\"\nchannels = 1\nrate = 100.0\narrivals = \"constant\"\nlinger = \"100ms\"\n";
    let trial = run(2, load);
    assert_eq!(number(&trial, "/messages/lost"), 0);
    // An answer takes a tenth of a second from its first message, so there are at most 20 in two.
    assert!(answers(&trial) <= 21 * CLIENTS, "{trial}");
    assert!(answers(&trial) * 4 < deliveries(&trial), "{trial}");
    // The first of an answer waits for all of the linger, the last hardly at all.
    let latency = |part: &str| number(&trial, &format!("/latency_ns/delivery/{part}"));
    assert!(latency("p90") >= 80_000_000, "{trial}");
    assert!(latency("min") < 60_000_000, "{trial}");
}

#[test]
fn the_newest_alone_comes_as_often_as_theory_says() {
    // Poisson: a message is delivered when none follows it before the poll, (1 - e^-x) / x of them;
    // each client polls on a grid of its own, so the phase cuts two of its intervals in two.
    let (seconds, interval, rate) = (4_u32, 0.2, 10.0);
    let load = |more: &str| {
        format!("transport = \"polling\"\npoll = \"latest\"\npoll_interval = \"200ms\"\n{more}")
    };
    let poisson = load("channels = 10\nrate = 100.0\narrivals = \"poisson\"\n");
    // Periodic: every 50 ms, so one of four.
    let constant = load("channels = 1\nrate = 20.0\narrivals = \"constant\"\n");
    let trials = side_by_side([poisson, constant], |load| {
        run_in_pace(seconds.into(), &load, 20 * CLIENTS)
    });
    for trial in &trials {
        let message = |field: &str| number(trial, &format!("/messages/{field}"));
        assert_eq!(message("expected") - message("delivered"), message("lost"));
        assert_eq!(
            [
                message("duplicated"),
                message("reordered"),
                message("missed_reports")
            ],
            [0; 3]
        );
        // It does not wait for what will never come.
        let drain = number(trial, "/phases/drain");
        assert!(drain < 4_000_000_000, "{drain}");
    }

    let share = |trial: &Value| {
        let message = |field: &str| trial["messages"][field].as_f64().unwrap();
        message("delivered") / message("expected")
    };
    let x: f64 = rate * interval;
    let (intervals, hit) = (f64::from(seconds) / interval, 1.0 - (-x).exp());
    let cut = 1.0 - hit / x;
    let expected = ((intervals - 1.0) * hit + 2.0 * cut) / (intervals * x);
    // Of one interval with n messages and d of them delivered, d - share * n has this variance.
    let variance = hit * (1.0 - hit) - 2.0 * expected * x * (1.0 - hit) + expected.powi(2) * x;
    let polls = intervals * CLIENTS as f64;
    let deviation = (polls * variance).sqrt() / (polls * x);
    let measured = share(&trials[0]);
    assert!(
        (measured - expected).abs() < 5.0 * deviation,
        "{measured} delivered, {expected} ± {deviation} expected"
    );

    // Twenty polls, or one more where the phase cuts the first and the last of them.
    let delivered = number(&trials[1], "/messages/delivered");
    let most = CLIENTS * 21;
    assert!((CLIENTS * 19..=most).contains(&delivered), "{delivered}");
    assert!(
        (share(&trials[1]) - 0.25).abs() < 0.02,
        "{}",
        share(&trials[1])
    );
}

#[test]
fn a_connection_for_each_poll_costs_its_handshake_and_its_end() {
    let load = |transport: &str, keep_alive: bool| {
        format!(
            "transport = \"{transport}\"\nchannels = 1\nrate = 10.0\npoll_interval = \"100ms\"\nkeep_alive = {keep_alive}\n"
        )
    };
    // Bytes of TCP for each request.
    let overhead = |trial: &Value| {
        let bytes = |name: &str| number(trial, &format!("/bytes/{name}")) as f64;
        let wire = bytes("wire_sent") + bytes("wire_received");
        let socket = bytes("socket_sent") + bytes("socket_received");
        (wire - socket) / number(trial, "/requests/total") as f64
    };
    let cases = ["polling", "long-polling"]
        .map(|transport| [true, false].map(|keep| load(transport, keep)));
    for [kept, closed] in side_by_side(cases, |loads| loads.map(|load| run(2, &load))) {
        for trial in [&kept, &closed] {
            assert_eq!(number(trial, "/messages/lost"), 0);
        }
        assert_eq!(number(&kept, "/requests/connections"), 0);
        let (requests, connections) = (
            number(&closed, "/requests/total"),
            number(&closed, "/requests/connections"),
        );
        // One for each, but for those that the phase's ends cut.
        assert!(
            requests.abs_diff(connections) <= 2 * CLIENTS,
            "{requests} {connections}"
        );
        // Three segments to open and three to close, of at least 40 bytes, and the two SYNs' options;
        // one may carry an acknowledgement that would have gone alone.
        let more = overhead(&closed) - overhead(&kept);
        assert!((200.0..450.0).contains(&more), "{more}");
    }
}

#[test]
fn a_page_of_another_origin_is_served_by_the_bundled_relay() {
    let transports = ["polling", "long-polling", "streaming", "sse", "websocket"];
    let load = |transport: &str| {
        format!(
            "transport = \"{transport}\"\nchannels = 2\nrate = 20.0\npublish = \"post\"\npoll_interval = \"100ms\"\norigin = \"cross\"\nheaders = \"browser\"\n"
        )
    };
    for trial in side_by_side(transports, |transport| run(1, &load(transport))) {
        assert_eq!(number(&trial, "/messages/lost"), 0, "{trial}");
        assert_eq!(number(&trial, "/messages/publish_errors"), 0, "{trial}");
        assert!(number(&trial, "/messages/delivered") > 0, "{trial}");
    }
}
