//! The relay made slower by a known share, to prove that a comparison finds such a regression.
//!
//! ```text
//! cargo run --release -p relay --example slowed -- --by 0.10 --listen 127.0.0.1:8080
//! ```
//!
//! The relay itself is untouched: its runtime tells when the only thread wakes and when it is about
//! to wait. The CPU time between the two is its work, and that share of it is burnt on top before it
//! waits. So a message costs `1 + by` times the CPU, and `--by 0` is the control. A relay that never
//! waits, being saturated, is not slowed.

use std::cell::Cell;
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use rustix::time::{ClockId, clock_gettime};

/// The relay, slower by a share.
#[derive(Debug, Parser)]
#[command(name = "slowed")]
struct Cli {
    /// CPU time burnt on top of all work, as a share of it
    #[arg(long, value_name = "SHARE", default_value = "0", value_parser = share)]
    by: f64,
    #[command(flatten)]
    relay: relay::RelayArgs,
}

fn share(text: &str) -> Result<f64, String> {
    let share = text.parse().ok();
    share
        .filter(|share| (0.0..=10.0).contains(share))
        .ok_or_else(|| "write a share from 0 to 10, such as 0.25".to_owned())
}

thread_local! {
    /// The thread's CPU time when it last woke.
    static WOKE: Cell<Duration> = const { Cell::new(Duration::ZERO) };
}

fn main() -> ExitCode {
    let Cli { by, relay } = Cli::parse();
    relay::run_on(relay, || {
        tokio::runtime::Builder::new_current_thread()
            .thread_name("relay")
            .enable_all()
            .on_thread_unpark(|| WOKE.set(cpu_time()))
            .on_thread_park(move || {
                let now = cpu_time();
                let until = now + now.saturating_sub(WOKE.get()).mul_f64(by);
                while cpu_time() < until {
                    std::hint::spin_loop();
                }
            })
            .build()
    })
}

/// CPU time of this thread.
fn cpu_time() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::try_from(time).unwrap_or_default()
}
