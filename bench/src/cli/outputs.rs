//! What CI reads beside what is printed: JUnit XML, Markdown, GitHub's job summary and annotations.

use std::env;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use clap::Args;

use super::{complain, say};
use crate::exit::Exit;

/// Where GitHub takes the summary of a job's step from.
const STEP_SUMMARY: &str = "GITHUB_STEP_SUMMARY";
/// `true` where GitHub runs the command and reads what it prints.
const ACTIONS: &str = "GITHUB_ACTIONS";

/// Files for CI.
#[derive(Debug, Args)]
pub(crate) struct OutputArgs {
    /// Also write the findings as JUnit XML
    #[arg(long, value_name = "FILE")]
    junit: Option<PathBuf>,
    /// Also write the findings as Markdown (in GitHub Actions they go to the job summary anyway)
    #[arg(long, value_name = "FILE")]
    markdown: Option<PathBuf>,
}

/// The same findings in each form.
#[derive(Debug)]
pub(crate) struct Views {
    pub(crate) junit: String,
    pub(crate) markdown: String,
    pub(crate) annotations: String,
}

impl OutputArgs {
    /// Makes the folders, so that a name that cannot be written is told before a long run and not after it.
    pub(crate) fn prepare(&self) -> Result<(), Exit> {
        for file in [&self.junit, &self.markdown].into_iter().flatten() {
            let made = if file.is_dir() {
                Err(io::ErrorKind::IsADirectory.into())
            } else {
                file.parent().map_or(Ok(()), fs::create_dir_all)
            };
            if let Err(error) = made {
                complain(&format!("cannot write `{}`: {error}", file.display()));
                return Err(Exit::Usage);
            }
        }
        Ok(())
    }

    /// Writes the files that were asked for, and what GitHub expects where it is the one who asks.
    /// Each is tried, whatever becomes of the others.
    pub(crate) fn deliver(&self, views: &Views) -> Exit {
        let summary = env::var_os(STEP_SUMMARY).filter(|file| !file.is_empty());
        let summary = summary.map(PathBuf::from);
        let files = [
            (&self.junit, &views.junit, false),
            (&self.markdown, &views.markdown, false),
            (&summary, &views.markdown, true),
        ];
        let mut exit = Exit::Ok;
        for (file, text, append) in files {
            let Some(file) = file else { continue };
            if let Err(error) = write(file, text, append) {
                complain(&format!(
                    "cannot write `{}`: {error}; the results themselves are kept",
                    file.display()
                ));
                exit = Exit::Usage;
            }
        }
        if env::var_os(ACTIONS).is_some_and(|value| value == "true") {
            exit = exit.worse(say(&views.annotations));
        }
        exit
    }
}

/// Not by a second file that takes the place of the first: it may be a device or a pipe.
fn write(file: &Path, text: &str, append: bool) -> io::Result<()> {
    let mut out = if append {
        OpenOptions::new().append(true).create(true).open(file)?
    } else {
        File::create(file)?
    };
    out.write_all(text.as_bytes())
}
