//! Pages of another origin: when they ask first, and what becomes of them where they are not allowed.

use super::recorder::{Manner, Recorder};
use crate::program::{Ran, Story, side_by_side};

/// Runs a page of another origin; gives what bench said and what it asked.
fn cross(manner: Manner, transport: &str, more: &str) -> (Ran, serde_json::Value, Recorder) {
    let recorder = Recorder::start(manner);
    let story = Story::new(&format!(
        r#"
title = "Asking"
target = {{ server = "relay", url = "{}" }}
phases = {{ ramp = "10ms", warm_up = "0s", measure = "1s", drain = "1s" }}
[load]
transport = "{transport}"
clients = 1
channels = 2
publishers = 1
rate = 10.0
arrivals = "constant"
publish = "post"
poll_interval = "100ms"
origin = "cross"
{more}
"#,
        recorder.url()
    ));
    let ran = story.run();
    let summary = if story.results().exists() {
        story.summary()
    } else {
        serde_json::Value::Null
    };
    (ran, summary, recorder)
}

#[test]
fn a_page_asks_once_for_each_address_and_posts_in_order() {
    let (_, summary, recorder) = cross(Manner::default(), "polling", "");
    let kinds: Vec<&str> = recorder
        .heads()
        .iter()
        .map(super::recorder::Head::kind)
        .filter(|kind| ["preflight", "post"].contains(kind))
        .collect();
    let mut expected = vec!["preflight", "post", "preflight", "post"];
    expected.extend(["post"; 8]);
    assert_eq!(kinds, expected);
    let messages = &summary["trials"][0]["messages"];
    assert_eq!(messages["published"], 10, "{messages}");
    assert_eq!(messages["publish_errors"], 0, "{messages}");
}

#[test]
fn an_answer_that_may_not_be_kept_is_asked_for_again() {
    let manner = Manner {
        max_age: "0",
        ..Manner::default()
    };
    let (_, _, recorder) = cross(manner, "polling", "");
    assert_eq!(recorder.of("preflight").len(), 10);
    assert_eq!(recorder.of("post").len(), 10);
}

#[test]
fn a_server_that_does_not_allow_the_page_is_named_with_the_remedy() {
    let manner = Manner {
        allows: false,
        ..Manner::default()
    };
    for (ran, _, recorder) in side_by_side(["polling", "streaming", "sse"], |transport| {
        cross(manner, transport, "")
    }) {
        assert_eq!(ran.code, Some(3), "{}", ran.stderr);
        let ran = ran.says(&[
            "does not let pages of http://app.example read it",
            "--allow-origin http://app.example",
        ]);
        assert!(recorder.of("post").is_empty(), "{}", ran.stderr);
    }
}

#[test]
fn what_may_not_be_published_is_an_error_and_was_never_posted() {
    // A WebSocket needs no leave of this kind, so its page stays to publish.
    let manner = Manner {
        allows: false,
        ..Manner::default()
    };
    let (ran, summary, recorder) = cross(manner, "websocket", "");
    assert_eq!(ran.code, Some(4), "{}", ran.stderr);
    let trial = &summary["trials"][0];
    assert_eq!(trial["messages"]["publish_errors"], 10, "{trial}");
    let warnings = trial["warnings"].to_string();
    let said = "the server does not let pages of http://app.example publish (10 times)";
    assert!(warnings.contains(said), "{warnings}");
    assert!(recorder.of("post").is_empty());
    assert_eq!(recorder.of("preflight").len(), 10);
}

#[test]
fn cookies_need_credentials_to_be_allowed() {
    let cookies = "cookies = \"a=b\"";
    let manners = ["", "Access-Control-Allow-Credentials: true\r\n"].map(|more| Manner {
        more,
        ..Manner::default()
    });
    let ran = side_by_side(manners, |manner| cross(manner, "polling", cookies));
    assert_eq!(ran[0].0.code, Some(3), "{}", ran[0].0.stderr);
    assert!(ran[0].0.stderr.contains("with credentials"));
    assert_eq!(ran[1].0.code, Some(4), "{}", ran[1].0.stderr);
    for recorder in ran.iter().map(|(_, _, recorder)| recorder) {
        let polls = recorder.of("poll");
        assert!(
            polls
                .iter()
                .all(|head| head.header("Cookie") == Some("a=b"))
        );
    }
    let preflights = ran[1].2.of("preflight");
    assert!(
        preflights
            .iter()
            .all(|head| head.header("Cookie").is_none())
    );
    let posts = ran[1].2.of("post");
    assert!(!posts.is_empty());
    assert!(
        posts
            .iter()
            .all(|head| head.header("Cookie") == Some("a=b"))
    );
}

#[test]
fn a_compressed_answer_is_refused_with_the_remedy() {
    let manner = Manner {
        more: "Content-Encoding: br\r\n",
        ..Manner::default()
    };
    let (ran, _, _) = cross(manner, "polling", "headers = \"browser\"");
    assert_eq!(ran.code, Some(3), "{}", ran.stderr);
    ran.says(&["compressed (br)", "load.headers = \"minimal\""]);
}

#[test]
fn without_keep_alive_each_poll_has_a_connection_of_its_own() {
    let (_, summary, recorder) = cross(Manner::default(), "polling", "keep_alive = false");
    let polls = recorder.of("poll");
    assert!(polls.len() >= 3, "{}", polls.len());
    assert!(
        polls
            .iter()
            .all(|head| head.header("Connection") == Some("close"))
    );
    let mut connections: Vec<usize> = polls.iter().map(|head| head.connection).collect();
    connections.dedup();
    assert_eq!(connections.len(), polls.len());
    let trial = &summary["trials"][0];
    assert_eq!(trial["clients"]["reconnects"], 0, "{trial}");
    let connections = trial["requests"]["connections"].as_u64().unwrap();
    assert!(
        connections
            >= trial["requests"]["total"]
                .as_u64()
                .unwrap()
                .saturating_sub(1)
    );
}
