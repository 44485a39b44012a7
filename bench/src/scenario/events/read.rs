//! Reads `[[events]]`, and finds what is wrong with them.

use std::ops::RangeInclusive;
use std::time::Duration;

use super::{Action, Incident};
use crate::scenario::error::{Fault, Report};
use crate::scenario::keys::{EVENTS, listed};
use crate::scenario::place::Place;
use crate::scenario::plan::{Phases, Target};
use crate::scenario::setting;
use crate::scenario::tree::{Entry, Node, Value};
use crate::scenario::value::Wanted;
use crate::units::write_duration;

/// The keys that say what happens; an event has exactly one.
const ACTIONS: [&str; 4] = ["disconnect", "freeze", "rate", "slow"];

/// An event and where its `at` stands.
pub(in crate::scenario) type Written = (Incident, Place);

/// Reads every event, in the order of time.
pub(in crate::scenario) fn read(section: &Entry, report: &mut Report) -> Vec<Written> {
    let Value::List(list) = &section.node.value else {
        report.add(Fault::new(
            &section.place,
            "\"events\" is a list of tables; begin each with [[events]]",
        ));
        return Vec::new();
    };
    let mut events: Vec<Written> = list
        .iter()
        .filter_map(|node| event(section, node, report))
        .collect();
    events.sort_by_key(|(event, _)| event.at);
    events
}

fn event(section: &Entry, node: &Node, report: &mut Report) -> Option<Written> {
    let before = report.len();
    let entries = EVENTS.entries(node, report);
    if report.len() > before {
        // A misspelt action would be missed as well.
        return None;
    }
    let outcome = combine(&entries, section, node);
    report.take(outcome)
}

fn combine(entries: &[&Entry], section: &Entry, node: &Node) -> Result<Written, Fault> {
    // A table of a list stands where its head stands; where the list came by `--set` it has no line.
    let here = entries.first().map_or(&section.place, |entry| &entry.place);
    let find = |key: &str| entries.iter().copied().find(|entry| entry.key == key);
    let Some(when) = find("at") else {
        let place = if matches!(node.value, Value::Table(_)) {
            here
        } else {
            &node.place
        };
        return Err(Fault::new(
            place,
            "an event has no \"at\"; write when it happens, such as at = \"5s\"",
        ));
    };
    let day = Duration::from_secs(24 * 3600);
    let at = span(when, "at = \"5s\"", Duration::ZERO..=day)?;
    let named: Vec<&Entry> = ACTIONS.iter().filter_map(|key| find(key)).collect();
    let [what] = named[..] else {
        let text = match named[..] {
            [] => format!(
                "an event has no action; add one of {}, such as disconnect = 0.5",
                listed(&ACTIONS)
            ),
            _ => format!(
                "an event has one action, and this has {}; give each a table of its own",
                listed(&named.iter().map(|e| e.key.as_str()).collect::<Vec<_>>())
            ),
        };
        return Err(Fault::new(named.last().map_or(here, |e| &e.place), text));
    };
    refuse(entries, what)?;
    let (spread, lasting) = (find("spread"), find("for"));
    let some = Duration::from_millis(1)..=day;
    let action = match what.key.as_str() {
        "disconnect" => Action::Disconnect {
            share: share(what, "disconnect = 0.5")?,
            spread: spread.map_or(Ok(Duration::ZERO), |entry| {
                span(entry, "spread = \"2s\"", Duration::ZERO..=day)
            })?,
        },
        "freeze" => Action::Freeze {
            span: span(what, "freeze = \"1s\"", some)?,
        },
        "rate" => Action::Rate {
            rate: rate(what)?,
            span: lasting
                .map(|entry| span(entry, "for = \"5s\"", some))
                .transpose()?,
        },
        _ => Action::Slow {
            share: share(what, "slow = 0.1")?,
            span: match lasting {
                Some(entry) => span(entry, "for = \"5s\"", some)?,
                None => {
                    let text = "slow clients read again after a while; add for = \"5s\"";
                    return Err(Fault::new(&what.place, text));
                }
            },
        },
    };
    Ok((Incident { at, action }, when.place.clone()))
}

