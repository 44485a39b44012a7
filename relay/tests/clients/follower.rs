//! A client that follows a channel and says what it sees, one line each.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use crate::curl::{self, Stop, Way};

/// How long a client may say nothing.
const PATIENCE: Duration = Duration::from_secs(30);

/// A running client; it ends with the guard.
pub(crate) struct Follower {
    lines: Receiver<String>,
    body: Body,
    reading: Option<JoinHandle<()>>,
}

enum Body {
    Script(Child, Option<ChildStdin>),
    Curl(Stop),
}

impl Follower {
    /// Starts a script that lies beside this file, with the channel's address.
    pub(crate) fn script(mut program: Command, name: &str, channel_address: &str) -> Self {
        let script = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("tests/clients")
            .join(name);
        let mut child = program
            .arg(script)
            .arg(channel_address)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let output = BufReader::new(child.stdout.take().unwrap());
        let input = child.stdin.take();
        let (say, lines) = channel();
        let reading = thread::spawn(move || {
            for line in output.lines().map_while(Result::ok) {
                if say.send(line).is_err() {
                    break;
                }
            }
        });
        Self {
            lines,
            body: Body::Script(child, input),
            reading: Some(reading),
        }
    }

    /// Starts to call curl, again and again.
    pub(crate) fn curl(way: Way, channel_address: &str) -> Self {
        let (say, lines) = channel();
        let stop = Stop::default();
        let (stopped, address) = (stop.clone(), channel_address.to_owned());
        let reading = thread::spawn(move || curl::follow(way, &address, &say, &stopped));
        Self {
            lines,
            body: Body::Curl(stop),
            reading: Some(reading),
        }
    }

    /// Waits for the next line.
    pub(crate) fn line(&self) -> String {
        let line = self.lines.recv_timeout(PATIENCE);
        line.unwrap_or_else(|error| panic!("the client says nothing: {error}"))
    }

    /// Waits for the next line that is not about connections.
    pub(crate) fn past_talk(&self) -> String {
        loop {
            let line = self.line();
            if line != "open" && !line.starts_with("closed") {
                return line;
            }
        }
    }

    /// Waits until the client says what became of its connection.
    pub(crate) fn until_closed(&self, wanted: &str) {
        loop {
            let line = self.line();
            if line == wanted {
                break;
            }
            assert!(line == "open" || line.starts_with("closed"), "{line}");
        }
    }

    /// Tells a script what to publish.
    pub(crate) fn tell(&mut self, json: &str) {
        let Body::Script(_, Some(input)) = &mut self.body else {
            panic!("curl is told nothing");
        };
        writeln!(input, "{json}").unwrap();
    }
}

impl Drop for Follower {
    fn drop(&mut self) {
        match &mut self.body {
            Body::Script(child, _) => {
                // It may have ended already.
                let _ = child.kill();
                let _ = child.wait();
            }
            Body::Curl(stop) => stop.stop(),
        }
        if let Some(reading) = self.reading.take() {
            // What it could not read has shown itself by a missing line.
            let _ = reading.join();
        }
    }
}
