//! The trials of a matrix and its repeats: which there are, in what order, and what seed and factors each has.

use bench::scenario::Factor;

use crate::{shipped, text};

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
