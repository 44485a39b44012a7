//! What a person asks for: a TOML file, resolved into a [`Plan`] of trials.
//!
//! The text becomes a tree of values that know their line (`tree`); `--set`
//! changes the tree (`sets`); the sections are read from it (`written`) and
//! combined (`resolve`). Everything wrong is found in one reading.

mod bound;
pub mod capacity;
mod describe;
mod dialect;
mod endpoint;
mod error;
pub mod events;
mod gate;
mod keys;
mod known;
mod link;
mod load;
mod matrix;
mod name;
mod place;
mod plan;
mod protocol;
mod published;
mod resolve;
mod resolved;
mod search;
mod secret;
mod sets;
mod setting;
mod target;
mod targets;
mod tree;
mod value;
pub mod workers;
mod written;

use std::fs::File;
use std::io::Read;
use std::path::Path;

pub use bound::{Bound, Reference};
pub use describe::describe;
pub use dialect::{
    Cursor, Dialect, Framing, Line, Part, Pattern, Posting, Slot, Socket, Template, Way,
};
pub use endpoint::Endpoint;
pub use error::{Problem, Problems, ScenarioError};
pub use events::{Action, Incident};
pub use gate::{GateFault, GateRule, Op};
pub use known::{Kind, Known};
pub use link::{Link, Preset};
pub use load::{
    Arrivals, FOREIGN_PAGE, Headers, Http, Load, MAX_PAYLOAD, MIN_PAYLOAD, Origin, Poll, Publish,
    Transport,
};
pub use name::TargetName;
pub use plan::{Factor, Named, Phases, Plan, Published, Target, Trial, target_in};
pub use protocol::Protocol;
pub use search::{Condition, Search};
pub use secret::{Token, TokenSource};

use error::Report;

/// The largest scenario file.
const MAX_FILE: u64 = 1 << 20;

/// Reads a scenario file, applies each `KEY=VALUE` of `sets`, and resolves it.
///
/// `known` are the metrics that gates and published figures may name.
///
/// # Errors
/// When the file cannot be read; otherwise every fault in it at once, each with
/// its line and its remedy.
pub fn read(file: &Path, sets: &[String], known: &[Known<'_>]) -> Result<Plan, ScenarioError> {
    let unreadable = |source| ScenarioError::Unreadable {
        file: file.to_owned(),
        source,
    };
    let mut text = String::new();
    // A device or a log that never ends must not fill the memory.
    File::open(file)
        .and_then(|open| open.take(MAX_FILE + 1).read_to_string(&mut text))
        .map_err(unreadable)?;
    if text.len() as u64 > MAX_FILE {
        return Err(ScenarioError::TooLarge {
            file: file.to_owned(),
        });
    }
    read_text(&text, file, sets, known)
}

/// The same for a text at hand; `file` names it in errors and gives the plan its name.
///
/// # Errors
/// Every fault at once, each with its line and its remedy.
pub fn read_text(
    text: &str,
    file: &Path,
    sets: &[String],
    known: &[Known<'_>],
) -> Result<Plan, ScenarioError> {
    let mut report = Report::default();
    let mut root = tree::parse(text, &mut report);
    // Half a tree gives rise to complaints that mending the text would end.
    report.finish(file, text)?;
    sets::apply(&mut root, sets, &mut report);
    let scenario = written::read(&root, known, &mut report);
    let plan = resolve::resolve(scenario, file, &root, &mut report);
    report.finish(file, text)?;
    Ok(plan)
}
