//! CPU time and memory of one process.

use std::fs;

use crate::kernel;

/// A process that is watched.
#[derive(Debug, Clone, Copy)]
pub struct Process {
    pid: u32,
}

impl Process {
    /// The process with this id.
    #[must_use]
    pub fn new(pid: u32) -> Self {
        Self { pid }
    }

    /// This process.
    #[must_use]
    pub fn this() -> Self {
        Self {
            pid: std::process::id(),
        }
    }

    /// CPU time so far, all threads, user and system, in nanoseconds; `None` when the process is gone.
    #[must_use]
    pub fn cpu_ns(&self) -> Option<u64> {
        kernel::cpu_time(self.pid).ok()
    }

    /// Resident memory now, in bytes.
    #[must_use]
    pub fn resident(&self) -> Option<u64> {
        self.status("VmRSS:")
    }

    /// Resident memory now, in bytes, where what is shared with other processes counts for its part; `None` without the
    /// right to look.
    #[must_use]
    pub fn proportional(&self) -> Option<u64> {
        let rollup = fs::read_to_string(format!("/proc/{}/smaps_rollup", self.pid)).ok()?;
        kilobytes(&rollup, "Pss:")
    }

    /// The largest resident memory so far, in bytes.
    #[must_use]
    pub fn peak(&self) -> Option<u64> {
        self.status("VmHWM:")
    }

    /// Starts the peak anew, so that it is this trial's. Without the right to, it stays the process's.
    pub fn reset_peak(&self) {
        // `5` resets VmHWM: Documentation/filesystems/proc.rst of Linux.
        let _ = fs::write(format!("/proc/{}/clear_refs", self.pid), "5");
    }

    fn status(&self, field: &str) -> Option<u64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.pid)).ok()?;
        kilobytes(&status, field)
    }
}

/// A field such as `VmRSS:   123 kB`, in bytes.
pub(super) fn kilobytes(text: &str, field: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix(field))?;
    Some(line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()? * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_has_memory_and_a_missing_one_has_none() {
        let this = Process::this();
        // In this order: other tests take and give back memory meanwhile.
        let resident = this.resident();
        assert!(resident > Some(100_000) && this.peak() >= resident);
        assert_eq!(Process::new(4_194_301).resident(), None);
        assert_eq!(
            kilobytes("A: 1 kB\nVmRSS:\t  12 kB\n", "VmRSS:"),
            Some(12_288)
        );
    }
}
