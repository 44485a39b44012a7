//! A deployment of six hosts, each with an address of its own: NATS, two relays that share their logs through it, and three workers,
//! which NATS serves, too. In one run a relay is killed, NATS is killed and started again, and the link of the other relay is cut.

use std::time::Duration;

use serde_json::Value;

use super::hosts::stage;
use super::{SECONDS, count};
use crate::program::{Ran, Story, only_busy};

/// What happens takes some twelve seconds, and there is as much to spare for a busy machine.
const SCENARIO: &str = r#"
[target]
server = "relay"
url = "http://10.77.0.3:8080"
also = ["http://10.77.0.4:8080"]
allow_hosts = ["10.77.0.3", "10.77.0.4"]
[load]
transport = "websocket"
clients = 60
channels = 6
rate = 40.0
[link]
rtt = "60ms"
[phases]
ramp = "200ms"
warm_up = "500ms"
measure = "24s"
drain = "20s"
"#;

/// How long all of it may take: some 40 s by itself.
const LIMIT: Duration = Duration::from_secs(150);

/// Each step waits for what it is to bring about. `faults` tells what came of each, with the time that it took.
const SCRIPT: &str = r#"
host nats 10.77.0.2
host one 10.77.0.3
host two 10.77.0.4
for w in 1 2 3; do host "w$w" "10.77.0.1$w"; done

until_true() { # SECONDS COMMAND...
  local end=$((SECONDS + $1)) what="$*"
  shift
  until "$@"; do
    [ "$SECONDS" -lt "$end" ] || { echo "never: $what" >&2; exit 70; }
    sleep 0.1
  done
}
now() { echo $(($(date +%s%N) / 1000000)); }
nats() {
  ip netns exec nats "$NATS" -a 10.77.0.2 -p 4222 -js -sd "$PWD/js" >>nats.log 2>&1 </dev/null &
  NATS_PID=$!
}
relay() { # NAME ADDRESS
  ip netns exec "$1" "$BENCH" relay --listen "$2:8080" --open --store nats://10.77.0.2:4222 --store-timeout 30s \
    --request-rate-per-address 0 >"$1.out" 2>"$1.log" </dev/null &
}
stats() { # ADDRESS
  (exec 9<>"/dev/tcp/$1/8080" && printf 'GET /stats HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n' "$1" >&9 && timeout 5 cat <&9) 2>/dev/null
}
listens() { grep -q "^listening on" "$1.out" 2>/dev/null; }
says() { grep -q "$2" "$1.log" 2>/dev/null; }
has() { [[ $(stats "$1") == *"$2"* ]]; }
sockets() { stats "$1" | sed -n 's/.*"websocket":\([0-9]*\).*/\1/p'; }
serves() { [ "$(sockets "$1" || true)" -ge "$2" ] 2>/dev/null; }
not() { ! "$@"; }
going() { kill -0 "$RUN" 2>/dev/null; }

nats
until_true 20 says nats "Server is ready"
relay one 10.77.0.3
ONE=$!
relay two 10.77.0.4
for name in one two; do until_true 30 listens $name; done
for w in 1 2 3; do
  ip netns exec "w$w" "$BENCH" worker --nats nats://10.77.0.2:4222 --name "w$w" >"w$w.out" 2>"w$w.log" </dev/null &
done
for w in 1 2 3; do until_true 20 says "w$w" "waits for orders"; done
"$BENCH" run story.toml --out results --workers nats://10.77.0.2:4222 --expect 3 </dev/null &
RUN=$!
both() { serves 10.77.0.3 30 && serves 10.77.0.4 30; }
until_true 30 both
sleep 2
# Those of the publishers among them.
ALL=$(($(sockets 10.77.0.3) + $(sockets 10.77.0.4)))

began=$(now)
kill -KILL $ONE
until_true 20 serves 10.77.0.4 $ALL
echo "moved $(($(now) - began)) ms, $ALL sockets" >>faults

began=$(now)
kill -KILL $NATS_PID
until_true 10 has 10.77.0.4 '"connected":false'
sleep 2
nats
until_true 20 has 10.77.0.4 '"connected":true'
going && echo "restarted $(($(now) - began)) ms" >>faults
sleep 1

