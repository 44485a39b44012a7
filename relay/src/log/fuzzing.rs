//! What must hold of a kept log that is read back.

use std::collections::BTreeMap;
use std::io::{self, BufRead, Read};
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use sha2::{Digest, Sha256};

use super::{Limit, Log, LogLimits, Restored, RingLimits, SnapshotError};
use crate::fuzzing::Pieces;
use crate::message::{ChannelName, Payload, Position};

/// Small, so that a fuzzer reaches them.
const LOG: LogLimits = LogLimits {
    channels: 3,
    bytes: 2000,
    behind: usize::MAX,
};
const RING: RingLimits = RingLimits {
    messages: 4,
    bytes: 60,
    age: Duration::from_secs(3600),
};
const ALL: Limit = Limit {
    messages: usize::MAX,
    bytes: usize::MAX,
};
/// The time of day, in milliseconds.
const NOW: u64 = 1_800_000_000_000;

/// What is read of any file is within the limits and stood there; a log reads back as it was written, goes on
/// behind what it had, and is refused with any byte changed or missing.
///
/// The bytes are such a file, or the lines of one between the key of its epochs and its end.
pub(crate) fn snapshot(data: &[u8]) {
    let Some((pieces, bytes)) = Pieces::of(data) else {
        return;
    };
    for file in [bytes.to_vec(), sealed(bytes)] {
        let whole = restored(&mut &file[..]);
        let cut = restored(&mut Cut {
            pieces: pieces.cut(&file),
            rest: &[],
        });
        match (whole, cut) {
            (Ok((log, restored)), Ok((_, same))) => {
                assert_eq!(same, restored);
                is_bounded(&log, restored);
                let given = plainly(&file).expect("what is read can be read plainly");
                came_from(&given, &log, restored);
                reads_back(&log, data);
                goes_on(&log);
            }
            (Err(error), Err(same)) => assert_eq!(same.to_string(), error.to_string()),
            (whole, cut) => unreachable!("{whole:?}, but in pieces {cut:?}"),
        }
    }
}

fn restored(from: &mut impl BufRead) -> Result<(Log, Restored), SnapshotError> {
    let log = Log::new(LOG, RING, ALL);
    let restored = log.restore(NOW, from)?;
    Ok((log, restored))
}

fn saved(log: &Log) -> Vec<u8> {
    let mut file = Vec::new();
    log.save(NOW, &mut file).expect("memory is never full");
    file
}

/// Puts the first lines before these and the last one behind, so that a fuzzer need not find a sum.
fn sealed(lines: &[u8]) -> Vec<u8> {
    let written = NOW - 1000;
    let mut file = format!("relay-log 1 {written}\nepochs {written:032x}\n").into_bytes();
    file.extend_from_slice(lines);
    if !lines.is_empty() && !lines.ends_with(b"\n") {
        file.push(b'\n');
    }
    let channels = channels(&file);
    let messages: usize = channels.iter().map(|channel| channel.messages.len()).sum();
    let sum = Sha256::digest(&file);
    let sum: String = sum.iter().map(|byte| format!("{byte:02x}")).collect();
    file.extend(format!("end {} {messages} {sum}\n", channels.len()).into_bytes());
    file
}

/// A channel as a file has it.
#[derive(Debug, PartialEq, Eq)]
struct Plain {
    name: String,
    before: Position,
    /// Offsets and payloads; ages go on.
    messages: Vec<(u64, Vec<u8>)>,
}

/// All that a file says.
#[derive(Debug, PartialEq, Eq)]
struct Given {
    ends: BTreeMap<u64, u32>,
    channels: Vec<Plain>,
}

/// Reads a file by its description alone; nothing when it does not follow it.
fn plainly(file: &[u8]) -> Option<Given> {
    let mut ends = BTreeMap::new();
    for line in file.split(|byte| *byte == b'\n').skip(2) {
        let Some(rest) = line.strip_prefix(b"ended ") else {
            continue;
        };
        let (place, count) = std::str::from_utf8(rest).ok()?.split_once(' ')?;
        ends.insert(place.parse().ok()?, count.parse().ok()?);
    }
    ends.retain(|_, count| *count > 0);
    let mut channels = channels(file);
    channels.sort_by(|one, other| one.name.cmp(&other.name));
    Some(Given { ends, channels })
}

