//! The view on a terminal: that it is there, and that nothing of it is left.

use std::fs::File;
use std::io::Read;
use std::os::unix::fs::OpenOptionsExt;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use nix::fcntl::OFlag;
use nix::pty::{grantpt, posix_openpt, ptsname_r, unlockpt};
use rustix::process::Signal;
use rustix::termios::{Termios, Winsize, tcgetattr, tcsetwinsize};

use crate::fake::{Fake, Plan};
use crate::process::signal;
use crate::program::{Story, bench, wait_for};

const LONG: &str = r#"
title = "A terminal's view"
[load]
clients = 3
rate = 30.0
[matrix]
transport = ["sse", "websocket"]
[phases]
ramp = "50ms"
warm_up = "0s"
measure = "25s"
"#;

/// What was written to a terminal, and the screen that it makes.
struct Seen {
    bytes: Vec<u8>,
    screen: vt100::Parser,
}

/// A terminal of a size, with a program on it.
struct Terminal {
    seen: Arc<Mutex<Seen>>,
    slave: File,
    reader: JoinHandle<()>,
}

impl Terminal {
    /// Starts `command` on it. The command goes: it would hold the terminal open.
    fn start(story: &Story, (rows, columns): (u16, u16), mut command: Command) -> (Self, Child) {
        // No program that another test starts meanwhile is to have it open.
        let flags = OFlag::O_RDWR | OFlag::O_NOCTTY | OFlag::O_CLOEXEC;
        let mut master = posix_openpt(flags).unwrap();
        grantpt(&master).unwrap();
        unlockpt(&master).unwrap();
        let slave = File::options()
            .read(true)
            .write(true)
            .custom_flags(flags.bits())
            .open(ptsname_r(&master).unwrap())
            .unwrap();
        let size = Winsize {
            ws_row: rows,
            ws_col: columns,
            ws_xpixel: 0,
            ws_ypixel: 0,
        };
        tcsetwinsize(&slave, size).unwrap();
        let seen = Arc::new(Mutex::new(Seen {
            bytes: Vec::new(),
            screen: vt100::Parser::new(rows, columns, 0),
        }));
        let shown = Arc::clone(&seen);
        let reader = thread::spawn(move || {
            let mut buffer = [0; 4096];
            // It fails when nobody has the other side any more.
            while let Ok(count) = master.read(&mut buffer) {
                let mut seen = shown.lock().unwrap();
                seen.bytes.extend_from_slice(&buffer[..count]);
                seen.screen.process(&buffer[..count]);
            }
        });
        let side = || Stdio::from(slave.try_clone().unwrap());
        let child = command
            .current_dir(story.folder())
            .stdin(side())
            .stdout(side())
            .stderr(side())
            .env("TERM", "xterm-256color")
            .env_remove("NO_COLOR")
            .spawn()
            .unwrap();
        let terminal = Self {
            seen,
            slave,
            reader,
        };
        (terminal, child)
    }

    fn ends(child: &mut Child) -> Option<i32> {
        let ended = wait_for(Duration::from_secs(60), || {
            child.try_wait().unwrap().is_some()
        });
        if !ended {
            child.kill().unwrap();
        }
        let status = child.wait().unwrap();
        assert!(ended, "it hangs");
        status.code()
    }

    fn text(&self) -> String {
        self.seen.lock().unwrap().screen.screen().contents()
    }

    fn modes(&self) -> Termios {
        tcgetattr(&self.slave).unwrap()
    }

    /// Waits until all of these stand on it at once; gives what stands there then.
    fn shows(&self, parts: &[&str]) -> String {
        let mut text = String::new();
        let shown = wait_for(Duration::from_secs(30), || {
            text = self.text();
            parts.iter().all(|part| text.contains(part))
        });
        assert!(shown, "{parts:?}:\n{text}");
        text
    }

    /// Closes it; gives what was written to it and what stands on it.
    fn close(self) -> (String, String) {
        drop(self.slave);
        self.reader.join().unwrap();
        let seen = self.seen.lock().unwrap();
        let screen = seen.screen.screen();
        assert!(!screen.hide_cursor() && !screen.alternate_screen());
        let written = String::from_utf8_lossy(&seen.bytes).into_owned();
        (written, screen.contents())
    }
}

fn run(more: &[&str]) -> Command {
    let mut command = bench();
    command
        .args(["run", "story.toml", "--out", "results"])
        .args(more);
    command
}

/// What a view has and nothing else has.
const BAR: &str = "measuring [";

