//! What a run leaves for CI, and the gates that CI holds it to: against another transport and
//! against a stored run.

use std::fs;

use crate::fake::{Fake, Plan};
use crate::program::{Ran, Story, bench};

/// Two transports, and these gates.
fn story(url: &str, gates: &str) -> Story {
    Story::new(&format!(
        r#"
target = {{ server = "relay", url = "{url}" }}
load = {{ clients = 2, rate = 20.0, arrivals = "constant", payload = "100B", poll_interval = "100ms" }}
matrix = {{ transport = ["polling", "sse"] }}
phases = {{ ramp = "50ms", warm_up = "0s", measure = "1s", drain = "1s" }}
gate = {{ {gates} }}
"#
    ))
}

/// Runs it as GitHub does, which names a file for the summary.
fn in_actions(story: &Story, summary: &str, more: &[&str]) -> Ran {
    let mut command = bench();
    command
        .args(["run", "story.toml", "--out", "results"])
        .args(more)
        .env("GITHUB_ACTIONS", "true")
        .env("GITHUB_STEP_SUMMARY", story.folder().join(summary));
    story.spawn(&mut command).wait()
}

fn read(story: &Story, file: &str) -> String {
    fs::read_to_string(story.folder().join(file)).unwrap()
}

#[test]
fn a_failed_gate_stands_in_everything_that_ci_reads() {
    let fake = Fake::start(Plan {
        drop_every: 10,
        ..Plan::default()
    });
    let gates = r#""sse lost" = "== 0", "sse wire_bytes_per_message" = "<= 0.9 * polling""#;
    let story = story(&fake.url(), gates);
    fs::write(story.folder().join("summary.md"), "before\n").unwrap();
    let files = ["--junit", "ci/junit.xml", "--markdown", "run.md", "--quiet"];
    let ran = in_actions(&story, "summary.md", &files);
    let document = story.summary();
    let ran = ran.expect_unless_busy(5, &document);

    let rules = document["gates"].as_array().unwrap();
    // Two of twenty messages, for two clients.
    assert_eq!(rules[0]["measured"], 4.0);
    assert_eq!(rules[0]["bound"], 0.0);
    let ratio = rules[1]["measured"].as_f64().unwrap() / rules[1]["bound"].as_f64().unwrap();
    let trial = |place: usize| &document["trials"][place]["bytes"];
    let wire = |place: usize| {
        let of = |key: &str| trial(place)[key].as_f64().unwrap();
        (of("wire_sent") + of("wire_received")) / of("deliveries")
    };
    assert!(
        (ratio / (wire(1) / (0.9 * wire(0))) - 1.0).abs() < 1e-9,
        "{rules:?}"
    );

    let junit = read(&story, "ci/junit.xml");
    assert!(
        junit.contains("<failure message=\"measured 4, bound 0, in sse"),
        "{junit}"
    );
    let markdown = read(&story, "run.md");
    assert!(
        markdown.contains("| `sse lost == 0` | 4 | 0 | sse | ✗ FAILED |"),
        "{markdown}"
    );
    assert_eq!(read(&story, "summary.md"), format!("before\n{markdown}"));
    let line = "::error title=story%3A gate failed::sse lost == 0: measured 4, bound 0, in sse\n";
    assert!(ran.stdout.contains(line), "{}", ran.stdout);
    assert!(
        ran.stdout.lines().all(|line| line.starts_with("::")),
        "{}",
        ran.stdout
    );
}

