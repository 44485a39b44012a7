//! A plan as a person reads it: what `bench check` prints.

use std::fmt::Write;
use std::time::Duration;

use super::capacity::descriptors;
use super::setting::Setting;
use super::{Action, Dialect, Incident, Load, Named, Plan, Protocol, Target, Trial};
use crate::units::{show_count, write_bandwidth, write_bytes, write_duration};

/// The keys that say how a client asks.
const REQUEST_KEYS: [&str; 7] = [
    "poll",
    "batch",
    "linger",
    "headers",
    "cookies",
    "origin",
    "keep_alive",
];

/// A relay refuses a larger body unless it is told otherwise.
const RELAY_LIMIT: usize = 64 << 10;

/// Tells what a run will do, trial by trial, and how long it will take.
#[must_use]
pub fn describe(plan: &Plan) -> String {
    let mut out = format!("{}\n", plan.title);
    let phases = plan.phases;
    let facts = [
        ("file", plan.file.display().to_string()),
        ("target", targets(plan)),
        (
            "phases",
            format!(
                "ramp {}, warm-up {}, measure {}, drain at most {}",
                write_duration(phases.ramp),
                write_duration(phases.warm_up),
                write_duration(phases.measure),
                write_duration(phases.drain)
            ),
        ),
        ("seed", plan.seed.to_string()),
    ];
    let nodes = nodes(&plan.trials).map(|fact| ("nodes", fact));
    let spoken = Protocol::told(&plan.trials).map(|fact| ("spoken", fact));
    let clients = unusual(plan);
    let unusual = (!clients.is_empty()).then(|| ("clients", clients.join("; ")));
    let link = link(plan).map(|fact| ("link", fact));
    for (name, fact) in facts
        .into_iter()
        .chain(nodes)
        .chain(spoken)
        .chain(unusual)
        .chain(link)
    {
        put(&mut out, &format!("  {name:<8}{fact}"));
    }
    out.push('\n');
    if let Some(search) = &plan.search {
        put(
            &mut out,
            &format!(
                "  search  the largest {} from {} to {} with {}, to {}%; at most {} for each of {}",
                search.vary.replace('_', " "),
                search.written(search.from),
                search.written(search.to),
                search.condition(),
                search.percent(),
                clock(search.budget),
                if plan.trials.len() == 1 {
                    "one combination".to_owned()
                } else {
                    format!("{} combinations", plan.trials.len())
                }
            ),
        );
        out.push('\n');
        trials(&mut out, &plan.widest());
    } else {
        trials(&mut out, plan);
    }
    for event in &plan.events {
        put(&mut out, &format!("  event   {}", said(event)));
    }
    if !plan.events.is_empty() {
        out.push('\n');
    }
    for gate in &plan.gates {
        put(&mut out, &format!("  gate    {gate}"));
    }
    if !plan.gates.is_empty() {
        out.push('\n');
    }
    let large = |trial: &Trial| trial.load.payload > RELAY_LIMIT;
    if plan.trials.iter().any(large) {
        let note = "note: a relay refuses payloads over 64KiB unless its limit is raised";
        put(&mut out, note);
    }
    let count = plan.trials.len();
    let noun = match (&plan.search, count) {
        (None, 1) => "trial",
        (None, _) => "trials",
        (Some(_), 1) => "search",
        (Some(_), _) => "searches",
    };
    put(
        &mut out,
        &format!(
            "{count} {noun} in about {}, at most {}",
            clock(plan.expected_time()),
            clock(plan.longest_time())
        ),
    );
    out
}

/// The emulated link, when every trial has the same; names of trials tell those that differ.
fn link(plan: &Plan) -> Option<String> {
    let link = plan.trials.first()?.load.link;
    let same = plan.trials.iter().all(|trial| trial.load.link == link);
    let bandwidth =
        |bits: Option<u64>| bits.map_or_else(|| "unlimited".to_owned(), write_bandwidth);
    (same && !link.is_none()).then(|| {
        format!(
            "rtt {}, jitter {}, loss {}, down {}, up {}, emulated for each subscriber",
            write_duration(link.rtt),
            write_duration(link.jitter),
            link.loss,
            bandwidth(link.down),
            bandwidth(link.up)
        )
    })
}

/// How clients ask, where they do not ask as usual: the key and its values over the trials.
fn unusual(plan: &Plan) -> Vec<String> {
    let usual = Setting::of_load(&Load::default());
    let mut found: Vec<(&str, Vec<String>)> = Vec::new();
    for trial in &plan.trials {
        for setting in Setting::of_load(&trial.load) {
            let key = setting.key();
            if !REQUEST_KEYS.contains(&key) || usual.contains(&setting) {
                continue;
            }
            let values = match found.iter_mut().find(|(known, _)| *known == key) {
                Some((_, values)) => values,
                None => {
                    found.push((key, Vec::new()));
                    let last = found.len() - 1;
                    &mut found[last].1
                }
            };
            let value = setting.toml();
            if !values.contains(&value) {
                values.push(value);
            }
        }
    }
    let line = |(key, values): (&str, Vec<String>)| format!("{key} = {}", values.join(" or "));
    found.into_iter().map(line).collect()
}

