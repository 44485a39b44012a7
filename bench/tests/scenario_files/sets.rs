//! What `--set` makes of a scenario.

use std::time::Duration;

use bench::scenario::{Headers, Plan, Target, Transport};

use crate::{shipped, text};

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
        |plan| matches!(&plan.target, Target::At { url, .. } if url == "http://localhost:8080"),
    );
    check("seed=7", |plan| plan.seed == 7);
    check("title=Two words", |plan| plan.title == "Two words");
    check("title=2024", |plan| plan.title == "2024");
    check("load.headers={pad_to = 871}", |plan| {
        plan.trials[0].load.headers == Headers::PadTo(871)
    });
    check("gate.\"* missed_share\"=<= 5%", |plan| {
        plan.gates[0].text == "* missed_share <= 5%"
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
