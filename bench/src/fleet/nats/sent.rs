//! What is sent to the other end of a link: kept until that says that it has come, and sent again when it does not say so.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use async_nats::Subject;
use bytes::Bytes;
use serde::Serialize;
use tokio::sync::mpsc;
use tokio::time::{MissedTickBehavior, interval};

use super::packet::{self, Cutter};
use super::{BEAT, Fleet, Nats, NatsError};

/// Signs of life that go by without anything more having come there, until it is sent again: 1 s.
const PATIENCE: u32 = 5;
/// Bytes that are sent again at once, or one packet when that is longer.
const AGAIN: usize = 1 << 20;
/// Bytes that are kept; with more, what is still to be said waits.
const ROOM: usize = 64 << 20;

/// How far both directions of a link are, shared by what sends and what listens at one end.
#[derive(Debug)]
pub(super) struct Marks {
    /// Whose link it is.
    pub(super) fleet: Fleet,
    /// How many packets have been cut here.
    cut: AtomicU64,
    /// The number of the packet that is awaited here.
    come: AtomicU64,
    /// The number of the packet that the other end awaits, as it said last.
    gone: AtomicU64,
    /// Whether the other end is listened to no more.
    over: AtomicBool,
}

impl Marks {
    pub(super) fn new(fleet: Fleet) -> Self {
        Self {
            fleet,
            cut: AtomicU64::new(0),
            come: AtomicU64::new(0),
            gone: AtomicU64::new(0),
            over: AtomicBool::new(false),
        }
    }

    /// Every packet before this one has come.
    pub(super) fn come(&self, next: u64) {
        self.come.store(next, Ordering::Relaxed);
    }

    /// The other end says that every packet before this one has come there. It is not believed when it says more than was sent:
    /// what is sent from then on would never be sent again.
    pub(super) fn gone(&self, next: u64) {
        if next <= self.cut.load(Ordering::Relaxed) {
            self.gone.fetch_max(next, Ordering::Relaxed);
        }
    }

    /// Nothing that comes from the other end is read any more: what is still said to it goes nowhere, and holds up nobody.
    pub(super) fn end(&self) {
        self.over.store(true, Ordering::Relaxed);
    }

    fn over(&self) -> bool {
        self.over.load(Ordering::Relaxed)
    }
}

/// Sends messages and signs of life until there are no more messages.
///
/// # Errors
/// When the connection is of no use, or a message cannot be sent at all.
pub(super) async fn send<T: Serialize>(
    nats: &Nats,
    to: &Subject,
    messages: &mut mpsc::Receiver<T>,
    marks: &Marks,
) -> Result<(), NatsError> {
    let mut cutter = Cutter::new(marks.fleet, nats.client.max_payload());
    let mut sent = Sent::default();
    let mut beat = interval(BEAT);
    beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        // Both arms are cancel-safe. That the link is over is noticed at the next sign of life.
        let packets = tokio::select! {
            message = messages.recv(), if marks.over() || sent.bytes < ROOM => {
                let Some(message) = message else { return Ok(()) };
                if marks.over() {
                    continue;
                }
                let packets = cutter.cut(&message).map_err(|why| nats.failed(&why))?;
                marks.cut.fetch_add(packets.len() as u64, Ordering::Relaxed);
                sent.keep(&packets);
                packets
            }
            _ = beat.tick() => {
                let mut packets = vec![packet::beat(marks.fleet, marks.come.load(Ordering::Relaxed))];
                if marks.over() {
                    sent = Sent::default();
                } else {
                    packets.extend(sent.look(marks.gone.load(Ordering::Relaxed)));
                }
                packets
            }
        };
        for packet in packets {
            nats.publish(to, packet).await?;
        }
    }
}

/// Packets that have not come yet, as far as is known.
#[derive(Debug, Default)]
struct Sent {
    kept: VecDeque<Bytes>,
    bytes: usize,
    /// The number of the first of them.
    first: u64,
    /// Looks since one of them came.
    looks: u32,
}

impl Sent {
    fn keep(&mut self, packets: &[Bytes]) {
        self.bytes += packets.iter().map(Bytes::len).sum::<usize>();
        self.kept.extend(packets.iter().cloned());
    }

