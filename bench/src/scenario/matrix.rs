//! `[matrix]`: lists of values, and the trial that each combination becomes.

use std::collections::{BTreeMap, BTreeSet};

use super::error::{Fault, Report};
use super::keys::MATRIX;
use super::plan::{Factor, Trial};
use super::setting::{Setting, example};
use super::tree::Entry;
use super::value::Wanted;
use super::{Protocol, Transport};

/// The most trials that one scenario may ask for.
pub(super) const MAX_TRIALS: usize = 1000;

/// The longest id that is safe in a file name with something added to it.
const MAX_ID: usize = 120;

/// The values of one key, in the order they were written.
pub(super) type Axis = Vec<Setting>;

/// Reads `[matrix]`, in the order of the file: the first key varies slowest.
pub(super) fn read(section: &Entry, report: &mut Report) -> Vec<Axis> {
    let mut axes: Vec<Axis> = Vec::new();
    for entry in MATRIX.entries(&section.node, report) {
        if let Some(axis) = axis(entry, report) {
            axes.push(axis);
        }
    }
    let trials = axes
        .iter()
        .fold(1_usize, |count, axis| count.saturating_mul(axis.len()));
    if trials > MAX_TRIALS {
        report.add(Fault::new(
            &section.place,
            format!("\"matrix\" gives {trials} trials; {MAX_TRIALS} are the most, so take some values out"),
        ));
        axes.clear();
    }
    axes
}

fn axis(entry: &Entry, report: &mut Report) -> Option<Axis> {
    let path = MATRIX.path(&entry.key);
    let single = example(&entry.key);
    let (key, value) = single.split_once(" = ").unwrap_or((single, ""));
    let wanted = Wanted {
        path: &path,
        example: &format!("{key} = [{value}]"),
        node: &entry.node,
    };
    let mut axis = Axis::new();
    for node in report.take(wanted.list())? {
        let setting = report.take(Setting::read(&entry.key, &path, node))?;
        if axis.contains(&setting) {
            report.add(Fault::new(
                &node.place,
                format!("\"{path}\" has this value twice; remove one"),
            ));
        }
        axis.push(setting);
    }
    Some(axis)
}

/// Every combination, the first axis outermost, once for each repeat.
///
/// One repeat runs in the order of the file. With more of them each is in a
/// random order of its own, drawn from the seed, so that a machine that drifts
/// favours no combination.
pub(super) fn trials(base: &[Setting], axes: &[Axis], seed: u64, repeats: u32) -> Vec<Trial> {
    let combinations = combinations(base, axes, seed);
    if repeats == 1 {
        return combinations;
    }
    let mut trials = Vec::new();
    for repeat in 1..=repeats {
        let mut round: Vec<Trial> = combinations
            .iter()
            .map(|trial| again(trial, repeat))
            .collect();
        shuffle(&mut round, mix(seed, &repeat.to_be_bytes()));
        trials.append(&mut round);
    }
    trials
}

/// The same trial once more.
pub(super) fn again(trial: &Trial, repeat: u32) -> Trial {
    Trial {
        id: format!("{}-r{repeat}", trial.id),
        repeat,
        // Another load of the same law: a run is one draw of it.
        seed: mix(trial.seed, &repeat.to_le_bytes()),
        ..trial.clone()
    }
}

/// Fisher and Yates's shuffle (Knuth, TAOCP 2, algorithm 3.4.2P).
fn shuffle(trials: &mut [Trial], seed: u64) {
    let mut state = seed;
    for last in (1..trials.len()).rev() {
        state = mix(state, b"shuffle");
        let among = last as u64 + 1;
        // A list of a thousand makes the remainder's bias a part in 10^16.
        let chosen = usize::try_from(state % among).unwrap_or(last);
        trials.swap(last, chosen);
    }
}

/// Whether a transport has a use for a key. What says how to ask says nothing to an open connection.
fn concerns(key: &str, transport: Transport) -> bool {
    match key {
        "poll_interval" => transport == Transport::Polling,
        "hold" | "linger" => transport == Transport::LongPolling,
        "poll" | "batch" | "keep_alive" => {
            matches!(transport, Transport::Polling | Transport::LongPolling)
        }
        _ => true,
    }
}

