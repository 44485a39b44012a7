//! The rows, by what is wrong with them.

mod chunks;
mod connection;
mod length;
mod lines;
mod target;
mod version;

use crate::row::Row;

/// Gives the groups of rows with their names.
pub(crate) fn all() -> Vec<(&'static str, Vec<Row>)> {
    vec![
        ("Length and coding", length::rows()),
        ("Lines and fields", lines::rows()),
        ("Target and host", target::rows()),
        ("Method and version", version::rows()),
        ("Chunks and trailers", chunks::rows()),
        (
            "Connection, expectation, content coding",
            connection::rows(),
        ),
    ]
}
