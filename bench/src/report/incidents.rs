//! What events did, in sentences.

use crate::report::show;
use crate::report::table::in_order;
use crate::result::{EventKind, EventResult, RunResult, TrialResult};
use crate::units::{show_count, show_nanos};

/// A sentence for each event of each trial.
pub(crate) fn sentences(run: &RunResult) -> Vec<String> {
    let of = |trial: &TrialResult| -> Vec<String> {
        let events = trial.events.iter();
        let said = events.map(|event| format!("{}: {}", trial.id, sentence(event, trial)));
        said.collect()
    };
    in_order(run).into_iter().flat_map(of).collect()
}

/// The word that marks an event in a chart.
pub(crate) fn word(event: &EventResult) -> String {
    match (event.kind, event.rate) {
        (EventKind::Disconnect, _) => "cut".to_owned(),
        (EventKind::Freeze, _) => "freeze".to_owned(),
        (EventKind::Slow, _) => "slow readers".to_owned(),
        (EventKind::Rate, rate) => rate.map_or_else(|| "rate".to_owned(), rate_of),
    }
}

fn rate_of(rate: f64) -> String {
    format!("{}/s", show::count(rate))
}

fn sentence(event: &EventResult, trial: &TrialResult) -> String {
    let at = span(event.at);
    let lasted = event.span.map(span).unwrap_or_default();
    if let Some(rate) = event.rate {
        let until = event
            .span
            .map_or_else(String::new, |lasted| format!(" for {}", span(lasted)));
        return format!("at {at} the rate became {}{until}.", rate_of(rate));
    }
    if event.affected == 0 {
        return format!(
            "the {} at {at} did not happen: the trial ended before it.",
            word(event)
        );
    }
    let who = clients(event.affected, trial.clients.asked);
    let what = match event.kind {
        EventKind::Disconnect if event.span == Some(0) => {
            format!("{who} were cut, to come back at once")
        }
        EventKind::Disconnect => format!("{who} were cut, to come back within {lasted}"),
        EventKind::Freeze => format!("the server was stopped for {lasted}"),
        EventKind::Slow => format!("{who} stopped reading for {lasted}"),
        EventKind::Rate => String::new(),
    };
    format!(
        "at {at} {what}: {}, {}, {}.",
        back(event),
        caught_up(event),
        missed(event)
    )
}

fn clients(affected: u64, of: u64) -> String {
    let count = show_count(affected);
    match of {
        _ if affected == of => format!("all {count} clients"),
        _ if affected * 2 == of => format!("half of the clients ({count})"),
        _ => format!("{count} of {} clients", show_count(of)),
    }
}

fn back(event: &EventResult) -> String {
    match event.time_until_all_back_ns {
        Some(nanos) => format!("all could receive again after {}", span(nanos)),
        None => format!(
            "only {} of {} could ever receive again",
            show_count(event.back),
            show_count(event.affected)
        ),
    }
}

fn caught_up(event: &EventResult) -> String {
    event.catch_up_ns.map_or_else(
        || "nobody caught up".to_owned(),
        |catch_up| match catch_up.max {
            0 => "nobody had anything to catch up on".to_owned(),
            _ => format!("catching up took at most {}", span(catch_up.max)),
        },
    )
}

fn missed(event: &EventResult) -> String {
    let told = match event.missed_reports {
        None | Some(0) => String::new(),
        Some(1) => " (the server said so once)".to_owned(),
        Some(times) => format!(" (the server said so {} times)", show_count(times)),
    };
    let noun = if event.missed == 1 {
        "delivery"
    } else {
        "deliveries"
    };
    format!("{} {noun} missed{told}", show_count(event.missed))
}

#[expect(clippy::cast_precision_loss, reason = "three figures are shown")]
fn span(nanos: u64) -> String {
    if nanos == 0 {
        return "0 s".to_owned();
    }
    show::tidy(&show_nanos(nanos as f64))
}
