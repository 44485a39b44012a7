//! What a run says, in sentences made from its numbers.

use crate::report::comparison::{Comparison, Group, comparisons};
use crate::report::{show, table};
use crate::result::{RunResult, Verdict};
use crate::scenario::Transport;

/// Values closer than this to the best are called about the same: one run does not tell them apart.
const SAME: f64 = 1.1;

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

/// A paragraph for each comparison: which transport was fastest, and which cheapest.
pub(crate) fn paragraphs(run: &RunResult) -> Vec<String> {
    if !run.searches.is_empty() {
        // Values that were tried on the way are no combinations that anybody asked to compare.
        return Vec::new();
    }
    comparisons(run).iter().filter_map(paragraph).collect()
}

fn paragraph(comparison: &Comparison<'_>) -> Option<String> {
    let trusted: Vec<&Group<'_>> = comparison.groups.iter().filter(|g| g.valid).collect();
    if trusted.len() < 2 {
        return None;
    }
    let mut sentences = Vec::new();
    if let Some(ranking) = Ranking::of(&trusted, "delivery.p50") {
        sentences.push(format!(
            "{} delivered half of all messages within {}{}.",
            sentence_start(&ranking.best()),
            ranking.value(),
            ranking.against("took"),
        ));
    }
    if let Some(ranking) = Ranking::of(&trusted, "wire_bytes_per_message") {
        sentences.push(format!(
            "{} moved the fewest bytes on the wire, {} per delivered message{}.",
            sentence_start(&ranking.best()),
            ranking.value(),
            ranking.against("moved"),
        ));
    }
    if let Some(ranking) = Ranking::of(&trusted, "server_cpu_per_thousand") {
        sentences.push(format!(
            "{} cost the server least CPU, {} per thousand deliveries{}.",
            sentence_start(&ranking.best()),
            ranking.value(),
            ranking.against("cost"),
        ));
    }
    if sentences.is_empty() {
        return None;
    }
    let left_out: Vec<_> = comparison.groups.iter().filter(|g| !g.valid).collect();
    if !left_out.is_empty() {
        let names: Vec<_> = left_out.iter().map(|g| name(g.transport)).collect();
        sentences.push(format!("Left out as invalid: {}.", names.join(", ")));
    }
    Some(format!(
        "At {}: {}",
        comparison.label(),
        sentences.join(" ")
    ))
}

/// The groups that have a metric, best first.
struct Ranking<'a> {
    metric: &'static str,
    ranked: Vec<(f64, &'a Group<'a>)>,
}

impl<'a> Ranking<'a> {
    fn of(groups: &[&'a Group<'a>], metric: &'static str) -> Option<Self> {
        let mut ranked: Vec<_> = groups
            .iter()
            .filter_map(|group| Some((group.median(metric)?, *group)))
            .collect();
        ranked.sort_by(|a, b| a.0.total_cmp(&b.0));
        (ranked.len() >= 2).then_some(Self { metric, ranked })
    }

    /// The best, with those that are about the same.
    fn best(&self) -> String {
        let limit = self.ranked[0].0 * SAME;
        let names: Vec<_> = self
            .ranked
            .iter()
            .take_while(|(value, _)| *value <= limit)
            .map(|(_, group)| name(group.transport))
            .collect();
        match names.split_last() {
            Some((last, [])) => (*last).to_owned(),
            Some((last, rest)) => format!("{} and {last} (about the same)", rest.join(", ")),
            None => String::new(),
        }
    }

    fn value(&self) -> String {
        unbroken(&show::named(self.metric, Some(self.ranked[0].0)))
    }

    /// The worst one for contrast, unless it is about as good as the best.
    fn against(&self, verb: &str) -> String {
        let (best, _) = self.ranked[0];
        match self.ranked.last() {
            Some((worst, group)) if *worst > best * SAME => format!(
                "; {} {verb} {}",
                name(group.transport),
                unbroken(&show::named(self.metric, Some(*worst)))
            ),
            _ => String::new(),
        }
    }
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

/// A value that stays on one line with its unit.
fn unbroken(value: &str) -> String {
    value.replace(' ', "\u{a0}")
}

fn sentence_start(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| {
        first.to_uppercase().chain(chars).collect()
    })
}
