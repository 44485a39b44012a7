//! The exit codes of bench, one documented constant each.

use std::process::ExitCode;

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// All is well.
    Ok,
    /// A bug in bench.
    Bug,
    /// The command line or a scenario is wrong, or the machine cannot run it.
    Usage,
    /// The target or a worker failed.
    Target,
    /// The run cannot be trusted.
    Invalid,
    /// A gate does not hold.
    Gate,
}

impl Exit {
    /// The number that the shell sees.
    #[must_use]
    pub fn code(self) -> u8 {
        match self {
            Self::Ok => 0,
            Self::Bug => 1,
            Self::Usage => 2,
            Self::Target => 3,
            Self::Invalid => 4,
            Self::Gate => 5,
        }
    }

    /// What the number means, in a sentence.
    #[must_use]
    pub fn meaning(self) -> &'static str {
        match self {
            Self::Ok => "All is well.",
            Self::Bug => "A bug in bench ended the run.",
            Self::Usage => {
                "What was asked for could not be done; the terminal that bench runs in says why."
            }
            Self::Target => {
                "The target or a worker failed; the terminal that bench runs in says how."
            }
            Self::Invalid => "The run cannot be trusted; the report says why.",
            Self::Gate => "A gate does not hold; the report says which.",
        }
    }

    /// The one that says more about several runs: a target that failed, then a run that
    /// cannot be trusted, then a gate.
    #[must_use]
    pub fn worse(self, other: Self) -> Self {
        const ORDER: [Exit; 6] = [
            Exit::Ok,
            Exit::Gate,
            Exit::Invalid,
            Exit::Target,
            Exit::Usage,
            Exit::Bug,
        ];
        let rank = |exit| ORDER.iter().position(|known| *known == exit);
        if rank(other) > rank(self) {
            other
        } else {
            self
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}
