//! Whether two runs may be compared at all, and what else than the judged program differs.

use std::collections::BTreeMap;

use super::load;
use crate::result::compared::Difference;
use crate::result::{RunResult, TrialResult};
use crate::scenario::Factor;

/// Why two runs cannot be compared.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unlike {
    /// Not one combination of factors is in both.
    #[error(
        "`{base}` and `{candidate}` have no combination of factors in common; compare two runs of one scenario"
    )]
    NothingInCommon {
        /// The base.
        base: String,
        /// The candidate.
        candidate: String,
    },
    /// The same combination stands for different loads.
    #[error(
        "at `{at}` the two runs had different loads: {key} was {base} and is {candidate}; compare two runs of one scenario"
    )]
    Load {
        /// The combination.
        at: String,
        /// The key of the load.
        key: String,
        /// The base's value.
        base: String,
        /// The candidate's value.
        candidate: String,
    },
}

/// Refuses a combination of factors that stands for two loads.
pub(super) fn loads(base: &[&TrialResult], candidate: &[&TrialResult]) -> Result<(), Unlike> {
    let (Some(base), Some(candidate)) = (base.first(), candidate.first()) else {
        return Ok(());
    };
    match load::differences(base, candidate).into_iter().next() {
        None => Ok(()),
        Some(first) => Err(Unlike::Load {
            at: label(&base.factors),
            key: first.key,
            base: first.one,
            candidate: first.other,
        }),
    }
}

/// What differs between two runs beside what they measured, the serious first.
pub(super) fn differences(base: &RunResult, candidate: &RunResult) -> Vec<Difference> {
    let (b, c) = (&base.environment, &candidate.environment);
    let or = |text: &Option<String>, none: &str| text.clone().unwrap_or_else(|| none.to_owned());
    let phases = |run: &RunResult| {
        // To a tenth of a second: what is meant, not what the clock gave.
        run.trials.first().map_or_else(String::new, |trial| {
            format!("{:.1} s", trial.phases.measure as f64 / 1e9)
        })
    };
    let all = [
        ("processor", b.cpu.clone(), c.cpu.clone(), true),
        ("cores", b.cores.to_string(), c.cores.to_string(), true),
        ("memory", gibibytes(b.memory), gibibytes(c.memory), true),
        ("kernel", b.kernel.clone(), c.kernel.clone(), true),
        ("build profile", b.profile.clone(), c.profile.clone(), true),
        (
            "pinning",
            or(&b.pinning, "none"),
            or(&c.pinning, "none"),
            true,
        ),
        (
            "kernel timestamps",
            b.kernel_timestamps.to_string(),
            c.kernel_timestamps.to_string(),
            true,
        ),
        ("measured phase", phases(base), phases(candidate), true),
        (
            "scenario",
            base.scenario.clone(),
            candidate.scenario.clone(),
            false,
        ),
        (
            "seed",
            base.seed.to_string(),
            candidate.seed.to_string(),
            false,
        ),
        (
            "version of bench",
            b.version.clone(),
            c.version.clone(),
            false,
        ),
        (
            "commit of bench",
            or(&b.commit, "unknown"),
            or(&c.commit, "unknown"),
            false,
        ),
        ("target", b.target.clone(), c.target.clone(), false),
    ];
    all.into_iter()
        .filter(|(_, base, candidate, _)| base != candidate)
        .map(|(what, base, candidate, serious)| Difference {
            what: what.to_owned(),
            base,
            candidate,
            serious,
            confirmation: false,
        })
        .collect()
}

/// To a tenth: the kernel's share of memory differs a little from boot to boot.
fn gibibytes(bytes: u64) -> String {
    format!("{:.1} GiB", bytes as f64 / f64::from(1 << 30))
}

/// A combination in short: the transport, then the other factors.
pub(super) fn label(factors: &BTreeMap<String, Factor>) -> String {
    let transport = factors.get("transport").map(Factor::to_string);
    let others = factors.iter().filter(|(key, _)| *key != "transport");
    let parts = others.map(|(key, value)| format!("{key} {value}"));
    transport
        .into_iter()
        .chain(parts)
        .collect::<Vec<_>>()
        .join(", ")
}

/// Sorts combinations: numbers by their size.
pub(super) fn order(factors: &BTreeMap<String, Factor>) -> Vec<(f64, String)> {
    let key = |factor: &Factor| match factor {
        Factor::Number(number) => (*number, String::new()),
        Factor::Text(text) => (f64::INFINITY, text.clone()),
    };
    factors.values().map(key).collect()
}
