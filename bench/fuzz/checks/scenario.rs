//! Scenarios and what `--set` makes of them.

use std::path::Path;

use bench::result::metric;
use bench::scenario::{Plan, Target, TokenSource, describe, read_text};

/// Begins a line that stands for a `--set`.
const SET: &str = "--set ";

/// A scenario is refused with a reason, or becomes a plan; and the plan, written out, is the same plan.
pub(crate) fn check(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    let (mut file, mut sets) = (String::new(), Vec::new());
    for line in text.split_inclusive('\n') {
        match line.strip_prefix(SET) {
            Some(set) => sets.push(set.trim_end_matches('\n').to_owned()),
            None => file.push_str(line),
        }
    }
    match read(&file, &sets) {
        Err(why) => assert!(!why.is_empty()),
        Ok(plan) => {
            assert!(!plan.trials.is_empty(), "a plan without trials");
            assert!(!describe(&plan).is_empty());
            assert!(plan.expected_time() <= plan.widest().expected_time());
            let again = read(&plan.resolved, &[]).expect("a resolved scenario is a scenario");
            assert_eq!(again, without_token(plan));
        }
    }
}

/// The plan as it can be read again: a token is not written down.
fn without_token(mut plan: Plan) -> Plan {
    if let Target::At { token, .. } = &mut plan.target
        && matches!(token, Some(TokenSource::Here(_)))
    {
        *token = None;
        plan.resolved = plan.resolved.replace("# token: not written down\n", "");
    }
    plan
}

fn read(text: &str, sets: &[String]) -> Result<Plan, String> {
    let known = metric::known();
    read_text(text, Path::new("x.toml"), sets, &known).map_err(|error| error.to_string())
}
