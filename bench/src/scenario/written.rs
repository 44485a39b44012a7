//! The scenario as a person wrote it, section by section, checked but not resolved.

use std::time::Duration;

use super::error::{Fault, Report};
use super::gate::{GateFault, GateRule};
use super::keys::{LINK, LOAD, PHASES, ROOT, RUN, Section, TARGET, brief, not_a_table};
use super::known::Known;
use super::matrix::{self, Axis};
use super::plan::{Phases, Published, Target};
use super::setting::Setting;
use super::tree::{Entry, Node, Value, place_of};
use super::value::Wanted;
use super::{events, protocol, published, search, target, targets};

/// The seed of a scenario that names none: the same load every time.
const DEFAULT_SEED: u64 = 42;

/// The most processes that simulate clients: beyond, they cost more than they bring.
const MOST_WORKERS: usize = 256;

/// A scenario file as read.
#[derive(Debug)]
pub(super) struct Scenario {
    pub(super) title: Option<String>,
    pub(super) seed: u64,
    pub(super) target: Target,
    /// What `[targets]` says.
    pub(super) targets: Vec<targets::Written>,
    /// What `[load]` says, `[link]`, and `[target]` of what clients speak.
    pub(super) load: Vec<Setting>,
    /// What `[matrix]` says.
    pub(super) matrix: Vec<Axis>,
    pub(super) phases: Phases,
    pub(super) repeats: u32,
    pub(super) workers: Option<usize>,
    pub(super) events: Vec<events::Written>,
    pub(super) search: Option<search::Written>,
    pub(super) gates: Vec<GateRule>,
    pub(super) published: Vec<Published>,
}

impl Default for Scenario {
    fn default() -> Self {
        Self {
            title: None,
            seed: DEFAULT_SEED,
            target: Target::Bundled,
            targets: Vec::new(),
            load: Vec::new(),
            matrix: Vec::new(),
            phases: Phases::default(),
            repeats: 1,
            workers: None,
            events: Vec::new(),
            search: None,
            gates: Vec::new(),
            published: Vec::new(),
        }
    }
}

/// Reads every section; what is wrong is noted and left at its default.
pub(super) fn read(root: &[Entry], known: &[Known<'_>], report: &mut Report) -> Scenario {
    let mut scenario = Scenario::default();
    for entry in ROOT.known(root, report) {
        let wanted = |example| Wanted {
            path: &entry.key,
            example,
            node: &entry.node,
        };
        match entry.key.as_str() {
            "title" => {
                let title = wanted("title = \"Chat room\"").text().map(str::to_owned);
                scenario.title = report.take(title);
            }
            "seed" => {
                let seed = wanted("seed = 42").whole(0..=i64::MAX.cast_unsigned());
                scenario.seed = report.take(seed).unwrap_or(DEFAULT_SEED);
            }
            "target" => {
                let (target, spoken) = target::read(&TARGET, entry, report);
                scenario.target = target;
                scenario.load.extend(spoken);
            }
            "targets" => scenario.targets = targets::read(entry, report),
            "load" => scenario.load.extend(settings(&LOAD, entry, report)),
            "link" => scenario.load.extend(settings(&LINK, entry, report)),
            "matrix" => scenario.matrix = matrix::read(entry, report),
            "phases" => scenario.phases = phases(entry, report),
            "events" => scenario.events = events::read(entry, report),
            "search" => scenario.search = search::read(entry, known, report),
            "run" => run(entry, &mut scenario, report),
            "gate" => scenario.gates = gates(entry, known, report),
            _ => scenario.published = published::read(entry, known, report),
        }
    }
    refuse_keys_given_twice(&scenario, root, report);
    refuse_key_that_is_searched(&scenario, root, report);
    if report.len() == 0 {
        targets::settle(&mut scenario, root, report);
    }
    protocol::settle(&mut scenario, root, report);
    scenario
}

fn settings(section: &Section, entry: &Entry, report: &mut Report) -> Vec<Setting> {
    let mut settings = Vec::new();
    for entry in section.entries(&entry.node, report) {
        let outcome = Setting::read(&entry.key, &section.path(&entry.key), &entry.node);
        settings.extend(report.take(outcome));
    }
    settings
}

fn refuse_keys_given_twice(scenario: &Scenario, root: &[Entry], report: &mut Report) {
    for axis in &scenario.matrix {
        let Some(key) = axis.first().map(Setting::key) else {
            continue;
        };
        if scenario.load.iter().any(|setting| setting.key() == key) {
            let place = place_of(root, &format!("matrix.{key}"));
            let text = format!(
                "\"{key}\" stands in [{}] and in [matrix]; remove one",
                home(key)
            );
            report.add(Fault::new(&place, text));
        }
    }
}

fn refuse_key_that_is_searched(scenario: &Scenario, root: &[Entry], report: &mut Report) {
    let Some(key) = scenario.search.as_ref().map(search::Written::key) else {
        return;
    };
    let first = |axis: &Axis| axis.first().map(Setting::key);
    let in_matrix = scenario.matrix.iter().any(|axis| first(axis) == Some(key));
    let stands_in = if in_matrix {
        "matrix"
    } else if scenario.load.iter().any(|setting| setting.key() == key) {
        home(key)
    } else {
        return;
    };
    report.add(Fault::new(
        &place_of(root, &format!("{stands_in}.{key}")),
        format!("[search] varies \"{key}\", so it cannot stand in [{stands_in}]; remove one"),
    ));
}

/// The table of a key that may also stand in `[matrix]`.
fn home(key: &str) -> &'static str {
    let homes = [&LINK, &TARGET, &LOAD];
    let home = homes.into_iter().find(|home| home.keys.contains(&key));
    home.map_or(LOAD.name, |home| home.name)
}

