//! What a server costs that is more than one process: all of them together.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use super::Process;

/// A process and all that it started, those that have ended included.
///
/// Whoever was started by one of them belongs to them, also when that one has ended since; and so does the process
/// group, when the first one leads it: a server that puts itself into the background is found there.
#[derive(Debug)]
pub struct Tree {
    root: u32,
    /// It is known to be one process alone.
    single: bool,
    members: BTreeMap<u32, Member>,
    /// CPU time of members that ended and that nobody waited for, in nanoseconds.
    lost: u64,
    /// The most CPU time that was seen of all, in nanoseconds.
    spent: u64,
    /// The largest resident memory that was seen.
    peak: u64,
}

/// One of its processes when it was last looked at.
#[derive(Debug, Clone, Copy)]
struct Member {
    parent: u32,
    group: u32,
    /// Tells it from a later process of the same number.
    started: u64,
    /// CPU time of its own, in nanoseconds.
    own: u64,
    /// That of its children which have ended and which it has waited for, theirs included.
    waited: u64,
}

impl Tree {
    /// The process with this id and all that it starts.
    #[must_use]
    pub fn of(root: u32) -> Self {
        Self {
            root,
            single: false,
            members: BTreeMap::new(),
            lost: 0,
            spent: 0,
            peak: 0,
        }
    }

    /// The process with this id, which starts no other: that costs less to watch.
    #[must_use]
    pub fn single(root: u32) -> Self {
        Self {
            single: true,
            ..Self::of(root)
        }
    }

    /// CPU time so far of all of them, user and system, in nanoseconds; `None` when the first one is gone.
    pub fn cpu_ns(&mut self) -> Option<u64> {
        if self.single {
            return Process::new(self.root).cpu_ns();
        }
        self.look()?;
        let members = self.members.values();
        let now = self.lost + members.map(|one| one.own + one.waited).sum::<u64>();
        // Of who has ended the kernel keeps whole ticks: it never falls behind what was known before.
        self.spent = self.spent.max(now);
        Some(self.spent)
    }

    /// Resident memory now, in bytes: of several processes what each has for itself, and of what they share its part.
    pub fn resident(&mut self) -> Option<u64> {
        if !self.single {
            self.look()?;
        }
        let resident = match self.members.len() {
            0 | 1 => Process::new(self.root).resident()?,
            _ => self.together(Process::proportional).or_else(|| {
                // Not ours to look into: what they share is counted for each.
                self.together(Process::resident)
            })?,
        };
        self.peak = self.peak.max(resident);
        Some(resident)
    }

    /// The largest resident memory so far, in bytes; of several processes the largest that was asked for.
    pub fn peak(&mut self) -> Option<u64> {
        let resident = self.resident()?;
        if self.members.len() > 1 {
            return Some(self.peak);
        }
        let peak = Process::new(self.root).peak().unwrap_or(resident);
        Some(peak.max(self.peak))
    }

    fn together(&self, read: impl Fn(&Process) -> Option<u64>) -> Option<u64> {
        // Who has ended meanwhile has no memory.
        let alive = |pid: &&u32| Process::new(**pid).resident().is_some();
        let members = self.members.keys().filter(alive);
        members.map(|pid| read(&Process::new(*pid))).sum()
    }

    /// Finds out who belongs to it now, and books what those cost who have ended.
    fn look(&mut self) -> Option<()> {
        let all = processes();
        let root = all.get(&self.root)?;
        let mut found: BTreeSet<u32> = all
            .iter()
            .filter(|(pid, one)| {
                let known = self.members.get(*pid);
                let known = known.is_some_and(|known| known.started == one.started);
                let grouped = root.group == self.root && one.group == self.root;
                **pid == self.root || known || grouped
            })
            .map(|(pid, _)| *pid)
            .collect();
        loop {
            let started =
                |(pid, one): &(&u32, &Member)| found.contains(&one.parent) && !found.contains(*pid);
            let more: Vec<u32> = all.iter().filter(started).map(|(pid, _)| *pid).collect();
            if more.is_empty() {
                break;
            }
            found.extend(more);
        }
        let now: BTreeMap<u32, Member> = found
            .into_iter()
            .filter_map(|pid| Some((pid, *all.get(&pid)?)))
            .collect();
        self.lost += lost(&self.members, &now);
        self.members = now;
        Some(())
    }
}

/// CPU time of those who were there and are not: what their next ancestor has not been told by waiting for them.
fn lost(before: &BTreeMap<u32, Member>, now: &BTreeMap<u32, Member>) -> u64 {
    let same = |pid: &u32, one: &Member| {
        let there = now.get(pid);
        there.is_some_and(|there| there.started == one.started)
    };
    let mut ended: BTreeMap<Option<u32>, u64> = BTreeMap::new();
    for one in before.iter().filter(|(pid, one)| !same(pid, one)) {
        let (_, Member { parent, .. }) = one;
        let mut heir = Some(*parent);
        // As many steps as there are generations.
        for _ in 0..before.len() {
            let Some((pid, next)) = heir.and_then(|pid| Some((pid, before.get(&pid)?))) else {
                heir = None;
                break;
            };
            if same(&pid, next) {
                break;
            }
            heir = Some(next.parent);
        }
        *ended.entry(heir).or_default() += one.1.own + one.1.waited;
    }
    let told = |heir: Option<u32>| {
        let (heir, now) = heir.and_then(|pid| Some((before.get(&pid)?, now.get(&pid)?)))?;
        // Told in ticks, cut off.
        Some(now.waited.saturating_sub(heir.waited) + tick())
    };
    ended
        .into_iter()
        .map(|(heir, spent)| spent.saturating_sub(told(heir).unwrap_or(0)))
        .sum()
}

