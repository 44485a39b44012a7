//! Views of a [`RunResult`]: a table, CSV, charts, a page, and what CI reads; of a comparison, the latter.
//!
//! Nothing here is live, so an old run gives the same views; and nothing prints:
//! a view is text or bytes, and the caller puts it somewhere.

pub mod alarms;
pub mod annotations;
pub mod charts;
mod choice;
pub mod compared;
mod comparison;
pub mod console;
pub mod csv;
mod evidence;
mod faults;
mod gates;
pub mod html;
mod incidents;
pub mod junit;
pub mod markdown;
mod protocols;
mod ranking;
mod searches;
mod show;
mod story;
mod table;
pub mod witness;
mod words;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::result::{RunResult, put};

/// Why a view could not be made.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    /// A file cannot be written.
    #[error("cannot write `{}`: {source}", file.display())]
    Write {
        /// The file or folder.
        file: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A table cannot be written as CSV.
    #[error("cannot make a CSV file: {0}")]
    Csv(#[from] ::csv::Error),
    /// A chart cannot be drawn.
    #[error(transparent)]
    Paint(#[from] charts::PaintError),
}

/// Writes every view into a run's folder, beside `summary.json`: the CSV files,
/// `charts/*.svg` and `*.png`, and `report.html`, which shows the `scenario.toml` found there.
/// Older views are replaced.
///
/// # Errors
/// When a file cannot be written or a chart cannot be drawn.
pub fn write_all(dir: &Path, run: &RunResult) -> Result<(), ReportError> {
    write(&dir.join("trials.csv"), &csv::trials(run)?)?;
    write(&dir.join("cells.csv"), &csv::cells(run)?)?;
    write(&dir.join("timeline.csv"), &csv::timeline(run)?)?;
    write(&dir.join("percentiles.csv"), &csv::percentiles(run)?)?;
    let charts = charts::all(run);
    let folder = dir.join("charts");
    fs::create_dir_all(&folder).map_err(|source| ReportError::Write {
        file: folder.clone(),
        source,
    })?;
    for chart in &charts.drawn {
        write(
            &folder.join(format!("{}.svg", chart.name)),
            chart.svg()?.as_bytes(),
        )?;
        write(&folder.join(format!("{}.png", chart.name)), &chart.png()?)?;
    }
    let scenario = fs::read_to_string(dir.join("scenario.toml")).ok();
    write(
        &dir.join("report.html"),
        html::render_with(run, &charts, scenario.as_deref())?.as_bytes(),
    )
}

fn write(file: &Path, content: &[u8]) -> Result<(), ReportError> {
    put(file, content).map_err(|source| ReportError::Write {
        file: file.to_path_buf(),
        source,
    })
}
