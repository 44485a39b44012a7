//! The scenarios that come with the project, and what `--set` makes of a scenario.

#![expect(
    clippy::panic,
    reason = "a test fails by panicking, in its helpers too"
)]

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use bench::result::metric;
use bench::scenario::{
    Factor, Headers, Load, Plan, ScenarioError, Target, Transport, describe, read, read_text,
};

fn known() -> Vec<&'static str> {
    metric::names().collect()
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../scenarios")
}

fn owned(sets: &[&str]) -> Vec<String> {
    sets.iter().map(ToString::to_string).collect()
}

fn shipped(name: &str, sets: &[&str]) -> Plan {
    read(&folder().join(name), &owned(sets), &known()).unwrap_or_else(|error| panic!("{error}"))
}

fn text(text: &str, sets: &[&str]) -> Result<Plan, ScenarioError> {
    read_text(text, Path::new("x.toml"), &owned(sets), &known())
}

#[test]
fn every_shipped_scenario_asks_a_question_and_tells_its_duration() {
    let mut names = Vec::new();
    for entry in fs::read_dir(folder()).unwrap() {
        let file = entry.unwrap().path();
        let source = fs::read_to_string(&file).unwrap();
        let mut comment = source.lines().take_while(|line| line.starts_with('#'));
        assert!(
            comment.any(|line| line.contains('?')),
            "{}: begin with a comment that asks the question",
            file.display()
        );
        let plan = read(&file, &[], &known()).unwrap_or_else(|error| panic!("{error}"));
        let told = describe(&plan);
        assert!(
            told.contains("trials in about ") || told.contains(" searches in about "),
            "{told}"
        );
        assert!(told.contains(&plan.title), "{told}");
        let again = read_text(&plan.resolved, &file, &[], &known())
            .unwrap_or_else(|error| panic!("{error}\n{}", plan.resolved));
        assert_eq!(again, plan, "{}", file.display());
        names.push(plan.name);
    }
    names.sort();
    assert_eq!(
        names,
        [
            "abril-2017",
            "bozdag-2007",
            "bozdag-2007-push",
            "chat",
            "compare",
            "crossover",
            "fan-out",
            "idle-2026",
            "lubbers-2010",
            "regression",
            "scale",
            "shootout-2016",
            "smoke",
            "storm"
        ]
    );
}

#[test]
fn the_main_job_takes_less_than_three_minutes_and_the_smoke_test_ten_seconds() {
    let compare = shipped("compare.toml", &[]);
    assert!(compare.longest_time() < Duration::from_secs(180));
    assert_eq!(compare.trials.len(), 5);
    let smoke = shipped("smoke.toml", &[]);
    assert!(smoke.longest_time() < Duration::from_secs(13));
    assert!(smoke.expected_time() <= Duration::from_secs(10));
}

#[test]
fn the_budget_of_eight_thousand_clients_is_in_scale() {
    let scale = shipped("scale.toml", &[]);
    let loads: Vec<&Load> = scale.trials.iter().map(|trial| &trial.load).collect();
    let largest = loads.iter().filter(|load| load.clients == 8_000);
    let largest: Vec<_> = largest.collect();
    assert_eq!(largest.len(), 5);
    assert!(largest.iter().all(|load| load.channels == 80));
    assert!(largest.iter().all(|load| (load.rate - 80.0).abs() < 1e-9));
    assert_eq!(scale.trials[0].id, "polling-clients-100");
    assert_eq!(scale.trials[4].id, "websocket-clients-100");
    assert_eq!(scale.trials[5].id, "polling-clients-1000");
}

#[test]
fn the_crossover_takes_less_than_ten_minutes_and_pushes_once_a_rate() {
    let plan = shipped("crossover.toml", &[]);
    assert!(plan.longest_time() < Duration::from_secs(600));
    let of = |transport| {
        let trials = plan.trials.iter();
        trials
            .filter(move |t| t.load.transport == transport)
            .count()
    };
    assert_eq!(of(Transport::Polling), 20);
    assert_eq!(of(Transport::Websocket), 5);
}

#[test]
fn a_list_varies_only_the_transports_that_it_concerns() {
    let plan = text(
        "[matrix]\ntransport = [\"polling\", \"long-polling\", \"sse\"]\nrate = [1, 2]\n\
         poll_interval = [\"1s\", \"2s\"]\nhold = [\"5s\", \"25s\"]",
        &[],
    )
    .unwrap();
    let ids: Vec<&str> = plan.trials.iter().map(|t| t.id.as_str()).collect();
    assert_eq!(
        ids,
        [
            "polling-rate-1-poll-interval-1s",
            "polling-rate-1-poll-interval-2s",
            "polling-rate-2-poll-interval-1s",
            "polling-rate-2-poll-interval-2s",
            "long-polling-rate-1-hold-5s",
            "long-polling-rate-1-hold-25s",
            "long-polling-rate-2-hold-5s",
            "long-polling-rate-2-hold-25s",
            "sse-rate-1",
            "sse-rate-2",
        ]
    );
    assert!(!plan.trials[8].factors.contains_key("poll_interval"));
    // All that have one rate see the same messages.
    let seeds = |rate: f64| -> Vec<u64> {
        let trials = plan
            .trials
            .iter()
            .filter(|t| t.load.rate.total_cmp(&rate).is_eq());
        trials.map(|t| t.seed).collect()
    };
    assert_eq!(seeds(1.0).len(), 5);
    assert!(seeds(1.0).iter().all(|seed| *seed == seeds(1.0)[0]));
    assert_ne!(seeds(1.0)[0], seeds(2.0)[0]);
    assert_eq!(text(&plan.resolved, &[]).unwrap(), plan);
}

