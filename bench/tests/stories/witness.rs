//! A real browser beside the simulated clients: both see the same messages, and the same delays.

use std::fs;
use std::os::unix::fs::symlink;
use std::time::Duration;

use bench::witness::Programs;
use rustix::process::Signal;
use serde_json::Value;

use crate::chromium::{self, left_out};
use crate::fake::{Delay, Fake, Plan};
use crate::process::{children, is_gone, signal};
use crate::program::{Ran, Story, bench, wait_for};

const TRANSPORTS: [&str; 5] = ["polling", "long-polling", "streaming", "sse", "websocket"];

fn story(target: &str, transports: &[&str], measure: &str) -> Story {
    Story::new(&format!(
        r#"
title = "Witness"
target = {target}
matrix = {{ transport = {transports:?} }}
[load]
clients = 8
channels = 4
rate = 40.0
poll_interval = "300ms"
headers = "browser"
[phases]
ramp = "100ms"
warm_up = "200ms"
measure = "{measure}"
drain = "10s"
"#
    ))
}

fn at(server: &Fake) -> String {
    format!(r#"{{ server = "relay", url = "{}" }}"#, server.url())
}

const BUNDLED: &str = r#"{ server = "bundled" }"#;

/// Whether the calling test must be left out.
fn no_browser() -> bool {
    let missing = Programs::find().err();
    if let Some(error) = &missing {
        left_out(&error.to_string());
    }
    missing.is_some()
}

/// Runs a story beside the browser; gives what `witness.json` says of each trial.
fn witness(story: &Story) -> (Ran, Vec<Value>) {
    let ran = story.bench(&["witness", "story.toml", "--out", "results"]);
    let file = story.results().join("witness.json");
    let text = fs::read_to_string(file).unwrap_or_else(|_| panic!("{}", ran.stderr));
    let mut document: Value = serde_json::from_str(&text).unwrap();
    let trials = document["trials"].take();
    (ran, trials.as_array().unwrap().clone())
}

fn count(value: &Value) -> u64 {
    value.as_u64().unwrap_or_else(|| panic!("{value}"))
}

#[test]
fn the_browser_sees_every_message_of_each_transport_once_and_in_order() {
    if no_browser() {
        return;
    }
    let story = story(BUNDLED, &TRANSPORTS, "1500ms");
    let (ran, trials) = witness(&story);
    let ran = ran.expect_unless_busy(0, &story.summary());
    assert_eq!(trials.len(), TRANSPORTS.len(), "{}", ran.stdout);
    for trial in &trials {
        let (browser, simulated) = (&trial["browser"], &trial["simulated"]);
        // Eight clients and four subscribers are spread over four channels.
        assert!(count(&browser["expected"]) > 20, "{trial}");
        assert_eq!(
            count(&simulated["expected"]),
            2 * count(&browser["expected"])
        );
        assert_eq!(browser["delivered"], browser["expected"], "{trial}");
        for wrong in ["lost", "duplicated", "reordered"] {
            assert_eq!(browser[wrong], 0, "{trial}");
        }
        assert_eq!(trial["notes"], serde_json::json!([]), "{trial}");
        // At the least the payloads themselves, 128 bytes each.
        let bytes = &browser["bytes"];
        let payloads = 128 * count(&bytes["deliveries"]);
        assert!(count(&bytes["socket_received"]) >= payloads, "{trial}");
        assert!(count(&bytes["wire_received"]) > count(&bytes["socket_received"]));
        assert!(
            count(&trial["clock"]["bound_ns"]) < 1_000_000_000,
            "{trial}"
        );
        let name = trial["transport"].as_str().unwrap();
        assert!(ran.stdout.contains(name), "{}", ran.stdout);
        let requests = count(&browser["requests"]);
        match name {
            // Four subscribers, five intervals.
            "polling" => assert!((8..=24).contains(&requests), "{trial}"),
            "long-polling" => assert!(requests >= 10, "{trial}"),
            _ => assert_eq!(requests, 0, "{trial}"),
        }
    }
}

#[test]
fn a_delay_that_a_server_plants_moves_what_the_browser_sees_by_as_much() {
    if no_browser() {
        return;
    }
    let seen = [0, 300].map(|delay| {
        let fake = Fake::start(Plan {
            delay: Delay::Fixed(Duration::from_millis(delay)),
            pages: true,
            ..Plan::default()
        });
        let story = story(&at(&fake), &["long-polling", "sse", "websocket"], "1500ms");
        let (_, trials) = witness(&story);
        assert_eq!(trials.len(), 3);
        trials
            .iter()
            .map(|trial| {
                let millis =
                    |side: &str, which: &str| count(&trial[side]["delivery"][which]) as f64 / 1e6;
                ["simulated", "browser"].map(|side| (millis(side, "min"), millis(side, "p50")))
            })
            .collect::<Vec<_>>()
    });
    for (before, after) in seen[0].iter().zip(&seen[1]) {
        for ((quickest, _), (delayed, median)) in before.iter().zip(after) {
            // A busy machine adds to most messages, and hardly to the quickest of sixty.
            assert!((200.0..400.0).contains(&(delayed - quickest)), "{seen:?}");
            assert!(*median > 250.0, "{seen:?}");
        }
    }
}

#[test]
fn a_server_without_the_pages_code_is_named_with_what_is_missing() {
    if no_browser() {
        return;
    }
    let fake = Fake::start(Plan::default());
    let story = story(&at(&fake), &["sse"], "1s");
    let ran = story.bench(&["witness", "story.toml", "--out", "results"]);
    let _ = ran
        .expect(3)
        .says(&["the browser cannot follow by sse", "/assets/clients/sse.js"]);
}

#[test]
fn without_a_browser_it_says_how_to_install_one() {
    let story = story(BUNDLED, &["sse"], "1s");
    let empty = story.folder().join("bin");
    fs::create_dir(&empty).unwrap();
    let ran = |parts: &[&str]| {
        let mut command = bench();
        let _ = command.args(["witness", "story.toml"]).env("PATH", &empty);
        let ran = story.spawn(&mut command).wait().expect(2).says(parts);
        assert!(ran.took < Duration::from_secs(10), "{:?}", ran.took);
        assert!(!story.folder().join("results").exists());
    };
    ran(&["no Chromium", "apt-get install chromium chromium-driver"]);
    // A browser alone cannot be driven.
    symlink("/bin/true", empty.join("chromium")).unwrap();
    ran(&[
        "no chromedriver",
        "apt-get install chromium chromium-driver",
    ]);
}

#[test]
fn what_a_browser_cannot_do_is_refused_before_anything_starts() {
    let story = story(BUNDLED, &["sse"], "1s");
    for (set, part) in [
        ("link.rtt=50ms", "leave out link"),
        ("load.origin=cross", "leave out load.origin"),
    ] {
        let ran = story.bench(&["witness", "story.toml", "--set", set]);
        let _ = ran.expect(2).says(&[part]);
    }
    let ran = story.bench(&["witness", "story.toml", "--subscribers", "6"]);
    let _ = ran.expect(2).says(&["six connections to a host"]);
}

#[tokio::test]
async fn a_browser_is_driven_and_gone_with_all_it_started() {
    let Some(browser) = chromium::start().await else {
        return;
    };
    let answer = browser.client.execute("return 6 * 7;", Vec::new()).await;
    assert_eq!(answer.unwrap(), 42);
    let size =
        serde_json::json!({ "width": 400, "height": 800, "deviceScaleFactor": 1, "mobile": false });
    let command = "Emulation.setDeviceMetricsOverride";
    let _ = browser.devtools(command, size).await.unwrap();
    let width = browser.client.execute("return innerWidth;", Vec::new());
    assert_eq!(width.await.unwrap(), 400);
    let complain = browser.client.execute("console.error('ouch');", Vec::new());
    let _ = complain.await.unwrap();
    let said = browser.console().await.unwrap().concat();
    assert!(said.contains("ouch"), "{said}");
    let pid = browser.pid();
    let helpers = children(pid);
    drop(browser);
    let gone = wait_for(Duration::from_secs(20), || {
        is_gone(pid) && helpers.iter().all(|pid| is_gone(*pid))
    });
    assert!(gone, "{helpers:?}");
}

#[test]
fn however_bench_ends_it_leaves_no_browser_behind() {
    if no_browser() {
        return;
    }
    for how in [Signal::INT, Signal::KILL] {
        let story = story(BUNDLED, &["sse"], "60s");
        let mut command = bench();
        let words = ["witness", "story.toml", "--out", "results"];
        // Nobody clears up after a kill: the browser's profile then stays where it was made.
        let command = command.args(words).env("TMPDIR", story.folder());
        let mut running = story.spawn(command);
        // The browser, its driver and the relay.
        let mut started = Vec::new();
        let all = wait_for(Duration::from_secs(50), || {
            started = children(running.pid());
            started.len() >= 3
        });
        assert!(all, "{started:?}");
        let helpers: Vec<u32> = started.iter().flat_map(|pid| children(*pid)).collect();
        assert!(!helpers.is_empty());
        signal(running.pid(), how);
        if how == Signal::KILL {
            let _ = running.process.wait().unwrap();
        } else {
            let _ = running.wait();
        }
        let gone = wait_for(Duration::from_secs(20), || {
            started.iter().chain(&helpers).all(|pid| is_gone(*pid))
        });
        assert!(gone, "{how:?}: {started:?} {helpers:?}");
    }
}
