//! The pacer: publishes by the schedule, on a thread of its own, and waits for nothing but the clock.

use std::collections::BTreeMap;
use std::num::NonZeroU64;
use std::sync::atomic::Ordering;
use std::time::Duration;

use rustix::time::{ClockId, Timespec};
use serde::{Deserialize, Serialize};

use super::line::Outcome;
use super::lines::Lines;
use super::{Order, Post, Report, SwarmError, carried};
use crate::clock::Moment;
use crate::kernel;
use crate::net::WireTotals;
use crate::record::{Ranges, Sending, Window};
use crate::scenario::FOREIGN_PAGE;
use crate::schedule::Due;
use crate::stamp::Stamp;

/// The longest sleep: an order to finish is seen after this at the latest.
const NAP: Duration = Duration::from_millis(20);
const NAP_NANOS: i64 = 20_000_000;
/// A message that is due sooner than this is not kept waiting by a look for answers.
const NEAR: Duration = Duration::from_micros(50);
/// Answers are read while the next message is at least this far away.
const SLACK: Duration = Duration::from_millis(2);
/// The kernel may wake this thread this much late, in nanoseconds; 50,000 unless set.
const TIMER_SLACK: NonZeroU64 = NonZeroU64::MIN;
/// The thread asks to be woken so much before a message is due, and spins for what is left when it is woken
/// at once: from the timer of a processor that sleeps to this thread it takes as long at least.
const EARLY: Duration = Duration::from_micros(25);
/// It spins for no more than this share of a wait, whatever the rate.
const EARLY_SHARE: u32 = 8;
/// The turns of this thread on a processor, in nanoseconds: the shortest that the kernel knows.
const TURN: u64 = 100_000;

/// Sequence numbers by (channel, publisher).
pub type Pairs = BTreeMap<(u32, u16), Ranges>;

/// What the publisher has to say at its end.
#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct PublishReport {
    /// Messages due in the measured phase.
    pub planned: u64,
    /// Those of them that the server accepted.
    #[serde(with = "carried::pairs")]
    pub accepted: Pairs,
    /// Those of them that it did not, or that could not be sent.
    pub errors: u64,
    /// Errors by their text, in all phases.
    pub reasons: BTreeMap<String, u64>,
    /// Bytes on the wire of its connections, in all phases; `None` when the kernel gives no counters.
    pub wire: Option<WireTotals>,
}

/// The life of the publisher, on its own thread.
pub(super) fn run(post: &Post) -> Result<PublishReport, SwarmError> {
    post.pin();
    let _ = rustix::thread::set_current_timer_slack(Some(TIMER_SLACK));
    // Without it, a thread that has much to do on this processor is let finish its turn first.
    let _ = kernel::take_short_turns(TURN);
    let server = post.assignment.server;
    let lines =
        Lines::open(&post.assignment).map_err(|source| SwarmError::Publisher { server, source })?;
    post.progress.publisher_ready.store(true, Ordering::Release);
    let window = loop {
        match post.order() {
            Order::Run(window) => break window,
            Order::Finish => return Ok(PublishReport::default()),
            Order::Connect => {}
        }
        std::thread::sleep(Duration::from_millis(2));
    };
    let mut pacer = Pacer::new(post, window, lines);
    for due in post.assignment.schedule(&window) {
        if !pacer.wait_until(window.start + due.at) {
            break;
        }
        pacer.publish(&due);
    }
    Ok(pacer.finish())
}

struct Pacer<'a> {
    post: &'a Post,
    window: Window,
    lines: Lines,
    buffer: Box<[u8]>,
    payload: Vec<u8>,
    /// When answers and orders were last looked for.
    looked: Moment,
    second: Sending,
    report: PublishReport,
}

impl<'a> Pacer<'a> {
    fn new(post: &'a Post, window: Window, lines: Lines) -> Self {
        Self {
            post,
            window,
            lines,
            buffer: vec![0; 64 * 1024].into_boxed_slice(),
            payload: Vec::new(),
            looked: Moment(0),
            second: Sending::new(0),
            report: PublishReport::default(),
        }
    }

    /// Waits for the instant, reading answers while it is far; gives `false` when told to finish.
    fn wait_until(&mut self, due: Moment) -> bool {
        let now = Moment::now();
        // One look before each wait: answers that wait together in the kernel share the stamp of the
        // last. A pacer that is late looks now and then, or answers would pile up.
        if due > now + NEAR || now.since(self.looked) > NAP_NANOS {
            self.looked = now;
            self.read_answers(Duration::ZERO);
            if self.post.order() == Order::Finish {
                return false;
            }
        }
        let mut early = Duration::ZERO;
        loop {
            let now = Moment::now();
            self.roll(now.min(due));
            let left = Duration::from_nanos(u64::try_from(due.since(now)).unwrap_or(0));
            if left.is_zero() {
                return true;
            }
            if left > SLACK {
                self.read_answers((left - SLACK / 2).min(NAP));
                if self.post.order() == Order::Finish {
                    return false;
                }
            } else if left <= early {
                std::hint::spin_loop();
            } else {
                // Late by less than 100 µs at the 99th percentile, where a runtime's timer is late by 2 ms.
                early = EARLY.min(left / EARLY_SHARE);
                let wake = due - early;
                let until = Timespec {
                    tv_sec: (wake.0 / 1_000_000_000).cast_signed(),
                    tv_nsec: (wake.0 % 1_000_000_000).cast_signed(),
                };
                let _ = rustix::thread::clock_nanosleep_absolute(ClockId::Monotonic, &until);
            }
        }
    }

