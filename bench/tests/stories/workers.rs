//! Clients in several processes: the same books as in one, and a process that is lost is named and ends the run.

use std::time::Duration;

use rustix::process::Signal;
use serde_json::Value;

use crate::process::{children, is_gone, signal};
use crate::program::{Ran, Running, Story, bench, wait_for};

const SECONDS: fn(u64) -> Duration = Duration::from_secs;

fn story(measure: &str, more: &str) -> Story {
    Story::new(&format!(
        r#"
[load]
transport = "sse"
clients = 30
channels = 4
rate = 50.0
[phases]
ramp = "100ms"
warm_up = "300ms"
measure = "{measure}"
drain = "2s"
[run]
workers = 3
{more}
"#
    ))
}

/// The workers of a run, in the order of their numbers.
fn workers(running: &Running) -> Vec<u32> {
    let is_worker = |pid: &u32| {
        let line = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        String::from_utf8_lossy(&line).contains("\0worker\0")
    };
    let mut found: Vec<u32> = Vec::new();
    assert!(wait_for(SECONDS(20), || {
        found = children(running.pid());
        found.retain(is_worker);
        found.len() == 3
    }));
    found.sort_unstable();
    found
}

/// The workers of a run that has measured something.
fn in_the_middle(running: &Running) -> Vec<u32> {
    let found = workers(running);
    std::thread::sleep(Duration::from_millis(2500));
    found
}

fn count(value: &Value, path: &str) -> u64 {
    let found = value.pointer(path).and_then(Value::as_u64);
    found.unwrap_or_else(|| panic!("no {path} in {value}"))
}

#[test]
fn several_processes_keep_the_books_of_one() {
    let event = "[[events]]\nat = \"500ms\"\ndisconnect = 0.5\nspread = \"200ms\"";
    let story = story("2s", event);
    story.run_calmly(0);
    let many = story.trial();
    story.run_calmly_with(&["--set", "run.workers=1"], 0);
    let one = story.trial();
    for path in [
        "/messages/planned",
        "/messages/published",
        "/messages/expected",
        "/messages/delivered",
        "/messages/lost",
        "/messages/duplicated",
        "/clients/connected",
        "/clients/reconnects",
        "/latency_ns/delivery/count",
        "/latency_ns/connect/count",
        "/events/0/affected",
        "/events/0/back",
        "/events/0/missed",
    ] {
        assert_eq!(count(&many, path), count(&one, path), "{path}");
    }
    assert!(count(&one, "/messages/expected") > 200);
    assert_eq!(count(&one, "/messages/lost"), 0);
    assert_eq!(one["workers"], Value::Array(Vec::new()));
    let workers = many["workers"].as_array().unwrap();
    let sum = |path: &str| {
        workers
            .iter()
            .map(|worker| count(worker, path))
            .sum::<u64>()
    };
    assert_eq!(workers.len(), 3);
    assert_eq!(sum("/clients"), 30);
    assert_eq!(
        sum("/delivery/count"),
        count(&many, "/latency_ns/delivery/count")
    );
    let publishers = workers.iter().filter(|worker| worker["publishes"] == true);
    assert_eq!(publishers.count(), 1);
    // The coordinator's own cost is in the sum, too.
    assert!(count(&many, "/generator/cpu_ns") >= sum("/cpu_ns"));
    assert!(count(&many, "/generator/rss_peak") > sum("/rss_peak"));
}

fn names_the_worker(story: &Story, ran: Ran, number: usize, pid: u32, how: &str) {
    let name = format!("worker {number} (process {pid}) was lost: {how}");
    let ran = ran.expect(3).says(&[&name]);
    assert!(ran.took < SECONDS(25), "{:?}", ran.took);
    let trial = story.trial();
    assert_eq!(story.summary()["verdict"], "invalid");
    assert!(
        trial["invalid_reasons"].to_string().contains(&name),
        "{trial}"
    );
    // What was measured is kept, and of the others all of it.
    assert!(count(&trial, "/messages/delivered") > 100, "{trial}");
    let workers = trial["workers"].as_array().unwrap();
    for (index, worker) in workers.iter().enumerate() {
        assert_eq!(worker["lost"].is_null(), index + 1 != number, "{worker}");
    }
    assert!(story.results().join("report.html").exists());
}

