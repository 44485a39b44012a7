//! The road of a search: doubling, then halving, then more trials at the boundary. Pure.

use std::time::Duration;

/// The most trials of one search; with more, chance alone decides which value holds.
pub(super) const MOST: u32 = 64;

/// What one trial says about its value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Vote {
    /// The condition holds.
    Holds,
    /// It does not.
    Fails,
    /// The trial cannot be trusted.
    Doubtful,
}

/// Within what is searched.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Bounds {
    /// The first value.
    pub(super) from: f64,
    /// The last.
    pub(super) to: f64,
    /// Only whole numbers are values.
    pub(super) whole: bool,
    /// Values closer than this share are not told apart.
    pub(super) precision: f64,
    /// Trials of which most decide.
    pub(super) votes: u32,
    /// How long it may take.
    pub(super) budget: Duration,
}

/// What to do next.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Next {
    /// A trial of this value.
    Try(f64),
    /// Nothing more.
    End(End),
}

/// Why a search is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// Both sides of the boundary are confirmed.
    Found,
    /// The last value holds.
    AllHold,
    /// The first value does not hold.
    NoneHolds,
    /// Trials above cannot be trusted.
    Doubtful,
    /// Another trial would not fit into the time.
    Budget,
    /// The votes contradict each other too often.
    Noise,
}

/// A search under way.
#[derive(Debug, Clone)]
pub(super) struct Course {
    bounds: Bounds,
    /// By value.
    points: Vec<Point>,
    trials: u32,
}

/// A value and its votes.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Point {
    value: f64,
    holds: u32,
    fails: u32,
    doubtful: u32,
}

impl Point {
    fn votes(&self) -> u32 {
        self.holds + self.fails + self.doubtful
    }

    /// What most of its trials say; in a tie it does not hold.
    fn vote(&self) -> Vote {
        if self.holds > self.fails + self.doubtful {
            Vote::Holds
        } else if self.fails >= self.doubtful {
            Vote::Fails
        } else {
            Vote::Doubtful
        }
    }

    /// Whether no more trials could change whether it holds.
    fn is_decided(&self, votes: u32) -> bool {
        let against = self.fails + self.doubtful;
        self.holds * 2 > votes || against * 2 >= votes || self.votes() >= votes
    }
}

impl Course {
    pub(super) fn new(bounds: Bounds) -> Self {
        Self {
            bounds,
            points: Vec::new(),
            trials: 0,
        }
    }

    /// Takes in what a trial has said.
    #[expect(clippy::float_cmp, reason = "the same value, given out before")]
    pub(super) fn book(&mut self, value: f64, vote: Vote) {
        self.trials += 1;
        let at = self.points.partition_point(|point| point.value < value);
        if self.points.get(at).is_none_or(|point| point.value != value) {
            let (holds, fails, doubtful) = (0, 0, 0);
            let point = Point {
                value,
                holds,
                fails,
                doubtful,
            };
            self.points.insert(at, point);
        }
        let point = &mut self.points[at];
        match vote {
            Vote::Holds => point.holds += 1,
            Vote::Fails => point.fails += 1,
            Vote::Doubtful => point.doubtful += 1,
        }
    }

    /// What to do after `spent`, when a trial takes at most `one`.
    pub(super) fn next(&self, spent: Duration, one: Duration) -> Next {
        match self.step() {
            Next::Try(_) if spent + one > self.bounds.budget => Next::End(End::Budget),
            Next::Try(_) if self.trials >= MOST => Next::End(End::Noise),
            next => next,
        }
    }

    fn step(&self) -> Next {
        let Bounds {
            from, to, votes, ..
        } = self.bounds;
        let open = |point: &&Point| point.votes() > 1 && !point.is_decided(votes);
        if let Some(point) = self.points.iter().find(open) {
            return Next::Try(point.value);
        }
        let undecided = |point: &Point| !point.is_decided(votes);
        match (self.low(), self.high()) {
            (None, None) => Next::Try(from),
            (None, Some(high)) if undecided(high) => Next::Try(high.value),
            (None, Some(high)) => Next::End(ended(high, End::NoneHolds)),
            (Some(low), None) if low.value < to => Next::Try(self.round(low.value * 2.0).min(to)),
            (Some(low), None) if undecided(low) => Next::Try(low.value),
            (Some(_), None) => Next::End(End::AllHold),
            (Some(low), Some(high)) => match self.middle(low.value, high.value) {
                Some(middle) => Next::Try(middle),
                None if undecided(low) => Next::Try(low.value),
                None if undecided(high) => Next::Try(high.value),
                None => Next::End(ended(high, End::Found)),
            },
        }
    }

