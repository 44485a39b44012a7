//! `[search]`: the largest value of a key for which something holds.

use std::time::Duration;

use super::bound::Bound;
use super::error::{Fault, Report};
use super::gate::{GateFault, GateRule, Op};
use super::keys::{LINK, LOAD, SEARCH, brief, listed, nearest};
use super::known::Known;
use super::matrix::{self, Axis};
use super::plan::Trial;
use super::setting::{Setting, example};
use super::tree::{Entry, Node, Value};
use super::value::Wanted;
use crate::units::write_duration;

/// Two values closer than this are one, unless the scenario says otherwise.
const PRECISION: f64 = 0.05;
/// The least value: from less, doubling would hardly ever end.
const LEAST: f64 = 1e-6;
/// The coarsest: one halving of the step that found the boundary.
const COARSEST: f64 = 0.5;
/// How long a search may take, unless the scenario says otherwise.
const BUDGET: Duration = Duration::from_secs(15 * 60);
/// Trials that decide about a value at the boundary, by majority, unless `run.repeats` says otherwise.
const VOTES: u32 = 3;
/// Settings that are numbers and can be varied.
const NUMBERS: [&str; 14] = [
    "clients",
    "channels",
    "rate",
    "payload",
    "publishers",
    "poll_interval",
    "hold",
    "batch",
    "linger",
    "rtt",
    "jitter",
    "loss",
    "down",
    "up",
];

/// What is varied, within which bounds, and what must hold.
#[derive(Debug, Clone, PartialEq)]
pub struct Search {
    /// The key of `[load]` or `[link]` that is varied.
    pub vary: String,
    /// The first value tried, in the unit of a factor.
    pub from: f64,
    /// The largest value tried.
    pub to: f64,
    /// Whether only whole numbers are values.
    pub whole: bool,
    /// What must hold, all of it.
    pub conditions: Vec<Condition>,
    /// The largest value that holds and the smallest that does not may differ by this share of the former.
    pub precision: f64,
    /// How long the search of one combination may take.
    pub budget: Duration,
    /// Trials of which most decide about a value at the boundary.
    pub votes: u32,
    /// The combinations, each searched on its own.
    ground: Ground,
}

/// What the search varies a key of.
#[derive(Debug, Clone)]
struct Ground {
    load: Vec<Setting>,
    axes: Vec<Axis>,
    setting: Setting,
    seed: u64,
}

/// By what it says: a default that is spelt out is the same ground.
impl PartialEq for Ground {
    fn eq(&self, other: &Self) -> bool {
        let load = |ground: &Self| Setting::assemble(&ground.load);
        (&self.axes, &self.setting, self.seed) == (&other.axes, &other.setting, other.seed)
            && load(self) == load(other)
    }
}

/// A bound that a trial must keep.
#[derive(Debug, Clone, PartialEq)]
pub struct Condition {
    /// The metric's name.
    pub metric: String,
    /// How it must compare with the bound.
    pub op: Op,
    /// The bound, in the metric's own unit.
    pub bound: f64,
    /// Both as written, such as `<= 100ms`.
    pub text: String,
}

impl Search {
    /// The trials of a value: one for each combination. The first for a value has number 1.
    #[must_use]
    pub fn trials_at(&self, value: f64, number: u32) -> Vec<Trial> {
        let Ground {
            load,
            axes,
            setting,
            seed,
        } = &self.ground;
        let mut axes = axes.clone();
        axes.push(vec![setting.with_number(value)]);
        let trials = matrix::trials(load, &axes, *seed, 1);
        if number == 1 {
            return trials;
        }
        let again = trials
            .into_iter()
            .map(|trial| matrix::again(&trial, number));
        again.collect()
    }

    /// The condition as a person writes it.
    #[must_use]
    pub fn condition(&self) -> String {
        let all = self.conditions.iter();
        let texts: Vec<String> = all
            .map(|one| format!("{} {}", one.metric, one.text))
            .collect();
        texts.join(" and ")
    }

