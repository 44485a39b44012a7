//! Makes a trial's result from what its threads and probes have to say.

use std::collections::BTreeMap;

use super::timeline::Totals;
use crate::clock::Moment;
use crate::net::WireTotals;
use crate::probe::{Tree, socket_size};
use crate::record::{Ranges, Series, Window};
use crate::result::{
    Bytes, Clients, Floor, GeneratorCost, Latencies, Messages, PercentilePoint, PhaseTimes,
    Prediction, Requests, Second, ServerCost, TrialResult,
};
use crate::scenario::{Transport, Trial};
use crate::swarm::{Assignment, Opening, SwarmReport, Usage};

/// CPU time of both sides at an instant.
#[derive(Debug, Clone, Copy, Default)]
struct Cpu {
    server: Option<u64>,
    generator: Option<u64>,
    at: u64,
}

/// What the owner of a trial measured beside its swarm.
#[derive(Debug, Default)]
pub(super) struct Measured {
    pub(super) phases: PhaseTimes,
    pub(super) server: ServerCost,
    /// The server's processes, when they are known.
    pub(super) tree: Option<Tree>,
    /// An idle exchange with the server, before the first client.
    pub(super) floor: Option<Floor>,
    /// What those exchanges took on the wire.
    pub(super) asking: Option<WireTotals>,
    /// What went wrong on the owner's side.
    pub(super) doubts: Vec<String>,
    start: Option<Cpu>,
    end: Option<Cpu>,
    generator_peak: Option<u64>,
}

impl Measured {
    /// The next end of the measured phase that is to be marked.
    pub(super) fn next_mark(&self, window: &Window) -> Option<Moment> {
        match (&self.start, &self.end) {
            (None, _) => Some(window.measure),
            (Some(_), None) => Some(window.end),
            (Some(_), Some(_)) => None,
        }
    }

    /// The measured phase begins or, the second time, ends.
    pub(super) fn mark(&mut self, generator: Option<u64>) {
        let cpu = Cpu {
            server: self.server_cpu(),
            generator,
            at: Moment::now().0,
        };
        if self.start.is_none() {
            self.start = Some(cpu);
        } else {
            self.end = Some(cpu);
            self.server.rss_loaded = self.server_resident();
        }
    }

    /// CPU time of the server so far, in nanoseconds.
    pub(super) fn server_cpu(&mut self) -> Option<u64> {
        self.tree.as_mut()?.cpu_ns()
    }

    /// Resident memory of the server now, in bytes.
    pub(super) fn server_resident(&mut self) -> Option<u64> {
        self.tree.as_mut()?.resident()
    }

    /// Processors that this much CPU time kept busy between the marks, which a busy machine sets late.
    fn busy(&self, cpu_ns: Option<u64>) -> Option<f64> {
        let (start, end) = self.start.zip(self.end)?;
        let span = end.at.saturating_sub(start.at);
        let cpu = cpu_ns.filter(|_| span > 0)?;
        Some(cpu as f64 / span as f64)
    }

    /// Whether both ends are marked.
    pub(super) fn is_over(&self) -> bool {
        self.end.is_some()
    }

    /// Peaks, while both sides still run.
    pub(super) fn sample_memory(&mut self, generator: Option<u64>) {
        self.server.rss_peak = self.tree.as_mut().and_then(Tree::peak);
        self.generator_peak = generator;
    }
}

