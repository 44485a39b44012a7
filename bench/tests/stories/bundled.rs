//! A run with the bundled relay: what it measures and what it leaves behind.

use std::collections::BTreeMap;
use std::fs;
use std::io::Cursor;
use std::path::Path;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use bench::result::metric;
use bench::scenario::{Plan, read_text};
use hdrhistogram::serialization::Deserializer;
use hdrhistogram::serialization::interval_log::{IntervalLogIterator, LogEntry};
use serde_json::Value;

use crate::program::Story;

const SCENARIO: &str = r#"
title = "Every transport, briefly"
[load]
clients = 20
channels = 4
rate = 50.0
payload = "200B"
poll_interval = "200ms"
[matrix]
transport = ["polling", "long-polling", "streaming", "sse", "websocket"]
[phases]
ramp = "100ms"
warm_up = "200ms"
measure = "1s"
drain = "1s"
[gate]
"* lost" = "== 0"
"* duplicated" = "== 0"
"* reordered" = "== 0"
"#;

fn number(value: &Value, path: &str) -> u64 {
    let found = value.pointer(path).and_then(Value::as_u64);
    found.unwrap_or_else(|| panic!("{path} in {value}"))
}

/// Every file of a folder and what is in it.
fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        if path.is_dir() {
            let inner = files(&path).into_iter();
            found.extend(inner.map(|(file, content)| (format!("{name}/{file}"), content)));
        } else {
            found.insert(name, fs::read(path).unwrap());
        }
    }
    found
}

#[test]
fn a_run_measures_every_transport_and_leaves_everything_behind() {
    let story = Story::new(SCENARIO);
    let (ran, summary) = story.run_calmly(0);
    assert!(ran.stdout.contains("long-polling"), "{}", ran.stdout);
    let trials = summary["trials"].as_array().unwrap();
    assert_eq!(trials.len(), 5);
    trials.iter().for_each(adds_up);
    compare(trials);
    let left = files(&story.results());
    is_complete(&left, trials);
    trials.iter().for_each(|trial| log_agrees(trial, &left));

    let resolved = String::from_utf8(left["scenario.toml"].clone()).unwrap();
    assert_eq!(plan(&resolved), plan(SCENARIO));
    let latest = fs::read_link(story.results()).unwrap();
    assert!(
        latest.to_str().unwrap().starts_with("story-20"),
        "{latest:?}"
    );

    for name in [
        "trials.csv",
        "timeline.csv",
        "percentiles.csv",
        "report.html",
    ] {
        fs::remove_file(story.results().join(name)).unwrap();
    }
    fs::remove_dir_all(story.results().join("charts")).unwrap();
    let again = story.bench(&["report", "results/latest"]).expect(0);
    assert!(again.stdout.contains("long-polling"), "{}", again.stdout);
    for (name, content) in files(&story.results()) {
        assert!(left[&name] == content, "{name} differs");
    }
    assert_eq!(files(&story.results()).len(), left.len());
}

fn plan(text: &str) -> Plan {
    read_text(text, Path::new("story.toml"), &[], &metric::known()).unwrap()
}

