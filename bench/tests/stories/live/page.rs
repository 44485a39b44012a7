//! The page in a real browser.

use std::time::Duration;

use serde_json::{Value, json};

use super::web::start;
use bench::witness::Browser;

use crate::chromium;
use crate::program::Story;

const SCENARIO: &str = r#"
title = "A page & its <report>"
[load]
clients = 4
rate = 40.0
[matrix]
transport = ["sse", "websocket"]
[phases]
ramp = "50ms"
warm_up = "1s"
measure = "8s"
drain = "1s"
"#;

async fn look(browser: &Browser, script: &str) -> Value {
    browser.client.execute(script, vec![]).await.unwrap()
}

/// Asks the page again and again, until what it says is true.
async fn until(browser: &Browser, script: &str) {
    for _ in 0..600 {
        if look(browser, script).await == json!(true) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let text = look(browser, "return document.body.innerText").await;
    panic!("never: {script}\n{text}");
}

/// Corners of the curve of the first chart; 0 before it is one.
const CORNERS: &str =
    "return (document.querySelector('polyline')?.getAttribute('points') ?? '').split(' ').length";

#[tokio::test]
async fn the_page_follows_the_run_survives_a_reload_and_becomes_the_report() {
    let Some(browser) = chromium::start().await else {
        return;
    };
    let story = Story::new(SCENARIO);
    let (running, address) = start(&story, &[]);
    browser
        .client
        .goto(&format!("http://{address}/"))
        .await
        .unwrap();
    until(
        &browser,
        "return document.querySelectorAll('polyline').length >= 5",
    )
    .await;
    let corners = look(&browser, CORNERS).await.as_u64().unwrap();
    until(&browser, &format!("{CORNERS} > {corners}")).await;
    assert_eq!(
        look(
            &browser,
            "return document.getElementById('title').textContent"
        )
        .await,
        "A page & its <report>"
    );
    // Every picture says what it shows.
    let said = "return [...document.querySelectorAll('svg[role=img]')].map(svg => svg.querySelector('desc').textContent)";
    let said = look(&browser, said).await;
    let said = said.as_array().unwrap();
    assert!(said.len() >= 6);
    let words = |text: &Value| text.as_str().unwrap().starts_with("Newest values: ");
    assert!(said.iter().all(words), "{said:?}");

    let corners = look(&browser, CORNERS).await.as_u64().unwrap();
    browser.client.refresh().await.unwrap();
    // What was before the reload is there again.
    until(&browser, &format!("{CORNERS} >= {corners}")).await;
    // The second trial is drawn beside the first.
    until(&browser, "return document.querySelectorAll('polyline.websocket').length >= 5 && document.querySelectorAll('polyline.sse').length >= 5").await;
    assert_eq!(
        look(
            &browser,
            "return document.querySelectorAll('#trials tr').length"
        )
        .await,
        2
    );

    until(&browser, "return document.getElementById('link') === null && document.body.innerText.includes('How to reproduce')").await;
    until(
        &browser,
        "return document.title.includes('A page & its <report>')",
    )
    .await;
    let ran = running.wait();
    ran.expect_unless_busy(0, &story.summary());
    let said = browser.console().await.unwrap();
    assert!(said.is_empty(), "{said:?}");
    browser.quit().await;
}

#[tokio::test]
async fn the_page_says_when_bench_is_gone() {
    let Some(browser) = chromium::start().await else {
        return;
    };
    let story = Story::new(SCENARIO);
    let (mut running, address) = start(&story, &[]);
    browser
        .client
        .goto(&format!("http://{address}/"))
        .await
        .unwrap();
    until(
        &browser,
        "return document.getElementById('link').textContent === 'connected to bench'",
    )
    .await;
    running.process.kill().unwrap();
    running.wait();
    until(&browser, "return document.getElementById('alarm').innerText.includes('The connection to bench is lost')").await;
    browser.quit().await;
}
