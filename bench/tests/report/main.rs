//! What a person gets to see of a run, and what a script reads.

mod compared;
mod fixture;
mod gates;
mod pictures;
mod store;
mod summary;
mod text;
mod validity;
