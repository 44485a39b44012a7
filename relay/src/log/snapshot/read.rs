//! From a snapshot to logs.

use std::io::{BufRead, ErrorKind};
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use sha2::{Digest, Sha256};
use tokio::time::Instant;

use super::write::hex;
use super::{LAST, LINE, MAGIC, Restored, SnapshotError, VERSION};
use crate::log::channels::{Channels, Past};
use crate::log::epochs::Epochs;
use crate::log::{Ring, RingLimits};
use crate::message::{ChannelName, Message, Payload, Position};

/// How far apart the last uses of two channels are when nothing but their order is known.
const STEP: Duration = Duration::from_nanos(1);

/// Reads a snapshot into channels that are still empty, within their limits; `now` is the time of day in milliseconds.
///
/// What it takes in memory is bounded by the limits, whatever it reads. After an error the channels are good for nothing.
pub(in crate::log) fn read(
    channels: &Channels,
    ring: RingLimits,
    now: u64,
    from: &mut impl BufRead,
) -> Result<Restored, SnapshotError> {
    let mut lines = Lines {
        from,
        hash: Sha256::new(),
        number: 0,
        line: Vec::new(),
        most: ring.bytes.saturating_add(LINE),
    };
    let written = first_line(&mut lines)?;
    let key = epochs_line(&mut lines)?;
    channels.with_epochs(|epochs| *epochs = Epochs::of_key(key));
    let begun = Instant::now();
    let mut reading = Reading {
        channels,
        limits: ring,
        now: begun,
        used: begun,
        // A clock that was set back in between makes nobody older.
        away: now.saturating_sub(written),
        restored: Restored::default(),
    };
    let (mut told_channels, mut told_messages) = (0, 0);
    loop {
        let sum = lines.sum();
        lines.next()?;
        let mut words = lines.text()?.split(' ');
        match (words.next(), words.next(), words.next(), words.next()) {
            (Some("ended"), Some(place), Some(count), None) => {
                let (place, count) = (lines.number_of(place)?, lines.number_of(count)?);
                if !channels.with_epochs(|epochs| epochs.set_ends(place, count)) {
                    return Err(lines.wrong());
                }
            }
            (Some("channel"), Some(name), Some(before), Some(count)) if words.next().is_none() => {
                let name = ChannelName::parse(name).map_err(|_| lines.wrong())?;
                let before: Position = lines.number_of(before)?;
                let count: usize = lines.number_of(count)?;
                reading.channel(&name, before, count, &mut lines)?;
                told_channels += 1;
                told_messages += count;
            }
            (Some("end"), Some(channels), Some(messages), Some(told)) if words.next().is_none() => {
                let counts: (usize, usize) =
                    (lines.number_of(channels)?, lines.number_of(messages)?);
                if told != sum {
                    return Err(SnapshotError::Checksum);
                }
                if counts != (told_channels, told_messages) || !lines.at_end()? {
                    return Err(lines.wrong());
                }
                return Ok(reading.ended());
            }
            _ => return Err(lines.wrong()),
        }
    }
}

/// Reads the first line and gives the time of writing.
fn first_line<R: BufRead>(lines: &mut Lines<'_, R>) -> Result<u64, SnapshotError> {
    let most = std::mem::replace(&mut lines.most, LINE);
    let ended = lines.next();
    lines.most = most;
    // An empty file is one that something else cut off: it could have been a log.
    if lines.line.is_empty() {
        return ended.and(Err(SnapshotError::Foreign));
    }
    let text = std::str::from_utf8(&lines.line).map_err(|_| SnapshotError::Foreign)?;
    let rest = text.strip_prefix(MAGIC).ok_or(SnapshotError::Foreign)?;
    ended?;
    let mut words = rest.split(' ').skip(1);
    let (version, written) = (words.next(), words.next());
    let version = version.and_then(|word| word.parse().ok());
    match (version, written.and_then(|word| word.parse().ok())) {
        (Some(VERSION), Some(written)) => Ok(written),
        (Some(found), _) if found != VERSION => Err(SnapshotError::Version { found }),
        _ => Err(lines.wrong()),
    }
}

/// Reads the second line and gives the key of the epochs.
fn epochs_line<R: BufRead>(lines: &mut Lines<'_, R>) -> Result<u128, SnapshotError> {
    lines.next()?;
    let key = lines.text()?.strip_prefix("epochs ");
    let key = key.filter(|key| key.len() == 32 && key.bytes().all(|b| b.is_ascii_hexdigit()));
    let key = key.and_then(|key| u128::from_str_radix(key, 16).ok());
    key.ok_or_else(|| lines.wrong())
}

/// The channels as they come back.
struct Reading<'a> {
    channels: &'a Channels,
    limits: RingLimits,
    now: Instant,
    /// The milliseconds since the snapshot was written.
    away: u64,
    /// When the next channel is to have been used last.
    used: Instant,
    restored: Restored,
}

