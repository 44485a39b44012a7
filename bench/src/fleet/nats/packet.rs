//! Messages in packets that a NATS server takes: it refuses what is longer than its `max_payload`, 1 MiB unless set.

use std::collections::BTreeMap;

use bytes::{BufMut, Bytes, BytesMut};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::time::Instant;

use super::{Fleet, SILENCE};

/// The most bytes of a packet, however much the server takes: no message holds up the signs of life of others for long.
const MOST: usize = 256 << 10;
/// The fewest: a server that takes less is not asked.
const FEWEST: usize = 1 << 10;
/// Kind, fleet and number.
const HEAD: usize = 17;
/// The longest message in all.
const LONGEST: usize = 64 << 20;

/// What a packet is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// More of the same message follows.
    Part = 0,
    /// The end of a message.
    Last = 1,
    /// A sign of life. Its number is that of the packet that is awaited from the other end: all before it have come.
    Beat = 2,
    /// The link begins.
    Begin = 3,
    /// The link ends.
    End = 4,
}

/// A packet that has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Packet {
    pub(super) kind: Kind,
    /// Whose it is. A worker hears of every coordinator that had it, also of one that was cut off meanwhile.
    pub(super) fleet: Fleet,
    pub(super) number: u64,
    pub(super) body: Bytes,
}

impl Packet {
    /// Reads one; `None` when it is none.
    pub(super) fn read(mut bytes: Bytes) -> Option<Self> {
        let kind = match bytes.first()? {
            0 => Kind::Part,
            1 => Kind::Last,
            2 => Kind::Beat,
            3 => Kind::Begin,
            4 => Kind::End,
            _ => return None,
        };
        let eight = |from: usize| {
            Some(u64::from_le_bytes(
                bytes.get(from..from + 8)?.try_into().ok()?,
            ))
        };
        let (fleet, number) = (Fleet(eight(1)?), eight(9)?);
        Some(Self {
            kind,
            fleet,
            number,
            body: bytes.split_off(HEAD),
        })
    }
}

/// A packet that stands for itself.
pub(super) fn alone(fleet: Fleet, kind: Kind, body: &[u8]) -> Bytes {
    packet(fleet, kind, 0, body)
}

/// A sign of life, and the number of the packet that is awaited.
pub(super) fn beat(fleet: Fleet, awaited: u64) -> Bytes {
    packet(fleet, Kind::Beat, awaited, &[])
}

fn packet(fleet: Fleet, kind: Kind, number: u64, body: &[u8]) -> Bytes {
    let mut bytes = BytesMut::with_capacity(HEAD + body.len());
    bytes.put_u8(kind as u8);
    bytes.put_u64_le(fleet.0);
    bytes.put_u64_le(number);
    bytes.put_slice(body);
    bytes.freeze()
}

/// Cuts messages into packets.
#[derive(Debug)]
pub(super) struct Cutter {
    fleet: Fleet,
    size: usize,
    next: u64,
}

impl Cutter {
    /// For a server that takes so much at once.
    pub(super) fn new(fleet: Fleet, max_payload: usize) -> Self {
        Self {
            fleet,
            size: max_payload.clamp(FEWEST, MOST) - HEAD,
            next: 0,
        }
    }

    /// The packets of a message.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(super) fn cut(&mut self, message: &impl Serialize) -> Result<Vec<Bytes>, String> {
        let text = serde_json::to_vec(message).map_err(|error| error.to_string())?;
        if text.len() > LONGEST {
            return Err(format!("a message of {} bytes", text.len()));
        }
        let count = text.len().div_ceil(self.size);
        let pieces = text.chunks(self.size).enumerate();
        let packets = pieces.map(|(place, piece)| {
            let kind = if place + 1 == count {
                Kind::Last
            } else {
                Kind::Part
            };
            self.next += 1;
            packet(self.fleet, kind, self.next - 1, piece)
        });
        Ok(packets.collect())
    }
}

/// Puts messages together again, of packets that come in any order and some of them twice.
#[derive(Debug, Default)]
pub(super) struct Joiner {
    next: u64,
    text: Vec<u8>,
    /// Those that came before their turn, by number.
    early: BTreeMap<u64, Packet>,
    early_bytes: usize,
    /// Since when one is missing.
    missing: Option<Instant>,
}

impl Joiner {
    /// The number of the packet that is awaited.
    pub(super) fn next(&self) -> u64 {
        self.next
    }

