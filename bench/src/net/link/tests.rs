//! What holds of an emulated link whatever is sent over it.

use std::time::Duration;

use proptest::prelude::*;

use super::pipe::{HEADERS, Pipe, SEGMENT};
use crate::clock::Moment;
use crate::scenario::Link;

/// Long after the clock's start, so that nothing is clipped.
const START: Moment = Moment(1_000_000_000);
const END: Moment = Moment(u64::MAX / 2);

fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

fn link(rtt: u64, jitter: u64, loss: f64, bits: Option<u64>) -> Link {
    Link {
        rtt: ms(rtt),
        jitter: ms(jitter),
        loss,
        down: bits,
        up: bits,
    }
}

fn down(link: &Link, seed: u64) -> Pipe {
    Pipe::pair(link, seed).0
}

/// Takes out all that is on its way: bytes, and when each part arrived.
fn drain(pipe: &mut Pipe) -> (Vec<u8>, Vec<(usize, Moment)>) {
    let (mut bytes, mut parts) = (Vec::new(), Vec::new());
    while let Some(due) = pipe.due(END) {
        bytes.extend(pipe.bytes().iter().take(due.count));
        parts.push((due.count, due.arrival));
        pipe.take(due.count, due.arrival);
    }
    assert_eq!(pipe.next(), None);
    (bytes, parts)
}

/// When one message arrives that is sent alone.
fn alone(pipe: &mut Pipe, at: Moment, bytes: usize) -> Duration {
    pipe.send(at, true, &vec![b'x'; bytes]);
    let (_, parts) = drain(pipe);
    Duration::from_nanos(parts[parts.len() - 1].1.0 - at.0)
}

#[test]
fn a_message_takes_half_the_round_trip_and_its_bits_over_the_bandwidth() {
    let mut free = down(&link(100, 0, 0.0, None), 1);
    assert_eq!(alone(&mut free, START, 100), ms(50));
    let mut narrow = down(&link(100, 0, 0.0, Some(1_000_000)), 1);
    // 100 bytes of data, 52 of headers, at 1 bit a microsecond.
    let one = ms(50) + Duration::from_micros((100 + 52) * 8);
    assert_eq!(alone(&mut narrow, START, 100), one);
    // 64 KiB are 46 segments: 543 ms of bits, and then the way.
    let large = ms(50) + Duration::from_micros((65_536 + 46 * 52) * 8);
    assert_eq!(alone(&mut narrow, START + ms(500), 65_536), large);
}

#[test]
fn what_is_sent_close_together_waits_at_the_bottleneck() {
    let mut pipe = down(&link(0, 0, 0.0, Some(8_000)), 1);
    // 48 + 52 bytes at a byte a millisecond.
    pipe.send(START, true, &[1; 48]);
    pipe.send(START + ms(10), true, &[2; 48]);
    pipe.send(START + ms(500), true, &[3; 48]);
    let (_, parts) = drain(&mut pipe);
    let arrivals: Vec<u64> = parts.iter().map(|(_, at)| at.0 - START.0).collect();
    assert_eq!(arrivals, [100_000_000, 200_000_000, 600_000_000]);
}

#[test]
fn a_lost_message_comes_a_timeout_late_when_nobody_follows_and_stalls_who_does() {
    // Half are lost: a seed soon gives a first one lost once and followers not lost.
    let half = link(100, 0, 0.5, None);
    let timeout = ms(100 + 200);
    let mut seen = (false, false, false);
    for seed in 0..200 {
        let late = alone(&mut down(&half, seed), START, 100) - ms(50);
        let losses = (late.as_millis() / 300 + 1).ilog2();
        assert_eq!(late, timeout * ((1 << losses) - 1), "doubles each time");
        if losses != 1 {
            continue;
        }
        let mut pipe = down(&half, seed);
        for message in 0..4 {
            pipe.send(START + ms(10) * message, true, &[0; 100]);
        }
        let (_, parts) = drain(&mut pipe);
        let first = Duration::from_nanos(parts[0].1.0 - START.0);
        // The third follower arrives at 80 ms; a round trip later the first is there again. With
        // fewer followers it waits for the timeout.
        assert!(first == ms(180) || first == ms(350), "{first:?}");
        seen.0 |= first == ms(180);
        seen.1 |= first == ms(350);
        // Nobody who follows is there before it, and those that waited come together with it.
        assert!(parts.iter().all(|(_, at)| at.0 >= parts[0].1.0));
        seen.2 |= first == ms(180) && parts.len() == 1;
    }
    assert_eq!(seen, (true, true, true));
}