fn adds_up(trial: &Value) {
    let message = |field: &str| number(trial, &format!("/messages/{field}"));
    assert_eq!(message("published"), message("planned"), "{trial}");
    assert_eq!(message("expected"), message("published") * 5, "{trial}");
    assert_eq!(message("delivered"), message("expected"), "{trial}");
    assert_eq!(number(trial, "/bytes/payload"), message("delivered") * 200);
    assert_eq!(number(trial, "/clients/connected"), 20);
    for series in ["delivery", "arrival", "publish", "schedule_lag", "connect"] {
        let series = &trial["latency_ns"][series];
        assert!(number(series, "/count") > 0, "{trial}");
        assert_eq!(number(series, "/negative"), 0, "{trial}");
        assert!(number(series, "/min") <= number(series, "/p50"), "{trial}");
        assert!(number(series, "/p50") <= number(series, "/max"), "{trial}");
    }
    let arrival = trial["latency_ns"]["arrival"]["mean"].as_f64();
    assert!(
        arrival <= trial["latency_ns"]["delivery"]["mean"].as_f64(),
        "{trial}"
    );
    let (sent, received) = ("/bytes/socket_sent", "/bytes/socket_received");
    // What a busy machine brings after the measured phase has its bytes there too.
    assert!(
        number(trial, received) > number(trial, "/bytes/deliveries") * 200,
        "{trial}"
    );
    for way in ["sent", "received"] {
        let of = |span: &str| number(trial, &format!("/bytes/{span}_{way}"));
        assert!(of("trial_wire") > of("wire"), "{trial}");
    }
    assert!(
        number(trial, "/bytes/wire_received") > number(trial, received),
        "{trial}"
    );
    assert!(
        number(trial, "/bytes/wire_sent") > number(trial, sent),
        "{trial}"
    );
    assert!(number(trial, "/server/cpu_ns") > 0 && number(trial, "/server/rss_peak") > 0);
    assert!(number(trial, "/generator/cpu_ns") > 0);
}

/// What theory says of the five, with much room for a busy machine.
fn compare(trials: &[Value]) {
    let of = |transport: &str| {
        trials
            .iter()
            .find(|trial| trial["transport"] == transport)
            .unwrap()
    };
    let bytes = |transport: &str| {
        let trial = of(transport);
        number(trial, "/bytes/socket_sent") + number(trial, "/bytes/socket_received")
    };
    assert!(bytes("websocket") < bytes("long-polling"));
    // A poll comes each 200 ms, so a message waits for half of that.
    let mean = of("polling")["latency_ns"]["delivery"]["mean"]
        .as_f64()
        .unwrap();
    assert!((60e6..160e6).contains(&mean), "{mean}");
    let polling = number(of("polling"), "/requests/total");
    assert!((20 * 2..=20 * 6).contains(&polling), "{polling} polls");
    let long = number(of("long-polling"), "/requests/total");
    assert!(long > polling, "{long} long polls, {polling} polls");
    assert!(number(of("polling"), "/requests/empty") < polling);
    for transport in ["streaming", "sse", "websocket"] {
        assert_eq!(number(of(transport), "/requests/total"), 0, "{transport}");
    }
}

fn is_complete(left: &BTreeMap<String, Vec<u8>>, trials: &[Value]) {
    let logs = trials
        .iter()
        .map(|trial| format!("{}.hlog", trial["id"].as_str().unwrap()));
    let files = [
        "summary.json",
        "trials.csv",
        "timeline.csv",
        "percentiles.csv",
        "report.html",
        "scenario.toml",
    ];
    for name in files.map(str::to_owned).into_iter().chain(logs) {
        assert!(
            left.get(&name).is_some_and(|content| !content.is_empty()),
            "{name}"
        );
    }
    let charts = |ending: &str| {
        left.keys()
            .filter(|name| name.starts_with("charts/") && name.ends_with(ending))
            .count()
    };
    assert!(
        charts(".svg") >= 5 && charts(".svg") == charts(".png"),
        "{:?}",
        left.keys()
    );
}

/// The interval log, read as other tools read it, holds each delivery once.
fn log_agrees(trial: &Value, left: &BTreeMap<String, Vec<u8>>) {
    let text = &left[&format!("{}.hlog", trial["id"].as_str().unwrap())];
    let mut deserializer = Deserializer::new();
    let (mut count, mut max) = (0, 0);
    for entry in IntervalLogIterator::new(text) {
        if let LogEntry::Interval(interval) = entry.unwrap() {
            let bytes = BASE64_STANDARD
                .decode(interval.encoded_histogram())
                .unwrap();
            let histogram: hdrhistogram::Histogram<u64> =
                deserializer.deserialize(&mut Cursor::new(bytes)).unwrap();
            count += histogram.len();
            max = max.max(histogram.max());
        }
    }
    assert_eq!(count, number(trial, "/messages/delivered"));
    assert_eq!(max, number(trial, "/latency_ns/delivery/max"));
}
