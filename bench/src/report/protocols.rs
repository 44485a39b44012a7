//! What TLS and HTTP/2 change, in sentences made from the figures of a run that compares them; and how many
//! connections a browser would have had.

use crate::report::comparison::{Comparison, Group, Over, shown, side_by_side};
use crate::report::ranking::times;
use crate::report::show;
use crate::report::words::{list, name, sentence_start};
use crate::result::RunResult;
use crate::scenario::{Protocol, Transport};

/// Two figures closer than this are the same for whoever chooses by them.
const SAME: f64 = 1.03;

/// Why a browser's HTTP/1.1 is another matter than a simulated client's.
///
/// Six: `net/socket/client_socket_pool_manager.cc` of Chromium, which has 255 for WebSockets;
/// `network.http.max-persistent-connections-per-server` and `network.websocket.max-connections` (200) of Firefox;
/// and the warning in MDN's article on `EventSource`.
pub(crate) const SIX: &str = "Over HTTP/1.1 a browser opens at most six connections to a host, for all its tabs together, and each long poll, \
     stream or event source holds one of them: a page in a seventh tab waits, and so does every other request to that host. Over \
     HTTP/2 they are streams of one connection, as many as the server allows (often 100). A WebSocket over HTTP/1.1 counts by a \
     limit of its own (255 in Chromium, 200 in Firefox). Simulated clients stand for a browser each, so none of this is in the figures.";

/// Whether the limit of six matters: something that holds a connection is spoken over HTTP/1.1.
pub(crate) fn is_short_of_connections(run: &RunResult) -> bool {
    run.trials.iter().any(|trial| {
        let holds = [Transport::LongPolling, Transport::Streaming, Transport::Sse];
        let old = Protocol::of(&trial.load) != Some(Protocol::Http2Tls);
        old && holds.contains(&trial.transport)
    })
}

/// What TLS and HTTP/2 change in the combination that charts show; empty when the run does not compare protocols.
pub(crate) fn sentences(run: &RunResult) -> Vec<String> {
    let all = side_by_side(run);
    let Some(shown) = shown(&all).filter(|_| run.searches.is_empty()) else {
        return Vec::new();
    };
    let mut said = Vec::new();
    said.extend(compression(shown));
    said.extend(records(shown));
    said.extend(opening(shown));
    said.extend(processor(shown));
    said.extend(connections(shown));
    if !said.is_empty() && is_short_of_connections(run) {
        said.push(SIX.to_owned());
    }
    said
}

fn group<'a>(
    of: &'a Comparison<'_>,
    transport: Transport,
    over: Protocol,
) -> Option<&'a Group<'a>> {
    let mut trusted = of.groups.iter().filter(|group| group.valid);
    trusted.find(|group| group.who() == (transport, Some(Over::Protocol(over))))
}

fn figure(of: &Comparison<'_>, who: (Transport, Protocol), metric: &str) -> Option<f64> {
    group(of, who.0, who.1)?.median(metric)
}

fn shown_as(metric: &str, value: f64) -> String {
    show::named(metric, Some(value)).replace(' ', "\u{a0}")
}

/// `9.8 kB to 2.1 kB`, of one transport from one protocol to another.
struct Change {
    transport: Transport,
    from: f64,
    to: f64,
}

impl Change {
    fn said(&self, metric: &str) -> String {
        let (from, to) = (shown_as(metric, self.from), shown_as(metric, self.to));
        let much = if self.to < self.from {
            times(self.from, self.to).map(|times| format!(", {times} fewer"))
        } else {
            times(self.to, self.from).map(|times| format!(", {times} as many"))
        };
        let name = name(self.transport);
        format!("{name} from {from} to {to}{}", much.unwrap_or_default())
    }
}

/// The transports in which a metric differs between two protocols, each with its two values.
fn changes(of: &Comparison<'_>, (from, to): (Protocol, Protocol), metric: &str) -> Vec<Change> {
    let change = |transport| {
        Some(Change {
            transport,
            from: figure(of, (transport, from), metric)?,
            to: figure(of, (transport, to), metric)?,
        })
    };
    Transport::ALL.into_iter().filter_map(change).collect()
}

fn all_of<'a>(changes: impl Iterator<Item = &'a Change>, metric: &str) -> String {
    let said: Vec<String> = changes.map(|change| change.said(metric)).collect();
    said.join("; ")
}

/// HTTP/2 against HTTP/1.1, both over TLS: who has headers to compress, and who has not.
fn compression(of: &Comparison<'_>) -> Option<String> {
    const BYTES: &str = "wire_bytes_per_message";
    let changes = changes(of, (Protocol::Http1Tls, Protocol::Http2Tls), BYTES);
    let asks = |c: &&Change| matches!(c.transport, Transport::Polling | Transport::LongPolling);
    let polls = all_of(changes.iter().filter(asks), BYTES);
    let streams = all_of(changes.iter().filter(|c| !asks(c)), BYTES);
    let mut said = Vec::new();
    if !polls.is_empty() {
        said.push(format!(
            "HTTP/2 compresses headers that repeat from request to request, and answers' likewise: on the wire, for each delivered \
             message, against HTTP/1.1 over TLS, {polls}"
        ));
    }
    if !streams.is_empty() {
        let because = "An open stream or socket sends no headers with a message, so HTTP/2 has nothing to compress there, and its \
                       frames add 9 bytes where they replace nothing";
        said.push(format!("{because}: {streams}"));
    }
    (!said.is_empty()).then(|| format!("{}.", said.join(". ")))
}

