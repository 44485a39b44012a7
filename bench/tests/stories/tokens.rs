//! A server that asks for tokens: clients of every transport are let in, and nobody is shown the token.

use std::fs;
use std::path::Path;

use relay::access::{Audience, Claims, Keys, Kind, NewKey, mint, unix_time};

use crate::program::{Story, bench, free_address};

/// A story against a relay of its own that asks for tokens, and a token for it in `bench.token`.
fn story(target: &str) -> (Story, String) {
    let address = free_address();
    let program = bench().get_program().to_str().unwrap().to_owned();
    let story = Story::new(&format!(
        r#"
[target]
url = "http://{address}"
command = ["{program}", "relay", "--listen", "{address}", "--token-keys", "relay.key", "--log-level", "off"]
{target}
[load]
clients = 4
channels = 2
rate = 40.0
poll_interval = "50ms"
[matrix]
transport = ["polling", "long-polling", "streaming", "sse", "websocket"]
headers = ["minimal", "browser"]
[phases]
ramp = "50ms"
warm_up = "0s"
measure = "1s"
drain = "2s"
"#
    ));
    let key = NewKey::draw(Kind::Hs256, None).whole;
    fs::write(story.folder().join("relay.key"), &key).unwrap();
    let channels = vec!["bench-*".parse().unwrap()];
    let claims = Claims {
        aud: Audience::One("relay".to_owned()),
        exp: unix_time() + 600,
        nbf: None,
        iat: None,
        sub: None,
        read: channels.clone(),
        publish: channels,
        operate: false,
    };
    let token = mint(&Keys::parse(&key).unwrap(), None, &claims).unwrap();
    fs::write(story.folder().join("bench.token"), &token).unwrap();
    (story, token)
}

/// Looks for a text in every file of a folder.
fn holds(folder: &Path, text: &str) -> Option<String> {
    fs::read_dir(folder).unwrap().flatten().find_map(|entry| {
        let path = entry.path();
        if path.is_dir() {
            return holds(&path, text);
        }
        let bytes = fs::read(&path).unwrap();
        let found = bytes
            .windows(text.len())
            .any(|part| part == text.as_bytes());
        found.then(|| path.display().to_string())
    })
}

#[test]
fn all_transports_are_let_in_with_a_token_and_nothing_shows_it() {
    let (story, token) = story("token_file = \"bench.token\"");
    let ran = story.run_with(&["--allow-invalid"]).expect(0);
    let summary = story.summary();
    let trials = summary["trials"].as_array().unwrap();
    assert_eq!(trials.len(), 10);
    for trial in trials {
        let messages = &trial["messages"];
        assert!(
            messages["delivered"].as_u64().unwrap() > 0 && messages["lost"] == 0,
            "{trial}"
        );
    }
    assert!(!ran.stdout.contains(&token) && !ran.stderr.contains(&token));
    assert_eq!(holds(&story.folder().join("results"), &token), None);
    let resolved = fs::read_to_string(story.results().join("scenario.toml")).unwrap();
    assert!(
        resolved.contains("token_file = \"bench.token\""),
        "{resolved}"
    );
    fs::remove_file(story.folder().join("bench.token")).unwrap();
    story
        .run()
        .expect(3)
        .says(&["target.token_file bench.token"]);
}

#[test]
fn a_token_in_the_scenario_is_used_and_not_kept() {
    let (story, token) = story("token = \"TOKEN\"");
    let file = story.folder().join("story.toml");
    let text = fs::read_to_string(&file).unwrap();
    let text = text.replace("TOKEN", &token).replace(
        "transport = [\"polling\", \"long-polling\", \"streaming\", \"sse\", \"websocket\"]\nheaders = [\"minimal\", \"browser\"]",
        "transport = [\"sse\"]",
    );
    fs::write(&file, &text).unwrap();
    let checked = story.bench(&["check", "story.toml"]).expect(0);
    let ran = story.run_with(&["--allow-invalid"]).expect(0);
    // A fault on the very line of the token is told without the line.
    fs::write(&file, text.replace("token = ", "token = 7, ")).unwrap();
    let broken = story.bench(&["check", "story.toml"]).expect(2);
    fs::write(&file, text.replace("token = \"", "token = \"a b ")).unwrap();
    let spaced = story.bench(&["check", "story.toml"]).expect(2);
    for said in [checked, ran, broken, spaced] {
        assert!(!said.stdout.contains(&token), "{}", said.stdout);
        assert!(!said.stderr.contains(&token), "{}", said.stderr);
    }
    assert_eq!(holds(&story.folder().join("results"), &token), None);
}

#[test]
fn without_the_token_the_run_says_that_the_server_refused() {
    let (story, _) = story("");
    story.run().expect(3).says(&["401"]);
}
