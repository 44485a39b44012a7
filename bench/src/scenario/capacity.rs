//! Whether one machine can hold a plan: descriptors and ports, before the run.

use std::fs;
use std::io;
use std::net::Ipv4Addr;
use std::ops::RangeInclusive;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use thiserror::Error;

use super::{Load, Plan, Target, Trial, workers};
use crate::units::show_count;

/// Descriptors that a process has besides its connections: files, timers, pipes.
const BESIDES: u64 = 64;

/// The same for the bundled relay, which turns connections away from some 320 below its limit
/// so that it can still accept and answer.
const BESIDES_IN_RELAY: u64 = 384;

/// The most connections from one loopback address. Past about 14,000 the kernel
/// searches long for a free port and each connection costs ten times as much.
const PER_SOURCE: usize = 10_000;

/// With more connections than this, several loopback addresses share them.
const ONE_SOURCE: usize = 5_000;

/// What the machine allows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MachineLimits {
    /// Descriptors that one process may open: the hard limit, to which bench raises itself.
    pub descriptors: u64,
    /// Ports that the kernel hands out to connections.
    pub ports: RangeInclusive<u16>,
}

impl MachineLimits {
    /// Takes all the descriptors that this process may have, then reads the limits.
    ///
    /// # Errors
    /// As [`MachineLimits::read`].
    pub fn raise() -> io::Result<Self> {
        let maximum = getrlimit(Resource::Nofile).maximum;
        let current = maximum;
        // When it fails the limits read next tell, and the check names them.
        let _ = setrlimit(Resource::Nofile, Rlimit { current, maximum });
        Self::read()
    }

    /// Reads the limits of this process and this machine.
    ///
    /// # Errors
    /// When the kernel's range of ports cannot be read.
    pub fn read() -> io::Result<Self> {
        let range = fs::read_to_string("/proc/sys/net/ipv4/ip_local_port_range")?;
        let mut ends = range.split_whitespace().map(str::parse::<u16>);
        let (Some(Ok(low)), Some(Ok(high))) = (ends.next(), ends.next()) else {
            let why = format!("ip_local_port_range is not two ports: {}", range.trim());
            return Err(io::Error::new(io::ErrorKind::InvalidData, why));
        };
        Ok(Self {
            descriptors: getrlimit(Resource::Nofile).maximum.unwrap_or(u64::MAX),
            ports: low..=high,
        })
    }
}

/// What there is too little of.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum CapacityError {
    /// Too few descriptors in the server that bench starts.
    #[error(
        "trial {trial} needs {} file descriptors in {who}, and the limit is {}; \
         raise it (ulimit -Hn {need}, as root), lower load.clients by {}, or spread the clients over more relays (target.nodes)",
        show_count(*need), show_count(*limit), show_count(*excess)
    )]
    Descriptors {
        /// The trial that needs most.
        trial: String,
        /// The process that needs them.
        who: &'static str,
        /// How many.
        need: u64,
        /// How many there are.
        limit: u64,
        /// Clients too many.
        excess: u64,
    },
    /// Too few descriptors in the process that publishes.
    #[error(
        "trial {trial} publishes over {} connections from one process, and its limit is {} file descriptors; \
         raise it (ulimit -Hn {need}, as root), lower load.channels, or set load.publish = \"post\"",
        show_count(*sockets), show_count(*limit)
    )]
    Publishers {
        /// The trial that needs most.
        trial: String,
        /// Connections that publish.
        sockets: u64,
        /// Descriptors that they need at least.
        need: u64,
        /// How many there are.
        limit: u64,
    },
    /// Too few workers asked for.
    #[error(
        "trial {trial} needs {needed} workers, for each may open {} files, and run.workers is {asked}; \
         raise it, or leave it out",
        show_count(*limit)
    )]
    Workers {
        /// The trial that needs most.
        trial: String,
        /// How many.
        needed: usize,
        /// How many there are.
        asked: usize,
        /// Descriptors of each.
        limit: u64,
    },
    /// Too few ports.
    #[error(
        "trial {trial} makes {} connections from one address, and net.ipv4.ip_local_port_range gives {} ports; \
         widen it (sysctl -w net.ipv4.ip_local_port_range=\"1024 65535\", as root){} or lower load.clients by {}",
        show_count(*need), show_count(*limit), elsewhere(*hosts), show_count(*excess)
    )]
    Ports {
        /// The trial that needs most.
        trial: String,
        /// Connections from each address.
        need: u64,
        /// Ports of each address.
        limit: u64,
        /// Clients too many.
        excess: u64,
        /// Hosts like this one that would do, when they can reach the server.
        hosts: Option<u64>,
    },
}

