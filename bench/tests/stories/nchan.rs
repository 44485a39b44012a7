//! Real Nchan, driven by each of its transports. Without it the tests say so and pass.

use std::fs;
use std::io::Write;
use std::path::Path;

use serde_json::Value;

use crate::program::{Story, free_address, side_by_side};

const MODULE: &str = "/usr/lib/nginx/modules/ngx_nchan_module.so";

/// Whether nginx is here with the module.
fn is_installed() -> bool {
    if Path::new("/usr/sbin/nginx").exists() && Path::new(MODULE).exists() {
        return true;
    }
    let thread = std::thread::current();
    let test = thread.name().unwrap_or("a test of Nchan");
    let text = format!(
        "LEFT OUT: {test}: no Nchan is installed (apt-get install nginx libnginx-mod-nchan)"
    );
    assert!(
        std::env::var_os("PUSHMARK_NOTHING_LEFT_OUT").is_none(),
        "{text}"
    );
    let _ = writeln!(std::io::stderr().lock(), "{text}");
    false
}

/// A scenario with the configuration that stands beside the shipped one, on a port of its own.
fn story(server: &str, rest: &str) -> Story {
    let address = free_address();
    let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scenarios/nchan/nginx.conf");
    let shipped = fs::read_to_string(shipped).unwrap();
    let config = shipped.replace("127.0.0.1:8471", &address.to_string());
    assert_ne!(config, shipped);
    let command = r#"command = ["/usr/sbin/nginx", "-e", "stderr", "-p", "{scratch}", "-c", "{scenario}/nginx.conf"]"#;
    let story = Story::new(&format!(
        "{server}\nurl = \"http://{address}\"\n{command}\n{rest}"
    ));
    fs::write(story.folder().join("nginx.conf"), config).unwrap();
    story
}

const LOAD: &str = r#"
[load]
clients = 40
channels = 4
rate = 40.0
poll_interval = "50ms"
[phases]
ramp = "200ms"
warm_up = "300ms"
measure = "2s"
drain = "4s"
[gate]
"* lost" = "== 0"
"* duplicated" = "== 0"
"* reordered" = "== 0"
"#;

const ALL: &str = r#"["polling", "long-polling", "streaming", "sse", "websocket"]"#;

/// Each message came to each of its subscribers once, and nothing is said that nobody can know.
fn is_whole(trial: &Value) {
    let number = |pointer: &str| trial.pointer(pointer).and_then(Value::as_u64).unwrap();
    let (expected, delivered) = (number("/messages/expected"), number("/messages/delivered"));
    assert!(expected > 100 && delivered == expected, "{trial}");
    for fault in ["lost", "duplicated", "reordered", "publish_errors"] {
        assert_eq!(number(&format!("/messages/{fault}")), 0, "{trial}");
    }
    assert_eq!(trial["messages"]["missed_reports"], Value::Null);
    assert_eq!(trial["predicted"]["wire_bytes_per_message"], Value::Null);
    assert_eq!(number("/clients/connected"), 40);
    assert_eq!(number("/clients/reconnects"), 0, "{trial}");
    assert!(number("/latency_ns/connect/count") == 40, "{trial}");
    // The master of nginx does nothing: what is spent is its worker's.
    assert!(number("/server/cpu_ns") > 1_000_000, "{trial}");
    assert!(number("/server/rss_loaded") > 1_000_000 && number("/server/rss_peak") > 1_000_000);
}

#[test]
fn nchan_is_measured_by_all_its_transports_and_loses_nothing() {
    if !is_installed() {
        return;
    }
    let rest = format!("{LOAD}[matrix]\ntransport = {ALL}\n");
    let story = story("[target]\nserver = \"nchan\"", &rest);
    let (_, summary) = story.run_calmly(0);
    let trials = summary["trials"].as_array().unwrap();
    assert_eq!(trials.len(), 5);
    trials.iter().for_each(is_whole);
    let of = |transport: &str| {
        let mut trials = trials.iter();
        trials
            .find(|trial| trial["transport"] == transport)
            .unwrap()
    };
    // One message an answer, so as many answers as deliveries; the others are asked nothing.
    for (transport, empty) in [("polling", true), ("long-polling", false)] {
        let count = |field: &str| of(transport)["requests"][field].as_u64().unwrap();
        assert_eq!(of(transport)["load"]["batch"], 1);
        assert!(count("total") > count("empty") && (count("empty") > 0) == empty);
    }
    assert_eq!(of("sse")["requests"]["total"], 0);
    let target = summary["environment"]["target"].as_str().unwrap();
    assert!(target.starts_with("Nchan at http://127.0.0.1:"), "{target}");
    // Whatever it was started from is gone with it, and can be started again from what was stored.
    let resolved = fs::read_to_string(story.results().join("scenario.toml")).unwrap();
    assert!(resolved.contains("\"{here}/nginx.conf\""), "{resolved}");
    assert!(
        resolved.contains("[target.template.long-polling]"),
        "{resolved}"
    );
}

