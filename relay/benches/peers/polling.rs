//! What a poll costs that finds nothing, beside nginx with 200 bytes that are always the same.

use std::process::Command;

use crate::rig::median;
use crate::servers::{Kind, Peer};
use crate::swarm::{begin, head as position};
use crate::table::{head, verdict};

const CONNECTIONS: &str = "1000";
const SECONDS: &str = "3s";
const ROUNDS: usize = 5;
const BUDGET: f64 = 1.1;

/// Runs wrk, which inherits the core of the client, and gives requests a second and the server's microseconds a request.
pub(crate) fn wrk(peer: &Peer, path: &str, more: &[&str]) -> (f64, f64) {
    let url = format!("http://{}{path}", peer.address);
    let before = peer.cpu();
    let out = Command::new("wrk")
        .args(["-t1", "-d", SECONDS])
        .args(more)
        .arg(url)
        .output()
        .expect("wrk starts");
    let cpu = peer.cpu() - before;
    let text = String::from_utf8_lossy(&out.stdout).into_owned();
    assert!(!text.contains("Non-2xx"), "{text}");
    let number =
        |line: &str, at: usize| -> Option<f64> { line.split_whitespace().nth(at)?.parse().ok() };
    let requests = text
        .lines()
        .find(|line| line.contains(" requests in "))
        .and_then(|line| number(line, 0));
    let rate = text
        .lines()
        .find(|line| line.contains("Requests/sec:"))
        .and_then(|line| number(line, 1));
    let (Some(requests), Some(rate)) = (requests, rate) else {
        panic!("wrk says: {text}");
    };
    (rate, cpu as f64 / 1000.0 / requests)
}

pub(crate) fn measure() -> bool {
    println!(
        "keep-alive GET by wrk -t1 -c{CONNECTIONS}; median of {ROUNDS} rounds of {SECONDS}, taking turns"
    );
    let (Some(relay), Some(nginx)) = (Peer::start(Kind::Relay), Peer::start(Kind::Nchan)) else {
        return false;
    };
    begin(&relay, "bench");
    let [path, unwritten] = ["bench", "unwritten"].map(|channel| {
        format!(
            "/channels/{channel}/messages?after={}",
            position(&relay, channel)
        )
    });
    let rows = [
        ("relay, an empty poll (204)", &relay, path.as_str()),
        // The relay keeps nothing of such a channel, and makes it anew for each poll.
        (
            "relay, the same where nobody has published",
            &relay,
            unwritten.as_str(),
        ),
        ("nginx, a file of 200 bytes", &nginx, "/small"),
        ("nginx, 200 bytes of its configuration", &nginx, "/answer"),
    ];
    let mut found: Vec<Vec<(f64, f64)>> = rows.iter().map(|_| Vec::new()).collect();
    for _ in 0..ROUNDS {
        for ((_, peer, path), found) in rows.iter().zip(&mut found) {
            found.push(wrk(peer, path, &["-c", CONNECTIONS]));
        }
    }
    head(&["server", "requests/s", "server us/request", "relay / it"]);
    let cost = |row: usize| median(found[row].iter().map(|(_, cost)| *cost).collect());
    let ratio = |row: usize| {
        let pairs = found[0].iter().zip(&found[row]);
        median(
            pairs
                .map(|((_, relay), (_, other))| relay / other)
                .collect(),
        )
    };
    for (row, (name, _, _)) in rows.iter().enumerate() {
        let rate = median(found[row].iter().map(|(rate, _)| *rate).collect());
        println!(
            "| {name} | {rate:.0} | {:.2} | {:.2} |",
            cost(row),
            ratio(row)
        );
    }
    let file = verdict(
        ratio(2) <= BUDGET,
        &format!("CPU per empty poll at most {BUDGET} times that of nginx with a file"),
    );
    verdict(
        ratio(3) <= BUDGET,
        &format!(
            "CPU per empty poll at most {BUDGET} times that of nginx with a text of its configuration"
        ),
    ) && file
}
