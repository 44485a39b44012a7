//! What a person reads of it.

use std::fmt::Write;

use super::costs::{Costs, Price, Unit};
use super::law::{CONFIDENCE, Law};
use super::need::{Demand, Limit, Machine, Need};
use crate::scenario::Transport;
use crate::units::{show_bytes, show_count, show_nanos, write_bytes, write_duration};

const VARIABLES: [&str; 3] = ["clients", "rate", "fan-out"];
const MISSING: &str = "–";

/// Writes the plan of each transport, and the laws that it rests on; `source` names the stored run.
#[must_use]
pub fn show(
    source: &str,
    costs: &Costs,
    demand: &Demand,
    machine: &Machine,
    needs: &[(Transport, &Price, Option<Need>)],
) -> String {
    let mut out = String::new();
    head(&mut out, source, costs, demand, machine, needs);
    let rows: Vec<[String; 8]> = needs
        .iter()
        .map(|(transport, _, need)| row(*transport, need.as_ref()))
        .collect();
    let heads = [
        "transport",
        "machines",
        "by",
        "processors",
        "memory",
        "to clients",
        "from them",
        "error",
    ]
    .map(str::to_owned);
    table(&mut out, &heads, &rows);
    notes(&mut out, demand, needs);
    laws(&mut out, needs);
    out
}

#[expect(clippy::cast_precision_loss, reason = "counts below 2^53")]
fn head(
    out: &mut String,
    source: &str,
    costs: &Costs,
    demand: &Demand,
    machine: &Machine,
    needs: &[(Transport, &Price, Option<Need>)],
) {
    let fan_out = demand.clients as f64 / demand.channels as f64;
    let deliveries = fan_out * demand.rate;
    let polls = match needs
        .iter()
        .any(|(transport, ..)| *transport == Transport::Polling)
    {
        true => format!("; polls every {}", write_duration(demand.poll_interval)),
        false => String::new(),
    };
    put(
        out,
        &format!(
            "{} clients of {} channel{}, {} messages/s of {} to {} clients each: {} deliveries/s{polls}",
            show_count(demand.clients),
            show_count(demand.channels),
            if demand.channels == 1 { "" } else { "s" },
            number(demand.rate),
            write_bytes(demand.payload),
            number(fan_out),
            number(deliveries),
        ),
    );
    put(
        out,
        &format!(
            "A machine has {} processors, {} of memory, {}/s each way and {} connections, and {} % of each may be used.",
            number(machine.cores),
            show_bytes(machine.memory),
            show_bytes(machine.bandwidth),
            number(machine.connections),
            number(machine.share * 100.0),
        ),
    );
    let left_out = match costs.left_out {
        0 => String::new(),
        count => format!(
            "; {count} more were left out, for they cannot be trusted, lost messages or did not watch the server"
        ),
    };
    put(
        out,
        &format!("Unit costs: {source}, {} trials{left_out}.", costs.trials),
    );
    out.push('\n');
}

fn row(transport: Transport, need: Option<&Need>) -> [String; 8] {
    let name = transport.name().to_owned();
    let Some(need) = need else {
        let none = || MISSING.to_owned();
        return [
            name,
            "none suffice".to_owned(),
            none(),
            none(),
            none(),
            none(),
            none(),
            none(),
        ];
    };
    let machines = match need.machines_at_most {
        most if most == need.machines => show_count(most),
        most => format!("{} to {}", show_count(need.machines), show_count(most)),
    };
    let bytes = |value: Option<f64>| value.map_or_else(|| MISSING.to_owned(), show_bytes);
    let speed = |value: Option<f64>| {
        value.map_or_else(
            || MISSING.to_owned(),
            |value| format!("{}/s", show_bytes(value)),
        )
    };
    [
        name,
        machines,
        match need.limit {
            Limit::Cpu => "processors",
            Limit::Memory => "memory",
            Limit::Bandwidth => "bandwidth",
            Limit::Connections => "connections",
        }
        .to_owned(),
        need.cores.map_or_else(|| MISSING.to_owned(), number),
        bytes(need.memory),
        speed(need.down),
        speed(need.up),
        format!("× {:.2}", need.factor),
    ]
}

