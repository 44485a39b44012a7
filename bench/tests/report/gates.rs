//! Gates.

use bench::judge::gate::evaluate;
use bench::judge::verdict;
use bench::result::{GateResult, RunResult, Summary, TrialResult, Verdict, metric};
use bench::scenario::{Bound, Factor, GateRule, Op, Transport};

use crate::fixture;

fn rule(selector: Option<Transport>, metric: &str, op: Op, bound: f64) -> GateRule {
    GateRule {
        target: None,
        selector,
        metric: metric.to_owned(),
        op,
        bound: Bound::Absolute(bound),
        text: format!("{metric} {op:?} {bound}"),
    }
}

#[test]
fn the_worst_trial_decides() {
    let run = fixture::scale();
    let found = evaluate(
        &[
            rule(None, "delivery.p50", Op::AtMost, 1e9),
            rule(Some(Transport::Websocket), "delivery.p50", Op::Below, 2e6),
            rule(None, "delivered", Op::AtLeast, 4_000.0),
            rule(None, "delivered", Op::Above, 4_000.0),
            rule(None, "lost", Op::Equal, 0.0),
            rule(None, "lost", Op::NotEqual, 0.0),
        ],
        &run,
        None,
    );
    let holds: Vec<_> = found.iter().map(|g| g.holds).collect();
    assert_eq!(holds, [false, true, true, false, true, false]);
    assert_eq!(found[0].trial.as_deref(), Some("polling-clients-8000"));
    assert_eq!(found[1].trial.as_deref(), Some("websocket-clients-8000"));
    assert_eq!(found[2].measured, Some(4_000.0));
}

