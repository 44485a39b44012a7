//! What is booked is what came, exactly.

use std::collections::BTreeSet;
use std::time::Duration;

use proptest::prelude::*;

use super::*;

const SECOND: u64 = 1_000_000_000;

fn window() -> Window {
    Window {
        start: Moment(10 * SECOND),
        measure: Moment(11 * SECOND + SECOND / 2),
        end: Moment(14 * SECOND + SECOND / 2),
    }
}

fn stamp(sequence: u32, due: Moment) -> Stamp {
    Stamp {
        run: 5,
        channel: 3,
        publisher: 0,
        sequence,
        due,
    }
}

#[test]
fn only_messages_due_in_the_measured_phase_count_and_each_only_once() {
    let mut recorder = Recorder::new(5, window(), [3]);
    let ms = Duration::from_millis;
    let mut deliver = |sequence, due: Moment, after: Duration| {
        recorder.deliver(
            0,
            &stamp(sequence, due),
            due + after,
            Some(due + after - ms(1)),
        )
    };
    let before = window().measure - ms(1);
    // Due in the warm-up, delivered in the measured phase: counted by the second, in no latency.
    assert!(!deliver(0, before, ms(5)));
    assert!(deliver(2, window().measure, ms(10)));
    assert!(deliver(1, window().measure, ms(11)), "late, but new");
    assert!(!deliver(2, window().measure, ms(12)), "again");
    assert!(deliver(3, window().end - ms(1), ms(3000)), "in the drain");
    assert!(!deliver(4, window().end, ms(3000)), "due after the end");
    assert!(
        !recorder.deliver(
            0,
            &Stamp {
                run: 6,
                ..stamp(9, before)
            },
            before,
            None
        ),
        "of another run"
    );
    assert!(
        !recorder.deliver(
            0,
            &Stamp {
                channel: 1,
                ..stamp(9, before)
            },
            before,
            None
        ),
        "of another channel"
    );
    let (intervals, counts, ledgers) = recorder.finish();
    assert_eq!(
        counts,
        Counts {
            delivered: 3,
            duplicated: 1,
            reordered: 1,
            strays: 2,
            missed_reports: 0
        }
    );
    assert_eq!(ledgers[0].received(0).map(Ranges::count), Some(5));
    assert_eq!(
        intervals
            .iter()
            .map(|interval| interval.delivered)
            .sum::<u64>(),
        6
    );
    let mut total = Series::default();
    for interval in intervals.iter().filter(|interval| interval.measured) {
        total.merge(&interval.delivery);
    }
    let summary = total.summary().unwrap();
    assert_eq!((summary.count, summary.negative), (3, 0));
    assert!(
        summary.min.abs_diff(10_000_000) < 10_000,
        "exact to 0.1 %: {summary:?}"
    );
}

#[test]
fn a_negative_latency_is_counted_and_shown() {
    let mut series = Series::default();
    series.record(-5);
    series.record(7);
    let summary = series.summary().unwrap();
    assert_eq!(
        (summary.count, summary.negative, summary.min, summary.max),
        (2, 1, 0, 7)
    );
}

#[test]
fn the_measured_phase_starts_with_a_second_of_its_own() {
    let window = window();
    assert_eq!(window.end_of(0), Moment(11 * SECOND));
    assert_eq!(window.end_of(1), window.measure);
    assert!(!window.measured_second(1) && window.measured_second(2));
    assert_eq!(window.start_of(2), window.measure);
    assert_eq!(window.end_of(4), window.end);
}

