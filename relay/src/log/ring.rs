//! The messages a channel keeps, bounded by count, bytes and age.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::run::Run;
use crate::message::Message;

/// How much a ring may hold: each bound holds by itself.
#[derive(Debug, Clone, Copy)]
pub struct RingLimits {
    /// The most messages.
    pub messages: usize,
    /// The most payload bytes. A message's encodings, made when first read, come on top: at most
    /// one for each of the four forms.
    pub bytes: usize,
    /// The greatest age of a message.
    pub age: Duration,
}

/// How much one read may return. A first message is returned whatever its size.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limit {
    /// The most messages.
    pub messages: usize,
    /// The most payload bytes.
    pub bytes: usize,
}

/// The youngest messages of one log, oldest first.
///
/// Offsets grow but may skip: places are found by search, never by arithmetic.
#[derive(Debug)]
pub struct Ring {
    /// What was read last, for the others who stand at the same place.
    read: RefCell<Option<Read>>,
    limits: RingLimits,
    kept: VecDeque<(Instant, Arc<Message>)>,
    bytes: usize,
    head: u64,
    evicted: u64,
}

/// One read and what it gave; it holds as long as nothing is added or evicted.
#[derive(Debug)]
struct Read {
    after: u64,
    limit: Limit,
    run: Run,
}

impl Ring {
    /// Makes an empty ring.
    #[must_use]
    pub fn new(limits: RingLimits) -> Self {
        Self {
            read: RefCell::default(),
            limits,
            kept: VecDeque::new(),
            bytes: 0,
            head: 0,
            evicted: 0,
        }
    }

    /// Makes a ring that goes on behind a message of an earlier process, which is no longer kept.
    #[must_use]
    pub(super) fn resumed(limits: RingLimits, evicted: u64) -> Self {
        Self {
            head: evicted,
            evicted,
            ..Self::new(limits)
        }
    }

    /// Goes on behind a message that is not kept, and so keeps none before it either: what is lost is lost up to one place.
    pub(super) fn skip_to(&mut self, offset: u64) {
        debug_assert!(offset > self.head, "offsets grow strictly");
        // One by one: each gives its weight back.
        while !self.kept.is_empty() {
            self.evict();
        }
        self.read.take();
        (self.head, self.evicted) = (offset, offset);
    }

    /// Adds the youngest message and evicts what the limits no longer allow.
    ///
    /// The message's offset must be beyond [`Ring::head`].
    pub fn push(&mut self, now: Instant, message: Arc<Message>) {
        debug_assert!(message.position.offset > self.head, "offsets grow strictly");
        self.read.take();
        self.head = message.position.offset;
        self.bytes += message.payload.bytes().len();
        self.kept.push_back((now, message));
        while self.kept.len() > self.limits.messages || self.bytes > self.limits.bytes {
            self.evict();
        }
        self.expire(now);
    }

    /// Evicts what is older than the limit.
    pub fn expire(&mut self, now: Instant) {
        while self
            .kept
            .front()
            .is_some_and(|(at, _)| now.duration_since(*at) > self.limits.age)
        {
            self.evict();
        }
        if self.kept.is_empty() {
            // A burst's capacity is not kept for ever by a channel that has gone quiet.
            self.kept = VecDeque::new();
        }
    }

    /// Gives the kept messages after an offset, oldest first, within the limit.
    #[must_use]
    pub fn after(&self, offset: u64, limit: Limit) -> Run {
        if offset >= self.head {
            return Run::default();
        }
        let mut last = self.read.borrow_mut();
        if let Some(read) = &*last
            && (read.after, read.limit) == (offset, limit)
        {
            return read.run.clone();
        }
        let first = self.first_after(offset);
        let mut bytes = 0;
        let fits = |(at, (_, message)): &(usize, &(Instant, Arc<Message>))| {
            bytes += message.payload.bytes().len();
            *at == 0 || bytes <= limit.bytes
        };
        let fitting = self
            .kept
            .range(first..)
            .take(limit.messages)
            .enumerate()
            .take_while(fits);
        let run: Run = fitting
            .map(|(_, (_, message))| Arc::clone(message))
            .collect();
        *last = Some(Read {
            after: offset,
            limit,
            run: run.clone(),
        });
        run
    }

    /// Gives the youngest message, when it lies after an offset.
    #[must_use]
    pub fn newest_after(&self, offset: u64) -> Option<Arc<Message>> {
        let (_, newest) = self.kept.back()?;
        (newest.position.offset > offset).then(|| Arc::clone(newest))
    }

    /// Tells whether [`Ring::after`] would return all that its limit has room for: one more message would not fit.
    #[must_use]
    pub fn fills(&self, offset: u64, limit: Limit) -> bool {
        let first = self.first_after(offset);
        if self.kept.len() - first >= limit.messages {
            return true;
        }
        let mut bytes = 0;
        self.kept.range(first..).any(|(_, message)| {
            bytes += message.payload.bytes().len();
            bytes >= limit.bytes
        })
    }