fn notes(out: &mut String, demand: &Demand, needs: &[(Transport, &Price, Option<Need>)]) {
    let percent = number(CONFIDENCE * 100.0);
    out.push('\n');
    put(
        out,
        &format!(
            "Machines: as foreseen, and with every cost at the upper end of its {percent} % interval; error: the widest of these, as a factor."
        ),
    );
    let beyond = needs
        .iter()
        .filter_map(|(transport, _, need)| Some((transport, need.as_ref()?.beyond)));
    for (transport, beyond) in beyond.filter(|(_, beyond)| *beyond > 1.01) {
        put(
            out,
            &format!(
                "{}: a machine does {} times what was measured, and the law is carried on that far.",
                transport.name(),
                number(beyond)
            ),
        );
    }
    let other = needs
        .iter()
        .find_map(|(_, price, _)| price.payload.filter(|payload| *payload != demand.payload));
    if let Some(payload) = other {
        put(
            out,
            &format!(
                "Measured with payloads of {}: the difference is added to the bytes, and to nothing else.",
                write_bytes(payload)
            ),
        );
    }
    put(
        out,
        "Not in it: the engine behind several relays, what following the shared log costs each of them, handshakes of a storm, and TLS unless it was measured.",
    );
}

fn laws(out: &mut String, needs: &[(Transport, &Price, Option<Need>)]) {
    out.push_str("\nGrowth of a unit's cost: the exponent of each variable, and the scatter of a trial around the law\n");
    let mut rows = Vec::new();
    for (transport, price, _) in needs {
        for unit in Unit::ALL {
            let Some(law) = price.law(unit) else { continue };
            let [clients, rate, fan_out] = [0, 1, 2].map(|variable| exponent(law, variable));
            rows.push([
                transport.name().to_owned(),
                units(*transport, unit, law),
                clients,
                rate,
                fan_out,
                format!("± {:.0} %", law.scatter * 100.0),
            ]);
        }
    }
    let [clients, rate, fan_out] = VARIABLES.map(str::to_owned);
    let heads = [
        "transport".to_owned(),
        "cost".to_owned(),
        clients,
        rate,
        fan_out,
        "scatter".to_owned(),
    ];
    table(out, &heads, &rows);
    put(
        out,
        "–: it did not vary in these trials, or moved with those to its left and cannot be told from them.",
    );
}

fn exponent(law: &Law, variable: usize) -> String {
    let growth = law.growth.get(variable).copied().flatten();
    growth.map_or_else(
        || MISSING.to_owned(),
        |growth| format!("{:+.2} ± {:.2}", growth.exponent, growth.within),
    )
}

/// What a unit costs, in words.
fn units(transport: Transport, unit: Unit, law: &Law) -> String {
    let names: [&str; 2] = match (unit, transport) {
        (Unit::Memory, _) => ["client", "process"],
        (_, Transport::Polling) => ["poll", "delivery"],
        _ => ["delivery", ""],
    };
    let priced = law.units.iter().zip(names).filter(|(cost, _)| **cost > 0.0);
    let told: Vec<String> = priced
        .map(|(cost, name)| match unit {
            Unit::Cpu => format!("{} a {name}", show_nanos(cost * 1e9)),
            Unit::Memory => format!("{} a {name}", show_bytes(*cost)),
            Unit::Down => format!("{} down a {name}", show_bytes(*cost)),
            Unit::Up => format!("{} up a {name}", show_bytes(*cost)),
        })
        .collect();
    told.join(", ")
}

/// Columns as wide as their widest cell, numbers to the right.
fn table<const N: usize>(out: &mut String, heads: &[String; N], rows: &[[String; N]]) {
    let width = |column: usize| {
        let cells = rows.iter().map(|row| &row[column]).chain([&heads[column]]);
        cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..N).map(width).collect();
    for row in [heads].into_iter().chain(rows) {
        let cells =
            row.iter()
                .zip(&widths)
                .enumerate()
                .map(|(column, (cell, width))| match column {
                    0 => format!("{cell:<width$}"),
                    _ => format!("{cell:>width$}"),
                });
        put(out, cells.collect::<Vec<_>>().join("   ").trim_end());
    }
}

/// Three significant figures, thousands apart.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "never negative; a float becomes an integer by saturation"
)]
fn number(value: f64) -> String {
    if value >= 100.0 {
        return show_count(value.round() as u64);
    }
    let places = if value >= 10.0 { 1 } else { 2 };
    let text = format!("{value:.places$}");
    match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.').to_owned(),
        false => text,
    }
}

fn put(out: &mut String, line: &str) {
    // Writing to a string cannot fail.
    let _ = writeln!(out, "{line}");
}
