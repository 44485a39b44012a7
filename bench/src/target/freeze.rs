//! A server that is made to stand still, and always goes on.

use std::sync::{Mutex, MutexGuard, PoisonError};

use rustix::process::{Pid, Signal, getpgid, getpgrp, kill_process, kill_process_group};

/// Who stands still now.
static FROZEN: Mutex<Vec<Who>> = Mutex::new(Vec::new());

/// Whose processes are stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Who {
    /// A server that bench started, or one that leads its group, with all that it started.
    Group(Pid),
    /// The process that a scenario names.
    Process(Pid),
}

impl Who {
    /// The process that a scenario names, with its group where it leads one: servers of several processes do.
    pub(super) fn all_of(process: Pid) -> Self {
        let leads = getpgid(Some(process)).is_ok_and(|group| group == process);
        if leads && getpgrp() != process {
            Self::Group(process)
        } else {
            Self::Process(process)
        }
    }

    fn signal(self, signal: Signal) -> rustix::io::Result<()> {
        match self {
            Self::Group(group) => kill_process_group(group, signal),
            Self::Process(process) => kill_process(process, signal),
        }
    }
}

/// A server that stands still as long as this lives.
#[derive(Debug)]
pub struct Frozen(Who);

impl Frozen {
    /// Stops it by `SIGSTOP`.
    pub(super) fn new(who: Who) -> std::io::Result<Self> {
        // Listed first: whatever happens between the two, it is told to go on.
        frozen().push(who);
        let frozen = Self(who);
        who.signal(Signal::STOP)?;
        Ok(frozen)
    }
}

impl Drop for Frozen {
    fn drop(&mut self) {
        // It fails when the process has ended, which is just as well.
        let _ = self.0.signal(Signal::CONT);
        let mut all = frozen();
        if let Some(place) = all.iter().position(|who| *who == self.0) {
            all.swap_remove(place);
        }
    }
}

/// Lets every server go on, for a process that ends without unwinding.
pub(super) fn thaw_all() {
    for who in frozen().iter() {
        let _ = who.signal(Signal::CONT);
    }
}

fn frozen() -> MutexGuard<'static, Vec<Who>> {
    FROZEN.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::process::{Child, Command};

    use super::*;

    /// Waits until a process is stopped, or runs again.
    fn becomes(child: &Child, stopped: bool) -> bool {
        let is_stopped = || {
            let stat = std::fs::read_to_string(format!("/proc/{}/stat", child.id())).unwrap();
            stat.contains(") T ")
        };
        (0..500).any(|_| {
            std::thread::sleep(std::time::Duration::from_millis(10));
            is_stopped() == stopped
        })
    }

    #[test]
    fn what_is_frozen_goes_on_after_a_drop_a_panic_and_an_end_without_either() {
        let mut child = Command::new("sleep").arg("60").spawn().unwrap();
        let who = Who::Process(Pid::from_child(&child));
        let frozen = Frozen::new(who).unwrap();
        assert!(becomes(&child, true));
        drop(frozen);
        assert!(becomes(&child, false));
        let panicked = std::panic::catch_unwind(|| {
            let _frozen = Frozen::new(who).unwrap();
            panic!("on purpose");
        });
        assert!(panicked.is_err() && becomes(&child, false));
        let frozen = Frozen::new(who).unwrap();
        assert!(becomes(&child, true));
        thaw_all();
        assert!(becomes(&child, false));
        drop(frozen);
        child.kill().unwrap();
        child.wait().unwrap();
    }
}
