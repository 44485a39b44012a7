//! Hosts with addresses of their own: network namespaces on a bridge, with a relay on one, workers on three, and NATS and the run on
//! the machine that holds the bridge. All is gone when the script ends: it has the machine's namespaces to itself.

use std::process::Command;

use serde_json::Value;

use super::count;
use crate::nats::{left_out, program};
use crate::program::{Ran, Story, bench, only_busy};

const SCENARIO: &str = r#"
[target]
url = "http://10.77.0.2:8080"
allow_hosts = ["10.77.0.2"]
[load]
transport = "websocket"
clients = 60
channels = 6
rate = 50.0
[link]
rtt = "60ms"
[phases]
ramp = "200ms"
warm_up = "500ms"
measure = "14s"
drain = "10s"
"#;

/// A bridge, 10.77.0.1 on the machine that holds it; `host NAME ADDRESS` joins one to it.
const HUB: &str = r#"
set -e
mount -t tmpfs none /run
ip link set lo up
ip link add hub type bridge
ip addr add 10.77.0.1/24 dev hub
ip link set hub up
host() {
  ip netns add "$1"
  ip link add "to-$1" type veth peer name eth0 netns "$1"
  ip link set "to-$1" master hub up
  ip -n "$1" addr add "$2/24" dev eth0
  ip -n "$1" link set eth0 up
  ip -n "$1" link set lo up
}
"#;

/// Makes the hosts and runs a scenario among them, with something happening in the middle.
const SCRIPT: &str = r#"
host relay 10.77.0.2
for w in 1 2 3; do host "w$w" "10.77.0.1$w"; done
"$NATS" -a 10.77.0.1 -p 4222 >nats.log 2>&1 </dev/null &
ip netns exec relay "$BENCH" relay --listen 10.77.0.2:8080 --open >relay.out 2>relay.log </dev/null &
sleep 2
for w in 1 2 3; do
  ip netns exec "w$w" "$BENCH" worker --nats nats://10.77.0.1:4222 --name "w$w" >"w$w.out" 2>"w$w.log" </dev/null &
  eval "W$w=$!"
done
"$BENCH" run story.toml --out results --workers nats://10.77.0.1:4222 --expect 3 </dev/null &
RUN=$!
begun() { grep -q "a trial begins" w2.log 2>/dev/null; }
for i in $(seq 300); do if begun; then break; fi; sleep 0.1; done
begun
sleep 6
eval "$HAPPENS"
wait $RUN
"#;

/// Namespaces of all kinds that it needs, as root of them.
fn enter() -> Option<Command> {
    for ways in [&["--mount"][..], &["--user", "--map-root-user", "--mount"]] {
        let make = || {
            let mut command = Command::new("unshare");
            command.args(ways).args(["--net", "--pid", "--mount-proc"]);
            command.args(["--fork", "--kill-child", "bash", "-c"]);
            command
        };
        let look = "mount -t tmpfs none /run && ip netns add x && ip link add y type veth peer name z netns x";
        let looked = make().arg(look).output();
        if looked.is_ok_and(|output| output.status.success()) {
            return Some(make());
        }
    }
    left_out(
        "it may not make hosts here (unshare --net --mount --pid, ip netns; apt-get install iproute2)",
    );
    None
}

/// A story, and the command that makes the hub and runs a script behind it.
pub(super) fn stage(scenario: &str, script: &str) -> Option<(Command, Story)> {
    let nats = program()?;
    let mut command = enter()?;
    command
        .arg(format!("{HUB}{script}"))
        .env("NATS", nats)
        .env("BENCH", bench().get_program());
    Some((command, Story::new(scenario)))
}

/// Runs it while something happens.
fn run(happens: &str) -> Option<(Ran, Value, Story)> {
    let (mut command, story) = stage(SCENARIO, SCRIPT)?;
    let ran = story.spawn(command.env("HAPPENS", happens)).wait();
    let log = |name: &str| std::fs::read_to_string(story.folder().join(name)).unwrap_or_default();
    let all = ["nats.log", "relay.log", "w1.log", "w2.log", "w3.log"].map(log);
    assert!(
        story.results().exists(),
        "{}\n{}",
        ran.stderr,
        all.join("\n")
    );
    let trial = story.trial();
    Some((ran, trial, story))
}

#[test]
fn a_link_that_is_cut_for_five_seconds_costs_time_and_nothing_else() {
    let cut = "ip link set to-w2 down; sleep 5; ip link set to-w2 up";
    let Some((ran, trial, story)) = run(cut) else {
        return;
    };
    let reasons = trial["invalid_reasons"].as_array().unwrap();
    assert!(reasons.iter().all(only_busy), "{reasons:?}\n{}", ran.stderr);
    ran.expect_unless_busy(0, &story.summary());
    let expected = count(&trial, "/messages/expected");
    assert!(expected > 3_000, "{trial}");
    assert_eq!(count(&trial, "/messages/delivered"), expected);
    assert_eq!(count(&trial, "/clients/connected"), 60);
    let workers = trial["workers"].as_array().unwrap();
    let longest = |number: usize| count(&workers[number], "/delivery/max");
    // Only the one behind it has waited.
    assert!(longest(1) > 4_000_000_000, "{trial}");
    assert!(longest(2) < 4_000_000_000, "{trial}");
    for worker in workers {
        assert!(worker["lost"].is_null(), "{worker}");
        assert!(count(worker, "/clock/bound_ns") < 20_000_000, "{worker}");
    }
}

#[test]
fn a_host_that_dies_is_named_and_ends_the_run() {
    let Some((ran, trial, _)) = run("kill -KILL $W3") else {
        return;
    };
    let ran = ran.expect(3);
    let named = "was lost: it has given no sign of life for 10 s";
    let line = ran.stderr.lines().find(|line| line.contains(named));
    assert!(
        line.is_some_and(|line| line.contains("worker 3 (w3, process ")),
        "{}",
        ran.stderr
    );
    assert!(
        trial["invalid_reasons"].to_string().contains(named),
        "{trial}"
    );
    assert!(count(&trial, "/messages/delivered") > 500, "{trial}");
}
