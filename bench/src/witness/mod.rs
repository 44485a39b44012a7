//! A real browser, as a witness beside the simulated clients.

mod browser;
mod driver;

pub use browser::{Browser, BrowserError, Programs};
