//! Publishing by POST, from a page that may have to ask first.

use std::cell::RefCell;
use std::collections::{BTreeMap, VecDeque};
use std::rc::Rc;
use std::time::Duration;

use super::ClientError;
use super::publisher::{Answer, Site};
use super::request::Kind;
use super::template::posting_url;
use crate::clock::Moment;
use crate::net::Input;
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

/// A request whose answer has not come.
#[derive(Debug)]
struct Request {
    number: u64,
    /// A preflight, and not a post.
    asks: bool,
    /// Once that has come.
    head: Option<Box<Head>>,
}

/// Messages on their way on one connection. Answers come in the order of the requests, or say which one they
/// answer.
///
/// A page of another origin asks before it posts to an address, unless it has been told lately.
/// Until the answer is there, what it publishes waits in order, as a `fetch` does.
#[derive(Debug)]
pub(super) struct Posts {
    reader: Reader,
    /// Requests whose answer has not come, in order; those before them are all answered.
    unanswered: VecDeque<Request>,
    /// Requests so far.
    count: u64,
    /// A preflight is on its way.
    asking: bool,
    held: VecDeque<(Box<str>, Box<[u8]>)>,
    held_bytes: usize,
    preflights: Rc<RefCell<Preflights>>,
}

impl Posts {
    pub(super) fn new(preflights: Rc<RefCell<Preflights>>) -> Self {
        Self {
            reader: Reader::default(),
            unanswered: VecDeque::new(),
            count: 0,
            asking: false,
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
        self.sent(false);
        if let Some(template) = &site.template {
            return site.post(template, channel, payload, out);
        }
        let kind = Kind::Post {
            length: payload.len(),
            json: true,
        };
        let line = format_args!("POST /channels/{channel}/messages");
        site.profile.write(line, &site.authority, kind, 0, out);
        out.extend_from_slice(payload);
    }

    fn sent(&mut self, asks: bool) {
        self.unanswered.push_back(Request {
            number: self.count,
            asks,
            head: None,
        });
        self.count += 1;
    }

    /// Posts what may be posted; asks where it must be asked.
    fn go_on(&mut self, site: &Site, now: Moment, out: &mut Vec<u8>) {
        while !self.asking
            && let Some((channel, payload)) = self.held.front()
        {
            if !self.preflights.borrow().allow(channel, now) {
                let url = posting_url(site, channel, payload);
                let line = format_args!("OPTIONS {url}");
                site.profile
                    .write(line, &site.authority, Kind::Preflight, 0, out);
                self.asking = true;
                self.sent(true);
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
        mut input: Input<'_>,
        out: &mut Vec<u8>,
        mut take: impl FnMut(Answer),
    ) -> Result<(), ClientError> {
        loop {
            let (request, piece) = input.next(&mut self.reader)?;
            match piece {
                Piece::Head(head) => {
                    let place = self.place(request);
                    if let Some(request) = self.unanswered.get_mut(place) {
                        request.head = Some(Box::new(head));
                    }
                }
                Piece::Body(_) => {}
                Piece::End => {
                    let place = self.place(request);
                    self.answered(place, site, out, &mut take);
                }
                Piece::More => return Ok(()),
            }
        }
    }

    /// The place of the request that is answered: the oldest, where the answer does not say.
    fn place(&self, request: Option<u64>) -> usize {
        let find = |number| self.unanswered.partition_point(|one| one.number < number);
        request.map_or(0, find)
    }

    fn answered(
        &mut self,
        place: usize,
        site: &Site,
        out: &mut Vec<u8>,
        take: &mut impl FnMut(Answer),
    ) {
        // An answer to nothing is none.
        let Some(request) = self.unanswered.remove(place) else {
            return;
        };
        let head = request.head.unwrap_or_default();
        let posts = |before: usize| {
            let older = self.unanswered.range(..before);
            older.filter(|request| !request.asks).count()
        };
        if request.asks {
            // The message that it is for is the first of those that wait, behind all posts.
            let place = posts(self.unanswered.len());
            self.told(&head, place, site, out, take);
        } else if (200..300).contains(&head.status) {
            take(Answer::Accepted(posts(place)));
        } else {
            take(Answer::Refused(posts(place)));
        }
        if head.close {
            take(Answer::Ended);
        }
    }

    /// A preflight is answered: the message that it was for is posted, or never will be.
    fn told(
        &mut self,
        head: &Head,
        place: usize,
        site: &Site,
        out: &mut Vec<u8>,
        take: &mut impl FnMut(Answer),
    ) {
        self.asking = false;
        let now = Moment::now();
        if site.profile.admission().lets_post(head) {
            let max_age = head.cors.as_ref().and_then(|cors| cors.max_age);
            if let Some((channel, payload)) = self.take_held() {
                let mut preflights = self.preflights.borrow_mut();
                preflights.remember(&channel, max_age, now);
                drop(preflights);
                // Also when it is not to be remembered at all.
                self.post(site, &channel, &payload, out);
            }
        } else {
            let _ = self.take_held();
            take(Answer::Forbidden(place));
        }
        self.go_on(site, now, out);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::Profile;
    use crate::net::{Content, Part};
    use crate::scenario::Load;

    #[test]
    fn answers_in_any_order_find_their_messages() {
        let site = Site {
            authority: "there".into(),
            profile: Rc::new(Profile::of_publishers(&Load::default())),
            template: None,
        };
        let (mut posts, mut out) = (Posts::new(Rc::default()), Vec::new());
        (0..4).for_each(|_| posts.publish(&site, "c", b"{}", &mut out));
        let answer = |request, status| {
            let head = Head {
                status,
                ..Head::default()
            };
            [Content::Head(head), Content::End].map(|content| Part { request, content })
        };
        let mut parts: Vec<Part> = [answer(2, 201), answer(0, 503), answer(3, 201)]
            .into_iter()
            .flatten()
            .collect();
        let mut told = Vec::new();
        let input = Input::from(&mut parts[..]);
        posts
            .feed(&site, input, &mut out, |answer| told.push(answer))
            .unwrap();
        // By their places among those that are still without an answer; the second waits.
        let wanted = [Answer::Accepted(2), Answer::Refused(0), Answer::Accepted(1)];
        assert_eq!(told, wanted);
        assert_eq!(posts.unanswered.len(), 1);
        // What comes without a number answers the oldest.
        let one = b"HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n";
        let feed = posts.feed(&site, Input::from(one), &mut out, |answer| {
            told.push(answer)
        });
        assert!(feed.is_ok() && told.last() == Some(&Answer::Accepted(0)));
    }

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