    /// The largest value that holds and the smallest above it that does not, as far as is known.
    pub(super) fn bracket(&self) -> (Option<f64>, Option<f64>) {
        let value = |point: &Point| point.value;
        let failing = self.high().filter(|high| high.vote() == Vote::Fails);
        (self.low().map(value), failing.map(value))
    }

    /// The smallest value whose trials cannot be trusted, when that is what ends the search.
    pub(super) fn doubtful(&self) -> Option<f64> {
        let high = self.high().filter(|high| high.vote() == Vote::Doubtful)?;
        Some(high.value)
    }

    /// Trials of a value so far.
    #[expect(clippy::float_cmp, reason = "the same value, given out before")]
    pub(super) fn votes(&self, value: f64) -> u32 {
        let mut points = self.points.iter();
        let point = points.find(|point| point.value == value);
        point.map_or(0, Point::votes)
    }

    fn high(&self) -> Option<&Point> {
        self.points.iter().find(|point| point.vote() != Vote::Holds)
    }

    fn low(&self) -> Option<&Point> {
        let mut holding = self.points.iter();
        let below = |point: &&Point| point.vote() == Vote::Holds;
        // Up to the first that does not hold; what holds above it is chance.
        let mut low = None;
        while let Some(point) = holding.next().filter(below) {
            low = Some(point);
        }
        low
    }

    /// A value between the two, unless they are as close as asked for.
    fn middle(&self, low: f64, high: f64) -> Option<f64> {
        if high <= low * (1.0 + self.bounds.precision) {
            return None;
        }
        let middle = self.round(f64::midpoint(low, high));
        (middle > low && middle < high).then_some(middle)
    }

    /// With as many figures as the precision needs, so that values read well.
    fn round(&self, value: f64) -> f64 {
        let figures = (-self.bounds.precision.log10()).ceil() + 2.0;
        let step = 10_f64.powf(value.log10().floor() + 1.0 - figures);
        // Steps below one are divided by: 0.1 has no exact float, 10 has.
        let rounded = if step < 1.0 {
            let parts = (1.0 / step).round();
            (value * parts).round() / parts
        } else {
            (value / step).round() * step
        };
        if self.bounds.whole {
            rounded.round()
        } else {
            rounded
        }
    }
}