#[test]
fn what_was_not_measured_does_not_hold() {
    let run = fixture::broken();
    let found = evaluate(
        &[
            rule(None, "delivery.p99", Op::AtLeast, 0.0),
            rule(None, "no_such_metric", Op::AtLeast, 0.0),
        ],
        &run,
        None,
    );
    assert_eq!((found[0].holds, found[0].measured), (false, None));
    assert_eq!(found[0].trial.as_deref(), Some("streaming"));
    assert!(!found[1].holds);
    let none = evaluate(
        &[rule(None, "lost", Op::Equal, 0.0)],
        &fixture::empty(),
        None,
    );
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

/// Rules as a scenario writes them.
fn rules(written: &[(&str, &str)]) -> Vec<GateRule> {
    let known = metric::known();
    written
        .iter()
        .map(|(left, right)| GateRule::parse(left, right, &known).expect("a rule"))
        .collect()
}

fn one(run: &RunResult, left: &str, right: &str, baseline: Option<&RunResult>) -> GateResult {
    evaluate(&rules(&[(left, right)]), run, baseline).remove(0)
}

/// Five repeats of each transport; `change` may spoil each of them.
fn repeated(change: impl Fn(&mut TrialResult)) -> RunResult {
    let mut run = fixture::compare();
    let trials = std::mem::take(&mut run.trials);
    for repeat in 1..=5 {
        run.trials.extend(trials.iter().cloned().map(|mut trial| {
            trial.id = format!("{}-r{repeat}", trial.id);
            trial.repeat = repeat;
            change(&mut trial);
            trial
        }));
    }
    run
}

fn delivery(trial: &mut TrialResult) -> &mut Summary {
    let series = trial.latency_ns.delivery.as_mut();
    series.expect("the fixture has deliveries")
}

#[test]
fn a_gate_compares_a_transport_with_another_at_equal_factors() {
    let mut run = fixture::scale();
    // 311 bytes against 9,728, whatever the number of clients.
    let holds = one(
        &run,
        "websocket wire_bytes_per_message",
        "<= 0.2 * polling",
        None,
    );
    assert!(holds.holds, "{holds:?}");
    let bound = holds.bound.unwrap();
    assert!((bound / (0.2 * 9_728.0) - 1.0).abs() < 1e-6, "{bound}");
    assert_eq!(
        holds.cell["transport"],
        Factor::Text("websocket".to_owned())
    );
    assert_eq!(holds.note, None);

    // Worse than polling at 500 clients alone: the median over all would not show it.
    let spoilt = run
        .trials
        .iter_mut()
        .find(|t| t.id == "websocket-clients-500");
    spoilt.unwrap().bytes.wire_received = Some(100_000_000_000);
    let fails = one(&run, "websocket wire_bytes_per_message", "< polling", None);
    assert!(!fails.holds);
    assert_eq!(fails.trial.as_deref(), Some("websocket-clients-500"));
    assert_eq!(fails.cell["clients"], Factor::Number(500.0));
    assert_eq!(fails.note.as_deref(), Some("1 of 4 combinations breaks it"));
}

#[test]
fn every_transport_is_every_other_one_where_one_is_the_measure() {
    let run = fixture::compare();
    // Polling is not a fifth of itself, and is not asked.
    let gate = one(&run, "* wire_bytes_per_message", "<= 0.2 * polling", None);
    assert!(gate.holds, "{gate:?}");
    assert_eq!(gate.trial.as_deref(), Some("long-polling"));
    // The worst is the one nearest to its bound, not the largest.
    let gate = one(&run, "* delivery.p50", ">= 0.5 * websocket", None);
    assert_eq!(
        (gate.holds, gate.trial.as_deref()),
        (true, Some("streaming"))
    );
}

#[test]
fn a_missing_counterpart_breaks_the_gate_and_is_named() {
    let mut run = fixture::scale();
    run.trials
        .retain(|trial| trial.id != "polling-clients-2000");
    let gate = one(&run, "sse delivery.p50", "<= polling", None);
    assert_eq!((gate.holds, gate.bound), (false, None));
    assert_eq!(gate.trial.as_deref(), Some("sse-clients-2000"));
    let note = gate.note.unwrap();
    assert!(note.contains("1 of 4 combinations breaks it"), "{note}");
    assert!(
        note.contains("polling was not run at these factors"),
        "{note}"
    );
}

#[test]
fn a_slow_repeat_is_no_evidence_and_three_of_five_are() {
    let slow = |few: u32| {
        repeated(move |trial| {
            let slow = trial.repeat <= few;
            delivery(trial).p99 = if slow { 90_000_000 } else { 1_000_000 };
        })
    };
    let rule = ("websocket delivery.p99", "<= 20ms");
    let held = one(&slow(2), rule.0, rule.1, None);
    assert_eq!((held.holds, held.measured), (true, Some(1e6)));
    assert_eq!(held.trial, None, "it is a median, not a trial's");
    assert_eq!(held.cell["transport"], Factor::Text("websocket".to_owned()));
    let broken = one(&slow(3), rule.0, rule.1, None);
    assert_eq!((broken.holds, broken.measured), (false, Some(9e7)));
}

#[test]
fn no_median_excuses_a_fault() {
    let run = repeated(|trial| {
        if trial.repeat == 4 && trial.transport == Transport::Sse {
            trial.messages.lost = 1;
            trial.clients.reconnects = 3;
        }
    });
    for (left, right, holds) in [
        ("* lost", "== 0", false),
        ("* lost", "<= 0", false),
        ("* lost", "<= 1", true),
        ("* reconnects", "== 0", false),
        // Not a fault, and not exact: the median decides.
        ("* reconnects", "<= 0", true),
    ] {
        let gate = one(&run, left, right, None);
        assert_eq!(gate.holds, holds, "{left} {right}: {gate:?}");
    }
    let gate = one(&run, "* lost", "== 0", None);
    assert_eq!(gate.trial.as_deref(), Some("sse-r4"));
    assert_eq!(gate.measured, Some(1.0));
}

#[test]
fn a_median_needs_every_repeat_and_leaves_out_the_invalid() {
    let missing = repeated(|trial| {
        if trial.repeat == 2 {
            trial.server.cpu_ns = None;
        }
    });
    let gate = one(&missing, "sse server_cores", "<= 100", None);
    assert_eq!((gate.holds, gate.measured), (false, None));
    assert_eq!(gate.note.as_deref(), Some("sse-r2 did not measure it"));

    let doubtful = repeated(|trial| {
        trial.valid = trial.repeat != 1;
        delivery(trial).p99 = u64::from(trial.repeat) * 1_000_000;
    });
    let gate = one(&doubtful, "sse delivery.p99", "<= 20ms", None);
    assert_eq!(gate.measured, Some(3.5e6), "the median of 2, 3, 4 and 5");
}

#[test]
fn a_baseline_is_a_stored_run_of_the_same_load() {
    let before = repeated(|_| {});
    let p99 = |run: &RunResult| {
        metric::find("delivery.p99")
            .unwrap()
            .of(&run.trials[4])
            .unwrap()
    };
    let slower = |percent: u64| {
        repeated(move |trial| {
            let series = delivery(trial);
            series.p99 = series.p99 * (100 + percent) / 100;
        })
    };
    let rule = ("websocket delivery.p99", "<= 110% * baseline");
    let gate = one(&slower(5), rule.0, rule.1, Some(&before));
    assert!(gate.holds, "{gate:?}");
    assert!((gate.bound.unwrap() / (1.1 * p99(&before)) - 1.0).abs() < 1e-9);
    assert_eq!(gate.note, None);
    assert!(!one(&slower(25), rule.0, rule.1, Some(&before)).holds);

    let spoil = |change: &dyn Fn(&mut RunResult)| {
        let mut other = before.clone();
        change(&mut other);
        one(&before, rule.0, rule.1, Some(&other))
    };
    for (change, part) in [
        (
            &(|run: &mut RunResult| run.trials.clear()) as &dyn Fn(&mut RunResult),
            "no trial with these factors",
        ),
        (
            &|run: &mut RunResult| run.trials.iter_mut().for_each(|t| t.load.rate = 7.0),
            "another rate",
        ),
        (
            &|run: &mut RunResult| run.trials.iter_mut().for_each(|t| t.phases.measure /= 2),
            "another length of the measured phase",
        ),
        (
            &|run: &mut RunResult| run.trials.iter_mut().for_each(|t| t.valid = false),
            "are invalid",
        ),
        (
            &|run: &mut RunResult| {
                let series = |t: &mut TrialResult| t.latency_ns.delivery = None;
                run.trials.iter_mut().for_each(series);
            },
            "did not measure it",
        ),
    ] {
        let gate = spoil(change);
        assert_eq!((gate.holds, gate.bound), (false, None), "{part}");
        let note = gate.note.unwrap();
        assert!(note.contains(part), "{part}: {note}");
    }
    assert!(!one(&before, rule.0, rule.1, None).holds);

    // Another machine is named, and compared all the same.
    let gate = spoil(&|run| run.environment.cores = 64);
    assert!(gate.holds);
    let note = gate.note.unwrap();
    assert!(note.contains("cores 64 against 2 here"), "{note}");
}
