//! What theory says of a trial, and what the judge makes of the two together.

use std::time::Duration;

use crate::judge::{deviation, uniform, validity};
use crate::model::{self, Names, Network, Situation};
use crate::record::Series;
use crate::result::TrialResult;
use crate::swarm::Assignment;

/// Adds predictions, deviations, checks and their explanations to a result that has all it measured, events
/// included.
pub(super) fn add(result: &mut TrialResult, assignment: &Assignment, delivery: &Series) {
    let channel = assignment.channel(assignment.load.channels / 2);
    let load = result.load.clone();
    let situation = Situation {
        load: &load,
        planned: result.messages.planned,
        span: Duration::from_nanos(result.phases.measure),
        floor: result.floor,
        names: Names {
            authority: &assignment.authority,
            channel: &channel,
            token: assignment.token.as_ref(),
        },
        network: Network::to(assignment.server),
        events: !assignment.events.is_empty(),
    };
    // A trial that was stopped has no measured phase, and nothing to compare.
    if result.phases.measure > 0 {
        result.predicted = model::predict(&situation);
        if assignment.dialect.template().is_some() {
            // How long its answers are, only the server knows.
            result.predicted.wire_bytes_per_message = None;
        }
        result.deviation = deviation::deviation(result);
        result.uniformity = model::polling_law(&situation)
            .and_then(|law| uniform::check(buckets(delivery), law.start, law.width, &load));
    }
    let (server, generator) = processors(assignment);
    result.explanations =
        deviation::explain(result, server, load.nodes.max(1 + assignment.also.len()));
    (result.validity, result.invalid_reasons) = validity::check(result, generator);
    result.warnings.extend(validity::warnings(result));
}

#[expect(
    clippy::cast_precision_loss,
    reason = "latencies stay far below 2^53 ns"
)]
fn buckets(series: &Series) -> impl Iterator<Item = uniform::Bucket> + '_ {
    series.buckets().map(|(low, high, count)| uniform::Bucket {
        low: low as f64,
        high: high as f64,
        count,
    })
}

/// Processors that server and generator may use: apart when they are pinned, else all of them each.
fn processors(assignment: &Assignment) -> (usize, usize) {
    let all = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    match &assignment.processors {
        Some(generator) => (all.saturating_sub(generator.len()).max(1), generator.len()),
        None => (all, all),
    }
}