fn ended(high: &Point, end: End) -> End {
    match high.vote() {
        Vote::Doubtful => End::Doubtful,
        Vote::Holds | Vote::Fails => end,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const ONE: Duration = Duration::from_secs(1);

    fn bounds(from: f64, to: f64, whole: bool, precision: f64, votes: u32) -> Bounds {
        Bounds {
            from,
            to,
            whole,
            precision,
            votes,
            budget: ONE * 1_000,
        }
    }

    /// Searches with a predicate; gives the search, how it ended and the values tried.
    fn search(bounds: Bounds, mut vote: impl FnMut(f64) -> Vote) -> (Course, End, Vec<f64>) {
        let mut course = Course::new(bounds);
        let mut tried = Vec::new();
        loop {
            let spent = ONE * u32::try_from(tried.len()).unwrap();
            match course.next(spent, ONE) {
                Next::Try(value) => {
                    tried.push(value);
                    course.book(value, vote(value));
                }
                Next::End(end) => return (course, end, tried),
            }
        }
    }

    fn below(threshold: f64) -> impl Fn(f64) -> Vote {
        move |value| {
            if value <= threshold {
                Vote::Holds
            } else {
                Vote::Fails
            }
        }
    }

    proptest! {
        #[test]
        fn the_threshold_is_found_within_the_precision(
            from in 1.0..1000.0_f64,
            times in 1.5..10_000.0_f64,
            at in 0.0..1.0_f64,
            whole: bool,
            precision in 0.001..0.5_f64,
            votes in 1..6_u32,
        ) {
            let from = if whole { from.round() } else { from };
            let to = if whole { (from * times).round().max(from + 1.0) } else { from * times };
            let threshold = from * (to / from).powf(at);
            let bounds = bounds(from, to, whole, precision, votes);
            let (course, end, tried) = search(bounds, below(threshold));
            prop_assert_eq!(end, End::Found);
            let (low, high) = course.bracket();
            let (low, high) = (low.unwrap(), high.unwrap());
            prop_assert!(low <= threshold && threshold < high);
            prop_assert!(high <= low * (1.0 + precision) || (whole && high - low <= 1.0), "{low} {high}");
            prop_assert!(tried.iter().all(|value| (from..=to).contains(value)));
            prop_assert!(!whole || tried.iter().all(|value| value.fract() == 0.0));
            let steps = (to / from).log2().ceil() + (1.0 / precision).log2().ceil();
            prop_assert!(tried.len() as f64 <= steps + 3.0 + 2.0 * f64::from(votes), "{}", tried.len());
        }

        #[test]
        fn a_budget_is_kept_and_a_noisy_boundary_ends(
            seconds in 1..80_u32,
            votes in 1..6_u32,
            luck in proptest::collection::vec(0.0..1.0_f64, 100),
        ) {
            let mut bounds = bounds(100.0, 20_000.0, true, 0.05, votes);
            bounds.budget = ONE * seconds;
            let mut luck = luck.into_iter();
            // Between 1,000 and 4,000 chance decides.
            let vote = |value: f64| {
                let chance = (value / 1000.0).log2() / 2.0;
                if luck.next().unwrap() >= chance { Vote::Holds } else { Vote::Fails }
            };
            let (course, end, tried) = search(bounds, vote);
            let count = u32::try_from(tried.len()).unwrap();
            prop_assert!(count <= seconds && count <= MOST);
            if end == End::Found {
                for value in [course.bracket().0.unwrap(), course.bracket().1.unwrap()] {
                    let point = course.points.iter().find(|point| point.value == value).unwrap();
                    prop_assert!(point.is_decided(votes), "{point:?}");
                }
            } else {
                prop_assert!(end == End::Budget || end == End::Noise, "{end:?}");
            }
        }
    }

    #[test]
    fn where_everything_or_nothing_holds_a_majority_says_so() {
        let bounds = bounds(100.0, 1000.0, true, 0.05, 3);
        let (course, end, tried) = search(bounds, below(1e9));
        assert_eq!(
            (end, course.bracket()),
            (End::AllHold, (Some(1000.0), None))
        );
        assert_eq!(tried, [100.0, 200.0, 400.0, 800.0, 1000.0, 1000.0]);
        let (course, end, tried) = search(bounds, below(1.0));
        assert_eq!(
            (end, course.bracket()),
            (End::NoneHolds, (None, Some(100.0)))
        );
        assert_eq!(tried, [100.0, 100.0]);
    }

    #[test]
    fn one_unlucky_trial_at_the_boundary_does_not_decide() {
        let mut count = 0;
        let (course, end, _) = search(bounds(100.0, 200.0, true, 0.05, 3), |value| {
            count += usize::from(value == 100.0);
            // The first trial of all fails by chance.
            if value == 100.0 && count == 1 {
                Vote::Fails
            } else {
                below(150.0)(value)
            }
        });
        assert_eq!(end, End::Found);
        assert!(course.bracket().0.unwrap() > 140.0);
    }

    #[test]
    fn values_that_cannot_be_trusted_end_the_growth_and_are_no_failure() {
        let (course, end, _) = search(bounds(100.0, 10_000.0, true, 0.05, 3), |value| {
            if value > 1000.0 {
                Vote::Doubtful
            } else {
                Vote::Holds
            }
        });
        let (low, high) = course.bracket();
        assert_eq!((end, high), (End::Doubtful, None));
        assert!((950.0..=1000.0).contains(&low.unwrap()), "{low:?}");
        assert!(course.doubtful().is_some_and(|value| value > 1000.0));
    }
}
