//! The race: what the sliders do to the delays.

use serde_json::json;

use crate::browser::{self, Browser};
use crate::program::{Program, free};

/// Moves a slider, as a person who lets it go at a step.
async fn slide(browser: &Browser, slider: &str, step: usize) {
    let script = "
        const slider = document.getElementById(arguments[0]);
        slider.value = arguments[1];
        slider.dispatchEvent(new Event('input', { bubbles: true }));
        slider.dispatchEvent(new Event('change', { bubbles: true }));
        return true;";
    browser.run(script, json!([slider, step])).await;
}

/// Waits until each lane has so many dots, and gives the mean delay of each in milliseconds.
async fn means(browser: &Browser, dots: usize) -> Vec<f64> {
    let script = "
        const lanes = [...document.querySelectorAll('.lane')];
        return lanes.every((lane) => lane.querySelectorAll('circle').length >= arguments[0])
          && lanes.map((lane) => lane.querySelector('.delay').textContent);";
    let texts = browser
        .until(script, json!([dots]), "each lane has its dots")
        .await;
    let texts = texts.as_array().unwrap().iter();
    texts
        .map(|text| {
            let text = text.as_str().unwrap();
            let (number, unit) = text.split_once(' ').unwrap();
            number.parse::<f64>().unwrap() * if unit == "s" { 1000.0 } else { 1.0 }
        })
        .collect()
}

#[tokio::test]
async fn polling_is_late_by_its_interval_and_the_others_are_not() {
    let Some(browser) = browser::start().await else {
        return;
    };
    let relay = Program::start(free(), &[]);
    browser.open(&relay.page("/race")).await;
    slide(&browser, "rate", 4).await; // 10 messages a second
    slide(&browser, "interval", 4).await; // 2 s
    let slow = means(&browser, 40).await;
    slide(&browser, "interval", 1).await; // 200 ms
    let fast = means(&browser, 20).await;
    let ratio = slow[0] / fast[0];
    // Ten, were there nothing but the interval. A busy machine adds to both.
    assert!((3.0..25.0).contains(&ratio), "{slow:?} against {fast:?}");
    for other in 1..5 {
        assert!(slow[0] > 4.0 * slow[other], "{slow:?}: polling alone waits");
    }
    let text = "return document.getElementById('finding').textContent";
    let text = browser.run(text, json!([])).await;
    assert!(
        text.as_str()
            .unwrap()
            .starts_with("Polling every 200 ms is late by "),
        "{text}"
    );
    let requests = "return [...document.querySelectorAll('.requests')].map((each) => Number(each.textContent))";
    let requests = browser.run(requests, json!([])).await;
    assert!(
        requests[0].as_u64() > Some(4) && requests[1].as_u64() > Some(4),
        "{requests}"
    );
    for held in 2..5 {
        assert_eq!(
            requests[held], 0,
            "no request since the start over: {requests}"
        );
    }
    browser.assert_no_errors("the page").await;
}
