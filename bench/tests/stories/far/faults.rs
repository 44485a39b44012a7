//! What becomes of a run when a part of it dies: a plain verdict, and workers that wait for the next one.

use std::time::Duration;

use rustix::process::Signal;
use serde_json::{Value, json};

use super::{SECONDS, Worker, adds_up, count, start, story};
use crate::nats::Nats;
use crate::process::signal;
use crate::program::{bench, only_busy, wait_for};

/// A trial's server has started by then, the floor is measured, and messages flow.
const BEGUN: Duration = Duration::from_secs(8);

#[test]
fn a_worker_elsewhere_that_is_lost_is_named_and_the_others_wait_on() {
    let Some(nats) = Nats::start("") else { return };
    let workers = ["a", "b"].map(|name| Worker::start(&nats, name));
    let story = story("40s");
    let running = start(&story, &nats, "2");
    assert!(workers[1].says("a trial begins", SECONDS(20)));
    std::thread::sleep(BEGUN);
    signal(workers[1].pid(), Signal::KILL);
    let name = format!(
        "worker 2 (b, process {}) was lost: it has given no sign of life for 10 s",
        workers[1].pid()
    );
    let ran = running.wait().expect(3).says(&[&name]);
    assert!(ran.took < SECONDS(40), "{:?}", ran.took);
    let trial = story.trial();
    assert!(
        trial["invalid_reasons"].to_string().contains(&name),
        "{trial}"
    );
    assert!(count(&trial, "/messages/delivered") > 100, "{trial}");
    assert!(workers[0].says("it is over", SECONDS(5)));
}

#[test]
fn workers_whose_run_is_gone_notice_and_wait_for_the_next() {
    let Some(nats) = Nats::start("") else { return };
    let worker = Worker::start(&nats, "a");
    let long = story("40s");
    let running = start(&long, &nats, "1");
    assert!(worker.says("a trial begins", SECONDS(20)));
    std::thread::sleep(SECONDS(2));
    signal(running.pid(), Signal::KILL);
    assert_eq!(running.wait().code, None);
    assert!(worker.says("no word of it for 10 s", SECONDS(20)));
    let story = story("2s");
    assert_eq!(adds_up(&story, start(&story, &nats, "1").wait()).len(), 1);
}

#[test]
fn a_worker_that_never_comes_is_told_of_and_the_others_are_free() {
    let Some(nats) = Nats::start("") else { return };
    let worker = Worker::start(&nats, "a");
    let story = story("2s");
    let few = start(&story, &nats, "2").wait().expect(3);
    few.says(&["1 of 2 workers answered at nats://", "start the others"]);
    assert!(!worker.says("a trial begins", SECONDS(0)));
    adds_up(&story, start(&story, &nats, "1").wait());
}

#[test]
fn a_worker_that_does_not_tell_its_clock_is_named_and_the_others_are_let_go() {
    let Some(nats) = Nats::start("") else { return };
    let worker = Worker::start(&nats, "a");
    let mut mute = nats.speak("SUB pushmark.workers 1\r\n");
    let story = story("1s");
    let running = start(&story, &nats, "2");
    let call: Value = serde_json::from_str(&mute.next()).unwrap();
    let name = call["fleet"].as_str().unwrap();
    let fleet = format!("pushmark.fleet.{name}");
    let hello = json!({ "version": call["version"] });
    let offer = json!({ "hello": hello, "name": "mute", "worker": "m" });
    // A sign of life: its kind, whose it is, and a number.
    let number = u64::from_str_radix(name, 16).unwrap().to_le_bytes();
    let beat = [&[2], &number[..], &[0; 8]].concat();
    for _ in 0..100 {
        mute.publish(&fleet, offer.to_string());
        mute.publish(&format!("{fleet}.m"), &beat);
        std::thread::sleep(Duration::from_millis(100));
    }
    running
        .wait()
        .expect(3)
        .says(&["worker mute does not tell its clock"]);
    // By itself it would notice after 10 s.
    assert!(worker.says("it is over", SECONDS(5)));
}

#[test]
fn a_run_that_is_stopped_lets_its_workers_go_at_once() {
    let Some(nats) = Nats::start("") else { return };
    let worker = Worker::start(&nats, "a");
    let story = story("40s");
    let running = start(&story, &nats, "1");
    assert!(worker.says("a trial begins", SECONDS(20)));
    std::thread::sleep(BEGUN);
    signal(running.pid(), Signal::INT);
    running.wait().expect(4).says(&["stopping"]);
    assert!(worker.says("it is over", SECONDS(5)));
    let reasons = story.trial()["invalid_reasons"].to_string();
    assert!(reasons.contains("the run was stopped before its end"));
}

