//! What ends the relay: a signal, the end of its standard input, and a second signal.

use std::io::{self, Read};

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::oneshot;

/// The signals that end the relay.
#[derive(Debug)]
pub(crate) struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    /// Begins to listen for SIGTERM and SIGINT.
    pub(crate) fn new() -> io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
        })
    }

    /// Waits for the next of them. It is cancel-safe.
    pub(crate) async fn next(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}

/// Waits until standard input reaches its end, so that a child does not outlive its parent.
///
/// The thread blocks in the read and ends with the process: there is no way to read standard
/// input that works for pipes, files and terminals and can be cancelled.
pub(crate) fn stdin_ended() -> io::Result<oneshot::Receiver<()>> {
    let (ended, end) = oneshot::channel();
    std::thread::Builder::new()
        .name("stdin".to_owned())
        .spawn(move || {
            let mut stdin = io::stdin().lock();
            let mut ignored = [0; 256];
            while let Ok(1..) = stdin.read(&mut ignored) {}
            // Nobody listens any more only when the relay has ended already.
            let _ = ended.send(());
        })?;
    Ok(end)
}
