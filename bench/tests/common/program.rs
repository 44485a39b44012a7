//! The program under test: started with a scenario, watched, and read back.

use std::fs::{self, File};
use std::io::{Write, stderr};
use std::net::{SocketAddr, TcpListener};
use std::panic::resume_unwind;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread::{self, ScopedJoinHandle};
use std::time::Duration;

use bench::clock::Moment;
use serde_json::Value;
use tempfile::TempDir;

/// Nothing here takes nearly as long: what does hangs.
const HANGS: Duration = Duration::from_secs(120);
/// How often a story is run whose runs doubt themselves.
pub(crate) const RUNS: usize = 5;

/// A folder with a scenario in it, and what bench makes of it.
pub(crate) struct Story {
    folder: TempDir,
}

/// A run that has ended.
pub(crate) struct Ran {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    pub(crate) took: Duration,
}

/// A run that goes on.
pub(crate) struct Running {
    pub(crate) process: Child,
    folder: PathBuf,
    began: Moment,
}

impl Story {
    /// Writes a scenario.
    pub(crate) fn new(scenario: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("story.toml"), scenario).unwrap();
        Self { folder }
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The newest results.
    pub(crate) fn results(&self) -> PathBuf {
        self.folder().join("results/latest")
    }

    /// Runs it to its end.
    pub(crate) fn run(&self) -> Ran {
        self.run_with(&[])
    }

    /// Runs it to its end with more on the command line.
    pub(crate) fn run_with(&self, more: &[&str]) -> Ran {
        self.start_with(more).wait()
    }

    /// Runs it until it does not doubt itself, [`RUNS`] times at most, and expects this exit code of it; gives it with its summary.
    ///
    /// A machine that stands still for a moment makes a run doubtful, which it says itself: such a run is no evidence.
    pub(crate) fn run_calmly(&self, code: i32) -> (Ran, Value) {
        self.run_calmly_with(&[], code)
    }

    /// The same with more on the command line.
    pub(crate) fn run_calmly_with(&self, more: &[&str], code: i32) -> (Ran, Value) {
        let mut ran = self.run_with(more);
        for _ in 1..RUNS {
            assert!(self.results().exists(), "{:?} {}", ran.code, ran.stderr);
            if !stood_still(&self.summary()) {
                break;
            }
            await_calm();
            ran = self.run_with(more);
        }
        let summary = self.summary();
        (ran.expect_unless_busy(code, &summary), summary)
    }

    /// Starts it.
    pub(crate) fn start(&self) -> Running {
        self.start_with(&[])
    }

    fn start_with(&self, more: &[&str]) -> Running {
        let words = ["run", "story.toml", "--out", "results"];
        self.spawn(bench().args(words).args(more))
    }

    /// Runs another command line in this folder.
    pub(crate) fn bench(&self, words: &[&str]) -> Ran {
        self.spawn(bench().args(words)).wait()
    }

    /// Starts a command in this folder; what it prints goes to files, so that it never waits for a reader.
    pub(crate) fn spawn(&self, command: &mut Command) -> Running {
        let file = |name| File::create(self.folder().join(name)).unwrap();
        let process = command
            .current_dir(self.folder())
            .stdin(Stdio::null())
            .stdout(file("stdout"))
            .stderr(file("stderr"))
            .spawn()
            .unwrap();
        Running {
            process,
            folder: self.folder().to_owned(),
            began: Moment::now(),
        }
    }

    /// The newest `summary.json`.
    pub(crate) fn summary(&self) -> Value {
        let text = fs::read_to_string(self.results().join("summary.json")).unwrap();
        serde_json::from_str(&text).unwrap()
    }

    /// The only trial of the newest run.
    pub(crate) fn trial(&self) -> Value {
        let mut summary = self.summary();
        let trials = summary["trials"].as_array_mut().unwrap();
        assert_eq!(trials.len(), 1);
        trials.remove(0)
    }
}

/// An address where nobody listens: its port was free a moment ago.
pub(crate) fn free_address() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap()
}

/// The program, which is not to know who runs the tests.
pub(crate) fn bench() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_bench"));
    command
        .env_remove("GITHUB_ACTIONS")
        .env_remove("GITHUB_STEP_SUMMARY");
    command
}

impl Running {
    pub(crate) fn pid(&self) -> u32 {
        self.process.id()
    }

    /// Waits for its end; a program that hangs is killed and fails the test.
    pub(crate) fn wait(self) -> Ran {
        self.wait_for(HANGS)
    }

