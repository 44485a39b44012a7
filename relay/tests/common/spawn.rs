//! A program as a child process, and the line that it begins with.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};

/// Starts it and waits for its first line of output, such as `listening on http://127.0.0.1:8080`; an empty one
/// when it ended without.
pub(crate) fn spawn(command: &mut Command) -> (Child, String) {
    let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap())
        .read_line(&mut line)
        .unwrap();
    (child, line.trim().to_owned())
}

/// The address that such a line names.
pub(crate) fn address(line: &str) -> SocketAddr {
    let address = line.rsplit('/').next().unwrap_or_default().parse();
    address.unwrap_or_else(|_| panic!("it does not start: {line}"))
}