began=$(now)
ip link set to-two down
sleep 5
ip link set to-two up
until_true 20 has 10.77.0.4 '"connected":true'
going && echo "cut $(($(now) - began)) ms" >>faults

CODE=0
wait $RUN || CODE=$?
cat /proc/[0-9]*/comm >left
exit $CODE
"#;

/// What was said on all hosts.
fn logs(story: &Story) -> String {
    let all = ["nats", "one", "two", "w1", "w2", "w3"].map(|name| {
        let log = std::fs::read_to_string(story.folder().join(format!("{name}.log")));
        let log = log.unwrap_or_default();
        let lines: Vec<&str> = log.lines().collect();
        let end = lines[lines.len().saturating_sub(12)..].join("\n");
        format!("-- {name}, its end\n{end}")
    });
    all.join("\n")
}

fn run() -> Option<(Ran, Story)> {
    let (mut command, story) = stage(SCENARIO, SCRIPT)?;
    let ran = story.spawn(&mut command).wait_for(LIMIT);
    Some((ran, story))
}

/// Whether a reason for doubt is what the faults may bring about, or a busy machine: messages that were with the killed relay had no
/// answer, a publisher that dials in the middle of its schedule is late, and a link that is cut near the end makes that slow.
fn explained(reason: &Value) -> bool {
    let text = reason.as_str().unwrap();
    only_busy(reason)
        || text.contains("planned messages were published")
        || text.starts_with("no steady state")
}

#[test]
fn a_relay_killed_nats_restarted_and_a_link_cut_lose_nothing_that_was_acknowledged() {
    let Some((ran, story)) = run() else { return };
    let faults = std::fs::read_to_string(story.folder().join("faults")).unwrap_or_default();
    let said = format!("{faults}\n{}\n{}", ran.stderr, logs(&story));
    for fault in ["moved ", "restarted ", "cut "] {
        assert!(faults.contains(fault), "no \"{fault}\" in the run:\n{said}");
    }
    let trial = story.trial();
    let reasons = trial["invalid_reasons"].as_array().unwrap();
    assert!(reasons.iter().all(explained), "{reasons:?}\n{said}");
    let ran = ran.expect(if reasons.is_empty() { 0 } else { 4 });
    // Nobody missed a message that was acknowledged, and so nobody was told of one.
    let messages = &trial["messages"];
    assert!(count(messages, "/expected") > 7_000, "{messages}\n{said}");
    assert_eq!(
        messages["delivered"], messages["expected"],
        "{messages}\n{said}"
    );
    for none in ["lost", "duplicated", "missed_reports"] {
        assert_eq!(messages[none], 0, "{none}: {messages}\n{said}");
    }
    // What was not acknowledged is told: each message that is not in the books is an error with its reason.
    let (planned, published) = (count(messages, "/planned"), count(messages, "/published"));
    assert_eq!(planned - published, count(messages, "/publish_errors"));
    // One that the killed relay had on its way to NATS may come after the next, which went by the other relay.
    let late = count(messages, "/reordered");
    assert!(late <= (planned - published) * 10, "{messages}\n{said}");
    let warnings = trial["warnings"].to_string();
    assert!(
        planned == published || warnings.contains("publishing: "),
        "{messages} {warnings}"
    );
    // The clients of the killed relay went to the other; why is told.
    assert!(count(&trial, "/clients/reconnects") >= 30, "{trial}");
    assert_eq!(count(&trial, "/clients/connected"), 60);
    assert!(warnings.contains("connection"), "{warnings}");
    // Those behind the cut link waited for it.
    assert!(
        count(&trial, "/latency_ns/delivery/max") > 4_000_000_000,
        "{trial}"
    );
    // The books of the workers came over the NATS server that was killed.
    let workers = trial["workers"].as_array().unwrap();
    assert_eq!(workers.len(), 3);
    for worker in workers {
        assert!(worker["lost"].is_null(), "{worker}\n{said}");
        assert_eq!(count(worker, "/clients"), 20);
    }
    // Three workers and a relay go on; the run and what it started are gone.
    let left = std::fs::read_to_string(story.folder().join("left")).unwrap();
    let number = |name: &str| left.lines().filter(|line| *line == name).count();
    assert_eq!((number("bench"), number("nats-server")), (4, 1), "{left}");
    assert!(ran.took < LIMIT - SECONDS(30), "{:?}", ran.took);
}
