//! Servers of other kinds than the relay, and several in one scenario.

use std::path::Path;

use bench::scenario::{
    Dialect, Factor, Publish, Target, TargetName, Transport, describe, read_text,
};

use crate::{known, shipped, text};

#[test]
fn a_server_is_given_the_load_that_it_can_take() {
    let nchan = "[target]\nserver = \"nchan\"\nurl = \"http://127.0.0.1:9\"\n";
    let all = "[matrix]\ntransport = [\"polling\", \"long-polling\", \"streaming\", \"sse\", \"websocket\"]";
    let plan = text(&format!("{nchan}{all}"), &[]).unwrap();
    // One message an answer, as Nchan gives them, and no socket that publishes.
    for trial in &plan.trials {
        let polls = matches!(
            trial.load.transport,
            Transport::Polling | Transport::LongPolling
        );
        assert_eq!(trial.load.batch, polls.then_some(1), "{}", trial.id);
        assert!(!trial.load.publishes_on_sockets(), "{}", trial.id);
    }
    assert!(describe(&plan).contains("http://127.0.0.1:9, Nchan"));
    let chat = "[target.template.websocket]\npublish = \"{text}\"\n";
    let plan = text(&format!("{nchan}{chat}{all}"), &[]).unwrap();
    let socket = plan.trials.last().unwrap();
    assert_eq!(socket.load.publish, Publish::Same);
    // What is written over the template stays, and what is not stays Nchan's.
    let Dialect::Nchan(template) = plan.target.dialect() else {
        panic!("it is Nchan");
    };
    let way = template.ways[&Transport::Websocket].socket.clone().unwrap();
    assert_eq!(
        (way.publish.as_str(), way.subprotocol.as_str()),
        ("{text}", "ws+meta.nchan")
    );
    let again =
        text(&plan.resolved, &[]).unwrap_or_else(|error| panic!("{error}\n{}", plan.resolved));
    assert_eq!(again, plan);
}

#[test]
fn what_stands_in_a_template_is_written_and_read_again() {
    let source = r#"
[target]
server = "template"
url = "http://127.0.0.1:9"
health = "/up?a=b"
[target.template]
channel = "c{run}.{number}"
[target.template.publish]
method = "PUT"
url = "/{channel}"
headers = { "X-A" = 'a "b" \\ {channel}' }
body = "one {payload}\ntwo\t{}"
[target.template.polling]
url = "/p"
resume_headers = { Since = "{position.2}-{position.1}" }
cursor = { headers = ["A", "B"] }
nothing = []
framing = "line"
[target.template.streaming]
url = "/s"
method = "POST"
body = '{"hold":{hold}}'
framing = "chunk"
cursor = { json = "" }
[target.template.websocket]
url = "/w"
hello = ["SUB {channel} 1\r\n", "x"]
ready = "+OK"
replies = { "PING\r\n" = "PONG\r\n", "{}" = "" }
publish = "PUB {channel} {text}\r\n"
cursor = { field = "a b" }
"#;
    let plan = text(source, &[]).unwrap_or_else(|error| panic!("{error}"));
    let again =
        text(&plan.resolved, &[]).unwrap_or_else(|error| panic!("{error}\n{}", plan.resolved));
    assert_eq!(again, plan);
    assert_eq!(plan.target.health(), "/up?a=b");
    let template = plan.target.dialect().template().unwrap();
    assert_eq!(template.publish.body.as_str(), "one {payload}\ntwo\t{}");
    assert_eq!(template.ways[&Transport::Polling].nothing, [0_u16; 0]);
}

#[test]
fn several_servers_see_the_same_messages() {
    let plan = shipped("nchan.toml", &[]);
    assert_eq!(plan.trials.len(), 10);
    assert_eq!(plan.trials[0].id, "polling-target-relay");
    assert_eq!(plan.trials[9].id, "websocket-target-nchan");
    let (relay, nchan) = plan.trials.split_at(5);
    for (one, other) in relay.iter().zip(nchan) {
        assert_eq!(one.seed, other.seed, "{} {}", one.id, other.id);
        assert_eq!(one.target(), TargetName::new("relay"));
        assert_eq!(other.factors["target"], Factor::Text("nchan".to_owned()));
        assert_eq!(*plan.target_of(one), Target::Bundled);
        assert_eq!(plan.target_of(other).dialect().name(), "nchan");
        assert_eq!(
            (one.load.batch, one.load.transport),
            (None, other.load.transport)
        );
    }
    let told = describe(&plan);
    assert!(told.contains("relay (the bundled relay"), "{told}");
    let alone = shipped("nchan.toml", &["matrix.target=[nchan]"]);
    assert_eq!((alone.trials.len(), alone.servers().count()), (5, 1));
    // A gate that needs the other one has gone with it.
    assert!(alone.gates.iter().all(|gate| gate.bound.target().is_none()));
}

#[test]
fn a_command_finds_the_folder_of_its_scenario_wherever_that_is_read_from() {
    let source = "[target]\nurl = \"http://127.0.0.1:9\"\ncommand = [\"x\", \"{scenario}/x.conf\", \"{scratch}\"]";
    for (file, word) in [
        ("x.toml", "{here}/x.conf"),
        ("a/b/x.toml", "{here}/a/b/x.conf"),
        ("/a/x.toml", "/a/x.conf"),
    ] {
        let read = |source: &str| read_text(source, Path::new(file), &[], &known()).unwrap();
        let plan = read(source);
        let Target::At { command, .. } = &plan.target else {
            panic!("it is at an address");
        };
        assert_eq!(command.as_deref().unwrap(), ["x", word, "{scratch}"]);
        let stored = read_text(
            &plan.resolved,
            Path::new("results/scenario.toml"),
            &[],
            &known(),
        );
        assert_eq!(stored.unwrap().target, plan.target);
    }
}

#[test]
fn the_template_in_the_readme_is_one() {
    let readme = Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md");
    let readme = std::fs::read_to_string(readme).unwrap();
    let (_, section) = readme.split_once("### Other servers").unwrap();
    let example = section.split("```toml").nth(1).unwrap();
    let example = example.split("```").next().unwrap();
    let plan = text(example, &[]).unwrap_or_else(|error| panic!("{error}"));
    let speaks = |transport| plan.target.dialect().speaks(transport);
    assert!(speaks(Transport::Polling) && speaks(Transport::Websocket) && !speaks(Transport::Sse));
    // Every key that a template takes is told of.
    let plan = text(
        "[target]\nserver = \"nchan\"\nurl = \"http://127.0.0.1:9\"",
        &[],
    )
    .unwrap();
    let tables = plan.resolved.split("[load]").next().unwrap();
    let (_, tables) = tables.split_once("[target.template]").unwrap();
    let keys = tables.lines().filter_map(|line| line.split_once(" = "));
    for (key, _) in keys.filter(|(key, _)| *key != "Content-Type") {
        assert!(
            section.contains(&format!("`{key}`")) || section.contains(&format!("`.{key}`")),
            "{key}"
        );
    }
}
