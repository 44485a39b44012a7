//! Runs a search: trials whose values follow from what the ones before them said.

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::course::{Bounds, Course, End, MOST, Next, Vote};
use super::{Event, Means, RunError, keep, trial};
use crate::result::{RunResult, SearchEnd, SearchResult, SearchTrial, TrialResult, metric};
use crate::scenario::{Plan, Search, Target, Trial};

/// Rules of trust that the generator breaks, not the server: behind them the server may hold more.
const OURS: [&str; 6] = [
    "schedule_lag",
    "clock_bound",
    "generator_busy",
    "negative_delivery",
    "negative_arrival",
    "negative_publish",
];

/// Searches each combination in turn; gives why it stopped early, when it did.
pub(super) async fn run(
    plan: &Plan,
    search: &Search,
    means: Means<'_>,
    stop: &CancellationToken,
    result: &mut RunResult,
    observe: &mut dyn FnMut(Event<'_>),
) -> Option<RunError> {
    for combination in 0..plan.trials.len() {
        if stop.is_cancelled() {
            return None;
        }
        let mut hunt = Hunt::new(plan, search, combination);
        let error = hunt.run(means, stop, result, observe).await;
        result.searches.push(hunt.conclude());
        // Kept at once, as trials are: what comes later must not cost it.
        if error.is_some() {
            return error;
        }
    }
    None
}

/// The search of one combination.
struct Hunt<'a> {
    plan: &'a Plan,
    search: &'a Search,
    combination: usize,
    course: Course,
    trials: Vec<SearchTrial>,
    ended: SearchEnd,
}

impl<'a> Hunt<'a> {
    fn new(plan: &'a Plan, search: &'a Search, combination: usize) -> Self {
        Self {
            plan,
            search,
            combination,
            course: Course::new(Bounds {
                from: search.from,
                to: search.to,
                whole: search.whole,
                precision: search.precision,
                votes: search.votes,
                budget: search.budget,
            }),
            trials: Vec::new(),
            ended: SearchEnd::Stopped,
        }
    }

