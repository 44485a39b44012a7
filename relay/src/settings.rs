//! The relay's limits: each is one flag with one default, and this is where it is written.

use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use clap::{Args, FromArgMatches, ValueEnum};

use crate::access::{Keys, Terms, host_name};
use crate::store::{Place, StoreArgs, TooPatient};
use crate::tls::TlsArgs;
use crate::units::{at_least_one, duration, nonzero, size};

/// What a running relay is held to.
///
/// [`Settings::default`] is what no flag at all gives.
#[derive(Debug, Clone, Args)]
pub struct Settings {
    /// A web origin whose pages may publish and read, such as `https://example.com` (exact; repeatable)
    #[arg(long = "allow-origin", value_name = "ORIGIN", value_parser = origin)]
    pub allow_origins: Vec<String>,
    /// A name that clients reach the relay by, beside its addresses and localhost (repeatable)
    #[arg(long = "allow-host", value_name = "NAME", value_parser = host_name)]
    pub allow_hosts: Vec<String>,
    /// Let whoever reaches the relay use it, also on an address that other machines reach
    #[arg(long, conflicts_with_all = ["token_keys", "token_keys_env"])]
    pub open: bool,
    /// Ask for tokens, signed by a key of this JWK Set; `relay key` makes one, `relay token` signs
    #[arg(long, value_name = "FILE", value_parser = keys_of_file, conflicts_with = "token_keys_env")]
    pub token_keys: Option<Keys>,
    /// The same, with the JWK Set in this environment variable
    #[arg(long, value_name = "NAME", value_parser = keys_of_env)]
    pub token_keys_env: Option<Keys>,
    /// What a token's `aud` has to name
    #[arg(long, value_name = "NAME", default_value = "relay")]
    pub token_audience: String,
    /// How far ahead a token may end: there is no other way to take one back
    #[arg(long, value_name = "TIME", default_value = "24h", value_parser = duration)]
    pub token_life: Duration,
    /// How far the clocks of who signs and of the relay may be apart; at most 5m
    #[arg(long, value_name = "TIME", default_value = "30s", value_parser = skew)]
    pub token_skew: Duration,
    /// How long a ticket may wait to be used
    #[arg(long, value_name = "TIME", default_value = "30s", value_parser = nonzero)]
    pub ticket_life: Duration,
    /// Tickets that may wait to be used, an eighth of them for one token
    #[arg(long, value_name = "COUNT", default_value = "10000", value_parser = at_least_one)]
    pub max_tickets: usize,
    /// Messages a channel keeps
    #[arg(long, value_name = "COUNT", default_value = "1000", value_parser = at_least_one)]
    pub ring_messages: usize,
    /// Payload bytes a channel keeps; at least --max-body
    #[arg(long, value_name = "SIZE", default_value = "1MiB", value_parser = size)]
    pub ring_bytes: usize,
    /// How long a channel keeps a message
    #[arg(long, value_name = "TIME", default_value = "5m", value_parser = duration)]
    pub ring_age: Duration,
    /// Channels that may exist at once
    #[arg(long, value_name = "COUNT", default_value = "10000", value_parser = at_least_one)]
    pub max_channels: usize,
    /// How long an empty channel outlives its last use
    #[arg(long, value_name = "TIME", default_value = "10m", value_parser = duration)]
    pub channel_idle: Duration,
    /// Memory that the messages of all channels together may take; beyond, the largest channels give up their oldest
    #[arg(long, value_name = "SIZE", default_value = "256MiB", value_parser = size)]
    pub log_bytes: usize,
    /// Connections served at once; one more is answered 503
    #[arg(long, value_name = "COUNT", default_value = "16000", value_parser = at_least_one)]
    pub max_connections: usize,
    /// Connections of one address (of one /64 of IPv6); one more is answered 429
    #[arg(long, value_name = "COUNT", default_value = "2000", value_parser = at_least_one)]
    pub max_connections_per_address: usize,
    /// Requests and frames a second of one address, which waits beyond; 0: no limit; unless set 1000, and none for loopback
    #[arg(long, value_name = "COUNT")]
    pub request_rate_per_address: Option<u32>,
    /// Requests that one connection of HTTP/2 may have open at once, waiting ones included
    #[arg(long, value_name = "COUNT", default_value = "100", value_parser = at_least_one)]
    pub max_streams: usize,
    /// Bytes of a published message
    #[arg(long, value_name = "SIZE", default_value = "64KiB", value_parser = size)]
    pub max_body: usize,
    /// Time from a request's first byte to the end of its head
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = duration)]
    pub header_deadline: Duration,
    /// Time for a request's body to arrive
    #[arg(long, value_name = "TIME", default_value = "30s", value_parser = duration)]
    pub body_deadline: Duration,
    /// Time a client may read nothing of what is written to it
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = duration)]
    pub write_deadline: Duration,
    /// Bytes a second that such a client must take, once the write deadline has passed
    #[arg(long, value_name = "SIZE", default_value = "1KiB", value_parser = size)]
    pub min_rate: usize,
    /// Time a WebSocket may leave a ping unanswered, and any client what it was sent unacknowledged
    #[arg(long, value_name = "TIME", default_value = "30s", value_parser = nonzero)]
    pub pong_deadline: Duration,
    /// What becomes of a stream, event source or WebSocket that is further behind than --slow-reader-bytes
    #[arg(long, value_name = "POLICY", value_enum, default_value_t = SlowReader::Drop)]
    pub slow_reader: SlowReader,
    /// Payload bytes such a client may be behind, of what came since it connected
    #[arg(long, value_name = "SIZE", default_value = "1MiB", value_parser = size)]
    pub slow_reader_bytes: usize,
    /// Time a connection may stay open between two requests
    #[arg(long, value_name = "TIME", default_value = "2m", value_parser = duration)]
    pub keep_alive: Duration,
    /// Silence on a stream, event source or WebSocket after which a heartbeat is sent
    #[arg(long, value_name = "TIME", default_value = "15s", value_parser = nonzero)]
    pub heartbeat: Duration,
    /// The longest wait a long poll gets, whatever it asks for
    #[arg(long, value_name = "TIME", default_value = "1m", value_parser = duration)]
    pub max_wait: Duration,
    /// Messages in one reply or one write
    #[arg(long, value_name = "COUNT", default_value = "1000", value_parser = at_least_one)]
    pub reply_messages: usize,
    /// Payload bytes in one reply or one write (a single message always fits)
    #[arg(long, value_name = "SIZE", default_value = "256KiB", value_parser = size)]
    pub reply_bytes: usize,
    /// Time that open connections get to end at shutdown
    #[arg(long, value_name = "TIME", default_value = "5s", value_parser = duration)]
    pub grace: Duration,
    /// Where its logs live
    #[command(flatten)]
    pub store: StoreArgs,
    /// Whether and how it speaks TLS
    #[command(flatten)]
    pub tls: TlsArgs,
}