fn phases(section: &Entry, report: &mut Report) -> Phases {
    let mut phases = Phases::default();
    let hour = Duration::from_secs(3600);
    for entry in PHASES.entries(&section.node, report) {
        let read = |example, bounds| {
            Wanted {
                path: &PHASES.path(&entry.key),
                example,
                node: &entry.node,
            }
            .span(bounds)
        };
        let (phase, span) = match entry.key.as_str() {
            "ramp" => (
                &mut phases.ramp,
                read("ramp = \"2s\"", Duration::ZERO..=hour),
            ),
            "warm_up" => (
                &mut phases.warm_up,
                read("warm_up = \"2s\"", Duration::ZERO..=hour),
            ),
            "measure" => (
                &mut phases.measure,
                read("measure = \"10s\"", Duration::from_secs(1)..=hour * 24),
            ),
            _ => (
                &mut phases.drain,
                read("drain = \"5s\"", Duration::ZERO..=hour),
            ),
        };
        if let Some(span) = report.take(span) {
            *phase = span;
        }
    }
    phases
}

fn run(section: &Entry, scenario: &mut Scenario, report: &mut Report) {
    for entry in RUN.entries(&section.node, report) {
        let path = RUN.path(&entry.key);
        let wanted = |example| Wanted {
            path: &path,
            example,
            node: &entry.node,
        };
        match entry.key.as_str() {
            "repeats" => {
                let count = report.take(wanted("repeats = 5").count(1..=1000));
                scenario.repeats = count
                    .and_then(|count| u32::try_from(count).ok())
                    .unwrap_or(1);
            }
            _ => scenario.workers = report.take(wanted("workers = 4").count(1..=MOST_WORKERS)),
        }
    }
}

fn gates(section: &Entry, known: &[Known<'_>], report: &mut Report) -> Vec<GateRule> {
    let Value::Table(table) = &section.node.value else {
        report.add(Fault::new(
            &section.node.place,
            not_a_table("gate", &section.node.place),
        ));
        return Vec::new();
    };
    let mut rules: Vec<GateRule> = Vec::new();
    for entry in table {
        let nodes = match &entry.node.value {
            Value::List(nodes) if !nodes.is_empty() => nodes.as_slice(),
            _ => std::slice::from_ref(&entry.node),
        };
        let stands = rules.len();
        for node in nodes {
            let outcome = gate(entry, node, known).and_then(|rule| {
                let twice = |other: &GateRule| other.left() == rule.left();
                if rules[..stands].iter().any(twice) || rules.contains(&rule) {
                    let left = rule.left();
                    let text = format!("the gate \"{left}\" stands here twice; remove one");
                    return Err(Fault::new(&entry.place, text));
                }
                Ok(rule)
            });
            rules.extend(report.take(outcome));
        }
    }
    rules
}

fn gate(entry: &Entry, node: &Node, known: &[Known<'_>]) -> Result<GateRule, Fault> {
    let wanted = Wanted {
        path: &format!("gate.{}", brief(&entry.key)),
        example: "\"* lost\" = \"== 0\"",
        node,
    };
    GateRule::parse(&entry.key, wanted.text()?, known).map_err(|fault| match fault {
        GateFault::Left(text) => Fault::new(&entry.place, text),
        GateFault::Right(text) => Fault::new(&node.place, text),
    })
}
