//! Publishing by POST, from a page that may have to ask first.

use std::cell::RefCell;
use std::collections::{BTreeMap, VecDeque};
use std::rc::Rc;
use std::time::Duration;

use super::ClientError;
use super::publisher::{Answer, Site};
use super::request::Kind;
use crate::clock::Moment;
use crate::net::http::{Head, Piece, Reader};

/// How long Chrome keeps the answer to a preflight that does not say how long.
const DEFAULT_AGE: Duration = Duration::from_secs(5);
/// The longest time that Chrome keeps one, whatever it says.
const LONGEST_AGE: Duration = Duration::from_secs(7200);

/// What the browser of one publisher remembers: where it may post, and until when. It outlives connections.
#[derive(Debug, Default)]
pub struct Preflights {
    /// By channel, as each has an address of its own.
    until: BTreeMap<Box<str>, Moment>,
}

impl Preflights {
    fn allow(&self, channel: &str, now: Moment) -> bool {
        self.until.get(channel).is_some_and(|until| now < *until)
    }

    fn remember(&mut self, channel: &str, max_age: Option<u64>, now: Moment) {
        let age = max_age.map_or(DEFAULT_AGE, Duration::from_secs);
        self.until
            .insert(channel.into(), now + age.min(LONGEST_AGE));
    }
}

/// Messages on their way on one connection. Answers come in the order of publishing.
///
/// A page of another origin asks before it posts to an address, unless it has been told lately.
/// Until the answer is there, what it publishes waits in order, as a `fetch` does.
#[derive(Debug)]
pub(super) struct Posts {
    reader: Reader,
    head: Head,
    /// Posts whose answer has not come.
    unanswered: usize,
    /// A preflight is on its way, behind so many posts.
    asking: Option<usize>,
    held: VecDeque<(Box<str>, Box<[u8]>)>,
    held_bytes: usize,
    preflights: Rc<RefCell<Preflights>>,
}

impl Posts {
    pub(super) fn new(preflights: Rc<RefCell<Preflights>>) -> Self {
        Self {
            reader: Reader::default(),
            head: Head::default(),
            unanswered: 0,
            asking: None,
            held: VecDeque::new(),
            held_bytes: 0,
            preflights,
        }
    }

    /// Bytes of messages that wait for a preflight.
    pub(super) fn held(&self) -> usize {
        self.held_bytes
    }

    pub(super) fn publish(
        &mut self,
        site: &Site,
        channel: &str,
        payload: &[u8],
        out: &mut Vec<u8>,
    ) {
        if !site.profile.asks_first() {
            return self.post(site, channel, payload, out);
        }
        self.held_bytes += payload.len();
        self.held.push_back((channel.into(), payload.into()));
        self.go_on(site, Moment::now(), out);
    }

    fn post(&mut self, site: &Site, channel: &str, payload: &[u8], out: &mut Vec<u8>) {
        let length = payload.len();
        let line = format_args!("POST /channels/{channel}/messages");
        let kind = Kind::Post { length };
        site.profile.write(line, &site.authority, kind, 0, out);
        out.extend_from_slice(payload);
        self.unanswered += 1;
    }

    /// Posts what may be posted; asks where it must be asked.
    fn go_on(&mut self, site: &Site, now: Moment, out: &mut Vec<u8>) {
        while self.asking.is_none()
            && let Some((channel, _)) = self.held.front()
        {
            if !self.preflights.borrow().allow(channel, now) {
                let line = format_args!("OPTIONS /channels/{channel}/messages");
                site.profile
                    .write(line, &site.authority, Kind::Preflight, 0, out);
                self.asking = Some(self.unanswered);
            } else if let Some((channel, payload)) = self.take_held() {
                self.post(site, &channel, &payload, out);
            }
        }
    }

    fn take_held(&mut self) -> Option<(Box<str>, Box<[u8]>)> {
        let held = self.held.pop_front()?;
        self.held_bytes -= held.1.len();
        Some(held)
    }

    /// Takes in all of `input`.
    pub(super) fn feed(
        &mut self,
        site: &Site,
        mut input: &[u8],
        out: &mut Vec<u8>,
        mut take: impl FnMut(Answer),
    ) -> Result<(), ClientError> {
        loop {
            let (taken, piece) = self.reader.read(input)?;
            input = &input[taken..];
            match piece {
                Piece::Head(head) => self.head = head,
                Piece::Body(_) => {}
                Piece::End => {
                    if self.asking == Some(0) {
                        self.told(site, out, &mut take);
                    } else {
                        self.unanswered = self.unanswered.saturating_sub(1);
                        self.asking = self.asking.map(|before| before - 1);
                        take(if (200..300).contains(&self.head.status) {
                            Answer::Accepted
                        } else {
                            Answer::Refused
                        });
                    }
                    if self.head.close {
                        take(Answer::Ended);
                    }
                }
                Piece::More => return Ok(()),
            }
        }
    }

    /// A preflight is answered: the message that it was for is posted, or never will be.
    fn told(&mut self, site: &Site, out: &mut Vec<u8>, take: &mut impl FnMut(Answer)) {
        self.asking = None;
        let now = Moment::now();
        if site.profile.admission().lets_post(&self.head) {
            let max_age = self.head.cors.as_ref().and_then(|cors| cors.max_age);
            if let Some((channel, payload)) = self.take_held() {
                let mut preflights = self.preflights.borrow_mut();
                preflights.remember(&channel, max_age, now);
                drop(preflights);
                // Also when it is not to be remembered at all.
                self.post(site, &channel, &payload, out);
            }
        } else {
            let _ = self.take_held();
            take(Answer::Forbidden);
        }
        self.go_on(site, now, out);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_preflight_is_remembered_as_long_as_chrome_does() {
        let mut preflights = Preflights::default();
        let now = Moment(1);
        for (max_age, seconds) in [
            (None, 5),
            (Some(600), 600),
            (Some(0), 0),
            (Some(86_400), 7200),
        ] {
            preflights.remember("c", max_age, now);
            let end = now + Duration::from_secs(seconds);
            assert!(seconds == 0 || preflights.allow("c", Moment(end.0 - 1)));
            assert!(!preflights.allow("c", end), "{max_age:?}");
            assert!(!preflights.allow("d", now), "each address for itself");
        }
    }
}