#[test]
fn a_nats_server_that_is_away_for_long_ends_the_run_and_workers_come_back_to_it() {
    let Some(mut nats) = Nats::start("") else {
        return;
    };
    let workers = ["a", "b"].map(|name| Worker::start(&nats, name));
    let long = story("40s");
    let running = start(&long, &nats, "2");
    assert!(workers[1].says("a trial begins", SECONDS(20)));
    std::thread::sleep(BEGUN);
    nats.restart(SECONDS(13));
    let ran = running.wait().expect(3);
    let ran = ran.says(&["was lost: it has given no sign of life for 10 s"]);
    assert!(ran.took < SECONDS(40), "{:?}", ran.took);
    let workers_told = long.trial()["workers"].clone();
    for worker in workers_told.as_array().unwrap() {
        assert!(worker["lost"].is_string(), "{worker}");
    }
    assert!(
        workers
            .iter()
            .all(|worker| worker.says("no word of it for 10 s", SECONDS(10)))
    );
    let story = story("2s");
    assert_eq!(adds_up(&story, start(&story, &nats, "2").wait()).len(), 2);
}

#[test]
fn a_nats_server_that_is_restarted_again_and_again_loses_nothing() {
    let Some(mut nats) = Nats::start("") else {
        return;
    };
    let workers = ["a", "b"].map(|name| Worker::start(&nats, name));
    let story = story("10s");
    let running = start(&story, &nats, "2");
    assert!(workers[1].says("a trial begins", SECONDS(20)));
    std::thread::sleep(SECONDS(3));
    // What is on its way through the server is gone each time, and said again.
    for away in [0, 1, 0] {
        nats.restart(SECONDS(away));
        std::thread::sleep(SECONDS(1));
    }
    assert_eq!(adds_up(&story, running.wait()).len(), 2);
}

#[test]
fn runs_that_share_their_workers_wait_for_each_other() {
    let Some(nats) = Nats::start("") else { return };
    let workers = ["a", "b"].map(|name| Worker::start(&nats, name));
    let stories = ["3s", "2s", "1s"].map(story);
    let url = nats.url();
    let flags = [
        "run",
        "story.toml",
        "--out",
        "results",
        "--set",
        "run.repeats=2",
    ];
    let shared = ["--workers", &url, "--expect", "2"];
    let running = stories
        .each_ref()
        .map(|story| story.spawn(bench().args(flags).args(shared)));
    let mut waited = 0;
    for (story, running) in stories.iter().zip(running) {
        let ran = running.wait();
        waited += usize::from(ran.stderr.contains("its workers are with another run"));
        let trials = story.summary()["trials"].as_array().unwrap().clone();
        assert_eq!(trials.len(), 2, "{}", ran.stderr);
        for trial in trials {
            let doubts = trial["invalid_reasons"].as_array().unwrap();
            assert!(doubts.iter().all(only_busy), "{doubts:?}");
            let messages = &trial["messages"];
            assert_eq!(messages["delivered"], messages["expected"], "{messages}");
        }
    }
    assert!(waited >= 2, "{waited}");
    drop(workers);
}

#[test]
fn a_run_that_needs_more_workers_than_there_are_holds_nobody_up_for_long() {
    let Some(nats) = Nats::start("") else { return };
    let workers = ["a", "b"].map(|name| Worker::start(&nats, name));
    let (greedy, modest) = (story("1s"), story("1s"));
    let first = start(&greedy, &nats, "3");
    std::thread::sleep(SECONDS(1));
    let second = start(&modest, &nats, "2");
    let told = "2 of 3 workers answered at nats://";
    let _ = first.wait().expect(3).says(&[told, "start the others"]);
    assert_eq!(adds_up(&modest, second.wait()).len(), 2);
    drop(workers);
}

#[test]
fn nothing_is_started_for_a_run_that_waits_and_a_stop_ends_its_wait() {
    let Some(nats) = Nats::start("") else { return };
    let worker = Worker::start(&nats, "a");
    let (long, waiting) = (story("40s"), story("1s"));
    let busy = start(&long, &nats, "1");
    assert!(worker.says("a trial begins", SECONDS(20)));
    // A server that could not start.
    let url = nats.url();
    let flags = [
        "run",
        "story.toml",
        "--out",
        "results",
        "--set",
        "target.command=[\"false\"]",
    ];
    let place = [
        "--set",
        "target.url=http://127.0.0.1:9",
        "--workers",
        &url,
        "--expect",
        "1",
    ];
    let second = waiting.spawn(bench().args(flags).args(place));
    let file = waiting.folder().join("stderr");
    let told = || std::fs::read_to_string(&file).unwrap_or_default();
    let waits = || told().contains("its workers are with another run");
    assert!(wait_for(SECONDS(20), waits), "{}", told());
    signal(second.pid(), Signal::INT);
    let ran = second.wait();
    assert!(ran.took < SECONDS(25), "{:?}", ran.took);
    assert!(!ran.stderr.contains("false"), "{}", ran.stderr);
    signal(busy.pid(), Signal::INT);
    let _ = busy.wait().expect(4);
    // Now there is nothing to wait for, and the worker is let go when the server does not start.
    let _ = waiting
        .spawn(bench().args(flags).args(place))
        .wait()
        .expect(3)
        .says(&["false"]);
    let next = story("1s");
    adds_up(&next, start(&next, &nats, "1").wait());
    assert!(!worker.says("no word of it", SECONDS(0)));
}