    fn publish(&mut self, due: &Due) {
        let at = self.window.start + due.at;
        self.roll(at);
        let stamp = Stamp {
            run: self.post.assignment.run,
            channel: due.channel,
            publisher: u16::try_from(due.publisher).unwrap_or(u16::MAX),
            sequence: due.sequence,
            due: at,
        };
        self.report.planned += u64::from(self.window.measures(at));
        self.payload.clear();
        // Messages carry the time of the fleet, whatever the clock of this host says.
        let sent = Stamp {
            due: at.ahead(-self.post.assignment.share.clock),
            ..stamp
        };
        sent.write_payload(self.post.assignment.load.payload, &mut self.payload);
        let line = self.lines.number(due);
        match self.lines.publish(line, &stamp, &self.payload) {
            Ok(sent) => {
                self.second.published += 1;
                self.second.lag.record(sent.since(at));
                self.post.progress.published.fetch_add(1, Ordering::Relaxed);
                if self.window.measures(at) {
                    self.post.expect(&stamp, true);
                }
            }
            Err(reason) => {
                self.report.fail(&self.window, &stamp, reason);
                self.with_lines(|lines, buffer, take| lines.answers(line, buffer, take));
            }
        }
    }

    fn read_answers(&mut self, limit: Duration) {
        self.with_lines(|lines, buffer, take| lines.read_answers(limit, buffer, take));
    }

    /// Lets `read` read from the lines and books what comes of it.
    fn with_lines(&mut self, read: impl FnOnce(&mut Lines, &mut [u8], &mut dyn FnMut(Outcome))) {
        let Self {
            lines,
            buffer,
            second,
            report,
            post,
            window,
            ..
        } = self;
        read(lines, buffer, &mut |outcome| {
            take(outcome, second, report, post, window)
        });
    }

    /// Hands over the seconds that are over.
    fn roll(&mut self, now: Moment) {
        while now >= self.window.end_of(self.second.second) {
            let next = Sending::new(self.second.second + 1);
            let ended = std::mem::replace(&mut self.second, next);
            // The owner reads all the time; when it has gone, nobody waits for this.
            let _ = self
                .post
                .reports
                .blocking_send(Report::Sent(Box::new(ended)));
        }
    }

    /// Waits for the last answers until told to finish.
    fn finish(mut self) -> PublishReport {
        while self.post.order() != Order::Finish {
            if !self.lines.are_waiting() {
                self.post
                    .progress
                    .published_all
                    .store(true, Ordering::Release);
            }
            self.roll(Moment::now());
            self.read_answers(NAP);
        }
        self.with_lines(|lines, _, take| lines.give_up(take));
        self.report.wire = self.lines.wire();
        let last = std::mem::replace(&mut self.second, Sending::new(0));
        let _ = self
            .post
            .reports
            .blocking_send(Report::Sent(Box::new(last)));
        self.report
    }
}

fn take(
    outcome: Outcome,
    second: &mut Sending,
    report: &mut PublishReport,
    post: &Post,
    window: &Window,
) {
    let stamp = outcome.message().stamp;
    let measured = window.measures(stamp.due);
    match outcome {
        Outcome::Accepted(message, arrived) => {
            // As with deliveries: what is left over from the warm-up enters no measured second.
            if measured || !window.measured_second(second.second) {
                second.answer.record(arrived.since(message.sent));
            }
            if measured {
                let pair = (stamp.channel, stamp.publisher);
                report
                    .accepted
                    .entry(pair)
                    .or_default()
                    .insert(stamp.sequence);
            }
        }
        Outcome::Refused(_) => {
            report.fail(window, &stamp, "refused by the server");
            if measured {
                post.expect(&stamp, false);
            }
        }
        Outcome::Forbidden(_) => {
            let reason = format!("the server does not let pages of {FOREIGN_PAGE} publish");
            report.fail(window, &stamp, &reason);
            if measured {
                post.expect(&stamp, false);
            }
        }
        // It may have been taken: its deliveries are waited for all the same.
        Outcome::Unanswered(_) => report.fail(window, &stamp, "no answer"),
    }
}

impl PublishReport {
    fn fail(&mut self, window: &Window, stamp: &Stamp, reason: &str) {
        self.errors += u64::from(window.measures(stamp.due));
        *self
            .reasons
            .entry(format!("publishing: {reason}"))
            .or_default() += 1;
    }

    /// Messages accepted in the measured phase.
    #[must_use]
    pub fn accepted(&self) -> u64 {
        self.accepted.values().map(Ranges::count).sum()
    }
}
