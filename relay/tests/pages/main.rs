//! The demo's pages in a real browser: Chromium, driven over WebDriver.
//!
//! Each story has a browser of its own, one after the other: side by side they would wait for each
//! other's processor.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by a panic")]

mod attacks;
mod browser;
mod chat;
mod explain;
mod https;
mod looks;
mod origins;
mod program;
mod race;
mod resume;
#[path = "../common/spawn.rs"]
mod spawn;
