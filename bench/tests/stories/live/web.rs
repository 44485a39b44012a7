//! The events that a run is followed by, and the server that gives them.

use std::fs;
use std::io::Read;
use std::net::SocketAddr;
use std::thread;
use std::time::Duration;

use rustix::process::Signal;
use serde_json::Value;

use super::viewer::{Heard, Viewer, ask, lasting};
use crate::process::signal;
use crate::program::{Running, Story, bench, free_address, wait_for};

/// Two trials without a warm-up, so that every delivery is of the measured phase.
pub(super) const SHORT: &str = r#"
title = "Short & <plain>"
[load]
clients = 4
rate = 40.0
arrivals = "constant"
[matrix]
transport = ["sse", "websocket"]
[phases]
ramp = "50ms"
warm_up = "0s"
measure = "3s"
drain = "1s"
"#;

/// Starts a run that is served on a free port; gives where.
pub(super) fn start(story: &Story, more: &[&str]) -> (Running, SocketAddr) {
    let words = [
        "run",
        "story.toml",
        "--out",
        "results",
        "--live",
        "127.0.0.1:0",
    ];
    let running = story.spawn(bench().args(words).args(more));
    let address = served(story);
    (running, address)
}

/// Where a run says that it is served.
fn served(story: &Story) -> SocketAddr {
    let mut address = None;
    assert!(wait_for(Duration::from_secs(20), || {
        let said = fs::read_to_string(story.folder().join("stderr")).unwrap();
        let url = said
            .lines()
            .find_map(|line| line.strip_prefix("live at http://"));
        address = url.and_then(|url| url.trim_end_matches('/').parse().ok());
        address.is_some()
    }));
    address.unwrap()
}

fn named<'a>(heard: &'a [Heard], name: &str) -> Vec<&'a Value> {
    let of = heard.iter().filter(|heard| heard.name == name);
    of.map(|heard| &heard.data).collect()
}

#[test]
fn every_viewer_gets_every_second_of_every_trial_and_then_the_report() {
    let story = Story::new(SHORT);
    let (running, address) = start(&story, &[]);
    let early = thread::spawn(move || Viewer::open(address, None).rest());
    // One that comes in the middle, and one that comes again after it was away.
    let mut away = Viewer::open(address, None);
    let second = std::iter::from_fn(|| away.next()).find(|heard| heard.name == "second");
    let last = second.unwrap().id;
    drop(away);
    let late = thread::spawn(move || Viewer::open(address, None).rest());
    let again = thread::spawn(move || Viewer::open(address, Some(&last)).rest());
    let heard = [early, late].map(|viewer| viewer.join().unwrap());
    let [early, late] = heard.each_ref().map(|heard| lasting(heard));
    let ran = running.wait();
    let summary = story.summary();
    let ran = ran.expect_unless_busy(0, &summary);

    assert_eq!(early, late);
    let again = lasting(&again.join().unwrap());
    assert!(!again.is_empty() && early.ends_with(&again), "{again:?}");
    assert!(again.len() < early.len());
    let trials = summary["trials"].as_array().unwrap();
    assert_eq!(trials.len(), 2);
    for (number, trial) in trials.iter().enumerate() {
        let seconds = named(&early, "second");
        let of = seconds.iter().filter(|second| second["trial"] == number);
        let delivered: u64 = of.clone().map(|s| s["delivered"].as_u64().unwrap()).sum();
        assert_eq!(trial["messages"]["delivered"], delivered);
        let published: u64 = of.clone().map(|s| s["published"].as_u64().unwrap()).sum();
        assert_eq!(trial["messages"]["published"], published);
        let at: Vec<f64> = of.map(|second| second["at"].as_f64().unwrap()).collect();
        assert!(at.len() >= 3, "{at:?}");
        assert!(
            at.iter().zip(0_u32..).all(|(at, n)| *at == f64::from(n)),
            "{at:?}"
        );
    }
    assert_eq!(named(&early, "trial").len(), 2);
    assert_eq!(named(&early, "ended").len(), 2);
    assert_eq!(named(&early, "run")[0]["title"], "Short & <plain>");
    let report = named(&early, "report");
    let kept = fs::read_to_string(story.results().join("report.html")).unwrap();
    assert_eq!(report[0]["html"], kept.as_str());
    assert_eq!(report[0]["verdict"], summary["verdict"]);
    let end = named(&early, "end");
    assert_eq!(end.len(), 1);
    assert_eq!(end[0]["exit"], ran.code.unwrap());
    assert_eq!(early.last().unwrap().name, "end");
    // Where it was while it ran is told too, and is nothing that stays.
    let now = named(&heard[0], "now");
    assert!(
        now.iter()
            .any(|now| now["doing"] == "measuring" && now["connected"] == 4)
    );
}

