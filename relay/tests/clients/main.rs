//! Clients that others wrote follow a channel by every transport, are cut off and come back.
//!
//! Each is told by a story: fifty messages in order; a cut, with fifty more while the client is away;
//! the relay's restart, which the client is told of. A client that is not installed is left out, loudly.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by a panic")]

mod curl;
mod follower;
mod http2;
mod installed;
mod relay;
mod road;
#[path = "../common/spawn.rs"]
mod spawn;

use curl::Way;
use follower::Follower;
use relay::Relay;
use road::Road;

/// Messages at each stage of a story.
const STAGE: usize = 50;

/// A relay, a road to it, and a channel.
struct Scene {
    relay: Relay,
    road: Road,
}

impl Scene {
    fn new() -> Self {
        let relay = Relay::start();
        let road = Road::to(relay.address);
        Self { relay, road }
    }

    /// The channel's address, by the road.
    fn channel(&self) -> String {
        format!("http://{}/channels/story", self.road.address)
    }

    /// Publishes the messages of a stage.
    fn publish(&self, stage: usize) {
        for number in numbers(stage) {
            self.relay.publish(&payload(number));
        }
    }
}

fn numbers(stage: usize) -> std::ops::Range<usize> {
    stage * STAGE..(stage + 1) * STAGE
}

/// A value that shows the order, and whether text survives.
fn payload(number: usize) -> String {
    format!(r#"[{number}, "gr\u00fc\u00df dich \ud83e\udd80"]"#)
}

/// What a client says of a payload: some write it anew.
fn number(payload: &str) -> usize {
    let value: serde_json::Value = serde_json::from_str(payload).unwrap();
    assert_eq!(value[1], "gr\u{fc}\u{df} dich \u{1f980}");
    usize::try_from(value[0].as_u64().unwrap()).unwrap()
}

/// The client gets the messages of a stage, all of them, once and in order, and nothing else.
fn gets(client: &Follower, stage: usize) {
    for (at, expected) in numbers(stage).enumerate() {
        // A client that was away says so first.
        let line = if at == 0 {
            client.past_talk()
        } else {
            client.line()
        };
        let mut words = line.splitn(3, ' ');
        assert_eq!(words.next(), Some("message"), "{line}");
        assert!(words.next().unwrap().contains('-'), "{line}");
        assert_eq!(number(words.next().unwrap()), expected, "{line}");
    }
}

/// Tells the story. `closed` is what the client says when the relay ends its connection.
fn follows_and_comes_back(begin: impl FnOnce(&Scene) -> Follower, closed: Option<&str>) {
    let mut scene = Scene::new();
    let client = begin(&scene);
    assert_eq!(client.line(), "open");
    scene.publish(0);
    gets(&client, 0);

    scene.road.block();
    scene.publish(1);
    scene.road.open_to(scene.relay.address);
    gets(&client, 1);

    scene.road.keep_out();
    scene.relay.end();
    if let Some(closed) = closed {
        client.until_closed(closed);
    }
    scene.relay = Relay::start();
    scene.publish(2);
    scene.road.open_to(scene.relay.address);
    assert_eq!(client.past_talk(), "missed recreated");
    gets(&client, 2);
}

/// The client publishes on its own socket: each is answered with its place, in order, and comes back.
fn publishes(begin: impl FnOnce(&Scene) -> Follower) {
    let scene = Scene::new();
    let mut client = begin(&scene);
    assert_eq!(client.line(), "open");
    for number in numbers(0) {
        client.tell(&payload(number));
    }
    let (mut published, mut received) = (Vec::new(), Vec::new());
    while published.len() + received.len() < 2 * STAGE {
        let line = client.line();
        let words: Vec<_> = line.splitn(3, ' ').collect();
        match words[..] {
            ["published", position, id] => {
                published.push((id.parse().unwrap(), position.to_owned()))
            }
            ["message", position, payload] => {
                received.push((number(payload) + 1, position.to_owned()))
            }
            _ => panic!("{line}"),
        }
    }
    assert_eq!(published, received);
    assert!(published.iter().map(|(id, _)| *id).eq(1..=STAGE));
}

#[test]
fn ws_of_node_follows_a_socket_and_comes_back() {
    if let Some(node) = installed::node("ws") {
        let begin = |scene: &Scene| Follower::script(node, "by_ws.cjs", &scene.channel());
        follows_and_comes_back(begin, Some("closed 1001"));
    }
}

#[test]
fn ws_of_node_publishes_on_its_socket() {
    if let Some(node) = installed::node("ws") {
        publishes(|scene| Follower::script(node, "by_ws.cjs", &scene.channel()));
    }
}

#[test]
fn websockets_of_python_follows_a_socket_and_comes_back() {
    if let Some(python) = installed::python() {
        let begin = |scene: &Scene| Follower::script(python, "by_websockets.py", &scene.channel());
        follows_and_comes_back(begin, Some("closed 1001"));
    }
}

#[test]
fn websockets_of_python_publishes_on_its_socket() {
    if let Some(python) = installed::python() {
        publishes(|scene| Follower::script(python, "by_websockets.py", &scene.channel()));
    }
}

#[test]
fn eventsource_of_node_follows_events_and_comes_back() {
    if let Some(node) = installed::node("eventsource") {
        let begin = |scene: &Scene| Follower::script(node, "by_eventsource.cjs", &scene.channel());
        follows_and_comes_back(begin, Some("closed"));
    }
}

#[test]
fn curl_follows_events_and_comes_back() {
    by_curl(Way::Events);
}

#[test]
fn curl_follows_a_stream_and_comes_back() {
    by_curl(Way::Streaming);
}

#[test]
fn curl_polls_long_and_comes_back() {
    by_curl(Way::LongPolling);
}

#[test]
fn curl_polls_and_comes_back() {
    by_curl(Way::Polling);
}

fn by_curl(way: Way) {
    if installed::curl().is_some() {
        follows_and_comes_back(|scene| Follower::curl(way, &scene.channel()), None);
    }
}

#[test]
fn curl_publishes() {
    if installed::curl().is_none() {
        return;
    }
    let scene = Scene::new();
    let client = Follower::curl(Way::Streaming, &scene.channel());
    assert_eq!(client.line(), "open");
    for number in numbers(0) {
        curl::publish(&scene.channel(), &payload(number));
    }
    gets(&client, 0);
}
