//! A real browser for a test, or a loud word that the test was left out.

use std::env;
use std::io::Write;

use bench::witness::{Browser, BrowserError};

/// Set where no test may be left out, as in CI.
const NOTHING_LEFT_OUT: &str = "PUSHMARK_NOTHING_LEFT_OUT";

/// Starts a browser; `None` when none is installed and the calling test is therefore left out.
///
/// Browser and driver are killed when it is dropped.
pub(crate) async fn start() -> Option<Browser> {
    match Browser::start().await {
        Ok(browser) => Some(browser),
        Err(error @ BrowserError::Missing(_)) => {
            left_out(&error.to_string());
            None
        }
        Err(error) => panic!("{error}"),
    }
}

/// Tells that the calling test is left out, where the test harness does not hold it back; fails it where
/// none may be.
pub(crate) fn left_out(why: &str) {
    let thread = std::thread::current();
    // The harness gives each test a thread of its name, unless it has but one thread.
    let test = thread.name().unwrap_or("a test");
    let text = format!("LEFT OUT: {test}: {why}");
    assert!(env::var_os(NOTHING_LEFT_OUT).is_none(), "{text}");
    let _ = writeln!(std::io::stderr().lock(), "{text}");
}
