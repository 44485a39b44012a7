//! Booking: what a delivery costs, and what is kept for how many clients and how long.

use std::time::Duration;

use super::{BOOKING_BUDGET, Figure, bounded, told};
use crate::clock::Moment;
use crate::record::{Memory, Recorder, Window};
use crate::stamp::Stamp;
use crate::units::{show_bytes, show_nanos};

const DELIVERIES: u32 = 1_000_000;
/// Clients that the deliveries are spread over.
const CLIENTS: u32 = 1000;
/// A client of the memory test has a message so often, in simulated seconds.
const EVERY: u32 = 10;
const FEW: (u32, u32) = (10, 10);
const MANY: (u32, u32) = (10_000, 1000);

pub(super) fn figures(out: &mut Vec<Figure>) {
    let cost = cost();
    out.push(bounded(
        "booking a delivery, the clock included",
        show_nanos(cost),
        format!("under {}", show_nanos(BOOKING_BUDGET)),
        cost < BOOKING_BUDGET,
    ));
    let (few, many) = (memory(FEW), memory(MANY));
    out.push(bounded(
        "histograms of 10 clients, 10 s / 10,000 clients, 1,000 s",
        both(few.histograms as f64, many.histograms as f64),
        "the same".to_owned(),
        few.histograms == many.histograms,
    ));
    // A ledger knows which messages came: it is per client by its nature, and grows with holes only.
    let each = |memory: &Memory, clients: u32| memory.ledgers as f64 / f64::from(clients);
    let short = memory((MANY.0, FEW.1));
    out.push(bounded(
        "ledger of a client that misses nothing, 10 s / 1,000 s",
        both(each(&short, MANY.0), each(&many, MANY.0)),
        "the same".to_owned(),
        short.ledgers == many.ledgers,
    ));
    out.push(told(
        "all ledgers of 10,000 clients",
        show_bytes(many.ledgers as f64),
    ));
}

fn both(left: f64, right: f64) -> String {
    format!("{} / {}", show_bytes(left), show_bytes(right))
}

/// Nanoseconds that it takes to note the time of a delivery and to book it.
fn cost() -> f64 {
    let now = Moment::now();
    let mut recorder = recorder(now, CLIENTS);
    for number in 0..DELIVERIES {
        let stamp = stamp(number / CLIENTS, now);
        let client = (number % CLIENTS) as usize;
        recorder.deliver(client, &stamp, Moment::now(), Some(now));
    }
    Moment::now().since(now) as f64 / f64::from(DELIVERIES)
}

/// What is kept after so many simulated seconds, each handed over as it ends.
fn memory((clients, seconds): (u32, u32)) -> Memory {
    let start = Moment::now();
    let mut recorder = recorder(start, clients);
    for second in 0..seconds {
        let now = start + Duration::from_secs(u64::from(second));
        for client in (0..clients).filter(|client| client % EVERY == second % EVERY) {
            let stamp = stamp(second / EVERY, now);
            recorder.deliver(
                client as usize,
                &stamp,
                now + Duration::from_micros(u64::from(client)),
                Some(now),
            );
        }
        while recorder.take_ended().is_some() {}
    }
    recorder.memory()
}

/// A recorder of subscribers to one channel, in the measured phase.
fn recorder(now: Moment, clients: u32) -> Recorder {
    let window = Window {
        start: now,
        measure: now,
        end: Moment(u64::MAX / 2),
    };
    Recorder::new(0, window, (0..clients).map(|_| 0))
}

fn stamp(sequence: u32, due: Moment) -> Stamp {
    Stamp {
        run: 0,
        channel: 0,
        publisher: 0,
        sequence,
        due,
    }
}
