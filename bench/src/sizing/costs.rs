//! Unit costs of each transport, from the trials of a stored run.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use thiserror::Error;

use super::law::{Foreseen, Law, NoLaw, Point};
use crate::result::{RunResult, TrialResult};
use crate::scenario::{Load, Transport};

/// What has a price.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Unit {
    /// Seconds of a processor in each second.
    Cpu,
    /// Bytes of the server's memory and of the kernel's for its sockets.
    Memory,
    /// Bytes a second on the wire, to the clients.
    Down,
    /// Bytes a second on the wire, from the clients.
    Up,
}

impl Unit {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Cpu, Self::Memory, Self::Down, Self::Up];
}

impl fmt::Display for Unit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Cpu => "processor time",
            Self::Memory => "memory",
            Self::Down => "bandwidth to clients",
            Self::Up => "bandwidth from clients",
        })
    }
}

/// Why there are no unit costs.
#[derive(Debug, Error)]
pub enum CostsError {
    /// The run has no trial that could be used.
    #[error(
        "no trial of it can be trusted and watched its server; run `bench run scenarios/costs.toml`"
    )]
    NoTrials,
    /// Trials of several kinds are no law of one.
    #[error(
        "its trials differ in {what} too; take a run in which only transport, clients, channels, rate and payload vary"
    )]
    Mixed {
        /// What they differ in.
        what: &'static str,
    },
    /// A transport was not measured.
    #[error("it measured no {transport}; it has {measured}")]
    NotMeasured {
        /// The one that was asked for.
        transport: Transport,
        /// Those that there are.
        measured: String,
    },
    /// A cost has no law.
    #[error("the {unit} of {transport}: {source}")]
    NoLaw {
        /// Of which transport.
        transport: Transport,
        /// Which cost.
        unit: Unit,
        /// Why.
        #[source]
        source: NoLaw,
    },
}

/// What goes on in one process that serves.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Traffic {
    /// Subscribers.
    pub clients: f64,
    /// Messages published, a second.
    pub rate: f64,
    /// Subscribers of a channel.
    pub fan_out: f64,
    /// Deliveries, a second.
    pub deliveries: f64,
    /// Polls, a second; 0 for who does not poll.
    pub polls: f64,
}

impl Traffic {
    /// The values that laws are over.
    fn at(&self) -> Vec<f64> {
        vec![self.clients, self.rate, self.fan_out]
    }

    /// What is done, in the order of a law's units.
    fn work(&self, transport: Transport, unit: Unit) -> Vec<f64> {
        match (unit, transport) {
            // A process has a size of its own.
            (Unit::Memory, _) => vec![self.clients, 1.0],
            (_, Transport::Polling) => vec![self.polls, self.deliveries],
            _ => vec![self.deliveries],
        }
    }
}

/// What one transport costs.
#[derive(Debug, Clone, PartialEq)]
pub struct Price {
    laws: BTreeMap<Unit, Law>,
    /// The payload that was measured, in bytes; `None` when it varied.
    pub payload: Option<usize>,
}

impl Price {
    /// The law of a cost.
    #[must_use]
    pub fn law(&self, unit: Unit) -> Option<&Law> {
        self.laws.get(&unit)
    }

    /// What `traffic` costs.
    pub(super) fn of(
        &self,
        transport: Transport,
        unit: Unit,
        traffic: &Traffic,
    ) -> Option<Foreseen> {
        let law = self.laws.get(&unit)?;
        Some(law.foresee(&traffic.work(transport, unit), &traffic.at()))
    }
}

/// Unit costs by transport.
#[derive(Debug, Clone, PartialEq)]
pub struct Costs {
    prices: BTreeMap<Transport, Price>,
    /// Trials that they rest on.
    pub trials: usize,
    /// Trials that could not be trusted, lost messages, or did not watch the server.
    pub left_out: usize,
}

impl Costs {
    /// Fits the laws of every transport of a run.
    ///
    /// # Errors
    /// [`CostsError`].
    pub fn of(run: &RunResult) -> Result<Self, CostsError> {
        let mut by_transport: BTreeMap<Transport, Vec<&TrialResult>> = BTreeMap::new();
        for trial in run.trials.iter().filter(|trial| is_good(trial)) {
            by_transport.entry(trial.transport).or_default().push(trial);
        }
        let trials = by_transport.values().map(Vec::len).sum();
        if trials == 0 {
            return Err(CostsError::NoTrials);
        }
        alike(&run.trials)?;
        let prices = by_transport
            .into_iter()
            .map(|(transport, trials)| Ok((transport, price(transport, &trials)?)));
        Ok(Self {
            prices: prices.collect::<Result<_, _>>()?,
            trials,
            left_out: run.trials.len() - trials,
        })
    }

