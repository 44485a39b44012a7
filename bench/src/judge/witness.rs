//! Whether what a browser saw can be true beside what the simulated clients saw.

use crate::result::{Side, WitnessedTrial};
use crate::scenario::Transport;

/// Medians of polling that are closer than this share of the interval do not contradict each other: a page's
/// timer and its own work make its interval a little longer.
pub const POLLING_SHARE: f64 = 0.05;

/// What the browser saw otherwise than simulated clients say it may, one sentence each.
///
/// No transport's latency is held to a figure: a page has its own cost, which depends on the machine. But it cannot
/// have a message before a simulated client has; a poll's wait is the same law for both; and neither
/// may lose, repeat or reorder what the other gets.
#[must_use]
pub fn contradictions(trial: &WitnessedTrial) -> Vec<String> {
    let mut found = Vec::new();
    let (browser, simulated) = (&trial.browser, &trial.simulated);
    if browser.delivered == 0 {
        found.push("no message reached the browser".to_owned());
        return found;
    }
    let counts: [(&str, fn(&Side) -> u64); 3] = [
        ("were lost", |side| side.lost),
        ("came twice", |side| side.duplicated),
        ("came out of order", |side| side.reordered),
    ];
    for (what, count) in counts {
        if count(browser) > 0 && count(simulated) == 0 {
            found.push(format!(
                "{} of the browser's messages {what}, none of the simulated clients'",
                count(browser)
            ));
        }
    }
    let Some(apart) = trial.apart() else {
        return found;
    };
    let millis = |nanos: f64| format!("{:.1} ms", nanos / 1e6);
    if trial.transport == Transport::Polling {
        let allowed = trial.load.poll_interval.as_secs_f64() * 1e9 * POLLING_SHARE;
        if apart.low > allowed || apart.high < -allowed {
            found.push(format!(
                "polling's medians are {} apart, more than chance and {} explain",
                millis(apart.median.abs()),
                millis(allowed)
            ));
        }
        if browser.uniformity.is_some_and(|law| !law.holds) {
            found.push("the browser's delays are not uniform over the interval".to_owned());
        }
    } else if apart.high < 0.0 {
        found.push(format!(
            "the browser's median is {} before the simulated clients', which no page can be",
            millis(-apart.median)
        ));
    }
    found
}
