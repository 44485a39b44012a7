//! What bands and whiskers show: the interval of the median over the repeats, as the tables have it.

use crate::report::comparison::Group;
use crate::result::{Spread, metric};
use crate::stats;

/// A part of a subtitle that says what the bands or whiskers are; `None` when nothing was repeated.
pub(crate) fn said(what: &str, groups: &[&Group<'_>]) -> Option<String> {
    let most = groups.iter().map(|g| g.trials.len()).max()?;
    let level = stats::median_interval(&vec![0.0; most])?.confidence;
    // Below the level that is aimed at, the interval is from the lowest to the highest.
    Some(if level < stats::CONFIDENCE {
        format!("{what}: lowest to highest of {most} repeats")
    } else {
        format!(
            "{what}: {:.0} % interval of the median over {most} repeats",
            level * 100.0
        )
    })
}

/// A subtitle with that part.
pub(crate) fn with(subtitle: &str, what: &str, groups: &[&Group<'_>]) -> String {
    match said(what, groups) {
        Some(said) => format!("{subtitle} · {said}"),
        None => subtitle.to_owned(),
    }
}

/// Both ends of a spread, when they are apart.
pub(crate) fn ends(spread: &Spread) -> Option<(f64, f64)> {
    spread.low.zip(spread.high).filter(|(low, high)| low < high)
}

/// The metric's median over the repeats of a group, and its interval.
pub(crate) fn of(group: &Group<'_>, name: &str) -> Option<Spread> {
    metric::find(name)?.spread(&group.trials)
}