    /// The transports that were measured.
    pub fn transports(&self) -> impl Iterator<Item = Transport> + '_ {
        self.prices.keys().copied()
    }

    /// What a transport costs.
    ///
    /// # Errors
    /// [`CostsError::NotMeasured`].
    pub fn price(&self, transport: Transport) -> Result<&Price, CostsError> {
        self.prices.get(&transport).ok_or_else(|| {
            let names: Vec<&str> = self.transports().map(Transport::name).collect();
            CostsError::NotMeasured {
                transport,
                measured: names.join(", "),
            }
        })
    }
}

/// A part of a load, written down to be compared.
type Written = fn(&Load) -> String;

/// Fails when trials differ in what no law is over.
fn alike(trials: &[TrialResult]) -> Result<(), CostsError> {
    let differ = |of: Written| {
        trials
            .windows(2)
            .any(|two| of(&two[0].load) != of(&two[1].load))
    };
    let others: [(&str, Written); 4] = [
        ("tls or http", |load| format!("{} {}", load.tls, load.http)),
        ("nodes", |load| load.nodes.to_string()),
        ("the link", |load| format!("{:?}", load.link)),
        ("headers or cookies", |load| {
            format!("{:?} {}", load.headers, load.cookies)
        }),
    ];
    match others.into_iter().find(|(_, of)| differ(*of)) {
        Some((what, _)) => Err(CostsError::Mixed { what }),
        None => Ok(()),
    }
}

fn is_good(trial: &TrialResult) -> bool {
    let watched = trial.server.cpu_ns.is_some() && trial.server.rss_base.is_some();
    trial.valid && trial.messages.lost == 0 && watched && trial.phases.measure > 0
}

fn price(transport: Transport, trials: &[&TrialResult]) -> Result<Price, CostsError> {
    let mut laws = BTreeMap::new();
    for unit in Unit::ALL {
        let points: Option<Vec<Point>> = trials.iter().map(|trial| point(trial, unit)).collect();
        // What the kernel does not tell has no law, and is shown as missing.
        let Some(points) = points else { continue };
        let law = Law::fit(&points).map_err(|source| CostsError::NoLaw {
            transport,
            unit,
            source,
        })?;
        laws.insert(unit, law);
    }
    let mut payloads: Vec<usize> = trials.iter().map(|trial| trial.load.payload).collect();
    payloads.dedup();
    Ok(Price {
        laws,
        payload: payloads.first().copied().filter(|_| payloads.len() == 1),
    })
}

/// One measurement of a cost; `None` when it is missing.
#[expect(
    clippy::cast_precision_loss,
    reason = "counts of a trial are far below 2^53, and so are its bytes and nanoseconds"
)]
fn point(trial: &TrialResult, unit: Unit) -> Option<Point> {
    let seconds = Duration::from_nanos(trial.phases.measure).as_secs_f64();
    let each_second = |count: u64| count as f64 / seconds;
    let clients = trial.clients.connected as f64;
    let traffic = Traffic {
        clients,
        rate: trial.load.rate,
        fan_out: clients / trial.load.channels as f64,
        deliveries: each_second(trial.bytes.deliveries.max(1)),
        polls: match trial.transport {
            Transport::Polling => each_second(trial.requests.total),
            _ => 0.0,
        },
    };
    let server = &trial.server;
    let cost = match unit {
        Unit::Cpu => each_second(server.cpu_ns?) / 1e9,
        Unit::Memory => {
            let kernel = server.kernel_socket_memory.unwrap_or(0);
            server.rss_loaded?.saturating_sub(server.rss_base?) as f64 + kernel as f64
        }
        Unit::Down => each_second(trial.bytes.wire_received?),
        Unit::Up => each_second(trial.bytes.wire_sent?),
    };
    (cost > 0.0).then(|| Point {
        work: traffic.work(trial.transport, unit),
        at: traffic.at(),
        cost,
    })
}
