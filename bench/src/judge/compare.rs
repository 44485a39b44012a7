//! Two runs, one verdict: whether a change made anything worse, and how sure that is.
//!
//! The unit of evidence is the trial. A row is *worse* or *better* only when three things hold at once: the
//! rank test, corrected for the number of tests, is below `alpha`; the interval of the effect does
//! not hold 0; and the effect is at least `min_effect`. It shows *no difference* only when the whole interval
//! is within `min_effect`. Everything else is *not enough evidence*, and says what is missing.
//!
//! Loss, duplicates and disorder are counts that ought to be 0, where ratios and ranks say
//! little: from none to some is worse and from some to none better, whatever their number.

use super::evidence::{Evidence, plain, tested};
use super::gate::FAULTS;
use super::likeness::{self, Unlike};
use super::pairs::{Pair, pairs};
use super::question::{Named, Settings};
use crate::result::compared::{
    Compared, Conclusion, Difference, FORMAT, Finding, Row, Rule, Sample, Side,
};
use crate::result::metric::{self, Metric};
use crate::result::{RunResult, TrialResult, Verdict};
use crate::stats;

/// Compares two runs.
///
/// # Errors
/// When they have nothing in common, or one combination of factors stands for two loads.
pub fn compare(
    base: Named<'_>,
    candidate: Named<'_>,
    settings: &Settings,
) -> Result<Compared, Unlike> {
    let (pairs, mut notes) = pairs(base, candidate)?;
    let mut evidence = Vec::new();
    for pair in &pairs {
        likeness::loads(&pair.base, &pair.candidate)?;
        for metric in &settings.metrics {
            let values = |trials: &[&TrialResult]| metric.values(&trusted(trials, settings));
            let (base, candidate) = (values(&pair.base), values(&pair.candidate));
            if !base.is_empty() && !candidate.is_empty() {
                evidence.push((pair, *metric, base, candidate));
            } else if base.is_empty() != candidate.is_empty() {
                let (has, not) = if base.is_empty() {
                    ("candidate", "base")
                } else {
                    ("base", "candidate")
                };
                let at = likeness::label(pair.factors);
                notes.push(format!(
                    "{at}: {} was measured in the {has} and not in the {not}",
                    metric.name
                ));
            }
        }
    }
    if base.run == candidate.run {
        notes.push("the candidate is the base itself: there is nothing to find".to_owned());
    }
    notes.extend(left_out("base", base.run, settings));
    notes.extend(left_out("candidate", candidate.run, settings));
    let (rows, tests) = rows(&evidence, settings);
    let mut compared = Compared {
        format: FORMAT,
        base: Side::of(base.path, base.run),
        candidate: Side::of(candidate.path, candidate.run),
        confirmation: None,
        rule: Rule {
            min_effect: settings.min_effect,
            alpha: settings.alpha,
            tests,
        },
        differences: likeness::differences(base.run, candidate.run),
        notes,
        rows,
        verdict: Conclusion::Invalid,
    };
    compared.verdict = conclude(&compared, settings);
    Ok(compared)
}

/// Holds a repetition of the candidate against the base: a row that was worse and is not so again was noise.
///
/// Only the rows that were worse are tested again, so few tests share `alpha`.
///
/// # Errors
/// As [`compare`].
pub fn confirm(
    mut first: Compared,
    base: Named<'_>,
    again: Named<'_>,
    settings: &Settings,
) -> Result<Compared, Unlike> {
    let (pairs, _) = pairs(base, again)?;
    first.confirmation = Some(Side::of(again.path, again.run));
    first
        .differences
        .extend(differences_again(&first, base, again));
    first
        .notes
        .extend(left_out("confirmation", again.run, settings));
    let worse = |pair: &Pair<'_>, metric: &Metric| {
        first.rows.iter().any(|row| {
            row.verdict == Finding::Worse
                && row.metric == metric.name
                && row.factors == *pair.factors
        })
    };
    let mut evidence = Vec::new();
    for pair in &pairs {
        likeness::loads(&pair.base, &pair.candidate)?;
        for metric in settings.metrics.iter().filter(|metric| worse(pair, metric)) {
            let values = |trials: &[&TrialResult]| metric.values(&trusted(trials, settings));
            evidence.push((pair, *metric, values(&pair.base), values(&pair.candidate)));
        }
    }
    evidence.retain(|(_, _, base, candidate)| !base.is_empty() && !candidate.is_empty());
    let (again_rows, _) = rows(&evidence, settings);
    for row in &mut first.rows {
        if row.verdict == Finding::Worse {
            let same = again_rows
                .iter()
                .find(|r| r.metric == row.metric && r.factors == row.factors);
            // A row that could not be tested again is not refuted by that.
            row.confirmed = same.map(|r| r.verdict == Finding::Worse);
        }
    }
    first.verdict = conclude(&first, settings);
    // The base of a repetition may be a run of its own.
    if base.run.verdict == Verdict::Invalid && !settings.allow_invalid {
        first.verdict = Conclusion::Invalid;
    }
    Ok(first)
}

