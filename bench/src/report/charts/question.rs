//! What a crossover map asks of each cell: which transport is best there, as measured and by the model.

use super::grid::Grid;
use crate::model;
use crate::report::comparison::{Comparison, Group};
use crate::result::metric::{self, Unit};
use crate::result::{RunResult, TrialResult};
use crate::scenario::{Load, Transport};

/// A bound for freshness that no gate names: what people take for at once in a feed or a chat.
const FRESH_NS: f64 = 1e9;

/// How old a message may be.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Fresh {
    /// `delivery.p99` or `delivery.p50`.
    pub(crate) metric: &'static str,
    /// Nanoseconds.
    pub(crate) bound: f64,
    /// Whether a gate of the scenario says so.
    pub(crate) asked: bool,
}

impl Fresh {
    /// As a gate on every transport has it, `"* delivery.p99" = "<= 200ms"`; else p99 within a second.
    pub(crate) fn of(run: &RunResult) -> Self {
        let by_gate = run.gates.iter().find_map(|gate| {
            let words: Vec<&str> = gate.rule.split_whitespace().collect();
            // A bound relative to something else has more words.
            let ["*", name, "<=" | "<", _] = words[..] else {
                return None;
            };
            let known = ["delivery.p99", "delivery.p50"];
            Some(Self {
                metric: known.into_iter().find(|known| *known == name)?,
                bound: gate.bound?,
                asked: true,
            })
        });
        by_gate.unwrap_or(Self {
            metric: "delivery.p99",
            bound: FRESH_NS,
            asked: false,
        })
    }

    /// `p99` or `p50`.
    pub(crate) fn short(&self) -> &'static str {
        self.metric.trim_start_matches("delivery.")
    }

    fn predicted(&self, trial: &TrialResult) -> Option<f64> {
        if self.short() == "p99" {
            trial.predicted.delivery_p99_ns
        } else {
            // Polling's delays are uniform, and those of the others spread little.
            trial.predicted.delivery_mean_ns
        }
    }
}

/// What makes a transport the best one.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Question {
    /// The fewest wire bytes for the same messages.
    Bytes,
    /// The least server CPU time for them.
    Cpu,
    /// The fewest wire bytes among those that are fresh enough.
    Fresh(Fresh),
}

/// A cell's answer.
pub(crate) struct Answer<'a> {
    /// Cost and transport, cheapest first; of a map of freshness only those that are fresh enough.
    pub(crate) ranked: Vec<(f64, &'a Group<'a>)>,
    /// Those that are not, with what they took.
    pub(crate) late: Vec<(f64, &'a Group<'a>)>,
    /// Those that ran and cannot be trusted.
    pub(crate) invalid: Vec<Transport>,
}

impl<'a> Answer<'a> {
    /// Whether there are two that can be compared.
    pub(crate) fn compared(&self) -> bool {
        self.ranked.len() + self.late.len() > 1
    }

    /// The best one; `None` when none is fresh enough, or nothing can be compared.
    pub(crate) fn best(&self) -> Option<(f64, &'a Group<'a>)> {
        self.ranked.first().copied().filter(|_| self.compared())
    }

    /// How many times as much the next one costs.
    pub(crate) fn lead(&self) -> Option<f64> {
        match self.ranked.as_slice() {
            [(best, _), (next, _), ..] if *best > 0.0 => Some(next / best),
            _ => None,
        }
    }
}

impl Question {
    /// The unit of its costs, which are for one client and second.
    pub(crate) fn unit(self) -> Unit {
        match self {
            Self::Bytes | Self::Fresh(_) => Unit::BytesPerSecond,
            Self::Cpu => Unit::Nanoseconds,
        }
    }

    /// The answer of a cell by what was measured in valid trials.
    pub(crate) fn answer<'a>(self, cell: &'a Comparison<'a>) -> Answer<'a> {
        let mut ranked = Vec::new();
        let mut late = Vec::new();
        for group in cell.groups.iter().filter(|g| g.valid) {
            let Some(cost) = self.cost(group) else {
                continue;
            };
            match self {
                Self::Fresh(fresh) => match group.median(fresh.metric) {
                    Some(age) if age <= fresh.bound => ranked.push((cost, group)),
                    Some(age) => late.push((age, group)),
                    None => {}
                },
                _ => ranked.push((cost, group)),
            }
        }
        ranked.sort_by(|one, other| one.0.total_cmp(&other.0));
        let invalid = cell.groups.iter().filter(|g| !g.valid);
        Answer {
            ranked,
            late,
            invalid: invalid.map(|g| g.transport).collect(),
        }
    }

