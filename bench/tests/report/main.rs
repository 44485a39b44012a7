//! What a person gets to see of a run, and what a script reads.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking, in its helpers too"
)]

#[path = "../common/browser.rs"]
mod browser;
mod choices;
mod ci;
mod compared;
mod comparisons;
mod crossover;
mod deviation;
mod fixture;
mod gates;
mod outcomes;
mod page;
mod pictures;
mod protocols;
mod store;
mod summary;
mod text;
mod told;
mod validity;
mod witness;
mod xml;
