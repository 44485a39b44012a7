//! One key of `[load]` with its value: the one place where such a value is read,
//! put into a [`Load`], and written again.
//!
//! `[load]`, each item of a `[matrix]` list and `--set` all come through here.

use std::time::Duration;

use super::error::Fault;
use super::plan::Factor;
use super::tree::{Node, Value};
use super::value::Wanted;
use super::{Arrivals, Headers, Load, MAX_PAYLOAD, MIN_PAYLOAD, Publish, Transport};
use crate::units::{write_bytes, write_duration};

/// The most publishers that a scenario gets without asking.
const DEFAULT_PUBLISHERS: usize = 16;

const ARRIVALS: [(&str, Arrivals); 3] = [
    ("poisson", Arrivals::Poisson),
    ("constant", Arrivals::Constant),
    ("burst", Arrivals::Burst),
];
const PUBLISH: [(&str, Publish); 2] = [("same", Publish::Same), ("post", Publish::Post)];

/// A value for one key of `[load]`.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Setting {
    Transport(Transport),
    Clients(usize),
    Channels(usize),
    Rate(f64),
    Arrivals(Arrivals),
    Payload(usize),
    Publish(Publish),
    Publishers(usize),
    PollInterval(Duration),
    Hold(Duration),
    Headers(Headers),
    KeepAlive(bool),
}

impl Setting {
    /// Reads the value of `key`, which is one of the known keys; `path` names it in faults.
    pub(super) fn read(key: &str, path: &str, node: &Node) -> Result<Self, Fault> {
        let example = example(key);
        let wanted = Wanted {
            path,
            example,
            node,
        };
        let second = Duration::from_secs(1);
        Ok(match key {
            "transport" => Self::Transport(wanted.word(&transports())?),
            "clients" => Self::Clients(wanted.count(1..=1_000_000)?),
            "channels" => Self::Channels(wanted.count(1..=1_000_000)?),
            "rate" => Self::Rate(rate(&wanted)?),
            "arrivals" => Self::Arrivals(wanted.word(&ARRIVALS)?),
            "payload" => Self::Payload(wanted.bytes(MIN_PAYLOAD..=MAX_PAYLOAD)?),
            "publish" => Self::Publish(wanted.word(&PUBLISH)?),
            "publishers" => Self::Publishers(wanted.count(1..=1024)?),
            "poll_interval" => {
                Self::PollInterval(wanted.span(Duration::from_millis(1)..=second * 3600)?)
            }
            "hold" => Self::Hold(wanted.span(second..=second * 600)?),
            "headers" => Self::Headers(headers(&wanted)?),
            _ => Self::KeepAlive(keep_alive(&wanted)?),
        })
    }

    /// Every setting of a load, in the order of the known keys.
    pub(super) fn all(load: &Load) -> [Self; 12] {
        [
            Self::Transport(load.transport),
            Self::Clients(load.clients),
            Self::Channels(load.channels),
            Self::Rate(load.rate),
            Self::Arrivals(load.arrivals),
            Self::Payload(load.payload),
            Self::Publish(load.publish),
            Self::Publishers(load.publishers),
            Self::PollInterval(load.poll_interval),
            Self::Hold(load.hold),
            Self::Headers(load.headers),
            Self::KeepAlive(load.keep_alive),
        ]
    }

