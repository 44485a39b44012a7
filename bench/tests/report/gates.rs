//! Gates.

use bench::judge::gate::evaluate;
use bench::judge::verdict;
use bench::result::Verdict;
use bench::scenario::Transport;
use bench::scenario::{GateRule, Op};

use crate::fixture;

fn rule(selector: Option<Transport>, metric: &str, op: Op, bound: f64) -> GateRule {
    GateRule {
        selector,
        metric: metric.to_owned(),
        op,
        bound,
        text: format!("{metric} {op:?} {bound}"),
    }
}

#[test]
fn the_worst_trial_decides() {
    let trials = fixture::scale().trials;
    let found = evaluate(
        &[
            rule(None, "delivery.p50", Op::AtMost, 1e9),
            rule(Some(Transport::Websocket), "delivery.p50", Op::Below, 2e6),
            rule(None, "delivered", Op::AtLeast, 4_000.0),
            rule(None, "delivered", Op::Above, 4_000.0),
            rule(None, "lost", Op::Equal, 0.0),
            rule(None, "lost", Op::NotEqual, 0.0),
        ],
        &trials,
    );
    let holds: Vec<_> = found.iter().map(|g| g.holds).collect();
    assert_eq!(holds, [false, true, true, false, true, false]);
    assert_eq!(found[0].trial.as_deref(), Some("polling-clients-8000"));
    assert_eq!(found[1].trial.as_deref(), Some("websocket-clients-8000"));
    assert_eq!(found[2].measured, Some(4_000.0));
}

#[test]
fn what_was_not_measured_does_not_hold() {
    let trials = fixture::broken().trials;
    let found = evaluate(
        &[
            rule(None, "delivery.p99", Op::AtLeast, 0.0),
            rule(None, "no_such_metric", Op::AtLeast, 0.0),
        ],
        &trials,
    );
    assert_eq!((found[0].holds, found[0].measured), (false, None));
    assert_eq!(found[0].trial.as_deref(), Some("streaming"));
    assert!(!found[1].holds);
    let none = evaluate(&[rule(None, "lost", Op::Equal, 0.0)], &[]);
    assert_eq!((none[0].holds, none[0].trial.as_deref()), (false, None));
}

#[test]
fn a_run_that_cannot_be_trusted_neither_passes_nor_fails() {
    let (good, bad) = (fixture::compare(), fixture::broken());
    assert_eq!(verdict(&good.trials, &good.gates), Verdict::Pass);
    assert_eq!(verdict(&good.trials, &bad.gates), Verdict::Fail);
    assert_eq!(verdict(&bad.trials, &good.gates), Verdict::Invalid);
    assert_eq!(verdict(&[], &[]), Verdict::Invalid);
}
