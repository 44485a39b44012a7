//! A server's process that bench started: it never outlives bench.

use std::os::unix::process::CommandExt;
use std::process::{ChildStdout, Command, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use rustix::thread::CpuSet;

use super::TargetError;
use crate::kernel;

/// How long a server may take to end before it is killed.
const STOP_LIMIT: Duration = Duration::from_secs(3);

/// A running process; dropped, it is killed.
#[derive(Debug)]
pub(super) struct Child {
    process: std::process::Child,
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
            return Err(failed(std::io::ErrorKind::InvalidInput.into()));
        };
        let mut command = Command::new(program);
        command
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(stdout)
            .process_group(0);
        // Whatever ends bench, even a kill, ends what it started.
        kernel::end_with_this_thread(&mut command);
        // A child inherits the processors of the thread that starts it.
        let before = processors.and_then(keep_to);
        let process = command.spawn();
        if let Some(before) = before {
            let _ = rustix::thread::sched_setaffinity(None, &before);
        }
        Ok(Self {
            process: process.map_err(failed)?,
        })
    }

    pub(super) fn id(&self) -> u32 {
        self.process.id()
    }

    pub(super) fn take_stdout(&mut self) -> Option<ChildStdout> {
        self.process.stdout.take()
    }

    /// How it ended, when it did.
    pub(super) fn ended(&mut self) -> Option<String> {
        self.process
            .try_wait()
            .ok()
            .flatten()
            .map(|status| status.to_string())
    }

    /// Asks it to end, waits, and kills it when it does not.
    pub(super) async fn stop(mut self) {
        if let Some(pid) = i32::try_from(self.id()).ok().and_then(Pid::from_raw) {
            let _ = kill_process(pid, Signal::TERM);
        }
        let deadline = tokio::time::Instant::now() + STOP_LIMIT;
        while self.ended().is_none() && tokio::time::Instant::now() < deadline {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        // Both fail harmlessly on a process that has ended and been waited for.
        let _ = self.process.kill();
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
