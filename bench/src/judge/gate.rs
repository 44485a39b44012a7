//! Gates: rules such as `websocket delivery.p99 <= 20ms`, checked on every combination of factors they match.
//!
//! The run is the unit of evidence: where a combination has repeats, the rule
//! is held against their median. Two kinds of rules must hold in every single
//! trial instead: those with `==` or `!=`, and those on a count of [`FAULTS`],
//! which no median may excuse. Either way the rule holds only when it holds in
//! every combination, and what was not measured breaks it.

use super::baseline::{self, Counterpart};
use crate::result::{GateResult, RunResult, TrialResult, metric};
use crate::scenario::{Bound, Factor, GateRule, Op, Reference, target_in};

/// Counts of what must not happen: a rule on one of them must hold in every trial.
pub const FAULTS: [&str; 7] = [
    "lost",
    "duplicated",
    "reordered",
    "negative",
    "missed_reports",
    "publish_errors",
    "events.missed",
];

/// Checks each rule on the combinations it matches.
///
/// A bound relative to another transport is taken from the combination that
/// differs in nothing but the transport; one relative to `baseline`, from the
/// same combination of that run. Both are medians over the repeats that can be
/// trusted. Without such a counterpart the rule is broken. `run` need not be judged yet.
#[must_use]
pub fn evaluate(
    rules: &[GateRule],
    run: &RunResult,
    baseline: Option<&RunResult>,
) -> Vec<GateResult> {
    let groups = metric::groups(&run.trials);
    let elsewhere = baseline.and_then(|there| baseline::elsewhere(run, there));
    let mut gates: Vec<GateResult> = rules
        .iter()
        .map(|rule| check(rule, &groups, baseline))
        .collect();
    for (gate, rule) in gates.iter_mut().zip(rules) {
        if rule.bound.needs_baseline() && gate.bound.is_some() {
            gate.note = joined(gate.note.take().into_iter().chain(elsewhere.clone()));
        }
    }
    gates
}

fn joined(notes: impl Iterator<Item = String>) -> Option<String> {
    let notes: Vec<String> = notes.collect();
    (!notes.is_empty()).then(|| notes.join("; "))
}

/// What one combination says of a rule.
struct Finding<'a> {
    group: &'a [&'a TrialResult],
    measured: Option<f64>,
    bound: Option<f64>,
    /// None for a median over several.
    trial: Option<&'a TrialResult>,
    holds: bool,
    note: Option<String>,
    /// How far it is from what the rule wishes.
    excess: f64,
}

fn check(
    rule: &GateRule,
    groups: &[Vec<&TrialResult>],
    baseline: Option<&RunResult>,
) -> GateResult {
    let mut found: Vec<Finding<'_>> = groups
        .iter()
        .filter(|group| matches(rule, group[0]))
        .map(|group| {
            let counterpart = counterpart(rule, group, groups, baseline);
            find(rule, group, counterpart)
        })
        .collect();
    // Worst first; what was not measured is worse than any value.
    found.sort_by(|a, b| {
        let holds = a.holds.cmp(&b.holds);
        holds.then(b.excess.total_cmp(&a.excess))
    });
    let broken = found.iter().filter(|finding| !finding.holds).count();
    let of = found.len();
    let Some(worst) = found.into_iter().next() else {
        return GateResult {
            rule: rule.text.clone(),
            note: Some("no trial matches the rule".to_owned()),
            ..GateResult::default()
        };
    };
    let several = (broken > 0 && of > 1).then(|| {
        let verb = if broken == 1 { "breaks" } else { "break" };
        format!("{broken} of {of} combinations {verb} it")
    });
    GateResult {
        rule: rule.text.clone(),
        measured: worst.measured,
        bound: worst.bound,
        cell: worst.group[0].factors.clone(),
        trial: worst.trial.map(|trial| trial.id.clone()),
        holds: worst.holds,
        note: joined(several.into_iter().chain(worst.note)),
    }
}

/// Whether a trial is one that the rule is about. Nothing is compared with itself.
fn matches(rule: &GateRule, trial: &TrialResult) -> bool {
    let target = target_in(&trial.factors);
    let at = match rule.target {
        Some(_) => rule.target == target,
        None => rule
            .bound
            .target()
            .is_none_or(|other| target != Some(other)),
    };
    at && match rule.selector {
        Some(transport) => trial.transport == transport,
        None => rule.bound.transport() != Some(trial.transport),
    }
}

