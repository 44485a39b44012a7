//! The floor of the instrument: what bench itself adds to what it measures, on this machine and now.
//!
//! A swarm of the real clients against an echo in the same process that knows
//! when it wrote each message; and, by themselves, the clocks, the booking of a
//! delivery and the memory of what is booked.

mod booking;
mod clocks;
mod echo;
mod load;

use std::fmt;
use std::io;

pub use load::DESCRIPTORS;

use thiserror::Error;

use crate::record::Series;
use crate::swarm::SwarmError;
use crate::units::show_nanos;

/// Of how far the instant that bench gives for an arrival is from the truth, at the 99th percentile.
const ARRIVAL_BUDGET: u64 = 50_000;
/// Of booking a delivery.
const BOOKING_BUDGET: f64 = 500.0;

/// Why nothing could be measured.
#[derive(Debug, Error)]
pub enum SelfTestError {
    /// The echo could not work.
    #[error("the echo that bench measures itself with failed")]
    Echo(#[source] io::Error),
    /// The swarm could not work.
    #[error(transparent)]
    Swarm(#[from] SwarmError),
    /// Clients were missing.
    #[error(
        "only {connected} of {asked} clients could connect to the echo within {limit} s; see `ulimit -n`"
    )]
    Clients {
        /// Those that could.
        connected: u64,
        /// All of them.
        asked: usize,
        /// Seconds that they had.
        limit: u64,
    },
}

/// A figure, and what it may be at most.
#[derive(Debug)]
pub struct Figure {
    /// What was measured.
    pub name: &'static str,
    /// It, as a person reads it.
    pub measured: String,
    /// Its budget, and whether it is kept; `None` for a figure that is only told.
    pub budget: Option<(String, bool)>,
}

/// Every figure of a self-test.
#[derive(Debug)]
pub struct SelfTest {
    /// Whether this build is the optimised one, which budgets are made for.
    pub optimised: bool,
    /// What was done.
    pub load: String,
    /// In the order of the table.
    pub figures: Vec<Figure>,
}

impl SelfTest {
    /// The figures that are over their budget.
    #[must_use]
    pub fn over(&self) -> Vec<&'static str> {
        let over = |figure: &&Figure| figure.budget.as_ref().is_some_and(|(_, kept)| !kept);
        let over = self.figures.iter().filter(over);
        over.map(|figure| figure.name).collect()
    }
}

impl fmt::Display for SelfTest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}\n", self.load)?;
        writeln!(f, "{:<52} {:>22}   budget", "figure", "measured")?;
        for Figure {
            name,
            measured,
            budget,
        } in &self.figures
        {
            write!(f, "{name:<52} {measured:>22}")?;
            match budget {
                Some((budget, true)) => writeln!(f, "   {budget}: ok")?,
                Some((budget, false)) => writeln!(f, "   {budget}: OVER")?,
                None => writeln!(f)?,
            }
        }
        Ok(())
    }
}

/// Measures everything; takes about ten seconds.
///
/// # Errors
/// [`SelfTestError`] when the echo or the clients cannot work here.
pub fn run() -> Result<SelfTest, SelfTestError> {
    let mut figures = Vec::new();
    let told = load::run()?;
    told.figures(&mut figures);
    clocks::figures(&mut figures).map_err(SelfTestError::Echo)?;
    booking::figures(&mut figures);
    Ok(SelfTest {
        optimised: !cfg!(debug_assertions),
        load: told.describe(),
        figures,
    })
}

fn told(name: &'static str, measured: String) -> Figure {
    Figure {
        name,
        measured,
        budget: None,
    }
}

fn bounded(name: &'static str, measured: String, budget: String, kept: bool) -> Figure {
    Figure {
        name,
        measured,
        budget: Some((budget, kept)),
    }
}

/// Some quantiles of a series, as `12 µs / 1.20 ms`; a dash when there is nothing.
fn quantiles(series: &Series, wanted: &[f64]) -> String {
    let value = |quantile: &f64| series.quantile(*quantile);
    let values: Option<Vec<u64>> = wanted.iter().map(value).collect();
    let Some(values) = values else {
        return "-".to_owned();
    };
    let shown: Vec<String> = values
        .iter()
        .map(|nanos| show_nanos(*nanos as f64))
        .collect();
    shown.join(" / ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_figure_over_its_budget_is_named_and_marked() {
        let selftest = SelfTest {
            optimised: true,
            load: "This.".to_owned(),
            figures: vec![
                told("told", "1 ns".to_owned()),
                bounded("kept", "2 ns".to_owned(), "under 3 ns".to_owned(), true),
                bounded("broken", "4 ns".to_owned(), "under 3 ns".to_owned(), false),
            ],
        };
        assert_eq!(selftest.over(), ["broken"]);
        let table = selftest.to_string();
        assert!(table.contains("under 3 ns: OVER\n") && table.contains("under 3 ns: ok\n"));
    }
}