#[test]
fn a_run_is_watched_on_a_terminal_and_an_interrupt_leaves_it_clean() {
    let story = Story::new(LONG);
    let (terminal, mut child) = Terminal::start(&story, (40, 100), run(&[]));
    let before = terminal.modes();
    terminal.shows(&[
        BAR,
        "trial 1 of 2",
        "connected 3 of 3",
        "messages/s",
        "generator",
        "now",
    ]);
    signal(child.id(), Signal::INT);
    assert_eq!(Terminal::ends(&mut child), Some(4));
    terminal.shows(&["Results: "]);
    let after = terminal.modes();
    assert_eq!(format!("{before:?}"), format!("{after:?}"));
    let (written, text) = terminal.close();
    assert!(
        !text.contains(BAR) && !text.contains("connected 3"),
        "{text}"
    );
    // Each word stands on a line of its own, in the order in which it was said.
    let lines: Vec<&str> = text.lines().collect();
    let place = |start: &str| lines.iter().position(|line| line.starts_with(start));
    let order = ["A terminal's view: 2 trials", "stopping; ", "1/2 "].map(place);
    assert!(
        order.iter().all(Option::is_some) && order.is_sorted(),
        "{text}"
    );
    // No mode of the terminal was ever changed.
    assert!(!written.contains("\x1b[?"));
    assert!(written.contains("\x1b[1m"), "there are colours");
}

#[test]
fn a_second_interrupt_takes_the_view_away_too() {
    let fake = Fake::start(Plan::default());
    let stubborn = format!(
        "target = {{ server = \"relay\", url = \"{}\", command = [\"sh\", \"-c\", \"trap '' TERM INT; while :; do sleep 0.2; done\"] }}",
        fake.url()
    );
    let story = Story::new(&LONG.replace("[load]", &format!("{stubborn}\n[load]")));
    let (terminal, mut child) = Terminal::start(&story, (24, 80), run(&[]));
    terminal.shows(&[BAR]);
    signal(child.id(), Signal::INT);
    // Its server takes three seconds to be killed.
    terminal.shows(&["stopping; "]);
    signal(child.id(), Signal::INT);
    assert_eq!(Terminal::ends(&mut child), Some(130));
    let (_, text) = terminal.close();
    assert!(!text.contains(BAR) && !text.contains("trial 1"), "{text}");
}

#[test]
fn what_the_server_says_meanwhile_stands_whole_above_the_view() {
    let program = bench();
    let program = program.get_program().to_str().unwrap();
    let address = crate::program::free_address();
    let talking = format!(
        "target = {{ url = \"http://{address}\", command = [\"sh\", \"-c\", \"(sleep 3; echo the server has a word to say >&2) & exec {program} relay --listen {address}\"] }}"
    );
    let story = Story::new(&LONG.replace("[load]", &format!("{talking}\n[load]")));
    let (terminal, mut child) = Terminal::start(&story, (30, 90), run(&[]));
    let word = "the server has a word to say";
    let text = terminal.shows(&[word, BAR, "connected 3 of 3"]);
    let lines: Vec<&str> = text.lines().collect();
    assert!(lines.contains(&word), "{text}");
    assert_eq!(text.matches("connected").count(), 1, "{text}");
    signal(child.id(), Signal::INT);
    let text = terminal.shows(&[word, "stopping; "]);
    assert_eq!(text.matches(word).count(), 1, "{text}");
    Terminal::ends(&mut child);
    let (_, text) = terminal.close();
    assert!(!text.contains(BAR), "{text}");
}

#[test]
fn a_small_terminal_without_colours_is_enough() {
    let story = Story::new(LONG);
    let more = [
        "--set",
        "phases.measure=2s",
        "--set",
        "matrix.transport=[sse]",
    ];
    let command = run(&more);
    // The terminal sets what the environment says of itself, so this comes by a program between.
    let mut plain = Command::new("env");
    plain
        .arg("NO_COLOR=1")
        .arg(command.get_program())
        .args(command.get_args());
    let (terminal, mut child) = Terminal::start(&story, (5, 30), plain);
    terminal.shows(&["measuring"]);
    let text = terminal.text();
    assert!(text.lines().count() <= 5, "{text}");
    assert!(matches!(Terminal::ends(&mut child), Some(0 | 4)));
    let (written, text) = terminal.close();
    assert!(
        !written.contains("\x1b[1m") && !written.contains("\x1b[2m"),
        "{written:?}"
    );
    assert!(!text.contains(BAR), "{text}");
}

#[test]
fn a_terminal_that_can_do_nothing_gets_plain_lines() {
    let story = Story::new(LONG);
    let more = [
        "--set",
        "phases.measure=1s",
        "--set",
        "matrix.transport=[sse]",
    ];
    let command = run(&more);
    let mut dumb = Command::new("env");
    dumb.arg("TERM=dumb")
        .arg(command.get_program())
        .args(command.get_args());
    let (terminal, mut child) = Terminal::start(&story, (40, 100), dumb);
    Terminal::ends(&mut child);
    let (written, text) = terminal.close();
    assert!(!written.contains("\x1b[J"), "{written:?}");
    assert!(text.contains("1/1 sse"), "{text}");
}
