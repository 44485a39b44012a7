//! Calm and attack in turns, and what each attack did.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::Value;

use crate::attacks::Attack;
use crate::honest::Crowd;
use crate::process::Relay;

/// One attack in one round.
pub(crate) struct Round {
    /// The honest clients' 99th percentile under it, in nanoseconds, and in the calm before.
    pub(crate) p99: [u64; 2],
    /// By how much the relay's memory grew over the calm before it, in bytes.
    pub(crate) grew: u64,
    /// Connections that ended by each reason while it lasted, without those that merely left.
    pub(crate) closed: BTreeMap<String, u64>,
    /// What the attackers saw.
    pub(crate) ends: BTreeMap<String, u64>,
}

/// How long things last.
#[derive(Clone, Copy)]
pub(crate) struct Times {
    pub(crate) calm: Duration,
    pub(crate) attack: Duration,
    /// How much longer an attack goes on until it has come to its end.
    pub(crate) patience: Duration,
}

/// Lets the honest clients be for a while, and then attacks.
pub(crate) fn round(relay: &Relay, crowd: &Crowd, attack: Attack, times: Times) -> Round {
    let begun = crowd.now();
    std::thread::sleep(times.calm);
    let (before, attacked) = (relay.stats(), crowd.now());
    let resident = relay.resident();
    let outcome = attack.run(relay, times.attack, times.patience);
    let ended = crowd.now();
    // What the last of them are ended by is counted too, and the next calm is a calm.
    std::thread::sleep(Duration::from_millis(500));
    let after = relay.stats();
    Round {
        p99: [crowd.p99(attacked, ended), crowd.p99(begun, attacked)],
        grew: outcome.peak.saturating_sub(resident),
        closed: difference(&before["closed"], &after["closed"]),
        ends: outcome.ends,
    }
}

fn difference(before: &Value, after: &Value) -> BTreeMap<String, u64> {
    let after = after.as_object().into_iter().flatten();
    let more = after.map(|(reason, count)| {
        let count = count.as_u64().unwrap_or(0);
        (reason.clone(), count - before[reason].as_u64().unwrap_or(0))
    });
    more.filter(|(_, count)| *count > 0).collect()
}

/// Raises the limit of descriptors: both sides of a thousand connections are here.
pub(crate) fn raise_descriptors() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let maximum = getrlimit(Resource::Nofile).maximum;
    let raised = setrlimit(
        Resource::Nofile,
        Rlimit {
            current: maximum,
            maximum,
        },
    );
    raised.expect("the soft limit may be as high as the hard one");
}
