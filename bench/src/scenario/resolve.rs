//! From what a scenario says to what a run will do.

use std::path::Path;
use std::time::Duration;

use super::error::{Fault, Report};
use super::matrix::MAX_TRIALS;
use super::place::Place;
use super::plan::{Plan, Target, Trial};
use super::tree::{Entry, Value, place_of};
use super::written::Scenario;
use super::{GateRule, Load, Transport, events, matrix, resolved, targets};
use crate::units::write_duration;

/// The longest run.
const LONGEST: Duration = Duration::from_secs(24 * 3600);

/// The most messages in one trial: what is kept of each would fill the memory.
const MOST_MESSAGES: f64 = 1e8;

/// Combines the sections, and notes what only shows when they are seen together.
pub(super) fn resolve(
    mut scenario: Scenario,
    file: &Path,
    root: &[Entry],
    report: &mut Report,
) -> Plan {
    let name = file.file_stem().map_or_else(
        || "scenario".to_owned(),
        |stem| stem.to_string_lossy().into_owned(),
    );
    find_scenario(&mut scenario, file);
    let title = scenario.title.clone().unwrap_or_else(|| name.clone());
    let (load, matrix, seed) = (&scenario.load, &scenario.matrix, scenario.seed);
    let search = scenario
        .search
        .clone()
        .map(|search| search.resolve(load, matrix, seed, scenario.repeats));
    let trials = match &search {
        Some(search) => search.trials_at(search.from, 1),
        None => matrix::trials(load, matrix, seed, scenario.repeats),
    };
    drop_gates_of_trials_set_aside(&mut scenario.gates, &trials, root);
    let written = scenario.events.clone();
    let plan = Plan {
        trials,
        resolved: resolved::write(&scenario, search.as_ref(), &title),
        search,
        name,
        file: file.to_owned(),
        title,
        seed: scenario.seed,
        target: scenario.target,
        targets: scenario.targets.into_iter().map(|one| one.named).collect(),
        phases: scenario.phases,
        events: scenario.events.iter().map(|(event, _)| *event).collect(),
        workers: scenario.workers,
        gates: scenario.gates,
        published: scenario.published,
    };
    // While a value is wrong, its default would give rise to complaints of its own.
    if report.len() == 0 {
        for target in plan.servers() {
            for fault in events::faults(&written, &plan.phases, target) {
                report.add(fault);
            }
        }
        check_servers(&plan, root, report);
        check_count(&plan, root, report);
        check_time(&plan, root, report);
        let widest = plan.widest();
        check_messages(&widest, root, report);
        check_drain(&widest, root, report);
        check_budget(&plan, root, report);
        check_selectors(&plan, root, report);
    }
    plan
}

/// Names the scenario's own folder in the commands of its servers: from the folder that bench is started in, so that
/// the scenario as resolved, which stands elsewhere, starts them too.
fn find_scenario(scenario: &mut Scenario, file: &Path) {
    let folder = file.parent().unwrap_or(Path::new(""));
    let folder = match folder.display().to_string() {
        here if here.is_empty() => "{here}".to_owned(),
        path if folder.is_absolute() => path,
        path => format!("{{here}}/{path}"),
    };
    let several = scenario.targets.iter_mut().map(|one| &mut one.named.target);
    for target in several.chain([&mut scenario.target]) {
        if let Target::At {
            command: Some(words),
            ..
        } = target
        {
            for word in words {
                *word = word.replace("{scenario}", &folder);
            }
        }
    }
}

/// Whoever runs two transports of five by `--set` has no use for the gates of the
/// other three; in the file itself such a gate is a slip, and `check_selectors` says so.
fn drop_gates_of_trials_set_aside(gates: &mut Vec<GateRule>, trials: &[Trial], root: &[Entry]) {
    let by_set = |path| matches!(place_of(root, path), Place::Set(_));
    let sets = ["load.transport", "matrix.transport", "matrix.target"];
    if sets.into_iter().any(by_set) {
        gates.retain(|gate| applies(gate, trials));
    }
}

fn applies(gate: &GateRule, trials: &[Trial]) -> bool {
    complaint(gate, trials, "").is_none()
}

/// Why the gate can say nothing about these trials, whose transports come from `key`.
fn complaint(gate: &GateRule, trials: &[Trial], key: &str) -> Option<String> {
    for target in [gate.target, gate.bound.target()].into_iter().flatten() {
        if !trials.iter().any(|trial| trial.target() == Some(target)) {
            return Some(format!(
                "no trial is of the target {target}, so the gate \"{gate}\" would hold of nothing; add \"{target}\" to \"matrix.target\" or remove the gate"
            ));
        }
    }
    let of_target = |trial: &Trial| gate.target.is_none_or(|_| trial.target() == gate.target);
    let used = |transport: &Transport| {
        trials
            .iter()
            .any(|t| of_target(t) && t.load.transport == *transport)
    };
    let missing = |transport: Transport, what: &str| {
        format!(
            "no trial uses {transport}, so the gate \"{gate}\" {what}; add {transport} to \"{key}\" or remove the gate"
        )
    };
    if let Some(transport) = gate.selector.filter(|transport| !used(transport)) {
        return Some(missing(transport, "would hold of nothing"));
    }
    let reference = gate.bound.transport()?;
    if !used(&reference) {
        return Some(missing(reference, "has nothing to compare with"));
    }
    let alone = trials.iter().all(|t| t.load.transport == reference);
    alone.then(|| {
        format!(
            "every trial uses {reference}, so the gate \"{gate}\" would hold of nothing; add another transport to \"{key}\" or remove the gate"
        )
    })
}

