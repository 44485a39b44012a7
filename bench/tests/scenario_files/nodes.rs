//! `nodes`: several bundled relays, a key of `[target]` that `[matrix]` may list.

use bench::scenario::{Factor, describe};

use crate::text;

#[test]
fn a_scenario_that_says_nothing_has_one_relay() {
    let plan = text("", &[]).unwrap();
    assert_eq!(plan.trials[0].load.nodes, 1);
    assert!(!plan.resolved.contains("nodes"), "{}", plan.resolved);
}

#[test]
fn several_relays_are_told_spelt_out_and_read_again() {
    let plan = text("[target]\nnodes = 4", &[]).unwrap();
    assert_eq!(plan.trials[0].load.nodes, 4);
    let told = describe(&plan);
    assert!(told.contains("4 bundled relays"), "{told}");
    let again = text(&plan.resolved, &[]).unwrap();
    assert_eq!(again.trials, plan.trials);
}

#[test]
fn a_matrix_of_nodes_sends_the_same_messages_to_each() {
    let plan = text("[matrix]\nnodes = [1, 2, 4]", &[]).unwrap();
    let nodes: Vec<usize> = plan.trials.iter().map(|trial| trial.load.nodes).collect();
    assert_eq!(nodes, [1, 2, 4]);
    let seed = plan.trials[0].seed;
    assert!(plan.trials.iter().all(|trial| trial.seed == seed));
    let factor = plan.trials[2].factors.get("nodes");
    assert_eq!(factor, Some(&Factor::Number(4.0)));
}

#[test]
fn several_relays_are_only_started_where_bench_can() {
    for (source, why) in [
        (
            "[target]\nurl = \"http://127.0.0.1:8080\"\nnodes = 2",
            "means nothing for a server at an address",
        ),
        ("[target]\nnodes = 2\ntls = true", "exclude each other"),
        (
            "[matrix]\nnodes = [1, 2]\ntls = [false, true]",
            "exclude each other",
        ),
        ("[target]\nnodes = 0", "nodes"),
        ("[target]\nnodes = 1000", "nodes"),
    ] {
        let error = text(source, &[]).unwrap_err().to_string();
        assert!(error.contains(why), "{source}: {error}");
    }
}
