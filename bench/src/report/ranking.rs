//! Transports in the order of a metric, and which of them this run does not tell apart.

use crate::report::comparison::Group;
use crate::report::show;
use crate::result::Spread;
use crate::result::metric::{self, Metric};

/// Values closer than this to the best are a tie where there are no intervals to tell them apart.
const SAME: f64 = 1.1;
/// And this close nobody would choose by it, however sure it is.
const ALIKE: f64 = 1.02;
/// Intervals of less confidence than this, of few repeats, are too narrow to tell values apart.
const SURE: f64 = 0.9;

/// The groups that have a metric, best first; less is better in all that are ranked.
pub(crate) struct Ranking<'a> {
    metric: &'static Metric,
    ranked: Vec<(Spread, &'a Group<'a>)>,
}

/// What a tie rests on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tie {
    /// Intervals over repeats overlap.
    Intervals,
    /// Some overlap, and some are so close that nobody would choose by the difference.
    Alike,
    /// Values are within a tenth: there are too few repeats for intervals.
    Tenth,
}

impl<'a> Ranking<'a> {
    /// `None` when fewer than two groups have the metric.
    pub(crate) fn of(groups: &[&'a Group<'a>], name: &str) -> Option<Self> {
        let metric = metric::find(name)?;
        let mut ranked: Vec<_> = groups
            .iter()
            .filter_map(|group| Some((metric.spread(&group.trials)?, *group)))
            .collect();
        ranked.sort_by(|a, b| a.0.median.total_cmp(&b.0.median));
        (ranked.len() >= 2).then_some(Self { metric, ranked })
    }

    /// The best, then those that are not told apart from it.
    pub(crate) fn tied(&self) -> Vec<&'a Group<'a>> {
        let best = self.ranked[0].0;
        let tied = self.ranked.iter().filter(|(spread, _)| same(&best, spread));
        tied.map(|(_, group)| *group).collect()
    }

    /// What decides on ties here.
    pub(crate) fn tie(&self) -> Tie {
        let best = &self.ranked[0].0;
        let mut tied = self.ranked.iter().filter(|(spread, _)| same(best, spread));
        if !self.ranked.iter().all(|(spread, _)| sure(spread)) {
            Tie::Tenth
        } else if tied.all(|(spread, _)| overlap(best, spread)) {
            Tie::Intervals
        } else {
            Tie::Alike
        }
    }

    /// The best value.
    pub(crate) fn best(&self) -> f64 {
        self.ranked[0].0.median
    }

    /// The best group.
    pub(crate) fn first(&self) -> &'a Group<'a> {
        self.ranked[0].1
    }

    /// The worst group and its value, unless it is not told apart from the best.
    pub(crate) fn worst(&self) -> Option<(&'a Group<'a>, f64)> {
        let (best, (worst, group)) = (self.ranked[0].0, self.ranked.last()?);
        (!same(&best, worst)).then_some((*group, worst.median))
    }

    /// A value of the metric, on one line with its unit.
    pub(crate) fn show(&self, value: f64) -> String {
        show::value(self.metric, Some(value)).replace(' ', "\u{a0}")
    }
}

impl Ranking<'_> {
    /// The best value, or from that to the last of the tie.
    pub(crate) fn show_tied(&self) -> String {
        let best = self.ranked[0].0;
        let tied = self.ranked.iter().filter(|(spread, _)| same(&best, spread));
        let last = tied.map(|(spread, _)| spread.median).next_back();
        let last = last.unwrap_or(best.median);
        // A browser would break the line behind the dash.
        let range = show::range(self.metric, best.median, last);
        range.replace(' ', "\u{a0}").replace('–', "–\u{2060}")
    }
}

fn same(best: &Spread, other: &Spread) -> bool {
    let close = |limit: f64| other.median <= best.median * limit;
    if sure(best) && sure(other) {
        close(ALIKE) || overlap(best, other)
    } else {
        close(SAME)
    }
}

fn overlap(best: &Spread, other: &Spread) -> bool {
    let ends = best.high.zip(other.low);
    ends.is_some_and(|(high, low)| low <= high)
}

fn sure(spread: &Spread) -> bool {
    spread.confidence.is_some_and(|level| level >= SURE)
}

/// How many times as much, such as `1,225 times`; `None` when that says nothing.
pub(crate) fn times(value: f64, of: f64) -> Option<String> {
    let ratio = value / of;
    if of <= 0.0 || !ratio.is_finite() || ratio < 1.05 {
        return None;
    }
    let shown = if ratio >= 9.95 {
        show::count(ratio.round())
    } else {
        show::count((ratio * 10.0).round() / 10.0)
    };
    Some(format!("{shown} times"))
}
