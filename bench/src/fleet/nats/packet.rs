//! Messages in packets that a NATS server takes: it refuses what is longer than its `max_payload`, 1 MiB unless set.

use bytes::{BufMut, Bytes, BytesMut};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// The most bytes of a packet, however much the server takes: no message holds up the signs of life of others for long.
const MOST: usize = 256 << 10;
/// The fewest: a server that takes less is not asked.
const FEWEST: usize = 1 << 10;
/// Kind and number.
const HEAD: usize = 9;
/// The longest message in all.
const LONGEST: usize = 64 << 20;

/// What a packet is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// More of the same message follows.
    Part = 0,
    /// The end of a message.
    Last = 1,
    /// A sign of life: it has no number.
    Beat = 2,
    /// The link begins; what it says is the fleet's name.
    Begin = 3,
    /// The link ends.
    End = 4,
}

/// A packet that has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Packet {
    pub(super) kind: Kind,
    number: u64,
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
        let number = u64::from_le_bytes(bytes.get(1..HEAD)?.try_into().ok()?);
        Some(Self {
            kind,
            number,
            body: bytes.split_off(HEAD),
        })
    }
}

/// A packet that stands for itself.
pub(super) fn alone(kind: Kind, body: &[u8]) -> Bytes {
    packet(kind, 0, body)
}

fn packet(kind: Kind, number: u64, body: &[u8]) -> Bytes {
    let mut bytes = BytesMut::with_capacity(HEAD + body.len());
    bytes.put_u8(kind as u8);
    bytes.put_u64_le(number);
    bytes.put_slice(body);
    bytes.freeze()
}

/// Cuts messages into packets.
#[derive(Debug)]
pub(super) struct Cutter {
    size: usize,
    next: u64,
}

impl Cutter {
    /// For a server that takes so much at once.
    pub(super) fn new(max_payload: usize) -> Self {
        Self {
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
            packet(kind, self.next - 1, piece)
        });
        Ok(packets.collect())
    }
}

/// Puts messages together again.
#[derive(Debug, Default)]
pub(super) struct Joiner {
    next: u64,
    text: Vec<u8>,
}

impl Joiner {
    /// Takes a packet in; gives the message that it ends.
    ///
    /// # Errors
    /// That something is missing, or is no message.
    pub(super) fn join<T: DeserializeOwned>(
        &mut self,
        packet: &Packet,
    ) -> Result<Option<T>, String> {
        if packet.number != self.next {
            let missing = packet.number.saturating_sub(self.next);
            return Err(format!("{missing} of its messages were lost on the way"));
        }
        self.next += 1;
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
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_is_cut_is_joined_and_a_missing_packet_is_noticed(texts in proptest::collection::vec("[a-z]{0,5000}", 1..6), most in 0..4_000_usize, lost: prop::sample::Index) {
            let mut cutter = Cutter::new(most);
            let mut packets = Vec::new();
            for text in &texts {
                packets.extend(cutter.cut(text).unwrap());
            }
            let fits = packets.iter().all(|packet| packet.len() <= most.max(FEWEST));
            prop_assert!(fits);
            let read = |packets: &[Bytes]| -> Result<Vec<String>, String> {
                let mut joiner = Joiner::default();
                let mut found = Vec::new();
                for bytes in packets {
                    found.extend(joiner.join::<String>(&Packet::read(bytes.clone()).unwrap())?);
                }
                Ok(found)
            };
            prop_assert_eq!(read(&packets).unwrap(), texts);
            let lost = lost.index(packets.len());
            packets.remove(lost);
            // A last one that is missing is noticed by its silence.
            prop_assert!(lost == packets.len() || read(&packets).unwrap_err().contains("1 of its messages were lost"));
        }
    }
}
