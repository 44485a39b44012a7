//! What a person has to be told of a run or a comparison, most serious first.

use crate::report::{evidence, gates, words};
use crate::result::compared::{Compared, Conclusion, Finding};
use crate::result::{RunResult, Verdict};

/// How serious it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Severity {
    /// The command fails for it.
    Error,
    /// A reader should know it.
    Warning,
}

/// One thing to be told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alarm {
    /// How serious it is.
    pub severity: Severity,
    /// What it is about, in a few words.
    pub title: String,
    /// What there is to say, on one line.
    pub text: String,
}

impl Alarm {
    fn error(title: String, text: String) -> Self {
        Self {
            severity: Severity::Error,
            title,
            text,
        }
    }

    fn warning(title: String, text: String) -> Self {
        Self {
            severity: Severity::Warning,
            title,
            text,
        }
    }
}

/// The alarms of a run: gates that do not hold, trials that cannot be trusted, and what else its notes say.
#[must_use]
pub fn of_run(run: &RunResult) -> Vec<Alarm> {
    let mut errors = Vec::new();
    let mut warnings = Vec::new();
    let (broken, held): (Vec<_>, Vec<_>) = run.gates.iter().partition(|gate| !gate.holds);
    for gate in broken {
        let title = format!("{}: gate failed", run.scenario);
        let text = format!("{}: {}", gate.rule, gates::complaint(gate));
        errors.push(Alarm::error(title, text));
    }
    for trial in run.trials.iter().filter(|trial| !trial.valid) {
        let title = format!("{}: invalid trial", run.scenario);
        let text = format!("{}: {}", trial.id, trial.invalid_reasons.join("; "));
        // Whoever allowed invalid trials gets another verdict, and wants no error.
        if run.verdict == Verdict::Invalid {
            errors.push(Alarm::error(title, text));
        } else {
            warnings.push(Alarm::warning(title, text));
        }
    }
    if errors.is_empty() && run.verdict != Verdict::Pass {
        let title = format!("{}: not as planned", run.scenario);
        errors.push(Alarm::error(title, words::verdict(run)));
    }
    if let Some(warning) = words::profile_warning(run) {
        warnings.push(Alarm::warning(run.scenario.clone(), warning));
    }
    for (gate, note) in held
        .iter()
        .filter_map(|gate| Some((gate, gate.note.as_ref()?)))
    {
        let title = format!("{}: gate", run.scenario);
        warnings.push(Alarm::warning(title, format!("{}: {note}", gate.rule)));
    }
    for trial in &run.trials {
        for warning in &trial.warnings {
            let title = format!("{}: {}", run.scenario, trial.id);
            warnings.push(Alarm::warning(title, warning.clone()));
        }
    }
    errors.append(&mut warnings);
    errors
}

/// The alarms of a comparison: what is worse, why nothing can be concluded, and in what the runs
/// differ. Too little evidence is an error for those who are `strict`.
#[must_use]
pub fn of_comparison(compared: &Compared, strict: bool) -> Vec<Alarm> {
    let scenario = &compared.candidate.scenario;
    let mut alarms: Vec<Alarm> = compared
        .rows
        .iter()
        .filter(|row| row.fails())
        .map(|row| {
            let title = format!("{scenario}: {} is worse", row.metric);
            Alarm::error(title, evidence::sentence(row))
        })
        .collect();
    let conclusion = evidence::conclusion(compared);
    match compared.verdict {
        Conclusion::Invalid => {
            let title = format!("{scenario}: comparison");
            alarms.insert(0, Alarm::error(title, conclusion));
        }
        Conclusion::NotEnoughEvidence if strict => {
            let title = format!("{scenario}: comparison");
            alarms.push(Alarm::error(title, conclusion));
        }
        Conclusion::NotEnoughEvidence => {
            let title = format!("{scenario}: comparison");
            alarms.push(Alarm::warning(title, conclusion));
        }
        Conclusion::Worse | Conclusion::Better | Conclusion::NoDifference => {}
    }
    for row in &compared.rows {
        if row.verdict == Finding::Worse && !row.fails() {
            let title = format!("{scenario}: {} was not confirmed", row.metric);
            alarms.push(Alarm::warning(title, evidence::sentence(row)));
        }
    }
    for difference in compared.differences.iter().filter(|d| d.serious) {
        let title = format!("{scenario}: the runs differ in {}", difference.what);
        alarms.push(Alarm::warning(title, evidence::against(difference)));
    }
    for note in &compared.notes {
        alarms.push(Alarm::warning(
            format!("{scenario}: comparison"),
            note.clone(),
        ));
    }
    alarms
}