#[test]
fn a_viewer_that_never_reads_holds_up_nobody() {
    let story = Story::new(SHORT);
    let (running, address) = start(&story, &[]);
    let (_, deaf) = ask(address, "/events", "");
    let hearing = thread::spawn(move || Viewer::open(address, None).rest());
    let heard = hearing.join().unwrap();
    assert_eq!(heard.last().unwrap().name, "end");
    let ran = running.wait();
    let ran = ran.expect_unless_busy(0, &story.summary());
    // Two trials, and the patience with viewers at the end.
    assert!(ran.took < Duration::from_secs(25), "{:?}", ran.took);
    drop(deaf);
}

#[test]
fn one_page_too_many_is_told_so_and_a_place_is_free_again_when_one_closes() {
    let story = Story::new(SHORT);
    let (running, address) = start(&story, &[]);
    let mut pages: Vec<Viewer> = (0..bench::live::web::VIEWERS)
        .map(|_| Viewer::open(address, None))
        .collect();
    let (head, mut body) = ask(address, "/events", "Connection: close\r\n");
    assert!(head.starts_with("HTTP/1.1 503 "), "{head}");
    let mut text = String::new();
    body.read_to_string(&mut text).unwrap();
    assert!(text.contains("close one of them"), "{text}");
    pages.pop();
    assert!(wait_for(Duration::from_secs(10), || {
        ask(address, "/events", "").0.starts_with("HTTP/1.1 200 ")
    }));
    drop(pages);
    running.wait().expect_unless_busy(0, &story.summary());
}

#[test]
fn the_report_stays_until_it_is_dismissed() {
    let story = Story::new(SHORT);
    let more = [
        "--live-stay",
        "--set",
        "phases.measure=1s",
        "--set",
        "matrix.transport=[sse]",
    ];
    let (running, address) = start(&story, &more);
    let heard = Viewer::open(address, None).rest();
    assert_eq!(heard.last().unwrap().data["stays"], true);
    let kept = fs::read_to_string(story.results().join("report.html")).unwrap();
    for path in ["/", "/report/0"] {
        let (head, mut body) = ask(address, path, "Connection: close\r\n");
        assert!(head.starts_with("HTTP/1.1 200 "), "{head}");
        let mut page = String::new();
        body.read_to_string(&mut page).unwrap();
        assert_eq!(page, kept);
    }
    signal(running.pid(), Signal::INT);
    let ran = running.wait();
    // The exit code is that of the run, however long the page stayed.
    let ran = ran.expect_unless_busy(0, &story.summary());
    assert!(ran.stderr.contains("Ctrl-C ends bench"), "{}", ran.stderr);
}

#[test]
fn the_page_is_for_this_machine_unless_somebody_says_otherwise() {
    let story = Story::new(SHORT);
    let words = ["run", "story.toml", "--live", "0.0.0.0:0"];
    let refused = story.bench(&words).expect(2);
    assert!(
        refused.stderr.contains("--live-remote"),
        "{}",
        refused.stderr
    );
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let refused = story
        .bench(&["run", "story.toml", "--live", &address])
        .expect(2);
    assert!(refused.stderr.contains(&address), "{}", refused.stderr);
    assert!(!story.folder().join("results").exists(), "nothing was run");

    let (running, address) = start(&story, &[]);
    let port = address.port();
    for (host, allowed) in [
        (format!("localhost:{port}"), true),
        (format!("127.0.0.1:{port}"), true),
        (format!("[::1]:{port}"), true),
        // A name that somebody else made to lead here.
        (format!("rebound.example:{port}"), false),
        (String::new(), false),
    ] {
        let (head, _) = ask(address, "/", &format!("Host: {host}\r\n"));
        assert_eq!(head.starts_with("HTTP/1.1 200 "), allowed, "{host}: {head}");
    }
    signal(running.pid(), Signal::INT);
    running.wait();
}

#[test]
fn a_comparison_in_turns_is_followed_as_one() {
    let story = Story::new(SHORT);
    let live = free_address().to_string();
    let words = [
        "compare",
        "story.toml",
        "story.toml",
        "--live",
        &live,
        "--out",
        "results",
    ];
    let sets = [
        "--set",
        "phases.measure=1s",
        "--set",
        "matrix.transport=[sse]",
    ];
    let running = story.spawn(bench().args(words).args(sets));
    let heard = lasting(&Viewer::open(served(&story), None).rest());
    running.wait();
    let runs = named(&heard, "run");
    assert_eq!(runs.len(), 2);
    assert_eq!(runs[0]["group"], runs[1]["group"]);
    let trials = named(&heard, "trial");
    assert_eq!(
        (trials[0]["run"].as_u64(), trials[1]["run"].as_u64()),
        (Some(0), Some(1))
    );
    assert_eq!(named(&heard, "report").len(), 2);
    let end = named(&heard, "end")[0];
    assert!(end["text"].as_str().unwrap().contains("candidate"), "{end}");
}

#[test]
fn stored_runs_have_nothing_to_follow() {
    let story = Story::new(SHORT);
    let refused = story
        .bench(&["compare", "a", "b", "--live", "127.0.0.1:0"])
        .expect(2);
    assert!(
        refused.stderr.contains("nothing does"),
        "{}",
        refused.stderr
    );
}
