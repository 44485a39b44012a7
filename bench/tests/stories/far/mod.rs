//! Workers that wait at a NATS server: a run has them do what its own processes do, wherever they are.

mod faults;
mod hosts;
mod six;

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use serde_json::Value;

use crate::nats::{Nats, left_out};
use crate::program::{Ran, Running, Story, bench, only_busy, wait_for};

const SECONDS: fn(u64) -> Duration = Duration::from_secs;

/// A link that is slow enough for clocks that are known to a tenth of a millisecond only.
fn story(measure: &str) -> Story {
    Story::new(&format!(
        r#"
[load]
transport = "sse"
clients = 30
channels = 4
rate = 50.0
[link]
rtt = "60ms"
[phases]
ramp = "100ms"
warm_up = "300ms"
measure = "{measure}"
drain = "3s"
"#
    ))
}

/// A worker, in a folder of its own: it goes on until it is killed.
struct Worker {
    story: Story,
    running: Option<Running>,
}

impl Worker {
    fn start(nats: &Nats, name: &str) -> Self {
        Self::from(&mut bench(), nats, name)
    }

    fn from(command: &mut Command, nats: &Nats, name: &str) -> Self {
        let story = Story::new("");
        let flags = ["worker", "--nats", &nats.url(), "--name", name];
        let running = Some(story.spawn(command.args(flags)));
        let worker = Self { story, running };
        assert!(worker.says("waits for orders", SECONDS(20)));
        worker
    }

    fn pid(&self) -> u32 {
        self.running.as_ref().unwrap().pid()
    }

    /// Whether it says so in time.
    fn says(&self, what: &str, limit: Duration) -> bool {
        let file = self.story.folder().join("stderr");
        let said = |file: &Path| std::fs::read_to_string(file).unwrap_or_default();
        wait_for(limit, || said(&file).contains(what))
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        if let Some(mut running) = self.running.take() {
            let _ = running.process.kill();
            let _ = running.process.wait();
        }
    }
}

/// Runs a scenario with so many of them.
fn start(story: &Story, nats: &Nats, expect: &str) -> Running {
    let url = nats.url();
    let flags = ["run", "story.toml", "--out", "results"];
    let flags = flags
        .into_iter()
        .chain(["--workers", &url, "--expect", expect]);
    story.spawn(bench().args(flags))
}

fn count(value: &Value, path: &str) -> u64 {
    let found = value.pointer(path).and_then(Value::as_u64);
    found.unwrap_or_else(|| panic!("no {path} in {value}"))
}

/// What holds of a run that came to its end; gives its workers.
fn adds_up(story: &Story, ran: Ran) -> Vec<Value> {
    let trial = story.trial();
    let reasons = trial["invalid_reasons"].as_array().unwrap();
    assert!(reasons.iter().all(only_busy), "{reasons:?}\n{}", ran.stderr);
    ran.expect_unless_busy(0, &story.summary());
    let expected = count(&trial, "/messages/expected");
    assert!(expected > 200, "{trial}");
    assert_eq!(count(&trial, "/messages/delivered"), expected);
    assert_eq!(count(&trial, "/clients/connected"), 30);
    assert_eq!(count(&trial, "/latency_ns/delivery/count"), expected);
    assert_eq!(count(&trial, "/latency_ns/delivery/negative"), 0);
    let workers = trial["workers"].as_array().unwrap().clone();
    let sum = |path: &str| {
        workers
            .iter()
            .map(|worker| count(worker, path))
            .sum::<u64>()
    };
    assert_eq!(sum("/clients"), 30);
    assert_eq!(sum("/delivery/count"), expected);
    assert!(sum("/cpu_ns") > 1_000_000);
    workers
}

#[test]
fn workers_elsewhere_keep_exact_books_and_tell_their_clocks() {
    // A server that takes little at once: what is longer comes in pieces.
    let Some(nats) = Nats::start("max_payload: 2048") else {
        return;
    };
    let story = story("2s");
    let running = start(&story, &nats, "2");
    // Whoever comes later is called again.
    let workers = ["right", "left"].map(|name| Worker::start(&nats, name));
    let told = adds_up(&story, running.wait());
    let names: Vec<_> = told.iter().map(|worker| worker["name"].as_str()).collect();
    assert_eq!(names, [Some("left"), Some("right")]);
    assert_eq!(told[0]["publishes"], true);
    assert_eq!(count(&told[1], "/pid"), u64::from(workers[0].pid()));
    for worker in &told {
        // One machine, one clock: what is measured is nothing, and the bound says so.
        let (offset, bound) = (&worker["clock"]["offset_ns"], &worker["clock"]["bound_ns"]);
        let bound = bound.as_u64().unwrap();
        assert!(bound > 1_000, "{worker}");
        assert!(offset.as_i64().unwrap().unsigned_abs() <= bound, "{worker}");
    }
    let html = std::fs::read_to_string(story.results().join("report.html")).unwrap();
    assert!(html.contains("The clients were simulated by several processes"));
    assert!(html.contains("1 left (publishes)"));
    // They wait on, for the next run.
    adds_up(&story, start(&story, &nats, "2").wait());
    assert!(
        workers
            .iter()
            .all(|worker| worker.says("it is over", SECONDS(5)))
    );
}

