//! The page in a real browser, as a reader has it.

use std::path::Path;
use std::time::Duration;

use bench::report::write_all;
use bench::result::{RunResult, metric};
use bench::witness::Browser;
use fantoccini::Locator;
use fantoccini::actions::{InputSource, MouseActions, PointerAction};
use fantoccini::elements::Element;
use fantoccini::key::Key;
use serde_json::{Value, json};

use crate::{browser, fixture};

#[tokio::test]
async fn a_reader_sorts_points_and_finds_no_error() {
    let Some(browser) = browser::start().await else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let run = fixture::scale();
    open(&browser, folder.path(), &run).await;
    a_head_sorts_by_value(&browser, &run).await;
    a_mark_tells_its_value(&browser).await;
    a_finger_does_the_same(&browser).await;
    assert_eq!(
        browser.console().await.unwrap(),
        [""; 0],
        "the console is silent"
    );
    script(&browser, "console.error('planted')").await;
    let said = browser.console().await.unwrap();
    assert!(said.iter().any(|line| line.contains("planted")), "{said:?}");
    let loaded = script(
        &browser,
        "return performance.getEntriesByType('resource').map(e => e.name).filter(name => !name.startsWith('data:'))",
    )
    .await;
    assert_eq!(loaded, json!([]), "nothing is loaded");
    browser.quit().await;
}

#[tokio::test]
async fn no_page_is_wider_than_its_window() {
    let Some(browser) = browser::start().await else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let wider =
        "return document.documentElement.scrollWidth - document.documentElement.clientWidth";
    for run in [
        fixture::compare(),
        fixture::scale(),
        fixture::repeated(),
        fixture::broken(),
        fixture::empty(),
    ] {
        open(&browser, folder.path(), &run).await;
        for width in [400, 1200] {
            show(&browser, width).await;
            script(
                &browser,
                "for (const d of document.querySelectorAll('details')) d.open = true",
            )
            .await;
            assert_eq!(script(&browser, wider).await, 0, "{} at {width}", run.title);
        }
        let results = "const wide = document.querySelector('[aria-label=Results]');
                       return wide ? wide.scrollWidth - wide.clientWidth : 0";
        assert_eq!(
            script(&browser, results).await,
            0,
            "{}: the main table fits at 1200 px",
            run.title
        );
    }
    let plant = "const block = document.createElement('div'); block.style.width = '3000px';
                 document.body.append(block); block.textContent = 'x'";
    script(&browser, plant).await;
    for width in [400, 1200] {
        show(&browser, width).await;
        assert_ne!(script(&browser, wider).await, 0, "too wide a page is seen");
    }
    browser.quit().await;
}

/// The column `p50` of the main table, top to bottom.
const COLUMN: &str = "const table = document.querySelector('[aria-label=Results] table');
    const heads = [...[...table.tHead.rows].at(-1).cells];
    const at = heads.findIndex(head => head.textContent === 'p50');
    return [heads[at].getAttribute('aria-sort'), [...table.tBodies[0].rows].map(row => row.cells[at].textContent)]";

async fn a_head_sorts_by_value(browser: &Browser, run: &RunResult) {
    let p50 = metric::find("delivery.p50").unwrap();
    let mut values: Vec<f64> = run.trials.iter().filter_map(|t| p50.of(t)).collect();
    values.sort_by(f64::total_cmp);
    let rising: Vec<String> = values.iter().map(|v| p50.unit.show(*v)).collect();
    let falling: Vec<String> = rising.iter().rev().cloned().collect();
    let before = script(browser, COLUMN).await;
    assert_eq!(before[0], "none");
    assert_ne!(before[1], json!(rising));
    let head = "//div[@aria-label='Results']//th[.='p50']/button";
    let button = find(browser, Locator::XPath(head)).await;
    button.click().await.unwrap();
    assert_eq!(script(browser, COLUMN).await, json!(["ascending", rising]));
    // The head keeps the focus: the rest is done by keys.
    button
        .send_keys(&char::from(Key::Enter).to_string())
        .await
        .unwrap();
    assert_eq!(
        script(browser, COLUMN).await,
        json!(["descending", falling])
    );
    button.send_keys(" ").await.unwrap();
    assert_eq!(script(browser, COLUMN).await, before);
}

const TIP: &str = "return document.querySelector('.tip.shown')?.textContent ?? null";

async fn a_mark_tells_its_value(browser: &Browser) {
    assert_eq!(script(browser, TIP).await, Value::Null);
    // Curves lie over each other; a bar has its place to itself.
    let mark = find(browser, Locator::Css("#server-cpu .mark")).await;
    let tip = mark.attr("data-tip").await.unwrap().unwrap();
    assert!(tip.contains(" · "), "{tip}");
    script(
        browser,
        "document.querySelector('#server-cpu').scrollIntoView({block: 'center'})",
    )
    .await;
    // A browser that has just scrolled may still find what stood there before: a hand would move again, too.
    let mut told = Value::Null;
    for step in 0..50 {
        let pointer = MouseActions::new("mouse".to_owned()).then(PointerAction::MoveToElement {
            element: mark.clone(),
            duration: None,
            x: f64::from(step % 2),
            y: 0.0,
        });
        browser.client.perform_actions(pointer).await.unwrap();
        told = script(browser, TIP).await;
        if told == json!(tip) {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(told, json!(tip));
    let plot = find(browser, Locator::Css("#server-cpu .plot")).await;
    let second = script(
        browser,
        "return document.querySelectorAll('#server-cpu .mark')[1].dataset.tip",
    )
    .await;
    plot.send_keys(&char::from(Key::Right).to_string())
        .await
        .unwrap();
    assert_eq!(script(browser, TIP).await, second, "the next one, by key");
    plot.send_keys(&char::from(Key::Escape).to_string())
        .await
        .unwrap();
    assert_eq!(script(browser, TIP).await, Value::Null);
}

/// A finger on the middle of a mark that is in sight, and then one beside all charts.
async fn a_finger_does_the_same(browser: &Browser) {
    let middle = "const mark = document.querySelector('#server-cpu .mark');
                  const box = mark.getBoundingClientRect();
                  return [box.left + box.width / 2, box.top + box.height / 2, mark.dataset.tip]";
    let mark = script(browser, middle).await;
    touch(browser, &mark[0], &mark[1]).await;
    assert_eq!(script(browser, TIP).await, mark[2]);
    touch(browser, &json!(2), &mark[1]).await;
    assert_eq!(script(browser, TIP).await, Value::Null);
}

async fn touch(browser: &Browser, x: &Value, y: &Value) {
    for (kind, points) in [
        ("touchStart", json!([{ "x": x, "y": y }])),
        ("touchEnd", json!([])),
    ] {
        let event = json!({ "type": kind, "touchPoints": points });
        let command = "Input.dispatchTouchEvent";
        browser.devtools(command, event).await.unwrap();
    }
}

async fn open(browser: &Browser, folder: &Path, run: &RunResult) {
    write_all(folder, run).unwrap();
    let page = format!("file://{}", folder.join("report.html").display());
    browser.client.goto(&page).await.unwrap();
}

/// Gives the page a window of this width: below 600 pixels that of a phone.
async fn show(browser: &Browser, width: u32) {
    let window =
        json!({ "width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 600 });
    let command = "Emulation.setDeviceMetricsOverride";
    browser.devtools(command, window).await.unwrap();
}

async fn script(browser: &Browser, text: &str) -> Value {
    browser.client.execute(text, Vec::new()).await.unwrap()
}

async fn find(browser: &Browser, place: Locator<'_>) -> Element {
    browser.client.find(place).await.unwrap()
}
