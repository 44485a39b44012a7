//! Tickets: what an event source or a browser's WebSocket shows in place of a token, which it cannot send.
//!
//! A ticket stands in an address, and addresses end up in logs and histories. So it opens one
//! channel, once, within seconds, for pages of the origin that asked for it.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rand::RngExt;
use subtle::ConstantTimeEq;
use tokio::time::Instant;

use super::origin::Origin;
use super::token::Grant;

/// Bytes of a ticket's secret.
const SECRET: usize = 24;
/// One token holds at most this part of all tickets.
const SHARE: usize = 8;

/// The tickets that are out: bounded in number and in time, and kept nowhere else.
#[derive(Debug)]
pub(super) struct Tickets {
    out: Mutex<Out>,
    most: usize,
    life: Duration,
}

/// Numbers grow, and all tickets live equally long: the first is always the next to expire.
#[derive(Debug, Default)]
struct Out {
    tickets: BTreeMap<u64, Ticket>,
    /// How many each token holds; none that holds none.
    held: HashMap<u64, usize>,
    next: u64,
}

#[derive(Debug)]
struct Ticket {
    secret: [u8; SECRET],
    expires: Instant,
    channel: String,
    origin: Origin,
    grant: Arc<Grant>,
}

/// All tickets, or all of one token, are out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("too many tickets wait to be used; try again when some have expired")]
pub struct TooManyTickets;

impl Tickets {
    pub(super) fn new(most: usize, life: Duration) -> Self {
        Self {
            out: Mutex::default(),
            most,
            life,
        }
    }

    /// Gives out a ticket for one channel.
    pub(super) fn issue(
        &self,
        grant: &Arc<Grant>,
        channel: &str,
        origin: &Origin,
        now: Instant,
    ) -> Result<String, TooManyTickets> {
        let secret: [u8; SECRET] = rand::rng().random();
        let mut out = self.out.lock().unwrap_or_else(PoisonError::into_inner);
        out.expire(now);
        let held = out.held.get(&grant.holder).copied().unwrap_or(0);
        if out.tickets.len() >= self.most || held >= (self.most / SHARE).max(1) {
            return Err(TooManyTickets);
        }
        let number = out.next;
        out.next += 1;
        out.held.insert(grant.holder, held + 1);
        let ticket = Ticket {
            secret,
            expires: now + self.life,
            channel: channel.to_owned(),
            origin: origin.clone(),
            grant: Arc::clone(grant),
        };
        out.tickets.insert(number, ticket);
        let text = [number.to_be_bytes().as_slice(), &secret].concat();
        Ok(URL_SAFE_NO_PAD.encode(text))
    }

    /// Gives how many wait to be used.
    pub(super) fn waiting(&self, now: Instant) -> usize {
        let mut out = self.out.lock().unwrap_or_else(PoisonError::into_inner);
        out.expire(now);
        out.tickets.len()
    }

    /// Takes a ticket back, which is its one use even when it is for another channel or origin.
    pub(super) fn redeem(
        &self,
        text: &str,
        channel: &str,
        origin: &Origin,
        now: Instant,
    ) -> Option<Arc<Grant>> {
        let mut bytes = [0; size_of::<u64>() + SECRET];
        let read = URL_SAFE_NO_PAD.decode_slice(text, &mut bytes);
        read.ok().filter(|read| *read == bytes.len())?;
        let (number, secret) = bytes.split_first_chunk()?;
        let number = u64::from_be_bytes(*number);
        let mut out = self.out.lock().unwrap_or_else(PoisonError::into_inner);
        out.expire(now);
        // The number is no secret; what is compared with the secret takes the same time every time,
        // and a wrong guess costs its owner nothing.
        let known = out.tickets.get(&number)?.secret.ct_eq(secret);
        let ticket = bool::from(known).then(|| out.remove(number)).flatten()?;
        (ticket.channel == channel && ticket.origin == *origin).then_some(ticket.grant)
    }
}

impl Out {
    fn expire(&mut self, now: Instant) {
        while let Some((&number, first)) = self.tickets.first_key_value()
            && first.expires <= now
        {
            self.remove(number);
        }
    }

    fn remove(&mut self, number: u64) -> Option<Ticket> {
        let ticket = self.tickets.remove(&number)?;
        let holder = ticket.grant.holder;
        match self.held.get_mut(&holder) {
            Some(held) if *held > 1 => *held -= 1,
            _ => drop(self.held.remove(&holder)),
        }
        Some(ticket)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIFE: Duration = Duration::from_secs(30);

    fn grant(holder: u64) -> Arc<Grant> {
        Arc::new(Grant {
            read: Vec::new(),
            publish: Vec::new(),
            operate: false,
            until: Instant::now(),
            holder,
        })
    }

    fn listed() -> Origin {
        Origin::Listed("https://app.example".parse().unwrap())
    }

    #[test]
    fn a_ticket_opens_its_channel_once() {
        let (tickets, now) = (Tickets::new(100, LIFE), Instant::now());
        let ticket = tickets.issue(&grant(1), "a", &Origin::Own, now).unwrap();
        assert!(tickets.redeem(&ticket, "a", &Origin::Own, now).is_some());
        assert!(tickets.redeem(&ticket, "a", &Origin::Own, now).is_none());
    }

    #[test]
    fn a_ticket_shown_for_something_else_is_spent() {
        let (tickets, now) = (Tickets::new(100, LIFE), Instant::now());
        for (channel, origin, later) in [
            ("b", Origin::Own, Duration::ZERO),
            ("a", listed(), Duration::ZERO),
            ("a", Origin::Own, LIFE),
        ] {
            let ticket = tickets.issue(&grant(1), "a", &Origin::Own, now).unwrap();
            assert!(
                tickets
                    .redeem(&ticket, channel, &origin, now + later)
                    .is_none()
            );
            assert!(tickets.redeem(&ticket, "a", &Origin::Own, now).is_none());
        }
    }

    #[test]
    fn a_guess_neither_opens_nor_spends() {
        let (tickets, now) = (Tickets::new(100, LIFE), Instant::now());
        let ticket = tickets.issue(&grant(1), "a", &Origin::Own, now).unwrap();
        let last = if ticket.ends_with('A') { "B" } else { "A" };
        let near = format!("{}{last}", &ticket[..ticket.len() - 1]);
        let zeros = "A".repeat(ticket.len());
        let long = format!("{ticket}AAAA");
        for guess in ["", "A", "?", &ticket[1..], &near, &zeros, &long] {
            assert!(
                tickets.redeem(guess, "a", &Origin::Own, now).is_none(),
                "{guess}"
            );
        }
        assert!(tickets.redeem(&ticket, "a", &Origin::Own, now).is_some());
    }

    #[test]
    fn tickets_are_bounded_in_all_and_for_one_token_and_expire() {
        let (tickets, now) = (Tickets::new(80, LIFE), Instant::now());
        let issue = |holder, now| tickets.issue(&grant(holder), "a", &Origin::Own, now);
        for holder in 0..8 {
            for _ in 0..10 {
                issue(holder, now).unwrap();
            }
            assert_eq!(
                issue(holder, now),
                Err(TooManyTickets),
                "its share is used up"
            );
        }
        assert_eq!(issue(8, now), Err(TooManyTickets));
        let later = now + LIFE;
        issue(8, later).unwrap();
        let out = tickets.out.lock().unwrap();
        assert_eq!((out.tickets.len(), out.held.len()), (1, 1));
    }
}
