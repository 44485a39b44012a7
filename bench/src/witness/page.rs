//! The page in the browser: what it is asked to do, and what it has noted.

use std::time::Duration;

use fantoccini::Client;
use fantoccini::wd::TimeoutConfiguration;
use serde::Deserialize;
use serde_json::json;

use super::page_clock::PageClock;
use super::{Browser, WitnessError, devtools};
use crate::scenario::Transport;
use crate::stamp;

/// What runs in the page.
const SCRIPT: &str = include_str!("script.js");
/// Readings of the page's clock, each time that it is asked.
const EXCHANGES: u32 = 100;
/// How long its subscribers may take to be able to receive, beyond an interval of polling.
const OPEN_LIMIT: Duration = Duration::from_secs(20);
/// How long a page may take over a command beyond what the command asks for.
const PATIENCE: Duration = Duration::from_secs(30);

/// What the page's subscribers do.
#[derive(Debug)]
pub(super) struct Order<'a> {
    /// `host:port` of the server.
    pub(super) authority: &'a str,
    pub(super) transport: Transport,
    /// One for each subscriber.
    pub(super) channels: &'a [String],
    pub(super) poll_interval: Duration,
}

/// What the page noted. The lists of messages are of the same length.
#[derive(Debug, Deserialize)]
pub(super) struct Seen {
    /// Which subscriber received a message.
    pub(super) who: Vec<usize>,
    /// When its code had it, in milliseconds of the page's clock.
    pub(super) at: Vec<f64>,
    /// The stamp.
    pub(super) text: Vec<String>,
    /// When each request was made.
    pub(super) asked: Vec<f64>,
    /// What failed, as the page has it.
    pub(super) failures: Vec<String>,
    /// Times the server said that messages were missed.
    pub(super) missed: u64,
    /// Messages that were too many to be kept.
    pub(super) left_out: u64,
}

/// Opens a page of the server and lets it subscribe; gives its clock when every subscriber can receive.
pub(super) async fn follow(
    browser: &Browser,
    order: &Order<'_>,
) -> Result<PageClock, WitnessError> {
    let client = &browser.client;
    let name = order.transport.name();
    // The client's own code is the page: it is of the server's origin, and does nothing by itself.
    let url = format!("http://{}/assets/clients/{name}.js", order.authority);
    let patience = PATIENCE + order.poll_interval;
    within(patience, client.goto(&url)).await?;
    let limits = TimeoutConfiguration::new(Some(patience), Some(patience), None);
    within(patience, client.update_timeouts(limits)).await?;
    let _ = within(patience, client.execute(SCRIPT, Vec::new())).await?;
    let asked = json!({
        "transport": name,
        "channels": order.channels,
        "interval": order.poll_interval.as_secs_f64() * 1000.0,
        "length": stamp::LENGTH,
        "limit": (OPEN_LIMIT + order.poll_interval).as_secs_f64() * 1000.0,
    });
    let script = "const [order, done] = arguments; \
                  witness.follow(order).then(done, (error) => done({ error: String(error) }));";
    let answer = within(patience, client.execute_async(script, vec![asked]));
    let answer = answer.await.map_err(|error| WitnessError::Follow {
        transport: order.transport,
        url: url.clone(),
        reason: error.to_string(),
    })?;
    if let Some(reason) = answer["error"].as_str() {
        return Err(WitnessError::Follow {
            transport: order.transport,
            url,
            reason: reason.to_owned(),
        });
    }
    if answer["visible"] != "visible" {
        return Err(WitnessError::Page("it hides the page".to_owned()));
    }
    let origin = answer["origin"].as_f64();
    let origin = origin.ok_or_else(|| WitnessError::Page("it tells no time".to_owned()))?;
    let mut clock = PageClock::new(origin);
    exchange(browser.devtools, &mut clock).await?;
    Ok(clock)
}

/// Reads the page's clock some times more.
pub(super) async fn exchange(devtools: u16, clock: &mut PageClock) -> Result<(), WitnessError> {
    let readings = devtools::read_clock(devtools, EXCHANGES);
    match tokio::time::timeout(PATIENCE, readings).await {
        Ok(readings) => {
            for (before, now, after) in readings? {
                clock.add(before, now, after);
            }
            Ok(())
        }
        Err(_) => Err(silent(PATIENCE)),
    }
}

/// Messages that the page has noted so far.
pub(super) async fn count(client: &Client) -> Result<u64, WitnessError> {
    let answer = within(
        PATIENCE,
        client.execute("return witness.count();", Vec::new()),
    );
    Ok(answer.await?.as_u64().unwrap_or_default())
}

/// Ends the page's subscribers and takes what they noted.
pub(super) async fn leave(client: &Client) -> Result<Seen, WitnessError> {
    let answer = within(
        PATIENCE,
        client.execute("return witness.leave();", Vec::new()),
    )
    .await?;
    let wrong = |reason: String| WitnessError::Page(format!("its notes cannot be read: {reason}"));
    let text = answer.as_str().ok_or_else(|| wrong("no text".to_owned()))?;
    let seen: Seen = serde_json::from_str(text).map_err(|error| wrong(error.to_string()))?;
    if seen.who.len() != seen.at.len() || seen.who.len() != seen.text.len() {
        return Err(wrong("they are incomplete".to_owned()));
    }
    // An empty page costs nothing until the next trial.
    within(PATIENCE, client.goto("about:blank")).await?;
    Ok(seen)
}

/// A command to the browser, and no longer than that.
async fn within<T>(
    limit: Duration,
    command: impl Future<Output = Result<T, fantoccini::error::CmdError>>,
) -> Result<T, WitnessError> {
    match tokio::time::timeout(limit, command).await {
        Ok(answer) => answer.map_err(|error| WitnessError::Page(error.to_string())),
        Err(_) => Err(silent(limit)),
    }
}

fn silent(limit: Duration) -> WitnessError {
    WitnessError::Page(format!("no answer within {} s", limit.as_secs()))
}
