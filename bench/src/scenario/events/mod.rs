//! `[[events]]`: faults and storms inside the measured phase.

mod read;

use std::time::Duration;

use serde::{Deserialize, Serialize};

pub(super) use read::{Written, faults, read};

use crate::units::write_duration;

/// Something that happens to clients, server or load while it is measured.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Incident {
    /// When, counted from the start of the measured phase.
    pub at: Duration,
    /// What.
    pub action: Action,
}

/// What happens.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Action {
    /// Clients are cut; each comes back at an instant of its own within the spread.
    Disconnect {
        /// The share of clients, above 0 and up to 1.
        share: f64,
        /// The time within which they come back.
        spread: Duration,
    },
    /// The server's process is stopped, and goes on after a while.
    Freeze {
        /// How long it stands still.
        span: Duration,
    },
    /// Messages are published at another rate.
    Rate {
        /// Messages a second in all channels together.
        rate: f64,
        /// How long; `None` until the next step or the end.
        span: Option<Duration>,
    },
    /// Clients stop reading for a while.
    Slow {
        /// The share of clients, above 0 and up to 1.
        share: f64,
        /// How long they do not read.
        span: Duration,
    },
}

impl Action {
    /// The key that asks for it.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Disconnect { .. } => "disconnect",
            Self::Freeze { .. } => "freeze",
            Self::Rate { .. } => "rate",
            Self::Slow { .. } => "slow",
        }
    }

    /// How long it lasts; `None` for a change of rate that stays.
    #[must_use]
    pub fn span(&self) -> Option<Duration> {
        match *self {
            Self::Disconnect { spread: span, .. }
            | Self::Freeze { span }
            | Self::Slow { span, .. } => Some(span),
            Self::Rate { span, .. } => span,
        }
    }
}

impl Incident {
    /// When it is over, counted from the start of the measured phase; a change of rate that stays is over at once.
    #[must_use]
    pub fn over(&self) -> Duration {
        self.at + self.action.span().unwrap_or_default()
    }

    /// Each line of a scenario that says it, without the head of its table.
    pub(in crate::scenario) fn toml(&self) -> Vec<(&'static str, String)> {
        let quoted = |span| format!("\"{}\"", write_duration(span));
        let name = self.action.name();
        let mut lines = vec![("at", quoted(self.at))];
        match self.action {
            Action::Disconnect { share, spread } => {
                lines.extend([(name, format!("{share:?}")), ("spread", quoted(spread))]);
            }
            Action::Freeze { span } => lines.push((name, quoted(span))),
            Action::Rate { rate, span } => {
                lines.push((name, format!("{rate:?}")));
                lines.extend(span.map(|span| ("for", quoted(span))));
            }
            Action::Slow { share, span } => {
                lines.extend([(name, format!("{share:?}")), ("for", quoted(span))]);
            }
        }
        lines
    }
}

/// Where a rate begins, counted from the start of the measured phase, and what it is:
/// the steps that the events make of a load's `rate`, in order.
#[must_use]
pub fn steps(events: &[Incident], rate: f64) -> Vec<(Duration, f64)> {
    let mut changes: Vec<(&Incident, f64, Option<Duration>)> = events
        .iter()
        .filter_map(|event| match event.action {
            Action::Rate { rate, span } => Some((event, rate, span)),
            _ => None,
        })
        .collect();
    changes.sort_by_key(|(event, ..)| event.at);
    let mut steps: Vec<(Duration, f64)> = Vec::new();
    let mut usual = rate;
    for (event, rate, span) in changes {
        // A rate that begins where another ends takes its place.
        steps.retain(|(at, _)| *at != event.at);
        steps.push((event.at, rate));
        match span {
            Some(span) => steps.push((event.at + span, usual)),
            None => usual = rate,
        }
    }
    steps
}

/// Messages due within the measured phase, on average.
#[must_use]
pub fn messages(events: &[Incident], rate: f64, measure: Duration) -> f64 {
    let (mut from, mut current, mut count) = (Duration::ZERO, rate, 0.0);
    for (at, next) in steps(events, rate) {
        let at = at.min(measure);
        count += current * at.saturating_sub(from).as_secs_f64();
        (from, current) = (at, next);
    }
    count + current * measure.saturating_sub(from).as_secs_f64()
}

/// The highest rate that is ever asked for.
#[must_use]
pub fn peak(events: &[Incident], rate: f64) -> f64 {
    let steps = steps(events, rate).into_iter();
    steps.map(|(_, rate)| rate).fold(rate, f64::max)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn step(at: u32, rate: f64, span: Option<u32>) -> Incident {
        Incident {
            at: SECOND * at,
            action: Action::Rate {
                rate,
                span: span.map(|span| SECOND * span),
            },
        }
    }

    #[test]
    fn a_rate_goes_back_to_the_one_before_it_when_its_time_is_over() {
        let events = [
            step(2, 50.0, Some(3)),
            step(5, 20.0, None),
            step(7, 1.0, Some(1)),
        ];
        assert_eq!(
            steps(&events, 10.0),
            [(2, 50.0), (5, 20.0), (7, 1.0), (8, 20.0)].map(|(at, rate)| (SECOND * at, rate))
        );
        // 2 s of 10, 3 s of 50, 2 s of 20, 1 s of 1, 2 s of 20.
        assert!((messages(&events, 10.0, SECOND * 10) - 251.0).abs() < 1e-9);
        assert!((peak(&events, 10.0) - 50.0).abs() < 1e-9);
        assert!((messages(&[], 10.0, SECOND * 10) - 100.0).abs() < 1e-9);
    }
}
