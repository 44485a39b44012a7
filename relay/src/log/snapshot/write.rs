//! From logs to a snapshot.

use std::fmt::Write as _;
use std::io::{self, Write};

use sha2::{Digest, Sha256};
use tokio::time::Instant;

use super::{MAGIC, VERSION};
use crate::log::channels::Channels;
use crate::log::{Kept, Ring};
use crate::message::{ChannelName, Epoch, Position};

/// Writes all that is kept, the channel used last first; `written` is the time of day in milliseconds.
///
/// Who wants the snapshot to be whole calls it when nothing appends any more.
pub(in crate::log) fn write(
    channels: &Channels,
    written: u64,
    out: &mut impl Write,
) -> io::Result<Kept> {
    let now = Instant::now();
    let mut out = Hashed {
        out,
        hash: Sha256::new(),
    };
    let mut kept = Kept::default();
    writeln!(out, "{MAGIC} {VERSION} {written}")?;
    channels.with_epochs(|epochs| {
        writeln!(out, "epochs {:032x}", epochs.key())?;
        let mut ends = epochs.ends();
        ends.try_for_each(|(place, count)| writeln!(out, "ended {place} {count}"))
    })?;
    for (name, channel) in channels.by_use() {
        channel.with_ring_at(now, |ring, epoch| -> io::Result<()> {
            kept.channels += 1;
            kept.messages += ring.len();
            kept.bytes += ring.bytes();
            channel_lines(&name, epoch, ring, now, &mut out)
        })?;
    }
    let sum = hex(&out.hash.finalize_reset());
    writeln!(out, "end {} {} {sum}", kept.channels, kept.messages)?;
    Ok(kept)
}

fn channel_lines(
    name: &ChannelName,
    epoch: Epoch,
    ring: &Ring,
    now: Instant,
    out: &mut impl Write,
) -> io::Result<()> {
    let before = Position {
        epoch,
        offset: ring.evicted(),
    };
    writeln!(out, "channel {} {before} {}", name.as_str(), ring.len())?;
    for (at, message) in ring.iter() {
        let age = now.duration_since(*at).as_millis();
        write!(out, "{} {age} ", message.position.offset)?;
        out.write_all(message.payload.bytes())?;
        out.write_all(b"\n")?;
    }
    Ok(())
}

/// What is written, and its sum.
struct Hashed<W> {
    out: W,
    hash: Sha256,
}

impl<W: Write> Write for Hashed<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.out.write(bytes)?;
        self.hash.update(&bytes[..written]);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

/// Writes bytes in hexadecimal, lower case.
pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
