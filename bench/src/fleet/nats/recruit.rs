//! The coordinator's side: workers that are waiting are called, and each becomes a link.

use std::sync::Arc;
use std::time::Duration;

use async_nats::{Message, Subscriber};
use futures_util::{Stream, StreamExt, stream};
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout, timeout_at};
use tokio_util::sync::CancellationToken;

use super::call::offers;
use super::packet::{self, Joiner, Kind, Packet};
use super::sent::{self, Marks};
use super::{Fleet, Nats, NatsError, Offer, clock, subject};
use crate::fleet::Event;
use crate::fleet::link::{Link, News};
use crate::fleet::wire::{Hello, Order, Said};
use crate::fleet::worker::QUEUE;
use crate::result::ClockReading;

/// How long a worker that was told to begin may take to say that it does.
const BEGIN_LIMIT: Duration = Duration::from_secs(3);
/// How long a last word may take: a server that is away is not waited for.
const SAY_LIMIT: Duration = Duration::from_secs(1);
/// How often offers are taken up that stand no more when that comes, as on a bad line.
const ATTEMPTS: usize = 10;

/// A worker that takes part in a trial.
#[derive(Debug, Clone)]
pub(in crate::fleet) struct Recruit {
    pub(in crate::fleet) name: String,
    pub(in crate::fleet) hello: Hello,
    pub(in crate::fleet) clock: ClockReading,
    nats: Nats,
    fleet: Fleet,
    worker: String,
}

/// Workers that are held for a trial, each with the link to it.
#[derive(Debug)]
pub(in crate::fleet) struct Recruits {
    pub(in crate::fleet) news: News,
    pub(in crate::fleet) workers: Vec<(Recruit, Link)>,
}

impl Recruits {
    /// Reads the clock of each.
    pub(in crate::fleet) async fn read_clocks(&mut self) -> Result<(), NatsError> {
        for (recruit, _) in &mut self.workers {
            recruit.clock = clock::read(&recruit.nats, &recruit.worker, &recruit.name).await?;
        }
        Ok(())
    }

    /// What lets all of them go, should the trial not begin.
    pub(in crate::fleet) fn release(&self) -> Release {
        let worker = |(recruit, _): &(Recruit, Link)| recruit.clone();
        Release(self.workers.iter().map(worker).collect())
    }
}

/// Lets workers go that would find out by themselves only after [`SILENCE`](super::SILENCE) that nothing comes.
#[derive(Debug)]
pub(in crate::fleet) struct Release(Vec<Recruit>);

impl Release {
    pub(in crate::fleet) async fn all(self) {
        futures_util::future::join_all(self.0.iter().map(Recruit::dismiss)).await;
    }
}

/// Calls for so many workers, and gives each with the link to it; nothing when it was stopped. They are numbered by their names, so in
/// every trial the same one publishes.
pub(in crate::fleet) async fn recruit(
    url: &str,
    expect: usize,
    stop: &CancellationToken,
    observe: &mut dyn FnMut(Event<'_>),
) -> Result<Option<Recruits>, NatsError> {
    let nats = tokio::select! {
        nats = Nats::connect(url, "pushmark coordinator") => nats?,
        () = stop.cancelled() => return Ok(None),
    };
    let mut fleet = Fleet::draw();
    let mut told = false;
    for _ in 0..ATTEMPTS {
        let mut offers = tokio::select! {
            offers = offers(&nats, fleet, expect, (&mut told, observe)) => offers?,
            () = stop.cancelled() => return Ok(None),
        };
        offers.sort_by(|one, other| (&one.name, &one.worker).cmp(&(&other.name, &other.worker)));
        offers.truncate(expect);
        // From here on it is quick, and not stopped half-way.
        if let Some(taken) = take(&nats, fleet, offers).await? {
            return Ok(Some(linked(&nats, fleet, taken)));
        }
        fleet = fleet.again();
    }
    Err(nats.failed(&"workers offer themselves and then do not come: is the way there slow?"))
}

/// A worker that has begun, and what it said first.
struct Taken {
    offer: Offer,
    heard: Subscriber,
    first: Option<Message>,
}

/// Takes up offers; nothing when one of them stands no more, and then none is taken.
async fn take(
    nats: &Nats,
    fleet: Fleet,
    offers: Vec<Offer>,
) -> Result<Option<Vec<Taken>>, NatsError> {
    let mut taken = Vec::new();
    for offer in offers {
        let from = subject(&["fleet", &fleet.to_string(), &offer.worker]);
        taken.push(Taken {
            heard: nats.subscribe(&from).await?,
            offer,
            first: None,
        });
    }
    let to_all = async |kind: Kind, taken: &[Taken]| {
        for Taken { offer, .. } in taken {
            let packet = packet::alone(fleet, kind, &[]);
            let to = subject(&["worker", &offer.worker]);
            nats.publish(&to, packet).await?;
        }
        Ok::<_, NatsError>(())
    };
    to_all(Kind::Begin, &taken).await?;
    let deadline = Instant::now() + BEGIN_LIMIT;
    for worker in &mut taken {
        // It gives a sign of life at once.
        let message = timeout_at(deadline, worker.heard.next()).await;
        worker.first = message.ok().flatten().filter(|message| {
            let packet = Packet::read(message.payload.clone());
            packet.is_some_and(|packet| packet.fleet == fleet && packet.kind != Kind::End)
        });
    }
    if taken.iter().all(|worker| worker.first.is_some()) {
        return Ok(Some(taken));
    }
    to_all(Kind::End, &taken).await?;
    // It may be the last that this connection says.
    let _ = timeout(SAY_LIMIT, nats.flush()).await;
    Ok(None)
}

/// The links to workers that have begun.
fn linked(nats: &Nats, fleet: Fleet, taken: Vec<Taken>) -> Recruits {
    let mut news = News::new();
    let mut workers = Vec::new();
    for (number, taken) in taken.into_iter().enumerate() {
        let recruit = Recruit {
            name: taken.offer.name,
            hello: taken.offer.hello,
            clock: ClockReading::default(),
            nats: nats.clone(),
            fleet,
            worker: taken.offer.worker,
        };
        let heard = stream::iter(taken.first).chain(taken.heard);
        let link = link(&recruit, heard, (&mut news, number));
        workers.push((recruit, link));
    }
    Recruits { news, workers }
}

/// The link to a worker, from what is heard of it.
fn link(
    recruit: &Recruit,
    mut heard: impl Stream<Item = Message> + Send + Unpin + 'static,
    (news, number): (&mut News, usize),
) -> Link {
    let fleet = recruit.fleet;
    let to = subject(&["worker", &recruit.worker]);
    let (orders, mut ordered) = mpsc::channel::<Order>(QUEUE);
    let marks = Arc::new(Marks::new(fleet));
    let (sender, known) = (recruit.nats.clone(), Arc::clone(&marks));
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
    Link {
        orders,
        board,
        child: None,
    }
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
        let _ = timeout(SAY_LIMIT, async {
            self.nats.publish(&to, end).await?;
            self.nats.flush().await
        })
        .await;
    }
}
