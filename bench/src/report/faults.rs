//! What a server did wrong and no gate asks about: a run that can be trusted may still be a bad one.

use crate::judge::search;
use crate::result::{RunResult, TrialResult};
use crate::units::show_count;

/// A metric that ought to be 0, and its words.
struct Fault {
    metric: &'static str,
    what: &'static str,
    count: fn(&TrialResult) -> u64,
}

const FAULTS: [Fault; 3] = [
    Fault {
        metric: "lost",
        what: "never came",
        count: |trial| {
            if trial.load.passes_over() {
                0
            } else {
                trial.messages.lost
            }
        },
    },
    Fault {
        metric: "duplicated",
        what: "came twice",
        count: |trial| trial.messages.duplicated,
    },
    Fault {
        metric: "reordered",
        what: "came out of order",
        count: |trial| trial.messages.reordered,
    },
];

/// A sentence about faults that no gate would have caught; none when there are none.
///
/// Of a search only the trials that it stands for count: beyond the boundary messages are lost.
pub(crate) fn ungated(run: &RunResult) -> Option<String> {
    let standing = search::standing(run);
    let trials = standing.as_deref().unwrap_or(&run.trials);
    let mut said = Vec::new();
    let mut gates = Vec::new();
    for fault in &FAULTS {
        let bad = trials
            .iter()
            .filter(|trial| (fault.count)(trial) > 0 && !gated(run, trial, fault.metric));
        let counts: Vec<u64> = bad.map(fault.count).collect();
        if counts.is_empty() {
            continue;
        }
        let sum = counts.iter().fold(0, |sum: u64, n| sum.saturating_add(*n));
        said.push(format!(
            "{} {} {} in {} of {} trials",
            show_count(sum),
            if sum == 1 { "delivery" } else { "deliveries" },
            fault.what,
            counts.len(),
            trials.len()
        ));
        gates.push(format!("\"* {}\" = \"== 0\"", fault.metric));
    }
    (!said.is_empty()).then(|| {
        format!(
            "{}, and no gate asks about that; with {} in [gate] the run would fail.",
            said.join(", "),
            gates.join(" and ")
        )
    })
}

/// Whether a gate is about this metric of this trial; one on the share of what was missed is about loss.
fn gated(run: &RunResult, trial: &TrialResult, metric: &str) -> bool {
    run.gates.iter().any(|gate| {
        let mut words = gate.rule.split_whitespace();
        let (who, what) = (words.next(), words.next());
        let of = who == Some("*") || who == Some(trial.transport.name());
        of && (what == Some(metric) || (metric == "lost" && what == Some("missed_share")))
    })
}
