//! Who may use the relay, and how much of it.
//!
//! Every request passes one function, [`Access::admit`], whatever its transport: is it meant for this
//! relay, may its page ask, and does its token allow it.

mod allowance;
mod crypto;
#[cfg(any(test, fuzzing))]
pub(crate) mod fuzzing;
mod host;
mod keys;
mod limits;
mod origin;
mod pattern;
mod ticket;
mod token;

use std::sync::Arc;
use std::time::Duration;

use http::header::{self, HeaderMap};
use tokio::time::Instant;

pub use allowance::{Allowance, Rate};
pub use host::{Hosts, host_name};
pub use keys::{Keys, KeysError, Kind, NewKey};
pub use limits::{Connections, Full, Slot};
pub use origin::{Origin, Origins};
pub use pattern::{Pattern, PatternError};
use ticket::Tickets;
pub use ticket::TooManyTickets;
pub use token::{Audience, Claims, TokenError, mint, unix_time};
use token::{Grant, Now, Rules};

/// What decides who may do what.
#[derive(Debug)]
pub struct Access {
    hosts: Hosts,
    origins: Origins,
    /// None on a relay that asks for no tokens.
    rules: Option<Rules>,
    tickets: Tickets,
}

/// What an operator decides about it.
#[derive(Debug, Clone, Default)]
pub struct Terms {
    /// Origins whose pages may use the relay.
    pub origins: Vec<String>,
    /// Names that the relay answers to.
    pub hosts: Vec<String>,
    /// The keys of its tokens; none, and whoever reaches it may use it.
    pub keys: Option<Keys>,
    /// What a token's `aud` has to name.
    pub audience: String,
    /// How far clocks may be apart.
    pub skew: Duration,
    /// How far ahead a token may end.
    pub token_life: Duration,
    /// How long a ticket may wait to be used.
    pub ticket_life: Duration,
    /// How many tickets may wait.
    pub tickets: usize,
    /// Whether the relay speaks TLS itself: its own pages are of `https` then.
    pub secure: bool,
}

/// What a request wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wanted<'a> {
    /// What anybody may have: a page, or whether the relay is well.
    Anything,
    /// A browser asks what a page may ask; or what cannot be anything is asked for.
    Question,
    /// To read a channel.
    Read(&'a str),
    /// To publish on a channel.
    Publish(&'a str),
    /// A ticket for a channel that is still to be named.
    Ticket,
    /// The numbers of operations.
    Operate,
}

/// How a request says who it is from.
#[derive(Debug, Clone, Copy)]
pub struct Caller<'a> {
    /// Its head.
    pub headers: &'a HeaderMap,
    /// What [`Access::origin`] made of it.
    pub origin: &'a Origin,
    /// The ticket in its address, where one may be.
    pub ticket: Option<&'a str>,
}

/// What a request was admitted by, for as long as it lasts.
#[derive(Debug, Clone, Default)]
pub struct Pass {
    grant: Option<Arc<Grant>>,
}

