//! What two samples of one metric prove.

use super::question::Settings;
use crate::result::compared::{Better, Effect, Finding, Row};
use crate::stats::{self, Interval, Ratio};

/// Beyond so many repeats a guess of their number is of no use.
const MANY: u64 = 1000;

/// What the values of both sides say before it is known how many tests there are.
#[derive(Debug)]
pub(super) struct Evidence {
    sizes: (usize, usize),
    ratio: Option<Ratio>,
    /// None with a single value on a side: that is no test.
    pub(super) p: Option<f64>,
}

impl Evidence {
    pub(super) fn of(base: &[f64], candidate: &[f64]) -> Self {
        Self {
            sizes: (base.len(), candidate.len()),
            ratio: stats::ratio(base, candidate),
            p: (base.len() > 1 && candidate.len() > 1)
                .then(|| stats::mann_whitney(base, candidate)),
        }
    }

    /// The ratio and its interval, where there are both.
    fn interval(&self) -> Option<(f64, Interval)> {
        let ratio = self.ratio?;
        Some((ratio.estimate, ratio.interval?))
    }
}

/// Judges a row by its evidence, one of so many `tests`.
pub(super) fn tested(
    mut row: Row,
    evidence: &Evidence,
    corrected: Option<f64>,
    tests: usize,
    settings: &Settings,
) -> Row {
    row.p = evidence.p;
    row.p_corrected = corrected;
    row.effect = evidence.ratio.map(|ratio| Effect {
        ratio: ratio.estimate - 1.0,
        low: ratio.interval.map(|i| i.low - 1.0),
        high: ratio.interval.map(|i| i.high - 1.0),
        confidence: ratio.interval.map(|i| i.confidence),
    });
    let least = settings.min_effect;
    let Some((estimate, interval)) = evidence.interval() else {
        let (verdict, why) = without_ratio(evidence);
        row.verdict = verdict;
        row.reason = Some(why);
        row.repeats_needed = needed_for_a_test(tests, settings.alpha)
            .filter(|n| evidence.sizes.0.min(evidence.sizes.1) < 2 && *n > 0);
        return row;
    };
    let (ratio, low, high) = (estimate - 1.0, interval.low - 1.0, interval.high - 1.0);
    let significant = corrected.is_some_and(|p| p < settings.alpha);
    let apart = low > 0.0 || high < 0.0;
    let sure = interval.confidence >= stats::CONFIDENCE;
    row.verdict = if significant && apart && ratio.abs() >= least {
        let up = ratio > 0.0;
        if up == (row.better == Better::Higher) {
            Finding::Better
        } else {
            Finding::Worse
        }
    } else if sure && low > -least && high < least {
        Finding::NoDifference
    } else {
        Finding::NotEnoughEvidence
    };
    if row.verdict == Finding::NotEnoughEvidence {
        row.repeats_needed = needed(evidence, tests, settings);
        row.reason = Some(why(evidence, significant, tests, settings));
    }
    row
}

fn without_ratio(evidence: &Evidence) -> (Finding, String) {
    let why = if evidence.sizes.0.min(evidence.sizes.1) < 2 {
        "a single repeat says nothing of chance"
    } else {
        "the base is not above zero in every repeat, so there is no ratio"
    };
    (Finding::NotEnoughEvidence, why.to_owned())
}

fn why(evidence: &Evidence, significant: bool, tests: usize, settings: &Settings) -> String {
    let (n, m) = evidence.sizes;
    if stats::least_p(n, m) * tests as f64 >= settings.alpha {
        return format!(
            "{n} and {m} repeats cannot give a smaller p than {:.2}, {tests} tests considered",
            (stats::least_p(n, m) * tests as f64).min(1.0)
        );
    }
    if significant {
        "there is a change, but whether it is as large as the least effect is not sure".to_owned()
    } else {
        "the repeats differ too much among themselves".to_owned()
    }
}

/// Repeats of each side so that the rank test alone can be significant among so many `tests`.
fn needed_for_a_test(tests: usize, alpha: f64) -> Option<u64> {
    (2..=MANY)
        .find(|n| usize::try_from(*n).is_ok_and(|n| stats::least_p(n, n) * (tests as f64) < alpha))
}

/// Repeats of each side after which the interval may be expected to be narrow enough; its width
/// falls with the square root of their number.
fn needed(evidence: &Evidence, tests: usize, settings: &Settings) -> Option<u64> {
    let (n, m) = evidence.sizes;
    let test = needed_for_a_test(tests, settings.alpha)?;
    let now = n.min(m) as u64;
    if now < test {
        return Some(test);
    }
    let (estimate, interval) = evidence.interval()?;
    let half = (interval.high - interval.low) / 2.0;
    // To tell the effect from zero or from the least effect, whichever is farther.
    let ratio = (estimate - 1.0).abs();
    let room = (settings.min_effect - ratio)
        .abs()
        .max(if ratio >= settings.min_effect {
            ratio
        } else {
            0.0
        });
    let times = (half / room).powi(2);
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a positive number, and a float becomes an integer by saturation"
    )]
    let wanted = (now as f64 * times).ceil() as u64;
    Some(wanted.max(now + 1)).filter(|wanted| *wanted <= MANY)
}

/// Judges counts that ought to be 0 when one side has none.
pub(super) fn plain(mut row: Row, base: &[f64], candidate: &[f64]) -> Row {
    let some = |values: &[f64]| values.iter().filter(|value| **value > 0.0).count();
    let (before, after) = (some(base), some(candidate));
    row.verdict = match (before, after) {
        (0, 0) => Finding::NoDifference,
        (0, _) => Finding::Worse,
        (_, _) => Finding::Better,
    };
    let said = |count: usize, values: &[f64]| match count {
        0 => "none".to_owned(),
        _ => format!(
            "{} in {count} of {} repeats",
            values.iter().sum::<f64>(),
            values.len()
        ),
    };
    if before + after > 0 {
        row.reason = Some(format!(
            "base: {}; candidate: {}",
            said(before, base),
            said(after, candidate)
        ));
    }
    row
}
