//! What two runs have in common: the combinations of factors that both have, with the trials of each.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use super::likeness::{self, Unlike};
use super::question::Named;
use crate::result::{RunResult, TrialResult, metric};
use crate::scenario::Factor;

/// The trials of one combination in both runs.
pub(super) struct Pair<'a> {
    pub(super) factors: &'a BTreeMap<String, Factor>,
    pub(super) base: Vec<&'a TrialResult>,
    pub(super) candidate: Vec<&'a TrialResult>,
}

/// The combinations that both runs have, and a note on each that only one has.
///
/// # Errors
/// When they have none in common.
pub(super) fn pairs<'a>(
    base: Named<'a>,
    candidate: Named<'a>,
) -> Result<(Vec<Pair<'a>>, Vec<String>), Unlike> {
    let (under, over) = (groups(base.run), groups(candidate.run));
    let mut notes = Vec::new();
    for (groups, others, side) in [(&under, &over, "base"), (&over, &under, "candidate")] {
        let alone = groups
            .iter()
            .filter(|(f, _)| !others.iter().any(|(o, _)| o == f));
        notes.extend(
            alone.map(|(factors, _)| {
                format!("{}: only the {side} has it", likeness::label(factors))
            }),
        );
    }
    let pairs: Vec<Pair<'a>> = under
        .into_iter()
        .filter_map(|(factors, base)| {
            let candidate = over.iter().find(|(f, _)| *f == factors)?.1.clone();
            Some(Pair {
                factors,
                base,
                candidate,
            })
        })
        .collect();
    if pairs.is_empty() {
        return Err(Unlike::NothingInCommon {
            base: base.path.display().to_string(),
            candidate: candidate.path.display().to_string(),
        });
    }
    Ok((pairs, notes))
}

/// The trials of each combination; the smallest first, as a reader looks for them, whatever the order of a shuffled run.
fn groups(run: &RunResult) -> Vec<(&BTreeMap<String, Factor>, Vec<&TrialResult>)> {
    let groups = metric::groups(&run.trials).into_iter();
    let mut groups: Vec<_> = groups.map(|group| (&group[0].factors, group)).collect();
    groups.sort_by(|a, b| {
        likeness::order(a.0)
            .partial_cmp(&likeness::order(b.0))
            .unwrap_or(Ordering::Equal)
    });
    groups
}
