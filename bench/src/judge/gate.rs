//! Gates: rules such as `websocket delivery.p99 <= 20ms`, checked on every trial they match.

use crate::result::{GateResult, TrialResult, metric};
use crate::scenario::Transport;

/// A rule that a run must hold to pass.
#[derive(Debug, Clone, PartialEq)]
pub struct GateRule {
    /// The transport whose trials are checked; `None` means every trial.
    pub selector: Option<Transport>,
    /// The metric's name, one of [`metric::names`].
    pub metric: String,
    /// How the measured value is compared with the bound.
    pub op: Op,
    /// The bound, in the metric's own unit.
    pub bound: f64,
    /// The rule as written.
    pub text: String,
}

/// How a measured value is compared with a bound.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Op {
    /// At most.
    Le,
    /// At least.
    Ge,
    /// Less than.
    Lt,
    /// More than.
    Gt,
    /// Equal.
    Eq,
    /// Not equal.
    Ne,
}

impl Op {
    #[expect(
        clippy::float_cmp,
        reason = "`lost == 0` asks for exactly that; counts are whole"
    )]
    fn holds(self, measured: f64, bound: f64) -> bool {
        match self {
            Self::Le => measured <= bound,
            Self::Ge => measured >= bound,
            Self::Lt => measured < bound,
            Self::Gt => measured > bound,
            Self::Eq => measured == bound,
            Self::Ne => measured != bound,
        }
    }

    /// How far a value is from what the rule wishes; the worst trial has the most.
    fn badness(self, measured: f64, bound: f64) -> f64 {
        match self {
            Self::Le | Self::Lt => measured,
            Self::Ge | Self::Gt => -measured,
            Self::Eq => (measured - bound).abs(),
            Self::Ne => -(measured - bound).abs(),
        }
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
        |value: Option<f64>| value.map_or(f64::INFINITY, |v| rule.op.badness(v, rule.bound));
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
