//! Whether two plans can be compared, told before a minute is spent on them.

use super::likeness::Unlike;
use super::{likeness, load};
use crate::scenario::{Action, Incident, Plan, Trial};
use crate::units::write_duration;

/// Refuses plans whose runs `compare` would refuse.
///
/// # Errors
/// When they have no combination of factors in common, or one stands for two loads.
pub fn comparable(base: &Plan, candidate: &Plan) -> Result<(), Unlike> {
    let counterpart = |trial: &Trial| {
        let mut others = candidate.trials.iter();
        others.find(|other| other.factors == trial.factors)
    };
    let mut pairs = base
        .trials
        .iter()
        .filter_map(|trial| Some((trial, counterpart(trial)?)))
        .peekable();
    if pairs.peek().is_none() {
        let file = |plan: &Plan| plan.file.display().to_string();
        return Err(Unlike::NothingInCommon {
            base: file(base),
            candidate: file(candidate),
        });
    }
    for (trial, other) in pairs {
        let differing = load::of_loads(&trial.load, &other.load).into_iter().next();
        let unlike = differing.map(|first| (first.key, first.one, first.other));
        let events = (base.events != candidate.events).then(|| {
            let key = "events".to_owned();
            (key, listed(&base.events), listed(&candidate.events))
        });
        if let Some((key, base, candidate)) = unlike.or(events) {
            return Err(Unlike::Load {
                at: likeness::label(&trial.factors),
                key,
                base,
                candidate,
            });
        }
    }
    Ok(())
}

fn listed(events: &[Incident]) -> String {
    if events.is_empty() {
        return "none".to_owned();
    }
    let all: Vec<String> = events.iter().map(said).collect();
    all.join(", ")
}

/// An event in a few words, such as `disconnect 0.5 at 10s, for 2s`.
fn said(event: &Incident) -> String {
    let name = event.action.name();
    let what = match event.action {
        Action::Disconnect { share, .. } | Action::Slow { share, .. } => format!("{name} {share}"),
        Action::Rate { rate, .. } => format!("{name} {rate}"),
        Action::Freeze { .. } => name.to_owned(),
    };
    let span = event.action.span().filter(|span| !span.is_zero());
    let span = span.map(|span| format!(", for {}", write_duration(span)));
    let at = write_duration(event.at);
    format!("{what} at {at}{}", span.unwrap_or_default())
}