#[test]
fn a_file_that_cannot_be_written_is_told_and_the_results_are_kept() {
    let fake = Fake::start(Plan::default());
    let story = story(&fake.url(), r#""* lost" = "== 0""#);
    // Only known when it is written: the summary is GitHub's to make ready.
    let ran = in_actions(
        &story,
        "no/such/folder/summary.md",
        &["--junit", "junit.xml"],
    );
    ran.expect(2).says(&[
        "no/such/folder/summary.md",
        "the results themselves are kept",
    ]);
    assert_eq!(story.summary()["trials"].as_array().unwrap().len(), 2);
    assert!(read(&story, "junit.xml").ends_with("</testsuites>\n"));
}

#[test]
fn a_file_that_cannot_be_made_is_told_before_the_run() {
    let story = story("http://127.0.0.1:9", r#""* lost" = "== 0""#);
    for file in [".", "story.toml/junit.xml"] {
        let ran = story.run_with(&["--junit", file]).expect(2);
        ran.says(&["cannot write", file]);
    }
    assert!(!story.folder().join("results").exists());
}

#[test]
fn a_server_that_is_not_there_fails_a_test_case_too() {
    let address = crate::program::free_address();
    let story = story(&format!("http://{address}"), r#""* lost" = "== 0""#);
    story.run_with(&["--junit", "junit.xml"]).expect(3);
    let junit = read(&story, "junit.xml");
    assert!(junit.contains("the run ends as planned"), "{junit}");
    assert!(!junit.contains("errors=\"0\""), "{junit}");
}

#[test]
fn a_gate_holds_a_run_to_a_stored_one() {
    let fake = Fake::start(Plan::default());
    let gate = r#""* wire_bytes_per_message" = ["<= 1.5 * baseline", ">= 0.5 * baseline"]"#;
    let story = story(&fake.url(), gate);
    let ran = story.run().expect(2);
    ran.says(&["compares with a stored run of `story`", "--baseline DIR"]);

    // What is stored was run before there was such a gate.
    let file = story.folder().join("story.toml");
    let text = read(&story, "story.toml");
    fs::write(&file, text.split("gate =").next().unwrap()).unwrap();
    story.run();
    fs::write(&file, text).unwrap();
    let stored = fs::canonicalize(story.results()).unwrap();
    let stored = stored.to_str().unwrap();

    let (ran, _) = story.run_calmly_with(&["--baseline", stored], 0);
    assert!(
        ran.stdout
            .contains("* wire_bytes_per_message <= 1.5 * baseline"),
        "{}",
        ran.stdout
    );
    let gates = story.summary()["gates"].clone();
    assert!(
        gates[0]["bound"].as_f64() > gates[1]["bound"].as_f64(),
        "{gates}"
    );

    story.run_calmly_with(&["--baseline", stored, "--set", "load.payload=300B"], 5);
    let note = story.summary()["gates"][0]["note"].to_string();
    assert!(note.contains("run with another payload"), "{note}");
}

#[test]
fn a_baseline_of_another_scenario_is_refused() {
    let fake = Fake::start(Plan::default());
    let story = story(&fake.url(), r#""* lost" = "<= baseline""#);
    fs::copy(
        story.folder().join("story.toml"),
        story.folder().join("other.toml"),
    )
    .unwrap();
    let changed = read(&story, "other.toml").replace("<= baseline", "== 0");
    fs::write(story.folder().join("other.toml"), changed).unwrap();
    story.bench(&["run", "other.toml", "--quiet"]);
    let ran = story.run_with(&["--baseline", "results/latest"]).expect(2);
    ran.says(&["a stored run of `story`, not of other"]);
    let ran = story.run_with(&["--baseline", "nowhere"]).expect(2);
    ran.says(&["nowhere"]);
}

#[test]
fn a_regression_stands_in_everything_that_ci_reads() {
    let (good, bad) = (
        Fake::start(Plan::default()),
        Fake::start(Plan {
            drop_every: 10,
            ..Plan::default()
        }),
    );
    let story = story(&good.url(), r#""sse delivered" = "> 0""#);
    let url = format!("target.url={}", bad.url());
    let mut folders = Vec::new();
    for more in [&["--quiet"][..], &["--quiet", "--set", &url]] {
        story.run_with(more);
        folders.push(fs::canonicalize(story.results()).unwrap());
    }
    let mut command = bench();
    command
        .arg("compare")
        .args(&folders)
        // The machine may be busy with other tests; a count is a count.
        .args(["--metric", "lost", "--allow-invalid", "--quiet"])
        .args(["--junit", "junit.xml", "--markdown", "compare.md"])
        .env("GITHUB_ACTIONS", "true")
        .env("GITHUB_STEP_SUMMARY", story.folder().join("summary.md"));
    let ran = story.spawn(&mut command).wait().expect(5);
    let junit = read(&story, "junit.xml");
    assert!(
        junit.contains("<failure message=\"4 against 0 of the base\" type=\"worse\">"),
        "{junit}"
    );
    let markdown = read(&story, "compare.md");
    assert!(markdown.contains("| `lost` | 0 | 4 |"), "{markdown}");
    assert_eq!(read(&story, "summary.md"), markdown);
    let line = "::error title=story%3A lost is worse::lost of sse: worse";
    assert!(ran.stdout.contains(line), "{}", ran.stdout);

    // What a program reads is not mixed with what GitHub reads.
    let mut command = bench();
    command
        .arg("compare")
        .args(&folders)
        .args(["--metric", "lost", "--allow-invalid", "--json", "-"])
        .env("GITHUB_ACTIONS", "true");
    let ran = story.spawn(&mut command).wait().expect(5);
    let document: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(document["verdict"], "worse");
}
