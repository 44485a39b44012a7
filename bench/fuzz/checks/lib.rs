//! What must hold of every parser of bench, whatever it is given.
//!
//! Each check takes bytes and panics where something does not hold. A fuzzer looks for such bytes
//! (`relay/fuzz/run`), and the tests of bench replay what it has kept of them (`corpus/`).

mod changes;
mod frames;
mod http;
mod http2;
mod page;
mod pieces;
mod results;
mod scenario;
mod seen;
mod stamp;
mod stream;
mod units;
mod witness;

/// Panics where something does not hold of these bytes.
pub type Check = fn(&[u8]);

/// Every check by the name of its target and its corpus.
pub const CHECKS: [(&str, Check); 11] = [
    ("chunked", http::chunked),
    ("frames", frames::check),
    ("http", http::responses),
    ("http2", http2::check),
    ("page", page::check),
    ("results", results::check),
    ("scenario", scenario::check),
    ("stamp", stamp::check),
    ("stream", stream::check),
    ("units", units::check),
    ("witness", witness::check),
];

/// Runs the check of a target, for the fuzzer.
///
/// # Panics
/// Where something does not hold, or no check has the name.
pub fn run(name: &str, data: &[u8]) {
    let check = CHECKS.iter().find(|(known, _)| *known == name);
    check.expect("a target has the name of a check").1(data);
}