/// TLS against none, both over HTTP/1.1: what records add.
fn records(of: &Comparison<'_>) -> Option<String> {
    const BYTES: &str = "wire_bytes_per_message";
    let changes = changes(of, (Protocol::Http1, Protocol::Http1Tls), BYTES);
    let added = |change: &Change| {
        let more = change.to - change.from;
        let sign = if more < 0.0 { "−" } else { "" };
        format!(
            "{} {sign}{}",
            name(change.transport),
            shown_as(BYTES, more.abs())
        )
    };
    let added: Vec<String> = changes.iter().map(added).collect();
    (!added.is_empty()).then(|| {
        format!(
            "TLS adds 22 bytes to each record, so it costs most where a message takes most exchanges; over HTTP/1.1, for each delivered \
             message: {}.",
            list(added.iter().map(String::as_str))
        )
    })
}

/// What a connection costs until it can receive, told by the transport that has the least of its own in it.
fn opening(of: &Comparison<'_>) -> Option<String> {
    let last = Transport::ALL.into_iter().rev();
    let mut all = last.map(|transport| {
        let protocols = [Protocol::Http1, Protocol::Http1Tls, Protocol::Http2Tls];
        let parts = protocols.into_iter().filter_map(|over| {
            let time = figure(of, (transport, over), "connect.p50")?;
            let bytes = figure(of, (transport, over), "wire_bytes_per_connect")
                .map(|bytes| format!(" and {}", shown_as("wire_bytes_per_connect", bytes)));
            let time = shown_as("connect.p50", time);
            Some(format!("{time}{} over {over}", bytes.unwrap_or_default()))
        });
        (transport, parts.collect::<Vec<_>>())
    });
    let (transport, parts) = all.find(|(_, parts)| parts.len() > 1)?;
    Some(format!(
        "Until a client could receive, by {}, a connection took {}: with TLS a round trip more, the certificate and the keys. Each \
         handshake was a full one.",
        name(transport),
        list(parts.iter().map(String::as_str))
    ))
}

/// What encryption and framing cost the server.
fn processor(of: &Comparison<'_>) -> Option<String> {
    const CPU: &str = "server_cpu_per_thousand";
    let protocols = [Protocol::Http1, Protocol::Http1Tls, Protocol::Http2Tls];
    let named = |over: &Protocol| {
        let over = Some(Over::Protocol(*over));
        of.groups.iter().any(|group| group.over == over)
    };
    let protocols: Vec<Protocol> = protocols.into_iter().filter(named).collect();
    let row = |transport| {
        let values: Vec<Option<f64>> = protocols
            .iter()
            .map(|over| figure(of, (transport, *over), CPU))
            .collect();
        let known = || values.iter().copied().flatten();
        let (least, most) = (known().reduce(f64::min)?, known().reduce(f64::max)?);
        // What cannot be trusted keeps its place.
        let shown = values.iter().map(|value| {
            value.map_or_else(|| show::MISSING.to_owned(), |value| shown_as(CPU, value))
        });
        let shown: Vec<String> = shown.collect();
        (known().count() > 1 && most > least * SAME)
            .then(|| format!("{} {}", name(transport), shown.join(", ")))
    };
    let rows: Vec<String> = Transport::ALL.into_iter().filter_map(row).collect();
    let names: Vec<&str> = protocols.iter().map(|over| over.name()).collect();
    (!rows.is_empty()).then(|| {
        format!(
            "Server CPU for a thousand deliveries, over {} in turn: {}.",
            list(names.into_iter()),
            rows.join("; ")
        )
    })
}

/// How many connections each client had, by count.
fn connections(of: &Comparison<'_>) -> Option<String> {
    let over = |group: &Group<'_>| matches!(group.over, Some(Over::Protocol(_)));
    if !of.groups.iter().any(over) {
        return None;
    }
    let open = of.groups.iter().filter(|group| group.valid);
    let mut open: Vec<f64> = open
        .filter_map(|group| group.median("connections_per_client"))
        .collect();
    open.sort_by(f64::total_cmp);
    let (least, most) = (open.first()?, open.last()?);
    let count = |value: f64| {
        format!("{value:.2}")
            .trim_end_matches('0')
            .trim_end_matches('.')
            .to_owned()
    };
    let text = if count(*least) == count(*most) {
        format!("{} open at once", count(*least))
    } else {
        format!("{} to {} open at once", count(*least), count(*most))
    };
    Some(sentence_start(&format!(
        "connections for each client, counted at the sockets and shared with no other: {text}."
    )))
}
