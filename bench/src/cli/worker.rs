//! `bench worker`: a process that simulates clients as a run elsewhere orders.

use clap::Args;

use super::complain;
use crate::exit::Exit;
use crate::fleet;

/// What `bench worker` was given.
#[derive(Debug, Args)]
pub(crate) struct WorkerArgs {
    /// Take orders on standard input and report on standard output: how `bench run` speaks to the workers that it starts
    #[arg(long, required = true)]
    stdio: bool,
}

pub(super) fn run(_: &WorkerArgs) -> Exit {
    match fleet::work_over_stdio() {
        Ok(()) => Exit::Ok,
        Err(error) => {
            complain(&format!(
                "a worker needs a run that orders it, by pipes: {error}"
            ));
            Exit::Usage
        }
    }
}
