//! Wire bytes against the counters of an interface that nobody else uses: loopback in a network
//! namespace of its own, in which bench and the relay run.

use std::io::{self, Write};
use std::process::{Command, Stdio};

use crate::program::{Story, bench, side_by_side};
use crate::seen::ALL;

/// Root makes a namespace by right, others through a user namespace where the machine lets them.
const WAYS: [&[&str]; 2] = [&["--net"], &["--user", "--map-root-user", "--net"]];
/// Loopback as it is, and as a network card would have it: frames of 1,500 bytes, each counted.
const LOOPBACK: &str = "up";
const ETHERNET: &str = "mtu 1500 gso_max_segs 1 up";

#[test]
fn wire_bytes_agree_with_the_interface_for_every_transport() {
    let Some(way) = way(LOOPBACK) else { return };
    let said = side_by_side(ALL, |transport| agree(way, LOOPBACK, transport, "200B"));
    println!("{}", said.join("\n"));
}

#[test]
fn messages_larger_than_a_frame_agree_with_an_interface_of_small_frames() {
    let Some(way) = way(ETHERNET) else { return };
    println!("{}", agree(way, ETHERNET, r#""websocket""#, "4KiB"));
}

/// Runs a scenario beside the interface's counters; gives what both say.
fn agree(way: &[&str], link: &str, transport: &str, payload: &str) -> String {
    let story = Story::new(&format!(
        r#"
title = "Wire"
matrix = {{ transport = [{transport}] }}
phases = {{ ramp = "200ms", warm_up = "500ms", measure = "2s", drain = "2s" }}
[load]
clients = 50
channels = 5
rate = 100.0
payload = "{payload}"
poll_interval = "200ms"
"#
    ));
    let script =
        "cat /proc/net/dev; \"$0\" run story.toml --out results --quiet; cat /proc/net/dev";
    let mut command = enter(way, link, script);
    let ran = story.spawn(command.arg(bench().get_program())).wait();
    let counters: Vec<u64> = ran.stdout.lines().filter_map(received).collect();
    let [before, after] = counters[..] else {
        panic!(
            "no two looks at the interface: {} {}",
            ran.stdout, ran.stderr
        )
    };
    let trial = story.trial();
    let number = |path: &str| trial.pointer(path).unwrap().as_u64().unwrap();
    assert_eq!(number("/messages/lost"), 0, "{transport}");
    let interface = after - before;
    let reported = number("/bytes/trial_wire_sent") + number("/bytes/trial_wire_received");
    let apart = 1.0 - reported as f64 / interface as f64;
    let said = format!("{transport}: {interface} B on the interface, {reported} B reported");
    assert!(apart.abs() < 0.02, "{said}");
    // The measured phase, in which publishers are left out, is a part of it.
    let measured = number("/bytes/wire_sent") + number("/bytes/wire_received");
    assert!(
        (reported / 4..reported).contains(&measured),
        "{transport}: {measured} of {reported}"
    );
    said
}

/// How a namespace with such a link can be made here. Where it cannot, that is said past the
/// capture of tests: whoever runs them is to see it.
fn way(link: &str) -> Option<&'static [&'static str]> {
    let way = WAYS.into_iter().find(|way| {
        let mut look = enter(way, link, "cat /proc/net/dev");
        let quiet = look.stdin(Stdio::null()).stderr(Stdio::null());
        quiet.output().is_ok_and(|output| output.status.success())
    });
    if way.is_none() {
        let _ = writeln!(
            io::stderr(),
            "SKIPPED: `unshare --net` or, in it, `ip link set lo {link}` fails here, so nothing holds wire bytes against an interface"
        );
    }
    way
}

/// A shell in a namespace of its own, with its loopback set up so.
fn enter(way: &[&str], link: &str, script: &str) -> Command {
    let mut command = Command::new("unshare");
    let script = format!("ip link set lo {link} && {{ {script}; }}");
    command.args(way).args(["sh", "-c", &script]);
    command
}

/// Bytes that loopback has received, of its line in `/proc/net/dev`: all that was sent on it.
fn received(line: &str) -> Option<u64> {
    let counters = line.trim_start().strip_prefix("lo:")?;
    counters.split_ascii_whitespace().next()?.parse().ok()
}
