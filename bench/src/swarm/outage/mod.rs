//! Outages: what the events of a scenario do to the subscribers of one thread, and how each gets over it.

use std::cell::RefCell;
use std::task::{Context, Waker};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::clock::Moment;
use crate::record::Window;
use crate::scenario::{Action, Incident};
use crate::stamp::Stamp;

/// One subscriber in one event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outage {
    /// The subscriber's place among the ledgers of its shard.
    pub subscriber: usize,
    /// The event's number in the plan.
    pub event: usize,
    /// When the last message was due that it had received before.
    pub from: Moment,
    /// When it could receive again.
    pub back: Option<Moment>,
    /// When it had received the last of the messages that were due before it was back.
    pub caught_up: Option<Moment>,
    /// Reports of missed messages since.
    pub reports: u64,
    /// It was not back before this, whatever its connection looked like: the server stood still, or itself.
    not_before: Moment,
    /// Whether it has received something that was due after it was back.
    settled: bool,
}

impl Outage {
    /// One that lasted from an instant to another.
    #[cfg(test)]
    pub(crate) fn past(subscriber: usize, event: usize, from: Moment, back: Moment) -> Self {
        Self {
            subscriber,
            event,
            from,
            back: Some(back),
            caught_up: Some(back),
            reports: 1,
            not_before: from,
            settled: true,
        }
    }

    /// The same with instants of a clock that is so many nanoseconds ahead.
    pub(super) fn ahead(self, nanos: i64) -> Self {
        // Before the first message there is no instant to move.
        let from = match self.from {
            Moment(0) => self.from,
            from => from.ahead(nanos),
        };
        Self {
            from,
            back: self.back.map(|at| at.ahead(nanos)),
            caught_up: self.caught_up.map(|at| at.ahead(nanos)),
            not_before: self.not_before.ahead(nanos),
            ..self
        }
    }
}

/// What a session is to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Told {
    /// Go on.
    Go,
    /// Stand still: neither read nor write.
    Stop,
    /// Close the connection, and dial again at this instant.
    Cut(Moment),
}

/// The outages of a thread's subscribers.
pub(super) struct Outages {
    subscribers: RefCell<Vec<Subscriber>>,
    /// They poll: an open connection brings nothing by itself, so each is back with an answer.
    polling: bool,
}

#[derive(Default)]
struct Subscriber {
    waker: Option<Waker>,
    cut: Option<Moment>,
    /// Events that keep it from reading.
    stops: u32,
    open: bool,
    /// When the latest message was due that it has received.
    latest: Moment,
    outages: Vec<Outage>,
}

impl Outages {
    pub(super) fn new(subscribers: usize, polling: bool) -> Self {
        let all = std::iter::repeat_with(Subscriber::default);
        Self {
            subscribers: RefCell::new(all.take(subscribers).collect()),
            polling,
        }
    }

    /// What a session is told now; it is woken when it is told something else.
    pub(super) fn told(&self, slot: usize, context: &Context<'_>) -> Told {
        let subscriber = &mut self.subscribers.borrow_mut()[slot];
        if let Some(until) = subscriber.cut.take() {
            return Told::Cut(until);
        }
        let waker = subscriber
            .waker
            .get_or_insert_with(|| context.waker().clone());
        waker.clone_from(context.waker());
        if subscriber.stops > 0 {
            Told::Stop
        } else {
            Told::Go
        }
    }

    /// A subscriber can receive.
    pub(super) fn opened(&self, slot: usize) {
        let subscriber = &mut self.subscribers.borrow_mut()[slot];
        subscriber.open = true;
        if self.polling {
            subscriber.answered(Moment::now());
            return;
        }
        // A frozen server's kernel takes connections in its stead.
        let outages = subscriber.outages.iter();
        let latest = outages.map(|outage| outage.not_before).max();
        let now = latest.map_or_else(Moment::now, |latest| latest.max(Moment::now()));
        for outage in &mut subscriber.outages {
            outage.back.get_or_insert(now);
        }
    }

    /// A subscriber has an answer to what it asked for.
    pub(super) fn answered(&self, slot: usize) {
        if self.polling {
            self.subscribers.borrow_mut()[slot].answered(Moment::now());
        }
    }

    /// A subscriber has lost its connection. Until it has received something new, it was not back.
    pub(super) fn closed(&self, slot: usize) {
        let subscriber = &mut self.subscribers.borrow_mut()[slot];
        subscriber.open = false;
        for outage in subscriber.outages.iter_mut().filter(|o| !o.settled) {
            outage.back = None;
        }
    }

    /// A subscriber has received a message of the measured phase that it did not have.
    pub(super) fn received(&self, slot: usize, stamp: &Stamp) {
        let subscriber = &mut self.subscribers.borrow_mut()[slot];
        subscriber.latest = subscriber.latest.max(stamp.due);
        for outage in &mut subscriber.outages {
            match outage.back {
                Some(back) if stamp.due >= back => outage.settled = true,
                Some(_) | None => outage.caught_up = Some(Moment::now()),
            }
        }
    }

    /// A subscriber was told that it has missed messages.
    pub(super) fn missed(&self, slot: usize) {
        if let Some(outage) = self.subscribers.borrow_mut()[slot].outages.last_mut() {
            outage.reports += 1;
        }
    }

    /// Every outage that there was.
    pub(super) fn finish(&self) -> Vec<Outage> {
        let mut all = self.subscribers.borrow_mut();
        all.iter_mut()
            .flat_map(|subscriber| std::mem::take(&mut subscriber.outages))
            .collect()
    }

