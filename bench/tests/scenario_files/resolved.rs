//! A scenario with its defaults spelt out, which reads as the same plan.

use std::time::Duration;

use bench::scenario::{Load, Plan, Target, describe};

use crate::text;

#[test]
fn an_empty_scenario_is_the_defaults_spelled_out() {
    let plan = text("", &[]).unwrap();
    assert_eq!(plan.trials.len(), 1);
    assert_eq!(plan.trials[0].load, Load::default());
    assert_eq!(plan.trials[0].id, "websocket");
    assert_eq!(plan.target, Target::Bundled);
    let resolved = r#"title = "x"
seed = 42

[target]
server = "bundled"
tls = false
http = "1.1"

[load]
transport = "websocket"
clients = 100
channels = 1
rate = 1.0
arrivals = "poisson"
payload = "128B"
publish = "same"
publishers = 1
poll_interval = "1s"
poll = "log"
hold = "25s"
batch = 0
linger = "0s"
headers = "minimal"
origin = "same"
keep_alive = true

[link]
rtt = "0s"
jitter = "0s"
loss = 0.0
down = "unlimited"
up = "unlimited"

[phases]
ramp = "2s"
warm_up = "2s"
measure = "10s"
drain = "5s"

[run]
repeats = 1
"#;
    assert_eq!(plan.resolved, resolved);
}

#[test]
fn publishers_follow_the_channels_unless_they_are_named() {
    let plan = text("[matrix]\nchannels = [4, 40]", &[]).unwrap();
    let publishers: Vec<usize> = plan.trials.iter().map(|t| t.load.publishers).collect();
    assert_eq!(publishers, [4, 16]);
    let again = text(&plan.resolved, &[]).unwrap();
    assert_eq!(again, plan);
}

#[test]
fn events_and_a_search_are_spelt_out_and_read_again() {
    let source = r#"
[matrix]
transport = ["sse", "websocket"]
[phases]
measure = "20s"
[[events]]
at = "12s"
rate = 100.0
for = "4s"
[[events]]
at = "5s"
disconnect = 0.5
spread = "2s"
[[events]]
at = "6s"
slow = 0.25
for = "1500ms"
[[events]]
at = "8s"
freeze = "1s"
[search]
vary = "clients"
from = 100
to = 20000
while = "delivery.p99 <= 100ms and lost == 0"
budget = "10m"
[run]
repeats = 5
"#;
    let plan = text(source, &[]).unwrap_or_else(|error| panic!("{error}"));
    let again = text(&plan.resolved, &[]).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(
        Plan {
            title: plan.title.clone(),
            ..again
        },
        plan
    );
    let search = plan.search.as_ref().unwrap();
    assert_eq!(search.condition(), "delivery.p99 <= 100ms and lost == 0");
    assert_eq!(
        (search.votes, search.precision, search.whole),
        (5, 0.05, true)
    );
    let ids = |value, number| -> Vec<String> {
        let trials = search.trials_at(value, number);
        trials.into_iter().map(|trial| trial.id).collect()
    };
    assert_eq!(ids(800.0, 1), ["sse-clients-800", "websocket-clients-800"]);
    assert_eq!(
        ids(800.0, 2),
        ["sse-clients-800-r2", "websocket-clients-800-r2"]
    );
    assert_eq!(search.trials_at(800.0, 1)[0].load.clients, 800);
    // What a machine must hold is what the search may come to.
    assert!(
        plan.widest()
            .trials
            .iter()
            .all(|trial| trial.load.clients == 20_000)
    );
    assert_eq!(plan.longest_time(), Duration::from_secs(1200));
    let told = describe(&plan);
    for part in [
        "at 5s 50 % of the clients are cut, and come back within 2s",
        "at 6s 25 % of the clients stop reading for 1500ms",
        "at 8s the server is stopped for 1s",
        "at 12s the rate becomes 100 messages/s for 4s",
        "the largest clients from 100 to 20000 with delivery.p99 <= 100ms and lost == 0",
        "2 searches in about",
        "at most 20 min 0 s",
        // 16 s of one message a second, and 4 s of a hundred.
        "416",
    ] {
        assert!(told.contains(part), "{part}\n{told}");
    }
}