    /// The place of the first kept message after an offset.
    fn first_after(&self, offset: u64) -> usize {
        self.kept
            .partition_point(|(_, message)| message.position.offset <= offset)
    }

    /// Gives the offset of the youngest message ever added, 0 before the first.
    #[must_use]
    pub fn head(&self) -> u64 {
        self.head
    }

    /// Gives the offset of the youngest message that was evicted, 0 when none was.
    #[must_use]
    pub fn evicted(&self) -> u64 {
        self.evicted
    }

    /// Gives the messages kept and when they came, oldest first.
    pub(super) fn iter(&self) -> impl Iterator<Item = &(Instant, Arc<Message>)> {
        self.kept.iter()
    }

    /// Counts the messages kept.
    #[must_use]
    pub fn len(&self) -> usize {
        self.kept.len()
    }

    /// Tells whether nothing is kept.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.kept.is_empty()
    }

    /// Counts the payload bytes kept.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Tells whether the messages kept after an offset have more payload bytes than `most`.
    #[must_use]
    pub fn exceeds(&self, offset: u64, most: usize) -> bool {
        let mut bytes = 0;
        self.bytes > most
            && self
                .kept
                .range(self.first_after(offset)..)
                .any(|(_, message)| {
                    bytes += message.payload.bytes().len();
                    bytes > most
                })
    }

    /// Evicts the oldest message before its time.
    pub fn evict(&mut self) {
        self.read.take();
        if let Some((_, message)) = self.kept.pop_front() {
            message.let_go();
            self.bytes -= message.payload.bytes().len();
            self.evicted = message.position.offset;
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::message::{Account, Epoch, Payload, Position};

    const ALL: Limit = Limit {
        messages: usize::MAX,
        bytes: usize::MAX,
    };

    /// Skips of the offset, payload lengths and the milliseconds between messages.
    fn story() -> impl Strategy<Value = Vec<(u64, usize, u64)>> {
        prop::collection::vec((1..4_u64, 1..40_usize, 0..30_u64), 1..60)
    }

    fn message(epoch: Epoch, offset: u64, len: usize) -> Arc<Message> {
        let payload = Payload::parse("1".repeat(len).as_bytes(), len).unwrap();
        Arc::new(Message::new(
            Position { epoch, offset },
            payload,
            &Arc::<Account>::default(),
        ))
    }

    proptest! {
        #[test]
        fn a_ring_holds_its_bounds_and_hides_no_loss(
            story in story(), count in 1..20_usize, bytes in 40..200_usize, age in 1..200_u64, from in 0..80_u64,
            reply in 1..5_usize,
        ) {
            let age = Duration::from_millis(age);
            let mut ring = Ring::new(RingLimits { messages: count, bytes, age });
            let (epoch, mut now, mut offset, mut pushed) = (Epoch::random(), Instant::now(), 0, Vec::new());
            for (skip, len, pause) in story {
                now += Duration::from_millis(pause);
                offset += skip;
                ring.push(now, message(epoch, offset, len));
                pushed.push((now, offset, len));

                prop_assert!(ring.len() <= count && ring.bytes() <= bytes);
                let kept: Vec<_> = ring.after(0, ALL).iter().map(|m| m.position.offset).collect();
                let expected: Vec<_> = pushed.iter().map(|(_, o, _)| *o).filter(|o| *o > ring.evicted()).collect();
                prop_assert_eq!(&kept, &expected, "everything after the last eviction is kept, in order");
                prop_assert!(pushed.iter().all(|(at, o, _)| *o <= ring.evicted() || now - *at <= age));
            }
            // Reading in small pieces gives what reading at once gives.
            let (mut at, mut pieces) = (from, Vec::new());
            loop {
                let limit = Limit { messages: reply, bytes: 30 };
                let batch = ring.after(at, limit);
                prop_assert!(batch.len() <= reply);
                let size: usize = batch.iter().map(|m| m.payload.bytes().len()).sum();
                let full = batch.len() == reply || size >= 30 || batch.len() < ring.after(at, ALL).len();
                prop_assert_eq!(ring.fills(at, limit), full);
                let Some(last) = batch.last() else { break };
                at = last.position.offset;
                pieces.extend(batch.iter().map(|m| m.position.offset));
            }
            let whole: Vec<_> = ring.after(from, ALL).iter().map(|m| m.position.offset).collect();
            prop_assert_eq!(pieces, whole);
        }
    }

    #[test]
    fn age_alone_empties_a_ring_and_is_remembered() {
        let mut ring = Ring::new(RingLimits {
            messages: 9,
            bytes: 99,
            age: Duration::from_secs(1),
        });
        let now = Instant::now();
        ring.push(now, message(Epoch::random(), 1, 5));
        ring.expire(now + Duration::from_secs(1));
        assert_eq!((ring.len(), ring.evicted()), (1, 0));
        ring.expire(now + Duration::from_millis(1001));
        assert_eq!(
            (ring.len(), ring.bytes(), ring.evicted(), ring.head()),
            (0, 0, 1, 1)
        );
    }
}