/// What becomes of a client that falls too far behind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum SlowReader {
    /// It is moved on to the newest and told what it missed.
    Drop,
    /// It is disconnected; it may come again and go on from its position.
    Disconnect,
}

/// Flags that contradict each other.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SettingsError {
    /// Publishes may wait too long for the store.
    #[error(transparent)]
    TooPatient(#[from] TooPatient),
    /// The largest message would be evicted as soon as it is kept.
    #[error(
        "--ring-bytes ({ring} B) must be at least --max-body ({body} B), or such a message could not be kept"
    )]
    RingSmallerThanBody {
        /// The ring's limit in bytes.
        ring: usize,
        /// The largest message in bytes.
        body: usize,
    },
    /// The logs together could not keep what one of them may.
    #[error("--log-bytes ({log} B) must be at least twice --ring-bytes ({ring} B)")]
    LogSmallerThanRing {
        /// The limit of all logs in bytes.
        log: usize,
        /// The limit of one in bytes.
        ring: usize,
    },
    /// No reader would ever be disconnected: what it is behind by is evicted first.
    #[error(
        "--slow-reader disconnect never acts unless --slow-reader-bytes ({slow} B) is below --ring-bytes ({ring} B)"
    )]
    NeverSlow {
        /// The bound of slow readers in bytes.
        slow: usize,
        /// The ring's limit in bytes.
        ring: usize,
    },
    /// Logs that live elsewhere are not this process's to carry over a restart.
    #[error(
        "--keep carries over a restart what is in this process, and with --store the logs are not: leave it out, the store keeps them"
    )]
    KeepInStore,
    /// Everybody who reaches the address could use the relay, and nobody has said so.
    #[error(
        "{address} can be reached from other machines: ask for tokens with --token-keys FILE, or let everybody in with --open"
    )]
    OpenUnsaid {
        /// Where it was to listen.
        address: SocketAddr,
    },
}

impl Settings {
    /// Checks what one flag alone cannot know.
    ///
    /// # Errors
    /// [`SettingsError`] names the flags and the remedy.
    pub fn check(&self) -> Result<(), SettingsError> {
        if self.ring_bytes < self.max_body {
            return Err(SettingsError::RingSmallerThanBody {
                ring: self.ring_bytes,
                body: self.max_body,
            });
        }
        let (log, ring, slow) = (self.log_bytes, self.ring_bytes, self.slow_reader_bytes);
        if log / 2 < ring {
            return Err(SettingsError::LogSmallerThanRing { log, ring });
        }
        if self.slow_reader == SlowReader::Disconnect && slow >= ring {
            return Err(SettingsError::NeverSlow { slow, ring });
        }
        Ok(self.store.check(self.ring_age)?)
    }

