//! Whether the instants that are given for arrivals move when the swarm is busy.
//!
//! 1,000 WebSockets; each message is due at the instant before it is written. The same swarm has little to do, and then
//! much: what it parses is late by then, and what the kernel stamped must not be.

use std::time::Duration;

use bench::clock::Moment;
use bench::kernel;
use bench::record::{Series, Window};
use bench::scenario::Transport;
use bench::swarm::{Report, Swarm};

use crate::figures::Figure;
use crate::rig;

const CLIENTS: usize = 1000;
/// Messages to each, and the time between two.
const IDLE: (u32, Duration) = (40, Duration::from_millis(50));
const BUSY: (u32, Duration) = (300, Duration::from_millis(8));
/// How far the 99th percentile may move, in µs.
const BUDGET_US: f64 = 50.0;

pub(crate) fn run() -> Vec<Figure> {
    println!("µs after the write; 1,000 WebSockets, 128 bytes\n");
    println!(
        "| messages/s | swarm busy | arrival p50 | p99 | delivery p50 | p99 |\n|---|---|---|---|---|---|"
    );
    let idle = measure(IDLE);
    let busy = measure(BUSY);
    let what = "p99 of arrival, busy beyond idle";
    vec![Figure::at_most(what, busy - idle, BUDGET_US, " µs")]
}

/// Gives the 99th percentile of arrival.
fn measure((rounds, pace): (u32, Duration)) -> f64 {
    rig::keep_to(1);
    let mut server = rig::Server::start();
    let ramp = Duration::from_millis(200);
    let assignment = rig::clients(server.address, Transport::Websocket, CLIENTS, ramp);
    let (swarm, mut reports) = Swarm::start(assignment).unwrap();
    let booked = std::thread::spawn(move || {
        let (mut arrival, mut delivery) = (Series::default(), Series::default());
        while let Some(report) = reports.blocking_recv() {
            if let Report::Received(second) = report {
                arrival.merge(&second.arrival);
                delivery.merge(&second.delivery);
            }
        }
        (arrival, delivery)
    });
    rig::wait_for(swarm.progress(), CLIENTS);
    let now = Moment::now();
    swarm.run(Window {
        start: now,
        measure: now,
        end: now + Duration::from_secs(3600),
    });
    std::thread::sleep(Duration::from_millis(300));
    let cpu = || kernel::cpu_time(std::process::id()).unwrap();
    let (began, before) = (Moment::now(), cpu());
    server.blast(rounds, pace);
    let seconds = Moment::now().since(began) as f64 / 1e9;
    let busy = (cpu() - before) as f64 / 1e9 / seconds;
    let all = CLIENTS as u64 * u64::from(rounds);
    let delivered = &swarm.progress().clone().delivered;
    rig::until(|| delivered.load(std::sync::atomic::Ordering::Relaxed) >= all);
    swarm.finish().unwrap();
    let (arrival, delivery) = booked.join().unwrap();
    let micros = |series: &Series, quantile| series.quantile(quantile).unwrap() as f64 / 1e3;
    println!(
        "| {:.0} | {:.0} % | {:.1} | {:.1} | {:.0} | {:.0} |",
        all as f64 / seconds,
        busy * 100.0,
        micros(&arrival, 0.5),
        micros(&arrival, 0.99),
        micros(&delivery, 0.5),
        micros(&delivery, 0.99)
    );
    micros(&arrival, 0.99)
}
