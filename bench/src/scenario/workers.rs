//! How many processes simulate the clients of a trial, and why so many.

use super::capacity::{self, MachineLimits};
use super::{Load, Plan, Trial};
use crate::units::show_count;

/// Descriptors of a worker besides its connections: threads, their timers, links and pipes.
pub const BESIDES: u64 = 128;

/// The processes that simulate the clients of a trial.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Workers {
    /// How many there are.
    pub count: usize,
    /// How many there must be, for their descriptors.
    pub needed: usize,
    /// Descriptors that the one with most of them needs.
    pub descriptors: u64,
}

/// The processes for a load: as many as `run.workers` says, otherwise as few as have enough descriptors.
#[must_use]
pub fn of(plan: &Plan, load: &Load, limits: Option<&MachineLimits>) -> Workers {
    let limit = limits.map_or(u64::MAX, |limits| limits.descriptors);
    // The first publishes, beside its part of the clients.
    let besides = least(load) - 1;
    let room = limit.saturating_sub(besides).max(1);
    let needed = (load.clients as u64).div_ceil(room);
    let needed = usize::try_from(needed).unwrap_or(usize::MAX).max(1);
    // More workers than clients would be for nothing.
    let count = plan.workers.unwrap_or(needed).min(load.clients.max(1));
    Workers {
        count,
        needed,
        descriptors: load.clients.div_ceil(count) as u64 + besides,
    }
}

/// Hosts with these limits that can simulate a load by a worker each, to a server at one address; `None` when the connections that
/// publish take all that one has.
#[must_use]
pub fn hosts(load: &Load, limits: &MachineLimits) -> Option<u64> {
    let ports = limits.ports.len() as u64;
    let free = limits.descriptors.saturating_sub(BESIDES).min(ports);
    let room = free.saturating_sub(load.publishing_sockets() as u64);
    (room > 0).then(|| (load.clients as u64).div_ceil(room))
}

/// Descriptors that the worker which publishes needs with a single client.
pub(super) fn least(load: &Load) -> u64 {
    load.publishing_sockets() as u64 + BESIDES + 1
}

