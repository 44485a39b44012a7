//! What a search means for its run: values that fail on the way are no fault of it.

use crate::result::{RunResult, SearchEnd, SearchResult, TrialResult, Verdict};

/// The trials that a run with searches stands for: those of the largest value that holds, of each
/// search; `None` for a run without searches, which stands for all of its trials.
///
/// A trial beyond the boundary is expected to break rules, and may be one that cannot be trusted.
#[must_use]
pub fn standing(run: &RunResult) -> Option<Vec<TrialResult>> {
    if run.searches.is_empty() {
        return None;
    }
    let ids: Vec<&str> = run.searches.iter().flat_map(held).collect();
    let trials = run
        .trials
        .iter()
        .filter(|trial| ids.contains(&trial.id.as_str()));
    Some(trials.cloned().collect())
}

fn held(search: &SearchResult) -> impl Iterator<Item = &str> {
    let of = move |value: f64| search.holds == Some(value);
    let trials = search.trials.iter();
    trials
        .filter(move |trial| of(trial.value) && trial.holds == Some(true))
        .map(|trial| trial.id.as_str())
}

/// What the searches make of a verdict: one that found that nothing holds has failed, and one that
/// found nothing at all proves nothing.
#[must_use]
pub fn verdict(searches: &[SearchResult], verdict: Verdict) -> Verdict {
    let empty = || searches.iter().filter(|search| search.holds.is_none());
    if empty().any(|search| search.ended != SearchEnd::NoneHolds) {
        Verdict::Invalid
    } else if empty().next().is_some() {
        Verdict::Fail
    } else {
        verdict
    }
}