    /// Checks that there is something to carry over in the file of `--keep`.
    ///
    /// # Errors
    /// [`SettingsError::KeepInStore`].
    pub fn check_keep(&self, keep: Option<&Path>) -> Result<(), SettingsError> {
        match (keep, self.store.place()) {
            (Some(_), Place::Nats(_)) => Err(SettingsError::KeepInStore),
            _ => Ok(()),
        }
    }

    /// Checks that the relay may listen on an address: others are to reach it only with tokens or by intent.
    ///
    /// # Errors
    /// [`SettingsError::OpenUnsaid`].
    pub fn check_address(&self, address: SocketAddr) -> Result<(), SettingsError> {
        if address.ip().is_loopback() || self.open || self.keys().is_some() {
            Ok(())
        } else {
            Err(SettingsError::OpenUnsaid { address })
        }
    }

    /// Gives the keys of tokens, wherever they come from.
    fn keys(&self) -> Option<&Keys> {
        self.token_keys.as_ref().or(self.token_keys_env.as_ref())
    }

    /// Gives what decides who may use the relay.
    #[must_use]
    pub fn terms(&self) -> Terms {
        Terms {
            origins: self.allow_origins.clone(),
            hosts: self.allow_hosts.clone(),
            keys: self.keys().cloned(),
            audience: self.token_audience.clone(),
            skew: self.token_skew,
            token_life: self.token_life,
            ticket_life: self.ticket_life,
            tickets: self.max_tickets,
            secure: self.tls.are_given(),
        }
    }
}

impl Default for Settings {
    fn default() -> Self {
        let command = Self::augment_args(clap::Command::new("relay").no_binary_name(true));
        let matches = command.get_matches_from(std::iter::empty::<&str>());
        Self::from_arg_matches(&matches).expect("invariant: every flag has a default that parses")
    }
}

/// Accepts `scheme://host[:port]`, which is how browsers write an origin.
fn origin(text: &str) -> Result<String, String> {
    let rest = text
        .strip_prefix("https://")
        .or_else(|| text.strip_prefix("http://"));
    let plain = |host: &str| {
        !host.is_empty()
            && host
                .bytes()
                .all(|b| b.is_ascii_graphic() && !b"/?#@*,".contains(&b))
    };
    match rest {
        Some(host) if plain(host) && text == text.to_ascii_lowercase() => Ok(text.to_owned()),
        _ => Err("an origin is written http://host or https://host:port: lower case, no path, no wildcard".to_owned()),
    }
}

/// Reads the keys in a file. No message holds any of its contents.
pub(crate) fn keys_of_file(path: &str) -> Result<Keys, String> {
    let text = std::fs::read_to_string(path).map_err(|error| error.to_string())?;
    Keys::parse(&text).map_err(|error| error.to_string())
}

/// Reads the keys in an environment variable.
pub(crate) fn keys_of_env(name: &str) -> Result<Keys, String> {
    let text = std::env::var(name).map_err(|error| format!("${name}: {error}"))?;
    Keys::parse(&text).map_err(|error| format!("${name}: {error}"))
}

fn skew(text: &str) -> Result<Duration, String> {
    const MOST: Duration = Duration::from_secs(300);
    match duration(text) {
        Ok(time) if time > MOST => Err("must be at most 5m: it lengthens every token".to_owned()),
        Ok(time) => Ok(time),
        Err(error) => Err(error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_parse_and_agree() {
        assert_eq!(Settings::default().check(), Ok(()));
    }

    #[test]
    fn an_origin_is_exact() {
        assert!(origin("https://example.com:8443").is_ok());
        for wrong in [
            "*",
            "null",
            "example.com",
            "https://",
            "https://a.com/",
            "https://*.a.com",
            "https://A.com",
            "https://a b",
        ] {
            assert!(origin(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn an_address_that_others_reach_needs_tokens_or_a_word() {
        use crate::access::{Keys, Kind, NewKey};
        let check = |settings: &Settings, address: &str| {
            settings.check_address(address.parse().unwrap()).is_ok()
        };
        let closed = Settings::default();
        let open = Settings {
            open: true,
            ..Settings::default()
        };
        let key = NewKey::draw(Kind::Hs256, None);
        let guarded = Settings {
            token_keys: Some(Keys::parse(&key.whole).unwrap()),
            ..Settings::default()
        };
        for near in ["127.0.0.1:0", "127.1.2.3:80", "[::1]:80"] {
            assert!(check(&closed, near), "{near}");
        }
        for far in [
            "0.0.0.0:80",
            "[::]:80",
            "10.0.0.1:80",
            "[::ffff:127.0.0.1]:80",
        ] {
            assert!(!check(&closed, far), "{far}");
            assert!(check(&open, far) && check(&guarded, far), "{far}");
        }
    }

    #[test]
    fn a_ring_must_hold_the_largest_message() {
        let settings = Settings {
            ring_bytes: 10,
            ..Settings::default()
        };
        assert!(
            settings
                .check()
                .unwrap_err()
                .to_string()
                .contains("--ring-bytes")
        );
    }
}
