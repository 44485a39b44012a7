//! A relay that is started again: every side goes on, and is told that the channel began anew.

use serde_json::json;

use crate::browser;
use crate::chat::{reads, say};
use crate::program::{Program, free};

/// Waits until all sides in the window have had what `arguments[0]` lists, and nothing else.
const HAD: &str = "
    const logs = [...document.querySelectorAll('.log')].map((log) => [...log.children].map((li) =>
      li.className === 'missed' ? 'missed' : li.querySelector('span')?.textContent ?? li.textContent));
    return logs.every((log) => log.join() === arguments[0].join());";

#[tokio::test]
async fn every_transport_resumes_after_the_relay_was_started_again() {
    let Some(browser) = browser::start().await else {
        return;
    };
    let address = free();
    let relay = Program::start(address, &[]);
    let mut windows = Vec::new();
    // Together they hold three of the browser's six connections.
    for (alice, bob) in [
        ("polling", "long-polling"),
        ("streaming", "sse"),
        ("websocket", "websocket"),
    ] {
        let page = relay.page(&format!("/chat?alice={alice}&bob={bob}"));
        windows.push(browser.open_beside(&page).await);
        reads(&browser, "room.lobby").await;
    }
    say(&browser, &["before".to_owned()]).await;
    for window in &windows {
        browser.switch(window).await;
        browser
            .until(HAD, json!([["before"]]), "all have the first")
            .await;
    }

    relay.terminate();
    let relay = Program::start(address, &[]);
    let message = |text: &str| format!(r#"{{"from":"carol","text":"{text}"}}"#);
    relay.publish("room.lobby", &message("while away"));
    for window in &windows {
        browser.switch(window).await;
        let seen = json!([["before", "missed", "while away"]]);
        browser
            .until(HAD, seen, "all were told, and have the second")
            .await;
        reads(&browser, "room.lobby").await;
    }
    relay.publish("room.lobby", &message("again"));
    for window in &windows {
        browser.switch(window).await;
        let seen = json!([["before", "missed", "while away", "again"]]);
        browser.until(HAD, seen, "all have the third, once").await;
    }
}
