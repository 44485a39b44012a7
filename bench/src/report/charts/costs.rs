//! The bars of a run: what a delivery, a client and a connection cost.

use super::bars::{self, Bars};
use super::{Charts, some};
use crate::report::comparison::Comparison;

/// What opening a connection costs, where protocols are compared.
const OPENING: [(&str, &str, &str, Bars); 2] = [
    (
        "connect-time",
        "How long a client takes to open its connection",
        "Shorter is better; from dialling until it can receive, the handshakes of TCP and TLS, the first request and its \
         answer included.",
        Bars {
            axis: "Time to connect, median",
            parts: &[("connect.p50", "connecting")],
        },
    ),
    (
        "connect-bytes",
        "What opening a connection moves on the wire",
        "Shorter is better; a TLS handshake carries the server's certificate.",
        Bars {
            axis: "Bytes per connection until able to receive, both directions",
            parts: &[("wire_bytes_per_connect", "wire")],
        },
    ),
];

const BARS: [(&str, &str, &str, Bars); 3] = [
    (
        "bytes-per-message",
        "What one delivered message costs on the wire",
        "Shorter is better; framing is HTTP headers and WebSocket frames, empty polls included, \
         and TCP/IP is packet headers and acknowledgements.",
        Bars {
            axis: "Bytes per delivered message, both directions",
            parts: &[
                ("payload_bytes_per_message", "payload"),
                ("framing_bytes_per_message", "framing"),
                ("tcp_bytes_per_message", "TCP/IP"),
            ],
        },
    ),
    (
        "server-cpu",
        "Server CPU time for a thousand deliveries",
        "Shorter is better; the time includes answering polls that bring nothing.",
        Bars {
            axis: "CPU time per 1,000 deliveries",
            parts: &[("server_cpu_per_thousand", "CPU")],
        },
    ),
    (
        "server-memory",
        "Server memory for each client",
        "Shorter is better; kernel memory is what the sockets hold beside the process.",
        Bars {
            axis: "Bytes per connected client",
            parts: &[
                ("server_memory_per_client", "server process"),
                ("kernel_memory_per_client", "kernel sockets"),
            ],
        },
    ),
];

/// The bars of one combination.
pub(super) fn draw(charts: &mut Charts, whole: &Comparison<'_>, of: usize) {
    let several = whole.groups.iter().any(|group| group.over.is_some());
    let subtitle = some(whole, "", of);
    let opening = OPENING.iter().filter(|_| several);
    for (name, title, reading, bars) in BARS.iter().chain(opening) {
        let scene = bars::draw(bars, whole, title, &subtitle);
        charts.add(name, title, reading, scene);
    }
}
