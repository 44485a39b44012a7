//! How a cost grows: what a unit of work costs, times a power of each variable, fitted by least squares.

use statrs::distribution::{ContinuousCDF, StudentsT};
use thiserror::Error;

/// The level of every interval here.
pub const CONFIDENCE: f64 = 0.95;
/// A variable that moves with those before it but for less than this share of its variance cannot be told apart from them.
const APART: f64 = 1e-3;

/// One measurement.
#[derive(Debug, Clone, PartialEq)]
pub struct Point {
    /// What was done, in the order of the law's units; their costs add up.
    pub work: Vec<f64>,
    /// The value of each variable, above 0.
    pub at: Vec<f64>,
    /// What it cost, above 0.
    pub cost: f64,
}

/// Why there is no law.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum NoLaw {
    /// Not enough points to tell the law from chance.
    #[error("{have} trials are too few for its growth, at least {need} are needed")]
    TooFew {
        /// Points there are.
        have: usize,
        /// Points that are needed.
        need: usize,
    },
    /// Nothing was done, or it cost nothing.
    #[error("it cost nothing that could be measured")]
    Nothing,
}

/// The exponent of one variable.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Growth {
    /// The cost of a unit grows with the variable to this power: 0 where it does not.
    pub exponent: f64,
    /// Half the width of its interval at [`CONFIDENCE`].
    pub within: f64,
    /// The value, in the middle of what was measured, where the law is surest.
    pub centre: f64,
    /// The smallest and the largest value measured.
    pub measured: [f64; 2],
}

/// What something costs.
///
/// `cost = (Σ unit_i work_i) · level · Π (variable_j / centre_j) ^ exponent_j`. The units come first, by least squares of relative
/// errors with none below 0; what they leave is a straight line in logarithms, fitted by ordinary least squares
/// (Montgomery, Peck, Vining, Introduction to Linear Regression Analysis, sections 3.2 and 3.5).
#[derive(Debug, Clone, PartialEq)]
pub struct Law {
    /// What each unit of work costs in the middle of what was measured; `level` is in it.
    pub units: Vec<f64>,
    /// By variable; `None` where it did not vary, or moved with those before it.
    pub growth: Vec<Option<Growth>>,
    /// The share by which a measurement lies beside the law, one standard deviation.
    pub scatter: f64,
    /// Points that it rests on.
    pub points: usize,
    freedom: f64,
    /// The inverse of `X'X` over the variables that have an exponent.
    inverse: Vec<Vec<f64>>,
}

/// A cost that the law foresees.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Foreseen {
    /// The most likely cost.
    pub cost: f64,
    /// A single new measurement would lie between `cost / factor` and `cost · factor`, at [`CONFIDENCE`].
    pub factor: f64,
    /// How many times a variable is beyond what was measured, the one that is farthest; 1 when all are within.
    pub beyond: f64,
}

impl Law {
    /// Fits the law.
    ///
    /// # Errors
    /// [`NoLaw`].
    pub fn fit(points: &[Point]) -> Result<Self, NoLaw> {
        let units = units(points).ok_or(NoLaw::Nothing)?;
        let rest: Vec<f64> = points
            .iter()
            .map(|point| (point.cost / dot(&units, &point.work)).ln())
            .collect();
        let variables = points.first().map_or(0, |point| point.at.len());
        let columns: Vec<Column> = (0..variables)
            .map(|number| Column::of(points.iter().map(|point| point.at[number])))
            .collect();
        let kept = apart(&columns);
        let need = kept.len() + units.iter().filter(|unit| **unit > 0.0).count() + 2;
        if points.len() < need {
            return Err(NoLaw::TooFew {
                have: points.len(),
                need,
            });
        }
        let level = mean(&rest);
        let square: Vec<Vec<f64>> = kept
            .iter()
            .map(|one| {
                kept.iter()
                    .map(|other| dot(&columns[*one].logs, &columns[*other].logs))
                    .collect()
            })
            .collect();
        let inverse = inverse(square).ok_or(NoLaw::Nothing)?;
        let products: Vec<f64> = kept
            .iter()
            .map(|one| dot(&columns[*one].logs, &rest))
            .collect();
        let exponents: Vec<f64> = inverse.iter().map(|row| dot(row, &products)).collect();
        let off = rest.iter().enumerate().map(|(row, rest)| {
            let line: f64 = kept
                .iter()
                .zip(&exponents)
                .map(|(one, power)| power * columns[*one].logs[row])
                .sum();
            rest - level - line
        });
        let freedom = (points.len() - (need - 2)) as f64;
        let scatter = (off.map(|off| off * off).sum::<f64>() / freedom).sqrt();
        let mut growth = vec![None; variables];
        for (place, (one, exponent)) in kept.iter().zip(exponents).enumerate() {
            let column = &columns[*one];
            growth[*one] = Some(Growth {
                exponent,
                within: quantile(freedom) * scatter * inverse[place][place].sqrt(),
                centre: column.centre,
                measured: column.measured,
            });
        }
        Ok(Self {
            units: units.iter().map(|unit| unit * level.exp()).collect(),
            growth,
            scatter,
            points: points.len(),
            freedom,
            inverse,
        })
    }

