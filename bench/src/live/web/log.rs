//! What viewers are told, in order, and how each of them reads it.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use bytes::{Bytes, BytesMut};
use serde_json::Value;
use tokio::sync::watch;

/// Seconds that are kept, of all trials together: half a working day, in some 6 MB.
const SECONDS: usize = 20_000;
/// A viewer is given about so much at a time.
const PIECE: usize = 64 << 10;

/// The log, and the word that there is more in it.
#[derive(Debug)]
pub(super) struct Board {
    log: Mutex<Log>,
    /// Counts what was added.
    more: watch::Sender<u64>,
}

impl Board {
    pub(super) fn new() -> Self {
        Self {
            log: Mutex::new(Log::new(rand::random(), SECONDS)),
            more: watch::Sender::new(0),
        }
    }

    /// Changes the log and wakes who waits for it. It waits for nobody but for a reader that copies a piece.
    pub(super) fn change(&self, change: impl FnOnce(&mut Log)) {
        change(&mut self.log());
        self.more.send_modify(|count| *count += 1);
    }

    pub(super) fn log(&self) -> MutexGuard<'_, Log> {
        self.log.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn watch(&self) -> watch::Receiver<u64> {
        self.more.subscribe()
    }
}

/// What happened, as server-sent events.
///
/// Everything stays, but of the seconds only the newest: a trial has few other events, and a run few trials.
#[derive(Debug)]
pub(super) struct Log {
    /// Tells this log from one that another bench had at the same address.
    epoch: u32,
    entries: VecDeque<Entry>,
    /// The number of the entry that comes next; the first is 1.
    next: u64,
    /// Seconds among the entries, at most so many.
    seconds: usize,
    most: usize,
    /// The number of the newest second that is no longer kept, and how many there were.
    gone: u64,
    dropped: u64,
    /// Where the run is now: only the newest is of use.
    now: (u64, Bytes),
    /// The pages of the runs that have ended.
    reports: Vec<Bytes>,
    ended: bool,
}

#[derive(Debug)]
struct Entry {
    number: u64,
    second: bool,
    text: Bytes,
}

/// How far a viewer has read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Cursor {
    /// The newest entry that it has.
    entry: u64,
    now: u64,
    /// Whether it has been told what it cannot have.
    greeted: bool,
}

impl Log {
    fn new(epoch: u32, most: usize) -> Self {
        Self {
            epoch,
            entries: VecDeque::new(),
            next: 1,
            seconds: 0,
            most,
            gone: 0,
            dropped: 0,
            now: (0, Bytes::new()),
            reports: Vec::new(),
            ended: false,
        }
    }

    /// Adds what stays.
    pub(super) fn add(&mut self, name: &str, data: &Value) {
        self.push(name, data, false);
    }

    /// Adds a second. The oldest gives way when there are too many.
    pub(super) fn add_second(&mut self, data: &Value) {
        self.push("second", data, true);
        self.seconds += 1;
        if self.seconds > self.most
            && let Some(oldest) = self.entries.iter().position(|entry| entry.second)
            && let Some(oldest) = self.entries.remove(oldest)
        {
            self.seconds -= 1;
            self.dropped += 1;
            self.gone = oldest.number;
        }
    }

    fn push(&mut self, name: &str, data: &Value, second: bool) {
        let (epoch, number) = (self.epoch, self.next);
        let text = format!("id: {epoch:08x}-{number}\nevent: {name}\ndata: {data}\n\n");
        self.entries.push_back(Entry {
            number,
            second,
            text: text.into(),
        });
        self.next += 1;
    }

    /// Replaces where the run is now.
    pub(super) fn set_now(&mut self, data: &Value) {
        let text = format!("event: now\ndata: {data}\n\n");
        self.now = (self.now.0 + 1, text.into());
    }

    /// Keeps the page of a run that has ended; gives its number.
    pub(super) fn keep(&mut self, page: Bytes) -> usize {
        self.reports.push(page);
        self.reports.len() - 1
    }

    pub(super) fn report(&self, number: usize) -> Option<Bytes> {
        self.reports.get(number).cloned()
    }

    /// The page that stands for all that was followed: when it has ended, and was one run.
    pub(super) fn whole(&self) -> Option<Bytes> {
        match self.reports.as_slice() {
            [only] if self.ended => Some(only.clone()),
            _ => None,
        }
    }

    /// Says that nothing more comes.
    pub(super) fn end(&mut self) {
        self.ended = true;
    }

    /// Where a viewer goes on that has seen the event of this id. Of another log it has seen nothing.
    pub(super) fn resume(&self, id: Option<&str>) -> Cursor {
        let entry = id.and_then(|id| {
            let (epoch, number) = id.split_once('-')?;
            let known = u32::from_str_radix(epoch, 16).ok()? == self.epoch;
            known.then(|| number.parse().ok()).flatten()
        });
        Cursor {
            entry: entry.filter(|entry| *entry < self.next).unwrap_or(0),
            ..Cursor::default()
        }
    }