#[test]
fn nchan_stands_beside_the_relay_in_one_report() {
    if !is_installed() {
        return;
    }
    let matrix =
        "[matrix]\ntarget = [\"relay\", \"nchan\"]\ntransport = [\"sse\", \"websocket\"]\n";
    let gates = "\"nchan websocket lost\" = \"== 0\"\n\"nchan * server_cpu_per_thousand\" = \"<= 1000 * target.relay\"\n";
    let relay = "[targets.relay]\nserver = \"bundled\"";
    let story = story(
        &format!("{relay}\n[targets.nchan]\nserver = \"nchan\""),
        &format!("{LOAD}{gates}{matrix}"),
    );
    let (ran, summary) = story.run_calmly(0);
    for transport in ["sse", "websocket"] {
        for server in ["relay", "nchan"] {
            let row = |line: &str| line.starts_with(transport) && line.contains(server);
            assert!(ran.stdout.lines().any(row), "{}", ran.stdout);
        }
    }
    let target = summary["environment"]["target"].as_str().unwrap();
    assert!(
        target.starts_with("bundled relay ") && target.contains(", Nchan at http://"),
        "{target}"
    );
    let trials = summary["trials"].as_array().unwrap();
    let planned: Vec<&Value> = trials
        .iter()
        .map(|trial| &trial["messages"]["planned"])
        .collect();
    assert_eq!(planned.len(), 4);
    assert!(
        planned.iter().all(|one| *one == planned[0]),
        "the same messages: {planned:?}"
    );
    let missed = |trial: &Value| trial["messages"]["missed_reports"].is_null();
    assert_eq!(trials.iter().filter(|trial| missed(trial)).count(), 2);
    let gate = summary["gates"].as_array().unwrap().last().unwrap();
    assert_eq!(
        gate["rule"],
        "nchan * server_cpu_per_thousand <= 1000 * target.relay"
    );
    assert!(gate["bound"].as_f64().unwrap() > 0.0, "{gate}");
    for chart in [
        "server-cpu",
        "latency-percentiles-nchan",
        "latency-percentiles-relay",
    ] {
        let file = story.results().join(format!("charts/{chart}.svg"));
        assert!(file.exists(), "{chart}");
    }
}

#[test]
fn the_other_streams_of_nchan_are_a_matter_of_words() {
    if !is_installed() {
        return;
    }
    let streams = [
        // Its raw stream has no framing of its own: these payloads are lines.
        "url = \"/raw/{channel}\"\nheaders = {}\nframing = \"line\"",
        "headers = { Accept = \"multipart/mixed\" }\nframing = \"multipart\"\ncursor = { headers = [\"Last-Modified\", \"ETag\"] }",
    ];
    side_by_side(streams, |stream| {
        let rest = format!("[target.template.streaming]\n{stream}\n{LOAD}")
            .replace("[load]", "[load]\ntransport = \"streaming\"");
        let story = story("[target]\nserver = \"nchan\"", &rest);
        let (_, summary) = story.run_calmly(0);
        is_whole(&summary["trials"][0]);
    });
}

#[test]
fn subscribers_of_nchan_that_are_cut_miss_nothing_where_there_is_a_position() {
    if !is_installed() {
        return;
    }
    let transports = ["polling", "long-polling", "sse", "websocket"];
    side_by_side(transports, |transport| {
        let rest = LOAD.replace("[load]", &format!("[load]\ntransport = \"{transport}\""));
        let event = "[[events]]\nat = \"700ms\"\ndisconnect = 0.5\nspread = \"500ms\"\n";
        let story = story("[target]\nserver = \"nchan\"", &format!("{rest}{event}"));
        let (_, summary) = story.run_calmly(0);
        let event = &summary["trials"][0]["events"][0];
        assert_eq!(event["affected"], 20, "{transport}");
        assert_eq!(event["missed"], 0, "{transport} {event}");
        assert_eq!(event["missed_reports"], Value::Null, "{transport}");
    });
}