#[test]
fn a_worker_that_is_killed_is_named_and_ends_the_run() {
    let story = story("30s", "");
    let running = story.start();
    let workers = in_the_middle(&running);
    signal(workers[1], Signal::KILL);
    let ran = running.wait();
    assert!(ran.took < SECONDS(15), "{:?}", ran.took);
    names_the_worker(&story, ran, 2, workers[1], "it ended (signal: 9 (SIGKILL))");
    assert!(workers.iter().all(|pid| is_gone(*pid)));
}

#[test]
fn a_worker_that_hangs_is_named_and_ends_the_run() {
    let story = story("30s", "");
    let running = story.start();
    let workers = in_the_middle(&running);
    signal(workers[2], Signal::STOP);
    let silent = "it has given no sign of life for 5 s";
    names_the_worker(&story, running.wait(), 3, workers[2], silent);
    assert!(workers.iter().all(|pid| is_gone(*pid)));
}

#[test]
fn the_worker_that_publishes_may_be_lost_like_any_other() {
    let story = story("30s", "");
    let running = story.start();
    let workers = in_the_middle(&running);
    signal(workers[0], Signal::KILL);
    let name = format!("worker 1 (process {}) was lost", workers[0]);
    running.wait().expect(3).says(&[&name]);
    assert_eq!(story.summary()["verdict"], "invalid");
}

#[test]
fn workers_end_with_the_run_that_started_them_however_it_ends() {
    for how in [Signal::INT, Signal::KILL] {
        let story = story("30s", "");
        let running = story.start();
        let all = {
            let workers = in_the_middle(&running);
            let children = children(running.pid());
            assert!(workers.iter().all(|pid| children.contains(pid)));
            children
        };
        signal(running.pid(), how);
        let ran = running.wait();
        assert_eq!(
            ran.code,
            (how == Signal::INT).then_some(4),
            "{}",
            ran.stderr
        );
        let gone = || all.iter().all(|pid| is_gone(*pid));
        assert!(wait_for(SECONDS(10), gone), "{how:?}");
    }
}

#[test]
fn clients_beyond_the_descriptors_of_a_process_get_more_processes() {
    let server = story("1s", "");
    let mut relay = bench();
    let flags = [
        "relay",
        "--listen",
        "127.0.0.1:0",
        "--max-connections-per-address",
        "1000",
    ];
    let relay = server.spawn(relay.args(flags));
    let mut url = String::new();
    assert!(wait_for(SECONDS(10), || {
        let said = std::fs::read_to_string(server.folder().join("stdout")).unwrap();
        url = said.trim_start_matches("listening on ").trim().to_owned();
        said.ends_with('\n')
    }));
    let story = Story::new(&format!(
        "target = {{ url = \"{url}\" }}\n[load]\nclients = 600\nrate = 5.0\n[phases]\nramp = \"300ms\"\nmeasure = \"1s\"\n"
    ));
    let limited = |words: &str| {
        let mut shell = std::process::Command::new("sh");
        let line = format!("ulimit -n 400 && exec \"$0\" {words} story.toml");
        shell.args(["-c", &line]).arg(bench().get_program());
        story.spawn(&mut shell).wait()
    };
    let told = limited("check").expect(0).stdout;
    let expected = "3 workers: trial websocket opens 601 connections, 1 of them to publish; \
                    the first worker needs 329 file descriptors of 400 that a process may have";
    assert!(told.contains(expected), "{told}");
    let ran = limited("run --out results");
    let trial = story.trial();
    ran.expect_unless_busy(0, &story.summary());
    assert_eq!(trial["workers"].as_array().unwrap().len(), 3);
    assert_eq!(count(&trial, "/clients/connected"), 600);
    assert_eq!(count(&trial, "/messages/lost"), 0);
    // One fewer is refused, with the way out.
    let few = limited("check --set run.workers=2");
    few.expect(2).says(&[
        "needs 3 workers",
        "run.workers is 2; raise it, or leave it out",
    ]);
    signal(relay.pid(), Signal::KILL);
    relay.wait();
}