#[test]
fn the_planned_share_is_lost_in_each_direction_and_not_the_same_messages() {
    let lossy = link(100, 0, 0.05, None);
    let (mut down, mut up) = Pipe::pair(&lossy, 7);
    let late = |pipe: &mut Pipe| -> Vec<bool> {
        (0..20_000)
            .map(|second| alone(pipe, START + Duration::from_secs(second * 100), 100) > ms(50))
            .collect()
    };
    let (down, up) = (late(&mut down), late(&mut up));
    for lost in [&down, &up] {
        let share = lost.iter().filter(|late| **late).count();
        // 1,000 expected, with a standard deviation of 31.
        assert!((850..1150).contains(&share), "{share}");
    }
    assert_ne!(down, up);
}

#[test]
fn jitter_is_spread_evenly_from_nothing_to_all_of_it() {
    let mut pipe = down(&link(100, 40, 0.0, None), 3);
    let mut times: Vec<Duration> = (0..10_000)
        .map(|second| alone(&mut pipe, START + Duration::from_secs(second), 100))
        .collect();
    times.sort_unstable();
    assert!(times[0] >= ms(50) && times[0] < ms(51), "{:?}", times[0]);
    assert!(times[9_999] <= ms(90) && times[9_999] > ms(89));
    for (place, expected) in [(2_500, 60), (5_000, 70), (7_500, 80)] {
        assert!(
            times[place].abs_diff(ms(expected)) < ms(2),
            "{:?}",
            times[place]
        );
    }
}

#[test]
fn a_handshake_waits_a_second_for_what_is_lost() {
    let mut calm = down(&link(100, 0, 0.0, None), 1);
    assert_eq!(calm.handshake(START), START + ms(50));
    let mut lossy = down(&link(100, 0, 0.5, None), 1);
    let waits: Vec<u64> = (0..200)
        .map(|_| (lossy.handshake(START).0 - START.0) / 1_000_000)
        .collect();
    for wait in [50, 1_050, 3_050] {
        assert!(waits.contains(&wait), "{waits:?}");
    }
}

#[test]
fn there_is_room_for_a_window_and_what_waited_for_it_travels_afterwards() {
    let mut pipe = down(&link(100, 0, 0.0, None), 1);
    let window = pipe.room();
    pipe.send(START, true, &vec![0; window]);
    assert_eq!(pipe.room(), 0);
    let due = pipe.due(END).unwrap();
    assert_eq!((due.count, due.arrival), (window, START + ms(50)));
    pipe.take(window, due.arrival);
    assert_eq!(pipe.room(), window);
    // Sent long ago, but there was no room for it then.
    pipe.send(START, true, &[0; 10]);
    assert_eq!(pipe.next(), Some(START + ms(100)));
}

#[test]
fn the_end_of_the_stream_comes_last() {
    let mut pipe = down(&link(100, 30, 0.0, Some(1_000_000)), 5);
    pipe.send(START, true, &[1; 5_000]);
    pipe.end(START);
    let (bytes, parts) = drain(&mut pipe);
    assert_eq!(bytes.len(), 5_000);
    assert_eq!(parts[parts.len() - 1].0, 0);
}

#[derive(Debug, Clone)]
struct Traffic {
    link: Link,
    seed: u64,
    /// Milliseconds since the one before, and bytes.
    messages: Vec<(u64, usize)>,
    /// The most bytes taken out at once.
    bite: usize,
}

