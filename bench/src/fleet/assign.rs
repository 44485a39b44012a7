//! What the generator is to do in a trial, and who does which part of it.

use super::crew::Crew;
use super::{Means, RunError, deal};
use crate::scenario::{Plan, Target, Trial, capacity, workers};
use crate::swarm::{Assignment, Share};
use crate::target::Server;

/// Starts the workers of a trial and assigns them their parts; gives them, and the whole of it.
///
/// # Errors
/// [`RunError::Worker`] names the one that cannot do its part.
pub(super) async fn muster(
    plan: &Plan,
    trial: &Trial,
    server: &Server,
    means: Means<'_>,
) -> Result<(Crew, Assignment), RunError> {
    let whole = whole(plan, trial, server, means);
    let allow_hosts = match plan.target_of(trial) {
        Target::Bundled => &[][..],
        Target::At { allow_hosts, .. } => allow_hosts,
    };
    let workers = workers::of(plan, &trial.load, means.limits).count;
    // Workers share the processors; each has a thread at least.
    let threads = (whole.shards / workers).max(1);
    let shares = deal::shards(trial.load.clients, &vec![threads; workers]);
    let parts = deal::assignments(&whole, &shares);
    let total = parts.first().map_or(1, |part| part.shards);
    let crew = Crew::muster(parts, allow_hosts).await?;
    let whole = Assignment {
        shards: total,
        share: Share::whole(total),
        ..whole
    };
    Ok((crew, whole))
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
