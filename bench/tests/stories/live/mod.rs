//! Runs that are followed as they go: on a terminal, by programs that read the events, and in a browser.

mod page;
mod terminal;
mod viewer;
mod web;
