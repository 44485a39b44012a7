//! What a person sees while a run goes on: a line that moves on a terminal, a line a trial elsewhere.

use std::io::{self, IsTerminal, Write};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::fleet::{Event, Progress};
use crate::scenario::Plan;
use crate::units::{show_count, show_nanos};

pub(super) struct Display {
    quiet: bool,
    bar: Option<ProgressBar>,
    label: String,
}

impl Display {
    pub(super) fn new(quiet: bool) -> Self {
        let bar = (!quiet && io::stderr().is_terminal()).then(|| {
            let bar = ProgressBar::with_draw_target(Some(1000), ProgressDrawTarget::stderr());
            if let Ok(style) = ProgressStyle::with_template("{prefix} [{bar:24}] {wide_msg}") {
                bar.set_style(style.progress_chars("=> "));
            }
            bar
        });
        Self {
            quiet,
            bar,
            label: String::new(),
        }
    }

    /// What will be done and how long it takes.
    pub(super) fn plan(&self, plan: &Plan) {
        let minutes = duration(plan.expected_time());
        let what = if plan.search.is_some() {
            "searches"
        } else {
            "trials"
        };
        let count = plan.trials.len();
        self.line(&format!("{}: {count} {what}, about {minutes}", plan.title));
    }

    pub(super) fn show(&mut self, event: &Event<'_>) {
        match event {
            Event::Trial { number, of, trial } => {
                let of = of.map_or_else(String::new, |of| format!("/{of}"));
                self.label = format!("{number}{of} {}", trial.id);
                match &self.bar {
                    Some(bar) => bar.set_prefix(self.label.clone()),
                    None => self.line(&self.label),
                }
            }
            Event::Phase(progress) => self.phase(progress),
            Event::Ended { result, .. } => {
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
        }
    }

    fn phase(&self, progress: &Progress) {
        let Some(bar) = &self.bar else { return };
        let share = if progress.of > 0.0 {
            (progress.elapsed / progress.of).min(1.0)
        } else {
            1.0
        };
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a share of 1,000"
        )]
        bar.set_position((share * 1000.0) as u64);
        let left = (progress.of - progress.elapsed).max(0.0);
        bar.set_message(format!(
            "{} · {left:.0} s left · {}/{} clients · {} published · {} delivered",
            progress.phase.name(),
            show_count(progress.connected),
            show_count(progress.clients),
            show_count(progress.published),
            show_count(progress.delivered),
        ));
    }

    /// Takes the moving line away.
    pub(super) fn done(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }

    fn line(&self, text: &str) {
        match &self.bar {
            Some(bar) => bar.println(text),
            None if !self.quiet => {
                // Nowhere is left to tell that standard error is gone.
                let _ = writeln!(io::stderr(), "{text}");
            }
            None => {}
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
