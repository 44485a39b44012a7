//! Five hundred honest clients while others attack: they lose nothing, the relay's memory stays below what
//! its flags allow, and the attackers end for the reason that is theirs. How fast the honest are served meanwhile is
//! measured by the benchmark of the same name.
#![expect(clippy::panic, reason = "a test fails by a panic")]

mod attacks;
mod honest;
mod process;
mod rounds;
mod slowhttptest;
mod stored;

use std::time::Duration;

use honest::Crowd;
use process::{ATTACKERS, Relay};
use rounds::Times;

#[test]
fn the_honest_lose_nothing_whatever_the_hostile_do() {
    rounds::raise_descriptors();
    let relay = Relay::start(true);
    let crowd = Crowd::gather(&relay, 10);
    let bound = Relay::bound(ATTACKERS);
    let times = Times {
        calm: Duration::from_millis(200),
        attack: Duration::from_millis(1500),
        patience: Duration::from_secs(30),
    };
    for attack in attacks::ALL {
        let round = rounds::round(&relay, &crowd, attack, times);
        let (name, counted) = (attack.name, attack.counted);
        println!(
            "{name}: p99 {:?} ns, in the calm before {:?} ns",
            round.p99[0], round.p99[1]
        );
        assert!(
            round.grew < bound,
            "{name}: {} B more of {bound}",
            round.grew
        );
        let found = [&round.closed, &round.ends]
            .into_iter()
            .any(|counts| counts.contains_key(counted));
        assert!(
            found || counted.is_empty(),
            "{name}: no {counted} in {:?}, {:?}",
            round.closed,
            round.ends
        );
    }
    assert_eq!(crowd.dismiss(), Vec::<String>::new());
}