/// Tells how many there will be, of the trial that needs most.
#[must_use]
pub fn told(plan: &Plan, limits: &MachineLimits) -> String {
    let widest = plan.widest();
    let connections = |trial: &&Trial| capacity::connections(&trial.load);
    let Some(trial) = widest.trials.iter().max_by_key(connections) else {
        return String::new();
    };
    let workers = of(plan, &trial.load, Some(limits));
    let noun = if workers.count == 1 {
        "worker"
    } else {
        "workers"
    };
    let mut told = format!(
        "{} {noun}: trial {} opens {} connections, {} of them to publish; the first worker needs {} file descriptors of {} that a process may have",
        show_count(workers.count as u64),
        trial.id,
        show_count(connections(&trial) as u64),
        show_count(trial.load.publishing_sockets() as u64),
        show_count(workers.descriptors),
        show_count(limits.descriptors),
    );
    if workers.count > workers.needed {
        let needed = show_count(workers.needed as u64);
        told.push_str(&format!(" ({needed} would do; run.workers asks for more)"));
    }
    if plan.target_of(trial).is_loopback_v4() {
        let sources = capacity::source_addresses(connections(&trial)).len();
        let each = connections(&trial).div_ceil(sources) as u64;
        let (noun, verb) = if sources == 1 {
            ("address", "has")
        } else {
            ("addresses", "have each")
        };
        told.push_str(&format!(
            "; they come from {sources} loopback {noun}, which {verb} {} ports for {} connections",
            show_count(limits.ports.len() as u64),
            show_count(each)
        ));
    } else if let Some(hosts) = hosts(&trial.load, limits) {
        let ports = show_count(limits.ports.len() as u64);
        let noun = if hosts == 1 {
            "worker does"
        } else {
            "workers do"
        };
        let hosts = show_count(hosts);
        told.push_str(&format!(
            "; they come from one address, which has {ports} ports; on hosts like this one (bench worker --nats), {hosts} {noun}, one on each"
        ));
    }
    told.push('\n');
    told
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn plan(text: &str) -> Plan {
        let text = format!("target = {{ url = \"http://127.0.0.1:8080\" }}\n{text}");
        super::super::read_text(&text, Path::new("x.toml"), &[], &[]).unwrap()
    }

    fn limits(descriptors: u64) -> MachineLimits {
        MachineLimits {
            descriptors,
            ports: 32_768..=60_999,
        }
    }

    fn count(text: &str, descriptors: u64) -> (usize, usize) {
        let plan = plan(text);
        let workers = of(&plan, &plan.trials[0].load, Some(&limits(descriptors)));
        assert!(workers.count < workers.needed || workers.descriptors <= descriptors);
        (workers.count, workers.needed)
    }

    #[test]
    fn there_are_as_many_workers_as_the_descriptors_of_each_ask_for() {
        assert_eq!(count("load = { clients = 19_000 }", 20_000), (1, 1));
        assert_eq!(count("load = { clients = 20_000 }", 20_000), (2, 2));
        assert_eq!(count("load = { clients = 300_000 }", 20_000), (16, 16));
        // A socket for each channel: the first worker has them all.
        let many = "load = { clients = 30_000, channels = 9_000 }";
        assert_eq!(count(many, 20_000), (3, 3));
        let asked = "load = { clients = 40_000 }\nrun = { workers = 2 }";
        assert_eq!(count(asked, 20_000), (2, 3));
        assert_eq!(
            count("load = { clients = 3 }\nrun = { workers = 8 }", 20_000),
            (3, 1)
        );
    }

    #[test]
    fn too_few_workers_and_too_many_publishing_sockets_are_refused_with_the_way_out() {
        let refused = |text: &str| {
            capacity::check(&plan(text), &limits(20_000))
                .unwrap_err()
                .to_string()
        };
        assert_eq!(
            refused("load = { clients = 40_000 }\nrun = { workers = 2 }"),
            "trial websocket needs 3 workers, for each may open 20,000 files, and run.workers is 2; raise it, or leave it out"
        );
        let sockets = refused("load = { clients = 30_000, channels = 19_900 }");
        assert!(
            sockets.contains("publishes over 19,900 connections from one process"),
            "{sockets}"
        );
        assert!(sockets.contains("set load.publish = \"post\""), "{sockets}");
    }

    #[test]
    fn hosts_are_counted_by_the_descriptors_and_ports_of_each() {
        let far = |clients: usize, descriptors| {
            let text = format!(
                "target = {{ url = \"http://10.0.0.7\", allow_hosts = [\"10.0.0.7\"] }}\nload = {{ clients = {clients}, channels = 32 }}"
            );
            let plan = super::super::read_text(&text, Path::new("x.toml"), &[], &[]).unwrap();
            let limits = limits(descriptors);
            (hosts(&plan.trials[0].load, &limits), told(&plan, &limits))
        };
        // 28,232 ports, 32 of them to publish.
        assert_eq!(far(28_200, 1_000_000).0, Some(1));
        assert_eq!(far(28_201, 1_000_000).0, Some(2));
        assert_eq!(far(300_000, 1_000_000).0, Some(11));
        // 20,000 descriptors, 128 of them for other things.
        assert_eq!(far(300_000, 20_000).0, Some(16));
        assert_eq!(far(300_000, 160).0, None);
        let told = far(25_000, 20_000).1;
        let end = "; they come from one address, which has 28,232 ports; on hosts like this one (bench worker --nats), 2 workers do, one on each\n";
        assert!(told.ends_with(end), "{told}");
    }

    #[test]
    fn it_is_told_how_many_there_are_and_why() {
        let told = told(&plan("load = { clients = 60_000 }"), &limits(20_000));
        assert_eq!(
            told,
            "4 workers: trial websocket opens 60,001 connections, 1 of them to publish; the first worker needs 15,129 file descriptors \
             of 20,000 that a process may have; they come from 7 loopback addresses, which have each 28,232 ports for 8,572 connections\n"
        );
    }
}