pub(super) fn assemble(
    assignment: &Assignment,
    trial: &Trial,
    report: &SwarmReport,
    (seconds, totals): (Vec<Second>, &Totals),
    measured: &Measured,
) -> TrialResult {
    let messages = messages(assignment, report);
    let usage = report
        .shards
        .iter()
        .map(|shard| shard.usage)
        .reduce(add)
        .unwrap_or_default();
    let clients = Clients {
        asked: trial.load.clients as u64,
        connected: report.shards.iter().map(|shard| shard.connected).sum(),
        reconnects: report.shards.iter().map(|shard| shard.reconnects).sum(),
        connections_per_client: per_client(report),
    };
    // Clients that do not keep connections have some number of them at any instant, and nobody counts it.
    let kept = trial.load.keep_alive
        || !matches!(
            trial.load.transport,
            Transport::Polling | Transport::LongPolling
        );
    let connections = kept.then(|| clients.connected + trial.load.publishing_sockets() as u64);
    let payload = messages.delivered * trial.load.payload as u64;
    TrialResult {
        id: trial.id.clone(),
        repeat: trial.repeat,
        transport: trial.load.transport,
        factors: trial.factors.clone(),
        valid: true,
        invalid_reasons: Vec::new(),
        validity: Vec::new(),
        warnings: warnings(report, totals, &messages),
        phases: measured.phases,
        load: trial.load.clone(),
        clients,
        messages,
        latency_ns: Latencies {
            // What one message meets, all its deliveries meet.
            delivery: totals.delivery.summary_of(messages.published),
            arrival: totals.arrival.summary_of(messages.published),
            publish: totals.publish.summary(),
            schedule_lag: totals.lag.summary(),
            connect: connect(report).summary(),
        },
        requests: Requests {
            total: usage.requests,
            empty: usage.empty,
            connections: usage.connections,
        },
        bytes: bytes(report, &usage, payload, measured.asking),
        server: server(measured, connections),
        generator: generator(measured),
        workers: Vec::new(),
        events: Vec::new(),
        predicted: Prediction::default(),
        deviation: Prediction::default(),
        floor: measured.floor,
        uniformity: None,
        explanations: Vec::new(),
        timeline: seconds,
        percentiles: percentiles(totals),
    }
}

/// Connections that clients had open at once in the measured phase, for each of them.
fn per_client(report: &SwarmReport) -> Option<f64> {
    let shards = report.shards.iter();
    let clients: u64 = shards.clone().map(|shard| shard.connected).sum();
    let open: f64 = shards.map(|shard| shard.usage.open()).sum();
    (clients > 0 && open > 0.0).then(|| open / clients as f64)
}

fn connect(report: &SwarmReport) -> Series {
    let mut connect = Series::default();
    report
        .shards
        .iter()
        .for_each(|shard| connect.merge(&shard.connect));
    connect
}

fn bytes(report: &SwarmReport, usage: &Usage, payload: u64, asking: Option<WireTotals>) -> Bytes {
    let all = report.wire().zip(asking).map(|(mut all, asking)| {
        all += asking;
        all
    });
    let opening = report.shards.iter().map(|shard| shard.opening);
    let opening = opening.reduce(Opening::and).unwrap_or_default();
    Bytes {
        deliveries: usage.deliveries,
        payload,
        socket_sent: usage.sent,
        socket_received: usage.received,
        wire_sent: usage.wire.map(|wire| wire.sent),
        wire_received: usage.wire.map(|wire| wire.received),
        session_sent: Some(report.shards.iter().map(|shard| shard.whole.sent).sum()),
        session_received: Some(report.shards.iter().map(|shard| shard.whole.received).sum()),
        trial_wire_sent: all.map(|wire| wire.sent),
        trial_wire_received: all.map(|wire| wire.received),
        connect_socket: opening.socket,
        connect_wire: opening.wire.map(|wire| wire.sent + wire.received),
    }
}

