//! The page's wide tables, a row for each trial.

use super::theory::{cause, figures};
use super::{Cell, Column, NOT_VALID, Table, drop_missing, heads, in_order, place, repeated};
use crate::report::show;
use crate::result::{RunResult, metric};

/// What the details of a trial show: upper head, lower head, metric.
const DETAILS: [(&str, &str, &str); 32] = [
    ("delivery latency", "mean", "delivery.mean"),
    ("delivery latency", "p50", "delivery.p50"),
    ("delivery latency", "p90", "delivery.p90"),
    ("delivery latency", "p99", "delivery.p99"),
    ("delivery latency", "p99.9", "delivery.p99_9"),
    ("delivery latency", "max", "delivery.max"),
    ("arrival at the socket", "p50", "arrival.p50"),
    ("arrival at the socket", "p99", "arrival.p99"),
    ("deliveries", "came", "delivered"),
    ("deliveries", "lost", "lost"),
    ("deliveries", "twice", "duplicated"),
    ("deliveries", "out of order", "reordered"),
    ("requests", "answered", "requests"),
    ("requests", "empty", "empty_share"),
    ("bytes per message", "payload", "payload_bytes_per_message"),
    ("bytes per message", "framing", "framing_bytes_per_message"),
    ("bytes per message", "TCP/IP", "tcp_bytes_per_message"),
    ("bytes per message", "wire, all", "wire_bytes_per_message"),
    ("wire bytes", "/client", "wire_bytes_per_client_second"),
    ("server CPU", "/1,000", "server_cpu_per_thousand"),
    ("server CPU", "busy", "server_cores"),
    (
        "server memory",
        "process/client",
        "server_memory_per_client",
    ),
    ("server memory", "kernel/client", "kernel_memory_per_client"),
    ("publishing", "p50", "publish.p50"),
    ("connecting", "p50", "connect.p50"),
    ("connecting", "socket bytes", "bytes_per_connect"),
    ("connecting", "wire bytes", "wire_bytes_per_connect"),
    ("clients", "connected", "clients"),
    ("clients", "reconnects", "reconnects"),
    ("clients", "connections each", "connections_per_client"),
    ("generator", "late by, p99", "schedule_lag.p99"),
    ("generator", "busy", "generator_cores"),
];

/// A row for each trial with what it measured; what no trial measured has no column.
pub(crate) fn every_metric(run: &RunResult) -> Table {
    let (keys, several) = (super::keys(run), repeated(run));
    let mut columns = heads(&keys, several);
    columns.extend(
        DETAILS
            .iter()
            .map(|(over, head, _)| Column::numbers(over, *head)),
    );
    columns.push(Column::words("valid"));
    let rows = in_order(run).into_iter().map(|trial| {
        let mut row = place(trial, &keys, several);
        row.extend(DETAILS.iter().map(|(_, _, name)| {
            metric::find(name).map_or_else(Cell::default, |m| Cell::of(m, m.of(trial)))
        }));
        row.push(if trial.valid { "yes" } else { NOT_VALID }.into());
        row
    });
    let mut table = Table {
        rows: rows.collect(),
        columns,
    };
    drop_missing(&mut table);
    table
}

/// Prediction beside measurement, a row for each trial that has a model: what was measured, below it
/// what was predicted, and the deviation with its cause; empty when no model applies.
pub(crate) fn theory(run: &RunResult) -> Table {
    let (keys, several) = (super::keys(run), repeated(run));
    let mut columns = heads(&keys, several);
    for over in ["mean delivery", "p99 delivery", "wire bytes per message"] {
        columns.push(Column::numbers(over, "measured"));
        columns.push(Column::numbers(over, "off by"));
    }
    columns.push(Column::numbers("uniform delays", "distance"));
    let mut rows = Vec::new();
    for trial in in_order(run) {
        let figures = figures(trial);
        if figures.iter().all(|f| f.predicted.is_none()) && trial.uniformity.is_none() {
            continue;
        }
        let mut row = place(trial, &keys, several);
        for figure in figures {
            if figure.predicted.is_none() {
                row.extend([show::MISSING.into(), show::MISSING.into()]);
                continue;
            }
            let measured = figure.measured(trial);
            row.push(
                Cell::number(show::named(figure.metric, measured), measured).above(format!(
                    "predicted {}",
                    show::named(figure.metric, figure.predicted)
                )),
            );
            row.push(
                Cell::number(show::deviation(figure.deviation), figure.deviation)
                    .above(cause(trial, figure.metric)),
            );
        }
        row.push(trial.uniformity.map_or_else(
            || show::MISSING.into(),
            |law| {
                let limit = format!("≤ {:.3}{}", law.limit, if law.holds { "" } else { ": no" });
                Cell::number(format!("{:.3}", law.d), Some(law.d)).above(limit)
            },
        ));
        rows.push(row);
    }
    let mut table = Table {
        columns,
        rows: rows.into(),
    };
    drop_missing(&mut table);
    table
}
