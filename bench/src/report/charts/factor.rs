//! The numbers that a matrix can vary: what their axes are called, and their charts.

/// A key of the matrix whose values are numbers.
pub(crate) struct Numeric {
    pub(crate) key: &'static str,
    /// The title of its axis.
    pub(crate) axis: &'static str,
    /// What happens along it, after the name of a metric.
    pub(crate) along: &'static str,
    /// The names of its charts: latency, bytes, CPU, memory.
    pub(crate) charts: [&'static str; 4],
}

macro_rules! numeric {
    ($key:literal, $stem:literal, $axis:literal, $along:literal) => {
        Numeric {
            key: $key,
            axis: $axis,
            along: $along,
            charts: [
                concat!($stem, "-latency"),
                concat!($stem, "-bytes"),
                concat!($stem, "-cpu"),
                concat!($stem, "-memory"),
            ],
        }
    };
}

/// In the order of the report; of two that vary, the first goes across a map and the second up.
pub(crate) const NUMERIC: [Numeric; 13] = [
    numeric!(
        "rate",
        "rate",
        "Messages a second, in all channels",
        "as messages come faster"
    ),
    numeric!(
        "poll_interval",
        "interval",
        "Poll interval",
        "as polls come further apart"
    ),
    numeric!("clients", "scale", "Clients", "as clients are added"),
    numeric!("payload", "payload", "Payload", "as messages get larger"),
    numeric!(
        "rtt",
        "rtt",
        "Round trip of the link",
        "as clients are further away"
    ),
    numeric!("channels", "channels", "Channels", "as channels are added"),
    numeric!(
        "jitter",
        "jitter",
        "Jitter of the link",
        "as the link gets uneven"
    ),
    numeric!(
        "loss",
        "loss",
        "Segments that the link loses",
        "as the link loses more"
    ),
    numeric!(
        "down",
        "down",
        "Bandwidth to each client",
        "as the link gets wider"
    ),
    numeric!(
        "hold",
        "hold",
        "Hold of a long poll",
        "as long polls are held longer"
    ),
    numeric!(
        "batch",
        "batch",
        "Most messages in an answer",
        "as answers may bring more"
    ),
    numeric!(
        "linger",
        "linger",
        "Time that an answer waits for more",
        "as answers wait for more"
    ),
    numeric!(
        "publishers",
        "publishers",
        "Publishers",
        "as publishers are added"
    ),
];
