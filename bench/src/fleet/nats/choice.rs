//! Which of several runs gets a free worker: the one that has waited longest.
//!
//! Runs that need several workers each could otherwise hold some and wait for the rest for ever. So an offer is a lease: it
//! stands for [`STANDS`] with who got it, and a worker offers itself to nobody else until [`HELD`] after.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::time::Instant;

use super::Fleet;

/// How long a coordinator may take up an offer. It calls more often than that, and each call brings a new one.
pub(super) const STANDS: Duration = Duration::from_millis(1200);
/// How long a worker keeps its word: an offer and the answer to it are on their way for a while.
const HELD: Duration = Duration::from_millis(1600);
/// Runs that are known to wait; the oldest, should there be more.
const MOST: usize = 64;

/// What a free worker knows of the runs that call it.
#[derive(Debug, Default)]
pub(super) struct Choice {
    /// Those that call, and when they last did.
    callers: BTreeMap<Fleet, Instant>,
    /// Whose it is, and until when.
    offered: Option<(Fleet, Instant)>,
}

impl Choice {
    /// Hears a call that is no use now.
    pub(super) fn note(&mut self, fleet: Fleet, now: Instant) {
        self.callers.insert(fleet, now);
        // Who has not called for so long has its workers, or is gone.
        self.callers.retain(|_, called| now < *called + HELD);
        if self.callers.len() > MOST {
            self.callers.pop_last();
        }
    }

    /// Hears a call; gives whether it is answered with an offer.
    pub(super) fn hear(&mut self, fleet: Fleet, now: Instant) -> bool {
        self.note(fleet, now);
        let oldest = self.callers.first_key_value().map(|(fleet, _)| *fleet);
        let held = self.offered.filter(|(_, until)| now < *until);
        let free = held.is_none_or(|(holder, _)| Some(holder) == oldest);
        let offers = free && Some(fleet) == oldest;
        if offers {
            self.offered = Some((fleet, now + HELD));
        }
        offers
    }

    /// Whether an offer was made to this one, and to nobody since.
    pub(super) fn is_for(&self, fleet: Fleet) -> bool {
        self.offered.is_some_and(|(holder, _)| holder == fleet)
    }

    /// The trial of this one is over.
    pub(super) fn served(&mut self, fleet: Fleet) {
        self.callers.remove(&fleet);
        self.offered = None;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const OLD: Fleet = Fleet(1);
    const YOUNG: Fleet = Fleet(2);

    #[test]
    fn the_older_run_gets_the_worker_once_the_offer_to_the_younger_is_over() {
        let began = Instant::now();
        let at = |millis| began + Duration::from_millis(millis);
        let mut choice = Choice::default();
        assert!(choice.hear(YOUNG, at(0)));
        assert!(choice.hear(YOUNG, at(500)));
        // From here on the younger one gets no more of them, and the older none yet.
        assert!(!choice.hear(OLD, at(600)));
        assert!(!choice.hear(YOUNG, at(1000)));
        assert!(!choice.hear(OLD, at(1100)));
        assert!(!choice.hear(YOUNG, at(1500)));
        assert!(!choice.hear(OLD, at(1600)));
        assert!(choice.is_for(YOUNG) && !choice.is_for(OLD));
        assert!(!choice.hear(YOUNG, at(2100)));
        assert!(choice.hear(OLD, at(2100)));
        assert!(choice.is_for(OLD) && !choice.is_for(YOUNG));
    }

    #[test]
    fn a_run_that_calls_no_more_is_not_waited_for() {
        let began = Instant::now();
        let mut choice = Choice::default();
        assert!(choice.hear(OLD, began));
        assert!(!choice.hear(YOUNG, began + HELD - Duration::from_millis(1)));
        assert!(choice.hear(YOUNG, began + HELD));
    }

    #[test]
    fn who_called_during_a_trial_comes_before_the_next_trial_of_the_same_run() {
        let now = Instant::now();
        let mut choice = Choice::default();
        assert!(choice.hear(OLD, now));
        let ended = now + Duration::from_secs(60);
        choice.note(YOUNG, ended - Duration::from_millis(400));
        choice.served(OLD);
        assert!(!choice.hear(Fleet(3), ended));
        assert!(choice.hear(YOUNG, ended + Duration::from_millis(100)));
    }

    proptest! {
        /// Whoever calls, and when: an offer is never made while one to somebody else stands.
        #[test]
        fn two_offers_never_stand_at_once(calls in prop::collection::vec((0..4_u64, 0..900_u64), 1..200)) {
            let mut now = Instant::now();
            let mut choice = Choice::default();
            let mut last: Option<(u64, Instant)> = None;
            for (caller, after) in calls {
                now += Duration::from_millis(after);
                if choice.hear(Fleet(caller), now) {
                    if let Some((holder, offered)) = last {
                        prop_assert!(holder == caller || now >= offered + STANDS);
                    }
                    last = Some((caller, now));
                }
            }
        }

        /// Runs that all call twice a second, and begin when all workers stand to them: each gets its turn, the oldest first.
        #[test]
        fn runs_that_wait_begin_one_after_another(runs in 1..6_u64, workers in 1..5_usize, offset in 0..500_u64) {
            let began = Instant::now();
            let mut crew: Vec<Choice> = (0..workers).map(|_| Choice::default()).collect();
            let mut heard = vec![BTreeMap::<usize, Instant>::new(); runs as usize];
            let mut done = Vec::new();
            for turn in 0..runs * 8 {
                // The younger one calls first, and workers hear of them in different orders.
                for run in (0..runs).rev() {
                    if done.contains(&run) {
                        continue;
                    }
                    let now = began + Duration::from_millis(turn * 500 + (run * offset) % 500);
                    for (number, worker) in crew.iter_mut().enumerate() {
                        if (turn > 0 || number as u64 % runs == run) && worker.hear(Fleet(run), now) {
                            heard[run as usize].insert(number, now);
                        }
                    }
                    let offers = &mut heard[run as usize];
                    offers.retain(|_, at| now < *at + STANDS);
                    if offers.len() == workers {
                        prop_assert!(crew.iter().all(|worker| worker.is_for(Fleet(run))));
                        crew.iter_mut().for_each(|worker| worker.served(Fleet(run)));
                        done.push(run);
                    }
                }
            }
            prop_assert_eq!(done.len() as u64, runs);
        }
    }
}
