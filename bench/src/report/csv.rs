//! CSV files for spreadsheets and scripts. Column names are stable, and what was
//! not measured is an empty field.

use std::collections::BTreeSet;

use csv::Writer;

use crate::result::{RunResult, TrialResult, metric};
use crate::scenario::{Factor, Protocol};

/// The keys that say what a transport is spoken over, and the column that says it in words.
const SPOKEN: [&str; 2] = ["tls", "http"];
const PROTOCOL: &str = "protocol";

fn protocol(trial: &TrialResult) -> String {
    Protocol::of(&trial.load).map_or_else(String::new, |one| one.to_string())
}

/// A row for each trial: the value of each key of the matrix, then every metric.
///
/// # Errors
/// Only when memory cannot be written, which is to say never.
pub fn trials(run: &RunResult) -> Result<Vec<u8>, csv::Error> {
    let keys: BTreeSet<&str> = run
        .trials
        .iter()
        .flat_map(|trial| trial.factors.keys().map(String::as_str))
        .filter(|key| *key != "transport")
        .collect();
    let mut out = Writer::from_writer(Vec::new());
    let fixed = ["trial", "repeat", "transport", "valid"].map(str::to_owned);
    let spoken = keys.iter().any(|key| SPOKEN.contains(key));
    let factors = keys.iter().map(|key| format!("factor_{key}"));
    out.write_record(
        fixed
            .into_iter()
            .chain(factors)
            .chain(spoken.then(|| PROTOCOL.to_owned()))
            .chain(metric::all().map(column)),
    )?;
    for trial in &run.trials {
        let fixed = [
            trial.id.clone(),
            trial.repeat.to_string(),
            trial.transport.to_string(),
            trial.valid.to_string(),
        ];
        let factors = keys.iter().map(|key| {
            trial
                .factors
                .get(*key)
                .map_or_else(String::new, Factor::to_string)
        });
        let metrics = metric::all().map(|m| optional(m.of(trial)));
        let over = spoken.then(|| protocol(trial));
        out.write_record(fixed.into_iter().chain(factors).chain(over).chain(metrics))?;
    }
    finish(out)
}

/// A row for each metric of each combination of factors, over its repeats.
///
/// # Errors
/// Only when memory cannot be written, which is to say never.
pub fn cells(run: &RunResult) -> Result<Vec<u8>, csv::Error> {
    let keys: BTreeSet<&str> = run
        .cells
        .iter()
        .flat_map(|cell| cell.factors.keys().map(String::as_str))
        .filter(|key| *key != "transport")
        .collect();
    let mut out = Writer::from_writer(Vec::new());
    let spoken = keys.iter().any(|key| SPOKEN.contains(key));
    let factors = keys.iter().map(|key| format!("factor_{key}"));
    let fixed = ["metric", "unit", "median", "low", "high", "confidence"].map(str::to_owned);
    out.write_record(
        std::iter::once("transport".to_owned())
            .chain(factors)
            .chain(spoken.then(|| PROTOCOL.to_owned()))
            .chain(fixed),
    )?;
    for cell in &run.cells {
        let of = |trial: &&TrialResult| trial.factors == cell.factors;
        let over = || run.trials.iter().find(of).map(protocol).unwrap_or_default();
        // In the order of the table of metrics.
        for (metric, spread) in metric::all().filter_map(|m| Some((m, cell.metrics.get(m.name)?))) {
            let factors = std::iter::once(&"transport").chain(&keys);
            let factors = factors.map(|key| optional(cell.factors.get(*key)));
            let over = spoken.then(over);
            out.write_record(factors.chain(over).chain([
                metric.name.to_owned(),
                metric.unit.name().to_owned(),
                spread.median.to_string(),
                optional(spread.low),
                optional(spread.high),
                optional(spread.confidence),
            ]))?;
        }
    }
    finish(out)
}

/// The name of a metric's column, with its unit: `delivery.p50` becomes `delivery_p50_ns`.
fn column(metric: &metric::Metric) -> String {
    let name = metric.name.replace('.', "_");
    // A name that says its unit already is left alone.
    if name.contains("bytes") {
        return name;
    }
    format!("{name}{}", metric.unit.suffix())
}

/// A row for each second of each trial, warm-up and drain included.
///
/// # Errors
/// Only when memory cannot be written, which is to say never.
pub fn timeline(run: &RunResult) -> Result<Vec<u8>, csv::Error> {
    let mut out = Writer::from_writer(Vec::new());
    out.write_record([
        "trial",
        "repeat",
        "transport",
        "second",
        "measured",
        "published",
        "delivered",
        "delivery_p50_ns",
        "delivery_p99_ns",
        "delivery_max_ns",
        "schedule_lag_p99_ns",
        "connected",
        "received_bytes",
        "sent_bytes",
        "server_cpu_ns",
        "server_rss_bytes",
        "generator_cpu_ns",
    ])?;
    for trial in &run.trials {
        for row in &trial.timeline {
            out.write_record([
                trial.id.clone(),
                trial.repeat.to_string(),
                trial.transport.to_string(),
                row.second.to_string(),
                row.measured.to_string(),
                row.published.to_string(),
                row.delivered.to_string(),
                optional(row.delivery_p50),
                optional(row.delivery_p99),
                optional(row.delivery_max),
                optional(row.schedule_lag_p99),
                row.connected.to_string(),
                row.received.to_string(),
                row.sent.to_string(),
                optional(row.server_cpu_ns),
                optional(row.server_rss),
                optional(row.generator_cpu_ns),
            ])?;
        }
    }
    finish(out)
}

/// A row for each point of each trial's percentile curve.
///
/// # Errors
/// Only when memory cannot be written, which is to say never.
pub fn percentiles(run: &RunResult) -> Result<Vec<u8>, csv::Error> {
    let mut out = Writer::from_writer(Vec::new());
    out.write_record([
        "trial",
        "repeat",
        "transport",
        "quantile",
        "delivery_ns",
        "arrival_ns",
    ])?;
    for trial in &run.trials {
        for point in &trial.percentiles {
            out.write_record([
                trial.id.clone(),
                trial.repeat.to_string(),
                trial.transport.to_string(),
                point.quantile.to_string(),
                point.delivery.to_string(),
                optional(point.arrival),
            ])?;
        }
    }
    finish(out)
}

fn optional<T: ToString>(value: Option<T>) -> String {
    value.map_or_else(String::new, |v| v.to_string())
}

fn finish(out: Writer<Vec<u8>>) -> Result<Vec<u8>, csv::Error> {
    out.into_inner().map_err(|e| e.into_error().into())
}
