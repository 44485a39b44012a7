//! How workers are called, and who of them stands to it.

use std::collections::BTreeMap;
use std::time::Duration;

use futures_util::StreamExt;
use tokio::time::{Instant, MissedTickBehavior, interval};

use super::choice::STANDS;
use super::{Call, Fleet, Nats, NatsError, Offer, is_word, subject};
use crate::fleet::Event;
use crate::fleet::wire::VERSION;

/// How often workers are called.
const AGAIN: Duration = Duration::from_millis(500);
/// Calls without enough answers after which no more are awaited: 30 s.
const CALLS: u32 = 60;
/// Calls after which a run that waits for busy workers says so. Its own need a moment to leave the trial before.
const TELL: u64 = 2;

/// Calls until so many offers stand at once; whether the wait was `told` of is kept from call to call. Workers that are busy are waited for: a trial ends by itself.
pub(super) async fn offers(
    nats: &Nats,
    fleet: Fleet,
    expect: usize,
    (told, observe): (&mut bool, &mut dyn FnMut(Event<'_>)),
) -> Result<Vec<Offer>, NatsError> {
    let mut heard = nats
        .subscribe(&subject(&["fleet", &fleet.to_string()]))
        .await?;
    let call = Call {
        version: VERSION,
        program: env!("CARGO_PKG_VERSION").to_owned(),
        fleet: fleet.to_string(),
    };
    let mut again = interval(AGAIN);
    // One that was suspended does not make up for its calls.
    again.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let (mut calls, mut unanswered) = (0_u64, 0);
    let mut offers = Offers::default();
    // Those that stood when one last came: a stopped machine forgets nobody.
    let mut found = 0;
    loop {
        tokio::select! {
            _ = again.tick() => {
                if unanswered == CALLS {
                    return Err(NatsError::Few {
                        url: nats.url.clone(),
                        found,
                        expected: expect,
                        limit: AGAIN * CALLS,
                    });
                }
                if calls >= TELL && !*told && offers.has_busy(Instant::now()) {
                    *told = true;
                    observe(Event::Waiting);
                }
                calls += 1;
                unanswered += 1;
                nats.tell(&subject(&["workers"]), &call).await?;
            }
            message = heard.next() => {
                let Some(message) = message else {
                    return Err(nats.failed(&"the connection was closed"));
                };
                let Ok(offer) = serde_json::from_slice::<Offer>(&message.payload) else {
                    continue;
                };
                if let Some(why) = offer.hello.unlike_ours() {
                    return Err(NatsError::Version(format!("worker {} {why}", offer.name)));
                }
                if !is_word(&offer.worker) {
                    continue;
                }
                let now = Instant::now();
                offers.take(offer, now);
                if offers.free(now).count() >= expect {
                    return Ok(offers.free(now).cloned().collect());
                }
                found = offers.standing(now).count();
                // There are enough, and some of them busy.
                if found >= expect {
                    unanswered = 0;
                }
            }
        }
    }
}

/// What workers have said last, and when it came.
#[derive(Debug, Default)]
struct Offers(BTreeMap<String, (Offer, Instant)>);

impl Offers {
    fn take(&mut self, offer: Offer, now: Instant) {
        self.0.retain(|_, (_, came)| now < *came + STANDS);
        self.0.insert(offer.worker.clone(), (offer, now));
    }

    /// Offers that stand.
    fn free(&self, now: Instant) -> impl Iterator<Item = &Offer> {
        self.standing(now).filter(|offer| !offer.busy)
    }

    /// Whether one works for another run.
    fn has_busy(&self, now: Instant) -> bool {
        self.standing(now).any(|offer| offer.busy)
    }

    fn standing(&self, now: Instant) -> impl Iterator<Item = &Offer> {
        let standing = self
            .0
            .values()
            .filter(move |(_, came)| now < *came + STANDS);
        standing.map(|(offer, _)| offer)
    }
}
