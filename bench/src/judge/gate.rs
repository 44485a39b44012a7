//! Gates: rules such as `websocket delivery.p99 <= 20ms`, checked on every trial they match.

use crate::result::{GateResult, TrialResult, metric};
use crate::scenario::{GateRule, Op};

/// How far a value is from what a rule wishes; the worst trial has the most.
fn badness(op: Op, measured: f64, bound: f64) -> f64 {
    match op {
        Op::AtMost | Op::Below => measured,
        Op::AtLeast | Op::Above => -measured,
        Op::Equal => (measured - bound).abs(),
        Op::NotEqual => -(measured - bound).abs(),
    }
}

/// Checks each rule on the trials it matches.
///
/// A rule holds when it holds for every trial, repeats included. A trial that
/// did not measure the metric breaks it, and so does a rule without trials.
#[must_use]
pub fn evaluate(rules: &[GateRule], trials: &[TrialResult]) -> Vec<GateResult> {
    rules.iter().map(|rule| check(rule, trials)).collect()
}

fn check(rule: &GateRule, trials: &[TrialResult]) -> GateResult {
    let mut measured: Vec<(Option<f64>, &TrialResult)> = trials
        .iter()
        .filter(|trial| rule.selector.is_none_or(|t| t == trial.transport))
        .map(|trial| {
            let value = metric::find(&rule.metric).and_then(|m| m.of(trial));
            (value, trial)
        })
        .collect();
    // Worst first; what was not measured is worse than any value.
    let badness =
        |value: Option<f64>| value.map_or(f64::INFINITY, |v| badness(rule.op, v, rule.bound));
    measured.sort_by(|a, b| badness(b.0).total_cmp(&badness(a.0)));
    let worst = measured.first();
    let value = worst.and_then(|(value, _)| *value);
    GateResult {
        rule: rule.text.clone(),
        measured: value,
        trial: worst.map(|(_, trial)| trial.id.clone()),
        holds: value.is_some_and(|v| rule.op.holds(v, rule.bound)),
    }
}