/// What stands above each column; what is counted is counted in the measured phase.
const HEAD: [&str; 9] = [
    "trial",
    "transport",
    "clients",
    "channels",
    "messages/s",
    "payload",
    "messages",
    "deliveries",
    "descriptors",
];

fn trials(out: &mut String, plan: &Plan) {
    let rows: Vec<[String; 9]> = std::iter::once(HEAD.map(str::to_owned))
        .chain(plan.trials.iter().map(|trial| row(trial, plan)))
        .collect();
    let width = |column: usize| {
        rows.iter()
            .map(|row| row[column].len())
            .max()
            .unwrap_or_default()
    };
    let widths: [usize; 9] = std::array::from_fn(width);
    for row in &rows {
        let mut line = String::new();
        for (column, (cell, width)) in row.iter().zip(widths).enumerate() {
            // Names to the left, figures to the right.
            line.push_str(&if column < 2 {
                format!("  {cell:<width$}")
            } else {
                format!("  {cell:>width$}")
            });
        }
        put(out, line.trim_end());
    }
    out.push_str("  (messages and deliveries: in the measured phase, on average)\n\n");
}

fn row(trial: &Trial, plan: &Plan) -> [String; 9] {
    let load = &trial.load;
    let messages = plan.messages_of(load);
    [
        trial.id.clone(),
        load.transport.to_string(),
        show_count(load.clients as u64),
        show_count(load.channels as u64),
        load.rate.to_string(),
        write_bytes(load.payload),
        whole(messages),
        whole(messages * load.subscribers_per_channel()),
        show_count(descriptors(plan.target_of(trial), load)),
    ]
}

/// An event in words.
fn said(event: &Incident) -> String {
    let at = write_duration(event.at);
    let percent = |share: f64| format!("{} %", (share * 1000.0).round() / 10.0);
    match event.action {
        Action::Disconnect { share, spread } => format!(
            "at {at} {} of the clients are cut, and come back {}",
            percent(share),
            if spread.is_zero() {
                "at once".to_owned()
            } else {
                format!("within {}", write_duration(spread))
            }
        ),
        Action::Freeze { span } => {
            format!("at {at} the server is stopped for {}", write_duration(span))
        }
        Action::Rate { rate, span } => format!(
            "at {at} the rate becomes {rate} messages/s{}",
            span.map_or_else(String::new, |span| format!(" for {}", write_duration(span)))
        ),
        Action::Slow { share, span } => format!(
            "at {at} {} of the clients stop reading for {}",
            percent(share),
            write_duration(span)
        ),
    }
}

/// How many relays there are, where there are several.
fn nodes(trials: &[Trial]) -> Option<String> {
    let mut counts: Vec<usize> = trials.iter().map(|trial| trial.load.nodes).collect();
    counts.sort_unstable();
    counts.dedup();
    let told: Vec<String> = counts.iter().map(usize::to_string).collect();
    (counts != [1]).then(|| {
        format!(
            "{} bundled relays on one address, which share their logs through NATS",
            told.join(", ")
        )
    })
}

/// The server, or each by its name.
fn targets(plan: &Plan) -> String {
    if plan.targets.is_empty() {
        return target(&plan.target);
    }
    let one = |named: &Named| format!("{} ({})", named.name, target(&named.target));
    plan.targets.iter().map(one).collect::<Vec<_>>().join("; ")
}

fn target(target: &Target) -> String {
    match target {
        Target::Bundled => {
            "the bundled relay, started afresh for each trial on a free loopback port".to_owned()
        }
        Target::At {
            url,
            also,
            pid,
            token,
            dialect,
            ..
        } => {
            let more: String = also
                .iter()
                .map(|one| format!(" and {}", one.url()))
                .collect();
            let watched = pid.map_or_else(String::new, |pid| format!(", process {pid} watched"));
            let token = token.as_ref().map_or("", |_| ", with a token");
            let spoken = match dialect {
                Dialect::Relay => "",
                Dialect::Nchan(_) => ", Nchan",
                Dialect::Template(_) => ", by a template",
            };
            format!("{url}{more}{spoken}{watched}{token}")
        }
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "never negative; a float becomes an integer by saturation"
)]
fn whole(number: f64) -> String {
    show_count(number.round() as u64)
}

/// `9.5 s`, `2 min 5 s`, `3 h 20 min`.
fn clock(span: Duration) -> String {
    let seconds = span.as_secs();
    match seconds {
        0..60 => format!("{} s", (span.as_secs_f64() * 10.0).round() / 10.0),
        60..3600 => format!("{} min {} s", seconds / 60, seconds % 60),
        _ => format!("{} h {} min", seconds / 3600, seconds / 60 % 60),
    }
}

fn put(out: &mut String, line: &str) {
    // Writing to a string cannot fail.
    let _ = writeln!(out, "{line}");
}
