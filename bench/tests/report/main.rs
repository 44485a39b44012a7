//! What a person gets to see of a run, and what a script reads.

mod fixture;
mod pictures;