/// In what the confirmation differs from what it is held against, but for what is said of the candidate already.
fn differences_again(first: &Compared, base: Named<'_>, again: Named<'_>) -> Vec<Difference> {
    let said = |new: &Difference| {
        let same = |old: &Difference| {
            (&new.what, &new.base, &new.candidate) == (&old.what, &old.base, &old.candidate)
        };
        first.differences.iter().any(same)
    };
    let all = likeness::differences(base.run, again.run).into_iter();
    all.filter(|new| !said(new))
        .map(|new| Difference {
            confirmation: true,
            ..new
        })
        .collect()
}

/// One metric of one pair, with the values of both sides.
type Measured<'a> = (&'a Pair<'a>, &'static Metric, Vec<f64>, Vec<f64>);

fn rows(measured: &[Measured<'_>], settings: &Settings) -> (Vec<Row>, u64) {
    let evidence: Vec<Option<Evidence>> = measured
        .iter()
        .map(|(_, metric, base, candidate)| {
            let fault = FAULTS.contains(&metric.name);
            // From none to some no ratio leads.
            let plainly = fault && (all_zero(base) || all_zero(candidate));
            (!plainly).then(|| Evidence::of(base, candidate))
        })
        .collect();
    let p: Vec<f64> = evidence.iter().flatten().filter_map(|e| e.p).collect();
    let mut corrected = stats::holm(&p).into_iter();
    let family = evidence.iter().flatten().count();
    let rows = measured
        .iter()
        .zip(evidence)
        .map(|((pair, metric, base, candidate), evidence)| {
            let row = Row {
                factors: pair.factors.clone(),
                metric: metric.name.to_owned(),
                unit: metric.unit.name().to_owned(),
                better: metric.better,
                base: sample(base),
                candidate: sample(candidate),
                effect: None,
                p: None,
                p_corrected: None,
                verdict: Finding::NotEnoughEvidence,
                confirmed: None,
                reason: None,
                repeats_needed: None,
            };
            match evidence {
                None => plain(row, base, candidate),
                Some(evidence) => {
                    let corrected = evidence.p.and_then(|_| corrected.next());
                    tested(row, &evidence, corrected, family, settings)
                }
            }
        })
        .collect();
    (rows, p.len() as u64)
}

fn all_zero(values: &[f64]) -> bool {
    values.iter().all(|value| *value == 0.0)
}

fn sample(values: &[f64]) -> Sample {
    let interval = stats::median_interval(values);
    Sample {
        repeats: values.len() as u64,
        median: stats::median(values.to_vec()).unwrap_or(f64::NAN),
        low: interval.map(|i| i.low),
        high: interval.map(|i| i.high),
        confidence: interval.map(|i| i.confidence),
    }
}

/// What can be trusted of some trials; where that is nothing and allowed, all of them.
fn trusted<'a>(trials: &[&'a TrialResult], settings: &Settings) -> Vec<&'a TrialResult> {
    if settings.allow_invalid {
        return metric::trusted(trials);
    }
    let all = trials.iter().copied();
    all.filter(|trial| trial.valid).collect()
}

/// What of a run does not count, as a note.
fn left_out(side: &str, run: &RunResult, settings: &Settings) -> Option<String> {
    let invalid = run.trials.iter().filter(|trial| !trial.valid).count();
    let allowed = if settings.allow_invalid {
        " and count only where no other does (--allow-invalid)"
    } else {
        ""
    };
    (invalid > 0).then(|| {
        format!(
            "{invalid} of {} trials of the {side} cannot be trusted{allowed}",
            run.trials.len()
        )
    })
}

fn conclude(compared: &Compared, settings: &Settings) -> Conclusion {
    let sides = [
        Some(&compared.base),
        Some(&compared.candidate),
        compared.confirmation.as_ref(),
    ];
    let distrusted = sides
        .into_iter()
        .flatten()
        .any(|side| side.verdict == Verdict::Invalid);
    let any = |found| compared.rows.iter().any(|row| row.verdict == found);
    if compared.rows.is_empty() || (distrusted && !settings.allow_invalid) {
        Conclusion::Invalid
    } else if compared.rows.iter().any(Row::fails) {
        Conclusion::Worse
    } else if any(Finding::NotEnoughEvidence) || any(Finding::Worse) {
        Conclusion::NotEnoughEvidence
    } else if any(Finding::Better) {
        Conclusion::Better
    } else {
        Conclusion::NoDifference
    }
}