    async fn run(
        &mut self,
        means: Means<'_>,
        stop: &CancellationToken,
        result: &mut RunResult,
        observe: &mut dyn FnMut(Event<'_>),
    ) -> Option<RunError> {
        let began = Instant::now();
        loop {
            let next = self.course.next(began.elapsed(), self.plan.longest_trial());
            let value = match next {
                Next::End(end) => {
                    self.ended = named(end);
                    return None;
                }
                Next::Try(_) if stop.is_cancelled() => return None,
                Next::Try(value) => value,
            };
            let number = self.course.votes(value) + 1;
            let mut all = self.search.trials_at(value, number);
            let trial = all.swap_remove(self.combination);
            observe(Event::Trial {
                number: result.trials.len() + 1,
                of: None,
                trial: &trial,
            });
            let outcome = trial::run(self.plan, &trial, means, stop, observe, None).await;
            let (said, error) = match outcome {
                Ok(None) => return None,
                Ok(Some(mut trialled)) => {
                    let error = trialled.error.take();
                    let said = match &error {
                        // It held until it was gone.
                        Some(error) => (Vote::Fails, Some(error.to_string())),
                        None => self.say(&trialled.result),
                    };
                    keep(result, trialled, observe);
                    (said, error)
                }
                Err(error) => ((Vote::Fails, Some(error.to_string())), Some(error)),
            };
            if stop.is_cancelled() {
                return error;
            }
            if let Some(error) = error.filter(|error| !self.is_a_finding(error)) {
                return Some(error);
            }
            self.book(&trial, value, said);
        }
    }

    /// Whether an error says something about the value: a server that a load brings down is
    /// started afresh for the next trial, unless it is not bench's to start.
    fn is_a_finding(&self, error: &RunError) -> bool {
        self.plan.servers().all(Target::is_started_here)
            && matches!(error, RunError::Lost { .. } | RunError::NoClients { .. })
    }

    /// What a trial says of its value, and why it does not hold.
    fn say(&self, trial: &TrialResult) -> (Vote, Option<String>) {
        let broken = trial.validity.iter().filter(|check| !check.holds);
        if broken
            .clone()
            .any(|check| OURS.contains(&check.rule.as_str()))
        {
            return (Vote::Doubtful, trial.invalid_reasons.first().cloned());
        }
        for condition in &self.search.conditions {
            let metric = metric::find(&condition.metric);
            let value = metric.and_then(|metric| metric.of(trial));
            if value.is_some_and(|value| condition.op.holds(value, condition.bound)) {
                continue;
            }
            let shown = metric.zip(value).map_or_else(
                || "not measured".to_owned(),
                |(metric, value)| metric.unit.show(value),
            );
            let why = format!("{} was {shown}, not {}", condition.metric, condition.text);
            return (Vote::Fails, Some(why));
        }
        // What else breaks trust is a server that does not keep up: its queue grows, it refuses, it is gone.
        match trial.invalid_reasons.first() {
            Some(reason) => (Vote::Fails, Some(reason.clone())),
            None => (Vote::Holds, None),
        }
    }

    fn book(&mut self, trial: &Trial, value: f64, (vote, why): (Vote, Option<String>)) {
        self.course.book(value, vote);
        self.trials.push(SearchTrial {
            id: trial.id.clone(),
            value,
            holds: match vote {
                Vote::Holds => Some(true),
                Vote::Fails => Some(false),
                Vote::Doubtful => None,
            },
            why,
        });
    }

    fn conclude(self) -> SearchResult {
        let (holds, fails) = self.course.bracket();
        let trial = &self.plan.trials[self.combination];
        let mut factors = trial.factors.clone();
        factors.remove(&self.search.vary);
        let unmet = fails.and_then(|fails| self.why(fails));
        SearchResult {
            transport: trial.load.transport,
            factors,
            vary: self.search.vary.clone(),
            from: self.search.from,
            to: self.search.to,
            condition: self.search.condition(),
            precision: self.search.precision,
            holds,
            fails,
            unmet,
            ended: self.ended,
            reason: self.reason(),
            trials: self.trials,
        }
    }

    /// Why the last trial of a value did not hold.
    #[expect(clippy::float_cmp, reason = "the same value, kept")]
    fn why(&self, value: f64) -> Option<String> {
        let of = self.trials.iter().filter(|trial| trial.value == value);
        of.filter_map(|trial| trial.why.clone()).next_back()
    }

    fn reason(&self) -> String {
        let written = |value| self.search.written(value);
        match self.ended {
            SearchEnd::Found => "the boundary was found and confirmed".to_owned(),
            SearchEnd::AllHold => {
                "the largest value holds; raise \"search.to\" to find the boundary".to_owned()
            }
            SearchEnd::NoneHolds => "not even the first value holds".to_owned(),
            SearchEnd::Doubtful => {
                let at = self.course.doubtful();
                let why = at.and_then(|at| self.why(at)).unwrap_or_default();
                format!(
                    "a trial at {} cannot be trusted ({why}): the server may hold more",
                    at.map(written).unwrap_or_default()
                )
            }
            SearchEnd::Budget => format!(
                "its time of {} was up; the boundary is not confirmed",
                metric::Unit::Nanoseconds.show(self.search.budget.as_secs_f64() * 1e9)
            ),
            SearchEnd::Noise => format!(
                "after {MOST} trials the same values held and failed by turns; measure longer"
            ),
            SearchEnd::Stopped => "it was stopped before its end".to_owned(),
        }
    }
}

fn named(end: End) -> SearchEnd {
    match end {
        End::Found => SearchEnd::Found,
        End::AllHold => SearchEnd::AllHold,
        End::NoneHolds => SearchEnd::NoneHolds,
        End::Doubtful => SearchEnd::Doubtful,
        End::Budget => SearchEnd::Budget,
        End::Noise => SearchEnd::Noise,
    }
}
