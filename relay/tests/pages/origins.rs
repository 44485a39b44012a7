//! A page of another origin: refused, unless the relay lists it.

use serde_json::{Value, json};

use crate::browser::{self, Browser};
use crate::chat::{reads, say};
use crate::program::{Program, free};

/// What the page shows of the relay's answers and of what the browser lets it see.
async fn shown(browser: &Browser) -> (Value, String) {
    let allowed = browser
        .run(
            "return document.getElementById('origins').dataset.allowed",
            json!([]),
        )
        .await;
    let script = "return [...document.querySelectorAll('#origins-rows tr')].map((row) => row.innerText).join('\\n')";
    let rows = browser.run(script, json!([])).await;
    (allowed, rows.as_str().unwrap().to_owned())
}

fn published(relay: &Program) -> String {
    let stats = relay.ask("GET /stats HTTP/1.1\r\n\r\n");
    let count = stats.split(r#""published":"#).nth(1).unwrap();
    count.split(',').next().unwrap().to_owned()
}

#[tokio::test]
async fn a_page_of_a_foreign_origin_is_refused_and_a_listed_one_is_not() {
    let Some(browser) = browser::start().await else {
        return;
    };
    let copy = free();
    let listed = format!("http://{copy}");
    let relay = Program::start(
        free(),
        &["--cors-demo", &copy.to_string(), "--allow-origin", &listed],
    );

    browser.open(&format!("{listed}/?bob=sse")).await;
    let (allowed, rows) = shown(&browser).await;
    assert_eq!(allowed, "true", "{rows}");
    assert!(
        rows.contains(&format!("access-control-allow-origin: {listed}")),
        "{rows}"
    );
    assert!(
        rows.contains("POST: 201") && rows.contains("it opened"),
        "{rows}"
    );
    reads(&browser, "room.lobby").await;
    say(&browser, &["across".to_owned()]).await;
    let both = "return [...document.querySelectorAll('.log')].every((log) => log.innerText.includes('across'))";
    browser
        .until(both, json!([]), "the message came across")
        .await;
    browser.assert_no_errors("the page").await;
    let before = published(&relay);

    // The same server by another name is of another origin, which is not listed.
    let foreign = format!("http://localhost:{}", copy.port());
    browser
        .open(&format!("{foreign}/?alice=websocket&bob=sse"))
        .await;
    let (allowed, rows) = shown(&browser).await;
    assert_eq!(allowed, "false", "{rows}");
    assert_eq!(rows.matches("origin_not_allowed").count(), 3, "{rows}");
    assert_eq!(rows.matches("TypeError").count(), 2, "{rows}");
    assert!(rows.contains("an error event"), "{rows}");
    say(&browser, &["refused".to_owned()]).await;
    let failed = "return document.querySelector('.log .failed')?.textContent ?? false";
    let said = browser.until(failed, json!([]), "it is not sent").await;
    assert!(said.as_str().unwrap().starts_with("not sent: "), "{said}");
    let lost = "return [...document.querySelectorAll('.state')].every((state) => state.dataset.state === 'lost')";
    browser.until(lost, json!([]), "no side reads").await;
    assert_eq!(published(&relay), before, "nothing was published");
}
