//! What can be wrong with a scenario, said so that a person can mend it.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use thiserror::Error;

use super::place::Place;
use super::secret::may_hold_token;

/// The most problems that are told at once; the rest usually follow from them.
const SHOWN: usize = 10;

/// Why a scenario cannot be run.
#[derive(Debug, Error)]
pub enum ScenarioError {
    /// The file cannot be read.
    #[error("cannot read the scenario {}", file.display())]
    Unreadable {
        /// The file.
        file: PathBuf,
        /// What the system says.
        #[source]
        source: io::Error,
    },
    /// The file is far larger than any scenario.
    #[error("{} is larger than 1 MiB and cannot be a scenario; name a scenario file such as scenarios/compare.toml", file.display())]
    TooLarge {
        /// The file.
        file: PathBuf,
    },
    /// The file or a `--set` says something that cannot be done.
    #[error("{0}")]
    Invalid(Problems),
}

/// Everything found wrong, in the order of the file; what `--set` brought comes last.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problems {
    /// The problems; never empty.
    pub list: Vec<Problem>,
    /// How many more there are.
    pub more: usize,
}

/// One problem and where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// `file:line:column`, or the `--set` that brought it.
    pub at: String,
    /// What is wrong and what to write instead.
    pub text: String,
    /// The line with a mark under the spot; nothing for `--set`.
    pub excerpt: Option<String>,
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, problem) in self.list.iter().enumerate() {
            if index > 0 {
                writeln!(f)?;
            }
            write!(f, "{}: {}", problem.at, problem.text)?;
            if let Some(excerpt) = &problem.excerpt {
                write!(f, "\n{excerpt}")?;
            }
        }
        if self.more > 0 {
            write!(f, "\nand {} more", self.more)?;
        }
        Ok(())
    }
}

/// A problem at a place in the tree, not yet turned into text.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Fault {
    pub(super) place: Place,
    pub(super) text: String,
}

impl Fault {
    pub(super) fn new(place: &Place, text: impl Into<String>) -> Self {
        Self {
            place: place.clone(),
            text: text.into(),
        }
    }
}

/// Collects faults, so that one reading finds them all.
#[derive(Debug, Default)]
pub(super) struct Report {
    faults: Vec<Fault>,
}

impl Report {
    pub(super) fn add(&mut self, fault: Fault) {
        if !self.faults.contains(&fault) {
            self.faults.push(fault);
        }
    }

    /// How many faults were noted.
    pub(super) fn len(&self) -> usize {
        self.faults.len()
    }

    /// The value, or nothing and a fault noted.
    pub(super) fn take<T>(&mut self, outcome: Result<T, Fault>) -> Option<T> {
        outcome.map_err(|fault| self.add(fault)).ok()
    }

    /// Fails when anything was noted.
    pub(super) fn finish(&mut self, file: &Path, text: &str) -> Result<(), ScenarioError> {
        if self.faults.is_empty() {
            return Ok(());
        }
        self.faults.sort_by_key(|fault| match &fault.place {
            Place::File(span) => span.start,
            Place::Whole => usize::MAX - 1,
            Place::Set(_) => usize::MAX,
        });
        let shown = self.faults.iter().take(SHOWN);
        Err(ScenarioError::Invalid(Problems {
            list: shown.map(|fault| locate(fault, file, text)).collect(),
            more: self.faults.len().saturating_sub(SHOWN),
        }))
    }
}

fn locate(fault: &Fault, file: &Path, source: &str) -> Problem {
    let file = file.display();
    let (at, excerpt) = match &fault.place {
        Place::Set(set) if may_hold_token(set) => ("--set target.token".to_owned(), None),
        Place::Set(set) => (format!("--set {}", tame(set)), None),
        Place::Whole => (file.to_string(), None),
        Place::File(span) => {
            let spot = Spot::find(source, span.start, span.end);
            let at = format!("{file}:{}:{}", spot.line, spot.column);
            (at, spot.excerpt())
        }
    };
    Problem {
        at,
        text: fault.text.clone(),
        excerpt,
    }
}

/// A stretch of one line.
struct Spot<'a> {
    line: usize,
    column: usize,
    text: &'a str,
    width: usize,
}

impl<'a> Spot<'a> {
    fn find(source: &'a str, start: usize, end: usize) -> Self {
        let start = boundary(source, start);
        let begin = source[..start].rfind('\n').map_or(0, |at| at + 1);
        let text = source[begin..].lines().next().unwrap_or_default();
        let stop = boundary(source, end.clamp(start, (begin + text.len()).max(start)));
        Self {
            line: source[..start].matches('\n').count() + 1,
            column: source[begin..start].chars().count() + 1,
            text,
            width: source[start..stop].chars().count().max(1),
        }
    }

    /// The line with a mark under the spot; nothing when the line is too long to help, or holds a token.
    fn excerpt(&self) -> Option<String> {
        let shown = self.text.chars().count() <= 200 && !may_hold_token(self.text);
        if self.text.trim().is_empty() || !shown {
            return None;
        }
        let number = self.line.to_string();
        let margin = " ".repeat(number.len());
        // A tab stays a tab, so that the mark stands under its spot.
        let lead: String = self
            .text
            .chars()
            .take(self.column - 1)
            .map(|c| if c == '\t' { c } else { ' ' })
            .collect();
        let mark = "^".repeat(self.width);
        Some(format!(
            "{margin} |\n{number} | {}\n{margin} | {lead}{mark}",
            tame(self.text)
        ))
    }
}

/// The start of the character at `at`, or the end of the text.
fn boundary(text: &str, at: usize) -> usize {
    let mut at = at.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

/// Keeps what a file says from steering the terminal.
pub(super) fn tame(text: &str) -> String {
    let steers = |c: char| c.is_control() && c != '\t';
    text.chars()
        .map(|c| if steers(c) { '\u{fffd}' } else { c })
        .collect()
}