#[test]
fn the_published_table_stands_beside_ours() {
    let plan = shipped("lubbers-2010.toml", &[]);
    assert_eq!(plan.trials[0].load.headers, Headers::PadExchangeTo(871));
    let values: Vec<f64> = plan.published.iter().map(|figure| figure.value).collect();
    assert_eq!(values, [871_000.0, 2_000.0]);
}

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
fn all_transports_see_the_same_schedule() {
    let plan = shipped("scale.toml", &["matrix.clients=[10, 20]"]);
    let seeds: Vec<u64> = plan.trials.iter().map(|trial| trial.seed).collect();
    assert!(seeds[..5].iter().all(|seed| *seed == seeds[0]));
    assert!(seeds[5..].iter().all(|seed| *seed == seeds[5]));
    assert_ne!(seeds[0], seeds[5]);
    let other = shipped("scale.toml", &["matrix.clients=[10, 20]", "seed=7"]);
    assert_ne!(other.trials[0].seed, seeds[0]);
}

#[test]
fn moving_a_line_of_the_matrix_changes_the_order_of_trials_and_nothing_else() {
    let one = text("[matrix]\nclients = [10, 20]\nrate = [1, 2]", &[]).unwrap();
    let other = text("[matrix]\nrate = [1, 2]\nclients = [10, 20]", &[]).unwrap();
    assert_eq!(one.trials[1].id, "websocket-clients-10-rate-2");
    assert_eq!(other.trials[2].id, "websocket-rate-2-clients-10");
    assert_eq!(one.trials[1].factors, other.trials[2].factors);
    assert_eq!(one.trials[1].seed, other.trials[2].seed);
}

#[test]
fn a_set_changes_one_value() {
    let source = "[load]\nclients = 10\n[matrix]\nrate = [1, 2]\n[phases]\nmeasure = \"20s\"";
    let check = |set: &str, holds: fn(&Plan) -> bool| {
        let plan = text(source, &[set]).unwrap_or_else(|error| panic!("{error}"));
        assert!(holds(&plan), "{set}: {plan:#?}");
    };
    check("load.clients=200", |plan| {
        plan.trials[1].load.clients == 200
    });
    check("load.payload=256B", |plan| {
        plan.trials[0].load.payload == 256
    });
    check("load.payload = \"1KiB\"", |plan| {
        plan.trials[0].load.payload == 1024
    });
    check("matrix.clients=[10,20]", |plan| plan.trials.len() == 4);
    check("matrix.transport=[sse, polling]", |plan| {
        plan.trials[1].load.transport == Transport::Polling
    });
    check("phases.measure=5s", |plan| {
        plan.phases.measure == Duration::from_secs(5)
    });
    check(
        "target.url=http://localhost:8080/",
        |plan| matches!(&plan.target, Target::Relay { url, .. } if url == "http://localhost:8080"),
    );
    check("seed=7", |plan| plan.seed == 7);
    check("title=Two words", |plan| plan.title == "Two words");
    check("title=2024", |plan| plan.title == "2024");
    check("load.headers={pad_to = 871}", |plan| {
        plan.trials[0].load.headers == Headers::PadTo(871)
    });
    check("gate.\"* lost\"=<= 5%", |plan| {
        plan.gates[0].text == "* lost <= 5%"
    });
    // A key set in [load] takes the place of the same key of [matrix].
    check("load.rate=5", |plan| {
        plan.trials.len() == 1 && !plan.trials[0].factors.contains_key("rate")
    });
}

#[test]
fn a_transport_set_aside_takes_its_gates_along() {
    let all = shipped("compare.toml", &[]);
    let one = shipped("compare.toml", &["load.transport=websocket"]);
    let rules: Vec<&str> = one.gates.iter().map(|gate| gate.text.as_str()).collect();
    assert_eq!(all.gates.len(), 8);
    assert_eq!(rules.len(), 4);
    assert_eq!(rules[3], "websocket delivery.p99 <= 250ms");
    assert_eq!(text(&one.resolved, &[]).unwrap().gates, one.gates);
}