/// Nanoseconds of a tick, in which the kernel tells what ended children have cost.
fn tick() -> u64 {
    1_000_000_000 / rustix::param::clock_ticks_per_second().max(1)
}

/// Every process that there is.
fn processes() -> BTreeMap<u32, Member> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    pids.filter_map(|pid| Some((pid, member(pid)?))).collect()
}

/// What `/proc/PID/stat` says (proc(5)): the name stands in brackets and may hold anything.
fn member(pid: u32) -> Option<Member> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let fields: Vec<&str> = stat.rsplit_once(") ")?.1.split(' ').collect();
    // Counted from 3, the state.
    let field = |number: usize| fields.get(number - 3)?.parse::<u64>().ok();
    let ticks = |first: usize| Some((field(first)? + field(first + 1)?) * tick());
    Some(Member {
        parent: u32::try_from(field(4)?).ok()?,
        group: u32::try_from(field(5)?).ok()?,
        // Its clock is finer than its ticks.
        own: Process::new(pid).cpu_ns().or_else(|| ticks(14))?,
        waited: ticks(16)?,
        started: field(22)?,
    })
}

#[cfg(test)]
mod tests {
    use std::os::unix::process::CommandExt;
    use std::process::{Child, Command, Stdio};
    use std::time::Duration;

    use rustix::process::{Pid, Signal, kill_process_group};

    use super::*;

    /// A shell that leads a group of its own.
    struct Shell(Child);

    impl Shell {
        fn new(line: &str) -> Self {
            let mut shell = Command::new("sh");
            shell.args(["-c", line]).stdin(Stdio::null());
            Self(shell.process_group(0).spawn().unwrap())
        }

        fn tree(&self) -> Tree {
            Tree::of(self.0.id())
        }
    }

    impl Drop for Shell {
        fn drop(&mut self) {
            let _ = kill_process_group(Pid::from_child(&self.0), Signal::KILL);
            let _ = self.0.wait();
        }
    }

    fn until(mut done: impl FnMut() -> bool) {
        for _ in 0..1_000 {
            if done() {
                return;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        panic!("it has not come to that within 10 s");
    }

    const BURN: &str = "i=0; while [ $i -lt 300000 ]; do i=$((i+1)); done";

    #[test]
    fn what_a_child_has_spent_stays_when_it_has_ended() {
        let shell = Shell::new(&format!("({BURN}); sleep 60"));
        let mut tree = shell.tree();
        let mut last = 0;
        // Never less than before, whoever ends.
        until(|| {
            let cpu = tree.cpu_ns().unwrap();
            assert!(cpu >= last, "{cpu} after {last}");
            last = cpu;
            let sleeps = tree.members.len() == 2 && tree.members[&shell.0.id()].waited > 0;
            sleeps && cpu > 50_000_000
        });
        // The shell itself has spent nearly nothing.
        let own = Process::new(shell.0.id()).cpu_ns().unwrap();
        assert!(own * 4 < last, "{own} of {last}");
        assert!(tree.resident().unwrap() > 0 && tree.peak() >= tree.resident());
        assert!(Tree::single(shell.0.id()).cpu_ns().unwrap() <= last);
    }

    #[test]
    fn a_server_that_goes_into_the_background_is_still_its_own() {
        // The middle shell ends at once: its child is nobody's by descent.
        let shell = Shell::new(&format!("(({BURN}; sleep 60) &) ; sleep 60"));
        let mut tree = shell.tree();
        until(|| tree.cpu_ns().unwrap() > 50_000_000);
        assert!(tree.members.len() >= 3, "{:?}", tree.members);
    }

    #[test]
    fn who_ends_unwaited_for_is_counted_once() {
        let one = |parent, own, waited| Member {
            parent,
            group: 1,
            started: 5,
            own,
            waited,
        };
        let tick = tick();
        let before = BTreeMap::from([
            (1, one(0, 10, 0)),
            (2, one(1, 900 * tick, 0)),
            (3, one(2, 50 * tick, 0)),
        ]);
        // Both ended, and 1 was told of 2 and, through it, of 3.
        let told = BTreeMap::from([(1, one(0, 20, 950 * tick))]);
        assert_eq!(lost(&before, &told), 0);
        // 3 was nobody's any more: 1 knows of 2 alone.
        let half = BTreeMap::from([(1, one(0, 20, 900 * tick))]);
        assert_eq!(lost(&before, &half), 49 * tick);
        // Nobody is left to be told.
        assert_eq!(lost(&before, &BTreeMap::new()), 950 * tick + 10);
        assert_eq!(lost(&before, &before.clone()), 0);
    }
}
