//! Runs that end before their time: nothing measured is lost and nothing started is left running.

use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use rustix::process::Signal;

use crate::fake::{Fake, Plan};
use crate::process::{children, is_gone, signal};
use crate::program::{Running, Story, bench, free_address, side_by_side, wait_for};

const SECONDS: fn(u64) -> Duration = Duration::from_secs;

fn long(target: &str) -> Story {
    Story::new(&format!(
        r#"
{target}
[load]
transport = "sse"
clients = 4
rate = 50.0
[phases]
ramp = "50ms"
warm_up = "0s"
measure = "30s"
drain = "1s"
"#
    ))
}

/// Waits until a run has measured something; gives the server that it started.
fn in_the_middle(running: &Running) -> u32 {
    let mut server = None;
    assert!(wait_for(SECONDS(10), || {
        server = children(running.pid()).first().copied();
        server.is_some()
    }));
    std::thread::sleep(Duration::from_millis(1800));
    server.unwrap()
}

#[test]
fn an_interrupt_ends_a_run_and_keeps_what_was_measured() {
    side_by_side([Signal::INT, Signal::TERM], |how| {
        let story = long("");
        let running = story.start();
        let relay = in_the_middle(&running);
        signal(running.pid(), how);
        let ran = running.wait().expect(4).says(&["stopping"]);
        assert!(ran.took < SECONDS(15), "{:?}", ran.took);
        assert!(is_gone(relay));
        assert_eq!(story.summary()["verdict"], "invalid");
        let trial = story.trial();
        assert!(
            trial["messages"]["delivered"].as_u64() > Some(20),
            "{trial}"
        );
        assert!(
            trial["latency_ns"]["delivery"]["count"].as_u64() > Some(20),
            "{trial}"
        );
        let reasons = trial["invalid_reasons"].to_string();
        assert!(
            reasons.contains("the run was stopped before its end"),
            "{reasons}"
        );
        assert!(story.results().join("report.html").exists());
    });
}

#[test]
fn a_second_interrupt_ends_at_once_and_leaves_no_server() {
    let fake = Fake::start(Plan::default());
    // A server that takes its time to end, and has a process of its own that does so too.
    let stubborn =
        r#"["sh", "-c", "trap '' TERM INT; f() { while :; do sleep 0.2; done; }; f & f"]"#;
    let story = long(&format!(
        "target = {{ server = \"relay\", url = \"{}\", command = {stubborn} }}",
        fake.url()
    ));
    let running = story.start();
    let server = in_the_middle(&running);
    // The script's other child is its pause, which has none.
    let mut second = None;
    assert!(wait_for(SECONDS(2), || {
        let mut own = children(server).into_iter();
        second = own.find(|child| !children(*child).is_empty());
        second.is_some()
    }));
    let second = second.unwrap();
    signal(running.pid(), Signal::INT);
    std::thread::sleep(Duration::from_millis(700));
    signal(running.pid(), Signal::INT);
    running.wait().expect(130);
    assert!(wait_for(SECONDS(2), || is_gone(server) && is_gone(second)));
}

/// A scenario whose server is started by a shell that stays: the server is a child of bench's child.
fn wrapped(address: SocketAddr) -> Story {
    let bench = bench();
    let bench = bench.get_program().to_str().unwrap();
    long(&format!(
        "target = {{ url = \"http://{address}\", command = [\"sh\", \"-c\", \"{bench} relay --listen {address} & wait\"] }}"
    ))
}

fn is_free(address: SocketAddr) -> bool {
    TcpStream::connect(address).is_err()
}

#[test]
fn a_server_behind_a_script_ends_with_the_run() {
    let address = free_address();
    let story = wrapped(address);
    let (ran, _) = story.run_calmly_with(&["--set", "phases.measure=1s"], 0);
    assert!(is_free(address));
    // It was asked to end, and was not killed in the middle of that.
    assert!(ran.took < SECONDS(10), "{:?}", ran.took);
}

#[test]
fn a_run_that_is_killed_leaves_no_relay() {
    let story = long("");
    let running = story.start();
    let relay = in_the_middle(&running);
    signal(running.pid(), Signal::KILL);
    assert_eq!(running.wait().code, None);
    assert!(wait_for(SECONDS(10), || is_gone(relay)));
}

#[test]
fn a_relay_that_dies_ends_the_run_within_seconds_and_is_reported() {
    let story = long("");
    let running = story.start();
    signal(in_the_middle(&running), Signal::KILL);
    let ran = running
        .wait()
        .expect(3)
        .says(&["lost in mid-run", "127.0.0.1:"]);
    assert!(ran.took < SECONDS(15), "{:?}", ran.took);
    assert_eq!(story.summary()["verdict"], "invalid");
    let trial = story.trial();
    assert!(
        trial["messages"]["delivered"].as_u64() > Some(20),
        "{trial}"
    );
    let reasons = trial["invalid_reasons"].to_string();
    assert!(
        reasons.contains("the server was lost in mid-run"),
        "{reasons}"
    );
}

#[test]
fn a_server_elsewhere_that_goes_away_ends_the_run_within_seconds() {
    let server = long("");
    let mut relay = bench();
    let relay = server.spawn(relay.args(["relay", "--listen", "127.0.0.1:0"]));
    let mut url = String::new();
    assert!(wait_for(SECONDS(10), || {
        let said = std::fs::read_to_string(server.folder().join("stdout")).unwrap();
        url = said.trim_start_matches("listening on ").trim().to_owned();
        said.ends_with('\n')
    }));
    let story = long(&format!("target = {{ url = \"{url}\" }}"));
    let running = story.start();
    std::thread::sleep(SECONDS(2));
    signal(relay.pid(), Signal::KILL);
    relay.wait();
    let address = url.trim_start_matches("http://");
    let ran = running.wait().expect(3).says(&["lost in mid-run", address]);
    assert!(ran.took < SECONDS(15), "{:?}", ran.took);
    assert!(story.trial()["messages"]["delivered"].as_u64() > Some(20));
}
