//! The pages over HTTPS, and what HTTP/2 does to the six connections of a browser.

use serde_json::{Value, json};

use crate::browser::{self, Browser};
use crate::chat::{reads, say};
use crate::program::{Program, free};

/// The relay's certificate is its own: nobody vouches for it.
const TRUST: &[&str] = &["--ignore-certificate-errors"];
/// More than the connections that a browser opens to one host.
const SOURCES: usize = 8;
const CONNECTIONS: usize = 6;

/// Waits until the relay's own numbers are as a script says, and gives them.
async fn stats(browser: &Browser, hold: &str) -> Value {
    let script = format!(
        "fetch('/stats').then((answer) => answer.json()).then((stats) => {{ window.stats = stats; }});
         const s = window.stats;
         return s !== undefined && ({hold}) && s;"
    );
    browser.until(&script, json!([]), hold).await
}

/// How the page came.
async fn protocol(browser: &Browser) -> Value {
    let script = "return performance.getEntriesByType('navigation')[0].nextHopProtocol";
    browser.run(script, json!([])).await
}

#[tokio::test]
async fn the_pages_work_over_https_and_all_of_a_page_is_one_connection() {
    let Some(browser) = browser::start_with(TRUST).await else {
        return;
    };
    let relay = Program::start(free(), &["--tls-self-signed"]);
    let page = |path: &str| format!("https://{}{path}", relay.address);

    browser.open(&page("/race")).await;
    assert_eq!(protocol(&browser).await, "h2");
    let dots = "
        const lanes = [...document.querySelectorAll('.lane')];
        return lanes.length === 5 && lanes.every((lane) => lane.querySelectorAll('circle').length >= 3);";
    browser.until(dots, json!([]), "each lane has dots").await;
    // A WebSocket too is a stream of the one connection.
    // (A connection that the browser has opened on suspicion goes unused, and ends.)
    let all = "s.connections === 1 && s.subscribers.websocket === 1 && s.subscribers.sse === 1 && s.subscribers.streaming === 1";
    let numbers = stats(&browser, all).await;
    assert!(numbers["streams"].as_u64().unwrap() >= 4, "{numbers}");
    browser.assert_no_errors("/race").await;

    browser.open(&page("/chat?alice=websocket&bob=sse")).await;
    reads(&browser, "room.lobby").await;
    say(&browser, &["hello".to_owned()]).await;
    let both = "return [...document.querySelectorAll('.log')].every((log) => log.innerText.includes('hello'))";
    browser.until(both, json!([]), "both have it").await;
    browser.assert_no_errors("/chat").await;

    browser.open(&page("/explain")).await;
    browser.assert_no_errors("/explain").await;
}

/// Opens event sources, as many tabs would, and beside them asks for something else.
const OPEN_SOURCES: &str = "
    window.opened = 0;
    window.answered = false;
    window.sources = Array.from({ length: arguments[0] }, () => {
      const source = new EventSource('/channels/tabs/events');
      source.onopen = () => { window.opened += 1; };
      return source;
    });
    return true;";
const ASK: &str = "fetch('/healthz', { cache: 'no-store' }).then(() => { window.answered = true; }); return true;";

#[tokio::test]
async fn the_seventh_event_source_starves_over_http1_and_none_does_over_http2() {
    let Some(browser) = browser::start_with(TRUST).await else {
        return;
    };
    let plain = Program::start(free(), &[]);
    browser.open(&plain.page("/")).await;
    assert_eq!(protocol(&browser).await, "http/1.1");
    browser.run(OPEN_SOURCES, json!([SOURCES])).await;
    let opened = "return window.opened >= arguments[0] && window.opened";
    browser
        .until(opened, json!([CONNECTIONS]), "six event sources open")
        .await;
    browser.run(ASK, json!([])).await;
    tokio::time::sleep(std::time::Duration::from_secs(2)).await;
    let state = browser
        .run("return [window.opened, window.answered]", json!([]))
        .await;
    assert_eq!(state, json!([CONNECTIONS, false]), "six hold the host");
    // Each one that goes lets the next in.
    browser
        .run(
            "window.sources.slice(0, 3).forEach((s) => s.close()); return true",
            json!([]),
        )
        .await;
    let next = "return window.opened === arguments[0] && window.answered";
    browser
        .until(next, json!([SOURCES]), "the others follow")
        .await;

    let secure = Program::start(free(), &["--tls-self-signed"]);
    browser.open(&format!("https://{}/", secure.address)).await;
    assert_eq!(protocol(&browser).await, "h2");
    browser.run(OPEN_SOURCES, json!([SOURCES])).await;
    browser.run(ASK, json!([])).await;
    browser
        .until(
            next,
            json!([SOURCES]),
            "all of them open, and a fetch beside them",
        )
        .await;
    let all = format!("s.connections === 1 && s.subscribers.sse === {SOURCES}");
    stats(&browser, &all).await;
}
