//! A machine and a user that make trouble: full devices, folders that vanish, and comparisons that make no sense.

use std::fs::{self, File};
use std::process::Command;
use std::time::Duration;

use rustix::process::Signal;

use crate::process::{children, signal};
use crate::program::{Story, bench, wait_for};

/// A short run of the bundled relay.
fn short() -> Story {
    Story::new(
        r#"
load = { transport = "sse", clients = 2, rate = 50.0 }
phases = { ramp = "50ms", warm_up = "0s", measure = "1s", drain = "2s" }
run = { repeats = 2 }
"#,
    )
}

#[test]
fn what_cannot_be_printed_is_an_error_and_no_bug() {
    let story = short();
    story.run();
    for words in [
        &["check", "story.toml"][..],
        &["report", "results/latest"],
        &["compare", "results/latest", "results/latest"],
        &["completions", "bash"],
        &["run", "story.toml", "--set", "run.repeats=1"],
    ] {
        let full = File::create("/dev/full").unwrap();
        let mut command = bench();
        let ran = command
            .args(words)
            .current_dir(story.folder())
            .stdout(full)
            .output()
            .unwrap();
        let told = String::from_utf8(ran.stderr).unwrap();
        assert_eq!(ran.status.code(), Some(2), "{words:?}: {told}");
        let why = "cannot write to standard output: No space left on device";
        assert!(told.contains(why), "{words:?}: {told}");
    }
    assert!(story.results().join("report.html").exists());
}

#[test]
fn a_folder_that_is_gone_at_the_end_costs_the_files_and_not_the_figures() {
    let story = short();
    let running = story.start();
    let pid = running.pid();
    assert!(wait_for(Duration::from_secs(10), || {
        !children(pid).is_empty()
    }));
    fs::remove_dir_all(story.folder().join("results")).unwrap();
    let ran = running.wait().expect(2).says(&["cannot write results in"]);
    for part in ["sse", "The run can"] {
        assert!(ran.stdout.contains(part), "{}", ran.stdout);
    }
    assert!(!ran.stdout.contains("Results:"), "{}", ran.stdout);
}

#[test]
fn scenarios_that_cannot_be_compared_are_refused_before_they_run() {
    let story = short();
    for (set, why) in [
        ("load.rate=60", "rate was 50.0 and is 60.0"),
        (
            "load.transport=websocket",
            "no combination of factors in common",
        ),
        (
            "events=[{at = \"100ms\", disconnect = 0.5}]",
            "events was none and is disconnect 0.5 at 100ms",
        ),
    ] {
        let words = [
            "compare",
            "story.toml",
            "story.toml",
            "--set-candidate",
            set,
        ];
        story.bench(&words).expect(2).says(&[why]);
    }
    assert!(!story.folder().join("results").exists());
}

#[test]
fn a_comparison_that_was_stopped_concludes_nothing_and_starts_nothing() {
    let story = short();
    let words = "compare story.toml story.toml --allow-invalid --rerun --set run.repeats=9";
    let mut command = bench();
    let running = story.spawn(command.args(words.split(' ')));
    let trials = || {
        let told = fs::read_to_string(story.folder().join("stderr")).unwrap_or_default();
        told.matches("at the median").count()
    };
    // Both sides have something.
    assert!(wait_for(Duration::from_secs(30), || trials() >= 3));
    signal(running.pid(), Signal::INT);
    running.wait().expect(4).says(&["stopping"]);
    let folders = fs::read_dir(story.folder().join("results")).unwrap();
    let names = folders.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let names: Vec<String> = names.filter(|name| name != "latest").collect();
    assert_eq!(names.len(), 2, "{names:?}");
}

#[test]
fn a_selftest_without_room_for_its_clients_says_what_it_needs() {
    let story = Story::new("");
    let mut shell = Command::new("sh");
    let line = "ulimit -n 64 && exec \"$0\" selftest";
    shell.args(["-c", line]).arg(bench().get_program());
    let ran = story.spawn(&mut shell).wait().expect(2);
    ran.says(&[
        "2328 file descriptors",
        "the limit is 64",
        "ulimit -Hn 2328",
    ]);
}
