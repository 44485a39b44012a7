//! The scripts of `relay/faults` in short, so that they do not rot. What takes minutes or another user's rights is run by hand.

use std::env;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The programs of the build that this test belongs to.
fn built(name: &str) -> PathBuf {
    let tests = env::current_exe().unwrap();
    tests.ancestors().nth(2).unwrap().join(name)
}

fn left_out(script: &str, why: &str) {
    let text = format!("LEFT OUT: relay/faults/{script}: {why}");
    assert!(env::var_os("PUSHMARK_NOTHING_LEFT_OUT").is_none(), "{text}");
    // Past the harness, which would keep it to itself.
    let _ = writeln!(std::io::stderr().lock(), "{text}");
}

/// Runs a script to its good end.
fn run(script: &str, arguments: &[&str]) {
    run_with(script, arguments, &[]);
}

/// The same with more in its environment.
fn run_with(script: &str, arguments: &[&str], environment: &[(&str, &str)]) {
    let traffic = built("examples/traffic");
    if !traffic.is_file() {
        left_out(
            script,
            "examples/traffic is not built (cargo build -p relay --examples)",
        );
        return;
    }
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("faults")
        .join(script);
    let output = Command::new(path)
        .args(arguments)
        .env("RELAY", env!("CARGO_BIN_EXE_relay"))
        .env("TRAFFIC", traffic)
        // The stories of bench tell what it makes of a relay that goes away.
        .env("BENCH", "/nowhere")
        .env_remove("TLS")
        .envs(environment.iter().copied())
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    match output.status.code() {
        Some(0) => assert!(said.contains(&format!("\nPASS {script}: ")), "{said}"),
        Some(77) => left_out(script, said.trim()),
        code => panic!(
            "{code:?}\n{said}\n{}",
            String::from_utf8_lossy(&output.stderr)
        ),
    }
}

#[test]
fn a_restart_under_load_loses_nothing() {
    run("restart", &["1"]);
}

#[test]
fn a_kill_under_load_is_told_to_every_follower() {
    run("kill-relay", &["1"]);
}

#[test]
fn over_tls_a_restart_loses_nothing_and_a_kill_is_told_too() {
    run_with("restart", &["1"], &[("TLS", "1")]);
    run_with("kill-relay", &["1"], &[("TLS", "1")]);
}

#[test]
fn channels_come_and_go_and_leave_nothing() {
    run("churn", &["20000", "2"]);
}

#[test]
fn a_relay_without_descriptors_waits_for_some() {
    run("descriptors", &["2"]);
}

#[test]
fn a_full_disk_is_said_and_disturbs_nobody() {
    run("disk-full", &[]);
}

#[test]
fn relays_that_share_a_store_lose_nothing_over_cuts_and_kills() {
    run("nats", &["100"]);
}
