//! Trials that differ only in transport and in what that is spoken over, side by side.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use crate::report::{show, words};
use crate::result::{RunResult, TrialResult, metric};
use crate::scenario::{Factor, Protocol, TargetName, Transport, target_in};

/// The keys that say who stands in a comparison, not what is compared.
pub(crate) const WHO: [&str; 4] = ["transport", "tls", "http", "target"];

/// Who stands in a comparison: a transport, and what it is spoken over or who speaks it, where the run compares several.
pub(crate) type Who = (Transport, Option<Over>);

/// What transports are compared over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Over {
    /// What is between TCP and the transport.
    Protocol(Protocol),
    /// The server.
    Target(TargetName),
}

impl Over {
    /// All of its kind, in words.
    pub(crate) fn each(self) -> &'static str {
        match self {
            Self::Protocol(_) => " over each protocol",
            Self::Target(_) => " of each server",
        }
    }
}

impl fmt::Display for Over {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Protocol(protocol) => protocol.fmt(f),
            Self::Target(target) => target.fmt(f),
        }
    }
}

/// The trials of one combination of the other factors.
#[derive(Debug)]
pub(crate) struct Comparison<'a> {
    /// The combination; empty when nothing but the transport varies.
    pub(crate) factors: BTreeMap<String, Factor>,
    /// One for each transport and protocol, in the order of every table.
    pub(crate) groups: Vec<Group<'a>>,
}

/// The repeats of one transport, over one protocol, in one combination.
#[derive(Debug, Clone)]
pub(crate) struct Group<'a> {
    pub(crate) transport: Transport,
    /// What it is spoken over or who speaks it, when the run compares several.
    pub(crate) over: Option<Over>,
    /// The valid repeats, or all of them when none is valid.
    pub(crate) trials: Vec<&'a TrialResult>,
    /// Whether a repeat is valid.
    pub(crate) valid: bool,
}

impl Group<'_> {
    /// The metric's median over the repeats.
    pub(crate) fn median(&self, name: &str) -> Option<f64> {
        metric::find(name)?.median(&self.trials)
    }

    /// Who it is.
    pub(crate) fn who(&self) -> Who {
        (self.transport, self.over)
    }

    /// Its name as prose has it, such as `long polling (HTTP/2 over TLS)`.
    pub(crate) fn name(&self) -> String {
        words::who(self.who())
    }

    /// Its name as scenarios have it, marked when its trials cannot be trusted.
    pub(crate) fn label(&self) -> String {
        let name = match self.over {
            Some(over) => format!("{}, {over}", self.transport),
            None => self.transport.to_string(),
        };
        if self.valid {
            name
        } else {
            format!("{name} (invalid)")
        }
    }

    /// Whether it is those of the run's trials that this one is of.
    pub(crate) fn has(&self, trial: &TrialResult) -> bool {
        let over = match self.over {
            None => true,
            Some(Over::Protocol(over)) => Protocol::of(&trial.load) == Some(over),
            Some(Over::Target(over)) => target_in(&trial.factors) == Some(over),
        };
        trial.transport == self.transport && over
    }
}

impl<'a> Comparison<'a> {
    /// The combination as a person says it, such as `1,000 clients, 20 messages/s`.
    pub(crate) fn label(&self) -> String {
        self.label_without(&[])
    }

    /// The same without some factors.
    pub(crate) fn label_without(&self, without: &[&str]) -> String {
        let Some(load) = self
            .groups
            .first()
            .and_then(|g| g.trials.first())
            .map(|t| &t.load)
        else {
            return String::new();
        };
        let (clients, rate) = (number(load.clients), Factor::Number(load.rate));
        let always = [("clients", &clients), ("rate", &rate)];
        let others = self
            .factors
            .iter()
            .map(|(key, value)| (key.as_str(), value));
        let others = others.filter(|(key, _)| *key != "clients" && *key != "rate");
        let parts = always
            .into_iter()
            .chain(others)
            .filter(|(key, _)| !without.contains(key))
            .map(|(key, value)| show::factor(key, value));
        // HTTP/1.1 without TLS goes without saying; what is compared is said of each.
        let compared = self.groups.iter().any(|group| group.over.is_some());
        let over = Protocol::of(load).filter(|one| !compared && *one != Protocol::Http1);
        let parts = parts.chain(over.map(|over| over.to_string()));
        parts.collect::<Vec<_>>().join(", ")
    }

    /// The value of a factor that is a number.
    pub(crate) fn number(&self, key: &str) -> Option<f64> {
        match self.factors.get(key) {
            Some(Factor::Number(number)) => Some(*number),
            _ => None,
        }
    }

    /// The same with one of its protocols alone, the newest, for a picture that has no room for all.
    pub(crate) fn narrowed(&self) -> Self {
        self.only(self.groups.iter().filter_map(|group| group.over).max())
    }

    /// The same with what is over one protocol, or of one server, alone.
    pub(crate) fn only(&self, over: Option<Over>) -> Self {
        let of = |group: &&Group<'a>| group.over == over;
        let groups = self.groups.iter().filter(of).map(|group| Group {
            over: None,
            ..group.clone()
        });
        Self {
            factors: self.factors.clone(),
            groups: groups.collect(),
        }
    }

    /// The groups that can be trusted.
    pub(crate) fn trusted(&self) -> Vec<&Group<'_>> {
        self.groups.iter().filter(|group| group.valid).collect()
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "a number of clients, far below 2^53"
)]
fn number(count: usize) -> Factor {
    Factor::Number(count as f64)
}

/// Whether the run compares servers.
pub(crate) fn compares_targets(run: &RunResult) -> bool {
    let mut all = run.trials.iter().map(|trial| target_in(&trial.factors));
    let first = all.next();
    all.any(|other| Some(other) != first)
}