/// A server that cannot be asked for what a trial wants.
fn check_servers(plan: &Plan, root: &[Entry], report: &mut Report) {
    for trial in &plan.trials {
        if let Some((key, text)) = targets::complaint(trial, plan.target_of(trial)) {
            let place = place_of(root, &key_of(plan, key));
            report.add(Fault::new(&place, text));
        }
    }
}

fn check_count(plan: &Plan, root: &[Entry], report: &mut Report) {
    let trials = plan.trials.len();
    if trials > MAX_TRIALS {
        report.add(Fault::new(
            &place_of(root, "run.repeats"),
            format!(
                "the run has {trials} trials with its repeats; {MAX_TRIALS} are the most, so lower \"run.repeats\""
            ),
        ));
    }
}

fn check_time(plan: &Plan, root: &[Entry], report: &mut Report) {
    if plan.longest_time() > LONGEST {
        report.add(Fault::new(
            &place_of(root, "phases.measure"),
            "the run would take more than 24 hours; shorten \"phases.measure\" or take values out of [matrix]",
        ));
    }
}

/// A budget that is over before the first trial would find nothing.
fn check_budget(plan: &Plan, root: &[Entry], report: &mut Report) {
    let longest = plan.longest_trial();
    if plan
        .search
        .as_ref()
        .is_some_and(|search| search.budget < longest)
    {
        report.add(Fault::new(
            &place_of(root, "search.budget"),
            format!(
                "\"search.budget\" is shorter than one trial, which may take {}; make it longer",
                write_duration(longest)
            ),
        ));
    }
}

fn check_messages(plan: &Plan, root: &[Entry], report: &mut Report) {
    let most = plan
        .trials
        .iter()
        .map(|trial| trial.load.messages_in(plan.phases.warm_up) + plan.messages_of(&trial.load))
        .fold(0.0, f64::max);
    if most > MOST_MESSAGES {
        let key = key_of(plan, "rate");
        report.add(Fault::new(
            &place_of(root, &key),
            format!(
                "a trial would publish {most:.0} messages, and 100000000 are the most; lower \"{key}\" or shorten \"phases.measure\""
            ),
        ));
    }
}

/// A drain shorter than a poll, or than the links take, would book the last messages as lost.
fn check_drain(plan: &Plan, root: &[Entry], report: &mut Report) {
    let slowest = plan
        .trials
        .iter()
        .filter(|trial| trial.load.transport == Transport::Polling)
        .map(|trial| trial.load.poll_interval)
        .max();
    let longest = plan
        .trials
        .iter()
        .map(|trial| on_its_way(&trial.load))
        .max();
    if let Some(interval) = slowest.filter(|interval| *interval > plan.phases.drain) {
        report.add(Fault::new(            &place_of(root, "phases.drain"),
            format!(
                "\"phases.drain\" is {}, shorter than a \"poll_interval\" of {}: the last messages would count as lost; make it longer",
                write_duration(plan.phases.drain),
                write_duration(interval)
            ),
        ));
    } else if let Some(longest) = longest.filter(|longest| *longest > plan.phases.drain) {
        report.add(Fault::new(
            &place_of(root, "phases.drain"),
            format!(
                "\"phases.drain\" is {}, and with its link a message may take {}: the last messages would count as lost; make it longer",
                write_duration(plan.phases.drain),
                write_duration(longest)
            ),
        ));
    }
}

/// How long a message may take over an emulated link: the wait for a poll, two round trips, and a loss.
fn on_its_way(load: &Load) -> Duration {
    let link = load.link;
    if link.is_none() {
        return Duration::ZERO;
    }
    let poll = (load.transport == Transport::Polling).then_some(load.poll_interval);
    let loss = (link.loss > 0.0).then(|| link.retransmission_timeout());
    link.longest_round_trip() * 2 + poll.unwrap_or_default() + loss.unwrap_or_default()
}

fn check_selectors(plan: &Plan, root: &[Entry], report: &mut Report) {
    let key = key_of(plan, "transport");
    for gate in &plan.gates {
        if let Some(text) = complaint(gate, &plan.trials, &key) {
            report.add(Fault::new(&gate_place(root, &gate.left()), text));
        }
    }
}

/// Where the value of a `[load]` key comes from.
fn key_of(plan: &Plan, key: &str) -> String {
    let varies = plan
        .trials
        .iter()
        .any(|trial| trial.factors.contains_key(key));
    let from_matrix = varies && (key != "transport" || plan.trials.len() > 1);
    if plan
        .search
        .as_ref()
        .is_some_and(|search| search.vary == key)
    {
        return "search.to".to_owned();
    }
    let section = if from_matrix { "matrix" } else { "load" };
    format!("{section}.{key}")
}

fn gate_place(root: &[Entry], left: &str) -> Place {
    let table = root
        .iter()
        .find(|entry| entry.key == "gate")
        .map(|entry| &entry.node.value);
    let Some(Value::Table(table)) = table else {
        return Place::Whole;
    };
    table
        .iter()
        .find(|entry| entry.key.split_whitespace().eq(left.split(' ')))
        .map_or(Place::Whole, |entry| entry.place.clone())
}
