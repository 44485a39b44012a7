//! The coordinator's side: workers that are waiting are called, and each becomes a link.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use tokio::sync::mpsc;
use tokio::time::{Instant, interval, timeout};

use super::choice::STANDS;
use super::packet::{self, Joiner, Kind, Packet};
use super::sent::{self, Marks};
use super::{Call, Fleet, Nats, NatsError, Offer, clock, subject};
use crate::fleet::Event;
use crate::fleet::link::{Link, News};
use crate::fleet::wire::{Hello, Order, Said, VERSION};
use crate::fleet::worker::QUEUE;
use crate::result::ClockReading;

/// How long enough workers are waited for when none of them is busy.
const LIMIT: Duration = Duration::from_secs(30);
/// How often they are called.
const AGAIN: Duration = Duration::from_millis(500);

/// A worker that takes part in a trial.
#[derive(Debug)]
pub(in crate::fleet) struct Recruit {
    pub(in crate::fleet) name: String,
    pub(in crate::fleet) hello: Hello,
    pub(in crate::fleet) clock: ClockReading,
    nats: Nats,
    fleet: Fleet,
    worker: String,
}

/// Calls for so many workers, and gives each with the link to it. They are numbered by their names, so in every trial the same one
/// publishes.
pub(in crate::fleet) async fn recruit(
    url: &str,
    expect: usize,
    news: &mut News,
    observe: &mut dyn FnMut(Event<'_>),
) -> Result<Vec<(Recruit, Link)>, NatsError> {
    let nats = Nats::connect(url, "pushmark coordinator").await?;
    let fleet = Fleet::draw();
    let mut offers = offers(&nats, fleet, expect, observe).await?;
    offers.truncate(expect);
    offers.sort_by(|one, other| (&one.name, &one.worker).cmp(&(&other.name, &other.worker)));
    let mut recruits = Vec::new();
    for (number, offer) in offers.into_iter().enumerate() {
        let link = match link(&nats, fleet, &offer.worker, (news, number)).await {
            Ok(link) => link,
            Err(error) => {
                let_go(&recruits).await;
                return Err(error);
            }
        };
        let recruit = Recruit {
            name: offer.name,
            hello: offer.hello,
            clock: ClockReading::default(),
            nats: nats.clone(),
            fleet,
            worker: offer.worker,
        };
        recruits.push((recruit, link));
    }
    for number in 0..recruits.len() {
        let recruit = &mut recruits[number].0;
        match clock::read(&nats, &recruit.worker, &recruit.name).await {
            Ok(clock) => recruit.clock = clock,
            Err(error) => {
                let_go(&recruits).await;
                return Err(error);
            }
        }
    }
    Ok(recruits)
}

/// None of them is left to find out by itself that nothing comes.
async fn let_go(recruits: &[(Recruit, Link)]) {
    for (recruit, _) in recruits {
        recruit.dismiss().await;
    }
}

/// Calls until so many offers stand at once. Workers that are busy are waited for: a trial ends by itself.
async fn offers(
    nats: &Nats,
    fleet: Fleet,
    expect: usize,
    observe: &mut dyn FnMut(Event<'_>),
) -> Result<Vec<Offer>, NatsError> {
    let mut heard = nats
        .subscribe(&subject(&["fleet", &fleet.to_string()]))
        .await?;
    let call = Call {
        version: VERSION,
        program: env!("CARGO_PKG_VERSION").to_owned(),
        fleet: fleet.to_string(),
    };
    let mut deadline = Instant::now() + LIMIT;
    let mut again = interval(AGAIN);
    let mut offers = Offers::default();
    let mut told = false;
    loop {
        tokio::select! {
            _ = again.tick() => nats.tell(&subject(&["workers"]), &call).await?,
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
                let now = Instant::now();
                offers.take(offer, now);
                if offers.free(now).count() >= expect {
                    return Ok(offers.free(now).cloned().collect());
                }
                if offers.has_busy(now) {
                    deadline = now + LIMIT;
                    if !std::mem::replace(&mut told, true) {
                        observe(Event::Waiting);
                    }
                }
            }
            () = tokio::time::sleep_until(deadline) => {
                return Err(NatsError::Few {
                    url: nats.url.clone(),
                    found: offers.free(Instant::now()).count(),
                    expected: expect,
                    limit: LIMIT,
                });
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

/// Takes an offer; gives the link to the worker.
async fn link(
    nats: &Nats,
    fleet: Fleet,
    worker: &str,
    (news, number): (&mut News, usize),
) -> Result<Link, NatsError> {
    let from = subject(&["fleet", &fleet.to_string(), worker]);
    let mut heard = nats.subscribe(&from).await?;
    let to = subject(&["worker", worker]);
    nats.publish(&to, packet::alone(fleet, Kind::Begin, &[]))
        .await?;
    let (orders, mut ordered) = mpsc::channel::<Order>(QUEUE);
    let marks = Arc::new(Marks::new(fleet));
    let (sender, known) = (nats.clone(), Arc::clone(&marks));
    // A worker that hears nothing more is noticed where it is listened to.
    news.spawn(async move {
        let _ = sent::send(&sender, &to, &mut ordered, &known).await;
    });
    let listener = news.listener(number);
    let board = Arc::clone(&listener.board);
    news.spawn(async move {
        let mut joiner = Joiner::default();
        let why = loop {
            let Some(message) = heard.next().await else {
                break "the connection to NATS was closed".to_owned();
            };
            let Some(packet) = Packet::read(message.payload) else {
                break "it sent what is no packet".to_owned();
            };
            if packet.fleet != fleet {
                continue;
            }
            match packet.kind {
                Kind::Part | Kind::Last => match joiner.join::<Said>(packet, Instant::now()) {
                    Ok(joined) => {
                        listener.beat();
                        marks.come(joiner.next());
                        for said in joined {
                            listener.hear(said).await;
                        }
                    }
                    Err(why) => break why,
                },
                Kind::Beat => {
                    listener.beat();
                    marks.gone(packet.number);
                }
                Kind::Begin => listener.beat(),
                Kind::End => {
                    let why = String::from_utf8_lossy(&packet.body);
                    break format!("it left: {why}");
                }
            }
        };
        marks.end();
        listener.end(why);
    });
    Ok(Link {
        orders,
        board,
        child: None,
    })
}

impl Recruit {
    /// Reads its clock again; gives what the first reading was good for.
    pub(in crate::fleet) async fn clock_held(&self) -> ClockReading {
        // One that does not answer any more is lost, and that is told elsewhere.
        let second = clock::read(&self.nats, &self.worker, &self.name).await;
        second.map_or(self.clock, |second| clock::held(self.clock, second))
    }

    /// Lets it go, for the next one that calls.
    pub(in crate::fleet) async fn dismiss(&self) {
        let end = packet::alone(self.fleet, Kind::End, &[]);
        let to = subject(&["worker", &self.worker]);
        // One that does not hear this hears nothing more, and goes by that.
        let _ = self.nats.publish(&to, end).await;
        let _ = timeout(Duration::from_secs(1), self.nats.flush()).await;
    }
}
