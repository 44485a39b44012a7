//! One direction of an emulated link: when bytes that are sent at one end come out at the other.
//!
//! Pure: it reads no clock and waits for nothing. A [`Pipe`] is one direction of one connection. It
//! holds back what is on its way, and says when the next of it arrives, in the order of a TCP stream:
//!
//! - bytes are cut into segments of at most [`SEGMENT`] bytes, each with [`HEADERS`] bytes more on the wire;
//! - a segment takes its turn at the bottleneck and is on the wire for its bits over the bandwidth;
//! - then it travels half the round trip, and a random addition from 0 to `jitter`;
//! - with the probability `loss` it is lost, and arrives by a retransmission: a round trip after the
//!   third later segment has arrived (fast retransmit, RFC 5681, section 3.2), or when nobody comes
//!   after it a timeout late, `rtt + max(200 ms, 4 * jitter)` (RFC 6298 with the floor that Linux has,
//!   `TCP_RTO_MIN`). A retransmission that is lost too waits for the timeout each time, and the
//!   timeout doubles (RFC 6298, section 5.5);
//! - nothing overtakes: what comes behind a lost segment waits for it.
//!
//! Congestion control is not emulated: a sender has its whole window from the start.

use std::collections::VecDeque;
use std::time::Duration;

use rand::rngs::SmallRng;
use rand::{RngExt, SeedableRng};

use crate::clock::Moment;
use crate::scenario::Link;

/// The most bytes of one segment: what an Ethernet packet has room for beside TCP/IP headers with timestamps.
pub(super) const SEGMENT: usize = 1448;
/// Bytes that a segment has on the wire beside its data: IPv4, TCP, and TCP timestamps.
pub(super) const HEADERS: usize = 52;
/// Bytes of a SYN on the wire.
const SYN: usize = 60;
/// The timeout of a handshake's segment (RFC 6298, section 2.1).
const FIRST_TIMEOUT: Duration = Duration::from_secs(1);
/// Later segments that have to arrive before a lost one is sent again at once.
const DUPLICATES: u8 = 3;
/// How often in a row one segment is lost at most.
const LOSSES: u32 = 6;
/// Bytes in flight: twice what the link holds, and within these.
const LEAST_WINDOW: u64 = 256 << 10;
const LARGEST_WINDOW: u64 = 4 << 20;
/// The same without a bandwidth.
const USUAL_WINDOW: u64 = 1 << 20;
/// Segments in flight, whatever their size.
const MOST_SEGMENTS: usize = 8192;
/// An empty pipe gives more memory than this back, in bytes.
const KEEP: usize = 4096;

/// A part of the stream on its way.
#[derive(Debug)]
struct Segment {
    /// Bytes; 0 is the end of the stream.
    length: usize,
    /// When it would arrive if it waited for nobody.
    arrival: Moment,
    /// Later segments that may still bring its retransmission forward.
    wanting: u8,
    /// Whether the instant of its sending is known.
    stamped: bool,
}

/// What can be taken out of a pipe at one instant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Due {
    /// Bytes; 0 is the end of the stream.
    pub(super) count: usize,
    /// When they arrived.
    pub(super) arrival: Moment,
    /// Whether the instant of their sending was known, so that the arrival is exact.
    pub(super) stamped: bool,
}

/// One direction of an emulated connection.
#[derive(Debug)]
pub(super) struct Pipe {
    delay: Duration,
    rtt: Duration,
    jitter: u64,
    loss: f64,
    timeout: Duration,
    bits: Option<u64>,
    window: usize,
    random: SmallRng,
    /// When the bottleneck has put everything so far on the wire.
    free: Moment,
    /// When the latest bytes arrived: nothing arrives before them.
    arrived: Moment,
    /// Since when there has been room.
    room: Moment,
    segments: VecDeque<Segment>,
    bytes: VecDeque<u8>,
    /// Segments that were lost and may still be sent again early.
    holes: usize,
}

impl Pipe {
    /// The way to the client, and the way back; the same seed gives the same fate to the same bytes.
    pub(super) fn pair(link: &Link, seed: u64) -> (Self, Self) {
        (
            Self::new(link, link.down, seed),
            Self::new(link, link.up, !seed),
        )
    }

    fn new(link: &Link, bits: Option<u64>, seed: u64) -> Self {
        let in_flight = |bits: u64| {
            let held = u128::from(bits) * link.rtt.as_nanos() / 4_000_000_000;
            u64::try_from(held)
                .unwrap_or(LARGEST_WINDOW)
                .clamp(LEAST_WINDOW, LARGEST_WINDOW)
        };
        let window = bits.map_or(USUAL_WINDOW, in_flight);
        Self {
            delay: link.rtt / 2,
            rtt: link.rtt,
            jitter: u64::try_from(link.jitter.as_nanos()).unwrap_or(u64::MAX),
            loss: link.loss,
            timeout: link.retransmission_timeout(),
            bits,
            window: usize::try_from(window).unwrap_or(usize::MAX),
            random: SmallRng::seed_from_u64(seed),
            free: Moment(0),
            arrived: Moment(0),
            room: Moment(0),
            segments: VecDeque::new(),
            bytes: VecDeque::new(),
            holes: 0,
        }
    }

