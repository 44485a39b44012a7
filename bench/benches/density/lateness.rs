//! How late the publisher is at 1,000 messages a second, with 10,000 clients connected.
//!
//! Runs of ten seconds against the bundled relay, by the real command. Lateness is from due until the
//! message is handed to its socket.

use std::process::Command;

use crate::figures::Figure;
use crate::rig;

const TURNS: usize = 3;
const BUDGET_US: f64 = 100.0;

pub(crate) fn run() -> Vec<Figure> {
    let out = tempfile::tempdir().unwrap();
    println!("µs from due until handed to the socket; 1,000 messages/s, 10,000 WebSockets\n");
    println!("| turn | p50 | p99 | p99.9 | max | judged |\n|---|---|---|---|---|---|");
    let lags: Vec<f64> = (1..=TURNS).map(|turn| lag(turn, out.path())).collect();
    let what = "p99 of schedule lag, 10,000 clients connected";
    vec![Figure::at_most(what, rig::median(lags), BUDGET_US, " µs")]
}

fn lag(turn: usize, out: &std::path::Path) -> f64 {
    let scenario = out.join("lateness.toml");
    let text = "title = \"Lateness\"\n[load]\ntransport = \"websocket\"\nclients = 10000\nchannels = 1000\nrate = 1000.0\npublish = \"post\"\n\
        [phases]\nramp = \"3s\"\nwarm_up = \"1s\"\nmeasure = \"10s\"\n";
    std::fs::write(&scenario, text).unwrap();
    let status = Command::new(env!("CARGO_BIN_EXE_bench"))
        .args(["run", "--quiet", "--allow-invalid", "--out"])
        .arg(out)
        .arg(&scenario)
        .stdout(std::process::Stdio::null())
        .status()
        .unwrap();
    assert!(status.success(), "{status}");
    let run = bench::result::load(&out.join("latest")).unwrap();
    let trial = &run.trials[0];
    let lag = trial.latency_ns.schedule_lag.unwrap();
    let micros = |nanos: u64| nanos as f64 / 1e3;
    let judged = if trial.valid {
        "valid".to_owned()
    } else {
        trial.invalid_reasons.join("; ")
    };
    println!(
        "| {turn} | {:.0} | {:.0} | {:.0} | {:.0} | {judged} |",
        micros(lag.p50),
        micros(lag.p99),
        lag.p99_9.map_or(f64::NAN, micros),
        micros(lag.max)
    );
    micros(lag.p99)
}
