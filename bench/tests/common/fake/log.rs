//! The fake's channels, where lost, repeated, swapped and late messages are made.

use std::collections::HashMap;
use std::sync::{Condvar, Mutex};
use std::time::Duration;

use bench::clock::Moment;

use super::{Cut, Plan, Tally, count};

/// How long a message that waits for its successor waits at most.
const HELD: Duration = Duration::from_millis(300);
/// Writes are put together on this grid.
const TOGETHER: u64 = 100_000_000;
/// The longest sleep of a reader.
const NAP: Duration = Duration::from_millis(20);

/// What a reader comes upon.
#[derive(Debug, Clone)]
pub(super) enum Entry {
    Message(String),
    /// Here was a message.
    Missed,
}

/// What a reader got: entries, and the place after them.
pub(super) struct Batch {
    pub(super) entries: Vec<Entry>,
    pub(super) next: usize,
}

#[derive(Default)]
struct Channel {
    entries: Vec<(Moment, Entry)>,
    published: u64,
    held: Option<(Moment, String)>,
    silent_until: Moment,
}

#[derive(Default)]
pub(super) struct Log {
    channels: Mutex<HashMap<String, Channel>>,
    grown: Condvar,
}

impl Log {
    /// Takes a message in, or does with it what the plan says.
    pub(super) fn append(&self, name: &str, payload: String, plan: &Plan, tally: &Tally) {
        let mut channels = self.channels.lock().unwrap();
        let channel = channels.entry(name.to_owned()).or_default();
        channel.append(name, payload, plan, tally);
        self.grown.notify_all();
    }

    /// The place after the last message.
    pub(super) fn head(&self, name: &str) -> usize {
        let channels = self.channels.lock().unwrap();
        channels
            .get(name)
            .map_or(0, |channel| channel.entries.len())
    }

    /// What may be seen after `after`, waiting for the first of it.
    pub(super) fn read(&self, name: &str, after: usize, wait: Duration) -> Batch {
        let limit = Moment::now() + wait;
        let mut channels = self.channels.lock().unwrap();
        loop {
            let channel = channels.entry(name.to_owned()).or_default();
            let now = Moment::now();
            channel.release(now);
            let after = after.min(channel.entries.len());
            let seen = channel.entries[after..]
                .iter()
                .take_while(|(visible, _)| *visible <= now);
            let entries: Vec<Entry> = seen.map(|(_, entry)| entry.clone()).collect();
            if !entries.is_empty() || now >= limit {
                let next = after + entries.len();
                return Batch { entries, next };
            }
            let due = channel.entries.get(after).map_or(limit, |first| first.0);
            let left = Duration::from_nanos(due.min(limit).0.saturating_sub(now.0));
            let nap = left.clamp(Duration::from_micros(100), NAP);
            (channels, _) = self.grown.wait_timeout(channels, nap).unwrap();
        }
    }
}

impl Channel {
    fn append(&mut self, name: &str, payload: String, plan: &Plan, tally: &Tally) {
        let now = Moment::now();
        self.published += 1;
        let every = |n: u64| n > 0 && self.published.is_multiple_of(n);
        if let Some((at, span)) = plan.stall
            && self.published == at
        {
            self.silent_until = now + span;
        }
        let visible = self.visible(name, now, plan);
        let message = Entry::Message(payload.clone());
        if every(plan.drop_every) {
            count(&tally.dropped);
            return;
        }
        if self.published == plan.evict {
            count(&tally.evicted);
            self.entries.push((visible, Entry::Missed));
            return;
        }
        if every(plan.swap_every) {
            self.held = Some((now, payload));
            return;
        } else if every(plan.repeat_every) {
            count(&tally.repeated);
            self.entries
                .extend([(visible, message.clone()), (visible, message)]);
        } else {
            self.entries.push((visible, message));
        }
        if let Some((_, before)) = self.held.take() {
            count(&tally.swapped);
            self.entries.push((visible, Entry::Message(before)));
        }
    }

    fn visible(&self, name: &str, now: Moment, plan: &Plan) -> Moment {
        let delay = plan.delay.of(name, self.published);
        let visible = (now + delay).max(self.silent_until);
        if plan.cut == Cut::Together {
            Moment(visible.0.next_multiple_of(TOGETHER))
        } else {
            visible
        }
    }

    /// The last message of all has no successor to wait for.
    fn release(&mut self, now: Moment) {
        if let Some((_, payload)) = self.held.take_if(|(since, _)| *since + HELD < now) {
            self.entries.push((now, Entry::Message(payload)));
        }
    }
}