fn elsewhere(hosts: Option<u64>) -> String {
    hosts.map_or_else(String::new, |hosts| {
        format!(
            ", simulate them on {} hosts like this one (bench worker --nats)",
            show_count(hosts)
        )
    })
}

/// Checks the server that bench starts against this machine, when the clients are simulated on others, which are checked when they come.
///
/// # Errors
/// As [`check`].
pub fn check_server(plan: &Plan, limits: &MachineLimits) -> Result<(), CapacityError> {
    let limit = limits.descriptors;
    let bundled = |trial: &&Trial| *plan.target_of(trial) == Target::Bundled;
    let served = plan.trials.iter().filter(bundled);
    if let Some(trial) = served.max_by_key(|trial| in_server(&trial.load))
        && in_server(&trial.load) > limit
    {
        let (need, nodes) = (in_server(&trial.load), trial.load.nodes.max(1));
        return Err(CapacityError::Descriptors {
            trial: trial.id.clone(),
            who: match nodes {
                1 => "the bundled relay, which is one process",
                _ => "one of the bundled relays, for the kernel spreads clients by chance",
            },
            need,
            limit,
            excess: (need - limit).saturating_mul(nodes as u64),
        });
    }
    Ok(())
}

/// Checks every trial of a plan against the machine.
///
/// # Errors
/// Names the limit, the need of the greediest trial, and the way out.
pub fn check(plan: &Plan, limits: &MachineLimits) -> Result<(), CapacityError> {
    check_server(plan, limits)?;
    let all = plan.trials.iter();
    let Some(trial) = all.max_by_key(|trial| connections(&trial.load)) else {
        return Ok(());
    };
    let limit = limits.descriptors;
    let sockets = trial.load.publishing_sockets() as u64;
    let need = workers::least(&trial.load);
    if need > limit {
        return Err(CapacityError::Publishers {
            trial: trial.id.clone(),
            sockets,
            need,
            limit,
        });
    }
    let workers = workers::of(plan, &trial.load, Some(limits));
    if workers.count < workers.needed {
        return Err(CapacityError::Workers {
            trial: trial.id.clone(),
            needed: workers.needed,
            asked: workers.count,
            limit,
        });
    }
    let connections = connections(&trial.load);
    let (sources, hosts) = if plan.target_of(trial).is_loopback_v4() {
        (source_addresses(connections).len(), None)
    } else {
        (1, workers::hosts(&trial.load, limits))
    };
    let each = connections.div_ceil(sources) as u64;
    let ports = limits.ports.len() as u64;
    if each > ports {
        return Err(CapacityError::Ports {
            trial: trial.id.clone(),
            need: each,
            limit: ports,
            excess: (each - ports) * sources as u64,
            hosts,
        });
    }
    Ok(())
}

/// Connections that a load keeps open at once.
#[must_use]
pub fn connections(load: &Load) -> usize {
    load.clients.saturating_add(load.publishing_sockets())
}

/// How much more than its share one of several relays may get: the kernel spreads connections by chance. Six standard
/// deviations, of which each is at most the root of the share.
const SPREAD: f64 = 6.0;

/// Connections that one of the load's relays keeps open at most, with the publishers' among them.
#[must_use]
pub fn of_one_node(load: &Load) -> usize {
    let all = connections(load);
    if load.nodes <= 1 {
        return all;
    }
    let share = all.div_ceil(load.nodes);
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "a positive number far below 2^53"
    )]
    let more = (SPREAD * (share as f64).sqrt()) as usize;
    (share + more).min(all)
}

/// Descriptors that bench, or each relay that it starts, needs for a load.
#[must_use]
pub fn descriptors(target: &Target, load: &Load) -> u64 {
    match target {
        Target::Bundled => in_server(load),
        Target::At { .. } => connections(load) as u64 + BESIDES,
    }
}