    /// The precision in percent, without the noise of a float.
    pub(super) fn percent(&self) -> f64 {
        (self.precision * 1e6).round() / 1e4
    }

    /// A value as a person writes it.
    #[must_use]
    pub fn written(&self, value: f64) -> String {
        self.ground
            .setting
            .with_number(value)
            .toml()
            .replace('"', "")
    }

    /// Trials that a search takes when nothing is odd: doubling, halving, and the boundary.
    #[must_use]
    pub fn usual_trials(&self) -> u32 {
        let doublings = (self.to / self.from).log2().ceil().max(0.0);
        let halvings = (1.0 / self.precision).log2().ceil().max(0.0);
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "logarithms: small, and not negative"
        )]
        let steps = (doublings + halvings) as u32;
        // Two that agree make a majority of three.
        steps.saturating_add(1 + 2 * (self.votes / 2))
    }

    pub(super) fn toml(&self) -> Vec<(&'static str, String)> {
        let value = |number| self.ground.setting.with_number(number).toml();
        vec![
            ("vary", format!("\"{}\"", self.vary)),
            ("from", value(self.from)),
            ("to", value(self.to)),
            ("while", format!("\"{}\"", self.condition())),
            ("precision", format!("\"{}%\"", self.percent())),
            ("budget", format!("\"{}\"", write_duration(self.budget))),
        ]
    }
}

/// A search as written.
#[derive(Debug, Clone)]
pub(super) struct Written {
    from: Setting,
    to: Setting,
    conditions: Vec<Condition>,
    precision: f64,
    budget: Duration,
}

impl Written {
    pub(super) fn key(&self) -> &'static str {
        self.from.key()
    }

    /// With the rest of the scenario.
    pub(super) fn resolve(
        self,
        load: &[Setting],
        axes: &[Axis],
        seed: u64,
        repeats: u32,
    ) -> Search {
        Search {
            vary: self.from.key().to_owned(),
            from: self.from.number().unwrap_or(1.0),
            to: self.to.number().unwrap_or(1.0),
            whole: self.from.is_whole(),
            conditions: self.conditions,
            precision: self.precision,
            budget: self.budget,
            votes: if repeats > 1 { repeats } else { VOTES },
            ground: Ground {
                load: load.to_vec(),
                axes: axes.to_vec(),
                setting: self.from,
                seed,
            },
        }
    }
}

/// Reads `[search]`.
pub(super) fn read(section: &Entry, known: &[Known<'_>], report: &mut Report) -> Option<Written> {
    let before = report.len();
    let entries = SEARCH.entries(&section.node, report);
    if report.len() > before {
        return None;
    }
    let missing: Vec<&str> = ["vary", "from", "to", "while"]
        .into_iter()
        .filter(|key| !entries.iter().any(|entry| entry.key == *key))
        .collect();
    if !missing.is_empty() {
        let text = format!("[search] has no {}", listed(&missing));
        report.add(Fault::new(&section.place, text));
        return None;
    }
    let find = |key: &str| entries.iter().copied().find(|entry| entry.key == key);
    let key = report.take(key(find("vary")?))?;
    let bound = |name| -> Result<Setting, Fault> {
        let entry = find(name).ok_or_else(|| Fault::new(&section.place, ""))?;
        number(key, entry)
    };
    let (from, to) = (report.take(bound("from")), report.take(bound("to")));
    let conditions = report.take(conditions(find("while")?, known));
    let precision = report.take(find("precision").map_or(Ok(PRECISION), precision));
    let budget = report.take(find("budget").map_or(Ok(BUDGET), budget));
    let written = Written {
        from: from?,
        to: to?,
        conditions: conditions?,
        precision: precision?,
        budget: budget?,
    };
    if written.from.number() >= written.to.number() {
        let place = &find("to")?.node.place;
        let text = "\"search.to\" is not above \"search.from\"; a search goes upwards";
        report.add(Fault::new(place, text));
        return None;
    }
    Some(written)
}

fn wanted<'a>(path: &'a str, example: &'a str, node: &'a Node) -> Wanted<'a> {
    Wanted {
        path,
        example,
        node,
    }
}

