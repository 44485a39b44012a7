//! The results document and its metrics: names that scripts rely on.

use std::collections::BTreeSet;

use bench::result::{FORMAT, metric};
use serde_json::Value;

use crate::fixture;

/// The stable paths. A change here breaks other people's scripts and needs a new format.
const PATHS: &str = "
    format title seed verdict
    environment.{kernel,cpu,cores,memory,profile,version,commit}
    trials.0.{id,repeat,transport,factors,valid,invalid_reasons,phases}
    trials.0.clients.{asked,connected,reconnects}
    trials.0.messages.{planned,published,expected,delivered,lost,duplicated,reordered}
    trials.0.latency_ns.{delivery,arrival,publish,schedule_lag,connect}
    trials.0.latency_ns.delivery.{count,mean,min,p50,p90,p99,p99_9,max}
    trials.0.requests.{total,empty}
    trials.0.bytes.{payload,socket_sent,socket_received,wire_sent,wire_received}
    trials.0.server.{cpu_ns,rss_base,rss_loaded,rss_peak,kernel_socket_memory}
    trials.0.generator.{cpu_ns,rss_peak,cores_busy}
    trials.0.predicted.{delivery_mean_ns,delivery_p99_ns,wire_bytes_per_message}
    trials.0.deviation.{delivery_mean_ns,delivery_p99_ns,wire_bytes_per_message}
    trials.0.{validity,floor,uniformity,explanations}
    cells.0.factors
    cells.0.metrics.server_cpu_per_thousand.{median,low,high,confidence}
    trials.0.events searches
    gates.0.{rule,measured,holds}
";

fn paths() -> Vec<String> {
    PATHS
        .split_whitespace()
        .flat_map(|path| match path.split_once('{') {
            Some((stem, leaves)) => leaves
                .trim_end_matches('}')
                .split(',')
                .map(|leaf| format!("{stem}{leaf}"))
                .collect(),
            None => vec![path.to_owned()],
        })
        .map(|path| format!("/{}", path.replace('.', "/")))
        .collect()
}

#[test]
fn every_stable_path_is_in_the_document() {
    let document = serde_json::to_value(fixture::compare()).unwrap();
    for path in paths() {
        assert!(document.pointer(&path).is_some(), "{path} is missing");
    }
    assert_eq!(document["format"], FORMAT);
    assert_eq!(document["verdict"], "pass");
    assert_eq!(document["trials"][1]["transport"], "long-polling");
}

#[test]
fn what_was_not_measured_is_null_and_never_zero() {
    let document = serde_json::to_value(fixture::broken()).unwrap();
    let dead = &document["trials"][2];
    assert_eq!(dead["latency_ns"]["delivery"], Value::Null);
    assert_eq!(dead["server"]["cpu_ns"], Value::Null);
    let run = fixture::broken();
    for name in [
        "delivery.p99",
        "wire_bytes_per_message",
        "server_cpu_per_thousand",
        "server_memory_per_client",
        "wire_bytes_per_client_second",
        "kernel_memory_per_client",
    ] {
        assert_eq!(
            metric::find(name).unwrap().of(&run.trials[2]),
            None,
            "{name}"
        );
    }
}

#[test]
fn metrics_have_names_of_their_own_and_follow_their_formulas() {
    let names: BTreeSet<_> = metric::names().collect();
    assert_eq!(names.len(), metric::all().count());
    let trial = &fixture::compare().trials[4];
    let of = |name: &str| metric::find(name).unwrap().of(trial).unwrap();
    for (name, value) in [
        ("payload_bytes_per_message", 128.0),
        ("framing_bytes_per_message", 43.0),
        ("tcp_bytes_per_message", 140.0),
        ("socket_bytes_per_message", 171.0),
        ("wire_bytes_per_message", 311.0),
        // 40,000 deliveries of 311 bytes to 1,000 clients in 20 seconds.
        ("wire_bytes_per_client_second", 622.0),
        ("header_bytes_per_second", 86_000.0),
        ("server_memory_per_client", 7_000.0),
        ("kernel_memory_per_client", 5_100.0),
        ("server_cpu_per_thousand", 12_266_666.0),
        ("empty_share", 0.33333),
        ("generator_cores", 0.45),
        ("generator_cpu_per_thousand", 225e6),
    ] {
        let off = of(name) / value - 1.0;
        assert!(off.abs() < 1e-4, "{name}: {} is not {value}", of(name));
    }
}

#[test]
fn a_cell_has_the_median_of_its_valid_repeats() {
    let mut trials = Vec::new();
    for (repeat, p50) in [(1, 10), (2, 30), (3, 20), (4, 9_000)] {
        let mut trial = fixture::compare().trials[4].clone();
        trial.repeat = repeat;
        trial.valid = repeat < 4;
        trial.latency_ns.delivery.as_mut().unwrap().p50 = p50;
        trials.push(trial);
    }
    let cells = metric::cells(&trials);
    assert_eq!(cells.len(), 1);
    let spread = cells[0].metrics["delivery.p50"];
    assert_eq!(
        (spread.median, spread.low, spread.high),
        (20.0, Some(10.0), Some(30.0))
    );
    assert_eq!(
        spread.confidence,
        Some(0.75),
        "of three repeats no interval has more"
    );
    assert!(
        !cells[0].metrics.contains_key("connect.p50"),
        "not measured"
    );
}
