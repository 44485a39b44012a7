//! How fast messages are taken: POST of 128 bytes over connections that are kept, to a channel that nobody reads.

use std::fs;

use tempfile::TempDir;

use crate::polling::wrk;
use crate::rig::median;
use crate::servers::{Kind, Peer};
use crate::swarm::payload;
use crate::table::head;

const ROUNDS: usize = 3;
const CONNECTIONS: [&str; 2] = ["16", "256"];

pub(crate) fn measure() -> bool {
    println!("POST of 128 B by wrk -t1, connections kept; median of {ROUNDS} rounds, taking turns");
    let (Some(relay), Some(nchan)) = (Peer::start(Kind::Relay), Peer::start(Kind::Nchan)) else {
        return false;
    };
    let folder = TempDir::new().expect("a folder can be made");
    let script = script(&folder);
    let rows = [
        ("relay", &relay, "/channels/c0/messages"),
        ("Nchan", &nchan, "/pub/c0"),
    ];
    head(&["server", "connections", "published/s", "server us/message"]);
    for connections in CONNECTIONS {
        let mut found: Vec<Vec<(f64, f64)>> = rows.iter().map(|_| Vec::new()).collect();
        for _ in 0..ROUNDS {
            for ((_, peer, path), found) in rows.iter().zip(&mut found) {
                found.push(wrk(peer, path, &["-c", connections, "-s", &script]));
            }
        }
        for ((name, _, _), found) in rows.iter().zip(&found) {
            let of = |take: fn(&(f64, f64)) -> f64| median(found.iter().map(take).collect());
            println!(
                "| {name} | {connections} | {:.0} | {:.2} |",
                of(|one| one.0),
                of(|one| one.1)
            );
        }
    }
    true
}

/// Writes what wrk needs to publish, and gives its path.
pub(crate) fn script(folder: &TempDir) -> String {
    let script = folder.path().join("post.lua");
    let text = format!(
        "wrk.method = \"POST\"\nwrk.body = [[{}]]\nwrk.headers[\"Content-Type\"] = \"application/json\"\n",
        payload(0)
    );
    fs::write(&script, text).expect("the folder is ours");
    script.to_str().expect("a plain path").to_owned()
}