/// Whether another value of the key is another load. All transports are to see the same messages, and so
/// is what they are spoken over, and so are all servers: then nothing but that differs between two trials.
fn draws_anew(key: &str) -> bool {
    let for_all = Transport::ALL.iter().all(|one| concerns(key, *one));
    for_all && !matches!(key, "transport" | "tls" | "http" | "nodes" | "target")
}

/// A combination without the lists that say nothing to its transport. A single value varies nothing, and
/// stays.
fn concerning<'a>(chosen: &[&'a Setting], axes: &[Axis], base: &[Setting]) -> Vec<&'a Setting> {
    let transport = Setting::assemble(base.iter().chain(chosen.iter().copied())).transport;
    let own = chosen.iter().zip(axes);
    own.filter(|(setting, axis)| axis.len() == 1 || concerns(setting.key(), transport))
        .map(|(setting, _)| *setting)
        .collect()
}

/// Each combination once: one transport's poll intervals are a single combination of another.
fn combinations(base: &[Setting], axes: &[Axis], seed: u64) -> Vec<Trial> {
    let mut combinations: Vec<Vec<&Setting>> = vec![Vec::new()];
    for axis in axes {
        combinations = combinations
            .iter()
            .flat_map(|chosen| {
                axis.iter()
                    .map(|setting| [chosen.as_slice(), &[setting]].concat())
            })
            .collect();
    }
    let mut distinct: Vec<Vec<&Setting>> = Vec::new();
    let load = |chosen: &[&Setting]| Setting::assemble(base.iter().chain(chosen.iter().copied()));
    for chosen in &combinations {
        if Protocol::of(&load(chosen)).is_none() {
            continue;
        }
        let chosen = concerning(chosen, axes, base);
        if !distinct.contains(&chosen) {
            distinct.push(chosen);
        }
    }
    let each = distinct.iter().enumerate();
    let mut trials: Vec<Trial> = each
        .map(|(index, chosen)| trial(base, chosen, seed, index))
        .collect();
    // Two numbers that are as good as equal read the same.
    let mut known = BTreeSet::new();
    for (index, trial) in trials.iter_mut().enumerate() {
        if !known.insert(trial.id.clone()) {
            trial.id = format!("{}-{}", trial.load.transport.name(), index + 1);
        }
    }
    trials
}

fn trial(base: &[Setting], chosen: &[&Setting], seed: u64, index: usize) -> Trial {
    let load = Setting::assemble(base.iter().chain(chosen.iter().copied()));
    let transport = Setting::Transport(load.transport);
    let mut factors: BTreeMap<String, Factor> = BTreeMap::new();
    let mut id = transport.label();
    let mut mixed = mix(seed, b"");
    for setting in chosen {
        factors.insert(setting.key().to_owned(), setting.factor());
        if setting.key() != transport.key() {
            let key = setting.key().replace('_', "-");
            id.push_str(&format!("-{key}-{}", setting.label()));
        }
    }
    // By name, not by place in the file: moving a line must not change the load.
    for (key, factor) in &factors {
        if draws_anew(key) {
            mixed = mix(mixed, format!("{key}={factor:?}").as_bytes());
        }
    }
    factors.insert(transport.key().to_owned(), transport.factor());
    if id.len() > MAX_ID {
        id = format!("{}-{}", transport.label(), index + 1);
    }
    Trial {
        id,
        repeat: 1,
        factors,
        load,
        seed: mixed,
    }
}

/// FNV-1a over the bytes, then the finish of `SplitMix64`: small, and the same
/// in every version, unlike the standard library's hasher.
fn mix(state: u64, bytes: &[u8]) -> u64 {
    let mut hash = state ^ 0xcbf2_9ce4_8422_2325;
    for &byte in bytes {
        hash = (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
    }
    hash = (hash ^ (hash >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    hash = (hash ^ (hash >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    hash ^ (hash >> 31)
}
