//! The flags of the store.

use std::ffi::OsStr;
use std::path::PathBuf;
use std::time::Duration;

use clap::builder::TypedValueParser;
use clap::error::ErrorKind;
use clap::{Arg, Args, Command, Error};

use super::place::{Place, PlaceError};
use crate::units::{at_least_one, nonzero, size};

/// See [`known_twice`].
const TWICE: Duration = Duration::from_secs(120);

/// Where logs live, and on what terms.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct StoreArgs {
    /// Where logs live: in memory, or in the JetStream of a NATS server that several relays share (`nats://HOST:PORT`)
    #[arg(
        long,
        value_name = "PLACE",
        default_value = "memory",
        hide_default_value = false,
        value_parser = Unshown { flag: "--store", read: place }
    )]
    pub store: Place,
    /// The same, with the place in this environment variable: it may hold a password
    #[arg(
        long,
        value_name = "NAME",
        value_parser = Unshown { flag: "--store-env", read: place_of_env }
    )]
    pub store_env: Option<Place>,
    /// The stream that the relays share, made when it is not there, and the first token of its subjects
    #[arg(long, value_name = "NAME", default_value = "pushmark", value_parser = stream_name)]
    pub store_name: String,
    /// Bytes that the stream keeps on the server's disk, its age bound being --ring-age; it counts when the stream is made
    #[arg(long, value_name = "SIZE", default_value = "256MiB", value_parser = size)]
    pub store_bytes: usize,
    /// Servers of a NATS cluster that keep each message; it counts when the stream is made
    #[arg(long, value_name = "COUNT", default_value = "1", value_parser = clap::value_parser!(u8).range(1..=5))]
    pub store_replicas: u8,
    /// How long a publish may wait for the store before it is answered 503
    #[arg(long, value_name = "TIME", default_value = "5s", value_parser = nonzero)]
    pub store_timeout: Duration,
    /// Publishes that may wait for the store at once; one more is answered 503
    #[arg(long, value_name = "COUNT", default_value = "1024", value_parser = at_least_one)]
    pub store_pending: usize,
    /// Certificates that NATS servers are trusted by (PEM), beside those of the system; for `tls://`
    #[arg(long, value_name = "FILE")]
    pub store_ca: Option<PathBuf>,
}

/// A publish could be sent again when the store no longer knows it, and be there twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "--store-timeout must be less than --ring-age and than two minutes: for so long the store knows a message that is sent again"
)]
pub struct TooPatient;

impl StoreArgs {
    /// Checks that a publish is not sent again when a store that keeps messages for `age` no longer knows it.
    ///
    /// # Errors
    /// [`TooPatient`].
    pub fn check(&self, age: Duration) -> Result<(), TooPatient> {
        match self.patience() < known_twice(age) {
            true => Ok(()),
            false => Err(TooPatient),
        }
    }

    /// Gives the place, whichever flag names it.
    #[must_use]
    pub fn place(&self) -> &Place {
        self.store_env.as_ref().unwrap_or(&self.store)
    }

    /// Gives how long a publish may take because of the store.
    #[must_use]
    pub fn patience(&self) -> Duration {
        match self.place() {
            Place::Memory => Duration::ZERO,
            Place::Nats(_) => self.store_timeout,
        }
    }
}

/// Reads a place. What is wrong with it is said without what was given, as clap would not do: it may hold a password,
/// also where the name of a variable was asked for.
#[derive(Debug, Clone, Copy)]
struct Unshown {
    flag: &'static str,
    /// Gives the place, or what is wrong.
    read: fn(&str) -> Result<Place, String>,
}

impl TypedValueParser for Unshown {
    type Value = Place;

    fn parse_ref(&self, command: &Command, _: Option<&Arg>, value: &OsStr) -> Result<Place, Error> {
        let text = value.to_str().ok_or_else(|| "it is no text".to_owned());
        text.and_then(self.read).map_err(|why| {
            let message = format!("{}: {why}\n", self.flag);
            Error::raw(ErrorKind::ValueValidation, message).with_cmd(command)
        })
    }
}

/// Gives how long the server of a stream that keeps messages for `age` knows one again that is sent twice; a relay does
/// not try for so long.
pub(super) fn known_twice(age: Duration) -> Duration {
    TWICE.min(age)
}

fn place(text: &str) -> Result<Place, String> {
    text.parse().map_err(|error: PlaceError| error.to_string())
}

/// Reads the place in an environment variable; no message holds its contents, nor what is no name: that may be the place itself.
fn place_of_env(name: &str) -> Result<Place, String> {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b == b'_';
    if name.is_empty() || !name.bytes().all(plain) {
        return Err("it takes the name of an environment variable that holds the place, such as RELAY_STORE".to_owned());
    }
    let text = std::env::var(name).map_err(|error| match error {
        std::env::VarError::NotPresent => format!("${name}: {error}"),
        std::env::VarError::NotUnicode(_) => format!("${name}: it is no text"),
    })?;
    place(&text).map_err(|why| format!("${name}: {why}"))
}

/// Takes what is both a name of a stream and a token of a subject.
fn stream_name(text: &str) -> Result<String, String> {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"_-".contains(&b);
    if (1..=32).contains(&text.len()) && text.bytes().all(plain) {
        Ok(text.to_owned())
    } else {
        Err("a stream's name is 1 to 32 characters of A-Z a-z 0-9 _ -".to_owned())
    }
}
