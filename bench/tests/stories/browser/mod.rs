//! What a simulated browser sends is what the real one sends.
//!
//! The heads that Chromium was heard to send are kept in `chromium.txt`. One test holds bench to
//! them, another holds them to the Chromium that is installed here. After an upgrade,
//! `UPDATE_HEADS=1 cargo test -p bench --test stories browser` writes the file anew.

mod asking;
mod heads;
mod recorder;

use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;
use std::{env, fs};

use bench::witness::Programs;
use heads::{Book, LABELS};
use recorder::{Manner, Recorder};

use crate::program::{Story, side_by_side, wait_for};

/// What a page does that uses every transport, at its own server and then at another.
const PAGE: &str = r#"<!doctype html><link rel="icon" href="data:,"><script>
const get = async url => (await fetch(url)).text();
const post = url => fetch(url, {method: "POST", headers: {"Content-Type": "application/json"}, body: '"hello"'});
const events = url => new Promise(done => {
  const source = new EventSource(url);
  let count = 0;
  source.onmessage = () => { if (++count == 2) { source.close(); done(); } };
});
const socket = url => new Promise(done => {
  const socket = new WebSocket(url, "relay.v1");
  socket.onopen = () => { socket.close(); done(); };
  socket.onerror = () => done();
});
(async () => {
  document.cookie = "session=0123456789abcdef";
  for (const base of [location.origin, "OTHER"]) {
    const channel = base + "/channels/c";
    await get(channel + "/messages");
    await get(channel + "/messages?after=r-0&wait=1s");
    await get(channel + "/stream");
    await events(channel + "/events");
    await socket(channel.replace("http", "ws") + "/socket");
    await post(channel + "/messages");
    await post(channel + "/messages");
  }
  await get("/done");
})();
</script>"#;

/// Chromium gets this long for the page, with a machine full of other tests.
const PATIENCE: Duration = Duration::from_secs(90);

/// A browser that runs, with a profile of its own.
struct Browser {
    process: Child,
    _profile: tempfile::TempDir,
}

impl Browser {
    fn open(program: &Path, url: &str) -> Self {
        let profile = tempfile::tempdir().unwrap();
        let folder = format!("--user-data-dir={}", profile.path().display());
        let process = Command::new(program)
            .args(["--headless", "--no-sandbox", "--disable-gpu", &folder])
            .args(["--disable-background-networking", "--no-first-run", url])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()
            .unwrap();
        Self {
            process,
            _profile: profile,
        }
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // It has a group of its own, with all its helpers in it.
        if let Some(group) = rustix::process::Pid::from_raw(self.process.id().cast_signed()) {
            let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
        }
        let _ = self.process.wait();
    }
}

/// The Chromium of this machine and its version.
fn chromium() -> Option<(PathBuf, String)> {
    let program = Programs::browser().ok()?;
    let said = Command::new(&program).arg("--version").output().ok()?;
    let said = String::from_utf8_lossy(&said.stdout).into_owned();
    let version = said
        .split(' ')
        .find(|word| word.starts_with(|c: char| c.is_ascii_digit()));
    Some((program, version.unwrap_or_default().trim().to_owned()))
}

fn file() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/stories/browser/chromium.txt")
}

fn golden() -> Book {
    Book::parse(&fs::read_to_string(file()).unwrap())
}

/// Lets a page use every transport at two servers: what the browser sent to its own and to the other.
fn browse(program: &Path) -> [Recorder; 2] {
    let (own, other) = (
        Recorder::start(Manner::default()),
        Recorder::start(Manner::default()),
    );
    own.show(PAGE.replace("OTHER", &other.url()));
    // A name and a number are two sites, and both are this machine.
    let url = format!("http://localhost:{}/page", own.address.port());
    let _browser = Browser::open(program, &url);
    let done = || {
        own.heads()
            .iter()
            .any(|head| head.text.contains("GET /done "))
    };
    assert!(wait_for(PATIENCE, done), "the page did not come to its end");
    [own, other]
}

#[test]
fn the_chromium_of_this_machine_sends_what_is_written_down() {
    let Some((program, version)) = chromium() else {
        crate::chromium::left_out("no Chromium is on the PATH, so what it sends was not looked at");
        return;
    };
    let [own, other] = browse(&program);
    let mut book = Book::default();
    book.record("same", &own.heads());
    book.record("cross", &other.heads());
    if env::var_os("UPDATE_HEADS").is_some() {
        fs::write(file(), book.write(&version)).unwrap();
    }
    let golden = golden();
    for label in LABELS {
        assert_eq!(
            book.plain(label),
            golden.plain(label),
            "{label}: Chromium {version} sends other headers than those written down; see the head of this file"
        );
    }
    // Two posts, one question: and none before anything else.
    assert_eq!((own.of("preflight").len(), own.of("post").len()), (0, 2));
    assert_eq!(
        (other.of("preflight").len(), other.of("post").len()),
        (1, 2)
    );
}

/// Lets bench use every transport against a recorder.
fn drive(origin: &str) -> Recorder {
    let recorder = Recorder::start(Manner::default());
    let story = Story::new(&format!(
        r#"
title = "Heads"
target = {{ server = "relay", url = "{}" }}
matrix = {{ transport = ["polling", "long-polling", "streaming", "sse", "websocket"] }}
phases = {{ ramp = "10ms", warm_up = "0s", measure = "1s", drain = "200ms" }}
[load]
clients = 1
rate = 5.0
arrivals = "constant"
publish = "post"
poll_interval = "100ms"
headers = "browser"
{}
origin = "{origin}"
"#,
        recorder.url(),
        // A page's own cookie goes to its own server alone, unless the page asks for credentials.
        if origin == "same" {
            r#"cookies = "session=0123456789abcdef""#
        } else {
            ""
        }
    ));
    // It brings no message, so the run is doubted.
    let ran = story.run();
    assert_eq!(ran.code, Some(4), "{}", ran.stderr);
    recorder
}

#[test]
fn bench_sends_what_chromium_sends() {
    let golden = golden();
    let recorders = side_by_side(["same", "cross"], drive);
    let mut book = Book::default();
    book.record("same", &recorders[0].heads());
    book.record("cross", &recorders[1].heads());
    for label in LABELS {
        assert_eq!(book.plain(label), golden.plain(label), "{label}");
    }
    // As the page: no question within an origin; one for an address, each trial having its own channel.
    assert!(recorders[0].of("preflight").is_empty());
    assert_eq!(recorders[1].of("preflight").len(), 5);
    assert_eq!(recorders[1].of("post").len(), 5 * 5);
}