/// The ledger of all subscribers against what the server accepted.
fn messages(assignment: &Assignment, report: &SwarmReport) -> Messages {
    let publisher = &report.publisher;
    let mut by_channel: BTreeMap<u32, Vec<(u16, &Ranges)>> = BTreeMap::new();
    let mut expected = 0;
    for ((channel, number), accepted) in &publisher.accepted {
        expected += assignment.subscribers(*channel as usize) * accepted.count();
        by_channel
            .entry(*channel)
            .or_default()
            .push((*number, accepted));
    }
    let mut delivered = 0;
    for ledger in report.shards.iter().flat_map(|shard| &shard.ledgers) {
        for (number, accepted) in by_channel.get(&ledger.channel()).into_iter().flatten() {
            delivered += ledger
                .received(*number)
                .map_or(0, |received| received.common(accepted));
        }
    }
    let sum = |field: fn(&crate::record::Counts) -> u64| {
        report.shards.iter().map(|shard| field(&shard.counts)).sum()
    };
    Messages {
        planned: publisher.planned,
        published: publisher.accepted(),
        expected,
        delivered,
        lost: expected - delivered,
        duplicated: sum(|counts| counts.duplicated),
        reordered: sum(|counts| counts.reordered),
        missed_reports: assignment
            .dialect
            .template()
            .is_none()
            .then(|| sum(|counts| counts.missed_reports)),
        publish_errors: publisher.errors,
    }
}

fn add(left: Usage, right: Usage) -> Usage {
    Usage {
        deliveries: left.deliveries + right.deliveries,
        requests: left.requests + right.requests,
        empty: left.empty + right.empty,
        connections: left.connections + right.connections,
        clock: left.clock.max(right.clock),
        held: left.held + right.held,
        sent: left.sent + right.sent,
        received: left.received + right.received,
        wire: left.wire.zip(right.wire).map(|(mut left, right)| {
            left += right;
            left
        }),
    }
}

/// The server's cost, with `connections` open at its end, when that is known.
fn server(measured: &Measured, connections: Option<u64>) -> ServerCost {
    let cpu = measured
        .start
        .zip(measured.end)
        .and_then(|(start, end)| Some(end.server?.saturating_sub(start.server?)));
    // Told by bench's own kernel: right for a server on this machine, which is the only one that is watched.
    let watched = measured.server.rss_base.is_some();
    let kernel = socket_size()
        .filter(|_| watched)
        .zip(connections)
        .map(|(size, connections)| size * connections);
    ServerCost {
        cpu_ns: cpu,
        cores_busy: measured.busy(cpu),
        kernel_socket_memory: kernel,
        ..measured.server
    }
}

fn generator(measured: &Measured) -> GeneratorCost {
    let cpu_ns = measured
        .start
        .zip(measured.end)
        .and_then(|(start, end)| Some(end.generator?.saturating_sub(start.generator?)));
    GeneratorCost {
        cpu_ns,
        rss_peak: measured.generator_peak,
        cores_busy: measured.busy(cpu_ns),
    }
}

fn warnings(report: &SwarmReport, totals: &Totals, messages: &Messages) -> Vec<String> {
    let mut warnings = Vec::new();
    let mut errors: BTreeMap<&str, u64> = BTreeMap::new();
    for (text, count) in report
        .shards
        .iter()
        .flat_map(|shard| &shard.errors)
        .chain(&report.publisher.reasons)
    {
        *errors.entry(text).or_default() += count;
    }
    warnings.extend(
        errors
            .iter()
            .map(|(text, count)| format!("{text} ({count} times)")),
    );
    let strays: u64 = report.shards.iter().map(|shard| shard.counts.strays).sum();
    if strays > 0 {
        warnings.push(format!(
            "{strays} deliveries carried a stamp of another run or channel"
        ));
    }
    let unanswered = totals.delivery.count().saturating_sub(messages.delivered);
    if unanswered > 0 {
        warnings.push(format!(
            "{unanswered} deliveries were of messages whose publishing was never confirmed"
        ));
    }
    warnings
}

/// Points for a curve on a logarithmic axis.
fn percentiles(totals: &Totals) -> Vec<PercentilePoint> {
    let point = |quantile| {
        let delivery = totals.delivery.quantile(quantile)?;
        Some(PercentilePoint {
            quantile,
            delivery,
            arrival: totals.arrival.quantile(quantile),
        })
    };
    totals
        .delivery
        .curve()
        .into_iter()
        .filter_map(point)
        .collect()
}
