//! Whether a browser can do what a scenario asks of simulated clients.

use crate::scenario::{Link, Origin, Plan, Poll, Target};

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
    for target in plan.servers() {
        if target.dialect().template().is_some() {
            return Err(
                "the page's clients speak the relay's interface alone: leave out target.server"
                    .to_owned(),
            );
        }
        if let Target::At { token: Some(_), .. } = target {
            return Err(
                "the page's clients send no token: leave out target.token, token_file and token_env, \
                 and let the server ask for none"
                    .to_owned(),
            );
        }
    }
    for load in plan.trials.iter().map(|trial| &trial.load) {
        let cannot = [
            (
                load.tls,
                "target.tls",
                "the browser trusts no certificate that is made for a test, and chooses its version of HTTP by itself",
            ),
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

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::scenario::read_text;

    #[test]
    fn a_browser_has_no_token_to_send() {
        let told = |token: &str| {
            let text =
                format!("[target]\nurl = \"http://127.0.0.1:1\"\n{token}\n[load]\nclients = 1\n");
            let plan = read_text(&text, Path::new("a.toml"), &[], &[]).unwrap();
            fits(&plan).err()
        };
        assert_eq!(told(""), None);
        let why = told("token_env = \"TOKEN\"").unwrap();
        assert!(why.contains("target.token"), "{why}");
    }
}
