//! What a result means: whether it can be trusted and whether its gates hold.

pub mod ahead;
mod baseline;
pub mod compare;
pub mod deviation;
mod evidence;
pub mod gate;
mod likeness;
mod load;
mod pairs;
pub mod question;
pub mod search;
mod steady;
pub mod uniform;
pub mod validity;
pub mod witness;

use crate::result::{GateResult, TrialResult, Verdict};

/// The run's verdict. One invalid trial makes it invalid, and so does a run
/// without trials; only a run that can be trusted fails or passes its gates.
#[must_use]
pub fn verdict(trials: &[TrialResult], gates: &[GateResult]) -> Verdict {
    if trials.is_empty() || trials.iter().any(|trial| !trial.valid) {
        Verdict::Invalid
    } else if gates.iter().all(|gate| gate.holds) {
        Verdict::Pass
    } else {
        Verdict::Fail
    }
}
