//! What connections cost: how many a client has at once, and what opening one takes.

use serde_json::Value;

use crate::program::Story;

const SCENARIO: &str = r#"
[load]
clients = 30
rate = 20.0
poll_interval = "250ms"
[matrix]
transport = ["polling", "long-polling", "sse", "websocket"]
[phases]
ramp = "100ms"
warm_up = "200ms"
measure = "2s"
"#;

fn per_client(trial: &Value) -> f64 {
    trial["clients"]["connections_per_client"].as_f64().unwrap()
}

#[test]
fn a_client_that_keeps_its_connection_has_one_whatever_the_transport() {
    let story = Story::new(SCENARIO);
    let (_, summary) = story.run_calmly(0);
    for trial in summary["trials"].as_array().unwrap() {
        let (id, open) = (&trial["id"], per_client(trial));
        assert!((open - 1.0).abs() < 1e-6, "{id}: {open}");
        // A request of some 90 bytes, and an answer; a SYN each way, its acknowledgement, a segment each way.
        let clients = trial["latency_ns"]["connect"]["count"].as_f64().unwrap();
        assert!((clients - 30.0).abs() < 0.5, "{id}: {clients}");
        let each = |of: &str| trial["bytes"][of].as_f64().unwrap() / clients;
        let (socket, wire) = (each("connect_socket"), each("connect_wire"));
        assert!((150.0..800.0).contains(&socket), "{id}: {socket}");
        assert!(
            wire > socket + 5.0 * 40.0 && wire < socket + 12.0 * 60.0,
            "{id}: {wire} of {socket}"
        );
    }
}

#[test]
fn a_client_that_dials_for_each_poll_has_none_in_between() {
    let keep = [
        "--set",
        "load.keep_alive=false",
        "--set",
        "load.transport=polling",
    ];
    let story = Story::new(SCENARIO);
    let (_, summary) = story.run_calmly_with(&keep, 0);
    let trial = &summary["trials"][0];
    let open = per_client(trial);
    // An exchange takes milliseconds of the quarter of a second; a busy machine takes more.
    assert!(open > 0.0 && open < 0.7, "{open}");
    let dialled = trial["requests"]["connections"].as_u64().unwrap();
    assert!(dialled >= 7 * 30, "{dialled}");
}