#[test]
fn who_may_use_nats_stands_in_the_url_and_nowhere_else() {
    let Some(nats) = Nats::start("authorization { user: me, password: \"p@ssword\" }") else {
        return;
    };
    let url = nats.url().replace("nats://", "nats://me:p%40ssword@");
    let place = Story::new("");
    let running = place.spawn(bench().args(["worker", "--nats", &url, "--name", "a"]));
    let worker = Worker {
        story: place,
        running: Some(running),
    };
    assert!(worker.says("waits for orders", SECONDS(20)));
    let story = story("1s");
    let flags = ["run", "story.toml", "--out", "results", "--workers", &url];
    adds_up(
        &story,
        story
            .spawn(bench().args(flags).args(["--expect", "1"]))
            .wait(),
    );
    for entry in walk(story.folder())
        .into_iter()
        .chain(walk(worker.story.folder()))
    {
        let bytes = std::fs::read(&entry).unwrap();
        let text = String::from_utf8_lossy(&bytes);
        for secret in ["p@ssword", "p%40ssword"] {
            assert!(!text.contains(secret), "{} holds it", entry.display());
        }
    }
}

/// All files of a folder.
fn walk(folder: &Path) -> Vec<std::path::PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap().flatten();
    let paths = entries.map(|entry| entry.path());
    paths
        .flat_map(|path| {
            if path.is_dir() {
                walk(&path)
            } else {
                vec![path]
            }
        })
        .collect()
}

#[test]
fn a_clock_that_is_elsewhere_is_found_and_corrected() {
    let Some(nats) = Nats::start("") else { return };
    let ahead = || {
        let mut command = Command::new("unshare");
        command.args(["--time", "--monotonic", "1000", "--fork", "--kill-child"]);
        command
    };
    if !ahead()
        .arg("true")
        .status()
        .is_ok_and(|status| status.success())
    {
        return left_out("it may not make a time namespace here (unshare --time --monotonic)");
    }
    // Once it publishes and once it does not.
    let other = Worker::start(&nats, "m");
    for (name, number) in [("a", 0), ("z", 1)] {
        let mut command = ahead();
        let worker = Worker::from(command.arg(bench().get_program()), &nats, name);
        let story = story("2s");
        let told = adds_up(&story, start(&story, &nats, "2").wait());
        for (index, told) in told.iter().enumerate() {
            let truth = if index == number {
                1_000_000_000_000
            } else {
                0
            };
            let clock = |field: &str| told["clock"][field].as_i64().unwrap();
            let wrong = clock("offset_ns").abs_diff(truth);
            assert!(wrong <= clock("bound_ns").unsigned_abs(), "{told}");
        }
        // Half the emulated round trip at least, and no thousand seconds.
        let delivery = story.trial()["latency_ns"]["delivery"].clone();
        assert!(count(&delivery, "/min") > 29_000_000, "{delivery}");
        assert!(count(&delivery, "/p50") < 1_000_000_000, "{delivery}");
        drop(worker);
    }
    drop(other);
}

#[test]
fn another_version_is_refused_on_both_sides_with_both_named() {
    let Some(nats) = Nats::start("") else { return };
    let worker = Worker::start(&nats, "new");
    nats.speak("").publish(
        "pushmark.workers",
        r#"{"version":99,"program":"9.9.9","fleet":"f"}"#,
    );
    assert!(worker.says(
        "called by a bench 9.9.9 that speaks version 99 of the workers' messages",
        SECONDS(5)
    ));
    assert!(worker.says(
        "speaks version 3: run the same bench on both sides",
        SECONDS(5)
    ));
    drop(worker);
    let mut old = nats.speak("SUB pushmark.workers 1\r\n");
    let story = story("1s");
    let running = start(&story, &nats, "1");
    let call: Value = serde_json::from_str(&old.next()).unwrap();
    let fleet = format!("pushmark.fleet.{}", call["fleet"].as_str().unwrap());
    old.publish(
        &fleet,
        r#"{"hello":{"version":99,"program":"9.9.9","new":[]},"name":"old","worker":"w"}"#,
    );
    running.wait().expect(3).says(&[
        "worker old speaks version 99 of the workers' messages (bench 9.9.9)",
        "speaks version 3: run the same bench on both sides",
    ]);
}

#[test]
fn what_cannot_be_done_elsewhere_is_refused_with_the_way_out() {
    let Some(nats) = Nats::start("") else { return };
    // Nobody waits at a port that nobody listens at.
    let story = story("1s");
    let run = |words: &[&str]| {
        let flags = ["run", "story.toml", "--out", "results"];
        story.bench(&[&flags[..], words].concat())
    };
    let gone = format!("nats://{}", crate::program::free_address());
    run(&["--workers", &gone, "--expect", "1"])
        .expect(3)
        .says(&["cannot connect to NATS at nats://127.0.0.1:"]);
    run(&["--workers", &nats.url()])
        .expect(2)
        .says(&["--expect 4"]);
    run(&["--workers", "2", "--expect", "2"])
        .expect(2)
        .says(&["--expect is for workers at a NATS server"]);
    run(&["--workers", "two"])
        .expect(2)
        .says(&["nats://HOST:PORT"]);
}
