//! An axis: where a value stands, and which values are named.

use crate::report::show;
use crate::result::metric::Unit;

/// Named values that reach so many times as far as the least of them stand on a log axis.
const SPAN: f64 = 4.0;

/// How values are spread along an axis.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scale {
    Linear,
    Log,
    /// Quantiles by `1 / (1 - q)` on a log scale: each nine takes the same room.
    Nines,
}

/// An axis from `low` to `high`.
#[derive(Debug, Clone)]
pub(crate) struct Axis {
    pub(crate) title: String,
    pub(crate) scale: Scale,
    pub(crate) low: f64,
    pub(crate) high: f64,
    /// Values with a line and a label.
    pub(crate) ticks: Vec<(f64, String)>,
    /// Values with a faint line only.
    pub(crate) minor: Vec<f64>,
}

impl Axis {
    /// Where a value stands, from 0 at `low` to 1 at `high`; values outside stand at the end.
    pub(crate) fn place(&self, value: f64) -> f64 {
        let to = |v: f64| match self.scale {
            Scale::Linear => v,
            Scale::Log => v.max(f64::MIN_POSITIVE).log10(),
            Scale::Nines => -(1.0 - v).max(1e-9).log10(),
        };
        let (low, high) = (to(self.low), to(self.high));
        let share = (to(value) - low) / (high - low);
        if share.is_finite() {
            share.clamp(0.0, 1.0)
        } else {
            0.0
        }
    }

    /// A log axis that holds all positive `values`; labels at powers of ten, and
    /// between them when the axis is short. `None` when there is no such value.
    pub(crate) fn log(
        title: &str,
        unit: Unit,
        values: impl IntoIterator<Item = f64>,
    ) -> Option<Self> {
        let (least, most) = extent(values.into_iter().filter(|v| *v > 0.0))?;
        let steps = [1.0, 2.0, 5.0];
        let low = largest_step(&steps, |s| s <= least * 1.0001)?;
        let high = smallest_step(&steps, |s| s >= most * 0.9999 && s > low)?;
        let decades = (high / low).log10();
        // Within a decade the steps alone would name too few values.
        let named: &[f64] = if decades <= 1.0 {
            &[1.0, 1.5, 2.0, 3.0, 4.0, 5.0, 7.0]
        } else {
            &steps
        };
        let (mut ticks, mut minor) = (Vec::new(), Vec::new());
        for (value, lead) in ladder(named).filter(|(v, _)| within(*v, low, high)) {
            if lead == 0 || decades < 2.5 {
                ticks.push((value, label(unit, value)));
            } else {
                minor.push(value);
            }
        }
        Some(Self {
            title: title.to_owned(),
            scale: Scale::Log,
            low,
            high,
            ticks,
            minor,
        })
    }

    /// A linear axis from 0 that holds all `values`. `None` when none is positive.
    pub(crate) fn linear(
        title: &str,
        unit: Unit,
        values: impl IntoIterator<Item = f64>,
    ) -> Option<Self> {
        let (_, most) = extent(values.into_iter().filter(|v| *v > 0.0))?;
        let step = smallest_step(&[1.0, 2.0, 5.0], |s| most / s <= 5.0)?;
        let count = (most / step).ceil().max(1.0);
        let ticks = (0..=5)
            .map(f64::from)
            .filter(|i| *i <= count)
            .map(|i| (i * step, label(unit, i * step)));
        Some(Self {
            title: title.to_owned(),
            scale: Scale::Linear,
            low: 0.0,
            high: count * step,
            ticks: ticks.collect(),
            minor: Vec::new(),
        })
    }

    /// An axis whose labels are the `values` themselves, such as numbers of clients; a log axis where they
    /// span it, and a linear one where they do not or where one of them is 0.
    pub(crate) fn named(title: &str, values: &[(f64, String)]) -> Option<Self> {
        let (least, most) = extent(values.iter().map(|(value, _)| *value))?;
        let mut ticks = values.to_vec();
        ticks.sort_by(|one, other| one.0.total_cmp(&other.0));
        ticks.dedup_by(|one, other| one.0 == other.0);
        let log = least > 0.0 && most >= SPAN * least;
        let edge = (most - least) * 0.05;
        Some(Self {
            title: title.to_owned(),
            scale: if log { Scale::Log } else { Scale::Linear },
            low: if log { least / 1.15 } else { least - edge },
            high: if log { most * 1.15 } else { most + edge },
            ticks,
            minor: Vec::new(),
        })
    }

    /// Percentiles up to the quantile `high`.
    pub(crate) fn percentiles(title: &str, high: f64) -> Self {
        let ticks = [0.0, 0.5, 0.9, 0.99, 0.999, 0.9999]
            .into_iter()
            .filter(|q| *q <= high)
            .zip(["0 %", "50 %", "90 %", "99 %", "99.9 %", "99.99 %"])
            .map(|(q, label)| (q, label.to_owned()));
        Self {
            title: title.to_owned(),
            scale: Scale::Nines,
            low: 0.0,
            high,
            ticks: ticks.collect(),
            minor: [0.75, 0.95, 0.995, 0.9995]
                .into_iter()
                .filter(|q| *q < high)
                .collect(),
        }
    }

    /// Whole seconds from 0 to `last`.
    pub(crate) fn seconds(title: &str, last: f64) -> Self {
        let step = [1.0, 2.0, 5.0, 10.0, 20.0, 30.0, 60.0, 120.0, 300.0, 600.0]
            .into_iter()
            .find(|s| last / s <= 12.0)
            .unwrap_or(3600.0);
        let mut ticks = Vec::new();
        let mut at = 0.0;
        while at <= last {
            ticks.push((at, format!("{at} s")));
            at += step;
        }
        Self {
            title: title.to_owned(),
            scale: Scale::Linear,
            low: 0.0,
            high: last.max(1.0),
            ticks,
            minor: Vec::new(),
        }
    }
}

fn within(value: f64, low: f64, high: f64) -> bool {
    value >= low * 0.9999 && value <= high * 1.0001
}

fn extent(values: impl Iterator<Item = f64>) -> Option<(f64, f64)> {
    values
        .filter(|v| v.is_finite())
        .fold(None, |known, v| match known {
            None => Some((v, v)),
            Some((low, high)) => Some((f64::min(low, v), f64::max(high, v))),
        })
}

/// The numbers `lead * 10^n` ascending, with the place of the lead.
fn ladder(leads: &[f64]) -> impl Iterator<Item = (f64, usize)> {
    (-3..16).flat_map(move |n| {
        leads
            .iter()
            .enumerate()
            .map(move |(place, lead)| (lead * 10f64.powi(n), place))
    })
}

fn largest_step(leads: &[f64], fits: impl Fn(f64) -> bool) -> Option<f64> {
    ladder(leads).map(|(v, _)| v).filter(|v| fits(*v)).last()
}

fn smallest_step(leads: &[f64], fits: impl Fn(f64) -> bool) -> Option<f64> {
    ladder(leads).map(|(v, _)| v).find(|v| fits(*v))
}

fn label(unit: Unit, value: f64) -> String {
    if value == 0.0 {
        return "0".to_owned();
    }
    show::tidy(&unit.show(value))
}
