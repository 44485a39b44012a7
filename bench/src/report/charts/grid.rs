//! The combinations of two numbers that the matrix varies, as rows and columns of a map.

use std::collections::BTreeMap;

use super::factor::{NUMERIC, Numeric};
use crate::report::comparison::Comparison;
use crate::report::show;
use crate::scenario::{Factor, Load};

/// A grid of comparisons; what else varies is held at its shown value.
pub(crate) struct Grid<'a> {
    pub(crate) x: Side,
    pub(crate) y: Side,
    cells: Vec<Option<&'a Comparison<'a>>>,
}

/// One side of a grid.
pub(crate) struct Side {
    pub(crate) key: &'static str,
    pub(crate) title: String,
    /// The values in words, ascending.
    pub(crate) labels: Vec<String>,
    values: Vec<f64>,
}

impl Side {
    fn of(numeric: &Numeric, cells: &[&Comparison<'_>]) -> Option<Self> {
        let mut values: Vec<f64> = cells.iter().filter_map(|c| c.number(numeric.key)).collect();
        values.sort_by(f64::total_cmp);
        values.dedup();
        let each = (numeric.key == "rate").then(|| channels(cells)).flatten();
        let label = |value: &f64| match each {
            Some(channels) => show::count(value / channels),
            None => show::factor_value(numeric.key, &Factor::Number(*value)),
        };
        (values.len() > 1).then(|| Self {
            key: numeric.key,
            title: if each.is_some() {
                "Messages a second to each client".to_owned()
            } else {
                numeric.axis.to_owned()
            },
            labels: values.iter().map(label).collect(),
            values,
        })
    }

    pub(crate) fn len(&self) -> usize {
        self.values.len()
    }

    /// A value of this side in a sentence, such as `poll interval 1 s`.
    pub(crate) fn said(&self, place: usize) -> String {
        let label = &self.labels[place];
        match self.key {
            "rate" if label == "1" => "1 message/s".to_owned(),
            "rate" => format!("{label} messages/s"),
            "clients" | "channels" | "publishers" => format!("{label} {}", self.key),
            key => format!("{} {label}", key.replace('_', " ")),
        }
    }
}

/// The number of channels, when all cells have the same: then the rate is told for each client.
#[expect(clippy::cast_precision_loss, reason = "at most a million")]
fn channels(cells: &[&Comparison<'_>]) -> Option<f64> {
    let mut all = cells.iter().filter_map(|c| load(c)).map(|l| l.channels);
    let first = all.next()?;
    all.all(|other| other == first).then_some(first as f64)
}

fn load<'a>(comparison: &Comparison<'a>) -> Option<&'a Load> {
    Some(&comparison.groups.first()?.trials.first()?.load)
}

impl<'a> Grid<'a> {
    /// The grid of the first two numbers that vary; `None` when fewer do, or nothing can be compared in it.
    pub(crate) fn of(all: &'a [Comparison<'a>], shown: &Comparison<'_>) -> Option<Self> {
        let mut varied = NUMERIC.iter().filter(|n| {
            let first = shown.number(n.key);
            first.is_some() && all.iter().any(|c| c.number(n.key) != first)
        });
        let (across, up) = (varied.next()?, varied.next()?);
        let rest = |c: &Comparison<'_>| -> BTreeMap<String, Factor> {
            let others = c.factors.iter();
            let others = others.filter(|(key, _)| *key != across.key && *key != up.key);
            others.map(|(k, v)| (k.clone(), v.clone())).collect()
        };
        let cells: Vec<&Comparison<'_>> = all.iter().filter(|c| rest(c) == rest(shown)).collect();
        let (x, y) = (Side::of(across, &cells)?, Side::of(up, &cells)?);
        let find = |row: usize, column: usize| {
            cells.iter().copied().find(|c| {
                c.number(x.key) == Some(x.values[column]) && c.number(y.key) == Some(y.values[row])
            })
        };
        let found: Vec<_> = (0..y.len())
            .flat_map(|row| (0..x.len()).map(move |column| (row, column)))
            .map(|(row, column)| find(row, column))
            .collect();
        let compared = found.iter().flatten().any(|c| c.groups.len() > 1);
        compared.then_some(Self { x, y, cells: found })
    }

    /// Every cell with its row, counted from the least value, and its column.
    pub(crate) fn cells(&self) -> impl Iterator<Item = (usize, usize, Option<&'a Comparison<'a>>)> {
        let columns = self.x.len();
        let all = self.cells.iter().enumerate();
        all.map(move |(place, cell)| (place / columns, place % columns, *cell))
    }
}