    /// The next piece for a viewer, empty when it has everything; and whether nothing can follow.
    pub(super) fn read(&self, cursor: &mut Cursor) -> (Bytes, bool) {
        let mut piece = BytesMut::new();
        if !cursor.greeted || (cursor.entry > 0 && cursor.entry < self.gone) {
            // Whoever is so far behind, or has seen another log, begins again.
            if cursor.entry < self.gone {
                cursor.entry = 0;
            }
            if cursor.entry == 0 {
                let told = format!(
                    "retry: 1000\nevent: restart\ndata: {{\"dropped\":{}}}\n\n",
                    self.dropped
                );
                piece.extend_from_slice(told.as_bytes());
            }
            cursor.greeted = true;
        }
        let from = self
            .entries
            .partition_point(|entry| entry.number <= cursor.entry);
        for entry in self.entries.range(from..) {
            if piece.len() + entry.text.len() > PIECE && !piece.is_empty() {
                return (piece.freeze(), false);
            }
            piece.extend_from_slice(&entry.text);
            cursor.entry = entry.number;
        }
        if cursor.now != self.now.0 {
            cursor.now = self.now.0;
            piece.extend_from_slice(&self.now.1);
        }
        (piece.freeze(), self.ended)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// Reads on to the end; gives the data of every event but `now`.
    fn all(log: &Log, cursor: &mut Cursor) -> Vec<String> {
        let mut text = String::new();
        loop {
            let (piece, _) = log.read(cursor);
            if piece.is_empty() {
                break;
            }
            text.push_str(std::str::from_utf8(&piece).unwrap());
        }
        let data = text
            .split("\n\n")
            .filter_map(|event| event.split_once("data: "));
        data.map(|(_, data)| data.to_owned()).collect()
    }

    fn filled(most: usize, seconds: u32) -> Log {
        let mut log = Log::new(7, most);
        log.add("run", &json!("run"));
        for second in 0..seconds {
            log.add_second(&json!(second));
        }
        log
    }

    #[test]
    fn every_viewer_reads_the_same_from_the_beginning() {
        let mut log = filled(10, 2);
        let mut early = log.resume(None);
        assert_eq!(
            all(&log, &mut early),
            ["{\"dropped\":0}", "\"run\"", "0", "1"]
        );
        log.add_second(&json!(2));
        assert_eq!(all(&log, &mut early), ["2"]);
        let mut late = log.resume(None);
        assert_eq!(
            all(&log, &mut late),
            ["{\"dropped\":0}", "\"run\"", "0", "1", "2"]
        );
    }

    #[test]
    fn a_viewer_that_comes_again_reads_on_where_it_was() {
        let log = filled(10, 3);
        let mut again = log.resume(Some("00000007-2"));
        assert_eq!(all(&log, &mut again), ["1", "2"]);
        for foreign in ["00000008-2", "00000007-99", "nonsense", ""] {
            let mut again = log.resume(Some(foreign));
            assert_eq!(all(&log, &mut again).len(), 5, "{foreign}");
        }
    }

    #[test]
    fn old_seconds_give_way_and_nothing_else_does() {
        let mut log = filled(3, 3);
        let mut behind = log.resume(None);
        all(&log, &mut behind);
        let mut slow = log.resume(Some("00000007-2"));
        for second in 3..6 {
            log.add_second(&json!(second));
        }
        assert_eq!(all(&log, &mut behind), ["3", "4", "5"]);
        // It missed a second, so it begins again, and is told how many there are no more.
        let whole = ["{\"dropped\":3}", "\"run\"", "3", "4", "5"];
        assert_eq!(all(&log, &mut slow), whole);
        let mut late = log.resume(None);
        assert_eq!(all(&log, &mut late), whole);
    }

    #[test]
    fn of_what_is_now_only_the_newest_is_told() {
        let mut log = filled(3, 0);
        let mut viewer = log.resume(None);
        log.set_now(&json!("then"));
        log.set_now(&json!("now"));
        assert_eq!(
            all(&log, &mut viewer),
            ["{\"dropped\":0}", "\"run\"", "\"now\""]
        );
        assert!(all(&log, &mut viewer).is_empty());
    }

    #[test]
    fn a_long_history_is_told_in_pieces() {
        let log = filled(20_000, 20_000);
        let mut viewer = log.resume(None);
        let (piece, over) = log.read(&mut viewer);
        assert!(piece.len() <= PIECE && !over);
        assert_eq!(all(&log, &mut viewer).last().unwrap(), "19999");
    }
}