fn channels(file: &[u8]) -> Vec<Plain> {
    let mut lines = file.split(|byte| *byte == b'\n').skip(2);
    let mut channels = Vec::new();
    while let Some(line) = lines.next() {
        let words = std::str::from_utf8(line).unwrap_or_default().split(' ');
        let words: Vec<&str> = words.collect();
        let ["channel", name, before, count] = words[..] else {
            continue;
        };
        let (Ok(before), Ok(count)) = (before.parse(), count.parse()) else {
            continue;
        };
        let messages = lines.by_ref().take(count).map(|line| {
            let mut parts = line.splitn(3, |byte| *byte == b' ');
            let offset = parts.next().and_then(|word| str::from_utf8(word).ok());
            let offset = offset.and_then(|word| word.parse().ok());
            let payload = parts.nth(1).unwrap_or_default();
            (offset.unwrap_or_default(), payload.to_vec())
        });
        channels.push(Plain {
            name: name.to_owned(),
            before,
            messages: messages.collect(),
        });
    }
    channels
}

fn is_bounded(log: &Log, restored: Restored) {
    let kept = log.kept();
    assert_eq!(
        (kept.channels, kept.messages),
        (restored.channels, restored.messages)
    );
    assert!(kept.channels <= LOG.channels && kept.weight <= LOG.bytes);
    assert!(kept.messages <= kept.channels * RING.messages);
    assert!(kept.bytes <= kept.channels * RING.bytes);
}

/// What is kept are the last messages of what a file has, and where they begin nothing is passed over.
fn came_from(given: &Given, log: &Log, restored: Restored) {
    let messages: usize = given.channels.iter().map(|c| c.messages.len()).sum();
    assert_eq!(
        restored.channels + restored.channels_left,
        given.channels.len()
    );
    assert_eq!(restored.messages + restored.messages_left, messages);
    let kept = plainly(&saved(log)).expect("what is written can be read plainly");
    if restored.channels_left == 0 {
        assert_eq!(kept.ends, given.ends);
    }
    for channel in kept.channels {
        let from = given.channels.iter().find(|from| from.name == channel.name);
        let from = from.expect("a channel that stood there");
        assert_eq!(channel.before.epoch, from.before.epoch);
        let left = from.messages.len() - channel.messages.len();
        let evicted = left.checked_sub(1).map(|last| from.messages[last].0);
        assert_eq!(channel.before.offset, evicted.unwrap_or(from.before.offset));
        for (kept, stood) in channel.messages.iter().zip(&from.messages[left..]) {
            let payload = Payload::parse(&stood.1, usize::MAX).expect("it was kept");
            assert_eq!((kept.0, &kept.1[..]), (stood.0, &payload.bytes()[..]));
        }
    }
}

/// A file of ours gives the same log again, and not when it was harmed.
fn reads_back(log: &Log, data: &[u8]) {
    let file = saved(log);
    let again = Log::new(
        LOG,
        RingLimits {
            // What has just not been too old may be by now.
            age: 2 * RING.age,
            ..RING
        },
        ALL,
    );
    again
        .restore(NOW, &mut &file[..])
        .expect("it reads what it wrote");
    assert_eq!(plainly(&saved(&again)), plainly(&file));

    let place = data.iter().fold(0, |place: usize, byte| {
        place.wrapping_mul(31).wrapping_add(usize::from(*byte))
    }) % file.len();
    let mut changed = file.clone();
    changed[place] ^= (data[0] & 0x7f).max(1);
    let harmed = [&changed[..], &file[..place], &[&file[..], b"\n"].concat()];
    for mut file in harmed {
        assert!(restored(&mut file).is_err(), "{}", file.escape_ascii());
    }
}

/// The next message has the next offset, in the same life.
fn goes_on(log: &Log) {
    let kept = plainly(&saved(log)).expect("what is written can be read plainly");
    for channel in kept.channels {
        let name = ChannelName::parse(&channel.name).expect("it is written as it is");
        let head = channel.messages.last().map(|(offset, _)| *offset);
        let payload = Payload::parse(b"1", usize::MAX).expect("JSON");
        let mut append = pin!(log.append(&name, payload));
        let appended = append
            .as_mut()
            .poll(&mut Context::from_waker(Waker::noop()));
        let Poll::Ready(Ok(position)) = appended else {
            unreachable!("memory never waits, and the channel is there: {appended:?}");
        };
        let wanted = Position {
            offset: head.unwrap_or(channel.before.offset) + 1,
            ..channel.before
        };
        assert_eq!(position, wanted);
    }
}

/// A file as a disk hands it over.
struct Cut<'a, P> {
    pieces: P,
    rest: &'a [u8],
}

impl<'a, P: Iterator<Item = &'a [u8]>> BufRead for Cut<'a, P> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        while self.rest.is_empty() {
            match self.pieces.next() {
                Some(piece) => self.rest = piece,
                None => break,
            }
        }
        Ok(self.rest)
    }

    fn consume(&mut self, count: usize) {
        self.rest = &self.rest[count..];
    }
}

impl<'a, P: Iterator<Item = &'a [u8]>> Read for Cut<'a, P> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let count = self.fill_buf()?.read(into)?;
        self.consume(count);
        Ok(count)
    }
}