    /// The load that settings give; for a key that is set twice the later one counts.
    pub(super) fn assemble<'a>(settings: impl IntoIterator<Item = &'a Self>) -> Load {
        let mut load = Load::default();
        let mut publishers = None;
        for setting in settings {
            match *setting {
                Self::Transport(transport) => load.transport = transport,
                Self::Clients(clients) => load.clients = clients,
                Self::Channels(channels) => load.channels = channels,
                Self::Rate(rate) => load.rate = rate,
                Self::Arrivals(arrivals) => load.arrivals = arrivals,
                Self::Payload(payload) => load.payload = payload,
                Self::Publish(publish) => load.publish = publish,
                Self::Publishers(count) => publishers = Some(count),
                Self::PollInterval(interval) => load.poll_interval = interval,
                Self::Hold(hold) => load.hold = hold,
                Self::Headers(headers) => load.headers = headers,
                Self::KeepAlive(keep_alive) => load.keep_alive = keep_alive,
            }
        }
        load.publishers = publishers.unwrap_or(load.channels.min(DEFAULT_PUBLISHERS));
        load
    }

    /// The key it belongs to.
    pub(super) fn key(&self) -> &'static str {
        match self {
            Self::Transport(_) => "transport",
            Self::Clients(_) => "clients",
            Self::Channels(_) => "channels",
            Self::Rate(_) => "rate",
            Self::Arrivals(_) => "arrivals",
            Self::Payload(_) => "payload",
            Self::Publish(_) => "publish",
            Self::Publishers(_) => "publishers",
            Self::PollInterval(_) => "poll_interval",
            Self::Hold(_) => "hold",
            Self::Headers(_) => "headers",
            Self::KeepAlive(_) => "keep_alive",
        }
    }

    /// The value as a factor of a trial.
    #[expect(
        clippy::cast_precision_loss,
        reason = "counts and sizes are far below 2^53, and so are nanoseconds of an hour"
    )]
    pub(super) fn factor(&self) -> Factor {
        match *self {
            Self::Clients(count)
            | Self::Channels(count)
            | Self::Payload(count)
            | Self::Publishers(count) => Factor::Number(count as f64),
            Self::Rate(rate) => Factor::Number(rate),
            Self::PollInterval(span) | Self::Hold(span) => Factor::Number(span.as_nanos() as f64),
            Self::Transport(_)
            | Self::Arrivals(_)
            | Self::Publish(_)
            | Self::Headers(_)
            | Self::KeepAlive(_) => Factor::Text(self.word()),
        }
    }

    /// The value as TOML.
    pub(super) fn toml(&self) -> String {
        match self {
            Self::Clients(_)
            | Self::Channels(_)
            | Self::Publishers(_)
            | Self::KeepAlive(_)
            | Self::Headers(Headers::PadTo(_) | Headers::PadExchangeTo(_)) => self.word(),
            // A rate keeps its point, so that it reads as a rate.
            Self::Rate(rate) => format!("{rate:?}"),
            _ => format!("\"{}\"", self.word()),
        }
    }

    /// The value fit for a file name: `a-z`, `0-9`, `.` and `-`.
    pub(super) fn label(&self) -> String {
        let fit = |c: char| c.is_ascii_alphanumeric() || c == '.';
        self.word()
            .split(|c| !fit(c))
            .filter(|part| !part.is_empty())
            .collect::<Vec<_>>()
            .join("-")
            .to_ascii_lowercase()
    }

    /// The value as a person writes it, without quotes.
    fn word(&self) -> String {
        match self {
            Self::Transport(transport) => transport.name().to_owned(),
            Self::Clients(count) | Self::Channels(count) | Self::Publishers(count) => {
                count.to_string()
            }
            Self::Rate(rate) => rate.to_string(),
            Self::Arrivals(arrivals) => name_of(&ARRIVALS, arrivals),
            Self::Payload(bytes) => write_bytes(*bytes),
            Self::Publish(publish) => name_of(&PUBLISH, publish),
            Self::PollInterval(span) | Self::Hold(span) => write_duration(*span),
            Self::Headers(Headers::Minimal) => "minimal".to_owned(),
            Self::Headers(Headers::Browser) => "browser".to_owned(),
            Self::Headers(Headers::PadTo(bytes)) => format!("{{ pad_to = {bytes} }}"),
            Self::Headers(Headers::PadExchangeTo(bytes)) => {
                format!("{{ pad_exchange_to = {bytes} }}")
            }
            Self::KeepAlive(keep_alive) => keep_alive.to_string(),
        }
    }
}

/// The transports by name.
pub(super) fn transports() -> [(&'static str, Transport); 5] {
    Transport::ALL.map(|transport| (transport.name(), transport))
}

/// A good line for a key.
pub(super) fn example(key: &str) -> &'static str {
    match key {
        "transport" => "transport = \"websocket\"",
        "clients" => "clients = 1000",
        "channels" => "channels = 10",
        "rate" => "rate = 20.0",
        "arrivals" => "arrivals = \"poisson\"",
        "payload" => "payload = \"128B\"",
        "publish" => "publish = \"same\"",
        "publishers" => "publishers = 10",
        "poll_interval" => "poll_interval = \"1s\"",
        "hold" => "hold = \"25s\"",
        "headers" => "headers = \"browser\"",
        _ => "keep_alive = true",
    }
}

fn name_of<T: PartialEq>(names: &[(&str, T)], value: &T) -> String {
    names
        .iter()
        .find(|(_, named)| named == value)
        .map_or_else(String::new, |(name, _)| (*name).to_owned())
}

fn rate(wanted: &Wanted<'_>) -> Result<f64, Fault> {
    let rate = wanted.number()?;
    if rate > 0.0 && rate <= 1e6 {
        return Ok(rate);
    }
    Err(wanted.fault(format!(
        "\"{}\" is {rate}; it must be above 0 and at most 1,000,000 messages a second",
        wanted.path
    )))
}

fn headers(wanted: &Wanted<'_>) -> Result<Headers, Fault> {
    let known = [("minimal", Headers::Minimal), ("browser", Headers::Browser)];
    match &wanted.node.value {
        Value::Text(_) => wanted.word(&known),
        Value::Table(table) => match table.as_slice() {
            [entry] if entry.key == "pad_to" || entry.key == "pad_exchange_to" => {
                let bytes = Wanted {
                    path: &format!("{}.{}", wanted.path, entry.key),
                    example: "headers = { pad_to = 871 }",
                    node: &entry.node,
                }
                .count(64..=16_384)?;
                Ok(if entry.key == "pad_to" {
                    Headers::PadTo(bytes)
                } else {
                    Headers::PadExchangeTo(bytes)
                })
            }
            _ => Err(wanted.fault(format!(
                "\"{}\" as a table takes one key: {{ pad_to = 871 }} or {{ pad_exchange_to = 871 }}",
                wanted.path
            ))),
        },
        _ => Err(wanted.wrong_kind("\"minimal\", \"browser\" or { pad_to = 871 }")),
    }
}

fn keep_alive(wanted: &Wanted<'_>) -> Result<bool, Fault> {
    if wanted.truth()? {
        return Ok(true);
    }
    Err(wanted.fault(format!(
        "\"{} = false\" is not supported yet; remove it",
        wanted.path
    )))
}
