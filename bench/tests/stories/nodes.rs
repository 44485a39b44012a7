//! Several bundled relays with NATS between them: the books of one, the cost of all, and a relay that is lost.

use std::time::Duration;

use rustix::process::Signal;
use serde_json::Value;

use crate::nats;
use crate::process::{children, is_gone, signal};
use crate::program::{Running, Story, wait_for};

const SECONDS: fn(u64) -> Duration = Duration::from_secs;

fn story(measure: &str) -> Option<Story> {
    nats::program()?;
    Some(Story::new(&format!(
        r#"
[target]
nodes = 3
[load]
clients = 60
channels = 6
rate = 60.0
publish = "post"
[matrix]
transport = ["sse", "websocket"]
[phases]
ramp = "200ms"
warm_up = "500ms"
measure = "{measure}"
drain = "2s"
"#
    )))
}

fn line(pid: u32) -> String {
    let line = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    String::from_utf8_lossy(&line).replace('\0', " ")
}

/// The processes of the server: the one that started the others, the relays, and NATS.
fn server(running: &Running) -> Option<(u32, Vec<u32>, Vec<u32>)> {
    let all = children(running.pid());
    let cluster = all
        .into_iter()
        .find(|pid| line(*pid).contains(" cluster "))?;
    let below = children(cluster);
    let (relays, others): (Vec<u32>, Vec<u32>) = below
        .into_iter()
        .partition(|pid| line(*pid).contains(" relay "));
    Some((cluster, relays, others))
}

fn up(running: &Running) -> (u32, Vec<u32>, Vec<u32>) {
    let mut found = None;
    assert!(wait_for(SECONDS(30), || {
        found = server(running);
        found
            .as_ref()
            .is_some_and(|(_, relays, others)| relays.len() == 3 && others.len() == 1)
    }));
    found.unwrap()
}

#[test]
fn three_relays_keep_the_books_of_one_and_cost_what_all_of_them_cost() {
    let Some(story) = story("2s") else { return };
    let running = story.start();
    let (cluster, relays, nats) = up(&running);
    let ran = running.wait();
    ran.expect_unless_busy(0, &story.summary());
    for trial in story.summary()["trials"].as_array().unwrap() {
        let messages = &trial["messages"];
        let expected = messages["expected"].as_u64().unwrap();
        assert!(expected > 600, "{messages}");
        assert_eq!(messages["delivered"], expected, "{messages}");
        for fault in ["lost", "duplicated", "reordered", "publish_errors"] {
            assert_eq!(messages[fault], 0, "{fault}: {messages}");
        }
        // Four processes and the one that started them: more than one relay has. What they share with other processes of the same
        // program counts in part, and with many of those beside it hardly at all.
        let resident = trial["server"]["rss_base"].as_u64().unwrap();
        assert!(resident > 12 << 20, "{resident}");
        assert!(
            trial["server"]["cpu_ns"]
                .as_u64()
                .is_some_and(|cpu| cpu > 0)
        );
    }
    for pid in relays.into_iter().chain(nats).chain([cluster]) {
        assert!(
            wait_for(SECONDS(5), || is_gone(pid)),
            "{pid} is still there"
        );
    }
}

#[test]
fn a_relay_that_is_killed_ends_the_run_and_takes_the_others_with_it() {
    let Some(story) = story("20s") else { return };
    let running = story.start();
    let (cluster, relays, nats) = up(&running);
    std::thread::sleep(SECONDS(2));
    signal(relays[1], Signal::KILL);
    let ran = running.wait().expect(3);
    assert!(ran.took < SECONDS(25), "{:?}", ran.took);
    let trials = story.summary()["trials"].clone();
    assert_eq!(trials[0]["valid"], Value::Bool(false), "{trials}");
    for pid in relays.into_iter().chain(nats).chain([cluster]) {
        assert!(
            wait_for(SECONDS(5), || is_gone(pid)),
            "{pid} is still there"
        );
    }
}