    /// How many bytes may be sent now: what is on its way is bounded, as by a receive window.
    pub(super) fn room(&self) -> usize {
        if self.segments.len() < MOST_SEGMENTS {
            self.window.saturating_sub(self.bytes.len())
        } else {
            0
        }
    }

    /// Sends bytes at an instant; `stamped` says whether the instant is known or merely now.
    ///
    /// The caller keeps to [`Pipe::room`].
    pub(super) fn send(&mut self, at: Moment, stamped: bool, bytes: &[u8]) {
        // What was sent while there was no room has waited at the far end.
        let at = at.max(self.room);
        for part in bytes.chunks(SEGMENT) {
            self.push(at, stamped, part.len());
        }
        self.bytes.extend(bytes);
    }

    /// Ends the stream: the end arrives after everything else. It is not lost.
    pub(super) fn end(&mut self, at: Moment) {
        let arrival = self.serialise(at.max(self.room), HEADERS) + self.delay;
        self.segments.push_back(Segment {
            length: 0,
            arrival,
            wanting: 0,
            stamped: false,
        });
    }

    /// When the next bytes arrive, or have arrived.
    pub(super) fn next(&self) -> Option<Moment> {
        let first = self.segments.front()?;
        Some(first.arrival.max(self.arrived))
    }

    /// What has arrived by now and together; [`Pipe::bytes`] begins with it.
    pub(super) fn due(&self, now: Moment) -> Option<Due> {
        let arrival = self.next().filter(|arrival| *arrival <= now)?;
        let first = self.segments.front()?;
        let together = self
            .segments
            .iter()
            .take_while(|segment| segment.arrival <= arrival && segment.length > 0);
        Some(Due {
            count: together.map(|segment| segment.length).sum(),
            arrival,
            stamped: first.stamped,
        })
    }

    /// The bytes on their way, the next to arrive first.
    pub(super) fn bytes(&self) -> &VecDeque<u8> {
        &self.bytes
    }

    /// Takes out the first `count` bytes, or with 0 the end, that [`Pipe::due`] has given with this arrival.
    pub(super) fn take(&mut self, count: usize, arrival: Moment) {
        if self.room() == 0 {
            self.room = arrival;
        }
        self.arrived = arrival;
        let mut left = count;
        while let Some(first) = self.segments.front_mut() {
            let part = left.min(first.length);
            left -= part;
            first.length -= part;
            if first.length > 0 {
                break;
            }
            self.holes -= usize::from(first.wanting > 0);
            self.segments.pop_front();
            if left == 0 {
                break;
            }
        }
        self.bytes.drain(..count - left);
        if self.segments.is_empty() && self.bytes.capacity() > KEEP {
            (self.bytes, self.segments) = (VecDeque::new(), VecDeque::new());
        }
    }

    /// When a segment of a handshake that is sent at an instant arrives.
    pub(super) fn handshake(&mut self, at: Moment) -> Moment {
        let losses = self.losses();
        let late = FIRST_TIMEOUT * ((1 << losses) - 1);
        self.serialise(at + late, SYN) + self.delay + self.variation()
    }

    fn push(&mut self, at: Moment, stamped: bool, length: usize) {
        let sent = self.serialise(at, length + HEADERS);
        let arrival = sent + self.delay + self.variation();
        let losses = self.losses();
        let mut segment = Segment {
            length,
            arrival,
            wanting: 0,
            stamped,
        };
        if losses == 0 {
            self.fill_holes(arrival);
        } else {
            segment.arrival = arrival + self.timeout * ((1 << losses) - 1);
            // Each retransmission takes its turn at the bottleneck too.
            for _ in 0..losses {
                self.serialise(at, length + HEADERS);
            }
            if losses == 1 {
                segment.wanting = DUPLICATES;
                self.holes += 1;
            }
        }
        self.segments.push_back(segment);
    }

    /// A later segment arrives at `arrival`: what was lost before it may be sent again sooner.
    fn fill_holes(&mut self, arrival: Moment) {
        if self.holes == 0 {
            return;
        }
        let again = arrival + self.rtt;
        for lost in self.segments.iter_mut().filter(|lost| lost.wanting > 0) {
            lost.wanting -= 1;
            if lost.wanting == 0 {
                lost.arrival = lost.arrival.min(again);
                self.holes -= 1;
            }
        }
    }

    /// When the bottleneck has put so many bytes on the wire.
    fn serialise(&mut self, at: Moment, bytes: usize) -> Moment {
        let Some(bits) = self.bits else { return at };
        let nanos = bytes as u64 * 8 * 1_000_000_000 / bits.max(1);
        self.free = self.free.max(at) + Duration::from_nanos(nanos);
        self.free
    }

    fn variation(&mut self) -> Duration {
        Duration::from_nanos(if self.jitter > 0 {
            self.random.random_range(0..=self.jitter)
        } else {
            0
        })
    }

    /// How often a segment is lost before it arrives.
    fn losses(&mut self) -> u32 {
        let mut losses = 0;
        while self.loss > 0.0 && losses < LOSSES && self.random.random_bool(self.loss) {
            losses += 1;
        }
        losses
    }
}
