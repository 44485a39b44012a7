//! What the server under test makes of a load.

use crate::scenario::{Dialect, Http, Load, Publish, Target, Transport};

/// A server by its name in `[targets]`, and what it makes of the loads that are put on it.
#[derive(Debug, Clone, Default, PartialEq)]
pub(in crate::scenario) struct Served {
    /// Empty for the one server of `[target]`.
    pub(in crate::scenario) name: String,
    /// What it is spoken to over, where `[targets]` says so.
    pub(in crate::scenario) spoken: Option<(bool, Http)>,
    /// It takes messages over WebSockets.
    sockets: bool,
    /// The transports whose answers hold at most one message.
    one: Vec<Transport>,
}

impl Served {
    /// By its name alone.
    pub(super) fn named(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            ..Self::default()
        }
    }

    pub(in crate::scenario) fn new(
        name: &str,
        target: &Target,
        spoken: Option<(bool, Http)>,
    ) -> Self {
        let template = target.dialect().template();
        let one = template.map(|template| {
            let ways = template.ways.iter().filter(|(_, way)| way.one);
            ways.map(|(transport, _)| *transport).collect()
        });
        Self {
            name: name.to_owned(),
            spoken,
            sockets: takes_sockets(target.dialect()),
            one: one.unwrap_or_default(),
        }
    }

    /// Makes of a load what this server will be given.
    pub(super) fn settle(&self, load: &mut Load) {
        if let Some((tls, http)) = self.spoken {
            (load.tls, load.http) = (tls, http);
        }
        if !self.sockets && load.publishes_on_sockets() {
            load.publish = Publish::Post;
        }
        if self.one.contains(&load.transport) {
            load.batch = Some(1);
        }
    }
}

fn takes_sockets(dialect: &Dialect) -> bool {
    let Some(template) = dialect.template() else {
        return true;
    };
    let socket = template.ways.get(&Transport::Websocket);
    let socket = socket.and_then(|way| way.socket.as_ref());
    socket.is_some_and(|socket| !socket.publish.is_empty())
}
