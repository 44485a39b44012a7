//! What 500 honest clients notice of each attack: the 99th percentile of their delays under it, as a multiple of the
//! calm before it.
//!
//! `cargo bench -p relay --bench hostile [-- --gate]`; with `--gate` it fails past the budget, `--only TEXT` tries the attacks
//! with that in their names alone, and `--rounds N` as many rounds. Calm and attack take turns,
//! and the result is the median over the rounds, so that the machine's mood cancels out. The relay is a process of its own; the
//! attackers share the other cores with the honest clients, which go first.
#![expect(clippy::print_stdout, reason = "a benchmark's result")]
#![expect(
    clippy::panic,
    reason = "a benchmark that cannot measure has no result"
)]

#[path = "../tests/hostile/attacks/mod.rs"]
mod attacks;
#[path = "../tests/hostile/honest.rs"]
mod honest;
#[path = "../tests/hostile/process.rs"]
mod process;
#[path = "../tests/hostile/rounds.rs"]
mod rounds;

use std::collections::BTreeMap;
use std::process::ExitCode;
use std::time::Duration;

use attacks::Attack;
use honest::{CLIENTS, Crowd};
use process::{ATTACKERS, Relay};
use rounds::{Round, Times};

const ROUNDS: usize = 3; // unless `--rounds` says so
const RATE: u32 = 20;
/// How much later the honest may be served.
const BUDGET: f64 = 2.0;
const MIB: f64 = 1024.0 * 1024.0;

fn main() -> ExitCode {
    let gate = std::env::args().any(|flag| flag == "--gate");
    let rounds_wanted = given("--rounds").map_or(ROUNDS, |text| text.parse().expect("a number"));
    let only = given("--only").unwrap_or_default();
    let mut tried = attacks::ALL.to_vec();
    tried.retain(|attack| attack.name.contains(&only));
    rounds::raise_descriptors();
    let relay = Relay::start(true);
    let crowd = Crowd::gather(&relay, RATE);
    let times = Times {
        calm: Duration::from_secs(2),
        attack: Duration::from_secs(3),
        patience: Duration::ZERO,
    };
    let mut all: Vec<Vec<Round>> = tried.iter().map(|_| Vec::new()).collect();
    for _ in 0..rounds_wanted {
        for (attack, rounds) in tried.iter().zip(&mut all) {
            rounds.push(rounds::round(&relay, &crowd, *attack, times));
        }
    }
    let bound = Relay::bound(ATTACKERS) as f64 / MIB;
    println!(
        "{CLIENTS} honest clients, {RATE} messages a second to 50 of them each; {rounds_wanted} rounds of {} s calm and {} s attack",
        times.calm.as_secs(),
        times.attack.as_secs()
    );
    println!(
        "p99 under attack / in the calm before it (median of the rounds); memory that grew, of {bound:.0} MiB that the flags allow"
    );
    println!();
    println!(
        "| attack | p99 | calm, ms | memory, MiB | counted by the relay | the attackers saw |"
    );
    println!("|---|---|---|---|---|---|");
    let mut held = true;
    for (attack, rounds) in tried.iter().zip(&all) {
        held &= show(*attack, rounds, bound);
    }
    println!();
    let troubles = crowd.dismiss();
    println!(
        "lost, doubled or out of order among the honest: {}",
        troubles.len()
    );
    for trouble in &troubles {
        println!("  {trouble}");
    }
    held &= troubles.is_empty();
    let verdict = if held { "held" } else { "not held" };
    println!(
        "p99 within {BUDGET} times the calm, memory within its bound, nothing lost: {verdict}"
    );
    if held || !gate {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

/// Gives what stands behind a flag.
fn given(flag: &str) -> Option<String> {
    let mut words = std::env::args().skip_while(|word| word != flag);
    words.nth(1)
}

/// Prints a row, and tells whether it is within the budget.
fn show(attack: Attack, rounds: &[Round], bound: f64) -> bool {
    let ratio = median(
        rounds
            .iter()
            .map(|round| round.p99[0] as f64 / round.p99[1] as f64),
    );
    let calm = median(rounds.iter().map(|round| round.p99[1] as f64 / 1e6));
    let grew = rounds.iter().map(|round| round.grew).max().unwrap_or(0) as f64 / MIB;
    println!(
        "| {} | {ratio:.2} | {calm:.1} | {grew:.1} | {} | {} |",
        attack.name,
        sum(rounds.iter().map(|round| &round.closed)),
        sum(rounds.iter().map(|round| &round.ends)),
    );
    ratio <= BUDGET && grew <= bound
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn sum<'a>(counts: impl Iterator<Item = &'a BTreeMap<String, u64>>) -> String {
    let mut all = BTreeMap::new();
    for (name, count) in counts.flatten() {
        *all.entry(name).or_insert(0) += count;
    }
    let texts: Vec<String> = all
        .iter()
        .map(|(name, count)| format!("{name} {count}"))
        .collect();
    texts.join(", ")
}