/// A key that says nothing beside this action.
fn refuse(entries: &[&Entry], what: &Entry) -> Result<(), Fault> {
    for (key, takers) in [
        ("spread", &["disconnect"][..]),
        ("for", &["rate", "slow"][..]),
    ] {
        let stray = entries.iter().find(|entry| entry.key == key);
        if let Some(stray) = stray.filter(|_| !takers.contains(&what.key.as_str())) {
            return Err(Fault::new(
                &stray.place,
                format!(
                    "\"{key}\" belongs to {}, and this event is \"{}\"; remove it",
                    listed(takers),
                    what.key
                ),
            ));
        }
    }
    Ok(())
}

fn span(entry: &Entry, example: &str, bounds: RangeInclusive<Duration>) -> Result<Duration, Fault> {
    let path = EVENTS.path(&entry.key);
    Wanted {
        path: &path,
        example,
        node: &entry.node,
    }
    .span(bounds)
}

fn share(entry: &Entry, example: &str) -> Result<f64, Fault> {
    let path = EVENTS.path(&entry.key);
    let wanted = Wanted {
        path: &path,
        example,
        node: &entry.node,
    };
    let share = wanted.number()?;
    if share > 0.0 && share <= 1.0 {
        return Ok(share);
    }
    Err(wanted.fault(format!(
        "\"{path}\" is {share}; it is a share of the clients, above 0 and at most 1"
    )))
}

fn rate(entry: &Entry) -> Result<f64, Fault> {
    setting::rate(&Wanted {
        path: &EVENTS.path(&entry.key),
        example: "rate = 100.0",
        node: &entry.node,
    })
}

/// What only shows when an event is seen with the rest of the scenario.
pub(in crate::scenario) fn faults(
    events: &[Written],
    phases: &Phases,
    target: &Target,
) -> Vec<Fault> {
    let alone = events
        .iter()
        .filter_map(|(event, place)| Some(Fault::new(place, misfit(event, phases, target)?)));
    let together = events.iter().enumerate().flat_map(|(number, (event, _))| {
        events[number + 1..]
            .iter()
            .filter_map(|(later, place)| Some(Fault::new(place, clash(event, later)?)))
    });
    alone.chain(together).collect()
}

fn misfit(event: &Incident, phases: &Phases, target: &Target) -> Option<String> {
    let measure = write_duration(phases.measure);
    let (name, at) = (event.action.name(), write_duration(event.at));
    if event.at >= phases.measure {
        return Some(format!(
            "the {name} at {at} comes after the measured phase of {measure}; move it or make \"phases.measure\" longer"
        ));
    }
    if event.over() > phases.measure {
        return Some(format!(
            "the {name} at {at} lasts until {}, past the measured phase of {measure}; shorten it or make \"phases.measure\" longer",
            write_duration(event.over())
        ));
    }
    let known = match target {
        Target::Bundled => true,
        Target::At { pid, command, .. } => pid.is_some() || command.is_some(),
    };
    (matches!(event.action, Action::Freeze { .. }) && !known).then(|| {
        format!(
            "the freeze at {at} needs the server's process; add \"target.pid\" or \"target.command\""
        )
    })
}

/// Two freezes, or two changes of the rate, in each other's time.
fn clash(event: &Incident, later: &Incident) -> Option<String> {
    let (name, other) = (event.action.name(), later.action.name());
    let alone = matches!(event.action, Action::Freeze { .. } | Action::Rate { .. });
    let clash = alone && name == other && (later.at < event.over() || later.at == event.at);
    clash.then(|| {
        format!(
            "the {name} at {} begins before the {name} at {} is over; move one of them",
            write_duration(later.at),
            write_duration(event.at)
        )
    })
}