    /// What `work` costs where the variables have the values `at`.
    #[must_use]
    pub fn foresee(&self, work: &[f64], at: &[f64]) -> Foreseen {
        let mut cost = dot(&self.units, work);
        let mut beyond = 1.0_f64;
        let mut away = Vec::new();
        for (growth, value) in self.growth.iter().zip(at) {
            let Some(growth) = growth else { continue };
            let log = (value / growth.centre).ln();
            cost *= (log * growth.exponent).exp();
            beyond = beyond
                .max(value / growth.measured[1])
                .max(growth.measured[0] / value);
            away.push(log);
        }
        let leverage: f64 = self
            .inverse
            .iter()
            .zip(&away)
            .map(|(row, one)| one * dot(row, &away))
            .sum();
        let error = self.scatter * (1.0 + 1.0 / self.points as f64 + leverage).sqrt();
        Foreseen {
            cost,
            factor: (quantile(self.freedom) * error).exp(),
            beyond,
        }
    }
}

/// A variable's logarithms around their mean.
struct Column {
    logs: Vec<f64>,
    centre: f64,
    measured: [f64; 2],
}

impl Column {
    fn of(values: impl Iterator<Item = f64>) -> Self {
        let logs: Vec<f64> = values.map(f64::ln).collect();
        let middle = mean(&logs);
        let (low, high) = logs.iter().fold((f64::MAX, f64::MIN), |(low, high), log| {
            (low.min(*log), high.max(*log))
        });
        Self {
            logs: logs.iter().map(|log| log - middle).collect(),
            centre: middle.exp(),
            measured: [low.exp(), high.exp()],
        }
    }
}

/// The variables that can be told apart, by Gram and Schmidt: each keeps what those before it do not say already.
fn apart(columns: &[Column]) -> Vec<usize> {
    let mut kept = Vec::new();
    let mut basis: Vec<Vec<f64>> = Vec::new();
    for (number, column) in columns.iter().enumerate() {
        let mut own = column.logs.clone();
        for one in &basis {
            let share = dot(&own, one) / dot(one, one);
            own.iter_mut()
                .zip(one)
                .for_each(|(own, one)| *own -= share * one);
        }
        let (left, all) = (dot(&own, &own), dot(&column.logs, &column.logs));
        if all > 1e-9 && left > APART * all {
            kept.push(number);
            basis.push(own);
        }
    }
    kept
}

/// What each unit costs, so that relative errors are least and nothing costs less than nothing. Two units at most.
fn units(points: &[Point]) -> Option<Vec<f64>> {
    let fit = |used: &[usize]| -> Option<(Vec<f64>, f64)> {
        let ratio = |point: &Point, unit: usize| point.work[unit] / point.cost;
        let square = used
            .iter()
            .map(|one| {
                used.iter()
                    .map(|other| {
                        points
                            .iter()
                            .map(|p| ratio(p, *one) * ratio(p, *other))
                            .sum()
                    })
                    .collect()
            })
            .collect();
        let sums: Vec<f64> = used
            .iter()
            .map(|one| points.iter().map(|p| ratio(p, *one)).sum())
            .collect();
        let mut units = vec![0.0; points.first()?.work.len()];
        for (one, row) in used.iter().zip(inverse(square)?) {
            units[*one] = dot(&row, &sums);
        }
        let error = |point: &Point| (dot(&units, &point.work) / point.cost - 1.0).powi(2);
        let error = points.iter().map(error).sum();
        units
            .iter()
            .all(|unit| unit.is_finite() && *unit >= 0.0)
            .then_some((units, error))
    };
    let all: Vec<usize> = (0..points.first()?.work.len()).collect();
    let single = all.iter().filter_map(|one| fit(&[*one]));
    let units = fit(&all)
        .or_else(|| single.min_by(|(_, one), (_, other)| one.total_cmp(other)))?
        .0;
    let works = |point: &Point| dot(&units, &point.work) > 0.0 && point.cost > 0.0;
    points.iter().all(works).then_some(units)
}

/// By Gauss and Jordan; `None` when the rows depend on each other.
fn inverse(mut square: Vec<Vec<f64>>) -> Option<Vec<Vec<f64>>> {
    let size = square.len();
    let mut other: Vec<Vec<f64>> = (0..size)
        .map(|row| {
            (0..size)
                .map(|column| f64::from(u8::from(row == column)))
                .collect()
        })
        .collect();
    for column in 0..size {
        let pivot = (column..size).max_by(|one, two| {
            square[*one][column]
                .abs()
                .total_cmp(&square[*two][column].abs())
        })?;
        square.swap(column, pivot);
        other.swap(column, pivot);
        let by = square[column][column];
        if by.abs() < 1e-300 || !by.is_finite() {
            return None;
        }
        for cell in square[column].iter_mut().chain(&mut other[column]) {
            *cell /= by;
        }
        for row in (0..size).filter(|row| *row != column) {
            let by = square[row][column];
            for place in 0..size {
                let (above, beside) = (square[column][place], other[column][place]);
                square[row][place] -= by * above;
                other[row][place] -= by * beside;
            }
        }
    }
    Some(other)
}

fn quantile(freedom: f64) -> f64 {
    StudentsT::new(0.0, 1.0, freedom).map_or(f64::INFINITY, |t| {
        t.inverse_cdf(f64::midpoint(1.0, CONFIDENCE))
    })
}

fn dot(one: &[f64], other: &[f64]) -> f64 {
    one.iter().zip(other).map(|(one, other)| one * other).sum()
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

#[cfg(test)]
mod tests;
