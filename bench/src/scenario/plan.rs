//! A scenario with every default resolved and every combination spelled out.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{
    Dialect, Endpoint, GateRule, Incident, Load, Search, TargetName, TokenSource, Transport, events,
};

/// How long a trial takes apart from its phases: a server starts and is looked at.
const START: Duration = Duration::from_millis(500);

/// The path that a server is asked for unless the scenario says otherwise.
pub(super) const HEALTH: &str = "/healthz";

/// What a run will do, in full.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    /// The scenario file's name without its extension; names the results folder.
    pub name: String,
    /// The file that it came from.
    pub file: PathBuf,
    /// One line for a person.
    pub title: String,
    /// Seeds the schedule, the poll phases and the order of trials.
    pub seed: u64,
    /// The server under test, when there is only one.
    pub target: Target,
    /// The servers under test, when there are several.
    pub targets: Vec<Named>,
    /// The phases of every trial.
    pub phases: Phases,
    /// What happens in the measured phase of every trial, in the order of time.
    pub events: Vec<Incident>,
    /// What is searched for; `trials` are then those of the first value, one for each combination.
    pub search: Option<Search>,
    /// Every trial, in the order they run.
    pub trials: Vec<Trial>,
    /// Processes that simulate the clients; `None` takes as many as their descriptors ask for.
    pub workers: Option<usize>,
    /// The rules that decide pass or fail.
    pub gates: Vec<GateRule>,
    /// Figures that others published, shown beside ours.
    pub published: Vec<Published>,
    /// The scenario as resolved, as TOML; running it again gives the same plan.
    pub resolved: String,
}

impl Plan {
    /// The server of a trial.
    #[must_use]
    pub fn target_of(&self, trial: &Trial) -> &Target {
        let name = match trial.factors.get("target") {
            Some(Factor::Text(name)) => name.as_str(),
            Some(Factor::Number(_)) | None => return &self.target,
        };
        let named = self.targets.iter().find(|named| named.name == name);
        named.map_or(&self.target, |named| &named.target)
    }

    /// Every server that a trial is of.
    pub fn servers(&self) -> impl Iterator<Item = &Target> {
        let one = self.targets.is_empty().then_some(&self.target);
        let used = |named: &&Named| {
            let name = Factor::Text(named.name.clone());
            let mut trials = self.trials.iter();
            trials.any(|trial| trial.factors.get("target") == Some(&name))
        };
        let several = self.targets.iter().filter(used).map(|named| &named.target);
        one.into_iter().chain(several)
    }

    /// How long the run takes when the last messages come at once.
    #[must_use]
    pub fn expected_time(&self) -> Duration {
        let Phases {
            ramp,
            warm_up,
            measure,
            ..
        } = self.phases;
        let one = START + ramp + warm_up + measure;
        match &self.search {
            Some(search) => self.for_each_trial((one * search.usual_trials()).min(search.budget)),
            None => self.for_each_trial(one),
        }
    }

    /// How long one trial takes at most.
    #[must_use]
    pub fn longest_trial(&self) -> Duration {
        let Phases {
            ramp,
            warm_up,
            measure,
            drain,
        } = self.phases;
        START + ramp + warm_up + measure + drain
    }

    /// The plan with the largest values that it will come to: those of a search that holds to its end.
    #[must_use]
    pub fn widest(&self) -> Self {
        let mut widest = self.clone();
        if let Some(search) = &self.search {
            widest.trials = search.trials_at(search.to, 1);
        }
        widest
    }

    /// How long the run takes when every drain is waited for to its end.
    #[must_use]
    pub fn longest_time(&self) -> Duration {
        match &self.search {
            Some(search) => self.for_each_trial(search.budget),
            None => self.expected_time() + self.for_each_trial(self.phases.drain),
        }
    }

    /// Messages of this load that are due in the measured phase, on average, changes of the rate included.
    #[must_use]
    pub fn messages_of(&self, load: &Load) -> f64 {
        events::messages(&self.events, load.rate, self.phases.measure)
    }

    fn for_each_trial(&self, span: Duration) -> Duration {
        span.saturating_mul(u32::try_from(self.trials.len()).unwrap_or(u32::MAX))
    }
}

/// One of several servers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Named {
    /// What gates and reports call it.
    pub name: String,
    /// Which it is.
    pub target: Target,
}

