//! The limit of open files, which bounds the connections.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::settings::Settings;

/// For the listener, the runtime and connections being turned away.
const RESERVED: u64 = 320;

/// Raises the soft limit of descriptors to the hard one, and holds the connections to it.
pub(crate) fn raise(settings: &mut Settings) {
    let limit = getrlimit(Resource::Nofile);
    if let Err(error) = setrlimit(
        Resource::Nofile,
        Rlimit {
            current: limit.maximum,
            maximum: limit.maximum,
        },
    ) {
        tracing::warn!(%error, "cannot raise the limit of open descriptors");
    }
    let Some(descriptors) = getrlimit(Resource::Nofile).current else {
        return;
    };
    let most = usize::try_from(descriptors.saturating_sub(RESERVED).max(1)).unwrap_or(usize::MAX);
    if settings.max_connections > most {
        let asked = settings.max_connections;
        tracing::warn!(
            asked,
            most,
            "descriptors allow fewer connections than --max-connections (ulimit -n)"
        );
        settings.max_connections = most;
    }
}
