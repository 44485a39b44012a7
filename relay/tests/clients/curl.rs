//! curl follows a channel by each way that is plain HTTP: one call after the other, from the last position.

use std::io::{BufRead, BufReader};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::mpsc::Sender;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde::Deserialize;
use serde_json::value::RawValue;

/// How curl reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    Polling,
    LongPolling,
    Streaming,
    Events,
}

/// Ends the calls, and the one that runs.
#[derive(Clone, Default)]
pub(crate) struct Stop(Arc<Mutex<Calls>>);

#[derive(Default)]
struct Calls {
    over: bool,
    running: Option<Child>,
}

#[derive(Deserialize)]
struct Item {
    position: Option<String>,
    payload: Option<Box<RawValue>>,
    missed: Option<Missed>,
}

#[derive(Deserialize)]
struct Missed {
    reason: String,
}

#[derive(Deserialize)]
struct Poll {
    next: String,
    messages: Vec<Item>,
    missed: Option<Missed>,
}

impl Stop {
    pub(crate) fn stop(&self) {
        let mut calls = self.0.lock().unwrap();
        calls.over = true;
        if let Some(child) = &mut calls.running {
            // It may have ended already; who reads from it waits for it.
            let _ = child.kill();
        }
    }

    /// Calls curl, unless that is over, and gives what it writes: head and body.
    fn call(&self, url: &str) -> Option<BufReader<ChildStdout>> {
        let mut calls = self.0.lock().unwrap();
        if calls.over {
            return None;
        }
        let mut child = Command::new("curl")
            .args(["--silent", "--no-buffer", "--include", url])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let output = child.stdout.take().unwrap();
        calls.running = Some(child);
        Some(BufReader::new(output))
    }

    fn ended(&self) {
        let running = self.0.lock().unwrap().running.take();
        if let Some(mut child) = running {
            let _ = child.wait();
        }
    }
}

/// Where the reading stands, and who is told.
struct Reading<'a> {
    after: Option<String>,
    say: &'a Sender<String>,
}

/// Follows until it is stopped.
pub(crate) fn follow(way: Way, channel: &str, say: &Sender<String>, stop: &Stop) {
    let path = match way {
        Way::Polling | Way::LongPolling => "messages",
        Way::Streaming => "stream",
        Way::Events => "events",
    };
    let wait = if way == Way::LongPolling {
        "&wait=5s"
    } else {
        ""
    };
    let mut reading = Reading { after: None, say };
    loop {
        // Without a position the first answer says where the channel stands.
        let after = reading.after.as_ref();
        let query = after.map_or(String::new(), |after| format!("?after={after}{wait}"));
        let Some(output) = stop.call(&format!("{channel}/{path}{query}")) else {
            break;
        };
        reading.answer(way, output);
        stop.ended();
        std::thread::sleep(Duration::from_millis(50));
    }
}

impl Reading<'_> {
    fn say(&self, line: String) {
        // Nobody listens when the story is over.
        let _ = self.say.send(line);
    }

    /// Reads head and body of one answer; a connection that fails has neither.
    fn answer(&mut self, way: Way, output: impl BufRead) {
        let mut lines = output.lines().map_while(Result::ok);
        let Some(status) = lines.next() else {
            return;
        };
        assert!(status.starts_with("HTTP/1.1 20"), "{status}");
        let first = self.after.is_none();
        for line in lines.by_ref().take_while(|line| !line.is_empty()) {
            if let Some(position) = line.strip_prefix("relay-next: ") {
                self.after.get_or_insert_with(|| position.to_owned());
            }
        }
        // Each poll is a connection of its own: after the first, only answers count.
        if first || matches!(way, Way::Streaming | Way::Events) {
            self.say("open".to_owned());
        }
        match way {
            Way::Polling | Way::LongPolling => self.poll(&lines.collect::<String>()),
            Way::Streaming => lines.filter(|line| !line.is_empty()).for_each(|line| {
                self.item(serde_json::from_str(&line).unwrap());
            }),
            Way::Events => self.events(lines),
        }
    }

    fn poll(&mut self, body: &str) {
        if body.is_empty() {
            return;
        }
        let poll: Poll = serde_json::from_str(body).unwrap();
        self.missed(poll.missed);
        poll.messages.into_iter().for_each(|item| self.item(item));
        self.after = Some(poll.next);
    }

    fn item(&mut self, item: Item) {
        self.missed(item.missed);
        if let (Some(position), Some(payload)) = (item.position, item.payload) {
            self.say(format!("message {position} {payload}"));
            self.after = Some(position);
        }
    }

    fn missed(&self, missed: Option<Missed>) {
        if let Some(missed) = missed {
            self.say(format!("missed {}", missed.reason));
        }
    }

    fn events(&mut self, lines: impl Iterator<Item = String>) {
        let (mut kind, mut data) = (String::new(), None);
        for line in lines {
            match line.split_once(": ") {
                Some(("id", id)) => self.after = Some(id.to_owned()),
                Some(("event", name)) => name.clone_into(&mut kind),
                Some(("data", text)) => data = Some(text.to_owned()),
                _ if line.is_empty() => {
                    let data = data.take();
                    match (std::mem::take(&mut kind).as_str(), data) {
                        ("missed", Some(data)) => {
                            self.missed(Some(serde_json::from_str(&data).unwrap()));
                        }
                        (_, Some(data)) => {
                            let position = self.after.clone().unwrap_or_default();
                            self.say(format!("message {position} {data}"));
                        }
                        (_, None) => {}
                    }
                }
                _ => {}
            }
        }
    }
}

/// Publishes one value by curl.
pub(crate) fn publish(channel: &str, json: &str) {
    let output = Command::new("curl")
        .args([
            "--silent",
            "--include",
            "--header",
            "Content-Type: application/json",
        ])
        .args(["--data", json, &format!("{channel}/messages")])
        .output()
        .unwrap();
    let answer = String::from_utf8(output.stdout).unwrap();
    assert!(answer.starts_with("HTTP/1.1 201"), "{answer}");
}