proptest! {
    #[test]
    fn ranges_are_a_set(values in prop::collection::vec(0..60_u32, 0..80), others in prop::collection::vec(0..60_u32, 0..80)) {
        let (mut set, mut ranges) = (BTreeSet::new(), Ranges::default());
        for value in values {
            prop_assert_eq!(ranges.insert(value), set.insert(value));
            prop_assert_eq!(ranges.last(), set.last().copied());
        }
        prop_assert_eq!(ranges.count(), set.len() as u64);
        let (mut other_set, mut other) = (BTreeSet::new(), Ranges::default());
        for value in others {
            other.insert(value);
            other_set.insert(value);
        }
        prop_assert_eq!(ranges.common(&other), set.intersection(&other_set).count() as u64);
        prop_assert_eq!(other.common(&ranges), ranges.common(&other));
    }

    #[test]
    fn merged_series_are_as_if_recorded_in_one(values in prop::collection::vec(-10..10_000_000_000_i64, 1..200), at in any::<prop::sample::Index>()) {
        let (mut whole, mut first, mut second) = (Series::default(), Series::default(), Series::default());
        for (index, value) in values.iter().enumerate() {
            whole.record(*value);
            if index < at.index(values.len()) { first.record(*value) } else { second.record(*value) }
        }
        first.merge(&second);
        prop_assert_eq!(first.summary(), whole.summary());
    }

    #[test]
    fn every_delivery_is_booked_as_what_it_is(sequences in prop::collection::vec(0..30_u32, 0..60)) {
        let (mut ledger, mut seen, mut highest) = (Ledger::new(0), BTreeSet::new(), None);
        for sequence in sequences {
            let expected = if !seen.insert(sequence) { Booked::Again } else if highest > Some(sequence) { Booked::Late } else { Booked::InOrder };
            highest = highest.max(Some(sequence));
            prop_assert_eq!(ledger.book(1, sequence), expected);
        }
    }
}

#[test]
fn a_quantile_has_an_interval_as_wide_as_its_observations_make_it() {
    let mut series = Series::default();
    (1..=10_000).for_each(|us| series.record(us * 1000));
    let all = series.summary().unwrap();
    assert!(all.p50_low < Some(all.p50) && Some(all.p50) < all.p50_high);
    assert!(all.p99_low < Some(all.p99) && Some(all.p99) < all.p99_high);
    // Ranks 4,902 and 5,099 of 10,000 by the binomial distribution, the histogram's figures aside.
    assert!(all.p50_low.unwrap().abs_diff(4_902_000) < 10_000);
    assert!(all.p50_high.unwrap().abs_diff(5_099_000) < 10_000);
    // A hundred messages to a hundred clients each say less, and nothing of the last hundredth.
    let messages = series.summary_of(100).unwrap();
    assert!(messages.p50_low < all.p50_low && all.p50_high < messages.p50_high);
    assert_eq!((messages.p99, messages.p99_high), (all.p99, None));
}

#[test]
fn the_last_thousandth_needs_ten_samples_in_it() {
    let mut series = Series::default();
    (0..9_999).for_each(|_| series.record(1000));
    assert_eq!(series.summary().unwrap().p99_9, None);
    series.record(1000);
    assert!(series.summary().unwrap().p99_9.is_some());
}

#[test]
fn histograms_take_the_same_room_for_any_number_of_clients_and_seconds() {
    let memory = |clients: usize, seconds: u64| {
        let mut recorder = Recorder::new(5, window(), vec![3; clients]);
        for second in 0..seconds {
            let now = window().measure + Duration::from_secs(second);
            for client in 0..clients {
                let sequence = u32::try_from(second).unwrap();
                recorder.deliver(client, &stamp(sequence, now), now, Some(now));
            }
            while recorder.take_ended().is_some() {}
        }
        recorder.memory()
    };
    let (small, large) = (memory(1, 2), memory(50, 200));
    assert!(small.histograms > 100_000);
    assert_eq!(small.histograms, large.histograms);
    // A ledger is a subscriber's own, and as long as nothing is missing it does not grow.
    assert_eq!(small.ledgers * 50, large.ledgers);
}

#[test]
fn a_ledger_grows_with_each_hole() {
    let mut ledger = Ledger::new(3);
    let memory = |ledger: &mut Ledger, sequences: &[u32]| {
        for sequence in sequences {
            ledger.book(0, *sequence);
        }
        ledger.memory()
    };
    let whole = memory(&mut ledger, &[0, 1, 2, 3]);
    let holes: Vec<u32> = (5..105).step_by(2).collect();
    assert!(memory(&mut ledger, &holes) >= whole + 40 * 8);
}
