//! The worker's side: it waits until it is called, and does what the caller orders until that lets it go or falls silent.

use async_nats::Subscriber;
use bytes::Bytes;
use futures_util::StreamExt;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::choice::Choice;
use super::packet::{self, Joiner, Kind, Packet};
use super::sent::{self, Marks};
use super::{Call, Fleet, Nats, NatsError, Offer, SILENCE, draw, is_word, subject};
use crate::clock::Moment;
use crate::fleet::wire::{Order, Said, VERSION};
use crate::fleet::worker::{self, QUEUE};

/// What a worker tells whoever started it.
#[derive(Debug)]
pub enum Waiting<'a> {
    /// It waits to be called.
    Free {
        /// What it is called.
        name: &'a str,
        /// Where, without a password.
        url: &'a str,
    },
    /// It works in a trial.
    Taken,
    /// The trial is over, or whoever ordered it is gone.
    Left(&'a str),
    /// It was called by a bench that speaks another version.
    Other(String),
}

/// Works for whoever calls at a NATS server, one after another, until `stop`. Of hosts that are not loopback it loads none but those
/// that the order names and, when there are any, `hosts` too.
///
/// # Errors
/// When the server cannot be reached, or the connection to it is of no use.
pub async fn work(
    url: &str,
    name: &str,
    hosts: &[String],
    stop: &CancellationToken,
    tell: &mut dyn FnMut(Waiting<'_>),
) -> Result<(), NatsError> {
    let nats = Nats::connect(url, &format!("pushmark worker {name}")).await?;
    let calls = nats.subscribe(&subject(&["workers"])).await?;
    let far = Far {
        id: draw(),
        name,
        hosts,
        nats,
    };
    let to_me = far.nats.subscribe(&subject(&["worker", &far.id])).await?;
    let clock = subject(&["worker", &far.id, "clock"]);
    let asked = far.nats.subscribe(&clock).await?;
    far.nats.flush().await?;
    let mut tasks = JoinSet::new();
    tasks.spawn(tell_clock(far.nats.clone(), asked));
    tell(Waiting::Free {
        name,
        url: &far.nats.url,
    });
    tokio::select! {
        ended = far.go_on(calls, to_me, tell) => ended,
        () = stop.cancelled() => Ok(()),
    }
}

/// Says what the clock says, as soon as it is asked.
async fn tell_clock(nats: Nats, mut asked: Subscriber) {
    while let Some(message) = asked.next().await {
        if let Some(reply) = message.reply {
            let now = Bytes::copy_from_slice(&Moment::now().0.to_le_bytes());
            let _ = nats.client.publish(reply, now).await;
        }
    }
}

struct Far<'a> {
    nats: Nats,
    id: String,
    name: &'a str,
    hosts: &'a [String],
}

