//! What a run says, in sentences made from its numbers.

use crate::report::comparison::{Over, Who};
use crate::report::table;
use crate::result::{RunResult, Verdict};
use crate::scenario::Transport;

/// The verdict in one sentence.
pub(crate) fn verdict(run: &RunResult) -> String {
    let broken = run.gates.iter().filter(|g| !g.holds).count();
    let invalid = run.trials.iter().filter(|t| !t.valid).count();
    match run.verdict {
        Verdict::Pass if run.gates.is_empty() => {
            "The run can be trusted; the scenario sets no gates.".to_owned()
        }
        Verdict::Pass => format!("The run can be trusted and {}.", all_gates(run.gates.len())),
        Verdict::Fail if broken == 0 => {
            "The run can be trusted, but a search found no value that holds.".to_owned()
        }
        Verdict::Fail => format!(
            "The run can be trusted, but {broken} of {} gates failed.",
            run.gates.len()
        ),
        Verdict::Invalid if invalid > 0 => format!(
            "The run cannot be trusted: {invalid} of {} trials {} invalid.",
            run.trials.len(),
            if invalid == 1 { "is" } else { "are" }
        ),
        Verdict::Invalid => "The run cannot be trusted.".to_owned(),
    }
}

fn all_gates(count: usize) -> String {
    match count {
        1 => "its gate holds".to_owned(),
        2 => "both gates hold".to_owned(),
        _ => format!("all {count} gates hold"),
    }
}

/// A warning when the numbers are those of a program that was not optimised.
pub(crate) fn profile_warning(run: &RunResult) -> Option<String> {
    let profile = &run.environment.profile;
    (profile != "release").then(|| {
        format!(
            "Built with the {profile} profile: these numbers are NOT those of an optimised \
             program. Run again with `cargo run --release`."
        )
    })
}

/// A sentence for each figure that is far from its prediction, in the order of the tables.
pub(crate) fn explanations(run: &RunResult) -> Vec<String> {
    let mut lines = Vec::new();
    for trial in table::in_order(run) {
        for why in &trial.explanations {
            let cause = why.cause.name();
            lines.push(format!(
                "{} {}: {cause}: {}",
                trial.id, why.metric, why.text
            ));
        }
    }
    lines
}

/// How well theory and measurement agree.
pub(crate) fn agreement(run: &RunResult) -> String {
    let off = table::deviations(run);
    let close = off.iter().filter(|share| share.abs() <= 0.1).count();
    let figures = match off.len() {
        1 => "The one figure that theory predicts was measured".to_owned(),
        all => format!("{close} of the {all} figures that theory predicts were measured"),
    };
    match off.len() {
        0 => "Theory predicts how delays are spread.".to_owned(),
        1 if close == 0 => format!("{figures} more than 10 % beside it."),
        _ => format!("{figures} within 10 % of the prediction."),
    }
}

/// Says so when clients were behind emulated links: arrival is then computed, not witnessed.
pub(crate) fn link_note(run: &RunResult) -> Option<String> {
    let over = run.trials.iter().filter(|t| !t.load.link.is_none()).count();
    let which = match over {
        0 => return None,
        all if all == run.trials.len() => "The subscribers were".to_owned(),
        some => format!(
            "In {some} of {} trials the subscribers were",
            run.trials.len()
        ),
    };
    Some(format!(
        "{which} behind emulated links: arrival is the emulated arrival, computed from the kernel's \
         receive stamp. Publishers were not, and wire bytes are those of loopback, without \
         retransmissions."
    ))
}

/// The transport's name as prose has it.
pub(crate) fn name(transport: Transport) -> &'static str {
    match transport {
        Transport::Polling => "polling",
        Transport::LongPolling => "long polling",
        Transport::Streaming => "streaming",
        Transport::Sse => "SSE",
        Transport::Websocket => "WebSocket",
    }
}

/// The name of who stands in a comparison, such as `SSE (HTTP/2 over TLS)`.
pub(crate) fn who((transport, over): Who) -> String {
    match over {
        Some(over) => format!("{} ({over})", name(transport)),
        None => name(transport).to_owned(),
    }
}

/// Several of `all` who stand in a comparison: a transport that is named over each of its protocols, or of each server, is named once.
pub(crate) fn several(named: &[Who], all: &[Who]) -> String {
    let each = named.iter().find_map(|(_, over)| *over);
    let each = each.map_or("", Over::each);
    let of = |whole: &[Who], transport: Transport| -> Vec<Over> {
        let own = whole.iter().filter(|(one, _)| *one == transport);
        own.filter_map(|(_, over)| *over).collect()
    };
    let (mut names, mut whole) = (Vec::new(), true);
    let mut told: Vec<Transport> = Vec::new();
    for (transport, _) in named {
        let transport = *transport;
        if told.contains(&transport) {
            continue;
        }
        told.push(transport);
        let (mine, every) = (of(named, transport), of(all, transport));
        if every.len() > 1 && mine.len() == every.len() {
            names.push(format!("{}{each}", name(transport)));
        } else {
            whole = false;
            names.extend(mine.iter().map(|over| who((transport, Some(*over)))));
            names.extend(mine.is_empty().then(|| name(transport).to_owned()));
        }
    }
    if whole && names.len() > 1 {
        let short = names
            .iter()
            .map(|name| name.strip_suffix(each).unwrap_or(name));
        return format!("{},{each}", list(short));
    }
    list(names.iter().map(String::as_str))
}

/// A text as the start of a sentence.
pub(crate) fn sentence_start(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| {
        first.to_uppercase().chain(chars).collect()
    })
}

/// Names as prose lists them: `streaming, SSE and WebSocket`.
pub(crate) fn list<'a>(names: impl Iterator<Item = &'a str>) -> String {
    let names: Vec<_> = names.collect();
    match names.split_last() {
        Some((last, [])) => (*last).to_owned(),
        Some((last, rest)) => format!("{} and {last}", rest.join(", ")),
        None => String::new(),
    }
}