    fn cost(self, group: &Group<'_>) -> Option<f64> {
        match self {
            Self::Bytes | Self::Fresh(_) => group.median("wire_bytes_per_client_second"),
            Self::Cpu => {
                let cores = metric::find("server_cores")?;
                #[expect(clippy::cast_precision_loss, reason = "at most a million clients")]
                let each = |t: &&TrialResult| {
                    let clients = t.clients.connected as f64;
                    Some(cores.of(t)? * 1e9 / clients).filter(|v| v.is_finite())
                };
                metric::median(group.trials.iter().filter_map(each).collect())
            }
        }
    }

    /// Cost and age that the model predicts for a transport, as logarithms: they are close to straight
    /// between cells whose factors are so many times apart.
    fn predicted(self, trial: &TrialResult) -> Predicted {
        let rate = rate(&trial.load);
        let bytes = || Some(trial.predicted.wire_bytes_per_message? * rate);
        let (cost, age) = match self {
            Self::Bytes => (bytes()?, 1.0),
            Self::Cpu => (model::server_time_per_client(&trial.load, rate), 1.0),
            Self::Fresh(fresh) => (bytes()?, fresh.predicted(trial)?),
        };
        (cost > 0.0 && age > 0.0).then(|| (cost.ln(), age.ln()))
    }

    fn bound(self) -> f64 {
        match self {
            Self::Fresh(fresh) => fresh.bound.ln(),
            _ => f64::INFINITY,
        }
    }
}

/// Messages a second to each client.
#[expect(clippy::cast_precision_loss, reason = "at most a million channels")]
fn rate(load: &Load) -> f64 {
    load.rate / load.channels.max(1) as f64
}

/// Logarithms of the cost and the age that the model predicts; `None` where it does not apply.
type Predicted = Option<(f64, f64)>;

/// What the model says between the cells of a grid, whose squares have sides of 1.
pub(crate) struct Theory {
    question: Question,
    columns: usize,
    rows: usize,
    /// For each transport, at the middle of each cell.
    known: Vec<(Transport, Vec<Predicted>)>,
}

impl Theory {
    pub(crate) fn of(question: Question, grid: &Grid<'_>) -> Self {
        let of = |transport: Transport| -> Vec<Predicted> {
            grid.cells()
                .map(|(_, _, cell)| {
                    let groups = &cell?.groups;
                    let group = groups.iter().find(|g| g.transport == transport)?;
                    question.predicted(group.trials.first()?)
                })
                .collect()
        };
        let ran = |transport: &Transport| {
            let mut cells = grid.cells().filter_map(|(_, _, cell)| cell);
            cells.any(|cell| cell.groups.iter().any(|g| g.transport == *transport))
        };
        let transports = Transport::ALL.into_iter().filter(ran);
        Self {
            question,
            columns: grid.x.len(),
            rows: grid.y.len(),
            known: transports.map(|t| (t, of(t))).collect(),
        }
    }

    /// The best transport at a place, or that none is fresh enough; `None` where the model does not know of every
    /// transport.
    pub(crate) fn best(&self, x: f64, y: f64) -> Option<Option<Transport>> {
        let mut best: Option<(f64, Transport)> = None;
        for (transport, cells) in &self.known {
            let (cost, age) = self.between(cells, x, y)?;
            let fresh = age <= self.question.bound();
            if fresh && best.is_none_or(|(least, _)| cost < least) {
                best = Some((cost, *transport));
            }
        }
        Some(best.map(|(_, transport)| transport))
    }

    /// Between the middles of four cells; beyond the outermost ones, as it goes on.
    fn between(&self, cells: &[Predicted], x: f64, y: f64) -> Predicted {
        let (column, right) = part(x, self.columns);
        let (row, up) = part(y, self.rows);
        let at = |row: usize, column: usize| cells.get(row * self.columns + column).copied()?;
        let corners = [
            (at(row, column)?, (1.0 - right) * (1.0 - up)),
            (at(row, column + 1)?, right * (1.0 - up)),
            (at(row + 1, column)?, (1.0 - right) * up),
            (at(row + 1, column + 1)?, right * up),
        ];
        Some(
            corners
                .iter()
                .fold((0.0, 0.0), |sum, ((cost, age), share)| {
                    (sum.0 + cost * share, sum.1 + age * share)
                }),
        )
    }
}

/// The cell whose middle is the last one before a place, and how far the place is on the way to the next.
fn part(place: f64, cells: usize) -> (usize, f64) {
    let last = cells.saturating_sub(2);
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "`as` saturates: before the first middle it is the first cell"
    )]
    let cell = ((place - 0.5).floor() as usize).min(last);
    #[expect(clippy::cast_precision_loss, reason = "a handful of cells")]
    let from = cell as f64 + 0.5;
    (cell, place - from)
}
