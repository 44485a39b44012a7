//! Every page: nothing in the console, nothing nameless, nothing wider than a phone.

use serde_json::json;

use crate::browser;
use crate::program::{Program, free};

/// Gives what a person could not call by a name.
const NAMELESS: &str = "
    const named = (element) => element.getAttribute('aria-label') || element.getAttribute('aria-labelledby')
      || [...(element.labels ?? [])].some((label) => label.textContent.trim()) || element.textContent.trim();
    return [...document.querySelectorAll('input, select, button, a, svg[role=img], [role=img], [role=log]')]
      .filter((element) => element.checkVisibility() && !named(element)).map((element) => element.outerHTML);";

#[tokio::test]
async fn every_page_is_quiet_named_and_fits_a_phone() {
    let Some(browser) = browser::start().await else {
        return;
    };
    let relay = Program::start(free(), &[]);
    for (width, scheme) in [(1200, "light"), (400, "dark")] {
        let size =
            json!({ "width": width, "height": 800, "deviceScaleFactor": 1, "mobile": width < 600 });
        browser
            .devtools("Emulation.setDeviceMetricsOverride", size)
            .await;
        let media = json!({ "features": [{ "name": "prefers-color-scheme", "value": scheme }] });
        browser.devtools("Emulation.setEmulatedMedia", media).await;
        let mut backs = Vec::new();
        for page in ["/", "/chat", "/race", "/explain"] {
            browser.open(&relay.page(page)).await;
            let fits = "return document.documentElement.scrollWidth <= innerWidth";
            let fits = browser.run(fits, json!([])).await;
            assert_eq!(fits, true, "{page} is no wider than {width} px");
            let nameless = browser.run(NAMELESS, json!([])).await;
            assert_eq!(nameless, json!([]), "{page}");
            let one = browser
                .run("return document.querySelectorAll('h1').length", json!([]))
                .await;
            assert_eq!(one, 1, "{page} has one heading at the top");
            backs.push(
                browser
                    .run(
                        "return getComputedStyle(document.body).backgroundColor",
                        json!([]),
                    )
                    .await,
            );
            browser.assert_no_errors(page).await;
        }
        backs.dedup();
        let back = if scheme == "dark" {
            "rgb(19, 20, 23)"
        } else {
            "rgb(251, 251, 252)"
        };
        assert_eq!(backs, [json!(back)], "{scheme}");
    }
}
