//! `bench selftest`: the floor of the instrument as a table.

use super::{complain, say};
use crate::exit::Exit;
use crate::scenario::capacity;
use crate::selftest::{self, SelfTest};

pub(super) fn run() -> Exit {
    // When the limits cannot be read, the clients that cannot connect tell.
    let limits = capacity::MachineLimits::raise();
    let need = selftest::DESCRIPTORS;
    if let Some(limits) = limits.ok().filter(|limits| limits.descriptors < need) {
        complain(&format!(
            "bench needs {need} file descriptors for it and the limit is {}; raise it (ulimit -Hn {need}, as root)",
            limits.descriptors
        ));
        return Exit::Usage;
    }
    let selftest = match selftest::run() {
        Ok(selftest) => selftest,
        Err(error) => {
            complain(&super::chain(&error));
            return Exit::Target;
        }
    };
    let exit = say(&selftest.to_string());
    let over = selftest.over();
    if over.is_empty() {
        return exit;
    }
    complain(&verdict(&selftest, &over));
    exit.worse(Exit::Invalid)
}

fn verdict(selftest: &SelfTest, over: &[&str]) -> String {
    let why = if selftest.optimised {
        "the machine may be busy with other work: let it rest and try again"
    } else {
        "this is the unoptimised build, whose figures say little: build with --release"
    };
    format!("over budget: {}; {why}", over.join(", "))
}
