//! Words pass between two windows, whatever transport each of them uses.

use serde_json::{Value, json};

use crate::browser::{self, Browser};
use crate::program::{Program, free};

pub(crate) const TRANSPORTS: [&str; 5] =
    ["polling", "long-polling", "streaming", "sse", "websocket"];

/// Chooses a room and a transport in the window, and waits until it reads.
async fn choose(browser: &Browser, room: &str, transport: &str) {
    let script = "
        const set = (selector, value) => {
          const field = document.querySelector(selector);
          field.value = value;
          field.dispatchEvent(new Event('change', { bubbles: true }));
        };
        set('.interval', '200');
        set('.transport', arguments[1]);
        set('#room', arguments[0]);
        return true;";
    browser.run(script, json!([room, transport])).await;
    reads(browser, &format!("room.{room}")).await;
}

/// Waits until every side in the window reads a channel.
pub(crate) async fn reads(browser: &Browser, channel: &str) {
    let script = "return [...document.querySelectorAll('.state')].every((state) => state.textContent === `reads ${arguments[0]}`)";
    browser.until(script, json!([channel]), channel).await;
}

/// Says words in the window, one after the other, as its person.
pub(crate) async fn say(browser: &Browser, words: &[String]) {
    let script = "
        const composer = document.querySelector('.composer');
        for (const words of arguments[0]) {
          composer.querySelector('.words').value = words;
          composer.requestSubmit();
        }
        return true;";
    browser.run(script, json!([words])).await;
}

/// Waits until a side has so many messages, and gives their words.
async fn heard(browser: &Browser, count: usize) -> Vec<String> {
    let script = "
        const bubbles = [...document.querySelectorAll('.log li')];
        return bubbles.length >= arguments[0] && bubbles.map((li) => li.querySelector('span')?.textContent ?? li.textContent);";
    let words = browser.until(script, json!([count]), "all messages").await;
    let Value::Array(words) = words else {
        panic!("{words}")
    };
    words
        .iter()
        .map(|words| words.as_str().unwrap().to_owned())
        .collect()
}

#[tokio::test]
async fn words_pass_between_two_windows_by_every_pair_of_transports() {
    let Some(browser) = browser::start().await else {
        return;
    };
    let relay = Program::start(free(), &[]);
    browser.open(&relay.page("/chat?only=alice")).await;
    let alice = browser.window().await;
    let bob = browser.open_beside(&relay.page("/chat?only=bob")).await;
    for (at, first) in TRANSPORTS.into_iter().enumerate() {
        // Both directions are tried at once, so a pair is tried only one way round.
        for second in &TRANSPORTS[at..] {
            let room = format!("{first}.{second}");
            let words = |who: &str| -> Vec<String> {
                (1..=3).map(|n| format!("{who} {n} {room}")).collect()
            };
            choose(&browser, &room, second).await;
            browser.switch(&alice).await;
            choose(&browser, &room, first).await;
            say(&browser, &words("alice")).await;
            browser.switch(&bob).await;
            say(&browser, &words("bob")).await;
            let with_bob = heard(&browser, 6).await;
            browser.switch(&alice).await;
            let with_alice = heard(&browser, 6).await;
            clear(&browser).await;
            browser.switch(&bob).await;
            clear(&browser).await;
            assert_eq!(with_alice, with_bob, "{room}: one order for both");
            for who in ["alice", "bob"] {
                let said: Vec<_> = with_bob
                    .iter()
                    .filter(|words| words.starts_with(who))
                    .cloned()
                    .collect();
                assert_eq!(said, words(who), "{room}: in order and once");
            }
        }
    }
    browser.assert_no_errors("the page").await;
}

async fn clear(browser: &Browser) {
    let script = "document.querySelector('.log').replaceChildren(); return true";
    browser.run(script, json!([])).await;
}

#[tokio::test]
async fn both_sides_type_at_once_and_inboxes_reach_their_owners() {
    let Some(browser) = browser::start().await else {
        return;
    };
    let relay = Program::start(free(), &[]);
    browser.open(&relay.page("/chat?bob=websocket")).await;
    reads(&browser, "room.lobby").await;
    let script = "document.getElementById('duet').click(); return true";
    browser.run(script, json!([])).await;
    let drafts = "return [...document.querySelectorAll('.draft')].every((draft) => / writes: /.test(draft.textContent))";
    browser
        .until(drafts, json!([]), "each sees the other's keys")
        .await;
    let done = "
        const panes = [...document.querySelectorAll('.pane')];
        return panes.every((pane) => pane.querySelectorAll('.log li').length === 2)
          && panes.map((pane) => [pane.querySelector('.requests').textContent, pane.querySelector('.sent').textContent]);";
    let took = browser.until(done, json!([]), "both have said it").await;
    for side in took.as_array().unwrap() {
        assert_eq!(
            side[0], "1",
            "one connection carried both directions: {took}"
        );
        let sent = side[1].as_str().unwrap();
        assert!(sent.contains(" frames") && !sent.contains("POST"), "{sent}");
    }

    let inboxes = "document.querySelector('[value=inboxes]').click(); return true";
    browser.run(inboxes, json!([])).await;
    let each = "return [...document.querySelectorAll('.state')].map((state) => state.textContent).join() === 'reads user.alice,reads user.bob'";
    browser
        .until(each, json!([]), "each reads their inbox")
        .await;
    say(&browser, &["to you".to_owned()]).await;
    let got = "
        const [alice, bob] = [...document.querySelectorAll('.log')].map((log) => log.lastElementChild);
        return alice.querySelector('span').textContent === 'to you' && bob.querySelector('span').textContent === 'to you' && [alice.className, alice.querySelector('small').textContent, bob.className];";
    let got = browser.until(got, json!([]), "bob has it").await;
    assert_eq!(got, json!(["mine", "to user.bob", "theirs"]));
    browser.assert_no_errors("the page").await;
}
