//! The publishing connections, watched together.

use std::collections::BTreeMap;
use std::io;
use std::os::fd::OwnedFd;
use std::rc::Rc;
use std::time::Duration;

use rustix::event::epoll;
use rustix::time::Timespec;

use super::line::{Line, Manner, Outcome};
use super::shard::channel_number;
use super::{Assignment, add};
use crate::client::Profile;
use crate::client::publisher::Site;
use crate::clock::Moment;
use crate::net::WireTotals;
use crate::schedule::Due;
use crate::stamp::Stamp;

/// Every publishing connection, watched together.
pub(super) struct Lines {
    /// By POST: one a publisher. By WebSocket: one for each pair of publisher and channel.
    lines: Vec<Line>,
    /// The line of a pair, for WebSockets.
    sockets: BTreeMap<(u32, u32), usize>,
    channels: Vec<Rc<str>>,
    epoll: OwnedFd,
}

impl Lines {
    pub(super) fn open(assignment: &Assignment) -> io::Result<Self> {
        let channels: Vec<Rc<str>> = (0..assignment.load.channels)
            .map(|channel| assignment.channel(channel).into())
            .collect();
        let site = Site {
            authority: assignment.authority.as_str().into(),
            profile: Rc::new(
                Profile::of_publishers(&assignment.load).with_token(assignment.token.as_ref()),
            ),
            template: assignment.dialect.template().cloned().map(Rc::new),
        };
        let nodes: Vec<_> = (0..=assignment.also.len())
            .map(|turn| assignment.node(turn))
            .collect();
        let line = |number: usize, socket| {
            let mut nodes = nodes.clone();
            let turn = number % nodes.len();
            nodes.rotate_left(turn);
            Line::open(Manner {
                nodes,
                site: site.clone(),
                secure: assignment.secure.clone(),
                socket,
            })
        };
        let (mut lines, mut sockets) = (Vec::new(), BTreeMap::new());
        if assignment.load.publishes_on_sockets() {
            for (publisher, channel) in assignment.pairs() {
                sockets.insert(
                    (channel_number(publisher), channel_number(channel)),
                    lines.len(),
                );
                lines.push(line(lines.len(), Some(Rc::clone(&channels[channel])))?);
            }
        } else {
            for number in 0..assignment.load.publishers {
                lines.push(line(number, None)?);
            }
        }
        let epoll = epoll::create(epoll::CreateFlags::CLOEXEC)?;
        for (number, line) in lines.iter().enumerate() {
            watch(&epoll, number, line)?;
        }
        Ok(Self {
            lines,
            sockets,
            channels,
            epoll,
        })
    }

    /// The line of a message's publisher and channel.
    pub(super) fn number(&self, due: &Due) -> usize {
        self.sockets
            .get(&(due.publisher, due.channel))
            .copied()
            .unwrap_or(due.publisher as usize)
    }

    /// Sends a message on a line; gives the instant of sending. After an error
    /// [`Lines::answers`] must be called for this line.
    pub(super) fn publish(
        &mut self,
        number: usize,
        stamp: &Stamp,
        payload: &[u8],
    ) -> Result<Moment, &'static str> {
        let line = &mut self.lines[number];
        let channel = &self.channels[stamp.channel as usize];
        let (sent, reopened) = line.publish(stamp, channel, payload)?;
        if reopened {
            // A line that cannot be watched has its answers counted as missing at the end.
            let _ = watch(&self.epoll, number, line);
        }
        Ok(sent)
    }

    /// Reads the answers that have come on one line.
    pub(super) fn answers(
        &mut self,
        number: usize,
        buffer: &mut [u8],
        take: &mut dyn FnMut(Outcome),
    ) {
        self.lines[number].answers(buffer, take);
    }

    /// Whether messages are without an answer.
    pub(super) fn are_waiting(&self) -> bool {
        self.lines.iter().any(Line::is_waiting)
    }

    /// Bytes on the wire of every connection so far; `None` when the kernel gives no counters.
    pub(super) fn wire(&self) -> Option<WireTotals> {
        let nothing = Some(WireTotals::default());
        self.lines.iter().map(Line::wire).fold(nothing, add)
    }

    /// Counts every message without an answer as failed.
    pub(super) fn give_up(&mut self, take: &mut dyn FnMut(Outcome)) {
        self.lines.iter_mut().for_each(|line| line.give_up(take));
    }

    /// Reads the answers that come within `limit`, to whole milliseconds, and sends what could not be sent before.
    pub(super) fn read_answers(
        &mut self,
        limit: Duration,
        buffer: &mut [u8],
        take: &mut dyn FnMut(Outcome),
    ) {
        let mut events = [epoll::Event {
            flags: epoll::EventFlags::empty(),
            data: epoll::EventData::new_u64(0),
        }; 64];
        let millis = i64::try_from(limit.as_millis()).unwrap_or(0);
        let timeout = Timespec {
            tv_sec: millis / 1000,
            tv_nsec: millis % 1000 * 1_000_000,
        };
        let Ok(count) = epoll::wait(&self.epoll, &mut events, Some(&timeout)) else {
            return;
        };
        for event in &events[..count] {
            if let Some(line) = usize::try_from(event.data.u64())
                .ok()
                .and_then(|number| self.lines.get_mut(number))
            {
                line.answers(buffer, take);
            }
        }
        for line in self.lines.iter_mut().filter(|line| line.has_unsent()) {
            line.answers(buffer, take);
        }
    }
}

fn watch(epoll: &OwnedFd, number: usize, line: &Line) -> io::Result<()> {
    let Some(descriptor) = line.descriptor() else {
        return Ok(());
    };
    Ok(epoll::add(
        epoll,
        descriptor,
        epoll::EventData::new_u64(number as u64),
        epoll::EventFlags::IN | epoll::EventFlags::RDHUP,
    )?)
}
