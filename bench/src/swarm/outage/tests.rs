//! When clients are back from an outage.

use proptest::prelude::*;

use super::*;

fn cut(share: f64) -> Incident {
    Incident {
        at: Duration::ZERO,
        action: Action::Disconnect {
            share,
            spread: Duration::from_secs(2),
        },
    }
}

proptest! {
    #[test]
    fn exactly_a_share_is_chosen_and_the_seed_says_who(
        share in 0.001..=1.0_f64,
        clients in 1..500_usize,
        seed: u64,
    ) {
        let event = cut(share);
        let one = chosen(&event, seed, clients);
        let number = one.iter().filter(|chosen| **chosen).count();
        prop_assert_eq!(number, count(&event, clients));
        prop_assert!((number as f64 - clients as f64 * share).abs() <= 1.0);
        prop_assert_eq!(&one, &chosen(&event, seed, clients));
        prop_assert!(within(Duration::from_secs(2), seed) < Duration::from_secs(2));
    }
}

/// When the only client was back from one event that kept it away until `not_before`.
fn back(polling: bool, told: Told, then: impl Fn(&Outages)) -> Option<Moment> {
    let outages = Outages::new(1, polling);
    outages.opened(0);
    outages.begin(0, 0, told, Moment::now());
    then(&outages);
    outages.finish()[0].back
}

#[test]
fn a_client_that_polls_is_back_with_an_answer_and_a_stream_at_once() {
    for told in [Told::Go, Told::Stop] {
        let over = |outages: &Outages| outages.end(0, told, Moment::now());
        assert!(back(false, told, over).is_some());
        assert!(back(true, told, over).is_none());
        let polled = |outages: &Outages| {
            over(outages);
            outages.answered(0);
        };
        assert!(back(true, told, polled).is_some());
    }
}

#[test]
fn an_answer_from_before_the_end_brings_nobody_back() {
    let outages = Outages::new(1, true);
    outages.opened(0);
    let end = Moment::now() + Duration::from_secs(3600);
    outages.begin(0, 0, Told::Go, end);
    outages.answered(0);
    assert_eq!(outages.finish()[0].back, None);
    // A connection that a frozen server's kernel took is one of its end, in every event.
    let outages = Outages::new(1, false);
    outages.begin(0, 0, Told::Go, Moment::now());
    outages.begin(0, 1, Told::Go, end);
    outages.opened(0);
    let all = outages.finish();
    assert_eq!([all[0].back, all[1].back], [Some(end), Some(end)]);
}

#[test]
fn of_two_times_without_reading_the_later_end_counts() {
    let both = |outages: &Outages| {
        outages.begin(0, 1, Told::Stop, Moment::now());
        outages.end(0, Told::Stop, Moment::now());
    };
    assert_eq!(back(false, Told::Stop, both), None);
    let ended = |outages: &Outages| {
        both(outages);
        outages.end(0, Told::Stop, Moment::now());
    };
    assert!(back(false, Told::Stop, ended).is_some());
}

#[test]
fn every_client_is_as_likely_as_any_other_and_comes_back_at_any_time() {
    let mut hits = [0_u32; 10];
    let mut spans = 0.0;
    for seed in 0..2_000 {
        let chosen = chosen(&cut(0.3), seed, 10);
        hits.iter_mut()
            .zip(chosen)
            .for_each(|(hits, chosen)| *hits += u32::from(chosen));
        spans += within(Duration::from_secs(1), seed).as_secs_f64() / 2_000.0;
    }
    // 600 each with a standard deviation of 20.5; a mean of 0.5 with one of 0.0065.
    assert!(
        hits.iter().all(|hits| (500..700).contains(hits)),
        "{hits:?}"
    );
    assert!((0.46..0.54).contains(&spans), "{spans}");
}