prop_compose! {
    fn traffic()(
        rtt in 0_u64..400,
        jitter in prop_oneof![Just(0_u64), 1..200_u64],
        loss in prop_oneof![Just(0.0), 0.0..0.5_f64],
        bits in prop::option::of(10_000_u64..50_000_000),
        seed in any::<u64>(),
        messages in prop::collection::vec((0_u64..100, 1_usize..6_000), 1..40),
        bite in 1_usize..10_000,
    ) -> Traffic {
        Traffic { link: link(rtt, jitter, loss, bits), seed, messages, bite }
    }
}

impl Traffic {
    /// Sends everything, taking out what is due meanwhile; gives when each byte was sent and arrived.
    fn run(&self) -> (Vec<u8>, Vec<u8>, Vec<(Moment, Moment)>) {
        let mut pipe = down(&self.link, self.seed);
        let (mut sent, mut got) = (Vec::new(), Vec::new());
        let (mut times, mut arrivals) = (Vec::new(), Vec::new());
        let mut now = START;
        let mut take = |pipe: &mut Pipe, now: Moment| {
            while let Some(due) = pipe.due(now) {
                assert!(due.arrival <= now && due.count > 0 && due.stamped);
                let count = due.count.min(self.bite);
                got.extend(pipe.bytes().iter().take(count));
                arrivals.extend(std::iter::repeat_n(due.arrival, count));
                pipe.take(count, due.arrival);
            }
        };
        for (number, (gap, length)) in self.messages.iter().enumerate() {
            now = now + ms(*gap);
            take(&mut pipe, now);
            let bytes: Vec<u8> = (0..*length).map(|at| (number * 31 + at) as u8).collect();
            assert!(pipe.room() >= bytes.len());
            pipe.send(now, true, &bytes);
            times.extend(std::iter::repeat_n(now, bytes.len()));
            sent.extend(bytes);
        }
        take(&mut pipe, END);
        assert_eq!(pipe.next(), None);
        (sent, got, times.into_iter().zip(arrivals).collect())
    }
}

proptest! {
    #[test]
    fn every_byte_arrives_once_in_order_and_never_too_soon(traffic in traffic()) {
        let (sent, got, times) = traffic.run();
        prop_assert_eq!(sent, got);
        let mut last = Moment(0);
        for (sent, arrived) in times {
            prop_assert!(arrived >= sent + traffic.link.rtt / 2);
            prop_assert!(arrived >= last);
            last = arrived;
        }
    }

    #[test]
    fn without_loss_nothing_comes_later_than_delay_jitter_and_queue(mut traffic in traffic()) {
        traffic.link.loss = 0.0;
        let bits = traffic.link.down.unwrap_or(u64::MAX);
        let (_, _, times) = traffic.run();
        // The bottleneck's backlog, by a fluid that never runs faster than the segments.
        let all: usize = traffic.messages.iter().map(|(_, length)| length + length.div_ceil(SEGMENT) * HEADERS).sum();
        let longest = Duration::from_nanos(all as u64 * 8 * 1_000_000_000 / bits);
        for (sent, arrived) in times {
            let late = Duration::from_nanos(arrived.0 - sent.0);
            prop_assert!(late <= traffic.link.rtt / 2 + traffic.link.jitter + longest + ms(1), "{late:?}");
        }
    }

    #[test]
    fn nothing_is_faster_than_the_bandwidth(mut traffic in traffic()) {
        let bits = 1_000_000;
        traffic.link.down = Some(bits);
        let (_, _, times) = traffic.run();
        let first = times[0].0 + traffic.link.rtt / 2;
        for (before, (_, arrived)) in times.iter().enumerate() {
            let least = (before as u64 + 1) * 8 * 1_000_000_000 / bits;
            prop_assert!(arrived.0 - first.0 >= least, "byte {before}");
        }
    }

    #[test]
    fn the_same_seed_gives_the_same_fate(traffic in traffic()) {
        prop_assert_eq!(traffic.run(), traffic.run());
    }
}

#[test]
fn another_seed_gives_another_fate() {
    let link = link(100, 50, 0.1, None);
    let times = |seed| {
        let mut pipe = down(&link, seed);
        (0..50)
            .map(|_| alone(&mut pipe, START, 10))
            .collect::<Vec<_>>()
    };
    assert_ne!(times(1), times(2));
}
