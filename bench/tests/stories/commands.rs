//! The commands beside `run`, and what gates and `--quiet` make of a run.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

use crate::fake::{Fake, Plan};
use crate::program::{Story, bench, side_by_side};

fn gated(url: &str, bound: &str) -> Story {
    Story::new(&format!(
        r#"
target = {{ server = "relay", url = "{url}" }}
load = {{ transport = "sse", clients = 2, rate = 20.0, arrivals = "constant", payload = "100B" }}
phases = {{ ramp = "50ms", warm_up = "0s", measure = "1s", drain = "1s" }}
gate = {{ "sse lost" = "{bound}" }}
"#
    ))
}

#[test]
fn a_gate_that_does_not_hold_has_an_exit_code_of_its_own() {
    let fake = Fake::start(Plan {
        drop_every: 10,
        ..Plan::default()
    });
    // Two of twenty messages, for two clients.
    let cases = [("== 0", 5, false), ("<= 4", 0, true)];
    side_by_side(cases, |(bound, code, holds)| {
        let story = gated(&fake.url(), bound);
        let (ran, summary) = story.run_calmly(code);
        assert_eq!(summary["gates"][0]["measured"], 4.0);
        assert_eq!(summary["gates"][0]["holds"], holds);
        assert!(ran.stdout.contains("sse lost"), "{}", ran.stdout);
    });
}

#[test]
fn a_quiet_run_prints_nothing_and_keeps_everything() {
    let fake = Fake::start(Plan::default());
    let story = gated(&fake.url(), "== 0");
    let (ran, _) = story.run_calmly_with(&["--quiet"], 0);
    assert_eq!((ran.stdout.as_str(), ran.stderr.as_str()), ("", ""));
    assert!(story.results().join("report.html").exists());
}

#[test]
fn results_go_to_a_folder_whose_name_is_not_text() {
    let fake = Fake::start(Plan::default());
    let story = gated(&fake.url(), "== 0");
    let out = OsStr::from_bytes(b"r\xe9sultats");
    let mut command = bench();
    let ran = story.spawn(command.args(["run", "story.toml", "--out"]).arg(out));
    let ran = ran.wait();
    assert!(matches!(ran.code, Some(0 | 4)), "{}", ran.stderr);
    let latest = story.folder().join(out).join("latest");
    assert!(latest.join("summary.json").exists());
}

#[test]
fn a_scenario_is_checked_without_being_run() {
    let story = gated("http://127.0.0.1:9", "== 0");
    let ran = story
        .bench(&["check", "story.toml", "--set", "load.clients=7"])
        .expect(0);
    for part in ["http://127.0.0.1:9", "sse", "1 trial in about", "7"] {
        assert!(ran.stdout.contains(part), "{part}: {}", ran.stdout);
    }
    assert!(!story.folder().join("results").exists());
}

#[test]
fn other_commands_print_and_end_well() {
    let story = Story::new("");
    for (words, part) in [
        (&["completions", "bash"][..], "_bench()"),
        (&["completions", "fish"], "complete -c bench"),
        (&["man"], ".TH bench"),
        (&["relay", "--help"], "--listen <ADDRESS>"),
        (&["run", "--help"], "--out <DIR>"),
        (&["--version"], "bench "),
    ] {
        let ran = story.bench(words).expect(0);
        assert!(ran.stdout.contains(part), "{words:?}: {}", ran.stdout);
        assert_eq!(ran.stderr, "", "{words:?}");
    }
}

#[test]
fn every_command_has_examples_and_a_manual_page() {
    let story = Story::new("");
    story.bench(&["man", "manual"]).expect(0);
    for command in [
        "run",
        "check",
        "report",
        "compare",
        "relay",
        "completions",
        "man",
    ] {
        let ran = story.bench(&[command, "--help"]).expect(0);
        assert!(ran.stdout.contains("Examples:"), "{command}");
        let page = story.folder().join(format!("manual/bench-{command}.1"));
        let page = std::fs::read_to_string(page).unwrap();
        assert!(page.contains("Examples:"), "{command}: {page}");
    }
}

#[test]
fn the_help_names_commands_examples_and_exit_codes() {
    let ran = Story::new("").bench(&["--help"]).expect(0);
    insta::assert_snapshot!(ran.stdout);
}
