//! Which clients this machine has. What is not there is left out, past the harness, which would keep it to itself.

use std::env;
use std::io::Write;
use std::process::{Command, Stdio};

/// Where Debian keeps the packages of Node; another Node does not look there by itself.
const PACKAGES: &str = "/usr/share/nodejs";

/// Gives a command of Node that has a package.
pub(crate) fn node(package: &str) -> Option<Command> {
    let make = || {
        let mut node = Command::new("node");
        let own = env::var("NODE_PATH").unwrap_or_default();
        node.env("NODE_PATH", format!("{own}:{PACKAGES}"));
        node
    };
    let test = format!("require({package:?})");
    works(make().args(["-e", &test]))
        .then(make)
        .or_else(|| left_out(&format!("nodejs node-{package}")))
}

/// Gives a command of Python that has `websockets`. Debian's own is asked too.
pub(crate) fn python() -> Option<Command> {
    ["python3", "/usr/bin/python3"]
        .into_iter()
        .find(|python| works(Command::new(python).args(["-c", "import websockets"])))
        .map(Command::new)
        .or_else(|| left_out("python3 python3-websockets"))
}

/// Tells whether there is a curl.
pub(crate) fn curl() -> Option<()> {
    works(Command::new("curl").arg("--version"))
        .then_some(())
        .or_else(|| left_out("curl"))
}

fn works(command: &mut Command) -> bool {
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

fn left_out<T>(packages: &str) -> Option<T> {
    let thread = std::thread::current();
    let test = thread.name().unwrap_or("a test of clients");
    let text =
        format!("LEFT OUT: {test}: its client is not installed (apt-get install {packages})");
    assert!(env::var_os("PUSHMARK_NOTHING_LEFT_OUT").is_none(), "{text}");
    let _ = writeln!(std::io::stderr().lock(), "{text}");
    None
}