    /// Takes a packet in; gives the messages that are now whole.
    ///
    /// # Errors
    /// That something is missing and has not come again for [`SILENCE`], or is no message.
    pub(super) fn join<T: DeserializeOwned>(
        &mut self,
        packet: Packet,
        now: Instant,
    ) -> Result<Vec<T>, String> {
        let size = packet.body.len() + HEAD;
        let fits = self.early_bytes + size <= LONGEST;
        if packet.number == self.next || (packet.number > self.next && fits) {
            let before = self.early.insert(packet.number, packet);
            self.early_bytes += size;
            self.early_bytes -= before.map_or(0, |before| before.body.len() + HEAD);
        }
        let mut messages = Vec::new();
        while let Some(packet) = self.early.remove(&self.next) {
            self.next += 1;
            self.early_bytes -= packet.body.len() + HEAD;
            self.missing = None;
            messages.extend(self.add(&packet)?);
        }
        if let Some(first) = self.early.keys().next() {
            let since = *self.missing.get_or_insert(now);
            if now.duration_since(since) > SILENCE {
                let missing = first - self.next;
                return Err(format!("{missing} of its messages were lost on the way"));
            }
        }
        Ok(messages)
    }

    /// The next packet; gives the message that it ends.
    fn add<T: DeserializeOwned>(&mut self, packet: &Packet) -> Result<Option<T>, String> {
        if self.text.len() + packet.body.len() > LONGEST {
            return Err("it sent a message that is too long".to_owned());
        }
        self.text.extend_from_slice(&packet.body);
        if packet.kind != Kind::Last {
            return Ok(None);
        }
        let read = serde_json::from_slice(&self.text);
        self.text.clear();
        let read = read.map_err(|error| format!("it sent a message that is none: {error}"));
        read.map(Some)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;

    use super::*;

    /// What is put together of these packets, in this order.
    fn read(joiner: &mut Joiner, packets: &[Bytes], now: Instant) -> Result<Vec<String>, String> {
        let mut found = Vec::new();
        for bytes in packets {
            found.extend(joiner.join::<String>(Packet::read(bytes.clone()).unwrap(), now)?);
        }
        Ok(found)
    }

    #[test]
    fn every_packet_names_its_fleet() {
        let fleet = Fleet::draw();
        let mut all = Cutter::new(fleet, FEWEST).cut(&"x".repeat(FEWEST)).unwrap();
        assert_eq!(all.len(), 2);
        all.extend([alone(fleet, Kind::End, b"why"), beat(fleet, 3)]);
        let named = |bytes: Bytes| Packet::read(bytes).unwrap().fleet;
        assert!(all.into_iter().all(|bytes| named(bytes) == fleet));
        assert_eq!(Fleet::read(&fleet.to_string()), Some(fleet));
        assert_eq!(Fleet::read("another"), None);
    }

    proptest! {
        #[test]
        fn what_is_cut_is_joined_in_whatever_order_and_however_often_it_comes(texts in proptest::collection::vec("[a-z]{0,5000}", 1..6), most in 0..4_000_usize, order: Vec<prop::sample::Index>, lost: prop::sample::Index) {
            let now = Instant::now();
            let mut cutter = Cutter::new(Fleet(7), most);
            let mut packets = Vec::new();
            for text in &texts {
                packets.extend(cutter.cut(text).unwrap());
            }
            let fits = packets.iter().all(|packet| packet.len() <= most.max(FEWEST));
            prop_assert!(fits);
            let some: Vec<Bytes> = order.iter().map(|index| index.get(&packets).clone()).collect();
            let mut joiner = Joiner::default();
            let mut found = read(&mut joiner, &some, now).unwrap();
            found.extend(read(&mut joiner, &packets, now).unwrap());
            prop_assert_eq!(&found, &texts);
            prop_assert_eq!(joiner.next(), packets.len() as u64);
            prop_assert_eq!((joiner.early.len(), joiner.early_bytes), (0, 0));
            // What never comes is noticed after a while by those behind it; a last one that is missing by its silence.
            let lost = lost.index(packets.len());
            let last = lost + 1 == packets.len();
            let missing = packets.remove(lost);
            let mut joiner = Joiner::default();
            let mut found = read(&mut joiner, &packets, now).unwrap();
            let late = now + SILENCE + Duration::from_millis(1);
            let end = packets.last().cloned().into_iter().collect::<Vec<_>>();
            let told = read(&mut joiner, &end, late);
            prop_assert!(last || told.unwrap_err().contains("1 of its messages were lost"));
            found.extend(read(&mut joiner, &[missing], late).unwrap());
            prop_assert_eq!(found, texts);
        }
    }
}
