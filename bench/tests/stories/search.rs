//! Searches with the bundled relay: the largest value that holds, found by short trials.

use serde_json::Value;

use crate::program::{Ran, Story};

fn scenario(transports: &str, search: &str, more: &str) -> Story {
    Story::new(&format!(
        r#"
[load]
clients = 4
rate = 50.0
arrivals = "constant"
[matrix]
transport = [{transports}]
[phases]
ramp = "20ms"
warm_up = "0s"
measure = "1s"
drain = "1s"
[search]
{search}
{more}
"#
    ))
}

fn number(value: &Value, path: &str) -> f64 {
    let found = value.pointer(path).and_then(Value::as_f64);
    found.unwrap_or_else(|| panic!("{path} in {value}"))
}

/// Runs it; the searches that it made, and the whole summary.
fn run(story: &Story) -> (Ran, Vec<Value>, Value) {
    let ran = story.run();
    assert!(story.results().exists(), "{}", ran.stderr);
    let summary = story.summary();
    let searches = summary["searches"].as_array().unwrap().clone();
    (ran, searches, summary)
}

#[test]
fn a_search_finds_the_largest_payload_that_a_bound_on_bytes_allows() {
    let story = scenario(
        r#""sse", "websocket""#,
        "vary = \"payload\"\nfrom = \"100B\"\nto = \"4KiB\"\nwhile = \"wire_bytes_per_message <= 1kB and lost == 0\"\nprecision = \"20%\"",
        "[gate]\n\"* payload_bytes_per_message\" = \">= 100\"",
    );
    let (ran, searches, summary) = run(&story);
    assert_eq!(searches.len(), 2);
    let trials = summary["trials"].as_array().unwrap();
    let mut counted = 0;
    for search in &searches {
        counted += search["trials"].as_array().unwrap().len();
        // Other tests may make the machine too busy for a trial: then the search says so.
        if search["ended"] != "found" {
            assert_eq!(search["ended"], "doubtful", "{search}");
            continue;
        }
        let (holds, fails) = (number(search, "/holds"), number(search, "/fails"));
        // A message costs some 250 bytes beside its payload.
        assert!((500.0..1000.0).contains(&holds), "{search}");
        assert!(holds < fails && fails <= holds * 1.2, "{search}");
        let unmet = search["unmet"].as_str().unwrap();
        assert!(
            unmet.starts_with("wire_bytes_per_message was 1."),
            "{unmet}"
        );
        // Each side of the boundary has been seen more than once.
        for value in [holds, fails] {
            let of = search["trials"].as_array().unwrap().iter();
            assert!(
                of.filter(|trial| number(trial, "/value") == value).count() >= 2,
                "{search}"
            );
        }
    }
    assert_eq!(counted, trials.len());
    for trial in trials {
        let payload = trial["factors"]["payload"].as_f64();
        let found = searches
            .iter()
            .flat_map(|search| search["trials"].as_array().unwrap());
        let said = found
            .into_iter()
            .find(|said| said["id"] == trial["id"])
            .unwrap();
        assert_eq!(said["value"].as_f64(), payload, "{said}");
        if trial["valid"] == true {
            let wire = number(trial, "/bytes/wire_sent") + number(trial, "/bytes/wire_received");
            let each = wire / number(trial, "/bytes/deliveries");
            let lost = number(trial, "/messages/lost");
            assert_eq!(said["holds"], each <= 1000.0 && lost == 0.0, "{said}");
        }
    }
    // Trials beyond the boundary make no run invalid and break no gate.
    assert!(
        matches!(ran.code, Some(0 | 4)),
        "{:?} {}",
        ran.code,
        ran.stderr
    );
    // On a machine that was busy not even the first value can be trusted.
    let held = ran.stdout.contains("WebSocket: holds at payload");
    assert!(held || ran.code == Some(4), "{}", ran.stdout);
    let csv = std::fs::read_to_string(story.results().join("trials.csv")).unwrap();
    assert_eq!(csv.lines().count(), trials.len() + 1);
    // The resolved scenario is the same search again.
    let resolved = story.results().join("scenario.toml");
    let check = story
        .bench(&["check", resolved.to_str().unwrap()])
        .expect(0);
    assert!(
        check
            .stdout
            .contains("the largest payload from 100B to 4KiB"),
        "{}",
        check.stdout
    );
}

#[test]
fn a_search_ends_when_its_time_is_up_and_says_so() {
    let story = scenario(
        r#""websocket""#,
        "vary = \"payload\"\nfrom = \"100B\"\nto = \"60KiB\"\nwhile = \"lost == 0\"\nbudget = \"5s\"",
        "",
    );
    let (ran, searches, _) = run(&story);
    let search = &searches[0];
    if search["ended"] == "doubtful" {
        // The machine was too busy with other tests for the very first value.
        return;
    }
    assert_eq!(search["ended"], "budget", "{search}");
    let count = search["trials"].as_array().unwrap().len();
    assert!((1..=5).contains(&count), "{search}");
    assert!(ran.took.as_secs() < 20, "{:?}", ran.took);
    assert!(ran.stdout.contains("its time of 5"), "{}", ran.stdout);
}

#[test]
fn where_nothing_holds_the_run_fails_and_where_everything_does_it_says_so() {
    let bound = |bytes| {
        let search = format!(
            "vary = \"payload\"\nfrom = \"100B\"\nto = \"200B\"\nwhile = \"payload_bytes_per_message <= {bytes}B\""
        );
        let story = scenario(r#""sse""#, &search, "");
        let (ran, searches, summary) = run(&story);
        (ran.code, searches[0].clone(), summary["verdict"].clone())
    };
    let (code, search, verdict) = bound(50);
    if search["ended"] != "doubtful" {
        assert_eq!(search["ended"], "none-holds", "{search}");
        assert_eq!((code, verdict.as_str()), (Some(5), Some("fail")));
        assert_eq!(
            (&search["holds"], number(&search, "/fails")),
            (&Value::Null, 100.0)
        );
    }
    let (code, search, verdict) = bound(500);
    if search["ended"] != "doubtful" {
        assert_eq!(search["ended"], "all-hold", "{search}");
        assert_eq!((code, verdict.as_str()), (Some(0), Some("pass")));
        assert_eq!(
            (number(&search, "/holds"), &search["fails"]),
            (200.0, &Value::Null)
        );
    }
}

#[test]
fn a_search_is_not_compared_in_turns_and_nothing_starts() {
    let story = scenario(
        r#""sse""#,
        "vary = \"payload\"\nfrom = \"100B\"\nto = \"800B\"\nwhile = \"lost == 0\"",
        "",
    );
    let ran = story.bench(&["compare", "story.toml", "story.toml"]);
    assert_eq!(ran.code, Some(2), "{}", ran.stderr);
    for said in ["[search]", "in turns", "`payload`"] {
        assert!(ran.stderr.contains(said), "{said}: {}", ran.stderr);
    }
    assert!(!story.results().exists());
}