/// Whether the run compares protocols.
pub(crate) fn compares_protocols(run: &RunResult) -> bool {
    let mut all = run.trials.iter().map(|trial| Protocol::of(&trial.load));
    let first = all.next();
    // What a server is spoken to over is a part of it.
    !compares_targets(run) && all.any(|other| Some(other) != first)
}

/// The factors that take more than one value in the run, who is compared left out.
pub(crate) fn varying(run: &RunResult) -> Vec<String> {
    let mut values: BTreeMap<&str, Vec<Option<&Factor>>> = BTreeMap::new();
    let keys: BTreeSet<&str> = run
        .trials
        .iter()
        .flat_map(|t| t.factors.keys().map(String::as_str))
        .filter(|key| !WHO.contains(key))
        .collect();
    for trial in &run.trials {
        for key in &keys {
            let value = trial.factors.get(*key);
            let seen = values.entry(key).or_default();
            if !seen.contains(&value) {
                seen.push(value);
            }
        }
    }
    values
        .into_iter()
        .filter(|(_, seen)| seen.len() > 1)
        .map(|(key, _)| key.to_owned())
        .collect()
}

/// The run's comparisons, in the order in which the trials name them, numbers ascending.
pub(crate) fn comparisons(run: &RunResult) -> Vec<Comparison<'_>> {
    let keys = varying(run);
    let several = (compares_targets(run), compares_protocols(run));
    let mut found: Vec<(BTreeMap<String, Factor>, Vec<&TrialResult>)> = Vec::new();
    for trial in &run.trials {
        let factors: BTreeMap<_, _> = keys
            .iter()
            .filter_map(|key| Some((key.clone(), trial.factors.get(key)?.clone())))
            .collect();
        match found.iter_mut().find(|(known, _)| *known == factors) {
            Some((_, trials)) => trials.push(trial),
            None => found.push((factors, vec![trial])),
        }
    }
    // Trials run in a shuffled order; a reader looks for small before large.
    found.sort_by(|a, b| {
        order(&keys, &a.0)
            .partial_cmp(&order(&keys, &b.0))
            .unwrap_or(std::cmp::Ordering::Equal)
    });
    found
        .into_iter()
        .map(|(factors, trials)| Comparison {
            factors,
            groups: groups(&trials, several),
        })
        .collect()
}

fn order(keys: &[String], factors: &BTreeMap<String, Factor>) -> Vec<(f64, String)> {
    keys.iter()
        .map(|key| match factors.get(key) {
            Some(Factor::Number(number)) => (*number, String::new()),
            Some(Factor::Text(text)) => (f64::INFINITY, text.clone()),
            None => (f64::NEG_INFINITY, String::new()),
        })
        .collect()
}

fn groups<'a>(trials: &[&'a TrialResult], (targets, protocols): (bool, bool)) -> Vec<Group<'a>> {
    let who = |trial: &TrialResult| {
        let target = target_in(&trial.factors).filter(|_| targets);
        let protocol = Protocol::of(&trial.load).filter(|_| protocols);
        let over = target.map(Over::Target).or(protocol.map(Over::Protocol));
        (trial.transport, over)
    };
    let mut by: BTreeMap<Who, Vec<&'a TrialResult>> = BTreeMap::new();
    for trial in trials {
        by.entry(who(trial)).or_default().push(trial);
    }
    let groups = by.into_iter().map(|((transport, over), all)| Group {
        transport,
        over,
        valid: all.iter().any(|t| t.valid),
        trials: metric::trusted(&all),
    });
    groups.collect()
}

/// The run's comparisons, where a transport that a factor does not concern stands beside the others at each
/// of its values: a WebSocket, which was run once, beside polling at every interval.
pub(crate) fn side_by_side(run: &RunResult) -> Vec<Comparison<'_>> {
    let all = comparisons(run);
    let within = |part: &Comparison<'_>, whole: &Comparison<'_>| {
        let same = |(key, value): (&String, &Factor)| whole.factors.get(key) == Some(value);
        part.factors.len() < whole.factors.len() && part.factors.iter().all(same)
    };
    let whole = all
        .iter()
        .filter(|one| !all.iter().any(|other| within(one, other)));
    let joined = whole.map(|one| {
        let mut groups = one.groups.clone();
        for part in all.iter().filter(|part| within(part, one)) {
            let new = part.groups.iter().filter(|group| {
                let known = |other: &Group<'_>| other.who() == group.who();
                !one.groups.iter().any(known)
            });
            groups.extend(new.cloned());
        }
        groups.sort_by_key(Group::who);
        Comparison {
            factors: one.factors.clone(),
            groups,
        }
    });
    joined.collect()
}

/// The comparison that charts of a single combination show: the most clients, and of the other
/// numbers those in the middle.
pub(crate) fn shown<'a, 'r>(all: &'a [Comparison<'r>]) -> Option<&'a Comparison<'r>> {
    let most = all
        .iter()
        .filter_map(|c| c.number("clients"))
        .fold(f64::NEG_INFINITY, f64::max);
    let mut chosen: Vec<&Comparison<'_>> = all
        .iter()
        .filter(|c| c.number("clients").is_none_or(|n| n >= most))
        .collect();
    let keys = chosen.first().map(|c| c.factors.keys());
    for key in keys.into_iter().flatten() {
        let mut values: Vec<f64> = chosen.iter().filter_map(|c| c.number(key)).collect();
        values.sort_by(f64::total_cmp);
        values.dedup();
        if let Some(middle) = values.get(values.len().saturating_sub(1) / 2) {
            chosen.retain(|c| c.number(key).is_none_or(|n| n == *middle));
        }
    }
    chosen.first().copied().or_else(|| all.first())
}
