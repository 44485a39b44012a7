//! How many machines a demand needs, and what each of them does.

use std::time::Duration;

use super::costs::{Price, Traffic, Unit};
use crate::scenario::Transport;

/// What is to be served.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Demand {
    /// Subscribers.
    pub clients: u64,
    /// Messages published a second, in all.
    pub rate: f64,
    /// Channels, over which clients and messages are spread evenly.
    pub channels: u64,
    /// Bytes of a message.
    pub payload: usize,
    /// How often a client polls.
    pub poll_interval: Duration,
}

/// A machine that serves.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Machine {
    /// Processors.
    pub cores: f64,
    /// Bytes of memory.
    pub memory: f64,
    /// Bytes a second, each way.
    pub bandwidth: f64,
    /// Connections that it may hold.
    pub connections: f64,
    /// The share of each that may be used.
    pub share: f64,
}

/// What decides how many machines there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Limit {
    /// Processors.
    Cpu,
    /// Memory.
    Memory,
    /// Bandwidth.
    Bandwidth,
    /// Connections.
    Connections,
}

/// What a demand needs by one transport.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Need {
    /// Machines, if every cost is as foreseen.
    pub machines: u64,
    /// Machines, if every cost is as high as its interval goes.
    pub machines_at_most: u64,
    /// What asks for most of them.
    pub limit: Limit,
    /// Processors busy, all machines together; `None` where it was not measured, as below.
    pub cores: Option<f64>,
    /// Bytes of memory, all machines together.
    pub memory: Option<f64>,
    /// Bytes a second to the clients, all machines together.
    pub down: Option<f64>,
    /// Bytes a second from them.
    pub up: Option<f64>,
    /// The widest interval among the costs: one may be this many times as high.
    pub factor: f64,
    /// How many times a machine is beyond what was measured in a variable; 1 when it is within.
    pub beyond: f64,
}

impl Demand {
    /// What each of `machines` has to do.
    #[expect(clippy::cast_precision_loss, reason = "counts below 2^53")]
    fn on_each(&self, machines: u64, transport: Transport) -> Traffic {
        let clients = self.clients as f64 / machines as f64;
        let fan_out = self.clients as f64 / self.channels as f64 / machines as f64;
        let deliveries = self.rate * fan_out;
        // Where a channel has less than one subscriber on a machine, only some messages concern it.
        let fan_out = fan_out.max(1.0);
        Traffic {
            clients,
            rate: deliveries / fan_out,
            fan_out,
            deliveries,
            polls: match transport {
                Transport::Polling => clients / self.poll_interval.as_secs_f64(),
                _ => 0.0,
            },
        }
    }
}

/// What one machine of several uses.
struct Use {
    /// By unit: the cost, how many times as high it may be, and how far beyond what was measured.
    costs: Vec<(Unit, f64, f64, f64)>,
    connections: f64,
}

impl Use {
    fn of(price: &Price, transport: Transport, demand: &Demand, machines: u64) -> Self {
        let traffic = demand.on_each(machines, transport);
        let more = price
            .payload
            .map_or(0.0, |measured| demand.payload as f64 - measured as f64);
        let costs = Unit::ALL.into_iter().filter_map(|unit| {
            let foreseen = price.of(transport, unit, &traffic)?;
            let more = if unit == Unit::Down {
                traffic.deliveries * more
            } else {
                0.0
            };
            Some((
                unit,
                (foreseen.cost + more).max(0.0),
                foreseen.factor,
                foreseen.beyond,
            ))
        });
        Self {
            costs: costs.collect(),
            connections: traffic.clients,
        }
    }

    /// How many times over the machine is used, and by what most; `high` takes every cost at the upper end.
    fn over(&self, machine: &Machine, high: bool) -> (f64, Limit) {
        let costs = self.costs.iter().map(|(unit, cost, factor, _)| {
            let cost = if high { cost * factor } else { *cost };
            match unit {
                Unit::Cpu => (cost / machine.cores, Limit::Cpu),
                Unit::Memory => (cost / machine.memory, Limit::Memory),
                Unit::Down | Unit::Up => (cost / machine.bandwidth, Limit::Bandwidth),
            }
        });
        let connections = (self.connections / machine.connections, Limit::Connections);
        let most = costs.fold(
            connections,
            |most, one| if one.0 > most.0 { one } else { most },
        );
        (most.0 / machine.share, most.1)
    }
}

/// What `demand` needs by a transport; `None` when no number of machines suffices.
#[must_use]
pub fn need(
    price: &Price,
    transport: Transport,
    demand: &Demand,
    machine: &Machine,
) -> Option<Need> {
    let machines = least(price, transport, demand, machine, false)?;
    let machines_at_most = least(price, transport, demand, machine, true)?;
    let used = Use::of(price, transport, demand, machines);
    #[expect(clippy::cast_precision_loss, reason = "counts below 2^53")]
    let all = |wanted: Unit| {
        let found = used.costs.iter().find(|(unit, ..)| *unit == wanted);
        found.map(|(_, cost, ..)| cost * machines as f64)
    };
    let widest =
        |of: fn(&(Unit, f64, f64, f64)) -> f64| used.costs.iter().map(of).fold(1.0, f64::max);
    Some(Need {
        machines,
        machines_at_most,
        limit: used.over(machine, false).1,
        cores: all(Unit::Cpu),
        memory: all(Unit::Memory),
        down: all(Unit::Down),
        up: all(Unit::Up),
        factor: widest(|(_, _, factor, _)| *factor),
        beyond: widest(|(.., beyond)| *beyond),
    })
}

/// The least number of machines of which none is used beyond its share.
fn least(
    price: &Price,
    transport: Transport,
    demand: &Demand,
    machine: &Machine,
    high: bool,
) -> Option<u64> {
    let fits = |machines| {
        Use::of(price, transport, demand, machines)
            .over(machine, high)
            .0
            <= 1.0
    };
    let mut enough = 1_u64;
    while !fits(enough) {
        // With more machines than clients nothing is left to share.
        if enough > demand.clients {
            return None;
        }
        enough = enough.saturating_mul(2);
    }
    let mut short = enough / 2;
    while enough - short > 1 {
        let middle = u64::midpoint(short, enough);
        if fits(middle) {
            enough = middle;
        } else {
            short = middle;
        }
    }
    Some(enough)
}
