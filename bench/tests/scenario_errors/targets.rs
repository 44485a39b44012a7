//! What is wrong with the servers that a scenario names, or with how they are asked.

use std::path::Path;

use bench::scenario::read_text;

use super::{KNOWN, told};

/// A template that has all it needs.
const TEMPLATE: &str = "[target]\nserver = \"template\"\nurl = \"http://127.0.0.1:80\"\n[load]\ntransport = \"sse\"\n\
    [target.template.publish]\nurl = \"/pub/{channel}\"\n[target.template.sse]\nurl = \"/sub/{channel}\"\n";

#[test]
fn a_wrong_template_names_its_remedy() {
    assert!(read_text(TEMPLATE, Path::new("x.toml"), &[], &KNOWN).is_ok());
    for (set, part) in [
        (
            "target.template.sse.url=sub",
            "begins with / and holds visible ASCII alone, such as url",
        ),
        (
            "target.template.sse.url=/s/{chanel}",
            "{chanel} cannot be filled in here; did you mean {channel}?",
        ),
        (
            "target.template.sse.url=/s/{payload}",
            "{payload} cannot be filled in here; There are {channel}, {position}",
        ),
        (
            "target.template.sse.url=/s?after={position}",
            "names a {position} in its first request, when none is known",
        ),
        (
            "target.template.streaming.uri=/s",
            "unknown key \"target.template.streaming.uri\"; did you mean \"url\"?",
        ),
        (
            "target.template.streaming.cursor=none",
            "\"target.template.streaming.url\" is missing",
        ),
        (
            "target.template.polling={ url = \"/p\", resume_url = \"/p?{position}\" }",
            "nothing says where that stands; add \"cursor\"",
        ),
        (
            "target.template.polling={ url = \"/p\", cursor = { json = \"next\" } }",
            "is no JSON pointer; write one such as json = \"/messages/-/id\"",
        ),
        (
            "target.template.polling={ url = \"/p\", cursor = { field = \"id\" } }",
            "{ headers = [\"ETag\"] } (an HTTP answer)",
        ),
        (
            "target.template.polling={ url = \"/p\", nothing = [99] }",
            "must be from 200 to 599",
        ),
        (
            "target.template.polling={ url = \"/p\", framing = \"chunk\" }",
            "it must be one of body, line, multipart",
        ),
        (
            "target.template.sse.headers={ Host = \"x\" }",
            "bench writes this header by itself; remove it",
        ),
        (
            "target.template.sse.headers={ \"a b\" = \"x\" }",
            "no header has such a name",
        ),
        (
            "target.template.channel=c-{number}",
            "must hold {run} and {number}",
        ),
        (
            "target.template.publish.body=nothing",
            "sends no message; put {payload}",
        ),
        (
            "target.template.publish.method=post",
            "write one such as GET, POST or PUT",
        ),
        (
            "target.template.websocket={ url = \"/w\", subprotocol = \"a b\" }",
            "is no subprotocol",
        ),
        ("target.template=5", "\"target.template\" is a table"),
        (
            "load.transport=polling",
            "add a table [target.template.polling], or take polling out",
        ),
        ("load.poll=latest", "leave out \"load.poll\""),
        ("load.linger=1s", "leave out \"load.linger\""),
        ("target.health=up", "\"target.health\" is a path"),
        (
            "target.server=relay",
            "means nothing for a relay, whose interface is known",
        ),
    ] {
        let told = told(TEMPLATE, &[set]);
        assert!(told.contains(part), "{set}: {told}");
    }
}

#[test]
fn a_wrong_list_of_targets_names_its_remedy() {
    let servers =
        "[targets.relay]\nserver = \"bundled\"\n[targets.other]\nurl = \"http://127.0.0.1:80\"\n";
    let chosen = "[matrix]\ntarget = [\"relay\", \"other\"]\n";
    let good = format!("{servers}{chosen}");
    assert!(read_text(&good, Path::new("x.toml"), &[], &KNOWN).is_ok());
    for (text, part) in [
        (
            servers.to_owned(),
            "add target = [\"relay\", \"other\"] to [matrix], or name the only one [target]",
        ),
        (
            good.replace("\"other\"]", "\"othr\"]"),
            "no [targets.othr]; did you mean \"other\"?",
        ),
        (
            good.replace("[targets.other]", "[targets.websocket]"),
            "\"websocket\" cannot be the name of a target",
        ),
        (format!("[target]\n{good}"), "each is a table of [targets]"),
        (
            format!("{good}http = [\"1.1\", \"2\"]"),
            "say \"http\" in each of [targets]",
        ),
        (
            good.replace("[targets.other]\n", "[targets.other]\nhttp = \"2\"\n"),
            "HTTP/2 needs TLS",
        ),
        (
            good.replace("[targets.other]\n", "[targets.other]\ntls = true\n"),
            "its \"url\" says otherwise",
        ),
        (
            good.replace("[targets.other]\n", "[targets.other]\ncomand = 5\n"),
            "did you mean \"command\"?",
        ),
        (
            format!("{good}[gate]\n\"othr websocket lost\" = \"== 0\""),
            "no trial is of the target othr",
        ),
        (
            format!("{good}[gate]\n\"other polling lost\" = \"== 0\""),
            "no trial uses polling",
        ),
        (
            format!("{good}[gate]\n\"relay * lost\" = \"<= target.relay\""),
            "cannot compare relay with itself",
        ),
        (
            format!("{good}[gate]\n\"* lost\" = \"<= 2 * target.Relay\""),
            "is no name of a target",
        ),
        (
            format!("{good}[gate]\n\"a/b * lost\" = \"== 0\""),
            "write a gate like \"nchan websocket lost\"",
        ),
        (format!("targets = 5\n{chosen}"), "\"targets\" is a table"),
    ] {
        let told = told(&text, &[]);
        assert!(told.contains(part), "{text}\n{told}");
    }
}