fn in_server(load: &Load) -> u64 {
    of_one_node(load) as u64 + BESIDES_IN_RELAY
}

/// The loopback addresses to dial from: 127.0.0.1 alone for a few connections,
/// and from 127.0.0.1 upwards for many, at most 10,000 connections for each.
#[must_use]
pub fn source_addresses(connections: usize) -> Vec<Ipv4Addr> {
    let count = if connections <= ONE_SOURCE {
        1
    } else {
        connections.div_ceil(PER_SOURCE).max(4)
    };
    let first = u32::from(Ipv4Addr::LOCALHOST);
    (first..).take(count).map(Ipv4Addr::from).collect()
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn plan(clients: usize, more: &str) -> Plan {
        let text = format!("{more}\n[load]\nclients = {clients}\nchannels = 80\n");
        super::super::read_text(&text, Path::new("x.toml"), &[], &[]).unwrap()
    }

    fn relays(clients: &str, nodes: usize) -> Plan {
        let text = format!("[target]\nnodes = {nodes}\n[load]\nclients = {clients}\n");
        super::super::read_text(&text, Path::new("x.toml"), &[], &[]).unwrap()
    }

    fn limits(descriptors: u64) -> MachineLimits {
        MachineLimits {
            descriptors,
            ports: 32_768..=60_999,
        }
    }

    #[test]
    fn a_channel_published_over_a_websocket_needs_a_socket_of_its_own() {
        let mut load = Load {
            clients: 1_000,
            channels: 80,
            publishers: 16,
            ..Load::default()
        };
        assert_eq!(descriptors(&Target::Bundled, &load), 1_000 + 80 + 384);
        load.publish = super::super::Publish::Post;
        assert_eq!(descriptors(&Target::Bundled, &load), 1_000 + 16 + 384);
    }

    #[test]
    fn too_few_descriptors_name_the_limit_and_the_fix() {
        let plan = plan(8_000, "");
        assert_eq!(check(&plan, &limits(20_000)), Ok(()));
        assert_eq!(
            check(&plan, &limits(1_024)).unwrap_err().to_string(),
            "trial websocket needs 8,464 file descriptors in the bundled relay, which is one process, \
             and the limit is 1,024; raise it (ulimit -Hn 8464, as root), lower load.clients by 7,440, \
             or spread the clients over more relays (target.nodes)"
        );
        assert_eq!(check(&relays("300_000", 16), &limits(20_000)), Ok(()));
        let refused = check(&relays("300_000", 15), &limits(20_000)).unwrap_err();
        assert!(
            refused.to_string().contains("in one of the bundled relays"),
            "{refused}"
        );
    }

    #[test]
    fn another_machine_is_dialled_from_one_address_only() {
        let plan = plan(
            30_000,
            "target = { url = \"http://10.0.0.7\", allow_hosts = [\"10.0.0.7\"] }",
        );
        let error = check(&plan, &limits(100_000)).unwrap_err().to_string();
        assert!(
            error.contains("makes 30,080 connections from one address"),
            "{error}"
        );
        assert!(error.contains("gives 28,232 ports"), "{error}");
        assert!(
            error.contains("simulate them on 2 hosts like this one (bench worker --nats) or lower load.clients by 1,848"),
            "{error}"
        );
        // There each worker has its own limits; a relay that is started here has not.
        assert_eq!(check_server(&plan, &limits(100)), Ok(()));
        let here = self::plan(8_000, "");
        let error = check_server(&here, &limits(1_024)).unwrap_err();
        assert!(
            error.to_string().contains("in the bundled relay"),
            "{error}"
        );
    }

    #[test]
    fn many_connections_share_several_addresses() {
        assert_eq!(source_addresses(5_000), [Ipv4Addr::LOCALHOST]);
        assert_eq!(source_addresses(5_001).len(), 4);
        assert_eq!(source_addresses(100_000).len(), 10);
        let most = source_addresses(2_000_000);
        assert_eq!(most.len(), 200);
        assert!(most.iter().all(Ipv4Addr::is_loopback));
    }

    #[test]
    fn this_machine_has_limits() {
        let limits = MachineLimits::read().unwrap();
        assert!(limits.descriptors > 0 && !limits.ports.is_empty());
    }
}
