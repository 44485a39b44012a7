//! Whether a browser can do what a scenario asks of simulated clients.

use crate::scenario::{Link, Origin, Plan, Poll};

/// Whether a browser can do what this plan asks of its clients; says what it cannot.
///
/// # Errors
/// A sentence with the key to change.
pub fn fits(plan: &Plan) -> Result<(), String> {
    if plan.search.is_some() {
        return Err("a search cannot have a witness: leave out [search]".to_owned());
    }
    if !plan.events.is_empty() {
        return Err(
            "events happen to simulated clients alone: leave out [[events]] to compare them with a browser".to_owned(),
        );
    }
    for load in plan.trials.iter().map(|trial| &trial.load) {
        let cannot = [
            (
                load.link != Link::NONE,
                "link",
                "an emulated link is within simulated clients",
            ),
            (
                load.poll != Poll::Log,
                "load.poll",
                "the page asks for everything since its last poll",
            ),
            (
                load.batch.is_some(),
                "load.batch",
                "the page takes whole answers",
            ),
            (
                !load.linger.is_zero(),
                "load.linger",
                "the page's long polls ask for the first message alone",
            ),
            (
                !load.keep_alive,
                "load.keep_alive",
                "a browser keeps its connections",
            ),
            (
                load.origin != Origin::Same,
                "load.origin",
                "the page is of the server's own origin",
            ),
        ];
        if let Some((_, key, why)) = cannot.iter().find(|(cannot, _, _)| *cannot) {
            return Err(format!(
                "{why}: leave out {key} to compare simulated clients with a browser"
            ));
        }
    }
    Ok(())
}
