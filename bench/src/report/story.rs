//! What a run says of the transports, in words: first the difference, then what to choose.

use crate::report::choice::{self, Choice, QUESTIONS, choices, conclusion};
use crate::report::comparison::{Comparison, Group, Who, shown, side_by_side};
use crate::report::ranking::Ranking;
use crate::report::words::{list, name, sentence_start, who};
use crate::report::{searches, show};
use crate::result::{RunResult, metric};
use crate::scenario::Transport;

/// More combinations than these are not told one by one.
const TOLD: usize = 3;

/// What a single repeat cannot tell.
const ONCE: &str = "Measured once: how far figures scatter from run to run is not known, so take no small difference for one; \
                    five repeats or more give intervals.";

/// What one combination says.
pub(crate) struct Story {
    /// The difference that matters, in one sentence.
    pub(crate) lead: String,
    /// What to choose, by what.
    pub(crate) choices: Vec<Choice>,
    /// What follows, and what else a reader must know.
    pub(crate) rest: Vec<String>,
}

impl Story {
    fn of(comparison: &Comparison<'_>) -> Option<Self> {
        let trusted = comparison.trusted();
        let lead = match trusted.as_slice() {
            [] => return None,
            [one] => alone(comparison, one)?,
            _ => against(comparison, &trusted)?,
        };
        let choices = choices(&trusted);
        let mut rest: Vec<String> = conclusion(comparison, &choices).into_iter().collect();
        rest.extend(trusted.iter().filter_map(|group| losses(group)));
        if !choices.is_empty() && trusted.iter().any(|group| group.trials.len() == 1) {
            rest.push(ONCE.to_owned());
        }
        let left_out: Vec<_> = comparison.groups.iter().filter(|g| !g.valid).collect();
        if !left_out.is_empty() {
            let names: Vec<String> = left_out.iter().map(|g| g.name()).collect();
            let names = list(names.iter().map(String::as_str));
            rest.push(format!("Left out as invalid: {names}."));
        }
        Some(Self {
            lead,
            choices,
            rest,
        })
    }

    fn paragraph(self) -> Paragraph {
        let choices = self.choices.iter().map(Choice::sentence);
        Paragraph {
            text: self.lead,
            lines: choices.chain(self.rest).collect(),
        }
    }
}

/// A few words, and what there is to say below them.
pub(crate) struct Paragraph {
    pub(crate) text: String,
    pub(crate) lines: Vec<String>,
}

/// A paragraph for each combination, or, of many, one for the most telling and one over all; of a search
/// what it found.
pub(crate) fn paragraphs(run: &RunResult) -> Vec<Paragraph> {
    if !run.searches.is_empty() {
        // Values that were tried on the way are no combinations that anybody asked to compare.
        let found = searches::summary(run).map(|text| Paragraph {
            text,
            lines: Vec::new(),
        });
        return found.into_iter().collect();
    }
    let all = side_by_side(run);
    if all.len() <= TOLD {
        let stories = all.iter().filter_map(Story::of);
        return stories.map(Story::paragraph).collect();
    }
    let first = shown(&all).and_then(Story::of).map(Story::paragraph);
    first.into_iter().chain(over_all(run)).collect()
}

/// The story of the combination that charts show; none of a search.
pub(crate) fn first(run: &RunResult) -> Option<Story> {
    if !run.searches.is_empty() {
        return None;
    }
    shown(&side_by_side(run)).and_then(Story::of)
}

/// What holds over all combinations, when there are several: what it is about, and a sentence on each figure.
pub(crate) fn over_all(run: &RunResult) -> Option<Paragraph> {
    let all = side_by_side(run);
    if all.len() < 2 || !run.searches.is_empty() {
        return None;
    }
    wins(&all).or_else(|| ranges(&all))
}

/// Two transports that differ most: "WebSocket delivered half of all messages within 0.4 ms at 311 B
/// each; polling every second took 502 ms and 9.8 kB".
fn against(comparison: &Comparison<'_>, groups: &[&Group<'_>]) -> Option<String> {
    let place = prose(&comparison.label());
    let ranking = Ranking::of(groups, QUESTIONS[0].metric)?;
    let bytes = |group: &Group<'_>| {
        let metric = metric::find(QUESTIONS[1].metric)?;
        let value = group.median(metric.name)?;
        Some(show::value(metric, Some(value)).replace(' ', "\u{a0}"))
    };
    let best = ranking.first();
    let worst = ranking.worst();
    // Bytes of one beside no bytes of the other would be compared with nothing.
    let both = worst.is_none_or(|(group, _)| bytes(group).is_some()) && bytes(best).is_some();
    let bytes = |group| bytes(group).filter(|_| both);
    let first = format!(
        "At {place}, {} delivered half of all messages within {}{}",
        said(comparison, best),
        ranking.show(ranking.best()),
        bytes(best).map_or_else(String::new, |bytes| format!(" at {bytes} each")),
    );
    Some(match worst {
        Some((group, value)) => format!(
            "{first}; {} took {}{}.",
            said(comparison, group),
            ranking.show(value),
            bytes(group).map_or_else(String::new, |bytes| format!(" and {bytes}"))
        ),
        None => format!("{first}, and no other transport took notably longer."),
    })
}

