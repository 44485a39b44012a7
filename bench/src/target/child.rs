//! A server's process that bench started: it never outlives bench.

use std::io;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{ChildStdin, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rustix::process::{
    Pid, Signal, WaitId, WaitIdOptions, kill_process_group, test_kill_process_group, waitid,
};
use rustix::thread::CpuSet;

use super::TargetError;
use crate::kernel;

/// How long a server may take to end before it is killed.
const STOP_LIMIT: Duration = Duration::from_secs(3);
/// How often a process is looked at whose end is awaited.
const LOOK: Duration = Duration::from_millis(5);

/// The process groups that were started here and are not yet ended.
static RUNNING: Mutex<Vec<Pid>> = Mutex::new(Vec::new());

/// Kills every server that bench started, for a process that ends without unwinding.
pub(super) fn kill_all() {
    for group in running().iter() {
        let _ = kill_process_group(*group, Signal::KILL);
    }
}

fn running() -> MutexGuard<'static, Vec<Pid>> {
    RUNNING.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A running process with all that it starts; dropped, they are killed.
#[derive(Debug)]
pub(crate) struct Child {
    process: std::process::Child,
    /// Has the number of the process, which is nobody else's until the process has been waited
    /// for and the group is empty.
    group: Pid,
}

impl Child {
    /// Starts `words`, kept to `processors`.
    ///
    /// It is in a process group of its own: a Ctrl-C on the terminal is bench's to handle.
    /// Its standard input stays open as long as bench lives.
    pub(super) fn start(
        words: &[String],
        processors: Option<&[usize]>,
        stdout: Stdio,
    ) -> Result<Self, TargetError> {
        let shown = words.join(" ");
        let failed = |source| TargetError::Start {
            command: shown,
            source,
        };
        let Some((program, arguments)) = words.split_first() else {
            return Err(failed(io::ErrorKind::InvalidInput.into()));
        };
        let mut command = Command::new(program);
        command.args(arguments).stdout(stdout);
        Self::spawn(command, processors).map_err(failed)
    }

    /// The same of a command that is made already; its standard input is set here.
    pub(crate) fn spawn(mut command: Command, processors: Option<&[usize]>) -> io::Result<Self> {
        command.stdin(Stdio::piped()).process_group(0);
        // Whatever ends bench, even a kill, ends this process; only then is what it started left alone.
        kernel::end_with_this_thread(&mut command);
        // A child inherits the processors of the thread that starts it.
        let before = processors.and_then(keep_to);
        let process = command.spawn();
        if let Some(before) = before {
            let _ = rustix::thread::sched_setaffinity(None, &before);
        }
        let process = process?;
        let group = Pid::from_child(&process);
        running().push(group);
        Ok(Self { process, group })
    }

    pub(crate) fn id(&self) -> u32 {
        self.process.id()
    }

    /// Its process group.
    pub(super) fn group(&self) -> Pid {
        self.group
    }

    /// Its standard input, which ends when the result is dropped.
    pub(crate) fn take_stdin(&mut self) -> Option<ChildStdin> {
        self.process.stdin.take()
    }

    pub(crate) fn take_stdout(&mut self) -> Option<ChildStdout> {
        self.process.stdout.take()
    }

    /// How it ended, when it did. It is looked at and not waited for: its number stays its own.
    pub(crate) fn ended(&mut self) -> Option<String> {
        let look = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
        let status = waitid(WaitId::Pid(self.group), look).ok().flatten()?;
        // As wait(2) packs them.
        let raw = status.exit_status().map_or_else(
            || status.terminating_signal().unwrap_or_default(),
            |code| code << 8,
        );
        Some(ExitStatus::from_raw(raw).to_string())
    }

    /// Waits for its end, and says how it ended. Cancel-safe.
    pub(super) async fn end(&mut self) -> String {
        loop {
            if let Some(status) = self.ended() {
                return status;
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    /// Asks it and what it started to end, waits, and kills what does not.
    pub(crate) async fn stop(mut self) {
        let _ = kill_process_group(self.group, Signal::TERM);
        let deadline = tokio::time::Instant::now() + STOP_LIMIT;
        while !self.is_over() && tokio::time::Instant::now() < deadline {
            tokio::time::sleep(LOOK).await;
        }
    }

    /// Whether nothing of the group is left. The child itself counts until it is waited for.
    fn is_over(&mut self) -> bool {
        self.process.try_wait().is_ok_and(|status| status.is_some())
            && test_kill_process_group(self.group).is_err()
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        // Both fail harmlessly when all have ended and been waited for.
        let _ = kill_process_group(self.group, Signal::KILL);
        running().retain(|group| *group != self.group);
        let _ = self.process.wait();
    }
}

fn keep_to(processors: &[usize]) -> Option<CpuSet> {
    let before = rustix::thread::sched_getaffinity(None).ok()?;
    let mut set = CpuSet::new();
    processors.iter().for_each(|processor| set.set(*processor));
    rustix::thread::sched_setaffinity(None, &set).ok()?;
    Some(before)
}