impl Reading<'_> {
    /// Gives the counts, once there is no more to come.
    fn ended(mut self) -> Restored {
        // All channels together may keep less than each of them for itself.
        let trimmed = usize::try_from(self.channels.trimmed()).unwrap_or(usize::MAX);
        self.restored.messages = self.restored.messages.saturating_sub(trimmed);
        self.restored.messages_left += trimmed;
        self.restored
    }

    fn channel<R: BufRead>(
        &mut self,
        name: &ChannelName,
        before: Position,
        count: usize,
        lines: &mut Lines<'_, R>,
    ) -> Result<(), SnapshotError> {
        if before.offset > LAST {
            return Err(lines.wrong());
        }
        let mut ring = Ring::resumed(self.limits, before.offset);
        let account = self.channels.account();
        for _ in 0..count {
            let whole = lines.next()?;
            let (offset, age, payload) = lines.message()?;
            if offset <= ring.head() || offset > LAST {
                return Err(lines.wrong());
            }
            let age = Duration::from_millis(age.saturating_add(self.away));
            let at = self.now.checked_sub(age).filter(|_| whole);
            let Some(at) = at.filter(|_| age <= self.limits.age) else {
                ring.skip_to(offset);
                continue;
            };
            let payload = Payload::parse(payload, usize::MAX).map_err(|_| lines.wrong())?;
            let position = Position { offset, ..before };
            ring.push(at, Arc::new(Message::new(position, payload, &account)));
        }
        ring.expire(self.now);
        let kept = ring.len();
        let past = Past {
            epoch: before.epoch,
            ring,
            account,
            used: self.used,
        };
        // The next one was used before it. That order is all that is known, and a later snapshot has it too.
        self.used = self.used.checked_sub(STEP).unwrap_or(self.used);
        match self.channels.restore(name, past) {
            Ok(true) => {
                self.restored.channels += 1;
                self.restored.messages += kept;
                self.restored.messages_left += count - kept;
            }
            Ok(false) => {
                self.restored.channels_left += 1;
                self.restored.messages_left += count;
            }
            Err(_exists) => return Err(lines.wrong()),
        }
        Ok(())
    }
}

/// A snapshot's lines, and the sum of what was read.
struct Lines<'a, R> {
    from: &'a mut R,
    hash: Sha256,
    number: u64,
    /// The last line read, without its end; cut when it is longer than `most`.
    line: Vec<u8>,
    most: usize,
}

impl<R: BufRead> Lines<'_, R> {
    /// Reads a line; false when it was longer than any that matters, and what is beyond was passed over.
    fn next(&mut self) -> Result<bool, SnapshotError> {
        self.line.clear();
        self.number += 1;
        let mut whole = true;
        loop {
            let chunk = match self.from.fill_buf() {
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                chunk => chunk?,
            };
            if chunk.is_empty() {
                return Err(SnapshotError::Truncated);
            }
            let end = chunk.iter().position(|byte| *byte == b'\n');
            let taken = end.map_or(chunk.len(), |end| end + 1);
            self.hash.update(&chunk[..taken]);
            let text = &chunk[..end.unwrap_or(taken)];
            let room = self.most - self.line.len();
            whole &= text.len() <= room;
            self.line.extend_from_slice(&text[..text.len().min(room)]);
            self.from.consume(taken);
            if end.is_some() {
                return Ok(whole);
            }
        }
    }

    /// The last line as text.
    fn text(&self) -> Result<&str, SnapshotError> {
        std::str::from_utf8(&self.line).map_err(|_| self.wrong())
    }

    /// The last line as a message: its offset, its age and its payload.
    fn message(&self) -> Result<(u64, u64, &[u8]), SnapshotError> {
        let mut parts = self.line.splitn(3, |byte| *byte == b' ');
        let mut number = || {
            let word = std::str::from_utf8(parts.next()?).ok()?;
            word.parse().ok()
        };
        let (offset, age) = (number(), number());
        match (offset, age, parts.next()) {
            (Some(offset), Some(age), Some(payload)) => Ok((offset, age, payload)),
            _ => Err(self.wrong()),
        }
    }

    fn number_of<T: FromStr>(&self, word: &str) -> Result<T, SnapshotError> {
        word.parse().map_err(|_| self.wrong())
    }

    fn wrong(&self) -> SnapshotError {
        SnapshotError::Malformed { line: self.number }
    }

    /// The sum of all lines up to here.
    fn sum(&self) -> String {
        hex(&self.hash.clone().finalize())
    }

    fn at_end(&mut self) -> Result<bool, SnapshotError> {
        Ok(self.from.fill_buf()?.is_empty())
    }
}
