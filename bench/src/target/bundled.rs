//! The bundled relay, run as a child process of bench: the only file that knows the relay's code.

use std::io::{BufRead, BufReader, Read};
use std::process::{ChildStdout, ExitCode, Stdio};
use std::time::Duration;

pub use relay::RelayArgs;
use tempfile::TempPath;
use tokio::sync::oneshot;

use super::TargetError;
use super::child::Child;
use crate::scenario::{FOREIGN_PAGE, Load, Origin, capacity};

const START_LIMIT: Duration = Duration::from_secs(10);
/// What each of several relays may take longer, with the engine behind them.
const START_OF_ONE: Duration = Duration::from_secs(1);
/// What the relay prints before its address.
pub(super) const READY: &str = "listening on ";

/// Runs the relay in this process, for `bench relay`.
#[must_use]
pub fn run(arguments: RelayArgs) -> ExitCode {
    relay::run(arguments)
}

/// Starts the relay on a free loopback port; gives it and its URL, and with TLS the file that its certificate is in.
pub(super) async fn start(
    processors: Option<&[usize]>,
    load: &Load,
) -> Result<(Child, String, Option<TempPath>), TargetError> {
    let program =
        std::env::current_exe().map_err(|error| TargetError::Bundled(error.to_string()))?;
    let program = program.to_string_lossy().into_owned();
    let mut words = if load.nodes > 1 {
        let nodes = load.nodes.to_string();
        vec![program, "cluster".to_owned(), "--nodes".to_owned(), nodes]
    } else {
        vec![program, "relay".to_owned()]
    };
    words.extend(["--listen", "127.0.0.1:0", "--exit-with-stdin"].map(str::to_owned));
    if load.nodes > 1 {
        words.push("--".to_owned());
    }
    words.extend(flags(load));
    let certificate = match load.tls {
        true => Some(certificate(&mut words)?),
        false => None,
    };
    let mut child = Child::start(&words, processors, Stdio::piped())?;
    let limit =
        START_LIMIT + START_OF_ONE.saturating_mul(u32::try_from(load.nodes).unwrap_or(u32::MAX));
    let line = match tokio::time::timeout(limit, first_line(child.take_stdout())?).await {
        Ok(line) => line.unwrap_or_default(),
        Err(_) => {
            return Err(TargetError::Bundled(format!(
                "no word of it within {} s",
                limit.as_secs()
            )));
        }
    };
    match line.trim().strip_prefix(READY) {
        Some(url) => Ok((child, url.to_owned(), certificate)),
        None => Err(TargetError::Bundled(
            child
                .ended()
                .unwrap_or_else(|| format!("it said `{}`", line.trim())),
        )),
    }
}

/// Has the relay make a certificate and write it to a file, before it says that it listens.
fn certificate(words: &mut Vec<String>) -> Result<TempPath, TargetError> {
    let file = tempfile::NamedTempFile::new();
    let path = file
        .map_err(|error| TargetError::Bundled(format!("no file for its certificate: {error}")))?
        .into_temp_path();
    let flags = ["--tls-self-signed", "--tls-cert-out"].map(str::to_owned);
    words.extend(flags);
    words.push(path.to_string_lossy().into_owned());
    Ok(path)
}

/// What the relay says first, when it has said it. A thread reads it, and ends with the relay.
pub(super) fn first_line(
    stdout: Option<ChildStdout>,
) -> Result<oneshot::Receiver<String>, TargetError> {
    let (send, line) = oneshot::channel();
    std::thread::Builder::new()
        .name("relay-stdout".to_owned())
        .spawn(move || {
            let Some(stdout) = stdout else { return };
            let mut reader = BufReader::new(stdout);
            let mut first = String::new();
            let _ = reader.read_line(&mut first);
            let _ = send.send(first);
            let _ = reader.read_to_end(&mut Vec::new());
        })
        .map_err(|error| TargetError::Bundled(error.to_string()))?;
    Ok(line)
}

/// The relay's flags: its defaults, widened where this load would run into a limit that is there
/// for strangers.
fn flags(load: &Load) -> Vec<String> {
    // Publishers and control calls connect beside the clients.
    let connections = capacity::of_one_node(load) + 64;
    // Without keep-alive the next connection of a client may be there before its last one is gone.
    let connections = connections + if load.keep_alive { 0 } else { load.clients };
    let channels = load.channels + 64;
    // Between two polls nothing may fall out of the ring: room for ten intervals.
    let behind = load.poll_interval.max(Duration::from_secs(1)).as_secs_f64();
    let per_channel = load.rate / load.channels as f64 * behind * 10.0;
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a positive number far below 2^53, and a float becomes an integer by saturation"
    )]
    let messages = (per_channel as usize).clamp(1000, 1_000_000);
    let body = load.payload.max(64 * 1024);
    let ring = (messages * load.payload).max(1024 * 1024).max(body);
    let page = match load.origin {
        Origin::Same => Vec::new(),
        Origin::Cross => vec!["--allow-origin".to_owned(), FOREIGN_PAGE.to_owned()],
    };
    let seconds = |span: Duration, least: u64| format!("{}s", span.as_secs().max(least) + 1);
    [
        ("--log-level", "warn".to_owned()),
        ("--max-connections", connections.max(1024).to_string()),
        // All clients come from this machine, and what they do is no attack.
        (
            "--max-connections-per-address",
            connections.max(1024).to_string(),
        ),
        ("--request-rate-per-address", "0".to_owned()),
        ("--log-bytes", "1024GiB".to_owned()),
        ("--slow-reader-bytes", ring.to_string()),
        ("--max-channels", channels.max(10_000).to_string()),
        ("--ring-messages", messages.to_string()),
        ("--ring-bytes", ring.to_string()),
        // A poll takes all that has come since the one before it, in one answer.
        ("--reply-messages", messages.to_string()),
        ("--reply-bytes", ring.to_string()),
        ("--max-body", body.to_string()),
        ("--max-wait", seconds(load.hold, 60)),
        ("--keep-alive", seconds(load.poll_interval * 2, 120)),
    ]
    .into_iter()
    .flat_map(|(flag, value)| [flag.to_owned(), value])
    .chain(page)
    .collect()
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        relay: RelayArgs,
    }

    #[test]
    fn the_relay_takes_every_flag_it_is_given_and_has_room_for_the_load() {
        let load = Load {
            clients: 15_000,
            rate: 5000.0,
            payload: 300_000,
            hold: Duration::from_secs(300),
            poll_interval: Duration::from_secs(600),
            ..Load::default()
        };
        let words = std::iter::once("relay".to_owned()).chain(flags(&load));
        let settings = Line::try_parse_from(words).unwrap().relay.settings;
        assert!(settings.max_connections > 15_000 && settings.max_body >= 300_000);
        assert!(settings.max_wait >= load.hold && settings.keep_alive > load.poll_interval);
        assert_eq!(settings.ring_messages, 1_000_000);
        assert!(settings.check().is_ok());
    }
}
