//! Whether what a browser saw can be true beside what the simulated clients saw.

use crate::result::{Side, WitnessedTrial};
use crate::scenario::Transport;

/// Medians of polling that are closer than this share of the interval do not contradict each other: a page's
/// timer and its own work make its interval a little longer.
pub const POLLING_SHARE: f64 = 0.05;

/// What may not happen to a message, and how often it did.
type Fault = (&'static str, fn(&Side) -> u64);

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
    let counts: [Fault; 3] = [
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::result::{ClockBound, SideBytes, Summary};
    use crate::scenario::Load;

    const MS: u64 = 1_000_000;

    /// Two hundred messages around a median, which is certain to a tenth of it.
    fn side(p50: u64) -> Side {
        Side {
            subscribers: 4,
            expected: 200,
            delivered: 200,
            lost: 0,
            duplicated: 0,
            reordered: 0,
            delivery: Some(Summary {
                count: 200,
                negative: 0,
                mean: 0.0,
                min: 0,
                p50,
                p50_low: Some(p50 - p50 / 10),
                p50_high: Some(p50 + p50 / 10),
                p90: p50,
                p95: Some(p50),
                p99: p50,
                p99_low: None,
                p99_high: None,
                p99_9: None,
                max: p50,
            }),
            requests: 0,
            bytes: SideBytes::default(),
            uniformity: None,
            percentiles: Vec::new(),
        }
    }

    fn trial(transport: Transport, simulated: u64, browser: u64) -> WitnessedTrial {
        WitnessedTrial {
            id: transport.to_string(),
            repeat: 1,
            transport,
            factors: std::collections::BTreeMap::new(),
            load: Load {
                transport,
                ..Load::default()
            },
            simulated: side(simulated),
            browser: side(browser),
            clock: ClockBound {
                exchanges: 50,
                bound_ns: MS,
                resolution_ns: MS / 10,
            },
            notes: Vec::new(),
            contradictions: Vec::new(),
        }
    }

    #[test]
    fn a_page_may_be_late_and_may_not_be_early() {
        for late in [3 * MS, 300 * MS] {
            assert!(contradictions(&trial(Transport::Sse, 2 * MS, late)).is_empty());
        }
        // 1.5 ms early is within a tenth of either and the millisecond of the clock.
        assert!(contradictions(&trial(Transport::Sse, 4 * MS, 25 * MS / 10)).is_empty());
        let found = contradictions(&trial(Transport::Sse, 8 * MS, 2 * MS));
        assert!(found[0].contains("6.0 ms before"), "{found:?}");
    }

    #[test]
    fn polls_wait_for_as_long_on_both_sides() {
        let polling = |browser| contradictions(&trial(Transport::Polling, 500 * MS, browser));
        assert!(polling(560 * MS).is_empty() && polling(440 * MS).is_empty());
        for wrong in [250, 800] {
            let found = polling(wrong * MS);
            assert!(found[0].contains("polling's medians"), "{found:?}");
        }
    }

    #[test]
    fn what_only_the_browser_lost_contradicts() {
        let mut both = trial(Transport::Sse, MS, 2 * MS);
        both.browser.lost = 3;
        assert!(contradictions(&both)[0].contains("3 of the browser's messages were lost"));
        both.simulated.lost = 60;
        assert!(contradictions(&both).is_empty());
        both.browser.delivered = 0;
        assert_eq!(contradictions(&both), ["no message reached the browser"]);
    }
}