/// A transport without another to compare it with.
fn alone(comparison: &Comparison<'_>, group: &Group<'_>) -> Option<String> {
    let show = |name: &str| {
        let value = group.median(name)?;
        Some(show::named(name, Some(value)).replace(' ', "\u{a0}"))
    };
    let mut text = format!(
        "At {}, {} delivered half of all messages within {} and 99 % within {}",
        prose(&comparison.label()),
        said(comparison, group),
        show("delivery.p50")?,
        show("delivery.p99")?,
    );
    let costs = [
        show("wire_bytes_per_message").map(|bytes| format!("{bytes} each on the wire")),
        show("server_cpu_per_thousand").map(|cpu| format!("{cpu} of server CPU for a thousand")),
    ];
    let costs: Vec<String> = costs.into_iter().flatten().collect();
    if !costs.is_empty() {
        text.push_str(&format!(", at {}", list(costs.iter().map(String::as_str))));
    }
    text.push('.');
    Some(text)
}

/// The combination in a sentence: `1,000 clients and 20 messages/s`.
fn prose(label: &str) -> String {
    match label.rsplit_once(", ") {
        Some((all, last)) => format!("{all} and {last}"),
        None => label.to_owned(),
    }
}

/// A transport with what it depends on, unless the place has said so.
fn said(comparison: &Comparison<'_>, group: &Group<'_>) -> String {
    let name = group.name();
    if comparison.factors.contains_key("poll_interval") {
        return name;
    }
    let load = group.trials.first().map(|trial| &trial.load);
    match (group.transport, load) {
        (Transport::Polling, Some(load)) if load.poll_interval.as_secs_f64() == 1.0 => {
            every(group, "second")
        }
        #[expect(clippy::cast_precision_loss, reason = "three figures are shown")]
        (Transport::Polling, Some(load)) => {
            let interval = crate::units::show_nanos(load.poll_interval.as_nanos() as f64);
            every(group, &show::tidy(&interval).replace(' ', "\u{a0}"))
        }
        _ => name,
    }
}

/// `polling every second`, and over what.
fn every(group: &Group<'_>, interval: &str) -> String {
    let over = group.over.map(|over| format!(" ({over})"));
    format!(
        "{} every {interval}{}",
        name(group.transport),
        over.unwrap_or_default()
    )
}

fn losses(group: &Group<'_>) -> Option<String> {
    let lost = choice::lost(group);
    let share = group.median("missed_share")?;
    (lost > 0.0).then(|| {
        format!(
            "{} lost {} of its deliveries ({:.1} %): its figures speak only of those that came.",
            sentence_start(&group.name()),
            show::count(lost.round()),
            share * 100.0
        )
    })
}

/// In how many combinations each transport is best.
fn wins(all: &[Comparison<'_>]) -> Option<Paragraph> {
    let mut sentences = Vec::new();
    let mut of = 0;
    for question in &QUESTIONS {
        let mut counts: Vec<(Who, usize)> = Vec::new();
        let tied: Vec<_> = all
            .iter()
            .map(Comparison::trusted)
            .filter_map(|groups| {
                let ranking = Ranking::of(&groups, question.metric)?;
                Some(ranking.tied().iter().map(|g| g.who()).collect::<Vec<_>>())
            })
            .collect();
        of = of.max(tied.len());
        for who in tied.into_iter().flatten() {
            match counts.iter_mut().find(|(known, _)| *known == who) {
                Some((_, count)) => *count += 1,
                None => counts.push((who, 1)),
            }
        }
        counts.sort_by_key(|(who, count)| (std::cmp::Reverse(*count), *who));
        let parts = counts.chunk_by(|a, b| a.1 == b.1).map(|alike| {
            let names: Vec<String> = alike.iter().map(|(one, _)| who(*one)).collect();
            let names = list(names.iter().map(String::as_str));
            match alike[0].1 {
                all if all == of => format!("{names} in all"),
                some => format!("{names} in {some}"),
            }
        });
        let parts: Vec<_> = parts.collect();
        if !parts.is_empty() {
            sentences.push(format!("{}: {}.", question.what, parts.join("; ")));
        }
    }
    (of > 1).then(|| Paragraph {
        text: format!("Over {of} combinations, a tie counting for each in it:"),
        lines: sentences,
    })
}

/// From what to what the figures of a single transport go.
fn ranges(all: &[Comparison<'_>]) -> Option<Paragraph> {
    let transport = all.first()?.groups.first()?.transport;
    let groups: Vec<(&Comparison<'_>, &Group<'_>)> = all
        .iter()
        .flat_map(|c| c.groups.iter().filter(|g| g.valid).map(move |g| (c, g)))
        .collect();
    if groups.len() < 2
        || groups
            .iter()
            .any(|(_, g)| g.transport != transport || g.over.is_some())
    {
        return None;
    }
    let range = |metric: &str, what: &str| {
        let mut values: Vec<(f64, String)> = groups
            .iter()
            .filter_map(|(c, group)| Some((group.median(metric)?, c.label())))
            .collect();
        values.sort_by(|a, b| a.0.total_cmp(&b.0));
        let show = |value: f64| show::named(metric, Some(value)).replace(' ', "\u{a0}");
        let ((low, at_low), (high, at_high)) = (values.first()?, values.last()?);
        let (low, high) = (show(*low), show(*high));
        Some(if low == high {
            format!("{what}: {low} in all.")
        } else {
            format!("{what}: from {low} ({at_low}) to {high} ({at_high}).")
        })
    };
    let lines: Vec<String> = [
        range("delivery.p50", "Median delay"),
        range("wire_bytes_per_message", "Wire bytes for each message"),
        range(
            "server_cpu_per_thousand",
            "Server CPU for a thousand deliveries",
        ),
    ]
    .into_iter()
    .flatten()
    .collect();
    (!lines.is_empty()).then(|| Paragraph {
        text: format!("Over {} combinations of {}:", groups.len(), name(transport)),
        lines,
    })
}