fn key(entry: &Entry) -> Result<&'static str, Fault> {
    let wanted = wanted("search.vary", "vary = \"clients\"", &entry.node);
    let name = wanted.text()?;
    if let Some(key) = NUMBERS.iter().find(|key| **key == name) {
        return Ok(key);
    }
    let known = LOAD.keys.contains(&name) || LINK.keys.contains(&name);
    Err(
        wanted.fault(match nearest(name, &NUMBERS).filter(|_| !known) {
            Some(near) => format!(
                "\"search.vary\" is \"{}\"; did you mean \"{near}\"?",
                brief(name)
            ),
            None => format!(
                "\"search.vary\" is \"{}\", which is no number to vary; it is one of {}",
                brief(name),
                listed(&NUMBERS)
            ),
        }),
    )
}

fn number(key: &str, entry: &Entry) -> Result<Setting, Fault> {
    let path = SEARCH.path(&entry.key);
    let setting = Setting::read(key, &path, &entry.node)?;
    let why = match setting.number() {
        Some(number) if number >= LEAST => return Ok(setting),
        Some(number) if number > 0.0 => format!("must be at least {LEAST}"),
        _ => "must be above 0".to_owned(),
    };
    Err(Fault::new(
        &entry.node.place,
        format!("\"{path}\" {why}, such as {}", example(key)),
    ))
}

/// `delivery.p99 <= 100ms and lost == 0`.
fn conditions(entry: &Entry, known: &[Known<'_>]) -> Result<Vec<Condition>, Fault> {
    let wanted = wanted(
        "search.while",
        "while = \"delivery.p99 <= 100ms and lost == 0\"",
        &entry.node,
    );
    let all = wanted.text()?.split(" and ");
    all.map(|text| condition(text.trim(), known).map_err(|why| wanted.fault(why)))
        .collect()
}

fn condition(text: &str, known: &[Known<'_>]) -> Result<Condition, String> {
    let sign = text.find(['<', '>', '=', '!']).unwrap_or(text.len());
    let (metric, right) = text.split_at(sign);
    let rule = GateRule::parse(&format!("* {}", metric.trim()), right, known);
    let rule = rule.map_err(|fault| match fault {
        GateFault::Left(why) | GateFault::Right(why) => why.replace("\"* ", "\""),
    })?;
    let Bound::Absolute(bound) = rule.bound else {
        return Err(format!(
            "\"{}\" compares with another trial; a search needs a number, such as \"<= 20ms\"",
            brief(text)
        ));
    };
    Ok(Condition {
        text: rule.right().to_owned(),
        metric: rule.metric,
        op: rule.op,
        bound,
    })
}

/// `"5%"` or 0.05.
fn precision(entry: &Entry) -> Result<f64, Fault> {
    let wanted = wanted("search.precision", "precision = \"5%\"", &entry.node);
    let share = match &entry.node.value {
        Value::Text(text) => text
            .strip_suffix('%')
            .and_then(|percent| percent.trim().parse::<f64>().ok())
            .map(|percent| percent / 100.0)
            .ok_or_else(|| wanted.wrong_kind("a share"))?,
        _ => wanted.number()?,
    };
    if (0.001..=COARSEST).contains(&share) {
        return Ok(share);
    }
    Err(wanted.fault(format!(
        "\"search.precision\" must be from 0.1% to {}%: each step upwards doubles the value, so anything coarser would leave nothing to narrow down",
        COARSEST * 100.0
    )))
}

fn budget(entry: &Entry) -> Result<Duration, Fault> {
    let wanted = wanted("search.budget", "budget = \"10m\"", &entry.node);
    wanted.span(Duration::from_secs(1)..=Duration::from_secs(24 * 3600))
}