    fn begin(&self, slot: usize, event: usize, told: Told, not_before: Moment) {
        let subscriber = &mut self.subscribers.borrow_mut()[slot];
        subscriber.outages.push(Outage {
            subscriber: slot,
            event,
            from: subscriber.latest,
            back: None,
            caught_up: None,
            reports: 0,
            not_before,
            settled: false,
        });
        match told {
            Told::Go => {}
            Told::Stop => subscriber.stops += 1,
            Told::Cut(until) => subscriber.cut = Some(until),
        }
        subscriber.wake();
    }

    /// A time to stand still is over, at this instant by the plan.
    fn end(&self, slot: usize, told: Told, at: Moment) {
        let subscriber = &mut self.subscribers.borrow_mut()[slot];
        if told == Told::Stop {
            subscriber.stops = subscriber.stops.saturating_sub(1);
        }
        // With another of them still to end it is not back, and one that polls is so with its next answer.
        if subscriber.open && subscriber.stops == 0 && !self.polling {
            subscriber.answered(at.max(Moment::now()));
        }
        subscriber.wake();
    }
}

impl Subscriber {
    /// It receives at this instant, and what was to keep it from that until then is over.
    fn answered(&mut self, now: Moment) {
        let over = |outage: &&mut Outage| outage.not_before <= now;
        for outage in self.outages.iter_mut().filter(over) {
            outage.back.get_or_insert(now);
        }
    }

    fn wake(&self) {
        if let Some(waker) = &self.waker {
            waker.wake_by_ref();
        }
    }
}

/// Something to be done at an instant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Turn {
    Begin(usize),
    End(usize),
}

/// What the events of a trial do to some of its subscribers.
pub(super) struct Script {
    events: Vec<Incident>,
    measure: Moment,
    seed: u64,
    /// The affected slots of each event, and the number of the client in each.
    affected: Vec<Vec<(usize, usize)>>,
    /// In the order of time.
    turns: Vec<(Moment, Turn)>,
}

impl Script {
    /// For the subscribers `mine`, by slot, of so many clients in all.
    pub(super) fn new(
        events: &[Incident],
        seed: u64,
        clients: usize,
        mine: &[usize],
        window: Window,
    ) -> Self {
        let affected = events.iter().enumerate().map(|(number, event)| {
            let chosen = chosen(event, mix(seed, number), clients);
            let slots = mine.iter().copied().enumerate();
            slots.filter(|(_, client)| chosen[*client]).collect()
        });
        let mut turns = Vec::new();
        for (number, event) in events.iter().enumerate() {
            turns.push((window.measure + event.at, Turn::Begin(number)));
            if matches!(event.action, Action::Freeze { .. } | Action::Slow { .. }) {
                turns.push((window.measure + event.over(), Turn::End(number)));
            }
        }
        turns.sort_by_key(|(at, _)| *at);
        Self {
            affected: affected.collect(),
            events: events.to_vec(),
            measure: window.measure,
            seed,
            turns,
        }
    }

    /// Does everything at its instant; `sleep` waits for one.
    pub(super) async fn play(&self, outages: &Outages, sleep: impl AsyncFn(Moment)) {
        for (at, turn) in &self.turns {
            sleep(*at).await;
            let (Turn::Begin(number) | Turn::End(number)) = *turn;
            let event = &self.events[number];
            let not_before = match event.action {
                Action::Freeze { .. } | Action::Slow { .. } => self.measure + event.over(),
                Action::Disconnect { .. } | Action::Rate { .. } => *at,
            };
            for (slot, client) in &self.affected[number] {
                let told = self.told(number, *client);
                match turn {
                    Turn::Begin(_) => outages.begin(*slot, number, told, not_before),
                    Turn::End(_) => outages.end(*slot, told, *at),
                }
            }
        }
    }

    fn told(&self, number: usize, client: usize) -> Told {
        let event = &self.events[number];
        match event.action {
            Action::Disconnect { spread, .. } => {
                let seed = mix(mix(self.seed, number), client);
                Told::Cut(self.measure + event.at + within(spread, seed))
            }
            Action::Slow { .. } => Told::Stop,
            Action::Freeze { .. } | Action::Rate { .. } => Told::Go,
        }
    }
}

/// Clients that an event affects: of a share, so many that no whole number is nearer, and at least one.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "a share of a number of clients, far below 2^53 and never negative"
)]
pub(super) fn count(event: &Incident, clients: usize) -> usize {
    match event.action {
        Action::Disconnect { share, .. } | Action::Slow { share, .. } => {
            ((clients as f64 * share).round() as usize).clamp(1, clients)
        }
        Action::Freeze { .. } => clients,
        Action::Rate { .. } => 0,
    }
}

/// Which clients an event affects: the first of a shuffle (Knuth, TAOCP 2, algorithm 3.4.2P) by the seed.
fn chosen(event: &Incident, seed: u64, clients: usize) -> Vec<bool> {
    let count = count(event, clients);
    let mut order: Vec<usize> = (0..clients).collect();
    let mut chosen = vec![false; clients];
    for place in 0..count {
        let left = (clients - place) as u64;
        // Of a million clients at most: the remainder's bias is a part in 10^13.
        let other = usize::try_from(mix(seed, place) % left).unwrap_or(0);
        order.swap(place, place + other);
        chosen[order[place]] = true;
    }
    chosen
}

/// A span from nothing to `spread`, every one equally likely.
fn within(spread: Duration, seed: u64) -> Duration {
    let share = (mix(seed, 0) >> 11) as f64 / (1_u64 << 53) as f64;
    spread.mul_f64(share)
}

fn mix(seed: u64, number: usize) -> u64 {
    super::phase::mix(seed ^ super::phase::mix(number as u64))
}

#[cfg(test)]
mod tests;
