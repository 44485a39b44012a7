//! The one table of metrics: gates, cells, tables and charts read a trial through it.

mod events;
mod table;

use std::collections::BTreeMap;

use events::EVENTS;
use table::{PLAIN, SERIES};

use super::compared::Better;
use super::{Cell, Spread, TrialResult};
use crate::scenario::{Kind, Known};
use crate::stats;
pub use crate::stats::median;
use crate::units::{show_bytes, show_count, show_nanos};

/// What a metric's number counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// A span of time in nanoseconds.
    Nanoseconds,
    /// An amount of bytes.
    Bytes,
    /// Bytes each second.
    BytesPerSecond,
    /// A number of things.
    Count,
    /// A part of a whole, 0 to 1.
    Share,
    /// Processors kept busy.
    Cores,
}

impl Unit {
    /// Shows a value of this unit to a person, with three significant figures.
    #[must_use]
    pub fn show(self, value: f64) -> String {
        match self {
            Self::Nanoseconds => show_nanos(value),
            Self::Bytes => show_bytes(value),
            Self::BytesPerSecond => format!("{}/s", show_bytes(value)),
            Self::Count => show_number(value),
            Self::Share => format!("{:.1} %", value * 100.0),
            Self::Cores => format!("{value:.2} cores"),
        }
    }

    /// Its name in documents: `ns`, `bytes`, `bytes/s`, `count`, `share` or `cores`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Nanoseconds => "ns",
            Self::Bytes => "bytes",
            Self::BytesPerSecond => "bytes/s",
            Self::Count => "count",
            Self::Share => "share",
            Self::Cores => "cores",
        }
    }

    /// The ending of a CSV column's name, such as `_ns`; empty for plain numbers.
    #[must_use]
    pub fn suffix(self) -> &'static str {
        match self {
            Self::Nanoseconds => "_ns",
            Self::Bytes => "_bytes",
            Self::BytesPerSecond => "_bytes_per_second",
            Self::Count | Self::Share | Self::Cores => "",
        }
    }
}

fn show_number(value: f64) -> String {
    if value.fract() == 0.0 && (0.0..9e15).contains(&value) {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "checked: whole, not negative, below 2^53"
        )]
        return show_count(value as u64);
    }
    format!("{value:.2}")
}

/// A figure that can be read from a trial.
#[derive(Debug)]
pub struct Metric {
    /// The name that gates use, such as `delivery.p99`.
    pub name: &'static str,
    /// What its number counts.
    pub unit: Unit,
    /// Which direction is better; of what describes the load or the generator, neither.
    pub better: Better,
    /// How it is computed, in one line.
    pub formula: &'static str,
    read: fn(&TrialResult) -> Option<f64>,
}

impl Metric {
    /// The trial's value; `None` when it was not measured.
    #[must_use]
    pub fn of(&self, trial: &TrialResult) -> Option<f64> {
        (self.read)(trial).filter(|value| value.is_finite())
    }

    /// The median over those of `trials` that have a value.
    #[must_use]
    pub fn median(&self, trials: &[&TrialResult]) -> Option<f64> {
        median(self.values(trials))
    }

    /// The values of those of `trials` that have one.
    #[must_use]
    pub fn values(&self, trials: &[&TrialResult]) -> Vec<f64> {
        trials.iter().filter_map(|trial| self.of(trial)).collect()
    }

    /// The median over those of `trials` that have a value, and its interval.
    #[must_use]
    pub fn spread(&self, trials: &[&TrialResult]) -> Option<Spread> {
        spread(self.values(trials))
    }
}

/// Every metric, in the order of tables.
pub fn all() -> impl Iterator<Item = &'static Metric> {
    SERIES.iter().flatten().chain(&PLAIN).chain(&EVENTS)
}

/// The name of every metric.
pub fn names() -> impl Iterator<Item = &'static str> {
    all().map(|metric| metric.name)
}

/// Every metric, as a scenario has to know it.
#[must_use]
pub fn known() -> Vec<Known<'static>> {
    let known = |metric: &'static Metric| Known {
        name: metric.name,
        kind: match metric.unit {
            Unit::Nanoseconds => Kind::Time,
            Unit::Bytes | Unit::BytesPerSecond => Kind::Bytes,
            Unit::Share => Kind::Share,
            Unit::Count | Unit::Cores => Kind::Number,
        },
    };
    all().map(known).collect()
}

/// The metric of that name.
#[must_use]
pub fn find(name: &str) -> Option<&'static Metric> {
    all().find(|metric| metric.name == name)
}

/// One cell for each combination of factors, in the order in which the trials name them.
///
/// A cell speaks for its valid trials, or for all of them when none is valid.
/// What no trial measured is left out.
#[must_use]
pub fn cells(trials: &[TrialResult]) -> Vec<Cell> {
    groups(trials).iter().map(|group| cell(group)).collect()
}

/// The trials of each combination of factors, in the order in which the trials name them; no group is empty.
#[must_use]
pub fn groups(trials: &[TrialResult]) -> Vec<Vec<&TrialResult>> {
    let mut groups: Vec<Vec<&TrialResult>> = Vec::new();
    for trial in trials {
        match groups.iter_mut().find(|g| g[0].factors == trial.factors) {
            Some(group) => group.push(trial),
            None => groups.push(vec![trial]),
        }
    }
    groups
}

fn cell(group: &[&TrialResult]) -> Cell {
    let trusted = trusted(group);
    let metrics =
        all().filter_map(|metric| Some((metric.name.to_owned(), metric.spread(&trusted)?)));
    Cell {
        factors: group
            .first()
            .map_or_else(BTreeMap::new, |trial| trial.factors.clone()),
        metrics: metrics.collect(),
    }
}

/// The median over repeats and its interval; `None` without values.
#[must_use]
pub fn spread(values: Vec<f64>) -> Option<Spread> {
    let interval = stats::median_interval(&values);
    Some(Spread {
        median: median(values)?,
        low: interval.map(|i| i.low),
        high: interval.map(|i| i.high),
        confidence: interval.map(|i| i.confidence),
    })
}

/// The valid ones of some trials, or all of them when none is valid.
#[must_use]
pub fn trusted<'a>(trials: &[&'a TrialResult]) -> Vec<&'a TrialResult> {
    let valid: Vec<_> = trials.iter().copied().filter(|t| t.valid).collect();
    if valid.is_empty() {
        trials.to_vec()
    } else {
        valid
    }
}