/// The server under test.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "server")]
#[expect(clippy::large_enum_variant, reason = "a run has one or a few of them")]
pub enum Target {
    /// The bundled relay, started afresh for each trial on a free loopback port.
    Bundled,
    /// A server at an address.
    At {
        /// The interface that it speaks.
        dialect: Dialect,
        /// Its base address, such as `http://127.0.0.1:8080`; `https://` is TLS.
        url: String,
        /// What the address names.
        endpoint: Endpoint,
        /// More nodes of the same server, by the same scheme.
        #[serde(default)]
        also: Vec<Endpoint>,
        /// The path that it is asked for to find out whether it is there; any answer will do.
        health: String,
        /// A certificate in PEM that is trusted beside the system's roots.
        #[serde(default)]
        tls_ca: Option<PathBuf>,
        /// The process whose CPU and memory are watched.
        pid: Option<u32>,
        /// The command that starts it; bench ends it after the run.
        command: Option<Vec<String>>,
        /// Hosts that may be loaded although they are not loopback.
        allow_hosts: Vec<String>,
        /// Where the token is that every client sends. It is kept with nothing that is written down.
        #[serde(skip)]
        token: Option<TokenSource>,
    },
}

impl Target {
    /// Whether bench starts the server, and so may say where it runs.
    #[must_use]
    pub fn is_started_here(&self) -> bool {
        match self {
            Self::Bundled => true,
            Self::At { command, .. } => command.is_some(),
        }
    }

    /// The interface that it speaks.
    #[must_use]
    pub fn dialect(&self) -> &Dialect {
        match self {
            Self::Bundled => &Dialect::Relay,
            Self::At { dialect, .. } => dialect,
        }
    }

    /// The path that finds out whether it is there.
    #[must_use]
    pub fn health(&self) -> &str {
        match self {
            Self::Bundled => HEALTH,
            Self::At { health, .. } => health,
        }
    }
}

/// The phases of a trial.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Phases {
    /// Time over which the clients connect.
    pub ramp: Duration,
    /// Publishing that is not measured, after all are connected.
    pub warm_up: Duration,
    /// The measured phase.
    pub measure: Duration,
    /// The longest time to wait for the last deliveries; ends early when all are in.
    pub drain: Duration,
}

impl Default for Phases {
    fn default() -> Self {
        Self {
            ramp: Duration::from_secs(2),
            warm_up: Duration::from_secs(2),
            measure: Duration::from_secs(10),
            drain: Duration::from_secs(5),
        }
    }
}

/// One combination of the matrix, run once.
#[derive(Debug, Clone, PartialEq)]
pub struct Trial {
    /// Unique in the run and fit for a file name, such as `websocket-clients-1000`.
    pub id: String,
    /// Counts from 1.
    pub repeat: u32,
    /// The values that the matrix gave this trial, by key; always has `transport`.
    pub factors: BTreeMap<String, Factor>,
    /// The load.
    pub load: Load,
    /// Seeds this trial's schedule and poll phases.
    pub seed: u64,
}

impl Trial {
    /// The name of its server, where the scenario has several.
    #[must_use]
    pub fn target(&self) -> Option<TargetName> {
        target_in(&self.factors)
    }
}

/// The name of the server that factors say, if they do.
#[must_use]
pub fn target_in(factors: &BTreeMap<String, Factor>) -> Option<TargetName> {
    match factors.get("target") {
        Some(Factor::Text(name)) => TargetName::new(name),
        Some(Factor::Number(_)) | None => None,
    }
}

/// One value of one matrix key.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Factor {
    /// A count or a rate; durations are in nanoseconds, sizes in bytes.
    Number(f64),
    /// Anything else, as written.
    Text(String),
}

impl fmt::Display for Factor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number) => fmt::Display::fmt(number, f),
            Self::Text(text) => f.pad(text),
        }
    }
}

/// A figure that somebody published, shown beside ours (`[[published]]` in a scenario).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Published {
    /// Who published it and where.
    pub source: String,
    /// The transport that it is about.
    pub transport: Transport,
    /// The metric's name, as in gates.
    pub metric: String,
    /// Their figure, in the metric's unit.
    pub value: f64,
    /// What differs between their set-up and ours.
    pub note: Option<String>,
}