/// The reason a request is turned away.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Denied {
    /// It is for another server, or for this one by a bent name.
    #[error("the relay does not answer to this host; the operator allows a name with --allow-host")]
    Host,
    /// It is from a page of another origin.
    #[error("this origin may not use the relay; the operator allows one with --allow-origin")]
    Origin,
    /// It has no valid token.
    #[error(transparent)]
    Token(#[from] TokenError),
    /// Its token does not allow this.
    #[error("the token does not allow this: {0}")]
    Scope(&'static str),
}

impl Access {
    /// Makes it from what the operator decided.
    #[must_use]
    pub fn new(terms: Terms) -> Self {
        let rules = terms.keys.map(|keys| Rules {
            keys,
            audience: terms.audience,
            skew: terms.skew,
            life: terms.token_life,
        });
        Self {
            hosts: Hosts::new(&terms.hosts, rules.is_some()),
            origins: Origins::new(&terms.origins, terms.secure),
            rules,
            tickets: Tickets::new(terms.tickets, terms.ticket_life),
        }
    }

    /// Judges where a request comes from.
    #[must_use]
    pub fn origin(&self, headers: &HeaderMap) -> Origin {
        self.origins.judge(headers)
    }

    /// Adds to an answer what lets a listed page read it.
    pub fn mark(&self, origin: &Origin, headers: &mut HeaderMap) {
        self.origins.mark(origin, headers);
    }

    /// Tells whether the relay asks for tokens.
    #[must_use]
    pub fn asks_for_tokens(&self) -> bool {
        self.rules.is_some()
    }

    /// Lets a request in, or says why not. A ticket that it shows is spent.
    ///
    /// # Errors
    /// [`Denied`], of several reasons the first: host, origin, token, and what the token is for.
    pub fn admit(&self, caller: Caller<'_>, wanted: Wanted<'_>) -> Result<Pass, Denied> {
        if !self.hosts.know(caller.headers) {
            return Err(Denied::Host);
        }
        if wanted == Wanted::Anything {
            return Ok(Pass::default());
        }
        if *caller.origin == Origin::Foreign {
            return Err(Denied::Origin);
        }
        let Some(rules) = self.rules.as_ref().filter(|_| wanted != Wanted::Question) else {
            return Ok(Pass::default());
        };
        let now = Now::read();
        let grant = match (bearer(caller.headers)?, caller.ticket, wanted) {
            (Some(token), _, _) => Arc::new(rules.check(token, now)?),
            (None, Some(ticket), Wanted::Read(channel) | Wanted::Publish(channel)) => self
                .tickets
                .redeem(ticket, channel, caller.origin, now.instant)
                .filter(|grant| grant.until > now.instant)
                .ok_or(TokenError::Ticket)?,
            (None, _, _) => return Err(TokenError::Missing.into()),
        };
        allowed(&grant, wanted)?;
        Ok(Pass { grant: Some(grant) })
    }

    /// Gives how many tickets wait to be used.
    pub fn tickets(&self) -> usize {
        self.tickets.waiting(Instant::now())
    }

    /// Gives out a ticket to who was admitted with [`Wanted::Ticket`], and says how long it lasts.
    ///
    /// # Errors
    /// [`Denied::Scope`] when the token has nothing to do with the channel; inside,
    /// [`TooManyTickets`].
    pub fn ticket(
        &self,
        pass: &Pass,
        channel: &str,
        origin: &Origin,
    ) -> Result<Result<String, TooManyTickets>, Denied> {
        match &pass.grant {
            Some(grant) if grant.reads(channel) || grant.publishes(channel) => {
                Ok(self.tickets.issue(grant, channel, origin, Instant::now()))
            }
            _ => Err(Denied::Scope(
                "it neither reads this channel nor publishes on it",
            )),
        }
    }
}

impl Pass {
    /// Gives the instant at which what was admitted ends.
    #[must_use]
    pub fn until(&self) -> Option<Instant> {
        self.grant.as_ref().map(|grant| grant.until)
    }

    /// Tells whether whoever holds it may publish on a channel.
    #[must_use]
    pub fn may_publish(&self, channel: &str) -> bool {
        self.grant
            .as_ref()
            .is_none_or(|grant| grant.publishes(channel))
    }
}

fn allowed(grant: &Grant, wanted: Wanted<'_>) -> Result<(), Denied> {
    let (allowed, why) = match wanted {
        Wanted::Read(channel) => (grant.reads(channel), "it does not read this channel"),
        Wanted::Publish(channel) => (
            grant.publishes(channel),
            "it does not publish on this channel",
        ),
        Wanted::Operate => (grant.operate, "it is not for operations"),
        Wanted::Ticket | Wanted::Question | Wanted::Anything => (true, ""),
    };
    if allowed {
        Ok(())
    } else {
        Err(Denied::Scope(why))
    }
}

/// Finds the token of a request that brings one.
fn bearer(headers: &HeaderMap) -> Result<Option<&str>, TokenError> {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let (Some(value), None) = (values.next(), values.next()) else {
        let none = headers.get(header::AUTHORIZATION).is_none();
        return none.then_some(None).ok_or(TokenError::NotBearer);
    };
    let (scheme, token) = value
        .to_str()
        .ok()
        .and_then(|text| text.split_once(' '))
        .ok_or(TokenError::NotBearer)?;
    let token = token.trim_matches(' ');
    if scheme.eq_ignore_ascii_case("Bearer") && !token.is_empty() {
        Ok(Some(token))
    } else {
        Err(TokenError::NotBearer)
    }
}
