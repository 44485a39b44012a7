//! What the generator is to do in a trial, and who does which part of it.

use super::crew::Crew;
use super::link::News;
use super::member::Place;
use super::nats::{Recruit, Recruits};
use super::{Means, RunError, deal, worker};
use crate::scenario::{Plan, Target, Trial, capacity, workers};
use crate::swarm::{Assignment, Share};
use crate::target::{Child, Server};

/// Where the workers of a run come from.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Company {
    /// This process alone, or child processes of it.
    #[default]
    Here,
    /// Those that wait at a NATS server.
    Nats {
        /// The server's address.
        url: String,
        /// How many take part.
        expect: usize,
    },
}

/// Has the workers of a trial begin with their parts; gives them, and the whole of it.
///
/// Cancel-safe: dropped half-way, it ends those that it started; those elsewhere are for the caller to let go.
///
/// # Errors
/// [`RunError::Worker`] names the one that cannot do its part.
pub(super) async fn muster(
    plan: &Plan,
    trial: &Trial,
    server: &Server,
    means: Means<'_>,
    recruits: Option<Recruits>,
) -> Result<(Crew, Assignment), RunError> {
    let whole = whole(plan, trial, server, means);
    let allow_hosts = match plan.target_of(trial) {
        Target::Bundled => &[][..],
        Target::At { allow_hosts, .. } => allow_hosts,
    };
    let (mut crew, parts) = match recruits {
        None => here(plan, &whole, means)?,
        Some(recruits) => far(&whole, recruits).await?,
    };
    let total = parts.first().map_or(1, |part| part.shards);
    crew.begin(parts, allow_hosts).await?;
    let whole = Assignment {
        shards: total,
        share: Share::whole(total),
        ..whole
    };
    Ok((crew, whole))
}

/// Workers on this machine. One alone is a thread of this process.
fn here(
    plan: &Plan,
    whole: &Assignment,
    means: Means<'_>,
) -> Result<(Crew, Vec<Assignment>), RunError> {
    let count = workers::of(plan, &whole.load, means.limits).count;
    // Workers share the processors; each has a thread at least.
    let threads = (whole.shards / count).max(1);
    let shares = deal::shards(whole.load.clients, &vec![threads; count]);
    let parts = deal::assignments(whole, &shares);
    let mut news = News::new();
    let start = |number| {
        if count == 1 {
            return Ok((news.thread(number)?, Place::Thread));
        }
        let link = news.process(number)?;
        let pid = link.child.as_ref().map_or(0, Child::id);
        Ok((link, Place::Process(pid)))
    };
    let workers: Result<Vec<_>, std::io::Error> = (0..count).map(start).collect();
    let workers = workers.map_err(|error| RunError::Worker {
        worker: "a worker".to_owned(),
        reason: format!("cannot start: {error}"),
    })?;
    Ok((Crew::new(news, workers, &parts), parts))
}

/// Workers that wait at a NATS server.
async fn far(
    whole: &Assignment,
    mut recruits: Recruits,
) -> Result<(Crew, Vec<Assignment>), RunError> {
    recruits.read_clocks().await?;
    let Recruits { news, workers } = recruits;
    let processors: Vec<usize> = workers
        .iter()
        .map(|(recruit, _)| recruit.hello.processors.clamp(1, 256))
        .collect();
    let shares = deal::shards(whole.load.clients, &processors);
    let mut parts = deal::assignments(whole, &shares);
    for (part, (recruit, _)) in parts.iter_mut().zip(&workers) {
        part.share.clock = recruit.clock.offset_ns;
        // Its processors are its own.
        part.processors = None;
        if let Err(reason) = fits(part, recruit) {
            return Err(RunError::Worker {
                worker: format!("worker {}", recruit.name),
                reason,
            });
        }
    }
    let workers = workers
        .into_iter()
        .map(|(recruit, link)| (link, Place::Far(Box::new(recruit))));
    Ok((Crew::new(news, workers.collect(), &parts), parts))
}

/// Whether a worker elsewhere can reach the server, and has descriptors and ports enough.
fn fits(part: &Assignment, recruit: &Recruit) -> Result<(), String> {
    let hello = &recruit.hello;
    if part.server.ip().is_loopback() && hello.place != worker::place() {
        return Err(format!(
            "is on another host, and {} is loopback: give target.url an address that it can reach, and name it in target.allow_hosts",
            part.authority
        ));
    }
    let sockets = part.load.publishing_sockets() as u64;
    let publishing = if part.share.publishes { sockets } else { 0 };
    let connections = part.own_clients() as u64 + publishing;
    if !part.server.ip().is_loopback() && hello.ports > 0 && connections > hello.ports {
        return Err(format!(
            "makes {connections} connections from one address for its part, and its net.ipv4.ip_local_port_range gives {} ports: \
             widen it (sysctl -w net.ipv4.ip_local_port_range=\"1024 65535\", as root), or take more workers (--expect)",
            hello.ports
        ));
    }
    let need = connections + workers::BESIDES;
    if need > hello.descriptors {
        return Err(format!(
            "needs {need} file descriptors for its part and may have {}: raise its limit (ulimit -Hn), or take more workers (--expect)",
            hello.descriptors
        ));
    }
    Ok(())
}

/// All of it, for threads on every processor that the generator has.
fn whole(plan: &Plan, trial: &Trial, server: &Server, means: Means<'_>) -> Assignment {
    let generator = means.processors.map(|apart| apart.generator.clone());
    let free = generator.as_ref().map_or_else(
        || std::thread::available_parallelism().map_or(1, std::num::NonZero::get),
        Vec::len,
    );
    let loopback = server.address.ip().is_loopback() && server.address.is_ipv4();
    Assignment {
        run: rand::random(),
        server: server.address,
        also: server.also.clone(),
        authority: server.authority.clone(),
        dialect: plan.target_of(trial).dialect().clone(),
        token: server.token.clone(),
        secure: server.secure.clone(),
        load: trial.load.clone(),
        events: plan.events.clone(),
        seed: trial.seed,
        ramp: plan.phases.ramp,
        sources: if loopback {
            capacity::source_addresses(capacity::connections(&trial.load))
        } else {
            Vec::new()
        },
        shards: free,
        share: Share::whole(free),
        processors: generator,
    }
}
