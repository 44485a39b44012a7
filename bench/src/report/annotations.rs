//! Alarms as GitHub's workflow commands, which become annotations of a job.
//!
//! The form and its escapes are those of GitHub's documentation, "Workflow commands for GitHub
//! Actions", and of `@actions/core`, which writes them.

use crate::report::alarms::{Alarm, Severity};

/// GitHub shows so many errors and so many warnings of a step, and drops the rest in silence.
const SHOWN: usize = 10;

/// A line for each alarm, errors first; when there are too many, the last line says how many are left out.
#[must_use]
pub fn render(alarms: &[Alarm]) -> String {
    let mut out = String::new();
    for (severity, command) in [(Severity::Error, "error"), (Severity::Warning, "warning")] {
        let all: Vec<&Alarm> = alarms
            .iter()
            .filter(|alarm| alarm.severity == severity)
            .collect();
        let shown = if all.len() > SHOWN {
            SHOWN - 1
        } else {
            all.len()
        };
        for alarm in &all[..shown] {
            let (title, text) = (property(&alarm.title), data(&alarm.text));
            out.push_str(&format!("::{command} title={title}::{text}\n"));
        }
        let rest = all.len() - shown;
        if rest > 0 {
            let noun = if severity == Severity::Error {
                "errors"
            } else {
                "warnings"
            };
            out.push_str(&format!(
                "::{command} title=bench::and {rest} more {noun}\n"
            ));
        }
    }
    out
}

fn data(text: &str) -> String {
    text.replace('%', "%25")
        .replace('\r', "%0D")
        .replace('\n', "%0A")
}

fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}
