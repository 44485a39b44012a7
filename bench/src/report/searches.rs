//! What searches found, in sentences.

use crate::report::show;
use crate::report::words::name;
use crate::result::{RunResult, SearchEnd, SearchResult};
use crate::scenario::Factor;

/// A sentence for each search.
pub(crate) fn sentences(run: &RunResult) -> Vec<String> {
    run.searches.iter().map(sentence).collect()
}

fn sentence(search: &SearchResult) -> String {
    let value = |value| show::factor(&search.vary, &Factor::Number(value));
    let others: Vec<String> = search
        .factors
        .iter()
        .filter(|(key, _)| *key != "transport")
        .map(|(key, factor)| show::factor(key, factor))
        .collect();
    let place = if others.is_empty() {
        String::new()
    } else {
        format!(" ({})", others.join(", "))
    };
    let found = match (search.holds, search.fails) {
        (Some(holds), Some(fails)) => {
            format!("holds at {}, fails at {}", value(holds), value(fails))
        }
        (Some(holds), None) => format!("holds at {}", value(holds)),
        (None, Some(fails)) => format!("fails at {}", value(fails)),
        (None, None) => "nothing is known".to_owned(),
    };
    let unmet = search
        .unmet
        .as_ref()
        .map_or_else(String::new, |unmet| format!(" ({unmet})"));
    let end = match search.ended {
        SearchEnd::Found => String::new(),
        _ => format!("; {}", search.reason),
    };
    let count = search.trials.len();
    let trials = if count == 1 { "trial" } else { "trials" };
    format!(
        "{}{place}: {found}{unmet}{end}. Asked for: {}; {count} {trials}.",
        name(search.transport),
        search.condition
    )
}
