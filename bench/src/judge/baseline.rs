//! What a gate compares with: the same combination of factors elsewhere, when it is really the same.

use super::{likeness, load};
use crate::result::{RunResult, TrialResult, metric};

/// Measured phases that differ by more than this give other counts.
const SAME_LENGTH: f64 = 0.05;

/// The value to compare with, and what there is to say about it.
pub(super) struct Counterpart {
    /// None when there is nothing to compare with; the note then says why.
    pub(super) value: Option<f64>,
    pub(super) note: Option<String>,
}

impl Counterpart {
    pub(super) fn of(value: f64) -> Self {
        Self {
            value: Some(value),
            note: None,
        }
    }

    pub(super) fn times(self, factor: f64) -> Self {
        Self {
            value: self.value.map(|value| value * factor),
            note: self.note,
        }
    }

    fn none(why: &str) -> Self {
        Self {
            value: None,
            note: Some(format!("nothing to compare with: {why}")),
        }
    }
}

/// The metric's median over the repeats that can be trusted; none when one of them did not measure it.
pub(super) fn median(group: &[&TrialResult], name: &str) -> Option<f64> {
    let metric = metric::find(name)?;
    let values = metric::trusted(group)
        .into_iter()
        .map(|trial| metric.of(trial));
    metric::median(values.collect::<Option<_>>()?)
}

/// The metric of the same combination in a stored run.
///
/// A combination is the same when the factors and the rest of the load are: a
/// baseline of another load, or one that cannot be trusted, is nothing to
/// compare with. Another machine or build is named and compared.
pub(super) fn same(
    group: &[&TrialResult],
    baseline: Option<&RunResult>,
    name: &str,
) -> Counterpart {
    let Some(run) = baseline else {
        return Counterpart::none("there is no baseline");
    };
    let trial = group[0];
    let all = metric::groups(&run.trials);
    let Some(there) = all.iter().find(|there| there[0].factors == trial.factors) else {
        return Counterpart::none("the baseline has no trial with these factors");
    };
    let differing = differing(trial, there[0]);
    if !differing.is_empty() {
        let keys = differing.join(", ");
        return Counterpart::none(&format!("the baseline was run with another {keys}"));
    }
    if !there.iter().any(|trial| trial.valid) {
        return Counterpart::none("the baseline's trials with these factors are invalid");
    }
    match median(there, name) {
        Some(value) => Counterpart::of(value),
        None => Counterpart::none("the baseline did not measure it"),
    }
}

/// What two trials were asked differently, and whether for another time.
fn differing(one: &TrialResult, other: &TrialResult) -> Vec<String> {
    let mut keys: Vec<String> = load::differences(one, other)
        .into_iter()
        .map(|difference| difference.key)
        .collect();
    let (one, other) = (one.phases.measure as f64, other.phases.measure as f64);
    if (one - other).abs() > SAME_LENGTH * one.max(other) {
        keys.push("length of the measured phase".to_owned());
    }
    keys
}

/// In what a baseline differs so that its figures may differ too; one sentence, or nothing.
pub(super) fn elsewhere(here: &RunResult, baseline: &RunResult) -> Option<String> {
    let differing: Vec<String> = likeness::differences(baseline, here)
        .into_iter()
        .filter(|difference| difference.serious)
        .map(|d| format!("{} {} against {} here", d.what, d.base, d.candidate))
        .collect();
    (!differing.is_empty()).then(|| {
        format!(
            "the baseline was measured elsewhere: {}",
            differing.join(", ")
        )
    })
}
