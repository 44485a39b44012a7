//! The stored runs that gates compare with.

use std::path::PathBuf;

use super::{chain, complain};
use crate::exit::Exit;
use crate::result::{RunResult, Store};
use crate::scenario::Plan;

/// Reads the runs in `dirs` and gives each plan the one of its scenario, if it needs one.
/// What is missing is told before anything runs.
pub(super) fn of_plans(dirs: &[PathBuf], plans: &[Plan]) -> Result<Vec<Option<RunResult>>, Exit> {
    let mut runs: Vec<RunResult> = Vec::new();
    for dir in dirs {
        let run = Store::open(dir)
            .and_then(|store| store.load())
            .map_err(|error| refuse(&chain(&error)))?;
        if runs.iter().any(|other| other.scenario == run.scenario) {
            let name = &run.scenario;
            return Err(refuse(&format!(
                "two baselines are runs of `{name}`; name one of them with --baseline"
            )));
        }
        runs.push(run);
    }
    plans.iter().map(|plan| of_plan(&runs, plan)).collect()
}

fn of_plan(runs: &[RunResult], plan: &Plan) -> Result<Option<RunResult>, Exit> {
    let Some(gate) = plan.gates.iter().find(|gate| gate.bound.needs_baseline()) else {
        return Ok(None);
    };
    let run = runs.iter().find(|run| run.scenario == plan.name);
    if let Some(run) = run {
        return Ok(Some(run.clone()));
    }
    let names: Vec<&str> = runs.iter().map(|run| run.scenario.as_str()).collect();
    let given = if names.is_empty() {
        String::new()
    } else {
        format!(", not of {}", names.join(" or "))
    };
    Err(refuse(&format!(
        "{}: the gate \"{gate}\" compares with a stored run of `{}`{given}; name its folder with --baseline DIR",
        plan.file.display(),
        plan.name
    )))
}

fn refuse(text: &str) -> Exit {
    complain(text);
    Exit::Usage
}