    /// Once for each sign of life: every packet before `next` has come; gives what is to be sent again.
    fn look(&mut self, next: u64) -> Vec<Bytes> {
        self.looks += 1;
        while self.first < next
            && let Some(packet) = self.kept.pop_front()
        {
            self.bytes -= packet.len();
            self.first += 1;
            self.looks = 0;
        }
        if self.kept.is_empty() {
            self.looks = 0;
        }
        if self.looks < PATIENCE {
            return Vec::new();
        }
        self.looks = 0;
        let mut bytes = 0;
        let some = self.kept.iter().take_while(|packet| {
            let fits = bytes == 0 || bytes + packet.len() <= AGAIN;
            bytes += packet.len();
            fits
        });
        some.cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;
    use tokio::task::JoinSet;
    use tokio::time::timeout;

    use super::*;

    /// A connection to a NATS server that takes everything and hands on nothing.
    async fn nowhere() -> (Nats, JoinSet<()>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let mut tasks = JoinSet::new();
        tasks.spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let info = format!(
                r#"INFO {{"server_id":"nowhere","server_name":"nowhere","host":"127.0.0.1","port":{},"version":"2.10.0","go":"","max_payload":1048576,"proto":1,"client_id":1,"headers":true}}"#,
                address.port()
            );
            let info = format!("{info}\r\n");
            stream.write_all(info.as_bytes()).await.unwrap();
            let mut bytes = vec![0; 1 << 20];
            loop {
                match stream.read(&mut bytes).await {
                    Ok(read) if read > 0 => {
                        if bytes[..read].ends_with(b"PING\r\n") {
                            stream.write_all(b"PONG\r\n").await.unwrap();
                        }
                    }
                    _ => return,
                }
            }
        });
        let url = format!("nats://{address}");
        (Nats::connect(&url, "test").await.unwrap(), tasks)
    }

    #[tokio::test]
    async fn who_still_has_much_to_say_to_one_that_is_gone_comes_to_an_end() {
        let (nats, _server) = nowhere().await;
        let to = Subject::from("nobody");
        let marks = Marks::new(Fleet(7));
        let (said, mut saying) = mpsc::channel(1);
        let say = async move {
            let megabyte = "x".repeat(1 << 20);
            for _ in 0..=ROOM >> 20 {
                said.send(megabyte.clone()).await.unwrap();
            }
            said.send(megabyte).await.unwrap();
        };
        let mut both = std::pin::pin!(async {
            let ((), sent) = tokio::join!(say, send(&nats, &to, &mut saying, &marks));
            sent
        });
        // It waits for room, and nobody makes any.
        let waits = timeout(Duration::from_secs(2), &mut both).await;
        assert!(waits.is_err());
        marks.end();
        let ended = timeout(Duration::from_secs(20), both).await;
        ended.unwrap().unwrap();
    }

    fn packets(sizes: &[usize]) -> Vec<Bytes> {
        sizes.iter().map(|size| vec![0; *size].into()).collect()
    }

    /// How many packets each of the next looks sends again.
    fn again(sent: &mut Sent, next: u64, looks: usize) -> Vec<usize> {
        (0..looks).map(|_| sent.look(next).len()).collect()
    }

    #[test]
    fn what_does_not_come_is_sent_again_and_what_came_is_not() {
        let mut sent = Sent::default();
        assert_eq!(again(&mut sent, 0, 6), [0; 6]);
        sent.keep(&packets(&[10, 20, 30]));
        assert_eq!(again(&mut sent, 0, 6), [0, 0, 0, 0, 3, 0]);
        // As long as something comes, the rest is on its way.
        assert_eq!(again(&mut sent, 1, 6), [0, 0, 0, 0, 0, 2]);
        assert_eq!((sent.first, sent.bytes), (1, 50));
        assert_eq!(again(&mut sent, 3, 6), [0; 6]);
        assert_eq!((sent.first, sent.bytes), (3, 0));
        // An end that says that more came than was sent is not believed.
        assert_eq!(sent.look(99).len(), 0);
        assert_eq!(sent.first, 3);
    }

    #[test]
    fn an_end_that_claims_more_than_was_sent_changes_nothing() {
        let marks = Marks::new(Fleet(7));
        marks.cut.store(3, Ordering::Relaxed);
        let known = |says| {
            marks.gone(says);
            marks.gone.load(Ordering::Relaxed)
        };
        assert_eq!([known(2), known(99), known(1), known(3)], [2, 2, 2, 3]);
    }

    #[test]
    fn not_all_is_sent_again_at_once() {
        let mut sent = Sent::default();
        sent.keep(&packets(&[AGAIN / 2, AGAIN / 2, 1]));
        assert_eq!(again(&mut sent, 0, 5), [0, 0, 0, 0, 2]);
        let mut sent = Sent::default();
        sent.keep(&packets(&[2 * AGAIN, 1]));
        assert_eq!(again(&mut sent, 0, 5), [0, 0, 0, 0, 1]);
    }
}
