//! What a person sees while a run goes on: a view that stays on a terminal, a line a trial elsewhere; and a page in
//! a browser for whoever asked for one.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::follow::Follow;
use super::tell;
use crate::fleet::Event;
use crate::live::{Screen, State};
use crate::result::RunResult;
use crate::scenario::Plan;
use crate::units::{show_count, show_nanos};

/// Shows one run, or several in turns.
pub(super) struct Display<'a> {
    quiet: bool,
    label: String,
    state: Arc<Mutex<State>>,
    screen: Option<Screen>,
    follow: Option<&'a mut Follow>,
}

impl<'a> Display<'a> {
    pub(super) fn new(quiet: bool, mut follow: Option<&'a mut Follow>) -> Self {
        if let Some(follow) = &mut follow {
            follow.feed().group();
        }
        let state = Arc::<Mutex<State>>::default();
        // A machine that has no thread left for a view has other troubles, and they are told.
        let screen = if quiet {
            None
        } else {
            Screen::start(&state).unwrap_or_default()
        };
        Self {
            quiet,
            label: String::new(),
            state,
            screen,
            follow,
        }
    }

    /// What will be done and how long it takes; `part` is what it is in a comparison, and else empty.
    pub(super) fn plan(&mut self, plan: &Plan, part: &str) {
        self.state().plan(plan, part);
        if let Some(follow) = &mut self.follow {
            follow.feed().plan(plan, part);
        }
        let minutes = duration(plan.expected_time());
        let what = if plan.search.is_some() {
            "searches"
        } else {
            "trials"
        };
        let count = plan.trials.len();
        self.line(&format!("{}: {count} {what}, about {minutes}", plan.title));
    }

    /// Says which of several runs the next trial belongs to, by the order in which they were added.
    pub(super) fn turn_to(&mut self, turn: usize) {
        self.state().turn_to(turn);
        if let Some(follow) = &mut self.follow {
            follow.feed().turn_to(turn);
        }
    }

    pub(super) fn show(&mut self, event: &Event<'_>) {
        {
            let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
            state.take(event);
            if let Some(follow) = &mut self.follow {
                follow.feed().take(event, &state);
            }
        }
        match event {
            Event::Trial { number, of, trial } => {
                let of = of.map_or_else(String::new, |of| format!("/{of}"));
                self.label = format!("{number}{of} {}", trial.id);
                // On a terminal the view says so.
                if self.screen.is_none() {
                    self.line(&self.label);
                }
            }
            Event::Waiting => {
                self.line("its workers are with another run: waiting for the end of that trial");
            }
            Event::Phase(_) | Event::Second { .. } => {}
            Event::Ended { result, .. } => self.ended(result),
        }
    }

    fn ended(&self, result: &RunResult) {
        let Some(trial) = result.trials.last() else {
            return;
        };
        let median = trial.latency_ns.delivery.map_or_else(
            || "nothing".to_owned(),
            |delivery| format!("{} at the median", show_nanos(delivery.p50 as f64)),
        );
        let messages = trial.messages;
        let doubt = if trial.valid { "" } else { " — INVALID" };
        self.line(&format!(
            "{}: {median}, {} of {} deliveries{doubt}",
            self.label,
            show_count(messages.delivered),
            show_count(messages.expected)
        ));
    }

    /// Takes the view away.
    pub(super) fn done(self) {
        drop(self.screen);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn line(&self, text: &str) {
        if !self.quiet {
            tell(text);
        }
    }
}

fn duration(span: Duration) -> String {
    let seconds = span.as_secs_f64().ceil();
    if seconds < 120.0 {
        format!("{seconds:.0} s")
    } else {
        format!("{:.1} minutes", seconds / 60.0)
    }
}
