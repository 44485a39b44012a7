//! The document of a comparison: what two runs say about a change, with the evidence for it.
//!
//! Written as JSON by `bench compare --json`, and the one source of every view of it.

use std::collections::BTreeMap;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::{Environment, RunResult, Verdict};
use crate::scenario::Factor;

/// The version of the document that this program writes.
pub const FORMAT: u32 = 1;

/// What a comparison of two runs says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Compared {
    /// The document's version; readers refuse a newer one.
    pub format: u32,
    /// What the candidate is held against.
    pub base: Side,
    /// What is judged.
    pub candidate: Side,
    /// The candidate measured again, when it was.
    pub confirmation: Option<Side>,
    /// By which rule.
    pub rule: Rule,
    /// In what the two runs differ beside the program that is judged.
    pub differences: Vec<Difference>,
    /// What a reader should know: combinations that only one of them has, trials left out.
    pub notes: Vec<String>,
    /// One entry for each metric of each combination of factors that both have, in the order of the base.
    pub rows: Vec<Row>,
    /// What all of it comes to.
    pub verdict: Conclusion,
}

/// One of the runs compared.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Side {
    /// Its folder or file, as it was named.
    pub path: String,
    /// The scenario file's name without its extension.
    pub scenario: String,
    /// The scenario's title.
    pub title: String,
    /// When the run began, RFC 3339 in UTC.
    pub started: String,
    /// The seed of the schedule.
    pub seed: u64,
    /// Trials that ended.
    pub trials: u64,
    /// Of these, the ones that can be trusted.
    pub valid_trials: u64,
    /// The run's own verdict.
    pub verdict: Verdict,
    /// Where it ran.
    pub environment: Environment,
}

impl Side {
    /// What identifies the `run` that was read from `path`.
    #[must_use]
    pub fn of(path: &Path, run: &RunResult) -> Self {
        Self {
            path: path.display().to_string(),
            scenario: run.scenario.clone(),
            title: run.title.clone(),
            started: run.started.clone(),
            seed: run.seed,
            trials: run.trials.len() as u64,
            valid_trials: run.trials.iter().filter(|trial| trial.valid).count() as u64,
            verdict: run.verdict,
            environment: run.environment.clone(),
        }
    }
}

/// By which rule a comparison judges.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Rule {
    /// The least effect that counts, as a share of the base: 0.05 is 5 %.
    pub min_effect: f64,
    /// The most that the chance of a false alarm in the whole comparison may be.
    pub alpha: f64,
    /// The number of rank tests that share `alpha` (Holm's correction).
    pub tests: u64,
}

/// Something beside the judged program in which the two runs differ.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Difference {
    /// What it is, such as `kernel`.
    pub what: String,
    /// The base's.
    pub base: String,
    /// The candidate's.
    pub candidate: String,
    /// Whether it alone may explain an effect; the commit that is judged does not count as such.
    pub serious: bool,
    /// Whether it is the confirmation that differs, and `candidate` what it has.
    #[serde(default)]
    pub confirmation: bool,
}

impl Difference {
    /// Which run differs from the base: the candidate or the confirmation.
    #[must_use]
    pub fn side(&self) -> &'static str {
        if self.confirmation {
            "confirmation"
        } else {
            "candidate"
        }
    }
}

/// One metric of one combination of factors.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Row {
    /// The combination; always has `transport`.
    pub factors: BTreeMap<String, Factor>,
    /// The metric, by the name that gates use.
    pub metric: String,
    /// What its number counts: `ns`, `bytes`, `bytes/s`, `count`, `share` or `cores`.
    pub unit: String,
    /// Which direction is better.
    pub better: Better,
    /// The base.
    pub base: Sample,
    /// The candidate.
    pub candidate: Sample,
    /// How far the candidate is from the base; null when a ratio has no meaning, such as of zeros.
    pub effect: Option<Effect>,
    /// The chance of ranks as uneven as these without any change (Mann-Whitney, two-sided);
    /// null when the row was not tested.
    pub p: Option<f64>,
    /// The same, corrected for the number of tests (Holm).
    pub p_corrected: Option<f64>,
    /// What it comes to.
    pub verdict: Finding,
    /// Whether the repetition says the same; null when there was none or nothing to confirm.
    pub confirmed: Option<bool>,
    /// Why there is not enough evidence, or what a plain count says; one sentence.
    pub reason: Option<String>,
    /// Repeats of each side that a verdict would need, about; null when these were enough or when it cannot be told.
    pub repeats_needed: Option<u64>,
}

/// One side of a row: a metric over the repeats.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Sample {
    /// Repeats that measured it.
    pub repeats: u64,
    /// Median over them, in the metric's unit.
    pub median: f64,
    /// Lower end of the median's interval; null with a single repeat.
    pub low: Option<f64>,
    /// Upper end; null with a single repeat.
    pub high: Option<f64>,
    /// Confidence level of the interval; null with a single repeat.
    pub confidence: Option<f64>,
}

/// How far the candidate is from the base: `candidate / base - 1`, the median over all pairs of repeats.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Effect {
    /// The effect: 0.1 is 10 % more than the base.
    pub ratio: f64,
    /// Lower end of its interval; null with a single repeat on a side.
    pub low: Option<f64>,
    /// Upper end; null with a single repeat on a side.
    pub high: Option<f64>,
    /// Confidence level of the interval; null with a single repeat on a side.
    pub confidence: Option<f64>,
}

/// Which direction of a metric is better.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Better {
    /// Less is better.
    Lower,
    /// More is better.
    Higher,
    /// It describes the load or the generator; neither is better.
    Neither,
}

/// What one row says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Finding {
    /// The candidate is worse by at least the least effect, and this is not chance.
    Worse,
    /// Neither a change nor its absence is shown.
    NotEnoughEvidence,
    /// The candidate is better by at least the least effect, and this is not chance.
    Better,
    /// The whole interval of the effect is smaller than the least effect.
    NoDifference,
}

/// What a comparison says in all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Conclusion {
    /// A run cannot be trusted, so nothing is concluded from it.
    Invalid,
    /// A row is worse, and the repetition, if there was one, says so too.
    Worse,
    /// No row is known to be worse, and of one it is not known either way.
    NotEnoughEvidence,
    /// No row is worse or unknown, and one is better.
    Better,
    /// No row differs.
    NoDifference,
}

impl Finding {
    /// The finding as it stands in the document and in tables.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Worse => "worse",
            Self::NotEnoughEvidence => "not enough evidence",
            Self::Better => "better",
            Self::NoDifference => "no difference",
        }
    }
}

impl Row {
    /// Whether it makes the comparison fail: worse, and not refuted by a repetition.
    #[must_use]
    pub fn fails(&self) -> bool {
        self.verdict == Finding::Worse && self.confirmed != Some(false)
    }
}
