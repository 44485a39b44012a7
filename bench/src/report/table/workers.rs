//! The processes of the generator, each by itself: one that is worse than the others would hide in their sum.

use super::{Cell, Column, Table, in_order};
use crate::result::{RunResult, WorkerResult};
use crate::units::{show_bytes, show_count, show_nanos};

/// A row for each worker of each trial that had several; empty when none had.
pub(crate) fn workers(run: &RunResult) -> Table {
    let trials = in_order(run).into_iter();
    let all: Vec<(&str, &WorkerResult)> = trials
        .flat_map(|trial| {
            let workers = trial.workers.iter();
            workers.map(|worker| (trial.id.as_str(), worker))
        })
        .collect();
    let clocks = all.iter().any(|(_, worker)| worker.clock.is_some());
    let mut columns = vec![
        Column::words("trial"),
        Column::words("worker"),
        Column::numbers("", "clients"),
        Column::numbers("delivery", "p50"),
        Column::numbers("", "p99"),
        Column::numbers("", "processors"),
        Column::numbers("", "memory"),
    ];
    if clocks {
        columns.push(Column::numbers("", "clock"));
    }
    columns.push(Column::words("end"));
    let row = |(trial, worker): &(&str, &WorkerResult)| -> Vec<Cell> {
        let latency =
            |nanos: Option<u64>| nanos.map_or_else(none, |nanos| show_nanos(float(nanos)));
        let delivery = worker.delivery;
        let busy = worker.cores_busy.map(|cores| format!("{cores:.2}"));
        let memory = worker.rss_peak.map(|bytes| show_bytes(float(bytes)));
        let mut cells: Vec<Cell> = vec![
            (*trial).into(),
            named(worker).into(),
            show_count(worker.clients).into(),
            latency(delivery.map(|delivery| delivery.p50)).into(),
            latency(delivery.map(|delivery| delivery.p99)).into(),
            busy.unwrap_or_else(none).into(),
            memory.unwrap_or_else(none).into(),
        ];
        if clocks {
            cells.push(clock(worker).into());
        }
        let end = worker.lost.clone();
        cells.push(end.unwrap_or_else(|| "by the plan".to_owned()).into());
        cells
    };
    Table {
        columns,
        rows: all.iter().map(row).collect(),
    }
}

fn none() -> String {
    "-".to_owned()
}

/// Its number, its name when it has one, and whether it publishes.
fn named(worker: &WorkerResult) -> String {
    let mut name = worker.number.to_string();
    if let Some(given) = &worker.name {
        name.push_str(&format!(" {given}"));
    }
    if worker.publishes {
        name.push_str(" (publishes)");
    }
    name
}

/// How far its clock is ahead of the coordinator's, and how well that is known.
fn clock(worker: &WorkerResult) -> String {
    worker.clock.map_or_else(none, |clock| {
        let sign = if clock.offset_ns < 0 { "-" } else { "+" };
        format!(
            "{sign}{} ± {}",
            show_nanos(float(clock.offset_ns.unsigned_abs())),
            show_nanos(float(clock.bound_ns))
        )
    })
}

#[expect(clippy::cast_precision_loss, reason = "three figures are shown")]
fn float(number: u64) -> f64 {
    number as f64
}
