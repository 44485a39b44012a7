//! What bench made of a plan, transport by transport.

use std::sync::Arc;

use serde_json::Value;

use crate::fake::{Fake, Plan, Tally};
use crate::program::{RUNS, Ran, Story, await_calm, stood_still};

/// The transports, as a matrix has them: each in a run of its own, for a run is mostly waiting.
pub(crate) const ALL: [&str; 5] = [
    r#""polling""#,
    r#""long-polling""#,
    r#""streaming""#,
    r#""sse""#,
    r#""websocket""#,
];
/// Those that ask again for each answer, and those whose answer does not end.
pub(crate) const POLLS: &[&str] = ALL.split_at(2).0;
pub(crate) const ENDLESS: &[&str] = ALL.split_at(2).1;

/// What one transport made of a plan.
pub(crate) struct Seen {
    pub(crate) trial: Value,
    pub(crate) fake: Arc<Tally>,
}

impl Seen {
    /// A number of the trial's result.
    pub(crate) fn number(&self, path: &str) -> u64 {
        self.find(path)
            .as_u64()
            .unwrap_or_else(|| panic!("{path} is no count in {}", self.trial))
    }

    /// The same for one that need not be whole.
    pub(crate) fn float(&self, path: &str) -> f64 {
        self.find(path)
            .as_f64()
            .unwrap_or_else(|| panic!("{path} is no number in {}", self.trial))
    }

    fn find(&self, path: &str) -> &Value {
        self.trial.pointer(path).unwrap_or(&Value::Null)
    }

    pub(crate) fn transport(&self) -> &str {
        self.trial["transport"].as_str().unwrap()
    }

    /// The ledger: lost, duplicated, reordered, missed reports.
    pub(crate) fn faults(&self) -> [u64; 4] {
        ["lost", "duplicated", "reordered", "missed_reports"]
            .map(|field| self.number(&format!("/messages/{field}")))
    }
}

/// Runs a scenario, made from the address of a server with this plan; again, on a server of its own, when a run doubts itself.
pub(crate) fn run(plan: &Plan, scenario: impl Fn(&str) -> String) -> (Ran, Vec<Seen>) {
    let attempt = || {
        let fake = Fake::start(plan.clone());
        let story = Story::new(&fake.trusted(&scenario(&fake.url())));
        let ran = story.run();
        assert!(story.results().exists(), "{:?} {}", ran.code, ran.stderr);
        (ran, story, fake)
    };
    let (mut ran, mut story, mut fake) = attempt();
    for _ in 1..RUNS {
        // A server that refuses all is doubted for that.
        if plan.refuse || !stood_still(&story.summary()) {
            break;
        }
        await_calm();
        (ran, story, fake) = attempt();
    }
    (ran, of(&story, &fake))
}

/// What came of a story's trials, each beside what the server did.
pub(crate) fn of(story: &Story, fake: &Fake) -> Vec<Seen> {
    let summary = story.summary();
    let trials = summary["trials"].as_array().unwrap().iter().cloned();
    trials
        .zip(fake.tallies())
        .map(|(trial, fake)| Seen { trial, fake })
        .collect()
}
