//! One key of `[load]` or `[link]` with its value, or what clients speak: the one place where such a value is
//! read, put into a [`Load`], and written again.
//!
//! `[load]`, `[link]`, `tls`, `http` and `nodes` of `[target]`, each item of a `[matrix]` list and `--set` all come through here.

mod kinds;
mod number;
mod served;

pub(super) use kinds::rate;
pub(super) use served::Served;

use std::time::Duration;

use super::error::Fault;
use super::link::{PRESETS, Preset};
use super::plan::Factor;
use super::tree::Node;
use super::value::{UNLIMITED, Wanted};
use super::{
    Arrivals, Headers, Http, Load, MAX_PAYLOAD, MIN_PAYLOAD, Origin, Poll, Publish, Transport,
};
use crate::units::{write_bandwidth, write_bytes, write_duration};

/// The most publishers that a scenario gets without asking.
const DEFAULT_PUBLISHERS: usize = 16;
/// The most relays that bench starts for one trial.
const MAX_NODES: usize = 256;

const ARRIVALS: [(&str, Arrivals); 3] = [
    ("poisson", Arrivals::Poisson),
    ("constant", Arrivals::Constant),
    ("burst", Arrivals::Burst),
];
const PUBLISH: [(&str, Publish); 2] = [("same", Publish::Same), ("post", Publish::Post)];

const POLL: [(&str, Poll); 2] = [("log", Poll::Log), ("latest", Poll::Latest)];
const ORIGIN: [(&str, Origin); 2] = [("same", Origin::Same), ("cross", Origin::Cross)];