/// The bound in numbers for a combination, or why there is none.
fn counterpart(
    rule: &GateRule,
    group: &[&TrialResult],
    groups: &[Vec<&TrialResult>],
    baseline: Option<&RunResult>,
) -> Counterpart {
    let (factor, to) = match rule.bound {
        Bound::Absolute(bound) => return Counterpart::of(bound),
        Bound::Relative { factor, to } => (factor, to),
    };
    let counterpart = match to {
        Reference::Baseline => baseline::same(group, baseline, &rule.metric),
        Reference::Transport(_) | Reference::Target(_) => {
            let (key, name) = match to {
                Reference::Target(target) => ("target", target.to_string()),
                Reference::Transport(transport) => ("transport", transport.to_string()),
                Reference::Baseline => ("", String::new()),
            };
            let mut factors = group[0].factors.clone();
            factors.insert(key.to_owned(), Factor::Text(name.clone()));
            // A factor that the other transport has no use for is none of its own.
            let same = |group: &&Vec<&TrialResult>| {
                let other = &group[0].factors;
                other
                    .iter()
                    .all(|(key, value)| factors.get(key) == Some(value))
            };
            let exact = groups.iter().find(|group| group[0].factors == factors);
            let other = exact.or_else(|| groups.iter().find(same));
            let median = other.and_then(|group| baseline::median(group, &rule.metric));
            Counterpart {
                value: median,
                note: median.is_none().then(|| {
                    let what = if other.is_some() {
                        "did not measure it"
                    } else {
                        "was not run"
                    };
                    format!("nothing to compare with: {name} {what} at these factors")
                }),
            }
        }
    };
    counterpart.times(factor)
}

fn find<'a>(
    rule: &GateRule,
    group: &'a [&'a TrialResult],
    counterpart: Counterpart,
) -> Finding<'a> {
    let (measured, trial) = measure(rule, group, counterpart.value);
    let bound = counterpart.value;
    let mut note = counterpart.note;
    if let (None, Some(trial), None) = (measured, trial, &note) {
        note = Some(format!("{} did not measure it", trial.id));
    }
    let excess = measured
        .zip(bound)
        .map_or(f64::INFINITY, |(m, b)| excess(rule.op, m, b));
    Finding {
        group,
        measured,
        bound,
        trial,
        holds: measured
            .zip(bound)
            .is_some_and(|(m, b)| rule.op.holds(m, b)),
        note,
        excess,
    }
}

/// The value that decides, and the trial that gave it unless it is a median over several.
fn measure<'a>(
    rule: &GateRule,
    group: &[&'a TrialResult],
    bound: Option<f64>,
) -> (Option<f64>, Option<&'a TrialResult>) {
    let read = |trial: &TrialResult| metric::find(&rule.metric).and_then(|metric| metric.of(trial));
    let exact = matches!(rule.op, Op::Equal | Op::NotEqual);
    let judged = if exact || FAULTS.contains(&rule.metric.as_str()) {
        // A doubtful trial's faults are faults.
        group.to_vec()
    } else {
        let trusted = metric::trusted(group);
        if trusted.len() > 1
            && let Some(median) = baseline::median(group, &rule.metric)
        {
            return (Some(median), None);
        }
        trusted
    };
    let bad = |trial: &TrialResult| {
        read(trial).map_or(f64::INFINITY, |v| excess(rule.op, v, bound.unwrap_or(0.0)))
    };
    let worst = judged.into_iter().min_by(|a, b| bad(b).total_cmp(&bad(a)));
    (worst.and_then(read), worst)
}

/// How far a value is beyond its bound, as a share of it; the worst has the most.
fn excess(op: Op, measured: f64, bound: f64) -> f64 {
    let scale = if bound == 0.0 { 1.0 } else { bound.abs() };
    let beyond = (measured - bound) / scale;
    match op {
        Op::AtMost | Op::Below => beyond,
        Op::AtLeast | Op::Above => -beyond,
        Op::Equal => beyond.abs(),
        Op::NotEqual => -beyond.abs(),
    }
}