impl Far<'_> {
    async fn go_on(
        &self,
        mut calls: Subscriber,
        mut to_me: Subscriber,
        tell: &mut dyn FnMut(Waiting<'_>),
    ) -> Result<(), NatsError> {
        let mut choice = Choice::default();
        loop {
            tokio::select! {
                call = calls.next() => {
                    let call = call.ok_or_else(|| self.closed())?;
                    self.answer(&call.payload, &mut choice, tell).await?;
                }
                packet = to_me.next() => {
                    let packet = Packet::read(packet.ok_or_else(|| self.closed())?.payload);
                    // What else comes belongs to a trial that is over.
                    let Some(Packet { kind: Kind::Begin, fleet, .. }) = packet else {
                        continue;
                    };
                    if !choice.is_for(fleet) {
                        self.refuse(fleet).await?;
                        continue;
                    }
                    tell(Waiting::Taken);
                    let why = tokio::select! {
                        why = self.serve(&mut to_me, fleet) => why?,
                        () = self.turn_away(&mut calls, &mut choice) => return Err(self.closed()),
                    };
                    tell(Waiting::Left(&why));
                    choice.served(fleet);
                }
            }
        }
    }

    fn closed(&self) -> NatsError {
        self.nats.failed(&"the connection was closed")
    }

    /// Answers a call: with an offer, if it is this one's turn.
    async fn answer(
        &self,
        call: &[u8],
        choice: &mut Choice,
        tell: &mut dyn FnMut(Waiting<'_>),
    ) -> Result<(), NatsError> {
        let Ok(call) = serde_json::from_slice::<Call>(call) else {
            return Ok(());
        };
        if call.version != VERSION {
            // The caller learns of it by the offer, and says so, too.
            tell(Waiting::Other(format!(
                "called by a bench {} that speaks version {} of the workers' messages; this bench {} speaks version {VERSION}: run the same bench on both sides",
                call.program,
                call.version,
                env!("CARGO_PKG_VERSION")
            )));
            return match is_word(&call.fleet) {
                true => self.offer(&call, false).await,
                false => Ok(()),
            };
        }
        let Some(fleet) = Fleet::read(&call.fleet) else {
            return Ok(());
        };
        let busy = !choice.hear(fleet, Instant::now());
        self.offer(&call, busy).await
    }

    /// Tells those that call during a trial that they would wait, and keeps them in mind, until the connection is closed.
    async fn turn_away(&self, calls: &mut Subscriber, choice: &mut Choice) {
        while let Some(call) = calls.next().await {
            let Ok(call) = serde_json::from_slice::<Call>(&call.payload) else {
                continue;
            };
            // One of another version learns that from the answer.
            let heard = match call.version == VERSION {
                true => Fleet::read(&call.fleet)
                    .map(|fleet| choice.note(fleet, Instant::now()))
                    .is_some(),
                false => is_word(&call.fleet),
            };
            if heard {
                // A caller that misses one answer calls again; the trial goes on.
                let _ = self.offer(&call, true).await;
            }
        }
    }

    /// Tells a run that takes up an offer which stands no more.
    async fn refuse(&self, fleet: Fleet) -> Result<(), NatsError> {
        let answer = subject(&["fleet", &fleet.to_string(), &self.id]);
        let end = packet::alone(fleet, Kind::End, b"it is with another run");
        self.nats.publish(&answer, end).await
    }

    async fn offer(&self, call: &Call, busy: bool) -> Result<(), NatsError> {
        let offer = Offer {
            hello: worker::hello(),
            name: self.name.to_owned(),
            worker: self.id.clone(),
            busy,
        };
        let caller = subject(&["fleet", &call.fleet]);
        self.nats.tell(&caller, &offer).await
    }

    /// Does what is ordered; gives why it is over.
    async fn serve(&self, to_me: &mut Subscriber, fleet: Fleet) -> Result<String, NatsError> {
        let (orders, ordered) = mpsc::channel(QUEUE);
        let (said, mut saying) = mpsc::channel::<Said>(QUEUE);
        let answer = subject(&["fleet", &fleet.to_string(), &self.id]);
        let (nats, answer_to) = (&self.nats, &answer);
        let marks = &Marks::new(fleet);
        // It takes the queue with it: who still has something to say when it has ended is not left to wait.
        let say = async move { sent::send(nats, answer_to, &mut saying, marks).await };
        let listen = async move {
            let why = self.listen(to_me, &orders, marks).await;
            // With its orders the work ends, also one that waits to say something.
            drop(orders);
            marks.end();
            why
        };
        let (why, (), said) = tokio::join!(listen, worker::serve(ordered, said), say);
        // Who let it go has no use for this; who did not learns why it is gone.
        let end = packet::alone(fleet, Kind::End, why.as_bytes());
        self.nats.publish(&answer, end).await?;
        said.map(|()| why)
    }

    /// Takes orders in until there are no more; gives why.
    async fn listen(
        &self,
        to_me: &mut Subscriber,
        orders: &mpsc::Sender<Order>,
        marks: &Marks,
    ) -> String {
        let mut joiner = Joiner::default();
        let mut heard = Instant::now();
        loop {
            let message = tokio::select! {
                message = to_me.next() => message,
                () = tokio::time::sleep_until(heard + SILENCE) => {
                    return format!("no word of it for {} s", SILENCE.as_secs());
                }
            };
            let Some(packet) = message.and_then(|message| Packet::read(message.payload)) else {
                return "the connection was closed".to_owned();
            };
            // A coordinator that was cut off, and is back, does not know yet that this one works for another.
            if packet.fleet != marks.fleet {
                if packet.kind == Kind::Begin && self.refuse(packet.fleet).await.is_err() {
                    return "the connection was closed".to_owned();
                }
                continue;
            }
            heard = Instant::now();
            match packet.kind {
                Kind::Part | Kind::Last => {
                    let joined = match joiner.join::<Order>(packet, heard) {
                        Ok(joined) => joined,
                        Err(why) => return why,
                    };
                    marks.come(joiner.next());
                    for mut order in joined {
                        if let Order::Assign(duty) = &mut order {
                            duty.narrow(self.hosts);
                        }
                        if orders.send(order).await.is_err() {
                            return "the work ended".to_owned();
                        }
                    }
                }
                Kind::Beat => marks.gone(packet.number),
                Kind::Begin => {}
                Kind::End => return "it is over".to_owned(),
            }
        }
    }
}