#[test]
fn spans_and_sizes_are_factors_in_nanoseconds_and_bytes() {
    let plan = text(
        "[matrix]\npoll_interval = [\"250ms\"]\npayload = [\"1KiB\"]\nheaders = [{ pad_to = 871 }]\nrate = [0.5]",
        &[],
    )
    .unwrap();
    let trial = &plan.trials[0];
    assert_eq!(
        trial.id,
        "websocket-poll-interval-250ms-payload-1kib-headers-pad-to-871-rate-0.5"
    );
    assert_eq!(trial.factors["poll_interval"], Factor::Number(2.5e8));
    assert_eq!(trial.factors["payload"], Factor::Number(1024.0));
    assert_eq!(
        trial.factors["transport"],
        Factor::Text("websocket".to_owned())
    );
    assert_eq!(trial.factors.len(), 5);
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
fn a_plan_is_told_in_a_table() {
    let sets = [
        "target.url=http://127.0.0.1:8080",
        "target.pid=4242",
        "matrix.transport=[sse,websocket]",
        "load.rate=0.5",
        "load.payload=100KiB",
    ];
    let plan = shipped("chat.toml", &sets[..3]);
    let told = describe(&plan);
    let (_, told) = told.split_once("\n  target").unwrap();
    assert!(told.starts_with("  http://127.0.0.1:8080, process 4242 watched\n"));
    let expected = "\
  phases  ramp 3s, warm-up 3s, measure 20s, drain at most 5s
  seed    42
  clients headers = \"browser\"

  trial      transport  clients  channels  messages/s  payload  messages  deliveries  descriptors
  sse        sse          1,000       200          50     256B     1,000       5,000        1,080
  websocket  websocket    1,000       200          50     256B     1,000       5,000        1,264
";
    assert!(told.contains(expected), "{told}");
    let told = describe(&shipped("smoke.toml", &sets[2..]));
    assert!(
        told.ends_with(
            "note: a relay refuses payloads over 64KiB unless its limit is raised\n\
             2 trials in about 4 s, at most 5 s\n"
        ),
        "{told}"
    );
}

#[test]
fn a_plan_tells_the_link_that_all_its_trials_share() {
    let told = describe(&text("[link]\npreset = \"4g\"\nloss = 0.02", &[]).unwrap());
    let link = "\n  link    rtt 60ms, jitter 15ms, loss 0.02, down 9Mbit, up 1500kbit, emulated for each subscriber\n";
    assert!(told.contains(link), "{told}");
    for other in ["", "[matrix]\npreset = [\"none\", \"4g\"]"] {
        let told = describe(&text(other, &[]).unwrap());
        assert!(!told.contains("  link "), "{told}");
    }
}

#[test]
fn repeats_run_every_combination_once_in_an_order_of_their_own() {
    let scenario =
        "[matrix]\ntransport = [\"polling\", \"sse\", \"websocket\"]\nclients = [1, 2, 3]\n";
    let once = text(scenario, &[]).unwrap();
    let plan = text(scenario, &["run.repeats=4"]).unwrap();
    assert_eq!(plan.trials.len(), 4 * once.trials.len());
    let mut orders = Vec::new();
    for (index, round) in plan.trials.chunks(once.trials.len()).enumerate() {
        let repeat = u32::try_from(index).unwrap() + 1;
        assert!(round.iter().all(|trial| trial.repeat == repeat));
        let names = round
            .iter()
            .map(|trial| trial.id.trim_end_matches(&format!("-r{repeat}")));
        let order: Vec<&str> = names.collect();
        let mut sorted = order.clone();
        sorted.sort_unstable();
        let mut all: Vec<&str> = once.trials.iter().map(|trial| trial.id.as_str()).collect();
        all.sort_unstable();
        assert_eq!(sorted, all);
        orders.push(order.join(" "));
        // The transports of one repeat meet the same load; the next repeat meets another.
        let seeds = |clients| {
            let of = round
                .iter()
                .filter(move |trial| trial.load.clients == clients);
            of.map(|trial| trial.seed)
                .collect::<std::collections::BTreeSet<u64>>()
        };
        assert_eq!(seeds(1).len(), 1);
        assert!(
            plan.trials
                .iter()
                .filter(|trial| seeds(1).contains(&trial.seed))
                .count()
                == 3
        );
    }
    orders.sort();
    orders.dedup();
    assert!(orders.len() > 1, "{orders:?}");
    assert_eq!(plan, text(scenario, &["run.repeats=4"]).unwrap());
}

#[test]
fn a_plan_tells_how_clients_ask_where_it_is_not_as_usual() {
    let usual = describe(&text("[load]\nclients = 3\n", &[]).unwrap());
    assert!(!usual.contains("\n  clients "), "{usual}");
    let scenario = "[load]\ntransport = \"polling\"\nheaders = \"browser\"\norigin = \"cross\"\nkeep_alive = false\n\
                    [matrix]\nbatch = [0, 1, 5]\n";
    let told = describe(&text(scenario, &[]).unwrap());
    let line = "\n  clients headers = \"browser\"; origin = \"cross\"; keep_alive = false; batch = 1 or 5\n";
    assert!(told.contains(line), "{told}");
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
