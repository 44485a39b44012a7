//! What must be there before a trial begins: its workers, its server, and what that costs and takes while it is idle.
//!
//! Workers elsewhere come first. While they are with another run nothing is started and nothing measured: that run may load the
//! same server, or this host.

use tokio_util::sync::CancellationToken;

use super::assemble::Measured;
use super::assign::{Company, muster};
use super::crew::Crew;
use super::nats::{self, Recruits};
use super::{Event, Means, RunError};
use crate::net::WireTotals;
use crate::probe::{self, Tree};
use crate::result::Floor;
use crate::scenario::{Plan, Target, Trial, events};
use crate::swarm::Assignment;
use crate::target::Server;

/// All that a trial begins with.
pub(super) struct Prepared {
    pub(super) server: Server,
    pub(super) measured: Measured,
    pub(super) crew: Crew,
    pub(super) assignment: Assignment,
}

/// Prepares a trial; nothing when it was stopped.
///
/// # Errors
/// When a worker or the server is not to be had. Nothing is kept then, and nobody held.
pub(super) async fn prepare(
    plan: &Plan,
    trial: &Trial,
    means: Means<'_>,
    stop: &CancellationToken,
    observe: &mut dyn FnMut(Event<'_>),
) -> Result<Option<Prepared>, RunError> {
    let Company::Nats { url, expect } = means.company else {
        return begin(plan, trial, means, stop, None).await;
    };
    // More workers than clients would be for nothing.
    let count = (*expect).min(trial.load.clients.max(1));
    let Some(recruits) = nats::recruit(url, count, stop, observe).await? else {
        return Ok(None);
    };
    let release = recruits.release();
    let prepared = begin(plan, trial, means, stop, Some(recruits)).await;
    if !matches!(prepared, Ok(Some(_))) {
        release.all().await;
    }
    prepared
}

async fn begin(
    plan: &Plan,
    trial: &Trial,
    means: Means<'_>,
    stop: &CancellationToken,
    recruits: Option<Recruits>,
) -> Result<Option<Prepared>, RunError> {
    let kept_to = means
        .processors
        .map(|processors| processors.server.as_slice());
    // What the server must have room for.
    let mut most = trial.load.clone();
    most.rate = events::peak(&plan.events, most.rate);
    let target = plan.target_of(trial);
    let server = tokio::select! {
        server = Server::start(target, kept_to, &most) => server?,
        () = stop.cancelled() => return Ok(None),
    };
    let mut measured = Measured::default();
    // The bundled relay alone starts no process; several of them are processes, and so is what they share.
    let alone = *target == Target::Bundled && trial.load.nodes == 1;
    measured.tree = server.pid.map(if alone { Tree::single } else { Tree::of });
    measured.server.rss_base = measured.server_resident();
    (measured.floor, measured.asking) = tokio::select! {
        floor = floor(&server, target.health()) => floor,
        () = stop.cancelled() => return Ok(None),
    };
    let (crew, assignment) = tokio::select! {
        mustered = muster(plan, trial, &server, means, recruits) => mustered?,
        () = stop.cancelled() => return Ok(None),
    };
    Ok(Some(Prepared {
        server,
        measured,
        crew,
        assignment,
    }))
}

/// Times an idle exchange with the server, on a thread that may block for seconds.
async fn floor(server: &Server, path: &str) -> (Option<Floor>, Option<WireTotals>) {
    let (address, authority) = (server.address, server.authority.clone());
    let secure = server.secure.clone();
    let path = path.to_owned();
    let timed = tokio::task::spawn_blocking(move || {
        probe::floor(address, &authority, secure.as_ref(), &path)
    });
    timed.await.unwrap_or_default()
}
