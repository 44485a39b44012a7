//! What a person reads when a scenario is wrong: word for word.

#![expect(
    clippy::panic,
    reason = "a test fails by panicking, in its helpers too"
)]

mod targets;

use std::path::Path;

use bench::scenario::{Kind, Known, ScenarioError, read, read_text};

const fn known(name: &'static str, kind: Kind) -> Known<'static> {
    Known { name, kind }
}

const KNOWN: [Known<'_>; 3] = [
    known("delivery.p99", Kind::Time),
    known("lost", Kind::Number),
    known("duplicated", Kind::Number),
];

fn told(text: &str, sets: &[&str]) -> String {
    let sets: Vec<String> = sets.iter().map(ToString::to_string).collect();
    match read_text(text, Path::new("scenarios/x.toml"), &sets, &KNOWN) {
        Ok(plan) => panic!("nothing wrong with {text}: {plan:?}"),
        Err(error) => error.to_string(),
    }
}

/// The first lines of the problems, without the excerpts.
fn heads(text: &str, sets: &[&str]) -> Vec<String> {
    told(text, sets)
        .lines()
        .filter(|line| {
            !line
                .trim_start_matches([' ', '0', '1', '2'])
                .starts_with('|')
        })
        .filter(|line| !line.contains(" | "))
        .map(|line| line.replace("scenarios/x.toml:", "").trim().to_owned())
        .collect()
}

#[test]
fn a_misspelt_key_is_shown_in_its_line() {
    assert_eq!(
        told("[load]\n\n# people\n\tclinets = 5\n", &[]),
        "scenarios/x.toml:4:2: unknown key \"load.clinets\"; did you mean \"clients\"?\n\
         \x20 |\n\
         4 | \tclinets = 5\n\
         \x20 | \t^^^^^^^"
    );
}

#[test]
fn every_wrong_value_of_a_file_is_told_at_once() {
    let text = r#"[load]
clients = "abc"
rate = 0
payload = 12
poll_interval = "5"
hold = "1d"
transport = "websockets"
headers = "chrome"
channels = 0
publishers = 1.5
"#;
    assert_eq!(
        heads(text, &[]),
        [
            r#"2:11: "load.clients" takes a whole number, such as clients = 1000; this is the text "abc""#,
            r#"3:8: "load.rate" is 0; it must be from 0.00001 to 1,000,000 messages a second"#,
            r#"4:11: "load.payload" takes an amount of bytes with its unit, in quotes, such as payload = "128B"; this is the number 12"#,
            r#"5:17: "load.poll_interval": "5" has no unit; write it like "5s" or "5ms""#,
            r#"6:8: "load.hold": "d" is not a unit of time; use ns, us, ms, s, m or h"#,
            r#"7:13: "load.transport" is "websockets"; did you mean "websocket"? It is one of polling, long-polling, streaming, sse, websocket"#,
            r#"8:11: "load.headers" is "chrome"; it must be one of minimal, browser"#,
            r#"9:12: "load.channels" is 0; it must be from 1 to 1,000,000"#,
            r#"10:14: "load.publishers" takes a whole number, such as publishers = 10; this is the number 1.5"#,
        ]
    );
}

#[test]
fn a_wrong_event_is_shown_in_its_line() {
    let text = r#"[target]
url = "http://127.0.0.1:8080"
[[events]]
disconnect = 0.5
[[events]]
at = "1s"
[[events]]
at = "1s"
disconnect = 1.5
[[events]]
at = "2s"
freeze = "1s"
rate = 5.0
[[events]]
at = "2s"
rate = 5.0
spread = "1s"
[[events]]
at = "3s"
slow = 0.5
[[events]]
at = "3s"
sever = 0.5
"#;
    assert_eq!(
        heads(text, &[]),
        [
            r#"4:1: an event has no "at"; write when it happens, such as at = "5s""#,
            r#"6:1: an event has no action; add one of disconnect, freeze, rate and slow, such as disconnect = 0.5"#,
            r#"9:14: "events.disconnect" is 1.5; it is a share of the clients, above 0 and at most 1"#,
            r#"13:1: an event has one action, and this has freeze and rate; give each a table of its own"#,
            r#"17:1: "spread" belongs to disconnect, and this event is "rate"; remove it"#,
            r#"20:1: slow clients read again after a while; add for = "5s""#,
            r#"23:1: unknown key "events.sever"; the keys here are at, disconnect, spread, freeze, rate, slow and for"#,
        ]
    );
    let text = r#"[target]
url = "http://127.0.0.1:8080"
[[events]]
at = "10s"
rate = 5.0
[[events]]
at = "9s"
disconnect = 1
spread = "2s"
[[events]]
at = "5s"
freeze = "1s"
[[events]]
at = "1s"
rate = 5.0
for = "2s"
[[events]]
at = "2s"
rate = 7.0
"#;
    assert_eq!(
        heads(text, &[]),
        [
            r#"4:1: the rate at 10s comes after the measured phase of 10s; move it or make "phases.measure" longer"#,
            r#"7:1: the disconnect at 9s lasts until 11s, past the measured phase of 10s; shorten it or make "phases.measure" longer"#,
            r#"11:1: the freeze at 5s needs the server's process; add "target.pid" or "target.command""#,
            r#"18:1: the rate at 2s begins before the rate at 1s is over; move one of them"#,
        ]
    );
    assert_eq!(
        heads("events = 5\n", &[]),
        [r#"1:1: "events" is a list of tables; begin each with [[events]]"#]
    );
}

#[test]
fn a_wrong_search_is_shown_in_its_line() {
    let good = "vary = \"clients\"\nfrom = 10\nto = 100\nwhile = \"lost == 0\"\n";
    for (from, to, expected) in [
        ("vary = \"clients\"\n", "", r#"1:2: [search] has no vary"#),
        (
            "\"clients\"",
            "\"cleints\"",
            r#"2:8: "search.vary" is "cleints"; did you mean "clients"?"#,
        ),
        (
            "\"clients\"",
            "\"transport\"",
            r#"2:8: "search.vary" is "transport", which is no number to vary; it is one of clients, channels, rate, payload, publishers, poll_interval, hold, batch, linger, rtt, jitter, loss, down and up"#,
        ),
        (
            "10\n",
            "0\n",
            r#"3:8: "search.from" is 0; it must be from 1 to 1,000,000"#,
        ),
        (
            "100\n",
            "10\n",
            r#"4:6: "search.to" is not above "search.from"; a search goes upwards"#,
        ),
        (
            "lost == 0",
            "delivery.99 <= 1ms",
            r#"5:9: unknown metric "delivery.99"; did you mean "delivery.p99"? The metrics are delivery.p99, lost and duplicated"#,
        ),
        (
            "lost == 0",
            "lost == 0 and lost",
            r#"5:9: "" begins with no comparison; write it like "<= 20ms", with <=, >=, <, >, == or !="#,
        ),
        (
            "lost == 0",
            "lost <= 0.5 * polling",
            r#"5:9: "lost <= 0.5 * polling" compares with another trial; a search needs a number, such as "<= 20ms""#,
        ),
        (
            "lost == 0\"",
            "lost == 0\"\nbudget = \"2s\"",
            r#"6:1: "search.budget" is shorter than one trial, which may take 19500ms; make it longer"#,
        ),
        (
            "lost == 0\"",
            "lost == 0\"\nprecision = \"100%\"",
            r#"6:13: "search.precision" must be from 0.1% to 50%: each step upwards doubles the value, so anything coarser would leave nothing to narrow down"#,
        ),
        (
            "lost == 0\"",
            "lost == 0\"\n[load]\nclients = 5",
            r#"7:1: [search] varies "clients", so it cannot stand in [load]; remove one"#,
        ),
    ] {
        let text = format!("[search]\n{good}");
        let wrong = text.replacen(from, to, 1);
        assert_ne!(text, wrong);
        assert_eq!(heads(&wrong, &[]), [expected]);
    }
}

#[test]
fn each_single_fault_names_its_remedy() {
    let relay = r#"url = "http://127.0.0.1:8080""#;
    for (text, expected) in [
        (
            "clients = 5",
            r#"1:1: unknown key "clients"; "clients" belongs in [load]"#.to_owned(),
        ),
        (
            "[phases]\nwait = 1",
            r#"2:1: unknown key "phases.wait"; the keys here are ramp, warm_up, measure and drain"#
                .to_owned(),
        ),
        ("[load", "1:6: not TOML: unclosed table, expected `]`".to_owned()),
        (
            "[load]\nclients = 5\nclients = 6",
            "3:1: not TOML: duplicate key".to_owned(),
        ),
        (
            "[target]\nurl = \"http://example.org:80\"",
            r#"2:7: "example.org" is not this machine, and a load test is an attack on a server that does not expect it; if you may load it, add allow_hosts = ["example.org"] to [target]"#
                .to_owned(),
        ),
        (
            "[target]\nurl = \"127.0.0.1:80\"",
            format!(r#"2:7: "target.url" has no http:// or https://, or no host; write it like {relay}"#),
        ),
        (
            "[target]\nurl = \"http://[::1]:80/push\"",
            format!(r#"2:7: "target.url" has a path, which the interface of the server fixes; write it like {relay}"#),
        ),
        (
            "[target]\nserver = \"relay\"",
            format!(r#"2:10: "target.url" is missing: server = "relay" needs one, such as {relay}"#),
        ),
        (
            "[target]\nserver = \"nchan\"",
            format!(r#"2:10: "target.url" is missing: server = "nchan" needs one, such as {relay}"#),
        ),
        (
            "[gate]\n\"polling lost\" = \"== 0\"",
            r#"2:1: no trial uses polling, so the gate "polling lost == 0" would hold of nothing; add polling to "load.transport" or remove the gate"#
                .to_owned(),
        ),
        (
            "[gate]\n\"* lots\" = \"== 0\"",
            r#"2:1: unknown metric "lots"; did you mean "lost"? The metrics are delivery.p99, lost and duplicated"#
                .to_owned(),
        ),
        (
            "[gate]\n\"* lost\" = \"<= 0.2 * polling\"",
            r#"2:1: no trial uses polling, so the gate "* lost <= 0.2 * polling" has nothing to compare with; add polling to "load.transport" or remove the gate"#
                .to_owned(),
        ),
        (
            "[gate]\n\"* lost\" = \"<= 0.2 * websocket\"",
            r#"2:1: every trial uses websocket, so the gate "* lost <= 0.2 * websocket" would hold of nothing; add another transport to "load.transport" or remove the gate"#
                .to_owned(),
        ),
        (
            "[gate]\n\"* lost\" = [\"== 0\", \"<= 1.1 * baselin\"]",
            r#"2:21: "baselin" is no transport; did you mean "baseline"?"#.to_owned(),
        ),
        (
            "[gate]\n\"websocket lost\" = \"<= 0.2 * websocket\"",
            r#"2:20: a gate cannot compare websocket with itself; name another transport, or baseline"#
                .to_owned(),
        ),
        (
            "[load]\nrate = 5\n[matrix]\nrate = [1]",
            r#"4:1: "rate" stands in [load] and in [matrix]; remove one"#.to_owned(),
        ),
        (
            "[matrix]\nrate = [1, 1.0]",
            r#"2:12: "matrix.rate" has this value twice; remove one"#.to_owned(),
        ),
        (
            "[matrix]\nrate = 5",
            r#"2:8: "matrix.rate" takes a list, such as rate = [20.0]; this is the number 5"#
                .to_owned(),
        ),
        (
            "[load]\ntransport = \"polling\"\npoll_interval = \"10s\"",
            r#""phases.drain" is 5s, shorter than a "poll_interval" of 10s: the last messages would count as lost; make it longer"#
                .to_owned(),
        ),
        (
            "[link]\nrtt = \"1s\"\njitter = \"50ms\"\nloss = 0.01\n[phases]\ndrain = \"3s\"",
            r#"6:1: "phases.drain" is 3s, and with its link a message may take 3400ms: the last messages would count as lost; make it longer"#
                .to_owned(),
        ),
        (
            "[phases]\nmeasure = \"24h\"",
            r#"2:1: the run would take more than 24 hours; shorten "phases.measure" or take values out of [matrix]"#
                .to_owned(),
        ),
        (
            "[[published]]\nsource = \"x\"\nmetric = \"lost\"",
            "1:3: a [[published]] table has no transport and value".to_owned(),
        ),
        (
            "load = 5",
            r#"1:8: "load" is a table; write [load] on a line of its own"#.to_owned(),
        ),
    ] {
        let all = heads(text, &[]);
        assert_eq!(all.len(), 1, "{all:?}");
        assert_eq!(all[0], expected);
    }
}

#[test]
fn a_wrong_set_is_named_instead_of_a_line() {
    assert_eq!(
        heads(
            "",
            &[
                "load.clients=abc",
                "load.clinets=5",
                "foo",
                "title.x.y=5",
                "gate=1"
            ]
        ),
        [
            r"--set foo: write it as KEY=VALUE, such as --set load.clients=200",
            r#"--set load.clinets=5: unknown key "load.clinets"; did you mean "clients"?"#,
            r#"--set load.clients=abc: "load.clients" takes a whole number, such as clients = 1000; this is the text "abc""#,
            r#"--set title.x.y=5: "title" takes text in quotes, such as title = "Chat room"; this is a table"#,
            r#"--set gate=1: "gate" is a table; set its keys, as in --set load.clients=200"#,
        ]
    );
}

#[test]
fn a_flood_of_faults_ends_after_ten() {
    let text: String = (0..30).map(|key| format!("key{key} = 1\n")).collect();
    assert!(told(&text, &[]).ends_with("\nand 20 more"));
}

#[test]
fn a_huge_matrix_is_refused() {
    let values = "[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]";
    let text = format!("[matrix]\nclients = {values}\nrate = {values}\nchannels = {values}");
    assert_eq!(
        heads(&text, &[]),
        ["1:2: \"matrix\" gives 1331 trials; 1000 are the most, so take some values out"]
    );
}

#[test]
fn a_file_that_is_no_scenario_is_refused() {
    let read = |file: &str| read(Path::new(file), &[], &KNOWN).unwrap_err();
    assert!(matches!(
        read("no/such.toml"),
        ScenarioError::Unreadable { .. }
    ));
    assert!(matches!(read("/"), ScenarioError::Unreadable { .. }));
    assert!(read("/dev/zero").to_string().contains("larger than 1 MiB"));
}
