//! How late the publisher is at 1,000 messages a second, and what booking a delivery costs.
//!
//! Five runs of ten seconds against the bundled relay with 1,000 WebSockets connected. Lateness is
//! from due until the message is handed to its socket.

use std::process::Command;

use bench::clock::Moment;
use bench::record::{Recorder, Window};
use bench::stamp::Stamp;

use crate::rig;

const TURNS: usize = 5;
const BUDGET_US: f64 = 1000.0;

/// Gives whether the median of the 99th percentiles is within the budget.
pub(crate) fn run() -> bool {
    println!("booking a delivery: {:.0} ns", booking());
    let out = tempfile::tempdir().unwrap();
    let mut lags = Vec::new();
    for turn in 1..=TURNS {
        let lag = lag(out.path());
        println!("turn {turn}: p99 of lateness {lag:.0} µs");
        lags.push(lag);
    }
    let median = rig::median(lags);
    println!("median p99 of lateness: {median:.0} µs (budget {BUDGET_US} µs)");
    median <= BUDGET_US
}

fn lag(out: &std::path::Path) -> f64 {
    let scenario = out.join("pacing.toml");
    let text = "title = \"Pacing\"\n[load]\ntransport = \"websocket\"\nclients = 1000\nchannels = 1000\nrate = 1000.0\npublish = \"post\"\n\
        [phases]\nramp = \"1s\"\nwarm_up = \"1s\"\nmeasure = \"10s\"\n";
    std::fs::write(&scenario, text).unwrap();
    let status = Command::new(env!("CARGO_BIN_EXE_bench"))
        .args(["run", "--quiet", "--out"])
        .arg(out)
        .arg(&scenario)
        .status()
        .unwrap();
    assert!(status.success(), "{status}");
    let run = bench::result::load(&out.join("latest")).unwrap();
    run.trials[0].latency_ns.schedule_lag.unwrap().p99 as f64 / 1e3
}

fn booking() -> f64 {
    const DELIVERIES: u32 = 2_000_000;
    let now = Moment::now();
    let window = Window {
        start: now,
        measure: now,
        end: Moment(u64::MAX / 2),
    };
    let mut recorder = Recorder::new(7, window, [0; 1000]);
    let start = Moment::now();
    for number in 0..DELIVERIES {
        let stamp = Stamp {
            run: 7,
            channel: 0,
            publisher: 0,
            sequence: number / 1000,
            due: now,
        };
        recorder.deliver(number as usize % 1000, &stamp, Moment::now(), Some(now));
    }
    Moment::now().since(start) as f64 / f64::from(DELIVERIES)
}
