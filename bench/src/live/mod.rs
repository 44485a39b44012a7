//! A run as it goes on: a view on the terminal, and a page in a browser.
//!
//! Both are made of what `fleet` tells while it runs, a second at a time, on the thread that watches the run and
//! on threads of their own; the threads that measure know nothing of them. What is drawn here is for looking at:
//! the figures that count are those of the result.

mod lines;
mod screen;
mod state;

pub mod web;

pub use screen::{Screen, is_shown, leave};
pub use state::State;