/// A value for one key of `[load]` or `[link]`, or for `tls`, `http` or `nodes` of `[target]`.
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
    Poll(Poll),
    /// 0 leaves it to the server.
    Batch(usize),
    Linger(Duration),
    Cookies(String),
    Origin(Origin),
    Preset(Preset),
    Rtt(Duration),
    Jitter(Duration),
    Loss(f64),
    Down(Option<u64>),
    Up(Option<u64>),
    Tls(bool),
    Http(Http),
    Nodes(usize),
    /// The server, where a scenario has several.
    Target(Served),
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
            "headers" => Self::Headers(kinds::headers(&wanted)?),
            "poll" => Self::Poll(wanted.word(&POLL)?),
            "batch" => Self::Batch(wanted.count(0..=100_000)?),
            "linger" => Self::Linger(wanted.span(Duration::ZERO..=second * 60)?),
            "cookies" => Self::Cookies(kinds::cookies(&wanted)?),
            "origin" => Self::Origin(wanted.word(&ORIGIN)?),
            "preset" => Self::Preset(wanted.word(&PRESETS)?),
            "rtt" => Self::Rtt(wanted.span(Duration::ZERO..=second * 10)?),
            "jitter" => Self::Jitter(wanted.span(Duration::ZERO..=second * 10)?),
            "loss" => Self::Loss(kinds::loss(&wanted)?),
            "down" => Self::Down(wanted.bandwidth()?),
            "up" => Self::Up(wanted.bandwidth()?),
            "tls" => Self::Tls(wanted.truth()?),
            "http" => Self::Http(kinds::http(&wanted)?),
            "nodes" => Self::Nodes(wanted.count(1..=MAX_NODES)?),
            "target" => Self::Target(Served::named(wanted.text()?)),
            _ => Self::KeepAlive(wanted.truth()?),
        })
    }

    /// Every setting of a load that stands in `[load]`, in the order of the known keys.
    pub(super) fn of_load(load: &Load) -> Vec<Self> {
        let mut settings = vec![
            Self::Transport(load.transport),
            Self::Clients(load.clients),
            Self::Channels(load.channels),
            Self::Rate(load.rate),
            Self::Arrivals(load.arrivals),
            Self::Payload(load.payload),
            Self::Publish(load.publish),
            Self::Publishers(load.publishers),
            Self::PollInterval(load.poll_interval),
            Self::Poll(load.poll),
            Self::Hold(load.hold),
            Self::Batch(load.batch.unwrap_or(0)),
            Self::Linger(load.linger),
            Self::Headers(load.headers),
        ];
        // No cookies are said by leaving the key out.
        if !load.cookies.is_empty() {
            settings.push(Self::Cookies(load.cookies.clone()));
        }
        settings.extend([Self::Origin(load.origin), Self::KeepAlive(load.keep_alive)]);
        settings
    }

    /// Every setting of a load that stands in `[link]`.
    pub(super) fn of_link(load: &Load) -> [Self; 5] {
        let link = load.link;
        [
            Self::Rtt(link.rtt),
            Self::Jitter(link.jitter),
            Self::Loss(link.loss),
            Self::Down(link.down),
            Self::Up(link.up),
        ]
    }

    /// Every setting of a load that stands in `[target]`.
    pub(super) fn of_target(load: &Load) -> Vec<Self> {
        let mut settings = vec![Self::Tls(load.tls), Self::Http(load.http)];
        // One relay is said by leaving the key out: only the bundled one can be several.
        if load.nodes > 1 {
            settings.push(Self::Nodes(load.nodes));
        }
        settings
    }

    /// The load that settings give; for a key that is set twice the later one counts.
    ///
    /// A preset gives way to figures named beside it, in whatever order they stand.
    pub(super) fn assemble<'a>(settings: impl IntoIterator<Item = &'a Self>) -> Load {
        let settings: Vec<&Self> = settings.into_iter().collect();
        let mut load = Load::default();
        for setting in &settings {
            if let Self::Preset(preset) = setting {
                load.link = preset.link();
            }
        }
        let mut publishers = None;
        let mut served = None;
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
                Self::Poll(poll) => load.poll = poll,
                Self::Batch(count) => load.batch = Some(count).filter(|count| *count > 0),
                Self::Linger(linger) => load.linger = linger,
                Self::Cookies(ref cookies) => load.cookies.clone_from(cookies),
                Self::Origin(origin) => load.origin = origin,
                Self::Preset(_) => {}
                Self::Rtt(rtt) => load.link.rtt = rtt,
                Self::Jitter(jitter) => load.link.jitter = jitter,
                Self::Loss(loss) => load.link.loss = loss,
                Self::Down(down) => load.link.down = down,
                Self::Up(up) => load.link.up = up,
                Self::Tls(tls) => load.tls = tls,
                Self::Http(http) => load.http = http,
                Self::Nodes(count) => load.nodes = count,
                Self::Target(ref target) => served = Some(target),
            }
        }
        if let Some(served) = served {
            served.settle(&mut load);
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
            Self::Poll(_) => "poll",
            Self::Batch(_) => "batch",
            Self::Linger(_) => "linger",
            Self::Cookies(_) => "cookies",
            Self::Origin(_) => "origin",
            Self::Preset(_) => "preset",
            Self::Rtt(_) => "rtt",
            Self::Jitter(_) => "jitter",
            Self::Loss(_) => "loss",
            Self::Down(_) => "down",
            Self::Up(_) => "up",
            Self::Tls(_) => "tls",
            Self::Http(_) => "http",
            Self::Nodes(_) => "nodes",
            Self::Target(_) => "target",
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
            | Self::Publishers(count)
            | Self::Batch(count)
            | Self::Nodes(count) => Factor::Number(count as f64),
            Self::Rate(rate) | Self::Loss(rate) => Factor::Number(rate),
            Self::PollInterval(span)
            | Self::Hold(span)
            | Self::Linger(span)
            | Self::Rtt(span)
            | Self::Jitter(span) => Factor::Number(span.as_nanos() as f64),
            Self::Down(Some(bits)) | Self::Up(Some(bits)) => Factor::Number(bits as f64),
            Self::Transport(_)
            | Self::Arrivals(_)
            | Self::Publish(_)
            | Self::Headers(_)
            | Self::KeepAlive(_)
            | Self::Poll(_)
            | Self::Cookies(_)
            | Self::Origin(_)
            | Self::Preset(_)
            | Self::Tls(_)
            | Self::Http(_)
            | Self::Target(_)
            | Self::Down(None)
            | Self::Up(None) => Factor::Text(self.word()),
        }
    }

    /// The value as TOML.
    pub(super) fn toml(&self) -> String {
        match self {
            Self::Clients(_)
            | Self::Channels(_)
            | Self::Publishers(_)
            | Self::KeepAlive(_)
            | Self::Tls(_)
            | Self::Batch(_)
            | Self::Nodes(_)
            | Self::Headers(Headers::PadTo(_) | Headers::PadExchangeTo(_)) => self.word(),
            // A rate keeps its point, so that it reads as a rate.
            Self::Rate(rate) | Self::Loss(rate) => format!("{rate:?}"),
            Self::Cookies(cookies) => toml::Value::String(cookies.clone()).to_string(),
            _ => format!("\"{}\"", self.word()),
        }
    }

    /// The value fit for a file name: `a-z`, `0-9`, `.` and `-`.
    pub(super) fn label(&self) -> String {
        let fit = |c: char| c.is_ascii_alphanumeric() || c == '.';
        let word = match self {
            Self::Rate(number) | Self::Loss(number) => number::short(*number),
            _ => self.word(),
        };
        word.split(|c| !fit(c))
            .filter(|part| !part.is_empty())
            .collect::<Vec<_>>()
            .join("-")
            .to_ascii_lowercase()
    }

    /// The value as a person writes it, without quotes.
    fn word(&self) -> String {
        match self {
            Self::Transport(transport) => transport.name().to_owned(),
            Self::Clients(count)
            | Self::Channels(count)
            | Self::Publishers(count)
            | Self::Batch(count)
            | Self::Nodes(count) => count.to_string(),
            Self::Rate(rate) | Self::Loss(rate) => rate.to_string(),
            Self::Arrivals(arrivals) => name_of(&ARRIVALS, arrivals),
            Self::Payload(bytes) => write_bytes(*bytes),
            Self::Publish(publish) => name_of(&PUBLISH, publish),
            Self::PollInterval(span)
            | Self::Hold(span)
            | Self::Linger(span)
            | Self::Rtt(span)
            | Self::Jitter(span) => write_duration(*span),
            Self::Poll(poll) => name_of(&POLL, poll),
            Self::Origin(origin) => name_of(&ORIGIN, origin),
            Self::Preset(preset) => name_of(&PRESETS, preset),
            Self::Cookies(cookies) => cookies.clone(),
            Self::Down(bits) | Self::Up(bits) => {
                bits.map_or_else(|| UNLIMITED.to_owned(), write_bandwidth)
            }
            Self::Headers(Headers::Minimal) => "minimal".to_owned(),
            Self::Headers(Headers::Browser) => "browser".to_owned(),
            Self::Headers(Headers::PadTo(bytes)) => format!("{{ pad_to = {bytes} }}"),
            Self::Headers(Headers::PadExchangeTo(bytes)) => {
                format!("{{ pad_exchange_to = {bytes} }}")
            }
            Self::KeepAlive(truth) | Self::Tls(truth) => truth.to_string(),
            Self::Http(http) => http.to_string(),
            Self::Target(served) => served.name.clone(),
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
        "poll" => "poll = \"latest\"",
        "batch" => "batch = 1",
        "linger" => "linger = \"50ms\"",
        "cookies" => "cookies = \"session=0123456789abcdef\"",
        "origin" => "origin = \"cross\"",
        "preset" => "preset = \"4g\"",
        "rtt" => "rtt = \"50ms\"",
        "jitter" => "jitter = \"5ms\"",
        "loss" => "loss = 0.01",
        "down" => "down = \"10Mbit\"",
        "up" => "up = \"1Mbit\"",
        "tls" => "tls = true",
        "http" => "http = \"2\"",
        "nodes" => "nodes = 4",
        "target" => "target = \"relay\"",
        _ => "keep_alive = true",
    }
}

fn name_of<T: PartialEq>(names: &[(&str, T)], value: &T) -> String {
    names
        .iter()
        .find(|(_, named)| named == value)
        .map_or_else(String::new, |(name, _)| (*name).to_owned())
}
