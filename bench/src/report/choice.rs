//! What a person chooses a transport by, and which one this run would have them choose.

use crate::report::comparison::{Comparison, Group, Who};
use crate::report::ranking::{Ranking, Tie, times};
use crate::report::words::{self, sentence_start, several};

/// A question that a metric answers; less is better in all.
pub(crate) struct Question {
    /// What is asked for.
    pub(crate) what: &'static str,
    /// The metric that answers it.
    pub(crate) metric: &'static str,
    /// What stands before the value and behind it.
    around: (&'static str, &'static str),
    /// What the worst transport did, and how a multiple of it is said.
    verb: &'static str,
    as_much: &'static str,
}

/// The questions, in the order of a report.
pub(crate) const QUESTIONS: [Question; 3] = [
    Question {
        what: "Fastest",
        metric: "delivery.p50",
        around: ("half of all messages within ", ""),
        verb: "took",
        as_much: "as long",
    },
    Question {
        what: "Fewest bytes",
        metric: "wire_bytes_per_message",
        around: ("", " on the wire for each delivered message"),
        verb: "moved",
        as_much: "as many",
    },
    Question {
        what: "Least server CPU",
        metric: "server_cpu_per_thousand",
        around: ("", " of CPU time for a thousand deliveries"),
        verb: "cost",
        as_much: "as much",
    },
];

/// The answer to a question.
pub(crate) struct Choice {
    /// What was asked for.
    pub(crate) what: &'static str,
    /// The best transport, with those that are not told apart from it.
    pub(crate) who: String,
    /// The best value, in words; in a tie, from the best to the last of it.
    pub(crate) value: String,
    /// Why several are named.
    pub(crate) tie: Option<&'static str>,
    /// The worst one for contrast, unless it is in the tie.
    pub(crate) worst: Option<String>,
    /// Transports of which this was not measured.
    pub(crate) unmeasured: Option<String>,
    whom: Vec<Who>,
}

impl Choice {
    fn of(question: &Question, ranking: &Ranking<'_>, groups: &[&Group<'_>]) -> Self {
        let tied = ranking.tied();
        let whom: Vec<_> = tied.iter().map(|group| group.who()).collect();
        let (before, behind) = question.around;
        Self {
            what: question.what,
            who: several(&whom, &everybody(groups)),
            value: format!("{before}{}{behind}", ranking.show_tied()),
            tie: (tied.len() > 1).then(|| tie(ranking.tie())),
            worst: ranking.worst().map(|(group, value)| {
                let multiple = times(value, ranking.best())
                    .map_or_else(String::new, |n| format!(", {n} {}", question.as_much));
                format!(
                    "{} {} {}{multiple}",
                    group.name(),
                    question.verb,
                    ranking.show(value)
                )
            }),
            unmeasured: unmeasured(question, groups),
            whom,
        }
    }

    /// The answer in a sentence.
    pub(crate) fn sentence(&self) -> String {
        let tie = self.tie.map_or_else(String::new, |tie| format!(" ({tie})"));
        let others = self.worst.iter().chain(&self.unmeasured);
        let others: String = others.map(|other| format!("; {other}")).collect();
        format!("{}: {}{tie}, {}{others}.", self.what, self.who, self.value)
    }
}

fn unmeasured(question: &Question, groups: &[&Group<'_>]) -> Option<String> {
    let missing = groups
        .iter()
        .filter(|group| group.median(question.metric).is_none());
    let whom: Vec<Who> = missing.map(|group| group.who()).collect();
    let names = several(&whom, &everybody(groups));
    (!names.is_empty()).then(|| format!("not measured for {names}"))
}

fn everybody(groups: &[&Group<'_>]) -> Vec<Who> {
    groups.iter().map(|group| group.who()).collect()
}

fn tie(tie: Tie) -> &'static str {
    match tie {
        Tie::Intervals => "a tie: intervals overlap",
        Tie::Alike => "a tie: intervals overlap, or within 2 %",
        Tie::Tenth => "a tie: within 10 %",
    }
}

/// The answers that were measured.
pub(crate) fn choices(groups: &[&Group<'_>]) -> Vec<Choice> {
    let answer = |question: &Question| {
        Ranking::of(groups, question.metric).map(|ranking| Choice::of(question, &ranking, groups))
    };
    QUESTIONS.iter().filter_map(answer).collect()
}

/// The best value and the worst one beside it, for a cell of a table.
pub(crate) fn gap(ranking: &Ranking<'_>) -> String {
    let best = ranking.show(ranking.best());
    ranking.worst().map_or_else(
        || best.clone(),
        |(group, value)| format!("{best}; {} {}", group.label(), ranking.show(value)),
    )
}

/// What follows from the answers together. Nothing when a transport had to be left out, was not measured
/// in everything, or would be recommended though it lost messages: then the figures are all that can be said.
pub(crate) fn conclusion(comparison: &Comparison<'_>, choices: &[Choice]) -> Option<String> {
    let how_many = match choices.len() {
        2 => "in both",
        3 => "in all three",
        _ => return None,
    };
    let left_out = comparison.groups.iter().any(|group| !group.valid);
    if left_out || choices.iter().any(|choice| choice.unmeasured.is_some()) {
        return None;
    }
    let everywhere: Vec<Who> = choices[0]
        .whom
        .iter()
        .copied()
        .filter(|t| choices.iter().all(|choice| choice.whom.contains(t)))
        .collect();
    let lossy = |who: &Who| {
        let group = comparison.groups.iter().find(|group| group.who() == *who);
        group.is_some_and(|group| lost(group) > 0.0)
    };
    if everywhere.iter().any(lossy) {
        return None;
    }
    let all: Vec<Who> = comparison.groups.iter().map(Group::who).collect();
    let alone = choices.iter().all(|choice| choice.whom.len() == 1);
    Some(match everywhere.as_slice() {
        [] => "No transport is best in everything: choose by what costs you most.".to_owned(),
        [one] if alone => format!("{} is best {how_many}.", sentence_start(&words::who(*one))),
        [one] => format!(
            "{} is best, or not told apart from the best, {how_many}.",
            sentence_start(&words::who(*one))
        ),
        whom => format!(
            "{} are best, or not told apart from the best, {how_many}: choose among them by what else you need.",
            sentence_start(&several(whom, &all))
        ),
    })
}

/// Deliveries that did not come, the median over the repeats.
pub(crate) fn lost(group: &Group<'_>) -> f64 {
    group.median("lost").unwrap_or_default()
}
