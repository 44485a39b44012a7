//! The bundled relay, run as a child process of bench: the only file that knows the relay's code.

use std::io::{BufRead, BufReader, Read};
use std::process::ExitCode;
use std::time::Duration;

pub use relay::RelayArgs;

use super::TargetError;
use super::child::Child;

const START_LIMIT: Duration = Duration::from_secs(10);
/// What the relay prints before its address.
const READY: &str = "listening on ";

/// Runs the relay in this process, for `bench relay`.
#[must_use]
pub fn run(arguments: RelayArgs) -> ExitCode {
    relay::run(arguments)
}

/// Starts the relay on a free loopback port; gives it and its URL.
pub(super) async fn start(
    processors: Option<&[usize]>,
    most_clients: usize,
) -> Result<(Child, String), TargetError> {
    let program =
        std::env::current_exe().map_err(|error| TargetError::Bundled(error.to_string()))?;
    // Publishers and control calls connect beside the clients.
    let connections = (most_clients + 1088).to_string();
    let words = [
        &program.to_string_lossy(),
        "relay",
        "--listen",
        "127.0.0.1:0",
        "--exit-with-stdin",
        "--log-level",
        "warn",
        "--max-connections",
        &connections,
    ];
    let mut child = Child::start(&words.map(ToOwned::to_owned), processors)?;
    let (send, line) = tokio::sync::oneshot::channel();
    if let Some(stdout) = child.take_stdout() {
        // Ends with the child, which ends with the trial.
        std::thread::spawn(move || {
            let mut reader = BufReader::new(stdout);
            let mut first = String::new();
            let _ = reader.read_line(&mut first);
            let _ = send.send(first);
            let _ = reader.read_to_end(&mut Vec::new());
        });
    }
    let line = match tokio::time::timeout(START_LIMIT, line).await {
        Ok(line) => line.unwrap_or_default(),
        Err(_) => {
            return Err(TargetError::Bundled(format!(
                "no word of it within {} s",
                START_LIMIT.as_secs()
            )));
        }
    };
    match line.trim().strip_prefix(READY) {
        Some(url) => Ok((child, url.to_owned())),
        None => Err(TargetError::Bundled(
            child
                .ended()
                .unwrap_or_else(|| format!("it said `{}`", line.trim())),
        )),
    }
}