    /// The same for one that may take so long.
    pub(crate) fn wait_for(mut self, limit: Duration) -> Ran {
        let status = self.status(limit);
        let read = |name| fs::read_to_string(self.folder.join(name)).unwrap();
        let (stdout, stderr) = (read("stdout"), read("stderr"));
        let took = since(self.began);
        let Some(status) = status else {
            self.process.kill().unwrap();
            self.process.wait().unwrap();
            panic!("it hangs after {took:?}:\n{stdout}\n{stderr}");
        };
        Ran {
            code: status.code(),
            stdout,
            stderr,
            took,
        }
    }

    fn status(&mut self, limit: Duration) -> Option<ExitStatus> {
        let mut status = None;
        wait_for(limit, || {
            status = self.process.try_wait().unwrap();
            status.is_some()
        });
        status
    }
}

impl Ran {
    /// Fails with everything that was said unless the run ended so.
    pub(crate) fn expect(self, code: i32) -> Self {
        assert_eq!(
            self.code,
            Some(code),
            "after {:?}\n{}\n{}",
            self.took,
            self.stdout,
            self.stderr
        );
        self
    }

    /// The same, but for a run of this summary that a machine busy with other tests made doubtful.
    pub(crate) fn expect_unless_busy(self, code: i32, summary: &Value) -> Self {
        let reasons = doubts(summary);
        let only_busy = reasons.iter().copied().all(only_busy);
        assert!(only_busy, "{}\n{reasons:?}", self.stderr);
        self.expect(if reasons.is_empty() { code } else { 4 })
    }

    /// Fails unless standard error holds each of `parts`.
    pub(crate) fn says(self, parts: &[&str]) -> Self {
        for part in parts {
            assert!(self.stderr.contains(part), "{part}: {}", self.stderr);
        }
        self
    }
}

/// Does something for each of several things side by side: a run is mostly waiting.
pub(crate) fn side_by_side<T: Send, R: Send>(
    things: impl IntoIterator<Item = T>,
    each: impl Fn(T) -> R + Sync,
) -> Vec<R> {
    let each = &each;
    thread::scope(|scope| {
        let threads: Vec<_> = things
            .into_iter()
            .map(|thing| scope.spawn(move || each(thing)))
            .collect();
        let ended = threads.into_iter().map(ScopedJoinHandle::join);
        ended
            .map(|result| result.unwrap_or_else(|panic| resume_unwind(panic)))
            .collect()
    })
}

/// Whether a reason for doubt is what other tests on the same machine may cause.
pub(crate) fn only_busy(reason: &Value) -> bool {
    let reason = reason.as_str().unwrap();
    reason.contains("the publisher was late") || reason.contains("the generator was busy")
}

/// Whether a run doubts itself for what a machine does that stands still for a moment, or whose clock is set.
pub(crate) fn stood_still(summary: &Value) -> bool {
    let all = doubts(summary);
    let signs = [
        "were connected when the measured phase began",
        "planned messages were published",
        "messages a second were published",
        "times are negative",
        "no steady state",
    ];
    let still = |reason: &&Value| {
        let reason = reason.as_str().unwrap();
        signs.iter().any(|sign| reason.contains(sign))
    };
    let told = all.iter().copied().find(still);
    if let Some(told) = told {
        let _ = writeln!(stderr().lock(), "DOUBTED, run again: {told}");
    }
    told.is_some()
}

fn doubts(summary: &Value) -> Vec<&Value> {
    let trials = summary["trials"].as_array().unwrap().iter();
    trials
        .flat_map(|trial| trial["invalid_reasons"].as_array().unwrap())
        .collect()
}

/// Waits until threads are woken in time for half a second, or for 20 s: what a busy machine spoiled would be spoiled again at once.
pub(crate) fn await_calm() {
    let sleep = Duration::from_millis(10);
    let woken_in_time = || {
        let began = Moment::now();
        thread::sleep(sleep);
        since(began) < sleep + Duration::from_millis(5)
    };
    wait_for(Duration::from_secs(20), || (0..50).all(|_| woken_in_time()));
}

/// Looks again and again until `done` or the limit; gives whether it was done.
pub(crate) fn wait_for(limit: Duration, mut done: impl FnMut() -> bool) -> bool {
    let began = Moment::now();
    loop {
        if done() {
            return true;
        }
        if since(began) > limit {
            return false;
        }
        thread::sleep(Duration::from_millis(5));
    }
}

fn since(began: Moment) -> Duration {
    Duration::from_nanos(Moment::now().0 - began.0)
}
